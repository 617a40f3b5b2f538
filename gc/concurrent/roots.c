/* Root jobs: blocks of the registered globals, then one job per goroutine (F3.4), then the handles
 * of weak pointers. */
#include "gc/concurrent/mark.h"
#include "gc/concurrent/weak.h"
#include "gc/concurrent/worker.h"
#include "gc/weak.h"
#include "runtime/meta.h"

static uint64_t blocks_of(uint64_t bytes) {
  return (bytes + GC_ROOT_BLOCK_BYTES - 1) / GC_ROOT_BLOCK_BYTES;
}

void gc_mark_prepare_roots_stw(void) {
  gc_cc.global_roots = gc_global_roots_count();
  gc_cc.global_jobs = blocks_of(gc_cc.config.globals_bytes);
  for (uint64_t i = 0; i < gc_cc.global_roots; i++) {
    uint64_t blocks = blocks_of(gc_global_root_at(i).count * sizeof(void *));
    if (blocks > gc_cc.global_jobs) gc_cc.global_jobs = blocks;
  }
  gc_cc.stack_jobs = gc_stacks_at_start() ? 0 : gc_world->stacks_count();
  gc_cc.weak_jobs = gc_weak_blocks();
  uint64_t jobs = gc_cc.global_jobs + gc_cc.stack_jobs + gc_cc.weak_jobs;
  at_u64_store_relaxed(&gc_cc.root_jobs, jobs);
  at_u64_store_relaxed(&gc_cc.root_next, 0); /* all ordered by the restart */
  at_u64_store_relaxed(&gc_cc.roots_done, 0);
}

void gc_mark_tiny_blocks_stw(void) {
  for (uint32_t i = 0; i < gc_cc.procs; i++) {
    struct gc_p *p = gc_world->p_at(i);
    if (p->tiny != 0) gc_mark_grey(p->work, p->tiny);
  }
}

/* What stands for pretended globals. Of the data of a Go program one word in eighteen is a pointer,
 * hardly any of them to the heap. */
enum { WORDS_PER_POINTER = 18, NO_OBJECT = 1 };

void gc_mark_pretend_globals(uint64_t bytes) {
  if (bytes == 0) return;
  uint64_t words = (bytes < GC_ROOT_BLOCK_BYTES ? bytes : GC_ROOT_BLOCK_BYTES) / sizeof(void *);
  gc_cc.pretended = rt_meta_alloc((words + 1) * sizeof *gc_cc.pretended, PLAT_CACHE_LINE);
  for (uint64_t i = 0; i < words; i++)
    at_u64_init(&gc_cc.pretended[i], i % WORDS_PER_POINTER == 0 ? NO_OBJECT : 0);
}

/* As a slower runtime does over so many of its bytes. */
static void take_longer(uint64_t bytes) {
  double part = (double)bytes / (double)gc_cc.config.globals_bytes;
  uint64_t ns = (uint64_t)((double)gc_cc.config.globals_extra_ns * part);
  uint64_t end = plat_now_ns() + ns;
  plat_charge(PLAT_COST_compute, ns);
  while (plat_now_ns() < end) plat_relax();
}

/* Looks at so many bytes of them, so that it takes the time real ones would: while a worker does,
 * goroutines can be the first to assist. */
static void scan_pretended(struct gc_worker *w, uint64_t bytes) {
  for (uint64_t i = 0; i < bytes / sizeof(void *); i++) {
    uint64_t addr = at_quiet_load(&gc_cc.pretended[i]);
    if (addr != 0) gc_mark_grey(w, addr);
  }
  if (plat_unlikely(gc_cc.config.globals_extra_ns != 0)) take_longer(bytes);
}

/* Block `block` of every root range, the pretended one included. Returns its bytes. */
static int64_t scan_globals(struct gc_worker *w, uint64_t block) {
  uint64_t first = block * (GC_ROOT_BLOCK_BYTES / sizeof(void *));
  uint64_t words = 0;
  bool pushed = false;
  for (uint64_t i = 0; i < gc_cc.global_roots; i++) {
    struct gc_global_root root = gc_global_root_at(i);
    if (root.count <= first) continue;
    uint64_t n = root.count - first;
    if (n > GC_ROOT_BLOCK_BYTES / sizeof(void *)) n = GC_ROOT_BLOCK_BYTES / sizeof(void *);
    for (uint64_t k = 0; k < n; k++) {
      if (gc_mark_grey(w, (uintptr_t)plat_slot_load(root.base + first + k))) pushed = true;
    }
    words += n;
  }
  if (pushed) gc_worker_enlist(w->p);
  uint64_t bytes = words * sizeof(void *);
  uint64_t start = block * GC_ROOT_BLOCK_BYTES;
  if (gc_cc.config.globals_bytes > start) {
    uint64_t n = gc_cc.config.globals_bytes - start;
    if (n > GC_ROOT_BLOCK_BYTES) n = GC_ROOT_BLOCK_BYTES;
    scan_pretended(w, n);
    bytes += n;
  }
  plat_charge(PLAT_COST_scan_byte, bytes);
  return (int64_t)bytes;
}

/* The frames of a goroutine at rest. Returns the bytes of its root slots. */
static int64_t scan_frames(struct gc_worker *w, const struct gc_mutator *target) {
  uint64_t slots = 0;
  bool pushed = false;
  for (const struct gc_frame *f = target->frames; f != NULL; f = f->prev) {
    for (uint64_t i = 0; i < f->count; i++) {
      if (f->slots[i] != NULL && gc_mark_grey(w, (uintptr_t)f->slots[i])) pushed = true;
    }
    slots += f->count;
  }
  if (pushed) gc_worker_enlist(w->p);
  plat_charge(PLAT_COST_scan_byte, slots * sizeof(void *));
  return (int64_t)(slots * sizeof(void *));
}

/* F3.4.4. */
static int64_t scan_stack_job(struct gc_mutator *self, struct gc_mutator *target) {
  int64_t work = 0;
  if (target == self) {
    /* Between scannable_begin and _end nothing changes its frames. */
    rt_assert(!self->stack_scanned);
    work = scan_frames(gc_worker_of(self), self);
    self->stack_scanned = true;
  } else if (gc_world->suspend(self, target)) {
    rt_assert(!target->stack_scanned);
    work = scan_frames(gc_worker_of(self), target);
    target->stack_scanned = true;
    gc_world->resume(target);
  }
  at_i64_add_relaxed(&gc_cc.stack_scan_work, work);
  return work;
}

static int64_t scan_roots(struct gc_mutator *self, uint64_t job) {
  uint64_t first_stack = gc_cc.global_jobs, first_weak = first_stack + gc_cc.stack_jobs;
  if (job >= first_weak) return gc_weak_mark_block(gc_worker_of(self), job - first_weak);
  if (job >= first_stack) return scan_stack_job(self, gc_world->stack_at(job - first_stack));
  int64_t work = scan_globals(gc_worker_of(self), job);
  at_i64_add_relaxed(&gc_cc.globals_scan_work, work);
  return work;
}

/* root-scan-counted-early: nobody waits for the scan any more, which gives way before it has come
 * far. self may be on another P afterwards. */
static int64_t scan_uncounted(struct gc_mutator *self, uint64_t job) {
  uint32_t cycle = at_u32_load_relaxed(&gc_cc.cycles); /* written in a stop */
  at_u64_add_acqrel(&gc_cc.roots_done, 1);
  gc_worker_leave();
  gc_world->scannable_end(self);
  gc_world->yield(self);
  gc_world->scannable_begin(self);
  gc_worker_enter();
  bool is_over = gc_phase() != GC_PHASE_MARK || at_u32_load_relaxed(&gc_cc.cycles) != cycle;
  return is_over ? 0 : scan_roots(self, job);
}

/* Only workers can give way in the middle of a job. */
static bool is_uncounted(const struct gc_mutator *self) {
  return gc_has_fault(GC_FAULT_ROOT_SCAN_COUNTED_EARLY) && self->is_system;
}

int64_t gc_mark_root_job(struct gc_mutator *self, uint64_t job) {
  rt_assert(job < gc_mark_root_jobs());
  if (gc_has_fault(GC_FAULT_ROOT_SKIPPED) && job == 0 && gc_cc.cycle.number > 1) return 0;
  if (is_uncounted(self)) return scan_uncounted(self, job);
  int64_t work = scan_roots(self, job);
  at_u64_add_acqrel(&gc_cc.roots_done, 1); /* pairs with shades_new() */
  return work;
}

void gc_mark_all_stacks_stw(struct gc_mutator *self) {
  uint64_t n = gc_world->stacks_count();
  for (uint64_t i = 0; i < n; i++) {
    struct gc_mutator *target = gc_world->stack_at(i);
    int64_t work = scan_frames(gc_worker_of(self), target); /* a dead one has no frames */
    target->stack_scanned = true;
    at_i64_add_relaxed(&gc_cc.stack_scan_work, work);
  }
}

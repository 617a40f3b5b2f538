/* The Boehm-Demers-Weiser collector behind our collector interface: the baseline of every table.
 *
 * The per-P caches stay empty, so the inline allocation of gc/api.h always falls through to
 * GC_MALLOC (or GC_MALLOC_ATOMIC for pointer-free types). The price against calling the library
 * directly is one failed test and one call per allocation.
 *
 * INV gc.boehm.stacks: whenever Boehm may stop this thread, the stack bottom it knows for the
 * thread belongs to the stack the thread runs on, and every other goroutine stack is visited by
 * push_other_stacks.
 * Kept by:    gc_switch_begin()/gc_switch_end(), which hold the allocator lock (a collection needs
 *             it) across every stack switch.
 * Checked by: tests/engine, which runs linked data over migrating goroutines under Boehm.
 */
#include "gc/collector.h"

#define GC_THREADS 1
#include <gc/gc.h>
#include <gc/gc_mark.h>

enum { STOP_RING = 256 };

const struct gc_collector gc_collector = {
    .name = "boehm",
    .doc = "Boehm-Demers-Weiser libgc: conservative, stop-the-world (or incremental) mark-sweep",
    .collects = true,
    .has_write_barrier = false,
    .reports_cycles = true,
};

/* Written by the collection-event callback with Boehm's allocator lock held; the indices are
 * atomic because deliver() reads them without it. */
struct boehm_state {
  GC_push_other_roots_proc previous_push;
  struct gc_stop stops[STOP_RING];  /* ring; entries [delivered, produced) are complete */
  struct at_u64 produced;
  struct at_u64 delivered;          /* advanced by the one who set is_delivering */
  struct gc_stop current;           /* the stop under way */
  uint64_t cycle_start_ns;
  uint64_t live_before_bytes;
  uint64_t live_peak_bytes;
  uint64_t pause_total_ns;
  uint64_t started_ns;
  struct at_u64 cycles;             /* finished collections */
  struct at_u64 forced_cycles;      /* of these, asked for */
  uint64_t cycles_reported;         /* as delivered */
  uint64_t cycle_end_ns;
  struct at_u32 is_delivering;      /* no lock: the hooks take locks of lower rank */
  gc_cycle_hook *hook;
  void *hook_arg;
  struct at_u64 exited_mallocs, exited_bytes; /* of Ps already finished */
  uint32_t procs;
};
static PLAT_STATE struct boehm_state boehm;

/* The thread's own stack and Boehm's handle for it. Native threads only ever touch their own. */
struct boehm_thread {
  struct GC_stack_base base;
  void *handle;
};
static _Thread_local struct boehm_thread boehm_thread;

/* Never inlined: a goroutine may resume on another thread, so the address must not be kept. */
static __attribute__((noinline)) struct boehm_thread *this_thread(void) {
  __asm__ volatile("");
  return &boehm_thread;
}

/* gc_p.private_words */
enum { WORD_MALLOCS, WORD_BYTES };

static void push_stack(void *low, void *high, void *arg) {
  (void)arg;
  GC_push_all_eager(low, high);
}

/* With the world stopped by Boehm: pushes every stack no thread is running on. The previous
 * callback pushes the threads' own stacks; without it live objects would be freed. */
static void GC_CALLBACK push_other_stacks(void) {
  if (boehm.previous_push != 0) boehm.previous_push();
  go_each_suspended_stack(push_stack, NULL);
}

static uint64_t live_bytes_locked(void) {
  struct GC_prof_stats_s stats;
  GC_get_prof_stats_unsafe(&stats, sizeof stats);
  return stats.heapsize_full - stats.free_bytes_full;
}

static void finish_stop(void) {
  boehm.current.restarted_ns = plat_now_ns();
  boehm.pause_total_ns += boehm.current.restarted_ns - boehm.current.requested_ns;
  uint64_t n = at_u64_load_relaxed(&boehm.produced);
  boehm.stops[n % STOP_RING] = boehm.current;
  at_u64_store_release(&boehm.produced, n + 1); /* pairs with deliver: the ring entry */
}

/* Called by Boehm with its lock held; between stop and start with all other threads stopped inside
 * a signal handler, so this only takes time stamps. */
static void GC_CALLBACK on_event(GC_EventType event) {
  if (event == GC_EVENT_START) {
    boehm.cycle_start_ns = plat_now_ns();
    boehm.live_before_bytes = live_bytes_locked();
    if (boehm.live_before_bytes > boehm.live_peak_bytes)
      boehm.live_peak_bytes = boehm.live_before_bytes;
  } else if (event == GC_EVENT_PRE_STOP_WORLD) {
    boehm.current = (struct gc_stop){.reason = "boehm collection", .requested_ns = plat_now_ns()};
  } else if (event == GC_EVENT_POST_STOP_WORLD) {
    boehm.current.stopped_ns = plat_now_ns();
  } else if (event == GC_EVENT_POST_START_WORLD) {
    finish_stop();
  } else if (event == GC_EVENT_END) {
    boehm.cycle_end_ns = plat_now_ns();
    at_u64_add_acqrel(&boehm.cycles, 1); /* pairs with deliver: the cycle's times */
  }
}

static void report_cycle(void) {
  struct gc_cycle cycle = {
      .number = at_u64_load_relaxed(&boehm.cycles),
      .procs = boehm.procs,
      .start_ns = boehm.cycle_start_ns,
      .mark_ns = boehm.cycle_start_ns,
      .mark_term_ns = boehm.cycle_end_ns,
      .end_ns = boehm.cycle_end_ns,
      .pause_total_ns = boehm.pause_total_ns,
      .heap_start_bytes = boehm.live_before_bytes,
      .heap_end_bytes = boehm.live_before_bytes,
      .heap_goal_bytes = GC_get_heap_size(),
      .trigger_bytes = boehm.live_before_bytes,
  };
  if (boehm.hook != NULL) boehm.hook(&cycle, boehm.hook_arg);
}

static void deliver_new(struct gc_mutator *mu) {
  uint64_t produced = at_u64_load_acquire(&boehm.produced); /* pairs with finish_stop */
  uint64_t next = at_u64_load_relaxed(&boehm.delivered);
  if (produced - next > STOP_RING) next = produced - STOP_RING;
  for (; next != produced; next++) gc_world->record_stop(mu, &boehm.stops[next % STOP_RING]);
  at_u64_store_relaxed(&boehm.delivered, next);
  uint64_t cycles = at_u64_load_acquire(&boehm.cycles); /* pairs with on_event */
  if (cycles != boehm.cycles_reported) {
    boehm.cycles_reported = cycles;
    report_cycle();
  }
}

/* Hands finished stops to the scheduler's hook, outside Boehm's lock. */
static void deliver(struct gc_mutator *mu) {
  uint32_t nobody = 0;
  if (!at_u32_cas_acqrel(&boehm.is_delivering, &nobody, 1)) return; /* pairs with the store */
  deliver_new(mu);
  at_u32_store_release(&boehm.is_delivering, 0); /* pairs with the CAS above */
}

static void *GC_CALLBACK out_of_memory(size_t bytes) {
  uint64_t heap = GC_get_heap_size();
  rt_fatal(RT_END_NOMEM, "out of memory: Boehm could not get %zu bytes (heap %llu bytes)", bytes,
           (unsigned long long)heap);
}

enum rt_err gc_init(const struct gc_config *config, const struct gc_world_ops *ops) {
  gc_world = ops;
  if (config->boehm_markers != 0) GC_set_markers_count(config->boehm_markers);
  GC_set_all_interior_pointers(1);
  GC_INIT();
  if (config->boehm_incremental) GC_enable_incremental();
  if (config->memory_cap_bytes != 0) GC_set_max_heap_size(config->memory_cap_bytes);
  GC_set_oom_fn(out_of_memory);
  GC_allow_register_threads();
  boehm.previous_push = GC_get_push_other_roots();
  GC_set_push_other_roots(push_other_stacks);
  GC_set_on_collection_event(on_event);
  boehm.started_ns = plat_now_ns();
  at_u32_store_relaxed(&gc_flags.switch_hooks, 1); /* before any other thread exists */
  return RT_OK;
}

void gc_start(struct gc_mutator *self) {
  (void)self;
  boehm.procs = gc_world->procs();
}

void gc_finish(void) {
  GC_set_on_collection_event(0);
  GC_set_push_other_roots(boehm.previous_push);
  at_u32_store_relaxed(&gc_flags.switch_hooks, 0); /* no other thread is left */
  memset(&boehm, 0, sizeof boehm);
}

void gc_thread_enter(void) {
  struct boehm_thread *t = this_thread();
  rt_assert(GC_get_stack_base(&t->base) == GC_SUCCESS);
  int registered = GC_register_my_thread(&t->base);
  rt_assert(registered == GC_SUCCESS || registered == GC_DUPLICATE);
  struct GC_stack_base unused;
  t->handle = GC_get_my_stackbottom(&unused);
}

void gc_thread_exit(void) {
  if (GC_thread_is_registered()) GC_unregister_my_thread();
}

void gc_switch_begin(void *to_stack_top) {
  struct boehm_thread *t = this_thread();
  struct GC_stack_base base = t->base;
  if (to_stack_top != NULL) base.mem_base = to_stack_top;
  GC_alloc_lock();
  GC_set_stackbottom(t->handle, &base);
}

void gc_switch_end(void) { GC_alloc_unlock(); }

/* ---- allocation ---------------------------------------------------------------------------- */

static void *allocate(struct gc_mutator *mu, uint64_t bytes, bool noscan) {
  gc_poll(mu);
  void *object = noscan ? GC_MALLOC_ATOMIC(bytes) : GC_MALLOC(bytes);
  if (noscan) memset(object, 0, bytes);
  mu->p->private_words[WORD_MALLOCS]++;
  mu->p->private_words[WORD_BYTES] += bytes;
  if (plat_unlikely(at_u64_load_relaxed(&boehm.produced) !=
                    at_u64_load_relaxed(&boehm.delivered))) {
    GC_ROOTS(mu, keep, 1);
    keep[0] = object;
    deliver(mu);
    object = keep[0];
    GC_ROOTS_END(mu, keep);
  }
  return object;
}

void *gc_alloc_slow(struct gc_mutator *mu, const struct gc_type *t, uint64_t count) {
  rt_assert(count >= 1 && (t->size == 0 || count <= SIZE_MAX / t->size));
  uint64_t bytes = t->size * count;
  if (bytes == 0) return gc_zero_size_object();
  return allocate(mu, bytes, t->ptrdata == 0);
}

void *gc_alloc_bytes_slow(struct gc_mutator *mu, uint64_t bytes) {
  if (bytes == 0) return gc_zero_size_object();
  return allocate(mu, bytes, true);
}

void gc_store_slow(struct gc_mutator *mu, void **slot, void *value) {
  (void)mu, (void)slot, (void)value;
  rt_die("Boehm has no write barrier, yet gc_flags.barrier_on is set");
}

void gc_store_bulk_slow(struct gc_mutator *mu, void **slot, void *value) {
  gc_store_slow(mu, slot, value);
}

void gc_shade_handover(struct gc_mutator *mu, void *value) { (void)mu, (void)value; }

/* ---- weak pointers: Boehm's disappearing links ----------------------------------------------- */

/* Hidden from a conservative collector: the complement of the object's address; 0: it is gone. */
struct hidden {
  void *address;
};

void *gc_weak_make(struct gc_mutator *mu, void *object) {
  GC_ROOTS(mu, keep, 1);
  keep[0] = object;
  struct hidden *handle = gc_alloc_bytes(mu, sizeof *handle);
  handle->address = (void *)GC_HIDE_POINTER(keep[0]);
  int added = GC_general_register_disappearing_link(&handle->address, GC_base(keep[0]));
  rt_assert(added == GC_SUCCESS);
  GC_ROOTS_END(mu, keep);
  return handle;
}

static void *GC_CALLBACK reveal(void *handle) {
  const struct hidden *h = handle;
  return h->address == NULL ? NULL : GC_REVEAL_POINTER(h->address);
}

void *gc_weak_get(struct gc_mutator *mu, void *handle) {
  (void)mu;
  return GC_call_with_alloc_lock(reveal, handle);
}

void gc_add_global_roots(void **base, uint64_t count) { GC_add_roots(base, base + count); }

/* ---- collections and totals ---------------------------------------------------------------- */

void gc_collect(struct gc_mutator *self) {
  at_u64_add_relaxed(&boehm.forced_cycles, 1); /* a figure */
  GC_gcollect();
  deliver(self);
}

static void add_p_counts(struct gc_totals *out) {
  uint32_t procs = gc_world->procs();
  for (uint32_t i = 0; i < procs; i++) {
    const struct gc_p *p = gc_world->p_at(i);
    out->mallocs += p->private_words[WORD_MALLOCS];
    out->bytes_allocated += p->private_words[WORD_BYTES];
  }
}

void gc_totals_read(struct gc_mutator *self, struct gc_totals *out) {
  if (self != NULL) deliver(self);
  struct GC_prof_stats_s stats;
  GC_get_prof_stats(&stats, sizeof stats);
  *out = (struct gc_totals){
      .cycles = at_u64_load_relaxed(&boehm.cycles),
      .forced_cycles = at_u64_load_relaxed(&boehm.forced_cycles),
      .pause_ns = boehm.pause_total_ns,
      .mallocs = at_u64_load_relaxed(&boehm.exited_mallocs),
      .bytes_allocated = at_u64_load_relaxed(&boehm.exited_bytes),
      .heap_live_bytes = stats.heapsize_full - stats.free_bytes_full,
      .heap_live_peak_bytes = boehm.live_peak_bytes,
      .heap_goal_bytes = stats.heapsize_full,
      .heap_committed_bytes = stats.heapsize_full,
  };
  if (out->heap_live_bytes > out->heap_live_peak_bytes)
    out->heap_live_peak_bytes = out->heap_live_bytes;
  if (self != NULL) add_p_counts(out);
  uint64_t elapsed = plat_now_ns() - boehm.started_ns;
  if (elapsed > 0) out->cpu_fraction = (double)boehm.pause_total_ns / (double)elapsed;
}

void gc_set_cycle_hook(gc_cycle_hook *hook, void *arg) {
  boehm.hook_arg = arg;
  boehm.hook = hook;
}

/* ---- what only our collector needs --------------------------------------------------------- */

void gc_p_init(struct gc_p *p, uint32_t index, uint64_t fastrand_seed) {
  memset(p, 0, sizeof *p);
  p->index = index;
  p->fastrand = fastrand_seed;
}

void gc_p_finish(struct gc_p *p) {
  at_u64_add_relaxed(&boehm.exited_mallocs, p->private_words[WORD_MALLOCS]);
  at_u64_add_relaxed(&boehm.exited_bytes, p->private_words[WORD_BYTES]);
}

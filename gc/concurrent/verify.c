#include "gc/concurrent/verify.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "gc/concurrent/wb.h"
#include "gc/weak.h"
#include "runtime/meta.h"

enum {
  CHUNK_ENTRIES = 2048,
  PATH_MAX_STEPS = 12,      /* of a path that are named in a report */
  REPORT_BYTES = 2048
};

/* Where a reachable object was first found. */
#define FROM_STACK (UINT64_C(1) << 63)  /* | index of the goroutine */
#define FROM_GLOBAL (UINT64_C(1) << 62) /* | index of the root range */

/* An object in breadth-first order, which makes the path to it a shortest one. */
struct entry {
  uintptr_t object;
  uint64_t from; /* number of the entry that refers to it, or FROM_* */
  uint64_t word; /* which word of that object, frame or range */
};

struct chunk {
  struct chunk *next;
  struct entry entry[CHUNK_ENTRIES];
};

static PLAT_STATE struct {
  struct chunk *first, *last; /* kept for the next verification */
  uint64_t count;             /* entries in use */
  uint64_t *seen;             /* a bit for every 8 bytes of the heap: object starts reached; all
                               * clear between two verifications */
  uint64_t seen_bytes;
} v;

/* ---- reports -------------------------------------------------------------------------------- */

struct report {
  char text[REPORT_BYTES];
  size_t used;
};

__attribute__((format(printf, 2, 3))) static void add(struct report *r, const char *fmt, ...) {
  va_list args;
  va_start(args, fmt);
  int n = vsnprintf(r->text + r->used, sizeof r->text - r->used, fmt, args);
  va_end(args);
  if (n > 0) r->used += (size_t)n;
  if (r->used >= sizeof r->text) r->used = sizeof r->text - 1;
}

static const char *type_name(const struct gc_span *span, uint32_t index) {
  if (gc_span_is_noscan(span)) return "pointer-free";
  uint16_t id = gc_span_type(span, index);
  if (span->types == NULL) return "pointer";
  if (id == 0) return "untyped";
  return gc_type_by_id(id & (uint16_t)~GC_TYPE_ARRAY)->name;
}

/* Heap offsets, not addresses: the same run reports the same text. */
static void add_object(struct report *r, uintptr_t object) {
  struct gc_span *span;
  uint32_t index;
  if (!gc_find_object(object, &span, &index)) return;
  bool array = !gc_span_is_noscan(span) && (gc_span_type(span, index) & GC_TYPE_ARRAY) != 0;
  add(r, "%s%s at heap+0x%" PRIx64 " (span class %u, slot %" PRIu32 " of %" PRIu64
      " bytes, %s)",
      type_name(span, index), array ? " array" : "",
      (uint64_t)(gc_span_object(span, index) - gc_heap.base), span->span_class, index,
      span->elem_bytes, gc_is_marked(span, index) ? "marked" : "not marked");
}

static const struct entry *entry_at(uint64_t number) {
  const struct chunk *c = v.first;
  for (; number >= CHUNK_ENTRIES; number -= CHUNK_ENTRIES) c = c->next;
  return &c->entry[number];
}

static void add_root(struct report *r, const struct entry *e) {
  if ((e->from & FROM_STACK) != 0) {
    const struct gc_mutator *mu = gc_world->stack_at(e->from & ~FROM_STACK);
    add(r, "; from slot %" PRIu64 " of goroutine %" PRIu64 " (stack %s)", e->word, mu->id,
        mu->stack_scanned ? "scanned" : "not scanned");
  } else {
    add(r, "; from word %" PRIu64 " of global root %" PRIu64, e->word, e->from & ~FROM_GLOBAL);
  }
}

/* The way the walk came to the object that `found` names, backwards. */
static void add_path(struct report *r, const struct entry *found) {
  const struct entry *e = found;
  for (int steps = 0; steps < PATH_MAX_STEPS; steps++) {
    if ((e->from & (FROM_STACK | FROM_GLOBAL)) != 0) {
      add_root(r, e);
      return;
    }
    const struct entry *parent = entry_at(e->from);
    add(r, "; from word %" PRIu64 " of ", e->word);
    add_object(r, parent->object);
    e = parent;
  }
  add(r, "; ...");
}

_Noreturn static void violation(const char *what, const struct entry *found) {
  struct report r = {.used = 0};
  add(&r, "heap verifier, cycle %" PRIu64 ": %s: ", gc_cc.cycle.number, what);
  add_object(&r, found->object);
  add_path(&r, found);
  rt_fatal(RT_END_VIOLATION, "%s", r.text);
}

/* ---- reachability --------------------------------------------------------------------------- */

static uint64_t round_to_pages(uint64_t bytes) {
  return (bytes + GC_PAGE_BYTES - 1) / GC_PAGE_BYTES * GC_PAGE_BYTES;
}

static void seen_open(void) {
  /* World stopped: nothing grows. */
  uint64_t bytes = round_to_pages(at_u64_load_relaxed(&gc_heap.grown_bytes) / 64 + 8);
  if (bytes <= v.seen_bytes) return;
  if (v.seen != NULL) plat_vm_release(v.seen, v.seen_bytes);
  v.seen_bytes = bytes;
  v.seen = plat_vm_reserve(v.seen_bytes, GC_PAGE_BYTES);
  if (v.seen == NULL || plat_vm_commit(v.seen, v.seen_bytes) != RT_OK)
    rt_fatal(RT_END_NOMEM, "out of memory: the heap verifier needs %" PRIu64 " bytes",
             v.seen_bytes);
}

static uint64_t *seen_word(uintptr_t object) {
  return &v.seen[(object - gc_heap.base) / 512];
}

/* True: seen for the first time. */
static bool see(uintptr_t object) {
  uint64_t mask = 1ULL << ((object - gc_heap.base) / 8 % 64);
  bool fresh = (*seen_word(object) & mask) == 0;
  *seen_word(object) |= mask;
  return fresh;
}

static void append(struct entry e) {
  if (v.count % CHUNK_ENTRIES == 0) {
    struct chunk *next = v.count == 0 ? v.first : v.last->next;
    if (next == NULL) {
      next = rt_meta_alloc(sizeof *next, PLAT_CACHE_LINE);
      if (v.count == 0) v.first = next;
      if (v.count != 0) v.last->next = next;
    }
    v.last = next;
  }
  v.last->entry[v.count++ % CHUNK_ENTRIES] = e;
}

static void reach(uintptr_t addr, uint64_t from, uint64_t word) {
  struct gc_span *span;
  uint32_t index;
  if (!gc_find_object(addr, &span, &index)) return;
  struct entry e = {gc_span_object(span, index), from, word};
  if (!see(e.object)) return;
  if (!gc_span_slot_is_allocated(span, index)) violation("reachable object is free", &e);
  if (!gc_is_marked(span, index)) violation("reachable object is not marked", &e);
  append(e);
}

static void reach_from_value(uintptr_t base, uint64_t first_word, const struct gc_type *t,
                             uint64_t from) {
  for (uint32_t i = 0; i < t->ptrdata / 8; i++) {
    if (gc_type_is_pointer(t, i))
      reach((uintptr_t)plat_slot_load((void **)base + i), from, first_word + i);
  }
}

/* Everything entry number n refers to. */
static void reach_from_entry(uint64_t n, const struct entry *e) {
  struct gc_span *span = gc_find_span(e->object);
  uint32_t index = gc_span_index(span, e->object);
  if (gc_span_is_noscan(span)) return;
  if (span->types == NULL) {
    reach((uintptr_t)plat_slot_load((void **)e->object), n, 0);
    return;
  }
  uint16_t id = gc_span_type(span, index);
  if (id == 0) violation("reachable object has no type", e);
  const struct gc_type *t = gc_type_by_id(id & (uint16_t)~GC_TYPE_ARRAY);
  uint64_t values = (id & GC_TYPE_ARRAY) != 0 ? span->elem_bytes / t->size : 1;
  for (uint64_t i = 0; i < values; i++)
    reach_from_value(e->object + i * t->size, i * (t->size / 8), t, n);
}

static void reach_from_roots(void) {
  uint64_t stacks = gc_world->stacks_count();
  for (uint64_t i = 0; i < stacks; i++) {
    uint64_t slot = 0;
    for (const struct gc_frame *f = gc_world->stack_at(i)->frames; f != NULL; f = f->prev) {
      for (uint64_t k = 0; k < f->count; k++) reach((uintptr_t)f->slots[k], FROM_STACK | i, slot++);
    }
  }
  uint64_t globals = gc_global_roots_count();
  for (uint64_t i = 0; i < globals; i++) {
    struct gc_global_root root = gc_global_root_at(i);
    for (uint64_t k = 0; k < root.count; k++)
      reach((uintptr_t)plat_slot_load(root.base + k), FROM_GLOBAL | i, k);
  }
}

static void reach_all(void) {
  v.count = 0;
  reach_from_roots();
  const struct chunk *c = v.first;
  for (uint64_t n = 0; n < v.count; n++) {
    if (n != 0 && n % CHUNK_ENTRIES == 0) c = c->next;
    struct entry e = c->entry[n % CHUNK_ENTRIES];
    reach_from_entry(n, &e);
  }
}

static void forget_seen(void) {
  const struct chunk *c = v.first;
  for (uint64_t n = 0; n < v.count; n++) {
    if (n != 0 && n % CHUNK_ENTRIES == 0) c = c->next;
    *seen_word(c->entry[n % CHUNK_ENTRIES].object) = 0;
  }
}

/* ---- what was left over -------------------------------------------------------------------- */

static PLAT_STATE struct report left; /* empty: nothing */

/* The first white object a barrier buffer holds. */
static void note_buffer(const struct gc_p *p) {
  const struct gc_wb_buffer *b = p->wb;
  uint32_t words = b->next < b->capacity ? b->next : b->capacity;
  for (uint32_t i = 0; i < words; i++) {
    struct gc_span *span;
    uint32_t index;
    if (!gc_find_object(b->word[i], &span, &index) || gc_is_marked(span, index)) continue;
    add(&left, "; the barrier buffer of processor %" PRIu32 " still has ", p->index);
    add_object(&left, b->word[i]);
    return;
  }
}

void gc_verify_leftovers_stw(void) {
  left.used = 0;
  for (uint32_t i = 0; i < gc_cc.procs; i++) {
    const struct gc_p *p = gc_world->p_at(i);
    note_buffer(p);
    if (!gc_work_is_empty(p->work))
      add(&left, "; processor %" PRIu32 " still has grey objects", p->index);
  }
  if (!gc_work_global_is_empty()) add(&left, "; grey objects are left for everybody");
  uint64_t done = at_u64_load_relaxed(&gc_cc.roots_done); /* world stopped, as all here */
  uint64_t jobs = at_u64_load_relaxed(&gc_cc.root_jobs);
  if (done != jobs)
    add(&left, "; %" PRIu64 " of %" PRIu64 " root jobs are done", done, jobs);
}

static void check_leftovers(void) {
  if (left.used > 0)
    rt_fatal(RT_END_VIOLATION, "heap verifier, cycle %" PRIu64 ": marking was declared over%s",
             gc_cc.cycle.number, left.text);
}

/* ---- accounting ----------------------------------------------------------------------------- */

static void count_slot(struct gc_span *span, uint32_t i, uint64_t *marked) {
  *marked += span->elem_bytes;
  if (gc_span_slot_is_allocated(span, i)) return;
  struct report r = {.used = 0};
  add(&r, "heap verifier, cycle %" PRIu64 ": marked slot is free: ", gc_cc.cycle.number);
  add_object(&r, gc_span_object(span, i));
  rt_fatal(RT_END_VIOLATION, "%s", r.text);
}

static void count_span(struct gc_span *span, void *arg) {
  for (uint32_t word = 0; word * 64 < span->nelems; word++) {
    uint64_t bits = at_u64_load_relaxed(&span->mark_bits[word]); /* world stopped */
    for (; bits != 0; bits &= bits - 1) {
      uint32_t i = word * 64 + (uint32_t)__builtin_ctzll(bits);
      if (i < span->nelems) count_slot(span, i, arg);
    }
  }
}

static void check_accounts(void) {
  uint64_t marked = 0;
  gc_heap_each_span_stw(count_span, &marked);
  uint64_t counted = at_u64_load_relaxed(&gc_cc.bytes_marked); /* world stopped */
  if (marked != counted)
    rt_fatal(RT_END_VIOLATION,
             "heap verifier, cycle %" PRIu64 ": %" PRIu64 " bytes are marked but %" PRIu64
             " were counted",
             gc_cc.cycle.number, marked, counted);
}

/* ---- weak pointers --------------------------------------------------------------------------- */

static void check_handle(struct gc_weak_handle *handle, void *arg) {
  struct gc_span *span;
  uint32_t index;
  (void)arg;
  if (!gc_find_object((uintptr_t)handle, &span, &index) || gc_is_marked(span, index)) return;
  struct report r = {.used = 0};
  add(&r, "heap verifier, cycle %" PRIu64 ": handle of a weak pointer is not marked: ",
      gc_cc.cycle.number);
  add_object(&r, (uintptr_t)handle);
  rt_fatal(RT_END_VIOLATION, "%s", r.text);
}

static void check_weak(void) {
  gc_weak_check_stw();
  for (uint64_t i = 0; i < gc_weak_blocks(); i++) gc_weak_each(i, check_handle, NULL);
}

void gc_verify_heap(void) {
  rt_assert(gc_phase() == GC_PHASE_MARK_TERM);
  rt_assert(gc_work_global_is_empty());
  for (uint32_t i = 0; i < gc_cc.procs; i++) {
    const struct gc_p *p = gc_world->p_at(i);
    rt_assert(gc_work_is_empty(p->work));
    rt_assert(p->work->bytes_marked == 0 && p->work->scan_work == 0);
  }
  gc_heap_sync_stw();
  seen_open();
  reach_all();
  check_leftovers();
  check_accounts();
  check_weak();
  gc_heap_check_stw();
  forget_seen();
}

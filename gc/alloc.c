/* Allocation behind the inline path of gc/api.h, in the order of F2.2. */
#include "gc/heap.h"
#include "gc/heap_int.h"
#include "gc/hooks.h"
#include "gc/sweep.h"

enum {
  ZERO_CHUNK_BYTES = 256 * 1024, /* a large pointer-free object is cleared in such steps */
  ROOM_FULL = 3,     /* collections in a row after which a heap is really full: what others have
                        allocated black in one is freed by the next */
  ROOM_TRIES_MAX = 100 /* for one object, where others may have taken what was freed */
};

/* A slot that was taken and what the rest of the allocation must know. */
struct taken {
  char *object;
  struct gc_span *span;
  uint32_t index;
  bool is_refilled; /* the heap trigger is due (F2.2.8) */
};

static bool is_marking(void) {
  return at_u32_load_relaxed(&gc_flags.blacken_on) != 0; /* changes while the world is stopped */
}

static bool may_assist(const struct gc_mutator *mu) {
  return !mu->is_system && mu->no_preempt == 0;
}

/* F2.2.2, before anything is allocated. A safepoint. */
static void charge_assist(struct gc_mutator *mu, uint64_t bytes) {
  if (mu->is_system) return;
  mu->assist_bytes -= (int64_t)bytes;
  if (mu->assist_bytes < 0 && may_assist(mu)) gc_hook_assist(mu);
}

/* Every allocation begins as a safepoint; then the assist is charged. After this mu->p does not
 * change until the object is complete, but by make_room(). */
static inline void begin(struct gc_mutator *mu, uint64_t bytes) {
  gc_poll(mu);
  if (plat_unlikely(is_marking())) charge_assist(mu, bytes);
}

/* The search of memory for one object. */
struct room {
  uint32_t tries; /* collections for it */
  uint32_t full;  /* the last so many of them left the heap full */
};

/* There is no memory for an object of so many bytes: collects, after which it is to be tried again,
 * or ends the run. A safepoint. */
static void make_room(struct gc_mutator *mu, uint64_t bytes, struct room *r) {
  bool may_collect = !mu->is_system && mu->no_preempt == 0 && bytes <= gc_heap.cap_bytes &&
                     bytes <= gc_heap.reserved_bytes;
  uint64_t live_bytes;
  if (!may_collect || r->full >= ROOM_FULL || r->tries >= ROOM_TRIES_MAX ||
      !gc_hook_emergency(mu, &live_bytes))
    gc_heap_end_without_memory(bytes, r->tries > 0);
  uint64_t room = at_u64_load_relaxed(&gc_heap.grown_bytes) / 8 * 7; /* the rest is waste */
  r->tries++;
  r->full = live_bytes + bytes > room ? r->full + 1 : 0;
}

/* F2.2.6: whatever is allocated during marking is black. */
static void mark_black(struct gc_p *p, const struct taken *t) {
  if (gc_heap.allocate_white) return;
  gc_mark_test_and_set(t->span, t->index);
  gc_page_mark(t->span);
  gc_hook_allocated_black(p, t->span->elem_bytes);
}

/* F2.2.8. The object is rooted meanwhile: starting a cycle is a safepoint. */
static void *start_cycle_slow(struct gc_mutator *mu, void *object) {
  GC_ROOTS(mu, keep, 1);
  keep[0] = object;
  gc_hook_start(mu);
  object = keep[0];
  GC_ROOTS_END(mu, keep);
  return object;
}

/* What follows once the object exists. bytes: as asked. */
static inline void *finish(struct gc_mutator *mu, const struct taken *t, uint64_t bytes) {
  struct gc_p *p = mu->p;
  plat_charge(PLAT_COST_alloc, 1);
  at_fence_publish();
  if (plat_unlikely(is_marking())) {
    mark_black(p, t);
    if (!mu->is_system) mu->assist_bytes -= (int64_t)(t->span->elem_bytes - bytes);
  }
  if (plat_unlikely(t->is_refilled) && mu->no_preempt == 0 && gc_hook_trigger())
    return start_cycle_slow(mu, t->object);
  return t->object;
}

/* ---- small objects --------------------------------------------------------------------------- */

/* True: by a refill. */
static __attribute__((noinline)) bool fill(struct gc_mutator *mu, uint8_t span_class) {
  struct room room = {0};
  enum gc_fill got = gc_cache_fill(mu->p, span_class);
  while (got == GC_FILL_NONE) {
    make_room(mu, gc_size_classes[span_class / 2].bytes, &room);
    got = mu->p->cache[span_class].bits != 0 ? GC_FILL_GROUP : gc_cache_fill(mu->p, span_class);
  }
  return got == GC_FILL_SPAN;
}

static inline struct taken take_slot(struct gc_mutator *mu, uint8_t span_class, uint16_t type) {
  struct taken t;
  t.is_refilled = plat_unlikely(mu->p->cache[span_class].bits == 0) && fill(mu, span_class);
  struct gc_cache_slot *c = &mu->p->cache[span_class];
  uint32_t slot = (uint32_t)__builtin_ctzll(c->bits);
  c->bits &= c->bits - 1;
  c->types[slot] = type;
  t.span = c->span;
  t.index = c->group_index + slot;
  t.object = c->group_base + (size_t)slot * c->elem_bytes;
  return t;
}

static inline void *alloc_noscan(struct gc_mutator *mu, uint64_t bytes) {
  uint8_t span_class = (uint8_t)(2 * gc_size_class_of(bytes) + 1);
  struct taken t = take_slot(mu, span_class, 0);
  return finish(mu, &t, bytes);
}

/* F2.3: bytes is 1..15. */
static void *alloc_tiny(struct gc_mutator *mu, uint32_t bytes) {
  struct gc_p *p = mu->p;
  uint32_t align = bytes % 8 == 0 ? 8 : bytes % 4 == 0 ? 4 : bytes % 2 == 0 ? 2 : 1;
  uint32_t offset = (p->tiny_offset + align - 1) & ~(align - 1);
  if (p->tiny != 0 && offset + bytes <= GC_TINY_BYTES) {
    p->tiny_offset = offset + bytes;
    p->tiny_allocs++;
    return (void *)(p->tiny + offset);
  }
  struct taken t = take_slot(mu, GC_TINY_SPAN_CLASS, 0);
  p = mu->p;
  if (bytes < p->tiny_offset || p->tiny == 0) {
    p->tiny = (uintptr_t)t.object;
    p->tiny_offset = bytes;
  }
  return finish(mu, &t, bytes);
}

/* ---- large objects (F2.6) -------------------------------------------------------------------- */

/* A span for one large object. */
static struct gc_span *take_pages(struct gc_mutator *mu, uint64_t bytes, uint8_t span_class) {
  uint64_t npages = bytes / GC_PAGE_BYTES + (bytes % GC_PAGE_BYTES != 0);
  if (npages <= gc_heap.reserved_bytes / GC_PAGE_BYTES)
    gc_sweep_deduct_credit(mu->p, npages * GC_PAGE_BYTES, npages);
  struct gc_span *span;
  for (struct room room = {0}; (span = gc_span_new(mu->p, npages, span_class)) == NULL;)
    make_room(mu, bytes, &room);
  return span;
}

/* scan_bytes: 0 for pointer-free. */
static struct taken take_large(struct gc_mutator *mu, uint64_t bytes, uint64_t scan_bytes,
                               uint16_t type) {
  struct gc_span *span = take_pages(mu, bytes, scan_bytes == 0 ? 1 : 0);
  uint64_t slot_bytes = span->npages * GC_PAGE_BYTES;
  span->limit = span->base + bytes;
  span->freeindex = span->alloc_count = 1;
  span->large_scan_bytes = scan_bytes;
  if (span->types != NULL) span->types[0] = type;
  at_u64_add_relaxed(&gc_heap.n.total_alloc, slot_bytes);
  at_u64_add_relaxed(&gc_heap.n.mallocs, 1);
  at_u64_add_relaxed(&gc_heap.n.mallocs_of_class[0], 1);
  gc_heap_update(mu->p, (int64_t)slot_bytes, 0);
  gc_central_push_swept(span);
  return (struct taken){.object = (char *)span->base, .span = span, .is_refilled = true};
}

/* F2.6.2: with a safepoint before each step, so that a stop need not wait for gigabytes. */
static void clear_in_steps(struct gc_mutator *mu, char *object, uint64_t bytes) {
  GC_ROOTS(mu, keep, 1);
  keep[0] = object;
  for (uint64_t done = 0; done < bytes; done += ZERO_CHUNK_BYTES) {
    uint64_t step = bytes - done < ZERO_CHUNK_BYTES ? bytes - done : ZERO_CHUNK_BYTES;
    gc_poll(mu);
    memset(object + done, 0, step);
    plat_charge(PLAT_COST_zero_byte, step);
  }
  GC_ROOTS_END(mu, keep);
}

static void *alloc_large(struct gc_mutator *mu, uint64_t bytes, uint64_t scan_bytes,
                         uint16_t type) {
  struct taken t = take_large(mu, bytes, scan_bytes, type);
  struct gc_p *p = mu->p;
  bool is_dirty = t.span->needzero;
  if (scan_bytes != 0 && is_dirty) {
    memset(t.object, 0, t.span->elem_bytes);
    plat_charge(PLAT_COST_zero_byte, t.span->elem_bytes);
  }
  p->scan_alloc += scan_bytes;
  uint64_t slot_bytes = t.span->elem_bytes;
  plat_charge(PLAT_COST_alloc, 1);
  at_fence_publish();
  bool is_black = is_marking();
  if (is_black) mark_black(p, &t);
  if (scan_bytes == 0 && is_dirty) clear_in_steps(mu, t.object, slot_bytes);
  if (is_black && !mu->is_system) mu->assist_bytes -= (int64_t)(slot_bytes - bytes);
  if (mu->no_preempt == 0 && gc_hook_trigger()) return start_cycle_slow(mu, t.object);
  return t.object;
}

/* ---- the interface --------------------------------------------------------------------------- */

static void *alloc_pointer_free(struct gc_mutator *mu, uint64_t bytes) {
  if (bytes < GC_TINY_BYTES) return alloc_tiny(mu, (uint32_t)bytes);
  if (plat_likely(bytes <= GC_SMALL_MAX_BYTES)) return alloc_noscan(mu, bytes);
  return alloc_large(mu, bytes, 0, 0);
}

void *gc_alloc_bytes_slow(struct gc_mutator *mu, uint64_t bytes) {
  if (bytes == 0) return gc_zero_size_object();
  begin(mu, bytes);
  return alloc_pointer_free(mu, bytes);
}

void *gc_alloc_slow(struct gc_mutator *mu, const struct gc_type *t, uint64_t count) {
  rt_assert(count >= 1 && t->id != 0);
  uint64_t bytes;
  if (__builtin_mul_overflow((uint64_t)t->size, count, &bytes))
    rt_fatal(RT_END_NOMEM, "out of memory: %llu values of %u bytes asked",
             (unsigned long long)count, t->size);
  if (bytes == 0) return gc_zero_size_object();
  begin(mu, bytes);
  if (t->ptrdata == 0) return alloc_pointer_free(mu, bytes);
  uint64_t scan_bytes = bytes - t->size + t->ptrdata; /* F2.2.4 */
  uint16_t type = count == 1 ? t->id : (uint16_t)(t->id | GC_TYPE_ARRAY);
  if (bytes > GC_SMALL_MAX_BYTES) return alloc_large(mu, bytes, scan_bytes, type);
  struct taken taken = take_slot(mu, (uint8_t)(2 * gc_size_class_of(bytes)), type);
  mu->p->scan_alloc += scan_bytes;
  return finish(mu, &taken, bytes);
}

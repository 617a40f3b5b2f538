/* What a P may allocate from without asking: one span per class, loaded in groups of 64 slots.
 *
 * INV gc.cache.count: while a span is cached, alloc_count counts the slots that were allocated
 * when it was taken plus every free slot of the groups loaded since; the free slots left in the
 * P's gc_cache_slot are subtracted again when the group is unloaded.
 * Checked by: tests/heap/test_accounting.c, test_random.c.
 */
#include "gc/heap_int.h"
#include "gc/hooks.h"
#include "gc/sweep.h"
#include "gc/world.h"
#include "runtime/meta.h"

void gc_cache_init(struct gc_p *p) {
  if (p->heap == NULL) p->heap = rt_meta_alloc(sizeof *p->heap, PLAT_CACHE_LINE);
  memset(p->heap, 0, sizeof *p->heap);
  memset(p->cache, 0, sizeof p->cache);
  p->heap->flush_gen = at_u32_load_relaxed(&gc_heap.sweepgen); /* changes only when stopped */
  p->tiny = 0;
  p->tiny_offset = 0;
  p->tiny_allocs = 0;
  p->scan_alloc = 0;
}

void gc_cache_finish(struct gc_p *p) {
  gc_cache_flush(p);
  gc_heap_give_page_cache(p);
}

/* ---- groups of slots ------------------------------------------------------------------------- */

/* Zeroes the free slots of a group, neighbouring ones at once. */
static void clear_slots(const struct gc_span *span, uint32_t first, uint64_t slots) {
  while (slots != 0) {
    uint32_t start = (uint32_t)__builtin_ctzll(slots);
    uint64_t rest = ~(slots >> start);
    uint32_t length = rest == 0 ? 64 : (uint32_t)__builtin_ctzll(rest);
    uint64_t bytes = length * span->elem_bytes;
    memset((void *)gc_span_object(span, first + start), 0, bytes);
    plat_charge(PLAT_COST_zero_byte, bytes);
    if (start + length >= 64) break;
    slots &= UINT64_MAX << (start + length);
  }
}

/* Checking mode: the slots must be as they were left; then opens them. */
static void open_slots(const struct gc_span *span, uint32_t first, uint64_t slots) {
  for (; slots != 0; slots &= slots - 1)
    gc_poison_check_slot(span, first + (uint32_t)__builtin_ctzll(slots));
}

/* Which slots of the group that starts at first may be allocated. */
static uint64_t free_slots_of(const struct gc_span *span, uint32_t first) {
  uint64_t slots = ~at_u64_load_relaxed(&span->alloc_bits[first / 64]); /* owned */
  if (span->freeindex > first) slots &= UINT64_MAX << (span->freeindex - first);
  if (span->nelems - first < 64) slots &= (1ULL << (span->nelems - first)) - 1;
  return slots;
}

/* Loads the next group with a free slot. false: the span is full (F2.4.2). */
static bool load_group(struct gc_p *p, struct gc_cache_slot *c) {
  struct gc_span *span = c->span;
  rt_assert(c->bits == 0);
  while (span->freeindex < span->nelems) {
    uint32_t first = span->freeindex & ~63U;
    uint64_t slots = free_slots_of(span, first);
    span->freeindex = span->nelems - first > 64 ? first + 64 : span->nelems;
    if (slots == 0) continue;
    span->alloc_count += (uint32_t)__builtin_popcountll(slots);
    span->loaded_first = first;
    if (gc_heap.check) open_slots(span, first, slots);
    if (span->needzero) clear_slots(span, first, slots);
    c->bits = slots;
    c->group_index = first;
    c->group_base = (char *)gc_span_object(span, first);
    c->types = span->types != NULL ? span->types + first : p->heap->no_types;
    return true;
  }
  return false;
}

/* Gives the free slots of the loaded group back to the span. */
static void unload_group(struct gc_cache_slot *c) {
  struct gc_span *span = c->span;
  span->loaded_free = 0;
  if (c->bits == 0) return;
  span->alloc_count -= (uint32_t)__builtin_popcountll(c->bits);
  span->freeindex = c->group_index + (uint32_t)__builtin_ctzll(c->bits);
  if (gc_heap.check) {
    for (uint64_t slots = c->bits; slots != 0; slots &= slots - 1) {
      uint32_t index = c->group_index + (uint32_t)__builtin_ctzll(slots);
      if (span->needzero)
        gc_poison_slot(span, index);
      else
        plat_poison((void *)gc_span_object(span, index), span->elem_bytes);
    }
  }
  c->bits = 0;
}

void gc_heap_sync_stw(void) {
  uint32_t procs = gc_world->procs();
  for (uint32_t i = 0; i < procs; i++) {
    const struct gc_p *p = gc_world->p_at(i);
    for (uint32_t k = 0; k < GC_SPAN_CLASSES; k++)
      if (p->cache[k].span != NULL) p->cache[k].span->loaded_free = p->cache[k].bits;
  }
}

/* ---- spans ----------------------------------------------------------------------------------- */

/* Counts what was allocated from a span while it was cached. */
static void count_used(struct gc_span *span) {
  uint64_t used = span->alloc_count - span->alloc_count_before_cache;
  at_u64_add_relaxed(&gc_heap.n.total_alloc, used * span->elem_bytes);
  at_u64_add_relaxed(&gc_heap.n.mallocs, used);
  at_u64_add_relaxed(&gc_heap.n.mallocs_of_class[span->span_class >> 1], used);
}

static void count_tiny(struct gc_p *p) {
  at_u64_add_relaxed(&gc_heap.n.tiny_allocs, p->tiny_allocs);
  p->tiny_allocs = 0;
}

/* F2.5.2: a full span goes back. */
static void return_full(struct gc_p *p, struct gc_cache_slot *c) {
  struct gc_span *span = c->span;
  rt_assert(span->alloc_count == span->nelems);
  unload_group(c);
  count_used(span);
  if (span->span_class == GC_TINY_SPAN_CLASS) count_tiny(p);
  c->span = NULL;
  gc_central_put(p, span);
}

/* F2.5.1 to F2.5.5. false: no memory; the slot is empty. */
static bool refill(struct gc_p *p, uint8_t span_class) {
  struct gc_cache_slot *c = &p->cache[span_class];
  uint32_t now = at_u32_load_relaxed(&gc_heap.sweepgen); /* changes only when stopped */
  rt_assert(p->heap->flush_gen == now);                  /* gc.sweep.alloc */
  if (c->span != NULL) return_full(p, c);
  struct gc_span *span = gc_central_take(p, span_class);
  if (span == NULL) return false;
  at_u32_store_relaxed(&span->sweepgen, now + 3); /* owned: in no set */
  span->alloc_count_before_cache = span->alloc_count;
  c->span = span;
  c->elem_bytes = (uint32_t)span->elem_bytes;
  uint64_t used_bytes = span->alloc_count * span->elem_bytes;
  uint64_t scan_bytes = p->scan_alloc;
  p->scan_alloc = 0;
  gc_heap_update(p, (int64_t)(span->npages * GC_PAGE_BYTES - used_bytes), scan_bytes);
  return true;
}

enum gc_fill gc_cache_fill(struct gc_p *p, uint8_t span_class) {
  struct gc_cache_slot *c = &p->cache[span_class];
  rt_assert(span_class >= 2 && c->bits == 0);
  if (c->span != NULL && load_group(p, c)) return GC_FILL_GROUP;
  if (!refill(p, span_class)) return GC_FILL_NONE;
  bool has_slot = load_group(p, c);
  rt_assert(has_slot);
  return GC_FILL_SPAN;
}

/* One span of F2.5.6. Returns what heap_live must give back. */
static uint64_t release_span(struct gc_p *p, struct gc_cache_slot *c) {
  struct gc_span *span = c->span;
  unload_group(c);
  count_used(span);
  /* A stale span was charged before heap_live was recomputed. */
  uint32_t now = at_u32_load_relaxed(&gc_heap.sweepgen);          /* changes when stopped */
  bool is_stale = at_u32_load_relaxed(&span->sweepgen) == now + 1; /* owned */
  uint64_t unused = is_stale ? 0 : (span->nelems - span->alloc_count) * span->elem_bytes;
  c->span = NULL;
  gc_central_put(p, span);
  return unused;
}

void gc_cache_flush(struct gc_p *p) {
  uint64_t scan_bytes = p->scan_alloc;
  uint64_t unused = 0;
  p->scan_alloc = 0;
  for (uint32_t k = 2; k < GC_SPAN_CLASSES; k++)
    if (p->cache[k].span != NULL) unused += release_span(p, &p->cache[k]);
  p->tiny = 0;
  p->tiny_offset = 0;
  count_tiny(p);
  gc_heap_update(p, -(int64_t)unused, scan_bytes);
}

bool gc_cache_is_prepared(const struct gc_p *p) {
  return p->heap->flush_gen == at_u32_load_relaxed(&gc_heap.sweepgen); /* changes when stopped */
}

void gc_cache_prepare(struct gc_p *p) {
  if (gc_cache_is_prepared(p)) return;
  gc_cache_flush(p);
  p->heap->flush_gen = at_u32_load_relaxed(&gc_heap.sweepgen);
}

/* ---- accounting ------------------------------------------------------------------------------ */

static void raise_peak(uint64_t live) {
  struct at_u64 *peak = &gc_heap.n.heap_live_peak;
  uint64_t old = at_u64_load_relaxed(peak);                            /* a statistic */
  while (live > old && !at_u64_cas_acqrel(peak, &old, live)) continue; /* pairs with itself */
}

void gc_heap_update(struct gc_p *p, int64_t live_bytes, uint64_t scan_bytes) {
  if (live_bytes != 0) {
    uint64_t delta = (uint64_t)live_bytes;
    uint64_t live = at_u64_add_relaxed(&gc_heap.n.heap_live, delta) + delta; /* a figure */
    if (live_bytes > 0) raise_peak(live);
  }
  gc_hook_update(p, scan_bytes);
}

void gc_heap_reset_live_stw(uint64_t marked_bytes) {
  at_u64_store_relaxed(&gc_heap.n.heap_live, marked_bytes); /* the world is stopped */
}

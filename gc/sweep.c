#include "gc/sweep.h"

#include "gc/heap_int.h"
#include "gc/hooks.h"
#include "gc/weak.h"
#include "gc/world.h"
#include "runtime/lockrank.h"

enum {
  MIN_DISTANCE_BYTES = 1 << 20,        /* F5.1, sweepMinHeapDistance */
  RECLAIM_PAGES = 512                  /* claimed at a time by the page reclaimer */
};
#define RECLAIM_DONE (1ULL << 63)
#define DRAINED 0x80000000U /* bit of sweep.active: no span is left to be taken */

/* Fields are written in the stop that begins a phase, or as said. */
static PLAT_STATE struct {
  struct at_u32 active;         /* spans being swept or blockers; DRAINED; any sweeper */
  struct at_u32 class_index;    /* first set that may hold work; only grows */
  struct at_u64 reclaim_index;  /* next page to look at; >= RECLAIM_DONE: exhausted */
  struct at_u64 reclaim_credit; /* pages freed and not asked for yet */
  uint64_t reclaim_end;         /* pages the heap had when the phase began */
  struct at_u64 pages_per_byte; /* bits of a double; 0: no sweeping is owed. gc_sweep_pace,
                                   and anybody who finds that nothing is left */
  struct at_u64 live_basis;     /* heap_live at the last gc_sweep_pace */
  struct at_u64 swept_basis;    /* pages_swept at the last gc_sweep_pace; stored last */
  struct plat_mutex lock;       /* background: protects the two below */
  struct gc_mutator *background;
  bool is_parked;
} sweep;

void gc_sweep_init(void) {
  memset(&sweep, 0, sizeof sweep);
  plat_mutex_init(&sweep.lock, RT_RANK_SWEEP, "sweep");
  at_u32_init(&sweep.active, DRAINED); /* nothing to sweep before the first cycle */
  at_u64_init(&sweep.reclaim_index, RECLAIM_DONE);
}

static uint32_t sweepgen_now(void) {
  return at_u32_load_relaxed(&gc_heap.sweepgen); /* changes only while the world is stopped */
}

/* ---- the phase ------------------------------------------------------------------------------- */

bool gc_sweep_is_done(void) {
  return at_u32_load_acquire(&sweep.active) == DRAINED; /* pairs with gc_sweep_end */
}

bool gc_sweep_begin(void) {
  uint32_t active = at_u32_load_relaxed(&sweep.active); /* only a first guess for the swap */
  do {
    if ((active & DRAINED) != 0) return false;
  } while (!at_u32_cas_acqrel(&sweep.active, &active, active + 1)); /* pairs with gc_sweep_end */
  return true;
}

void gc_sweep_end(struct gc_p *p) {
  /* pairs with gc_sweep_is_done: everything this sweeper freed */
  uint32_t before = at_u32_add_acqrel(&sweep.active, UINT32_MAX);
  rt_assert((before & ~DRAINED) != 0);
  if (before != DRAINED + 1) return;
  gc_hook_swept(p);
}

void gc_sweep_block(void) {
  bool is_open = gc_sweep_begin();
  rt_assert(is_open);
}

void gc_sweep_unblock(struct gc_p *p) {
  gc_sweep_end(p);
}

void gc_sweep_start_stw(void) {
  rt_assert(gc_sweep_is_done());
  at_u32_add_relaxed(&gc_heap.sweepgen, 2); /* the world is stopped: as all stores here */
  gc_central_start_sweep_stw();
  at_u64_store_relaxed(&gc_heap.n.pages_swept, 0);
  at_u64_store_relaxed(&sweep.swept_basis, 0);
  at_u64_store_relaxed(&sweep.pages_per_byte, 0);
  at_u32_store_relaxed(&sweep.class_index, 0);
  at_u64_store_relaxed(&sweep.reclaim_index, 0);
  at_u64_store_relaxed(&sweep.reclaim_credit, 0);
  sweep.reclaim_end = gc_heap_grown_pages();
  at_u32_store_release(&sweep.active, 0); /* pairs with gc_sweep_begin */
}

void gc_sweep_finish_stw(struct gc_p *p) {
  while (gc_sweep_one(p) != GC_SWEEP_NONE) continue;
  rt_assert(gc_sweep_is_done());
}

/* ---- one span -------------------------------------------------------------------------------- */

bool gc_sweep_acquire(struct gc_span *span) {
  uint32_t unswept = sweepgen_now() - 2;
  /* pairs with the store of sweepgen by its last owner, a phase ago */
  return at_u32_load_relaxed(&span->sweepgen) == unswept &&
         at_u32_cas_acqrel(&span->sweepgen, &unswept, unswept + 1);
}

/* A marked slot that was never allocated: the marker followed a pointer into free memory. */
static void check_marks(const struct gc_span *span) {
  for (uint32_t word = span->freeindex / 64; word < gc_span_words(span); word++) {
    uint64_t free_slots = ~at_u64_load_relaxed(&span->alloc_bits[word]); /* owned */
    if (span->freeindex / 64 == word) free_slots &= UINT64_MAX << (span->freeindex % 64);
    uint64_t bad = at_u64_load_relaxed(&span->mark_bits[word]) & free_slots;
    if (bad != 0)
      rt_fatal(RT_END_VIOLATION,
               "found pointer to free object: slot %u of a span of %llu-byte slots at heap offset "
               "%llu is marked but free",
               word * 64 + (uint32_t)__builtin_ctzll(bad), (unsigned long long)span->elem_bytes,
               (unsigned long long)(span->base - gc_heap.base));
  }
}

/* Marks become allocation bits, and fresh mark bits are clear. Returns the live slots. */
static uint32_t turn_bits(struct gc_span *span) {
  uint32_t live = 0;
  struct at_u64 *marks = span->mark_bits;
  span->mark_bits = span->alloc_bits;
  span->alloc_bits = marks;
  for (uint32_t word = 0; word < gc_span_words(span); word++) {
    live += (uint32_t)__builtin_popcountll(at_u64_load_relaxed(&marks[word])); /* owned */
    at_u64_store_relaxed(&span->mark_bits[word], 0); /* owned until sweepgen says swept */
  }
  return live;
}

static void count_freed(const struct gc_span *span, uint32_t freed) {
  at_u64_add_relaxed(&gc_heap.n.total_free, freed * span->elem_bytes);
  at_u64_add_relaxed(&gc_heap.n.frees, freed);
}

bool gc_sweep_span(struct gc_p *p, struct gc_span *span, bool keep) {
  uint32_t now = sweepgen_now();
  rt_assert(at_u32_load_relaxed(&span->sweepgen) == now - 1);
  rt_assert(at_u32_load_relaxed(&span->state) == GC_SPAN_IN_USE);
  plat_charge(PLAT_COST_sweep_span, 1);
  at_u64_add_relaxed(&gc_heap.n.pages_swept, span->npages); /* a count; read by pacing only */
  check_marks(span);
  gc_weak_sweep(span);
  struct gc_poison_before before = {
      .freeindex = span->freeindex, .alloc_bits = span->alloc_bits, .needzero = span->needzero};
  bool is_large = span->span_class < 2;
  uint32_t live, freed;
  if (gc_heap.check && !is_large) {
    /* The old allocation bits must survive until the freed slots are known. */
    struct at_u64 old[16];
    rt_assert(gc_span_words(span) <= 16);
    for (uint32_t i = 0; i < gc_span_words(span); i++)
      at_u64_init(&old[i], at_u64_load_relaxed(&span->alloc_bits[i])); /* owned */
    before.alloc_bits = old;
    live = turn_bits(span);
    freed = span->alloc_count - live;
    if (freed > 0) gc_poison_swept(span, &before);
  } else {
    live = turn_bits(span);
    freed = span->alloc_count - live;
  }
  rt_assert(live <= span->alloc_count);
  span->alloc_count = live;
  span->freeindex = 0;
  if (freed > 0) {
    span->needzero = true;
    count_freed(span, freed);
  }
  at_u32_store_release(&span->sweepgen, now); /* pairs with gc_sweep_acquire, two phases on */
  if (keep) return false;
  if (live == 0) {
    gc_span_free(p, span);
    return true;
  }
  gc_central_push_swept(span);
  return false;
}

/* The next span of the phase in the order of F2.9.3, perhaps one somebody else has swept. */
static struct gc_span *next_span(bool *is_gone) {
  uint32_t start = at_u32_load_relaxed(&sweep.class_index); /* a bound that only grows */
  struct gc_span *span = NULL;
  uint32_t index = start;
  for (;; index++) {
    index = gc_central_next_unswept(index);
    if (index == GC_CENTRAL_SETS) break;
    span = gc_central_pop_unswept((uint8_t)(index / 2), index % 2 == 0, is_gone);
    if (span != NULL) break;
  }
  while (start < index && !at_u32_cas_acqrel(&sweep.class_index, &start, index))
    continue; /* pairs with itself: the bound is no data */
  return span;
}

/* Sweeps one span if there is one; the caller is an active sweeper. */
static uint64_t sweep_next(struct gc_p *p) {
  for (;;) {
    bool is_gone = false;
    struct gc_span *span = next_span(&is_gone);
    if (span == NULL) {
      at_u32_or_acqrel(&sweep.active, DRAINED); /* pairs with gc_sweep_begin */
      return GC_SWEEP_NONE;
    }
    if (is_gone || !gc_sweep_acquire(span)) continue;
    uint64_t npages = span->npages;
    if (!gc_sweep_span(p, span, false)) return 0;
    at_u64_add_relaxed(&sweep.reclaim_credit, npages); /* a count */
    return npages;
  }
}

uint64_t gc_sweep_one(struct gc_p *p) {
  if (!gc_sweep_begin()) return GC_SWEEP_NONE;
  uint64_t npages = sweep_next(p);
  gc_sweep_end(p);
  return npages;
}

bool gc_sweep_ensure(struct gc_p *p, struct gc_span *span) {
  uint32_t now = sweepgen_now();
  uint32_t generation = at_u32_load_acquire(&span->sweepgen); /* pairs with gc_sweep_span */
  if (generation == now || generation == now + 3) return true;
  if (!gc_sweep_begin()) return false;
  bool is_mine = gc_sweep_acquire(span);
  if (is_mine) gc_sweep_span(p, span, false);
  gc_sweep_end(p);
  return is_mine;
}

/* ---- proportional sweeping ------------------------------------------------------------------- */

static double pages_per_byte(void) {
  uint64_t bits = at_u64_load_relaxed(&sweep.pages_per_byte); /* self-contained */
  double ratio;
  memcpy(&ratio, &bits, sizeof ratio);
  return ratio;
}

static void set_pages_per_byte(double ratio) {
  uint64_t bits;
  memcpy(&bits, &ratio, sizeof bits);
  at_u64_store_relaxed(&sweep.pages_per_byte, bits); /* self-contained */
}

void gc_sweep_pace(uint64_t trigger_bytes, uint64_t heap_live_bytes) {
  if (gc_sweep_is_done()) {
    set_pages_per_byte(0);
    return;
  }
  int64_t distance = (int64_t)trigger_bytes - (int64_t)heap_live_bytes - MIN_DISTANCE_BYTES;
  if (distance < GC_PAGE_BYTES) distance = GC_PAGE_BYTES;
  uint64_t swept = at_u64_load_relaxed(&gc_heap.n.pages_swept); /* a count */
  int64_t npages = (int64_t)(at_u64_load_relaxed(&gc_heap.n.pages_in_use) - swept);
  if (npages <= 0) {
    set_pages_per_byte(0);
    return;
  }
  set_pages_per_byte((double)npages / (double)distance);
  at_u64_store_relaxed(&sweep.live_basis, heap_live_bytes);
  at_u64_store_release(&sweep.swept_basis, swept); /* pairs with gc_sweep_deduct_credit */
}

/* Pages that must have been swept since the basis before span_bytes more are allocated. */
static int64_t pages_owed(uint64_t span_bytes, uint64_t caller_pages) {
  uint64_t live = at_u64_load_relaxed(&gc_heap.n.heap_live); /* estimates, as in Go */
  uint64_t basis = at_u64_load_relaxed(&sweep.live_basis);
  uint64_t new_live = span_bytes;
  if (basis < live) new_live += live - basis;
  return (int64_t)(pages_per_byte() * (double)new_live) - (int64_t)caller_pages;
}

void gc_sweep_deduct_credit(struct gc_p *p, uint64_t span_bytes, uint64_t caller_pages) {
  if (at_u64_load_relaxed(&sweep.pages_per_byte) == 0) return;         /* the bits of 0.0 */
  uint64_t basis, basis_now = at_u64_load_acquire(&sweep.swept_basis); /* gc_sweep_pace */
  do {
    basis = basis_now;
    int64_t owed = pages_owed(span_bytes, caller_pages);
    while (owed > (int64_t)(at_u64_load_relaxed(&gc_heap.n.pages_swept) - basis)) {
      if (gc_sweep_one(p) == GC_SWEEP_NONE) {
        set_pages_per_byte(0);
        return;
      }
      basis_now = at_u64_load_acquire(&sweep.swept_basis); /* pairs with gc_sweep_pace */
      if (basis_now != basis) break;
    }
  } while (basis_now != basis);
}

/* ---- the page reclaimer ---------------------------------------------------------------------- */

/* Sweeps the spans of 64 pages that hold no marked object. Returns the pages freed. Heap lock held
 * on entry and exit, not between. */
static uint64_t reclaim_word_locked(struct gc_p *p, uint64_t first) {
  uint64_t freed = 0;
  for (uint32_t bit = 0; bit < 64; bit++) {
    if ((gc_heap_unmarked_heads_locked(first) >> bit & 1) == 0) continue;
    struct gc_span *span = gc_heap_span_of_page_locked(first + bit);
    if (!gc_sweep_acquire(span)) continue;
    uint64_t npages = span->npages;
    gc_heap_unlock();
    if (gc_sweep_span(p, span, false)) freed += npages;
    gc_heap_lock();
  }
  return freed;
}

static uint64_t reclaim_chunk(struct gc_p *p, uint64_t first) {
  if (!gc_sweep_begin()) return 0;
  uint64_t freed = 0;
  gc_heap_lock();
  for (uint64_t page = first; page < first + RECLAIM_PAGES && page < sweep.reclaim_end; page += 64)
    freed += reclaim_word_locked(p, page);
  gc_heap_unlock();
  gc_sweep_end(p);
  return freed;
}

void gc_sweep_reclaim(struct gc_p *p, uint64_t npages) {
  while (npages > 0 && at_u64_load_relaxed(&sweep.reclaim_index) < RECLAIM_DONE) {
    uint64_t credit = at_u64_load_relaxed(&sweep.reclaim_credit); /* a first guess */
    if (credit > 0) {
      uint64_t take = credit < npages ? credit : npages;
      /* pairs with itself: a count */
      if (at_u64_cas_acqrel(&sweep.reclaim_credit, &credit, credit - take)) npages -= take;
      continue;
    }
    uint64_t first = at_u64_add_relaxed(&sweep.reclaim_index, RECLAIM_PAGES); /* a claim */
    if (first >= sweep.reclaim_end) {
      at_u64_store_relaxed(&sweep.reclaim_index, RECLAIM_DONE); /* any order will do */
      return;
    }
    uint64_t freed = reclaim_chunk(p, first);
    if (freed > npages) at_u64_add_relaxed(&sweep.reclaim_credit, freed - npages); /* a count */
    npages -= freed < npages ? freed : npages;
  }
}

/* ---- the background sweeper ------------------------------------------------------------------ */

void gc_sweep_background(struct gc_mutator *self, void *arg) {
  (void)arg;
  for (;;) {
    while (gc_sweep_one(self->p) != GC_SWEEP_NONE) gc_world->yield(self);
    plat_mutex_lock(&sweep.lock);
    sweep.background = self;
    if (!gc_sweep_is_done()) { /* others are still sweeping, or a new phase has begun */
      plat_mutex_unlock(&sweep.lock);
      gc_world_yield_waiting(self);
      continue;
    }
    sweep.is_parked = true;
    gc_world->park(self, &sweep.lock, "GC sweep wait");
  }
}

void gc_sweep_wake(struct gc_mutator *self) {
  plat_mutex_lock(&sweep.lock);
  bool was_parked = sweep.is_parked;
  sweep.is_parked = false;
  struct gc_mutator *background = sweep.background;
  plat_mutex_unlock(&sweep.lock);
  if (was_parked) gc_world->ready(self, background, false);
}

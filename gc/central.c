/* The shared stock of spans, one per span class (F2.7).
 *
 * Four first-in-first-out sets per class: {partial, full} x {swept, unswept}. The two roles of
 * swept and unswept change places with every sweep phase, so starting one moves nothing.
 *
 * INV gc.central.sets: a span in use that no P caches and nobody is sweeping lies in exactly one
 * set of its class: swept or not as its sweepgen says, full iff it has no free slot (unswept:
 * as it was when it was put in). One that was swept out of its turn stays in its unswept set until
 * it is popped (is_swept_early). A dead span in a set is a zombie (is_zombie).
 * Kept by:    gc_central_put(), gc_central_push_swept(), gc_span_free().
 * Checked by: tests/heap/test_random.c (counts of sets against spans).
 */
#include "gc/heap_int.h"
#include "gc/sweep.h"
#include "runtime/lockrank.h"

enum { TAKE_BUDGET = 100 }; /* unswept spans looked at before a new one is made */

struct span_set {
  struct at_ptr head;   /* written under the lock; read without it only against NULL */
  struct gc_span *tail; /* lock */
};

struct central {
  struct plat_mutex lock;              /* protects the sets and the set fields of their spans */
  struct span_set partial[2], full[2]; /* by sweepgen / 2 % 2: see set_of */
} __attribute__((aligned(PLAT_CACHE_LINE)));

static PLAT_STATE struct central centrals[GC_SPAN_CLASSES];

/* Bit per set of a role, numbered as in gc_central_next_unswept: something was put in since the
 * sets became the swept ones. Most sets are empty, and a sweeper need not look at each. */
enum { SET_WORDS = (GC_CENTRAL_SETS + 63) / 64 };
static PLAT_STATE struct at_u64 occupied[2][SET_WORDS];

void gc_central_init(void) {
  memset(centrals, 0, sizeof centrals);
  memset(occupied, 0, sizeof occupied);
  for (uint32_t i = 0; i < GC_SPAN_CLASSES; i++)
    plat_mutex_init(&centrals[i].lock, RT_RANK_CENTRAL, "central");
}

void gc_central_finish(void) {
  for (uint32_t i = 0; i < GC_SPAN_CLASSES; i++) plat_mutex_destroy(&centrals[i].lock);
}

static uint32_t sweepgen_now(void) {
  return at_u32_load_relaxed(&gc_heap.sweepgen); /* changes only while the world is stopped */
}

static struct span_set *set_of(struct central *c, bool full, bool swept) {
  uint32_t role = sweepgen_now() / 2 % 2;
  uint32_t which = swept ? role : 1 - role;
  return full ? &c->full[which] : &c->partial[which];
}

/* ---- first in, first out --------------------------------------------------------------------- */

static void push_locked(struct central *c, struct span_set *set, struct gc_span *span) {
  rt_assert(plat_mutex_held(&c->lock));
  rt_assert(!span->is_queued);
  span->is_queued = true;
  span->set_next = NULL;
  if (at_ptr_load_relaxed(&set->head) == NULL)
    at_ptr_store_relaxed(&set->head, span); /* contents are read under the lock */
  else
    set->tail->set_next = span;
  set->tail = span;
}

static struct gc_span *pop_locked(struct central *c, struct span_set *set) {
  rt_assert(plat_mutex_held(&c->lock));
  struct gc_span *span = at_ptr_load_relaxed(&set->head);
  if (span == NULL) return NULL;
  rt_assert(span->is_queued);
  at_ptr_store_relaxed(&set->head, span->set_next);
  span->set_next = NULL;
  span->is_queued = false;
  return span;
}

static bool has_free_slot(const struct gc_span *span) {
  return span->alloc_count < span->nelems;
}

static void note_occupied(uint8_t span_class, bool full) {
  uint32_t set = 2u * span_class + !full;
  struct at_u64 *word = &occupied[sweepgen_now() / 2 % 2][set / 64];
  uint64_t bit = UINT64_C(1) << set % 64;
  /* read by sweepers of the next phase, after a stop */
  if ((at_u64_load_relaxed(word) & bit) == 0) at_u64_or_relaxed(word, bit);
}

static void push_swept_locked(struct central *c, struct gc_span *span, bool full) {
  push_locked(c, set_of(c, full, true), span);
  note_occupied(span->span_class, full);
}

static void push(struct gc_span *span, bool full) {
  struct central *c = &centrals[span->span_class];
  plat_mutex_lock(&c->lock);
  if (span->is_queued)
    span->is_swept_early = true;
  else
    push_swept_locked(c, span, full);
  plat_mutex_unlock(&c->lock);
}

static void assert_swept(const struct gc_span *span) {
  uint32_t now = sweepgen_now();
  rt_assert(at_u32_load_relaxed(&span->sweepgen) == now);
}

void gc_central_push_swept(struct gc_span *span) {
  assert_swept(span);
  push(span, span->alloc_count == span->nelems);
}

void gc_central_start_sweep_stw(void) {
  struct at_u64 *words = occupied[sweepgen_now() / 2 % 2]; /* of sets that are all empty */
  for (uint32_t i = 0; i < SET_WORDS; i++) at_u64_store_relaxed(&words[i], 0);
}

uint32_t gc_central_next_unswept(uint32_t set) {
  const struct at_u64 *words = occupied[1 - sweepgen_now() / 2 % 2];
  while (set < GC_CENTRAL_SETS) {
    uint64_t left = at_u64_load_relaxed(&words[set / 64]) >> set % 64; /* a phase ago */
    if (left != 0) return set + (uint32_t)__builtin_ctzll(left);
    set = (set / 64 + 1) * 64;
  }
  return GC_CENTRAL_SETS;
}

struct gc_span *gc_central_pop_unswept(uint8_t span_class, bool full, bool *is_gone) {
  struct central *c = &centrals[span_class];
  struct span_set *set = set_of(c, full, false);
  *is_gone = false;
  /* Nothing is added to an unswept set, so one that looks empty is. */
  if (at_ptr_load_relaxed(&set->head) == NULL) return NULL;
  plat_mutex_lock(&c->lock);
  struct gc_span *span = pop_locked(c, set);
  bool is_zombie = span != NULL && span->is_zombie;
  bool is_swept = span != NULL && span->is_swept_early;
  if (is_swept) {
    span->is_swept_early = false;
    push_swept_locked(c, span, !has_free_slot(span));
  }
  plat_mutex_unlock(&c->lock);
  if (is_zombie) gc_span_recycle(span);
  *is_gone = is_zombie || is_swept;
  return span;
}

static struct gc_span *pop_partial_swept(uint8_t span_class) {
  struct central *c = &centrals[span_class];
  struct span_set *set = set_of(c, false, true);
  /* A span added just now may be missed, as in a lock taken a moment earlier. */
  if (at_ptr_load_relaxed(&set->head) == NULL) return NULL;
  plat_mutex_lock(&c->lock);
  struct gc_span *span = pop_locked(c, set);
  plat_mutex_unlock(&c->lock);
  return span;
}

bool gc_central_leave_zombie(struct gc_span *span) {
  struct central *c = &centrals[span->span_class];
  plat_mutex_lock(&c->lock);
  bool is_queued = span->is_queued;
  span->is_zombie = is_queued;
  plat_mutex_unlock(&c->lock);
  return is_queued;
}

uint64_t gc_central_count_stw(uint8_t span_class, bool full, bool swept) {
  const struct span_set *set = set_of(&centrals[span_class], full, swept);
  uint64_t count = 0;
  const struct gc_span *span = at_ptr_load_relaxed(&set->head); /* stopped */
  for (; span != NULL; span = span->set_next) count++;
  return count;
}

/* ---- taking and giving back ------------------------------------------------------------------ */

/* Sweeps spans of one unswept set until one has a free slot. NULL: none, or the budget is spent
 * (it may go one below zero, F2.7.2). The caller is an active sweeper. */
static struct gc_span *sweep_for_slot(struct gc_p *p, uint8_t span_class, bool full, int *budget) {
  for (; *budget >= 0; --*budget) {
    bool is_gone;
    struct gc_span *span = gc_central_pop_unswept(span_class, full, &is_gone);
    if (span == NULL) return NULL;
    if (is_gone || !gc_sweep_acquire(span)) continue;
    gc_sweep_span(p, span, true);
    if (!full || has_free_slot(span)) return span;
    gc_central_push_swept(span);
  }
  return NULL;
}

static struct gc_span *take_unswept(struct gc_p *p, uint8_t span_class) {
  if (!gc_sweep_begin()) return NULL;
  int budget = TAKE_BUDGET;
  struct gc_span *span = sweep_for_slot(p, span_class, false, &budget);
  if (span == NULL) span = sweep_for_slot(p, span_class, true, &budget);
  gc_sweep_end(p);
  return span;
}

struct gc_span *gc_central_take(struct gc_p *p, uint8_t span_class) {
  const struct gc_size_class *c = &gc_size_classes[span_class / 2];
  rt_assert(c->npages != 0);
  gc_sweep_deduct_credit(p, (uint64_t)c->npages * GC_PAGE_BYTES, 0);
  struct gc_span *span = pop_partial_swept(span_class);
  if (span == NULL) span = take_unswept(p, span_class);
  if (span == NULL) span = gc_span_new(p, c->npages, span_class);
  if (span == NULL) return NULL;
  assert_swept(span);
  rt_assert(has_free_slot(span) && span->freeindex < span->nelems);
  return span;
}

void gc_central_put(struct gc_p *p, struct gc_span *span) {
  uint32_t now = sweepgen_now();
  bool is_stale = at_u32_load_relaxed(&span->sweepgen) == now + 1;
  rt_assert(span->alloc_count > 0);
  if (is_stale) {
    at_u32_store_relaxed(&span->sweepgen, now - 1); /* not in a set: nobody else can take it */
    gc_sweep_span(p, span, false);
    return;
  }
  rt_assert(at_u32_load_relaxed(&span->sweepgen) == now + 3);
  at_u32_store_release(&span->sweepgen, now); /* pairs with gc_sweep_acquire of the next phase */
  gc_central_push_swept(span);
}

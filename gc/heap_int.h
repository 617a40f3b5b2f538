/* Inside the heap: what gc/heap.c, central.c, sweep.c, cache.c, alloc.c and poison.c share. */
#ifndef GC_HEAP_INT_H
#define GC_HEAP_INT_H

#include "gc/heap.h"
#include "gc/pages.h"

/* The heap's state of one P. Owned like struct gc_p. */
struct gc_p_heap {
  struct gc_page_cache pages;
  uint32_t flush_gen;    /* gc_heap.sweepgen of the last gc_cache_prepare */
  uint16_t no_types[64]; /* where the inline path writes type ids nobody reads */
};

/* ---- heap.c ---------------------------------------------------------------------------------- */

/* A new span in use: bits clear, freeindex 0, sweepgen current (swept), not in any set. Sweeps
 * first, as F2.7.5. NULL: the cap is reached, or the operating system has no more. */
struct gc_span *gc_span_new(struct gc_p *p, uint64_t npages, uint8_t span_class);
/* Ends the run after gc_span_new has given NULL for an object of so many bytes. */
_Noreturn void gc_heap_end_without_memory(uint64_t bytes, bool has_collected);
/* Gives a span without live slots back. p: the caller's. May leave a zombie in a set. */
void gc_span_free(struct gc_p *p, struct gc_span *span);
/* Puts the structure of a dead span that lies in no set on the free list. */
void gc_span_recycle(struct gc_span *span);
/* The in-use spans without a page-mark bit whose first page lies in [first, first + 64), as bits;
 * first is a multiple of 64. Heap lock. */
uint64_t gc_heap_unmarked_heads_locked(uint64_t first);
struct gc_span *gc_heap_span_of_page_locked(uint64_t page);
void gc_heap_lock(void);
void gc_heap_unlock(void);
uint64_t gc_heap_grown_pages(void);
/* Empties p's page cache into the heap. */
void gc_heap_give_page_cache(struct gc_p *p);

static inline uint32_t gc_span_words(const struct gc_span *span) {
  return (span->nelems + 63) / 64;
}

/* ---- central.c ------------------------------------------------------------------------------- */

void gc_central_init(void);
void gc_central_finish(void);
/* cacheSpan (F2.7.2): a swept span with a free slot, owned by the caller; NULL: no memory. */
struct gc_span *gc_central_take(struct gc_p *p, uint8_t span_class);
/* uncacheSpan (F2.7.3): gives a cached span back; sweeps it if it is stale. */
void gc_central_put(struct gc_p *p, struct gc_span *span);
/* Enters a swept span in the set it belongs to, full or partial; at once, or when it is popped from
 * the unswept set it still lies in. */
void gc_central_push_swept(struct gc_span *span);
/* The first span of a set that still needs sweeping; NULL: the set is empty. A zombie is recycled,
 * one swept already goes to the swept set, and *is_gone is set, with some non-NULL result. */
struct gc_span *gc_central_pop_unswept(uint8_t span_class, bool full, bool *is_gone);
/* Sets of one role: of class c number 2 * c the full, 2 * c + 1 the partial spans. */
enum { GC_CENTRAL_SETS = 2 * GC_SPAN_CLASSES };
/* The first unswept set from this number on that may hold a span; GC_CENTRAL_SETS: none does. */
uint32_t gc_central_next_unswept(uint32_t set);
/* sweepgen has changed: what was swept is not, and what was unswept, all empty, is swept. */
void gc_central_start_sweep_stw(void);
/* Marks a span that was just freed: true, it lies in a set, whose popper will recycle it. */
bool gc_central_leave_zombie(struct gc_span *span);
/* Spans in the sets of a class, for checks; world stopped. */
uint64_t gc_central_count_stw(uint8_t span_class, bool full, bool swept);

/* ---- sweep.c --------------------------------------------------------------------------------- */

void gc_sweep_init(void);
/* Takes the right to sweep a span that needs it (h-2 -> h-1). */
bool gc_sweep_acquire(struct gc_span *span);
/* Sweeps a span the caller holds at h-1 (F2.9.4). keep: it stays the caller's, in no set.
 * true: it was given back to the heap. */
bool gc_sweep_span(struct gc_p *p, struct gc_span *span, bool keep);
/* Joins the active sweepers; false: everything has been taken. Pairs with gc_sweep_end. */
bool gc_sweep_begin(void);
void gc_sweep_end(struct gc_p *p);

/* ---- cache.c --------------------------------------------------------------------------------- */

enum gc_fill {
  GC_FILL_NONE,  /* no memory; the slot is empty */
  GC_FILL_GROUP, /* from the cached span */
  GC_FILL_SPAN   /* by a refill: the caller tests the heap trigger */
};

/* Fills the empty slot p->cache[span_class] with at least one free slot. */
enum gc_fill gc_cache_fill(struct gc_p *p, uint8_t span_class);

/* ---- poison.c: checking mode; each is to be called only when gc_heap.check ------------------- */

/* A slot became free, or is free again: fills it with the pattern. */
void gc_poison_slot(const struct gc_span *span, uint32_t index);
/* A free slot is about to be handed out: ends the run (RT_END_VIOLATION) unless it is intact. */
void gc_poison_check_slot(const struct gc_span *span, uint32_t index);
/* Pages were given back / are about to be used by span, of which needzero tells whether they may
 * be dirty. */
void gc_poison_pages(const struct gc_span *span);
void gc_poison_check_pages(const struct gc_span *span);
/* After sweeping: poisons every slot that is free now and was not before. old_alloc: allocation
 * bits before; old_freeindex, had_needzero likewise. */
struct gc_poison_before {
  const struct at_u64 *alloc_bits;
  uint32_t freeindex;
  bool needzero;
};
void gc_poison_swept(const struct gc_span *span, const struct gc_poison_before *before);

#endif

/* The heap: one reserved address range cut into pages of 8 KiB, spans of pages cut into slots.
 *
 * Who may do what:
 *   mutators    allocate through gc/api.h only;
 *   the marker  gc_find_object, gc_mark_*, gc_page_mark, gc_span_type, and reads of the span
 *               fields of the first group below;
 *   the sweeper gc/sweep.h.
 *
 * INV gc.span.owner: a span's allocation state (second group of fields) is touched only by the
 * one who owns it: the P that caches it, the sweeper that moved sweepgen from h-2 to h-1, the
 * holder of its central lock while it lies in a swept set, or anybody with the world stopped.
 * Kept by:    gc_central_take(), gc_central_put(), gc_sweep_acquire().
 * Checked by: assertions on sweepgen in gc/central.c and gc/sweep.c; TSan builds of tests/heap.
 *
 * INV gc.mark.alloc: outside marking, a slot is allocated iff its index is below freeindex or its
 * allocation bit is set, except slots still free in a loaded gc_cache_slot (F2.4.3).
 * Checked by: gc_sweep_span() ("found pointer to free object"); tests/heap/test_random.c.
 */
#ifndef GC_HEAP_H
#define GC_HEAP_H

#include "gc/api.h"
#include "gc/collector.h"
#include "gc/pages.h"
#include "gc/sizeclass.h"

enum {
  GC_PAGE_SHIFT = 13,
  GC_PAGE_BYTES = 1 << GC_PAGE_SHIFT,
  GC_CHUNK_PAGES = 512, /* the heap grows by chunks of 4 MiB */
  GC_CHUNK_BYTES = GC_CHUNK_PAGES * GC_PAGE_BYTES,
  GC_TINY_BYTES = 16,   /* block of the tiny allocator, F2.3 */
  GC_TINY_SPAN_CLASS = 5
};

enum gc_span_state {
  GC_SPAN_DEAD,   /* not part of the heap; the structure may be reused */
  GC_SPAN_IN_USE
};

/* One span. The structure and its bit arrays are metadata: never unmapped, and reused only for a
 * span of the same class. */
struct gc_span {
  /* Fixed from the publication in gc_heap.spans until the span is freed. The two bit arrays and
   * nothing else change places, when the span is swept. */
  uintptr_t base;            /* first byte, page aligned */
  uintptr_t limit;           /* end of the last slot; large: base + bytes asked */
  struct at_u64 *mark_bits;  /* bit i: slot i is marked in this cycle */
  uint16_t *types;           /* type id of slot i; NULL: no pointers, or 8-byte slots (a pointer) */
  uint64_t elem_bytes;       /* slot size; large: npages * GC_PAGE_BYTES */
  uint64_t large_scan_bytes; /* large with pointers: bytes up to the last pointer word, F2.10.1 */
  uint32_t div_magic;        /* F2.1.5; 0: large */
  uint32_t nelems;
  uint8_t span_class;        /* 2 * size class + (1: pointer-free) */

  /* Owned as gc.span.owner says. */
  bool needzero;             /* free slots may be dirty */
  bool is_queued;            /* lies in a set of its central; central lock */
  bool is_zombie;            /* freed while it lay in a set: the popper recycles it; central lock */
  bool is_swept_early;       /* swept while it lay in an unswept set: popping moves it; same lock */
  uint32_t freeindex;        /* slots below are allocated; the next group is loaded from here */
  uint32_t alloc_count;      /* allocated slots; cached: all slots of loaded groups included */
  uint32_t alloc_count_before_cache;
  uint32_t loaded_first;     /* first slot of the group in the cache ... */
  uint64_t loaded_free;      /* ... and which of its slots are free: see gc_heap_sync_stw */
  struct at_u64 *alloc_bits; /* bit i: slot i survived the last sweep */
  uint64_t npages;
  struct gc_span *set_next;  /* next in the set (central lock) or in the free list (heap lock) */
  struct at_u32 sweepgen;    /* F2.7.4 */
  struct at_u32 state;       /* enum gc_span_state; written under the heap lock */
  struct at_ptr weak;        /* records of its objects' weak pointers (gc/weak.c); NULL: none */
};

/* Counters, all in bytes unless named otherwise; F5.2. Any thread adds. */
struct gc_heap_counters {
  struct at_u64 heap_live;      /* F2.5.4, F2.6.1; gc_heap_reset_live_stw sets it */
  struct at_u64 heap_live_peak;
  struct at_u64 heap_in_use;    /* pages of spans in use */
  struct at_u64 heap_free;      /* pages used before and free now */
  struct at_u64 heap_released;  /* pages of the grown heap never used yet */
  struct at_u64 mapped_ready;   /* heap_in_use + heap_free */
  struct at_u64 total_alloc, total_free; /* slot bytes, since the start */
  struct at_u64 mallocs, frees; /* slots, since the start; tiny allocations are in neither */
  struct at_u64 tiny_allocs;    /* allocations inside an existing tiny block */
  struct at_u64 mallocs_of_class[GC_SIZE_CLASSES]; /* of mallocs; [0]: large objects */
  struct at_u64 pages_in_use;
  struct at_u64 pages_swept;    /* in this sweep phase */
  struct at_u64 spans_in_use;
};

struct gc_heap {
  /* Fixed by gc_heap_init. */
  uintptr_t base;            /* first byte of the reserved range */
  uint64_t reserved_bytes;
  struct at_ptr *spans;      /* struct gc_span * by page number; NULL: no span in use there */
  struct gc_page_chunk *chunks; /* of the page heap; marks[] is open to everybody */
  uint64_t cap_bytes;        /* most bytes the heap may commit; UINT64_MAX: no cap */
  enum gc_huge_pages huge_pages;
  bool check;                /* checking mode: freed slots are poisoned */
  bool allocate_white;       /* fault: new objects are not marked; written with the world stopped */

  struct at_u64 grown_bytes; /* committed part of the range, from base; grows under the heap lock */
  struct at_u32 sweepgen;    /* += 2 per cycle, with the world stopped */
  struct gc_heap_counters n __attribute__((aligned(PLAT_CACHE_LINE)));
};
extern PLAT_STATE struct gc_heap gc_heap;

/* ---- set-up ---------------------------------------------------------------------------------- */

/* Reserves the address range. Called by gc_init, once, before any P exists. */
enum rt_err gc_heap_init(const struct gc_config *config) RT_MUST_USE;
/* Gives the address range back; the counters stay readable. Called by gc_finish. */
void gc_heap_finish(void);
/* Fills what the heap knows of *out; everything else is left alone. Any thread. */
void gc_heap_totals(struct gc_totals *out);

/* The heap's part of gc_p_init and gc_p_finish (which flushes, F2.5.7). */
void gc_cache_init(struct gc_p *p);
void gc_cache_finish(struct gc_p *p);
/* releaseAll, F2.5.6: returns every cached span, resets the tiny block, updates heap_live and
 * calls gc_hook_update once. By the owner of p, or with p stopped. */
void gc_cache_flush(struct gc_p *p);
/* prepareForSweep, F2.5.7: gc_cache_flush once per sweep phase. Same callers. */
void gc_cache_prepare(struct gc_p *p);
/* Whether p was flushed in the current sweep phase (checked in gcStart, F3.2.1). */
bool gc_cache_is_prepared(const struct gc_p *p);

/* ---- finding and marking objects ------------------------------------------------------------- */

/* The span in use that covers addr, or NULL. Any thread, no lock. */
static inline struct gc_span *gc_find_span(uintptr_t addr) {
  uint64_t offset = addr - gc_heap.base;
  if (offset >= at_u64_load_relaxed(&gc_heap.grown_bytes)) return NULL; /* only grows */
  /* pairs with publish_span_locked(): the span's fields */
  return at_ptr_load_acquire(&gc_heap.spans[offset >> GC_PAGE_SHIFT]);
}

/* The slot of span that covers addr, base <= addr < limit. */
static inline uint32_t gc_span_index(const struct gc_span *span, uintptr_t addr) {
  return (uint32_t)(((uint64_t)(addr - span->base) * span->div_magic) >> 32);
}

/* Finds the slot that covers an interior address. false: addr is in no slot of a span in use.
 * Does not tell whether the slot is allocated. Any thread, no lock. O(1). */
static inline bool gc_find_object(uintptr_t addr, struct gc_span **span, uint32_t *index) {
  struct gc_span *found = gc_find_span(addr);
  if (found == NULL || addr >= found->limit) return false;
  *span = found;
  *index = gc_span_index(found, addr);
  return true;
}

static inline uintptr_t gc_span_object(const struct gc_span *span, uint32_t index) {
  return span->base + (uintptr_t)index * span->elem_bytes;
}

static inline bool gc_span_is_noscan(const struct gc_span *span) {
  return (span->span_class & 1) != 0;
}

/* Type id of a slot with pointers, with GC_TYPE_ARRAY; 0: an 8-byte slot, which is one pointer.
 * Only for allocated slots of spans with pointers. */
static inline uint16_t gc_span_type(const struct gc_span *span, uint32_t index) {
  return span->types != NULL ? span->types[index] : 0;
}

/* Marks are relaxed, because a mark bit carries no data: all are read again with the world stopped,
 * or by the sweeper after it. */
static inline bool gc_is_marked(const struct gc_span *span, uint32_t index) {
  return (at_u64_load_relaxed(&span->mark_bits[index / 64]) >> (index % 64) & 1) != 0;
}

/* Marks the slot; true: it was not marked before. The caller then calls gc_page_mark. */
static inline bool gc_mark_set(struct gc_span *span, uint32_t index) {
  uint64_t bit = 1ULL << (index % 64);
  return (at_u64_or_relaxed(&span->mark_bits[index / 64], bit) & bit) == 0;
}

/* The same, without writing where it is marked already. */
static inline bool gc_mark_test_and_set(struct gc_span *span, uint32_t index) {
  return !gc_is_marked(span, index) && gc_mark_set(span, index);
}

/* Sets the page-mark bit of the span's first page (F2.9.7): pages without it may be reclaimed.
 * Relaxed, as marks are. */
static inline void gc_page_mark(const struct gc_span *span) {
  uint64_t page = (span->base - gc_heap.base) >> GC_PAGE_SHIFT;
  struct at_u64 *word = &gc_heap.chunks[page / GC_CHUNK_PAGES].marks[page % GC_CHUNK_PAGES / 64];
  uint64_t bit = 1ULL << (page % 64);
  if (plat_unlikely((at_u64_load_relaxed(word) & bit) == 0)) at_u64_or_relaxed(word, bit);
}
/* At the start of a cycle; no marking is under way. */
void gc_page_marks_clear(void);

/* ---- whole heap, world stopped --------------------------------------------------------------- */

typedef void gc_span_visitor(struct gc_span *span, void *arg);
/* Every span in use, by ascending address. */
void gc_heap_each_span_stw(gc_span_visitor *visit, void *arg);
/* Makes gc_span_slot_is_allocated right for cached spans: notes in each what its P has left. */
void gc_heap_sync_stw(void);
/* Valid for swept spans and until the world runs again. */
bool gc_span_slot_is_allocated(const struct gc_span *span, uint32_t index);
/* Checks counters against the spans in use and the sets against the spans; ends the run by
 * rt_assert when they disagree. */
void gc_heap_check_stw(void);

/* ---- accounting ------------------------------------------------------------------------------ */

/* F2.5.8: adds to heap_live and hands scan_bytes to the collector (gc_hook_update). */
void gc_heap_update(struct gc_p *p, int64_t live_bytes, uint64_t scan_bytes);
/* Sets heap_live to the marked bytes (F5.10). World stopped. */
void gc_heap_reset_live_stw(uint64_t marked_bytes);

/* ---- global roots ---------------------------------------------------------------------------- */

struct gc_global_root {
  void **base;
  uint64_t count; /* words */
};
/* Entries only get added; count is read with the world stopped, at() any time after. */
uint64_t gc_global_roots_count(void);
struct gc_global_root gc_global_root_at(uint64_t index);
uint64_t gc_global_roots_bytes(void); /* sum, bytes */

#endif

#include "gc/heap.h"

#include "gc/heap_int.h"
#include "gc/sweep.h"
#include "gc/weak.h"
#include "runtime/lockrank.h"
#include "runtime/meta.h"

#define RESERVE_MAX_BYTES (256ULL << 30)
#define RESERVE_MIN_BYTES (64ULL << 20)
enum {
  HUGE_PAGE_BYTES = 2 << 20,
  PAGE_CACHE_MAX = 16, /* smaller spans come from the P's page cache (F2.7.5) */
  TABLE_STEP_BYTES = 8 * GC_CHUNK_PAGES * 16 /* of the span table, per 64 MiB of heap */
};

PLAT_STATE struct gc_heap gc_heap;

/* Protected by lock. */
static PLAT_STATE struct {
  struct plat_mutex lock;
  struct gc_pages pages;
  struct gc_span *free_spans[GC_SPAN_CLASSES]; /* dead structures by class, linked by set_next */
  uint64_t table_committed_bytes;
  bool os_refused;     /* why the last span could not be had: not the cap */
} heap;

void gc_heap_lock(void) {
  plat_mutex_lock(&heap.lock);
}
void gc_heap_unlock(void) {
  plat_mutex_unlock(&heap.lock);
}

/* ---- set-up ---------------------------------------------------------------------------------- */

/* Tries smaller ranges where address space is short. */
static void *reserve_range(uint64_t *bytes) {
  void *range = NULL;
  for (*bytes = RESERVE_MAX_BYTES; *bytes >= RESERVE_MIN_BYTES; *bytes /= 2) {
    range = plat_vm_reserve(*bytes, GC_CHUNK_BYTES);
    if (range != NULL) break;
  }
  return range;
}

enum rt_err gc_heap_init(const struct gc_config *config) {
  memset(&heap, 0, sizeof heap);
  memset(&gc_heap, 0, sizeof gc_heap);
  void *range = reserve_range(&gc_heap.reserved_bytes);
  if (range == NULL) return RT_ERR_NOMEM;
  uint64_t npages = gc_heap.reserved_bytes / GC_PAGE_BYTES;
  gc_heap.base = (uintptr_t)range;
  gc_heap.cap_bytes = config->memory_cap_bytes != 0 ? config->memory_cap_bytes : UINT64_MAX;
  gc_heap.huge_pages = config->huge_pages;
  gc_heap.check = config->check;
  gc_heap.spans = plat_vm_reserve(npages * sizeof *gc_heap.spans, GC_PAGE_BYTES);
  if (gc_heap.spans == NULL) goto no_table;
  if (gc_pages_init(&heap.pages, npages) != RT_OK) goto no_pages;
  gc_heap.chunks = heap.pages.chunks;
  plat_mutex_init(&heap.lock, RT_RANK_HEAP, "heap");
  gc_central_init();
  gc_sweep_init();
  gc_weak_init();
  return RT_OK;
no_pages:
  plat_vm_release(gc_heap.spans, npages * sizeof *gc_heap.spans);
no_table:
  plat_vm_release(range, gc_heap.reserved_bytes);
  return RT_ERR_NOMEM;
}

void gc_heap_finish(void) {
  gc_central_finish();
  plat_mutex_destroy(&heap.lock);
  gc_pages_finish(&heap.pages);
  uint64_t npages = gc_heap.reserved_bytes / GC_PAGE_BYTES;
  plat_vm_release(gc_heap.spans, npages * sizeof *gc_heap.spans);
  /* The addresses may be used by others now: nothing of ours may stay poisoned. */
  plat_unpoison((void *)gc_heap.base, at_u64_load_relaxed(&gc_heap.grown_bytes));
  plat_vm_release((void *)gc_heap.base, gc_heap.reserved_bytes);
  gc_heap.base = 0;
  gc_heap.spans = NULL;
  at_u64_store_relaxed(&gc_heap.grown_bytes, 0); /* nobody else is left */
}

void gc_heap_totals(struct gc_totals *out) {
  struct gc_heap_counters *n = &gc_heap.n;
  uint64_t tiny = at_u64_load_relaxed(&n->tiny_allocs);
  out->bytes_allocated = at_u64_load_relaxed(&n->total_alloc);
  out->bytes_freed = at_u64_load_relaxed(&n->total_free);
  out->mallocs = at_u64_load_relaxed(&n->mallocs) + tiny; /* as Go, F7.11 */
  out->frees = at_u64_load_relaxed(&n->frees) + tiny;
  for (uint32_t i = 0; i < GC_SIZE_CLASSES; i++)
    out->mallocs_of_class[i] = at_u64_load_relaxed(&n->mallocs_of_class[i]);
  out->heap_live_bytes = at_u64_load_relaxed(&n->heap_live);
  out->heap_live_peak_bytes = at_u64_load_relaxed(&n->heap_live_peak);
  out->heap_committed_bytes = at_u64_load_relaxed(&n->mapped_ready);
  out->heap_committed_bytes += at_u64_load_relaxed(&n->heap_released);
}

/* ---- growth ---------------------------------------------------------------------------------- */

void gc_heap_end_without_memory(uint64_t bytes, bool has_collected) {
  plat_mutex_lock(&heap.lock);
  bool at_cap = !heap.os_refused && gc_heap.cap_bytes < gc_heap.reserved_bytes;
  plat_mutex_unlock(&heap.lock);
  unsigned long long committed = at_u64_load_relaxed(&gc_heap.grown_bytes);
  unsigned long long asked = bytes, cap = gc_heap.cap_bytes;
  const char *tried = has_collected ? "; a collection has not freed enough" : "";
  if (at_cap)
    rt_fatal(RT_END_CAP, "memory cap reached: %llu bytes asked, %llu committed, cap %llu%s", asked,
             committed, cap, tried);
  rt_fatal(RT_END_NOMEM, "out of memory: %llu bytes asked, %llu committed, cap %llu%s", asked,
           committed, gc_heap.cap_bytes == UINT64_MAX ? 0 : cap, tried);
}

/* Commits npages more pages; the span table first, because pages that can be allocated must have
 * entries. Other threads learn of them by grown_bytes. */
static enum rt_err grow_locked(uint64_t npages) {
  rt_assert(plat_mutex_held(&heap.lock));
  uint64_t grown = at_u64_load_relaxed(&gc_heap.grown_bytes); /* written under this lock */
  uint64_t bytes = npages * GC_PAGE_BYTES;
  uint64_t table = (grown + bytes) / GC_PAGE_BYTES * sizeof *gc_heap.spans;
  table = (table + TABLE_STEP_BYTES - 1) / TABLE_STEP_BYTES * TABLE_STEP_BYTES;
  if (table > heap.table_committed_bytes) {
    char *from = (char *)gc_heap.spans + heap.table_committed_bytes;
    enum rt_err err = plat_vm_commit(from, table - heap.table_committed_bytes);
    if (err != RT_OK) return err;
    heap.table_committed_bytes = table;
  }
  enum rt_err err = plat_vm_commit((void *)(gc_heap.base + grown), bytes);
  if (err == RT_OK) err = gc_pages_grow(&heap.pages, npages);
  if (err != RT_OK) return err;
  /* A growing heap touches every page it commits, and a fault for each 4 KiB costs more than
   * clearing 4 KiB does. */
  if (gc_heap.huge_pages == GC_HUGE_ALL)
    plat_vm_prefer_huge((void *)(gc_heap.base + grown), bytes);
  if (gc_heap.check) plat_poison((void *)(gc_heap.base + grown), bytes);
  at_u64_add_relaxed(&gc_heap.n.heap_released, bytes);
  at_u64_store_release(&gc_heap.grown_bytes, grown + bytes); /* pairs with gc_find_span */
  return RT_OK;
}

/* Grows by at least npages in steps of a chunk, or by all that the cap leaves. */
static enum rt_err grow_for_locked(uint64_t npages) {
  uint64_t limit =
      gc_heap.cap_bytes < gc_heap.reserved_bytes ? gc_heap.cap_bytes : gc_heap.reserved_bytes;
  uint64_t left = (limit - at_u64_load_relaxed(&gc_heap.grown_bytes)) / GC_PAGE_BYTES;
  uint64_t ask = (npages + GC_CHUNK_PAGES - 1) / GC_CHUNK_PAGES * GC_CHUNK_PAGES;
  if (ask > left) ask = left;
  if (ask == 0) return limit == gc_heap.cap_bytes ? RT_ERR_CAP : RT_ERR_NOMEM;
  return grow_locked(ask);
}

/* First page of npages pages, now taken; GC_PAGES_NONE: there are none. */
static uint64_t alloc_pages_locked(uint64_t npages) {
  heap.os_refused = false;
  if (npages > gc_heap.reserved_bytes / GC_PAGE_BYTES) return GC_PAGES_NONE;
  uint64_t page = gc_pages_alloc(&heap.pages, npages);
  if (page != GC_PAGES_NONE) return page;
  enum rt_err err = grow_for_locked(npages);
  heap.os_refused = err == RT_ERR_NOMEM;
  return err == RT_OK ? gc_pages_alloc(&heap.pages, npages) : GC_PAGES_NONE;
}

/* ---- spans ----------------------------------------------------------------------------------- */

/* A zeroed structure with its two bit arrays and, for slots with pointers, its type column. */
static struct gc_span *make_struct(uint8_t span_class, uint32_t nelems) {
  uint32_t words = (nelems + 63) / 64;
  bool has_types = (span_class & 1) == 0 && span_class != 2; /* 8-byte slots: always a pointer */
  size_t bits_bytes = 2 * words * sizeof(struct at_u64);
  size_t bytes = sizeof(struct gc_span) + bits_bytes + (has_types ? nelems * sizeof(uint16_t) : 0);
  struct gc_span *span = rt_meta_alloc(bytes, PLAT_CACHE_LINE);
  span->alloc_bits = (struct at_u64 *)(span + 1);
  span->mark_bits = span->alloc_bits + words;
  span->types = has_types ? (uint16_t *)(span->mark_bits + words) : NULL;
  span->span_class = span_class;
  span->nelems = nelems;
  return span;
}

static struct gc_span *take_struct_locked(uint8_t span_class) {
  struct gc_span *span = heap.free_spans[span_class];
  if (span == NULL) {
    uint32_t nelems = span_class < 2 ? 1 : gc_size_classes[span_class / 2].nelems;
    return make_struct(span_class, nelems);
  }
  heap.free_spans[span_class] = span->set_next;
  rt_assert(at_u32_load_relaxed(&span->state) == GC_SPAN_DEAD);
  for (uint32_t word = 0; word < gc_span_words(span); word++) {
    at_u64_init(&span->alloc_bits[word], 0);
    at_u64_init(&span->mark_bits[word], 0);
  }
  return span;
}

static void set_geometry(struct gc_span *span, uint64_t page, uint64_t npages) {
  const struct gc_size_class *c = &gc_size_classes[span->span_class / 2];
  span->base = gc_heap.base + page * GC_PAGE_BYTES;
  span->npages = npages;
  span->elem_bytes = span->span_class < 2 ? npages * GC_PAGE_BYTES : c->bytes;
  span->div_magic = c->div_magic;
  span->limit = span->base + span->elem_bytes * span->nelems;
  span->large_scan_bytes = 0;
  span->freeindex = span->alloc_count = span->alloc_count_before_cache = 0;
  span->loaded_first = 0;
  span->loaded_free = 0;
  span->is_queued = span->is_zombie = span->is_swept_early = false;
  span->set_next = NULL;
}

static void count_use_locked(uint64_t npages, uint64_t fresh_pages) {
  struct gc_heap_counters *n = &gc_heap.n;
  uint64_t bytes = npages * GC_PAGE_BYTES, fresh = fresh_pages * GC_PAGE_BYTES;
  at_u64_add_relaxed(&n->heap_in_use, bytes);
  at_u64_add_relaxed(&n->heap_free, -(bytes - fresh));
  at_u64_add_relaxed(&n->heap_released, -fresh);
  at_u64_add_relaxed(&n->mapped_ready, fresh);
  at_u64_add_relaxed(&n->pages_in_use, npages);
  at_u64_add_relaxed(&n->spans_in_use, 1);
}

static uint64_t *head_word(uint64_t page) {
  return &heap.pages.chunks[page / GC_CHUNK_PAGES].heads[page % GC_CHUNK_PAGES / 64];
}

static struct at_u64 *mark_word(uint64_t page) {
  return &heap.pages.chunks[page / GC_CHUNK_PAGES].marks[page % GC_CHUNK_PAGES / 64];
}

/* Makes a complete span findable. */
static void publish_span_locked(struct gc_span *span) {
  uint64_t page = (span->base - gc_heap.base) / GC_PAGE_BYTES;
  at_u32_store_relaxed(&span->sweepgen, at_u32_load_relaxed(&gc_heap.sweepgen));
  at_u32_store_relaxed(&span->state, GC_SPAN_IN_USE); /* published by the table entries */
  for (uint64_t i = 0; i < span->npages; i++)
    at_ptr_store_release(&gc_heap.spans[page + i], span); /* pairs with gc_find_span */
  *head_word(page) |= 1ULL << (page % 64);
}

/* Pages from p's page cache, filled when it is empty; GC_PAGES_NONE: no fit (F2.7.5). */
static uint64_t alloc_cached_locked(struct gc_p *p, uint64_t npages, uint64_t *fresh) {
  if (npages >= PAGE_CACHE_MAX) return GC_PAGES_NONE;
  struct gc_page_cache *cache = &p->heap->pages;
  if (cache->free == 0 && !gc_pages_take_cache(&heap.pages, cache)) return GC_PAGES_NONE;
  return gc_page_cache_alloc(cache, npages, fresh);
}

/* GC_HUGE_LARGE: the whole huge pages in [base, base + bytes). */
static void prefer_huge_inside(uintptr_t base, uint64_t bytes) {
  uintptr_t first = (base + HUGE_PAGE_BYTES - 1) & ~(uintptr_t)(HUGE_PAGE_BYTES - 1);
  uintptr_t end = (base + bytes) & ~(uintptr_t)(HUGE_PAGE_BYTES - 1);
  if (first < end) plat_vm_prefer_huge((void *)first, end - first);
}

struct gc_span *gc_span_new(struct gc_p *p, uint64_t npages, uint8_t span_class) {
  rt_assert(npages > 0 && span_class < GC_SPAN_CLASSES);
  if (!gc_sweep_is_done()) gc_sweep_reclaim(p, npages);
  plat_charge(PLAT_COST_page_alloc, 1);
  plat_mutex_lock(&heap.lock);
  uint64_t fresh = 0;
  uint64_t page = alloc_cached_locked(p, npages, &fresh);
  if (page == GC_PAGES_NONE) {
    page = alloc_pages_locked(npages);
    if (page == GC_PAGES_NONE) {
      plat_mutex_unlock(&heap.lock);
      return NULL;
    }
    fresh = gc_pages_use(&heap.pages, page, npages);
  }
  struct gc_span *span = take_struct_locked(span_class);
  set_geometry(span, page, npages);
  span->needzero = fresh != npages;
  if (gc_heap.check) gc_poison_check_pages(span);
  count_use_locked(npages, fresh);
  publish_span_locked(span);
  plat_mutex_unlock(&heap.lock);
  plat_charge(PLAT_COST_fresh_page, fresh);
  if (fresh != 0 && gc_heap.huge_pages == GC_HUGE_LARGE)
    prefer_huge_inside(span->base, npages * GC_PAGE_BYTES);
  return span;
}

static void free_pages_locked(struct gc_span *span) {
  rt_assert(plat_mutex_held(&heap.lock));
  struct gc_heap_counters *n = &gc_heap.n;
  uint64_t page = (span->base - gc_heap.base) / GC_PAGE_BYTES;
  uint64_t bytes = span->npages * GC_PAGE_BYTES;
  at_u32_store_relaxed(&span->state, GC_SPAN_DEAD); /* under the lock that publishes spans */
  *head_word(page) &= ~(1ULL << (page % 64));
  for (uint64_t i = 0; i < span->npages; i++)
    at_ptr_store_release(&gc_heap.spans[page + i], NULL); /* pairs with gc_find_span */
  gc_pages_free(&heap.pages, page, span->npages);
  at_u64_add_relaxed(&n->heap_in_use, -bytes);
  at_u64_add_relaxed(&n->heap_free, bytes);
  at_u64_add_relaxed(&n->pages_in_use, -span->npages);
  at_u64_add_relaxed(&n->spans_in_use, UINT64_MAX);
}

void gc_span_free(struct gc_p *p, struct gc_span *span) {
  (void)p;
  rt_assert(at_u32_load_relaxed(&span->state) == GC_SPAN_IN_USE);
  if (gc_heap.check) gc_poison_pages(span);
  plat_mutex_lock(&heap.lock);
  free_pages_locked(span);
  plat_mutex_unlock(&heap.lock);
  if (!gc_central_leave_zombie(span)) gc_span_recycle(span);
}

void gc_span_recycle(struct gc_span *span) {
  rt_assert(!span->is_queued);
  plat_mutex_lock(&heap.lock);
  rt_assert(at_u32_load_relaxed(&span->state) == GC_SPAN_DEAD);
  span->set_next = heap.free_spans[span->span_class];
  heap.free_spans[span->span_class] = span;
  plat_mutex_unlock(&heap.lock);
}

/* ---- pages: marks, iteration ----------------------------------------------------------------- */

static uint64_t head_page(const struct gc_span *span) {
  return (span->base - gc_heap.base) / GC_PAGE_BYTES;
}

void gc_page_marks_clear(void) {
  uint64_t npages = gc_heap_grown_pages();
  for (uint64_t page = 0; page < npages; page += 64) at_u64_store_relaxed(mark_word(page), 0);
}

uint64_t gc_heap_grown_pages(void) {
  return at_u64_load_relaxed(&gc_heap.grown_bytes) / GC_PAGE_BYTES;
}

uint64_t gc_heap_unmarked_heads_locked(uint64_t first) {
  rt_assert(plat_mutex_held(&heap.lock));
  return *head_word(first) & ~at_u64_load_relaxed(mark_word(first));
}

struct gc_span *gc_heap_span_of_page_locked(uint64_t page) {
  rt_assert(plat_mutex_held(&heap.lock));
  return at_ptr_load_relaxed(&gc_heap.spans[page]); /* written under this lock */
}

void gc_heap_each_span_stw(gc_span_visitor *visit, void *arg) {
  uint64_t npages = gc_heap_grown_pages();
  for (uint64_t first = 0; first < npages; first += 64) {
    for (uint64_t heads = *head_word(first); heads != 0; heads &= heads - 1) {
      uint64_t page = first + (uint64_t)__builtin_ctzll(heads);
      visit(at_ptr_load_relaxed(&gc_heap.spans[page]), arg); /* stopped: nobody writes */
    }
  }
}

bool gc_span_slot_is_allocated(const struct gc_span *span, uint32_t index) {
  rt_assert(index < span->nelems);
  uint32_t in_group = index - span->loaded_first;
  if (in_group < 64 && (span->loaded_free >> in_group & 1) != 0) return false;
  if (index < span->freeindex) return true;
  return (at_u64_load_relaxed(&span->alloc_bits[index / 64]) >> (index % 64) & 1) != 0;
}

/* ---- the P's page cache ---------------------------------------------------------------------- */

void gc_heap_give_page_cache(struct gc_p *p) {
  plat_mutex_lock(&heap.lock);
  gc_pages_give_cache(&heap.pages, &p->heap->pages);
  plat_mutex_unlock(&heap.lock);
}

/* ---- checks ---------------------------------------------------------------------------------- */

struct check_sums {
  uint64_t spans, npages;
};

static void check_span(struct gc_span *span, void *arg) {
  struct check_sums *sums = arg;
  uint64_t page = head_page(span);
  rt_assert(at_u32_load_relaxed(&span->state) == GC_SPAN_IN_USE);
  rt_assert(!span->is_zombie && span->freeindex <= span->nelems);
  rt_assert(span->alloc_count <= span->nelems && span->limit > span->base);
  for (uint64_t i = 0; i < span->npages; i++)
    rt_assert(at_ptr_load_relaxed(&gc_heap.spans[page + i]) == span);
  sums->spans++;
  sums->npages += span->npages;
}

void gc_heap_check_stw(void) {
  struct check_sums sums = {0, 0};
  struct gc_heap_counters *n = &gc_heap.n;
  gc_heap_each_span_stw(check_span, &sums);
  gc_pages_check(&heap.pages);
  rt_assert(at_u64_load_relaxed(&n->spans_in_use) == sums.spans);
  rt_assert(at_u64_load_relaxed(&n->pages_in_use) == sums.npages);
  uint64_t in_use = at_u64_load_relaxed(&n->heap_in_use);
  uint64_t free_bytes = at_u64_load_relaxed(&n->heap_free);
  rt_assert(in_use == sums.npages * GC_PAGE_BYTES);
  rt_assert(at_u64_load_relaxed(&n->mapped_ready) == in_use + free_bytes);
  uint64_t released = at_u64_load_relaxed(&n->heap_released);
  rt_assert(at_u64_load_relaxed(&gc_heap.grown_bytes) == in_use + free_bytes + released);
}

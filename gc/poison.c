/* Checking mode: free memory of the heap holds a pattern and is closed to AddressSanitizer.
 *
 * INV gc.poison: every free slot and every free page that was used before holds only POISON; a
 * free slot of a span with needzero == false, and a fresh page, only zero.
 * Except:     the free slots of a loaded group, which are zero and open.
 * Kept by:    gc_poison_slot(), gc_poison_pages(), gc_poison_swept().
 * Checked by: gc_poison_check_slot() when a slot is handed out, gc_poison_check_pages() when pages
 *             are; tests/heap/test_poison.c writes to freed memory on purpose.
 */
#include "gc/heap_int.h"

/* As a pointer it is not canonical, so following it faults. */
#define POISON 0xfdfdfdfdfdfdfdfdULL

static void fill(uintptr_t at, uint64_t bytes) {
  uint64_t *word = (uint64_t *)at;
  plat_unpoison(word, bytes);
  for (uint64_t i = 0; i < bytes / 8; i++) word[i] = POISON;
  plat_poison(word, bytes);
}

static _Noreturn void end_dirty(uintptr_t at, uint64_t value, const char *what,
                                const struct gc_span *span) {
  rt_fatal(RT_END_VIOLATION,
           "free memory was written: word %llu of a free %s (slots of %llu bytes) at heap offset "
           "%llu holds %#llx",
           (unsigned long long)((at - span->base) % span->elem_bytes / 8), what,
           (unsigned long long)span->elem_bytes, (unsigned long long)(at - gc_heap.base),
           (unsigned long long)value);
}

static void check_is(const struct gc_span *span, uintptr_t at, uint64_t bytes, uint64_t want,
                     const char *what) {
  const uint64_t *word = (const uint64_t *)at;
  plat_unpoison(word, bytes);
  for (uint64_t i = 0; i < bytes / 8; i++)
    if (word[i] != want) end_dirty(at + 8 * i, word[i], what, span);
}

void gc_poison_slot(const struct gc_span *span, uint32_t index) {
  fill(gc_span_object(span, index), span->elem_bytes);
}

void gc_poison_check_slot(const struct gc_span *span, uint32_t index) {
  check_is(span, gc_span_object(span, index), span->elem_bytes, span->needzero ? POISON : 0,
           "slot");
}

void gc_poison_pages(const struct gc_span *span) {
  /* Slots that are free already must be intact: filling them would hide a write. */
  if (span->span_class >= 2)
    for (uint32_t i = 0; i < span->nelems; i++)
      if (!gc_span_slot_is_allocated(span, i)) gc_poison_check_slot(span, i);
  fill(span->base, span->npages * GC_PAGE_BYTES);
}

void gc_poison_check_pages(const struct gc_span *span) {
  for (uint64_t page = 0; page < span->npages; page++) {
    uintptr_t at = span->base + page * GC_PAGE_BYTES;
    plat_unpoison((const void *)at, 8);
    bool is_fresh = !span->needzero || *(const uint64_t *)at == 0;
    check_is(span, at, GC_PAGE_BYTES, is_fresh ? 0 : POISON, "page");
  }
  if (span->needzero)
    fill(span->base, span->npages * GC_PAGE_BYTES);
  else
    plat_poison((const void *)span->base, span->npages * GC_PAGE_BYTES);
  /* A large object has no groups: it is open from the start. */
  if (span->span_class < 2) plat_unpoison((const void *)span->base, span->elem_bytes);
}

void gc_poison_swept(const struct gc_span *span, const struct gc_poison_before *before) {
  for (uint32_t i = 0; i < span->nelems; i++) {
    bool is_live = (at_u64_load_relaxed(&span->alloc_bits[i / 64]) >> (i % 64) & 1) != 0;
    if (is_live) continue;
    bool was_live = i < before->freeindex ||
                    (at_u64_load_relaxed(&before->alloc_bits[i / 64]) >> (i % 64) & 1) != 0;
    if (!was_live && before->needzero) continue; /* poisoned already */
    if (!was_live) check_is(span, gc_span_object(span, i), span->elem_bytes, 0, "slot");
    gc_poison_slot(span, i);
  }
}

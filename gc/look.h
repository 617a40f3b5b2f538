/* A collector seen from outside a run: for observers in the model, while no thread of the run goes
 * on or after it has ended. Reads words as they lie and announces nothing. */
#ifndef GC_LOOK_H
#define GC_LOOK_H

#include "gc/barrier.h"
#include "gc/heap.h"

struct gc_look {
  const struct at_u32 *phase;              /* the word that says what phase the cycle is in */
  const char *(*phase_name)(uint32_t phase); /* "off", "mark", "mark termination" */
  const struct gc_barrier *(*barrier)(void);
  /* The object waits to be scanned. */
  bool (*is_queued)(uintptr_t object);
  /* A P's barrier buffer holds it. */
  bool (*is_buffered)(uintptr_t object);
  /* The P whose barrier buffer holds it, or held it and was emptied since without its words being
   * used again; UINT32_MAX: none. */
  uint32_t (*recorder)(uintptr_t object);
};

/* The heap likewise. */
static inline struct gc_span *gc_look_span(uintptr_t address) {
  uint64_t offset = address - gc_heap.base;
  if (gc_heap.spans == NULL || offset >= gc_heap.grown_bytes.raw_) return NULL;
  struct gc_span *span = gc_heap.spans[offset >> GC_PAGE_SHIFT].raw_;
  return span != NULL && address < span->limit ? span : NULL;
}

/* The start of the object that an address lies in; 0: none. */
static inline uintptr_t gc_look_object(uintptr_t address) {
  const struct gc_span *span = gc_look_span(address);
  return span == NULL ? 0 : gc_span_object(span, gc_span_index(span, address));
}

static inline bool gc_look_is_marked(const struct gc_span *span, uint32_t index) {
  return (span->mark_bits[index / 64].raw_ >> index % 64 & 1) != 0;
}

#endif

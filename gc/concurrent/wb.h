/* The write-barrier buffer of a P: values to shade, two words per recorded store (F4.3).
 * Owned like the P; never flushed at a scheduling point, so it stays with an idle P (F4.9). */
#ifndef GC_CONCURRENT_WB_H
#define GC_CONCURRENT_WB_H

#include "gc/api.h"

struct gc_wb_buffer {
  uint32_t next;      /* words in use */
  uint32_t capacity;  /* words, even */
  uintptr_t word[];
};

/* entries: recorded stores it holds; with 0 every store is flushed at once. */
struct gc_wb_buffer *gc_wb_new(uint32_t entries);

/* Shades everything p's buffer holds (F4.7). By the owner of p, or with p stopped.
 * True: work became global. */
bool gc_wb_flush(struct gc_p *p);

/* Forgets it (F3.10.1): when marking is over the words mean nothing. */
static inline void gc_wb_discard(struct gc_p *p) { p->wb->next = 0; }

#endif

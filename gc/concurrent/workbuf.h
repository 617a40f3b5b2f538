/* Grey work: buffers of object addresses, two per P and two global lock-free stacks (F3.5).
 *
 * An address in a buffer is that of a marked, not yet scanned object, or of a later part (oblet) of
 * a large one.
 *
 * Buffers come from metadata memory and are never given back, so a stale read of a popped buffer is
 * a read of valid memory. A stack's head packs the buffer's number with a tag that every change
 * increments: a head that was popped and pushed again in between does not compare equal.
 */
#ifndef GC_CONCURRENT_WORKBUF_H
#define GC_CONCURRENT_WORKBUF_H

#include "gc/api.h"

enum {
  GC_WORKBUF_BYTES = 2048,
  GC_WORKBUF_ENTRIES = 253,
  GC_WORKBUF_CHUNK = 16 /* buffers allocated at a time */
};

struct gc_workbuf {
  struct at_u32 next;  /* number of the buffer below in a global stack; 0: none */
  uint32_t number;     /* 1..; fixed */
  uint32_t count;      /* entries in use; the owner's */
  uint32_t reserved[3];
  uintptr_t entry[GC_WORKBUF_ENTRIES];
};
_Static_assert(sizeof(struct gc_workbuf) == GC_WORKBUF_BYTES, "F3.5.1");

/* What one P has of marking. Owned like the P. */
struct gc_worker {
  struct gc_workbuf *first, *second; /* both NULL or neither; first is used, second is spare */
  uint64_t bytes_marked;             /* not yet in the total */
  int64_t scan_work;                 /* heap bytes scanned, not yet in the total */
  bool flushed_work;                 /* a buffer was made global since the last ragged barrier */
  struct gc_p *p;
  int64_t assist_ns;                 /* assist time not yet in the total */
  struct at_i64 fractional_ns;       /* time of fractional workers on this P in this cycle */
  struct at_u64 wb_flushes, wb_entries; /* of this P's write-barrier buffer, since the start */
  uint64_t random;                   /* wyrand state for choices of the collector's own */
};

/* Before any other function; once per run. What an earlier run of the process left is emptied. */
void gc_workbuf_init(void);

void gc_work_init(struct gc_worker *w, struct gc_p *p);
/* Out-of-line halves: obtain or exchange buffers. True: a buffer became global. */
bool gc_work_put_slow(struct gc_worker *w, uintptr_t object);
uintptr_t gc_work_get_slow(struct gc_worker *w);

/* Adds an object. True: a buffer became global, other workers may want to know (F3.3.7). */
static inline bool gc_work_put(struct gc_worker *w, uintptr_t object) {
  struct gc_workbuf *b = w->first;
  if (plat_unlikely(b == NULL || b->count == GC_WORKBUF_ENTRIES))
    return gc_work_put_slow(w, object);
  b->entry[b->count++] = object;
  return false;
}

/* Adds count objects in order (F3.5.5). True: as gc_work_put. */
bool gc_work_put_batch(struct gc_worker *w, const uintptr_t *objects, uint64_t count);

/* Takes an object, from the global stack if need be; 0: none. */
static inline uintptr_t gc_work_get(struct gc_worker *w) {
  struct gc_workbuf *b = w->first;
  if (plat_unlikely(b == NULL || b->count == 0)) return gc_work_get_slow(w);
  return b->entry[--b->count];
}

/* Makes some of w's work global (F3.5.6). True: as gc_work_put. */
bool gc_work_balance(struct gc_worker *w);
/* Makes all of it global and gives the buffers up; adds nothing to the totals (F3.5.7). */
void gc_work_dispose(struct gc_worker *w);
static inline bool gc_work_is_empty(const struct gc_worker *w) {
  return w->first == NULL || (w->first->count == 0 && w->second->count == 0);
}

/* Forgets the work in global buffers. Nobody else works. */
void gc_work_discard_global_stw(void);
/* Whether no global buffer holds work. Any thread; a hint unless the world is stopped. */
bool gc_work_global_is_empty(void);
/* Whether a global buffer holds the object; announces nothing. For observers of a model's run. */
bool gc_work_global_holds(uintptr_t object);
/* Buffers ever allocated, and on the empty stack. For tests, with nobody working. */
uint64_t gc_workbuf_allocated(void);
uint64_t gc_workbuf_count_empty(void);

#endif

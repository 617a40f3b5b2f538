/* Weak pointers beside marking; gc_weak_make and gc_weak_get are in gc/api.h. */
#ifndef GC_CONCURRENT_WEAK_H
#define GC_CONCURRENT_WEAK_H

#include "gc/concurrent/state.h"

void gc_weak_begin(void); /* once, by gc_init */

/* From here on nobody makes a strong pointer from a weak one: who tries waits for the end of
 * marking (Go issue 69803). It holds everywhere once every P has been visited. */
void gc_weak_block(void);
/* The end of marking: they go on. */
void gc_weak_unblock_stw(struct gc_mutator *self);

/* The root job of a block of records: returns the scan work, bytes. */
int64_t gc_weak_mark_block(struct gc_worker *w, uint64_t block);

#endif

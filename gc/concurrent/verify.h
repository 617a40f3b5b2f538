/* The heap verifier: an independent answer to "what is reachable", compared with the mark bits. */
#ifndef GC_CONCURRENT_VERIFY_H
#define GC_CONCURRENT_VERIFY_H

#include "gc/concurrent/state.h"

/* What was left over when marking was declared over, for gc_verify_heap to report: grey objects in
 * work buffers, white ones in barrier buffers, root jobs not done. Before all that is emptied, with
 * the world stopped. */
void gc_verify_leftovers_stw(void);

/* In mark termination, before sweeping, world stopped. Ends the run (RT_END_VIOLATION) with the
 * object and a shortest path to it when a reachable object is not marked or not allocated, when a
 * free slot is marked, when something was left over, or when the marked bytes do not add up. */
void gc_verify_heap(void);

#endif

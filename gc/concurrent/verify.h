/* The heap verifier: an independent answer to "what is reachable", compared with the mark bits. */
#ifndef GC_CONCURRENT_VERIFY_H
#define GC_CONCURRENT_VERIFY_H

#include "gc/concurrent/state.h"

/* In mark termination, before sweeping, world stopped. Ends the run (RT_END_VIOLATION) with the
 * object and a shortest path to it when a reachable object is not marked or not allocated, when a
 * free slot is marked, or when the marked bytes do not add up. */
void gc_verify_heap(void);

#endif

/* Assists: goroutines that allocate while marking pay with scan work (F3.8). */
#ifndef GC_CONCURRENT_ASSIST_H
#define GC_CONCURRENT_ASSIST_H

#include "gc/concurrent/state.h"

void gc_assist_init(void);
/* work bytes were scanned in the background: pays waiting goroutines, keeps the rest as credit
 * (F3.8.5). Not a safepoint. */
void gc_assist_credit(struct gc_mutator *self, int64_t work);
/* Lets every waiting goroutine go (F3.8.6). World stopped. */
void gc_assist_release_all_stw(struct gc_mutator *self);

#endif

/* Background mark workers: one system goroutine per P, run by the scheduler when marking wants it
 * (F3.3). */
#ifndef GC_CONCURRENT_WORKER_H
#define GC_CONCURRENT_WORKER_H

#include "gc/concurrent/state.h"

void gc_worker_init(void);
/* Starts the missing workers. Holds start_sema; a safepoint. */
void gc_worker_start_all(struct gc_mutator *self);
/* Work became global on p: makes another P schedule, so that it may start a worker (F3.3.7). */
void gc_worker_enlist(struct gc_p *p);
/* Whether w's P has had its fractional share of this cycle; start_ns: when its worker began. */
bool gc_worker_fraction_used(const struct gc_worker *w, uint64_t start_ns);
/* Counts of who works, F3.3.5. leave: true when everybody is idle and no global work is left. */
void gc_worker_enter(void);
bool gc_worker_leave(void);

#endif

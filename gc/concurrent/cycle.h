/* The phases of a cycle and what moves them on (F3.2, F3.9, F3.10). */
#ifndef GC_CONCURRENT_CYCLE_H
#define GC_CONCURRENT_CYCLE_H

#include "gc/concurrent/state.h"

void gc_cycle_init(void);
/* gcStart: begins a cycle if the reason still holds once nobody else is at it. wanted: for
 * GC_TRIGGER_CYCLE, the number the cycle must have. Gives up when self may not be preempted.
 * A safepoint. */
void gc_cycle_start(struct gc_mutator *self, enum gc_trigger_kind kind, uint32_t wanted);
/* gcMarkDone: called by whoever brought nwait to nproc with no global work. Ends marking, or
 * returns because work turned up. A safepoint. */
void gc_mark_done(struct gc_mutator *self);

#endif

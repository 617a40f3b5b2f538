/* Records of cycles and totals since the start. */
#ifndef GC_CONCURRENT_STATS_H
#define GC_CONCURRENT_STATS_H

#include "gc/concurrent/state.h"

/* The four moments of a cycle, by the goroutine that runs it. The last two in the second stop. */
void gc_stats_cycle_begin(struct gc_mutator *self, enum gc_trigger_kind kind, uint64_t now_ns);
void gc_stats_pause(uint64_t ns);
void gc_stats_mark_term(void);
void gc_stats_cycle_end(struct gc_mutator *self, uint64_t marked_bytes, uint64_t now_ns);
/* World running; the record stays valid while self holds gc_sema. */
void gc_stats_call_hook(void);

#endif

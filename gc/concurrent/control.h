/* The runtime's side of pacing: counters in, decisions out. */
#ifndef GC_CONCURRENT_CONTROL_H
#define GC_CONCURRENT_CONTROL_H

#include "gc/concurrent/state.h"

void gc_control_init(void);
/* Once procs is known, before the first cycle. */
void gc_control_start(void);

/* Whether the heap has reached the trigger. Any thread. */
bool gc_control_triggered(void);
/* F5.7. Zeroes the counters of the cycle. */
void gc_control_start_cycle_stw(uint64_t now_ns, enum gc_trigger_kind kind);
/* F5.9, F5.10: at mark termination. */
void gc_control_end_cycle_stw(uint64_t now_ns);
void gc_control_reset_live_stw(uint64_t bytes_marked);
/* F5.12: new goal, trigger and sweep pacing. */
void gc_control_commit_stw(bool sweep_done);

/* ---- the limiter (F5.13) -------------------------------------------------------------------- */

/* Accounts time up to now; skipped when somebody else is at it. */
void gc_control_limiter_update(uint64_t now_ns);
/* The same, unless done within the last 10 ms. */
void gc_control_limiter_tick(uint64_t now_ns);
/* Around the part of a stop that turns marking on or off. */
void gc_control_limiter_begin_stw(bool marking, uint64_t now_ns);
void gc_control_limiter_end(uint64_t now_ns);

#endif

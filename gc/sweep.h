/* Sweeping (F2.9): what marking left unmarked becomes free again, lazily.
 *
 * A phase begins with the world stopped (gc_sweep_start_stw) and is done when every span in use
 * at that moment has been swept: by the background sweeper, by allocation that must pay for its
 * pages (proportional sweeping), by the page reclaimer, or by its P when it was cached.
 *
 * Sweep generations, relative to h = gc_heap.sweepgen (F2.7.4): h-2 needs sweeping; h-1 is being
 * swept; h swept; h+1 cached since before the phase, needs sweeping; h+3 swept, then cached.
 *
 * INV gc.sweep.alloc: no slot is allocated from a span that needs sweeping.
 * Kept by:    gc_cache_prepare() whenever a P is acquired after a phase began (F3.12);
 *             gc_central_take() sweeps what it takes from an unswept set.
 * Checked by: an assertion in the refill of gc/cache.c; tests/heap/test_sweep.c.
 */
#ifndef GC_SWEEP_H
#define GC_SWEEP_H

#include "gc/heap.h"

#define GC_SWEEP_NONE UINT64_MAX

/* Begins a sweep phase: sweepgen += 2, everything allocated so far needs sweeping, pages_swept = 0.
 * The phase before must be finished (gc_sweep_finish_stw). World stopped. */
void gc_sweep_start_stw(void);

/* Sweeps whatever the current phase has left (F3.2.2). World stopped; self's P. No cached span may
 * be stale: every P was prepared. */
void gc_sweep_finish_stw(struct gc_p *p);

/* Sweeps one span (F2.9.3). Returns the pages it gave back to the heap (0: it stays in use), or
 * GC_SWEEP_NONE: nothing is left to take. Not a safepoint; p is the caller's P. */
uint64_t gc_sweep_one(struct gc_p *p);

/* Sweeps a span that needs it. False: somebody else is about to, or its P, which caches it; ask
 * again. No safepoint lies between finding the span and this; not a safepoint. */
bool gc_sweep_ensure(struct gc_p *p, struct gc_span *span);

/* Everything of this phase is swept and nobody is sweeping. Any thread. */
bool gc_sweep_is_done(void);

/* Keep the phase from being done between them (F3.10.3): stale cached spans still exist.
 * begin: world stopped, right after gc_sweep_start_stw. end: any P. */
void gc_sweep_block(void);
void gc_sweep_unblock(struct gc_p *p);

/* Proportional sweeping (F2.9.1): sets the ratio for reaching trigger with everything swept.
 * World stopped or pacer lock held. */
void gc_sweep_pace(uint64_t trigger_bytes, uint64_t heap_live_bytes);
/* F2.9.2: before span_bytes are allocated, sweeps what that much allocation owes; caller_pages are
 * pages the caller sweeps itself. Not a safepoint. */
void gc_sweep_deduct_credit(struct gc_p *p, uint64_t span_bytes, uint64_t caller_pages);
/* F2.9.6: before npages are taken from the heap while sweeping is open. Not a safepoint. */
void gc_sweep_reclaim(struct gc_p *p, uint64_t npages);

/* The background sweeper's body, for gc_world->spawn (F2.9.5). Never returns. */
void gc_sweep_background(struct gc_mutator *self, void *arg);
/* Wakes it if it is parked; self may be any goroutine, the world may be stopped. */
void gc_sweep_wake(struct gc_mutator *self);

#endif

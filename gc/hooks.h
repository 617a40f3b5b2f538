/* What the heap asks of the collector that was linked in (gc/concurrent, gc/none).
 *
 * Called by the goroutine that allocates, on its P, with no lock held unless said otherwise.
 */
#ifndef GC_HOOKS_H
#define GC_HOOKS_H

#include "gc/api.h"

/* The goroutine's assist_bytes just became negative while gc_flags.blacken_on is set (F2.2.2,
 * F3.8). May park; may resume on another P. Never called with mu->no_preempt > 0 or for system
 * goroutines. On return the debt may remain. */
void gc_hook_assist(struct gc_mutator *mu);

/* bytes were allocated black on p: a slot whose mark bit the heap has just set (F2.2.6).
 * Not a safepoint. */
void gc_hook_allocated_black(struct gc_p *p, uint64_t bytes);

/* heap_live has just been changed (perhaps by 0); scan_bytes were allocated on p since the last
 * call. Adds them to heapScan when not blackening, else calls revise() (F2.5.8). Not a safepoint;
 * may be called for a stopped P by another thread. */
void gc_hook_update(struct gc_p *p, uint64_t scan_bytes);

/* The heap trigger test of F2.8.1, after a refill or a large allocation. Not a safepoint. */
bool gc_hook_trigger(void);

/* gcStart with a heap trigger: tests again and starts a cycle, or gives up. A safepoint; the new
 * object is rooted meanwhile. Never called with mu->no_preempt > 0. */
void gc_hook_start(struct gc_mutator *mu);

/* There is no memory for an object: collects and sweeps everything. *live_bytes: what was found
 * live. False: there is no collecting. A safepoint; may park. Never called with mu->no_preempt > 0
 * or for system goroutines. */
bool gc_hook_emergency(struct gc_mutator *mu, uint64_t *live_bytes);

/* The last span of a sweep phase was swept. At most once per phase; any P. Not a safepoint. */
void gc_hook_swept(struct gc_p *p);

#endif

/* The collector's semaphores: counting, first come first served, parking goroutines.
 * A release hands its unit to the longest waiter, so nobody overtakes. */
#ifndef GC_SEMA_H
#define GC_SEMA_H

#include "gc/api.h"

struct gc_sema {
  struct plat_mutex lock;         /* protects the rest */
  uint32_t value;
  struct gc_mutator *head, *tail; /* waiters, linked by queue_next */
  const char *name;               /* static; shown for a parked waiter */
};

void gc_sema_init(struct gc_sema *s, uint32_t value, const char *name);
/* Parks self until it has a unit. A safepoint. */
void gc_sema_acquire(struct gc_mutator *self, struct gc_sema *s);
/* Whether a unit could be taken without waiting. Not a safepoint. */
bool gc_sema_try_acquire(struct gc_sema *s);
/* Not a safepoint. */
void gc_sema_release(struct gc_mutator *self, struct gc_sema *s);

#endif

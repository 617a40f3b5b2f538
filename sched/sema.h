/* The semaphore operations only sync.c needs. Private to sched/. */
#ifndef SCHED_SEMA_H
#define SCHED_SEMA_H

#include "sched/go.h"

/* go_sema_acquire without the lock-free attempt: when it returns, no releaser of the value it took
 * touches *s any more, if all releases are by go_sema_release_many. */
void go_sema_acquire_locked_path(struct go_g *g, struct go_sema *s, bool lifo, const char *why);

/* n releases at once, without hand-off of the processor. */
void go_sema_release_many(struct go_g *g, struct go_sema *s, uint32_t n);

#endif

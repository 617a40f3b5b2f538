/* The sleepers of one P, earliest first, ties in the order they began. Private to sched/.
 * A pairing heap through the goroutines themselves: no allocation, no address order. */
#ifndef SCHED_TIMER_H
#define SCHED_TIMER_H

#include "runtime/plat.h"

struct go_g;
struct go_p;

/* A goroutine's place in one heap; protected by that heap's lock. */
struct go_timer {
  uint64_t when_ns;
  uint64_t sequence;
  struct go_g *child;    /* first of the subheaps below */
  struct go_g *sibling;  /* next subheap of the same parent */
};

struct go_timers {
  struct plat_mutex lock;      /* TIMER: root, sequence and the timers of the members */
  struct go_g *root;
  uint64_t sequence;           /* timers ever added */
  struct at_u64 first_ns;      /* when of the root, 0: none; written under lock, read by anyone */
};

/* Adds g, to be readied at when_ns (not 0). Holding t->lock. */
void go_timers_add_locked(struct go_timers *t, struct go_g *g, uint64_t when_ns);

/* Removes and returns the earliest if it is due at now_ns. Any thread; takes t->lock. */
struct go_g *go_timers_take_due(struct go_timers *t, uint64_t now_ns);

#endif

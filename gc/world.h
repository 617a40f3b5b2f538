/* What the collector asks of the scheduler. sched/ fills one table and passes it to gc_init.
 *
 * "Current goroutine" below is the one whose gc_mutator is passed as self. Every function that
 * may block is a safepoint of self; it may resume on another P (re-read self->p).
 */
#ifndef GC_WORLD_H
#define GC_WORLD_H

#include "gc/api.h"

/* One stop of the world, as recorded by stop/start. Nanoseconds of plat_now_ns. */
struct gc_stop {
  const char *reason;     /* static string: "sweep termination", "mark termination", ... */
  uint64_t requested_ns;  /* the stop was asked for */
  uint64_t stopped_ns;    /* every P had stopped */
  uint64_t restarted_ns;  /* the world ran again */
  uint64_t last_goroutine;/* id of the last goroutine to stop; 0: nobody had to be waited for */
  const char *last_name;  /* its name; NULL with last_goroutine == 0 */
};

struct gc_world_ops {
  uint32_t (*procs)(void);                  /* number of Ps, constant during a run */
  struct gc_p *(*p_at)(uint32_t index);

  /* Stops every P but self's at a safepoint / lets them run. Self holds the collector's world
   * semaphore, so stops do not nest. stop fills requested_ns, stopped_ns, last_*; start fills
   * restarted_ns, appends the stop to the event rings and returns restarted_ns. */
  void (*stop)(struct gc_mutator *self, const char *reason, struct gc_stop *out);
  uint64_t (*start)(struct gc_mutator *self, struct gc_stop *stop);

  /* A stop that the collector made by itself (Boehm's signals): enters the events and calls the
   * stop hook, as start does. The world runs; any goroutine's thread. */
  void (*record_stop)(struct gc_mutator *self, const struct gc_stop *stop);

  /* The ragged barrier: runs fn(p, arg) once for every P, on that P at a safepoint, or by the
   * caller for an idle P and for its own. Returns when all have run (F6.8.4). Self holds the
   * world semaphore. fn must not allocate, park or poll. */
  void (*for_each_p)(struct gc_mutator *self, void (*fn)(struct gc_p *, void *), void *arg);

  /* Every goroutine ever created, dead ones included: indices 0..stacks_count()-1 stay valid;
   * count is read with the world stopped. */
  uint64_t (*stacks_count)(void);
  struct gc_mutator *(*stack_at)(uint64_t index);

  /* Brings target (not self) to rest at a safepoint and keeps it there until resume; false: it is
   * dead. Two goroutines inside scannable_begin/end may suspend each other. May spin and yield. */
  bool (*suspend)(struct gc_mutator *self, struct gc_mutator *target);
  void (*resume)(struct gc_mutator *target);

  /* Between these, self keeps running collector code but counts as suspended for suspend():
   * its frames do not change. end waits while somebody holds it suspended. */
  void (*scannable_begin)(struct gc_mutator *self);
  void (*scannable_end)(struct gc_mutator *self);

  /* Parks self and releases *unlock (may be NULL) only after it can be readied. */
  void (*park)(struct gc_mutator *self, struct plat_mutex *unlock, const char *why);
  /* Makes a parked goroutine runnable. next: in the current P's runnext slot, else at a tail. */
  void (*ready)(struct gc_mutator *self, struct gc_mutator *target, bool next);
  void (*yield)(struct gc_mutator *self);   /* to the tail of the global queue (Gosched) */
  /* Moves every goroutine of self's local run queue to the global queue (F3.3.5). */
  void (*shed_local)(struct gc_mutator *self);

  /* Starts a system goroutine; it is runnable when this returns. */
  struct gc_mutator *(*spawn)(struct gc_mutator *self, const char *name,
                              void (*fn)(struct gc_mutator *, void *), void *arg);

  void (*preempt_p)(uint32_t index);        /* ask whatever runs there to poll */
  bool (*p_is_running)(uint32_t index);     /* racy hint for enlistWorker */
  bool (*preempt_pending)(struct gc_mutator *self); /* self's P was asked to poll */
  bool (*stop_pending)(void);               /* a stop of the world is under way */
  bool (*work_waiting)(struct gc_mutator *self); /* runnable goroutines wait (idle workers) */
  void (*wake_idle)(void);                  /* wakep(): start an idle P if nobody spins */

  /* What gc_poll_slow does: stop if asked, run the safepoint function, yield if preempted. */
  void (*safepoint)(struct gc_mutator *self);
};

extern PLAT_STATE const struct gc_world_ops *gc_world;

/* Yields in a loop that looks again and again whether others have got on. Where nobody else wants
 * the P it is a spin-wait. */
static inline void gc_world_yield_waiting(struct gc_mutator *self) {
  plat_relax();
  gc_world->yield(self);
}

#endif

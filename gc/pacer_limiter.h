/* The limit on the collector's processor time (F5.13): a leaky bucket that fills while marking
 * costs more than the program gets and, when full, lets the heap grow instead. Pure functions. */
#ifndef GC_PACER_LIMITER_H
#define GC_PACER_LIMITER_H

#include <stdbool.h>
#include <stdint.h>

struct gc_limiter {
  uint64_t fill, capacity, overflow;  /* processor ns; overflow: what did not fit, ever */
  uint64_t last_ns;                   /* last update */
  uint64_t procs;
  uint64_t last_enabled_cycle;        /* cycle in which the bucket last became full; 0: never */
  bool limiting;                      /* assists and bounded drains do nothing */
  bool gc_enabled;                    /* marking: background workers take a quarter */
  bool transitioning;                 /* between transition and finish: no update */
};

/* Processor time spent outside the background share since the last update. */
struct gc_limiter_pools {
  int64_t assist_ns; /* assists */
  int64_t idle_ns;   /* idle Ps and idle workers: charged to nobody */
};

void gc_limiter_init(struct gc_limiter *l, uint64_t now_ns, uint32_t procs);

/* How long ago the last update must be before a scheduling pass makes one. */
enum { GC_LIMITER_PERIOD_NS = 10000000 };

/* Accounts the time up to now_ns, of which *pools were assists and idleness. cycle: number of the
 * last finished collection. A time before the last update is ignored (pools too). */
void gc_limiter_update(struct gc_limiter *l, uint64_t now_ns, const struct gc_limiter_pools *pools,
                       uint64_t cycle);

/* Around a stop of the world that turns marking on or off: the stop counts as collection. */
void gc_limiter_transition(struct gc_limiter *l, bool gc_enabled, uint64_t now_ns,
                           const struct gc_limiter_pools *pools, uint64_t cycle);
void gc_limiter_finish(struct gc_limiter *l, uint64_t now_ns, uint64_t cycle);

/* The number of processors changed. */
void gc_limiter_resize(struct gc_limiter *l, uint64_t now_ns, uint32_t procs,
                       const struct gc_limiter_pools *pools, uint64_t cycle);

#endif

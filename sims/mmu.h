/* Minimum mutator utilisation (Cheng and Blelloch).
 *
 * u(t) = share of the Ps that do mutator work at t: 0 while the world is being stopped or stopped,
 * else 1 - (Ps running an assist or a dedicated or fractional mark worker) / Ps. An idle mark
 * worker takes a P nobody wanted, so it does not count. MMU(w) is the least mean of u over any
 * window of w ns inside the run.
 */
#ifndef SIMS_MMU_H
#define SIMS_MMU_H

#include <stdbool.h>
#include <stdint.h>

/* At time_ns the number of Ps taken by the collector, and of stops under way, change by this. */
struct mmu_change {
  uint64_t time_ns;
  int32_t busy, stops;
};

/* Intervals in any order; one writer at a time. Zero-initialised is ready to use. */
struct mmu_trace {
  struct mmu_change *list; /* malloc */
  uint64_t count, room;
};

void mmu_trace_add(struct mmu_trace *t, uint64_t begin_ns, uint64_t end_ns, bool is_stop);
void mmu_trace_free(struct mmu_trace *t);

/* The step function u over [time_ns[0], time_ns[count]], in free Ps. */
struct mmu_steps {
  uint64_t *time_ns;   /* count + 1 ascending times */
  uint64_t *free_ps;   /* [i] holds over [time_ns[i], time_ns[i+1]) */
  uint64_t *integral;  /* [i]: free P-ns before time_ns[i]; count + 1 entries */
  uint64_t count;
  uint32_t procs;
};

/* Sorts *trace and clips it to [begin_ns, end_ns]. */
void mmu_steps_build(struct mmu_steps *s, struct mmu_trace *trace, uint32_t procs,
                     uint64_t begin_ns, uint64_t end_ns);
void mmu_steps_free(struct mmu_steps *s);

/* MMU(window_ns), 0..1, exact up to the last division, in O(count). A window longer than the run
 * (or 0) gives the mean over the whole run. */
double mmu_at(const struct mmu_steps *s, uint64_t window_ns);

#endif

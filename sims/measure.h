/* What an engine observes while a workload runs: stops of the world, collection cycles, gaps
 * between operations, processors taken by the collector, and the optional event log.
 */
#ifndef SIMS_MEASURE_H
#define SIMS_MEASURE_H

#include <stdio.h>

#include "gc/collector.h"
#include "gc/world.h"
#include "runtime/event.h"
#include "runtime/hist.h"
#include "sims/mmu.h"

/* ---- gaps between operations ----------------------------------------------------------------- */

enum {
  SIM_GAP_FAST_TICKS = 4096, /* gaps below this many ticks are only counted, by hist_index */
  SIM_GAP_FAST_BUCKETS = 768 /* hist_index(SIM_GAP_FAST_TICKS) */
};

/* The gaps that ended on one P. Owned by whoever runs on the P. */
struct sim_gaps {
  uint64_t fast[SIM_GAP_FAST_BUCKETS]; /* by ticks */
  struct hist slow;                    /* by ns: everything above, and everything corrected */
} __attribute__((aligned(PLAT_CACHE_LINE)));

/* One gap array entry per P; NULL-safe to free. */
struct sim_gaps *sim_gaps_new(uint32_t procs);
void sim_gaps_free(struct sim_gaps *gaps);
/* All gaps of all Ps in nanoseconds. No owner may be running. */
void sim_gaps_merge(const struct sim_gaps *gaps, uint32_t procs, struct hist *into);

/* ---- the run --------------------------------------------------------------------------------- */

enum { SIM_WORST_STOPS = 10, SIM_CYCLES_KEPT = 4000, SIM_STOPS_KEPT = 4 << 20 };

struct sim_measure {
  struct plat_mutex lock;   /* guards everything below; rank TEST: taken first */
  uint32_t procs;
  struct gc_stop *stops;    /* in order of restart; the first SIM_STOPS_KEPT */
  uint64_t stop_count, stop_room, stop_lost;
  struct gc_cycle *cycles;  /* the first SIM_CYCLES_KEPT since the engine started */
  uint64_t cycle_count, cycle_room, cycle_lost;
  struct mmu_trace taken;   /* stops, assists, dedicated and fractional workers */
  uint64_t *worker_begin;   /* per ring: when the worker running there began; 0: none */
  uint64_t *assist_begin;
  uint64_t events_dropped;  /* by full rings */
  uint64_t events_logged;
  FILE *log;                /* NULL: no event log */
  struct ev_record *spilled; /* of full rings, before what is in them now; EVENT lock */
  uint32_t spilled_count, spilled_room;
};

/* Installs the stop hook and the cycle hook; event rings must exist (ev_init). log: open text file
 * for the events, or NULL; then only the collector's events are recorded at all. */
void sim_measure_init(struct sim_measure *m, uint32_t procs, FILE *log);
void sim_measure_finish(struct sim_measure *m);

/* Reads the event rings. Any thread; blocks for the lock. */
void sim_measure_drain(struct sim_measure *m);

/* Cycle number index (from 0) into *out; false: there is none yet. Any thread. */
bool sim_measure_cycle(struct sim_measure *m, uint64_t index, struct gc_cycle *out);

/* ---- results --------------------------------------------------------------------------------- */

enum { SIM_MMU_WINDOWS = 6 };
extern const uint64_t sim_mmu_windows[SIM_MMU_WINDOWS]; /* ns */

struct sim_pauses {
  struct hist total;        /* request to restart, ns */
  struct hist time_to_stop; /* request to all stopped, ns */
  uint32_t worst_count;
  struct gc_stop worst[SIM_WORST_STOPS]; /* longest first */
};

/* Of the stops requested within [begin_ns, end_ns). The world's stops are over. */
void sim_measure_pauses(struct sim_measure *m, uint64_t begin_ns, uint64_t end_ns,
                        struct sim_pauses *out);

/* MMU over [begin_ns, end_ns) for each of sim_mmu_windows. */
void sim_measure_mmu(struct sim_measure *m, uint64_t begin_ns, uint64_t end_ns,
                     double out[SIM_MMU_WINDOWS]);

#endif

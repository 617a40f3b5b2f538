/* The program of a scenario, compiled for this engine: named maps, lists, trees, channels and
 * mutexes, one goroutine for the setup, groups of goroutines for the run.
 *
 * Meaning of the operations, beyond sims/scenario.h:
 *   ops        loop and lock count as their bodies, everything else as its repetitions.
 *   values     the value put under key index i is i, in its first 8 bytes (fewer where smaller).
 *              With runtime.check, map.get and map.iterate verify it, and walks verify their nodes.
 *   maps       are made before the setup where the setup uses them, else after the clock started.
 *   channels   an operation of a goroutine sends 0, 1, 2, ...; a receive ends early when the
 *              channel is closed and empty.
 *   compute    about a microsecond at a time, with a safepoint after each unless told otherwise.
 *   objects    are made before the setup; with runtime.check every access verifies that what it
 *              touches was not freed. The goroutines of a program with objects start before the
 *              clock does, take their registers and wait for it.
 *   safepoints every repetition of every operation ends with one, and so does every 64th step of
 *              walks and iterations.
 */
#ifndef SIMS_WORKLOAD_H
#define SIMS_WORKLOAD_H

#include "sched/go.h"
#include "sims/measure.h"
#include "sims/result_fields.h"
#include "sims/scenario.h"

struct workload;

/* Compiles sc, which must outlive the workload. On the first thread, after gc_init. Where nobody
 * watches (sim_platform_watch), the goroutines read m's event rings now and then; m NULL: the run
 * is explored, from the moment when every goroutine stands before its first operation. */
struct workload *workload_new(const struct scenario *sc, struct sim_measure *m);
/* With no goroutine left running. */
void workload_free(struct workload *wl);

/* Makes the shared things, runs the setup and gives the goroutines their registers. By the main
 * goroutine, once. */
void workload_setup(struct workload *wl, struct go_g *g);
/* Makes the remaining maps, starts all groups and waits for their end. By the main goroutine,
 * once. Gaps between operations go to gaps, one entry per P. */
void workload_run(struct workload *wl, struct go_g *g, struct sim_gaps *gaps);

struct workload_progress {
  bool in_setup;
  uint64_t ops, planned;  /* of the groups; planned 0: unknown */
  uint64_t planned_ns;    /* time the sleeps, computations and timed loops will take */
  char what[256];         /* "goroutine writer: map.put m" of some goroutine */
};
/* Any thread, at any time; a racy but sane view. */
void workload_progress(const struct workload *wl, struct workload_progress *out);

/* What goroutine g (may be NULL) was last doing: "goroutine writer: map.put m"; "": unknown. */
void workload_doing(const struct workload *wl, const struct go_g *g, char *out, size_t bytes);

/* The scenario's name of a heap object, "new#1 of GROUP" for one it made; of a freed one too, until
 * the memory is another's. NULL: it has none. Any thread. */
const char *workload_object_name(const struct workload *wl, const void *object);
/* The same for an address of a field or a global root slot: "A.0", "root A". False: no such. */
bool workload_place_name(const struct workload *wl, const void *address, char *out, size_t bytes);

/* In an explored run, or after it: goroutines have been in a map at once that forbids it, which the
 * scenario allows (allow_races). */
bool workload_has_clashed(const struct workload *wl);

/* Operations of the groups so far. Any thread. */
uint64_t workload_ops(const struct workload *wl);

/* With runtime.check: ends the run with a violation if a map is broken. By the main goroutine,
 * after workload_run. */
void workload_check(const struct workload *wl, struct go_g *g);
/* Checks structures (with runtime.check) and counts what is left in them, by the main goroutine
 * after workload_run; the arrays of *r belong to the workload. */
void workload_report(struct workload *wl, struct go_g *g, struct sim_result *r);

#endif

/* The smallest run that still shows the same bug: what does not matter is taken out of the schedule
 * until nothing more can go, then all schedules with fewer preemptions are searched. A smaller
 * scenario is looked for before (smaller.h). */
#ifndef SIMS_EXPLORE_MINIMISE_H
#define SIMS_EXPLORE_MINIMISE_H

#include "sims/explore/schedule.h"

/* Two failures are one bug when they end alike and their messages agree up to the second ": " (of
 * an assertion to the end), numbers left out: the property and who checked it, not the object that
 * happened to break it. */
bool xp_same_bug(const struct plat_model_outcome *a, const struct plat_model_outcome *b);

enum { XP_AGAIN_RUNS = 1000 };

/* A bug that is looked for. */
struct xp_bug {
  struct plat_model_outcome outcome;  /* of a run that has it, */
  uint64_t decisions;                 /* and its decisions */
  uint32_t runs;                      /* that may be spent on it; usually XP_AGAIN_RUNS */
  const char *text;                   /* what a run's message has to say, too; "": nothing */
  bool (*is_same)(const struct plat_model_outcome *a,
                  const struct plat_model_outcome *b); /* xp_same_bug */
};
bool xp_shows_bug(const struct xp_bug *bug, const struct xp_run *r);

/* Looks for the bug in the prepared world, where it may take fewer decisions, with runs of POS and
 * PCT in turns; with fewer if they are long. True: r, zeroed or a run before, has it. c->stop is
 * asked before each run. */
bool xp_find_again(const struct xp_config *c, const struct xp_bug *bug, struct xp_run *r);

struct xp_minimise_config {
  const struct xp_config *run;     /* classes, points and step_max of the runs; stop */
  uint64_t budget_ns;              /* wall time of all of it */
  uint64_t replays_max;            /* runs of all of it */
};
/* 1 s, 200,000 runs. */
void xp_minimise_config_default(struct xp_minimise_config *m, const struct xp_config *run);

struct xp_minimised {
  bool is_reproduced;              /* false: the run did not fail again, nothing was done */
  bool is_one_minimal;             /* no single directive can be left out, but for more
                                    * preemptions; false: budget */
  uint32_t from_preemptions;
  uint32_t preemptions;            /* of the run kept */
  uint32_t least_preemptions;      /* no schedule with fewer shows the bug ... */
  bool least_is_proven;            /* ... and the run kept has just that many */
  uint64_t replays, ns;
};

/* r: a failing run of the prepared world; becomes the smallest found. s: its scenario, build and
 * choices; gets the directives. out is filled in. */
void xp_minimise(struct xp_schedule *s, struct xp_run *r, const struct xp_minimise_config *m,
                 struct xp_minimised *out);

#endif

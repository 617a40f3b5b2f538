/* The smallest run that still shows the same bug, in this order: what does not matter is taken out
 * of the schedule until nothing more can go; the scenario is made smaller where the caller can; all
 * schedules with fewer preemptions are searched. */
#ifndef SIMS_EXPLORE_MINIMISE_H
#define SIMS_EXPLORE_MINIMISE_H

#include "sims/explore/schedule.h"

/* Two failures are one bug when they end alike and their messages agree up to the second ": " (of
 * an assertion to the end), numbers left out: the property and who checked it, not the object that
 * happened to break it. */
bool xp_same_bug(const struct plat_model_outcome *a, const struct plat_model_outcome *b);

/* Smaller variants of a scenario. */
struct xp_shrink {
  /* Prepares the next variant (plat_model_leave, plat_model_prepare) of what has been accepted so
   * far. False: there is none left, and the accepted one is prepared again. */
  bool (*next)(void *arg);
  /* Whether the variant prepared last has shown the bug, and so is accepted. */
  void (*judge)(bool fails, void *arg);
  void *arg;
};

struct xp_minimise_config {
  const struct xp_config *run;     /* classes, points and step_max of the runs; stop */
  uint64_t budget_ns;              /* wall time of all of it */
  uint64_t replays_max;            /* runs of all of it */
  const struct xp_shrink *shrink;  /* NULL: the scenario stays as it is */
};
/* 1 s, 200,000 runs. */
void xp_minimise_config_default(struct xp_minimise_config *m, const struct xp_config *run);

struct xp_minimised {
  bool is_reproduced;              /* false: the run did not fail again, nothing was done */
  bool is_one_minimal;             /* no single directive can be left out; false: budget */
  bool is_shrunk;                  /* the prepared world is a smaller variant */
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

/* Running the prepared world once under a chooser, as fast as it goes: only the choices are kept.
 * With them xp_tape makes the same run again, for xp_run to tell everything about it. */
#ifndef SIMS_EXPLORE_RUN_H
#define SIMS_EXPLORE_RUN_H

#include "sims/explore/explore.h"

struct xp_observer;

/* Where a run was at each of its points: thread number and site. */
struct xp_path {
  uint64_t *place; /* thread << 32 | site */
  uint32_t count, room;
};

/* A moment of the last run that the world can be put back to. */
struct xp_moment {
  uint64_t point;                /* before which it was kept */
  uint32_t count, preemptions;   /* of the runner, there */
};

/* Zeroed before its first use. */
struct xp_runner {
  const struct xp_config *config;
  struct xp_chooser *chooser;
  struct xp_observer *observer;  /* of this run; NULL: none */
  struct xp_path *path;          /* of this run; NULL: not kept */
  struct xp_run run;             /* outcome and preemptions; no decisions */
  uint8_t *choice;               /* place in the point, of each decision */
  uint32_t count, room;
  /* Runs of a strategy that says what they have in common with the one before begin there. */
  const struct xp_chooser *moments_of;
  struct xp_moment moment[PLAT_MODEL_KEPT_MAX]; /* in the platform's slot of that number */
  uint32_t moments;
  struct xp_moment next;         /* being kept by the run under way */
};
void xp_runner_free(struct xp_runner *r);

/* One run; chooser, observer and path say how. With an observer or a path it begins at the mark. */
void xp_runner_run(struct xp_runner *r);

/* A chooser that makes given choices again; one that is not there any more ends the run
 * (PLAT_MODEL_CUT_OFF). */
struct xp_tape {
  struct xp_chooser base;
  const uint8_t *choice;         /* as in xp_runner */
  uint32_t count, at;
};
extern const struct xp_strategy xp_strategy_tape;
/* choice: the caller's, while the tape is used. */
void xp_tape_open(struct xp_tape *t, const uint8_t *choice, uint32_t count);

#endif

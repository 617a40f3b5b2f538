/* Searching the data choices of a weave (weave.h), one after the other in one prepared world. */
#ifndef TESTS_EXPLORE_WEAVE_GRID_H
#define TESTS_EXPLORE_WEAVE_GRID_H

#include "sims/explore/search.h"
#include "tests/explore/weave.h"

/* A barrier with all that it needs, or without. */
struct weave_kind {
  const char *name; /* as in configs/races/barriers-NAME.json */
  const char *barrier;
  uint64_t faults;
  bool is_sound;
};
extern const struct weave_kind weave_kinds[]; /* ends with a row whose name is NULL */
const struct weave_kind *weave_kind_find(const char *name); /* NULL: no such row */

struct weave_plan {
  const char *strategy;
  uint32_t preemptions; /* bound */
};

struct weave_tally {
  uint64_t choices;     /* searched: to the end, or to a violation */
  uint64_t violated;    /* of them: with one */
  uint64_t unfinished;  /* choices not searched to the end, though nothing was found */
  uint64_t schedules, executed, steps; /* executed: runs, those given up included */
  uint32_t first;       /* number of the first choice violated */
  char message[PLAT_MODEL_MESSAGE_BYTES]; /* what is wrong there */
};

struct weave_grid;
/* Prepares the world and learns from all these choices where races are. The caller keeps them. */
struct weave_grid *weave_grid_open(const struct weave_kind *kind, const uint32_t *numbers,
                                   uint32_t count);
void weave_grid_close(struct weave_grid *g);
uint32_t weave_grid_points(const struct weave_grid *g); /* places where races are */
/* Adds one choice to the tally. Whether it is violated. stop: as xp_config's; may be NULL. */
bool weave_grid_search(struct weave_grid *g, const struct weave_plan *plan, uint32_t number,
                       bool (*stop)(void *), struct weave_tally *t);

#endif

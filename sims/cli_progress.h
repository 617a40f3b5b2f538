/* One line on stderr, rewritten while engines run; nothing when stderr is no terminal. */
#ifndef SIMS_CLI_PROGRESS_H
#define SIMS_CLI_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

#include "sims/supervise.h"

struct sim_progress {
  bool is_on;
  bool is_shown;          /* a line stands on the terminal now */
  uint32_t run, runs;     /* from 1 */
  const char *engine;     /* "concurrent" */
  const char *title;      /* instead of "run 1 of 5  concurrent"; NULL: that */
  uint64_t begin_ns;      /* of the first run */
  uint64_t drawn_ns;      /* last time the line was drawn */
  double done;            /* of the current run, 0..1 */
  char what[SIM_DOING_MAX];
};

void sim_progress_open(struct sim_progress *p, uint32_t runs);
/* The next run begins. */
void sim_progress_run(struct sim_progress *p, uint32_t run, const char *engine);
void sim_progress_update(struct sim_progress *p, const char *phase, double done, const char *what);
/* Draws the line again: the time has moved on. */
void sim_progress_tick(struct sim_progress *p);
/* Takes the line off the terminal, before anything else is written there. */
void sim_progress_clear(struct sim_progress *p);

#endif

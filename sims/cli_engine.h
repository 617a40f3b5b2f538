/* One run of an engine as the commands see it: progress while it goes, a report when it fails. */
#ifndef SIMS_CLI_ENGINE_H
#define SIMS_CLI_ENGINE_H

#include "sims/cli.h"
#include "sims/cli_progress.h"
#include "sims/supervise.h"

struct sim_attempt {
  const struct scenario *scenario;
  const char *platform, *collector;
  const char *path;        /* the engine's executable */
  uint32_t run, runs;      /* "run 3 of 10" */
  bool gctrace;
  const char *events_path; /* NULL: none */
  const char *const *more; /* further arguments, NULL-ended, or NULL */
  const char *directory;   /* it runs in; NULL: ours */
  const char *schema;      /* of the result; NULL: TRICOLOR_RESULT_SCHEMA */
  bool is_search;          /* it explores: its own time limit comes on top of the deadline, and it
                              answers when it is told to end */
};

/* Runs it; a failure or refusal is reported on stderr; out->result of a failed run is a document
 * marked "partial" with a "failure" in it, whatever the engine managed to say. True: the run is
 * complete. out is to be freed by sim_outcome_free. */
bool sim_attempt_run(struct sim_cli *cli, const struct sim_attempt *a,
                     struct sim_progress *progress, struct sim_outcome *out);

/* The exit status an outcome calls for by itself: 0, 2 or 3. */
int sim_outcome_status(const struct sim_outcome *out);

#endif

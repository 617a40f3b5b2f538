/* Searches as the commands explore, replay and job see them: run, judged, shown. */
#ifndef SIMS_CLI_EXPLORE_H
#define SIMS_CLI_EXPLORE_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "sims/cli_engine.h"

/* ---- one search or replay on the model (cli_search.c) ---- */

/* One schedule to run again. */
struct sim_again {
  const char *token;
  const char *schedule;   /* the file it is from; NULL: none */
  bool drift;             /* look for what has moved */
};

struct sim_search {
  const struct scenario *scenario;
  const struct sim_again *again; /* NULL: a search */
  const char *trace_path; /* where the engine writes its trace; NULL: nowhere */
  const char *directory;  /* where it runs and leaves schedule files; NULL: here */
  uint32_t run, runs;     /* "search 3 of 40" */
  const char *title;      /* of the progress line */
};
/* The engine of a search of s (NULL: of most); NULL with a message when it is not there. The caller
 * frees it. */
char *sim_search_engine(const struct scenario *s);
/* As sim_attempt_run. True: out->result is a whole document; so it may be of an interrupted search
 * as well (out->end tells), and is then marked "interrupted". */
bool sim_search_run(struct sim_cli *cli, const char *engine, const struct sim_search *search,
                    struct sim_progress *progress, struct sim_outcome *out);

/* ---- what it means (cli_search.c) ---- */

enum sim_search_verdict {
  SIM_SEARCH_CLEAN,     /* no violation, and none was expected */
  SIM_SEARCH_FOUND,     /* the expected one */
  SIM_SEARCH_OTHER,     /* one that was not expected */
  SIM_SEARCH_MISSING,   /* an expected one was not found */
};
enum sim_search_verdict sim_search_judge(const struct scenario *s, const cJSON *result);
bool sim_search_fine(enum sim_search_verdict v);
/* Whether a violation is shown in a smaller scenario than the one explored. */
bool sim_search_is_shrunk(const cJSON *violation);
/* Adds "expectation": {"violation": text or null, "found": text or null, "holds": bool}. */
void sim_search_note(const struct scenario *s, cJSON *result);

/* All of one command: outputs, the search or (again is not NULL) the replay, tables, files. file:
 * the scenario's. The exit status (cli_explore.c). */
int sim_search_command(struct sim_cli *cli, const struct sim_options *o, const char *file,
                       const struct scenario *s, const struct sim_again *again);

/* ---- for people ---- */

/* What was found and, of a search, statistics and the guarantee (cli_explore_text.c). */
void sim_explore_print(const struct scenario *s, const cJSON *result, bool is_search, FILE *f,
                       bool color);
/* The violation as a table, why, and how to see it again (cli_counterexample.c). */
void sim_counterexample_print(const struct scenario *s, const cJSON *violation, FILE *f,
                              bool color);

#endif

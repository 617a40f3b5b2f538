/* tricolor explore: searches the interleavings of a scenario for a violation. */
#include <stdlib.h>
#include <string.h>

#include "sims/cli.h"
#include "sims/cli_explore.h"
#include "sims/cli_mutants.h"
#include "sims/cli_output.h"
#include "sims/memory.h"
#include "sims/protocol.h"
#include "sims/table.h"

/* One command of this kind, from its outputs to its status. */
struct work {
  struct sim_cli *cli;
  const struct sim_options *o;
  struct sim_search search;
  struct sim_output json, trace;
  struct sim_outcome outcome;
};

/* Shows and writes what there is of a result. The exit status, signals apart. */
static int publish(struct work *w, bool is_whole) {
  const struct scenario *s = w->search.scenario;
  cJSON *result = w->outcome.result;
  bool shows = w->o->json == NULL || strcmp(w->o->json, "-") != 0;
  if (result == NULL && w->outcome.end == SIM_END_INTERRUPTED && w->outcome.elapsed_ns > 0) {
    fprintf(stderr, "tricolor: the engine had no answer within %d s; what it did is lost\n",
            SIM_KEEP_GRACE_MS / 1000);
  }
  if (result == NULL) return sim_outcome_status(&w->outcome);
  if (is_whole) sim_search_note(s, result);
  bool is_search = w->search.again == NULL;
  if (is_whole && shows) sim_explore_print(s, result, is_search, stdout, w->cli->color_out);
  int lost = w->json.path != NULL ? sim_output_status(sim_output_write(&w->json, result)) : 0;
  if (lost == 0 && is_whole) lost = sim_output_status(sim_output_keep(&w->trace, ""));
  if (lost != 0) return lost;
  if (!is_whole) return sim_outcome_status(&w->outcome);
  enum sim_search_verdict verdict = sim_search_judge(s, result);
  return sim_search_fine(verdict) ? TRI_EXIT_OK : TRI_EXIT_FAILED;
}

static int run(struct work *w, const char *engine) {
  struct sim_progress progress;
  char name[SC_NAME_MAX];
  bool is_file = w->trace.temporary != NULL;
  w->search.trace_path = is_file ? w->trace.temporary : w->o->trace;
  w->search.title = sim_text_clean(w->search.scenario->name, name, sizeof name);
  sim_progress_open(&progress, 1);
  bool is_whole = sim_search_run(w->cli, engine, &w->search, &progress, &w->outcome);
  int status = publish(w, is_whole);
  fflush(stdout); /* before what follows on stderr */
  int signal_status = sim_interrupted(w->cli);
  return signal_status != 0 ? signal_status : status;
}

int sim_search_command(struct sim_cli *cli, const struct sim_options *o, const char *file,
                       const struct scenario *s, const struct sim_again *again) {
  struct work w = {
    .cli = cli, .o = o, .search = {.scenario = s, .again = again, .run = 1, .runs = 1},
  };
  int status = TRI_EXIT_INPUT;
  bool is_same = o->trace != NULL && o->json != NULL && strcmp(o->trace, o->json) == 0;
  if (is_same) fprintf(stderr, "tricolor: --json and --trace name the same file\n");
  char *engine = is_same ? NULL : sim_search_engine();
  if (engine != NULL && sim_output_begin(&w.json, o->json, file) &&
      sim_output_begin(&w.trace, o->trace, file)) {
    status = run(&w, engine);
  }
  sim_outcome_free(&w.outcome);
  sim_output_drop(&w.json);
  sim_output_drop(&w.trace);
  free(engine);
  return status;
}

int sim_explore_scenario(struct sim_cli *cli, const struct sim_options *o, const char *file,
                         const struct scenario *s) {
  return sim_search_command(cli, o, file, s, NULL);
}

int sim_cmd_explore(struct sim_cli *cli, const struct sim_options *o) {
  bool is_table = (o->given & SIM_OPT_MUTANTS) != 0;
  if (is_table && o->file_count > 0) {
    fprintf(stderr, "tricolor explore: --mutants takes every scenario of configs/races; found "
                    "\"%s\", allowed: no FILE\n", o->files[0]);
    return TRI_EXIT_INPUT;
  }
  if (is_table) return sim_mutants(cli, o);
  if (o->file_count == 0) {
    fprintf(stderr, "tricolor explore: FILE is missing\n(see: tricolor explore --help)\n");
    return TRI_EXIT_INPUT;
  }
  char *path = sim_scenario_path(o->files[0]);
  struct scenario *s = path != NULL ? sim_scenario_read(path, o) : NULL;
  int status = s != NULL ? sim_explore_scenario(cli, o, path, s) : TRI_EXIT_INPUT;
  scenario_free(s);
  free(path);
  return status;
}

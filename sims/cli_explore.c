/* tricolor explore: searches the interleavings of a scenario for a violation. */
#include <signal.h>
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

/* Why an interrupted engine answered nothing. */
static void tell_silence(const struct sim_outcome *out) {
  char said[SIM_STDERR_KEPT + 1];
  if (out->end != SIM_END_INTERRUPTED || out->elapsed_ns == 0) return;
  if (out->term_signal == SIGKILL) {
    fprintf(stderr, "tricolor: the engine had no answer within %d s; %s\n",
            SIM_KEEP_GRACE_MS / 1000,
            out->result != NULL ? "this is what it had told before" : "what it did is lost");
  } else if (out->result == NULL && out->said[0] != '\0') {
    fprintf(stderr, "tricolor: %s", sim_text_clean(out->said, said, strcspn(out->said, "\n") + 1));
    fputc('\n', stderr);
  }
}

/* False: the file of a violation could not be written, and a message says so. */
static bool has_file(const cJSON *result) {
  const cJSON *violation = cJSON_GetObjectItemCaseSensitive(result, "violation");
  const char *error =
    cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(violation, "file_error"));
  if (error == NULL) return true;
  bool is_shrunk = sim_search_is_shrunk(violation);
  char *text = sim_text_clean(error, sim_alloc(strlen(error) + 1), strlen(error) + 1);
  fprintf(stderr, "tricolor: no schedule file: %s; %s\n", text,
          is_shrunk ? "it would have held the smaller scenario: explore again, with --shrink 0 for "
                      "a token of the scenario as it is"
                    : "the token is all there is");
  free(text);
  return false;
}

/* Shows and writes what there is of a result. The exit status, signals apart. */
static int publish(struct work *w, bool is_whole) {
  const struct scenario *s = w->search.scenario;
  cJSON *result = w->outcome.result;
  tell_silence(&w->outcome);
  if (result == NULL) return sim_outcome_status(&w->outcome);
  bool shows = w->o->json == NULL || strcmp(w->o->json, "-") != 0;
  bool is_told = is_whole || cJSON_HasObjectItem(result, "schedules");
  if (is_whole) sim_search_note(s, result);
  bool is_search = w->search.again == NULL;
  if (is_told && shows) sim_explore_print(s, result, is_search, stdout, w->cli->color_out);
  bool is_kept = has_file(result);
  int lost = w->json.path != NULL ? sim_output_status(sim_output_write(&w->json, result)) : 0;
  if (lost == 0 && is_whole) lost = sim_output_status(sim_output_keep(&w->trace, ""));
  if (lost != 0) return lost;
  if (!is_kept) return TRI_EXIT_ENGINE;
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
  char *engine = is_same ? NULL : sim_search_engine(s);
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

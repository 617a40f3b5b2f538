/* One search or replay on the model: started and judged. */
#include <stdlib.h>
#include <string.h>

#include "sims/choices.h"
#include "sims/cli_explore.h"
#include "sims/cli_metric.h"
#include "sims/memory.h"
#include "sims/protocol.h"

#define MODEL "model"

char *sim_search_engine(const struct scenario *s) {
  bool is_told_all = s != NULL && s->explore_races == SC_RACES_ALL;
  return sim_engine_find(MODEL, is_told_all ? "races" : sim_collectors[0].name);
}

/* What the engine is to do, after its own options. */
static void add_words(const struct sim_search *search, const char **more) {
  const struct sim_again *again = search->again;
  uint32_t n = 0;
  more[n++] = again == NULL ? "--explore" : "--replay";
  if (again != NULL) more[n++] = again->token;
  if (again != NULL && again->schedule != NULL) more[n++] = "--schedule";
  if (again != NULL && again->schedule != NULL) more[n++] = again->schedule;
  if (again != NULL && again->drift) more[n++] = "--drift";
  if (search->trace_path != NULL) more[n++] = "--trace";
  if (search->trace_path != NULL) more[n++] = search->trace_path;
}

bool sim_search_run(struct sim_cli *cli, const char *engine, const struct sim_search *search,
                    struct sim_progress *progress, struct sim_outcome *out) {
  const char *more[SIM_MORE_MAX] = {NULL};
  add_words(search, more);
  struct sim_attempt attempt = {
    .scenario = search->scenario, .platform = MODEL, .collector = sim_collectors[0].name,
    .path = engine, .run = search->run, .runs = search->runs, .more = more,
    .directory = search->directory,
    .schema = TRICOLOR_EXPLORE_SCHEMA, .is_search = true,
  };
  progress->title = search->title;
  bool is_whole = sim_attempt_run(cli, &attempt, progress, out);
  bool is_answer = out->end == SIM_END_INTERRUPTED && out->result != NULL;
  if (is_answer) {
    cJSON_DeleteItemFromObjectCaseSensitive(out->result, "interrupted");
    cJSON_AddTrueToObject(out->result, "interrupted");
  }
  return is_whole || is_answer;
}

/* ---- judging ---- */

static const char *message_of(const cJSON *result) {
  const cJSON *violation = cJSON_GetObjectItemCaseSensitive(result, "violation");
  const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(violation, "message"));
  if (!cJSON_IsObject(violation)) return NULL;
  return text != NULL ? text : "";
}

enum sim_search_verdict sim_search_judge(const struct scenario *s, const cJSON *result) {
  const char *found = message_of(result), *wanted = s->expect_violation;
  if (found == NULL) return wanted[0] == '\0' ? SIM_SEARCH_CLEAN : SIM_SEARCH_MISSING;
  bool is_wanted = wanted[0] != '\0' && strstr(found, wanted) != NULL;
  return is_wanted ? SIM_SEARCH_FOUND : SIM_SEARCH_OTHER;
}

bool sim_search_fine(enum sim_search_verdict v) {
  return v == SIM_SEARCH_CLEAN || v == SIM_SEARCH_FOUND;
}

bool sim_search_is_shrunk(const cJSON *violation) {
  return cJSON_GetArraySize(sim_metric_find(violation, "minimise.shrunk")) > 0;
}

static void add_text(cJSON *object, const char *key, const char *text) {
  if (text == NULL) cJSON_AddNullToObject(object, key);
  if (text != NULL) cJSON_AddStringToObject(object, key, text);
}

void sim_search_note(const struct scenario *s, cJSON *result) {
  cJSON *note = cJSON_CreateObject();
  add_text(note, "violation", s->expect_violation[0] != '\0' ? s->expect_violation : NULL);
  add_text(note, "found", message_of(result));
  cJSON_AddBoolToObject(note, "holds", sim_search_fine(sim_search_judge(s, result)));
  cJSON_AddItemToObject(result, "expectation", note);
}

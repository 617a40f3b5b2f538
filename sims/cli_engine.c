#include "sims/cli_engine.h"

#include <stdlib.h>
#include <string.h>

#include "sims/cli_expect.h"
#include "sims/json_print.h"
#include "sims/memory.h"
#include "sims/protocol.h"
#include "sims/table.h"

enum { SAID_LINES = 12 /* of stderr, shown; all that was kept is in the JSON */ };

/* ---- while it runs ---- */

static void on_progress(void *arg, const char *phase, double done, const char *what) {
  sim_progress_update(arg, phase, done, what);
}

static void on_gctrace(void *arg, const char *line) {
  char clean[1024];
  sim_progress_clear(arg);
  fprintf(stderr, "%s\n", sim_text_clean(line, clean, sizeof clean));
}

static void on_tick(void *arg) { sim_progress_tick(arg); }

/* ---- when it failed ---- */

/* The last lines of said, each indented. */
static void print_said(const char *said) {
  const char *from = said + strlen(said);
  uint32_t lines = 0;
  char clean[SIM_STDERR_KEPT + 1];
  while (from > said) {
    bool is_line_start = from[-1] == '\n' && *from != '\0';
    if (is_line_start && ++lines == SAID_LINES) break;
    from--;
  }
  if (*from == '\0') {
    fprintf(stderr, "  it wrote nothing to stderr\n");
    return;
  }
  fprintf(stderr, "  last lines of its stderr:\n");
  while (*from != '\0') {
    const char *end = strchrnul(from, '\n');
    char *line = sim_printf("%.*s", (int)(end - from), from);
    fprintf(stderr, "    %s\n", sim_text_clean(line, clean, sizeof clean));
    free(line);
    from = *end == '\0' ? end : end + 1;
  }
}

static void print_head(const struct sim_cli *cli, const struct sim_attempt *a, const char *how) {
  char name[SC_NAME_MAX];
  fprintf(stderr, "%stricolor: engine %s %s, %s, run %u of %u%s: it %s\n",
          sim_style_begin(SIM_BAD, cli->color_err), a->platform, a->collector,
          sim_text_clean(a->scenario->name, name, sizeof name), a->run, a->runs,
          sim_style_end(SIM_BAD, cli->color_err), how);
}

static void print_failure(const struct sim_cli *cli, const struct sim_attempt *a,
                          const struct sim_outcome *out) {
  char elapsed[SIM_TEXT_MAX];
  print_head(cli, a, out->how);
  sim_format(SIM_UNIT_NS, (double)out->elapsed_ns, elapsed);
  if (out->phase[0] == '\0') {
    fprintf(stderr, "  after %s, before its first word about what it was doing\n", elapsed);
  } else {
    fprintf(stderr, "  after %s; it was doing: %s, %.0f %%: %s\n", elapsed, out->phase,
            out->done * 100, out->doing);
  }
  const char *violation = NULL;
  for (uint32_t i = 0; (violation = sim_violation(out->result, i)) != NULL && i < 3; i++) {
    char clean[512];
    fprintf(stderr, "  it reported: %s\n", sim_text_clean(violation, clean, sizeof clean));
  }
  print_said(out->said);
}

static cJSON *failure_json(const struct sim_attempt *a, const struct sim_outcome *out) {
  cJSON *f = cJSON_CreateObject();
  bool by_signal = out->term_signal != 0;
  cJSON_AddStringToObject(f, "cause", out->cause);
  cJSON_AddStringToObject(f, "message", out->how);
  cJSON_AddNumberToObject(f, "run", a->run);
  cJSON_AddNumberToObject(f, "elapsed_ns", (double)out->elapsed_ns);
  cJSON_AddStringToObject(f, "phase", out->phase);
  cJSON_AddNumberToObject(f, "done", out->done);
  cJSON_AddStringToObject(f, "doing", out->doing);
  if (by_signal) {
    cJSON_AddStringToObject(f, "signal", sim_signal_name(out->term_signal));
  } else {
    cJSON_AddNumberToObject(f, "exit_status", (double)out->exit_status);
  }
  cJSON_AddStringToObject(f, "stderr", out->said);
  return f;
}

/* Whatever there is of a result, marked as partial and with the failure in it. */
static void mark_partial(const struct sim_attempt *a, struct sim_outcome *out) {
  if (out->result == NULL) {
    out->result = cJSON_CreateObject();
    cJSON_AddStringToObject(out->result, "schema",
                            a->schema != NULL ? a->schema : TRICOLOR_RESULT_SCHEMA);
    cJSON_AddStringToObject(out->result, "scenario", a->scenario->name);
    cJSON_AddStringToObject(out->result, "engine", a->platform);
    cJSON_AddStringToObject(out->result, "collector", a->collector);
    sim_json_add_u64(out->result, "seed", a->scenario->seed);
  }
  cJSON_DeleteItemFromObjectCaseSensitive(out->result, "partial");
  cJSON_AddTrueToObject(out->result, "partial");
  cJSON_AddItemToObject(out->result, "failure", failure_json(a, out));
}

static uint64_t deadline_of(const struct sim_attempt *a) {
  const struct scenario *s = a->scenario;
  if (!a->is_search) return s->deadline_ns;
  if (s->explore_time_ns == UINT64_MAX) return 0;
  return s->explore_time_ns + s->explore_shrink_ns + s->deadline_ns;
}

bool sim_attempt_run(struct sim_cli *cli, const struct sim_attempt *a,
                     struct sim_progress *progress, struct sim_outcome *out) {
  struct sim_spawn spawn = {
    .path = a->path, .input = a->scenario->resolved_json, .run = a->run, .runs = a->runs,
    .gctrace = a->gctrace, .events_path = a->events_path,
    .more = a->more, .directory = a->directory, .schema = a->schema,
    .keeps_on_interrupt = a->is_search,
    .deadline_ns = deadline_of(a),
    .memory_cap_bytes = a->scenario->memory_cap_bytes,
  };
  struct sim_watch watch = {
    .arg = progress, .progress = on_progress, .gctrace = on_gctrace,
    .tick = progress->is_on ? on_tick : NULL,
  };
  sim_progress_run(progress, a->run, a->collector);
  sim_supervise(&cli->supervisor, &spawn, &watch, out);
  sim_progress_clear(progress);
  switch (out->end) {
    case SIM_END_DONE:
    case SIM_END_VIOLATION: return true;
    case SIM_END_REFUSED:
      print_head(cli, a, "does not take this scenario");
      print_said(out->said);
      return false;
    case SIM_END_FAILED:
      print_failure(cli, a, out);
      mark_partial(a, out);
      return false;
    case SIM_END_INTERRUPTED: return false;
  }
  return false;
}

int sim_outcome_status(const struct sim_outcome *out) {
  if (out->end == SIM_END_REFUSED) return TRI_EXIT_INPUT;
  return out->end == SIM_END_FAILED ? TRI_EXIT_ENGINE : TRI_EXIT_OK;
}

int sim_interrupted(struct sim_cli *cli) {
  int caught = sim_supervisor_caught(&cli->supervisor);
  if (caught == 0) return 0;
  fprintf(stderr, "tricolor: ended by %s\n", sim_signal_name(caught));
  return 128 + caught;
}

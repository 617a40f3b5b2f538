/* What is told of a counterexample: the table and its reasons as a file of this folder, the same on
 * every machine; the slice; the Chrome trace, which a script checks.
 *
 * usage: test_explore_trace [update|perfetto]   writes the golden file anew; a trace to stdout */
#include "world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sims/explore/violation.h"

#define GOLDEN "litmus-2-new-only.txt"

/* Everything about the violation that does not depend on the machine or the build. */
static void print_violation(const cJSON *v, FILE *out) {
  static const char *const numbers[] = {"steps",       "shown",  "preemptions", "least_preemptions",
                                        "switches"};
  const cJSON *one, *columns = cJSON_GetObjectItem(v, "columns");
  fprintf(out, "%s\n", cJSON_GetStringValue(cJSON_GetObjectItem(v, "message")));
  for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
    fprintf(out, "%s %d  ", numbers[i], cJSON_GetObjectItem(v, numbers[i])->valueint);
  fprintf(out, "proven %d\n\n      ", cJSON_IsTrue(cJSON_GetObjectItem(v, "least_is_proven")));
  cJSON_ArrayForEach(one, columns) fprintf(out, "%-22s", one->valuestring);
  cJSON_ArrayForEach(one, cJSON_GetObjectItem(v, "watched"))
      fprintf(out, "%s ", one->valuestring);
  fputc('\n', out);
  cJSON_ArrayForEach(one, cJSON_GetObjectItem(v, "rows")) {
    bool preempted = cJSON_IsTrue(cJSON_GetObjectItem(one, "preempted"));
    int actor = cJSON_GetObjectItem(one, "actor")->valueint;
    fprintf(out, "%s%3d %*s%-*s%s\n", preempted ? ">>" : "  ",
            cJSON_GetObjectItem(one, "step")->valueint, actor * 22, "",
            (cJSON_GetArraySize(columns) - actor) * 22,
            cJSON_GetObjectItem(one, "text")->valuestring,
            cJSON_GetObjectItem(one, "colours")->valuestring);
  }
  fputc('\n', out);
  cJSON_ArrayForEach(one, cJSON_GetObjectItem(v, "why")) fprintf(out, "%s\n", one->valuestring);
  cJSON_ArrayForEach(one, cJSON_GetObjectItem(v, "remedies"))
      fprintf(out, "%s\n", one->valuestring);
}

static void one_remedy(struct xp_lines *out, const cJSON *so_far, void *arg) {
  assert_true(cJSON_HasObjectItem(so_far, "token") && cJSON_HasObjectItem(so_far, "rows"));
  xp_lines_add(out, "variant=both-always: %s", (const char *)arg);
}

/* A recorded violation. Not static: what is told lies outside the world. */
struct told {
  struct xp_names names;
  struct xp_trace trace;
};

/* The violation of a litmus program, found at random and minimised. */
static cJSON *tell(const char *program, const char *variant, struct told *told,
                   const char *directory) {
  struct xp_run r = {.decisions = NULL};
  struct xp_schedule s = {.build = xp_build_key(), .scenario = 0x12345678};
  struct xp_minimise_config m;
  struct xp_config c;
  char remedy[] = "0 of 515 schedules fail";
  world_config(&c);
  world_prepare(program, variant);
  xp_names_litmus(&told->names, world_program());
  assert_true(world_find("random", 1, 1000000, &r));
  xp_minimise_config_default(&m, &c);
  m.budget_ns = UINT64_MAX;
  m.replays_max = 20000;
  struct xp_finding f = {.kind = "violation", .strategy = "random", .found_at = 3,
                         .name = program, .scenario = "{\"a\":1}", .directory = directory,
                         .search = &c, .minimise = &m, .names = &told->names,
                         .remedies = one_remedy, .remedies_arg = remedy};
  cJSON *v = xp_violation(&s, &r, &f, &told->trace);
  assert_non_null(v);
  xp_schedule_free(&s);
  xp_run_free(&r);
  return v;
}

static char *golden_text(void) {
  struct told told = {.trace = {.count = 0}};
  char *text = NULL;
  size_t length;
  cJSON *v = tell("litmus-2", "new-only", &told, NULL);
  FILE *out = open_memstream(&text, &length);
  print_violation(v, out);
  fclose(out);
  cJSON_Delete(v);
  xp_trace_free(&told.trace);
  test_leave();
  return text;
}

static void the_table_is_the_golden_one(void **state) {
  (void)state;
  char before[1 << 14];
  FILE *in = fopen(GOLDEN, "r");
  assert_non_null(in);
  before[fread(before, 1, sizeof before - 1, in)] = '\0';
  fclose(in);
  char *now = golden_text();
  assert_string_equal(now, before);
  free(now);
}

/* A table has at most 25 rows, every preemption among them, the failure last. */
static void rows_are_those_that_matter(void **state) {
  (void)state;
  static const char *const programs[][2] = {
      {"litmus-1", "none"},     {"litmus-2", "old-only"}, {"rwmutex", "old-order"},
      {"markterm", "stale"},    {"cl20858", "old"},       {"issue16083", "no-recheck"}};
  for (size_t i = 0; i < sizeof programs / sizeof programs[0]; i++) {
    struct told told = {.trace = {.count = 0}};
    uint32_t preemptions = 0;
    cJSON *v = tell(programs[i][0], programs[i][1], &told, NULL);
    assert_true(told.trace.row_count > 0 && told.trace.row_count <= XP_ROWS_MAX);
    for (uint32_t k = 0; k < told.trace.row_count; k++) {
      preemptions += told.trace.rows[k].is_preemption;
      assert_true(k == 0 || told.trace.rows[k].step > told.trace.rows[k - 1].step);
    }
    assert_int_equal(preemptions, told.trace.preemptions);
    assert_int_equal(told.trace.rows[told.trace.row_count - 1].step, told.trace.count);
    cJSON_Delete(v);
    xp_trace_free(&told.trace);
    test_leave();
  }
}

static bool is_of_threads(const struct xp_event *e) {
  return e->kind >= PLAT_OP_THREAD_START && e->kind <= PLAT_OP_JOIN;
}

/* Starting, ending and joining threads counts as one object that all write. */
static bool conflict(const struct xp_event *a, const struct xp_event *b) {
  if (is_of_threads(a) || is_of_threads(b)) return is_of_threads(a) && is_of_threads(b);
  if (a->object != b->object || plat_model_region_of(a->object) == PLAT_REGION_NONE) return false;
  return xp_event_writes(a) || xp_event_writes(b);
}

/* By the definition: an event is needed when there is a chain of conflicts or of one thread's
 * events from it to the last. */
static void the_slice_is_happens_before(void **state) {
  (void)state;
  struct told told = {.trace = {.count = 0}};
  cJSON *v = tell("litmus-2", "old-only", &told, NULL);
  bool *needed = calloc(told.trace.count, sizeof *needed);
  uint32_t left_out = 0;
  needed[told.trace.count - 1] = true;
  for (uint32_t i = told.trace.count; i-- > 0;) {
    for (uint32_t k = i + 1; k < told.trace.count; k++) {
      const struct xp_event *a = &told.trace.events[i], *b = &told.trace.events[k];
      if (needed[k] && (a->thread == b->thread || conflict(a, b))) needed[i] = true;
    }
    assert_int_equal(told.trace.events[i].is_needed, needed[i]);
    if (!needed[i]) left_out++;
  }
  assert_true(left_out > 0);
  free(needed);
  cJSON_Delete(v);
  xp_trace_free(&told.trace);
  test_leave();
}

/* What is seen of an object event by event: raw colours, 's' where it is scanned; what is told. */
static const struct {
  const char *raw, *scans, *told;
} colours[] = {
    {"WWBGGBBB", "......s.", "WWGGGGBB"}, /* marked, queued, taken, scanned */
    {"WWBGGBBB", "........", "WWGGGGGG"}, /* taken, and thrown away */
    {"WWGGBBBB", ".....s..", "WWGGGBBB"}, /* a buffered word */
    {"--BBBBBB", "........", "--BBBBBB"}, /* made black */
    {"WWBBBBBB", "........", "WWBBBBBB"}, /* without pointers */
    {"WBGBWWBG", "...s....", "WGGBWWGG"}, /* two cycles */
    {"WBGBBBBB", "...s..s.", "WGGGGGBB"}, /* in two parts */
};

static void colours_are_settled_with_hindsight(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof colours / sizeof colours[0]; i++) {
    struct xp_event events[8] = {{.step = 1}};
    struct xp_names names = {.watch_count = 2, .watch = {{.name = "m", .is_stack = true},
                                                         {.name = "X"}}};
    struct xp_trace t = {.names = &names, .events = events, .count = 8};
    char told[9] = "", text[100];
    names.scans = (uint32_t (*)(const struct plat_model_op *, void *))1; /* asked for, not called */
    for (uint32_t k = 0; k < 8; k++) {
      events[k] = (struct xp_event){.step = k + 1, .scans = colours[i].scans[k] == 's' ? 1 : 12};
      events[k].colours[0] = k < 3 ? 'W' : 'B';
      events[k].colours[1] = colours[i].raw[k];
    }
    xp_trace_settle_colours(&t);
    for (uint32_t k = 0; k < 8; k++) told[k] = events[k].colours[1];
    assert_string_equal(told, colours[i].told);
    assert_true(events[2].colours[0] == 'W' && events[3].colours[0] == 'B');
    assert_false(xp_trace_colour_text(&t, 0, 1, text, sizeof text));
    assert_true(xp_trace_colour_text(&t, 3, 4, text, sizeof text));
    assert_non_null(strstr(text, "m is scanned"));
    if (i > 0) continue;
    xp_trace_colour_text(&t, 2, 8, text, sizeof text);
    assert_string_equal(text, "m is scanned, X turns black");
  }
}

/* ---- files ----------------------------------------------------------------------------------- */

static void the_file_says_what_was_run(void **state) {
  (void)state;
  char folder[] = "/tmp/tricolor-violation-XXXXXX", error[XP_ERROR_TEXT];
  struct told told = {.trace = {.count = 0}};
  struct xp_file f;
  assert_non_null(mkdtemp(folder));
  cJSON *v = tell("litmus-1", "new-only", &told, folder);
  const char *path = cJSON_GetStringValue(cJSON_GetObjectItem(v, "file"));
  assert_non_null(path);
  assert_true(xp_file_read(path, &f, error));
  assert_string_equal(f.token, cJSON_GetObjectItem(v, "token")->valuestring);
  assert_string_equal(f.scenario, "{\"a\":1}");
  assert_string_equal(f.outcome.message, told.trace.outcome.message);
  assert_true(f.schedule.scenario == 0x12345678 && f.schedule.build == xp_build_key());
  assert_true(f.outcome.end == PLAT_MODEL_FAILED && f.outcome.points == told.trace.outcome.points);
  assert_int_equal(xp_file_first_difference(&f, &told.trace), UINT32_MAX);
  assert_int_equal(f.hash_count, (f.outcome.points - 1) / 16);
  f.hashes[1] ^= 1;
  assert_int_equal(xp_file_first_difference(&f, &told.trace), 16);
  assert_int_equal(unlink(path), 0);
  assert_int_equal(rmdir(folder), 0); /* no temporary file is left */
  xp_file_free(&f);
  cJSON_Delete(v);
  xp_trace_free(&told.trace);
  test_leave();
}

static void a_file_that_cannot_be_written_is_said(void **state) {
  (void)state;
  struct told told = {.trace = {.count = 0}};
  cJSON *v = tell("litmus-1", "new-only", &told, "/nowhere");
  assert_true(cJSON_IsNull(cJSON_GetObjectItem(v, "file")));
  const char *error = cJSON_GetStringValue(cJSON_GetObjectItem(v, "file_error"));
  assert_true(strncmp(error, "cannot write /nowhere/litmus-1-", 31) == 0);
  assert_non_null(strstr(error, ".schedule.json: No such file or directory"));
  cJSON_Delete(v);
  xp_trace_free(&told.trace);
  test_leave();
}

static int write_golden(void) {
  char *text = golden_text();
  FILE *out = fopen(GOLDEN, "w");
  if (out == NULL) return 1;
  fputs(text, out);
  free(text);
  return fclose(out) == 0 ? 0 : 1;
}

static int write_trace(void) {
  struct told told = {.trace = {.count = 0}};
  cJSON *v = tell("litmus-2", "new-only", &told, NULL);
  bool good = xp_trace_perfetto(&told.trace, stdout);
  cJSON_Delete(v);
  xp_trace_free(&told.trace);
  test_leave();
  return good ? 0 : 1;
}

int main(int argc, char **argv) {
  if (argc > 1) return strcmp(argv[1], "perfetto") == 0 ? write_trace() : write_golden();
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_table_is_the_golden_one),
      cmocka_unit_test(rows_are_those_that_matter),
      cmocka_unit_test(the_slice_is_happens_before),
      cmocka_unit_test(colours_are_settled_with_hindsight),
      cmocka_unit_test(the_file_says_what_was_run),
      cmocka_unit_test(a_file_that_cannot_be_written_is_said),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

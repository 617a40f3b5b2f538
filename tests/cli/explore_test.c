/* tricolor explore and replay: what they ask of the engine, print, write, and how they end. */
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sims/memory.h"
#include "sims/scenario.h"
#include "tests/cli/harness.h"

#define LOST "FAKE_MODE=search FAKE_WORDS=words FAKE_DOCUMENT=" TEST_DOCUMENTS "/lost.json"
#define CLEAN "FAKE_MODE=search FAKE_WORDS=words FAKE_DOCUMENT=" TEST_DOCUMENTS "/clean.json"

static void assert_file(const char *path, const char *wanted) {
  char *text = read_file(path);
  assert_non_null(text);
  assert_string_equal(text, wanted);
  free(text);
}

/* What is printed for a person, to the byte. */
static void assert_printed(const char *out, const char *name) {
  char *path = sim_printf("%s/%s", TEST_DOCUMENTS, name);
  char *wanted = read_file(path);
  assert_non_null(wanted);
  if (strcmp(out, wanted) != 0) print_error("found in place of %s:\n%s", path, out);
  assert_string_equal(out, wanted);
  free(wanted);
  free(path);
}

/* ---- explore ---- */

static void test_lost(void **state) {
  (void)state;
  unlink("words");
  const struct outcome *r = cli(LOST, "explore mini.json");
  assert_int_equal(r->status, 1); /* nobody expected it */
  assert_string_equal(r->err, "");
  assert_printed(r->out, "lost.txt");
  assert_file("words", "--run 1/1 --explore\n");
}

/* lost.json with another text in one place, as an engine's document; the environment for it. */
static const char *changed_document(const char *from, const char *to) {
  char *text = read_file(TEST_DOCUMENTS "/lost.json"), *at = strstr(text, from);
  assert_non_null(at);
  char *changed = sim_printf("%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
  write_file("changed.json", changed);
  free(changed);
  free(text);
  return "FAKE_MODE=search FAKE_WORDS=words FAKE_DOCUMENT=changed.json";
}

#define NO_MORE "\"is_one_minimal\": true"
#define SHRUNK \
  NO_MORE ", \"shrunk\": [\"goroutine reader left out\", \"b\", \"c\", \"d\", \"e\", \"f\", " \
  "\"g\", \"h\", \"i\"], \"shrink\": {\"tried\": 31, \"ns\": 94000, \"ended_by\": \"time\"}"
#define NOT_SHRUNK \
  NO_MORE ", \"shrunk\": [], \"shrink\": {\"tried\": 7, \"ns\": 94000, \"ended_by\": \"request\"}"

/* A token of a smaller scenario is worth something with its file alone. */
static void test_shrunk(void **state) {
  (void)state;
  const struct outcome *r = cli(changed_document(NO_MORE, SHRUNK), "explore mini.json");
  assert_int_equal(r->status, 1);
  assert_contains(r->out, "\nthe scenario was made smaller first: 31 tried, 94.0 us, then the time "
                          "was up (--shrink)\n  goroutine reader left out\n  b\n");
  assert_contains(r->out, "  h\n  and 1 more\n");
  assert_contains(r->out, "See it again, in the smaller scenario, which is in the file\n"
                          "  tricolor replay mini-5e1c.schedule.json\n  tricolor replay 'tri1:");
  r = cli(changed_document(NO_MORE, NOT_SHRUNK), "explore mini.json");
  assert_contains(r->out, "\nno much smaller scenario shows it: 7 tried, 94.0 us, then "
                          "interrupted\n");
}

#define FILE_OF "\"file\": \"mini-5e1c.schedule.json\""
#define NO_FILE "\"file\": null, \"file_error\": \"cannot write x: full\""

/* The verdict is told, but what was asked for is not there. */
static void test_no_file(void **state) {
  (void)state;
  const struct outcome *r =
    cli(changed_document(FILE_OF, NO_FILE), "explore mini.json --json out.json");
  assert_int_equal(r->status, 3);
  assert_string_equal(r->err, "tricolor: no schedule file: cannot write x: full; the token is all "
                              "there is\n");
  assert_contains(r->out, "Verdict       a violation was found, and none is expected\n");
  assert_contains(r->out, "  no schedule file: cannot write x: full\n");
  assert_int_equal(count_files("out.json"), 1);
}

static void test_clean(void **state) {
  (void)state;
  const struct outcome *r = cli(CLEAN, "explore mini.json");
  assert_int_equal(r->status, 0);
  assert_printed(r->out, "clean.txt");
}

/* The scenario of mini.json with more members. */
static void write_mini(const char *path, const char *more) {
  char *text = sim_printf(
    "{\"name\": \"mini\", %s \"goroutines\": [{\"body\": [{\"op\": \"gc\"}]}]}", more);
  write_file(path, text);
  free(text);
}

static void test_verdicts(void **state) {
  (void)state;
  write_mini("race.json", "\"job\": \"explore\", \"expect_violation\": \"not marked\",");
  const struct outcome *r = cli(LOST, "explore race.json");
  assert_int_equal(r->status, 0);
  assert_contains(r->out, "Verdict       the expected violation was found (\"not marked\")\n");
  assert_int_equal(cli(LOST, "job race.json")->status, 0);
  r = cli(CLEAN, "explore race.json");
  assert_int_equal(r->status, 1);
  assert_contains(r->out, "the scenario expects a violation with \"not marked\"; none was found");
  r = cli(LOST, "explore race.json --set expect_violation=deadlock");
  assert_int_equal(r->status, 1);
  assert_contains(r->out, "a violation was found, but not the expected one (\"deadlock\")");
}

static void test_flags(void **state) {
  (void)state;
  static const char words[] =
    "explore mini.json --strategy bound --preemptions 3 --depth 0 --schedules 70 --time 0.5 "
    "--jobs 2 --shrink 1.5 --seed 9 --json out.json";
  assert_int_equal(cli("FAKE_MODE=status FAKE_INPUT=in", words)->status, 3); /* a tricolor.result */
  char *text = read_file("in");
  assert_non_null(text);
  assert_contains(text, "\"explore\":{\"strategy\":\"bound\",\"preemptions\":3,\"depth\":0,"
                        "\"schedules\":70,\"time_ns\":500000000,\"jobs\":2,");
  assert_contains(text, "\"shrink_ns\":1500000000");
  assert_contains(text, "\"seed\":9");
  free(text);
}

static void test_bad_flags(void **state) {
  (void)state;
  static const struct { const char *words, *says; } bad[] = {
    {"--strategy boun", "--strategy: found \"boun\", allowed: hunt, bound, pct, pos, urw, random"},
    {"--preemptions 17", "--preemptions: found \"17\", allowed: a whole number from 0 to 16"},
    {"--depth x", "--depth: found \"x\", allowed"},
    {"--schedules 0", "--schedules: found \"0\", allowed: a whole number from 1 on, or none"},
    {"--time .5", "--time: found \".5\", allowed: seconds"},
    {"--time 5m", "--time: found \"5m\", allowed: seconds"},
    {"--time 0", "nanoseconds 1000000..604800000000000"},
    {"--shrink none", "--shrink: found \"none\", allowed: seconds, such as 10 or 0.5"},
    {"--shrink 1m", "--shrink: found \"1m\", allowed: seconds"},
    {"--jobs 65", "--jobs: found \"65\", allowed: a whole number from 1 to 64"},
    {"--time 5 --time 6", "--time is given twice"},
    {"--trace x", "no option --trace for this command"},
    {"--set explore.points=[\"maps\"]", "did you mean \"map\"?"},
    {"--mutants", "--mutants takes every scenario of configs/races"},
  };
  unlink("words");
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    char *words = sim_printf("explore mini.json %s", bad[i].words);
    const struct outcome *r = cli(LOST, words);
    assert_int_equal(r->status, 2);
    assert_contains(r->err, bad[i].says);
    free(words);
  }
  assert_contains(cli("", "explore")->err, "FILE is missing");
  assert_int_equal(count_files("words"), 0); /* nothing was run */
}

static void test_json(void **state) {
  (void)state;
  const struct outcome *r = cli(LOST, "explore mini.json --json -");
  assert_int_equal(r->status, 1);
  cJSON *doc = cJSON_ParseWithOpts(r->out, NULL, true);
  assert_non_null(doc);
  assert_true(cJSON_IsFalse(item_at(doc, "expectation.holds")));
  assert_string_equal(item_at(doc, "violation.file")->valuestring, "mini-5e1c.schedule.json");
  cJSON_Delete(doc);
}

static void test_engine_fails(void **state) {
  (void)state;
  const struct outcome *r = cli("FAKE_MODE=crash", "explore mini.json --json out.json");
  assert_int_equal(r->status, 3);
  assert_contains(r->err, "it was killed by SIGSEGV");
  char *text = read_file("out.json");
  assert_contains(text, "\"schema\": \"tricolor.explore/1\"");
  assert_contains(text, "\"partial\": true");
  free(text);
  r = cli("FAKE_MODE=ok", "explore mini.json");
  assert_int_equal(r->status, 3);
  assert_contains(r->err, "a result whose schema is not tricolor.explore/1");
  assert_int_equal(cli("FAKE_MODE=refused", "explore mini.json")->status, 2);
}

/* What an engine had told before it died is not lost. */
static void test_engine_dies(void **state) {
  (void)state;
  const char *env = "FAKE_MODE=dies-in-search FAKE_DOCUMENT=" TEST_DOCUMENTS "/lost.json";
  const struct outcome *r = cli(env, "explore mini.json --json out.json");
  assert_int_equal(r->status, 3);
  assert_contains(r->err, "it was killed by SIGKILL");
  assert_contains(r->err, "searching, hunt: 12345 schedules");
  assert_contains(r->out, "Violation: mark termination: object b is reachable but not marked");
  assert_contains(r->out, "tricolor replay 'tri1:7f3a91c2:b10c44de:");
  assert_contains(r->out, "the engine died before it was done, and had told this");
  assert_lacks(r->out, "Guarantee");
  char *text = read_file("out.json");
  assert_contains(text, "\"partial\": true");
  assert_contains(text, "\"token\": \"tri1:7f3a91c2");
  free(text);
}

/* Ctrl-C: the engine is asked for what it has, and that is shown. */
static void test_interrupted(void **state) {
  (void)state;
  const char *env = "FAKE_MODE=endless-search FAKE_DOCUMENT=" TEST_DOCUMENTS "/clean.json";
  struct streams streams = {open("int.out", O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600),
                            open("int.err", O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600)};
  unlink("started");
  pid_t pid = cli_start(env, "explore mini.json --json int.json", streams);
  wait_for_lines("started", 1);
  kill(pid, SIGINT);
  assert_int_equal(cli_wait(pid), 130);
  close(streams.out);
  close(streams.err);
  char *out = read_file("int.out"), *err = read_file("int.err"), *json = read_file("int.json");
  assert_contains(out, "Schedules     515 complete");
  assert_contains(out, "no violation found before the search was interrupted");
  assert_string_equal(err, "tricolor: ended by SIGINT\n");
  assert_contains(json, "\"interrupted\": true");
  free(out);
  free(err);
  free(json);
}

/* ---- replay ---- */

/* A token of a scenario file; the caller frees. */
static char *token_of(const char *path) {
  struct sc_errors errors = {0};
  struct scenario *s = scenario_load_file(path, NULL, 0, &errors);
  assert_non_null(s);
  char *token = sim_printf("tri1:%08x:b10c44de:-:t0.0>t1:5e1c", scenario_key(s));
  scenario_free(s);
  return token;
}

static void test_replay_token(void **state) {
  (void)state;
  char *token = token_of("mini.json"), *words = sim_printf("replay %s", token);
  char *asked = sim_printf("--run 1/1 --replay %s\n", token);
  unlink("words");
  const struct outcome *r = cli(LOST, words); /* found by its key in the current directory */
  assert_int_equal(r->status, 1);
  assert_contains(r->out, "   98 ");
  assert_contains(r->out, "mini: replay, seed 1\n");
  assert_lacks(r->out, "Guarantee"); /* one schedule proves nothing */
  assert_file("words", asked);
  free(asked);
  free(words);
  words = sim_printf("replay %s --scenario mini.json --trace run.json", token);
  unlink("words");
  assert_int_equal(cli(LOST, words)->status, 1);
  char *text = read_file("words");
  assert_contains(text, "--trace run.json.tmp.");
  free(text);
  assert_int_equal(count_files("run.json"), 1);
  free(words);
  words = sim_printf("replay %s --scenario mini.json --set seed=2", token);
  r = cli(LOST, words);
  assert_int_equal(r->status, 2);
  assert_contains(r->err, "the token expects scenario ");
  assert_contains(r->err, ", found ");
  free(words);
  free(token);
}

static void test_replay_lost_token(void **state) {
  (void)state;
  const struct outcome *r = cli(LOST, "replay tri1:00000000:b10c44de:-:-:5e1c");
  assert_int_equal(r->status, 2);
  assert_contains(r->err, "the token expects scenario 00000000; found: none of the ");
  assert_contains(r->err, "--scenario FILE");
  r = cli(LOST, "replay tri1:0:1:2");
  assert_int_equal(r->status, 2);
  assert_contains(r->err, "found \"tri1:0:1:2\", allowed: a token tri1:SCENARIO:BUILD");
  assert_contains(cli(LOST, "replay nonesuch")->err, "no such file");
  assert_contains(cli(LOST, "replay")->err, "TOKEN | FILE is missing");
}

static void write_schedule(const char *path, const char *token, const char *scenario) {
  cJSON *doc = cJSON_CreateObject();
  cJSON_AddStringToObject(doc, "schema", "tricolor.schedule/1");
  cJSON_AddStringToObject(doc, "token", token);
  cJSON_AddStringToObject(doc, "scenario", scenario);
  char *text = cJSON_Print(doc);
  write_file(path, text);
  free(text);
  cJSON_Delete(doc);
}

static void test_replay_file(void **state) {
  (void)state;
  char *token = token_of("mini.json");
  write_mini("kept.json", "\"seed\": 18446744073709551615, \"expect_violation\": \"marked\",");
  char *scenario = read_file("kept.json"), *asked = sim_printf("--run 1/1 --replay %s --schedule "
                                                            "mini-5e1c.schedule.json\n", token);
  write_schedule("mini-5e1c.schedule.json", token, scenario);
  unlink("words");
  assert_int_equal(cli(LOST " FAKE_INPUT=in", "replay mini-5e1c.schedule.json")->status, 0);
  assert_file("words", asked);
  char *text = read_file("in");
  assert_contains(text, "\"seed\":18446744073709551615"); /* no number is rounded */
  free(text);
  free(asked);
  free(scenario);
  free(token);
  const struct outcome *r = cli(LOST, "replay mini.json");
  assert_int_equal(r->status, 2);
  assert_contains(r->err, "found no schedule file");
  write_file("broken.schedule.json", "{");
  assert_contains(cli(LOST, "replay broken.schedule.json")->err, "it is not JSON");
}

/* The scenario of a token may be in a schedule file alone, and then it is that file's. */
static void test_replay_token_of_file(void **state) {
  (void)state;
  write_mini("smaller.json", "\"seed\": 77,");
  char *token = token_of("smaller.json"), *scenario = read_file("smaller.json");
  char *words = sim_printf("replay %s", token);
  char *asked = sim_printf("--run 1/1 --replay %s --schedule one.schedule.json\n", token);
  unlink("smaller.json");
  write_file("bad.schedule.json", "[]");
  write_schedule("other.schedule.json", "tri1:7f3a91c2:b10c44de:-:-:5e1c", scenario);
  assert_contains(cli(LOST, words)->err, "and no .schedule.json file here is of the token");
  write_schedule("one.schedule.json", token, scenario);
  unlink("words");
  assert_int_equal(cli(LOST " FAKE_INPUT=in", words)->status, 1);
  assert_file("words", asked);
  char *text = read_file("in");
  assert_contains(text, "\"seed\":77");
  free(text);
  free(asked);
  free(words);
  free(scenario);
  free(token);
}

/* ---- list and help ---- */

static void test_list(void **state) {
  (void)state;
  mkdir("configs/races", 0755);
  write_mini("configs/races/mini.json", "\"expect_violation\": \"x\",");
  const struct outcome *r = cli("", "list");
  assert_contains(r->out, "Races among them (explore them by name)\n  mini  ");
  assert_contains(r->out, "Strategies (explore.strategy, --strategy)\n  hunt  ");
  assert_int_equal(cli("", "validate mini")->status, 0);
  assert_contains(cli("", "explore min")->err, "did you mean mini?");
  unlink("configs/races/mini.json");
  rmdir("configs/races");
  assert_contains(cli("", "explore --help")->out, "EXHAUSTED");
  assert_contains(cli("", "replay --help")->out, "--scenario FILE");
}

int main(int argc, char **argv) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_lost),          cmocka_unit_test(test_clean),
    cmocka_unit_test(test_shrunk),        cmocka_unit_test(test_no_file),
    cmocka_unit_test(test_verdicts),      cmocka_unit_test(test_flags),
    cmocka_unit_test(test_bad_flags),     cmocka_unit_test(test_json),
    cmocka_unit_test(test_engine_dies),   cmocka_unit_test(test_engine_fails),
    cmocka_unit_test(test_interrupted),
    cmocka_unit_test(test_replay_token),  cmocka_unit_test(test_replay_lost_token),
    cmocka_unit_test(test_replay_file),   cmocka_unit_test(test_replay_token_of_file),
    cmocka_unit_test(test_list),
  };
  harness_open(argc, argv);
  int failed = cmocka_run_group_tests(tests, NULL, NULL);
  harness_close();
  return failed;
}

/* tricolor explore --mutants: the kill table. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sims/memory.h"
#include "tests/cli/harness.h"

#define BODY "\"goroutines\": [{\"body\": [{\"op\": \"gc\"}]}]}"

static void write_race(const char *name, const char *more) {
  char *path = sim_printf("configs/races/%s.json", name);
  char *text = sim_printf("{\"name\": \"%s\", %s " BODY, name, more);
  write_file(path, text);
  free(text);
  free(path);
}

/* What the fake engine answers for a scenario, here with another name and message. */
static void write_answer(const char *name, const char *violation, const char *guarantee) {
  char *path = sim_printf("documents/%s.json", name);
  char *text = sim_printf(
    "{\"schema\": \"tricolor.explore/1\", \"scenario\": \"%s\", \"strategy\": \"hunt\","
    "\"schedules\": {\"complete\": 515, \"blocked\": 0, \"cut\": 0, \"failed\": 0},"
    "\"elapsed_ns\": 2000000, \"guarantee\": {\"kind\": %s, \"text\": \"so\"},"
    "\"violation\": %s}", name, guarantee, violation);
  write_file(path, text);
  free(text);
  free(path);
}

#define BOUND(n) "\"BOUND\", \"preemptions\": " #n
#define FOUND                                                                                 \
  "{\"message\": \"b is not marked\", \"strategy\": \"pct\", \"found_at_schedule\": 1234,"     \
  "\"preemptions\": 2, \"least_preemptions\": 2, \"least_is_proven\": true,"                 \
  "\"file\": \"x.schedule.json\", \"token\": \"tri1:a:b:-:-:5e1c\"}"

/* Runs it; the engines run elsewhere, so their paths are absolute. */
static const struct outcome *mutants(const char *words) {
  char *here = getcwd(NULL, 0);
  char *env = sim_printf("FAKE_MODE=search FAKE_WORDS=%s/words FAKE_INPUT=%s/in "
                         "FAKE_DOCUMENT=%s/documents", here, here, here);
  char *all = sim_printf("explore --mutants %s", words);
  const struct outcome *r = cli(env, all);
  free(all);
  free(env);
  free(here);
  return r;
}

static int set_up(void **state) {
  (void)state;
  mkdir("configs/races", 0755);
  mkdir("documents", 0755);
  write_race("bare", "\"gc\": {\"barrier\": {\"kind\": \"none\"}}, "
                     "\"expect_violation\": \"not marked\",");
  write_race("right", "\"description\": \"x\",");
  write_answer("bare", FOUND, "\"NONE\"");
  write_answer("bare-twin", "null", BOUND(2));
  write_answer("right", "null", "\"EXHAUSTED\"");
  unlink("words");
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  return system("rm -r configs/races documents") != 0;
}

static void test_all_killed(void **state) {
  (void)state;
  const struct outcome *r = mutants("");
  assert_int_equal(r->status, 0);
  assert_contains(r->out, "scenario       fault  found by  in schedule     time  preemptions");
  assert_contains(r->out, "bare      no barrier       pct        1,234  2.00 ms    2 (least)  "
                          "  clean, BOUND 2, 515 schedules\n");
  assert_contains(r->out, "right                  correct            -        -            -  "
                          "clean, EXHAUSTED, 515 schedules\n");
  assert_contains(r->out, "tricolor replay 'tri1:a:b:-:-:5e1c'\n");
  assert_contains(r->out, "1 of 1 faults found; 2 of 2 correct twins clean up to their bound\n");
  assert_string_equal(r->err, "");
}

/* The twin is the same scenario with a barrier, without expectation, searched to the bound. */
static void test_twin(void **state) {
  (void)state;
  unlink("configs/races/right.json"); /* so that the twin is the last to run */
  write_answer("bare-twin", "null", BOUND(3));
  assert_int_equal(mutants("--preemptions 3")->status, 0);
  char *text = read_file("in");
  assert_contains(text, "\"kind\":\"hybrid\"");
  assert_contains(text, "\"strategy\":\"bound\",\"preemptions\":3,");
  assert_contains(text, "\"time_ns\":60000000000");
  assert_lacks(text, "expect_violation");
  free(text);
}

static void test_survivor(void **state) {
  (void)state;
  write_answer("bare", "null", "\"PROBABILITY\"");
  const struct outcome *r = mutants("");
  assert_int_equal(r->status, 1);
  assert_contains(r->out, "SURVIVES");
  assert_contains(r->out, "0 of 1 faults found");
  write_answer("bare", "{\"message\": \"something else\"}", "\"NONE\"");
  r = mutants("");
  assert_int_equal(r->status, 1);
  assert_contains(r->out, "OTHER");
}

static void test_bad_twin(void **state) {
  (void)state;
  write_answer("bare-twin", FOUND, "\"NONE\"");
  const struct outcome *r = mutants("");
  assert_int_equal(r->status, 1);
  assert_contains(r->out, "VIOLATION, NONE, 515 schedules");
  write_answer("bare-twin", "null", "\"NONE\""); /* time was over before the bound was exhausted */
  r = mutants("");
  assert_int_equal(r->status, 1);
  assert_contains(r->out, "not exhausted, NONE, 515 schedules");
  write_answer("bare-twin", "null", BOUND(1)); /* less than was asked for */
  r = mutants("");
  assert_int_equal(r->status, 1);
  assert_contains(r->out, "not exhausted, BOUND 1, 515 schedules");
}

static void test_json(void **state) {
  (void)state;
  const struct outcome *r = mutants("--json -");
  assert_int_equal(r->status, 0);
  cJSON *doc = cJSON_ParseWithOpts(r->out, NULL, true);
  assert_non_null(doc);
  assert_string_equal(item_at(doc, "schema")->valuestring, "tricolor.mutants/1");
  assert_float_equal(number_at(doc, "found"), 1, 0);
  assert_true(cJSON_IsTrue(item_at(doc, "scenarios.0.found")));
  assert_string_equal(item_at(doc, "scenarios.0.token")->valuestring, "tri1:a:b:-:-:5e1c");
  assert_string_equal(item_at(doc, "scenarios.0.twin_verdict")->valuestring, "clean");
  assert_string_equal(item_at(doc, "scenarios.1.scenario")->valuestring, "right");
  cJSON_Delete(doc);
}

static void test_engine_fails(void **state) {
  (void)state;
  unlink("documents/bare.json");
  const struct outcome *r = mutants(""); /* it ends with status 97 */
  assert_int_equal(r->status, 3);
  assert_contains(r->out, "failed");
  write_race("wrong", "\"seeed\": 1,");
  unlink("words");
  r = mutants("");
  assert_int_equal(r->status, 2);
  assert_contains(r->err, "did you mean \"seed\"?");
  assert_int_equal(count_files("words"), 0); /* nothing was run */
}

int main(int argc, char **argv) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(test_all_killed, set_up, tear_down),
    cmocka_unit_test_setup_teardown(test_twin, set_up, tear_down),
    cmocka_unit_test_setup_teardown(test_survivor, set_up, tear_down),
    cmocka_unit_test_setup_teardown(test_bad_twin, set_up, tear_down),
    cmocka_unit_test_setup_teardown(test_json, set_up, tear_down),
    cmocka_unit_test_setup_teardown(test_engine_fails, set_up, tear_down),
  };
  harness_open(argc, argv);
  int failed = cmocka_run_group_tests(tests, NULL, NULL);
  harness_close();
  return failed;
}

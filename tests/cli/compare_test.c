/* tricolor compare and job: order of runs, medians and ratios, failures in the middle. */
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/cli/harness.h"

static cJSON *parse(const char *text) {
  cJSON *doc = cJSON_ParseWithOpts(text, NULL, true);
  if (doc == NULL) fail_msg("not JSON: %s", text);
  return doc;
}

/* The log of the fake engines without their process ids. */
static char *log_lines(void) {
  char *log = read_file("log"), *to = log;
  assert_non_null(log);
  for (char *from = log; *from != '\0';) {
    char *space = strrchr(strndupa(from, strcspn(from, "\n")), ' ');
    size_t line = strcspn(from, "\n");
    size_t kept = line - strlen(space);
    memmove(to, from, kept);
    to += kept;
    *to++ = '\n';
    from += line + 1;
  }
  *to = '\0';
  return log;
}

static void check_log(const char *wanted) {
  char *log = log_lines();
  assert_string_equal(log, wanted);
  free(log);
  unlink("log");
}

static void test_order(void **state) {
  (void)state;
  unlink("log");
  assert_int_equal(cli("FAKE_LOG=log", "compare mini.json --runs 3")->status, 0);
  check_log("concurrent 1/6\nboehm 2/6\nconcurrent 3/6\nboehm 4/6\nconcurrent 5/6\nboehm 6/6\n");
  const struct outcome *r =
    cli("FAKE_LOG=log FAKE_CONTESTANTS=3", "compare mini.json --with none,boehm --runs=2 --json -");
  assert_int_equal(r->status, 0);
  check_log("concurrent 1/6\nnone 2/6\nboehm 3/6\nconcurrent 4/6\nnone 5/6\nboehm 6/6\n");
  cJSON *doc = parse(r->out);
  assert_int_equal(cJSON_GetArraySize(item_at(doc, "order")), 6);
  assert_string_equal(item_at(doc, "order.1")->valuestring, "none");
  cJSON_Delete(doc);
  assert_int_equal(cli("FAKE_LOG=log", "compare mini.json")->status, 0);
  char *log = log_lines();
  assert_contains(log, "boehm 10/10\n"); /* five rounds when not told */
  free(log);
  unlink("log");
}

/* Wall times: ours 3 1 2, theirs 4 12 2 ms; the ratios of the rounds: 0.75 0.08333 1. */
static void test_numbers(void **state) {
  (void)state;
  const struct outcome *r = cli("", "compare mini.json --runs 3 --json out.json");
  assert_int_equal(r->status, 0);
  assert_contains(r->out, "mini: native, seed 1, 3 rounds of concurrent, boehm\n");
  assert_contains(r->out, "  wall time                2.00 ms [1.00..3.00]  4.00 ms [2.00..12.0]  "
                          "0.750 [0.0833..1.00]\n");
  assert_contains(r->out, "  operations                          1,000,000             1,000,000   "
                          "               1.00\n");
  assert_contains(r->out, "Values are medians of 3 runs [least..most], the collectors taking");
  char *text = read_file("out.json");
  cJSON *doc = parse(text);
  free(text);
  assert_string_equal(item_at(doc, "schema")->valuestring, "tricolor.compare/1");
  assert_string_equal(item_at(doc, "scenario")->valuestring, "mini");
  assert_true(cJSON_IsTrue(item_at(doc, "complete")));
  assert_float_equal(number_at(doc, "runs"), 3, 0);
  assert_float_equal(number_at(doc, "collectors.concurrent.median.wall_ns"), 2e6, 0);
  assert_float_equal(number_at(doc, "collectors.concurrent.min.wall_ns"), 1e6, 0);
  assert_float_equal(number_at(doc, "collectors.concurrent.max.wall_ns"), 3e6, 0);
  assert_float_equal(number_at(doc, "collectors.boehm.median.wall_ns"), 4e6, 0);
  assert_float_equal(number_at(doc, "collectors.boehm.results.1.wall_ns"), 12e6, 0);
  assert_float_equal(number_at(doc, "collectors.boehm.median.mmu.1.window_ns"), 1e6, 0);
  assert_float_equal(number_at(doc, "collectors.boehm.median.maps.m.B"), 17, 0);
  assert_true(cJSON_IsNull(item_at(doc, "collectors.boehm.median.gc.assists")));
  assert_true(cJSON_IsNull(item_at(doc, "collectors.boehm.ci_low.wall_ns")));
  assert_float_equal(number_at(doc, "ratios.boehm.wall_ns.median"), 0.75, 1e-12);
  assert_float_equal(number_at(doc, "ratios.boehm.wall_ns.min"), 1.0 / 12, 1e-12);
  assert_float_equal(number_at(doc, "ratios.boehm.wall_ns.max"), 1, 0);
  assert_float_equal(number_at(doc, "ratios.boehm.wall_ns.rounds"), 3, 0);
  assert_true(cJSON_IsNull(item_at(doc, "ratios.boehm.setup_ns"))); /* 0 / 0 */
  assert_null(cJSON_GetObjectItem(item_at(doc, "collectors.boehm.median"), "seed"));
  assert_string_equal(item_at(doc, "config.name")->valuestring, "mini");
  assert_null(cJSON_GetObjectItem(item_at(doc, "collectors.boehm.results.0"), "config"));
  cJSON_Delete(doc);
  unlink("out.json");
}

/* Six rounds: ours 3 1 2 5 4 6, theirs 4 12 2 10 16 8; ratios .75 .0833 1 .5 .25 .75. */
static void test_interval(void **state) {
  (void)state;
  const struct outcome *r = cli("", "compare mini.json --runs 6 --json -");
  assert_int_equal(r->status, 0);
  cJSON *doc = parse(r->out);
  assert_float_equal(number_at(doc, "collectors.concurrent.median.wall_ns"), 3.5e6, 0);
  assert_float_equal(number_at(doc, "collectors.concurrent.ci_low.wall_ns"), 1e6, 0);
  assert_float_equal(number_at(doc, "collectors.concurrent.ci_high.wall_ns"), 6e6, 0);
  assert_float_equal(number_at(doc, "collectors.boehm.median.wall_ns"), 9e6, 0);
  assert_float_equal(number_at(doc, "ratios.boehm.wall_ns.median"), 0.625, 1e-12);
  assert_float_equal(number_at(doc, "ratios.boehm.wall_ns.ci_high"), 1, 0);
  cJSON_Delete(doc);
  r = cli("", "compare mini.json --runs 6");
  assert_contains(r->out, "[95 % interval of that median]");
  r = cli("", "compare mini.json --runs 1");
  assert_contains(r->out, "One run of each: differences may be chance (--runs N).");
  assert_contains(r->out, "  wall time                    3.00 ms      4.00 ms           "
                          "  0.750\n");
}

/* The third round of boehm fails: it is out, ours goes on, nothing that finished is lost. */
static void test_other_fails(void **state) {
  (void)state;
  unlink("log");
  const struct outcome *r = cli("FAKE_LOG=log FAKE_MODE_boehm=crash FAKE_FROM=4",
                                "compare mini.json --runs 4 --json out.json");
  assert_int_equal(r->status, 3);
  check_log("concurrent 1/8\nboehm 2/8\nconcurrent 3/8\nboehm 4/8\nconcurrent 5/8\n"
            "concurrent 7/8\n");
  assert_contains(r->err, "engine native boehm, mini, run 4 of 8: it was killed by SIGSEGV");
  assert_contains(r->err, "  boehm is not run again\n");
  assert_contains(r->out, "Incomplete: 4 of 4 runs of concurrent finished, 1 of 4 runs of boehm "
                          "finished\n");
  assert_contains(r->out, "wall time");
  char *text = read_file("out.json");
  cJSON *doc = parse(text);
  free(text);
  assert_true(cJSON_IsFalse(item_at(doc, "complete")));
  assert_true(cJSON_IsFalse(item_at(doc, "interrupted")));
  assert_float_equal(number_at(doc, "collectors.boehm.finished"), 1, 0);
  assert_true(cJSON_IsTrue(item_at(doc, "collectors.boehm.results.1.partial")));
  assert_string_equal(item_at(doc, "collectors.boehm.results.1.failure.signal")->valuestring,
                      "SIGSEGV");
  assert_float_equal(number_at(doc, "collectors.boehm.median.wall_ns"), 4e6, 0);
  assert_float_equal(number_at(doc, "ratios.boehm.wall_ns.rounds"), 1, 0);
  cJSON_Delete(doc);
  unlink("out.json");
}

static void test_ours_fails(void **state) {
  (void)state;
  unlink("log");
  const struct outcome *r = cli("FAKE_LOG=log FAKE_MODE_concurrent=noresult FAKE_FROM=3",
                                "compare mini.json --runs 4 --json -");
  assert_int_equal(r->status, 3);
  check_log("concurrent 1/8\nboehm 2/8\nconcurrent 3/8\n");
  assert_contains(r->err, "concurrent is not run again; the comparison ends\n");
  cJSON *doc = parse(r->out);
  assert_float_equal(number_at(doc, "ratios.boehm.wall_ns.rounds"), 1, 0);
  assert_float_equal(number_at(doc, "collectors.concurrent.finished"), 1, 0);
  cJSON_Delete(doc);
}

static void test_refused(void **state) {
  (void)state;
  const struct outcome *r =
    cli("FAKE_MODE_none=refused FAKE_CONTESTANTS=3",
        "compare mini.json --with boehm,none --runs 2");
  assert_int_equal(r->status, 2);
  assert_contains(r->err, "engine native none, mini, run 3 of 6: it does not take this scenario");
  assert_contains(r->out, "2 of 2 runs of boehm finished, 0 of 2 runs of none finished");
}

static void test_violation(void **state) {
  (void)state;
  const struct outcome *r = cli("FAKE_MODE_boehm=violation", "compare mini.json --runs 1");
  assert_int_equal(r->status, 1);
  assert_contains(r->out, "Violation (boehm): concurrent map writes\n");
}

static void test_expectations(void **state) {
  (void)state;
  write_file("expect.json",
             "{\"name\": \"e\", \"expect\": [{\"metric\": \"wall_ns\", \"max\": 4000000}],"
             "\"goroutines\": [{\"name\": \"g\", \"body\": [{\"op\": \"yield\"}]}]}");
  const struct outcome *r = cli("", "compare expect.json --runs 3");
  assert_int_equal(r->status, 1); /* 12 ms in the second round of boehm */
  assert_contains(r->out, "  wall_ns  1000000 to 12000000  at most 4000000  "
                          "FAILS in 1 of 6 runs\n");
}

static void test_interrupt(void **state) {
  (void)state;
  int pipe_fds[2];
  unlink("log");
  assert_int_equal(pipe2(pipe_fds, O_CLOEXEC), 0);
  pid_t pid = cli_start("FAKE_LOG=log FAKE_MODE=hang FAKE_FROM=4",
                        "compare mini.json --runs 4 --json out.json",
                        (struct streams){pipe_fds[1], pipe_fds[1]});
  close(pipe_fds[1]);
  wait_for_lines("log", 4);
  kill(pid, SIGINT);
  char *said = read_to_end(pipe_fds[0]);
  close(pipe_fds[0]);
  assert_int_equal(cli_wait(pid), 130);
  assert_contains(said, "tricolor: ended by SIGINT");
  assert_contains(said, "Incomplete: 2 of 4 runs of concurrent finished, 1 of 4 runs of boehm");
  assert_contains(said, "wall time");
  free(said);
  assert_int_equal(count_files("out.json"), 0);
  char *log = read_file("log");
  for (char *line = strtok(log, "\n"); line != NULL; line = strtok(NULL, "\n")) {
    assert_int_equal(kill(atoi(strrchr(line, ' ')), 0), -1);
  }
  free(log);
}

static void test_with(void **state) {
  (void)state;
  const struct outcome *r = cli("", "compare mini.json --with bohem");
  assert_int_equal(r->status, 2);
  assert_contains(r->err, "\"bohem\" is no collector to compare with (boehm, none or go); did you "
                          "mean boehm?");
  assert_int_equal(cli("", "compare mini.json --with boehm,boehm")->status, 2);
  assert_contains(cli("", "compare mini.json --with concurrent")->err, "takes part anyway");
  assert_int_equal(cli("", "compare mini.json --with boehm,")->status, 2);
}

static void test_job(void **state) {
  (void)state;
  const struct outcome *r = cli("", "job mini.json --runs 1");
  assert_int_equal(r->status, 0);
  assert_contains(r->out, "1 round of concurrent, boehm");
  write_file("job.json", "{\"name\": \"j\", \"job\": \"run\","
                         "\"goroutines\": [{\"name\": \"g\", \"body\": [{\"op\": \"yield\"}]}]}");
  r = cli("", "job job.json --collector boehm");
  assert_int_equal(r->status, 0);
  assert_contains(r->out, "j: native, boehm collector");
  r = cli("", "job job.json --runs 4");
  assert_int_equal(r->status, 2);
  assert_contains(r->err, "--runs means nothing for a single run");
}

int main(int argc, char **argv) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_order), cmocka_unit_test(test_numbers), cmocka_unit_test(test_interval),
    cmocka_unit_test(test_other_fails), cmocka_unit_test(test_ours_fails),
    cmocka_unit_test(test_refused), cmocka_unit_test(test_violation),
    cmocka_unit_test(test_expectations), cmocka_unit_test(test_interrupt),
    cmocka_unit_test(test_with), cmocka_unit_test(test_job),
  };
  harness_open(argc, argv);
  int failed = cmocka_run_group_tests(tests, NULL, NULL);
  harness_close();
  return failed;
}

/* tricolor run: what it prints, what it writes, how it ends. */
#include <fcntl.h>
#include <pty.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/cli/harness.h"

static cJSON *parse_file(const char *path) {
  char *text = read_file(path);
  if (text == NULL) fail_msg("no file %s", path);
  cJSON *doc = cJSON_Parse(text);
  free(text);
  assert_non_null(doc);
  return doc;
}

/* ---- results ---- */

static void test_table(void **state) {
  (void)state;
  const struct outcome *r = cli("", "run mini.json");
  assert_int_equal(r->status, 0);
  assert_string_equal(r->err, "");
  assert_contains(r->out, "mini: native, concurrent collector, seed 1\nTen small objects.\n");
  assert_contains(r->out, "  wall time                    3.00 ms\n");
  assert_contains(r->out, "  operations                 1,000,000\n");
  assert_contains(r->out, "  throughput                   333 M/s\n");
  assert_contains(r->out, "  peak resident               1.50 MiB\n");
  assert_contains(r->out, "  assists                            -\n"); /* null */
  assert_contains(r->out, "  mark restarts                      -\n"); /* absent */
  assert_contains(r->out, "  share of CPU                  25.0 %\n");
  assert_contains(r->out, "  p50                          10.0 us\n");
  assert_contains(r->out, "  1.00 ms                       87.5 %\n"); /* MMU */
  assert_contains(r->out, "\nMap m\n  entries                    1,000,000\n");
  /* no escape reaches the terminal */
  assert_contains(r->out, "20.0 us, of which   950 ns waiting for spin?[31mner\n");
  assert_contains(r->out, "Violations: none\n");
  assert_lacks(r->out, "\033");
}

static void test_json_file(void **state) {
  (void)state;
  struct stat st;
  umask(022);
  const struct outcome *r = cli("", "run mini.json --json out.json --collector boehm --seed 7");
  assert_int_equal(r->status, 0);
  assert_contains(r->out, "boehm collector, seed 7");
  cJSON *doc = parse_file("out.json");
  assert_string_equal(item_at(doc, "schema")->valuestring, "tricolor.result/1");
  assert_string_equal(item_at(doc, "collector")->valuestring, "boehm");
  assert_true(cJSON_IsArray(item_at(doc, "expectations")));
  cJSON_Delete(doc);
  char *text = read_file("out.json");
  assert_contains(text, "9007199254740991"); /* integers are not rounded */
  free(text);
  assert_int_equal(stat("out.json", &st), 0);
  assert_int_equal(st.st_mode & 07777, 0644);
  assert_int_equal(count_files("out.json"), 1); /* nothing temporary is left */
  unlink("out.json");
}

static void test_json_replaces(void **state) {
  (void)state;
  struct stat st;
  write_file("old.json", "old");
  chmod("old.json", 0600);
  assert_int_equal(symlink("old.json", "link.json"), 0);
  assert_int_equal(cli("", "run mini.json --json=link.json")->status, 0);
  assert_int_equal(lstat("link.json", &st), 0);
  assert_true(S_ISLNK(st.st_mode)); /* the file it points to was replaced, not the link */
  assert_int_equal(stat("old.json", &st), 0);
  assert_int_equal(st.st_mode & 07777, 0600);
  cJSON_Delete(parse_file("old.json"));
  unlink("link.json");
  unlink("old.json");
}

static void test_json_stdout(void **state) {
  (void)state;
  const struct outcome *r = cli("", "run mini.json --json -");
  assert_int_equal(r->status, 0);
  cJSON *doc = cJSON_ParseWithOpts(r->out, NULL, true); /* nothing else is there */
  assert_non_null(doc);
  assert_float_equal(number_at(doc, "pauses.max_ns"), 20000, 0);
  cJSON_Delete(doc);
  assert_string_equal(r->err, "");
}

static void test_stdin_and_names(void **state) {
  (void)state;
  char *text = read_file("mini.json");
  assert_int_equal(cli_input("", "run -", text)->status, 0);
  free(text);
  assert_int_equal(cli("", "run shipped")->status, 0);
  assert_int_equal(cli("", "run shipped.json")->status, 0);
  assert_int_equal(cli("FAKE_MODE=quits-early", "run mini.json")->status, 0);
}

static void test_gctrace(void **state) {
  (void)state;
  const struct outcome *r = cli("FAKE_MODE=gctrace", "run mini.json --gctrace");
  assert_int_equal(r->status, 0);
  assert_string_equal(r->err, "gc 1 @0.001s 2%: 0.1+0.2+0.3 ms clock\n");
}

static void test_events(void **state) {
  (void)state;
  assert_int_equal(cli("", "run mini.json --events log.ev")->status, 0);
  char *text = read_file("log.ev");
  assert_non_null(text);
  assert_string_equal(text, "events of concurrent\n");
  free(text);
  assert_int_equal(count_files("log.ev"), 1);
  unlink("log.ev");
  const struct outcome *r = cli("FAKE_MODE=crash", "run mini.json --events log.ev");
  assert_int_equal(r->status, 3);
  assert_contains(r->err, "its event log is in log.ev.partial");
  assert_int_equal(count_files("log.ev"), 1);
  unlink("log.ev.partial");
}

/* ---- expectations and violations ---- */

static const char *expecting(const char *expect) {
  char text[1024];
  snprintf(text, sizeof text,
           "{\"name\": \"e\", \"job\": \"run\", %s, \"maps\": {\"m\": {\"key\": \"u64\"}},"
           "\"goroutines\": [{\"name\": \"g\", \"body\": [{\"op\": \"yield\"}]}]}", expect);
  write_file("expect.json", text);
  return "run expect.json";
}

static void test_expectations(void **state) {
  (void)state;
  const struct outcome *r =
    cli("", expecting("\"expect\": [{\"metric\": \"gc.cycles\", \"min\": 5, \"max\": 12}]"));
  assert_int_equal(r->status, 0);
  assert_contains(r->out, "Expectations\n  gc.cycles  12  5 to 12  holds\n");
  r = cli("", expecting("\"expect\": [{\"metric\": \"gc.cycles\", \"min\": 13},"
                        "{\"metric\": \"maps.m.growths\", \"equals\": 17}]"));
  assert_int_equal(r->status, 1);
  assert_contains(r->out, "  gc.cycles       12  at least 13  FAILS\n");
  assert_contains(r->out, "  maps.m.growths  17   exactly 17  holds\n");
  /* null: this engine does not measure it */
  r = cli("", expecting("\"expect\": [{\"metric\": \"gc.assists\", \"min\": 1}]"));
  assert_int_equal(r->status, 0);
  assert_contains(r->out, "not measured");
}

static void test_expectations_json(void **state) {
  (void)state;
  expecting("\"expect\": [{\"metric\": \"gc.cycles\", \"min\": 13}]");
  const struct outcome *r = cli("", "run expect.json --json -");
  assert_int_equal(r->status, 1);
  cJSON *doc = cJSON_Parse(r->out);
  assert_true(cJSON_IsFalse(item_at(doc, "expectations.0.holds")));
  assert_float_equal(number_at(doc, "expectations.0.found_min"), 12, 0);
  cJSON_Delete(doc);
  assert_contains(r->err, "FAILS"); /* said even when the table is not shown */
}

static void test_unknown_metric(void **state) {
  (void)state;
  unlink("log");
  const struct outcome *r = cli(
    "FAKE_LOG=log", expecting("\"expect\": [{\"metric\": \"pauses.p9_ns\", \"max\": 1},"
                              "{\"metric\": \"maps.m.cuont\", \"max\": 1},"
                              "{\"metric\": \"mmu.1.utilisation\", \"max\": 1}]"));
  assert_int_equal(r->status, 2);
  assert_contains(r->err, "/expect/0/metric: results have no number \"pauses.p9_ns\"; did you mean "
                          "\"pauses.p");
  assert_contains(r->err, "\"maps.m.cuont\"; did you mean \"maps.m.count\"?");
  assert_lacks(r->err, "mmu");
  assert_int_equal(count_files("log"), 0); /* nothing was run */
}

static void test_violations(void **state) {
  (void)state;
  const struct outcome *r = cli("FAKE_MODE=violation", "run mini.json");
  assert_int_equal(r->status, 1);
  assert_contains(r->out, "Violation (concurrent): concurrent map writes\n");
  assert_lacks(r->out, "Violations: none");
  const char *words = expecting("\"expect_violation\": \"map writes\"");
  assert_int_equal(cli("FAKE_MODE=violation", words)->status, 0);
  r = cli("", words);
  assert_int_equal(r->status, 1);
  assert_contains(r->out, "map writes  not found");
}

/* ---- failures ---- */

/* Runs a mode that fails; the JSON must say so too. */
static const struct outcome *fails(const char *mode, const char *more, const char *cause) {
  char env[128], words[128];
  snprintf(env, sizeof env, "FAKE_MODE=%s FAKE_LOG=log", mode);
  snprintf(words, sizeof words, "run mini.json --json out.json%s", more);
  unlink("log");
  const struct outcome *r = cli(env, words);
  assert_int_equal(r->status, 3);
  assert_contains(r->err, "engine native concurrent, mini, run 1 of 1: it ");
  cJSON *doc = parse_file("out.json");
  assert_true(cJSON_IsTrue(item_at(doc, "partial")));
  assert_string_equal(item_at(doc, "schema")->valuestring, "tricolor.result/1");
  assert_string_equal(item_at(doc, "failure.cause")->valuestring, cause);
  cJSON_Delete(doc);
  assert_int_equal(count_files("out.json"), 1);
  unlink("out.json");
  char *log = read_file("log");
  assert_non_null(log);
  int pid = atoi(strrchr(log, ' '));
  free(log);
  assert_int_equal(kill(pid, 0), -1); /* no child is left */
  return r;
}

static void test_crash(void **state) {
  (void)state;
  const struct outcome *r = fails("crash", "", "signal");
  assert_contains(r->err, "was killed by SIGSEGV (Segmentation fault)");
  assert_contains(r->err, "it was doing: run, 50 %: goroutine g: alloc");
  assert_contains(r->err, "    first words\n    ?[2Jlast words\n");
  assert_contains(r->out, "No result: the engine was killed by SIGSEGV");
}

static void test_deadline(void **state) {
  (void)state;
  const struct outcome *r = fails("hang", " --set runtime.deadline_ns=300000000", "deadline");
  assert_contains(r->err, "still running at its deadline of 300 ms (runtime.deadline_ns) and was "
                          "ended with SIGTERM\n");
  assert_contains(r->err, "it wrote nothing to stderr");
  r = fails("deaf", " --set runtime.deadline_ns=300000000", "deadline");
  assert_contains(r->err, "ended with SIGKILL, having ignored SIGTERM\n");
  assert_contains(r->err, "run, 75 %: deaf");
}

static void test_bad_output(void **state) {
  (void)state;
  const struct outcome *r = fails("garbage", "", "protocol");
  assert_contains(r->err, "wrote a line that is not of the protocol: \"hello, ?[31mworld\"");
  r = fails("bigline", "", "protocol");
  assert_contains(r->err, "wrote a line longer than 4 MiB");
  r = fails("schema", "", "protocol");
  assert_contains(r->err, "\"tricolor.result/9\"");
  r = fails("twice", "", "protocol");
  assert_contains(r->err, "wrote a second result");
}

static void test_bad_end(void **state) {
  (void)state;
  const struct outcome *r = fails("noresult", "", "no-result");
  assert_contains(r->err, "ended with exit status 0 but without a result");
  r = fails("status", "", "exit");
  assert_contains(r->err, "ended with exit status 7");
  assert_contains(r->out, "Partial result: the engine ended with exit status 7\n");
  assert_contains(r->out, "  wall time                    3.00 ms\n");
}

static void test_partial(void **state) {
  (void)state;
  const struct outcome *r = fails("partial", "", "exit");
  assert_contains(r->err, "it reported: heap full\n");
  assert_contains(r->err, "    gave up\n");
}

static void test_memory(void **state) {
  (void)state;
  const struct outcome *r = fails("oom", " --set runtime.memory_cap_bytes=16777216", "memory");
  assert_contains(r->err, "its heap cap is 16.0 MiB (runtime.memory_cap_bytes), with everything "
                          "else 84.0 MiB");
}

static void test_refused(void **state) {
  (void)state;
  const struct outcome *r = cli("FAKE_MODE=refused", "run mini.json --json out.json");
  assert_int_equal(r->status, 2);
  assert_contains(r->err, "does not take this scenario");
  assert_contains(r->err, "this scenario needs threads");
  assert_int_equal(count_files("out.json"), 0);
}

/* ---- signals and terminals ---- */

static void interrupt(int signal, const char *mode) {
  char env[96];
  int pipe_fds[2];
  snprintf(env, sizeof env, "FAKE_LOG=log FAKE_MODE=%s", mode);
  unlink("log");
  assert_int_equal(pipe2(pipe_fds, O_CLOEXEC), 0);
  pid_t pid = cli_start(env, "run mini.json --json out.json --events log.ev",
                        (struct streams){pipe_fds[1], pipe_fds[1]});
  close(pipe_fds[1]);
  wait_for_lines("log", 1);
  kill(pid, signal);
  char *said = read_to_end(pipe_fds[0]);
  close(pipe_fds[0]);
  assert_int_equal(cli_wait(pid), 128 + signal);
  assert_contains(said, signal == SIGINT ? "ended by SIGINT" : "ended by SIGTERM");
  assert_lacks(said, "killed by");
  free(said);
  char *log = read_file("log");
  assert_int_equal(kill(atoi(strrchr(log, ' ')), 0), -1);
  free(log);
  assert_int_equal(count_files("out.json"), 0);
  assert_int_equal(count_files("log.ev"), 0);
}

static void test_interrupt(void **state) {
  (void)state;
  interrupt(SIGINT, "hang");
  interrupt(SIGTERM, "hang");
  interrupt(SIGINT, "deaf");
}

/* Reads until what was read ends a progress line about the waiting engine, then lets it go on. */
static char *read_until_waiting(int fd) {
  static char text[1 << 16];
  size_t used = 0;
  ssize_t n = 0;
  while ((n = read(fd, text + used, sizeof text - used - 1)) > 0) {
    used += (size_t)n;
    text[used] = '\0';
    if (strstr(text, "waiting\033[K") != NULL) break;
  }
  write_file("go", "");
  return text;
}

/* Runs with standard output and error on a terminal; all that was written there. With `waited` not
 * NULL the engine waits for its progress to be seen; *waited is what was read till then. */
static char *on_terminal(const char *env, const char *words, int *status, char **waited) {
  int main_fd = -1, side_fd = -1;
  struct winsize size = {.ws_row = 24, .ws_col = 72};
  assert_int_equal(openpty(&main_fd, &side_fd, NULL, NULL, &size), 0);
  fcntl(main_fd, F_SETFD, FD_CLOEXEC);
  unlink("go");
  pid_t pid = cli_start(env, words, (struct streams){side_fd, side_fd});
  close(side_fd);
  if (waited != NULL) *waited = read_until_waiting(main_fd);
  char *text = read_to_end(main_fd);
  close(main_fd);
  *status = cli_wait(pid);
  return text;
}

static void test_progress(void **state) {
  (void)state;
  int status = -1;
  char *waited = NULL, *text = on_terminal("FAKE_MODE=wait", "run mini.json", &status, &waited);
  assert_int_equal(status, 0);
  assert_contains(waited, "\rrun 1 of 1  concurrent   60 %  ");
  assert_contains(waited, ", left ");
  assert_contains(text, "\r\033[K\033[1mmini"); /* taken away before the table, which has colour */
  free(text);
  text = on_terminal("TERM=dumb", "run mini.json", &status, NULL);
  assert_lacks(text, "\033");
  assert_lacks(text, "run 1 of 1");
  free(text);
}

static void test_no_color(void **state) {
  (void)state;
  int status = -1;
  char *text = on_terminal("NO_COLOR=1", "run mini.json --json out.json", &status, NULL);
  assert_int_equal(status, 0);
  assert_lacks(text, "\033[1m");
  free(text);
  text = on_terminal("NO_COLOR=", "list", &status, NULL); /* empty counts as unset */
  assert_contains(text, "\033[1mCollectors");
  free(text);
  unlink("out.json");
}

int main(int argc, char **argv) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_table), cmocka_unit_test(test_json_file),
    cmocka_unit_test(test_json_replaces), cmocka_unit_test(test_json_stdout),
    cmocka_unit_test(test_stdin_and_names), cmocka_unit_test(test_gctrace),
    cmocka_unit_test(test_events), cmocka_unit_test(test_expectations),
    cmocka_unit_test(test_expectations_json), cmocka_unit_test(test_unknown_metric),
    cmocka_unit_test(test_violations), cmocka_unit_test(test_crash),
    cmocka_unit_test(test_deadline), cmocka_unit_test(test_bad_output),
    cmocka_unit_test(test_bad_end), cmocka_unit_test(test_partial), cmocka_unit_test(test_memory),
    cmocka_unit_test(test_refused), cmocka_unit_test(test_interrupt),
    cmocka_unit_test(test_progress), cmocka_unit_test(test_no_color),
  };
  harness_open(argc, argv);
  int failed = cmocka_run_group_tests(tests, NULL, NULL);
  harness_close();
  return failed;
}

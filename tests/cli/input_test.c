/* Command lines, files and places that are wrong: exit 2, a message, nothing run, nothing written;
 * and what is written where. */
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/cli/harness.h"

/* Must be refused before anything runs. */
static void refused(const char *words, const char *message) {
  unlink("log");
  const struct outcome *r = cli("FAKE_LOG=log", words);
  if (r->status != 2) fprintf(stderr, "tricolor %s: %s\n", words, r->err);
  assert_int_equal(r->status, 2);
  assert_string_equal(r->out, "");
  assert_contains(r->err, message);
  assert_int_equal(count_files("log"), 0);
}

static void test_commands(void **state) {
  (void)state;
  refused("", "Commands");
  refused("rnu mini.json", "no command \"rnu\"; did you mean tricolor run?\n(see: tricolor help)");
  refused("--vers", "no option \"--vers\"");
  refused("zzzzzz", "no command \"zzzzzz\"\n");
  refused("run", "tricolor run: FILE is missing");
  refused("run mini.json other.json", "\"other.json\" is one argument too many");
  refused("list extra", "\"extra\" is one argument too many");
  refused("help rum", "no command \"rum\"; did you mean run?");
}

static void test_options(void **state) {
  (void)state;
  refused("run mini.json --sed 4", "no option --sed; did you mean --se");
  refused("run --collecter boehm mini.json", "did you mean --collector?");
  refused("compare mini.json --collector boehm", "no option --collector for this command");
  refused("run mini.json -x", "no option -x");
  refused("run mini.json --seed", "--seed needs a value");
  refused("run mini.json --seed 12x",
          "--seed: found \"12x\", allowed: a whole number from 0 to 2^64-1");
  refused("run mini.json --seed -1", "found \"-1\"");
  refused("run mini.json --seed=", "found \"\"");
  refused("run mini.json --seed 18446744073709551616", "allowed: a whole number");
  refused("run mini.json --seed 99999999999999999999999", "allowed: a whole number");
  refused("compare mini.json --runs 0",
          "--runs: found \"0\", allowed: a whole number from 1 to 1000");
  refused("compare mini.json --runs 1001", "--runs: found \"1001\"");
  refused("compare mini.json --runs +3", "--runs: found \"+3\"");
  refused("run mini.json --gctrace=yes", "--gctrace takes no value");
  refused("run mini.json --json a --json b", "--json is given twice");
  refused("run mini.json --set gogc", "--set: found \"gogc\", allowed: PATH=VALUE");
  refused("run mini.json --collector java", "allowed: concurrent, boehm, none or go");
  refused("run mini.json --engine real", "allowed: native or model");
  refused("run mini.json --events -", "--events: found \"-\", allowed: a file");
  refused("run mini.json --json a --events a", "name the same file");
}

static void test_option_forms(void **state) {
  (void)state;
  const struct outcome *r = cli("", "run --seed 5 mini.json --collector=none --engine native");
  assert_int_equal(r->status, 0);
  assert_contains(r->out, "none collector, seed 5");
  assert_int_equal(cli("", "run --seed 5 -- mini.json")->status, 0);
  refused("run -- --seed", "--seed: no such file");
  assert_int_equal(cli("", "run mini.json --set gc.gogc=50 --set seed=9")->status, 0);
  assert_contains(cli("", "run mini.json --engine model")->out, "mini: model, concurrent");
}

static void test_help(void **state) {
  (void)state;
  static const char *const commands[] = {"run", "compare", "job", "validate", "list", "bench",
                                         "fidelity", "help"};
  for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
    char words[64], usage[64];
    snprintf(words, sizeof words, "%s --help", commands[i]);
    snprintf(usage, sizeof usage, "Usage\n  tricolor %s", commands[i]);
    const struct outcome *r = cli("", words);
    assert_int_equal(r->status, 0);
    assert_contains(r->out, usage);
    assert_contains(r->out, "\nExamples\n  tricolor ");
    assert_contains(r->out, "\nOptions\n");
    assert_contains(r->out, "\nExit status\n  0  done");
    assert_string_equal(r->err, "");
    char *by_option = strdup(r->out);
    snprintf(words, sizeof words, "help %s", commands[i]);
    assert_string_equal(cli("", words)->out, by_option);
    free(by_option);
  }
  assert_contains(cli("", "--help")->out, "Commands");
  assert_contains(cli("", "help")->out, "Commands");
  assert_contains(cli("", "help metrics")->out, "  pauses.p99_ns ");
  assert_int_equal(strncmp(cli("", "--version")->out, "tricolor ", 9), 0);
}

static void test_scenarios(void **state) {
  (void)state;
  refused("run shiped", "shiped: no such file, and no scenario of that name comes with tricolor; "
                        "did you mean shipped?");
  refused("run ./none.json", "./none.json");
  refused("run configs", "configs");
  write_file("bad.json", "{\"name\": \"x\",\n \"goroutines\": [],\n  \"sead\": 4, \"gc\": 5}\n");
  refused("run bad.json", "bad.json:3:");
  refused("validate bad.json", "(did you mean \"seed\"?)");
  refused("run bad.json", "errors; nothing was run\n");
  refused("run mini.json --set gc.gogcc=5", "--set gc.gogcc=5");
  refused("compare bad.json", "/sead");
  const struct outcome *r = cli_input("", "run -", "{\"name\": }");
  assert_int_equal(r->status, 2);
  assert_contains(r->err, "<stdin>:1:");
}

static void test_validate(void **state) {
  (void)state;
  write_file("bad.json", "{\"name\": 4}");
  const struct outcome *r = cli("", "validate mini.json shipped");
  assert_int_equal(r->status, 0);
  assert_string_equal(r->out, "mini.json: ok (mini)\nconfigs/shipped.json: ok (mini)\n");
  r = cli("", "validate mini.json bad.json shipped gone.json");
  assert_int_equal(r->status, 2);
  assert_string_equal(r->out, "mini.json: ok (mini)\nconfigs/shipped.json: ok (mini)\n");
  assert_contains(r->err, "bad.json:1:10: /name: ");
  assert_contains(r->err, "gone.json: no such file");
  assert_contains(r->err, "2 of 4 files are wrong\n");
}

static void test_list(void **state) {
  (void)state;
  const struct outcome *r = cli("", "list");
  assert_int_equal(r->status, 0);
  assert_contains(r->out, "  native boehm          libexec/tricolor-native-boehm\n");
  assert_contains(r->out, "  model none            not there\n");
  assert_contains(r->out, "\n  hybrid ");
  assert_contains(r->out, "\n  go1.19 ");
  assert_contains(r->out, "  shipped               Ten small objects.\n");
  assert_lacks(r->out, "schema");
  r = cli("", "list --json");
  cJSON *doc = cJSON_ParseWithOpts(r->out, NULL, true);
  assert_non_null(doc);
  assert_string_equal(item_at(doc, "schema")->valuestring, "tricolor.list/1");
  assert_string_equal(item_at(doc, "scenarios.0.name")->valuestring, "shipped");
  assert_string_equal(item_at(doc, "engines.0.path")->valuestring,
                      "libexec/tricolor-native-concurrent");
  cJSON_Delete(doc);
  assert_int_equal(cli("", "list --json list.json")->status, 0);
  assert_int_equal(count_files("list.json"), 1);
}

static void test_missing_engine(void **state) {
  (void)state;
  unlink("log");
  const struct outcome *r =
    cli("TRICOLOR_LIBEXEC=empty FAKE_LOG=log", "run mini.json --json o.json");
  assert_int_equal(r->status, 2);
  assert_contains(r->err, "no engine tricolor-native-concurrent; looked in empty (set by "
                          "$TRICOLOR_LIBEXEC)");
  assert_int_equal(count_files("o.json"), 0);
  r = cli("FAKE_LOG=log", "compare mini.json --engine model --with none");
  assert_int_equal(r->status, 2); /* found out before the first run of ours */
  assert_contains(r->err, "no engine tricolor-model-none");
  assert_int_equal(count_files("log"), 0);
  refused("run mini.json --engine model --collector boehm", "exists on native only");
}

/* An installation that was moved: everything is found from the executable's own place. */
static void test_installed(void **state) {
  (void)state;
  char command[3 * PATH_MAX];
  const char *real = tricolor_path;
  snprintf(command, sizeof command,
           "mkdir -p prefix/bin prefix/libexec/tricolor prefix/share/tricolor/configs && "
           "cp '%s' prefix/bin/ && cp -P libexec/* prefix/libexec/tricolor/ && "
           "cp configs/* prefix/share/tricolor/configs/ && mkdir -p elsewhere", real);
  assert_int_equal(system(command), 0);
  char *copy = realpath("prefix/bin/tricolor", NULL);
  tricolor_path = copy;
  const struct outcome *r = cli("TRICOLOR_LIBEXEC= TRICOLOR_CONFIGS=", "compare shipped --runs 1");
  assert_int_equal(r->status, 0);
  r = cli("TRICOLOR_LIBEXEC= TRICOLOR_CONFIGS=", "run mini.json --engine model --collector none");
  assert_int_equal(r->status, 2);
  assert_contains(r->err, "prefix/bin and ");
  assert_contains(r->err, "prefix/bin/../libexec/tricolor ($TRICOLOR_LIBEXEC is not set)");
  tricolor_path = real;
  free(copy);
}

/* ---- outputs ---- */

static void test_unwritable(void **state) {
  (void)state;
  refused("run mini.json --json gone/out.json", "gone/out.json: cannot be written: No such file");
  refused("run mini.json --json empty", "empty: cannot be written: it is a directory");
  refused("compare mini.json --json /proc/out.json", "/proc/out.json: cannot be written");
  refused("run mini.json --json /dev/full",
          "/dev/full: cannot be written: No space left on device");
  refused("run mini.json --json mini.json",
          "mini.json: cannot be written: it is a file this command reads");
  refused("run mini.json --events gone/log.ev", "gone/log.ev: cannot be written");
  refused("list --json gone/list.json", "gone/list.json: cannot be written");
  assert_int_equal(cli("", "validate mini.json")->status, 0); /* still what it was */
  struct stat st;
  assert_int_equal(stat("/dev/full", &st), 0);
  assert_true(S_ISCHR(st.st_mode)); /* and this still is a device */
  assert_int_equal(cli("", "run mini.json --json /dev/null")->status, 0);
}

/* Runs with standard output going to a device or a pipe nobody reads. */
static int run_to(const char *words, int out, char **said) {
  int pipe_fds[2];
  assert_int_equal(pipe2(pipe_fds, O_CLOEXEC), 0);
  unlink("log");
  pid_t pid = cli_start("FAKE_LOG=log", words, (struct streams){out, pipe_fds[1]});
  close(pipe_fds[1]);
  close(out);
  *said = read_to_end(pipe_fds[0]);
  close(pipe_fds[0]);
  return cli_wait(pid);
}

static int unread_pipe(void) {
  int pipe_fds[2];
  assert_int_equal(pipe2(pipe_fds, O_CLOEXEC), 0);
  close(pipe_fds[0]);
  return pipe_fds[1];
}

static void test_stdout(void **state) {
  (void)state;
  char *said = NULL;
  int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
  assert_int_equal(run_to("run mini.json", full, &said), 3);
  assert_contains(said, "standard output cannot be written: No space left on device");
  free(said);
  full = open("/dev/full", O_WRONLY | O_CLOEXEC);
  assert_int_equal(run_to("run mini.json --json -", full, &said), 2);
  assert_int_equal(count_files("log"), 0);
  free(said);
  /* A reader that went away wanted no more. */
  static const char *const commands[] = {"run mini.json", "run mini.json --json -", "list",
                                         "help metrics", "compare mini.json --runs 1"};
  for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
    assert_int_equal(run_to(commands[i], unread_pipe(), &said), 0);
    assert_string_equal(said, "");
    free(said);
  }
}

/* With standard output closed, no file may get its number and the table's text. */
static void test_closed_stdout(void **state) {
  (void)state;
  char command[PATH_MAX + 64];
  snprintf(command, sizeof command, "'%s' run mini.json --json out.json >&- 2>err", tricolor_path);
  int status = system(command);
  assert_int_equal(WEXITSTATUS(status), 3);
  char *text = read_file("out.json");
  assert_int_equal(text[0], '{');
  free(text);
  unlink("out.json");
}

int main(int argc, char **argv) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_commands), cmocka_unit_test(test_options),
    cmocka_unit_test(test_option_forms), cmocka_unit_test(test_help),
    cmocka_unit_test(test_scenarios), cmocka_unit_test(test_validate),
    cmocka_unit_test(test_list), cmocka_unit_test(test_missing_engine),
    cmocka_unit_test(test_installed), cmocka_unit_test(test_unwritable),
    cmocka_unit_test(test_stdout), cmocka_unit_test(test_closed_stdout),
  };
  harness_open(argc, argv);
  int failed = cmocka_run_group_tests(tests, NULL, NULL);
  harness_close();
  return failed;
}

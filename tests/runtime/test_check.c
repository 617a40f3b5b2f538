/* The ways a run ends: what the handler is told, what is printed. Both platforms. */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runtime/event.h"
#include "support.h"

static int zero; /* not known to the compiler */
static void die_assert(void) { rt_assert(zero == 1); }
static void die_message(void) { rt_die("cell %d of %s", 42, "table"); }
static void die_fatal(void) { rt_fatal(RT_END_FATAL, "concurrent map %s", "writes"); }
static void die_cap(void) { rt_fatal(RT_END_CAP, "cap"); }
static void die_long(void) {
  char text[5000];
  memset(text, 'x', sizeof text);
  text[sizeof text - 1] = '\0';
  rt_die("%s", text);
}
static void live_on(void) { rt_assert(zero == 0); }
static void hot_assert(void) { rt_assert_hot(zero == 1); }

static void handler_is_told(void **state) {
  (void)state;
  struct test_death d = test_die(die_assert);
  assert_int_equal(d.kind, RT_END_BUG);
  assert_non_null(strstr(d.message, "test_check.c:"));
  assert_non_null(strstr(d.message, ": assertion failed: zero == 1"));
  d = test_die(die_message);
  assert_int_equal(d.kind, RT_END_BUG);
  assert_string_equal(d.message, "cell 42 of table");
  d = test_die(die_fatal);
  assert_int_equal(d.kind, RT_END_FATAL);
  assert_string_equal(d.message, "concurrent map writes");
  assert_int_equal(test_die(die_cap).kind, RT_END_CAP);
  d = test_die(die_long);
  assert_int_equal(d.kind, RT_END_BUG);
  assert_int_equal(strlen(d.message), 1023);
  assert_true(test_die(live_on).exited);
  assert_int_equal(test_die(hot_assert).exited, !RT_CHECK_HOT);
}

/* Runs body in a child without a handler, or with one that fails itself; returns its standard
 * error in text. The child must be aborted. */
static void stderr_of(void (*body)(void), rt_end_handler *handler, char *text, size_t size) {
  int ends[2], status;
  size_t length = 0;
  ssize_t n;
  assert_int_equal(pipe(ends), 0);
  pid_t pid = fork();
  assert_true(pid >= 0);
  if (pid == 0) {
    dup2(ends[1], 2);
    signal(SIGABRT, SIG_DFL);
    rt_set_end_handler(handler);
    test_run(body);
    _exit(0);
  }
  close(ends[1]);
  while (length + 1 < size && (n = read(ends[0], text + length, size - 1 - length)) > 0)
    length += (size_t)n;
  text[length] = '\0';
  close(ends[0]);
  assert_int_equal(waitpid(pid, &status, 0), pid);
  assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}

static void die_with_events(void) {
  rt_assert(ev_init(2, 64) == RT_OK);
  ev_emit(1, EV_gc_phase, 12, 1, 4096);
  ev_emit(0, EV_go_park, 13, 13, 0);
  rt_die("broken");
}

static void last_events_are_printed(void **state) {
  char text[4096];
  (void)state;
  stderr_of(die_with_events, NULL, text, sizeof text);
  const char *message = strstr(text, "tricolor: broken\n");
  assert_non_null(message);
  const char *phase = strstr(message, "gc_phase");
  assert_non_null(phase);
  assert_non_null(strstr(phase, "4096"));
  assert_non_null(strstr(phase, "go_park"));
}

static void fatal_is_printed_without_a_handler(void **state) {
  char text[4096];
  (void)state;
  stderr_of(die_fatal, NULL, text, sizeof text);
  assert_non_null(strstr(text, "tricolor: concurrent map writes\n"));
}

static void bad_handler(enum rt_end kind, const char *message) {
  (void)kind;
  (void)message;
  rt_die("the handler fails too");
}

static void failing_handler_aborts(void **state) {
  char text[4096];
  (void)state;
  stderr_of(die_message, bad_handler, text, sizeof text);
  assert_non_null(strstr(text, "cell 42 of table"));
  assert_null(strstr(text, "the handler fails too"));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(handler_is_told),
      cmocka_unit_test(last_events_are_printed),
      cmocka_unit_test(fatal_is_printed_without_a_handler),
      cmocka_unit_test(failing_handler_aborts),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

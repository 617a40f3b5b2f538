#include "test.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runtime/check.h"

static int report_fd;

/* Ends the child with the kind and the message in the pipe. */
static void report_end(enum rt_end kind, const char *message) {
  char head = (char)kind;
  ssize_t done = write(report_fd, &head, 1);
  done = write(report_fd, message, strlen(message));
  (void)done;
  _exit(1);
}

_Noreturn static void child(int fd, void (*body)(void *arg), void *arg) {
  static const int signals[] = {SIGSEGV, SIGBUS, SIGABRT, SIGILL, SIGFPE};
  for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++)
    signal(signals[i], SIG_DFL); /* cmocka's handlers would go on with the next test */
  report_fd = fd;
  int quiet = open("/dev/null", O_WRONLY);
  if (quiet >= 0) dup2(quiet, 2);
  rt_set_end_handler(report_end);
  body(arg);
  _exit(0);
}

struct test_death test_run_child(void (*body)(void *arg), void *arg) {
  struct test_death death = {.kind = -1};
  int ends[2], status = 0;
  size_t length = 0;
  char head;
  assert_int_equal(pipe(ends), 0);
  pid_t pid = fork();
  assert_true(pid >= 0);
  if (pid == 0) child(ends[1], body, arg);
  close(ends[1]);
  if (read(ends[0], &head, 1) == 1) death.kind = head;
  for (ssize_t n = 1; n > 0 && length + 1 < sizeof death.message; length += n > 0 ? (size_t)n : 0)
    n = read(ends[0], death.message + length, sizeof death.message - 1 - length);
  close(ends[0]);
  assert_int_equal(waitpid(pid, &status, 0), pid);
  death.exited = WIFEXITED(status) && WEXITSTATUS(status) == 0;
  return death;
}

uint64_t test_scaled(uint64_t full) {
  const char *percent = getenv("TEST_SCALE");
  uint64_t scaled = percent == NULL ? full : full * strtoull(percent, NULL, 10) / 100;
  return scaled > 0 ? scaled : 1;
}

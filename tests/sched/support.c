#include "support.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "platform.h"

struct run {
  const struct go_config *config;
  go_fn *main;
  void *arg;
  struct go_totals totals;
};

static int run_body(void *arg) {
  struct run *run = arg;
  struct gc_config config;
  gc_config_default(&config);
  config.check = true;
  rt_assert(gc_init(&config, go_world_ops()) == RT_OK);
  rt_assert(go_run(run->config, run->main, run->arg) == RT_OK);
  go_totals_read(&run->totals);
  gc_finish();
  return 0;
}

void test_go_with(const struct go_config *config, go_fn *main, void *arg,
                  struct go_totals *totals) {
  struct run run = {config, main, arg, {0}};
  test_platform_reset();
  assert_int_equal(plat_main(run_body, &run), 0);
  if (totals != NULL) *totals = run.totals;
}

static void small_config(struct go_config *config, uint32_t procs) {
  go_config_default(config);
  config->procs = procs;
  config->stack_bytes = 64 << 10;
}

void test_go(uint32_t procs, go_fn *main, void *arg) {
  struct go_config config;
  small_config(&config, procs);
  test_go_with(&config, main, arg, NULL);
}

static int report_fd;

static void report_end(enum rt_end kind, const char *message) {
  char head = (char)kind;
  ssize_t done = write(report_fd, &head, 1);
  done = write(report_fd, message, strlen(message));
  (void)done;
  _exit(1);
}

_Noreturn static void child(int fd, uint32_t procs, go_fn *main, void *arg) {
  static const int signals[] = {SIGSEGV, SIGBUS, SIGABRT, SIGILL, SIGFPE};
  for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++)
    signal(signals[i], SIG_DFL); /* cmocka's handlers would go on with the next test */
  report_fd = fd;
  int quiet = open("/dev/null", O_WRONLY);
  if (quiet >= 0) dup2(quiet, 2);
  rt_set_end_handler(report_end);
  struct go_config config;
  small_config(&config, procs);
  struct run run = {&config, main, arg, {0}};
  plat_main(run_body, &run);
  _exit(0);
}

struct test_death test_die(uint32_t procs, go_fn *main, void *arg) {
  struct test_death death = {.kind = -1};
  int ends[2], status = 0;
  size_t length = 0;
  char head;
  assert_int_equal(pipe(ends), 0);
  pid_t pid = fork();
  assert_true(pid >= 0);
  if (pid == 0) child(ends[1], procs, main, arg);
  close(ends[1]);
  if (read(ends[0], &head, 1) == 1) death.kind = head;
  for (ssize_t n = 1; n > 0 && length + 1 < sizeof death.message; length += (size_t)n) {
    n = read(ends[0], death.message + length, sizeof death.message - 1 - length);
    if (n < 0) n = 0;
  }
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

void test_busy_ns(struct go_g *g, uint64_t ns) {
  uint64_t start = plat_now_ns();
  while (plat_now_ns() - start < ns) {
    plat_charge(PLAT_COST_compute, 1000);
    gc_poll(&g->mu);
  }
}

#include "support.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

struct run {
  uint32_t procs;
  go_fn *main;
  void *arg;
};

/* cmocka's handlers would go on with the next test, in the child. */
static void default_signals(void) {
  static const int signals[] = {SIGSEGV, SIGBUS, SIGABRT, SIGILL, SIGFPE};
  for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++)
    signal(signals[i], SIG_DFL);
}

static void run_main(struct go_g *g, void *arg, void *heap_arg) {
  const struct run *run = arg;
  gc_start(go_mu(g));
  run->main(g, run->arg, heap_arg);
}

static int run_body(void *arg) {
  const struct run *run = arg;
  struct gc_config config;
  struct go_config go;
  gc_config_default(&config);
  go_config_default(&go);
  go.procs = run->procs;
  config.check = true;
  config.gogc = 25;
  if (gc_init(&config, go_world_ops()) != RT_OK || go_run(&go, run_main, arg) != RT_OK)
    return 1;
  gc_finish();
  return 0;
}

/* A second P for the mark workers. */
static uint32_t default_procs(void) { return gc_collector.collects ? 2 : 1; }

void test_run(go_fn *main, void *arg) { test_run_on(default_procs(), main, arg); }

/* In a child process: every run starts from a fresh collector. */
void test_run_on(uint32_t procs, go_fn *main, void *arg) {
  struct run run = {procs, main, arg};
  int status = 0;
  pid_t pid = fork();
  assert_true(pid >= 0);
  if (pid == 0) {
    default_signals();
    _exit(plat_main(run_body, &run));
  }
  assert_int_equal(waitpid(pid, &status, 0), pid);
  assert_true(WIFEXITED(status));
  assert_int_equal(WEXITSTATUS(status), 0);
}

static int report_fd;

static void report_end(enum rt_end kind, const char *message) {
  char head = (char)kind;
  ssize_t done = write(report_fd, &head, 1);
  done = write(report_fd, message, strlen(message));
  (void)done;
  _exit(1);
}

_Noreturn static void child(int fd, struct run *run) {
  default_signals();
  report_fd = fd;
  int quiet = open("/dev/null", O_WRONLY);
  if (quiet >= 0)
    dup2(quiet, 2);
  rt_set_end_handler(report_end);
  plat_main(run_body, run);
  _exit(0);
}

void test_dies(go_fn *main, void *arg, const char *message) {
  struct run run = {default_procs(), main, arg};
  char got[1024] = "";
  int ends[2], status = 0;
  size_t length = 0;
  assert_int_equal(pipe(ends), 0);
  pid_t pid = fork();
  assert_true(pid >= 0);
  if (pid == 0)
    child(ends[1], &run);
  close(ends[1]);
  for (ssize_t n = 1; n > 0 && length + 1 < sizeof got;) {
    n = read(ends[0], got + length, sizeof got - 1 - length);
    length += n > 0 ? (size_t)n : 0;
  }
  close(ends[0]);
  assert_int_equal(waitpid(pid, &status, 0), pid);
  assert_true(length > 0);
  assert_int_equal(got[0], RT_END_FATAL);
  assert_string_equal(got + 1, message);
}

uint64_t test_scaled(uint64_t full) {
  const char *percent = getenv("TEST_SCALE");
  uint64_t scaled = percent == NULL ? full : full * strtoull(percent, NULL, 10) / 100;
  return scaled > 0 ? scaled : 1;
}

void test_failed(const char *file, int line, const char *what, const char *fmt, ...) {
  char text[512];
  va_list args;
  va_start(args, fmt);
  vsnprintf(text, sizeof text, fmt, args);
  va_end(args);
  fprintf(stderr, "%s:%d: %s: %s\n", file, line, what, text);
  abort();
}

struct map *test_ints(struct go_g *g, const struct map_type *t, uint32_t hash0) {
  struct map *m = map_new(g, t, 0);
  map_set_seed(m, hash0);
  return m;
}

void test_put(struct go_g *g, const struct map_type *t, struct map *m, uint64_t key,
              uint64_t value) {
  memcpy(map_assign(g, t, m, &key), &value, sizeof value);
}

void test_remove(struct go_g *g, const struct map_type *t, struct map *m, uint64_t key) {
  map_delete(g, t, m, &key);
}

bool test_first_key(const struct map_type *t, struct map *m, uint64_t bucket, uint64_t *key) {
  struct map_bucket *b = map_bucket_at(t, m->buckets, bucket);
  for (unsigned i = 0; i < MAP_CELLS; i++) {
    if (b->top[i] >= MAP_TOP_MIN) {
      *key = map_load_u64(map_key_slot(t, b, i));
      return true;
    }
  }
  return false;
}

#include "tests/mark/support.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runtime/event.h"

bool test_is_full(void) { return test_scaled(100) >= 100; }

struct run run_default(go_fn *main) {
  struct run r = {.procs = 2, .seed = 1, .main = main, .timeout_s = 100};
  gc_config_default(&r.gc);
  r.gc.check = true;
  return r;
}

/* ---- the child ------------------------------------------------------------------------------ */

static struct {
  const struct run *run;
  int pipe;
  struct outcome out;
} child;

static void report(void) {
  ssize_t n = write(child.pipe, &child.out, sizeof child.out);
  (void)n; /* the parent notices what is missing */
}

static void ended(enum rt_end kind, const char *message) {
  child.out.ended = true;
  child.out.kind = kind;
  snprintf(child.out.message, sizeof child.out.message, "%s", message);
  report();
  _exit(3);
}

static void main_goroutine(struct go_g *g, void *arg, void *heap_arg) {
  (void)arg;
  (void)heap_arg;
  if (!child.run->no_cycles) gc_start(go_mu(g));
  child.run->main(g, child.run->arg, NULL);
  gc_totals_read(go_mu(g), &child.out.totals);
}

static int one_run(const struct run *r) {
  struct go_config config;
  go_config_default(&config);
  config.procs = r->procs;
  if (ev_init(r->procs + 1, 1024) != RT_OK) return 2;
  const struct gc_world_ops *ops = r->ops != NULL ? r->ops : go_world_ops();
  if (gc_init(&r->gc, ops) != RT_OK) return 2;
  if (go_run(&config, main_goroutine, NULL) != RT_OK) return 2;
  gc_finish();
  ev_finish();
  return 0;
}

static int child_main(void *arg) {
  (void)arg;
  int status = 0;
  for (uint32_t i = 0; i <= child.run->repeats && status == 0; i++) status = one_run(child.run);
  return status;
}

_Noreturn static void be_child(const struct run *r, int fd) {
  child.run = r;
  child.pipe = fd;
  rt_set_end_handler(ended);
  alarm(r->timeout_s);
  plat_seed(r->seed);
  int status = plat_main(child_main, NULL);
  if (status == 0) {
    child.out.ok = true;
    report();
  }
  exit(status); /* not _exit: leak and race reports count */
}

/* ---- the parent ----------------------------------------------------------------------------- */

void run_in_child(const struct run *r, struct outcome *out) {
  int fds[2];
  assert_int_equal(pipe(fds), 0);
  fflush(NULL);
  pid_t pid = fork();
  assert_true(pid >= 0);
  if (pid == 0) {
    close(fds[0]);
    be_child(r, fds[1]);
  }
  close(fds[1]);
  memset(out, 0, sizeof *out);
  char *to = (char *)out;
  size_t got = 0;
  for (ssize_t n = 1; got < sizeof *out && n > 0; got += (size_t)n) {
    n = read(fds[0], to + got, sizeof *out - got);
    if (n < 0) break;
  }
  close(fds[0]);
  int status = 0;
  waitpid(pid, &status, 0);
  if (got < sizeof *out) memset(out, 0, sizeof *out);
  if (status != 0) out->ok = false;
  out->wait_status = status;
}

void run_expect_ok(const struct run *r, struct outcome *out) {
  run_in_child(r, out);
  if (out->ok) return;
  fail_msg("seed %" PRIu64 ", procs %" PRIu32 ", gogc %" PRId32 ", barrier %s, %" PRIu32
           " entries: wait status 0x%x, end %d: %s",
           r->seed, r->procs, r->gc.gogc, r->gc.barrier, r->gc.wb_entries, out->wait_status,
           out->ended ? (int)out->kind : -1, out->message);
}

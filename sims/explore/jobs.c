#include "sims/explore/jobs.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sims/memory.h"

enum { JOBS_MAX = 64, TICK_MS = 100 };

/* Seen by every process; not part of the world. */
struct shared {
  _Atomic uint64_t lowest_failure;
  _Atomic uint32_t should_stop;
};

struct job {
  pid_t pid;
  FILE *report;
};

struct context {
  struct shared *shared;
  bool (*tick)(uint64_t elapsed_ns, void *arg);
  void *arg;
  uint64_t start_ns, last_ns;
};

static uint64_t limit(void *arg) {
  const struct context *c = arg;
  return atomic_load(&c->shared->lowest_failure);
}

static bool tick_now(struct context *c) {
  uint64_t now = xp_now_ns();
  if (now - c->last_ns < TICK_MS * UINT64_C(1000000)) return false;
  c->last_ns = now;
  return c->tick(now - c->start_ns, c->arg);
}

/* In the calling process. */
static bool stop_here(void *arg) {
  struct context *c = arg;
  if (tick_now(c)) atomic_store(&c->shared->should_stop, 1);
  return atomic_load(&c->shared->should_stop) != 0;
}

static bool stop_in_job(void *arg) {
  const struct context *c = arg;
  return atomic_load(&c->shared->should_stop) != 0;
}

static void lower_limit(struct shared *s, uint64_t index) {
  uint64_t seen = atomic_load(&s->lowest_failure);
  while (index < seen && !atomic_compare_exchange_weak(&s->lowest_failure, &seen, index)) {
  }
}

/* The body of a job's process. */
_Noreturn static void work(const struct xp_config *config, struct context *context, FILE *out) {
  struct xp_report r;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  signal(SIGTERM, SIG_IGN); /* the calling process says when to stop */
  signal(SIGINT, SIG_IGN);
  plat_model_watch_child();
  bool done = xp_search(config, &r);
  if (done && r.failure.is_found) lower_limit(context->shared, r.failure.index);
  done = done && xp_report_write(&r, out) && fflush(out) == 0;
  _exit(done ? 0 : 1);
}

static bool start(struct job *j, const struct xp_config *config, struct context *context) {
  j->report = tmpfile();
  if (j->report == NULL) return false;
  fflush(NULL);
  j->pid = fork();
  if (j->pid == 0) work(config, context, j->report);
  return j->pid > 0;
}

static void tell_lost(uint32_t job, uint32_t jobs, int status) {
  fprintf(stderr, "job %u of %u ", job + 1, jobs);
  if (WIFSIGNALED(status))
    fprintf(stderr, "was killed by SIG%s", sigabbrev_np(WTERMSIG(status)));
  else
    fprintf(stderr, "ended with exit status %d", WEXITSTATUS(status));
  fputs(": its part of the schedules is missing\n", stderr);
}

static bool collect(struct job *j, struct context *context, struct xp_report *out, int *status) {
  struct xp_report r;
  for (;;) {
    pid_t done = waitpid(j->pid, status, WNOHANG);
    if (done == j->pid || (done < 0 && errno != EINTR)) break;
    stop_here(context);
    poll(NULL, 0, 10);
  }
  if (!WIFEXITED(*status) || WEXITSTATUS(*status) != 0) return false;
  rewind(j->report);
  if (!xp_report_read(&r, j->report)) return false;
  xp_report_merge(out, &r);
  xp_report_free(&r);
  return true;
}

/* Slice 0 is this process's own. */
static bool search_together(struct xp_config *config, struct context *context,
                            struct xp_report *out) {
  struct job jobs[JOBS_MAX];
  uint32_t started = 1;
  bool is_fine = true;
  config->stop = stop_in_job;
  while (is_fine && started < config->slices) {
    struct xp_config slice = *config;
    slice.slice = started;
    is_fine = start(&jobs[started], &slice, context);
    if (is_fine) started++;
  }
  config->stop = stop_here;
  if (!is_fine) atomic_store(&context->shared->should_stop, 1);
  bool has_report = xp_search(config, out);
  if (has_report && out->failure.is_found) lower_limit(context->shared, out->failure.index);
  if (!is_fine) fputs("a process of the search could not be started\n", stderr);
  for (uint32_t i = 1; i < started; i++) {
    int status = 0;
    bool is_there = collect(&jobs[i], context, out, &status);
    if (!is_there) tell_lost(i, config->slices, status);
    if (!is_there && has_report) xp_report_lose_part(out);
    is_fine = is_fine && is_there;
    fclose(jobs[i].report);
  }
  return is_fine || has_report;
}

bool xp_jobs_search(const struct xp_config *c, uint32_t jobs, bool (*tick)(uint64_t, void *),
                    void *arg, struct xp_report *out) {
  struct xp_config config = *c;
  struct context context = {.tick = tick, .arg = arg, .start_ns = xp_now_ns()};
  context.shared = mmap(NULL, sizeof *context.shared, PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (context.shared == MAP_FAILED) return false;
  atomic_store(&context.shared->lowest_failure, UINT64_MAX);
  config.slices = jobs < 1 ? 1 : jobs > JOBS_MAX ? JOBS_MAX : jobs;
  config.slice = 0;
  config.limit = limit;
  config.stop_arg = config.limit_arg = &context;
  bool is_fine = search_together(&config, &context, out);
  munmap(context.shared, sizeof *context.shared);
  return is_fine;
}

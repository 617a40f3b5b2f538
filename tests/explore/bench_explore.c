/* Speed of searching schedules, on one core: rates by strategy, beside what is to be reached and
 * what other explorers do on this kind of machine.
 *
 * usage: bench_explore [SECONDS]   of processor time for each row, default 1 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "sims/explore/search.h"
#include "sims/litmus/litmus.h"

struct row {
  const char *name, *strategy;
  enum litmus_program program;
  bool is_observed;          /* every run: its class and coverage */
  double target;             /* schedules or classes a second */
  const char *peer;
  double peer_rate;
};

/* Peers' rates were measured on the same programs on a machine like this. */
static const struct row rows[] = {
    {"random", "random", LITMUS_MARK_1, false, 500e3, "Relacy", 312e3},
    {"random, observed", "random", LITMUS_MARK_1, true, 0, "go-weave", 35e3},
    {"pct", "pct", LITMUS_MARK_1, false, 500e3, "go-weave", 35e3},
    {"pos", "pos", LITMUS_MARK_1, false, 0, "go-weave", 35e3},
    {"urw", "urw", LITMUS_MARK_1, false, 0, "go-weave", 35e3},
    {"bound", "bound", LITMUS_MARK_1, false, 500e3, "loom", 20e3},
    {"dpor, 75 steps", "dpor", LITMUS_MARK_2, false, 100e3, "Nidhugg", 5.4e3},
    {"dpor, 100 steps", "dpor", LITMUS_MARK_3, false, 100e3, "Nidhugg", 4.6e3},
    {"dpor, observed", "dpor", LITMUS_MARK_2, true, 0, "GenMC", 4.3e3},
};

static double cpu_seconds(void) {
  struct timespec t;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Part of the search's stop request: processor time, since others may want this core too. */
static bool is_late(void *arg) { return cpu_seconds() >= *(const double *)arg; }

static int run(void *arg) { return litmus_run(arg) != NULL; }

static void measure(const struct row *row, double seconds) {
  struct litmus_case what = {row->program, LITMUS_BARRIER_UNTIL_BLACK, 0, 0};
  struct xp_report r;
  struct xp_config c;
  int status;
  double deadline, took = 0;
  uint64_t runs = 0, points = 0;
  xp_config_default(&c);
  c.strategy = row->strategy;
  c.classes = 0;
  c.preemptions = 5;
  c.time_ns = UINT64_MAX;
  c.walks = 8;
  c.observe_every = row->is_observed;
  c.stop = is_late;
  c.stop_arg = &deadline;
  if (!plat_model_prepare(run, &what, &status)) exit(1);
  for (c.seed = 1; took < seconds; c.seed++) {
    double start = cpu_seconds();
    deadline = start + seconds - took;
    xp_search(&c, &r);
    took += cpu_seconds() - start;
    runs += r.runs;
    points += r.points;
    xp_report_free(&r);
  }
  plat_model_leave();
  double rate = (double)runs / took;
  printf("%-18s %9.0f/s %7.1f million points/s", row->name, rate, (double)points / took / 1e6);
  if (row->target > 0) printf("  %4.2f of what is to be reached", rate / row->target);
  printf("  %5.1f x %s\n", rate / row->peer_rate, row->peer);
}

int main(int argc, char **argv) {
  double seconds = argc > 1 ? atof(argv[1]) : 1;
  if (argc > 2 || seconds <= 0) {
    fprintf(stderr, "usage: bench_explore [SECONDS]\n");
    return 2;
  }
  printf("schedules (dpor: classes) by second of processor time, one core\n");
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) measure(&rows[i], seconds);
  return 0;
}

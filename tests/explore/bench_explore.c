/* Speed of searching schedules, on one core: rates by strategy, beside what is to be reached and
 * what other explorers do on this kind of machine.
 *
 * usage: bench_explore [PARTS [ROW]]   searches of each row, default 20: the best of them is least
 *                                      disturbed by what else the machine does; ROW: only that */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "sims/explore/search.h"
#include "sims/litmus/litmus.h"

struct row {
  const char *name, *strategy;
  enum litmus_program program;
  bool is_observed;          /* every run: its class and coverage */
  bool is_executed;          /* runs are counted, not the schedules that they stand for */
  double target;             /* schedules or classes a second */
  const char *peer;
  double peer_rate;
};

/* Peers' rates were measured on the same programs on a machine like this. */
static const struct row rows[] = {
    {"random", "random", LITMUS_MARK_1, false, false, 500e3, "Relacy", 312e3},
    {"random, observed", "random", LITMUS_MARK_1, true, false, 0, "go-weave", 35e3},
    {"pct", "pct", LITMUS_MARK_1, false, false, 500e3, "go-weave", 35e3},
    {"pos", "pos", LITMUS_MARK_1, false, false, 0, "go-weave", 35e3},
    {"urw", "urw", LITMUS_MARK_1, false, false, 0, "go-weave", 35e3},
    {"bound", "bound", LITMUS_MARK_1, false, false, 500e3, "loom", 20e3},
    {"bound, runs", "bound", LITMUS_MARK_1, false, true, 0, "loom", 20e3},
    {"dpor, 75 steps", "dpor", LITMUS_MARK_2, false, false, 100e3, "Nidhugg", 5.4e3},
    {"dpor, 100 steps", "dpor", LITMUS_MARK_3, false, false, 100e3, "Nidhugg", 4.6e3},
    {"dpor, observed", "dpor", LITMUS_MARK_2, true, false, 0, "GenMC", 4.3e3},
};

static double cpu_seconds(void) {
  struct timespec t;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int run(void *arg) { return litmus_run(arg) != NULL; }

enum { PARTS = 20, RUNS = 20000 };

struct rate {
  double runs, points; /* a second */
};

static int by_runs(const void *a, const void *b) {
  double x = ((const struct rate *)a)->runs, y = ((const struct rate *)b)->runs;
  return (x > y) - (x < y);
}

/* One search of RUNS schedules. */
static struct rate search(const struct row *row, uint64_t seed) {
  struct xp_report r;
  struct xp_config c;
  xp_config_default(&c);
  c.strategy = row->strategy;
  c.classes = 0;
  c.preemptions = 5;
  c.seed = seed;
  c.schedules = RUNS;
  c.time_ns = UINT64_MAX;
  c.walks = 8;
  c.observe_every = row->is_observed;
  double start = cpu_seconds();
  xp_search(&c, &r);
  double took = cpu_seconds() - start;
  uint64_t runs = row->is_executed ? r.runs - r.merged + r.replayed : r.runs;
  struct rate rate = {(double)runs / took, (double)r.points / took};
  xp_report_free(&r);
  return rate;
}

static void measure(const struct row *row, uint32_t parts) {
  struct litmus_case what = {row->program, LITMUS_BARRIER_UNTIL_BLACK, 0, 0};
  struct rate *rate = calloc(parts, sizeof *rate);
  int status;
  if (rate == NULL || !plat_model_prepare(run, &what, &status)) exit(1);
  for (uint32_t i = 0; i < parts; i++) rate[i] = search(row, i + 1);
  plat_model_leave();
  qsort(rate, parts, sizeof *rate, by_runs);
  struct rate best = rate[parts - 1], median = rate[parts / 2];
  printf("%-17s %8.0f %8.0f  %5.1f %5.1f", row->name, best.runs, median.runs, best.points / 1e6,
         median.points / 1e6);
  if (row->target > 0) {
    printf("  %7.0f  %4.2f", row->target, best.runs / row->target);
  } else {
    printf("        -     -");
  }
  printf("  %5.1f x %s\n", best.runs / row->peer_rate, row->peer);
  free(rate);
}

int main(int argc, char **argv) {
  long parts = argc > 1 ? atol(argv[1]) : PARTS;
  const char *only = argc > 2 ? argv[2] : NULL;
  if (argc > 3 || parts < 1 || parts > 1000) {
    fprintf(stderr, "usage: bench_explore [PARTS [ROW]]\n");
    return 2;
  }
  printf("schedules (dpor: classes) by second of processor time, one core, %ld parts of %d each\n",
         parts, RUNS);
  printf("%-17s %8s %8s  %5s %5s  %7s  %4s  %s\n", "", "best", "median", "Mpts", "Mpts", "target",
         "best", "best, of a peer's rate");
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
    if (only == NULL || strcmp(rows[i].name, only) == 0) measure(&rows[i], (uint32_t)parts);
  return 0;
}

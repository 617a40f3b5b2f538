/* Speed of searching schedules, on one core: rates by strategy, beside what is to be reached and
 * what other explorers do on this kind of machine.
 *
 * usage: bench_explore [PARTS [ROW]]   searches of each row, default 20: the best of them is least
 *                                      disturbed by what else the machine does; ROW: only that */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "sims/explore/points.h"
#include "sims/explore/search.h"
#include "sims/litmus/litmus.h"
#include "tests/explore/growth.h"

/* Prepares the world; where its points are, of those of c, for the caller to free; NULL: all. */
typedef uint8_t *program(const struct xp_config *c);

static int run_litmus(void *arg) { return litmus_run(arg) != NULL; }

static uint8_t *prepare_marking(enum litmus_program which) {
  struct litmus_case what = {which, LITMUS_BARRIER_UNTIL_BLACK, 0, 0};
  int status;
  if (!plat_model_prepare(run_litmus, &what, &status)) exit(1);
  return NULL;
}

static uint8_t *marking_1(const struct xp_config *c) {
  (void)c;
  return prepare_marking(LITMUS_MARK_1);
}

static uint8_t *marking_2(const struct xp_config *c) {
  (void)c;
  return prepare_marking(LITMUS_MARK_2);
}

static uint8_t *marking_3(const struct xp_config *c) {
  (void)c;
  return prepare_marking(LITMUS_MARK_3);
}

static uint8_t *growth(const struct xp_config *c) {
  growth_prepare(&(struct growth_case){.assists = false});
  return xp_points_learn(c, NULL, XP_LEARN_STEPS, NULL, NULL);
}

struct row {
  const char *name, *strategy;
  program *prepare;
  uint32_t classes;          /* of points, beside the program's */
  bool is_observed;          /* every run: its class and coverage */
  bool is_executed;          /* runs are counted, not the schedules that they stand for */
  double target;             /* schedules or classes a second */
  const char *peer;          /* NULL: none does it */
  double peer_rate;
};

/* Peers' rates were measured on the same programs on a machine like this. */
static const struct row rows[] = {
    {"random", "random", marking_1, 0, false, false, 500e3, "Relacy", 312e3},
    {"random, observed", "random", marking_1, 0, true, false, 0, "go-weave", 35e3},
    {"pct", "pct", marking_1, 0, false, false, 500e3, "go-weave", 35e3},
    {"pos", "pos", marking_1, 0, false, false, 0, "go-weave", 35e3},
    {"urw", "urw", marking_1, 0, false, false, 0, "go-weave", 35e3},
    {"bound", "bound", marking_1, 0, false, false, 500e3, "loom", 20e3},
    {"bound, runs", "bound", marking_1, 0, false, true, 0, "loom", 20e3},
    {"dpor, 75 steps", "dpor", marking_2, 0, false, false, 100e3, "Nidhugg", 5.4e3},
    {"dpor, 100 steps", "dpor", marking_3, 0, false, false, 100e3, "Nidhugg", 4.6e3},
    {"dpor, observed", "dpor", marking_2, 0, true, false, 0, "GenMC", 4.3e3},
    {"growth, bound", "bound", growth, PLAT_CLASS_ALL, false, false, 100e3, NULL, 0},
    {"growth, bound, runs", "bound", growth, PLAT_CLASS_ALL, false, true, 0, NULL, 0},
    {"growth, random", "random", growth, PLAT_CLASS_ALL, false, false, 0, NULL, 0},
    {"growth, dpor", "dpor", growth, PLAT_CLASS_ALL, false, false, 0, NULL, 0},
};

static double cpu_seconds(void) {
  struct timespec t;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

enum { PARTS = 20, RUNS = 20000 };

struct rate {
  double runs, points; /* a second */
  uint64_t steps;      /* of half of the schedules no more */
};

static int by_runs(const void *a, const void *b) {
  double x = ((const struct rate *)a)->runs, y = ((const struct rate *)b)->runs;
  return (x > y) - (x < y);
}

static void configure(const struct row *row, struct xp_config *c) {
  xp_config_default(c);
  c->strategy = row->strategy;
  c->classes = row->classes;
  c->preemptions = 5;
  c->schedules = RUNS;
  c->time_ns = UINT64_MAX;
  c->walks = 8;
  c->observe_every = row->is_observed;
}

/* One search of RUNS schedules. */
static struct rate search(const struct row *row, const struct xp_config *c) {
  struct xp_report r;
  double start = cpu_seconds();
  xp_search(c, &r);
  double took = cpu_seconds() - start;
  uint64_t runs = row->is_executed ? r.runs - r.merged + r.replayed : r.runs;
  struct rate rate = {(double)runs / took, (double)r.points / took, hist_quantile(&r.length, 0.5)};
  xp_report_free(&r);
  return rate;
}

static void measure(const struct row *row, uint32_t parts) {
  struct rate *rate = calloc(parts, sizeof *rate);
  struct xp_config c;
  if (rate == NULL) exit(1);
  configure(row, &c);
  uint8_t *sites = row->prepare(&c);
  c.point_sites = sites;
  for (uint32_t i = 0; i < parts; i++) {
    c.seed = i + 1;
    rate[i] = search(row, &c);
  }
  plat_model_leave();
  free(sites);
  qsort(rate, parts, sizeof *rate, by_runs);
  struct rate best = rate[parts - 1], median = rate[parts / 2];
  printf("%-19s %5llu %8.0f %8.0f  %5.1f %5.1f", row->name, (unsigned long long)median.steps,
         best.runs, median.runs, best.points / 1e6, median.points / 1e6);
  if (row->target > 0)
    printf("  %7.0f  %4.2f", row->target, best.runs / row->target);
  else
    printf("        -     -");
  if (row->peer != NULL)
    printf("  %5.1f x %s\n", best.runs / row->peer_rate, row->peer);
  else
    printf("      -\n");
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
  printf("%-19s %5s %8s %8s  %5s %5s  %7s  %4s  %s\n", "", "steps", "best", "median", "Mpts",
         "Mpts", "target", "best", "best, of a peer's rate");
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
    if (only == NULL || strcmp(rows[i].name, only) == 0) measure(&rows[i], (uint32_t)parts);
  return 0;
}

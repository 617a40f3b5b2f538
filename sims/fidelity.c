#include "sims/fidelity.h"

#include <stdlib.h>
#include <string.h>

#include "runtime/rng.h"
#include "sims/cli_metric.h"
#include "sims/memory.h"
#include "sims/stats.h"

#define MIB (1024.0 * 1024.0)

/* The bounds. */
enum { CYCLES_APART = 1, STARTUP_MALLOCS = 64, STARTUP_BYTES = 32 << 10 };
/* What lives in a Go program's heap before main, where nobody measured it; a goal is this much
 * higher, times 1 + GOGC/100. */
static const double startup_live_bytes = 100 << 10;
static const double goal_apart = 0.03, assist_factor = 1.5, assist_share_min = 0.01;
static const double told_apart = 0.01; /* samples that are less alike are different */

const char *fid_verdict_name(enum fid_verdict verdict) {
  static const char *const names[] = {
    [FID_UNKNOWN] = "-", [FID_EXACT] = "exact", [FID_WITHIN] = "met", [FID_SEED] = "hash seed",
    [FID_STARTUP] = "start-up", [FID_NAMED] = "named",
    [FID_VARIES] = "Go varies", [FID_MISSED] = "missed",
  };
  return names[verdict];
}

/* ---- numbers of a side ---- */

void fid_side_clear(struct fid_side *side) {
  *side = (struct fid_side){0};
  for (int q = 0; q < FID_QUANTITIES; q++) side->value[q] = side->low[q] = side->high[q] = FID_NONE;
}

static double number_at(const cJSON *doc, const char *path) {
  double value;
  return sim_metric_number(doc, path, &value) ? value : FID_NONE;
}

/* A number of all maps of a result: the largest B, the sum of anything else. */
static double maps_number(const cJSON *result, const char *name) {
  double all = FID_NONE;
  const cJSON *map;
  cJSON_ArrayForEach(map, sim_metric_find(result, "maps")) {
    double value = number_at(map, name);
    if (isnan(all)) all = value;
    else if (strcmp(name, "B") == 0) all = fmax(all, value);
    else all += value;
  }
  return all;
}

static double quantity_of(const cJSON *result, enum fid_quantity q) {
  static const char *const paths[FID_QUANTITIES] = {
    [FID_CYCLES] = "gc.cycles", [FID_MALLOCS] = "gc.mallocs", [FID_BYTES] = "gc.bytes_allocated",
    [FID_ASSIST] = "gc.assist_ns",
  };
  static const char *const of_maps[FID_QUANTITIES] = {
    [FID_B] = "B", [FID_NOVERFLOW] = "noverflow", [FID_GROWTHS] = "growths",
  };
  if (of_maps[q] != NULL) return maps_number(result, of_maps[q]);
  if (paths[q] == NULL) return FID_NONE;
  double value = number_at(result, paths[q]);
  return q == FID_ASSIST ? value / number_at(result, "cpu_ns") : value;
}

static void cycles_read(const cJSON *result, struct fid_cycles *out) {
  const cJSON *list = sim_metric_find(result, "gc.cycle_list");
  out->count = 0;
  for (int i = cJSON_GetArraySize(list) - 1; i >= 0 && out->count < FID_GOALS_MAX; i--) {
    const cJSON *cycle = cJSON_GetArrayItem(list, i);
    double goal = number_at(cycle, "heap_goal_bytes");
    if (!(number_at(cycle, "end_ns") >= 0) || isnan(goal)) continue;
    out->goal[out->count] = goal;
    out->is_rounded[out->count] = isnan(number_at(cycle, "cons_mark"));
    out->start[out->count++] = number_at(cycle, "heap_start_bytes");
  }
}

static void set_spread(struct fid_side *side, enum fid_quantity q, double *values,
                       uint32_t count) {
  struct sim_spread spread;
  sim_stats_spread(values, count, &spread);
  if (spread.count == 0) return;
  side->value[q] = spread.median;
  side->low[q] = spread.min;
  side->high[q] = spread.max;
}

static void measure_goals(struct fid_side *side, const cJSON *const *results, uint32_t count,
                          double *values) {
  side->run_count = count < FID_RUNS_MAX ? count : FID_RUNS_MAX;
  for (uint32_t i = 0; i < side->run_count; i++) {
    cycles_read(results[i], &side->run[i]);
    side->assist[i] = quantity_of(results[i], FID_ASSIST);
  }
  for (uint32_t g = 0; g < FID_GOALS_MAX; g++) {
    uint32_t known = 0;
    for (uint32_t i = 0; i < side->run_count; i++)
      if (side->run[i].count > g) values[known++] = side->run[i].goal[g];
    struct sim_spread spread;
    sim_stats_spread(values, known, &spread);
    if (spread.count == 0) break;
    side->goal_low[g] = side->goal_high[g] = spread.median;
    side->goal_count = g + 1;
  }
  if (side->goal_count > 0) side->value[FID_GOAL] = side->goal_low[0];
}

void fid_side_measure(struct fid_side *side, const cJSON *const *results, uint32_t count) {
  double *values = sim_alloc(count * sizeof values[0]);
  fid_side_clear(side);
  for (int q = 0; q < FID_QUANTITIES; q++) {
    uint32_t known = 0;
    for (uint32_t i = 0; i < count; i++) {
      double value = quantity_of(results[i], (enum fid_quantity)q);
      if (!isnan(value)) values[known++] = value;
    }
    set_spread(side, (enum fid_quantity)q, values, known);
  }
  measure_goals(side, results, count, values);
  free(values);
}

/* ---- the recording ---- */

static const cJSON *find_recorded(const cJSON *recording, const char *name, uint32_t gogc) {
  const cJSON *run;
  cJSON_ArrayForEach(run, cJSON_GetObjectItemCaseSensitive(recording, "runs")) {
    const char *workload =
        cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(run, "workload"));
    if (workload == NULL || strcmp(workload, name) != 0) continue;
    if (number_at(run, "gogc") == gogc) return run;
  }
  return NULL;
}

bool fid_side_recorded(struct fid_side *side, const cJSON *recording, const char *name,
                       uint32_t gogc) {
  static const struct { enum fid_quantity quantity; const char *value, *low, *high; } keys[] = {
    {FID_CYCLES, "num_gc", "num_gc_range.0", "num_gc_range.1"},
    {FID_MALLOCS, "mallocs", "mallocs_range.0", "mallocs_range.1"},
    {FID_BYTES, "alloc_bytes", "alloc_bytes_range.0", "alloc_bytes_range.1"},
    {FID_B, "B", "B", "B"},
    {FID_NOVERFLOW, "noverflow", "noverflow", "noverflow"},
    {FID_ASSIST, "assist_share", "assist_share", "assist_share"},
  };
  fid_side_clear(side);
  const cJSON *run = find_recorded(recording, name, gogc);
  if (run == NULL) return false;
  for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
    side->value[keys[i].quantity] = number_at(run, keys[i].value);
    side->low[keys[i].quantity] = number_at(run, keys[i].low);
    side->high[keys[i].quantity] = number_at(run, keys[i].high);
  }
  const cJSON *goals = cJSON_GetObjectItemCaseSensitive(run, "goals_mib");
  int count = cJSON_GetArraySize(goals);
  for (int g = 0; g < count && g < FID_GOALS_MAX; g++) {
    double mib = cJSON_GetNumberValue(cJSON_GetArrayItem(goals, count - 1 - g));
    side->goal_low[g] = mib * MIB;
    side->goal_high[g] = (mib + 1) * MIB;
    side->goal_count = (uint32_t)g + 1;
  }
  if (count > 0) side->value[FID_GOAL] = side->goal_low[0];
  return true;
}

/* ---- judging ---- */

enum fid_side_id fid_reference(const struct fid_case *c, enum fid_quantity q) {
  return isnan(c->side[FID_GO].value[q]) ? FID_RECORDED : FID_GO;
}

/* Two sequences of goals; slack_bytes of each difference are forgiven. */
struct goal_pair { const struct fid_side *ours, *go; double slack_bytes; };

/* The largest relative difference when ours[i + skip_ours] is held against go[i + skip_go]. */
static double goals_apart(const struct goal_pair *p, uint32_t skip_ours, uint32_t skip_go) {
  double worst = FID_NONE;
  uint32_t ours_count = p->ours->goal_count, go_count = p->go->goal_count;
  for (uint32_t i = 0; i + skip_ours < ours_count && i + skip_go < go_count; i++) {
    double low = p->go->goal_low[i + skip_go], high = p->go->goal_high[i + skip_go];
    double below = low - p->ours->goal_high[i + skip_ours];
    double above = p->ours->goal_low[i + skip_ours] - high;
    double apart = fmax(fmax(below - p->slack_bytes, 0) / low, fmax(above, 0) / high);
    if (isnan(worst) || apart > worst) worst = apart;
  }
  return worst;
}

/* Goals are held against each other from the last cycle back; when one side has a cycle more, it
 * may be that the additional one is the last. */
static double goal_difference(const struct goal_pair *p) {
  double more = p->ours->value[FID_CYCLES] - p->go->value[FID_CYCLES];
  double apart = goals_apart(p, 0, 0);
  if (more == 0 || !(fabs(more) <= CYCLES_APART)) return apart;
  return fmin(apart, goals_apart(p, more > 0, more < 0));
}

/* ---- goals run by run ---- */

/* A goal of a run: at least this, and at most that. */
struct goal { double low, high; };

static struct goal goal_of(const struct fid_cycles *run, uint32_t i) {
  return (struct goal){run->goal[i], run->goal[i] + (run->is_rounded[i] ? MIB : 0)};
}

static double gap(struct goal a, struct goal b) {
  return fmax(fmax(b.low - a.high, a.low - b.high), 0);
}

/* How far apart two goals are. added: bytes of Go's own in the second one. */
static double goal_apart_from(struct goal ours, struct goal go, double added) {
  struct goal rest = {go.low - added, go.high - added};
  return fmin(gap(ours, go), gap(ours, rest)) / go.low;
}

/* Two runs, and what of the differences of their cycles counts: the median, or the largest. */
struct run_pair {
  const struct fid_cycles *a, *b;
  double added; /* bytes of Go's own in b */
  bool is_median;
};

/* When a is held against b without cycle number skip_a of a, and skip_b of b; FID_GOALS_MAX:
 * without none. */
static double cycles_apart(const struct run_pair *p, uint32_t skip_a, uint32_t skip_b) {
  const struct fid_cycles *a = p->a, *b = p->b;
  double apart[FID_GOALS_MAX];
  uint32_t count = 0;
  for (uint32_t i = 0, k = 0; i < a->count && k < b->count; i++, k++) {
    i += i == skip_a;
    k += k == skip_b;
    if (i >= a->count || k >= b->count) break;
    apart[count++] = goal_apart_from(goal_of(a, i), goal_of(b, k), p->added);
  }
  struct sim_spread spread;
  sim_stats_spread(apart, count, &spread);
  return count == 0 ? FID_NONE : p->is_median ? spread.median : spread.max;
}

/* Where one run has a cycle more, which is within the bounds, it is the one that leaves the others
 * closest. */
static double runs_apart(const struct run_pair *p) {
  uint32_t a_count = p->a->count, b_count = p->b->count;
  double apart = cycles_apart(p, FID_GOALS_MAX, FID_GOALS_MAX);
  for (uint32_t i = 0; a_count == b_count + 1 && i < a_count; i++)
    apart = fmin(apart, cycles_apart(p, i, FID_GOALS_MAX));
  for (uint32_t i = 0; b_count == a_count + 1 && i < b_count; i++)
    apart = fmin(apart, cycles_apart(p, FID_GOALS_MAX, i));
  return apart;
}

/* Median over the runs of a of the distance to the nearest run of b (another one if they are the
 * same side). */
static double nearest_apart(const struct fid_side *a, const struct fid_side *b, double added,
                            bool is_median) {
  double nearest[FID_RUNS_MAX];
  uint32_t known = 0;
  for (uint32_t i = 0; i < a->run_count; i++) {
    double least = FID_NONE;
    for (uint32_t k = 0; k < b->run_count; k++) {
      struct run_pair pair = {&a->run[i], &b->run[k], added, is_median};
      if (a != b || i != k) least = fmin(least, runs_apart(&pair));
    }
    if (!isnan(least)) nearest[known++] = least;
  }
  struct sim_spread spread;
  sim_stats_spread(nearest, known, &spread);
  return spread.count == 0 ? FID_NONE : spread.median;
}

static double startup_added(const struct fid_case *c) {
  double live = c->startup_bytes > 0 ? c->startup_bytes : startup_live_bytes;
  return live * (1 + c->gogc / 100.0);
}

double fid_goals_apart(const struct fid_case *c) {
  return nearest_apart(&c->side[FID_OURS], &c->side[FID_GO], 0, false);
}

double fid_goals_typical(const struct fid_case *c) {
  return nearest_apart(&c->side[FID_OURS], &c->side[FID_GO], 0, true);
}

double fid_goals_apart_of_go(const struct fid_case *c) {
  return nearest_apart(&c->side[FID_GO], &c->side[FID_GO], 0, false);
}

/* ---- two samples ---- *
 *
 * Runs differ from each other, Go's as ours, and medians of a few are far apart by chance. Whether
 * ours come from where Go's do is asked of all distances between runs (energy distance: Szekely and
 * Rizzo 2004): the mean between the sides, twice, less the means within each. How often that is as
 * large as it is when the runs are dealt out to the sides at random is the answer. */

enum { DEALS = 4999, POOL_MAX = 2 * FID_RUNS_MAX };

struct pool {
  uint32_t count, ours; /* runs; the first of them are ours */
  double apart[POOL_MAX][POOL_MAX];
};

static double apart_in(const struct fid_case *c, enum fid_quantity q, uint32_t i, uint32_t k) {
  uint32_t ours = c->side[FID_OURS].run_count;
  const struct fid_side *a = &c->side[i < ours ? FID_OURS : FID_GO];
  const struct fid_side *b = &c->side[k < ours ? FID_OURS : FID_GO];
  i -= i < ours ? 0 : ours;
  k -= k < ours ? 0 : ours;
  if (q == FID_ASSIST) return fabs(a->assist[i] - b->assist[k]);
  struct run_pair there = {&a->run[i], &b->run[k], 0, false};
  struct run_pair back = {&b->run[k], &a->run[i], 0, false};
  return (runs_apart(&there) + runs_apart(&back)) / 2;
}

static double energy(const struct pool *p, const uint32_t *dealt) {
  double between = 0, within[2] = {0, 0};
  for (uint32_t i = 0; i < p->count; i++)
    for (uint32_t k = 0; k < i; k++) {
      double apart = p->apart[dealt[i]][dealt[k]];
      if (k < p->ours && i >= p->ours) between += apart;
      else within[k >= p->ours] += apart;
    }
  double a = p->ours, b = p->count - p->ours;
  return 2 * between / (a * b) - 2 * within[0] / (a * (a - 1)) - 2 * within[1] / (b * (b - 1));
}

static double chance_of(const struct pool *p) {
  uint64_t random = 1;
  uint32_t dealt[POOL_MAX], as_far = 1; /* as they are is one of the ways to deal */
  for (uint32_t i = 0; i < p->count; i++) dealt[i] = i;
  double least = energy(p, dealt) * (1 - 1e-9);
  for (uint32_t deal = 0; deal < DEALS; deal++) {
    for (uint32_t i = p->count; i > 1; i--) {
      uint32_t k = rng_fastrandn(&random, i), last = dealt[i - 1];
      dealt[i - 1] = dealt[k];
      dealt[k] = last;
    }
    as_far += energy(p, dealt) >= least;
  }
  return (double)as_far / (DEALS + 1);
}

double fid_alike(const struct fid_case *c, enum fid_quantity q) {
  uint32_t ours = c->side[FID_OURS].run_count, go = c->side[FID_GO].run_count;
  if (ours < FID_RUNS_TOLD || go < FID_RUNS_TOLD) return FID_NONE;
  struct pool *p = sim_alloc(sizeof *p);
  bool is_known = true;
  p->ours = ours;
  p->count = ours + go;
  for (uint32_t i = 0; i < p->count; i++)
    for (uint32_t k = 0; k < i; k++) {
      p->apart[i][k] = p->apart[k][i] = apart_in(c, q, i, k);
      is_known &= !isnan(p->apart[i][k]);
    }
  double chance = is_known ? chance_of(p) : FID_NONE;
  free(p);
  return chance;
}

double fid_difference(const struct fid_case *c, enum fid_quantity q) {
  if (q == FID_GOAL && !isnan(fid_goals_apart(c))) return fid_goals_apart(c);
  const struct fid_side *go = &c->side[fid_reference(c, q)];
  double ours = c->side[FID_OURS].value[q];
  if (q == FID_GOAL) return goal_difference(&(struct goal_pair){&c->side[FID_OURS], go, 0});
  if (q == FID_ASSIST) return go->value[q] > 0 ? ours / go->value[q] : FID_NONE;
  return ours - go->value[q];
}

/* In a map that grew, hash seeds decide the number of overflow buckets. The runs of Go, live and
 * recorded, span [low, high]; ours may be as far outside again. */
static bool is_seed(const struct fid_case *c, enum fid_quantity q) {
  double low = fmin(c->side[FID_GO].low[q], c->side[FID_RECORDED].low[q]);
  double high = fmax(c->side[FID_GO].high[q], c->side[FID_RECORDED].high[q]);
  double ours = c->side[FID_OURS].value[q], width = high - low;
  bool has_grown = c->side[FID_OURS].value[FID_GROWTHS] > 0;
  return has_grown && ours >= low - width && ours <= high + width;
}

static enum fid_verdict judge_count(const struct fid_case *c, enum fid_quantity q) {
  double mallocs = fid_difference(c, FID_MALLOCS), bytes = fid_difference(c, FID_BYTES);
  if ((q == FID_MALLOCS ? mallocs : bytes) == 0) return FID_EXACT;
  if (c->is_named) return FID_NAMED;
  if (is_seed(c, q)) return FID_SEED;
  bool is_small = fabs(mallocs) <= STARTUP_MALLOCS && fabs(bytes) <= STARTUP_BYTES;
  return is_small ? FID_STARTUP : FID_MISSED;
}

static enum fid_verdict judge_runs(const struct fid_case *c) {
  double added = nearest_apart(&c->side[FID_OURS], &c->side[FID_GO], startup_added(c), false);
  if (fid_goals_apart(c) <= goal_apart) return FID_WITHIN;
  if (added <= goal_apart) return FID_STARTUP;
  return fid_alike(c, FID_GOAL) >= told_apart ? FID_VARIES : FID_MISSED;
}

static enum fid_verdict judge_goal(const struct fid_case *c) {
  if (!isnan(fid_goals_apart(c))) return judge_runs(c);
  const struct fid_side *ours = &c->side[FID_OURS], *live = &c->side[FID_GO];
  const struct fid_side *recorded = &c->side[FID_RECORDED];
  double apart = fid_difference(c, FID_GOAL);
  double slack = startup_added(c);
  struct goal_pair forgiving = {ours, &c->side[fid_reference(c, FID_GOAL)], slack};
  if (apart <= goal_apart) return FID_WITHIN;
  if (goal_difference(&forgiving) <= goal_apart) return FID_STARTUP;
  if (isnan(live->value[FID_GOAL])) return FID_MISSED;
  struct goal_pair to_recorded = {ours, recorded, slack}, of_go = {live, recorded, 0};
  bool varies = goal_difference(&to_recorded) <= goal_apart || apart <= goal_difference(&of_go);
  return varies ? FID_VARIES : FID_MISSED;
}

static enum fid_verdict judge_assist(const struct fid_case *c) {
  double apart = fid_difference(c, FID_ASSIST);
  if (c->side[fid_reference(c, FID_ASSIST)].value[FID_ASSIST] < assist_share_min)
    return FID_UNKNOWN;
  if (apart <= assist_factor && apart >= 1 / assist_factor) return FID_WITHIN;
  double here = c->side[FID_GO].value[FID_ASSIST];
  double recorded = c->side[FID_RECORDED].value[FID_ASSIST];
  double ours = c->side[FID_OURS].value[FID_ASSIST];
  bool is_between = ours >= fmin(here, recorded) && ours <= fmax(here, recorded);
  bool varies = !isnan(here) && !isnan(recorded) && is_between;
  return varies || fid_alike(c, FID_ASSIST) >= told_apart ? FID_VARIES : FID_MISSED;
}

enum fid_verdict fid_judge(const struct fid_case *c, enum fid_quantity q) {
  double difference = fid_difference(c, q);
  if (isnan(difference)) return FID_UNKNOWN;
  switch (q) {
    case FID_MALLOCS: case FID_BYTES: return judge_count(c, q);
    case FID_GOAL: return judge_goal(c);
    case FID_ASSIST: return judge_assist(c);
    case FID_CYCLES:
      if (difference == 0) return FID_EXACT;
      return fabs(difference) <= CYCLES_APART ? FID_WITHIN : FID_MISSED;
    case FID_B: case FID_GROWTHS: return difference == 0 ? FID_EXACT : FID_MISSED;
    case FID_NOVERFLOW: case FID_QUANTITIES: break; /* an estimate from random numbers */
  }
  return FID_UNKNOWN;
}

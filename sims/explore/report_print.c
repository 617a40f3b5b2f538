/* What follows from a report, and the report for a person. */
#include <math.h>
#include <stdarg.h>
#include <string.h>

#include "sims/explore/search.h"
#include "sims/explore/strategies.h"

/* ---- figures --------------------------------------------------------------------------------- */

void xp_estimate_read(const struct xp_estimate *e, long double *mean, long double *error) {
  long double n = (long double)e->walks;
  *mean = *error = 0;
  if (e->walks == 0) return;
  *mean = e->sum / n;
  if (e->walks < 2) return;
  long double variance = (e->sum_squares - n * *mean * *mean) / (n - 1);
  *error = variance > 0 ? sqrtl(variance / n) : 0;
}

double xp_unseen(const struct xp_report *r, uint32_t share) {
  const struct xp_classes *c = &r->classes;
  if (r->share[share].strategy->index != NULL || c->observed[share] == 0) return -1;
  return (double)c->once[share] / (double)c->observed[share];
}

void xp_pairs(const struct xp_report *r, uint64_t *both, uint64_t *any) {
  const struct xp_coverage *c = &r->coverage;
  *both = *any = 0;
  for (size_t i = 0; i < c->sites; i++) {
    for (size_t k = i; c->site[i] != 0 && k < c->sites; k++) {
      size_t there = i * c->sites + k, back = k * c->sites + i;
      uint32_t orders = (uint32_t)(c->pair[there / 64] >> there % 64 & 1) +
                        (uint32_t)(c->pair[back / 64] >> back % 64 & 1);
      *any += orders > 0;
      *both += orders == 2;
    }
  }
}

/* ---- the guarantee --------------------------------------------------------------------------- */

struct text {
  char *at;
  size_t bytes, length;
};

__attribute__((format(printf, 2, 3))) static void add(struct text *t, const char *format, ...) {
  va_list args;
  if (t->length + 1 >= t->bytes) return;
  va_start(args, format);
  int n = vsnprintf(t->at + t->length, t->bytes - t->length, format, args);
  va_end(args);
  t->length += n > 0 ? (size_t)n : 0;
}

static void add_scope(struct text *t, const struct xp_report *r, const char *strategy) {
  const char *comma = "";
  add(t, " (%s; sequentially consistent; points: ", strategy);
  for (uint32_t c = 0; c < PLAT_CLASS_COUNT; c++) {
    if (c != PLAT_CLASS_PROGRAM && (r->config.classes >> c & 1) == 0) continue;
    add(t, "%s%s", comma, plat_model_class_name((enum plat_model_class)c));
    comma = ", ";
  }
  add(t, ")");
}

static const struct xp_share *find_share(const struct xp_report *r, const struct xp_strategy *row) {
  for (uint32_t i = 0; i < r->share_count; i++)
    if (r->share[i].strategy == row) return &r->share[i];
  return NULL;
}

static uint64_t schedules_upto(const struct xp_share *s, uint32_t levels) {
  uint64_t sum = 0;
  for (uint32_t i = 0; i < levels && i < XP_LEVELS; i++) sum += s->claim.level_runs[i];
  return sum;
}

/* What is not known of schedules that were run. */
static void add_cut(struct text *t, const struct xp_share *s) {
  if (s->cut > 0) add(t, ", %llu were cut as too long", (unsigned long long)s->cut);
}

static bool guarantee_exhausted(struct text *t, const struct xp_report *r) {
  for (uint32_t i = 0; i < r->share_count; i++) {
    const struct xp_share *s = &r->share[i];
    if (!s->claim.is_exhausted) continue;
    bool is_dpor = s->strategy == &xp_strategy_dpor;
    add(t, "EXHAUSTED: all %llu %s of %s were run, %llu failed",
        (unsigned long long)s->runs, is_dpor ? "classes of schedules" : "schedules",
        r->config.scenario, (unsigned long long)s->failed);
    add_cut(t, s);
    if (s->claim.fallbacks > 0) add(t, ", yields taken as fair");
    add_scope(t, r, s->strategy->name);
    return true;
  }
  return false;
}

/* The levels before the one that failed were clean. */
static bool guarantee_bound(struct text *t, const struct xp_report *r) {
  const struct xp_share *s = find_share(r, &xp_strategy_bound);
  if (s == NULL || s->claim.levels == 0) return false;
  uint32_t levels = s->claim.levels;
  add(t, "BOUND: all %llu schedules of %s with at most %u preemption%s were run%s, ",
      (unsigned long long)schedules_upto(s, levels), r->config.scenario, (unsigned)(levels - 1),
      levels == 2 ? "" : "s",
      r->merged > 0 ? " or come to a state from which all were" : "");
  if (s->failed == 0) {
    add(t, "none failed");
  } else if (!r->config.keep_going) {
    add(t, "none failed, and one with %u did", (unsigned)levels);
  } else {
    add(t, "some failed");
  }
  add_cut(t, s);
  add_scope(t, r, s->strategy->name);
  return true;
}

/* Runs that meet every bug of depth d with the paper's chance: those of depth d or more. */
static uint64_t runs_of_depth(const struct xp_share *s, uint32_t d) {
  uint64_t sum = 0;
  for (uint32_t i = d; i < (uint32_t)XP_DEPTH_MAX + 1; i++)
    sum += s->depth_runs[i];
  return sum;
}

static double runs_needed(const struct xp_report *r, uint32_t d) {
  return log(100) * r->profile.threads * pow((double)r->profile.decisions, d - 1.0);
}

static bool guarantee_pct(struct text *t, const struct xp_report *r) {
  const struct xp_share *s = find_share(r, &xp_strategy_pct);
  uint32_t depth = 0;
  while (s != NULL && depth < XP_DEPTH_MAX &&
         (double)runs_of_depth(s, depth + 1) >= runs_needed(r, depth + 1))
    depth++;
  if (depth == 0) return false;
  add(t, "PROBABILITY: any bug of %s of depth %u or less is missed with p <= 0.01 "
         "(n = %u, k = %llu, N = %llu of %.0f needed)",
      r->config.scenario, (unsigned)depth, (unsigned)r->profile.threads,
      (unsigned long long)r->profile.decisions, (unsigned long long)runs_of_depth(s, depth),
      ceil(runs_needed(r, depth)));
  add_scope(t, r, s->strategy->name);
  return true;
}

/* With a chance p a run, N runs miss it with (1 - p)^N. */
static void guarantee_sample(struct text *t, const struct xp_report *r) {
  const struct xp_share *best = NULL;
  for (uint32_t i = 0; i < r->share_count; i++)
    if (r->share[i].strategy->index == NULL && (best == NULL || r->share[i].runs > best->runs))
      best = &r->share[i];
  if (best == NULL || best->runs == 0) {
    add(t, "PROBABILITY: nothing can be said about %s: the search did not come far enough",
        r->config.scenario);
    add_scope(t, r, r->config.strategy);
    return;
  }
  add(t, "PROBABILITY: a failure of %s that a %s schedule meets with a chance of %.2g or more is "
         "missed with p <= 0.01 (N = %llu)",
      r->config.scenario, best->strategy->name, 1 - pow(0.01, 1 / (double)best->runs),
      (unsigned long long)best->runs);
  add_scope(t, r, best->strategy->name);
}

void xp_guarantee(const struct xp_report *r, char *text, size_t bytes) {
  struct text t = {text, bytes, 0};
  if (bytes > 0) text[0] = '\0';
  if (r->divergence.is_found) {
    add(&t, "PROBABILITY: nothing can be said about %s: it is not deterministic",
        r->config.scenario);
    add_scope(&t, r, r->config.strategy);
  } else if (!guarantee_exhausted(&t, r) && !guarantee_bound(&t, r) && !guarantee_pct(&t, r)) {
    guarantee_sample(&t, r);
  }
}

/* ---- printing -------------------------------------------------------------------------------- */

static const char *why_text(enum xp_why why) {
  static const char *const texts[] = {
      [XP_WHY_EXHAUSTED] = "nothing was left to explore",
      [XP_WHY_FAILURE] = "a schedule failed",
      [XP_WHY_SCHEDULES] = "the number of schedules asked for",
      [XP_WHY_TIME] = "the time asked for",
      [XP_WHY_STOPPED] = "stopped",
      [XP_WHY_LIMIT] = "another job found an earlier failure",
      [XP_WHY_NONDETERMINISM] = "nondeterminism",
  };
  return texts[why];
}

static void print_histogram(const char *name, const struct hist *h, FILE *out) {
  if (h->count == 0) return;
  fprintf(out, "%-12s min %llu  median %llu  max %llu\n", name, (unsigned long long)h->min,
          (unsigned long long)hist_quantile(h, 0.5), (unsigned long long)h->max);
}

static void print_shares(const struct xp_report *r, FILE *out) {
  for (uint32_t i = 0; i < r->share_count; i++) {
    const struct xp_share *s = &r->share[i];
    double unseen = xp_unseen(r, i);
    fprintf(out, "  %-10s %llu schedules, %llu failed", s->strategy->name,
            (unsigned long long)s->runs, (unsigned long long)s->failed);
    if (r->classes.observed[i] > 0)
      fprintf(out, ", %llu classes%s", (unsigned long long)r->classes.distinct[i],
              r->classes.is_full ? " or more (the table is full)" : "");
    if (unseen >= 0)
      fprintf(out, "; one more %s schedule is of an unseen class with p ~ %.2g", s->strategy->name,
              unseen);
    fprintf(out, "\n");
  }
}

static void print_coverage(const struct xp_report *r, FILE *out) {
  uint64_t sites = 0, both, any;
  for (uint32_t i = 0; i < r->coverage.sites; i++) sites += r->coverage.site[i];
  xp_pairs(r, &both, &any);
  fprintf(out, "%-12s %llu sites; conflicting pairs in both orders %llu of %llu\n", "covered",
          (unsigned long long)sites, (unsigned long long)both, (unsigned long long)any);
}

static void print_phases(const struct xp_report *r, FILE *out) {
  if (r->config.phase == NULL) return;
  fprintf(out, "%-12s", "operations");
  for (uint32_t p = 0; p < r->config.phase_count; p++)
    fprintf(out, " %12s", r->config.phase_names[p]);
  fprintf(out, "\n");
  for (uint32_t k = 0; k < PLAT_OP_COUNT; k++) {
    uint64_t sum = 0;
    for (uint32_t p = 0; p < XP_PHASES; p++) sum += r->coverage.phase_op[p][k];
    if (sum == 0) continue;
    fprintf(out, "  %-10s", plat_model_op_name((enum plat_op)k));
    for (uint32_t p = 0; p < r->config.phase_count; p++)
      fprintf(out, " %12llu", (unsigned long long)r->coverage.phase_op[p][k]);
    fprintf(out, "\n");
  }
}

static void print_divergence(const struct xp_report *r, FILE *out) {
  const struct xp_divergence *d = &r->divergence;
  uint32_t site = d->site_first < r->coverage.sites ? d->site_first : d->site_second;
  if (!d->is_found) return;
  fprintf(out, "nondeterminism at step %llu", (unsigned long long)d->step);
  if (site < r->coverage.sites) {
    const struct plat_site *s = plat_model_site_at(site);
    fprintf(out, ", site %s at %s:%u", s->what, s->file, (unsigned)s->line);
  }
  fprintf(out, ": run %llu was not the same when it was run again\n", (unsigned long long)d->run);
}

void xp_report_print(const struct xp_report *r, FILE *out) {
  char text[1024];
  long double mean, error;
  double seconds = (double)r->elapsed_ns / 1e9;
  print_divergence(r, out);
  fprintf(out, "%-12s %llu: %llu complete (%llu of them merged), %llu failed, %llu cut as too "
               "long, %llu blocked; ended by: %s\n",
          "schedules", (unsigned long long)r->runs, (unsigned long long)r->complete,
          (unsigned long long)r->merged,
          (unsigned long long)r->failed, (unsigned long long)r->cut,
          (unsigned long long)r->blocked, why_text(r->why));
  print_shares(r, out);
  xp_estimate_read(&r->estimate, &mean, &error);
  if (r->estimate.walks > 0)
    fprintf(out, "%-12s %.2Lg schedules in all, standard error %.2Lg, from %llu walks\n",
            "estimate", mean, error, (unsigned long long)r->estimate.walks);
  print_histogram("preemptions", &r->preemptions, out);
  print_histogram("threads", &r->threads, out);
  print_histogram("steps", &r->length, out);
  print_coverage(r, out);
  print_phases(r, out);
  fprintf(out, "%-12s %.3f s, %.0f schedules/s, %.1f million points/s\n", "speed", seconds,
          (double)(r->runs - r->merged + r->replayed) / seconds, (double)r->points / seconds / 1e6);
  xp_guarantee(r, text, sizeof text);
  fprintf(out, "%s\n", text);
}

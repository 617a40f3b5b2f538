#include "sims/explore/document.h"

#include <string.h>

#include "runtime/hist.h"
#include "sims/choices.h"
#include "sims/explore/strategies.h"
#include "sims/protocol.h"

/* Schema fields, in this order; see sims/cli_explore.c for how they are shown.
 *   schedules.complete   schedules run to their end that are told apart by the strategy
 *   schedules.noticed    of these, ended by a map that noticed a misuse it allows (allow_races)
 *   schedules.missed     of these, broken by a misuse that a map allows and did not notice
 *   schedules.merged     of the complete: not run, for they go on as others do that had come to the
 *                        same state (bound)
 *   schedules.blocked    given up as equivalent to another one (dpor)
 *   schedules.cut        ended by the most steps a run may take
 *   variants             combinations of data choices: total; different, but for names; done, of
 *                        these
 *   classes.distinct     happens-before classes met; a lower bound when saturated
 *   unseen[].mass        Good-Turing: chance that one more schedule of that strategy is of a new
 *                        class; null: too few
 *   estimate             Knuth: number of schedules, from random walks
 *   sites.pairs_both     pairs of places in the source that conflicted in both orders, of `pairs`
 *   guarantee.preemptions  BOUND: all schedules with at most so many were run
 *   rate                 per second of the wall clock, all jobs together
 *   jobs_lost            jobs that died: their schedules are missing
 *   replay               of a replay: is_of_this_build, directives, moved, note (which have moved),
 *                        is_as_recorded (it ended as the file says; null: a token says nothing),
 *                        recorded (how that was), differs_at_point (in the build of the file: where
 *                        it was not the recorded run; null: nowhere)
 */

static void add(cJSON *to, const char *name, uint64_t value) {
  cJSON_AddNumberToObject(to, name, (double)value);
}

static void add_points(cJSON *doc, uint32_t classes) {
  cJSON *list = cJSON_AddArrayToObject(doc, "points");
  for (uint32_t c = 0; c < PLAT_CLASS_COUNT; c++) {
    if (c != PLAT_CLASS_PROGRAM && (classes >> c & 1) != 0)
      cJSON_AddItemToArray(list, cJSON_CreateString(plat_model_class_name(c)));
  }
}

static void add_counts(cJSON *doc, const struct xp_report *r) {
  cJSON *schedules = cJSON_AddObjectToObject(doc, "schedules");
  add(schedules, "complete", r->complete);
  add(schedules, "noticed", r->noticed);
  add(schedules, "missed", r->missed);
  add(schedules, "merged", r->merged);
  add(schedules, "blocked", r->blocked);
  add(schedules, "cut", r->cut);
  add(schedules, "failed", r->failed);
  cJSON *classes = cJSON_AddObjectToObject(doc, "classes");
  add(classes, "distinct", r->classes.table.count);
  cJSON_AddBoolToObject(classes, "saturated", r->classes.is_full);
}

static void add_unseen(cJSON *doc, const struct xp_report *r) {
  cJSON *list = cJSON_AddArrayToObject(doc, "unseen");
  for (uint32_t i = 0; i < r->share_count; i++) {
    const struct xp_share *share = &r->share[i];
    if (share->strategy == NULL || share->runs == 0) continue;
    double mass = xp_unseen(r, i);
    cJSON *row = cJSON_CreateObject();
    cJSON_AddStringToObject(row, "strategy", share->strategy->name);
    add(row, "schedules", share->runs);
    add(row, "singletons", r->classes.once[i]);
    cJSON_AddItemToObject(row, "mass", mass < 0 ? cJSON_CreateNull() : cJSON_CreateNumber(mass));
    cJSON_AddItemToArray(list, row);
  }
}

static void add_estimate(cJSON *doc, const struct xp_report *r) {
  long double mean, error;
  if (r->estimate.walks == 0) {
    cJSON_AddNullToObject(doc, "estimate");
    return;
  }
  xp_estimate_read(&r->estimate, &mean, &error);
  cJSON *estimate = cJSON_AddObjectToObject(doc, "estimate");
  cJSON_AddNumberToObject(estimate, "schedules", (double)mean);
  cJSON_AddNumberToObject(estimate, "standard_error", (double)error);
}

static void add_coverage(cJSON *doc, const struct xp_report *r) {
  const struct xp_coverage *c = &r->coverage;
  uint64_t both, any, seen = 0;
  xp_pairs(r, &both, &any);
  for (uint32_t i = 0; i < c->sites; i++) seen += c->site != NULL && c->site[i] != 0;
  cJSON *sites = cJSON_AddObjectToObject(doc, "sites");
  add(sites, "seen", seen);
  add(sites, "total", c->sites);
  add(sites, "pairs_both", both);
  add(sites, "pairs", any);
  cJSON *phases = cJSON_AddArrayToObject(doc, "phases");
  for (uint32_t p = 0; p < r->config.phase_count; p++) {
    for (uint32_t k = 0; k < PLAT_OP_COUNT; k++) {
      if (c->phase_op[p][k] == 0) continue;
      cJSON *row = cJSON_CreateObject();
      cJSON_AddStringToObject(row, "phase", r->config.phase_names[p]);
      cJSON_AddStringToObject(row, "operation", plat_model_op_name(k));
      add(row, "count", c->phase_op[p][k]);
      cJSON_AddItemToArray(phases, row);
    }
  }
}

static void add_histogram(cJSON *to, const char *name, const struct hist *h) {
  double row[] = {(double)hist_quantile(h, 0.0), (double)hist_quantile(h, 0.5),
                  (double)hist_quantile(h, 1.0)};
  cJSON_AddItemToObject(to, name, cJSON_CreateDoubleArray(row, 3));
}

static double per_second(uint64_t count, uint64_t ns) {
  return ns == 0 ? 0 : (double)count * 1e9 / (double)ns;
}

static void add_rates(cJSON *doc, const struct xp_report *r, uint32_t jobs) {
  cJSON *histograms = cJSON_AddObjectToObject(doc, "histograms");
  add_histogram(histograms, "preemptions", &r->preemptions);
  add_histogram(histograms, "threads", &r->threads);
  add_histogram(histograms, "steps", &r->length);
  cJSON *rate = cJSON_AddObjectToObject(doc, "rate");
  uint64_t runs = r->runs - r->merged + r->replayed + r->blocked;
  cJSON_AddNumberToObject(rate, "schedules_per_s", per_second(runs, r->elapsed_ns));
  cJSON_AddNumberToObject(rate, "points_per_s", per_second(r->points, r->elapsed_ns));
  add(doc, "elapsed_ns", r->elapsed_ns);
  add(doc, "jobs", jobs);
  add(doc, "jobs_lost", r->lost_parts);
}

/* Numbers of preemptions, from 0, up to which all schedules were run. */
static uint32_t bound_levels(const struct xp_report *r) {
  for (uint32_t i = 0; i < r->share_count; i++)
    if (r->share[i].strategy == &xp_strategy_bound) return r->share[i].claim.levels;
  return 0;
}

/* What is said holds for the variants that were searched. */
static void add_variants(char *text, size_t bytes, const struct xp_about *about) {
  size_t length = strlen(text);
  if (about->variants < 2 || length >= bytes) return;
  int n = snprintf(text + length, bytes - length, "; of %llu of %llu data choices",
                   (unsigned long long)about->variants_done, (unsigned long long)about->different);
  if (n < 0 || length + (size_t)n >= bytes || about->different == about->variants) return;
  length += (size_t)n;
  snprintf(text + length, bytes - length, ", which are all %llu up to names",
           (unsigned long long)about->variants);
}

static void add_guarantee(cJSON *doc, const struct xp_report *r, const struct xp_about *about) {
  static const char *const kinds[] = {"EXHAUSTED", "BOUND", "PROBABILITY"};
  char text[1024];
  const char *kind = "NONE";
  xp_guarantee(r, text, sizeof text);
  add_variants(text, sizeof text, about);
  for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
    if (strncmp(text, kinds[i], strlen(kinds[i])) == 0) kind = kinds[i];
  cJSON *guarantee = cJSON_AddObjectToObject(doc, "guarantee");
  cJSON_AddStringToObject(guarantee, "kind", kind);
  cJSON_AddStringToObject(guarantee, "text", text);
  bool is_bound = strcmp(kind, "BOUND") == 0;
  if (is_bound) add(guarantee, "preemptions", bound_levels(r) - 1);
}

cJSON *xp_document(const struct xp_report *r, const struct xp_about *about) {
  const struct scenario *sc = about->scenario;
  cJSON *doc = cJSON_CreateObject();
  cJSON_AddStringToObject(doc, "schema", TRICOLOR_EXPLORE_SCHEMA);
  cJSON_AddStringToObject(doc, "scenario", sc->name);
  add(doc, "seed", sc->seed);
  cJSON_AddStringToObject(doc, "strategy", sc->strategy);
  add_points(doc, r->config.classes);
  cJSON *variants = cJSON_AddObjectToObject(doc, "variants");
  add(variants, "total", about->variants);
  add(variants, "different", about->different);
  add(variants, "done", about->variants_done);
  add_counts(doc, r);
  add_unseen(doc, r);
  add_estimate(doc, r);
  add_coverage(doc, r);
  add_rates(doc, r, sc->explore_jobs);
  cJSON_AddBoolToObject(doc, "interrupted", about->is_interrupted);
  add_guarantee(doc, r, about);
  cJSON *violation = about->violation != NULL ? about->violation : cJSON_CreateNull();
  cJSON_AddItemToObject(doc, "violation", violation);
  if (about->replay != NULL) cJSON_AddItemToObject(doc, "replay", about->replay);
  return doc;
}

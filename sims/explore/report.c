/* Reports of several jobs put together, and carried between processes. */
#include <stdlib.h>
#include <string.h>

#include "runtime/check.h"
#include "sims/explore/observe.h"
#include "sims/explore/search.h"
#include "sims/memory.h"

void xp_report_free(struct xp_report *r) {
  xp_classes_free(&r->classes);
  xp_coverage_free(&r->coverage);
  xp_run_free(&r->failure.schedule);
}

/* ---- merging --------------------------------------------------------------------------------- */

static void merge_claim(struct xp_claim *into, const struct xp_claim *from) {
  /* Who is exhausted has every level there is. */
  if (into->is_exhausted || (!from->is_exhausted && from->levels < into->levels))
    into->levels = from->levels;
  into->is_exhausted = into->is_exhausted && from->is_exhausted;
  for (uint32_t i = 0; i < XP_LEVELS; i++) into->level_runs[i] += from->level_runs[i];
  into->blocked += from->blocked;
  into->fallbacks += from->fallbacks;
}

static void merge_share(struct xp_share *into, const struct xp_share *from) {
  into->runs += from->runs;
  into->failed += from->failed;
  into->cut += from->cut;
  for (uint32_t i = 0; i <= XP_DEPTH_MAX; i++)
    into->depth_runs[i] += from->depth_runs[i];
  merge_claim(&into->claim, &from->claim);
}

static void copy_schedule(struct xp_run *to, const struct xp_run *from) {
  *to = *from;
  to->decision_room = from->decision_count;
  to->decisions = sim_alloc((from->decision_count + 1u) * sizeof *to->decisions);
  if (from->decision_count > 0)
    memcpy(to->decisions, from->decisions, from->decision_count * sizeof *to->decisions);
}

/* share: its number in the report of `into`. */
static void merge_failure(struct xp_failure *into, const struct xp_failure *from,
                          uint32_t share) {
  if (!from->is_found || (into->is_found && into->index <= from->index)) return;
  xp_run_free(&into->schedule);
  *into = *from;
  into->share = share;
  copy_schedule(&into->schedule, &from->schedule);
}

/* Both jobs had nothing left: so has the search. Else a failure says more than where the search
 * was cut, and an end by the other job's failure is an end by failure. */
static enum xp_why merge_why(enum xp_why a, enum xp_why b) {
  static const enum xp_why order[] = {XP_WHY_NONDETERMINISM, XP_WHY_FAILURE, XP_WHY_LIMIT,
                                      XP_WHY_STOPPED,        XP_WHY_TIME,    XP_WHY_SCHEDULES};
  for (uint32_t i = 0; i < sizeof order / sizeof order[0]; i++)
    if (a == order[i] || b == order[i]) return order[i];
  return XP_WHY_EXHAUSTED;
}

static void claim_nothing(struct xp_share *s) {
  s->claim.is_exhausted = false;
  s->claim.levels = 0;
}

/* By strategy: a job may have come to fewer stages than the other, and other data choices have
 * other stages. Fills in the number in `into` of each of from's shares. */
static void merge_shares(struct xp_report *into, const struct xp_report *from, uint32_t *to) {
  bool is_in_both[XP_SHARES] = {false};
  uint32_t before = into->share_count;
  for (uint32_t i = 0; i < from->share_count; i++) {
    uint32_t k = 0;
    while (k < into->share_count && into->share[k].strategy != from->share[i].strategy) k++;
    to[i] = k;
    if (k < before) {
      merge_share(&into->share[k], &from->share[i]);
      is_in_both[k] = true;
    } else {
      rt_assert(k < XP_SHARES);
      into->share[k] = from->share[i];
      claim_nothing(&into->share[k]);
      into->share_count++;
    }
  }
  for (uint32_t k = 0; k < before; k++)
    if (!is_in_both[k]) claim_nothing(&into->share[k]);
}

void xp_report_merge(struct xp_report *into, const struct xp_report *from) {
  uint32_t to[XP_SHARES] = {0};
  into->why = merge_why(into->why, from->why);
  into->runs += from->runs;
  into->merged += from->merged;
  into->complete += from->complete;
  into->noticed += from->noticed;
  into->missed += from->missed;
  into->blocked += from->blocked;
  into->cut += from->cut;
  into->failed += from->failed;
  into->replayed += from->replayed;
  into->points += from->points;
  into->steps += from->steps;
  into->lost_parts += from->lost_parts;
  if (from->elapsed_ns > into->elapsed_ns) into->elapsed_ns = from->elapsed_ns;
  hist_merge(&into->preemptions, &from->preemptions);
  hist_merge(&into->threads, &from->threads);
  hist_merge(&into->length, &from->length);
  merge_shares(into, from, to);
  xp_classes_merge(&into->classes, &from->classes, to, from->share_count);
  xp_coverage_merge(&into->coverage, &from->coverage);
  merge_failure(&into->failure, &from->failure, to[from->failure.share]);
  if (!into->divergence.is_found) into->divergence = from->divergence;
}

void xp_report_lose_part(struct xp_report *r) {
  r->lost_parts++;
  if (r->why == XP_WHY_EXHAUSTED) r->why = XP_WHY_STOPPED;
  for (uint32_t i = 0; i < r->share_count; i++) {
    r->share[i].claim.is_exhausted = false;
    r->share[i].claim.levels = 0;
  }
}

/* ---- between processes ----------------------------------------------------------------------- */

/* The parts of a report that lie elsewhere. */
struct part {
  void **at;
  size_t bytes;
};

enum { PARTS = 4 };

static void find_parts(struct xp_report *r, struct part *out) {
  size_t sites = r->coverage.sites;
  out[0] = (struct part){(void **)&r->classes.table.entries,
                         r->classes.table.room * sizeof(struct xp_class)};
  out[1] = (struct part){(void **)&r->coverage.site, sites};
  out[2] = (struct part){(void **)&r->coverage.pair,
                         (sites * sites + 63) / 64 * sizeof *r->coverage.pair};
  out[3] = (struct part){(void **)&r->failure.schedule.decisions,
                         r->failure.schedule.decision_count *
                             sizeof *r->failure.schedule.decisions};
}

bool xp_report_write(const struct xp_report *r, FILE *out) {
  struct xp_report copy = *r;
  struct part part[PARTS];
  find_parts(&copy, part);
  bool ok = fwrite(r, sizeof *r, 1, out) == 1;
  for (uint32_t i = 0; i < PARTS; i++)
    ok = ok && (part[i].bytes == 0 || fwrite(*part[i].at, part[i].bytes, 1, out) == 1);
  return ok && fflush(out) == 0;
}

bool xp_report_read(struct xp_report *r, FILE *in) {
  struct part part[PARTS];
  bool ok = fread(r, sizeof *r, 1, in) == 1;
  if (!ok) memset(r, 0, sizeof *r);
  find_parts(r, part);
  r->failure.schedule.decision_room = r->failure.schedule.decision_count;
  for (uint32_t i = 0; i < PARTS; i++) {
    *part[i].at = sim_alloc(part[i].bytes + 1);
    ok = ok && (part[i].bytes == 0 || fread(*part[i].at, part[i].bytes, 1, in) == 1);
  }
  return ok;
}

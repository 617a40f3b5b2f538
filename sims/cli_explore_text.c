/* What a search did and what may be said after it, for people. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sims/cli_explore.h"
#include "sims/cli_metric.h"
#include "sims/memory.h"
#include "sims/table.h"

enum { LABEL_WIDTH = 14, PHASES_SHOWN = 12 };

static const char *text_at(const cJSON *object, const char *key) {
  const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, key));
  return text != NULL ? text : "";
}

/* The number at path as text, "-" when there is none; out holds SIM_TEXT_MAX bytes. */
static const char *value(const cJSON *doc, const char *path, enum sim_unit unit, char *out) {
  double number = 0;
  if (!sim_metric_number(doc, path, &number)) return "-";
  return sim_format(unit, number, out);
}

/* The same, rounded: a rate has no fractions worth a look. */
static const char *rate(const cJSON *doc, const char *path, char *out) {
  double number = 0;
  if (!sim_metric_number(doc, path, &number)) return "-";
  return sim_format(SIM_UNIT_COUNT, number < 10 ? number : floor(number + 0.5), out);
}

static void label(FILE *f, const char *text) { fprintf(f, "%-*s", LABEL_WIDTH, text); }

static void print_title(const struct scenario *s, const char *how, FILE *f, bool color) {
  char name[SC_NAME_MAX], strategy[SIM_TEXT_MAX];
  fprintf(f, "%s%s%s: %s, seed %llu\n", sim_style_begin(SIM_BOLD, color),
          sim_text_clean(s->name, name, sizeof name), sim_style_end(SIM_BOLD, color),
          sim_text_clean(how, strategy, sizeof strategy),
          (unsigned long long)s->seed);
  if (s->description[0] != '\0') sim_print_wrapped(f, s->description);
  fputc('\n', f);
}

/* Of a map that several goroutines use without a lock: how it went. */
static void print_misuse(const cJSON *r, FILE *f) {
  char n[SIM_TEXT_MAX];
  double noticed = 0, missed = 0;
  sim_metric_number(r, "schedules.noticed", &noticed);
  sim_metric_number(r, "schedules.missed", &missed);
  if (noticed == 0 && missed == 0) return;
  fprintf(f, " (%s stopped by a map that noticed misuse", sim_format(SIM_UNIT_COUNT, noticed, n));
  if (missed > 0)
    fprintf(f, "; %s in which it missed it, and broke", sim_format(SIM_UNIT_COUNT, missed, n));
  fputc(')', f);
}

static void print_variants(const cJSON *r, FILE *f) {
  char n[SIM_TEXT_MAX];
  double total = 0, different = 0;
  if (!sim_metric_number(r, "variants.total", &total) || total < 2) return;
  if (!sim_metric_number(r, "variants.different", &different)) different = total;
  fprintf(f, "; %s of", value(r, "variants.done", SIM_UNIT_COUNT, n));
  fprintf(f, " %s data choices", sim_format(SIM_UNIT_COUNT, different, n));
  if (different < total) fprintf(f, ", all %s up to names", sim_format(SIM_UNIT_COUNT, total, n));
}

static void print_schedules(const cJSON *r, FILE *f) {
  char n[SIM_TEXT_MAX];
  double cut = 0, blocked = 0, merged = 0;
  label(f, "Schedules");
  fprintf(f, "%s complete", value(r, "schedules.complete", SIM_UNIT_COUNT, n));
  if (sim_metric_number(r, "schedules.merged", &merged) && merged > 0)
    fprintf(f, " (%s merged)", sim_format(SIM_UNIT_COUNT, merged, n));
  print_misuse(r, f);
  sim_metric_number(r, "schedules.blocked", &blocked);
  sim_metric_number(r, "schedules.cut", &cut);
  fprintf(f, ", %s blocked", sim_format(SIM_UNIT_COUNT, blocked, n));
  fprintf(f, ", %s cut", sim_format(SIM_UNIT_COUNT, cut, n));
  fprintf(f, ", %s failed", value(r, "schedules.failed", SIM_UNIT_COUNT, n));
  print_variants(r, f);
  fputc('\n', f);
}

static void print_classes(const cJSON *r, FILE *f) {
  char n[SIM_TEXT_MAX];
  double distinct = 0;
  if (!sim_metric_number(r, "classes.distinct", &distinct)) return;
  bool is_full = cJSON_IsTrue(sim_metric_find(r, "classes.saturated"));
  label(f, "Behaviours");
  fprintf(f, "%s%s distinct (equal up to the order of independent operations)\n",
          is_full ? "at least " : "", sim_format(SIM_UNIT_COUNT, distinct, n));
}

/* Good and Turing's estimate speaks about what that strategy can reach, not about the program. */
static void print_unseen(const cJSON *r, FILE *f) {
  const cJSON *row = NULL;
  bool is_first = true;
  cJSON_ArrayForEach(row, cJSON_GetObjectItemCaseSensitive(r, "unseen")) {
    char name[SIM_TEXT_MAX], n[SIM_TEXT_MAX], once[SIM_TEXT_MAX];
    double mass = 0;
    if (!sim_metric_number(row, "mass", &mass)) continue;
    label(f, is_first ? "Unseen" : "");
    fprintf(f, "%.2g of what %s draws (%s schedules, %s behaviours seen once)\n", mass,
            sim_text_clean(text_at(row, "strategy"), name, sizeof name),
            value(row, "schedules", SIM_UNIT_COUNT, n),
            value(row, "singletons", SIM_UNIT_COUNT, once));
    is_first = false;
  }
}

static void print_estimate(const cJSON *r, FILE *f) {
  double schedules = 0, error = 0;
  char n[SIM_TEXT_MAX];
  if (!sim_metric_number(r, "estimate.schedules", &schedules)) return;
  label(f, "In all");
  if (schedules < 1e7) {
    fprintf(f, "about %s schedules", sim_format(SIM_UNIT_COUNT, floor(schedules + 0.5), n));
  } else {
    fprintf(f, "about %.2g schedules", schedules);
  }
  if (sim_metric_number(r, "estimate.standard_error", &error) && schedules > 0) {
    fprintf(f, ", standard error %.2g %%", error / schedules * 100);
  }
  fprintf(f, " (Knuth's estimate)\n");
}

static void print_sites(const cJSON *r, FILE *f) {
  char a[SIM_TEXT_MAX], b[SIM_TEXT_MAX], c[SIM_TEXT_MAX], d[SIM_TEXT_MAX];
  double seen = 0;
  if (!sim_metric_number(r, "sites.seen", &seen)) return;
  label(f, "Coverage");
  fprintf(f, "%s of %s operations in the source; %s of %s racing pairs in both orders\n",
          sim_format(SIM_UNIT_COUNT, seen, a), value(r, "sites.total", SIM_UNIT_COUNT, b),
          value(r, "sites.pairs_both", SIM_UNIT_COUNT, c),
          value(r, "sites.pairs", SIM_UNIT_COUNT, d));
}

static void print_phases(const cJSON *r, FILE *f) {
  const cJSON *phases = cJSON_GetObjectItemCaseSensitive(r, "phases"), *row = NULL;
  uint32_t shown = 0, count = (uint32_t)cJSON_GetArraySize(phases);
  char last[SIM_TEXT_MAX] = "";
  cJSON_ArrayForEach(row, phases) {
    char phase[SIM_TEXT_MAX], operation[SIM_TEXT_MAX], n[SIM_TEXT_MAX];
    if (shown == PHASES_SHOWN) break;
    sim_text_clean(text_at(row, "phase"), phase, sizeof phase);
    sim_text_clean(text_at(row, "operation"), operation, sizeof operation);
    bool is_same = strcmp(phase, last) == 0;
    if (!is_same && shown > 0) fputc('\n', f);
    if (!is_same) label(f, shown == 0 ? "Collector" : "");
    if (!is_same) fprintf(f, "%s: ", phase);
    fprintf(f, "%s%s %s", is_same ? ", " : "", operation, value(row, "count", SIM_UNIT_COUNT, n));
    snprintf(last, sizeof last, "%s", phase);
    shown++;
  }
  if (shown > 0 && shown < count) fprintf(f, ", and %u more (--json)", count - shown);
  if (shown > 0) fputc('\n', f);
}

static void print_histograms(const cJSON *r, FILE *f) {
  static const struct { const char *key, *noun; } rows[] = {
    {"preemptions", "preemptions"}, {"threads", "threads"}, {"steps", "steps"},
  };
  bool any = false;
  for (uint32_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    char low[SIM_TEXT_MAX], mid[SIM_TEXT_MAX], high[SIM_TEXT_MAX];
    const cJSON *h = cJSON_GetObjectItemCaseSensitive(
      cJSON_GetObjectItemCaseSensitive(r, "histograms"), rows[i].key);
    if (cJSON_GetArraySize(h) != 3) continue;
    if (!any) label(f, "A schedule");
    fprintf(f, "%s%s %s [%s..%s]", any ? ", " : "", value(h, "1", SIM_UNIT_COUNT, mid),
            rows[i].noun, value(h, "0", SIM_UNIT_COUNT, low), value(h, "2", SIM_UNIT_COUNT, high));
    any = true;
  }
  if (any) fprintf(f, " (median [least..most])\n");
}

static void print_rate(const cJSON *r, FILE *f) {
  char time[SIM_TEXT_MAX], schedules[SIM_TEXT_MAX], points[SIM_TEXT_MAX];
  double jobs = 1, elapsed = 0, lost = 0;
  if (!sim_metric_number(r, "elapsed_ns", &elapsed)) return;
  sim_metric_number(r, "jobs", &jobs);
  label(f, "Speed");
  fprintf(f, "%s schedules/s, %s points/s, %s in all",
          rate(r, "rate.schedules_per_s", schedules), rate(r, "rate.points_per_s", points),
          sim_format(SIM_UNIT_NS, elapsed, time));
  if (jobs > 1) fprintf(f, ", %.0f jobs", jobs);
  if (sim_metric_number(r, "jobs_lost", &lost) && lost > 0)
    fprintf(f, ", of which %.0f died: what they did is missing", lost);
  fputc('\n', f);
}

/* What follows a label, wrapped and indented under itself. */
static void print_wrapped(FILE *f, const char *text) {
  uint32_t column = LABEL_WIDTH;
  while (*text != '\0') {
    text += strspn(text, " \t\n");
    size_t length = strcspn(text, " \t\n");
    char *word = sim_printf("%.*s", (int)length, text);
    uint32_t width = sim_text_width(sim_text_clean(word, word, length + 1));
    bool is_full = column > LABEL_WIDTH && column + 1 + width > 100;
    if (is_full) fprintf(f, "\n%*s", LABEL_WIDTH, "");
    if (is_full) column = LABEL_WIDTH;
    if (column > LABEL_WIDTH) fputc(' ', f);
    column += width + (column > LABEL_WIDTH ? 1 : 0);
    fputs(word, f);
    text += length;
    free(word);
  }
  fputc('\n', f);
}

/* All there is of a search whose engine died. */
static bool is_partial(const cJSON *r) {
  return cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(r, "partial"));
}

static void print_guarantee(const cJSON *r, FILE *f, bool color) {
  const char *kind = text_at(cJSON_GetObjectItemCaseSensitive(r, "guarantee"), "kind");
  const char *text = text_at(cJSON_GetObjectItemCaseSensitive(r, "guarantee"), "text");
  if (kind[0] == '\0') return;
  bool is_strong = strcmp(kind, "NONE") != 0;
  label(f, "Guarantee");
  bool is_named = strncmp(text, kind, strlen(kind)) == 0; /* the text may say its kind itself */
  char *line = is_named ? sim_strdup(text) : sim_printf("%s: %s", kind, text);
  fputs(sim_style_begin(is_strong ? SIM_GOOD : SIM_PLAIN, color), f);
  print_wrapped(f, line);
  fputs(sim_style_end(is_strong ? SIM_GOOD : SIM_PLAIN, color), f);
  free(line);
}

static void print_verdict(const struct scenario *s, const cJSON *r, FILE *f, bool color) {
  enum sim_search_verdict v = sim_search_judge(s, r);
  enum sim_style style = sim_search_fine(v) ? SIM_GOOD : SIM_BAD;
  char text[256];
  sim_text_clean(s->expect_violation, text, sizeof text);
  label(f, "Verdict");
  fputs(sim_style_begin(style, color), f);
  switch (v) {
    case SIM_SEARCH_CLEAN: fprintf(f, "no violation found"); break;
    case SIM_SEARCH_FOUND: fprintf(f, "the expected violation was found (\"%s\")", text); break;
    case SIM_SEARCH_MISSING:
      fprintf(f, "the scenario expects a violation with \"%s\"; none was found", text);
      break;
    case SIM_SEARCH_OTHER:
      fprintf(f, "a violation was found, ");
      if (text[0] == '\0') fprintf(f, "and none is expected");
      if (text[0] != '\0') fprintf(f, "but not the expected one (\"%s\")", text);
      break;
  }
  if (cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(r, "interrupted"))) {
    fprintf(f, " before the search was interrupted");
  }
  if (is_partial(r)) fprintf(f, "; the engine died before it was done, and had told this");
  fprintf(f, "%s\n", sim_style_end(style, color));
}

/* How a schedule fitted, where there is something to say. */
static void print_replay(const cJSON *r, FILE *f) {
  const cJSON *replay = cJSON_GetObjectItemCaseSensitive(r, "replay");
  bool is_of_this_build = cJSON_IsTrue(sim_metric_find(replay, "is_of_this_build"));
  double moved = 0, directives = 0, point = 0;
  char *line = NULL;
  if (!cJSON_IsObject(replay)) return;
  sim_metric_number(replay, "moved", &moved);
  sim_metric_number(replay, "directives", &directives);
  if (moved > 0) {
    line = sim_printf("%.0f of %.0f directives found elsewhere: %s", moved, directives,
                      text_at(replay, "note"));
  } else if (!is_of_this_build) {
    line = sim_strdup("it is of another build, and fits this one as it is");
  } else if (sim_metric_number(replay, "differs_at_point", &point)) {
    line = sim_printf("not the recorded run: it differs within 16 points of point %.0f, in the "
                      "same build. The program is not deterministic.", point);
  }
  if (line != NULL) label(f, "Schedule");
  if (line != NULL) print_wrapped(f, sim_text_clean(line, line, strlen(line) + 1));
  free(line);
  if (!cJSON_IsFalse(sim_metric_find(replay, "is_as_recorded"))) return;
  label(f, "Recorded");
  line = sim_printf("it ended otherwise: %s", text_at(replay, "recorded"));
  print_wrapped(f, sim_text_clean(line, line, strlen(line) + 1));
  free(line);
}

void sim_explore_print(const struct scenario *s, const cJSON *r, bool is_search, FILE *f,
                       bool color) {
  const cJSON *violation = cJSON_GetObjectItemCaseSensitive(r, "violation");
  print_title(s, is_search ? text_at(r, "strategy") : "replay", f, color);
  if (cJSON_IsObject(violation)) sim_counterexample_print(s, violation, f, color);
  if (is_search && cJSON_IsObject(cJSON_GetObjectItemCaseSensitive(r, "schedules"))) {
    print_schedules(r, f);
    print_classes(r, f);
    print_unseen(r, f);
    print_estimate(r, f);
    print_sites(r, f);
    print_phases(r, f);
    print_histograms(r, f);
    print_rate(r, f);
    if (!is_partial(r)) print_guarantee(r, f, color);
  }
  print_replay(r, f);
  print_verdict(s, r, f, color);
}

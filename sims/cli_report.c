#include "sims/cli_report.h"

#include <stdlib.h>
#include <string.h>

#include "sims/cli_expect.h"
#include "sims/cli_metric.h"
#include "sims/memory.h"
#include "sims/stats.h"
#include "sims/table.h"

/* ---- the rows ---- */

struct metric_row {
  const char *path; /* in the result; for maps below maps.NAME */
  const char *label;
  enum sim_unit unit;
};

struct section {
  const char *heading;
  const struct metric_row *rows; /* ends with a NULL path */
};

/* Made from two metrics: operations a second. */
#define PATH_OPS_PER_S "ops.count/wall_ns"

static const struct metric_row time_rows[] = {
  {"wall_ns", "wall time", SIM_UNIT_NS},
  {"cpu_ns", "CPU time", SIM_UNIT_NS},
  {"setup_ns", "setup, before the clock", SIM_UNIT_NS},
  {"ops.count", "operations", SIM_UNIT_COUNT},
  {"ops.ns_per_op", "per operation", SIM_UNIT_NS},
  {PATH_OPS_PER_S, "throughput", SIM_UNIT_PER_S},
  {NULL, NULL, SIM_UNIT_NS},
};

static const struct metric_row memory_rows[] = {
  {"max_rss_bytes", "peak resident", SIM_UNIT_BYTES},
  {"gc.heap_live_bytes_peak", "peak live heap", SIM_UNIT_BYTES},
  {"gc.heap_goal_bytes_last", "last heap goal", SIM_UNIT_BYTES},
  {"gc.bytes_allocated", "allocated", SIM_UNIT_BYTES},
  {"gc.mallocs", "allocations", SIM_UNIT_COUNT},
  {NULL, NULL, SIM_UNIT_NS},
};

static const struct metric_row gc_rows[] = {
  {"gc.cycles", "cycles", SIM_UNIT_COUNT},
  {"gc.cpu_fraction", "share of CPU", SIM_UNIT_FRACTION},
  {"gc.assists", "assists", SIM_UNIT_COUNT},
  {"gc.assist_ns", "time in assists", SIM_UNIT_NS},
  {"gc.wb_flushes", "barrier buffer flushes", SIM_UNIT_COUNT},
  {"gc.mark_restarts", "mark restarts", SIM_UNIT_COUNT},
  {NULL, NULL, SIM_UNIT_NS},
};

static const struct metric_row pause_rows[] = {
  {"pauses.count", "count", SIM_UNIT_COUNT},
  {"pauses.total_ns", "total", SIM_UNIT_NS},
  {"pauses.p50_ns", "p50", SIM_UNIT_NS},
  {"pauses.p90_ns", "p90", SIM_UNIT_NS},
  {"pauses.p99_ns", "p99", SIM_UNIT_NS},
  {"pauses.p999_ns", "p99.9", SIM_UNIT_NS},
  {"pauses.max_ns", "max", SIM_UNIT_NS},
  {"pauses.time_to_stop.p50_ns", "time to stop p50", SIM_UNIT_NS},
  {"pauses.time_to_stop.p99_ns", "time to stop p99", SIM_UNIT_NS},
  {"pauses.time_to_stop.max_ns", "time to stop max", SIM_UNIT_NS},
  {NULL, NULL, SIM_UNIT_NS},
};

static const struct metric_row gap_rows[] = {
  {"observed.p50_ns", "p50", SIM_UNIT_NS},
  {"observed.p99_ns", "p99", SIM_UNIT_NS},
  {"observed.p999_ns", "p99.9", SIM_UNIT_NS},
  {"observed.p9999_ns", "p99.99", SIM_UNIT_NS},
  {"observed.max_ns", "max", SIM_UNIT_NS},
  {NULL, NULL, SIM_UNIT_NS},
};

/* What only the model counts: left out natively. */
static const struct metric_row model_rows[] = {
  {"model.steps", "visible operations", SIM_UNIT_COUNT},
  {"model.coherence_misses", "coherence misses", SIM_UNIT_COUNT},
  {"model.read_misses", "of reads", SIM_UNIT_COUNT},
  {"model.write_misses", "of writes", SIM_UNIT_COUNT},
  {"model.memory_misses", "memory misses", SIM_UNIT_COUNT},
  {NULL, NULL, SIM_UNIT_NS},
};

static const struct section sections[] = {
  {"Time", time_rows},
  {"Memory", memory_rows},
  {"Collection", gc_rows},
  {"Pauses: world stopped, from the request until it runs again", pause_rows},
  {"Observed gaps: between two operations of a goroutine that could run", gap_rows},
};
enum { SECTION_COUNT = sizeof sections / sizeof sections[0] };

static const struct metric_row map_rows[] = {
  {"count", "entries", SIM_UNIT_COUNT},
  {"B", "B (log2 of buckets)", SIM_UNIT_COUNT},
  {"noverflow", "overflow buckets now", SIM_UNIT_COUNT},
  {"growths", "growths", SIM_UNIT_COUNT},
  {"same_size_growths", "same-size growths", SIM_UNIT_COUNT},
  {"overflow_allocated", "overflow buckets taken", SIM_UNIT_COUNT},
  {"evacuated_buckets", "evacuated buckets", SIM_UNIT_COUNT},
  {NULL, NULL, SIM_UNIT_NS},
};

/* What only some kinds of map count: left out while 0. */
static const struct metric_row map_kind_rows[] = {
  {"lock_waits", "waits for a lock", SIM_UNIT_COUNT},
  {"spin_pauses", "spins for a bucket", SIM_UNIT_COUNT},
  {"spin_yields", "processor given away", SIM_UNIT_COUNT},
  {"spin_parks", "parked for a bucket", SIM_UNIT_COUNT},
  {"migrations", "whole migrations", SIM_UNIT_COUNT},
  {"migration_ns_max", "longest migration", SIM_UNIT_NS},
  {"promotions", "dirty map promoted", SIM_UNIT_COUNT},
  {"misses", "misses of the read map", SIM_UNIT_COUNT},
  {"treeified", "bins made trees", SIM_UNIT_COUNT},
  {"untreeified", "trees made bins", SIM_UNIT_COUNT},
  {"tables", "tables", SIM_UNIT_COUNT},
  {"directory", "directory entries", SIM_UNIT_COUNT},
  {"missed_detections", "broken unnoticed", SIM_UNIT_COUNT},
  {NULL, NULL, SIM_UNIT_NS},
};

const char *sim_report_path(uint32_t i) {
  for (uint32_t s = 0; s < SECTION_COUNT; s++) {
    for (const struct metric_row *row = sections[s].rows; row->path != NULL; row++) {
      if (strcmp(row->path, PATH_OPS_PER_S) == 0) continue;
      if (i-- == 0) return row->path;
    }
  }
  return NULL;
}

/* ---- cells ---- */

static bool value_of(const cJSON *result, const char *path, double *out) {
  if (result == NULL) return false;
  if (strcmp(path, PATH_OPS_PER_S) != 0) return sim_metric_number(result, path, out);
  double count = 0, wall_ns = 0;
  bool has_both = sim_metric_number(result, "ops.count", &count) &&
                  sim_metric_number(result, "wall_ns", &wall_ns) && wall_ns > 0;
  *out = has_both ? count / wall_ns * 1e9 : 0;
  return has_both;
}

static void add_value_cell(struct sim_table *t, const struct sim_report *r,
                           const struct sim_column *c, const char *path, enum sim_unit unit) {
  double *values = sim_alloc(r->slots * sizeof values[0]);
  uint32_t n = 0;
  char text[SIM_TEXT_MAX] = "-";
  struct sim_spread spread;
  for (uint32_t i = 0; i < r->slots; i++) n += value_of(c->results[i], path, &values[n]);
  sim_stats_spread(values, n, &spread);
  if (n > 0) sim_format_spread(unit, spread.median, spread.min, spread.max, text);
  sim_table_cell(t, SIM_PLAIN, text);
  free(values);
}

static void add_ratio_cell(struct sim_table *t, const struct sim_report *r,
                           const struct sim_column *c, const char *path) {
  double *ratios = sim_alloc(r->slots * sizeof ratios[0]);
  uint32_t n = 0;
  char text[SIM_TEXT_MAX] = "-";
  struct sim_spread s;
  for (uint32_t i = 0; i < r->slots; i++) {
    double ours = 0, theirs = 0;
    bool has_both = value_of(r->columns[0].results[i], path, &ours) &&
                    value_of(c->results[i], path, &theirs) && theirs != 0;
    if (has_both) ratios[n++] = ours / theirs;
  }
  sim_stats_spread(ratios, n, &s);
  if (r->shows_error && n > 0) {
    snprintf(text, sizeof text, "%+.0f %%", (s.median - 1) * 100);
  } else if (s.has_ci) {
    sim_format_spread(SIM_UNIT_RATIO, s.median, s.ci_low, s.ci_high, text);
  } else if (n > 0) {
    sim_format_spread(SIM_UNIT_RATIO, s.median, s.min, s.max, text);
  }
  sim_table_cell(t, SIM_PLAIN, text);
  free(ratios);
}

static void add_row(struct sim_table *t, const struct sim_report *r, const char *path,
                    const char *label, enum sim_unit unit) {
  char *indented = sim_printf("  %s", label);
  sim_table_row(t);
  sim_table_cell(t, SIM_PLAIN, indented);
  for (uint32_t c = 0; c < r->column_count; c++) {
    add_value_cell(t, r, &r->columns[c], path, unit);
  }
  for (uint32_t c = 1; c < r->column_count; c++) add_ratio_cell(t, r, &r->columns[c], path);
  free(indented);
}

static void add_head(struct sim_table *t, const struct sim_report *r) {
  sim_table_row(t);
  sim_table_cell(t, SIM_PLAIN, "");
  for (uint32_t c = 0; c < r->column_count; c++) {
    sim_table_cell(t, SIM_BOLD, r->columns[c].name);
  }
  for (uint32_t c = 1; c < r->column_count; c++) {
    char *name = r->shows_error ? sim_strdup("error")
                                : sim_printf("%s/%s", r->columns[0].name, r->columns[c].name);
    sim_table_cell(t, SIM_BOLD, name);
    free(name);
  }
}

/* ---- sections that depend on the results ---- */

/* The first item called key among all results. */
static const cJSON *first_with(const struct sim_report *r, const char *key) {
  for (uint32_t c = 0; c < r->column_count; c++) {
    for (uint32_t i = 0; i < r->slots; i++) {
      const cJSON *result = r->columns[c].results[i];
      const cJSON *item = cJSON_GetObjectItemCaseSensitive(result, key);
      if (cJSON_GetArraySize(item) > 0) return item;
    }
  }
  return NULL;
}

static void add_mmu(struct sim_table *t, const struct sim_report *r) {
  const cJSON *mmu = first_with(r, "mmu"), *point = NULL;
  int i = 0;
  if (!cJSON_IsArray(mmu)) return;
  sim_table_heading(t, "Minimum mutator utilisation: least share for the program in any window of");
  cJSON_ArrayForEach(point, mmu) {
    double window_ns = 0;
    char label[SIM_TEXT_MAX] = "?";
    if (sim_metric_number(point, "window_ns", &window_ns)) {
      sim_format(SIM_UNIT_NS, window_ns, label);
    }
    char *path = sim_printf("mmu.%d.utilisation", i++);
    add_row(t, r, path, label, SIM_UNIT_FRACTION);
    free(path);
  }
}

static bool is_counted(const struct sim_report *r, const char *path) {
  for (uint32_t c = 0; c < r->column_count; c++) {
    for (uint32_t i = 0; i < r->slots; i++) {
      double value = 0;
      if (sim_metric_number(r->columns[c].results[i], path, &value) && value > 0) return true;
    }
  }
  return false;
}

static void add_map_rows(struct sim_table *t, const struct sim_report *r, const char *map,
                         const struct metric_row *row, bool only_counted) {
  for (; row->path != NULL; row++) {
    char *path = sim_printf("maps.%s.%s", map, row->path);
    if (!only_counted || is_counted(r, path)) add_row(t, r, path, row->label, row->unit);
    free(path);
  }
}

static void add_model(struct sim_table *t, const struct sim_report *r) {
  if (!is_counted(r, model_rows[0].path)) return;
  sim_table_heading(t, "Model: cache lines of 64 bytes that came from another processor");
  for (const struct metric_row *row = model_rows; row->path != NULL; row++)
    add_row(t, r, row->path, row->label, row->unit);
}

static void add_maps(struct sim_table *t, const struct sim_report *r) {
  const cJSON *maps = first_with(r, "maps"), *map = NULL;
  if (!cJSON_IsObject(maps)) return;
  cJSON_ArrayForEach(map, maps) {
    char *heading = sim_printf("Map %s", map->string);
    sim_table_heading(t, heading);
    free(heading);
    add_map_rows(t, r, map->string, map_rows, false);
    add_map_rows(t, r, map->string, map_kind_rows, true);
  }
}

static void print_legend(const struct sim_report *r, FILE *f, bool color) {
  const char *ours = r->columns[0].name, *other = r->columns[1].name;
  fprintf(f, "\n%s", sim_style_begin(SIM_DIM, color));
  if (r->slots > 1) {
    bool has_ci = r->slots >= SIM_STATS_CI_MIN_COUNT;
    fprintf(f, "Values are medians of %u runs [least..most], the collectors taking turns; a ratio"
               " is the median of\n%s/%s over the rounds [%s]: ", r->slots, ours, other,
            has_ci ? "95 % interval of that median" : "least..most");
  } else {
    fprintf(f, "One run of each: differences may be chance (--runs N).\nRatios are %s/%s: ", ours,
            other);
  }
  fprintf(f, "below 1, %s has the smaller number.\n- is not measured.%s\n", ours,
          sim_style_end(SIM_DIM, color));
}

void sim_report_print(const struct sim_report *r, FILE *f, bool color) {
  struct sim_table *t = sim_table_new(1 + r->column_count + (r->column_count - 1));
  if (r->column_count > 1) add_head(t, r);
  for (uint32_t s = 0; s < SECTION_COUNT; s++) {
    sim_table_heading(t, sections[s].heading);
    for (const struct metric_row *row = sections[s].rows; row->path != NULL; row++) {
      add_row(t, r, row->path, row->label, row->unit);
    }
  }
  add_mmu(t, r);
  add_maps(t, r);
  add_model(t, r);
  sim_table_print(t, f, color);
  sim_table_free(t);
  if (r->column_count > 1 && !r->shows_error) print_legend(r, f, color);
  if (r->shows_error)
    fprintf(f, "\nThe error is predicted / measured, less 1. - is not measured, or 0.\n");
}

/* ---- remarks ---- */

static const char *text_at(const cJSON *object, const char *key) {
  return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, key));
}

void sim_report_stops(const cJSON *result, FILE *f, bool color) {
  const cJSON *worst = sim_metric_find(result, "pauses.worst"), *stop = NULL;
  if (cJSON_GetArraySize(worst) == 0) return;
  uint32_t shown = 0;
  fprintf(f, "%sLongest stops%s\n", sim_style_begin(SIM_BOLD, color),
          sim_style_end(SIM_BOLD, color));
  cJSON_ArrayForEach(stop, worst) {
    double total_ns = 0, to_stop_ns = 0;
    char total[SIM_TEXT_MAX], to_stop[SIM_TEXT_MAX], what[SIM_TEXT_MAX], who[SIM_TEXT_MAX];
    const char *reason = text_at(stop, "reason"), *last = text_at(stop, "last_goroutine");
    if (shown++ == 3) break;
    sim_metric_number(stop, "total_ns", &total_ns);
    sim_metric_number(stop, "time_to_stop_ns", &to_stop_ns);
    sim_format(SIM_UNIT_NS, total_ns, total);
    sim_format(SIM_UNIT_NS, to_stop_ns, to_stop);
    sim_text_clean(reason != NULL ? reason : "-", what, sizeof what);
    sim_text_clean(last != NULL ? last : "", who, sizeof who);
    fprintf(f, "  %-20s %8s, of which %8s waiting%s%s\n", what, total, to_stop,
            last != NULL ? " for " : "", who);
  }
}

static void print_remark(FILE *f, enum sim_style style, const char *kind, const char *who,
                         const char *text, bool color) {
  char *clean = sim_alloc(strlen(text) + 1);
  fprintf(f, "%s%s%s (%s): %s\n", sim_style_begin(style, color), kind, sim_style_end(style, color),
          who, sim_text_clean(text, clean, strlen(text) + 1));
  free(clean);
}

/* A run that ended for want of memory, or by a bug of ours, has violated nothing. */
static const char *remark_of(const cJSON *result, uint32_t i) {
  static const char *const no_violation[] = {"bug", "memory_cap", "out_of_memory"};
  const cJSON *list = cJSON_GetObjectItemCaseSensitive(result, "violations");
  const cJSON *kind = cJSON_GetObjectItemCaseSensitive(cJSON_GetArrayItem(list, (int)i), "kind");
  for (size_t k = 0; k < sizeof no_violation / sizeof no_violation[0]; k++)
    if (cJSON_IsString(kind) && strcmp(kind->valuestring, no_violation[k]) == 0) return "Ended";
  return "Violation";
}

void sim_report_remarks(const cJSON *result, const char *who, FILE *f, bool color) {
  const cJSON *note = NULL;
  const char *violation = NULL;
  for (uint32_t i = 0; (violation = sim_violation(result, i)) != NULL; i++) {
    print_remark(f, SIM_BAD, remark_of(result, i), who, violation, color);
  }
  cJSON_ArrayForEach(note, cJSON_GetObjectItemCaseSensitive(result, "notes")) {
    if (cJSON_IsString(note)) print_remark(f, SIM_DIM, "Note", who, note->valuestring, color);
  }
}

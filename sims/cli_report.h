/* The tables people read: one column per collector, one row per metric. */
#ifndef SIMS_CLI_REPORT_H
#define SIMS_CLI_REPORT_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* The results of one collector. Slot i of every column was run in the same round, so that ratios
 * are formed within a round; NULL where a run did not finish. */
struct sim_column {
  const char *name;
  const cJSON *const *results;
};

struct sim_report {
  const struct sim_column *columns; /* the first is ours: ratios are ours / other */
  uint32_t column_count;
  uint32_t slots;
  bool shows_error; /* the ratio less 1, in percent, instead of the ratio */
};

/* All sections; with more than one column also the ratios, and a line that says how to read it. */
void sim_report_print(const struct sim_report *r, FILE *f, bool color);
/* What belongs to a single run: the longest stops and whom they waited for. */
void sim_report_stops(const cJSON *result, FILE *f, bool color);
/* Violations and notes of a result, each once; who: "concurrent". */
void sim_report_remarks(const cJSON *result, const char *who, FILE *f, bool color);

/* The path row i shows, for the test that holds it against the fields; NULL: no more. */
const char *sim_report_path(uint32_t i);

#endif

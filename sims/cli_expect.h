/* What a scenario expects ("expect", "expect_violation"), held against the results of its runs.
 * Expectations on metrics are about every run, whatever its collector: the program is the same. One
 * on a metric that an engine does not measure (null) is passed over there. A violation is expected
 * of our collector; of another one it is allowed. */
#ifndef SIMS_CLI_EXPECT_H
#define SIMS_CLI_EXPECT_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "sims/scenario.h"

enum sim_verdict {
  SIM_HOLDS,        /* in every run that measures it; also when none does */
  SIM_FAILS,
  SIM_UNKNOWN,      /* no metric of this name: the scenario is wrong */
};

/* One expectation over all runs; verdict is the worst. */
struct sim_finding {
  const struct sc_expect *expect; /* NULL: expect_violation */
  const char *violation;          /* the text expected in a violation; else NULL */
  enum sim_verdict verdict;
  uint32_t runs, held;            /* runs judged: those that measure it */
  double found_min, found_max;    /* where measured */
};

struct sim_findings {
  struct sim_finding *list;
  uint32_t count;
  bool all_hold, any_unknown;
};

/* Refuses expectations on metrics that no result has, before anything runs; messages name the
 * nearest. False: at least one is wrong. */
bool sim_expect_check(const struct scenario *s);

/* The first ours_count results are those of our collector. */
void sim_expect_judge(const struct scenario *s, const cJSON *const *results, uint32_t count,
                      uint32_t ours_count, struct sim_findings *out);
void sim_findings_free(struct sim_findings *f);
/* "at least 1", "1 to 5", "exactly 3"; out holds SIM_TEXT_MAX bytes. */
char *sim_expect_allowed(const struct sim_finding *f, char *out);
/* Writes the table for people. */
void sim_findings_print(const struct sim_findings *f, FILE *to, bool color);
/* The same as a list of JSON objects. */
cJSON *sim_findings_json(const struct sim_findings *f);

/* Text of violation number i of a result; NULL past the last. */
const char *sim_violation(const cJSON *result, uint32_t i);
/* Whether the result is clean: no violations, or one was expected and is there. */
bool sim_violations_fine(const struct scenario *s, const cJSON *result, bool is_ours);

#endif

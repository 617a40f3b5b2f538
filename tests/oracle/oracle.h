/* What the oracle runners share: files, numbers and a verdict per file. */
#ifndef TESTS_ORACLE_ORACLE_H
#define TESTS_ORACLE_ORACLE_H

#include <stdbool.h>
#include <stdint.h>

#include <cjson/cJSON.h>

/* The verdict on one file: comparisons made, and the first that failed, in words. */
struct oracle_report {
  const char *path;
  uint64_t compared;
  bool failed;
  char difference[4096];
};

struct oracle_totals { unsigned passed, failed; };

/* Calls fn for every file named, and for every *.json of every folder named, in name order; prints
 * one line per file and counts it. */
typedef void oracle_fn(const cJSON *doc, struct oracle_report *report, void *arg);
void oracle_each(char **paths, int count, oracle_fn *fn, void *arg, struct oracle_totals *totals);
/* Prints the last line; the exit status of the runner. */
int oracle_finish(const struct oracle_totals *totals);

/* Records a difference, unless one is recorded already. */
void oracle_fail(struct oracle_report *r, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* One comparison; where: what was being looked at. */
bool oracle_same(struct oracle_report *r, const char *where, const char *what, uint64_t want,
                 uint64_t got);

/* A number, written as a JSON number or as a string "0x...". */
uint64_t oracle_u64(const cJSON *item);
/* The member of obj, or fallback when it is missing. */
uint64_t oracle_member(const cJSON *obj, const char *name, uint64_t fallback);
double oracle_member_f64(const cJSON *obj, const char *name);
/* The member's string; "" when missing. */
const char *oracle_string(const cJSON *obj, const char *name);

/* 64-bit FNV-1a. */
static const uint64_t ORACLE_FNV = 0xcbf29ce484222325ULL;
uint64_t oracle_fnv_byte(uint64_t d, uint8_t byte);
uint64_t oracle_fnv(uint64_t d, const void *p, uint64_t bytes);
uint64_t oracle_fnv_u64(uint64_t d, uint64_t v);

#endif

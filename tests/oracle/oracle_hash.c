/* oracle_hash PATH...: compares the portable hash functions and the wyrand generator with recorded
 * vectors of Go 1.19 (format: tests/oracle/hash/README.md). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "maps/hash.h"
#include "tests/oracle/oracle.h"

struct set {
  struct oracle_report *report;
  uint64_t seed, mask;
  uint64_t draws; /* generator state for NaN hashes */
  char where[64];
};

static uint8_t buffer_byte(uint64_t t) { return (uint8_t)rng_mix64(t); }

/* [input, hash] rows of one member, through one function. */
typedef uint64_t hash_row(struct set *s, const cJSON *input);

enum { LENGTH_MAX = 1 << 24 };

static uint64_t row_bytes(struct set *s, const cJSON *input) {
  uint64_t n = oracle_u64(input);
  if (n > LENGTH_MAX) {
    oracle_fail(s->report, "%s: a buffer of %llu bytes, at most %d are tried", s->where,
                (unsigned long long)n, LENGTH_MAX);
    return 0;
  }
  uint8_t *p = malloc(n + 1);
  if (p == NULL)
    abort();
  for (uint64_t t = 0; t < n; t++)
    p[t] = buffer_byte(t);
  uint64_t h = map_hash_bytes(p, n, s->seed, s->mask);
  free(p);
  return h;
}

static uint64_t row_u32(struct set *s, const cJSON *input) {
  uint32_t v = (uint32_t)oracle_u64(input);
  uint64_t h = map_hash_u32(v, s->seed, s->mask);
  if (h != map_hash_bytes(&v, sizeof v, s->seed, s->mask))
    oracle_fail(s->report, "%s: memhash32 differs from memhash of 4 bytes", s->where);
  return h;
}

static uint64_t row_u64(struct set *s, const cJSON *input) {
  uint64_t v = oracle_u64(input);
  uint64_t h = map_hash_u64(v, s->seed, s->mask);
  if (h != map_hash_bytes(&v, sizeof v, s->seed, s->mask))
    oracle_fail(s->report, "%s: memhash64 differs from memhash of 8 bytes", s->where);
  return h;
}

static uint64_t row_string(struct set *s, const cJSON *input) {
  const char *hex = cJSON_IsString(input) ? input->valuestring : "";
  uint64_t n = strlen(hex) / 2;
  uint8_t *p = malloc(n + 1);
  if (p == NULL)
    abort();
  for (uint64_t t = 0; t < n; t++) {
    char digits[3] = {hex[2 * t], hex[2 * t + 1], 0};
    p[t] = (uint8_t)strtoul(digits, NULL, 16);
  }
  uint64_t h = map_hash_bytes(p, n, s->seed, s->mask);
  free(p);
  return h;
}

static uint64_t row_f64(struct set *s, const cJSON *input) {
  return map_hash_f64(oracle_u64(input), s->seed, s->mask, &s->draws);
}

static uint64_t row_f32(struct set *s, const cJSON *input) {
  return map_hash_f32((uint32_t)oracle_u64(input), s->seed, s->mask, &s->draws);
}

static void rows(struct set *s, const cJSON *set, const char *member, hash_row *fn) {
  const cJSON *list = cJSON_GetObjectItemCaseSensitive(set, member);
  const cJSON *row;
  cJSON_ArrayForEach(row, list) {
    const cJSON *input = cJSON_GetArrayItem(row, 0);
    char where[192];
    snprintf(where, sizeof where, "%s, %s of %.60s", s->where, member,
             cJSON_IsString(input) ? input->valuestring : "a buffer");
    oracle_same(s->report, where, "hash", oracle_u64(cJSON_GetArrayItem(row, 1)), fn(s, input));
  }
}

static void nan_rows(struct set *s, const cJSON *set) {
  const cJSON *list = cJSON_GetObjectItemCaseSensitive(set, "f64hash_nan_with_rand0_0x1234");
  const cJSON *want;
  s->draws = 0x1234;
  cJSON_ArrayForEach(want, list) {
    uint64_t h = map_hash_f64(0x7ff8000000000001ULL, s->seed, s->mask, &s->draws);
    oracle_same(s->report, s->where, "hash of a NaN", oracle_u64(want), h);
  }
}

static void check_set(const cJSON *set, struct oracle_report *report) {
  const cJSON *keys = cJSON_GetObjectItemCaseSensitive(set, "hashkey");
  uint64_t key = oracle_u64(cJSON_GetArrayItem(keys, 0));
  struct set s = {.report = report, .seed = oracle_member(set, "seed", 0)};
  s.mask = key ^ MAP_HASH_M1;
  snprintf(s.where, sizeof s.where, "hashkey 0x%llx, seed 0x%llx", (unsigned long long)key,
           (unsigned long long)s.seed);
  rows(&s, set, "memhash", row_bytes);
  rows(&s, set, "memhash32", row_u32);
  rows(&s, set, "memhash64", row_u64);
  rows(&s, set, "strhash_hex", row_string);
  rows(&s, set, "f64hash_bits", row_f64);
  rows(&s, set, "f32hash_bits", row_f32);
  nan_rows(&s, set);
}

static void check_generator(const cJSON *entry, struct oracle_report *report) {
  uint64_t state = oracle_member(entry, "state0", 0);
  char where[64];
  snprintf(where, sizeof where, "fastrand from 0x%llx", (unsigned long long)state);
  const cJSON *want;
  cJSON_ArrayForEach(want, cJSON_GetObjectItemCaseSensitive(entry, "out32"))
    oracle_same(report, where, "draw", oracle_u64(want), rng_fastrand(&state));
}

static void check_buffer(const cJSON *doc, struct oracle_report *report) {
  uint64_t d = ORACLE_FNV;
  for (uint64_t t = 0; t < 1000; t++)
    d = oracle_fnv_byte(d, buffer_byte(t));
  oracle_same(report, "buffer", "fnv1a", oracle_member(doc, "buffer_fnv1a", 0), d);
}

static void check_file(const cJSON *doc, struct oracle_report *report, void *arg) {
  (void)arg;
  if (cJSON_HasObjectItem(doc, "buffer_fnv1a"))
    check_buffer(doc, report);
  const cJSON *entry;
  cJSON_ArrayForEach(entry, cJSON_GetObjectItemCaseSensitive(doc, "sets"))
    check_set(entry, report);
  cJSON_ArrayForEach(entry, cJSON_GetObjectItemCaseSensitive(doc, "fastrand"))
    check_generator(entry, report);
  if (report->compared == 0)
    oracle_fail(report, "holds no vectors");
}

int main(int argc, char **argv) {
  if (argc < 2) {
    fprintf(stderr, "usage: oracle_hash PATH...\n");
    return 2;
  }
  struct oracle_totals totals = {0};
  oracle_each(argv + 1, argc - 1, check_file, NULL, &totals);
  return oracle_finish(&totals);
}

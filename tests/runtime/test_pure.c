/* Generators and histograms: functions of their arguments. */
#include <stdlib.h>
#include <string.h>

#include "runtime/hist.h"
#include "runtime/rng.h"
#include "support.h"

/* The first draws of Go 1.19's fastrand from state 0 (F0.6). */
static void rng_matches_go(void **state) {
  uint64_t s = 0;
  (void)state;
  assert_true(rng_fastrand(&s) == 2405016974u);
  assert_true(rng_fastrand(&s) == 4283336045u);
  assert_true(rng_fastrand(&s) == 2403848868u);
  assert_true(rng_fastrand64(&s) == 8700114197940311904ull);
  assert_true(rng_fastrandn(&s, 1000) == 692);
  assert_true(s == 2472074832271045867ull);
}

/* splitmix64 of seed 1234567, the sequence usually quoted for it. */
static void rng_split_matches_splitmix64(void **state) {
  static const uint64_t expected[] = {6457827717110365317ull, 3203168211198807973ull,
                                      9817491932198370423ull, 4593380528125082431ull,
                                      16408922859458223821ull};
  (void)state;
  for (uint64_t i = 0; i < 5; i++) assert_true(rng_split(1234567, i) == expected[i]);
}

static void rng_fastrandn_stays_below(void **state) {
  uint64_t s = 42;
  bool seen[7] = {false};
  (void)state;
  for (int i = 0; i < 1000; i++) {
    uint32_t v = rng_fastrandn(&s, 7);
    assert_true(v < 7);
    seen[v] = true;
  }
  for (int i = 0; i < 7; i++) assert_true(seen[i]);
}

static struct hist h, other, whole;
enum { VALUES = 20000 };
static uint64_t values[VALUES];

static int compare(const void *a, const void *b) {
  uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
  return x < y ? -1 : x > y;
}

/* The definition, on the sorted values: the smallest one with at least q of all at or below it. */
static uint64_t exact_quantile(double q) {
  for (uint64_t i = 0; i < VALUES; i++)
    if ((double)(i + 1) >= q * VALUES) return values[i];
  return values[VALUES - 1];
}

static void check_quantiles(void) {
  static const double qs[] = {0, 0.001, 0.1, 0.25, 0.5, 0.9, 0.99, 0.999, 0.9999, 1};
  qsort(values, VALUES, sizeof values[0], compare);
  for (size_t i = 0; i < sizeof qs / sizeof qs[0]; i++) {
    uint64_t exact = exact_quantile(qs[i]);
    uint64_t got = hist_quantile(&h, qs[i]);
    assert_true(got >= exact);
    assert_true(got - exact <= exact / 128);
  }
  assert_true(hist_quantile(&h, 0) == values[0]);
  assert_true(hist_quantile(&h, 1) == values[VALUES - 1]);
  assert_true(h.min == values[0] && h.max == values[VALUES - 1] && h.count == VALUES);
}

static void hist_quantiles(void **state) {
  (void)state;
  for (uint32_t bits = 4; bits <= 64; bits += 12) {
    uint64_t s = bits, sum = 0;
    hist_init(&h);
    for (uint64_t i = 0; i < VALUES; i++) {
      /* magnitudes spread evenly up to 2^bits */
      values[i] = rng_fastrand64(&s) >> (64 - bits) >> rng_fastrandn(&s, bits);
      sum += values[i];
      hist_add(&h, values[i]);
    }
    assert_true(h.sum == sum);
    check_quantiles();
  }
}

static void hist_edges(void **state) {
  (void)state;
  hist_init(&h);
  assert_true(hist_quantile(&h, 0.5) == 0 && h.min == UINT64_MAX);
  hist_add(&h, UINT64_MAX);
  assert_true(hist_index(UINT64_MAX) == HIST_BUCKETS - 1);
  assert_true(hist_quantile(&h, 0.5) == UINT64_MAX);
  hist_add(&h, 0);
  assert_true(hist_quantile(&h, 0.5) == 0 && hist_quantile(&h, 0.51) == UINT64_MAX);
  for (uint64_t v = 1; v < 100000; v++) {
    uint32_t step = hist_index(v) - hist_index(v - 1);
    assert_true(step <= 1); /* no bucket is skipped, none goes backwards */
  }
}

static void hist_merges(void **state) {
  uint64_t s = 5;
  (void)state;
  hist_init(&h);
  hist_init(&other);
  hist_init(&whole);
  for (int i = 0; i < 1000; i++) {
    uint64_t v = rng_fastrand(&s);
    hist_add(i % 3 == 0 ? &h : &other, v);
    hist_add(&whole, v);
  }
  hist_merge(&h, &other);
  assert_memory_equal(&h, &whole, sizeof h);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(rng_matches_go),
      cmocka_unit_test(rng_split_matches_splitmix64),
      cmocka_unit_test(rng_fastrandn_stays_below),
      cmocka_unit_test(hist_quantiles),
      cmocka_unit_test(hist_edges),
      cmocka_unit_test(hist_merges),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

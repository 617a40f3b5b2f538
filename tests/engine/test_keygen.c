/* Key generators against exact probabilities, with fixed seeds. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sims/keygen.h"
#include "tests/support/test.h"

enum { CELLS_MAX = 1000 };

/* Pearson's statistic over cells of at least 10 expected draws, rarer ones merged from the end,
 * standardised: (X - f) / sqrt(2 f) for f degrees of freedom. About normal when the law holds. */
static double chi_square_score(const uint64_t *seen, const double *expected, uint32_t cells) {
  double statistic = 0, merged_expected = 0;
  uint64_t merged_seen = 0;
  uint32_t used = 0;
  for (uint32_t i = 0; i < cells; i++) {
    merged_seen += seen[i];
    merged_expected += expected[i];
    if (merged_expected < 10) continue;
    double off = (double)merged_seen - merged_expected;
    statistic += off * off / merged_expected;
    merged_seen = 0;
    merged_expected = 0;
    used++;
  }
  double freedom = used > 1 ? used - 1 : 1;
  return (statistic - freedom) / sqrt(2 * freedom);
}

static struct sc_keys keys_of(enum sc_dist dist, uint64_t space, double theta) {
  return (struct sc_keys){.dist = dist, .step = 1, .space = space, .theta = theta};
}

/* Draws against weights (rank + 1)^-theta; theta 0 is uniform. Returns the score. */
static double score(enum sc_dist dist, uint32_t space, double theta, double true_theta,
                    uint64_t draws) {
  struct sc_keys keys = keys_of(dist, space, theta);
  struct sim_keygen k;
  struct sim_keystate st = {.start = 7000, .rng = 0x1234567 + space};
  static uint64_t seen[CELLS_MAX];
  static double expected[CELLS_MAX];
  memset(seen, 0, sizeof seen);
  sim_keygen_init(&k, &keys, space);
  for (uint64_t i = 0; i < draws; i++) {
    uint64_t index = sim_keygen_next(&k, &st);
    assert_true(index >= 7000 && index < 7000 + space);
    seen[index - 7000]++;
  }
  double total = 0;
  for (uint32_t i = 0; i < space; i++) total += pow(i + 1.0, -true_theta);
  for (uint32_t i = 0; i < space; i++)
    expected[i] = (double)draws * pow(i + 1.0, -true_theta) / total;
  return chi_square_score(seen, expected, space);
}

static void test_zipf(void **state) {
  (void)state;
  static const double thetas[] = {0.01, 0.5, 0.99, 0.999999, 1.000001, 1.2, 2.0, 5.0};
  static const uint32_t spaces[] = {1, 2, 3, 10, 1000};
  for (size_t t = 0; t < sizeof thetas / sizeof thetas[0]; t++)
    for (size_t s = 0; s < sizeof spaces / sizeof spaces[0]; s++) {
      double z = score(SC_DIST_ZIPF, spaces[s], thetas[t], thetas[t], test_scaled(400000));
      if (z > 5) fail_msg("theta %g, space %u: score %.2f", thetas[t], (unsigned)spaces[s], z);
    }
}

static void test_uniform(void **state) {
  (void)state;
  static const uint32_t spaces[] = {1, 2, 7, 1000};
  for (size_t s = 0; s < sizeof spaces / sizeof spaces[0]; s++) {
    double z = score(SC_DIST_UNIFORM, spaces[s], 0, 0, test_scaled(400000));
    if (z > 5) fail_msg("space %u: score %.2f", (unsigned)spaces[s], z);
  }
}

/* The test must notice a law that is a little off. */
static void test_score_notices(void **state) {
  (void)state;
  assert_true(score(SC_DIST_ZIPF, 1000, 0.99, 0.95, 400000) > 20);
  assert_true(score(SC_DIST_ZIPF, 10, 2.0, 2.05, 400000) > 20);
  assert_true(score(SC_DIST_UNIFORM, 1000, 0, 0.05, 400000) > 20);
}

/* Huge spaces: in range, and the first rank as frequent as the integral says. */
static void test_zipf_huge(void **state) {
  (void)state;
  enum { DRAWS = 100000 };
  uint64_t space = 1000000000000ULL, first = 0;
  struct sc_keys keys = keys_of(SC_DIST_ZIPF, space, 0.99);
  struct sim_keygen k;
  struct sim_keystate st = {.rng = 99};
  sim_keygen_init(&k, &keys, space);
  for (int i = 0; i < DRAWS; i++) {
    uint64_t index = sim_keygen_next(&k, &st);
    assert_true(index < space);
    if (index == 0) first++;
  }
  /* zeta(space, 0.99) = integral + 1/2 + ... = (space^0.01 - 1) / 0.01 + 0.58 */
  double zeta = (pow((double)space, 0.01) - 1) / 0.01 + 0.58;
  double expected = DRAWS / zeta;
  assert_true(fabs((double)first - expected) < 5 * sqrt(expected));
}

static void test_sequential(void **state) {
  (void)state;
  struct sc_keys keys = {.dist = SC_DIST_SEQUENTIAL, .step = 3, .space = 1};
  struct sim_keygen k;
  struct sim_keystate st = {.start = 100};
  sim_keygen_init(&k, &keys, 1);
  for (uint64_t i = 0; i < 10; i++) assert_int_equal(sim_keygen_next(&k, &st), 100 + 3 * i);
}

static void test_same_seed(void **state) {
  (void)state;
  struct sc_keys keys = keys_of(SC_DIST_UNIFORM, 1 << 20, 0);
  struct sim_keygen k;
  struct sim_keystate a = {.rng = 5}, b = {.rng = 5}, c = {.rng = 6};
  sim_keygen_init(&k, &keys, keys.space);
  int same = 0;
  for (int i = 0; i < 1000; i++) {
    uint64_t index = sim_keygen_next(&k, &a);
    assert_int_equal(index, sim_keygen_next(&k, &b));
    same += index == sim_keygen_next(&k, &c);
  }
  assert_true(same < 10);
}

static void test_text(void **state) {
  (void)state;
  char text[32] = {0};
  sim_key_text(text, 12, 1234567);
  assert_string_equal(text, "key-01234567");
  memset(text, 0, sizeof text);
  sim_key_text(text, 5, 1239);
  assert_string_equal(text, "key-9");
  memset(text, 0, sizeof text);
  sim_key_text(text, 3, 1239);
  assert_string_equal(text, "239");
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_zipf),       cmocka_unit_test(test_zipf_huge),
    cmocka_unit_test(test_uniform),    cmocka_unit_test(test_score_notices),
    cmocka_unit_test(test_sequential), cmocka_unit_test(test_same_seed),
    cmocka_unit_test(test_text),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

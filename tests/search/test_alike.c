/* Which data choices are tried where there are more than can be. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sims/explore/alike.h"
#include "sims/explore/variant.h"
#include "sims/memory.h"
#include "tests/support/test.h"

/* Two goroutines, each with one of three operations and one of three registers. */
#define GRID                                                                                      \
  "{\"name\": \"grid\", \"objects\": {\"A\": {\"pointers\": 1, \"root\": true},"                  \
  "   \"B\": {\"pointers\": 1, \"root\": true}},"                                                 \
  " \"goroutines\": ["                                                                            \
  "   {\"name\": \"a\", \"registers\": {\"r0\": null}, \"body\": [" LOAD "]},"                    \
  "   {\"name\": \"b\", \"registers\": {\"r0\": null}, \"body\": [" LOAD "]}],"                   \
  " \"choose\": [" BODY("a") ", " BODY("b") ", " REGISTER("a") ", " REGISTER("b") "]}"
#define LOAD "{\"op\": \"object.load\", \"from\": \"r0\", \"to\": \"r1\"}"
#define STORE "{\"op\": \"object.store\", \"into\": \"r0\", \"value\": null}"
#define PUT "{\"op\": \"object.put\", \"root\": \"A\", \"value\": \"r0\"}"
#define BODY(who)                                                                                 \
  "{\"set\": \"goroutines." who ".body.0\", \"values\": [" LOAD ", " STORE ", " PUT "]}"
#define REGISTER(who)                                                                             \
  "{\"set\": \"goroutines." who ".registers.r0\", \"values\": [null, \"A\", \"B\"]}"

enum { VARIANTS = 81 };

static struct xp_alike alike_of(struct scenario **sc) {
  struct xp_alike a;
  *sc = xp_variant_read(GRID, NULL, 0, false);
  assert_non_null(*sc);
  assert_int_equal(xp_variant_count(*sc), VARIANTS);
  assert_true(xp_alike_find(*sc, &a));
  return a;
}

static uint64_t weight(const struct xp_alike *a, uint64_t i) {
  return a->list[i].upto - (i > 0 ? a->list[i - 1].upto : 0);
}

/* Both put into one slot, or both touch one object and not both of them only read. */
static bool is_conflict(const uint32_t *choices) {
  uint32_t a = choices[0], b = choices[1];
  if (a == 2 || b == 2) return a == b;
  return choices[2] != 0 && choices[2] == choices[3] && (a == 1 || b == 1);
}

static void conflicts_weigh(void **state) {
  struct scenario *sc;
  struct xp_alike a = alike_of(&sc);
  uint64_t heavy = 0;
  uint32_t choices[4];
  (void)state;
  for (uint64_t i = 0; i < a.count; i++) {
    xp_variant_choices(sc, a.list[i].variant, choices);
    assert_int_equal(weight(&a, i), is_conflict(choices) ? 2 : 1);
    heavy += is_conflict(choices);
  }
  assert_true(heavy > 0 && heavy < a.count && a.heaviest == 2);
  xp_alike_free(&a);
  scenario_free(sc);
}

/* However many are tried. */
static void none_is_tried_twice(void **state) {
  struct scenario *sc;
  struct xp_alike a = alike_of(&sc);
  (void)state;
  for (uint64_t n = 1; n <= a.count; n++) {
    for (uint64_t seed = 0; seed < 20; seed++) {
      bool is_seen[VARIANTS] = {false};
      for (uint64_t i = 0; i < n; i++) {
        uint32_t variant = xp_alike_pick(&a, i, n, seed);
        assert_false(is_seen[variant]);
        is_seen[variant] = true;
      }
    }
  }
  xp_alike_free(&a);
  scenario_free(sc);
}

/* Of samples those with a weight of two are twice as many as by their number. */
static void the_heavy_are_tried_sooner(void **state) {
  enum { SAMPLE = 5, SEEDS = 1000 };
  struct scenario *sc;
  struct xp_alike a = alike_of(&sc);
  uint64_t picked = 0, weights = 0;
  uint32_t choices[4];
  (void)state;
  for (uint64_t i = 0; i < a.count; i++) weights += weight(&a, i) == 2 ? 2 : 0;
  for (uint64_t seed = 0; seed < SEEDS; seed++) {
    for (uint64_t i = 0; i < SAMPLE; i++) {
      xp_variant_choices(sc, xp_alike_pick(&a, i, SAMPLE, seed), choices);
      picked += is_conflict(choices);
    }
  }
  double expected = (double)weights / (double)a.list[a.count - 1].upto;
  double is = (double)picked / (SAMPLE * SEEDS);
  assert_true(is > expected * 0.9 && is < expected * 1.1);
  xp_alike_free(&a);
  scenario_free(sc);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(conflicts_weigh),
      cmocka_unit_test(none_is_tried_twice),
      cmocka_unit_test(the_heavy_are_tried_sooner),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

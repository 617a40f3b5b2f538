/* The linearizability checker itself: histories that have an order, histories that have none, and
 * all answers compared with trying every order. */
#include <stdio.h>

#include "lin.h"
#include "support.h"

#define GET(key, value, from, to) {from, to, key, value, LIN_GET, (value) != 0}
#define PUT(key, value, from, to) {from, to, key, value, LIN_PUT, false}
#define REMOVE(key, found, from, to) {from, to, key, 0, LIN_REMOVE, found}
#define OPS(...) \
  (struct lin_op[]){__VA_ARGS__}, sizeof((struct lin_op[]){__VA_ARGS__}) / sizeof(struct lin_op)

static void accepted(struct lin_op *ops, uint64_t count) {
  assert_true(lin_check(ops, count).ok);
}

static void rejected(struct lin_op *ops, uint64_t count, uint64_t key, uint64_t stuck_returned) {
  struct lin_verdict v = lin_check(ops, count);
  assert_false(v.ok);
  assert_int_equal(v.key, key);
  if (stuck_returned != 0)
    assert_int_equal(v.stuck.returned, stuck_returned);
}

static void test_good(void **state) {
  (void)state;
  accepted(NULL, 0);
  accepted(OPS(GET(1, 0, 1, 2), PUT(1, 5, 3, 4), GET(1, 5, 5, 6), REMOVE(1, true, 7, 8),
               REMOVE(1, false, 9, 10)));
  /* a look-up beside a put may see it or not */
  accepted(OPS(PUT(1, 5, 1, 10), GET(1, 0, 2, 3), GET(1, 5, 4, 5), GET(1, 5, 11, 12)));
  /* two puts at once take effect in either order */
  accepted(OPS(PUT(1, 5, 1, 4), PUT(1, 6, 2, 3), GET(1, 5, 5, 6)));
  accepted(OPS(PUT(1, 5, 1, 4), PUT(1, 6, 2, 3), GET(1, 6, 5, 6)));
  /* other keys do not matter */
  accepted(OPS(PUT(1, 5, 1, 2), GET(2, 0, 3, 4), PUT(2, 7, 5, 6), GET(1, 5, 7, 8)));
}

static void test_bad(void **state) {
  (void)state;
  /* a value nobody put */
  rejected(OPS(PUT(1, 5, 1, 2), GET(1, 6, 3, 4)), 1, 4);
  /* a put that is over is not seen */
  rejected(OPS(PUT(1, 5, 1, 2), GET(1, 0, 3, 4)), 1, 4);
  /* the new value, then the old one again */
  rejected(OPS(PUT(1, 5, 1, 2), PUT(1, 6, 3, 10), GET(1, 6, 4, 5), GET(1, 5, 6, 7)), 1, 0);
  /* both removals found the only entry */
  rejected(OPS(PUT(1, 5, 1, 2), REMOVE(1, true, 3, 6), REMOVE(1, true, 4, 5)), 1, 0);
  /* back after its removal */
  rejected(OPS(PUT(1, 5, 1, 2), REMOVE(1, true, 3, 4), GET(1, 5, 5, 6)), 1, 6);
  /* gone for a moment while it is overwritten */
  rejected(OPS(PUT(3, 5, 1, 2), PUT(3, 6, 3, 10), GET(3, 0, 4, 5), PUT(1, 1, 6, 7)), 3, 5);
}

/* ---- against every order -------------------------------------------------------------------- */

enum { SMALL = 6 };

/* Whether the operations not in `done` can follow in this state. */
static bool try_all(const struct lin_op *ops, unsigned count, unsigned done, uint64_t state) {
  if (done == (1U << count) - 1)
    return true;
  for (unsigned i = 0; i < count; i++) {
    bool may_be_next = (done >> i & 1) == 0;
    for (unsigned k = 0; k < count && may_be_next; k++)
      may_be_next = (done >> k & 1) != 0 || k == i || ops[k].returned > ops[i].invoked;
    if (!may_be_next)
      continue;
    bool fits = ops[i].kind == LIN_PUT || ops[i].found == (state != 0);
    if (ops[i].kind == LIN_GET && ops[i].found)
      fits = ops[i].value == state;
    uint64_t after = ops[i].kind == LIN_GET ? state : ops[i].kind == LIN_PUT ? ops[i].value : 0;
    if (fits && try_all(ops, count, done | 1U << i, after))
      return true;
  }
  return false;
}

static void make_random(struct lin_op *ops, unsigned count, uint64_t *draws) {
  uint64_t times[2 * SMALL];
  for (unsigned i = 0; i < 2 * count; i++)
    times[i] = i + 1;
  for (unsigned i = 2 * count - 1; i > 0; i--) {
    unsigned k = rng_fastrandn(draws, i + 1);
    uint64_t t = times[i];
    times[i] = times[k];
    times[k] = t;
  }
  for (unsigned i = 0; i < count; i++) {
    uint64_t a = times[2 * i], b = times[2 * i + 1];
    struct lin_op *op = &ops[i];
    *op = (struct lin_op){.invoked = a < b ? a : b, .returned = a < b ? b : a, .key = 1};
    op->kind = (enum lin_kind)rng_fastrandn(draws, 3);
    op->found = op->kind != LIN_PUT && rng_fastrandn(draws, 2) == 0;
    if (op->kind == LIN_PUT || (op->kind == LIN_GET && op->found))
      op->value = 1 + rng_fastrandn(draws, 3);
  }
}

static void test_every_order(void **state) {
  (void)state;
  uint64_t draws = 1, good = 0, rounds = test_scaled(40000);
  for (uint64_t i = 0; i < rounds; i++) {
    struct lin_op ops[SMALL];
    unsigned count = 1 + rng_fastrandn(&draws, SMALL);
    make_random(ops, count, &draws);
    bool wanted = try_all(ops, count, 0, 0);
    good += wanted;
    if (lin_check(ops, count).ok != wanted)
      fail_msg("history %llu: the checker does not say %d", (unsigned long long)i, wanted);
  }
  assert_in_range(good, rounds / 20, rounds - rounds / 20);
}

/* Long histories with an order, and the same with one result changed to what cannot be. */
static void test_long(void **state) {
  (void)state;
  enum { COUNT = 3000, OVERLAP = 4 };
  static struct lin_op ops[COUNT];
  uint64_t draws = 2, value = 0;
  for (unsigned broken = 0; broken < 2; broken++) {
    for (uint64_t i = 0; i < COUNT; i++) {
      struct lin_op *op = &ops[i];
      uint64_t instant = 1000 + i * 100;
      *op = (struct lin_op){.key = 9, .kind = (enum lin_kind)rng_fastrandn(&draws, 3)};
      op->invoked = instant - rng_fastrandn(&draws, 100 * OVERLAP) / 100 * 100 - 1;
      op->returned = instant + rng_fastrandn(&draws, 100 * OVERLAP) / 100 * 100 + 1;
      op->invoked = op->invoked * COUNT + i;
      op->returned = op->returned * COUNT + i;
      op->found = op->kind != LIN_PUT && value != 0;
      op->value = op->kind == LIN_PUT ? i + 1 : op->kind == LIN_GET ? value : 0;
      if (op->kind == LIN_PUT)
        value = i + 1;
      if (op->kind == LIN_REMOVE)
        value = 0;
    }
    value = 0;
    if (broken) {
      unsigned i = COUNT - 10;
      while (ops[i].kind != LIN_GET)
        i--;
      ops[i].found = true;
      ops[i].value = COUNT + 5; /* nobody put that */
    }
    struct lin_verdict v = lin_check(ops, COUNT);
    assert_int_equal(v.ok, broken == 0);
    assert_int_equal(v.count, COUNT);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_good),
      cmocka_unit_test(test_bad),
      cmocka_unit_test(test_every_order),
      cmocka_unit_test(test_long),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* False sharing as a program would meet it: two goroutines on two Ps store to one cache line, or to
 * two. */
#include "runtime/model/plat_model.h"
#include "support.h"

enum { STORES = 20000, WORDS_A_LINE = 8 };

static PLAT_STATE struct at_u64 cells[4 * WORDS_A_LINE];

struct storing {
  struct go_waitgroup done;
  struct at_u32 next;      /* number of the goroutine that starts */
  uint32_t words_apart;
};

static void storer(struct go_g *g, void *arg, void *heap_arg) {
  struct storing *s = arg;
  (void)heap_arg;
  uint32_t number = at_u32_add_relaxed(&s->next, 1);
  struct at_u64 *cell = &cells[WORDS_A_LINE + number * s->words_apart];
  while (at_u32_load_relaxed(&s->next) < 2) { /* both at once, or nothing is shared */
    plat_relax();
    gc_poll(&g->mu);
  }
  for (uint64_t i = 0; i < STORES; i++) {
    at_u64_store_relaxed(cell, i);
    gc_poll(&g->mu);
  }
  go_waitgroup_done(g, &s->done);
}

static void store_main(struct go_g *g, void *arg, void *heap_arg) {
  struct storing *s = arg;
  (void)heap_arg;
  go_waitgroup_add(g, &s->done, 2);
  for (int i = 0; i < 2; i++) go_spawn(g, "storer", storer, s, NULL);
  go_waitgroup_wait(g, &s->done);
}

/* Virtual time, and the write misses of all Ps. */
static uint64_t run(uint32_t words_apart, uint64_t *misses) {
  struct storing s = {.words_apart = words_apart};
  struct plat_model_stats stats;
  test_go(2, store_main, &s);
  plat_model_stats_read(&stats);
  *misses = 0;
  for (uint32_t p = 0; p < 2; p++) {
    struct plat_model_misses m;
    plat_model_misses_read(p, &m);
    *misses += m.write;
  }
  return stats.end_ps;
}

static void test_false_sharing(void **state) {
  (void)state;
  uint64_t shared_misses, apart_misses;
  uint64_t shared_ps = run(1, &shared_misses);
  uint64_t apart_ps = run(WORDS_A_LINE, &apart_misses);
  assert_true(shared_misses > STORES);
  assert_true(apart_misses < STORES / 100);
  assert_true(shared_ps > 3 * apart_ps);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_false_sharing)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}

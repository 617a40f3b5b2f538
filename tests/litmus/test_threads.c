/* The litmus programs on real threads: those that hold under every schedule hold here. */
#include "runtime/plat.h"
#include "runtime/rng.h"
#include "sims/litmus/litmus.h"
#include "tests/support/test.h"

enum { RUNS = 200 };

static struct litmus_case now;
static const char *violated;

static int body(void *arg) {
  (void)arg;
  violated = litmus_run(&now);
  return 0;
}

static void sound_variants_hold(void **state) {
  (void)state;
  uint64_t rng = 1;
  for (uint32_t p = 0; p < LITMUS_PROGRAMS; p++) {
    const struct litmus_facts *facts = &litmus_facts[p];
    for (uint32_t v = 0; facts->variants[v].name != NULL; v++) {
      if ((facts->violating >> v & 1) != 0) continue;
      for (uint32_t i = 0; i < RUNS; i++) {
        now = (struct litmus_case){.program = (enum litmus_program)p, .variant = v};
        if (facts->heaps > 0) now.heap = rng_split(rng, 2 * i) % facts->heaps;
        if (facts->actions > 0) now.actions = rng_split(rng, 2 * i + 1) % facts->actions;
        assert_int_equal(plat_main(body, NULL), 0);
        assert_null(violated);
      }
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(sound_variants_hold)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}

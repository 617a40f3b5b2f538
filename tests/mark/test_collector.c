/* The whole collector under the real scheduler, verified at the end of every cycle.
 * covers gc.mark.strong, gc.mark.done */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "gc/barrier.h"
#include "tests/mark/graph.h"
#include "tests/mark/numbers.h"
#include "tests/mark/support.h"

static struct graph graph(uint64_t seed, uint64_t operations) {
  return (struct graph){.seed = seed, .goroutines = 4, .operations = test_scaled(operations),
                        .window = 500, .big = true};
}

static void test_procs(void **state) {
  (void)state;
  static const uint32_t procs[] = {1, 2, 4, 7};
  for (size_t i = 0; i < sizeof procs / sizeof procs[0]; i++) {
    struct graph what = graph(10 + i, 60000);
    struct run r = run_default(graph_main);
    struct outcome out;
    r.procs = procs[i];
    r.seed = 100 + i;
    r.gc.gogc = 50;
    r.arg = &what;
    run_expect_ok(&r, &out);
    assert_true(out.totals.cycles >= 3);
    assert_true(out.totals.wb_flushes > 0);
    assert_true(out.totals.bytes_freed > 0);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_procs),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "support.h"

static int call_body(void *arg) {
  void (**body)(void) = arg;
  (*body)();
  return 0;
}

void test_run(void (*body)(void)) { assert_int_equal(plat_main(call_body, &body), 0); }

static void run_in_child(void *arg) { plat_main(call_body, arg); }

struct test_death test_die(void (*body)(void)) { return test_run_child(run_in_child, &body); }

/* Shared by the tests of runtime/: running a body on either platform, and tests that must die. */
#ifndef TESTS_RUNTIME_SUPPORT_H
#define TESTS_RUNTIME_SUPPORT_H

/* clang-format off: cmocka.h needs these first */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */

#include "runtime/check.h"
#include "runtime/plat.h"

/* A body runs inside plat_main, in the model on a coroutine, where cmocka's longjmp must not go:
 * it checks with rt_assert. */
void test_run(void (*body)(void));

/* Runs body inside plat_main in a child process. */
struct test_death {
  bool exited;        /* the body returned, and the process ended normally */
  int kind;           /* the enum rt_end it died of; -1: none (a signal) */
  char message[1024];
};
struct test_death test_die(void (*body)(void));

/* full, scaled by the environment variable TEST_SCALE (percent, default 100); at least 1. */
uint64_t test_scaled(uint64_t full);

#endif

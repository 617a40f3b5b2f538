/* Shared by the tests of runtime/: running a body on either platform, and tests that must die. */
#ifndef TESTS_RUNTIME_SUPPORT_H
#define TESTS_RUNTIME_SUPPORT_H

#include "runtime/check.h"
#include "runtime/plat.h"
#include "tests/support/test.h"

/* A body runs inside plat_main, in the model on a coroutine, where cmocka's longjmp must not go:
 * it checks with rt_assert. */
void test_run(void (*body)(void));

/* Runs body inside plat_main in a child process. */
struct test_death test_die(void (*body)(void));

#endif

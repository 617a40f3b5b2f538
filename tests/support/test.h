/* Shared by all unit tests: cmocka, the scale of long tests, and runs that must end badly. */
#ifndef TESTS_SUPPORT_TEST_H
#define TESTS_SUPPORT_TEST_H

/* clang-format off: cmocka.h needs these first */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */

#include <stdbool.h>

/* How a body ended that ran in a child process. */
struct test_death {
  bool exited;        /* it returned, and the process ended normally */
  int kind;           /* the enum rt_end it died of; -1: none (a signal, or it lived) */
  char message[1024]; /* of that end */
};
/* Runs body(arg) in a child whose standard error is dropped. */
struct test_death test_run_child(void (*body)(void *arg), void *arg);

/* full, scaled by the environment variable TEST_SCALE (percent, default 100); at least 1. */
uint64_t test_scaled(uint64_t full);

#endif

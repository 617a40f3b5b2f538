/* Shared by the tests of sched/: running goroutines on either platform, and runs that must die. */
#ifndef TESTS_SCHED_SUPPORT_H
#define TESTS_SCHED_SUPPORT_H

/* clang-format off: cmocka.h needs these first */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */

#include "runtime/check.h"
#include "platform.h"
#include "sched/gmp.h"

/* Whether this is the model platform (one OS thread, virtual time); from meson. */
extern const bool test_is_model;

/* Runs main as goroutine 1 on procs Ps, with collector none, inside plat_main. A goroutine checks
 * with rt_assert: cmocka's longjmp must not leave its stack. */
void test_go(uint32_t procs, go_fn *main, void *arg);
/* The same with everything chosen; *totals may be NULL. */
void test_go_with(const struct go_config *config, go_fn *main, void *arg,
                  struct go_totals *totals);

/* Runs main like test_go in a child process. */
struct test_death {
  bool exited;        /* main returned and the process ended normally */
  int kind;           /* the enum rt_end it died of; -1: none */
  char message[1024];
};
struct test_death test_die(uint32_t procs, go_fn *main, void *arg);

/* full, scaled by the environment variable TEST_SCALE (percent, default 100); at least 1. */
uint64_t test_scaled(uint64_t full);

/* Polls and computes for so long, by the clock. */
void test_busy_ns(struct go_g *g, uint64_t ns);

/* Runs `body` for 1, 2, 4 and 8 Ps. */
#define TEST_FOR_PROCS(procs) for (uint32_t procs = 1; procs <= 8; procs *= 2)

#endif

/* Shared by the tests of sched/: running goroutines on either platform, and runs that must die. */
#ifndef TESTS_SCHED_SUPPORT_H
#define TESTS_SCHED_SUPPORT_H

#include "platform.h"
#include "runtime/check.h"
#include "sched/gmp.h"
#include "tests/support/test.h"

/* Whether this is the model platform (one OS thread, virtual time); from meson. */
extern const bool test_is_model;

/* Runs main as goroutine 1 on procs Ps, with collector none, inside plat_main. A goroutine checks
 * with rt_assert: cmocka's longjmp must not leave its stack. */
void test_go(uint32_t procs, go_fn *main, void *arg);
/* The same with everything chosen; *totals may be NULL. */
void test_go_with(const struct go_config *config, go_fn *main, void *arg,
                  struct go_totals *totals);

/* Runs main like test_go in a child process. */
struct test_death test_die(uint32_t procs, go_fn *main, void *arg);

/* Polls and computes for so long, by the clock. */
void test_busy_ns(struct go_g *g, uint64_t ns);

/* Runs `body` for 1, 2, 4 and 8 Ps. */
#define TEST_FOR_PROCS(procs) for (uint32_t procs = 1; procs <= 8; procs *= 2)

#endif

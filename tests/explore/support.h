/* Shared by the tests of searching schedules. */
#ifndef TESTS_EXPLORE_SUPPORT_H
#define TESTS_EXPLORE_SUPPORT_H

#include "sims/explore/search.h"
#include "sims/litmus/litmus.h"
#include "tests/support/test.h"

/* Prepares a litmus program at the moment when its threads have been started. */
void test_prepare(enum litmus_program program, uint32_t variant);
void test_prepare_case(const struct litmus_case *c);
/* The same for a body that calls plat_model_mark itself. */
void test_prepare_body(void (*body)(void));
void test_leave(void);

/* A search of what is prepared: one strategy, points of the program only, no limits. */
struct xp_config test_config(const char *strategy);

#endif

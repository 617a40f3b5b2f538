/* Litmus programs by name, for the tests of what becomes of a failing schedule. */
#ifndef TESTS_EXPLORE_WORLD_H
#define TESTS_EXPLORE_WORLD_H

#include "sims/explore/names_litmus.h"
#include "support.h"

/* Prepares a program; test_leave ends it. It fails (RT_END_VIOLATION) with what it violates. */
void world_prepare(const char *program, const char *variant);
void world_prepare_case(const struct litmus_case *c);
const struct litmus *world_program(void); /* the one prepared */
void world_config(struct xp_config *c);   /* points of the program only, no limits, few steps */
/* A failing run by a strategy with that seed; false: none in `runs`. */
bool world_find(const char *strategy, uint64_t seed, uint64_t runs, struct xp_run *r);

#endif

/* What differs between the platforms in these tests; platform_native.c or platform_model.c. */
#ifndef TESTS_SCHED_PLATFORM_H
#define TESTS_SCHED_PLATFORM_H

/* Before every plat_main: a fresh world. */
void test_platform_reset(void);

#endif

/* cmocka with the headers it wants to see before it. */
#ifndef TESTS_SCENARIO_UNIT_H
#define TESTS_SCENARIO_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* After the others. */
#include <cmocka.h>

#endif

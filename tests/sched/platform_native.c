#include "platform.h"

#include "support.h"

const bool test_is_model = false;

void test_platform_reset(void) {}

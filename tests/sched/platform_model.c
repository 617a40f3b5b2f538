#include "platform.h"

#include "runtime/model/plat_model.h"
#include "support.h"

const bool test_is_model = true;

void test_platform_reset(void) { plat_model_reset(); }

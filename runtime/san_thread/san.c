#include "san.h"

uint32_t san_fence_word;

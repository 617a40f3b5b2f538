#ifndef GC_CONCURRENT_LOOK_H
#define GC_CONCURRENT_LOOK_H

#include "gc/look.h"

extern const struct gc_look gc_concurrent_look;

#endif

/* The pacer of Go 1.19 (F5): goal by GOGC and memory limit, trigger by a cons/mark estimate that a
 * PI controller smooths, assist prices revised against an extrapolated heap. */
#ifndef GC_PACER_GO119_H
#define GC_PACER_GO119_H

#include "gc/pacer.h"

extern const struct gc_pacer_ops gc_pacer_go119;

#endif

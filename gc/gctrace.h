/* One collection cycle as the line Go 1.19 prints with GODEBUG=gctrace=1 (F7.1). */
#ifndef GC_GCTRACE_H
#define GC_GCTRACE_H

#include <stddef.h>

#include "gc/collector.h"

enum { GC_TRACE_LINE_MAX = 512, GC_TRACE_MS_MAX = 24 };

/* The whole line without a newline; cut off when n is too small (n > 0). */
void gc_cycle_format(const struct gc_cycle *c, char *buf, size_t n);

/* Nanoseconds as milliseconds with two significant digits, truncated (F7.5). */
void gc_trace_format_ms(uint64_t ns, char buf[static GC_TRACE_MS_MAX]);

#endif

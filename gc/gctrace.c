#include "gc/gctrace.h"

#include <inttypes.h>
#include <stdio.h>

#include "runtime/check.h"

void gc_trace_format_ms(uint64_t ns, char buf[static GC_TRACE_MS_MAX]) {
  if (ns >= 10000000) {
    snprintf(buf, GC_TRACE_MS_MAX, "%" PRIu64, ns / 1000000);
    return;
  }
  uint64_t x = ns / 1000; /* thousandths of a millisecond */
  if (x == 0) {
    snprintf(buf, GC_TRACE_MS_MAX, "0");
    return;
  }
  uint64_t unit = 1000;
  int decimals = 3;
  while (x >= 100) {
    x /= 10;
    unit /= 10;
    decimals--;
  }
  snprintf(buf, GC_TRACE_MS_MAX, "%" PRIu64 ".%0*" PRIu64, x / unit, decimals, x % unit);
}

static uint64_t mib(uint64_t bytes) { return bytes >> 20; }

void gc_cycle_format(const struct gc_cycle *c, char *buf, size_t n) {
  rt_assert(n > 0);
  uint64_t stop1 = c->mark_ns - c->start_ns;
  uint64_t stop2 = c->end_ns - c->mark_term_ns;
  uint64_t times[8] = {
      stop1,                            /* clock: the three phases */
      c->mark_term_ns - c->mark_ns,
      stop2,
      c->stop_procs * stop1,            /* cpu: stop, assists, background, idle, stop */
      c->assist_ns,
      c->dedicated_ns + c->fractional_ns,
      c->idle_ns,
      c->stop_procs * stop2,
  };
  char ms[8][GC_TRACE_MS_MAX];
  for (int i = 0; i < 8; i++) gc_trace_format_ms(times[i], ms[i]);
  uint64_t at_ms = c->since_init_ns / 1000000;
  snprintf(buf, n,
           "gc %" PRIu64 " @%" PRIu64 ".%03" PRIu64 "s %d%%: %s+%s+%s ms clock, "
           "%s+%s/%s/%s+%s ms cpu, %" PRIu64 "->%" PRIu64 "->%" PRIu64 " MB, %" PRIu64
           " MB goal, %" PRIu64 " MB stacks, %" PRIu64 " MB globals, %" PRIu32 " P%s",
           c->number, at_ms / 1000, at_ms % 1000, (int)(c->cpu_fraction * 100), ms[0], ms[1],
           ms[2], ms[3], ms[4], ms[5], ms[6], ms[7], mib(c->heap_start_bytes),
           mib(c->heap_end_bytes), mib(c->heap_marked_bytes), mib(c->heap_goal_bytes),
           mib(c->stack_bytes), mib(c->globals_bytes), c->procs, c->forced ? " (forced)" : "");
}

#include "runtime/check.h"

#include <stdarg.h>
#include <stdio.h>

#include "runtime/event.h"
#include "runtime/plat.h"

enum { CHECK_MESSAGE_BYTES = 1024, CHECK_LAST_EVENTS = 64 };

/* The handler belongs to the process, not to one run, so it is not PLAT_STATE: resetting the
 * model keeps it. The buffers are used by the one thread that plat_end_begin lets through. */
static struct at_u64 end_handler; /* an rt_end_handler *; 0: none */
static char end_message[CHECK_MESSAGE_BYTES];
static struct ev_record end_events[CHECK_LAST_EVENTS];

void rt_set_end_handler(rt_end_handler *handler) {
  at_quiet_store(&end_handler, (uintptr_t)handler);
}

static void print_event(const struct ev_record *r) {
  char line[160];
  const char *name = ev_name(r->code);
  snprintf(line, sizeof line, "  %12.6f ms  p%-3u g%-5u %-16s %llu %llu\n",
           (double)r->time_ns / 1e6, (unsigned)r->ring, (unsigned)r->goroutine,
           name == NULL ? "?" : name, (unsigned long long)r->a, (unsigned long long)r->b);
  plat_print(line);
}

static void print_last_events(void) {
  uint32_t count = ev_last(end_events, CHECK_LAST_EVENTS);
  if (count == 0) return;
  plat_print("last events, oldest first (time, P, goroutine, event, its two words):\n");
  for (uint32_t i = 0; i < count; i++) print_event(&end_events[i]);
}

_Noreturn static void end_run(enum rt_end kind) {
  rt_end_handler *handler = (rt_end_handler *)(uintptr_t)at_quiet_load(&end_handler);
  if (kind == RT_END_BUG || handler == NULL) {
    plat_print("tricolor: ");
    plat_print(end_message);
    plat_print("\n");
  }
  if (kind == RT_END_BUG) print_last_events();
  if (handler != NULL) handler(kind, end_message);
  plat_end_abort();
}

void rt_assert_fail(const char *expr, const char *file, int line) {
  plat_end_begin();
  snprintf(end_message, sizeof end_message, "%s:%d: assertion failed: %s", file, line, expr);
  end_run(RT_END_BUG);
}

void rt_die(const char *fmt, ...) {
  va_list args;
  plat_end_begin();
  va_start(args, fmt);
  vsnprintf(end_message, sizeof end_message, fmt, args);
  va_end(args);
  end_run(RT_END_BUG);
}

void rt_fatal(enum rt_end kind, const char *fmt, ...) {
  va_list args;
  plat_end_begin();
  va_start(args, fmt);
  vsnprintf(end_message, sizeof end_message, fmt, args);
  va_end(args);
  end_run(kind);
}

/* tricolor conform: holds an event log against the design's state machine. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "sims/cli.h"
#include "sims/conform.h"
#include "sims/memory.h"
#include "sims/protocol.h"
#include "sims/table.h"

static char *read_log(const char *path) {
  FILE *f = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
  size_t used = 0, room = 1 << 16, n = 0;
  char *text = sim_alloc(room);
  while (f != NULL && (n = fread(text + used, 1, room - used - 1, f)) > 0) {
    used += n;
    if (used + 1 == room) text = sim_resize(text, room *= 2);
  }
  bool is_read = f != NULL && !ferror(f);
  if (f != NULL && f != stdin) fclose(f);
  text[used] = '\0';
  if (is_read) return text;
  free(text);
  fprintf(stderr, "tricolor conform: %s: no such file, or it cannot be read\n", path);
  return NULL;
}

static void print_event(const struct conform_event *e, char *out, size_t bytes) {
  int used = snprintf(out, bytes, "%s", conform_event_name(e->code));
  if (e->goroutine != 0) {
    used += snprintf(out + used, bytes - (size_t)used, " of goroutine %u", e->goroutine);
  }
  snprintf(out + used, bytes - (size_t)used, " on P%u (%" PRIu64 " %" PRIu64 ")", e->ring, e->a,
           e->b);
}

static void print_verdict(const char *path, const struct conform_log *log,
                          const struct conform_result *r, bool color) {
  if (r->fits) {
    printf("%s: %sfits%s: %u events, %" PRIu64 " goroutines, %" PRIu64 " stops, %" PRIu64
           " collections, %" PRIu64 " mark restarts\n", path, sim_style_begin(SIM_GOOD, color),
           sim_style_end(SIM_GOOD, color), log->count, r->goroutines, r->stops, r->cycles,
           r->restarts);
    return;
  }
  char text[128];
  print_event(r->event, text, sizeof text);
  printf("%s:%u: %sdoes not fit%s: found %s, %.9f s after the log begins\n  expected %s\n", path,
         r->event->line, sim_style_begin(SIM_BAD, color), sim_style_end(SIM_BAD, color), text,
         (double)(r->event->time_ns - log->events[0].time_ns) / 1e9, r->expected);
}

static int judge_log(const char *path, bool color) {
  struct conform_log log = {.events = NULL};
  struct conform_result result;
  char error[CONFORM_TEXT];
  char *text = read_log(path);
  int status = TRI_EXIT_INPUT;
  if (text == NULL) return status;
  if (!conform_parse(&log, text, error)) {
    fprintf(stderr, "%s: %s\n", path, error);
  } else if (log.dropped > 0) {
    fprintf(stderr, "%s: the log lacks %" PRIu64 " events, which the rings had no room for: "
                    "it cannot be judged\n", path, log.dropped);
  } else if (log.count == 0) {
    fprintf(stderr, "%s: holds no events\n", path);
  } else {
    conform_check(&log, &result);
    print_verdict(path, &log, &result, color);
    status = result.fits ? TRI_EXIT_OK : TRI_EXIT_FAILED;
  }
  conform_log_free(&log);
  free(text);
  return status;
}

int sim_cmd_conform(struct sim_cli *cli, const struct sim_options *o) {
  int status = TRI_EXIT_OK;
  for (uint32_t i = 0; i < o->file_count; i++) {
    int one = judge_log(o->files[i], cli->color_out);
    if (one > status) status = one;
  }
  return status;
}

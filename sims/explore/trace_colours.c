/* What colour a watched object has, and what has changed it. A collector marks an object before it
 * queues it and takes it from the queue before it looks inside, so that what an observer sees at a
 * moment, marked and in no queue, may be an object still to be scanned. Here, afterwards, an object
 * is black from the moment on at which it was looked into last; if it waited and was not looked
 * into any more, it stays grey. */
#include <stdio.h>
#include <string.h>

#include "sims/explore/trace.h"

static bool is_marked(char colour) { return colour == 'G' || colour == 'B'; }

/* Settles the colours of one watched object while it is marked: events first..end-1. */
static void settle_interval(struct xp_trace *t, uint32_t watch, uint32_t first, uint32_t end) {
  uint32_t waited = end, scanned = end; /* the last time; end: never */
  for (uint32_t i = first; i < end; i++) {
    if (t->events[i].colours[watch] == 'G') waited = i;
    if (t->events[i].scans == watch) scanned = i;
  }
  if (waited == end && scanned == end) return; /* marked as it was made, or has no pointers */
  uint32_t black = scanned == end ? end : waited != end && waited > scanned ? end : scanned;
  for (uint32_t i = first; i < end; i++)
    t->events[i].colours[watch] = i < black ? 'G' : 'B';
}

static void settle(struct xp_trace *t, uint32_t watch) {
  for (uint32_t i = 0, end; i < t->count; i = end) {
    for (end = i + 1; end < t->count &&
                      is_marked(t->events[end].colours[watch]) ==
                          is_marked(t->events[i].colours[watch]);)
      end++;
    if (is_marked(t->events[i].colours[watch])) settle_interval(t, watch, i, end);
  }
}

void xp_trace_settle_colours(struct xp_trace *t) {
  for (uint32_t w = 0; w < t->names->watch_count; w++)
    if (t->names->scans != NULL && !t->names->watch[w].is_stack) settle(t, w);
}

/* ---- in words -------------------------------------------------------------------------------- */

static const char *change_text(bool is_stack, char from, char to) {
  if (is_stack) return to == 'B' ? "is scanned" : "is to be scanned";
  if (from == '-') return to == 'W' ? "is made, white" : "is made, black";
  switch (to) {
    case 'G': return "turns grey";
    case 'B': return from == 'G' ? "is scanned" : "turns black";
    case 'W': return "is white again";
    default: return "is freed";
  }
}

bool xp_trace_colour_text(const struct xp_trace *t, uint32_t first, uint32_t end, char *out,
                          size_t bytes) {
  size_t used = 0;
  out[0] = '\0';
  for (uint32_t w = 0; first > 0 && w < t->names->watch_count && used + 1 < bytes; w++) {
    char from = t->events[first - 1].colours[w], to = t->events[end - 1].colours[w];
    if (from == to) continue;
    int n = snprintf(out + used, bytes - used, "%s%s %s", used > 0 ? ", " : "",
                     t->names->watch[w].name, change_text(t->names->watch[w].is_stack, from, to));
    used += n > 0 ? (size_t)n : 0;
  }
  return used > 0;
}

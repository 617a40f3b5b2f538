/* Whether an event log is a path that the design allows: the life of goroutines and Ps, the phases
 * of a collection, stops of the world. The same automaton takes native logs and the model's.
 *
 * A log has a line for each event, TIME RING EVENT GOROUTINE A B (runtime/event.def), in order
 * within a ring only; "# dropped N" at its end if it lacks some. Rings are merged by time; where
 * times are equal, any order that is allowed will do.
 */
#ifndef SIMS_CONFORM_H
#define SIMS_CONFORM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CONFORM_TEXT = 512, CONFORM_RINGS_MAX = 1025 };

struct conform_event {
  uint64_t time_ns, a, b;
  uint32_t line;       /* in the log, from 1 */
  uint32_t goroutine;  /* 0: none */
  uint16_t ring, code; /* code: enum ev_code */
};

struct conform_log {
  struct conform_event *events; /* in the order of the file */
  uint32_t count, room;
  uint32_t rings;               /* 1 + the highest */
  uint64_t dropped;             /* events the log lacks, as it says itself */
};

/* Reads the text of a log. False: error says which line is none, and what is allowed. */
bool conform_parse(struct conform_log *log, char *text, char error[CONFORM_TEXT]);
void conform_log_free(struct conform_log *log);

struct conform_result {
  bool fits;
  const struct conform_event *event; /* the first that does not fit */
  char expected[CONFORM_TEXT];       /* instead of it */
  uint64_t cycles, stops, goroutines, restarts; /* met up to there */
};
void conform_check(const struct conform_log *log, struct conform_result *out);

const char *conform_event_name(uint16_t code);

#endif

/* A failing run, recorded operation by operation and told to a person: who did what to which
 * object, from which value to which, what colour everything had, and why it went wrong. */
#ifndef SIMS_EXPLORE_TRACE_H
#define SIMS_EXPLORE_TRACE_H

#include <stdio.h>

#include "sims/explore/schedule.h"

enum {
  XP_NAME = 64,        /* bytes of a name or a value's text */
  XP_WATCH_MAX = 12,   /* objects and stacks whose colours are shown */
  XP_ACTORS_MAX = 24,  /* columns */
  XP_ROWS_MAX = 25,
  XP_LINES_MAX = 16
};

/* An object, or a stack, whose colour is followed: W white, G grey, B black, '-' not there. */
struct xp_watch {
  char name[XP_NAME];  /* also what a value is called that refers to it */
  bool is_stack;
};

struct xp_lines {
  uint32_t count;
  char *line[XP_LINES_MAX];
};
void xp_lines_add(struct xp_lines *l, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void xp_lines_free(struct xp_lines *l);

struct xp_event;

/* What the operations of one kind of world mean. The first group is called between operations, with
 * the world as it is then: it reads memory as it lies and performs nothing visible. Texts are cut
 * to bytes. Members may be NULL. */
struct xp_names {
  void (*actor)(uint32_t thread, char *out, size_t bytes, void *arg);
  /* False: it has no name; the text of its site is shown instead. */
  bool (*object)(const struct plat_model_op *op, char *out, size_t bytes, void *arg);
  /* False: a number. For plain data the word may hold more than the operation touches. */
  bool (*value)(const struct plat_model_op *op, uint64_t word, char *out, size_t bytes, void *arg);
  char (*colour)(uint32_t watch, void *arg);
  /* The watched object whose pointers the operation reads for the marker; XP_WATCH_MAX: none. NULL:
   * colour says all there is (trace_colours.c). */
  uint32_t (*scans)(const struct plat_model_op *op, void *arg);
  const char *(*phase)(void *arg); /* static text; "mark" while stores must be recorded */
  bool (*is_broken)(void *arg);    /* the property is broken: what comes after is not told */

  /* Once, after the run has failed a first time, in the world as it was left: fills watch, lost
   * and path. The addresses are the same in the run that is recorded after it. */
  void (*examine)(struct xp_names *names, const struct plat_model_outcome *outcome);
  /* After the failure: why the store, which took away or put somewhere (overwritten is false) the
   * lost object during marking, did not shade it; false: not known. */
  bool (*reason)(const struct xp_event *store, bool overwritten, char *out, size_t bytes,
                 void *arg);

  struct xp_watch watch[XP_WATCH_MAX];
  uint32_t watch_count;
  uint32_t lost;       /* index of the watched object that is lost; watch_count: none */
  bool is_small;       /* every step of the program is worth telling */
  const char *faults;  /* that are switched on, for the reasons; NULL or "": none */
  struct xp_lines path; /* how what is broken is reached, in names */
  void *arg;
};

/* One executed operation. */
struct xp_event {
  uint32_t step;       /* 1.. */
  uint32_t thread, actor, site;
  enum plat_op kind;
  uint32_t bytes;      /* of the values; 0: it has none */
  uint32_t scans;      /* index of the watched object it scans; XP_WATCH_MAX: none */
  bool is_preemption;  /* the thread that ran before could have gone on */
  bool is_switch;      /* a thread was chosen that did not run before */
  bool is_needed;      /* happens before the failure */
  bool has_object;
  uint64_t object, before, after;
  char *name, *before_text, *after_text;
  const char *phase;
  char colours[XP_WATCH_MAX + 1]; /* after it, in order of watch */
};

struct xp_row {
  uint32_t step, actor;
  bool is_preemption;
  char *text;
  char colours[XP_WATCH_MAX + 1];
};

/* Owns everything it points to. Zeroed before xp_trace_record. */
struct xp_trace {
  struct plat_model_outcome outcome;
  struct xp_names *names;
  struct xp_event *events;
  uint32_t count, room;
  char actors[XP_ACTORS_MAX][XP_NAME];
  uint32_t actor_count;
  uint32_t switches, preemptions;
  struct xp_row *rows;
  uint32_t row_count, row_room;
  struct xp_lines why;
  uint64_t *point_hashes;        /* trace hash after every 16 points */
  uint32_t hash_count, hash_room;
  uint32_t *point_threads;       /* by point: who went on */
  uint32_t point_count, point_room;
};

/* Runs s twice in the prepared world: once to see what fails, once to record. True: it failed, both
 * times alike. names outlives *t; like it, it lies outside the world, in malloc's memory or on the
 * caller's stack: a variable of the executable would be put back with the world. */
bool xp_trace_record(struct xp_trace *t, const struct xp_schedule *s, const struct xp_config *c,
                     struct xp_names *names);
void xp_trace_free(struct xp_trace *t);

/* trace_colours.c: corrects the colours of all events, with hindsight. */
void xp_trace_settle_colours(struct xp_trace *t);
/* "X turns grey": what has changed from before event first up to before event end; false:
 * nothing. */
bool xp_trace_colour_text(const struct xp_trace *t, uint32_t first, uint32_t end, char *out,
                          size_t bytes);
/* trace_slice.c: marks what happens before the last event (program order, and the order of
 * operations on one object of which one writes). */
void xp_trace_slice(struct xp_trace *t);
/* trace_rows.c: chooses and words the rows, and the lines that say why. */
void xp_trace_tell(struct xp_trace *t);
/* The text of an event: "A.f: B -> nil", "locks m0". */
void xp_event_text(const struct xp_event *e, char *out, size_t bytes);
bool xp_event_writes(const struct xp_event *e);

/* trace_perfetto.c: all of it in the Chrome trace format, a step as a microsecond. False: writing
 * failed. */
bool xp_trace_perfetto(const struct xp_trace *t, FILE *out);

#endif

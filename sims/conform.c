#include "sims/conform.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sims/memory.h"
#include "sims/suggest.h"

/* Names and codes as the engines know them; the runtime itself is not linked. */
enum code {
#define EV(code, name, doc, a, b) EV_##name = (code),
#include "runtime/event.def"
#undef EV
};
static const struct { uint16_t code; const char *name; } names[] = {
#define EV(code, name, doc, a, b) {(code), #name},
#include "runtime/event.def"
#undef EV
};
enum { NAMES = sizeof names / sizeof names[0], B_MAX = 64 };

const char *conform_event_name(uint16_t code) {
  for (uint32_t i = 0; i < NAMES; i++) {
    if (names[i].code == code) return names[i].name;
  }
  return "?";
}

/* ---- reading a log ---- */

static bool find_name(const char *text, uint16_t *code, char *error) {
  struct sim_suggest near = {.typed = text};
  for (uint32_t i = 0; i < NAMES; i++) {
    if (strcmp(names[i].name, text) == 0) {
      *code = names[i].code;
      return true;
    }
    sim_suggest_offer(&near, names[i].name);
  }
  snprintf(error, CONFORM_TEXT, "found \"%.40s\", allowed: the name of an event%s%s%s", text,
           near.best != NULL ? " (did you mean " : "", near.best != NULL ? near.best : "",
           near.best != NULL ? "?)" : "");
  return false;
}

static bool read_number(char **text, uint64_t max, uint64_t *out) {
  char *end = NULL;
  if (**text < '0' || **text > '9') return false;
  *out = strtoull(*text, &end, 10);
  bool fits = *out <= max && (*end == ' ' || *end == '\0');
  *text = *end == ' ' ? end + 1 : end;
  return fits;
}

static bool read_line(char *line, struct conform_event *e, char *error) {
  uint64_t ring = 0, goroutine = 0;
  char *p = line;
  bool fits = read_number(&p, UINT64_MAX, &e->time_ns) &&
              read_number(&p, CONFORM_RINGS_MAX - 1, &ring);
  char *name = p;
  p += strcspn(p, " ");
  if (fits && *p == ' ') {
    *p++ = '\0';
    if (!find_name(name, &e->code, error)) return false;
    fits = read_number(&p, UINT32_MAX, &goroutine) && read_number(&p, UINT64_MAX, &e->a) &&
           read_number(&p, UINT64_MAX, &e->b) && *p == '\0';
  } else {
    fits = false;
  }
  e->ring = (uint16_t)ring;
  e->goroutine = (uint32_t)goroutine;
  if (fits) return true;
  snprintf(error, CONFORM_TEXT, "found what is no event, allowed: TIME RING EVENT GOROUTINE A B");
  return false;
}

static void add_event(struct conform_log *log, const struct conform_event *e) {
  log->events = sim_grow(log->events, &log->room, log->count, sizeof *log->events);
  log->events[log->count++] = *e;
  if (e->ring >= log->rings) log->rings = e->ring + 1u;
}

bool conform_parse(struct conform_log *log, char *text, char error[CONFORM_TEXT]) {
  static const char dropped[] = "# dropped ";
  uint32_t number = 1;
  *log = (struct conform_log){.events = NULL};
  for (char *line = text, *next = NULL; *line != '\0'; line = next, number++) {
    size_t length = strcspn(line, "\n");
    next = line + length + (line[length] == '\n');
    line[length] = '\0';
    struct conform_event e = {.line = number};
    char why[CONFORM_TEXT];
    if (strncmp(line, dropped, sizeof dropped - 1) == 0) {
      log->dropped = strtoull(line + sizeof dropped - 1, NULL, 10);
    } else if (read_line(line, &e, why)) {
      add_event(log, &e);
    } else {
      snprintf(error, CONFORM_TEXT, "line %u: %.480s", number, why);
      return false;
    }
  }
  return true;
}

void conform_log_free(struct conform_log *log) {
  free(log->events);
  *log = (struct conform_log){.events = NULL};
}

/* ---- the automaton ---- */

enum life { LIFE_NONE, LIFE_RUNNABLE, LIFE_RUNNING, LIFE_LEFT, LIFE_WAITING, LIFE_DEAD };
static const char *const life_words[] = {
  "not created", "runnable", "running", "leaving its P", "blocked", "over",
};

/* LEFT: another goroutine has its P; whether it blocks, ends or only gave way is still to be told,
 * and for giving way there is no event. */
struct goroutine {
  enum life life;
  uint16_t ring;
  uint8_t worker;  /* mode of the mark worker that it is just now; 0: none */
  bool assists;
};

struct ring {
  uint32_t current;  /* goroutine that has the P; 0: none, or not known */
  uint32_t leaving;  /* the one before, until its end is told */
  uint32_t taken;    /* an idle mark worker the P took: it must begin */
  bool is_p;         /* goroutines run there: not sysmon's */
  uint32_t next;     /* index into order, of the next event */
  uint32_t end;
};

enum stop { STOP_NONE, STOP_REQUESTED, STOP_DONE };

struct automaton {
  const struct conform_log *log;
  struct ring ring[CONFORM_RINGS_MAX];
  uint32_t *order;               /* events by ring, in the order of the file */
  struct goroutine *goroutines;  /* by id, below log->count + 2 */
  uint32_t phase;                /* 0 off, 1 mark, 2 mark termination */
  uint64_t begun, ended, swept;  /* cycles */
  enum stop stop;
  uint16_t stopper;              /* ring that stops the world */
  const struct conform_event *early; /* first of another P since; right only if it runs again */
  uint64_t growing[B_MAX + 1];   /* growths begun, by B */
  const struct conform_event *blamed;
  char expected[CONFORM_TEXT];
  const struct conform_event *passed_over; /* did not fit when it was its turn; the two are why */
  const struct conform_event *passed_blamed;
  char passed_expected[CONFORM_TEXT];
  struct conform_result *result;
};

static bool refuse(struct automaton *a, const struct conform_event *e, const char *format, ...)
  __attribute__((format(printf, 3, 4)));

/* Always false. */
static bool refuse(struct automaton *a, const struct conform_event *e, const char *format, ...) {
  va_list args;
  va_start(args, format);
  vsnprintf(a->expected, sizeof a->expected, format, args);
  va_end(args);
  a->blamed = e;
  return false;
}

/* NULL: no id that a goroutine of this log can have. */
static struct goroutine *goroutine_at(struct automaton *a, uint64_t id) {
  return id > 0 && id < (uint64_t)a->log->count + 2 ? &a->goroutines[id] : NULL;
}

static bool has_life(struct automaton *a, const struct conform_event *e, uint64_t id,
                     uint32_t allowed, struct goroutine **out) {
  struct goroutine *g = goroutine_at(a, id);
  enum life life = g != NULL ? g->life : LIFE_NONE;
  *out = g;
  if (g != NULL && (allowed >> life & 1) != 0) return true;
  char list[128] = "";
  for (uint32_t i = 0; i <= LIFE_DEAD; i++) {
    if ((allowed >> i & 1) == 0) continue;
    size_t used = strlen(list);
    snprintf(list + used, sizeof list - used, "%s%s", used > 0 ? " or " : "", life_words[i]);
  }
  return refuse(a, e, "goroutine %" PRIu64 " %s; it is %s", id, list, life_words[life]);
}

/* Whoever emits it has the P. */
static bool is_by_current(struct automaton *a, const struct conform_event *e) {
  const struct ring *r = &a->ring[e->ring];
  if (e->goroutine != 0 && r->current == e->goroutine) return true;
  return refuse(a, e, "an event of goroutine %u, which has P%u (0: none)", r->current, e->ring);
}

/* ---- goroutines ---- */

static void give_up_p(struct automaton *a, uint32_t id, enum life life) {
  struct goroutine *g = &a->goroutines[id];
  struct ring *r = &a->ring[g->ring];
  if (r->current == id) r->current = 0;
  if (r->leaving == id) r->leaving = 0;
  g->life = life;
}

static bool on_create(struct automaton *a, const struct conform_event *e) {
  struct goroutine *g = NULL;
  if (e->goroutine != 0 && !is_by_current(a, e)) return false;
  if (!has_life(a, e, e->a, 1 << LIFE_NONE, &g)) return false;
  g->life = LIFE_RUNNABLE;
  a->result->goroutines++;
  return true;
}

/* Runnable, or one that gave way without an event; a mark worker is taken as it waits. */
static bool on_run(struct automaton *a, const struct conform_event *e) {
  struct ring *r = &a->ring[e->ring];
  struct goroutine *g = NULL;
  const uint32_t allowed =
    1 << LIFE_RUNNABLE | 1 << LIFE_RUNNING | 1 << LIFE_LEFT | 1 << LIFE_WAITING;
  if (!has_life(a, e, e->a, allowed, &g)) return false;
  bool is_worker = g->life == LIFE_WAITING;
  if (is_worker && a->phase != 1) {
    return refuse(a, e, "goroutine %" PRIu64 " runnable; it is blocked, and no mark worker outside "
                        "marking", e->a);
  }
  if (g->life == LIFE_RUNNING || g->life == LIFE_LEFT) give_up_p(a, (uint32_t)e->a, LIFE_RUNNABLE);
  if (r->current != 0) {
    a->goroutines[r->current].life = LIFE_LEFT;
    r->leaving = r->current;
  }
  *g = (struct goroutine){LIFE_RUNNING, e->ring, g->worker, g->assists};
  r->current = (uint32_t)e->a;
  r->taken = is_worker ? r->current : 0;
  return true;
}

/* Blocked or ended: told when it has left its stack, perhaps after the next has the P. */
static bool on_leave(struct automaton *a, const struct conform_event *e) {
  const struct ring *r = &a->ring[e->ring];
  bool is_here = e->a != 0 && (r->current == e->a || r->leaving == e->a);
  if (!is_here) {
    return refuse(a, e, "goroutine %u or %u, which has or just had P%u", r->current, r->leaving,
                  e->ring);
  }
  give_up_p(a, (uint32_t)e->a, e->code == EV_go_park ? LIFE_WAITING : LIFE_DEAD);
  return true;
}

/* Blocked; or, while marking, put aside for the scan of its stack, which has no event. */
static bool on_ready(struct automaton *a, const struct conform_event *e) {
  struct goroutine *g = NULL;
  uint32_t allowed = 1 << LIFE_WAITING;
  if (a->phase == 1) allowed |= 1 << LIFE_RUNNING | 1 << LIFE_LEFT;
  if (!has_life(a, e, e->a, allowed, &g)) return false;
  give_up_p(a, (uint32_t)e->a, LIFE_RUNNABLE);
  return true;
}

static bool on_preempt(struct automaton *a, const struct conform_event *e) {
  if (!is_by_current(a, e)) return false;
  give_up_p(a, e->goroutine, LIFE_RUNNABLE);
  return true;
}

static bool on_steal(struct automaton *a, const struct conform_event *e) {
  struct goroutine *g = NULL;
  const uint32_t allowed = 1 << LIFE_RUNNABLE | 1 << LIFE_RUNNING | 1 << LIFE_LEFT;
  if (e->a == e->ring) return refuse(a, e, "another P as the victim");
  return has_life(a, e, e->goroutine, allowed, &g);
}

/* ---- stops ---- */

static bool on_stop_request(struct automaton *a, const struct conform_event *e) {
  if (!is_by_current(a, e)) return false;
  if (a->stop != STOP_NONE) {
    return refuse(a, e, "the end of the stop by P%u before another is asked for", a->stopper);
  }
  a->stop = STOP_REQUESTED;
  a->stopper = e->ring;
  a->early = NULL;
  return true;
}

static bool on_stop_done(struct automaton *a, const struct conform_event *e) {
  struct goroutine *g = NULL;
  if (!is_by_current(a, e)) return false;
  if (a->stop != STOP_REQUESTED || a->stopper != e->ring) {
    return refuse(a, e, "a request by P%u first", e->ring);
  }
  if (e->a != 0 && !has_life(a, e, e->a, ~(1u << LIFE_NONE), &g)) return false;
  a->stop = STOP_DONE;
  a->result->stops++;
  return true;
}

static bool on_stop_end(struct automaton *a, const struct conform_event *e) {
  if (!is_by_current(a, e)) return false;
  if (a->stop != STOP_DONE || a->stopper != e->ring) {
    return refuse(a, e, "a stop by P%u first", e->ring);
  }
  a->stop = STOP_NONE;
  return true;
}

/* Within a stop by this P; so what others did since it began, they did while stopped. */
static bool is_in_stop(struct automaton *a, const struct conform_event *e) {
  if (a->stop != STOP_DONE || a->stopper != e->ring) {
    return refuse(a, e, "%s only with the world stopped by P%u", conform_event_name(e->code),
                  e->ring);
  }
  if (a->early == NULL) return true;
  return refuse(a, a->early, "no event of P%u while the world is stopped by P%u, which it still is "
                "at line %u", a->early->ring, e->ring, e->line);
}

/* While the world is being stopped its stopper waits; while it is stopped all others do. What a
 * barrier buffer holds is flushed on the P's behalf, too. */
static bool respects_stop(struct automaton *a, const struct conform_event *e) {
  bool is_stopper = a->stopper == e->ring;
  if (a->stop == STOP_NONE || e->code == EV_gc_wb_flush) return true;
  if (a->stop == STOP_REQUESTED && is_stopper && e->code != EV_stop_done) {
    return refuse(a, e, "stop_done: P%u waits for the others to stop", e->ring);
  }
  bool is_switch = e->code == EV_go_run || e->code == EV_go_park || e->code == EV_go_steal ||
                   e->code == EV_go_exit || e->code == EV_go_preempt;
  if (a->stop == STOP_DONE && is_stopper && is_switch) {
    return refuse(a, e, "stop_end: goroutine %u keeps P%u until the world runs again",
                  a->ring[e->ring].current, e->ring);
  }
  bool is_other = a->stop == STOP_DONE && !is_stopper && a->ring[e->ring].is_p;
  if (is_other && a->early == NULL) a->early = e;
  return true;
}

/* ---- the collector ---- */

static bool on_cycle_begin(struct automaton *a, const struct conform_event *e) {
  if (!is_by_current(a, e)) return false;
  if (a->phase != 0 || a->begun != a->ended || e->a != a->ended + 1) {
    return refuse(a, e, "%s of cycle %" PRIu64, a->begun != a->ended ? "the end" : "the begin",
                  a->begun != a->ended ? a->begun : a->ended + 1);
  }
  a->begun = e->a;
  return true;
}

static bool on_phase(struct automaton *a, const struct conform_event *e) {
  static const uint32_t next[] = {1, 2, 0}; /* off, mark, mark termination */
  if (!is_by_current(a, e) || !is_in_stop(a, e)) return false;
  if (e->a != next[a->phase]) {
    return refuse(a, e, "phase %u after phase %u", next[a->phase], a->phase);
  }
  if (e->a == 1 && a->begun != a->ended + 1) return refuse(a, e, "gc_cycle_begin first");
  if (e->a == 1 && a->swept != a->ended) {
    return refuse(a, e, "gc_sweep_done of cycle %" PRIu64 " first", a->ended);
  }
  a->phase = (uint32_t)e->a;
  return true;
}

static bool on_cycle_end(struct automaton *a, const struct conform_event *e) {
  if (!is_by_current(a, e)) return false;
  if (a->phase != 0 || a->begun != a->ended + 1 || e->a != a->begun) {
    return refuse(a, e, a->phase != 0 ? "phase 0 first (cycle %" PRIu64 ")"
                                      : "the end of a cycle that has begun (%" PRIu64 ")",
                  a->begun);
  }
  a->ended = e->a;
  a->result->cycles++;
  return true;
}

static bool on_restart(struct automaton *a, const struct conform_event *e) {
  if (!is_by_current(a, e) || !is_in_stop(a, e)) return false;
  if (a->phase != 1 || e->a != a->begun) {
    return refuse(a, e, "the marking of cycle %" PRIu64, a->begun);
  }
  a->result->restarts++;
  return true;
}

static bool on_sweep_done(struct automaton *a, const struct conform_event *e) {
  if (a->phase == 0 && e->a == a->ended && a->swept + 1 == a->ended) {
    a->swept = e->a;
    return true;
  }
  if (a->phase != 0) return refuse(a, e, "no sweeping while marking");
  return refuse(a, e, a->swept == a->ended ? "no sweeping: cycle %" PRIu64 " is swept"
                                           : "the sweep of cycle %" PRIu64, a->ended);
}

static bool is_marking(struct automaton *a, const struct conform_event *e) {
  if (a->phase == 1) return true;
  return refuse(a, e, "%s only while marking; the phase is %u", conform_event_name(e->code),
                a->phase);
}

static bool on_worker_begin(struct automaton *a, const struct conform_event *e) {
  struct ring *r = &a->ring[e->ring];
  if (!is_by_current(a, e) || !is_marking(a, e)) return false;
  struct goroutine *g = &a->goroutines[e->goroutine];
  if (g->worker != 0) return refuse(a, e, "the end of goroutine %u's work first", e->goroutine);
  if (e->a < 1 || e->a > 3) return refuse(a, e, "mode 1, 2 or 3");
  g->worker = (uint8_t)e->a;
  r->taken = 0;
  return true;
}

static bool on_worker_end(struct automaton *a, const struct conform_event *e) {
  struct goroutine *g = NULL;
  if (!has_life(a, e, e->goroutine, ~(1u << LIFE_NONE), &g) || !is_marking(a, e)) return false;
  if (g->worker == 0 || g->worker != e->a) {
    return refuse(a, e, "mode %u of goroutine %u (0: it does not work)", g->worker, e->goroutine);
  }
  g->worker = 0;
  return true;
}

static bool on_assist_begin(struct automaton *a, const struct conform_event *e) {
  if (!is_by_current(a, e) || !is_marking(a, e)) return false;
  struct goroutine *g = &a->goroutines[e->goroutine];
  if (g->assists) return refuse(a, e, "the end of goroutine %u's assist first", e->goroutine);
  g->assists = true;
  return true;
}

static bool on_assist_end(struct automaton *a, const struct conform_event *e) {
  struct goroutine *g = NULL;
  if (!has_life(a, e, e->goroutine, ~(1u << LIFE_NONE), &g)) return false;
  if (!g->assists) return refuse(a, e, "an assist of goroutine %u that has begun", e->goroutine);
  g->assists = false;
  return true;
}

/* ---- maps ---- */

static bool on_grow(struct automaton *a, const struct conform_event *e) {
  if (!is_by_current(a, e)) return false;
  if (e->a > B_MAX) return refuse(a, e, "B up to %d", B_MAX);
  a->growing[e->a]++;
  return true;
}

static bool on_grow_done(struct automaton *a, const struct conform_event *e) {
  if (!is_by_current(a, e)) return false;
  if (e->a > B_MAX || a->growing[e->a] == 0) {
    return refuse(a, e, "the end of a growth that has begun");
  }
  a->growing[e->a]--;
  return true;
}

/* ---- one event ---- */

static const struct {
  uint16_t code;
  bool (*rule)(struct automaton *a, const struct conform_event *e);
} rules[] = {
  {EV_gc_cycle_begin, on_cycle_begin},   {EV_gc_phase, on_phase},
  {EV_gc_cycle_end, on_cycle_end},       {EV_gc_worker_begin, on_worker_begin},
  {EV_gc_worker_end, on_worker_end},     {EV_gc_assist_begin, on_assist_begin},
  {EV_gc_assist_end, on_assist_end},     {EV_gc_mark_restart, on_restart},
  {EV_gc_sweep_done, on_sweep_done},     {EV_gc_wb_flush, is_marking},
  {EV_stop_request, on_stop_request},    {EV_stop_done, on_stop_done},
  {EV_stop_end, on_stop_end},            {EV_go_create, on_create},
  {EV_go_exit, on_leave},                {EV_go_park, on_leave},
  {EV_go_ready, on_ready},               {EV_go_preempt, on_preempt},
  {EV_go_run, on_run},                   {EV_go_steal, on_steal},
  {EV_map_grow, on_grow},                {EV_map_same_size_grow, on_grow},
  {EV_map_grow_done, on_grow_done},
};

/* Takes the event if the design allows it now; else a->blamed and a->expected say what is wrong. */
static bool take(struct automaton *a, const struct conform_event *e) {
  uint32_t taken = a->ring[e->ring].taken;
  if (!respects_stop(a, e)) return false;
  if (taken != 0 && taken == e->goroutine && e->code != EV_gc_worker_begin) {
    return refuse(a, e, "gc_worker_begin: P%u took goroutine %u, which was blocked, to mark",
                  e->ring, taken);
  }
  for (uint32_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
    if (rules[i].code == e->code) return rules[i].rule(a, e);
  }
  return refuse(a, e, "an event that the design knows");
}

/* ---- all events ---- */

static const struct conform_event *head(const struct automaton *a, const struct ring *r) {
  return r->next < r->end ? &a->log->events[a->order[r->next]] : NULL;
}

/* The ring whose next event is the earliest of those after `after` in (time, ring); NULL: none. */
static struct ring *earliest(struct automaton *a, const struct conform_event *after) {
  struct ring *best = NULL;
  for (uint32_t i = 0; i < a->log->rings; i++) {
    struct ring *r = &a->ring[i];
    const struct conform_event *e = head(a, r), *b = best != NULL ? head(a, best) : NULL;
    if (e == NULL || (b != NULL && b->time_ns <= e->time_ns)) continue;
    bool is_later = after == NULL || e->time_ns > after->time_ns ||
                    (e->time_ns == after->time_ns && e->ring > after->ring);
    if (is_later) best = r;
  }
  return best;
}

/* The earliest event does not fit now: others of the same time may have to come first. Should it
 * never fit, it is the reason of the first time that counts. */
static void pass_over(struct automaton *a, const struct conform_event *e) {
  if (a->passed_over == e) return;
  a->passed_over = e;
  a->passed_blamed = a->blamed;
  memcpy(a->passed_expected, a->expected, sizeof a->expected);
}

/* Takes the first event that fits among those that may be next. False: none does. */
static bool step(struct automaton *a) {
  const struct conform_event *first = NULL, *tried = NULL;
  for (struct ring *r = NULL; (r = earliest(a, tried)) != NULL;) {
    tried = head(a, r);
    if (first != NULL && tried->time_ns > first->time_ns) break;
    if (take(a, tried)) {
      r->next++;
      return true;
    }
    if (first == NULL) pass_over(a, tried);
    if (first == NULL) first = tried;
  }
  a->result->event = a->passed_blamed;
  memcpy(a->result->expected, a->passed_expected, sizeof a->passed_expected);
  return false;
}

/* Events by ring; within one, time must not go back. */
static bool sort_by_ring(struct automaton *a) {
  const struct conform_log *log = a->log;
  uint32_t *fill = sim_alloc(CONFORM_RINGS_MAX * sizeof *fill), used = 0;
  bool is_sorted = true;
  for (uint32_t i = 0; i < log->count; i++) a->ring[log->events[i].ring].end++;
  for (uint32_t i = 0; i < log->rings; i++) {
    uint32_t n = a->ring[i].end;
    fill[i] = a->ring[i].next = used;
    used += n;
    a->ring[i].end = used;
  }
  for (uint32_t i = 0; i < log->count; i++) {
    const struct conform_event *e = &log->events[i];
    struct ring *r = &a->ring[e->ring];
    bool is_first = fill[e->ring] == r->next;
    if (!is_first && log->events[a->order[fill[e->ring] - 1]].time_ns > e->time_ns && is_sorted) {
      refuse(a, e, "no earlier time than the event before it in ring %u", e->ring);
      a->result->event = e;
      memcpy(a->result->expected, a->expected, sizeof a->expected);
      is_sorted = false;
    }
    a->order[fill[e->ring]++] = i;
    if (e->code == EV_go_run) r->is_p = true;
  }
  free(fill);
  return is_sorted;
}

void conform_check(const struct conform_log *log, struct conform_result *out) {
  struct automaton *a = sim_alloc(sizeof *a);
  *out = (struct conform_result){.fits = true};
  a->log = log;
  a->result = out;
  a->order = sim_alloc((log->count + 1) * sizeof *a->order);
  a->goroutines = sim_alloc(((size_t)log->count + 2) * sizeof *a->goroutines);
  out->fits = sort_by_ring(a);
  for (uint32_t i = 0; i < log->count && out->fits; i++) out->fits = step(a);
  free(a->goroutines);
  free(a->order);
  free(a);
}

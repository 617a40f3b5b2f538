/* The model platform under a chooser: who could go on at a point, and runs from the mark on.
 *
 * INV model.point: between two calls of the chooser exactly one thread runs on from its point, up
 * to its next one; threads that were woken, or that wait in the middle of such a stretch, run
 * first.
 * Holds:      in explored runs.
 * Kept by:    model_choose_next(), which never asks the chooser while a thread is between points.
 * Checked by: points_are_of_chosen_classes (tests/runtime/test_explore.c).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plat_model_int.h"
#include "runtime/check.h"

enum {
  DEADLINES_MAX = 2000,    /* passing without a point in between: nothing gets on any more */
  LONG_TURN = 10000,       /* steps of one thread on end after which it gives way */
  LONG_STRETCH = 500,      /* steps without a point after which time passes */
  STEPS_MAX = 1 << 24      /* of a run whose hooks name no limit */
};

/* What outlives a run: in malloc's memory. explorer itself never changes while there is one. */
static struct explorer {
  struct plat_model_hooks hooks;
  struct plat_model_outcome *outcome; /* of the run under way; NULL: none */
  uint64_t step_max;
  uint8_t *is_point;                  /* by site */
  uint32_t classes;                   /* is_point was made for these, */
  bool is_everywhere;                 /* and everywhere, or */
  uint8_t *point_sites;               /* at these: a copy, for another table may lie where the last
                                       * one did */
  struct plat_model_point point;
  uint64_t keep_at;                   /* point; UINT64_MAX: none */
  struct model_thread *keeper;        /* has gone to the host for it; NULL: nobody */
  struct model_thread *kept_by[PLAT_MODEL_KEPT_MAX]; /* who was running; NULL: no moment */
  uint64_t cost_ps[PLAT_COST_COUNT];  /* before plat_model_prepare */
  const struct model_thread *ended_by; /* the last run; NULL: nobody in particular */
  struct judge *judge;
  struct model_thread *judged;        /* has gone to the host for a verdict; NULL: nobody */
  enum model_verdict verdict;
  uint64_t period;                    /* of a livelock */
  uint64_t runs;                      /* begun */
  int status;
} *explorer;

/* ---- kinds ----------------------------------------------------------------------------------- */

#define KIND(k) (1u << PLAT_OP_##k)

/* Operations that no other thread can tell apart from their absence, or that only ever happen in
 * one place of a program's order: no use in choosing before them. */
enum {
  NEVER_POINTS = KIND(FENCE) | KIND(THREAD_START) | KIND(THREAD_BEGIN) | KIND(THREAD_END) |
                 KIND(JOIN) | KIND(CLOCK) | KIND(RANDOM) | KIND(RELAX) | KIND(YIELD) | KIND(SLEEP),
  MAY_WAIT = KIND(LOCK) | KIND(WAIT) | KIND(WAIT_UNTIL) | KIND(JOIN) | KIND(SLEEP),
  GIVES_WAY = KIND(RELAX) | KIND(YIELD),
  ALWAYS_TOLD = MAY_WAIT | KIND(THREAD_START) | KIND(THREAD_BEGIN) | KIND(THREAD_END) |
                KIND(CLOCK) | KIND(RANDOM)
};

static inline bool is_point(const struct plat_model_op *op) {
  return (NEVER_POINTS >> op->kind & 1) == 0 && explorer->is_point[model_site_index(op->site)] != 0;
}

static inline bool is_enabled(const struct model_thread *t) {
  switch (t->pending.kind) {
    case PLAT_OP_LOCK: {
      const struct plat_mutex *m = t->wants;
      return m->owner == NULL || m->owner == t;
    }
    case PLAT_OP_WAIT:
      return ((const struct plat_note *)t->wants)->token;
    case PLAT_OP_WAIT_UNTIL:
      return ((const struct plat_note *)t->wants)->token ||
             t->deadline_ps <= plat_model_hot.clock_ps;
    case PLAT_OP_SLEEP:
      return t->deadline_ps <= plat_model_hot.clock_ps;
    case PLAT_OP_JOIN:
      return ((const struct model_thread *)t->wants)->state == MODEL_ENDED;
    default:
      return true;
  }
}

/* ---- the end of a run ------------------------------------------------------------------------ */

void model_end_run(enum plat_model_end end, int kind, const char *message) {
  struct plat_model_outcome *out = explorer->outcome;
  out->end = end;
  out->kind = kind;
  out->steps = model.stats.steps;
  out->points = model.points;
  out->trace_hash = model.stats.trace_hash;
  out->message[0] = '\0';
  if (message[0] != '\0') snprintf(out->message, sizeof out->message, "%s", message);
  explorer->outcome = NULL;
  explorer->ended_by = end == PLAT_MODEL_DONE || end == PLAT_MODEL_FAILED ? model.running : NULL;
  model_switch_to_host_last(model.running);
}

static void on_fatal(enum rt_end kind, const char *message) {
  bool is_deadlock = kind == RT_END_DEADLOCK;
  if (explorer->outcome == NULL) return;
  model_end_run(is_deadlock ? PLAT_MODEL_DEADLOCK : PLAT_MODEL_FAILED, (int)kind, message);
}

void plat_model_finish_run(void) {
  if (model.choosing) model_end_run(PLAT_MODEL_DONE, 0, "");
}

void plat_model_fail_run(int kind, const char *message) {
  if (model.choosing) model_end_run(PLAT_MODEL_FAILED, kind, message);
}

bool model_in_explored_run(void) { return explorer != NULL && explorer->outcome != NULL; }

uint64_t model_run_in_program(void) {
  if (model.preparing) return model.running == &model.host ? 0 : UINT64_MAX;
  bool is_model = !model_in_explored_run() || explorer->keeper != NULL || explorer->judged != NULL;
  return is_model ? 0 : explorer->runs;
}

_Noreturn static void end_blocked(enum plat_model_end end, const char *what) {
  char text[PLAT_MODEL_MESSAGE_BYTES], blocked[PLAT_MODEL_MESSAGE_BYTES - 100];
  model_describe_blocked(blocked, sizeof blocked);
  snprintf(text, sizeof text, "%s:%s", what, blocked);
  model_end_run(end, 0, text);
}

/* ---- who goes next --------------------------------------------------------------------------- */

static inline uint64_t bit_of(const struct model_thread *t) { return 1ull << t->slot; }

static bool has_deadline(const struct model_thread *t) {
  bool waits = t->pending.kind == PLAT_OP_WAIT_UNTIL || t->pending.kind == PLAT_OP_SLEEP;
  return waits && t->deadline_ps != UINT64_MAX;
}

static struct model_thread *earliest_deadline(void) {
  struct model_thread *best = NULL;
  for (uint32_t i = 0; i < model.live_count; i++) {
    struct model_thread *t = model.live[i];
    if (!has_deadline(t)) continue;
    if (best == NULL || t->deadline_ps < best->deadline_ps) best = t;
  }
  return best;
}

/* Time goes on by itself, and nothing else may: the next steps will tell. */
static void begin_judging(void) {
  if (model.is_judged) return;
  model.is_judged = true;
  model.look_at_steps = 0;
  model_judge_begin(explorer->judge);
}

/* Nobody is enabled: the earliest deadline comes. */
static struct model_thread *after_deadline(void) {
  struct model_thread *best = earliest_deadline();
  if (best == NULL) end_blocked(PLAT_MODEL_DEADLOCK, "deadlock: every thread is blocked");
  if (++model.deadlines > DEADLINES_MAX) begin_judging();
  if (best->deadline_ps > plat_model_hot.clock_ps) plat_model_hot.clock_ps = best->deadline_ps;
  return best;
}

static uint64_t enabled_threads(void) {
  uint64_t enabled = 0;
  for (uint32_t i = 0; i < model.live_count; i++)
    if (is_enabled(model.live[i])) enabled |= bit_of(model.live[i]);
  return enabled;
}

/* Those of enabled that have not to wait for others after a yield; all of them if none has. */
static uint64_t without_yielding(uint64_t enabled) {
  uint64_t ready = enabled;
  for (uint64_t left = model.yielding & enabled; left != 0; left &= left - 1) {
    const struct model_thread *t = &model.threads[__builtin_ctzll(left)];
    if ((t->yields_to & enabled) != 0) ready &= ~bit_of(t);
  }
  return ready != 0 ? ready : enabled;
}

/* What a gate leads to: a thread is enabled while that is NULL. */
static struct model_thread *const open, *const shut = &model.host;

static inline struct model_thread *const *gate_of(const struct model_thread *t) {
  if (t->pending.kind == PLAT_OP_LOCK) return &((const struct plat_mutex *)t->wants)->owner;
  if (t->pending.kind == PLAT_OP_JOIN) return &((const struct model_thread *)t->wants)->alive;
  return NULL;
}

/* t has announced an operation: where it stands until that happens. Who joins a thread that lives
 * is not looked at before that one ends. */
static inline void stand(struct model_thread *t) {
  uint64_t bit = 1ull << t->place;
  struct model_thread *const *gate = &open;
  if ((MAY_WAIT >> t->pending.kind & 1) != 0) gate = gate_of(t);
  bool joins = t->pending.kind == PLAT_OP_JOIN && *gate != NULL;
  model.gate[t->place] = gate;
  model.irregular = gate == NULL ? model.irregular | bit : model.irregular & ~bit;
  model.between = t->is_at_point || joins ? model.between & ~bit : model.between | bit;
}

void model_choose_joined(const struct model_thread *ended) {
  for (uint32_t i = 0; i < model.live_count; i++)
    if (model.gate[i] == &ended->alive) model.between |= 1ull << i;
}

/* Waits for a note or for time. */
static void look_at_irregular(void) {
  for (uint64_t left = model.irregular; left != 0; left &= left - 1) {
    uint32_t place = (uint32_t)__builtin_ctzll(left);
    model.gate[place] = is_enabled(model.live[place]) ? &open : &shut;
  }
}

/* A thread that is between points, enabled and allowed goes first. NULL: there is none. */
static inline struct model_thread *first_between(uint64_t allowed) {
  for (uint64_t left = model.between; left != 0; left &= left - 1) {
    uint32_t place = (uint32_t)__builtin_ctzll(left);
    struct model_thread *t = model.live[place];
    if (*model.gate[place] == NULL && (allowed >> t->slot & 1) != 0) return t;
  }
  return NULL;
}

/* Fills the point with the threads that are enabled: without branches on that, which no processor
 * foresees in a random schedule. */
static inline void fill_point(void) {
  struct plat_model_point *p = &explorer->point;
  const struct model_thread *last = model.last;
  struct model_thread *const *live = model.live, *const *end = live + model.live_count;
  uint32_t count = 0, running = UINT32_MAX;
  for (struct model_thread *const *const *gate = model.gate; live < end; live++, gate++) {
    const struct model_thread *t = *live;
    bool is_ready = **gate == NULL;
    p->op[count] = &t->pending;
    running = (is_ready & (t == last)) != 0 ? count : running;
    count += is_ready;
  }
  p->count = count;
  p->running = running < count ? running : count;
  p->number = model.points;
}

static inline struct model_thread *thread_of(const struct plat_model_op *op) {
  return (struct model_thread *)((uintptr_t)op - offsetof(struct model_thread, pending));
}

static void drop_forbidden(uint64_t allowed) {
  struct plat_model_point *p = &explorer->point;
  uint32_t count = 0, running = UINT32_MAX;
  for (uint32_t i = 0; i < p->count; i++) {
    if ((allowed >> thread_of(p->op[i])->slot & 1) == 0) continue;
    if (i == p->running) running = count;
    p->op[count++] = p->op[i];
  }
  p->count = count;
  p->running = running < count ? running : count;
}

static inline struct model_thread *ask(void) {
  const struct plat_model_point *p = &explorer->point;
  uint32_t chosen = 0;
  if (plat_unlikely(p->count == 0)) return after_deadline();
  if (p->count > 1 || explorer->hooks.every_point) {
    if (plat_unlikely(model.tired != 0)) explorer->point.tired = model.tired - 1;
    chosen = explorer->hooks.choose(p, explorer->hooks.arg);
    if (plat_unlikely(model.tired != 0)) explorer->point.tired = UINT32_MAX;
    model.tired = 0;
    if (plat_unlikely(chosen == PLAT_MODEL_CUT)) model_end_run(PLAT_MODEL_CUT_OFF, 0, "");
    rt_assert(chosen < p->count);
  }
  return thread_of(p->op[chosen]);
}

static inline bool is_told(const struct plat_model_op *op) {
  const uint8_t *sites = explorer->hooks.execute_sites;
  if (sites == NULL || (ALWAYS_TOLD >> op->kind & 1) != 0) return true;
  return sites[model_site_index(op->site)] != 0;
}

static inline void tell_execute(struct model_thread *t) {
  if (explorer->hooks.execute == NULL || !is_told(&t->pending)) return;
  t->pending.object = plat_model_object(t->pending.address);
  t->pending.clock_ps = plat_model_hot.clock_ps;
  explorer->hooks.execute(&t->pending, explorer->hooks.arg);
}

void model_tell_plain(const struct plat_model_plain *a) {
  if (explorer->hooks.plain != NULL) explorer->hooks.plain(a, explorer->hooks.arg);
}

/* t, which takes a step, does not yield any more, and no other thread waits for it to take one. */
static void end_yields_to(struct model_thread *t) {
  t->yields_to = 0;
  model.yielding &= ~bit_of(t);
  for (uint64_t left = model.yielding; left != 0; left &= left - 1)
    model.threads[__builtin_ctzll(left)].yields_to &= ~bit_of(t);
}

/* Steps beyond which time passes, as things are: it only ever rises until it is reached. */
static uint64_t end_of_stretch(void) {
  if (plat_unlikely(model.is_judged)) return 0; /* each step is looked at */
  uint64_t end = model.stretch_began_at + LONG_STRETCH;
  if (model.turn_began_at + LONG_TURN < end) end = model.turn_began_at + LONG_TURN;
  return end < explorer->step_max ? end : explorer->step_max;
}

/* Looked at only where it might have come: points come far more often. */
static bool is_long_stretch(void) {
  model.look_at_steps = end_of_stretch();
  return model.stats.steps > model.look_at_steps;
}

/* t takes the step it has announced. */
static __attribute__((always_inline)) inline void take_step(struct model_thread *t) {
  if (plat_unlikely(model.yielding != 0)) end_yields_to(t);
  if (t->is_at_point) {
    uint64_t h = model.stats.trace_hash ^
                 ((uint64_t)model_site_hash(t->pending.site) << 8 | t->id);
    h *= 0x9e3779b97f4a7c15ull;
    model.stats.trace_hash = h ^ h >> 32;
    model.points++;
    model.last = t;
    model.deadlines = 0;
    model.stretch_began_at = model.stats.steps;
    t->points++;
  }
  tell_execute(t);
}

static __attribute__((always_inline)) inline struct model_thread *choose_next(void) {
  uint64_t allowed = UINT64_MAX;
  if (plat_unlikely(model.yielding != 0)) allowed = without_yielding(enabled_threads());
  if (model.irregular != 0) look_at_irregular();
  struct model_thread *next = first_between(allowed);
  if (next == NULL) {
    fill_point();
    if (plat_unlikely(allowed != UINT64_MAX)) drop_forbidden(allowed);
    next = ask();
  }
  take_step(next);
  return next;
}

struct model_thread *model_choose_next(void) { return choose_next(); }

/* The running thread is not enabled again before each other enabled thread has taken a step. */
static void begin_yield(struct model_thread *self) {
  self->yields_to = enabled_threads() & ~bit_of(self);
  if (self->yields_to != 0) model.yielding |= bit_of(self);
}

static void go_on_with(struct model_thread *self, struct model_thread *next) {
  /* Also to itself, and without a branch on that: it costs less than foreseeing it wrong. */
  bool is_other = next != self;
  model.stats.switches += is_other;
  model.turn_began_at ^= (model.turn_began_at ^ model.stats.steps) & -(uint64_t)is_other;
  model.running = next;
  next->clock_ps = plat_model_hot.clock_ps;
  ctx_switch(&self->ctx, &next->ctx);
}

/* Threads that are enabled, or will be when their time comes. */
static uint64_t going_threads(void) {
  uint64_t going = enabled_threads();
  for (uint32_t i = 0; i < model.live_count; i++)
    if (has_deadline(model.live[i])) going |= bit_of(model.live[i]);
  return going;
}

/* The run is too long: ends it when it is known to be without end, or is judged long enough. Every
 * thread's registers are on its stack when the host looks. */
static void be_judged(struct model_thread *self) {
  char what[128];
  explorer->judged = self;
  model_switch_to_host(self);
  switch (explorer->verdict) {
    case MODEL_LIVELOCK:
      snprintf(what, sizeof what, "livelock: every thread goes on, and %llu steps later all is the "
               "same", (unsigned long long)explorer->period);
      end_blocked(PLAT_MODEL_LIVELOCK, what);
    case MODEL_TOO_LONG:
      snprintf(what, sizeof what, "too long: no end after %llu steps",
               (unsigned long long)model.stats.steps);
      end_blocked(PLAT_MODEL_TOO_LONG, what);
    case MODEL_UNDECIDED:
      break;
  }
}

/* A thread that polls for what others or time bring must keep neither from coming: after a long
 * stretch without a point, and after a long turn with points, the others go on, and every second
 * time the earliest deadline comes. That is fair, and no preemption. */
static __attribute__((noinline)) void pass_time(struct model_thread *self) {
  if (model.stats.steps > explorer->step_max) begin_judging();
  if (model.is_judged) be_judged(self);
  if (model.stats.steps >= model.turn_began_at + LONG_TURN) {
    model.turn_began_at += LONG_TURN;
    model.tired = self->id + 1;
  }
  model.stretch_began_at = model.stats.steps;
  bool is_time = ++model.long_stretches % 2 == 0 && earliest_deadline() != NULL;
  if (!is_time) begin_yield(self);
  struct model_thread *next = is_time ? after_deadline() : model_choose_next();
  if (is_time) take_step(next);
  go_on_with(self, next);
}

/* The world as it is now becomes a moment to begin at. */
static __attribute__((noinline)) void keep_moment(struct model_thread *self) {
  explorer->keep_at = UINT64_MAX;
  explorer->keeper = self;
  model_switch_to_host(self);
}

void model_choose_step(enum plat_op kind, const void *object, const struct plat_site *site) {
  struct model_thread *self = model.running;
  struct plat_model_op *op = &self->pending;
  op->kind = kind;
  op->address = object;
  op->site = site;
  op->point = self->points;
  self->is_at_point = is_point(op);
  if (plat_unlikely(++model.stats.steps > model.look_at_steps) && is_long_stretch()) {
    stand(self);
    pass_time(self);
    return;
  }
  if ((GIVES_WAY >> kind & 1) != 0) {
    begin_yield(self);
  } else if (!self->is_at_point && ((MAY_WAIT >> kind & 1) == 0 || is_enabled(self))) {
    tell_execute(self);
    return;
  }
  stand(self);
  if (plat_unlikely(model.points == explorer->keep_at)) keep_moment(self);
  go_on_with(self, choose_next());
}

/* ---- prepared worlds ------------------------------------------------------------------------- */

static struct explorer *explorer_new(void) {
  struct explorer *x = calloc(1, sizeof *x);
  if (x != NULL) x->is_point = calloc(plat_model_site_count(), 1);
  if (x != NULL) x->point_sites = calloc(plat_model_site_count(), 1);
  if (x != NULL) x->judge = model_judge_new();
  if (x == NULL || x->is_point == NULL || x->point_sites == NULL)
    rt_fatal(RT_END_NOMEM, "out of memory: no explorer");
  x->point.tired = UINT32_MAX;
  return x;
}

/* What happens before the mark, and so what is explored, must not depend on a table of costs that
 * was measured somewhere. A step is the unit; who is started or woken comes long after what the
 * other does next. */
static void plain_costs(void) {
  static const uint64_t plain_ps[PLAT_COST_COUNT] = {
      [PLAT_COST_step] = 1000,     [PLAT_COST_relax] = 30000,
      [PLAT_COST_wake] = 10000000, [PLAT_COST_thread_start] = 20000000,
  };
  memcpy(explorer->cost_ps, plat_model_hot.cost_ps, sizeof explorer->cost_ps);
  memcpy(plat_model_hot.cost_ps, plain_ps, sizeof plain_ps);
}

bool plat_model_prepare(int (*fn)(void *), void *arg, int *status) {
  rt_assert(explorer == NULL);
  explorer = explorer_new();
  plain_costs();
  model.preparing = true;
  model_start(fn, arg, &explorer->status);
  model.preparing = false;
  model_watch_tell();
  if (model.marked == NULL) {
    *status = explorer->status;
    plat_model_leave();
    return false;
  }
  rt_set_end_handler(on_fatal);
  model_image_take();
  return true;
}

/* Threads keep what they have announced; who waited in the timed schedule is found by looking. */
static void leave_timed_schedule(void) {
  while (model.queue_count > 0) model_queue_pop();
  for (uint32_t i = 0; i < model.live_count; i++) model.live[i]->state = MODEL_RUNNABLE;
  for (uint32_t i = 0; i < PLAT_COST_COUNT; i++)
    if (i != PLAT_COST_relax) plat_model_hot.cost_ps[i] = 0;
  model.stats = (struct plat_model_stats){0};
}

void plat_model_mark(void) {
  struct model_thread *self = model.running;
  if (!model.preparing || self == &model.host) return;
  if (model.slots_used > PLAT_MODEL_CHOOSER_THREADS)
    rt_die("exploring takes at most %d threads", (int)PLAT_MODEL_CHOOSER_THREADS);
  model.preparing = false;
  model.marked = self;
  leave_timed_schedule();
  model_switch_to_host(self);
}

static void mark_points(void) {
  uint32_t classes = model.hooks.classes | 1u << PLAT_CLASS_PROGRAM;
  const uint8_t *sites = model.hooks.point_sites;
  uint32_t count = plat_model_site_count();
  bool is_known = explorer->classes == classes && explorer->is_everywhere == (sites == NULL) &&
                  (sites == NULL || memcmp(explorer->point_sites, sites, count) == 0);
  if (is_known) return;
  explorer->classes = classes;
  explorer->is_everywhere = sites == NULL;
  if (sites != NULL) memcpy(explorer->point_sites, sites, count);
  for (uint32_t i = 0; i < count; i++)
    explorer->is_point[i] = (uint8_t)(classes >> plat_model_class_of(plat_model_site_at(i)) & 1) &
                            (sites == NULL || sites[i] != 0);
}

void model_choose_new(struct model_thread *t) {
  t->is_at_point = is_point(&t->pending);
  stand(t);
}

static void begin_at_mark(void) {
  for (uint32_t i = 0; i < model.live_count; i++) model_choose_new(model.live[i]);
  model.choosing = true;
  model.stretch_began_at = model.turn_began_at = 0;
}

/* Keeps the moment for which a thread has left the world, and sends it back. */
static struct model_thread *keep_for(struct model_thread *keeper) {
  uint32_t slot = explorer->hooks.keep_in;
  explorer->kept_by[slot] = model_image_keep(slot) ? keeper : NULL;
  explorer->keeper = NULL;
  return keeper;
}

/* NULL: the world was left because the run is over. */
static struct model_thread *who_goes_back(void) {
  struct model_thread *judged = explorer->judged;
  if (explorer->keeper != NULL) return keep_for(explorer->keeper);
  if (judged == NULL) return NULL;
  explorer->judged = NULL;
  explorer->verdict = model_judge(explorer->judge, judged, going_threads(), &explorer->period);
  return judged;
}

static struct model_thread *first_of_run(uint32_t from) {
  if (from > 0) return explorer->kept_by[from - 1];
  begin_at_mark();
  return model.marked;
}

void plat_model_explore(struct plat_model_outcome *out) {
  rt_assert(explorer != NULL && model.hooks.choose != NULL);
  const struct plat_model_hooks *h = &explorer->hooks;
  mark_points();
  explorer->hooks = model.hooks;
  rt_assert(h->from == 0 || plat_model_has_kept(h->from - 1));
  explorer->step_max = h->step_max != 0 ? h->step_max : STEPS_MAX;
  explorer->keep_at = h->keep_at != 0 ? h->keep_at : UINT64_MAX;
  if (h->keep_at != 0) explorer->kept_by[h->keep_in] = NULL;
  model_image_restore(h->from);
  explorer->outcome = out;
  explorer->runs++;
  explorer->ended_by = NULL;
  struct model_thread *next = first_of_run(h->from);
  model.look_at_steps = end_of_stretch();
  out->begun_steps = model.stats.steps;
  out->begun_points = model.points;
  for (; next != NULL; next = who_goes_back()) model_enter_world(next);
  model.hooks = explorer->hooks;
  model_watch_tell();
}

bool plat_model_has_kept(uint32_t slot) {
  return slot < PLAT_MODEL_KEPT_MAX && explorer->kept_by[slot] != NULL;
}

uint32_t plat_model_pending(struct plat_model_op *out, uint32_t room) {
  uint32_t count = 0;
  for (uint32_t i = 0; i < model.live_count && count < room; i++)
    if (model.live[i] != explorer->ended_by) out[count++] = model.live[i]->pending;
  return count;
}

const struct plat_model_op *plat_model_between_points(uint32_t thread) {
  for (uint32_t i = 0; i < model.live_count; i++) {
    const struct model_thread *t = model.live[i];
    if (t->id != thread) continue;
    return t->is_at_point || t == explorer->ended_by ? NULL : &t->pending;
  }
  return NULL;
}

static uint64_t mix(uint64_t h, uint64_t value) {
  h = (h ^ value) * 0x9e3779b97f4a7c15ull;
  return h ^ h >> 32;
}

uint64_t plat_model_memory(void) {
  uint64_t h = mix(plat_model_hot.clock_ps, (uint64_t)model.next_id << 32 | model.deadlines);
  h = mix(mix(h, model.random_draws), model.long_stretches);
  if (model.stats.steps >= LONG_TURN) h = mix(h, model.stats.steps - model.turn_began_at);
  for (uint64_t left = model.yielding; left != 0; left &= left - 1) {
    uint32_t slot = (uint32_t)__builtin_ctzll(left);
    h = mix(mix(h, slot), model.threads[slot].yields_to);
  }
  return h;
}

void plat_model_leave(void) {
  rt_assert(explorer != NULL);
  model_image_drop();
  memcpy(plat_model_hot.cost_ps, explorer->cost_ps, sizeof explorer->cost_ps);
  free(explorer->is_point);
  free(explorer->point_sites);
  model_judge_free(explorer->judge);
  free(explorer);
  explorer = NULL;
  rt_set_end_handler(NULL);
  model.marked = NULL;
  model.choosing = model.ending = false;
  model.live_count = model.queue_count = model.queue_leaves = 0;
  plat_model_reset();
}

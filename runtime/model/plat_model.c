/* The model platform: announcing, scheduling, threads, time.
 *
 * INV model.time: operations happen in the order of (virtual clock, thread number).
 * Holds:      in the timed schedule (no chooser), inside plat_main.
 * Kept by:    plat_step(), which lets an announced operation happen only while no other runnable
 *             thread is before the announcer; a thread is woken at a clock not before its waker's.
 * Broken by:  nothing; what a thread does to memory of its own between two operations is unordered.
 * Checked by: model_time_is_ordered (tests/runtime/test_model.c).
 */
#include "plat_model.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "plat_model_int.h"
#include "runtime/check.h"
#include "runtime/rng.h"

enum { DEFAULT_NCPU = 1024, PS_PER_NS = 1000 };

struct model model = {
    .host = {.id = UINT32_MAX, .name = "host"},
    .running = &model.host,
};
struct plat_model_hot plat_model_hot = {
    .limit_ps = UINT64_MAX,
    .cost_ps =
        {
#define COST(name, picoseconds, doc) [PLAT_COST_##name] = (picoseconds),
#include "runtime/cost.def"
#undef COST
        },
};

/* ---- who runs -------------------------------------------------------------------------------- */

/* The running thread goes on while its clock is below this. A thread that is ending the run goes
 * on for ever, and so does what runs outside plat_main. */
static void refresh_limit(void) {
  uint64_t limit = UINT64_MAX;
  if (!model.ending && model.running != &model.host && model.queue_count > 0) {
    model_entry first = model_queue_first();
    limit = model_entry_key(first) + (model.running->id < model_entry_id(first));
  }
  plat_model_hot.limit_ps = limit;
}

static void advance_to(struct model_thread *t, uint64_t at_ps) {
  if (t->clock_ps >= at_ps) return;
  t->idle_ps += at_ps - t->clock_ps;
  t->clock_ps = at_ps;
}

/* Makes t the running thread as far as the books go; the caller switches stacks. */
void model_set_running(struct model_thread *t) {
  model.running = t;
  if (model.choosing) { /* one clock for all */
    t->clock_ps = plat_model_hot.clock_ps;
    return;
  }
  if (t->state == MODEL_TIMED) {
    advance_to(t, t->deadline_ps);
    t->state = MODEL_RUNNABLE;
  }
  plat_model_hot.clock_ps = t->clock_ps;
  refresh_limit();
}

void model_switch_to(struct model_thread *t) {
  struct model_thread *left = model.running;
  model.stats.switches++;
  model_set_running(t);
  ctx_switch(&left->ctx, &t->ctx);
}

void model_describe_blocked(char *text, size_t bytes) {
  size_t length = 0;
  text[0] = 0;
  for (uint32_t i = 0; i < model.live_count && length + 1 < bytes; i++) {
    const struct model_thread *t = model.live[i];
    const struct plat_site *s = t->pending.site;
    int n = snprintf(text + length, bytes - length, "%s %s: %s at %s:%u", i == 0 ? "" : ";",
                     t->name, s->what, s->file, (unsigned)s->line);
    length += n > 0 ? (size_t)n : 0;
  }
}

_Noreturn static void deadlock(void) {
  char text[900];
  model_describe_blocked(text, sizeof text);
  rt_fatal(RT_END_DEADLOCK, "deadlock: every thread is blocked:%s", text);
}

/* ---- announcing ------------------------------------------------------------------------------ */

void model_give_way(void) {
  struct model_thread *self = model.running;
  self->clock_ps = plat_model_hot.clock_ps;
  model_switch_to(model_queue_replace_first(self, self->clock_ps));
}

static inline void mix(uint64_t value) {
  uint64_t h = (model.stats.trace_hash ^ value) * 0x9e3779b97f4a7c15ull;
  model.stats.trace_hash = h ^ h >> 32;
}

/* In the timed schedule. Apart from plat_step(), which so saves no registers on its way. */
static __attribute__((noinline)) void timed_step(enum plat_op kind, const void *object,
                                                 const struct plat_site *site) {
  struct model_thread *self = model.running;
  plat_model_hot.clock_ps += plat_model_hot.cost_ps[PLAT_COST_step];
  model.stats.steps++;
  struct plat_model_op *op = &self->pending;
  op->kind = kind;
  op->object = model_object_id(object);
  op->address = object;
  op->site = site;
  plat_model_hot.clock_ps += model_line_access(kind, op->object, self->processor);
  mix(op->object ^ (uint64_t)model_site_hash(site) << 20 ^ (uint64_t)self->id << 8 ^ kind);
  if (plat_unlikely(model.hooks.observe != NULL)) {
    op->clock_ps = plat_model_hot.clock_ps;
    model.hooks.observe(op, model.hooks.arg);
  }
  if (plat_model_hot.clock_ps >= plat_model_hot.limit_ps) {
    op->clock_ps = plat_model_hot.clock_ps;
    model_give_way();
  }
}

void plat_step(enum plat_op kind, const void *object, const struct plat_site *site) {
  if (plat_unlikely(model.running == &model.host)) return;
  if (model.choosing)
    model_choose_step(kind, object, site);
  else
    timed_step(kind, object, site);
}

void plat_step_range(enum plat_op kind, const void *object, size_t bytes,
                     const struct plat_site *site) {
  model.running->pending.range_bytes = bytes > UINT32_MAX ? UINT32_MAX : (uint32_t)bytes;
  plat_step(kind, object, site);
}

void model_block(uint64_t deadline_ps) {
  struct model_thread *self = model.running;
  if (self == &model.host) rt_die("blocked outside plat_main: nobody could wake it");
  if (model.ending) plat_end_abort();
  rt_assert(!model.choosing); /* there a thread whose operation would block is never picked */
  self->clock_ps = plat_model_hot.clock_ps;
  self->deadline_ps = deadline_ps;
  self->state = deadline_ps == UINT64_MAX ? MODEL_BLOCKED : MODEL_TIMED;
  if (self->state == MODEL_TIMED) model_queue_push(self, deadline_ps);
  if (model.queue_count == 0) deadlock();
  struct model_thread *next = model_queue_pop();
  if (next == self) {
    model_set_running(self);
  } else {
    model_switch_to(next);
  }
}

void model_ready(struct model_thread *t, uint64_t at_ps) {
  if (model.choosing) return; /* enabled threads are found by looking */
  rt_assert(t->state == MODEL_BLOCKED || t->state == MODEL_TIMED);
  if (t->state == MODEL_TIMED) model_queue_remove(t);
  t->state = MODEL_RUNNABLE;
  advance_to(t, at_ps);
  model_queue_push(t, t->clock_ps);
  refresh_limit();
}

/* ---- threads --------------------------------------------------------------------------------- */

static const struct plat_site *begin_site(void) { return PLAT_SITE_("thread begins"); }
static const struct plat_site *end_site(void) { return PLAT_SITE_("thread ends"); }

static void host_goes_on(void) {
  model.running = &model.host;
  refresh_limit();
}

void model_switch_to_host_last(struct model_thread *self) {
  host_goes_on();
  ctx_switch_last(&self->ctx, &model.host.ctx);
}

void model_switch_to_host(struct model_thread *self) {
  host_goes_on();
  ctx_switch(&self->ctx, &model.host.ctx);
}

void model_enter_world(struct model_thread *t) {
  model_set_running(t);
  ctx_switch(&model.host.ctx, &t->ctx);
}

static uint64_t cpu_ps(const struct model_thread *t) {
  uint64_t clock = t == model.running ? plat_model_hot.clock_ps : t->clock_ps;
  return clock - t->start_ps - t->idle_ps;
}

static uint64_t close_gap(uint64_t places, uint32_t gap) {
  uint64_t below = (1ull << gap) - 1;
  return (places & below) | (places >> 1 & ~below);
}

static void leave_live(const struct model_thread *t) {
  uint32_t gap = t->place;
  model.live_count--;
  for (uint32_t i = gap; i < model.live_count; i++) {
    model.live[i] = model.live[i + 1];
    model.live[i]->place = i;
    if (model.choosing) model.gate[i] = model.gate[i + 1];
  }
  if (!model.choosing) return;
  model.irregular = close_gap(model.irregular, gap);
  model.between = close_gap(model.between, gap);
  model_choose_joined(t);
}

/* The last act of a thread: its stack is not used again once this has switched away. */
_Noreturn static void end_thread(struct model_thread *self) {
  struct model_thread *next = NULL;
  if (self->held.count != 0)
    rt_die("thread %s ends holding %s", self->name, self->held.lock[0]->name);
  plat_step(PLAT_OP_THREAD_END, self, end_site());
  self->clock_ps = plat_model_hot.clock_ps;
  self->state = MODEL_ENDED;
  self->alive = NULL;
  model.ended_cpu_ps += cpu_ps(self);
  if (self->clock_ps > model.stats.end_ps) model.stats.end_ps = self->clock_ps;
  leave_live(self);
  if (self->joiner != NULL) model_ready(self->joiner, self->clock_ps);
  if (model.live_count == 0) {
    if (model.choosing) model_end_run(PLAT_MODEL_DONE, 0, "");
    model_switch_to_host_last(self);
  }
  if (model.choosing) {
    next = model_choose_next();
  } else {
    if (model.queue_count == 0) deadlock();
    next = model_queue_pop();
  }
  model.stats.switches++;
  model_set_running(next);
  ctx_switch_last(&self->ctx, &next->ctx);
}

static void thread_entry(void *arg) {
  struct model_thread *self = arg;
  self->fn(self->arg);
  end_thread(self);
}

static void release_slot(struct model_thread *t) {
  ctx_finish(&t->ctx);
  t->id = UINT32_MAX;
  model.free_slots[model.free_count++] = t->slot;
}

/* NULL: no slot or no memory. start_ps: the new thread's first clock. */
static struct model_thread *create_thread(const char *name, void (*fn)(void *), void *arg,
                                          uint64_t start_ps) {
  size_t stack_bytes;
  uint32_t slot = model.slots_used;
  if (model.free_count > 0) {
    slot = model.free_slots[--model.free_count];
  } else if (model.choosing && slot == PLAT_MODEL_CHOOSER_THREADS) {
    return NULL;
  } else if (slot == PLAT_MODEL_THREADS_MAX) {
    return NULL;
  } else {
    model.slots_used++;
  }
  struct model_thread *t = &model.threads[slot];
  void *stack = model_stack(slot, &stack_bytes);
  memset(t, 0, sizeof *t);
  t->slot = slot;
  if (stack == NULL) {
    model.free_slots[model.free_count++] = slot;
    return NULL;
  }
  ctx_init(&t->ctx, stack, stack_bytes, thread_entry, t);
  t->clock_ps = t->start_ps = start_ps;
  t->id = model.next_id++;
  t->processor = PLAT_MODEL_PROCESSORS - 1;
  t->state = MODEL_RUNNABLE;
  t->alive = t;
  t->pending = (struct plat_model_op){
      .kind = PLAT_OP_THREAD_BEGIN, .thread = t->id, .clock_ps = start_ps, .site = begin_site()};
  t->fn = fn;
  t->arg = arg;
  snprintf(t->name, sizeof t->name, "%s", name);
  t->place = model.live_count;
  model.live[model.live_count++] = t;
  if (model.choosing) model_choose_new(t);
  return t;
}

enum rt_err plat_thread_start_(struct plat_thread *t, const char *name, void (*fn)(void *),
                               void *arg, const struct plat_site *site) {
  if (model.running == &model.host) rt_die("thread %s is started outside plat_main", name);
  plat_step(PLAT_OP_THREAD_START, t, site);
  uint64_t start_ps =
      plat_model_hot.clock_ps + plat_model_hot.cost_ps[PLAT_COST_thread_start];
  t->thread = create_thread(name, fn, arg, start_ps);
  if (t->thread == NULL) return RT_ERR_THREAD;
  if (!model.choosing) {
    model_queue_push(t->thread, start_ps);
    refresh_limit();
  }
  return RT_OK;
}

void plat_thread_join_(struct plat_thread *t, const struct plat_site *site) {
  struct model_thread *target = t->thread;
  rt_assert(target != NULL && target->joiner == NULL && target != model.running);
  model.running->wants = target;
  plat_step(PLAT_OP_JOIN, t, site);
  if (target->state != MODEL_ENDED) {
    target->joiner = model.running;
    model_block(UINT64_MAX);
  }
  rt_assert(target->state == MODEL_ENDED);
  release_slot(target);
  t->thread = NULL;
}

void *plat_self(void) { return model.running->self; }
void plat_self_set(void *self) { model.running->self = self; }

void plat_on_processor(uint32_t index) {
  rt_assert(index < PLAT_MODEL_PROCESSORS - 1);
  model.running->processor = index;
}

/* A spinning thread must get on in virtual time even if the costs are configured as 0. */
void plat_relax_(enum plat_op kind, const struct plat_site *site) {
  uint64_t cost = plat_model_hot.cost_ps[PLAT_COST_relax];
  plat_model_hot.clock_ps += cost > 0 ? cost : 1;
  plat_step(kind, NULL, site);
}

void plat_sleep_ns_(uint64_t ns, const struct plat_site *site) {
  uint64_t ps = ns > UINT64_MAX / 4 / PS_PER_NS ? UINT64_MAX / 4 : ns * PS_PER_NS;
  model.running->deadline_ps = plat_model_hot.clock_ps + ps;
  if (!model.choosing) {
    model.running->idle_ps += ps;
    plat_model_hot.clock_ps += ps;
  }
  plat_step(PLAT_OP_SLEEP, NULL, site);
}

/* ---- time, randomness ------------------------------------------------------------------------ */

uint64_t plat_ticks_(const struct plat_site *site) {
  plat_step(PLAT_OP_CLOCK, NULL, site);
  return plat_model_hot.clock_ps;
}

uint64_t plat_now_ns_(const struct plat_site *site) {
  uint64_t ticks = plat_ticks_(site);
  plat_charge(PLAT_COST_clock, 1);
  return ticks / PS_PER_NS;
}

uint64_t plat_cpu_ns(void) {
  uint64_t sum = model.ended_cpu_ps;
  for (uint32_t i = 0; i < model.live_count; i++) sum += cpu_ps(model.live[i]);
  return sum / PS_PER_NS;
}

uint32_t plat_ncpu(void) { return model.configured ? model.config.ncpu : DEFAULT_NCPU; }

void plat_seed(uint64_t seed) {
  model.random_seed = seed;
  model.random_draws = 0;
}

uint64_t plat_random_u64_(const struct plat_site *site) {
  plat_step(PLAT_OP_RANDOM, NULL, site);
  return rng_split(model.random_seed, model.random_draws++);
}

/* ---- start-up and end ------------------------------------------------------------------------ */

static void init_tables(void) {
  if (model.threads != NULL) return;
  model_vm_init();
  size_t count = PLAT_MODEL_THREADS_MAX;
  model.threads = model_table(count * sizeof *model.threads);
  model.free_slots = model_table(count * sizeof *model.free_slots);
  model.live = model_table(count * sizeof(struct model_thread *));
  model.queue = model_table(2 * count * sizeof *model.queue);
  plat_model_snapshot();
}

static struct main_call {
  int (*fn)(void *);
  void *arg;
  int *status;
} main_call;

static void main_entry(void *arg) {
  (void)arg;
  *main_call.status = main_call.fn(main_call.arg);
}

void model_start(int (*fn)(void *), void *arg, int *status) {
  if (model.running != &model.host) rt_die("plat_main inside plat_main");
  init_tables();
  rt_assert(model.live_count == 0 && model.queue_count == 0);
  main_call = (struct main_call){fn, arg, status};
  model.slots_used = model.free_count = model.next_id = 0;
  model.ended_cpu_ps = 0;
  model.stats = (struct plat_model_stats){0};
  if (!model.choosing) {
    model_lines_begin();
    model_cache_begin();
  }
  plat_model_hot.clock_ps = 0;
  ctx_from_thread(&model.host.ctx);
  struct model_thread *first = create_thread("main", main_entry, NULL, 0);
  if (first == NULL) rt_fatal(RT_END_NOMEM, "out of memory: no stack for the first thread");
  model_enter_world(first);
}

int plat_main(int (*fn)(void *), void *arg) {
  int status = 0;
  model_start(fn, arg, &status);
  for (uint32_t i = 0; i < model.slots_used; i++)
    if (model.threads[i].id != UINT32_MAX) ctx_finish(&model.threads[i].ctx);
  return status;
}

/* The thread that ends the run goes on alone: what it does is no longer scheduled. */
void plat_end_begin(void) {
  if (model.ending) plat_end_abort();
  model.ending = true;
  model.choosing = false;
  refresh_limit();
}

void plat_end_abort(void) { abort(); }

void plat_print(const char *text) {
  size_t left = model_in_explored_run() ? 0 : strlen(text); /* thousands of runs may fail */
  while (left > 0) {
    ssize_t done = write(STDERR_FILENO, text, left);
    if (done < 0 && errno == EINTR) continue;
    if (done <= 0) return;
    text += done;
    left -= (size_t)done;
  }
}

/* ---- the handle ------------------------------------------------------------------------------ */

void plat_model_config_default(struct plat_model_config *c) {
  static const uint64_t cost_ps[] = {
#define COST(name, picoseconds, doc) [PLAT_COST_##name] = (picoseconds),
#include "runtime/cost.def"
#undef COST
  };
  c->ncpu = DEFAULT_NCPU;
  memcpy(c->cost_ps, cost_ps, sizeof cost_ps);
}

void plat_model_configure(const struct plat_model_config *c) {
  rt_assert(model.running == &model.host);
  rt_assert(c->ncpu > 0);
  model.config = *c;
  model.configured = true;
  memcpy(plat_model_hot.cost_ps, c->cost_ps, sizeof c->cost_ps);
}

void plat_model_set_hooks(const struct plat_model_hooks *hooks) {
  static const struct plat_model_hooks none;
  rt_assert(model.running == &model.host);
  model.hooks = hooks == NULL ? none : *hooks;
}

void plat_model_stats_read(struct plat_model_stats *out) { *out = model.stats; }

uint32_t plat_model_thread_number(const struct plat_thread *t) { return t->thread->id; }

uint32_t plat_model_next_thread(void) { return model.next_id; }

const char *plat_model_thread_name(uint32_t thread) {
  for (uint32_t i = 0; i < model.live_count; i++)
    if (model.live[i]->id == thread) return model.live[i]->name;
  return NULL;
}

void *plat_model_thread_self(uint32_t thread) {
  for (uint32_t i = 0; i < model.live_count; i++)
    if (model.live[i]->id == thread) return model.live[i]->self;
  return NULL;
}

const char *plat_model_op_name(enum plat_op kind) {
  static const char *const names[PLAT_OP_COUNT] = {
      [PLAT_OP_LOAD] = "load",
      [PLAT_OP_STORE] = "store",
      [PLAT_OP_RMW] = "rmw",
      [PLAT_OP_FENCE] = "fence",
      [PLAT_OP_SLOT_LOAD] = "slot-load",
      [PLAT_OP_SLOT_STORE] = "slot-store",
      [PLAT_OP_PLAIN_LOAD] = "plain-load",
      [PLAT_OP_PLAIN_STORE] = "plain-store",
      [PLAT_OP_LOCK] = "lock",
      [PLAT_OP_TRY_LOCK] = "try-lock",
      [PLAT_OP_UNLOCK] = "unlock",
      [PLAT_OP_WAIT] = "wait",
      [PLAT_OP_WAIT_UNTIL] = "wait-until",
      [PLAT_OP_WAKE] = "wake",
      [PLAT_OP_CLEAR] = "clear",
      [PLAT_OP_THREAD_START] = "thread-start",
      [PLAT_OP_THREAD_BEGIN] = "thread-begin",
      [PLAT_OP_THREAD_END] = "thread-end",
      [PLAT_OP_JOIN] = "join",
      [PLAT_OP_RELAX] = "relax",
      [PLAT_OP_YIELD] = "yield",
      [PLAT_OP_SLEEP] = "sleep",
      [PLAT_OP_CLOCK] = "clock",
      [PLAT_OP_RANDOM] = "random",
  };
  return kind < PLAT_OP_COUNT ? names[kind] : NULL;
}

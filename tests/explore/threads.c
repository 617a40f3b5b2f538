#include "tests/explore/threads.h"

#include "gc/concurrent/cycle.h"
#include "gc/concurrent/mark.h"
#include "gc/concurrent/worker.h"
#include "gc/sweep.h"
#include "runtime/lockrank.h"

static PLAT_STATE __attribute__((aligned(THREAD_PAGE))) struct {
  struct thread thread[THREADS_MAX];
  void (*fn[THREADS_MAX])(struct thread *);
  uint32_t count;
} w;
static PLAT_STATE struct at_u32 is_stopping;

struct thread *threads_at(uint32_t index) {
  rt_assert(index < w.count);
  return &w.thread[index];
}

static struct thread *thread_of(struct gc_mutator *mu) { return (struct thread *)(void *)mu; }
_Static_assert(offsetof(struct thread, g.mu) == 0, "thread_of");

/* ---- safepoints ------------------------------------------------------------------------------ */

void threads_enter(struct thread *t) {
  plat_mutex_lock_same_rank(&t->safe);
  plat_mutex_lock_same_rank(&t->still);
  gc_p_acquired(&t->p);
}

void threads_leave(struct thread *t) {
  plat_mutex_unlock(&t->still);
  plat_mutex_unlock(&t->safe);
}

/* Through the gate: who waits behind it, for this thread, goes first. */
static void safepoint(struct gc_mutator *self) {
  struct thread *t = thread_of(self);
  threads_leave(t);
  plat_mutex_lock_same_rank(&t->gate);
  plat_mutex_unlock(&t->gate);
  threads_enter(t);
}

/* Waits until t gives up *lock, one of its own, at a safepoint. */
static void take(struct thread *t, struct plat_mutex *lock) {
  plat_mutex_lock_same_rank(&t->gate);
  at_u32_or_acqrel(&t->p.attention, GC_ATTN_POLL); /* pairs with the inline gc_poll() */
  plat_mutex_lock_same_rank(lock);
  at_u32_and_acqrel(&t->p.attention, ~(uint32_t)GC_ATTN_POLL); /* others' bits stay */
  plat_mutex_unlock(&t->gate);
}

static void scannable_begin(struct gc_mutator *self) {
  plat_mutex_unlock(&thread_of(self)->still);
}

static void scannable_end(struct gc_mutator *self) {
  plat_mutex_lock_same_rank(&thread_of(self)->still);
}

static bool suspend(struct gc_mutator *self, struct gc_mutator *target) {
  rt_assert(self != target);
  take(thread_of(target), &thread_of(target)->still);
  return true;
}

static void resume(struct gc_mutator *target) { plat_mutex_unlock(&thread_of(target)->still); }

/* ---- all of them ----------------------------------------------------------------------------- */

static uint32_t procs(void) { return w.count; }

static struct gc_p *p_at(uint32_t index) { return &threads_at(index)->p; }

/* Another may be waiting for self's frames meanwhile: self counts as suspended, as anywhere in the
 * collector. */
static bool wait_begin(struct gc_mutator *self) {
  bool is_running = plat_mutex_held(&thread_of(self)->still);
  if (is_running) scannable_begin(self);
  return is_running;
}

static void wait_end(struct gc_mutator *self, bool began) {
  if (began) scannable_end(self);
}

static void stop(struct gc_mutator *self, const char *reason, struct gc_stop *out) {
  bool began = wait_begin(self);
  *out = (struct gc_stop){.reason = reason, .requested_ns = plat_now_ns()};
  at_u32_store_relaxed(&is_stopping, 1); /* a hint */
  for (uint32_t i = 0; i < w.count; i++)
    if (&w.thread[i] != thread_of(self)) take(&w.thread[i], &w.thread[i].safe);
  out->stopped_ns = plat_now_ns();
  wait_end(self, began);
}

static uint64_t start(struct gc_mutator *self, struct gc_stop *stop) {
  gc_p_acquired(self->p);
  at_u32_store_relaxed(&is_stopping, 0); /* a hint */
  for (uint32_t i = w.count; i-- > 0;)
    if (&w.thread[i] != thread_of(self)) plat_mutex_unlock(&w.thread[i].safe);
  stop->restarted_ns = plat_now_ns();
  return stop->restarted_ns;
}

static void record_stop(struct gc_mutator *self, const struct gc_stop *stop) {
  (void)self, (void)stop;
}

static bool stop_pending(void) { return at_u32_load_relaxed(&is_stopping) != 0; /* a hint */ }

/* One P after the other, in their order. */
static void for_each_p(struct gc_mutator *self, void (*fn)(struct gc_p *, void *), void *arg) {
  bool began = wait_begin(self);
  for (uint32_t i = 0; i < w.count; i++) {
    struct thread *t = &w.thread[i];
    if (t != thread_of(self)) take(t, &t->safe);
    fn(&t->p, arg);
    if (t != thread_of(self)) plat_mutex_unlock(&t->safe);
  }
  wait_end(self, began);
}

static uint64_t stacks_count(void) { return w.count; }

static struct gc_mutator *stack_at(uint64_t index) {
  return thread_mu(threads_at((uint32_t)index));
}

/* ---- waiting --------------------------------------------------------------------------------- */

static void park(struct gc_mutator *self, struct plat_mutex *unlock, const char *why) {
  struct thread *t = thread_of(self);
  (void)why;
  if (unlock != NULL) plat_mutex_unlock(unlock); /* the note remembers */
  threads_leave(t);
  plat_note_wait(&t->note);
  threads_enter(t);
}

static void ready(struct gc_mutator *self, struct gc_mutator *target, bool next) {
  (void)self, (void)next;
  plat_note_wake(&thread_of(target)->note);
}

static void shed_local(struct gc_mutator *self) { (void)self; }

/* No goroutine but those of the threads: workers and the sweeper are never taken from their pools,
 * the threads mark and sweep themselves. */
static struct gc_mutator *spawn(struct gc_mutator *self, const char *name,
                                void (*fn)(struct gc_mutator *, void *), void *arg) {
  (void)self, (void)name, (void)fn, (void)arg;
  return NULL;
}

/* ---- hints: no P has anything else to do ----------------------------------------------------- */

static void preempt_p(uint32_t index) { (void)index; }

static bool p_is_running(uint32_t index) {
  (void)index;
  return false;
}

static bool preempt_pending(struct gc_mutator *self) {
  return (at_u32_load_relaxed(&self->p->attention) & GC_ATTN_POLL) != 0; /* a hint */
}

static bool work_waiting(struct gc_mutator *self) {
  (void)self;
  return false;
}

static void wake_idle(void) {}

static const struct gc_world_ops ops = {
    .procs = procs,
    .p_at = p_at,
    .stop = stop,
    .start = start,
    .record_stop = record_stop,
    .for_each_p = for_each_p,
    .stacks_count = stacks_count,
    .stack_at = stack_at,
    .suspend = suspend,
    .resume = resume,
    .scannable_begin = scannable_begin,
    .scannable_end = scannable_end,
    .park = park,
    .ready = ready,
    .yield = safepoint,
    .shed_local = shed_local,
    .spawn = spawn,
    .preempt_p = preempt_p,
    .p_is_running = p_is_running,
    .preempt_pending = preempt_pending,
    .stop_pending = stop_pending,
    .work_waiting = work_waiting,
    .wake_idle = wake_idle,
    .safepoint = safepoint,
};

/* ---- their lives ----------------------------------------------------------------------------- */

static void init_thread(struct thread *t, uint32_t index) {
  static const char *const names[THREADS_MAX][3] = {{"gate 0", "safe 0", "still 0"},
                                                    {"gate 1", "safe 1", "still 1"},
                                                    {"gate 2", "safe 2", "still 2"}};
  gc_p_init(&t->p, index, index + 1);
  gc_mutator_init(thread_mu(t));
  thread_mu(t)->p = &t->p;
  thread_mu(t)->id = index + 1;
  plat_mutex_init(&t->gate, RT_RANK_TEST, names[index][0]);
  plat_mutex_init(&t->safe, RT_RANK_TEST, names[index][1]);
  plat_mutex_init(&t->still, RT_RANK_TEST, names[index][2]);
  plat_note_init(&t->note);
}

bool threads_begin(const struct gc_config *config, uint32_t count) {
  rt_assert(count > 0 && count <= THREADS_MAX);
  memset(&w, 0, sizeof w);
  w.count = count;
  if (gc_init(config, &ops) != RT_OK) return false;
  at_u32_init(&is_stopping, 0);
  for (uint32_t i = 0; i < w.count; i++) init_thread(&w.thread[i], i);
  gc_start(thread_mu(&w.thread[0]));
  return true;
}

static void run_thread(void *arg) {
  struct thread *t = arg;
  threads_enter(t);
  w.fn[t->p.index](t);
  threads_leave(t);
}

void threads_start(uint32_t index, const char *name, void (*fn)(struct thread *)) {
  struct thread *t = threads_at(index);
  w.fn[index] = fn;
  if (plat_thread_start(&t->thread, name, run_thread, t) != RT_OK)
    rt_fatal(RT_END_NOMEM, "no thread");
}

void threads_join(void) {
  for (uint32_t i = 0; i < w.count; i++) plat_thread_join(&w.thread[i].thread);
}

/* ---- a collection ---------------------------------------------------------------------------- */

static bool is_marking(void) {
  return at_u32_load_relaxed(&gc_flags.blacken_on) != 0; /* written in a stop */
}

/* As a worker does that was given a P. */
static void mark(struct gc_mutator *mu) {
  gc_worker_enter();
  scannable_begin(mu);
  gc_drain(mu, GC_DRAIN_CREDIT, plat_now_ns());
  scannable_end(mu);
  if (gc_worker_leave()) gc_mark_done(mu);
}

void threads_begin_cycle(struct thread *t) {
  uint32_t cycles = at_u32_load_relaxed(&gc_cc.cycles); /* written in a stop */
  gc_cycle_start(thread_mu(t), GC_TRIGGER_CYCLE, cycles + 1);
}

void threads_mark(struct thread *t) {
  while (is_marking()) {
    mark(thread_mu(t));
    if (is_marking()) gc_world_yield_waiting(thread_mu(t));
  }
}

void threads_collect(struct thread *t) {
  threads_begin_cycle(t);
  threads_mark(t);
  while (gc_sweep_one(&t->p) != GC_SWEEP_NONE) continue;
}

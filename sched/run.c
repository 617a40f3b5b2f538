/* One run from its configuration to the last joined thread; totals and hooks. */
#include "runtime/check.h"
#include "runtime/lockrank.h"
#include "runtime/meta.h"
#include "sched/gmp.h"

PLAT_STATE struct go_sched go_sched;

enum {
  DEFAULT_STACK_BYTES = 256 << 10,
  DEFAULT_SLICE_NS = 10000000,
  DEFAULT_THREADS = 10000
};

void go_config_default(struct go_config *c) {
  *c = (struct go_config){
      .procs = plat_ncpu(),
      .stack_bytes = DEFAULT_STACK_BYTES,
      .slice_ns = DEFAULT_SLICE_NS,
      .max_threads = DEFAULT_THREADS,
  };
}

/* ---- setting up ------------------------------------------------------------------------------ */

static uint32_t gcd(uint32_t a, uint32_t b) {
  while (b != 0) {
    uint32_t rest = a % b;
    a = b;
    b = rest;
  }
  return a;
}

static void make_room(uint32_t procs) {
  if (procs <= go_sched.p_room) return;
  struct go_p **p = rt_meta_alloc(procs * sizeof *p, sizeof *p);
  if (go_sched.p_room != 0) memcpy(p, go_sched.p, go_sched.p_room * sizeof *p);
  for (uint32_t i = go_sched.p_room; i < procs; i++)
    p[i] = rt_meta_alloc(sizeof **p, PLAT_CACHE_LINE);
  go_sched.p = p;
  go_sched.coprimes = rt_meta_alloc(procs * sizeof *go_sched.coprimes, 8);
  go_sched.p_room = procs;
}

static void init_ps(uint32_t procs) {
  make_room(procs);
  go_sched.procs = procs;
  go_sched.coprime_count = 0;
  for (uint32_t i = 1; i <= procs; i++)
    if (gcd(i, procs) == 1) go_sched.coprimes[go_sched.coprime_count++] = (uint16_t)i;
  for (uint32_t i = 0; i < procs; i++) {
    struct go_p *p = go_sched.p[i];
    memset(p, 0, sizeof *p);
    gc_p_init(&p->gc, i, rng_split(go_sched.rng_seed, i));
    plat_mutex_init(&p->timers.lock, RT_RANK_TIMER, "timers");
    p->runq.lone = procs == 1;
  }
  go_sched.lone = procs == 1 ? go_sched.p[0] : NULL;
}

/* What an earlier run left: its Ms, Ps and tables are used again, everything else is cleared. */
static void reset(const struct go_config *config) {
  go_g_forget_all();
  go_stack_release_all();
  struct go_sched old = go_sched;
  memset(&go_sched, 0, sizeof go_sched);
  go_sched.p = old.p;
  go_sched.p_room = old.p_room;
  go_sched.coprimes = old.coprimes;
  go_sched.first_m = old.first_m;
  memcpy(go_sched.all_chunk, old.all_chunk, sizeof old.all_chunk);
  go_sched.stop_hook = old.stop_hook;
  go_sched.stop_hook_arg = old.stop_hook_arg;
  go_sched.config = *config;
  go_sched.rng_seed = plat_random_u64();
}

static void init_locks(void) {
  plat_mutex_init(&go_sched.lock, RT_RANK_SCHED, "sched");
  plat_mutex_init(&go_sched.all_lock, RT_RANK_ALLG, "all goroutines");
  plat_note_init(&go_sched.stop_note);
  plat_note_init(&go_sched.safepoint_note);
  plat_note_init(&go_sched.timer_note);
  plat_note_init(&go_sched.sysmon_note);
  for (int i = 0; i < GO_SEMA_ROOTS; i++)
    plat_mutex_init(&go_sched.sema_root[i], RT_RANK_SYNC, "semaphore");
}

static void finish_locks(void) {
  for (int i = 0; i < GO_SEMA_ROOTS; i++) plat_mutex_destroy(&go_sched.sema_root[i]);
  for (uint32_t i = 0; i < go_sched.procs; i++) plat_mutex_destroy(&go_sched.p[i]->timers.lock);
  plat_note_destroy(&go_sched.sysmon_note);
  plat_note_destroy(&go_sched.timer_note);
  plat_note_destroy(&go_sched.safepoint_note);
  plat_note_destroy(&go_sched.stop_note);
  plat_mutex_destroy(&go_sched.all_lock);
  plat_mutex_destroy(&go_sched.lock);
}

/* ---- running --------------------------------------------------------------------------------- */

/* Parked until sysmon finds a collection due by time (F6.6.3). */
static void periodic_main(struct gc_mutator *mu, void *arg) {
  (void)arg;
  go_sched.periodic = go_from_mu(mu);
  for (;;) {
    at_u32_store_release(&go_sched.periodic_parked, 1); /* pairs with sysmon's exchange */
    go_park_why(go_from_mu(mu), NULL, "periodic collection (idle)", false);
    gc_periodic_run(mu);
  }
}

static void main_main(struct go_g *g, void *arg, void *heap_arg) {
  (void)heap_arg;
  go_spawn_system(&g->mu, "periodic", periodic_main, NULL);
  go_sched.main_fn(g, arg, NULL);
}

static void start_main(struct go_m *m, go_fn *main, void *arg) {
  struct go_g *g = go_g_new(m->p, "main");
  rt_assert(g->mu.id == 1);
  g->fn = main_main;
  g->arg = arg;
  go_sched.main_fn = main;
  go_g_prepare(g, NULL, NULL);
  go_count(&m->p->created);
  go_emit(m->p, EV_go_create, NULL, g->mu.id, 0);
  go_enqueue(m->p, g, true);
}

/* Every M is joined after the one that started it, which has a smaller index: when a thread has
 * been joined it can start no more, so the list ends where nothing follows. */
static void join_all(void) {
  for (struct go_m *m = go_sched.first_m;;) {
    plat_mutex_lock(&go_sched.lock);
    m = m == go_sched.last_m ? NULL : m->all_next;
    plat_mutex_unlock(&go_sched.lock);
    if (m == NULL) break;
    plat_thread_join(&m->thread);
  }
  plat_thread_join(&go_sched.sysmon);
}

/* Stacks of abandoned goroutines stay readable until the next run. */
static void abandon_goroutines(void) {
  uint64_t count = at_u64_load_relaxed(&go_sched.all_count); /* no other thread runs */
  for (uint64_t i = 0; i < count; i++) {
    struct go_g *g = go_g_at(i);
    rt_assert(g->mu.p == NULL);
    if (at_u32_load_relaxed(&g->status) == GO_DEAD) continue;
    ctx_finish(&g->ctx);
    at_ptr_store_relaxed(&g->saved_sp, NULL);
  }
}

enum rt_err go_run(const struct go_config *config, go_fn *main, void *arg) {
  rt_assert(config->procs >= 1 && config->procs <= GO_PROCS_MAX);
  reset(config);
  init_locks();
  go_stack_init(config->stack_bytes);
  go_chan_init();
  go_park_init();
  init_ps(config->procs);

  void *self_before = plat_self();
  gc_thread_enter();
  plat_mutex_lock(&go_sched.lock);
  struct go_m *m = go_m_new_locked();
  for (uint32_t i = config->procs - 1; i > 0; i--) go_idle_p_put_locked(go_sched.p[i]);
  plat_mutex_unlock(&go_sched.lock);
  plat_self_set(m);
  ctx_from_thread(&m->ctx);
  enum rt_err err = plat_thread_start(&go_sched.sysmon, "go-sysmon", go_sysmon_main, NULL);
  if (err == RT_OK) {
    go_p_acquire(m, go_sched.p[0]);
    start_main(m, main, arg);
    go_m_loop(m);
    rt_assert(m->p == NULL);
    join_all();
    abandon_goroutines();
  }
  plat_self_set(self_before);
  gc_thread_exit();
  for (uint32_t i = 0; i < config->procs; i++) gc_p_finish(&go_sched.p[i]->gc);
  finish_locks();
  return err;
}

/* ---- observation ----------------------------------------------------------------------------- */

uint64_t go_id(const struct go_g *g) { return g->mu.id; }
const char *go_name(const struct go_g *g) { return g->name; }

struct go_g *go_current(void) {
  struct go_m *m = plat_self();
  return m == NULL ? NULL : m->cur;
}

struct go_g *go_of_thread(const void *self, uint32_t *number) {
  const struct go_m *m = self;
  *number = m == NULL ? UINT32_MAX : m->index;
  return m == NULL ? NULL : m->cur;
}

void go_totals_read(struct go_totals *out) {
  *out = (struct go_totals){
      .stops = at_u64_load_relaxed(&go_sched.stops), /* a count */
      .threads = at_quiet_load(&go_sched.m_count),
  };
  for (uint32_t i = 0; i < go_sched.procs; i++) {
    const struct go_p *p = go_sched.p[i];
    out->goroutines_created += at_quiet_load(&p->created);
    out->switches += go_p_switches(p);
    out->steals += at_quiet_load(&p->steals);
    out->preemptions += at_quiet_load(&p->preemptions);
    out->parks += at_quiet_load(&p->parks);
  }
}

void go_set_stop_hook(go_stop_hook *hook, void *arg) {
  go_sched.stop_hook = hook;
  go_sched.stop_hook_arg = arg;
}

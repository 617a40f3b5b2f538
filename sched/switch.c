/* From one stack to the next: between a goroutine and its thread's loop, and from goroutine to
 * goroutine where the next one is at hand and nobody wants anything of the P.
 *
 * INV sched.left: a goroutine that leaves its stack is neither on its M nor, to others, at rest
 * until whatever runs next on that M has called arrive(): only then is its stack complete. Where
 * there are no others (sched.lone) it may be at rest before.
 * Kept by:    every place that comes out of ctx_switch calls arrive() before anything else.
 * Broken by:  an `after` function that ran while the goroutine's stack is still in use.
 * Checked by: the assertions of leave() and go_execute(); tests/sched/test_world.c (suspenders).
 */
#include "runtime/check.h"
#include "sched/gmp.h"

/* p is m->p in all of these; passed because the compiler cannot know that it stays. */
static inline void leave(struct go_m *m, struct go_p *p, struct go_g *g, go_after_fn *after) {
  rt_assert_hot(m->cur == g && m->left == NULL);
  m->cur = NULL;
  g->mu.p = NULL;
  p->last_ran = g;
  m->left = g;
  m->after = after;
}

static inline void arrive(struct go_m *m) {
  struct go_g *left = m->left;
  if (left == NULL) return; /* from the loop, or by hop_lone() */
  m->left = NULL;
  m->after(m, left);
}

/* ---- taking a goroutine ---------------------------------------------------------------------- */

static __attribute__((noinline)) void emit_run(struct go_p *p, struct go_g *g) {
  uint64_t waited = g->ready_ns == 0 ? 0 : plat_log_ns() - g->ready_ns;
  g->ready_ns = 0;
  go_emit(p, EV_go_run, g, g->mu.id, waited);
}

/* A request that was meant for the goroutine before is over; a mark worker would take it for its
 * own and stop at once, for ever. What concerns the whole P is asked for again (sched.poll). */
static __attribute__((noinline)) void drop_stale_poll(struct go_p *p) {
  at_u32_and_acqrel(&p->gc.attention, ~(uint32_t)GC_ATTN_POLL); /* pairs with go_poll_request */
  bool is_wanted = at_u32_load_acquire(&p->safepoint_fn) != 0 ||      /* for_each_p */
                   at_u32_load_acquire(&go_sched.stop_wanted) != 0 || /* pairs with stop */
                   at_u32_load_acquire(&go_sched.shutdown) != 0; /* pairs with begin_shutdown */
  if (is_wanted && !go_has_fault(GO_FAULT_PREEMPT_LOST)) go_poll_request(p);
}

/* Makes a runnable goroutine the M's own; false: a suspender holds it. */
static inline bool claim(struct go_g *g, bool is_lone) {
  uint32_t runnable = GO_RUNNABLE;
  if (is_lone) { /* (sched.lone) */
    if (at_u32_load_relaxed(&g->status) != runnable) return false;
    at_u32_store_relaxed(&g->status, GO_RUNNING);
    return true;
  }
  /* pairs with the release stores that made it runnable, and with go_resume */
  return at_u32_cas_acqrel(&g->status, &runnable, GO_RUNNING);
}

/* inherit: in the time slice of the goroutine before. */
static inline void begin_turn(struct go_p *p, bool inherit) {
  if (inherit)
    go_count(&p->inherits);
  else
    at_u64_store_relaxed(&p->tick, at_u64_load_relaxed(&p->tick) + 1); /* sysmon: a hint */
  plat_charge(PLAT_COST_switch, 1);
}

/* The claimed g is what m runs from here on. */
static inline void install(struct go_m *m, struct go_p *p, struct go_g *g, bool inherit) {
  rt_assert_hot(g->mu.p == NULL && p->m == m);
  g->mu.p = &p->gc;
  m->cur = g;
  at_u32_store_relaxed(&g->p_hint, p->gc.index + 1); /* a hint */
  begin_turn(p, inherit);
  if (at_u32_load_relaxed(&p->preempt) != 0) at_u32_store_relaxed(&p->preempt, 0);
  if (plat_unlikely((at_u32_load_relaxed(&p->gc.attention) & GC_ATTN_POLL) != 0))
    drop_stale_poll(p); /* a later one stays */
  if (plat_unlikely(at_u32_load_relaxed(&g->suspend_wanted) != 0)) go_poll_request(p);
  if (plat_unlikely(ev_on(EV_go_run))) emit_run(p, g);
}

/* ---- by way of the loop ---------------------------------------------------------------------- */

void go_execute(struct go_m *m, struct go_g *g, bool inherit) {
  if (plat_unlikely(!claim(g, go_p_is_lone(m->p)))) go_status_swap(g, GO_RUNNABLE, GO_RUNNING);
  install(m, m->p, g, inherit);
  if (plat_unlikely(m->has_hooks)) {
    gc_switch_begin(g->stack_low + g->stack_bytes);
    at_ptr_store_relaxed(&g->saved_sp, NULL); /* read with this thread stopped */
  }
  ctx_switch(&m->ctx, &g->ctx);
  if (plat_unlikely(m->has_hooks)) {
    struct go_g *left = m->left;
    at_ptr_store_relaxed(&left->saved_sp, left->ctx.sp); /* read with this thread stopped */
    gc_switch_end();
  }
  rt_assert_hot(m->cur == NULL && m->left != NULL); /* perhaps another one than was switched to */
  arrive(m);
}

void go_switch_out(struct go_g *g, go_after_fn *after) {
  struct go_m *m = go_m_of(g);
  bool has_hooks = m->has_hooks;
  leave(m, m->p, g, after);
  if (plat_unlikely(has_hooks)) gc_switch_begin(NULL);
  ctx_switch(&g->ctx, &m->ctx);
  if (plat_unlikely(has_hooks)) gc_switch_end();
  arrive(go_m_of(g)); /* another M may be running this now: m is stale */
}

void go_first_arrival(struct go_g *g) {
  struct go_m *m = go_m_of(g);
  if (plat_unlikely(m->has_hooks)) gc_switch_end();
  arrive(m);
}

_Noreturn void go_switch_out_last(struct go_g *g, go_after_fn *after) {
  struct go_m *m = go_m_of(g);
  leave(m, m->p, g, after);
  if (plat_unlikely(m->has_hooks)) gc_switch_begin(NULL);
  ctx_switch_last(&g->ctx, &m->ctx);
}

/* ---- straight to the next goroutine ---------------------------------------------------------- */

/* Whether the next goroutine may be looked for in the P's own queue alone, which then is what the
 * loop would do. Whoever wants something of the P sets GC_ATTN_POLL (sched.poll), marking sets
 * GC_ATTN_MARK on all of them, so one word tells of all that concerns the loop. A POLL that was
 * cleared at a safepoint without being served leaves by go_switch_out. */
static inline bool may_hop(const struct go_m *m, const struct go_p *p) {
  return at_u32_load_relaxed(&p->gc.attention) == 0 &&
         at_u64_load_relaxed(&p->timers.first_ns) == 0 && /* own sleepers, or a hint */
         !m->has_hooks && !go_is_global_turn(p);
}

/* It is its own successor: the bookkeeping of a switch without one. */
static __attribute__((noinline)) void hop_to_self(struct go_m *m, struct go_g *g, bool inherit) {
  arrive(m);
  go_status_swap(g, GO_RUNNABLE, GO_RUNNING);
  install(m, m->p, g, inherit);
}

/* Leaves g for next, taken from the own queue of p. */
static inline void hop(struct go_p *p, struct go_g *g, struct go_g *next, bool inherit,
                       go_after_fn *after) {
  struct go_m *m = p->m;
  leave(m, p, g, after);
  if (plat_unlikely(next == g)) {
    hop_to_self(m, g, inherit);
    return;
  }
  struct ctx *to = &next->ctx;
  if (plat_likely(claim(next, go_p_is_lone(p)))) {
    install(m, p, next, inherit);
  } else { /* waiting here could be waiting for what g does after leaving */
    m->next_g = next;
    m->next_inherits = inherit;
    to = &m->ctx;
  }
  ctx_switch(&g->ctx, to);
  arrive(go_m_of(g));
}

void go_switch_next(struct go_g *g, go_after_fn *after) {
  struct go_p *p = go_p_of(g);
  bool inherit = false;
  struct go_g *next = may_hop(p->m, p) ? go_runq_get(&p->runq, &inherit) : NULL;
  if (next != NULL)
    hop(p, g, next, inherit, after);
  else
    go_switch_out(g, after);
}

/* ---- yielding on the only P ------------------------------------------------------------------ */

/* INV sched.lone: with one P (go_sched.lone), its thread is the only one that takes goroutines from
 * queues, makes them run or suspends them, so that it needs no lock and no read-modify-write for
 * that, and a goroutine may be queued, runnable, just before it leaves its stack. Others (sysmon)
 * only ready parked ones onto the global queue. The goroutines that have yielded wait in
 * go_p.yielded, which is the older part of the global queue.
 * Kept by:    go_yield() appends there only while the global queue is empty; global_get_locked().
 * Broken by:  a thread without a P that takes from a queue or suspends.
 * Checked by: the assertion of hop_lone(); tests/sched/test_spawn.c (test_order); ThreadSanitizer.
 */
static inline bool may_hop_lone(const struct go_p *p) { return p != NULL && may_hop(p->m, p); }

static __attribute__((noinline)) void emit_turn(struct go_p *p, struct go_g *g,
                                                struct go_g *next) {
  go_stamp_ready(g);
  emit_run(p, next);
}

static inline void begin_turn_lone(struct go_p *p, struct go_g *g, struct go_g *next,
                                   bool inherit) {
  begin_turn(p, inherit);
  if (plat_unlikely(ev_on(EV_go_run))) emit_turn(p, g, next);
}

/* Leaves g, which is queued, for next, which is not any more. Nobody suspends a running goroutine
 * here, and a request that has come since may_hop_lone() is next's. */
static inline void hop_lone(struct go_p *p, struct go_g *g, struct go_g *next, bool inherit) {
  struct go_m *m = p->m;
  rt_assert_hot(m->cur == g && m->left == NULL && next->mu.p == NULL);
  rt_assert(at_u32_load_relaxed(&next->status) == GO_RUNNABLE);
  at_u32_store_relaxed(&g->status, GO_RUNNABLE);
  at_u32_store_relaxed(&next->status, GO_RUNNING);
  g->mu.p = NULL;
  next->mu.p = &p->gc;
  m->cur = next;
  begin_turn_lone(p, g, next, inherit);
  ctx_switch(&g->ctx, &next->ctx);
  arrive(go_m_of(g));
}

void go_yield_local(struct go_g *g) {
  struct go_p *p = go_sched.lone;
  struct go_g *next = may_hop_lone(p) ? go_runq_rotate_lone(&p->runq, g) : NULL;
  if (plat_likely(next != NULL))
    hop_lone(p, g, next, false);
  else
    go_switch_next(g, go_after_local);
}

/* The first of the yielded; the others the loop would fetch with it go to the own queue, whose
 * ring is empty (F6.2.5). */
static inline struct go_g *take_yielded(struct go_p *p) {
  struct go_g *g = go_list_pop(&p->yielded);
  rt_assert(go_runq_is_empty(&p->runq));
  for (uint32_t i = 1; i < GO_RUNQ_HALF && p->yielded.head != NULL; i++)
    go_runq_append_lone(&p->runq, go_list_pop(&p->yielded));
  return g;
}

void go_yield(struct go_g *g) {
  struct go_p *p = go_sched.lone;
  if (!may_hop_lone(p) || at_u64_load_relaxed(&go_sched.global_count) != 0) { /* a hint */
    go_switch_next(g, go_after_global);
    return;
  }
  bool inherit;
  struct go_g *next = go_runq_get_lone(&p->runq, &inherit);
  go_list_push(&p->yielded, g);
  if (next == NULL) next = take_yielded(p);
  if (plat_likely(next != g))
    hop_lone(p, g, next, inherit);
  else
    begin_turn_lone(p, g, g, false);
}

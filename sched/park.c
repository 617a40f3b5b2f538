/* Parking, readying and yielding. */
#include "runtime/check.h"
#include "sched/gmp.h"

/* After g has left its stack: from here on others may ready it. */
static void after_park(struct go_m *m, struct go_g *g) {
  go_count(&m->p->parks);
  go_emit(m->p, EV_go_park, g, g->mu.id, 0);
  struct plat_mutex *unlock = g->park_unlock;
  bool is_select = g->park_is_select;
  g->park_unlock = NULL;
  g->park_is_select = false;
  at_u32_store_release(&g->status, GO_WAITING); /* pairs with go_status_swap: its stack is left */
  if (unlock != NULL) plat_mutex_unlock(unlock);
  if (is_select) go_select_unlock(g);
}

/* With a fault: marked as waiting once more when its lock is free, so that it may be ready. */
static void after_park_late(struct go_m *m, struct go_g *g) {
  after_park(m, g);
  at_u32_store_release(&g->status, GO_WAITING); /* as after_park */
}

void go_park_init(void) {
  go_sched.after_park = go_has_fault(GO_FAULT_READY_BEFORE_PARK) ? after_park_late : after_park;
}

void go_park_why(struct go_g *g, struct plat_mutex *unlock, const char *why, bool counts) {
  rt_assert(g->mu.no_preempt == 0);
  g->why = why;
  g->park_unlock = unlock;
  g->park_counts = counts;
  if (counts) g->park_ticks = plat_ticks();
  go_switch_next(g, go_sched.after_park);
}

void go_park(struct go_g *g, struct plat_mutex *unlock, const char *why) {
  go_park_why(g, unlock, why, true);
}

void go_enqueue_global_locked(struct go_list *list) {
  rt_assert_hot(plat_mutex_held(&go_sched.lock));
  go_list_append(&go_sched.global, list);
  at_u64_store_relaxed(&go_sched.global_count, go_sched.global.count); /* a hint for readers */
}

void go_enqueue_global(struct go_list *list) {
  plat_mutex_lock(&go_sched.lock);
  go_enqueue_global_locked(list);
  plat_mutex_unlock(&go_sched.lock);
}

void go_enqueue(struct go_p *p, struct go_g *g, bool next) {
  struct go_list spill = {0};
  if (p == NULL)
    go_list_push(&spill, g);
  else
    go_runq_put(&p->runq, g, next, &spill);
  if (spill.head != NULL) go_enqueue_global(&spill);
}

void go_ready_on(struct go_p *p, struct go_g *g, bool next) {
  bool is_lone = p != NULL && go_p_is_lone(p); /* (sched.lone) */
  if (!is_lone || at_u32_load_relaxed(&g->status) != GO_WAITING)
    go_frames_lock(g); /* waits until it has left its stack and nobody scans it */
  if (g->park_counts) {
    uint64_t now = plat_ticks();
    if (now > g->park_ticks) g->blocked_ticks += now - g->park_ticks;
    g->park_counts = false;
  }
  go_stamp_ready(g);
  at_u32_store_release(&g->status, GO_RUNNABLE); /* pairs with execute: the times */
  go_emit(p, EV_go_ready, g, g->mu.id, 0);
  go_enqueue(p, g, next);
  if (!is_lone) go_wake_idle();
}

void go_ready(struct go_g *g, struct go_g *target) { go_ready_on(go_p_of(g), target, true); }

uint64_t go_blocked_ns(const struct go_g *g) { return plat_ticks_to_ns(g->blocked_ticks); }

void go_sleep_ns(struct go_g *g, uint64_t ns) {
  gc_poll(&g->mu);
  if (ns == 0) return;
  uint64_t now = plat_now_ns();
  uint64_t when = now + ns < now ? UINT64_MAX : now + ns;
  struct go_timers *timers = &go_p_of(g)->timers;
  plat_mutex_lock(&timers->lock);
  go_timers_add_locked(timers, g, when);
  go_timer_wake(when);
  go_park_why(g, &timers->lock, "sleep", true);
}

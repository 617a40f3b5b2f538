/* Safepoints, and asking for them (F6.7). There is no signal: a goroutine that does not poll is not
 * preempted, and delays a stop of the world for as long. */
#include "runtime/check.h"
#include "sched/gmp.h"

/* INV sched.poll: whoever wants something of a P's goroutine stores the reason first and sets
 * GC_ATTN_POLL after; the goroutine clears the bit first and looks at the reasons after. So a
 * request is either seen now or leaves the bit set.
 * Checked by: tests/sched/test_world.c (a lost request hangs there).
 */
void go_poll_request(struct go_p *p) {
  at_u32_or_acqrel(&p->gc.attention, GC_ATTN_POLL); /* pairs with go_safepoint: the reason */
}

void go_preempt_all(void) {
  for (uint32_t i = 0; i < go_sched.procs; i++) go_poll_request(go_sched.p[i]);
}

void go_check_asked(const struct go_g *g) {
  if (at_quiet_load(&go_sched.stop_asked) == 0) return;
  if ((at_u32_load_relaxed(&g->mu.p->attention) & GC_ATTN_POLL) == 0) /* (sched.poll): own P */
    rt_fatal(RT_END_VIOLATION, "the request to stop is lost: goroutine %s runs on", g->name);
}

void go_safepoint(struct gc_mutator *mu) {
  if (mu->no_preempt > 0) return; /* the request stays */
  struct go_g *g = go_from_mu(mu);
  struct go_p *p = go_p_of(g);
  rt_assert(at_u32_load_relaxed(&g->status) == GO_RUNNING); /* only this goroutine changes it */
  at_u32_and_acqrel(&p->gc.attention, ~(uint32_t)GC_ATTN_POLL); /* pairs with go_poll_request */
  if (at_u32_load_acquire(&p->safepoint_fn) != 0) go_run_safepoint_fn(p); /* for_each_p */
  if (at_u32_load_acquire(&g->suspend_wanted) != 0) {         /* pairs with go_suspend */
    go_switch_out(g, go_after_preempted);
    return; /* on another P perhaps, whose own requests its own bit tells */
  }
  bool leave = at_u32_load_acquire(&go_sched.stop_wanted) != 0 || /* pairs with stop */
               at_u32_load_acquire(&p->preempt) != 0 ||           /* pairs with sysmon */
               at_u32_load_acquire(&go_sched.shutdown) != 0;      /* pairs with begin_shutdown */
  if (!leave) return;
  go_count(&p->preemptions);
  go_emit(p, EV_go_preempt, g, mu->id, 0);
  go_switch_out(g, go_after_global);
}

/* Goroutine states, and bringing one to rest for a stack scan (F6.1.1, F6.7.3). */
#include "runtime/check.h"
#include "sched/gmp.h"

enum {
  SPIN_RELAX = 10,          /* pauses per round (F6.1.1) */
  SPIN_FIRST_NS = 5000,     /* spin that long before giving the processor away */
  SPIN_NEXT_NS = 2500,
  SUSPEND_FIRST_NS = 10000, /* F6.7.3 */
  SUSPEND_NEXT_NS = 5000
};

/* A wait for another thread's short critical section: pauses at first, then yields the thread. */
struct spin {
  uint64_t deadline_ns;
  uint64_t next_ns;
};

static void spin_once(struct spin *s, uint64_t first_ns, uint64_t next_ns) {
  uint64_t now = plat_now_ns();
  if (s->deadline_ns == 0) s->deadline_ns = now + first_ns;
  if (now < s->deadline_ns) {
    for (int i = 0; i < SPIN_RELAX; i++) plat_relax();
    return;
  }
  plat_yield();
  s->deadline_ns = plat_now_ns() + next_ns;
}

void go_status_swap(struct go_g *g, uint32_t from, uint32_t to) {
  rt_assert((from & GO_SCAN) == 0 && (to & GO_SCAN) == 0);
  struct spin spin = {0};
  for (;;) {
    uint32_t seen = from;
    /* pairs with the release stores in proc.c and go_resume: what the goroutine's last M or its
     * scanner did is visible before it moves on */
    if (at_u32_cas_acqrel(&g->status, &seen, to)) return;
    rt_assert(seen != GO_DEAD);
    if (from == GO_RUNNABLE && seen == GO_WAITING) /* (sched.status): in a queue it is runnable */
      rt_fatal(RT_END_VIOLATION, "lost wake-up: goroutine %s is in a run queue but waits", g->name);
    spin_once(&spin, SPIN_FIRST_NS, SPIN_NEXT_NS);
  }
}

/* One attempt to take a goroutine that is not running. *dead: it has ended. */
static bool try_hold(struct go_g *g, bool *dead) {
  uint32_t status = at_u32_load_acquire(&g->status); /* pairs with the release stores in proc.c */
  *dead = status == GO_DEAD || status == GO_IDLE;
  if (*dead || status == GO_RUNNING || (status & GO_SCAN) != 0) return false;
  uint32_t held = (status == GO_PREEMPTED ? GO_WAITING : status) | GO_SCAN;
  /* pairs with whoever put it to rest: its frames are complete */
  if (!at_u32_cas_acqrel(&g->status, &status, held)) return false;
  rt_assert(!g->stopped_for_scan);
  g->stopped_for_scan = status == GO_PREEMPTED;
  at_u32_store_relaxed(&g->suspend_wanted, 0); /* it cannot run while it is held */
  return true;
}

bool go_suspend(struct gc_mutator *self, struct gc_mutator *target) {
  rt_assert(self != target);
  struct go_g *g = go_from_mu(target);
  struct spin spin = {0};
  for (;;) {
    bool dead;
    if (try_hold(g, &dead)) return true;
    if (dead) return false;
    if (at_u32_load_relaxed(&g->status) == GO_RUNNING) { /* a hint: the next round looks again */
      at_u32_store_release(&g->suspend_wanted, 1); /* pairs with go_safepoint: after POLL is seen */
      uint32_t hint = at_u32_load_relaxed(&g->p_hint); /* stale: a needless poll elsewhere */
      if (hint != 0) go_poll_request(go_sched.p[hint - 1]);
    }
    spin_once(&spin, SUSPEND_FIRST_NS, SUSPEND_NEXT_NS);
  }
}

void go_resume(struct gc_mutator *target) {
  struct go_g *g = go_from_mu(target);
  uint32_t status = at_u32_load_relaxed(&g->status); /* held by this caller */
  rt_assert((status & GO_SCAN) != 0);
  bool stopped = g->stopped_for_scan;
  g->stopped_for_scan = false;
  at_u32_store_release(&g->status, status & ~(uint32_t)GO_SCAN); /* pairs with every swap of it */
  if (!stopped) return;
  struct go_m *m = plat_self();
  go_ready_on(m == NULL ? NULL : m->p, g, true);
}

/* Its frames stay as they are, so it may be scanned as if it were parked. */
void go_scannable_begin(struct gc_mutator *self) {
  struct go_g *g = go_from_mu(self);
  rt_assert(at_u32_load_relaxed(&g->status) == GO_RUNNING);
  at_u32_store_release(&g->status, GO_WAITING); /* pairs with try_hold: the frames */
}

void go_scannable_end(struct gc_mutator *self) {
  go_status_swap(go_from_mu(self), GO_WAITING, GO_RUNNING);
}

void go_frames_lock(struct go_g *g) {
  struct spin spin = {0};
  for (;;) {
    uint32_t seen = GO_WAITING;
    if (at_u32_cas_acqrel(&g->status, &seen, GO_WAITING | GO_SCAN)) return; /* pairs with resume */
    spin_once(&spin, SPIN_FIRST_NS, SPIN_NEXT_NS);
  }
}

void go_frames_unlock(struct go_g *g) {
  rt_assert(at_u32_load_relaxed(&g->status) == (GO_WAITING | GO_SCAN));
  at_u32_store_release(&g->status, GO_WAITING); /* pairs with try_hold: the slot written */
}

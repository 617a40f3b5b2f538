/* The thread without a P: takes the processor from goroutines that keep it, starts the collection
 * that is due by time (F6.6). */
#include "runtime/check.h"
#include "sched/gmp.h"

enum {
  SLEEP_MIN_NS = 20000,
  SLEEP_MAX_NS = 10000000,
  IDLE_ROUNDS = 50,         /* without a preemption before the sleep begins to double */
  TRIM_EVERY_NS = 1000000000
};
static const uint64_t DEEP_SLEEP_NS = 60000000000;

uint64_t go_timers_first_ns(void) {
  uint64_t first = 0;
  for (uint32_t i = 0; i < go_sched.procs; i++) {
    uint64_t ns = at_u64_load_acquire(&go_sched.p[i]->timers.first_ns); /* publish_first */
    if (ns != 0 && (first == 0 || ns < first)) first = ns;
  }
  return first;
}

void go_timer_wake(uint64_t when_ns) {
  at_fence_seq(); /* the sleeper's first_ns before timer_waiter; wait_for_timer's stores likewise */
  if (at_u32_load_seq(&go_sched.timer_waiter) == 0) { /* pairs with wait_for_timer */
    go_wake_idle();
    return;
  }
  uint64_t until = at_u64_load_seq(&go_sched.timer_until_ns); /* pairs with wait_for_timer */
  if (until == 0 || until > when_ns) plat_note_wake(&go_sched.timer_note);
}

static bool all_idle(void) {
  return at_u32_load_acquire(&go_sched.stop_wanted) != 0 || /* pairs with start */
         at_u32_load_acquire(&go_sched.idle_p_count) == go_sched.procs;
}

void go_sysmon_wake_locked(void) {
  rt_assert(plat_mutex_held(&go_sched.lock));
  if (at_u32_xchg_acqrel(&go_sched.sysmon_waiting, 0) != 0) /* pairs with deep_sleep */
    plat_note_wake(&go_sched.sysmon_note);
}

/* INV sched.watch: a P that runs is looked at within SLEEP_MAX_NS.
 * Kept by:    the decision to sleep, the first P leaving the idle list and the restart of the world
 *             hold the same lock; the latter two wake who sleeps.
 * Checked by: tests/sched/test_world.c (test_watch). */

/* With nothing to watch. True: it was woken early. */
static bool deep_sleep(uint64_t now_ns) {
  plat_mutex_lock(&go_sched.lock);
  bool sleep = all_idle();
  if (sleep) {
    at_u32_store_release(&go_sched.sysmon_waiting, 1); /* pairs with go_sysmon_wake_locked */
    plat_note_clear(&go_sched.sysmon_note);
    if (at_u32_load_acquire(&go_sched.shutdown) != 0) /* pairs with begin_shutdown */
      plat_note_wake(&go_sched.sysmon_note);
  }
  plat_mutex_unlock(&go_sched.lock);
  if (!sleep) return false;
  uint64_t until = now_ns + DEEP_SLEEP_NS;
  uint64_t first = go_timers_first_ns();
  if (first != 0 && first < until) until = first;
  bool woken = plat_note_wait_until(&go_sched.sysmon_note, until);
  at_u32_store_release(&go_sched.sysmon_waiting, 0); /* pairs with go_sysmon_wake_locked */
  return woken;
}

/* F6.6.4: asks every goroutine to yield that has had its P for a whole slice. */
static uint32_t retake(uint64_t now_ns) {
  uint32_t asked = 0;
  for (uint32_t i = 0; i < go_sched.procs; i++) {
    struct go_p *p = go_sched.p[i];
    if (at_u32_load_relaxed(&p->status) != GO_P_RUNNING) continue; /* a hint */
    uint64_t tick = at_u64_load_relaxed(&p->tick);                 /* a hint */
    if (p->seen_tick != tick || p->seen_ns == 0) {
      p->seen_tick = tick;
      p->seen_ns = now_ns;
      continue;
    }
    if (p->seen_ns + go_sched.config.slice_ns > now_ns) continue;
    at_u32_store_release(&p->preempt, 1); /* pairs with go_safepoint */
    go_poll_request(p);
    asked++;
  }
  return asked;
}

static void run_periodic(uint64_t now_ns) {
  if (!gc_periodic_due(now_ns)) return;
  if (at_u32_load_acquire(&go_sched.periodic_parked) == 0) return; /* pairs with periodic_main */
  at_u32_store_relaxed(&go_sched.periodic_parked, 0); /* set again only after being readied */
  go_ready_on(NULL, go_sched.periodic, false);
}

void go_sysmon_main(void *arg) {
  (void)arg;
  uint64_t delay = SLEEP_MIN_NS;
  uint64_t trimmed_ns = plat_now_ns();
  uint32_t idle = 0;
  while (at_u32_load_acquire(&go_sched.shutdown) == 0) { /* pairs with begin_shutdown */
    if (idle == 0)
      delay = SLEEP_MIN_NS;
    else if (idle > IDLE_ROUNDS)
      delay *= 2;
    if (delay > SLEEP_MAX_NS) delay = SLEEP_MAX_NS;
    plat_note_wait_until(&go_sched.sysmon_note, plat_now_ns() + delay);
    if (all_idle() && deep_sleep(plat_now_ns())) {
      idle = 0;
      delay = SLEEP_MIN_NS;
    }
    uint64_t now = plat_now_ns();
    idle = retake(now) != 0 ? 0 : idle + 1;
    run_periodic(now);
    if (now - trimmed_ns >= TRIM_EVERY_NS) {
      trimmed_ns = now;
      go_g_trim();
    }
  }
}

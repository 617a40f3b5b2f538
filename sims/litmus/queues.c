/* Shared counts and queues: three ways in which "nothing is left" was or might be concluded too
 * early. After models of go-weave, with the facts of Go's history (F8.1 to F8.3).
 */
#include "runtime/check.h"
#include "runtime/lockrank.h"
#include "runtime/plat.h"
#include "sims/litmus/litmus.h"

/* ---- cl20858: a run queue with a slot beside its ring ---------------------------------------- */

/* Goroutine 1 is in the slot. The owner puts goroutine 2, which moves 1 into the ring, and then
 * gets one. A goroutine is in the queue throughout, so nobody may find it empty. */
enum { RING = 4, OWNER = 0 };

static PLAT_STATE struct {
  struct at_u32 next, head, tail, ring[RING];
  uint32_t order;
  bool was_empty; /* the checker's */
} q;

static void put(uint32_t g) {
  uint32_t old = at_u32_load_seq(&q.next);
  at_u32_store_seq(&q.next, g);
  if (old == 0) return;
  uint32_t head = at_u32_load_seq(&q.head), tail = at_u32_load_seq(&q.tail);
  rt_assert(tail - head < RING);
  at_u32_store_seq(&q.ring[tail % RING], old);
  at_u32_store_seq(&q.tail, tail + 1);
}

static uint32_t get(void) {
  uint32_t g = at_u32_load_seq(&q.next);
  if (g != 0) {
    at_u32_store_seq(&q.next, 0);
    return g;
  }
  uint32_t head = at_u32_load_seq(&q.head);
  if (head == at_u32_load_seq(&q.tail)) return 0;
  g = at_u32_load_seq(&q.ring[head % RING]);
  at_u32_store_seq(&q.head, head + 1);
  return g;
}

static bool is_empty_reordered(void) {
  uint32_t head = at_u32_load_seq(&q.head), next = at_u32_load_seq(&q.next);
  return at_u32_load_seq(&q.tail) == head && next == 0;
}

static bool is_empty(void) {
  if (q.order == LITMUS_RUNQ_REORDERED) return is_empty_reordered();
  for (;;) {
    uint32_t head = at_u32_load_seq(&q.head), tail = at_u32_load_seq(&q.tail);
    uint32_t next = at_u32_load_seq(&q.next);
    if (q.order == LITMUS_RUNQ_OLD || tail == at_u32_load_seq(&q.tail))
      return head == tail && next == 0;
  }
}

static void runq_setup(const struct litmus_case *c) {
  at_u32_init(&q.next, 1);
  at_u32_init(&q.head, 0);
  at_u32_init(&q.tail, 0);
  for (uint32_t i = 0; i < RING; i++) at_u32_init(&q.ring[i], 0);
  q.order = c->variant;
  q.was_empty = false;
}

static void runq_thread(uint32_t index) {
  if (index == OWNER) {
    put(2);
    rt_assert(get() == 2);
  } else {
    q.was_empty = is_empty();
  }
}

static const char *runq_check(void) {
  return q.was_empty ? "the run queue is reported empty while it holds a goroutine" : NULL;
}

const struct litmus litmus_cl20858 = {
    .threads = 2,
    .names = {"owner", "checker"},
    .setup = runq_setup,
    .thread = runq_thread,
    .check = runq_check,
};

/* ---- issue16083: root jobs claimed by workers ------------------------------------------------ */

/* A worker counts itself in, claims the next job, scans, counts itself out; who finds nobody left
 * and no job left declares the scan done. */
enum { JOBS = 2, WORKERS = 4, ROUNDS = 3 };

static PLAT_STATE struct {
  struct at_u32 workers, next_job, scanned[JOBS], done;
  struct plat_mutex lock;
  uint32_t rule;
  bool is_missed; /* lock */
} roots;

static void declare_scanned(void) {
  plat_mutex_lock(&roots.lock);
  bool sure = roots.rule == LITMUS_ROOTS_NO_RECHECK ||
              (at_u32_load_seq(&roots.workers) == 0 && at_u32_load_seq(&roots.next_job) >= JOBS);
  if (sure) {
    for (uint32_t i = 0; i < JOBS; i++)
      if (at_u32_load_seq(&roots.scanned[i]) == 0) roots.is_missed = true;
    at_u32_store_seq(&roots.done, 1);
  }
  plat_mutex_unlock(&roots.lock);
}

static void roots_round(void) {
  at_u32_add_seq(&roots.workers, 1);
  uint32_t job = at_u32_add_seq(&roots.next_job, 1), left;
  if (roots.rule == LITMUS_ROOTS_EARLY_LEAVE) {
    left = at_u32_add_seq(&roots.workers, (uint32_t)-1) - 1;
    if (job < JOBS) at_u32_store_seq(&roots.scanned[job], 1);
  } else {
    if (job < JOBS) at_u32_store_seq(&roots.scanned[job], 1);
    left = at_u32_add_seq(&roots.workers, (uint32_t)-1) - 1;
  }
  if (left == 0 && at_u32_load_seq(&roots.next_job) >= JOBS) declare_scanned();
}

static void roots_thread(uint32_t index) {
  (void)index;
  for (uint32_t i = 0; i < ROUNDS && at_u32_load_seq(&roots.done) == 0; i++) roots_round();
}

static void roots_setup(const struct litmus_case *c) {
  at_u32_init(&roots.workers, 0);
  at_u32_init(&roots.next_job, 0);
  for (uint32_t i = 0; i < JOBS; i++) at_u32_init(&roots.scanned[i], 0);
  at_u32_init(&roots.done, 0);
  plat_mutex_init(&roots.lock, RT_RANK_TEST, "roots");
  roots.rule = c->variant;
  roots.is_missed = false;
}

static const char *roots_check(void) {
  plat_mutex_destroy(&roots.lock);
  return roots.is_missed ? "the scan is declared done while a root is not scanned" : NULL;
}

const struct litmus litmus_issue16083 = {
    .threads = WORKERS,
    .names = {"worker 0", "worker 1", "worker 2", "worker 3"},
    .setup = roots_setup,
    .thread = roots_thread,
    .check = roots_check,
};

/* ---- markterm: grey buffers traded between workers ------------------------------------------- */

/* A round takes two buffers and gives one back, or takes the last one. The judge reads what is grey
 * and who holds a buffer quietly: the state at the instant of the decision is what counts. */
enum { GREY = 3, TERM_WORKERS = 2, TERM_ROUNDS = 4 };

static PLAT_STATE struct {
  struct at_u32 workers, done;
  struct at_u64 grey, holds[TERM_WORKERS];
  struct plat_mutex transition;
  uint32_t rule;
  struct at_u64 is_early;
} term;

static void term_enter(void) {
  if (term.rule == LITMUS_TERM_FIXED) plat_mutex_lock(&term.transition);
  at_u32_add_seq(&term.workers, 1);
  if (term.rule == LITMUS_TERM_FIXED) plat_mutex_unlock(&term.transition);
}

static bool take(uint64_t count) {
  uint64_t have = at_u64_load_seq(&term.grey);
  while (have >= count)
    if (at_u64_cas_acqrel(&term.grey, &have, have - count)) return true; /* pairs with itself */
  return false;
}

static void declare_marked(void) {
  bool is_work_left = at_quiet_load(&term.grey) != 0;
  for (uint32_t i = 0; i < TERM_WORKERS; i++)
    if (at_quiet_load(&term.holds[i]) != 0) is_work_left = true;
  if (is_work_left) at_quiet_store(&term.is_early, 1);
  at_u32_store_seq(&term.done, 1);
}

static void decide_fixed(void) {
  plat_mutex_lock(&term.transition);
  if (at_u32_load_seq(&term.workers) == 0 && at_u64_load_seq(&term.grey) == 0) declare_marked();
  plat_mutex_unlock(&term.transition);
}

static void term_round(uint32_t self) {
  term_enter();
  if (take(2)) {
    at_quiet_store(&term.holds[self], 1);
    at_u64_add_seq(&term.grey, 1);
    at_quiet_store(&term.holds[self], 0);
  } else {
    take(1);
  }
  uint64_t seen = term.rule == LITMUS_TERM_STALE ? at_u64_load_seq(&term.grey) : 0;
  bool is_last = at_u32_add_seq(&term.workers, (uint32_t)-1) == 1;
  if (!is_last) return;
  if (term.rule == LITMUS_TERM_FIXED) {
    decide_fixed();
    return;
  }
  if (term.rule == LITMUS_TERM_REREAD) seen = at_u64_load_seq(&term.grey);
  if (seen == 0) declare_marked();
}

static void term_thread(uint32_t index) {
  for (uint32_t i = 0; i < TERM_ROUNDS && at_u32_load_seq(&term.done) == 0; i++)
    term_round(index);
}

static void term_setup(const struct litmus_case *c) {
  at_u32_init(&term.workers, 0);
  at_u32_init(&term.done, 0);
  at_u64_init(&term.grey, GREY);
  for (uint32_t i = 0; i < TERM_WORKERS; i++) at_u64_init(&term.holds[i], 0);
  at_u64_init(&term.is_early, 0);
  plat_mutex_init(&term.transition, RT_RANK_TEST, "transition");
  term.rule = c->variant;
}

static const char *term_check(void) {
  plat_mutex_destroy(&term.transition);
  return at_quiet_load(&term.is_early) != 0 ? "marking is declared done while there is work"
                                            : NULL;
}

const struct litmus litmus_markterm = {
    .threads = TERM_WORKERS,
    .names = {"worker 0", "worker 1"},
    .setup = term_setup,
    .thread = term_thread,
    .check = term_check,
};

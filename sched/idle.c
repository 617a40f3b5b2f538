/* Idle Ps and Ms: giving up a P, parking a thread, waking one (F6.3.13-15, F6.5). */
#include "runtime/check.h"
#include "runtime/meta.h"
#include "sched/gmp.h"

/* ---- idle Ps --------------------------------------------------------------------------------- */

void go_idle_p_put_locked(struct go_p *p) {
  rt_assert(plat_mutex_held(&go_sched.lock));
  rt_assert(p->m == NULL);
  at_u32_store_release(&p->status, GO_P_IDLE); /* pairs with status readers: a hint */
  uint32_t i = p->gc.index;
  at_u64_or_acqrel(&go_sched.idle_p_mask[i / 64], 1ULL << (i % 64)); /* pairs with go_idle_p_test */
  p->idle_next = go_sched.idle_p;
  go_sched.idle_p = p;
  at_u32_add_seq(&go_sched.idle_p_count, 1); /* pairs with go_wake_idle */
}

struct go_p *go_idle_p_get_locked(void) {
  rt_assert(plat_mutex_held(&go_sched.lock));
  struct go_p *p = go_sched.idle_p;
  if (p == NULL) return NULL;
  go_sched.idle_p = p->idle_next;
  p->idle_next = NULL;
  uint32_t i = p->gc.index;
  at_u64_and_acqrel(&go_sched.idle_p_mask[i / 64], ~(1ULL << (i % 64))); /* go_idle_p_test */
  uint32_t idle = at_u32_add_seq(&go_sched.idle_p_count, UINT32_MAX); /* pairs with go_wake_idle */
  if (idle == go_sched.procs) go_sysmon_wake_locked(); /* (sched.watch) */
  return p;
}

bool go_idle_p_test(uint32_t index) {
  uint64_t bits = at_u64_load_acquire(&go_sched.idle_p_mask[index / 64]); /* pairs with put, get */
  return (bits >> (index % 64) & 1) != 0;
}

void go_p_acquire(struct go_m *m, struct go_p *p) {
  rt_assert(m->p == NULL && p->m == NULL);
  m->p = p;
  p->m = m;
  plat_on_processor(p->gc.index);
  at_u32_store_release(&p->status, GO_P_RUNNING); /* pairs with status readers: a hint */
  gc_p_acquired(&p->gc);
}

struct go_p *go_p_release(struct go_m *m) {
  struct go_p *p = m->p;
  rt_assert(p != NULL && p->m == m);
  p->m = NULL;
  m->p = NULL;
  return p;
}

/* ---- spinning -------------------------------------------------------------------------------- */

void go_spinning_begin(struct go_m *m) {
  rt_assert(!m->is_spinning);
  m->is_spinning = true;
  at_u32_add_seq(&go_sched.spinning, 1); /* pairs with go_wake_idle */
}

/* INV sched.wake: work is never queued while a P is idle without some M noticing it: whoever queues
 * it sees no spinning M and wakes one, or a spinning M looks at all queues after it has stopped
 * counting as spinning.
 * Kept by:    the full fences here (before look_again) and in go_wake_idle (after the put).
 * Checked by: tests/sched/test_world.c (test_idle: a lost wake is reported as a deadlock).
 */
void go_spinning_end(struct go_m *m) {
  rt_assert(m->is_spinning);
  m->is_spinning = false;
  uint32_t old = at_u32_add_seq(&go_sched.spinning, UINT32_MAX); /* pairs with go_wake_idle */
  rt_assert(old > 0);
  at_fence_seq();
}

void go_wake_idle(void) {
  at_fence_seq(); /* (sched.wake) */
  if (at_u32_load_seq(&go_sched.idle_p_count) == 0) return; /* pairs with go_idle_p_put_locked */
  uint32_t none = 0;
  /* pairs with go_spinning_end */
  if (at_u32_load_seq(&go_sched.spinning) != 0) return;
  if (!at_u32_cas_acqrel(&go_sched.spinning, &none, 1)) return;
  go_m_start(NULL, true);
}

/* ---- threads --------------------------------------------------------------------------------- */

static void m_thread(void *arg) {
  struct go_m *m = arg;
  plat_self_set(m);
  gc_thread_enter();
  ctx_from_thread(&m->ctx);
  go_p_acquire(m, m->next_p);
  m->next_p = NULL;
  go_m_loop(m);
  rt_assert(m->p == NULL);
  gc_thread_exit();
  plat_self_set(NULL);
}

struct go_m *go_m_new_locked(void) {
  struct go_m *m = go_sched.last_m == NULL ? go_sched.first_m : go_sched.last_m->all_next;
  if (m == NULL) { /* nothing left of an earlier run */
    m = rt_meta_alloc(sizeof *m, PLAT_CACHE_LINE);
    plat_note_init(&m->note);
    if (go_sched.last_m == NULL)
      go_sched.first_m = m;
    else
      go_sched.last_m->all_next = m;
  }
  rt_assert(m->p == NULL && m->cur == NULL && m->left == NULL && m->next_g == NULL);
  m->index = (uint32_t)at_quiet_load(&go_sched.m_count);
  go_count(&go_sched.m_count);
  m->next_p = NULL;
  m->is_spinning = false;
  m->has_hooks = at_u32_load_relaxed(&gc_flags.switch_hooks) != 0; /* constant during a run */
  m->rng = rng_split(go_sched.rng_seed, GO_PROCS_MAX + m->index);
  plat_note_clear(&m->note);
  go_sched.last_m = m;
  return m;
}

void go_m_launch(struct go_m *m, struct go_p *p, bool is_new) {
  rt_assert(m->next_p == NULL);
  m->next_p = p;
  if (!is_new) {
    plat_note_wake(&m->note);
    return;
  }
  if (m->index > go_sched.config.max_threads)
    rt_fatal(RT_END_FATAL, "thread exhaustion: more than %llu threads",
             (unsigned long long)go_sched.config.max_threads);
  if (plat_thread_start(&m->thread, "go-m", m_thread, m) != RT_OK)
    rt_fatal(RT_END_NOMEM, "the operating system refused thread number %u", m->index);
}

struct go_m *go_idle_m_get_locked(void) {
  struct go_m *m = go_sched.idle_m;
  if (m == NULL) return NULL;
  go_sched.idle_m = m->idle_next;
  m->idle_next = NULL;
  rt_assert(go_sched.idle_m_count > 0);
  go_sched.idle_m_count--;
  return m;
}

void go_m_start(struct go_p *p, bool spinning) {
  plat_mutex_lock(&go_sched.lock);
  bool is_over = at_u32_load_acquire(&go_sched.shutdown) != 0; /* pairs with begin_shutdown */
  if (is_over && p != NULL) go_idle_p_put_locked(p);
  if (p == NULL && !is_over) p = go_idle_p_get_locked();
  if (p == NULL || is_over) {
    plat_mutex_unlock(&go_sched.lock);
    if (spinning) at_u32_add_seq(&go_sched.spinning, UINT32_MAX); /* pairs with go_wake_idle */
    return;
  }
  struct go_m *m = go_idle_m_get_locked();
  bool is_new = m == NULL;
  if (is_new) m = go_m_new_locked();
  plat_mutex_unlock(&go_sched.lock);
  m->is_spinning = spinning;
  go_m_launch(m, p, is_new);
}

/* ---- parking a thread ------------------------------------------------------------------------ */

static void check_deadlock_locked(void) {
  if (go_sched.idle_m_count < at_quiet_load(&go_sched.m_count)) return;
  if (at_u32_load_acquire(&go_sched.shutdown) != 0) return; /* pairs with begin_shutdown */
  rt_assert(go_sched.global.count == 0);
  plat_mutex_unlock(&go_sched.lock);
  rt_fatal(RT_END_DEADLOCK, "all goroutines are asleep - deadlock!");
}

bool go_m_stop(struct go_m *m) {
  rt_assert(m->p == NULL && !m->is_spinning);
  plat_mutex_lock(&go_sched.lock);
  if (at_u32_load_acquire(&go_sched.shutdown) != 0) { /* pairs with begin_shutdown */
    plat_mutex_unlock(&go_sched.lock);
    return false;
  }
  m->idle_next = go_sched.idle_m;
  go_sched.idle_m = m;
  go_sched.idle_m_count++;
  check_deadlock_locked();
  plat_mutex_unlock(&go_sched.lock);
  plat_note_wait(&m->note);
  if (m->next_p == NULL) return false;
  struct go_p *p = m->next_p;
  m->next_p = NULL;
  go_p_acquire(m, p);
  return true;
}

/* Counts p as stopped for the thread that stops the world. */
static void p_stopped_locked(struct go_p *p) {
  if (!go_p_stopped_locked(p)) return;
  go_sched.stop_last = p->last_ran;
  plat_note_wake(&go_sched.stop_note);
}

bool go_m_stop_for_world(struct go_m *m) {
  if (m->is_spinning) go_spinning_end(m);
  plat_mutex_lock(&go_sched.lock);
  p_stopped_locked(go_p_release(m));
  plat_mutex_unlock(&go_sched.lock);
  return go_m_stop(m);
}

void go_m_leave(struct go_m *m) {
  if (m->is_spinning) go_spinning_end(m);
  plat_mutex_lock(&go_sched.lock);
  struct go_p *p = go_p_release(m);
  go_run_safepoint_fn_locked(p);
  if (at_u32_load_acquire(&go_sched.stop_wanted) != 0) /* pairs with stop */
    p_stopped_locked(p);
  else
    go_idle_p_put_locked(p);
  plat_mutex_unlock(&go_sched.lock);
}

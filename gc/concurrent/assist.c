#include "gc/concurrent/assist.h"

#include "gc/concurrent/control.h"
#include "gc/concurrent/cycle.h"
#include "gc/concurrent/mark.h"
#include "gc/concurrent/worker.h"
#include "gc/hooks.h"
#include "runtime/event.h"
#include "runtime/lockrank.h"

void gc_assist_init(void) {
  plat_mutex_init(&gc_cc.assists.lock, RT_RANK_ASSIST, "assist queue");
}

/* ---- prices --------------------------------------------------------------------------------- */

/* Relaxed, and not read together: a mixed pair prices one assist slightly off. */
static double work_per_byte(void) {
  return gc_bits_f64(at_u64_load_relaxed(&gc_cc.work_per_byte));
}
static double bytes_per_work(void) {
  return gc_bits_f64(at_u64_load_relaxed(&gc_cc.bytes_per_work));
}

/* ---- credit --------------------------------------------------------------------------------- */

static struct gc_mutator *queue_pop_locked(void) {
  struct gc_assist_queue *q = &gc_cc.assists;
  struct gc_mutator *mu = q->head;
  q->head = mu->queue_next;
  if (q->head == NULL) q->tail = NULL;
  mu->queue_next = NULL;
  at_u32_add_relaxed(&q->length, (uint32_t)-1);
  return mu;
}

static void queue_append_locked(struct gc_mutator *mu) {
  struct gc_assist_queue *q = &gc_cc.assists;
  mu->queue_next = NULL;
  if (q->tail != NULL) {
    q->tail->queue_next = mu;
  } else {
    q->head = mu;
  }
  q->tail = mu;
  at_u32_add_seq(&q->length, 1); /* pairs with gc_assist_credit() */
}

void gc_assist_credit(struct gc_mutator *self, int64_t work) {
  struct gc_assist_queue *q = &gc_cc.assists;
  /* pairs with queue_append_locked(): either the waiter is seen here, or it sees the credit. */
  if (at_u32_load_seq(&q->length) == 0) {
    at_i64_add_seq(&gc_cc.bg_credit, work); /* pairs with wait_for_credit() */
    return;
  }
  struct gc_mutator *paid = NULL; /* made runnable after the lock is released, in order */
  struct gc_mutator **last = &paid;
  plat_mutex_lock(&q->lock);
  int64_t bytes = gc_f64_to_i64((double)work * bytes_per_work());
  while (q->head != NULL && bytes > 0) {
    struct gc_mutator *mu = queue_pop_locked();
    if (bytes + mu->assist_bytes >= 0) {
      bytes += mu->assist_bytes;
      mu->assist_bytes = 0;
      *last = mu;
      last = &mu->queue_next;
    } else {
      mu->assist_bytes += bytes;
      bytes = 0;
      queue_append_locked(mu); /* behind the others: nobody's large debt blocks the queue */
    }
  }
  if (bytes > 0)
    at_i64_add_relaxed(&gc_cc.bg_credit, gc_f64_to_i64((double)bytes * work_per_byte()));
  plat_mutex_unlock(&q->lock);
  while (paid != NULL) {
    struct gc_mutator *mu = paid;
    paid = mu->queue_next;
    mu->queue_next = NULL;
    gc_world->ready(self, mu, false);
  }
}

void gc_assist_release_all_stw(struct gc_mutator *self) {
  struct gc_assist_queue *q = &gc_cc.assists;
  plat_mutex_lock(&q->lock);
  struct gc_mutator *mu = q->head;
  q->head = q->tail = NULL;
  at_u32_store_relaxed(&q->length, 0); /* under the lock, world stopped */
  plat_mutex_unlock(&q->lock);
  while (mu != NULL) {
    struct gc_mutator *next = mu->queue_next;
    mu->queue_next = NULL;
    gc_world->ready(self, mu, false);
    mu = next;
  }
}

/* ---- one assist ----------------------------------------------------------------------------- */

/* Takes background credit for the debt (F3.8.2). Returns the work left to do. */
static int64_t steal(struct gc_mutator *mu, int64_t work, int64_t debt) {
  int64_t credit = at_i64_load_relaxed(&gc_cc.bg_credit); /* racy by design: may go negative */
  if (credit <= 0) return work;
  int64_t stolen = work;
  if (credit < work) {
    stolen = credit;
    mu->assist_bytes += 1 + gc_f64_to_i64(bytes_per_work() * (double)stolen);
  } else {
    mu->assist_bytes += debt;
  }
  at_i64_add_relaxed(&gc_cc.bg_credit, -stolen);
  return work - stolen;
}

static void add_assist_time(struct gc_worker *w, uint64_t start_ns) {
  uint64_t now = plat_now_ns();
  w->assist_ns += (int64_t)(now - start_ns);
  if (w->assist_ns <= GC_PACER_ASSIST_TIME_SLACK) return;
  at_i64_add_relaxed(&gc_cc.assist_ns, w->assist_ns);
  at_i64_add_relaxed(&gc_cc.limiter_assist_ns, w->assist_ns);
  w->assist_ns = 0;
  gc_control_limiter_update(now);
}

/* Scans (F3.8.3). True: marking turned out to be complete. */
static bool do_work(struct gc_mutator *mu, int64_t work) {
  if (at_u32_load_relaxed(&gc_flags.blacken_on) == 0) { /* written in a stop */
    mu->assist_bytes = 0;
    return false;
  }
  struct gc_worker *w = gc_worker_of(mu);
  uint32_t ring = mu->p->index;
  uint64_t start = plat_now_ns();
  ev_emit(ring, EV_gc_assist_begin, mu->id, (uint64_t)-mu->assist_bytes, 0);
  gc_worker_enter();
  gc_world->scannable_begin(mu);
  int64_t done = gc_drain_n(mu, work);
  ev_emit(ring, EV_gc_assist_end, mu->id, (uint64_t)done, 0);
  add_assist_time(w, start);
  gc_world->scannable_end(mu);
  mu->assist_bytes += 1 + gc_f64_to_i64(bytes_per_work() * (double)done);
  return gc_worker_leave();
}

/* Waits to be paid by background workers. False: credit appeared meanwhile, try again. */
static bool wait_for_credit(struct gc_mutator *mu) {
  struct gc_assist_queue *q = &gc_cc.assists;
  plat_mutex_lock(&q->lock);
  if (at_u32_load_relaxed(&gc_flags.blacken_on) == 0) { /* written in a stop */
    plat_mutex_unlock(&q->lock);
    return true;
  }
  struct gc_mutator *old_tail = q->tail;
  queue_append_locked(mu);
  if (at_i64_load_seq(&gc_cc.bg_credit) > 0) { /* pairs with gc_assist_credit() */
    q->tail = old_tail;
    if (old_tail != NULL) old_tail->queue_next = NULL;
    if (old_tail == NULL) q->head = NULL;
    at_u32_add_relaxed(&q->length, (uint32_t)-1);
    plat_mutex_unlock(&q->lock);
    return false;
  }
  gc_world->park(mu, &q->lock, "GC assist wait");
  return true;
}

void gc_hook_assist(struct gc_mutator *mu) {
  if (!gc_cc.config.assist || mu->is_system || mu->no_preempt > 0) return;
  at_u64_add_relaxed(&gc_cc.n_assists, 1);
  do {
    if (at_u32_load_relaxed(&gc_cc.limiting) != 0) return; /* advisory; the debt stays */
    int64_t debt = -mu->assist_bytes;
    int64_t work = gc_f64_to_i64(work_per_byte() * (double)debt);
    if (work < GC_PACER_OVER_ASSIST) {
      work = GC_PACER_OVER_ASSIST;
      debt = gc_f64_to_i64(bytes_per_work() * (double)work);
    }
    work = steal(mu, work, debt);
    if (work == 0) return;
    if (do_work(mu, work)) gc_mark_done(mu);
    if (mu->assist_bytes >= 0) return;
    if (gc_world->preempt_pending(mu)) {
      gc_world->yield(mu);
      continue;
    }
    if (wait_for_credit(mu)) return;
  } while (mu->assist_bytes < 0);
}

/* F3.8.6: a goroutine that ends leaves its credit to the others. */
void gc_mutator_exit(struct gc_mutator *mu) {
  if (at_u32_load_relaxed(&gc_flags.blacken_on) != 0 && mu->assist_bytes > 0) { /* in a stop */
    int64_t credit = gc_f64_to_i64(work_per_byte() * (double)mu->assist_bytes);
    at_i64_add_relaxed(&gc_cc.bg_credit, credit);
  }
  mu->assist_bytes = 0;
  mu->frames = NULL;
  at_u64_add_relaxed(&gc_cc.max_stack_scan, (uint64_t)-GC_STACK_BYTES);
}

void gc_mutator_init(struct gc_mutator *mu) {
  mu->frames = NULL;
  mu->assist_bytes = 0;
  mu->queue_next = NULL;
  mu->stack_scanned = false;
  at_u64_add_relaxed(&gc_cc.max_stack_scan, GC_STACK_BYTES);
}

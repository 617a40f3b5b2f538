/* Semaphores (Go 1.19, F6.11). The queue is in the semaphore; its lock is one of GO_SEMA_ROOTS
 * shared ones, so that a semaphore is plain memory that needs no end. */
#include "runtime/check.h"
#include "sched/gmp.h"
#include "sched/sema.h"

/* Locks are dealt out in the order of first use: an address must not choose. */
static struct plat_mutex *root_of(struct go_sema *s) {
  uint32_t root = at_u32_load_relaxed(&s->queue.root); /* never changes once set */
  if (root == 0) {
    uint32_t mine = at_u32_add_relaxed(&go_sched.next_sema, 1) % GO_SEMA_ROOTS + 1;
    /* pairs with nothing: the number is all there is */
    if (at_u32_cas_acqrel(&s->queue.root, &root, mine)) root = mine;
  }
  return &go_sched.sema_root[root - 1];
}

static bool try_take(struct go_sema *s) {
  uint32_t value = at_u32_load_acquire(&s->value); /* pairs with go_sema_release_many */
  while (value > 0)
    if (at_u32_cas_acqrel(&s->value, &value, value - 1)) return true; /* pairs likewise */
  return false;
}

static void enqueue_locked(struct go_sema_queue *q, struct go_g *g, bool lifo) {
  g->mu.queue_next = NULL;
  if (q->head == NULL) {
    q->head = q->tail = g;
  } else if (lifo) {
    g->mu.queue_next = &q->head->mu;
    q->head = g;
  } else {
    q->tail->mu.queue_next = &g->mu;
    q->tail = g;
  }
}

static struct go_g *dequeue_locked(struct go_sema_queue *q) {
  struct go_g *g = q->head;
  if (g == NULL) return NULL;
  q->head = go_from_mu(g->mu.queue_next);
  if (q->head == NULL) q->tail = NULL;
  g->mu.queue_next = NULL;
  return g;
}

void go_sema_acquire_locked_path(struct go_g *g, struct go_sema *s, bool lifo, const char *why) {
  struct plat_mutex *lock = root_of(s);
  for (;;) {
    plat_mutex_lock(lock);
    at_u32_add_seq(&s->queue.waiters, 1); /* pairs with go_sema_release: before looking at value */
    if (try_take(s)) {
      at_u32_add_seq(&s->queue.waiters, UINT32_MAX); /* pairs with go_sema_release */
      plat_mutex_unlock(lock);
      return;
    }
    g->handed_off = false;
    enqueue_locked(&s->queue, g, lifo);
    go_park_why(g, lock, why, true);
    if (g->handed_off || try_take(s)) return;
  }
}

void go_sema_acquire(struct go_g *g, struct go_sema *s, bool lifo) {
  if (try_take(s)) return;
  go_sema_acquire_locked_path(g, s, lifo, "semacquire");
}

void go_sema_release_many(struct go_g *g, struct go_sema *s, uint32_t n) {
  struct plat_mutex *lock = root_of(s);
  struct go_sema_queue woken = {0};
  plat_mutex_lock(lock);
  at_u32_add_seq(&s->value, n); /* pairs with try_take */
  for (; n > 0; n--) {
    struct go_g *w = dequeue_locked(&s->queue);
    if (w == NULL) break;
    at_u32_add_seq(&s->queue.waiters, UINT32_MAX); /* pairs with go_sema_release */
    bool taken = try_take(s);
    rt_assert(taken);
    w->handed_off = true; /* it need not, and must not, touch *s again */
    enqueue_locked(&woken, w, false);
  }
  plat_mutex_unlock(lock);
  for (struct go_g *w = dequeue_locked(&woken); w != NULL; w = dequeue_locked(&woken))
    go_ready(g, w);
}

void go_sema_release(struct go_g *g, struct go_sema *s, bool handoff) {
  at_u32_add_seq(&s->value, 1); /* pairs with try_take and with the waiters count */
  if (at_u32_load_seq(&s->queue.waiters) == 0) return; /* pairs with acquire: value comes after */
  struct plat_mutex *lock = root_of(s);
  plat_mutex_lock(lock);
  struct go_g *w = dequeue_locked(&s->queue);
  if (w != NULL) at_u32_add_seq(&s->queue.waiters, UINT32_MAX); /* pairs with the load above */
  plat_mutex_unlock(lock);
  if (w == NULL) return;
  bool handed = handoff && try_take(s);
  w->handed_off = handed;
  go_ready(g, w);
  if (handed && g->mu.no_preempt == 0) go_yield_local(g);
}

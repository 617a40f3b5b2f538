#include "sched/runq.h"

#include "runtime/check.h"
#include "sched/gmp.h"

void go_list_unshift(struct go_list *list, struct go_g *g) {
  g->next = list->head;
  list->head = g;
  if (list->tail == NULL) list->tail = g;
  list->count++;
}

void go_list_append(struct go_list *list, struct go_list *more) {
  if (more->head == NULL) return;
  if (list->tail == NULL)
    list->head = more->head;
  else
    list->tail->next = more->head;
  list->tail = more->tail;
  list->count += more->count;
  *more = (struct go_list){0};
}

/* Full ring: moves the older half and g to *spill. False: thieves made room meanwhile. */
static bool put_spill(struct go_runq *q, struct go_g *g, uint32_t head, struct go_list *spill) {
  struct go_g *batch[GO_RUNQ_HALF];
  for (uint32_t i = 0; i < GO_RUNQ_HALF; i++)
    batch[i] = at_ptr_load_relaxed(&q->ring[(head + i) % GO_RUNQ_SIZE]);
  uint32_t expected = head;
  /* pairs with steal: the thief has read its entries before head passes them */
  if (!at_u32_cas_acqrel(&q->head, &expected, head + GO_RUNQ_HALF)) return false;
  for (uint32_t i = 0; i < GO_RUNQ_HALF; i++) go_list_push(spill, batch[i]);
  go_list_push(spill, g);
  return true;
}

static void put_tail(struct go_runq *q, struct go_g *g, struct go_list *spill) {
  for (;;) {
    uint32_t head = at_u32_load_acquire(&q->head); /* pairs with steal: the entries are read */
    uint32_t tail = at_u32_load_relaxed(&q->tail); /* only this thread moves it */
    rt_assert(tail - head <= GO_RUNQ_SIZE);
    if (tail - head < GO_RUNQ_SIZE) {
      at_ptr_store_relaxed(&q->ring[tail % GO_RUNQ_SIZE], g); /* published by tail */
      at_u32_store_release(&q->tail, tail + 1); /* pairs with grab: the entry */
      return;
    }
    if (put_spill(q, g, head, spill)) return;
  }
}

void go_runq_put(struct go_runq *q, struct go_g *g, bool next, struct go_list *spill) {
  rt_assert(g != NULL);
  if (next && q->lone) {
    struct go_g *old = at_ptr_load_relaxed(&q->next); /* own store */
    at_ptr_store_release(&q->next, g);                /* pairs with go_runq_is_empty */
    if (old == NULL) return;
    g = old;
  } else if (next) {
    g = at_ptr_xchg_acqrel(&q->next, g); /* pairs with go_runq_steal_next: the goroutine */
    if (g == NULL) return;
  }
  put_tail(q, g, spill);
}

struct go_g *go_runq_get_shared(struct go_runq *q, bool *inherit) {
  rt_assert_hot(!q->lone);
  void *next = at_ptr_load_relaxed(&q->next); /* only the owner fills it */
  /* pairs with go_runq_steal_next: a thief may empty it first; only the owner refills it */
  if (next != NULL && at_ptr_cas_acqrel(&q->next, &next, NULL)) {
    *inherit = true;
    return next;
  }
  *inherit = false;
  uint32_t head = at_u32_load_acquire(&q->head); /* pairs with steal */
  for (;;) {
    uint32_t tail = at_u32_load_relaxed(&q->tail); /* only this thread moves it */
    if (tail == head) return NULL;
    struct go_g *g = at_ptr_load_relaxed(&q->ring[head % GO_RUNQ_SIZE]); /* own store */
    if (at_u32_cas_acqrel(&q->head, &head, head + 1)) return g; /* pairs with steal */
  }
}

void go_runq_take_all(struct go_runq *q, struct go_list *out) {
  bool inherit;
  for (struct go_g *g = go_runq_get(q, &inherit); g != NULL; g = go_runq_get(q, &inherit))
    go_list_push(out, g);
}

/* head and tail are not read at once: between them the owner may move runnext into the ring, so
 * the pair is only taken as one instant when tail did not change around the read of next. */
bool go_runq_is_empty(const struct go_runq *q) {
  for (;;) {
    uint32_t head = at_u32_load_acquire(&q->head); /* pairs with get and steal */
    uint32_t tail = at_u32_load_acquire(&q->tail); /* pairs with put_tail */
    void *next = at_ptr_load_acquire(&q->next);    /* pairs with go_runq_put */
    bool is_one_instant = tail == at_u32_load_acquire(&q->tail); /* pairs with put_tail */
    if (is_one_instant || go_has_fault(GO_FAULT_RUNQ_OLD_ORDER))
      return head == tail && next == NULL;
  }
}

uint32_t go_runq_count(const struct go_runq *q) {
  uint32_t head = at_u32_load_acquire(&q->head); /* pairs with get and steal */
  uint32_t tail = at_u32_load_acquire(&q->tail); /* pairs with put_tail */
  uint32_t ring = tail - head > GO_RUNQ_SIZE ? 0 : tail - head; /* torn pair: a hint only */
  return ring + (at_ptr_load_relaxed(&q->next) != NULL ? 1 : 0);
}

/* Reads half of victim's ring into the ring of `into` behind its tail, without publishing. */
static uint32_t grab(struct go_runq *into, uint32_t into_tail, struct go_runq *victim) {
  for (;;) {
    uint32_t head = at_u32_load_acquire(&victim->head); /* pairs with other thieves */
    uint32_t tail = at_u32_load_acquire(&victim->tail); /* pairs with put_tail: the entries */
    uint32_t n = tail - head;
    n -= n / 2;
    if (n == 0) return 0;
    if (n > GO_RUNQ_HALF) continue; /* head and tail are from different moments */
    for (uint32_t i = 0; i < n; i++) {
      void *g = at_ptr_load_relaxed(&victim->ring[(head + i) % GO_RUNQ_SIZE]);
      at_ptr_store_relaxed(&into->ring[(into_tail + i) % GO_RUNQ_SIZE], g);
    }
    /* pairs with put_tail and put_spill: the entries were read before they may be overwritten */
    if (at_u32_cas_acqrel(&victim->head, &head, head + n)) return n;
  }
}

struct go_g *go_runq_steal(struct go_runq *into, struct go_runq *victim, uint32_t *count) {
  rt_assert(into != victim);
  uint32_t tail = at_u32_load_relaxed(&into->tail); /* only this thread moves it */
  uint32_t n = grab(into, tail, victim);
  *count = n;
  if (n == 0) return NULL;
  n--;
  struct go_g *g = at_ptr_load_relaxed(&into->ring[(tail + n) % GO_RUNQ_SIZE]); /* own store */
  if (n == 0) return g;
  uint32_t head = at_u32_load_acquire(&into->head); /* pairs with steal */
  rt_assert(tail - head + n < GO_RUNQ_SIZE);
  at_u32_store_release(&into->tail, tail + n); /* pairs with grab: the entries */
  return g;
}

struct go_g *go_runq_steal_next(struct go_runq *victim) {
  void *next = at_ptr_load_acquire(&victim->next); /* pairs with go_runq_put: the goroutine */
  if (next == NULL) return NULL;
  return at_ptr_cas_acqrel(&victim->next, &next, NULL) ? next : NULL; /* pairs with put, get */
}

/* The run queue of one P: a ring of 256 and the runnext slot (Go 1.19, F6.2). Private to sched/.
 *
 * INV sched.runq.once: a goroutine put into a queue is handed out exactly once, by get or by steal.
 * Kept by:    head moves only by compare-and-swap; the owner alone moves tail and fills the ring;
 *             next changes only by exchange. A lone queue's owner, without rivals, stores.
 * Broken by:  put, get or spill by a thread that does not own the P.
 * Checked by: tests/sched/test_runq.c.
 */
#ifndef SCHED_RUNQ_H
#define SCHED_RUNQ_H

#include "runtime/check.h"
#include "runtime/plat.h"

struct go_g;

enum { GO_RUNQ_SIZE = 256, GO_RUNQ_HALF = GO_RUNQ_SIZE / 2 };

/* Goroutines linked by go_g.next, in order. Owned by whoever holds the list. */
struct go_list {
  struct go_g *head;
  struct go_g *tail;
  uint64_t count;
};

struct go_runq {
  struct at_u32 head;   /* counts up for ever; moved by owner and thieves */
  struct at_u32 tail;   /* counts up for ever; moved by the owner */
  struct at_ptr next;   /* runnext: runs before the ring, inherits the time slice */
  bool lone;            /* constant: no thread but the owner takes from it (sched.lone) */
  struct at_ptr ring[GO_RUNQ_SIZE];
};

/* go_list_push and go_list_pop: gmp.h, which knows the link. */
void go_list_unshift(struct go_list *list, struct go_g *g);
void go_list_append(struct go_list *list, struct go_list *more);

/* By the owner of q. next: into the runnext slot, whose old content goes to the tail. A full ring
 * gives its older half and g to *spill, in order, for the global queue; else *spill stays empty. */
void go_runq_put(struct go_runq *q, struct go_g *g, bool next, struct go_list *spill);

/* Nobody else takes: head and next are this thread's own. */
static inline struct go_g *go_runq_get_lone(struct go_runq *q, bool *inherit) {
  struct go_g *g = at_ptr_load_relaxed(&q->next);
  *inherit = g != NULL;
  if (g != NULL) {
    at_ptr_store_release(&q->next, NULL); /* pairs with go_runq_is_empty */
    return g;
  }
  uint32_t head = at_u32_load_relaxed(&q->head);
  if (head == at_u32_load_relaxed(&q->tail)) return NULL;
  g = at_ptr_load_relaxed(&q->ring[head % GO_RUNQ_SIZE]);
  at_u32_store_release(&q->head, head + 1); /* pairs with go_runq_is_empty */
  return g;
}

struct go_g *go_runq_get_shared(struct go_runq *q, bool *inherit);

/* By the owner. NULL: empty. *inherit: came from runnext and keeps the slice of its waker. */
static inline struct go_g *go_runq_get(struct go_runq *q, bool *inherit) {
  return q->lone ? go_runq_get_lone(q, inherit) : go_runq_get_shared(q, inherit);
}

/* By the owner of a lone queue, in one step: g to the tail of the ring and its head returned. NULL:
 * the ring is empty or runnext comes first, and nothing was done. */
static inline struct go_g *go_runq_rotate_lone(struct go_runq *q, struct go_g *g) {
  uint32_t head = at_u32_load_relaxed(&q->head);
  uint32_t tail = at_u32_load_relaxed(&q->tail);
  if (plat_unlikely(head == tail || at_ptr_load_relaxed(&q->next) != NULL)) return NULL;
  struct go_g *first = at_ptr_load_relaxed(&q->ring[head % GO_RUNQ_SIZE]);
  at_ptr_store_relaxed(&q->ring[tail % GO_RUNQ_SIZE], g); /* a full ring: first's place */
  at_u32_store_release(&q->head, head + 1); /* pairs with go_runq_is_empty */
  at_u32_store_release(&q->tail, tail + 1);
  return first;
}

/* By the owner of a lone queue whose ring has room: to the ring's tail. */
static inline void go_runq_append_lone(struct go_runq *q, struct go_g *g) {
  uint32_t tail = at_u32_load_relaxed(&q->tail); /* only this thread moves it */
  at_ptr_store_relaxed(&q->ring[tail % GO_RUNQ_SIZE], g);
  at_u32_store_release(&q->tail, tail + 1); /* pairs with go_runq_is_empty */
}

/* By the owner: everything it holds, in the order go_runq_get gives it. */
void go_runq_take_all(struct go_runq *q, struct go_list *out);

/* Any thread. True only if the queue was empty at one instant. */
bool go_runq_is_empty(const struct go_runq *q);
uint32_t go_runq_count(const struct go_runq *q);

/* By the owner of `into` (whose ring is empty): moves half of victim's ring, rounded up; returns
 * the last one taken, to be run; NULL: nothing. *count: how many were taken. */
struct go_g *go_runq_steal(struct go_runq *into, struct go_runq *victim, uint32_t *count);

/* Any thread: takes the victim's runnext, NULL: none. */
struct go_g *go_runq_steal_next(struct go_runq *victim);

#endif

/* Channels from the inside, for chan.c and select.c only.
 *
 * INV sched.chan: of recv, send and the buffer at most one holds something to wait for: receivers
 * wait only while the buffer is empty, senders only while it is full, and a closed channel has
 * neither.
 * Kept by:    go_chan_give_locked() and go_chan_take_locked(), which serve a waiter first.
 * Checked by: go_chan_check_locked(); tests/sched/test_chan.c.
 *
 * INV sched.chan.frames: a value moves into another goroutine's frame slots only while that
 * goroutine is parked and held against a scan, and after it was shaded: its frames may be black.
 * Kept by:    go_chan_give_locked(), go_chan_take_locked().
 * Checked by: tests/sched/test_chan.c (ThreadSanitizer); gc_verify_heap() in checking mode.
 */
#ifndef SCHED_CHAN_H
#define SCHED_CHAN_H

#include "sched/gmp.h"

/* Waiters in the order they came. The links go through the waiters' stacks, which are no heap. */
struct go_wait_list {
  struct go_waiter *first;
  struct go_waiter *last;
};

/* A heap object. With pointer-free elements the buffer follows it in the same object. */
struct go_chan {
  void *buffer;               /* heap object of capacity elements; NULL: follows the header */
  const struct gc_type *elem;
  uint64_t number;            /* order of creation: the order in which a select locks */
  uint64_t capacity;
  struct at_u64 count;        /* elements in the buffer; written under lock */
  struct at_u32 closed;       /* written under lock */
  uint32_t send_index;        /* lock; next buffer place to fill */
  uint32_t recv_index;        /* lock; next buffer place to empty */
  struct go_wait_list recv;   /* lock */
  struct go_wait_list send;   /* lock */
  struct plat_mutex lock;     /* CHAN */
};

enum go_chan_result {
  GO_CHAN_BLOCKED,            /* nothing was done */
  GO_CHAN_DONE,
  GO_CHAN_CLOSED              /* receive: zero value; send: the program's error */
};

/* Holding ch->lock. *wake: the partner that was served, to be readied after unlocking; or NULL. */
enum go_chan_result go_chan_give_locked(struct go_g *g, struct go_chan *ch, const void *value,
                                        struct go_g **wake);
enum go_chan_result go_chan_take_locked(struct go_g *g, struct go_chan *ch, void *out,
                                        struct go_g **wake);
/* Queues *w, filled by the caller but for its links. */
void go_chan_wait_locked(struct go_chan *ch, struct go_waiter *w, bool is_send);
/* Unlinks *w if it is still queued. */
void go_chan_forget_locked(struct go_chan *ch, struct go_waiter *w, bool is_send);

bool go_chan_check_locked(const struct go_chan *ch);

_Noreturn void go_chan_send_on_closed(void);

#endif

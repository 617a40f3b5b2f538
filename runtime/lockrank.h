/* Lock order: a thread may lock only a mutex of higher rank than every mutex it holds.
 * Checked by plat_mutex_lock in the model and in builds with check_hot. */
#ifndef RUNTIME_LOCKRANK_H
#define RUNTIME_LOCKRANK_H

#include <stdbool.h>
#include <stdint.h>

enum rt_lock_rank {
  RT_RANK_TEST = 1,      /* tests and front ends, above the runtime */
  RT_RANK_CHAN = 10,     /* one channel */
  RT_RANK_SYNC = 15,     /* one goroutine mutex, semaphore or wait group queue */
  RT_RANK_TIMER = 20,    /* the timers of one P */
  RT_RANK_ASSIST = 30,   /* the assist queue */
  RT_RANK_SWEEP = 35,    /* background sweeper hand-over */
  RT_RANK_ALLG = 40,     /* the list of all goroutines */
  RT_RANK_SCHED = 50,    /* global run queue, idle Ps and Ms */
  RT_RANK_WEAK = 55,     /* the records of weak pointers */
  RT_RANK_CENTRAL = 60,  /* one span class's central lists */
  RT_RANK_HEAP = 70,     /* the page heap */
  RT_RANK_PACER = 75,    /* pacer commits, CPU limiter */
  RT_RANK_META = 80,     /* metadata allocator, type registry */
  RT_RANK_EVENT = 90     /* event drain */
};

struct plat_mutex;
enum { RT_HELD_MAX = 64 };

/* The locks of one thread, which alone may use it. Kept by the platforms. */
struct rt_held {
  uint32_t count;
  struct plat_mutex *lock[RT_HELD_MAX];
};
/* Dies when the order forbids to lock m now; same_rank: its rank may be held already. */
void rt_held_check(const struct rt_held *held, const struct plat_mutex *m, bool same_rank);
void rt_held_add(struct rt_held *held, struct plat_mutex *m);
void rt_held_remove(struct rt_held *held, const struct plat_mutex *m);

#endif

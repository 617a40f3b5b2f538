/* A world of threads: what the collector asks of a scheduler (gc/world.h), where there is none.
 * Each P belongs to one thread with one goroutine for ever, and whoever wants a P at rest waits for
 * a lock that its thread gives up at safepoints only. So a collection takes hundreds of operations,
 * and not the thousands of one that goroutines are scheduled around.
 *
 * INV threads.safe: a P's cache, buffers and work are changed by the thread that holds its `safe`,
 * and a goroutine's frames while its thread holds `still`.
 * Holds:      once the threads run.
 * Kept by:    threads_enter(), threads_leave(), and the functions in the table of threads.c.
 * Checked by: gc_verify_heap(); the model's deadlocks and lock ranks; tests/explore/test_growth.c.
 */
#ifndef TESTS_EXPLORE_THREADS_H
#define TESTS_EXPLORE_THREADS_H

#include "gc/collector.h"
#include "sched/gmp.h"

enum { THREADS_MAX = 3, THREAD_PAGE = 4096 };

/* What a run changes comes first, on a page of its own: the fewer, the quicker the next begins. */
struct thread {
  struct go_g g;           /* its goroutine: maps ask for one */
  struct plat_mutex gate;  /* held by who waits for safe or still: nobody else's turn before */
  struct plat_mutex safe;  /* held: the P is not at a safepoint */
  struct plat_mutex still; /* held: the frames may change */
  struct plat_note note;   /* it was parked and is ready */
  struct plat_thread thread;
  struct gc_p p;
} __attribute__((aligned(THREAD_PAGE)));

/* By the first thread of a model's world: a heap and a collector with `count` Ps (1..THREADS_MAX),
 * each with its goroutine, of which none runs. False: no memory. */
bool threads_begin(const struct gc_config *config, uint32_t count);
struct thread *threads_at(uint32_t index);
static inline struct gc_mutator *thread_mu(struct thread *t) { return &t->g.mu; }

/* Starts fn on the P of that index; the thread is inside (threads_enter) meanwhile. */
void threads_start(uint32_t index, const char *name, void (*fn)(struct thread *));
void threads_join(void); /* all of them */

/* Between these the calling thread runs t's goroutine; before and after it is at a safepoint. */
void threads_enter(struct thread *t);
void threads_leave(struct thread *t);

/* A collection by t's goroutine, which is its only worker beside those that assist: the first stop,
 * after which the others mark what they allocate and record what they store; */
void threads_begin_cycle(struct thread *t);
/* marking, until that is over and the world runs again. */
void threads_mark(struct thread *t);
/* both, and sweeping. */
void threads_collect(struct thread *t);

#endif

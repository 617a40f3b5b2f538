/* Goroutines: cooperative, M:N on procs Ps (F6). Prefix go_, because sched_ is POSIX's. */
#ifndef SCHED_GO_H
#define SCHED_GO_H

#include "gc/api.h"
#include "gc/collector.h"

struct go_g; /* starts with struct gc_mutator: a go_g * may be cast to a gc_mutator * */

static inline struct gc_mutator *go_mu(struct go_g *g) { return (struct gc_mutator *)g; }
static inline struct go_g *go_from_mu(struct gc_mutator *mu) { return (struct go_g *)mu; }

struct go_config {
  uint32_t procs;        /* Ps, 1..1024 */
  uint64_t stack_bytes;  /* C stack of a goroutine, 16 KiB..64 MiB; default 256 KiB, lazy */
  uint64_t slice_ns;     /* preemption slice; default 10 ms */
  uint64_t max_threads;  /* most Ms; default 10000 */
  uint64_t faults;       /* bits of sched/faults.h; 0: none */
};
void go_config_default(struct go_config *c);

/* heap_arg: a heap object or NULL, rooted for the goroutine's whole life; arg: anything else. */
typedef void go_fn(struct go_g *g, void *arg, void *heap_arg);

/* Runs main as goroutine 1 on a fresh scheduler, on the calling thread and others; returns once
 * main has returned and every thread has ended (other goroutines are abandoned, as in Go).
 * gc_init must have been called with go_world_ops(); gc_start is left to main. */
enum rt_err go_run(const struct go_config *config, go_fn *main, void *arg) RT_MUST_USE;
const struct gc_world_ops *go_world_ops(void);

/* Starts a goroutine. name: static string or one that outlives it. A safepoint, after heap_arg has
 * been rooted. The result may end, and be used again for another goroutine, at any time. */
struct go_g *go_spawn(struct go_g *g, const char *name, go_fn *fn, void *arg, void *heap_arg);

void go_yield(struct go_g *g);           /* runtime.Gosched: to the tail of the global queue */
void go_yield_local(struct go_g *g);     /* to the tail of the P's own queue */
void go_sleep_ns(struct go_g *g, uint64_t ns);       /* a timer and a park */
uint64_t go_id(const struct go_g *g);
const char *go_name(const struct go_g *g);

/* Nanoseconds g has spent parked or asleep by its own wish (not runnable; waits inside the
 * collector do not count) since it started; the difference of two reads is what a gap between two
 * operations must not be charged with. Asked by g itself. */
uint64_t go_blocked_ns(const struct go_g *g);

/* ---- blocking -------------------------------------------------------------------------------- */

/* Parks g; *unlock (may be NULL) is released once g can be readied. why: static, for dumps. */
void go_park(struct go_g *g, struct plat_mutex *unlock, const char *why);
void go_ready(struct go_g *g, struct go_g *target);  /* through runnext */

/* sync.Mutex (F6.12), sync.RWMutex (F6.13), sync.WaitGroup, semaphore (F6.11). Zero-initialised is
 * ready to use; plain memory that is not moved; they hold no heap pointers. A wait group may end
 * its life when wait has returned; the others only when every call on them has returned. */
struct go_sema_queue {
  struct at_u32 root;          /* which of the scheduler's locks protects the queue; 0: none yet */
  struct at_u32 waiters;       /* goroutines queued or about to be; changed under that lock */
  struct go_g *head, *tail;
};
struct go_sema { struct at_u32 value; struct go_sema_queue queue; };
struct go_mutex { struct at_u32 state; struct go_sema sema; };
struct go_rwmutex {
  struct go_mutex writer;
  struct go_sema writer_sema, reader_sema;
  struct at_u32 reader_count, reader_wait; /* two's complement */
};
struct go_waitgroup { struct at_u64 state; struct go_sema sema; };

void go_sema_acquire(struct go_g *g, struct go_sema *s, bool lifo);
void go_sema_release(struct go_g *g, struct go_sema *s, bool handoff);
void go_mutex_lock(struct go_g *g, struct go_mutex *m);
bool go_mutex_try_lock(struct go_g *g, struct go_mutex *m);
void go_mutex_unlock(struct go_g *g, struct go_mutex *m);
void go_rwmutex_rlock(struct go_g *g, struct go_rwmutex *m);
void go_rwmutex_runlock(struct go_g *g, struct go_rwmutex *m);
void go_rwmutex_lock(struct go_g *g, struct go_rwmutex *m);
void go_rwmutex_unlock(struct go_g *g, struct go_rwmutex *m);
void go_waitgroup_add(struct go_g *g, struct go_waitgroup *wg, int32_t delta);
void go_waitgroup_done(struct go_g *g, struct go_waitgroup *wg);
void go_waitgroup_wait(struct go_g *g, struct go_waitgroup *wg);

/* ---- channels (F6.14): heap objects; the caller keeps ch rooted ------------------------------ */

struct go_chan;
/* elem: registered type of one element, at most 65535 bytes. A safepoint. */
struct go_chan *go_chan_new(struct go_g *g, const struct gc_type *elem, uint64_t capacity);
/* value and out: one element in the caller's frame slots or plain memory (pointer words in frame
 * slots). ch == NULL blocks for ever. */
void go_chan_send(struct go_g *g, struct go_chan *ch, const void *value);
bool go_chan_recv(struct go_g *g, struct go_chan *ch, void *out); /* false: closed and empty */
bool go_chan_try_send(struct go_g *g, struct go_chan *ch, const void *value);
bool go_chan_try_recv(struct go_g *g, struct go_chan *ch, void *out, bool *open);
void go_chan_close(struct go_g *g, struct go_chan *ch);
uint64_t go_chan_len(const struct go_chan *ch);

enum { GO_SELECT_MAX = 64 }; /* most cases of one select */
struct go_select_case { struct go_chan *ch; void *value; bool is_send; };
/* Index of the case that ran; -1: none was ready and block is false. The value of a receive case
 * may be NULL (dropped). *received (may be NULL): a value came, not the end of the channel. */
int go_select(struct go_g *g, struct go_select_case *cases, uint32_t count, bool block,
              bool *received);

/* Ends the run as a violation when the world is being stopped and nothing makes g stop. Asked by g,
 * in checking runs. */
void go_check_asked(const struct go_g *g);

/* ---- observation ----------------------------------------------------------------------------- */

struct go_totals {
  uint64_t goroutines_created, switches, steals, preemptions, parks;
  uint64_t stops, threads;
};
/* Of the last run; exact once go_run has returned or while the world is stopped. */
void go_totals_read(struct go_totals *out);

/* The goroutine running on the calling thread; NULL: none. For end handlers and dumps. */
struct go_g *go_current(void);
/* The goroutine on the thread whose plat_self that is (NULL: none of the scheduler's; *number is
 * UINT32_MAX then, the thread's number otherwise). NULL: none. For observers of a model's run. */
struct go_g *go_of_thread(const void *self, uint32_t *number);

/* Called by the restarting goroutine after every stop of the world (GC's and others'). */
typedef void go_stop_hook(const struct gc_stop *stop, void *arg);
void go_set_stop_hook(go_stop_hook *hook, void *arg);

#endif

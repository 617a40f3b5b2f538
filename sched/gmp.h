/* G, M, P and the scheduler's state (Go 1.19, F6). Private to sched/ and tests/sched.
 *
 *   G  a goroutine: a C stack and a state.     struct go_g, starts with the collector's gc_mutator
 *   M  an operating-system thread.             struct go_m
 *   P  the right to run goroutines; procs of them. struct go_p, starts with the collector's gc_p
 *
 * A thread is either on its own stack ("g0") running this folder's loop, or on a goroutine's stack.
 * A goroutine leaves its stack only through the functions of switch.c, which name what shall be
 * done with it *after* it has left (struct go_m.after), by whatever the thread runs next: the loop
 * or the next goroutine. Only then may others see it as not running.
 *
 * INV sched.status: go_g.status is changed from GO_RUNNING only by the M that runs the goroutine,
 * and from any other value only by compare-and-swap from a value without GO_SCAN, or by the thread
 * of the only P (sched.lone).
 * Kept by:    go_status_swap(); claim() and hop_lone() of switch.c; the after functions.
 * Checked by: the assertions there; tests/sched/test_world.c (test_storm).
 *
 * INV sched.running: go_g.mu.p is set exactly while the goroutine is on an M, which is go_m_of().
 * Checked by: the assertions of install() and leave().
 */
#ifndef SCHED_GMP_H
#define SCHED_GMP_H

#include "gc/collector.h"
#include "runtime/ctx.h"
#include "runtime/event.h"
#include "runtime/plat.h"
#include "sched/faults.h"
#include "sched/go.h"
#include "sched/runq.h"
#include "sched/timer.h"

/* Values of go_g.status (F6.1.1). */
enum {
  GO_IDLE = 0,       /* being made */
  GO_RUNNABLE = 1,   /* in exactly one run queue */
  GO_RUNNING = 2,
  GO_WAITING = 4,    /* parked, or scannable (go_scannable_begin) */
  GO_DEAD = 6,       /* in a free list */
  GO_PREEMPTED = 9,  /* stopped at a safepoint for a suspender, in no queue */
  GO_SCAN = 0x1000   /* held by a suspender; nobody else may change the status */
};

enum { GO_P_IDLE, GO_P_RUNNING, GO_P_STOPPED };

/* What a goroutine that waits in a channel left there; on its own stack. Protected by the
 * channel's lock while linked. */
struct go_waiter {
  struct go_g *g;
  struct go_waiter *next, *prev;
  struct go_chan *ch;
  void *elem;        /* the sender's value, or where the receiver wants it (may be NULL) */
  uint32_t index;    /* select case */
  bool is_select;    /* to be claimed through g->select_done */
  bool success;      /* woken by a partner, not by close */
};

struct go_m;
typedef void go_after_fn(struct go_m *m, struct go_g *g);

struct go_g {
  struct gc_mutator mu;          /* first; mu.p: (sched.running) */
  struct at_u32 status;          /* (sched.status) */
  struct at_u32 p_hint;          /* P index it was last given, plus 1: where to ask it to poll */
  struct at_u32 suspend_wanted;  /* a suspender waits for its next safepoint */
  struct at_u32 select_done;     /* 1: one case of its select has been claimed */
  struct at_ptr saved_sp;        /* switch hooks only: lowest live address while suspended */
  struct go_g *next;             /* link of the one list it is in */
  struct ctx ctx;
  struct go_timer timer;

  char *stack_low;               /* usable part of its C stack; kept while dead; NULL: none yet */
  size_t stack_bytes;
  const char *name;
  go_fn *fn;
  void (*system_fn)(struct gc_mutator *, void *); /* instead of fn, for a system goroutine */
  void *arg;

  const char *why;               /* what it waits for; static */
  struct plat_mutex *park_unlock;/* released when it has left its stack */
  bool park_is_select;           /* then, instead, the locks of all channels in waiters */
  uint64_t ready_ns;             /* when it became runnable; 0: events are off */
  uint64_t park_ticks;           /* when it parked by its own wish */
  uint64_t blocked_ticks;        /* sum over all such parks */
  bool park_counts;              /* this park goes into blocked_ticks */
  bool stopped_for_scan;         /* owned by the holder of GO_SCAN: it was GO_PREEMPTED */
  bool handed_off;               /* semaphore: the releaser took the value for it (F6.11.3) */
  bool lifo;                     /* semaphore: queue in front */
  struct go_waiter *woken_by;    /* channel: the waiter that was served; that channel's lock */
  struct go_waiter *waiters;     /* select: its waiters in lock order, on its stack */
  uint32_t waiter_count;
};

static inline void go_list_push(struct go_list *list, struct go_g *g) {
  g->next = NULL;
  if (list->tail == NULL)
    list->head = g;
  else
    list->tail->next = g;
  list->tail = g;
  list->count++;
}

static inline struct go_g *go_list_pop(struct go_list *list) {
  struct go_g *g = list->head;
  if (g == NULL) return NULL;
  list->head = g->next;
  if (list->head == NULL) list->tail = NULL;
  list->count--;
  g->next = NULL;
  return g;
}

struct go_m {
  struct ctx ctx;                /* g0: the thread's own stack while a goroutine runs */
  struct go_p *p;                /* owned by this thread */
  struct go_p *next_p;           /* handed over before note is woken; NULL: leave */
  struct go_g *cur;              /* the goroutine on this thread; NULL on g0 */
  struct go_g *left;             /* has left its stack for what runs now; until after(m, left) */
  go_after_fn *after;            /* what becomes of left */
  struct go_g *next_g;           /* taken from a queue: the loop's next; NULL: let it look */
  bool next_inherits;            /* next_g keeps the time slice */
  bool is_spinning;              /* counted in go_sched.spinning; owned by this thread, or by
                                  * who wakes it */
  bool has_hooks;                /* gc_flags.switch_hooks, constant during a run */
  uint64_t rng;                  /* for steal order */
  uint32_t index;
  struct plat_note note;         /* parked here when idle */
  struct plat_thread thread;     /* not used for index 0, the caller of go_run */
  struct go_m *idle_next;        /* SCHED lock; or the list of the thread that restarts the world */
  struct go_m *all_next;         /* SCHED; made after this one */
};

struct go_p {
  struct gc_p gc;                /* first */
  struct go_m *m;                /* SCHED lock, or the M that owns the P */
  struct at_u32 status;          /* GO_P_*; a hint for others */
  struct at_u64 tick;            /* scheduling decisions that began a new time slice */
  struct at_u32 preempt;         /* the running goroutine shall yield at its next safepoint */
  struct at_u32 safepoint_fn;    /* 1: go_for_each_p's function has not run here yet */
  struct go_runq runq;
  struct go_timers timers;
  struct go_list yielded;        /* owner; (sched.lone) */
  struct go_list free;           /* dead goroutines; owner */
  struct go_g *last_ran;         /* left its stack just now; owner */
  struct go_p *idle_next;        /* SCHED lock */
  uint64_t seen_tick;            /* sysmon only */
  uint64_t seen_ns;
  struct at_u64 inherits;        /* switches in the time slice of the goroutine before */
  struct at_u64 steals, preemptions, parks, created; /* owner counts these, anyone reads */
};

enum { GO_PROCS_MAX = 1024, GO_SEMA_ROOTS = 32 };
/* Chunk k of the goroutine table holds GO_G_CHUNK << k goroutines. */
enum { GO_G_CHUNK = 16, GO_G_CHUNKS = 22 };

/* One run's scheduler. "SCHED": protected by lock. */
struct go_sched {
  struct plat_mutex lock;
  struct go_list global;         /* SCHED; the global run queue */
  struct at_u64 global_count;    /* its length; written under lock, read by anyone as a hint */
  struct go_p *idle_p;           /* SCHED; LIFO */
  struct at_u32 idle_p_count;    /* written under lock */
  struct at_u64 idle_p_mask[GO_PROCS_MAX / 64]; /* bit: that P is idle; a hint for thieves */
  struct go_m *idle_m;           /* SCHED; LIFO */
  uint32_t idle_m_count;         /* SCHED */
  struct at_u32 spinning;        /* Ms that look for work without having any */
  struct go_list free;           /* SCHED; dead goroutines no P keeps */
  struct go_list free_clean;     /* SCHED; the same, their stacks given back to the system */
  uint64_t free_low;             /* SCHED; shortest length of free since the last trim */
  struct at_u64 free_count;      /* length of both; written under lock, read as a hint */

  struct go_config config;
  uint32_t procs;
  struct go_p *lone;             /* the only P of the run (sched.lone); NULL: there are several */
  struct go_p **p;               /* procs of them; room for p_room, kept for the next run */
  uint16_t *coprimes;            /* numbers up to procs coprime to it (F6.4.1); room for p_room */
  uint32_t p_room;
  uint32_t coprime_count;
  struct go_m *first_m;          /* the M of go_run's caller; all_next: in the order of creation */
  struct go_m *last_m;           /* SCHED; last M of this run; later ones wait for reuse */
  struct at_u64 m_count;         /* SCHED writes, anyone reads; Ms of this run, running or idle */
  uint64_t rng_seed;

  struct plat_mutex all_lock;    /* ALLG: growth of all_chunk */
  struct at_ptr all_chunk[GO_G_CHUNKS]; /* of struct go_g; append only */
  struct at_u64 all_count;
  struct at_u64 next_id;
  struct at_u64 next_chan;       /* number of the next channel: select's lock order */

  struct at_u32 stop_wanted;     /* the world is stopped or being stopped */
  uint32_t stop_wait;            /* SCHED; Ps still to stop */
  struct go_g *stop_last;        /* SCHED; what the last P ran */
  struct plat_note stop_note;
  struct at_u64 stop_asked;      /* quiet; 1: every running P has been asked to stop */
  go_after_fn *after_park;       /* constant during a run */
  void (*safepoint_fn)(struct gc_p *, void *); /* of the ragged barrier under way */
  void *safepoint_arg;
  uint32_t safepoint_wait;       /* SCHED; Ps still to run it */
  struct plat_note safepoint_note;

  struct at_u32 timer_waiter;    /* 1: an M without P sleeps until timer_until_ns */
  struct at_u64 timer_until_ns;
  struct plat_note timer_note;

  struct plat_thread sysmon;
  struct plat_note sysmon_note;
  struct at_u32 sysmon_waiting;  /* it is in deep sleep */
  struct at_u32 shutdown;        /* main has returned: everybody leaves */
  struct go_g *periodic;         /* runs gc_periodic_run */
  struct at_u32 periodic_parked;
  go_fn *main_fn;

  struct plat_mutex sema_root[GO_SEMA_ROOTS]; /* SYNC: the queues of the semaphores mapped here */
  struct at_u32 next_sema;
  go_stop_hook *stop_hook;
  void *stop_hook_arg;
  struct at_u64 stops;
};
extern PLAT_STATE struct go_sched go_sched;

/* Asked on slow paths only. */
static inline bool go_has_fault(enum go_fault fault) {
  return plat_unlikely((go_sched.config.faults & go_fault_bit(fault)) != 0);
}

/* Adds one to a figure that only the caller writes; not announced, because it decides nothing. */
static inline void go_count(struct at_u64 *n) { at_quiet_store(n, at_quiet_load(n) + 1); }

static inline struct go_p *go_p_of(struct go_g *g) { return (struct go_p *)g->mu.p; }

/* The M that runs g; only by g itself. */
static inline struct go_m *go_m_of(struct go_g *g) { return go_p_of(g)->m; }

static inline uint64_t go_p_switches(const struct go_p *p) {
  return at_quiet_load(&p->tick) + at_quiet_load(&p->inherits);
}

/* The only P of the run (sched.lone). */
static inline bool go_p_is_lone(const struct go_p *p) { return p->runq.lone; }

/* As far as p's owner can tell without the lock. */
static inline bool go_is_global_empty(const struct go_p *p) {
  return at_u64_load_relaxed(&go_sched.global_count) == 0 && p->yielded.head == NULL; /* a hint */
}

enum { GO_GLOBAL_EVERY = 61 }; /* scheduling decisions between looks there (F6.3.6) */

/* Whether p's owner must look at the global queue before its own. */
static inline bool go_is_global_turn(const struct go_p *p) {
  return !go_is_global_empty(p) && at_u64_load_relaxed(&p->tick) % GO_GLOBAL_EVERY == 0; /* own */
}

/* ---- proc.c: the loop ------------------------------------------------------------------------ */

/* Runs goroutines until the shutdown; the M owns a P. On the thread's own stack. */
void go_m_loop(struct go_m *m);
void go_after_global(struct go_m *m, struct go_g *g);    /* runnable, global queue's tail */
void go_after_local(struct go_m *m, struct go_g *g);     /* runnable, own queue's tail */
void go_after_preempted(struct go_m *m, struct go_g *g); /* GO_PREEMPTED */
void go_after_exit(struct go_m *m, struct go_g *g);      /* dead; main: shutdown */

/* ---- switch.c -------------------------------------------------------------------------------- */

/* By the loop: runs a runnable goroutine until some goroutine comes back to the loop. */
void go_execute(struct go_m *m, struct go_g *g, bool inherit);
/* Leaves the running goroutine's stack for the loop. Returns when it is run again. */
void go_switch_out(struct go_g *g, go_after_fn *after);
_Noreturn void go_switch_out_last(struct go_g *g, go_after_fn *after);
/* The same, straight for the next goroutine of the P's own queue if that is what the loop would
 * run. Not for a goroutine that leaves because something is wanted of its P. */
void go_switch_next(struct go_g *g, go_after_fn *after);
/* First act of a goroutine. */
void go_first_arrival(struct go_g *g);

/* ---- status.c -------------------------------------------------------------------------------- */

/* from -> to, waiting while a suspender holds it or the goroutine has not reached `from` yet. */
void go_status_swap(struct go_g *g, uint32_t from, uint32_t to);
bool go_suspend(struct gc_mutator *self, struct gc_mutator *target);
void go_resume(struct gc_mutator *target);
void go_scannable_begin(struct gc_mutator *self);
void go_scannable_end(struct gc_mutator *self);
/* Holds the waiting goroutine's frames against a scan, to write one of its slots. */
void go_frames_lock(struct go_g *g);
void go_frames_unlock(struct go_g *g);

/* ---- park.c ---------------------------------------------------------------------------------- */

/* counts: the wait goes into go_blocked_ns. */
void go_park_why(struct go_g *g, struct plat_mutex *unlock, const char *why, bool counts);
void go_park_init(void);
/* Makes a waiting goroutine runnable on p's queue; p NULL: on the global queue. */
void go_ready_on(struct go_p *p, struct go_g *g, bool next);
/* Puts a runnable goroutine into p's queue. */
void go_enqueue(struct go_p *p, struct go_g *g, bool next);
void go_enqueue_global(struct go_list *list);
void go_enqueue_global_locked(struct go_list *list);

/* ---- chan.c, select.c ------------------------------------------------------------------------ */

void go_chan_init(void);
void go_select_unlock(struct go_g *g);

/* ---- idle.c ---------------------------------------------------------------------------------- */

void go_idle_p_put_locked(struct go_p *p);
struct go_p *go_idle_p_get_locked(void);
bool go_idle_p_test(uint32_t index);
void go_p_acquire(struct go_m *m, struct go_p *p);
struct go_p *go_p_release(struct go_m *m);
void go_spinning_begin(struct go_m *m);
void go_spinning_end(struct go_m *m);
/* Parks the M until it is given a P; false: shutdown. It has no P. */
bool go_m_stop(struct go_m *m);
/* The M gives its P to the thread that stops the world, and parks. False: shutdown. */
bool go_m_stop_for_world(struct go_m *m);
/* The M gives up its P for good. */
void go_m_leave(struct go_m *m);
/* Runs p (NULL: an idle one, if any) on an M, parked or new. spinning: the caller has counted the
 * M in go_sched.spinning. */
void go_m_start(struct go_p *p, bool spinning);
struct go_m *go_m_new_locked(void);
struct go_m *go_idle_m_get_locked(void);
void go_m_launch(struct go_m *m, struct go_p *p, bool is_new);
void go_wake_idle(void);

/* ---- spawn.c, stack.c ------------------------------------------------------------------------ */

/* A dead goroutine, made ready to be filled in; then runnable with go_g_prepare. */
struct go_g *go_g_new(struct go_p *p, const char *name);
void go_g_prepare(struct go_g *g, struct gc_mutator *spawner, void *heap_arg);
void go_g_free(struct go_p *p, struct go_g *g);
struct go_g *go_g_at(uint64_t index);
/* By sysmon, about once a second: gives back the stacks that nobody has asked for since. */
void go_g_trim(void);
/* Empties the table after a run. */
void go_g_forget_all(void);
struct gc_mutator *go_spawn_system(struct gc_mutator *self, const char *name,
                                   void (*fn)(struct gc_mutator *, void *), void *arg);
void go_stack_init(size_t usable_bytes);
char *go_stack_alloc(void);
size_t go_stack_bytes(void);
/* Gives all stacks back; no goroutine has one any more. */
void go_stack_release_all(void);

/* ---- world.c, preempt.c, sysmon.c ------------------------------------------------------------ */

/* Counts p, which nobody runs, as stopped for the stop under way; true: it was the last. */
bool go_p_stopped_locked(struct go_p *p);

void go_safepoint(struct gc_mutator *mu);
void go_preempt_all(void);
/* Asks whatever runs on p to poll. The reason is set before. */
void go_poll_request(struct go_p *p);
void go_run_safepoint_fn(struct go_p *p);
void go_run_safepoint_fn_locked(struct go_p *p);
void go_sysmon_main(void *arg);
void go_sysmon_wake_locked(void);    /* a P runs, or may, that did not */
uint64_t go_timers_first_ns(void);   /* earliest sleeper of all Ps; 0: none */
void go_timer_wake(uint64_t when_ns);/* a sleeper was added */

/* Records an event of the P, or of sysmon with p NULL. */
static inline void go_emit(struct go_p *p, enum ev_code code, const struct go_g *g, uint64_t a,
                           uint64_t b) {
  uint32_t ring = p == NULL ? go_sched.procs : p->gc.index;
  if (plat_unlikely(ev_on(code))) ev_emit(ring, code, g == NULL ? 0 : g->mu.id, a, b);
}

/* g is about to become runnable, by whoever may change its status. */
static inline void go_stamp_ready(struct go_g *g) {
  if (plat_unlikely(ev_on(EV_go_run))) g->ready_ns = plat_log_ns();
}

#endif

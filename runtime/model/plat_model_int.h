/* Inside the model platform. One OS thread runs everything here, so nothing is locked. */
#ifndef RUNTIME_MODEL_PLAT_MODEL_INT_H
#define RUNTIME_MODEL_PLAT_MODEL_INT_H

#include "plat_model.h"
#include "runtime/ctx.h"
#include "runtime/lockrank.h"

/* A range of addresses that holds part of the world. */
struct model_range {
  char *low, *high;
};
enum { MODEL_RANGES_MAX = 32 };

enum model_state {
  MODEL_RUNNABLE, /* running, or in the queue by its clock */
  MODEL_BLOCKED,  /* until some other thread's operation */
  MODEL_TIMED,    /* the same, or its deadline; in the queue by its deadline */
  MODEL_ENDED
};

struct model_thread {
  struct ctx ctx;       /* first */
  uint64_t clock_ps;    /* while it runs: plat_model_hot.clock_ps instead */
  uint64_t start_ps;    /* its clock at its start */
  uint64_t idle_ps;     /* part of its clock since then in which it did not compute */
  uint64_t deadline_ps; /* of its WAIT_UNTIL */
  uint32_t id;
  uint32_t processor;   /* whose cache it uses: PLAT_MODEL_PROCESSORS - 1 until it says */
  uint32_t slot;        /* index of the thread structure and of its stack */
  uint32_t place;       /* index in model.live, while it is there */
  enum model_state state;
  struct plat_model_op pending;       /* announced, not yet happened */
  bool is_at_point;                   /* explored runs: the pending operation is a point */
  const void *wants;                  /* the mutex, note or thread of a pending LOCK, WAIT, JOIN */
  struct model_thread *next_waiter;   /* for the same mutex */
  struct model_thread *joiner;        /* blocked until this thread ends */
  struct model_thread *alive;         /* itself; NULL when it has ended */
  struct rt_held held;
  void *self;                         /* plat_self */
  void (*fn)(void *);
  void *arg;
  uint32_t points;                    /* it has passed under a chooser */
  uint64_t yields_to;                 /* bit per slot: who must step before it is enabled again */
  char name[16];
};

/* Of the queue: the key above, then the thread's number, then its slot. */
__extension__ typedef unsigned __int128 model_entry;
static inline uint64_t model_entry_key(model_entry e) { return (uint64_t)(e >> 64); }
static inline uint32_t model_entry_id(model_entry e) { return (uint32_t)(e >> 32); }

struct model {
  struct plat_model_config config;
  struct plat_model_hooks hooks;
  bool configured, ending;
  bool preparing;                 /* plat_model_mark will go to the host */
  bool choosing;                  /* an explored run: a chooser says who goes next */
  struct model_thread host;       /* what runs outside plat_main: never scheduled */
  struct model_thread *running;
  struct model_thread *threads;   /* table of PLAT_MODEL_THREADS_MAX slots */
  uint32_t slots_used;            /* slots ever used */
  uint32_t free_count;            /* slots to use again, last freed first */
  uint32_t *free_slots;
  struct model_thread **live;     /* started and not ended, in order of id */
  uint32_t live_count, next_id;
  model_entry *queue;             /* everything that may run, but the running thread; from 1 */
  uint32_t queue_leaves;          /* a power of two, or 0 before the first thread */
  uint32_t queue_count;
  struct model_thread *marked;    /* called plat_model_mark */
  /* Explored runs: what the pending operations of the threads wait for, by place; the running
   * one's is out of date. */
  struct model_thread *const *gate[PLAT_MODEL_CHOOSER_THREADS]; /* enabled: it leads to NULL */
  uint64_t irregular;             /* bit per place: the gate has to be found out each time */
  uint64_t between;               /* bit per place: the thread is not at a point */
  uint64_t yielding;              /* bit per slot: threads with yields_to */
  struct model_thread *last;      /* passed the last point of this run; NULL: none yet */
  uint64_t points;                /* of this run */
  uint64_t look_at_steps;         /* no stretch is a long one before */
  uint64_t stretch_began_at;      /* steps at the last point */
  uint64_t turn_began_at;         /* steps at which the running thread began its turn */
  uint32_t long_stretches;        /* of this run */
  uint32_t deadlines;             /* that passed since the last point */
  bool is_judged;                 /* the run is too long: threads take turns, step by step */
  uint32_t tired;                 /* number + 1 of the last thread that gave way after a long turn
                                   * since a chooser was asked; 0: none */
  uint64_t ended_cpu_ps;          /* processor time of threads that ended */
  uint64_t random_seed, random_draws;
  struct plat_model_stats stats;
};
extern struct model model;

/* ---- plat_model.c ---------------------------------------------------------------------------- */

/* Blocks the running thread, which has entered itself where a later operation of another thread
 * will call model_ready. deadline_ps: UINT64_MAX for none. */
void model_block(uint64_t deadline_ps);
/* Lets a blocked thread run again, its clock at least at_ps. */
void model_ready(struct model_thread *t, uint64_t at_ps);
/* Lets others run whose clock is smaller than the running thread's. */
void model_give_way(void);

void model_set_running(struct model_thread *t);
/* Leaves the running thread's stack for t's, or the host's for its first thread. */
void model_switch_to(struct model_thread *t);
_Noreturn void model_switch_to_host_last(struct model_thread *self);
void model_switch_to_host(struct model_thread *self);
void model_enter_world(struct model_thread *t);
/* Starts fn as the first thread and returns when the host goes on. */
void model_start(int (*fn)(void *), void *arg, int *status);
/* What every thread is about to do. */
void model_describe_blocked(char *text, size_t bytes);

/* ---- plat_model_choose.c: runs under a chooser ----------------------------------------------- */

void model_choose_step(enum plat_op kind, const void *object, const struct plat_site *site);
/* A thread that stands before its first operation. */
void model_choose_new(struct model_thread *t);
/* A thread has ended and is not among the living any more. */
void model_choose_joined(const struct model_thread *ended);
/* Who goes on after the running thread has ended. */
struct model_thread *model_choose_next(void);
/* To the hook of the run, if it has one. */
void model_tell_plain(const struct plat_model_plain *a);
/* Between plat_model_explore and its outcome. */
bool model_in_explored_run(void);
_Noreturn void model_end_run(enum plat_model_end end, int kind, const char *message);
/* The number of the explored run, from 1, whose program is running; UINT64_MAX: the program is, and
 * has not come to its mark; 0: neither, or the model is running. */
uint64_t model_run_in_program(void);

/* ---- plat_model_watch.c ---------------------------------------------------------------------- */

/* After a run, or instead of the mark: tells of a thread that hung. */
void model_watch_tell(void);

/* ---- plat_model_judge.c: runs that are too long ---------------------------------------------- */

struct judge;
enum model_verdict { MODEL_UNDECIDED, MODEL_LIVELOCK, MODEL_TOO_LONG };
struct judge *model_judge_new(void);
void model_judge_free(struct judge *j);
void model_judge_begin(struct judge *j);
/* On the host's stack, when t has just announced an operation. could_step: a bit for the slot of
 * each thread that is enabled or has a deadline. LIVELOCK: *period steps ago the state was the
 * same. */
enum model_verdict model_judge(struct judge *j, const struct model_thread *t, uint64_t could_step,
                               uint64_t *period);

/* ---- plat_model_image.c: the world kept and put back ----------------------------------------- */

void model_image_take(void);
/* To the moment in slot from - 1; 0: to the mark. */
void model_image_restore(uint32_t from);
/* Keeps the world, every thread suspended. False: it cannot be kept. */
bool model_image_keep(uint32_t slot);
void model_image_drop(void);
/* Whatever runs have written so far, in the order of the first time: now, and what it was at the
 * image; NULL: the run under way has got it new. */
void model_image_each(void (*visit)(const struct model_range *now, const char *before, void *arg),
                      void *arg);
/* The plat_vm_* of an explored run, where pages belong to the image. */
bool model_image_commit(void *p, size_t bytes);

/* ---- plat_model_queue.c ---------------------------------------------------------------------- */

/* t is not in the queue. */
void model_queue_push(struct model_thread *t, uint64_t key_ps);
/* Takes out the first; there is one. */
struct model_thread *model_queue_pop(void);
/* Both at once, the taking first. */
struct model_thread *model_queue_replace_first(struct model_thread *t, uint64_t key_ps);
void model_queue_remove(struct model_thread *t);
/* There is one. */
static inline model_entry model_queue_first(void) { return model.queue[1]; }

/* ---- plat_model_lines.c ---------------------------------------------------------------------- */

/* Forgets every line; before a run. */
void model_lines_begin(void);
/* What the access of a thread on this processor costs beyond a hit, picoseconds. */
uint64_t model_line_access(enum plat_op kind, uint64_t object, uint32_t processor);

/* ---- plat_model_cache.c ---------------------------------------------------------------------- */

void model_cache_begin(void);

/* ---- plat_model_vm.c ------------------------------------------------------------------------- */

void model_vm_init(void);
/* Fills out[MODEL_RANGES_MAX]; returns how many. */
uint32_t model_vm_ranges(struct model_range *out);
/* What announcing reads; constant once the tables exist. */
extern struct model_vm_hot {
  uintptr_t arena;
  uint64_t arena_bytes;
  const struct plat_site *sites; /* the first of all */
  const uint32_t *site_hashes;   /* by index from there */
} model_vm_hot;
uint64_t model_object_id_elsewhere(const void *p); /* not in the arena */
static inline uint64_t model_object_id(const void *p) {
  uint64_t offset = (uintptr_t)p - model_vm_hot.arena;
  if (plat_likely(offset < model_vm_hot.arena_bytes))
    return (uint64_t)PLAT_REGION_ARENA << 60 | offset;
  return model_object_id_elsewhere(p);
}
static inline uint32_t model_site_index(const struct plat_site *site) {
  return (uint32_t)(site - model_vm_hot.sites);
}
static inline uint32_t model_site_hash(const struct plat_site *site) {
  return model_vm_hot.site_hashes[site - model_vm_hot.sites];
}
/* Zeroed memory that is no part of the world, whole pages of 4 KiB, released with vmem_release if
 * ever; a refusal ends the program. */
void *model_map_apart(size_t bytes);
enum { MODEL_SIGNAL_STACK_BYTES = 1 << 16 };
/* Memory for the model's own tables; zeroed. */
void *model_table(size_t bytes);
bool model_is_in_stacks(const void *p);
/* The stack of a thread slot, committed; NULL: refused. */
void *model_stack(uint32_t slot, size_t *bytes);
/* Those of the first slots all have their memory from now on. */
void model_stacks_commit(uint32_t slots);

#endif

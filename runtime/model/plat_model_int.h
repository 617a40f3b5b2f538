/* Inside the model platform. One OS thread runs everything here, so nothing is locked. */
#ifndef RUNTIME_MODEL_PLAT_MODEL_INT_H
#define RUNTIME_MODEL_PLAT_MODEL_INT_H

#include "plat_model.h"
#include "runtime/ctx.h"

enum { MODEL_HELD_MAX = 64 };
#define MODEL_NOT_IN_HEAP UINT32_MAX

enum model_state {
  MODEL_RUNNABLE, /* running, or in the heap by its clock */
  MODEL_BLOCKED,  /* until some other thread's operation */
  MODEL_TIMED,    /* the same, or its deadline; in the heap by its deadline */
  MODEL_ENDED
};

struct model_thread {
  struct ctx ctx;
  uint64_t clock_ps;    /* while it runs: plat_model_hot.clock_ps instead */
  uint64_t start_ps;    /* its clock at its start */
  uint64_t idle_ps;     /* part of its clock since then in which it did not compute */
  uint64_t deadline_ps; /* of its WAIT_UNTIL */
  uint32_t id;
  uint32_t slot;        /* index of the thread structure and of its stack */
  uint32_t heap_at;     /* MODEL_NOT_IN_HEAP: not there */
  enum model_state state;
  struct plat_model_op pending;       /* announced, not yet happened */
  const void *wants;                  /* the mutex, note or thread of a pending LOCK, WAIT, JOIN */
  struct model_thread *next_waiter;   /* for the same mutex */
  struct model_thread *joiner;        /* blocked until this thread ends */
  struct plat_mutex *held[MODEL_HELD_MAX];
  uint32_t held_count;
  void *self;                         /* plat_self */
  void (*fn)(void *);
  void *arg;
  char name[16];
};

struct model_heap_entry {
  uint64_t key_ps;
  struct model_thread *thread;
};

struct model {
  struct plat_model_config config;
  struct plat_model_hooks hooks;
  bool configured, choosing, ending;
  struct model_thread host;       /* what runs outside plat_main: never scheduled */
  struct model_thread *running;
  struct model_thread *threads;   /* table of PLAT_MODEL_THREADS_MAX slots */
  uint32_t slots_used;            /* slots ever used */
  uint32_t free_count;            /* slots to use again, last freed first */
  uint32_t *free_slots;
  struct model_thread **live;     /* started and not ended, in order of id */
  uint32_t live_count, next_id;
  struct model_heap_entry *heap;  /* everything that may run, but the running thread */
  uint32_t heap_count;
  struct plat_model_op *pending;  /* scratch of the chooser's path */
  struct model_thread **candidates;
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

/* ---- plat_model_heap.c ----------------------------------------------------------------------- */

void model_heap_push(struct model_thread *t, uint64_t key_ps);
struct model_thread *model_heap_pop(void);
struct model_thread *model_heap_replace_top(struct model_thread *t, uint64_t key_ps);
void model_heap_remove(struct model_thread *t);

/* ---- plat_model_vm.c ------------------------------------------------------------------------- */

void model_vm_init(void);
uint64_t model_object_id(const void *p);
uint32_t model_site_hash(const struct plat_site *site);
/* Memory for the model's own tables; zeroed. */
void *model_table(size_t bytes);
/* The stack of a thread slot, committed; NULL: refused. */
void *model_stack(uint32_t slot, size_t *bytes);

#endif

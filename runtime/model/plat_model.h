/* The model platform's handle: configuration, observation, choosing who goes next.
 * Only front ends of the model and tests include it. */
#ifndef RUNTIME_MODEL_PLAT_MODEL_H
#define RUNTIME_MODEL_PLAT_MODEL_H

#include "runtime/plat.h"

enum {
  PLAT_MODEL_THREADS_MAX = 8192,
  PLAT_MODEL_PROCESSORS = 1025 /* caches; the last one is of threads that never had a processor */
};

struct plat_model_config {
  uint32_t ncpu;                        /* what plat_ncpu says; default 1024 */
  uint64_t cost_ps[PLAT_COST_COUNT];    /* default: cost.def */
};
void plat_model_config_default(struct plat_model_config *c);
/* Outside plat_main; kept by plat_model_reset. */
void plat_model_configure(const struct plat_model_config *c);

/* One announced operation. */
struct plat_model_op {
  enum plat_op kind;
  uint32_t thread;               /* number in order of creation within plat_main, from 0 */
  uint64_t object;               /* region in the top 4 bits, offset below; never an address.
                                  * Filled in only for the observe and execute hooks */
  uint64_t clock_ps;             /* the thread's virtual clock */
  const struct plat_site *site;
  const void *address;           /* of the object: to compare and to read, never to decide by */
  uint32_t point;                /* chooser: how many points the thread has passed before */
  uint32_t range_bytes;          /* of a site of PLAT_SITE_RANGE; else meaningless */
};
/* How many bytes of memory it accesses, from address on; 0: none that others could, too. */
static inline uint32_t plat_model_op_bytes(const struct plat_model_op *op) {
  return op->site->bytes == PLAT_SITE_RANGE ? op->range_bytes : op->site->bytes;
}
const char *plat_model_op_name(enum plat_op kind); /* "load" */
uint64_t plat_model_object(const void *address);   /* its object id */
/* Small number of a site, below plat_model_site_count(); the same in each run of an executable. */
uint32_t plat_model_site_index(const struct plat_site *site);
uint32_t plat_model_site_count(void);
const struct plat_site *plat_model_site_at(uint32_t index);

/* Regions of an object id. Offsets are the same in every run of one executable. */
enum plat_model_region {
  PLAT_REGION_NONE,     /* no object, or memory the model does not know: offset 0 */
  PLAT_REGION_ARENA,    /* from plat_vm_reserve */
  PLAT_REGION_STATE,    /* PLAT_STATE variables */
  PLAT_REGION_STACKS,   /* stacks of model threads, and from plat_vm_reserve_stacks */
  PLAT_REGION_PROGRAM   /* other variables of the executable */
};
static inline enum plat_model_region plat_model_region_of(uint64_t object) {
  return (enum plat_model_region)(object >> 60);
}

/* Classes of operations, by where they stand in the source. A chooser is asked at operations of
 * chosen classes only (points); what a thread does between two of its points happens at once. */
enum plat_model_class {
  PLAT_CLASS_PROGRAM,   /* sims/, tests/: always points */
  PLAT_CLASS_BARRIER,   /* gc/concurrent/wb.c, gc/api.h, gc/api.c: stores and their barrier */
  PLAT_CLASS_MARKER,    /* the rest of gc/concurrent/ */
  PLAT_CLASS_ALLOCATOR, /* the rest of gc/, and runtime/ */
  PLAT_CLASS_SCHEDULER, /* sched/ */
  PLAT_CLASS_MAP,       /* maps/ */
  PLAT_CLASS_COUNT
};
enum { PLAT_CLASS_ALL = (1 << PLAT_CLASS_COUNT) - 1 };
const char *plat_model_class_name(enum plat_model_class c); /* "barrier" */
enum plat_model_class plat_model_class_of(const struct plat_site *site);

enum { PLAT_MODEL_CHOOSER_THREADS = 64 }; /* most threads alive at once under a chooser */
#define PLAT_MODEL_CUT UINT32_MAX         /* a chooser's answer: give this run up */

/* A point: the moment before the next operation that a chooser decides about. op[i] is what enabled
 * thread i is about to do, in order of thread number. Each is at a point; threads that are
 * between points have run on, and a thread that yields is not enabled before every other thread
 * that was has taken a step. */
struct plat_model_point {
  const struct plat_model_op *op[PLAT_MODEL_CHOOSER_THREADS];
  uint32_t count;
  uint32_t running; /* index of the thread that passed the last point and could go on, or count:
                     * choosing another is a preemption exactly when it is below count */
  uint32_t tired;   /* thread that gave way after a long turn, since choose was asked last;
                     * UINT32_MAX: none */
  uint64_t number;  /* points of this run before this one */
};

/* An access of memory that is no operation. */
struct plat_model_plain {
  const void *address;
  size_t bytes;
  uint32_t thread;
  bool writes;
  const void *place;   /* in the code, just after it */
};

struct plat_model_hooks {
  /* Sees every announcement, in order. May be NULL. */
  void (*observe)(const struct plat_model_op *op, void *arg);
  /* Returns the index of the thread that goes on, or PLAT_MODEL_CUT; NULL: the timed schedule, in
   * which the thread with the smallest (clock, number) goes on. Under a chooser the clock stands
   * still, and a deadline comes only when no thread is enabled otherwise: the earliest. */
  uint32_t (*choose)(const struct plat_model_point *point, void *arg);
  /* Under a chooser, just before an operation (of any class) takes effect. May be NULL. What it
   * reads at op->address is the value before. */
  void (*execute)(const struct plat_model_op *op, void *arg);
  /* By site: of operations that neither wait, nor start or end threads, nor ask for time or chance
   * only those where 1 are told; NULL: all. Does not change during a run. */
  const uint8_t *execute_sites;
  /* Under a chooser, just before an access that is not announced: in executables whose core is
   * compiled to tell (plat_model_plain.c). May be NULL. */
  void (*plain)(const struct plat_model_plain *a, void *arg);
  void *arg;
  uint32_t classes;    /* bits of enum plat_model_class that are points; PROGRAM always is */
  const uint8_t *point_sites; /* by site: only where 1; NULL: everywhere */
  bool every_point;    /* choose is also asked where one thread only is enabled */
  uint64_t step_max;   /* announced operations after which a run is too long; 0: 2^24 */
  uint32_t from;       /* the run begins at the moment in slot from - 1; 0: at the mark */
  uint64_t keep_at;    /* the world is kept before the point of this number; 0: nowhere */
  uint32_t keep_in;    /* in this slot, which loses the moment it had */
};
/* Outside plat_main; NULL removes them. Neither hook may perform a visible operation. */
void plat_model_set_hooks(const struct plat_model_hooks *hooks);

/* ---- exploring: many runs from one moment on -------------------------------------------------- *
 *
 * plat_model_prepare runs fn in the timed schedule up to plat_model_mark() and keeps an image of
 * the world at that moment: threads, stacks, variables of the executable, address space. Each
 * plat_model_explore puts it back and runs on from there under the hooks' chooser. Only pages that
 * some run has written are copied back, so a run of a small world is prepared in microseconds.
 *
 * Variables of the executable and what plat_vm_* and plat_model_world_alloc gave are part of the
 * world; malloc's memory is not: what a search remembers lies there. */

enum plat_model_end {
  PLAT_MODEL_DONE,      /* plat_model_finish_run, or every thread ended */
  PLAT_MODEL_FAILED,    /* plat_model_fail_run: the world's rt_fatal, rt_die, rt_assert; or it
                         * crashed: SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT */
  PLAT_MODEL_DEADLOCK,  /* every thread is blocked */
  PLAT_MODEL_LIVELOCK,  /* it would go on for ever: one state came twice (plat_model_judge.c) */
  PLAT_MODEL_TOO_LONG,  /* step_max, or only deadlines pass and no point is reached; no failure */
  PLAT_MODEL_CUT_OFF    /* the chooser gave it up */
};

enum { PLAT_MODEL_MESSAGE_BYTES = 2048 };
struct plat_model_outcome {
  enum plat_model_end end;
  int kind;             /* FAILED: what plat_model_fail_run was told; -1: a crash */
  uint64_t steps, points;
  uint64_t begun_steps, begun_points; /* of them before the moment at which it began */
  uint64_t trace_hash;  /* over (thread, site's file and line) of every point */
  char message[PLAT_MODEL_MESSAGE_BYTES]; /* "": none */
};

/* A run may keep the world as it is before one of its points, and a later run that makes the same
 * choices up to there begin at that moment instead of at the mark. */
enum { PLAT_MODEL_KEPT_MAX = 16 }; /* slots */
/* Not sure to be so after a run that was to keep a moment there. */
bool plat_model_has_kept(uint32_t slot);

/* Outside plat_main. False: fn ended without a mark, *status is its result. Hooks are not used. */
bool plat_model_prepare(int (*fn)(void *), void *arg, int *status);
/* By any thread of the world: here exploring begins. Nothing in a run that is not prepared. */
void plat_model_mark(void);
/* One run, from the mark on. The hooks must have a chooser. */
void plat_model_explore(struct plat_model_outcome *out);
/* After a run: what its threads would have done next, in order of thread number; how many, at most
 * room. Not the thread that ended the run by what it did. */
uint32_t plat_model_pending(struct plat_model_op *out, uint32_t room);
/* In a run or after it: what a thread is about to do between two of its points, where it waits or
 * gives way; NULL: it is at a point, has ended, or has ended the run. */
const struct plat_model_op *plat_model_between_points(uint32_t thread);
/* Of a thread that was started and not joined. */
uint32_t plat_model_thread_number(const struct plat_thread *t);
/* Of the thread that will be started next. */
uint32_t plat_model_next_thread(void);
/* In a run: a number made of what the model itself remembers of the order of operations, beyond
 * what they do to their objects: who has to wait after a yield, the clock, what has been drawn and
 * numbered. How long the running thread's turn has lasted is left out until a run is so long that
 * turns end. */
uint64_t plat_model_memory(void);
/* Ends exploring; the world is gone as after plat_model_reset. */
void plat_model_leave(void);
/* By a thread of the world in an explored run; a normal run returns from both. */
void plat_model_finish_run(void);
void plat_model_fail_run(int kind, const char *message);
/* Zeroed memory of the world, never freed; outside plat_main too. */
void *plat_model_world_alloc(size_t bytes);

/* A thread that went on and on after an operation. */
struct plat_model_stuck {
  const char *thread;    /* its name */
  void *self;            /* its plat_self */
  const struct plat_site *site; /* of its last operation */
  uint64_t cpu_ns;       /* so long */
};
/* Watches explored runs: one in which the program goes on for cpu_ns of this process's processor
 * time, or a tenth more, without an operation ends as PLAT_MODEL_CUT_OFF, and before that is told,
 * stuck is called outside the world; what points into the world is good until the next run. Before
 * the mark, too: then stuck is called by plat_model_prepare, which goes on as if the program had
 * ended. 0: ends watching. Uses SIGVTALRM, and gives the caller's thread a stack for signals if it
 * has none. */
void plat_model_watch(uint64_t cpu_ns,
                      void (*stuck)(const struct plat_model_stuck *what, void *arg), void *arg);
/* In a child of fork, whose runs are not watched otherwise: as in its parent. */
void plat_model_watch_child(void);

/* Up to 8 bytes of the world as they lie, of a variable that is gone, too; lowest address first. */
uint64_t plat_model_word(const void *address, uint32_t bytes);

/* Of the run in progress or, outside plat_main, the last one. */
struct plat_model_stats {
  uint64_t trace_hash;   /* over (thread, kind, object, site's file and line) of every step */
  uint64_t steps;        /* announced operations */
  uint64_t switches;     /* changes of the running thread */
  uint64_t end_ps;       /* largest clock of any thread when it ended */
};
void plat_model_stats_read(struct plat_model_stats *out);
/* Coherence misses of one processor, in the same run; none under a chooser. */
struct plat_model_misses {
  uint64_t read;  /* of a line that another one wrote last */
  uint64_t write; /* of a line that another one holds */
};
void plat_model_misses_read(uint32_t processor, struct plat_model_misses *out);
/* Times that memory was asked for which was in no cache, of all processors, in the same run. */
uint64_t plat_model_cache_misses(void);
const char *plat_model_thread_name(uint32_t thread); /* of the run in progress; NULL: ended */
void *plat_model_thread_self(uint32_t thread);       /* its plat_self; NULL: ended, or none */

/* Outside plat_main: every PLAT_STATE variable is again what it was when the first plat_main began
 * (or plat_model_snapshot ran), all address space is released, the random seed is 0. */
void plat_model_reset(void);
void plat_model_snapshot(void);

#endif

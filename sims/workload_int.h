/* Inside of the workload interpreter: compiled operations and what a goroutine carries.
 *
 * An operation's function runs all its repetitions in one loop; a body calls one function per
 * operation. No operation keeps a raw object pointer across a safepoint unless the object is
 * reachable from the shared table or from the goroutine's root slots (gc.root).
 */
#ifndef SIMS_WORKLOAD_INT_H
#define SIMS_WORKLOAD_INT_H

#include "maps/kind.h"
#include "sims/keygen.h"
#include "sims/platform.h"
#include "sims/workload.h"

struct wl_go;
struct wl_op;
typedef void wl_fn(struct wl_go *w, const struct wl_op *op);

/* Who is in a map, in an explored run: only of maps that several goroutines may use without a
 * mutex. One thread, never announced: it changes no schedule. */
struct wl_use {
  struct at_u64 inside, writing; /* operations under way; those that write */
  struct at_u64 clashes;         /* operations begun beside another one, one of the two a write */
};

/* ---- named things; immutable after workload_setup, what they hold lies in the shared table --- */

struct wl_map {
  const struct sc_map *source;
  const struct map_type *type;
  const struct gc_type *value_type; /* pointer values */
  const struct map_kind *kind;
  void *map;                        /* as kind->create made it; NULL until then */
  bool in_setup;                    /* the setup uses it */
  double hash0;                     /* it was made with; NaN: not one */
  char hash_key[20];                /* hexadecimal */
  struct wl_use *use;               /* NULL: nobody watches */
};

void wl_use_enter(struct wl_use *u, bool writes);
void wl_use_leave(struct wl_use *u, bool writes);
/* Around one operation of the map itself, without what the workload does about it. */
static inline void wl_use_begin(const struct wl_map *m, bool writes) {
  if (plat_unlikely(m->use != NULL)) wl_use_enter(m->use, writes);
}
static inline void wl_use_end(const struct wl_map *m, bool writes) {
  if (plat_unlikely(m->use != NULL)) wl_use_leave(m->use, writes);
}

struct wl_list {
  const struct sc_list *source;
  const struct gc_type *type;       /* word 0: next; word 1: tag and sequence number */
  void **head, **tail;              /* slots of the shared table */
  uint64_t tag;                     /* high 16 bits of every node's word 1 */
};

struct wl_tree {
  const struct sc_tree *source;
  const struct gc_type *type;       /* words 0, 1: children */
  void **root;                      /* slot of the shared table */
};

struct wl_channel {
  const struct sc_channel *source;
  struct go_chan *chan;
};

struct wl_object {
  const struct sc_heap_object *source;
  void **slot;                      /* its global root slot */
  struct at_u64 address;            /* where it was made; any thread reads it for names */
};

/* ---- compiled operations --------------------------------------------------------------------- */

/* Immutable, shared by the goroutines of a group. */
struct wl_op {
  wl_fn *run;
  uint64_t count;
  uint32_t state;             /* index into wl_go.states, and into wl_body.flat */
  uint32_t ring;              /* alloc with keep: slot in the goroutine's table of rings */
  const struct sc_op *source;
  union {
    struct wl_map *map;
    struct wl_list *list;
    struct wl_tree *tree;     /* may be NULL for tree.build */
    struct wl_channel *channel;
    struct go_mutex *mutex;
    struct wl_object *object; /* object.get, object.put */
  };
  const struct gc_type *type; /* alloc, tree.build */
  struct sim_keygen keys;
  struct wl_op *body;
  uint32_t body_count;
};

struct wl_body {
  const char *name;           /* of the group; "setup" */
  const struct sc_group *group; /* NULL: the setup */
  struct wl_op *ops;
  uint32_t count;
  const struct wl_op **flat;  /* every operation, nested ones included, by state index */
  uint32_t flat_count;
  uint32_t ring_count;
  uint64_t planned;           /* operations one goroutine will do; SC_OPS_UNKNOWN */
};

/* ---- a goroutine ----------------------------------------------------------------------------- */

struct wl_state {
  struct sim_keystate keys;
  uint64_t done;   /* repetitions that took effect */
  uint64_t hits;   /* map.get: keys found */
  uint64_t sum;    /* chan.recv: of the values */
};

enum { WL_ROOT_RINGS, WL_ROOT_KEY, WL_ROOT_VALUE, WL_ROOT_CURSOR, WL_ROOTS };

#define WL_NOT_RUNNING UINT64_MAX

/* Owned by its goroutine, except the published words. */
struct wl_go {
  struct go_g *g;
  struct sim_gaps *gaps;      /* of P 0 */
  uint64_t last_ticks;        /* end of the last operation or step */
  uint64_t slow_ticks;        /* gaps from here on are recorded in nanoseconds */
  uint64_t steps;             /* of walks and tree building */
  void **roots;               /* WL_ROOTS slots on its stack */
  void **registers;           /* SC_REGISTERS slots on its stack; NULL: a program without objects */
  uint64_t register_headers[SC_REGISTERS]; /* of what they hold */
  struct wl_fresh *fresh;     /* the first objects it made; NULL: it makes none */
  uint64_t fresh_count;
  void *late_object;          /* fault publish-before-init: one whose header is still to be */
  uint64_t late_header;       /* written; NULL: none */
  struct wl_state *states;
  uint64_t ops;
  uint64_t drain_at_ops;      /* the model has no watcher: the event rings are read at this count */
  bool check;
  uint64_t alloc_extra_ns;
  uint64_t paced;             /* sum that keeps that time from being optimised away */
  char *scratch;              /* key text for look-ups; as long as the longest key */
  void *value;                /* an element passed by value; as long as the longest */
  const struct wl_body *body;
  struct workload *wl;
  uint64_t number;            /* in its group */
  uint64_t index;             /* among all, from 1; the setup: 0 */
  struct at_u64 id;             /* go_id, 0 before it started; any thread reads these three */
  struct at_u64 published_ops;
  struct at_u64 doing;          /* state index of the running operation, or WL_NOT_RUNNING */
} __attribute__((aligned(PLAT_CACHE_LINE)));

struct workload {
  const struct scenario *sc;
  struct sim_measure *measure;
  void *shared_root;          /* a global root: the shared table, a heap array of pointers */
  void **shared;              /* the same table */
  struct wl_map *maps;
  struct wl_list *lists;
  struct wl_tree *trees;
  struct wl_channel *channels;
  struct go_mutex *mutexes;
  bool has_objects;           /* the next six are used */
  bool has_late_headers;      /* fault publish-before-init */
  struct wl_object *objects;
  void **root_slots;          /* of the objects, and one for all of them during the setup */
  const struct gc_type *object_types[SC_FIELDS_MAX + 1]; /* by number of fields */
  struct go_waitgroup armed;  /* the goroutines have not all got their registers */
  struct go_waitgroup gate;   /* the clock has not started */
  struct wl_body setup;
  struct wl_body *groups;
  struct wl_go *setup_go;
  struct wl_go *gos;          /* all goroutines of all groups, group by group */
  uint64_t go_count;
  uint64_t planned;           /* operations of all of them; 0: unknown */
  uint64_t planned_ns;        /* time the sleeps, computations and timed loops will take */
  struct at_u64 phase;        /* 0 setup, 1 run */
  bool is_explored;           /* the run is searched: it begins at a gate; nothing is measured */
  struct at_u32 arrived;      /* goroutines at the gate */
  struct at_u32 gate_open;
  struct go_waitgroup done;
  uint32_t key_bytes_max, value_bytes_max;
  struct gc_type **types;     /* of alloc and trees, by size and pointers */
  uint32_t type_count, type_room;
  struct sim_result_map *map_results;
  struct sim_result_list *list_results;
  struct sim_result_tree *tree_results;
  struct sim_result_channel *channel_results;
};

/* ---- workload_report.c ----------------------------------------------------------------------- */

/* Has the maps checked at the end of every marking; by the first thread. */
void wl_check_begin(struct workload *wl);
void wl_check_end(void);

/* ---- what every operation does --------------------------------------------------------------- */

/* Records a gap of that many ticks, less blocked_ns the goroutine wished to wait. */
void wl_gap_slow(struct wl_go *w, uint64_t ticks, uint64_t blocked_ns);

/* The end of an operation or step: records the gap since the last one. */
static inline void wl_observe(struct wl_go *w) {
  uint64_t now = plat_ticks();
  uint64_t gap = now - w->last_ticks;
  w->last_ticks = now;
  if (plat_likely(gap < w->slow_ticks))
    w->gaps[go_mu(w->g)->p->index].fast[hist_index(gap)]++;
  else
    wl_gap_slow(w, gap, 0);
}

/* The same after something that may have blocked. */
static inline void wl_observe_blocking(struct wl_go *w, uint64_t blocked_before_ns) {
  uint64_t now = plat_ticks();
  uint64_t gap = now - w->last_ticks;
  w->last_ticks = now;
  wl_gap_slow(w, gap, go_blocked_ns(w->g) - blocked_before_ns);
}

/* Before an operation allocates: the time by which the program's allocations are to be longer. */
static inline void wl_pace(struct wl_go *w) {
  if (plat_unlikely(w->alloc_extra_ns != 0))
    w->paced = sim_platform_compute(w->alloc_extra_ns, w->paced);
}

static inline void *wl_new(struct wl_go *w, const struct gc_type *type) {
  wl_pace(w);
  return gc_alloc(go_mu(w->g), type);
}

static inline void wl_finish_op(struct wl_go *w) {
  plat_charge(PLAT_COST_op, 1);
  gc_poll(go_mu(w->g));
  wl_observe(w);
}

void wl_drain_slow(struct wl_go *w);

/* n more operations are done. */
static inline void wl_publish(struct wl_go *w, uint64_t n) {
  w->ops += n;
  at_quiet_store(&w->published_ops, w->ops);
  if (plat_unlikely(w->check)) go_check_asked(w->g);
  if (plat_unlikely(w->ops >= w->drain_at_ops)) wl_drain_slow(w);
}

static inline void wl_run_body(struct wl_go *w, const struct wl_op *ops, uint32_t count) {
  for (uint32_t i = 0; i < count; i++) {
    at_quiet_store(&w->doing, ops[i].state);
    ops[i].run(w, &ops[i]);
  }
}

enum { WL_CHUNK = 1024, WL_STEPS = 64 };

/* Repetitions until the next publication. */
static inline uint64_t wl_chunk(uint64_t left) { return left < WL_CHUNK ? left : WL_CHUNK; }

/* One step of a long operation; a safepoint and an observation now and then. */
static inline void wl_step(struct wl_go *w) {
  plat_charge(PLAT_COST_walk_step, 1);
  if (++w->steps % WL_STEPS != 0) return;
  wl_finish_op(w);
}

_Noreturn void wl_violation(struct wl_go *w, const struct wl_op *op, const char *text,
                            uint64_t found, uint64_t expected);

/* ---- the operations, by file ----------------------------------------------------------------- */

wl_fn *wl_map_fn(const struct sc_op *op, const struct sc_map *map);  /* workload_map.c */
wl_fn *wl_kind_fn(const struct sc_op *op);                           /* workload_kind.c */
wl_fn wl_list_push, wl_list_pop, wl_list_walk;                      /* workload_data.c */
wl_fn wl_tree_build, wl_tree_drop, wl_tree_walk, wl_alloc;
uint64_t wl_list_count(struct wl_go *w, const struct wl_list *list);
uint64_t wl_tree_count(struct wl_go *w, const struct wl_tree *tree);
wl_fn wl_compute, wl_sleep, wl_chan_send, wl_chan_recv, wl_chan_close; /* workload_flow.c */
wl_fn wl_lock, wl_loop, wl_gc, wl_yield;
wl_fn wl_object_load, wl_object_store, wl_object_get, wl_object_put;   /* workload_object.c */
wl_fn wl_object_new, wl_object_drop, wl_object_move, wl_weak_make, wl_weak_get;
void wl_objects_init(struct workload *wl);
/* Makes the objects; a table of all of them holds them until wl_objects_settled. */
void wl_objects_make(struct workload *wl, struct go_g *g, const struct gc_type *pointer_type);
void wl_objects_settled(struct workload *wl, struct go_g *g);
/* Gives w its first registers; its frame of registers has been pushed. */
void wl_registers_fill(struct wl_go *w);
/* Prepares the names of the objects w will make. */
void wl_fresh_init(struct wl_go *w);

#endif

/* A scenario after loading: validated, defaults filled in, overrides applied.
 *
 * scenario.c turns JSON text into this; workload.c runs it. The vocabulary (keys, types, ranges,
 * defaults, documentation) is the table in scenario_table.c, from which the loader, the resolved
 * document, configs/scenario.schema.json and the tables of configs/README.md all come. JSON key =
 * field name, unless a comment says otherwise.
 *
 * Every *_bytes value may be an integer or a string of digits and a unit: B, KiB, MiB, GiB, TiB
 * ("64KiB"). Every *_ns value, and "ns", may be an integer or a decimal number and a unit: ns, us,
 * ms, s ("1.5ms"), which must be a whole number of nanoseconds.
 */
#ifndef SIMS_SCENARIO_H
#define SIMS_SCENARIO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sims/litmus/names.h"

enum {
  SC_NAME_MAX = 64,
  SC_NEST_MAX = 16, /* deepest nesting of lock and loop bodies */
  SC_MUTEX_MAX = 256,
  SC_FILE_MAX_BYTES = 4 << 20,
  SC_REGISTERS = 8,    /* root slots of a goroutine */
  SC_FIELDS_MAX = 8,   /* pointers of one of "objects" */
  SC_CHOOSE_MAX = 32
};
#define SC_CHOICES_MAX (UINT64_C(1) << 56) /* combinations of all "choose" together */
#define SC_NIL UINT32_MAX /* of an object or a register: none */
#define SC_OPS_UNKNOWN UINT64_MAX

/* ---- named things a body refers to by name, resolved to indices by the loader ---- */

enum sc_elem { SC_ELEM_INLINE, SC_ELEM_POINTER, SC_ELEM_LARGE, SC_ELEM_UNIT };
enum sc_key { SC_KEY_U64, SC_KEY_U32, SC_KEY_STRING, SC_KEY_F64 };

/* "maps": { NAME: {kind, key, value, value_bytes, hint, key_bytes, shards} } */
struct sc_map {
  char name[SC_NAME_MAX];
  char kind[SC_NAME_MAX];   /* of sim_map_kinds, default "go" */
  enum sc_key key;          /* "u64" "u32" "string" "f64" */
  enum sc_elem value;       /* "inline": value_bytes in the bucket; "pointer": to a fresh object of
                               value_bytes; "large": value_bytes > 128, stored indirectly; "unit" */
  uint32_t value_bytes;     /* default 8 (inline, pointer), 256 (large), 0 (unit) */
  uint32_t key_bytes;       /* string keys: length, 5..4096, default 12; else 0. A key is "key-" and
                               the index in decimal, zero-padded on the left to key_bytes */
  int64_t hint;             /* size hint of make; default 0 */
  uint32_t shards;          /* kind "sharded": a power of two, default 32; else 0 */
  uint64_t hash_key;        /* of its hash function; 0 (default): drawn */
  uint64_t hash0;           /* seed of every table it makes, 32 bits; UINT64_MAX (default): drawn */
  bool allow_races;         /* goroutines may use it at once without a common mutex (Go then stops
                               the run with "concurrent map writes"); default: refused */
  uint64_t faults;          /* bits of maps/faults.h; JSON: array of their names */
};

/* "lists": { NAME: {node_bytes} }: FIFO of nodes, each one pointer and payload */
struct sc_list { char name[SC_NAME_MAX]; uint32_t node_bytes; /* >= 16, default 64 */ };
/* "trees": { NAME: {node_bytes} }: a slot that holds one binary tree */
struct sc_tree { char name[SC_NAME_MAX]; uint32_t node_bytes; /* >= 16, default 32 */ };
/* "channels": { NAME: {capacity} } of 8-byte values */
struct sc_channel { char name[SC_NAME_MAX]; uint64_t capacity; };
/* "mutexes": [NAME...] */
struct sc_mutex { char name[SC_NAME_MAX]; };

/* Classes of operations that explore.points may name; a bit each. */
enum sc_points {
  SC_POINTS_BARRIER = 1,
  SC_POINTS_MARKER = 2,
  SC_POINTS_ALLOCATOR = 4,
  SC_POINTS_SCHEDULER = 8,
  SC_POINTS_MAP = 16,
  SC_POINTS_ALL = 31
};
enum sc_races { SC_RACES_NONE, SC_RACES_ANNOUNCED, SC_RACES_ALL };

/* "objects": { NAME: {pointers, links, root} }: single heap objects, made before the setup. An
 * object that nothing holds at the start is refused, unless there is a "choose". */
struct sc_heap_object {
  char name[SC_NAME_MAX];
  uint32_t pointers;             /* fields, 0..SC_FIELDS_MAX; default 1 */
  uint32_t links[SC_FIELDS_MAX]; /* {"0": NAME, ...}: index of an object, SC_NIL */
  bool root;                     /* a global root slot of the same name holds it at first */
};

/* ---- operations ---- */

enum sc_op_kind {
  SC_OP_MAP_PUT,      /* {"op":"map.put","map":M,"count":N,"keys":{...}} value = key (inline) */
  SC_OP_MAP_GET,
  SC_OP_MAP_DELETE,
  SC_OP_MAP_ITERATE,  /* one complete iteration per count */
  SC_OP_MAP_CLEAR,
  SC_OP_LIST_PUSH,    /* append count new nodes */
  SC_OP_LIST_POP,     /* drop the count oldest */
  SC_OP_LIST_WALK,    /* visit every node, count times */
  SC_OP_TREE_BUILD,   /* {"depth":D,"order":"top-down"|"bottom-up"} into tree T, count times;
                         without "tree": garbage at once */
  SC_OP_TREE_DROP,
  SC_OP_TREE_WALK,
  SC_OP_ALLOC,        /* count objects of "bytes" with "pointers" leading pointer words, garbage at
                         once; "keep": K > 0 keeps the last K of this operation alive */
  SC_OP_COMPUTE,      /* {"ns":N,"safepoints":bool}: busy work of about N ns, count times */
  SC_OP_SLEEP,        /* {"ns":N} count times */
  SC_OP_CHAN_SEND, SC_OP_CHAN_RECV, SC_OP_CHAN_CLOSE, /* "channel" */
  SC_OP_LOCK,         /* {"op":"lock","mutex":M,"body":[...]} count times */
  SC_OP_LOOP,         /* {"op":"loop","count":N,"body":[...]} or "duration_ns":N instead of count */
  SC_OP_GC,           /* {"op":"gc"}: runtime.GC() */
  SC_OP_YIELD,
  SC_OP_OBJECT_LOAD,  /* to = from.field; nil when from is nil or has no such field */
  SC_OP_OBJECT_STORE, /* into.field = value, with the barrier; nothing where there is no field */
  SC_OP_OBJECT_GET,   /* to = the global slot root */
  SC_OP_OBJECT_PUT,   /* the global slot root = value, with the barrier */
  SC_OP_OBJECT_NEW,   /* to = a new object of so many pointers */
  SC_OP_OBJECT_DROP,  /* register = nil */
  SC_OP_OBJECT_MOVE,  /* to = from, both registers */
  SC_OP_WEAK_MAKE,    /* to = a weak pointer to the object in from */
  SC_OP_WEAK_GET,     /* to = what the weak pointer in from leads to; nil once that is gone */
  SC_OP_KINDS
};

enum sc_dist { SC_DIST_SEQUENTIAL, SC_DIST_UNIFORM, SC_DIST_ZIPF };

/* "keys": {"dist":"sequential"|"uniform"|"zipf", ...}; a key is an index in [start, start+space) */
struct sc_keys {
  enum sc_dist dist;
  uint64_t start;        /* first index; default 0 */
  uint64_t step;         /* sequential: added per operation; default 1. The position runs on
                            over the repetitions of one operation inside a loop */
  uint64_t per_goroutine;/* added to start times the goroutine's number in its group; default 0 */
  uint64_t space;        /* uniform, zipf: number of keys, >= 1; default = count of the operation */
  double theta;          /* zipf: skew in (0, 1) or (1, 5]; default 0.99 */
};

struct sc_op {
  enum sc_op_kind kind;
  uint32_t target;       /* index of the named thing; UINT32_MAX: none */
  uint64_t count;        /* repetitions; default 1 */
  uint64_t duration_ns;  /* loop: run for this long instead of count; 0: by count */
  struct sc_keys keys;
  uint64_t bytes;        /* alloc; tree.build without a tree: size of a node ("node_bytes") */
  uint32_t pointers;
  uint32_t keep;
  uint64_t ns;           /* compute, sleep */
  bool safepoints;       /* compute; default true */
  uint32_t depth;        /* tree.build, 0..26 */
  bool bottom_up;
  uint32_t holder;       /* object.load "from", object.store "into": a register, or SC_REGISTERS +
                            the index of a root object: what its global slot holds */
  uint32_t to;           /* a register, as the next two */
  uint32_t from;         /* object.move, weak.* "from", object.drop "register" */
  uint32_t value;        /* or SC_NIL (JSON null) */
  uint32_t field;
  struct sc_op *body;    /* lock, loop */
  uint32_t body_count;
  uint32_t line;         /* of the source text; 0: from an override */
};

/* "goroutines": [ {"name","count","body":[...]} ]: all start when the clock starts; the run ends
 * when all have ended. */
struct sc_group {
  char name[SC_NAME_MAX];
  uint32_t count;
  uint32_t registers[SC_REGISTERS]; /* "registers": {"r0": OBJECT, ...}: what each of its
                                       goroutines holds when the clock starts; or SC_NIL */
  struct sc_op *body;
  uint32_t body_count;
  uint64_t ops;          /* operations one of its goroutines will do; SC_OPS_UNKNOWN with a
                            duration_ns. loop and lock count their rounds times their body, anything
                            else counts `count`. ops.count of the result is the sum over groups of
                            count * ops */
};

/* "expect": [ {"metric":"gc.cycles","min":..,"max":..,"equals":..} ]; "expect_violation": TEXT */
struct sc_expect {
  char metric[128];      /* dotted path into the result document */
  bool has_min, has_max, has_equals;
  double min, max, equals;
};

/* "choose": [ {"set": PATH, "values": [...]} ]: data choices. A run takes the first value of each;
 * exploration tries every combination. An override of the same path leaves that one value. */
struct sc_choose {
  char set[256];
  char **values;         /* JSON texts */
  uint32_t value_count;
};

struct scenario {
  char name[SC_NAME_MAX];
  char description[1024];
  char job[16];          /* "run" | "compare" (default) | "explore"; what ./dev run does */
  uint64_t seed;         /* default 1 */

  /* "runtime" */
  uint32_t procs;             /* 1..1024; default 2 */
  uint64_t memory_cap_bytes;  /* default 0: none; all *_bytes also take "64MiB" */
  uint64_t deadline_ns;       /* wall time after which the engine is killed; default 300 s */
  bool check;                 /* poison and verify; default false */
  uint64_t stack_bytes;
  uint64_t runtime_faults;    /* faults: bits of sched/faults.h */

  /* "gc" */
  int32_t gogc;               /* default 100; "off" = -1 */
  int64_t memory_limit_bytes; /* default "none" = INT64_MAX */
  uint32_t gc_mode;           /* mode: enum gc_mode; "concurrent" (default), "stw" */
  char barrier[32];           /* barrier.kind, default "hybrid" */
  uint32_t wb_entries;        /* barrier.buffer_entries, default 256 */
  char pacer[32];             /* pacer.kind, default "go1.19" */
  bool assist;                /* default true */
  uint32_t idle_workers;      /* default 1024: all */
  uint64_t globals_bytes, startup_bytes, startup_garbage_bytes;
  uint64_t globals_extra_ns;  /* 0..1000000000; default 0 */
  uint64_t alloc_extra_ns;    /* 0..1000000; default 0 */
  uint32_t huge_pages;        /* enum gc_huge_pages; default all */
  uint32_t boehm_markers;     /* boehm.markers */
  bool boehm_incremental;     /* boehm.incremental */
  uint64_t gc_faults;         /* faults: bits of gc/faults.h */
  uint32_t late_work;         /* enum gc_late_work; default restart */

  /* "explore" */
  char strategy[16];            /* of sim_strategies, default "hunt" */
  uint32_t explore_preemptions; /* preemptions: bound; default 2 */
  uint32_t explore_depth;       /* depth: pct; 0: drawn for each schedule */
  uint64_t explore_schedules;   /* schedules; "none" = UINT64_MAX */
  uint64_t explore_time_ns;     /* time_ns; "none" = UINT64_MAX; default 10 s */
  uint32_t explore_jobs;        /* jobs: processes; default 1 */
  uint32_t explore_points;      /* points: bits of enum sc_points */
  uint32_t explore_races;       /* races: enum sc_races */
  uint64_t explore_shrink_ns;   /* shrink_ns: 0: the scenario of a violation stays as it is */

  bool has_litmus;             /* "litmus": {program, variant, heap, actions}, instead of gc and */
  struct litmus_case litmus;   /* a program of goroutines, maps and the like */

  struct sc_map *maps;         uint32_t map_count;
  struct sc_list *lists;       uint32_t list_count;
  struct sc_tree *trees;       uint32_t tree_count;
  struct sc_channel *channels; uint32_t channel_count;
  struct sc_mutex *mutexes;    uint32_t mutex_count;
  struct sc_heap_object *objects; uint32_t object_count;

  struct sc_op *setup;         uint32_t setup_count; /* "setup": one goroutine, before */
  uint64_t setup_ops;          /* as sc_group.ops */
  struct sc_group *groups;     uint32_t group_count;
  struct sc_choose *chooses;   uint32_t choose_count;
  struct sc_expect *expects;   uint32_t expect_count;
  char expect_violation[256];  /* the run must end with this text in a violation; empty: none */

  char *resolved_json;         /* the whole scenario again, defaults included, canonical */
};

/* One finding: what was found where and what is allowed. */
struct sc_error {
  char *file;                  /* or "--set path=value" */
  uint32_t line, column;       /* 1-based, in characters; 0: not a place in the text */
  char *pointer;               /* JSON pointer, "/gc/gogc"; "": the whole document */
  char *message;               /* found and allowed, with "did you mean" */
};
struct sc_errors { struct sc_error *list; uint32_t count; uint32_t dropped; };

/* One --set path=value. */
struct sc_override { const char *path, *value; };

/* Loads text (length bytes, shown as `file`) and applies overrides. NULL with all errors of the
 * file in *errors; at most 50 are kept. Uses malloc; free with scenario_free / sc_errors_free. */
struct scenario *scenario_load(const char *file, const char *text, size_t length,
                               const struct sc_override *overrides, uint32_t override_count,
                               struct sc_errors *errors);
/* The same for a path: missing file, directory, larger than 4 MiB, unreadable are errors too. */
struct scenario *scenario_load_file(const char *path, const struct sc_override *overrides,
                                    uint32_t override_count, struct sc_errors *errors);
void scenario_free(struct scenario *s);
void sc_errors_free(struct sc_errors *errors);
/* "FILE:LINE:COLUMN: POINTER: MESSAGE" without a newline (unknown parts left out), to be freed by
 * the caller. */
char *sc_error_format(const struct sc_error *error);
/* Tells programs apart in replay tokens: the first 32 bits of FNV-1a-64 over the resolved document
 * without what no run depends on (name, description, job, expectations, and of "explore" all but
 * the points). */
uint32_t scenario_key(const struct scenario *s);
/* The name of an operation as in the JSON text: "map.put". */
const char *sc_op_name(enum sc_op_kind kind);
const char *sc_register_name(uint32_t number); /* "r0" */

#endif

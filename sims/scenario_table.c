#include <string.h>

#include "sims/memory.h"
#include "sims/scenario_int.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define MEMBER_SIZE(type, field) ((uint32_t)sizeof(((type *)NULL)->field))
/* The place of a field and, for integers, its width. */
#define AT(type, field) .offset = offsetof(type, field), .width = MEMBER_SIZE(type, field)
/* The place and size of a char array. */
#define CHARS(type, field) .offset = offsetof(type, field), .size = MEMBER_SIZE(type, field)
#define ARRAY(type, field, count, most) \
  .offset = offsetof(type, field), .count_offset = offsetof(type, count), .size = (most)
#define KIB(n) ((uint64_t)(n) << 10)
#define MIB(n) ((uint64_t)(n) << 20)
#define GIB(n) ((uint64_t)(n) << 30)
#define MS(n) ((uint64_t)(n)*1000000)
#define SECONDS(n) ((uint64_t)(n)*1000000000)

/* A default that depends on other keys; a check function puts the real value in its place. */
enum { UNSET32 = UINT32_MAX >> 1 };

/* ---- words -------------------------------------------------------------------------------- */

static const struct sim_choice jobs[] = {
    {"compare", "Our runtime and the other collectors side by side."},
    {"run", "One run on our runtime."},
    {"explore", "A search through the interleavings of the model for a violation."},
    {NULL, NULL},
};

static const struct sim_choice key_words[] = {
    /* enum sc_key */
    {"u64", "8-byte integers"},
    {"u32", "4-byte integers"},
    {"string", "\"key-\" and the index in decimal, zero-padded to key_bytes"},
    {"f64", "the index as a double"},
    {NULL, NULL},
};

static const struct sim_choice value_words[] = {
    /* enum sc_elem */
    {"inline", "value_bytes stored in the bucket"},
    {"pointer", "a pointer to a fresh object of value_bytes"},
    {"large", "value_bytes > 128, which the map stores behind a pointer of its own"},
    {"unit", "nothing: a set"},
    {NULL, NULL},
};

static const struct sim_choice dist_words[] = {
    /* enum sc_dist */
    {"sequential", "start, start + step, start + 2 step, ...; runs on when a loop repeats it"},
    {"uniform", "each of space keys equally likely"},
    {"zipf", "key number k of space with a weight of 1/(k+1)^theta"},
    {NULL, NULL},
};

static const struct sim_choice order_words[] = {
    {"top-down", "parents before children: each new node is stored into an older object"},
    {"bottom-up", "children before parents: each new node points to older objects"},
    {NULL, NULL},
};

const struct sim_choice sc_op_words[] = {
    /* enum sc_op_kind */
    {"map.put", "insert or overwrite count keys of map; an inline value holds the key's index"},
    {"map.get", "look up count keys of map"},
    {"map.delete", "delete count keys of map"},
    {"map.iterate", "go over all entries of map, count times"},
    {"map.clear", "remove all entries of map"},
    {"list.push", "append count new nodes to list"},
    {"list.pop", "drop the count oldest nodes of list (fewer if it is shorter)"},
    {"list.walk", "visit every node of list, count times"},
    {"tree.build",
     "build a complete binary tree of depth into tree, count times; without tree it is "
     "garbage at once"},
    {"tree.drop", "empty the slot tree"},
    {"tree.walk", "visit every node of tree, count times"},
    {"alloc", "allocate count objects of bytes, garbage at once unless kept by keep"},
    {"compute", "keep a processor busy for about ns, count times"},
    {"sleep", "sleep for ns, count times"},
    {"chan.send", "send count values to channel, waiting while it is full"},
    {"chan.recv", "receive count values from channel, waiting while it is empty"},
    {"chan.close", "close channel"},
    {"lock", "count times: lock mutex, run body, unlock"},
    {"loop", "run body count times, or until duration_ns have passed"},
    {"gc", "a full collection, as runtime.GC() does it, count times"},
    {"yield", "let others run, as runtime.Gosched() does it, count times"},
    {"object.load", "to = field of the object in from; nil if from is nil or has no such field"},
    {"object.store",
     "field of the object in into = value, with the write barrier; nothing if there is none"},
    {"object.get", "to = the global slot root"},
    {"object.put", "the global slot root = value, with the write barrier"},
    {"object.new", "to = a new object of so many pointers, all nil"},
    {"object.drop", "register = nil"},
    {"object.move", "to = from, both registers: no barrier"},
    {"weak.make", "to = a weak pointer to the object in from, which it does not keep alive"},
    {"weak.get", "to = the object a weak pointer leads to; nil once it was found unreachable"},
    {NULL, NULL},
};

const struct sim_choice sc_register_words[] = {
    {"r0", "root slot 0"}, {"r1", "root slot 1"}, {"r2", "root slot 2"}, {"r3", "root slot 3"},
    {"r4", "root slot 4"}, {"r5", "root slot 5"}, {"r6", "root slot 6"}, {"r7", "root slot 7"},
    {NULL, NULL},
};

#define BIT(kind) (UINT32_C(1) << (kind))
enum {
  OPS_KEYS = BIT(SC_OP_MAP_PUT) | BIT(SC_OP_MAP_GET) | BIT(SC_OP_MAP_DELETE),
  OPS_MAP = OPS_KEYS | BIT(SC_OP_MAP_ITERATE) | BIT(SC_OP_MAP_CLEAR),
  OPS_LIST = BIT(SC_OP_LIST_PUSH) | BIT(SC_OP_LIST_POP) | BIT(SC_OP_LIST_WALK),
  OPS_CHAN = BIT(SC_OP_CHAN_SEND) | BIT(SC_OP_CHAN_RECV) | BIT(SC_OP_CHAN_CLOSE),
  OPS_OBJECT = BIT(SC_OP_KINDS) - BIT(SC_OP_OBJECT_LOAD),
  OPS_ONCE = BIT(SC_OP_MAP_CLEAR) | BIT(SC_OP_TREE_DROP) | BIT(SC_OP_CHAN_CLOSE) | OPS_OBJECT,
  OPS_TO = BIT(SC_OP_OBJECT_LOAD) | BIT(SC_OP_OBJECT_GET) | BIT(SC_OP_OBJECT_NEW) |
           BIT(SC_OP_OBJECT_MOVE) | BIT(SC_OP_WEAK_MAKE) | BIT(SC_OP_WEAK_GET),
  OPS_FROM = BIT(SC_OP_OBJECT_MOVE) | BIT(SC_OP_WEAK_MAKE) | BIT(SC_OP_WEAK_GET),
  OPS_BODY = BIT(SC_OP_LOCK) | BIT(SC_OP_LOOP),
  OPS_COUNT = (BIT(SC_OP_KINDS) - 1) & ~OPS_ONCE,
  DIST_SPACE = BIT(SC_DIST_UNIFORM) | BIT(SC_DIST_ZIPF)
};

static const struct sim_choice point_words[] = {
    /* a bit each of enum sc_points */
    {"barrier", "pointer stores and the write barrier with its buffers"},
    {"marker", "the rest of the collector: workers, work buffers, phases, termination"},
    {"allocator", "spans, caches, sweeping, and what the runtime itself shares"},
    {"scheduler", "goroutines, run queues, stops of the world, timers, channels, locks"},
    {"map", "the maps"},
    {NULL, NULL},
};

/* ---- when the resolved document has a key ------------------------------------------------- */

static bool loop_by_count(const void *base) {
  return ((const struct sc_op *)base)->duration_ns == 0;
}
static bool loop_by_time(const void *base) {
  return ((const struct sc_op *)base)->duration_ns != 0;
}
static bool has_target(const void *base) {
  return ((const struct sc_op *)base)->target != UINT32_MAX;
}
static bool no_target(const void *base) {
  return !has_target(base);
}
static bool string_key(const void *base) {
  return ((const struct sc_map *)base)->key == SC_KEY_STRING;
}
static bool sharded_map(const void *base) {
  return strcmp(((const struct sc_map *)base)->kind, "sharded") == 0;
}
static bool is_litmus(const void *base) {
  return ((const struct scenario *)base)->has_litmus;
}
static bool has_registers(const void *base) {
  for (uint32_t i = 0; i < SC_REGISTERS; i++)
    if (((const struct sc_group *)base)->registers[i] != SC_NIL) return true;
  return false;
}
static bool has_links(const void *base) {
  for (uint32_t i = 0; i < SC_FIELDS_MAX; i++)
    if (((const struct sc_heap_object *)base)->links[i] != SC_NIL) return true;
  return false;
}
static bool expects_violation(const void *base) {
  return ((const struct scenario *)base)->expect_violation[0] != '\0';
}

/* ---- the rows ----------------------------------------------------------------------------- */

static const struct sc_row runtime_rows[] = {
    {"procs", SC_TYPE_INT, AT(struct scenario, procs), .min = 1, .max = 1024, .initial = 2,
     .doc = "Processors (Go: GOMAXPROCS)."},
    {"memory_cap_bytes", SC_TYPE_BYTES, AT(struct scenario, memory_cap_bytes), .min = MIB(1),
     .max = INT64_MAX, .initial = 0, .special = "none", .special_value = 0,
     .doc = "Most memory the heap may take: a collection is forced there; needing more ends it."},
    {"deadline_ns", SC_TYPE_NS, AT(struct scenario, deadline_ns), .min = MS(1),
     .max = SECONDS(604800), .initial = SECONDS(300),
     .doc = "Wall-clock time after which a run is stopped as hung."},
    {"check", SC_TYPE_BOOL, AT(struct scenario, check), .initial = 0,
     .doc = "Poison freed memory and verify the whole heap at every mark termination (slow)."},
    {"stack_bytes", SC_TYPE_BYTES, AT(struct scenario, stack_bytes), .min = KIB(16), .max = MIB(64),
     .initial = KIB(256),
     .doc = "Address space of one goroutine's stack; touched pages cost memory."},
    {"faults", SC_TYPE_SET, AT(struct scenario, runtime_faults), .words = sim_sched_faults,
     .doc = "Faults of the scheduler; needs expect_violation."},
};
static const struct sc_object runtime_object = {
    .what = "the runtime settings", .title = "runtime",
    .id = "runtime", .rows = runtime_rows,
    .row_count = COUNT(runtime_rows),
};

static const struct sc_row barrier_rows[] = {
    {"kind", SC_TYPE_WORD, CHARS(struct scenario, barrier), .words = sim_barriers,
     .initial_text = "hybrid", .doc = "What a pointer store does while marking."},
    {"buffer_entries", SC_TYPE_INT, AT(struct scenario, wb_entries), .min = 0, .max = 65536,
     .initial = 256, .doc =
         "Stores a processor's barrier buffer holds (two words each); 0: none, each store marks."},
};
static const struct sc_object barrier_object = {
    .what = "the write barrier", .title = "gc.barrier",
    .id = "barrier",
    .rows = barrier_rows,
    .row_count = COUNT(barrier_rows),
};

static const struct sc_row pacer_rows[] = {
    {"kind", SC_TYPE_WORD, CHARS(struct scenario, pacer), .words = sim_pacers,
     .initial_text = "go1.19",
     .doc = "Who decides when a collection starts and how hard it works."},
};
static const struct sc_object pacer_object = {
    .what = "the pacer",
    .title = "gc.pacer",
    .id = "pacer",
    .rows = pacer_rows,
    .row_count = COUNT(pacer_rows),
};

static const struct sc_row boehm_rows[] = {
    {"markers", SC_TYPE_INT, AT(struct scenario, boehm_markers), .min = 0, .max = 16, .initial = 0,
     .doc = "Parallel marking threads; 0: the library's own choice."},
    {"incremental", SC_TYPE_BOOL, AT(struct scenario, boehm_incremental), .initial = 0,
     .doc = "Incremental collection (GC_enable_incremental)."},
};
static const struct sc_object boehm_object = {
    .what = "the Boehm settings",
    .title = "gc.boehm",
    .id = "boehm",
    .rows = boehm_rows,
    .row_count = COUNT(boehm_rows),
};

static const struct sc_row gc_rows[] = {
    {"gogc", SC_TYPE_INT, AT(struct scenario, gogc), .min = 0, .max = 100000, .initial = 100,
     .special = "off", .special_value = UINT32_MAX,
     .doc = "Heap growth in percent that starts the next collection (Go: GOGC)."},
    {"memory_limit_bytes", SC_TYPE_BYTES, AT(struct scenario, memory_limit_bytes), .min = 0,
     .max = INT64_MAX - 1, .initial = INT64_MAX, .special = "none", .special_value = INT64_MAX,
     .doc = "Soft limit the pacer keeps to (Go: GOMEMLIMIT)."},
    {"mode", SC_TYPE_ENUM, AT(struct scenario, gc_mode), .words = sim_gc_modes, .initial = 0,
     .doc = "Whether the program runs while marking; barrier \"none\" needs \"stw\"."},
    {"barrier", SC_TYPE_OBJECT, .sub = &barrier_object, .doc = "The write barrier."},
    {"pacer", SC_TYPE_OBJECT, .sub = &pacer_object, .doc = "The pacer."},
    {"assist", SC_TYPE_BOOL, AT(struct scenario, assist), .initial = 1,
     .doc = "Goroutines that allocate while marking help to mark."},
    {"idle_workers", SC_TYPE_INT, AT(struct scenario, idle_workers), .max = 1024, .initial = 1024,
     .doc = "Most processors with nothing else to do that may mark at once; one where no worker "
            "is dedicated."},
    {"globals_bytes", SC_TYPE_BYTES, AT(struct scenario, globals_bytes), .min = 0, .max = GIB(1024),
     .initial = 0, .doc = "Global data the pacer is to reckon with beside the scenario's own."},
    {"globals_extra_ns", SC_TYPE_INT, AT(struct scenario, globals_extra_ns), .max = 1000000000,
     .initial = 0,
     .doc = "So much longer than the marker takes the data of globals_bytes, in ns: a slower "
            "runtime's pace."},
    {"startup_bytes", SC_TYPE_BYTES, AT(struct scenario, startup_bytes), .min = 0, .max = GIB(1),
     .initial = 0, .doc = "What lives in the heap from before the setup on, in objects of 1 KiB."},
    {"startup_garbage_bytes", SC_TYPE_BYTES, AT(struct scenario, startup_garbage_bytes), .min = 0,
     .max = GIB(1), .initial = 0,
     .doc = "What is allocated before the setup in the same way and is garbage at once."},
    {"alloc_extra_ns", SC_TYPE_INT, AT(struct scenario, alloc_extra_ns), .max = 1000000,
     .initial = 0,
     .doc = "So much longer than the allocator takes an object that the program's operations "
            "allocate, in ns: a slower runtime's pace."},
    {"huge_pages", SC_TYPE_ENUM, AT(struct scenario, huge_pages), .words = sim_huge_pages,
     .initial = GC_HUGE_ALL, .doc = "Which part of the heap asks for pages of 2 MiB."},
    {"boehm", SC_TYPE_OBJECT, .sub = &boehm_object, .doc = "What only the Boehm collector heeds."},
    {"late_work", SC_TYPE_ENUM, AT(struct scenario, late_work), .words = sim_late_works,
     .initial = GC_LATE_RESTART,
     .doc = "What happens to work that turns up after the last stop of a cycle (Go issue 27993)."},
    {"faults", SC_TYPE_SET, AT(struct scenario, gc_faults), .words = sim_gc_faults,
     .doc = "Faults of the collector; needs expect_violation."},
};
static const struct sc_object gc_object = {
    .what = "the collector settings",
    .title = "gc",
    .id = "gc",
    .rows = gc_rows,
    .row_count = COUNT(gc_rows),
};

static const struct sc_row explore_rows[] = {
    {"strategy", SC_TYPE_WORD, CHARS(struct scenario, strategy), .words = sim_strategies,
     .initial_text = "hunt", .doc = "Who goes next where several could."},
    {"preemptions", SC_TYPE_INT, AT(struct scenario, explore_preemptions), .max = 16, .initial = 2,
     .doc = "bound, and the end of hunt: most preemptions of a schedule."},
    {"depth", SC_TYPE_INT, AT(struct scenario, explore_depth), .max = 16, .initial = 0,
     .doc = "pct: depth of the bugs it aims at; 0: drawn from 1..4 for each schedule."},
    {"schedules", SC_TYPE_INT, AT(struct scenario, explore_schedules), .min = 1,
     .max = INT64_MAX - 1, .initial = UINT64_MAX, .special = "none", .special_value = UINT64_MAX,
     .doc = "Most schedules that are run."},
    {"time_ns", SC_TYPE_NS, AT(struct scenario, explore_time_ns), .min = MS(1),
     .max = SECONDS(604800), .initial = SECONDS(10), .special = "none",
     .special_value = UINT64_MAX, .doc = "Most wall-clock time of the search."},
    {"jobs", SC_TYPE_INT, AT(struct scenario, explore_jobs), .min = 1, .max = 64, .initial = 1,
     .doc = "Processes that search at once; what is found does not depend on it."},
    {"points", SC_TYPE_SET, AT(struct scenario, explore_points), .words = point_words, .min = 1,
     .initial = SC_POINTS_BARRIER | SC_POINTS_MARKER | SC_POINTS_MAP,
     .doc = "Whose operations are scheduling points; the program's own always are."},
    {"races", SC_TYPE_ENUM, AT(struct scenario, explore_races), .words = sim_race_checks,
     .initial = SC_RACES_ANNOUNCED,
     .doc = "Where two accesses without an order, one of them plain, are a violation."},
    {"shrink_ns", SC_TYPE_NS, AT(struct scenario, explore_shrink_ns), .max = SECONDS(604800),
     .initial = SECONDS(2), .doc = "Most wall-clock time that is spent on a smaller scenario with "
                                   "the same violation; 0: the scenario stays as it is."},
};
static const struct sc_object explore_object = {
    .what = "the exploration",
    .title = "explore",
    .id = "explore",
    .rows = explore_rows,
    .row_count = COUNT(explore_rows),
};

static const struct sc_row map_rows[] = {
    {"kind", SC_TYPE_WORD, CHARS(struct sc_map, kind), .words = sim_map_kinds, .initial_text = "go",
     .doc = "Which map."},
    {"key", SC_TYPE_ENUM, AT(struct sc_map, key), .words = key_words, .initial = SC_KEY_U64,
     .doc = "Type of the keys."},
    {"key_bytes", SC_TYPE_BYTES, AT(struct sc_map, key_bytes), .min = 5, .max = 4096,
     .initial = UNSET32, .initial_text = "12 (string keys)", .present = string_key,
     .doc = "Length of a string key; other keys have no such setting."},
    {"value", SC_TYPE_ENUM, AT(struct sc_map, value), .words = value_words,
     .initial = SC_ELEM_INLINE, .doc = "Kind of the values."},
    {"value_bytes", SC_TYPE_BYTES, AT(struct sc_map, value_bytes), .min = 0, .max = MIB(1),
     .initial = UNSET32, .initial_text = "8 (inline, pointer), 256 (large), 0 (unit)",
     .doc = "Size of a value: inline 1..128, pointer 1..1 MiB, large 129..65536, unit 0."},
    {"hint", SC_TYPE_INT, AT(struct sc_map, hint), .min = 0, .max = UINT64_C(1) << 48, .initial = 0,
     .doc = "Number of entries to make room for at once, as in make(map, hint)."},
    {"shards", SC_TYPE_INT, AT(struct sc_map, shards), .min = 1, .max = 65536, .initial = UNSET32,
     .initial_text = "32 (sharded)", .present = sharded_map,
     .doc = "Number of shards, a power of two; other kinds have no such setting."},
    {"hash_key", SC_TYPE_INT, AT(struct sc_map, hash_key), .min = 1, .max = UINT64_MAX,
     .initial = 0, .special = "random", .special_value = 0,
     .doc = "What the hash function is keyed with; random: by the scenario's seed."},
    {"hash0", SC_TYPE_INT, AT(struct sc_map, hash0), .min = 0, .max = UINT32_MAX,
     .initial = UINT64_MAX, .special = "random", .special_value = UINT64_MAX,
     .doc = "Hash seed of every table the map makes; only for kinds made of Go's tables."},
    {"allow_races", SC_TYPE_BOOL, AT(struct sc_map, allow_races), .initial = 0,
     .doc = "Accept goroutines that use the map in ways its kind does not allow without a common "
            "mutex; collisions stop the run, as in Go. Only kinds that notice them have this."},
    {"faults", SC_TYPE_SET, AT(struct sc_map, faults), .words = sim_map_faults,
     .doc = "Faults of the map; needs expect_violation."},
};
static const struct sc_object map_object = {
    .what = "a map",
    .title = "maps.NAME",
    .id = "map",
    .rows = map_rows,
    .row_count = COUNT(map_rows),
    .bytes = sizeof(struct sc_map),
    .check = sc_check_map,
};

static const struct sc_row list_rows[] = {
    {"node_bytes", SC_TYPE_BYTES, AT(struct sc_list, node_bytes), .min = 16, .max = MIB(1),
     .multiple = 8, .initial = 64, .doc = "Size of a node: one pointer, the rest payload."},
};
static const struct sc_object list_object = {
    .what = "a list",
    .title = "lists.NAME",
    .id = "list",
    .rows = list_rows,
    .row_count = COUNT(list_rows),
    .bytes = sizeof(struct sc_list),
};

static const struct sc_row tree_rows[] = {
    {"node_bytes", SC_TYPE_BYTES, AT(struct sc_tree, node_bytes), .min = 16, .max = MIB(1),
     .multiple = 8, .initial = 32, .doc = "Size of a node: two pointers, the rest payload."},
};
static const struct sc_object tree_object = {
    .what = "a tree",
    .title = "trees.NAME",
    .id = "tree",
    .rows = tree_rows,
    .row_count = COUNT(tree_rows),
    .bytes = sizeof(struct sc_tree),
};

static const struct sc_row channel_rows[] = {
    {"capacity", SC_TYPE_INT, AT(struct sc_channel, capacity), .min = 0, .max = UINT64_C(1) << 28,
     .initial = 0, .doc = "Values it holds before a sender waits; 0: unbuffered."},
};
static const struct sc_object channel_object = {
    .what = "a channel",
    .title = "channels.NAME",
    .id = "channel",
    .rows = channel_rows,
    .row_count = COUNT(channel_rows),
    .bytes = sizeof(struct sc_channel),
};

static const struct sc_object mutex_object = {
    .what = "a mutex",
    .title = "mutexes",
    .id = "mutex",
    .bytes = sizeof(struct sc_mutex),
};

#define LINK(number)                                                       \
  {                                                                        \
    #number, SC_TYPE_REF, AT(struct sc_heap_object, links[number]),        \
        .space = SC_SPACE_OBJECTS, .nullable = true, .initial_text = "`null`", \
        .doc = "Object that field " #number " refers to at first."         \
  }
static const struct sc_row link_rows[] = {
    LINK(0), LINK(1), LINK(2), LINK(3), LINK(4), LINK(5), LINK(6), LINK(7),
};
static const struct sc_object links_object = {
    .what = "the first links of an object",
    .title = "objects.NAME.links",
    .id = "links",
    .rows = link_rows,
    .row_count = COUNT(link_rows),
};

static const struct sc_row heap_object_rows[] = {
    {"pointers", SC_TYPE_INT, AT(struct sc_heap_object, pointers), .max = SC_FIELDS_MAX,
     .initial = 1, .doc = "Number of its fields, each a pointer to an object or nil."},
    {"links", SC_TYPE_OBJECT, .sub = &links_object, .present = has_links,
     .doc = "What its fields refer to at first."},
    {"root", SC_TYPE_BOOL, AT(struct sc_heap_object, root), .initial = 0,
     .doc = "A global root slot of the same name holds it at first."},
};
static const struct sc_object heap_object_object = {
    .what = "an object",
    .title = "objects.NAME",
    .id = "object",
    .rows = heap_object_rows,
    .row_count = COUNT(heap_object_rows),
    .bytes = sizeof(struct sc_heap_object),
    .check = sc_check_object,
};

static const struct sc_row keys_rows[] = {
    {"dist", SC_TYPE_ENUM, AT(struct sc_keys, dist), .words = dist_words,
     .initial = SC_DIST_SEQUENTIAL, .doc = "How the next key is chosen."},
    {"start", SC_TYPE_INT, AT(struct sc_keys, start), .max = UINT64_MAX, .initial = 0,
     .doc = "Index of the first key."},
    {"step", SC_TYPE_INT, AT(struct sc_keys, step), .only = BIT(SC_DIST_SEQUENTIAL),
     .max = UINT64_MAX, .initial = 1, .doc = "Added to the index after each operation."},
    {"per_goroutine", SC_TYPE_INT, AT(struct sc_keys, per_goroutine), .max = UINT64_MAX,
     .initial = 0, .doc = "Added to start times the goroutine's number in its group (from 0)."},
    {"space", SC_TYPE_INT, AT(struct sc_keys, space), .only = DIST_SPACE, .min = 1,
     .max = UINT64_MAX, .initial = 0, .initial_text = "count of the operation",
     .doc = "Number of different keys: indices start to start + space - 1."},
    {"theta", SC_TYPE_DOUBLE, AT(struct sc_keys, theta), .only = BIT(SC_DIST_ZIPF), .low = 0.01,
     .high = 5, .initial_double = 0.99,
     .doc = "Skew: the larger, the more the first keys are used; "
            "exactly 1 is not possible."},
};
static const struct sc_object keys_object = {
    .what = "a choice of keys",
    .title = "keys",
    .id = "keys",
    .rows = keys_rows,
    .row_count = COUNT(keys_rows),
    .variant = &keys_rows[0],
};

static const struct sc_row op_rows[] = {
    {"op", SC_TYPE_ENUM, AT(struct sc_op, kind), .words = sc_op_words, .required = true,
     .doc = "What to do."},
    {"map", SC_TYPE_REF, AT(struct sc_op, target), .only = OPS_MAP, .required = true,
     .space = SC_SPACE_MAPS, .doc = "Name of a map."},
    {"list", SC_TYPE_REF, AT(struct sc_op, target), .only = OPS_LIST, .required = true,
     .space = SC_SPACE_LISTS, .doc = "Name of a list."},
    {"tree", SC_TYPE_REF, AT(struct sc_op, target),
     .only = BIT(SC_OP_TREE_DROP) | BIT(SC_OP_TREE_WALK), .required = true, .space = SC_SPACE_TREES,
     .doc = "Name of a tree."},
    {"tree", SC_TYPE_REF, AT(struct sc_op, target), .only = BIT(SC_OP_TREE_BUILD),
     .initial_text = "none: garbage at once", .space = SC_SPACE_TREES, .present = has_target,
     .doc = "Name of the tree that holds the result."},
    {"channel", SC_TYPE_REF, AT(struct sc_op, target), .only = OPS_CHAN, .required = true,
     .space = SC_SPACE_CHANNELS, .doc = "Name of a channel."},
    {"mutex", SC_TYPE_REF, AT(struct sc_op, target), .only = BIT(SC_OP_LOCK), .required = true,
     .space = SC_SPACE_MUTEXES, .doc = "Name of a mutex."},
    {"depth", SC_TYPE_INT, AT(struct sc_op, depth), .only = BIT(SC_OP_TREE_BUILD), .required = true,
     .max = 26, .doc = "Depth of the tree: 2^(depth+1) - 1 nodes."},
    {"order", SC_TYPE_ENUM, AT(struct sc_op, bottom_up), .only = BIT(SC_OP_TREE_BUILD),
     .words = order_words, .initial = 0, .doc = "Which nodes are made first."},
    {"node_bytes", SC_TYPE_BYTES, AT(struct sc_op, bytes), .only = BIT(SC_OP_TREE_BUILD), .min = 16,
     .max = MIB(1), .multiple = 8, .initial = 32, .present = no_target,
     .doc = "Size of a node when there is no tree to say it."},
    {"bytes", SC_TYPE_BYTES, AT(struct sc_op, bytes), .only = BIT(SC_OP_ALLOC), .required = true,
     .min = 1, .max = GIB(1024), .doc = "Size of an object; with pointers a multiple of 8."},
    {"pointers", SC_TYPE_INT, AT(struct sc_op, pointers), .only = BIT(SC_OP_ALLOC), .max = 1 << 27,
     .initial = 0, .doc = "How many words at its start are pointers (8 * pointers <= bytes)."},
    {"keep", SC_TYPE_INT, AT(struct sc_op, keep), .only = BIT(SC_OP_ALLOC), .max = 1 << 24,
     .initial = 0, .doc = "The last so many objects of this operation stay alive."},
    {"ns", SC_TYPE_NS, AT(struct sc_op, ns), .only = BIT(SC_OP_COMPUTE) | BIT(SC_OP_SLEEP),
     .required = true, .max = SECONDS(86400), .doc = "How long."},
    {"safepoints", SC_TYPE_BOOL, AT(struct sc_op, safepoints), .only = BIT(SC_OP_COMPUTE),
     .initial = 1, .doc = "Whether the loop can be stopped; false: the collector has to wait."},
    {"count", SC_TYPE_INT, AT(struct sc_op, count), .only = OPS_COUNT,
     .max = UINT64_C(1000000000000000), .initial = 1, .present = loop_by_count,
     .doc = "How often."},
    {"duration_ns", SC_TYPE_NS, AT(struct sc_op, duration_ns), .only = BIT(SC_OP_LOOP), .min = 1,
     .max = SECONDS(604800), .initial = 0, .initial_text = "none: by count",
     .present = loop_by_time, .doc = "How long to repeat; instead of count."},
    {"keys", SC_TYPE_OBJECT, AT(struct sc_op, keys), .only = OPS_KEYS, .sub = &keys_object,
     .doc = "Which keys; sequential from 0 when absent."},
    {"from", SC_TYPE_HOLDER, AT(struct sc_op, holder), .only = BIT(SC_OP_OBJECT_LOAD),
     .required = true, .doc = "Register that holds the object, or name of its root slot."},
    {"into", SC_TYPE_HOLDER, AT(struct sc_op, holder), .only = BIT(SC_OP_OBJECT_STORE),
     .required = true, .doc = "Register that holds the object, or name of its root slot."},
    {"root", SC_TYPE_REF, AT(struct sc_op, target),
     .only = BIT(SC_OP_OBJECT_GET) | BIT(SC_OP_OBJECT_PUT), .required = true,
     .space = SC_SPACE_OBJECTS, .doc = "Name of a root object: its global slot."},
    {"field", SC_TYPE_INT, AT(struct sc_op, field),
     .only = BIT(SC_OP_OBJECT_LOAD) | BIT(SC_OP_OBJECT_STORE), .max = SC_FIELDS_MAX - 1,
     .initial = 0, .doc = "Number of the field."},
    {"value", SC_TYPE_ENUM, AT(struct sc_op, value),
     .only = BIT(SC_OP_OBJECT_STORE) | BIT(SC_OP_OBJECT_PUT), .words = sc_register_words,
     .nullable = true, .required = true, .doc = "Register whose value is written; null: nil."},
    {"pointers", SC_TYPE_INT, AT(struct sc_op, pointers), .only = BIT(SC_OP_OBJECT_NEW),
     .max = SC_FIELDS_MAX, .initial = 1, .doc = "Number of the new object's fields."},
    {"from", SC_TYPE_ENUM, AT(struct sc_op, from), .only = OPS_FROM,
     .words = sc_register_words, .required = true, .doc = "Register that is read."},
    {"register", SC_TYPE_ENUM, AT(struct sc_op, from), .only = BIT(SC_OP_OBJECT_DROP),
     .words = sc_register_words, .required = true, .doc = "Register that becomes nil."},
    {"to", SC_TYPE_ENUM, AT(struct sc_op, to), .only = OPS_TO, .words = sc_register_words,
     .required = true, .doc = "Register that is written."},
    {"body", SC_TYPE_LIST, ARRAY(struct sc_op, body, body_count, 100000), .only = OPS_BODY,
     .required = true, .min = 1, .sub = &sc_op_object, .doc = "What to do inside."},
};
const struct sc_object sc_op_object = {
    .what = "an operation",
    .title = "Operations",
    .id = "operation",
    .rows = op_rows,
    .row_count = COUNT(op_rows),
    .bytes = sizeof(struct sc_op),
    .variant = &op_rows[0],
    .check = sc_check_op,
};

#define REGISTER(number)                                                                    \
  {                                                                                         \
    "r" #number, SC_TYPE_REF, AT(struct sc_group, registers[number]),                       \
        .space = SC_SPACE_OBJECTS, .nullable = true, .initial_text = "`null`",              \
        .doc = "Object that root slot " #number " holds at first."                          \
  }
static const struct sc_row register_rows[] = {
    REGISTER(0), REGISTER(1), REGISTER(2), REGISTER(3),
    REGISTER(4), REGISTER(5), REGISTER(6), REGISTER(7),
};
static const struct sc_object registers_object = {
    .what = "the first contents of the registers",
    .title = "goroutines[].registers",
    .id = "registers",
    .rows = register_rows,
    .row_count = COUNT(register_rows),
};

static const struct sc_row group_rows[] = {
    {"name", SC_TYPE_NAME, CHARS(struct sc_group, name), .initial_text = "group-1, group-2, ...",
     .doc = "Name in reports; different from the other groups'."},
    {"count", SC_TYPE_INT, AT(struct sc_group, count), .min = 1, .max = 100000, .initial = 1,
     .doc = "How many goroutines run the body."},
    {"registers", SC_TYPE_OBJECT, .sub = &registers_object, .present = has_registers,
     .doc = "Objects its goroutines hold in root slots of their own when the clock starts."},
    {"body", SC_TYPE_LIST, ARRAY(struct sc_group, body, body_count, 100000), .required = true,
     .min = 1, .sub = &sc_op_object, .doc = "What each of them does."},
};
static const struct sc_object group_object = {
    .what = "a group of goroutines",
    .title = "goroutines[]",
    .id = "group",
    .rows = group_rows,
    .row_count = COUNT(group_rows),
    .bytes = sizeof(struct sc_group),
};

static const struct sc_row choose_rows[] = {
    {"set", SC_TYPE_TEXT, CHARS(struct sc_choose, set), .required = true,
     .doc = "Path of the value, as for --set: \"seed\", \"objects.A.links.0\"."},
    {"values", SC_TYPE_VALUES, ARRAY(struct sc_choose, values, value_count, 64), .required = true,
     .min = 1, .doc = "What it may be; a run takes the first."},
};
static const struct sc_object choose_object = {
    .what = "a choice",
    .title = "choose[]",
    .id = "choice",
    .rows = choose_rows,
    .row_count = COUNT(choose_rows),
    .bytes = sizeof(struct sc_choose),
    .check = sc_check_choose,
};

static bool has_min(const void *base) {
  return ((const struct sc_expect *)base)->has_min;
}
static bool has_max(const void *base) {
  return ((const struct sc_expect *)base)->has_max;
}
static bool has_equals(const void *base) {
  return ((const struct sc_expect *)base)->has_equals;
}

static const struct sc_row expect_rows[] = {
    {"metric", SC_TYPE_METRIC, CHARS(struct sc_expect, metric), .required = true,
     .doc = "Dotted path into the result document: \"gc.cycles\", \"maps.NAME.count\"."},
    {"min", SC_TYPE_DOUBLE, AT(struct sc_expect, min), .present = has_min, .initial_text = "none",
     .count_offset = offsetof(struct sc_expect, has_min), .doc = "Smallest value that is right."},
    {"max", SC_TYPE_DOUBLE, AT(struct sc_expect, max), .present = has_max, .initial_text = "none",
     .count_offset = offsetof(struct sc_expect, has_max), .doc = "Largest value that is right."},
    {"equals", SC_TYPE_DOUBLE, AT(struct sc_expect, equals), .present = has_equals,
     .initial_text = "none", .count_offset = offsetof(struct sc_expect, has_equals),
     .doc = "The only value that is right; excludes min and max."},
};
static const struct sc_object expect_object = {
    .what = "an expectation",
    .title = "expect[]",
    .id = "expectation",
    .rows = expect_rows,
    .row_count = COUNT(expect_rows),
    .bytes = sizeof(struct sc_expect),
    .check = sc_check_expect,
};

#define VARIANTS(only_bits, table)                                                   \
  {"variant", SC_TYPE_ENUM, AT(struct litmus_case, variant), .only = (only_bits),     \
   .words = table, .required = true, .doc = "Which form of it."}
#define NUMBER(key, field, program, count, what)                                     \
  {key, SC_TYPE_INT, AT(struct litmus_case, field), .only = BIT(LITMUS_##program),    \
   .max = (count) - 1, .initial = 0, .doc = what}

static const struct sc_row litmus_rows[] = {
    {"program", SC_TYPE_ENUM, AT(struct litmus_case, program), .words = litmus_words,
     .required = true, .doc = "Which program."},
    VARIANTS(BIT(LITMUS_MARK_1) | BIT(LITMUS_MARK_2) | BIT(LITMUS_MARK_3), litmus_barriers),
    VARIANTS(BIT(LITMUS_CL20858), litmus_runq_orders),
    VARIANTS(BIT(LITMUS_ISSUE16083), litmus_root_counts),
    VARIANTS(BIT(LITMUS_MARKTERM), litmus_termination_rules),
    VARIANTS(BIT(LITMUS_MAXTREE), litmus_tree_rules),
    VARIANTS(BIT(LITMUS_RESCAN), litmus_publish_rules),
    VARIANTS(BIT(LITMUS_RWMUTEX), litmus_rw_orders),
    VARIANTS(BIT(LITMUS_YUASA), litmus_yuasa_ways),
    NUMBER("heap", heap, RESCAN, LITMUS_RESCAN_HEAPS, "Number of the initial heap."),
    NUMBER("heap", heap, YUASA, LITMUS_YUASA_HEAPS, "Number of the initial heap."),
    NUMBER("actions", actions, RESCAN, LITMUS_RESCAN_ACTIONS, "Number of what the threads do."),
    NUMBER("actions", actions, YUASA, LITMUS_YUASA_ACTIONS, "Number of what the threads do."),
};
static const struct sc_object litmus_object = {
    .what = "a litmus program",
    .title = "litmus",
    .id = "litmus",
    .rows = litmus_rows,
    .row_count = COUNT(litmus_rows),
    .variant = &litmus_rows[0],
};

static const struct sc_row root_rows[] = {
    {"name", SC_TYPE_NAME, CHARS(struct scenario, name), .required = true,
     .doc = "Name of the scenario in results."},
    {"description", SC_TYPE_TEXT, CHARS(struct scenario, description), .initial_text = "",
     .doc = "What it shows, for people."},
    {"job", SC_TYPE_WORD, CHARS(struct scenario, job), .words = jobs, .initial_text = "compare",
     .doc = "What ./dev run FILE does with it."},
    {"seed", SC_TYPE_INT, AT(struct scenario, seed), .max = UINT64_MAX, .initial = 1,
     .doc = "Seed of everything random."},
    {"runtime", SC_TYPE_OBJECT, .sub = &runtime_object, .doc = "Processors, memory, time."},
    {"gc", SC_TYPE_OBJECT, .sub = &gc_object, .doc = "The garbage collector."},
    {"explore", SC_TYPE_OBJECT, .sub = &explore_object,
     .doc = "How `tricolor explore` searches the interleavings."},
    {"maps", SC_TYPE_NAMED, ARRAY(struct scenario, maps, map_count, 1024), .sub = &map_object,
     .doc = "The maps of the program, by name; made before setup."},
    {"lists", SC_TYPE_NAMED, ARRAY(struct scenario, lists, list_count, 1024), .sub = &list_object,
     .doc = "First-in-first-out lists, by name; empty at first."},
    {"trees", SC_TYPE_NAMED, ARRAY(struct scenario, trees, tree_count, 1024), .sub = &tree_object,
     .doc = "Slots that hold one binary tree each, by name; empty at first."},
    {"channels", SC_TYPE_NAMED, ARRAY(struct scenario, channels, channel_count, 1024),
     .sub = &channel_object, .doc = "Channels of 8-byte values, by name."},
    {"mutexes", SC_TYPE_NAMES, ARRAY(struct scenario, mutexes, mutex_count, SC_MUTEX_MAX),
     .sub = &mutex_object, .doc = "Names of the mutexes."},
    {"objects", SC_TYPE_NAMED, ARRAY(struct scenario, objects, object_count, 1024),
     .sub = &heap_object_object,
     .doc = "Single heap objects, by name; made before setup."},
    {"setup", SC_TYPE_LIST, ARRAY(struct scenario, setup, setup_count, 100000),
     .sub = &sc_op_object, .doc = "What one goroutine does before the clock starts."},
    {"litmus", SC_TYPE_OBJECT, AT(struct scenario, litmus), .sub = &litmus_object,
     .present = is_litmus,
     .doc = "A litmus program instead: a few threads that use the platform alone."},
    {"goroutines", SC_TYPE_LIST, ARRAY(struct scenario, groups, group_count, 1024),
     .required = true, .min = 1, .sub = &group_object,
     .doc = "The program: groups that all start when the clock starts; it ends with the last."},
    {"choose", SC_TYPE_LIST, ARRAY(struct scenario, chooses, choose_count, SC_CHOOSE_MAX),
     .sub = &choose_object,
     .doc = "Data choices: exploration tries every combination, a run takes the first values."},
    {"expect", SC_TYPE_LIST, ARRAY(struct scenario, expects, expect_count, 1024),
     .sub = &expect_object, .doc = "What must be true of the result; else the exit status is 1."},
    {"expect_violation", SC_TYPE_TEXT, CHARS(struct scenario, expect_violation), .initial_text = "",
     .present = expects_violation, .doc = "The run must end with a violation that has this text."},
};
const struct sc_object sc_root = {
    .what = "a scenario",
    .title = "Top level",
    .id = "scenario",
    .rows = root_rows,
    .row_count = COUNT(root_rows),
    .check = sc_check_root,
};

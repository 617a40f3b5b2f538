#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sims/memory.h"
#include "sims/scenario_int.h"
#include "sims/suggest.h"

enum { UNSET32 = UINT32_MAX >> 1, INLINE_MAX_BYTES = 128, LARGE_MAX_BYTES = 65536 };

/* The member of an object, or the object itself: where to point for an error about a key. */
static struct jp_node *place(struct jp_node *object, const char *key) {
  struct jp_node *member = jp_member(object, key);
  return member != NULL ? member : object;
}

/* ---- inside one object -------------------------------------------------------------------- */

static void check_shards(struct sc_load *load, struct jp_node *node, struct sc_map *map) {
  bool is_sharded = strcmp(map->kind, "sharded") == 0;
  if (map->shards == UNSET32) {
    map->shards = is_sharded ? 32 : 0;
  } else if (!is_sharded) {
    sc_fail_key(load, place(node, "shards"),
                "\"shards\" applies to maps of kind \"sharded\" only");
  } else if ((map->shards & (map->shards - 1)) != 0) {
    sc_fail(load, place(node, "shards"), "found %u, allowed: a power of two", map->shards);
  }
}

void sc_check_map(struct sc_load *load, struct jp_node *node, void *base) {
  static const struct {
    uint32_t min, max, initial;
  } ranges[] = {
      /* enum sc_elem */
      {1, INLINE_MAX_BYTES, 8},
      {1, 1 << 20, 8},
      {INLINE_MAX_BYTES + 1, LARGE_MAX_BYTES, 256},
      {0, 0, 0},
  };
  struct sc_map *map = base;
  uint32_t min = ranges[map->value].min, max = ranges[map->value].max;
  if (map->value_bytes == UNSET32) map->value_bytes = ranges[map->value].initial;
  if (map->value_bytes < min || map->value_bytes > max)
    sc_fail(load, place(node, "value_bytes"), "found %u, allowed for this kind of value: %u..%u",
            map->value_bytes, min, max);
  if (map->key != SC_KEY_STRING && map->key_bytes != UNSET32)
    sc_fail_key(load, place(node, "key_bytes"),
                "\"key_bytes\" applies to keys of type \"string\" only");
  if (map->key_bytes == UNSET32) map->key_bytes = map->key == SC_KEY_STRING ? 12 : 0;
  check_shards(load, node, map);
  if (map->faults != 0 && !sim_map_rule_find(map->kind)->is_go_table)
    sc_fail_key(load, place(node, "faults"), "\"faults\" applies to maps on Go's table only");
  const struct sim_map_rule *rule = sim_map_rule_find(map->kind);
  if (map->hash0 <= UINT32_MAX && rule != NULL && !rule->has_hash0)
    sc_fail(load, place(node, "hash0"),
            "found a seed, allowed for kind \"%s\": random (its tables are not Go's)", map->kind);
}

static void check_loop(struct sc_load *load, struct jp_node *node, struct sc_op *op) {
  bool counted = jp_member(node, "count") != NULL;
  bool timed = jp_member(node, "duration_ns") != NULL;
  if (counted && timed)
    sc_fail(load, node, "found both \"count\" and \"duration_ns\", allowed: one of them");
  if (!counted && !timed) sc_fail(load, node, "missing key: \"count\" or \"duration_ns\"");
  if (timed) op->count = 0;
}

static void check_alloc(struct sc_load *load, struct jp_node *node, const struct sc_op *op) {
  if (op->pointers == 0) return;
  if (op->bytes % 8 != 0)
    sc_fail(load, place(node, "bytes"), "found %" PRIu64 ", allowed with pointers: a multiple of 8",
            op->bytes);
  else if (op->bytes > UINT64_C(1) << 30)
    sc_fail(load, place(node, "bytes"), "found %" PRIu64 ", allowed with pointers: at most 1 GiB",
            op->bytes);
  else if (op->pointers > op->bytes / 8)
    sc_fail(load, place(node, "pointers"), "found %u, allowed in %" PRIu64 " bytes: 0..%" PRIu64,
            op->pointers, op->bytes, op->bytes / 8);
}

void sc_check_object(struct sc_load *load, struct jp_node *node, void *base) {
  const struct sc_heap_object *o = base;
  const struct jp_node *links = jp_member(node, "links");
  for (uint32_t i = 0; i < SC_REGISTERS; i++)
    if (strcmp(sc_register_words[i].name, o->name) == 0)
      sc_fail_key(load, node, "found \"%s\", a register's name, allowed: another one", o->name);
  for (uint32_t i = o->pointers; i < SC_FIELDS_MAX; i++) {
    if (o->links[i] == SC_NIL) continue;
    char key[8];
    snprintf(key, sizeof key, "%u", i);
    sc_fail_key(load, jp_member(links, key), "found field %u, allowed with %u pointers: %s0..%d", i,
                o->pointers, o->pointers == 0 ? "none of " : "", (int)o->pointers - 1);
  }
}

/* The global slot of an object that has none. */
static void check_root_slot(struct sc_load *load, struct jp_node *node, const struct sc_op *op) {
  const struct sc_heap_object *o = &load->s->objects[op->target];
  if (!o->root)
    sc_fail(load, place(node, "root"), "found \"%s\", an object without \"root\": true", o->name);
}

void sc_check_op(struct sc_load *load, struct jp_node *node, void *base) {
  struct sc_op *op = base;
  op->line = node->line;
  if (op->kind == SC_OP_LOOP) check_loop(load, node, op);
  if (op->kind == SC_OP_ALLOC) check_alloc(load, node, op);
  if (op->kind >= SC_OP_OBJECT_LOAD) op->count = 1;
  if (op->kind == SC_OP_OBJECT_GET || op->kind == SC_OP_OBJECT_PUT) check_root_slot(load, node, op);
  if (op->kind == SC_OP_TREE_BUILD && op->target != UINT32_MAX) {
    struct jp_node *size = jp_member(node, "node_bytes");
    if (size != NULL)
      sc_fail_key(load, size, "\"node_bytes\" applies without \"tree\" only: the tree has its own");
    op->bytes = load->s->trees[op->target].node_bytes;
  }
  if (op->kind > SC_OP_MAP_DELETE || op->keys.dist == SC_DIST_SEQUENTIAL) return;
  if (op->keys.space == 0) op->keys.space = op->count == 0 ? 1 : op->count;
  if (op->keys.dist == SC_DIST_ZIPF && op->keys.theta <= 1 && op->keys.theta >= 1)
    sc_fail(load, place(jp_member(node, "keys"), "theta"), "found 1, allowed: 0.01..5 except 1");
}

/* A metric about a map must be about one that exists. */
static void check_metric(struct sc_load *load, struct jp_node *node, const struct sc_expect *e) {
  char typed[sizeof e->metric];
  if (strncmp(e->metric, "maps.", 5) != 0) return;
  strcpy(typed, e->metric + 5);
  typed[strcspn(typed, ".")] = '\0';
  struct sim_suggest near = {.typed = typed};
  for (uint32_t i = 0; i < load->s->map_count; i++) {
    if (strcmp(load->s->maps[i].name, typed) == 0) return;
    sim_suggest_offer(&near, load->s->maps[i].name);
  }
  if (near.best != NULL)
    sc_fail(load, node, "there is no map \"%s\" (did you mean \"%s\"?)", typed, near.best);
  else
    sc_fail(load, node, "there is no map \"%s\"", typed);
}

void sc_check_expect(struct sc_load *load, struct jp_node *node, void *base) {
  const struct sc_expect *e = base;
  check_metric(load, place(node, "metric"), e);
  if (!e->has_min && !e->has_max && !e->has_equals)
    sc_fail(load, node, "missing key: \"min\", \"max\" or \"equals\"");
  if (e->has_equals && (e->has_min || e->has_max))
    sc_fail(load, place(node, "equals"), "\"equals\" excludes \"min\" and \"max\"");
  if (e->has_min && e->has_max && e->min > e->max)
    sc_fail(load, place(node, "min"), "found min %.17g > max %.17g, allowed: min <= max", e->min,
            e->max);
}

/* A run that must go wrong is taken only from a scenario that says so. */
static void check_barrier(struct sc_load *load, struct jp_node *node, const struct scenario *s) {
  const struct sim_barrier_rule *rule = sim_barrier_rule_find(s->barrier);
  bool is_stopped = strcmp(sim_gc_modes[s->gc_mode].name, "stw") == 0;
  if (rule == NULL || !rule->needs_stop || is_stopped || s->expect_violation[0] != '\0') return;
  struct jp_node *gc = place(node, "gc");
  sc_fail(load, place(place(gc, "barrier"), "kind"),
          "found \"%s\", which loses objects while the program runs beside the marker, allowed: "
          "another barrier, gc.mode \"stw\", or an \"expect_violation\" at the top",
          s->barrier);
}

bool sc_is_for_litmus(const char *key) {
  static const char *const keys[] = {
      "name",    "description", "job",    "seed",             "runtime", "deadline_ns", "litmus",
      "explore", "choose",      "expect", "expect_violation", "$schema",
  };
  for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
    if (strcmp(keys[i], key) == 0) return true;
  return false;
}

static void refuse_beside_litmus(struct sc_load *load, struct jp_node *object) {
  for (struct jp_node *n = object == NULL ? NULL : object->first; n != NULL; n = n->next)
    if (!sc_is_for_litmus(n->key))
      sc_fail_key(load, n, "\"%s\" does not apply to a litmus program", n->key);
}

/* A scenario is a program of goroutines or a litmus program. */
static void check_program_kind(struct sc_load *load, struct jp_node *node, struct scenario *s) {
  const struct jp_node *job = jp_member(node, "job");
  s->has_litmus = jp_member(node, "litmus") != NULL;
  if (!s->has_litmus) return;
  refuse_beside_litmus(load, node);
  refuse_beside_litmus(load, jp_member(node, "runtime"));
  if (job == NULL) strcpy(s->job, "run");
  if (strcmp(s->job, "run") != 0)
    sc_fail(load, place(node, "job"), "found \"%s\", allowed with a litmus program: \"run\"",
            s->job);
}

static void judge_faults(struct sc_load *load, struct jp_node *object, uint64_t faults) {
  if (faults != 0)
    sc_fail(load, place(object, "faults"),
            "found a fault that leads to a violation, allowed with \"expect_violation\" only");
}

/* Who asks for what is wrong says so. */
static void check_faults(struct sc_load *load, struct jp_node *node, const struct scenario *s) {
  if (s->expect_violation[0] != '\0') return;
  if (s->late_work == GC_LATE_DISCARD)
    sc_fail(load, place(place(node, "gc"), "late_work"),
            "found \"discard\", which loses objects, allowed with \"expect_violation\" only");
  struct jp_node *maps = jp_member(node, "maps");
  judge_faults(load, jp_member(node, "runtime"), s->runtime_faults & ~sim_sched_faults_harmless);
  judge_faults(load, jp_member(node, "gc"), s->gc_faults & ~sim_gc_faults_harmless);
  for (uint32_t i = 0; i < s->map_count; i++)
    judge_faults(load, jp_member(maps, s->maps[i].name),
                 s->maps[i].faults & ~sim_map_faults_harmless);
}

void sc_check_root(struct sc_load *load, struct jp_node *node, void *base) {
  struct scenario *s = base;
  check_barrier(load, node, s);
  check_program_kind(load, node, s);
  check_faults(load, node, s);
  const struct jp_node *groups = jp_member(node, "goroutines");
  for (uint32_t i = 0; i < s->group_count; i++) {
    struct sc_group *group = &s->groups[i];
    if (group->name[0] == '\0') snprintf(group->name, sizeof group->name, "group-%u", i + 1);
    for (uint32_t k = 0; k < i; k++) {
      if (strcmp(group->name, s->groups[k].name) != 0) continue;
      sc_fail(load, place(jp_element(groups, i), "name"),
              "found \"%s\", which is already the name of /goroutines/%u", group->name, k);
      break;
    }
  }
}

/* ---- across objects ----------------------------------------------------------------------- */

struct mutex_set {
  uint64_t bits[SC_MUTEX_MAX / 64];
};

/* How the goroutines use one map, list or tree. */
struct use {
  bool used, parallel, written;
  uint32_t group;          /* of the first use */
  struct mutex_set common; /* held at every use so far */
  struct jp_node *node;    /* the use that emptied `common`, or the first */
};

struct walk {
  struct sc_load *load;
  uint32_t group, goroutines;
  bool in_setup;
  uint32_t depth;
  bool too_many; /* operations: reported once */
  struct mutex_set held;
  struct use *uses[SC_SPACE_TREES + 1];
};

static bool set_has(const struct mutex_set *set, uint32_t index) {
  return (set->bits[index / 64] >> (index % 64) & 1) != 0;
}

static bool set_is_empty(const struct mutex_set *set) {
  uint64_t any = 0;
  for (unsigned i = 0; i < SC_MUTEX_MAX / 64; i++) any |= set->bits[i];
  return any == 0;
}

static void note_use(struct walk *w, const struct sc_op *op, struct jp_node *node) {
  enum sc_space space = op->kind <= SC_OP_MAP_CLEAR   ? SC_SPACE_MAPS
                        : op->kind <= SC_OP_LIST_WALK ? SC_SPACE_LISTS
                                                      : SC_SPACE_TREES;
  bool reads = op->kind == SC_OP_MAP_GET || op->kind == SC_OP_MAP_ITERATE ||
               op->kind == SC_OP_LIST_WALK || op->kind == SC_OP_TREE_WALK;
  if (w->in_setup || op->kind > SC_OP_TREE_WALK || op->target == UINT32_MAX) return;
  struct use *use = &w->uses[space][op->target];
  if (!use->used) {
    *use = (struct use){.used = true, .group = w->group, .common = w->held, .node = node};
    use->parallel = w->goroutines > 1;
  }
  bool was_empty = set_is_empty(&use->common);
  if (use->group != w->group) use->parallel = true;
  if (!reads) use->written = true;
  for (unsigned i = 0; i < SC_MUTEX_MAX / 64; i++) use->common.bits[i] &= w->held.bits[i];
  if (!was_empty && set_is_empty(&use->common)) use->node = node;
}

static uint64_t largest_key(const struct sc_map *map) {
  switch (map->key) {
    case SC_KEY_U32:
      return UINT32_MAX;
    case SC_KEY_F64:
      return UINT64_C(1) << 53;
    case SC_KEY_STRING: {
      uint64_t limit = 1;
      for (uint32_t digits = map->key_bytes - 4; digits > 0; digits--)
        if (__builtin_mul_overflow(limit, 10, &limit)) return UINT64_MAX;
      return limit - 1;
    }
    case SC_KEY_U64:
      break;
  }
  return UINT64_MAX;
}

/* Every index an operation will use must be a key of its map. times: how often it runs. */
static void check_keys(struct walk *w, const struct sc_op *op, struct jp_node *node,
                       uint64_t times) {
  const struct sc_map *map = &w->load->s->maps[op->target];
  const struct sc_keys *keys = &op->keys;
  uint64_t repeats = times == SC_OPS_UNKNOWN ? op->count : times * op->count;
  if (repeats == 0) return;
  uint64_t limit = largest_key(map), across = 0, along = keys->space - 1, last = 0;
  bool wraps = __builtin_mul_overflow(keys->per_goroutine, w->goroutines - 1, &across);
  if (keys->dist == SC_DIST_SEQUENTIAL)
    wraps |= __builtin_mul_overflow(keys->step, repeats - 1, &along);
  wraps |= __builtin_add_overflow(keys->start, across, &last);
  wraps |= __builtin_add_overflow(last, along, &last);
  if (!wraps && last <= limit) return;
  char shown[32] = "2^64 or more";
  if (!wraps) snprintf(shown, sizeof shown, "%" PRIu64, last);
  sc_fail(w->load, place(node, "keys"),
          "found a last key index of %s, allowed in map \"%s\": 0..%" PRIu64, shown, map->name,
          limit);
}

/* Operations and iterations stay below 2^63; times and the result may be SC_OPS_UNKNOWN. */
static uint64_t product(struct walk *w, struct jp_node *node, uint64_t times, uint64_t ops) {
  uint64_t out = 0;
  if (times == 0 || ops == 0) return 0;
  if (times == SC_OPS_UNKNOWN || ops == SC_OPS_UNKNOWN) return SC_OPS_UNKNOWN;
  if (!__builtin_mul_overflow(times, ops, &out) && out <= INT64_MAX) return out;
  if (!w->too_many)
    sc_fail(w->load, place(node, "count"),
            "found %" PRIu64 " times %" PRIu64 " operations, allowed in all: %" PRId64, times, ops,
            INT64_MAX);
  w->too_many = true;
  return SC_OPS_UNKNOWN;
}

static uint64_t walk_body(struct walk *w, const struct sc_op *ops, uint32_t count,
                          struct jp_node *list, uint64_t times);

static uint64_t walk_nested(struct walk *w, const struct sc_op *op, struct jp_node *node,
                            uint64_t times) {
  uint64_t rounds = op->kind == SC_OP_LOOP && op->duration_ns != 0 ? SC_OPS_UNKNOWN : op->count;
  struct mutex_set held = w->held;
  if (w->depth >= SC_NEST_MAX) {
    sc_fail(w->load, node, "loop and lock nested too deep, allowed: %d levels", SC_NEST_MAX);
    return 0;
  }
  if (op->kind == SC_OP_LOCK) {
    if (set_has(&held, op->target))
      sc_fail(w->load, place(node, "mutex"),
              "mutex \"%s\" is already held here: it would wait for "
              "itself for ever",
              w->load->s->mutexes[op->target].name);
    w->held.bits[op->target / 64] |= UINT64_C(1) << (op->target % 64);
  }
  w->depth++;
  uint64_t body = walk_body(w, op->body, op->body_count, jp_member(node, "body"),
                            product(w, node, times, rounds));
  w->depth--;
  w->held = held;
  return product(w, node, rounds, body);
}

/* times: how often this body runs; the operations of one run of it. */
static uint64_t walk_body(struct walk *w, const struct sc_op *ops, uint32_t count,
                          struct jp_node *list, uint64_t times) {
  uint64_t sum = 0;
  struct jp_node *node = list != NULL ? list->first : NULL;
  for (uint32_t i = 0; i < count; i++, node = node->next) {
    const struct sc_op *op = &ops[i];
    bool nested = op->kind == SC_OP_LOOP || op->kind == SC_OP_LOCK;
    note_use(w, op, node);
    uint64_t one = nested ? walk_nested(w, op, node, times) : op->count;
    uint64_t all = nested ? one : product(w, node, times, one);
    if (op->kind <= SC_OP_MAP_DELETE && all != SC_OPS_UNKNOWN) check_keys(w, op, node, times);
    if (one == SC_OPS_UNKNOWN || sum == SC_OPS_UNKNOWN) {
      sum = SC_OPS_UNKNOWN;
    } else if (sum + one > INT64_MAX) {
      if (!w->too_many)
        sc_fail(w->load, node, "more operations than allowed in all: %" PRId64, INT64_MAX);
      w->too_many = true;
      sum = SC_OPS_UNKNOWN;
    } else {
      sum += one;
    }
  }
  return sum;
}

/* Whether goroutines may use this map as they do, without a common mutex. */
static bool map_allows(const struct scenario *s, const struct sc_map *map, const struct use *use) {
  const struct sim_map_rule *rule = sim_map_rule_find(map->kind);
  if (use->written ? rule->writes : rule->reads) return true;
  return s->expect_violation[0] != '\0' || (map->allow_races && rule->detects_misuse);
}

static void judge_uses(struct walk *w, enum sc_space space) {
  const struct scenario *s = w->load->s;
  const char *name = NULL;
  for (uint32_t i = 0; (name = sc_space_name(s, space, i)) != NULL; i++) {
    const struct use *use = &w->uses[space][i];
    const char *other = "";
    if (!use->parallel || !set_is_empty(&use->common)) continue;
    if (space == SC_SPACE_MAPS) {
      if (map_allows(s, &s->maps[i], use)) continue;
      other = sim_map_rule_find(s->maps[i].kind)->detects_misuse
                  ? ", or \"allow_races\": true in the map"
                  : ", or another kind of map";
    } else if (!use->written) {
      continue;
    }
    sc_fail(w->load, use->node,
            "%s \"%s\" is %sused by several goroutines, but not under "
            "a common mutex, allowed: the same \"lock\" around every use%s",
            sc_space_noun(space), name, use->written ? "changed and " : "", other);
  }
}

static void hold(const struct scenario *s, bool *held, uint32_t object) {
  if (object == SC_NIL || held[object]) return;
  held[object] = true;
  for (uint32_t i = 0; i < SC_FIELDS_MAX; i++) hold(s, held, s->objects[object].links[i]);
}

/* Every object is reachable when the program starts; where there are choices, it may be so with
 * some of them only. */
static void check_held(struct sc_load *load, struct jp_node *root) {
  const struct scenario *s = load->s;
  bool *held = sim_alloc(s->object_count * sizeof *held);
  for (uint32_t i = 0; i < s->object_count; i++)
    if (s->objects[i].root) hold(s, held, i);
  for (uint32_t i = 0; i < s->group_count; i++)
    for (uint32_t r = 0; r < SC_REGISTERS; r++) hold(s, held, s->groups[i].registers[r]);
  for (uint32_t i = 0; i < s->object_count && s->choose_count == 0; i++)
    if (!held[i])
      sc_fail_key(load, jp_member(jp_member(root, "objects"), s->objects[i].name),
                  "nothing holds \"%s\", allowed: \"root\": true, a register, or a link from an "
                  "object that is held", s->objects[i].name);
  free(held);
}

void sc_check_program(struct sc_load *load, struct jp_node *root) {
  struct scenario *s = load->s;
  check_held(load, root);
  struct walk w = {.load = load, .in_setup = true, .goroutines = 1};
  w.uses[SC_SPACE_MAPS] = sim_alloc(s->map_count * sizeof(struct use));
  w.uses[SC_SPACE_LISTS] = sim_alloc(s->list_count * sizeof(struct use));
  w.uses[SC_SPACE_TREES] = sim_alloc(s->tree_count * sizeof(struct use));
  s->setup_ops = walk_body(&w, s->setup, s->setup_count, jp_member(root, "setup"), 1);
  w.in_setup = false;
  struct jp_node *node = s->has_litmus ? NULL : jp_member(root, "goroutines")->first;
  for (uint32_t i = 0; i < s->group_count; i++, node = node->next) {
    struct sc_group *group = &s->groups[i];
    w.group = i;
    w.goroutines = group->count;
    group->ops = walk_body(&w, group->body, group->body_count, jp_member(node, "body"), 1);
    product(&w, node, group->count, group->ops);
  }
  for (enum sc_space space = SC_SPACE_MAPS; space <= SC_SPACE_TREES; space++) {
    judge_uses(&w, space);
    free(w.uses[space]);
  }
}

#include "sims/workload.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/check.h"
#include "runtime/meta.h"
#include "sims/memory.h"
#include "sims/platform.h"
#include "sims/workload_int.h"

/* ---- types ----------------------------------------------------------------------------------- */

static const uint64_t all_pointers[1] = {1};
static PLAT_STATE struct gc_type pointer_type = {
  .name = "pointer", .size = 8, .ptrdata = 8, .mask = all_pointers};

/* The type of objects of `bytes` with that many leading pointer words; one per pair. In metadata
 * memory, because the collector may ask for types as long as it lives. */
static const struct gc_type *object_type(struct workload *wl, uint64_t bytes, uint32_t pointers) {
  rt_assert(bytes > 0 && bytes <= UINT32_MAX && (uint64_t)pointers * 8 <= bytes);
  for (uint32_t i = 0; i < wl->type_count; i++) {
    const struct gc_type *t = wl->types[i];
    if (t->size == bytes && t->ptrdata == 8 * pointers) return t;
  }
  enum { NAME_BYTES = 32 };
  struct gc_type *t = rt_meta_alloc(sizeof *t, 8);
  uint64_t *mask = rt_meta_alloc((pointers / 64 + 1) * sizeof *mask, 8);
  char *name = rt_meta_alloc(NAME_BYTES, 8);
  snprintf(name, NAME_BYTES, "object of %u bytes", (unsigned)bytes);
  for (uint32_t i = 0; i < pointers; i++) mask[i / 64] |= 1ULL << i % 64;
  *t = (struct gc_type){.name = name,
                        .size = (uint32_t)bytes,
                        .ptrdata = 8 * pointers,
                        .mask = pointers == 0 ? NULL : mask};
  gc_type_register(t);
  wl->types = sim_grow(wl->types, &wl->type_room, wl->type_count, sizeof(void *));
  wl->types[wl->type_count++] = t;
  return t;
}

/* ---- compilation ----------------------------------------------------------------------------- */

static wl_fn *const plain_fn[SC_OP_KINDS] = {
  [SC_OP_LIST_PUSH] = wl_list_push,   [SC_OP_LIST_POP] = wl_list_pop,
  [SC_OP_LIST_WALK] = wl_list_walk,   [SC_OP_TREE_BUILD] = wl_tree_build,
  [SC_OP_TREE_DROP] = wl_tree_drop,   [SC_OP_TREE_WALK] = wl_tree_walk,
  [SC_OP_ALLOC] = wl_alloc,           [SC_OP_COMPUTE] = wl_compute,
  [SC_OP_SLEEP] = wl_sleep,           [SC_OP_CHAN_SEND] = wl_chan_send,
  [SC_OP_CHAN_RECV] = wl_chan_recv,   [SC_OP_CHAN_CLOSE] = wl_chan_close,
  [SC_OP_LOCK] = wl_lock,             [SC_OP_LOOP] = wl_loop,
  [SC_OP_GC] = wl_gc,                 [SC_OP_YIELD] = wl_yield,
  [SC_OP_OBJECT_LOAD] = wl_object_load, [SC_OP_OBJECT_STORE] = wl_object_store,
  [SC_OP_OBJECT_GET] = wl_object_get, [SC_OP_OBJECT_PUT] = wl_object_put,
  [SC_OP_OBJECT_NEW] = wl_object_new, [SC_OP_OBJECT_DROP] = wl_object_drop,
  [SC_OP_OBJECT_MOVE] = wl_object_move, [SC_OP_WEAK_MAKE] = wl_weak_make,
  [SC_OP_WEAK_GET] = wl_weak_get,
};

static uint32_t count_ops(const struct sc_op *ops, uint32_t count) {
  uint32_t total = count;
  for (uint32_t i = 0; i < count; i++) total += count_ops(ops[i].body, ops[i].body_count);
  return total;
}

static bool is_map_op(enum sc_op_kind kind) { return kind <= SC_OP_MAP_CLEAR; }

static void compile_target(struct workload *wl, struct wl_op *op, const struct sc_op *source) {
  switch (source->kind) {
    case SC_OP_LIST_PUSH: case SC_OP_LIST_POP: case SC_OP_LIST_WALK:
      op->list = &wl->lists[source->target];
      break;
    case SC_OP_TREE_BUILD:
      op->tree = source->target == UINT32_MAX ? NULL : &wl->trees[source->target];
      op->type = op->tree != NULL ? op->tree->type : object_type(wl, source->bytes, 2);
      break;
    case SC_OP_TREE_DROP: case SC_OP_TREE_WALK:
      op->tree = &wl->trees[source->target];
      break;
    case SC_OP_CHAN_SEND: case SC_OP_CHAN_RECV: case SC_OP_CHAN_CLOSE:
      op->channel = &wl->channels[source->target];
      break;
    case SC_OP_OBJECT_GET: case SC_OP_OBJECT_PUT:
      op->object = &wl->objects[source->target];
      break;
    case SC_OP_LOCK:
      op->mutex = &wl->mutexes[source->target];
      break;
    case SC_OP_ALLOC: /* more than a type can say: pointer-free bytes */
      if (source->bytes > 0 && source->bytes <= UINT32_MAX)
        op->type = object_type(wl, source->bytes, source->pointers);
      break;
    default: break;
  }
}

/* These have no "count". */
static bool has_count(enum sc_op_kind kind) {
  return kind != SC_OP_MAP_CLEAR && kind != SC_OP_TREE_DROP && kind != SC_OP_CHAN_CLOSE &&
         kind < SC_OP_OBJECT_LOAD;
}

static struct wl_op *compile(struct workload *wl, struct wl_body *body, const struct sc_op *ops,
                             uint32_t count) {
  struct wl_op *out = sim_alloc(count * sizeof *out);
  for (uint32_t i = 0; i < count; i++) {
    const struct sc_op *source = &ops[i];
    struct wl_op *op = &out[i];
    op->source = source;
    op->count = has_count(source->kind) ? source->count : 1;
    op->state = body->flat_count++;
    body->flat[op->state] = op;
    if (is_map_op(source->kind)) {
      op->map = &wl->maps[source->target];
      if (body == &wl->setup) op->map->in_setup = true;
      bool is_go = op->map->kind == &map_kind_go;
      op->run = is_go ? wl_map_fn(source, op->map->source) : wl_kind_fn(source);
      uint64_t space = source->keys.space == 0 ? 1 : source->keys.space;
      sim_keygen_init(&op->keys, &source->keys, space);
    } else {
      op->run = plain_fn[source->kind];
      compile_target(wl, op, source);
    }
    rt_assert(op->run != NULL);
    if (source->kind == SC_OP_ALLOC && source->keep > 0) op->ring = body->ring_count++;
    op->body = compile(wl, body, source->body, source->body_count);
    op->body_count = source->body_count;
  }
  return out;
}

static void compile_body(struct workload *wl, struct wl_body *body, const char *name,
                         const struct sc_op *ops, uint32_t count) {
  body->name = name;
  body->flat = sim_alloc((count_ops(ops, count) + 1) * sizeof *body->flat);
  body->ops = compile(wl, body, ops, count);
  body->count = count;
}

static uint64_t saturating(double v) { return v >= 0x1p63 ? UINT64_MAX : (uint64_t)v; }

/* Time the sleeps, computations and timed loops of a body take at least. */
static uint64_t body_ns(const struct sc_op *ops, uint32_t count) {
  double total = 0;
  for (uint32_t i = 0; i < count; i++) {
    const struct sc_op *op = &ops[i];
    bool takes_time = op->kind == SC_OP_SLEEP || op->kind == SC_OP_COMPUTE;
    uint64_t each = takes_time ? op->ns : body_ns(op->body, op->body_count);
    if (op->kind == SC_OP_LOOP && op->duration_ns != 0)
      total += (double)op->duration_ns;
    else
      total += (double)each * (double)op->count;
  }
  return saturating(total);
}

static void plan(struct workload *wl) {
  const struct scenario *sc = wl->sc;
  double planned = 0;
  bool is_known = true;
  for (uint32_t i = 0; i < sc->group_count; i++) {
    const struct sc_group *group = &sc->groups[i];
    if (group->ops == SC_OPS_UNKNOWN) is_known = false;
    planned += (double)group->ops * (double)group->count;
    uint64_t ns = body_ns(group->body, group->body_count);
    if (ns > wl->planned_ns) wl->planned_ns = ns;
  }
  wl->planned = is_known ? saturating(planned) : 0;
}

/* ---- goroutines ------------------------------------------------------------------------------ */

enum { DRAIN_OPS = 256 };

/* Gaps below this many ticks take less than a microsecond and are only counted. */
static uint64_t fast_gap_ticks(void) {
  uint64_t ticks = 1;
  while (ticks < SIM_GAP_FAST_TICKS && plat_ticks_to_ns(ticks) < 1000) ticks++;
  return ticks;
}

static struct wl_go *gos_new(uint64_t count) {
  return sim_platform_alloc((count == 0 ? 1 : count) * sizeof(struct wl_go));
}

/* number: in its group; index: among all goroutines of the run, for its random numbers. */
static void go_init(struct workload *wl, struct wl_go *w, const struct wl_body *body,
                    uint64_t number, uint64_t index) {
  w->wl = wl;
  w->body = body;
  w->number = number;
  w->index = index;
  wl_fresh_init(w);
  w->check = wl->sc->check;
  w->alloc_extra_ns = wl->sc->alloc_extra_ns;
  w->slow_ticks = fast_gap_ticks();
  w->drain_at_ops = sim_platform_is_real || wl->is_explored ? UINT64_MAX : DRAIN_OPS;
  if (wl->key_bytes_max > 0) w->scratch = sim_platform_alloc(wl->key_bytes_max);
  if (wl->value_bytes_max > 0) w->value = sim_platform_alloc(wl->value_bytes_max);
  w->states = sim_platform_alloc(body->flat_count * sizeof *w->states);
  at_u64_init(&w->doing, WL_NOT_RUNNING);
  uint64_t seed = rng_split(wl->sc->seed, index);
  for (uint32_t i = 0; i < body->flat_count; i++) {
    const struct sc_keys *keys = &body->flat[i]->source->keys;
    w->states[i].keys.start = keys->start + keys->per_goroutine * number;
    w->states[i].keys.rng = rng_split(seed, i);
  }
}

void wl_drain_slow(struct wl_go *w) {
  w->drain_at_ops = w->ops + DRAIN_OPS;
  sim_measure_drain(w->wl->measure);
}

static void go_free(struct wl_go *w) {
  sim_platform_free(w->scratch);
  sim_platform_free(w->value);
  sim_platform_free(w->states);
  sim_platform_free(w->fresh);
}

/* Searched goroutines that all have a P wait there at the gate without troubling the scheduler. */
static bool gate_is_watched(const struct workload *wl) {
  return wl->is_explored && wl->go_count < wl->sc->procs;
}

static void watch(struct go_g *g) {
  plat_relax();
  gc_poll(go_mu(g));
}

/* Waits for the start of the clock, or of the searched part, with its registers filled. */
static void wait_at_gate(struct wl_go *w) {
  struct workload *wl = w->wl;
  if (wl->has_objects) wl_registers_fill(w);
  if (w->body == &wl->setup) return;
  if (gate_is_watched(wl)) {
    at_u32_add_acqrel(&wl->arrived, 1);
    while (at_u32_load_acquire(&wl->gate_open) == 0) watch(w->g);
  } else {
    go_waitgroup_done(w->g, &wl->armed);
    go_waitgroup_wait(w->g, &wl->gate);
  }
  gc_poll(go_mu(w->g)); /* it may be stopped, and scanned, before its first operation */
}

static void make_rings(struct wl_go *w, struct go_g *g, void **roots) {
  const struct wl_body *body = w->body;
  if (body->ring_count > 0)
    roots[WL_ROOT_RINGS] = gc_alloc_array(go_mu(g), &pointer_type, body->ring_count);
  for (uint32_t i = 0; i < body->flat_count; i++) {
    const struct sc_op *op = body->flat[i]->source;
    if (op->kind != SC_OP_ALLOC || op->keep == 0) continue;
    void *ring = gc_alloc_array(go_mu(g), &pointer_type, op->keep);
    void **rings = roots[WL_ROOT_RINGS];
    gc_store(go_mu(g), &rings[body->flat[i]->ring], ring);
  }
}

static void go_body(struct wl_go *w, struct go_g *g) {
  GC_ROOTS(go_mu(g), roots, WL_ROOTS);
  void *registers[SC_REGISTERS] = {NULL};
  struct gc_frame register_frame;
  w->g = g;
  w->roots = roots;
  at_quiet_store(&w->id, go_id(g));
  if (w->wl->has_objects) {
    w->registers = registers;
    gc_frame_push(go_mu(g), &register_frame, registers, SC_REGISTERS);
  }
  if (w->wl->has_objects || w->wl->is_explored) wait_at_gate(w);
  make_rings(w, g, roots);
  w->last_ticks = plat_ticks();
  wl_run_body(w, w->body->ops, w->body->count);
  at_quiet_store(&w->doing, WL_NOT_RUNNING);
  w->roots = NULL;
  if (w->wl->has_objects) gc_frame_pop(go_mu(g), &register_frame);
  GC_ROOTS_END(go_mu(g), roots);
}

static void go_main(struct go_g *g, void *arg, void *heap_arg) {
  (void)heap_arg;
  struct wl_go *w = arg;
  go_body(w, g);
  go_waitgroup_done(g, &w->wl->done);
}

void wl_gap_slow(struct wl_go *w, uint64_t ticks, uint64_t blocked_ns) {
  if ((int64_t)ticks < 0) ticks = 0; /* the counters of two processors may differ by a little */
  uint64_t ns = plat_ticks_to_ns(ticks);
  ns = ns > blocked_ns ? ns - blocked_ns : 0;
  hist_add(&w->gaps[go_mu(w->g)->p->index].slow, ns);
}

/* ---- set-up ---------------------------------------------------------------------------------- */

/* What runs change is part of the world. */
static void name_things(struct workload *wl) {
  const struct scenario *sc = wl->sc;
  wl->maps = sim_platform_alloc(sc->map_count * sizeof *wl->maps);
  for (uint32_t i = 0; i < sc->map_count; i++) {
    wl->maps[i].source = &sc->maps[i];
    wl->maps[i].kind = map_kind_find(sc->maps[i].kind);
    rt_assert(wl->maps[i].kind != NULL);
    if (wl->is_explored && sc->maps[i].allow_races)
      wl->maps[i].use = sim_platform_alloc(sizeof *wl->maps[i].use);
    uint32_t room = sc->maps[i].value_bytes < 8 ? 8 : sc->maps[i].value_bytes;
    if (wl->maps[i].kind != &map_kind_go && room > wl->value_bytes_max)
      wl->value_bytes_max = room;
    if (sc->maps[i].value == SC_ELEM_POINTER)
      wl->maps[i].value_type = object_type(wl, sc->maps[i].value_bytes, 0);
    if (sc->maps[i].key == SC_KEY_STRING && sc->maps[i].key_bytes > wl->key_bytes_max)
      wl->key_bytes_max = sc->maps[i].key_bytes;
  }
  wl->lists = sim_platform_alloc(sc->list_count * sizeof *wl->lists);
  for (uint32_t i = 0; i < sc->list_count; i++) {
    wl->lists[i].source = &sc->lists[i];
    wl->lists[i].type = object_type(wl, sc->lists[i].node_bytes, 1);
    wl->lists[i].tag = (uint64_t)(i + 1) << 48;
  }
  wl->trees = sim_platform_alloc(sc->tree_count * sizeof *wl->trees);
  for (uint32_t i = 0; i < sc->tree_count; i++) {
    wl->trees[i].source = &sc->trees[i];
    wl->trees[i].type = object_type(wl, sc->trees[i].node_bytes, 2);
  }
  wl->channels = sim_platform_alloc(sc->channel_count * sizeof *wl->channels);
  for (uint32_t i = 0; i < sc->channel_count; i++) wl->channels[i].source = &sc->channels[i];
  wl->mutexes = sim_platform_alloc(sc->mutex_count * sizeof *wl->mutexes);
}

static bool has_object_ops(const struct sc_op *ops, uint32_t count) {
  for (uint32_t i = 0; i < count; i++)
    if (ops[i].kind >= SC_OP_OBJECT_LOAD || has_object_ops(ops[i].body, ops[i].body_count))
      return true;
  return false;
}

static bool uses_objects(const struct scenario *sc) {
  bool used = sc->object_count > 0 || has_object_ops(sc->setup, sc->setup_count);
  for (uint32_t i = 0; i < sc->group_count; i++)
    used |= has_object_ops(sc->groups[i].body, sc->groups[i].body_count);
  return used;
}

struct workload *workload_new(const struct scenario *sc, struct sim_measure *m) {
  struct workload *wl = sim_platform_alloc(sizeof *wl);
  wl->sc = sc;
  wl->measure = m;
  wl->is_explored = m == NULL;
  gc_type_register(&pointer_type);
  name_things(wl);
  wl->has_objects = uses_objects(sc);
  if (wl->has_objects) wl_objects_init(wl);
  compile_body(wl, &wl->setup, "setup", sc->setup, sc->setup_count);
  wl->groups = sim_alloc(sc->group_count * sizeof *wl->groups);
  for (uint32_t i = 0; i < sc->group_count; i++) {
    const struct sc_group *group = &sc->groups[i];
    compile_body(wl, &wl->groups[i], group->name, group->body, group->body_count);
    wl->groups[i].group = group;
    wl->go_count += group->count;
  }
  plan(wl);
  if (sc->check) wl_check_begin(wl);

  wl->setup_go = gos_new(1);
  go_init(wl, wl->setup_go, &wl->setup, 0, 0);
  wl->gos = gos_new(wl->go_count);
  uint64_t index = 0;
  for (uint32_t i = 0; i < sc->group_count; i++)
    for (uint32_t n = 0; n < sc->groups[i].count; n++, index++)
      go_init(wl, &wl->gos[index], &wl->groups[i], n, index + 1);
  return wl;
}

static void body_free(struct wl_op *ops, uint32_t count) {
  for (uint32_t i = 0; i < count; i++) body_free(ops[i].body, ops[i].body_count);
  free(ops);
}

void workload_free(struct workload *wl) {
  wl_check_end();
  for (uint64_t i = 0; i < wl->go_count; i++) go_free(&wl->gos[i]);
  go_free(wl->setup_go);
  for (uint32_t i = 0; i < wl->sc->group_count; i++) {
    body_free(wl->groups[i].ops, wl->groups[i].count);
    free(wl->groups[i].flat);
  }
  body_free(wl->setup.ops, wl->setup.count);
  free(wl->setup.flat);
  for (uint32_t i = 0; i < wl->sc->map_count; i++) sim_platform_free(wl->maps[i].use);
  void *shared[] = {wl->maps, wl->lists, wl->trees, wl->channels, wl->mutexes, wl->objects};
  for (size_t i = 0; i < sizeof shared / sizeof shared[0]; i++) sim_platform_free(shared[i]);
  void *rest[] = {wl->groups,       wl->types,        wl->map_results,
                  wl->list_results, wl->tree_results, wl->channel_results};
  for (size_t i = 0; i < sizeof rest / sizeof rest[0]; i++) free(rest[i]);
  sim_platform_free(wl->gos);
  sim_platform_free(wl->setup_go);
  sim_platform_free(wl);
}

/* Slots of the shared table: maps, list heads and tails, trees, channels. */
static uint64_t map_slot(uint32_t i) { return i; }
static uint64_t list_slot(const struct workload *wl, uint32_t i) {
  return wl->sc->map_count + 2 * (uint64_t)i;
}
static uint64_t tree_slot(const struct workload *wl, uint32_t i) {
  return list_slot(wl, wl->sc->list_count) + i;
}
static uint64_t channel_slot(const struct workload *wl, uint32_t i) {
  return tree_slot(wl, wl->sc->tree_count) + i;
}

static enum map_kind_of_key key_kind(enum sc_key key) {
  static const enum map_kind_of_key kinds[] = {
    [SC_KEY_U64] = MAP_KEY_U64, [SC_KEY_U32] = MAP_KEY_U32,
    [SC_KEY_STRING] = MAP_KEY_STRING, [SC_KEY_F64] = MAP_KEY_F64};
  return kinds[key];
}

/* Every map has a type of its own, because the lifetime counters are kept by type. */
static void make_map_types(struct workload *wl) {
  uint64_t seed = plat_random_u64();
  for (uint32_t i = 0; i < wl->sc->map_count; i++) {
    const struct sc_map *m = &wl->sc->maps[i];
    bool is_pointer = m->value == SC_ELEM_POINTER;
    uint32_t elem_bytes = is_pointer || m->value == SC_ELEM_UNIT ? 0 : m->value_bytes;
    wl->maps[i].type = map_type_new(key_kind(m->key), 0,
                                    is_pointer ? MAP_ELEM_POINTER : MAP_ELEM_BYTES, elem_bytes,
                                    m->hash_key != 0 ? m->hash_key : rng_split(seed, i) | 1);
    map_type_set_faults(wl->maps[i].type, m->faults);
    snprintf(wl->maps[i].hash_key, sizeof wl->maps[i].hash_key, "0x%016llx",
             (unsigned long long)map_type_hash_key(wl->maps[i].type));
  }
}

static void make_maps(struct workload *wl, struct go_g *g, bool in_setup) {
  for (uint32_t i = 0; i < wl->sc->map_count; i++) {
    struct wl_map *m = &wl->maps[i];
    if (m->in_setup != in_setup) continue;
    struct map_params params = {.hint = m->source->hint, .shards = m->source->shards,
                                .has_hash0 = m->source->hash0 <= UINT32_MAX,
                                .hash0 = (uint32_t)m->source->hash0};
    m->map = m->kind->create(g, m->type, &params);
    m->hash0 = params.has_hash0            ? params.hash0
               : m->kind == &map_kind_go ? map_seed(m->map)
                                         : (double)NAN;
    gc_store(go_mu(g), &wl->shared[map_slot(i)], m->map);
  }
}

static void make_shared(struct workload *wl, struct go_g *g) {
  struct gc_mutator *mu = go_mu(g);
  const struct scenario *sc = wl->sc;
  uint64_t slots = channel_slot(wl, sc->channel_count);
  gc_add_global_roots(&wl->shared_root, 1);
  wl->shared = gc_alloc_array(mu, &pointer_type, slots == 0 ? 1 : slots);
  gc_store(mu, &wl->shared_root, wl->shared);
  for (uint32_t i = 0; i < sc->list_count; i++) {
    wl->lists[i].head = &wl->shared[list_slot(wl, i)];
    wl->lists[i].tail = wl->lists[i].head + 1;
  }
  for (uint32_t i = 0; i < sc->tree_count; i++) wl->trees[i].root = &wl->shared[tree_slot(wl, i)];
  if (sc->channel_count == 0) return;
  const struct gc_type *value = object_type(wl, 8, 0);
  for (uint32_t i = 0; i < sc->channel_count; i++) {
    wl->channels[i].chan = go_chan_new(g, value, sc->channels[i].capacity);
    gc_store(mu, &wl->shared[channel_slot(wl, i)], wl->channels[i].chan);
  }
}

static void start_all(struct workload *wl, struct go_g *g) {
  rt_assert(wl->go_count <= INT32_MAX);
  go_waitgroup_add(g, &wl->done, (int32_t)wl->go_count);
  for (uint64_t i = 0; i < wl->go_count; i++)
    go_spawn(g, wl->gos[i].body->name, go_main, &wl->gos[i], NULL);
}

/* Starts the goroutines, which wait at the gate with their registers filled. */
static void arm(struct workload *wl, struct go_g *g) {
  if (gate_is_watched(wl)) {
    start_all(wl, g);
    while (at_u32_load_acquire(&wl->arrived) != wl->go_count) watch(g);
  } else {
    go_waitgroup_add(g, &wl->gate, 1);
    go_waitgroup_add(g, &wl->armed, (int32_t)wl->go_count);
    start_all(wl, g);
    go_waitgroup_wait(g, &wl->armed);
  }
  if (wl->has_objects) wl_objects_settled(wl, g);
}

void workload_setup(struct workload *wl, struct go_g *g) {
  make_map_types(wl);
  make_shared(wl, g);
  if (wl->has_objects) wl_objects_make(wl, g, &pointer_type);
  make_maps(wl, g, true);
  struct sim_gaps *gaps = sim_gaps_new(wl->sc->procs);
  wl->setup_go->gaps = gaps;
  go_body(wl->setup_go, g);
  sim_gaps_free(gaps);
  if (wl->has_objects || wl->is_explored) arm(wl, g);
}

void workload_run(struct workload *wl, struct go_g *g, struct sim_gaps *gaps) {
  at_quiet_store(&wl->phase, 1);
  make_maps(wl, g, false);
  if (wl->go_count == 0) return;
  for (uint64_t i = 0; i < wl->go_count; i++) wl->gos[i].gaps = gaps;
  if (gate_is_watched(wl)) {
    at_u32_store_release(&wl->gate_open, 1); /* nobody sees it before the mark */
    plat_mark();
  } else if (wl->has_objects || wl->is_explored) {
    plat_mark();
    go_waitgroup_done(g, &wl->gate);
  } else {
    start_all(wl, g);
  }
  go_waitgroup_wait(g, &wl->done);
}

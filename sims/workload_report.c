/* What a workload is doing and what it has left behind. */
#include <stdio.h>

#include "runtime/check.h"
#include "sims/memory.h"
#include "sims/workload_int.h"

/* ---- while it runs --------------------------------------------------------------------------- */

static const char *target_name(const struct wl_op *op) {
  switch (op->source->kind) {
    case SC_OP_MAP_PUT: case SC_OP_MAP_GET: case SC_OP_MAP_DELETE: case SC_OP_MAP_ITERATE:
    case SC_OP_MAP_CLEAR:
      return op->map->source->name;
    case SC_OP_LIST_PUSH: case SC_OP_LIST_POP: case SC_OP_LIST_WALK:
      return op->list->source->name;
    case SC_OP_TREE_BUILD: case SC_OP_TREE_DROP: case SC_OP_TREE_WALK:
      return op->tree == NULL ? "" : op->tree->source->name;
    case SC_OP_CHAN_SEND: case SC_OP_CHAN_RECV: case SC_OP_CHAN_CLOSE:
      return op->channel->source->name;
    case SC_OP_OBJECT_GET: case SC_OP_OBJECT_PUT:
      return op->object->source->name;
    case SC_OP_OBJECT_NEW: case SC_OP_OBJECT_MOVE: case SC_OP_OBJECT_LOAD: case SC_OP_WEAK_MAKE:
    case SC_OP_WEAK_GET:
      return sc_register_name(op->source->to);
    case SC_OP_OBJECT_DROP:
      return sc_register_name(op->source->from);
    default: return "";
  }
}

static bool describe(const struct wl_go *w, char *out, size_t bytes) {
  uint64_t doing = at_quiet_load(&w->doing);
  if (doing >= w->body->flat_count) return false;
  const struct wl_op *op = w->body->flat[doing];
  const char *target = target_name(op);
  snprintf(out, bytes, "goroutine %s: %s%s%s", w->body->name, sc_op_name(op->source->kind),
           target[0] == 0 ? "" : " ", target);
  return true;
}

uint64_t workload_ops(const struct workload *wl) {
  uint64_t ops = 0;
  for (uint64_t i = 0; i < wl->go_count; i++) ops += at_quiet_load(&wl->gos[i].published_ops);
  return ops;
}

void workload_progress(const struct workload *wl, struct workload_progress *out) {
  *out = (struct workload_progress){.planned = wl->planned, .planned_ns = wl->planned_ns};
  out->in_setup = at_quiet_load(&wl->phase) == 0;
  if (out->in_setup) {
    out->ops = at_quiet_load(&wl->setup_go->published_ops);
    out->planned = wl->sc->setup_ops == SC_OPS_UNKNOWN ? 0 : wl->sc->setup_ops;
    describe(wl->setup_go, out->what, sizeof out->what);
    return;
  }
  out->ops = workload_ops(wl);
  for (uint64_t i = 0; i < wl->go_count; i++)
    if (describe(&wl->gos[i], out->what, sizeof out->what)) return;
}

void workload_doing(const struct workload *wl, const struct go_g *g, char *out, size_t bytes) {
  out[0] = 0;
  if (g == NULL) return;
  uint64_t id = go_id(g);
  if (at_quiet_load(&wl->setup_go->id) == id && at_quiet_load(&wl->phase) == 0) {
    describe(wl->setup_go, out, bytes);
    return;
  }
  for (uint64_t i = 0; i < wl->go_count; i++)
    if (at_quiet_load(&wl->gos[i].id) == id) describe(&wl->gos[i], out, bytes);
}

void wl_violation(struct wl_go *w, const struct wl_op *op, const char *text, uint64_t found,
                  uint64_t expected) {
  (void)w;
  rt_fatal(RT_END_VIOLATION, "%s %s: %s: found %llu, expected %llu",
           sc_op_name(op->source->kind), target_name(op), text, (unsigned long long)found,
           (unsigned long long)expected);
}

/* ---- afterwards ------------------------------------------------------------------------------ */

/* What all goroutines' operations of one kind did to one thing. */
static struct wl_state sum_states(const struct workload *wl, enum sc_op_kind kind,
                                  uint32_t target) {
  struct wl_state sum = {0};
  for (uint64_t i = 0; i <= wl->go_count; i++) {
    const struct wl_go *w = i == wl->go_count ? wl->setup_go : &wl->gos[i];
    for (uint32_t k = 0; k < w->body->flat_count; k++) {
      const struct sc_op *op = w->body->flat[k]->source;
      if (op->kind != kind || op->target != target) continue;
      sum.done += w->states[k].done;
      sum.hits += w->states[k].hits;
      sum.sum += w->states[k].sum;
    }
  }
  return sum;
}

/* False: it is broken, which its kind was to notice and did not, and the scenario takes that as a
 * figure. Elsewhere a broken map is a violation. */
static bool check_map(const struct workload *wl, const struct wl_map *m, struct go_g *g) {
  const char *why = NULL;
  if (!wl->sc->check || m->kind->check(g, m->type, m->map, &why)) return true;
  bool is_missed = m->source->allow_races;
  if (is_missed && wl->sc->expect_violation[0] == '\0' && !wl->is_explored) return false;
  rt_fatal(RT_END_VIOLATION, "map %s is broken%s: %s", m->source->name,
           is_missed ? ", and nobody noticed" : "", why);
}

bool workload_has_clashed(const struct workload *wl) {
  bool has = false;
  for (uint32_t i = 0; i < wl->sc->map_count; i++)
    if (wl->maps[i].use != NULL) has |= at_quiet_load(&wl->maps[i].use->clashes) != 0;
  return has;
}

void workload_check(const struct workload *wl, struct go_g *g) {
  for (uint32_t i = 0; i < wl->sc->map_count; i++) check_map(wl, &wl->maps[i], g);
}

/* Whenever marking has ended. Where races are allowed, a writer may be anywhere. */
static void check_stopped(struct gc_mutator *self, void *arg) {
  const struct workload *wl = arg;
  for (uint32_t i = 0; i < wl->sc->map_count; i++) {
    const struct wl_map *m = &wl->maps[i];
    const char *why = NULL;
    if (m->source->allow_races ||
        map_check_stopped(m->kind, go_from_mu(self), m->type, m->map, &why))
      continue;
    rt_fatal(RT_END_VIOLATION, "map %s is broken: %s", m->source->name, why);
  }
}

void wl_check_begin(struct workload *wl) { gc_set_check_hook(check_stopped, wl); }
void wl_check_end(void) { gc_set_check_hook(NULL, NULL); }

static void report_maps(struct workload *wl, struct go_g *g) {
  wl->map_results = sim_alloc(wl->sc->map_count * sizeof *wl->map_results);
  for (uint32_t i = 0; i < wl->sc->map_count; i++) {
    const struct wl_map *m = &wl->maps[i];
    bool is_broken_unnoticed = !check_map(wl, m, g);
    struct map_kind_stats own;
    m->kind->stats(g, m->type, m->map, &own);
    const struct map_stats stats = own.s;
    struct wl_state gets = sum_states(wl, SC_OP_MAP_GET, i);
    wl->map_results[i] = (struct sim_result_map){
      .name = m->source->name,
      .count = (uint64_t)stats.count,
      .B = stats.B,
      .noverflow = stats.noverflow,
      .growths = stats.growths,
      .same_size_growths = stats.same_size_growths,
      .overflow_allocated = stats.overflow_allocated,
      .overflow_preallocated = stats.overflow_preallocated,
      .evacuated_buckets = stats.evacuated_buckets,
      .bucket_bytes = map_type_bucket_bytes(m->type),
      .gets = gets.done,
      .gets_found = gets.hits,
      .lock_waits = own.lock_waits,
      .spin_pauses = own.spin_pauses,
      .spin_yields = own.spin_yields,
      .spin_parks = own.spin_parks,
      .migrations = own.migrations,
      .migration_ns_max = own.migration_ns_max,
      .promotions = own.promotions,
      .misses = own.misses,
      .treeified = own.treeified,
      .untreeified = own.untreeified,
      .tables = own.tables,
      .directory = own.directory,
      .hash_key = m->hash_key,
      .hash0 = m->hash0,
      .missed_detections = is_broken_unnoticed,
    };
  }
}

static void report_lists(struct workload *wl, struct wl_go *w) {
  wl->list_results = sim_alloc(wl->sc->list_count * sizeof *wl->list_results);
  for (uint32_t i = 0; i < wl->sc->list_count; i++) {
    struct sim_result_list *r = &wl->list_results[i];
    r->name = wl->sc->lists[i].name;
    r->nodes = wl_list_count(w, &wl->lists[i]);
    r->pushed = sum_states(wl, SC_OP_LIST_PUSH, i).done;
    r->popped = sum_states(wl, SC_OP_LIST_POP, i).done;
    if (wl->sc->check && r->nodes != r->pushed - r->popped)
      rt_fatal(RT_END_VIOLATION, "list %s has %llu nodes after %llu pushes and %llu pops", r->name,
               (unsigned long long)r->nodes, (unsigned long long)r->pushed,
               (unsigned long long)r->popped);
  }
}

static void report_trees(struct workload *wl, struct wl_go *w) {
  wl->tree_results = sim_alloc(wl->sc->tree_count * sizeof *wl->tree_results);
  for (uint32_t i = 0; i < wl->sc->tree_count; i++) {
    struct sim_result_tree *r = &wl->tree_results[i];
    r->name = wl->sc->trees[i].name;
    r->nodes = wl_tree_count(w, &wl->trees[i]);
    r->built = sum_states(wl, SC_OP_TREE_BUILD, i).done;
  }
}

static void report_channels(struct workload *wl) {
  wl->channel_results = sim_alloc(wl->sc->channel_count * sizeof *wl->channel_results);
  for (uint32_t i = 0; i < wl->sc->channel_count; i++) {
    struct sim_result_channel *r = &wl->channel_results[i];
    struct wl_state received = sum_states(wl, SC_OP_CHAN_RECV, i);
    r->name = wl->sc->channels[i].name;
    r->sent = sum_states(wl, SC_OP_CHAN_SEND, i).done;
    r->received = received.done;
    r->sum_received = received.sum;
    r->waiting = go_chan_len(wl->channels[i].chan);
  }
}

void workload_report(struct workload *wl, struct go_g *g, struct sim_result *r) {
  struct wl_go *w = wl->setup_go;
  struct sim_gaps *gaps = sim_gaps_new(wl->sc->procs);
  GC_ROOTS(go_mu(g), roots, WL_ROOTS);
  w->g = g;
  w->roots = roots;
  w->gaps = gaps;
  report_maps(wl, g);
  report_lists(wl, w);
  report_trees(wl, w);
  report_channels(wl);
  w->roots = NULL;
  GC_ROOTS_END(go_mu(g), roots);
  sim_gaps_free(gaps);
  r->maps = wl->map_results;
  r->map_count = wl->sc->map_count;
  r->lists = wl->list_results;
  r->list_count = wl->sc->list_count;
  r->trees = wl->tree_results;
  r->tree_count = wl->sc->tree_count;
  r->channels = wl->channel_results;
  r->channel_count = wl->sc->channel_count;
}

/* Operations on maps of kind "go", used directly: Go's fast paths, elements in place. */
#include "sims/workload_keys.h"

INLINED void put_loop(struct wl_go *w, const struct wl_op *op, enum sc_key key_kind,
                      enum sc_elem elem_kind) {
  struct go_g *g = w->g;
  const struct wl_map *m = op->map;
  const struct sc_map *source = m->source;
  struct wl_state *st = &w->states[op->state];
  for (uint64_t left = op->count, n; left > 0; left -= n) {
    n = wl_chunk(left);
    for (uint64_t i = 0; i < n; i++) {
      uint64_t index = sim_keygen_next(&op->keys, &st->keys);
      if (elem_kind == SC_ELEM_POINTER) {
        void *value = wl_new(w, m->value_type);
        w->roots[WL_ROOT_VALUE] = value;
        value_write(value, source->value_bytes, index);
      }
      union wl_key key;
      key_make(w, source, key_kind, &key, index);
      wl_use_begin(m, true);
      void *elem = map_assign(g, m->type, m->map, &key);
      if (elem_kind == SC_ELEM_POINTER)
        gc_store(go_mu(g), elem, w->roots[WL_ROOT_VALUE]);
      else if (elem_kind != SC_ELEM_UNIT)
        value_write(elem, source->value_bytes, index);
      wl_use_end(m, true);
      wl_finish_op(w);
    }
    wl_publish(w, n);
  }
  w->roots[WL_ROOT_KEY] = NULL;
  w->roots[WL_ROOT_VALUE] = NULL;
  st->done += op->count;
}

INLINED void get_loop(struct wl_go *w, const struct wl_op *op, enum sc_key key_kind) {
  const struct wl_map *m = op->map;
  struct wl_state *st = &w->states[op->state];
  for (uint64_t left = op->count, n; left > 0; left -= n) {
    n = wl_chunk(left);
    for (uint64_t i = 0; i < n; i++) {
      uint64_t index = sim_keygen_next(&op->keys, &st->keys);
      union wl_key key;
      key_find(w, m->source, key_kind, &key, index);
      wl_use_begin(m, false);
      void *elem = map_get(w->g, m->type, m->map, &key);
      uint64_t value = elem != NULL ? elem_read(m->source, elem) : 0;
      wl_use_end(m, false);
      if (elem != NULL) {
        uint64_t expected = value_of_index(m->source->value_bytes, index);
        st->hits++;
        st->sum += value;
        if (w->check && m->source->value != SC_ELEM_UNIT && value != expected)
          wl_violation(w, op, "a key has the wrong value", value, expected);
      }
      wl_finish_op(w);
    }
    wl_publish(w, n);
  }
  st->done += op->count;
}

static void put_u64_inline(struct wl_go *w, const struct wl_op *op) {
  put_loop(w, op, SC_KEY_U64, SC_ELEM_INLINE);
}
static void put_u64_pointer(struct wl_go *w, const struct wl_op *op) {
  put_loop(w, op, SC_KEY_U64, SC_ELEM_POINTER);
}
static void put_string_inline(struct wl_go *w, const struct wl_op *op) {
  put_loop(w, op, SC_KEY_STRING, SC_ELEM_INLINE);
}
static void put_any(struct wl_go *w, const struct wl_op *op) {
  put_loop(w, op, op->map->source->key, op->map->source->value);
}
static void get_u64(struct wl_go *w, const struct wl_op *op) { get_loop(w, op, SC_KEY_U64); }
static void get_any(struct wl_go *w, const struct wl_op *op) {
  get_loop(w, op, op->map->source->key);
}

static void delete_any(struct wl_go *w, const struct wl_op *op) {
  const struct wl_map *m = op->map;
  struct wl_state *st = &w->states[op->state];
  for (uint64_t left = op->count, n; left > 0; left -= n) {
    n = wl_chunk(left);
    for (uint64_t i = 0; i < n; i++) {
      uint64_t index = sim_keygen_next(&op->keys, &st->keys);
      union wl_key key;
      key_find(w, m->source, m->source->key, &key, index);
      wl_use_begin(m, true);
      map_delete(w->g, m->type, m->map, &key);
      wl_use_end(m, true);
      wl_finish_op(w);
    }
    wl_publish(w, n);
  }
  st->done += op->count;
}

static void check_entry(struct wl_go *w, const struct wl_op *op, const struct map_iter *it) {
  const struct sc_map *source = op->map->source;
  if (source->value == SC_ELEM_UNIT) return;
  uint64_t value = elem_read(source, it->elem);
  uint64_t expected = value_of_index(source->value_bytes, wl_key_index(source, it->key));
  if (value != expected)
    wl_violation(w, op, "iteration met a key with the wrong value", value, expected);
}

static void iterate_any(struct wl_go *w, const struct wl_op *op) {
  const struct wl_map *m = op->map;
  struct wl_state *st = &w->states[op->state];
  for (uint64_t i = 0; i < op->count; i++) {
    struct map_iter it;
    wl_use_begin(m, false);
    map_iter_begin(w->g, m->type, m->map, &it);
    for (; it.key != NULL; map_iter_next(w->g, &it)) {
      st->hits++;
      if (w->check) check_entry(w, op, &it);
      wl_step(w);
    }
    map_iter_end(w->g, &it);
    wl_use_end(m, false);
    wl_finish_op(w);
    wl_publish(w, 1);
  }
  st->done += op->count;
}

static void clear_any(struct wl_go *w, const struct wl_op *op) {
  for (uint64_t i = 0; i < op->count; i++) {
    wl_use_begin(op->map, true);
    map_clear(w->g, op->map->type, op->map->map);
    wl_use_end(op->map, true);
    wl_finish_op(w);
    wl_publish(w, 1);
  }
  w->states[op->state].done += op->count;
}

/* ---- who is in a map ------------------------------------------------------------------------- */

static void add(struct at_u64 *to, uint64_t n) { at_quiet_store(to, at_quiet_load(to) + n); }

void wl_use_enter(struct wl_use *u, bool writes) {
  uint64_t others = at_quiet_load(writes ? &u->inside : &u->writing);
  if (others > 0) add(&u->clashes, 1);
  add(&u->inside, 1);
  if (writes) add(&u->writing, 1);
}

void wl_use_leave(struct wl_use *u, bool writes) {
  add(&u->inside, UINT64_MAX);
  if (writes) add(&u->writing, UINT64_MAX);
}

/* ---- by kind of operation -------------------------------------------------------------------- */

wl_fn *wl_map_fn(const struct sc_op *op, const struct sc_map *map) {
  switch (op->kind) {
    case SC_OP_MAP_PUT:
      if (map->key == SC_KEY_U64 && map->value == SC_ELEM_INLINE) return put_u64_inline;
      if (map->key == SC_KEY_U64 && map->value == SC_ELEM_POINTER) return put_u64_pointer;
      if (map->key == SC_KEY_STRING && map->value == SC_ELEM_INLINE) return put_string_inline;
      return put_any;
    case SC_OP_MAP_GET: return map->key == SC_KEY_U64 ? get_u64 : get_any;
    case SC_OP_MAP_DELETE: return delete_any;
    case SC_OP_MAP_ITERATE: return iterate_any;
    case SC_OP_MAP_CLEAR: return clear_any;
    default: return NULL;
  }
}

/* Operations on maps of the other kinds, through struct map_kind: elements go in and out by value.
 * The element buffer is a root slot for pointers, else memory of the goroutine. */
#include "sims/workload_keys.h"

/* A string's index is read back from its digits. */
uint64_t wl_key_index(const struct sc_map *m, const void *key) {
  union wl_key k;
  uint64_t index = 0;
  const char *text;
  switch (m->key) {
    case SC_KEY_U64: return plat_ld((const uint64_t *)key);
    case SC_KEY_U32: return plat_ld((const uint32_t *)key);
    case SC_KEY_F64: memcpy(&k.f64, key, 8); return (uint64_t)k.f64;
    case SC_KEY_STRING:
      memcpy(&k.text, key, sizeof k.text);
      text = k.text.data;
      for (int64_t i = k.text.len > 4 ? 4 : 0; i < k.text.len; i++)
        index = index * 10 + (uint64_t)(text[i] - '0');
      return index;
  }
  return 0;
}

static void *element(struct wl_go *w, const struct wl_map *m) {
  return m->source->value == SC_ELEM_POINTER ? (void *)&w->roots[WL_ROOT_VALUE] : w->value;
}

/* The element for a key index. A safepoint. */
static void *make_element(struct wl_go *w, const struct wl_map *m, uint64_t index) {
  const struct sc_map *source = m->source;
  void *elem = element(w, m);
  if (source->value == SC_ELEM_POINTER) {
    void *value = wl_new(w, m->value_type);
    w->roots[WL_ROOT_VALUE] = value;
    value_write(value, source->value_bytes, index);
  } else if (source->value != SC_ELEM_UNIT) {
    memset(elem, 0, source->value_bytes);
    value_write(elem, source->value_bytes, index);
  }
  return elem;
}

static void check_element(struct wl_go *w, const struct wl_op *op, void *elem, uint64_t index,
                          const char *text) {
  const struct sc_map *source = op->map->source;
  if (!w->check || source->value == SC_ELEM_UNIT) return;
  uint64_t value = elem_read(source, elem), expected = value_of_index(source->value_bytes, index);
  if (value != expected) wl_violation(w, op, text, value, expected);
}

/* One repetition. key: of this index. */
typedef void kind_fn(struct wl_go *w, const struct wl_op *op, const union wl_key *key,
                     uint64_t index);

static void put_one(struct wl_go *w, const struct wl_op *op, const union wl_key *key,
                    uint64_t index) {
  const struct wl_map *m = op->map;
  void *elem = make_element(w, m, index);
  wl_use_begin(m, true);
  m->kind->put(w->g, m->type, m->map, key, elem);
  wl_use_end(m, true);
}

static void get_one(struct wl_go *w, const struct wl_op *op, const union wl_key *key,
                    uint64_t index) {
  const struct wl_map *m = op->map;
  struct wl_state *st = &w->states[op->state];
  void *elem = element(w, m);
  wl_use_begin(m, false);
  bool is_there = m->kind->get(w->g, m->type, m->map, key, elem);
  wl_use_end(m, false);
  if (!is_there) return;
  st->hits++;
  st->sum += elem_read(m->source, elem);
  check_element(w, op, elem, index, "a key has the wrong value");
}

static void delete_one(struct wl_go *w, const struct wl_op *op, const union wl_key *key,
                       uint64_t index) {
  const struct wl_map *m = op->map;
  (void)index;
  wl_use_begin(m, true);
  m->kind->remove(w->g, m->type, m->map, key);
  wl_use_end(m, true);
}

INLINED void repeat(struct wl_go *w, const struct wl_op *op, kind_fn *one, bool makes_key) {
  const struct sc_map *source = op->map->source;
  struct wl_state *st = &w->states[op->state];
  for (uint64_t left = op->count, n; left > 0; left -= n) {
    n = wl_chunk(left);
    for (uint64_t i = 0; i < n; i++) {
      uint64_t index = sim_keygen_next(&op->keys, &st->keys);
      union wl_key key;
      if (makes_key)
        key_make(w, source, source->key, &key, index);
      else
        key_find(w, source, source->key, &key, index);
      one(w, op, &key, index);
      wl_finish_op(w);
    }
    wl_publish(w, n);
  }
  w->roots[WL_ROOT_KEY] = NULL;
  w->roots[WL_ROOT_VALUE] = NULL;
  st->done += op->count;
}

static void kind_put(struct wl_go *w, const struct wl_op *op) { repeat(w, op, put_one, true); }
static void kind_get(struct wl_go *w, const struct wl_op *op) { repeat(w, op, get_one, false); }
static void kind_delete(struct wl_go *w, const struct wl_op *op) {
  repeat(w, op, delete_one, false);
}

/* An iteration under way. */
struct visits {
  struct wl_go *w;
  const struct wl_op *op;
};

static bool visit(struct go_g *g, const void *key, void *elem, void *arg) {
  const struct visits *v = arg;
  struct wl_go *w = v->w;
  (void)g;
  w->states[v->op->state].hits++;
  if (w->check)
    check_element(w, v->op, elem, wl_key_index(v->op->map->source, key),
                  "iteration met a key with the wrong value");
  wl_step(w);
  return true;
}

static void kind_iterate(struct wl_go *w, const struct wl_op *op) {
  const struct wl_map *m = op->map;
  for (uint64_t i = 0; i < op->count; i++) {
    struct visits v = {w, op};
    wl_use_begin(m, false);
    m->kind->each(w->g, m->type, m->map, visit, &v);
    wl_use_end(m, false);
    wl_finish_op(w);
    wl_publish(w, 1);
  }
  w->states[op->state].done += op->count;
}

static void kind_clear(struct wl_go *w, const struct wl_op *op) {
  for (uint64_t i = 0; i < op->count; i++) {
    wl_use_begin(op->map, true);
    op->map->kind->clear(w->g, op->map->type, op->map->map);
    wl_use_end(op->map, true);
    wl_finish_op(w);
    wl_publish(w, 1);
  }
  w->states[op->state].done += op->count;
}

wl_fn *wl_kind_fn(const struct sc_op *op) {
  switch (op->kind) {
    case SC_OP_MAP_PUT: return kind_put;
    case SC_OP_MAP_GET: return kind_get;
    case SC_OP_MAP_DELETE: return kind_delete;
    case SC_OP_MAP_ITERATE: return kind_iterate;
    case SC_OP_MAP_CLEAR: return kind_clear;
    default: return NULL;
  }
}

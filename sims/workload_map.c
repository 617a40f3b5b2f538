/* Map operations. */
#include <string.h>

#include "sims/workload_int.h"

#define INLINED static inline __attribute__((always_inline))

/* A key as map functions take it. */
union wl_key {
  uint64_t u64;
  uint32_t u32;
  double f64;
  struct map_string text;
};

INLINED void key_number(union wl_key *key, enum sc_key kind, uint64_t index) {
  if (kind == SC_KEY_U64) key->u64 = index;
  if (kind == SC_KEY_U32) key->u32 = (uint32_t)index;
  if (kind == SC_KEY_F64) key->f64 = (double)index;
}

/* A key to look up; its text lies in the goroutine's scratch memory. */
INLINED void key_find(struct wl_go *w, const struct sc_map *m, enum sc_key kind,
                      union wl_key *key, uint64_t index) {
  if (kind != SC_KEY_STRING) {
    key_number(key, kind, index);
    return;
  }
  sim_key_text(w->scratch, m->key_bytes, index);
  key->text = (struct map_string){w->scratch, m->key_bytes};
}

/* A key to put; its text is a new heap object, rooted until the next one. A safepoint. */
INLINED void key_make(struct wl_go *w, const struct sc_map *m, enum sc_key kind,
                      union wl_key *key, uint64_t index) {
  if (kind != SC_KEY_STRING) {
    key_number(key, kind, index);
    return;
  }
  char *text = gc_alloc_bytes(go_mu(w->g), m->key_bytes);
  w->roots[WL_ROOT_KEY] = text;
  sim_key_text(text, m->key_bytes, index);
  key->text = (struct map_string){text, m->key_bytes};
}

/* Values in a bucket (or beside it) need not be aligned to 8 when their size is no multiple. */
INLINED void value_write(void *at, uint32_t bytes, uint64_t value) {
  if (bytes % 8 == 0) {
    plat_st((uint64_t *)at, value);
    return;
  }
  uint32_t used = bytes < 8 ? bytes : 8;
  plat_touch_write(at, used);
  memcpy(at, &value, used);
}

INLINED uint64_t value_read(const void *at, uint32_t bytes) {
  if (bytes % 8 == 0) return plat_ld((const uint64_t *)at);
  uint64_t value = 0;
  uint32_t used = bytes < 8 ? bytes : 8;
  plat_touch_read(at, used);
  memcpy(&value, at, used);
  return value;
}

static uint64_t value_of_index(uint32_t bytes, uint64_t index) {
  return bytes >= 8 ? index : index & ((1ULL << 8 * bytes) - 1);
}

/* What the element holds; 0 for a unit or a pointer not yet stored. */
INLINED uint64_t elem_read(const struct sc_map *m, void *elem) {
  if (m->value == SC_ELEM_UNIT) return 0;
  if (m->value == SC_ELEM_POINTER) {
    elem = gc_load((void **)elem);
    if (elem == NULL) return 0;
  }
  return value_read(elem, m->value_bytes);
}

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
        void *value = gc_alloc(go_mu(g), m->value_type);
        w->roots[WL_ROOT_VALUE] = value;
        value_write(value, source->value_bytes, index);
      }
      union wl_key key;
      key_make(w, source, key_kind, &key, index);
      void *elem = map_assign(g, m->type, m->map, &key);
      if (elem_kind == SC_ELEM_POINTER)
        gc_store(go_mu(g), elem, w->roots[WL_ROOT_VALUE]);
      else if (elem_kind != SC_ELEM_UNIT)
        value_write(elem, source->value_bytes, index);
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
      void *elem = map_get(w->g, m->type, m->map, &key);
      if (elem != NULL) {
        uint64_t value = elem_read(m->source, elem);
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
      map_delete(w->g, m->type, m->map, &key);
      wl_finish_op(w);
    }
    wl_publish(w, n);
  }
  st->done += op->count;
}

/* The index of a key; a string's is read back from its digits. */
static uint64_t key_index(const struct sc_map *m, const void *key) {
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

static void check_entry(struct wl_go *w, const struct wl_op *op, const struct map_iter *it) {
  const struct sc_map *source = op->map->source;
  if (source->value == SC_ELEM_UNIT) return;
  uint64_t value = elem_read(source, it->elem);
  uint64_t expected = value_of_index(source->value_bytes, key_index(source, it->key));
  if (value != expected)
    wl_violation(w, op, "iteration met a key with the wrong value", value, expected);
}

static void iterate_any(struct wl_go *w, const struct wl_op *op) {
  const struct wl_map *m = op->map;
  struct wl_state *st = &w->states[op->state];
  for (uint64_t i = 0; i < op->count; i++) {
    struct map_iter it;
    map_iter_begin(w->g, m->type, m->map, &it);
    for (; it.key != NULL; map_iter_next(w->g, &it)) {
      st->hits++;
      if (w->check) check_entry(w, op, &it);
      wl_step(w);
    }
    map_iter_end(w->g, &it);
    wl_finish_op(w);
    wl_publish(w, 1);
  }
  st->done += op->count;
}

static void clear_any(struct wl_go *w, const struct wl_op *op) {
  for (uint64_t i = 0; i < op->count; i++) {
    map_clear(w->g, op->map->type, op->map->map);
    wl_finish_op(w);
    wl_publish(w, 1);
  }
  w->states[op->state].done += op->count;
}

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

/* The keys and values of map operations. */
#ifndef SIMS_WORKLOAD_KEYS_H
#define SIMS_WORKLOAD_KEYS_H

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
  plat_charge(PLAT_COST_key_text, 1);
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
  wl_pace(w);
  char *text = gc_alloc_bytes(go_mu(w->g), m->key_bytes);
  w->roots[WL_ROOT_KEY] = text;
  plat_charge(PLAT_COST_key_text, 1);
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

INLINED uint64_t value_of_index(uint32_t bytes, uint64_t index) {
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

/* The index of a key of a map. */
uint64_t wl_key_index(const struct sc_map *m, const void *key); /* workload_kind.c */

#endif

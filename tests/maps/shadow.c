#include "shadow.h"

enum { STRING_LENGTHS = 57 };

static PLAT_STATE struct gc_type value_type = {.name = "test.value", .size = 16};

void shadow_init(struct shadow *s, struct go_g *g, const char *who,
                 const struct shadow_shape *shape, uint64_t seed) {
  void **roots = s->roots;
  memset(s, 0, sizeof *s);
  gc_type_register(&value_type);
  s->g = g;
  s->who = who;
  s->shape = shape;
  s->roots = roots;
  s->draws = seed;
}

uint32_t shadow_below(struct shadow *s, uint32_t n) { return rng_fastrandn(&s->draws, n); }

/* ---- keys and values ------------------------------------------------------------------------ */

static uint32_t index_bytes(const struct shadow *s) {
  return s->t->key_bytes < sizeof(uint32_t) ? s->t->key_bytes : sizeof(uint32_t);
}

void shadow_key(struct shadow *s, uint32_t index, union shadow_key *k) {
  memset(k, 0, sizeof *k);
  switch (s->shape->key) {
    case MAP_KEY_U64:
      k->word = index | (uint64_t)(index * 2654435761U) << 32;
      return;
    case MAP_KEY_U32:
      k->word = index;
      return;
    case MAP_KEY_F64:
      k->f64 = index == 0 && shadow_below(s, 2) == 0 ? -0.0 : index * 0.5;
      return;
    case MAP_KEY_BYTES:
      memset(k->bytes, 0x5a, s->t->key_bytes);
      memcpy(k->bytes, &index, index_bytes(s));
      return;
    case MAP_KEY_STRING: {
      int64_t len = 4 + index % STRING_LENGTHS;
      uint8_t *text = s->roots[SHADOW_KEY] = gc_alloc_bytes(go_mu(s->g), (uint64_t)len);
      memset(text, 'x', (size_t)len);
      memcpy(text, &index, sizeof index);
      k->string = (struct map_string){text, len};
      return;
    }
    case MAP_KEY_ANY: /* no scenario has them: sync.Map makes them of the others */
      break;
  }
  CHECK(false, "key kind %d", (int)s->shape->key);
}

uint32_t shadow_index(const struct shadow *s, const void *key) {
  uint32_t index = 0;
  double d;
  if (s->shape->key == MAP_KEY_STRING) return map_load_u32(((const struct map_string *)key)->data);
  if (s->shape->key == MAP_KEY_F64) {
    memcpy(&d, key, sizeof d);
    return (uint32_t)(d * 2);
  }
  memcpy(&index, key, index_bytes(s));
  return index;
}

static uint8_t pattern(uint64_t stamp, uint32_t i) { return (uint8_t)((stamp >> i % 4 * 8) ^ i); }

const void *shadow_value(struct shadow *s, uint8_t *bytes) {
  s->stamp++;
  if (s->shape->elem == MAP_ELEM_POINTER) {
    s->roots[SHADOW_VALUE] = gc_alloc(go_mu(s->g), &value_type);
    memcpy(s->roots[SHADOW_VALUE], &s->stamp, sizeof s->stamp);
    return &s->roots[SHADOW_VALUE];
  }
  for (uint32_t i = 0; i < SHADOW_VALUE_BYTES_MAX; i++) bytes[i] = pattern(s->stamp, i);
  return bytes;
}

void shadow_check(const struct shadow *s, uint32_t index, const void *elem) {
  uint64_t stamp = s->stamps[index];
  if (s->shape->elem == MAP_ELEM_POINTER) {
    const void *value;
    memcpy(&value, elem, sizeof value);
    CHECK(map_load_u64(value) == stamp, SHADOW_WHO(s, index));
    return;
  }
  for (uint32_t i = 0; i < s->shape->elem_bytes; i++)
    CHECK(((const uint8_t *)elem)[i] == pattern(stamp, i), SHADOW_WHO(s, index));
}

/* ---- what is there -------------------------------------------------------------------------- */

void shadow_put(struct shadow *s, uint32_t index) {
  if (s->stamps[index] == 0) {
    s->count++;
    s->seen[index] = SEEN_MAY;
  }
  s->stamps[index] = s->stamp;
}

void shadow_forget(struct shadow *s, uint32_t index) {
  if (s->stamps[index] == 0) return;
  s->count--;
  s->stamps[index] = 0;
  s->seen[index] = SEEN_NEVER;
}

void shadow_clear(struct shadow *s) {
  for (uint32_t i = 0; i < s->indices; i++) shadow_forget(s, i);
}

/* ---- iterating ------------------------------------------------------------------------------ */

void shadow_iterate_begin(struct shadow *s) {
  for (uint32_t i = 0; i < s->indices; i++) s->seen[i] = s->stamps[i] != 0 ? SEEN_MUST : SEEN_NEVER;
}

void shadow_visit(struct shadow *s, uint32_t index) {
  CHECK(index < s->indices && s->stamps[index] != 0, SHADOW_WHO(s, index)); /* deleted */
  CHECK(s->seen[index] != SEEN_DONE, SHADOW_WHO(s, index));                 /* twice */
  s->seen[index] = SEEN_DONE;
}

void shadow_iterate_end(const struct shadow *s) {
  for (uint32_t i = 0; i < s->indices; i++) CHECK(s->seen[i] != SEEN_MUST, SHADOW_WHO(s, i));
}

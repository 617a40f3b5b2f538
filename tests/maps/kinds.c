#include "kinds.h"

enum { TEXT_BYTES = 24 };

static PLAT_STATE struct gc_type object_type = {.name = "test.object", .size = 16};

const struct map_type *kinds_type(const struct shape *shape) {
  gc_type_register(&object_type);
  return map_type_new(shape->key, 0, shape->elem, shape->elem_bytes, TEST_HASH_KEY);
}

void *kinds_create(struct go_g *g, const struct map_kind *kind, const struct map_type *t,
                   int64_t hint) {
  struct map_params params = {.hint = hint, .shards = 8};
  return kind->create(g, t, &params);
}

void kinds_key(struct user *u, uint64_t index, union test_key *key) {
  memset(key, 0, sizeof *key);
  switch (u->shape->key) {
    case MAP_KEY_U64:
      key->word = index | (index * 2654435761U) << 32;
      return;
    case MAP_KEY_U32:
      key->word = index;
      return;
    case MAP_KEY_F64:
      key->f64 = (double)index * 0.5;
      if (index == 0 && u->draws % 2 == 0)
        key->f64 = -0.0;
      return;
    case MAP_KEY_STRING: {
      char *text = u->roots[ROOT_KEY] = gc_alloc_bytes(go_mu(u->g), TEXT_BYTES);
      memset(text, 'k', TEXT_BYTES);
      memcpy(text, &index, sizeof index);
      key->string = (struct map_string){text, TEXT_BYTES};
      return;
    }
    case MAP_KEY_BYTES:
    case MAP_KEY_ANY:
      break;
  }
  CHECK(false, "key kind %d", (int)u->shape->key);
}

uint64_t kinds_key_index(const struct user *u, const void *key) {
  union test_key k = {0};
  switch (u->shape->key) {
    case MAP_KEY_U64:
      return map_load_u64(key) & UINT32_MAX;
    case MAP_KEY_F64:
      memcpy(&k, key, 8);
      return (uint64_t)(k.f64 * 2);
    case MAP_KEY_STRING:
      memcpy(&k, key, sizeof k.string);
      CHECK_U64(k.string.len, TEXT_BYTES);
      return map_load_u64(k.string.data);
    default:
      return map_load_u32(key);
  }
}

uint64_t kinds_stamp(const struct user *u, const void *elem) {
  if (u->shape->elem == MAP_ELEM_POINTER) {
    const void *object;
    memcpy(&object, elem, sizeof object);
    return map_load_u64(object);
  }
  if (u->shape->elem_bytes == 0)
    return UINT64_MAX;
  for (uint32_t i = 8; i < u->shape->elem_bytes; i += 8)
    CHECK_U64(map_load_u64((const char *)elem + i), map_load_u64(elem));
  return map_load_u64(elem);
}

void kinds_put(struct user *u, uint64_t index, uint64_t stamp) {
  union test_key key;
  uint64_t words[VALUE_WORDS];
  void *elem = words;
  kinds_key(u, index, &key);
  for (unsigned i = 0; i < VALUE_WORDS; i++)
    words[i] = stamp;
  if (u->shape->elem == MAP_ELEM_POINTER) {
    u->roots[ROOT_VALUE] = gc_alloc(go_mu(u->g), &object_type);
    memcpy(u->roots[ROOT_VALUE], &stamp, sizeof stamp);
    elem = &u->roots[ROOT_VALUE];
  }
  u->kind->put(u->g, u->t, u->roots[ROOT_MAP], &key, elem);
}

uint64_t kinds_get(struct user *u, uint64_t index) {
  union test_key key;
  uint64_t words[VALUE_WORDS];
  kinds_key(u, index, &key);
  void *out = u->shape->elem == MAP_ELEM_POINTER ? (void *)&u->roots[ROOT_VALUE] : words;
  if (!u->kind->get(u->g, u->t, u->roots[ROOT_MAP], &key, out))
    return 0;
  return kinds_stamp(u, out);
}

bool kinds_remove(struct user *u, uint64_t index) {
  union test_key key;
  kinds_key(u, index, &key);
  return u->kind->remove(u->g, u->t, u->roots[ROOT_MAP], &key);
}

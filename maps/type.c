/* Map types: slot sizes, the specialised path, and the exact pointer map of a bucket. */
#include "gc/sizeclass.h"
#include "maps/kind_layout.h"
#include "runtime/meta.h"

static const uint64_t header_mask = 0x2c; /* buckets, old_buckets, extra */
static const uint64_t extra_mask = 0x7;
static const uint64_t first_word_mask = 0x1;

PLAT_STATE struct map_shared map_shared = {
    .header = {.name = "map", .size = 48, .ptrdata = 48, .mask = &header_mask},
    .extra = {.name = "map.extra", .size = 24, .ptrdata = 24, .mask = &extra_mask},
    .list = {.name = "map.list", .size = 24, .ptrdata = 8, .mask = &first_word_mask},
    .pointer = {.name = "pointer", .size = 8, .ptrdata = 8, .mask = &first_word_mask},
};

static void register_shared(void) {
  gc_type_register(&map_shared.header);
  gc_type_register(&map_shared.extra);
  gc_type_register(&map_shared.list);
  gc_type_register(&map_shared.pointer);
}

static void mark_words(struct map_type *t, uint32_t first, uint32_t stride, uint32_t count) {
  for (uint32_t i = 0; i < count; i++) {
    uint32_t word = first + i * stride;
    t->bucket_mask[word / 64] |= (uint64_t)1 << (word % 64);
  }
}

/* The key's word that is a pointer; -1: none. */
static int key_pointer_word(const struct map_type *t) {
  if (t->key_kind == MAP_KEY_ANY)
    return offsetof(struct map_any, data) / 8;
  return t->indirect_key || t->key_kind == MAP_KEY_STRING ? 0 : -1;
}
static bool key_has_pointers(const struct map_type *t) { return key_pointer_word(t) >= 0; }
static bool elem_has_pointers(const struct map_type *t) {
  return t->indirect_elem || t->elem_kind == MAP_ELEM_POINTER;
}

/* The bucket's gc type: F1.1.3 and F1.1.6. */
static void describe_bucket(struct map_type *t) {
  t->elems_offset = MAP_TOP_BYTES + MAP_CELLS * t->key_slot;
  t->bucket_bytes = t->elems_offset + MAP_CELLS * t->elem_slot + (uint32_t)sizeof(void *);
  t->pointer_free = !key_has_pointers(t) && !elem_has_pointers(t);
  rt_assert(t->bucket_bytes <= MAP_BUCKET_WORDS_MAX * 8);
  t->bucket.name = "map.bucket";
  t->bucket.size = t->bucket_bytes;
  if (!t->pointer_free) {
    if (key_has_pointers(t))
      mark_words(t, MAP_TOP_BYTES / 8 + (uint32_t)key_pointer_word(t), t->key_slot / 8, MAP_CELLS);
    if (elem_has_pointers(t))
      mark_words(t, t->elems_offset / 8, 1, MAP_CELLS);
    mark_words(t, t->bucket_bytes / 8 - 1, 1, 1);
    t->bucket.ptrdata = t->bucket_bytes;
    t->bucket.mask = t->bucket_mask;
  }
  gc_type_register(&t->bucket);
}

/* F1.9.1: by the key's memory, unless the elements are stored as pointers. */
static enum map_path choose_path(const struct map_type *t) {
  if (t->indirect_elem || t->key_kind == MAP_KEY_F64 || t->key_kind == MAP_KEY_ANY)
    return MAP_PATH_GENERIC;
  if (t->key_kind == MAP_KEY_STRING)
    return MAP_PATH_FASTSTR;
  if (t->key_bytes == 4)
    return MAP_PATH_FAST32;
  return t->key_bytes == 8 ? MAP_PATH_FAST64 : MAP_PATH_GENERIC;
}

static uint32_t bytes_of_key(enum map_kind_of_key key, uint32_t key_bytes) {
  switch (key) {
    case MAP_KEY_U64:
    case MAP_KEY_F64:
      return 8;
    case MAP_KEY_U32:
      return 4;
    case MAP_KEY_STRING:
      return sizeof(struct map_string);
    case MAP_KEY_BYTES:
      return key_bytes;
    case MAP_KEY_ANY:
      return sizeof(struct map_any);
  }
  rt_die("map: unknown key kind %d", (int)key);
}

/* A type but for the layout of other designs. */
static struct map_type *type_begin(enum map_kind_of_key key, uint32_t key_bytes,
                                   enum map_kind_of_elem elem, uint32_t elem_bytes,
                                   uint64_t hash_key) {
  register_shared();
  struct map_type *t = rt_meta_alloc(sizeof *t, _Alignof(struct map_type));
  t->counters = rt_meta_alloc(sizeof *t->counters, PLAT_CACHE_LINE);
  t->key_kind = key;
  t->elem_kind = elem;
  t->key_bytes = bytes_of_key(key, key_bytes);
  t->elem_bytes = elem == MAP_ELEM_POINTER ? (uint32_t)sizeof(void *) : elem_bytes;
  t->indirect_key = t->key_bytes > MAP_SLOT_MAX;
  t->indirect_elem = t->elem_bytes > MAP_SLOT_MAX;
  t->key_slot = t->indirect_key ? (uint32_t)sizeof(void *) : t->key_bytes;
  t->elem_slot = t->indirect_elem ? (uint32_t)sizeof(void *) : t->elem_bytes;
  t->reflexive = key != MAP_KEY_F64 && key != MAP_KEY_ANY;
  t->hash_mask = hash_key ^ MAP_HASH_M1;
  t->path = choose_path(t);
  describe_bucket(t);
  return t;
}

const struct map_type *map_type_new(enum map_kind_of_key key, uint32_t key_bytes,
                                    enum map_kind_of_elem elem, uint32_t elem_bytes,
                                    uint64_t hash_key) {
  rt_assert(key != MAP_KEY_ANY);
  struct map_type *t = type_begin(key, key_bytes, elem, elem_bytes, hash_key);
  map_layout_make(t);
  return t;
}

const struct map_type *map_type_any(const struct map_type *keys) {
  struct map_type *t =
      type_begin(MAP_KEY_ANY, 0, MAP_ELEM_POINTER, 0, keys->hash_mask ^ MAP_HASH_M1);
  t->boxed = keys;
  return t;
}

uint32_t map_type_bucket_bytes(const struct map_type *t) { return t->bucket_bytes; }

uint64_t map_type_hash_key(const struct map_type *t) { return t->hash_mask ^ MAP_HASH_M1; }

void map_type_set_faults(const struct map_type *t, uint64_t faults) {
  ((struct map_type *)(uintptr_t)t)->faults = faults;
}

const struct map_counters *map_type_counters(const struct map_type *t) { return t->counters; }

uint64_t map_array_count(const struct map_type *t, uint8_t B) {
  uint64_t base = (uint64_t)1 << B;
  if (B < 4)
    return base;
  uint64_t wanted = base + ((uint64_t)1 << (B - 4));
  uint64_t bytes = wanted * t->bucket_bytes;
  uint64_t rounded = gc_round_up_bytes(bytes);
  return rounded == bytes ? wanted : rounded / t->bucket_bytes;
}

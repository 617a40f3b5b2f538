/* Go's bucketed map (F1) on the runtime heap. Not safe for concurrent use; concurrent writes are
 * detected as Go detects them (best effort, then rt_fatal with Go's text). */
#ifndef MAPS_MAP_H
#define MAPS_MAP_H

#include "sched/go.h"

/* MAP_KEY_ANY: an interface, struct map_any; its types are made by map_type_any(). */
enum map_kind_of_key {
  MAP_KEY_U64, MAP_KEY_U32, MAP_KEY_STRING, MAP_KEY_F64, MAP_KEY_BYTES, MAP_KEY_ANY
};
enum map_kind_of_elem { MAP_ELEM_BYTES, MAP_ELEM_POINTER };

/* A string key or value as it lies in memory. data may be a heap object. */
struct map_string { const void *data; int64_t len; };

/* A key of one known type in an interface (Go's any): a type word, and where the value lies, which
 * may be a heap object and never changes. */
struct map_any { uint64_t type; const void *data; };

/* A map type: key and element kinds and everything derived from them (bucket size, flags, the
 * bucket's gc_type, which specialised paths apply). Build once per kind, then immutable. */
struct map_type;
/* key_bytes matters for MAP_KEY_BYTES only; elem_bytes for MAP_ELEM_BYTES (0 = struct{}).
 * hash_key is hashkey[0] (F1.10.2). Never fails; lives for ever. */
const struct map_type *map_type_new(enum map_kind_of_key key, uint32_t key_bytes,
                                    enum map_kind_of_elem elem, uint32_t elem_bytes,
                                    uint64_t hash_key);
/* The type of Go's map[any]*T whose keys hold the keys of another type. Lives for ever. */
const struct map_type *map_type_any(const struct map_type *keys);
uint32_t map_type_bucket_bytes(const struct map_type *t);
uint64_t map_type_hash_key(const struct map_type *t);

struct map; /* the hmap, a heap object; the caller keeps it rooted */

/* Draws hash0 from g's P. hint < 0 acts as 0 (F1.2.4). A safepoint. */
struct map *map_new(struct go_g *g, const struct map_type *t, int64_t hint);
/* The seed of its hash now. */
uint32_t map_seed(const struct map *m);
/* Overwrites the seed of an empty map (tests, reproducible runs). */
void map_set_seed(struct map *m, uint32_t hash0);

/* Pointer to the element, or NULL. key points to the key value; valid until the next operation. */
void *map_get(struct go_g *g, const struct map_type *t, struct map *m, const void *key);
/* Pointer to the element slot of key, inserted if absent; the caller stores the element (gc_store
 * for MAP_ELEM_POINTER). A safepoint: key's own pointers must be rooted. */
void *map_assign(struct go_g *g, const struct map_type *t, struct map *m, const void *key);
/* A safepoint: it may finish a piece of growth. */
void map_delete(struct go_g *g, const struct map_type *t, struct map *m, const void *key);
void map_clear(struct go_g *g, const struct map_type *t, struct map *m);
int64_t map_count(const struct map *m);

/* Iteration (F1.8):
 *   for (map_iter_begin(g, t, m, &it); it.key != NULL; map_iter_next(g, &it)) ...
 *   map_iter_end(g, &it);
 * begin is a safepoint, next is not. The iterator holds heap pointers, so it lives in a frame of
 * its own: scopes opened after begin close before end. The map may be changed meanwhile, but key
 * and elem are then to be read before the change. */
struct map_iter;
enum { MAP_ITER_ROOTS = 8 };
struct map_iter {
  void *roots[MAP_ITER_ROOTS]; /* root slots, pushed by map_iter_begin */
  struct gc_frame frame;
  const struct map_type *type;
  void *key, *elem;            /* current entry; key == NULL: the end */
  uint64_t start_bucket, bucket, check_bucket;
  uint8_t offset, wrapped, i, B;
};
void map_iter_begin(struct go_g *g, const struct map_type *t, struct map *m, struct map_iter *it);
void map_iter_next(struct go_g *g, struct map_iter *it);
void map_iter_end(struct go_g *g, struct map_iter *it);  /* innermost frame again: pop */

struct map_stats {
  int64_t count;
  uint8_t B;
  uint32_t noverflow;           /* the map's own (estimated for B >= 16) counter */
  uint64_t growths, same_size_growths;
  uint64_t overflow_allocated;  /* overflow buckets ever taken, pre-allocated ones included */
  uint64_t overflow_preallocated; /* of those, taken from the pre-allocated spares */
  uint64_t evacuated_buckets;
  bool growing;
  uint64_t nevacuate;
};
/* Lifetime counters are kept per map type, so a named map of a scenario has a type of its own (the
 * 48 bytes of a map header are Go's and hold none). t must not be in use yet. */
struct map_counters {
  struct at_u64 growths, same_size_growths;
  struct at_u64 overflow_allocated, overflow_preallocated, evacuated_buckets;
};
/* Puts faults of maps/faults.h, a bit each, into every map of this type. t must not be in use. */
void map_type_set_faults(const struct map_type *t, uint64_t faults);
const struct map_counters *map_type_counters(const struct map_type *t);
void map_stats_read(const struct map_type *t, const struct map *m, struct map_stats *out);

/* Structural check (every key once, count right, nothing readable lost); false and *why set. */
bool map_check(struct go_g *g, const struct map_type *t, struct map *m, const char **why);

#endif

/* The table behind maps/map.h: layout, cell states, and the pieces every path shares.
 *
 * INV map.tophash: a cell of a readable chain holds a key iff its tophash is >= MAP_TOP_MIN, and
 * then the tophash is that of the key's hash (a NaN's: of some hash it had).
 * Holds:      for every map outside an operation.
 * Kept by:    map_assign (fills a cell), map_delete (empties it), evacuation (copies it).
 * Broken by:  two writers at once; the flags usually catch them first.
 * Checked by: map_check().  Mutants: tests/maps/test_map_check.c.
 *
 * INV map.rest: after a cell that is MAP_EMPTY_REST, every later cell of its chain is too.
 * Holds:      for every readable chain outside an operation.
 * Kept by:    first-fit insertion; the back-propagation in map_cell_delete().
 * Checked by: map_check().
 *
 * INV map.one-place: while the map grows, a key is in an old chain that is not evacuated or in a
 * new chain, never in both; new chains of an unevacuated old chain are empty.
 * Holds:      outside an operation.
 * Kept by:    map_grow_work() before every search of a writer.
 * Checked by: map_check().
 *
 * INV map.overflow-list: every overflow bucket of a pointer-free map's readable chains is in
 * extra->overflow (new chains) or extra->old_overflow (old chains), because the collector does not
 * look into such buckets.
 * Holds:      at every safepoint, but for a bucket rooted by map_overflow_new().
 * Kept by:    map_overflow_new(), map_grow_begin().
 * Checked by: map_check().
 */
#ifndef MAPS_MAP_INT_H
#define MAPS_MAP_INT_H

#include "maps/faults.h"
#include "maps/hash.h"
#include "maps/map.h"

#define MAP_INLINE static inline __attribute__((always_inline))

enum {
  MAP_CELLS = 8,
  MAP_TOP_BYTES = 8,      /* the tophash bytes before the keys */
  MAP_SLOT_MAX = 128,     /* larger keys and elements are stored as pointers */
  MAP_BUCKET_WORDS_MAX = (MAP_TOP_BYTES + 2 * MAP_CELLS * MAP_SLOT_MAX + 8) / 8
};

/* Values of a tophash cell (F1.1.8); MAP_TOP_MIN and above: occupied. */
enum {
  MAP_EMPTY_REST = 0,
  MAP_EMPTY_ONE = 1,
  MAP_EVACUATED_X = 2,
  MAP_EVACUATED_Y = 3,
  MAP_EVACUATED_EMPTY = 4,
  MAP_TOP_MIN = 5
};

/* Bits of map.flags (F1.1.7). */
enum { MAP_ITERATOR = 1, MAP_OLD_ITERATOR = 2, MAP_WRITING = 4, MAP_SAME_SIZE = 8 };

/* Which code serves a type (F1.9.1). */
enum map_path { MAP_PATH_GENERIC, MAP_PATH_FAST32, MAP_PATH_FAST64, MAP_PATH_FASTSTR };

struct map_bucket {
  union {
    uint8_t top[MAP_CELLS];
    uint64_t tops; /* the same bytes, cell 0 lowest */
  };
  char slots[]; /* 8 keys, 8 elements, the overflow pointer */
};

/* Keeps the overflow buckets of a pointer-free map alive: a slice of bucket pointers. */
struct map_list {
  void *data; /* void *[cap] */
  int64_t len, cap;
};

struct map_extra {
  void *overflow, *old_overflow; /* struct map_list *; NULL in maps with pointers */
  void *next_overflow;           /* next unused pre-allocated overflow bucket */
};

/* Fields in Go's order. Written by the one goroutine that writes the map; the flags also by
 * iterators. */
struct map {
  int64_t count;
  struct at_u8 flags;
  uint8_t B;           /* 2^B buckets */
  uint16_t noverflow;  /* overflow buckets made since the last growth; an estimate for B >= 16 */
  uint32_t hash0;
  void *buckets;       /* NULL until the first insert when B == 0 */
  void *old_buckets;   /* not NULL exactly while growing */
  uint64_t nevacuate;  /* old buckets below this index are evacuated */
  void *extra;         /* struct map_extra *, or NULL */
};

_Static_assert(sizeof(struct map) == 48, "Go's hmap");
_Static_assert(sizeof(struct map_extra) == 24, "Go's mapextra");
_Static_assert(sizeof(struct map_list) == 24, "Go's slice header");
_Static_assert(sizeof(struct map_bucket) == MAP_TOP_BYTES, "tophash bytes only");

struct map_type {
  enum map_path path;
  enum map_kind_of_key key_kind;
  enum map_kind_of_elem elem_kind;
  bool indirect_key, indirect_elem; /* the slot holds a pointer to the value */
  bool reflexive;                   /* k == k for every key */
  bool pointer_free;                /* the collector does not look into buckets */
  uint32_t key_bytes, elem_bytes;   /* of the values */
  uint32_t key_slot, elem_slot;     /* of the slots */
  uint32_t elems_offset;            /* of element 0 in a bucket */
  uint32_t bucket_bytes;
  uint64_t hash_mask;               /* hashkey[0] ^ MAP_HASH_M1 */
  const struct map_type *boxed;     /* MAP_KEY_ANY: whose keys lie in the interfaces */
  struct gc_type bucket;
  uint64_t bucket_mask[(MAP_BUCKET_WORDS_MAX + 63) / 64];
  struct map_counters *counters;
  struct map_layout *layout;        /* objects of the designs without buckets; kind_layout.h */
  uint64_t faults;                  /* bits of maps/faults.h */
};

/* The gc types every map uses. */
struct map_shared {
  struct gc_type header, extra, list, pointer;
};
extern PLAT_STATE struct map_shared map_shared;

/* ---- places in a bucket --------------------------------------------------------------------- */

MAP_INLINE struct map_bucket *map_bucket_at(const struct map_type *t, void *base, uint64_t index) {
  return (struct map_bucket *)((char *)base + index * t->bucket_bytes);
}
MAP_INLINE void *map_key_slot(const struct map_type *t, struct map_bucket *b, unsigned cell) {
  return b->slots + (size_t)cell * t->key_slot;
}
MAP_INLINE void *map_elem_slot(const struct map_type *t, struct map_bucket *b, unsigned cell) {
  return (char *)b + t->elems_offset + (size_t)cell * t->elem_slot;
}
MAP_INLINE void **map_overflow_slot(const struct map_type *t, struct map_bucket *b) {
  return (void **)((char *)b + t->bucket_bytes - sizeof(void *));
}
MAP_INLINE struct map_bucket *map_overflow(const struct map_type *t, struct map_bucket *b) {
  return gc_load(map_overflow_slot(t, b));
}

/* ---- faults ---------------------------------------------------------------------------------- */

/* Asked on slow paths only. */
MAP_INLINE bool map_has_fault(const struct map_type *t, enum map_fault fault) {
  return plat_unlikely((t->faults & map_fault_bit(fault)) != 0);
}
/* Records a pointer store for the marker, unless the fault is on. */
void map_barrier_slow(struct go_g *g, const struct map_type *t, enum map_fault fault, void **slot,
                      void *value);
/* gc_store(), without barrier when the fault is on: asked only while there is a barrier. */
MAP_INLINE void map_store(struct go_g *g, const struct map_type *t, enum map_fault fault,
                          void *slot, void *value) {
  if (plat_unlikely(at_u32_load_relaxed(&gc_flags.barrier_on) != 0))
    map_barrier_slow(g, t, fault, slot, value);
  plat_slot_store(slot, value);
}

/* ---- tophash cells, eight at a time --------------------------------------------------------- */

static const uint64_t MAP_LANE_LOW = 0x0101010101010101ULL;
static const uint64_t MAP_LANE_HIGH = 0x8080808080808080ULL;

/* One bit per lane whose high bit is set: lane i becomes bit i. */
MAP_INLINE unsigned map_lanes(uint64_t high_bits) {
  return (unsigned)((high_bits >> 7) * 0x0102040810204080ULL >> 56);
}
/* Cells holding anything but empty. */
MAP_INLINE unsigned map_tops_used(uint64_t tops) {
  return map_lanes((((tops & ~MAP_LANE_HIGH) + 0x7e7e7e7e7e7e7e7eULL) | tops) & MAP_LANE_HIGH);
}
/* Cells equal to top. */
MAP_INLINE unsigned map_tops_equal(uint64_t tops, uint8_t top) {
  uint64_t x = tops ^ top * MAP_LANE_LOW;
  return map_lanes(~(((x & ~MAP_LANE_HIGH) + ~MAP_LANE_HIGH) | x | ~MAP_LANE_HIGH));
}
/* Cells before the first MAP_EMPTY_REST; all eight if there is none. */
MAP_INLINE unsigned map_tops_before_rest(uint64_t tops) {
  uint64_t zero = (tops - MAP_LANE_LOW) & ~tops & MAP_LANE_HIGH; /* lowest bit is exact */
  return zero == 0 ? 0xff : (1U << (__builtin_ctzll(zero) >> 3)) - 1;
}

MAP_INLINE uint8_t map_tophash(uint64_t hash) {
  uint8_t top = (uint8_t)(hash >> 56);
  return top < MAP_TOP_MIN ? (uint8_t)(top + MAP_TOP_MIN) : top;
}
MAP_INLINE bool map_cell_is_empty(uint8_t top) { return top <= MAP_EMPTY_ONE; }
/* Whether the chain of this head bucket has been moved (F1.1.9). */
MAP_INLINE bool map_is_evacuated(const struct map_bucket *head) {
  uint8_t top = plat_ld(&head->top[0]);
  return top > MAP_EMPTY_ONE && top < MAP_TOP_MIN;
}

/* ---- table-wide ----------------------------------------------------------------------------- */

MAP_INLINE uint64_t map_mask(uint8_t B) { return ((uint64_t)1 << (B & 63)) - 1; }
MAP_INLINE uint8_t map_flags(const struct map *m) { return at_u8_load_relaxed(&m->flags); }
MAP_INLINE bool map_is_growing(struct map *m) { return gc_load(&m->old_buckets) != NULL; }
/* Buckets of the old array. */
MAP_INLINE uint64_t map_old_count(struct map *m) {
  uint8_t B = plat_ld(&m->B);
  if ((map_flags(m) & MAP_SAME_SIZE) == 0)
    B--;
  return (uint64_t)1 << (B & 63);
}
/* F1.2.1 */
MAP_INLINE bool map_over_load(uint64_t count, uint8_t B) {
  return count > MAP_CELLS && count > 13 * (((uint64_t)1 << (B & 63)) / 2);
}
/* F1.2.2 */
MAP_INLINE bool map_too_many_overflow(uint16_t noverflow, uint8_t B) {
  return noverflow >= 1U << (B > 15 ? 15 : B);
}

/* Spare and main buckets of an array of 2^B (F1.2.6). */
uint64_t map_array_count(const struct map_type *t, uint8_t B);
/* Old buckets evacuated so far in the growth under way. */
uint64_t map_evacuated_count(const struct map_type *t, struct map *m);

/* ---- writers and readers announce themselves (F1.3.6; plain stores, best effort) ------------ */

_Noreturn void map_die_writes(void);
_Noreturn void map_die_read(void);

MAP_INLINE void map_write_test(const struct map *m) {
  if (plat_unlikely((map_flags(m) & MAP_WRITING) != 0))
    map_die_writes();
}
MAP_INLINE void map_write_begin(struct map *m) {
  at_u8_store_relaxed(&m->flags, map_flags(m) ^ MAP_WRITING);
}
MAP_INLINE void map_write_end(struct map *m) {
  uint8_t flags = map_flags(m);
  if (plat_unlikely((flags & MAP_WRITING) == 0))
    map_die_writes();
  at_u8_store_relaxed(&m->flags, flags & (uint8_t)~MAP_WRITING);
}
MAP_INLINE void map_read_test(const struct map *m) {
  if (plat_unlikely((map_flags(m) & MAP_WRITING) != 0))
    map_die_read();
}

/* ---- keys ----------------------------------------------------------------------------------- */

/* The pointer word of an interface in a heap object. */
MAP_INLINE void **map_any_data(void *any) {
  return (void **)((char *)any + offsetof(struct map_any, data));
}
/* Whether an equal key is stored again over the one there (F1.1.5). */
MAP_INLINE bool map_key_is_updated(const struct map_type *t) {
  return t->key_kind == MAP_KEY_F64 || t->key_kind == MAP_KEY_STRING ||
         t->key_kind == MAP_KEY_ANY;
}
/* Hash of a key of any kind with the map's seed. */
uint64_t map_hash_key(struct go_g *g, const struct map_type *t, const void *key, uint32_t seed);
/* a == b as Go's == says: -0 equals 0, NaN equals nothing. */
bool map_key_equal(const struct map_type *t, const void *a, const void *b);

/* Where the key value of a cell lies. */
MAP_INLINE void *map_key_value(const struct map_type *t, void *slot) {
  return t->indirect_key ? gc_load(slot) : slot;
}
MAP_INLINE void *map_elem_value(const struct map_type *t, void *slot) {
  return t->indirect_elem ? gc_load(slot) : slot;
}

MAP_INLINE uint64_t map_load_u64(const void *p) {
  uint64_t v;
  memcpy(&v, p, sizeof v);
  return v;
}
MAP_INLINE uint32_t map_load_u32(const void *p) {
  uint32_t v;
  memcpy(&v, p, sizeof v);
  return v;
}

MAP_INLINE bool map_string_equal(const void *a, const void *b, int64_t len) {
  if (a == b || len == 0)
    return true;
  plat_touch_read(a, (size_t)len);
  plat_touch_read(b, (size_t)len);
  return memcmp(a, b, (size_t)len) == 0;
}

/* A probe of a bucket, a group or a node, wherever it lies. */
MAP_INLINE void map_probe(const void *bucket) {
  plat_charge(PLAT_COST_map_probe, 1);
  plat_cache_need(bucket);
}

/* ---- cells ---------------------------------------------------------------------------------- */

/* A cell: found by a search, or free for an insertion. */
struct map_cell {
  struct map_bucket *bucket; /* NULL: none */
  unsigned cell;
};

/* The chain a reader of this hash searches (F1.4.3). */
MAP_INLINE struct map_bucket *map_read_chain(const struct map_type *t, struct map *m,
                                             uint64_t hash) {
  uint64_t mask = map_mask(plat_ld(&m->B));
  struct map_bucket *b = map_bucket_at(t, gc_load(&m->buckets), hash & mask);
  void *old_buckets = gc_load(&m->old_buckets);
  if (plat_unlikely(old_buckets != NULL)) {
    if ((map_flags(m) & MAP_SAME_SIZE) == 0)
      mask >>= 1;
    struct map_bucket *old = map_bucket_at(t, old_buckets, hash & mask);
    if (!map_is_evacuated(old))
      b = old;
  }
  return b;
}

/* The cell of key in the chain at b, by tophash and key; stops at MAP_EMPTY_REST. */
struct map_cell map_chain_find(const struct map_type *t, struct map_bucket *b, uint8_t top,
                               const void *key);

/* Takes or allocates an overflow bucket and links it after b (F1.2.7). A safepoint: b is kept
 * alive, anything else the caller needs must be rooted or reachable. */
struct map_bucket *map_overflow_new(struct go_g *g, const struct map_type *t, struct map *m,
                                    struct map_bucket *b);
/* Makes extra, and its overflow list for a pointer-free map, if missing. A safepoint. */
void map_extra_ensure(struct go_g *g, const struct map_type *t, struct map *m);
/* 2^B zeroed buckets and the spares; *spare: the first of them, NULL if none. A safepoint. The
 * array is not yet rooted. */
void *map_array_new(struct go_g *g, const struct map_type *t, uint8_t B, void **spare);
/* The first bucket of a map that has none. A safepoint. */
void map_first_bucket(struct go_g *g, const struct map_type *t, struct map *m);

/* The cell of key in the chain at b, true; or false and the first free cell (bucket NULL: none) and
 * the last bucket seen. F1.3.2. */
bool map_chain_place(const struct map_type *t, struct map_bucket *b, uint8_t top, const void *key,
                     struct map_cell *c, struct map_bucket **last);
/* Fills the free cell c with key; allocates what an indirect key or element points to. A
 * safepoint. */
void map_cell_fill(struct go_g *g, const struct map_type *t, struct map_cell c, uint8_t top,
                   const void *key);
/* Writes an inline key into its slot, with the barrier where it holds a pointer. */
void map_key_write(struct go_g *g, const struct map_type *t, void *slot, const void *key);
/* Clears a key slot that holds a pointer; others stay behind as garbage. */
void map_key_clear(struct go_g *g, const struct map_type *t, void *slot);
/* Empties the element and the cell c of the chain at head (F1.5.2, F1.5.3); the key slot is the
 * caller's business. */
void map_cell_empty(struct go_g *g, const struct map_type *t, struct map_bucket *head,
                    struct map_cell c);
/* The same, and counts it out (F1.5.4). */
void map_cell_delete(struct go_g *g, const struct map_type *t, struct map *m,
                     struct map_bucket *head, struct map_cell c);

/* ---- growth --------------------------------------------------------------------------------- */

/* F1.3.3: whether a new key must wait for a growth. */
MAP_INLINE bool map_must_grow(struct map *m) {
  uint8_t B = plat_ld(&m->B);
  return !map_is_growing(m) && (map_over_load((uint64_t)plat_ld(&m->count) + 1, B) ||
                                map_too_many_overflow(plat_ld(&m->noverflow), B));
}
/* Begins a doubling or a same-size growth (F1.6.1). A safepoint. */
void map_grow_begin(struct go_g *g, const struct map_type *t, struct map *m);
/* Evacuates the old chain of this bucket and one more (F1.6.3); the chain to write in. A
 * safepoint. */
struct map_bucket *map_grow_work(struct go_g *g, const struct map_type *t, struct map *m,
                                 uint64_t bucket);
/* The chain a writer of this bucket uses; first does its share of a growth. A safepoint then. */
MAP_INLINE struct map_bucket *map_write_chain(struct go_g *g, const struct map_type *t,
                                              struct map *m, uint64_t bucket) {
  if (plat_unlikely(map_is_growing(m)))
    return map_grow_work(g, t, m, bucket);
  return map_bucket_at(t, gc_load(&m->buckets), bucket);
}

/* ---- the specialised paths ------------------------------------------------------------------ */

void *map_get_fast32(struct go_g *g, const struct map_type *t, struct map *m, uint32_t key);
void *map_get_fast64(struct go_g *g, const struct map_type *t, struct map *m, uint64_t key);
void *map_get_faststr(struct go_g *g, const struct map_type *t, struct map *m,
                      struct map_string key);
void *map_assign_fast32(struct go_g *g, const struct map_type *t, struct map *m, uint32_t key);
void *map_assign_fast64(struct go_g *g, const struct map_type *t, struct map *m, uint64_t key);
void *map_assign_faststr(struct go_g *g, const struct map_type *t, struct map *m,
                         struct map_string key);
void map_delete_fast32(struct go_g *g, const struct map_type *t, struct map *m, uint32_t key);
void map_delete_fast64(struct go_g *g, const struct map_type *t, struct map *m, uint64_t key);
void map_delete_faststr(struct go_g *g, const struct map_type *t, struct map *m,
                        struct map_string key);

#endif

/* The heap objects of the designs that do not use Go's buckets, derived from a map type.
 *
 * A pair is one key slot and one element slot as in Go's struct{key; elem}; keys and elements of
 * more than MAP_SLOT_MAX bytes are stored as pointers there, as in Go's buckets.
 */
#ifndef MAPS_KIND_LAYOUT_H
#define MAPS_KIND_LAYOUT_H

#include "maps/kind_int.h"

enum {
  MAP_PAIR_BYTES_MAX = 2 * MAP_SLOT_MAX,
  MAP_GROUP_SLOTS = 8,
  MAP_GROUP_CONTROL_BYTES = 8,
  MAP_GROUP_WORDS_MAX = (MAP_GROUP_CONTROL_BYTES + MAP_GROUP_SLOTS * MAP_PAIR_BYTES_MAX) / 8
};

/* A hint whose entries would need more than this counts as none. */
static const uint64_t MAP_HINT_BYTES_MAX = (uint64_t)1 << 48;

/* An entry of a chained table; a pair follows. */
struct map_node {
  void *next;
  uint32_t hash;
  uint8_t is_tree; /* struct map_node_links follow the pair */
  uint8_t red;     /* tree nodes only */
  uint16_t unused;
  char pair[];
};

/* What a tree node has more. */
struct map_node_links {
  void *parent, *child[2];
  void *prev; /* the tree's nodes are also a list, in an order of their own */
};

/* Lifetime counters of the type's swiss maps, whose 48-byte header holds none. */
struct map_swiss_counters {
  struct at_u64 growths, splits;
};

struct map_layout {
  uint32_t elem_offset, pair_bytes; /* the key is at 0 of a pair */
  uint32_t links_offset;            /* in a tree node */
  struct gc_type node, tree_node;   /* struct map_node without and with links */
  struct gc_type group;             /* swiss: a control word and MAP_GROUP_SLOTS pairs */
  uint64_t node_mask, tree_mask;
  uint64_t group_mask[(MAP_GROUP_WORDS_MAX + 63) / 64];
  const struct map_type *entries;   /* syncmap: Go's map[any]*entry */
  struct map_swiss_counters swiss;
};

/* Fills t->layout, when everything else in *t is done. */
void map_layout_make(struct map_type *t);

MAP_INLINE void *map_pair_elem(const struct map_type *t, void *pair) {
  return (char *)pair + t->layout->elem_offset;
}
/* Values behind the slots of a pair. */
MAP_INLINE void *map_pair_key_value(const struct map_type *t, void *pair) {
  return map_key_value(t, pair);
}
MAP_INLINE void *map_pair_elem_value(const struct map_type *t, void *pair) {
  return map_elem_value(t, map_pair_elem(t, pair));
}

/* Writes key and elem into an unused pair of the heap object holder, which it keeps alive. A
 * safepoint if one of them is stored as a pointer. */
void map_pair_fill(struct go_g *g, const struct map_type *t, void *holder, void *pair,
                   const void *key, const void *elem);
/* Stores a key that equals the one there: the sign of a zero, the bytes of a string. */
void map_pair_rekey(struct go_g *g, const struct map_type *t, void *pair, const void *key);
/* Copies the slots of a pair: both name the same stored values afterwards. */
void map_pair_move(struct go_g *g, const struct map_type *t, void *to, void *from);
/* Clears the element and the pointers of the key. */
void map_pair_clear(struct go_g *g, const struct map_type *t, void *pair);

#endif

/* The chained table with tree bins. Private to the design and its tests.
 *
 * INV java8.bin: an entry is in the bin its spread hash names under the current number of bins,
 * linked once; the nodes of a bin are either all plain or all tree nodes.
 * Holds:      for every bin outside an operation.
 * Kept by:    entry_append(), entry_unlink(), bin_split().
 * Checked by: map_java8_check().  Mutants: tests/maps/test_java8.c.
 *
 * INV java8.tree: the nodes of a tree bin form a red-black tree ordered by hash, then key; its root
 * is the first of their list. (Only NaNs may be equal in that order.)
 * Holds:      for every tree bin outside an operation.
 * Kept by:    map_tree_insert(), map_tree_remove(), map_tree_build().
 * Checked by: map_java8_check().
 */
#ifndef MAPS_KIND_JAVA8_H
#define MAPS_KIND_JAVA8_H

#include "maps/kind_layout.h"

enum {
  MAP_JAVA8_BINS_MIN = 16,   /* of a table made without a hint */
  MAP_JAVA8_TREEIFY = 8,     /* a bin with so many entries turns into a tree when one is added */
  MAP_JAVA8_TREE_BINS = 64,  /* a smaller table doubles instead */
  MAP_JAVA8_UNTREEIFY = 6    /* a half of a split tree with at most so many is a chain again */
};

struct map_java8 {
  void *table;               /* struct map_node *[bins]; NULL before the first entry */
  int64_t count;
  uint64_t bins;             /* a power of two; of the table to be made while there is none */
  uint64_t threshold;        /* 0.75 * bins: more entries double it */
  uint64_t changes;          /* insertions and removals */
  uint64_t clears, growths, treeified, untreeified;
  uint32_t seed, unused;
};

MAP_INLINE struct map_node_links *map_node_links(const struct map_type *t, struct map_node *n) {
  return (struct map_node_links *)((char *)n + t->layout->links_offset);
}
MAP_INLINE struct map_node *map_node_next(struct map_node *n) { return gc_load(&n->next); }
MAP_INLINE struct map_node *map_node_child(const struct map_type *t, struct map_node *n, int i) {
  return gc_load(&map_node_links(t, n)->child[i]);
}
MAP_INLINE struct map_node *map_node_parent(const struct map_type *t, struct map_node *n) {
  return gc_load(&map_node_links(t, n)->parent);
}
MAP_INLINE void *map_node_key(const struct map_type *t, struct map_node *n) {
  return map_pair_key_value(t, n->pair);
}

/* The 32-bit hash with its upper half spread down. */
MAP_INLINE uint32_t map_java8_spread(uint64_t hash) {
  uint32_t h = (uint32_t)(hash ^ hash >> 32);
  return h ^ h >> 16;
}
uint32_t map_java8_hash(struct go_g *g, const struct map_type *t, struct map_java8 *m,
                        const void *key);

/* ---- tree bins (kind_java8_tree.c); none is a safepoint ------------------------------------- */

/* The order of a tree: < 0, 0, > 0. */
int map_tree_compare(const struct map_type *t, struct map_node *n, uint32_t hash, const void *key);
struct map_node *map_tree_find(const struct map_type *t, struct map_node *root, uint32_t hash,
                               const void *key);
/* Adds a fresh tree node behind its parent in the list of the bin whose first node *bin names. */
void map_tree_insert(struct go_g *g, const struct map_type *t, void **bin, struct map_node *n);
/* Unlinks n from tree and list. */
void map_tree_remove(struct go_g *g, const struct map_type *t, void **bin, struct map_node *n);
/* Makes a tree of the list of tree nodes at *bin. */
void map_tree_build(struct go_g *g, const struct map_type *t, void **bin);
/* Whether a tree is so small that removing from it should make it a chain. */
bool map_tree_is_small(const struct map_type *t, struct map_node *root);

bool map_java8_check(struct go_g *g, const struct map_type *t, void *map, const char **why);

#endif

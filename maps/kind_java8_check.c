/* The structural check of the chained table. Nothing here is a safepoint. */
#include "maps/kind_java8.h"

struct checker {
  struct go_g *g;
  const struct map_type *t;
  struct map_java8 *m;
  const char *why;
  uint64_t live;
};

static bool fail(struct checker *c, const char *why) {
  if (c->why == NULL)
    c->why = why;
  return false;
}

/* The node of key that a reader finds in the bin. */
static struct map_node *reader_finds(struct checker *c, struct map_node *first, uint32_t hash,
                                     const void *key) {
  if (first->is_tree != 0)
    return map_tree_find(c->t, first, hash, key);
  struct map_node *n = first;
  while (n != NULL && !(n->hash == hash && map_key_equal(c->t, key, map_node_key(c->t, n))))
    n = map_node_next(n);
  return n;
}

static bool check_entry(struct checker *c, uint64_t bin, struct map_node *first,
                        struct map_node *n) {
  const void *key = map_node_key(c->t, n);
  if (key == NULL || map_pair_elem_value(c->t, n->pair) == NULL)
    return fail(c, "a node has no stored key or element");
  if ((n->hash & (c->m->bins - 1)) != bin)
    return fail(c, "a node is not in the bin of its hash");
  if (!map_key_equal(c->t, key, key))
    return true; /* a NaN: its hash is not known any more */
  if (map_java8_hash(c->g, c->t, c->m, key) != n->hash)
    return fail(c, "a node's hash is not that of its key");
  struct map_node *found = reader_finds(c, first, n->hash, key);
  if (found != n)
    return fail(c, found == NULL ? "a reader does not find a key" : "a key is there twice");
  return true;
}

/* The subtree at n (may be NULL): its black height, -1 for a fault; *nodes is counted up. */
static int check_subtree(struct checker *c, struct map_node *n, uint64_t *nodes, int depth) {
  if (n == NULL)
    return 0;
  if (depth > 128 || n->is_tree == 0) {
    fail(c, "a tree is linked wrongly");
    return -1;
  }
  *nodes += 1;
  int height[2];
  for (int side = 0; side < 2; side++) {
    struct map_node *below = map_node_child(c->t, n, side);
    height[side] = check_subtree(c, below, nodes, depth + 1);
    if (height[side] < 0)
      return -1;
    if (below == NULL)
      continue;
    int order = map_tree_compare(c->t, n, below->hash, map_node_key(c->t, below));
    if (map_node_parent(c->t, below) != n)
      fail(c, "a tree node does not name its parent");
    if (side == 0 ? order < 0 : order > 0)
      fail(c, "a tree is out of order");
    if (n->red != 0 && below->red != 0)
      fail(c, "a red tree node has a red child");
  }
  if (height[0] != height[1])
    fail(c, "the black heights of a tree differ");
  return c->why != NULL ? -1 : height[0] + (n->red == 0);
}

static bool check_tree(struct checker *c, struct map_node *root, uint64_t listed) {
  uint64_t nodes = 0;
  if (map_node_parent(c->t, root) != NULL || root->red != 0)
    return fail(c, "the first node of a tree bin is not a black root");
  if (check_subtree(c, root, &nodes, 0) < 0)
    return false;
  if (nodes != listed)
    return fail(c, "the tree and the list of a bin differ");
  return true;
}

/* The nodes of a bin, as a list. */
static bool check_list(struct checker *c, uint64_t bin, struct map_node *first, uint64_t *listed) {
  struct map_node *before = NULL;
  for (struct map_node *n = first; n != NULL; n = map_node_next(n)) {
    *listed += 1;
    if (c->live + *listed > (uint64_t)c->m->count)
      return fail(c, "count is not the number of entries");
    if (n->is_tree != first->is_tree)
      return fail(c, "a bin has nodes of both sorts");
    if (n->is_tree != 0 && gc_load(&map_node_links(c->t, n)->prev) != before)
      return fail(c, "a tree node does not name the node before it");
    if (!check_entry(c, bin, first, n))
      return false;
    before = n;
  }
  return true;
}

static bool check_bins(struct checker *c) {
  void **table = gc_load(&c->m->table);
  for (uint64_t i = 0; table != NULL && i < c->m->bins; i++) {
    struct map_node *first = gc_load(&table[i]);
    uint64_t listed = 0;
    if (!check_list(c, i, first, &listed))
      return false;
    if (first != NULL && first->is_tree != 0 && !check_tree(c, first, listed))
      return false;
    c->live += listed;
  }
  return true;
}

bool map_java8_check(struct go_g *g, const struct map_type *t, void *map, const char **why) {
  struct checker c = {.g = g, .t = t, .m = map};
  uint64_t bins = c.m->bins;
  if (bins == 0 || (bins & (bins - 1)) != 0 || c.m->threshold != bins / 4 * 3)
    fail(&c, "the number of bins and the threshold do not fit");
  else if ((uint64_t)c.m->count > c.m->threshold)
    fail(&c, "the table is over its load factor");
  else if (check_bins(&c) && c.live != (uint64_t)c.m->count)
    fail(&c, "count is not the number of entries");
  *why = c.why;
  return c.why == NULL;
}

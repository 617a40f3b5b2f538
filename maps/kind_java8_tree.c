/* Red-black tree bins. The absent child is black. */
#include "maps/kind_java8.h"

struct tree {
  struct gc_mutator *mu;
  const struct map_type *t;
  struct map_node *root;
};

static struct map_node *child(struct tree *tree, struct map_node *n, int side) {
  return map_node_child(tree->t, n, side);
}
static struct map_node *parent(struct tree *tree, struct map_node *n) {
  return map_node_parent(tree->t, n);
}
static void set_child(struct tree *tree, struct map_node *n, int side, struct map_node *to) {
  gc_store(tree->mu, &map_node_links(tree->t, n)->child[side], to);
}
static void set_parent(struct tree *tree, struct map_node *n, struct map_node *to) {
  gc_store(tree->mu, &map_node_links(tree->t, n)->parent, to);
}
static bool is_red(struct map_node *n) { return n != NULL && plat_ld(&n->red) != 0; }
static void set_red(struct map_node *n, bool red) { plat_st(&n->red, (uint8_t)red); }

/* ---- order ---------------------------------------------------------------------------------- */

static int compare_u64(uint64_t a, uint64_t b) { return (a > b) - (a < b); }

/* Zeros are equal; NaNs come last, by their bits. */
static int compare_f64(const void *a, const void *b) {
  bool a_is_nan = map_f64_is_nan(map_load_u64(a)), b_is_nan = map_f64_is_nan(map_load_u64(b));
  double x, y;
  if (a_is_nan && b_is_nan)
    return compare_u64(map_load_u64(a), map_load_u64(b));
  if (a_is_nan || b_is_nan)
    return a_is_nan ? 1 : -1;
  memcpy(&x, a, sizeof x);
  memcpy(&y, b, sizeof y);
  return (x > y) - (x < y);
}

static int compare_string(const struct map_string *a, const struct map_string *b) {
  int64_t shared = a->len < b->len ? a->len : b->len;
  int order = 0;
  if (a->data != b->data && shared > 0) {
    plat_touch_read(a->data, (size_t)shared);
    order = memcmp(a->data, b->data, (size_t)shared);
  }
  return order != 0 ? order : (a->len > b->len) - (a->len < b->len);
}

static int compare_key(const struct map_type *t, const void *a, const void *b) {
  switch (t->key_kind) {
    case MAP_KEY_U64:
      return compare_u64(map_load_u64(a), map_load_u64(b));
    case MAP_KEY_U32:
      return compare_u64(map_load_u32(a), map_load_u32(b));
    case MAP_KEY_F64:
      return compare_f64(a, b);
    case MAP_KEY_BYTES:
      return memcmp(a, b, t->key_bytes);
    case MAP_KEY_STRING:
      return compare_string(a, b);
    case MAP_KEY_ANY: /* Go's own table only */
      break;
  }
  rt_die("map: unknown key kind %d", (int)t->key_kind);
}

int map_tree_compare(const struct map_type *t, struct map_node *n, uint32_t hash,
                     const void *key) {
  uint32_t mine = plat_ld(&n->hash);
  if (mine != hash)
    return mine < hash ? -1 : 1;
  return compare_key(t, map_node_key(t, n), key);
}

struct map_node *map_tree_find(const struct map_type *t, struct map_node *root, uint32_t hash,
                               const void *key) {
  for (struct map_node *n = root; n != NULL;) {
    map_probe(n);
    int order = map_tree_compare(t, n, hash, key);
    if (order == 0)
      return map_key_equal(t, key, map_node_key(t, n)) ? n : NULL;
    n = map_node_child(t, n, order < 0);
  }
  return NULL;
}

/* ---- shape ---------------------------------------------------------------------------------- */

/* Puts `to` (may be NULL) where n hangs. */
static void replace(struct tree *tree, struct map_node *n, struct map_node *to) {
  struct map_node *p = parent(tree, n);
  if (p == NULL)
    tree->root = to;
  else
    set_child(tree, p, child(tree, p, 1) == n, to);
  if (to != NULL)
    set_parent(tree, to, p);
}

/* n goes down to `side`, its other child comes up. */
static void rotate(struct tree *tree, struct map_node *n, int side) {
  struct map_node *up = child(tree, n, !side);
  struct map_node *inner = child(tree, up, side);
  set_child(tree, n, !side, inner);
  if (inner != NULL)
    set_parent(tree, inner, n);
  replace(tree, n, up);
  set_child(tree, up, side, n);
  set_parent(tree, n, up);
}

/* n is red and new; its parent may be red too. */
static void fix_insertion(struct tree *tree, struct map_node *n) {
  struct map_node *p;
  while (is_red(p = parent(tree, n))) {
    struct map_node *above = parent(tree, p);
    int side = child(tree, above, 1) == p;
    struct map_node *uncle = child(tree, above, !side);
    if (is_red(uncle)) {
      set_red(p, false);
      set_red(uncle, false);
      set_red(above, true);
      n = above;
      continue;
    }
    if (child(tree, p, !side) == n) {
      rotate(tree, p, side);
      p = n;
    }
    set_red(p, false);
    set_red(above, true);
    rotate(tree, above, !side);
    break;
  }
  set_red(tree->root, false);
}

/* The paths through n (may be NULL), a child of p, have lost a black node. */
static void fix_removal(struct tree *tree, struct map_node *n, struct map_node *p) {
  while (n != tree->root && !is_red(n)) {
    int side = child(tree, p, 0) != n;
    struct map_node *other = child(tree, p, !side);
    if (is_red(other)) {
      set_red(other, false);
      set_red(p, true);
      rotate(tree, p, side);
      other = child(tree, p, !side);
    }
    if (!is_red(child(tree, other, 0)) && !is_red(child(tree, other, 1))) {
      set_red(other, true);
      n = p;
      p = parent(tree, n);
      continue;
    }
    if (!is_red(child(tree, other, !side))) {
      set_red(child(tree, other, side), false);
      set_red(other, true);
      rotate(tree, other, !side);
      other = child(tree, p, !side);
    }
    set_red(other, is_red(p));
    set_red(p, false);
    set_red(child(tree, other, !side), false);
    rotate(tree, p, side);
    return;
  }
  if (n != NULL)
    set_red(n, false);
}

/* Returns the parent the node has got, NULL for the root. */
static struct map_node *tree_add(struct tree *tree, struct map_node *n) {
  uint32_t hash = plat_ld(&n->hash);
  const void *key = map_node_key(tree->t, n);
  struct map_node *p = NULL;
  int side = 0;
  for (struct map_node *at = tree->root; at != NULL; at = child(tree, at, side)) {
    p = at;
    side = map_tree_compare(tree->t, at, hash, key) <= 0;
  }
  set_child(tree, n, 0, NULL);
  set_child(tree, n, 1, NULL);
  set_parent(tree, n, p);
  set_red(n, true);
  if (p == NULL)
    tree->root = n;
  else
    set_child(tree, p, side, n);
  fix_insertion(tree, n);
  return p;
}

static void tree_drop(struct tree *tree, struct map_node *n) {
  struct map_node *left = child(tree, n, 0), *right = child(tree, n, 1);
  if (left == NULL || right == NULL) {
    struct map_node *only = left != NULL ? left : right;
    struct map_node *p = parent(tree, n);
    bool was_red = is_red(n);
    replace(tree, n, only);
    if (!was_red && tree->root != NULL)
      fix_removal(tree, only, p);
    return;
  }
  struct map_node *next = right;
  for (struct map_node *l; (l = child(tree, next, 0)) != NULL;)
    next = l;
  bool was_red = is_red(next);
  struct map_node *moved = child(tree, next, 1), *p = next;
  if (next != right) {
    p = parent(tree, next);
    replace(tree, next, moved);
    set_child(tree, next, 1, right);
    set_parent(tree, right, next);
  }
  replace(tree, n, next);
  set_child(tree, next, 0, left);
  set_parent(tree, left, next);
  set_red(next, is_red(n));
  if (!was_red)
    fix_removal(tree, moved, p);
}

/* ---- bins ----------------------------------------------------------------------------------- */

static void list_join(struct tree *tree, struct map_node *a, struct map_node *b) {
  if (a != NULL)
    gc_store(tree->mu, &a->next, b);
  if (b != NULL)
    gc_store(tree->mu, &map_node_links(tree->t, b)->prev, a);
}

static struct map_node *list_prev(struct tree *tree, struct map_node *n) {
  return gc_load(&map_node_links(tree->t, n)->prev);
}

/* The root becomes the first of the list. */
static void root_to_front(struct tree *tree, void **bin) {
  struct map_node *first = gc_load(bin), *root = tree->root;
  if (root == first || root == NULL)
    return;
  struct map_node *before = list_prev(tree, root);
  list_join(tree, before, map_node_next(root));
  list_join(tree, NULL, root);
  list_join(tree, root, first);
  gc_store(tree->mu, bin, root);
}

void map_tree_insert(struct go_g *g, const struct map_type *t, void **bin, struct map_node *n) {
  struct tree tree = {go_mu(g), t, gc_load(bin)};
  rt_assert(tree.root != NULL && n->is_tree != 0);
  struct map_node *before = tree_add(&tree, n);
  struct map_node *after = map_node_next(before);
  list_join(&tree, before, n);
  list_join(&tree, n, after);
  root_to_front(&tree, bin);
}

void map_tree_remove(struct go_g *g, const struct map_type *t, void **bin, struct map_node *n) {
  struct tree tree = {go_mu(g), t, gc_load(bin)};
  struct map_node *before = list_prev(&tree, n), *after = map_node_next(n);
  rt_assert((before == NULL) == (tree.root == n));
  if (before == NULL)
    gc_store(tree.mu, bin, after);
  list_join(&tree, before, after);
  tree_drop(&tree, n);
  root_to_front(&tree, bin);
}

void map_tree_build(struct go_g *g, const struct map_type *t, void **bin) {
  struct tree tree = {go_mu(g), t, NULL};
  for (struct map_node *n = gc_load(bin); n != NULL; n = map_node_next(n))
    tree_add(&tree, n);
  root_to_front(&tree, bin);
}

bool map_tree_is_small(const struct map_type *t, struct map_node *root) {
  struct map_node *left = map_node_child(t, root, 0);
  return map_node_child(t, root, 1) == NULL || left == NULL || map_node_child(t, left, 0) == NULL;
}

/* The chained table: when bins become trees and chains again, and that its check sees every way it
 * can be broken (covers java8.bin, java8.tree). */
#include "designs.h"
#include "maps/kind_java8.h"
#include "wrong.h"

enum { SEED = 12345, TREE_KEYS = 40, KEYS_MAX = 3000 };

static struct map_java8 *map_of(struct subject *s) { return s->m; }

static uint32_t hash_of(struct subject *s, uint64_t key) {
  return map_java8_hash(s->g, s->t, map_of(s), &key);
}

/* The next key from *from on whose hash has these low bits. */
static uint64_t next_key(struct subject *s, uint64_t *from, uint32_t mask, uint32_t low) {
  while ((hash_of(s, *from) & mask) != low)
    ++*from;
  return (*from)++;
}

static void make(struct subject *s, struct go_g *g, void **root) {
  subject_make(s, g, &map_kind_java8, 0, root);
  map_of(s)->seed = SEED;
}

/* ---- when ----------------------------------------------------------------------------------- */

/* Keys that share the 12 low bits of their hashes. */
static void thresholds(struct subject *s) {
  uint64_t from = 0;
  for (int n = 1; n <= 11; n++) {
    subject_put(s, next_key(s, &from, 0xfff, 7));
    CHECK_U64(map_of(s)->bins, n <= 8 ? 16 : n == 9 ? 32 : 64);
    CHECK_U64(subject_stats(s).treeified, n == 11);
    subject_expect(s, NULL);
  }
  CHECK_U64(subject_stats(s).s.growths, 2);
}

/* A tree of many keys, equal hashes among them, through growth and back to nothing. */
static void big_tree(struct subject *s, uint64_t *keys) {
  uint64_t from = 0, draws = 5, n = 0, ties = 0, wanted = test_scaled(KEYS_MAX);
  s->kind->clear(s->g, s->t, s->m);
  for (; n < wanted; n++) {
    keys[n] = next_key(s, &from, 0xfff, 7);
    subject_put(s, keys[n]);
    if (n % 100 == 0)
      subject_expect(s, NULL);
  }
  subject_expect(s, NULL);
  for (uint64_t i = 0; i < n; i++) {
    HOLDS(subject_has(s, keys[i]));
    for (uint64_t j = 0; j < i; j++)
      ties += hash_of(s, keys[i]) == hash_of(s, keys[j]);
    i += i > 1000 ? 2 : 0;
  }
  CHECK(ties > 0 || wanted < KEYS_MAX, "no two keys of one hash");
  HOLDS(!subject_has(s, from));
  while (n > 0) {
    uint64_t i = rng_fastrandn(&draws, (uint32_t)n);
    HOLDS(subject_remove(s, keys[i]));
    keys[i] = keys[--n];
    if (n % 100 == 0 || n < 20)
      subject_expect(s, NULL);
  }
  struct map_kind_stats stats = subject_stats(s);
  CHECK_U64(stats.s.count, 0);
  CHECK_U64(stats.treeified, 2);
  CHECK_U64(stats.untreeified, 1); /* a small tree, by a removal */
}

/* A tree of 12 in a table of 64 that doubles: halves of 5 and 7. */
static void split(struct subject *s) {
  uint64_t from = 0, other = 0;
  for (int n = 0; n < 5; n++)
    subject_put(s, next_key(s, &from, 0x7f, 3));
  for (int n = 0; n < 7; n++)
    subject_put(s, next_key(s, &from, 0x7f, 0x43));
  CHECK_U64(map_of(s)->bins, 64);
  CHECK_U64(subject_stats(s).treeified, 1);
  while (map_of(s)->bins == 64) {
    uint64_t key = next_key(s, &other, 1, 0);
    subject_put(s, key);
    HOLDS(subject_has(s, key));
  }
  CHECK_U64(map_of(s)->bins, 128);
  CHECK_U64(map_of(s)->count, 49);
  CHECK_U64(subject_stats(s).treeified, 1);
  CHECK_U64(subject_stats(s).untreeified, 1);
  void **table = map_of(s)->table;
  HOLDS(((struct map_node *)table[3])->is_tree == 0);
  HOLDS(((struct map_node *)table[0x43])->is_tree == 1);
  subject_expect(s, NULL);
}

static void trees_main(struct go_g *g, void *arg, void *heap_arg) {
  static uint64_t keys[KEYS_MAX];
  struct subject s;
  (void)heap_arg;
  GC_ROOTS(go_mu(g), roots, 1);
  make(&s, g, &roots[0]);
  s.kind = arg;
  thresholds(&s);
  big_tree(&s, keys);
  make(&s, g, &roots[0]);
  s.kind = arg;
  split(&s);
  GC_ROOTS_END(go_mu(g), roots);
}

static void test_trees(void **state) {
  (void)state;
  test_run(trees_main, (void *)(uintptr_t)&map_kind_java8);
  struct map_kind kind = wrong_make(&wrong_trees, &map_kind_java8);
  test_fails(1, trees_main, &kind, wrong_trees.name);
}

/* ---- bins by length ------------------------------------------------------------------------- */

static void bins_main(struct go_g *g, void *arg, void *heap_arg) {
  enum { LENGTHS = 8 };
  uint64_t lengths[LENGTHS], bins = 0, entries = 0;
  struct subject s;
  (void)arg, (void)heap_arg;
  GC_ROOTS(go_mu(g), roots, 1);
  make(&s, g, &roots[0]);
  CHECK_U64(map_java8_histogram(s.m, lengths, LENGTHS), 16);
  CHECK_U64(lengths[0], 16);
  for (uint64_t key = 0; key < 4096; key++)
    subject_put(&s, key);
  CHECK_U64(map_java8_histogram(s.m, lengths, LENGTHS), 8192); /* doubled above 3072 */
  for (uint64_t i = 0; i < LENGTHS; i++) {
    bins += lengths[i];
    entries += i * lengths[i];
  }
  CHECK_U64(bins, 8192);
  CHECK_U64(entries, 4096);
  CHECK(lengths[0] > 4770 && lengths[0] < 5170, "%llu of 8192 bins are empty, e^-0.5 is 4969",
        (unsigned long long)lengths[0]);
  CHECK_U64(map_java8_histogram(s.m, lengths, 2), 8192);
  CHECK_U64(lengths[0] + lengths[1], 8192);
  subject_make(&s, g, &map_kind_java8, 13, &roots[0]);
  CHECK_U64(map_of(&s)->bins, 32);
  subject_make(&s, g, &map_kind_java8, INT64_MAX, &roots[0]);
  CHECK_U64(map_of(&s)->bins, 16);
  GC_ROOTS_END(go_mu(g), roots);
}

static void test_bins(void **state) {
  (void)state;
  test_run(bins_main, NULL);
}

/* ---- broken --------------------------------------------------------------------------------- */

enum { TREE_BIN = 7 };

/* One tree, and chains in other bins of the 128. */
static void fill(struct subject *s) {
  uint64_t from = 0, other = 0;
  map_of(s)->seed = SEED;
  for (int n = 0; n < TREE_KEYS; n++)
    subject_put(s, next_key(s, &from, 0xfff, TREE_BIN));
  for (int n = 0; n < 20; n++)
    subject_put(s, next_key(s, &other, 0x3f, 8 + (uint32_t)n % 10));
}

static void **bins_of(struct subject *s) { return map_of(s)->table; }
static struct map_node *root_of(struct subject *s) { return bins_of(s)[TREE_BIN]; }
static void set(struct subject *s, void **slot, void *to) { gc_store(go_mu(s->g), slot, to); }
static struct map_node_links *links(struct subject *s, struct map_node *n) {
  return map_node_links(s->t, n);
}

/* The first node of a chain of at least two. */
static struct map_node *chain_of(struct subject *s) {
  for (uint64_t i = 0; i < map_of(s)->bins; i++) {
    struct map_node *n = bins_of(s)[i];
    if (n != NULL && n->is_tree == 0 && n->next != NULL)
      return n;
  }
  test_failed(__FILE__, __LINE__, "a chain of two", " ");
}

/* The first node of the tree, in the order of its list, that is red or not and a leaf or not. */
static struct map_node *tree_node(struct subject *s, bool red, bool leaf) {
  for (struct map_node *n = root_of(s)->next; n != NULL; n = n->next) {
    bool is_leaf = links(s, n)->child[0] == NULL && links(s, n)->child[1] == NULL;
    if ((n->red != 0) == red && is_leaf == leaf)
      return n;
  }
  test_failed(__FILE__, __LINE__, "such a tree node", " ");
}

static const char *wrong_count(struct subject *s) {
  map_of(s)->count++;
  return "count is not the number of entries";
}

static const char *count_too_small(struct subject *s) {
  map_of(s)->count -= 3;
  return "count is not the number of entries";
}

static const char *wrong_threshold(struct subject *s) {
  map_of(s)->threshold++;
  return "the number of bins and the threshold do not fit";
}

static const char *over_load(struct subject *s) {
  map_of(s)->count = (int64_t)map_of(s)->threshold + 1;
  return "the table is over its load factor";
}

static const char *wrong_hash(struct subject *s) {
  chain_of(s)->hash ^= 1U << 31;
  return "a node's hash is not that of its key";
}

static const char *wrong_bin(struct subject *s) {
  struct map_node *n = chain_of(s), *moved = n->next;
  set(s, &n->next, moved->next);
  set(s, &bins_of(s)[0], moved);
  set(s, &moved->next, NULL);
  return "a node is not in the bin of its hash";
}

static const char *duplicate(struct subject *s) {
  struct map_node *n = chain_of(s), *copy = n->next;
  copy->hash = n->hash;
  memcpy(copy->pair, n->pair, 16);
  return "a key is there twice";
}

static const char *mixed(struct subject *s) {
  ((struct map_node *)chain_of(s)->next)->is_tree = 1;
  return "a bin has nodes of both sorts";
}

static const char *red_root(struct subject *s) {
  root_of(s)->red = 1;
  return "the first node of a tree bin is not a black root";
}

static const char *red_under_red(struct subject *s) {
  struct map_node *red = tree_node(s, true, false);
  ((struct map_node *)links(s, red)->child[0])->red = 1;
  return "a red tree node has a red child";
}

static const char *uneven(struct subject *s) {
  tree_node(s, true, true)->red = 0;
  return "the black heights of a tree differ";
}

static const char *wrong_parent(struct subject *s) {
  set(s, &links(s, tree_node(s, true, true))->parent, root_of(s));
  return "a tree node does not name its parent";
}

static const char *mirrored(struct subject *s) {
  struct map_node_links *l = links(s, root_of(s));
  void *left = l->child[0];
  set(s, &l->child[0], l->child[1]);
  set(s, &l->child[1], left);
  return "a reader does not find a key";
}

static const char *lost_leaf(struct subject *s) {
  struct map_node *leaf = tree_node(s, true, true), *above = links(s, leaf)->parent;
  set(s, &links(s, above)->child[links(s, above)->child[1] == leaf], NULL);
  return "a reader does not find a key";
}

static const char *unlisted(struct subject *s) {
  struct map_node *n = root_of(s)->next, *after = n->next;
  set(s, &root_of(s)->next, after);
  set(s, &links(s, after)->prev, root_of(s));
  map_of(s)->count--;
  return "the tree and the list of a bin differ";
}

static const char *wrong_prev(struct subject *s) {
  set(s, &links(s, root_of(s)->next)->prev, NULL);
  return "a tree node does not name the node before it";
}

static const char *circle(struct subject *s) {
  struct map_node *leaf = tree_node(s, true, true);
  set(s, &links(s, leaf)->child[0], root_of(s));
  return "a tree is linked wrongly";
}

static void broken_main(struct go_g *g, void *arg, void *heap_arg) {
  static break_fn *const ways[] = {
      wrong_count, count_too_small, wrong_threshold, over_load,     wrong_hash, wrong_bin,
      duplicate,   mixed,           red_root,        red_under_red, uneven,     wrong_parent,
      mirrored,    lost_leaf,       unlisted,        wrong_prev,    circle,
  };
  (void)arg, (void)heap_arg;
  break_all(g, &map_kind_java8, fill, ways, sizeof ways / sizeof ways[0]);
}

static void test_broken(void **state) {
  (void)state;
  test_run(broken_main, NULL);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_trees),
      cmocka_unit_test(test_bins),
      cmocka_unit_test(test_broken),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

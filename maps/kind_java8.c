/* A chained table in the manner of Java 8's HashMap: bins are chains in order of insertion, or
 * red-black trees where a chain would be long; the table doubles all at once. */
#include "maps/kind_java8.h"

#include "maps/kind_designs.h"

enum { BINS_MAX_SHIFT = 40, GATHERED = 16 };

static const uint64_t first_word = 1;
static PLAT_STATE struct gc_type map_header = {.name = "map.java8",
                                               .size = sizeof(struct map_java8),
                                               .ptrdata = 8,
                                               .mask = &first_word};

uint32_t map_java8_hash(struct go_g *g, const struct map_type *t, struct map_java8 *m,
                        const void *key) {
  return map_java8_spread(map_hash_key(g, t, key, plat_ld(&m->seed)));
}

/* ---- bins ----------------------------------------------------------------------------------- */

static void **bin_of(struct map_java8 *m, uint32_t hash) {
  void **table = gc_load(&m->table);
  return &table[hash & (plat_ld(&m->bins) - 1)];
}
static bool is_tree(struct map_node *first) {
  return first != NULL && plat_ld(&first->is_tree) != 0;
}

static struct map_node *bin_find(const struct map_type *t, struct map_node *first, uint32_t hash,
                                 const void *key) {
  if (is_tree(first))
    return map_tree_find(t, first, hash, key);
  for (struct map_node *n = first; n != NULL; n = map_node_next(n)) {
    map_probe(n);
    plat_touch_read(n->pair, t->key_slot);
    if (plat_ld(&n->hash) == hash && map_key_equal(t, key, map_node_key(t, n)))
      return n;
  }
  return NULL;
}

static struct map_node *find(struct go_g *g, const struct map_type *t, struct map_java8 *m,
                             const void *key) {
  if (gc_load(&m->table) == NULL)
    return NULL;
  uint32_t hash = map_java8_hash(g, t, m, key);
  return bin_find(t, gc_load(bin_of(m, hash)), hash, key);
}

/* A copy of every node of the list at *bin, of the other sort, in the same order. A safepoint; the
 * array of bins stays reachable: it is the map's table, or rooted. */
static void bin_convert(struct go_g *g, const struct map_type *t, void **bin, bool to_tree) {
  struct gc_mutator *mu = go_mu(g);
  const struct gc_type *type = to_tree ? &t->layout->tree_node : &t->layout->node;
  enum { OLD, FIRST, LAST, ROOTS };
  GC_ROOTS(mu, roots, ROOTS);
  for (roots[OLD] = gc_load(bin); roots[OLD] != NULL;) {
    struct map_node *copy = gc_alloc(mu, type);
    struct map_node *old = roots[OLD], *last = roots[LAST];
    copy->hash = plat_ld(&old->hash);
    copy->is_tree = to_tree;
    map_pair_move(g, t, copy->pair, old->pair);
    if (last == NULL)
      roots[FIRST] = copy;
    else
      gc_store(mu, &last->next, copy);
    if (to_tree)
      gc_store(mu, &map_node_links(t, copy)->prev, last);
    roots[LAST] = copy;
    roots[OLD] = map_node_next(old);
  }
  gc_store(mu, bin, roots[FIRST]);
  GC_ROOTS_END(mu, roots);
}

static void bin_treeify(struct go_g *g, const struct map_type *t, struct map_java8 *m,
                        void **bin) {
  bin_convert(g, t, bin, true);
  map_tree_build(g, t, bin);
  plat_st(&m->treeified, plat_ld(&m->treeified) + 1);
}
static void bin_untreeify(struct go_g *g, const struct map_type *t, struct map_java8 *m,
                          void **bin) {
  bin_convert(g, t, bin, false);
  plat_st(&m->untreeified, plat_ld(&m->untreeified) + 1);
}

/* ---- growth --------------------------------------------------------------------------------- */

/* Deals the nodes of a bin to two, in their order; their numbers are in counts. */
static void bin_deal(struct go_g *g, const struct map_type *t, struct map_node *n, uint64_t bit,
                     void **const bins[2], uint64_t counts[2]) {
  struct gc_mutator *mu = go_mu(g);
  struct map_node *last[2] = {NULL, NULL};
  bool tree = is_tree(n);
  counts[0] = counts[1] = 0;
  while (n != NULL) {
    struct map_node *next = map_node_next(n);
    int half = (plat_ld(&n->hash) & bit) != 0;
    plat_charge(PLAT_COST_evacuate, 1);
    if (last[half] == NULL)
      gc_store(mu, bins[half], n);
    else
      gc_store(mu, &last[half]->next, n);
    if (tree)
      gc_store(mu, &map_node_links(t, n)->prev, last[half]);
    last[half] = n;
    counts[half]++;
    n = next;
  }
  for (int half = 0; half < 2; half++)
    if (last[half] != NULL)
      gc_store(mu, &last[half]->next, NULL);
}

/* Moves a bin of the old table to two of the new one. A safepoint when it holds a tree; both
 * tables are kept alive by the caller. */
static void bin_split(struct go_g *g, const struct map_type *t, struct map_java8 *m, void **from,
                      void **const bins[2]) {
  uint64_t counts[2];
  struct map_node *first = gc_load(from);
  bool tree = is_tree(first);
  bin_deal(g, t, first, plat_ld(&m->bins), bins, counts);
  gc_store(go_mu(g), from, NULL);
  for (int half = 0; half < 2 && tree; half++) {
    if (counts[half] != 0 && counts[half] <= MAP_JAVA8_UNTREEIFY)
      bin_untreeify(g, t, m, bins[half]);
    else if (counts[half] != 0 && counts[!half] != 0)
      map_tree_build(g, t, bins[half]); /* else the tree has moved as it is */
  }
}

static void table_double(struct go_g *g, const struct map_type *t, struct map_java8 *m) {
  struct gc_mutator *mu = go_mu(g);
  uint64_t bins = plat_ld(&m->bins);
  rt_assert(bins < (uint64_t)1 << BINS_MAX_SHIFT);
  GC_ROOTS(mu, roots, 2);
  void **table = roots[0] = gc_load(&m->table);
  void **twice = roots[1] = gc_alloc_array(mu, &map_shared.pointer, 2 * bins);
  for (uint64_t i = 0; i < bins; i++) {
    void **const to[2] = {&twice[i], &twice[i + bins]};
    if (gc_load(&table[i]) != NULL)
      bin_split(g, t, m, &table[i], to);
  }
  gc_store(mu, &m->table, twice);
  plat_st(&m->bins, 2 * bins);
  plat_st(&m->threshold, 2 * bins / 4 * 3);
  plat_st(&m->growths, plat_ld(&m->growths) + 1);
  GC_ROOTS_END(mu, roots);
}

/* ---- operations ----------------------------------------------------------------------------- */

static void *java8_create(struct go_g *g, const struct map_type *t,
                          const struct map_params *params) {
  gc_type_register(&map_header);
  struct map_java8 *m = gc_alloc(go_mu(g), &map_header);
  (void)t;
  m->bins = MAP_JAVA8_BINS_MIN;
  m->threshold = m->bins / 4 * 3;
  int64_t most = MAP_HINT_BYTES_MAX / sizeof(void *);
  while (params->hint <= most && (int64_t)m->threshold < params->hint) {
    m->bins *= 2;
    m->threshold = m->bins / 4 * 3;
  }
  m->seed = gc_fastrand(go_mu(g));
  return m;
}

static bool java8_get(struct go_g *g, const struct map_type *t, void *map, const void *key,
                      void *out) {
  struct map_node *n = find(g, t, map, key);
  if (n == NULL)
    return false;
  map_elem_out(t, map_pair_elem_value(t, n->pair), out);
  return true;
}

/* Appends a fresh node to its bin; returns how many nodes a chain had before. */
static uint64_t entry_append(struct go_g *g, const struct map_type *t, void **bin,
                             struct map_node *n) {
  struct map_node *last = gc_load(bin);
  uint64_t before = 0;
  if (is_tree(last)) {
    map_tree_insert(g, t, bin, n);
    return 0;
  }
  if (last == NULL) {
    gc_store(go_mu(g), bin, n);
    return 0;
  }
  for (struct map_node *next; before++, (next = map_node_next(last)) != NULL;)
    last = next;
  gc_store(go_mu(g), &last->next, n);
  return before;
}

/* A safepoint. key is not in the map. */
static void entry_add(struct go_g *g, const struct map_type *t, struct map_java8 *m,
                      uint32_t hash, const void *const entry[2]) {
  struct gc_mutator *mu = go_mu(g);
  bool tree = is_tree(gc_load(bin_of(m, hash)));
  GC_ROOTS(mu, roots, 1);
  struct map_node *n = roots[0] = gc_alloc(mu, tree ? &t->layout->tree_node : &t->layout->node);
  n->hash = hash;
  n->is_tree = tree;
  map_pair_fill(g, t, n, n->pair, entry[0], entry[1]);
  void **bin = bin_of(m, hash);
  if (entry_append(g, t, bin, n) >= MAP_JAVA8_TREEIFY) {
    if (plat_ld(&m->bins) < MAP_JAVA8_TREE_BINS)
      table_double(g, t, m);
    else
      bin_treeify(g, t, m, bin);
  }
  plat_st(&m->changes, plat_ld(&m->changes) + 1);
  int64_t count = plat_ld(&m->count) + 1;
  plat_st(&m->count, count);
  if ((uint64_t)count > plat_ld(&m->threshold))
    table_double(g, t, m);
  GC_ROOTS_END(mu, roots);
}

static void java8_put(struct go_g *g, const struct map_type *t, void *map, const void *key,
                      const void *elem) {
  struct map_java8 *m = map;
  const void *const entry[2] = {key, elem};
  uint32_t hash = map_java8_hash(g, t, m, key);
  if (gc_load(&m->table) == NULL)
    gc_store(go_mu(g), &m->table,
             gc_alloc_array(go_mu(g), &map_shared.pointer, plat_ld(&m->bins)));
  struct map_node *n = bin_find(t, gc_load(bin_of(m, hash)), hash, key);
  if (n != NULL)
    map_elem_in(g, t, map_pair_elem_value(t, n->pair), elem);
  else
    entry_add(g, t, m, hash, entry);
}

/* A safepoint when the bin is a tree. n is in the bin. */
static void entry_unlink(struct go_g *g, const struct map_type *t, struct map_java8 *m,
                         void **bin, struct map_node *n) {
  struct map_node *first = gc_load(bin);
  if (is_tree(first)) {
    bool small = map_tree_is_small(t, first);
    map_tree_remove(g, t, bin, n);
    if (small)
      bin_untreeify(g, t, m, bin);
    return;
  }
  void **link = bin;
  for (struct map_node *at = first; at != n; at = map_node_next(at))
    link = &at->next;
  gc_store(go_mu(g), link, map_node_next(n));
}

static bool java8_remove(struct go_g *g, const struct map_type *t, void *map, const void *key) {
  struct map_java8 *m = map;
  struct map_node *n = find(g, t, m, key);
  if (n == NULL)
    return false;
  entry_unlink(g, t, m, bin_of(m, plat_ld(&n->hash)), n);
  plat_st(&m->changes, plat_ld(&m->changes) + 1);
  plat_st(&m->count, plat_ld(&m->count) - 1);
  return true;
}

static void java8_clear(struct go_g *g, const struct map_type *t, void *map) {
  struct map_java8 *m = map;
  void **table = gc_load(&m->table);
  uint64_t bins = table == NULL ? 0 : plat_ld(&m->bins);
  (void)t;
  plat_charge(PLAT_COST_zero_byte, bins * sizeof(void *));
  for (uint64_t i = 0; i < bins; i++)
    gc_store(go_mu(g), &table[i], NULL);
  plat_st(&m->count, (int64_t)0);
  plat_st(&m->changes, plat_ld(&m->changes) + 1);
  plat_st(&m->clears, plat_ld(&m->clears) + 1);
}

/* ---- iteration ------------------------------------------------------------------------------ */

/* The entries of the table's bin `at` when the iteration began: today those of bins at, at + step,
 * at + 2 * step, ... */
struct gather {
  struct map_java8 *m;
  uint64_t at, step;
  void **nodes; /* frame slots, or a heap object */
  uint64_t count;
};

static uint64_t gather_count(struct gather *a) {
  void **table = gc_load(&a->m->table);
  uint64_t bins = plat_ld(&a->m->bins), n = 0;
  for (uint64_t i = a->at; i < bins; i += a->step)
    for (struct map_node *node = gc_load(&table[i]); node != NULL; node = map_node_next(node))
      n++;
  return n;
}

static void gather_fill(struct go_g *g, struct gather *a, bool in_heap) {
  void **table = gc_load(&a->m->table);
  uint64_t bins = plat_ld(&a->m->bins), n = 0;
  for (uint64_t i = a->at; i < bins; i += a->step) {
    struct map_node *node = gc_load(&table[i]);
    for (; node != NULL && n < a->count; node = map_node_next(node), n++) {
      if (in_heap)
        gc_store(go_mu(g), &a->nodes[n], node);
      else
        a->nodes[n] = node;
    }
  }
  a->count = n;
}

/* Visits what was gathered; an entry that may have been replaced or removed since is looked up. */
static bool gather_visit(struct go_g *g, const struct map_type *t, struct gather *a,
                         map_visit *visit, void *arg) {
  struct map_java8 *m = a->m;
  uint64_t changes = plat_ld(&m->changes), clears = plat_ld(&m->clears);
  for (uint64_t i = 0; i < a->count; i++) {
    struct map_node *n = gc_load(&a->nodes[i]);
    if (plat_ld(&m->changes) != changes) {
      const void *key = map_node_key(t, n);
      if (map_key_equal(t, key, key))
        n = find(g, t, m, key);
      else if (plat_ld(&m->clears) != clears) /* nothing else removes a NaN */
        n = NULL;
    }
    const void *now = n == NULL ? NULL : map_node_key(t, n);
    if (n != NULL && !map_visit_copy(g, t, now, map_pair_elem_value(t, n->pair), visit, arg))
      return false;
  }
  return true;
}

static void java8_each(struct go_g *g, const struct map_type *t, void *map, map_visit *visit,
                       void *arg) {
  struct map_java8 *m = map;
  struct gather a = {.m = m, .step = plat_ld(&m->bins)};
  if (plat_ld(&m->count) == 0)
    return;
  enum { BIG = GATHERED, ROOTS };
  GC_ROOTS(go_mu(g), roots, ROOTS);
  bool go_on = true;
  for (; go_on && a.at < a.step; a.at++) {
    a.count = gather_count(&a);
    bool in_heap = a.count > GATHERED;
    a.nodes = roots;
    if (in_heap)
      a.nodes = roots[BIG] = gc_alloc_array(go_mu(g), &map_shared.pointer, a.count);
    plat_charge(PLAT_COST_map_probe, 1);
    gather_fill(g, &a, in_heap);
    go_on = gather_visit(g, t, &a, visit, arg);
  }
  GC_ROOTS_END(go_mu(g), roots);
}

/* ---- observation ---------------------------------------------------------------------------- */

static int64_t java8_count(struct go_g *g, void *map) {
  struct map_java8 *m = map;
  (void)g;
  return plat_ld(&m->count);
}

static void java8_stats(struct go_g *g, const struct map_type *t, void *map,
                        struct map_kind_stats *out) {
  struct map_java8 *m = map;
  (void)g, (void)t;
  memset(out, 0, sizeof *out);
  out->s.count = plat_ld(&m->count);
  out->s.B = (uint8_t)__builtin_ctzll(plat_ld(&m->bins));
  out->s.growths = plat_ld(&m->growths);
  out->treeified = plat_ld(&m->treeified);
  out->untreeified = plat_ld(&m->untreeified);
}

uint64_t map_java8_histogram(void *map, uint64_t *lengths, uint32_t count) {
  struct map_java8 *m = map;
  uint64_t bins = plat_ld(&m->bins);
  rt_assert(count != 0);
  memset(lengths, 0, count * sizeof *lengths);
  if (gc_load(&m->table) == NULL) {
    lengths[0] = bins;
    return bins;
  }
  for (uint64_t i = 0; i < bins; i++) {
    struct gather one = {.m = m, .at = i, .step = bins};
    uint64_t n = gather_count(&one);
    lengths[n < count ? n : count - 1]++;
  }
  return bins;
}

const struct map_kind map_kind_java8 = {
    .name = "java8",
    .doc = "A chained table as Java 8's: load factor 0.75, bins of eight become red-black trees, "
           "the table doubles all at once.",
    .facts = {.concurrent_reads = true, .iteration = "no writer may run beside it"},
    .create = java8_create,
    .get = java8_get,
    .put = java8_put,
    .remove = java8_remove,
    .clear = java8_clear,
    .each = java8_each,
    .count = java8_count,
    .stats = java8_stats,
    .check = map_java8_check,
};

#include "wrong.h"

#include "maps/kind_java8.h"
#include "maps/kind_spin.h"
#include "maps/kind_swiss.h"
#include "maps/kind_syncmap.h"
#include "support.h"

enum { VALUE_BYTES = 512 };

static struct map_kind right; /* what the wrong design is made of */

struct map_kind wrong_make(const struct wrong *w, const struct map_kind *base) {
  right = *base;
  struct map_kind made = *base;
  made.name = w->name;
  if (w->as.get != NULL) made.get = w->as.get;
  if (w->as.put != NULL) made.put = w->as.put;
  if (w->as.remove != NULL) made.remove = w->as.remove;
  if (w->as.clear != NULL) made.clear = w->as.clear;
  if (w->as.each != NULL) made.each = w->as.each;
  if (w->as.count != NULL) made.count = w->as.count;
  return made;
}

/* Whether key is there. The value comes into a root slot: it may be a pointer. */
static bool has(struct go_g *g, const struct map_type *t, void *m, const void *key) {
  GC_ROOTS(go_mu(g), roots, VALUE_BYTES / 8);
  bool found = right.get(g, t, m, key, roots);
  GC_ROOTS_END(go_mu(g), roots);
  return found;
}

/* ---- any design, one goroutine --------------------------------------------------------------- */

static void put_now_and_then(struct go_g *g, const struct map_type *t, void *m, const void *key,
                             const void *elem) {
  if (gc_fastrand(go_mu(g)) % 64 != 0) right.put(g, t, m, key, elem);
}

static void put_once(struct go_g *g, const struct map_type *t, void *m, const void *key,
                     const void *elem) {
  if (!has(g, t, m, key)) right.put(g, t, m, key, elem);
}

static bool remove_nothing(struct go_g *g, const struct map_type *t, void *m, const void *key) {
  return has(g, t, m, key);
}

static bool remove_unnoticed(struct go_g *g, const struct map_type *t, void *m, const void *key) {
  return right.remove(g, t, m, key) || gc_fastrand(go_mu(g)) % 8 == 0;
}

static void clear_nothing(struct go_g *g, const struct map_type *t, void *m) {
  (void)g, (void)t, (void)m;
}

static int64_t count_one_more(struct go_g *g, void *m) { return right.count(g, m) + 1; }

/* An iteration between the design and its visitor. */
struct between {
  map_visit *visit;
  void *arg;
  uint64_t visits;
};

static bool pass_over(struct go_g *g, const void *key, void *elem, void *arg) {
  struct between *b = arg;
  return ++b->visits == 3 || b->visit(g, key, elem, b->arg);
}

static void each_but_one(struct go_g *g, const struct map_type *t, void *m, map_visit *visit,
                         void *arg) {
  struct between b = {visit, arg, 0};
  right.each(g, t, m, pass_over, &b);
}

/* Ends only where the design does: the visitor's word is not asked for. */
static bool visit_on(struct go_g *g, const void *key, void *elem, void *arg) {
  struct between *b = arg;
  b->visit(g, key, elem, b->arg);
  return true;
}

static void each_to_the_end(struct go_g *g, const struct map_type *t, void *m, map_visit *visit,
                            void *arg) {
  struct between b = {visit, arg, 0};
  right.each(g, t, m, visit_on, &b);
}

/* ---- one design, one goroutine --------------------------------------------------------------- */

/* Insertion and look-up do not hash alike. */
static bool get_by_another_hash(struct go_g *g, const struct map_type *t, void *m,
                                const void *key, void *out) {
  struct map_type other = *t;
  other.hash_mask ^= 1ULL << 40;
  return right.get(g, &other, m, key, out);
}

/* A new dirty map lacks what the read map has. */
static void put_promoting_without_copying(struct go_g *g, const struct map_type *t, void *m,
                                          const void *key, const void *elem) {
  struct map_sync *s = m;
  bool had_dirty = gc_load(&s->dirty) != NULL;
  right.put(g, t, m, key, elem);
  if (had_dirty || gc_load(&s->dirty) == NULL) return;
  map_clear(g, s->type, gc_load(&s->dirty));
  right.put(g, t, m, key, elem);
}

/* What was removed leaves an empty slot, so that others are sought no further. */
static bool remove_without_tombstone(struct go_g *g, const struct map_type *t, void *m,
                                     const void *key) {
  struct map_swiss *s = m;
  struct map_slot at = {NULL, 0};
  if (plat_ld(&s->used) > 0) at = map_swiss_find(t, s, map_swiss_hash(g, t, s, key), key);
  GC_ROOTS(go_mu(g), roots, 1);
  roots[0] = at.group;
  bool found = right.remove(g, t, m, key);
  if (at.group != NULL) {
    uint64_t *control = map_group_control(at.group), empty = MAP_SLOT_EMPTY;
    unsigned shift = 8 * at.slot;
    plat_st(control, (plat_ld(control) & ~((uint64_t)0xff << shift)) | empty << shift);
  }
  GC_ROOTS_END(go_mu(g), roots);
  return found;
}

/* What makes the table double is not in it. */
static void put_lost_in_doubling(struct go_g *g, const struct map_type *t, void *m,
                                 const void *key, const void *elem) {
  struct map_java8 *j = m;
  uint64_t before = plat_ld(&j->growths);
  right.put(g, t, m, key, elem);
  if (plat_ld(&j->growths) != before) right.remove(g, t, m, key);
}

/* The chain that becomes a tree loses its last node. */
static void put_lost_in_tree(struct go_g *g, const struct map_type *t, void *m, const void *key,
                             const void *elem) {
  struct map_java8 *j = m;
  uint64_t before = plat_ld(&j->treeified);
  right.put(g, t, m, key, elem);
  if (plat_ld(&j->treeified) != before) right.remove(g, t, m, key);
}

/* ---- goroutines beside each other ------------------------------------------------------------ */

/* Where key would go in a table at rest. False: it is there, or its chain or the table must be made
 * larger first. */
static bool choose_cell(struct go_g *g, const struct map_type *t, struct map *table,
                        const void *key, struct map_cell *at, uint8_t *top) {
  struct map_bucket *last;
  if (gc_load(&table->buckets) == NULL || map_is_growing(table) || map_must_grow(table))
    return false;
  uint64_t hash = map_hash_key(g, t, key, plat_ld(&table->hash0));
  uint64_t bucket = hash & map_mask(plat_ld(&table->B));
  *top = map_tophash(hash);
  struct map_bucket *head = map_bucket_at(t, gc_load(&table->buckets), bucket);
  return !map_chain_place(t, head, *top, key, at, &last) && at->bucket != NULL;
}

static void fill(struct go_g *g, const struct map_type *t, struct map_cell at, uint8_t top,
                 const void *const entry[2]) {
  map_cell_fill(g, t, at, top, entry[0]);
  map_elem_in(g, t, map_elem_value(t, map_elem_slot(t, at.bucket, at.cell)), entry[1]);
}

/* The cell is chosen before the lock is taken. */
static void put_chosen_before(struct go_g *g, const struct map_type *t, void *m, const void *key,
                              const void *elem) {
  struct map_guarded *c = m;
  struct map_cell at;
  uint8_t top;
  if (!choose_cell(g, t, gc_load(&c->map), key, &at, &top)) {
    right.put(g, t, m, key, elem);
    return;
  }
  GC_ROOTS(go_mu(g), roots, 1);
  roots[0] = at.bucket;
  go_yield(g);
  struct map *table = map_guarded_lock(g, c);
  fill(g, t, at, top, (const void *const[2]){key, elem});
  plat_st(&table->count, plat_ld(&table->count) + 1);
  map_guarded_unlock(g, c);
  GC_ROOTS_END(go_mu(g), roots);
}

/* A cell is chosen and filled without the lock of its bucket. */
static void put_without_lock(struct go_g *g, const struct map_type *t, void *m, const void *key,
                             const void *elem) {
  struct spin_map *s = m;
  struct map_cell at;
  uint8_t top;
  GC_ROOTS(go_mu(g), roots, 1);
  go_rwmutex_rlock(g, &s->resize);
  struct map *table = gc_load(&s->table);
  bool is_full = map_over_load(at_u64_load_relaxed(&s->count) + 1, plat_ld(&table->B));
  bool is_chosen = !is_full && choose_cell(g, t, table, key, &at, &top);
  if (is_chosen) {
    roots[0] = at.bucket;
    go_yield(g);
    fill(g, t, at, top, (const void *const[2]){key, elem});
    at_u64_add_relaxed(&s->count, 1); /* as the right one does */
  }
  go_rwmutex_runlock(g, &s->resize);
  if (!is_chosen) right.put(g, t, m, key, elem);
  GC_ROOTS_END(go_mu(g), roots);
}

/* All iterations count their way in one place, and pass over what another has counted. */
static struct at_u64 shared_place;

static bool visit_at_place(struct go_g *g, const void *key, void *elem, void *arg) {
  struct between *b = arg;
  uint64_t place = at_u64_add_relaxed(&shared_place, 1); /* wrong anyway */
  if (b->visits++ % 16 == 0) go_yield(g);
  return place != b->visits - 1 || b->visit(g, key, elem, b->arg);
}

static void each_at_shared_place(struct go_g *g, const struct map_type *t, void *m,
                                 map_visit *visit, void *arg) {
  struct between b = {visit, arg, 0};
  at_u64_store_relaxed(&shared_place, 0); /* wrong anyway */
  right.each(g, t, m, visit_at_place, &b);
}

/* ---- all of them ----------------------------------------------------------------------------- */

const struct wrong wrong_ways[] = {
  {"an insertion is lost now and then", NULL, {.put = put_now_and_then}},
  {"overwriting keeps the old value", NULL, {.put = put_once}},
  {"a removal that does nothing", NULL, {.remove = remove_nothing}},
  {"a removal of what is not there", NULL, {.remove = remove_unnoticed}},
  {"clearing does nothing", NULL, {.clear = clear_nothing}},
  {"counts one more", NULL, {.count = count_one_more}},
  {"an iteration passes over one", NULL, {.each = each_but_one}},
  {"two hashes", "sharded", {.get = get_by_another_hash}},
  {"promoted without copying", "syncmap", {.put = put_promoting_without_copying}},
  {"no tombstones", "swiss", {.remove = remove_without_tombstone}},
  {"an insertion lost in doubling", "java8", {.put = put_lost_in_doubling}},
  {0},
};

const struct wrong wrong_ending = {
  "an iteration that cannot be ended", NULL, {.each = each_to_the_end}};
const struct wrong wrong_trees = {"a node lost in a new tree", "java8", {.put = put_lost_in_tree}};

const struct wrong wrong_writers[] = {
  {"a cell chosen before locking", "go-mutex", {.put = put_chosen_before}},
  {"a cell filled without the lock", "bucket-spin", {.put = put_without_lock}},
  {0},
};

const struct wrong wrong_readers[] = {
  {"one place for all iterations", "go", {.each = each_at_shared_place}},
  {0},
};

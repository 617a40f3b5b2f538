/* sync.Map: its protocol step by step, many goroutines on the same keys, and that its check sees
 * every way it can be broken (covers syncmap.dirty). */
#include "designs.h"
#include "maps/kind_syncmap.h"

#include <stdlib.h>

static struct map_sync *map_of(struct subject *s) { return s->m; }
static struct map_sync_read *read_of(struct subject *s) { return map_of(s)->read; }

static struct map_sync_entry *entry_in(struct subject *s, void *map, uint64_t key) {
  struct map_any any = {.data = &key};
  void **slot = map_get(s->g, map_of(s)->type, map, &any);
  return slot == NULL ? NULL : *slot;
}
static struct map_sync_entry *read_entry(struct subject *s, uint64_t key) {
  return entry_in(s, read_of(s)->map, key);
}

static void counts(struct subject *s, uint64_t promotions, uint64_t misses, int64_t dirty) {
  struct map_kind_stats stats = subject_stats(s);
  CHECK_U64(stats.promotions, promotions);
  CHECK_U64(stats.misses, misses);
  CHECK_U64(map_count(map_of(s)->dirty), dirty);
  CHECK_U64(read_of(s)->amended, map_of(s)->dirty != NULL);
  subject_expect(s, NULL);
}

static bool count_visits(struct go_g *g, const void *key, void *elem, void *arg) {
  (void)g, (void)key, (void)elem;
  ++*(uint64_t *)arg;
  return true;
}

/* ---- step by step --------------------------------------------------------------------------- */

static void promotion(struct subject *s) {
  for (uint64_t key = 1; key <= 3; key++)
    subject_put(s, key);
  counts(s, 0, 0, 3);
  HOLDS(subject_has(s, 1) && subject_has(s, 2));
  counts(s, 0, 2, 3);
  HOLDS(!subject_has(s, 77)); /* a miss counts whether it finds the key or not */
  counts(s, 1, 3, 0);
  HOLDS(subject_has(s, 1) && !subject_has(s, 77) && !subject_remove(s, 77));
  void *before = read_entry(s, 1)->value;
  subject_put(s, 1);
  CHECK(read_entry(s, 1)->value != before, "an overwritten value keeps its box");
  counts(s, 1, 3, 0);
}

static void expunging(struct subject *s) {
  struct map_sync_entry *entry = read_entry(s, 2);
  HOLDS(subject_remove(s, 2) && !subject_remove(s, 2) && !subject_has(s, 2));
  HOLDS(entry->value == NULL);
  subject_put(s, 4); /* the dirty map is made, without key 2 */
  counts(s, 1, 3, 3);
  HOLDS(entry->value == &map_sync_expunged && !subject_has(s, 2) && !subject_remove(s, 2));
  subject_put(s, 2); /* the same entry is in both maps again */
  counts(s, 1, 3, 4);
  HOLDS(read_entry(s, 2) == entry && entry_in(s, map_of(s)->dirty, 2) == entry);
  HOLDS(subject_has(s, 2));
  HOLDS(subject_remove(s, 4));
  counts(s, 1, 4, 3);
  HOLDS(!subject_has(s, 4));
  counts(s, 1, 5, 3);
}

static void ranging(struct subject *s) {
  uint64_t visits = 0;
  subject_put(s, 5);
  s->kind->each(s->g, s->t, s->m, count_visits, &visits);
  CHECK_U64(visits, 4);
  counts(s, 2, 5, 0);
  CHECK_U64(map_of(s)->misses, 0);
  CHECK_U64(s->kind->count(s->g, s->m), 4);
  HOLDS(subject_remove(s, 5));
  CHECK_U64(s->kind->count(s->g, s->m), 3);
  s->kind->clear(s->g, s->t, s->m);
  CHECK_U64(s->kind->count(s->g, s->m), 0);
  counts(s, 2, 5, 0);
}

static void protocol_main(struct go_g *g, void *arg, void *heap_arg) {
  struct subject s;
  (void)arg, (void)heap_arg;
  GC_ROOTS(go_mu(g), roots, 1);
  subject_make(&s, g, &map_kind_syncmap, 0, &roots[0]);
  counts(&s, 0, 0, 0);
  promotion(&s);
  expunging(&s);
  ranging(&s);
  GC_ROOTS_END(go_mu(g), roots);
}

static void test_protocol(void **state) {
  (void)state;
  test_run(protocol_main, NULL);
}

/* ---- allocation ----------------------------------------------------------------------------- */

/* Allocations of storing one key; the bytes in *bytes. */
static uint64_t cost_of_put(struct subject *s, uint64_t key, uint64_t *bytes) {
  struct gc_totals before, after;
  gc_totals_read(go_mu(s->g), &before);
  subject_put(s, key);
  gc_totals_read(go_mu(s->g), &after);
  *bytes = after.bytes_allocated - before.bytes_allocated;
  return after.mallocs - before.mallocs;
}

/* As Go's: a new key in five objects, of which the two integers share a block; an overwritten one
 * in three; small integers in none. The map has room, so it allocates nothing. */
static void allocation_main(struct go_g *g, void *arg, void *heap_arg) {
  struct subject s;
  uint64_t bytes;
  (void)arg, (void)heap_arg;
  GC_ROOTS(go_mu(g), roots, 1);
  subject_make(&s, g, &map_kind_syncmap, 0, &roots[0]);
  subject_put(&s, 1); /* makes the dirty map and its bucket */
  CHECK_U64(cost_of_put(&s, 1000, &bytes), 5);
  CHECK_U64(bytes, 16 + 16 + 16 + 8);
  CHECK_U64(cost_of_put(&s, 1000, &bytes), 3);
  CHECK_U64(bytes, 16 + 16);
  CHECK_U64(cost_of_put(&s, 255, &bytes), 3);
  CHECK_U64(bytes, 16 + 16 + 8);
  CHECK_U64(cost_of_put(&s, 255, &bytes), 1);
  CHECK_U64(cost_of_put(&s, 256, &bytes), 5);
  GC_ROOTS_END(go_mu(g), roots);
}

static void test_allocation(void **state) {
  (void)state;
  test_run(allocation_main, NULL);
}

/* ---- a crowd on the same keys --------------------------------------------------------------- */

enum { GOROUTINES = 4, SHARED_KEYS = 48 };
enum { ROOT_MAP, ROOT_VALUE, ROOTS };

/* What a key holds: who put it there. A writer numbers its values, so that for one key none may
 * be seen after a later one of the same writer. */
struct value {
  uint64_t key, writer, number;
};
static PLAT_STATE struct gc_type value_type = {.name = "test.value", .size = sizeof(struct value)};

struct crowd {
  const struct map_type *t;
  uint64_t ops;
  struct at_u64 next;
  struct go_waitgroup done;
};

struct member {
  struct crowd *crowd;
  struct go_g *g;
  void **roots;
  uint64_t number, writes, draws;
  uint64_t newest[SHARED_KEYS][GOROUTINES];
};

static void look(struct member *me, uint64_t key, const struct value *v) {
  CHECK_U64(v->key, key);
  HOLDS(v->writer < GOROUTINES);
  if (key >= SHARED_KEYS)
    return;
  uint64_t *newest = &me->newest[key][v->writer];
  CHECK(v->number >= *newest, "key %llu went back in time", (unsigned long long)key);
  *newest = v->number;
}

static bool look_at_entry(struct go_g *g, const void *key, void *elem, void *arg) {
  struct value v;
  void *object;
  (void)arg, (void)g;
  memcpy(&object, elem, sizeof object);
  memcpy(&v, object, sizeof v);
  CHECK_U64(v.key, map_load_u64(key));
  return true;
}

static void write_one(struct member *me, uint64_t key) {
  struct value v = {key, me->number, ++me->writes};
  me->roots[ROOT_VALUE] = gc_alloc(go_mu(me->g), &value_type);
  memcpy(me->roots[ROOT_VALUE], &v, sizeof v);
  map_kind_syncmap.put(me->g, me->crowd->t, me->roots[ROOT_MAP], &key, &me->roots[ROOT_VALUE]);
}

static void one_op(struct member *me) {
  const struct map_kind *kind = &map_kind_syncmap;
  const struct map_type *t = me->crowd->t;
  void *m = me->roots[ROOT_MAP];
  uint64_t key = rng_fastrandn(&me->draws, SHARED_KEYS);
  uint32_t what = rng_fastrandn(&me->draws, 1000);
  if (what < 500) {
    if (kind->get(me->g, t, m, &key, &me->roots[ROOT_VALUE]))
      look(me, key, me->roots[ROOT_VALUE]);
  } else if (what < 750) {
    write_one(me, key);
  } else if (what < 900) {
    kind->remove(me->g, t, m, &key);
  } else if (what < 990) { /* keys of its own, which come and go */
    key = SHARED_KEYS + me->number + GOROUTINES * rng_fastrandn(&me->draws, 64);
    if (!kind->remove(me->g, t, m, &key))
      write_one(me, key);
  } else {
    kind->each(me->g, t, m, look_at_entry, NULL);
  }
}

static void member_main(struct go_g *g, void *arg, void *heap_arg) {
  struct crowd *c = arg;
  struct member *me = calloc(1, sizeof *me);
  GC_ROOTS(go_mu(g), roots, ROOTS);
  me->crowd = c;
  me->g = g;
  me->roots = roots;
  me->number = at_u64_add_relaxed(&c->next, 1);
  me->draws = 31 + me->number;
  roots[ROOT_MAP] = heap_arg;
  for (uint64_t i = 0; i < c->ops; i++) {
    one_op(me);
    gc_poll(go_mu(g));
  }
  GC_ROOTS_END(go_mu(g), roots);
  free(me);
  go_waitgroup_done(g, &c->done);
}

static void crowd_main(struct go_g *g, void *arg, void *heap_arg) {
  struct crowd *c = arg;
  struct map_params params = {.hint = 0};
  struct map_kind_stats stats;
  const char *why;
  (void)heap_arg;
  gc_type_register(&value_type);
  c->t = map_type_new(MAP_KEY_U64, 0, MAP_ELEM_POINTER, 0, TEST_HASH_KEY);
  GC_ROOTS(go_mu(g), roots, 1);
  roots[0] = map_kind_syncmap.create(g, c->t, &params);
  go_waitgroup_add(g, &c->done, GOROUTINES);
  for (int i = 0; i < GOROUTINES; i++)
    go_spawn(g, "member", member_main, c, roots[0]);
  go_waitgroup_wait(g, &c->done);
  CHECK(map_kind_syncmap.check(g, c->t, roots[0], &why), "%s", why);
  map_kind_syncmap.stats(g, c->t, roots[0], &stats);
  HOLDS(stats.promotions > 0 && stats.misses > 0);
  GC_ROOTS_END(go_mu(g), roots);
}

static void test_crowd(void **state) {
  (void)state;
  struct crowd c = {.ops = test_scaled(150000)};
  test_run_on(GOROUTINES, crowd_main, &c);
}

/* ---- broken --------------------------------------------------------------------------------- */

/* Keys 0..9 in the read map, 3 expunged; 100 and 101 in the dirty map only. */
static void fill(struct subject *s) {
  uint64_t visits = 0;
  for (uint64_t key = 0; key < 10; key++)
    subject_put(s, key);
  s->kind->each(s->g, s->t, s->m, count_visits, &visits);
  subject_remove(s, 3);
  subject_put(s, 100);
  subject_put(s, 101);
  HOLDS(read_entry(s, 3)->value == &map_sync_expunged);
}

static void set(struct subject *s, void **slot, void *to) { gc_store(go_mu(s->g), slot, to); }

static const char *late_promotion(struct subject *s) {
  map_of(s)->misses = map_count(map_of(s)->dirty);
  return "the dirty map should have been promoted";
}

static const char *not_amended(struct subject *s) {
  read_of(s)->amended = 0;
  return "the read map does not say whether there is a dirty map";
}

static const char *dropped_dirty(struct subject *s) {
  read_of(s)->amended = 0;
  set(s, &map_of(s)->dirty, NULL);
  return "an entry is expunged without a dirty map";
}

static const char *forgotten_misses(struct subject *s) {
  uint64_t visits = 0;
  s->kind->each(s->g, s->t, s->m, count_visits, &visits);
  map_of(s)->misses = 1;
  return "misses are counted without a dirty map";
}

static const char *expunged_but_there(struct subject *s) {
  set(s, &read_entry(s, 5)->value, &map_sync_expunged);
  return "an expunged key is in the dirty map";
}

static const char *missing_in_dirty(struct subject *s) {
  uint64_t key = 5;
  struct map_any any = {.data = &key};
  map_delete(s->g, map_of(s)->type, map_of(s)->dirty, &any);
  return "a key of the read map is missing from the dirty map";
}

static const char *two_entries(struct subject *s) {
  uint64_t key = 5;
  struct map_any any = {.data = &key};
  void **slot = map_get(s->g, map_of(s)->type, map_of(s)->dirty, &any);
  set(s, slot, read_entry(s, 6));
  return "a key has two entries";
}

static const char *expunged_in_dirty(struct subject *s) {
  set(s, &entry_in(s, map_of(s)->dirty, 100)->value, &map_sync_expunged);
  return "the dirty map has an expunged entry";
}

static const char *broken_read_map(struct subject *s) {
  ((struct map *)read_of(s)->map)->count++;
  return "count is not the number of entries";
}

static void broken_main(struct go_g *g, void *arg, void *heap_arg) {
  static break_fn *const ways[] = {
      late_promotion,   not_amended, dropped_dirty,     forgotten_misses, expunged_but_there,
      missing_in_dirty, two_entries, expunged_in_dirty, broken_read_map,
  };
  (void)arg, (void)heap_arg;
  break_all(g, &map_kind_syncmap, fill, ways, sizeof ways / sizeof ways[0]);
}

static void test_broken(void **state) {
  (void)state;
  test_run(broken_main, NULL);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_protocol),
      cmocka_unit_test(test_allocation),
      cmocka_unit_test(test_crowd),
      cmocka_unit_test(test_broken),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

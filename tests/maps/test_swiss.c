/* The swiss table: its growth to the slot, tombstones, misuse, and that its check sees every way it
 * can be broken (covers swiss.control, swiss.probe, swiss.directory). */
#include "designs.h"
#include "maps/kind_swiss.h"

static struct map_swiss *map_of(struct subject *s) { return s->m; }
static struct map_swiss_table *table_at(struct subject *s, uint64_t i) {
  void **directory = map_of(s)->directory;
  return directory[i];
}
static void *group_at(struct subject *s, struct map_swiss_table *table, uint64_t i) {
  return map_group_at(s->t, table->groups, i);
}
static uint8_t *control_of(void *group) { return group; }
static unsigned bits(unsigned n) { return (unsigned)__builtin_popcount(n); }

/* ---- growth --------------------------------------------------------------------------------- */

static void one_table(struct subject *s) {
  for (uint64_t key = 0; key < 896; key++) {
    subject_put(s, key);
    HOLDS(subject_has(s, key));
    CHECK_U64(map_of(s)->directory_count, key >= 8);
    if (key < 8)
      continue;
    uint64_t capacity = 16;
    while (capacity / 8 * 7 < key + 1)
      capacity *= 2;
    CHECK_U64(table_at(s, 0)->capacity, capacity);
    CHECK_U64(table_at(s, 0)->growth_left, capacity / 8 * 7 - key - 1);
  }
  subject_expect(s, NULL);
  CHECK_U64(subject_stats(s).s.growths, 7); /* 16, 32, ..., 1024 */
}

static void directory(struct subject *s) {
  subject_put(s, 896);
  CHECK_U64(map_of(s)->directory_count, 2);
  CHECK_U64(table_at(s, 0)->capacity, MAP_TABLE_SLOTS_MAX);
  CHECK_U64(table_at(s, 0)->used + table_at(s, 1)->used, 897);
  for (uint64_t key = 897; key < 20000; key++)
    subject_put(s, key);
  struct map_kind_stats stats = subject_stats(s);
  CHECK(stats.tables >= 23 && stats.tables <= stats.directory, "%llu tables",
        (unsigned long long)stats.tables);
  CHECK_U64(stats.s.growths, 7 + stats.tables - 1);
  subject_expect(s, NULL);
  for (uint64_t key = 0; key < 20000; key++)
    HOLDS(subject_has(s, key) && !subject_has(s, key + 20000));
}

/* A deletion from a full group leaves a tombstone, which the next fitting key takes over. */
static void tombstones(struct subject *s) {
  for (uint64_t key = 0; key < 14; key++)
    subject_put(s, key);
  struct map_swiss_table *table = table_at(s, 0);
  unsigned full[2], which;
  for (unsigned i = 0; i < 2; i++)
    full[i] = bits(map_slots_full(*map_group_control(group_at(s, table, i))));
  CHECK_U64(full[0] + full[1], 14);
  which = full[1] > full[0];
  void *group = group_at(s, table, which);
  bool tombstone = full[which] == MAP_GROUP_SLOTS;
  uint64_t key = map_load_u64(map_group_pair(s->t, group, 3));
  HOLDS(subject_remove(s, key) && !subject_remove(s, key) && !subject_has(s, key));
  CHECK_U64(control_of(group)[3], tombstone ? MAP_SLOT_DELETED : MAP_SLOT_EMPTY);
  CHECK_U64(table->growth_left, !tombstone);
  subject_expect(s, NULL);
  subject_put(s, key);
  CHECK_U64(table->growth_left, 0);
  CHECK_U64(table->used, 14);
  HOLDS(table_at(s, 0) == table);
  subject_expect(s, NULL);
}

static void hints(struct go_g *g, void **root) {
  static const struct {
    int64_t hint;
    uint64_t directory, capacity;
  } rows[] = {{-1, 0, 0},      {8, 0, 0},          {9, 1, 16},         {100, 1, 128},
              {896, 1, 1024},  {1000, 2, 1024},    {100000, 128, 1024}, {INT64_MAX, 0, 0}};
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    struct subject s;
    subject_make(&s, g, &map_kind_swiss, rows[i].hint, root);
    CHECK_U64(map_of(&s)->directory_count, rows[i].directory);
    for (uint64_t t = 0; t < rows[i].directory; t++)
      CHECK_U64(table_at(&s, t)->capacity, rows[i].capacity);
    subject_expect(&s, NULL);
  }
}

static void growth_main(struct go_g *g, void *arg, void *heap_arg) {
  struct subject s;
  (void)arg, (void)heap_arg;
  GC_ROOTS(go_mu(g), roots, 1);
  subject_make(&s, g, &map_kind_swiss, 0, &roots[0]);
  one_table(&s);
  directory(&s);
  for (int i = 0; i < 20; i++) { /* seeds differ: with and without a full group */
    subject_make(&s, g, &map_kind_swiss, 0, &roots[0]);
    tombstones(&s);
  }
  hints(g, &roots[0]);
  GC_ROOTS_END(go_mu(g), roots);
}

static void test_growth(void **state) {
  (void)state;
  test_run(growth_main, NULL);
}

/* ---- misuse --------------------------------------------------------------------------------- */

static bool never(struct go_g *g, const void *key, void *elem, void *arg) {
  (void)g, (void)key, (void)elem, (void)arg;
  return false;
}

static void misuse_main(struct go_g *g, void *arg, void *heap_arg) {
  struct subject s;
  (void)heap_arg;
  GC_ROOTS(go_mu(g), roots, 1);
  subject_make(&s, g, &map_kind_swiss, 0, &roots[0]);
  subject_put(&s, 1);
  at_u8_store_relaxed(&map_of(&s)->writing, 1); /* as another writer leaves it inside */
  switch (*(const char *)arg) {
    case 'p':
      subject_put(&s, 2);
      break;
    case 'r':
      subject_remove(&s, 1);
      break;
    case 'c':
      s.kind->clear(g, s.t, s.m);
      break;
    case 'g':
      subject_has(&s, 1);
      break;
    default:
      s.kind->each(g, s.t, s.m, never, NULL);
  }
  GC_ROOTS_END(go_mu(g), roots);
}

static void test_misuse(void **state) {
  static char how[] = "prcge";
  (void)state;
  test_dies(misuse_main, &how[0], "concurrent map writes");
  test_dies(misuse_main, &how[1], "concurrent map writes");
  test_dies(misuse_main, &how[2], "concurrent map writes");
  test_dies(misuse_main, &how[3], "concurrent map read and map write");
  test_dies(misuse_main, &how[4], "concurrent map iteration and map write");
}

/* ---- broken --------------------------------------------------------------------------------- */

static void fill(struct subject *s) {
  map_of(s)->seed = 99;
  for (uint64_t key = 0; key < 3580; key++)
    subject_put(s, key);
}
static void fill_small(struct subject *s) {
  for (uint64_t key = 0; key < 5; key++)
    subject_put(s, key);
}

/* A group of the first table with a key in slot 0 and an empty slot. */
static void *some_group(struct subject *s) {
  struct map_swiss_table *table = table_at(s, 0);
  for (uint64_t i = 0; i <= table->mask; i++) {
    void *group = group_at(s, table, i);
    unsigned full = map_slots_full(*map_group_control(group));
    if ((full & 1) != 0 && full != 0xff)
      return group;
  }
  test_failed(__FILE__, __LINE__, "a fitting group", " ");
}

static const char *wrong_count(struct subject *s) {
  map_of(s)->used++;
  return "count is not the number of entries";
}

static const char *wrong_control(struct subject *s) {
  control_of(some_group(s))[0] ^= 1;
  return "control byte does not match the key";
}

static const char *odd_control(struct subject *s) {
  control_of(some_group(s))[0] = 0x81;
  return "a control byte has no meaning";
}

static const char *lost_key(struct subject *s) {
  control_of(some_group(s))[0] = MAP_SLOT_DELETED;
  return "a table's count is not the number of its keys";
}

static const char *wrong_room(struct subject *s) {
  table_at(s, 0)->growth_left++;
  return "a table's room is not what its keys and tombstones leave";
}

static const char *duplicate(struct subject *s) {
  void *group = some_group(s);
  unsigned to = (unsigned)__builtin_ctz(map_slots_empty(*map_group_control(group)));
  memcpy(map_group_pair(s->t, group, to), map_group_pair(s->t, group, 0), 16);
  control_of(group)[to] = control_of(group)[0];
  return "a key is there twice";
}

/* Empties a slot of the full group where the probe for a key of another group begins. */
static const char *hole(struct subject *s) {
  struct map_swiss_table *table = table_at(s, 0);
  for (uint64_t i = 0; i <= table->mask; i++) {
    void *group = group_at(s, table, i);
    unsigned full = map_slots_full(*map_group_control(group));
    for (; full != 0; full &= full - 1) {
      void *pair = map_group_pair(s->t, group, (unsigned)__builtin_ctz(full));
      uint64_t hash = map_swiss_hash(s->g, s->t, map_of(s), pair);
      uint64_t first = map_probe_begin(hash, table->mask).offset;
      if (first == i)
        continue;
      control_of(group_at(s, table, first))[0] = MAP_SLOT_EMPTY;
      return "a reader does not find a key";
    }
  }
  test_failed(__FILE__, __LINE__, "a key outside its first group", " ");
}

static const char *wrong_capacity(struct subject *s) {
  table_at(s, 0)->capacity = 512;
  return "a table's capacity is impossible";
}

static const char *wrong_index(struct subject *s) {
  table_at(s, 0)->index = 1;
  return "a table is not where its index says";
}

static const char *wrong_depth(struct subject *s) {
  table_at(s, 0)->local_depth = 60;
  return "a directory entry has no table of its depth";
}

/* Another table takes the second entry of one with several. */
static const char *stolen_entry(struct subject *s) {
  void **entries = map_of(s)->directory;
  for (uint64_t i = 1; i < map_of(s)->directory_count; i++) {
    if (entries[i] != entries[i - 1])
      continue;
    gc_store(go_mu(s->g), &entries[i], table_at(s, i == 1 ? 2 : 0));
    return "a table is missing from its directory entries";
  }
  test_failed(__FILE__, __LINE__, "a table with two entries", " ");
}

static const char *wrong_global_depth(struct subject *s) {
  map_of(s)->directory_count /= 2;
  return "the directory is not as large as its depth says";
}

/* Two tables change places, index and all. */
static const char *swapped(struct subject *s) {
  void **entries = map_of(s)->directory;
  struct map_swiss_table *two[2] = {NULL, NULL};
  for (uint64_t i = 0, n = 0; n < 2; i++) {
    HOLDS(i < map_of(s)->directory_count);
    if (table_at(s, i)->local_depth == map_of(s)->global_depth)
      two[n++] = table_at(s, i);
  }
  int64_t first = two[0]->index;
  two[0]->index = two[1]->index;
  two[1]->index = first;
  for (int n = 0; n < 2; n++)
    gc_store(go_mu(s->g), &entries[two[n]->index], two[n]);
  return "a reader does not find a key";
}

static const char *still_writing(struct subject *s) {
  at_u8_store_relaxed(&map_of(s)->writing, 1);
  return "the map is being written";
}

static const char *small_tombstone(struct subject *s) {
  control_of(map_of(s)->directory)[1] = MAP_SLOT_DELETED;
  return "a small map has a tombstone";
}

static void broken_main(struct go_g *g, void *arg, void *heap_arg) {
  static break_fn *const ways[] = {
      wrong_count, wrong_control, odd_control,  lost_key,           wrong_room, duplicate, hole,
      wrong_capacity, wrong_index, wrong_depth, wrong_global_depth, swapped,    still_writing,
      stolen_entry,
  };
  static break_fn *const small_ways[] = {wrong_count, small_tombstone};
  (void)arg, (void)heap_arg;
  break_all(g, &map_kind_swiss, fill, ways, sizeof ways / sizeof ways[0]);
  break_all(g, &map_kind_swiss, fill_small, small_ways, 2);
}

static void test_broken(void **state) {
  (void)state;
  test_run(broken_main, NULL);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_growth),
      cmocka_unit_test(test_misuse),
      cmocka_unit_test(test_broken),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

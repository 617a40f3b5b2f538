/* The faults of maps/faults.def that need no other goroutine: each breaks a map where it says, and
 * map_check() sees it; without the fault the same operations leave a good map. */
#include "support.h"

/* What a scene does to a map, and the words map_check says of it with the fault. */
struct scene {
  enum map_fault fault;
  void (*act)(struct go_g *g, const struct map_type *t, struct map *m);
  const char *words;
};

/* 13 keys make two full buckets or an overflow bucket, 14 a growth of two old buckets. */
enum { FULL = 13, SEEDS = 200 };

static void fill(struct go_g *g, const struct map_type *t, struct map *m) {
  for (uint64_t i = 0; i < FULL; i++)
    test_put(g, t, m, i, i);
}

static void grow(struct go_g *g, const struct map_type *t, struct map *m) {
  fill(g, t, m);
  test_put(g, t, m, FULL, FULL);
}

static void grow_and_overwrite(struct go_g *g, const struct map_type *t, struct map *m) {
  grow(g, t, m);
  for (uint64_t i = 0; i < FULL; i++)
    if (map_is_growing(m))
      test_put(g, t, m, 100 + i, 100 + i);
}

static const struct scene scenes[] = {
    {MAP_FAULT_OVERFLOW_UNLISTED, fill, "an overflow bucket is in no list that keeps it alive"},
    {MAP_FAULT_EVACUATION_MARK_TOO_FAR, grow, "count is not the number of entries"},
    {MAP_FAULT_STALE_BUCKET_WRITTEN, grow_and_overwrite, "count is not the number of entries"},
};

/* How many of the maps of one scene are broken; each has a type and a seed of its own. */
static uint32_t broken(struct go_g *g, const struct scene *s, uint64_t faults) {
  uint32_t count = 0;
  for (uint32_t seed = 1; seed <= SEEDS; seed++) {
    const struct map_type *t = map_type_new(MAP_KEY_U64, 0, MAP_ELEM_BYTES, 8, TEST_HASH_KEY);
    map_type_set_faults(t, faults);
    GC_ROOTS(go_mu(g), roots, 1);
    struct map *m = roots[0] = test_ints(g, t, seed);
    const char *why = NULL;
    s->act(g, t, m);
    bool good = map_check(g, t, m, &why);
    CHECK(good || strcmp(why, s->words) == 0, "said: %s", why);
    count += !good;
    GC_ROOTS_END(go_mu(g), roots);
  }
  return count;
}

static void run_scenes(struct go_g *g, void *arg, void *heap_arg) {
  (void)arg, (void)heap_arg;
  for (size_t i = 0; i < sizeof scenes / sizeof scenes[0]; i++) {
    CHECK_U64(broken(g, &scenes[i], 0), 0);
    CHECK(broken(g, &scenes[i], map_fault_bit(scenes[i].fault)) > 0, "scene %u", (unsigned)i);
  }
}

static void faults_break_maps(void **state) {
  (void)state;
  test_run(run_scenes, NULL);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(faults_break_maps)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* The model's caches: which access is a coherence miss, what it costs, and false sharing. */
#include <string.h>

#include "plat_model.h"
#include "support.h"

enum { WORDS_A_LINE = 8 };

/* Lines by themselves: a page. */
static PLAT_STATE struct at_u64 *cells;

static void cells_make(bool in_stacks) {
  cells = in_stacks ? plat_vm_reserve_stacks(8192) : plat_vm_reserve(8192, 8192);
  rt_assert(cells != NULL && plat_vm_commit(cells, 8192) == RT_OK);
}

/* ---- one access after the other -------------------------------------------------------------- */

/* "R3 0": processor 3 reads word 0. Each says whether it must be a read miss, a write miss or none;
 * the steps are done by one thread that changes processors. */
struct access {
  char what;
  uint32_t processor, word;
  char miss;
};

static struct plat_model_misses misses_of(uint32_t processor) {
  struct plat_model_misses m;
  plat_model_misses_read(processor, &m);
  return m;
}

static void play(const struct access *list) {
  for (const struct access *a = list; a->what != 0; a++) {
    plat_on_processor(a->processor);
    struct plat_model_misses before = misses_of(a->processor);
    uint64_t begin_ps = plat_model_hot.clock_ps;
    if (a->what == 'R') at_u64_load_relaxed(&cells[a->word]);
    if (a->what == 'W') at_u64_store_relaxed(&cells[a->word], 1);
    if (a->what == 'X') at_u64_add_relaxed(&cells[a->word], 1);
    struct plat_model_misses after = misses_of(a->processor);
    uint64_t extra_ps = plat_model_hot.clock_ps - begin_ps - plat_model_hot.cost_ps[PLAT_COST_step];
    char miss = after.read > before.read ? 'r' : after.write > before.write ? 'w' : '-';
    if (miss != a->miss)
      rt_die("access %d: expected %c, found %c", (int)(a - list), a->miss, miss);
    uint64_t cost = miss == 'r'   ? plat_model_hot.cost_ps[PLAT_COST_line_miss_read]
                    : miss == 'w' ? plat_model_hot.cost_ps[PLAT_COST_line_miss_write]
                                  : 0;
    rt_assert(extra_ps == cost);
  }
}

static void body_private(void) {
  static const struct access list[] = {
      {'R', 1, 0, '-'}, {'W', 1, 0, '-'}, {'R', 1, 1, '-'}, {'X', 1, 7, '-'},
      {'W', 2, 8, '-'}, {'W', 1, 0, '-'}, {0}};
  cells_make(false);
  play(list);
}

static void body_shared(void) {
  static const struct access list[] = {
      {'W', 1, 0, '-'}, {'R', 2, 0, 'r'}, {'R', 2, 5, '-'}, {'R', 1, 0, '-'}, {'R', 3, 0, 'r'},
      {'W', 2, 0, 'w'}, {'W', 2, 0, '-'}, {'R', 1, 0, 'r'}, {'W', 2, 1, 'w'}, {0}};
  cells_make(false);
  play(list);
}

/* Lines nobody wrote are shared freely. */
static void body_read_only(void) {
  static const struct access list[] = {
      {'R', 1, 0, '-'}, {'R', 2, 0, '-'}, {'R', 3, 3, '-'}, {'X', 1, 0, '-'}, {'R', 3, 0, 'r'},
      {0}};
  cells_make(false);
  play(list);
}

/* 1 and 65 share a bit, but not when they write in turns. */
static void body_many_processors(void) {
  static const struct access list[] = {
      {'W', 1, 0, '-'},  {'W', 65, 0, 'w'},  {'W', 1, 0, 'w'},    {'R', 65, 0, 'r'},
      {'R', 65, 0, '-'}, {'W', 1023, 0, 'w'}, {'R', 959, 0, 'r'}, {0}};
  cells_make(false);
  play(list);
}

/* Where something lies on a stack is the compiler's business. */
static const struct access free_of_charge[] = {
    {'W', 1, 0, '-'}, {'W', 2, 0, '-'}, {'R', 3, 1, '-'}, {'X', 1, 0, '-'}, {0}};

static void body_goroutine_stacks(void) {
  cells_make(true);
  play(free_of_charge);
}

static void body_thread_stacks(void) {
  struct at_u64 own[WORDS_A_LINE];
  for (int i = 0; i < WORDS_A_LINE; i++) at_u64_init(&own[i], 0);
  cells = own;
  play(free_of_charge);
}

static void test_accesses(void **state) {
  (void)state;
  test_run(body_private);
  test_run(body_shared);
  test_run(body_read_only);
  test_run(body_many_processors);
}

static void test_stacks(void **state) {
  (void)state;
  test_run(body_goroutine_stacks);
  test_run(body_thread_stacks);
}

/* Nor does it move anything in the arena. */
static void body_offsets(void) {
  void *first = plat_vm_reserve(8192, 8192);
  void *stacks = plat_vm_reserve_stacks(5 * 8192), *second = plat_vm_reserve(8192, 8192);
  rt_assert(first != NULL && stacks != NULL && second != NULL);
  rt_assert(plat_model_object(second) == plat_model_object(first) + 8192);
  rt_assert(plat_model_region_of(plat_model_object(stacks)) == PLAT_REGION_STACKS);
  plat_vm_release(stacks, 5 * 8192);
  rt_assert(plat_vm_reserve_stacks(2 * 8192) == stacks); /* first fit there, too */
}

static void test_offsets(void **state) {
  (void)state;
  test_run(body_offsets);
}

/* A run begins with nothing in any cache. */
static void test_forgets(void **state) {
  (void)state;
  test_run(body_shared);
  test_run(body_shared);
  assert_int_equal(misses_of(2).write, 2);
  assert_int_equal(misses_of(1).write, 0);
}

/* ---- false sharing --------------------------------------------------------------------------- */

enum { STORES = 10000 };
static uint32_t stride; /* words between the two threads' cells */

static void storer(void *arg) {
  uint32_t number = (uint32_t)(uintptr_t)arg;
  plat_on_processor(number);
  for (uint64_t i = 0; i < STORES; i++) at_u64_store_relaxed(&cells[number * stride], i);
}

static void body_storers(void) {
  struct plat_thread threads[2];
  cells_make(false);
  for (uintptr_t i = 0; i < 2; i++)
    rt_assert(plat_thread_start(&threads[i], "store", storer, (void *)i) == RT_OK);
  for (int i = 0; i < 2; i++) plat_thread_join(&threads[i]);
}

static uint64_t time_of(uint32_t words_apart) {
  struct plat_model_stats stats;
  stride = words_apart;
  test_run(body_storers);
  plat_model_stats_read(&stats);
  return stats.end_ps;
}

static void test_false_sharing(void **state) {
  (void)state;
  uint64_t together = time_of(1);
  assert_true(misses_of(0).write > STORES / 2 && misses_of(1).write > STORES / 2);
  assert_int_equal(misses_of(0).read, 0);
  uint64_t apart = time_of(WORDS_A_LINE);
  assert_true(misses_of(0).write + misses_of(1).write < 10);
  assert_true(together > 3 * apart);
}

/* ---- the last level: what is near ------------------------------------------------------------ */

enum { MEMORY_BYTES = 32 << 20, CACHE_BYTES = 8 << 20 };

static uint64_t need_ps(const char *p) {
  uint64_t begin_ps = plat_model_hot.clock_ps;
  plat_cache_need(p);
  return plat_model_hot.clock_ps - begin_ps;
}

static void body_memory(void) {
  uint64_t miss_ps = plat_model_hot.cost_ps[PLAT_COST_cache_miss];
  char local = 0, *memory = plat_vm_reserve(MEMORY_BYTES, 8192);
  rt_assert(memory != NULL);
  rt_assert(need_ps(memory) == miss_ps);
  rt_assert(need_ps(memory + 127) == 0); /* the line beside it came along */
  rt_assert(need_ps(memory + 128) == miss_ps);
  rt_assert(need_ps(memory + CACHE_BYTES) == miss_ps);
  rt_assert(need_ps(memory) == miss_ps); /* that one has taken its place */
  rt_assert(need_ps(&local) == 0);       /* no heap */
  plat_cache_fetch(memory + 256);
  plat_charge(PLAT_COST_compute, 10);
  uint64_t rest_ps = miss_ps - 10 * plat_model_hot.cost_ps[PLAT_COST_compute];
  rt_assert(need_ps(memory + 256) == rest_ps); /* asked for in time: only the rest */
  rt_assert(need_ps(memory + 256) == 0);
  rt_assert(plat_model_cache_misses() == 5);
}

static int memory_main(void *arg) {
  (void)arg;
  body_memory();
  return 0;
}

/* Twice the same: a run begins with nothing near. */
static void test_memory(void **state) {
  (void)state;
  for (int i = 0; i < 2; i++) {
    assert_int_equal(plat_main(memory_main, NULL), 0);
    plat_model_reset();
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_accesses),
      cmocka_unit_test(test_stacks),
      cmocka_unit_test(test_offsets),
      cmocka_unit_test(test_forgets),
      cmocka_unit_test(test_false_sharing),
      cmocka_unit_test(test_memory),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

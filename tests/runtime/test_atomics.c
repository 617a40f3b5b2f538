/* The atomics' meaning, one thread; no update is lost, many threads. Both platforms. */
#include "support.h"

#define CHECK_TYPE(T, V, one, two, three)                                                  \
  static void check_##T(void) {                                                            \
    struct at_##T cell;                                                                    \
    V expected = (two);                                                                    \
    at_##T##_init(&cell, (one));                                                           \
    rt_assert(at_##T##_load_relaxed(&cell) == (one));                                      \
    at_##T##_store_relaxed(&cell, (two));                                                  \
    rt_assert(at_##T##_load_acquire(&cell) == (two));                                      \
    at_##T##_store_release(&cell, (three));                                                \
    rt_assert(at_##T##_load_seq(&cell) == (three));                                        \
    at_##T##_store_seq(&cell, (one));                                                      \
    rt_assert(at_##T##_xchg_acqrel(&cell, (three)) == (one));                              \
    rt_assert(!at_##T##_cas_acqrel(&cell, &expected, (one)));                              \
    rt_assert(expected == (three));                                                        \
    rt_assert(at_##T##_cas_acqrel(&cell, &expected, (two)));                               \
    rt_assert(at_##T##_load_relaxed(&cell) == (two));                                      \
  }
CHECK_TYPE(u8, uint8_t, 1, 200, 255)
CHECK_TYPE(u32, uint32_t, 1, 2, UINT32_MAX)
CHECK_TYPE(u64, uint64_t, 1, 2, UINT64_MAX)
CHECK_TYPE(i64, int64_t, 1, -2, INT64_MIN)
CHECK_TYPE(ptr, void *, (void *)&"a", (void *)&"bc", NULL)

static void check_arithmetic(void) {
  struct at_u8 a = {0};
  struct at_u32 b = {0};
  struct at_u64 c = {0};
  struct at_i64 d = {0};
  at_u8_init(&a, 250);
  rt_assert(at_u8_add_relaxed(&a, 10) == 250 && at_u8_load_relaxed(&a) == 4);
  rt_assert(at_u8_or_relaxed(&a, 0x81) == 4 && at_u8_and_acqrel(&a, 0x80) == 0x85);
  rt_assert(at_u8_or_acqrel(&a, 1) == 0x80 && at_u8_load_relaxed(&a) == 0x81);
  rt_assert(at_u32_add_acqrel(&b, UINT32_MAX) == 0 && at_u32_add_seq(&b, 2) == UINT32_MAX);
  rt_assert(at_u32_load_relaxed(&b) == 1);
  rt_assert(at_u64_add_relaxed(&c, UINT64_MAX) == 0 && at_u64_or_acqrel(&c, 1) == UINT64_MAX);
  rt_assert(at_i64_add_seq(&d, INT64_MAX) == 0 && at_i64_add_relaxed(&d, 1) == INT64_MAX);
  rt_assert(at_i64_load_relaxed(&d) == INT64_MIN);
}

static void check_plain(void) {
  uint8_t small = 3;
  uint64_t large = 1;
  void *slot = NULL;
  const uint8_t *view = &small;
  plat_st(&small, (uint8_t)(plat_ld(view) | 4));
  rt_assert(plat_ld(&small) == 7);
  plat_st(&large, plat_ld(&large) + 1);
  rt_assert(large == 2);
  plat_slot_store(&slot, &small);
  rt_assert(plat_slot_load(&slot) == &small);
  plat_touch_read(&large, sizeof large);
  plat_touch_write(&large, sizeof large);
  at_fence_seq();
  at_fence_publish();
}

static void single_thread(void **state) {
  (void)state;
  test_run(check_u8);
  test_run(check_u32);
  test_run(check_u64);
  test_run(check_i64);
  test_run(check_ptr);
  test_run(check_arithmetic);
  test_run(check_plain);
}

enum { THREADS = 4 };

static struct {
  uint64_t rounds;
  struct at_u64 added, swapped;
  struct at_u32 bits;
  struct at_u8 octet;
} shared;

static void hammer(void *arg) {
  uint32_t bit = 1u << *(const uint32_t *)arg;
  for (uint64_t i = 0; i < shared.rounds; i++) {
    at_u64_add_relaxed(&shared.added, 1);
    at_u8_add_relaxed(&shared.octet, 1);
    uint64_t seen = at_u64_load_relaxed(&shared.swapped);
    while (!at_u64_cas_acqrel(&shared.swapped, &seen, seen + 1)) continue;
    rt_assert((at_u32_or_acqrel(&shared.bits, bit) & bit) == 0);
    rt_assert((at_u32_and_acqrel(&shared.bits, ~bit) & bit) != 0);
  }
}

static void hammer_body(void) {
  struct plat_thread threads[THREADS];
  uint32_t index[THREADS];
  at_u64_init(&shared.added, 0);
  at_u64_init(&shared.swapped, 0);
  at_u8_init(&shared.octet, 0);
  shared.rounds = test_scaled(50000);
  for (uint32_t i = 0; i < THREADS; i++) {
    index[i] = i;
    rt_assert(plat_thread_start(&threads[i], "hammer", hammer, &index[i]) == RT_OK);
  }
  for (uint32_t i = 0; i < THREADS; i++) plat_thread_join(&threads[i]);
  rt_assert(at_u64_load_relaxed(&shared.added) == THREADS * shared.rounds);
  rt_assert(at_u64_load_relaxed(&shared.swapped) == THREADS * shared.rounds);
  rt_assert(at_u8_load_relaxed(&shared.octet) == (uint8_t)(THREADS * shared.rounds));
  rt_assert(at_u32_load_relaxed(&shared.bits) == 0);
}

static void no_update_is_lost(void **state) {
  (void)state;
  test_run(hammer_body);
}

/* Publication: data written before a release store is seen after the acquire load of it. */
static struct {
  uint64_t data;
  struct at_u64 published, taken;
} box;

static void publish(void *arg) {
  uint64_t rounds = *(const uint64_t *)arg;
  for (uint64_t i = 1; i <= rounds; i++) {
    while (at_u64_load_acquire(&box.taken) != i - 1) plat_relax(); /* pairs with receive_body */
    box.data = i * i;
    at_u64_store_release(&box.published, i); /* pairs with receive_body */
  }
}

static void receive_body(void) {
  struct plat_thread thread;
  uint64_t rounds = test_scaled(2000);
  at_u64_init(&box.published, 0);
  at_u64_init(&box.taken, 0);
  rt_assert(plat_thread_start(&thread, "publish", publish, &rounds) == RT_OK);
  for (uint64_t i = 1; i <= rounds; i++) {
    uint32_t spins = 0;
    while (at_u64_load_acquire(&box.published) != i) { /* pairs with publish */
      plat_relax();
      if (++spins % 1000 == 0) plat_yield();
    }
    rt_assert(box.data == i * i);
    at_u64_store_release(&box.taken, i); /* pairs with publish */
  }
  plat_thread_join(&thread);
}

static void release_publishes(void **state) {
  (void)state;
  test_run(receive_body);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(single_thread),
      cmocka_unit_test(no_update_is_lost),
      cmocka_unit_test(release_publishes),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

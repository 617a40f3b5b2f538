/* Work buffers: order, hand-over and balance of one P (F3.5), and the global stacks under many
 * threads: nothing lost, nothing doubled. Covers the shapes of gc/concurrent/workbuf.h. */
#include <stdlib.h>

#include "gc/concurrent/workbuf.h"
#include "tests/mark/numbers.h"
#include "tests/mark/support.h"

enum { N = GC_WORKBUF_ENTRIES };

static void put_range(struct gc_worker *w, uintptr_t first, uintptr_t count) {
  for (uintptr_t i = 0; i < count; i++) gc_work_put(w, first + i);
}

/* Takes everything; asserts that exactly 1..count came. */
static void expect_all(struct gc_worker *w, uintptr_t count) {
  uint8_t *seen = calloc(count + 1, 1);
  uintptr_t object, n = 0;
  for (; (object = gc_work_get(w)) != 0; n++) {
    assert_true(object <= count);
    assert_int_equal(seen[object], 0);
    seen[object] = 1;
  }
  assert_u64(n, count);
  free(seen);
}

static void done(struct gc_worker *w) {
  assert_true(gc_work_is_empty(w));
  gc_work_dispose(w);
  assert_null(w->first);
  assert_true(gc_work_global_is_empty());
  assert_u64(gc_workbuf_count_empty(), gc_workbuf_allocated());
  w->flushed_work = false;
}

static void test_lifo(void **state) {
  (void)state;
  struct gc_worker w = {0};
  assert_true(gc_work_is_empty(&w));
  assert_u64(gc_work_get(&w), 0);
  put_range(&w, 1, 10);
  assert_false(gc_work_is_empty(&w));
  for (uintptr_t i = 10; i > 0; i--) assert_u64(gc_work_get(&w), i);
  assert_false(w.flushed_work);
  done(&w);
}

/* Two buffers fill before anything becomes global; then one at a time does (F3.5.3). */
static void test_overflow(void **state) {
  (void)state;
  struct gc_worker w = {0};
  put_range(&w, 1, 2 * N);
  assert_false(w.flushed_work);
  assert_true(gc_work_global_is_empty());
  assert_true(gc_work_put(&w, 2 * N + 1));
  assert_true(w.flushed_work);
  assert_false(gc_work_global_is_empty());
  assert_u64(w.first->count, 1);
  assert_u64(w.second->count, N);
  expect_all(&w, 2 * N + 1);
  done(&w);
}

/* putBatch does not care whether the second buffer has room (F3.5.5). */
static void test_batch(void **state) {
  (void)state;
  struct gc_worker w = {0};
  uintptr_t objects[N + 10];
  for (uintptr_t i = 0; i < N + 10; i++) objects[i] = i + 1;
  assert_false(gc_work_put_batch(&w, objects, 0));
  assert_null(w.first);
  assert_false(gc_work_put_batch(&w, objects, N));
  assert_true(gc_work_put_batch(&w, objects + N, 10));
  assert_true(w.flushed_work);
  assert_u64(w.first->count, 10);
  assert_u64(w.second->count, 0);
  assert_u64(w.first->entry[9], N + 10); /* the last is scanned first */
  expect_all(&w, N + 10);
  done(&w);
}

/* Balance gives the spare buffer, or the older half of the current one (F3.5.6). */
static void test_balance(void **state) {
  (void)state;
  struct gc_worker w = {0};
  assert_false(gc_work_balance(&w));
  put_range(&w, 1, 4);
  assert_false(gc_work_balance(&w));
  put_range(&w, 5, 3);
  assert_true(gc_work_balance(&w)); /* of 7, the last 3 stay */
  assert_u64(w.first->count, 3);
  assert_u64(w.first->entry[0], 5);
  assert_true(w.flushed_work);
  expect_all(&w, 7);
  put_range(&w, 1, N + 1); /* the first of two buffers is full and spare */
  assert_u64(w.second->count, N);
  assert_true(gc_work_balance(&w));
  assert_u64(w.second->count, 0);
  expect_all(&w, N + 1);
  done(&w);
}

/* A worker without buffers takes global work along with its first. */
static void test_attach(void **state) {
  (void)state;
  struct gc_worker a = {0}, b = {0};
  put_range(&a, 1, 5);
  gc_work_dispose(&a);
  assert_true(a.flushed_work);
  gc_work_put(&b, 6);
  assert_true(gc_work_global_is_empty());
  assert_u64(b.second->count, 5);
  expect_all(&b, 6);
  done(&b);
}

/* ---- threads -------------------------------------------------------------------------------- */

enum { THREADS = 4 };

static struct {
  uint64_t per_thread;
  struct at_u8 *seen;      /* by object: times taken */
  struct at_u64 taken;
} many;

static void churn(void *arg) {
  uintptr_t first = 1 + (uintptr_t)arg * many.per_thread;
  uint64_t random = 1 + (uintptr_t)arg;
  uint64_t put = 0;
  uint64_t total = THREADS * many.per_thread;
  struct gc_worker w = {0};
  while (at_u64_load_relaxed(&many.taken) < total) {
    uint32_t n = rng_fastrandn(&random, 600);
    for (; n > 0 && put < many.per_thread; n--) gc_work_put(&w, first + put++);
    if (rng_fastrandn(&random, 4) == 0) gc_work_balance(&w);
    if (rng_fastrandn(&random, 64) == 0) gc_work_dispose(&w);
    uint64_t got = 0;
    for (n = rng_fastrandn(&random, 600); n > 0; n--) {
      uintptr_t object = gc_work_get(&w);
      if (object == 0) break;
      at_u8_add_relaxed(&many.seen[object], 1);
      got++;
    }
    at_u64_add_relaxed(&many.taken, got);
    if (got == 0) plat_yield();
  }
  gc_work_dispose(&w);
}

static void test_threads(void **state) {
  (void)state;
  many.per_thread = test_scaled(1000000);
  many.seen = calloc(THREADS * many.per_thread + 1, sizeof many.seen[0]);
  at_u64_store_relaxed(&many.taken, 0);
  struct plat_thread thread[THREADS];
  for (uintptr_t i = 0; i < THREADS; i++) {
    uintptr_t index = i;
    assert_int_equal(plat_thread_start(&thread[i], "churn", churn, (void *)index), RT_OK);
  }
  for (int i = 0; i < THREADS; i++) plat_thread_join(&thread[i]);
  for (uint64_t i = 1; i <= THREADS * many.per_thread; i++)
    assert_u64(at_u8_load_relaxed(&many.seen[i]), 1);
  assert_true(gc_work_global_is_empty());
  assert_u64(gc_workbuf_count_empty(), gc_workbuf_allocated());
  free(many.seen);
}

/* Buffers that go round between threads: the tag must keep a recycled head from matching. */
static void recycle(void *arg) {
  uint64_t rounds = *(const uint64_t *)arg;
  for (uint64_t i = 0; i < rounds; i++) {
    struct gc_worker w = {0};
    gc_work_put(&w, 1);
    gc_work_dispose(&w);
    struct gc_worker r = {0};
    uintptr_t object = gc_work_get(&r);
    if (object != 0) at_u64_add_relaxed(&many.taken, 1);
    gc_work_dispose(&r);
  }
}

static void test_recycle(void **state) {
  (void)state;
  uint64_t rounds = test_scaled(600000);
  struct plat_thread thread[THREADS];
  at_u64_store_relaxed(&many.taken, 0);
  for (int i = 0; i < THREADS; i++)
    assert_int_equal(plat_thread_start(&thread[i], "recycle", recycle, &rounds), RT_OK);
  for (int i = 0; i < THREADS; i++) plat_thread_join(&thread[i]);
  struct gc_worker w = {0};
  while (gc_work_get(&w) != 0) at_u64_add_relaxed(&many.taken, 1);
  assert_u64(at_u64_load_relaxed(&many.taken), THREADS * rounds);
  gc_work_dispose(&w);
  assert_u64(gc_workbuf_count_empty(), gc_workbuf_allocated());
}

int main(void) {
  gc_workbuf_init();
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_lifo),    cmocka_unit_test(test_overflow),
      cmocka_unit_test(test_batch),   cmocka_unit_test(test_balance),
      cmocka_unit_test(test_attach),  cmocka_unit_test(test_threads),
      cmocka_unit_test(test_recycle),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

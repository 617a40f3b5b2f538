/* heap_live, totals and page counters, to the byte (F2.5, F2.6). */
#include "fake.h"

static uint64_t live(void) {
  return fake_count(&gc_heap.n.heap_live);
}

/* 48-byte slots, empty span: all of its 8192 bytes, tail waste included; no more until it is full.
 * A span with 10 used slots: 8192 - 480 = 7712 (printed by Go 1.19). */
static void test_refill(void **state) {
  (void)state;
  struct gc_type *t = fake_type(48, 1);
  char *objects[10];
  for (int i = 0; i < 10; i++) {
    objects[i] = gc_alloc(mu(), t);
    assert_u64(live(), 8192);
  }
  assert_u64(fake_count(&gc_heap.n.mallocs), 0); /* counted when the span goes back */
  fake_cycle_begin();
  for (int i = 0; i < 10; i++) fake_mark(objects[i]);
  fake_cycle_end(480, true);
  assert_u64(live(), 480); /* the span was stale: nothing is given back for its free slots */
  assert_u64(fake_count(&gc_heap.n.total_alloc), 480);
  assert_u64(fake_count(&gc_heap.n.mallocs), 10);
  fake_sweep_all();
  assert_ptr_equal(gc_alloc(mu(), t), objects[9] + 48);
  assert_u64(live(), 480 + 7712);
  for (int i = 11; i < 170; i++) gc_alloc(mu(), t);
  assert_u64(live(), 480 + 7712);
  gc_alloc(mu(), t);
  assert_u64(live(), 480 + 7712 + 8192);
  assert_u64(fake_count(&gc_heap.n.total_alloc), 170 * 48);
}

/* A flush gives back the free slots, not the tail waste. */
static void test_flush(void **state) {
  (void)state;
  struct gc_type *t = fake_type(48, 1);
  for (int i = 0; i < 10; i++) gc_alloc(mu(), t);
  fake.p[0].scan_alloc = 77;
  uint64_t updates = fake.updates, scan_bytes = fake.scan_bytes;
  gc_cache_flush(&fake.p[0]);
  assert_u64(live(), 8192 - 160 * 48);
  assert_u64(fake.updates, updates + 1);
  assert_u64(fake.scan_bytes, scan_bytes + 77);
  assert_u64(fake_count(&gc_heap.n.total_alloc), 480);
  /* The same span again: charged for its 160 free slots and its tail once more. */
  gc_alloc(mu(), t);
  assert_u64(live(), 8192 - 160 * 48 + 7712);
}

/* scan_alloc is handed over at a refill, as it was before the object that needed the refill. */
static void test_scan_bytes(void **state) {
  (void)state;
  struct gc_type *t = fake_type(4096, 1 | 1ULL << 9); /* ptrdata 80, 2 slots */
  gc_alloc(mu(), t);
  gc_alloc(mu(), t);
  assert_u64(fake.p[0].scan_alloc, 160);
  assert_u64(fake.scan_bytes, 0);
  gc_alloc(mu(), t);
  assert_u64(fake.scan_bytes, 160);
  assert_u64(fake.p[0].scan_alloc, 80);
  gc_alloc_bytes(mu(), 100000); /* large: not flushed, nothing added */
  assert_u64(fake.p[0].scan_alloc, 80);
}

static void test_pages(void **state) {
  (void)state;
  struct gc_heap_counters *n = &gc_heap.n;
  gc_alloc_bytes(mu(), 1 << 20);
  assert_u64(fake_count(&n->pages_in_use), 128);
  assert_u64(fake_count(&n->heap_in_use), 1 << 20);
  assert_u64(fake_count(&gc_heap.grown_bytes), GC_CHUNK_BYTES);
  assert_u64(fake_count(&n->heap_released), GC_CHUNK_BYTES - (1 << 20));
  assert_u64(fake_count(&n->mapped_ready), 1 << 20);
  assert_u64(fake_count(&n->heap_free), 0);
  fake_cycle_begin();
  fake_cycle_end(0, true);
  fake_sweep_all();
  assert_u64(fake_count(&n->pages_in_use), 0);
  assert_u64(fake_count(&n->heap_free), 1 << 20);
  assert_u64(fake_count(&n->mapped_ready), 1 << 20);
  assert_u64(fake_count(&n->total_free), 1 << 20);
  assert_u64(fake_count(&n->frees), 1);
  gc_alloc_bytes(mu(), 3 << 20); /* a third of it used before */
  assert_u64(fake_count(&n->heap_free), 0);
  assert_u64(fake_count(&n->mapped_ready), 3 << 20);
  assert_u64(fake_count(&n->heap_live_peak), 3 << 20);
  gc_alloc_bytes(mu(), 2 << 20); /* does not fit: another 4 MiB */
  assert_u64(fake_count(&gc_heap.grown_bytes), 2 * GC_CHUNK_BYTES);
  struct gc_totals totals = {.cycles = 0};
  gc_heap_totals(&totals);
  assert_u64(totals.heap_committed_bytes, 2 * GC_CHUNK_BYTES);
}

/* Small spans come first-fit from the P's own 64 pages; larger ones from the heap. */
static void test_page_cache(void **state) {
  (void)state;
  struct gc_type *t = fake_type(8192, 1);
  uintptr_t base = gc_heap.base;
  const uint64_t page = GC_PAGE_BYTES;
  assert_u64((uintptr_t)gc_alloc(&fake.mu[3], t), base); /* no page for a cache: the heap grows */
  assert_u64((uintptr_t)gc_alloc(&fake.mu[0], t), base + page);
  assert_u64((uintptr_t)gc_alloc(&fake.mu[1], t), base + 64 * page);
  assert_u64((uintptr_t)gc_alloc(&fake.mu[0], t), base + 2 * page);
  /* 15 pages fit the cache, 16 do not go through it. */
  assert_u64((uintptr_t)gc_alloc_bytes(&fake.mu[0], 15 * page), base + 3 * page);
  assert_u64((uintptr_t)gc_alloc_bytes(&fake.mu[0], 16 * page), base + 128 * page);
  gc_cache_finish(&fake.p[1]);
  gc_cache_init(&fake.p[1]);
  assert_u64((uintptr_t)gc_alloc_bytes(&fake.mu[2], 16 * page), base + 65 * page);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(test_refill, fake_setup, fake_teardown),
      cmocka_unit_test_setup_teardown(test_flush, fake_setup, fake_teardown),
      cmocka_unit_test_setup_teardown(test_scan_bytes, fake_setup, fake_teardown),
      cmocka_unit_test_setup_teardown(test_pages, fake_setup, fake_teardown),
      cmocka_unit_test_setup_teardown(test_page_cache, fake_setup, fake_teardown),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

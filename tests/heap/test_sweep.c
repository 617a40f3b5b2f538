/* Sweeping: reuse of slots and spans, the order of F2.9.3, proportional sweeping, the reclaimer. */
#include "fake.h"

static struct gc_p *p0(void) {
  return &fake.p[0];
}
static uint64_t swept(void) {
  return fake_count(&gc_heap.n.pages_swept);
}

/* Freed slots are reused by ascending index over clear allocation bits, cleared. */
static void test_reuse(void **state) {
  (void)state;
  struct gc_type *t = fake_type(32, 1); /* 256 slots */
  char *base = gc_alloc(mu(), t);
  for (int i = 1; i < 200; i++) memset(gc_alloc(mu(), t), 0x77, 32);
  fake_cycle_begin();
  for (int i = 0; i < 200; i++)
    if (i % 3 == 0) fake_mark(base + 32 * i);
  fake_cycle_end(67 * 32, true);
  assert_true(gc_sweep_is_done() || fake_span(base)->alloc_count == 67);
  for (int i = 0; i < 256; i++) {
    if (i < 200 && i % 3 == 0) continue;
    char *p = gc_alloc(mu(), t);
    assert_ptr_equal(p, base + 32 * i);
    for (int k = 0; k < 32; k++) assert_int_equal(p[k], 0);
  }
  assert_ptr_not_equal(fake_span(gc_alloc(mu(), t)), fake_span(base));
  assert_u64(fake_count(&gc_heap.n.frees), 200 - 67);
  assert_u64(fake_count(&gc_heap.n.total_free), (200 - 67) * 32);
}

/* What a flush leaves in a group is handed out next, nothing twice. */
static void test_flush_in_group(void **state) {
  (void)state;
  struct gc_type *t = fake_type(64, 1);
  char *base = gc_alloc(mu(), t);
  for (int i = 1; i < 128; i++) {
    if (i % 7 == 0) gc_cache_flush(p0());
    assert_ptr_equal(gc_alloc(mu(), t), base + 64 * i);
  }
}

static void test_slot_is_allocated(void **state) {
  (void)state;
  struct gc_type *t = fake_type(64, 1);
  char *base = gc_alloc(mu(), t);
  for (int i = 1; i < 10; i++) gc_alloc(mu(), t);
  gc_heap_sync_stw();
  struct gc_span *span = fake_span(base);
  for (uint32_t i = 0; i < 128; i++) assert_int_equal(gc_span_slot_is_allocated(span, i), i < 10);
  gc_cache_flush(p0());
  for (uint32_t i = 0; i < 128; i++) assert_int_equal(gc_span_slot_is_allocated(span, i), i < 10);
}

static struct gc_span *swept_order[16];
static uint32_t nswept;
static void sweep_and_note(struct gc_span *const *spans, uint32_t count) {
  uint32_t now = at_u32_load_relaxed(&gc_heap.sweepgen);
  while (nswept < 16 && gc_sweep_one(p0()) != GC_SWEEP_NONE) {
    for (uint32_t i = 0; i < count; i++) {
      bool seen = false;
      for (uint32_t k = 0; k < nswept; k++) seen = seen || swept_order[k] == spans[i];
      if (!seen && at_u32_load_relaxed(&spans[i]->sweepgen) == now)
        swept_order[nswept++] = spans[i];
    }
  }
}

/* Span classes ascending, full before partial in each, first in first out. */
static void test_order(void **state) {
  (void)state;
  nswept = 0;
  struct gc_type *scan = fake_type(4096, 1), *noscan = fake_type(4096, 0);
  void *objects[4][2];
  for (int i = 0; i < 2; i++) { /* two slots each: two full spans, then one with a free slot */
    objects[i][0] = gc_alloc(mu(), scan);
    objects[i][1] = gc_alloc(mu(), scan);
  }
  objects[2][0] = objects[2][1] = gc_alloc(mu(), scan);
  objects[3][0] = objects[3][1] = gc_alloc(mu(), noscan);
  void *large = gc_alloc_bytes(mu(), 100000);
  gc_cache_flush(p0());
  struct gc_span *spans[5] = {fake_span(objects[3][0]), fake_span(objects[2][0]),
                              fake_span(objects[1][0]), fake_span(objects[0][0]), fake_span(large)};
  fake_cycle_begin();
  for (int i = 0; i < 4; i++) fake_mark(objects[i][0]);
  fake_mark(large);
  fake_cycle_end(0, true);
  sweep_and_note(spans, 5);
  assert_int_equal(nswept, 5);
  for (uint32_t i = 0; i < 5; i++) assert_ptr_equal(swept_order[i], spans[4 - i]);
  assert_u64(swept(), 13 + 4);
  assert_u64(fake.swept_calls, 1);
  assert_true(gc_sweep_is_done());
  assert_u64(gc_sweep_one(p0()), GC_SWEEP_NONE);
  assert_u64(fake.swept_calls, 1);
}

/* A fully free span goes back to the heap, whoever it belonged to, and is found no more. */
static void test_free_span(void **state) {
  (void)state;
  struct gc_type *t = fake_type(1024, 1);
  char *a = gc_alloc(mu(), t);
  uint64_t spans = fake_count(&gc_heap.n.spans_in_use);
  gc_cache_flush(p0());
  fake_cycle_begin();
  fake_cycle_end(0, true);
  assert_u64(gc_sweep_one(p0()), 1);
  assert_null(gc_find_span((uintptr_t)a));
  assert_u64(fake_count(&gc_heap.n.spans_in_use), spans - 1);
  /* The same for a stale cached span, swept by its P. */
  a = gc_alloc(mu(), t);
  fake_cycle_begin();
  fake_cycle_end(0, true);
  assert_null(gc_find_span((uintptr_t)a));
}

/* The phase stays open while a blocker stands. */
static void test_block(void **state) {
  (void)state;
  fake_cycle_begin();
  gc_sweep_start_stw();
  assert_false(gc_sweep_is_done());
  gc_sweep_block();
  assert_u64(gc_sweep_one(p0()), GC_SWEEP_NONE);
  assert_false(gc_sweep_is_done());
  for (uint32_t i = 0; i < FAKE_PROCS; i++) {
    assert_false(gc_cache_is_prepared(&fake.p[i]));
    gc_cache_prepare(&fake.p[i]);
    assert_true(gc_cache_is_prepared(&fake.p[i]));
  }
  gc_sweep_unblock(p0());
  assert_true(gc_sweep_is_done());
  assert_u64(fake.swept_calls, 1);
}

/* count full one-page spans, every object marked (so that they stay). */
static void make_full_spans(uint32_t count, bool mark, void **first) {
  struct gc_type *t = fake_type(8192, 1);
  static void *objects[4096];
  assert_true(count <= 4096);
  for (uint32_t i = 0; i < count; i++) objects[i] = gc_alloc(mu(), t);
  gc_cache_flush(p0());
  fake_cycle_begin();
  for (uint32_t i = 0; mark && i < count; i++) fake_mark(objects[i]);
  if (first != NULL) *first = objects[0];
}

/* Out of its turn, a span is swept where it lies, and goes where it belongs when its turn comes. */
static void test_ensure(void **state) {
  (void)state;
  void *first;
  make_full_spans(3, true, &first);
  struct gc_span *span = fake_span(first);
  fake_cycle_end(3 * 8192, true);
  uint32_t now = at_u32_load_relaxed(&gc_heap.sweepgen);
  assert_int_equal(at_u32_load_relaxed(&span->sweepgen), now - 2);
  assert_true(gc_sweep_ensure(p0(), span));
  assert_int_equal(at_u32_load_relaxed(&span->sweepgen), now);
  assert_true(gc_sweep_ensure(p0(), span));
  assert_u64(swept(), 1);
  assert_u64(gc_central_count_stw(span->span_class, true, true), 0);
  fake_sweep_all();
  assert_u64(swept(), 3);
  assert_u64(gc_central_count_stw(span->span_class, true, true), 3);
  assert_u64(gc_central_count_stw(span->span_class, true, false), 0);
}

/* One without live objects is freed; one that a P still caches is its P's to sweep. */
static void test_ensure_others(void **state) {
  (void)state;
  void *first;
  make_full_spans(3, false, &first);
  fake_cycle_end(0, true);
  assert_true(gc_sweep_ensure(p0(), fake_span(first)));
  assert_null(gc_find_span((uintptr_t)first));
  fake_sweep_all();
  assert_u64(swept(), 3);
  void *cached = gc_alloc(mu(), fake_type(64, 1));
  fake_cycle_begin();
  fake_mark(cached);
  fake_cycle_end(64, false);
  assert_false(gc_sweep_ensure(p0(), fake_span(cached)));
  gc_cache_prepare(p0());
  assert_true(gc_sweep_ensure(p0(), fake_span(cached)));
}

/* F2.9.1: 100 pages over 100 pages' worth of distance: one page swept for each allocated. */
static void test_proportional(void **state) {
  (void)state;
  make_full_spans(100, true, NULL);
  fake_cycle_end(819200, true);
  gc_sweep_pace(819200 + (1 << 20) + 819200, 819200);
  struct gc_type *t = fake_type(32, 1);
  for (uint32_t i = 0; i < 50; i++) {
    assert_u64(swept(), i);
    gc_alloc(mu(), t);
    for (uint32_t k = 1; k < 256; k++) gc_alloc(mu(), t);
    assert_u64(swept(), i + 1);
  }
  /* A large object pays for its size, less its own pages. */
  gc_alloc_bytes(mu(), 10 * 8192);
  assert_u64(swept(), 50);
  /* Ratio 0: nothing is owed. */
  gc_sweep_pace(0, 819200);
  uint64_t before = swept();
  gc_sweep_deduct_credit(p0(), 8192, 0); /* distance is clipped to one page: everything at once */
  assert_u64(swept(), before + 50);
  assert_true(gc_sweep_is_done());
}

static void test_pace_when_done(void **state) {
  (void)state;
  assert_true(gc_sweep_is_done());
  gc_sweep_pace(1 << 30, 0);
  make_full_spans(3, true, NULL);
  fake_cycle_end(3 * 8192, true);
  fake_sweep_all();
  gc_sweep_pace(1 << 30, 3 * 8192);
  gc_sweep_deduct_credit(p0(), 1 << 29, 0);
  assert_u64(swept(), 3);
}

/* A distance below one page counts as one page. */
static void test_pace_distance(void **state) {
  (void)state;
  make_full_spans(40, true, NULL);
  fake_cycle_end(40 * 8192, true);
  gc_sweep_pace(40 * 8192 + (1 << 20) + 1, 40 * 8192);
  gc_sweep_deduct_credit(p0(), 4096, 0); /* half a page: half of the 40 */
  assert_u64(swept(), 20);
}

/* What was allocated black is not the reclaimer's either. */
static void test_reclaim_leaves_black(void **state) {
  (void)state;
  struct gc_type *t = fake_type(8192, 1);
  fake_cycle_begin();
  fake.assist_grant = 1 << 20;
  fake_marking(true);
  for (int i = 0; i < 10; i++) gc_alloc(mu(), t);
  fake_marking(false);
  gc_cache_flush(p0());
  fake_cycle_end(10 * 8192, true);
  gc_sweep_reclaim(p0(), 5);
  assert_u64(swept(), 0);
}

/* F2.7.2: full spans are looked through for a free slot, at most 101 of them. */
static void test_budget(void **state) {
  (void)state;
  make_full_spans(150, true, NULL);
  fake_cycle_end(150 * 8192, true);
  struct gc_type *t = fake_type(8192, 1);
  void *p = gc_alloc(mu(), t);
  assert_u64(swept(), 101);
  assert_u64((uintptr_t)p, gc_heap.base + 150 * 8192); /* none was free: a new span */
  gc_alloc(mu(), t);
  assert_u64(swept(), 150);
}

/* F2.9.6: before pages are taken, spans without a page mark are swept until as many are free. */
static void test_reclaim(void **state) {
  (void)state;
  void *first;
  make_full_spans(600, false, &first);
  fake_cycle_end(0, true);
  uint64_t in_use = fake_count(&gc_heap.n.pages_in_use);
  /* 5 pages asked: the first chunk of 512 pages is swept, 507 pages are credit. */
  void *p = gc_alloc_bytes(mu(), 5 * 8192);
  assert_u64(swept(), 512);
  assert_u64(fake_count(&gc_heap.n.pages_in_use), in_use - 512 + 5);
  (void)p;
  gc_alloc_bytes(mu(), 500 * 8192);
  assert_u64(swept(), 512); /* from the credit */
  gc_alloc_bytes(mu(), 8 * 8192);
  assert_u64(swept(), 600); /* 7 of credit were left: the next chunk */
  /* The zombies are still in their set: recycled by whoever pops them, and never swept again. */
  assert_u64(gc_central_count_stw(2 * 51, true, false), 600);
  fake_sweep_all();
  assert_u64(swept(), 600);
  assert_u64(gc_central_count_stw(2 * 51, true, false), 0);
}

/* A marked span is not the reclaimer's. */
static void test_reclaim_leaves_marked(void **state) {
  (void)state;
  make_full_spans(10, true, NULL);
  fake_cycle_end(0, true);
  gc_sweep_reclaim(p0(), 5);
  assert_u64(swept(), 0);
  fake_sweep_all();
  assert_u64(swept(), 10);
}

/* Structures of freed spans are used again, zombies included. */
static void test_recycling(void **state) {
  (void)state;
  struct gc_span *seen[8];
  uint32_t nseen = 0;
  struct gc_type *t = fake_type(8192, 1);
  for (int round = 0; round < 50; round++) {
    struct gc_span *span = fake_span(gc_alloc(mu(), t));
    bool is_known = false;
    for (uint32_t i = 0; i < nseen; i++) is_known = is_known || seen[i] == span;
    if (!is_known) {
      assert_true(nseen < 8);
      seen[nseen++] = span;
    }
    gc_cache_flush(p0());
    fake_cycle_begin();
    fake_cycle_end(0, true);
    if (round % 2 == 0) gc_sweep_reclaim(p0(), 1);
  }
  assert_true(nseen <= 2);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(test_reuse, fake_setup, fake_teardown),
      cmocka_unit_test_setup_teardown(test_flush_in_group, fake_setup, fake_teardown),
      cmocka_unit_test_setup_teardown(test_slot_is_allocated, fake_setup, fake_teardown),
      cmocka_unit_test_setup_teardown(test_order, fake_setup, fake_teardown),
      cmocka_unit_test_setup_teardown(test_free_span, fake_setup, fake_teardown),
      cmocka_unit_test_setup_teardown(test_block, fake_setup, fake_teardown),
      cmocka_unit_test_setup_teardown(test_ensure, fake_setup, fake_teardown),
      cmocka_unit_test_setup_teardown(test_ensure_others, fake_setup, fake_teardown),
      cmocka_unit_test_setup_teardown(test_proportional, fake_setup, fake_teardown),
      cmocka_unit_test_setup_teardown(test_pace_when_done, fake_setup, fake_teardown),
      cmocka_unit_test_setup_teardown(test_pace_distance, fake_setup, fake_teardown),
      cmocka_unit_test_setup_teardown(test_budget, fake_setup, fake_teardown),
      cmocka_unit_test_setup_teardown(test_reclaim_leaves_black, fake_setup, fake_teardown),
      cmocka_unit_test_setup_teardown(test_reclaim, fake_setup, fake_teardown),
      cmocka_unit_test_setup_teardown(test_reclaim_leaves_marked, fake_setup, fake_teardown),
      cmocka_unit_test_setup_teardown(test_recycling, fake_setup, fake_teardown),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* gc_alloc and friends: which slot, what is charged, what happens while marking. */
#include "fake.h"

static bool is_zero(const void *p, uint64_t bytes) {
  for (uint64_t i = 0; i < bytes; i++)
    if (((const char *)p)[i] != 0) return false;
  return true;
}

static void test_fast_class(void **state) {
  (void)state;
  assert_int_equal(fake_type(32, 1)->fast_class, 2 * 4);
  assert_int_equal(fake_type(32, 0)->fast_class, 2 * 4 + 1);
  assert_int_equal(fake_type(8, 1)->fast_class, 2 * 1);
  assert_int_equal(fake_type(8, 0)->fast_class, 0); /* tiny */
  assert_int_equal(fake_type(15, 0)->fast_class, 0);
  assert_int_equal(fake_type(16, 0)->fast_class, 2 * 2 + 1);
  assert_int_equal(fake_type(32768, 1)->fast_class, 2 * 67);
  assert_int_equal(fake_type(32776, 1)->fast_class, 0);
  assert_int_equal(fake_type(0, 0)->fast_class, 0);
  struct gc_type *t = fake_type(24, 5);
  uint16_t id = t->id;
  gc_type_register(t);
  assert_int_equal(t->id, id);
  assert_ptr_equal(gc_type_by_id(id), t);
}

/* Slots come in ascending order, across groups of 64 and spans; all zero; with the type beside. */
static void test_ascending(void **state) {
  (void)state;
  struct gc_type *t = fake_type(48, 3); /* 170 slots */
  char *first = gc_alloc(mu(), t);
  struct gc_span *span = fake_span(first);
  assert_int_equal(span->nelems, 170);
  for (uint32_t i = 1; i < 170; i++) {
    char *p = gc_alloc(mu(), t);
    assert_ptr_equal(p, first + 48 * i);
    assert_int_equal(fake_index(p + 47), i);
    assert_int_equal(gc_span_type(span, i), t->id);
    assert_true(is_zero(p, 48));
  }
  assert_ptr_not_equal(fake_span(gc_alloc(mu(), t)), span);
  struct gc_span *found;
  uint32_t index;
  assert_false(gc_find_object(span->limit, &found, &index)); /* tail waste */
  assert_false(gc_find_object((uintptr_t)mu(), &found, &index));
  assert_false(gc_find_object(gc_heap.base + gc_heap.reserved_bytes - 1, &found, &index));
}

static void test_zero_size(void **state) {
  (void)state;
  assert_ptr_equal(gc_alloc_bytes(mu(), 0), gc_zero_size_object());
  assert_ptr_equal(gc_alloc(mu(), fake_type(0, 0)), gc_zero_size_object());
  assert_null(gc_find_span((uintptr_t)gc_zero_size_object()));
  assert_u64(fake_count(&gc_heap.n.heap_live), 0);
}

/* F2.3. */
static void test_tiny(void **state) {
  (void)state;
  struct gc_p *p = &fake.p[0];
  char *a = gc_alloc_bytes(mu(), 5);
  assert_int_equal((uintptr_t)a % 16, 0);
  assert_ptr_equal(gc_alloc_bytes(mu(), 1), a + 5); /* no alignment */
  assert_ptr_equal(gc_alloc_bytes(mu(), 2), a + 6); /* 2 */
  assert_ptr_equal(gc_alloc_bytes(mu(), 4), a + 8); /* 4 */
  assert_ptr_equal(gc_alloc_bytes(mu(), 4), a + 12);
  assert_u64(p->tiny_allocs, 4);
  /* 16 used: 8 takes a new block, which becomes the current one (8 < 16). */
  char *b = gc_alloc_bytes(mu(), 8);
  assert_ptr_equal(b, a + 16);
  assert_u64(p->tiny, (uintptr_t)b);
  /* 12 does not fit behind 8; 12 < 8 is false: the old block stays. */
  char *c = gc_alloc_bytes(mu(), 12);
  assert_ptr_equal(c, b + 16);
  assert_u64(p->tiny, (uintptr_t)b);
  assert_ptr_equal(gc_alloc(mu(), fake_type(8, 0)), b + 8);
  assert_u64(p->tiny_allocs, 5);
  /* An array of small pointer-free values is tiny too. */
  char *d = gc_alloc_array(mu(), fake_type(3, 0), 3);
  assert_ptr_equal(d, c + 16);
  assert_u64(p->tiny, (uintptr_t)d);
  gc_cache_flush(p);
  assert_u64(p->tiny, 0);
  struct gc_totals totals = {.cycles = 0};
  gc_heap_totals(&totals);
  assert_u64(totals.mallocs, 4 + 5);
  assert_u64(totals.frees, 5);
  assert_u64(totals.bytes_allocated, 4 * 16);
}

static void test_arrays(void **state) {
  (void)state;
  struct gc_type *t = fake_type(24, 1); /* ptrdata 8 */
  char *a = gc_alloc_array(mu(), t, 3);
  assert_int_equal(fake_span(a)->elem_bytes, 80);
  assert_int_equal(gc_span_type(fake_span(a), fake_index(a)), t->id | GC_TYPE_ARRAY);
  assert_u64(fake.p[0].scan_alloc, 72 - 24 + 8);
  char *one = gc_alloc_array(mu(), t, 1);
  assert_int_equal(gc_span_type(fake_span(one), fake_index(one)), t->id);
  /* 8-byte slots with pointers have no type column: they are one pointer. */
  char *word = gc_alloc(mu(), fake_type(8, 1));
  assert_int_equal(gc_span_type(fake_span(word), fake_index(word)), 0);
  assert_null(fake_span(word)->types);
}

static void test_large(void **state) {
  (void)state;
  struct gc_type *t = fake_type(32, 9);    /* ptrdata 32 */
  char *a = gc_alloc_array(mu(), t, 2000); /* 64000 bytes: 8 pages */
  struct gc_span *span = fake_span(a);
  assert_int_equal(span->span_class, 0);
  assert_u64(span->npages, 8);
  assert_u64(span->elem_bytes, 65536);
  assert_u64(span->limit, span->base + 64000);
  assert_u64(span->large_scan_bytes, 64000);
  assert_int_equal(gc_span_type(span, 0), t->id | GC_TYPE_ARRAY);
  assert_u64(fake_count(&gc_heap.n.heap_live), 65536);
  assert_u64(fake_count(&gc_heap.n.total_alloc), 65536);
  assert_int_equal(fake_index(a + 63999), 0);
  struct gc_span *found;
  uint32_t index;
  assert_false(gc_find_object((uintptr_t)a + 64000, &found, &index));
  char *b = gc_alloc_bytes(mu(), 32769);
  assert_int_equal(fake_span(b)->span_class, 1);
  assert_u64(fake_span(b)->npages, 5);
  assert_u64(gc_central_count_stw(0, true, true), 1);
  assert_u64(gc_central_count_stw(1, true, true), 1);
  /* The largest small size is small. */
  assert_int_equal(fake_span(gc_alloc_bytes(mu(), 32768))->span_class, 2 * 67 + 1);
}

/* A dirty large object is cleared: with pointers at once, without in steps of 256 KiB with a
 * safepoint before each. */
static void test_large_zeroing(void **state) {
  (void)state;
  struct gc_type *t = fake_type(64, 1);
  const uint64_t bytes = 3 << 20;
  char *a = gc_alloc_array(mu(), t, bytes / 64);
  memset(a, 0x55, bytes);
  fake_cycle_begin();
  fake_cycle_end(0, true);
  fake_sweep_all();
  at_u32_or_acqrel(&fake.p[0].attention, GC_ATTN_POLL);
  char *b = gc_alloc_bytes(mu(), bytes);
  assert_ptr_equal(a, b); /* first fit */
  assert_true(is_zero(b, bytes));
  assert_u64(fake.safepoints, 1 + 12);
  at_u32_and_acqrel(&fake.p[0].attention, ~(uint32_t)GC_ATTN_POLL);
  memset(b, 0x55, bytes);
  fake_cycle_begin();
  fake_cycle_end(0, true);
  fake_sweep_all();
  fake.safepoints = 0;
  assert_ptr_equal(gc_alloc_array(mu(), t, bytes / 64), b);
  assert_true(is_zero(b, bytes));
  assert_u64(fake.safepoints, 0);
}

/* ---- while marking --------------------------------------------------------------------------- */

static void test_black(void **state) {
  (void)state;
  struct gc_type *t = fake_type(40, 1); /* slots of 48 */
  char *white = gc_alloc(mu(), t);
  fake_marking(true);
  fake.assist_grant = 1000;
  char *black = gc_alloc(mu(), t);
  assert_false(gc_is_marked(fake_span(white), fake_index(white)));
  assert_true(gc_is_marked(fake_span(black), fake_index(black)));
  assert_false(fake_mark(black));
  assert_u64(fake.black_bytes, 48);
  assert_u64(fake.assists, 1);
  assert_int_equal(mu()->assist_bytes, 1000 - 40 - 8); /* size first, then the rest of the slot */
  gc_alloc(mu(), t);
  assert_u64(fake.assists, 1);
  assert_int_equal(mu()->assist_bytes, 1000 - 2 * 48);
  char *large = gc_alloc_bytes(mu(), 40000);
  assert_true(gc_is_marked(fake_span(large), 0));
  assert_u64(fake.black_bytes, 2 * 48 + 40960);
  /* A tiny block is black when it is taken; what shares it is charged its own size only. */
  mu()->assist_bytes = 0;
  fake.assist_grant = 0;
  char *tiny = gc_alloc_bytes(mu(), 4);
  assert_true(gc_is_marked(fake_span(tiny), fake_index(tiny)));
  assert_int_equal(mu()->assist_bytes, -16);
  gc_alloc_bytes(mu(), 3);
  assert_int_equal(mu()->assist_bytes, -19);
  assert_u64(fake.black_bytes, 2 * 48 + 40960 + 16);
  fake_marking(false);
}

static void test_no_assist(void **state) {
  (void)state;
  struct gc_type *t = fake_type(48, 1);
  fake_marking(true);
  fake.mu[1].is_system = true;
  gc_alloc(&fake.mu[1], t);
  assert_int_equal(fake.mu[1].assist_bytes, 0);
  mu()->no_preempt = 1;
  gc_alloc(mu(), t);
  assert_int_equal(mu()->assist_bytes, -48); /* charged, but nothing may block now */
  assert_u64(fake.assists, 0);
  mu()->no_preempt = 0;
  fake_marking(false);
}

/* ---- safepoints and the trigger -------------------------------------------------------------- */

static void *seen_root;
static void look_at_root(struct gc_mutator *m) {
  assert_non_null(m->frames);
  assert_u64(m->frames->count, 1);
  seen_root = m->frames->slots[0];
}

/* Only a refill or a large allocation tests the trigger, once the object exists and is rooted. */
static void test_trigger(void **state) {
  (void)state;
  struct gc_type *t = fake_type(512, 1); /* 16 slots */
  fake.trigger = true;
  fake.on_start = look_at_root;
  void *a = gc_alloc(mu(), t);
  assert_non_null(a);
  assert_u64(fake.starts, 1);
  assert_ptr_equal(seen_root, a);
  assert_null(mu()->frames);
  for (int i = 1; i < 16; i++) gc_alloc(mu(), t);
  assert_u64(fake.starts, 1);
  gc_alloc(mu(), t);
  assert_u64(fake.starts, 2);
  void *large = gc_alloc_bytes(mu(), 100000);
  assert_u64(fake.starts, 3);
  assert_ptr_equal(seen_root, large);
  mu()->no_preempt = 1;
  gc_alloc_bytes(mu(), 100000);
  assert_u64(fake.starts, 3);
  mu()->no_preempt = 0;
}

static void test_poll(void **state) {
  (void)state;
  struct gc_type *t = fake_type(32, 1);
  gc_alloc(mu(), t);
  at_u32_or_acqrel(&fake.p[0].attention, GC_ATTN_POLL);
  gc_alloc(mu(), t);
  assert_u64(fake.safepoints, 1);
  mu()->no_preempt = 1;
  gc_alloc(mu(), t);
  gc_poll(mu());
  assert_u64(fake.safepoints, 1);
  mu()->no_preempt = 0;
  gc_poll(mu());
  assert_u64(fake.safepoints, 2);
  at_u32_and_acqrel(&fake.p[0].attention, ~(uint32_t)GC_ATTN_POLL);
}

/* ---- bulk copies ----------------------------------------------------------------------------- */

static void test_copy_clear(void **state) {
  (void)state;
  struct gc_type *t = fake_type(40, 5); /* words 0 and 2 are pointers, 3 and 4 data */
  uint64_t source[5] = {1, 2, 3, 4, 5}, *a = gc_alloc(mu(), t);
  gc_copy(mu(), t, a, source);
  assert_memory_equal(a, source, sizeof source);
  gc_clear(mu(), t, a, 8, 24);
  uint64_t want[5] = {1, 0, 0, 0, 5};
  assert_memory_equal(a, want, sizeof want);
  gc_copy(mu(), t, a, a);
  assert_memory_equal(a, want, sizeof want);
  struct gc_type *data = fake_type(11, 0);
  char bytes[12] = "hello world", *b = gc_alloc_bytes(mu(), 11);
  gc_copy(mu(), data, b, bytes);
  assert_memory_equal(b, bytes, 11);
}

static void *globals[3];
static void test_global_roots(void **state) {
  (void)state;
  uint64_t before = gc_global_roots_count(), bytes = gc_global_roots_bytes();
  gc_add_global_roots(globals, 3);
  assert_u64(gc_global_roots_count(), before + 1);
  assert_ptr_equal(gc_global_root_at(before).base, globals);
  assert_u64(gc_global_root_at(before).count, 3);
  assert_u64(gc_global_roots_bytes(), bytes + 24);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(test_fast_class, fake_setup, fake_teardown),
      cmocka_unit_test_setup_teardown(test_ascending, fake_setup, fake_teardown),
      cmocka_unit_test_setup_teardown(test_zero_size, fake_setup, fake_teardown),
      cmocka_unit_test_setup_teardown(test_tiny, fake_setup, fake_teardown),
      cmocka_unit_test_setup_teardown(test_arrays, fake_setup, fake_teardown),
      cmocka_unit_test_setup_teardown(test_large, fake_setup, fake_teardown),
      cmocka_unit_test_setup_teardown(test_large_zeroing, fake_setup, fake_teardown),
      cmocka_unit_test_setup_teardown(test_black, fake_setup, fake_teardown),
      cmocka_unit_test_setup_teardown(test_no_assist, fake_setup, fake_teardown),
      cmocka_unit_test_setup_teardown(test_trigger, fake_setup, fake_teardown),
      cmocka_unit_test_setup_teardown(test_poll, fake_setup, fake_teardown),
      cmocka_unit_test_setup_teardown(test_copy_clear, fake_setup, fake_teardown),
      cmocka_unit_test_setup_teardown(test_global_roots, fake_setup, fake_teardown),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* The pacer and the limiter against values that Go 1.19.8 printed (F5.11, F5.13.5, F3.3.1, F0.4),
 * and the contract every row of gc_pacers[] keeps. */
#include <math.h>
#include <string.h>

#include "gc/pacer.h"
#include "gc/pacer_limiter.h"
#include "tests/mark/numbers.h"
#include "tests/support/test.h"

static const struct gc_pacer_ops *go119(void) { return gc_pacer_find("go1.19"); }

/* ---- conversions ---------------------------------------------------------------------------- */

static void test_conversions(void **state) {
  (void)state;
  const uint64_t top = UINT64_C(1) << 63;
  assert_i64(gc_f64_to_i64(-1.5), -1);
  assert_i64(gc_f64_to_i64(0x1p63), INT64_MIN);
  assert_i64(gc_f64_to_i64(-0x1p63), INT64_MIN);
  assert_i64(gc_f64_to_i64((double)NAN), INT64_MIN);
  assert_u64(gc_f64_to_u64(-1.5), UINT64_MAX);
  assert_u64(gc_f64_to_u64(-0.5), 0);
  assert_u64(gc_f64_to_u64(-1e300), top);
  assert_u64(gc_f64_to_u64((double)INFINITY), top);
  assert_u64(gc_f64_to_u64((double)NAN), top);
  assert_u64(gc_f64_to_u64(0x1p64), top);
  assert_u64(gc_f64_to_u64(1.5 * 0x1p63), UINT64_C(3) << 62);
}

/* ---- workers -------------------------------------------------------------------------------- */

static void test_workers(void **state) {
  (void)state;
  static const struct {
    uint32_t procs;
    int64_t dedicated;
    double fraction;
  } rows[] = {
      {1, 0, 0.25}, {2, 0, 0.25}, {3, 0, 0.25}, {4, 1, 0}, {5, 1, 0},
      {6, 1, 0.08333333333333333}, {7, 2, 0}, {8, 2, 0}, {9, 2, 0}, {10, 3, 0}, {11, 3, 0},
      {12, 3, 0}, {13, 3, 0}, {14, 4, 0}, {17, 4, 0}, {18, 5, 0}, {21, 5, 0},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    struct gc_pacer p;
    struct gc_pacer_input in = {0};
    go119()->init(&p, &in, 100, INT64_MAX);
    go119()->start_cycle(&p, &in, 0, rows[i].procs, GC_TRIGGER_HEAP);
    assert_i64(p.dedicated_workers, rows[i].dedicated);
    assert_f64(p.fractional_goal, rows[i].fraction);
    assert_u64(p.max_idle_workers, rows[i].procs - (uint64_t)rows[i].dedicated);
    go119()->reset_live(&p, &in, 0);
    go119()->start_cycle(&p, &in, 0, rows[i].procs, GC_TRIGGER_TIME);
    assert_u64(p.max_idle_workers, rows[i].dedicated > 0 ? 0 : 1);
  }
}

static void test_heap_minimum(void **state) {
  (void)state;
  static const struct {
    int32_t gogc;
    uint64_t minimum;
  } rows[] = {{100, 4194304}, {50, 2097152}, {0, 0}, {200, 8388608}, {-1, 184467440737053573},
              {-7, 184467440737053573}};
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    struct gc_pacer p;
    struct gc_pacer_input in = {0};
    go119()->init(&p, &in, rows[i].gogc, INT64_MAX);
    assert_u64(p.heap_minimum, rows[i].minimum);
    assert_i64(p.gogc, rows[i].gogc < 0 ? -1 : rows[i].gogc);
  }
}

/* ---- F5.11: commit, trigger ----------------------------------------------------------------- */

struct commit_row {
  int32_t gogc;
  int64_t limit;
  uint64_t marked, last_scan, last_stack, globals, live;
  double cons_mark;
  bool sweep_done;
  uint64_t percent_goal, runway, sweep_min, goal, trigger;
};

static const struct commit_row commits[] = {
    {100, INT64_MAX, 0, 0, 0, 0, 0, 0, true, 4194304, 0, 0, 4194304, 3997696},
    {100, INT64_MAX, 10485760, 8388608, 100000, 200000, 10485760, 0.5, false, 21271520, 13032912,
     11534336, 21271520, 18069475},
    {100, INT64_MAX, 10485760, 8388608, 100000, 200000, 10485760, 0.1, true, 21271520, 2606582, 0,
     21271520, 18664938},
    {50, INT64_MAX, 104857600, 83886080, 100000, 200000, 104857600, 0.01, false, 157436400,
     2525582, 105906176, 157436400, 154910818},
    {100, INT64_MAX, 3000000, 2000000, 4000, 203344, 3000000, -0.25, false, 6207344,
     UINT64_C(18446744073707896108), 4048576, 6207344, 5255130},
    {0, INT64_MAX, 5000000, 2000000, 4000, 203344, 5000000, 1, false, 5000000, 6622032, 6048576,
     6048576, 6048576},
    {400, INT64_MAX, 1234567, 765432, 4000, 203344, 1234567, 2.5, true, 16777216, 7295820, 0,
     16777216, 12162952},
    {-1, 67108864, 20971520, 10485760, 4000, 203344, 20971520, 0.3, false, UINT64_MAX, 9623793,
     22020096, 62914560, 53290767},
    {100, 33554432, 20971520, 10485760, 4000, 203344, 20971520, 0.3, false, 42150384, 9623793,
     22020096, 29360128, 26869760},
};

static void set_up(const struct commit_row *r, struct gc_pacer *p, struct gc_pacer_input *in) {
  *in = (struct gc_pacer_input){.heap_live = r->live,
                                .globals_scan = r->globals,
                                .heap_free = 1048576,
                                .mapped_ready = r->live + 4194304,
                                .total_alloc = r->live};
  go119()->init(p, in, r->gogc, r->limit);
  p->heap_marked = r->marked;
  p->last_heap_scan = r->last_scan;
  p->last_stack_scan = r->last_stack;
  p->cons_mark = r->cons_mark;
  go119()->commit(p, in, r->sweep_done);
}

static void test_commit(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof commits / sizeof commits[0]; i++) {
    const struct commit_row *r = &commits[i];
    struct gc_pacer p;
    struct gc_pacer_input in;
    set_up(r, &p, &in);
    struct gc_pacer_trigger t = go119()->trigger(&p, &in);
    assert_u64(p.percent_goal, r->percent_goal);
    assert_u64(p.runway, r->runway);
    assert_u64(p.sweep_min_trigger, r->sweep_min);
    assert_u64(t.goal, r->goal);
    assert_u64(t.trigger, r->trigger);
    assert_u64(go119()->heap_goal(&p, &in), r->goal);
  }
}

/* The second part of F5.11: a cycle of the third and fourth lines of the table above. */
struct cycle_row {
  size_t commit;
  uint64_t start_work, start_bytes, revise_work, revise_bytes, end_cons_mark, end_integral;
};

static const struct cycle_row cycles[] = {
    {1, 4613292578362292190, 4600310533156400998, 4603296381539366187, 4610599837733301384,
     UINT64_C(13822688964530738763), 4580034355245043112},
    {2, 4614688419330821409, 4599075938641416357, 4605113426726355765, 4608525404342072889,
     4586879826678646264, 4592259695809577151},
};

static void test_cycle(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof cycles / sizeof cycles[0]; i++) {
    const struct cycle_row *c = &cycles[i];
    const struct commit_row *r = &commits[c->commit];
    struct gc_pacer p;
    struct gc_pacer_input in;
    set_up(r, &p, &in);
    uint64_t trigger = go119()->trigger(&p, &in).trigger;
    in.heap_live = trigger;
    in.heap_scan = r->last_scan + (trigger - r->marked) / 2;
    in.max_stack_scan = 1048576;
    struct gc_pacer_ratio ratio = go119()->start_cycle(&p, &in, 0, 4, GC_TRIGGER_HEAP);
    assert_bits(ratio.work_per_byte, c->start_work);
    assert_bits(ratio.bytes_per_work, c->start_bytes);
    assert_u64(p.triggered, trigger);

    in.heap_scan_work = (int64_t)(r->last_scan + r->last_scan / 4);
    in.stack_scan_work = (int64_t)r->last_stack;
    in.globals_scan_work = (int64_t)r->globals;
    in.heap_live += 300000;
    ratio = go119()->revise(&p, &in);
    assert_bits(ratio.work_per_byte, c->revise_work);
    assert_bits(ratio.bytes_per_work, c->revise_bytes);

    in.assist_time = 1000000;
    in.idle_mark_time = 500000;
    p.err_integral = 0.125;
    go119()->end_cycle(&p, &in, 5000000, 4);
    assert_bits(p.cons_mark, c->end_cons_mark);
    assert_bits(p.err_integral, c->end_integral);
  }
}

static void test_nothing_allocated(void **state) {
  (void)state;
  struct gc_pacer p;
  struct gc_pacer_input in;
  set_up(&commits[1], &p, &in);
  in.heap_live = go119()->trigger(&p, &in).trigger;
  go119()->start_cycle(&p, &in, 0, 4, GC_TRIGGER_HEAP);
  go119()->end_cycle(&p, &in, 1000, 4);
  assert_f64(p.cons_mark, 0.5); /* live == triggered: nothing is learned */
  assert_u64(p.last_heap_goal, 21271520);
}

static void test_controller_overflow(void **state) {
  (void)state;
  struct gc_pacer p;
  struct gc_pacer_input in;
  set_up(&commits[1], &p, &in);
  in.heap_live = go119()->trigger(&p, &in).trigger;
  go119()->start_cycle(&p, &in, 0, 4, GC_TRIGGER_HEAP);
  in.heap_live += 1; /* allocation without any scan work: an infinite estimate */
  p.err_integral = 0.5;
  go119()->end_cycle(&p, &in, 1000, 4);
  assert_f64(p.cons_mark, 0);
  assert_f64(p.err_integral, 0);
}

static void test_reset_live(void **state) {
  (void)state;
  struct gc_pacer p;
  struct gc_pacer_input in;
  set_up(&commits[1], &p, &in);
  go119()->start_cycle(&p, &in, 0, 4, GC_TRIGGER_HEAP);
  in.heap_scan_work = 11;
  in.stack_scan_work = 22;
  go119()->reset_live(&p, &in, 33);
  assert_u64(p.heap_marked, 33);
  assert_u64(in.heap_live, 33);
  assert_u64(in.heap_scan, 11);
  assert_u64(p.last_heap_scan, 11);
  assert_u64(p.last_stack_scan, 22);
  assert_u64(p.triggered, GC_PACER_NONE);
}

/* ---- the registry --------------------------------------------------------------------------- */

static void test_registry(void **state) {
  (void)state;
  assert_null(gc_pacer_find("no such pacer"));
  for (const struct gc_pacer_ops *const *row = gc_pacers; *row != NULL; row++) {
    assert_ptr_equal(gc_pacer_find((*row)->name), *row);
    assert_true(strlen((*row)->doc) > 10);
    /* Whatever the settings: a trigger never above its goal, never below the marked heap. */
    for (size_t i = 0; i < sizeof commits / sizeof commits[0]; i++) {
      struct gc_pacer p;
      struct gc_pacer_input in = {.heap_live = commits[i].live,
                                  .total_alloc = commits[i].live,
                                  .mapped_ready = commits[i].live};
      (*row)->init(&p, &in, commits[i].gogc, commits[i].limit);
      (*row)->reset_live(&p, &in, commits[i].marked);
      (*row)->commit(&p, &in, false);
      struct gc_pacer_trigger t = (*row)->trigger(&p, &in);
      assert_true(t.trigger <= t.goal);
      assert_true(t.trigger >= p.heap_marked);
    }
  }
}

/* ---- F5.13.5: the limiter ------------------------------------------------------------------- */

static void test_limiter(void **state) {
  (void)state;
  struct gc_limiter l;
  struct gc_limiter_pools none = {0, 0};
  gc_limiter_init(&l, 0, 2);
  assert_u64(l.capacity, 2000000000);
  gc_limiter_transition(&l, true, 100, &none, 0);
  gc_limiter_finish(&l, 1000, 0);
  assert_u64(l.fill, 1800);
  struct gc_limiter_pools pools = {.assist_ns = 5000000, .idle_ns = 1000001};
  gc_limiter_update(&l, 10001003, &pools, 0);
  assert_u64(l.fill, 1001797);
  pools = (struct gc_limiter_pools){.assist_ns = 3000000000, .idle_ns = 0};
  gc_limiter_update(&l, 2010001003, &pools, 6);
  assert_u64(l.fill, 2000000000);
  assert_u64(l.overflow, 2001001797);
  assert_true(l.limiting);
  assert_u64(l.last_enabled_cycle, 7);
  gc_limiter_update(&l, 2010001103, &none, 6);
  assert_u64(l.fill, 1999999900);
  assert_false(l.limiting);
  gc_limiter_transition(&l, false, 2010002000, &none, 6);
  assert_u64(l.fill, 1999999002);
  gc_limiter_finish(&l, 2010003000, 6);
  assert_u64(l.fill, 2000000000);
  assert_u64(l.overflow, 2001002799);
  assert_true(l.limiting);
}

static void test_limiter_edges(void **state) {
  (void)state;
  struct gc_limiter l;
  struct gc_limiter_pools none = {0, 0};
  gc_limiter_init(&l, 1000, 2);
  gc_limiter_update(&l, 999, &none, 0); /* the past changes nothing */
  assert_u64(l.last_ns, 1000);
  gc_limiter_update(&l, 5000, &none, 0); /* mutators only: stays empty */
  assert_u64(l.fill, 0);
  l.fill = 1500000000;
  gc_limiter_resize(&l, 5000, 1, &none, 0);
  assert_u64(l.capacity, 1000000000);
  assert_u64(l.fill, 1000000000);
  assert_true(l.limiting);
  gc_limiter_resize(&l, 5000, 4, &none, 0);
  assert_u64(l.fill, 1000000000);
  assert_false(l.limiting);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_conversions),         cmocka_unit_test(test_workers),
      cmocka_unit_test(test_heap_minimum),        cmocka_unit_test(test_commit),
      cmocka_unit_test(test_cycle),               cmocka_unit_test(test_nothing_allocated),
      cmocka_unit_test(test_controller_overflow), cmocka_unit_test(test_reset_live),
      cmocka_unit_test(test_registry),            cmocka_unit_test(test_limiter),
      cmocka_unit_test(test_limiter_edges),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

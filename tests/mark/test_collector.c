/* The whole collector under the real scheduler, verified at the end of every cycle.
 * covers gc.mark.strong, gc.mark.done */
#include <stdio.h>
#include <string.h>

#include "gc/barrier.h"
#include "gc/gctrace.h"
#include "tests/mark/graph.h"
#include "tests/mark/numbers.h"
#include "tests/mark/support.h"

enum { MIB = 1 << 20 };

static struct graph graph(uint64_t seed, uint64_t operations) {
  return (struct graph){.seed = seed, .goroutines = 4, .operations = test_scaled(operations),
                        .window = 500, .big = true};
}

/* ---- random graphs -------------------------------------------------------------------------- */

static void run_graph(struct run *r, uint64_t operations) {
  struct graph what = graph(r->seed, operations);
  struct outcome out;
  r->arg = &what;
  run_expect_ok(r, &out);
  if (!test_is_full()) return;
  assert_true(out.totals.cycles >= 2);
  assert_int_equal(out.totals.wb_flushes > 0, r->gc.mode == GC_MODE_CONCURRENT);
  assert_true(out.totals.bytes_freed > 0);
}

static void test_procs(void **state) {
  (void)state;
  static const uint32_t procs[] = {1, 2, 4, 7};
  for (size_t i = 0; i < sizeof procs / sizeof procs[0]; i++) {
    struct run r = run_default(graph_main);
    r.procs = procs[i];
    r.seed = 100 + i;
    r.gc.gogc = 50;
    run_graph(&r, 40000);
  }
}

/* With few Ps no worker is dedicated. The main goroutine waits for the collection, so that nobody
 * has anything to do but fractional workers, whose time is up. */
static void graph_and_collect_main(struct go_g *g, void *arg, void *heap_arg) {
  graph_main(g, arg, heap_arg);
  for (uint32_t i = 0; i < 3; i++) gc_collect(go_mu(g));
}

static void test_no_idle_workers(void **state) {
  (void)state;
  for (uint32_t procs = 2; procs <= 3; procs++) {
    struct run r = run_default(graph_and_collect_main);
    r.procs = procs;
    r.gc.idle_workers = 0;
    run_graph(&r, 20000);
  }
}

static void test_gogc(void **state) {
  (void)state;
  static const int32_t gogc[] = {10, 100, 400};
  for (size_t i = 0; i < sizeof gogc / sizeof gogc[0]; i++) {
    struct run r = run_default(graph_main);
    r.procs = 1 + (uint32_t)i;
    r.seed = 200 + i;
    r.gc.gogc = gogc[i];
    run_graph(&r, gogc[i] == 400 ? 120000 : 30000);
  }
}

static void test_small_buffers(void **state) {
  (void)state;
  static const uint32_t entries[] = {0, 1, 4, 64};
  for (size_t i = 0; i < sizeof entries / sizeof entries[0]; i++) {
    struct run r = run_default(graph_main);
    r.procs = 1 << (i % 3);
    r.seed = 300 + i;
    r.gc.gogc = 50;
    r.gc.wb_entries = entries[i];
    run_graph(&r, 20000);
  }
}

static void run_barrier(const struct gc_barrier *row, enum gc_mode mode, uint64_t seed) {
  for (uint32_t procs = 1; procs <= 4; procs *= 2) {
    struct run r = run_default(graph_main);
    r.procs = procs;
    r.seed = seed + procs;
    r.gc.gogc = 50;
    r.gc.mode = mode;
    r.gc.barrier = row->name;
    run_graph(&r, 20000);
  }
}

/* Every row that claims to be sound is; all are while the world is stopped. */
static void test_barriers(void **state) {
  (void)state;
  uint64_t seed = 400;
  for (const struct gc_barrier *row = gc_barriers; row->name != NULL; row++, seed += 10) {
    assert_ptr_equal(gc_barrier_find(row->name), row);
    assert_true(strlen(row->doc) > 10);
    run_barrier(row, GC_MODE_STW, seed);
    if (row->needs_stop) continue; /* beside the program unsound: see test_mutants.c */
    run_barrier(row, GC_MODE_CONCURRENT, seed + 5);
  }
}

/* ---- the world stopped throughout ----------------------------------------------------------- */

/* What the cycle hook saw. */
static struct {
  uint32_t cycles;
  bool is_one_stop, all_paid;
} seen;

static void see_cycle(const struct gc_cycle *c, void *arg) {
  (void)arg;
  uint64_t marking = c->mark_term_ns - c->mark_ns;
  seen.cycles++;
  if (c->pause_total_ns != c->end_ns - c->start_ns) seen.is_one_stop = false;
  if (c->dedicated_ns != marking * c->stop_procs || c->assist_ns != 0) seen.all_paid = false;
}

static void stw_main(struct go_g *g, void *arg, void *heap_arg) {
  seen.is_one_stop = seen.all_paid = true;
  gc_set_cycle_hook(see_cycle, NULL);
  graph_main(g, arg, heap_arg);
  gc_set_cycle_hook(NULL, NULL);
  rt_assert(seen.is_one_stop && seen.all_paid);
}

/* One stop a cycle, whose every part is accounted; the pacer keeps the heap within its goal, with
 * nothing allocated meanwhile and nobody assisting. */
static void test_stw_accounting(void **state) {
  (void)state;
  for (uint32_t procs = 1; procs <= 4; procs *= 2) {
    struct run r = run_default(stw_main);
    struct graph what = graph(500 + procs, 40000);
    struct outcome out;
    r.procs = procs;
    r.seed = what.seed;
    r.arg = &what;
    r.gc.gogc = 50;
    r.gc.mode = GC_MODE_STW;
    r.gc.wb_entries = 0;
    run_expect_ok(&r, &out);
    assert_u64(out.totals.assists, 0);
    assert_u64(out.totals.wb_entries, 0);
    assert_u64(out.totals.mark_restarts, 0);
    if (test_is_full()) assert_true(out.totals.cycles >= 2);
  }
}

/* ---- memory limit --------------------------------------------------------------------------- */

static void churn_main(struct go_g *g, void *arg, void *heap_arg) {
  (void)heap_arg;
  uint64_t bytes = *(const uint64_t *)arg;
  for (uint64_t done = 0; done < bytes; done += 1024) gc_alloc_bytes(go_mu(g), 1000);
}

static void test_memory_limit(void **state) {
  (void)state;
  struct run r = run_default(churn_main);
  struct outcome out;
  uint64_t bytes = 200 * MIB;
  r.arg = &bytes;
  r.gc.gogc = -1;
  r.gc.memory_limit_bytes = 32 * MIB;
  run_expect_ok(&r, &out);
  assert_true(out.totals.cycles >= 4);
  assert_true(out.totals.heap_live_peak_bytes < 40 * MIB);
  r.gc.memory_limit_bytes = INT64_MAX; /* off for good */
  run_expect_ok(&r, &out);
  assert_u64(out.totals.cycles, 0);
}

/* ---- assists -------------------------------------------------------------------------------- */

static void test_assists(void **state) {
  (void)state;
  struct run r = run_default(graph_main);
  struct graph what = graph(7, 40000);
  struct outcome out;
  r.procs = 1;
  r.gc.gogc = 10;
  r.arg = &what;
  run_expect_ok(&r, &out);
  if (test_is_full()) {
    assert_true(out.totals.assists > 0);
    assert_true(out.totals.assist_ns > 0);
  }
  r.gc.assist = false;
  run_expect_ok(&r, &out);
  assert_u64(out.totals.assists, 0);
  if (test_is_full()) assert_true(out.totals.cycles > 0);
}

/* ---- large objects -------------------------------------------------------------------------- */

static const uint64_t pair_mask[] = {1 << 1};
struct pair {
  uint64_t number;
  void *pointer;
  uint64_t other;
};
static struct gc_type pair_type = {
    .name = "pair", .size = sizeof(struct pair), .ptrdata = 16, .mask = pair_mask};
static const uint64_t one_mask[] = {1};
static struct gc_type one_type = {.name = "one", .size = 8, .ptrdata = 8, .mask = one_mask};

enum { PAIRS = 60000, ONES = 400000 }; /* 11 oblets and 25 */

static void fill_pairs(struct gc_mutator *mu, void **keep) {
  for (uint64_t i = 0; i < PAIRS; i++) {
    uint64_t *leaf = gc_alloc_bytes(mu, 16);
    *leaf = i;
    gc_store(mu, &((struct pair *)keep[0])[i].pointer, leaf);
  }
}

static void fill_ones(struct gc_mutator *mu, void **keep) {
  for (uint64_t i = 0; i < ONES; i += 7)
    gc_store(mu, &((void **)keep[1])[i], ((struct pair *)keep[0])[i % PAIRS].pointer);
}

static void large_main(struct go_g *g, void *arg, void *heap_arg) {
  (void)arg;
  (void)heap_arg;
  struct gc_mutator *mu = go_mu(g);
  gc_type_register(&pair_type);
  gc_type_register(&one_type);
  GC_ROOTS(mu, keep, 2);
  keep[0] = gc_alloc_array(mu, &pair_type, PAIRS);
  fill_pairs(mu, keep);
  keep[1] = gc_alloc_array(mu, &one_type, ONES);
  fill_ones(mu, keep);
  gc_collect(go_mu(g));
  /* Interior pointers keep the arrays; the leaves hang off the second array only from here on. */
  keep[1] = (void **)keep[1] + ONES / 2;
  keep[0] = (char *)keep[0] + 1000000;
  gc_collect(go_mu(g));
  struct pair *pairs = (struct pair *)(void *)((char *)keep[0] - 1000000);
  for (uint64_t i = 0; i < PAIRS; i++) rt_assert(*(uint64_t *)pairs[i].pointer == i);
  keep[0] = NULL;
  gc_collect(go_mu(g));
  void **ones = (void **)keep[1] - ONES / 2;
  for (uint64_t i = 0; i < ONES; i += 7) rt_assert(*(uint64_t *)ones[i] == i % PAIRS);
  GC_ROOTS_END(mu, keep);
}

static void test_large(void **state) {
  (void)state;
  for (uint32_t procs = 1; procs <= 4; procs *= 2) {
    struct run r = run_default(large_main);
    struct outcome out;
    r.procs = procs;
    run_expect_ok(&r, &out);
    assert_true(out.totals.forced_cycles == 3);
  }
}

/* ---- runtime.GC and the records of cycles --------------------------------------------------- */

struct record {
  uint64_t count, last_number, last_end_ns;
  uint64_t marked, freed_before, freed_after;
  bool wrong;
  char line[GC_TRACE_LINE_MAX];
};

static void on_cycle(const struct gc_cycle *c, void *arg) {
  struct record *r = arg;
  bool good = c->number == r->last_number + 1 && c->start_ns >= r->last_end_ns &&
              c->start_ns <= c->mark_ns && c->mark_ns <= c->mark_term_ns &&
              c->mark_term_ns <= c->end_ns && c->pause_total_ns > 0 &&
              c->pause_total_ns <= c->end_ns - c->start_ns && c->forced &&
              c->heap_marked_bytes <= c->heap_end_bytes && c->globals_bytes == 300000 + 8 &&
              c->globals_scan_bytes == 300000 + 8 && c->stack_bytes >= 2048 &&
              c->stack_scan_bytes > 0 && c->cpu_fraction >= 0 && c->cpu_fraction <= 1;
  if (!good) r->wrong = true;
  r->count++;
  r->last_number = c->number;
  r->last_end_ns = c->end_ns;
  r->marked = c->heap_marked_bytes;
  gc_cycle_format(c, r->line, sizeof r->line);
}

static void *one_global[1];

/* 1000 objects of 64 KiB: kept, then dropped. */
static void collect_main(struct go_g *g, void *arg, void *heap_arg) {
  (void)arg;
  (void)heap_arg;
  struct gc_mutator *mu = go_mu(g);
  struct record record = {0};
  gc_type_register(&one_type);
  gc_add_global_roots(one_global, 1);
  gc_set_cycle_hook(on_cycle, &record);
  GC_ROOTS(mu, keep, 1);
  keep[0] = gc_alloc_array(mu, &one_type, 1000);
  for (int i = 0; i < 1000; i++)
    gc_store(mu, (void **)keep[0] + i, gc_alloc_bytes(mu, 65536));
  gc_collect(mu);
  rt_assert(record.count == 1 && record.marked >= 1000 * 65536);
  struct gc_totals before, after;
  gc_totals_read(mu, &before);
  keep[0] = NULL;
  gc_collect(mu);
  gc_totals_read(mu, &after);
  rt_assert(record.count == 2 && record.marked < 65536);
  rt_assert(after.bytes_freed - before.bytes_freed >= 1000 * 65536);
  rt_assert(after.frees - before.frees >= 1001);
  rt_assert(strstr(record.line, "gc 2 @") == record.line);
  rt_assert(strstr(record.line, " P (forced)") != NULL);
  rt_assert(!record.wrong);
  gc_set_cycle_hook(NULL, NULL);
  GC_ROOTS_END(mu, keep);
}

static void test_collect(void **state) {
  (void)state;
  for (uint32_t procs = 1; procs <= 2; procs++) {
    struct run r = run_default(collect_main);
    struct outcome out;
    r.procs = procs;
    r.gc.gogc = -1;
    r.gc.globals_bytes = 300000;
    run_expect_ok(&r, &out);
    assert_u64(out.totals.cycles, 2);
    assert_u64(out.totals.forced_cycles, 2);
  }
}

/* Many goroutines ask at once; each gets a cycle that began after it asked. */
struct crowd {
  struct go_waitgroup done;
};

static void ask(struct go_g *g, void *arg, void *heap_arg) {
  (void)heap_arg;
  struct crowd *c = arg;
  for (int i = 0; i < 5; i++) {
    gc_alloc_bytes(go_mu(g), 100);
    gc_collect(go_mu(g));
  }
  go_waitgroup_done(g, &c->done);
}

static void crowd_main(struct go_g *g, void *arg, void *heap_arg) {
  (void)arg;
  (void)heap_arg;
  struct crowd c = {0};
  go_waitgroup_add(g, &c.done, 8);
  for (int i = 0; i < 8; i++) go_spawn(g, "asker", ask, &c, NULL);
  go_waitgroup_wait(g, &c.done);
}

static void test_crowd(void **state) {
  (void)state;
  for (uint32_t procs = 1; procs <= 4; procs *= 2) {
    struct run r = run_default(crowd_main);
    struct outcome out;
    r.procs = procs;
    run_expect_ok(&r, &out);
    assert_true(out.totals.forced_cycles >= 5);
    assert_true(out.totals.forced_cycles <= 40);
  }
}

/* ---- several runs of one process ------------------------------------------------------------- */

static void stay(struct go_g *g, void *arg, void *heap_arg) {
  (void)arg;
  (void)heap_arg;
  for (;;) {
    gc_alloc_bytes(go_mu(g), 4000);
    gc_poll(go_mu(g));
  }
}

/* Returns while others allocate, so that a run mostly ends in the middle of marking. */
static void abandon_main(struct go_g *g, void *arg, void *heap_arg) {
  (void)arg;
  (void)heap_arg;
  for (int i = 0; i < 3; i++) go_spawn(g, "stays", stay, NULL, NULL);
  for (int i = 0; i < 3000; i++) gc_alloc_bytes(go_mu(g), 4000);
}

static void test_runs(void **state) {
  (void)state;
  for (uint32_t procs = 1; procs <= 4; procs *= 2) {
    struct run r = run_default(abandon_main);
    struct outcome out;
    r.procs = procs;
    r.gc.gogc = 10;
    r.repeats = (uint32_t)test_scaled(10) + 1;
    run_expect_ok(&r, &out);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_procs),         cmocka_unit_test(test_gogc),
      cmocka_unit_test(test_no_idle_workers),
      cmocka_unit_test(test_small_buffers), cmocka_unit_test(test_barriers),
      cmocka_unit_test(test_stw_accounting),
      cmocka_unit_test(test_memory_limit),  cmocka_unit_test(test_assists),
      cmocka_unit_test(test_large),         cmocka_unit_test(test_collect),
      cmocka_unit_test(test_crowd),         cmocka_unit_test(test_runs),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* What only the model can do: determinism, virtual time, deadlock, choosing schedules. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "plat_model.h"
#include "runtime/ctx.h"
#include "runtime/event.h"
#include "runtime/lockrank.h"
#include "runtime/meta.h"
#include "runtime/rng.h"
#include "support.h"

static struct plat_model_stats stats_of(void (*body)(void)) {
  struct plat_model_stats s;
  test_run(body);
  plat_model_stats_read(&s);
  return s;
}

/* ---- determinism ----------------------------------------------------------------------------- */

enum { RACERS = 5 };
static PLAT_STATE struct {
  struct at_u64 order; /* who went when */
  struct at_u32 left;
  struct plat_mutex lock;
  struct plat_note done;
  uint64_t extra;      /* operations more, to make a different run */
} race;

static void racer(void *arg) {
  uint64_t me = *(const uint64_t *)arg, state = me + plat_random_u64();
  uint64_t *cells = rt_meta_alloc(64, 64);
  for (uint64_t i = 0; i < 200 + (me == 3 ? race.extra : 0); i++) {
    uint64_t seen = at_u64_load_relaxed(&race.order);
    plat_charge(PLAT_COST_compute, rng_fastrandn(&state, 30));
    at_u64_store_relaxed(&race.order, seen * 31 + me);
    if (i % 16 == 0) {
      plat_mutex_lock(&race.lock);
      plat_charge(PLAT_COST_compute, 40);
      plat_mutex_unlock(&race.lock);
    }
    plat_st(&cells[i % 8], i);
    ev_emit(0, EV_go_run, me, i, 0);
  }
  if (at_u32_add_acqrel(&race.left, UINT32_MAX) == 1) plat_note_wake(&race.done);
}

static void race_body(void) {
  struct plat_thread threads[RACERS];
  uint64_t index[RACERS];
  plat_mutex_init(&race.lock, RT_RANK_TEST, "race");
  plat_note_init(&race.done);
  at_u32_store_relaxed(&race.left, RACERS);
  for (uint64_t i = 0; i < RACERS; i++) {
    index[i] = i;
    rt_assert(plat_thread_start(&threads[i], "racer", racer, &index[i]) == RT_OK);
  }
  plat_note_wait(&race.done);
  for (uint64_t i = 0; i < RACERS; i++) plat_thread_join(&threads[i]);
}

static uint64_t final_order;
static void race_and_report(void) {
  race_body();
  final_order = at_u64_load_relaxed(&race.order);
}

static void same_seed_same_run(void **state) {
  (void)state;
  plat_model_reset();
  plat_seed(1);
  struct plat_model_stats first = stats_of(race_and_report);
  uint64_t order = final_order;
  assert_true(first.switches > 500 && first.steps > 3000);
  for (int i = 0; i < 3; i++) {
    plat_model_reset();
    plat_seed(1);
    struct plat_model_stats again = stats_of(race_and_report);
    assert_memory_equal(&first, &again, sizeof first);
    assert_true(final_order == order);
  }
  plat_model_reset();
  plat_seed(2);
  assert_true(stats_of(race_and_report).trace_hash != first.trace_hash);
  plat_model_reset();
  plat_seed(1);
  race.extra = 1; /* one operation more somewhere shows in the hash */
  assert_true(stats_of(race_and_report).trace_hash != first.trace_hash);
  plat_model_reset();
  assert_true(race.extra == 0);
}

/* The same in another process, whose addresses differ: this program started again with "hash". */
static uint64_t hash_here(void) {
  plat_model_reset();
  plat_seed(5);
  return stats_of(race_and_report).trace_hash;
}

static void same_run_at_other_addresses(void **state) {
  (void)state;
  char self[512] = "", command[600];
  uint64_t here = hash_here();
  assert_true(readlink("/proc/self/exe", self, sizeof self - 1) > 0);
  snprintf(command, sizeof command, "'%s' hash", self);
  for (int i = 0; i < 3; i++) {
    char line[64] = "";
    FILE *f = popen(command, "r");
    assert_non_null(f);
    assert_non_null(fgets(line, sizeof line, f));
    assert_int_equal(pclose(f), 0);
    assert_true(strtoull(line, NULL, 16) == here);
  }
}

/* Logging is no scheduling point. */
static uint64_t log_mask;
static void logged_body(void) {
  rt_assert(ev_init(1, 65536) == RT_OK);
  ev_set_mask(log_mask);
  race_body();
  ev_finish();
}
static void logging_changes_nothing(void **state) {
  (void)state;
  plat_model_reset();
  log_mask = 0;
  struct plat_model_stats quiet = stats_of(logged_body);
  plat_model_reset();
  log_mask = UINT64_MAX;
  struct plat_model_stats loud = stats_of(logged_body);
  assert_memory_equal(&quiet, &loud, sizeof quiet);
}

/* ---- observation: time order, object ids, sites ---------------------------------------------- */

static struct {
  uint64_t last_ps, count, arena, state, stacks;
  bool lock_seen;
} watch;

static void observe(const struct plat_model_op *op, void *arg) {
  rt_assert(arg == &watch);
  rt_assert(op->thread <= RACERS && op->site->line > 0);
  switch (plat_model_region_of(op->object)) {
    case PLAT_REGION_ARENA: watch.arena++; break;
    case PLAT_REGION_STATE: watch.state++; break;
    case PLAT_REGION_STACKS: watch.stacks++; break;
    case PLAT_REGION_NONE:
    case PLAT_REGION_PROGRAM: break;
  }
  if (op->kind == PLAT_OP_LOCK && strcmp(op->site->what, "plat_mutex_lock(&race.lock)") == 0) {
    watch.lock_seen = true;
    rt_assert(strcmp(op->site->func, "racer") == 0);
    rt_assert(strstr(op->site->file, "test_model.c") != NULL);
  }
  watch.count++;
}

static void operations_are_observed(void **state) {
  (void)state;
  struct plat_model_hooks hooks = {.observe = observe, .arg = &watch};
  memset(&watch, 0, sizeof watch);
  plat_model_reset();
  plat_model_set_hooks(&hooks);
  struct plat_model_stats s = stats_of(race_body);
  plat_model_set_hooks(NULL);
  assert_true(watch.count == s.steps);
  assert_true(watch.arena >= RACERS * 200 && watch.state >= RACERS * 400);
  assert_true(watch.lock_seen);
  assert_string_equal(plat_model_op_name(PLAT_OP_SLOT_STORE), "slot-store");
  for (uint32_t k = 0; k < PLAT_OP_COUNT; k++)
    assert_non_null(plat_model_op_name((enum plat_op)k));
}

/* Operations happen in the order of time: each reads its clock right before it appends. */
static PLAT_STATE struct {
  uint64_t last_ns, checks;
} timeline;

static void stamp(void *arg) {
  uint64_t state = *(const uint64_t *)arg;
  for (int i = 0; i < 300; i++) {
    uint64_t now = plat_now_ns();
    rt_assert(now >= timeline.last_ns);
    timeline.last_ns = now;
    timeline.checks++;
    if (i % 7 == 0) plat_sleep_ns(rng_fastrandn(&state, 500));
    plat_charge(PLAT_COST_compute, rng_fastrandn(&state, 100));
  }
}

static void stamp_body(void) {
  struct plat_thread threads[RACERS];
  uint64_t seeds[RACERS];
  for (uint64_t i = 0; i < RACERS; i++) {
    seeds[i] = i;
    rt_assert(plat_thread_start(&threads[i], "stamp", stamp, &seeds[i]) == RT_OK);
  }
  for (uint64_t i = 0; i < RACERS; i++) plat_thread_join(&threads[i]);
}

static void model_time_is_ordered(void **state) {
  (void)state;
  plat_model_reset();
  test_run(stamp_body);
  assert_true(timeline.checks == RACERS * 300);
}

/* ---- virtual time ---------------------------------------------------------------------------- */

static PLAT_STATE struct plat_note never, alarm_note;

static void jump_body(void) {
  uint64_t start = plat_now_ns(), cpu = plat_cpu_ns();
  plat_note_init(&never);
  rt_assert(!plat_note_wait_until(&never, start + 3600000000000ull)); /* an hour, at once */
  uint64_t now = plat_now_ns();
  rt_assert(now >= start + 3600000000000ull && now < start + 3600000001000ull);
  rt_assert(plat_cpu_ns() - cpu < 1000); /* and without computing */
  plat_sleep_ns(1000000);
  rt_assert(plat_now_ns() - now >= 1000000 && plat_cpu_ns() - cpu < 1000);
  plat_charge(PLAT_COST_compute, 5000);
  rt_assert(plat_cpu_ns() - cpu >= 5000);
}

static void time_jumps_to_the_deadline(void **state) {
  (void)state;
  plat_model_reset();
  test_run(jump_body);
}

/* Threads on processors of their own: 8 x 1 ms side by side take 1 ms. */
static void burn(void *arg) {
  (void)arg;
  for (int i = 0; i < 1000; i++) {
    plat_charge(PLAT_COST_compute, 1000);
    plat_yield();
  }
}
static void parallel_body(void) {
  struct plat_thread threads[8];
  for (int i = 0; i < 8; i++)
    rt_assert(plat_thread_start(&threads[i], "burn", burn, NULL) == RT_OK);
  for (int i = 0; i < 8; i++) plat_thread_join(&threads[i]);
  uint64_t now = plat_now_ns(), cpu = plat_cpu_ns();
  rt_assert(now > 1000000 && now < 1200000);
  rt_assert(cpu > 8000000 && cpu < 9600000);
}
static void threads_run_side_by_side(void **state) {
  (void)state;
  plat_model_reset();
  test_run(parallel_body);
}

static void late(void *arg) {
  (void)arg;
  plat_sleep_ns(5000000);
  plat_note_wake(&alarm_note);
}
static void woken_body(void) {
  struct plat_thread thread;
  plat_note_init(&alarm_note);
  rt_assert(plat_thread_start(&thread, "late", late, NULL) == RT_OK);
  rt_assert(!plat_note_wait_until(&alarm_note, 1000000)); /* before the wake */
  rt_assert(plat_note_wait_until(&alarm_note, 60000000000ull));
  uint64_t now = plat_now_ns();
  rt_assert(now > 5000000 && now < 5100000); /* woken, not timed out */
  plat_thread_join(&thread);
}
static void wakes_and_deadlines(void **state) {
  (void)state;
  plat_model_reset();
  test_run(woken_body);
}

static void configured_body(void) {
  rt_assert(plat_ncpu() == 3);
  uint64_t before = plat_now_ns();
  plat_charge(PLAT_COST_zero_byte, 1000);
  rt_assert(plat_now_ns() - before == 7 + 5000 + 1);
}
/* A spin loop ends even when nothing costs anything. */
static PLAT_STATE struct at_u32 flag;
static void raise_flag(void *arg) {
  (void)arg;
  at_u32_store_release(&flag, 1); /* pairs with spin_body */
}
static void spin_body(void) {
  struct plat_thread thread;
  rt_assert(plat_thread_start(&thread, "flag", raise_flag, NULL) == RT_OK);
  while (at_u32_load_acquire(&flag) == 0) plat_relax(); /* pairs with raise_flag */
  plat_thread_join(&thread);
}

static void costs_are_configurable(void **state) {
  struct plat_model_config c;
  (void)state;
  plat_model_config_default(&c);
  assert_int_equal(c.ncpu, 1024);
  struct plat_model_config changed = c;
  changed.ncpu = 3;
  changed.cost_ps[PLAT_COST_zero_byte] = 5000;
  changed.cost_ps[PLAT_COST_step] = 1000;
  changed.cost_ps[PLAT_COST_clock] = 7000;
  plat_model_configure(&changed);
  test_run(configured_body);
  memset(changed.cost_ps, 0, sizeof changed.cost_ps);
  plat_model_configure(&changed);
  plat_model_reset();
  test_run(spin_body);
  plat_model_configure(&c);
}

/* ---- what must be caught --------------------------------------------------------------------- */

static void deadlock_body(void) {
  plat_note_init(&never);
  plat_note_wait(&never);
}
static void hold_and_wait(void *arg) {
  plat_mutex_lock(arg);
  plat_note_wait(&never);
}
static void deadlock_lock_body(void) {
  struct plat_thread thread;
  plat_note_init(&never);
  plat_mutex_init(&race.lock, RT_RANK_TEST, "race");
  rt_assert(plat_thread_start(&thread, "holder", hold_and_wait, &race.lock) == RT_OK);
  plat_sleep_ns(1000000000);
  plat_mutex_lock(&race.lock);
}
static void end_holding(void *arg) { plat_mutex_lock(arg); }
static void end_holding_body(void) {
  struct plat_thread thread;
  plat_mutex_init(&race.lock, RT_RANK_TEST, "race");
  rt_assert(plat_thread_start(&thread, "holder", end_holding, &race.lock) == RT_OK);
  plat_thread_join(&thread);
}
static void wait_for_never(void *arg) { plat_note_wait(arg); }
static void two_waiters_body(void) {
  struct plat_thread thread;
  plat_note_init(&never);
  rt_assert(plat_thread_start(&thread, "first", wait_for_never, &never) == RT_OK);
  plat_sleep_ns(1000000000);
  plat_note_wait(&never);
}

static void misuse_is_caught(void **state) {
  (void)state;
  struct test_death d = test_die(deadlock_body);
  assert_int_equal(d.kind, RT_END_DEADLOCK);
  assert_non_null(strstr(d.message, "main: plat_note_wait(&never) at "));
  d = test_die(deadlock_lock_body);
  assert_int_equal(d.kind, RT_END_DEADLOCK);
  assert_non_null(strstr(d.message, "main: plat_mutex_lock(&race.lock) at "));
  assert_non_null(strstr(d.message, "holder: plat_note_wait(&never) at "));
  d = test_die(end_holding_body);
  assert_int_equal(d.kind, RT_END_BUG);
  assert_string_equal(d.message, "thread holder ends holding race");
  d = test_die(two_waiters_body);
  assert_int_equal(d.kind, RT_END_BUG);
  assert_string_equal(d.message, "main and first wait for one note");
}

/* ---- memory ---------------------------------------------------------------------------------- */

enum { PAGE = 8192 };
static void arena_body(void) {
  char *a = plat_vm_reserve(4 * PAGE, PAGE);
  char *b = plat_vm_reserve(2 * PAGE, PAGE);
  char *c = plat_vm_reserve(4 * PAGE, 64 * PAGE);
  rt_assert(b == a + 4 * PAGE && (uintptr_t)c % (64 * PAGE) == 0);
  plat_vm_release(a, 4 * PAGE);
  plat_vm_release(b, 2 * PAGE);
  rt_assert(plat_vm_reserve(6 * PAGE, PAGE) == a); /* joined and used again */
  rt_assert(plat_vm_commit(a, PAGE) == RT_OK);
  a[0] = 1;
}
static void arena_is_reused_in_order(void **state) {
  (void)state;
  plat_model_reset();
  test_run(arena_body);
  plat_model_reset();
  test_run(arena_body); /* the same offsets again, zeroed */
}

/* ---- goroutine-like contexts inside model threads -------------------------------------------- */

static PLAT_STATE struct {
  struct ctx home, inner;
  struct at_u32 hops;
} nest;
static void inner_main(void *arg) {
  (void)arg;
  for (int i = 0; i < 10; i++) {
    at_u32_add_relaxed(&nest.hops, 1); /* other model threads run meanwhile */
    plat_sleep_ns(100);
    ctx_switch(&nest.inner, &nest.home);
  }
  ctx_switch_last(&nest.inner, &nest.home);
}
static void busy(void *arg) {
  (void)arg;
  for (int i = 0; i < 500; i++) at_u32_add_relaxed(&nest.hops, 0);
}
static void nest_body(void) {
  size_t bytes = (size_t)16 * PAGE * SAN_STACK_FACTOR;
  struct plat_thread thread;
  char *stack = plat_vm_reserve(bytes, PAGE);
  rt_assert(plat_vm_commit(stack, bytes) == RT_OK);
  rt_assert(plat_thread_start(&thread, "busy", busy, NULL) == RT_OK);
  ctx_from_thread(&nest.home);
  ctx_init(&nest.inner, stack, bytes, inner_main, NULL);
  for (int i = 0; i < 11; i++) {
    ctx_switch(&nest.home, &nest.inner);
    plat_sleep_ns(50);
  }
  ctx_finish(&nest.inner);
  rt_assert(at_u32_load_relaxed(&nest.hops) == 10);
  plat_thread_join(&thread);
}
static void contexts_nest(void **state) {
  (void)state;
  plat_model_reset();
  test_run(nest_body);
}

int main(int argc, char **argv) {
  if (argc == 2 && strcmp(argv[1], "hash") == 0) {
    printf("%016" PRIx64 "\n", hash_here());
    return 0;
  }
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(same_seed_same_run),
      cmocka_unit_test(same_run_at_other_addresses),
      cmocka_unit_test(logging_changes_nothing),
      cmocka_unit_test(operations_are_observed),
      cmocka_unit_test(model_time_is_ordered),
      cmocka_unit_test(time_jumps_to_the_deadline),
      cmocka_unit_test(threads_run_side_by_side),
      cmocka_unit_test(wakes_and_deadlines),
      cmocka_unit_test(costs_are_configurable),
      cmocka_unit_test(misuse_is_caught),
      cmocka_unit_test(arena_is_reused_in_order),
      cmocka_unit_test(contexts_nest),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

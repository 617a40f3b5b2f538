/* Mutexes, notes, threads, time. Both platforms. */
#include <string.h>

#include "runtime/lockrank.h"
#include "support.h"

enum { THREADS = 4 };

/* ---- mutexes --------------------------------------------------------------------------------- */

static struct {
  struct plat_mutex lock;
  uint64_t count; /* lock */
  uint64_t rounds;
} counter;

static void count_up(void *arg) {
  (void)arg;
  for (uint64_t i = 0; i < counter.rounds; i++) {
    plat_mutex_lock(&counter.lock);
    rt_assert(plat_mutex_held(&counter.lock));
    counter.count++;
    if (i % 64 == 0) plat_yield(); /* make others meet a held lock */
    plat_mutex_unlock(&counter.lock);
    rt_assert(!plat_mutex_held(&counter.lock));
  }
}

static void exclusion_body(void) {
  struct plat_thread threads[THREADS];
  counter.count = 0;
  counter.rounds = test_scaled(20000);
  plat_mutex_init(&counter.lock, RT_RANK_TEST, "counter");
  for (int i = 0; i < THREADS; i++)
    rt_assert(plat_thread_start(&threads[i], "count", count_up, NULL) == RT_OK);
  for (int i = 0; i < THREADS; i++) plat_thread_join(&threads[i]);
  rt_assert(counter.count == THREADS * counter.rounds);
  plat_mutex_destroy(&counter.lock);
}

static void mutex_excludes(void **state) {
  (void)state;
  test_run(exclusion_body);
}

static struct plat_mutex static_lock = PLAT_MUTEX_INITIALIZER(RT_RANK_META, "static");

static void static_body(void) {
  struct plat_mutex second;
  plat_mutex_init(&second, RT_RANK_META, "second");
  rt_assert(plat_mutex_try_lock(&static_lock));
  rt_assert(!plat_mutex_try_lock(&static_lock));
  plat_mutex_lock_same_rank(&second);
  plat_mutex_unlock(&static_lock);
  plat_mutex_unlock(&second);
  plat_mutex_lock(&static_lock);
  plat_mutex_unlock(&static_lock);
  plat_mutex_destroy(&second);
}

static void mutex_static_and_try(void **state) {
  (void)state;
  test_run(static_body);
}

static void die_relock(void) {
  plat_mutex_lock(&static_lock);
  plat_mutex_lock(&static_lock);
}
static void die_unlock(void) { plat_mutex_unlock(&static_lock); }
static void die_uninitialised(void) {
  struct plat_mutex none;
  memset(&none, 0, sizeof none);
  plat_mutex_lock(&none);
}
static void die_rank(void) {
  struct plat_mutex low;
  plat_mutex_init(&low, RT_RANK_HEAP, "low");
  plat_mutex_lock(&static_lock);
  plat_mutex_lock(&low);
  plat_mutex_unlock(&low); /* reached only without rank checks */
  plat_mutex_unlock(&static_lock);
}
static void die_same_rank(void) {
  struct plat_mutex second;
  plat_mutex_init(&second, RT_RANK_META, "second");
  plat_mutex_lock(&static_lock);
  plat_mutex_lock(&second);
  plat_mutex_unlock(&second);
  plat_mutex_unlock(&static_lock);
}

static void mutex_misuse_is_caught(void **state) {
  (void)state;
  struct test_death d = test_die(die_relock);
  assert_int_equal(d.kind, RT_END_BUG);
  assert_string_equal(d.message, "static is locked twice by one thread");
  d = test_die(die_unlock);
  assert_int_equal(d.kind, RT_END_BUG);
  assert_string_equal(d.message, "static is unlocked by a thread that does not hold it");
  d = test_die(die_uninitialised);
  assert_int_equal(d.kind, RT_END_BUG);
}

/* TEST_RANKS: whether this build checks ranks (the model always does). */
static void rank_violations_are_caught(void **state) {
  (void)state;
  struct test_death d = test_die(die_rank);
  struct test_death same = test_die(die_same_rank);
  if (!TEST_RANKS) {
    assert_true(d.exited && same.exited);
    return;
  }
  assert_int_equal(d.kind, RT_END_BUG);
  assert_string_equal(d.message,
                      "lock order: low (rank 70) locked while static (rank 80) is held");
  assert_int_equal(same.kind, RT_END_BUG);
  assert_string_equal(same.message,
                      "lock order: second (rank 80) locked while static (rank 80) is held");
}

/* ---- notes ----------------------------------------------------------------------------------- */

static struct {
  struct plat_note ping, pong;
  uint64_t rounds, value; /* value: handed over by the notes */
} game;

static void answer(void *arg) {
  (void)arg;
  for (uint64_t i = 0; i < game.rounds; i++) {
    plat_note_wait(&game.ping);
    rt_assert(game.value == 2 * i);
    game.value++;
    plat_note_wake(&game.pong);
  }
}

static void ping_pong_body(void) {
  struct plat_thread thread;
  game.rounds = test_scaled(5000);
  game.value = 0;
  plat_note_init(&game.ping);
  plat_note_init(&game.pong);
  rt_assert(plat_thread_start(&thread, "answer", answer, NULL) == RT_OK);
  for (uint64_t i = 0; i < game.rounds; i++) {
    rt_assert(game.value == 2 * i);
    plat_note_wake(&game.ping);
    plat_note_wait(&game.pong);
    rt_assert(game.value == 2 * i + 1);
    game.value++;
  }
  plat_thread_join(&thread);
  plat_note_destroy(&game.ping);
  plat_note_destroy(&game.pong);
}

static void note_hands_over(void **state) {
  (void)state;
  test_run(ping_pong_body);
}

static void token_body(void) {
  struct plat_note n;
  plat_note_init(&n);
  plat_note_wake(&n);
  plat_note_wake(&n); /* idempotent: one token */
  plat_note_wait(&n);
  rt_assert(!plat_note_wait_until(&n, 0));
  plat_note_wake(&n);
  plat_note_clear(&n);
  uint64_t deadline = plat_now_ns() + 2000000;
  rt_assert(!plat_note_wait_until(&n, deadline));
  rt_assert(plat_now_ns() >= deadline);
  plat_note_wake(&n);
  rt_assert(plat_note_wait_until(&n, 0)); /* a token beats a passed deadline */
  plat_note_destroy(&n);
}

static void note_is_a_binary_token(void **state) {
  (void)state;
  test_run(token_body);
}

/* Wakes that come around the deadline: whatever wait_until says about the token is true. */
static void wake_at(void *arg) {
  (void)arg;
  for (uint64_t i = 0; i < game.rounds; i++) {
    plat_note_wait(&game.pong);
    plat_sleep_ns(20000);
    plat_note_wake(&game.ping);
  }
}

static void race_body(void) {
  struct plat_thread thread;
  uint64_t early = 0;
  game.rounds = test_scaled(300);
  plat_note_init(&game.ping);
  plat_note_init(&game.pong);
  rt_assert(plat_thread_start(&thread, "waker", wake_at, NULL) == RT_OK);
  for (uint64_t i = 0; i < game.rounds; i++) {
    plat_note_wake(&game.pong);
    if (!plat_note_wait_until(&game.ping, plat_now_ns() + 60000 + i % 32 * 1000)) {
      early++;
      plat_note_wait(&game.ping); /* the token still comes, exactly once */
    }
  }
  plat_thread_join(&thread);
  rt_assert(early <= game.rounds);
  rt_assert(!plat_note_wait_until(&game.ping, 0));
}

static void note_deadline_races(void **state) {
  (void)state;
  test_run(race_body);
}

/* ---- threads, time --------------------------------------------------------------------------- */

static void own_self(void *arg) {
  rt_assert(plat_self() == NULL);
  plat_self_set(arg);
  plat_yield();
  rt_assert(plat_self() == arg);
}

static void self_body(void) {
  struct plat_thread threads[THREADS];
  plat_self_set(&threads[0]);
  for (int i = 0; i < THREADS; i++)
    rt_assert(plat_thread_start(&threads[i], "a long name for a thread", own_self, &threads[i]) ==
              RT_OK);
  for (int i = 0; i < THREADS; i++) plat_thread_join(&threads[i]);
  rt_assert(plat_self() == &threads[0]);
  plat_self_set(NULL);
}

static void each_thread_has_its_self(void **state) {
  (void)state;
  test_run(self_body);
}

static void time_body(void) {
  uint64_t before = plat_now_ns();
  uint64_t ticks = plat_ticks();
  plat_sleep_ns(3000000);
  uint64_t ticks_ns = plat_ticks_to_ns(plat_ticks() - ticks);
  uint64_t ns = plat_now_ns() - before;
  rt_assert(ns >= 3000000);
  /* The tick interval lies inside the other one; 0.1 % for the calibration. */
  rt_assert(ticks_ns <= ns + ns / 1000 + 1);
  rt_assert(ticks_ns >= 2990000);
  uint64_t cpu = plat_cpu_ns();
  rt_assert(plat_cpu_ns() >= cpu);
  rt_assert(plat_ncpu() >= 1);
  rt_assert(plat_log_ns() >= before);
}

static void time_moves_on(void **state) {
  (void)state;
  test_run(time_body);
}

static struct at_u32 straggler_done;
static struct plat_thread straggler_thread;
static void straggler(void *arg) {
  (void)arg;
  plat_sleep_ns(2000000);
  at_u32_store_release(&straggler_done, 1); /* pairs with main_waits_for_threads */
}
static void leave_straggler_body(void) {
  rt_assert(plat_thread_start(&straggler_thread, "straggler", straggler, NULL) == RT_OK);
}
/* Natively a thread that has ended is still there to be joined; the model's are gone. */
static int join_straggler(void *arg) {
  if (!TEST_IS_MODEL) plat_thread_join(arg);
  return 0;
}
static void main_waits_for_threads(void **state) {
  (void)state;
  test_run(leave_straggler_body);
  assert_int_equal(at_u32_load_acquire(&straggler_done), 1); /* pairs with straggler */
  plat_main(join_straggler, &straggler_thread);
}

static void random_body(void) {
  plat_seed(7);
  uint64_t a = plat_random_u64(), b = plat_random_u64();
  rt_assert(a != b);
  plat_seed(7);
  rt_assert(plat_random_u64() == a);
  rt_assert(plat_random_u64() == b);
}

static void random_repeats(void **state) {
  (void)state;
  test_run(random_body);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(mutex_excludes),
      cmocka_unit_test(mutex_static_and_try),
      cmocka_unit_test(mutex_misuse_is_caught),
      cmocka_unit_test(rank_violations_are_caught),
      cmocka_unit_test(note_hands_over),
      cmocka_unit_test(note_is_a_binary_token),
      cmocka_unit_test(note_deadline_races),
      cmocka_unit_test(each_thread_has_its_self),
      cmocka_unit_test(time_moves_on),
      cmocka_unit_test(main_waits_for_threads),
      cmocka_unit_test(random_repeats),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

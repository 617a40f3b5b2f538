/* The check for plain-data races: small programs with and without an order. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/check.h"
#include "runtime/lockrank.h"
#include "runtime/plat.h"
#include "sims/explore/happens.h"
#include "support.h"

static PLAT_STATE struct {
  uint64_t data[2];
  void *slot;
  struct at_u32 flag, other;
  struct plat_mutex mutex;
  struct plat_note note;
  struct plat_thread thread[2], third;
} w;

#define BODY(name) static void name(void *arg)

BODY(write_plain) { (void)arg; plat_st(&w.data[0], 1); }
BODY(read_plain) { (void)arg; (void)plat_ld(&w.data[0]); }
BODY(read_other_word) { (void)arg; (void)plat_ld(&w.data[1]); }
BODY(read_low_half) { (void)arg; (void)plat_ld((const uint32_t *)&w.data[0]); }
BODY(touch_both) { (void)arg; plat_touch_write(&w.data[0], 16); }

BODY(publish_release) {
  (void)arg;
  plat_st(&w.data[0], 1);
  at_u32_store_release(&w.flag, 1); /* pairs with the readers below */
}
BODY(publish_relaxed) {
  (void)arg;
  plat_st(&w.data[0], 1);
  at_u32_store_relaxed(&w.flag, 1);
}
BODY(publish_by_add) {
  (void)arg;
  plat_st(&w.data[0], 1);
  at_u32_add_acqrel(&w.flag, 1); /* pairs with the readers below */
}
BODY(publish_after_fence) {
  (void)arg;
  plat_st(&w.data[0], 1);
  at_fence_seq();
  at_u32_store_relaxed(&w.flag, 1);
}
BODY(consume_acquire) {
  (void)arg;
  if (at_u32_load_acquire(&w.flag) != 0) (void)plat_ld(&w.data[0]); /* pairs with publish_* */
}
BODY(consume_relaxed) {
  (void)arg;
  if (at_u32_load_relaxed(&w.flag) != 0) (void)plat_ld(&w.data[0]);
}
BODY(consume_before_fence) {
  (void)arg;
  if (at_u32_load_relaxed(&w.flag) == 0) return;
  at_fence_seq();
  (void)plat_ld(&w.data[0]);
}

BODY(write_locked) {
  (void)arg;
  plat_mutex_lock(&w.mutex);
  plat_st(&w.data[0], 1);
  plat_mutex_unlock(&w.mutex);
}
BODY(wake) { (void)arg; plat_st(&w.data[0], 1); plat_note_wake(&w.note); }
BODY(await) { (void)arg; plat_note_wait(&w.note); (void)plat_ld(&w.data[0]); }
BODY(write_then_start) {
  (void)arg;
  plat_st(&w.data[0], 1);
  if (plat_thread_start(&w.third, "third", write_plain, NULL) == RT_OK) plat_thread_join(&w.third);
  plat_st(&w.data[0], 2);
}
BODY(start_then_write) {
  (void)arg;
  if (plat_thread_start(&w.third, "third", write_plain, NULL) != RT_OK) return;
  plat_st(&w.data[0], 2);
  plat_thread_join(&w.third);
}
BODY(store_slot) { (void)arg; plat_slot_store(&w.slot, &w); }
BODY(load_slot) { (void)arg; (void)plat_slot_load(&w.slot); }
BODY(write_over_slot) { (void)arg; plat_touch_write(&w.slot, 8); }
BODY(nothing) { (void)arg; }

static const struct program {
  const char *name;
  void (*body[2])(void *);
  bool races;
} programs[] = {
    {"a write and a read", {write_plain, read_plain}, true},
    {"two reads", {read_plain, read_plain}, false},
    {"other bytes", {write_plain, read_other_word}, false},
    {"some of the bytes", {write_plain, read_low_half}, true},
    {"a range", {touch_both, read_other_word}, true},
    {"release and acquire", {publish_release, consume_acquire}, false},
    {"a read-modify-write", {publish_by_add, consume_acquire}, false},
    {"a relaxed store", {publish_relaxed, consume_acquire}, true},
    {"a relaxed load", {publish_release, consume_relaxed}, true},
    {"fences", {publish_after_fence, consume_before_fence}, false},
    {"one fence", {publish_after_fence, consume_relaxed}, true},
    {"a lock", {write_locked, write_locked}, false},
    {"a lock on one side", {write_locked, write_plain}, true},
    {"wake and wait", {wake, await}, false},
    {"start and join", {write_then_start, nothing}, false},
    {"beside a started thread", {start_then_write, nothing}, true},
    {"slots", {store_slot, load_slot}, false},
    {"a plain write over a slot", {write_over_slot, load_slot}, true},
};

static const struct program *now; /* set before the mark, read by nobody after it */

static void run_program(void) {
  plat_mutex_init(&w.mutex, RT_RANK_TEST, "mutex");
  plat_note_init(&w.note);
  for (uint32_t i = 0; i < 2; i++) {
    enum rt_err err = plat_thread_start(&w.thread[i], i == 0 ? "one" : "two", now->body[i], NULL);
    rt_assert(err == RT_OK);
  }
  plat_model_mark();
  for (uint32_t i = 0; i < 2; i++) plat_thread_join(&w.thread[i]);
}

static struct xp_report search(bool is_checked, bool is_free) {
  struct xp_config c = test_config("bound");
  struct xp_report r;
  c.preemptions = XP_LEVELS - 1;
  c.walks = 0;
  c.keep_going = true;
  c.happens = is_checked ? xp_happens_new(is_free, NULL) : NULL;
  assert_true(xp_search(&c, &r));
  xp_happens_free(c.happens);
  return r;
}

static void races_are_those_without_an_order(void **state) {
  (void)state;
  for (uint32_t i = 0; i < sizeof programs / sizeof programs[0]; i++) {
    now = &programs[i];
    test_prepare_body(run_program);
    struct xp_report r = search(true, false), unchecked = search(false, false);
    test_leave();
    if ((r.failed > 0) != now->races) print_error("%s: %u failed\n", now->name, (unsigned)r.failed);
    assert_true((r.failed > 0) == now->races);
    assert_int_equal(unchecked.failed, 0);
    assert_int_equal(r.runs, unchecked.runs);
    xp_report_free(&r);
    xp_report_free(&unchecked);
  }
}

static void both_places_are_named(void **state) {
  (void)state;
  now = &programs[0];
  test_prepare_body(run_program);
  struct xp_report r = search(true, false);
  test_leave();
  const char *message = r.failure.schedule.outcome.message;
  assert_non_null(strstr(message, "plain-data race: "));
  assert_non_null(strstr(message, "write in write_plain (tests/explore/test_happens.c:"));
  assert_non_null(strstr(message, "read in read_plain (tests/explore/test_happens.c:"));
  assert_non_null(strstr(message, "(thread 1)"));
  assert_non_null(strstr(message, "(thread 2)"));
  assert_non_null(strstr(message, "at variables+0x"));
  xp_report_free(&r);
}

static void data_may_be_free_to_race(void **state) {
  (void)state;
  now = &programs[0];
  test_prepare_body(run_program);
  struct xp_report r = search(true, true);
  test_leave();
  assert_int_equal(r.failed, 0);
  xp_report_free(&r);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(races_are_those_without_an_order),
      cmocka_unit_test(both_places_are_named),
      cmocka_unit_test(data_may_be_free_to_race),
  };
  return cmocka_run_group_tests_name("explore-happens", tests, NULL, NULL);
}

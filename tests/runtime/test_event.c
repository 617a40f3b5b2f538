/* Event rings: order, loss, masks, a reader beside the writers. Both platforms. */
#include <string.h>

#include "runtime/event.h"
#include "support.h"

enum { RINGS = 3, ENTRIES = 64 };

static struct {
  uint64_t next[RINGS]; /* expected word a of the next record of a ring, when gap is not allowed */
  uint64_t seen;
  uint64_t last_ns[RINGS];
  bool gaps;
} reader;

static void take(const struct ev_record *r, void *arg) {
  rt_assert(arg == &reader);
  rt_assert(r->ring < RINGS);
  rt_assert(r->code == EV_go_run && r->goroutine == 7 && r->b == (r->a ^ 0xabcdef));
  rt_assert(reader.gaps ? r->a >= reader.next[r->ring] : r->a == reader.next[r->ring]);
  rt_assert(r->time_ns >= reader.last_ns[r->ring]);
  reader.last_ns[r->ring] = r->time_ns;
  reader.next[r->ring] = r->a + 1;
  reader.seen++;
}

static void emit(uint32_t ring, uint64_t n) { ev_emit(ring, EV_go_run, 7, n, n ^ 0xabcdef); }

static void order_body(void) {
  struct ev_record last[8];
  memset(&reader, 0, sizeof reader);
  emit(0, 99); /* without rings: nowhere, silently */
  rt_assert(!ev_on(EV_go_run));
  rt_assert(ev_init(RINGS, ENTRIES) == RT_OK);
  rt_assert(ev_on(EV_go_run));
  rt_assert(ev_last(last, 8) == 0);
  for (uint64_t n = 0; n < 5; n++) emit(1, n);
  for (uint64_t n = 0; n < 5; n++) emit(0, n);
  rt_assert(ev_last(last, 8) == 8);
  rt_assert(last[0].ring == 1 && last[0].a == 2 && last[7].ring == 0 && last[7].a == 4);
  rt_assert(ev_drain(take, &reader) == 0);
  rt_assert(reader.seen == 10);
  rt_assert(ev_last(last, 2) == 2 && last[1].a == 4); /* drained records count too */
  for (uint64_t n = 0; n < ENTRIES + 10; n++) emit(2, n);
  rt_assert(ev_drain(take, &reader) == 10);
  rt_assert(reader.seen == 10 + ENTRIES);
  emit(2, ENTRIES); /* there is room again */
  rt_assert(ev_drain(take, &reader) == 10);
  rt_assert(reader.seen == 11 + ENTRIES);
  ev_set_mask(1u << 1); /* gc events only */
  rt_assert(!ev_on(EV_go_run) && ev_on(EV_gc_phase));
  emit(0, 77);
  rt_assert(ev_drain(take, &reader) == 10 && reader.seen == 11 + ENTRIES);
  ev_finish();
  rt_assert(!ev_on(EV_gc_phase));
}

/* A ring that spills loses nothing, in order, and is drained of the rest. */
static void spill_body(void) {
  memset(&reader, 0, sizeof reader);
  rt_assert(ev_init(RINGS, ENTRIES) == RT_OK);
  ev_set_spill(take, &reader, true);
  for (uint64_t n = 0; n < 3 * ENTRIES + 5; n++) emit(1, n);
  rt_assert(reader.seen == 3 * ENTRIES);
  rt_assert(ev_drain(take, &reader) == 0);
  rt_assert(reader.seen == 3 * ENTRIES + 5);
  ev_finish();
  memset(&reader, 0, sizeof reader);
  rt_assert(ev_init(RINGS, ENTRIES) == RT_OK);
  for (uint64_t n = 0; n < ENTRIES + 1; n++) emit(1, n);
  rt_assert(ev_drain(take, &reader) == 1 && reader.seen == ENTRIES); /* no spill any more */
  ev_finish();
}

static void spills(void **state) {
  (void)state;
  test_run(spill_body);
}

static void order_and_loss(void **state) {
  (void)state;
  test_run(order_body);
}

static uint64_t emitted;
static struct at_u32 writers;

static void write_ring(void *arg) {
  uint32_t ring = *(const uint32_t *)arg;
  for (uint64_t n = 0; n < emitted; n++) {
    emit(ring, n);
    if (n % 50 == 0) plat_yield();
  }
  at_u32_add_acqrel(&writers, UINT32_MAX); /* pairs with concurrent_body */
}

static void concurrent_body(void) {
  struct plat_thread threads[RINGS];
  uint32_t index[RINGS];
  memset(&reader, 0, sizeof reader);
  reader.gaps = true;
  emitted = test_scaled(50000);
  rt_assert(ev_init(RINGS, ENTRIES) == RT_OK);
  at_u32_init(&writers, RINGS);
  for (uint32_t i = 0; i < RINGS; i++) {
    index[i] = i;
    rt_assert(plat_thread_start(&threads[i], "writer", write_ring, &index[i]) == RT_OK);
  }
  while (at_u32_load_acquire(&writers) != 0) { /* pairs with write_ring */
    ev_drain(take, &reader);
    plat_yield();
  }
  for (uint32_t i = 0; i < RINGS; i++) plat_thread_join(&threads[i]);
  uint64_t dropped = ev_drain(take, &reader);
  rt_assert(reader.seen + dropped == RINGS * emitted); /* each was seen or counted as lost */
  rt_assert(reader.seen >= RINGS * ENTRIES || reader.seen == RINGS * emitted);
  ev_finish();
}

static void reader_beside_writers(void **state) {
  (void)state;
  test_run(concurrent_body);
}

/* The same with full rings that spill: nothing is lost, and each ring is in order. */
static void spilling_body(void) {
  struct plat_thread threads[RINGS];
  uint32_t index[RINGS];
  memset(&reader, 0, sizeof reader);
  emitted = test_scaled(50000);
  rt_assert(ev_init(RINGS, ENTRIES) == RT_OK);
  ev_set_spill(take, &reader, false);
  at_u32_init(&writers, RINGS);
  for (uint32_t i = 0; i < RINGS; i++) {
    index[i] = i;
    rt_assert(plat_thread_start(&threads[i], "writer", write_ring, &index[i]) == RT_OK);
  }
  while (at_u32_load_acquire(&writers) != 0) { /* pairs with write_ring */
    rt_assert(ev_drain(take, &reader) == 0);
    plat_yield();
  }
  for (uint32_t i = 0; i < RINGS; i++) plat_thread_join(&threads[i]);
  rt_assert(ev_drain(take, &reader) == 0 && reader.seen == RINGS * emitted);
  ev_finish();
}

static void nothing_is_lost_by_spilling(void **state) {
  (void)state;
  test_run(spilling_body);
}

static void names(void **state) {
  (void)state;
  assert_string_equal(ev_name(EV_gc_phase), "gc_phase");
  assert_null(ev_name((enum ev_code)0x7fff));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(order_and_loss),
      cmocka_unit_test(spills),
      cmocka_unit_test(reader_beside_writers),
      cmocka_unit_test(nothing_is_lost_by_spilling),
      cmocka_unit_test(names),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

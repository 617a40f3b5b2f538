/* Several threads, a P each, allocate, mark and sweep at the same time; cycles are stopped by a
 * barrier. Run under ThreadSanitizer this covers gc.span.owner. */
#include <pthread.h>
#include <stdlib.h>

#include "fake.h"

enum { KEEP = 3000, TYPES = 10 };

struct object {
  uint64_t *at;
  uint64_t number;
};

struct worker {
  struct plat_thread thread;
  struct gc_mutator *mu;
  struct object kept[KEEP];
  uint64_t rng, numbers;
};

static struct {
  struct worker *workers;
  struct gc_type *types[TYPES];
  uint64_t steps, rounds;
  struct at_u32 arrived, epoch;
  struct at_u64 marked_bytes;
} all;

/* Everybody waits until the last one has run fn alone. */
static void rendezvous(void (*fn)(void)) {
  uint32_t epoch = at_u32_load_acquire(&all.epoch);           /* pairs with the store below */
  if (at_u32_add_acqrel(&all.arrived, 1) == FAKE_PROCS - 1) { /* pairs with itself */
    if (fn != NULL) fn();
    at_u32_store_relaxed(&all.arrived, 0);
    at_u32_store_release(&all.epoch, epoch + 1); /* pairs with the loads */
    return;
  }
  while (at_u32_load_acquire(&all.epoch) == epoch) plat_yield(); /* pairs with the store */
}

static void check(const struct object *o) {
  if (o->at != NULL) rt_assert(o->at[0] == o->number && o->at[1] == ~o->number);
}

static void step(struct worker *w) {
  struct object *o = &w->kept[rng_fastrandn(&w->rng, KEEP)];
  check(o);
  uint32_t what = rng_fastrandn(&w->rng, 2000);
  uint64_t *at;
  if (what == 0)
    at = gc_alloc_bytes(w->mu, 40000 + rng_fastrandn(&w->rng, 100000));
  else if (what < 100)
    at = gc_alloc_bytes(w->mu, 16 + rng_fastrandn(&w->rng, 5000));
  else
    at = gc_alloc(w->mu, all.types[rng_fastrandn(&w->rng, TYPES)]);
  rt_assert(at[0] == 0 && at[1] == 0);
  if (rng_fastrandn(&w->rng, 3) != 0) { /* else garbage at once */
    o->number = ++w->numbers;
    o->at = at;
  }
  at[0] = o->number;
  at[1] = ~o->number;
}

static void begin_marking(void) {
  fake_cycle_begin();
  at_u64_store_relaxed(&all.marked_bytes, 0);
  fake_marking(true);
}

static void end_marking(void) {
  fake_marking(false);
  uint64_t live = at_u64_load_relaxed(&all.marked_bytes) + fake.black_bytes;
  fake.black_bytes = 0;
  gc_heap_reset_live_stw(live);
  gc_sweep_start_stw();
  gc_sweep_block();
  gc_sweep_pace(live + live / 4 + (1 << 20), live);
}

static void unblock(void) {
  gc_sweep_unblock(&fake.p[0]);
}

/* Marks what the worker keeps, a part at a time, while it and the others allocate. */
static void mark_kept(struct worker *w, uint32_t first, uint32_t end) {
  for (uint32_t i = first; i < end; i++) {
    if (w->kept[i].at == NULL || !fake_mark(w->kept[i].at)) continue;
    at_u64_add_relaxed(&all.marked_bytes, fake_span(w->kept[i].at)->elem_bytes);
  }
}

static void work(void *arg) {
  struct worker *w = arg;
  for (uint64_t round = 0; round < all.rounds; round++) {
    gc_cache_prepare(w->mu->p);
    rendezvous(unblock);
    for (uint64_t i = 0; i < all.steps; i++) {
      step(w);
      if (i % 16 == 0) gc_sweep_one(w->mu->p);
    }
    rendezvous(begin_marking);
    for (uint32_t part = 0; part < 10; part++) {
      for (uint64_t i = 0; i < all.steps / 20; i++) step(w);
      mark_kept(w, part * (KEEP / 10), (part + 1) * (KEEP / 10));
    }
    /* What was marked may have been replaced since, by black objects. */
    rendezvous(end_marking);
  }
  gc_cache_prepare(w->mu->p);
  rendezvous(unblock);
}

static void test_threads(void **state) {
  (void)state;
  fake_begin(NULL);
  all.workers = calloc(FAKE_PROCS, sizeof *all.workers);
  all.steps = test_scaled(80000);
  all.rounds = 6;
  for (uint32_t i = 0; i < TYPES; i++) all.types[i] = fake_type(16 + 24 * i * i, i % 2);
  fake.assist_grant = 1 << 30;
  gc_sweep_start_stw(); /* the first round finds a phase with a blocker to end */
  gc_sweep_block();
  for (uint32_t i = 0; i < FAKE_PROCS; i++) {
    struct worker *w = &all.workers[i];
    w->mu = &fake.mu[i];
    w->rng = 77 + i;
    w->numbers = (uint64_t)i << 40;
    assert_int_equal(plat_thread_start(&w->thread, "test", work, w), RT_OK);
  }
  for (uint32_t i = 0; i < FAKE_PROCS; i++) plat_thread_join(&all.workers[i].thread);
  fake_sweep_all();
  for (uint32_t i = 0; i < FAKE_PROCS; i++) {
    gc_cache_flush(&fake.p[i]);
    for (uint32_t k = 0; k < KEEP; k++) check(&all.workers[i].kept[k]);
  }
  gc_heap_check_stw();
  assert_u64(fake.swept_calls, all.rounds + 1);
  free(all.workers);
  fake_end();
}

/* ---- the background sweeper ------------------------------------------------------------------ */

static struct {
  struct plat_note wake;
  struct at_u32 parks, quit;
} background;

static void yield_thread(struct gc_mutator *self) {
  (void)self;
  plat_yield();
}

static void park_thread(struct gc_mutator *self, struct plat_mutex *unlock, const char *why) {
  (void)self, (void)why;
  plat_mutex_unlock(unlock);
  at_u32_add_acqrel(&background.parks, 1); /* pairs with wait_parks */
  plat_note_wait(&background.wake);
  if (at_u32_load_acquire(&background.quit) != 0) pthread_exit(NULL); /* pairs with the test */
}

static void ready_thread(struct gc_mutator *self, struct gc_mutator *target, bool next) {
  (void)self, (void)next;
  rt_assert(target == &fake.mu[1]);
  plat_note_wake(&background.wake);
}

static void wait_parks(uint32_t count) {
  while (at_u32_load_acquire(&background.parks) < count) plat_yield(); /* pairs with park_thread */
}

static void sweeper(void *arg) { gc_sweep_background(arg, NULL); }

/* It sweeps all there is, parks, and does so again when it is woken. */
static void test_background(void **state) {
  (void)state;
  fake_begin(NULL);
  const struct gc_world_ops *before = gc_world;
  struct gc_world_ops ops = *gc_world;
  ops.yield = yield_thread;
  ops.park = park_thread;
  ops.ready = ready_thread;
  gc_world = &ops;
  plat_note_init(&background.wake);
  struct gc_type *t = fake_type(1024, 1);
  struct plat_thread thread;
  for (uint32_t round = 1; round <= 3; round++) {
    for (int i = 0; i < 100; i++) gc_alloc(&fake.mu[0], t);
    gc_cache_flush(&fake.p[0]);
    fake_cycle_begin();
    fake_cycle_end(0, true);
    assert_false(gc_sweep_is_done());
    if (round == 1)
      assert_int_equal(plat_thread_start(&thread, "sweeper", sweeper, &fake.mu[1]), RT_OK);
    else
      gc_sweep_wake(&fake.mu[0]);
    wait_parks(round);
    assert_true(gc_sweep_is_done());
    assert_u64(fake_count(&gc_heap.n.pages_in_use), 0);
  }
  at_u32_store_release(&background.quit, 1); /* pairs with park_thread */
  plat_note_wake(&background.wake);
  plat_thread_join(&thread);
  gc_world = before;
  plat_note_destroy(&background.wake);
  fake_end();
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_threads),
      cmocka_unit_test(test_background),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

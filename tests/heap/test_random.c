/* Random allocation, dropping, marking and sweeping against a shadow list of live objects.
 *
 * Every live object carries its number in its first and last word; a slot handed out twice, freed
 * early or not cleared shows at once. After each complete sweep the counters, the spans and the
 * sets must agree with the shadow to the slot. Covers gc.mark.alloc, gc.central.sets,
 * gc.cache.count. */
#include <stdlib.h>

#include "fake.h"

enum { LIVE_MAX = 20000, TYPES = 24 };

struct object {
  char *at;
  uint64_t number;
  uint32_t bytes; /* as asked; at least 16 */
};

struct shadow {
  struct object *live;
  uint32_t count;
  uint64_t next_number, rng, seed;
  struct gc_type *types[TYPES];
  bool is_marking;
};

static uint32_t draw(struct shadow *s, uint32_t n) {
  return rng_fastrandn(&s->rng, n);
}

static void stamp(const struct object *o) {
  memcpy(o->at, &o->number, 8);
  memcpy(o->at + o->bytes - 8, &o->number, 8);
}

static void check_stamp(const struct object *o) {
  uint64_t head, tail;
  memcpy(&head, o->at, 8);
  memcpy(&tail, o->at + o->bytes - 8, 8);
  if (head != o->number || tail != o->number) {
    print_message("object %llu of %u bytes holds %llu, %llu\n", (unsigned long long)o->number,
                  o->bytes, (unsigned long long)head, (unsigned long long)tail);
    fail();
  }
}

static void check_zero(const char *at, uint64_t bytes) {
  static const char zeros[64 * 1024];
  for (uint64_t done = 0; done < bytes; done += sizeof zeros) {
    uint64_t step = bytes - done < sizeof zeros ? bytes - done : sizeof zeros;
    if (memcmp(at + done, zeros, step) != 0) fail_msg("a new object is not zero");
  }
}

static void *alloc_some(struct shadow *s, struct gc_mutator *mu, uint32_t *bytes) {
  uint32_t what = draw(s, 100);
  if (what < 80) {
    struct gc_type *t = s->types[draw(s, what < 60 ? 8 : TYPES)];
    *bytes = t->size;
    return gc_alloc(mu, t);
  }
  if (what < 90) {
    struct gc_type *t = s->types[draw(s, 8)];
    uint32_t count = 1 + draw(s, 40);
    *bytes = t->size * count;
    return gc_alloc_array(mu, t, count);
  }
  if (what == 99 && draw(s, 60) == 0) {
    *bytes = 32769 + draw(s, 400000);
    return gc_alloc_bytes(mu, *bytes);
  }
  *bytes = 16 + draw(s, 3000);
  return gc_alloc_bytes(mu, *bytes);
}

static void step_alloc(struct shadow *s) {
  struct gc_mutator *mu = &fake.mu[draw(s, 8) == 0 ? draw(s, FAKE_PROCS) : 0];
  gc_cache_prepare(mu->p); /* the P is acquired */
  struct object o = {.number = ++s->next_number};
  o.at = alloc_some(s, mu, &o.bytes);
  if (draw(s, 64) == 0)
    check_zero(o.at, o.bytes);
  else
    check_zero(o.at, 16);
  stamp(&o);
  if (s->count < LIVE_MAX) s->live[s->count++] = o;
}

static void step_drop(struct shadow *s) {
  if (s->count == 0) return;
  uint32_t i = draw(s, s->count);
  check_stamp(&s->live[i]);
  s->live[i] = s->live[--s->count];
}

/* Drops a whole stretch, so that spans become empty. */
static void step_drop_many(struct shadow *s) {
  uint32_t count = s->count < 2000 ? s->count : 2000;
  for (uint32_t i = 0; i < count; i++) check_stamp(&s->live[s->count - 1 - i]);
  s->count -= count;
}

static void step_tiny(struct shadow *s) {
  struct gc_mutator *mu = &fake.mu[0];
  gc_cache_prepare(mu->p);
  uint32_t bytes = 1 + draw(s, 15);
  char *at = gc_alloc_bytes(mu, bytes);
  check_zero(at, bytes);
  memset(at, 0x5a, bytes); /* garbage at once; must not leak into what comes next */
}

struct sums {
  uint64_t slots, bytes, spans[GC_SPAN_CLASSES];
};

static void add_span(struct gc_span *span, void *arg) {
  struct sums *sums = arg;
  sums->slots += span->alloc_count;
  sums->bytes += span->alloc_count * span->elem_bytes;
  sums->spans[span->span_class]++;
  for (uint32_t i = 0, allocated = 0; i <= span->nelems; i++) {
    if (i == span->nelems)
      assert_int_equal(allocated, span->alloc_count);
    else
      allocated += gc_span_slot_is_allocated(span, i);
  }
}

/* Everything swept and flushed: the heap is the shadow. */
static void check_heap(struct shadow *s) {
  struct sums sums = {0, 0, {0}};
  struct gc_totals totals = {.cycles = 0};
  gc_heap_check_stw();
  gc_heap_each_span_stw(add_span, &sums);
  gc_heap_totals(&totals);
  assert_u64(sums.slots, s->count);
  assert_u64(totals.mallocs - totals.frees, s->count);
  assert_u64(totals.bytes_allocated - totals.bytes_freed, sums.bytes);
  for (uint32_t k = 0; k < GC_SPAN_CLASSES; k++) {
    uint64_t queued = gc_central_count_stw((uint8_t)k, true, true) +
                      gc_central_count_stw((uint8_t)k, false, true);
    assert_u64(queued, sums.spans[k]);
    assert_u64(gc_central_count_stw((uint8_t)k, true, false), 0);
    assert_u64(gc_central_count_stw((uint8_t)k, false, false), 0);
  }
  for (uint32_t i = 0; i < s->count; i++) check_stamp(&s->live[i]);
}

static void cycle_begin(struct shadow *s) {
  for (uint32_t i = 0; i < FAKE_PROCS; i++) gc_cache_prepare(&fake.p[i]);
  fake_cycle_begin();
  fake.assist_grant = 1 << 30;
  fake_marking(true);
  s->is_marking = true;
}

/* Marks the live objects by an interior address; those allocated since the start are black. */
static void cycle_end(struct shadow *s) {
  uint64_t marked = 0;
  for (uint32_t i = 0; i < s->count; i++) {
    struct object *o = &s->live[i];
    fake_mark(o->at + draw(s, o->bytes));
    marked += fake_span(o->at)->elem_bytes;
  }
  fake_marking(false);
  s->is_marking = false;
  fake_cycle_end(marked, draw(s, 2) == 0);
  for (uint32_t i = 0; i < FAKE_PROCS; i++) gc_cache_prepare(&fake.p[i]);
  gc_sweep_pace(marked + marked / 2 + (1 << 20), marked);
  if (draw(s, 3) != 0) return; /* swept lazily, while the test goes on */
  fake_sweep_all();
}

/* Two cycles with nothing allocated in between leave only what is live. */
static void complete_cycle(struct shadow *s) {
  if (s->is_marking) cycle_end(s);
  for (int i = 0; i < 2; i++) {
    cycle_begin(s);
    cycle_end(s);
  }
  fake_sweep_all();
  for (uint32_t i = 0; i < FAKE_PROCS; i++) gc_cache_flush(&fake.p[i]);
  check_heap(s);
}

static void run(uint64_t seed, uint64_t steps, bool check) {
  struct gc_config config;
  gc_config_default(&config);
  config.check = check;
  fake_begin(&config);
  struct shadow s = {.seed = seed, .rng = seed};
  s.live = calloc(LIVE_MAX, sizeof *s.live);
  for (uint32_t i = 0; i < TYPES; i++) {
    uint32_t size = i < 8 ? 16 * (i + 1) : 8 * (2 + draw(&s, 600));
    s.types[i] = fake_type(size, i % 3 == 0 ? 0 : 1 + draw(&s, 3));
  }
  print_message("seed %llu check %d\n", (unsigned long long)seed, check);
  for (uint64_t i = 1; i <= steps; i++) {
    uint32_t what = draw(&s, 100);
    if (what < 50)
      step_alloc(&s);
    else if (what < 92)
      step_drop(&s);
    else if (what < 98)
      step_tiny(&s);
    else if (what == 98)
      gc_sweep_one(&fake.p[0]);
    else if (draw(&s, 1000) == 0)
      step_drop_many(&s);
    if (i % 200000 == 0) {
      if (s.is_marking)
        cycle_end(&s);
      else
        cycle_begin(&s);
    }
    if (i % 3000000 == 0) complete_cycle(&s);
  }
  complete_cycle(&s);
  s.count = 0;
  complete_cycle(&s);
  assert_u64(fake_count(&gc_heap.n.pages_in_use), 0);
  fake_end();
  free(s.live);
}

static void test_plain(void **state) {
  (void)state;
  for (uint64_t seed = 1; seed <= 4; seed++) run(seed, test_scaled(6000000), false);
}

static void test_checking(void **state) {
  (void)state;
  for (uint64_t seed = 11; seed <= 12; seed++) run(seed, test_scaled(1000000), true);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_plain),
      cmocka_unit_test(test_checking),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* The write-barrier buffer: what is recorded, in which order, and what a flush makes of it
 * (F4.3 to F4.12). No cycle runs; the test switches the barrier on by hand. */
#include "gc/concurrent/state.h"
#include "gc/concurrent/wb.h"
#include "tests/mark/numbers.h"
#include "tests/mark/support.h"

static const uint64_t two_mask[] = {3};
static struct gc_type two_type = {.name = "two", .size = 24, .ptrdata = 16, .mask = two_mask};

struct two {
  void *a, *b;
  uint64_t number;
};

enum { OBJECTS = 6 };

struct fixture {
  struct gc_mutator *mu;
  struct gc_p *p;
  void **keep; /* OBJECTS of type two; the last is pointer-free */
};

static void expect_words(const struct fixture *f, uint32_t count, void *const *words) {
  rt_assert(f->p->wb->next == count);
  for (uint32_t i = 0; i < count; i++) rt_assert(f->p->wb->word[i] == (uintptr_t)words[i]);
}

static bool is_marked(void *object) {
  struct gc_span *span;
  uint32_t index;
  rt_assert(gc_find_object((uintptr_t)object, &span, &index));
  return gc_is_marked(span, index);
}

static void barrier_on(void) {
  at_u32_store_relaxed(&gc_cc.phase, GC_PHASE_MARK);
  at_u32_store_relaxed(&gc_flags.barrier_on, 1);
}

static void barrier_off(void) {
  at_u32_store_relaxed(&gc_flags.barrier_on, 0);
  at_u32_store_relaxed(&gc_cc.phase, GC_PHASE_OFF);
}

/* Single stores: new value first, then the overwritten one; nil and foreign values too. */
static void check_order(struct fixture *f) {
  void **k = f->keep;
  struct two *t = k[0];
  int foreign;
  gc_store(f->mu, &t->a, k[1]);
  expect_words(f, 2, (void *[]){k[1], NULL});
  gc_store(f->mu, &t->a, k[2]);
  expect_words(f, 4, (void *[]){k[1], NULL, k[2], k[1]});
  gc_store(f->mu, &t->b, &foreign);
  gc_store(f->mu, &t->b, NULL);
  expect_words(f, 8, (void *[]){k[1], NULL, k[2], k[1], &foreign, NULL, NULL, &foreign});
  rt_assert(t->a == k[2] && t->b == NULL);
}

/* Nothing was shaded yet; the flush marks each object once and queues those with pointers. */
static void check_flush(struct fixture *f) {
  void **k = f->keep;
  struct gc_worker *w = f->p->work;
  rt_assert(!is_marked(k[1]) && !is_marked(k[2]));
  rt_assert(gc_work_is_empty(w));
  gc_store(f->mu, &((struct two *)k[0])->b, k[OBJECTS - 1]);
  uint64_t bytes = w->bytes_marked;
  gc_wb_flush(f->p);
  rt_assert(f->p->wb->next == 0);
  rt_assert(is_marked(k[1]) && is_marked(k[2]) && is_marked(k[OBJECTS - 1]));
  rt_assert(!is_marked(k[0]));
  rt_assert(w->bytes_marked - bytes == 48); /* the pointer-free one is done */
  rt_assert(gc_work_get(w) == (uintptr_t)k[2]); /* the last kept comes first */
  rt_assert(gc_work_get(w) == (uintptr_t)k[1]);
  rt_assert(gc_work_get(w) == 0);
}

/* Copies and clears: old value first; typed by the destination's pointer words. */
static void check_bulk(struct fixture *f) {
  struct two *from = f->keep[3];
  struct two *to = f->keep[0];
  void *old_a = to->a, *old_b = to->b;
  barrier_off();
  gc_store(f->mu, &from->a, f->keep[4]);
  from->number = 42;
  barrier_on();
  gc_copy(f->mu, &two_type, to, to); /* nothing at all */
  expect_words(f, 0, NULL);
  gc_copy(f->mu, &two_type, to, from);
  expect_words(f, 4, (void *[]){old_a, f->keep[4], old_b, NULL});
  rt_assert(to->a == f->keep[4] && to->b == NULL && to->number == 42);
  gc_clear(f->mu, &two_type, to, 0, 24);
  expect_words(f, 8, (void *[]){old_a, f->keep[4], old_b, NULL, f->keep[4], NULL, NULL, NULL});
  rt_assert(to->a == NULL && to->number == 0);
  gc_wb_discard(f->p);
  expect_words(f, 0, NULL);
  gc_shade_handover(f->mu, f->keep[0]);
  rt_assert(f->p->wb->next == 2);
  gc_wb_discard(f->p);
}

/* The last entry that fits is flushed before its own store (F4.4). */
static void check_full(struct fixture *f) {
  struct two *t = f->keep[0];
  uint32_t entries = f->p->wb->capacity / 2;
  uint64_t flushes = at_u64_load_relaxed(&f->p->work->wb_flushes);
  for (uint32_t i = 1; i < entries; i++) gc_store(f->mu, &t->a, NULL);
  rt_assert(at_u64_load_relaxed(&f->p->work->wb_flushes) == flushes);
  gc_store(f->mu, &t->a, NULL);
  rt_assert(at_u64_load_relaxed(&f->p->work->wb_flushes) == flushes + 1);
  rt_assert(f->p->wb->next == 0);
}

static void wb_main(struct go_g *g, void *arg, void *heap_arg) {
  (void)heap_arg;
  struct gc_mutator *mu = go_mu(g);
  gc_type_register(&two_type);
  GC_ROOTS(mu, keep, OBJECTS);
  for (int i = 0; i < OBJECTS - 1; i++) keep[i] = gc_alloc(mu, &two_type);
  keep[OBJECTS - 1] = gc_alloc_bytes(mu, 40);
  struct fixture f = {mu, mu->p, keep};
  barrier_on();
  if (*(uint32_t *)arg >= 16) {
    check_order(&f);
    check_flush(&f);
    check_bulk(&f);
  }
  check_full(&f);
  barrier_off();
  GC_ROOTS_END(mu, keep);
}

static void test_buffer(void **state) {
  (void)state;
  static const uint32_t entries[] = {1, 2, 16, 256, 65536};
  for (size_t i = 0; i < sizeof entries / sizeof entries[0]; i++) {
    struct run r = run_default(wb_main);
    struct outcome out;
    uint32_t n = entries[i];
    r.procs = 1;
    r.no_cycles = true;
    r.gc.wb_entries = n;
    r.arg = &n;
    run_expect_ok(&r, &out);
  }
}

/* Which values a row records. */
static void facts_main(struct go_g *g, void *arg, void *heap_arg) {
  (void)heap_arg;
  const struct gc_barrier *row = arg;
  struct gc_mutator *mu = go_mu(g);
  gc_type_register(&two_type);
  GC_ROOTS(mu, keep, 3);
  for (int i = 0; i < 3; i++) keep[i] = gc_alloc(mu, &two_type);
  struct fixture f = {mu, mu->p, keep};
  struct two *t = keep[0];
  gc_store(mu, &t->a, keep[1]);
  barrier_on();
  bool new_now = row->shade_new;
  at_u64_store_relaxed(&gc_cc.root_jobs, 1); /* one root unscanned */
  at_u64_store_relaxed(&gc_cc.roots_done, 0);
  gc_store(mu, &t->a, keep[2]);
  void *old = row->shade_old ? keep[1] : NULL;
  expect_words(&f, 2, (void *[]){new_now ? keep[2] : NULL, old});
  gc_wb_discard(f.p);
  at_u64_store_relaxed(&gc_cc.roots_done, 1);
  bool new_later = row->shade_new && !row->new_until_roots_done;
  gc_store(mu, &t->b, keep[2]);
  expect_words(&f, 2, (void *[]){new_later ? keep[2] : NULL, NULL});
  gc_wb_discard(f.p);
  barrier_off();
  GC_ROOTS_END(mu, keep);
}

static void test_facts(void **state) {
  (void)state;
  for (const struct gc_barrier *row = gc_barriers; row->name != NULL; row++) {
    struct run r = run_default(facts_main);
    struct outcome out;
    struct gc_barrier copy = *row;
    r.procs = 1;
    r.no_cycles = true;
    r.gc.barrier = row->name;
    r.arg = &copy;
    run_expect_ok(&r, &out);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_buffer),
      cmocka_unit_test(test_facts),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

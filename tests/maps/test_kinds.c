/* What every design of map_kinds[] promises: against a reference, with several goroutines on
 * keys of their own, and as recorded histories that must be linearizable. */
#include <stdio.h>
#include <stdlib.h>

#include "kinds.h"
#include "lin.h"
#include "wrong.h"

static const struct shape shapes[] = {
    {"u64 -> 8", MAP_KEY_U64, MAP_ELEM_BYTES, 8},
    {"u64 -> 208", MAP_KEY_U64, MAP_ELEM_BYTES, 8 * VALUE_WORDS},
    {"u64 -> pointer", MAP_KEY_U64, MAP_ELEM_POINTER, 0},
    {"u32 -> 0", MAP_KEY_U32, MAP_ELEM_BYTES, 0},
    {"string -> pointer", MAP_KEY_STRING, MAP_ELEM_POINTER, 0},
    {"string -> 8", MAP_KEY_STRING, MAP_ELEM_BYTES, 8},
    {"f64 -> 8", MAP_KEY_F64, MAP_ELEM_BYTES, 8},
    {"f64 -> pointer", MAP_KEY_F64, MAP_ELEM_POINTER, 0},
};
enum { SHAPES = sizeof shapes / sizeof shapes[0], GOROUTINES = 4 };

static uint32_t below(struct user *u, uint32_t n) { return rng_fastrandn(&u->draws, n); }
static uint64_t key_number(const struct user *u, uint64_t i) { return i * u->users + u->number; }

static void user_init(struct user *u, struct go_g *g, const struct map_kind *kind,
                      const struct shape *shape, const struct map_type *t) {
  memset(u, 0, sizeof *u);
  u->g = g;
  u->kind = kind;
  u->shape = shape;
  u->t = t;
  u->users = 1;
}

static uint64_t expected_stamp(const struct user *u, uint64_t i) {
  bool is_unit = u->shape->elem == MAP_ELEM_BYTES && u->shape->elem_bytes == 0;
  return is_unit && u->stamps[i] != 0 ? UINT64_MAX : u->stamps[i];
}

#define WHO(u, i)                                                                          \
  "%s, %s, goroutine %u, key %llu", (u)->kind->name, (u)->shape->name, (u)->number, \
      (unsigned long long)(i)

/* ---- operations against the reference ------------------------------------------------------- */

static void put_own(struct user *u, uint64_t i) {
  u->stamp++;
  kinds_put(u, key_number(u, i), u->stamp);
  u->count += u->stamps[i] == 0;
  u->stamps[i] = u->stamp;
}

static void get_own(struct user *u, uint64_t i) {
  CHECK(kinds_get(u, key_number(u, i)) == expected_stamp(u, i), WHO(u, i));
}

static void remove_own(struct user *u, uint64_t i) {
  CHECK(kinds_remove(u, key_number(u, i)) == (u->stamps[i] != 0), WHO(u, i));
  u->count -= u->stamps[i] != 0;
  u->stamps[i] = 0;
}

static bool see(struct go_g *g, const void *key, void *elem, void *arg) {
  struct user *u = arg;
  if (++u->visits % 8 == 0)
    gc_alloc_bytes(go_mu(g), 256); /* a safepoint: what is visited must survive a collection */
  uint64_t index = kinds_key_index(u, key);
  uint64_t stamp = kinds_stamp(u, elem);
  if (index % u->users != u->number)
    return true;
  uint64_t i = index / u->users;
  CHECK(i < u->keys && u->stamps[i] != 0, WHO(u, i));
  CHECK(stamp == expected_stamp(u, i), WHO(u, i));
  CHECK(++u->seen[i] == 1, WHO(u, i));
  return true;
}

/* Nobody else changes the keys of u, so each of them is met once. */
static void iterate_own(struct user *u) {
  memset(u->seen, 0, sizeof u->seen);
  u->kind->each(u->g, u->t, u->roots[ROOT_MAP], see, u);
  for (uint64_t i = 0; i < u->keys; i++)
    CHECK(u->seen[i] == (u->stamps[i] != 0), WHO(u, i));
}

static void check_all(struct user *u) {
  const char *why = NULL;
  bool ok = u->kind->check(u->g, u->t, u->roots[ROOT_MAP], &why);
  CHECK(ok, "%s, %s: %s", u->kind->name, u->shape->name, why);
}

static void random_op(struct user *u) {
  uint64_t i = below(u, u->keys);
  uint32_t what = below(u, 1000);
  if (what < 450)
    put_own(u, i);
  else if (what < 750)
    get_own(u, i);
  else if (what < 995)
    remove_own(u, i);
  else
    iterate_own(u);
}

/* ---- one goroutine -------------------------------------------------------------------------- */

static bool stop_at_once(struct go_g *g, const void *key, void *elem, void *arg) {
  (void)g, (void)key, (void)elem;
  ++*(int *)arg;
  return false;
}

/* Not scaled: with fewer, some of the wrong designs would go unseen. */
enum { CLEAR_EVERY = 1777, REFERENCE_OPS = 12000 };

static void clear_own(struct user *u) {
  u->kind->clear(u->g, u->t, u->roots[ROOT_MAP]);
  memset(u->stamps, 0, sizeof u->stamps);
  u->count = 0;
  iterate_own(u);
}

static void one_shape(struct user *u, uint64_t ops) {
  int visits = 0;
  for (uint64_t n = 0; n < ops; n++) {
    if (n % 500 == 0) /* as many keys as this: full tables and nearly empty ones */
      u->keys = 1 + below(u, n % 2000 == 0 ? 16 : KEYS_MAX);
    for (uint64_t i = u->keys; n % 500 == 0 && i < KEYS_MAX; i++)
      if (u->stamps[i] != 0)
        remove_own(u, i);
    random_op(u);
    if (n % 199 == 0)
      check_all(u);
    if (n % CLEAR_EVERY == CLEAR_EVERY - 1)
      clear_own(u);
    CHECK_U64(u->kind->count(u->g, u->roots[ROOT_MAP]), u->count);
  }
  put_own(u, 0);
  u->kind->each(u->g, u->t, u->roots[ROOT_MAP], stop_at_once, &visits);
  CHECK_U64(visits, 1);
  struct map_kind_stats s;
  u->kind->stats(u->g, u->t, u->roots[ROOT_MAP], &s);
  CHECK_U64(s.s.count, u->count);
  check_all(u);
}

static void reference_main(struct go_g *g, void *arg, void *heap_arg) {
  const struct map_kind *kind = arg;
  (void)heap_arg;
  struct user *u = malloc(sizeof *u);
  for (unsigned i = 0; i < SHAPES; i++) {
    GC_ROOTS(go_mu(g), roots, ROOTS);
    user_init(u, g, kind, &shapes[i], kinds_type(&shapes[i]));
    u->roots = roots;
    u->draws = 1000 + i;
    roots[ROOT_MAP] = kinds_create(g, kind, u->t, i % 2 == 0 ? 0 : 300);
    one_shape(u, REFERENCE_OPS);
    GC_ROOTS_END(go_mu(g), roots);
  }
  free(u);
}

static void test_reference(void **state) {
  (void)state;
  for (const struct map_kind *const *row = map_kinds; *row != NULL; row++)
    test_run(reference_main, (void *)(uintptr_t)*row);
}

/* A NaN is a new key each time, and nobody finds it again. */
static void nan_main(struct go_g *g, void *arg, void *heap_arg) {
  const struct map_kind *kind = arg;
  (void)heap_arg;
  const struct shape shape = {"f64 -> 8", MAP_KEY_F64, MAP_ELEM_BYTES, 8};
  const struct map_type *t = kinds_type(&shape);
  double nan = __builtin_nan("");
  uint64_t value = 7, out;
  GC_ROOTS(go_mu(g), roots, 1);
  void *m = roots[0] = kinds_create(g, kind, t, 0);
  for (int i = 0; i < 40; i++) {
    kind->put(g, t, m, &nan, &value);
    CHECK(!kind->get(g, t, m, &nan, &out), "%s", kind->name);
    CHECK(!kind->remove(g, t, m, &nan), "%s", kind->name);
  }
  const char *why = "";
  CHECK_U64(kind->count(g, m), 40);
  CHECK(kind->check(g, t, m, &why), "%s: %s", kind->name, why);
  kind->clear(g, t, m);
  CHECK_U64(kind->count(g, m), 0);
  GC_ROOTS_END(go_mu(g), roots);
}

static void test_nan(void **state) {
  (void)state;
  for (const struct map_kind *const *row = map_kinds; *row != NULL; row++)
    test_run(nan_main, (void *)(uintptr_t)*row);
}

/* ---- several goroutines --------------------------------------------------------------------- */

struct crowd {
  const struct map_kind *kind;
  bool write; /* else all of them only read what was put before */
  uint64_t ops;
  struct user *users;
  struct go_waitgroup done;
};

static void crowd_goroutine(struct go_g *g, void *arg, void *heap_arg) {
  struct user *u = arg;
  GC_ROOTS(go_mu(g), roots, ROOTS);
  struct crowd *c = (struct crowd *)(uintptr_t)u->stamp;
  u->stamp = 0;
  for (uint64_t i = 0; i < u->keys; i++)
    u->stamp = u->stamps[i] > u->stamp ? u->stamps[i] : u->stamp;
  u->g = g;
  u->roots = roots;
  roots[ROOT_MAP] = heap_arg;
  for (uint64_t n = 0; n < c->ops; n++) {
    if (c->write)
      random_op(u);
    else if (n % 200 == 0)
      iterate_own(u);
    else
      get_own(u, below(u, u->keys));
  }
  GC_ROOTS_END(go_mu(g), roots);
  go_waitgroup_done(g, &c->done);
}

/* Keys that all readers share are put before they start. */
static void crowd_run(struct go_g *g, struct crowd *c, const struct shape *shape) {
  const struct map_type *t = kinds_type(shape);
  uint64_t total = 0;
  GC_ROOTS(go_mu(g), roots, ROOTS);
  roots[ROOT_MAP] = kinds_create(g, c->kind, t, 0);
  for (uint32_t i = 0; i < GOROUTINES; i++) {
    struct user *u = &c->users[i];
    user_init(u, g, c->kind, shape, t);
    u->roots = roots;
    u->number = i;
    u->users = GOROUTINES;
    u->keys = 60 + 100 * i;
    u->draws = 77 + i;
    for (uint64_t k = 0; k < u->keys; k += 2)
      put_own(u, k);
  }
  go_waitgroup_add(g, &c->done, GOROUTINES);
  for (uint32_t i = 0; i < GOROUTINES; i++) {
    c->users[i].stamp = (uint64_t)(uintptr_t)c;
    go_spawn(g, "user", crowd_goroutine, &c->users[i], roots[ROOT_MAP]);
  }
  go_waitgroup_wait(g, &c->done);
  for (uint32_t i = 0; i < GOROUTINES; i++) {
    c->users[i].g = g;
    c->users[i].roots = roots;
    total += c->users[i].count;
    iterate_own(&c->users[i]);
  }
  CHECK_U64(c->kind->count(g, roots[ROOT_MAP]), total);
  check_all(&c->users[0]);
  GC_ROOTS_END(go_mu(g), roots);
}

static void crowd_main(struct go_g *g, void *arg, void *heap_arg) {
  struct crowd *c = arg;
  (void)heap_arg;
  c->users = calloc(GOROUTINES, sizeof *c->users);
  for (unsigned i = 0; i < SHAPES; i++)
    crowd_run(g, c, &shapes[i]);
  free(c->users);
}

static void test_writers(void **state) {
  (void)state;
  for (const struct map_kind *const *row = map_kinds; *row != NULL; row++) {
    struct crowd c = {.kind = *row, .write = true, .ops = test_scaled(3000)};
    if ((*row)->facts.concurrent_writes)
      test_run_on(4, crowd_main, &c);
  }
}

static void test_readers(void **state) {
  (void)state;
  for (const struct map_kind *const *row = map_kinds; *row != NULL; row++) {
    struct crowd c = {.kind = *row, .ops = test_scaled(2000)};
    CHECK(!(*row)->facts.concurrent_writes || (*row)->facts.concurrent_reads, "%s", (*row)->name);
    if ((*row)->facts.concurrent_reads)
      test_run_on(4, crowd_main, &c);
  }
}

/* ---- designs that are wrong: the reference and the crowd must show it ----------------------- */

static void wrong_reference(const struct wrong *w, const struct map_kind *base) {
  char who[128];
  struct map_kind kind = wrong_make(w, base);
  snprintf(who, sizeof who, "%s: %s", base->name, w->name);
  test_fails(1, reference_main, &kind, who);
}

static void test_wrong_reference(void **state) {
  (void)state;
  for (const struct map_kind *const *row = map_kinds; *row != NULL; row++) {
    wrong_reference(&wrong_ending, *row);
    for (const struct wrong *w = wrong_ways; w->name != NULL; w++)
      if (w->base == NULL || strcmp(w->base, (*row)->name) == 0)
        wrong_reference(w, *row);
  }
}

static void wrong_crowd(const struct wrong *list, bool write) {
  for (const struct wrong *w = list; w->name != NULL; w++) {
    struct map_kind kind = wrong_make(w, map_kind_find(w->base));
    struct crowd c = {.kind = &kind, .write = write, .ops = 3000};
    test_fails(4, crowd_main, &c, w->name);
  }
}

static void test_wrong_crowd(void **state) {
  (void)state;
  wrong_crowd(wrong_writers, true);
  wrong_crowd(wrong_readers, false);
}

/* ---- recorded histories --------------------------------------------------------------------- */

enum { HISTORY_KEYS = 3 };

struct history {
  const struct map_kind *kind;
  const struct shape *shape;
  const struct map_type *t;
  uint64_t ops_each;
  struct at_u64 clock;         /* invocations and responses in the order they happened */
  struct at_u64 next_number;   /* of goroutines */
  struct lin_op *ops;
  struct go_waitgroup done;
  bool expect_order;
};

static void record_one(struct history *h, struct user *u, struct lin_op *op) {
  uint32_t what = below(u, 10);
  op->key = below(u, HISTORY_KEYS);
  op->kind = what < 4 ? LIN_PUT : what < 8 ? LIN_GET : LIN_REMOVE;
  if (op->kind == LIN_PUT)
    op->value = ++u->stamp;
  op->invoked = at_u64_add_seq(&h->clock, 1) + 1; /* pairs with itself: one order of all */
  if (op->kind == LIN_PUT)
    kinds_put(u, op->key, op->value);
  else if (op->kind == LIN_GET)
    op->value = kinds_get(u, op->key);
  else
    op->found = kinds_remove(u, op->key);
  op->returned = at_u64_add_seq(&h->clock, 1) + 1; /* pairs with itself */
  if (op->kind == LIN_GET)
    op->found = op->value != 0;
}

static void history_goroutine(struct go_g *g, void *arg, void *heap_arg) {
  struct history *h = arg;
  struct user *u = malloc(sizeof *u);
  GC_ROOTS(go_mu(g), roots, ROOTS);
  user_init(u, g, h->kind, h->shape, h->t);
  u->number = (uint32_t)at_u64_add_relaxed(&h->next_number, 1); /* a number, nothing else */
  u->draws = 5 + u->number;
  u->stamp = (uint64_t)(u->number + 1) << 32;
  u->roots = roots;
  roots[ROOT_MAP] = heap_arg;
  for (uint64_t i = 0; i < h->ops_each; i++) {
    record_one(h, u, &h->ops[u->number * h->ops_each + i]);
    if (i % 4 == 0) /* a key nobody looks at: the table grows meanwhile */
      kinds_put(u, HISTORY_KEYS + u->number + GOROUTINES * i, 1);
    if (below(u, 4) == 0)
      go_yield(g);
  }
  GC_ROOTS_END(go_mu(g), roots);
  free(u);
  go_waitgroup_done(g, &h->done);
}

static void history_main(struct go_g *g, void *arg, void *heap_arg) {
  struct history *h = arg;
  (void)heap_arg;
  h->t = kinds_type(h->shape);
  h->ops = calloc(GOROUTINES * h->ops_each, sizeof *h->ops);
  GC_ROOTS(go_mu(g), roots, 1);
  roots[0] = kinds_create(g, h->kind, h->t, 0);
  go_waitgroup_add(g, &h->done, GOROUTINES);
  for (int i = 0; i < GOROUTINES; i++)
    go_spawn(g, "recorder", history_goroutine, h, roots[0]);
  go_waitgroup_wait(g, &h->done);
  GC_ROOTS_END(go_mu(g), roots);
  struct lin_verdict v = lin_check(h->ops, GOROUTINES * h->ops_each);
  CHECK(v.ok == h->expect_order,
        "%s, %s: key %llu has no order: stuck at the response %llu of a %s of %llu, %llu of %llu "
        "placed",
        h->kind->name, h->shape->name, (unsigned long long)v.key,
        (unsigned long long)v.stuck.returned,
        v.stuck.kind == LIN_GET ? "get" : v.stuck.kind == LIN_PUT ? "put" : "remove",
        (unsigned long long)v.stuck.value, (unsigned long long)v.placed,
        (unsigned long long)v.count);
  free(h->ops);
}

static void test_histories(void **state) {
  (void)state;
  static const unsigned which[] = {0, 1, 4};
  for (const struct map_kind *const *row = map_kinds; *row != NULL; row++) {
    if (!(*row)->facts.linearizable)
      continue;
    for (uint32_t i = 0; i < 3; i++) {
      struct history h = {.kind = *row, .shape = &shapes[which[i]], .expect_order = true};
      h.ops_each = test_scaled(1500);
      test_run_on(2 + i, history_main, &h);
    }
  }
}

/* ---- designs that are wrong: the histories must show it ------------------------------------- */

/* An overwritten key is gone for a moment. */
static void torn_put(struct go_g *g, const struct map_type *t, void *m, const void *key,
                     const void *elem) {
  const struct map_kind *kind = map_kind_find("sharded");
  if (kind->remove(g, t, m, key))
    go_yield(g);
  kind->put(g, t, m, key, elem);
}

/* A value read before, while the new one is already there for others. */
static bool stale_get(struct go_g *g, const struct map_type *t, void *m, const void *key,
                      void *out) {
  const struct map_kind *kind = map_kind_find("sharded");
  static uint64_t last_key, last_value;
  uint64_t k = map_load_u64(key);
  if (last_value != 0 && last_key == k && gc_fastrand(go_mu(g)) % 4 == 0) {
    memcpy(out, &last_value, sizeof last_value);
    return true;
  }
  bool found = kind->get(g, t, m, key, out);
  if (found) {
    last_key = k;
    last_value = map_load_u64(out);
  }
  return found;
}

/* Found first, removed later: two goroutines may both have removed one value. */
static bool late_remove(struct go_g *g, const struct map_type *t, void *m, const void *key) {
  const struct map_kind *kind = map_kind_find("sharded");
  uint64_t out;
  bool found = kind->get(g, t, m, key, &out);
  go_yield(g);
  kind->remove(g, t, m, key);
  return found;
}

/* Now and then a value is not stored, as by a writer whose bucket has just been moved away. */
static void lost_put(struct go_g *g, const struct map_type *t, void *m, const void *key,
                     const void *elem) {
  const struct map_kind *kind = map_kind_find("sharded");
  if (gc_fastrand(go_mu(g)) % 8 != 0)
    kind->put(g, t, m, key, elem);
}

static void test_wrong_designs(void **state) {
  (void)state;
  struct map_kind wrong = *map_kind_find("sharded");
  struct history h = {.kind = &wrong, .shape = &shapes[0], .ops_each = 500};
  wrong.name = "torn put";
  wrong.put = torn_put;
  test_run_on(1, history_main, &h);
  wrong = *map_kind_find("sharded");
  wrong.name = "stale get";
  wrong.get = stale_get;
  test_run_on(1, history_main, &h);
  wrong = *map_kind_find("sharded");
  wrong.name = "late remove";
  wrong.remove = late_remove;
  test_run_on(1, history_main, &h);
  wrong = *map_kind_find("sharded");
  wrong.name = "lost put";
  wrong.put = lost_put;
  test_run_on(1, history_main, &h);
}

/* ---- what the designs count ----------------------------------------------------------------- */

static void migrations_main(struct go_g *g, void *arg, void *heap_arg) {
  (void)arg, (void)heap_arg;
  static const char *const names[] = {"global-lock", "bucket-spin"};
  struct user *u = malloc(sizeof *u);
  for (unsigned i = 0; i < 2; i++) {
    struct map_kind_stats s;
    GC_ROOTS(go_mu(g), roots, ROOTS);
    user_init(u, g, map_kind_find(names[i]), &shapes[0], kinds_type(&shapes[0]));
    u->roots = roots;
    roots[ROOT_MAP] = kinds_create(g, u->kind, u->t, 0);
    for (uint64_t n = 1; n <= 1000; n++) {
      kinds_put(u, n, n);
      u->kind->stats(g, u->t, roots[ROOT_MAP], &s);
      CHECK(!s.s.growing, "%s", names[i]);
    }
    CHECK_U64(s.s.B, 8); /* grown at 9, 14, 27, 53, 105, 209, 417 and 833 entries */
    CHECK_U64(s.s.growths, 8);
    CHECK_U64(s.migrations, s.s.growths + s.s.same_size_growths);
    CHECK(s.migration_ns_max > 0, "%s", names[i]);
    GC_ROOTS_END(go_mu(g), roots);
  }
  free(u);
}

static void test_migrations(void **state) {
  (void)state;
  test_run(migrations_main, NULL);
}

struct stages {
  struct user *u;
  struct at_u32 started, done;
};

static void stages_goroutine(struct go_g *g, void *arg, void *heap_arg) {
  struct stages *s = arg;
  (void)heap_arg;
  struct user *u = s->u;
  uint64_t key = 5 | (uint64_t)5 * 2654435761U << 32, value = 6;
  at_u32_store_release(&s->started, 1); /* pairs with stages_visit */
  u->kind->put(g, u->t, heap_arg, &key, &value);
  at_u32_store_release(&s->done, 1); /* pairs with stages_main */
}

/* With the only bucket locked: the other goroutine gets to its end of patience. */
static bool stages_visit(struct go_g *g, const void *key, void *elem, void *arg) {
  struct stages *s = arg;
  (void)key, (void)elem;
  while (at_u32_load_acquire(&s->started) == 0) /* pairs with stages_goroutine */
    go_yield(g);
  for (int i = 0; i < 4; i++)
    go_yield(g);
  CHECK(at_u32_load_acquire(&s->done) == 0, "the bucket is not locked"); /* pairs likewise */
  return true;
}

static void stages_main(struct go_g *g, void *arg, void *heap_arg) {
  (void)arg, (void)heap_arg;
  struct user *u = malloc(sizeof *u);
  struct stages s = {.u = u};
  struct map_kind_stats stats;
  GC_ROOTS(go_mu(g), roots, ROOTS);
  user_init(u, g, map_kind_find("bucket-spin"), &shapes[0], kinds_type(&shapes[0]));
  u->roots = roots;
  void *m = roots[ROOT_MAP] = kinds_create(g, u->kind, u->t, 0);
  kinds_put(u, 1, 1);
  go_spawn(g, "waiter", stages_goroutine, &s, m);
  u->kind->each(g, u->t, m, stages_visit, &s);
  while (at_u32_load_acquire(&s.done) == 0) /* pairs with stages_goroutine */
    go_yield(g);
  u->kind->stats(g, u->t, m, &stats);
  CHECK_U64(stats.lock_waits, 1);
  CHECK_U64(stats.spin_pauses, 4);
  CHECK_U64(stats.spin_yields, 1);
  CHECK_U64(stats.spin_parks, 1);
  CHECK_U64(kinds_get(u, 5), 6);
  check_all(u);
  GC_ROOTS_END(go_mu(g), roots);
  free(u);
}

static void test_stages(void **state) {
  (void)state;
  test_run_on(1, stages_main, NULL);
}

/* "alone": what one goroutine does, with nothing in it for ThreadSanitizer; else the rest. */
int main(int argc, char **argv) {
  const struct CMUnitTest alone[] = {
      cmocka_unit_test(test_reference),  cmocka_unit_test(test_wrong_reference),
      cmocka_unit_test(test_nan),        cmocka_unit_test(test_migrations),
      cmocka_unit_test(test_stages),
  };
  const struct CMUnitTest together[] = {
      cmocka_unit_test(test_writers),    cmocka_unit_test(test_readers),
      cmocka_unit_test(test_wrong_crowd), cmocka_unit_test(test_histories),
      cmocka_unit_test(test_wrong_designs),
  };
  if (argc > 1 && strcmp(argv[1], "alone") == 0)
    return cmocka_run_group_tests(alone, NULL, NULL);
  return cmocka_run_group_tests(together, NULL, NULL);
}

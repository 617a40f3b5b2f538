/* The run queue against a plain list, and under thieves. Covers INV sched.runq.once. */
#include <stdlib.h>
#include <string.h>

#include "runtime/rng.h"
#include "support.h"

enum { MODEL_MAX = 1024, POOL = 4096 };

/* What the queue should hold: ring in order, and the runnext slot. */
struct reference {
  struct go_g *ring[MODEL_MAX];
  uint32_t count;
  struct go_g *next;
};

static struct go_g *pool;

static void reference_put(struct reference *r, struct go_g *g, bool next, struct go_list *spill) {
  if (next) {
    struct go_g *old = r->next;
    r->next = g;
    if (old == NULL) return;
    g = old;
  }
  if (r->count == GO_RUNQ_SIZE) {
    for (uint32_t i = 0; i < GO_RUNQ_HALF; i++) go_list_push(spill, r->ring[i]);
    go_list_push(spill, g);
    r->count -= GO_RUNQ_HALF;
    memmove(r->ring, r->ring + GO_RUNQ_HALF, r->count * sizeof *r->ring);
    return;
  }
  r->ring[r->count++] = g;
}

static struct go_g *reference_get(struct reference *r) {
  struct go_g *g = r->next;
  r->next = NULL;
  if (g != NULL || r->count == 0) return g;
  g = r->ring[0];
  memmove(r->ring, r->ring + 1, --r->count * sizeof *r->ring);
  return g;
}

static struct go_g *reference_steal(struct reference *r, uint32_t *count) {
  *count = r->count - r->count / 2;
  if (*count == 0) return NULL;
  struct go_g *last = r->ring[*count - 1];
  r->count -= *count;
  memmove(r->ring, r->ring + *count, r->count * sizeof *r->ring);
  return last;
}

static void check_same_list(struct go_list *got, const struct go_g **want, uint64_t count) {
  rt_assert(got->count == count);
  for (uint64_t i = 0; i < count; i++) rt_assert(go_list_pop(got) == want[i]);
  rt_assert(go_list_pop(got) == NULL);
}

/* One list after the other, because a goroutine has one link only. */
static uint64_t drain(struct go_list *list, const struct go_g **out) {
  uint64_t n = 0;
  for (struct go_g *g = go_list_pop(list); g != NULL; g = go_list_pop(list)) out[n++] = g;
  return n;
}

static void check_put(struct go_runq *q, struct reference *r, struct go_g *g, bool next) {
  const struct go_g *want[GO_RUNQ_HALF + 1];
  struct go_list spill = {0};
  reference_put(r, g, next, &spill);
  uint64_t n = drain(&spill, want);
  go_runq_put(q, g, next, &spill);
  check_same_list(&spill, want, n);
}

static void check_get(struct go_runq *q, struct reference *r) {
  bool inherit, is_next = r->next != NULL;
  struct go_g *g = go_runq_get(q, &inherit);
  rt_assert(g == reference_get(r));
  rt_assert(g == NULL || inherit == is_next);
}

static void check_steal(struct go_runq *thief, struct go_runq *q, struct reference *r) {
  uint32_t n, m;
  bool inherit;
  struct go_g *g = go_runq_steal(thief, q, &n);
  rt_assert(g == reference_steal(r, &m) && n == m);
  for (uint32_t k = 1; k < n; k++) rt_assert(go_runq_get(thief, &inherit) != NULL);
  rt_assert(go_runq_is_empty(thief));
  rt_assert(n > 0 || r->next == NULL || go_runq_steal_next(q) == reference_get(r));
}

static void check_rotate(struct go_runq *q, struct reference *r, struct go_g *g) {
  struct go_g *first = r->next == NULL ? reference_get(r) : NULL;
  if (first != NULL) r->ring[r->count++] = g;
  rt_assert(go_runq_rotate_lone(q, g) == first);
}

/* A queue for an even seed is a lone one: nobody steals. */
static int against_reference(void *arg) {
  uint64_t rng = *(uint64_t *)arg;
  struct go_runq *q = calloc(1, sizeof *q), *thief = calloc(1, sizeof *thief);
  struct reference *r = calloc(1, sizeof *r);
  q->lone = rng % 2 == 0;
  uint32_t fresh = 0;
  uint64_t rounds = test_scaled(200000);
  for (uint64_t i = 0; i < rounds; i++) {
    uint32_t what = rng_fastrandn(&rng, 100);
    uint32_t bias = (uint32_t)(i / 4000 % 2 == 0 ? 70 : 40); /* fill up, then empty */
    struct go_g *g = &pool[fresh++ % POOL];
    if (what < bias)
      check_put(q, r, g, rng_fastrandn(&rng, 3) == 0);
    else if (what < 90)
      check_get(q, r);
    else if (q->lone)
      check_rotate(q, r, g);
    else
      check_steal(thief, q, r);
    rt_assert(go_runq_count(q) == r->count + (r->next != NULL ? 1 : 0));
    rt_assert(go_runq_is_empty(q) == (r->count == 0 && r->next == NULL));
  }
  free(q);
  free(thief);
  free(r);
  return 0;
}

static void test_reference(void **state) {
  (void)state;
  for (uint64_t seed = 1; seed <= 4; seed++) {
    test_platform_reset();
    assert_int_equal(plat_main(against_reference, &seed), 0);
  }
}

/* ---- an owner and thieves: every goroutine is handed out exactly once ------------------------ */

enum { THIEVES = 3 };

struct storm {
  struct go_runq *q;
  struct go_runq *own[THIEVES];
  struct at_u32 taken[POOL];
  struct at_u32 done;
  struct plat_thread thread[THIEVES];
  struct at_u32 next_thief;
  uint32_t first, count;
};

static void take(struct storm *s, struct go_g *g) {
  uint32_t old = at_u32_add_relaxed(&s->taken[g - pool], 1);
  rt_assert(old == 0);
}

static void thief_main(void *arg) {
  struct storm *s = arg;
  struct go_runq *own = s->own[at_u32_add_acqrel(&s->next_thief, 1)];
  bool inherit;
  for (;;) {
    bool last = at_u32_load_acquire(&s->done) != 0;
    uint32_t n;
    struct go_g *g = go_runq_steal(own, s->q, &n);
    if (g == NULL) g = go_runq_steal_next(s->q);
    if (g != NULL) take(s, g);
    for (g = go_runq_get(own, &inherit); g != NULL; g = go_runq_get(own, &inherit)) take(s, g);
    if (last && go_runq_is_empty(s->q)) return;
    plat_relax();
  }
}

static void owner(struct storm *s, uint64_t rng) {
  bool inherit;
  for (uint32_t i = 0; i < s->count; i++) {
    struct go_list spill = {0};
    go_runq_put(s->q, &pool[i], rng_fastrandn(&rng, 4) == 0, &spill);
    for (struct go_g *g = go_list_pop(&spill); g != NULL; g = go_list_pop(&spill)) take(s, g);
    if (rng_fastrandn(&rng, 8) != 0) continue;
    struct go_g *g = go_runq_get(s->q, &inherit);
    if (g != NULL) take(s, g);
  }
}

static int storm_body(void *arg) {
  uint64_t seed = *(uint64_t *)arg;
  struct storm *s = calloc(1, sizeof *s);
  s->count = POOL;
  s->q = calloc(1, sizeof *s->q);
  for (int i = 0; i < THIEVES; i++) {
    s->own[i] = calloc(1, sizeof **s->own);
    rt_assert(plat_thread_start(&s->thread[i], "thief", thief_main, s) == RT_OK);
  }
  owner(s, seed);
  at_u32_store_release(&s->done, 1);
  for (int i = 0; i < THIEVES; i++) plat_thread_join(&s->thread[i]);
  for (uint32_t i = 0; i < s->count; i++) rt_assert(at_u32_load_relaxed(&s->taken[i]) == 1);
  for (int i = 0; i < THIEVES; i++) free(s->own[i]);
  free(s->q);
  free(s);
  return 0;
}

static void test_storm(void **state) {
  (void)state;
  uint64_t rounds = test_scaled(test_is_model ? 10 : 200);
  for (uint64_t seed = 1; seed <= rounds; seed++) {
    test_platform_reset();
    assert_int_equal(plat_main(storm_body, &seed), 0);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_reference),
      cmocka_unit_test(test_storm),
  };
  pool = calloc(POOL, sizeof *pool);
  int failed = cmocka_run_group_tests(tests, NULL, NULL);
  free(pool);
  return failed;
}

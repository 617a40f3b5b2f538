/* The page allocator against a naive one: an array of booleans searched from the start. */
#include <stdlib.h>

#include "fake.h"
#include "gc/pages.h"

enum { MODEL_PAGES = 40 * GC_PAGES_CHUNK };

struct model {
  bool is_free[MODEL_PAGES], is_fresh[MODEL_PAGES];
  uint64_t npages;
};

static uint64_t model_find(const struct model *m, uint64_t count) {
  uint64_t run = 0;
  for (uint64_t page = 0; page < m->npages; page++) {
    run = m->is_free[page] ? run + 1 : 0;
    if (run == count) return page + 1 - count;
  }
  return GC_PAGES_NONE;
}

static void model_set(struct model *m, uint64_t first, uint64_t count, bool is_free) {
  for (uint64_t i = first; i < first + count; i++) {
    assert_int_equal(m->is_free[i], !is_free);
    m->is_free[i] = is_free;
  }
}

struct taken {
  uint64_t first, count;
};

struct run {
  struct gc_pages pages;
  struct model *model;
  struct taken taken[512];
  uint32_t ntaken;
  uint64_t rng;
};

static void run_grow(struct run *r, uint64_t count) {
  struct model *m = r->model;
  if (m->npages + count > MODEL_PAGES) return;
  assert_int_equal(gc_pages_grow(&r->pages, count), RT_OK);
  for (uint64_t i = m->npages; i < m->npages + count; i++) m->is_free[i] = m->is_fresh[i] = true;
  m->npages += count;
}

static void run_alloc(struct run *r, uint64_t count) {
  if (r->ntaken == 512) return;
  uint64_t want = model_find(r->model, count);
  uint64_t got = gc_pages_alloc(&r->pages, count);
  assert_u64(got, want);
  if (got == GC_PAGES_NONE) return;
  model_set(r->model, got, count, false);
  uint64_t fresh = 0;
  for (uint64_t i = got; i < got + count; i++) {
    fresh += r->model->is_fresh[i];
    r->model->is_fresh[i] = false;
  }
  assert_u64(gc_pages_use(&r->pages, got, count), fresh);
  r->taken[r->ntaken++] = (struct taken){got, count};
}

static void run_free(struct run *r) {
  if (r->ntaken == 0) return;
  uint32_t i = rng_fastrandn(&r->rng, r->ntaken);
  struct taken t = r->taken[i];
  r->taken[i] = r->taken[--r->ntaken];
  gc_pages_free(&r->pages, t.first, t.count);
  model_set(r->model, t.first, t.count, true);
}

static uint64_t some_count(struct run *r) {
  switch (rng_fastrandn(&r->rng, 8)) {
    case 0:
      return 1 + rng_fastrandn(&r->rng, 2000);
    case 1:
      return 64 * (1 + rng_fastrandn(&r->rng, 12));
    case 2:
      return GC_PAGES_CHUNK * (1 + rng_fastrandn(&r->rng, 3));
    default:
      return 1 + rng_fastrandn(&r->rng, 20);
  }
}

/* The cache takes the free pages of the aligned 64 around the first free page, hands them out
 * first-fit, and gives the rest back. */
static void run_cache(struct run *r) {
  struct gc_page_cache cache = {0, 0, 0};
  uint64_t page = model_find(r->model, 1);
  bool is_taken = gc_pages_take_cache(&r->pages, &cache);
  assert_int_equal(is_taken, page != GC_PAGES_NONE);
  if (!is_taken) return;
  assert_u64(cache.first, page / 64 * 64);
  for (uint32_t i = 0; i < 64; i++) {
    bool in_model = r->model->is_free[cache.first + i];
    assert_int_equal(cache.free >> i & 1, in_model);
    assert_int_equal(cache.fresh >> i & 1, in_model && r->model->is_fresh[cache.first + i]);
  }
  uint64_t count = 1 + rng_fastrandn(&r->rng, 15), fresh = 0, want = GC_PAGES_NONE;
  for (uint64_t at = cache.first, run = 0; at < cache.first + 64; at++) {
    run = r->model->is_free[at] ? run + 1 : 0;
    if (run == count) {
      want = at + 1 - count;
      break;
    }
  }
  uint64_t got = gc_page_cache_alloc(&cache, count, &fresh);
  assert_u64(got, want);
  if (got != GC_PAGES_NONE && r->ntaken < 512) {
    model_set(r->model, got, count, false);
    uint64_t model_fresh = 0;
    for (uint64_t i = got; i < got + count; i++) {
      model_fresh += r->model->is_fresh[i];
      r->model->is_fresh[i] = false;
    }
    assert_u64(fresh, model_fresh);
    r->taken[r->ntaken++] = (struct taken){got, count};
  } else if (got != GC_PAGES_NONE) {
    for (uint64_t i = got; i < got + count; i++) r->model->is_fresh[i] = false;
    gc_pages_give_cache(&r->pages, &cache);
    gc_pages_free(&r->pages, got, count);
  }
  gc_pages_give_cache(&r->pages, &cache);
}

static void run_random(uint64_t seed, uint64_t steps) {
  struct run *r = calloc(1, sizeof *r);
  r->model = calloc(1, sizeof *r->model);
  r->rng = seed;
  assert_int_equal(gc_pages_init(&r->pages, MODEL_PAGES), RT_OK);
  assert_u64(gc_pages_alloc(&r->pages, 1), GC_PAGES_NONE);
  for (uint64_t i = 0; i < steps; i++) {
    uint32_t what = rng_fastrandn(&r->rng, 100);
    if (what < 2)
      run_grow(r, what == 0 ? GC_PAGES_CHUNK : 1 + rng_fastrandn(&r->rng, 1300));
    else if (what < 50)
      run_alloc(r, some_count(r));
    else if (what < 60)
      run_cache(r);
    else
      run_free(r);
    if (i % 64 == 0) gc_pages_check(&r->pages);
  }
  gc_pages_check(&r->pages);
  gc_pages_finish(&r->pages);
  free(r->model);
  free(r);
}

static void test_random(void **state) {
  (void)state;
  for (uint64_t seed = 1; seed <= 6; seed++) {
    print_message("seed %llu\n", (unsigned long long)seed);
    run_random(seed, test_scaled(6000));
  }
}

/* A heap of many GiB: the first run that fits is found without looking at every chunk, the tree
 * agrees with the bits at the end. */
static void test_large(void **state) {
  (void)state;
  struct gc_pages pages;
  uint64_t npages = 4 * 1024 * 1024; /* 32 GiB */
  assert_int_equal(gc_pages_init(&pages, npages), RT_OK);
  assert_int_equal(gc_pages_grow(&pages, npages), RT_OK);
  for (uint64_t page = 0; page < npages; page += 256) assert_u64(gc_pages_alloc(&pages, 256), page);
  assert_u64(gc_pages_alloc(&pages, 1), GC_PAGES_NONE);
  gc_pages_free(&pages, npages - 512, 256);
  gc_pages_free(&pages, npages - 256, 256);
  for (uint64_t i = 0; i < test_scaled(200000); i++) {
    assert_u64(gc_pages_alloc(&pages, 300), npages - 512);
    gc_pages_free(&pages, npages - 512, 300);
  }
  gc_pages_free(&pages, 0, npages - 512);
  assert_u64(gc_pages_alloc(&pages, npages), 0);
  gc_pages_check(&pages);
  gc_pages_finish(&pages);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_random),
      cmocka_unit_test(test_large),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

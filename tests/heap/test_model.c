/* The same heap sources on the model platform: they work there, and do the same twice. */
#include <sys/wait.h>
#include <unistd.h>

#include "fake.h"

enum { KEEP = 500 };

struct result {
  uint64_t digest;     /* of heap offsets and counters */
  uint64_t elapsed_ns; /* virtual */
};
static struct result result;

static void mix(uint64_t v) { result.digest = rng_mix64(result.digest ^ v); }

/* Runs inside plat_main: no cmocka assertion here. */
static int body(void *arg) {
  (void)arg;
  fake_begin(NULL);
  uint64_t rng = 5, start_ns = plat_now_ns();
  static uint64_t *kept[KEEP];
  memset(kept, 0, sizeof kept);
  struct gc_type *types[] = {fake_type(16, 1), fake_type(48, 2), fake_type(1024, 5)};
  for (uint32_t i = 1; i <= 20000; i++) {
    struct gc_mutator *mu = &fake.mu[rng_fastrandn(&rng, FAKE_PROCS)];
    uint32_t k = rng_fastrandn(&rng, KEEP);
    rt_assert(kept[k] == NULL || *kept[k] == k + 1);
    kept[k] = gc_alloc(mu, types[rng_fastrandn(&rng, 3)]);
    rt_assert(*kept[k] == 0);
    *kept[k] = k + 1;
    mix((uintptr_t)kept[k] - gc_heap.base);
    if (i % 4000 != 0) continue;
    fake_cycle_begin();
    for (k = 0; k < KEEP; k++)
      if (kept[k] != NULL) fake_mark(kept[k]);
    fake_cycle_end(0, true);
  }
  fake_sweep_all();
  struct gc_totals totals = {.cycles = 0};
  gc_heap_totals(&totals);
  mix(totals.mallocs);
  mix(totals.frees);
  result.elapsed_ns = plat_now_ns() - start_ns;
  fake_end();
  return 0;
}

/* In a process of its own, because a run leaves metadata and registered types behind. */
static struct result run_once(void) {
  int ends[2], status;
  struct result got = {0, 0};
  assert_int_equal(pipe(ends), 0);
  pid_t pid = fork();
  assert_true(pid >= 0);
  if (pid == 0) {
    int rc = plat_main(body, NULL);
    ssize_t done = write(ends[1], &result, sizeof result);
    _exit(rc != 0 || done != (ssize_t)sizeof result);
  }
  assert_int_equal(read(ends[0], &got, sizeof got), sizeof got);
  close(ends[0]);
  close(ends[1]);
  assert_int_equal(waitpid(pid, &status, 0), pid);
  assert_int_equal(status, 0);
  return got;
}

static void test_deterministic(void **state) {
  (void)state;
  struct result first = run_once(), second = run_once();
  assert_u64(second.digest, first.digest);
  assert_u64(second.elapsed_ns, first.elapsed_ns);
  assert_true(first.elapsed_ns > 20000 * 10); /* allocation costs virtual time */
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_deterministic)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}

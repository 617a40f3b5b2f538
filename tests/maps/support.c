#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static bool is_expected; /* in a child: that a CHECK fails */

struct run {
  uint32_t procs;
  go_fn *main;
  void *arg;
};

static void run_main(struct go_g *g, void *arg, void *heap_arg) {
  const struct run *run = arg;
  gc_start(go_mu(g));
  run->main(g, run->arg, heap_arg);
}

static int run_body(void *arg) {
  const struct run *run = arg;
  struct gc_config config;
  struct go_config go;
  gc_config_default(&config);
  go_config_default(&go);
  go.procs = run->procs;
  config.check = true;
  config.gogc = 25;
  if (gc_init(&config, go_world_ops()) != RT_OK || go_run(&go, run_main, arg) != RT_OK)
    return 1;
  gc_finish();
  return 0;
}

/* A second P for the mark workers. */
static uint32_t default_procs(void) { return gc_collector.collects ? 2 : 1; }

void test_run(go_fn *main, void *arg) { test_run_on(default_procs(), main, arg); }

static void run_well(void *arg) {
  if (plat_main(run_body, arg) != 0) _exit(1);
}

/* In a child process: every run starts from a fresh collector. */
void test_run_on(uint32_t procs, go_fn *main, void *arg) {
  struct run run = {procs, main, arg};
  struct test_death death = test_run_child(run_well, &run);
  if (!death.exited) print_message("%s\n", death.message);
  assert_true(death.exited);
}

static void run_in_child(void *arg) { plat_main(run_body, arg); }

void test_dies(go_fn *main, void *arg, const char *message) {
  struct run run = {default_procs(), main, arg};
  struct test_death death = test_run_child(run_in_child, &run);
  assert_int_equal(death.kind, RT_END_FATAL);
  assert_string_equal(death.message, message);
}

static void run_wrong(void *arg) {
  is_expected = true;
  plat_main(run_body, arg);
}

void test_fails(uint32_t procs, go_fn *main, void *arg, const char *what) {
  struct run run = {procs, main, arg};
  struct test_death death = test_run_child(run_wrong, &run);
  if (death.exited || death.kind < 0) fail_msg("%s: %s", what, death.exited ? "unseen" : "crashed");
}

void test_failed(const char *file, int line, const char *what, const char *fmt, ...) {
  char text[512];
  va_list args;
  va_start(args, fmt);
  vsnprintf(text, sizeof text, fmt, args);
  va_end(args);
  fprintf(stderr, "%s:%d: %s: %s\n", file, line, what, text);
  if (is_expected) rt_fatal(RT_END_VIOLATION, "%s:%d: %s: %s", file, line, what, text);
  abort();
}

struct map *test_ints(struct go_g *g, const struct map_type *t, uint32_t hash0) {
  struct map *m = map_new(g, t, 0);
  map_set_seed(m, hash0);
  return m;
}

void test_put(struct go_g *g, const struct map_type *t, struct map *m, uint64_t key,
              uint64_t value) {
  memcpy(map_assign(g, t, m, &key), &value, sizeof value);
}

void test_remove(struct go_g *g, const struct map_type *t, struct map *m, uint64_t key) {
  map_delete(g, t, m, &key);
}

bool test_first_key(const struct map_type *t, struct map *m, uint64_t bucket, uint64_t *key) {
  struct map_bucket *b = map_bucket_at(t, m->buckets, bucket);
  for (unsigned i = 0; i < MAP_CELLS; i++) {
    if (b->top[i] >= MAP_TOP_MIN) {
      *key = map_load_u64(map_key_slot(t, b, i));
      return true;
    }
  }
  return false;
}

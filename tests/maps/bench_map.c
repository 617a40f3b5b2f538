/* bench_map [ROUNDS]: nanoseconds per map operation; not a test. Wall time: median and minimum over
 * the rounds; processor time of the process: minimum. */
#include <stdio.h>
#include <stdlib.h>

#include "maps/map.h"

enum { KEYS = 1000000, ROUNDS_MAX = 101 };

struct bench {
  struct go_g *g;
  const struct map_type *ints, *words, *pointers;
  void **roots; /* [0]: the map */
  int rounds;
  uint64_t sink;
};

typedef void bench_fn(struct bench *b);

static void insert_range(struct bench *b, uint64_t multiplier) {
  for (uint64_t i = 0; i < KEYS; i++) {
    uint64_t key = i * multiplier;
    uint64_t *slot = map_assign(b->g, b->ints, b->roots[0], &key);
    *slot = i;
  }
}

static void grow_sequential(struct bench *b) {
  b->roots[0] = map_new(b->g, b->ints, 0);
  insert_range(b, 1);
}

static void grow_random(struct bench *b) {
  b->roots[0] = map_new(b->g, b->ints, 0);
  insert_range(b, 0x9e3779b97f4a7c15ULL);
}

static void insert_prealloc(struct bench *b) {
  b->roots[0] = map_new(b->g, b->ints, KEYS);
  insert_range(b, 1);
}

static void grow_pointers(struct bench *b) {
  b->roots[0] = map_new(b->g, b->pointers, 0);
  for (uint64_t i = 0; i < KEYS; i++) {
    b->roots[1] = gc_alloc_bytes(go_mu(b->g), 8);
    void **slot = map_assign(b->g, b->pointers, b->roots[0], &i);
    gc_store(go_mu(b->g), slot, b->roots[1]);
  }
}

static void grow_strings(struct bench *b) {
  b->roots[0] = map_new(b->g, b->words, 0);
  for (uint64_t i = 0; i < KEYS; i++) {
    char *text = b->roots[1] = gc_alloc_bytes(go_mu(b->g), 12);
    char digits[13];
    snprintf(digits, sizeof digits, "key-%08u", (unsigned)i % 100000000U);
    memcpy(text, digits, 12);
    struct map_string key = {text, 12};
    uint64_t *slot = map_assign(b->g, b->words, b->roots[0], &key);
    *slot = i;
  }
}

static void get_hit(struct bench *b) {
  for (uint64_t i = 0; i < KEYS; i++)
    b->sink += *(uint64_t *)map_get(b->g, b->ints, b->roots[0], &i);
}

static void get_miss(struct bench *b) {
  for (uint64_t i = 0; i < KEYS; i++) {
    uint64_t key = i + KEYS;
    b->sink += map_get(b->g, b->ints, b->roots[0], &key) != NULL;
  }
}

static void overwrite(struct bench *b) { insert_range(b, 1); }

static void iterate(struct bench *b) {
  struct map_iter it;
  map_iter_begin(b->g, b->ints, b->roots[0], &it);
  for (; it.key != NULL; map_iter_next(b->g, &it))
    b->sink += *(uint64_t *)it.elem;
  map_iter_end(b->g, &it);
}

static void delete_all(struct bench *b) {
  for (uint64_t i = 0; i < KEYS; i++)
    map_delete(b->g, b->ints, b->roots[0], &i);
}

static int by_value(const void *a, const void *b) {
  const double *x = a, *y = b;
  return (*x > *y) - (*x < *y);
}

static void run(struct bench *b, const char *name, bench_fn *before, bench_fn *fn) {
  double ns[ROUNDS_MAX], cpu_min = 0;
  for (int i = 0; i < b->rounds; i++) {
    if (before != NULL)
      before(b);
    uint64_t start = plat_now_ns(), cpu_start = plat_cpu_ns();
    fn(b);
    ns[i] = (double)(plat_now_ns() - start) / KEYS;
    double cpu = (double)(plat_cpu_ns() - cpu_start) / KEYS;
    cpu_min = i == 0 || cpu < cpu_min ? cpu : cpu_min;
    gc_collect(go_mu(b->g));
  }
  qsort(ns, (size_t)b->rounds, sizeof ns[0], by_value);
  printf("%-18s wall %7.1f min %7.1f   cpu min %7.1f ns/op\n", name, ns[b->rounds / 2], ns[0],
         cpu_min);
  fflush(stdout);
}

static void bench_main(struct go_g *g, void *arg, void *heap_arg) {
  struct bench *b = arg;
  (void)heap_arg;
  b->g = g;
  gc_start(go_mu(g));
  b->ints = map_type_new(MAP_KEY_U64, 0, MAP_ELEM_BYTES, 8, 0x0123456789abcdefULL);
  b->words = map_type_new(MAP_KEY_STRING, 0, MAP_ELEM_BYTES, 8, 0x0123456789abcdefULL);
  b->pointers = map_type_new(MAP_KEY_U64, 0, MAP_ELEM_POINTER, 0, 0x0123456789abcdefULL);
  GC_ROOTS(go_mu(g), roots, 2);
  b->roots = roots;
  run(b, "grow_sequential", NULL, grow_sequential);
  run(b, "grow_random", NULL, grow_random);
  run(b, "insert_prealloc", NULL, insert_prealloc);
  run(b, "get_hit", NULL, get_hit);
  run(b, "get_miss", NULL, get_miss);
  run(b, "overwrite", NULL, overwrite);
  run(b, "iterate", NULL, iterate);
  run(b, "delete_all", insert_prealloc, delete_all);
  run(b, "grow_pointers", NULL, grow_pointers);
  run(b, "grow_strings", NULL, grow_strings);
  GC_ROOTS_END(go_mu(g), roots);
}

static int start(void *arg) {
  struct gc_config config;
  gc_config_default(&config);
  struct go_config go;
  go_config_default(&go);
  go.procs = 2;
  if (gc_init(&config, go_world_ops()) != RT_OK || go_run(&go, bench_main, arg) != RT_OK)
    return 3;
  gc_finish();
  return 0;
}

int main(int argc, char **argv) {
  struct bench b = {.rounds = argc > 1 ? atoi(argv[1]) : 5};
  if (b.rounds < 1 || b.rounds > ROUNDS_MAX)
    b.rounds = 5;
  return plat_main(start, &b);
}

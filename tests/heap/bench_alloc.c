/* bench_alloc: processor nanoseconds per operation of the heap alone (no collector, no scheduler),
 * beside Boehm's GC_MALLOC for the first line's job. Not a test.
 *
 * "and drop": after every 4 MiB a full sweep with nothing marked takes everything back, so the
 * figure includes sweeping, refills and clearing, but no marking. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GC_THREADS 1
#include <gc/gc.h>

#include "gc/heap.h"
#include "gc/heap_int.h"
#include "gc/sweep.h"
#include "gc/world.h"

enum { ROUND_BYTES = 4 << 20, ROUNDS = 32, REPEAT = 7 };

static struct gc_p p;
static struct gc_mutator mu;

static uint32_t procs(void) {
  return 1;
}
static struct gc_p *p_at(uint32_t index) {
  (void)index;
  return &p;
}
static void safepoint(struct gc_mutator *self) {
  (void)self;
}
static const struct gc_world_ops ops = {.procs = procs, .p_at = p_at, .safepoint = safepoint};

static struct gc_type *make_type(uint32_t size, bool has_pointers) {
  static uint64_t first_word = 1;
  struct gc_type *t = calloc(1, sizeof *t);
  if (t == NULL) abort();
  *t = (struct gc_type){.name = "bench", .size = size};
  if (has_pointers) {
    t->ptrdata = 8;
    t->mask = &first_word;
  }
  gc_type_register(t);
  return t;
}

static void drop_all(void) {
  gc_sweep_finish_stw(&p);
  gc_page_marks_clear();
  gc_heap_reset_live_stw(0);
  gc_sweep_start_stw();
  gc_cache_prepare(&p);
  while (gc_sweep_one(&p) != GC_SWEEP_NONE) continue;
}

static int compare(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

typedef void body(uint64_t count, const struct gc_type *t);

static void print_median(const char *name, body *run, uint64_t count, const struct gc_type *t) {
  double ns[REPEAT];
  for (int i = 0; i < REPEAT; i++) {
    uint64_t start = plat_cpu_ns();
    for (int round = 0; round < ROUNDS; round++) run(count, t);
    ns[i] = (double)(plat_cpu_ns() - start) / (double)(count * ROUNDS);
  }
  qsort(ns, REPEAT, sizeof ns[0], compare);
  printf("%-44s %7.2f ns  (%.2f .. %.2f)\n", name, ns[REPEAT / 2], ns[0], ns[REPEAT - 1]);
}

static void inline_alloc(uint64_t count, const struct gc_type *t) {
  for (uint64_t i = 0; i < count; i++) *(uint64_t *)gc_alloc(&mu, t) = i;
  drop_all();
}

static void slow_alloc(uint64_t count, const struct gc_type *t) {
  for (uint64_t i = 0; i < count; i++) *(uint64_t *)gc_alloc_slow(&mu, t, 1) = i;
  drop_all();
}

static void alloc_bytes(uint64_t count, const struct gc_type *t) {
  for (uint64_t i = 0; i < count; i++) *(uint64_t *)gc_alloc_bytes(&mu, t->size) = i;
  drop_all();
}

static void black_alloc(uint64_t count, const struct gc_type *t) {
  at_u32_store_relaxed(&gc_flags.blacken_on, 1);
  at_u32_or_acqrel(&p.attention, GC_ATTN_MARK);
  mu.assist_bytes = INT64_MAX;
  for (uint64_t i = 0; i < count; i++) *(uint64_t *)gc_alloc(&mu, t) = i;
  at_u32_and_acqrel(&p.attention, 0);
  at_u32_store_relaxed(&gc_flags.blacken_on, 0);
  drop_all();
  drop_all();
}

static void tiny(uint64_t count, const struct gc_type *t) {
  for (uint64_t i = 0; i < count; i++) *(char *)gc_alloc_bytes(&mu, t->size) = (char)i;
  drop_all();
}

static void span_and_back(uint64_t count, const struct gc_type *t) {
  for (uint64_t i = 0; i < count; i++) *(uint64_t *)gc_alloc_bytes(&mu, t->size) = i;
  drop_all();
}

static void boehm(uint64_t count, const struct gc_type *t) {
  for (uint64_t i = 0; i < count; i++) *(uint64_t *)GC_MALLOC(t->size) = i;
}

int main(void) {
  struct gc_config config;
  gc_config_default(&config);
  gc_world = &ops;
  if (gc_init(&config, &ops) != RT_OK) abort();
  gc_p_init(&p, 0, 1);
  mu.p = &p;
  GC_INIT();
  const uint64_t n = ROUND_BYTES / 32;
  struct gc_type *t32 = make_type(32, true), *n32 = make_type(32, false), *n8 = make_type(8, false);
  struct gc_type *t1024 = make_type(1024, true), *large = make_type(40000, false);
  print_median("32 B with pointers, and drop", inline_alloc, n, t32);
  print_median("32 B pointer-free, and drop", inline_alloc, n, n32);
  print_median("32 B, and drop, through the slow path", slow_alloc, n, t32);
  print_median("32 B, and drop, gc_alloc_bytes", alloc_bytes, n, n32);
  print_median("32 B, and drop, while marking (black)", black_alloc, n, t32);
  print_median("8 B pointer-free (tiny), and drop", tiny, n, n8);
  print_median("1024 B with pointers, and drop", inline_alloc, ROUND_BYTES / 1024, t1024);
  print_median("40000 B (large, cleared), and drop", span_and_back, ROUND_BYTES / 40000, large);
  print_median("Boehm GC_MALLOC(32), and drop", boehm, n, t32);
  return 0;
}

/* The inner loops that `tricolor bench` times against their peers: no interpreter, no measuring
 * inside the loop. One kernel per process: kernel NAME COUNT prints one protocol result line. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gc/collector.h"
#include "maps/map.h"
#include "runtime/event.h"
#include "sched/go.h"

enum { EVENTS_GC = 0x01 }; /* (code >> 8) of the collector's events */

struct kernel_run {
  const struct kernel *kernel;
  uint64_t count;
  double ns_per_op;
};

struct kernel {
  const char *name, *doc;
  uint32_t procs;
  uint64_t default_count;
  /* Returns the number of operations done. */
  uint64_t (*run)(struct go_g *g, uint64_t count);
};

static const uint64_t node_mask[1] = {3};
static struct gc_type node_type = {
    .name = "node32", .size = 32, .ptrdata = 16, .mask = node_mask};

/* Keeps the allocation from being optimised away without storing it. */
static void use(void *p) { __asm__ volatile("" : : "r"(p) : "memory"); }

static uint64_t run_alloc32(struct go_g *g, uint64_t count) {
  gc_type_register(&node_type);
  struct gc_mutator *mu = go_mu(g);
  for (uint64_t i = 0; i < count; i++) use(gc_alloc(mu, &node_type));
  return count;
}

struct yielding {
  void (*yield)(struct go_g *g);
  uint64_t count;
};

static __attribute__((noinline)) void yielder(struct go_g *g, void *arg, void *heap_arg) {
  (void)heap_arg;
  const struct yielding *y = arg;
  for (uint64_t i = 0; i < y->count; i++) y->yield(g);
}

/* Two goroutines that yield to each other on one P, both in yielder's loop, as goroutines of one
 * function are: the return from a yield is predicted. One operation is one switch. */
static uint64_t run_switch(struct go_g *g, uint64_t count) {
  struct yielding y = {.yield = go_yield_local, .count = count / 2};
  go_spawn(g, "yielder", yielder, &y, NULL);
  yielder(g, &y, NULL);
  return 2 * y.count;
}

/* The same with a loop each: every return goes elsewhere than the processor predicts. */
static uint64_t yield_apart(struct go_g *g, uint64_t count, void (*yield)(struct go_g *g)) {
  struct yielding y = {.yield = yield, .count = count / 2};
  go_spawn(g, "yielder", yielder, &y, NULL);
  for (uint64_t i = 0; i < y.count; i++) yield(g);
  return 2 * y.count;
}

static uint64_t run_switch_apart(struct go_g *g, uint64_t count) {
  return yield_apart(g, count, go_yield_local);
}

static uint64_t run_gosched(struct go_g *g, uint64_t count) {
  return yield_apart(g, count, go_yield);
}

/* Ascending uint64 keys into maps that grow from empty, a million entries each. */
static uint64_t run_map_grow(struct go_g *g, uint64_t count) {
  enum { ENTRIES = 1000000 };
  const struct map_type *type =
      map_type_new(MAP_KEY_U64, 8, MAP_ELEM_BYTES, 8, 0x0123456789abcdefULL);
  uint64_t done = 0;
  GC_ROOTS(go_mu(g), root, 1);
  while (done < count) {
    root[0] = map_new(g, type, 0);
    for (uint64_t key = 0; key < ENTRIES; key++) {
      uint64_t *elem = map_assign(g, type, root[0], &key);
      plat_st(elem, key);
      gc_poll(go_mu(g));
    }
    done += ENTRIES;
  }
  GC_ROOTS_END(go_mu(g), root);
  return done;
}

static const struct kernel kernels[] = {
    {"alloc32", "allocate 32 bytes with two pointers and drop them", 1, 100000000, run_alloc32},
    {"switch", "switch to the other goroutine of the same P, in the same loop", 1, 20000000,
     run_switch},
    {"switch-apart", "the same, each in a loop of its own", 1, 20000000, run_switch_apart},
    {"gosched", "the same through the global queue", 1, 20000000, run_gosched},
    {"map-grow", "insert 10^6 ascending uint64 keys into an empty map", 2, 5000000, run_map_grow},
};

static const struct kernel *find_kernel(const char *name) {
  for (size_t i = 0; i < sizeof kernels / sizeof kernels[0]; i++)
    if (strcmp(kernels[i].name, name) == 0) return &kernels[i];
  return NULL;
}

static void kernel_main(struct go_g *g, void *arg, void *heap_arg) {
  (void)heap_arg;
  struct kernel_run *r = arg;
  gc_start(go_mu(g));
  uint64_t start = plat_now_ns();
  uint64_t done = r->kernel->run(g, r->count);
  r->ns_per_op = (double)(plat_now_ns() - start) / (double)done;
}

static int run_kernel(void *arg) {
  struct kernel_run *r = arg;
  struct gc_config gc;
  struct go_config go;
  gc_config_default(&gc);
  go_config_default(&go);
  go.procs = r->kernel->procs;
  plat_seed(1);
  if (ev_init(go.procs + 1, 4096) != RT_OK) return 3;
  ev_set_mask(UINT64_C(1) << EVENTS_GC); /* what an engine without an event log records */
  if (gc_init(&gc, go_world_ops()) != RT_OK) return 3;
  if (go_run(&go, kernel_main, r) != RT_OK) return 3;
  gc_finish();
  ev_finish();
  printf("{\"type\":\"result\",\"result\":{\"schema\":\"tricolor.result/1\","
         "\"kernel\":\"%s\",\"ns_per_op\":%.4f}}\n",
         r->kernel->name, r->ns_per_op);
  return fflush(stdout) == 0 ? 0 : 3;
}

static int usage(FILE *out, int status) {
  fprintf(out,
          "usage: kernel NAME [COUNT]    or NAME [COUNT] on standard input\n"
          "Runs one inner loop and prints one JSON line with its ns_per_op.\n");
  for (size_t i = 0; i < sizeof kernels / sizeof kernels[0]; i++)
    fprintf(out, "  %-12s %s (default %" PRIu64 ")\n", kernels[i].name, kernels[i].doc,
            kernels[i].default_count);
  return status;
}

/* "NAME [COUNT]" into *r; false: unknown or malformed. */
static bool parse_request(const char *name, const char *count, struct kernel_run *r) {
  r->kernel = find_kernel(name);
  if (r->kernel == NULL) return false;
  r->count = r->kernel->default_count;
  if (count == NULL) return true;
  char *end;
  r->count = strtoull(count, &end, 10);
  return *end == '\0' && r->count > 0 && count[0] != '-';
}

static bool request_from_stdin(struct kernel_run *r) {
  char line[128];
  if (fgets(line, sizeof line, stdin) == NULL) return false;
  char *save;
  const char *name = strtok_r(line, " \n", &save);
  return name != NULL && parse_request(name, strtok_r(NULL, " \n", &save), r);
}

int main(int argc, char **argv) {
  struct kernel_run r = {0};
  if (argc == 2 && strcmp(argv[1], "--help") == 0) return usage(stdout, 0);
  bool named = argc >= 2 && argv[1][0] != '-';
  bool good = named ? argc <= 3 && parse_request(argv[1], argc == 3 ? argv[2] : NULL, &r)
                    : request_from_stdin(&r);
  return good ? plat_main(run_kernel, &r) : usage(stderr, 2);
}

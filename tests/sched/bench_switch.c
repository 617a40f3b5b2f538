/* Nanoseconds per goroutine switch, for the developer; not a test. With an argument: only the rows
 * that contain it. TEST_SCALE as in tests. */
#include <stdio.h>
#include <string.h>

#include "support.h"

enum { ROUNDS = 2000000 };

static uint64_t rounds;
static const char *only = "";

struct bench {
  struct go_waitgroup done;
  void (*step)(struct go_g *g);
  struct go_chan *ch[2];
  uint64_t ns;
};

static void yielder(struct go_g *g, void *arg, void *heap_arg) {
  struct bench *b = arg;
  (void)heap_arg;
  for (uint64_t i = 0; i < rounds; i++) b->step(g);
  go_waitgroup_done(g, &b->done);
}

static void yield_main(struct go_g *g, void *arg, void *heap_arg) {
  struct bench *b = arg;
  (void)heap_arg;
  go_waitgroup_add(g, &b->done, 2);
  uint64_t start = plat_cpu_ns();
  go_spawn(g, "a", yielder, b, NULL);
  go_spawn(g, "b", yielder, b, NULL);
  go_waitgroup_wait(g, &b->done);
  b->ns = plat_cpu_ns() - start;
}

static PLAT_STATE struct gc_type word_type = {.name = "word", .size = 8};

static void echo(struct go_g *g, void *arg, void *heap_arg) {
  struct bench *b = arg;
  (void)heap_arg;
  uint64_t v;
  while (go_chan_recv(g, b->ch[0], &v)) go_chan_send(g, b->ch[1], &v);
  go_waitgroup_done(g, &b->done);
}

static void chan_main(struct go_g *g, void *arg, void *heap_arg) {
  struct bench *b = arg;
  (void)heap_arg;
  gc_type_register(&word_type);
  GC_ROOTS(&g->mu, root, 2);
  for (int i = 0; i < 2; i++) root[i] = b->ch[i] = go_chan_new(g, &word_type, 0);
  go_waitgroup_add(g, &b->done, 1);
  go_spawn(g, "echo", echo, b, NULL);
  uint64_t start = plat_cpu_ns();
  for (uint64_t i = 0; i < rounds / 2; i++) {
    uint64_t v = i;
    go_chan_send(g, b->ch[0], &v);
    go_chan_recv(g, b->ch[1], &v);
  }
  b->ns = plat_cpu_ns() - start;
  go_chan_close(g, b->ch[0]);
  go_waitgroup_wait(g, &b->done);
  GC_ROOTS_END(&g->mu, root);
}

static void spawn_one(struct go_g *g, void *arg, void *heap_arg) {
  (void)g, (void)arg, (void)heap_arg;
}

static void spawn_main(struct go_g *g, void *arg, void *heap_arg) {
  struct bench *b = arg;
  (void)heap_arg;
  uint64_t start = plat_cpu_ns();
  for (uint64_t i = 0; i < rounds / 10; i++) {
    go_spawn(g, "one", spawn_one, NULL, NULL);
    go_yield(g);
  }
  b->ns = plat_cpu_ns() - start;
}

static void run(const char *what, uint32_t procs, go_fn *main, void (*step)(struct go_g *),
                uint64_t count) {
  struct bench b = {.step = step};
  if (strstr(what, only) == NULL) return;
  test_go(procs, main, &b);
  printf("%-44s %u Ps %8.1f ns\n", what, procs, (double)b.ns / (double)count);
}

int main(int argc, char **argv) {
  if (argc > 1) only = argv[1];
  rounds = test_scaled(ROUNDS);
  for (int i = 0; i < 3; i++) {
    run("yield to the local queue, per switch", 1, yield_main, go_yield_local, 2 * rounds);
    run("go_yield (global queue), per switch", 1, yield_main, go_yield, 2 * rounds);
    run("unbuffered channel round trip / 2", 1, chan_main, NULL, rounds);
    run("spawn, run, exit", 1, spawn_main, NULL, rounds / 10);
  }
  run("unbuffered channel round trip / 2", 2, chan_main, NULL, rounds);
  return 0;
}

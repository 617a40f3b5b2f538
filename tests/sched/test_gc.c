/* The scheduler under a collector that marks while goroutines hand values to each other: nothing
 * that moved between frames through a channel may be freed. Checking mode poisons freed memory. */
#include "support.h"

static const uint64_t node_mask[] = {1};
static PLAT_STATE struct gc_type node_type = {
    .name = "node", .size = 16, .ptrdata = 8, .mask = node_mask};
static PLAT_STATE struct gc_type ref_type = {
    .name = "ref", .size = 8, .ptrdata = 8, .mask = node_mask};

enum { STAGES = 4, RINGS = 3, CHAIN = 5 };

struct ring {
  uint64_t rounds;
  struct go_waitgroup done;
  struct at_u32 is_over;
  uint64_t collections;
  uint64_t capacity;
};

static void check_chain(void **chain, uint64_t number) {
  uint64_t length = 0;
  for (; chain != NULL; chain = gc_load(chain), length++)
    rt_assert(((uint64_t *)chain)[1] == number);
  rt_assert(length == CHAIN);
}

/* Takes a chain, makes a new one with the next number, hands it on. heap_arg: pair of channels. */
static void stage(struct go_g *g, void *arg, void *heap_arg) {
  struct ring *r = arg;
  GC_ROOTS(&g->mu, root, 4);
  root[0] = gc_load(&((void **)heap_arg)[0]);
  root[1] = gc_load(&((void **)heap_arg)[1]);
  for (uint64_t i = 0; i < r->rounds; i++) {
    rt_assert(go_chan_recv(g, root[0], &root[2]));
    uint64_t number = ((uint64_t *)root[2])[1];
    check_chain(root[2], number);
    root[3] = NULL;
    for (int k = 0; k < CHAIN; k++) {
      uint64_t *node = gc_alloc(&g->mu, &node_type);
      node[1] = number + 1;
      gc_store(&g->mu, (void **)node, root[3]);
      root[3] = node;
    }
    root[2] = NULL;
    struct go_select_case send = {root[1], &root[3], true};
    if (i % 3 == 0)
      go_select(g, &send, 1, true, NULL);
    else
      go_chan_send(g, root[1], &root[3]);
    root[3] = NULL;
  }
  GC_ROOTS_END(&g->mu, root);
  go_waitgroup_done(g, &r->done);
}

static const uint64_t pair_mask[] = {3};
static PLAT_STATE struct gc_type pair_type = {
    .name = "pair", .size = 16, .ptrdata = 16, .mask = pair_mask};

static void start_ring(struct go_g *g, struct ring *r) {
  GC_ROOTS(&g->mu, root, STAGES + 2);
  for (int i = 0; i < STAGES; i++) root[i] = go_chan_new(g, &ref_type, i == 0 ? 1 : r->capacity);
  for (int i = 0; i < STAGES; i++) {
    root[STAGES] = gc_alloc(&g->mu, &pair_type);
    gc_store(&g->mu, &((void **)root[STAGES])[0], root[i]);
    gc_store(&g->mu, &((void **)root[STAGES])[1], root[(i + 1) % STAGES]);
    go_spawn(g, "stage", stage, r, root[STAGES]);
  }
  root[STAGES] = NULL;
  for (int k = 0; k < CHAIN; k++) {
    root[STAGES + 1] = gc_alloc(&g->mu, &node_type);
    gc_store(&g->mu, (void **)root[STAGES + 1], root[STAGES]);
    ((uint64_t *)root[STAGES + 1])[1] = 1;
    root[STAGES] = root[STAGES + 1];
  }
  go_chan_send(g, root[0], &root[STAGES]);
  GC_ROOTS_END(&g->mu, root);
}

static void collecting(struct go_g *g, void *arg, void *heap_arg) {
  struct ring *r = arg;
  (void)heap_arg;
  do { /* the rings may be done before it runs for the first time */
    gc_collect(&g->mu);
    r->collections++;
    go_yield(g);
  } while (at_u32_load_acquire(&r->is_over) == 0);
  go_waitgroup_done(g, &r->done);
}

static void ring_main(struct go_g *g, void *arg, void *heap_arg) {
  struct ring *r = arg;
  (void)heap_arg;
  gc_type_register(&node_type);
  gc_type_register(&ref_type);
  gc_type_register(&pair_type);
  gc_start(&g->mu);
  go_waitgroup_add(g, &r->done, RINGS * STAGES);
  for (int i = 0; i < RINGS; i++) start_ring(g, r);
  struct ring collector = {0};
  go_waitgroup_add(g, &collector.done, 1);
  go_spawn(g, "collecting", collecting, &collector, NULL);
  go_waitgroup_wait(g, &r->done);
  at_u32_store_release(&collector.is_over, 1);
  go_waitgroup_wait(g, &collector.done);
  rt_assert(collector.collections > 0);
}

/* All in one process: a run must not depend on what an earlier one left in the collector. */
static void run_rings(uint32_t procs, uint64_t capacity) {
  struct ring r = {.rounds = test_scaled(test_is_model ? 40 : 1000), .capacity = capacity};
  test_go(procs, ring_main, &r);
}

static void test_rings(void **state) {
  (void)state;
  TEST_FOR_PROCS(procs) {
    for (uint64_t capacity = 0; capacity <= 2; capacity += 2) run_rings(procs, capacity);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_rings)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}

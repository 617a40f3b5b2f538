/* A mutator that does to the heap what collectors find hard: random graphs of several kinds of
 * objects, pointers moved between heap, stacks and globals, big arrays, churn. */
#ifndef TESTS_MARK_GRAPH_H
#define TESTS_MARK_GRAPH_H

#include "sched/go.h"

struct graph {
  uint64_t seed;
  uint32_t goroutines;
  uint64_t operations; /* of each goroutine */
  uint32_t window;     /* objects a goroutine holds directly */
  bool big;            /* also arrays of several oblets */
};

/* A go_fn: arg is a struct graph. Runs its goroutines and returns when they are done. */
void graph_main(struct go_g *g, void *arg, void *heap_arg);

#endif

#include "tests/mark/graph.h"

#include "runtime/rng.h"

/* Every object but arrays and boxes begins with its kind's magic word, checked at each visit. */
enum { MAGIC_NODE = 0x6e6f6465, MAGIC_WIDE = 0x77696465, MAGIC_CELL = 0x63656c6c };

struct node {
  uint64_t magic;
  void *left;
  uint64_t depth; /* of the chain through left */
  void *right, *other;
  uint64_t check; /* ~magic */
};

enum { WIDE_WORDS = 96 };
struct wide {
  uint64_t magic;
  void *word[WIDE_WORDS - 1]; /* odd indices are pointers */
};

/* 24 bytes: does not divide an oblet. */
struct cell {
  uint64_t magic;
  void *pointer;
  uint64_t number;
};

static const uint64_t node_mask[] = {1 << 1 | 1 << 3 | 1 << 4};
/* wide.word[1] is word 2, wide.word[3] word 4, ...: the even words but 0. */
static const uint64_t wide_mask[] = {0x5555555555555554, 0x55555555};
static const uint64_t cell_mask[] = {1 << 1};
static const uint64_t box_mask[] = {1};

static struct gc_type node_type = {
    .name = "node", .size = sizeof(struct node), .ptrdata = 40, .mask = node_mask};
static struct gc_type wide_type = {
    .name = "wide", .size = sizeof(struct wide), .ptrdata = 8 * 95, .mask = wide_mask};
static struct gc_type cell_type = {
    .name = "cell", .size = sizeof(struct cell), .ptrdata = 16, .mask = cell_mask};
static struct gc_type box_type = {.name = "box", .size = 8, .ptrdata = 8, .mask = box_mask};

enum { SHARED = 64, DEPTH_MAX = 40, FORGET_EVERY = 4000, BIG_CELLS = 20000 };
static void *shared[SHARED]; /* global roots that all goroutines use */

struct mutator {
  struct go_g *g;
  struct gc_mutator *mu;
  const struct graph *graph;
  uint64_t random;
  void **keep; /* root slots: 0 the window, the others temporary */
};

enum { KEEP_WINDOW, KEEP_A, KEEP_B, KEEP_HELD, KEEP_BIG, KEEP_COUNT };

static uint32_t pick(struct mutator *m, uint32_t n) { return rng_fastrandn(&m->random, n); }

static void check_object(void *object) {
  if (object == NULL) return;
  uint64_t magic = *(uint64_t *)object;
  if (magic == MAGIC_NODE) {
    rt_assert(((struct node *)object)->check == (uint64_t)~MAGIC_NODE);
  } else if (magic == MAGIC_WIDE) {
    return;
  } else {
    rt_assert(magic == MAGIC_CELL); /* else: a lost object */
  }
}

static void **window_slot(struct mutator *m) {
  return (void **)m->keep[KEEP_WINDOW] + pick(m, m->graph->window);
}

static void *window_load(struct mutator *m) {
  void *object = gc_load(window_slot(m));
  check_object(object);
  return object;
}

/* ---- operations ----------------------------------------------------------------------------- */

static void new_node(struct mutator *m) {
  struct node *n = gc_alloc(m->mu, &node_type);
  n->magic = MAGIC_NODE;
  n->check = (uint64_t)~MAGIC_NODE;
  struct node *old = window_load(m);
  if (old != NULL && old->magic == MAGIC_NODE && old->depth < DEPTH_MAX) {
    n->depth = old->depth + 1;
    gc_store(m->mu, &n->left, old);
  }
  gc_store(m->mu, window_slot(m), n);
}

static void new_wide(struct mutator *m) {
  struct wide *w = gc_alloc(m->mu, &wide_type);
  w->magic = MAGIC_WIDE;
  for (int i = 0; i < 4; i++) {
    struct node *to = window_load(m);
    if (to != NULL && to->magic == MAGIC_NODE)
      gc_store(m->mu, &w->word[1 + 2 * pick(m, (WIDE_WORDS - 2) / 2)], to);
  }
  gc_store(m->mu, window_slot(m), w);
}

static void new_cells(struct mutator *m) {
  struct cell *c = gc_alloc_array(m->mu, &cell_type, 1 + pick(m, 200));
  c[0].magic = MAGIC_CELL;
  c[0].number = 1;
  gc_store(m->mu, &c[0].pointer, window_load(m));
  gc_store(m->mu, window_slot(m), c);
}

static void new_garbage(struct mutator *m) {
  gc_alloc_bytes(m->mu, pick(m, 300));
  void **box = gc_alloc(m->mu, &box_type);
  gc_store(m->mu, box, window_load(m));
}

static void link(struct mutator *m) {
  struct node *from = window_load(m);
  void *to = window_load(m);
  if (from == NULL || from->magic != MAGIC_NODE) return;
  gc_store(m->mu, pick(m, 2) == 0 ? &from->right : &from->other, to);
}

/* The last heap reference moves to a frame, and later from there into an old object. */
static void hide(struct mutator *m) {
  void **from = window_slot(m);
  m->keep[KEEP_A] = gc_load(from);
  gc_store(m->mu, from, NULL);
  for (uint32_t i = pick(m, 4); i > 0; i--) gc_poll(m->mu);
  check_object(m->keep[KEEP_A]);
  struct node *to = window_load(m);
  if (to != NULL && to->magic == MAGIC_NODE && pick(m, 2) == 0) {
    gc_store(m->mu, &to->other, m->keep[KEEP_A]);
  } else {
    gc_store(m->mu, window_slot(m), m->keep[KEEP_A]);
  }
  m->keep[KEEP_A] = NULL;
}

/* An object that hangs off this frame alone for long; the one held before goes back. */
static void hold(struct mutator *m) {
  void **from = window_slot(m);
  check_object(m->keep[KEEP_HELD]);
  gc_store(m->mu, window_slot(m), m->keep[KEEP_HELD]);
  m->keep[KEEP_HELD] = gc_load(from);
  gc_store(m->mu, from, NULL);
}

static void exchange(struct mutator *m) {
  void **global = &shared[pick(m, SHARED)];
  m->keep[KEEP_B] = gc_load(global);
  check_object(m->keep[KEEP_B]);
  gc_store(m->mu, global, window_load(m));
  gc_poll(m->mu);
  gc_store(m->mu, window_slot(m), m->keep[KEEP_B]);
  m->keep[KEEP_B] = NULL;
}

static void walk(struct mutator *m) {
  struct node *n = window_load(m);
  for (int steps = 0; n != NULL && n->magic == MAGIC_NODE && steps < 60; steps++) {
    check_object(n);
    void **next = steps % 3 == 0 ? &n->right : steps % 3 == 1 ? &n->other : &n->left;
    n = gc_load(next);
    check_object(n);
  }
}

/* A copy of a node that others may see; what is copied of it but its pointers never changes. */
static void copy_and_clear(struct mutator *m) {
  struct node *to = gc_alloc(m->mu, &node_type);
  struct node *from = window_load(m);
  if (from == NULL || from->magic != MAGIC_NODE) return;
  gc_copy(m->mu, &node_type, to, from);
  gc_store(m->mu, window_slot(m), to);
  if (pick(m, 2) == 0) gc_clear(m->mu, &node_type, from, 24, 16); /* right and other */
}

/* An array of several oblets; every cell that is set refers to a node. */
static void big(struct mutator *m) {
  struct cell *cells = m->keep[KEEP_BIG];
  if (cells == NULL || pick(m, 400) == 0) {
    m->keep[KEEP_BIG] = gc_alloc_array(m->mu, &cell_type, BIG_CELLS);
    return;
  }
  for (int i = 0; i < 8; i++) {
    struct cell *c = &cells[pick(m, BIG_CELLS)];
    check_object(gc_load(&c->pointer));
    gc_store(m->mu, &c->pointer, pick(m, 4) == 0 ? NULL : window_load(m));
  }
}

static void forget(struct mutator *m) {
  for (uint32_t i = 0; i < m->graph->window; i++)
    gc_store(m->mu, (void **)m->keep[KEEP_WINDOW] + i, NULL);
  for (uint32_t i = 0; i < SHARED; i++) gc_store(m->mu, &shared[i], NULL);
  m->keep[KEEP_BIG] = NULL;
}

static void operate(struct mutator *m) {
  switch (pick(m, 16)) {
    case 0: case 1: case 2: case 3: new_node(m); break;
    case 4: new_wide(m); break;
    case 5: new_cells(m); break;
    case 6: case 7: new_garbage(m); break;
    case 8: case 9: link(m); break;
    case 10: hide(m); break;
    case 11: hold(m); break;
    case 12: exchange(m); break;
    case 13: copy_and_clear(m); break;
    default: walk(m); break;
  }
  if (m->graph->big && pick(m, 8) == 0) big(m);
}

/* ---- goroutines ----------------------------------------------------------------------------- */

struct group {
  const struct graph *graph;
  struct go_waitgroup done;
  struct at_u64 next;
};

static void mutate(struct go_g *g, void *arg, void *heap_arg) {
  (void)heap_arg;
  struct group *group = arg;
  GC_ROOTS(go_mu(g), keep, KEEP_COUNT);
  uint64_t number = at_u64_add_relaxed(&group->next, 1);
  struct mutator m = {.g = g, .mu = go_mu(g), .graph = group->graph, .keep = keep,
                      .random = rng_split(group->graph->seed, number)};
  keep[KEEP_WINDOW] = gc_alloc_array(m.mu, &box_type, m.graph->window);
  for (uint64_t i = 0; i < m.graph->operations; i++) {
    operate(&m);
    gc_poll(m.mu);
    if (i % FORGET_EVERY == FORGET_EVERY - 1) forget(&m);
  }
  GC_ROOTS_END(go_mu(g), keep);
  go_waitgroup_done(g, &group->done);
}

void graph_main(struct go_g *g, void *arg, void *heap_arg) {
  (void)heap_arg;
  struct group group = {.graph = arg};
  gc_type_register(&node_type);
  gc_type_register(&wide_type);
  gc_type_register(&cell_type);
  gc_type_register(&box_type);
  gc_add_global_roots(shared, SHARED);
  go_waitgroup_add(g, &group.done, (int32_t)group.graph->goroutines);
  for (uint32_t i = 0; i < group.graph->goroutines; i++)
    go_spawn(g, "mutator", mutate, &group, NULL);
  go_waitgroup_wait(g, &group.done);
}

/* Lists, trees, bare allocation. */
#include "sims/workload_int.h"

/* ---- lists ----------------------------------------------------------------------------------- */

/* A node: word 0 is the next node, word 1 the list's tag and a sequence number. */
static void **node_next(void *node) { return (void **)node; }
static uint64_t *node_word(void *node) { return (uint64_t *)node + 1; }

void wl_list_push(struct wl_go *w, const struct wl_op *op) {
  struct gc_mutator *mu = go_mu(w->g);
  const struct wl_list *list = op->list;
  struct wl_state *st = &w->states[op->state];
  for (uint64_t left = op->count, n; left > 0; left -= n) {
    n = wl_chunk(left);
    for (uint64_t i = 0; i < n; i++) {
      void *node = wl_new(w, list->type);
      *node_word(node) = list->tag | (st->done++ & 0xffffffffffff);
      void *tail = gc_load(list->tail);
      gc_store(mu, tail == NULL ? list->head : node_next(tail), node);
      gc_store(mu, list->tail, node);
      wl_finish_op(w);
    }
    wl_publish(w, n);
  }
}

static void check_node(struct wl_go *w, const struct wl_op *op, void *node) {
  uint64_t tag = *node_word(node) >> 48;
  if (tag != op->list->tag >> 48)
    wl_violation(w, op, "a list holds a node that is not its own", tag, op->list->tag >> 48);
}

void wl_list_pop(struct wl_go *w, const struct wl_op *op) {
  struct gc_mutator *mu = go_mu(w->g);
  const struct wl_list *list = op->list;
  struct wl_state *st = &w->states[op->state];
  for (uint64_t left = op->count, n; left > 0; left -= n) {
    n = wl_chunk(left);
    for (uint64_t i = 0; i < n; i++) {
      void *node = gc_load(list->head);
      if (node != NULL) {
        if (w->check) check_node(w, op, node);
        void *next = gc_load(node_next(node));
        gc_store(mu, list->head, next);
        if (next == NULL) gc_store(mu, list->tail, NULL);
        st->done++;
      }
      wl_finish_op(w);
    }
    wl_publish(w, n);
  }
}

/* Visits every node; op may be NULL (no checks). The cursor is rooted, because another goroutine
 * may drop the node under it. */
static uint64_t walk_list(struct wl_go *w, const struct wl_list *list, const struct wl_op *op) {
  uint64_t count = 0, sum = 0;
  void **cursor = &w->roots[WL_ROOT_CURSOR];
  for (*cursor = gc_load(list->head); *cursor != NULL; *cursor = gc_load(node_next(*cursor))) {
    sum += plat_ld(node_word(*cursor));
    count++;
    if (op != NULL && w->check) check_node(w, op, *cursor);
    wl_step(w);
  }
  w->steps += sum & 1; /* so that the reads are not optimised away */
  return count;
}

void wl_list_walk(struct wl_go *w, const struct wl_op *op) {
  for (uint64_t i = 0; i < op->count; i++) {
    w->states[op->state].hits += walk_list(w, op->list, op);
    wl_finish_op(w);
    wl_publish(w, 1);
  }
  w->states[op->state].done += op->count;
}

uint64_t wl_list_count(struct wl_go *w, const struct wl_list *list) {
  return walk_list(w, list, NULL);
}

/* ---- trees ----------------------------------------------------------------------------------- */

/* A node: words 0 and 1 are its children. */
static void **child(void *node, int side) { return (void **)node + side; }

/* Gives node two subtrees of depth levels each, parents first. The whole tree hangs from a root
 * slot, so that node stays reachable across the allocations. */
static void populate(struct wl_go *w, const struct gc_type *type, void *node, uint32_t depth) {
  struct gc_mutator *mu = go_mu(w->g);
  if (depth == 0) return;
  for (int side = 0; side < 2; side++) {
    void *kid = wl_new(w, type);
    gc_store(mu, child(node, side), kid);
    wl_step(w);
  }
  populate(w, type, gc_load(child(node, 0)), depth - 1);
  populate(w, type, gc_load(child(node, 1)), depth - 1);
}

/* A tree of depth levels below its top, children first; the result is not rooted. */
static void *assemble(struct wl_go *w, const struct gc_type *type, uint32_t depth) {
  struct gc_mutator *mu = go_mu(w->g);
  if (depth == 0) return wl_new(w, type);
  GC_ROOTS(mu, kids, 2);
  kids[0] = assemble(w, type, depth - 1);
  kids[1] = assemble(w, type, depth - 1);
  wl_step(w);
  void *node = wl_new(w, type);
  gc_store(mu, child(node, 0), kids[0]);
  gc_store(mu, child(node, 1), kids[1]);
  GC_ROOTS_END(mu, kids);
  return node;
}

void wl_tree_build(struct wl_go *w, const struct wl_op *op) {
  struct gc_mutator *mu = go_mu(w->g);
  uint32_t depth = op->source->depth;
  void **top = &w->roots[WL_ROOT_CURSOR];
  for (uint64_t i = 0; i < op->count; i++) {
    if (op->source->bottom_up) {
      *top = assemble(w, op->type, depth);
    } else {
      *top = wl_new(w, op->type);
      populate(w, op->type, *top, depth);
    }
    if (op->tree != NULL) gc_store(mu, op->tree->root, *top);
    *top = NULL;
    wl_finish_op(w);
    wl_publish(w, 1);
  }
  w->states[op->state].done += op->count;
}

void wl_tree_drop(struct wl_go *w, const struct wl_op *op) {
  for (uint64_t i = 0; i < op->count; i++) {
    gc_store(go_mu(w->g), op->tree->root, NULL);
    wl_finish_op(w);
    wl_publish(w, 1);
  }
  w->states[op->state].done += op->count;
}

struct tree_sum {
  uint64_t nodes;
  bool is_perfect; /* every level full */
};

/* Nodes of the subtree at node, which hangs from a rooted tree; returns its height. */
static uint32_t walk_tree(struct wl_go *w, void *node, struct tree_sum *sum) {
  sum->nodes++;
  wl_step(w);
  void *left = gc_load(child(node, 0));
  void *right = gc_load(child(node, 1));
  uint32_t left_height = left == NULL ? 0 : walk_tree(w, left, sum);
  uint32_t right_height = right == NULL ? 0 : walk_tree(w, right, sum);
  if (left_height != right_height) sum->is_perfect = false;
  return 1 + left_height;
}

static struct tree_sum sum_tree(struct wl_go *w, const struct wl_tree *tree) {
  struct tree_sum sum = {0, true};
  void **top = &w->roots[WL_ROOT_CURSOR];
  *top = gc_load(tree->root);
  if (*top != NULL) walk_tree(w, *top, &sum);
  *top = NULL;
  return sum;
}

void wl_tree_walk(struct wl_go *w, const struct wl_op *op) {
  for (uint64_t i = 0; i < op->count; i++) {
    struct tree_sum sum = sum_tree(w, op->tree);
    if (w->check && !sum.is_perfect)
      wl_violation(w, op, "a tree has lost a part; nodes", sum.nodes, 0);
    w->states[op->state].hits += sum.nodes;
    wl_finish_op(w);
    wl_publish(w, 1);
  }
  w->states[op->state].done += op->count;
}

uint64_t wl_tree_count(struct wl_go *w, const struct wl_tree *tree) {
  return sum_tree(w, tree).nodes;
}

/* ---- bare allocation ------------------------------------------------------------------------- */

static void **keep_ring(struct wl_go *w, const struct wl_op *op) {
  if (op->source->keep == 0) return NULL;
  void **rings = w->roots[WL_ROOT_RINGS];
  return gc_load(&rings[op->ring]);
}

void wl_alloc(struct wl_go *w, const struct wl_op *op) {
  struct gc_mutator *mu = go_mu(w->g);
  struct wl_state *st = &w->states[op->state];
  uint64_t bytes = op->source->bytes;
  uint32_t payload = op->source->pointers; /* first word that is no pointer */
  bool has_payload = bytes >= 8 * ((uint64_t)payload + 1);
  void **ring = keep_ring(w, op);
  for (uint64_t left = op->count, n; left > 0; left -= n) {
    n = wl_chunk(left);
    for (uint64_t i = 0; i < n; i++) {
      wl_pace(w);
      void *object = op->type != NULL ? gc_alloc(mu, op->type) : gc_alloc_bytes(mu, bytes);
      if (has_payload) plat_st((uint64_t *)object + payload, st->done);
      if (ring != NULL) gc_store(mu, &ring[st->done % op->source->keep], object);
      st->done++;
      wl_finish_op(w);
    }
    wl_publish(w, n);
  }
}

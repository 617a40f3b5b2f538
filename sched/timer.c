#include "sched/timer.h"

#include "runtime/check.h"
#include "sched/gmp.h"

static bool is_before(const struct go_g *a, const struct go_g *b) {
  if (a->timer.when_ns != b->timer.when_ns) return a->timer.when_ns < b->timer.when_ns;
  return a->timer.sequence < b->timer.sequence;
}

static struct go_g *meld(struct go_g *a, struct go_g *b) {
  if (a == NULL) return b;
  if (b == NULL) return a;
  if (is_before(b, a)) {
    struct go_g *swap = a;
    a = b;
    b = swap;
  }
  b->timer.sibling = a->timer.child;
  a->timer.child = b;
  return a;
}

/* Joins a list of heaps: neighbours in pairs, then the pairs from the last to the first, which
 * is what keeps removal logarithmic. */
static struct go_g *meld_all(struct go_g *list) {
  struct go_g *pairs = NULL;
  while (list != NULL) {
    struct go_g *a = list;
    struct go_g *b = a->timer.sibling;
    list = b == NULL ? NULL : b->timer.sibling;
    a->timer.sibling = NULL;
    if (b != NULL) b->timer.sibling = NULL;
    struct go_g *pair = meld(a, b);
    pair->timer.sibling = pairs;
    pairs = pair;
  }
  struct go_g *root = NULL;
  while (pairs != NULL) {
    struct go_g *next = pairs->timer.sibling;
    pairs->timer.sibling = NULL;
    root = meld(root, pairs);
    pairs = next;
  }
  return root;
}

static void publish_first(struct go_timers *t) {
  uint64_t first = t->root == NULL ? 0 : t->root->timer.when_ns;
  at_u64_store_release(&t->first_ns, first); /* pairs with every reader of first_ns: a hint */
}

void go_timers_add_locked(struct go_timers *t, struct go_g *g, uint64_t when_ns) {
  rt_assert(when_ns != 0);
  rt_assert(plat_mutex_held(&t->lock));
  g->timer = (struct go_timer){.when_ns = when_ns, .sequence = t->sequence++};
  t->root = meld(t->root, g);
  publish_first(t);
}

struct go_g *go_timers_take_due(struct go_timers *t, uint64_t now_ns) {
  plat_mutex_lock(&t->lock);
  struct go_g *g = t->root;
  if (g != NULL && g->timer.when_ns <= now_ns) {
    t->root = meld_all(g->timer.child);
    g->timer.child = NULL;
    publish_first(t);
  } else {
    g = NULL;
  }
  plat_mutex_unlock(&t->lock);
  return g;
}

/* A lock that parks its waiters, and a structure without one. After models of go-weave (F8.4,
 * F8.6).
 */
#include <stddef.h>

#include "runtime/lockrank.h"
#include "runtime/plat.h"
#include "sims/litmus/litmus.h"

/* ---- maxtree: maxima of a binary tree -------------------------------------------------------- */

/* Nodes 1 (root), 2 and 3, 4 to 7 (leaves): node n's parent is n / 2. A node holds a value for each
 * child and one of its own. Two leaves under one parent change their values, twice each. */
enum { NODES = 8, LEAF = 4, UPDATES = 2 };

static PLAT_STATE struct {
  struct at_u32 own[NODES], child[NODES][2];
  bool reads_again;
} tree;

static uint32_t larger(uint32_t a, uint32_t b) { return a > b ? a : b; }

static uint32_t node_max(uint32_t node) {
  uint32_t max = at_u32_load_seq(&tree.own[node]);
  if (node >= LEAF) return max;
  max = larger(max, at_u32_load_seq(&tree.child[node][0]));
  return larger(max, at_u32_load_seq(&tree.child[node][1]));
}

static void publish(uint32_t node) {
  uint32_t max = node_max(node), again = max;
  do {
    max = again;
    at_u32_store_seq(&tree.child[node / 2][node % 2], max);
    if (tree.reads_again) again = node_max(node);
  } while (again != max);
}

static void update(uint32_t leaf, uint32_t value) {
  uint32_t before = node_max(leaf);
  at_u32_store_seq(&tree.own[leaf], value);
  for (uint32_t node = leaf; node > 1 && node_max(node) != before; node /= 2) {
    before = node_max(node / 2);
    publish(node);
  }
}

static void tree_thread(uint32_t index) {
  static const uint32_t values[2][UPDATES] = {{3, 1}, {2, 4}};
  for (uint32_t i = 0; i < UPDATES; i++) update(LEAF + index, values[index][i]);
}

static void tree_setup(const struct litmus_case *c) {
  for (uint32_t i = 0; i < NODES; i++) {
    at_u32_init(&tree.own[i], 0);
    at_u32_init(&tree.child[i][0], 0);
    at_u32_init(&tree.child[i][1], 0);
  }
  tree.reads_again = c->variant == LITMUS_TREE_AS_IS;
}

static const char *tree_check(void) {
  for (uint32_t node = NODES - 1; node > 1; node--) {
    uint32_t most = node_max(node);
    if (at_u32_load_seq(&tree.child[node / 2][node % 2]) != most)
      return "a node holds another value for its child than the child's maximum";
  }
  return NULL;
}

const struct litmus litmus_maxtree = {
    .threads = 2,
    .names = {"leaf 4", "leaf 5"},
    .setup = tree_setup,
    .thread = tree_thread,
    .check = tree_check,
};

/* ---- rwmutex: readers and writers that park -------------------------------------------------- */

/* Signed counts in two's complement, as in sched/go.h. */
enum { WRITERS = 2, READERS = 2, ACTORS = WRITERS + READERS, WRITER_INSIDE = 0x100 };
static const uint32_t READERS_MAX = UINT32_C(1) << 30;

struct actor {
  struct plat_note wake;
  struct actor *next; /* in the list of waiting readers */
};

static PLAT_STATE struct {
  struct plat_mutex reader_lock, writer_lock;
  struct at_u32 reader_count, reader_wait;
  struct actor *readers, *writer; /* reader_lock */
  uint32_t reader_pass;           /* reader_lock: wakes for readers not yet in the list */
  struct actor actor[ACTORS];
  bool old_order;
  struct at_u32 inside;           /* readers, and WRITER_INSIDE per writer */
  struct at_u64 is_mixed;
} rw;

static uint32_t add(struct at_u32 *count, uint32_t delta) {
  return at_u32_add_seq(count, delta) + delta;
}

static bool is_negative(uint32_t count) { return count >> 31 != 0; }

static void go_inside(uint32_t weight) {
  uint32_t others = at_u32_add_seq(&rw.inside, weight);
  if (weight == WRITER_INSIDE ? others != 0 : others >= WRITER_INSIDE)
    at_quiet_store(&rw.is_mixed, 1);
  at_u32_add_seq(&rw.inside, -weight);
}

static void wait_as_reader(struct actor *self) {
  plat_mutex_lock_same_rank(&rw.reader_lock);
  bool passes = rw.reader_pass > 0;
  if (passes) {
    rw.reader_pass--;
  } else {
    self->next = rw.readers;
    rw.readers = self;
  }
  plat_mutex_unlock(&rw.reader_lock);
  if (!passes) plat_note_wait(&self->wake);
}

static void read_once(struct actor *self) {
  if (is_negative(add(&rw.reader_count, 1))) wait_as_reader(self);
  go_inside(1);
  if (!is_negative(add(&rw.reader_count, (uint32_t)-1))) return;
  if (add(&rw.reader_wait, (uint32_t)-1) != 0) return;
  plat_mutex_lock_same_rank(&rw.reader_lock); /* the last reader a writer waits for */
  if (rw.writer != NULL) plat_note_wake(&rw.writer->wake);
  plat_mutex_unlock(&rw.reader_lock);
}

static void write_lock(struct actor *self) {
  plat_mutex_lock_same_rank(&rw.writer_lock);
  uint32_t active = add(&rw.reader_count, -READERS_MAX) + READERS_MAX;
  bool must_wait = false;
  if (rw.old_order) must_wait = active != 0 && add(&rw.reader_wait, active) != 0;
  if (rw.old_order && !must_wait) return;
  plat_mutex_lock_same_rank(&rw.reader_lock);
  if (!rw.old_order) must_wait = active != 0 && add(&rw.reader_wait, active) != 0;
  if (must_wait) rw.writer = self;
  plat_mutex_unlock(&rw.reader_lock);
  if (must_wait) plat_note_wait(&self->wake);
}

static void write_unlock(void) {
  uint32_t waiting = add(&rw.reader_count, READERS_MAX);
  plat_mutex_lock_same_rank(&rw.reader_lock);
  for (; rw.readers != NULL; waiting--) {
    struct actor *reader = rw.readers;
    rw.readers = reader->next;
    plat_note_wake(&reader->wake);
  }
  rw.reader_pass += waiting;
  plat_mutex_unlock(&rw.reader_lock);
  plat_mutex_unlock(&rw.writer_lock);
}

static void rw_thread(uint32_t index) {
  struct actor *self = &rw.actor[index];
  if (index >= WRITERS) {
    read_once(self);
    return;
  }
  write_lock(self);
  go_inside(WRITER_INSIDE);
  write_unlock();
}

static void rw_setup(const struct litmus_case *c) {
  plat_mutex_init(&rw.reader_lock, RT_RANK_TEST, "reader lock");
  plat_mutex_init(&rw.writer_lock, RT_RANK_TEST, "writer lock");
  at_u32_init(&rw.reader_count, 0);
  at_u32_init(&rw.reader_wait, 0);
  at_u32_init(&rw.inside, 0);
  at_u64_init(&rw.is_mixed, 0);
  rw.readers = rw.writer = NULL;
  rw.reader_pass = 0;
  rw.old_order = c->variant == LITMUS_RW_OLD_ORDER;
  for (uint32_t i = 0; i < ACTORS; i++) plat_note_init(&rw.actor[i].wake);
}

static const char *rw_check(void) {
  for (uint32_t i = 0; i < ACTORS; i++) plat_note_destroy(&rw.actor[i].wake);
  plat_mutex_destroy(&rw.writer_lock);
  plat_mutex_destroy(&rw.reader_lock);
  return at_quiet_load(&rw.is_mixed) != 0 ? "a writer is inside together with another" : NULL;
}

const struct litmus litmus_rwmutex = {
    .threads = ACTORS,
    .names = {"writer 0", "writer 1", "reader 0", "reader 1"},
    .setup = rw_setup,
    .thread = rw_thread,
    .check = rw_check,
};

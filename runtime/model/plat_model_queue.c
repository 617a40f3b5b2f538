/* The model's queue: the threads that may run, by (key, thread number). A tournament: a leaf for
 * each thread slot, and every inner node is the smaller of the two below it, so that a thread is
 * entered or taken out along one path whose nodes are known beforehand, without a branch that
 * depends on the keys. */
#include <string.h>

#include "plat_model_int.h"
#include "runtime/check.h"

#define NOBODY (~(model_entry)0)

static inline model_entry entry_of(const struct model_thread *t, uint64_t key_ps) {
  return (model_entry)key_ps << 64 | (uint64_t)t->id << 32 | t->slot;
}

static inline void set_leaf(uint32_t slot, model_entry e) {
  uint32_t at = model.queue_leaves + slot;
  model_entry *node = model.queue;
  node[at] = e;
  while (at > 1) {
    model_entry other = node[at ^ 1];
    e = other < e ? other : e;
    node[at /= 2] = e;
  }
}

/* Room for one more slot: the leaves move to the next power of two. */
static void grow(uint32_t slot) {
  uint32_t was = model.queue_leaves, leaves = was == 0 ? 1 : was;
  while (leaves <= slot) leaves *= 2;
  memcpy(&model.queue[leaves], &model.queue[was], was * sizeof *model.queue);
  for (uint32_t i = leaves + was; i < 2 * leaves; i++) model.queue[i] = NOBODY;
  for (uint32_t i = leaves; i-- > 1;) {
    model_entry a = model.queue[2 * i], b = model.queue[2 * i + 1];
    model.queue[i] = a < b ? a : b;
  }
  model.queue_leaves = leaves;
}

void model_queue_push(struct model_thread *t, uint64_t key_ps) {
  if (plat_unlikely(t->slot >= model.queue_leaves)) grow(t->slot);
  rt_assert(model.queue[model.queue_leaves + t->slot] == NOBODY);
  model.queue_count++;
  set_leaf(t->slot, entry_of(t, key_ps));
}

void model_queue_remove(struct model_thread *t) {
  rt_assert(model.queue[model.queue_leaves + t->slot] != NOBODY);
  model.queue_count--;
  set_leaf(t->slot, NOBODY);
}

static inline struct model_thread *take_first(void) {
  uint32_t slot = (uint32_t)model.queue[1];
  set_leaf(slot, NOBODY);
  return &model.threads[slot];
}

struct model_thread *model_queue_pop(void) {
  rt_assert(model.queue_count > 0);
  model.queue_count--;
  return take_first();
}

struct model_thread *model_queue_replace_first(struct model_thread *t, uint64_t key_ps) {
  rt_assert(model.queue_count > 0);
  struct model_thread *first = take_first();
  if (plat_unlikely(t->slot >= model.queue_leaves)) grow(t->slot);
  set_leaf(t->slot, entry_of(t, key_ps));
  return first;
}

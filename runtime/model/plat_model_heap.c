/* The model's queue: a binary heap of threads by (key, thread number). */
#include "plat_model_int.h"
#include "runtime/check.h"

static bool before(const struct model_heap_entry *a, const struct model_heap_entry *b) {
  return a->key_ps != b->key_ps ? a->key_ps < b->key_ps : a->thread->id < b->thread->id;
}

static void place(uint32_t at, struct model_heap_entry e) {
  model.heap[at] = e;
  e.thread->heap_at = at;
}

static void sift_up(uint32_t at, struct model_heap_entry e) {
  while (at > 0) {
    uint32_t parent = (at - 1) / 2;
    if (!before(&e, &model.heap[parent])) break;
    place(at, model.heap[parent]);
    at = parent;
  }
  place(at, e);
}

static void sift_down(uint32_t at, struct model_heap_entry e) {
  for (;;) {
    uint32_t child = 2 * at + 1;
    if (child >= model.heap_count) break;
    if (child + 1 < model.heap_count && before(&model.heap[child + 1], &model.heap[child])) child++;
    if (!before(&model.heap[child], &e)) break;
    place(at, model.heap[child]);
    at = child;
  }
  place(at, e);
}

void model_heap_push(struct model_thread *t, uint64_t key_ps) {
  rt_assert(t->heap_at == MODEL_NOT_IN_HEAP);
  sift_up(model.heap_count++, (struct model_heap_entry){key_ps, t});
}

void model_heap_remove(struct model_thread *t) {
  uint32_t at = t->heap_at;
  rt_assert(at < model.heap_count && model.heap[at].thread == t);
  struct model_heap_entry last = model.heap[--model.heap_count];
  t->heap_at = MODEL_NOT_IN_HEAP;
  if (last.thread == t) return;
  if (at > 0 && before(&last, &model.heap[(at - 1) / 2])) {
    sift_up(at, last);
  } else {
    sift_down(at, last);
  }
}

struct model_thread *model_heap_pop(void) {
  rt_assert(model.heap_count > 0);
  struct model_thread *top = model.heap[0].thread;
  model_heap_remove(top);
  return top;
}

struct model_thread *model_heap_replace_top(struct model_thread *t, uint64_t key_ps) {
  rt_assert(model.heap_count > 0 && t->heap_at == MODEL_NOT_IN_HEAP);
  struct model_thread *top = model.heap[0].thread;
  top->heap_at = MODEL_NOT_IN_HEAP;
  sift_down(0, (struct model_heap_entry){key_ps, t});
  return top;
}

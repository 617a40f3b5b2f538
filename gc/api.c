/* The parts of gc/api.h that are the same for every collector. */
#include "gc/api.h"
#include "gc/collector.h"

#include "gc/world.h"

PLAT_STATE struct gc_flags gc_flags;
PLAT_STATE const struct gc_world_ops *gc_world;

/* Read by nobody: its address stands for every object of zero bytes. */
static PLAT_STATE uint64_t zero_size_object;

void *gc_zero_size_object(void) {
  return &zero_size_object;
}

void gc_poll_slow(struct gc_mutator *mu) {
  if (mu->no_preempt == 0) gc_world->safepoint(mu);
}

/* Records the stores of a bulk copy or clear: for each pointer word of t in [first, end) what is
 * overwritten and what is written (source NULL: nil). Words of 8 bytes. F4.11. */
static void bulk_barrier(struct gc_mutator *mu, const struct gc_type *t, void **dst, void **source,
                         uint32_t first, uint32_t end) {
  for (uint32_t word = first; word < end; word++) {
    if (!gc_type_is_pointer(t, word)) continue;
    gc_store_bulk_slow(mu, &dst[word], source != NULL ? plat_slot_load(&source[word]) : NULL);
  }
}

static bool needs_barrier(const struct gc_type *t) {
  return t->ptrdata != 0 && at_u32_load_relaxed(&gc_flags.barrier_on) != 0;
}

void gc_copy(struct gc_mutator *mu, const struct gc_type *t, void *dst, const void *src) {
  if (dst == src) return;
  void **to = dst, **from = (void **)(uintptr_t)src;
  uint32_t words = t->ptrdata / 8;
  if (needs_barrier(t)) bulk_barrier(mu, t, to, from, 0, words);
  for (uint32_t word = 0; word < words; word++) {
    if (gc_type_is_pointer(t, word))
      plat_slot_store(&to[word], plat_slot_load(&from[word]));
    else
      to[word] = from[word];
  }
  memcpy(&to[words], &from[words], t->size - t->ptrdata);
}

void gc_clear(struct gc_mutator *mu, const struct gc_type *t, void *dst, uint32_t first,
              uint32_t bytes) {
  rt_assert(first % 8 == 0 && bytes % 8 == 0 && first <= t->size && bytes <= t->size - first);
  void **to = dst;
  uint32_t end = (first + bytes) / 8;
  uint32_t pointers_end = end < t->ptrdata / 8 ? end : t->ptrdata / 8;
  uint32_t word = first / 8;
  if (needs_barrier(t)) bulk_barrier(mu, t, to, NULL, word, pointers_end);
  for (; word < pointers_end; word++) {
    if (gc_type_is_pointer(t, word))
      plat_slot_store(&to[word], NULL);
    else
      to[word] = NULL;
  }
  if (word < end) memset(&to[word], 0, (size_t)(end - word) * 8);
}

/* ---- checking -------------------------------------------------------------------------------- */

static PLAT_STATE struct {
  gc_check_hook *call;
  void *arg;
} check_hook;

void gc_set_check_hook(gc_check_hook *call, void *arg) {
  check_hook.call = call;
  check_hook.arg = arg;
}

void gc_call_check_hook(struct gc_mutator *self) {
  if (check_hook.call != NULL) check_hook.call(self, check_hook.arg);
}

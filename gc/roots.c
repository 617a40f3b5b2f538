/* Registered global roots, for the collectors on our heap. */
#include "gc/heap.h"
#include "runtime/lockrank.h"
#include "runtime/meta.h"

enum { ROOTS_MAX = 4096 };

static PLAT_STATE struct {
  struct plat_mutex lock;         /* serialises additions */
  struct gc_global_root *entries; /* ROOTS_MAX; entry i is written before count exceeds i */
  struct at_u64 count;
  struct at_u64 bytes;
} roots = {.lock = PLAT_MUTEX_INITIALIZER(RT_RANK_META, "global roots")};

void gc_add_global_roots(void **base, uint64_t count) {
  rt_assert(base != NULL && (uintptr_t)base % sizeof(void *) == 0);
  plat_mutex_lock(&roots.lock);
  bool is_first = roots.entries == NULL;
  plat_mutex_unlock(&roots.lock);
  /* Outside the lock: the metadata lock has the same rank. */
  struct gc_global_root *entries =
      is_first ? rt_meta_alloc(ROOTS_MAX * sizeof *entries, PLAT_CACHE_LINE) : NULL;
  plat_mutex_lock(&roots.lock);
  if (roots.entries == NULL) roots.entries = entries;
  uint64_t index = at_u64_load_relaxed(&roots.count); /* written under this lock */
  if (index == ROOTS_MAX)
    rt_die("limit reached: no more than %d ranges of global roots", ROOTS_MAX);
  roots.entries[index] = (struct gc_global_root){.base = base, .count = count};
  at_u64_add_relaxed(&roots.bytes, count * sizeof(void *)); /* a figure for pacing */
  at_u64_store_release(&roots.count, index + 1);            /* pairs with gc_global_roots_count */
  plat_mutex_unlock(&roots.lock);
}

uint64_t gc_global_roots_count(void) {
  return at_u64_load_acquire(&roots.count); /* pairs with gc_add_global_roots: the entries */
}

struct gc_global_root gc_global_root_at(uint64_t index) {
  rt_assert(index < gc_global_roots_count());
  return roots.entries[index];
}

uint64_t gc_global_roots_bytes(void) {
  return at_u64_load_relaxed(&roots.bytes);
}

#include "runtime/lockrank.h"

#include "runtime/check.h"
#include "runtime/plat.h"

void rt_held_check(const struct rt_held *held, const struct plat_mutex *m, bool same_rank) {
  for (uint32_t i = 0; i < held->count; i++) {
    const struct plat_mutex *h = held->lock[i];
    if (h->rank > m->rank || (h->rank == m->rank && !same_rank))
      rt_die("lock order: %s (rank %u) locked while %s (rank %u) is held", m->name,
             (unsigned)m->rank, h->name, (unsigned)h->rank);
  }
}

void rt_held_add(struct rt_held *held, struct plat_mutex *m) {
  rt_assert(held->count < RT_HELD_MAX);
  held->lock[held->count++] = m;
}

void rt_held_remove(struct rt_held *held, const struct plat_mutex *m) {
  uint32_t i = held->count;
  while (i > 0 && held->lock[i - 1] != m) i--;
  rt_assert(i > 0);
  held->lock[i - 1] = held->lock[--held->count];
}

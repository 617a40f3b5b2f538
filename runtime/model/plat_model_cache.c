/* The model's last-level cache: which memory of the heap is near, and what it costs that some is
 * not.
 *
 * One cache for all processors, directly mapped, of sectors of two lines, as spatial prefetching
 * fetches them. A sector is brought in by whoever asks for it and is there one miss later; who
 * needs it waits until then. Only what the runtime names is looked after: objects that are marked,
 * buckets that are probed, keys that are compared. What is read in order of address is taken to be
 * brought in ahead, as the hardware does.
 *
 * Nothing of it counts while schedules are explored: all costs are 0 then.
 */
#include <string.h>

#include "plat_model_int.h"

enum {
  SECTOR_SHIFT = 7,
  SECTORS = 1 << 16 /* 8 MiB: what a program can count on of a cache that others use, too */
};

struct sector {
  uint64_t number;   /* from 1; 0: none */
  uint64_t ready_ps; /* when it is there */
};

static struct {
  struct sector *table;
  uint64_t misses; /* since it was cleared */
} cache;

void model_cache_begin(void) {
  size_t bytes = SECTORS * sizeof *cache.table;
  if (cache.table == NULL) cache.table = model_table(bytes);
  if (cache.misses == 0) return;
  memset(cache.table, 0, bytes);
  cache.misses = 0;
}

/* The sector of an address of the arena, asked for if nobody had; NULL: it lies elsewhere. */
static struct sector *ask_for(const void *p) {
  uint64_t offset = (uintptr_t)p - model_vm_hot.arena;
  if (offset >= model_vm_hot.arena_bytes) return NULL;
  uint64_t number = (offset >> SECTOR_SHIFT) + 1;
  struct sector *s = &cache.table[number % SECTORS];
  if (s->number == number) return s;
  cache.misses++;
  *s = (struct sector){number, plat_model_hot.clock_ps +
                                   plat_model_hot.cost_ps[PLAT_COST_cache_miss]};
  return s;
}

void plat_model_fetch(const void *p) { ask_for(p); }

/* Another thread's clock can be ahead, but no miss takes longer than one. */
void plat_model_need(const void *p) {
  const struct sector *s = ask_for(p);
  if (s == NULL || s->ready_ps <= plat_model_hot.clock_ps) return;
  uint64_t most = plat_model_hot.clock_ps + plat_model_hot.cost_ps[PLAT_COST_cache_miss];
  plat_model_hot.clock_ps = s->ready_ps < most ? s->ready_ps : most;
}

uint64_t plat_model_cache_misses(void) { return cache.misses; }

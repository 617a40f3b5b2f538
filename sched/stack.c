/* C stacks of goroutines: carved from slabs of address space, committed by touching.
 *
 * A stack belongs to its struct go_g also while that is dead, so reuse follows the free lists of
 * goroutines, which are LIFO. Each of the first GUARDED_STACKS stacks has an inaccessible page
 * below it; every such page costs the kernel two mappings, and their number is limited
 * (vm.max_map_count, 65530 by default), so later stacks do without.
 */
#include "runtime/check.h"
#include "runtime/meta.h"
#include "sched/gmp.h"

enum {
  PAGE = 8192,
  SLAB_STACKS = 16,
  SLAB_BYTES_MAX = 64 << 20, /* large stacks: fewer per slab */
  GUARDED_STACKS = 16384
};

struct slab {
  struct slab *next;
  char *base;         /* NULL: the node waits for reuse */
  size_t bytes;
};

/* ALLG lock, or no other thread exists. */
struct stacks {
  struct slab *slabs; /* all nodes, newest first */
  struct slab *spare; /* nodes without a slab */
  char *at;           /* next stack in the newest slab */
  size_t left;        /* stacks left there */
  size_t usable_bytes;
  size_t per_slab;
  uint64_t made;
};
static PLAT_STATE struct stacks stacks;

void go_stack_init(size_t usable_bytes) {
  rt_assert(stacks.slabs == NULL);
  usable_bytes *= SAN_STACK_FACTOR;
  stacks.usable_bytes = (usable_bytes + PAGE - 1) / PAGE * PAGE;
  if (stacks.usable_bytes < CTX_STACK_MIN) stacks.usable_bytes = CTX_STACK_MIN;
  stacks.per_slab = SLAB_BYTES_MAX / (stacks.usable_bytes + PAGE);
  if (stacks.per_slab > SLAB_STACKS) stacks.per_slab = SLAB_STACKS;
  if (stacks.per_slab == 0) stacks.per_slab = 1;
  stacks.left = 0;
  stacks.made = 0;
}

size_t go_stack_bytes(void) { return stacks.usable_bytes; }

static void slab_add(void) {
  struct slab *slab = stacks.spare;
  if (slab != NULL)
    stacks.spare = slab->next;
  else
    slab = rt_meta_alloc(sizeof *slab, 8);
  slab->bytes = stacks.per_slab * (stacks.usable_bytes + PAGE);
  slab->base = plat_vm_reserve_stacks(slab->bytes);
  if (slab->base == NULL || plat_vm_commit(slab->base, slab->bytes) != RT_OK)
    rt_fatal(RT_END_NOMEM, "out of memory: no room for the stack of goroutine %llu",
             (unsigned long long)stacks.made + 1);
  slab->next = stacks.slabs;
  stacks.slabs = slab;
  stacks.at = slab->base;
  stacks.left = stacks.per_slab;
}

char *go_stack_alloc(void) {
  rt_assert(stacks.usable_bytes != 0);
  if (stacks.left == 0) slab_add();
  char *base = stacks.at;
  stacks.at += stacks.usable_bytes + PAGE;
  stacks.left--;
  if (stacks.made++ < GUARDED_STACKS) plat_vm_guard(base, PAGE); /* as good as the kernel allows */
  return base + PAGE;
}

void go_stack_release_all(void) {
  while (stacks.slabs != NULL) {
    struct slab *slab = stacks.slabs;
    stacks.slabs = slab->next;
    plat_unpoison(slab->base, slab->bytes);
    plat_vm_release(slab->base, slab->bytes);
    slab->base = NULL;
    slab->next = stacks.spare;
    stacks.spare = slab;
  }
  stacks.left = 0;
}

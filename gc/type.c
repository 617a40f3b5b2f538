#include "gc/type.h"

#include "gc/sizeclass.h"
#include "runtime/check.h"
#include "runtime/lockrank.h"
#include "runtime/meta.h"

PLAT_STATE struct gc_type_registry gc_types;

/* Serialises registration; readers need no lock, see gc_type_by_id. */
static PLAT_STATE struct plat_mutex registry_lock =
    PLAT_MUTEX_INITIALIZER(RT_RANK_META, "type registry");

/* The span class the inline path may take for one value, or 0 (F2.2.3). */
static uint8_t fast_class_of(const struct gc_type *t) {
  if (t->size == 0 || t->size > GC_SMALL_MAX_BYTES) return 0;
  if (t->ptrdata == 0 && t->size < 16) return 0; /* the tiny allocator's */
  return (uint8_t)(2 * gc_size_class_of(t->size) + (t->ptrdata == 0 ? 1 : 0));
}

static void register_locked(struct gc_type *t) {
  rt_assert(plat_mutex_held(&registry_lock));
  if (t->id != 0) return;
  if (gc_types.count == GC_TYPE_MAX)
    rt_die("limit reached: no more than %d types can be registered", GC_TYPE_MAX);
  t->fast_class = fast_class_of(t);
  t->id = (uint16_t)++gc_types.count;
  gc_types.table[t->id] = t;
}

void gc_type_register(struct gc_type *t) {
  rt_assert(t->ptrdata <= t->size && t->ptrdata % 8 == 0);
  rt_assert(t->ptrdata == 0 || (t->size % 8 == 0 && t->mask != NULL));
  rt_assert(t->ptrdata == 0 || gc_type_is_pointer(t, t->ptrdata / 8 - 1));
  plat_mutex_lock(&registry_lock);
  bool is_first = gc_types.table == NULL;
  plat_mutex_unlock(&registry_lock);
  /* Outside the lock, because the metadata lock has the same rank. Two threads may both come
   * here; the table of the second is lost. */
  const struct gc_type **table =
      is_first ? rt_meta_alloc(sizeof *table * (GC_TYPE_MAX + 1), PLAT_CACHE_LINE) : NULL;
  plat_mutex_lock(&registry_lock);
  if (gc_types.table == NULL) gc_types.table = table;
  register_locked(t);
  plat_mutex_unlock(&registry_lock);
}

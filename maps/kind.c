/* The registry of map designs. */
#include "maps/kind_designs.h"
#include "maps/kind_int.h"

const struct map_kind *const map_kinds[] = {
    &map_kind_go,
    &map_kind_go_mutex,
    &map_kind_go_rwmutex,
    &map_kind_sharded,
    &map_kind_global_lock,
    &map_kind_bucket_spin,
    &map_kind_syncmap,
    &map_kind_java8,
    &map_kind_swiss,
    NULL,
};

const struct map_kind *map_kind_find(const char *name) {
  for (const struct map_kind *const *row = map_kinds; *row != NULL; row++)
    if (strcmp((*row)->name, name) == 0)
      return *row;
  return NULL;
}

#include "gc/pacer.h"

#include <string.h>

#include "gc/pacer_go119.h"

const struct gc_pacer_ops *const gc_pacers[] = {&gc_pacer_go119, NULL};

const struct gc_pacer_ops *gc_pacer_find(const char *name) {
  for (const struct gc_pacer_ops *const *row = gc_pacers; *row != NULL; row++) {
    if (strcmp((*row)->name, name) == 0) return *row;
  }
  return NULL;
}

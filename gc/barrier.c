#include "gc/barrier.h"

#include <stddef.h>
#include <string.h>

const struct gc_barrier gc_barriers[] = {
    {
        .name = "hybrid",
        .doc = "Go 1.8 and later: shades the overwritten and the written value; no stack is "
               "scanned twice",
        .shade_old = true,
        .shade_new = true,
    },
    {
        .name = "hybrid-conditional",
        .doc = "shades the overwritten value, and the written one while roots remain unscanned",
        .shade_old = true,
        .shade_new = true,
        .new_until_roots_done = true,
    },
    {
        .name = "yuasa",
        .doc = "snapshot at the beginning: stacks scanned in the first stop, shades the "
               "overwritten value",
        .shade_old = true,
        .stacks_at_start_stw = true,
    },
    {
        .name = "dijkstra",
        .doc = "incremental update: shades the written value, stacks scanned again in the last "
               "stop",
        .shade_new = true,
        .rescan_stacks = true,
    },
    {
        .name = "none",
        .doc = "no barrier: sound with the world stopped, loses objects while the program runs "
               "beside the marker",
        .needs_stop = true,
    },
    {.name = NULL},
};

const struct gc_barrier *gc_barrier_find(const char *name) {
  for (const struct gc_barrier *row = gc_barriers; row->name != NULL; row++) {
    if (strcmp(row->name, name) == 0) return row;
  }
  return NULL;
}

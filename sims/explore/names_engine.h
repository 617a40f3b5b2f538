/* What the operations of a whole engine mean: goroutines, heap objects, the collector's state.
 * Reads the model's memory as it lies. */
#ifndef SIMS_EXPLORE_NAMES_ENGINE_H
#define SIMS_EXPLORE_NAMES_ENGINE_H

#include "gc/api.h"
#include "sims/explore/trace.h"

enum { XP_LABELS_MAX = 64 };

/* A goroutine by the name that tells it apart from all others. */
struct xp_label {
  const struct gc_mutator *mutator;
  uint64_t id;
  char text[XP_NAME];
};

/* What the program calls its heap objects. Called between operations, like the names; members may
 * be NULL. */
struct xp_program_names {
  const char *(*object)(const void *object, void *arg);   /* NULL: it has no name */
  /* The same for a word of an object, or a global root: "A.0", "root A". False: it has no name. */
  bool (*place)(const void *address, char *out, size_t bytes, void *arg);
  const void *(*declared)(uint32_t index, void *arg);     /* to be watched always; NULL: no more */
  void *arg;
};

/* Outside the world, like the names. */
struct xp_engine_names {
  struct xp_program_names program;
  uint32_t procs;
  char faults[128];                /* what is switched off, for the reasons; "": nothing */
  uintptr_t object[XP_WATCH_MAX];  /* of a watch; 0: it is a stack */
  const struct gc_mutator *stack[XP_WATCH_MAX];
  struct xp_label label[XP_LABELS_MAX];
  uint32_t label_count;
  uintptr_t lost;                  /* 0: no object is */
};

/* Needs a collector that can be looked at (gc_collector.look). program, procs and faults are set;
 * state lives as long as *out. */
void xp_names_engine(struct xp_names *out, struct xp_engine_names *state);

#endif

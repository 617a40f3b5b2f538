/* Where a run has got to, as a number. What every thread has done, and after which operations of
 * others on the same objects, determines the world: two beginnings of runs that differ only in the
 * order of independent operations lead to the same one, and have the same number. Two different
 * worlds share one of 64 bits with a chance of 2^-64 each.
 *
 * Operations are seen in their order, and can be taken back from the last on. */
#ifndef SIMS_EXPLORE_STATE_H
#define SIMS_EXPLORE_STATE_H

#include "sims/explore/objects.h"

/* What is known of an object. */
struct xp_state_object {
  uint64_t write, reads; /* history of the last write; sum over the reads since */
};

/* What an operation has changed. */
struct xp_state_undo {
  uint32_t object, thread; /* object UINT32_MAX: none */
  uint64_t history;        /* of the thread */
  struct xp_state_object was;
};

/* Zeroed before its first use. */
struct xp_state {
  uint64_t sum;          /* over the histories of the threads */
  uint64_t *history;     /* by thread number */
  uint32_t threads;
  struct xp_objects objects;
  struct xp_state_object *object; /* by its number there */
  uint32_t room;
  struct xp_state_undo *undo;
  uint32_t undo_room, seen; /* seen: operations */
};
void xp_state_free(struct xp_state *s);
/* From the execute hook. */
void xp_state_see(struct xp_state *s, const struct plat_model_op *op);
/* Of an operation that does not race: only what it learns from elsewhere than its object counts,
 * the time, say. */
void xp_state_see_unraced(struct xp_state *s, const struct plat_model_op *op);
/* Takes all operations back but the first `seen`. */
void xp_state_back(struct xp_state *s, uint32_t seen);
/* The number, with what the platform remembers besides. At a point. */
uint64_t xp_state_number(const struct xp_state *s);

#endif

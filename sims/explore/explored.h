/* States that a bounded search has been through, and how many schedules lead on from each. */
#ifndef SIMS_EXPLORE_EXPLORED_H
#define SIMS_EXPLORE_EXPLORED_H

#include "sims/explore/lookup.h"

struct xp_explored_entry {
  uint64_t state;  /* never 0 */
  uint32_t used;   /* preemptions before it */
  uint32_t number; /* from 1 */
};

/* Zeroed before its first use. */
struct xp_explored {
  uint32_t levels; /* how many counts a state has: of schedules with 0, 1, ... more preemptions */
  struct xp_lookup table; /* struct xp_explored_entry */
  uint64_t *counts; /* `levels` of each, by number */
  uint32_t counts_room;
};
void xp_explored_free(struct xp_explored *e);
/* Forgets all. levels >= 1. */
void xp_explored_begin(struct xp_explored *e, uint32_t levels);
/* Enters a state; where it is known with more preemptions before it, instead of that. A full table
 * takes no more. */
void xp_explored_add(struct xp_explored *e, uint64_t state, uint32_t used, const uint64_t *counts);
/* The counts of a state that is known with at most `used` preemptions before it: those with at most
 * levels - 1 - used more are right. NULL: it is not. */
const uint64_t *xp_explored_find(const struct xp_explored *e, uint64_t state, uint32_t used);

#endif

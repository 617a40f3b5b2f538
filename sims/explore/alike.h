/* Which combinations of data choices are the same but for names. Two are alike when one becomes
 * the other by renaming objects of one size, where
 *   - objects count that something holds after the setup: the collection before the mark has
 *     freed the others, and there is no trace of what they held;
 *   - a load, store or drop through a register that is nil whatever happens does nothing, so that
 *     it does not matter which of these it is.
 * A renamed object lies in another slot of the same span. Nothing is decided by an address, so both
 * have the same schedules with the same outcomes, but for names: one of them is searched for all.
 *
 * Goroutines are not renamed: their stacks are scanned and their processors stopped in an order.
 *
 * Checked by: tests/engine/test_barriers.py (those alike have as many schedules of each bound). */
#ifndef SIMS_EXPLORE_ALIKE_H
#define SIMS_EXPLORE_ALIKE_H

#include "sims/scenario.h"

enum { XP_ALIKE_VARIANTS = 1 << 20 }; /* of larger grids it is not asked */

/* One combination of each kind, the lowest. Its weight is one more than the pairs of operations of
 * different goroutines that may touch the same field or slot, one of them writing: the more there
 * are, the more depends on who comes first. */
struct xp_representative {
  uint32_t variant; /* number (variant.h) */
  uint64_t upto;    /* sum of the weights of all up to this one */
};

/* All of them, in order. */
struct xp_alike {
  struct xp_representative *list;
  uint64_t count, heaviest; /* heaviest: weight */
};

/* False, and *out is zeroed: each combination is taken for different, for there are none alike, or
 * too many of them, or the scenario does with its objects what is not understood here. */
bool xp_alike_find(const struct scenario *sc, struct xp_alike *out);
void xp_alike_free(struct xp_alike *a);

/* The variant that is number i of n that are tried, none of them twice: spread over all as by
 * xp_variant_pick, with a chance proportional to the weight where so few are tried that this can
 * be. n: at most count. */
uint32_t xp_alike_pick(const struct xp_alike *a, uint64_t i, uint64_t n, uint64_t seed);

#endif

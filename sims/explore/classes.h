/* How often each happens-before class was met, by strategy: a set of 64-bit class hashes with, for
 * each of eight shares, a count that stops at 3. Memory is bounded: a full table says so. */
#ifndef SIMS_EXPLORE_CLASSES_H
#define SIMS_EXPLORE_CLASSES_H

#include <stdbool.h>

#include "sims/explore/lookup.h"

enum { XP_CLASSES_MAX = 1 << 21, XP_CLASS_SHARES = 8 };

struct xp_class {
  uint64_t hash;             /* never 0 */
  uint64_t counts;           /* two bits per share */
};

struct xp_classes {
  struct xp_lookup table;    /* struct xp_class */
  bool is_full;              /* some class was not recorded: counts are lower bounds */
  uint64_t observed[XP_CLASS_SHARES]; /* runs recorded */
  uint64_t distinct[XP_CLASS_SHARES], once[XP_CLASS_SHARES], twice[XP_CLASS_SHARES];
};

void xp_classes_free(struct xp_classes *c);
void xp_classes_add(struct xp_classes *c, uint64_t hash, uint32_t share);
/* from has so many shares, number k of which is number to[k] of `into`. */
void xp_classes_merge(struct xp_classes *into, const struct xp_classes *from, const uint32_t *to,
                      uint32_t shares);

#endif

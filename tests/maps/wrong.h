/* Designs that are wrong in one way each, made of right ones: what the tests of maps/kind.h must
 * notice. */
#ifndef TESTS_MAPS_WRONG_H
#define TESTS_MAPS_WRONG_H

#include "maps/kind.h"

/* What replaces the operations of a right design; NULL: nothing. */
struct wrong {
  const char *name;
  const char *base; /* of this design; NULL: of any */
  struct map_kind as;
};

extern const struct wrong wrong_ways[];    /* seen by one goroutine; ended by a NULL name */
extern const struct wrong wrong_ending;    /* and by who ends an iteration */
extern const struct wrong wrong_trees;     /* and once a chain is long */
extern const struct wrong wrong_writers[]; /* seen by goroutines that write beside each other */
extern const struct wrong wrong_readers[]; /* and by such that only read */

/* The wrong design; one at a time in a process. */
struct map_kind wrong_make(const struct wrong *w, const struct map_kind *base);

#endif

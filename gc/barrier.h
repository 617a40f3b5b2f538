/* Write barriers as facts. The collector asks the facts, never the name (F4, F8.7).
 *
 * New objects are black during marking and stores into globals take the barrier with every row.
 */
#ifndef GC_BARRIER_H
#define GC_BARRIER_H

#include <stdbool.h>

struct gc_barrier {
  const char *name;
  const char *doc;           /* one sentence for reports */
  bool shade_old;            /* a store shades the value it overwrites */
  bool shade_new;            /* a store shades the value it writes */
  bool new_until_roots_done; /* shade_new only until every root job of the cycle is done */
  bool stacks_at_start_stw;  /* all stacks are scanned in the first stop, before the program runs */
  bool needs_stop;           /* sound only while the world is stopped (GC_MODE_STW) */
  bool rescan_stacks;        /* all stacks are scanned again, and marking ended, in the last stop */
};

extern const struct gc_barrier gc_barriers[]; /* ends with a row whose name is NULL */
const struct gc_barrier *gc_barrier_find(const char *name); /* NULL: no such row */

#endif

/* Looking at a run closely: its happens-before class and what it covered. */
#ifndef SIMS_EXPLORE_OBSERVE_H
#define SIMS_EXPLORE_OBSERVE_H

#include "sims/explore/objects.h"
#include "sims/explore/search.h"

/* What a run knows of an object. */
struct xp_seen {
  uint64_t run;          /* the rest is of that run */
  uint64_t writer;       /* identity of the last write; 0: none */
  uint32_t writer_site, writer_thread;
  uint32_t reader_site, reader_thread; /* of the last read since then; thread UINT32_MAX: none */
};

/* Zeroed before its first use, but config and coverage, which are the search's. */
struct xp_observer {
  const struct xp_config *config;
  struct xp_coverage *coverage;
  uint64_t run;          /* number of the run under way, from 1 */
  uint64_t hash;         /* of the class so far */
  uint64_t threads;      /* bit by thread number mod 64 */
  struct xp_objects objects;
  struct xp_seen *seen;  /* by object */
  uint32_t room, count;
  uint32_t *steps;       /* by thread: accesses so far in this run */
  uint64_t *steps_run;
  uint32_t steps_room;
};
void xp_observer_free(struct xp_observer *o);
void xp_observer_begin(struct xp_observer *o);
/* The operation is about to be executed. */
void xp_observer_see(struct xp_observer *o, const struct plat_model_op *op);

void xp_coverage_open(struct xp_coverage *c);
void xp_coverage_free(struct xp_coverage *c);
void xp_coverage_merge(struct xp_coverage *into, const struct xp_coverage *from);

#endif

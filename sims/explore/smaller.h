/* A smaller scenario with the same bug. Each one that is thought of (shrink.h) is searched in a
 * process of its own, so that the prepared world stays as it is. */
#ifndef SIMS_EXPLORE_SMALLER_H
#define SIMS_EXPLORE_SMALLER_H

#include "sims/engine.h"
#include "sims/explore/minimise.h"
#include "sims/explore/shrink.h"

/* Operations and goroutines of a scenario; of a loop that goes by time, about. */
double xp_size(const struct scenario *sc);
/* Whether it is large enough to be hard to follow: a scenario of a few operations is shown as its
 * author wrote it. */
bool xp_is_large(const struct scenario *sc);

/* sc: the prepared scenario; bug: what a run of it has shown. c: with which that was found, with
 * its classes, points, seed and step_max; stop is asked meanwhile. Takes at most budget_ns of wall
 * time. out: zeroed; its scenario is NULL unless one was found that is a good deal smaller: in the
 * world of it xp_find_again, with the points of c, finds *bug as it then is. */
void xp_smaller(struct engine *e, const struct scenario *sc, const struct xp_config *c,
                struct xp_bug *bug, uint64_t budget_ns, struct xp_shrunk *out);

#endif

/* One search by several processes, each with its own copy of the prepared world. */
#ifndef SIMS_EXPLORE_JOBS_H
#define SIMS_EXPLORE_JOBS_H

#include "sims/explore/search.h"

/* xp_search by `jobs` processes (1: by this one), their reports put together: what is found does
 * not depend on their number. tick is called several times a second by the calling process with
 * the time since the start, in nanoseconds; true asks the search to end. A process that dies leaves
 * its part missing (lost_parts). False: the strategy is not known. */
bool xp_jobs_search(const struct xp_config *c, uint32_t jobs, bool (*tick)(uint64_t, void *),
                    void *arg, struct xp_report *out);

#endif

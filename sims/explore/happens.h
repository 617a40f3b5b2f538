/* Plain-data races: two accesses of the same bytes by different threads, at least one a write and
 * at least one plain, with neither before the other by what orders threads: release stores and the
 * acquire loads that read them, locks, notes, starts and ends of threads, sequential fences. A
 * relaxed operation orders nothing. What orders is taken from the names of the operations, so the
 * check is of the order that the source asks for, not of the one a sequentially consistent run has.
 *
 * Which access is plain is a rule: every operation of at_* and every plat_slot_* is atomic, as the
 * platform makes them natively; plat_ld, plat_st and plat_touch_* are the program's plain data; and
 * so is whatever else the core reads and writes in memory of the world, where it is compiled to
 * tell (xp_happens_plain). A compare-and-swap counts as one that succeeds. */
#ifndef SIMS_EXPLORE_HAPPENS_H
#define SIMS_EXPLORE_HAPPENS_H

#include "plat_model.h"

struct xp_happens;

/* is_free: the program's plain data may race (a map with allow_races); other data may not. actor:
 * the name of who runs on a thread, by its plat_self; stays readable. It, or what it returns, is
 * NULL: the thread's name. */
struct xp_happens *xp_happens_new(bool is_free, const char *(*actor)(const void *self));
void xp_happens_free(struct xp_happens *h);
/* Before a run from the mark on. */
void xp_happens_begin(struct xp_happens *h);
/* Around what a hook does beside: it may call functions of the core, which would tell of their own
 * accesses. */
void xp_happens_ignore(struct xp_happens *h, bool ignores);
/* From the execute hook. A race ends the run: PLAT_MODEL_FAILED, RT_END_VIOLATION. */
void xp_happens_see(struct xp_happens *h, const struct plat_model_op *op);
/* From the plain hook. */
void xp_happens_plain(struct xp_happens *h, const struct plat_model_plain *a);

#endif

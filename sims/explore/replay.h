/* Running a schedule again.
 *
 * loose   a directive that cannot be followed is passed over: for the minimiser, which asks only
 *         whether the run still fails.
 * strict  the run is given up at the first decision that is not what the directive expects, and
 *         says what was expected and what was found.
 *
 * xp_replay is the whole of it for a person: strict, or, with drift, looking for where the
 * operations of its directives are now.
 */
#ifndef SIMS_EXPLORE_REPLAY_H
#define SIMS_EXPLORE_REPLAY_H

#include "sims/explore/schedule.h"

/* A chooser that follows a schedule. It watches and answers; what an owner adds to the end of the
 * struct is the owner's. */
struct xp_follower {
  struct xp_chooser base;
  const struct xp_schedule *schedule;
  bool is_strict;
  bool has_failed;               /* strict: given up, and error says why */
  bool is_preemption;            /* of the last decision */
  bool is_switch;                /* the last decision was not for the thread that ran */
  uint32_t last;                 /* thread that ran up to here */
  uint32_t followed;             /* directives met and obeyed */
  uint32_t *next;                /* by thread: its first directive not yet passed */
  uint32_t *count;               /* by thread: decisions with it as last */
  uint32_t threads;              /* room of the two */
  char error[XP_ERROR_TEXT];
};

extern const struct xp_strategy xp_replay_strategy; /* "replay": not to be opened by name */

/* f is zeroed and lives until xp_follower_close; the schedule likewise. */
void xp_follower_open(struct xp_follower *f, const struct xp_schedule *s, bool is_strict);
void xp_follower_close(struct xp_follower *f);
/* What the strategy's functions do; for choosers that begin with a follower. */
void xp_follower_begin(struct xp_follower *f);
uint32_t xp_follower_choose(struct xp_follower *f, const struct plat_model_point *p);
/* Strict: directives that the run never came to are an error too. */
void xp_follower_end(struct xp_follower *f, const struct xp_run *r);

/* One loose run of the prepared world. */
void xp_run_schedule(const struct xp_schedule *s, const struct xp_config *c, struct xp_run *r);

struct xp_replayed {
  bool fits;                     /* every directive was followed */
  char error[XP_ERROR_TEXT];     /* strict: what was expected and what was found, "" if it fitted */
  uint32_t placed;               /* drift: directives found, at best */
  uint32_t moved;                /* drift: of them, those that were found elsewhere */
  char note[XP_ERROR_TEXT];      /* drift: which, or how far it went; "": nothing has moved */
  uint64_t runs;                 /* executed to find out */
};
/* Runs s. With drift, what does not fit, or in another build does not fail, is looked for where the
 * same thread is about to do the same; *s becomes what was run, its build this one. bug: a run
 * that fails otherwise is not it; NULL: any failure will do. r holds the last run, which without
 * fits is the one that got furthest. */
void xp_replay(struct xp_schedule *s, bool drift, const struct plat_model_outcome *bug,
               const struct xp_config *c, struct xp_run *r, struct xp_replayed *out);

#endif

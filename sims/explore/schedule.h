/* A run as what was decided against the default policy, and its two forms outside the program: the
 * token, one line to copy, and the schedule file.
 *
 *   tri1:<scenario>:<build>:<choices>:<directives>:<check>
 *   tri1:7f3a91c2:b10c44de:c=0.2.1:t0.0>t3;t3.10@lock(safe[0])>t1:5e1c
 *
 * scenario, build   8 hex digits: what is run, and the table of sites of the engine that wrote it
 * choices           c= and the data choices, or -
 * directives        tT.N@OP>tU, or -: at the decision number N of those with thread T as the one
 *                   that ran up to there, when T is about to do OP, thread U goes on; tT.N>tU where
 *                   T has ended or is blocked
 * check             CRC-16 of all before it
 *
 * Everything else follows the default policy (explore.h). Counting per thread keeps a token good
 * when code of other threads changes; OP shows when it is not good any more.
 */
#ifndef SIMS_EXPLORE_SCHEDULE_H
#define SIMS_EXPLORE_SCHEDULE_H

#include "sims/explore/explore.h"

enum { XP_OP_TEXT = 48, XP_ERROR_TEXT = 400 };
#define XP_NOT_KNOWN UINT32_MAX

struct xp_directive {
  uint32_t thread;      /* that ran up to here */
  uint32_t nth;         /* decisions with it as last before this one */
  uint32_t nth_alike;   /* the same, of those where it was about to do op; or XP_NOT_KNOWN */
  uint32_t to;          /* goes on */
  char op[XP_OP_TEXT];  /* xp_op_text of what thread is about to do; "": it cannot go on */
};

/* Owns its arrays. Zeroed: the default schedule. */
struct xp_schedule {
  uint32_t scenario;    /* scenario_key, or 0 */
  uint32_t build;       /* xp_build_key */
  uint32_t *choices;
  uint32_t choice_count, choice_room;
  struct xp_directive *directives; /* in the order in which they are met */
  uint32_t count, room;
};
void xp_schedule_free(struct xp_schedule *s);
void xp_schedule_copy(struct xp_schedule *to, const struct xp_schedule *from);
void xp_schedule_add(struct xp_schedule *s, const struct xp_directive *d);
void xp_schedule_add_choice(struct xp_schedule *s, uint32_t choice);
/* Replaces the directives by those of a finished run; the rest of *s stays. */
void xp_schedule_take_run(struct xp_schedule *s, const struct xp_run *r);
/* Fills in nth_alike, which a token does not have and a file does: it stays what it is when other
 * operations come and go. r: the run of s. */
void xp_schedule_count_alike(struct xp_schedule *s, const struct xp_run *r);
/* Whether the thread that ran up to a decision is d's, about to do what d says. */
bool xp_directive_is_at(const struct xp_directive *d, const struct xp_decision *at);

/* What stands at a site, without the marks of order and type: "lock(safe[i])", "load(p.attention)".
 * Only letters that a token may hold. */
void xp_op_text(const struct plat_site *site, char *out, size_t bytes);

/* A hash of file, line and text of all sites of this executable: the same for one source, whatever
 * compiled it, but for sites that some compiler leaves out because they are never reached. */
uint32_t xp_build_key(void);

/* ---- tokens ---------------------------------------------------------------------------------- */

char *xp_token_format(const struct xp_schedule *s); /* the caller frees it */
/* Fills the zeroed *out. False: error says what is wrong and at which column; *out is zeroed. */
bool xp_token_parse(const char *text, struct xp_schedule *out, char error[XP_ERROR_TEXT]);

#endif

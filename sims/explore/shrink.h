/* Looks for the smallest scenario that still shows something. What shows it is the caller's to say;
 * here is only what is tried, in which order: the biggest win first, ever smaller pieces of it, and
 * all again until nothing more can go. */
#ifndef SIMS_EXPLORE_SHRINK_H
#define SIMS_EXPLORE_SHRINK_H

#include <stdbool.h>
#include <stdint.h>

enum xp_trial {
  XP_TRIAL_REFUSED,    /* it is no scenario */
  XP_TRIAL_SHOWS_NOT,  /* as far as was looked */
  XP_TRIAL_SHOWS,
  XP_TRIAL_OVER        /* there is no time for it any more */
};

enum { XP_EFFORTS = 3 };

struct xp_shrink {
  /* Tries a scenario, told as JSON, with an effort below XP_EFFORTS: what is easy to show is found
   * with little, so all is tried with the least first. It shows: *steps is how long the run was. */
  enum xp_trial (*trial)(const char *json, uint32_t effort, uint64_t *steps, void *arg);
  void *arg;
};

/* Owns its texts; zeroed: nothing was tried. */
struct xp_shrunk {
  char *scenario;      /* the smallest, as JSON; NULL: none was found */
  char **line;         /* what it does not have any more, a line each */
  uint32_t lines;
  uint32_t tried;      /* scenarios that were tried, */
  uint32_t accepted;   /* and of them those that showed it */
  bool is_smallest;    /* nothing that was thought of is left; false: there was no time any more, */
  bool is_asked;       /* because it was asked to end; the caller's */
  uint64_t ns;         /* wall time of it all; the caller's */
};
void xp_shrunk_free(struct xp_shrunk *s);
/* The scenario is not taken: only what was tried stays known. */
void xp_shrunk_refuse(struct xp_shrunk *s);

/* json: a scenario that shows it, in a run of so many steps. out: zeroed. */
void xp_shrink(const char *json, uint64_t steps, const struct xp_shrink *s, struct xp_shrunk *out);

#endif

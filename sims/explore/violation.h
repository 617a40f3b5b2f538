/* A failing schedule as people and programs get it: minimised, kept in a file, told. */
#ifndef SIMS_EXPLORE_VIOLATION_H
#define SIMS_EXPLORE_VIOLATION_H

#include <cjson/cJSON.h>

#include "sims/explore/minimise.h"
#include "sims/explore/shrink.h"
#include "sims/explore/trace.h"

/* How a violation came about and what is to be done with it. Texts live as long as the call. */
struct xp_finding {
  const char *kind;            /* what the engine calls it: "violation", "deadlock" */
  const char *strategy;        /* that found it */
  uint64_t found_at;           /* number of the schedule, from 1 */
  const char *name;            /* of the scenario; begins the file's name */
  const char *scenario;        /* its text; the file keeps it */
  const char *directory;       /* where the file goes; NULL: no file */
  const struct xp_config *search;
  const struct xp_minimise_config *minimise; /* NULL: the run is told as it is (a replay) */
  const struct xp_shrunk *shrunk; /* with minimise: how the scenario became what it is */
  struct xp_names *names;
  /* Which settings take the violation away, a line each ("gc.barrier=hybrid: 0 of 353 schedules
   * fail"). so_far: the violation without them. Leaves the world it found prepared. May be NULL. */
  void (*remedies)(struct xp_lines *out, const cJSON *so_far, void *arg);
  void *remedies_arg;
};

/* Minimises *s, records its run, writes the file, and returns the document's "violation" object:
 * kind, message, strategy, found_at_schedule, token, file (null: none, or not written), choices,
 * steps, shown, preemptions, least_preemptions, least_is_proven, switches, trace_hash, minimise
 * {replays, ns, from_preemptions, is_one_minimal, shrunk [what the scenario of token and file lacks
 * beside the one explored, a line each; none: it is that], shrink {tried, accepted, ns, ended_by:
 * "itself", "request", "time"} (null: not tried)}, watched, columns, rows [{step, actor (index of a
 * column), text, preempted, colours}], why, remedies. The caller owns it. r: a failing run of the
 * prepared world; s: its scenario, build and choices (without minimise the directives too). *t:
 * zeroed; becomes the recorded trace. NULL: the run did not fail again in the same way. */
cJSON *xp_violation(struct xp_schedule *s, struct xp_run *r, const struct xp_finding *f,
                    struct xp_trace *t);

/* ---- schedule files -------------------------------------------------------------------------- */

/* What a schedule file says. Owns its texts. */
struct xp_file {
  struct xp_schedule schedule;
  char *scenario, *name, *token;
  struct plat_model_outcome outcome; /* of the failing run: end, kind, message, points, hash */
  uint8_t *point_sites;        /* by site, as in xp_config; NULL: everywhere */
  uint32_t sites_lost;         /* points that this build does not have, */
  char *lost_site;             /* and one of them; NULL: none */
  uint64_t *hashes;            /* after every 16 points */
  uint32_t hash_count;
};
/* False: error says what is wrong with it. */
bool xp_file_read(const char *path, struct xp_file *out, char error[XP_ERROR_TEXT]);
void xp_file_free(struct xp_file *f);
/* The first 16 points in which a replay in the build of the file was not what it says, from 0;
 * UINT32_MAX: none. */
uint32_t xp_file_first_difference(const struct xp_file *f, const struct xp_trace *t);
/* Writes the file as a whole or not at all, under a temporary name first. NULL: not written, and
 * error says why; otherwise its path, which the caller frees. */
char *xp_file_write(const struct xp_schedule *s, const struct xp_finding *f,
                    const struct xp_minimised *m, const struct xp_trace *t,
                    char error[XP_ERROR_TEXT]);

#endif

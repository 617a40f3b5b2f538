/* The litmus programs by name, for the scenario loader and the front end: needs nothing of the
 * runtime. sims/litmus/litmus.h runs them. */
#ifndef SIMS_LITMUS_NAMES_H
#define SIMS_LITMUS_NAMES_H

#include <stdbool.h>
#include <stdint.h>

#include "sims/choices.h"

enum litmus_program {
  LITMUS_MARK_1,
  LITMUS_MARK_2,
  LITMUS_MARK_3,
  LITMUS_CL20858,
  LITMUS_ISSUE16083,
  LITMUS_MARKTERM,
  LITMUS_MAXTREE,
  LITMUS_RESCAN,
  LITMUS_RWMUTEX,
  LITMUS_YUASA
};
enum { LITMUS_PROGRAMS = LITMUS_YUASA + 1 };

/* Variants, in the order of the tables in names.c. */
enum { LITMUS_BARRIER_NONE, LITMUS_BARRIER_NEW, LITMUS_BARRIER_OLD, LITMUS_BARRIER_UNTIL_BLACK,
       LITMUS_BARRIER_BOTH };
enum { LITMUS_RUNQ_OLD, LITMUS_RUNQ_REORDERED, LITMUS_RUNQ_FIXED };
enum { LITMUS_ROOTS_AS_IS, LITMUS_ROOTS_NO_RECHECK, LITMUS_ROOTS_EARLY_LEAVE };
enum { LITMUS_TERM_STALE, LITMUS_TERM_REREAD, LITMUS_TERM_FIXED };
enum { LITMUS_TREE_AS_IS, LITMUS_TREE_NO_REREAD };
enum { LITMUS_RESCAN_SHADE, LITMUS_RESCAN_NONE, LITMUS_RESCAN_RESET };
enum { LITMUS_RW_OLD_ORDER, LITMUS_RW_FIXED };
/* yuasa: barrier times 4, plus these. */
enum { LITMUS_YUASA_NONE, LITMUS_YUASA_OLD, LITMUS_YUASA_NEW, LITMUS_YUASA_BOTH,
       LITMUS_YUASA_UNTIL_SCANNED };
enum { LITMUS_YUASA_RESCAN = 1, LITMUS_YUASA_STACKS_FIRST = 2, LITMUS_YUASA_WAYS = 4 };

struct litmus_facts {
  const struct sim_choice *variants;
  uint32_t violating;   /* bit v: some schedule of variant v breaks the property, with some heap */
  uint64_t heaps;       /* initial heaps to choose from, by number; 0: there is one */
  uint64_t actions;     /* programs of the threads to choose from, by number; 0: there is one */
};
extern const struct litmus_facts litmus_facts[LITMUS_PROGRAMS];
extern const struct sim_choice litmus_words[]; /* their names; NULL-ended */

#endif

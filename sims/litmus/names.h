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
/* yuasa: a barrier times LITMUS_YUASA_WAYS, plus some of the ways. */
enum { LITMUS_YUASA_NONE, LITMUS_YUASA_OLD, LITMUS_YUASA_NEW, LITMUS_YUASA_BOTH,
       LITMUS_YUASA_UNTIL_SCANNED };
enum { LITMUS_YUASA_RESCAN = 1, LITMUS_YUASA_STACKS_FIRST = 2, LITMUS_YUASA_WAYS = 4 };

/* Which program, and what is chosen before it starts. */
struct litmus_case {
  enum litmus_program program;
  uint32_t variant;       /* index into litmus_facts[program].variants */
  uint64_t heap, actions; /* below litmus_facts[program].heaps and .actions; 0 where those are */
};

struct litmus_facts {
  const struct sim_choice *variants;
  uint32_t violating;   /* bit v: some schedule of variant v breaks the property, with some heap */
  uint64_t heaps;       /* initial heaps to choose from, by number; 0: there is one */
  uint64_t actions;     /* what the threads do, by number; 0: there is one program */
};
extern const struct sim_choice litmus_barriers[], litmus_runq_orders[], litmus_root_counts[],
    litmus_termination_rules[], litmus_tree_rules[], litmus_publish_rules[], litmus_rw_orders[],
    litmus_yuasa_ways[];
extern const struct litmus_facts litmus_facts[LITMUS_PROGRAMS];
extern const struct sim_choice litmus_words[]; /* their names; NULL-ended */

enum {
  LITMUS_RESCAN_HEAPS = 6561,     /* 3^8 */
  LITMUS_RESCAN_ACTIONS = 4096,   /* 8^4 */
  LITMUS_YUASA_HEAPS = 244140625  /* 5^12 */
};
#define LITMUS_YUASA_ACTIONS UINT64_C(426413445120) /* (13 * 12)^4 * 6! */

#endif

/* Litmus programs: small concurrent programs with a property, on the platform alone, without heap
 * and scheduler. Each is a few threads whose every shared access is one visible operation of
 * runtime/plat.h; plain data is under a lock. They serve as an oracle for searching schedules.
 *
 * A run allocates nothing, and all its state is PLAT_STATE.
 */
#ifndef SIMS_LITMUS_LITMUS_H
#define SIMS_LITMUS_LITMUS_H

#include "sims/litmus/names.h"

enum { LITMUS_THREADS_MAX = 4 };

/* One program. */
struct litmus {
  uint32_t threads;
  const char *names[LITMUS_THREADS_MAX]; /* of the threads */
  /* By the starting thread, before the others exist. */
  void (*setup)(const struct litmus_case *c);
  /* The body of thread number index. */
  void (*thread)(uint32_t index);
  /* By the starting thread, after the others have ended: what was violated, or NULL. Static text,
   * or in the program's state. */
  const char *(*check)(void);
};
extern const struct litmus *const litmus_programs[LITMUS_PROGRAMS];

/* Runs one case on threads of its own; what it violated, or NULL. Inside plat_main; one at a time.
 * A variant may also make the threads wait for each other for ever: the model then ends the run as
 * a deadlock. All threads are started before the first is joined. */
const char *litmus_run(const struct litmus_case *c);

/* False: there is no such program, or it has no such variant. */
bool litmus_find(const char *program, const char *variant, struct litmus_case *out);

/* ---- the programs, one file per kind --------------------------------------------------------- */

extern const struct litmus litmus_marking_1, litmus_marking_2, litmus_marking_3; /* marking.c */
extern const struct litmus litmus_cl20858, litmus_issue16083, litmus_markterm;   /* queues.c */
extern const struct litmus litmus_maxtree, litmus_rwmutex;                       /* locks.c */
extern const struct litmus litmus_rescan, litmus_yuasa;                          /* stacks.c */

#endif

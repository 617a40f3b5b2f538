/* Litmus programs: small concurrent programs with a property, on the platform alone, without heap
 * and scheduler. Each is a few threads whose every shared access is one visible operation of
 * runtime/plat.h; plain data is under a lock. They serve as an oracle for searching schedules.
 *
 * A run allocates nothing, and all its state is PLAT_STATE.
 */
#ifndef SIMS_LITMUS_LITMUS_H
#define SIMS_LITMUS_LITMUS_H

#include <stddef.h>

#include "sims/litmus/names.h"

enum { LITMUS_THREADS_MAX = 4 };

enum { LITMUS_WATCHED_MAX = 8 };

/* What a program's variables mean, for telling a run. Asked between operations; reads memory as it
 * lies. Texts are cut to bytes. */
struct litmus_view {
  const char *watched[LITMUS_WATCHED_MAX]; /* objects and stacks with a colour; NULL-ended */
  /* The variable at an address, and what a word there stands for. False: nothing special. */
  bool (*name)(const void *address, char *out, size_t bytes);
  bool (*value)(const void *address, uint64_t word, char *out, size_t bytes);
  char (*colour)(uint32_t watched); /* W white, G grey, B black */
  bool (*is_marking)(void);
  bool (*is_broken)(void); /* the violation has been found */
  /* After a violation: the object that is lost, and how it is reached. False: none is. */
  bool (*lost)(uint32_t *watched, char *path, size_t bytes);
  /* Why the variant does not shade the value that a store overwrites, or writes; NULL: it does. */
  const char *(*unshaded)(bool overwritten);
};

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
  const struct litmus_view *view; /* NULL: none */
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

/* Something tried in a process of its own: what it does to the world, a crash, a hang and the
 * memory it takes stay there. */
#ifndef SIMS_EXPLORE_ASIDE_H
#define SIMS_EXPLORE_ASIDE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct xp_aside {
  void (*body)(void *arg, void *answer); /* there; what it prints is lost */
  void *arg;
  void *answer;              /* zeroed there before body, and here what body made of it */
  size_t bytes;              /* of the answer: at most 4096 */
  uint64_t limit_ns;         /* wall time after which the process is killed */
  bool (*stop)(void *arg);   /* asked meanwhile; true ends it. May be NULL */
  void *stop_arg;
};
/* False: there is no answer: it crashed, ended, took too long, was stopped, or never began. */
bool xp_aside(const struct xp_aside *a);

#endif

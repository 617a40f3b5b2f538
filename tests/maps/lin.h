/* Linearizability of histories of a map (Herlihy and Wing): whether every operation can be given
 * one instant between its invocation and its response so that the results are those of a map used
 * by one at a time. Operations on different keys do not matter to each other, so each key's are
 * judged alone.
 */
#ifndef TESTS_MAPS_LIN_H
#define TESTS_MAPS_LIN_H

#include <stdbool.h>
#include <stdint.h>

enum lin_kind { LIN_GET, LIN_PUT, LIN_REMOVE };

/* One complete operation. */
struct lin_op {
  uint64_t invoked, returned; /* of one counter: no two equal, invoked < returned */
  uint64_t key, value;        /* put: what was put; get: what was found; never 0 */
  enum lin_kind kind;
  bool found;                 /* get, remove: the key was there */
};

struct lin_verdict {
  bool ok;
  uint64_t key;               /* !ok: a key whose operations have no order */
  struct lin_op stuck;        /* the response no order got past */
  uint64_t placed, count;     /* operations placed before it, and of that key in all */
};

/* Sorts ops by key and time. At first no key is there. */
struct lin_verdict lin_check(struct lin_op *ops, uint64_t count);

#endif

#include "sims/explore/access.h"

/* Threads are numbered, random numbers drawn, and deadlines passed in the order of operations. */
static const char thread_numbers, random_numbers, time_passing;

/* A thread as an object: its number. Its structure may serve another thread later. */
static const void *thread_object(uint32_t number) { return (const void *)(uintptr_t)(number + 1); }

struct xp_access xp_access_special(const struct plat_model_op *op) {
  const void *at = op->address;
  switch (op->kind) {
    case PLAT_OP_TRY_LOCK: {
      const struct plat_mutex *m = at;
      return (struct xp_access){at, m->owner == NULL ? XP_ACCESS_TRY : XP_ACCESS_TRY_FAIL, 0};
    }
    case PLAT_OP_WAIT:
      return (struct xp_access){at, XP_ACCESS_WAIT, 0};
    case PLAT_OP_WAIT_UNTIL: {
      const struct plat_note *n = at;
      return (struct xp_access){at, n->token ? XP_ACCESS_WAIT : XP_ACCESS_TIMEOUT, 0};
    }
    case PLAT_OP_WAKE: {
      const struct plat_note *n = at;
      return (struct xp_access){at, n->token ? XP_ACCESS_WRITE : XP_ACCESS_WAKE, 0};
    }
    case PLAT_OP_CLEAR:
      return (struct xp_access){at, XP_ACCESS_WRITE, 0};
    case PLAT_OP_THREAD_START:
      return (struct xp_access){&thread_numbers, XP_ACCESS_WRITE, 0};
    case PLAT_OP_THREAD_END:
      return (struct xp_access){thread_object(op->thread), XP_ACCESS_WRITE, 0};
    case PLAT_OP_JOIN:
      return (struct xp_access){thread_object(plat_model_thread_number(at)), XP_ACCESS_JOIN, 0};
    case PLAT_OP_SLEEP:
      return (struct xp_access){&time_passing, XP_ACCESS_TIMEOUT, 0};
    case PLAT_OP_RANDOM:
      return (struct xp_access){&random_numbers, XP_ACCESS_WRITE, 0};
    default:
      return (struct xp_access){NULL, XP_ACCESS_NONE, 0};
  }
}

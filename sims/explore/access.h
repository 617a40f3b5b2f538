/* What an operation does to which object, as far as another thread can tell: the dependency
 * relation of the whole explorer. Two operations of different threads are independent if they
 * touch no common byte, nor else the same object, or if both only read. */
#ifndef SIMS_EXPLORE_ACCESS_H
#define SIMS_EXPLORE_ACCESS_H

#include "explore.h"

enum xp_access_kind {
  XP_ACCESS_NONE,
  XP_ACCESS_READ,
  XP_ACCESS_TRY_FAIL, /* a try-lock that finds the mutex taken: reads it */
  XP_ACCESS_WRITE,    /* every kind from here on writes */
  XP_ACCESS_LOCK,
  XP_ACCESS_TRY,      /* a try-lock that succeeds */
  XP_ACCESS_UNLOCK,
  XP_ACCESS_BLOCK,    /* no operation: a thread begins to wait for a mutex between two points */
  XP_ACCESS_WAKE,     /* of a note without token: enables a wait */
  XP_ACCESS_WAIT,     /* takes a token that is there */
  XP_ACCESS_TIMEOUT,  /* happens only because nobody else could go on */
  XP_ACCESS_JOIN
};
enum { XP_ACCESS_KINDS = XP_ACCESS_JOIN + 1 };

struct xp_access {
  const void *object; /* to compare: an address (the world is put back at the same place), or a
                       * small number for what has none */
  enum xp_access_kind kind;
  uint32_t bytes;     /* of memory from there; 0: the object is none that could overlap others */
};

static inline bool xp_access_writes(enum xp_access_kind k) { return k >= XP_ACCESS_WRITE; }

/* From the execute hook: the operation has not happened yet. */
struct xp_access xp_access_special(const struct plat_model_op *op);

static inline struct xp_access xp_access_of(const struct plat_model_op *op) {
  switch (op->kind) {
    case PLAT_OP_LOAD:
    case PLAT_OP_SLOT_LOAD:
    case PLAT_OP_PLAIN_LOAD:
      return (struct xp_access){op->address, XP_ACCESS_READ, plat_model_op_bytes(op)};
    case PLAT_OP_STORE:
    case PLAT_OP_SLOT_STORE:
    case PLAT_OP_PLAIN_STORE:
    case PLAT_OP_RMW:
      return (struct xp_access){op->address, XP_ACCESS_WRITE, plat_model_op_bytes(op)};
    case PLAT_OP_LOCK:
      return (struct xp_access){op->address, XP_ACCESS_LOCK, 0};
    case PLAT_OP_UNLOCK:
      return (struct xp_access){op->address, XP_ACCESS_UNLOCK, 0};
    default:
      return xp_access_special(op);
  }
}

/* They share a byte, or the address of what is no memory. */
static inline bool xp_ops_meet(const struct plat_model_op *a, const struct plat_model_op *b) {
  uintptr_t x = (uintptr_t)a->address, y = (uintptr_t)b->address;
  uint64_t apart = x < y ? y - x : x - y;
  return x != 0 && y != 0 && (apart == 0 || apart < plat_model_op_bytes(x < y ? a : b));
}

/* Of two announced operations. */
static inline bool xp_ops_conflict(const struct plat_model_op *a, const struct plat_model_op *b) {
  if (!xp_ops_meet(a, b)) return false;
  return xp_access_of(a).kind != XP_ACCESS_READ || xp_access_of(b).kind != XP_ACCESS_READ;
}

#endif

/* Switching stacks: the machine part of a goroutine (both platforms) and of a model thread.
 *
 * A context is either running or suspended at a ctx_switch, with its callee-saved registers on its
 * own stack. The floating-point control words are not switched: nobody changes them.
 * Contexts may be resumed on another operating-system thread than the one they were left on.
 */
#ifndef RUNTIME_CTX_H
#define RUNTIME_CTX_H

#include <stddef.h>

#include "san.h"

struct ctx {
  void *sp;         /* while suspended: lowest live address of its stack; first, for the assembly */
  void *stack_low;  /* NULL: the thread's own stack, of unknown bounds */
  size_t stack_bytes;
  void (*fn)(void *);
  void *arg;
  struct san_ctx san;
};

enum { CTX_STACK_MIN = 4096 * SAN_STACK_FACTOR };

/* Makes *c a suspended context that will call fn(arg) on the given stack (16-byte aligned, at least
 * CTX_STACK_MIN bytes). fn must end by ctx_switch_last, never by returning. */
void ctx_init(struct ctx *c, void *stack_low, size_t bytes, void (*fn)(void *), void *arg);

/* Makes *c stand for what the calling thread is running now, so that it can be left. */
void ctx_from_thread(struct ctx *c);

/* Releases what a sanitizer keeps about a context that is not running and will not run again.
 * After it, or after ctx_switch_last and it, the context and its stack may be reused. */
void ctx_finish(struct ctx *c);

/* Bounds of what a suspended context may still reference on its stack: [*low, *high). Its saved
 * registers lie inside. Both NULL for a context made by ctx_from_thread. */
static inline void ctx_stack_bounds(const struct ctx *c, void **low, void **high) {
  *low = c->stack_low == NULL ? NULL : c->sp;
  *high = c->stack_low == NULL ? NULL : (char *)c->stack_low + c->stack_bytes;
}

/* Saves the running context in *from and resumes *to; returns the context that came back here,
 * NULL if that one used ctx_swap_last. Only for the two functions below. */
struct ctx *ctx_swap(struct ctx *from, struct ctx *to);
struct ctx *ctx_swap_last(struct ctx *from, struct ctx *to);

/* Leaves the running context *from, which some later ctx_switch to it continues, for *to. */
static inline void ctx_switch(struct ctx *from, struct ctx *to) {
  san_switch_begin(&from->san, &to->san);
  struct ctx *prev = ctx_swap(from, to);
  san_switch_end(&from->san, prev == NULL ? NULL : &prev->san);
}

/* Leaves the running context for ever. */
_Noreturn static inline void ctx_switch_last(struct ctx *from, struct ctx *to) {
  san_switch_begin_last(&from->san, &to->san);
  ctx_swap_last(from, to);
  __builtin_unreachable();
}

#endif

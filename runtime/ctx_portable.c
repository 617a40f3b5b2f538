/* Context switch on ucontext, for machines without a variant of their own. Slow: each switch is
 * two system calls for the signal mask.
 *
 * The saved registers lie in a ucontext_t in ctx_swap's frame on the suspended stack, so that
 * ctx_stack_bounds covers them; everything the caller still needs is above it or in it.
 */
#include <stdint.h>
#include <ucontext.h>

#include "runtime/check.h"
#include "runtime/ctx_int.h"

struct saved {
  ucontext_t registers;
  struct ctx *prev; /* written by whoever resumes this */
};

/* makecontext passes ints only. */
static void enter(unsigned high, unsigned low) {
  struct ctx *self = (struct ctx *)((uintptr_t)high << 16 << 16 | low);
  const struct saved *s = self->sp;
  ctx_run(self, s->prev);
}

void *ctx_prepare(struct ctx *c, char *top) {
  size_t bytes = (sizeof(struct saved) + 63) / 64 * 64;
  struct saved *s = (struct saved *)(void *)(top - bytes);
  rt_assert(getcontext(&s->registers) == 0);
  s->registers.uc_stack.ss_sp = c->stack_low;
  s->registers.uc_stack.ss_size = c->stack_bytes - bytes;
  s->registers.uc_link = NULL;
  s->prev = NULL;
  uintptr_t self = (uintptr_t)c;
  makecontext(&s->registers, (void (*)(void))(uintptr_t)enter, 2, (unsigned)(self >> 16 >> 16),
              (unsigned)self);
  return s;
}

__attribute__((noinline)) struct ctx *ctx_swap(struct ctx *from, struct ctx *to) {
  struct saved here;
  struct saved *there = to->sp;
  here.prev = NULL;
  there->prev = from;
  from->sp = &here;
  rt_assert(swapcontext(&here.registers, &there->registers) == 0);
  return here.prev;
}

struct ctx *ctx_swap_last(struct ctx *from, struct ctx *to) {
  struct saved *there = to->sp;
  (void)from;
  there->prev = NULL;
  setcontext(&there->registers);
  rt_die("setcontext failed");
}

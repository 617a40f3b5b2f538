/* What the variants of the context switch share. */
#include "runtime/ctx_int.h"

#include <stdint.h>

#include "runtime/check.h"

void ctx_init(struct ctx *c, void *stack_low, size_t bytes, void (*fn)(void *), void *arg) {
  rt_assert((uintptr_t)stack_low % 16 == 0 && bytes % 16 == 0);
  rt_assert(bytes >= CTX_STACK_MIN);
  rt_assert(fn != NULL);
  c->stack_low = stack_low;
  c->stack_bytes = bytes;
  c->fn = fn;
  c->arg = arg;
  san_ctx_init(&c->san, stack_low, bytes);
  c->sp = ctx_prepare(c, (char *)stack_low + bytes);
}

void ctx_from_thread(struct ctx *c) {
  c->sp = NULL;
  c->stack_low = NULL;
  c->stack_bytes = 0;
  c->fn = NULL;
  c->arg = NULL;
  san_ctx_from_thread(&c->san);
}

void ctx_finish(struct ctx *c) {
  san_ctx_finish(&c->san);
  c->sp = NULL;
}

void ctx_run(struct ctx *self, struct ctx *prev) {
  san_switch_end(&self->san, prev == NULL ? NULL : &prev->san);
  self->fn(self->arg);
  rt_die("the function of a context returned");
}

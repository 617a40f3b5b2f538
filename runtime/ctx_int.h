/* Between ctx.c and the one variant that is linked: ctx_x86_64.S, ctx_aarch64.S, ctx_portable.c. */
#ifndef RUNTIME_CTX_INT_H
#define RUNTIME_CTX_INT_H

#include "runtime/ctx.h"

/* Lays out the stack below top so that the first switch to c calls ctx_run(c, context that was
 * left or NULL); returns the initial c->sp. */
void *ctx_prepare(struct ctx *c, char *top);

/* The first frame of a new stack. */
_Noreturn void ctx_run(struct ctx *self, struct ctx *prev);

#endif

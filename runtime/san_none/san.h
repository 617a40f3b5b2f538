/* Sanitizer hooks: none. One header per sanitizer, chosen by include path (meson: san_dir).
 *
 * struct san_ctx is what a suspended stack must remember for the sanitizer. san_switch_begin is
 * called just before leaving the running stack, san_switch_end as the first act after arriving;
 * prev is the stack that was left (NULL: it has ended and must not be touched). The struct is as
 * large in all of them, so that the model's cache lines are the same whatever is instrumented. */
#ifndef RUNTIME_SAN_H
#define RUNTIME_SAN_H

#include <stddef.h>
#include <string.h>

#define SAN_NAME "none"
enum { SAN_STACK_FACTOR = 1 }; /* how much more C stack the instrumented code needs */
enum { SAN_HAS_SHADOW = 0 };   /* san_poison does something */

struct san_ctx {
  void *unused[3];
};

static inline void san_ctx_init(struct san_ctx *s, void *stack_low, size_t bytes) {
  (void)s, (void)stack_low, (void)bytes;
}
static inline void san_ctx_from_thread(struct san_ctx *s) { (void)s; }
static inline void san_ctx_finish(struct san_ctx *s) { (void)s; }
static inline void san_switch_begin(struct san_ctx *from, struct san_ctx *to) {
  (void)from, (void)to;
}
static inline void san_switch_begin_last(struct san_ctx *from, struct san_ctx *to) {
  (void)from, (void)to;
}
static inline void san_switch_end(struct san_ctx *self, struct san_ctx *prev) {
  (void)self, (void)prev;
}

static inline void san_fence_seq(void) { __atomic_thread_fence(__ATOMIC_SEQ_CST); }
static inline void san_fence_release(void) { __atomic_thread_fence(__ATOMIC_RELEASE); }

/* memcpy of words that may hold poisoned bytes; bytes: a multiple of 8. */
static inline void san_copy(void *to, const void *from, size_t bytes) { memcpy(to, from, bytes); }
static inline void san_poison(const void *p, size_t bytes) { (void)p, (void)bytes; }
static inline void san_unpoison(const void *p, size_t bytes) { (void)p, (void)bytes; }

#endif

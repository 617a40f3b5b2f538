/* Sanitizer hooks: ThreadSanitizer (see san_none/san.h for the contract).
 * Each of our stacks is a TSan fiber. Switches synchronise: whatever ran before on a thread
 * happens before what runs next on it, exactly as for code on one stack. */
#ifndef RUNTIME_SAN_H
#define RUNTIME_SAN_H

#include <sanitizer/tsan_interface.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define SAN_NAME "thread"
enum { SAN_HAS_SHADOW = 0 };
enum { SAN_STACK_FACTOR = 4 };

struct san_ctx {
  void *fiber;
  void *unused[2];
};

static inline void san_ctx_init(struct san_ctx *s, void *stack_low, size_t bytes) {
  (void)stack_low, (void)bytes;
  s->fiber = __tsan_create_fiber(0);
}
static inline void san_ctx_from_thread(struct san_ctx *s) { s->fiber = NULL; }
static inline void san_ctx_finish(struct san_ctx *s) {
  if (s->fiber != NULL) __tsan_destroy_fiber(s->fiber);
  s->fiber = NULL;
}
/* Inlined even when nothing else is: TSan keeps a shadow call stack per fiber, and a function that
 * switched fibers would be entered on one and left on the other. */
#define SAN_INLINE static inline __attribute__((always_inline))

/* The current fiber is asked for, because in the model one context is suspended on whichever
 * goroutine's stack it happens to run. */
SAN_INLINE void san_switch_begin(struct san_ctx *from, struct san_ctx *to) {
  from->fiber = __tsan_get_current_fiber();
  __tsan_switch_to_fiber(to->fiber, 0);
}
SAN_INLINE void san_switch_begin_last(struct san_ctx *from, struct san_ctx *to) {
  san_switch_begin(from, to);
}
SAN_INLINE void san_switch_end(struct san_ctx *self, struct san_ctx *prev) {
  (void)self, (void)prev;
}

/* TSan does not know fences: a full fence becomes an exchange on one shared word, which orders at
 * least as much; a publication fence only keeps the compiler in order, because the pointer is
 * then published by a release store that TSan does see. */
extern uint32_t san_fence_word;
static inline void san_fence_seq(void) {
  __atomic_exchange_n(&san_fence_word, 1u, __ATOMIC_SEQ_CST);
}
static inline void san_fence_release(void) { __atomic_signal_fence(__ATOMIC_RELEASE); }

static inline void san_copy(void *to, const void *from, size_t bytes) { memcpy(to, from, bytes); }
static inline void san_poison(const void *p, size_t bytes) { (void)p, (void)bytes; }
static inline void san_unpoison(const void *p, size_t bytes) { (void)p, (void)bytes; }

#endif

/* Sanitizer hooks: AddressSanitizer (see san_none/san.h for the contract).
 * ASan must know the bounds of the stack it is about to run on; it tells us those of the stack
 * that was left, which is how a thread's own stack gets known. */
#ifndef RUNTIME_SAN_H
#define RUNTIME_SAN_H

#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#include <stddef.h>

#define SAN_NAME "address"
enum { SAN_HAS_SHADOW = 1 };
enum { SAN_STACK_FACTOR = 4 };

struct san_ctx {
  const void *bottom;
  size_t bytes;
  void *fake_stack;
};

static inline void san_ctx_init(struct san_ctx *s, void *stack_low, size_t bytes) {
  s->bottom = stack_low;
  s->bytes = bytes;
  s->fake_stack = NULL;
  __asan_unpoison_memory_region(stack_low, bytes); /* left-overs of frames that never returned */
}
static inline void san_ctx_from_thread(struct san_ctx *s) {
  s->bottom = NULL;
  s->bytes = 0;
  s->fake_stack = NULL;
}
static inline void san_ctx_finish(struct san_ctx *s) { s->fake_stack = NULL; }
static inline void san_switch_begin(struct san_ctx *from, struct san_ctx *to) {
  __sanitizer_start_switch_fiber(&from->fake_stack, to->bottom, to->bytes);
}
static inline void san_switch_begin_last(struct san_ctx *from, struct san_ctx *to) {
  (void)from;
  __sanitizer_start_switch_fiber(NULL, to->bottom, to->bytes);
}
static inline void san_switch_end(struct san_ctx *self, struct san_ctx *prev) {
  const void *bottom;
  size_t bytes;
  __sanitizer_finish_switch_fiber(self->fake_stack, &bottom, &bytes);
  if (prev != NULL) {
    prev->bottom = bottom;
    prev->bytes = bytes;
  }
}

static inline void san_fence_seq(void) { __atomic_thread_fence(__ATOMIC_SEQ_CST); }
static inline void san_fence_release(void) { __atomic_thread_fence(__ATOMIC_RELEASE); }

/* Not recognised as memcpy, whose replacement checks every byte. */
__attribute__((no_sanitize_address)) static inline void san_copy(void *to, const void *from,
                                                                 size_t bytes) {
  size_t *t = to;
  const size_t *f = from;
  for (size_t i = 0; i < bytes / sizeof *t; i++) {
    t[i] = f[i];
    __asm__ volatile("" ::: "memory");
  }
}
static inline void san_poison(const void *p, size_t bytes) {
  __asan_poison_memory_region(p, bytes);
}
static inline void san_unpoison(const void *p, size_t bytes) {
  __asan_unpoison_memory_region(p, bytes);
}

#endif

/* Accesses of memory that are not announced. In a core that is compiled with -fsanitize=thread the
 * compiler puts a call before each of them, and here is what it calls instead of ThreadSanitizer's
 * runtime. Only engines that check for races are made that way. */
#include <string.h>

#include "plat_model_int.h"

/* What the last announced operation of the thread covers is that operation's own access. */
static inline bool is_announced(const struct plat_model_op *op, const void *p, size_t bytes) {
  uintptr_t into = (uintptr_t)p - (uintptr_t)op->address;
  uint32_t covered = op->site == NULL ? 0 : plat_model_op_bytes(op);
  return into < covered && bytes <= covered - into;
}

static void access(const void *p, size_t bytes, bool writes, const void *place) {
  if (!model.choosing || model.running == &model.host) return;
  if (bytes == 0 || is_announced(&model.running->pending, p, bytes)) return;
  struct plat_model_plain a = {p, bytes, model.running->id, writes, place};
  model_tell_plain(&a);
}

#define PLACE __builtin_return_address(0)
/* The names are the compiler's. */
#define ACCESS(name, bytes, writes)        \
  void __tsan_##name(void *p);             \
  void __tsan_##name(void *p) { access(p, bytes, writes, PLACE); }
#define ACCESSES(bytes)                          \
  ACCESS(read##bytes, bytes, false)              \
  ACCESS(write##bytes, bytes, true)              \
  ACCESS(unaligned_read##bytes, bytes, false)    \
  ACCESS(unaligned_write##bytes, bytes, true)    \
  ACCESS(volatile_read##bytes, bytes, false)     \
  ACCESS(volatile_write##bytes, bytes, true)
ACCESSES(1)
ACCESSES(2)
ACCESSES(4)
ACCESSES(8)
ACCESSES(16)

void __tsan_init(void);
void __tsan_func_entry(void *caller);
void __tsan_func_exit(void);
void __tsan_read_range(void *p, size_t bytes);
void __tsan_write_range(void *p, size_t bytes);
void *__tsan_memset(void *p, int byte, size_t bytes);
void *__tsan_memcpy(void *to, const void *from, size_t bytes);
void *__tsan_memmove(void *to, const void *from, size_t bytes);

void __tsan_init(void) {}
void __tsan_func_entry(void *caller) { (void)caller; }
void __tsan_func_exit(void) {}
void __tsan_read_range(void *p, size_t bytes) { access(p, bytes, false, PLACE); }
void __tsan_write_range(void *p, size_t bytes) { access(p, bytes, true, PLACE); }

void *__tsan_memset(void *p, int byte, size_t bytes) {
  access(p, bytes, true, PLACE);
  return memset(p, byte, bytes);
}
void *__tsan_memcpy(void *to, const void *from, size_t bytes) {
  access(from, bytes, false, PLACE);
  access(to, bytes, true, PLACE);
  return memcpy(to, from, bytes);
}
void *__tsan_memmove(void *to, const void *from, size_t bytes) {
  access(from, bytes, false, PLACE);
  access(to, bytes, true, PLACE);
  return memmove(to, from, bytes);
}

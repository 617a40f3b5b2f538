/* The native platform: C11 memory model, libuv threads and locks, mmap. Included by plat.h only. */
#ifndef RUNTIME_NATIVE_PLAT_IMPL_H
#define RUNTIME_NATIVE_PLAT_IMPL_H

#include "san.h"

#define PLAT_STATE

/* ---- atomics --------------------------------------------------------------------------------- */

#define PLAT_AT_BASE_(T, V)                                                                \
  struct at_##T {                                                                          \
    V raw_;                                                                                \
  };                                                                                       \
  static inline void at_##T##_init(struct at_##T *p, V v) { p->raw_ = v; }                 \
  static inline V at_##T##_load_relaxed(const struct at_##T *p) {                          \
    return __atomic_load_n(&p->raw_, __ATOMIC_RELAXED);                                    \
  }                                                                                        \
  static inline V at_##T##_load_acquire(const struct at_##T *p) {                          \
    return __atomic_load_n(&p->raw_, __ATOMIC_ACQUIRE);                                    \
  }                                                                                        \
  static inline V at_##T##_load_seq(const struct at_##T *p) {                              \
    return __atomic_load_n(&p->raw_, __ATOMIC_SEQ_CST);                                    \
  }                                                                                        \
  static inline void at_##T##_store_relaxed(struct at_##T *p, V v) {                       \
    __atomic_store_n(&p->raw_, v, __ATOMIC_RELAXED);                                       \
  }                                                                                        \
  static inline void at_##T##_store_release(struct at_##T *p, V v) {                       \
    __atomic_store_n(&p->raw_, v, __ATOMIC_RELEASE);                                       \
  }                                                                                        \
  static inline void at_##T##_store_seq(struct at_##T *p, V v) {                           \
    __atomic_store_n(&p->raw_, v, __ATOMIC_SEQ_CST);                                       \
  }                                                                                        \
  static inline V at_##T##_xchg_acqrel(struct at_##T *p, V v) {                            \
    return __atomic_exchange_n(&p->raw_, v, __ATOMIC_ACQ_REL);                             \
  }                                                                                        \
  static inline bool at_##T##_cas_acqrel(struct at_##T *p, V *expected, V v) {             \
    return __atomic_compare_exchange_n(&p->raw_, expected, v, false, __ATOMIC_ACQ_REL,     \
                                       __ATOMIC_ACQUIRE);                                  \
  }

#define PLAT_AT_ADD_(T, V)                                                                 \
  static inline V at_##T##_add_relaxed(struct at_##T *p, V d) {                            \
    return __atomic_fetch_add(&p->raw_, d, __ATOMIC_RELAXED);                              \
  }                                                                                        \
  static inline V at_##T##_add_acqrel(struct at_##T *p, V d) {                             \
    return __atomic_fetch_add(&p->raw_, d, __ATOMIC_ACQ_REL);                              \
  }                                                                                        \
  static inline V at_##T##_add_seq(struct at_##T *p, V d) {                                \
    return __atomic_fetch_add(&p->raw_, d, __ATOMIC_SEQ_CST);                              \
  }

#define PLAT_AT_BITS_(T, V)                                                                \
  static inline V at_##T##_or_relaxed(struct at_##T *p, V m) {                             \
    return __atomic_fetch_or(&p->raw_, m, __ATOMIC_RELAXED);                               \
  }                                                                                        \
  static inline V at_##T##_or_acqrel(struct at_##T *p, V m) {                              \
    return __atomic_fetch_or(&p->raw_, m, __ATOMIC_ACQ_REL);                               \
  }                                                                                        \
  static inline V at_##T##_and_acqrel(struct at_##T *p, V m) {                             \
    return __atomic_fetch_and(&p->raw_, m, __ATOMIC_ACQ_REL);                              \
  }

PLAT_AT_BASE_(u8, uint8_t)
PLAT_AT_BASE_(u32, uint32_t)
PLAT_AT_BASE_(u64, uint64_t)
PLAT_AT_BASE_(i64, int64_t)
PLAT_AT_BASE_(ptr, void *)
PLAT_AT_ADD_(u8, uint8_t)
PLAT_AT_ADD_(u32, uint32_t)
PLAT_AT_ADD_(u64, uint64_t)
PLAT_AT_ADD_(i64, int64_t)
PLAT_AT_BITS_(u8, uint8_t)
PLAT_AT_BITS_(u32, uint32_t)
PLAT_AT_BITS_(u64, uint64_t)

static inline void at_fence_seq(void) { san_fence_seq(); }
static inline void at_fence_publish(void) { san_fence_release(); }

static inline uint64_t at_quiet_load(const struct at_u64 *p) {
  return __atomic_load_n(&p->raw_, __ATOMIC_ACQUIRE); /* pairs with at_quiet_store */
}
static inline void at_quiet_store(struct at_u64 *p, uint64_t v) {
  __atomic_store_n(&p->raw_, v, __ATOMIC_RELEASE); /* pairs with at_quiet_load */
}

/* ---- slots and racy program data ------------------------------------------------------------- */

static inline void *plat_slot_load(void **slot) {
  return __atomic_load_n(slot, __ATOMIC_ACQUIRE); /* pairs with plat_slot_store: the object */
}
static inline void plat_slot_store(void **slot, void *v) {
  __atomic_store_n(slot, v, __ATOMIC_RELEASE); /* pairs with plat_slot_load: the object */
}

static inline bool plat_slot_cas(void **slot, void *expected, void *v) {
  /* pairs with plat_slot_load and itself: the object */
  return __atomic_compare_exchange_n(slot, &expected, v, false, __ATOMIC_ACQ_REL,
                                     __ATOMIC_ACQUIRE);
}

#define plat_ld(p) __atomic_load_n((p), __ATOMIC_RELAXED)
#define plat_st(p, v) __atomic_store_n((p), (v), __ATOMIC_RELAXED)
static inline void plat_touch_read(const void *p, size_t bytes) { (void)p, (void)bytes; }
static inline void plat_touch_write(const void *p, size_t bytes) { (void)p, (void)bytes; }

/* ---- locks, notes, threads ------------------------------------------------------------------- */

/* A uv_mutex_t and a uv_cond_t, untyped so that the core does not include uv.h. All zero is the
 * initialised state (checked by a test). */
struct plat_os_wait {
  uint64_t words[12];
};

/* An atomic word in front of an operating-system lock. The word, not the lock, is what is held:
 * a goroutine may lock on its own stack and its scheduler unlock for it on another, which
 * ThreadSanitizer (to which stacks are threads) would not accept of a pthread mutex. */
struct plat_mutex {
  struct at_u32 state; /* 0 free, 1 held, 2 held and somebody may wait */
  uint32_t rank;       /* 0: not initialised */
  const char *name;
  struct at_ptr owner; /* identity of the holding thread; NULL: free */
  struct plat_os_wait os;
};
#define PLAT_MUTEX_INITIALIZER(rank_, name_) { .rank = (rank_), .name = (name_) }

struct plat_note {
  struct at_u32 state; /* 0 empty, 1 token, 2 empty with a waiter */
  struct plat_os_wait os;
};

struct plat_thread {
  uint64_t handle; /* uv_thread_t */
  char name[16];
  void (*fn)(void *);
  void *arg;
};

void plat_mutex_init(struct plat_mutex *m, unsigned rank, const char *name);
void plat_mutex_destroy(struct plat_mutex *m);
void plat_mutex_lock(struct plat_mutex *m);
void plat_mutex_lock_same_rank(struct plat_mutex *m);
void plat_mutex_unlock(struct plat_mutex *m);
bool plat_mutex_try_lock(struct plat_mutex *m);
bool plat_mutex_held(struct plat_mutex *m);

void plat_note_init(struct plat_note *n);
void plat_note_destroy(struct plat_note *n);
void plat_note_wait(struct plat_note *n);
bool plat_note_wait_until(struct plat_note *n, uint64_t deadline_ns);
void plat_note_wake(struct plat_note *n);
void plat_note_clear(struct plat_note *n);

enum rt_err plat_thread_start(struct plat_thread *t, const char *name, void (*fn)(void *),
                              void *arg) RT_MUST_USE;
void plat_thread_join(struct plat_thread *t);
void *plat_self(void);
void plat_self_set(void *self);
static inline void plat_on_processor(uint32_t index) { (void)index; }
void plat_yield(void);
void plat_sleep_ns(uint64_t ns);

static inline void plat_relax(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield" ::: "memory");
#else
  __asm__ volatile("" ::: "memory");
#endif
}

/* ---- time ------------------------------------------------------------------------------------ */

uint64_t plat_now_ns(void);
uint64_t plat_cpu_ns(void);
uint32_t plat_ncpu(void);
uint64_t plat_ticks_to_ns(uint64_t delta);

static inline uint64_t plat_ticks(void) {
#if defined(__x86_64__)
  return __builtin_ia32_rdtsc();
#elif defined(__aarch64__)
  uint64_t ticks;
  __asm__ volatile("mrs %0, cntvct_el0" : "=r"(ticks));
  return ticks;
#else
  return plat_now_ns();
#endif
}

static inline uint64_t plat_log_ns(void) { return plat_now_ns(); }

static inline void plat_charge(enum plat_cost what, uint64_t n) { (void)what, (void)n; }
static inline void plat_cache_fetch(const void *p) { __builtin_prefetch(p); }
static inline void plat_cache_need(const void *p) { (void)p; }

/* ---- randomness, address space, start-up and end --------------------------------------------- */

void plat_seed(uint64_t seed);
uint64_t plat_random_u64(void);

void *plat_vm_reserve(size_t bytes, size_t align);
void *plat_vm_reserve_stacks(size_t bytes);
enum rt_err plat_vm_commit(void *p, size_t bytes) RT_MUST_USE;
void plat_vm_prefer_huge(void *p, size_t bytes);
void plat_vm_decommit(void *p, size_t bytes);
void plat_vm_release(void *p, size_t bytes);
bool plat_vm_guard(void *p, size_t bytes);
static inline void plat_poison(const void *p, size_t bytes) { san_poison(p, bytes); }
static inline void plat_unpoison(const void *p, size_t bytes) { san_unpoison(p, bytes); }

static inline void plat_mark(void) {}
static inline void plat_mark_end(void) {}
int plat_main(int (*fn)(void *), void *arg);
void plat_end_begin(void);
_Noreturn void plat_end_abort(void);
void plat_print(const char *text);

#endif

/* The platform seam: everything nondeterministic or machine-dependent the core may do.
 *
 * One contract, two implementations chosen by include path (runtime/native, runtime/model):
 *   native  C11 atomics, libuv threads, locks and clock, mmap.
 *   model   one OS thread; every thread below is a coroutine; each visible operation announces
 *           (kind, object, site) before it happens; the clock is virtual.
 *
 * Visible operations are macros in the model (they capture a static struct plat_site) and inline
 * functions natively, so never take the address of one.
 *
 * Atomics.  For T in u8 u32 u64 i64 ptr (C type V: uint8_t uint32_t uint64_t int64_t void *),
 * `struct at_T` wraps the cell so that a plain access does not compile:
 *   V    at_T_load_relaxed(p)  at_T_load_acquire(p)  at_T_load_seq(p)
 *   void at_T_store_relaxed(p, v)  at_T_store_release(p, v)  at_T_store_seq(p, v)
 *   V    at_T_xchg_acqrel(p, v)                   returns the old value
 *   bool at_T_cas_acqrel(p, V *expected, V v)     strong; on failure *expected is updated
 *   V    at_T_add_relaxed(p, d)  at_T_add_acqrel(p, d)  at_T_add_seq(p, d)   (not ptr) old value
 *   V    at_T_or_relaxed(p, m)   at_T_or_acqrel(p, m)   at_T_and_acqrel(p, m)  (u8 u32 u64) old
 *   void at_T_init(p, v)         not visible: before the cell is shared
 *   void at_fence_seq(void), at_fence_publish(void)  store-store order before publication
 *   uint64_t at_quiet_load(const struct at_u64 *p)            acquire; never announced, so that
 *   void     at_quiet_store(struct at_u64 *p, uint64_t v)     logging does not change a schedule
 *
 * Heap pointer slots (memory the marker may read while a mutator writes):
 *   void *plat_slot_load(void **slot)             acquire
 *   void  plat_slot_store(void **slot, void *v)   release
 *   bool  plat_slot_cas(void **slot, void *expected, void *v)   acqrel, strong
 *
 * Plain mutator data that other goroutines may race on because the *program* is wrong (an
 * unsynchronised map): tear-free, unordered, announced in the model:
 *   V    plat_ld(const V *p)      V any integer or pointer type of 1, 2, 4 or 8 bytes
 *   void plat_st(V *p, V v)
 *   void plat_touch_read(const void *p, size_t bytes), plat_touch_write(...)  announce a range
 *        that is then accessed with memcpy/memcmp/memset; nothing natively.
 *
 * Locks (struct plat_mutex, not recursive; block the thread, never a goroutine switch inside):
 *   void plat_mutex_init(m, unsigned rank, const char *name)   rank from runtime/lockrank.h
 *   PLAT_MUTEX_INITIALIZER(rank, name)                         the same for a static one
 *   void plat_mutex_destroy(m)
 *   void plat_mutex_lock(m), plat_mutex_unlock(m), bool plat_mutex_try_lock(m)
 *   void plat_mutex_lock_same_rank(m)  others of the same rank may be held: the caller orders them
 *   bool plat_mutex_held(m)       by this thread; for assertions only
 *
 * Notes (struct plat_note: a binary token, the thread-level park/unpark):
 *   void plat_note_init(n), plat_note_destroy(n)
 *   void plat_note_wait(n)                        blocks until the token is there, takes it
 *   bool plat_note_wait_until(n, uint64_t deadline_ns)   false: the deadline passed, no token
 *   void plat_note_wake(n)                        puts the token (idempotent), wakes the waiter
 *   void plat_note_clear(n)                       drops a token nobody waits for
 *   A wake happens-before the return of the wait that takes its token.
 *
 * Threads:
 *   enum rt_err plat_thread_start(struct plat_thread *t, const char *name,
 *                                 void (*fn)(void *), void *arg)
 *         *t stays where it is until plat_thread_join(t), or until plat_main returns
 *   void  plat_thread_join(t)
 *   void *plat_self(void), void plat_self_set(void *)     one pointer per thread; never inlined,
 *         because a goroutine may resume on another thread than it left
 *   void  plat_on_processor(uint32_t index)   from now on this thread works for that processor of
 *         the scheduler's (below 1024): the model's caches are by processor; nothing natively
 *   void  plat_relax(void)     a spin-wait hint: others may run (PAUSE)
 *   void  plat_yield(void)     give the processor away (sched_yield)
 *   void  plat_sleep_ns(uint64_t ns)
 *
 * Time, in nanoseconds since an arbitrary start:
 *   uint64_t plat_now_ns(void)     monotonic clock (virtual in the model)
 *   uint64_t plat_ticks(void)      cheapest monotonic counter, for gaps between operations
 *   uint64_t plat_ticks_to_ns(uint64_t delta)
 *   uint64_t plat_log_ns(void)     plat_now_ns for log records: never announced
 *   uint64_t plat_cpu_ns(void)     processor time of the whole process
 *   uint32_t plat_ncpu(void)       processors of the machine (model: as configured)
 *   void     plat_charge(enum plat_cost what, uint64_t n)  advances virtual time by n units of
 *            runtime/cost.def; nothing natively
 *   void     plat_cache_fetch(const void *p)  the line of p will be needed soon: a prefetch
 *   void     plat_cache_need(const void *p)   it is about to be read, out of any order of address:
 *            virtual time goes on until the model's cache has it; nothing natively
 *
 * Randomness: the only source. Deterministic after plat_seed(); every user takes one draw and
 * splits it (runtime/rng.h), so that adding a user does not shift the others.
 *   void     plat_seed(uint64_t seed)
 *   uint64_t plat_random_u64(void)
 *
 * Address space (sizes and addresses multiples of 8192):
 *   void *plat_vm_reserve(size_t bytes, size_t align)   no access; NULL: not available
 *   void *plat_vm_reserve_stacks(size_t bytes)          the same, for stacks of goroutines
 *   enum rt_err plat_vm_commit(void *p, size_t bytes)   zeroed, read-write; RT_ERR_NOMEM
 *   void  plat_vm_prefer_huge(void *p, size_t bytes)    a hint: the pages will be used densely
 *   void  plat_vm_decommit(void *p, size_t bytes)       contents lost; stays committed-as-zero
 *   void  plat_vm_release(void *p, size_t bytes)
 *   bool  plat_vm_guard(void *p, size_t bytes)          any access faults (model: checked)
 *   void  plat_poison(const void *p, size_t bytes), plat_unpoison(...)
 *         tells AddressSanitizer; nothing elsewhere. Checking mode's own poison pattern is gc's.
 *
 * Start-up: int plat_main(int (*fn)(void *), void *arg) runs fn as the first thread (model: runs
 * the timed scheduler around it) and returns its result once every thread has ended.
 * The end (runtime/check.c): void plat_end_begin(void) lets one thread through and stops the
 * others for ever, aborts when that one comes again; plat_end_abort(); plat_print(text) to stderr.
 *
 * Exploring (model; nothing natively): void plat_mark(void) says that the searched part of a
 * prepared run begins here, void plat_mark_end(void) that it ends (runtime/model/plat_model.h).
 *
 * Mutable globals of the core are declared `PLAT_STATE struct x y;` so that the model can reset
 * the world by copying one section.
 */
#ifndef RUNTIME_PLAT_H
#define RUNTIME_PLAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runtime/err.h"

#define plat_likely(x) __builtin_expect(!!(x), 1)
#define plat_unlikely(x) __builtin_expect(!!(x), 0)
#define PLAT_CACHE_LINE 64

/* Units of modelled work; one row per unit in cost.def: name, picoseconds, what it stands for. */
enum plat_cost {
#define COST(name, picoseconds, doc) PLAT_COST_##name,
#include "runtime/cost.def"
#undef COST
  PLAT_COST_COUNT
};

#include "plat_impl.h"

#endif

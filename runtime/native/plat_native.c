/* The native platform: threads, locks, notes, time, memory. */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <uv.h>

#include "runtime/check.h"
#include "runtime/lockrank.h"
#include "runtime/plat.h"
#include "runtime/rng.h"
#include "runtime/vmem.h"

enum { SPIN_ROUNDS = 40, THREAD_STACK_BYTES = 1 << 20 };

/* One per OS thread; its address is the thread's identity. Only functions of this file use it, and
 * none of them switches stacks, so that the compiler may keep the address for one call. */
struct native_thread {
  void *self;
  struct rt_held held;               /* with check_hot only */
};
static _Thread_local struct native_thread me;

static struct {
  struct at_u32 live_threads;        /* started and not ended */
  struct plat_note all_ended;        /* woken when live_threads becomes 0 */
  struct at_ptr ending;              /* identity of the thread that ends the run */
  struct at_u64 random_seed, random_draws;
} native;

/* ---- locks ----------------------------------------------------------------------------------- */

struct os_wait {
  uv_mutex_t mutex;
  uv_cond_t cond;
};
_Static_assert(sizeof(struct os_wait) <= sizeof(struct plat_os_wait), "enlarge plat_os_wait");
_Static_assert(_Alignof(struct os_wait) <= _Alignof(struct plat_os_wait), "align plat_os_wait");

static struct os_wait *os_of(struct plat_os_wait *w) { return (struct os_wait *)(void *)w; }

static void os_init(struct plat_os_wait *w) {
  if (uv_mutex_init(&os_of(w)->mutex) != 0 || uv_cond_init(&os_of(w)->cond) != 0)
    rt_die("a lock could not be created");
}

static void os_destroy(struct plat_os_wait *w) {
  uv_cond_destroy(&os_of(w)->cond);
  uv_mutex_destroy(&os_of(w)->mutex);
}

void plat_mutex_init(struct plat_mutex *m, unsigned rank, const char *name) {
  rt_assert(rank != 0 && name != NULL);
  at_u32_init(&m->state, 0);
  at_ptr_init(&m->owner, NULL);
  m->rank = rank;
  m->name = name;
  os_init(&m->os);
}

void plat_mutex_destroy(struct plat_mutex *m) {
  rt_assert(m->rank != 0);
  rt_assert(at_u32_load_relaxed(&m->state) == 0);
  m->rank = 0;
  os_destroy(&m->os);
}

/* Somebody else holds it: spin a little, then sleep. State 2 tells the holder to wake a sleeper;
 * whoever has slept cannot know whether it was the last one, so it takes the lock as 2. */
static void lock_contended(struct plat_mutex *m) {
  for (int i = 0; i < SPIN_ROUNDS; i++) {
    uint32_t free_state = 0;
    plat_relax();
    if (at_u32_load_relaxed(&m->state) == 0 &&
        at_u32_cas_acqrel(&m->state, &free_state, 1)) /* pairs with plat_mutex_unlock */
      return;
  }
  struct os_wait *os = os_of(&m->os);
  uv_mutex_lock(&os->mutex);
  while (at_u32_xchg_acqrel(&m->state, 2) != 0) /* pairs with plat_mutex_unlock */
    uv_cond_wait(&os->cond, &os->mutex);
  uv_mutex_unlock(&os->mutex);
}

static void lock_checked(struct plat_mutex *m, bool same_rank) {
  uint32_t free_state = 0;
  if (m->rank == 0) rt_die("a mutex that was not initialised is locked");
  if (at_ptr_load_relaxed(&m->owner) == &me) rt_die("%s is locked twice by one thread", m->name);
  if (RT_CHECK_HOT) rt_held_check(&me.held, m, same_rank);
  if (!at_u32_cas_acqrel(&m->state, &free_state, 1)) /* pairs with plat_mutex_unlock */
    lock_contended(m);
  at_ptr_store_relaxed(&m->owner, &me);
  if (RT_CHECK_HOT) rt_held_add(&me.held, m);
}

__attribute__((noinline)) void plat_mutex_lock(struct plat_mutex *m) { lock_checked(m, false); }

__attribute__((noinline)) void plat_mutex_lock_same_rank(struct plat_mutex *m) {
  lock_checked(m, true);
}

/* Trying cannot deadlock, so any order is allowed. */
__attribute__((noinline)) bool plat_mutex_try_lock(struct plat_mutex *m) {
  uint32_t free_state = 0;
  rt_assert(m->rank != 0);
  if (!at_u32_cas_acqrel(&m->state, &free_state, 1)) return false; /* pairs with unlock */
  at_ptr_store_relaxed(&m->owner, &me);
  if (RT_CHECK_HOT) rt_held_add(&me.held, m);
  return true;
}

__attribute__((noinline)) void plat_mutex_unlock(struct plat_mutex *m) {
  if (at_ptr_load_relaxed(&m->owner) != &me)
    rt_die("%s is unlocked by a thread that does not hold it", m->rank == 0 ? "?" : m->name);
  if (RT_CHECK_HOT) rt_held_remove(&me.held, m);
  at_ptr_store_relaxed(&m->owner, NULL);
  if (at_u32_xchg_acqrel(&m->state, 0) != 2) return; /* pairs with lock_checked */
  struct os_wait *os = os_of(&m->os);
  uv_mutex_lock(&os->mutex);
  uv_cond_signal(&os->cond);
  uv_mutex_unlock(&os->mutex);
}

__attribute__((noinline)) bool plat_mutex_held(struct plat_mutex *m) {
  return at_ptr_load_relaxed(&m->owner) == &me; /* only this thread can make it true */
}

/* ---- notes ----------------------------------------------------------------------------------- */

void plat_note_init(struct plat_note *n) {
  at_u32_init(&n->state, 0);
  os_init(&n->os);
}

void plat_note_destroy(struct plat_note *n) {
  rt_assert(at_u32_load_relaxed(&n->state) != 2);
  os_destroy(&n->os);
}

static bool take_token(struct plat_note *n) {
  uint32_t token = 1;
  return at_u32_cas_acqrel(&n->state, &token, 0); /* pairs with plat_note_wake */
}

/* Called with the note's OS lock held. True: a token may have come; false: a waiter is entered. */
static bool enter_waiter(struct plat_note *n) {
  uint32_t state = 0;
  return !at_u32_cas_acqrel(&n->state, &state, 2) && state == 1;
}

void plat_note_wait(struct plat_note *n) {
  if (take_token(n)) return;
  struct os_wait *os = os_of(&n->os);
  uv_mutex_lock(&os->mutex);
  while (!take_token(n))
    if (!enter_waiter(n)) uv_cond_wait(&os->cond, &os->mutex);
  uv_mutex_unlock(&os->mutex);
}

/* At most an hour at a time: libuv adds the timeout to the clock, and a sum may not overflow. */
static void wait_some(struct os_wait *os, uint64_t ns) {
  const uint64_t longest = 3600000000000u;
  uv_cond_timedwait(&os->cond, &os->mutex, ns < longest ? ns : longest);
}

bool plat_note_wait_until(struct plat_note *n, uint64_t deadline_ns) {
  bool taken = take_token(n);
  if (taken) return true;
  struct os_wait *os = os_of(&n->os);
  uv_mutex_lock(&os->mutex);
  while (!(taken = take_token(n))) {
    uint64_t now = plat_now_ns();
    if (now >= deadline_ns) {
      uint32_t waiter = 2;
      /* pairs with plat_note_wake: failing means a token came just now, or nobody was entered */
      if (at_u32_cas_acqrel(&n->state, &waiter, 0) || waiter == 0) break;
    } else if (!enter_waiter(n)) {
      wait_some(os, deadline_ns - now);
    }
  }
  uv_mutex_unlock(&os->mutex);
  return taken;
}

void plat_note_wake(struct plat_note *n) {
  if (at_u32_xchg_acqrel(&n->state, 1) != 2) return; /* pairs with take_token */
  struct os_wait *os = os_of(&n->os);
  uv_mutex_lock(&os->mutex);
  uv_cond_signal(&os->cond);
  uv_mutex_unlock(&os->mutex);
}

void plat_note_clear(struct plat_note *n) {
  rt_assert(at_u32_load_relaxed(&n->state) != 2);
  at_u32_xchg_acqrel(&n->state, 0); /* pairs with plat_note_wake */
}

/* ---- threads --------------------------------------------------------------------------------- */

static void thread_main(void *arg) {
  struct plat_thread *t = arg;
  pthread_setname_np(pthread_self(), t->name);
  t->fn(t->arg);
  if (RT_CHECK_HOT) rt_assert(me.held.count == 0);
  /* pairs with plat_main: what the thread did happens before plat_main returns */
  if (at_u32_add_acqrel(&native.live_threads, UINT32_MAX) == 1) plat_note_wake(&native.all_ended);
}

enum rt_err plat_thread_start(struct plat_thread *t, const char *name, void (*fn)(void *),
                              void *arg) {
  uv_thread_options_t options = {.flags = UV_THREAD_HAS_STACK_SIZE,
                                 .stack_size = (size_t)THREAD_STACK_BYTES * SAN_STACK_FACTOR};
  uv_thread_t handle;
  size_t length = strnlen(name, sizeof t->name - 1);
  memcpy(t->name, name, length);
  t->name[length] = '\0';
  t->fn = fn;
  t->arg = arg;
  at_u32_add_relaxed(&native.live_threads, 1); /* seen by the thread through its creation */
  if (uv_thread_create_ex(&handle, &options, thread_main, t) != 0) {
    at_u32_add_relaxed(&native.live_threads, UINT32_MAX);
    return RT_ERR_THREAD;
  }
  _Static_assert(sizeof handle <= sizeof t->handle, "uv_thread_t is larger than expected");
  memcpy(&t->handle, &handle, sizeof handle);
  return RT_OK;
}

void plat_thread_join(struct plat_thread *t) {
  uv_thread_t handle;
  memcpy(&handle, &t->handle, sizeof handle);
  rt_assert(uv_thread_join(&handle) == 0);
}

__attribute__((noinline)) void *plat_self(void) { return me.self; }
__attribute__((noinline)) void plat_self_set(void *self) { me.self = self; }

void plat_yield(void) { sched_yield(); }

void plat_sleep_ns(uint64_t ns) {
  struct timespec rest = {.tv_sec = (time_t)(ns / 1000000000u),
                          .tv_nsec = (long)(ns % 1000000000u)};
  while (nanosleep(&rest, &rest) != 0 && errno == EINTR) continue;
}

/* ---- time ------------------------------------------------------------------------------------ */

uint64_t plat_now_ns(void) { return uv_hrtime(); }

uint64_t plat_cpu_ns(void) {
  struct timespec t;
  if (clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t) != 0) return 0;
  return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

uint32_t plat_ncpu(void) { return (uint32_t)uv_available_parallelism(); }

struct tick_sample {
  uint64_t ticks, ns;
};

/* Both clocks at one moment: the pair, of several, that took the shortest to read. */
static struct tick_sample sample_ticks(void) {
  struct tick_sample best = {0, 0};
  uint64_t best_ns = UINT64_MAX;
  for (int i = 0; i < 8; i++) {
    uint64_t before = plat_now_ns();
    uint64_t ticks = plat_ticks();
    uint64_t took = plat_now_ns() - before;
    if (took >= best_ns) continue;
    best_ns = took;
    best.ticks = ticks;
    best.ns = before + took / 2;
  }
  return best;
}

static uv_once_t ticks_once = UV_ONCE_INIT;
static uint64_t ticks_scale; /* nanoseconds per tick, times 2^32 */

static void calibrate_ticks(void) {
  enum { CALIBRATION_NS = 2000000 };
  struct tick_sample start = sample_ticks(), end;
  do {
    end = sample_ticks();
  } while (end.ns - start.ns < CALIBRATION_NS);
  rt_assert(end.ticks > start.ticks);
  ticks_scale = (uint64_t)(((rng_u128)(end.ns - start.ns) << 32) / (end.ticks - start.ticks));
}

uint64_t plat_ticks_to_ns(uint64_t delta) {
  uv_once(&ticks_once, calibrate_ticks);
  return (uint64_t)((rng_u128)delta * ticks_scale >> 32);
}

/* ---- randomness ------------------------------------------------------------------------------ */

void plat_seed(uint64_t seed) {
  at_u64_store_relaxed(&native.random_seed, seed);
  at_u64_store_relaxed(&native.random_draws, 0);
}

uint64_t plat_random_u64(void) {
  uint64_t draw = at_u64_add_relaxed(&native.random_draws, 1); /* only distinctness matters */
  return rng_split(at_u64_load_relaxed(&native.random_seed), draw);
}

/* ---- address space --------------------------------------------------------------------------- */

enum { VM_PAGE_BYTES = 8192 };

static bool vm_aligned(const void *p, size_t bytes) {
  return (uintptr_t)p % VM_PAGE_BYTES == 0 && bytes % VM_PAGE_BYTES == 0;
}

void *plat_vm_reserve(size_t bytes, size_t align) {
  rt_assert(bytes % VM_PAGE_BYTES == 0);
  return vmem_reserve(bytes, align < VM_PAGE_BYTES ? VM_PAGE_BYTES : align);
}

void *plat_vm_reserve_stacks(size_t bytes) { return plat_vm_reserve(bytes, VM_PAGE_BYTES); }

void plat_vm_prefer_huge(void *p, size_t bytes) { vmem_prefer_huge(p, bytes); }

enum rt_err plat_vm_commit(void *p, size_t bytes) {
  rt_assert(vm_aligned(p, bytes));
  return vmem_commit(p, bytes) ? RT_OK : RT_ERR_NOMEM;
}

void plat_vm_decommit(void *p, size_t bytes) {
  rt_assert(vm_aligned(p, bytes));
  vmem_decommit(p, bytes);
}

void plat_vm_release(void *p, size_t bytes) {
  rt_assert(vm_aligned(p, bytes));
  vmem_release(p, bytes);
}

bool plat_vm_guard(void *p, size_t bytes) {
  rt_assert(vm_aligned(p, bytes));
  return vmem_guard(p, bytes);
}

/* ---- start-up and end ------------------------------------------------------------------------ */

int plat_main(int (*fn)(void *), void *arg) {
  uv_once(&ticks_once, calibrate_ticks);
  int result = fn(arg);
  while (at_u32_load_acquire(&native.live_threads) != 0) /* pairs with thread_main */
    plat_note_wait(&native.all_ended);
  return result;
}

void plat_end_begin(void) {
  void *nobody = NULL;
  if (at_ptr_cas_acqrel(&native.ending, &nobody, &me)) return; /* one thread only */
  if (nobody == &me) plat_end_abort();
  for (;;) pause();
}

void plat_end_abort(void) { abort(); }

void plat_print(const char *text) {
  size_t left = strlen(text);
  while (left > 0) {
    ssize_t done = write(STDERR_FILENO, text, left);
    if (done < 0 && errno == EINTR) continue;
    if (done <= 0) return;
    text += done;
    left -= (size_t)done;
  }
}

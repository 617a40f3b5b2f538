/* Contexts that migrate between threads, as goroutines do. Both platforms; under the sanitizers
 * this is what proves their hooks. */
#include <string.h>

#include "runtime/ctx.h"
#include "runtime/lockrank.h"
#include "runtime/rng.h"
#include "support.h"

enum { THREADS = 4, TASKS = 40, STACK_BYTES = 32 * 1024 * SAN_STACK_FACTOR, WORDS = 100 };

struct task {
  struct ctx ctx;
  struct ctx *host;         /* the context of the thread it runs on now */
  struct plat_mutex *unlock;/* to be released once it has been left */
  struct task *next;        /* in the queue; pool.lock */
  uint64_t id, rounds;
  bool is_done;
};

static PLAT_STATE struct {
  struct plat_mutex lock;
  struct task *first, *last; /* runnable; lock */
  uint32_t unfinished;       /* lock */
  uint64_t sum;              /* lock, held by the task itself */
  struct plat_mutex sum_lock;
} pool;
static PLAT_STATE struct task tasks[TASKS];

static void enqueue_locked(struct task *t) {
  rt_assert(plat_mutex_held(&pool.lock));
  t->next = NULL;
  if (pool.first == NULL) {
    pool.first = t;
  } else {
    pool.last->next = t;
  }
  pool.last = t;
}

/* Lets the thread run another task; returns on whichever thread takes this one up. */
static void leave(struct task *t, struct plat_mutex *unlock) {
  t->unlock = unlock;
  ctx_switch(&t->ctx, t->host);
}

static void task_main(void *arg) {
  struct task *t = arg;
  uint64_t words[WORDS], state = t->id;
  for (int i = 0; i < WORDS; i++) words[i] = t->id * WORDS + (uint64_t)i;
  for (uint64_t round = 0; round < t->rounds; round++) {
    for (int i = 0; i < WORDS; i++) rt_assert(words[i]++ == t->id * WORDS + (uint64_t)i + round);
    if (rng_fastrandn(&state, 4) == 0) {
      /* Parks holding a lock that its thread releases, on the thread's stack, when it is left. */
      plat_mutex_lock(&pool.sum_lock);
      pool.sum++;
      leave(t, &pool.sum_lock);
    } else {
      leave(t, NULL);
    }
  }
  plat_mutex_lock(&pool.sum_lock);
  pool.sum += 1000000;
  plat_mutex_unlock(&pool.sum_lock);
  t->is_done = true;
  t->unlock = NULL;
  ctx_switch_last(&t->ctx, t->host);
}

static void run_task(struct ctx *host, struct task *t) {
  t->host = host;
  ctx_switch(host, &t->ctx);
  if (t->unlock != NULL) plat_mutex_unlock(t->unlock);
  if (t->is_done) ctx_finish(&t->ctx);
}

static void thread_main(void *arg) {
  struct ctx host;
  (void)arg;
  ctx_from_thread(&host);
  for (;;) {
    plat_mutex_lock(&pool.lock);
    struct task *t = pool.first;
    uint32_t unfinished = pool.unfinished;
    if (t != NULL) pool.first = t->next;
    plat_mutex_unlock(&pool.lock);
    if (unfinished == 0) return;
    if (t == NULL) {
      plat_yield();
      continue;
    }
    run_task(&host, t);
    plat_mutex_lock(&pool.lock);
    if (t->is_done) {
      pool.unfinished--;
    } else {
      enqueue_locked(t);
    }
    plat_mutex_unlock(&pool.lock);
  }
}

static void migrate_body(void) {
  struct plat_thread threads[THREADS];
  size_t bytes = (size_t)TASKS * STACK_BYTES;
  char *stacks = plat_vm_reserve(bytes, 8192);
  rt_assert(stacks != NULL && plat_vm_commit(stacks, bytes) == RT_OK);
  plat_mutex_init(&pool.lock, RT_RANK_SCHED, "pool");
  plat_mutex_init(&pool.sum_lock, RT_RANK_SYNC, "sum");
  pool.sum = 0;
  pool.unfinished = TASKS;
  plat_mutex_lock(&pool.lock);
  for (uint64_t i = 0; i < TASKS; i++) {
    struct task *t = &tasks[i];
    memset(t, 0, sizeof *t);
    t->id = i;
    t->rounds = test_scaled(500);
    ctx_init(&t->ctx, stacks + i * STACK_BYTES, STACK_BYTES, task_main, t);
    enqueue_locked(t);
  }
  plat_mutex_unlock(&pool.lock);
  for (int i = 0; i < THREADS; i++)
    rt_assert(plat_thread_start(&threads[i], "host", thread_main, NULL) == RT_OK);
  for (int i = 0; i < THREADS; i++) plat_thread_join(&threads[i]);
  rt_assert(pool.sum / 1000000 == TASKS);
  plat_vm_release(stacks, bytes);
}

static void contexts_migrate(void **state) {
  (void)state;
  test_run(migrate_body);
  test_run(migrate_body);
}

/* The function of a context must not return. */
static void return_at_once(void *arg) { (void)arg; }
static void return_body(void) {
  struct ctx home, inner;
  char *stack = plat_vm_reserve(STACK_BYTES, 8192);
  rt_assert(plat_vm_commit(stack, STACK_BYTES) == RT_OK);
  ctx_from_thread(&home);
  ctx_init(&inner, stack, STACK_BYTES, return_at_once, NULL);
  ctx_switch(&home, &inner);
}
static void returning_is_caught(void **state) {
  (void)state;
  struct test_death d = test_die(return_body);
  assert_int_equal(d.kind, RT_END_BUG);
  assert_string_equal(d.message, "the function of a context returned");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(contexts_migrate),
      cmocka_unit_test(returning_is_caught),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

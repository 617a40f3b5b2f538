/* The faults of sched/faults.def on the model: random schedules of a small program find what each
 * breaks, and find nothing without it. */
#include <string.h>

#include "runtime/model/plat_model.h"
#include "runtime/rng.h"
#include "support.h"

enum { SCHEDULES = 20000, SOUND_SCHEDULES = 2000, STEP_MAX = 20000 };

/* ---- programs -------------------------------------------------------------------------------- */

static PLAT_STATE struct {
  uint64_t faults;
  struct go_rwmutex rw;
  struct go_sema sema;
  struct go_waitgroup done;
  struct go_runq queue;
  struct go_g g[2];
} w;

static void write_once(struct go_g *g, void *arg, void *heap_arg) {
  (void)arg, (void)heap_arg;
  go_rwmutex_lock(g, &w.rw);
  go_rwmutex_unlock(g, &w.rw);
  go_waitgroup_done(g, &w.done);
}

static void read_once(struct go_g *g, void *arg, void *heap_arg) {
  (void)arg, (void)heap_arg;
  go_rwmutex_rlock(g, &w.rw);
  go_rwmutex_runlock(g, &w.rw);
  go_waitgroup_done(g, &w.done);
}

static void reader_and_writer(struct go_g *g, void *arg, void *heap_arg) {
  (void)arg, (void)heap_arg;
  go_waitgroup_add(g, &w.done, 2);
  plat_model_mark();
  go_spawn(g, "writer", write_once, NULL, NULL); /* to be stolen: the next takes its place */
  go_spawn(g, "reader", read_once, NULL, NULL);
  go_waitgroup_wait(g, &w.done);
  plat_model_finish_run();
}

static void release(struct go_g *g, void *arg, void *heap_arg) {
  (void)arg, (void)heap_arg;
  go_sema_release(g, &w.sema, false);
}

static void acquire(struct go_g *g, void *arg, void *heap_arg) {
  (void)arg, (void)heap_arg;
  go_sema_acquire(g, &w.sema, false);
  go_waitgroup_done(g, &w.done);
}

static void wait_for_another(struct go_g *g, void *arg, void *heap_arg) {
  (void)arg, (void)heap_arg;
  go_waitgroup_add(g, &w.done, 1);
  plat_model_mark();
  go_spawn(g, "releaser", release, NULL, NULL);
  go_spawn(g, "acquirer", acquire, NULL, NULL);
  go_waitgroup_wait(g, &w.done);
  plat_model_finish_run();
}

static void take_turns(struct go_g *g, void *arg, void *heap_arg) {
  (void)arg, (void)heap_arg;
  for (int i = 0; i < 3; i++) {
    go_yield_local(g);
    go_check_asked(g);
    gc_poll(go_mu(g));
  }
  go_waitgroup_done(g, &w.done);
}

static void stop_beside_others(struct go_g *g, void *arg, void *heap_arg) {
  (void)arg, (void)heap_arg;
  struct gc_stop stop;
  go_waitgroup_add(g, &w.done, 2);
  plat_model_mark();
  for (int i = 0; i < 2; i++) go_spawn(g, "turns", take_turns, NULL, NULL);
  go_world_ops()->stop(go_mu(g), "test", &stop);
  go_world_ops()->start(go_mu(g), &stop);
  go_waitgroup_wait(g, &w.done);
  plat_model_finish_run();
}

static int run_go(void *arg) {
  struct gc_config gc;
  struct go_config config;
  go_fn **main = arg;
  gc_config_default(&gc);
  go_config_default(&config);
  config.procs = 2;
  config.stack_bytes = 64 << 10;
  config.faults = w.faults;
  rt_assert(gc_init(&gc, go_world_ops()) == RT_OK);
  rt_assert(go_run(&config, *main, NULL) == RT_OK);
  gc_finish();
  return 0;
}

/* A queue with one goroutine in it; its owner puts another and gets that. */
static void own(void *arg) {
  struct go_list spill = {0};
  bool inherit;
  (void)arg;
  go_runq_put(&w.queue, &w.g[1], true, &spill);
  rt_assert(go_runq_get(&w.queue, &inherit) == &w.g[1]);
}

static void look(void *arg) {
  (void)arg;
  if (go_runq_is_empty(&w.queue))
    rt_fatal(RT_END_VIOLATION, "the run queue is never empty, but said to be");
}

static int run_queue(void *arg) {
  struct plat_thread threads[2];
  struct go_list spill = {0};
  (void)arg;
  go_sched.config.faults = w.faults;
  go_runq_put(&w.queue, &w.g[0], true, &spill);
  plat_model_mark();
  rt_assert(plat_thread_start(&threads[0], "owner", own, NULL) == RT_OK);
  rt_assert(plat_thread_start(&threads[1], "looker", look, NULL) == RT_OK);
  for (int i = 0; i < 2; i++) plat_thread_join(&threads[i]);
  return 0;
}

/* ---- searching ------------------------------------------------------------------------------- */

static const struct scene {
  enum go_fault fault;
  go_fn *main; /* NULL: run_queue */
  const char *words;
} scenes[] = {
    {GO_FAULT_STOP_MISSES_P, stop_beside_others,
     "the world is stopped, but processor 1 runs"},
    {GO_FAULT_RUNQ_OLD_ORDER, NULL, "never empty, but said to be"},
    {GO_FAULT_RWMUTEX_LOST_WAKEUP, reader_and_writer,
     "all goroutines are asleep"},
    {GO_FAULT_READY_BEFORE_PARK, wait_for_another, "lost wake-up: goroutine "},
    {GO_FAULT_PREEMPT_LOST, stop_beside_others, "the request to stop is lost"},
};

/* In malloc's memory: variables are part of the world, which every run begins anew. */
struct search {
  uint64_t random_state;
  uint32_t stay; /* goes on with the same thread but for one time in so many */
  struct plat_model_outcome out;
};

static uint32_t choose(const struct plat_model_point *point, void *arg) {
  struct search *search = arg;
  if (point->running < point->count && rng_fastrandn(&search->random_state, search->stay) != 0)
    return point->running;
  return rng_fastrandn(&search->random_state, point->count);
}

static void on_end(enum rt_end kind, const char *message) {
  plat_model_fail_run((int)kind, message);
}

/* Schedules up to the first that fails, at most `most`; 0: none. Its end is in search->out. */
static uint32_t find(const struct scene *s, uint64_t faults, uint32_t most,
                     struct search *search) {
  static const uint32_t stays[] = {2, 8, 32};
  struct plat_model_hooks hooks = {.choose = choose,
                                   .arg = search,
                                   .classes = 1 << PLAT_CLASS_SCHEDULER,
                                   .step_max = STEP_MAX};
  go_fn *main = s->main;
  int status = 0;
  uint32_t found = 0;
  plat_model_reset();
  w.faults = faults;
  plat_model_set_hooks(&hooks);
  rt_set_end_handler(on_end);
  assert_true(plat_model_prepare(main == NULL ? run_queue : run_go, &main, &status));
  for (uint32_t i = 1; i <= most && found == 0; i++) {
    search->random_state = i;
    search->stay = stays[i % 3];
    plat_model_explore(&search->out);
    if (search->out.end != PLAT_MODEL_DONE) found = i;
  }
  plat_model_leave();
  rt_set_end_handler(NULL);
  plat_model_set_hooks(NULL);
  return found;
}

static void faults_are_found(void **state) {
  struct search *search = test_malloc(sizeof *search);
  (void)state;
  for (size_t i = 0; i < sizeof scenes / sizeof scenes[0]; i++) {
    const struct scene *s = &scenes[i];
    uint32_t found = find(s, 0, SOUND_SCHEDULES, search);
    if (found != 0)
      print_error("without fault %u: %s\n", (unsigned)s->fault, search->out.message);
    assert_int_equal(found, 0);
    found = find(s, go_fault_bit(s->fault), SCHEDULES, search);
    assert_true(found > 0);
    assert_non_null(strstr(search->out.message, s->words));
  }
  test_free(search);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(faults_are_found)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}

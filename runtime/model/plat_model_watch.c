/* Explored runs, and what comes before their mark, watched by a timer: a program that goes on
 * without an operation gives nobody else the processor back. The timer counts processor time, so a
 * slow or a suspended machine is no hang. */
#include <signal.h>
#include <sys/time.h>

#include "plat_model_int.h"
#include "runtime/check.h"

enum { TICKS = 10, NS_PER_US = 1000, US_PER_S = 1000000, PAGE_BYTES = 4096 };

/* Mapped apart: no part of the world. (Of malloc's memory a compiler may make a static variable,
 * which would be one.) watch itself never changes while there is a timer. */
static struct watch {
  uint64_t cpu_ns;
  void (*stuck)(const struct plat_model_stuck *what, void *arg);
  void *arg;
  uint64_t run, steps;   /* at the last tick */
  uint32_t ticks;        /* since then that found the same */
  const struct model_thread *thread; /* has hung; NULL: none */
} *watch;

/* On the stack for signals: as after a crash, it is left for good. Before the mark there is no run
 * that could end. */
static void on_tick(int number) {
  struct watch *w = watch;
  uint64_t run = model_run_in_program();
  bool is_same = run != 0 && run == w->run && model.stats.steps == w->steps;
  (void)number;
  w->run = run;
  w->steps = model.stats.steps;
  w->ticks = is_same ? w->ticks + 1 : 0;
  if (w->ticks < TICKS) return;
  w->ticks = 0;
  w->thread = model.running;
  if (model.preparing) model_switch_to_host_last(model.running);
  model_end_run(PLAT_MODEL_CUT_OFF, 0, "");
}

/* A goroutine's own may be too small for a signal. From the mark on the image has one. */
static void make_signal_stack(void) {
  stack_t stack;
  rt_assert(sigaltstack(NULL, &stack) == 0);
  if ((stack.ss_flags & SS_DISABLE) == 0) return;
  stack = (stack_t){.ss_sp = model_map_apart(MODEL_SIGNAL_STACK_BYTES),
                    .ss_size = MODEL_SIGNAL_STACK_BYTES};
  rt_assert(sigaltstack(&stack, NULL) == 0);
}

static void set_timer(uint64_t ns) {
  uint64_t us = ns / NS_PER_US;
  struct timeval every = {(time_t)(us / US_PER_S), (suseconds_t)(us % US_PER_S)};
  struct itimerval timer = {.it_interval = every, .it_value = every};
  rt_assert(setitimer(ITIMER_VIRTUAL, &timer, NULL) == 0);
}

void plat_model_watch(uint64_t cpu_ns,
                      void (*stuck)(const struct plat_model_stuck *what, void *arg), void *arg) {
  struct sigaction action = {.sa_handler = on_tick,
                             .sa_flags = SA_ONSTACK | SA_NODEFER | SA_RESTART};
  sigemptyset(&action.sa_mask);
  set_timer(0);
  if (watch == NULL) {
    watch = model_map_apart(PAGE_BYTES);
    make_signal_stack();
  }
  *watch = (struct watch){.cpu_ns = cpu_ns, .stuck = stuck, .arg = arg};
  rt_assert(sigaction(SIGVTALRM, &action, NULL) == 0);
  plat_model_watch_child();
}

void plat_model_watch_child(void) {
  if (watch != NULL) set_timer(watch->cpu_ns / TICKS);
}

void model_watch_tell(void) {
  if (watch == NULL || watch->thread == NULL) return;
  const struct model_thread *t = watch->thread;
  struct plat_model_stuck what = {.thread = t->name, .self = t->self, .site = t->pending.site,
                                  .cpu_ns = watch->cpu_ns};
  watch->thread = NULL;
  watch->stuck(&what, watch->arg);
}

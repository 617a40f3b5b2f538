/* Announced operations a second in the model, without and with a switch at each. Prints; fails
 * only when the count of operations or switches is not what the schedule must give. */
#include <stdio.h>
#include <time.h>

#include "plat_model.h"
#include "support.h"

static PLAT_STATE struct at_u64 cell;
static uint64_t operations;

static void work(void *arg) {
  (void)arg;
  for (uint64_t i = 0; i < operations; i++) at_u64_add_relaxed(&cell, 1);
}

static void alone(void) { work(NULL); }

static void together(void) {
  struct plat_thread threads[8];
  for (int i = 0; i < 8; i++)
    rt_assert(plat_thread_start(&threads[i], "work", work, NULL) == RT_OK);
  for (int i = 0; i < 8; i++) plat_thread_join(&threads[i]);
}

static double seconds(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static struct plat_model_stats measure(const char *what, void (*body)(void)) {
  struct plat_model_stats s;
  double start = seconds();
  test_run(body);
  double took = seconds() - start;
  plat_model_stats_read(&s);
  printf("%s: %.1f M operations/s, %.1f M switches/s\n", what, (double)s.steps / took / 1e6,
         (double)s.switches / took / 1e6);
  return s;
}

int main(void) {
  operations = test_scaled(2000000);
  struct plat_model_stats s = measure("one thread", alone);
  rt_assert(s.steps == operations + 1 && s.switches == 0);
  operations = test_scaled(200000);
  s = measure("eight threads", together);
  rt_assert(s.steps >= 8 * operations && s.switches >= 8 * operations / 2);
  return 0;
}

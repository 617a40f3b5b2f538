#include "support.h"

#include <string.h>

#include "runtime/check.h"
#include "runtime/plat.h"

static PLAT_STATE struct {
  struct litmus_case what;
  struct plat_thread thread[LITMUS_THREADS_MAX];
  uint32_t index[LITMUS_THREADS_MAX];
} w;

static void enter(void *arg) {
  litmus_programs[w.what.program]->thread(*(const uint32_t *)arg);
}

static int run_litmus(void *arg) {
  w.what = *(const struct litmus_case *)arg;
  const struct litmus *l = litmus_programs[w.what.program];
  l->setup(&w.what);
  for (uint32_t i = 0; i < l->threads; i++) {
    w.index[i] = i;
    enum rt_err err = plat_thread_start(&w.thread[i], l->names[i], enter, &w.index[i]);
    rt_assert(err == RT_OK);
  }
  plat_model_mark();
  for (uint32_t i = 0; i < l->threads; i++) plat_thread_join(&w.thread[i]);
  const char *violation = l->check();
  if (violation != NULL) plat_model_fail_run(RT_END_VIOLATION, violation);
  return 0;
}

/* With no costs the first thread, which has the smallest number, gets to the mark before any of
 * the others begins. */
static void make_free(void) {
  struct plat_model_config c;
  plat_model_config_default(&c);
  memset(c.cost_ps, 0, sizeof c.cost_ps);
  plat_model_configure(&c);
}

void test_prepare(enum litmus_program program, uint32_t variant) {
  int status;
  make_free();
  struct litmus_case what = {program, variant, 0, 0};
  if (!plat_model_prepare(run_litmus, &what, &status)) fail_msg("no mark");
}

static int run_body(void *arg) {
  void (*body)(void) = *(void (**)(void))arg;
  body();
  return 0;
}

void test_prepare_body(void (*body)(void)) {
  int status;
  if (!plat_model_prepare(run_body, &body, &status)) fail_msg("no mark");
}

void test_leave(void) { plat_model_leave(); }

struct xp_config test_config(const char *strategy) {
  struct xp_config c;
  xp_config_default(&c);
  c.strategy = strategy;
  c.classes = 0;
  c.time_ns = UINT64_MAX;
  c.scenario = "litmus";
  return c;
}

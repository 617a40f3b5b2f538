#include "support.h"

#include "runtime/check.h"
#include "runtime/plat.h"

static int run_litmus(void *arg) {
  const char *violation = litmus_run(arg);
  if (violation != NULL) plat_model_fail_run(RT_END_VIOLATION, violation);
  return 0;
}

void test_prepare_case(const struct litmus_case *c) {
  int status;
  struct litmus_case what = *c;
  if (!plat_model_prepare(run_litmus, &what, &status)) fail_msg("no mark");
}

void test_prepare(enum litmus_program program, uint32_t variant) {
  test_prepare_case(&(struct litmus_case){program, variant, 0, 0});
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

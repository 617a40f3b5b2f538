#include "support.h"

#include "platform.h"

struct run {
  const struct go_config *config;
  go_fn *main;
  void *arg;
  struct go_totals totals;
};

static int run_body(void *arg) {
  struct run *run = arg;
  struct gc_config config;
  gc_config_default(&config);
  config.check = true;
  rt_assert(gc_init(&config, go_world_ops()) == RT_OK);
  rt_assert(go_run(run->config, run->main, run->arg) == RT_OK);
  go_totals_read(&run->totals);
  gc_finish();
  return 0;
}

void test_go_with(const struct go_config *config, go_fn *main, void *arg,
                  struct go_totals *totals) {
  struct run run = {config, main, arg, {0}};
  test_platform_reset();
  assert_int_equal(plat_main(run_body, &run), 0);
  if (totals != NULL) *totals = run.totals;
}

static void small_config(struct go_config *config, uint32_t procs) {
  go_config_default(config);
  config->procs = procs;
  config->stack_bytes = 64 << 10;
}

void test_go(uint32_t procs, go_fn *main, void *arg) {
  struct go_config config;
  small_config(&config, procs);
  test_go_with(&config, main, arg, NULL);
}

static void run_in_child(void *arg) { plat_main(run_body, arg); }

struct test_death test_die(uint32_t procs, go_fn *main, void *arg) {
  struct go_config config;
  small_config(&config, procs);
  struct run run = {&config, main, arg, {0}};
  return test_run_child(run_in_child, &run);
}

void test_busy_ns(struct go_g *g, uint64_t ns) {
  uint64_t start = plat_now_ns();
  while (plat_now_ns() - start < ns) {
    plat_charge(PLAT_COST_compute, 1000);
    gc_poll(&g->mu);
  }
}

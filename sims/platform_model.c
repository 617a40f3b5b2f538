#include "sims/platform.h"

#include <string.h>

#include "plat_model.h"

const char *const sim_platform_name = "model";
const bool sim_platform_is_real = false;

void sim_platform_start(void) {}

bool sim_platform_costs(const uint64_t *ps) {
  struct plat_model_config config;
  plat_model_config_default(&config);
  memcpy(config.cost_ps, ps, sizeof config.cost_ps);
  plat_model_configure(&config);
  return true;
}

uint64_t sim_platform_rss_bytes(void) { return 0; }

void sim_platform_counts_read(struct sim_platform_counts *out) {
  struct plat_model_stats stats;
  plat_model_stats_read(&stats);
  *out = (struct sim_platform_counts){.steps = stats.steps, .switches = stats.switches,
                                      .memory_misses = plat_model_cache_misses()};
}

void sim_platform_misses_read(uint32_t processor, struct sim_platform_misses *out) {
  struct plat_model_misses m;
  plat_model_misses_read(processor, &m);
  *out = (struct sim_platform_misses){.read = m.read, .write = m.write};
}

void *sim_platform_alloc(size_t bytes) { return plat_model_world_alloc(bytes); }
void sim_platform_free(void *p) { (void)p; }

void sim_platform_calibrate(void) {}

uint64_t sim_platform_compute(uint64_t ns, uint64_t seed) {
  plat_charge(PLAT_COST_compute, ns);
  return seed + ns;
}

/* A thread would take part in the schedule. */
void sim_platform_watch(void (*tick)(void *arg, bool is_asked_to_end), void *arg,
                        uint64_t period_ns) {
  (void)tick, (void)arg, (void)period_ns;
}

void sim_platform_unwatch(void) {}

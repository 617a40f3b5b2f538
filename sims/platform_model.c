#include "sims/platform.h"

#include "runtime/plat.h"

const char *const sim_platform_name = "model";
const bool sim_platform_is_real = false;

void sim_platform_start(void) {}

uint64_t sim_platform_rss_bytes(void) { return 0; }

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

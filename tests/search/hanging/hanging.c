/* Linked into an engine in front of sim_platform_compute: call number 100 times ns never comes
 * back, as a bug in a plain loop would have it. */
#include <stdlib.h>

#include "sims/platform.h"

uint64_t __wrap_sim_platform_compute(uint64_t ns, uint64_t seed);

/* What it points to is no part of the world; volatile, or a compiler may make it a variable. */
static uint64_t *volatile calls;

__attribute__((constructor)) static void begin(void) { calls = calloc(1, sizeof *calls); }

uint64_t __wrap_sim_platform_compute(uint64_t ns, uint64_t seed) {
  uint64_t *counted = calls;
  const volatile uint64_t *plain = counted;
  ++*counted;
  while (*plain >= 100 * ns) {
  }
  return seed + 1;
}

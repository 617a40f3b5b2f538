#include <string.h>

#include "sims/explore/strategies.h"

const struct xp_strategy *const xp_strategies[] = {
    &xp_strategy_hunt, &xp_strategy_bound, &xp_strategy_dpor,   &xp_strategy_pct,
    &xp_strategy_pos,  &xp_strategy_urw,   &xp_strategy_random, NULL,
};

const struct xp_strategy *xp_strategy_find(const char *name) {
  for (uint32_t i = 0; xp_strategies[i] != NULL; i++)
    if (strcmp(xp_strategies[i]->name, name) == 0) return xp_strategies[i];
  return NULL;
}

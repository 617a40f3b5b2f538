/* The cost table of the model as data: schema tricolor.cost/1 (configs/cost-model.json).
 *
 *   {"schema": "tricolor.cost/1",
 *    "measured": {"machine", "cpu", "date", "compiler", "how": texts},
 *    "rows": {NAME: {"ps": picoseconds for one unit, "unit": what one unit is,
 *                    "doc": how it was measured, "min_ps", "max_ps": spread of that}}}
 *
 * Rows and units are those of runtime/cost.def; each has to be there, and no other. */
#ifndef SIMS_COST_H
#define SIMS_COST_H

#include <stdint.h>

#define SIM_COST_SCHEMA "tricolor.cost/1"
#define SIM_COST_MAX_PS UINT64_C(1000000000000) /* one second */

enum sim_cost_row_id {
#define COST(name, picoseconds, doc) SIM_COST_##name,
#include "runtime/cost.def"
#undef COST
  SIM_COST_ROWS
};

struct sim_cost_row {
  const char *name, *unit;
  uint64_t ps; /* the default */
};
extern const struct sim_cost_row sim_cost_rows[SIM_COST_ROWS];

struct sim_cost {
  uint64_t ps[SIM_COST_ROWS];
};
void sim_cost_default(struct sim_cost *out);

/* Reads a table. NULL, or everything that is wrong with it, a line each with its place, in a fresh
 * string; *out is then the default. */
char *sim_cost_load(const char *path, struct sim_cost *out);

#endif

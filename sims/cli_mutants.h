/* The kill table: every fault of configs/races searched for, and its correct twin exhausted. */
#ifndef SIMS_CLI_MUTANTS_H
#define SIMS_CLI_MUTANTS_H

#include "sims/cli.h"

/* `tricolor explore --mutants`; the exit status: 1 when a fault is not found or a twin is not clean
 * up to its bound, 3 when an engine failed. */
int sim_mutants(struct sim_cli *cli, const struct sim_options *o);

#endif

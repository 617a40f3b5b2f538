/* What the commands of the front end share. */
#ifndef SIMS_CLI_H
#define SIMS_CLI_H

#include <stdbool.h>
#include <stdio.h>

#include "sims/cli_options.h"
#include "sims/scenario.h"
#include "sims/supervise.h"

struct sim_cli {
  struct sim_supervisor supervisor;
  bool color_out, color_err; /* on standard output, on standard error */
};

/* ---- commands (cli_*.c); each returns the exit status ---- */

int sim_cmd_run(struct sim_cli *cli, const struct sim_options *o);
int sim_cmd_compare(struct sim_cli *cli, const struct sim_options *o);
int sim_cmd_job(struct sim_cli *cli, const struct sim_options *o);
int sim_cmd_bench(struct sim_cli *cli, const struct sim_options *o);
int sim_cmd_calibrate(struct sim_cli *cli, const struct sim_options *o);
int sim_cmd_fidelity(struct sim_cli *cli, const struct sim_options *o);
int sim_cmd_explore(struct sim_cli *cli, const struct sim_options *o);
int sim_cmd_replay(struct sim_cli *cli, const struct sim_options *o);
int sim_cmd_conform(struct sim_cli *cli, const struct sim_options *o);
int sim_cmd_validate(struct sim_cli *cli, const struct sim_options *o);
int sim_cmd_list(struct sim_cli *cli, const struct sim_options *o);
int sim_cmd_help(struct sim_cli *cli, const struct sim_options *o);

/* The same with the scenario loaded already; file is the path it came from. */
int sim_run_scenario(struct sim_cli *cli, const struct sim_options *o, const char *file,
                     const struct scenario *s);
int sim_predict_scenario(struct sim_cli *cli, const struct sim_options *o, const char *file,
                         const struct scenario *s);
int sim_compare_scenario(struct sim_cli *cli, const struct sim_options *o, const char *file,
                         const struct scenario *s);
int sim_explore_scenario(struct sim_cli *cli, const struct sim_options *o, const char *file,
                         const struct scenario *s);

void sim_print_help(const struct sim_command *command, FILE *f, bool color);
void sim_print_overview(FILE *f, bool color);

/* ---- where things are (cli_paths.c); every string returned is the caller's to free ---- */

/* The executable of an engine; NULL with a message on stderr that says where it was looked for. */
char *sim_engine_find(const char *platform, const char *collector);
/* Whether there can be such an engine: foreign collectors know nothing of the model. */
bool sim_engine_exists(const char *platform, const char *collector);
/* As sim_engine_find, without a message. */
char *sim_engine_probe(const char *platform, const char *collector);
/* The cost table for the model: --cost, else the installed one; *path is the caller's, NULL: there
 * is none, and the engine uses its own. False: what is wrong with it is on stderr. */
bool sim_cost_path(const struct sim_options *o, char **path);
/* The directory of the scenarios that come with the program; NULL: there is none. */
char *sim_configs_dir(void);
/* Its folder of races, "races"; NULL: there is none. */
char *sim_races_dir(void);
/* The file of a FILE argument: itself when it exists, or the shipped scenario of that name; NULL
 * with a message on stderr. "-" stays "-". */
char *sim_scenario_path(const char *argument);

/* Loads the scenario of a path found by sim_scenario_path. NULL: all findings are on stderr. */
struct scenario *sim_scenario_read(const char *path, const struct sim_options *o);
/* The names (without ".json") of the scenarios in a directory, sorted, NULL-ended; schemas and
 * schedule files are none. Each and the list are the caller's. Empty when it cannot be read. */
char **sim_scenario_names(const char *dir);
void sim_names_free(char **names);
/* With something before that end. */
bool sim_name_ends(const char *name, const char *end);

/* ---- signals ---- */

/* 128 + the signal that asked the program to end, with a message; 0: none did. */
int sim_interrupted(struct sim_cli *cli);

#endif

/* The command line: commands, their options, and what they got. */
#ifndef SIMS_CLI_OPTIONS_H
#define SIMS_CLI_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "sims/scenario.h"

/* Bits of sim_command.options. */
enum sim_option_bit {
  SIM_OPT_COLLECTOR = 1 << 0,
  SIM_OPT_ENGINE = 1 << 1,
  SIM_OPT_SET = 1 << 2,
  SIM_OPT_SEED = 1 << 3,
  SIM_OPT_JSON = 1 << 4,
  SIM_OPT_GCTRACE = 1 << 5,
  SIM_OPT_EVENTS = 1 << 6,
  SIM_OPT_WITH = 1 << 7,
  SIM_OPT_RUNS = 1 << 8,
  SIM_OPT_JSON_ALONE = 1 << 9, /* --json may stand without a value, which means "-" */
  SIM_OPT_STRATEGY = 1 << 10,
  SIM_OPT_PREEMPTIONS = 1 << 11,
  SIM_OPT_DEPTH = 1 << 12,
  SIM_OPT_SCHEDULES = 1 << 13,
  SIM_OPT_TIME = 1 << 14,
  SIM_OPT_JOBS = 1 << 15,
  SIM_OPT_MUTANTS = 1 << 16,
  SIM_OPT_TRACE = 1 << 17,
  SIM_OPT_SCENARIO = 1 << 18,
  SIM_OPT_COST = 1 << 19,
  SIM_OPT_OUT = 1 << 20,
  SIM_OPT_DRIFT = 1 << 21,
  SIM_OPT_SHRINK = 1 << 22,
};

enum { SIM_RUNS_MAX = 1000, SIM_RUNS_DEFAULT = 5 };

#define SIM_ENGINE_BOTH "native,model" /* for --engine: run on both, and compare */

struct sim_options {
  const char **files; /* what is no option, in order */
  uint32_t file_count, file_room;
  uint32_t given;     /* option bits that appeared */
  bool help;
  const char *collector, *engine, *json, *events, *with; /* NULL: not given */
  const char *cost, *out;
  const char *trace, *scenario;                          /* NULL: not given */
  uint32_t runs;      /* 0: not given */
  struct sc_override *sets; /* --set, --seed and the like, in order */
  uint32_t set_count, set_room;
  char *time_text, *shrink_text; /* the values of --time and --shrink as the scenario spells them */
  char *own_text;     /* the words of the command line, cut at '=' where needed */
};

struct sim_cli;
struct sim_command {
  const char *name;
  const char *arguments;   /* "FILE", "FILE...", "[COMMAND]", "" */
  const char *doc;         /* one sentence */
  const char *text;        /* a paragraph or more for --help */
  const char *examples;    /* lines of "  command    # what it does" */
  uint32_t options;        /* enum sim_option_bit */
  uint32_t files_min, files_max;
  int (*run)(struct sim_cli *cli, const struct sim_options *o); /* the exit status */
};
extern const struct sim_command sim_commands[]; /* the last has no name */

/* Reads the words after the command. False: a message is on stderr. */
bool sim_options_parse(const struct sim_command *command, int argc, char **argv,
                       struct sim_options *o);
/* Refuses options that were given but are not in allowed; `who` says for what. */
bool sim_options_allowed(const struct sim_options *o, uint32_t allowed, const char *who);
void sim_options_free(struct sim_options *o);

/* One option for help: "--set PATH=VALUE" and a sentence; NULL past the last. */
struct sim_option_doc { uint32_t bit; const char *usage; const char *doc; };
const struct sim_option_doc *sim_option_doc(uint32_t i);

/* The command called name, or NULL; *suggestion then is the nearest or NULL. */
const struct sim_command *sim_command_find(const char *name, const char **suggestion);

#endif

/* The commands, and what `tricolor help` teaches about them. */
#include <string.h>

#include "sims/cli.h"
#include "sims/protocol.h"
#include "sims/result_fields.h"
#include "sims/table.h"

#define SCENARIO_OPTIONS (SIM_OPT_SET | SIM_OPT_SEED)
#define RUN_OPTIONS                                                                      \
  (SCENARIO_OPTIONS | SIM_OPT_COLLECTOR | SIM_OPT_ENGINE | SIM_OPT_JSON | SIM_OPT_GCTRACE | \
   SIM_OPT_EVENTS | SIM_OPT_COST | SIM_OPT_RUNS)
#define COMPARE_OPTIONS \
  (SCENARIO_OPTIONS | SIM_OPT_WITH | SIM_OPT_RUNS | SIM_OPT_ENGINE | SIM_OPT_JSON)

#define EXPLORE_OPTIONS                                                                    \
  (SCENARIO_OPTIONS | SIM_OPT_STRATEGY | SIM_OPT_PREEMPTIONS | SIM_OPT_DEPTH |             \
   SIM_OPT_SCHEDULES | SIM_OPT_TIME | SIM_OPT_JOBS | SIM_OPT_JSON | SIM_OPT_MUTANTS |      \
   SIM_OPT_SHRINK)

const struct sim_command sim_commands[] = {
  {
    .name = "run", .arguments = "FILE", .doc = "run a scenario once and show what was measured",
    .text =
      "FILE is a scenario in JSON, the name of one that comes with tricolor (`tricolor list`), or\n"
      "- for standard input. Shown are time, memory, collections, pauses as the collector sees\n"
      "them, gaps as the program sees them, minimum mutator utilisation, and the maps' growth.\n"
      "What the scenario expects is checked: a failed expectation makes the exit status 1.",
    .examples =
      "  tricolor run map-growth                         one that comes with tricolor\n"
      "  tricolor run my.json --set gc.gogc=50           the same with a tighter heap\n"
      "  tricolor run my.json --collector boehm          on the Boehm collector\n"
      "  tricolor run my.json --engine model --seed 7    in virtual time: repeatable to the byte\n"
      "  tricolor run my.json --engine native,model      the model's prediction and its error\n"
      "  tricolor run my.json --gctrace                  a line per collection, as Go prints it\n"
      "  tricolor run my.json --json - | jq .pauses      the numbers, for a program\n",
    .options = RUN_OPTIONS, .files_min = 1, .files_max = 1, .run = sim_cmd_run,
  },
  {
    .name = "compare", .arguments = "FILE",
    .doc = "run a scenario on several collectors, side by side",
    .text =
      "Runs our collector and the others in turns (A B A B ...), so that a slow phase of the\n"
      "machine hits all of them, and prints medians with their spread, and ratios formed within\n"
      "each round. From 6 runs on the ratios come with a 95 % interval: one that does not\n"
      "contain 1 is a difference, not chance.",
    .examples =
      "  tricolor compare map-growth                     against Boehm, 5 rounds\n"
      "  tricolor compare churn-64mib --runs 12          more rounds, narrower intervals\n"
      "  tricolor compare my.json --with boehm,none      also against never collecting\n"
      "  tricolor compare my.json --with boehm,go        three runtimes, one of them real Go\n"
      "  tricolor compare my.json --json result.json     everything measured, into a file\n",
    .options = COMPARE_OPTIONS, .files_min = 1, .files_max = 1, .run = sim_cmd_compare,
  },
  {
    .name = "explore", .arguments = "FILE",
    .doc = "search the interleavings of a scenario for a violation",
    .text =
      "Runs the scenario on the model, schedule after schedule, and checks the heap at every\n"
      "mark termination and at the end: lost objects, early frees, broken maps, deadlock,\n"
      "races; a crash is a violation of its schedule, too. What is found is made as small as it\n"
      "goes, of a large scenario first the scenario itself (--shrink), shown as a table with a\n"
      "column for each actor, and kept as a token and a .schedule.json file in the current\n"
      "directory for tricolor replay; the file holds the scenario. What was searched is\n"
      "counted, and one line says what may be concluded: EXHAUSTED (every schedule), BOUND\n"
      "(every one with so few preemptions), PROBABILITY (a chance to have met a bug of some\n"
      "depth) or NONE. Ctrl-C ends the search and shows all that for what was done; an engine\n"
      "that dies loses at most a second of it. A program that goes on in a plain loop, without an\n"
      "operation for 10 s of processor time (or runtime.deadline_ns), ends it with a message.\n"
      "A violation that the scenario expects (\"expect_violation\") is success.\n"
      "--mutants does it for every fault of configs/races and exhausts its correct twin.",
    .examples =
      "  tricolor explore late-barrier-work              find the flush race of issue 27993\n"
      "  tricolor explore my.json --strategy bound --preemptions 3\n"
      "                                                  every schedule with up to 3 preemptions\n"
      "  tricolor explore my.json --time 60 --jobs 2     a minute on two processors\n"
      "  tricolor explore my.json --set explore.points='[\"scheduler\",\"map\"]'\n"
      "                                                  interleave other operations\n"
      "  tricolor explore --mutants                      the kill table\n"
      "  tricolor explore my.json --json - | jq .guarantee\n",
    .options = EXPLORE_OPTIONS, .files_min = 0, .files_max = 1, .run = sim_cmd_explore,
  },
  {
    .name = "replay", .arguments = "TOKEN | FILE",
    .doc = "run one schedule again, as tricolor explore found it",
    .text =
      "TOKEN is the line that explore prints (in quotes: a shell would take parts of it), FILE\n"
      "the .schedule.json it wrote. The scenario of a token is looked for among those that come\n"
      "with tricolor and in the current directory, where it may be in the token's .schedule.json,\n"
      "or named with --scenario. The run is the same to the byte. In another build (a changed\n"
      "source, another compiler) a schedule is followed where its operations are met as expected;\n"
      "where not, it says what it expected and what it found. --drift then looks for where they\n"
      "are now, and says what has moved, or how far it came. A FILE survives more changes than a\n"
      "token: it names where threads were switched.",
    .examples =
      "  tricolor replay 'tri1:7f3a91c2:b10c44de:-:t0.0>t3:5e1c'\n"
      "  tricolor replay late-barrier-work-5e1c.schedule.json\n"
      "  tricolor replay FILE --trace run.json           open run.json in ui.perfetto.dev\n"
      "  tricolor replay FILE --drift                    after the source has changed\n"
      "  tricolor replay FILE --drift --set gc.faults=[] the same schedule without the fault\n"
      "  tricolor replay TOKEN --scenario my.json --set gc.gogc=50\n",
    .options = SCENARIO_OPTIONS | SIM_OPT_SCENARIO | SIM_OPT_TRACE | SIM_OPT_JSON | SIM_OPT_DRIFT,
    .files_min = 1, .files_max = 1, .run = sim_cmd_replay,
  },
  {
    .name = "job", .arguments = "FILE",
    .doc = "do what the scenario's \"job\" says: run, compare or explore",
    .text =
      "A scenario may name its job; without one it is compare. The options of that command\n"
      "apply.",
    .examples = "  tricolor job configs/map-growth.json            what ./dev run does\n",
    .options = RUN_OPTIONS | COMPARE_OPTIONS | (EXPLORE_OPTIONS & ~(uint32_t)SIM_OPT_MUTANTS),
    .files_min = 1, .files_max = 1, .run = sim_cmd_job,
  },
  {
    .name = "bench", .arguments = "[NAME...]",
    .doc = "measure our targets against their peers (Boehm, Go)",
    .text =
      "Runs small kernels and scenarios of ours and of the peer in turns and prints the ratio of\n"
      "medians beside the target. A missed target does not change the exit status: this is a\n"
      "measurement, not a test. A peer that is not installed is skipped, and said to be.",
    .examples =
      "  tricolor bench                                  all of them\n"
      "  tricolor bench alloc32 switch --runs 11         two, with more repetitions\n",
    .options = SIM_OPT_RUNS | SIM_OPT_JSON | SIM_OPT_SET, .files_min = 0, .files_max = 32,
    .run = sim_cmd_bench,
  },
  {
    .name = "fidelity", .arguments = "[WORKLOAD...]",
    .doc = "hold our runtime against Go's, number by number",
    .text =
      "Runs known workloads (maps grown, preallocated, shared; churn) at GOGC 50, 100 and 200 on\n"
      "our runtime and, in turns, on real Go where it is installed, and prints collections,\n"
      "allocations, map state, heap goals and assist share beside those recorded from Go 1.19.8,\n"
      "with a verdict for each. A missed bound does not change the exit status: this is a\n"
      "measurement, not a test. All of it takes two minutes for each run (default: 5).",
    .examples =
      "  tricolor fidelity                               all workloads\n"
      "  tricolor fidelity a e --runs 1                  the grown map, and all shared ones, once\n"
      "  tricolor fidelity --json - | jq .cases          for programs\n",
    .options = SIM_OPT_RUNS | SIM_OPT_JSON, .files_min = 0, .files_max = 32,
    .run = sim_cmd_fidelity,
  },
  {
    .name = "conform", .arguments = "LOG...",
    .doc = "hold an event log against the design's state machine",
    .text =
      "LOG is what `tricolor run --events` wrote, native or model, or - for standard input.\n"
      "Judged are phases and cycles of the collector, stops of the world, mark workers, assists,\n"
      "barrier buffers, the life of every goroutine and growths of maps. The first event that\n"
      "does not fit is named with its line and what was expected; the exit status then is 1.",
    .examples =
      "  tricolor run map-growth --events log            a run with its log\n"
      "  tricolor conform log                            whether it is a path the design allows\n",
    .options = 0, .files_min = 1, .files_max = UINT32_MAX, .run = sim_cmd_conform,
  },
  {
    .name = "calibrate", .arguments = "",
    .doc = "measure the model's cost table on this machine",
    .text =
      "Times single operations, and fits the costs of whole steps of the runtime so that small\n"
      "scenarios take as long in the model as natively. Prints each row with its spread and\n"
      "writes a table (tricolor.cost/1) that --cost takes.",
    .examples =
      "  tricolor calibrate --out my-cost.json           a minute or two on an idle machine\n"
      "  tricolor run map-growth --engine native,model --cost my-cost.json\n",
    .options = SIM_OPT_OUT | SIM_OPT_RUNS, .files_min = 0, .files_max = 0,
    .run = sim_cmd_calibrate,
  },
  {
    .name = "validate", .arguments = "FILE...",
    .doc = "check scenario files without running anything",
    .text =
      "Prints every error of every file as file:line:column: pointer: found and allowed.",
    .examples =
      "  tricolor validate my.json other.json            two files\n"
      "  tricolor validate my.json --set gc.gogc=off     with a value replaced\n",
    .options = SCENARIO_OPTIONS, .files_min = 1, .files_max = UINT32_MAX, .run = sim_cmd_validate,
  },
  {
    .name = "list", .arguments = "",
    .doc = "show collectors, engines, barriers, pacers, map kinds and scenarios",
    .text = "One line for each thing a scenario or an option can name.",
    .examples =
      "  tricolor list                                   for people\n"
      "  tricolor list --json | jq -r .scenarios[].name  for programs\n",
    .options = SIM_OPT_JSON | SIM_OPT_JSON_ALONE, .files_min = 0, .files_max = 0,
    .run = sim_cmd_list,
  },
  {
    .name = "help", .arguments = "[COMMAND | metrics]",
    .doc = "explain a command, or list the numbers a result holds",
    .text = "The same as COMMAND --help.",
    .examples =
      "  tricolor help compare                           one command\n"
      "  tricolor help metrics                           every field of a result, with its unit\n",
    .options = 0, .files_min = 0, .files_max = 1, .run = sim_cmd_help,
  },
  {.name = NULL},
};

static const char exit_status_text[] =
  "  0  done, and every expectation holds\n"
  "  1  an expectation failed, or a violation was found that the scenario does not expect\n"
  "  2  the input is wrong: options, scenario, a missing engine, an output that cannot be\n"
  "     written; nothing was run\n"
  "  3  an engine failed (crash, deadline, memory, no result), or results could not be written\n"
  "  128+N  ended by signal N, such as 130 after Ctrl-C\n";

static void heading(FILE *f, const char *text, bool color) {
  fprintf(f, "\n%s%s%s\n", sim_style_begin(SIM_BOLD, color), text, sim_style_end(SIM_BOLD, color));
}

void sim_print_overview(FILE *f, bool color) {
  fprintf(f, "%stricolor%s: a miniature garbage-collected runtime you can take apart\n",
          sim_style_begin(SIM_BOLD, color), sim_style_end(SIM_BOLD, color));
  heading(f, "Commands", color);
  for (const struct sim_command *c = sim_commands; c->name != NULL; c++) {
    fprintf(f, "  %-9s %s\n", c->name, c->doc);
  }
  heading(f, "Try", color);
  fprintf(f, "  tricolor list                    what there is to run\n"
             "  tricolor run map-growth          a million inserts into one map\n"
             "  tricolor compare map-growth      the same against the Boehm collector\n"
             "  tricolor explore late-barrier-work  find a race in the collector\n"
             "  tricolor help compare            more about a command\n");
  heading(f, "Exit status", color);
  fputs(exit_status_text, f);
}

static void print_option(FILE *f, const char *usage, const char *doc) {
  fprintf(f, "  %-18s %s\n", usage, doc);
}

void sim_print_help(const struct sim_command *command, FILE *f, bool color) {
  const struct sim_option_doc *doc = NULL;
  fprintf(f, "tricolor %s: %s\n", command->name, command->doc);
  heading(f, "Usage", color);
  fprintf(f, "  tricolor %s%s%s%s\n", command->name, command->arguments[0] != '\0' ? " " : "",
          command->arguments, command->options != 0 ? " [OPTION]..." : "");
  fprintf(f, "\n%s\n", command->text);
  heading(f, "Examples", color);
  fputs(command->examples, f);
  heading(f, "Options", color);
  for (uint32_t i = 0; (doc = sim_option_doc(i)) != NULL; i++) {
    if ((doc->bit & command->options) != 0) print_option(f, doc->usage, doc->doc);
  }
  print_option(f, "--help", "this text");
  heading(f, "Exit status", color);
  fputs(exit_status_text, f);
}

static void print_metrics(void) {
  struct sim_field_doc field;
  printf("Fields of a result (tricolor.result/1). \"expect\" in a scenario may name any number by\n"
         "its path; <name> is the name of a map, list, tree or channel; items of lists are\n"
         "numbered from 0 (mmu.0.utilisation); the name of a list stands for its length\n"
         "(violations).\n\n");
  for (uint32_t i = 0; sim_field_doc_at(i, &field); i++) {
    printf("  %-32s %-7s %s\n", field.path, strcmp(field.unit, "1") == 0 ? "" : field.unit,
           field.doc);
  }
}

int sim_cmd_help(struct sim_cli *cli, const struct sim_options *o) {
  const char *suggestion = NULL;
  if (o->file_count == 0) {
    sim_print_overview(stdout, cli->color_out);
    return TRI_EXIT_OK;
  }
  if (strcmp(o->files[0], "metrics") == 0) {
    print_metrics();
    return TRI_EXIT_OK;
  }
  const struct sim_command *command = sim_command_find(o->files[0], &suggestion);
  if (command != NULL) {
    sim_print_help(command, stdout, cli->color_out);
    return TRI_EXIT_OK;
  }
  fprintf(stderr, "tricolor: no command \"%s\"", o->files[0]);
  if (suggestion != NULL) fprintf(stderr, "; did you mean %s?", suggestion);
  fprintf(stderr, "\n");
  return TRI_EXIT_INPUT;
}

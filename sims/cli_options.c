#include "sims/cli_options.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sims/choices.h"
#include "sims/memory.h"
#include "sims/suggest.h"


/* ---- the options ---- */

/* Each stores one option's value; NULL, or a clause saying what is wrong with it. */
typedef const char *set_option(struct sim_options *o, const char *value);

static const char *check_choice(const struct sim_choice *table, const char *value) {
  static char names[128];
  sim_choice_names(table, names, sizeof names);
  return sim_choice_find(table, value) != NULL ? NULL : names;
}

static const char *set_collector(struct sim_options *o, const char *value) {
  o->collector = value;
  return check_choice(sim_collectors, value);
}

static const char *set_engine(struct sim_options *o, const char *value) {
  o->engine = value;
  if (strcmp(value, SIM_ENGINE_BOTH) == 0) return NULL;
  return check_choice(sim_platforms, value);
}

static void add_override(struct sim_options *o, const char *path, const char *value) {
  o->sets = sim_grow(o->sets, &o->set_room, o->set_count, sizeof o->sets[0]);
  o->sets[o->set_count++] = (struct sc_override){path, value};
}

static const char *set_set(struct sim_options *o, const char *value) {
  /* value lies in own_text, which is ours to cut. */
  char *equals = strchr(o->own_text + (value - o->own_text), '=');
  if (equals == NULL || equals == value) return "PATH=VALUE, such as gc.gogc=50";
  *equals = '\0';
  add_override(o, value, equals + 1);
  return NULL;
}

/* A whole decimal number within [low, high], nothing before or after it. */
static bool parse_number(const char *text, uint64_t low, uint64_t high, uint64_t *out) {
  char *end = NULL;
  errno = 0;
  if (text[0] < '0' || text[0] > '9') return false;
  *out = strtoull(text, &end, 10);
  return errno == 0 && *end == '\0' && *out >= low && *out <= high;
}

static const char *set_seed(struct sim_options *o, const char *value) {
  uint64_t seed = 0;
  if (!parse_number(value, 0, UINT64_MAX, &seed)) return "a whole number from 0 to 2^64-1";
  add_override(o, "seed", value);
  return NULL;
}

static const char *set_runs(struct sim_options *o, const char *value) {
  uint64_t runs = 0;
  if (!parse_number(value, 1, SIM_RUNS_MAX, &runs)) return "a whole number from 1 to 1000";
  o->runs = (uint32_t)runs;
  return NULL;
}

static const char *set_json(struct sim_options *o, const char *value) {
  o->json = value;
  return value[0] != '\0' ? NULL : "a file, or - for standard output";
}

static const char *set_events(struct sim_options *o, const char *value) {
  o->events = value;
  return value[0] != '\0' && strcmp(value, "-") != 0 ? NULL : "a file";
}

static const char *set_cost(struct sim_options *o, const char *value) {
  o->cost = value;
  return value[0] != '\0' ? NULL : "a file";
}

static const char *set_out(struct sim_options *o, const char *value) {
  o->out = value;
  return value[0] != '\0' ? NULL : "a file, or - for standard output";
}

static const char *set_with(struct sim_options *o, const char *value) {
  o->with = value;
  return value[0] != '\0' ? NULL : "collectors, separated by commas";
}

static const char *set_flag(struct sim_options *o, const char *value) {
  (void)o, (void)value;
  return NULL;
}

/* ---- exploring: each is the override of a key of "explore" ---- */

static const char *set_strategy(struct sim_options *o, const char *value) {
  add_override(o, "explore.strategy", value);
  return check_choice(sim_strategies, value);
}

static const char *set_preemptions(struct sim_options *o, const char *value) {
  uint64_t n = 0;
  add_override(o, "explore.preemptions", value);
  return parse_number(value, 0, 16, &n) ? NULL : "a whole number from 0 to 16";
}

static const char *set_depth(struct sim_options *o, const char *value) {
  uint64_t n = 0;
  add_override(o, "explore.depth", value);
  return parse_number(value, 0, 16, &n) ? NULL : "a whole number from 1 to 16, or 0: drawn";
}

static const char *set_schedules(struct sim_options *o, const char *value) {
  uint64_t n = 0;
  add_override(o, "explore.schedules", value);
  bool fits = parse_number(value, 1, INT64_MAX - 1, &n) || strcmp(value, "none") == 0;
  return fits ? NULL : "a whole number from 1 on, or none";
}

/* Seconds, or what a scenario takes as a time; *text becomes the override's value. */
static bool add_time(struct sim_options *o, const char *path, const char *value, char **text) {
  static const char *const units[] = {"", "s", "ms", "us", "ns"};
  size_t digits = strspn(value, "0123456789.");
  bool fits = false;
  for (uint32_t i = 0; i < sizeof units / sizeof units[0]; i++) {
    fits |= digits > 0 && value[0] != '.' && strcmp(value + digits, units[i]) == 0;
  }
  *text = sim_printf("%s%s", value, fits && value[digits] == '\0' ? "s" : "");
  add_override(o, path, *text);
  return fits;
}

static const char *set_time(struct sim_options *o, const char *value) {
  bool fits = add_time(o, "explore.time_ns", value, &o->time_text) || strcmp(value, "none") == 0;
  return fits ? NULL : "seconds, such as 10 or 0.5, a time such as 500ms, or none";
}

static const char *set_shrink(struct sim_options *o, const char *value) {
  bool fits = add_time(o, "explore.shrink_ns", value, &o->shrink_text);
  return fits ? NULL : "seconds, such as 10 or 0.5, a time such as 500ms, or 0";
}

static const char *set_jobs(struct sim_options *o, const char *value) {
  uint64_t n = 0;
  add_override(o, "explore.jobs", value);
  return parse_number(value, 1, 64, &n) ? NULL : "a whole number from 1 to 64";
}

static const char *set_trace(struct sim_options *o, const char *value) {
  o->trace = value;
  return value[0] != '\0' && strcmp(value, "-") != 0 ? NULL : "a file";
}

static const char *set_scenario(struct sim_options *o, const char *value) {
  o->scenario = value;
  return value[0] != '\0' ? NULL : "a scenario file, or the name of one that comes with tricolor";
}

struct option {
  struct sim_option_doc doc;
  const char *name;
  bool takes_value, may_repeat;
  set_option *set;
};

static const struct option options[] = {
  {{SIM_OPT_COLLECTOR, "--collector NAME", "concurrent (default), boehm, none or go"},
   "collector", true, false, set_collector},
  {{SIM_OPT_WITH, "--with NAME,NAME", "what to compare with: boehm (default), none, go"},
   "with", true, false, set_with},
  {{SIM_OPT_RUNS, "--runs N", "repetitions of each, 1 to 1000 (default 5; from 6 on the table shows"
                              " 95 % intervals of the ratios)"},
   "runs", true, false, set_runs},
  {{SIM_OPT_ENGINE, "--engine NAME",
    "native (default): real threads and clocks; model: virtual time; run also takes\n"
    "                     native,model: what the model predicts against what is measured"},
   "engine", true, false, set_engine},
  {{SIM_OPT_SET, "--set PATH=VALUE", "replace one value of the scenario; may be repeated"},
   "set", true, true, set_set},
  {{SIM_OPT_SEED, "--seed N", "the same as --set seed=N"}, "seed", true, false, set_seed},
  {{SIM_OPT_JSON | SIM_OPT_JSON_ALONE, "--json FILE",
    "write the results as JSON; - is standard output, with nothing else on it"},
   "json", true, false, set_json},
  {{SIM_OPT_GCTRACE, "--gctrace", "print a line per collection to stderr, as Go 1.19 does"},
   "gctrace", false, false, set_flag},
  {{SIM_OPT_COST, "--cost FILE", "the model's cost table, instead of the one that is installed"},
   "cost", true, false, set_cost},
  {{SIM_OPT_OUT, "--out FILE", "where to write; default cost-model.json; - is standard output"},
   "out", true, false, set_out},
  {{SIM_OPT_EVENTS, "--events FILE", "write the event log"}, "events", true, false, set_events},
  {{SIM_OPT_STRATEGY, "--strategy NAME",
    "hunt (default), bound, pct, pos, urw, random or dpor (`tricolor list` explains them)"},
   "strategy", true, false, set_strategy},
  {{SIM_OPT_PREEMPTIONS, "--preemptions N", "bound and hunt: up to so many preemptions"},
   "preemptions", true, false, set_preemptions},
  {{SIM_OPT_DEPTH, "--depth N", "pct: depth of the bugs it aims at (default: drawn from 1 to 4)"},
   "depth", true, false, set_depth},
  {{SIM_OPT_SCHEDULES, "--schedules N", "run at most so many schedules (default: none)"},
   "schedules", true, false, set_schedules},
  {{SIM_OPT_TIME, "--time S", "search for at most so long: seconds, 500ms or none"},
   "time", true, false, set_time},
  {{SIM_OPT_JOBS, "--jobs N", "processes that search at once, 1 to 64"}, "jobs", true, false,
   set_jobs},
  {{SIM_OPT_SHRINK, "--shrink S",
    "look for a smaller scenario with the same violation for at most so long (default: 2; 0: not)"},
   "shrink", true, false, set_shrink},
  {{SIM_OPT_MUTANTS, "--mutants", "instead of a FILE: every fault of configs/races, and its twin"},
   "mutants", false, false, set_flag},
  {{SIM_OPT_TRACE, "--trace FILE", "write the run for ui.perfetto.dev, a step a microsecond"},
   "trace", true, false, set_trace},
  {{SIM_OPT_DRIFT, "--drift", "look for where the schedule has moved to in this build"}, "drift",
   false, false, set_flag},
  {{SIM_OPT_SCENARIO, "--scenario FILE", "the scenario a token belongs to"}, "scenario", true,
   false, set_scenario},
};
enum { OPTION_COUNT = sizeof options / sizeof options[0] };

const struct sim_option_doc *sim_option_doc(uint32_t i) {
  return i < OPTION_COUNT ? &options[i].doc : NULL;
}

/* ---- parsing ---- */

static bool complain(const struct sim_command *c, char *what) {
  fprintf(stderr, "tricolor %s: %s\n(see: tricolor %s --help)\n", c->name, what, c->name);
  free(what);
  return false;
}

static bool complain_unknown(const struct sim_command *c, const char *word, size_t name_length) {
  char *name = sim_printf("%.*s", (int)name_length, word + 2);
  struct sim_suggest s = {.typed = name};
  const char *elsewhere = "";
  for (uint32_t i = 0; i < OPTION_COUNT; i++) {
    bool fits = (options[i].doc.bit & c->options) != 0;
    if (fits) sim_suggest_offer(&s, options[i].name);
    if (!fits && strcmp(options[i].name, name) == 0) elsewhere = " for this command";
  }
  sim_suggest_offer(&s, "help");
  char *hint = s.best != NULL ? sim_printf("; did you mean --%s?", s.best) : sim_strdup("");
  bool answer = complain(c, sim_printf("no option --%s%s%s", name, elsewhere, hint));
  free(hint);
  free(name);
  return answer;
}

static const struct option *find_option(const struct sim_command *c, const char *name,
                                        size_t length) {
  for (uint32_t i = 0; i < OPTION_COUNT; i++) {
    bool matches = strlen(options[i].name) == length &&
                   strncmp(options[i].name, name, length) == 0;
    if (matches && (options[i].doc.bit & c->options) != 0) return &options[i];
  }
  return NULL;
}

static bool store(const struct sim_command *c, const struct option *option, const char *value,
                  struct sim_options *o) {
  uint32_t bit = option->doc.bit & c->options;
  if ((o->given & bit) != 0 && !option->may_repeat) {
    return complain(c, sim_printf("--%s is given twice", option->name));
  }
  o->given |= bit;
  const char *allowed = option->set(o, value);
  if (allowed == NULL) return true;
  return complain(c, sim_printf("--%s: found \"%s\", allowed: %s", option->name, value, allowed));
}

/* The cursor over the words of the command line. */
struct words { char **list; uint32_t count, next; };

static bool take_option(const struct sim_command *c, char *word, struct words *w,
                        struct sim_options *o) {
  const char *name = word + 2, *equals = strchr(name, '=');
  size_t length = equals != NULL ? (size_t)(equals - name) : strlen(name);
  if (strcmp(word, "-h") == 0 || strcmp(word, "--help") == 0) {
    o->help = true;
    return true;
  }
  if (word[1] != '-') return complain(c, sim_printf("no option %s", word));
  const struct option *option = find_option(c, name, length);
  if (option == NULL) return complain_unknown(c, word, length);
  if (!option->takes_value) {
    if (equals == NULL) return store(c, option, "", o);
    return complain(c, sim_printf("--%s takes no value", option->name));
  }
  if (equals != NULL) return store(c, option, equals + 1, o);
  bool has_next = w->next < w->count;
  bool may_stand_alone = (option->doc.bit & c->options & SIM_OPT_JSON_ALONE) != 0;
  if (may_stand_alone && (!has_next || w->list[w->next][0] == '-')) {
    if (has_next && strcmp(w->list[w->next], "-") == 0) w->next++;
    return store(c, option, "-", o);
  }
  if (!has_next) return complain(c, sim_printf("--%s needs a value", option->name));
  return store(c, option, w->list[w->next++], o);
}

static bool check_file_count(const struct sim_command *c, const struct sim_options *o) {
  if (o->help) return true;
  if (o->file_count < c->files_min) {
    return complain(c, sim_printf("%s is missing", c->arguments));
  }
  if (o->file_count <= c->files_max) return true;
  return complain(c, sim_printf("\"%s\" is one argument too many", o->files[c->files_max]));
}

/* All words in one block of memory, so that values can be cut and stay valid. */
static char **copy_words(int argc, char **argv, struct sim_options *o) {
  size_t bytes = 1, used = 0;
  char **list = sim_alloc(((size_t)argc + 1) * sizeof list[0]);
  for (int i = 0; i < argc; i++) bytes += strlen(argv[i]) + 1;
  o->own_text = sim_alloc(bytes);
  for (int i = 0; i < argc; i++) {
    size_t length = strlen(argv[i]) + 1;
    list[i] = memcpy(o->own_text + used, argv[i], length);
    used += length;
  }
  return list;
}

bool sim_options_parse(const struct sim_command *command, int argc, char **argv,
                       struct sim_options *o) {
  memset(o, 0, sizeof *o);
  struct words w = {.list = copy_words(argc, argv, o), .count = (uint32_t)argc};
  bool options_over = false, fine = true;
  while (fine && w.next < w.count) {
    char *word = w.list[w.next++];
    bool is_option = !options_over && word[0] == '-' && word[1] != '\0';
    if (is_option && strcmp(word, "--") == 0) {
      options_over = true;
    } else if (is_option) {
      fine = take_option(command, word, &w, o);
    } else {
      o->files = sim_grow(o->files, &o->file_room, o->file_count, sizeof o->files[0]);
      o->files[o->file_count++] = word;
    }
  }
  free(w.list);
  return fine && check_file_count(command, o);
}

bool sim_options_allowed(const struct sim_options *o, uint32_t allowed, const char *who) {
  for (uint32_t i = 0; i < OPTION_COUNT; i++) {
    if ((o->given & ~allowed & options[i].doc.bit) == 0) continue;
    fprintf(stderr, "tricolor: --%s means nothing for %s\n", options[i].name, who);
    return false;
  }
  return true;
}

void sim_options_free(struct sim_options *o) {
  free(o->files);
  free(o->sets);
  free(o->time_text);
  free(o->shrink_text);
  free(o->own_text);
  memset(o, 0, sizeof *o);
}

const struct sim_command *sim_command_find(const char *name, const char **suggestion) {
  struct sim_suggest s = {.typed = name};
  for (const struct sim_command *c = sim_commands; c->name != NULL; c++) {
    if (strcmp(c->name, name) == 0) return c;
    sim_suggest_offer(&s, c->name);
  }
  *suggestion = s.best;
  return NULL;
}

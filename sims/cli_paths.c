/* Finds engines, shipped scenarios and the scenario of a command line. Nothing here is compiled in:
 * places are relative to the running executable, so an installation can be moved. */
#include <dirent.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sims/cli.h"
#include "sims/cost.h"
#include "sims/memory.h"
#include "sims/protocol.h"
#include "sims/suggest.h"
#include "sims/table.h"

enum { STDIN_MAX = 4 << 20 };

/* The directory of this executable. */
static char *own_dir(void) {
  char *path = realpath("/proc/self/exe", NULL);
  if (path == NULL) return sim_strdup(".");
  char *slash = strrchr(path, '/');
  if (slash != NULL) *slash = '\0';
  char *copy = sim_strdup(path);
  free(path);
  return copy;
}

/* ---- engines ---- */

static bool is_executable(const char *path) {
  struct stat st;
  return stat(path, &st) == 0 && S_ISREG(st.st_mode) && access(path, X_OK) == 0;
}

/* Places an engine may be, in order; an environment variable that is set is the only one. */
struct places { char *dirs[2]; uint32_t count; };

static struct places engine_places(void) {
  struct places p = {.count = 0};
  const char *set = getenv("TRICOLOR_LIBEXEC");
  if (set != NULL && set[0] != '\0') {
    p.dirs[p.count++] = sim_strdup(set);
    return p;
  }
  char *own = own_dir();
  p.dirs[p.count++] = own;
  p.dirs[p.count++] = sim_printf("%s/../libexec/tricolor", own);
  return p;
}

static void places_free(struct places *p) {
  for (uint32_t i = 0; i < p->count; i++) free(p->dirs[i]);
}

static char *probe(const struct places *p, const char *platform, const char *collector) {
  for (uint32_t i = 0; i < p->count; i++) {
    char *path = sim_printf("%s/tricolor-%s-%s", p->dirs[i], platform, collector);
    if (is_executable(path)) return path;
    free(path);
  }
  return NULL;
}

char *sim_engine_probe(const char *platform, const char *collector) {
  struct places p = engine_places();
  char *path = probe(&p, platform, collector);
  places_free(&p);
  return path;
}

bool sim_engine_exists(const char *platform, const char *collector) {
  bool is_foreign = strcmp(collector, "boehm") == 0 || strcmp(collector, "go") == 0;
  return strcmp(platform, "model") != 0 || !is_foreign;
}

char *sim_engine_find(const char *platform, const char *collector) {
  if (!sim_engine_exists(platform, collector)) {
    fprintf(stderr, "tricolor: the %s collector exists on native only, not on %s; nothing run\n",
            collector, platform);
    return NULL;
  }
  struct places p = engine_places();
  char *path = probe(&p, platform, collector);
  if (path == NULL) {
    fprintf(stderr, "tricolor: no engine tricolor-%s-%s; looked in", platform, collector);
    for (uint32_t i = 0; i < p.count; i++) {
      fprintf(stderr, "%s %s", i > 0 ? " and" : "", p.dirs[i]);
    }
    bool is_set = p.count == 1;
    fprintf(stderr, is_set ? " (set by $TRICOLOR_LIBEXEC)" : " ($TRICOLOR_LIBEXEC is not set)");
    if (strcmp(collector, "go") == 0) {
      fprintf(stderr, "\nIt is built where a Go toolchain is found, 1.19 or newer:"
                      " apt-get install golang-1.19-go, then build again.");
    }
    fprintf(stderr, "\n`tricolor list` shows the engines that are there. Nothing was run.\n");
  }
  places_free(&p);
  return path;
}

/* ---- shipped scenarios ---- */

/* The schema tells a directory of scenarios from any other called configs. */
static bool holds_scenarios(const char *dir) {
  char *schema = sim_printf("%s/scenario.schema.json", dir);
  bool holds = access(schema, F_OK) == 0;
  free(schema);
  return holds;
}

char *sim_configs_dir(void) {
  static const char *const below[] = {"../configs", "../share/tricolor/configs"};
  const char *set = getenv("TRICOLOR_CONFIGS");
  if (set != NULL && set[0] != '\0') return holds_scenarios(set) ? sim_strdup(set) : NULL;
  char *own = own_dir(), *found = NULL;
  for (uint32_t i = 0; i < 2 && found == NULL; i++) {
    char *dir = sim_printf("%s/%s", own, below[i]);
    found = holds_scenarios(dir) ? realpath(dir, NULL) : NULL;
    free(dir);
  }
  free(own);
  return found;
}

char *sim_races_dir(void) {
  char *configs = sim_configs_dir();
  char *dir = configs != NULL ? sim_printf("%s/races", configs) : NULL;
  struct stat st;
  if (dir != NULL && (stat(dir, &st) != 0 || !S_ISDIR(st.st_mode))) {
    free(dir);
    dir = NULL;
  }
  free(configs);
  return dir;
}

#define COST_FILE "cost-model.json"

bool sim_cost_path(const struct sim_options *o, char **path) {
  struct sim_cost ignored;
  char *dir = o->cost == NULL ? sim_configs_dir() : NULL;
  *path = NULL;
  if (o->cost != NULL) *path = sim_strdup(o->cost);
  if (dir != NULL) *path = sim_printf("%s/" COST_FILE, dir);
  free(dir);
  if (*path != NULL && o->cost == NULL && access(*path, F_OK) != 0) {
    free(*path);
    *path = NULL;
  }
  char *wrong = *path != NULL ? sim_cost_load(*path, &ignored) : NULL;
  if (wrong == NULL) return true;
  fprintf(stderr, "%s\nNothing was run.\n", wrong);
  free(wrong);
  free(*path);
  *path = NULL;
  return false;
}

bool sim_name_ends(const char *name, const char *end) {
  size_t length = strlen(name), tail = strlen(end);
  return length > tail && strcmp(name + length - tail, end) == 0;
}

static bool is_scenario_name(const char *name) {
  if (strcmp(name, COST_FILE) == 0 || name[0] == '.' || !sim_name_ends(name, ".json")) return false;
  return !sim_name_ends(name, ".schema.json") && !sim_name_ends(name, TRICOLOR_SCHEDULE_SUFFIX);
}

static int compare_names(const void *a, const void *b) {
  return strcmp(*(char *const *)a, *(char *const *)b);
}

char **sim_scenario_names(const char *dir) {
  uint32_t count = 0, room = 0;
  char **names = sim_grow(NULL, &room, 0, sizeof names[0]);
  DIR *d = dir != NULL ? opendir(dir) : NULL;
  for (const struct dirent *e = NULL; d != NULL && (e = readdir(d)) != NULL;) {
    if (!is_scenario_name(e->d_name)) continue;
    names = sim_grow(names, &room, count, sizeof names[0]);
    names[count++] = sim_printf("%.*s", (int)strlen(e->d_name) - 5, e->d_name);
  }
  if (d != NULL) closedir(d);
  qsort(names, count, sizeof names[0], compare_names);
  names = sim_grow(names, &room, count, sizeof names[0]);
  names[count] = NULL;
  return names;
}

void sim_names_free(char **names) {
  for (char **p = names; *p != NULL; p++) free(*p);
  free(names);
}

static void complain_missing(const char *argument, const char *const *dirs) {
  char **names[2] = {sim_scenario_names(dirs[0]), sim_scenario_names(dirs[1])};
  struct sim_suggest s = {.typed = argument};
  for (uint32_t i = 0; i < 2; i++) {
    for (char **p = names[i]; *p != NULL; p++) sim_suggest_offer(&s, *p);
  }
  fprintf(stderr, "%s: no such file, and no scenario of that name comes with tricolor", argument);
  if (s.best != NULL) fprintf(stderr, "; did you mean %s?", s.best);
  fprintf(stderr, "\n`tricolor list` shows the scenarios that do. Nothing was run.\n");
  for (uint32_t i = 0; i < 2; i++) sim_names_free(names[i]);
}

char *sim_scenario_path(const char *argument) {
  bool is_name = strchr(argument, '/') == NULL;
  if (strcmp(argument, "-") == 0 || !is_name || access(argument, F_OK) == 0) {
    return sim_strdup(argument);
  }
  char *const dirs[] = {sim_configs_dir(), sim_races_dir()};
  const char *suffix = is_scenario_name(argument) ? "" : ".json";
  char *path = NULL;
  for (uint32_t i = 0; i < 2 && path == NULL; i++) {
    if (dirs[i] == NULL) continue;
    path = sim_printf("%s/%s%s", dirs[i], argument, suffix);
    if (access(path, F_OK) == 0) continue;
    free(path);
    path = NULL;
  }
  if (path == NULL) complain_missing(argument, (const char *const *)dirs);
  for (uint32_t i = 0; i < 2; i++) free(dirs[i]);
  return path;
}

/* ---- loading ---- */

static void report_errors(const char *path, const struct sc_errors *errors) {
  for (uint32_t i = 0; i < errors->count; i++) {
    char *line = sc_error_format(&errors->list[i]);
    char *clean = sim_alloc(strlen(line) + 1);
    fprintf(stderr, "%s\n", sim_text_clean(line, clean, strlen(line) + 1));
    free(clean);
    free(line);
  }
  uint32_t total = errors->count + errors->dropped;
  fprintf(stderr, "%s: %u error%s", path, total, total == 1 ? "" : "s");
  if (errors->dropped > 0) fprintf(stderr, ", the first %u shown", errors->count);
  fprintf(stderr, "; nothing was run\n");
}

static struct scenario *read_stdin(const struct sim_options *o, struct sc_errors *errors) {
  size_t used = 0, n = 0;
  char *text = sim_alloc(STDIN_MAX + 1); /* one more than allowed: the loader refuses it */
  while (used <= STDIN_MAX && (n = fread(text + used, 1, STDIN_MAX + 1 - used, stdin)) > 0) {
    used += n;
  }
  struct scenario *s = scenario_load("<stdin>", text, used, o->sets, o->set_count, errors);
  free(text);
  return s;
}

struct scenario *sim_scenario_read(const char *path, const struct sim_options *o) {
  struct sc_errors errors = {0};
  bool is_stdin = strcmp(path, "-") == 0;
  struct scenario *s = is_stdin ? read_stdin(o, &errors)
                                : scenario_load_file(path, o->sets, o->set_count, &errors);
  if (s == NULL) report_errors(is_stdin ? "<stdin>" : path, &errors);
  sc_errors_free(&errors);
  return s;
}

/* tricolor replay: runs one schedule again, from a token or a schedule file. */
#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "sims/cli.h"
#include "sims/cli_explore.h"
#include "sims/jsonpos.h"
#include "sims/memory.h"
#include "sims/protocol.h"
#include "sims/table.h"

#define TOKEN_START "tri1:"
enum { TOKEN_PARTS = 6, KEY_DIGITS = 8, FILE_MAX = 64 << 20 };

/* What is to be run again. */
struct replay {
  char *token;
  const char *schedule;  /* the file it is from; NULL: none */
  char *kept;            /* the same, where a token led to it */
  char *file;            /* of the scenario, for messages */
  struct scenario *scenario;
};

/* ---- tokens ---- */

/* Eight hex digits up to a colon. */
static bool read_key(const char *text, uint32_t *out) {
  char *end = NULL;
  if (strspn(text, "0123456789abcdef") != KEY_DIGITS || text[KEY_DIGITS] != ':') return false;
  *out = (uint32_t)strtoul(text, &end, 16);
  return true;
}

static bool token_scenario(const char *token, uint32_t *key) {
  uint32_t parts = 1;
  for (const char *p = token; *p != '\0'; p++) parts += *p == ':';
  return parts == TOKEN_PARTS && read_key(token + strlen(TOKEN_START), key);
}

static bool refuse_token(const char *token) {
  char shown[81];
  fprintf(stderr, "tricolor replay: found \"%s\", allowed: a token "
                  TOKEN_START "SCENARIO:BUILD:CHOICES:DIRECTIVES:CHECK as `tricolor explore` "
                  "prints it, in quotes, or a .schedule.json file\n",
          sim_text_clean(token, shown, sizeof shown));
  return false;
}

/* ---- the scenario that is given ---- */

static bool given_scenario(struct replay *r, const struct sim_options *o, uint32_t key) {
  r->file = sim_scenario_path(o->scenario);
  r->scenario = r->file != NULL ? sim_scenario_read(r->file, o) : NULL;
  if (r->scenario == NULL) return false;
  uint32_t found = scenario_key(r->scenario);
  if (found == key || (r->schedule != NULL && (o->given & SIM_OPT_DRIFT) != 0)) return true;
  fprintf(stderr, "tricolor replay: the token expects scenario %08x, found %08x: %s, or the --set, "
                  "is not what was explored. Nothing was run.\n", key, found, r->file);
  return false;
}

/* ---- schedule files ---- */

static char *read_whole(const char *path) {
  FILE *f = fopen(path, "re");
  size_t used = 0, room = 1 << 16, n = 0;
  char *text = sim_alloc(room);
  while (f != NULL && used < FILE_MAX && (n = fread(text + used, 1, room - used - 1, f)) > 0) {
    used += n;
    if (used + 1 == room) text = sim_resize(text, room *= 2);
  }
  bool is_read = f != NULL && !ferror(f);
  if (f != NULL) fclose(f);
  text[used] = '\0';
  if (is_read) return text;
  free(text);
  return NULL;
}

static bool refuse_file(const char *path, const char *why) {
  fprintf(stderr, "tricolor replay: %s: %s; nothing was run\n", path, why);
  return false;
}

/* The scenario in a schedule file is text, so that no number of it is rounded. */
static struct scenario *load_kept(const char *path, const char *text, const struct sim_options *o) {
  struct sc_errors errors = {0};
  struct scenario *s =
    scenario_load(path, text, strlen(text), o->sets, o->set_count, &errors);
  for (uint32_t i = 0; i < errors.count; i++) {
    char *line = sc_error_format(&errors.list[i]);
    fprintf(stderr, "the scenario in %s\n", line);
    free(line);
  }
  sc_errors_free(&errors);
  return s;
}

/* What is in the file is what was explored, even where a newer tricolor knows more keys; with other
 * values it is not, and a schedule of it may still lead somewhere. */
static bool accept_kept(const struct replay *r, const struct sim_options *o, uint32_t key) {
  uint32_t found = scenario_key(r->scenario);
  bool is_changed = o->set_count > 0 && found != key;
  if (!is_changed || (o->given & SIM_OPT_DRIFT) != 0) return true;
  fprintf(stderr, "tricolor replay: the schedule is of scenario %08x, found %08x: --set or --seed "
                  "makes another of it. Nothing was run; --drift tries the schedule there.\n", key,
          found);
  return false;
}

static const char *text_of(const cJSON *object, const char *key) {
  return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, key));
}

static bool take_document(struct replay *r, const struct sim_options *o, const char *path,
                          const cJSON *doc) {
  const char *schema = text_of(doc, "schema"), *token = text_of(doc, "token");
  const char *scenario = text_of(doc, "scenario");
  uint32_t key = 0;
  if (!cJSON_IsObject(doc)) return refuse_file(path, "it is not JSON");
  if (schema == NULL || strcmp(schema, TRICOLOR_SCHEDULE_SCHEMA) != 0) {
    return refuse_file(path, "found no schedule file: its \"schema\" is not \""
                             TRICOLOR_SCHEDULE_SCHEMA "\" (a scenario is for tricolor explore)");
  }
  if (token == NULL || scenario == NULL) {
    return refuse_file(path, "\"token\" or \"scenario\" is missing");
  }
  if (strncmp(token, TOKEN_START, strlen(TOKEN_START)) != 0 || !token_scenario(token, &key)) {
    return refuse_token(token);
  }
  free(r->token);
  r->token = sim_strdup(token);
  r->schedule = path;
  if (o->scenario != NULL) return given_scenario(r, o, key);
  r->file = sim_strdup(path);
  r->scenario = load_kept(path, scenario, o);
  return r->scenario != NULL && accept_kept(r, o, key);
}

static bool take_file(struct replay *r, const struct sim_options *o, const char *path) {
  char *text = read_whole(path);
  if (text == NULL) {
    return strchr(path, ':') != NULL ? refuse_token(path)
                                     : refuse_file(path, "no such file, or it cannot be read");
  }
  cJSON *doc = cJSON_Parse(text);
  bool is_taken = take_document(r, o, path, doc);
  cJSON_Delete(doc);
  free(text);
  return is_taken;
}

/* ---- whose token is it? ---- */

/* Searches the scenarios of one directory. */
static bool search_dir(struct replay *r, const struct sim_options *o, const char *dir, uint32_t key,
                       uint32_t *tried) {
  char **names = sim_scenario_names(dir);
  for (char **name = names; *name != NULL && r->scenario == NULL; name++) {
    struct sc_errors errors = {0};
    char *path = sim_printf("%s/%s.json", dir, *name);
    struct scenario *s = scenario_load_file(path, o->sets, o->set_count, &errors);
    *tried += s != NULL;
    if (s != NULL && scenario_key(s) == key) {
      r->scenario = s;
      r->file = sim_strdup(path);
    } else {
      scenario_free(s);
    }
    sc_errors_free(&errors);
    free(path);
  }
  sim_names_free(names);
  return r->scenario != NULL;
}

/* The schedule file of a token in the current directory; NULL: there is none. The caller frees. */
static char *find_file(const char *token) {
  DIR *d = opendir(".");
  char *found = NULL;
  for (const struct dirent *e = NULL; d != NULL && found == NULL && (e = readdir(d)) != NULL;) {
    char *text = sim_name_ends(e->d_name, TRICOLOR_SCHEDULE_SUFFIX) ? read_whole(e->d_name) : NULL;
    cJSON *doc = text != NULL ? cJSON_Parse(text) : NULL;
    const char *its = text_of(doc, "token");
    if (its != NULL && strcmp(its, token) == 0) found = sim_strdup(e->d_name);
    cJSON_Delete(doc);
    free(text);
  }
  if (d != NULL) closedir(d);
  return found;
}

static void tell_unknown(uint32_t key, uint32_t tried, const char *configs, const char *races) {
  fprintf(stderr, "tricolor replay: the token expects scenario %08x; found: none of the %u "
                  "scenarios in", key, tried);
  if (races != NULL) fprintf(stderr, " %s,", races);
  if (configs != NULL) fprintf(stderr, " %s and", configs);
  fprintf(stderr, " the current directory is it, and no " TRICOLOR_SCHEDULE_SUFFIX " file here is "
                  "of the token.\nGive it with --scenario FILE, and the same --set as when it was "
                  "explored. Nothing was run.\n");
}

/* Of a scenario that was made smaller only a schedule file holds the text. */
static bool search_scenario(struct replay *r, const struct sim_options *o, uint32_t key) {
  char *configs = sim_configs_dir(), *races = sim_races_dir();
  uint32_t tried = 0;
  const char *const dirs[] = {races, configs, "."};
  bool is_found = false;
  for (uint32_t i = 0; i < 3 && !is_found; i++) {
    if (dirs[i] != NULL) is_found = search_dir(r, o, dirs[i], key, &tried);
  }
  r->kept = is_found ? NULL : find_file(r->token);
  if (r->kept != NULL)
    is_found = take_file(r, o, r->kept);
  else if (!is_found)
    tell_unknown(key, tried, configs, races);
  free(configs);
  free(races);
  return is_found;
}

static bool take_token(struct replay *r, const struct sim_options *o, const char *token) {
  uint32_t key = 0;
  if (!token_scenario(token, &key)) return refuse_token(token);
  r->token = sim_strdup(token);
  return o->scenario != NULL ? given_scenario(r, o, key) : search_scenario(r, o, key);
}

int sim_cmd_replay(struct sim_cli *cli, const struct sim_options *o) {
  struct replay r = {.token = NULL};
  const char *what = o->files[0];
  bool is_token = strncmp(what, TOKEN_START, strlen(TOKEN_START)) == 0;
  bool is_taken = is_token ? take_token(&r, o, what) : take_file(&r, o, what);
  int status = TRI_EXIT_INPUT;
  struct sim_again again = {r.token, r.schedule, (o->given & SIM_OPT_DRIFT) != 0};
  if (is_taken) status = sim_search_command(cli, o, r.file, r.scenario, &again);
  scenario_free(r.scenario);
  free(r.token);
  free(r.kept);
  free(r.file);
  return status;
}

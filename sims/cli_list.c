/* tricolor list and validate: what there is, and whether scenario files are right. */
#include <stdlib.h>
#include <string.h>

#include "sims/choices.h"
#include "sims/cli.h"
#include "sims/cli_expect.h"
#include "sims/cli_output.h"
#include "sims/memory.h"
#include "sims/protocol.h"
#include "sims/table.h"

#define LIST_SCHEMA "tricolor.list/1"

/* ---- what there is, as a document; the text is printed from it ---- */

static void add_item(cJSON *list, const char *name, const char *doc) {
  cJSON *item = cJSON_CreateObject();
  cJSON_AddStringToObject(item, "name", name);
  cJSON_AddStringToObject(item, "description", doc);
  cJSON_AddItemToArray(list, item);
}

static void add_choices(cJSON *doc, const char *key, const struct sim_choice *table) {
  cJSON *list = cJSON_AddArrayToObject(doc, key);
  for (; table->name != NULL; table++) add_item(list, table->name, table->doc);
}

/* Every engine there can be; path is null where it is not there. */
static void add_engines(cJSON *doc) {
  cJSON *list = cJSON_AddArrayToObject(doc, "engines");
  for (const struct sim_choice *p = sim_platforms; p->name != NULL; p++) {
    for (const struct sim_choice *c = sim_collectors; c->name != NULL; c++) {
      if (!sim_engine_exists(p->name, c->name)) continue;
      char *path = sim_engine_probe(p->name, c->name);
      cJSON *item = cJSON_CreateObject();
      cJSON_AddStringToObject(item, "engine", p->name);
      cJSON_AddStringToObject(item, "collector", c->name);
      cJSON_AddItemToObject(item, "path",
                            path != NULL ? cJSON_CreateString(path) : cJSON_CreateNull());
      cJSON_AddItemToArray(list, item);
      free(path);
    }
  }
}

/* dir is freed. */
static void add_scenarios(cJSON *doc, const char *key, char *dir) {
  cJSON *list = cJSON_AddArrayToObject(doc, key);
  char **names = sim_scenario_names(dir);
  for (char **name = names; *name != NULL; name++) {
    struct sc_errors errors = {0};
    char *path = sim_printf("%s/%s.json", dir, *name);
    struct scenario *s = scenario_load_file(path, NULL, 0, &errors);
    add_item(list, *name, s != NULL ? s->description : "(has errors: see tricolor validate)");
    scenario_free(s);
    sc_errors_free(&errors);
    free(path);
  }
  sim_names_free(names);
  free(dir);
}

static cJSON *list_json(void) {
  cJSON *doc = cJSON_CreateObject();
  cJSON_AddStringToObject(doc, "schema", LIST_SCHEMA);
  add_choices(doc, "collectors", sim_collectors);
  add_choices(doc, "platforms", sim_platforms);
  add_engines(doc);
  add_choices(doc, "barriers", sim_barriers);
  add_choices(doc, "pacers", sim_pacers);
  add_choices(doc, "map_kinds", sim_map_kinds);
  add_choices(doc, "strategies", sim_strategies);
  add_scenarios(doc, "scenarios", sim_configs_dir());
  add_scenarios(doc, "races", sim_races_dir());
  return doc;
}

/* ---- for people ---- */

static const char *text_of(const cJSON *item, const char *key) {
  return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(item, key));
}

/* Columns for the names of a list. */
static int name_width(const cJSON *list) {
  const cJSON *item = NULL;
  uint32_t width = 20;
  cJSON_ArrayForEach(item, list) {
    uint32_t one = sim_text_width(text_of(item, "name"));
    if (one > width) width = one;
  }
  return (int)width;
}

/* "  name            what it is" in one table each, descriptions to the left. */
static void print_items(const cJSON *doc, const char *key, const char *heading, bool color) {
  const cJSON *list = cJSON_GetObjectItemCaseSensitive(doc, key), *item = NULL;
  int width = name_width(list);
  printf("%s%s%s\n", sim_style_begin(SIM_BOLD, color), heading, sim_style_end(SIM_BOLD, color));
  cJSON_ArrayForEach(item, list) {
    char name[SIM_TEXT_MAX], about[1024];
    sim_text_clean(text_of(item, "name"), name, sizeof name);
    sim_text_clean(text_of(item, "description"), about, sizeof about);
    printf("  %-*s  %s\n", width, name, about);
  }
  if (cJSON_GetArraySize(list) == 0) printf("  none found\n");
}

static void print_engines(const cJSON *doc, bool color) {
  const cJSON *list = cJSON_GetObjectItemCaseSensitive(doc, "engines"), *item = NULL;
  printf("%sEngines (--engine, --collector)%s\n", sim_style_begin(SIM_BOLD, color),
         sim_style_end(SIM_BOLD, color));
  cJSON_ArrayForEach(item, list) {
    const char *path = text_of(item, "path");
    char name[SIM_TEXT_MAX];
    snprintf(name, sizeof name, "%s %s", text_of(item, "engine"), text_of(item, "collector"));
    printf("  %-20s  %s\n", name, path != NULL ? path : "not there");
  }
}

static void print_list(const cJSON *doc, bool color) {
  print_items(doc, "collectors", "Collectors (--collector, --with)", color);
  print_items(doc, "platforms", "Platforms (--engine)", color);
  print_engines(doc, color);
  print_items(doc, "barriers", "Write barriers (gc.barrier.kind)", color);
  print_items(doc, "pacers", "Pacers (gc.pacer.kind)", color);
  print_items(doc, "map_kinds", "Map kinds (maps.NAME.kind)", color);
  print_items(doc, "strategies", "Strategies (explore.strategy, --strategy)", color);
  print_items(doc, "scenarios", "Scenarios that come with tricolor (run them by name)", color);
  print_items(doc, "races", "Races among them (explore them by name)", color);
}

int sim_cmd_list(struct sim_cli *cli, const struct sim_options *o) {
  static const char *const avoid[] = {NULL};
  struct sim_output json = {.path = NULL};
  int status = TRI_EXIT_OK;
  char *message = o->json != NULL ? sim_output_open(&json, o->json, avoid) : NULL;
  if (message != NULL) status = TRI_EXIT_INPUT;
  cJSON *doc = message == NULL ? list_json() : NULL;
  if (doc != NULL && o->json == NULL) print_list(doc, cli->color_out);
  if (doc != NULL && o->json != NULL) {
    message = sim_output_write(&json, doc);
    if (message != NULL) status = TRI_EXIT_ENGINE;
  }
  if (message != NULL) fprintf(stderr, "tricolor: %s\n", message);
  free(message);
  cJSON_Delete(doc);
  sim_output_drop(&json);
  return status;
}

/* ---- validate ---- */

int sim_cmd_validate(struct sim_cli *cli, const struct sim_options *o) {
  uint32_t wrong = 0;
  for (uint32_t i = 0; i < o->file_count; i++) {
    char *path = sim_scenario_path(o->files[i]), name[SC_NAME_MAX];
    struct scenario *s = path != NULL ? sim_scenario_read(path, o) : NULL;
    if (s != NULL && sim_expect_check(s)) {
      printf("%s: %sok%s (%s)\n", path, sim_style_begin(SIM_GOOD, cli->color_out),
             sim_style_end(SIM_GOOD, cli->color_out), sim_text_clean(s->name, name, sizeof name));
    } else {
      wrong++;
    }
    scenario_free(s);
    free(path);
  }
  if (wrong > 0 && o->file_count > 1) {
    fprintf(stderr, "%u of %u files %s wrong\n", wrong, o->file_count, wrong == 1 ? "is" : "are");
  }
  return wrong > 0 ? TRI_EXIT_INPUT : TRI_EXIT_OK;
}

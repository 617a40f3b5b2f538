/* Every violation ever found is a schedule file of this folder. Each must still be found by its
 * own schedule: strictly, or, after the source has changed, with directives that have moved a
 * little.
 *
 * usage: replay_files FOLDER             replays all; exit 1: some file shows nothing any more
 *        replay_files refresh FOLDER     writes them anew for this build; what does not fit is
 *                                        searched for again
 *        replay_files find FOLDER PROGRAM VARIANT
 *                                        adds the violation of a litmus program */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../explore/world.h"
#include "runtime/check.h"
#include "sims/explore/replay.h"
#include "sims/explore/violation.h"
#include "sims/memory.h"
#include "sims/protocol.h"

enum { SEARCH_RUNS = 2000000, HEAP_RUNS = 300, HEAPS_TRIED = 5000, FILES_MAX = 1000 };

/* ---- one file -------------------------------------------------------------------------------- */

static uint64_t number_of(const cJSON *o, const char *key) {
  const cJSON *n = cJSON_GetObjectItem(o, key);
  return cJSON_IsNumber(n) ? (uint64_t)n->valuedouble : 0;
}

/* Prepares the litmus program that a scenario names; false: it names none. */
static bool prepare(const char *scenario) {
  cJSON *o = cJSON_Parse(scenario);
  const cJSON *litmus = cJSON_GetObjectItem(o, "litmus");
  const char *program = cJSON_GetStringValue(cJSON_GetObjectItem(litmus, "program"));
  const char *variant = cJSON_GetStringValue(cJSON_GetObjectItem(litmus, "variant"));
  struct litmus_case c;
  bool known = program != NULL && variant != NULL && litmus_find(program, variant, &c);
  if (known) {
    c.heap = number_of(litmus, "heap");
    c.actions = number_of(litmus, "actions");
    world_prepare_case(&c);
  }
  cJSON_Delete(o);
  return known;
}

/* Minimises and writes a failing run of the prepared world; the path, or NULL. */
static char *write_file(struct xp_schedule *s, struct xp_run *r, const char *name,
                        const char *scenario, const char *folder) {
  struct xp_names names;
  struct xp_trace t = {.count = 0};
  struct xp_config c;
  struct xp_minimise_config m;
  char *path = NULL;
  world_config(&c);
  xp_minimise_config_default(&m, &c);
  m.budget_ns = UINT64_MAX;
  xp_names_litmus(&names, world_program());
  struct xp_finding f = {.kind = r->outcome.end == PLAT_MODEL_DEADLOCK ? "deadlock" : "violation",
                         .strategy = "pos", .name = name, .scenario = scenario,
                         .directory = folder, .search = &c, .minimise = &m, .names = &names};
  cJSON *v = xp_violation(s, r, &f, &t);
  const char *written = cJSON_GetStringValue(cJSON_GetObjectItem(v, "file"));
  if (written != NULL) path = sim_printf("%s/%s" TRICOLOR_SCHEDULE_SUFFIX, folder, name);
  if (path != NULL) rt_assert(rename(written, path) == 0); /* one name for all builds */
  cJSON_Delete(v);
  xp_trace_free(&t);
  return path;
}

static bool is_same(const struct xp_file *f, const struct xp_run *r) {
  return xp_run_fails(r) && xp_same_bug(&f->outcome, &r->outcome);
}

/* In the world of the file: runs its schedule; 0 good, 1 not. */
static int replay(const char *path, struct xp_file *f) {
  struct xp_run r = {.decisions = NULL};
  struct xp_replayed out;
  struct xp_config c;
  world_config(&c);
  xp_replay(&f->schedule, true, &f->outcome, &c, &r, &out);
  bool good = out.fits && is_same(f, &r);
  printf("%-10s %s%s%s\n", good ? out.moved > 0 ? "moved" : "ok" : "LOST", path,
         out.note[0] != '\0' ? ": " : "", out.note);
  if (!good) printf("           %s\n", out.fits ? r.outcome.message : out.error);
  xp_run_free(&r);
  return good ? 0 : 1;
}

/* The same bug again, by its schedule or by a search. */
static bool find_again(struct xp_file *f, struct xp_run *r) {
  struct xp_replayed out;
  struct xp_config c;
  world_config(&c);
  xp_replay(&f->schedule, true, &f->outcome, &c, r, &out);
  if (out.fits && is_same(f, r)) return true;
  for (uint64_t seed = 0; seed < 10; seed++)
    if (world_find("pos", seed, SEARCH_RUNS / 10, r) && is_same(f, r)) return true;
  return false;
}

static int refresh(const char *path, struct xp_file *f, const char *folder) {
  struct xp_run r = {.decisions = NULL};
  struct xp_schedule s = {.build = xp_build_key()};
  char *written = NULL;
  if (find_again(f, &r)) written = write_file(&s, &r, f->name, f->scenario, folder);
  printf("%-10s %s\n", written == NULL ? "LOST" : "refreshed", written == NULL ? path : written);
  int status = written == NULL ? 1 : 0;
  free(written);
  xp_schedule_free(&s);
  xp_run_free(&r);
  return status;
}

static int visit(const char *path, const char *folder, bool is_refresh) {
  struct xp_file f;
  char error[XP_ERROR_TEXT];
  if (!xp_file_read(path, &f, error)) {
    printf("LOST       %s\n", error);
    return 1;
  }
  int status = 1;
  if (prepare(f.scenario)) {
    status = is_refresh ? refresh(path, &f, folder) : replay(path, &f);
    test_leave();
  } else {
    printf("LOST       %s: its scenario names no litmus program that there is\n", path);
  }
  xp_file_free(&f);
  return status;
}

/* ---- all of them ----------------------------------------------------------------------------- */

static int by_name(const void *a, const void *b) {
  return strcmp(*(char *const *)a, *(char *const *)b);
}

static uint32_t list_files(const char *folder, char **list) {
  DIR *d = opendir(folder);
  uint32_t count = 0;
  for (struct dirent *e; d != NULL && (e = readdir(d)) != NULL;) {
    const char *end = strstr(e->d_name, TRICOLOR_SCHEDULE_SUFFIX);
    if (end != NULL && strcmp(end, TRICOLOR_SCHEDULE_SUFFIX) == 0 && count < FILES_MAX)
      list[count++] = sim_printf("%s/%s", folder, e->d_name);
  }
  if (d != NULL) closedir(d);
  qsort(list, count, sizeof *list, by_name);
  return count;
}

static int visit_all(const char *folder, bool is_refresh) {
  char **list = sim_alloc(FILES_MAX * sizeof *list);
  uint32_t count = list_files(folder, list);
  int status = count > 0 ? 0 : 1;
  if (count == 0) printf("no schedule files in %s\n", folder);
  for (uint32_t i = 0; i < count; i++) {
    status |= visit(list[i], folder, is_refresh);
    free(list[i]);
  }
  free(list);
  return status;
}

/* Prepares the program with some initial heap and actions for which it fails; false: none found. */
static bool find_case(struct litmus_case *c, struct xp_run *r) {
  const struct litmus_facts *facts = &litmus_facts[c->program];
  uint64_t seed = 1;
  bool is_one = facts->heaps == 0 && facts->actions == 0;
  for (int i = 0; i < (is_one ? 1 : HEAPS_TRIED); i++) {
    c->heap = facts->heaps == 0 ? 0 : rng_fastrand64(&seed) % facts->heaps;
    c->actions = facts->actions == 0 ? 0 : rng_fastrand64(&seed) % facts->actions;
    world_prepare_case(c);
    if (world_find("pos", 1, is_one ? SEARCH_RUNS : HEAP_RUNS, r)) return true;
    test_leave();
  }
  return false;
}

static int find(const char *folder, const char *program, const char *variant) {
  struct xp_run r = {.decisions = NULL};
  struct xp_schedule s = {.build = xp_build_key()};
  struct litmus_case c;
  if (!litmus_find(program, variant, &c)) {
    printf("there is no litmus program %s with a variant %s\n", program, variant);
    return 2;
  }
  if (!find_case(&c, &r)) {
    printf("nothing    %s %s\n", program, variant);
    return 1;
  }
  char *name = sim_printf("%s-%s", program, variant);
  char *scenario = sim_printf("{\"name\": \"%s\", \"litmus\": {\"program\": \"%s\", "
                              "\"variant\": \"%s\", \"heap\": %llu, \"actions\": %llu}}",
                              name, program, variant, (unsigned long long)c.heap,
                              (unsigned long long)c.actions);
  char *written = write_file(&s, &r, name, scenario, folder);
  printf("found      %s\n", written);
  test_leave();
  free(written);
  free(name);
  free(scenario);
  xp_schedule_free(&s);
  xp_run_free(&r);
  return 0;
}

int main(int argc, char **argv) {
  if (argc == 2 && argv[1][0] != '-') return visit_all(argv[1], false);
  if (argc == 3 && strcmp(argv[1], "refresh") == 0) return visit_all(argv[2], true);
  if (argc == 5 && strcmp(argv[1], "find") == 0) return find(argv[2], argv[3], argv[4]);
  fputs("usage: replay_files [refresh] FOLDER | find FOLDER PROGRAM VARIANT\n", stderr);
  return 2;
}

#include "sims/explore/remedies.h"

#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>

#include "gc/faults.h"
#include "sims/choices.h"
#include "sims/explore/aside.h"
#include "sims/explore/points.h"
#include "sims/explore/search.h"
#include "sims/explore/variant.h"
#include "sims/memory.h"
#include "sims/protocol.h"

enum { SETTINGS_MAX = 16 };
#define BUDGET_NS UINT64_C(1000000000)
#define BUDGET_RUNS 20000
#define LIMIT_NS (5 * BUDGET_NS)

struct answer {
  uint64_t runs, failed;
};

struct trial {
  struct engine *engine;
  const struct scenario *scenario;
  const struct sc_override *set;
  const struct xp_config *found_by;
};

/* ---- in the process of one trial ------------------------------------------------------------- */

static struct answer search_world(const struct scenario *sc, const struct xp_config *found_by) {
  struct xp_config c = *found_by;
  struct xp_report r;
  c.happens = NULL; /* of the world that has been left */
  c.point_sites =
      sc->has_litmus ? NULL : xp_points_learn(&c, NULL, XP_LEARN_STEPS_FEW, NULL, NULL);
  c.happens = xp_variant_check(sc, c.point_sites);
  c.strategy = "hunt";
  c.time_ns = BUDGET_NS;
  c.schedules = BUDGET_RUNS;
  c.stop = NULL;
  c.limit = NULL;
  c.slice = 0;
  c.slices = 1;
  if (!xp_search(&c, &r)) return (struct answer){0, 1};
  return (struct answer){r.runs, r.failed};
}

static void try_here(void *arg, void *answer) {
  const struct trial *t = arg;
  const struct scenario *sc = t->scenario;
  const struct sc_override sets[] = {*t->set, {"expect_violation", "\"\""}};
  uint32_t *none = sim_alloc((sc->choose_count + 1) * sizeof *none);
  /* What is left may be wrong still, or nothing that a violation could be expected of. */
  struct scenario *variant = xp_variant_load(sc, none, sets, 1, true);
  if (variant == NULL) variant = xp_variant_load(sc, none, sets, 2, true);
  plat_model_leave();
  if (variant != NULL && xp_variant_prepare(t->engine, variant) == TRI_EXIT_OK)
    *(struct answer *)answer = search_world(variant, t->found_by);
}

/* ---- in the calling process ------------------------------------------------------------------ */

/* True: schedules were run, and none failed. */
static bool try_setting(const struct trial *t, uint64_t *runs) {
  struct answer answer = {0, 0};
  const struct xp_aside aside = {
      .body = try_here, .arg = (void *)(uintptr_t)t, .answer = &answer, .bytes = sizeof answer,
      .limit_ns = LIMIT_NS, .stop = t->found_by->stop, .stop_arg = t->found_by->stop_arg};
  bool is_done = xp_aside(&aside);
  *runs = answer.runs;
  return is_done && answer.runs > 0 && answer.failed == 0;
}

/* One setting to try, and what it is called. Owns its texts. */
struct setting {
  char *path, *value, *label;
};

struct settings {
  struct setting list[SETTINGS_MAX];
  uint32_t count;
};

/* Takes the three. */
static void add(struct settings *s, char *path, char *value, char *label) {
  if (s->count < SETTINGS_MAX) {
    s->list[s->count++] = (struct setting){path, value, label};
    return;
  }
  free(path);
  free(value);
  free(label);
}

static void add_plain(struct settings *s, const char *path, const char *value) {
  add(s, sim_strdup(path), sim_strdup(value), sim_printf("%s=%s", path, value));
}

/* The faults of a word of them but one, as JSON. */
static char *all_but(const struct sim_choice *words, uint64_t bits, uint32_t left_out) {
  cJSON *list = cJSON_CreateArray();
  for (uint32_t i = 0; words[i].name != NULL; i++)
    if ((bits >> i & 1) != 0 && i != left_out)
      cJSON_AddItemToArray(list, cJSON_CreateString(words[i].name));
  char *text = cJSON_PrintUnformatted(list);
  cJSON_Delete(list);
  return text;
}

/* Each fault alone, and where there are several, all. */
static void add_faults(struct settings *s, const char *path, const struct sim_choice *words,
                       uint64_t bits) {
  for (uint32_t i = 0; words[i].name != NULL; i++)
    if ((bits >> i & 1) != 0)
      add(s, sim_strdup(path), all_but(words, bits, i),
          sim_printf("%s without %s", path, words[i].name));
  if (__builtin_popcountll(bits) > 1) add_plain(s, path, "[]");
}

/* What a person would switch: every fault, the barrier, the program's variant. */
static void find_settings(const struct scenario *sc, struct settings *s) {
  if (sc->has_litmus) {
    const struct litmus_facts *facts = &litmus_facts[sc->litmus.program];
    for (uint32_t i = 0; facts->variants[i].name != NULL; i++)
      if ((facts->violating >> i & 1) == 0)
        add_plain(s, "litmus.variant", facts->variants[i].name);
    return;
  }
  add_faults(s, "gc.faults", sim_gc_faults, sc->gc_faults);
  add_faults(s, "runtime.faults", sim_sched_faults, sc->runtime_faults);
  for (uint32_t i = 0; i < sc->map_count; i++) {
    char *path = sim_printf("maps.%s.faults", sc->maps[i].name);
    add_faults(s, path, sim_map_faults, sc->maps[i].faults);
    free(path);
  }
  if (strcmp(sc->barrier, "hybrid") != 0) add_plain(s, "gc.barrier.kind", "hybrid");
  if (sc->late_work != GC_LATE_RESTART) add_plain(s, "gc.late_work", "restart");
}

void xp_remedies(struct engine *e, const struct scenario *sc, const struct xp_config *c,
                 struct xp_lines *out) {
  struct settings s = {.count = 0};
  find_settings(sc, &s);
  for (uint32_t i = 0; i < s.count; i++) {
    struct setting *one = &s.list[i];
    struct sc_override set = {one->path, one->value};
    struct trial t = {e, sc, &set, c};
    uint64_t runs = 0;
    bool is_asked_to_end = c->stop != NULL && c->stop(c->stop_arg);
    if (!is_asked_to_end && try_setting(&t, &runs))
      xp_lines_add(out, "%s: 0 of %llu schedules fail", one->label, (unsigned long long)runs);
    free(one->path);
    free(one->value);
    free(one->label);
  }
}

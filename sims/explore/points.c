#include "sims/explore/points.h"

#include <stdlib.h>
#include <string.h>

#include "sims/memory.h"

enum {
  LEARN_RUNS = 100,  /* of a round */
  LEARN_ROUNDS = 20,
  LEARN_QUIET = 2,   /* rounds without a new place that end learning */
  SAMPLE_RUNS = 50,
  FEW_RUNS = 10      /* beside what a sample has shown */
};

bool xp_points_sample(struct xp_races *races, const struct xp_config *c, bool (*stop)(void *arg),
                      void *arg) {
  struct xp_learning l = {.classes = c->classes, .seed = c->seed, .runs = SAMPLE_RUNS,
                          .rounds = 1, .quiet = 1, .steps = XP_LEARN_STEPS_FEW,
                          .step_max = c->step_max, .stop = stop, .stop_arg = arg};
  return xp_races_learn(races, &l);
}

/* Without what depends on the build directory. */
static const char *file_of(const struct plat_site *s) {
  return s->file + strspn(s->file, "./");
}

static bool is_alike(const struct plat_site *a, const struct plat_site *b) {
  return strcmp(a->what, b->what) == 0 && strcmp(file_of(a), file_of(b)) == 0;
}

/* A line of a header that is compiled several times is one place: how many copies there are, and
 * in which order, is the compiler's business. */
static bool is_copy(const struct plat_site *a, const struct plat_site *b) {
  return a->line == b->line && is_alike(a, b);
}

static void take_copies(uint8_t *sites) {
  uint32_t count = plat_model_site_count();
  for (uint32_t i = 0; i < count; i++) {
    if (sites[i] == 0) continue;
    for (uint32_t k = 0; k < count; k++)
      if (is_copy(plat_model_site_at(i), plat_model_site_at(k))) sites[k] = 1;
  }
}

uint8_t *xp_points_learn(const struct xp_config *c, const struct xp_races *sample, uint64_t steps,
                         bool (*stop)(void *arg), void *arg) {
  struct xp_races *races = sample != NULL ? xp_races_copy(sample) : xp_races_new();
  struct xp_learning l = {.classes = c->classes, .seed = c->seed, .runs = LEARN_RUNS,
                          .rounds = LEARN_ROUNDS, .quiet = LEARN_QUIET, .steps = steps,
                          .step_max = c->step_max, .stop = stop, .stop_arg = arg};
  if (sample != NULL) {
    l.runs = FEW_RUNS;
    l.rounds = 1;
  }
  xp_races_learn(races, &l);
  uint8_t *sites = xp_races_sites(races);
  xp_races_free(races);
  take_copies(sites);
  return sites;
}

/* ---- names ----------------------------------------------------------------------------------- */

/* A copy of a line before this one. */
static bool has_copy_before(uint32_t site) {
  for (uint32_t i = 0; i < site; i++)
    if (is_copy(plat_model_site_at(i), plat_model_site_at(site))) return true;
  return false;
}

/* Lines of the same text in the same file that stand before this one. */
static uint32_t alike_before(uint32_t site) {
  const struct plat_site *s = plat_model_site_at(site);
  uint32_t before = 0;
  for (uint32_t i = 0; i < plat_model_site_count(); i++) {
    const struct plat_site *other = plat_model_site_at(i);
    if (other->line < s->line && is_alike(other, s)) before += !has_copy_before(i);
  }
  return before;
}

char *xp_point_name(uint32_t site) {
  const struct plat_site *s = plat_model_site_at(site);
  if (has_copy_before(site)) return NULL;
  uint32_t before = alike_before(site);
  if (before == 0) return sim_printf("%s: %s", file_of(s), s->what);
  return sim_printf("%s: %s #%u", file_of(s), s->what, before + 1);
}

static bool is_called(uint32_t site, const char *file_and_what, size_t length) {
  const struct plat_site *s = plat_model_site_at(site);
  size_t file = strlen(file_of(s));
  return length > file + 2 && strncmp(file_and_what, file_of(s), file) == 0 &&
         strncmp(file_and_what + file, ": ", 2) == 0 && strlen(s->what) == length - file - 2 &&
         strncmp(file_and_what + file + 2, s->what, length - file - 2) == 0;
}

uint32_t xp_point_add(const char *name, uint8_t *sites) {
  const char *mark = strrchr(name, '#');
  bool is_numbered = mark != NULL && mark > name && mark[-1] == ' ';
  unsigned long number = is_numbered ? strtoul(mark + 1, NULL, 10) : 1;
  size_t length = is_numbered ? (size_t)(mark - name) - 1 : strlen(name);
  uint32_t added = 0;
  for (uint32_t i = 0; i < plat_model_site_count(); i++) {
    if (!is_called(i, name, length) || alike_before(i) + 1 != number) continue;
    sites[i] = 1;
    added++;
  }
  return added;
}

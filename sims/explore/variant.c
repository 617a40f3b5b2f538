#include "sims/explore/variant.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plat_model.h"
#include "runtime/rng.h"
#include "sched/go.h"
#include "sims/memory.h"
#include "sims/protocol.h"

uint64_t xp_variant_count(const struct scenario *sc) {
  uint64_t count = 1;
  for (uint32_t i = 0; i < sc->choose_count; i++) count *= sc->chooses[i].value_count;
  return count;
}

void xp_variant_choices(const struct scenario *sc, uint64_t variant, uint32_t *out) {
  for (uint32_t i = 0; i < sc->choose_count; i++) {
    out[i] = (uint32_t)(variant % sc->chooses[i].value_count);
    variant /= sc->chooses[i].value_count;
  }
}

/* Goes through 0..n-1 in leaps of about 0.618 n, so that the first few lie far apart. */
static uint64_t leap(uint64_t i, uint64_t n) {
  uint64_t stride = (uint64_t)((double)n * 0.6180339887498949) | 1, a = stride, b = n;
  while (b != 0) { /* a is what they have in common */
    uint64_t rest = a % b;
    a = b;
    b = rest;
    if (b == 0 && a != 1) {
      stride += 2;
      a = stride;
      b = n;
    }
  }
  return i * stride % n;
}

uint64_t xp_variant_pick(uint64_t i, uint64_t n, uint64_t count, uint64_t seed) {
  if (n > count) n = count;
  uint64_t part = leap(i, n);
  if (n == count) return part;
  uint64_t low = count / n * part, high = part + 1 == n ? count : count / n * (part + 1);
  return low + rng_split(seed, part) % (high - low);
}

struct scenario *xp_variant_read(const char *json, const struct sc_override *sets, uint32_t count,
                                 bool quiet) {
  struct sc_errors errors = {0};
  struct scenario *out = scenario_load("<variant>", json, strlen(json), sets, count, &errors);
  for (uint32_t i = 0; i < errors.count && !quiet; i++) {
    char *line = sc_error_format(&errors.list[i]);
    fprintf(stderr, "%s\n", line);
    free(line);
  }
  sc_errors_free(&errors);
  return out;
}

struct scenario *xp_variant_load(const struct scenario *sc, const uint32_t *choices,
                                 const struct sc_override *more, uint32_t more_count,
                                 bool quiet) {
  uint32_t count = sc->choose_count + more_count;
  struct sc_override *sets = sim_alloc((count + 1) * sizeof *sets);
  for (uint32_t i = 0; i < sc->choose_count; i++)
    sets[i] = (struct sc_override){sc->chooses[i].set, sc->chooses[i].values[choices[i]]};
  for (uint32_t i = 0; i < more_count; i++) sets[sc->choose_count + i] = more[i];
  struct scenario *out = xp_variant_read(sc->resolved_json, sets, count, quiet);
  free(sets);
  return out;
}

/* ---- plain-data races ------------------------------------------------------------------------ */

const char *xp_goroutine_of(const void *self) {
  uint32_t number;
  const struct go_g *g = go_of_thread(self, &number);
  return g != NULL ? go_name(g) : NULL;
}

static bool is_plain_data(const struct plat_site *s) {
  return strncmp(s->what, "plat_ld(", 8) == 0 || strncmp(s->what, "plat_st(", 8) == 0 ||
         strncmp(s->what, "plat_touch_", 11) == 0;
}

/* Some of the program's plain data is read and written without anything before anything else. */
static bool meets_plain_data(const uint8_t *sites) {
  for (uint32_t i = 0; sites != NULL && i < plat_model_site_count(); i++)
    if (sites[i] != 0 && is_plain_data(plat_model_site_at(i))) return true;
  return false;
}

/* The check for races costs a run as much again, so that of announced data waits until there is
 * something to look at. */
struct xp_happens *xp_variant_check(const struct scenario *sc, const uint8_t *point_sites) {
  bool is_wanted = sc->explore_races == SC_RACES_ALL ||
                   (sc->explore_races == SC_RACES_ANNOUNCED && meets_plain_data(point_sites));
  bool is_free = false;
  for (uint32_t i = 0; i < sc->map_count; i++) is_free |= sc->maps[i].allow_races;
  return is_wanted ? xp_happens_new(is_free, xp_goroutine_of) : NULL;
}

/* ---- the world ------------------------------------------------------------------------------- */

static int run_world(void *arg) { return engine_run(arg); }

int xp_variant_prepare(struct engine *e, struct scenario *sc) {
  struct engine_options options = e->options;
  int status = TRI_EXIT_OK;
  memset(e, 0, sizeof *e);
  e->options = options;
  e->scenario = sc;
  plat_seed(sc->seed);
  if (plat_model_prepare(run_world, e, &status)) return TRI_EXIT_OK;
  fputs("the scenario ended before there was anything to explore\n", stderr);
  return status != TRI_EXIT_OK ? status : TRI_EXIT_ENGINE;
}

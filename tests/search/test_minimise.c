/* The minimiser on a whole runtime, whose failing schedules take many preemptions: what is left of
 * them within so many runs, the same on every machine.
 *
 * usage: test_search_minimise_runtime FOLDER_OF_RACES */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plat_model.h"
#include "sims/explore/minimise.h"
#include "sims/explore/points.h"
#include "sims/explore/variant.h"
#include "sims/memory.h"
#include "sims/protocol.h"
#include "tests/support/test.h"

static const char *races;
static struct engine engine = {.options = {.explore = true}};

static struct xp_config config_of(const struct scenario *sc) {
  struct xp_config c;
  xp_config_default(&c);
  c.classes = xp_variant_classes(sc);
  return c;
}

static void find(const struct xp_config *c, struct xp_run *r) {
  struct xp_chooser *x = xp_strategy_find("pos")->open(c);
  uint64_t run = 0;
  do {
    assert_true(run < 20000);
    x->strategy->begin(x, run++);
    xp_run(x, c, r);
    x->strategy->end(x, r);
  } while (!xp_run_fails(r));
  x->strategy->close(x);
}

/* Prepares the world of a scenario; c gets its points. */
static struct scenario *prepare(const char *name, struct xp_config *c, uint8_t **sites) {
  struct sc_errors errors = {0};
  char *path = sim_printf("%s/%s.json", races, name);
  struct scenario *sc = scenario_load_file(path, NULL, 0, &errors);
  assert_non_null(sc);
  free(path);
  *c = config_of(sc);
  assert_int_equal(xp_variant_prepare(&engine, sc), TRI_EXIT_OK);
  *sites = xp_points_learn(c, NULL, XP_LEARN_STEPS, NULL, NULL);
  c->point_sites = *sites;
  return sc;
}

/* Preemptions of what is left of a failing schedule of that seed after so many runs. */
static uint32_t minimised(struct xp_config *c, uint64_t seed, uint64_t runs) {
  struct xp_run r = {.decisions = NULL};
  struct xp_schedule s = {.count = 0};
  struct xp_minimise_config m;
  struct xp_minimised out;
  c->seed = seed;
  find(c, &r);
  xp_minimise_config_default(&m, c);
  m.budget_ns = UINT64_MAX;
  m.replays_max = runs;
  xp_minimise(&s, &r, &m, &out);
  assert_true(out.is_reproduced && xp_run_fails(&r) && r.preemptions == out.preemptions);
  xp_schedule_free(&s);
  xp_run_free(&r);
  return out.preemptions;
}

/* Leaving out one directive after the other ends at 5 to 13 preemptions. */
static void several_have_to_change_at_once(void **state) {
  struct xp_config c;
  uint8_t *sites;
  (void)state;
  struct scenario *sc = prepare("late-barrier-work", &c, &sites);
  for (uint64_t seed = 1; seed <= 4; seed++) assert_in_range(minimised(&c, seed, 10000), 2, 4);
  plat_model_leave();
  scenario_free(sc);
  free(sites);
}

int main(int argc, char **argv) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(several_have_to_change_at_once)};
  if (argc != 2) return 2;
  races = argv[1];
  return cmocka_run_group_tests(tests, NULL, NULL);
}

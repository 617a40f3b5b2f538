#include "world.h"

static struct litmus_case now;

void world_prepare_case(const struct litmus_case *c) {
  now = *c;
  test_prepare_case(c);
}

void world_prepare(const char *program, const char *variant) {
  struct litmus_case c;
  assert_true(litmus_find(program, variant, &c));
  world_prepare_case(&c);
}

const struct litmus *world_program(void) { return litmus_programs[now.program]; }

void world_config(struct xp_config *c) {
  *c = test_config("pos");
  c->step_max = 10000;
}

bool world_find(const char *strategy, uint64_t seed, uint64_t runs, struct xp_run *r) {
  const struct xp_strategy *s = xp_strategy_find(strategy);
  static const struct xp_profile length = {.threads = 4, .decisions = 30};
  struct xp_config c;
  bool found = false;
  world_config(&c);
  c.profile = &length;
  c.seed = seed;
  struct xp_chooser *x = s->open(&c);
  for (uint64_t i = 0; i < runs && !found && s->begin(x, i); i++) {
    xp_run(x, &c, r);
    s->end(x, r);
    found = xp_run_fails(r);
  }
  s->close(x);
  return found;
}

#include "sims/explore/remedies.h"

#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sims/explore/points.h"
#include "sims/explore/search.h"
#include "sims/explore/variant.h"
#include "sims/memory.h"
#include "sims/protocol.h"

enum { SETTINGS_MAX = 16, ASK_MS = 50 };
#define BUDGET_NS UINT64_C(1000000000)
#define BUDGET_RUNS 20000

struct answer {
  uint64_t runs, failed;
};

/* ---- in the process of one trial ------------------------------------------------------------- */

static struct answer search_world(const struct scenario *sc, const struct xp_config *found_by) {
  struct xp_config c = *found_by;
  struct xp_report r;
  c.point_sites =
      sc->has_litmus ? NULL : xp_points_learn(&c, XP_LEARN_STEPS_FEW, NULL, NULL);
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

_Noreturn static void try_here(struct engine *e, const struct scenario *sc,
                               const struct sc_override *set, const struct xp_config *c, int out) {
  const struct sc_override sets[] = {*set, {"expect_violation", "\"\""}};
  uint32_t *none = sim_alloc((sc->choose_count + 1) * sizeof *none);
  struct answer a = {0, 1};
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  signal(SIGTERM, SIG_DFL);
  alarm((unsigned)(BUDGET_NS / 1000000000) * 5);
  struct scenario *variant = xp_variant_load(sc, none, sets, 2, true);
  plat_model_leave();
  if (variant != NULL && xp_variant_prepare(e, variant) == TRI_EXIT_OK)
    a = search_world(variant, c);
  bool written = write(out, &a, sizeof a) == (ssize_t)sizeof a;
  _exit(written ? 0 : 1);
}

/* ---- in the calling process ------------------------------------------------------------------ */

/* False: asked to stop before there was anything to read. */
static bool wait_for(int end, const struct xp_config *c) {
  struct pollfd one = {.fd = end, .events = POLLIN};
  while (poll(&one, 1, ASK_MS) <= 0)
    if (c->stop != NULL && c->stop(c->stop_arg)) return false;
  return true;
}

static bool try_setting(struct engine *e, const struct scenario *sc,
                        const struct sc_override *set, const struct xp_config *c,
                        struct answer *a) {
  int ends[2], status = 0;
  if (pipe(ends) != 0) return false;
  fflush(NULL);
  pid_t pid = fork();
  if (pid == 0) {
    freopen("/dev/null", "w", stdout);
    freopen("/dev/null", "w", stderr);
    try_here(e, sc, set, c, ends[1]);
  }
  close(ends[1]);
  bool done = pid > 0 && wait_for(ends[0], c) &&
              read(ends[0], a, sizeof *a) == (ssize_t)sizeof *a;
  close(ends[0]);
  if (pid > 0 && !done) kill(pid, SIGKILL);
  if (pid > 0) waitpid(pid, &status, 0);
  return done && status == 0;
}

static void add_setting(struct sc_override *sets, uint32_t *count, const char *path,
                        const char *value) {
  if (*count < SETTINGS_MAX) sets[(*count)++] = (struct sc_override){path, value};
}

/* What a person would switch: every fault, the barrier, the program's variant. */
static uint32_t find_settings(const struct scenario *sc, struct sc_override *sets) {
  uint32_t count = 0;
  if (sc->has_litmus) {
    const struct litmus_facts *facts = &litmus_facts[sc->litmus.program];
    for (uint32_t i = 0; facts->variants[i].name != NULL; i++)
      if ((facts->violating >> i & 1) == 0)
        add_setting(sets, &count, "litmus.variant", facts->variants[i].name);
    return count;
  }
  if (sc->gc_faults != 0) add_setting(sets, &count, "gc.faults", "[]");
  if (sc->runtime_faults != 0) add_setting(sets, &count, "runtime.faults", "[]");
  for (uint32_t i = 0; i < sc->map_count; i++)
    if (sc->maps[i].faults != 0)
      add_setting(sets, &count, sim_printf("maps.%s.faults", sc->maps[i].name), "[]");
  if (strcmp(sc->barrier, "hybrid") != 0)
    add_setting(sets, &count, "gc.barrier.kind", "hybrid");
  return count;
}

void xp_remedies(struct engine *e, const struct scenario *sc, const struct xp_config *c,
                 struct xp_lines *out) {
  struct sc_override sets[SETTINGS_MAX];
  uint32_t count = find_settings(sc, sets);
  for (uint32_t i = 0; i < count; i++) {
    struct answer a;
    if (c->stop != NULL && c->stop(c->stop_arg)) return;
    if (!try_setting(e, sc, &sets[i], c, &a) || a.failed != 0 || a.runs == 0) continue;
    xp_lines_add(out, "%s=%s: 0 of %llu schedules fail", sets[i].path, sets[i].value,
                 (unsigned long long)a.runs);
  }
}

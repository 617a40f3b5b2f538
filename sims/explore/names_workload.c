#include "sims/explore/names_workload.h"

#include <string.h>

#include "gc/collector.h"
#include "sims/choices.h"
#include "sims/workload_int.h"

static const struct workload *workload_of(void *arg) { return *(struct workload *const *)arg; }

static const char *object_name(const void *object, void *arg) {
  const struct workload *wl = workload_of(arg);
  return wl != NULL ? workload_object_name(wl, object) : NULL;
}

static bool place_name(const void *address, char *out, size_t bytes, void *arg) {
  const struct workload *wl = workload_of(arg);
  return wl != NULL && workload_place_name(wl, address, out, bytes);
}

static const void *declared(uint32_t index, void *arg) {
  const struct workload *wl = workload_of(arg);
  if (wl == NULL || wl->objects == NULL || index >= wl->sc->object_count) return NULL;
  return (const void *)(uintptr_t)at_quiet_load(&wl->objects[index].address);
}

static void add_faults(struct xp_engine_names *state, const struct sim_choice *words,
                       uint64_t bits) {
  for (uint32_t i = 0; words[i].name != NULL; i++) {
    size_t used = strlen(state->faults);
    if ((bits >> i & 1) == 0) continue;
    snprintf(state->faults + used, sizeof state->faults - used, "%s%s", used > 0 ? ", " : "",
             words[i].name);
  }
}

void xp_names_workload(struct xp_names *out, struct xp_engine_names *state,
                       const struct scenario *sc, struct workload *const *workload) {
  *state = (struct xp_engine_names){
      .program = {.object = object_name, .place = place_name, .declared = declared,
                  .arg = (void *)(uintptr_t)workload},
      .procs = sc->procs,
  };
  add_faults(state, sim_gc_faults, sc->gc_faults);
  add_faults(state, sim_sched_faults, sc->runtime_faults);
  for (uint32_t i = 0; i < sc->map_count; i++)
    add_faults(state, sim_map_faults, sc->maps[i].faults);
  if (gc_collector.look != NULL) xp_names_engine(out, state);
}

#include "sims/explore/names_workload.h"

#include "gc/collector.h"
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

void xp_names_workload(struct xp_names *out, struct xp_engine_names *state,
                       const struct scenario *sc, struct workload *const *workload) {
  *state = (struct xp_engine_names){
      .program = {.object = object_name, .place = place_name, .declared = declared,
                  .arg = (void *)(uintptr_t)workload},
      .procs = sc->procs,
      .faults = sc->gc_faults != 0 ? "gc.faults is set" : "",
  };
  if (gc_collector.look != NULL) xp_names_engine(out, state);
}

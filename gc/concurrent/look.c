#include "gc/look.h"

#include "gc/concurrent/look.h"
#include "gc/concurrent/state.h"
#include "gc/concurrent/wb.h"

static const char *phase_name(uint32_t phase) {
  static const char *const names[] = {
      [GC_PHASE_OFF] = "off", [GC_PHASE_MARK] = "mark", [GC_PHASE_MARK_TERM] = "mark termination"};
  return phase < sizeof names / sizeof names[0] ? names[phase] : "?";
}

static const struct gc_barrier *barrier(void) { return gc_cc.barrier; }

static bool holds(const struct gc_workbuf *b, uintptr_t object) {
  for (uint32_t i = 0; b != NULL && i < b->count; i++)
    if (b->entry[i] == object) return true;
  return false;
}

static bool is_queued(uintptr_t object) {
  for (uint32_t i = 0; i < gc_cc.procs; i++) {
    const struct gc_worker *w = gc_world->p_at(i)->work;
    if (holds(w->first, object) || holds(w->second, object)) return true;
  }
  return gc_work_global_holds(object);
}

static bool names_object(const struct gc_wb_buffer *b, uintptr_t object, uint32_t words) {
  for (uint32_t i = 0; i < words; i++)
    if (gc_look_object(b->word[i]) == object) return true;
  return false;
}

static bool is_buffered(uintptr_t object) {
  for (uint32_t i = 0; i < gc_cc.procs; i++) {
    const struct gc_wb_buffer *b = gc_world->p_at(i)->wb;
    if (names_object(b, object, b->next)) return true;
  }
  return false;
}

static uint32_t recorder(uintptr_t object) {
  for (uint32_t i = 0; i < gc_cc.procs; i++) {
    const struct gc_wb_buffer *b = gc_world->p_at(i)->wb;
    if (names_object(b, object, b->capacity)) return i;
  }
  return UINT32_MAX;
}

const struct gc_look gc_concurrent_look = {
    .phase = &gc_cc.phase,
    .phase_name = phase_name,
    .barrier = barrier,
    .is_queued = is_queued,
    .is_buffered = is_buffered,
    .recorder = recorder,
};

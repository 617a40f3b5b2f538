#include "sims/explore/names_litmus.h"

static const struct litmus_view *view_of(void *arg) {
  return ((const struct litmus *)arg)->view;
}

static void name_actor(uint32_t thread, char *out, size_t bytes, void *arg) {
  (void)arg;
  const char *name = plat_model_thread_name(thread);
  if (name != NULL) snprintf(out, bytes, "%s", name);
}

static bool name_object(const struct plat_model_op *op, char *out, size_t bytes, void *arg) {
  const struct litmus_view *v = view_of(arg);
  if (op->kind == PLAT_OP_LOCK || op->kind == PLAT_OP_UNLOCK || op->kind == PLAT_OP_TRY_LOCK) {
    snprintf(out, bytes, "%s", ((const struct plat_mutex *)op->address)->name);
    return true;
  }
  return v != NULL && v->name(op->address, out, bytes);
}

static bool name_value(const struct plat_model_op *op, uint64_t word, char *out, size_t bytes,
                       void *arg) {
  const struct litmus_view *v = view_of(arg);
  return v != NULL && v->value(op->address, word, out, bytes);
}

static char colour(uint32_t watch, void *arg) { return view_of(arg)->colour(watch); }

static const char *phase(void *arg) {
  const struct litmus_view *v = view_of(arg);
  return v != NULL && v->is_marking() ? "mark" : "";
}

static bool is_broken(void *arg) {
  const struct litmus_view *v = view_of(arg);
  return v != NULL && v->is_broken();
}

static void examine(struct xp_names *names, const struct plat_model_outcome *outcome) {
  const struct litmus_view *v = view_of(names->arg);
  char path[XP_NAME];
  (void)outcome;
  if (v == NULL) return;
  while (v->watched[names->watch_count] != NULL) {
    snprintf(names->watch[names->watch_count].name, XP_NAME, "%s",
             v->watched[names->watch_count]);
    names->watch_count++;
  }
  names->lost = names->watch_count;
  if (v->lost(&names->lost, path, sizeof path))
    xp_lines_add(&names->path, "%s is not marked, but reachable: %s -> %s",
                 names->watch[names->lost].name, path, names->watch[names->lost].name);
}

static bool reason(const struct xp_event *store, bool overwritten, char *out, size_t bytes,
                   void *arg) {
  (void)store;
  const char *text = view_of(arg)->unshaded(overwritten);
  if (text != NULL) snprintf(out, bytes, "%s", text);
  return text != NULL;
}

void xp_names_litmus(struct xp_names *out, const struct litmus *program) {
  *out = (struct xp_names){
      .actor = name_actor,
      .object = name_object,
      .value = name_value,
      .colour = colour,
      .phase = phase,
      .is_broken = is_broken,
      .examine = examine,
      .reason = reason,
      .is_small = true,
      .arg = (void *)(uintptr_t)program,
  };
}

#include "sims/explore/names_engine.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "gc/collector.h"
#include "gc/look.h"
#include "gc/world.h"
#include "sched/go.h"

enum { WATCHED_OBJECTS = 7 }; /* the rest are stacks */

static const struct gc_look *look(void) { return gc_collector.look; }

static char colour_of(uintptr_t object) {
  const struct gc_span *span = gc_look_span(object);
  if (span == NULL) return '-';
  if (!gc_look_is_marked(span, gc_span_index(span, object)))
    return look()->is_buffered(object) ? 'G' : 'W';
  return look()->is_queued(object) ? 'G' : 'B';
}

/* ---- names ----------------------------------------------------------------------------------- */

static const char *label_of(const struct xp_engine_names *s, const struct gc_mutator *mu) {
  for (uint32_t i = 0; i < s->label_count; i++)
    if (s->label[i].mutator == mu && s->label[i].id == mu->id) return s->label[i].text;
  return NULL;
}

static void name_actor(uint32_t thread, char *out, size_t bytes, void *arg) {
  uint32_t number;
  struct go_g *g = go_of_thread(plat_model_thread_self(thread), &number);
  const struct gc_mutator *mu = g == NULL ? NULL : go_mu(g);
  const char *label = mu != NULL ? label_of(arg, mu) : NULL;
  if (label != NULL)
    snprintf(out, bytes, "%s", label);
  else if (mu != NULL)
    snprintf(out, bytes, "goroutine %" PRIu64, mu->id);
  else if (number != UINT32_MAX)
    snprintf(out, bytes, "scheduler m%" PRIu32, number);
  else
    snprintf(out, bytes, "%s", plat_model_thread_name(thread));
}

static bool programs_place(const struct xp_engine_names *s, const void *address, char *out,
                           size_t bytes) {
  return s->program.place != NULL && s->program.place(address, out, bytes, s->program.arg);
}

/* NULL: not known, or it has no pointers. */
static const struct gc_type *type_of(uintptr_t object, bool *is_array) {
  const struct gc_span *span = gc_look_span(object);
  *is_array = false;
  if (span == NULL || gc_span_is_noscan(span) || span->types == NULL) return NULL;
  uint16_t id = span->types[gc_span_index(span, object)];
  *is_array = (id & GC_TYPE_ARRAY) != 0;
  return id == 0 ? NULL : gc_type_by_id(id & (uint16_t)~GC_TYPE_ARRAY);
}

/* Without a name: what it is, and where it lies in the heap: "map.bucket@4000". */
static void name_object_at(const struct xp_engine_names *s, uintptr_t object, char *out,
                           size_t bytes) {
  const struct xp_program_names *p = &s->program;
  const char *name = p->object != NULL ? p->object((const void *)object, p->arg) : NULL;
  const struct gc_span *span = gc_look_span(object);
  bool is_array;
  const struct gc_type *type = type_of(object, &is_array);
  uint64_t offset = object - gc_heap.base;
  if (name != NULL)
    snprintf(out, bytes, "%s", name);
  else if (type != NULL)
    snprintf(out, bytes, "%.40s%s@%" PRIx64, type->name, is_array ? "[]" : "", offset);
  else
    snprintf(out, bytes, "%s@%" PRIx64,
             span != NULL && gc_span_is_noscan(span) ? "data" : "object", offset);
}

/* Words of types whose layout is Go's. */
static const char *word_name(uintptr_t object, uint64_t word) {
  static const struct {
    const char *type;
    const char *words[6];
  } rows[] = {
      {"map", {"count", "flags", "buckets", "old_buckets", "nevacuate", "extra"}},
      {"map.extra", {"overflow", "old_overflow", "next_overflow"}},
  };
  bool is_array;
  const struct gc_type *type = type_of(object, &is_array);
  for (size_t i = 0; type != NULL && !is_array && i < sizeof rows / sizeof rows[0]; i++)
    if (strcmp(rows[i].type, type->name) == 0 && word < 6) return rows[i].words[word];
  return NULL;
}

static void name_place(const struct xp_engine_names *s, uintptr_t address, char *out,
                       size_t bytes) {
  char object[XP_NAME];
  uintptr_t base = gc_look_object(address);
  if (programs_place(s, (const void *)address, out, bytes)) return;
  name_object_at(s, base, object, sizeof object);
  uint64_t word = (uint64_t)(address - base) / 8;
  const char *name = word_name(base, word);
  if (name != NULL)
    snprintf(out, bytes, "%.30s.%s", object, name);
  else
    snprintf(out, bytes, "%s.%" PRIu64, object, word);
}

/* The span one of whose words of mark bits lies at an address; visits pages, not spans. */
static const struct gc_span *span_of_marks(const void *address) {
  const struct gc_span *last = NULL;
  uint64_t pages = gc_heap.grown_bytes.raw_ >> GC_PAGE_SHIFT;
  for (uint64_t i = 0; i < pages; i++) {
    const struct gc_span *span = gc_heap.spans[i].raw_;
    const struct at_u64 *word = address;
    if (span == NULL || span == last) continue;
    last = span;
    if (word >= span->mark_bits && word < span->mark_bits + (span->nelems + 63) / 64) return span;
  }
  return NULL;
}

static bool is_of_mutex(enum plat_op kind) {
  return kind == PLAT_OP_LOCK || kind == PLAT_OP_TRY_LOCK || kind == PLAT_OP_UNLOCK;
}

static bool is_of_p(const struct xp_engine_names *s, const void *address, char *out, size_t bytes) {
  for (uint32_t i = 0; i < s->procs; i++) {
    if (address != &gc_world->p_at(i)->attention) continue;
    snprintf(out, bytes, "P%" PRIu32 " attention", i);
    return true;
  }
  return false;
}

static bool name_object(const struct plat_model_op *op, char *out, size_t bytes, void *arg) {
  const struct xp_engine_names *s = arg;
  const char *known = NULL;
  if (op->address == NULL) return false;
  if (is_of_mutex(op->kind)) known = ((const struct plat_mutex *)op->address)->name;
  if (op->address == look()->phase) known = "gc phase";
  if (op->address == &gc_flags.barrier_on) known = "barrier";
  if (known == NULL && is_of_p(s, op->address, out, bytes)) return true;
  if (known != NULL) {
    snprintf(out, bytes, "%s", known);
  } else if (gc_look_object((uintptr_t)op->address) != 0) {
    name_place(s, (uintptr_t)op->address, out, bytes);
  } else if (!programs_place(s, op->address, out, bytes)) {
    if (op->kind == PLAT_OP_SLOT_LOAD || span_of_marks(op->address) == NULL) return false;
    snprintf(out, bytes, "marks");
  }
  return true;
}

/* ---- values ---------------------------------------------------------------------------------- */

/* The watched objects whose bits are set in a word of mark bits. */
static bool name_marks(const struct xp_engine_names *s, const struct plat_model_op *op,
                       uint64_t word, char *out, size_t bytes) {
  const struct gc_span *span = span_of_marks(op->address);
  if (span == NULL) return false;
  uint64_t first = (uint64_t)((const struct at_u64 *)op->address - span->mark_bits) * 64;
  size_t used = 0;
  snprintf(out, bytes, "none");
  for (uint32_t bit = 0; bit < 64 && first + bit < span->nelems; bit++) {
    char name[XP_NAME];
    if ((word >> bit & 1) == 0 || used >= bytes) continue;
    name_object_at(s, gc_span_object(span, (uint32_t)first + bit), name, sizeof name);
    int n = snprintf(out + used, bytes - used, "%s%s", used > 0 ? " " : "", name);
    used += n > 0 ? (size_t)n : 0;
  }
  return true;
}

/* Counts in plain words that fill eight bytes. */
static bool name_word(const struct plat_model_op *op, uint64_t word, char *out, size_t bytes) {
  uintptr_t base = gc_look_object((uintptr_t)op->address);
  const char *name = word_name(base, ((uintptr_t)op->address - base) / 8);
  bool is_count = name != NULL && (strcmp(name, "count") == 0 || strcmp(name, "nevacuate") == 0);
  if (is_count) snprintf(out, bytes, "%" PRIu64, word);
  return is_count;
}

/* The head of a lock-free stack of the collector's: a version above its first entry's index. */
static bool is_stack_head(const struct plat_model_op *op, uint64_t word) {
  const char *what = op->site->what;
  size_t length = strlen(what);
  bool is_head = length > 6 && strstr(what, "head") != NULL;
  return is_head && strncmp(what, "at_u64_", 7) == 0 && word > UINT32_MAX;
}

static bool name_value(const struct plat_model_op *op, uint64_t word, char *out, size_t bytes,
                       void *arg) {
  const struct xp_engine_names *s = arg;
  bool is_slot = op->kind == PLAT_OP_SLOT_LOAD || op->kind == PLAT_OP_SLOT_STORE;
  if (op->address == look()->phase) {
    snprintf(out, bytes, "%s", look()->phase_name((uint32_t)word));
    return true;
  }
  uintptr_t object = gc_look_object(word);
  if (object != 0 && (is_slot || op->kind == PLAT_OP_PLAIN_LOAD ||
                      op->kind == PLAT_OP_PLAIN_STORE || op->kind == PLAT_OP_RMW)) {
    name_object_at(s, object, out, bytes);
    return true;
  }
  if (gc_look_object((uintptr_t)op->address) != 0) return name_word(op, word, out, bytes);
  if (is_slot) return false;
  if (is_stack_head(op, word)) {
    snprintf(out, bytes, "entry %" PRIu32, (uint32_t)word);
    return true;
  }
  return name_marks(s, op, word, out, bytes);
}

static char colour(uint32_t watch, void *arg) {
  const struct xp_engine_names *s = arg;
  if (s->stack[watch] != NULL) return s->stack[watch]->stack_scanned ? 'B' : 'W';
  return colour_of(s->object[watch]);
}

/* The verifier reads heap slots as well, and looks only. */
static uint32_t scans(const struct plat_model_op *op, void *arg) {
  const struct xp_engine_names *s = arg;
  bool is_markers = op->kind == PLAT_OP_SLOT_LOAD &&
                    plat_model_class_of(op->site) == PLAT_CLASS_MARKER &&
                    strstr(op->site->file, "verify.c") == NULL;
  if (!is_markers) return XP_WATCH_MAX;
  uintptr_t object = gc_look_object((uintptr_t)op->address);
  for (uint32_t i = 0; object != 0 && i < XP_WATCH_MAX; i++)
    if (s->object[i] == object && s->stack[i] == NULL) return i;
  return XP_WATCH_MAX;
}

static const char *phase(void *arg) {
  (void)arg;
  return look()->phase_name(look()->phase->raw_);
}

/* ---- after the failure ----------------------------------------------------------------------- */

static bool shares_name(const struct gc_mutator *mu, const char *name) {
  uint64_t count = gc_world->stacks_count();
  for (uint64_t i = 0; i < count; i++) {
    struct gc_mutator *other = gc_world->stack_at(i);
    const char *others = go_name(go_from_mu(other));
    if (other != mu && others != NULL && strcmp(others, name) == 0) return true;
  }
  return false;
}

static void label_goroutines(struct xp_engine_names *s) {
  uint64_t count = gc_world->stacks_count();
  s->label_count = 0;
  for (uint64_t i = 0; i < count && s->label_count < XP_LABELS_MAX; i++) {
    struct gc_mutator *mu = gc_world->stack_at(i);
    const char *name = go_name(go_from_mu(mu));
    struct xp_label *l = &s->label[s->label_count++];
    *l = (struct xp_label){.mutator = mu, .id = mu->id};
    if (name == NULL) name = "goroutine";
    if (shares_name(mu, name))
      snprintf(l->text, sizeof l->text, "%.40s %" PRIu64, name, mu->id);
    else
      snprintf(l->text, sizeof l->text, "%.60s", name);
  }
}

/* The watch of an object, added if need be; watch_count: there is no room. */
static uint32_t watch_object(struct xp_names *names, uintptr_t object) {
  struct xp_engine_names *s = names->arg;
  uint32_t i = 0;
  while (i < names->watch_count && s->object[i] != object) i++;
  if (i < names->watch_count || i == WATCHED_OBJECTS) return i;
  s->object[i] = object;
  s->stack[i] = NULL;
  names->watch[i].is_stack = false;
  name_object_at(s, object, names->watch[i].name, XP_NAME);
  return names->watch_count++;
}

static void watch_declared(struct xp_names *names) {
  const struct xp_program_names *p = &((struct xp_engine_names *)names->arg)->program;
  const void *object = NULL;
  for (uint32_t i = 0; p->declared != NULL && (object = p->declared(i, p->arg)) != NULL; i++)
    watch_object(names, (uintptr_t)object);
}

static void watch_stacks(struct xp_names *names) {
  struct xp_engine_names *s = names->arg;
  for (uint32_t i = 0; i < s->label_count && names->watch_count < XP_WATCH_MAX; i++) {
    const struct xp_label *l = &s->label[i];
    if (l->mutator->is_system || l->mutator->frames == NULL) continue;
    s->object[names->watch_count] = 0;
    s->stack[names->watch_count] = l->mutator;
    names->watch[names->watch_count].is_stack = true;
    snprintf(names->watch[names->watch_count++].name, XP_NAME, "%.50s stack", l->text);
  }
}

/* One "; from ..." of the verifier's message, in names. False: it is none of those known. */
static bool name_step(struct xp_names *names, const char *text, char *out, size_t bytes) {
  const struct xp_engine_names *s = names->arg;
  uint64_t word, offset, id;
  char what[XP_NAME];
  if (sscanf(text, "from slot %" SCNu64 " of goroutine %" SCNu64, &word, &id) == 2) {
    for (uint32_t i = 0; i < s->label_count; i++)
      if (s->label[i].id == id) snprintf(out, bytes, "%.50s stack", s->label[i].text);
    return out[0] != '\0';
  }
  if (sscanf(text, "from word %" SCNu64 " of global root %" SCNu64, &word, &id) == 2) {
    name_place(s, (uintptr_t)(gc_global_root_at(id).base + word), out, bytes);
    if (strchr(out, '@') != NULL) snprintf(out, bytes, "a global root");
    return true;
  }
  if (sscanf(text, "from word %" SCNu64 " of %63[^+]+%" SCNx64, &word, what, &offset) != 3)
    return false;
  watch_object(names, gc_heap.base + offset);
  name_place(s, gc_heap.base + offset + 8 * word, out, bytes);
  return true;
}

/* "reader stack -> A.0 -> B": the verifier's path backwards. */
static void tell_path(struct xp_names *names, const char *message) {
  const char *lost = names->watch[names->lost].name;
  char path[1024], before[1024], step[2 * XP_NAME];
  snprintf(path, sizeof path, "%s", lost);
  for (const char *at = strstr(message, "; from"); at != NULL; at = strstr(at + 2, "; from")) {
    step[0] = '\0';
    if (!name_step(names, at + 2, step, sizeof step)) break;
    memcpy(before, path, sizeof before);
    snprintf(path, sizeof path, "%s -> %.800s", step, before);
  }
  bool is_free = strstr(message, "is free") != NULL;
  xp_lines_add(&names->path, "%s is %s, but reachable: %s", lost,
               is_free ? "freed" : "not marked", path);
}

/* What is lost, as the message of the verifier, or of an access, names it. */
static void find_lost(struct xp_names *names, const char *message) {
  const char *at = strstr(message, "heap+0x");
  if (at != NULL) {
    names->lost = watch_object(names, gc_heap.base + strtoull(at + 7, NULL, 16));
    if (names->lost < names->watch_count)
      tell_path(names, message);
    return;
  }
  at = strstr(message, "freed object touched: ");
  for (uint32_t i = 0; at != NULL && i < names->watch_count; i++) {
    size_t length = strlen(names->watch[i].name);
    const char *name = at + strlen("freed object touched: ");
    if (strncmp(name, names->watch[i].name, length) == 0 && name[length] == ',') names->lost = i;
  }
}

static void examine(struct xp_names *names, const struct plat_model_outcome *outcome) {
  label_goroutines(names->arg);
  names->lost = XP_WATCH_MAX;
  find_lost(names, outcome->message);
  watch_declared(names);
  if (names->lost == XP_WATCH_MAX) find_lost(names, outcome->message);
  watch_stacks(names);
  struct xp_engine_names *s = names->arg;
  s->lost = names->lost < names->watch_count ? s->object[names->lost] : 0;
}

/* ---- why a store did not shade --------------------------------------------------------------- */

static bool reason(const struct xp_event *store, bool overwritten, char *out, size_t bytes,
                   void *arg) {
  const struct gc_barrier *row = look()->barrier();
  const struct xp_engine_names *s = arg;
  (void)store;
  bool shades = overwritten ? row->shade_old : row->shade_new;
  uint32_t p = look()->recorder(s->lost);
  if (!shades)
    snprintf(out, bytes, "barrier %s does not shade what a store %s", row->name,
             overwritten ? "overwrites" : "writes");
  else if (p != UINT32_MAX)
    snprintf(out, bytes, "recorded in P%" PRIu32 "'s barrier buffer, but never shaded", p);
  else if (!overwritten && row->new_until_roots_done)
    snprintf(out, bytes, "barrier %s shades what a store writes until all roots are scanned",
             row->name);
  else
    snprintf(out, bytes, "not recorded in a barrier buffer");
  size_t used = strlen(out);
  if (s->faults[0] != '\0') snprintf(out + used, bytes - used, " (faults: %s)", s->faults);
  return true;
}

void xp_names_engine(struct xp_names *out, struct xp_engine_names *state) {
  *out = (struct xp_names){
      .actor = name_actor,
      .object = name_object,
      .value = name_value,
      .colour = colour,
      .scans = scans,
      .phase = phase,
      .examine = examine,
      .reason = reason,
      .faults = state->faults,
      .arg = state,
  };
}

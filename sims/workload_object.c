/* Single heap objects of litmus scenarios: registers, fields, global root slots.
 *
 * An object's word 0 is its header: magic, number of fields, who made it and which of the maker's
 * it is; the fields follow. Nobody changes a header, so with runtime.check every access looks at it
 * before and after: memory that was freed, or is another object by now, is reported. A weak
 * pointer is an object, too, so that registers and fields may hold it.
 *
 * The declared objects are made before the setup and held by a table of their own until every
 * goroutine has its registers; then the table is dropped, and the clock starts.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gc/faults.h"
#include "runtime/check.h"
#include "runtime/meta.h"
#include "sims/memory.h"
#include "sims/platform.h"
#include "sims/workload_int.h"

#define MAGIC UINT64_C(0x0b1e)
#define MAGIC_WEAK UINT64_C(0x0b1f) /* a weak pointer: its one word is the handle, and no field */

enum {
  FRESH_MAX = 64,     /* objects of one goroutine that keep a name */
  FRESH_NAME_MAX = 96
};

/* An object that object.new made; any thread reads the first two. */
struct wl_fresh {
  struct at_u64 address, born_ns;
  char name[FRESH_NAME_MAX];
};

static uint64_t header(uint32_t pointers, uint64_t maker, uint64_t number) {
  return MAGIC << 48 | (uint64_t)pointers << 44 | (maker & 0xffffff) << 20 | (number & 0xfffff);
}

static void **field(void *object, uint32_t number) { return (void **)object + 1 + number; }

/* ---- types ----------------------------------------------------------------------------------- */

/* In metadata memory, because the collector may ask for types as long as it lives. */
static struct gc_type *new_type(uint32_t pointers) {
  struct gc_type *t = rt_meta_alloc(sizeof *t, 8);
  uint64_t *mask = rt_meta_alloc(sizeof *mask, 8);
  *mask = ((UINT64_C(1) << pointers) - 1) << 1;
  bool has_pointers = pointers > 0;
  *t = (struct gc_type){.name = "object",
                        .size = has_pointers ? 8 * (1 + pointers) : 16, /* never in a tiny block */
                        .ptrdata = has_pointers ? 8 * (1 + pointers) : 0,
                        .mask = has_pointers ? mask : NULL};
  gc_type_register(t);
  return t;
}

void wl_objects_init(struct workload *wl) {
  const struct scenario *sc = wl->sc;
  wl->has_late_headers = (sc->gc_faults & gc_fault_bit(GC_FAULT_PUBLISH_BEFORE_INIT)) != 0;
  for (uint32_t i = 0; i <= SC_FIELDS_MAX; i++) wl->object_types[i] = new_type(i);
  wl->objects = sim_platform_alloc(sc->object_count * sizeof *wl->objects);
  wl->root_slots = rt_meta_alloc((sc->object_count + 1) * sizeof(void *), PLAT_CACHE_LINE);
  for (uint32_t i = 0; i < sc->object_count; i++) {
    wl->objects[i].source = &sc->objects[i];
    wl->objects[i].slot = &wl->root_slots[i];
  }
}

/* ---- before the clock starts ----------------------------------------------------------------- */

/* The slot after those of the objects holds the table. */
static void ***table_slot(const struct workload *wl) {
  return (void ***)&wl->root_slots[wl->sc->object_count];
}

void wl_objects_make(struct workload *wl, struct go_g *g, const struct gc_type *pointer_type) {
  struct gc_mutator *mu = go_mu(g);
  const struct scenario *sc = wl->sc;
  uint32_t count = sc->object_count;
  gc_add_global_roots(wl->root_slots, count + 1);
  if (count == 0) return;
  void **table = gc_alloc_array(mu, pointer_type, count);
  gc_store(mu, (void **)table_slot(wl), table);
  for (uint32_t i = 0; i < count; i++) {
    uint32_t pointers = sc->objects[i].pointers;
    void *object = gc_alloc(mu, wl->object_types[pointers]);
    *(uint64_t *)object = header(pointers, 0, i);
    gc_store(mu, &table[i], object);
    at_quiet_store(&wl->objects[i].address, (uintptr_t)object);
  }
  for (uint32_t i = 0; i < count; i++) {
    void *object = gc_load(&table[i]);
    /* No link is made like others: so the preparation takes the same steps whatever they are. */
    for (uint32_t k = 0; k < sc->objects[i].pointers; k++) {
      bool is_nil = sc->objects[i].links[k] == SC_NIL;
      void *other = gc_load(&table[is_nil ? i : sc->objects[i].links[k]]);
      gc_store(mu, field(object, k), is_nil ? NULL : other);
    }
    if (sc->objects[i].root) gc_store(mu, wl->objects[i].slot, object);
  }
}

void wl_objects_settled(struct workload *wl, struct go_g *g) {
  gc_store(go_mu(g), (void **)table_slot(wl), NULL);
}

void wl_registers_fill(struct wl_go *w) {
  const struct sc_group *group = w->body->group;
  void **table = gc_load((void **)table_slot(w->wl));
  for (uint32_t r = 0; group != NULL && table != NULL && r < SC_REGISTERS; r++) {
    if (group->registers[r] == SC_NIL) continue;
    w->registers[r] = gc_load(&table[group->registers[r]]);
    w->register_headers[r] = *(uint64_t *)w->registers[r];
  }
}

/* ---- access ---------------------------------------------------------------------------------- */

_Noreturn static void end_freed(struct wl_go *w, const struct wl_op *op, const void *object,
                                uint64_t found) {
  const char *name = workload_object_name(w->wl, object);
  if (name == NULL) name = "an unknown object";
  if (found == 0)
    rt_fatal(RT_END_VIOLATION, "%s: object touched before it was initialised: %s",
             sc_op_name(op->source->kind), name);
  rt_fatal(RT_END_VIOLATION, "%s: freed object touched: %s, whose header is %#llx now",
           sc_op_name(op->source->kind), name, (unsigned long long)found);
}

/* The header of an object. expected: 0, any of ours. */
static uint64_t touch(struct wl_go *w, const struct wl_op *op, void *object, uint64_t expected) {
  if (object == w->late_object) return w->late_header;
  plat_unpoison(object, 8); /* closed memory is reported here, not by the sanitizer */
  /* A header that is written late may be read meanwhile: then the order of the two matters. */
  uint64_t found = w->wl->has_late_headers ? plat_ld((uint64_t *)object) : *(uint64_t *)object;
  bool is_ours = found >> 48 == MAGIC || found >> 48 == MAGIC_WEAK;
  if (w->check && (!is_ours || (expected != 0 && found != expected)))
    end_freed(w, op, object, found);
  return found;
}

static void set_register(struct wl_go *w, const struct wl_op *op, void *object) {
  uint32_t to = op->source->to;
  w->registers[to] = object;
  w->register_headers[to] = object == NULL ? 0 : touch(w, op, object, 0);
}

/* A register's object, looked at once more. */
static void *use_register(struct wl_go *w, const struct wl_op *op, uint32_t r) {
  void *object = r == SC_NIL ? NULL : w->registers[r];
  if (object != NULL) touch(w, op, object, w->register_headers[r]);
  return object;
}

/* The object an access goes through, and its header; NULL: nil, or it has no such field. */
static void *use_holder(struct wl_go *w, const struct wl_op *op, uint64_t *found) {
  uint32_t holder = op->source->holder;
  void *object = holder < SC_REGISTERS ? w->registers[holder]
                                       : gc_load(w->wl->objects[holder - SC_REGISTERS].slot);
  if (object == NULL) return NULL;
  *found = touch(w, op, object, holder < SC_REGISTERS ? w->register_headers[holder] : 0);
  return op->source->field < (*found >> 44 & 15) ? object : NULL;
}

/* After a store, by which the object may have become visible to others. */
static void settle_late(struct wl_go *w) {
  if (w->late_object != NULL) plat_st((uint64_t *)w->late_object, w->late_header);
  w->late_object = NULL;
}

static void finish(struct wl_go *w, const struct wl_op *op) {
  w->states[op->state].done++;
  wl_finish_op(w);
  wl_publish(w, 1);
}

/* ---- the operations -------------------------------------------------------------------------- */

void wl_object_load(struct wl_go *w, const struct wl_op *op) {
  uint64_t found = 0;
  void *object = use_holder(w, op, &found), *value = NULL;
  if (object != NULL) {
    value = gc_load(field(object, op->source->field));
    touch(w, op, object, found);
  }
  set_register(w, op, value);
  finish(w, op);
}

void wl_object_store(struct wl_go *w, const struct wl_op *op) {
  uint64_t found = 0;
  void *object = use_holder(w, op, &found);
  if (object != NULL) {
    void *value = use_register(w, op, op->source->value);
    gc_store(go_mu(w->g), field(object, op->source->field), value);
    settle_late(w);
    touch(w, op, object, found);
  }
  finish(w, op);
}

void wl_object_get(struct wl_go *w, const struct wl_op *op) {
  set_register(w, op, gc_load(op->object->slot));
  finish(w, op);
}

void wl_object_put(struct wl_go *w, const struct wl_op *op) {
  void *value = use_register(w, op, op->source->value);
  gc_store(go_mu(w->g), op->object->slot, value);
  settle_late(w);
  finish(w, op);
}

static void name_fresh(struct wl_go *w, const void *object, uint64_t number) {
  if (w->fresh == NULL || number > FRESH_MAX) return;
  struct wl_fresh *f = &w->fresh[number - 1];
  at_quiet_store(&f->born_ns, plat_log_ns());
  at_quiet_store(&f->address, (uintptr_t)object);
}

void wl_object_new(struct wl_go *w, const struct wl_op *op) {
  uint32_t pointers = op->source->pointers;
  void *object = wl_new(w, w->wl->object_types[pointers]);
  uint64_t number = ++w->fresh_count;
  uint64_t own_header = header(pointers, w->index, number);
  settle_late(w);
  if (w->wl->has_late_headers) {
    w->late_object = object;
    w->late_header = own_header;
  } else {
    *(uint64_t *)object = own_header;
  }
  name_fresh(w, object, number);
  set_register(w, op, object);
  finish(w, op);
}

/* An object around the collector's handle. */
void wl_weak_make(struct wl_go *w, const struct wl_op *op) {
  void *target = use_register(w, op, op->source->from), *object = NULL;
  if (target != NULL) {
    w->roots[WL_ROOT_VALUE] = gc_weak_make(go_mu(w->g), target);
    object = wl_new(w, w->wl->object_types[1]);
    uint64_t number = ++w->fresh_count;
    *(uint64_t *)object = MAGIC_WEAK << 48 | (header(0, w->index, number) & (UINT64_MAX >> 16));
    gc_store(go_mu(w->g), field(object, 0), w->roots[WL_ROOT_VALUE]);
    w->roots[WL_ROOT_VALUE] = NULL;
    name_fresh(w, object, number);
  }
  set_register(w, op, object);
  finish(w, op);
}

void wl_weak_get(struct wl_go *w, const struct wl_op *op) {
  void *object = use_register(w, op, op->source->from), *target = NULL;
  if (object != NULL && w->register_headers[op->source->from] >> 48 == MAGIC_WEAK)
    target = gc_weak_get(go_mu(w->g), gc_load(field(object, 0)));
  set_register(w, op, target);
  finish(w, op);
}

void wl_object_drop(struct wl_go *w, const struct wl_op *op) {
  w->registers[op->source->from] = NULL;
  finish(w, op);
}

void wl_object_move(struct wl_go *w, const struct wl_op *op) {
  set_register(w, op, use_register(w, op, op->source->from));
  finish(w, op);
}

/* ---- names ----------------------------------------------------------------------------------- */

void wl_fresh_init(struct wl_go *w) {
  bool makes = false;
  for (uint32_t i = 0; i < w->body->flat_count; i++)
    if (w->body->flat[i]->source->kind == SC_OP_OBJECT_NEW ||
        w->body->flat[i]->source->kind == SC_OP_WEAK_MAKE)
      makes = true;
  if (!makes) return;
  w->fresh = sim_platform_alloc(FRESH_MAX * sizeof *w->fresh);
  const struct sc_group *group = w->body->group;
  char number[32] = "";
  if (group != NULL && group->count > 1)
    snprintf(number, sizeof number, "-%llu", (unsigned long long)w->number);
  for (uint32_t i = 0; i < FRESH_MAX; i++)
    snprintf(w->fresh[i].name, sizeof w->fresh[i].name, "new#%u of %s%s", i + 1, w->body->name,
             number);
}

/* The object that was last made at an address. */
struct found_object {
  const char *name;
  uint64_t born_ns, address;
};

static void offer(struct found_object *best, const char *name, uint64_t at, uint64_t born_ns,
                  uint64_t wanted) {
  if (at == 0 || wanted < at || wanted - at >= 8 * (1 + SC_FIELDS_MAX)) return;
  bool is_nearer = best->name == NULL || at > best->address;
  if (is_nearer || (at == best->address && born_ns >= best->born_ns))
    *best = (struct found_object){name, born_ns, at};
}

static struct found_object find_object(const struct workload *wl, uint64_t address) {
  struct found_object best = {NULL, 0, 0};
  for (uint32_t i = 0; wl->objects != NULL && i < wl->sc->object_count; i++)
    offer(&best, wl->objects[i].source->name, at_quiet_load(&wl->objects[i].address), 0, address);
  for (uint64_t i = 0; i <= wl->go_count; i++) {
    const struct wl_go *w = i == wl->go_count ? wl->setup_go : &wl->gos[i];
    for (uint32_t k = 0; w->fresh != NULL && k < FRESH_MAX; k++)
      offer(&best, w->fresh[k].name, at_quiet_load(&w->fresh[k].address),
            at_quiet_load(&w->fresh[k].born_ns), address);
  }
  return best;
}

const char *workload_object_name(const struct workload *wl, const void *object) {
  struct found_object best = find_object(wl, (uintptr_t)object);
  return best.address == (uintptr_t)object ? best.name : NULL;
}

bool workload_place_name(const struct workload *wl, const void *address, char *out, size_t bytes) {
  const void *const *slot = address;
  for (uint32_t i = 0; wl->objects != NULL && i < wl->sc->object_count; i++) {
    if (slot != (const void *const *)wl->objects[i].slot) continue;
    snprintf(out, bytes, "root %s", wl->objects[i].source->name);
    return true;
  }
  struct found_object best = find_object(wl, (uintptr_t)address);
  if (best.name == NULL) return false;
  uint64_t word = ((uintptr_t)address - best.address) / 8;
  if (word == 0)
    snprintf(out, bytes, "%s", best.name);
  else
    snprintf(out, bytes, "%s.%llu", best.name, (unsigned long long)word - 1);
  return true;
}

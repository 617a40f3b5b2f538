#include "sims/explore/races.h"

#include <stdlib.h>
#include <string.h>

#include "runtime/rng.h"
#include "sims/explore/access.h"
#include "sims/memory.h"

enum { THREADS = PLAT_MODEL_CHOOSER_THREADS, OBJECTS_MIN = 1024 };

typedef uint32_t clock_of[THREADS]; /* operations of each thread that happened before */

/* What a run did to one object. */
struct object {
  const void *address;
  uint64_t run;              /* the rest is of that run */
  clock_of writes, reads;    /* before the last write; joined over the reads since */
  uint32_t write_at, write_site, write_thread; /* write_at 0: none */
  uint32_t read_at[THREADS], read_site[THREADS];
};

struct xp_races {
  uint8_t *site;
  uint8_t *is_addition;      /* by site: at_*_add_relaxed */
  uint32_t count;
  uint64_t steps;
  uint64_t run;
  uint64_t rng;
  bool is_lazy;              /* this run switches seldom */
  clock_of clock[THREADS];   /* by thread number modulo THREADS */
  struct object **table;     /* open addressing by address; a power of two */
  uint32_t room, used;
};

struct xp_races *xp_races_new(void) {
  struct xp_races *r = sim_alloc(sizeof *r);
  r->site = sim_alloc(plat_model_site_count());
  r->is_addition = sim_alloc(plat_model_site_count());
  for (uint32_t i = 0; i < plat_model_site_count(); i++)
    r->is_addition[i] = strstr(plat_model_site_at(i)->what, "_add_relaxed(") != NULL;
  r->room = OBJECTS_MIN;
  r->table = sim_alloc(r->room * sizeof(struct object *));
  return r;
}

void xp_races_free(struct xp_races *r) {
  for (uint32_t i = 0; i < r->room; i++) free(r->table[i]);
  free(r->table);
  free(r->site);
  free(r->is_addition);
  free(r);
}

/* ---- objects --------------------------------------------------------------------------------- */

static struct object **slot_of(struct object **table, uint32_t room, const void *address) {
  uint32_t at = (uint32_t)(((uintptr_t)address * 0x9e3779b97f4a7c15ull) >> 40) & (room - 1);
  while (table[at] != NULL && table[at]->address != address) at = (at + 1) & (room - 1);
  return &table[at];
}

static void grow(struct xp_races *r) {
  uint32_t room = 2 * r->room;
  struct object **table = sim_alloc(room * sizeof(struct object *));
  for (uint32_t i = 0; i < r->room; i++)
    if (r->table[i] != NULL) *slot_of(table, room, r->table[i]->address) = r->table[i];
  free(r->table);
  r->table = table;
  r->room = room;
}

static struct object *object_at(struct xp_races *r, const void *address) {
  if (2 * r->used >= r->room) grow(r);
  struct object **slot = slot_of(r->table, r->room, address);
  if (*slot == NULL) {
    *slot = sim_alloc(sizeof **slot);
    r->used++;
  }
  if ((*slot)->run != r->run) {
    memset(*slot, 0, sizeof **slot);
    (*slot)->address = address;
    (*slot)->run = r->run;
  }
  return *slot;
}

/* ---- races ----------------------------------------------------------------------------------- */

static void join(clock_of into, const clock_of from) {
  for (uint32_t i = 0; i < THREADS; i++)
    if (from[i] > into[i]) into[i] = from[i];
}

static void flag(struct xp_races *r, uint32_t site) {
  r->count += r->site[site] == 0;
  r->site[site] = 1;
}

/* Statistics are added to in any order: relaxed additions commute. */
static bool commute(struct xp_races *r, uint32_t a, uint32_t b) {
  return r->is_addition[a] != 0 && r->is_addition[b] != 0;
}

static void race_with_write(struct xp_races *r, const struct object *o, uint32_t t,
                            uint32_t site) {
  if (o->write_at == 0 || o->write_thread == t) return;
  if (o->write_at <= r->clock[t][o->write_thread] || commute(r, site, o->write_site)) return;
  flag(r, site);
  flag(r, o->write_site);
}

static void race_with_reads(struct xp_races *r, const struct object *o, uint32_t t,
                            uint32_t site) {
  for (uint32_t i = 0; i < THREADS; i++) {
    if (i == t || o->read_at[i] == 0 || o->read_at[i] <= r->clock[t][i]) continue;
    flag(r, site);
    flag(r, o->read_site[i]);
  }
}

static void read_object(struct xp_races *r, struct object *o, uint32_t t, uint32_t site) {
  race_with_write(r, o, t, site);
  join(r->clock[t], o->writes);
  uint32_t now = ++r->clock[t][t];
  o->read_at[t] = now;
  o->read_site[t] = site;
  join(o->reads, r->clock[t]);
}

/* A mutex that is released races with nothing: who wants it races with who took it. */
static void write_object(struct xp_races *r, struct object *o, uint32_t t, uint32_t site,
                         enum xp_access_kind kind) {
  bool is_release = kind == XP_ACCESS_UNLOCK;
  if (!is_release) {
    race_with_write(r, o, t, site);
    race_with_reads(r, o, t, site);
  }
  join(r->clock[t], o->writes);
  join(r->clock[t], o->reads);
  uint32_t now = ++r->clock[t][t];
  memcpy(o->writes, r->clock[t], sizeof o->writes);
  memset(o->reads, 0, sizeof o->reads);
  memset(o->read_at, 0, sizeof o->read_at);
  o->write_at = now;
  o->write_thread = t;
  if (!is_release) o->write_site = site;
}

static void see(const struct plat_model_op *op, void *arg) {
  struct xp_races *r = arg;
  struct xp_access a = xp_access_of(op);
  if (a.object == NULL || a.kind == XP_ACCESS_NONE) return;
  uint32_t t = op->thread % THREADS, site = plat_model_site_index(op->site);
  struct object *o = object_at(r, a.object);
  if (xp_access_writes(a.kind))
    write_object(r, o, t, site, a.kind);
  else
    read_object(r, o, t, site);
}

/* ---- runs ------------------------------------------------------------------------------------ */

static uint32_t choose(const struct plat_model_point *p, void *arg) {
  struct xp_races *r = arg;
  enum { SELDOM = 8 };
  bool stays = r->is_lazy && p->running < p->count && rng_fastrandn(&r->rng, SELDOM) != 0;
  return stays ? p->running : rng_fastrandn(&r->rng, p->count);
}

uint32_t xp_races_learn(struct xp_races *r, uint32_t classes, uint64_t seed, uint32_t runs,
                        uint64_t step_max) {
  uint32_t before = r->count;
  uint8_t *known = xp_races_sites(r);
  struct plat_model_outcome out;
  struct plat_model_hooks hooks = {.choose = choose, .execute = see, .arg = r, .classes = classes,
                                   .step_max = step_max,
                                   .point_sites = before == 0 ? NULL : known};
  plat_model_set_hooks(&hooks);
  for (uint32_t i = 0; i < runs; i++) {
    r->run++;
    r->rng = rng_split(seed, i);
    r->is_lazy = i % 2 != 0;
    memset(r->clock, 0, sizeof r->clock);
    plat_model_explore(&out);
    r->steps += out.steps;
  }
  plat_model_set_hooks(NULL);
  free(known);
  return r->count - before;
}

uint8_t *xp_races_sites(const struct xp_races *r) {
  return memcpy(sim_alloc(plat_model_site_count()), r->site, plat_model_site_count());
}

uint32_t xp_races_count(const struct xp_races *r) { return r->count; }

uint64_t xp_races_steps(const struct xp_races *r) { return r->steps; }

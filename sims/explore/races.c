#include "sims/explore/races.h"

#include <stdlib.h>
#include <string.h>

#include "runtime/rng.h"
#include "sims/explore/objects.h"
#include "sims/memory.h"

enum { THREADS = PLAT_MODEL_CHOOSER_THREADS };

typedef uint32_t clock_of[THREADS]; /* operations of each thread that happened before */

/* What a run did to one object. */
struct object {
  uint64_t run;              /* the rest is of that run */
  uint32_t write_at, write_site, write_thread; /* write_at 0: none */
  clock_of writes, reads;    /* before the last write; joined over the reads since */
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
  uint32_t width;            /* of clocks, in use: threads met so far, in fours */
  clock_of clock[THREADS];   /* by thread number modulo THREADS */
  struct xp_objects objects;
  struct object **table;     /* by object; NULL: none yet */
  uint32_t room, used;
};

struct xp_races *xp_races_new(void) {
  struct xp_races *r = sim_alloc(sizeof *r);
  r->site = sim_alloc(plat_model_site_count());
  r->is_addition = sim_alloc(plat_model_site_count());
  for (uint32_t i = 0; i < plat_model_site_count(); i++)
    r->is_addition[i] = strstr(plat_model_site_at(i)->what, "_add_relaxed(") != NULL;
  return r;
}

void xp_races_free(struct xp_races *r) {
  for (uint32_t i = 0; i < r->used; i++) free(r->table[i]);
  xp_objects_free(&r->objects);
  free(r->table);
  free(r->site);
  free(r->is_addition);
  free(r);
}

struct xp_races *xp_races_copy(const struct xp_races *from) {
  struct xp_races *r = xp_races_new();
  memcpy(r->site, from->site, plat_model_site_count());
  r->count = from->count;
  return r;
}

/* ---- objects --------------------------------------------------------------------------------- */

static uint32_t number_of(struct xp_races *r, const struct xp_access *a) {
  uint32_t number = xp_objects_index(&r->objects, a);
  while (r->used <= number) {
    r->table = sim_grow(r->table, &r->room, r->used, sizeof(struct object *));
    r->table[r->used++] = NULL;
  }
  return number;
}

static struct object *object_at(struct xp_races *r, uint32_t number) {
  struct object *o = r->table[number];
  if (o == NULL) o = r->table[number] = sim_alloc(sizeof *o);
  if (o->run == r->run) return o;
  size_t used = r->width * sizeof *o->writes;
  o->run = r->run;
  o->write_at = 0;
  memset(o->writes, 0, used);
  memset(o->reads, 0, used);
  memset(o->read_at, 0, used);
  return o;
}

/* ---- races ----------------------------------------------------------------------------------- */

static inline void join(const struct xp_races *r, clock_of into, const clock_of from) {
  for (uint32_t i = 0; i < r->width; i += 4)
    for (uint32_t k = i; k < i + 4; k++) into[k] = from[k] > into[k] ? from[k] : into[k];
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
  for (uint32_t i = 0; i < r->width; i++) {
    if (i == t || o->read_at[i] == 0 || o->read_at[i] <= r->clock[t][i]) continue;
    flag(r, site);
    flag(r, o->read_site[i]);
  }
}

static void read_object(struct xp_races *r, struct object *o, uint32_t t, uint32_t site) {
  race_with_write(r, o, t, site);
  join(r, r->clock[t], o->writes);
  uint32_t now = ++r->clock[t][t];
  o->read_at[t] = now;
  o->read_site[t] = site;
  join(r, o->reads, r->clock[t]);
}

/* A mutex that is released races with nothing: who wants it races with who took it. */
static void write_object(struct xp_races *r, struct object *o, uint32_t t, uint32_t site,
                         enum xp_access_kind kind) {
  bool is_release = kind == XP_ACCESS_UNLOCK;
  if (!is_release) {
    race_with_write(r, o, t, site);
    race_with_reads(r, o, t, site);
  }
  join(r, r->clock[t], o->writes);
  join(r, r->clock[t], o->reads);
  uint32_t now = ++r->clock[t][t];
  memcpy(o->writes, r->clock[t], r->width * sizeof *o->writes);
  memset(o->reads, 0, r->width * sizeof *o->reads);
  memset(o->read_at, 0, r->width * sizeof *o->read_at);
  o->write_at = now;
  o->write_thread = t;
  if (!is_release) o->write_site = site;
}

/* The objects that share a byte with it. */
static void meet_overlapping(struct xp_races *r, uint32_t number, uint32_t t, uint32_t site,
                             bool writes) {
  const struct xp_object *x = &r->objects.object[number];
  for (uint32_t i = 0; i < x->over_count; i++) {
    struct object *o = object_at(r, x->over[i]);
    race_with_write(r, o, t, site);
    if (writes) race_with_reads(r, o, t, site);
    join(r, r->clock[t], o->writes);
    if (writes) join(r, r->clock[t], o->reads);
  }
}

static void see(const struct plat_model_op *op, void *arg) {
  struct xp_races *r = arg;
  struct xp_access a = xp_access_of(op);
  if (a.object == NULL || a.kind == XP_ACCESS_NONE) return;
  uint32_t t = op->thread % THREADS, site = plat_model_site_index(op->site);
  while (r->width <= t) r->width += 4; /* what is new in clocks is 0 */
  uint32_t number = number_of(r, &a);
  meet_overlapping(r, number, t, site, xp_access_writes(a.kind));
  struct object *o = object_at(r, number);
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

static void run_once(struct xp_races *r, uint64_t seed, uint32_t i) {
  struct plat_model_outcome out;
  r->run++;
  r->rng = rng_split(seed, i);
  r->is_lazy = i % 2 != 0;
  memset(r->clock, 0, sizeof r->clock);
  plat_model_explore(&out);
  r->steps += out.steps;
}

static bool is_over(const struct xp_races *r, const struct xp_learning *l, uint64_t steps) {
  return r->steps - steps >= l->steps || (l->stop != NULL && l->stop(l->stop_arg));
}

/* How many places were new. */
static uint32_t learn_round(struct xp_races *r, const struct xp_learning *l, uint64_t seed,
                            uint64_t steps) {
  uint32_t before = r->count;
  uint8_t *known = xp_races_sites(r);
  struct plat_model_hooks hooks = {.choose = choose, .execute = see, .arg = r,
                                   .classes = l->classes, .step_max = l->step_max,
                                   .point_sites = before == 0 ? NULL : known};
  plat_model_set_hooks(&hooks);
  for (uint32_t i = 0; i < l->runs && !is_over(r, l, steps); i++) run_once(r, seed, i);
  plat_model_set_hooks(NULL);
  free(known);
  return r->count - before;
}

bool xp_races_learn(struct xp_races *r, const struct xp_learning *l) {
  uint64_t steps = r->steps;
  uint32_t quiet = 0, count = r->count;
  for (uint32_t i = 0; i < l->rounds && quiet < l->quiet && !is_over(r, l, steps); i++) {
    uint32_t fresh = learn_round(r, l, rng_split(l->seed, i), steps);
    quiet = fresh == 0 ? quiet + 1 : 0;
  }
  return r->count > count;
}

uint8_t *xp_races_sites(const struct xp_races *r) {
  return memcpy(sim_alloc(plat_model_site_count()), r->site, plat_model_site_count());
}

uint32_t xp_races_count(const struct xp_races *r) { return r->count; }

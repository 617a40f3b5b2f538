/* The class of a run: two runs are equal up to swapping adjacent independent operations exactly
 * when every read of theirs follows the same write of its object, and every write the same write.
 * So the class is the set of pairs (operation, write before it), an operation being named by its
 * thread and its number among the thread's operations; the hash is the sum of the pairs' hashes.
 */
#include "sims/explore/observe.h"

#include <stdlib.h>
#include <string.h>

#include "sims/explore/access.h"
#include "sims/memory.h"

#define NOBODY UINT32_MAX

void xp_observer_free(struct xp_observer *o) {
  xp_objects_free(&o->objects);
  free(o->seen);
  free(o->steps);
  free(o->steps_run);
  *o = (struct xp_observer){0};
}

void xp_observer_begin(struct xp_observer *o) {
  o->run++;
  o->hash = o->threads = 0;
}

/* ---- objects --------------------------------------------------------------------------------- */

static inline struct xp_seen *seen_of(struct xp_observer *o, uint32_t object) {
  struct xp_seen *s = &o->seen[object];
  if (plat_unlikely(s->run != o->run))
    *s = (struct xp_seen){.run = o->run, .reader_thread = NOBODY};
  return s;
}

static inline uint32_t object_of(struct xp_observer *o, const struct xp_access *a) {
  uint32_t object = xp_objects_index(&o->objects, a);
  while (plat_unlikely(o->count <= object)) {
    o->seen = sim_grow(o->seen, &o->room, o->count, sizeof *o->seen);
    o->seen[o->count++].run = 0;
  }
  return object;
}

/* ---- threads --------------------------------------------------------------------------------- */

static void make_room(struct xp_observer *o, uint32_t thread) {
  uint32_t was = o->steps_room;
  while (o->steps_room <= thread) o->steps_room = o->steps_room == 0 ? 64 : 2 * o->steps_room;
  o->steps = sim_resize(o->steps, o->steps_room * sizeof *o->steps);
  o->steps_run = sim_resize(o->steps_run, o->steps_room * sizeof *o->steps_run);
  memset(o->steps_run + was, 0, (o->steps_room - was) * sizeof *o->steps_run);
}

/* Names the thread's next access; never 0. */
static inline uint64_t next_name(struct xp_observer *o, uint32_t thread) {
  if (plat_unlikely(thread >= o->steps_room)) make_room(o, thread);
  if (o->steps_run[thread] != o->run) {
    o->steps_run[thread] = o->run;
    o->steps[thread] = 0;
  }
  return (uint64_t)(thread + 1) << 32 | o->steps[thread]++;
}

/* ---- coverage -------------------------------------------------------------------------------- */

void xp_coverage_open(struct xp_coverage *c) {
  size_t sites = plat_model_site_count();
  c->sites = (uint32_t)sites;
  c->site = sim_alloc(sites);
  c->pair = sim_alloc((sites * sites + 63) / 64 * sizeof *c->pair);
}

void xp_coverage_free(struct xp_coverage *c) {
  free(c->site);
  free(c->pair);
  *c = (struct xp_coverage){0};
}

void xp_coverage_merge(struct xp_coverage *into, const struct xp_coverage *from) {
  size_t sites = into->sites;
  for (size_t i = 0; i < sites; i++) into->site[i] |= from->site[i];
  for (size_t i = 0; i < (sites * sites + 63) / 64; i++) into->pair[i] |= from->pair[i];
  for (uint32_t p = 0; p < XP_PHASES; p++)
    for (uint32_t k = 0; k < PLAT_OP_COUNT; k++) into->phase_op[p][k] += from->phase_op[p][k];
}

static inline void cover_pair(struct xp_coverage *c, uint32_t first, uint32_t second) {
  size_t at = (size_t)first * c->sites + second;
  c->pair[at / 64] |= UINT64_C(1) << at % 64;
}

/* ---- an operation ---------------------------------------------------------------------------- */

static inline void cover(struct xp_observer *o, const struct plat_model_op *op, uint32_t site) {
  o->coverage->site[site] = 1;
  o->threads |= UINT64_C(1) << op->thread % 64;
  if (o->config->phase == NULL) return;
  uint32_t phase = o->config->phase(o->config->phase_arg);
  if (phase < XP_PHASES) o->coverage->phase_op[phase][op->kind]++;
}

/* Both halves of a product of the two, each made odd-looking first. */
static inline uint64_t hash_pair(uint64_t a, uint64_t b) {
  rng_u128 product = (rng_u128)(a * 0x9e3779b97f4a7c15u ^ 0xa0761d6478bd642fu) *
                     (b * 0xbf58476d1ce4e5b9u ^ 0xe7037ed1a0b428dbu);
  return (uint64_t)(product >> 64) ^ (uint64_t)product;
}

/* What an access comes after in one of the objects that it concerns. */
static inline void see_before(struct xp_observer *o, const struct xp_seen *s, bool writes,
                              uint32_t thread, uint32_t site) {
  if (s->writer != 0 && s->writer_thread != thread)
    cover_pair(o->coverage, s->writer_site, site);
  if (writes && s->reader_thread != NOBODY && s->reader_thread != thread)
    cover_pair(o->coverage, s->reader_site, site);
}

static __attribute__((noinline)) void see_overlapping(struct xp_observer *o, uint32_t object,
                                                      uint64_t name, bool writes,
                                                      uint32_t thread, uint32_t site) {
  const struct xp_object *x = &o->objects.object[object];
  for (uint32_t i = 0; i < x->over_count; i++) {
    const struct xp_object *over = &o->objects.object[x->over[i]];
    const struct xp_seen *s = seen_of(o, x->over[i]);
    if (s->writer != 0)
      o->hash += hash_pair(name, s->writer + (uintptr_t)over->address + over->bytes);
    see_before(o, s, writes, thread, site);
  }
}

void xp_observer_see(struct xp_observer *o, const struct plat_model_op *op) {
  uint32_t site = plat_model_site_index(op->site);
  cover(o, op, site);
  struct xp_access a = xp_access_of(op);
  if (a.kind == XP_ACCESS_NONE) return;
  bool writes = xp_access_writes(a.kind);
  uint32_t object = object_of(o, &a);
  struct xp_seen *s = seen_of(o, object);
  uint64_t name = next_name(o, op->thread);
  o->hash += hash_pair(name, s->writer + (uintptr_t)a.object);
  see_before(o, s, writes, op->thread, site);
  if (plat_unlikely(o->objects.object[object].over_count > 0))
    see_overlapping(o, object, name, writes, op->thread, site);
  if (!writes) {
    s->reader_site = site;
    s->reader_thread = op->thread;
    return;
  }
  s->writer = name;
  s->writer_site = site;
  s->writer_thread = op->thread;
  s->reader_thread = NOBODY;
}

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

enum { FIRST_ROOM = 256 };
#define NOBODY UINT32_MAX

void xp_observer_free(struct xp_observer *o) {
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

static struct xp_seen *find(struct xp_seen *seen, uint32_t room, const void *object) {
  uint64_t h = (uint64_t)(uintptr_t)object * 0x9e3779b97f4a7c15u;
  uint32_t i = (uint32_t)(h >> 40) & (room - 1);
  while (seen[i].object != NULL && seen[i].object != object) i = (i + 1) & (room - 1);
  return &seen[i];
}

static void grow(struct xp_observer *o) {
  uint32_t room = o->room == 0 ? FIRST_ROOM : 2 * o->room;
  struct xp_seen *seen = sim_alloc(room * sizeof *seen);
  for (uint32_t i = 0; i < o->room; i++)
    if (o->seen[i].object != NULL) *find(seen, room, o->seen[i].object) = o->seen[i];
  free(o->seen);
  o->seen = seen;
  o->room = room;
}

static inline struct xp_seen *seen_of(struct xp_observer *o, const void *object) {
  if (plat_unlikely(2 * o->count >= o->room)) grow(o);
  struct xp_seen *s = find(o->seen, o->room, object);
  if (plat_likely(s->run == o->run)) return s;
  o->count += s->object == NULL;
  *s = (struct xp_seen){.object = object, .run = o->run, .reader_thread = NOBODY};
  return s;
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

void xp_observer_see(struct xp_observer *o, const struct plat_model_op *op) {
  uint32_t site = plat_model_site_index(op->site);
  cover(o, op, site);
  struct xp_access a = xp_access_of(op);
  if (a.kind == XP_ACCESS_NONE) return;
  struct xp_seen *s = seen_of(o, a.object);
  uint64_t name = next_name(o, op->thread);
  o->hash += hash_pair(name, s->writer + (uintptr_t)a.object);
  if (s->writer != 0 && s->writer_thread != op->thread)
    cover_pair(o->coverage, s->writer_site, site);
  if (!xp_access_writes(a.kind)) {
    s->reader_site = site;
    s->reader_thread = op->thread;
    return;
  }
  if (s->reader_thread != NOBODY && s->reader_thread != op->thread)
    cover_pair(o->coverage, s->reader_site, site);
  s->writer = name;
  s->writer_site = site;
  s->writer_thread = op->thread;
  s->reader_thread = NOBODY;
}

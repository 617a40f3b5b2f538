#include "sims/explore/state.h"

#include <stdlib.h>
#include <string.h>

#include "sims/explore/access.h"
#include "sims/memory.h"

enum { FIRST_ROOM = 1024, FIRST_THREADS = 64 };
#define NO_OBJECT UINT32_MAX

void xp_state_free(struct xp_state *s) {
  xp_objects_free(&s->objects);
  free(s->history);
  free(s->object);
  free(s->undo);
  *s = (struct xp_state){0};
}

static inline uint64_t mix(uint64_t a, uint64_t b) {
  rng_u128 product = (rng_u128)(a ^ 0xa0761d6478bd642fu) * (b ^ 0xe7037ed1a0b428dbu);
  return ((uint64_t)(product >> 64) ^ (uint64_t)product) + a;
}

/* ---- tables ---------------------------------------------------------------------------------- */

static void grow(struct xp_state *s, uint32_t number) {
  uint32_t room = s->room == 0 ? FIRST_ROOM : s->room;
  while (room <= number) room *= 2;
  s->object = sim_resize(s->object, room * sizeof *s->object);
  memset(s->object + s->room, 0, (room - s->room) * sizeof *s->object);
  s->room = room;
}

static inline uint32_t object_at(struct xp_state *s, const struct xp_access *a) {
  uint32_t number = xp_objects_index(&s->objects, a);
  if (plat_unlikely(number >= s->room)) grow(s, number);
  return number;
}

static void meet_thread(struct xp_state *s, uint32_t thread) {
  uint32_t room = s->threads == 0 ? FIRST_THREADS : s->threads;
  while (room <= thread) room *= 2;
  s->history = sim_resize(s->history, room * sizeof *s->history);
  memset(s->history + s->threads, 0, (room - s->threads) * sizeof *s->history);
  s->threads = room;
}

/* ---- operations ------------------------------------------------------------------------------ */

static inline void set_history(struct xp_state *s, uint32_t thread, uint64_t history) {
  s->sum += mix(history, thread) - mix(s->history[thread], thread);
  s->history[thread] = history;
}

/* What the operation depends on besides its object. */
static inline uint64_t surroundings(const struct xp_state *s, const struct plat_model_op *op,
                                    enum xp_access_kind kind) {
  if (op->kind == PLAT_OP_CLOCK) return op->clock_ps;
  return kind == XP_ACCESS_TIMEOUT ? s->sum : 0; /* nobody else could go on */
}

/* What an access to an object, its own or one that overlaps it, comes after. */
static inline uint64_t after(uint64_t history, const struct xp_state_object *o, bool writes) {
  history = mix(history, o->write);
  return writes ? mix(history, o->reads) : history;
}

static uint64_t access_object(struct xp_state *s, struct xp_state_undo *u,
                              const struct xp_access *a, uint64_t history) {
  bool writes = xp_access_writes(a->kind);
  u->object = object_at(s, a);
  struct xp_state_object *o = &s->object[u->object];
  const struct xp_object *x = &s->objects.object[u->object];
  u->was = *o;
  history = after(history ^ (uintptr_t)a->object, o, writes);
  for (uint32_t i = 0; i < x->over_count; i++)
    if (x->over[i] < s->room) history = after(history, &s->object[x->over[i]], writes);
  if (writes)
    *o = (struct xp_state_object){.write = history};
  else
    o->reads += mix(history, u->thread);
  return history;
}

void xp_state_see(struct xp_state *s, const struct plat_model_op *op) {
  struct xp_access a = xp_access_of(op);
  if (a.kind == XP_ACCESS_NONE && op->kind != PLAT_OP_CLOCK) return;
  if (plat_unlikely(op->thread >= s->threads)) meet_thread(s, op->thread);
  if (plat_unlikely(s->seen == s->undo_room))
    s->undo = sim_grow(s->undo, &s->undo_room, s->seen, sizeof *s->undo);
  struct xp_state_undo *u = &s->undo[s->seen++];
  u->object = NO_OBJECT;
  u->thread = op->thread;
  u->history = s->history[op->thread];
  uint64_t history = mix(u->history, (uint64_t)plat_model_site_index(op->site) << 8 | op->kind);
  history += surroundings(s, op, a.kind);
  if (a.kind != XP_ACCESS_NONE) history = access_object(s, u, &a, history);
  set_history(s, op->thread, history);
}

void xp_state_see_unraced(struct xp_state *s, const struct plat_model_op *op) {
  enum { COUNT = 1u << PLAT_OP_CLOCK | 1u << PLAT_OP_RANDOM | 1u << PLAT_OP_SLEEP |
                 1u << PLAT_OP_THREAD_START | 1u << PLAT_OP_WAIT_UNTIL };
  if ((COUNT >> op->kind & 1) != 0) xp_state_see(s, op);
}

void xp_state_back(struct xp_state *s, uint32_t seen) {
  while (s->seen > seen) {
    const struct xp_state_undo *u = &s->undo[--s->seen];
    set_history(s, u->thread, u->history);
    if (u->object != NO_OBJECT) s->object[u->object] = u->was;
  }
}

uint64_t xp_state_number(const struct xp_state *s) { return mix(s->sum, plat_model_memory()); }

/* The part of a run that happens before its end. An event belongs to it when a later event that
 * does is of the same thread, or touches the same object and one of the two writes it. Going
 * backwards, what is asked of each thread and object is a bit or two. */
#include <stdlib.h>

#include "sims/explore/trace.h"
#include "sims/memory.h"

enum { NEEDED_READ = 1, NEEDED_WRITE = 2 };

/* By object: an open hash table, a power of two. */
struct needs {
  struct need {
    uint64_t object;
    uint32_t bits;      /* 0: empty */
  } *slot;
  uint32_t room;
  bool *threads;
};

static struct need *find(const struct needs *n, uint64_t object) {
  uint32_t at = (uint32_t)(object * 0x9e3779b97f4a7c15ull >> 32);
  for (;; at++) {
    struct need *slot = &n->slot[at & (n->room - 1)];
    if (slot->bits == 0 || slot->object == object) return slot;
  }
}

/* Starting, ending and joining threads is as if all wrote one object. */
static bool is_of_threads(const struct xp_event *e) {
  return e->kind == PLAT_OP_THREAD_START || e->kind == PLAT_OP_THREAD_BEGIN ||
         e->kind == PLAT_OP_THREAD_END || e->kind == PLAT_OP_JOIN;
}

static bool has_object(const struct xp_event *e) {
  return plat_model_region_of(e->object) != PLAT_REGION_NONE || is_of_threads(e);
}

bool xp_event_writes(const struct xp_event *e) {
  switch (e->kind) {
    case PLAT_OP_LOAD:
    case PLAT_OP_SLOT_LOAD:
    case PLAT_OP_PLAIN_LOAD:
      return false;
    default:
      return has_object(e);
  }
}

static void visit(struct needs *n, struct xp_event *e) {
  bool writes = xp_event_writes(e);
  struct need *o = NULL;
  e->is_needed = n->threads[e->thread];
  if (has_object(e)) {
    o = find(n, is_of_threads(e) ? 0 : e->object);
    uint32_t conflicting = writes ? NEEDED_READ | NEEDED_WRITE : NEEDED_WRITE;
    if ((o->bits & conflicting) != 0) e->is_needed = true;
  }
  if (!e->is_needed) return;
  n->threads[e->thread] = true;
  if (o == NULL) return;
  o->object = is_of_threads(e) ? 0 : e->object;
  o->bits |= writes ? NEEDED_WRITE : NEEDED_READ;
}

void xp_trace_slice(struct xp_trace *t) {
  struct needs n = {.room = 64};
  uint32_t threads = 0;
  while (n.room < 2 * t->count) n.room *= 2;
  for (uint32_t i = 0; i < t->count; i++)
    if (t->events[i].thread >= threads) threads = t->events[i].thread + 1;
  n.slot = sim_alloc(n.room * sizeof *n.slot);
  n.threads = sim_alloc(threads * sizeof *n.threads);
  n.threads[t->events[t->count - 1].thread] = true;
  for (uint32_t i = t->count; i-- > 0;) visit(&n, &t->events[i]);
  free(n.slot);
  free(n.threads);
}

#include <stdlib.h>
#include <string.h>

#include "runtime/check.h"
#include "sims/explore/dpor_int.h"
#include "sims/memory.h"

static inline uint64_t bit(uint32_t thread) { return UINT64_C(1) << thread; }

/* ---- tables ---------------------------------------------------------------------------------- */

void dpor_events_free(struct dpor *d) {
  free(d->clock);
  free(d->access);
  free(d->latest);
  xp_objects_free(&d->objects);
  free(d->candidate);
}

void dpor_grow(struct dpor *d) {
  uint32_t room = d->node_room;
  d->node = sim_grow(d->node, &room, d->depth, sizeof *d->node);
  d->clock = sim_resize(d->clock, (size_t)room * d->width * sizeof *d->clock);
  d->node_room = room;
}

/* Room in every clock for one thread more. */
static void widen(struct dpor *d) {
  uint32_t width = 2 * d->width;
  uint32_t *clock = sim_alloc((size_t)d->node_room * width * sizeof *clock);
  for (uint32_t i = 0; i < d->node_room; i++)
    memcpy(&clock[(size_t)i * width], &d->clock[(size_t)i * d->width],
           d->width * sizeof *clock);
  free(d->clock);
  d->clock = clock;
  d->width = width;
}

uint32_t dpor_thread(struct dpor *d, uint32_t number) {
  for (uint32_t i = 0; i < d->threads; i++)
    if (d->number[i] == number) return i;
  if (d->threads == DPOR_THREADS) rt_die("dpor takes at most %d threads", (int)DPOR_THREADS);
  if (d->threads == d->width) widen(d);
  d->number[d->threads] = number;
  return d->threads++;
}

static uint32_t object_index(struct dpor *d, const struct xp_access *a) {
  uint32_t index = xp_objects_index(&d->objects, a);
  while (plat_unlikely(d->latest_count <= index)) {
    d->latest = sim_grow(d->latest, &d->latest_room, d->latest_count, sizeof *d->latest);
    d->latest[d->latest_count++] = DPOR_NONE;
  }
  return index;
}

static inline uint32_t *clock_of(const struct dpor *d, uint32_t event) {
  return &d->clock[(size_t)event * d->width];
}

static inline void join(const struct dpor *d, uint32_t *into, uint32_t event) {
  const uint32_t *from = clock_of(d, event);
  for (uint32_t i = 0; i < d->width; i += 4)
    for (uint32_t k = i; k < i + 4; k++) into[k] = into[k] > from[k] ? into[k] : from[k];
}

/* ---- what an event touches ------------------------------------------------------------------- */

static void add_access(struct dpor *d, struct dpor_node *n, struct dpor_access a) {
  if (d->access_count == d->access_room)
    d->access = sim_grow(d->access, &d->access_room, d->access_count, sizeof *d->access);
  d->access[d->access_count++] = a;
  n->footprint.count++;
}

void dpor_begin_event(struct dpor *d, uint32_t i, uint32_t thread) {
  struct dpor_node *n = &d->node[i];
  n->thread = (uint8_t)thread;
  n->previous = d->last_event[thread];
  n->timeout_before = d->last_timeout;
  n->footprint = (struct dpor_footprint){.first = d->access_count};
  d->last_event[thread] = i;
}

/* The event has this access already, or one that says more. */
static bool is_repeated(const struct dpor *d, uint32_t latest, uint32_t event,
                        enum xp_access_kind kind) {
  if (latest == DPOR_NONE || d->access[latest].event != event) return false;
  enum xp_access_kind was = d->access[latest].kind;
  return kind == was ? kind == XP_ACCESS_READ || kind == XP_ACCESS_WRITE
                     : kind == XP_ACCESS_READ && was == XP_ACCESS_WRITE;
}

/* Of two overlapping objects the one that is new has the other's bit as well. */
static void note_object(const struct dpor *d, struct dpor_footprint *f, uint32_t object,
                        enum xp_access_kind kind) {
  const struct xp_object *x = &d->objects.object[object];
  uint64_t bits = bit(object & 63);
  for (uint32_t i = 0; i < x->over_count; i++) bits |= bit(x->over[i] & 63);
  f->touches |= bits;
  if (xp_access_writes(kind)) f->writes |= bits;
}

static void touch(struct dpor *d, uint32_t event, struct xp_access a) {
  struct dpor_node *n = &d->node[event];
  uint32_t object = object_index(d, &a);
  uint32_t latest = d->latest[object];
  if (is_repeated(d, latest, event, a.kind)) return;
  note_object(d, &n->footprint, object, a.kind);
  d->latest[object] = d->access_count;
  add_access(d, n, (struct dpor_access){object, event, latest, a.kind, false});
}

void dpor_touch(struct dpor *d, const struct plat_model_op *op) {
  struct xp_access a = xp_access_of(op);
  if (a.kind == XP_ACCESS_NONE) return;
  if (a.kind == XP_ACCESS_TIMEOUT) d->last_timeout = d->depth - 1;
  touch(d, d->depth - 1, a);
}

void dpor_block_event(struct dpor *d, uint32_t i) {
  const struct plat_model_op *op = plat_model_between_points(d->number[d->node[i].thread]);
  if (op == NULL) return;
  struct xp_access a = xp_access_of(op);
  if (a.kind == XP_ACCESS_NONE) return;
  if (a.kind == XP_ACCESS_LOCK) {
    touch(d, i, (struct xp_access){a.object, XP_ACCESS_BLOCK, 0});
    return;
  }
  if (a.kind == XP_ACCESS_TIMEOUT) a.kind = XP_ACCESS_WAIT;
  uint32_t object = object_index(d, &a);
  note_object(d, &d->node[i].footprint, object, a.kind);
  add_access(d, &d->node[i], (struct dpor_access){object, i, DPOR_NONE, a.kind, true});
}

void dpor_undo_event(struct dpor *d, uint32_t i) {
  const struct dpor_node *n = &d->node[i];
  for (uint32_t k = n->footprint.count; k-- > 0;) {
    const struct dpor_access *a = &d->access[n->footprint.first + k];
    if (!a->is_pending) d->latest[a->object] = a->previous;
  }
  d->last_event[n->thread] = n->previous;
  d->last_timeout = n->timeout_before;
}

enum step { SKIP = 0, RACE = 1, EDGE = 2, STOP = 4 };

/* What an earlier access `b` of the object is to access `a`, and whether those before it are
 * ordered before `a` by it. Late: a's event has done something before, which it also does when it
 * then has to wait; so it could have come before what lets `a` happen. */
static enum step relation(enum xp_access_kind a, enum xp_access_kind b, bool is_late) {
  bool writes = xp_access_writes(b);
  if (!xp_access_writes(a)) return writes ? RACE | STOP : SKIP;
  switch (is_late ? XP_ACCESS_WRITE : a) {
    case XP_ACCESS_LOCK:
      /* An unlock only enables the lock. The race is with the lock before it: which came first is
       * free, so that one is compared with what the thread knew before the unlock told it. */
      if (b == XP_ACCESS_UNLOCK) return EDGE;
      if (b == XP_ACCESS_BLOCK) return SKIP;
      return writes ? RACE | STOP : SKIP;
    case XP_ACCESS_WAIT:
      if (b == XP_ACCESS_WAKE) return EDGE | STOP;
      return writes ? RACE | STOP : RACE;
    case XP_ACCESS_JOIN:
      return EDGE | STOP;
    default:
      return writes ? RACE | STOP : RACE;
  }
}

/* Of a sleeper and of an event. What the sleeper waits for in the middle of its stretch is in
 * conflict with what would come in between, not with what ends the waiting: it goes on right after
 * that. */
static bool accesses_conflict(const struct dpor *d, const struct dpor_access *a,
                              const struct dpor_access *b) {
  const struct xp_object *object = d->objects.object;
  if (b->is_pending) return false;
  if (a->object != b->object &&
      (object[a->object].over_count == 0 ||
       !xp_objects_overlap(&object[a->object], &object[b->object])))
    return false;
  if (a->is_pending) return (relation(a->kind, b->kind, false) & RACE) != 0;
  return xp_access_writes(a->kind) || xp_access_writes(b->kind);
}

bool dpor_conflict(const struct dpor *d, const struct dpor_footprint *a,
                   const struct dpor_footprint *b) {
  if (((a->writes & b->touches) | (a->touches & b->writes)) == 0) return false;
  for (uint32_t i = 0; i < a->count; i++)
    for (uint32_t k = 0; k < b->count; k++)
      if (accesses_conflict(d, &d->access[a->first + i], &d->access[b->first + k]))
        return true;
  return false;
}

/* ---- what an event depends on ---------------------------------------------------------------- */

static void add_candidate(struct dpor *d, uint32_t event, bool is_race) {
  uint32_t at = d->candidates;
  d->candidate = sim_grow(d->candidate, &d->candidate_room, at, sizeof *d->candidate);
  while (at > 0 && d->candidate[at - 1].event < event) at--;
  if (at > 0 && d->candidate[at - 1].event == event) {
    d->candidate[at - 1].is_race |= is_race;
    return;
  }
  memmove(&d->candidate[at + 1], &d->candidate[at], (d->candidates - at) * sizeof *d->candidate);
  d->candidate[at] = (struct dpor_candidate){event, is_race};
  d->candidates++;
}

/* A critical section of another thread that ended before this event took the mutex: nothing in it
 * can be made to come after what this event does from then on, except all of it. */
struct section {
  uint32_t thread, lock, unlock; /* events; unlock DPOR_NONE: none */
};

static void add_dependencies(struct dpor *d, uint32_t event, const struct dpor_access *a,
                             bool is_late, struct section *s) {
  struct section taken = {.unlock = DPOR_NONE};
  for (uint32_t k = a->previous; k != DPOR_NONE; k = d->access[k].previous) {
    const struct dpor_access *b = &d->access[k];
    if (b->event == event) continue;
    enum step step = relation(a->kind, b->kind, is_late);
    if (step == SKIP) continue;
    if (step == EDGE && taken.unlock == DPOR_NONE)
      taken = (struct section){d->node[b->event].thread, 0, b->event};
    bool is_inside = s->unlock != DPOR_NONE && d->node[b->event].thread == s->thread &&
                     b->event > s->lock && b->event <= s->unlock;
    add_candidate(d, b->event, (step & RACE) != 0 && !is_inside);
    if ((step & STOP) == 0) continue;
    taken.lock = b->event;
    break;
  }
  if (a->kind == XP_ACCESS_LOCK && taken.unlock != DPOR_NONE) *s = taken;
}

/* The same for the objects that overlap a's: memory, which is only read and written. */
static void add_overlapping(struct dpor *d, uint32_t event, const struct dpor_access *a) {
  const struct xp_object *x = &d->objects.object[a->object];
  for (uint32_t i = 0; i < x->over_count; i++) {
    for (uint32_t k = d->latest[x->over[i]]; k != DPOR_NONE; k = d->access[k].previous) {
      const struct dpor_access *b = &d->access[k];
      if (b->event == event) continue;
      enum step step = relation(a->kind, b->kind, false);
      if (step != SKIP) add_candidate(d, b->event, true);
      if ((step & STOP) != 0) break;
    }
  }
}

static void collect_candidates(struct dpor *d, uint32_t event) {
  const struct dpor_node *n = &d->node[event];
  struct section section = {.unlock = DPOR_NONE};
  bool is_timeout = false, is_late = false;
  d->candidates = 0;
  for (uint32_t k = 0; k < n->footprint.count; k++) {
    const struct dpor_access *a = &d->access[n->footprint.first + k];
    if (a->is_pending) continue;
    add_dependencies(d, event, a, is_late, &section);
    add_overlapping(d, event, a);
    is_late |= a->kind != XP_ACCESS_JOIN; /* of which nothing can come in between */
    is_timeout |= a->kind == XP_ACCESS_TIMEOUT;
  }
  if (n->timeout_before != DPOR_NONE) add_candidate(d, n->timeout_before, true);
  for (uint32_t t = 0; is_timeout && t < d->threads; t++) {
    uint32_t last = t == n->thread ? n->previous : d->last_event[t];
    if (last != DPOR_NONE && last != event) add_candidate(d, last, true);
  }
}

static bool knows(const struct dpor *d, const uint32_t *clock, uint32_t event) {
  return clock[d->node[event].thread] >= d->node[event].seq;
}

/* Forced because its host unlocked a mutex: the order of the two locks is free all the same. */
static bool waited_for_lock(const struct dpor *d, const struct dpor_node *n) {
  return n->has_waited && n->footprint.count > 0 &&
         d->access[n->footprint.first].kind == XP_ACCESS_LOCK;
}

/* What the event knew when it began. */
static void join_own_past(const struct dpor *d, uint32_t event, uint32_t *clock) {
  const struct dpor_node *n = &d->node[event];
  if (n->previous != DPOR_NONE) join(d, clock, n->previous);
  if (n->is_forced && !waited_for_lock(d, n)) join(d, clock, n->host);
}

/* ---- races ----------------------------------------------------------------------------------- */

/* What would still happen if event e did not, in the order of the trace: the events after e that
 * do not depend on it, and then event `last`. Its initials are the threads that could begin it. */
struct rest {
  uint64_t threads, initials;
  uint32_t first[DPOR_THREADS]; /* number of the thread's first event in it */
};

/* An event of `thread` is next in the rest, knowing what `clock` says. */
static bool add_to_rest(struct rest *r, uint32_t thread, uint32_t seq, const uint32_t *clock) {
  if ((r->threads & bit(thread)) != 0) return false;
  bool is_initial = true;
  for (uint64_t left = r->threads; left != 0 && is_initial; left &= left - 1) {
    uint32_t other = (uint32_t)__builtin_ctzll(left);
    is_initial = clock[other] < r->first[other];
  }
  r->threads |= bit(thread);
  r->first[thread] = seq;
  if (is_initial) r->initials |= bit(thread);
  return is_initial;
}

static bool depends_on(const struct dpor *d, uint32_t event, uint32_t e) {
  return knows(d, clock_of(d, event), e);
}

/* What event `last` knows in the rest: its own past, and what it depends on that is in the rest. */
static void clock_in_rest(const struct dpor *d, uint32_t last, uint32_t e, uint32_t *clock) {
  memset(clock, 0, d->width * sizeof *clock);
  join_own_past(d, last, clock);
  for (uint32_t i = 0; i < d->candidates; i++) {
    uint32_t other = d->candidate[i].event;
    if (other > e && !depends_on(d, other, e)) join(d, clock, other);
  }
}

/* Events e and last race: from the node of e something must be tried that begins the rest. */
static void reverse(struct dpor *d, uint32_t e, uint32_t last) {
  struct dpor_node *n = &d->node[e];
  struct rest rest;
  rest.threads = rest.initials = 0;
  uint64_t covered = n->backtrack | n->asleep;
  for (uint32_t i = e + 1; i < last; i++) {
    const struct dpor_node *other = &d->node[i];
    if (depends_on(d, i, e)) continue;
    if (add_to_rest(&rest, other->thread, other->seq, clock_of(d, i)) &&
        (covered & bit(other->thread)) != 0)
      return;
  }
  uint32_t clock[DPOR_THREADS];
  clock_in_rest(d, last, e, clock);
  add_to_rest(&rest, d->node[last].thread, d->node[last].seq, clock);
  if ((rest.initials & covered) != 0) return;
  uint64_t possible = rest.initials & n->enabled;
  if (possible == 0) {
    d->fallbacks++;
    n->backtrack |= n->enabled;
  } else if ((possible & bit(d->node[last].thread)) != 0) {
    n->backtrack |= bit(d->node[last].thread);
  } else {
    n->backtrack |= possible & -possible;
  }
}

void dpor_finish_event(struct dpor *d, uint32_t i) {
  struct dpor_node *n = &d->node[i];
  uint32_t known[DPOR_THREADS] = {0};
  join_own_past(d, i, known);
  n->seq = known[n->thread] + 1;
  collect_candidates(d, i);
  for (uint32_t k = 0; k < d->candidates; k++) {
    struct dpor_candidate c = d->candidate[k];
    if (!c.is_race || knows(d, known, c.event)) continue;
    uint32_t host = d->node[c.event].host;
    if (!knows(d, known, host)) reverse(d, host, i);
    join(d, known, c.event);
  }
  for (uint32_t k = 0; k < d->candidates; k++)
    if (!d->candidate[k].is_race) join(d, known, d->candidate[k].event);
  if (n->is_forced) join(d, known, n->host);
  known[n->thread] = n->seq;
  memcpy(clock_of(d, i), known, d->width * sizeof *known);
}

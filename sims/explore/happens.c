#include "sims/explore/happens.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/check.h"
#include "sims/explore/lookup.h"
#include "sims/explore/places.h"
#include "sims/memory.h"

enum {
  THREADS = PLAT_MODEL_CHOOSER_THREADS,
  ENTRIES = 6,          /* accesses remembered for each word: the latest of as many kinds */
  WORD_BYTES = 8,
  RANGE_MAX = 1 << 16   /* of a longer range the rest is not looked at */
};

typedef uint32_t clock_of[THREADS];

enum order { ORDER_NONE = 0, ORDER_ACQUIRE = 1, ORDER_RELEASE = 2, ORDER_BOTH = 3 };
enum { FENCED = 4 }; /* in an order: a sequential fence */

/* An access of some bytes of a word. */
struct access {
  uint32_t at;          /* its thread's clock; 0: there is none */
  uint8_t thread, bytes;/* bytes: a bit each */
  bool writes, is_atomic;
};

/* And where it was. */
struct entry {
  struct access access;
  const void *place;    /* struct plat_site, or in the code where is_code */
  bool is_code;
  const char *actor;    /* NULL: the thread's name is all there is */
};

/* Most accesses are the same as the latest one: no more than this is in the way of the cache. */
struct word {
  uint64_t number;      /* address / 8 */
  uint32_t run;         /* the rest is of that run */
  uint32_t entries;     /* number + 1 of its struct entries; 0: it has none yet */
  struct access latest;
};

struct entries {
  uint32_t next;        /* to be given up */
  struct entry entry[ENTRIES];
};

/* What has been released through an object. */
struct gift {
  uint64_t object;      /* address */
  uint32_t run;
  clock_of clock;
};

struct xp_happens {
  uint32_t run;
  bool is_free, ignores;
  const char *(*actor)(const void *self);
  struct xp_places *places;
  uint8_t *order;       /* by site */
  uint32_t width;       /* of clocks, in use */
  clock_of clock[THREADS], fenced[THREADS], seen[THREADS]; /* seen: by relaxed loads */
  clock_of start[THREADS], end[THREADS];
  struct xp_lookup words, gifts; /* struct word, struct gift */
  struct entries *entries;
  uint32_t entries_count, entries_room;
};

/* ---- orders ---------------------------------------------------------------------------------- */

/* By what the operation is called: natively the name says its order. */
static uint8_t order_of(const char *what) {
  static const struct { const char *name; uint8_t order; } rows[] = {
      {"_load_acquire(", ORDER_ACQUIRE}, {"_store_release(", ORDER_RELEASE},
      {"_acqrel(", ORDER_BOTH},          {"_seq(", ORDER_BOTH},
      {"plat_slot_load(", ORDER_ACQUIRE}, {"plat_slot_store(", ORDER_RELEASE},
      {"plat_slot_cas(", ORDER_BOTH}};
  if (strncmp(what, "at_fence_seq", 12) == 0) return FENCED;
  if (strncmp(what, "at_", 3) != 0 && strncmp(what, "plat_slot_", 10) != 0) return ORDER_NONE;
  size_t length = strcspn(what, "(") + 1; /* not in the operand's text */
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    size_t n = strlen(rows[i].name);
    if (n <= length && strncmp(what + length - n, rows[i].name, n) == 0) return rows[i].order;
  }
  return ORDER_NONE;
}

struct xp_happens *xp_happens_new(bool is_free, const char *(*actor)(const void *self)) {
  struct xp_happens *h = sim_alloc(sizeof *h);
  uint32_t sites = plat_model_site_count();
  h->is_free = is_free;
  h->actor = actor;
  h->places = xp_places_new();
  h->order = sim_alloc(sites);
  for (uint32_t i = 0; i < sites; i++) h->order[i] = order_of(plat_model_site_at(i)->what);
  return h;
}

void xp_happens_free(struct xp_happens *h) {
  if (h == NULL) return;
  xp_places_free(h->places);
  free(h->order);
  xp_lookup_free(&h->words);
  xp_lookup_free(&h->gifts);
  free(h->entries);
  free(h);
}

void xp_happens_begin(struct xp_happens *h) {
  h->run++;
  h->ignores = false;
  for (uint32_t t = 0; t < THREADS; t++) {
    memset(h->clock[t], 0, sizeof h->clock[t]);
    memset(h->fenced[t], 0, sizeof h->fenced[t]);
    memset(h->seen[t], 0, sizeof h->seen[t]);
    memset(h->start[t], 0, sizeof h->start[t]);
    memset(h->end[t], 0, sizeof h->end[t]);
    h->clock[t][t] = 1;
  }
}

/* ---- what was released ----------------------------------------------------------------------- */

static inline void join(const struct xp_happens *h, clock_of into, const clock_of from) {
  for (uint32_t i = 0; i < h->width; i++) into[i] = from[i] > into[i] ? from[i] : into[i];
}

static struct gift *gift_of(struct xp_happens *h, const void *object) {
  struct gift *g = xp_lookup_enter(&h->gifts, sizeof *g, (uintptr_t)object);
  if (g->run == h->run) return g;
  g->run = h->run;
  memset(g->clock, 0, sizeof g->clock);
  return g;
}

/* After it has given something away, what a thread does is later. */
static void move_on(struct xp_happens *h, uint32_t t) { h->clock[t][t]++; }

static void acquire(struct xp_happens *h, uint32_t t, const void *object) {
  join(h, h->clock[t], gift_of(h, object)->clock);
}

static void release(struct xp_happens *h, uint32_t t, const void *object, bool adds) {
  struct gift *g = gift_of(h, object);
  if (!adds) memset(g->clock, 0, h->width * sizeof *g->clock);
  join(h, g->clock, h->clock[t]);
  move_on(h, t);
}

/* What it has seen by relaxed loads comes before a fence, and a fence before its relaxed stores. */
static void fence(struct xp_happens *h, uint32_t t) {
  join(h, h->clock[t], h->seen[t]);
  memcpy(h->fenced[t], h->clock[t], sizeof h->fenced[t]);
  move_on(h, t);
}

static void order_load(struct xp_happens *h, uint32_t t, const void *object, uint8_t order) {
  if ((order & ORDER_ACQUIRE) != 0)
    acquire(h, t, object);
  else
    join(h, h->seen[t], gift_of(h, object)->clock);
}

/* A store takes the place of what was released by earlier ones; a read-modify-write adds to it. */
static void order_store(struct xp_happens *h, uint32_t t, const void *object, uint8_t order,
                        bool adds) {
  if ((order & ORDER_RELEASE) != 0) {
    release(h, t, object, adds);
    return;
  }
  struct gift *g = gift_of(h, object);
  if (!adds) memset(g->clock, 0, h->width * sizeof *g->clock);
  join(h, g->clock, h->fenced[t]);
}

static void order_threads(struct xp_happens *h, uint32_t t, const struct plat_model_op *op) {
  if (op->kind == PLAT_OP_THREAD_START) {
    memcpy(h->start[plat_model_next_thread() % THREADS], h->clock[t], sizeof *h->start);
  } else if (op->kind == PLAT_OP_THREAD_BEGIN) {
    join(h, h->clock[t], h->start[t]);
  } else if (op->kind == PLAT_OP_THREAD_END) {
    memcpy(h->end[t], h->clock[t], sizeof *h->end);
  } else {
    join(h, h->clock[t], h->end[plat_model_thread_number(op->address) % THREADS]);
  }
  move_on(h, t);
}

static void order_op(struct xp_happens *h, uint32_t t, const struct plat_model_op *op) {
  uint8_t order = h->order[plat_model_site_index(op->site)];
  const void *object = op->address;
  switch (op->kind) {
    case PLAT_OP_LOAD: case PLAT_OP_SLOT_LOAD:
      order_load(h, t, object, order);
      break;
    case PLAT_OP_STORE: case PLAT_OP_SLOT_STORE:
      order_store(h, t, object, order, false);
      break;
    case PLAT_OP_RMW:
      order_load(h, t, object, order);
      order_store(h, t, object, order, true);
      break;
    case PLAT_OP_FENCE:
      fence(h, t);
      break;
    case PLAT_OP_TRY_LOCK:
      if (((const struct plat_mutex *)object)->owner != NULL) break;
      acquire(h, t, object);
      break;
    case PLAT_OP_LOCK: case PLAT_OP_WAIT: case PLAT_OP_WAIT_UNTIL:
      acquire(h, t, object);
      break;
    case PLAT_OP_UNLOCK: case PLAT_OP_WAKE:
      release(h, t, object, true);
      break;
    case PLAT_OP_THREAD_START: case PLAT_OP_THREAD_BEGIN: case PLAT_OP_THREAD_END:
    case PLAT_OP_JOIN:
      order_threads(h, t, op);
      break;
    default:
      break;
  }
}

/* ---- accesses -------------------------------------------------------------------------------- */

static struct entries *entries_of(struct xp_happens *h, struct word *w) {
  if (w->entries == 0) {
    h->entries = sim_grow(h->entries, &h->entries_room, h->entries_count, sizeof *h->entries);
    w->entries = ++h->entries_count;
  }
  return &h->entries[w->entries - 1];
}

static struct word *word_of(struct xp_happens *h, uintptr_t number) {
  struct word *w = xp_lookup_enter(&h->words, sizeof *w, number);
  if (plat_likely(w->run == h->run)) return w;
  w->run = h->run;
  w->latest = (struct access){0};
  *entries_of(h, w) = (struct entries){0};
  return w;
}

static bool races(const struct xp_happens *h, const struct access *a, const struct access *b) {
  return a->at != 0 && a->thread != b->thread && (a->bytes & b->bytes) != 0 &&
         (a->writes || b->writes) && (!a->is_atomic || !b->is_atomic) &&
         a->at > h->clock[b->thread][a->thread];
}

static void describe(const struct xp_happens *h, const struct entry *e, char *out, size_t bytes) {
  const struct access *a = &e->access;
  const char *name = e->actor != NULL ? e->actor : plat_model_thread_name(a->thread);
  char place[XP_PLACE_TEXT];
  xp_place_text(h->places, e->place, e->is_code, place, sizeof place);
  snprintf(out, bytes, "%s%s in %s by %s (thread %u)", a->is_atomic ? "atomic " : "",
           a->writes ? "write" : "read", place, name != NULL ? name : "one that has ended",
           (unsigned)a->thread);
}

/* The earlier one first; both places make the property, what they met at does not. */
static void fail(const struct xp_happens *h, const struct entry *first,
                 const struct entry *second, const void *address) {
  char text[PLAT_MODEL_MESSAGE_BYTES], one[XP_PLACE_TEXT + 128], other[XP_PLACE_TEXT + 128];
  uint64_t object = plat_model_object(address);
  static const char *const regions[] = {"unknown memory", "heap", "variables", "stacks",
                                        "the program"};
  describe(h, first, one, sizeof one);
  describe(h, second, other, sizeof other);
  snprintf(text, sizeof text, "plain-data race: %s, then %s: nothing orders them; at %s+0x%llx",
           one, other, regions[plat_model_region_of(object)],
           (unsigned long long)(object & ((UINT64_C(1) << 60) - 1)));
  plat_model_fail_run(RT_END_VIOLATION, text);
}

/* In place of one of its own like it, or of the oldest. */
static void remember(struct entries *all, const struct entry *e) {
  const struct access *a = &e->access;
  for (uint32_t i = 0; i < ENTRIES; i++) {
    const struct access *old = &all->entry[i].access;
    bool is_like = old->thread == a->thread && old->bytes == a->bytes &&
                   old->writes == a->writes && old->is_atomic == a->is_atomic;
    if (old->at != 0 && !is_like) continue;
    all->entry[i] = *e;
    return;
  }
  all->entry[all->next++ % ENTRIES] = *e;
}

/* The thread has done as much to these bytes since it last let others know of what it does, and
 * nobody has come in between. */
static inline bool is_latest(const struct word *w, const struct access *a) {
  const struct access *old = &w->latest;
  return old->at == a->at && old->thread == a->thread && old->bytes == a->bytes &&
         old->is_atomic == a->is_atomic && old->writes >= a->writes;
}

static void meet(struct xp_happens *h, struct word *w, struct entry *e, const void *address) {
  struct entries *all = entries_of(h, w);
  w->latest = e->access;
  if (h->actor != NULL) e->actor = h->actor(plat_model_thread_self(e->access.thread));
  for (uint32_t i = 0; i < ENTRIES; i++)
    if (plat_unlikely(races(h, &all->entry[i].access, &e->access)))
      fail(h, &all->entry[i], e, address);
  remember(all, e);
}

static void touch(struct xp_happens *h, const void *p, size_t bytes, struct entry e) {
  uintptr_t at = (uintptr_t)p, end = at + (bytes < RANGE_MAX ? bytes : RANGE_MAX);
  e.access.at = h->clock[e.access.thread][e.access.thread];
  while (at < end) {
    uintptr_t word_end = at / WORD_BYTES * WORD_BYTES + WORD_BYTES;
    uintptr_t stop = word_end < end ? word_end : end;
    e.access.bytes = (uint8_t)(((1u << (stop - at)) - 1) << at % WORD_BYTES);
    struct word *w = word_of(h, at / WORD_BYTES);
    if (!is_latest(w, &e.access)) meet(h, w, &e, (const void *)at);
    at = stop;
  }
}

static bool is_write(enum plat_op kind) {
  return kind == PLAT_OP_STORE || kind == PLAT_OP_SLOT_STORE || kind == PLAT_OP_PLAIN_STORE ||
         kind == PLAT_OP_RMW;
}

void xp_happens_ignore(struct xp_happens *h, bool ignores) { h->ignores = ignores; }

void xp_happens_see(struct xp_happens *h, const struct plat_model_op *op) {
  uint32_t t = op->thread % THREADS, bytes = plat_model_op_bytes(op);
  bool is_plain = op->kind == PLAT_OP_PLAIN_LOAD || op->kind == PLAT_OP_PLAIN_STORE;
  while (h->width <= t) h->width += 4;
  h->ignores = true;
  if (bytes > 0) {
    bool is_atomic = !is_plain || h->is_free;
    touch(h, op->address, bytes,
          (struct entry){.access = {.thread = (uint8_t)t, .writes = is_write(op->kind),
                                    .is_atomic = is_atomic},
                         .place = op->site});
  }
  order_op(h, t, op);
  h->ignores = false;
}

void xp_happens_plain(struct xp_happens *h, const struct plat_model_plain *a) {
  uint32_t t = a->thread % THREADS;
  bool is_known = plat_model_region_of(plat_model_object(a->address)) != PLAT_REGION_NONE;
  if (h->ignores || !is_known) return;
  while (h->width <= t) h->width += 4;
  h->ignores = true;
  touch(h, a->address, a->bytes,
        (struct entry){.access = {.thread = (uint8_t)t, .writes = a->writes},
                       .place = a->place, .is_code = true});
  h->ignores = false;
}

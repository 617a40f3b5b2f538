/* Which stacks must be scanned when, on small heaps given by a number. After models of go-weave
 * (F8.5, F8.7). Both programs share the memory: objects 1 and 2 are the mutators' stacks, plain
 * under their locks; 3 is the global root and 4 to 6 are heap objects, whose fields are atomic.
 *
 * What a mutator does is given by a number too: a place is reached from one of its own stack slots
 * or a global one, directly or by one more step, so that a mutator touches only what it reaches.
 */
#include <stdio.h>
#include <string.h>

#include "runtime/check.h"
#include "runtime/lockrank.h"
#include "runtime/plat.h"
#include "sims/litmus/litmus.h"

enum { STACK_0 = 1, STACK_1, GLOBAL, HEAP, OBJECTS = HEAP + 3 };
enum { FIELDS = 2, MUTATORS = 2, ACTIONS = 2 };

/* An operation of a mutator: store what src names where dst says. */
struct action {
  uint32_t src, dst;
};

static PLAT_STATE struct {
  struct plat_mutex safe[MUTATORS];        /* held: that mutator is not at a safepoint */
  uint32_t stack[MUTATORS][FIELDS];        /* safe */
  struct at_u32 field[OBJECTS][FIELDS];    /* of GLOBAL and above */
  struct at_u32 mark[OBJECTS];
  struct at_u32 unscanned;                 /* roots to scan */
  struct action action[MUTATORS][ACTIONS];
  uint32_t objects;                        /* in use */
  uint32_t order[OBJECTS];                 /* in which the marker takes grey objects */
  uint32_t variant;
  bool is_black[OBJECTS];                  /* the marker's */
  char violation[64];                      /* the marker's */
} w;

/* ---- numbers --------------------------------------------------------------------------------- */

static uint32_t digit(uint64_t *number, uint32_t base) {
  uint32_t d = (uint32_t)(*number % base);
  *number /= base;
  return d;
}

/* A pointer of the initial heap: nil, the global root if that is allowed, or a heap object. */
static uint32_t initial_pointer(uint64_t *heap, bool to_global) {
  uint32_t targets = w.objects - HEAP + 1 + to_global;
  uint32_t d = digit(heap, targets);
  if (d == 0) return 0;
  return to_global ? GLOBAL + d - 1 : HEAP + d - 1;
}

static void make_heap(uint64_t heap, uint32_t stack_slots, bool to_global) {
  for (uint32_t i = 0; i < MUTATORS; i++)
    for (uint32_t f = 0; f < FIELDS; f++)
      w.stack[i][f] = f < stack_slots ? initial_pointer(&heap, to_global) : 0;
  for (uint32_t i = GLOBAL; i < w.objects; i++)
    for (uint32_t f = 0; f < FIELDS; f++)
      at_u32_init(&w.field[i][f], initial_pointer(&heap, to_global));
}

static void make_order(uint64_t number) {
  uint32_t left[OBJECTS], count = w.objects - 1;
  for (uint32_t i = 0; i < count; i++) left[i] = i + 1;
  for (uint32_t i = 0; count > 0; i++) {
    uint32_t d = digit(&number, count);
    w.order[i] = left[d];
    memmove(&left[d], &left[d + 1], (--count - d) * sizeof *left);
  }
}

static void setup(uint32_t objects, uint32_t variant) {
  w.objects = objects;
  w.variant = variant;
  w.violation[0] = '\0';
  for (uint32_t i = 0; i < OBJECTS; i++) {
    at_u32_init(&w.mark[i], 0);
    w.is_black[i] = false;
  }
  plat_mutex_init(&w.safe[0], RT_RANK_TEST, "m0.safe");
  plat_mutex_init(&w.safe[1], RT_RANK_TEST, "m1.safe");
}

static const char *check(void) {
  plat_mutex_destroy(&w.safe[0]);
  plat_mutex_destroy(&w.safe[1]);
  return w.violation[0] == '\0' ? NULL : w.violation;
}

/* ---- what a mutator reaches ------------------------------------------------------------------ */

/* Start 0, 1: own stack slots; 2, 3: the global root's fields. */
static uint32_t start_pointer(uint32_t self, uint32_t start) {
  return start < 2 ? w.stack[self][start] : at_u32_load_seq(&w.field[GLOBAL][start - 2]);
}

/* Path 0..3: a start; 4..11: one of the two fields of what a start points to. */
static uint32_t path_pointer(uint32_t self, uint32_t path) {
  if (path < 4) return start_pointer(self, path);
  uint32_t object = start_pointer(self, (path - 4) / 2);
  return object == 0 ? 0 : at_u32_load_seq(&w.field[object][path % 2]);
}

/* Place 0, 1: the global root's fields; 2..9: fields of what a start points to; NULL: none. */
static struct at_u32 *heap_place(uint32_t self, uint32_t place) {
  if (place < 2) return &w.field[GLOBAL][place];
  uint32_t object = start_pointer(self, (place - 2) / 2);
  return object == 0 ? NULL : &w.field[object][place % 2];
}

/* ---- judging --------------------------------------------------------------------------------- */

static void stop_mutators(void) {
  plat_mutex_lock(&w.safe[0]);
  plat_mutex_lock_same_rank(&w.safe[1]);
}

static void start_mutators(void) {
  plat_mutex_unlock(&w.safe[1]);
  plat_mutex_unlock(&w.safe[0]);
}

static uint32_t load_field(uint32_t object, uint32_t field) {
  if (object < GLOBAL) return w.stack[object - STACK_0][field];
  return at_u32_load_seq(&w.field[object][field]);
}

/* With the mutators stopped: everything reachable must be marked. */
static void judge(void) {
  uint32_t todo[OBJECTS] = {STACK_0, STACK_1, GLOBAL}, count = 3;
  bool seen[OBJECTS] = {true, true, true, true};
  while (count > 0) {
    uint32_t object = todo[--count];
    if (object > GLOBAL && at_u32_load_seq(&w.mark[object]) == 0) {
      snprintf(w.violation, sizeof w.violation, "object %u is reachable but not marked",
               (unsigned)object);
      return;
    }
    for (uint32_t f = 0; f < FIELDS; f++) {
      uint32_t next = load_field(object, f);
      if (!seen[next]) todo[count++] = next;
      seen[next] = true;
    }
  }
}

/* ---- yuasa: barrier kinds -------------------------------------------------------------------- */

/* Heap number: 12 digits of base 5, the stacks' slots first. Actions number: for each operation a
 * source of 13 and a destination of 12, then the order of marking among 6!. */
enum { SOURCES = 13, DESTINATIONS = 12, MARKER = MUTATORS };

static uint32_t barrier(void) { return w.variant / LITMUS_YUASA_WAYS; }
static bool has(uint32_t way) { return (w.variant & way) != 0; }

static void shade(uint32_t object) {
  if (object != 0) at_u32_store_seq(&w.mark[object], 1);
}

static void shade_for(struct at_u32 *place, uint32_t object) {
  switch (barrier()) {
    case LITMUS_YUASA_OLD:
      shade(at_u32_load_seq(place));
      return;
    case LITMUS_YUASA_NEW:
      shade(object);
      return;
    case LITMUS_YUASA_BOTH:
      shade(at_u32_load_seq(place));
      shade(object);
      return;
    case LITMUS_YUASA_UNTIL_SCANNED:
      shade(at_u32_load_seq(place));
      if (at_u32_load_seq(&w.unscanned) > 0) shade(object);
      return;
    default:
      return;
  }
}

static void act(uint32_t self, const struct action *a) {
  uint32_t object = a->src == 0 ? 0 : path_pointer(self, a->src - 1);
  if (a->dst < FIELDS) {
    w.stack[self][a->dst] = object;
    return;
  }
  struct at_u32 *place = heap_place(self, a->dst - FIELDS);
  if (place == NULL) return;
  shade_for(place, object);
  at_u32_store_seq(place, object);
}

static void mutate(uint32_t self) {
  for (uint32_t i = 0; i < ACTIONS; i++) {
    plat_mutex_lock(&w.safe[self]);
    act(self, &w.action[self][i]);
    plat_mutex_unlock(&w.safe[self]);
  }
}

/* is_stopped: the mutators' locks are held. */
static void scan(uint32_t object, bool is_stopped) {
  bool locks = object < GLOBAL && !is_stopped;
  if (locks) plat_mutex_lock(&w.safe[object - STACK_0]);
  for (uint32_t f = 0; f < FIELDS; f++) shade(load_field(object, f));
  if (object <= GLOBAL && !w.is_black[object]) at_u32_add_seq(&w.unscanned, (uint32_t)-1);
  w.is_black[object] = true;
  if (locks) plat_mutex_unlock(&w.safe[object - STACK_0]);
}

/* Scans what is grey, in the order chosen, up to object number last. */
static void drain(uint32_t last, bool is_stopped) {
  for (uint32_t i = 0; i + 1 < w.objects;) {
    uint32_t object = w.order[i++];
    bool is_grey = object <= last && !w.is_black[object] &&
                   (object <= GLOBAL || at_u32_load_seq(&w.mark[object]) != 0);
    if (!is_grey) continue;
    scan(object, is_stopped);
    i = 0;
  }
}

static void collect(void) {
  if (has(LITMUS_YUASA_STACKS_FIRST)) drain(STACK_1, false);
  drain(w.objects - 1, false);
  stop_mutators();
  drain(w.objects - 1, true);
  if (has(LITMUS_YUASA_RESCAN)) {
    scan(STACK_0, true);
    scan(STACK_1, true);
    drain(w.objects - 1, true);
  }
  judge();
  start_mutators();
}

static void yuasa_setup(const struct litmus_case *c) {
  uint64_t actions = c->actions;
  setup(OBJECTS, c->variant);
  make_heap(c->heap, FIELDS, true);
  at_u32_init(&w.unscanned, 3);
  for (uint32_t m = 0; m < MUTATORS; m++) {
    for (uint32_t i = 0; i < ACTIONS; i++) {
      w.action[m][i].src = digit(&actions, SOURCES);
      w.action[m][i].dst = digit(&actions, DESTINATIONS);
    }
  }
  make_order(actions);
}

static void yuasa_thread(uint32_t index) {
  if (index == MARKER)
    collect();
  else
    mutate(index);
}

const struct litmus litmus_yuasa = {
    .threads = 3,
    .names = {"m0", "m1", "gc"},
    .setup = yuasa_setup,
    .thread = yuasa_thread,
    .check = check,
};

/* ---- rescan: stacks scanned once ------------------------------------------------------------- */

/* Each mutator publishes its stack's pointer in an object it reaches, then loads a pointer into its
 * stack. Heap number: 8 digits of base 3. Actions number: for each mutator a place of 8 to publish
 * in and a path of 8 to load by. */
enum { RESCAN_OBJECTS = HEAP + 2, PLACES = 8, RESET_MAX = 4 };

static void mark_from(uint32_t object) {
  uint32_t todo[OBJECTS * FIELDS + 1], count = 0;
  todo[count++] = object;
  while (count > 0) {
    uint32_t o = todo[--count];
    if (o == 0 || at_u32_load_seq(&w.mark[o]) != 0) continue;
    at_u32_store_seq(&w.mark[o], 1);
    for (uint32_t f = 0; f < FIELDS; f++) todo[count++] = load_field(o, f);
  }
}

/* Starts 0: the own stack's slot; 1, 2: the global root's fields. */
static uint32_t rescan_start(uint32_t self, uint32_t start) {
  return start == 0 ? w.stack[self][0] : at_u32_load_seq(&w.field[GLOBAL][start - 1]);
}

static struct at_u32 *rescan_place(uint32_t self, uint32_t place) {
  if (place < 2) return &w.field[GLOBAL][place];
  uint32_t object = rescan_start(self, (place - 2) / 2);
  return object == 0 ? NULL : &w.field[object][place % 2];
}

static void publish(uint32_t self, uint32_t place) {
  uint32_t object = w.stack[self][0];
  struct at_u32 *slot = rescan_place(self, place);
  if (slot == NULL || object == 0) return;
  if (w.variant == LITMUS_RESCAN_SHADE) mark_from(object);
  if (w.variant == LITMUS_RESCAN_RESET && at_u32_load_seq(&w.mark[object]) == 0)
    at_u32_store_seq(&w.unscanned, MUTATORS);
  at_u32_store_seq(slot, object);
}

static void rescan_mutate(uint32_t self) {
  plat_mutex_lock(&w.safe[self]);
  publish(self, w.action[self][0].dst);
  plat_mutex_unlock(&w.safe[self]);
  plat_mutex_lock(&w.safe[self]);
  const struct at_u32 *slot = rescan_place(self, w.action[self][1].src);
  if (slot != NULL) w.stack[self][0] = at_u32_load_seq(slot);
  plat_mutex_unlock(&w.safe[self]);
}

/* Scans one stack after the other until the count of those left is 0; a reset begins anew. */
static void rescan_collect(void) {
  for (uint32_t i = 0; i < RESET_MAX * MUTATORS && at_u32_load_seq(&w.unscanned) > 0; i++) {
    uint32_t m = i % MUTATORS;
    plat_mutex_lock(&w.safe[m]);
    mark_from(w.stack[m][0]);
    at_u32_add_seq(&w.unscanned, (uint32_t)-1);
    plat_mutex_unlock(&w.safe[m]);
  }
  stop_mutators();
  judge();
  start_mutators();
}

static void rescan_setup(const struct litmus_case *c) {
  uint64_t actions = c->actions;
  setup(RESCAN_OBJECTS, c->variant);
  make_heap(c->heap, 1, false);
  at_u32_init(&w.unscanned, MUTATORS);
  for (uint32_t m = 0; m < MUTATORS; m++) {
    w.action[m][0].dst = digit(&actions, PLACES);
    w.action[m][1].src = digit(&actions, PLACES);
  }
  mark_from(GLOBAL);
}

static void rescan_thread(uint32_t index) {
  if (index == MARKER)
    rescan_collect();
  else
    rescan_mutate(index);
}

const struct litmus litmus_rescan = {
    .threads = 3,
    .names = {"m0", "m1", "gc"},
    .setup = rescan_setup,
    .thread = rescan_thread,
    .check = check,
};

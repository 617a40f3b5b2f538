/* Marking beside two mutators: the smallest programs on which the write barriers differ.
 *
 * Objects 1 and 2, 1 points to 2, both mutators' stacks hold 1. Mutator 0 loads 1's field into its
 * stack and clears the field; mutator 1 loads it and stores it into a global variable, then drops
 * both pointers. The marker starts marking with both stopped, shades the global variable and scans
 * the stacks one by one, marks, and judges with both stopped once nothing is grey.
 */
#include <stdio.h>

#include "runtime/lockrank.h"
#include "runtime/plat.h"
#include "sims/litmus/litmus.h"

enum { MUTATORS = 2, OBJECTS = 3, MARKER = MUTATORS, DRAINS = 3 };

struct stack {
  struct plat_mutex safe; /* held: the mutator is not at a safepoint */
  uint32_t slot[2];       /* safe */
  bool is_black;          /* safe */
};

static PLAT_STATE struct {
  struct at_u32 field[OBJECTS], global, mark[OBJECTS], is_marking;
  struct stack stack[MUTATORS];
  bool is_black[OBJECTS]; /* the marker's */
  uint32_t barrier, rounds;
  char violation[96]; /* the marker's */
} w;

/* ---- mutators -------------------------------------------------------------------------------- */

static void shade(uint32_t object) {
  if (object != 0) at_u32_store_seq(&w.mark[object], 1);
}

static bool shades_old(void) {
  return w.barrier == LITMUS_BARRIER_OLD || w.barrier == LITMUS_BARRIER_UNTIL_BLACK ||
         w.barrier == LITMUS_BARRIER_BOTH;
}

static bool shades_new(const struct stack *own) {
  return w.barrier == LITMUS_BARRIER_NEW || w.barrier == LITMUS_BARRIER_BOTH ||
         (w.barrier == LITMUS_BARRIER_UNTIL_BLACK && !own->is_black);
}

static void store(const struct stack *own, struct at_u32 *slot, uint32_t object) {
  if (at_u32_load_seq(&w.is_marking) != 0) {
    if (shades_old()) shade(at_u32_load_seq(slot));
    if (shades_new(own)) shade(object);
  }
  at_u32_store_seq(slot, object);
}

static void mutate(uint32_t index) {
  struct stack *own = &w.stack[index];
  for (uint32_t round = 0; round < w.rounds; round++) {
    plat_mutex_lock(&own->safe);
    own->slot[1] = at_u32_load_seq(&w.field[1]);
    plat_mutex_unlock(&own->safe);
    plat_mutex_lock(&own->safe);
    if (index == 0) {
      store(own, &w.field[1], 0);
    } else {
      store(own, &w.global, own->slot[1]);
      own->slot[0] = own->slot[1] = 0;
    }
    plat_mutex_unlock(&own->safe);
  }
}

/* ---- the marker ------------------------------------------------------------------------------ */

static void stop_mutators(void) {
  plat_mutex_lock(&w.stack[0].safe);
  plat_mutex_lock_same_rank(&w.stack[1].safe);
}

static void start_mutators(void) {
  plat_mutex_unlock(&w.stack[1].safe);
  plat_mutex_unlock(&w.stack[0].safe);
}

static bool expect_marked(uint32_t object, const char *from, uint32_t index) {
  if (object == 0 || at_u32_load_seq(&w.mark[object]) != 0) return true;
  snprintf(w.violation, sizeof w.violation, "object %u is not marked but reachable from %s %u",
           (unsigned)object, from, (unsigned)index);
  return false;
}

static void judge(void) {
  for (uint32_t i = 0; i < MUTATORS; i++) {
    if (!expect_marked(w.stack[i].slot[0], "the stack of mutator", i)) return;
    if (!expect_marked(w.stack[i].slot[1], "the stack of mutator", i)) return;
  }
  if (!expect_marked(at_u32_load_seq(&w.global), "global variable", 0)) return;
  for (uint32_t i = 1; i < OBJECTS; i++) {
    if (at_u32_load_seq(&w.mark[i]) == 0) continue;
    if (!expect_marked(at_u32_load_seq(&w.field[i]), "object", i)) return;
  }
}

/* Blackens what is grey; false: nothing was. */
static bool drain(void) {
  bool any = false;
  for (uint32_t i = 1; i < OBJECTS; i++) {
    if (w.is_black[i] || at_u32_load_seq(&w.mark[i]) == 0) continue;
    any = w.is_black[i] = true;
    shade(at_u32_load_seq(&w.field[i]));
  }
  return any;
}

static bool is_any_grey(void) {
  bool any = false;
  for (uint32_t i = 1; i < OBJECTS; i++)
    if (!w.is_black[i] && at_u32_load_seq(&w.mark[i]) != 0) any = true;
  return any;
}

static void scan_stack(struct stack *s) {
  plat_mutex_lock(&s->safe);
  shade(s->slot[0]);
  shade(s->slot[1]);
  s->is_black = true;
  plat_mutex_unlock(&s->safe);
}

static void mark(void) {
  bool done = false;
  stop_mutators();
  at_u32_store_seq(&w.is_marking, 1);
  start_mutators();
  shade(at_u32_load_seq(&w.global));
  for (uint32_t i = 0; i < MUTATORS; i++) scan_stack(&w.stack[i]);
  for (uint32_t pass = 0; pass < DRAINS && !done; pass++) {
    if (drain()) continue;
    stop_mutators();
    done = !is_any_grey();
    if (done) judge();
    start_mutators();
  }
}

/* ---- the programs ---------------------------------------------------------------------------- */

static void setup(const struct litmus_case *c, uint32_t rounds) {
  for (uint32_t i = 0; i < OBJECTS; i++) {
    at_u32_init(&w.field[i], i == 1 ? 2 : 0);
    at_u32_init(&w.mark[i], 0);
    w.is_black[i] = false;
  }
  at_u32_init(&w.global, 0);
  at_u32_init(&w.is_marking, 0);
  for (uint32_t i = 0; i < MUTATORS; i++) {
    w.stack[i] = (struct stack){.slot = {1, 0}};
    plat_mutex_init(&w.stack[i].safe, RT_RANK_TEST, i == 0 ? "m0.safe" : "m1.safe");
  }
  w.barrier = c->variant;
  w.rounds = rounds;
  w.violation[0] = '\0';
}

static void setup_1(const struct litmus_case *c) { setup(c, 1); }
static void setup_2(const struct litmus_case *c) { setup(c, 2); }
static void setup_3(const struct litmus_case *c) { setup(c, 3); }

static void thread(uint32_t index) {
  if (index == MARKER)
    mark();
  else
    mutate(index);
}

static const char *check(void) {
  for (uint32_t i = 0; i < MUTATORS; i++) plat_mutex_destroy(&w.stack[i].safe);
  return w.violation[0] == '\0' ? NULL : w.violation;
}

/* ---- telling --------------------------------------------------------------------------------- */

enum { SEEN_A, SEEN_B, SEEN_STACKS };
static const char *const object_names[OBJECTS] = {"nil", "A", "B"};

static bool view_name(const void *address, char *out, size_t bytes) {
  const struct at_u32 *p = address;
  if (p == &w.global || p == &w.is_marking) {
    snprintf(out, bytes, p == &w.global ? "global" : "marking");
    return true;
  }
  for (uint32_t i = 1; i < OBJECTS; i++) {
    if (p != &w.field[i] && p != &w.mark[i]) continue;
    snprintf(out, bytes, p == &w.field[i] ? "%s.f" : "mark of %s", object_names[i]);
    return true;
  }
  return false;
}

static bool view_value(const void *address, uint64_t word, char *out, size_t bytes) {
  const struct at_u32 *p = address;
  bool is_pointer = p == &w.global || (p >= w.field && p < w.field + OBJECTS);
  if (is_pointer && word < OBJECTS) snprintf(out, bytes, "%s", object_names[word]);
  return is_pointer && word < OBJECTS;
}

static char view_colour(uint32_t watched) {
  if (watched >= SEEN_STACKS) return w.stack[watched - SEEN_STACKS].is_black ? 'B' : 'W';
  uint32_t object = watched - SEEN_A + 1;
  if (w.is_black[object]) return 'B';
  return w.mark[object].raw_ != 0 ? 'G' : 'W';
}

static bool view_is_marking(void) { return w.is_marking.raw_ != 0; }

static bool view_is_broken(void) { return w.violation[0] != '\0'; }

static bool view_lost(uint32_t *watched, char *path, size_t bytes) {
  unsigned object, from;
  char what[32];
  if (sscanf(w.violation, "object %u is not marked but reachable from %31[a-z ]%u", &object, what,
             &from) != 3)
    return false;
  *watched = SEEN_A + object - 1;
  if (what[0] == 't') snprintf(path, bytes, "m%u's stack", from);
  if (what[0] == 'g') snprintf(path, bytes, "global");
  if (what[0] == 'o') snprintf(path, bytes, "%s.f", object_names[from]);
  return true;
}

static const char *view_unshaded(bool overwritten) {
  if (overwritten) return shades_old() ? NULL : "this barrier does not shade what is overwritten";
  if (w.barrier == LITMUS_BARRIER_UNTIL_BLACK)
    return "this barrier does not shade what is written once the own stack is black";
  return shades_new(&w.stack[0]) ? NULL : "this barrier does not shade what is written";
}

static const struct litmus_view view = {
    .watched = {"A", "B", "m0 stack", "m1 stack"},
    .name = view_name,
    .value = view_value,
    .colour = view_colour,
    .is_marking = view_is_marking,
    .is_broken = view_is_broken,
    .lost = view_lost,
    .unshaded = view_unshaded,
};

#define PROGRAM(rounds) \
  {.threads = 3, .names = {"m0", "m1", "gc"}, .setup = setup_##rounds, .thread = thread, \
   .check = check, .view = &view}
const struct litmus litmus_marking_1 = PROGRAM(1);
const struct litmus litmus_marking_2 = PROGRAM(2);
const struct litmus litmus_marking_3 = PROGRAM(3);

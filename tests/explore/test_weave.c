/* Kinds of barrier on the shipped collector, against the verdicts of go-weave's Yuasa model (F8.7):
 * of a part of the grid every class of schedules. All of it: ./dev soak weave. */
#include "tests/explore/weave_grid.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sims/explore/alike.h"
#include "sims/explore/variant.h"
#include "sims/memory.h"
#include "tests/support/test.h"

enum { ALIKE = 21866 }; /* choices that differ in more than names: 2 x 13 x 29 x 29 */

static const struct weave_plan completely = {.strategy = "dpor"};

/* Every `stride`-th choice; the caller frees them. */
static uint32_t *part(uint32_t stride, uint32_t *count) {
  uint32_t *numbers = weave_representatives(count), n = 0;
  for (uint32_t i = 0; i < *count; i += stride) numbers[n++] = numbers[i];
  *count = n;
  return numbers;
}

static void search_part(const struct weave_kind *kind, const struct weave_plan *plan,
                        uint32_t stride, struct weave_tally *t) {
  uint32_t count;
  uint32_t *numbers = part(stride, &count);
  struct weave_grid *g = weave_grid_open(kind, numbers, count);
  *t = (struct weave_tally){0};
  for (uint32_t i = 0; i < count; i++) weave_grid_search(g, plan, numbers[i], NULL, t);
  print_message("%s: %llu choices, %llu schedules, %llu violated\n", kind->name,
                (unsigned long long)t->choices, (unsigned long long)t->schedules,
                (unsigned long long)t->violated);
  weave_grid_close(g);
  free(numbers);
  assert_int_equal(t->choices, count);
  assert_int_equal(t->unfinished, 0);
}

/* ---- the grid is that of the scenarios ------------------------------------------------------- */

static struct scenario *load(const char *kind) {
  char *path = sim_printf("configs/races/barriers-%s.json", kind), text[16384];
  FILE *in = fopen(path, "r");
  assert_non_null(in);
  text[fread(text, 1, sizeof text - 1, in)] = '\0';
  fclose(in);
  free(path);
  struct scenario *sc = xp_variant_read(text, NULL, 0, false);
  assert_non_null(sc);
  return sc;
}

static void kinds_are_those_of_the_scenarios(void **state) {
  (void)state;
  for (const struct weave_kind *k = weave_kinds; k->name != NULL; k++) {
    struct scenario *sc = load(k->name);
    assert_string_equal(sc->barrier, k->barrier);
    assert_int_equal(sc->gc_faults, k->faults);
    assert_int_equal(xp_variant_count(sc), WEAVE_CHOICES);
    assert_int_equal(*sc->expect_violation == '\0', k->is_sound);
    scenario_free(sc);
  }
}

static uint8_t place_of(uint32_t object) {
  return object == SC_NIL ? WEAVE_NIL : (uint8_t)(object + 1);
}

static uint8_t write_of(const struct sc_op *op) {
  if (op->kind == SC_OP_OBJECT_LOAD) return WEAVE_LOAD;
  return op->kind == SC_OP_OBJECT_STORE ? WEAVE_STORE : WEAVE_PUT;
}

/* Groups 1 and 2 are the mutators. */
static void read_choice(const struct scenario *sc, struct weave_choice *out) {
  const struct sc_op *get = &sc->setup[0];
  out->root = get->kind == SC_OP_OBJECT_GET ? place_of(get->target) : WEAVE_NIL;
  for (uint32_t i = 0; i < WEAVE_OBJECTS; i++) out->link[i] = place_of(sc->objects[i].links[0]);
  for (uint32_t m = 0; m < WEAVE_MUTATORS; m++) {
    out->r0[m] = place_of(sc->groups[1 + m].registers[0]);
    for (uint32_t i = 0; i < WEAVE_WRITES; i++)
      out->write[m][i] = write_of(&sc->groups[1 + m].body[i]);
  }
}

static void choices_are_those_of_the_scenarios(void **state) {
  (void)state;
  enum { STRIDE = 1009 };
  struct scenario *sc = load("hybrid");
  uint32_t *choices = sim_alloc(sc->choose_count * sizeof *choices);
  for (uint32_t v = 0; v < WEAVE_CHOICES; v += STRIDE) {
    struct weave_choice ours, theirs;
    xp_variant_choices(sc, v, choices);
    struct scenario *variant = xp_variant_load(sc, choices, NULL, 0, false);
    read_choice(variant, &theirs);
    weave_choice_of(v, &ours);
    assert_memory_equal(&ours, &theirs, sizeof ours);
    scenario_free(variant);
  }
  free(choices);
  scenario_free(sc);
}

static void those_alike_are_those_of_the_scenarios(void **state) {
  (void)state;
  struct scenario *sc = load("hybrid");
  uint32_t ours_count;
  struct xp_alike theirs;
  uint32_t *ours = weave_representatives(&ours_count);
  assert_true(xp_alike_find(sc, &theirs));
  assert_int_equal(ours_count, ALIKE);
  assert_int_equal(theirs.count, ALIKE);
  for (uint32_t i = 0; i < ALIKE; i++) assert_int_equal(ours[i], theirs.list[i].variant);
  free(ours);
  xp_alike_free(&theirs);
  scenario_free(sc);
}

/* ---- verdicts -------------------------------------------------------------------------------- */

static void holds(const char *kind, uint32_t stride) {
  struct weave_tally t;
  uint32_t leap = stride * 100 / (uint32_t)test_scaled(100);
  search_part(weave_kind_find(kind), &completely, leap, &t);
  assert_int_equal(t.violated, 0);
}

static void sound_with_all_it_needs(void **state) {
  (void)state;
  holds("yuasa", 79);
  holds("dijkstra", 149);
  holds("hybrid", 149);
  holds("conditional", 499);
}

static void breaks(const char *kind, uint32_t stride, uint64_t violated) {
  struct weave_tally t;
  search_part(weave_kind_find(kind), &completely, stride, &t);
  assert_int_equal(t.violated, violated);
  assert_non_null(strstr(t.message, "reachable object is not marked"));
}

static void violated_without(void **state) {
  (void)state;
  breaks("yuasa-no-snapshot", 199, 7);
  breaks("dijkstra-no-rescan", 199, 6);
}

/* ---- the search is as good as it says -------------------------------------------------------- */

/* Whatever breaks takes two preemptions at most, and of those schedules none is left out. */
static void two_searches_agree(void **state) {
  (void)state;
  static const struct weave_plan bound = {.strategy = "bound", .preemptions = 2};
  uint32_t count;
  uint32_t *numbers = part(397, &count);
  for (const struct weave_kind *k = weave_kinds; k->name != NULL; k++) {
    if (k->is_sound) continue;
    struct weave_grid *g = weave_grid_open(k, numbers, count);
    struct weave_tally t = {0};
    for (uint32_t i = 0; i < count; i++)
      assert_int_equal(weave_grid_search(g, &completely, numbers[i], NULL, &t),
                       weave_grid_search(g, &bound, numbers[i], NULL, &t));
    assert_int_equal(t.unfinished, 0);
    weave_grid_close(g);
  }
  free(numbers);
}

static void what_is_wrong_is_found(void **state) {
  (void)state;
#define WRONG(barrier, fault) {#fault, barrier, UINT64_C(1) << GC_FAULT_##fault, false}
  static const struct weave_kind wrong[] = {
      WRONG("hybrid", BARRIER_NONE),       WRONG("hybrid", DELETION_MISSING),
      WRONG("hybrid", INSERTION_MISSING),  WRONG("hybrid", STORE_BEFORE_SHADE),
      WRONG("dijkstra", INSERTION_MISSING), WRONG("yuasa", DELETION_MISSING),
      WRONG("hybrid", FLUSH_SKIPPED_AT_STOP),
  };
  for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
    struct weave_tally t;
    search_part(&wrong[i], &completely, 997, &t);
    assert_true(t.violated > 0);
  }
}

/* ---- for weave_model.py ---------------------------------------------------------------------- */

/* A line for each choice of a part: kind, number, verdict. */
static int write_verdicts(void) {
  for (const struct weave_kind *k = weave_kinds; k->name != NULL; k++) {
    uint32_t count;
    uint32_t *numbers = part(k->is_sound ? 1999 : 397, &count);
    struct weave_grid *g = weave_grid_open(k, numbers, count);
    struct weave_tally t = {0};
    for (uint32_t i = 0; i < count; i++) {
      bool is_violated = weave_grid_search(g, &completely, numbers[i], NULL, &t);
      printf("%s %u %s\n", k->name, numbers[i], is_violated ? "violated" : "clean");
    }
    weave_grid_close(g);
    free(numbers);
    if (t.unfinished > 0) return 1;
  }
  return 0;
}

int main(int argc, char **argv) {
  if (argc == 2 && strcmp(argv[1], "verdicts") == 0) return write_verdicts();
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(kinds_are_those_of_the_scenarios),
      cmocka_unit_test(choices_are_those_of_the_scenarios),
      cmocka_unit_test(those_alike_are_those_of_the_scenarios),
      cmocka_unit_test(sound_with_all_it_needs),
      cmocka_unit_test(violated_without),
      cmocka_unit_test(two_searches_agree),
      cmocka_unit_test(what_is_wrong_is_found),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

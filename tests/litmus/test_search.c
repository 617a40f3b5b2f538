/* The litmus programs under the simplest searches: their number of schedules by preemptions is
 * known, sound variants hold under random schedules, the others break. */
#include <stdlib.h>
#include <string.h>

#include "plat_model.h"
#include "runtime/check.h"
#include "runtime/rng.h"
#include "sims/litmus/litmus.h"
#include "tests/support/test.h"

static struct litmus_case now;

static int body(void *arg) {
  (void)arg;
  const char *violated = litmus_run(&now);
  if (violated != NULL) plat_model_fail_run(0, violated);
  return 0;
}

static void prepare(void) {
  int status;
  plat_model_reset();
  assert_true(plat_model_prepare(body, NULL, &status));
}

/* Whether the run broke the property, or hung. */
static bool fails(struct plat_model_outcome *out) {
  plat_model_explore(out);
  return out->end != PLAT_MODEL_DONE;
}

static void hb_step(const struct plat_model_op *op);

/* ---- all schedules with at most so many preemptions ------------------------------------------ */

enum { DEPTH_MAX = 256, MOST_SOUND = 5000, MOST_BROKEN = 500000, RUNS_PER_HEAP = 10 };
static struct dfs {
  uint32_t bound;
  uint32_t depth, prefix;           /* of this schedule; of it, given */
  uint8_t rank[DEPTH_MAX], width[DEPTH_MAX]; /* choice taken, choices allowed */
  uint32_t preemptions;
} *dfs; /* outside the world */

/* Choice 0 is the thread that ran last, if it can go on; then the others, by number. */
static uint32_t dfs_choose(const struct plat_model_point *p, void *arg) {
  (void)arg;
  bool goes_on = p->running < p->count;
  uint32_t n = goes_on && dfs->preemptions == dfs->bound ? 1 : p->count;
  rt_assert(dfs->depth < DEPTH_MAX);
  uint32_t at = dfs->depth++;
  if (at >= dfs->prefix) dfs->rank[at] = 0;
  dfs->width[at] = (uint8_t)n;
  rt_assert(dfs->rank[at] < n);
  if (goes_on && dfs->rank[at] > 0) dfs->preemptions++;
  uint32_t chosen = dfs->rank[at];
  if (goes_on && chosen <= p->running) chosen = chosen == 0 ? p->running : chosen - 1;
  hb_step(p->op[chosen]);
  return chosen;
}

/* ---- classes of schedules -------------------------------------------------------------------- */

/* Two schedules are of one class when they differ only in the order of neighbours that do not
 * concern each other: same variable and one writes, or same lock. The signature of a step is over
 * the steps that must come before it; that of a class is the sum. */
enum { OBJECTS_MAX = 64, CLASSES_MAX = 4096 };
static struct {
  uint64_t thread[LITMUS_THREADS_MAX + 1];
  struct { uint64_t id, write, reads; } object[OBJECTS_MAX];
  uint64_t sum;
  uint64_t seen[CLASSES_MAX];
  uint32_t classes;
} *hb; /* outside the world */

static uint64_t mix(uint64_t a, uint64_t b) { return rng_split(a * 0x9e3779b97f4a7c15ull, b); }

static void hb_step(const struct plat_model_op *op) {
  uint32_t i = 0;
  uint64_t id = (uintptr_t)op->address;
  while (hb->object[i].id != id && hb->object[i].id != 0) rt_assert(++i < OBJECTS_MAX);
  hb->object[i].id = id;
  bool reads = op->kind == PLAT_OP_LOAD;
  uint64_t before = reads ? 0 : hb->object[i].reads;
  uint64_t s = mix(mix(hb->thread[op->thread], op->thread), mix(hb->object[i].write, before));
  hb->thread[op->thread] = s;
  hb->sum += s;
  if (reads) {
    hb->object[i].reads += s;
  } else {
    hb->object[i].write = s;
    hb->object[i].reads = 0;
  }
}

static void hb_end(void) {
  uint64_t at = hb->sum % CLASSES_MAX;
  while (hb->seen[at] != 0 && hb->seen[at] != hb->sum) at = (at + 1) % CLASSES_MAX;
  hb->classes += hb->seen[at] == 0;
  rt_assert(hb->classes < CLASSES_MAX / 2);
  hb->seen[at] = hb->sum;
  memset(hb->thread, 0, sizeof hb->thread);
  memset(hb->object, 0, sizeof hb->object);
  hb->sum = 0;
}

/* ---- the oracle ------------------------------------------------------------------------------ */

static uint64_t count_schedules(uint32_t bound, uint64_t *violations) {
  struct plat_model_hooks hooks = {.choose = dfs_choose, .every_point = true};
  struct plat_model_outcome out;
  uint64_t count = 0;
  dfs->bound = bound;
  dfs->prefix = 0;
  *violations = 0;
  memset(hb, 0, sizeof *hb);
  plat_model_set_hooks(&hooks);
  for (;;) {
    dfs->depth = dfs->preemptions = 0;
    *violations += fails(&out);
    hb_end();
    count++;
    while (dfs->depth > 0 && dfs->rank[dfs->depth - 1] + 1 == dfs->width[dfs->depth - 1])
      dfs->depth--;
    if (dfs->depth == 0) break;
    dfs->rank[dfs->depth - 1]++;
    dfs->prefix = dfs->depth;
  }
  plat_model_set_hooks(NULL);
  return count;
}

static void schedules_by_preemptions(void **state) {
  static const uint64_t known[] = {6, 126, 1684, 17080, 132035, 829666};
  (void)state;
  uint64_t violations;
  assert_true(litmus_find("litmus-1", "new-until-black", &now));
  prepare();
  for (uint32_t bound = 0; bound < sizeof known / sizeof known[0]; bound++) {
    uint64_t n = count_schedules(bound, &violations);

    assert_true(n == known[bound]);
    assert_true(violations == 0);
  }
  assert_int_equal(hb->classes, 353); /* all there are */
  plat_model_leave();
}

static void preemptions_to_the_first_violation(void **state) {
  static const char *const programs[] = {"litmus-1", "litmus-2"};
  (void)state;
  for (uint32_t i = 0; i < 2; i++) {
    uint64_t violations = 0;
    assert_true(litmus_find(programs[i], "new-only", &now));
    prepare();
    for (uint32_t bound = 0; bound <= i; bound++) {
      count_schedules(bound, &violations);
      assert_true(violations == 0);
    }
    count_schedules(i + 1, &violations);
    assert_true(violations > 0);
    plat_model_leave();
  }
}

/* ---- random schedules ------------------------------------------------------------------------ */

static uint32_t random_choose(const struct plat_model_point *p, void *arg) {
  return rng_fastrandn(arg, p->count);
}

/* Runs of one heap, from number `first` on, until one fails; how the last one ended. */
static enum plat_model_end search_heap(uint64_t *random, uint32_t first, uint32_t runs) {
  struct plat_model_hooks hooks = {.choose = random_choose, .arg = random};
  struct plat_model_outcome out = {.end = PLAT_MODEL_DONE};
  bool failed = false;
  prepare();
  plat_model_set_hooks(&hooks);
  for (uint32_t i = 0; i < runs && !failed; i++) {
    *random = first + i + 1;
    failed = fails(&out);
  }
  plat_model_set_hooks(NULL);
  plat_model_leave();
  return out.end;
}

/* How the first of at most `most` runs that fails ends; DONE: none does. */
static enum plat_model_end search(uint32_t most) {
  const struct litmus_facts *facts = &litmus_facts[now.program];
  bool has_heaps = facts->heaps > 0;
  enum plat_model_end end = PLAT_MODEL_DONE;
  uint32_t runs = has_heaps ? RUNS_PER_HEAP : most;
  uint64_t *random = calloc(1, sizeof *random);
  assert_non_null(random);
  for (uint32_t i = 0; i < most && end == PLAT_MODEL_DONE; i += runs) {
    if (has_heaps) now.heap = rng_split(7, 2 * i) % facts->heaps;
    if (facts->actions > 0) now.actions = rng_split(7, 2 * i + 1) % facts->actions;
    end = search_heap(random, i, runs);
  }
  free(random);
  return end;
}

static void variants_are_what_they_say(void **state) {
  (void)state;
  for (uint32_t p = 0; p < LITMUS_PROGRAMS; p++) {
    const struct sim_choice *variants = litmus_facts[p].variants;
    for (uint32_t v = 0; variants[v].name != NULL; v++) {
      now = (struct litmus_case){.program = (enum litmus_program)p, .variant = v};
      bool breaks = (litmus_facts[p].violating >> v & 1) != 0;
      enum plat_model_end end = search(breaks ? MOST_BROKEN : MOST_SOUND);
      bool hangs = p == LITMUS_RWMUTEX;
      enum plat_model_end failure = hangs ? PLAT_MODEL_DEADLOCK : PLAT_MODEL_FAILED;
      if ((end != PLAT_MODEL_DONE) != breaks)
        print_error("%s %s\n", litmus_words[p].name, variants[v].name);
      assert_int_equal(end, breaks ? failure : PLAT_MODEL_DONE);
    }
  }
}

/* Heaps and programs on which one barrier breaks are run with those that must not. */
static void yuasa_where_others_break(void **state) {
  static const struct { uint64_t heap, actions; } hard[] = {
      {6241305, 116069205347},   {177849632, 137927664211}, {238147662, 150396498119},
      {72369797, 289601299834},  {103818774, 175401621833}};
  uint64_t *random = calloc(1, sizeof *random);
  uint32_t broken = 0;
  (void)state;
  assert_non_null(random);
  for (uint32_t v = 0; litmus_yuasa_ways[v].name != NULL; v++) {
    bool breaks = (litmus_facts[LITMUS_YUASA].violating >> v & 1) != 0, any = false;
    for (uint32_t i = 0; i < sizeof hard / sizeof hard[0]; i++) {
      now = (struct litmus_case){LITMUS_YUASA, v, hard[i].heap, hard[i].actions};
      any = search_heap(random, 0, 1000) != PLAT_MODEL_DONE || any;
    }
    assert_true(any == breaks);
    broken += breaks;
  }
  free(random);
  assert_int_equal(broken, 8);
}

static int begin(void **state) {
  (void)state;
  dfs = calloc(1, sizeof *dfs);
  hb = calloc(1, sizeof *hb);
  return dfs == NULL || hb == NULL;
}

static int end_group(void **state) {
  (void)state;
  free(dfs);
  free(hb);
  return 0;
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(schedules_by_preemptions),
      cmocka_unit_test(preemptions_to_the_first_violation),
      cmocka_unit_test(variants_are_what_they_say),
      cmocka_unit_test(yuasa_where_others_break),
  };
  return cmocka_run_group_tests(tests, begin, end_group);
}

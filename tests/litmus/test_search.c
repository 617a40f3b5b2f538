/* The litmus programs under the simplest searches: their number of schedules by preemptions is
 * known, sound variants hold under random schedules, the others break. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "plat_model.h"
#include "runtime/check.h"
#include "runtime/rng.h"
#include "sims/litmus/litmus.h"

static struct litmus_case now;
static const char *violated;

static int body(void *arg) {
  (void)arg;
  violated = litmus_run(&now);
  return 0;
}

static void run_once(void) {
  plat_model_reset();
  assert_int_equal(plat_main(body, NULL), 0);
}

/* The first pending operation that only begins or ends a thread, or UINT32_MAX. */
static uint32_t housekeeping(const struct plat_model_choice *c) {
  for (uint32_t i = 0; i < c->count; i++) {
    enum plat_op kind = c->pending[i].kind;
    if (kind == PLAT_OP_THREAD_START || kind == PLAT_OP_THREAD_BEGIN ||
        kind == PLAT_OP_THREAD_END || kind == PLAT_OP_JOIN || c->pending[i].thread == 0)
      return i;
  }
  return UINT32_MAX;
}

static void hb_step(const struct plat_model_op *op);

/* ---- all schedules with at most so many preemptions ------------------------------------------ */

enum { DEPTH_MAX = 256, MOST_SOUND = 5000, MOST_BROKEN = 500000, DIED = 100 };
static struct {
  uint32_t bound;
  uint32_t depth, prefix;           /* of this schedule; of it, given */
  uint8_t rank[DEPTH_MAX], width[DEPTH_MAX]; /* choice taken, choices allowed */
  uint32_t preemptions, last;       /* last: the thread that ran */
} dfs;

/* Choice 0 is the thread that ran last, if it can go on; then the others, by number. */
static uint32_t dfs_choose(const struct plat_model_choice *c, void *arg) {
  (void)arg;
  uint32_t keep = housekeeping(c);
  if (keep != UINT32_MAX) return keep;
  uint32_t order[LITMUS_THREADS_MAX + 1], n = 0;
  for (uint32_t i = 0; i < c->count; i++)
    if (c->pending[i].thread == dfs.last) order[n++] = i;
  bool goes_on = n == 1;
  for (uint32_t i = 0; i < c->count; i++)
    if (c->pending[i].thread != dfs.last) order[n++] = i;
  if (goes_on && dfs.preemptions == dfs.bound) n = 1;
  rt_assert(dfs.depth < DEPTH_MAX);
  uint32_t at = dfs.depth++;
  if (at >= dfs.prefix) dfs.rank[at] = 0;
  dfs.width[at] = (uint8_t)n;
  rt_assert(dfs.rank[at] < n);
  if (goes_on && dfs.rank[at] > 0) dfs.preemptions++;
  uint32_t chosen = order[dfs.rank[at]];
  dfs.last = c->pending[chosen].thread;
  hb_step(&c->pending[chosen]);
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
} hb;

static uint64_t mix(uint64_t a, uint64_t b) { return rng_split(a * 0x9e3779b97f4a7c15ull, b); }

static void hb_step(const struct plat_model_op *op) {
  uint32_t i = 0;
  while (hb.object[i].id != op->object && hb.object[i].id != 0) rt_assert(++i < OBJECTS_MAX);
  hb.object[i].id = op->object;
  bool reads = op->kind == PLAT_OP_LOAD;
  uint64_t before = reads ? 0 : hb.object[i].reads;
  uint64_t s = mix(mix(hb.thread[op->thread], op->thread), mix(hb.object[i].write, before));
  hb.thread[op->thread] = s;
  hb.sum += s;
  if (reads) {
    hb.object[i].reads += s;
  } else {
    hb.object[i].write = s;
    hb.object[i].reads = 0;
  }
}

static void hb_end(void) {
  uint64_t at = hb.sum % CLASSES_MAX;
  while (hb.seen[at] != 0 && hb.seen[at] != hb.sum) at = (at + 1) % CLASSES_MAX;
  hb.classes += hb.seen[at] == 0;
  rt_assert(hb.classes < CLASSES_MAX / 2);
  hb.seen[at] = hb.sum;
  memset(hb.thread, 0, sizeof hb.thread);
  memset(hb.object, 0, sizeof hb.object);
  hb.sum = 0;
}

/* ---- the oracle ------------------------------------------------------------------------------ */

static uint64_t count_schedules(uint32_t bound, uint64_t *violations) {
  struct plat_model_hooks hooks = {.choose = dfs_choose};
  uint64_t count = 0;
  dfs.bound = bound;
  dfs.prefix = 0;
  *violations = 0;
  memset(&hb, 0, sizeof hb);
  plat_model_set_hooks(&hooks);
  for (;;) {
    dfs.depth = dfs.preemptions = 0;
    dfs.last = UINT32_MAX;
    run_once();
    hb_end();
    count++;
    *violations += violated != NULL;
    while (dfs.depth > 0 && dfs.rank[dfs.depth - 1] + 1 == dfs.width[dfs.depth - 1]) dfs.depth--;
    if (dfs.depth == 0) break;
    dfs.rank[dfs.depth - 1]++;
    dfs.prefix = dfs.depth;
  }
  plat_model_set_hooks(NULL);
  return count;
}

static void schedules_by_preemptions(void **state) {
  static const uint64_t known[] = {6, 126, 1684, 17080, 132035, 829666};
  (void)state;
  uint64_t violations;
  assert_true(litmus_find("litmus-1", "new-until-black", &now));
  for (uint32_t bound = 0; bound < sizeof known / sizeof known[0]; bound++) {
    uint64_t n = count_schedules(bound, &violations);
    assert_true(n == known[bound]);
    assert_true(violations == 0);
  }
  assert_int_equal(hb.classes, 353); /* all there are */
}

static void preemptions_to_the_first_violation(void **state) {
  static const char *const programs[] = {"litmus-1", "litmus-2"};
  (void)state;
  for (uint32_t i = 0; i < 2; i++) {
    uint64_t violations = 0;
    assert_true(litmus_find(programs[i], "new-only", &now));
    for (uint32_t bound = 0; bound <= i; bound++) {
      count_schedules(bound, &violations);
      assert_true(violations == 0);
    }
    count_schedules(i + 1, &violations);
    assert_true(violations > 0);
  }
}

/* ---- random schedules ------------------------------------------------------------------------ */

static uint64_t random_state;

static uint32_t random_choose(const struct plat_model_choice *c, void *arg) {
  (void)arg;
  uint32_t keep = housekeeping(c);
  return keep != UINT32_MAX ? keep : rng_fastrandn(&random_state, c->count);
}

/* Schedules until the first violation, at most `most`; 0: none. */
static uint32_t search(uint32_t most) {
  const struct litmus_facts *facts = &litmus_facts[now.program];
  struct plat_model_hooks hooks = {.choose = random_choose};
  uint32_t found = 0;
  plat_model_set_hooks(&hooks);
  for (uint32_t i = 0; i < most && found == 0; i++) {
    if (facts->heaps > 0) now.heap = rng_split(7, 2 * i) % facts->heaps;
    if (facts->actions > 0) now.actions = rng_split(7, 2 * i + 1) % facts->actions;
    random_state = i + 1;
    run_once();
    if (violated != NULL) found = i + 1;
  }
  plat_model_set_hooks(NULL);
  return found;
}

/* In a child, because the model ends the process when all threads wait. */
static void exit_by_kind(enum rt_end kind, const char *message) {
  (void)message;
  _exit(DIED + (int)kind);
}

static int status_of_search(uint32_t most) {
  int status = 0;
  fflush(stdout);
  pid_t pid = fork();
  assert_true(pid >= 0);
  if (pid == 0) {
    rt_set_end_handler(exit_by_kind);
    _exit(search(most) != 0);
  }
  assert_int_equal(waitpid(pid, &status, 0), pid);
  assert_true(WIFEXITED(status));
  return WEXITSTATUS(status);
}

static void variants_are_what_they_say(void **state) {
  (void)state;
  for (uint32_t p = 0; p < LITMUS_PROGRAMS; p++) {
    const struct sim_choice *variants = litmus_facts[p].variants;
    for (uint32_t v = 0; variants[v].name != NULL; v++) {
      now = (struct litmus_case){.program = (enum litmus_program)p, .variant = v};
      bool breaks = (litmus_facts[p].violating >> v & 1) != 0;
      int status = status_of_search(breaks ? MOST_BROKEN : MOST_SOUND);
      bool hangs = p == LITMUS_RWMUTEX && breaks;
      int expected = hangs ? DIED + RT_END_DEADLOCK : breaks;
      if (status != expected) print_error("%s %s\n", litmus_words[p].name, variants[v].name);
      assert_int_equal(status, expected);
    }
  }
}

/* Heaps and programs on which one barrier breaks are run with those that must not. */
static void yuasa_where_others_break(void **state) {
  static const struct { uint64_t heap, actions; } hard[] = {
      {6241305, 116069205347},   {177849632, 137927664211}, {238147662, 150396498119},
      {72369797, 289601299834},  {103818774, 175401621833}};
  struct plat_model_hooks hooks = {.choose = random_choose};
  uint32_t broken = 0;
  (void)state;
  plat_model_set_hooks(&hooks);
  for (uint32_t v = 0; litmus_yuasa_ways[v].name != NULL; v++) {
    bool breaks = (litmus_facts[LITMUS_YUASA].violating >> v & 1) != 0, any = false;
    for (uint32_t i = 0; i < sizeof hard / sizeof hard[0]; i++) {
      now = (struct litmus_case){LITMUS_YUASA, v, hard[i].heap, hard[i].actions};
      for (uint32_t n = 0; n < 1000; n++) {
        random_state = n + 1;
        run_once();
        any = any || violated != NULL;
      }
    }
    assert_true(any == breaks);
    broken += breaks;
  }
  plat_model_set_hooks(NULL);
  assert_int_equal(broken, 8);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(schedules_by_preemptions),
      cmocka_unit_test(preemptions_to_the_first_violation),
      cmocka_unit_test(variants_are_what_they_say),
      cmocka_unit_test(yuasa_where_others_break),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

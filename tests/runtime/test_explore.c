/* Exploring: a chooser decides at points of chosen classes, and every run begins at the mark. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "plat_model.h"
#include "runtime/lockrank.h"
#include "support.h"

/* ---- a search through all schedules ---------------------------------------------------------- */

enum { DEPTH_MAX = 64 };
static struct search {
  uint32_t chosen[DEPTH_MAX], width[DEPTH_MAX];
  uint32_t depth, prefix;
  uint32_t runs, ended[PLAT_MODEL_CUT_OFF + 1];
  uint64_t hash;                    /* of the last run */
  char message[PLAT_MODEL_MESSAGE_BYTES]; /* of the last failure */
  uint32_t executed[PLAT_OP_COUNT];
  void (*look)(struct search *, const struct plat_model_point *);
  uint64_t step_max;
} *search; /* not part of the world */

static uint32_t choose(const struct plat_model_point *p, void *arg) {
  struct search *s = arg;
  rt_assert(p->count >= 1 && s->depth < DEPTH_MAX);
  if (s->look != NULL) s->look(s, p);
  uint32_t at = s->depth++;
  if (at >= s->prefix) s->chosen[at] = 0;
  s->width[at] = p->count;
  return s->chosen[at];
}

static void execute(const struct plat_model_op *op, void *arg) {
  struct search *s = arg;
  s->executed[op->kind]++;
}

/* Bumps the last choice that has an alternative left; false: all schedules have been run. */
static bool next_schedule(struct search *s) {
  while (s->depth > 0 && s->chosen[s->depth - 1] + 1 >= s->width[s->depth - 1]) s->depth--;
  if (s->depth == 0) return false;
  s->chosen[s->depth - 1]++;
  s->prefix = s->depth;
  return true;
}

static int run_void(void *arg) {
  void (*body)(void) = *(void (**)(void))arg;
  body();
  return 0;
}

/* Runs every schedule of the prepared world. */
static void run_all(uint32_t classes, const uint8_t *point_sites) {
  struct plat_model_outcome out;
  struct plat_model_hooks hooks = {.choose = choose, .execute = execute, .arg = search,
                                   .classes = classes, .point_sites = point_sites,
                                   .step_max = search->step_max};
  plat_model_set_hooks(&hooks);
  search->prefix = 0;
  do {
    search->depth = 0;
    plat_model_explore(&out);
    search->runs++;
    search->ended[out.end]++;
    search->hash = out.trace_hash;
    if (out.end == PLAT_MODEL_FAILED)
      snprintf(search->message, sizeof search->message, "%s", out.message);
  } while (next_schedule(search));
  plat_model_set_hooks(NULL);
}

/* Runs every schedule of body from its mark on. */
static void explore(void (*body)(void), uint32_t classes) {
  int status;
  assert_true(plat_model_prepare(run_void, &body, &status));
  run_all(classes, NULL);
  plat_model_leave();
}

static int begin(void **state) {
  (void)state;
  plat_model_reset();
  search = calloc(1, sizeof *search);
  return search == NULL;
}

static int end(void **state) {
  (void)state;
  free(search);
  return 0;
}

/* ---- worlds ---------------------------------------------------------------------------------- */

static PLAT_STATE struct {
  struct at_u32 value, go;
  struct plat_mutex lock, other;
  struct plat_note note;
  uint32_t plain;
} w;

static void two_threads(void (*a)(void *), void (*b)(void *)) {
  struct plat_thread t[2];
  plat_mutex_init(&w.lock, RT_RANK_TEST, "lock");
  plat_mutex_init(&w.other, RT_RANK_TEST, "other");
  plat_note_init(&w.note);
  rt_assert(plat_thread_start(&t[0], "a", a, NULL) == RT_OK);
  rt_assert(plat_thread_start(&t[1], "b", b, NULL) == RT_OK);
  plat_model_mark();
  plat_thread_join(&t[0]);
  plat_thread_join(&t[1]);
}

static void increment(void *arg) {
  (void)arg;
  uint32_t v = at_u32_load_relaxed(&w.value);
  at_u32_store_relaxed(&w.value, v + 1);
}

static void increment_locked(void *arg) {
  plat_mutex_lock(&w.lock);
  increment(arg);
  plat_mutex_unlock(&w.lock);
}

static void judge_count(void) {
  if (at_u32_load_relaxed(&w.value) != 2) plat_model_fail_run(7, "an update is lost");
}

static void racy_body(void) {
  two_threads(increment, increment);
  judge_count();
}

static void locked_body(void) {
  two_threads(increment_locked, increment_locked);
  judge_count();
}

/* Two steps each: 6 interleavings, of which the 2 without overlap keep both updates. */
static void lost_updates_are_found(void **state) {
  (void)state;
  explore(racy_body, PLAT_CLASS_ALL);
  assert_int_equal(search->runs, 6);
  assert_int_equal(search->ended[PLAT_MODEL_DONE], 2);
  assert_int_equal(search->ended[PLAT_MODEL_FAILED], 4);
}

static void a_lock_keeps_them(void **state) {
  (void)state;
  explore(locked_body, PLAT_CLASS_ALL);
  assert_true(search->runs >= 2);
  assert_int_equal(search->ended[PLAT_MODEL_DONE], search->runs);
}

/* ---- the image ------------------------------------------------------------------------------- */

enum { BYTES = 1 << 16 };
static PLAT_STATE char *before, *after;

/* Writes everywhere the world may: what it finds must be as at the mark, in every run. */
static void scribble(void *arg) {
  uint32_t local = 5;
  (void)arg;
  rt_assert(w.plain == 3);
  rt_assert(before[100] == 1 && before[BYTES - 1] == 0);
  w.plain = 4;
  before[100] = before[BYTES - 1] = 2;
  increment(NULL);
  rt_assert(local == 5 && w.plain != 3);
}

static void other_memory(void *arg) {
  (void)arg;
  increment(NULL);
  after = plat_vm_reserve(BYTES, 8192);
  rt_assert(after != NULL && plat_vm_commit(after, BYTES) == RT_OK);
  for (size_t i = 0; i < BYTES; i++) rt_assert(after[i] == 0);
  memset(after, 9, BYTES);
  plat_vm_release(before + BYTES, BYTES);
  char *again = plat_vm_reserve(BYTES, 8192);
  rt_assert(again == before + BYTES && plat_vm_commit(again, BYTES) == RT_OK);
  for (size_t i = 0; i < BYTES; i++) rt_assert(again[i] == 0);
  memset(again, 8, BYTES);
}

static void image_body(void) {
  before = plat_vm_reserve(2 * BYTES, 8192);
  rt_assert(before != NULL && plat_vm_commit(before, 2 * BYTES) == RT_OK);
  before[100] = 1;
  w.plain = 3;
  two_threads(scribble, other_memory);
}

static void every_run_begins_at_the_mark(void **state) {
  (void)state;
  explore(image_body, PLAT_CLASS_ALL);
  assert_int_equal(search->runs, 6);
  assert_int_equal(search->ended[PLAT_MODEL_DONE], 6);
}

static void wild(void *arg) {
  (void)arg;
  increment(NULL);
  before = (char *)(uintptr_t)w.plain;
  *before = 1;
}

static void wild_body(void) { two_threads(wild, increment); }

static void wild_writes_are_failures(void **state) {
  (void)state;
  explore(wild_body, PLAT_CLASS_ALL);
  assert_int_equal(search->ended[PLAT_MODEL_FAILED], search->runs);
}

static uint32_t crash_kind; /* set outside the world */

/* Zero, which no compiler knows. */
static uint32_t zero(void) {
  uint32_t z = 0;
  __asm__ volatile("" : "+r"(z));
  return z;
}

/* A frame that no compiler leaves out. */
static uint32_t deeper(uint32_t depth) {
  char frame[1024];
  memset(frame, (int)depth, sizeof frame);
  __asm__ volatile("" : : "r"(frame) : "memory");
  return zero() != 0 ? 0 : deeper(depth + 1) + (uint32_t)frame[depth % sizeof frame];
}

/* The crashes are the sanitizer's business elsewhere. */
__attribute__((no_sanitize("undefined"))) static void crash(void *arg) {
  increment(arg);
  if (crash_kind == 0) *(char *)(uintptr_t)(zero() + 24) = 1;
  if (crash_kind == 1) abort();
  if (crash_kind == 2) w.plain = (zero() + 100) / zero();
  if (crash_kind == 3) __builtin_trap();
  if (crash_kind == 4) w.plain = deeper(0);
  if (crash_kind == 5) *(char *)(UINT64_C(1) << 60 | zero()) = 1;
}
static void crash_body(void) { two_threads(crash, increment); }

/* Every way to crash ends a run, which says what was done last; the next run begins at the mark. */
static void crashes_are_failures(void **state) {
  (void)state;
  static const char *const said[] = {
      "SIGSEGV in a, after at_u32_store_relaxed(&w.value) at tests/runtime/test_explore.c:",
      "SIGABRT in a", "SIGFPE in a", "SIGILL in a", "SIGSEGV in a", "SIGSEGV in a"};
  for (uint32_t kind = 0; kind < sizeof said / sizeof said[0]; kind++) {
    crash_kind = kind;
    free(search);
    search = calloc(1, sizeof *search);
    explore(crash_body, PLAT_CLASS_ALL);
    assert_true(search->runs > 1);
    assert_int_equal(search->ended[PLAT_MODEL_FAILED], search->runs);
    assert_non_null(strstr(search->message, "the program crashed: "));
    assert_non_null(strstr(search->message, said[kind]));
    if (kind == 0) assert_non_null(strstr(search->message, ": it touched address 24"));
  }
}

static void broken(void *arg) {
  increment(arg);
  rt_assert(at_u32_load_relaxed(&w.value) == 1);
}

static void broken_body(void) { two_threads(broken, increment); }

static void assertions_end_a_run_only(void **state) {
  (void)state;
  explore(broken_body, PLAT_CLASS_ALL);
  assert_true(search->ended[PLAT_MODEL_FAILED] > 0 && search->ended[PLAT_MODEL_DONE] > 0);
}

/* ---- blocking, yielding, time ---------------------------------------------------------------- */

static void lock_both(struct plat_mutex *first, struct plat_mutex *second) {
  plat_mutex_lock(first);
  plat_mutex_lock_same_rank(second);
  plat_mutex_unlock(second);
  plat_mutex_unlock(first);
}
static void forwards(void *arg) { (void)arg; lock_both(&w.lock, &w.other); }
static void backwards(void *arg) { (void)arg; lock_both(&w.other, &w.lock); }
static void embrace_body(void) { two_threads(forwards, backwards); }
static void same_order_body(void) { two_threads(forwards, forwards); }

static void deadlocks_are_found(void **state) {
  (void)state;
  explore(embrace_body, PLAT_CLASS_ALL);
  assert_true(search->ended[PLAT_MODEL_DEADLOCK] > 0 && search->ended[PLAT_MODEL_DONE] > 0);
}

static void one_order_has_none(void **state) {
  (void)state;
  explore(same_order_body, PLAT_CLASS_ALL);
  assert_int_equal(search->ended[PLAT_MODEL_DONE], search->runs);
}

static void spin(void *arg) {
  (void)arg;
  while (at_u32_load_relaxed(&w.go) == 0) plat_relax();
}
static void let_go(void *arg) { (void)arg; at_u32_store_relaxed(&w.go, 1); }
static void spin_body(void) { two_threads(spin, let_go); }
static void spin_for_ever_body(void) { two_threads(spin, spin); }

/* Spinning must not keep the other from its step: the search is finite. */
static void spinning_gives_way(void **state) {
  (void)state;
  explore(spin_body, PLAT_CLASS_ALL);
  assert_int_equal(search->ended[PLAT_MODEL_DONE], search->runs);
  assert_true(search->runs <= 4);
}

static uint32_t first(const struct plat_model_point *p, void *arg) {
  (void)p, (void)arg;
  return 0;
}

/* How a run ends that has come to 1000 steps. */
static struct plat_model_outcome run_long(void (*body)(void)) {
  struct plat_model_hooks hooks = {.choose = first, .step_max = 1000};
  struct plat_model_outcome out;
  int status;
  assert_true(plat_model_prepare(run_void, &body, &status));
  plat_model_set_hooks(&hooks);
  plat_model_explore(&out);
  plat_model_set_hooks(NULL);
  plat_model_leave();
  return out;
}

/* Each gets out of the other's way, again and again. */
static void give_in(struct at_u32 *own, struct at_u32 *other) {
  for (;;) {
    at_u32_store_relaxed(own, 1);
    if (at_u32_load_relaxed(other) == 0) return;
    at_u32_store_relaxed(own, 0);
    plat_relax();
  }
}
static PLAT_STATE struct at_u32 wishes[2];
static void give_in_0(void *arg) { (void)arg; give_in(&wishes[0], &wishes[1]); }
static void give_in_1(void *arg) { (void)arg; give_in(&wishes[1], &wishes[0]); }
static void polite_body(void) { two_threads(give_in_0, give_in_1); }

/* The clock readings differ each time, and by what has passed only. */
static void watch_clock(void *arg) {
  (void)arg;
  while (plat_now_ns() != 1 && at_u32_load_relaxed(&w.go) == 0) plat_relax();
}
static void clock_body(void) { two_threads(watch_clock, spin); }

static void polling_for_ever_is_a_livelock(void **state) {
  (void)state;
  /* AddressSanitizer's own words in the frames never come again, so there nothing can be shown. */
  bool is_plain = strcmp(SAN_NAME, "address") != 0;
  enum plat_model_end expected = is_plain ? PLAT_MODEL_LIVELOCK : PLAT_MODEL_TOO_LONG;
  struct plat_model_outcome out = run_long(spin_for_ever_body);
  assert_int_equal(out.end, expected);
  if (is_plain) assert_non_null(strstr(out.message, "plat_relax"));
  assert_int_equal(run_long(polite_body).end, expected);
  assert_int_equal(run_long(clock_body).end, expected);
}

enum { POLLS = 9000 };

/* Many times the same, but not for ever: a count tells. */
static void poll_long(void *arg) {
  (void)arg;
  for (uint32_t i = 0; i < POLLS && at_u32_load_relaxed(&w.go) == 0; i++) plat_relax();
}
static void long_body(void) { two_threads(poll_long, poll_long); }
static void endless_count(void *arg) {
  (void)arg;
  for (uint64_t i = 0; at_u32_load_relaxed(&w.go) != i + 1; i++) plat_relax();
}
static void endless_body(void) { two_threads(endless_count, endless_count); }

static void counting_is_merely_long(void **state) {
  (void)state;
  assert_int_equal(run_long(long_body).end, PLAT_MODEL_TOO_LONG);
  struct plat_model_outcome out = run_long(endless_body);
  assert_int_equal(out.end, PLAT_MODEL_TOO_LONG);
  assert_non_null(strstr(out.message, "too long: no end after "));
}

static void sleeper(void *arg) {
  uint64_t start = plat_now_ns();
  (void)arg;
  plat_sleep_ns(1000);
  rt_assert(plat_now_ns() - start >= 1000);
  increment(NULL);
}
static void waiter(void *arg) {
  (void)arg;
  increment(NULL);
  rt_assert(!plat_note_wait_until(&w.note, plat_now_ns() + 500));
}
static void time_body(void) {
  two_threads(sleeper, waiter);
  judge_count();
}

/* A deadline comes only when nothing else can go on, so nothing overtakes the first increment. */
static void deadlines_come_last(void **state) {
  (void)state;
  explore(time_body, PLAT_CLASS_ALL);
  assert_int_equal(search->ended[PLAT_MODEL_DONE], search->runs);
}

/* ---- points ---------------------------------------------------------------------------------- */

static void only_program(struct search *s, const struct plat_model_point *p) {
  (void)s;
  for (uint32_t i = 0; i < p->count; i++)
    rt_assert(plat_model_class_of(p->op[i]->site) == PLAT_CLASS_PROGRAM);
}

/* The class of every operation here is the program's, which always are points; those of other
 * classes are seen by the execute hook only. */
static void points_are_of_chosen_classes(void **state) {
  (void)state;
  search->look = only_program;
  explore(locked_body, 0);
  assert_true(search->executed[PLAT_OP_LOCK] >= 2 * search->runs);
  assert_true(search->executed[PLAT_OP_THREAD_END] > 0);
}

/* A table is what it says, also when another one lay at its place before. */
static void points_are_where_the_table_says(void **state) {
  (void)state;
  void (*body)(void) = racy_body;
  int status;
  uint8_t *sites = calloc(plat_model_site_count(), 1);
  assert_true(plat_model_prepare(run_void, &body, &status));
  run_all(PLAT_CLASS_ALL, sites);
  assert_int_equal(search->runs, 1);
  memset(sites, 1, plat_model_site_count());
  run_all(PLAT_CLASS_ALL, sites);
  assert_int_equal(search->runs, 1 + 6);
  run_all(PLAT_CLASS_ALL, NULL);
  assert_int_equal(search->runs, 1 + 6 + 6);
  memset(sites, 0, plat_model_site_count());
  run_all(PLAT_CLASS_ALL, sites);
  assert_int_equal(search->runs, 1 + 6 + 6 + 1);
  plat_model_leave();
  free(sites);
}

static void a_schedule_has_one_trace(void **state) {
  uint64_t hash;
  (void)state;
  explore(racy_body, PLAT_CLASS_ALL);
  hash = search->hash;
  free(search);
  search = calloc(1, sizeof *search);
  explore(racy_body, PLAT_CLASS_ALL);
  assert_true(hash == search->hash && hash != 0);
}

/* ---- moments --------------------------------------------------------------------------------- */

static uint32_t second_thread(const struct plat_model_point *p, void *arg) {
  uint32_t *asked = arg;
  (*asked)++;
  return p->number % 2 == 0 ? 0 : p->count - 1;
}

/* The same choices from a moment on and from the mark on are the same run. */
static void a_run_from_a_moment_is_the_whole_run(void **state) {
  void (*body)(void) = image_body;
  struct plat_model_outcome whole, keeping, rest;
  uint32_t asked = 0, asked_rest = 0;
  struct plat_model_hooks hooks = {.choose = second_thread, .arg = &asked, .every_point = true};
  int status;
  (void)state;
  assert_true(plat_model_prepare(run_void, &body, &status));
  plat_model_set_hooks(&hooks);
  plat_model_explore(&whole);
  hooks.keep_at = 2;
  hooks.keep_in = 3;
  assert_false(plat_model_has_kept(3));
  plat_model_set_hooks(&hooks);
  plat_model_explore(&keeping);
  assert_true(plat_model_has_kept(3) && !plat_model_has_kept(0));
  hooks = (struct plat_model_hooks){.choose = second_thread, .arg = &asked_rest,
                                    .every_point = true, .from = 4};
  plat_model_set_hooks(&hooks);
  for (int i = 0; i < 3; i++) plat_model_explore(&rest);
  plat_model_set_hooks(NULL);
  plat_model_leave();
  assert_int_equal(asked, 2 * whole.points);
  assert_int_equal(asked_rest, 3 * (whole.points - 2));
  assert_int_equal(rest.begun_points, 2);
  assert_int_equal(rest.end, PLAT_MODEL_DONE);
  assert_true(rest.points == whole.points && rest.steps == whole.steps);
  assert_true(rest.trace_hash == whole.trace_hash && keeping.trace_hash == whole.trace_hash);
}

static void nothing_body(void) {}

static void a_world_without_a_mark_just_runs(void **state) {
  void (*body)(void) = nothing_body;
  int status = 5;
  (void)state;
  assert_false(plat_model_prepare(run_void, &body, &status));
  assert_int_equal(status, 0);
}

/* ---- hangs ----------------------------------------------------------------------------------- */

static void open_and_shut(void *arg) {
  (void)arg;
  at_u32_store_seq(&w.go, 1);
  at_u32_store_seq(&w.go, 0);
}

/* Waits for what is no operation: nobody else ever runs. */
static void hang(void *arg) {
  const volatile uint32_t *plain = (const volatile uint32_t *)&w.go;
  (void)arg;
  if (at_u32_load_seq(&w.go) == 0) return;
  while (*plain != 0) {
  }
}

static void hanging_body(void) { two_threads(open_and_shut, hang); }

/* The same before its mark. */
static void hanging_early_body(void) {
  const volatile uint32_t *plain = (const volatile uint32_t *)&w.value;
  at_u32_store_seq(&w.value, 1);
  while (*plain != 0) {
  }
  plat_model_mark();
}

/* Long, but it goes on. */
static void look_often(void *arg) {
  (void)arg;
  for (int i = 0; i < 1000000; i++) at_u32_load_seq(&w.value);
}

static void busy_body(void) { two_threads(look_often, look_often); }

enum { HUNG = 7, HUNG_EARLY };

_Noreturn static void tell_stuck(const struct plat_model_stuck *what, void *arg) {
  bool is_run = strcmp(what->thread, "b") == 0 &&
                strcmp(what->site->what, "at_u32_load_seq(&w.go)") == 0;
  bool is_before = strcmp(what->thread, "main") == 0 &&
                   strcmp(what->site->what, "at_u32_store_seq(&w.value)") == 0;
  bool is_right = (is_run || is_before) && what->cpu_ns == *(uint64_t *)arg;
  _exit(!is_right ? 1 : is_run ? HUNG : HUNG_EARLY);
}

/* The exit status of a process that runs all schedules, watched for so long. sites: where there are
 * points; NULL: everywhere. */
static int watched(void (*body)(void), const uint8_t *sites, uint64_t cpu_ns) {
  int status = 0;
  plat_model_watch(cpu_ns, tell_stuck, &cpu_ns);
  pid_t pid = fork();
  if (pid == 0) {
    plat_model_watch_child();
    alarm(60);
    rt_assert(plat_model_prepare(run_void, &body, &status));
    search->step_max = 10000000;
    run_all(0, sites);
    plat_model_leave();
    _exit(0);
  }
  plat_model_watch(0, NULL, NULL);
  assert_true(pid > 0 && waitpid(pid, &status, 0) == pid);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void a_hang_is_told(void **state) {
  (void)state;
  assert_int_equal(watched(hanging_body, NULL, 50000000), HUNG);
}

static void a_hang_before_the_mark_is_told(void **state) {
  (void)state;
  assert_int_equal(watched(hanging_early_body, NULL, 50000000), HUNG_EARLY);
}

static void what_goes_on_is_no_hang(void **state) {
  uint8_t *nowhere = calloc(plat_model_site_count(), 1);
  (void)state;
  assert_int_equal(watched(busy_body, nowhere, 1000000), 0);
  free(nowhere);
}

#define EXPLORES(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void) {
  const struct CMUnitTest tests[] = {
      EXPLORES(lost_updates_are_found),
      EXPLORES(a_lock_keeps_them),
      EXPLORES(every_run_begins_at_the_mark),
      EXPLORES(wild_writes_are_failures),
      EXPLORES(crashes_are_failures),
      EXPLORES(assertions_end_a_run_only),
      EXPLORES(deadlocks_are_found),
      EXPLORES(one_order_has_none),
      EXPLORES(spinning_gives_way),
      EXPLORES(polling_for_ever_is_a_livelock),
      EXPLORES(counting_is_merely_long),
      EXPLORES(deadlines_come_last),
      EXPLORES(points_are_of_chosen_classes),
      EXPLORES(points_are_where_the_table_says),
      EXPLORES(a_schedule_has_one_trace),
      EXPLORES(a_run_from_a_moment_is_the_whole_run),
      EXPLORES(a_world_without_a_mark_just_runs),
      EXPLORES(a_hang_is_told),
      EXPLORES(a_hang_before_the_mark_is_told),
      EXPLORES(what_goes_on_is_no_hang),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

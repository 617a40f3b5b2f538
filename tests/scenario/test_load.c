/* The loader as a whole: values that arrive, defaults, many errors at once, limits, files, and the
 * resolved document, which loads again to the same scenario. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gc/faults.h"
#include "sims/jsonpos.h"
#include "sims/memory.h"
#include "sims/scenario.h"
#include "sims/scenario_int.h"
#include "tests/support/test.h"

#define MINIMAL "{\"name\":\"x\",\"goroutines\":[{\"body\":[{\"op\":\"gc\"}]}]}"

static struct scenario *load(const char *text, struct sc_errors *errors) {
  return scenario_load("t.json", text, strlen(text), NULL, 0, errors);
}

/* A text that must load. */
static struct scenario *load_ok(const char *text) {
  struct sc_errors errors;
  struct scenario *s = load(text, &errors);
  for (uint32_t i = 0; i < errors.count; i++) print_error("%s\n", errors.list[i].message);
  assert_non_null(s);
  assert_int_equal(errors.count, 0);
  sc_errors_free(&errors);
  return s;
}

static void assert_error(const struct sc_errors *errors, uint32_t index, const char *wanted) {
  assert_true(index < errors->count);
  char *text = sc_error_format(&errors->list[index]);
  if (strncmp(text, wanted, strlen(wanted)) != 0) print_error("found %s\n", text);
  assert_true(strncmp(text, wanted, strlen(wanted)) == 0);
  free(text);
}

static void defaults(void **state) {
  struct scenario *s = load_ok(MINIMAL);
  (void)state;
  assert_string_equal(s->name, "x");
  assert_string_equal(s->description, "");
  assert_string_equal(s->job, "compare");
  assert_true(s->seed == 1 && s->procs == 2 && s->memory_cap_bytes == 0);
  assert_true(s->deadline_ns == 300000000000 && !s->check && s->stack_bytes == 256 << 10);
  assert_true(s->gogc == 100 && s->memory_limit_bytes == INT64_MAX && s->wb_entries == 256);
  assert_string_equal(s->barrier, "hybrid");
  assert_string_equal(s->pacer, "go1.19");
  assert_true(s->assist && s->globals_bytes == 0 && s->boehm_markers == 0);
  assert_true(!s->boehm_incremental && s->map_count == 0 && s->setup_count == 0);
  assert_true(s->group_count == 1 && s->groups[0].count == 1 && s->groups[0].ops == 1);
  assert_string_equal(s->groups[0].name, "group-1");
  assert_true(s->groups[0].body[0].kind == SC_OP_GC && s->groups[0].body[0].count == 1);
  assert_true(s->groups[0].body[0].target == UINT32_MAX || s->groups[0].body[0].target == 0);
  assert_string_equal(s->expect_violation, "");
  assert_string_equal(s->strategy, "hunt");
  assert_true(s->explore_preemptions == 2 && s->explore_depth == 0 && s->explore_jobs == 1);
  assert_true(s->explore_schedules == UINT64_MAX && s->explore_time_ns == 10000000000);
  assert_true(s->explore_points == (SC_POINTS_BARRIER | SC_POINTS_MARKER | SC_POINTS_MAP));
  scenario_free(s);
}

static void explore_values(void **state) {
  struct scenario *s = load_ok(
      "{\"name\":\"v\",\"job\":\"explore\",\"explore\":{\"strategy\":\"pct\",\"depth\":3,"
      "\"time_ns\":\"none\",\"schedules\":7,\"points\":[\"scheduler\",\"barrier\"]},"
      "\"goroutines\":[{\"body\":[{\"op\":\"gc\"}]}]}");
  (void)state;
  assert_string_equal(s->job, "explore");
  assert_string_equal(s->strategy, "pct");
  assert_true(s->explore_depth == 3 && s->explore_schedules == 7);
  assert_true(s->explore_time_ns == UINT64_MAX);
  assert_true(s->explore_points == (SC_POINTS_BARRIER | SC_POINTS_SCHEDULER));
  assert_non_null(strstr(s->resolved_json, "\"points\":[\"barrier\",\"scheduler\"]"));
  assert_non_null(strstr(s->resolved_json, "\"time_ns\":\"none\""));
  scenario_free(s);
}

/* What the engine gets of a litmus program holds how it is to be explored. */
static void explore_values_of_litmus(void **state) {
  (void)state;
  struct scenario *s = load_ok("{\"name\":\"x\",\"litmus\":{\"program\":\"litmus-1\",\"variant\":"
                               "\"none\"},\"explore\":{\"strategy\":\"pct\",\"schedules\":7}}");
  struct scenario *again = load_ok(s->resolved_json);
  assert_string_equal(again->strategy, "pct");
  assert_int_equal(again->explore_schedules, 7);
  assert_string_equal(again->resolved_json, s->resolved_json);
  scenario_free(again);
  scenario_free(s);
}

static void values(void **state) {
  struct scenario *s = load_ok(
      "{\"name\":\"v\",\"seed\":18446744073709551615,\n"
      "\"runtime\":{\"procs\":8,\"memory_cap_bytes\":\"1GiB\",\"deadline_ns\":\"2.5ms\"},\n"
      "\"gc\":{\"gogc\":\"off\",\"memory_limit_bytes\":5,\"barrier\":{\"buffer_entries\":0}},\n"
      "\"maps\":{\"a\":{},\"b\":{\"key\":\"string\",\"value\":\"large\",\"hint\":1e3}},\n"
      "\"lists\":{\"q\":{}},\"mutexes\":[\"k\"],\"channels\":{\"c\":{\"capacity\":3}},\n"
      "\"setup\":[{\"op\":\"list.push\",\"list\":\"q\",\"count\":7},\n"
      "  {\"op\":\"tree.build\",\"depth\":3,\"order\":\"bottom-up\",\"node_bytes\":48}],\n"
      "\"goroutines\":[{\"name\":\"g\",\"count\":2,\"body\":[\n"
      "  {\"op\":\"loop\",\"count\":10,\"body\":[{\"op\":\"lock\",\"mutex\":\"k\",\"count\":3,"
      "\"body\":[{\"op\":\"map.put\",\"map\":\"b\",\"count\":5,\"keys\":{\"dist\":\"zipf\","
      "\"per_goroutine\":100,\"theta\":1.5}}]}]}]},\n"
      "  {\"body\":[{\"op\":\"loop\",\"duration_ns\":\"1s\",\"body\":[{\"op\":\"compute\","
      "\"ns\":\"0.5us\",\"safepoints\":false}]}]}]}");
  (void)state;
  assert_true(s->seed == UINT64_MAX && s->procs == 8 && s->memory_cap_bytes == 1 << 30);
  assert_true(s->deadline_ns == 2500000 && s->gogc == -1 && s->memory_limit_bytes == 5);
  assert_true(s->wb_entries == 0 && s->map_count == 2);
  assert_true(s->maps[0].value_bytes == 8 && s->maps[0].key_bytes == 0);
  assert_true(s->maps[1].value_bytes == 256 && s->maps[1].key_bytes == 12 &&
              s->maps[1].hint == 1000);
  assert_string_equal(s->maps[1].name, "b");
  assert_true(s->setup_ops == 8 && s->setup[0].line == 6 && s->setup[0].target == 0);
  assert_true(s->setup[1].bytes == 48 && s->setup[1].bottom_up && s->setup[1].target == UINT32_MAX);
  assert_true(s->groups[0].ops == 150 && s->groups[1].ops == SC_OPS_UNKNOWN);
  assert_string_equal(s->groups[1].name, "group-2");
  const struct sc_op *put = &s->groups[0].body[0].body[0].body[0];
  assert_true(put->keys.space == 5 && put->keys.theta > 1.49 && put->keys.per_goroutine == 100);
  const struct sc_op *loop = &s->groups[1].body[0];
  assert_true(loop->count == 0 && loop->duration_ns == 1000000000);
  assert_true(loop->body[0].ns == 500 && !loop->body[0].safepoints && loop->body[0].count == 1);
  scenario_free(s);
}

static uint32_t key_of(const char *text) {
  struct scenario *s = load_ok(text);
  uint32_t key = scenario_key(s);
  scenario_free(s);
  return key;
}

#define KEYED(name, more) \
  "{\"name\":\"" name "\"," more "\"goroutines\":[{\"body\":[{\"op\":\"gc\"}]}]}"

static void keys(void **state) {
  uint32_t key = key_of(KEYED("a", ""));
  (void)state;
  assert_int_equal(key, key_of(KEYED("b", "\"description\":\"x\",\"job\":\"explore\",")));
  assert_int_equal(key, key_of(KEYED("a", "\"expect_violation\":\"lost\",")));
  assert_int_equal(key, key_of(KEYED("a", "\"explore\":{\"strategy\":\"pct\",\"jobs\":2},")));
  assert_int_not_equal(key, key_of(KEYED("a", "\"explore\":{\"points\":[\"map\"]},")));
  assert_int_not_equal(key, key_of(KEYED("a", "\"seed\":2,")));
  assert_int_not_equal(key, key_of(KEYED("a", "\"gc\":{\"gogc\":50},")));
}

static void all_errors_at_once(void **state) {
  struct sc_errors errors;
  (void)state;
  assert_null(
      load("{\n"
           "  \"goroutines\": [{\"body\": [{\"op\": \"sleep\"}, {\"op\": \"gc\", \"map\": 1}]}],\n"
           "  \"seed\": 0x1,\n"
           "  \"name\": \"\xc3\xa9\", \"seed\": -2, \"gc\": {\"gogc\": 1.5},\n"
           "  \"runtime\": {\"prox\": 1, \"procs\": 0},\n"
           "}",
           &errors));
  assert_int_equal(errors.count, 9);
  assert_error(&errors, 0, "t.json:2:28: /goroutines/0/body/0: missing key \"ns\": How long.");
  assert_error(&errors, 1, "t.json:2:58: /goroutines/0/body/1/map: \"map\" does not apply");
  assert_error(&errors, 2, "t.json:3:11: /seed: found 0x1: hexadecimal numbers");
  assert_error(&errors, 3, "t.json:4:11: /name: found the string \"\xc3\xa9\", allowed: a name");
  assert_error(&errors, 4, "t.json:4:16: /seed: duplicate key \"seed\", first at 3:3");
  assert_error(&errors, 5, "t.json:4:43: /gc/gogc: found 1.5, allowed: integer 0..100000");
  assert_error(&errors, 6, "t.json:5:15: /runtime/prox: unknown key \"prox\" (did you mean");
  assert_error(&errors, 7, "t.json:5:35: /runtime/procs: found 0, allowed: integer 1..1024");
  assert_error(&errors, 8, "t.json:5:37: found ',' before '}'");
  assert_int_equal(errors.dropped, 0);
  sc_errors_free(&errors);
}

static void cap_on_errors(void **state) {
  struct sc_errors errors;
  char *text = sim_alloc(100000), *at = text;
  (void)state;
  at += sprintf(at, "{\"name\":\"x\",\"goroutines\":[{\"body\":[{\"op\":\"gc\"}]}]");
  for (int i = 0; i < 1000; i++) at += sprintf(at, ",\"key%d\":1", i);
  strcpy(at, "}");
  assert_null(load(text, &errors));
  assert_int_equal(errors.count, 50);
  assert_int_equal(errors.dropped, 950);
  sc_errors_free(&errors);
  free(text);
}

/* What a terminal would act on does not get there; what was cut is still UTF-8. */
static void printable(void **state) {
  struct sc_errors errors;
  (void)state;
  assert_null(load(
      "{\"name\":\"x\",\"\\u001b[31m\":1,\"goroutines\":[{\"body\":[{\"op\":\"gc\"}]}]}", &errors));
  assert_error(&errors, 0, "t.json:1:13: /?[31m: unknown key \"?[31m\"");
  sc_errors_free(&errors);
  char *text = sim_printf("{\"%063d\xc3\xa9\":1}", 0);
  assert_null(load(text, &errors));
  free(text);
  text = sc_error_format(&errors.list[2]);
  assert_non_null(strstr(text, "0?\", allowed in a scenario"));
  free(text);
  sc_errors_free(&errors);
}

/* depth arrays around nothing. */
static char *nested(uint32_t depth) {
  char *text = sim_alloc(2 * depth + 32);
  strcpy(text, "{\"setup\":");
  memset(text + 9, '[', depth);
  memset(text + 9 + depth, ']', depth);
  text[9 + 2 * depth] = '}';
  return text;
}

static void limits(void **state) {
  struct sc_errors errors;
  (void)state;
  char *text = nested(63);
  assert_null(load(text, &errors));
  assert_null(strstr(errors.list[0].message, "nested"));
  sc_errors_free(&errors);
  free(text);
  text = nested(64);
  assert_null(load(text, &errors));
  assert_int_equal(errors.count, 1);
  assert_string_equal(errors.list[0].message, "nested too deep, allowed: 64 levels");
  assert_true(errors.list[0].line == 1 && errors.list[0].column == 10 + 63);
  sc_errors_free(&errors);
  free(text);
  text = sim_alloc(SC_FILE_MAX_BYTES + 2);
  memset(text, '[', SC_FILE_MAX_BYTES + 1);
  assert_null(scenario_load("t", text, SC_FILE_MAX_BYTES, NULL, 0, &errors));
  assert_string_equal(errors.list[0].message, "nested too deep, allowed: 64 levels");
  sc_errors_free(&errors);
  assert_null(scenario_load("t", text, SC_FILE_MAX_BYTES + 1, NULL, 0, &errors));
  assert_error(&errors, 0, "t: found more than 4194304 bytes");
  sc_errors_free(&errors);
  for (size_t i = 1; i < SC_FILE_MAX_BYTES; i += 2) memcpy(text + i, "0,", 2);
  assert_null(scenario_load("t", text, SC_FILE_MAX_BYTES, NULL, 0, &errors));
  assert_error(&errors, 0, "t:1:524288: more than 262144 values");
  sc_errors_free(&errors);
  free(text);
}

static void bodies_nest(void **state) {
  struct sc_errors errors;
  (void)state;
  for (uint32_t depth = SC_NEST_MAX; depth <= SC_NEST_MAX + 1; depth++) {
    char *text = sim_strdup("{\"op\":\"gc\"}");
    for (uint32_t i = 0; i < depth; i++) {
      char *outer = sim_printf("{\"op\":\"loop\",\"count\":2,\"body\":[%s]}", text);
      free(text);
      text = outer;
    }
    char *whole = sim_printf("{\"name\":\"x\",\"goroutines\":[{\"body\":[%s]}]}", text);
    struct scenario *s = load(whole, &errors);
    assert_int_equal(s != NULL, depth == SC_NEST_MAX);
    if (s != NULL) assert_true(s->groups[0].ops == 1 << SC_NEST_MAX);
    if (s == NULL) assert_non_null(strstr(errors.list[0].message, "nested too deep, allowed: 16"));
    scenario_free(s);
    sc_errors_free(&errors);
    free(whole);
    free(text);
  }
}

/* Names refer to much, and none of it is there: the search for the meant name must not explode. */
static void many_wrong_names(void **state) {
  struct sc_errors errors;
  char *text = sim_alloc(3 << 20), *at = text;
  (void)state;
  at += sprintf(at, "{\"name\":\"x\",\"goroutines\":[{\"body\":[{\"op\":\"gc\"}]}],\"lists\":{");
  for (int i = 0; i < 1024; i++)
    at += sprintf(at, "%s\"list_with_a_rather_long_name_%d\":{}", i == 0 ? "" : ",", i);
  at += sprintf(at, "},\"setup\":[");
  for (int i = 0; i < 40000; i++)
    at += sprintf(at, "%s{\"op\":\"list.push\",\"list\":\"list_with_a_rathr_long_name_%d\"}",
                  i == 0 ? "" : ",", i);
  strcpy(at, "]}");
  assert_null(load(text, &errors));
  assert_int_equal(errors.count, 50);
  assert_int_equal(errors.dropped, 40000 - 50);
  sc_errors_free(&errors);
  free(text);
}

/* ---- files -------------------------------------------------------------------------------- */

static void assert_file_error(const char *path, const char *wanted) {
  struct sc_errors errors;
  assert_null(scenario_load_file(path, NULL, 0, &errors));
  assert_int_equal(errors.count, 1);
  char *text = sim_printf("%s%s", path, wanted);
  assert_error(&errors, 0, text);
  free(text);
  sc_errors_free(&errors);
}

static void write_file(const char *path, const char *text, size_t bytes) {
  FILE *file = fopen(path, "wb");
  assert_non_null(file);
  assert_int_equal(fwrite(text, 1, bytes, file), bytes);
  assert_int_equal(fclose(file), 0);
}

static void files(void **state) {
  char folder[] = "/tmp/tricolor-test-XXXXXX";
  (void)state;
  assert_non_null(mkdtemp(folder));
  char *path = sim_printf("%s/s.json", folder);
  assert_file_error(path, ": cannot be opened: No such file or directory");
  assert_file_error(folder, ": found a directory");
  assert_file_error("/dev/null", ":1:1: found an empty text");
  assert_file_error("/dev/zero", ": found more than 4194304 bytes");
  write_file(path, "", 0);
  assert_file_error(path, ":1:1: found an empty text, allowed: a JSON object");
  write_file(path,
             "\x7f"
             "ELF\0\1",
             6);
  assert_file_error(path, ":1:1: found byte 0x7f, allowed: a value");
  write_file(path, "{\0}", 3);
  assert_file_error(path, ":1:2: found a NUL byte (is this a binary file?)");
  write_file(path, "\n{\"a\0\":1}", 9);
  struct sc_errors errors;
  assert_null(scenario_load_file(path, NULL, 0, &errors));
  assert_non_null(strstr(errors.list[2].message, "found a NUL byte in a string"));
  sc_errors_free(&errors);
  assert_int_equal(truncate(path, SC_FILE_MAX_BYTES + 1), 0);
  assert_file_error(path, ": found 4194305 bytes, allowed: at most 4194304");
  write_file(path, MINIMAL, strlen(MINIMAL));
  struct scenario *s = scenario_load_file(path, NULL, 0, &errors);
  assert_non_null(s);
  scenario_free(s);
  assert_int_equal(unlink(path), 0);
  assert_int_equal(rmdir(folder), 0);
  free(path);
}

/* ---- the resolved document ---------------------------------------------------------------- */

/* Loads a resolved document, which must resolve to itself. */
static void assert_round_trip(const struct scenario *s) {
  struct scenario *again = load_ok(s->resolved_json);
  assert_string_equal(again->resolved_json, s->resolved_json);
  assert_true(again->seed == s->seed && again->setup_ops == s->setup_ops);
  assert_true(again->gogc == s->gogc && again->memory_limit_bytes == s->memory_limit_bytes);
  assert_int_equal(again->group_count, s->group_count);
  for (uint32_t i = 0; i < s->group_count; i++)
    assert_true(again->groups[i].ops == s->groups[i].ops);
  scenario_free(again);
}

static void round_trips(void **state) {
  static const char *const names[] = {
      "churn-64mib",     "gcbench",        "map-growth",    "map-pointer-values", "map-prealloc",
      "map-string-keys", "tight-loop-stw", "tiny-channels", "tiny-churn",         "tiny-map"};
  (void)state;
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
    struct sc_errors errors;
    char *path = sim_printf("%s/%s.json", TEST_CONFIGS, names[i]);
    struct scenario *s = scenario_load_file(path, NULL, 0, &errors);
    assert_non_null(s);
    assert_string_equal(s->name, names[i]);
    assert_true(strlen(s->description) > 40);
    assert_round_trip(s);
    scenario_free(s);
    free(path);
  }
}

static void resolved_text(void **state) {
  struct scenario *s = load_ok(
      "{\"name\":\"x\",\"seed\":18446744073709551615,\"gc\":{\"gogc\":\"off\"},"
      "\"maps\":{\"m\":{}},\"expect\":[{\"metric\":\"a\",\"min\":0.1}],"
      "\"goroutines\":[{\"body\":[{\"op\":\"map.get\",\"map\":\"m\",\"keys\":{\"dist\":\"zipf\"}}]}"
      "]}");
  (void)state;
  assert_round_trip(s);
  static const char *const parts[] = {
      "\"seed\":18446744073709551615,",
      "\"gogc\":\"off\"",
      "\"memory_limit_bytes\":\"none\"",
      "\"expect\":[{\"metric\":\"a\",\"min\":0.1}]",
      "\"memory_cap_bytes\":\"none\"",
      ("\"maps\":{\"m\":{\"kind\":\"go\",\"key\":\"u64\",\"value\":\"inline\",\"value_bytes\":8,"
       "\"hint\":0,\"hash_key\":\"random\",\"hash0\":\"random\",\"allow_races\":false,"
       "\"faults\":[]}}"),
      ("{\"op\":\"map.get\",\"map\":\"m\",\"count\":1,\"keys\":{\"dist\":\"zipf\",\"start\":0,"
       "\"per_goroutine\":0,\"space\":1,\"theta\":0.99}}"),
  };
  for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
    if (strstr(s->resolved_json, parts[i]) == NULL) print_error("%s\n", s->resolved_json);
    assert_non_null(strstr(s->resolved_json, parts[i]));
  }
  scenario_free(s);
}

/* ---- objects and choices ------------------------------------------------------------------ */

#define LITMUS                                                                                    \
  "{\"name\":\"x\",\"seed\":7,\"expect_violation\":\"v\",\"gc\":{\"faults\":[\"no-recheck\","     \
  "\"barrier-none\"]},\"objects\":{\"A\":{\"pointers\":2,\"links\":{\"1\":\"B\"},\"root\":true}," \
  "\"B\":{\"pointers\":0}},\"choose\":[{\"set\":\"seed\",\"values\":[3,18446744073709551615]},"   \
  "{\"set\":\"objects.A.links.0\",\"values\":[null,\"B\"]}],\"goroutines\":[{\"name\":\"g\","     \
  "\"registers\":{\"r2\":\"B\"},\"body\":[{\"op\":\"object.load\",\"from\":\"A\",\"field\":1,"    \
  "\"to\":\"r7\"},{\"op\":\"object.store\",\"into\":\"r7\",\"value\":null},"                      \
  "{\"op\":\"object.put\",\"root\":\"A\",\"value\":\"r2\"},{\"op\":\"object.new\",\"to\":\"r0\"," \
  "\"pointers\":3},{\"op\":\"object.move\",\"from\":\"r0\",\"to\":\"r1\"},"                       \
  "{\"op\":\"object.drop\",\"register\":\"r1\"}]}]}"

static void objects(void **state) {
  struct scenario *s = load_ok(LITMUS);
  (void)state;
  assert_round_trip(s);
  assert_true(s->object_count == 2 && s->objects[0].pointers == 2 && s->objects[0].root);
  assert_true(s->objects[0].links[0] == SC_NIL && s->objects[0].links[1] == 1);
  assert_true(s->groups[0].registers[2] == 1 && s->groups[0].registers[0] == SC_NIL);
  const struct sc_op *ops = s->groups[0].body;
  assert_true(ops[0].holder == SC_REGISTERS && ops[0].field == 1 && ops[0].to == 7);
  assert_true(ops[1].holder == 7 && ops[1].field == 0 && ops[1].value == SC_NIL);
  assert_true(ops[2].target == 0 && ops[2].value == 2 && ops[3].pointers == 3);
  assert_true(ops[4].from == 0 && ops[4].to == 1 && ops[5].from == 1 && s->groups[0].ops == 6);
  assert_true(s->gc_faults == (UINT64_C(1) << GC_FAULT_NO_RECHECK | 1 << GC_FAULT_BARRIER_NONE));
  scenario_free(s);
}

/* A run takes the first value of each choice; an override leaves one. */
static void choices(void **state) {
  struct sc_errors errors;
  const struct sc_override fixed[] = {{"seed", "9"}, {"objects.A.links.0", "B"}};
  struct scenario *s = load_ok(LITMUS);
  (void)state;
  assert_true(s->seed == 3 && s->choose_count == 2 && s->chooses[0].value_count == 2);
  assert_string_equal(s->chooses[0].values[1], "18446744073709551615");
  assert_string_equal(s->chooses[1].set, "objects.A.links.0");
  assert_string_equal(s->chooses[1].values[0], "null");
  scenario_free(s);
  s = scenario_load("t.json", LITMUS, strlen(LITMUS), fixed, 2, &errors);
  assert_non_null(s);
  assert_true(s->seed == 9 && s->objects[0].links[0] == 1);
  assert_true(s->chooses[0].value_count == 1 && s->chooses[1].value_count == 1);
  assert_string_equal(s->chooses[1].values[0], "\"B\"");
  assert_round_trip(s);
  scenario_free(s);
}

static void wrong_choices(void **state) {
  struct sc_errors errors;
  const struct sc_override links = {"objects.A.links.0", "C"}, grid = {
    "choose", "[{\"set\":\"seed\",\"values\":[1,\"x\"]}]"};
  (void)state;
  assert_null(scenario_load("t.json", LITMUS, strlen(LITMUS), &links, 1, &errors));
  assert_error(&errors, 0, "--set objects.A.links.0=C: /objects/A/links/0: with "
                           "objects.A.links.0 = \"C\": found the string \"C\", but there");
  sc_errors_free(&errors);
  assert_null(scenario_load("t.json", LITMUS, strlen(LITMUS), &grid, 1, &errors));
  assert_error(&errors, 0, "--set choose=[{\"set\":\"seed\",\"values\":[1,\"x\"]}]: "
                           "/choose/0/values/1: with seed = \"x\": /seed: found the string");
  sc_errors_free(&errors);
}

/* ---- overrides ---------------------------------------------------------------------------- */

#define BASE                                                                          \
  "{\"name\":\"x\",\"seed\":1,\"gc\":{\"gogc\":50},\"maps\":{\"m\":{\"hint\":3}},"    \
  "\"goroutines\":[{\"name\":\"writer\",\"body\":[{\"op\":\"map.put\",\"map\":\"m\"," \
  "\"count\":5}]},{\"name\":\"idler\",\"body\":[{\"op\":\"yield\"}]}]}"

static struct scenario *load_set(const char *path, const char *value, struct sc_errors *errors) {
  struct sc_override override = {path, value};
  return scenario_load("t.json", BASE, strlen(BASE), &override, 1, errors);
}

static struct scenario *set_ok(const char *path, const char *value) {
  struct sc_errors errors;
  struct scenario *s = load_set(path, value, &errors);
  for (uint32_t i = 0; i < errors.count; i++) print_error("%s\n", errors.list[i].message);
  assert_non_null(s);
  assert_round_trip(s);
  return s;
}

static void set_wrong(const char *path, const char *value, const char *wanted) {
  struct sc_errors errors;
  assert_null(load_set(path, value, &errors));
  assert_error(&errors, 0, wanted);
  assert_int_equal(errors.count, 1);
  sc_errors_free(&errors);
}

static void overrides(void **state) {
  struct scenario *s = set_ok("gc.gogc", "off");
  (void)state;
  assert_int_equal(s->gogc, -1);
  scenario_free(s);
  s = set_ok("seed", "18446744073709551615");
  assert_true(s->seed == UINT64_MAX);
  scenario_free(s);
  s = set_ok("runtime.memory_cap_bytes", "64MiB");
  assert_true(s->memory_cap_bytes == 64 << 20);
  scenario_free(s);
  s = set_ok("gc.barrier.buffer_entries", " 0 ");
  assert_true(s->wb_entries == 0 && s->gogc == 50);
  scenario_free(s);
  s = set_ok("maps.m.hint", "1e6");
  assert_true(s->maps[0].hint == 1000000);
  scenario_free(s);
  s = set_ok("goroutines.0.body.0.count", "7");
  assert_true(s->groups[0].body[0].count == 7 && s->groups[0].body[0].line == 1);
  scenario_free(s);
  s = set_ok("goroutines.writer.body.0.keys.start", "9");
  assert_true(s->groups[0].body[0].keys.start == 9);
  scenario_free(s);
  s = set_ok("goroutines.1.body", "[{\"op\":\"sleep\",\"ns\":\"3us\"},{\"op\":\"gc\"}]");
  assert_true(s->groups[1].body_count == 2 && s->groups[1].body[0].ns == 3000);
  assert_int_equal(s->groups[1].body[0].line, 0);
  scenario_free(s);
  s = set_ok("description", "two words \"quoted\" \xc3\xa9");
  assert_string_equal(s->description, "two words \"quoted\" \xc3\xa9");
  scenario_free(s);
  s = set_ok("description", "");
  assert_string_equal(s->description, "");
  scenario_free(s);
  s = set_ok("maps", "{\"m\":{\"key\":\"u32\"},\"n\":{}}");
  assert_true(s->map_count == 2 && s->maps[0].key == SC_KEY_U32);
  scenario_free(s);
}

static void overrides_in_order(void **state) {
  static const struct sc_override list[] = {
      {"gc.gogc", "10"},
      {"gc", "{\"assist\":false}"},
      {"gc.gogc", "20"},
      {"gc.gogc", "30"},
  };
  struct sc_errors errors;
  struct scenario *s = scenario_load("t.json", BASE, strlen(BASE), list, 4, &errors);
  (void)state;
  assert_non_null(s);
  assert_true(s->gogc == 30 && !s->assist);
  scenario_free(s);
}

static void wrong_overrides(void **state) {
  (void)state;
  set_wrong("gc.gogcc", "5", "--set gc.gogcc=5: /gc/gogcc: unknown key \"gogcc\" (did you mean");
  set_wrong("gcc.gogc", "5", "--set gcc.gogc=5: /gcc: unknown key \"gcc\" (did you mean \"gc\"?)");
  set_wrong("gc.gogc", "x", "--set gc.gogc=x: /gc/gogc: found the string \"x\", allowed: integer");
  set_wrong("gc.gogc", "010", "--set gc.gogc=010: /gc/gogc: found the string \"010\"");
  set_wrong("gc.gogc", "100001", "--set gc.gogc=100001: /gc/gogc: found 100001, allowed: integer");
  set_wrong("gc.gogc", "null", "--set gc.gogc=null: /gc/gogc: found null");
  set_wrong("gc.gogc.x", "1", "--set gc.gogc.x=1: \"x\" is a step into a value that has no parts");
  set_wrong("maps.n.hint", "5",
            "--set maps.n.hint=5: there is no \"n\" in maps (did you mean \"m\"?)");
  set_wrong("lists.q", "{}", "--set lists.q={}: there is no \"q\" in lists");
  set_wrong("goroutines.2.count", "5",
            "--set goroutines.2.count=5: found element 2, allowed in an array of 2: 0..1");
  set_wrong(
      "goroutines.writter.count", "5",
      "--set goroutines.writter.count=5: found \"writter\" in an array, allowed: a number (did "
      "you mean \"writer\"?)");
  set_wrong("goroutines.-1.count", "5", "--set goroutines.-1.count=5: found \"-1\" in an array");
  set_wrong(
      "goroutines.0.body.0.map", "n",
      "--set goroutines.0.body.0.map=n: /goroutines/0/body/0/map: found the string \"n\", but "
      "there is no such map (did you mean \"m\"?)");
  set_wrong("", "5", "--set =5: found an empty step");
  set_wrong("gc..gogc", "5", "--set gc..gogc=5: found an empty step");
  set_wrong("gc.", "5", "--set gc.=5: found an empty step");
  set_wrong("gc", "{\"gogc\":1,}", "--set gc={\"gogc\":1,}: at character 10: found ',' before '}'");
  set_wrong("gc", "{\"gogc\":1",
            "--set gc={\"gogc\":1: at character 10: found the end of the text");
  set_wrong("description", "\xff", "--set description=?: at character 2: invalid UTF-8");
}

/* ---- positions and exact numbers ---------------------------------------------------------- */

static void no_report(void *arg, uint32_t line, uint32_t column, const struct jp_node *node,
                      const char *message) {
  (void)arg, (void)line, (void)column, (void)node;
  fail_msg("%s", message);
}

static void places(void **state) {
  static const char text[] =
      "{\r\n \"\xc3\xa9\xc3\xa9\": \"\xe2\x82\xac\", \"b/~\":\t[1.50,\n\n   {}]}\n";
  struct jp_doc *doc = jp_parse(text, sizeof text - 1, no_report, NULL);
  (void)state;
  assert_non_null(doc);
  const struct jp_node *b = jp_member(jp_root(doc), "b/~");
  assert_true(b->key_line == 2 && b->key_column == 13 && b->line == 2 && b->column == 20);
  const struct jp_node *number = jp_element(b, 0), *object = jp_element(b, 1);
  assert_true(number->column == 21 && number->text_bytes == 4);
  assert_memory_equal(number->text, "1.50", 4);
  assert_true(object->line == 4 && object->column == 4 && object->index == 1);
  assert_null(jp_element(b, 2));
  assert_null(jp_member(jp_root(doc), "b"));
  char *pointer = jp_pointer(object);
  assert_string_equal(pointer, "/b~1~0/1");
  free(pointer);
  jp_free(doc);
}

/* ---- the table ---------------------------------------------------------------------------- */

static void assert_words_differ(const struct sim_choice *words) {
  for (uint32_t i = 0; words[i].name != NULL; i++)
    for (uint32_t k = 0; k < i; k++) assert_string_not_equal(words[i].name, words[k].name);
}

/* Every row says what it is, and its default is within its own range. */
static void assert_rows(const struct sc_object *object, uint32_t depth) {
  for (uint32_t i = 0; i < object->row_count && depth < 8; i++) {
    const struct sc_row *row = &object->rows[i];
    size_t length = strlen(row->doc);
    assert_true(length > 8 && row->doc[length - 1] == '.');
    if (row->words != NULL) assert_words_differ(row->words);
    if (row->sub != NULL) assert_rows(row->sub, depth + 1);
    if (row->type > SC_TYPE_NS || row->type == SC_TYPE_BOOL || row->initial_text != NULL) continue;
    bool special = row->special != NULL && row->initial == row->special_value;
    assert_true(row->required || special || (row->initial >= row->min && row->initial <= row->max));
    assert_true(row->width == 8 || row->max <= UINT32_MAX);
  }
}

static void table(void **state) {
  (void)state;
  assert_rows(&sc_root, 0);
  for (enum sc_op_kind kind = 0; kind < SC_OP_KINDS; kind++) assert_non_null(sc_op_name(kind));
  assert_null(sc_op_words[SC_OP_KINDS].name);
  assert_string_equal(sc_op_name(SC_OP_YIELD), "yield");
  assert_string_equal(sc_op_name(SC_OP_CHAN_CLOSE), "chan.close");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(defaults),
      cmocka_unit_test(explore_values_of_litmus),
      cmocka_unit_test(values),
      cmocka_unit_test(explore_values),
      cmocka_unit_test(keys),
      cmocka_unit_test(all_errors_at_once),
      cmocka_unit_test(cap_on_errors),
      cmocka_unit_test(printable),
      cmocka_unit_test(limits),
      cmocka_unit_test(bodies_nest),
      cmocka_unit_test(many_wrong_names),
      cmocka_unit_test(files),
      cmocka_unit_test(round_trips),
      cmocka_unit_test(resolved_text), cmocka_unit_test(objects), cmocka_unit_test(choices),
      cmocka_unit_test(wrong_choices),
      cmocka_unit_test(overrides),
      cmocka_unit_test(overrides_in_order),
      cmocka_unit_test(wrong_overrides),
      cmocka_unit_test(places),
      cmocka_unit_test(table),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

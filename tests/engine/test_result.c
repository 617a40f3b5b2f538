/* The result document: exact numbers, nulls, names, and one documented row per field. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cjson/cJSON.h>

#include "sims/result.h"
#include "tests/support/test.h"

static const struct sim_result_map maps[] = {
  {.name = "a \"b\"", .count = 1000000, .B = 18, .gets = UINT64_MAX}};
static const struct sim_result_mmu mmu[] = {{10000, 0.25, false}, {1000000000, 0.875, true}};
static const struct sim_result_violation violations[] = {{"fatal", "concurrent map writes", NULL}};
static const struct sim_result_cycle cycles[] = {{.number = 1, .start_ns = -5, .cons_mark = 0.5}};

static struct sim_result example(void) {
  return (struct sim_result){
    .has = SIM_HAS_MACHINE | SIM_HAS_TOTALS,
    .scenario = "x", .engine = "native", .collector = "none", .version = "1", .seed = UINT64_MAX,
    .procs = 2, .wall_ns = 9007199254740993ULL, .max_rss_bytes = 4096,
    .ops = {.count = 0, .ns_per_op = (double)NAN},
    .gc = {.assists = 5, .mallocs = 12345678901234567890ULL},
    .mmu = mmu, .mmu_count = 2, .maps = maps, .map_count = 1,
    .violations = violations, .violation_count = 1, .cycles = cycles, .cycle_count = 1,
    .config_json = "{\n  \"seed\": 18446744073709551615,\n  \"name\": \"a b\"\n}\n",
  };
}

static void expect_in(const char *line, const char *part) {
  if (strstr(line, part) == NULL) fail_msg("no %s in %s", part, line);
}

static void test_document(void **state) {
  (void)state;
  struct sim_result r = example();
  char *line = sim_result_line(&r);
  assert_null(strchr(line, '\n'));
  expect_in(line, "{\"type\":\"result\",\"result\":{\"schema\":\"tricolor.result/1\"");
  expect_in(line, "\"seed\":18446744073709551615,");
  expect_in(line, "\"wall_ns\":9007199254740993,"); /* 2^53 + 1: no double holds it */
  expect_in(line, "\"mallocs\":12345678901234567890,");
  expect_in(line, "\"ns_per_op\":null");
  expect_in(line, "\"assists\":null"); /* no concurrent marking: not measured */
  expect_in(line, "\"p50_ns\":null");  /* no gaps */
  expect_in(line, "\"maps\":{\"a \\\"b\\\"\":{\"count\":1000000,\"B\":18,");
  expect_in(line, "\"gets\":18446744073709551615,");
  expect_in(line, "\"mmu\":[{\"window_ns\":10000,\"utilisation\":0.25,\"clamped\":false},");
  expect_in(line, "\"start_ns\":-5,");
  expect_in(line, "\"violations\":[{\"kind\":\"fatal\",\"text\":\"concurrent map writes\","
                  "\"doing\":null}]");
  expect_in(line, "\"config\":{\"seed\":18446744073709551615,\"name\":\"a b\"}");
  cJSON *parsed = cJSON_Parse(line);
  assert_non_null(parsed);
  cJSON_Delete(parsed);
  free(line);
}

/* Every field is documented once: whole path unique, unit and sentence there. */
static void test_docs(void **state) {
  (void)state;
  struct sim_field_doc a, b;
  uint32_t count = 0;
  for (uint32_t i = 0; sim_field_doc_at(i, &a); i++, count++) {
    assert_true(strlen(a.path) > 0 && strlen(a.unit) > 0 && strlen(a.doc) > 3);
    for (uint32_t k = 0; k < i; k++) {
      assert_true(sim_field_doc_at(k, &b));
      assert_string_not_equal(a.path, b.path);
    }
  }
  assert_true(count > 100);
}

/* Every value of the document has a row: the leaves are walked and looked up. */
static bool has_doc(const char *path) {
  struct sim_field_doc doc;
  for (uint32_t i = 0; sim_field_doc_at(i, &doc); i++)
    if (strcmp(doc.path, path) == 0) return true;
  return false;
}

static void walk(const cJSON *node, const char *path) {
  char deeper[256];
  if (has_doc(path)) return;
  if (cJSON_IsArray(node)) {
    snprintf(deeper, sizeof deeper, "%s[]", path);
    if (node->child != NULL) walk(node->child, deeper);
    return;
  }
  if (!cJSON_IsObject(node)) fail_msg("%s is documented nowhere", path);
  for (const cJSON *child = node->child; child != NULL; child = child->next) {
    bool is_named = strcmp(path, "maps") == 0;
    const char *name = is_named ? "<name>" : child->string;
    snprintf(deeper, sizeof deeper, "%s%s%s", path, path[0] == 0 ? "" : ".", name);
    walk(child, deeper);
  }
}

static void test_all_documented(void **state) {
  (void)state;
  struct sim_result r = example();
  char *line = sim_result_line(&r);
  cJSON *parsed = cJSON_Parse(line);
  walk(cJSON_GetObjectItem(parsed, "result"), "");
  cJSON_Delete(parsed);
  free(line);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_document),
    cmocka_unit_test(test_docs),
    cmocka_unit_test(test_all_documented),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

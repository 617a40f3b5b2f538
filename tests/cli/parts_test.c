/* Statistics, units, tables, metric paths, suggestions and JSON text by themselves. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sims/choices.h"
#include "sims/cli_metric.h"
#include "sims/cli_report.h"
#include "sims/json_print.h"
#include "sims/result_fields.h"
#include "sims/stats.h"
#include "sims/suggest.h"
#include "sims/table.h"
#include "tests/cli/harness.h"

/* Ranks of the 95 % interval of a median: by hand from the binomial distribution. */
static void test_ci_rank(void **state) {
  (void)state;
  static const struct { uint32_t count, rank; } rows[] = {
    {0, 0}, {1, 0}, {5, 0}, {6, 1}, {8, 1}, {9, 2}, {10, 2}, {12, 3}, {15, 4}, {20, 6}, {30, 10},
    {1000, 469},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    assert_int_equal(sim_stats_median_ci_rank(rows[i].count), rows[i].rank);
  }
}

static void test_spread(void **state) {
  (void)state;
  struct sim_spread s;
  double odd[] = {9, 1, 5}, even[] = {8, 1, 4, 2}, nine[] = {9, 8, 7, 6, 5, 4, 3, 2, 1};
  sim_stats_spread(odd, 3, &s);
  assert_true(s.median == 5 && s.min == 1 && s.max == 9 && !s.has_ci);
  sim_stats_spread(even, 4, &s);
  assert_true(s.median == 3);
  sim_stats_spread(nine, 9, &s); /* rank 2 */
  assert_true(s.has_ci && s.ci_low == 2 && s.ci_high == 8 && s.median == 5);
  sim_stats_spread(NULL, 0, &s);
  assert_int_equal(s.count, 0);
}

static void test_units(void **state) {
  (void)state;
  static const struct { enum sim_unit unit; double value; const char *text; } rows[] = {
    {SIM_UNIT_NS, 0, "0 ns"}, {SIM_UNIT_NS, 7, "7 ns"}, {SIM_UNIT_NS, 12.5, "12.5 ns"},
    {SIM_UNIT_NS, 0.0123, "0.0123 ns"}, {SIM_UNIT_NS, 999, "999 ns"},
    {SIM_UNIT_NS, 999.6, "1.00 us"}, {SIM_UNIT_NS, 1234, "1.23 us"},
    {SIM_UNIT_NS, 99950, "100 us"}, {SIM_UNIT_NS, 999499, "999 us"},
    {SIM_UNIT_NS, 999500, "1.00 ms"}, {SIM_UNIT_NS, 1.5e9, "1.50 s"},
    {SIM_UNIT_NS, 4e12, "4000 s"}, {SIM_UNIT_NS, -1500, "-1.50 us"},
    {SIM_UNIT_BYTES, 512, "512 B"}, {SIM_UNIT_BYTES, 1023, "1,023 B"},
    {SIM_UNIT_BYTES, 1024, "1.00 KiB"}, {SIM_UNIT_BYTES, 67108864, "64.0 MiB"},
    {SIM_UNIT_BYTES, 3221225472.0, "3.00 GiB"}, {SIM_UNIT_COUNT, 0, "0"},
    {SIM_UNIT_COUNT, 999, "999"}, {SIM_UNIT_COUNT, 1000, "1,000"},
    {SIM_UNIT_COUNT, 1234567.5, "1,234,567.5"}, {SIM_UNIT_COUNT, -1000, "-1,000"},
    {SIM_UNIT_PER_S, 12345678, "12.3 M/s"}, {SIM_UNIT_FRACTION, 0.1234, "12.3 %"},
    {SIM_UNIT_RATIO, 0.01234, "0.0123"}, {SIM_UNIT_RATIO, 0.5, "0.500"},
    {SIM_UNIT_RATIO, 1, "1.00"}, {SIM_UNIT_RATIO, 152.3, "152"},
  };
  char text[SIM_TEXT_MAX];
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    assert_string_equal(sim_format(rows[i].unit, rows[i].value, text), rows[i].text);
  }
  assert_string_equal(sim_format_spread(SIM_UNIT_NS, 2e6, 9.5e5, 1.3e7, text),
                      "2.00 ms [0.950..13.0]");
  assert_string_equal(sim_format_spread(SIM_UNIT_NS, 2e6, 2e6, 2e6, text), "2.00 ms");
}

static void test_table_text(void **state) {
  (void)state;
  char *text = NULL;
  size_t size = 0;
  FILE *f = open_memstream(&text, &size);
  struct sim_table *t = sim_table_new(3);
  sim_table_heading(t, "A heading wider than any column");
  sim_table_row(t);
  sim_table_cell(t, SIM_PLAIN, "a\xc3\xa9");
  sim_table_cell(t, SIM_BAD, "12");
  sim_table_cell(t, SIM_PLAIN, "");
  sim_table_row(t);
  sim_table_cell(t, SIM_PLAIN, "abcd");
  sim_table_cell(t, SIM_PLAIN, "123\n");
  sim_table_cell(t, SIM_PLAIN, "\x1b[2Jx");
  sim_table_print(t, f, false);
  sim_table_free(t);
  fclose(f);
  assert_string_equal(text, "A heading wider than any column\n"
                            "a\xc3\xa9      12\n"
                            "abcd  123   ?[2Jx\n");
  free(text);
  char clean[8];
  assert_string_equal(sim_text_clean("a\xc2\x9b" "b\x7f", clean, sizeof clean), "a?b?");
  assert_string_equal(sim_text_clean("0123456789", clean, sizeof clean), "0123456");
}

static void test_metric_paths(void **state) {
  (void)state;
  cJSON *doc = cJSON_Parse("{\"a\":{\"b\":1,\"b.c\":{\"d\":2}},\"l\":[{\"x\":3},4],\"t\":true,"
                           "\"s\":\"text\",\"n\":null}");
  double value = 0;
  assert_true(sim_metric_number(doc, "a.b", &value) && value == 1);
  assert_true(sim_metric_number(doc, "a.b.c.d", &value) && value == 2); /* a key with a dot */
  assert_true(sim_metric_number(doc, "l.0.x", &value) && value == 3);
  assert_true(sim_metric_number(doc, "l.1", &value) && value == 4);
  assert_true(sim_metric_number(doc, "l", &value) && value == 2); /* its length */
  assert_true(sim_metric_number(doc, "t", &value) && value == 1);
  static const char *const none[] = {"", "a", "a.", "a.bb", "l.2", "l.x", "l.", "s", "n", "a.b.d",
                                     "l.99999999999999999999"};
  for (size_t i = 0; i < sizeof none / sizeof none[0]; i++) {
    assert_false(sim_metric_number(doc, none[i], &value));
  }
  cJSON_Delete(doc);
}

/* The rows of the tables name fields that results have. */
static void test_report_paths(void **state) {
  (void)state;
  const char *path = NULL;
  for (uint32_t i = 0; (path = sim_report_path(i)) != NULL; i++) {
    struct sim_field_doc field;
    bool found = false;
    for (uint32_t k = 0; !found && sim_field_doc_at(k, &field); k++) {
      found = strcmp(field.path, path) == 0;
    }
    if (!found) fail_msg("no result has %s", path);
  }
}

static const char *suggest(const char *typed, const char *a, const char *b) {
  struct sim_suggest s = {.typed = typed};
  sim_suggest_offer(&s, a);
  sim_suggest_offer(&s, b);
  return s.best;
}

static void test_suggest(void **state) {
  (void)state;
  assert_int_equal(sim_edit_distance("", ""), 0);
  assert_int_equal(sim_edit_distance("kitten", "sitting"), 3);
  assert_int_equal(sim_edit_distance("gcog", "gogc"), 2);
  assert_int_equal(sim_edit_distance("rnu", "run"), 1); /* a swap */
  assert_int_equal(sim_edit_distance("RUN", "run"), 0);
  assert_string_equal(suggest("compre", "compute", "compare"), "compare");
  assert_string_equal(suggest("val", "value_bytes", "run"), "value_bytes"); /* a beginning */
  assert_null(suggest("xyzzy", "run", "compare"));
  char names[64];
  sim_choice_names(sim_platforms, names, sizeof names);
  assert_string_equal(names, "native or model");
  sim_choice_names(sim_collectors, names, 12);
  assert_string_equal(names, "concurrent,");
}

/* What no double holds keeps its digits, wherever it stands and through copies. */
static void test_json_exact(void **state) {
  (void)state;
  static const char text[] =
    "{\"a1\": [18446744073709551615, {\"9\": \"\\\"7\"}, -9223372036854775807], \"c\": 1.5}\n";
  cJSON *parsed = sim_json_parse(text), *doc = cJSON_Duplicate(parsed, true);
  cJSON_Delete(parsed);
  char *printed = sim_json_print(doc);
  assert_string_equal(printed, text);
  free(printed);
  cJSON_Delete(doc);
  doc = cJSON_CreateObject();
  sim_json_add_u64(doc, "large", UINT64_MAX);
  sim_json_add_u64(doc, "small", 7);
  printed = sim_json_print(doc);
  assert_string_equal(printed, "{\"large\": 18446744073709551615, \"small\": 7}\n");
  free(printed);
  cJSON_Delete(doc);
  assert_null(sim_json_parse("{} 1"));
}

static void test_json_text(void **state) {
  (void)state;
  static const char text[] =
    "{\n"
    "  \"whole\": 9007199254740991,\n"
    "  \"part\": 0.1,\n"
    "  \"third\": 0.3333333333333333,\n"
    "  \"string\": \"a\\\"b\\\\\\n\\u0001\xc3\xa9\",\n"
    "  \"short\": {\"a\": [1, 2, 3], \"b\": null, \"c\": {}, \"d\": []},\n"
    "  \"long\": [\n"
    "    \"0123456789012345678901234567890123456789\",\n"
    "    \"0123456789012345678901234567890123456789\",\n"
    "    \"0123456789012345678901234567890123456789\"\n"
    "  ],\n"
    "  \"flag\": true\n"
    "}\n";
  cJSON *doc = cJSON_Parse(text);
  char *printed = sim_json_print(doc);
  assert_string_equal(printed, text);
  free(printed);
  cJSON_Delete(doc);
  doc = cJSON_CreateNumber((double)INFINITY);
  printed = sim_json_print(doc);
  assert_string_equal(printed, "null\n");
  free(printed);
  cJSON_Delete(doc);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_ci_rank), cmocka_unit_test(test_spread), cmocka_unit_test(test_units),
    cmocka_unit_test(test_table_text), cmocka_unit_test(test_metric_paths),
    cmocka_unit_test(test_report_paths), cmocka_unit_test(test_suggest),
    cmocka_unit_test(test_json_text), cmocka_unit_test(test_json_exact),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

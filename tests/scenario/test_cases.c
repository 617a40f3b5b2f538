/* Every case of cases.h gets its verdict from the loader, at the stated place and in stated words.
 */
#include <stdlib.h>
#include <string.h>

#include "sims/scenario.h"
#include "tests/scenario/cases.h"
#include "tests/support/test.h"

static const char *fault_of(const struct test_case *c, const struct scenario *s,
                            const struct sc_errors *errors) {
  if (c->kind == CASE_VALID)
    return s == NULL ? "is refused" : errors->count > 0 ? "has errors" : NULL;
  if (s != NULL) return "is accepted";
  if (errors->count == 0) return "is refused without an error";
  const struct sc_error *e = &errors->list[0];
  if (c->pointer != NULL && errors->count != 1) return "has more than one error";
  if (c->line != 0 && (e->line != c->line || e->column != c->column)) return "at another place";
  if (c->pointer != NULL && strcmp(c->pointer, e->pointer) != 0) return "with another pointer";
  if (c->fragment != NULL && strstr(e->message, c->fragment) == NULL) return "in other words";
  return NULL;
}

static void report(const struct test_case *c, const char *fault, const struct sc_errors *errors) {
  print_error("%s: %s\n", fault, c->text);
  print_error("  expected %u:%u %s %s\n", c->line, c->column, c->pointer != NULL ? c->pointer : "*",
              c->fragment != NULL ? c->fragment : "*");
  for (uint32_t i = 0; i < errors->count; i++) {
    char *text = sc_error_format(&errors->list[i]);
    print_error("  found    %s\n", text);
    free(text);
  }
}

static void verdicts(void **state) {
  struct test_cases cases = cases_all();
  uint32_t wrong = 0, kinds[4] = {0};
  (void)state;
  for (uint32_t i = 0; i < cases.count; i++) {
    const struct test_case *c = &cases.list[i];
    struct sc_errors errors;
    struct scenario *s = scenario_load("test", c->text, c->length, NULL, 0, &errors);
    const char *fault = fault_of(c, s, &errors);
    if (fault != NULL) report(c, fault, &errors);
    wrong += fault != NULL;
    kinds[c->kind]++;
    scenario_free(s);
    sc_errors_free(&errors);
  }
  print_message("%u cases: %u valid, %u lexical, %u of structure, %u of meaning\n", cases.count,
                kinds[0], kinds[1], kinds[2], kinds[3]);
  assert_true(kinds[CASE_LEXICAL] > 80 && kinds[CASE_STRUCTURE] > 1000);
  cases_free(&cases);
  assert_int_equal(wrong, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(verdicts)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}

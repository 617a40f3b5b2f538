/* Prints every case of cases.h as a line of JSON: {"kind": "structure", "text": "...", "again":
 * false}. Texts that are not UTF-8 are left out: no schema is asked about them. */
#include <cjson/cJSON.h>
#include <stdio.h>
#include <string.h>

#include "tests/scenario/cases.h"

int main(void) {
  static const char *const kinds[] = {"valid", "lexical", "structure", "meaning"};
  struct test_cases cases = cases_all();
  for (uint32_t i = 0; i < cases.count; i++) {
    const struct test_case *c = &cases.list[i];
    if (c->kind == CASE_LEXICAL || strlen(c->text) != c->length) continue;
    cJSON *line = cJSON_CreateObject();
    cJSON_AddStringToObject(line, "kind", kinds[c->kind]);
    cJSON_AddStringToObject(line, "text", c->text);
    cJSON_AddBoolToObject(line, "again", c->again);
    char *text = cJSON_PrintUnformatted(line);
    puts(text);
    cJSON_free(text);
    cJSON_Delete(line);
  }
  cases_free(&cases);
  return 0;
}

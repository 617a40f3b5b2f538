/* Loads each FILE: one line "FILE: OK", or its errors. Exit status 1 if any is refused.
 *   --resolved        prints the resolved document instead of OK
 *   --set PATH=VALUE  an override for all files
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sims/scenario.h"

enum { OVERRIDES_MAX = 64 };

static int check(const char *path, const struct sc_override *overrides, uint32_t count,
                 int resolved) {
  struct sc_errors errors;
  struct scenario *s = scenario_load_file(path, overrides, count, &errors);
  int refused = s == NULL;
  for (uint32_t i = 0; i < errors.count; i++) {
    char *text = sc_error_format(&errors.list[i]);
    puts(text);
    free(text);
  }
  if (errors.dropped > 0) printf("%s: %u more errors\n", path, errors.dropped);
  if (s != NULL) printf("%s%s\n", resolved ? "" : path, resolved ? s->resolved_json : ": OK");
  scenario_free(s);
  sc_errors_free(&errors);
  return refused;
}

int main(int argc, char **argv) {
  struct sc_override overrides[OVERRIDES_MAX];
  uint32_t count = 0;
  int resolved = 0, refused = 0;
  for (int i = 1; i < argc; i++) {
    if (strcmp(argv[i], "--resolved") == 0) {
      resolved = 1;
    } else if (strcmp(argv[i], "--set") == 0 && i + 1 < argc && count < OVERRIDES_MAX) {
      char *value = strchr(argv[++i], '=');
      if (value == NULL) return 2;
      *value = '\0';
      overrides[count++] = (struct sc_override){argv[i], value + 1};
    } else {
      refused |= check(argv[i], overrides, count, resolved);
    }
  }
  return refused;
}

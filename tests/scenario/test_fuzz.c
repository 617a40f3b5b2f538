/* Random damage to the scenarios: the loader either loads the text, and then it resolves to a
 * document that loads to the same, or it reports errors that lie within the text. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/rng.h"
#include "sims/memory.h"
#include "sims/scenario.h"
#include "tests/support/test.h"

enum { FILES_MAX = 64, ROUNDS = 40000, TEXT_MAX = 16384 };

static char *texts[FILES_MAX];
static uint32_t text_count;
static uint64_t seed = 20220802;

static uint32_t below(uint32_t n) {
  return rng_fastrandn(&seed, n);
}

static char *read_whole(const char *path) {
  FILE *file = fopen(path, "rb");
  if (file == NULL) return NULL;
  char *text = sim_alloc(TEXT_MAX);
  size_t length = fread(text, 1, TEXT_MAX - 1, file);
  fclose(file);
  text[length] = '\0';
  return text;
}

static int setup(void **state) {
  DIR *folder = opendir(TEST_CONFIGS);
  (void)state;
  if (folder == NULL) return -1;
  for (struct dirent *entry; (entry = readdir(folder)) != NULL && text_count < FILES_MAX;) {
    const char *dot = strchr(entry->d_name, '.');
    if (dot == NULL || strcmp(dot, ".json") != 0) continue;
    char *path = sim_printf("%s/%s", TEST_CONFIGS, entry->d_name);
    texts[text_count++] = read_whole(path);
    free(path);
  }
  closedir(folder);
  return text_count >= 10 ? 0 : -1;
}

static int teardown(void **state) {
  (void)state;
  for (uint32_t i = 0; i < text_count; i++) free(texts[i]);
  return 0;
}

/* One change to text of *length bytes, in a buffer of TEXT_MAX. */
static void damage(char *text, size_t *length) {
  static const char *const pieces[] = {
      "\"",
      "{",
      "}",
      "[",
      "]",
      ",",
      ":",
      "\\",
      "\\u0000",
      "\\ud800",
      "-",
      "e99",
      "0x",
      "1e400",
      ".5",
      "null",
      "true",
      "\xff",
      "\xc3",
      "\xf0\x9f",
      "18446744073709551616",
      "\"off\"",
      "\"64KiB\"",
      "//",
      "{\"a\":{\"a\":{\"a\":1}}}",
      "[[[[[[[[",
      "0.5",
      "\n",
      "\t",
      "\x01",
  };
  size_t at = *length == 0 ? 0 : below((uint32_t)*length), n = 0;
  const char *piece = pieces[below(sizeof pieces / sizeof pieces[0])];
  switch (below(5)) {
    case 0: /* another byte */
      if (at < *length) text[at] = (char)below(256);
      break;
    case 1: /* a piece put in */
      n = strlen(piece);
      if (*length + n >= TEXT_MAX) return;
      memmove(text + at + n, text + at, *length - at);
      memcpy(text + at, piece, n);
      *length += n;
      break;
    case 2: /* a stretch taken out */
      n = below(20);
      if (n > *length - at) n = *length - at;
      memmove(text + at, text + at + n, *length - at - n);
      *length -= n;
      break;
    case 3: /* the end cut off */
      if (below(8) == 0) *length = at;
      break;
    default: /* a stretch repeated */
      n = below(60);
      if (n > *length - at) n = *length - at;
      if (*length + n >= TEXT_MAX) return;
      memmove(text + at + n, text + at, *length - at);
      *length += n;
      break;
  }
}

static uint32_t lines_of(const char *text, size_t length) {
  uint32_t lines = 1;
  for (size_t i = 0; i < length; i++) lines += text[i] == '\n';
  return lines;
}

static const char *judge(const char *text, size_t length, bool *loaded) {
  struct sc_errors errors, again_errors = {0};
  struct scenario *s = scenario_load("fuzz", text, length, NULL, 0, &errors), *again = NULL;
  const char *fault = NULL;
  *loaded = s != NULL;
  if (s != NULL && errors.count > 0) fault = "loaded with errors";
  if (s == NULL && errors.count == 0) fault = "refused without errors";
  for (uint32_t i = 0; i < errors.count; i++) {
    const struct sc_error *e = &errors.list[i];
    if (e->line == 0 || e->line > lines_of(text, length)) fault = "error outside the text";
    if (e->column == 0 || e->column > length + 1) fault = "error outside the line";
    free(sc_error_format(e));
  }
  if (s != NULL) {
    again =
        scenario_load("again", s->resolved_json, strlen(s->resolved_json), NULL, 0, &again_errors);
    if (again == NULL || strcmp(again->resolved_json, s->resolved_json) != 0)
      fault = "the resolved document is another scenario";
  }
  scenario_free(again);
  scenario_free(s);
  sc_errors_free(&errors);
  sc_errors_free(&again_errors);
  return fault;
}

static void damaged_texts(void **state) {
  const char *scale = getenv("TEST_SCALE");
  uint32_t rounds = (uint32_t)(ROUNDS / 100.0 * (scale != NULL ? atof(scale) : 100));
  uint32_t loaded = 0;
  char *text = sim_alloc(TEXT_MAX);
  (void)state;
  for (uint32_t round = 0; round < rounds; round++) {
    uint64_t seed_before = seed;
    const char *from = texts[below(text_count)];
    size_t length = strlen(from);
    bool ok = false;
    memcpy(text, from, length);
    for (uint32_t n = 1 + below(3); n > 0; n--) damage(text, &length);
    const char *fault = judge(text, length, &ok);
    if (fault != NULL)
      fail_msg("round %u, seed %llu: %s\n%.*s", round, (unsigned long long)seed_before, fault,
               (int)length, text);
    loaded += ok;
  }
  print_message("%u texts, %u of them loaded\n", rounds, loaded);
  free(text);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(damaged_texts)};
  return cmocka_run_group_tests(tests, setup, teardown);
}

#include "tests/oracle/oracle.h"

#include <dirent.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

void oracle_fail(struct oracle_report *r, const char *fmt, ...) {
  if (r->failed)
    return;
  r->failed = true;
  va_list args;
  va_start(args, fmt);
  vsnprintf(r->difference, sizeof r->difference, fmt, args);
  va_end(args);
}

bool oracle_same(struct oracle_report *r, const char *where, const char *what, uint64_t want,
                 uint64_t got) {
  r->compared++;
  if (want == got)
    return true;
  oracle_fail(r, "%s: %s: recorded %llu (0x%llx), here %llu (0x%llx)", where, what,
              (unsigned long long)want, (unsigned long long)want, (unsigned long long)got,
              (unsigned long long)got);
  return false;
}

uint64_t oracle_u64(const cJSON *item) {
  if (cJSON_IsString(item))
    return strtoull(item->valuestring, NULL, 0);
  if (!cJSON_IsNumber(item))
    return 0;
  double d = item->valuedouble;
  if (d < 0)
    return (uint64_t)(int64_t)d;
  return d < 9223372036854775808.0 ? (uint64_t)(int64_t)d
                                   : (uint64_t)(int64_t)(d - 9223372036854775808.0) | 1ULL << 63;
}

uint64_t oracle_member(const cJSON *obj, const char *name, uint64_t fallback) {
  const cJSON *item = cJSON_GetObjectItemCaseSensitive(obj, name);
  return item == NULL ? fallback : oracle_u64(item);
}

double oracle_member_f64(const cJSON *obj, const char *name) {
  const cJSON *item = cJSON_GetObjectItemCaseSensitive(obj, name);
  if (cJSON_IsString(item))
    return strtod(item->valuestring, NULL);
  return cJSON_IsNumber(item) ? item->valuedouble : 0;
}

const char *oracle_string(const cJSON *obj, const char *name) {
  const cJSON *item = cJSON_GetObjectItemCaseSensitive(obj, name);
  return cJSON_IsString(item) ? item->valuestring : "";
}

uint64_t oracle_fnv_byte(uint64_t d, uint8_t byte) { return (d ^ byte) * 0x100000001b3ULL; }

uint64_t oracle_fnv(uint64_t d, const void *p, uint64_t bytes) {
  const uint8_t *b = p;
  for (uint64_t i = 0; i < bytes; i++)
    d = oracle_fnv_byte(d, b[i]);
  return d;
}

uint64_t oracle_fnv_u64(uint64_t d, uint64_t v) {
  for (int i = 0; i < 8; i++)
    d = oracle_fnv_byte(d, (uint8_t)(v >> 8 * i));
  return d;
}

/* The whole file, NUL-terminated; NULL with *why when it cannot be read. */
static char *read_whole(const char *path, const char **why) {
  FILE *f = fopen(path, "rb");
  *why = "cannot be opened";
  if (f == NULL)
    return NULL;
  char *text = NULL;
  *why = "cannot be read";
  if (fseek(f, 0, SEEK_END) == 0) {
    long bytes = ftell(f);
    rewind(f);
    text = bytes < 0 ? NULL : calloc(1, (size_t)bytes + 1);
    bool is_read = text != NULL && fread(text, 1, (size_t)bytes, f) == (size_t)bytes;
    bool has_nul = is_read && strlen(text) != (size_t)bytes;
    if (has_nul)
      *why = "is not text";
    if (!is_read || has_nul) {
      free(text);
      text = NULL;
    }
  }
  fclose(f);
  return text;
}

/* A copy in which whole numbers too long for a double are strings: cJSON would round them. */
static char *quote_long_numbers(const char *text) {
  enum { EXACT_DIGITS = 15 };
  char *out = malloc(2 * strlen(text) + 1);
  if (out == NULL)
    abort();
  size_t n = 0;
  bool in_string = false;
  while (*text != '\0') {
    size_t whole = strspn(text, "-0123456789");
    bool is_whole = text[whole] != '.' && text[whole] != 'e' && text[whole] != 'E';
    bool is_long = !in_string && whole > EXACT_DIGITS && is_whole;
    if (in_string || whole == 0) {
      if (*text == '"')
        in_string = !in_string;
      if (*text == '\\' && text[1] != '\0')
        out[n++] = *text++;
      out[n++] = *text++;
      continue;
    }
    /* The whole literal: its fraction and exponent are no numbers of their own. */
    size_t all = strspn(text, "-+.0123456789eE");
    if (is_long)
      out[n++] = '"';
    memcpy(out + n, text, all);
    n += all;
    text += all;
    if (is_long)
      out[n++] = '"';
  }
  out[n] = '\0';
  return out;
}

static void run_file(const char *path, oracle_fn *fn, void *arg, struct oracle_totals *totals) {
  struct oracle_report *report = calloc(1, sizeof *report);
  if (report == NULL)
    abort();
  report->path = path;
  const char *why;
  char *text = read_whole(path, &why);
  char *exact = text == NULL ? NULL : quote_long_numbers(text);
  cJSON *doc = exact == NULL ? NULL : cJSON_ParseWithOpts(exact, NULL, true);
  if (text == NULL)
    oracle_fail(report, "%s", why);
  else if (doc == NULL)
    oracle_fail(report, "is not JSON");
  else
    fn(doc, report, arg);
  if (report->failed) {
    totals->failed++;
    printf("FAIL %s: %s\n", path, report->difference);
  } else {
    totals->passed++;
    printf("ok   %s: %llu values equal\n", path, (unsigned long long)report->compared);
  }
  fflush(stdout);
  cJSON_Delete(doc);
  free(exact);
  free(text);
  free(report);
}

static int is_json(const struct dirent *e) {
  size_t n = strlen(e->d_name);
  return n > 5 && strcmp(e->d_name + n - 5, ".json") == 0;
}

static void run_folder(const char *folder, oracle_fn *fn, void *arg,
                       struct oracle_totals *totals) {
  struct dirent **entries;
  int n = scandir(folder, &entries, is_json, alphasort);
  for (int i = 0; i < n; i++) {
    size_t bytes = strlen(folder) + strlen(entries[i]->d_name) + 2;
    char *path = malloc(bytes);
    if (path == NULL)
      abort();
    snprintf(path, bytes, "%s/%s", folder, entries[i]->d_name);
    run_file(path, fn, arg, totals);
    free(path);
    free(entries[i]);
  }
  if (n >= 0)
    free(entries);
  if (n <= 0) {
    totals->failed++;
    printf("FAIL %s: no *.json file in it\n", folder);
  }
}

void oracle_each(char **paths, int count, oracle_fn *fn, void *arg, struct oracle_totals *totals) {
  for (int i = 0; i < count; i++) {
    struct stat st;
    if (stat(paths[i], &st) == 0 && S_ISDIR(st.st_mode))
      run_folder(paths[i], fn, arg, totals);
    else
      run_file(paths[i], fn, arg, totals);
  }
}

int oracle_finish(const struct oracle_totals *totals) {
  printf("%u passed, %u failed\n", totals->passed, totals->failed);
  return totals->failed == 0 ? 0 : 1;
}

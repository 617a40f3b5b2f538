#include "tests/scenario/pretty.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sims/memory.h"

enum { LINE_MAX_CHARS = 100 };

/* One line, with a blank after ':' and ','. */
static char *one_line(const cJSON *value) {
  char *dense = cJSON_PrintUnformatted(value), *out = sim_alloc(2 * strlen(dense) + 1);
  int in_string = 0;
  size_t n = 0;
  for (const char *p = dense; *p != '\0'; p++) {
    out[n++] = *p;
    if (in_string && *p == '\\')
      out[n++] = *++p;
    else if (*p == '"')
      in_string = !in_string;
    else if (!in_string && (*p == ':' || *p == ','))
      out[n++] = ' ';
  }
  cJSON_free(dense);
  return out;
}

static void print(FILE *file, const cJSON *value, int indent, int used) {
  char *line = one_line(value);
  if (value->child == NULL || used + (int)strlen(line) < LINE_MAX_CHARS) {
    fputs(line, file);
    free(line);
    return;
  }
  free(line);
  int is_object = cJSON_IsObject(value);
  fputs(is_object ? "{\n" : "[\n", file);
  for (const cJSON *item = value->child; item != NULL; item = item->next) {
    int at = fprintf(file, "%*s", indent + 2, "");
    if (is_object) {
      cJSON *key = cJSON_CreateString(item->string);
      char *text = cJSON_PrintUnformatted(key);
      at += fprintf(file, "%s: ", text);
      cJSON_free(text);
      cJSON_Delete(key);
    }
    print(file, item, indent + 2, at);
    fputs(item->next != NULL ? ",\n" : "\n", file);
  }
  fprintf(file, "%*s%c", indent, "", is_object ? '}' : ']');
}

char *pretty_json(const cJSON *value) {
  char *text = NULL;
  size_t bytes = 0;
  FILE *file = open_memstream(&text, &bytes);
  if (file == NULL) return NULL;
  print(file, value, 0, 0);
  fputc('\n', file);
  fclose(file);
  return text;
}

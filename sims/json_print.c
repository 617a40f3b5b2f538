#include "sims/json_print.h"

#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sims/memory.h"

enum { LINE_WIDTH = 100, INDENT = 2 };

struct text { char *bytes; size_t used, room; };

static void add_bytes(struct text *t, const char *bytes, size_t count) {
  if (t->used + count + 1 > t->room) {
    t->room = (t->used + count + 1) * 2;
    t->bytes = sim_resize(t->bytes, t->room);
  }
  memcpy(t->bytes + t->used, bytes, count);
  t->used += count;
  t->bytes[t->used] = '\0';
}

static void add(struct text *t, const char *string) { add_bytes(t, string, strlen(string)); }

static void add_string(struct text *t, const char *string) {
  char escape[8];
  add(t, "\"");
  for (const unsigned char *p = (const unsigned char *)string; *p != '\0'; p++) {
    if (*p == '"' || *p == '\\') {
      snprintf(escape, sizeof escape, "\\%c", *p);
    } else if (*p == '\n') {
      snprintf(escape, sizeof escape, "\\n");
    } else if (*p < 0x20 || *p == 0x7f) {
      snprintf(escape, sizeof escape, "\\u%04x", *p);
    } else {
      add_bytes(t, (const char *)p, 1);
      continue;
    }
    add(t, escape);
  }
  add(t, "\"");
}

static void add_number(struct text *t, const cJSON *item) {
  double value = item->valuedouble;
  char digits[40];
  if (item->valuestring != NULL) {
    add(t, item->valuestring);
    return;
  }
  if (!isfinite(value)) {
    add(t, "null");
    return;
  }
  if (value == floor(value) && fabs(value) < 1e18) {
    snprintf(digits, sizeof digits, "%.0f", value == 0 ? 0 : value); /* 0 for -0 too */
  } else {
    int precision = 15;
    do {
      snprintf(digits, sizeof digits, "%.*g", precision++, value);
    } while (precision <= 17 && strtod(digits, NULL) != value);
  }
  add(t, digits);
}

static void add_break(struct text *t, uint32_t depth) {
  add(t, "\n");
  for (uint32_t i = 0; i < depth * INDENT; i++) add(t, " ");
}

static void add_item(struct text *t, const cJSON *item, uint32_t depth, bool may_break);

/* {...} or [...]: on one line unless may_break. */
static void add_children(struct text *t, const cJSON *item, uint32_t depth, bool may_break) {
  bool is_object = cJSON_IsObject(item);
  const cJSON *child = NULL;
  add(t, is_object ? "{" : "[");
  cJSON_ArrayForEach(child, item) {
    if (child != item->child) add(t, may_break ? "," : ", ");
    if (may_break) add_break(t, depth + 1);
    if (is_object) {
      add_string(t, child->string);
      add(t, ": ");
    }
    add_item(t, child, depth + 1, may_break);
  }
  if (may_break) add_break(t, depth);
  add(t, is_object ? "}" : "]");
}

static void add_item(struct text *t, const cJSON *item, uint32_t depth, bool may_break) {
  if (cJSON_IsNumber(item)) {
    add_number(t, item);
  } else if (cJSON_IsString(item)) {
    add_string(t, item->valuestring);
  } else if (cJSON_IsBool(item)) {
    add(t, cJSON_IsTrue(item) ? "true" : "false");
  } else if (item->child == NULL) {
    add(t, cJSON_IsObject(item) ? "{}" : cJSON_IsArray(item) ? "[]" : "null");
  } else {
    size_t before = t->used;
    add_children(t, item, depth, false);
    if (!may_break || t->used - before + (size_t)depth * INDENT <= LINE_WIDTH) return;
    t->used = before;
    add_children(t, item, depth, true);
  }
}

/* ---- numbers no double holds ----------------------------------------------------------------- */

#define EXACT_MAX 9007199254740992.0 /* 2^53 */

static void keep_digits(cJSON *number, const char *digits, size_t count) {
  number->valuestring = cJSON_malloc(count + 1);
  if (number->valuestring == NULL) abort();
  memcpy(number->valuestring, digits, count);
  number->valuestring[count] = '\0';
}

/* Where the next number of a valid text begins. */
static const char *find_number(const char *at) {
  for (bool in_string = false; *at != '\0'; at++) {
    if (in_string && *at == '\\')
      at++;
    else if (*at == '"')
      in_string = !in_string;
    else if (!in_string && (*at == '-' || (*at >= '0' && *at <= '9')))
      return at;
  }
  return at;
}

/* The numbers of an item come in the order of the text. Returns what follows the last of them. */
static const char *keep_large(cJSON *item, const char *at) {
  cJSON *child = NULL;
  if (cJSON_IsNumber(item)) {
    at = find_number(at);
    size_t count = strspn(at, "+-.0123456789Ee");
    if (fabs(item->valuedouble) >= EXACT_MAX && strspn(at, "-0123456789") == count)
      keep_digits(item, at, count);
    return at + count;
  }
  cJSON_ArrayForEach(child, item) at = keep_large(child, at);
  return at;
}

cJSON *sim_json_parse(const char *text) {
  cJSON *doc = cJSON_ParseWithOpts(text, NULL, true);
  if (doc != NULL) keep_large(doc, text);
  return doc;
}

void sim_json_add_u64(cJSON *object, const char *name, uint64_t value) {
  char digits[24];
  cJSON *number = cJSON_AddNumberToObject(object, name, (double)value);
  int count = snprintf(digits, sizeof digits, "%" PRIu64, value);
  if (number != NULL && (double)value >= EXACT_MAX) keep_digits(number, digits, (size_t)count);
}

/* ---- the whole document ---------------------------------------------------------------------- */

char *sim_json_print(const cJSON *doc) {
  struct text t = {.bytes = NULL};
  add_item(&t, doc, 0, true);
  add(&t, "\n");
  return t.bytes;
}

#include <cjson/cJSON.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sims/fnv.h"
#include "sims/memory.h"
#include "sims/scenario_int.h"

static cJSON *resolve_object(const struct scenario *s, const struct sc_object *object,
                             const void *base);

static cJSON *resolve_integer(const struct sc_row *row, const void *field) {
  char text[24];
  uint64_t value = sc_read_uint(field, row->width);
  if (row->special != NULL && value == row->special_value) return cJSON_CreateString(row->special);
  snprintf(text, sizeof text, "%" PRIu64, value);
  return cJSON_CreateRaw(text); /* a double would lose digits */
}

static cJSON *resolve_set(const struct sc_row *row, uint64_t bits) {
  cJSON *out = cJSON_CreateArray();
  for (uint32_t i = 0; row->words[i].name != NULL; i++) {
    if ((bits >> i & 1) == 0) continue;
    cJSON_AddItemToArray(out, cJSON_CreateString(row->words[i].name));
  }
  return out;
}

static cJSON *resolve_array(const struct scenario *s, const struct sc_row *row, const void *base) {
  uint32_t count = 0;
  const char *element = sc_array(row, base, &count);
  cJSON *out = row->type == SC_TYPE_NAMED ? cJSON_CreateObject() : cJSON_CreateArray();
  for (uint32_t i = 0; i < count; i++, element += row->sub->bytes) {
    if (row->type == SC_TYPE_NAMES)
      cJSON_AddItemToArray(out, cJSON_CreateString(element));
    else if (row->type == SC_TYPE_LIST)
      cJSON_AddItemToArray(out, resolve_object(s, row->sub, element));
    else
      cJSON_AddItemToObject(out, element, resolve_object(s, row->sub, element));
  }
  return out;
}

/* A REF, an ENUM or a HOLDER, of which SC_NIL is null. */
static cJSON *resolve_name(const struct scenario *s, const struct sc_row *row, const void *field) {
  uint32_t index = (uint32_t)sc_read_uint(field, row->width);
  if (row->nullable && index == SC_NIL) return cJSON_CreateNull();
  if (row->type == SC_TYPE_ENUM) return cJSON_CreateString(row->words[index].name);
  if (row->type == SC_TYPE_REF) return cJSON_CreateString(sc_space_name(s, row->space, index));
  if (index < SC_REGISTERS) return cJSON_CreateString(sc_register_words[index].name);
  return cJSON_CreateString(s->objects[index - SC_REGISTERS].name);
}

static cJSON *resolve_texts(const struct sc_row *row, const void *base) {
  uint32_t count = 0;
  char **texts = sc_array(row, base, &count);
  cJSON *out = cJSON_CreateArray();
  for (uint32_t i = 0; i < count; i++) cJSON_AddItemToArray(out, cJSON_CreateRaw(texts[i]));
  return out;
}

static cJSON *resolve_value(const struct scenario *s, const struct sc_row *row, const void *base) {
  const char *field = (const char *)base + row->offset;
  double number;
  switch (row->type) {
    case SC_TYPE_BOOL:
      return cJSON_CreateBool(sc_read_uint(field, row->width) != 0);
    case SC_TYPE_INT:
    case SC_TYPE_BYTES:
    case SC_TYPE_NS:
      return resolve_integer(row, field);
    case SC_TYPE_DOUBLE:
      memcpy(&number, field, sizeof number);
      return cJSON_CreateNumber(number);
    case SC_TYPE_TEXT:
    case SC_TYPE_NAME:
    case SC_TYPE_METRIC:
    case SC_TYPE_WORD:
      return cJSON_CreateString(field);
    case SC_TYPE_SET:
      return resolve_set(row, sc_read_uint(field, row->width));
    case SC_TYPE_ENUM:
    case SC_TYPE_REF:
    case SC_TYPE_HOLDER:
      return resolve_name(s, row, field);
    case SC_TYPE_VALUES:
      return resolve_texts(row, base);
    case SC_TYPE_OBJECT:
      return resolve_object(s, row->sub, field);
    case SC_TYPE_NAMED:
    case SC_TYPE_LIST:
    case SC_TYPE_NAMES:
      return resolve_array(s, row, base);
  }
  return NULL;
}

/* A litmus program takes some keys of the top and of "runtime", and all of "explore". */
static bool is_of_litmus(const struct sc_object *object, const struct sc_row *row) {
  return strcmp(object->id, "explore") == 0 || sc_is_for_litmus(row->key);
}

static cJSON *resolve_object(const struct scenario *s, const struct sc_object *object,
                             const void *base) {
  cJSON *out = cJSON_CreateObject();
  uint32_t variant = 0;
  if (object->variant != NULL)
    variant = (uint32_t)sc_read_uint((const char *)base + object->variant->offset,
                                     object->variant->width);
  for (uint32_t i = 0; i < object->row_count; i++) {
    const struct sc_row *row = &object->rows[i];
    if (!sc_row_applies(row, variant)) continue;
    if (row->present != NULL && !row->present(base)) continue;
    if (s->has_litmus && base == s && !is_of_litmus(object, row)) continue;
    cJSON_AddItemToObject(out, row->key, resolve_value(s, row, base));
  }
  return out;
}

/* What a schedule of the program depends on. */
static cJSON *resolve_program(const struct scenario *s) {
  static const char *const apart[] = {"name", "description", "job", "expect", "expect_violation"};
  cJSON *document = resolve_object(s, &sc_root, s);
  cJSON *explore = cJSON_DetachItemFromObjectCaseSensitive(document, "explore");
  cJSON *points = cJSON_DetachItemFromObjectCaseSensitive(explore, "points");
  for (size_t i = 0; i < sizeof apart / sizeof apart[0]; i++)
    cJSON_DeleteItemFromObjectCaseSensitive(document, apart[i]);
  cJSON_AddItemToObject(document, "points", points);
  cJSON_Delete(explore);
  return document;
}

uint32_t scenario_key(const struct scenario *s) {
  cJSON *document = resolve_program(s);
  char *text = cJSON_PrintUnformatted(document);
  uint64_t hash = sim_fnv(SIM_FNV_EMPTY, text, text != NULL ? strlen(text) : 0);
  cJSON_free(text);
  cJSON_Delete(document);
  return (uint32_t)(hash >> 32);
}

char *sc_resolve(const struct scenario *s) {
  cJSON *document = resolve_object(s, &sc_root, s);
  char *text = cJSON_PrintUnformatted(document);
  cJSON_Delete(document);
  char *out = sim_strdup(text == NULL ? "" : text);
  cJSON_free(text);
  return out;
}

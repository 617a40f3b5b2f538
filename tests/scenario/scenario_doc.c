/* Writes what configs/ says about the vocabulary from the loader's own table.
 *   scenario_doc update DIR   rewrites DIR/scenario.schema.json and the tables of DIR/README.md
 *   scenario_doc check DIR    exit status 1 if they are not what `update` would write
 */
#include <cjson/cJSON.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sims/memory.h"
#include "sims/scenario_int.h"
#include "tests/scenario/pretty.h"

#define BEGIN "<!-- begin of the tables (written by scenario_doc update) -->\n"
#define END "<!-- end of the tables -->\n"

/* ---- the schema --------------------------------------------------------------------------- */

static cJSON *ref(const char *id) {
  cJSON *out = cJSON_CreateObject();
  char *path = sim_printf("#/$defs/%s", id);
  cJSON_AddStringToObject(out, "$ref", path);
  free(path);
  return out;
}

static void add_uint(cJSON *object, const char *key, uint64_t value) {
  char text[24];
  snprintf(text, sizeof text, "%" PRIu64, value);
  cJSON_AddRawToObject(object, key, text);
}

static void merge(cJSON *into, cJSON *from) {
  while (from->child != NULL) {
    cJSON *item = cJSON_DetachItemViaPointer(from, from->child);
    cJSON_AddItemToObject(into, item->string, item);
  }
  cJSON_Delete(from);
}

static cJSON *parse(const char *text) {
  cJSON *out = cJSON_Parse(text);
  if (out == NULL) fprintf(stderr, "scenario_doc: bad fragment %s\n", text), exit(3);
  return out;
}

/* Rules between keys, by the id of the object. */
static const struct {
  const char *id, *rules;
} extra_rules[] = {
    {"map",
     "{\"allOf\":["
     "{\"if\":{\"properties\":{\"value\":{\"const\":\"inline\"}}},"
     "\"then\":{\"properties\":{\"value_bytes\":{\"$ref\":\"#/$defs/size.inline\"}}}},"
     "{\"if\":{\"properties\":{\"value\":{\"const\":\"pointer\"}},\"required\":[\"value\"]},"
     "\"then\":{\"properties\":{\"value_bytes\":{\"$ref\":\"#/$defs/size.pointer\"}}}},"
     "{\"if\":{\"properties\":{\"value\":{\"const\":\"large\"}},\"required\":[\"value\"]},"
     "\"then\":{\"properties\":{\"value_bytes\":{\"$ref\":\"#/$defs/size.large\"}}}},"
     "{\"if\":{\"properties\":{\"value\":{\"const\":\"unit\"}},\"required\":[\"value\"]},"
     "\"then\":{\"properties\":{\"value_bytes\":{\"$ref\":\"#/$defs/size.unit\"}}}},"
     "{\"if\":{\"not\":{\"properties\":{\"key\":{\"const\":\"string\"}},\"required\":[\"key\"]}},"
     "\"then\":{\"properties\":{\"key_bytes\":false}}},"
     "{\"if\":{\"not\":{\"properties\":{\"kind\":{\"const\":\"sharded\"}},"
     "\"required\":[\"kind\"]}},"
     "\"then\":{\"properties\":{\"shards\":false}}}"
     "]}"},
    {"scenario",
     "{\"if\":{\"required\":[\"litmus\"]},"
     "\"then\":{\"properties\":{\"job\":{\"const\":\"run\"},"
     "\"runtime\":{\"properties\":{\"deadline_ns\":true},\"additionalProperties\":false},"
     "\"gc\":false,\"maps\":false,\"lists\":false,\"trees\":false,\"channels\":false,"
     "\"mutexes\":false,\"setup\":false,\"goroutines\":false}},"
     "\"else\":{\"required\":[\"goroutines\"]}}"},
    {"size.inline", "{\"if\":{\"type\":\"integer\"},\"then\":{\"minimum\":1,\"maximum\":128}}"},
    {"size.pointer", "{\"if\":{\"type\":\"integer\"},\"then\":{\"minimum\":1}}"},
    {"size.large", "{\"if\":{\"type\":\"integer\"},\"then\":{\"minimum\":129,\"maximum\":65536}}"},
    {"size.unit", "{\"if\":{\"type\":\"integer\"},\"then\":{\"maximum\":0}}"},
    {"expectation",
     "{\"anyOf\":[{\"required\":[\"min\"]},{\"required\":[\"max\"]},{\"required\":[\"equals\"]}],"
     "\"if\":{\"required\":[\"equals\"]},"
     "\"then\":{\"properties\":{\"min\":false,\"max\":false}}}"},
    {"operation.loop", "{\"oneOf\":[{\"required\":[\"count\"]},{\"required\":[\"duration_ns\"]}]}"},
    {"operation.tree.build",
     "{\"if\":{\"required\":[\"tree\"]},\"then\":{\"properties\":{\"node_bytes\":false}}}"},
};

static void add_extra(cJSON *schema, const char *id) {
  for (size_t i = 0; i < sizeof extra_rules / sizeof extra_rules[0]; i++)
    if (strcmp(extra_rules[i].id, id) == 0) merge(schema, parse(extra_rules[i].rules));
}

static cJSON *integer_schema(const struct sc_row *row) {
  cJSON *integer = cJSON_CreateObject();
  cJSON_AddStringToObject(integer, "type", "integer");
  add_uint(integer, "minimum", row->min);
  add_uint(integer, "maximum", row->max);
  if (row->multiple > 1) add_uint(integer, "multipleOf", row->multiple);
  if (row->type == SC_TYPE_INT && row->special == NULL) return integer;
  cJSON *out = cJSON_CreateObject(), *forms = cJSON_AddArrayToObject(out, "oneOf");
  cJSON_AddItemToArray(forms, integer);
  if (row->type != SC_TYPE_INT)
    cJSON_AddItemToArray(forms, ref(row->type == SC_TYPE_BYTES ? "bytes" : "duration"));
  if (row->special != NULL) {
    cJSON *word = cJSON_CreateObject();
    cJSON_AddStringToObject(word, "const", row->special);
    cJSON_AddItemToArray(forms, word);
  }
  return out;
}

static cJSON *list_schema(const struct sc_row *row) {
  cJSON *out = cJSON_CreateObject();
  bool named = row->type == SC_TYPE_NAMED;
  cJSON_AddStringToObject(out, "type", named ? "object" : "array");
  if (named) cJSON_AddItemToObject(out, "propertyNames", ref("name"));
  cJSON_AddItemToObject(out, named ? "additionalProperties" : "items",
                        ref(row->type == SC_TYPE_NAMES ? "name" : row->sub->id));
  if (row->min > 0) add_uint(out, "minItems", row->min);
  add_uint(out, named ? "maxProperties" : "maxItems", row->size);
  if (row->type == SC_TYPE_NAMES) cJSON_AddTrueToObject(out, "uniqueItems");
  return out;
}

/* Adds null to what a row of names or words allows. */
static cJSON *nullable_schema(const struct sc_row *row, cJSON *schema) {
  if (!row->nullable) return schema;
  cJSON *out = cJSON_CreateObject(), *forms = cJSON_AddArrayToObject(out, "oneOf");
  cJSON_AddItemToArray(forms, schema);
  cJSON_AddItemToArray(forms, parse("{\"type\": \"null\"}"));
  return out;
}

static cJSON *words_schema(const struct sc_row *row) {
  cJSON *out = cJSON_CreateObject(), *words = cJSON_AddArrayToObject(out, "enum");
  for (uint32_t i = 0; row->words[i].name != NULL; i++)
    cJSON_AddItemToArray(words, cJSON_CreateString(row->words[i].name));
  cJSON *docs = cJSON_AddArrayToObject(out, "enumDescriptions");
  for (uint32_t i = 0; row->words[i].name != NULL; i++)
    cJSON_AddItemToArray(docs, cJSON_CreateString(row->words[i].doc));
  return out;
}

static cJSON *set_schema(const struct sc_row *row) {
  cJSON *out = cJSON_CreateObject();
  cJSON_AddStringToObject(out, "type", "array");
  if (row->words[0].name == NULL) {
    add_uint(out, "maxItems", 0);
    return out;
  }
  cJSON_AddItemToObject(out, "items", words_schema(row));
  if (row->min > 0) add_uint(out, "minItems", row->min);
  cJSON_AddTrueToObject(out, "uniqueItems");
  return out;
}

static cJSON *value_schema(const struct sc_row *row) {
  cJSON *out = cJSON_CreateObject();
  switch (row->type) {
    case SC_TYPE_BOOL:
      cJSON_AddStringToObject(out, "type", "boolean");
      break;
    case SC_TYPE_DOUBLE:
      cJSON_AddStringToObject(out, "type", "number");
      if (row->low < row->high) cJSON_AddNumberToObject(out, "minimum", row->low);
      if (row->low < row->high) cJSON_AddNumberToObject(out, "maximum", row->high);
      break;
    case SC_TYPE_TEXT:
      cJSON_AddStringToObject(out, "type", "string");
      add_uint(out, "maxLength", row->size - 1);
      break;
    case SC_TYPE_METRIC:
      cJSON_AddStringToObject(out, "type", "string");
      cJSON_AddStringToObject(out, "pattern", SC_METRIC_PATTERN);
      break;
    case SC_TYPE_NAME:
    case SC_TYPE_REF:
    case SC_TYPE_HOLDER:
      merge(out, nullable_schema(row, ref("name")));
      break;
    case SC_TYPE_WORD:
    case SC_TYPE_ENUM:
      merge(out, nullable_schema(row, words_schema(row)));
      break;
    case SC_TYPE_VALUES:
      merge(out, parse("{\"type\": \"array\"}"));
      add_uint(out, "minItems", row->min);
      add_uint(out, "maxItems", row->size);
      break;
    case SC_TYPE_SET:
      merge(out, set_schema(row));
      break;
    case SC_TYPE_INT:
    case SC_TYPE_BYTES:
    case SC_TYPE_NS:
      merge(out, integer_schema(row));
      break;
    case SC_TYPE_OBJECT:
      merge(out, ref(row->sub->id));
      break;
    case SC_TYPE_NAMED:
    case SC_TYPE_LIST:
    case SC_TYPE_NAMES:
      merge(out, list_schema(row));
      break;
  }
  return out;
}

static bool is_collection(const struct sc_row *row) {
  return row->type >= SC_TYPE_OBJECT;
}

static cJSON *default_set(const struct sc_row *row) {
  cJSON *out = cJSON_CreateArray();
  for (uint32_t i = 0; row->words[i].name != NULL; i++) {
    if ((row->initial >> i & 1) == 0) continue;
    cJSON_AddItemToArray(out, cJSON_CreateString(row->words[i].name));
  }
  return out;
}

/* The default as JSON; NULL: there is none, or it depends. */
static cJSON *default_value(const struct sc_row *row) {
  char text[24];
  if (row->required || is_collection(row)) return NULL;
  if (row->type == SC_TYPE_TEXT || row->type == SC_TYPE_WORD)
    return cJSON_CreateString(row->initial_text);
  if (row->initial_text != NULL) return NULL;
  if (row->type == SC_TYPE_SET) return default_set(row);
  if (row->type == SC_TYPE_BOOL) return cJSON_CreateBool(row->initial != 0);
  if (row->type == SC_TYPE_ENUM) return cJSON_CreateString(row->words[row->initial].name);
  if (row->type == SC_TYPE_DOUBLE) return cJSON_CreateNumber(row->initial_double);
  if (row->special != NULL && row->initial == row->special_value)
    return cJSON_CreateString(row->special);
  snprintf(text, sizeof text, "%" PRIu64, row->initial);
  return cJSON_CreateRaw(text);
}

static cJSON *row_schema(const struct sc_row *row) {
  cJSON *out = cJSON_CreateObject(), *initial = default_value(row);
  cJSON_AddStringToObject(out, "description", row->doc);
  merge(out, value_schema(row));
  if (initial != NULL) cJSON_AddItemToObject(out, "default", initial);
  return out;
}

/* The object as it is in one variant. */
static cJSON *variant_schema(const struct sc_object *object, uint32_t variant) {
  cJSON *out = cJSON_CreateObject();
  cJSON_AddStringToObject(out, "type", "object");
  cJSON *required = cJSON_CreateArray(), *properties = cJSON_AddObjectToObject(out, "properties");
  if (object == &sc_root)
    cJSON_AddItemToObject(properties, "$schema",
                          parse("{\"description\": \"Where editors find "
                                "this schema.\", \"type\": \"string\"}"));
  for (uint32_t i = 0; i < object->row_count; i++) {
    const struct sc_row *row = &object->rows[i];
    if (!sc_row_applies(row, variant)) continue;
    cJSON *value = row == object->variant ? cJSON_CreateObject() : row_schema(row);
    if (row == object->variant) {
      cJSON_AddStringToObject(value, "const", row->words[variant].name);
      cJSON_AddStringToObject(value, "description", row->words[variant].doc);
    }
    cJSON_AddItemToObject(properties, row->key, value);
    if (row->required && (object != &sc_root || sc_is_for_litmus(row->key)))
      cJSON_AddItemToArray(required, cJSON_CreateString(row->key)); /* others: by a rule */
  }
  if (required->child != NULL)
    cJSON_AddItemToObject(out, "required", required);
  else
    cJSON_Delete(required);
  cJSON_AddFalseToObject(out, "additionalProperties");
  return out;
}

static void define(cJSON *defs, const struct sc_object *object);

/* An object whose keys depend on one of them: that key, then one definition per word. */
static cJSON *choice_schema(cJSON *defs, const struct sc_object *object) {
  const struct sc_row *key = object->variant;
  cJSON *out = cJSON_CreateObject();
  cJSON_AddStringToObject(out, "type", "object");
  cJSON_AddItemToObject(cJSON_AddObjectToObject(out, "properties"), key->key, row_schema(key));
  if (key->required)
    cJSON_AddItemToArray(cJSON_AddArrayToObject(out, "required"), cJSON_CreateString(key->key));
  cJSON *all = cJSON_AddArrayToObject(out, "allOf");
  for (uint32_t v = 0; key->words[v].name != NULL; v++) {
    char *id = sim_printf("%s.%s", object->id, key->words[v].name);
    cJSON *rule = cJSON_CreateObject(), *when = cJSON_AddObjectToObject(rule, "if");
    cJSON *is = cJSON_AddObjectToObject(cJSON_AddObjectToObject(when, "properties"), key->key);
    cJSON_AddStringToObject(is, "const", key->words[v].name);
    if (key->required || v != key->initial)
      cJSON_AddItemToArray(cJSON_AddArrayToObject(when, "required"), cJSON_CreateString(key->key));
    cJSON_AddItemToObject(rule, "then", ref(id));
    cJSON_AddItemToArray(all, rule);
    cJSON *schema = variant_schema(object, v);
    add_extra(schema, id);
    cJSON_AddItemToObject(defs, id, schema);
    free(id);
  }
  return out;
}

static void define_parts(cJSON *defs, const struct sc_object *object) {
  for (uint32_t i = 0; i < object->row_count; i++)
    if (object->rows[i].sub != NULL && object->rows[i].type != SC_TYPE_NAMES)
      define(defs, object->rows[i].sub);
}

static void define(cJSON *defs, const struct sc_object *object) {
  if (cJSON_GetObjectItemCaseSensitive(defs, object->id) != NULL) return;
  cJSON *schema = object->variant != NULL ? choice_schema(defs, object) : variant_schema(object, 0);
  add_extra(schema, object->id);
  cJSON_AddItemToObject(defs, object->id, schema);
  define_parts(defs, object);
}

static char *schema_text(void) {
  cJSON *out = cJSON_CreateObject();
  cJSON_AddStringToObject(out, "$schema", "https://json-schema.org/draft/2020-12/schema");
  cJSON_AddStringToObject(out, "$id", "scenario.schema.json");
  cJSON_AddStringToObject(out, "title", "Tricolor scenario");
  cJSON_AddStringToObject(
      out, "description",
      "Written by scenario_doc from the loader's table, do not edit. The loader also knows rules "
      "that a schema cannot state; `tricolor validate FILE` applies them all.");
  merge(out, variant_schema(&sc_root, 0));
  add_extra(out, sc_root.id);
  cJSON *defs = cJSON_AddObjectToObject(out, "$defs");
  cJSON *name = parse("{\"type\": \"string\"}"), *bytes = parse("{\"type\": \"string\"}");
  cJSON *duration = parse("{\"type\": \"string\"}");
  cJSON_AddStringToObject(name, "pattern", SC_NAME_PATTERN);
  cJSON_AddStringToObject(bytes, "pattern", SC_BYTES_PATTERN);
  cJSON_AddStringToObject(duration, "pattern", SC_NS_PATTERN);
  cJSON_AddItemToObject(defs, "name", name);
  cJSON_AddItemToObject(defs, "bytes", bytes);
  cJSON_AddItemToObject(defs, "duration", duration);
  for (size_t i = 0; i < sizeof extra_rules / sizeof extra_rules[0]; i++)
    if (strncmp(extra_rules[i].id, "size.", 5) == 0)
      cJSON_AddItemToObject(defs, extra_rules[i].id, parse(extra_rules[i].rules));
  define_parts(defs, &sc_root);
  char *text = pretty_json(out);
  cJSON_Delete(out);
  return text;
}

/* ---- the tables of README.md -------------------------------------------------------------- */

struct text {
  char *at;
  size_t bytes;
};

static void say(struct text *t, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void say(struct text *t, const char *format, ...) {
  char *more = NULL;
  va_list args;
  va_start(args, format);
  int n = vasprintf(&more, format, args);
  va_end(args);
  if (n < 0) exit(3);
  t->at = sim_resize(t->at, t->bytes + (size_t)n + 1);
  memcpy(t->at + t->bytes, more, (size_t)n + 1);
  t->bytes += (size_t)n;
  free(more);
}

static void say_quantity(struct text *t, const struct sc_row *row, uint64_t value) {
  static const char *const sizes[] = {"", " KiB", " MiB", " GiB", " TiB"};
  static const char *const times[] = {" ns", " us", " ms", " s"};
  unsigned unit = 0;
  bool bytes = row->type == SC_TYPE_BYTES, ns = row->type == SC_TYPE_NS;
  uint64_t base = bytes ? 1024 : 1000;
  if (value == UINT64_MAX || value == INT64_MAX || value == INT64_MAX - 1) {
    say(t, value == UINT64_MAX ? "2^64-1" : value == INT64_MAX ? "2^63-1" : "2^63-2");
    return;
  }
  while ((bytes || ns) && value >= base && value % base == 0 && unit < (bytes ? 4 : 3))
    value /= base, unit++;
  say(t, "%" PRIu64 "%s", value, bytes ? sizes[unit] : ns ? times[unit] : "");
}

static void say_type(struct text *t, const struct sc_row *row) {
  char allowed[1024];
  switch (row->type) {
    case SC_TYPE_INT:
    case SC_TYPE_BYTES:
    case SC_TYPE_NS:
      say(t, row->type == SC_TYPE_INT     ? "integer "
             : row->type == SC_TYPE_BYTES ? "size "
                                          : "time ");
      say_quantity(t, row, row->min);
      say(t, "..");
      say_quantity(t, row, row->max);
      if (row->multiple > 1) say(t, ", a multiple of %u", row->multiple);
      if (row->special != NULL) say(t, ", or `\"%s\"`", row->special);
      break;
    case SC_TYPE_NAME:
      say(t, "name");
      break;
    case SC_TYPE_WORD:
    case SC_TYPE_ENUM:
      if (row->words == sc_op_words) {
        say(t, "see below");
        break;
      }
      if (row->words == sc_register_words)
        say(t, "`\"r0\"` to `\"r%d\"`", SC_REGISTERS - 1);
      for (uint32_t i = 0; row->words != sc_register_words && row->words[i].name != NULL; i++)
        say(t, "%s`\"%s\"`", i == 0 ? "" : ", ", row->words[i].name);
      if (row->nullable) say(t, ", `null`");
      break;
    case SC_TYPE_VALUES:
      say(t, "array of any values");
      break;
    case SC_TYPE_METRIC:
      say(t, "path");
      break;
    case SC_TYPE_SET:
      say(t, row->words[0].name == NULL ? "array of words, of which there are none yet"
                                         : "array of words, see below");
      break;
    case SC_TYPE_OBJECT:
      say(t, "object, see %s", row->sub->title);
      break;
    case SC_TYPE_NAMED:
      say(t, "object of names, see %s", row->sub->title);
      break;
    case SC_TYPE_LIST:
      say(t, "array, see %s", row->sub->title);
      break;
    case SC_TYPE_NAMES:
      say(t, "array of names");
      break;
    case SC_TYPE_BOOL:
    case SC_TYPE_DOUBLE:
    case SC_TYPE_TEXT:
    case SC_TYPE_REF:
    case SC_TYPE_HOLDER:
      sc_allowed(row, allowed, sizeof allowed);
      say(t, "%s", allowed);
      break;
  }
}

static void say_default(struct text *t, const struct sc_row *row) {
  cJSON *initial = default_value(row);
  if (row->required) {
    say(t, "required");
  } else if (is_collection(row)) {
    say(t, row->type == SC_TYPE_OBJECT ? "all defaults" : "none");
  } else if (initial == NULL) {
    say(t, "%s", row->initial_text);
  } else if (row->type == SC_TYPE_BYTES || row->type == SC_TYPE_NS) {
    if (cJSON_IsString(initial))
      say(t, "`\"%s\"`", row->special);
    else
      say_quantity(t, row, row->initial);
  } else {
    char *text = cJSON_PrintUnformatted(initial);
    say(t, "`%s`", text);
    cJSON_free(text);
  }
  cJSON_Delete(initial);
}

static void say_with(struct text *t, const struct sc_object *object, const struct sc_row *row) {
  const struct sim_choice *words = object->variant->words;
  uint32_t with = 0, count = 0;
  for (; words[count].name != NULL; count++) with += sc_row_applies(row, count);
  bool but = with * 4 > count * 3, first = true;
  if (but) say(t, with == count ? "all" : "all but ");
  for (uint32_t v = 0; v < count; v++) {
    if (sc_row_applies(row, v) == but) continue;
    say(t, "%s%s", first ? "" : ", ", words[v].name);
    first = false;
  }
  say(t, " | ");
}

static void say_words(struct text *t, const struct sc_row *row) {
  say(t, "\n| `%s` | |\n|---|---|\n", row->key);
  for (uint32_t i = 0; row->words[i].name != NULL; i++)
    say(t, "| `\"%s\"` | %s |\n", row->words[i].name, row->words[i].doc);
}

static void say_object(struct text *t, const struct sc_object *object) {
  bool varies = object->variant != NULL;
  say(t, "\n### %s\n\n| key |%s value | default | |\n|---|%s---|---|---|\n", object->title,
      varies ? " with |" : "", varies ? "---|" : "");
  for (uint32_t i = 0; i < object->row_count; i++) {
    const struct sc_row *row = &object->rows[i];
    say(t, "| `%s` | ", row->key);
    if (varies) say_with(t, object, row);
    say_type(t, row);
    say(t, " | ");
    say_default(t, row);
    say(t, " | %s |\n", row->doc);
  }
  for (uint32_t i = 0; i < object->row_count; i++)
    if (object->rows[i].words != NULL && object->rows[i].words != sc_register_words &&
        object->rows[i].words[0].name != NULL)
      say_words(t, &object->rows[i]);
  for (uint32_t i = 0; i < object->row_count; i++) {
    const struct sc_object *sub = object->rows[i].sub;
    bool again = sub == NULL || sub->row_count == 0 ||
                 (sub == &sc_op_object && object != &sc_root) ||
                 (sub == &sc_op_object && strcmp(object->rows[i].key, "setup") != 0);
    if (!again) say_object(t, sub);
  }
}

static char *readme_text(const char *old) {
  struct text t = {0};
  const char *begin = strstr(old, BEGIN), *end = strstr(old, END);
  if (begin == NULL || end == NULL) return NULL;
  say(&t, "%.*s" BEGIN, (int)(begin - old), old);
  say_object(&t, &sc_root);
  say(&t, "\n%s", end);
  return t.at;
}

/* ---- files -------------------------------------------------------------------------------- */

static char *read_text(const char *path) {
  FILE *file = fopen(path, "rb");
  struct text t = {0};
  say(&t, "%s", "");
  int c;
  while (file != NULL && (c = getc(file)) != EOF) say(&t, "%c", c);
  if (file != NULL) fclose(file);
  return t.at;
}

/* Writes or checks one file; true: it is as it should be. */
static bool settle(const char *path, const char *old, const char *text, bool update) {
  if (text == NULL) return fprintf(stderr, "%s: has no place for the tables\n", path), false;
  if (strcmp(old, text) == 0) return true;
  if (!update) {
    fprintf(stderr, "%s: out of date; run scenario_doc update\n", path);
    return false;
  }
  FILE *file = fopen(path, "wb");
  bool ok = file != NULL && fputs(text, file) >= 0;
  if (file != NULL && fclose(file) != 0) ok = false;
  if (!ok) perror(path);
  return ok;
}

int main(int argc, char **argv) {
  if (argc != 3 || (strcmp(argv[1], "update") != 0 && strcmp(argv[1], "check") != 0)) {
    fputs("usage: scenario_doc update|check DIR\n", stderr);
    return 2;
  }
  bool update = argv[1][0] == 'u';
  char *schema_path = sim_printf("%s/scenario.schema.json", argv[2]);
  char *readme_path = sim_printf("%s/README.md", argv[2]);
  char *schema = schema_text(), *old_schema = read_text(schema_path);
  char *old_readme = read_text(readme_path), *readme = readme_text(old_readme);
  bool ok = settle(schema_path, old_schema, schema, update);
  ok = settle(readme_path, old_readme, readme, update) && ok;
  free(schema_path), free(readme_path), free(schema), free(old_schema);
  free(readme), free(old_readme);
  return ok ? 0 : 1;
}

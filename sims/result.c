#include "sims/result.h"

#include <cjson/cJSON.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sims/memory.h"
#include "sims/protocol.h"

static cJSON *exact_u64(uint64_t v) {
  char text[24];
  snprintf(text, sizeof text, "%" PRIu64, v);
  return cJSON_CreateRaw(text);
}

static cJSON *exact_i64(int64_t v) {
  char text[24];
  snprintf(text, sizeof text, "%" PRId64, v);
  return cJSON_CreateRaw(text);
}

static cJSON *number(double v) { return isfinite(v) ? cJSON_CreateNumber(v) : cJSON_CreateNull(); }

static cJSON *field_value(const struct sim_field *f, const void *base) {
  const void *at = (const char *)base + f->offset;
  const char *text;
  switch (f->kind) {
    case SIM_U64: return exact_u64(*(const uint64_t *)at);
    case SIM_I64: return exact_i64(*(const int64_t *)at);
    case SIM_F64: return number(*(const double *)at);
    case SIM_BOOL: return cJSON_CreateBool(*(const bool *)at);
    case SIM_TEXT:
      text = *(const char *const *)at;
      return text == NULL ? cJSON_CreateNull() : cJSON_CreateString(text);
  }
  return cJSON_CreateNull();
}

static cJSON *object_in(cJSON *parent, const char *name) {
  cJSON *child = cJSON_GetObjectItemCaseSensitive(parent, name);
  return child != NULL ? child : cJSON_AddObjectToObject(parent, name);
}

/* Adds value at the dotted path below root, making the objects on the way. */
static void add_at(cJSON *root, const char *path, cJSON *value) {
  char part[64];
  const char *dot;
  while ((dot = strchr(path, '.')) != NULL) {
    snprintf(part, sizeof part, "%.*s", (int)(dot - path), path);
    root = object_in(root, part);
    path = dot + 1;
  }
  cJSON_AddItemToObject(root, path, value);
}

static void add_table(cJSON *into, enum sim_field_table_id id, const void *base, unsigned has) {
  const struct sim_field_table *table = &sim_field_tables[id];
  for (uint32_t i = 0; i < table->count; i++) {
    const struct sim_field *f = &table->rows[i];
    bool measured = (f->needs & has) == f->needs;
    add_at(into, f->path, measured ? field_value(f, base) : cJSON_CreateNull());
  }
}

/* items: count structs of item_bytes, each by the rows of table id. */
static cJSON *array_of(enum sim_field_table_id id, const void *items, uint32_t count,
                       size_t item_bytes, unsigned has) {
  cJSON *array = cJSON_CreateArray();
  for (uint32_t i = 0; i < count; i++) {
    cJSON *o = cJSON_CreateObject();
    add_table(o, id, (const char *)items + i * item_bytes, has);
    cJSON_AddItemToArray(array, o);
  }
  return array;
}

/* The same as members of an object; every struct begins with its name. */
static cJSON *members_of(enum sim_field_table_id id, const void *items, uint32_t count,
                         size_t item_bytes) {
  cJSON *object = cJSON_CreateObject();
  for (uint32_t i = 0; i < count; i++) {
    const void *item = (const char *)items + i * item_bytes;
    cJSON *o = cJSON_AddObjectToObject(object, *(const char *const *)item);
    add_table(o, id, item, ~0u);
  }
  return object;
}

static void add_config(cJSON *doc, const char *json) {
  if (json == NULL) return;
  char *line = sim_strdup(json);
  cJSON_Minify(line); /* raw text: numbers stay as they were written */
  cJSON_AddItemToObject(doc, "config", cJSON_CreateRaw(line));
  free(line);
}

char *sim_result_line(const struct sim_result *r) {
  cJSON *line = cJSON_CreateObject();
  cJSON_AddStringToObject(line, "type", "result");
  cJSON *doc = cJSON_AddObjectToObject(line, "result");
  cJSON_AddStringToObject(doc, "schema", TRICOLOR_RESULT_SCHEMA);
  add_table(doc, SIM_TABLE_RUN, r, r->has);
  cJSON_AddItemToObject(doc, "mmu", array_of(SIM_TABLE_MMU, r->mmu, r->mmu_count,
                                             sizeof *r->mmu, r->has));
  add_at(doc, "pauses.worst", array_of(SIM_TABLE_WORST, r->worst, r->worst_count,
                                       sizeof *r->worst, r->has));
  add_at(doc, "gc.cycle_list", array_of(SIM_TABLE_CYCLE, r->cycles, r->cycle_count,
                                        sizeof *r->cycles, r->has));
  add_at(doc, "gc.by_size", array_of(SIM_TABLE_SIZE, r->sizes, r->size_count, sizeof *r->sizes,
                                     r->has));
  cJSON_AddItemToObject(doc, "maps", members_of(SIM_TABLE_MAP, r->maps, r->map_count,
                                                sizeof *r->maps));
  cJSON_AddItemToObject(doc, "lists", members_of(SIM_TABLE_LIST, r->lists, r->list_count,
                                                 sizeof *r->lists));
  cJSON_AddItemToObject(doc, "trees", members_of(SIM_TABLE_TREE, r->trees, r->tree_count,
                                                 sizeof *r->trees));
  cJSON_AddItemToObject(doc, "channels", members_of(SIM_TABLE_CHANNEL, r->channels,
                                                    r->channel_count, sizeof *r->channels));
  add_at(doc, "model.processors",
         array_of(SIM_TABLE_PROCESSOR, r->processors, r->processor_count, sizeof *r->processors,
                  r->has));
  cJSON_AddItemToObject(doc, "violations",
                        array_of(SIM_TABLE_VIOLATION, r->violations, r->violation_count,
                                 sizeof *r->violations, r->has));
  cJSON *notes = cJSON_AddArrayToObject(doc, "notes");
  for (uint32_t i = 0; i < r->note_count; i++)
    cJSON_AddItemToArray(notes, cJSON_CreateString(r->notes[i]));
  add_config(doc, r->config_json);
  char *text = cJSON_PrintUnformatted(line);
  cJSON_Delete(line);
  return text;
}

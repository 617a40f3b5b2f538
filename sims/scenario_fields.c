/* The fields of a scenario, as the rows of its table say where they are. */
#include <string.h>

#include "sims/scenario_int.h"

bool sc_row_applies(const struct sc_row *row, uint32_t variant) {
  return row->only == 0 || (variant < 32 && (row->only >> variant & 1) != 0);
}

uint64_t sc_read_uint(const void *field, uint32_t width) {
  uint64_t wide;
  uint32_t narrow;
  if (width == 1) return *(const uint8_t *)field;
  if (width == 4) return memcpy(&narrow, field, 4), narrow;
  return memcpy(&wide, field, 8), wide;
}

void sc_write_uint(void *field, uint32_t width, uint64_t value) {
  uint32_t narrow = (uint32_t)value;
  if (width == 1)
    *(uint8_t *)field = (uint8_t)value;
  else
    memcpy(field, width == 4 ? (const void *)&narrow : &value, width);
}

void sc_set_defaults(const struct sc_object *object, uint32_t variant, void *base) {
  for (uint32_t i = 0; i < object->row_count; i++) {
    const struct sc_row *row = &object->rows[i];
    char *field = (char *)base + row->offset;
    if (!sc_row_applies(row, variant) || row == object->variant) continue;
    switch (row->type) {
      case SC_TYPE_BOOL:
      case SC_TYPE_INT:
      case SC_TYPE_BYTES:
      case SC_TYPE_NS:
      case SC_TYPE_ENUM:
      case SC_TYPE_SET:
        sc_write_uint(field, row->width, row->initial);
        break;
      case SC_TYPE_DOUBLE:
        memcpy(field, &row->initial_double, sizeof(double));
        break;
      case SC_TYPE_TEXT:
      case SC_TYPE_WORD:
        if (row->initial_text != NULL) strcpy(field, row->initial_text);
        break;
      case SC_TYPE_REF:
        sc_write_uint(field, 4, UINT32_MAX);
        break;
      case SC_TYPE_OBJECT:
        sc_set_defaults(row->sub, 0, field);
        break;
      case SC_TYPE_NAME:
      case SC_TYPE_METRIC:
      case SC_TYPE_NAMED:
      case SC_TYPE_LIST:
      case SC_TYPE_NAMES:
      case SC_TYPE_VALUES:
      case SC_TYPE_HOLDER:
        break;
    }
  }
}

void *sc_array(const struct sc_row *row, const void *base, uint32_t *count) {
  void *array;
  memcpy(count, (const char *)base + row->count_offset, sizeof *count);
  memcpy(&array, (const char *)base + row->offset, sizeof array);
  return array;
}

const char *sc_space_noun(enum sc_space space) {
  static const char *const nouns[] = {"map", "list", "tree", "channel", "mutex", "object"};
  return nouns[space];
}

const char *sc_space_names(const struct scenario *s, enum sc_space space, uint32_t *count,
                           size_t *bytes) {
  const struct {
    const void *names;
    uint32_t count;
    size_t bytes;
  } spaces[SC_SPACES] = {
      {s->maps, s->map_count, sizeof *s->maps},
      {s->lists, s->list_count, sizeof *s->lists},
      {s->trees, s->tree_count, sizeof *s->trees},
      {s->channels, s->channel_count, sizeof *s->channels},
      {s->mutexes, s->mutex_count, sizeof *s->mutexes},
      {s->objects, s->object_count, sizeof *s->objects},
  };
  *count = spaces[space].count;
  *bytes = spaces[space].bytes;
  return spaces[space].names;
}

const char *sc_space_name(const struct scenario *s, enum sc_space space, uint32_t index) {
  uint32_t count = 0;
  size_t bytes = 0;
  const char *names = sc_space_names(s, space, &count, &bytes);
  return index < count ? names + index * bytes : NULL;
}

const char *sc_op_name(enum sc_op_kind kind) {
  return sc_op_words[kind].name;
}

const char *sc_register_name(uint32_t number) {
  return sc_register_words[number].name;
}

#include "sims/scenario.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sims/memory.h"
#include "sims/scenario_int.h"
#include "sims/suggest.h"

enum { ERRORS_MAX = 50 };

/* ---- errors ------------------------------------------------------------------------------- */

bool sc_errors_full(const struct sc_load *load) {
  return load->errors->count == ERRORS_MAX;
}

static void add_error(struct sc_load *load, const struct jp_node *node, uint32_t line,
                      uint32_t column, char *message) {
  struct sc_errors *errors = load->errors;
  if (sc_errors_full(load)) {
    errors->dropped++;
    free(message);
    return;
  }
  errors->list = sim_grow(errors->list, &load->room, errors->count, sizeof *errors->list);
  struct sc_error *e = &errors->list[errors->count++];
  *e = (struct sc_error){.line = line, .column = column, .message = message};
  e->pointer = jp_pointer(node);
  uint32_t origin = node != NULL ? node->origin : 0;
  if (origin > load->override_count) { /* a first choice: found where it stands among its values */
    const struct sc_choose_first *first = &load->firsts[origin - load->override_count - 1];
    if (!load->is_trial) { /* else whoever tries says so */
      e->message = sim_printf("with %s = %s: %s", first->path, first->value, message);
      free(message);
    }
    e->line = first->place->line;
    e->column = first->place->column;
    origin = first->place->origin;
  }
  if (origin > 0) {
    const struct sc_override *o = &load->overrides[origin - 1];
    e->file = sim_printf("--set %s=%s", o->path, o->value);
  } else {
    e->file = sim_strdup(load->file);
  }
}

char *sc_keep(struct sc_load *load, char *text) {
  load->kept = sim_grow(load->kept, &load->kept_room, load->kept_count, sizeof *load->kept);
  return load->kept[load->kept_count++] = text;
}

void sc_fail(struct sc_load *load, struct jp_node *node, const char *format, ...) {
  char *message = NULL;
  va_list args;
  va_start(args, format);
  if (vasprintf(&message, format, args) < 0) message = sim_strdup(format);
  va_end(args);
  node->bad = true;
  add_error(load, node, node->line, node->column, message);
}

void sc_fail_key(struct sc_load *load, struct jp_node *node, const char *format, ...) {
  char *message = NULL;
  va_list args;
  va_start(args, format);
  if (vasprintf(&message, format, args) < 0) message = sim_strdup(format);
  va_end(args);
  node->bad = true;
  add_error(load, node, node->key_line, node->key_column, message);
}

static void on_report(void *arg, uint32_t line, uint32_t column, const struct jp_node *node,
                      const char *message) {
  add_error(arg, node, line, column, sim_strdup(message));
}

static int by_place(const void *left, const void *right) {
  const struct sc_error *a = left, *b = right;
  bool a_nowhere = a->line == 0, b_nowhere = b->line == 0;
  if (a_nowhere != b_nowhere) return a_nowhere ? 1 : -1;
  if (a->line != b->line) return a->line < b->line ? -1 : 1;
  if (a->column != b->column) return a->column < b->column ? -1 : 1;
  int order = strcmp(a->file, b->file);
  return order != 0 ? order : strcmp(a->message, b->message);
}

void sc_errors_free(struct sc_errors *errors) {
  for (uint32_t i = 0; i < errors->count; i++) {
    free(errors->list[i].file);
    free(errors->list[i].pointer);
    free(errors->list[i].message);
  }
  free(errors->list);
  *errors = (struct sc_errors){0};
}

/* A terminal must not act on what a file holds, and a text cut to length may end within a
 * character: both become '?'. */
static void make_printable(char *text) {
  for (unsigned char *p = (unsigned char *)text; *p != '\0'; p++) {
    unsigned more = *p >= 0xf0 ? 3 : *p >= 0xe0 ? 2 : *p >= 0xc0 ? 1 : 0;
    bool whole = *p >= 0x20 && *p != 0x7f && (*p & 0xc0) != 0x80;
    for (unsigned i = 1; whole && i <= more; i++) whole = (p[i] & 0xc0) == 0x80;
    if (whole)
      p += more;
    else
      *p = '?';
  }
}

char *sc_error_format(const struct sc_error *error) {
  char where[32] = "";
  if (error->line > 0) snprintf(where, sizeof where, ":%u:%u", error->line, error->column);
  const char *colon = error->pointer[0] != '\0' ? ": " : "";
  char *out = sim_printf("%s%s%s%s: %s", error->file, where, colon, error->pointer, error->message);
  make_printable(out);
  return out;
}

static uint32_t error_total(const struct sc_load *load) {
  return load->errors->count + load->errors->dropped;
}

/* ---- objects and lists by the table ------------------------------------------------------- */

static void load_object(struct sc_load *load, const struct sc_object *object, struct jp_node *node,
                        void *base);

static void fail_kind(struct sc_load *load, struct jp_node *node, const char *allowed) {
  char found[128];
  sc_describe(node, found, sizeof found);
  sc_fail(load, node, "found %s, allowed: %s", found, allowed);
}

/* Allocates the array of a row for count elements. */
static char *new_array(const struct sc_row *row, void *base, uint32_t count) {
  char *array = sim_alloc((size_t)count * row->sub->bytes);
  memcpy((char *)base + row->offset, &array, sizeof array);
  memcpy((char *)base + row->count_offset, &count, sizeof count);
  return array;
}

static bool length_ok(struct sc_load *load, const struct sc_row *row, struct jp_node *node) {
  if (node->child_count >= row->min && node->child_count <= row->size) return true;
  sc_fail(load, node, "found %u elements, allowed: %u..%u", node->child_count, (unsigned)row->min,
          row->size);
  return false;
}

static void load_list(struct sc_load *load, const struct sc_row *row, struct jp_node *node,
                      void *base) {
  if (node->kind != JP_ARRAY) {
    char allowed[96];
    snprintf(allowed, sizeof allowed, "an array, each element %s", row->sub->what);
    fail_kind(load, node, allowed);
    return;
  }
  if (!length_ok(load, row, node)) return;
  char *element = new_array(row, base, node->child_count);
  for (struct jp_node *n = node->first; n != NULL; n = n->next, element += row->sub->bytes)
    load_object(load, row->sub, n, element);
}

static void load_named(struct sc_load *load, const struct sc_row *row, struct jp_node *node,
                       void *base) {
  if (node->kind != JP_OBJECT) {
    char allowed[96];
    snprintf(allowed, sizeof allowed, "an object, each value %s under its name", row->sub->what);
    fail_kind(load, node, allowed);
    return;
  }
  if (!length_ok(load, row, node)) return;
  char *elements = new_array(row, base, node->child_count), *element = elements, allowed[128];
  /* All names first: the things may refer to each other. */
  for (struct jp_node *n = node->first; n != NULL; n = n->next, element += row->sub->bytes) {
    if (n->duplicate) continue;
    if (sc_name_ok(n->key)) {
      strcpy(element, n->key);
    } else {
      sc_allowed(&(struct sc_row){.type = SC_TYPE_NAME}, allowed, sizeof allowed);
      sc_fail_key(load, n, "found \"%.64s\", allowed: %s", n->key, allowed);
    }
  }
  element = elements;
  for (struct jp_node *n = node->first; n != NULL; n = n->next, element += row->sub->bytes)
    if (!n->duplicate) load_object(load, row->sub, n, element);
}

static void load_names(struct sc_load *load, const struct sc_row *row, struct jp_node *node,
                       void *base) {
  if (node->kind != JP_ARRAY) {
    fail_kind(load, node, "an array of names");
    return;
  }
  if (!length_ok(load, row, node)) return;
  char *names = new_array(row, base, node->child_count);
  for (struct jp_node *n = node->first; n != NULL; n = n->next) {
    struct sc_row name = {
        .type = SC_TYPE_NAME, .offset = n->index * row->sub->bytes, .size = SC_NAME_MAX};
    sc_read_scalar(load, &name, n, names);
    for (uint32_t i = 0; !n->bad && i < n->index; i++) {
      if (strcmp(names + i * row->sub->bytes, names + name.offset) == 0)
        sc_fail(load, n, "found \"%s\" a second time, allowed: different names",
                n->json->valuestring);
    }
  }
}

static void load_values(struct sc_load *load, const struct sc_row *row, struct jp_node *node,
                        void *base) {
  if (node->kind != JP_ARRAY) {
    fail_kind(load, node, "an array of values");
    return;
  }
  if (!length_ok(load, row, node)) return;
  char **texts = sim_alloc(node->child_count * sizeof *texts);
  memcpy((char *)base + row->offset, &texts, sizeof texts);
  memcpy((char *)base + row->count_offset, &node->child_count, sizeof node->child_count);
  for (struct jp_node *n = node->first; n != NULL; n = n->next) texts[n->index] = sc_json_text(n);
}

static bool is_collection(const struct sc_row *row) {
  return row->type == SC_TYPE_LIST || row->type == SC_TYPE_NAMED || row->type == SC_TYPE_NAMES;
}

static void load_row(struct sc_load *load, const struct sc_row *row, struct jp_node *node,
                     void *base) {
  if (node->bad) return;
  if (row->type == SC_TYPE_LIST)
    load_list(load, row, node, base);
  else if (row->type == SC_TYPE_NAMED)
    load_named(load, row, node, base);
  else if (row->type == SC_TYPE_NAMES)
    load_names(load, row, node, base);
  else if (row->type == SC_TYPE_VALUES)
    load_values(load, row, node, base);
  else if (row->type == SC_TYPE_OBJECT)
    load_object(load, row->sub, node, (char *)base + row->offset);
  else
    sc_read_scalar(load, row, node, base);
}

/* The row of a key in this variant; without a known variant, in any. */
static const struct sc_row *find_row(const struct sc_object *object, const char *key,
                                     const uint32_t *variant) {
  for (uint32_t i = 0; i < object->row_count; i++) {
    const struct sc_row *row = &object->rows[i];
    if (strcmp(row->key, key) == 0 && (variant == NULL || sc_row_applies(row, *variant)))
      return row;
  }
  return NULL;
}

static void fail_elsewhere(struct sc_load *load, const struct sc_object *object,
                           struct jp_node *node, uint32_t variant) {
  const struct sim_choice *words = object->variant->words;
  char list[512];
  size_t used = 0;
  list[0] = '\0';
  for (uint32_t v = 0; words[v].name != NULL && used < sizeof list; v++) {
    if (find_row(object, node->key, &v) == NULL) continue;
    used += (size_t)snprintf(list + used, sizeof list - used, "%s\"%s\"", used == 0 ? "" : ", ",
                             words[v].name);
  }
  sc_fail_key(load, node, "\"%s\" does not apply to %s \"%s\", allowed with: %s", node->key,
              object->variant->key, words[variant].name, list);
}

static void fail_unknown(struct sc_load *load, const struct sc_object *object, struct jp_node *node,
                         const uint32_t *variant) {
  struct sim_suggest near = {.typed = node->key};
  char list[512];
  size_t used = 0;
  if (sc_errors_full(load)) { /* no search for a text nobody will see */
    sc_fail_key(load, node, "unknown key");
    return;
  }
  list[0] = '\0';
  for (uint32_t i = 0; i < object->row_count; i++) {
    const struct sc_row *row = &object->rows[i];
    if (variant != NULL && !sc_row_applies(row, *variant)) continue;
    sim_suggest_offer(&near, row->key);
    if (used < sizeof list)
      used += (size_t)snprintf(list + used, sizeof list - used, "%s\"%s\"", used == 0 ? "" : ", ",
                               row->key);
  }
  if (near.best != NULL)
    sc_fail_key(load, node, "unknown key \"%.64s\" (did you mean \"%s\"?)", node->key, near.best);
  else
    sc_fail_key(load, node, "unknown key \"%.64s\", allowed in %s: %s", node->key, object->what,
                list);
}

static void judge_keys(struct sc_load *load, const struct sc_object *object, struct jp_node *node,
                       const uint32_t *variant) {
  for (struct jp_node *n = node->first; n != NULL; n = n->next) {
    if (n->duplicate || find_row(object, n->key, variant) != NULL) continue;
    if (object == &sc_root && strcmp(n->key, "$schema") == 0) {
      if (n->kind != JP_STRING) fail_kind(load, n, "the address of the schema");
    } else if (variant != NULL && find_row(object, n->key, NULL) != NULL) {
      fail_elsewhere(load, object, n, *variant);
    } else {
      fail_unknown(load, object, n, variant);
    }
  }
}

/* Whether what a key may be depends on the variant, which is not known. */
static bool is_open(const struct sc_object *object, const struct sc_row *row) {
  for (uint32_t i = 0; i < object->row_count; i++) {
    const struct sc_row *other = &object->rows[i];
    if (strcmp(other->key, row->key) == 0 &&
        (other->words != row->words || other->max != row->max))
      return true;
  }
  return false;
}

/* A litmus program stands in for what a program of goroutines must have. */
static bool is_waived(const struct sc_object *object, const struct sc_row *row,
                      const struct jp_node *node) {
  return object == &sc_root && !sc_is_for_litmus(row->key) && jp_member(node, "litmus") != NULL;
}

/* Reads the members of node by the rows; which: collections or the rest. */
static void load_rows(struct sc_load *load, const struct sc_object *object, struct jp_node *node,
                      void *base, const uint32_t *variant, bool collections) {
  for (uint32_t i = 0; i < object->row_count; i++) {
    const struct sc_row *row = &object->rows[i];
    if (is_collection(row) != collections || row == object->variant) continue;
    if (find_row(object, row->key, variant) != row) continue;
    if (variant == NULL && is_open(object, row)) continue;
    struct jp_node *member = jp_member(node, row->key);
    if (member != NULL)
      load_row(load, row, member, base);
    else if (row->required && variant != NULL && !is_waived(object, row, node))
      sc_fail(load, node, "missing key \"%s\": %s", row->key, row->doc);
  }
}

/* Reads the row that selects the variant; false: it is wrong, so that nobody knows. */
static bool load_variant(struct sc_load *load, const struct sc_object *object, struct jp_node *node,
                         void *base, uint32_t *variant) {
  const struct sc_row *row = object->variant;
  *variant = 0;
  if (row == NULL) return true;
  char *field = (char *)base + row->offset;
  struct jp_node *member = jp_member(node, row->key);
  sc_write_uint(field, row->width, row->initial);
  if (member == NULL && row->required) {
    sc_fail(load, node, "missing key \"%s\": %s", row->key, row->doc);
    return false;
  }
  if (member != NULL) sc_read_scalar(load, row, member, base);
  *variant = (uint32_t)sc_read_uint(field, row->width);
  return member == NULL || !member->bad;
}

static void load_object(struct sc_load *load, const struct sc_object *object, struct jp_node *node,
                        void *base) {
  uint32_t before = error_total(load), variant = 0;
  if (node->bad) return;
  if (node->kind != JP_OBJECT) {
    char allowed[96];
    snprintf(allowed, sizeof allowed, "an object: %s", object->what);
    fail_kind(load, node, allowed);
    return;
  }
  bool known = load_variant(load, object, node, base, &variant);
  if (known) sc_set_defaults(object, variant, base);
  judge_keys(load, object, node, known ? &variant : NULL);
  load_rows(load, object, node, base, known ? &variant : NULL, false);
  bool clean = error_total(load) == before;
  load_rows(load, object, node, base, known ? &variant : NULL, true);
  if (clean && object->check != NULL) object->check(load, node, base);
}

/* ---- overrides ---------------------------------------------------------------------------- */

static void fail_override(struct sc_load *load, uint32_t origin, const char *message) {
  struct jp_node nowhere = {.origin = origin};
  sc_fail(load, &nowhere, "%s", message);
}

/* The element of an array called by index or, for objects with a "name", by name. */
static struct jp_node *step_array(struct sc_load *load, struct jp_node *array, const char *step,
                                  uint32_t origin) {
  char message[192];
  struct sim_suggest near = {.typed = step};
  size_t length = strlen(step);
  if (length == strspn(step, "0123456789") && length < 10) {
    struct jp_node *element = jp_element(array, (uint32_t)strtoul(step, NULL, 10));
    if (element != NULL) return element;
    snprintf(message, sizeof message, "found element %s, allowed in an array of %u: 0..%u", step,
             array->child_count, array->child_count == 0 ? 0 : array->child_count - 1);
    fail_override(load, origin, message);
    return NULL;
  }
  for (struct jp_node *n = array->first; n != NULL; n = n->next) {
    const struct jp_node *name = n->kind == JP_OBJECT ? jp_member(n, "name") : NULL;
    if (name == NULL || name->kind != JP_STRING || name->bad) continue;
    if (strcmp(name->json->valuestring, step) == 0) return n;
    sim_suggest_offer(&near, name->json->valuestring);
  }
  snprintf(message, sizeof message, "found \"%.64s\" in an array, allowed: a number%s%.64s%s", step,
           near.best != NULL ? " (did you mean \"" : "", near.best != NULL ? near.best : "",
           near.best != NULL ? "\"?)" : " or the name of an element");
  fail_override(load, origin, message);
  return NULL;
}

/* A member that is not there yet is made, and judged later like any other. Only a thing that would
 * get a new name by that is refused here: the name is more likely mistyped. */
static struct jp_node *step_object(struct sc_load *load, struct jp_node *object, const char *step,
                                   uint32_t origin) {
  struct jp_node *member = jp_member(object, step);
  if (member != NULL) return member;
  const struct sc_row *row = NULL;
  if (object->parent != NULL && object->parent->parent == NULL)
    row = find_row(&sc_root, object->key, NULL);
  if (row == NULL || row->type != SC_TYPE_NAMED)
    return jp_add_member(load->doc, object, step, origin);
  char message[192];
  struct sim_suggest near = {.typed = step};
  for (struct jp_node *n = object->first; n != NULL; n = n->next)
    if (!n->duplicate) sim_suggest_offer(&near, n->key);
  snprintf(message, sizeof message, "there is no \"%.64s\" in %s%s%.64s%s", step, object->key,
           near.best != NULL ? " (did you mean \"" : "", near.best != NULL ? near.best : "",
           near.best != NULL ? "\"?)" : "");
  fail_override(load, origin, message);
  return NULL;
}

struct jp_node *sc_find_path(struct sc_load *load, const char *path, uint32_t origin) {
  struct jp_node *node = jp_root(load->doc);
  char *copy = sim_strdup(path), *rest = copy, *step = NULL;
  while (node != NULL && (step = strsep(&rest, ".")) != NULL) {
    if (step[0] == '\0') {
      fail_override(load, origin, "found an empty step, allowed: a path such as gc.gogc");
      node = NULL;
    } else if (node->kind == JP_ARRAY) {
      node = step_array(load, node, step, origin);
    } else if (node->kind == JP_OBJECT) {
      node = step_object(load, node, step, origin);
    } else {
      char message[160];
      snprintf(message, sizeof message, "\"%.64s\" is a step into a value that has no parts", step);
      fail_override(load, origin, message);
      node = NULL;
    }
  }
  free(copy);
  return node;
}

static void count_report(void *arg, uint32_t line, uint32_t column, const struct jp_node *node,
                         const char *message) {
  char **first = arg;
  (void)line;
  (void)node;
  if (*first == NULL) *first = sim_printf("at character %u: %s", column, message);
}

/* The value of an override: JSON, or else a bare word. */
static struct jp_doc *parse_value(struct sc_load *load, const char *value, uint32_t origin) {
  char *fault = NULL;
  struct jp_doc *doc = jp_parse(value, strlen(value), count_report, &fault);
  if (fault == NULL) return doc;
  jp_free(doc);
  if (value[0] != '\0' && strchr("{[\"", value[0]) != NULL) {
    fail_override(load, origin, fault);
    free(fault);
    return NULL;
  }
  free(fault);
  fault = NULL;
  cJSON *string = cJSON_CreateString(value);
  char *quoted = cJSON_PrintUnformatted(string);
  cJSON_Delete(string);
  const char *text = sc_keep(load, sim_strdup(quoted));
  cJSON_free(quoted);
  doc = jp_parse(text, strlen(text), count_report, &fault);
  if (fault == NULL) return doc;
  fail_override(load, origin, fault);
  free(fault);
  jp_free(doc);
  return NULL;
}

/* A path that is chosen by "choose": the value becomes the only one of its choice. */
static void fix_choice(struct sc_load *load, struct jp_node *values, struct jp_doc *value,
                       uint32_t origin) {
  char *text = sc_json_text(jp_root(value));
  const char *list = sc_keep(load, sim_printf("[%s]", text));
  char *fault = NULL;
  free(text);
  jp_free(value);
  struct jp_doc *one = jp_parse(list, strlen(list), count_report, &fault);
  free(fault);
  if (one != NULL) jp_graft(load->doc, values, one, origin);
}

static void apply_override(struct sc_load *load, uint32_t origin) {
  const struct sc_override *override = &load->overrides[origin - 1];
  struct jp_doc *value = parse_value(load, override->value, origin);
  if (value == NULL) return;
  struct jp_node *values = sc_chosen_values(load, override->path);
  if (values != NULL) {
    fix_choice(load, values, value, origin);
    return;
  }
  struct jp_node *at = sc_find_path(load, override->path, origin);
  if (at != NULL)
    jp_graft(load->doc, at, value, origin);
  else
    jp_free(value);
}

/* ---- the whole ---------------------------------------------------------------------------- */

static void free_ops(struct sc_op *ops, uint32_t count) {
  for (uint32_t i = 0; i < count; i++) free_ops(ops[i].body, ops[i].body_count);
  free(ops);
}

void scenario_free(struct scenario *s) {
  if (s == NULL) return;
  free_ops(s->setup, s->setup_count);
  for (uint32_t i = 0; i < s->group_count; i++)
    free_ops(s->groups[i].body, s->groups[i].body_count);
  free(s->groups);
  free(s->maps);
  free(s->lists);
  free(s->trees);
  free(s->channels);
  free(s->mutexes);
  free(s->objects);
  for (uint32_t i = 0; i < s->choose_count; i++) {
    for (uint32_t v = 0; v < s->chooses[i].value_count; v++) free(s->chooses[i].values[v]);
    free(s->chooses[i].values);
  }
  free(s->chooses);
  free(s->expects);
  free(s->resolved_json);
  free(s);
}

static void load_document(struct sc_load *load) {
  for (uint32_t i = 0; i < load->override_count; i++) apply_override(load, i + 1);
  sc_choose_first(load);
  sc_set_defaults(&sc_root, 0, load->s);
  load_object(load, &sc_root, jp_root(load->doc), load->s);
  if (error_total(load) == 0) sc_check_program(load, jp_root(load->doc));
  if (error_total(load) == 0 && !load->is_trial) sc_try_choices(load);
}

static struct scenario *load_scenario(struct sc_load *load) {
  struct sc_errors *errors = load->errors;
  load->s = sim_alloc(sizeof *load->s);
  load->doc = jp_parse(load->text, load->length, on_report, load);
  if (load->doc != NULL) load_document(load);
  jp_free(load->doc);
  for (uint32_t i = 0; i < load->kept_count; i++) free(load->kept[i]);
  free(load->kept);
  free(load->firsts);
  if (error_total(load) == 0) {
    load->s->resolved_json = sc_resolve(load->s);
    return load->s;
  }
  if (errors->count > 0) qsort(errors->list, errors->count, sizeof *errors->list, by_place);
  scenario_free(load->s);
  return NULL;
}

struct scenario *sc_load_with(const struct sc_load *load, struct sc_override more,
                              struct sc_errors *errors) {
  uint32_t count = load->override_count;
  struct sc_override *overrides = sim_alloc((count + 1) * sizeof *overrides);
  for (uint32_t i = 0; i < count; i++) overrides[i] = load->overrides[i];
  overrides[count] = more;
  *errors = (struct sc_errors){0};
  struct sc_load trial = {.file = load->file, .text = load->text, .length = load->length,
                          .overrides = overrides, .override_count = count + 1,
                          .is_trial = true, .errors = errors};
  struct scenario *s = load_scenario(&trial);
  free(overrides);
  return s;
}

struct scenario *scenario_load(const char *file, const char *text, size_t length,
                               const struct sc_override *overrides, uint32_t override_count,
                               struct sc_errors *errors) {
  *errors = (struct sc_errors){0};
  struct sc_load load = {.file = file, .text = text, .length = length, .overrides = overrides,
                         .override_count = override_count, .errors = errors};
  if (length <= SC_FILE_MAX_BYTES) return load_scenario(&load);
  add_error(
      &load, NULL, 0, 0,
      sim_printf("found more than %d bytes, the most a scenario may have", SC_FILE_MAX_BYTES));
  return NULL;
}

/* Reads at most one byte more than is allowed; the number of bytes, or -1. */
static ssize_t read_file(int fd, char *text) {
  size_t length = 0;
  while (length <= SC_FILE_MAX_BYTES) {
    ssize_t n = read(fd, text + length, SC_FILE_MAX_BYTES + 1 - length);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return -1;
    if (n == 0) break;
    length += (size_t)n;
  }
  return (ssize_t)length;
}

struct scenario *scenario_load_file(const char *path, const struct sc_override *overrides,
                                    uint32_t override_count, struct sc_errors *errors) {
  struct sc_load load = {.file = path, .overrides = overrides, .errors = errors};
  struct scenario *s = NULL;
  struct stat status;
  *errors = (struct sc_errors){0};
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
  if (fd < 0 || fstat(fd, &status) != 0) {
    add_error(&load, NULL, 0, 0, sim_printf("cannot be opened: %s", strerror(errno)));
  } else if (S_ISDIR(status.st_mode)) {
    add_error(&load, NULL, 0, 0, sim_strdup("found a directory, allowed: a scenario file"));
  } else if (S_ISREG(status.st_mode) && status.st_size > SC_FILE_MAX_BYTES) {
    add_error(&load, NULL, 0, 0,
              sim_printf("found %lld bytes, allowed: at most %d", (long long)status.st_size,
                         SC_FILE_MAX_BYTES));
  } else {
    char *text = sim_alloc(SC_FILE_MAX_BYTES + 1);
    ssize_t length = read_file(fd, text);
    if (length < 0)
      add_error(&load, NULL, 0, 0, sim_printf("cannot be read: %s", strerror(errno)));
    else
      s = scenario_load(path, text, (size_t)length, overrides, override_count, errors);
    free(text);
  }
  if (fd >= 0) close(fd);
  return s;
}

#include "tests/scenario/cases.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sims/memory.h"
#include "sims/scenario_int.h"

#define THINGS                                                                      \
  "'maps':{'m':{},'w':{'key':'string'},'r':{'allow_races':true}},'lists':{'q':{}}," \
  "'trees':{'t':{}},'channels':{'c':{}},'mutexes':['k','l'],'objects':{'o':{'root':true}},"
#define TOP(x) "{'name':'test'," x "," REST "}"
#define REST "'goroutines':[{'body':[{'op':'gc'}]}]"
#define PROGRAM(x) "{'name':'test'," THINGS x "," REST "}"
#define OP(x) "{'name':'test'," THINGS "'goroutines':[{'body':[" x "]}]}"
#define PAIR(x, y) \
  "{'name':'test'," THINGS "'goroutines':[{'count':2,'body':[" x "]},{'body':[" y "]}]}"

struct written {
  enum case_kind kind;
  const char *text, *pointer, *fragment;
  size_t length;
};

static const struct written written[] = {
#define CASE(kind, text, pointer, fragment) \
  {CASE_##kind, text, pointer, fragment, sizeof(text) - 1},
#include "tests/scenario/cases.def"
#undef CASE
};

/* Adds a text in the notation of cases.def. */
static struct test_case *add(struct test_cases *cases, enum case_kind kind, const char *text,
                             size_t length) {
  cases->list = sim_grow(cases->list, &cases->room, cases->count, sizeof *cases->list);
  struct test_case *c = &cases->list[cases->count++];
  *c = (struct test_case){.kind = kind, .text = sim_alloc(length + 1)};
  uint32_t line = 1, column = 1;
  for (size_t i = 0; i < length; i++) {
    if (text[i] == '`') {
      c->line = line;
      c->column = column;
      continue;
    }
    c->text[c->length++] = text[i] == '\'' ? '"' : text[i];
    if (text[i] == '\n')
      line++, column = 1;
    else if (((unsigned char)text[i] & 0xc0) != 0x80)
      column++;
  }
  return c;
}

/* ---- cases from the table ----------------------------------------------------------------- */

struct context {
  struct test_cases *cases;
  const struct sc_object *object;
  uint32_t variant;
  bool again;                           /* the row was tried in an earlier variant */
  const char *before, *after, *pointer; /* the document around the object */
};

/* A text that must be a path. */
static bool is_path(const struct sc_row *row) {
  return strcmp(row->key, "set") == 0;
}

/* A right value of a row, in the notation of cases.def. */
static char *right_value(const struct sc_row *row) {
  static const char *const names[SC_SPACES] = {"'m'", "'q'", "'t'", "'c'", "'k'", "'o'"};
  uint64_t value = row->multiple > 1 ? row->min + row->min % row->multiple : row->min;
  switch (row->type) {
    case SC_TYPE_BOOL:
      return sim_strdup("true");
    case SC_TYPE_INT:
    case SC_TYPE_BYTES:
    case SC_TYPE_NS:
      return sim_printf("%" PRIu64, value);
    case SC_TYPE_DOUBLE:
      return sim_printf("%g", row->low < row->high ? row->high : 1.5);
    case SC_TYPE_TEXT:
    case SC_TYPE_NAME:
    case SC_TYPE_METRIC:
      return sim_strdup(is_path(row) ? "'seed'" : "'text'");
    case SC_TYPE_WORD:
    case SC_TYPE_ENUM:
      return sim_printf("'%s'", row->words[0].name);
    case SC_TYPE_SET:
      if (row->words[0].name == NULL) return sim_strdup("[]");
      return sim_printf("['%s']", row->words[0].name);
    case SC_TYPE_REF:
      return sim_strdup(names[row->space]);
    case SC_TYPE_HOLDER:
      return sim_strdup("'r1'");
    case SC_TYPE_VALUES:
      return sim_strdup("[1,2]");
    case SC_TYPE_OBJECT:
      if (strcmp(row->key, "litmus") == 0)
        return sim_strdup("{'program':'litmus-1','variant':'none'}");
      return sim_strdup("{}");
    case SC_TYPE_NAMED:
      return sim_strdup("{}");
    case SC_TYPE_LIST:
      if (strcmp(row->key, "goroutines") == 0) return sim_strdup("[{'body':[{'op':'gc'}]}]");
      return sim_strdup(row->min > 0 ? "[{'op':'gc'}]" : "[]");
    case SC_TYPE_NAMES:
      return sim_strdup("['one','two']");
  }
  return NULL;
}

/* What an object needs beside `key` to be right, with commas behind. */
static char *companions(const struct context *x, const struct sc_row *tried) {
  char *out = sim_strdup("");
  const char *key = tried == NULL ? "" : tried->key;
  for (uint32_t i = 0; i < x->object->row_count; i++) {
    const struct sc_row *row = &x->object->rows[i];
    bool is_variant = row == x->object->variant;
    if ((!row->required && !is_variant) || !sc_row_applies(row, x->variant)) continue;
    if (strcmp(row->key, key) == 0) continue;
    if (strcmp(key, "litmus") == 0 && !sc_is_for_litmus(row->key)) continue;
    char *value = is_variant ? sim_printf("'%s'", row->words[x->variant].name) : right_value(row);
    if (x->object == &sc_op_object && strcmp(row->key, "bytes") == 0)
      free(value), value = sim_strdup("1073741824");
    char *more = sim_printf("%s'%s':%s,", out, row->key, value);
    free(value);
    free(out);
    out = more;
  }
  const char *extra = "";
  bool is_loop = x->object == &sc_op_object && x->variant == SC_OP_LOOP;
  if (is_loop && strcmp(key, "count") != 0 && strcmp(key, "duration_ns") != 0) extra = "'count':3,";
  if (strcmp(x->object->id, "expectation") == 0 && strcmp(key, "equals") != 0) extra = "'min':1,";
  if (strcmp(x->object->id, "expectation") == 0 && strcmp(key, "min") == 0) extra = "";
  if (strcmp(x->object->id, "map") == 0 && strcmp(key, "key_bytes") == 0) extra = "'key':'string',";
  if (strcmp(x->object->id, "map") == 0 && strcmp(key, "shards") == 0) extra = "'kind':'sharded',";
  if (strcmp(x->object->id, "map") == 0 && strcmp(key, "value_bytes") == 0)
    extra = "'value':'pointer',";
  char *all = sim_printf("%s%s", out, extra);
  free(out);
  return all;
}

/* The object with key: value. at_key: whether an error is about the key. */
static void try_value(struct context *x, const struct sc_row *row, enum case_kind kind,
                      const char *value) {
  char *others = companions(x, row);
  bool valid = kind == CASE_VALID;
  char *text =
      sim_printf("%s%s'%s':%s%s%s", x->before, others, row->key, valid ? "" : "`", value, x->after);
  struct test_case *c = add(x->cases, kind, text, strlen(text));
  c->again = x->again;
  if (!valid) c->pointer = sim_printf("%s/%s", x->pointer, row->key);
  free(text);
  free(others);
}

static void try_each(struct context *x, const struct sc_row *row, enum case_kind kind,
                     const char *const *values) {
  for (; *values != NULL; values++) {
    bool is_right = row->nullable && strcmp(*values, "null") == 0;
    try_value(x, row, is_right ? CASE_VALID : kind, *values);
  }
}

static void try_number(struct context *x, const struct sc_row *row, enum case_kind kind,
                       uint64_t value) {
  char text[24];
  snprintf(text, sizeof text, "%" PRIu64, value);
  try_value(x, row, kind, text);
}

static void try_integers(struct context *x, const struct sc_row *row) {
  static const char *const wrong[] = {"true", "null", "'7'", "''",   "[]",
                                      "{}",   "1.5",  "-1",  "-0.5", "18446744073709551616",
                                      "1e30", NULL};
  static const char *const no_size[] = {"'1KB'", "'1 KiB'", "'-1B'",  "'1.5KiB'", "'01KiB'",
                                        "'KiB'", "'1KiBB'", "'1kib'", "'1ns'",    NULL};
  static const char *const no_time[] = {"'1 ms'", "'-1ms'", "'1.ms'", "'.5ms'",  "'01ms'", "'ms'",
                                        "'1h'",   "'1MS'",  "'1KiB'", "'1e3ns'", NULL};
  try_each(x, row, CASE_STRUCTURE, wrong);
  if (row->type != SC_TYPE_NS) try_value(x, row, CASE_STRUCTURE, "'7ms'");
  if (row->type == SC_TYPE_BYTES) try_each(x, row, CASE_STRUCTURE, no_size);
  if (row->type == SC_TYPE_BYTES) try_value(x, row, CASE_MEANING, "'99999999999999TiB'");
  if (row->type == SC_TYPE_NS) try_each(x, row, CASE_STRUCTURE, no_time);
  if (row->type == SC_TYPE_NS) try_value(x, row, CASE_MEANING, "'0.1ns'");
  if (row->min > 0) try_number(x, row, CASE_STRUCTURE, row->min - 1);
  if (row->max < UINT64_MAX) try_number(x, row, CASE_STRUCTURE, row->max + 1);
  if (row->multiple > 1) try_number(x, row, CASE_STRUCTURE, row->min + row->multiple / 2);
  if (strcmp(row->key, "value_bytes") != 0) try_number(x, row, CASE_VALID, row->min);
  try_number(x, row, CASE_VALID, row->max);
  if (row->special == NULL) return;
  char *word = sim_printf("'%s'", row->special), *longer = sim_printf("'%sx'", row->special);
  try_value(x, row, CASE_VALID, word);
  try_value(x, row, CASE_STRUCTURE, longer);
  free(word);
  free(longer);
}

static void try_texts(struct context *x, const struct sc_row *row) {
  static const char *const wrong[] = {"1", "null", "true", "[]", "{}", NULL};
  static const char *const no_name[] = {"''", "'9a'", "'a b'", "'-a'", "'a.b'", "'\xc3\xa9'", NULL};
  static const char *const no_path[] = {"''", "'.a'", "'-a'", "'a b'", "'a/b'", NULL};
  char *longest = sim_alloc(row->size + 8);
  try_each(x, row, CASE_STRUCTURE, wrong);
  if (row->type == SC_TYPE_NAME) try_each(x, row, CASE_STRUCTURE, no_name);
  if (row->type == SC_TYPE_METRIC) try_each(x, row, CASE_STRUCTURE, no_path);
  memset(longest, 'a', row->size + 1);
  longest[0] = longest[row->size] = '\'';
  if (!is_path(row)) try_value(x, row, CASE_VALID, longest);
  longest[row->size] = 'a';
  longest[row->size + 1] = '\'';
  try_value(x, row, CASE_STRUCTURE, longest);
  free(longest);
}

static void try_words(struct context *x, const struct sc_row *row) {
  static const char *const wrong[] = {"1", "null", "true", "[]", "{}", "''", "'nonesuch'", NULL};
  try_each(x, row, CASE_STRUCTURE, wrong);
  for (uint32_t i = 0; row->words[i].name != NULL; i++) {
    char *word = sim_printf("'%s'", row->words[i].name);
    if (row != x->object->variant) try_value(x, row, CASE_VALID, word);
    free(word);
  }
}

static void try_set(struct context *x, const struct sc_row *row) {
  static const char *const wrong[] = {"1", "null", "true", "'x'", "{}", NULL};
  try_each(x, row, CASE_STRUCTURE, wrong);
  try_value(x, row, row->min > 0 ? CASE_STRUCTURE : CASE_VALID, "[]");
  for (uint32_t i = 0; row->words[i].name != NULL; i++) {
    char *one = sim_printf("['%s']", row->words[i].name);
    try_value(x, row, CASE_VALID, one);
    free(one);
  }
}

/* A thing with a wrong name: the error is about the key inside the value. */
static void try_bad_names(struct context *x, const struct sc_row *row) {
  static const char *const wrong[] = {"", "9", "a b", "-a", "a.b", "a/b"};
  for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
    char *others = companions(x, row);
    char *text =
        sim_printf("%s%s'%s':{`'%s':{}}%s", x->before, others, row->key, wrong[i], x->after);
    struct test_case *c = add(x->cases, CASE_STRUCTURE, text, strlen(text));
    bool slash = strchr(wrong[i], '/') != NULL;
    c->pointer = sim_printf("%s/%s/%s", x->pointer, row->key, slash ? "a~1b" : wrong[i]);
    free(text);
    free(others);
  }
}

static void try_row(struct context *x, const struct sc_row *row) {
  static const char *const no_bool[] = {"0", "1", "null", "'true'", "[]", "{}", NULL};
  static const char *const no_double[] = {"true", "null", "'1'", "[]", "{}", NULL};
  static const char *const no_ref[] = {"1", "null", "true", "[]", "{}", "''", "'9'", NULL};
  static const char *const no_object[] = {"1", "null", "true", "'x'", "[]", NULL};
  static const char *const no_named[] = {"1", "null", "true", "'x'", "[]", NULL};
  static const char *const no_list[] = {"1", "null", "true", "'x'", "{}", NULL};
  char *right = NULL;
  switch (row->type) {
    case SC_TYPE_BOOL:
      try_each(x, row, CASE_STRUCTURE, no_bool);
      try_value(x, row, CASE_VALID, "false");
      break;
    case SC_TYPE_INT:
    case SC_TYPE_BYTES:
    case SC_TYPE_NS:
      try_integers(x, row);
      break;
    case SC_TYPE_DOUBLE:
      try_each(x, row, CASE_STRUCTURE, no_double);
      break;
    case SC_TYPE_TEXT:
    case SC_TYPE_NAME:
    case SC_TYPE_METRIC:
      try_texts(x, row);
      break;
    case SC_TYPE_WORD:
    case SC_TYPE_ENUM:
      try_words(x, row);
      break;
    case SC_TYPE_SET:
      try_set(x, row);
      break;
    case SC_TYPE_REF:
      try_each(x, row, CASE_STRUCTURE, no_ref);
      try_value(x, row, CASE_MEANING, "'nonesuch'");
      break;
    case SC_TYPE_HOLDER:
      try_each(x, row, CASE_STRUCTURE, no_ref);
      try_value(x, row, CASE_MEANING, "'r8'");
      break;
    case SC_TYPE_VALUES:
      try_each(x, row, CASE_STRUCTURE, no_list);
      try_value(x, row, CASE_STRUCTURE, "[]");
      break;
    case SC_TYPE_OBJECT:
      try_each(x, row, CASE_STRUCTURE, no_object);
      break;
    case SC_TYPE_NAMED:
      try_each(x, row, CASE_STRUCTURE, no_named);
      try_bad_names(x, row);
      break;
    case SC_TYPE_LIST:
    case SC_TYPE_NAMES:
      try_each(x, row, CASE_STRUCTURE, no_list);
      if (row->min > 0) try_value(x, row, CASE_STRUCTURE, "[]");
      break;
  }
  right = right_value(row);
  bool alone = row != x->object->variant && strcmp(row->key, "value_bytes") != 0;
  if (alone) try_value(x, row, CASE_VALID, right);
  free(right);
}

/* A key that the object does not have, or not in this variant. */
static void try_foreign(struct context *x, const char *key, const char *value) {
  char *others = companions(x, NULL);
  char *text = sim_printf("%s%s`'%s':%s%s", x->before, others, key, value, x->after);
  struct test_case *c = add(x->cases, CASE_STRUCTURE, text, strlen(text));
  c->pointer = sim_printf("%s/%s", x->pointer, key);
  free(text);
  free(others);
}

static void try_missing(struct context *x, const struct sc_row *row) {
  char *others = companions(x, row);
  size_t length = strlen(others);
  if (length > 0 && others[length - 1] == ',') others[length - 1] = '\0';
  char *text = sim_printf("%s%s%s", x->before, others, x->after);
  struct test_case *c = add(x->cases, CASE_STRUCTURE, text, strlen(text));
  c->pointer = sim_strdup(x->pointer);
  c->fragment = sim_printf("missing key \"%s\"", row->key);
  free(text);
  free(others);
}

static bool applied_before(const struct sc_row *row, uint32_t variant) {
  for (uint32_t v = 0; v < variant; v++)
    if (sc_row_applies(row, v)) return true;
  return false;
}

static void try_object(struct context *x) {
  for (uint32_t i = 0; i < x->object->row_count; i++) {
    const struct sc_row *row = &x->object->rows[i];
    bool elsewhere = false;
    x->again = x->variant > 0 && applied_before(row, x->variant);
    if (sc_row_applies(row, x->variant)) {
      try_row(x, row);
      if (row->required) try_missing(x, row);
      continue;
    }
    for (uint32_t k = 0; k < x->object->row_count; k++)
      elsewhere |= k != i && strcmp(x->object->rows[k].key, row->key) == 0 &&
                   (k < i || sc_row_applies(&x->object->rows[k], x->variant));
    if (elsewhere) continue;
    char *value = right_value(row);
    try_foreign(x, row->key, value);
    free(value);
  }
  try_foreign(x, "nonesuch", "1");
  try_foreign(x, "", "null");
}

/* Where the objects of the vocabulary stand in a document. The last member of `before` may be
 * followed by the object's own members; the root brings what it needs itself. */
static const struct {
  const char *id, *before, *after, *pointer;
} places[] = {
    {"scenario", "{", "}", ""},
    {"runtime", "{'name':'x','expect_violation':'v'," REST ",'runtime':{", "}}", "/runtime"},
    {"gc", "{'name':'x','expect_violation':'v'," REST ",'gc':{", "}}", "/gc"},
    {"barrier", "{'name':'x'," REST ",'gc':{'mode':'stw','barrier':{", "}}}", "/gc/barrier"},
    {"pacer", "{'name':'x'," REST ",'gc':{'pacer':{", "}}}", "/gc/pacer"},
    {"boehm", "{'name':'x'," REST ",'gc':{'boehm':{", "}}}", "/gc/boehm"},
    {"explore", "{'name':'x'," REST ",'explore':{", "}}", "/explore"},
    {"litmus", "{'name':'x','litmus':{", "}}", "/litmus"},
    {"map", "{'name':'x','expect_violation':'v'," REST ",'maps':{'a':{", "}}}", "/maps/a"},
    {"list", "{'name':'x'," REST ",'lists':{'a':{", "}}}", "/lists/a"},
    {"tree", "{'name':'x'," REST ",'trees':{'a':{", "}}}", "/trees/a"},
    {"channel", "{'name':'x'," REST ",'channels':{'a':{", "}}}", "/channels/a"},
    {"object",
     "{'name':'x','choose':[{'set':'seed','values':[1]}]," REST
     ",'objects':{'o':{'root':true},'a':{",
     "}}}", "/objects/a"},
    {"links",
     "{'name':'x'," REST ",'objects':{'o':{'root':true},'a':{'root':true,'pointers':8,'links':{",
     "}}}}", "/objects/a/links"},
    {"registers",
     "{'name':'x','objects':{'o':{'root':true}},'goroutines':[{'body':[{'op':'gc'}],'registers':{",
     "}}]}", "/goroutines/0/registers"},
    {"choice", "{'name':'x'," REST ",'choose':[{", "}]}", "/choose/0"},
    {"operation", "{'name':'x'," THINGS REST ",'setup':[{", "}]}", "/setup/0"},
    {"keys", "{'name':'x'," THINGS REST ",'setup':[{'op':'map.put','map':'m','keys':{", "}}]}",
     "/setup/0/keys"},
    {"group", "{'name':'x','goroutines':[{", "}]}", "/goroutines/0"},
    {"expectation", "{'name':'x'," REST ",'expect':[{", "}]}", "/expect/0"},
};

static void try_objects(struct test_cases *cases, const struct sc_object *object) {
  for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
    if (strcmp(places[i].id, object->id) != 0) continue;
    struct context x = {cases,           object,           0, false, places[i].before,
                        places[i].after, places[i].pointer};
    uint32_t variants = 0;
    while (object->variant != NULL && object->variant->words[variants].name != NULL) variants++;
    do try_object(&x);
    while (++x.variant < variants);
  }
  for (uint32_t i = 0; i < object->row_count; i++) {
    const struct sc_row *row = &object->rows[i];
    bool again = object != &sc_root && row->sub == &sc_op_object;
    if (row->sub != NULL && !again && strcmp(row->key, "setup") != 0) try_objects(cases, row->sub);
  }
  if (object == &sc_root) try_objects(cases, &sc_op_object);
}

struct test_cases cases_all(void) {
  struct test_cases cases = {0};
  for (size_t i = 0; i < sizeof written / sizeof written[0]; i++) {
    struct test_case *c = add(&cases, written[i].kind, written[i].text, written[i].length);
    if (written[i].pointer != NULL) c->pointer = sim_strdup(written[i].pointer);
    if (written[i].fragment != NULL) c->fragment = sim_strdup(written[i].fragment);
  }
  try_objects(&cases, &sc_root);
  return cases;
}

void cases_free(struct test_cases *cases) {
  for (uint32_t i = 0; i < cases->count; i++) {
    free(cases->list[i].text);
    free(cases->list[i].pointer);
    free(cases->list[i].fragment);
  }
  free(cases->list);
}

#include "sims/jsonpos.h"

#include <cjson/cJSON.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sims/memory.h"

enum { JP_CHUNK_NODES = 256 };

struct jp_chunk {
  struct jp_chunk *next;
  uint32_t used;
  struct jp_node nodes[JP_CHUNK_NODES];
};

struct jp_doc {
  struct jp_node *root;
  struct jp_chunk *chunks;
  uint32_t node_count;
  cJSON *json;
  char *copy;             /* the text with bad tokens blanked out: what cJSON reads */
  struct jp_doc *grafted; /* documents owned since jp_graft */
  struct jp_doc *next;
  char **keys; /* keys made by jp_add_member */
  uint32_t key_count;
};

struct jp_scan {
  struct jp_doc *doc;
  const char *text;
  size_t length, at;
  uint32_t line, column;
  bool failed; /* the structure is lost: stop */
  jp_report *report;
  void *arg;
};

static void fail_at(struct jp_scan *s, uint32_t line, uint32_t column, const struct jp_node *node,
                    const char *format, ...) __attribute__((format(printf, 5, 6)));

static void fail_at(struct jp_scan *s, uint32_t line, uint32_t column, const struct jp_node *node,
                    const char *format, ...) {
  char message[256];
  va_list args;
  va_start(args, format);
  vsnprintf(message, sizeof message, format, args);
  va_end(args);
  s->report(s->arg, line, column, node, message);
}

/* ---- the text, byte by byte ------------------------------------------------------------- */

static int peek(const struct jp_scan *s) {
  return s->at < s->length ? (unsigned char)s->text[s->at] : -1;
}

/* Steps over one byte. Columns count characters: continuation bytes of UTF-8 do not. */
static void step(struct jp_scan *s) {
  unsigned char byte = (unsigned char)s->text[s->at++];
  if (byte == '\n') {
    s->line++;
    s->column = 1;
  } else if ((byte & 0xc0) != 0x80) {
    s->column++;
  }
}

static void skip_space(struct jp_scan *s) {
  while (s->at < s->length && memchr(" \t\r\n", s->text[s->at], 4) != NULL) step(s);
}

/* What stands at the current place, for "found ...". */
static const char *describe(const struct jp_scan *s, char *out, size_t bytes) {
  int c = peek(s);
  if (c < 0)
    snprintf(out, bytes, "the end of the text");
  else if (c == 0)
    snprintf(out, bytes, "a NUL byte (is this a binary file?)");
  else if (c < 0x20 || c >= 0x7f)
    snprintf(out, bytes, "byte 0x%02x", (unsigned)c);
  else if (c == '/')
    snprintf(out, bytes, "'/' (JSON has no comments)");
  else if (c == '\'')
    snprintf(out, bytes, "a single quote (JSON strings need double quotes)");
  else
    snprintf(out, bytes, "'%c'", c);
  return out;
}

static void fail_structure(struct jp_scan *s, const struct jp_node *node, const char *wanted) {
  char found[64];
  fail_at(s, s->line, s->column, node, "found %s, allowed: %s", describe(s, found, sizeof found),
          wanted);
  s->failed = true;
}

static struct jp_node *new_node(struct jp_doc *doc, struct jp_node *parent) {
  if (doc->chunks == NULL || doc->chunks->used == JP_CHUNK_NODES) {
    struct jp_chunk *chunk = sim_alloc(sizeof *chunk);
    chunk->next = doc->chunks;
    doc->chunks = chunk;
  }
  struct jp_node *node = &doc->chunks->nodes[doc->chunks->used++];
  doc->node_count++;
  node->parent = parent;
  if (parent == NULL) return node;
  node->index = parent->child_count++;
  if (parent->last == NULL)
    parent->first = node;
  else
    parent->last->next = node;
  parent->last = node;
  return node;
}

/* Overwrites a bad token in cJSON's copy with a harmless value of the same length. */
static void blank(struct jp_scan *s, size_t from, const char *value) {
  size_t bytes = strlen(value);
  memset(s->doc->copy + from, ' ', s->at - from);
  memcpy(s->doc->copy + from, value, bytes);
}

/* ---- strings ---------------------------------------------------------------------------- */

/* Bytes of the well-formed UTF-8 character at p (Unicode table 3-7), 0 if there is none. */
static unsigned utf8_bytes(const unsigned char *p, size_t left) {
  unsigned char low = 0x80, high = 0xbf;
  unsigned count;
  if (p[0] < 0x80) return 1;
  if (p[0] >= 0xc2 && p[0] <= 0xdf) {
    count = 2;
  } else if (p[0] >= 0xe0 && p[0] <= 0xef) {
    count = 3;
    if (p[0] == 0xe0) low = 0xa0;
    if (p[0] == 0xed) high = 0x9f;
  } else if (p[0] >= 0xf0 && p[0] <= 0xf4) {
    count = 4;
    if (p[0] == 0xf0) low = 0x90;
    if (p[0] == 0xf4) high = 0x8f;
  } else {
    return 0;
  }
  if (left < count || p[1] < low || p[1] > high) return 0;
  for (unsigned i = 2; i < count; i++)
    if ((p[i] & 0xc0) != 0x80) return 0;
  return count;
}

/* The four hexadecimal digits at p, or -1. */
static int32_t hex4(const char *p, size_t left) {
  int32_t value = 0;
  if (left < 4) return -1;
  for (int i = 0; i < 4; i++) {
    static const char digits_of[] = "0123456789abcdefABCDEF";
    const char *digit = memchr(digits_of, p[i], sizeof digits_of - 1);
    if (digit == NULL) return -1;
    int32_t n = (int32_t)(digit - digits_of);
    value = value * 16 + (n < 16 ? n : n - 6);
  }
  return value;
}

/* Steps over the escape at the current place; what is wrong with it, or NULL. */
static const char *scan_escape(struct jp_scan *s) {
  const char *p = s->text + s->at;
  size_t left = s->length - s->at;
  if (left < 2 || memchr("\"\\/bfnrtu", p[1], 9) == NULL) {
    step(s);
    return "unknown escape, allowed: \\\" \\\\ \\/ \\b \\f \\n \\r \\t \\uXXXX";
  }
  step(s);
  step(s);
  if (p[1] != 'u') return NULL;
  int32_t unit = hex4(p + 2, left - 2);
  if (unit < 0) return "\\u needs four hexadecimal digits";
  for (int i = 0; i < 4; i++) step(s);
  if (unit == 0) return "the NUL character is not allowed in a string";
  if (unit < 0xd800 || unit > 0xdfff) return NULL;
  int32_t second = left >= 12 && p[6] == '\\' && p[7] == 'u' ? hex4(p + 8, left - 8) : -1;
  if (unit >= 0xdc00 || second < 0xdc00 || second > 0xdfff)
    return "lone surrogate, allowed: a pair \\uD8xx\\uDCxx";
  for (int i = 0; i < 6; i++) step(s);
  return NULL;
}

/* Steps over one character of a string; what is wrong with it, or NULL. */
static const char *scan_char(struct jp_scan *s) {
  int c = peek(s);
  if (c == '\\') return scan_escape(s);
  if (c == 0) {
    step(s);
    return "found a NUL byte in a string (is this a binary file?)";
  }
  if (c < 0x20) {
    step(s);
    return "control character in a string, allowed: an escape such as \\t or \\u0009";
  }
  unsigned bytes = utf8_bytes((const unsigned char *)s->text + s->at, s->length - s->at);
  if (bytes == 0) {
    step(s);
    return "invalid UTF-8";
  }
  for (; bytes > 0; bytes--) step(s);
  return NULL;
}

/* Steps over a string token, reporting the first thing wrong in it. False: it never ends. */
static bool scan_string(struct jp_scan *s, const struct jp_node *node, bool *bad) {
  uint32_t line = s->line, column = s->column;
  *bad = false;
  step(s);
  while (peek(s) != '"') {
    if (peek(s) < 0 || peek(s) == '\n') {
      fail_at(s, line, column, node, "string without closing quote on its line");
      s->failed = true;
      return false;
    }
    uint32_t at_line = s->line, at_column = s->column;
    const char *fault = scan_char(s);
    if (fault != NULL && !*bad) {
      fail_at(s, at_line, at_column, node, "%s", fault);
      *bad = true;
    }
  }
  step(s);
  return true;
}

static void scan_string_value(struct jp_scan *s, struct jp_node *node) {
  size_t from = s->at;
  node->kind = JP_STRING;
  if (!scan_string(s, node, &node->bad)) return;
  node->text = s->text + from;
  node->text_bytes = s->at - from;
  if (node->bad) blank(s, from, "\"\"");
}

/* ---- numbers and words ------------------------------------------------------------------ */

static size_t digits(const char *p, size_t left) {
  size_t n = 0;
  while (n < left && p[n] >= '0' && p[n] <= '9') n++;
  return n;
}

/* What is wrong with a token that starts like a number, or NULL. */
static const char *number_fault(const char *p, size_t left) {
  if (left > JP_NUMBER_MAX) return "number too long, allowed: at most 63 characters";
  if (p[0] == '+') return "a number must not start with '+'";
  if (p[0] == '.') return "a number needs a digit before the point";
  if (p[0] == '-') p++, left--;
  size_t n = digits(p, left);
  if (n == 0) return "not a number";
  if (n == 1 && p[0] == '0' && left > 1 && (p[1] | 0x20) == 'x')
    return "hexadecimal numbers are not JSON";
  if (n > 1 && p[0] == '0') return "a number must not start with 0";
  p += n, left -= n;
  if (left > 0 && p[0] == '.') {
    n = digits(p + 1, left - 1);
    if (n == 0) return "a number needs a digit after the point";
    p += n + 1, left -= n + 1;
  }
  if (left > 0 && (p[0] | 0x20) == 'e') {
    p++, left--;
    if (left > 0 && (p[0] == '+' || p[0] == '-')) p++, left--;
    n = digits(p, left);
    if (n == 0) return "a number needs a digit in its exponent";
    p += n, left -= n;
  }
  return left == 0 ? NULL : "not a number";
}

static bool is_word(int c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
         (c > 0 && strchr("+-._", c) != NULL);
}

/* A number, true, false, null, or something that is none of them. */
static void scan_word(struct jp_scan *s, struct jp_node *node) {
  static const struct {
    const char *word;
    enum jp_kind kind;
  } words[] = {
      {"null", JP_NULL},
      {"false", JP_FALSE},
      {"true", JP_TRUE},
  };
  size_t from = s->at;
  while (is_word(peek(s))) step(s);
  node->text = s->text + from;
  node->text_bytes = s->at - from;
  int shown = node->text_bytes > 40 ? 40 : (int)node->text_bytes;
  for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
    if (node->text_bytes != strlen(words[i].word)) continue;
    if (memcmp(node->text, words[i].word, node->text_bytes) != 0) continue;
    node->kind = words[i].kind;
    return;
  }
  const char *fault = "not a JSON value, allowed: a \"string\", a number, true, false, null, [, {";
  if (strchr("+-.0123456789", node->text[0]) != NULL) {
    node->kind = JP_NUMBER;
    fault = number_fault(node->text, node->text_bytes);
    if (fault == NULL) return;
  }
  fail_at(s, node->line, node->column, node, "found %.*s: %s", shown, node->text, fault);
  node->bad = true;
  blank(s, from, "0");
}

/* ---- structure -------------------------------------------------------------------------- */

static void scan_value(struct jp_scan *s, struct jp_node *node, unsigned depth);

/* After an element: steps over ',' or the closing bracket. False: nothing more follows. */
static bool scan_separator(struct jp_scan *s, const struct jp_node *node, char close) {
  char wanted[24];
  skip_space(s);
  if (peek(s) == close) {
    step(s);
    return false;
  }
  if (peek(s) != ',') {
    snprintf(wanted, sizeof wanted, "',' or '%c'", close);
    fail_structure(s, node, wanted);
    return false;
  }
  size_t comma = s->at;
  uint32_t line = s->line, column = s->column;
  step(s);
  skip_space(s);
  if (peek(s) != close) return true;
  fail_at(s, line, column, node, "found ',' before '%c': JSON has no trailing comma", close);
  s->doc->copy[comma] = ' ';
  step(s);
  return false;
}

static struct jp_node *next_node(struct jp_scan *s, struct jp_node *parent) {
  if (s->doc->node_count >= JP_NODES_MAX) {
    fail_at(s, s->line, s->column, parent, "more than %d values", JP_NODES_MAX);
    s->failed = true;
    return NULL;
  }
  return new_node(s->doc, parent);
}

static void scan_array(struct jp_scan *s, struct jp_node *node, unsigned depth) {
  node->kind = JP_ARRAY;
  step(s);
  skip_space(s);
  if (peek(s) == ']') {
    step(s);
    return;
  }
  do {
    struct jp_node *child = next_node(s, node);
    if (child == NULL) return;
    skip_space(s);
    scan_value(s, child, depth + 1);
  } while (!s->failed && scan_separator(s, node, ']'));
}

static void scan_member(struct jp_scan *s, struct jp_node *node, unsigned depth) {
  skip_space(s);
  if (peek(s) != '"') {
    fail_structure(s, node, "a key in double quotes");
    return;
  }
  struct jp_node *child = next_node(s, node);
  if (child == NULL) return;
  child->key_line = s->line;
  child->key_column = s->column;
  size_t from = s->at;
  bool bad = false;
  child->raw_key = "";
  if (!scan_string(s, node, &bad)) return;
  child->raw_key = s->text + from + 1;
  child->raw_key_bytes = s->at - from - 2;
  if (bad) {
    blank(s, from, "\"\"");
    child->duplicate = true; /* reported; no name to look up */
  }
  skip_space(s);
  if (peek(s) != ':') {
    fail_structure(s, child, "':'");
    return;
  }
  step(s);
  skip_space(s);
  scan_value(s, child, depth + 1);
}

static void scan_object(struct jp_scan *s, struct jp_node *node, unsigned depth) {
  node->kind = JP_OBJECT;
  step(s);
  skip_space(s);
  if (peek(s) == '}') {
    step(s);
    return;
  }
  do scan_member(s, node, depth);
  while (!s->failed && scan_separator(s, node, '}'));
}

/* depth: arrays and objects around this value. */
static void scan_value(struct jp_scan *s, struct jp_node *node, unsigned depth) {
  int c = peek(s);
  node->line = s->line;
  node->column = s->column;
  if (c == '{' || c == '[') {
    if (depth >= JP_DEPTH_MAX) {
      fail_at(s, s->line, s->column, node, "nested too deep, allowed: %d levels", JP_DEPTH_MAX);
      s->failed = true;
    } else if (c == '{') {
      scan_object(s, node, depth);
    } else {
      scan_array(s, node, depth);
    }
  } else if (c == '"') {
    scan_string_value(s, node);
  } else if (is_word(c)) {
    scan_word(s, node);
  } else {
    fail_structure(s, node, "a value");
  }
}

static bool scan_text(struct jp_scan *s) {
  struct jp_doc *doc = s->doc;
  if (s->length >= 3 && memcmp(s->text, "\xef\xbb\xbf", 3) == 0) {
    fail_at(s, 1, 1, NULL, "found a byte order mark, allowed: UTF-8 without one");
    s->at = 3;
    memset(doc->copy, ' ', 3);
  }
  skip_space(s);
  if (peek(s) < 0) {
    fail_at(s, s->line, s->column, NULL, "found an empty text, allowed: a JSON object");
    return false;
  }
  doc->root = new_node(doc, NULL);
  scan_value(s, doc->root, 0);
  if (s->failed) return false;
  skip_space(s);
  if (peek(s) >= 0) fail_structure(s, NULL, "nothing after the JSON value");
  return !s->failed;
}

/* ---- cJSON's half ----------------------------------------------------------------------- */

struct jp_named {
  const char *key;
  struct jp_node *node;
};

static int by_key(const void *left, const void *right) {
  const struct jp_named *a = left, *b = right;
  int order = strcmp(a->key, b->key);
  if (order != 0) return order;
  return a->node->index < b->node->index ? -1 : a->node->index > b->node->index;
}

static void find_duplicates(struct jp_scan *s, struct jp_node *object) {
  if (object->child_count < 2) return;
  struct jp_named *named = sim_alloc(object->child_count * sizeof *named);
  uint32_t count = 0;
  for (struct jp_node *n = object->first; n != NULL; n = n->next)
    if (!n->duplicate) named[count++] = (struct jp_named){n->key, n};
  qsort(named, count, sizeof *named, by_key);
  const struct jp_node *first = NULL;
  for (uint32_t i = 0; i < count; i++) {
    if (first == NULL || strcmp(first->key, named[i].key) != 0) {
      first = named[i].node;
      continue;
    }
    named[i].node->duplicate = true;
    fail_at(s, named[i].node->key_line, named[i].node->key_column, named[i].node,
            "duplicate key \"%.64s\", first at %u:%u", first->key, first->key_line,
            first->key_column);
  }
  free(named);
}

/* Gives each node its cJSON item: both trees have the same shape. False: they do not. */
static bool pair(struct jp_scan *s, struct jp_node *node, const cJSON *json) {
  if (json == NULL) return false;
  node->json = json;
  if (node->parent != NULL && node->parent->kind == JP_OBJECT) node->key = json->string;
  if (node->kind < JP_ARRAY) return true;
  const cJSON *item = json->child;
  for (struct jp_node *n = node->first; n != NULL; n = n->next) {
    if (!pair(s, n, item)) return false;
    item = item->next;
  }
  if (item != NULL) return false;
  if (node->kind == JP_OBJECT) find_duplicates(s, node);
  return true;
}

struct jp_doc *jp_parse(const char *text, size_t length, jp_report *report, void *arg) {
  struct jp_doc *doc = sim_alloc(sizeof *doc);
  struct jp_scan s = {.doc = doc,
                      .text = text,
                      .length = length,
                      .line = 1,
                      .column = 1,
                      .report = report,
                      .arg = arg};
  doc->copy = sim_alloc(length + 1);
  memcpy(doc->copy, text, length);
  if (scan_text(&s)) {
    doc->json = cJSON_ParseWithLength(doc->copy, length);
    if (pair(&s, doc->root, doc->json)) return doc;
    fail_at(&s, 1, 1, NULL, "the JSON library does not read this text");
  }
  jp_free(doc);
  return NULL;
}

void jp_free(struct jp_doc *doc) {
  if (doc == NULL) return;
  while (doc->grafted != NULL) {
    struct jp_doc *next = doc->grafted->next;
    jp_free(doc->grafted);
    doc->grafted = next;
  }
  while (doc->chunks != NULL) {
    struct jp_chunk *next = doc->chunks->next;
    free(doc->chunks);
    doc->chunks = next;
  }
  for (uint32_t i = 0; i < doc->key_count; i++) free(doc->keys[i]);
  free(doc->keys);
  cJSON_Delete(doc->json);
  free(doc->copy);
  free(doc);
}

struct jp_node *jp_root(struct jp_doc *doc) {
  return doc->root;
}

struct jp_node *jp_member(const struct jp_node *object, const char *key) {
  for (struct jp_node *n = object->first; n != NULL; n = n->next)
    if (!n->duplicate && n->key != NULL && strcmp(n->key, key) == 0) return n;
  return NULL;
}

struct jp_node *jp_element(const struct jp_node *array, uint32_t index) {
  struct jp_node *n = array->first;
  while (n != NULL && n->index != index) n = n->next;
  return n;
}

static void set_origin(struct jp_node *node, uint32_t origin) {
  node->origin = origin;
  node->line = node->column = node->key_line = node->key_column = 0;
  for (struct jp_node *n = node->first; n != NULL; n = n->next) set_origin(n, origin);
}

void jp_graft(struct jp_doc *doc, struct jp_node *at, struct jp_doc *from, uint32_t origin) {
  const struct jp_node *root = from->root;
  at->kind = root->kind;
  at->bad = root->bad;
  at->text = root->text;
  at->text_bytes = root->text_bytes;
  at->json = root->json;
  at->first = root->first;
  at->last = root->last;
  at->child_count = root->child_count;
  for (struct jp_node *n = at->first; n != NULL; n = n->next) n->parent = at;
  set_origin(at, origin);
  from->next = doc->grafted;
  doc->grafted = from;
}

struct jp_node *jp_add_member(struct jp_doc *doc, struct jp_node *object, const char *key,
                              uint32_t origin) {
  struct jp_node *node = new_node(doc, object);
  doc->keys = sim_resize(doc->keys, (doc->key_count + 1) * sizeof *doc->keys);
  doc->keys[doc->key_count] = sim_strdup(key);
  node->key = doc->keys[doc->key_count++];
  node->kind = JP_OBJECT;
  node->origin = origin;
  return node;
}

/* ---- pointers --------------------------------------------------------------------------- */

/* Writes the pointer's last step to out (NULL: only counts); its length. */
static size_t write_step(const struct jp_node *node, char *out) {
  char index[16];
  const char *key = node->key != NULL ? node->key : node->raw_key;
  size_t bytes = node->key != NULL ? strlen(node->key) : node->raw_key_bytes;
  size_t at = 0;
  if (node->parent->kind == JP_ARRAY) {
    bytes = (size_t)snprintf(index, sizeof index, "%u", node->index);
    key = index;
  }
  if (out != NULL) out[at] = '/';
  at++;
  for (size_t i = 0; i < bytes; i++) {
    bool escaped = key[i] == '~' || key[i] == '/';
    if (out != NULL) out[at] = escaped ? '~' : key[i];
    at++;
    if (!escaped) continue;
    if (out != NULL) out[at] = key[i] == '~' ? '0' : '1';
    at++;
  }
  return at;
}

char *jp_pointer(const struct jp_node *node) {
  size_t bytes = 0;
  for (const struct jp_node *n = node; n != NULL && n->parent != NULL; n = n->parent)
    bytes += write_step(n, NULL);
  char *out = sim_alloc(bytes + 1);
  for (const struct jp_node *n = node; n != NULL && n->parent != NULL; n = n->parent) {
    bytes -= write_step(n, NULL);
    write_step(n, out + bytes);
  }
  return out;
}

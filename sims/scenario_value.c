#include <cjson/cJSON.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sims/memory.h"
#include "sims/scenario_int.h"
#include "sims/suggest.h"

enum { TEXT_SHOWN = 40, EXPONENT_CAP = 100000 };

/* ---- texts for messages ------------------------------------------------------------------- */

/* Bytes of the longest prefix of p that has at most `most` bytes and ends between characters. */
static int shown_bytes(const char *p, size_t bytes, size_t most) {
  if (bytes <= most) return (int)bytes;
  while (most > 0 && ((unsigned char)p[most] & 0xc0) == 0x80) most--;
  return (int)most;
}

void sc_describe(const struct jp_node *node, char *out, size_t bytes) {
  int shown = 0;
  switch (node->kind) {
    case JP_NULL:
    case JP_FALSE:
    case JP_TRUE:
      snprintf(out, bytes, "%.*s", (int)node->text_bytes, node->text);
      break;
    case JP_NUMBER:
      snprintf(out, bytes, "%.*s", (int)node->text_bytes, node->text);
      break;
    case JP_STRING:
      shown = shown_bytes(node->text, node->text_bytes, TEXT_SHOWN);
      snprintf(out, bytes, "the string %.*s%s", shown, node->text,
               (size_t)shown < node->text_bytes ? "...\"" : "");
      break;
    case JP_ARRAY:
      snprintf(out, bytes, "an array");
      break;
    case JP_OBJECT:
      snprintf(out, bytes, "an object");
      break;
  }
}

static void words_text(const struct sim_choice *words, char *out, size_t bytes) {
  size_t used = 0;
  for (uint32_t i = 0; words[i].name != NULL && used < bytes; i++)
    used +=
        (size_t)snprintf(out + used, bytes - used, "%s\"%s\"", i == 0 ? "" : ", ", words[i].name);
}

static void null_text(const struct sc_row *row, char *out, size_t bytes) {
  size_t used = strlen(out);
  if (row->nullable) snprintf(out + used, bytes - used, ", or null");
}

static void integer_text(const struct sc_row *row, char *out, size_t bytes) {
  const char *unit = "integer", *form = "";
  char more[64] = "";
  if (row->type == SC_TYPE_BYTES) unit = "bytes", form = " or a text such as \"64KiB\"";
  if (row->type == SC_TYPE_NS) unit = "nanoseconds", form = " or a text such as \"1.5ms\"";
  if (row->multiple > 1) snprintf(more, sizeof more, ", a multiple of %u", row->multiple);
  int used =
      snprintf(out, bytes, "%s %" PRIu64 "..%" PRIu64 "%s%s", unit, row->min, row->max, more, form);
  if (row->special != NULL) snprintf(out + used, bytes - (size_t)used, ", or \"%s\"", row->special);
}

void sc_allowed(const struct sc_row *row, char *out, size_t bytes) {
  switch (row->type) {
    case SC_TYPE_BOOL:
      snprintf(out, bytes, "true or false");
      break;
    case SC_TYPE_INT:
    case SC_TYPE_BYTES:
    case SC_TYPE_NS:
      integer_text(row, out, bytes);
      break;
    case SC_TYPE_DOUBLE:
      if (row->low < row->high)
        snprintf(out, bytes, "number %g..%g", row->low, row->high);
      else
        snprintf(out, bytes, "number");
      break;
    case SC_TYPE_TEXT:
      snprintf(out, bytes, "text of at most %u bytes", row->size - 1);
      break;
    case SC_TYPE_NAME:
    case SC_TYPE_NAMES:
      snprintf(out, bytes,
               "a name: a letter or _, then letters, digits, _ and -, at most %d in all",
               SC_NAME_MAX - 1);
      break;
    case SC_TYPE_METRIC:
      snprintf(out, bytes, "a dotted path such as \"gc.cycles\", at most %u bytes", row->size - 1);
      break;
    case SC_TYPE_WORD:
    case SC_TYPE_ENUM:
      words_text(row->words, out, bytes);
      null_text(row, out, bytes);
      break;
    case SC_TYPE_SET:
      snprintf(out, bytes, "an array of ");
      words_text(row->words, out + strlen(out), bytes - strlen(out));
      break;
    case SC_TYPE_REF:
      snprintf(out, bytes, "the name of a%s %s", row->space == SC_SPACE_OBJECTS ? "n" : "",
               sc_space_noun(row->space));
      null_text(row, out, bytes);
      break;
    case SC_TYPE_HOLDER:
      snprintf(out, bytes, "a register r0 to r%d or the name of a root object", SC_REGISTERS - 1);
      break;
    case SC_TYPE_VALUES:
      snprintf(out, bytes, "an array of values");
      break;
    case SC_TYPE_OBJECT:
    case SC_TYPE_NAMED:
      snprintf(out, bytes, "an object");
      break;
    case SC_TYPE_LIST:
      snprintf(out, bytes, "an array");
      break;
  }
}

static void fail_found(struct sc_load *load, const struct sc_row *row, struct jp_node *node) {
  char found[128], allowed[1024];
  sc_describe(node, found, sizeof found);
  sc_allowed(row, allowed, sizeof allowed);
  sc_fail(load, node, "found %s, allowed: %s", found, allowed);
}

/* ---- exact numbers ------------------------------------------------------------------------ */

/* Digits of a decimal number without point, leading and trailing zeros; value = digits * 10^power.
 */
struct decimal {
  char digits[JP_NUMBER_MAX + 1];
  size_t count;
  int power;
};

static struct decimal decimal_read(const char *text, size_t bytes, int power) {
  struct decimal d = {.power = power};
  size_t i = 0;
  bool fraction = false;
  for (; i < bytes && (text[i] | 0x20) != 'e'; i++) {
    if (text[i] == '.') {
      fraction = true;
      continue;
    }
    if (fraction) d.power--;
    if (d.count > 0 || text[i] != '0') d.digits[d.count++] = text[i];
  }
  if (i < bytes) {
    bool negative = text[++i] == '-';
    int exponent = 0;
    if (text[i] == '-' || text[i] == '+') i++;
    for (; i < bytes && exponent < EXPONENT_CAP; i++) exponent = exponent * 10 + (text[i] - '0');
    d.power += negative ? -exponent : exponent;
  }
  while (d.count > 0 && d.digits[d.count - 1] == '0') d.count--, d.power++;
  return d;
}

enum sc_exact sc_exact_u64(const char *text, size_t bytes, int power, uint64_t *out) {
  struct decimal d = decimal_read(text, bytes > JP_NUMBER_MAX ? JP_NUMBER_MAX : bytes, power);
  *out = 0;
  if (d.count == 0) return SC_EXACT_OK;
  if (d.power < 0) return SC_EXACT_FRACTION;
  if (d.count + (size_t)d.power > 20) return SC_EXACT_TOO_BIG;
  uint64_t value = 0;
  for (size_t i = 0; i < d.count + (size_t)d.power; i++) {
    uint64_t digit = i < d.count ? (uint64_t)(d.digits[i] - '0') : 0;
    if (__builtin_mul_overflow(value, 10, &value) || __builtin_add_overflow(value, digit, &value))
      return SC_EXACT_TOO_BIG;
  }
  *out = value;
  return SC_EXACT_OK;
}

/* Length of "0" or of digits that do not start with 0; 0 for anything else. */
static size_t plain_digits(const char *p) {
  size_t n = strspn(p, "0123456789");
  return n > 19 || (n > 1 && p[0] == '0') ? 0 : n;
}

/* SC_BYTES_PATTERN, exactly. False: not such a text, or 2^64 and more. */
static bool read_bytes(const char *text, uint64_t *out) {
  static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
  size_t n = plain_digits(text);
  if (n == 0 || sc_exact_u64(text, n, 0, out) != SC_EXACT_OK) return false;
  for (unsigned i = 0; i < sizeof units / sizeof units[0]; i++) {
    if (strcmp(text + n, units[i]) == 0)
      return !__builtin_mul_overflow(*out, UINT64_C(1) << (10 * i), out);
  }
  return false;
}

/* SC_NS_PATTERN. False: not such a text, not a whole number of nanoseconds, or 2^64 and more. */
static bool read_ns(const char *text, uint64_t *out) {
  static const struct {
    const char *unit;
    int power;
  } units[] = {
      {"ns", 0},
      {"us", 3},
      {"ms", 6},
      {"s", 9},
  };
  size_t n = plain_digits(text);
  if (n == 0) return false;
  if (text[n] == '.') {
    size_t more = strspn(text + n + 1, "0123456789");
    if (more == 0 || more > 18) return false;
    n += 1 + more;
  }
  for (unsigned i = 0; i < sizeof units / sizeof units[0]; i++) {
    if (strcmp(text + n, units[i].unit) == 0)
      return sc_exact_u64(text, n, units[i].power, out) == SC_EXACT_OK;
  }
  return false;
}

static bool read_integer(const struct sc_row *row, const struct jp_node *node, uint64_t *out) {
  if (node->kind == JP_NUMBER) {
    bool negative = node->text[0] == '-';
    if (sc_exact_u64(node->text + negative, node->text_bytes - negative, 0, out) != SC_EXACT_OK)
      return false;
    return !negative || *out == 0;
  }
  if (node->kind != JP_STRING) return false;
  if (row->type == SC_TYPE_BYTES) return read_bytes(node->json->valuestring, out);
  if (row->type == SC_TYPE_NS) return read_ns(node->json->valuestring, out);
  return false;
}

static void scalar_integer(struct sc_load *load, const struct sc_row *row, struct jp_node *node,
                           void *field) {
  uint64_t value = 0;
  if (node->kind == JP_STRING && row->special != NULL &&
      strcmp(node->json->valuestring, row->special) == 0) {
    sc_write_uint(field, row->width, row->special_value);
    return;
  }
  bool ok = read_integer(row, node, &value) && value >= row->min && value <= row->max &&
            (row->multiple == 0 || value % row->multiple == 0);
  if (ok)
    sc_write_uint(field, row->width, value);
  else
    fail_found(load, row, node);
}

/* A double; an integer is taken only if a double holds it exactly. */
static void scalar_double(struct sc_load *load, const struct sc_row *row, struct jp_node *node,
                          void *base) {
  char text[JP_NUMBER_MAX + 1] = "";
  if (node->kind != JP_NUMBER) {
    fail_found(load, row, node);
    return;
  }
  memcpy(text, node->text, node->text_bytes);
  double value = strtod(text, NULL);
  const char *digits = text[0] == '-' ? text + 1 : text;
  uint64_t whole = 0;
  bool lost = value == 0 && strpbrk(digits + strspn(digits, "0."), "123456789") != NULL &&
              strcspn(digits, "123456789") < strcspn(digits, "eE");
  if (isinf(value) || lost) {
    sc_fail(load, node, "found %s, allowed: a number a double can hold", text);
    return;
  }
  if (strpbrk(text, ".eE") == NULL &&
      (sc_exact_u64(digits, strlen(digits), 0, &whole) != SC_EXACT_OK || fabs(value) >= 0x1p64 ||
       (uint64_t)fabs(value) != whole)) {
    sc_fail(load, node, "found %s, which is not exactly representable; the nearest double is %.0f",
            text, value);
    return;
  }
  if (row->low < row->high && (value < row->low || value > row->high)) {
    fail_found(load, row, node);
    return;
  }
  memcpy((char *)base + row->offset, &value, sizeof value);
  if (row->count_offset != 0) *((bool *)base + row->count_offset) = true;
}

/* ---- texts -------------------------------------------------------------------------------- */

bool sc_name_ok(const char *name) {
  static const char first[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_";
  size_t bytes = strlen(name);
  if (bytes == 0 || bytes >= SC_NAME_MAX || strchr(first, name[0]) == NULL) return false;
  for (size_t i = 1; i < bytes; i++)
    if (strchr(first, name[i]) == NULL && strchr("0123456789-", name[i]) == NULL) return false;
  return true;
}

bool sc_metric_ok(const char *name) {
  size_t bytes = strlen(name);
  return bytes > 0 && bytes < 128 && name[0] != '.' && name[0] != '-' &&
         strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-") == bytes;
}

static void scalar_text(struct sc_load *load, const struct sc_row *row, struct jp_node *node,
                        char *field) {
  const char *text = node->kind == JP_STRING ? node->json->valuestring : NULL;
  bool ok = text != NULL && strlen(text) < row->size;
  if (ok && row->type == SC_TYPE_NAME) ok = sc_name_ok(text);
  if (ok && row->type == SC_TYPE_METRIC) ok = sc_metric_ok(text);
  if (ok)
    strcpy(field, text);
  else
    fail_found(load, row, node);
}

static void fail_word(struct sc_load *load, const struct sc_row *row, struct jp_node *node) {
  char found[128], allowed[1024];
  struct sim_suggest near = {.typed = node->json->valuestring};
  for (uint32_t i = 0; row->words[i].name != NULL; i++)
    sim_suggest_offer(&near, row->words[i].name);
  if (row->special != NULL) sim_suggest_offer(&near, row->special);
  sc_describe(node, found, sizeof found);
  sc_allowed(row, allowed, sizeof allowed);
  if (near.best == NULL)
    sc_fail(load, node, "found %s, allowed: %s", found, allowed);
  else
    sc_fail(load, node, "found %s (did you mean \"%s\"?), allowed: %s", found, near.best, allowed);
}

static bool scalar_null(const struct sc_row *row, const struct jp_node *node, void *field) {
  if (!row->nullable || node->kind != JP_NULL) return false;
  sc_write_uint(field, 4, SC_NIL);
  return true;
}

static void scalar_word(struct sc_load *load, const struct sc_row *row, struct jp_node *node,
                        char *field) {
  if (scalar_null(row, node, field)) return;
  if (node->kind != JP_STRING) {
    fail_found(load, row, node);
    return;
  }
  const char *word = node->json->valuestring;
  uint32_t i = 0;
  while (row->words[i].name != NULL && strcmp(row->words[i].name, word) != 0) i++;
  if (row->words[i].name == NULL)
    fail_word(load, row, node);
  else if (row->type == SC_TYPE_ENUM)
    sc_write_uint(field, row->width, i);
  else
    strcpy(field, word);
}

/* ["WORD", ...] into bits; each word once. */
static void scalar_set(struct sc_load *load, const struct sc_row *row, struct jp_node *node,
                       void *base) {
  uint64_t bits = 0;
  if (node->kind != JP_ARRAY || node->child_count < row->min) {
    fail_found(load, row, node);
    return;
  }
  for (struct jp_node *n = node->first; n != NULL; n = n->next) {
    uint32_t index = 0;
    struct sc_row word = {.type = SC_TYPE_ENUM, .width = sizeof index, .words = row->words};
    sc_read_scalar(load, &word, n, &index);
    if (n->bad) continue;
    if ((bits >> index & 1) != 0)
      sc_fail(load, n, "found \"%s\" a second time, allowed: different words",
              n->json->valuestring);
    bits |= UINT64_C(1) << index;
  }
  sc_write_uint((char *)base + row->offset, row->width, bits);
}

/* The index of a name in a space; UINT32_MAX: there is none. */
static uint32_t find_name(const struct scenario *s, enum sc_space space, const char *wanted) {
  uint32_t count = 0;
  size_t bytes = 0;
  const char *name = sc_space_names(s, space, &count, &bytes);
  for (uint32_t i = 0; i < count; i++, name += bytes)
    if (strcmp(name, wanted) == 0) return i;
  return UINT32_MAX;
}

static void fail_ref(struct sc_load *load, const struct sc_row *row, struct jp_node *node) {
  const char *noun = sc_space_noun(row->space), *name = NULL;
  struct sim_suggest near = {.typed = node->json->valuestring};
  char found[128];
  uint32_t count = 0;
  while (!sc_errors_full(load) && (name = sc_space_name(load->s, row->space, count)) != NULL) {
    sim_suggest_offer(&near, name);
    count++;
  }
  sc_describe(node, found, sizeof found);
  if (near.best != NULL)
    sc_fail(load, node, "found %s, but there is no such %s (did you mean \"%s\"?)", found, noun,
            near.best);
  else
    sc_fail(load, node, "found %s, but there is no such %s (%s)", found, noun,
            count == 0 ? "none is defined" : "it must be defined at the top level");
}

static void scalar_ref(struct sc_load *load, const struct sc_row *row, struct jp_node *node,
                       void *field) {
  if (scalar_null(row, node, field)) return;
  if (node->kind != JP_STRING) {
    fail_found(load, row, node);
    return;
  }
  uint32_t index = find_name(load->s, row->space, node->json->valuestring);
  if (index == UINT32_MAX)
    fail_ref(load, row, node);
  else
    sc_write_uint(field, 4, index);
}

/* The register of that name; SC_REGISTERS: none. */
static uint32_t find_register(const char *name) {
  uint32_t i = 0;
  while (i < SC_REGISTERS && strcmp(sc_register_words[i].name, name) != 0) i++;
  return i;
}

static void scalar_holder(struct sc_load *load, const struct sc_row *row, struct jp_node *node,
                          void *field) {
  const struct sc_row object = {.space = SC_SPACE_OBJECTS};
  if (node->kind != JP_STRING) {
    fail_found(load, row, node);
    return;
  }
  const char *name = node->json->valuestring;
  uint32_t holder = find_register(name);
  if (holder == SC_REGISTERS) {
    uint32_t index = find_name(load->s, SC_SPACE_OBJECTS, name);
    if (index == SC_NIL)
      fail_ref(load, &object, node);
    else if (!load->s->objects[index].root)
      sc_fail(load, node,
              "found \"%s\", an object without \"root\": true, allowed: a register, a root object",
              name);
    holder = SC_REGISTERS + index;
  }
  if (!node->bad) sc_write_uint(field, 4, holder);
}

/* ---- any value, as text ------------------------------------------------------------------- */

char *sc_json_text(const struct jp_node *node) {
  bool is_object = node->kind == JP_OBJECT;
  if (!is_object && node->kind != JP_ARRAY)
    return sim_printf("%.*s", (int)node->text_bytes, node->text);
  char *out = sim_strdup(is_object ? "{" : "[");
  for (const struct jp_node *n = node->first; n != NULL; n = n->next) {
    char *value = sc_json_text(n), *key = NULL;
    if (is_object) {
      cJSON *string = cJSON_CreateString(n->key);
      key = cJSON_PrintUnformatted(string);
      cJSON_Delete(string);
    }
    char *more = sim_printf("%s%s%s%s%s", out, n->index > 0 ? "," : "", key != NULL ? key : "",
                            is_object ? ":" : "", value);
    cJSON_free(key);
    free(value);
    free(out);
    out = more;
  }
  char *all = sim_printf("%s%s", out, is_object ? "}" : "]");
  free(out);
  return all;
}

void sc_read_scalar(struct sc_load *load, const struct sc_row *row, struct jp_node *node,
                    void *base) {
  char *field = (char *)base + row->offset;
  if (node->bad) return;
  switch (row->type) {
    case SC_TYPE_BOOL:
      if (node->kind == JP_TRUE || node->kind == JP_FALSE)
        sc_write_uint(field, row->width, node->kind == JP_TRUE);
      else
        fail_found(load, row, node);
      break;
    case SC_TYPE_INT:
    case SC_TYPE_BYTES:
    case SC_TYPE_NS:
      scalar_integer(load, row, node, field);
      break;
    case SC_TYPE_DOUBLE:
      scalar_double(load, row, node, base);
      break;
    case SC_TYPE_TEXT:
    case SC_TYPE_NAME:
    case SC_TYPE_METRIC:
      scalar_text(load, row, node, field);
      break;
    case SC_TYPE_WORD:
    case SC_TYPE_ENUM:
      scalar_word(load, row, node, field);
      break;
    case SC_TYPE_SET:
      scalar_set(load, row, node, base);
      break;
    case SC_TYPE_REF:
      scalar_ref(load, row, node, field);
      break;
    case SC_TYPE_HOLDER:
      scalar_holder(load, row, node, field);
      break;
    case SC_TYPE_OBJECT:
    case SC_TYPE_NAMED:
    case SC_TYPE_LIST:
    case SC_TYPE_NAMES:
    case SC_TYPE_VALUES:
      break;
  }
}

#include "sims/explore/schedule.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sims/fnv.h"
#include "sims/memory.h"

/* ---- schedules ------------------------------------------------------------------------------- */

void xp_schedule_free(struct xp_schedule *s) {
  free(s->choices);
  free(s->directives);
  *s = (struct xp_schedule){0};
}

void xp_schedule_add(struct xp_schedule *s, const struct xp_directive *d) {
  s->directives = sim_grow(s->directives, &s->room, s->count, sizeof *s->directives);
  s->directives[s->count++] = *d;
}

void xp_schedule_add_choice(struct xp_schedule *s, uint32_t choice) {
  s->choices = sim_grow(s->choices, &s->choice_room, s->choice_count, sizeof *s->choices);
  s->choices[s->choice_count++] = choice;
}

void xp_schedule_copy(struct xp_schedule *to, const struct xp_schedule *from) {
  if (to == from) return;
  to->scenario = from->scenario;
  to->build = from->build;
  to->choice_count = to->count = 0;
  for (uint32_t i = 0; i < from->choice_count; i++) xp_schedule_add_choice(to, from->choices[i]);
  for (uint32_t i = 0; i < from->count; i++) xp_schedule_add(to, &from->directives[i]);
}

void xp_schedule_take_run(struct xp_schedule *s, const struct xp_run *r) {
  s->count = 0;
  for (uint32_t i = 0; i < r->decision_count; i++) {
    const struct xp_decision *d = &r->decisions[i];
    if (d->is_default) continue;
    struct xp_directive new = {
        .thread = d->last, .nth = d->nth, .nth_alike = XP_NOT_KNOWN, .to = d->chosen};
    if (d->can_go_on) xp_op_text(plat_model_site_at(d->site), new.op, sizeof new.op);
    xp_schedule_add(s, &new);
  }
}

bool xp_directive_is_at(const struct xp_directive *d, const struct xp_decision *at) {
  char op[XP_OP_TEXT] = "";
  if (at->last != d->thread || at->can_go_on != (d->op[0] != '\0')) return false;
  if (at->can_go_on) xp_op_text(plat_model_site_at(at->site), op, sizeof op);
  return strcmp(op, d->op) == 0;
}

void xp_schedule_count_alike(struct xp_schedule *s, const struct xp_run *r) {
  for (uint32_t i = 0; i < s->count; i++) {
    struct xp_directive *d = &s->directives[i];
    d->nth_alike = 0;
    for (uint32_t k = 0; k < r->decision_count; k++) {
      const struct xp_decision *at = &r->decisions[k];
      if (at->last == d->thread && at->nth == d->nth) break;
      d->nth_alike += xp_directive_is_at(d, at);
    }
  }
}

/* ---- texts of operations --------------------------------------------------------------------- */

static const char *skip_one_of(const char *text, const char *const *words) {
  for (; *words != NULL; words++) {
    size_t n = strlen(*words);
    if (strncmp(text, *words, n) == 0) return text + n;
  }
  return text;
}

/* Length of a function's name without the memory order at its end. */
static size_t length_without_order(const char *name, size_t length) {
  static const char *const orders[] = {"_relaxed", "_acquire", "_release", "_acqrel", "_seq"};
  for (size_t i = 0; i < sizeof orders / sizeof orders[0]; i++) {
    size_t n = strlen(orders[i]);
    if (length > n && strncmp(name + length - n, orders[i], n) == 0) return length - n;
  }
  return length;
}

static bool is_op_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         (c != '\0' && strchr("_.,()[]+*/=!|-", c) != NULL);
}

void xp_op_text(const struct plat_site *site, char *out, size_t bytes) {
  static const char *const families[] = {"plat_mutex_", "plat_note_", "plat_", "at_", NULL};
  static const char *const types[] = {"u8_", "u32_", "u64_", "i64_", "ptr_", NULL};
  const char *what = skip_one_of(skip_one_of(site->what, families), types);
  size_t used = 0, name = length_without_order(what, strcspn(what, "("));
  for (size_t i = 0; i < name && used + 1 < bytes; i++)
    out[used++] = is_op_letter(what[i]) ? what[i] : '_';
  for (const char *p = what + strcspn(what, "("); *p != '\0' && used + 1 < bytes; p++) {
    if (*p == '&' || *p == ' ') continue;
    if (p[0] == '-' && p[1] == '>') p++;
    out[used++] = *p == '>' ? '.' : is_op_letter(*p) ? *p : '_';
  }
  out[used] = '\0';
}

/* ---- keys ------------------------------------------------------------------------------------ */

static uint64_t site_key(const struct plat_site *s) {
  const char *file = s->file;
  while (*file == '.' || *file == '/') file++; /* depends on the build directory */
  uint64_t hash = sim_fnv(SIM_FNV_EMPTY, file, strlen(file) + 1);
  hash = sim_fnv(hash, s->what, strlen(s->what) + 1);
  return sim_fnv(hash, &s->line, sizeof s->line);
}

static int by_value(const void *a, const void *b) {
  const uint64_t *x = a, *y = b;
  return (*x > *y) - (*x < *y);
}

/* In which order they stand, and how often a header's, is the compiler's business. */
uint32_t xp_build_key(void) {
  uint32_t count = plat_model_site_count();
  uint64_t hash = SIM_FNV_EMPTY, *keys = sim_alloc(count * sizeof *keys);
  for (uint32_t i = 0; i < count; i++) keys[i] = site_key(plat_model_site_at(i));
  qsort(keys, count, sizeof *keys, by_value);
  for (uint32_t i = 0; i < count; i++)
    if (i == 0 || keys[i] != keys[i - 1]) hash = sim_fnv(hash, &keys[i], sizeof *keys);
  free(keys);
  return (uint32_t)(hash >> 32);
}

/* CRC-16/CCITT-FALSE. */
static uint16_t crc16(const char *text, size_t length) {
  uint16_t crc = 0xffff;
  for (size_t i = 0; i < length; i++) {
    crc = (uint16_t)(crc ^ (unsigned char)text[i] << 8);
    for (int bit = 0; bit < 8; bit++)
      crc = (uint16_t)((crc & 0x8000) != 0 ? crc << 1 ^ 0x1021 : crc << 1);
  }
  return crc;
}

/* ---- writing a token ------------------------------------------------------------------------- */

static char *append(char *text, const char *more) {
  char *both = sim_printf("%s%s", text, more);
  free(text);
  return both;
}

char *xp_token_format(const struct xp_schedule *s) {
  char part[128];
  char *t = sim_printf("tri1:%08x:%08x:%s", s->scenario, s->build,
                       s->choice_count > 0 ? "c=" : "-");
  for (uint32_t i = 0; i < s->choice_count; i++) {
    snprintf(part, sizeof part, "%s%u", i > 0 ? "." : "", s->choices[i]);
    t = append(t, part);
  }
  t = append(t, s->count > 0 ? ":" : ":-");
  for (uint32_t i = 0; i < s->count; i++) {
    const struct xp_directive *d = &s->directives[i];
    snprintf(part, sizeof part, "%st%u.%u%s%s>t%u", i > 0 ? ";" : "", d->thread, d->nth,
             d->op[0] != '\0' ? "@" : "", d->op, d->to);
    t = append(t, part);
  }
  snprintf(part, sizeof part, ":%04x", crc16(t, strlen(t)));
  return append(t, part);
}

/* ---- reading a token ------------------------------------------------------------------------- */

struct reader {
  const char *text, *at;
  char *error; /* XP_ERROR_TEXT */
};

/* Always false. */
static bool refuse(const struct reader *r, const char *expected) {
  unsigned column = (unsigned)(r->at - r->text) + 1;
  char found[8] = "the end";
  if (*r->at > ' ' && *r->at < 127) snprintf(found, sizeof found, "'%c'", *r->at);
  if (*r->at != '\0' && found[0] == 't') snprintf(found, sizeof found, "0x%02x", *r->at & 0xff);
  snprintf(r->error, XP_ERROR_TEXT, "token, column %u: expected %s, found %s", column, expected,
           found);
  return false;
}

static bool read_literal(struct reader *r, const char *literal, const char *name) {
  for (; *literal != '\0'; literal++, r->at++)
    if (*r->at != *literal) return refuse(r, name);
  return true;
}

static bool read_hex(struct reader *r, int digits, const char *name, uint32_t *out) {
  *out = 0;
  for (int i = 0; i < digits; i++, r->at++) {
    const char *digit = *r->at == '\0' ? NULL : strchr("0123456789abcdef", *r->at);
    if (digit == NULL) return refuse(r, name);
    *out = *out << 4 | (uint32_t)(strchr("0123456789abcdef", *r->at) - "0123456789abcdef");
  }
  return true;
}

/* 0..2^31-1, without leading zeros, so that a schedule has one token only. */
static bool read_number(struct reader *r, const char *name, uint32_t *out) {
  uint64_t value = 0;
  const char *from = r->at;
  while (*r->at >= '0' && *r->at <= '9' && value <= INT32_MAX)
    value = value * 10 + (uint64_t)(*r->at++ - '0');
  if (r->at == from) return refuse(r, name);
  if (value > INT32_MAX || (*from == '0' && r->at - from > 1)) {
    r->at = from;
    return refuse(r, "a number below 2147483648 without leading zeros");
  }
  *out = (uint32_t)value;
  return true;
}

static bool read_choices(struct reader *r, struct xp_schedule *s) {
  uint32_t choice;
  if (*r->at == '-') return read_literal(r, "-:", "':' after \"-\"");
  if (!read_literal(r, "c=", "the choices (\"c=0.2.1\" or \"-\")")) return false;
  do {
    if (!read_number(r, "a choice", &choice)) return false;
    xp_schedule_add_choice(s, choice);
  } while (*r->at == '.' && r->at++ != NULL);
  return read_literal(r, ":", "'.' or ':' after a choice");
}

static bool read_op(struct reader *r, struct xp_directive *d) {
  size_t used = 0;
  if (*r->at != '@') return true;
  for (r->at++; is_op_letter(*r->at); r->at++) {
    if (used + 1 == sizeof d->op) return refuse(r, "a shorter operation");
    d->op[used++] = *r->at;
  }
  return used > 0 || refuse(r, "an operation (\"lock(m)\")");
}

static bool read_directive(struct reader *r, struct xp_schedule *s) {
  struct xp_directive d = {.nth_alike = XP_NOT_KNOWN};
  if (!read_literal(r, "t", "a thread (\"t3\") or \"-\"") ||
      !read_number(r, "a thread's number", &d.thread) ||
      !read_literal(r, ".", "'.' and the number of the decision") ||
      !read_number(r, "the number of the decision", &d.nth) || !read_op(r, &d) ||
      !read_literal(r, ">t", "\">t\" and the thread that goes on") ||
      !read_number(r, "the thread that goes on", &d.to))
    return false;
  xp_schedule_add(s, &d);
  return true;
}

static bool read_directives(struct reader *r, struct xp_schedule *s) {
  if (*r->at == '-') return read_literal(r, "-:", "':' after \"-\"");
  do {
    if (!read_directive(r, s)) return false;
  } while (*r->at == ';' && r->at++ != NULL);
  return read_literal(r, ":", "';' or ':' after a directive");
}

static bool read_check(struct reader *r) {
  uint32_t said, is = crc16(r->text, (size_t)(r->at - r->text) - 1);
  if (!read_hex(r, 4, "4 hex digits of the check at the end", &said)) return false;
  if (*r->at != '\0') return refuse(r, "nothing after the check");
  if (said == is) return true;
  snprintf(r->error, XP_ERROR_TEXT,
           "token: the check at its end is %04x, but the text before it gives %04x: some letter "
           "was changed or lost in copying", said, is);
  return false;
}

/* One switch twice at one place would hide the second. */
static bool check_unique(const struct reader *r, const struct xp_schedule *s) {
  for (uint32_t i = 0; i < s->count; i++) {
    for (uint32_t k = 0; k < i; k++) {
      const struct xp_directive *a = &s->directives[i], *b = &s->directives[k];
      if (a->thread != b->thread || b->nth < a->nth) continue;
      snprintf(r->error, XP_ERROR_TEXT,
               "token: directive t%u.%u stands after t%u.%u; a thread's decisions are in order",
               a->thread, a->nth, b->thread, b->nth);
      return false;
    }
  }
  return true;
}

bool xp_token_parse(const char *text, struct xp_schedule *out, char error[XP_ERROR_TEXT]) {
  struct reader r = {text, text, error};
  error[0] = '\0';
  bool good = read_literal(&r, "tri1:", "\"tri1:\", with which every token begins") &&
              read_hex(&r, 8, "8 hex digits of the scenario", &out->scenario) &&
              read_literal(&r, ":", "':' after the scenario") &&
              read_hex(&r, 8, "8 hex digits of the build", &out->build) &&
              read_literal(&r, ":", "':' after the build") && read_choices(&r, out) &&
              read_directives(&r, out) && read_check(&r) && check_unique(&r, out);
  if (!good) xp_schedule_free(out);
  return good;
}

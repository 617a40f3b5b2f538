#include "sims/explore/parts.h"

#include <cjson/cJSON.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/check.h"
#include "sims/jsonpos.h"
#include "sims/memory.h"

static bool is_key(const struct jp_node *node, const char *key) {
  return node->key != NULL && strcmp(node->key, key) == 0;
}

static const char *string_of(const struct jp_node *node) {
  return node != NULL && node->kind == JP_STRING ? node->json->valuestring : NULL;
}

/* ---- finding them ---------------------------------------------------------------------------- */

/* Its index: the array may move. */
static uint32_t add(struct xp_parts *p, enum xp_part_kind kind, const struct jp_node *node,
                    uint32_t parent) {
  p->part = sim_grow(p->part, &p->room, p->count, sizeof *p->part);
  p->part[p->count] = (struct xp_part){
      .kind = kind, .node = node, .parent = parent, .needs = XP_NO_PART};
  return p->count++;
}

static void add_number(struct xp_parts *p, const struct jp_node *node, uint32_t parent) {
  static const struct {
    const char *key;
    enum xp_part_kind kind;
    uint64_t least, unit;
  } known[] = {
      {"procs", XP_PART_PROCS, 1, 1},      {"count", XP_PART_COUNT, 1, 1},
      {"duration_ns", XP_PART_COUNT, 1, 1}, {"depth", XP_PART_COUNT, 0, 1},
      {"keep", XP_PART_COUNT, 0, 1},       {"space", XP_PART_NUMBER, 1, 1},
      {"ns", XP_PART_NUMBER, 0, 1},        {"bytes", XP_PART_NUMBER, 8, 8},
      {"capacity", XP_PART_NUMBER, 0, 1},  {"hint", XP_PART_NUMBER, 0, 1},
      {"shards", XP_PART_NUMBER, 1, 1},
  };
  for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
    if (!is_key(node, known[i].key) || node->kind != JP_NUMBER) continue;
    uint64_t value = strtoull(node->text, NULL, 10);
    if (value <= known[i].least) return;
    uint32_t number = add(p, known[i].kind, node, parent);
    struct xp_part *part = &p->part[number];
    part->first = part->value = part->kept_value = value;
    part->least = known[i].least;
    part->unit = known[i].unit;
  }
}

static void add_numbers(struct xp_parts *p, const struct jp_node *object, uint32_t parent) {
  for (const struct jp_node *n = object->first; n != NULL; n = n->next) add_number(p, n, parent);
}

static void add_links(struct xp_parts *p, const struct jp_node *object, uint32_t parent) {
  for (const struct jp_node *n = object->first; n != NULL; n = n->next)
    if (n->kind == JP_STRING) add(p, XP_PART_LINK, n, parent);
}

static void add_things(struct xp_parts *p, const struct jp_node *list) {
  for (const struct jp_node *n = list->first; n != NULL; n = n->next) {
    uint32_t thing = add(p, XP_PART_THING, n, XP_NO_PART);
    for (const struct jp_node *m = n->first; m != NULL; m = m->next) {
      if (is_key(m, "links"))
        add_links(p, m, thing);
      else
        add_number(p, m, thing);
    }
  }
}

static void add_ops(struct xp_parts *p, const struct jp_node *list, uint32_t parent) {
  for (const struct jp_node *n = list->first; n != NULL; n = n->next) {
    uint32_t op = add(p, XP_PART_OP, n, parent);
    for (const struct jp_node *m = n->first; m != NULL; m = m->next) {
      if (is_key(m, "body")) {
        p->part[op].has_body = true;
        add_ops(p, m, op);
      } else if (is_key(m, "keys")) {
        add_numbers(p, m, op);
      } else {
        add_number(p, m, op);
      }
    }
  }
}

static void add_groups(struct xp_parts *p, const struct jp_node *list) {
  for (const struct jp_node *n = list->first; n != NULL; n = n->next) {
    uint32_t group = add(p, XP_PART_GROUP, n, XP_NO_PART);
    p->part[group].has_body = true;
    for (const struct jp_node *m = n->first; m != NULL; m = m->next) {
      if (is_key(m, "registers"))
        add_links(p, m, group);
      else if (is_key(m, "body"))
        add_ops(p, m, group);
      else
        add_number(p, m, group);
    }
  }
}

static const char *const thing_lists[] = {"maps",     "lists",   "trees",
                                          "channels", "mutexes", "objects"};
enum { THING_LISTS = sizeof thing_lists / sizeof thing_lists[0] };

static void add_member(struct xp_parts *p, const struct jp_node *n) {
  for (size_t i = 0; i < THING_LISTS; i++)
    if (is_key(n, thing_lists[i])) add_things(p, n);
  if (is_key(n, "runtime")) add_numbers(p, n, XP_NO_PART);
  if (is_key(n, "setup")) add_ops(p, n, XP_NO_PART);
  if (is_key(n, "goroutines")) add_groups(p, n);
  if (is_key(n, "choose") || is_key(n, "expect")) {
    uint32_t unasked = add(p, XP_PART_UNASKED, n, XP_NO_PART);
    p->part[unasked].is_out = p->part[unasked].kept_out = true;
  }
}

/* ---- who names whom -------------------------------------------------------------------------- */

const char *xp_thing_name(const struct xp_part *thing) {
  const char *name = string_of(thing->node); /* of a mutex */
  return name != NULL ? name : thing->node->key;
}

static bool is_of_list(const struct xp_part *part, const char *list) {
  return part->kind == XP_PART_THING && is_key(part->node->parent, list);
}

uint32_t xp_body_of(const struct xp_parts *p, uint32_t part) {
  while (part != XP_NO_PART && p->part[part].kind == XP_PART_OP) part = p->part[part].parent;
  return part;
}

static uint32_t find_thing(const struct xp_parts *p, const char *list, const char *name) {
  for (uint32_t i = 0; name != NULL && i < p->count; i++)
    if (is_of_list(&p->part[i], list) && strcmp(xp_thing_name(&p->part[i]), name) == 0) return i;
  return XP_NO_PART;
}

/* A register is no object's name. */
static uint32_t needed_by(const struct xp_parts *p, const struct jp_node *op) {
  static const char *const keys[][2] = {
      {"map", "maps"},       {"list", "lists"},   {"tree", "trees"},   {"channel", "channels"},
      {"mutex", "mutexes"},  {"root", "objects"}, {"from", "objects"}, {"into", "objects"},
  };
  for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
    uint32_t thing = find_thing(p, keys[i][1], string_of(jp_member(op, keys[i][0])));
    if (thing != XP_NO_PART) return thing;
  }
  return XP_NO_PART;
}

static void find_needs(struct xp_parts *p) {
  for (uint32_t i = 0; i < p->count; i++) {
    struct xp_part *part = &p->part[i];
    if (part->kind == XP_PART_OP) part->needs = needed_by(p, part->node);
    if (part->kind == XP_PART_LINK) part->needs = find_thing(p, "objects", string_of(part->node));
  }
}

static void no_report(void *arg, uint32_t line, uint32_t column, const struct jp_node *node,
                      const char *message) {
  (void)arg, (void)line, (void)column, (void)node, (void)message;
}

struct xp_parts *xp_parts_new(const char *json) {
  struct xp_parts *p = sim_alloc(sizeof *p);
  p->text = sim_strdup(json);
  p->doc = jp_parse(p->text, strlen(p->text), no_report, NULL);
  rt_assert(p->doc != NULL);
  for (const struct jp_node *n = jp_root(p->doc)->first; n != NULL; n = n->next) add_member(p, n);
  find_needs(p);
  return p;
}

void xp_parts_free(struct xp_parts *p) {
  jp_free(p->doc);
  free(p->text);
  free(p->part);
  free(p);
}

/* ---- the candidate --------------------------------------------------------------------------- */

void xp_parts_keep(struct xp_parts *p) {
  for (uint32_t i = 0; i < p->count; i++) {
    p->part[i].kept_out = p->part[i].is_out;
    p->part[i].kept_value = p->part[i].value;
  }
}

void xp_parts_undo(struct xp_parts *p) {
  for (uint32_t i = 0; i < p->count; i++) {
    p->part[i].is_out = p->part[i].kept_out;
    p->part[i].value = p->part[i].kept_value;
  }
}

/* What belongs to what is out, and what refers to an object that is. */
static void drop_with_owners(struct xp_parts *p) {
  for (uint32_t i = 0; i < p->count; i++) {
    struct xp_part *part = &p->part[i];
    if (part->parent != XP_NO_PART && p->part[part->parent].is_out) part->is_out = true;
    bool is_dangling = part->kind == XP_PART_LINK && part->needs != XP_NO_PART &&
                       p->part[part->needs].is_out;
    if (is_dangling) part->is_out = true;
  }
}

static void drop_empty_bodies(struct xp_parts *p) {
  uint32_t *left = sim_alloc((p->count + 1) * sizeof *left);
  for (uint32_t i = p->count; i-- > 0;) {
    struct xp_part *part = &p->part[i];
    if (part->has_body && left[i] == 0) part->is_out = true;
    if (part->kind == XP_PART_OP && !part->is_out && part->parent != XP_NO_PART)
      left[part->parent]++;
  }
  free(left);
}

static bool is_root(const struct xp_part *object) {
  const struct jp_node *root = jp_member(object->node, "root");
  return root != NULL && root->kind == JP_TRUE;
}

/* A link counts when its owner does: a group always, an object when it is held itself. */
static bool holds(const struct xp_parts *p, const struct xp_part *link, const bool *used) {
  const struct xp_part *owner = &p->part[link->parent];
  return !link->is_out && (owner->kind == XP_PART_GROUP || used[link->parent]);
}

static void mark_used(const struct xp_parts *p, bool *used) {
  bool got_on = true;
  for (uint32_t i = 0; i < p->count; i++) {
    const struct xp_part *part = &p->part[i];
    if (is_of_list(part, "objects") && is_root(part)) used[i] = true;
    if (part->kind == XP_PART_OP && !part->is_out && part->needs != XP_NO_PART)
      used[part->needs] = true;
  }
  while (got_on) {
    got_on = false;
    for (uint32_t i = 0; i < p->count; i++) {
      const struct xp_part *part = &p->part[i];
      if (part->kind != XP_PART_LINK || part->needs == XP_NO_PART || used[part->needs]) continue;
      if (!holds(p, part, used)) continue;
      used[part->needs] = got_on = true;
    }
  }
}

static void drop_unused(struct xp_parts *p) {
  bool *used = sim_alloc((p->count + 1) * sizeof *used);
  mark_used(p, used);
  for (uint32_t i = 0; i < p->count; i++)
    if (p->part[i].kind == XP_PART_THING && !used[i]) p->part[i].is_out = true;
  free(used);
}

void xp_parts_settle(struct xp_parts *p) {
  drop_with_owners(p);
  drop_empty_bodies(p);
  drop_with_owners(p);
  drop_unused(p);
  drop_with_owners(p);
}

/* ---- as text --------------------------------------------------------------------------------- */

/* Goes through nodes and parts, which are in one order. */
struct writer {
  const struct xp_parts *parts;
  uint32_t at;         /* the next part */
  FILE *out;
};

static void write_value(struct writer *w, const struct jp_node *node);

/* Past the parts of what is not written. */
static void skip_parts(struct writer *w, const struct jp_node *node) {
  const struct xp_parts *p = w->parts;
  if (w->at < p->count && p->part[w->at].node == node) w->at++;
  for (const struct jp_node *n = node->first; n != NULL; n = n->next) skip_parts(w, n);
}

static void write_key(struct writer *w, const char *key) {
  cJSON *string = cJSON_CreateString(key);
  char *text = cJSON_PrintUnformatted(string);
  fprintf(w->out, "%s:", text);
  cJSON_free(text);
  cJSON_Delete(string);
}

static void write_members(struct writer *w, const struct jp_node *node) {
  bool is_object = node->kind == JP_OBJECT;
  const struct xp_parts *p = w->parts;
  const char *comma = "";
  fputc(is_object ? '{' : '[', w->out);
  for (const struct jp_node *n = node->first; n != NULL; n = n->next) {
    if (w->at < p->count && p->part[w->at].node == n && p->part[w->at].is_out) {
      skip_parts(w, n);
      continue;
    }
    fputs(comma, w->out);
    comma = ",";
    if (is_object) write_key(w, n->key);
    write_value(w, n);
  }
  fputc(is_object ? '}' : ']', w->out);
}

static void write_value(struct writer *w, const struct jp_node *node) {
  const struct xp_parts *p = w->parts;
  const struct xp_part *part = NULL;
  if (w->at < p->count && p->part[w->at].node == node) part = &p->part[w->at++];
  if (node->kind == JP_OBJECT || node->kind == JP_ARRAY)
    write_members(w, node);
  else if (part != NULL && node->kind == JP_NUMBER && part->value != part->first)
    fprintf(w->out, "%" PRIu64, part->value);
  else
    fprintf(w->out, "%.*s", (int)node->text_bytes, node->text);
}

char *xp_parts_text(const struct xp_parts *p) {
  char *text = NULL;
  size_t length = 0;
  struct writer w = {.parts = p, .out = open_memstream(&text, &length)};
  rt_assert(w.out != NULL);
  write_value(&w, jp_root(p->doc));
  fclose(w.out);
  return text;
}

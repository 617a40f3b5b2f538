/* What was left out of a scenario, and made smaller in it, in words. */
#include <cjson/cJSON.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sims/explore/parts.h"
#include "sims/jsonpos.h"
#include "sims/memory.h"

enum { NAMED_OPS = 3 }; /* of a body, so many that are left out are named */

struct lines {
  const struct xp_parts *parts;
  char **line;
  uint32_t count, room;
};

/* Takes the text. */
static void add(struct lines *l, char *text) {
  l->line = sim_grow(l->line, &l->room, l->count, sizeof *l->line);
  l->line[l->count++] = text;
}

/* Takes the first text. */
static char *joined(char *text, const char *comma, const char *more) {
  char *longer = sim_printf("%s%s%s", text, text[0] != '\0' ? comma : "", more);
  free(text);
  return longer;
}

static const char *member_text(const struct jp_node *object, const char *key) {
  const struct jp_node *member = jp_member(object, key);
  return member != NULL && member->kind == JP_STRING ? member->json->valuestring : "?";
}

/* "map.put m" */
static char *op_name(const struct xp_parts *p, const struct xp_part *op) {
  const char *kind = member_text(op->node, "op");
  if (op->needs == XP_NO_PART) return sim_strdup(kind);
  return sim_printf("%s %s", kind, xp_thing_name(&p->part[op->needs]));
}

static const char *body_name(const struct xp_parts *p, uint32_t body) {
  return body == XP_NO_PART ? "setup" : member_text(p->part[body].node, "name");
}

/* ---- one line each --------------------------------------------------------------------------- */

static void tell_group(struct lines *l, const struct xp_part *group) {
  const char *name = member_text(group->node, "name");
  const struct jp_node *count = jp_member(group->node, "count");
  bool is_one = count == NULL || strtoull(count->text, NULL, 10) == 1;
  if (is_one)
    add(l, sim_printf("goroutine %s left out", name));
  else
    add(l, sim_printf("goroutines %s (%.*s) left out", name, (int)count->text_bytes, count->text));
}

/* What is left out of a body that is not left out itself. */
static void tell_body(struct lines *l, uint32_t body) {
  const struct xp_parts *p = l->parts;
  uint32_t all = 0, out = 0, named = 0;
  char *names = sim_strdup("");
  for (uint32_t i = 0; i < p->count; i++) {
    const struct xp_part *op = &p->part[i];
    if (op->kind != XP_PART_OP || xp_body_of(p, i) != body) continue;
    all++;
    out += op->kept_out;
    bool is_within = op->parent != body && p->part[op->parent].kept_out;
    if (!op->kept_out || is_within || ++named > NAMED_OPS) continue;
    char *name = op_name(p, op);
    names = joined(names, ", ", name);
    free(name);
  }
  if (out > 0 && out == all)
    add(l, sim_printf("%s left out", body_name(p, body)));
  else if (named > NAMED_OPS)
    add(l, sim_printf("%s: %u of %u operations left out", body_name(p, body), out, all));
  else if (out > 0)
    add(l, sim_printf("%s: %s left out", body_name(p, body), names));
  free(names);
}

/* "channel c", "writer: map.put m" */
static char *owner_name(const struct xp_parts *p, uint32_t owner) {
  const struct xp_part *part = &p->part[owner];
  if (part->kind == XP_PART_GROUP)
    return sim_printf("goroutines %s", member_text(part->node, "name"));
  if (part->kind == XP_PART_THING) {
    const char *list = part->node->parent->key; /* "channels": of more than one */
    return sim_printf("%.*s %s", (int)strlen(list) - 1, list, xp_thing_name(part));
  }
  char *op = op_name(p, part);
  char *text = sim_printf("%s: %s", body_name(p, xp_body_of(p, owner)), op);
  free(op);
  return text;
}

static void tell_number(struct lines *l, const struct xp_part *number) {
  const char *key = number->node->key;
  char *owner = number->parent == XP_NO_PART ? sim_strdup("runtime")
                                             : owner_name(l->parts, number->parent);
  add(l, sim_printf("%s %s %" PRIu64 " -> %" PRIu64, owner, key, number->first,
                    number->kept_value));
  free(owner);
}

/* All of one list in one line. */
static void tell_things(struct lines *l, const char *list) {
  const struct xp_parts *p = l->parts;
  char *names = sim_strdup("");
  for (uint32_t i = 0; i < p->count; i++) {
    const struct xp_part *part = &p->part[i];
    bool is_out = part->kind == XP_PART_THING && part->kept_out;
    if (!is_out || strcmp(part->node->parent->key, list) != 0) continue;
    names = joined(names, ", ", xp_thing_name(part));
  }
  if (names[0] != '\0') add(l, sim_printf("%s %s left out", list, names));
  free(names);
}

/* ---- all of them ----------------------------------------------------------------------------- */

static bool is_number(const struct xp_part *part) {
  return part->kind == XP_PART_COUNT || part->kind == XP_PART_NUMBER ||
         part->kind == XP_PART_PROCS;
}

static void tell_numbers(struct lines *l) {
  const struct xp_parts *p = l->parts;
  for (uint32_t i = 0; i < p->count; i++) {
    const struct xp_part *part = &p->part[i];
    if (is_number(part) && !part->kept_out && part->kept_value != part->first)
      tell_number(l, part);
  }
}

char **xp_parts_lines(const struct xp_parts *p, uint32_t *count) {
  static const char *const lists[] = {"maps", "lists", "trees", "channels", "mutexes", "objects"};
  struct lines l = {.parts = p};
  for (uint32_t i = 0; i < p->count; i++)
    if (p->part[i].kind == XP_PART_GROUP && p->part[i].kept_out) tell_group(&l, &p->part[i]);
  tell_body(&l, XP_NO_PART);
  for (uint32_t i = 0; i < p->count; i++)
    if (p->part[i].kind == XP_PART_GROUP && !p->part[i].kept_out) tell_body(&l, i);
  tell_numbers(&l);
  for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) tell_things(&l, lists[i]);
  *count = l.count;
  return l.line;
}

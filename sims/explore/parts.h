/* A scenario as what can be left out of it and numbers that can be smaller. Everything else stays
 * as it is, to the digit: collector, barrier, faults, checks, search, seed. What the loader makes
 * of a candidate is not judged here. */
#ifndef SIMS_EXPLORE_PARTS_H
#define SIMS_EXPLORE_PARTS_H

#include <stdbool.h>
#include <stdint.h>

#define XP_NO_PART UINT32_MAX

enum xp_part_kind {
  XP_PART_GROUP,   /* of goroutines, with their body */
  XP_PART_OP,      /* of a body or of the setup, with its own body */
  XP_PART_THING,   /* a map, list, tree, channel, mutex or object */
  XP_PART_LINK,    /* what a register or a field refers to at first */
  XP_PART_COUNT,   /* a number that says how much is done: count, duration_ns, depth, keep */
  XP_PART_NUMBER,  /* another one */
  XP_PART_PROCS,
  XP_PART_UNASKED  /* "choose", whose values are in place, and "expect": always left out */
};

struct jp_node;

struct xp_part {
  enum xp_part_kind kind;
  const struct jp_node *node;
  uint32_t parent;     /* part that it belongs to, before it in the array; or XP_NO_PART */
  uint32_t needs;      /* of an operation or a link: the thing it names; or XP_NO_PART */
  bool has_body;       /* goes when nothing of that is left */
  uint64_t first, least, unit; /* of a number: in the scenario; the smallest of use; a multiple of
                                * unit above least */
  /* The candidate, which the caller changes, and below it what was kept last. */
  bool is_out;
  uint64_t value;
  bool kept_out;
  uint64_t kept_value;
};

/* In the order of the document. */
struct xp_parts {
  char *text;          /* of the scenario */
  struct jp_doc *doc;
  struct xp_part *part;
  uint32_t count, room;
};

/* json: resolved_json of a scenario. Freed by xp_parts_free. */
struct xp_parts *xp_parts_new(const char *json);
void xp_parts_free(struct xp_parts *p);

const char *xp_thing_name(const struct xp_part *thing);
/* The group in whose body an operation is, or, with XP_NO_PART, the setup. */
uint32_t xp_body_of(const struct xp_parts *p, uint32_t part);

/* Leaves out of the candidate what cannot be without what is out already: bodies of nothing,
 * things that nobody names, objects that nothing holds. */
void xp_parts_settle(struct xp_parts *p);
/* The candidate as JSON; the caller frees it. */
char *xp_parts_text(const struct xp_parts *p);
/* The candidate is kept, or becomes again what was kept last: at first, the whole scenario. */
void xp_parts_keep(struct xp_parts *p);
void xp_parts_undo(struct xp_parts *p);

/* What was kept, beside the whole: a line for each difference, "goroutine reader left out". Adds
 * them to an array of malloc's with *count texts of malloc's, and returns it. */
char **xp_parts_lines(const struct xp_parts *p, uint32_t *count);

#endif

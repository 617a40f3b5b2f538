/* A strict pre-pass over JSON text: grammar, encoding, positions and exact numbers.
 *
 * cJSON turns text into values, but drops positions, keeps numbers as doubles, takes duplicate keys
 * and some invalid text silently. jp_parse therefore judges the text first (RFC 8259, strictly) and
 * builds one node per value with its place and its exact text; cJSON then parses the same text, and
 * each node points to its cJSON item, which holds decoded strings.
 */
#ifndef SIMS_JSONPOS_H
#define SIMS_JSONPOS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cJSON;

enum {
  JP_DEPTH_MAX = 64,      /* nesting of arrays and objects */
  JP_NODES_MAX = 1 << 18, /* values in one document */
  JP_NUMBER_MAX = 63      /* characters of one number (what cJSON reads) */
};

enum jp_kind { JP_NULL, JP_FALSE, JP_TRUE, JP_NUMBER, JP_STRING, JP_ARRAY, JP_OBJECT };

struct jp_node {
  enum jp_kind kind;
  bool bad;              /* already reported: its value must not be used */
  bool duplicate;        /* a repeated key: to be ignored */
  uint32_t origin;       /* 0: the document; k: grafted from jp_graft's origin k */
  uint32_t line, column; /* of the value; 1-based, columns count characters */
  uint32_t key_line, key_column;
  const char *key;  /* decoded; NULL in arrays and for the root */
  const char *text; /* scalars: the exact token, text_bytes long */
  size_t text_bytes;
  const char *raw_key; /* as written between the quotes, while key is not known yet */
  size_t raw_key_bytes;
  const struct cJSON *json;
  struct jp_node *parent, *next, *first, *last;
  uint32_t child_count, index; /* index: position among the siblings */
};

/* Called for each finding; node: the value concerned (for its pointer), may be NULL. */
typedef void jp_report(void *arg, uint32_t line, uint32_t column, const struct jp_node *node,
                       const char *message);

struct jp_doc;

/* Parses length bytes at text, which must stay unchanged while the document lives. Reports every
 * bad token and duplicate key; NULL after an error that hides the structure of the rest. */
struct jp_doc *jp_parse(const char *text, size_t length, jp_report *report, void *arg);
void jp_free(struct jp_doc *doc);
struct jp_node *jp_root(struct jp_doc *doc);

/* The member of an object, or NULL. Ignores duplicates after the first. */
struct jp_node *jp_member(const struct jp_node *object, const char *key);
struct jp_node *jp_element(const struct jp_node *array, uint32_t index);

/* Puts the root value of `from` in the place of `at`, marked with origin > 0. doc owns from then.
 */
void jp_graft(struct jp_doc *doc, struct jp_node *at, struct jp_doc *from, uint32_t origin);
/* A new member of an object: an empty object itself, until something is grafted there. */
struct jp_node *jp_add_member(struct jp_doc *doc, struct jp_node *object, const char *key,
                              uint32_t origin);

/* JSON pointer (RFC 6901) of a node, to be freed; "" for the root. */
char *jp_pointer(const struct jp_node *node);

#endif

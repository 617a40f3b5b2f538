#include "sims/cost.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sims/memory.h"
#include "sims/scenario_int.h"
#include "sims/suggest.h"

const struct sim_cost_row sim_cost_rows[SIM_COST_ROWS] = {
#define COST(name_, picoseconds, doc_) {#name_, doc_, picoseconds},
#include "runtime/cost.def"
#undef COST
};

enum { COST_FILE_MAX = 1 << 20, FINDINGS_MAX = 20 };

void sim_cost_default(struct sim_cost *out) {
  for (int i = 0; i < SIM_COST_ROWS; i++) out->ps[i] = sim_cost_rows[i].ps;
}

/* What is being read, and what is wrong with it so far. */
struct reading {
  const char *path;
  struct sim_cost *out;
  char *findings; /* NULL: none */
  uint32_t count;
};

static void find(struct reading *r, uint32_t line, uint32_t column, const char *text) {
  if (r->count++ >= FINDINGS_MAX) return;
  char *before = r->findings;
  r->findings = sim_printf("%s%s%s:%u:%u: %s", before == NULL ? "" : before,
                           before == NULL ? "" : "\n", r->path, line, column, text);
  free(before);
}

static void on_report(void *arg, uint32_t line, uint32_t column, const struct jp_node *node,
                      const char *message) {
  (void)node;
  find(arg, line, column, message);
}

/* Takes text, a fresh string. */
static void complain(struct reading *r, const struct jp_node *node, char *text) {
  find(r, node->line, node->column, text);
  free(text);
}

static void complain_key(struct reading *r, const struct jp_node *node,
                         const char *const *allowed) {
  struct sim_suggest near = {.typed = node->key};
  for (; *allowed != NULL; allowed++) sim_suggest_offer(&near, *allowed);
  complain(r, node,
           near.best != NULL
               ? sim_printf("unknown key \"%s\" (did you mean \"%s\"?)", node->key, near.best)
               : sim_printf("unknown key \"%s\"", node->key));
}

static bool is_one_of(const char *key, const char *const *allowed) {
  while (*allowed != NULL && strcmp(*allowed, key) != 0) allowed++;
  return *allowed != NULL;
}

/* An object with no other keys than these; false: it is none. */
static bool check_object(struct reading *r, const struct jp_node *node,
                         const char *const *allowed) {
  if (node->kind != JP_OBJECT) {
    complain(r, node, sim_strdup("allowed: an object"));
    return false;
  }
  for (const struct jp_node *n = node->first; n != NULL; n = n->next)
    if (!n->duplicate && !is_one_of(n->key, allowed)) complain_key(r, n, allowed);
  return true;
}

static bool read_ps(struct reading *r, const struct jp_node *node, uint64_t *out) {
  bool is_whole = node->kind == JP_NUMBER && node->text[0] != '-' &&
                  sc_exact_u64(node->text, node->text_bytes, 0, out) == SC_EXACT_OK;
  if (is_whole && *out <= SIM_COST_MAX_PS) return true;
  complain(r, node,
           sim_printf("found %.*s, allowed: a whole number of picoseconds, 0..%" PRIu64,
                      node->kind == JP_NUMBER ? (int)node->text_bytes : 10,
                      node->kind == JP_NUMBER ? node->text : "no number", SIM_COST_MAX_PS));
  return false;
}

static void read_row(struct reading *r, const struct jp_node *node, enum sim_cost_row_id id) {
  static const char *const keys[] = {"ps", "unit", "doc", "min_ps", "max_ps", NULL};
  uint64_t ignored;
  if (!check_object(r, node, keys)) return;
  for (const struct jp_node *n = node->first; n != NULL; n = n->next) {
    bool is_text = strcmp(n->key, "unit") == 0 || strcmp(n->key, "doc") == 0;
    bool is_cost = strcmp(n->key, "ps") == 0;
    if (is_text && n->kind != JP_STRING) complain(r, n, sim_strdup("allowed: a text"));
    if (!is_text && is_one_of(n->key, keys)) read_ps(r, n, is_cost ? &r->out->ps[id] : &ignored);
  }
  if (jp_member(node, "ps") == NULL)
    complain(r, node, sim_printf("missing key \"ps\" in row \"%s\"", sim_cost_rows[id].name));
}

static void read_rows(struct reading *r, const struct jp_node *rows) {
  const char *names[SIM_COST_ROWS + 1] = {NULL};
  for (int i = 0; i < SIM_COST_ROWS; i++) names[i] = sim_cost_rows[i].name;
  if (!check_object(r, rows, names)) return;
  for (int i = 0; i < SIM_COST_ROWS; i++) {
    const struct jp_node *row = jp_member(rows, names[i]);
    if (row != NULL) {
      read_row(r, row, (enum sim_cost_row_id)i);
    } else {
      complain(r, rows, sim_printf("missing row \"%s\" (%s)", names[i], sim_cost_rows[i].unit));
    }
  }
}

static void read_root(struct reading *r, const struct jp_node *root) {
  static const char *const keys[] = {"schema", "measured", "rows", NULL};
  static const char *const facts[] = {"machine", "cpu", "date", "compiler", "how", NULL};
  if (!check_object(r, root, keys)) return;
  const struct jp_node *schema = jp_member(root, "schema"), *rows = jp_member(root, "rows");
  const struct jp_node *measured = jp_member(root, "measured");
  const char *name = schema == NULL ? NULL : cJSON_GetStringValue(schema->json);
  if (name == NULL || strcmp(name, SIM_COST_SCHEMA) != 0)
    complain(r, schema == NULL ? root : schema,
             sim_strdup("allowed: \"schema\": \"" SIM_COST_SCHEMA "\""));
  if (measured != NULL) check_object(r, measured, facts);
  if (rows != NULL) read_rows(r, rows);
  if (rows == NULL) complain(r, root, sim_strdup("missing key \"rows\""));
}

/* The whole file; NULL: it cannot be read, and *why says why. */
static char *read_file(const char *path, size_t *length, char **why) {
  FILE *f = fopen(path, "r");
  if (f == NULL) {
    *why = sim_printf("%s: %s", path, strerror(errno));
    return NULL;
  }
  char *text = sim_alloc(COST_FILE_MAX + 1);
  *length = fread(text, 1, COST_FILE_MAX + 1, f);
  bool is_read = ferror(f) == 0;
  fclose(f);
  if (is_read && *length <= COST_FILE_MAX) return text;
  *why = sim_printf(is_read ? "%s: longer than 1 MiB" : "%s: cannot be read", path);
  free(text);
  return NULL;
}

char *sim_cost_load(const char *path, struct sim_cost *out) {
  struct reading r = {.path = path, .out = out};
  size_t length = 0;
  sim_cost_default(out);
  char *text = read_file(path, &length, &r.findings);
  if (text == NULL) return r.findings;
  struct jp_doc *doc = jp_parse(text, length, on_report, &r);
  if (doc != NULL && r.findings == NULL) read_root(&r, jp_root(doc));
  if (doc != NULL) jp_free(doc);
  free(text);
  if (r.findings != NULL) sim_cost_default(out);
  return r.findings;
}

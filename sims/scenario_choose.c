/* Data choices ("choose"): the grid of values that exploration goes over. */
#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sims/memory.h"
#include "sims/scenario_int.h"

/* ---- in the document, before anything is known to be right ---------------------------------- */

static const char *chosen_path(const struct jp_node *choice) {
  const struct jp_node *set = choice->kind == JP_OBJECT ? jp_member(choice, "set") : NULL;
  if (set == NULL || set->kind != JP_STRING || set->bad) return NULL;
  return set->json->valuestring;
}

static struct jp_node *values_of(const struct jp_node *choice) {
  struct jp_node *values = jp_member(choice, "values");
  bool ok = values != NULL && values->kind == JP_ARRAY && !values->bad;
  return ok ? values : NULL;
}

static struct jp_node *choices(struct sc_load *load) {
  struct jp_node *root = jp_root(load->doc);
  struct jp_node *list = root->kind == JP_OBJECT ? jp_member(root, "choose") : NULL;
  return list != NULL && list->kind == JP_ARRAY ? list->first : NULL;
}

struct jp_node *sc_chosen_values(struct sc_load *load, const char *path) {
  for (struct jp_node *n = choices(load); n != NULL; n = n->next) {
    const char *set = chosen_path(n);
    if (set != NULL && strcmp(set, path) == 0) return values_of(n);
  }
  return NULL;
}

static bool may_be_chosen(const char *path) {
  static const char *const fixed[] = {"choose", "name", "$schema"};
  size_t length = strcspn(path, ".");
  for (size_t i = 0; i < sizeof fixed / sizeof fixed[0]; i++)
    if (strlen(fixed[i]) == length && strncmp(path, fixed[i], length) == 0) return false;
  return path[0] != '\0' && strlen(path) < sizeof ((struct sc_choose *)NULL)->set;
}

static void no_report(void *arg, uint32_t line, uint32_t column, const struct jp_node *node,
                      const char *message) {
  (void)arg, (void)line, (void)column, (void)node, (void)message;
}

void sc_choose_first(struct sc_load *load) {
  load->firsts = sim_alloc(SC_CHOOSE_MAX * sizeof *load->firsts);
  for (struct jp_node *n = choices(load); n != NULL; n = n->next) {
    const char *path = chosen_path(n);
    struct jp_node *values = path != NULL ? values_of(n) : NULL;
    if (values == NULL || values->first == NULL || load->first_count == SC_CHOOSE_MAX ||
        !may_be_chosen(path))
      continue; /* the table will say what is wrong */
    struct sc_choose_first *first = &load->firsts[load->first_count++];
    *first = (struct sc_choose_first){path, sc_keep(load, sc_json_text(values->first)),
                                      values->first};
    uint32_t origin = load->override_count + load->first_count;
    struct jp_doc *value = jp_parse(first->value, strlen(first->value), no_report, NULL);
    struct jp_node *at = value == NULL ? NULL : sc_find_path(load, path, origin);
    if (at != NULL)
      jp_graft(load->doc, at, value, origin);
    else if (value != NULL)
      jp_free(value);
  }
}

/* ---- rules ---------------------------------------------------------------------------------- */

/* One path is the other, or leads through it. */
static bool paths_meet(const char *a, const char *b) {
  size_t i = 0;
  while (a[i] != '\0' && a[i] == b[i]) i++;
  return (a[i] == '\0' || a[i] == '.') && (b[i] == '\0' || b[i] == '.') &&
         (a[i] == '\0' || b[i] == '\0');
}

void sc_check_choose(struct sc_load *load, struct jp_node *node, void *base) {
  const struct sc_choose *c = base;
  struct jp_node *set = jp_member(node, "set");
  if (!may_be_chosen(c->set)) {
    sc_fail(load, set, "found \"%s\", allowed: a path such as seed or objects.A.links.0", c->set);
    return;
  }
  for (const struct sc_choose *other = load->s->chooses; other < c; other++) {
    if (!paths_meet(other->set, c->set)) continue;
    sc_fail(load, set, "found \"%s\", but \"%s\" is chosen already, allowed: paths apart", c->set,
            other->set);
    return;
  }
  for (uint32_t i = 1; i < c->value_count; i++)
    for (uint32_t k = 0; k < i; k++)
      if (strcmp(c->values[i], c->values[k]) == 0)
        sc_fail(load, jp_element(jp_member(node, "values"), i),
                "found %s a second time, allowed: different values", c->values[i]);
}

static bool grid_fits(struct sc_load *load) {
  uint64_t combinations = 1;
  for (uint32_t i = 0; i < load->s->choose_count; i++) {
    uint32_t values = load->s->chooses[i].value_count;
    bool fits = values == 0 || combinations <= SC_CHOICES_MAX / values;
    combinations *= values;
    if (fits) continue;
    sc_fail(load, jp_member(jp_root(load->doc), "choose"),
            "found more than 2^56 combinations of values, allowed: fewer");
    return false;
  }
  return true;
}

static void try_value(struct sc_load *load, const struct sc_choose *c, uint32_t index,
                      struct jp_node *place) {
  struct sc_errors errors;
  struct sc_override more = {c->set, c->values[index]};
  struct scenario *s = sc_load_with(load, more, &errors);
  if (s == NULL)
    sc_fail(load, place, "with %s = %s: %s%s%s", c->set, c->values[index], errors.list[0].pointer,
            errors.list[0].pointer[0] == '\0' ? "" : ": ", errors.list[0].message);
  scenario_free(s);
  sc_errors_free(&errors);
}

void sc_try_choices(struct sc_load *load) {
  if (!grid_fits(load)) return;
  struct jp_node *choice = choices(load);
  for (uint32_t i = 0; i < load->s->choose_count; i++, choice = choice->next) {
    const struct sc_choose *c = &load->s->chooses[i];
    struct jp_node *place = values_of(choice)->first;
    for (uint32_t v = 0; v < c->value_count; v++, place = place->next)
      if (v > 0) try_value(load, c, v, place);
  }
}

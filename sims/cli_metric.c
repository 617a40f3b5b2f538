#include "sims/cli_metric.h"

#include <stdlib.h>
#include <string.h>

#include "sims/memory.h"

/* ---- paths ---- */

/* The child of a list that path starts with; *rest is what follows its number. */
static const cJSON *find_item(const cJSON *list, const char *path, const char **rest) {
  char *end = NULL;
  if (path[0] < '0' || path[0] > '9') return NULL;
  unsigned long i = strtoul(path, &end, 10);
  *rest = end;
  return i < 1000000 ? cJSON_GetArrayItem(list, (int)i) : NULL;
}

const cJSON *sim_metric_find(const cJSON *doc, const char *path) {
  const cJSON *child = NULL, *best = NULL;
  size_t best_length = 0;
  if (cJSON_IsArray(doc)) {
    const char *rest = NULL;
    child = find_item(doc, path, &rest);
    if (child == NULL || *rest == '\0') return child;
    return *rest == '.' ? sim_metric_find(child, rest + 1) : NULL;
  }
  if (!cJSON_IsObject(doc)) return NULL;
  cJSON_ArrayForEach(child, doc) {
    size_t length = strlen(child->string);
    bool fits = strncmp(path, child->string, length) == 0 &&
                (path[length] == '\0' || path[length] == '.');
    if (fits && (best == NULL || length > best_length)) {
      best = child;
      best_length = length;
    }
  }
  if (best == NULL || path[best_length] == '\0') return best;
  return sim_metric_find(best, path + best_length + 1);
}

bool sim_metric_value(const cJSON *item, double *out) {
  if (cJSON_IsNumber(item)) {
    *out = item->valuedouble;
  } else if (cJSON_IsBool(item)) {
    *out = cJSON_IsTrue(item) ? 1 : 0;
  } else if (cJSON_IsArray(item)) {
    *out = cJSON_GetArraySize(item);
  } else {
    return false;
  }
  return true;
}

bool sim_metric_number(const cJSON *doc, const char *path, double *out) {
  return sim_metric_value(sim_metric_find(doc, path), out);
}

/* ---- combining ---- */

/* One place in `count` documents at once: what is there in each, NULL where nothing is. */
struct combine {
  uint32_t count;
  bool is_ratio; /* items[count..2 count) are the divisors */
  sim_metric_fold *fold;
};

static cJSON *combine_items(const struct combine *c, const cJSON *const *items, uint32_t depth);

static uint32_t width(const struct combine *c) { return c->is_ratio ? 2 * c->count : c->count; }

static cJSON *combine_numbers(const struct combine *c, const cJSON *const *items) {
  double *values = sim_alloc(c->count * sizeof values[0]);
  uint32_t n = 0;
  for (uint32_t i = 0; i < c->count; i++) {
    double value = 0;
    if (!cJSON_IsNumber(items[i])) continue;
    value = items[i]->valuedouble;
    if (c->is_ratio) {
      const cJSON *divisor = items[c->count + i];
      if (!cJSON_IsNumber(divisor) || divisor->valuedouble == 0) continue;
      value /= divisor->valuedouble;
    }
    values[n++] = value;
  }
  cJSON *out = n > 0 ? c->fold(values, n) : cJSON_CreateNull();
  free(values);
  return out;
}

/* What names or describes a run rather than measures it, and lists whose items are not the same
 * thing in every run. */
static bool is_left_out(const cJSON *child, uint32_t depth) {
  bool is_setting = depth == 0 && (strcmp(child->string, "seed") == 0 ||
                                   strcmp(child->string, "config") == 0);
  bool is_other_list = cJSON_IsArray(child) && strcmp(child->string, "mmu") != 0;
  return is_setting || is_other_list || cJSON_IsString(child) || cJSON_IsBool(child);
}

/* The first of the items that is there and not null: it gives the shape. */
static const cJSON *model_of(const struct combine *c, const cJSON *const *items) {
  for (uint32_t i = 0; i < width(c); i++) {
    if (items[i] != NULL && !cJSON_IsNull(items[i])) return items[i];
  }
  return NULL;
}

static cJSON *combine_object(const struct combine *c, const cJSON *const *items,
                             const cJSON *model, uint32_t depth) {
  const cJSON **below = sim_alloc(width(c) * sizeof below[0]);
  cJSON *out = cJSON_CreateObject();
  const cJSON *child = NULL;
  cJSON_ArrayForEach(child, model) {
    if (is_left_out(child, depth)) continue;
    if (strcmp(child->string, "window_ns") == 0) {
      cJSON_AddItemToObject(out, child->string, cJSON_Duplicate(child, true));
      continue;
    }
    for (uint32_t i = 0; i < width(c); i++) {
      below[i] = cJSON_GetObjectItemCaseSensitive(items[i], child->string);
    }
    cJSON *item = combine_items(c, below, depth + 1);
    if (item != NULL) cJSON_AddItemToObject(out, child->string, item);
  }
  free(below);
  return out;
}

static cJSON *combine_list(const struct combine *c, const cJSON *const *items, const cJSON *model,
                           uint32_t depth) {
  const cJSON **below = sim_alloc(width(c) * sizeof below[0]);
  cJSON *out = cJSON_CreateArray();
  int length = cJSON_GetArraySize(model);
  for (int k = 0; k < length; k++) {
    for (uint32_t i = 0; i < width(c); i++) below[i] = cJSON_GetArrayItem(items[i], k);
    cJSON *item = combine_items(c, below, depth + 1);
    if (item != NULL) cJSON_AddItemToArray(out, item);
  }
  free(below);
  return out;
}

/* NULL: nothing here is a number. */
static cJSON *combine_items(const struct combine *c, const cJSON *const *items, uint32_t depth) {
  const cJSON *model = model_of(c, items);
  if (model == NULL) return cJSON_CreateNull();
  if (cJSON_IsObject(model)) return combine_object(c, items, model, depth);
  if (cJSON_IsArray(model)) return combine_list(c, items, model, depth);
  if (cJSON_IsNumber(model)) return combine_numbers(c, items);
  return NULL;
}

cJSON *sim_metric_combine(const cJSON *const *docs, uint32_t count, sim_metric_fold *fold) {
  struct combine c = {.count = count, .fold = fold};
  return combine_items(&c, docs, 0);
}

cJSON *sim_metric_ratios(const cJSON *const *ours, const cJSON *const *theirs, uint32_t count,
                         sim_metric_fold *fold) {
  struct combine c = {.count = count, .is_ratio = true, .fold = fold};
  const cJSON **both = sim_alloc(2 * (size_t)count * sizeof both[0]);
  for (uint32_t i = 0; i < count; i++) {
    both[i] = ours[i];
    both[count + i] = theirs[i];
  }
  cJSON *out = combine_items(&c, both, 0);
  free(both);
  return out;
}

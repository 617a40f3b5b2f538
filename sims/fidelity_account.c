#include "sims/fidelity_account.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "sims/cli_metric.h"

/* ---- the difference -------------------------------------------------------------------------- */

static int64_t whole_at(const cJSON *doc, const char *path) {
  double value;
  return sim_metric_number(doc, path, &value) ? (int64_t)value : 0;
}

static int64_t objects_of(const cJSON *sizes, uint32_t bytes) {
  const cJSON *size;
  cJSON_ArrayForEach(size, sizes)
    if (whole_at(size, "bytes") == bytes) return whole_at(size, "mallocs");
  return 0;
}

static bool is_listed(const struct fid_account *a, uint32_t bytes) {
  for (uint32_t i = 0; i < a->count; i++)
    if (a->size[i].bytes == bytes) return true;
  return false;
}

static void add_sizes(struct fid_account *a, const cJSON *of, const cJSON *ours, const cJSON *go) {
  const cJSON *size;
  cJSON_ArrayForEach(size, of) {
    uint32_t bytes = (uint32_t)whole_at(size, "bytes");
    int64_t more = objects_of(ours, bytes) - objects_of(go, bytes);
    if (more == 0 || is_listed(a, bytes) || a->count == FID_SIZES_MAX) continue;
    a->size[a->count].bytes = bytes;
    a->size[a->count++].more = more;
    a->rest_mallocs -= more;
    a->rest_bytes -= more * bytes;
  }
}

void fid_account_make(struct fid_account *a, const cJSON *ours, const cJSON *go) {
  const cJSON *our_sizes = sim_metric_find(ours, "gc.by_size");
  const cJSON *go_sizes = sim_metric_find(go, "gc.by_size");
  *a = (struct fid_account){
    .is_known = cJSON_GetArraySize(our_sizes) > 0 && cJSON_GetArraySize(go_sizes) > 0,
    .mallocs = whole_at(ours, "gc.mallocs") - whole_at(go, "gc.mallocs"),
    .bytes = whole_at(ours, "gc.bytes_allocated") - whole_at(go, "gc.bytes_allocated"),
  };
  a->rest_mallocs = a->mallocs;
  a->rest_bytes = a->bytes;
  add_sizes(a, our_sizes, our_sizes, go_sizes);
  add_sizes(a, go_sizes, our_sizes, go_sizes);
}

/* ---- its causes ------------------------------------------------------------------------------ */

/* What Go 1.19 takes from its heap for itself, which we have elsewhere. */
static const struct { uint32_t bytes; const char *what; } runtime_objects[] = {
  {8, "timers of the scavenger"}, {32, "nodes of mark workers"}, {48, "closures of go statements"},
  {96, "wait-queue entries (sudog)"}, {416, "goroutine descriptors (g)"},
  {1024, "thread descriptors (m)"},
};
enum {
  BLOCK_BYTES = 16,
  BLOCKS_APART = 8, /* a block more or less at each flush of a P's cache */
  LISTS_APART = 48  /* capacities the slices of a map's overflow buckets go through */
};

static const char *runtime_object(uint32_t bytes) {
  for (size_t i = 0; i < sizeof runtime_objects / sizeof runtime_objects[0]; i++)
    if (runtime_objects[i].bytes == bytes) return runtime_objects[i].what;
  return NULL;
}

/* NULL: none. */
static const char *cause_of(const struct fid_causes *causes, uint32_t bytes, int64_t more) {
  const char *what = more < 0 ? runtime_object(bytes) : NULL;
  if (what != NULL) return what;
  if (bytes == BLOCK_BYTES && llabs(more) <= BLOCKS_APART)
    return "blocks that small objects share";
  if (!causes->any_order) return NULL;
  if (bytes == causes->bucket_bytes) return "overflow buckets (order of the inserts)";
  return llabs(more) <= LISTS_APART ? "slices that list them" : NULL;
}

/* What is beside the size classes. */
static const char *cause_of_rest(const struct fid_causes *causes, const struct fid_account *a) {
  if (a->rest_bytes == 0) return "in blocks shared with others";
  bool are_lists = causes->any_order && llabs(a->rest_mallocs) <= LISTS_APART;
  return are_lists ? "long slices that list them" : NULL;
}

struct text { char *out; size_t bytes, used; };

static __attribute__((format(printf, 2, 3))) void say(struct text *t, const char *format, ...) {
  va_list args;
  va_start(args, format);
  int n = vsnprintf(t->out + t->used, t->bytes - t->used, format, args);
  va_end(args);
  t->used += n < 0 ? 0 : (size_t)n;
  if (t->used >= t->bytes) t->used = t->bytes - 1;
}

bool fid_account_explain(const struct fid_account *a, const struct fid_causes *causes, char *out,
                         size_t bytes) {
  static const char unknown[] = "UNEXPLAINED";
  struct text t = {out, bytes, 0};
  bool is_explained = true;
  out[0] = '\0';
  for (uint32_t i = 0; i < a->count; i++) {
    const char *what = cause_of(causes, a->size[i].bytes, a->size[i].more);
    is_explained &= what != NULL;
    say(&t, "%s%+lld x %u B %s", t.used > 0 ? ", " : "", (long long)a->size[i].more,
        a->size[i].bytes, what != NULL ? what : unknown);
  }
  if (a->rest_mallocs != 0 || a->rest_bytes != 0) {
    const char *what = cause_of_rest(causes, a);
    is_explained &= what != NULL;
    say(&t, "%s%+lld of %+lld B %s", t.used > 0 ? ", " : "", (long long)a->rest_mallocs,
        (long long)a->rest_bytes, what != NULL ? what : unknown);
  }
  say(&t, "%s%+lld objects, %+lld B", t.used > 0 ? " = " : "", (long long)a->mallocs,
      (long long)a->bytes);
  return is_explained;
}

/* oracle_pacer PATH...: drives the shipped pacer through recordings of Go 1.19's (format and driver
 * model in pacer/README.md) and compares every number. PATH: a recording or a folder of them.
 *
 * Prints per file what matched and the first difference in full; last line `N passed, N failed`.
 * Exit status 1 on any difference or unreadable file.
 */
#include <cjson/cJSON.h>
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "gc/pacer.h"

enum { PERIOD_NS = 500000, RATE_UNIT = 512 };

enum kind { KIND_I64, KIND_U64, KIND_F64 };

/* Every compared number, in the order it is computed. */
enum value_id {
#define VALUES(X)                            \
  X(OUT, heapLive, I64)                      \
  X(OUT, heapScannable, I64)                 \
  X(OUT, heapTrigger, U64)                   \
  X(OUT, heapPeak, U64)                      \
  X(OUT, heapGoal, U64)                      \
  X(OUT, gcUtilization, F64)                 \
  X(OUT, assistTime, I64)                    \
  X(OUT, gcDuration, I64)                    \
  X(OUT, reviseSteps, I64)                   \
  X(DBG, dedicatedWorkers, I64)              \
  X(DBG, fractionalGoal, F64)                \
  X(DBG, assistRatioStart, F64)              \
  X(DBG, bytesMarkedArg, U64)                \
  X(DBG, consMarkAfter, F64)                 \
  X(DBG, piIntegralAfter, F64)               \
  X(DBG, runwayAfter, U64)                   \
  X(DBG, percentGoalAfter, U64)
#define ID(group, name, kind) V_##name,
  VALUES(ID)
#undef ID
  VALUE_COUNT
};

union value {
  int64_t i;
  uint64_t u;
  double f;
};

static const struct {
  const char *group, *name;
  enum kind kind;
} value_info[VALUE_COUNT] = {
#define OUT "out"
#define DBG "dbg"
#define ROW(group, name, kind) {group, #name, KIND_##kind},
    VALUES(ROW)
#undef ROW
};

struct program {
  int64_t globals, initial_heap;
  uint32_t cores;
};

struct cycle_in {
  double alloc_rate, scan_rate, growth_rate, scannable;
  int64_t stack;
};

/* The simulated runtime around the pacer. */
struct sim {
  const struct gc_pacer_ops *ops;
  struct gc_pacer pacer;
  struct gc_pacer_input in;
  struct gc_pacer_ratio ratio;
  int64_t black_last; /* allocated during the last cycle, and so marked by it */
};

/* ---- reading -------------------------------------------------------------------------------- */

/* A copy of text in which every number is a string, because cJSON would round big integers. */
static char *quote_numbers(const char *text, size_t length) {
  char *out = malloc(3 * length + 1);
  if (out == NULL) return NULL;
  size_t n = 0;
  bool in_string = false, in_number = false;
  for (size_t i = 0; i < length; i++) {
    char c = text[i];
    if (in_string) {
      out[n++] = c;
      if (c == '\\' && i + 1 < length) out[n++] = text[++i];
      if (c == '"') in_string = false;
      continue;
    }
    bool part = isdigit((unsigned char)c) || c == '-' || c == '+' || c == '.' ||
                (in_number && (c == 'e' || c == 'E'));
    if (part != in_number) out[n++] = '"';
    in_number = part;
    if (c == '"') in_string = true;
    out[n++] = c;
  }
  out[n] = '\0';
  return out;
}

static char *read_file(const char *path, size_t *length) {
  FILE *f = fopen(path, "rb");
  if (f == NULL) return NULL;
  size_t size = 0, cap = 1 << 16;
  char *text = malloc(cap);
  while (text != NULL) {
    size_t got = fread(text + size, 1, cap - size, f);
    size += got;
    if (got == 0) break;
    if (size == cap) {
      char *more = realloc(text, cap *= 2);
      if (more == NULL) free(text);
      text = more;
    }
  }
  if (text != NULL && ferror(f)) {
    free(text);
    text = NULL;
  }
  fclose(f);
  *length = size;
  return text;
}

static bool parse_value(const char *text, enum kind kind, union value *v) {
  char *end = NULL;
  errno = 0;
  if (kind == KIND_I64) v->i = strtoll(text, &end, 10);
  if (kind == KIND_U64) v->u = strtoull(text, &end, 10);
  if (kind == KIND_F64) v->f = strtod(text, &end);
  /* A denormal sets ERANGE too but is read exactly. */
  return end != text && *end == '\0' && (errno == 0 || kind == KIND_F64);
}

static bool get(const cJSON *object, const char *name, enum kind kind, union value *v) {
  const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, name));
  if (text != NULL && parse_value(text, kind, v)) return true;
  printf("  missing or malformed number \"%s\"\n", name);
  return false;
}

static bool get_i64(const cJSON *object, const char *name, int64_t *out) {
  union value v;
  if (!get(object, name, KIND_I64, &v)) return false;
  *out = v.i;
  return true;
}

static bool get_f64(const cJSON *object, const char *name, double *out) {
  union value v;
  if (!get(object, name, KIND_F64, &v)) return false;
  *out = v.f;
  return true;
}

/* ---- the driver ----------------------------------------------------------------------------- */

static void start_cycle(struct sim *s, const struct program *prog, const struct cycle_in *c) {
  uint64_t trigger = s->ops->trigger(&s->pacer, &s->in).trigger;
  if (s->pacer.heap_marked > trigger) trigger = s->pacer.heap_marked;
  s->in.max_stack_scan = (uint64_t)c->stack;
  s->in.globals_scan = (uint64_t)prog->globals;
  s->in.heap_live = trigger;
  s->in.heap_scan += gc_f64_to_u64((double)(trigger - s->pacer.heap_marked) * c->scannable);
  s->in.heap_scan_work = s->in.stack_scan_work = s->in.globals_scan_work = 0;
  s->in.assist_time = s->in.idle_mark_time = 0;
  s->ratio = s->ops->start_cycle(&s->pacer, &s->in, 0, prog->cores, GC_TRIGGER_HEAP);
}

/* Takes up to *work from *left. */
static int64_t spend(int64_t *left, int64_t *work) {
  int64_t taken = *left > *work ? *work : *left;
  *left -= taken;
  *work -= taken;
  return taken;
}

struct remaining {
  int64_t globals, stack, heap;
};

/* One period; returns the bytes allocated in it. */
static int64_t step(struct sim *s, const struct program *prog, const struct cycle_in *c,
                    struct remaining *left, int64_t *duration) {
  double cores = (double)prog->cores;
  double a = s->ratio.work_per_byte;
  double u = a * c->alloc_rate / (a * c->alloc_rate + c->scan_rate);
  if (u < 0.25) u = 0.25;
  int64_t scanned = gc_f64_to_i64(c->scan_rate * RATE_UNIT * cores * u);
  int64_t allocated = gc_f64_to_i64(c->alloc_rate * RATE_UNIT * cores * (1 - u));
  int64_t work = scanned;
  int64_t globals = spend(&left->globals, &work);
  int64_t stack = spend(&left->stack, &work);
  int64_t heap = spend(&left->heap, &work);
  int64_t done = globals + stack + heap;
  int64_t elapsed = PERIOD_NS;
  if (done < scanned) {
    elapsed = gc_f64_to_i64((double)done * (double)PERIOD_NS /
                            (c->scan_rate * RATE_UNIT * cores * u));
    allocated = gc_f64_to_i64(c->alloc_rate * RATE_UNIT * (double)elapsed / (double)PERIOD_NS *
                              cores * (1 - u));
  }
  s->in.heap_live += (uint64_t)allocated;
  s->in.heap_scan += (uint64_t)gc_f64_to_i64((double)allocated * c->scannable);
  s->in.heap_scan_work += heap;
  s->in.stack_scan_work += stack;
  s->in.globals_scan_work += globals;
  s->ratio = s->ops->revise(&s->pacer, &s->in);
  s->in.assist_time += gc_f64_to_i64((double)elapsed * cores * (u - 0.25));
  *duration += elapsed;
  return allocated;
}

static void end_cycle(struct sim *s, const struct program *prog, uint64_t marked,
                      int64_t duration, union value *v) {
  s->ops->end_cycle(&s->pacer, &s->in, duration, prog->cores);
  s->ops->reset_live(&s->pacer, &s->in, marked);
  s->ops->commit(&s->pacer, &s->in, false);
  v[V_bytesMarkedArg].u = marked;
  v[V_consMarkAfter].f = s->pacer.cons_mark;
  v[V_piIntegralAfter].f = s->pacer.err_integral;
  v[V_runwayAfter].u = s->pacer.runway;
  v[V_percentGoalAfter].u = s->pacer.percent_goal;
}

enum { STEPS_MAX = 1000000 }; /* of a cycle; recordings have some hundred at most */

/* False: the inputs let the cycle never end. */
static bool run_cycle(struct sim *s, const struct program *prog, const struct cycle_in *c,
                      bool first, union value *v) {
  start_cycle(s, prog, c);
  v[V_dedicatedWorkers].i = s->pacer.dedicated_workers;
  v[V_fractionalGoal].f = s->pacer.fractional_goal;
  v[V_assistRatioStart].f = s->ratio.work_per_byte;

  int64_t survived = (int64_t)s->pacer.heap_marked - s->black_last;
  int64_t next = first ? prog->initial_heap : gc_f64_to_i64((double)survived * c->growth_rate);
  struct remaining left = {prog->globals, c->stack,
                           gc_f64_to_i64((double)next * c->scannable)};
  int64_t duration = 0, black = 0, steps = 0;
  while (left.globals + left.stack + left.heap > 0) {
    black += step(s, prog, c, &left, &duration);
    if (++steps == STEPS_MAX) return false;
  }
  v[V_heapLive].i = (int64_t)s->pacer.heap_marked;
  v[V_heapScannable].i = gc_f64_to_i64((double)survived * c->scannable);
  v[V_heapTrigger].u = s->pacer.triggered;
  v[V_heapPeak].u = s->in.heap_live;
  v[V_heapGoal].u = s->ops->heap_goal(&s->pacer, &s->in);
  v[V_gcUtilization].f =
      (double)s->in.assist_time / ((double)duration * (double)prog->cores) + 0.25;
  v[V_assistTime].i = s->in.assist_time;
  v[V_gcDuration].i = duration;
  v[V_reviseSteps].i = steps;
  end_cycle(s, prog, (uint64_t)(next + black), duration, v);
  s->black_last = black;
  return true;
}

/* ---- comparing ------------------------------------------------------------------------------ */

static bool same(union value a, union value b) { return a.u == b.u; } /* bit equality for all */

static void print_value(const char *label, union value v, enum kind kind) {
  if (kind == KIND_I64) printf("    %s %" PRId64 "\n", label, v.i);
  if (kind == KIND_U64) printf("    %s %" PRIu64 "\n", label, v.u);
  if (kind == KIND_F64) printf("    %s %.17g (bits 0x%016" PRIx64 ")\n", label, v.f, v.u);
}

struct tally {
  uint64_t integers, doubles;
};

/* False: a difference, printed. */
static bool compare(const cJSON *cycle, int index, const union value *ours, struct tally *t) {
  for (int id = 0; id < VALUE_COUNT; id++) {
    const cJSON *group = cJSON_GetObjectItemCaseSensitive(cycle, value_info[id].group);
    union value want;
    if (!get(group, value_info[id].name, value_info[id].kind, &want)) return false;
    if (!same(want, ours[id])) {
      printf("  cycle %d, %s.%s differs:\n", index, value_info[id].group, value_info[id].name);
      print_value("recorded", want, value_info[id].kind);
      print_value("ours    ", ours[id], value_info[id].kind);
      return false;
    }
    if (value_info[id].kind == KIND_F64) t->doubles++;
    if (value_info[id].kind != KIND_F64) t->integers++;
  }
  return true;
}

static bool read_cycle_in(const cJSON *cycle, struct cycle_in *c) {
  const cJSON *in = cJSON_GetObjectItemCaseSensitive(cycle, "in");
  return get_f64(in, "allocRate", &c->alloc_rate) && get_f64(in, "scanRate", &c->scan_rate) &&
         get_f64(in, "growthRate", &c->growth_rate) &&
         get_f64(in, "scannableFrac", &c->scannable) && get_i64(in, "stackBytes", &c->stack);
}

static bool read_program(const cJSON *doc, struct program *prog, int64_t *gogc, int64_t *limit) {
  int64_t cores;
  if (!get_i64(doc, "globalsBytes", &prog->globals) || !get_i64(doc, "nCores", &cores) ||
      !get_i64(doc, "initialHeapBytes", &prog->initial_heap) || !get_i64(doc, "gcPercent", gogc))
    return false;
  if (cores < 1 || cores > 100000 || *gogc < INT32_MIN || *gogc > INT32_MAX) {
    printf("  nCores or gcPercent out of range\n");
    return false;
  }
  prog->cores = (uint32_t)cores;
  *limit = INT64_MAX;
  if (cJSON_IsNull(cJSON_GetObjectItemCaseSensitive(doc, "memoryLimit"))) return true;
  return get_i64(doc, "memoryLimit", limit);
}

static bool check_document(const cJSON *doc, struct tally *t, int *cycles_done) {
  struct program prog;
  int64_t gogc, limit, length;
  if (!read_program(doc, &prog, &gogc, &limit) || !get_i64(doc, "length", &length)) return false;
  const cJSON *cycles = cJSON_GetObjectItemCaseSensitive(doc, "cycles");
  if (length < 1 || cJSON_GetArraySize(cycles) != length) {
    printf("  \"length\" is %" PRId64 " but there are %d cycles\n", length,
           cJSON_GetArraySize(cycles));
    return false;
  }
  struct sim s = {.ops = gc_pacer_find("go1.19")};
  s.ops->init(&s.pacer, &s.in, (int32_t)gogc, limit);
  const cJSON *cycle;
  cJSON_ArrayForEach(cycle, cycles) {
    struct cycle_in c;
    union value ours[VALUE_COUNT];
    if (!read_cycle_in(cycle, &c)) return false;
    if (!run_cycle(&s, &prog, &c, *cycles_done == 0, ours)) {
      printf("  cycle %d: with these inputs it never ends\n", *cycles_done);
      return false;
    }
    if (!compare(cycle, *cycles_done, ours, t)) return false;
    ++*cycles_done;
  }
  return true;
}

static bool check_file(const char *path) {
  size_t length = 0;
  char *text = read_file(path, &length);
  char *quoted = text == NULL ? NULL : quote_numbers(text, length);
  bool has_nul = text != NULL && memchr(text, '\0', length) != NULL;
  cJSON *doc = quoted == NULL || has_nul ? NULL : cJSON_ParseWithOpts(quoted, NULL, true);
  struct tally t = {0, 0};
  int cycles = 0;
  bool ok = false;
  printf("%s\n", path);
  if (text == NULL) {
    printf("  cannot be read: %s\n", strerror(errno));
  } else if (doc == NULL) {
    printf("  is not JSON\n");
  } else {
    ok = check_document(doc, &t, &cycles);
  }
  printf("  %s: %d cycles, %" PRIu64 " integers and %" PRIu64 " doubles equal\n",
         ok ? "ok" : "FAILED", cycles, t.integers, t.doubles);
  cJSON_Delete(doc);
  free(quoted);
  free(text);
  return ok;
}

/* ---- paths ---------------------------------------------------------------------------------- */

static unsigned passed, failed;

static void count_file(const char *path) {
  if (check_file(path)) {
    passed++;
  } else {
    failed++;
  }
}

static int is_json(const struct dirent *e) {
  size_t n = strlen(e->d_name);
  return n > 5 && strcmp(e->d_name + n - 5, ".json") == 0;
}

static void count_folder(const char *path) {
  struct dirent **list = NULL;
  int n = scandir(path, &list, is_json, alphasort);
  if (n <= 0) {
    printf("%s\n  no recordings there\n", path);
    failed++;
  }
  for (int i = 0; i < n; i++) {
    char file[4096];
    snprintf(file, sizeof file, "%s/%s", path, list[i]->d_name);
    count_file(file);
    free(list[i]);
  }
  free(list);
}

int main(int argc, char **argv) {
  if (argc < 2) {
    fprintf(stderr, "usage: oracle_pacer PATH...   recordings, or folders of them\n");
    return 2;
  }
  for (int i = 1; i < argc; i++) {
    struct stat st;
    if (stat(argv[i], &st) == 0 && S_ISDIR(st.st_mode)) {
      count_folder(argv[i]);
    } else {
      count_file(argv[i]);
    }
  }
  printf("%u passed, %u failed\n", passed, failed);
  return failed == 0 ? 0 : 1;
}

/* oracle_sizes PATH...: compares size classes, size rounding and the bytes an allocation takes with
 * what Go 1.19 printed.
 *
 * Members of a file, all but "classes" optional: classes [class, size, pages, span_bytes, objects,
 * tail_waste, divmagic]; size_to_class8, size_to_class128 (lookup tables); roundupsize {values
 * [size, rounded], digest_1_40000 and class_digest_1_32768: FNV-1a over 8-byte values};
 * measured_alloc_bytes {values [size, bytes per allocation over 1000, or 50 above 2048 bytes]}. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gc/collector.h"
#include "gc/heap.h"
#include "tests/oracle/oracle.h"

static void check_class(struct oracle_report *report, const cJSON *row) {
  uint64_t v[7];
  for (int i = 0; i < 7; i++) v[i] = oracle_u64(cJSON_GetArrayItem(row, i));
  char where[32];
  snprintf(where, sizeof where, "class %llu", (unsigned long long)v[0]);
  if (v[0] >= GC_SIZE_CLASSES) {
    oracle_fail(report, "%s: here the last class is %d", where, GC_SIZE_CLASSES - 1);
    return;
  }
  const struct gc_size_class *c = &gc_size_classes[v[0]];
  uint64_t span = (uint64_t)c->npages * GC_PAGE_BYTES;
  oracle_same(report, where, "size", v[1], c->bytes);
  oracle_same(report, where, "pages", v[2], c->npages);
  oracle_same(report, where, "span bytes", v[3], span);
  oracle_same(report, where, "objects", v[4], c->nelems);
  oracle_same(report, where, "tail waste", v[5], span - (uint64_t)c->nelems * c->bytes);
  oracle_same(report, where, "divmagic", v[6], c->div_magic);
}

/* A lookup table of class numbers: entry i is the class of size first + i * step. */
static void check_table(struct oracle_report *report, const cJSON *table, uint64_t first,
                        uint64_t step) {
  const cJSON *want;
  uint64_t size = first;
  cJSON_ArrayForEach(want, table) {
    char where[32];
    snprintf(where, sizeof where, "size %llu", (unsigned long long)size);
    if (size > GC_SMALL_MAX_BYTES) {
      oracle_fail(report, "%s: has no class here", where);
      return;
    }
    oracle_same(report, where, "class", oracle_u64(want), gc_size_class_of(size));
    size += step;
  }
}

static void check_rounding(struct oracle_report *report, const cJSON *entry) {
  if (entry == NULL) return;
  const cJSON *row;
  cJSON_ArrayForEach(row, cJSON_GetObjectItemCaseSensitive(entry, "values")) {
    uint64_t size = oracle_u64(cJSON_GetArrayItem(row, 0));
    char where[32];
    snprintf(where, sizeof where, "size %llu", (unsigned long long)size);
    oracle_same(report, where, "rounded size", oracle_u64(cJSON_GetArrayItem(row, 1)),
                gc_round_up_bytes(size));
  }
  uint64_t rounded = ORACLE_FNV, classes = ORACLE_FNV;
  for (uint64_t n = 1; n <= 40000; n++) rounded = oracle_fnv_u64(rounded, gc_round_up_bytes(n));
  for (uint64_t n = 1; n <= GC_SMALL_MAX_BYTES; n++)
    classes = oracle_fnv_u64(classes, gc_size_class_of(n));
  oracle_same(report, "sizes 1..40000", "digest of rounded sizes",
              oracle_member(entry, "digest_1_40000", 0), rounded);
  oracle_same(report, "sizes 1..32768", "digest of classes",
              oracle_member(entry, "class_digest_1_32768", 0), classes);
}

/* ---- what an allocation takes --------------------------------------------------------------- */

static struct gc_p p;

static uint32_t procs(void) {
  return 1;
}
static struct gc_p *p_at(uint32_t index) {
  (void)index;
  return &p;
}
static void safepoint(struct gc_mutator *self) {
  (void)self;
}
static const struct gc_world_ops ops = {.procs = procs, .p_at = p_at, .safepoint = safepoint};

enum { MEASURED_MAX_BYTES = 16 << 20 };

/* Thousandths of a byte per allocation. */
static uint64_t measure(uint64_t size) {
  struct gc_mutator mu = {.p = &p, .id = 1};
  struct gc_totals before, after;
  uint64_t count = size > 2048 ? 50 : 1000;
  gc_cache_flush(&p);
  gc_totals_read(NULL, &before);
  for (uint64_t i = 0; i < count; i++) gc_alloc_bytes(&mu, size);
  gc_cache_flush(&p);
  gc_totals_read(NULL, &after);
  return (after.bytes_allocated - before.bytes_allocated) * 1000 / count;
}

static void check_measured(struct oracle_report *report, const cJSON *entry) {
  const cJSON *row;
  cJSON_ArrayForEach(row, cJSON_GetObjectItemCaseSensitive(entry, "values")) {
    uint64_t size = oracle_u64(cJSON_GetArrayItem(row, 0));
    double bytes = cJSON_GetNumberValue(cJSON_GetArrayItem(row, 1));
    char where[48];
    snprintf(where, sizeof where, "allocating %llu bytes", (unsigned long long)size);
    if (size > MEASURED_MAX_BYTES || !(bytes >= 0 && bytes <= MEASURED_MAX_BYTES)) {
      oracle_fail(report, "%s: at most %d are tried", where, MEASURED_MAX_BYTES);
      return;
    }
    oracle_same(report, where, "bytes taken, thousandths", (uint64_t)(bytes * 1000 + 0.5),
                measure(size));
  }
}

static void check_file(const cJSON *doc, struct oracle_report *report, void *arg) {
  (void)arg;
  const cJSON *row;
  cJSON_ArrayForEach(row, cJSON_GetObjectItemCaseSensitive(doc, "classes"))
      check_class(report, row);
  check_table(report, cJSON_GetObjectItemCaseSensitive(doc, "size_to_class8"), 0, 8);
  check_table(report, cJSON_GetObjectItemCaseSensitive(doc, "size_to_class128"), 1024, 128);
  check_rounding(report, cJSON_GetObjectItemCaseSensitive(doc, "roundupsize"));
  check_measured(report, cJSON_GetObjectItemCaseSensitive(doc, "measured_alloc_bytes"));
  if (report->compared == 0) oracle_fail(report, "holds no size classes");
}

int main(int argc, char **argv) {
  if (argc < 2) {
    fprintf(stderr, "usage: oracle_sizes PATH...\n");
    return 2;
  }
  struct gc_config config;
  gc_config_default(&config);
  if (gc_init(&config, &ops) != RT_OK) return 3;
  gc_p_init(&p, 0, 1);
  struct oracle_totals totals = {0};
  oracle_each(argv + 1, argc - 1, check_file, NULL, &totals);
  return oracle_finish(&totals);
}

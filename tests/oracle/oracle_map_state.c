#include "tests/oracle/oracle_map_state.h"

#include <stdio.h>
#include <string.h>

uint64_t oracle_elem_ord(enum oracle_elem elem, const void *slot) {
  uint64_t ord = 0;
  if (elem == ORACLE_PTR) {
    const void *cell;
    memcpy(&cell, slot, sizeof cell);
    memcpy(&ord, cell, sizeof ord);
  } else if (elem != ORACLE_UNIT) {
    memcpy(&ord, slot, sizeof ord);
  }
  return ord;
}

uint64_t oracle_key_fnv(const struct map_type *t, const void *key, uint64_t d) {
  if (t->key_kind != MAP_KEY_STRING)
    return oracle_fnv(d, key, t->key_bytes);
  const struct map_string *s = key;
  d = oracle_fnv_u64(d, (uint64_t)s->len);
  return oracle_fnv(d, s->data, (uint64_t)s->len);
}

static uint64_t elem_fnv(const struct oracle_map *o, const void *slot, uint64_t d) {
  if (o->elem == ORACLE_UNIT)
    return d;
  if (o->elem == ORACLE_B200)
    return oracle_fnv(d, slot, 200);
  return oracle_fnv_u64(d, oracle_elem_ord(o->elem, slot));
}

static uint64_t chain_fnv(const struct oracle_map *o, struct map_bucket *b, uint64_t d) {
  const struct map_type *t = o->type;
  for (; b != NULL; b = map_overflow(t, b)) {
    d = oracle_fnv_byte(d, 0x01);
    d = oracle_fnv(d, b->top, MAP_CELLS);
    for (unsigned i = 0; i < MAP_CELLS; i++) {
      if (b->top[i] < MAP_TOP_MIN)
        continue;
      d = oracle_key_fnv(t, map_key_value(t, map_key_slot(t, b, i)), d);
      d = elem_fnv(o, map_elem_value(t, map_elem_slot(t, b, i)), d);
    }
  }
  return oracle_fnv_byte(d, 0x00);
}

static uint64_t old_count(const struct oracle_map *o) {
  return o->map->old_buckets == NULL ? 0 : map_old_count(o->map);
}
static uint64_t new_count(const struct oracle_map *o) {
  return o->map->buckets == NULL ? 0 : (uint64_t)1 << o->map->B;
}

uint64_t oracle_map_digest(const struct oracle_map *o, bool strict) {
  const struct map *m = o->map;
  uint64_t d = oracle_fnv_u64(ORACLE_FNV, (uint64_t)m->count);
  d = oracle_fnv_byte(d, m->B);
  d = oracle_fnv_byte(d, (map_flags(m) & MAP_SAME_SIZE) != 0);
  d = oracle_fnv_byte(d, m->old_buckets != NULL);
  d = oracle_fnv_u64(d, m->old_buckets == NULL ? 0 : m->nevacuate);
  for (uint64_t i = 0; i < new_count(o); i++)
    d = chain_fnv(o, map_bucket_at(o->type, m->buckets, i), d);
  for (uint64_t i = 0; i < old_count(o); i++) {
    struct map_bucket *b = map_bucket_at(o->type, m->old_buckets, i);
    if (!map_is_evacuated(b)) {
      d = chain_fnv(o, b, d);
      continue;
    }
    d = oracle_fnv_byte(d, 0x02);
    if (strict)
      d = oracle_fnv(d, b->top, MAP_CELLS);
  }
  return d;
}

static uint64_t chain_overflow(const struct map_type *t, struct map_bucket *b) {
  uint64_t n = 0;
  while ((b = map_overflow(t, b)) != NULL)
    n++;
  return n;
}

void oracle_map_chains(const struct oracle_map *o, struct oracle_chains *out) {
  const struct map_type *t = o->type;
  memset(out, 0, sizeof *out);
  for (uint64_t i = 0; i < new_count(o); i++)
    out->overflow += chain_overflow(t, map_bucket_at(t, o->map->buckets, i));
  for (uint64_t i = 0; i < old_count(o); i++) {
    struct map_bucket *b = map_bucket_at(t, o->map->old_buckets, i);
    if (!map_is_evacuated(b))
      out->old_overflow += chain_overflow(t, b);
  }
  struct map_extra *extra = o->map->extra;
  struct map_bucket *b = extra == NULL ? NULL : extra->next_overflow;
  while (b != NULL) {
    out->spare++;
    b = map_overflow(t, b) == NULL ? map_bucket_at(t, b, 1) : NULL;
  }
}

/* ---- dumps ---------------------------------------------------------------------------------- */

static bool is_hex_of(const char *hex, const void *p, uint64_t bytes) {
  const uint8_t *b = p;
  if (strlen(hex) != 2 * bytes)
    return false;
  for (uint64_t i = 0; i < bytes; i++) {
    char digits[3];
    snprintf(digits, sizeof digits, "%02x", b[i]);
    if (memcmp(digits, hex + 2 * i, 2) != 0)
      return false;
  }
  return true;
}

bool oracle_key_is(const struct map_type *t, const void *key, const cJSON *item) {
  if (t->key_kind == MAP_KEY_STRING) {
    const struct map_string *s = key;
    return cJSON_IsString(item) && is_hex_of(item->valuestring, s->data, (uint64_t)s->len);
  }
  uint64_t word = 0;
  memcpy(&word, key, t->key_bytes);
  return oracle_u64(item) == word;
}

/* Where in a dump a comparison is. */
struct spot {
  const struct oracle_map *o;
  struct oracle_report *report;
  const char *where, *array;
  uint64_t bucket;
  unsigned link;
};

static void differ(const struct spot *s, const char *what, const cJSON *recorded) {
  char *text = cJSON_PrintUnformatted(recorded);
  oracle_fail(s->report, "%s: dump, %s bucket %llu, link %u: %s; recorded %.3000s", s->where,
              s->array, (unsigned long long)s->bucket, s->link, what, text == NULL ? "?" : text);
  cJSON_free(text);
}

static bool cell_same(const struct spot *s, const cJSON *row, struct map_bucket *b, unsigned i) {
  const struct map_type *t = s->o->type;
  const void *key = map_key_value(t, map_key_slot(t, b, i));
  const void *elem = map_elem_value(t, map_elem_slot(t, b, i));
  s->report->compared++;
  return row != NULL && oracle_u64(cJSON_GetArrayItem(row, 0)) == i &&
         oracle_key_is(t, key, cJSON_GetArrayItem(row, 1)) &&
         oracle_u64(cJSON_GetArrayItem(row, 2)) == oracle_elem_ord(s->o->elem, elem);
}

static bool link_same(const struct spot *s, const cJSON *link, struct map_bucket *b) {
  if (!is_hex_of(oracle_string(link, "t"), b->top, MAP_CELLS)) {
    char here[64];
    uint64_t tops = __builtin_bswap64(b->tops);
    snprintf(here, sizeof here, "tophash bytes are %016llx", (unsigned long long)tops);
    differ(s, here, link);
    return false;
  }
  const cJSON *rows = cJSON_GetObjectItemCaseSensitive(link, "s");
  const cJSON *row = rows == NULL ? NULL : rows->child;
  for (unsigned i = 0; i < MAP_CELLS; i++) {
    if (b->top[i] < MAP_TOP_MIN)
      continue;
    if (!cell_same(s, row, b, i)) {
      differ(s, "an entry is another", row == NULL ? link : row);
      return false;
    }
    row = row->next;
  }
  if (row != NULL)
    differ(s, "an entry is missing", row);
  return row == NULL;
}

static bool chain_same(struct spot *s, const cJSON *chain, struct map_bucket *b) {
  const cJSON *link = chain->child;
  for (s->link = 0; b != NULL && link != NULL; s->link++) {
    if (!link_same(s, link, b))
      return false;
    b = map_overflow(s->o->type, b);
    link = link->next;
  }
  if (b != NULL || link != NULL)
    differ(s, "the chain has another length", chain);
  return b == NULL && link == NULL;
}

static bool array_same(struct spot *s, const cJSON *list, void *array, uint64_t count) {
  const cJSON *item = list == NULL ? NULL : list->child;
  for (s->bucket = 0; s->bucket < count && item != NULL; s->bucket++, item = item->next) {
    struct map_bucket *b = map_bucket_at(s->o->type, array, s->bucket);
    s->link = 0;
    bool evacuated = cJSON_IsObject(item);
    if (evacuated != map_is_evacuated(b)) {
      differ(s, "evacuated in one of them only", item);
      return false;
    }
    if (evacuated && !is_hex_of(oracle_string(item, "evac"), b->top, MAP_CELLS)) {
      differ(s, "other evacuation marks", item);
      return false;
    }
    if (!evacuated && !chain_same(s, item, b))
      return false;
  }
  return oracle_same(s->report, s->where, "dump: number of buckets",
                     (uint64_t)cJSON_GetArraySize(list), count);
}

void oracle_map_dump(const struct oracle_map *o, const cJSON *dump, const char *where,
                     struct oracle_report *report) {
  struct spot s = {.o = o, .report = report, .where = where, .array = "new"};
  if (!array_same(&s, cJSON_GetObjectItemCaseSensitive(dump, "new"), o->map->buckets,
                  new_count(o)))
    return;
  s.array = "old";
  array_same(&s, cJSON_GetObjectItemCaseSensitive(dump, "old"), o->map->old_buckets,
             old_count(o));
}

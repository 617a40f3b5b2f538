/* oracle_map [--gc] PATH...: replays recorded programs of Go 1.19 maps on the shipped map and heap
 * and compares every recorded state (format: tests/oracle/map/README.md).
 *
 * --gc: another goroutine keeps asking for collections while a program runs, and string keys lie
 * in the heap. Meant for a build with a collector that collects. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/meta.h"
#include "tests/oracle/oracle.h"
#include "tests/oracle/oracle_map_state.h"

enum { ROOT_MAP, ROOT_CELL, ROOT_KEY, ROOTS };
enum { HINT_MAX = 1 << 24, LENGTH_MAX = 1 << 20 }; /* of a map; of a string key */
enum { OPS_PER_YIELD = 61 }; /* with --gc: how often the collecting goroutine gets its turn */
enum keyfn { KEYFN_ID, KEYFN_SM, KEYFN_STR, KEYFN_F64LIN };

/* A key as the map takes it. */
union key {
  uint64_t word;
  uint32_t word32;
  struct map_string string;
};

/* What one elementary operation may change, for the recorded events. */
struct snapshot {
  struct map_stats stats;
  uint32_t hash0;
};

struct replay {
  struct go_g *g;
  struct oracle_map o;
  struct oracle_report *report;
  bool gc;
  void **roots;
  enum keyfn keyfn;
  uint64_t seed;
  double mul, add;
  const cJSON *lens;
  uint64_t *lens_at;
  uint64_t lens_count;
  uint64_t rand0, rand;              /* the injected generator */
  uint64_t op, ord, hits, sum;
  uint64_t ops;                      /* recorded: op must not exceed it */
  struct snapshot before;            /* the elementary operation under way */
  const cJSON *event, *checkpoint, *iter; /* next recorded ones */
  struct gc_totals base;             /* before make */
  uint64_t own_mallocs, own_bytes;   /* made here, not by the map */
  char where[64];
};

static struct gc_type cell_type = {.name = "oracle.cell", .size = 16};
static const uint64_t DRAW_STEP = 0xa0761d6478bd642fULL;

/* Says in r->where which operation is meant. */
static const char *where(struct replay *r) {
  snprintf(r->where, sizeof r->where, "op %llu", (unsigned long long)r->op);
  return r->where;
}

static struct map *the_map(struct replay *r) { return r->roots[ROOT_MAP]; }
static struct gc_mutator *mu(struct replay *r) { return go_mu(r->g); }

/* Around every map operation: the P's generator is the injected one. */
static void rand_in(struct replay *r) { mu(r)->p->fastrand = r->rand; }
static void rand_out(struct replay *r) { r->rand = mu(r)->p->fastrand; }

/* Draws since the start: each adds DRAW_STEP, an odd number, to the state. */
static uint64_t draws(const struct replay *r) {
  uint64_t inverse = DRAW_STEP;
  for (int i = 0; i < 6; i++)
    inverse *= 2 - DRAW_STEP * inverse;
  return (r->rand - r->rand0) * inverse;
}

/* ---- keys and elements ---------------------------------------------------------------------- */

static struct map_string make_string(struct replay *r, uint64_t i) {
  int64_t len = (int64_t)r->lens_at[i % r->lens_count];
  uint64_t w = rng_split(r->seed, i);
  uint8_t *p = r->gc ? gc_alloc_bytes(mu(r), (uint64_t)len) : rt_meta_alloc((size_t)len + 1, 1);
  for (int64_t t = 0; t < len; t++)
    p[t] = (uint8_t)rng_mix64(w + (uint64_t)t);
  r->roots[ROOT_KEY] = r->gc ? p : NULL;
  return (struct map_string){p, len};
}

static union key word_key(const struct replay *r, uint64_t word) {
  union key k = {.word = word};
  if (r->o.type->key_kind == MAP_KEY_U32)
    k.word32 = (uint32_t)word;
  return k;
}

/* K(i). */
static union key make_key(struct replay *r, uint64_t i) {
  switch (r->keyfn) {
    case KEYFN_STR:
      return (union key){.string = make_string(r, i)};
    case KEYFN_F64LIN: {
      double product = (double)(int64_t)i * r->mul;
      double d = product + r->add;
      union key k;
      memcpy(&k.word, &d, sizeof d);
      return k;
    }
    case KEYFN_SM:
      return word_key(r, rng_split(r->seed, i));
    case KEYFN_ID:
      break;
  }
  return word_key(r, i);
}

static void elem_write(struct replay *r, void *slot) {
  uint8_t *b = slot;
  switch (r->o.elem) {
    case ORACLE_UNIT:
      break;
    case ORACLE_PTR:
      gc_store(mu(r), slot, r->roots[ROOT_CELL]);
      break;
    case ORACLE_U64:
      memcpy(b, &r->ord, sizeof r->ord);
      break;
    case ORACLE_B200:
      memcpy(b, &r->ord, sizeof r->ord);
      for (uint64_t t = 8; t < 200; t++)
        b[t] = (uint8_t)(r->ord * 31 + t);
      break;
  }
}

/* ---- events --------------------------------------------------------------------------------- */

static void snapshot_take(struct replay *r, struct snapshot *s) {
  struct map *m = the_map(r);
  s->stats.growths = at_u64_load_relaxed(&r->o.type->counters->growths);
  s->stats.same_size_growths = at_u64_load_relaxed(&r->o.type->counters->same_size_growths);
  s->stats.count = m->count;
  s->stats.B = m->B;
  s->stats.noverflow = m->noverflow;
  s->stats.growing = m->old_buckets != NULL;
  s->hash0 = m->hash0;
}

static void expect_event(struct replay *r, const char *kind, const uint64_t *numbers, int count) {
  if (r->event == NULL) {
    oracle_fail(r->report, "%s: event \"%s\", none is recorded", where(r), kind);
    return;
  }
  const cJSON *e = r->event;
  r->event = e->next;
  const cJSON *name = cJSON_GetArrayItem(e, 1);
  bool same = oracle_u64(cJSON_GetArrayItem(e, 0)) == r->op && cJSON_IsString(name) &&
              strcmp(name->valuestring, kind) == 0 && cJSON_GetArraySize(e) == count + 2;
  for (int i = 0; i < count; i++)
    same = same && oracle_u64(cJSON_GetArrayItem(e, i + 2)) == numbers[i];
  r->report->compared++;
  if (same)
    return;
  char *text = cJSON_PrintUnformatted(e);
  oracle_fail(r->report, "%s: event \"%s\" %llu %llu %llu, recorded %s", where(r), kind,
              (unsigned long long)(count > 0 ? numbers[0] : 0),
              (unsigned long long)(count > 1 ? numbers[1] : 0),
              (unsigned long long)(count > 2 ? numbers[2] : 0), text == NULL ? "?" : text);
  cJSON_free(text);
}

/* The events of one elementary operation, from what it changed; counts are those before it, also
 * when it is an iteration with many inserts. */
static void events_compare(struct replay *r, bool is_clear) {
  struct snapshot s;
  snapshot_take(r, &s);
  const struct map_stats *was = &r->before.stats, *is = &s.stats;
  bool doubled = is->growths != was->growths;
  bool same = is->same_size_growths != was->same_size_growths;
  bool grew = doubled || same;
  if (was->growing && (grew || !is->growing) && !is_clear)
    expect_event(r, "done", (const uint64_t[]){was->B}, 1);
  if (grew)
    expect_event(r, doubled ? "grow" : "same",
                 (const uint64_t[]){is->B, (uint64_t)was->count, was->noverflow}, 3);
  if (grew && !is->growing)
    expect_event(r, "done", (const uint64_t[]){is->B}, 1);
  if (s.hash0 != r->before.hash0)
    expect_event(r, "reseed", (const uint64_t[]){s.hash0}, 1);
}

/* ---- checkpoints ---------------------------------------------------------------------------- */

static void check_allocation(struct replay *r, const cJSON *c) {
  if (!cJSON_HasObjectItem(c, "mallocs") || (r->gc && r->keyfn == KEYFN_STR))
    return;
  struct gc_totals t;
  gc_totals_read(mu(r), &t);
  oracle_same(r->report, r->where, "mallocs", oracle_member(c, "mallocs", 0),
              t.mallocs - r->base.mallocs - r->own_mallocs);
  oracle_same(r->report, r->where, "bytes", oracle_member(c, "bytes", 0),
              t.bytes_allocated - r->base.bytes_allocated - r->own_bytes);
}

static void check_state(struct replay *r, const cJSON *c) {
  struct map *m = the_map(r);
  struct oracle_chains chains;
  oracle_map_chains(&r->o, &chains);
  struct { const char *name; uint64_t here; } fields[] = {
      {"count", (uint64_t)m->count},
      {"B", m->B},
      {"noverflow", m->noverflow},
      {"flags", map_flags(m)},
      {"same", (map_flags(m) & MAP_SAME_SIZE) != 0},
      {"old", m->old_buckets != NULL},
      {"nevacuate", m->nevacuate},
      {"hash0", m->hash0},
      {"ovf", chains.overflow},
      {"oldovf", chains.old_overflow},
      {"prealloc", chains.spare},
      {"rand_calls", draws(r)},
      {"get_hits", r->hits},
      {"get_sum", r->sum},
      {"digest", oracle_map_digest(&r->o, false)},
      {"digest_strict", oracle_map_digest(&r->o, true)},
  };
  for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
    if (cJSON_HasObjectItem(c, fields[i].name))
      oracle_same(r->report, r->where, fields[i].name, oracle_member(c, fields[i].name, 0),
                  fields[i].here);
  }
}

static void checkpoints(struct replay *r) {
  for (; r->checkpoint != NULL && oracle_member(r->checkpoint, "op", 0) == r->op;
       r->checkpoint = r->checkpoint->next) {
    const cJSON *c = r->checkpoint;
    const cJSON *dump = cJSON_GetObjectItemCaseSensitive(c, "dump");
    const char *why;
    where(r);
    r->o.map = the_map(r);
    check_state(r, c);
    if (dump != NULL)
      oracle_map_dump(&r->o, dump, r->where, r->report);
    check_allocation(r, c);
    if (!map_check(r->g, r->o.type, the_map(r), &why))
      oracle_fail(r->report, "%s: map_check: %s", r->where, why);
  }
}

static void op_begin(struct replay *r) {
  if (++r->op > r->ops)
    oracle_fail(r->report, "%s: only %llu are recorded", where(r), (unsigned long long)r->ops);
  snapshot_take(r, &r->before);
}

static void op_end(struct replay *r, bool is_clear) {
  events_compare(r, is_clear);
  checkpoints(r);
  if (r->gc && r->op % OPS_PER_YIELD == 0)
    go_yield(r->g);
}

/* ---- operations ----------------------------------------------------------------------------- */

static void do_insert(struct replay *r, union key k) {
  if (r->o.elem == ORACLE_PTR) {
    r->roots[ROOT_CELL] = gc_alloc(mu(r), &cell_type);
    memcpy(r->roots[ROOT_CELL], &r->ord, sizeof r->ord);
    r->own_mallocs++;
    r->own_bytes += cell_type.size;
  }
  rand_in(r);
  void *slot = map_assign(r->g, r->o.type, the_map(r), &k);
  rand_out(r);
  elem_write(r, slot);
  r->ord++;
}

static void do_delete(struct replay *r, union key k) {
  rand_in(r);
  map_delete(r->g, r->o.type, the_map(r), &k);
  rand_out(r);
}

static void do_get(struct replay *r, union key k) {
  rand_in(r);
  const void *slot = map_get(r->g, r->o.type, the_map(r), &k);
  rand_out(r);
  if (slot == NULL)
    return;
  r->hits++;
  r->sum += oracle_elem_ord(r->o.elem, slot) + 1;
}

static void do_clear(struct replay *r) {
  rand_in(r);
  map_clear(r->g, r->o.type, the_map(r));
  rand_out(r);
}

typedef void key_op(struct replay *r, union key k);

/* A step's range of keys: i0, i0 + step, ... */
struct range {
  uint64_t i0, step, n;
};
static struct range range_of(const cJSON *step) {
  return (struct range){oracle_member(step, "i0", 0), oracle_member(step, "step", 0),
                        oracle_member(step, "n", 0)};
}

static void run_range(struct replay *r, const cJSON *step, key_op *fn) {
  struct range range = range_of(step);
  for (uint64_t j = 0; j < range.n && !r->report->failed; j++) {
    op_begin(r);
    fn(r, make_key(r, range.i0 + j * range.step));
    op_end(r, false);
  }
}

static void run_keys(struct replay *r, const cJSON *step, key_op *fn) {
  const cJSON *item;
  if (r->keyfn == KEYFN_STR) {
    oracle_fail(r->report, "raw key words of a string map");
    return;
  }
  cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(step, "keys")) {
    op_begin(r);
    fn(r, word_key(r, oracle_u64(item)));
    op_end(r, false);
  }
}

static void run_slide(struct replay *r, const cJSON *step) {
  uint64_t i0 = oracle_member(step, "i0", 0), d0 = oracle_member(step, "d0", 0);
  uint64_t n = oracle_member(step, "n", 0);
  for (uint64_t j = 0; j < n && !r->report->failed; j++) {
    op_begin(r);
    do_insert(r, make_key(r, i0 + j));
    op_end(r, false);
    op_begin(r);
    do_delete(r, make_key(r, d0 + j));
    op_end(r, false);
  }
}

static void run_mix(struct replay *r, const cJSON *step) {
  uint64_t seed = oracle_member(step, "seed", 0), n = oracle_member(step, "n", 0);
  uint64_t space = oracle_member(step, "space", 0), pins = oracle_member(step, "pins", 0);
  if (space == 0) {
    oracle_fail(r->report, "a mix over no keys");
    return;
  }
  for (uint64_t j = 0; j < n && !r->report->failed; j++) {
    uint64_t draw = rng_split(seed, j);
    op_begin(r);
    union key k = make_key(r, (draw & 0xffffffff) % space);
    if ((draw >> 32) % 100 < pins)
      do_insert(r, k);
    else
      do_delete(r, k);
    op_end(r, false);
  }
}

/* ---- iteration ------------------------------------------------------------------------------ */

struct walk {
  uint64_t visited, digest;
  uint32_t draw;
  const cJSON *key; /* next recorded one */
  bool lists_keys;
};

static void walk_visit(struct replay *r, struct walk *w, const struct map_iter *it) {
  w->digest = oracle_key_fnv(r->o.type, it->key, w->digest);
  if (w->lists_keys) {
    r->report->compared++;
    if (w->key == NULL || !oracle_key_is(r->o.type, it->key, w->key))
      oracle_fail(r->report, "%s: iteration: visit %llu is another key", r->where,
                  (unsigned long long)w->visited);
    w->key = w->key == NULL ? NULL : w->key->next;
  }
  w->visited++;
}

static void walk_compare(struct replay *r, const struct walk *w, const struct map_iter *it,
                         const cJSON *want, bool empty) {
  if (want == NULL) {
    oracle_fail(r->report, "%s: an iteration, none is recorded", r->where);
    return;
  }
  oracle_same(r->report, r->where, "iteration: op", oracle_member(want, "op", 0), r->op);
  oracle_same(r->report, r->where, "iteration: visits", oracle_member(want, "n", 0), w->visited);
  oracle_same(r->report, r->where, "iteration: digest", oracle_member(want, "digest", 0),
              w->digest);
  if (empty)
    return;
  oracle_same(r->report, r->where, "iteration: draw", oracle_member(want, "r", 0), w->draw);
  oracle_same(r->report, r->where, "iteration: start", oracle_member(want, "start", 0),
              it->start_bucket);
  oracle_same(r->report, r->where, "iteration: offset", oracle_member(want, "offset", 0),
              it->offset);
}

/* One complete iteration; fn (may be NULL) gets K(i0 + j*step) at visit j < n. */
static void run_iter(struct replay *r, const cJSON *step, key_op *fn) {
  struct range range = range_of(step);
  const cJSON *want = r->iter;
  const cJSON *keys = cJSON_GetObjectItemCaseSensitive(want, "keys");
  struct walk w = {.digest = ORACLE_FNV, .lists_keys = keys != NULL};
  w.key = keys == NULL ? NULL : keys->child;
  op_begin(r);
  where(r);
  bool empty = map_count(the_map(r)) == 0;
  uint64_t state = r->rand;
  w.draw = rng_fastrand(&state);
  struct map_iter it;
  rand_in(r);
  map_iter_begin(r->g, r->o.type, the_map(r), &it);
  rand_out(r);
  uint64_t most = oracle_member(want, "n", 0);
  while (it.key != NULL && w.visited <= most) { /* one too many is enough to know */
    uint64_t j = w.visited;
    walk_visit(r, &w, &it);
    if (fn != NULL && j < range.n)
      fn(r, make_key(r, range.i0 + j * range.step));
    rand_in(r);
    map_iter_next(r->g, &it);
    rand_out(r);
  }
  walk_compare(r, &w, &it, want, empty);
  map_iter_end(r->g, &it);
  r->iter = want == NULL ? NULL : want->next;
  op_end(r, false);
}

/* ---- a whole file --------------------------------------------------------------------------- */

static void run_step(struct replay *r, const cJSON *step) {
  static const struct { const char *name; key_op *fn; } ranges[] = {
      {"ins", do_insert}, {"del", do_delete}, {"get", do_get}};
  static const struct { const char *name; key_op *fn; } keys[] = {
      {"inskeys", do_insert}, {"delkeys", do_delete}, {"getkeys", do_get}};
  static const struct { const char *name; key_op *fn; } iters[] = {
      {"iter", NULL}, {"iterins", do_insert}, {"iterdel", do_delete}};
  const char *op = oracle_string(step, "op");
  for (int i = 0; i < 3; i++) {
    if (strcmp(op, ranges[i].name) == 0) {
      run_range(r, step, ranges[i].fn);
      return;
    }
    if (strcmp(op, keys[i].name) == 0) {
      run_keys(r, step, keys[i].fn);
      return;
    }
    if (strcmp(op, iters[i].name) == 0) {
      run_iter(r, step, iters[i].fn);
      return;
    }
  }
  if (strcmp(op, "slide") == 0) {
    run_slide(r, step);
  } else if (strcmp(op, "mix") == 0) {
    run_mix(r, step);
  } else if (strcmp(op, "clear") == 0) {
    op_begin(r);
    do_clear(r);
    op_end(r, true);
  } else {
    oracle_fail(r->report, "unknown step \"%s\"", op);
  }
}

static const char *const key_names[] = {"u64", "u32", "str", "f64"};
static const enum map_kind_of_key key_kinds[] = {MAP_KEY_U64, MAP_KEY_U32, MAP_KEY_STRING,
                                                 MAP_KEY_F64};
static const char *const elem_names[] = {"u64", "ptr", "b200", "unit"};
static const char *const keyfn_names[] = {"id", "sm", "str", "f64lin"};

static int name_index(const char *const *names, const char *name) {
  for (int i = 0; i < 4; i++) {
    if (strcmp(names[i], name) == 0)
      return i;
  }
  return -1;
}

static const struct map_type *make_type(const cJSON *doc, struct oracle_report *report,
                                        enum oracle_elem *elem_kind) {
  static const uint32_t elem_bytes[] = {8, 8, 200, 0};
  int key = name_index(key_names, oracle_string(doc, "key"));
  int elem = name_index(elem_names, oracle_string(doc, "elem"));
  if (key < 0 || elem < 0) {
    oracle_fail(report, "unknown key or elem kind");
    return NULL;
  }
  const cJSON *hashkey = cJSON_GetObjectItemCaseSensitive(doc, "hashkey");
  uint64_t hash_key = hashkey == NULL ? 1 : oracle_u64(cJSON_GetArrayItem(hashkey, 0));
  *elem_kind = (enum oracle_elem)elem;
  return map_type_new(key_kinds[key], 0, elem == ORACLE_PTR ? MAP_ELEM_POINTER : MAP_ELEM_BYTES,
                      elem_bytes[elem], hash_key);
}

static bool read_keyfn(struct replay *r, const cJSON *doc) {
  const cJSON *fn = cJSON_GetObjectItemCaseSensitive(doc, "keyfn");
  int kind = name_index(keyfn_names, oracle_string(fn, "kind"));
  bool strings = r->o.type->key_kind == MAP_KEY_STRING;
  if (kind < 0 || (kind == KEYFN_STR) != strings) {
    oracle_fail(r->report, "unknown keyfn, or one that does not fit the key");
    return false;
  }
  r->keyfn = (enum keyfn)kind;
  r->seed = oracle_member(fn, "seed", 0);
  r->mul = oracle_member_f64(fn, "mul");
  r->add = oracle_member_f64(fn, "add");
  const cJSON *lens = cJSON_GetObjectItemCaseSensitive(fn, "lens");
  uint64_t count = (uint64_t)cJSON_GetArraySize(lens);
  r->lens_at = calloc(count + 1, sizeof *r->lens_at);
  const cJSON *len;
  cJSON_ArrayForEach(len, lens) {
    uint64_t bytes = r->lens_at[r->lens_count++] = oracle_u64(len);
    if (bytes > LENGTH_MAX)
      oracle_fail(r->report, "a string of %llu bytes, at most %d are tried",
                  (unsigned long long)bytes, LENGTH_MAX);
  }
  if (strings && r->lens_count == 0)
    oracle_fail(r->report, "string keys without lengths");
  return !r->report->failed;
}

static void check_layout(struct replay *r, const cJSON *doc) {
  const struct map_type *t = r->o.type;
  oracle_same(r->report, "type", "keysize", oracle_member(doc, "keysize", 0), t->key_slot);
  oracle_same(r->report, "type", "elemsize", oracle_member(doc, "elemsize", 0), t->elem_slot);
  oracle_same(r->report, "type", "bucketsize", oracle_member(doc, "bucketsize", 0),
              t->bucket_bytes);
  oracle_same(r->report, "type", "bucket_has_pointers",
              oracle_member(doc, "bucket_has_pointers", 0), !t->pointer_free);
}

static const cJSON *first_of(const cJSON *doc, const char *list) {
  const cJSON *items = cJSON_GetObjectItemCaseSensitive(doc, list);
  return items == NULL ? NULL : items->child;
}

/* A hint that would take memory only to be wrong. */
static bool is_hint_tried(struct replay *r, int64_t hint) {
  if (hint > HINT_MAX)
    oracle_fail(r->report, "hint %lld, at most %d are tried", (long long)hint, HINT_MAX);
  return hint <= HINT_MAX;
}

static void make_map(struct replay *r, const cJSON *doc, int64_t hint) {
  gc_totals_read(mu(r), &r->base);
  r->roots[ROOT_MAP] = map_new(r->g, r->o.type, hint);
  oracle_same(r->report, "make", "buckets_nil_at_start",
              oracle_member(doc, "buckets_nil_at_start", 0), the_map(r)->buckets == NULL);
  map_set_seed(the_map(r), (uint32_t)oracle_member(doc, "hash0", 0));
  r->rand = r->rand0 = oracle_member(doc, "rand0", 0);
}

static void replay_program(struct replay *r, const cJSON *doc) {
  int64_t hint = (int64_t)oracle_member(doc, "hint", 0);
  check_layout(r, doc);
  if (!is_hint_tried(r, hint))
    return;
  make_map(r, doc, hint);
  r->ops = oracle_member(doc, "n_ops", 0);
  r->event = first_of(doc, "events");
  r->checkpoint = first_of(doc, "checkpoints");
  r->iter = first_of(doc, "iters");
  checkpoints(r);
  const cJSON *step;
  cJSON_ArrayForEach(step, cJSON_GetObjectItemCaseSensitive(doc, "program")) {
    if (r->report->failed)
      return;
    run_step(r, step);
  }
  oracle_same(r->report, "at the end", "n_ops", oracle_member(doc, "n_ops", 0), r->op);
  if (r->event != NULL || r->checkpoint != NULL || r->iter != NULL)
    oracle_fail(r->report, "at the end: recorded %s left over",
                r->event != NULL ? "events" : r->iter != NULL ? "iterations" : "checkpoints");
}

/* ---- hints ---------------------------------------------------------------------------------- */

static void check_hint(struct replay *r, const cJSON *row) {
  uint64_t hint = oracle_u64(cJSON_GetArrayItem(row, 0));
  if (!is_hint_tried(r, (int64_t)hint))
    return;
  r->roots[ROOT_MAP] = map_new(r->g, r->o.type, (int64_t)hint);
  r->o.map = the_map(r);
  struct oracle_chains chains;
  oracle_map_chains(&r->o, &chains);
  snprintf(r->where, sizeof r->where, "hint %llu", (unsigned long long)hint);
  uint64_t main_buckets = r->o.map->buckets == NULL ? 0 : (uint64_t)1 << r->o.map->B;
  oracle_same(r->report, r->where, "B", oracle_u64(cJSON_GetArrayItem(row, 1)), r->o.map->B);
  oracle_same(r->report, r->where, "buckets", oracle_u64(cJSON_GetArrayItem(row, 2)),
              main_buckets);
  oracle_same(r->report, r->where, "spares", oracle_u64(cJSON_GetArrayItem(row, 3)),
              chains.spare);
}

static void check_hints(struct replay *r, const cJSON *doc) {
  const cJSON *entry, *row;
  cJSON_ArrayForEach(entry, cJSON_GetObjectItemCaseSensitive(doc, "types")) {
    r->o.type = make_type(entry, r->report, &r->o.elem);
    if (r->o.type == NULL)
      return;
    oracle_same(r->report, "type", "bucketsize", oracle_member(entry, "bucketsize", 0),
                r->o.type->bucket_bytes);
    cJSON_ArrayForEach(row, cJSON_GetObjectItemCaseSensitive(entry, "rows"))
      check_hint(r, row);
  }
}

/* ---- running -------------------------------------------------------------------------------- */

struct session {
  char **paths;
  int path_count;
  bool gc;
  struct go_g *g;
  struct oracle_totals totals;
  struct at_u32 stop;       /* asks the collecting goroutine to end */
  struct go_waitgroup ended;
  uint64_t collections;
};

static void check_file(const cJSON *doc, struct oracle_report *report, void *arg) {
  struct session *s = arg;
  struct replay r = {.g = s->g, .report = report, .gc = s->gc};
  GC_ROOTS(go_mu(s->g), roots, ROOTS);
  r.roots = roots;
  if (cJSON_HasObjectItem(doc, "types")) {
    check_hints(&r, doc);
  } else if (cJSON_HasObjectItem(doc, "program")) {
    r.o.type = make_type(doc, report, &r.o.elem);
    if (r.o.type != NULL && read_keyfn(&r, doc))
      replay_program(&r, doc);
  } else {
    oracle_fail(report, "neither a program nor hints");
  }
  GC_ROOTS_END(go_mu(s->g), roots);
  free(r.lens_at);
}

static void collect_for_ever(struct go_g *g, void *arg, void *heap_arg) {
  struct session *s = arg;
  (void)heap_arg;
  while (at_u32_load_acquire(&s->stop) == 0) { /* pairs with main_goroutine */
    gc_collect(go_mu(g));
    s->collections++;
    go_yield(g);
  }
  go_waitgroup_done(g, &s->ended);
}

static void main_goroutine(struct go_g *g, void *arg, void *heap_arg) {
  struct session *s = arg;
  (void)heap_arg;
  gc_start(go_mu(g));
  gc_type_register(&cell_type);
  s->g = g;
  if (s->gc) {
    go_waitgroup_add(g, &s->ended, 1);
    go_spawn(g, "collect", collect_for_ever, s, NULL);
  }
  oracle_each(s->paths, s->path_count, check_file, s, &s->totals);
  at_u32_store_release(&s->stop, 1); /* pairs with collect_for_ever */
  if (s->gc)
    go_waitgroup_wait(g, &s->ended);
}

static int run(void *arg) {
  struct session *s = arg;
  struct gc_config config;
  gc_config_default(&config);
  config.check = s->gc;
  struct go_config go;
  go_config_default(&go);
  go.procs = 1; /* one P, one generator */
  if (gc_init(&config, go_world_ops()) != RT_OK || go_run(&go, main_goroutine, s) != RT_OK) {
    fprintf(stderr, "oracle_map: the runtime did not start\n");
    return 2;
  }
  gc_finish();
  if (s->gc)
    printf("%llu collections by %s meanwhile\n", (unsigned long long)s->collections,
           gc_collector.name);
  return oracle_finish(&s->totals);
}

int main(int argc, char **argv) {
  struct session s = {.paths = argv + 1, .path_count = argc - 1};
  if (s.path_count > 0 && strcmp(argv[1], "--gc") == 0) {
    s.gc = true;
    s.paths++;
    s.path_count--;
  }
  if (s.path_count <= 0) {
    fprintf(stderr, "usage: oracle_map [--gc] PATH...\n");
    return 2;
  }
  return plat_main(run, &s);
}

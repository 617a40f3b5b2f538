/* The swiss table of Go 1.24: look-up, insertion, deletion, growth. Tombstones are dropped by
 * growing only; there is no rehash in place. */
#include "maps/kind_swiss.h"

#include "maps/kind_designs.h"

static const uint64_t third_word = 1 << 2;
static const uint64_t ALL_EMPTY = 0x8080808080808080ULL;

static PLAT_STATE struct gc_type map_header = {
    .name = "map.swiss", .size = 48, .ptrdata = 24, .mask = &third_word};
static PLAT_STATE struct gc_type table_header = {
    .name = "map.swiss-table", .size = 32, .ptrdata = 24, .mask = &third_word};

/* ---- one writer, announced ------------------------------------------------------------------ */

static void write_test(struct map_swiss *m) {
  if (plat_unlikely(at_u8_load_relaxed(&m->writing) != 0))
    map_die_writes();
}
static void write_begin(struct map_swiss *m) {
  at_u8_store_relaxed(&m->writing, at_u8_load_relaxed(&m->writing) ^ 1);
}
static void write_end(struct map_swiss *m) {
  uint8_t writing = at_u8_load_relaxed(&m->writing);
  if (plat_unlikely(writing == 0))
    map_die_writes();
  at_u8_store_relaxed(&m->writing, writing ^ 1);
}
static void read_test(struct map_swiss *m) {
  if (plat_unlikely(at_u8_load_relaxed(&m->writing) != 0))
    map_die_read();
}

/* ---- slots ---------------------------------------------------------------------------------- */

static uint8_t h2(uint64_t hash) { return hash & 0x7f; }

static void control_set(void *group, unsigned slot, uint8_t value) {
  uint64_t *word = map_group_control(group);
  unsigned shift = 8 * slot;
  plat_st(word, (plat_ld(word) & ~((uint64_t)0xff << shift)) | (uint64_t)value << shift);
}

/* The slot among the candidates whose key equals key; MAP_GROUP_SLOTS: none. */
static unsigned group_find(const struct map_type *t, void *group, unsigned candidates,
                           const void *key) {
  map_probe(group);
  for (; candidates != 0; candidates &= candidates - 1) {
    unsigned i = (unsigned)__builtin_ctz(candidates);
    void *pair = map_group_pair(t, group, i);
    plat_touch_read(pair, t->key_slot);
    if (map_key_equal(t, key, map_pair_key_value(t, pair)))
      return i;
  }
  return MAP_GROUP_SLOTS;
}

static struct map_slot small_find(const struct map_type *t, void *group, uint64_t hash,
                                  const void *key) {
  if (group == NULL)
    return (struct map_slot){NULL, 0};
  uint64_t control = plat_ld(map_group_control(group));
  unsigned i = group_find(t, group, map_tops_equal(control, h2(hash)), key);
  return (struct map_slot){i < MAP_GROUP_SLOTS ? group : NULL, i};
}

/* Also, when the key is not there: *room, the first slot of its probe sequence that may take it;
 * room->group NULL: none. */
static struct map_slot table_find(const struct map_type *t, struct map_swiss_table *table,
                                  uint64_t hash, const void *key, struct map_slot *room) {
  void *groups = gc_load(&table->groups);
  struct map_probe p = map_probe_begin(hash, plat_ld(&table->mask));
  *room = (struct map_slot){NULL, 0};
  for (; p.step <= p.mask; map_probe_next(&p)) {
    void *group = map_group_at(t, groups, p.offset);
    uint64_t control = plat_ld(map_group_control(group));
    unsigned i = group_find(t, group, map_tops_equal(control, h2(hash)), key);
    if (i < MAP_GROUP_SLOTS)
      return (struct map_slot){group, i};
    unsigned unused = map_slots_free(control);
    if (room->group == NULL && unused != 0)
      *room = (struct map_slot){group, (unsigned)__builtin_ctz(unused)};
    if (map_slots_empty(control) != 0)
      break;
  }
  return (struct map_slot){NULL, 0};
}

static struct map_swiss_table *table_of(struct map_swiss *m, uint64_t hash) {
  void **directory = gc_load(&m->directory);
  return gc_load(&directory[map_swiss_index(plat_ld(&m->global_depth), hash)]);
}

uint64_t map_swiss_hash(struct go_g *g, const struct map_type *t, struct map_swiss *m,
                        const void *key) {
  return map_hash_key(g, t, key, (uint32_t)plat_ld(&m->seed));
}

struct map_slot map_swiss_find(const struct map_type *t, struct map_swiss *m, uint64_t hash,
                               const void *key) {
  struct map_slot room;
  if (plat_ld(&m->directory_count) == 0)
    return small_find(t, gc_load(&m->directory), hash, key);
  return table_find(t, table_of(m, hash), hash, key, &room);
}

/* Fills a free slot. A safepoint: the group is kept alive. */
static void slot_fill(struct go_g *g, const struct map_type *t, struct map_slot s, uint64_t hash,
                      const void *const entry[2]) {
  map_pair_fill(g, t, s.group, map_group_pair(t, s.group, s.slot), entry[0], entry[1]);
  control_set(s.group, s.slot, h2(hash));
}

static void slot_update(struct go_g *g, const struct map_type *t, struct map_slot s,
                        const void *const entry[2]) {
  void *pair = map_group_pair(t, s.group, s.slot);
  map_pair_rekey(g, t, pair, entry[0]);
  map_elem_in(g, t, map_pair_elem_value(t, pair), entry[1]);
}

/* Whether the slot could become empty again: only a group without empty slots can be in the
 * middle of a probe sequence (swiss.probe). */
static bool slot_empty(struct go_g *g, const struct map_type *t, struct map_slot s, bool small) {
  bool empty = small || map_slots_empty(plat_ld(map_group_control(s.group))) != 0;
  map_pair_clear(g, t, map_group_pair(t, s.group, s.slot));
  control_set(s.group, s.slot, empty ? MAP_SLOT_EMPTY : MAP_SLOT_DELETED);
  return empty;
}

/* ---- tables --------------------------------------------------------------------------------- */

static void groups_reset(const struct map_type *t, void *groups, uint64_t count) {
  for (uint64_t i = 0; i < count; i++)
    plat_st(map_group_control(map_group_at(t, groups, i)), ALL_EMPTY);
}

/* A table without keys. A safepoint; the result is not rooted. */
static struct map_swiss_table *table_new(struct go_g *g, const struct map_type *t,
                                         uint16_t capacity, int64_t index, uint8_t depth) {
  struct gc_mutator *mu = go_mu(g);
  uint64_t count = capacity / MAP_GROUP_SLOTS;
  rt_assert(count != 0 && (count & (count - 1)) == 0 && capacity <= MAP_TABLE_SLOTS_MAX);
  GC_ROOTS(mu, roots, 1);
  struct map_swiss_table *table = roots[0] = gc_alloc(mu, &table_header);
  void *groups = gc_alloc_array(mu, &t->layout->group, count);
  groups_reset(t, groups, count);
  gc_store(mu, &table->groups, groups);
  table->capacity = capacity;
  table->growth_left = map_swiss_limit(capacity);
  table->index = index;
  table->local_depth = depth;
  table->mask = count - 1;
  GC_ROOTS_END(mu, roots);
  return table;
}

/* Moves an entry to where it is not yet: no search for the key, no deleted slots. */
static void table_take(struct go_g *g, const struct map_type *t, struct map_swiss_table *table,
                       uint64_t hash, void *pair) {
  void *groups = gc_load(&table->groups);
  struct map_probe p = map_probe_begin(hash, plat_ld(&table->mask));
  for (;; map_probe_next(&p)) {
    void *group = map_group_at(t, groups, p.offset);
    unsigned empty = map_slots_empty(plat_ld(map_group_control(group)));
    if (empty == 0)
      continue;
    unsigned i = (unsigned)__builtin_ctz(empty);
    map_pair_move(g, t, map_group_pair(t, group, i), pair);
    control_set(group, i, h2(hash));
    break;
  }
  rt_assert(table->growth_left > 0);
  plat_st(&table->growth_left, (uint16_t)(table->growth_left - 1));
  plat_st(&table->used, (uint16_t)(table->used + 1));
}

/* Where the keys of a table go: to one of two, by a bit of the hash (0: all to the first). */
struct move {
  struct map_swiss_table *to[2];
  uint64_t bit;
};

static void groups_move(struct go_g *g, const struct map_type *t, struct map_swiss *m,
                        void *groups, uint64_t count, const struct move *move) {
  for (uint64_t i = 0; i < count; i++) {
    void *group = map_group_at(t, groups, i);
    unsigned full = map_slots_full(plat_ld(map_group_control(group)));
    for (; full != 0; full &= full - 1) {
      void *pair = map_group_pair(t, group, (unsigned)__builtin_ctz(full));
      uint64_t hash = map_swiss_hash(g, t, m, map_pair_key_value(t, pair));
      table_take(g, t, move->to[(hash & move->bit) != 0], hash, pair);
    }
  }
}

/* ---- directory ------------------------------------------------------------------------------ */

/* Enters a table at its index and the entries that share its depth's prefix. */
static void directory_put(struct go_g *g, struct map_swiss *m, struct map_swiss_table *table) {
  void **directory = gc_load(&m->directory);
  uint64_t entries = (uint64_t)1 << (m->global_depth - table->local_depth);
  uint64_t first = (uint64_t)table->index;
  rt_assert(first % entries == 0 && first + entries <= m->directory_count);
  for (uint64_t i = first; i < first + entries; i++)
    gc_store(go_mu(g), &directory[i], table);
}

static void directory_double(struct go_g *g, struct map_swiss *m) {
  struct gc_mutator *mu = go_mu(g);
  uint64_t count = m->directory_count;
  void **twice = gc_alloc_array(mu, &map_shared.pointer, 2 * count);
  void **directory = gc_load(&m->directory);
  struct map_swiss_table *last = NULL;
  for (uint64_t i = 0; i < count; i++) {
    struct map_swiss_table *table = gc_load(&directory[i]);
    gc_store(mu, &twice[2 * i], table);
    gc_store(mu, &twice[2 * i + 1], table);
    if (table != last)
      plat_st(&table->index, (int64_t)(2 * i));
    last = table;
  }
  gc_store(mu, &m->directory, twice);
  plat_st(&m->directory_count, 2 * count);
  plat_st(&m->global_depth, (uint8_t)(m->global_depth + 1));
}

/* ---- growth --------------------------------------------------------------------------------- */

/* Nine keys: the small map's group becomes a table of twice its size. A safepoint. */
static void small_grow(struct go_g *g, const struct map_type *t, struct map_swiss *m) {
  struct gc_mutator *mu = go_mu(g);
  GC_ROOTS(mu, roots, 2);
  struct map_swiss_table *table = roots[0] = table_new(g, t, 2 * MAP_GROUP_SLOTS, 0, 0);
  void **directory = roots[1] = gc_alloc_array(mu, &map_shared.pointer, 1);
  struct move move = {{table, NULL}, 0};
  groups_move(g, t, m, gc_load(&m->directory), 1, &move);
  gc_store(mu, &directory[0], table);
  gc_store(mu, &m->directory, directory);
  plat_st(&m->directory_count, (uint64_t)1);
  at_u64_add_relaxed(&t->layout->swiss.growths, 1);
  GC_ROOTS_END(mu, roots);
}

static void table_grow(struct go_g *g, const struct map_type *t, struct map_swiss *m,
                       struct map_swiss_table *table) {
  GC_ROOTS(go_mu(g), roots, 2);
  roots[0] = table;
  struct map_swiss_table *grown = roots[1] =
      table_new(g, t, (uint16_t)(2 * table->capacity), table->index, table->local_depth);
  struct move move = {{grown, NULL}, 0};
  groups_move(g, t, m, gc_load(&table->groups), table->mask + 1, &move);
  directory_put(g, m, grown);
  plat_st(&table->index, (int64_t)MAP_TABLE_STALE);
  at_u64_add_relaxed(&t->layout->swiss.growths, 1);
  GC_ROOTS_END(go_mu(g), roots);
}

/* Two tables, each for one value of the next bit of the hash from the top. */
static void table_split(struct go_g *g, const struct map_type *t, struct map_swiss *m,
                        struct map_swiss_table *table) {
  GC_ROOTS(go_mu(g), roots, 3);
  roots[0] = table;
  uint8_t depth = (uint8_t)(table->local_depth + 1);
  rt_assert(depth < 64);
  struct map_swiss_table *left, *right;
  roots[1] = left = table_new(g, t, MAP_TABLE_SLOTS_MAX, MAP_TABLE_STALE, depth);
  roots[2] = right = table_new(g, t, MAP_TABLE_SLOTS_MAX, MAP_TABLE_STALE, depth);
  struct move move = {{left, right}, (uint64_t)1 << (64 - depth)};
  groups_move(g, t, m, gc_load(&table->groups), table->mask + 1, &move);
  if (depth > m->global_depth)
    directory_double(g, m);
  plat_st(&left->index, table->index);
  plat_st(&right->index, table->index + ((int64_t)1 << (m->global_depth - depth)));
  directory_put(g, m, left);
  directory_put(g, m, right);
  plat_st(&table->index, (int64_t)MAP_TABLE_STALE);
  at_u64_add_relaxed(&t->layout->swiss.splits, 1);
  GC_ROOTS_END(go_mu(g), roots);
}

static void rehash(struct go_g *g, const struct map_type *t, struct map_swiss *m,
                   struct map_swiss_table *table) {
  if (2 * table->capacity <= MAP_TABLE_SLOTS_MAX)
    table_grow(g, t, m, table);
  else
    table_split(g, t, m, table);
}

/* ---- operations ----------------------------------------------------------------------------- */

static uint64_t power_of_two_from(uint64_t n) {
  return n <= 1 ? 1 : (uint64_t)1 << (64 - __builtin_clzll(n - 1));
}

/* Tables for a hint beyond a small map. A safepoint. */
static void make_tables(struct go_g *g, const struct map_type *t, struct map_swiss *m,
                        uint64_t hint) {
  struct gc_mutator *mu = go_mu(g);
  uint64_t slots = hint * MAP_GROUP_SLOTS / 7;
  uint64_t count = power_of_two_from((slots + MAP_TABLE_SLOTS_MAX - 1) / MAP_TABLE_SLOTS_MAX);
  uint64_t capacity = power_of_two_from(slots / count);
  GC_ROOTS(mu, roots, 1);
  roots[0] = m;
  uint8_t depth = (uint8_t)__builtin_ctzll(count);
  void **directory = gc_alloc_array(mu, &map_shared.pointer, count);
  gc_store(mu, &m->directory, directory);
  for (uint64_t i = 0; i < count; i++)
    gc_store(mu, &directory[i], table_new(g, t, (uint16_t)capacity, (int64_t)i, depth));
  m->global_depth = depth;
  m->directory_count = count;
  GC_ROOTS_END(mu, roots);
}

static void *swiss_create(struct go_g *g, const struct map_type *t,
                          const struct map_params *params) {
  struct gc_mutator *mu = go_mu(g);
  gc_type_register(&map_header);
  gc_type_register(&table_header);
  GC_ROOTS(mu, roots, 1);
  struct map_swiss *m = roots[0] = gc_alloc(mu, &map_header);
  m->seed = gc_fastrand(mu);
  uint64_t most = MAP_HINT_BYTES_MAX / t->layout->group.size; /* a larger one counts as none */
  if (params->hint > MAP_GROUP_SLOTS && (uint64_t)params->hint <= most)
    make_tables(g, t, m, (uint64_t)params->hint);
  GC_ROOTS_END(mu, roots);
  return m;
}

static bool swiss_get(struct go_g *g, const struct map_type *t, void *map, const void *key,
                      void *out) {
  struct map_swiss *m = map;
  if (plat_ld(&m->used) == 0)
    return false;
  read_test(m);
  struct map_slot s = map_swiss_find(t, m, map_swiss_hash(g, t, m, key), key);
  if (s.group == NULL)
    return false;
  map_elem_out(t, map_pair_elem_value(t, map_group_pair(t, s.group, s.slot)), out);
  return true;
}

/* The first group, empty. A safepoint. */
static void *small_first_group(struct go_g *g, const struct map_type *t, struct map_swiss *m) {
  void *group = gc_alloc(go_mu(g), &t->layout->group);
  plat_st(map_group_control(group), ALL_EMPTY);
  gc_store(go_mu(g), &m->directory, group);
  return group;
}

/* False: the small map is full and has grown, the key goes to a table. */
static bool small_put(struct go_g *g, const struct map_type *t, struct map_swiss *m, uint64_t hash,
                      const void *const entry[2]) {
  void *group = gc_load(&m->directory);
  if (group == NULL)
    group = small_first_group(g, t, m);
  struct map_slot s = small_find(t, group, hash, entry[0]);
  if (s.group != NULL) {
    slot_update(g, t, s, entry);
    return true;
  }
  unsigned unused = map_slots_free(plat_ld(map_group_control(group)));
  if (unused == 0) {
    small_grow(g, t, m);
    return false;
  }
  s = (struct map_slot){group, (unsigned)__builtin_ctz(unused)};
  slot_fill(g, t, s, hash, entry);
  plat_st(&m->used, plat_ld(&m->used) + 1);
  return true;
}

/* False: the table was full and has been replaced. */
static bool table_put(struct go_g *g, const struct map_type *t, struct map_swiss *m, uint64_t hash,
                      const void *const entry[2]) {
  struct map_swiss_table *table = table_of(m, hash);
  struct map_slot room;
  struct map_slot s = table_find(t, table, hash, entry[0], &room);
  if (s.group != NULL) {
    slot_update(g, t, s, entry);
    return true;
  }
  rt_assert(room.group != NULL);
  uint8_t control = (uint8_t)(plat_ld(map_group_control(room.group)) >> (8 * room.slot));
  uint16_t left = plat_ld(&table->growth_left);
  if (control == MAP_SLOT_EMPTY && left == 0) {
    rehash(g, t, m, table);
    return false;
  }
  GC_ROOTS(go_mu(g), roots, 1);
  roots[0] = table;
  slot_fill(g, t, room, hash, entry);
  if (control == MAP_SLOT_EMPTY) /* a tombstone has taken its share already */
    plat_st(&table->growth_left, (uint16_t)(left - 1));
  plat_st(&table->used, (uint16_t)(plat_ld(&table->used) + 1));
  plat_st(&m->used, plat_ld(&m->used) + 1);
  GC_ROOTS_END(go_mu(g), roots);
  return true;
}

static void swiss_put(struct go_g *g, const struct map_type *t, void *map, const void *key,
                      const void *elem) {
  struct map_swiss *m = map;
  const void *const entry[2] = {key, elem};
  write_test(m);
  uint64_t hash = map_swiss_hash(g, t, m, key);
  write_begin(m);
  bool done = plat_ld(&m->directory_count) == 0 && small_put(g, t, m, hash, entry);
  while (!done)
    done = table_put(g, t, m, hash, entry);
  write_end(m);
}

static bool swiss_remove(struct go_g *g, const struct map_type *t, void *map, const void *key) {
  struct map_swiss *m = map;
  if (plat_ld(&m->used) == 0)
    return false;
  write_test(m);
  uint64_t hash = map_swiss_hash(g, t, m, key);
  write_begin(m);
  bool small = plat_ld(&m->directory_count) == 0;
  struct map_slot s = map_swiss_find(t, m, hash, key);
  if (s.group != NULL) {
    bool empty = slot_empty(g, t, s, small);
    struct map_swiss_table *table = small ? NULL : table_of(m, hash);
    if (table != NULL) {
      plat_st(&table->used, (uint16_t)(plat_ld(&table->used) - 1));
      if (empty)
        plat_st(&table->growth_left, (uint16_t)(plat_ld(&table->growth_left) + 1));
    }
    int64_t used = plat_ld(&m->used) - 1;
    plat_st(&m->used, used);
    if (used == 0)
      plat_st(&m->seed, (uint64_t)gc_fastrand(go_mu(g)));
  }
  write_end(m);
  return s.group != NULL;
}

static void groups_clear(struct go_g *g, const struct map_type *t, void *groups, uint64_t count) {
  uint32_t bytes = t->layout->group.size;
  plat_charge(PLAT_COST_zero_byte, count * bytes);
  for (uint64_t i = 0; i < count; i++) {
    void *group = map_group_at(t, groups, i);
    if (t->layout->group.ptrdata != 0) {
      gc_clear(go_mu(g), &t->layout->group, group, 0, bytes);
    } else {
      plat_touch_write(group, bytes);
      memset(group, 0, bytes);
    }
  }
  groups_reset(t, groups, count);
}

static void table_clear(struct go_g *g, const struct map_type *t, struct map_swiss_table *table) {
  groups_clear(g, t, gc_load(&table->groups), table->mask + 1);
  plat_st(&table->used, (uint16_t)0);
  plat_st(&table->growth_left, map_swiss_limit(table->capacity));
}

static void swiss_clear(struct go_g *g, const struct map_type *t, void *map) {
  struct map_swiss *m = map;
  write_test(m);
  write_begin(m);
  uint64_t count = plat_ld(&m->directory_count);
  void **directory = gc_load(&m->directory);
  if (count == 0 && directory != NULL)
    groups_clear(g, t, directory, 1);
  struct map_swiss_table *last = NULL;
  for (uint64_t i = 0; i < count; i++) {
    struct map_swiss_table *table = gc_load(&directory[i]);
    if (table != last)
      table_clear(g, t, table);
    last = table;
  }
  plat_st(&m->used, (int64_t)0);
  plat_st(&m->seed, (uint64_t)gc_fastrand(go_mu(g)));
  plat_st(&m->clears, plat_ld(&m->clears) + 1);
  write_end(m);
}

static int64_t swiss_count(struct go_g *g, void *map) {
  struct map_swiss *m = map;
  (void)g;
  return plat_ld(&m->used);
}

static void swiss_stats(struct go_g *g, const struct map_type *t, void *map,
                        struct map_kind_stats *out) {
  struct map_swiss *m = map;
  (void)g;
  memset(out, 0, sizeof *out);
  out->s.count = plat_ld(&m->used);
  out->s.growths = at_u64_load_relaxed(&t->layout->swiss.growths);
  out->s.growths += at_u64_load_relaxed(&t->layout->swiss.splits);
  out->directory = plat_ld(&m->directory_count);
  void **directory = out->directory == 0 ? NULL : gc_load(&m->directory);
  const void *before = NULL;
  for (uint64_t i = 0; i < out->directory; i++) {
    const void *table = gc_load(&directory[i]);
    out->tables += table != before;
    before = table;
  }
}

const struct map_kind map_kind_swiss = {
    .name = "swiss",
    .doc = "Go 1.24's map: groups of eight slots behind a control word, tables of up to 1024 "
           "slots that split, growth all at once per table.",
    .facts = {.concurrent_reads = true,
              .detects_misuse = true,
              .iteration = "no writer may run beside it"},
    .create = swiss_create,
    .get = swiss_get,
    .put = swiss_put,
    .remove = swiss_remove,
    .clear = swiss_clear,
    .each = map_swiss_each,
    .count = swiss_count,
    .stats = swiss_stats,
    .check = map_swiss_check,
};

/* The swiss table: iteration that tolerates growth, and the structural check. */
#include "maps/kind_swiss.h"

/* ---- iteration ------------------------------------------------------------------------------ */

struct walk {
  struct go_g *g;
  const struct map_type *t;
  struct map_swiss *m;
  map_visit *visit;
  void *arg;
  uint64_t clears;         /* m->clears at the beginning */
  uint64_t entry_offset;   /* random start in every table */
  uint64_t directory_offset, position; /* of the walk over the directory */
  uint8_t depth;           /* what these two count entries of */
};

static bool visit_pair(struct walk *w, void *pair) {
  const void *key = map_pair_key_value(w->t, pair);
  return map_visit_copy(w->g, w->t, key, map_pair_elem_value(w->t, pair), w->visit, w->arg);
}

/* Visits the entry of a slot of groups that are no longer the map's, as the map has it now. A NaN
 * cannot be looked up: only a clear can have removed it. */
static bool visit_moved(struct walk *w, void *pair) {
  const void *key = map_pair_key_value(w->t, pair);
  if (!map_key_equal(w->t, key, key)) {
    if (plat_ld(&w->m->clears) != w->clears)
      return true;
    return map_visit_copy(w->g, w->t, key, map_pair_elem_value(w->t, pair), w->visit, w->arg);
  }
  struct map_slot s = map_swiss_find(w->t, w->m, map_swiss_hash(w->g, w->t, w->m, key), key);
  if (s.group == NULL)
    return true;
  pair = map_group_pair(w->t, s.group, s.slot);
  return visit_pair(w, pair);
}

static bool visit_slot(struct walk *w, void *group, unsigned slot, bool moved) {
  if (plat_unlikely(at_u8_load_relaxed(&w->m->writing) != 0))
    rt_fatal(RT_END_FATAL, "concurrent map iteration and map write");
  if ((map_slots_full(plat_ld(map_group_control(group))) >> slot & 1) == 0)
    return true;
  void *pair = map_group_pair(w->t, group, slot);
  if (moved)
    return visit_moved(w, pair);
  return visit_pair(w, pair);
}

/* The visitor may make the map grow: the group walked is then a copy. */
static void walk_small(struct walk *w) {
  GC_ROOTS(go_mu(w->g), roots, 1);
  void *group = roots[0] = gc_load(&w->m->directory);
  bool go_on = group != NULL;
  for (unsigned i = 0; go_on && i < MAP_GROUP_SLOTS; i++) {
    unsigned slot = (i + w->entry_offset) % MAP_GROUP_SLOTS;
    go_on = visit_slot(w, group, slot, plat_ld(&w->m->directory_count) != 0);
  }
  GC_ROOTS_END(go_mu(w->g), roots);
}

static bool walk_table(struct walk *w, struct map_swiss_table *table) {
  uint64_t capacity = plat_ld(&table->capacity);
  for (uint64_t i = 0; i < capacity; i++) {
    uint64_t at = (i + w->entry_offset) & (capacity - 1);
    void *group = map_group_at(w->t, gc_load(&table->groups), at / MAP_GROUP_SLOTS);
    if (i % MAP_GROUP_SLOTS == 0)
      plat_charge(PLAT_COST_map_probe, 1);
    bool moved = plat_ld(&table->index) == MAP_TABLE_STALE;
    if (!visit_slot(w, group, at % MAP_GROUP_SLOTS, moved))
      return false;
  }
  return true;
}

/* The directory may have doubled since the walk counted its entries. */
static void walk_rescale(struct walk *w) {
  uint8_t depth = plat_ld(&w->m->global_depth);
  rt_assert(depth >= w->depth);
  w->position <<= depth - w->depth;
  w->directory_offset <<= depth - w->depth;
  w->depth = depth;
}

static void walk_tables(struct walk *w) {
  GC_ROOTS(go_mu(w->g), roots, 1);
  bool go_on = true;
  while (go_on) {
    walk_rescale(w);
    uint64_t mask = plat_ld(&w->m->directory_count) - 1;
    if (w->position > mask)
      break;
    uint64_t entry = (w->position + w->directory_offset) & mask;
    void **directory = gc_load(&w->m->directory);
    struct map_swiss_table *table = roots[0] = gc_load(&directory[entry]);
    /* Only the random first entry can be in the middle of a table's entries. */
    w->directory_offset -= entry - (uint64_t)plat_ld(&table->index);
    go_on = walk_table(w, table);
    walk_rescale(w);
    w->position += (uint64_t)1 << (w->depth - plat_ld(&table->local_depth));
  }
  GC_ROOTS_END(go_mu(w->g), roots);
}

void map_swiss_each(struct go_g *g, const struct map_type *t, void *map, map_visit *visit,
                    void *arg) {
  struct map_swiss *m = map;
  struct walk w = {.g = g, .t = t, .m = m, .visit = visit, .arg = arg};
  if (plat_ld(&m->used) == 0)
    return;
  w.clears = plat_ld(&m->clears);
  w.entry_offset = gc_fastrand64(go_mu(g));
  w.directory_offset = gc_fastrand64(go_mu(g));
  w.depth = plat_ld(&m->global_depth);
  if (plat_ld(&m->directory_count) == 0)
    walk_small(&w);
  else
    walk_tables(&w);
}

/* ---- check ---------------------------------------------------------------------------------- */

struct checker {
  struct go_g *g;
  const struct map_type *t;
  struct map_swiss *m;
  const char *why;
  int64_t live;
};

static bool fail(struct checker *c, const char *why) {
  if (c->why == NULL)
    c->why = why;
  return false;
}

/* One key: where a reader finds it, and only there. */
static bool check_slot(struct checker *c, void *group, unsigned slot, uint8_t control) {
  void *pair = map_group_pair(c->t, group, slot);
  const void *key = map_pair_key_value(c->t, pair);
  if (key == NULL || map_pair_elem_value(c->t, pair) == NULL)
    return fail(c, "a full slot has no stored key or element");
  if (!map_key_equal(c->t, key, key))
    return true; /* a NaN: its hash is not known any more */
  uint64_t hash = map_swiss_hash(c->g, c->t, c->m, key);
  if ((hash & 0x7f) != control)
    return fail(c, "control byte does not match the key");
  struct map_slot s = map_swiss_find(c->t, c->m, hash, key);
  if (s.group != group || s.slot != slot)
    return fail(c, s.group == NULL ? "a reader does not find a key" : "a key is there twice");
  return true;
}

/* Counts keys and tombstones. */
static bool check_group(struct checker *c, void *group, uint32_t *keys, uint32_t *tombstones) {
  uint64_t word = plat_ld(map_group_control(group));
  for (unsigned i = 0; i < MAP_GROUP_SLOTS; i++) {
    uint8_t control = (uint8_t)(word >> (8 * i));
    if (control == MAP_SLOT_DELETED)
      *tombstones += 1;
    else if (control > MAP_SLOT_EMPTY)
      return fail(c, "a control byte has no meaning");
    if (control >= MAP_SLOT_EMPTY)
      continue;
    *keys += 1;
    if (!check_slot(c, group, i, control))
      return false;
  }
  return true;
}

static bool check_table(struct checker *c, struct map_swiss_table *table) {
  uint32_t keys = 0, tombstones = 0;
  uint32_t capacity = table->capacity;
  if (capacity == 0 || (capacity & (capacity - 1)) != 0 || capacity > MAP_TABLE_SLOTS_MAX ||
      table->mask != capacity / MAP_GROUP_SLOTS - 1)
    return fail(c, "a table's capacity is impossible");
  for (uint64_t i = 0; i <= table->mask; i++) {
    void *group = map_group_at(c->t, gc_load(&table->groups), i);
    if (!check_group(c, group, &keys, &tombstones))
      return false;
  }
  if (keys != table->used)
    return fail(c, "a table's count is not the number of its keys");
  if (keys + tombstones + table->growth_left != map_swiss_limit(table->capacity))
    return fail(c, "a table's room is not what its keys and tombstones leave");
  c->live += keys;
  return true;
}

/* swiss.directory, one table at its first entry. */
static bool check_entries(struct checker *c, void **directory, uint64_t first,
                          struct map_swiss_table *table) {
  if (table == NULL || table->local_depth > c->m->global_depth)
    return fail(c, "a directory entry has no table of its depth");
  uint64_t entries = (uint64_t)1 << (c->m->global_depth - table->local_depth);
  if ((uint64_t)table->index != first || first % entries != 0)
    return fail(c, "a table is not where its index says");
  for (uint64_t i = first; i < first + entries; i++)
    if (gc_load(&directory[i]) != table)
      return fail(c, "a table is missing from its directory entries");
  return true;
}

static bool check_directory(struct checker *c) {
  uint64_t count = c->m->directory_count;
  void **directory = gc_load(&c->m->directory);
  if (count != (uint64_t)1 << c->m->global_depth)
    return fail(c, "the directory is not as large as its depth says");
  for (uint64_t i = 0; i < count;) {
    struct map_swiss_table *table = gc_load(&directory[i]);
    if (!check_entries(c, directory, i, table) || !check_table(c, table))
      return false;
    i += (uint64_t)1 << (c->m->global_depth - table->local_depth);
  }
  return true;
}

static bool check_small(struct checker *c) {
  uint32_t keys = 0, tombstones = 0;
  void *group = gc_load(&c->m->directory);
  if (group != NULL && !check_group(c, group, &keys, &tombstones))
    return false;
  if (tombstones != 0)
    return fail(c, "a small map has a tombstone");
  c->live = keys;
  return true;
}

bool map_swiss_check(struct go_g *g, const struct map_type *t, void *map, const char **why) {
  struct checker c = {.g = g, .t = t, .m = map};
  if (at_u8_load_relaxed(&c.m->writing) != 0)
    fail(&c, "the map is being written");
  else if ((c.m->directory_count == 0 ? check_small(&c) : check_directory(&c)) &&
           c.live != c.m->used)
    fail(&c, "count is not the number of entries");
  *why = c.why;
  return c.why == NULL;
}

#include "maps/kind_layout.h"

#include "runtime/meta.h"

static bool key_has_pointer(const struct map_type *t) {
  return t->indirect_key || t->key_kind == MAP_KEY_STRING;
}
static bool elem_has_pointer(const struct map_type *t) {
  return t->indirect_elem || t->elem_kind == MAP_ELEM_POINTER;
}

/* What Go would align a value of this size to: the largest power of two up to 8 that divides it;
 * byte arrays of odd sizes are arrays of bytes. */
static uint32_t align_of(uint32_t bytes) {
  if (bytes == 0)
    return 1;
  return bytes % 8 == 0 ? 8 : bytes & -bytes;
}
static uint32_t round_up(uint32_t bytes, uint32_t align) {
  return (bytes + align - 1) / align * align;
}

static void mark_word(uint64_t *mask, uint32_t offset) {
  rt_assert(offset % 8 == 0);
  mask[offset / 8 / 64] |= (uint64_t)1 << (offset / 8 % 64);
}

static void mark_pair(const struct map_type *t, uint64_t *mask, uint32_t offset) {
  if (key_has_pointer(t))
    mark_word(mask, offset);
  if (elem_has_pointer(t))
    mark_word(mask, offset + t->layout->elem_offset);
}

/* The last pointer word may be followed by plain ones, so ptrdata ends with the mask's last bit. */
static void type_finish(struct gc_type *type, const char *name, uint32_t size,
                        const uint64_t *mask) {
  type->name = name;
  type->size = size;
  for (uint32_t word = 0; word < size / 8; word++)
    if ((mask[word / 64] >> (word % 64) & 1) != 0)
      type->ptrdata = 8 * (word + 1);
  if (type->ptrdata != 0)
    type->mask = mask;
  gc_type_register(type);
}

static void describe_pair(const struct map_type *t, struct map_layout *l) {
  uint32_t key_align = align_of(t->key_slot);
  uint32_t elem_align = align_of(t->elem_slot);
  uint32_t align = key_align > elem_align ? key_align : elem_align;
  l->elem_offset = round_up(t->key_slot, elem_align);
  l->pair_bytes = round_up(l->elem_offset + t->elem_slot, align);
  rt_assert(l->pair_bytes <= MAP_PAIR_BYTES_MAX);
}

static void describe_nodes(const struct map_type *t, struct map_layout *l) {
  const uint32_t pair_at = offsetof(struct map_node, pair);
  l->links_offset = pair_at + round_up(l->pair_bytes, 8);
  mark_word(&l->node_mask, offsetof(struct map_node, next));
  mark_pair(t, &l->node_mask, pair_at);
  l->tree_mask = l->node_mask;
  for (uint32_t word = 0; word < sizeof(struct map_node_links) / 8; word++)
    mark_word(&l->tree_mask, l->links_offset + 8 * word);
  type_finish(&l->node, "map.node", l->links_offset, &l->node_mask);
  type_finish(&l->tree_node, "map.tree-node",
              l->links_offset + (uint32_t)sizeof(struct map_node_links), &l->tree_mask);
}

static void describe_group(const struct map_type *t, struct map_layout *l) {
  for (uint32_t i = 0; i < MAP_GROUP_SLOTS; i++)
    mark_pair(t, l->group_mask, MAP_GROUP_CONTROL_BYTES + i * l->pair_bytes);
  type_finish(&l->group, "map.group",
              MAP_GROUP_CONTROL_BYTES + MAP_GROUP_SLOTS * l->pair_bytes, l->group_mask);
}

void map_layout_make(struct map_type *t) {
  struct map_layout *l = rt_meta_alloc(sizeof *l, _Alignof(struct map_layout));
  t->layout = l;
  describe_pair(t, l);
  describe_nodes(t, l);
  describe_group(t, l);
  l->entries = map_type_any(t);
}

/* ---- pairs ---------------------------------------------------------------------------------- */

static void key_write(struct go_g *g, const struct map_type *t, void *slot, const void *key) {
  if (t->key_kind == MAP_KEY_STRING) {
    struct map_string *to = slot;
    struct map_string from;
    memcpy(&from, key, sizeof from);
    gc_store(go_mu(g), slot, (void *)(uintptr_t)from.data);
    plat_st(&to->len, from.len);
    return;
  }
  plat_touch_write(slot, t->key_bytes);
  memcpy(slot, key, t->key_bytes);
}

void map_pair_fill(struct go_g *g, const struct map_type *t, void *holder, void *pair,
                   const void *key, const void *elem) {
  struct gc_mutator *mu = go_mu(g);
  void *elem_slot = map_pair_elem(t, pair);
  GC_ROOTS(mu, roots, 1);
  roots[0] = holder;
  if (t->indirect_key) {
    void *stored = gc_alloc_bytes(mu, t->key_bytes);
    memcpy(stored, key, t->key_bytes);
    gc_store(mu, pair, stored);
  } else {
    key_write(g, t, pair, key);
  }
  if (t->indirect_elem)
    gc_store(mu, elem_slot, gc_alloc_bytes(mu, t->elem_bytes));
  map_elem_in(g, t, map_elem_value(t, elem_slot), elem);
  GC_ROOTS_END(mu, roots);
}

void map_pair_rekey(struct go_g *g, const struct map_type *t, void *pair, const void *key) {
  if (t->key_kind == MAP_KEY_F64 || t->key_kind == MAP_KEY_STRING)
    key_write(g, t, pair, key);
}

void map_pair_move(struct go_g *g, const struct map_type *t, void *to, void *from) {
  struct gc_mutator *mu = go_mu(g);
  plat_charge(PLAT_COST_evacuate, 1);
  if (t->indirect_key)
    gc_store(mu, to, gc_load(from));
  else
    key_write(g, t, to, from);
  void *elem_to = map_pair_elem(t, to), *elem_from = map_pair_elem(t, from);
  if (elem_has_pointer(t))
    gc_store(mu, elem_to, gc_load(elem_from));
  else
    map_elem_in(g, t, elem_to, elem_from);
}

void map_pair_clear(struct go_g *g, const struct map_type *t, void *pair) {
  void *elem = map_pair_elem(t, pair);
  if (key_has_pointer(t))
    gc_store(go_mu(g), pair, NULL);
  if (t->key_kind == MAP_KEY_STRING)
    plat_st(&((struct map_string *)pair)->len, (int64_t)0);
  if (elem_has_pointer(t)) {
    gc_store(go_mu(g), elem, NULL);
  } else if (t->elem_slot != 0) {
    plat_touch_write(elem, t->elem_slot);
    memset(elem, 0, t->elem_slot);
  }
}

#include "sims/explore/alike.h"

#include <stdlib.h>
#include <string.h>

#include "runtime/rng.h"
#include "sims/explore/lookup.h"
#include "sims/explore/variant.h"
#include "sims/memory.h"

enum { OBJECTS = 16, GROUPS = 8, OPS = 16 }; /* most of a scenario that is understood */

/* What a combination consists of. Group number `groups` is the setup. */
struct data {
  uint32_t objects, groups;
  uint32_t pointers[OBJECTS];
  uint32_t links[OBJECTS][SC_FIELDS_MAX];
  uint32_t slots[OBJECTS];          /* global ones, by the number of their object */
  uint32_t registers[GROUPS + 1][SC_REGISTERS];
  const struct sc_op *ops[GROUPS + 1][OPS];
  uint64_t told[GROUPS + 1][OPS];   /* a hash of each */
  uint32_t op_count[GROUPS + 1];
};

/* A part that a choice decides about. */
struct part {
  enum { PART_LINK, PART_REGISTER, PART_OP } kind;
  uint32_t where, number;           /* of an object, a group */
};

/* One "choose". */
struct choice {
  struct scenario **with;           /* by value: the scenario with it */
  struct data *data;
  uint32_t values;
  struct part *parts;
  uint32_t part_count, part_room;
  bool is_understood;               /* else different values are never alike */
};

struct grid {
  struct choice *choices;
  uint32_t count;
};

static uint64_t mix(uint64_t h, uint64_t value) {
  return rng_mix64(h + value + 0x9e3779b97f4a7c15u);
}

/* ---- what is understood ---------------------------------------------------------------------- */

static bool is_of_objects(enum sc_op_kind kind) {
  return kind == SC_OP_OBJECT_LOAD || kind == SC_OP_OBJECT_STORE || kind == SC_OP_OBJECT_GET ||
         kind == SC_OP_OBJECT_PUT || kind == SC_OP_OBJECT_DROP || kind == SC_OP_OBJECT_MOVE;
}

static bool knows_no_object(enum sc_op_kind kind) {
  return kind == SC_OP_GC || kind == SC_OP_YIELD || kind == SC_OP_CHAN_SEND ||
         kind == SC_OP_CHAN_RECV || kind == SC_OP_CHAN_CLOSE;
}

static uint64_t hash_op(const struct sc_op *op) {
  uint64_t h = mix(mix(0, op->kind), (uint64_t)op->target << 32 | op->holder);
  h = mix(mix(h, op->count), (uint64_t)op->to << 32 | op->from);
  return mix(h, (uint64_t)op->value << 32 | op->field);
}

static bool take_ops(struct data *d, uint32_t group, const struct sc_op *ops, uint32_t count) {
  bool is_setup = group == d->groups;
  if (count > OPS) return false;
  d->op_count[group] = count;
  for (uint32_t i = 0; i < count; i++) {
    d->ops[group][i] = &ops[i];
    d->told[group][i] = hash_op(&ops[i]);
    if (!is_of_objects(ops[i].kind) && (is_setup || !knows_no_object(ops[i].kind))) return false;
  }
  return true;
}

/* False: the scenario is not understood. */
static bool take_data(struct data *d, const struct scenario *sc) {
  *d = (struct data){.objects = sc->object_count, .groups = sc->group_count};
  if (d->objects == 0 || d->objects > OBJECTS || d->groups > GROUPS) return false;
  for (uint32_t i = 0; i < d->objects; i++) {
    d->pointers[i] = sc->objects[i].pointers;
    memcpy(d->links[i], sc->objects[i].links, sizeof d->links[i]);
    d->slots[i] = sc->objects[i].root ? i : SC_NIL;
  }
  for (uint32_t r = 0; r < SC_REGISTERS; r++) d->registers[d->groups][r] = SC_NIL;
  bool fine = take_ops(d, d->groups, sc->setup, sc->setup_count);
  for (uint32_t g = 0; g < d->groups && fine; g++) {
    memcpy(d->registers[g], sc->groups[g].registers, sizeof d->registers[g]);
    fine = take_ops(d, g, sc->groups[g].body, sc->groups[g].body_count);
  }
  return fine;
}

/* Whether the path leads to nothing but an operation, a link or a register. */
static bool is_path_understood(const char *path) {
  char word[4][SC_NAME_MAX] = {{0}};
  uint32_t words = 0;
  for (const char *at = path; *at != '\0' && words < 4; words++) {
    size_t length = strcspn(at, ".");
    if (length >= SC_NAME_MAX) return false;
    memcpy(word[words], at, length);
    at += length + (at[length] != '\0');
  }
  if (strcmp(word[0], "setup") == 0) return words >= 2;
  if (words < 4) return false;
  if (strcmp(word[0], "objects") == 0) return strcmp(word[2], "links") == 0;
  return strcmp(word[0], "goroutines") == 0 &&
         (strcmp(word[2], "body") == 0 || strcmp(word[2], "registers") == 0);
}

/* ---- choices --------------------------------------------------------------------------------- */

static void add_part(struct choice *c, struct part part) {
  for (uint32_t i = 0; i < c->part_count; i++) {
    const struct part *p = &c->parts[i];
    if (p->kind == part.kind && p->where == part.where && p->number == part.number) return;
  }
  c->parts = sim_grow(c->parts, &c->part_room, c->part_count, sizeof *c->parts);
  c->parts[c->part_count++] = part;
}

/* Adds the parts in which b is not as a. False: there are more or fewer of them. */
static bool add_differences(struct choice *c, const struct data *a, const struct data *b) {
  if (a->objects != b->objects || a->groups != b->groups) return false;
  for (uint32_t i = 0; i < a->objects; i++)
    for (uint32_t f = 0; f < SC_FIELDS_MAX; f++)
      if (a->links[i][f] != b->links[i][f]) add_part(c, (struct part){PART_LINK, i, f});
  for (uint32_t g = 0; g <= a->groups; g++) {
    if (a->op_count[g] != b->op_count[g]) return false;
    for (uint32_t r = 0; r < SC_REGISTERS; r++)
      if (a->registers[g][r] != b->registers[g][r]) add_part(c, (struct part){PART_REGISTER, g, r});
    for (uint32_t i = 0; i < a->op_count[g]; i++)
      if (a->told[g][i] != b->told[g][i]) add_part(c, (struct part){PART_OP, g, i});
  }
  return true;
}

/* The scenario with each value of choice number i, the others at their first. */
static bool open_choice(struct choice *c, const struct scenario *sc, uint32_t i) {
  uint32_t *choices = sim_alloc(sc->choose_count * sizeof *choices);
  bool fine = true;
  c->values = sc->chooses[i].value_count;
  c->with = sim_alloc(c->values * sizeof(struct scenario *));
  c->data = sim_alloc(c->values * sizeof *c->data);
  c->is_understood = is_path_understood(sc->chooses[i].set);
  for (uint32_t v = 0; v < c->values && fine; v++) {
    choices[i] = v;
    c->with[v] = xp_variant_load(sc, choices, NULL, 0, true);
    fine = c->with[v] != NULL && take_data(&c->data[v], c->with[v]) &&
           (!c->is_understood || add_differences(c, &c->data[0], &c->data[v]));
  }
  free(choices);
  return fine;
}

static void close_grid(struct grid *g) {
  for (uint32_t i = 0; i < g->count; i++) {
    struct choice *c = &g->choices[i];
    for (uint32_t v = 0; v < c->values; v++) scenario_free(c->with[v]);
    free(c->with);
    free(c->data);
    free(c->parts);
  }
  free(g->choices);
}

static void take_part(struct data *to, const struct data *from, const struct part *p) {
  uint32_t i = p->where, k = p->number;
  switch (p->kind) {
    case PART_LINK: to->links[i][k] = from->links[i][k]; break;
    case PART_REGISTER: to->registers[i][k] = from->registers[i][k]; break;
    case PART_OP:
      to->ops[i][k] = from->ops[i][k];
      to->told[i][k] = from->told[i][k];
      break;
  }
}

/* ---- the setup ------------------------------------------------------------------------------- */

/* The field of a load or a store; NULL: it is neither, or there is none. */
static uint32_t *accessed(struct data *d, const struct sc_op *op) {
  const uint32_t *r = d->registers[d->groups];
  if (op->kind != SC_OP_OBJECT_LOAD && op->kind != SC_OP_OBJECT_STORE) return NULL;
  uint32_t number = op->holder - SC_REGISTERS;
  uint32_t holder = op->holder < SC_REGISTERS ? r[op->holder] : d->slots[number];
  bool is_there = holder != SC_NIL && op->field < d->pointers[holder];
  return is_there ? &d->links[holder][op->field] : NULL;
}

/* What it leaves in objects and global slots. Setups that do other things to leave the same take
 * other steps, by which threads may come to stand elsewhere. */
static uint64_t run_setup(struct data *d, uint64_t h) {
  uint32_t *r = d->registers[d->groups];
  for (uint32_t i = 0; i < d->op_count[d->groups]; i++) {
    const struct sc_op *op = d->ops[d->groups][i];
    uint32_t value = op->value >= SC_REGISTERS ? SC_NIL : r[op->value];
    uint32_t *at = accessed(d, op);
    h = mix(h, 2 * op->kind + (at != NULL));
    switch (op->kind) {
      case SC_OP_OBJECT_LOAD: r[op->to] = at != NULL ? *at : SC_NIL; break;
      case SC_OP_OBJECT_STORE: if (at != NULL) *at = value; break;
      case SC_OP_OBJECT_GET: r[op->to] = d->slots[op->target]; break;
      case SC_OP_OBJECT_PUT: d->slots[op->target] = value; break;
      case SC_OP_OBJECT_DROP: r[op->from] = SC_NIL; break;
      default: r[op->to] = r[op->from]; break;
    }
  }
  return h;
}

/* ---- names ----------------------------------------------------------------------------------- */

/* Objects named in the order in which they are met. */
struct naming {
  uint32_t name[OBJECTS]; /* 0: not met */
  uint32_t met[OBJECTS], count;
};

static uint32_t name_of(struct naming *n, uint32_t object) {
  if (object == SC_NIL) return 0;
  if (n->name[object] == 0) {
    n->met[n->count++] = object;
    n->name[object] = n->count;
  }
  return n->name[object];
}

/* Names of the objects in a row of places: at most eight, of 5 bits each. */
static uint64_t mix_names(struct naming *n, const uint32_t *places, uint32_t count, uint64_t h) {
  uint64_t names = 0;
  for (uint32_t i = 0; i < count; i++) names = names << 5 | name_of(n, places[i]);
  return mix(h, names);
}

/* The heap as it is seen from its roots. */
static uint64_t mix_heap(const struct data *d, uint64_t h) {
  struct naming n = {.count = 0};
  for (uint32_t i = 0; i < d->objects; i++) h = mix_names(&n, &d->slots[i], 1, h);
  for (uint32_t g = 0; g < d->groups; g++) h = mix_names(&n, d->registers[g], SC_REGISTERS, h);
  for (uint32_t i = 0; i < n.count; i++) {
    uint32_t object = n.met[i];
    h = mix_names(&n, d->links[object], d->pointers[object], mix(h, d->pointers[object]));
  }
  return h;
}

/* ---- what does nothing ----------------------------------------------------------------------- */

/* The objects that a field or slot may hold at some time; a bit each. */
struct flow {
  uint32_t fields[OBJECTS][SC_FIELDS_MAX];
  uint32_t slots[OBJECTS];
};

static uint32_t bit_of(uint32_t object) { return object == SC_NIL ? 0 : 1u << object; }

static struct flow first_flow(const struct data *d) {
  struct flow f = {0};
  for (uint32_t i = 0; i < d->objects; i++) {
    f.slots[i] = bit_of(d->slots[i]);
    for (uint32_t k = 0; k < d->pointers[i]; k++) f.fields[i][k] = bit_of(d->links[i][k]);
  }
  return f;
}

static void load(const struct data *d, const struct flow *f, uint32_t *r, const struct sc_op *op) {
  uint32_t from = op->holder < SC_REGISTERS ? r[op->holder] : f->slots[op->holder - SC_REGISTERS];
  uint32_t found = 0;
  for (uint32_t i = 0; i < d->objects; i++)
    if ((from >> i & 1) != 0 && op->field < d->pointers[i]) found |= f->fields[i][op->field];
  r[op->to] = found;
}

static void store(const struct data *d, struct flow *f, const uint32_t *r, const struct sc_op *op) {
  uint32_t into = op->holder < SC_REGISTERS ? r[op->holder] : f->slots[op->holder - SC_REGISTERS];
  uint32_t value = op->value == SC_NIL ? 0 : r[op->value];
  for (uint32_t i = 0; i < d->objects; i++)
    if ((into >> i & 1) != 0 && op->field < d->pointers[i]) f->fields[i][op->field] |= value;
}

/* Whether it touches nothing, and leaves the registers as they are, in every schedule. */
static bool is_idle(const uint32_t *r, const struct sc_op *op) {
  if (op->kind == SC_OP_OBJECT_DROP) return r[op->from] == 0;
  if (op->kind != SC_OP_OBJECT_LOAD && op->kind != SC_OP_OBJECT_STORE) return false;
  if (op->holder >= SC_REGISTERS || r[op->holder] != 0) return false;
  return op->kind == SC_OP_OBJECT_STORE || r[op->to] == 0;
}

/* What an operation may touch that others can, too. */
struct touch {
  uint32_t objects, field;  /* in these, a bit each, this field */
  uint32_t slots;           /* global ones, a bit each */
  bool writes;
};

static struct touch touch_of(const uint32_t *r, const struct flow *f, const struct sc_op *op) {
  struct touch t = {.field = op->field};
  bool is_in_slot = op->holder >= SC_REGISTERS;
  switch (op->kind) {
    case SC_OP_OBJECT_STORE:
    case SC_OP_OBJECT_LOAD:
      t.objects = is_in_slot ? f->slots[op->holder - SC_REGISTERS] : r[op->holder];
      break;
    case SC_OP_OBJECT_PUT:
    case SC_OP_OBJECT_GET: t.slots = 1u << op->target; break;
    default: break;
  }
  t.writes = op->kind == SC_OP_OBJECT_STORE || op->kind == SC_OP_OBJECT_PUT;
  return t;
}

static bool is_conflict(const struct touch *a, const struct touch *b) {
  bool meets = (a->field == b->field && (a->objects & b->objects) != 0) ||
               (a->slots & b->slots) != 0;
  return meets && (a->writes || b->writes);
}

static void follow(const struct data *d, struct flow *f, uint32_t *r, const struct sc_op *op) {
  switch (op->kind) {
    case SC_OP_OBJECT_LOAD: load(d, f, r, op); break;
    case SC_OP_OBJECT_STORE: store(d, f, r, op); break;
    case SC_OP_OBJECT_GET: r[op->to] = f->slots[op->target]; break;
    case SC_OP_OBJECT_PUT: f->slots[op->target] |= op->value == SC_NIL ? 0 : r[op->value]; break;
    case SC_OP_OBJECT_DROP: r[op->from] = 0; break;
    case SC_OP_OBJECT_MOVE: r[op->to] = r[op->from]; break;
    default: break;
  }
}

/* What all goroutines may touch. */
struct touches {
  struct touch of[GROUPS][OPS];
};

/* A goroutine's body, with its registers as sets of objects. */
static uint64_t walk_body(const struct data *d, uint32_t group, struct flow *f,
                          struct touches *touches, uint64_t h) {
  uint32_t r[SC_REGISTERS];
  for (uint32_t i = 0; i < SC_REGISTERS; i++) r[i] = bit_of(d->registers[group][i]);
  for (uint32_t i = 0; i < d->op_count[group]; i++) {
    const struct sc_op *op = d->ops[group][i];
    h = mix(h, is_idle(r, op) ? 0 : d->told[group][i]);
    touches->of[group][i] = touch_of(r, f, op);
    follow(d, f, r, op);
  }
  return h;
}

/* touches: filled in. */
static uint64_t mix_bodies(const struct data *d, struct touches *touches, uint64_t h) {
  struct flow f = first_flow(d), before;
  uint64_t told;
  do {
    before = f;
    told = h;
    for (uint32_t g = 0; g < d->groups; g++) told = mix(walk_body(d, g, &f, touches, told), g);
  } while (memcmp(&before, &f, sizeof f) != 0);
  return told;
}

/* Pairs of operations of different goroutines that may conflict. */
static uint32_t count_conflicts(const struct data *d, const struct touches *touches) {
  uint32_t count = 0;
  for (uint32_t g = 0; g < d->groups; g++)
    for (uint32_t i = 0; i < d->op_count[g]; i++)
      for (uint32_t h = g + 1; h < d->groups; h++)
        for (uint32_t k = 0; k < d->op_count[h]; k++)
          count += is_conflict(&touches->of[g][i], &touches->of[h][k]);
  return count;
}

/* ---- all of them ----------------------------------------------------------------------------- */

/* The same for those alike; for two that are not with a chance of 2^-64. Never 0. *weight: as in
 * struct xp_representative. */
static uint64_t number_of(const struct grid *g, const uint32_t *choices, uint32_t *weight) {
  struct touches touches;
  struct data d = g->choices[0].data[0];
  uint64_t h = 0;
  for (uint32_t i = 0; i < g->count; i++) {
    const struct choice *c = &g->choices[i];
    if (!c->is_understood) h = mix(mix(h, i + 1), choices[i]);
    for (uint32_t p = 0; p < c->part_count; p++)
      take_part(&d, &c->data[choices[i]], &c->parts[p]);
  }
  h = run_setup(&d, h);
  h = mix_bodies(&d, &touches, mix_heap(&d, h));
  *weight = 1 + count_conflicts(&d, &touches);
  return h | (h == 0);
}

static void find_representatives(const struct grid *g, const struct scenario *sc,
                                 struct xp_alike *out) {
  uint64_t variants = xp_variant_count(sc), upto = 0;
  uint32_t *choices = sim_alloc(g->count * sizeof *choices), room = 0, found = 0, weight;
  struct xp_lookup seen = {0};
  for (uint32_t v = 0; v < variants; v++) {
    xp_variant_choices(sc, v, choices);
    uint32_t before = seen.count;
    xp_lookup_enter(&seen, sizeof(uint64_t), number_of(g, choices, &weight));
    if (seen.count == before) continue;
    out->list = sim_grow(out->list, &room, found, sizeof *out->list);
    out->list[found++] = (struct xp_representative){.variant = v, .upto = upto += weight};
    if (weight > out->heaviest) out->heaviest = weight;
  }
  xp_lookup_free(&seen);
  free(choices);
  out->count = found;
}

bool xp_alike_find(const struct scenario *sc, struct xp_alike *out) {
  struct grid g = {.count = sc->choose_count};
  uint64_t variants = xp_variant_count(sc);
  bool fine = sc->object_count > 0 && variants > 1 && variants <= XP_ALIKE_VARIANTS;
  *out = (struct xp_alike){.list = NULL};
  if (!fine) return false;
  g.choices = sim_alloc(g.count * sizeof *g.choices);
  for (uint32_t i = 0; i < g.count && fine; i++) fine = open_choice(&g.choices[i], sc, i);
  if (fine) find_representatives(&g, sc, out);
  close_grid(&g);
  if (out->count == variants) xp_alike_free(out);
  return out->list != NULL;
}

void xp_alike_free(struct xp_alike *a) {
  free(a->list);
  *a = (struct xp_alike){.list = NULL};
}

/* The one in whose part of the sum of weights that place lies. */
static uint32_t variant_at(const struct xp_alike *a, uint64_t place) {
  uint64_t low = 0, high = a->count - 1; /* between them it is */
  while (low < high) {
    uint64_t middle = (low + high) / 2;
    if (a->list[middle].upto > place)
      high = middle;
    else
      low = middle + 1;
  }
  return a->list[low].variant;
}

/* Places are drawn in n parts of the sum, so far apart that no two are in one weight; where these
 * parts begin is drawn, too. */
uint32_t xp_alike_pick(const struct xp_alike *a, uint64_t i, uint64_t n, uint64_t seed) {
  uint64_t sum = a->list[a->count - 1].upto, length = sum / n;
  if (length < 2 * a->heaviest) return a->list[xp_variant_pick(i, n, a->count, seed)].variant;
  uint64_t part = xp_variant_pick(i, n, n, seed);
  uint64_t place = part * length + rng_split(seed, part) % (length - a->heaviest + 1);
  return variant_at(a, (place + rng_split(seed, n)) % sum);
}

#include "tests/explore/weave.h"

#include <stdlib.h>
#include <string.h>

#include "plat_model.h"
#include "sims/explore/lookup.h"
#include "sims/memory.h"
#include "tests/explore/threads.h"

enum { COLLECTOR = WEAVE_MUTATORS, WEAVE_THREADS }; /* P 0 and P 1: the mutators */

struct object {
  struct object *link;
  uint64_t number;
};

struct mutator {
  void *r0; /* its frame */
  struct gc_frame frame;
  uint8_t write[WEAVE_WRITES];
};

static const uint64_t first_word = 1;

static PLAT_STATE struct {
  struct weave_case now;
  struct weave_choice *next; /* not in the world: stays when it is put back */
  struct gc_type type;
  struct object *object[WEAVE_OBJECTS];
  struct gc_frame all; /* holds them until the mark */
  void *root;
  struct mutator mutator[WEAVE_MUTATORS];
} g = {
    .type = {.name = "object", .size = sizeof(struct object), .ptrdata = 8, .mask = &first_word},
};

/* ---- choices --------------------------------------------------------------------------------- */

static uint8_t digit(uint32_t *number, uint32_t base) {
  uint8_t d = (uint8_t)(*number % base);
  *number /= base;
  return d;
}

void weave_choice_of(uint32_t number, struct weave_choice *out) {
  for (uint32_t m = 0; m < WEAVE_MUTATORS; m++)
    for (uint32_t i = 0; i < WEAVE_WRITES; i++)
      out->write[m][i] = digit(&number, WEAVE_KINDS_OF_WRITE);
  out->root = digit(&number, 1 + WEAVE_OBJECTS);
  for (uint32_t i = 0; i < WEAVE_OBJECTS; i++) out->link[i] = digit(&number, 1 + WEAVE_OBJECTS);
  for (uint32_t m = 0; m < WEAVE_MUTATORS; m++) out->r0[m] = digit(&number, 1 + WEAVE_OBJECTS);
}

/* Objects named in the order in which they are met. */
struct naming {
  uint8_t name[1 + WEAVE_OBJECTS]; /* 0: not met */
  uint8_t met[WEAVE_OBJECTS], count;
};

static uint64_t name_of(struct naming *n, uint8_t object) {
  if (object == WEAVE_NIL) return 0;
  if (n->name[object] == 0) {
    n->met[n->count++] = object;
    n->name[object] = n->count;
  }
  return n->name[object];
}

/* Fields never lead to more than they do at first, so a register that is nil by then stays nil. */
static uint64_t key_of_writes(const struct weave_choice *c, uint32_t m, uint64_t key) {
  uint8_t r0 = c->r0[m];
  for (uint32_t i = 0; i < WEAVE_WRITES; i++) {
    uint8_t write = c->write[m][i];
    bool is_idle = r0 == WEAVE_NIL && write != WEAVE_PUT;
    key = key << 2 | (is_idle ? 3u : write);
    if (write == WEAVE_LOAD && r0 != WEAVE_NIL) r0 = c->link[r0 - 1];
  }
  return key;
}

/* The same for those alike, and for no others. */
static uint64_t key_of(const struct weave_choice *c) {
  struct naming n = {.count = 0};
  uint64_t key = 1;
  for (uint32_t m = 0; m < WEAVE_MUTATORS; m++) key = key_of_writes(c, m, key);
  key = key << 2 | name_of(&n, c->root);
  for (uint32_t m = 0; m < WEAVE_MUTATORS; m++) key = key << 2 | name_of(&n, c->r0[m]);
  for (uint32_t i = 0; i < n.count; i++) key = key << 2 | name_of(&n, c->link[n.met[i] - 1]);
  return key;
}

uint32_t *weave_representatives(uint32_t *count) {
  uint32_t *list = NULL, room = 0;
  struct xp_lookup seen = {0};
  *count = 0;
  for (uint32_t v = 0; v < WEAVE_CHOICES; v++) {
    struct weave_choice c;
    uint32_t before = seen.count;
    weave_choice_of(v, &c);
    xp_lookup_enter(&seen, sizeof(uint64_t), key_of(&c));
    if (seen.count == before) continue;
    list = sim_grow(list, &room, *count, sizeof *list);
    list[(*count)++] = v;
  }
  xp_lookup_free(&seen);
  return list;
}

/* ---- the mutators ---------------------------------------------------------------------------- */

static void write_once(struct gc_mutator *mu, struct mutator *m, enum weave_write write) {
  struct object *object = m->r0;
  if (write == WEAVE_PUT) {
    gc_store(mu, &g.root, object);
  } else if (object != NULL) {
    void **field = (void **)&object->link;
    if (write == WEAVE_STORE) gc_store(mu, field, NULL);
    if (write == WEAVE_LOAD) m->r0 = gc_load(field);
  }
}

/* Between two writes others may come in, whether they have asked for it or not. */
static void mutate(struct thread *t) {
  struct mutator *m = &g.mutator[t->p.index];
  for (uint32_t i = 0; i < WEAVE_WRITES; i++) {
    if (i > 0) threads_leave(t);
    if (i > 0) threads_enter(t);
    write_once(thread_mu(t), m, m->write[i]);
  }
}

/* ---- the program ----------------------------------------------------------------------------- */

static void collect(struct thread *t) {
  threads_begin_cycle(t);
  threads_mark(t);
}

static void end_run(struct gc_mutator *self, void *arg) {
  (void)self, (void)arg;
  plat_model_finish_run();
}

/* Objects that have survived a collection: they are white when the next begins. */
static void make_objects(struct thread *t) {
  gc_type_register(&g.type);
  gc_add_global_roots(&g.root, 1);
  gc_frame_push(thread_mu(t), &g.all, (void **)g.object, WEAVE_OBJECTS);
  for (uint32_t i = 0; i < WEAVE_OBJECTS; i++) {
    g.object[i] = gc_alloc(thread_mu(t), &g.type);
    g.object[i]->number = i;
  }
  threads_collect(t);
  gc_frame_pop(thread_mu(t), &g.all);
}

static void *at(uint8_t place) { return place == WEAVE_NIL ? NULL : g.object[place - 1]; }

/* No operations: nobody else has begun. */
static void apply(const struct weave_choice *c) {
  g.root = at(c->root);
  for (uint32_t i = 0; i < WEAVE_OBJECTS; i++) g.object[i]->link = at(c->link[i]);
  for (uint32_t m = 0; m < WEAVE_MUTATORS; m++) {
    g.mutator[m].r0 = at(c->r0[m]);
    memcpy(g.mutator[m].write, c->write[m], sizeof g.mutator[m].write);
  }
}

static void configure(struct gc_config *c) {
  gc_config_default(c);
  c->check = true;
  c->gogc = -1;
  c->barrier = g.now.barrier;
  c->wb_entries = WEAVE_WB_ENTRIES;
  c->faults = g.now.faults;
}

static int run(void *arg) {
  struct gc_config config;
  (void)arg;
  configure(&config);
  if (!threads_begin(&config, WEAVE_THREADS)) return 1;
  struct thread *collector = threads_at(COLLECTOR);
  threads_enter(collector);
  make_objects(collector);
  threads_leave(collector);
  gc_set_check_hook(end_run, NULL);
  for (uint32_t m = 0; m < WEAVE_MUTATORS; m++)
    gc_frame_push(thread_mu(threads_at(m)), &g.mutator[m].frame, &g.mutator[m].r0, 1);
  threads_start(0, "first", mutate);
  threads_start(1, "second", mutate);
  threads_start(COLLECTOR, "collector", collect);
  plat_model_mark();
  apply(g.next);
  plat_thread_join(&collector->thread); /* never: it ends the run */
  return 1;
}

void weave_prepare(const struct weave_case *c) {
  int status;
  g.now = *c;
  g.next = sim_alloc(sizeof *g.next);
  if (!plat_model_prepare(run, NULL, &status)) rt_die("the program has ended before its mark");
}

void weave_choose(const struct weave_choice *c) { *g.next = *c; }

void weave_leave(void) {
  struct weave_choice *next = g.next;
  plat_model_leave();
  free(next);
}

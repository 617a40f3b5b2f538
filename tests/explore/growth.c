#include "tests/explore/growth.h"

#include "gc/heap_int.h"
#include "maps/map_int.h"
#include "plat_model.h"
#include "tests/explore/threads.h"

enum { TAKEN = 4 /* a key */ };
enum { MAP, ON_ITS_WAY, TAKEN_OUT, OWN }; /* places in the writer's frame */

struct node {
  struct node *next;
  uint64_t number, rest[6];
};

static const uint64_t first_word = 1;

static PLAT_STATE struct {
  struct growth_case now;
  struct gc_type node, large; /* large: of the size that the map's buckets will have */
  const struct map_type *type;
  void *own[OWN];
  struct gc_frame frame;
  bool is_written; /* the writer does nothing more; by it, read in a stop */
} g = {
    .node = {.name = "node", .size = sizeof(struct node), .ptrdata = 8, .mask = &first_word},
    .large = {.name = "large", .ptrdata = 8, .mask = &first_word},
};

static bool has_node(uint64_t key) { return key % 4 == 0; }

static struct map *map(void) { return g.own[MAP]; }

/* ---- the writer ------------------------------------------------------------------------------ */

static void put(struct thread *t, uint64_t key, void *value) {
  void **slot = map_assign(&t->g, g.type, map(), &key);
  gc_store(thread_mu(t), slot, value);
}

static void put_new(struct thread *t, uint64_t key) {
  struct node *n = gc_alloc(thread_mu(t), &g.node);
  n->number = key;
  g.own[ON_ITS_WAY] = n;
  put(t, key, n);
  g.own[ON_ITS_WAY] = NULL;
}

static void take_out(struct thread *t, uint64_t key) {
  void **slot = map_get(&t->g, g.type, map(), &key);
  g.own[TAKEN_OUT] = gc_load(slot);
  put(t, key, NULL);
}

static void write(struct thread *t) {
  take_out(t, TAKEN);
  put_new(t, GROWTH_FULL);
  g.is_written = true;
}

/* ---- afterwards ------------------------------------------------------------------------------ *
 *
 * Nothing here is an operation: nobody else runs. */

static void check_entry(uint64_t key, const struct node *n, uint64_t *seen) {
  if (key > GROWTH_FULL || (*seen >> key & 1) != 0)
    rt_fatal(RT_END_VIOLATION, "the map has key %llu", (unsigned long long)key);
  *seen |= UINT64_C(1) << key;
  if (has_node(key) && key != TAKEN ? n == NULL || n->number != key : n != NULL)
    rt_fatal(RT_END_VIOLATION, "the map has another value of key %llu", (unsigned long long)key);
}

static void check_bucket(struct map_bucket *b, uint64_t *seen) {
  for (unsigned i = 0; i < MAP_CELLS; i++) {
    if (b->top[i] < MAP_TOP_MIN) continue;
    check_entry(*(uint64_t *)map_key_slot(g.type, b, i),
                *(struct node **)map_elem_slot(g.type, b, i), seen);
  }
}

static void check(void) {
  const struct map *m = map();
  const struct node *taken = g.own[TAKEN_OUT];
  uint64_t seen = 0;
  if (m->B != 1 || m->old_buckets != NULL) rt_fatal(RT_END_VIOLATION, "the map has not grown");
  for (uint64_t i = 0; i < 2; i++) check_bucket(map_bucket_at(g.type, m->buckets, i), &seen);
  if (seen != (UINT64_C(2) << GROWTH_FULL) - 1)
    rt_fatal(RT_END_VIOLATION, "the map has lost keys: it has %llx", (unsigned long long)seen);
  if (taken->number != TAKEN) rt_fatal(RT_END_VIOLATION, "what was taken out is lost");
}

/* Marking is over and the heap is in order; the writer may be anywhere. */
static void end_run(struct gc_mutator *self, void *arg) {
  (void)self, (void)arg;
  if (g.is_written) check();
  plat_model_finish_run();
}

/* ---- the program ----------------------------------------------------------------------------- */

static void fill(struct thread *t) {
  g.type = map_type_new(MAP_KEY_U64, 8, MAP_ELEM_POINTER, 8, 1);
  g.large.size = 2 * map_type_bucket_bytes(g.type);
  gc_type_register(&g.large);
  gc_type_register(&g.node);
  map_type_set_faults(g.type, g.now.map_faults);
  gc_frame_push(thread_mu(t), &g.frame, g.own, OWN);
  g.own[MAP] = map_new(&t->g, g.type, 0);
  for (uint64_t key = 0; key < GROWTH_FULL; key++) {
    if (has_node(key))
      put_new(t, key);
    else
      put(t, key, NULL);
  }
}

/* So that the heap has memory for such objects and need not look for some: for nodes the P itself,
 * for buckets not. */
static void provide(struct thread *t) {
  gc_alloc(thread_mu(t), &g.large);
  gc_cache_flush(&t->p);
  gc_alloc(thread_mu(t), &g.node);
}

static void configure(struct gc_config *c) {
  gc_config_default(c);
  c->check = true;
  c->gogc = -1;
  c->assist = g.now.assists;
  c->wb_entries = g.now.wb_entries != 0 ? g.now.wb_entries : GROWTH_WB_ENTRIES;
  c->late_work = g.now.late_work;
  c->faults = g.now.gc_faults;
}

static int run(void *arg) {
  struct gc_config config;
  (void)arg;
  configure(&config);
  if (!threads_begin(&config, GROWTH_THREADS)) return 1;
  struct thread *collector = threads_at(COLLECTOR), *writer = threads_at(WRITER);
  threads_enter(writer);
  fill(writer);
  threads_leave(writer);
  threads_enter(collector);
  threads_collect(collector); /* so that what a collection needs for the first time is there */
  threads_leave(collector);
  threads_enter(writer);
  provide(writer);
  threads_leave(writer);
  threads_enter(collector);
  threads_begin_cycle(collector);
  threads_leave(collector);
  gc_set_check_hook(end_run, NULL);
  threads_start(WRITER, "writer", write);
  threads_start(COLLECTOR, "collector", threads_mark);
  plat_model_mark();
  threads_join(); /* not before marking is over */
  return 1;
}

void growth_prepare(const struct growth_case *c) {
  int status;
  g.now = *c;
  if (!plat_model_prepare(run, NULL, &status)) rt_die("the program has ended before its mark");
}

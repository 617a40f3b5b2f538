/* Making and ending goroutines; the table of all of them. */
#include "runtime/check.h"
#include "runtime/meta.h"
#include "sched/gmp.h"

enum {
  FREE_LOCAL_MAX = 64,
  FREE_LOCAL_KEEP = 32,
  TRIM_KEEP = 256,  /* dead goroutines whose stacks stay as they are, ready for use */
  TRIM_MAX = 1024   /* stacks given back at a time */
};

/* At the top of a goroutine's stack, above its first C frame: the root of its heap argument. */
struct start_frame {
  struct gc_frame frame;
  void *slot;
};
enum { START_BYTES = (sizeof(struct start_frame) + 15) / 16 * 16 };

/* ---- the table ------------------------------------------------------------------------------- */

/* Chunk k begins at index GO_G_CHUNK * (2^k - 1). */
static uint32_t chunk_of(uint64_t index) {
  return 63u - (uint32_t)__builtin_clzll(index / GO_G_CHUNK + 1);
}

static uint64_t chunk_start(uint32_t chunk) { return GO_G_CHUNK * ((1ULL << chunk) - 1); }

struct go_g *go_g_at(uint64_t index) {
  uint32_t chunk = chunk_of(index);
  rt_assert(chunk < GO_G_CHUNKS);
  struct go_g *base = at_ptr_load_acquire(&go_sched.all_chunk[chunk]); /* pairs with g_make */
  return base + (index - chunk_start(chunk));
}

/* A goroutine nobody has used yet, or left over from an earlier run. */
static struct go_g *g_make(void) {
  plat_mutex_lock(&go_sched.all_lock);
  uint64_t index = at_u64_load_relaxed(&go_sched.all_count); /* only changed under this lock */
  uint32_t chunk = chunk_of(index);
  if (chunk >= GO_G_CHUNKS)
    rt_fatal(RT_END_NOMEM, "more than %llu goroutines", (unsigned long long)index);
  if (at_ptr_load_relaxed(&go_sched.all_chunk[chunk]) == NULL) {
    struct go_g *room = rt_meta_alloc(sizeof(struct go_g) * (GO_G_CHUNK << chunk), PLAT_CACHE_LINE);
    at_ptr_store_release(&go_sched.all_chunk[chunk], room); /* pairs with go_g_at */
  }
  struct go_g *g = go_g_at(index);
  at_u32_store_release(&g->status, GO_DEAD); /* pairs with try_hold: no frames */
  g->stack_low = go_stack_alloc();
  g->stack_bytes = go_stack_bytes();
  at_u64_store_release(&go_sched.all_count, index + 1); /* pairs with stacks_count */
  plat_mutex_unlock(&go_sched.all_lock);
  return g;
}

void go_g_forget_all(void) {
  uint64_t count = at_u64_load_relaxed(&go_sched.all_count); /* no other thread runs */
  for (uint64_t i = 0; i < count; i++) {
    struct go_g *g = go_g_at(i);
    if (at_u32_load_relaxed(&g->status) != GO_DEAD) ctx_finish(&g->ctx);
    memset(g, 0, sizeof *g);
  }
  at_u64_store_relaxed(&go_sched.all_count, 0);
}

/* ---- free lists ------------------------------------------------------------------------------ */

/* After every change of the two lists. */
static void free_changed_locked(void) {
  if (go_sched.free.count < go_sched.free_low) go_sched.free_low = go_sched.free.count;
  uint64_t count = go_sched.free.count + go_sched.free_clean.count;
  at_u64_store_relaxed(&go_sched.free_count, count); /* a hint for readers */
}

static void free_refill(struct go_p *p) {
  if (at_u64_load_relaxed(&go_sched.free_count) == 0) return; /* a hint */
  plat_mutex_lock(&go_sched.lock);
  while (p->free.count < FREE_LOCAL_KEEP) {
    struct go_g *g = go_list_pop(&go_sched.free);
    if (g == NULL) g = go_list_pop(&go_sched.free_clean);
    if (g == NULL) break;
    go_list_unshift(&p->free, g);
  }
  free_changed_locked();
  plat_mutex_unlock(&go_sched.lock);
}

static void free_spill(struct go_p *p) {
  plat_mutex_lock(&go_sched.lock);
  while (p->free.count > FREE_LOCAL_KEEP)
    go_list_unshift(&go_sched.free, go_list_pop(&p->free));
  free_changed_locked();
  plat_mutex_unlock(&go_sched.lock);
}

/* Some of those that have lain in the free list since the last time. */
static struct go_list take_idle(void) {
  struct go_list idle = {0};
  plat_mutex_lock(&go_sched.lock);
  uint64_t n = go_sched.free_low > TRIM_KEEP ? go_sched.free_low - TRIM_KEEP : 0;
  if (n > TRIM_MAX) n = TRIM_MAX;
  while (idle.count < n) go_list_push(&idle, go_list_pop(&go_sched.free));
  go_sched.free_low = go_sched.free.count;
  free_changed_locked();
  plat_mutex_unlock(&go_sched.lock);
  return idle;
}

void go_g_trim(void) {
  if (at_u64_load_relaxed(&go_sched.free_count) <= TRIM_KEEP) return; /* a hint */
  struct go_list idle = take_idle();
  for (struct go_g *g = idle.head; g != NULL; g = g->next)
    plat_vm_decommit(g->stack_low, g->stack_bytes);
  plat_mutex_lock(&go_sched.lock);
  go_list_append(&go_sched.free_clean, &idle);
  free_changed_locked();
  plat_mutex_unlock(&go_sched.lock);
}

void go_g_free(struct go_p *p, struct go_g *g) {
  rt_assert(at_u32_load_relaxed(&g->status) == GO_DEAD);
  plat_unpoison(g->stack_low, g->stack_bytes);
  go_list_unshift(&p->free, g);
  if (p->free.count >= FREE_LOCAL_MAX) free_spill(p);
}

/* ---- making ---------------------------------------------------------------------------------- */

static struct start_frame *start_of(struct go_g *g) {
  return (struct start_frame *)(void *)(g->stack_low + g->stack_bytes - START_BYTES);
}

/* First function on every goroutine's stack. */
static void g_main(void *arg) {
  struct go_g *g = arg;
  go_first_arrival(g);
  if (g->system_fn != NULL)
    g->system_fn(&g->mu, g->arg);
  else
    g->fn(g, g->arg, start_of(g)->slot);
  rt_assert(g->mu.no_preempt == 0);
  rt_assert(g->mu.frames == &start_of(g)->frame);
  gc_frame_pop(&g->mu, &start_of(g)->frame);
  gc_mutator_exit(&g->mu);
  go_switch_out_last(g, go_after_exit);
}

struct go_g *go_g_new(struct go_p *p, const char *name) {
  if (p->free.head == NULL) free_refill(p);
  struct go_g *g = go_list_pop(&p->free);
  if (g == NULL) g = g_make();
  rt_assert(at_u32_load_relaxed(&g->status) == GO_DEAD);
  g->name = name;
  g->fn = NULL;
  g->system_fn = NULL;
  g->arg = NULL;
  g->why = NULL;
  g->ready_ns = 0;
  g->blocked_ticks = 0;
  g->park_counts = false;
  at_u32_store_relaxed(&g->suspend_wanted, 0); /* nobody suspends the dead */
  at_u32_store_relaxed(&g->p_hint, 0);
  g->mu = (struct gc_mutator){.id = at_u64_add_relaxed(&go_sched.next_id, 1) + 1};
  gc_mutator_init(&g->mu);
  return g;
}

void go_g_prepare(struct go_g *g, struct gc_mutator *spawner, void *heap_arg) {
  struct start_frame *start = start_of(g);
  start->slot = heap_arg;
  gc_frame_push(&g->mu, &start->frame, &start->slot, 1);
  ctx_init(&g->ctx, g->stack_low, g->stack_bytes - START_BYTES, g_main, g);
  at_ptr_store_release(&g->saved_sp, g->ctx.sp); /* pairs with go_each_suspended_stack */
  if (spawner != NULL && heap_arg != NULL) gc_shade_handover(spawner, heap_arg);
  go_stamp_ready(g);
  at_u32_store_release(&g->status, GO_RUNNABLE); /* pairs with go_suspend and execute */
}

static struct go_g *spawn(struct go_g *self, struct go_g *g, void *heap_arg) {
  struct go_p *p = go_p_of(self);
  go_g_prepare(g, &self->mu, heap_arg);
  go_count(&p->created);
  go_emit(p, EV_go_create, self, g->mu.id, 0);
  go_enqueue(p, g, true);
  go_wake_idle();
  return g;
}

struct go_g *go_spawn(struct go_g *g, const char *name, go_fn *fn, void *arg, void *heap_arg) {
  rt_assert(fn != NULL);
  struct go_g *made = go_g_new(go_p_of(g), name);
  made->fn = fn;
  made->arg = arg;
  spawn(g, made, heap_arg);
  gc_poll(&g->mu);
  return made;
}

struct gc_mutator *go_spawn_system(struct gc_mutator *self, const char *name,
                                   void (*fn)(struct gc_mutator *, void *), void *arg) {
  struct go_g *g = go_from_mu(self);
  struct go_g *made = go_g_new(go_p_of(g), name);
  made->mu.is_system = true;
  made->system_fn = fn;
  made->arg = arg;
  return go_mu(spawn(g, made, NULL));
}

/* ---- ending ---------------------------------------------------------------------------------- */

/* Main has returned: every thread leaves at its next scheduling decision. */
static void begin_shutdown(void) {
  plat_mutex_lock(&go_sched.lock);
  at_u32_store_seq(&go_sched.shutdown, 1); /* pairs with every reader of shutdown */
  struct go_m *idle = go_sched.idle_m;
  go_sched.idle_m = NULL;
  go_sched.idle_m_count = 0;
  plat_mutex_unlock(&go_sched.lock);
  while (idle != NULL) {
    struct go_m *m = idle;
    idle = m->idle_next;
    m->idle_next = NULL;
    plat_note_wake(&m->note);
  }
  go_preempt_all();
  plat_note_wake(&go_sched.timer_note);
  plat_note_wake(&go_sched.sysmon_note);
}

void go_after_exit(struct go_m *m, struct go_g *g) {
  bool is_main = g == go_g_at(0);
  go_emit(m->p, EV_go_exit, g, g->mu.id, 0);
  ctx_finish(&g->ctx);
  at_ptr_store_release(&g->saved_sp, NULL); /* pairs with go_each_suspended_stack */
  at_u32_store_release(&g->status, GO_DEAD); /* pairs with go_suspend */
  if (is_main)
    begin_shutdown();
  else
    go_g_free(m->p, g);
}

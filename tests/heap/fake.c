#include "fake.h"

#include <stdlib.h>

#include "runtime/meta.h"

struct fake fake;

/* ---- hooks: some tests have several threads -------------------------------------------------- */

void gc_hook_assist(struct gc_mutator *mu) {
  __atomic_add_fetch(&fake.assists, 1, __ATOMIC_RELAXED);
  mu->assist_bytes += fake.assist_grant;
}

void gc_hook_allocated_black(struct gc_p *p, uint64_t bytes) {
  (void)p;
  __atomic_add_fetch(&fake.black_bytes, bytes, __ATOMIC_RELAXED);
}

void gc_hook_update(struct gc_p *p, uint64_t scan_bytes) {
  (void)p;
  __atomic_add_fetch(&fake.updates, 1, __ATOMIC_RELAXED);
  __atomic_add_fetch(&fake.scan_bytes, scan_bytes, __ATOMIC_RELAXED);
}

bool gc_hook_emergency(struct gc_mutator *mu, uint64_t *live_bytes) {
  (void)mu, (void)live_bytes;
  return false;
}

bool gc_hook_trigger(void) {
  return fake.trigger;
}

void gc_hook_start(struct gc_mutator *mu) {
  fake.starts++;
  if (fake.on_start != NULL) fake.on_start(mu);
}

void gc_hook_swept(struct gc_p *p) {
  (void)p;
  __atomic_add_fetch(&fake.swept_calls, 1, __ATOMIC_RELAXED);
}

void gc_store_slow(struct gc_mutator *mu, void **slot, void *value) {
  (void)mu, (void)slot, (void)value;
  abort();
}

void gc_store_bulk_slow(struct gc_mutator *mu, void **slot, void *value) {
  gc_store_slow(mu, slot, value);
}

/* ---- world ----------------------------------------------------------------------------------- */

static uint32_t procs(void) {
  return FAKE_PROCS;
}
static struct gc_p *p_at(uint32_t index) {
  return &fake.p[index];
}

static void safepoint(struct gc_mutator *self) {
  fake.safepoints++;
  if (fake.on_safepoint != NULL) fake.on_safepoint(self);
}

static void ready(struct gc_mutator *self, struct gc_mutator *target, bool next) {
  (void)self, (void)target, (void)next;
  fake.readied++;
}

static const struct gc_world_ops ops = {
    .procs = procs, .p_at = p_at, .safepoint = safepoint, .ready = ready};

void fake_begin(const struct gc_config *config) {
  struct gc_config c;
  gc_config_default(&c);
  if (config != NULL) c = *config;
  memset(&fake, 0, sizeof fake);
  gc_world = &ops;
  assert_int_equal(gc_heap_init(&c), RT_OK);
  for (uint32_t i = 0; i < FAKE_PROCS; i++) {
    fake.p[i].index = i;
    gc_cache_init(&fake.p[i]);
    fake.mu[i].p = &fake.p[i];
    fake.mu[i].id = i + 1;
  }
}

void fake_end(void) {
  for (uint32_t i = 0; i < FAKE_PROCS; i++) gc_cache_finish(&fake.p[i]);
  gc_heap_check_stw();
  at_u32_store_relaxed(&gc_flags.blacken_on, 0);
  gc_heap_finish();
}

int fake_setup(void **state) {
  (void)state;
  fake_begin(NULL);
  return 0;
}

int fake_teardown(void **state) {
  (void)state;
  fake_end();
  return 0;
}

struct gc_type *fake_type(uint32_t size, uint64_t mask) {
  struct gc_type *t = rt_meta_alloc(sizeof *t, 8); /* types live as long as the process */
  uint64_t *words = rt_meta_alloc(sizeof *words, 8);
  *words = mask;
  *t = (struct gc_type){.name = "test", .size = size, .mask = mask != 0 ? words : NULL};
  if (mask != 0) t->ptrdata = 8 * (64 - (uint32_t)__builtin_clzll(mask));
  gc_type_register(t);
  return t;
}

/* ---- cycles ---------------------------------------------------------------------------------- */

struct gc_span *fake_span(const void *object) {
  struct gc_span *span = gc_find_span((uintptr_t)object);
  assert_non_null(span);
  return span;
}

uint32_t fake_index(const void *object) {
  struct gc_span *span;
  uint32_t index = 0;
  assert_true(gc_find_object((uintptr_t)object, &span, &index));
  return index;
}

bool fake_mark(const void *address) {
  struct gc_span *span = fake_span(address);
  bool is_new = gc_mark_test_and_set(span, fake_index(address));
  gc_page_mark(span);
  return is_new;
}

void fake_cycle_begin(void) {
  gc_sweep_finish_stw(&fake.p[0]);
  gc_page_marks_clear();
}

void fake_cycle_end(uint64_t marked_bytes, bool prepare) {
  gc_heap_reset_live_stw(marked_bytes);
  gc_sweep_start_stw();
  gc_sweep_block();
  if (prepare)
    for (uint32_t i = 0; i < FAKE_PROCS; i++) gc_cache_prepare(&fake.p[i]);
  gc_sweep_unblock(&fake.p[0]);
}

void fake_sweep_all(void) {
  while (gc_sweep_one(&fake.p[0]) != GC_SWEEP_NONE) continue;
  assert_true(gc_sweep_is_done());
}

void fake_marking(bool on) {
  at_u32_store_relaxed(&gc_flags.blacken_on, on);
  for (uint32_t i = 0; i < FAKE_PROCS; i++) {
    if (on)
      at_u32_or_acqrel(&fake.p[i].attention, GC_ATTN_MARK);
    else
      at_u32_and_acqrel(&fake.p[i].attention, ~(uint32_t)GC_ATTN_MARK);
  }
}

uint64_t fake_count(const struct at_u64 *counter) {
  return at_u64_load_relaxed(counter);
}

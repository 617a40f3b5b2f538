#include "gc/concurrent/wb.h"

#include "gc/concurrent/mark.h"
#include "gc/concurrent/state.h"
#include "gc/concurrent/worker.h"
#include "gc/hooks.h"
#include "runtime/event.h"
#include "runtime/meta.h"

enum { MIN_ADDRESS = 4096 }; /* nothing below is an object: nil, small integers */

struct gc_wb_buffer *gc_wb_new(uint32_t entries) {
  uint32_t capacity = entries == 0 ? 2 : 2 * entries;
  uint32_t beyond = gc_has_fault(GC_FAULT_BUFFER_OVERRUN) ? 2 : 0;
  struct gc_wb_buffer *b =
      rt_meta_alloc(sizeof *b + (capacity + beyond) * sizeof b->word[0], PLAT_CACHE_LINE);
  b->capacity = capacity;
  return b;
}

/* How many words a flush reads. */
static uint32_t words_to_flush(struct gc_wb_buffer *b) {
  if (plat_unlikely(b->next > b->capacity)) return b->capacity; /* buffer-overrun */
  if (gc_has_fault(GC_FAULT_RESET_BEFORE_DRAIN)) b->next = 0;
  return b->next;
}

/* The buffer that p records in. */
static struct gc_wb_buffer *buffer_of(const struct gc_p *p) {
  return gc_has_fault(GC_FAULT_BUFFER_NEXT_SHARED) ? gc_world->p_at(0)->wb : p->wb;
}

bool gc_wb_flush(struct gc_p *p) {
  struct gc_wb_buffer *b = buffer_of(p);
  struct gc_worker *w = p->work;
  uint32_t words = words_to_flush(b);
  if (words == 0) return false;
  rt_assert(gc_phase() == GC_PHASE_MARK);
  uint32_t kept = 0;
  uint64_t marked = 0;
  for (uint32_t i = 0; i < words; i++) {
    struct gc_span *span;
    uint32_t index;
    uintptr_t addr = b->word[i];
    if (addr < MIN_ADDRESS || !gc_find_object(addr, &span, &index)) continue;
    if (!gc_mark_test_and_set(span, index)) continue;
    gc_page_mark(span);
    marked++;
    if (gc_span_is_noscan(span)) {
      w->bytes_marked += span->elem_bytes;
    } else {
      b->word[kept++] = gc_span_object(span, index);
    }
  }
  plat_charge(PLAT_COST_mark_object, marked);
  bool pushed = gc_work_put_batch(w, b->word, kept);
  b->next = 0;
  at_u64_add_relaxed(&w->wb_flushes, 1);
  at_u64_add_relaxed(&w->wb_entries, words / 2);
  ev_emit(p->index, EV_gc_wb_flush, 0, words, marked);
  return pushed;
}

/* Flush on behalf of a running goroutine; tells other workers. */
static void flush_slow(struct gc_p *p) {
  if (gc_wb_flush(p)) gc_worker_enlist(p);
}

/* Which of the two values of a store the barrier shades now. */
static bool shades_new(const struct gc_barrier *row) {
  if (!row->shade_new) return false;
  if (!row->new_until_roots_done) return true;
  uint64_t jobs = gc_mark_root_jobs();
  /* pairs with gc_mark_root_job(): that root is black */
  return at_u64_load_acquire(&gc_cc.roots_done) < jobs;
}

/* safepoint-between-barrier-and-store takes stores here at all times. */
static bool is_off(void) {
  return gc_has_fault(GC_FAULT_SAFEPOINT_IN_STORE) && gc_phase() == GC_PHASE_OFF;
}

static void record(struct gc_p *p, uintptr_t first, uintptr_t second) {
  struct gc_wb_buffer *b = p->wb;
  if (plat_unlikely(is_off())) return;
  rt_assert_hot(b->next + 2 <= b->capacity);
  b->word[b->next] = first;
  b->word[b->next + 1] = second;
  b->next += 2;
  if (plat_unlikely(b->next == b->capacity)) flush_slow(p);
}

/* ---- the barrier with faults ---------------------------------------------------------------- */

/* buffer-next-shared: two that read the same count overwrite each other's record. */
static void record_shared(struct gc_p *p, uintptr_t first, uintptr_t second) {
  struct gc_wb_buffer *b = buffer_of(p);
  uint32_t next = plat_ld(&b->next);
  if (next + 2 > b->capacity) {
    flush_slow(p);
    next = 0;
  }
  b->word[next] = first;
  b->word[next + 1] = second;
  plat_st(&b->next, next + 2);
}

/* buffer-overrun: full is noticed one record too late. */
static void record_beyond(struct gc_p *p, uintptr_t first, uintptr_t second) {
  struct gc_wb_buffer *b = p->wb;
  b->word[b->next] = first;
  b->word[b->next + 1] = second;
  b->next += 2;
  if (b->next > b->capacity) flush_slow(p);
}

static void record_faulty(struct gc_p *p, uintptr_t first, uintptr_t second) {
  if (gc_has_fault(GC_FAULT_BUFFER_NEXT_SHARED))
    record_shared(p, first, second);
  else if (gc_has_fault(GC_FAULT_BUFFER_OVERRUN))
    record_beyond(p, first, second);
  else
    record(p, first, second);
}

static void store_faulty(struct gc_mutator *mu, void **slot, void *value) {
  const struct gc_barrier *row = gc_cc.barrier;
  bool hides = gc_has_fault(GC_FAULT_INSERTION_MISSING) ||
               (gc_has_fault(GC_FAULT_PUBLISH_WITHOUT_MARKING) && !mu->stack_scanned);
  bool forgets = gc_has_fault(GC_FAULT_DELETION_MISSING);
  if (gc_has_fault(GC_FAULT_STORE_BEFORE_SHADE)) plat_slot_store(slot, value);
  uintptr_t new_value = shades_new(row) && !hides ? (uintptr_t)value : 0;
  uintptr_t old_value = row->shade_old && !forgets ? (uintptr_t)plat_slot_load(slot) : 0;
  record_faulty(mu->p, new_value, old_value);
  if (gc_has_fault(GC_FAULT_SAFEPOINT_IN_STORE)) gc_poll(mu);
}

/* ---- the barrier ---------------------------------------------------------------------------- */

/* F4.4: new value first. nil and foreign values are recorded too; the flush filters. */
void gc_store_slow(struct gc_mutator *mu, void **slot, void *value) {
  const struct gc_barrier *row = gc_cc.barrier;
  if (plat_unlikely(gc_cc.config.faults != 0)) {
    store_faulty(mu, slot, value);
    return;
  }
  uintptr_t new_value = shades_new(row) ? (uintptr_t)value : 0;
  uintptr_t old_value = row->shade_old ? (uintptr_t)plat_slot_load(slot) : 0;
  record(mu->p, new_value, old_value);
}

/* F4.4: in copies and clears the old value comes first. */
void gc_store_bulk_slow(struct gc_mutator *mu, void **slot, void *value) {
  const struct gc_barrier *row = gc_cc.barrier;
  uintptr_t old_value = row->shade_old ? (uintptr_t)plat_slot_load(slot) : 0;
  uintptr_t new_value = shades_new(row) ? (uintptr_t)value : 0;
  record(mu->p, old_value, new_value);
}

void gc_shade_handover(struct gc_mutator *mu, void *value) {
  if (at_u32_load_relaxed(&gc_flags.barrier_on) == 0) return; /* written in a stop */
  if (shades_new(gc_cc.barrier)) record(mu->p, 0, (uintptr_t)value);
}

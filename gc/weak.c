#include "gc/weak.h"

#include "gc/heap_int.h"
#include "runtime/lockrank.h"
#include "runtime/meta.h"

enum { BLOCK_RECORDS = 64 };

struct gc_weak_record {
  uintptr_t object;             /* base of its slot; 0: the record is free */
  struct gc_weak_handle *handle;
  struct gc_weak_record *next;  /* of the same span, or of the free ones */
};

struct block {
  struct block *next;
  struct gc_weak_record record[BLOCK_RECORDS];
};

static PLAT_STATE struct {
  struct plat_mutex lock; /* protects everything here, and the chains of all spans */
  struct block *first, *last;
  struct gc_weak_record *free;
  struct at_u64 blocks;   /* written under the lock; only grows */
} weak;

void gc_weak_init(void) {
  memset(&weak, 0, sizeof weak);
  plat_mutex_init(&weak.lock, RT_RANK_WEAK, "weak pointers");
}

/* ---- records --------------------------------------------------------------------------------- */

static void add_block_locked(void) {
  struct block *b = rt_meta_alloc(sizeof *b, PLAT_CACHE_LINE);
  for (uint32_t i = BLOCK_RECORDS; i-- > 0;) {
    b->record[i].next = weak.free;
    weak.free = &b->record[i];
  }
  if (weak.last != NULL) weak.last->next = b;
  if (weak.last == NULL) weak.first = b;
  weak.last = b;
  at_u64_add_relaxed(&weak.blocks, 1); /* read in a stop */
}

static struct gc_weak_record *find_locked(struct gc_span *span, uintptr_t object) {
  rt_assert(plat_mutex_held(&weak.lock));
  struct gc_weak_record *r = at_ptr_load_relaxed(&span->weak); /* written under the lock */
  while (r != NULL && r->object != object) r = r->next;
  return r;
}

struct gc_weak_handle *gc_weak_find(struct gc_span *span, uintptr_t object) {
  plat_mutex_lock(&weak.lock);
  const struct gc_weak_record *r = find_locked(span, object);
  struct gc_weak_handle *handle = r != NULL ? r->handle : NULL;
  plat_mutex_unlock(&weak.lock);
  return handle;
}

struct gc_weak_handle *gc_weak_find_or_add(struct gc_span *span, uintptr_t object,
                                           struct gc_weak_handle *fresh) {
  plat_mutex_lock(&weak.lock);
  struct gc_weak_record *r = find_locked(span, object);
  if (r == NULL) {
    if (weak.free == NULL) add_block_locked();
    r = weak.free;
    weak.free = r->next;
    *r = (struct gc_weak_record){object, fresh, at_ptr_load_relaxed(&span->weak)};
    at_ptr_store_relaxed(&span->weak, r); /* contents are read under the lock */
  }
  struct gc_weak_handle *handle = r->handle;
  plat_mutex_unlock(&weak.lock);
  return handle;
}

/* ---- sweeping -------------------------------------------------------------------------------- */

/* The rest of a chain without the records of unmarked objects. */
static struct gc_weak_record *drop_dead_locked(const struct gc_span *span,
                                               struct gc_weak_record *chain) {
  struct gc_weak_record *kept = NULL;
  for (struct gc_weak_record *r = chain, *next; r != NULL; r = next) {
    next = r->next;
    if (gc_is_marked(span, gc_span_index(span, r->object))) {
      r->next = kept;
      kept = r;
      continue;
    }
    at_u64_store_release(&r->handle->target, 0); /* pairs with gc_weak_get() */
    *r = (struct gc_weak_record){0, NULL, weak.free};
    weak.free = r;
  }
  return kept;
}

void gc_weak_sweep(struct gc_span *span) {
  /* Who adds one meanwhile does so for a live object. */
  if (plat_likely(at_ptr_load_relaxed(&span->weak) == NULL)) return;
  plat_mutex_lock(&weak.lock);
  at_ptr_store_relaxed(&span->weak, drop_dead_locked(span, at_ptr_load_relaxed(&span->weak)));
  plat_mutex_unlock(&weak.lock);
}

/* ---- all of them ----------------------------------------------------------------------------- */

uint64_t gc_weak_blocks(void) { return at_u64_load_relaxed(&weak.blocks); /* only grows */ }

void gc_weak_each(uint64_t block, gc_weak_visitor *visit, void *arg) {
  plat_mutex_lock(&weak.lock);
  const struct block *b = weak.first;
  for (; block > 0; block--) b = b->next;
  for (uint32_t i = 0; i < BLOCK_RECORDS; i++)
    if (b->record[i].object != 0) visit(b->record[i].handle, arg);
  plat_mutex_unlock(&weak.lock);
}

static bool is_allocated(uintptr_t object) {
  struct gc_span *span;
  uint32_t index;
  return gc_find_object(object, &span, &index) && gc_span_object(span, index) == object &&
         gc_span_slot_is_allocated(span, index);
}

static void check_record(const struct gc_weak_record *r) {
  const char *wrong = NULL;
  if (!is_allocated(r->object)) wrong = "an object that is free";
  else if (!is_allocated((uintptr_t)r->handle)) wrong = "a handle that is free";
  else if (at_u64_load_relaxed(&r->handle->target) != r->object) wrong = "another's handle";
  if (wrong != NULL)
    rt_fatal(RT_END_VIOLATION, "weak pointer to heap+0x%llx: its record has %s",
             (unsigned long long)(r->object - gc_heap.base), wrong);
}

void gc_weak_check_stw(void) {
  for (const struct block *b = weak.first; b != NULL; b = b->next)
    for (uint32_t i = 0; i < BLOCK_RECORDS; i++)
      if (b->record[i].object != 0) check_record(&b->record[i]);
}

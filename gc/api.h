/* The heap as a mutator sees it: allocate, load and store pointers, safepoint, roots.
 *
 * All inline fast paths live here; each falls through to a _slow function of the collector that
 * was linked in (gc/concurrent, gc/boehm, gc/none).
 *
 * INV gc.root: at every safepoint, every object the goroutine will still use is reachable from
 * its frames, from a global root or from another live object. A raw object pointer in a C local
 * does not survive a safepoint by itself. Every allocation is a safepoint; so are gc_poll, parking
 * and yielding. gc_store, gc_load, gc_copy and gc_clear are not.
 * Checked by: gc_verify_heap() in checking mode (poisoned memory, marks against reachability).
 */
#ifndef GC_API_H
#define GC_API_H

#include <string.h>

#include "gc/type.h"
#include "runtime/check.h"
#include "runtime/plat.h"
#include "runtime/rng.h"

struct gc_span;
struct gc_wb_buffer;
struct gc_worker;
struct gc_p_heap;

enum { GC_SPAN_CLASSES = 136 };

/* Bits of gc_p.attention: why the inline paths of this P must take the slow path. */
enum {
  GC_ATTN_POLL = 1, /* someone wants this P at a safepoint (stop, ragged barrier, preemption) */
  GC_ATTN_MARK = 2  /* marking: allocation charges assists and allocates black */
};

/* What one P may allocate from one span without asking: up to 64 slots, already zeroed.
 * Owned by the P; other threads touch it only while the P is stopped. */
struct gc_cache_slot {
  uint64_t bits;        /* bit i: slot i of the group is free; 0: take the slow path */
  char *group_base;     /* address of slot 0 of the group */
  uint16_t *types;      /* type column of the group (a scratch column in pointer-free spans) */
  uint32_t elem_bytes;
  uint32_t group_index; /* span slot number of slot 0 of the group */
  struct gc_span *span; /* NULL: nothing cached */
};

/* The collector's part of a P. Owned by whoever runs on the P; remote threads only set
 * attention bits, or act on a stopped or idle P. */
struct gc_p {
  struct at_u32 attention;
  uint32_t index;           /* 0..procs-1 */
  uint64_t scan_alloc;      /* scannable bytes allocated since the last flush (F2.2.4) */
  uintptr_t tiny;           /* current tiny block or 0 (F2.3) */
  uint32_t tiny_offset;
  uint64_t tiny_allocs;     /* tiny allocations since the last flush */
  uint64_t fastrand;        /* wyrand state (F0.6) */
  struct gc_wb_buffer *wb;  /* write-barrier buffer; NULL: this collector has none */
  struct gc_p_heap *heap;   /* page cache and sweep state (gc/heap_int.h); NULL: not our heap */
  struct gc_worker *work;   /* grey work and the mark statistics of this P; NULL: none */
  uint64_t private_words[8];/* the linked collector's own small state; zeroed by gc_p_init */
  struct gc_cache_slot cache[GC_SPAN_CLASSES]; /* [0] is never filled: fast_class 0 is slow */
};

/* One scope of root slots on a goroutine's C stack, linked innermost first. */
struct gc_frame {
  struct gc_frame *prev;
  void **slots;
  uint64_t count;
};

/* The collector's part of a goroutine; the first member of struct go_g. */
struct gc_mutator {
  struct gc_p *p;          /* the P it runs on; NULL while it does not run */
  struct gc_frame *frames; /* innermost root scope */
  int64_t assist_bytes;    /* allocation credit (positive) or debt (negative), bytes */
  uint64_t id;             /* goroutine number, 1.. */
  uint32_t no_preempt;     /* > 0: no safepoint may happen and no assist is due */
  bool is_system;          /* mark worker, sweeper: never assists, not a user goroutine */
  bool stack_scanned;      /* its frames are black in this cycle */
  struct gc_mutator *queue_next; /* link of the one queue it waits in (semaphore, assists) */
};

/* Process-wide switches every fast path may read. Written only while the world is stopped. */
struct gc_flags {
  struct at_u32 barrier_on;   /* pointer stores take gc_store_slow first */
  struct at_u32 blacken_on;   /* marking: assists, black allocation */
  struct at_u32 switch_hooks; /* the collector must see every stack switch (Boehm) */
};
extern PLAT_STATE struct gc_flags gc_flags;

/* ---- allocation ------------------------------------------------------------------------- */

/* Out-of-line halves, bound at link time. Zeroed memory, never NULL (out of memory ends the run:
 * RT_END_NOMEM or RT_END_CAP). Safepoints. The result is not yet rooted. */
void *gc_alloc_slow(struct gc_mutator *mu, const struct gc_type *t, uint64_t count);
void *gc_alloc_bytes_slow(struct gc_mutator *mu, uint64_t bytes);

/* One zeroed value of type t. */
static inline void *gc_alloc(struct gc_mutator *mu, const struct gc_type *t) {
  struct gc_p *p = mu->p;
  struct gc_cache_slot *c = &p->cache[t->fast_class];
  uint64_t bits = c->bits;
  if (plat_unlikely(bits == 0 || at_u32_load_relaxed(&p->attention) != 0))
    return gc_alloc_slow(mu, t, 1);
  unsigned slot = (unsigned)__builtin_ctzll(bits);
  c->bits = bits & (bits - 1);
  c->types[slot] = t->id;
  p->scan_alloc += t->ptrdata;
  plat_charge(PLAT_COST_alloc, 1);
  at_fence_publish();
  return c->group_base + (size_t)slot * c->elem_bytes;
}

/* count consecutive zeroed values of type t (count >= 1). */
static inline void *gc_alloc_array(struct gc_mutator *mu, const struct gc_type *t,
                                   uint64_t count) {
  return gc_alloc_slow(mu, t, count);
}

/* What every allocation of zero bytes returns; not a heap object. */
void *gc_zero_size_object(void);

/* bytes zeroed, pointer-free bytes; 0 gives a fixed address that is no heap object. */
static inline void *gc_alloc_bytes(struct gc_mutator *mu, uint64_t bytes) {
  return gc_alloc_bytes_slow(mu, bytes);
}

/* ---- pointers ----------------------------------------------------------------------------- */

/* Records the store for the marker; does not store. Not a safepoint. Bound at link time. */
void gc_store_slow(struct gc_mutator *mu, void **slot, void *value);

/* *slot = value, where slot lies in a heap object or a registered global. */
static inline void gc_store(struct gc_mutator *mu, void **slot, void *value) {
  if (plat_unlikely(at_u32_load_relaxed(&gc_flags.barrier_on) != 0))
    gc_store_slow(mu, slot, value);
  plat_slot_store(slot, value);
}

/* The same for one word of a bulk copy or clear: records the old value before the new (F4.4). */
void gc_store_bulk_slow(struct gc_mutator *mu, void **slot, void *value);

static inline void *gc_load(void **slot) { return plat_slot_load(slot); }

/* Copies one T, with barriers on its pointer words; dst and src do not overlap (or are equal:
 * nothing happens). dst is a heap object's T; src a heap object's T or plain memory. F4.12. */
void gc_copy(struct gc_mutator *mu, const struct gc_type *t, void *dst, const void *src);

/* Clears the bytes [first, first + bytes) of the T at dst, with barriers. Multiples of 8. */
void gc_clear(struct gc_mutator *mu, const struct gc_type *t, void *dst, uint32_t first,
              uint32_t bytes);

/* Shades a value that is about to become reachable only from another goroutine's frames (a
 * channel hand-over, a new goroutine's argument), as a heap store of it would. */
void gc_shade_handover(struct gc_mutator *mu, void *value);

/* ---- weak pointers ------------------------------------------------------------------------ */

/* The handle of a heap object: a heap object itself, which does not keep the other alive. Some
 * collectors give every call one of its own. Object is rooted by the caller. A safepoint; the
 * result is not yet rooted. */
void *gc_weak_make(struct gc_mutator *mu, void *object);

/* The object of a handle, or NULL once the collector has found it unreachable. A safepoint, may
 * park; the result is not yet rooted. Not with no_preempt > 0. */
void *gc_weak_get(struct gc_mutator *mu, void *handle);

/* ---- safepoints and roots ----------------------------------------------------------------- */

void gc_poll_slow(struct gc_mutator *mu);

/* A safepoint: may stop, switch goroutines, run the collector. */
static inline void gc_poll(struct gc_mutator *mu) {
  if (plat_unlikely((at_u32_load_relaxed(&mu->p->attention) & GC_ATTN_POLL) != 0))
    gc_poll_slow(mu);
}

static inline void gc_frame_push(struct gc_mutator *mu, struct gc_frame *f, void **slots,
                                 uint64_t count) {
  f->prev = mu->frames;
  f->slots = slots;
  f->count = count;
  mu->frames = f;
}

static inline void gc_frame_pop(struct gc_mutator *mu, struct gc_frame *f) {
  rt_assert_hot(mu->frames == f);
  mu->frames = f->prev;
}

/* Declares `void *name[n]`, nil root slots (interior pointers allowed), in a new innermost scope.
 * Plain reads and writes by the owning goroutine; no barrier. Close with GC_ROOTS_END. */
#define GC_ROOTS(mu, name, n)            \
  void *name[n];                         \
  struct gc_frame name##_frame;          \
  memset(name, 0, sizeof name);          \
  gc_frame_push((mu), &name##_frame, name, (n))
#define GC_ROOTS_END(mu, name) gc_frame_pop((mu), &name##_frame)

/* Registers count words at base as global roots, for the whole run; stores into them use
 * gc_store. Before gc_start or from a goroutine; takes the META lock. */
void gc_add_global_roots(void **base, uint64_t count);

/* The P's fastrand (F0.6). */
static inline uint32_t gc_fastrand(struct gc_mutator *mu) { return rng_fastrand(&mu->p->fastrand); }
static inline uint64_t gc_fastrand64(struct gc_mutator *mu) {
  return rng_fastrand64(&mu->p->fastrand);
}

#endif

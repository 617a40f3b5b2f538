#include "gc/concurrent/mark.h"

#include "gc/concurrent/assist.h"
#include "gc/concurrent/wb.h"
#include "gc/concurrent/worker.h"

/* ---- greying -------------------------------------------------------------------------------- */

static inline bool grey(struct gc_worker *w, uintptr_t addr) {
  struct gc_span *span;
  uint32_t index;
  if (!gc_find_object(addr, &span, &index) || gc_is_marked(span, index)) return false;
  uintptr_t object = gc_span_object(span, index);
  bool is_noscan = gc_span_is_noscan(span);
  /* Before the mark is set: no load begins behind that until it is done, and where objects form a
   * list there is nothing else to wait for. */
  if (!is_noscan) plat_cache_fetch((const void *)object);
  if (!gc_mark_set(span, index)) return false;
  gc_page_mark(span);
  plat_charge(PLAT_COST_mark_object, 1);
  if (is_noscan) {
    w->bytes_marked += span->elem_bytes;
    return false;
  }
  return gc_work_put(w, object);
}

bool gc_mark_grey(struct gc_worker *w, uintptr_t addr) { return grey(w, addr); }

/* ---- scanning ------------------------------------------------------------------------------- */

/* The part of an object that is being scanned. */
struct part {
  struct gc_worker *w;
  uintptr_t object;    /* base of the whole object */
  uintptr_t start;     /* of the part; pointers into [start, start + bytes) lead nowhere new */
  uint64_t bytes;
  bool pushed;         /* work became global */
};

static inline void visit(struct part *s, uintptr_t slot) {
  uintptr_t addr = (uintptr_t)plat_slot_load((void **)slot);
  if (addr == 0 || addr - s->start < s->bytes) return;
  if (grey(s->w, addr)) s->pushed = true;
}

/* The pointer words low..high-1 of one value at base. */
static void scan_words(struct part *s, uintptr_t base, const struct gc_type *t, uint64_t low,
                       uint64_t high) {
  for (uint64_t m = low / 64; m * 64 < high; m++) {
    uint64_t bits = t->mask[m];
    if (m == low / 64) bits &= UINT64_MAX << (low % 64);
    if (high - m * 64 < 64) bits &= (1ULL << (high - m * 64)) - 1;
    uintptr_t words = base + m * 512;
    for (; bits != 0; bits &= bits - 1) visit(s, words + 8 * (uint64_t)__builtin_ctzll(bits));
  }
}

static inline void scan_value(struct part *s, uintptr_t base, const struct gc_type *t) {
  if (plat_likely(t->ptrdata <= 512)) {
    for (uint64_t bits = t->mask[0]; bits != 0; bits &= bits - 1)
      visit(s, base + 8 * (uint64_t)__builtin_ctzll(bits));
  } else {
    scan_words(s, base, t, 0, t->ptrdata / 8);
  }
}

/* The values of an array that lie in the part, whole or cut; all end before scan_end. */
static void scan_array_part(struct part *s, const struct gc_type *t, uintptr_t scan_end) {
  uintptr_t end = s->start + s->bytes;
  if (end > scan_end) end = scan_end;
  if (end <= s->start) return;
  uintptr_t value = s->object + (s->start - s->object) / t->size * t->size;
  for (; value < end; value += t->size) {
    if (plat_likely(value >= s->start && value + t->ptrdata <= end)) {
      scan_value(s, value, t);
      continue;
    }
    uint64_t low = value < s->start ? (s->start - value) / 8 : 0;
    uint64_t high = t->ptrdata / 8;
    if (value + t->ptrdata > end) high = (end - value) / 8;
    if (low < high) scan_words(s, value, t, low, high);
  }
}

/* A whole small object. Returns the bytes up to its last pointer word (F2.10.1). */
static inline uint64_t scan_small(struct part *s, const struct gc_span *span, uint32_t index) {
  uint16_t id = gc_span_type(span, index);
  if (id == 0) {
    visit(s, s->object);
    return 8;
  }
  const struct gc_type *t = gc_type_by_id(id & (uint16_t)~GC_TYPE_ARRAY);
  if ((id & GC_TYPE_ARRAY) == 0) {
    scan_value(s, s->object, t);
    return t->ptrdata;
  }
  uintptr_t value = s->object;
  uintptr_t end = s->object + span->elem_bytes;
  for (; value + t->size <= end; value += t->size) scan_value(s, value, t);
  return value - t->size + t->ptrdata - s->object;
}

/* A part of an object of more than one page; large spans know where pointers end. */
static uint64_t scan_large(struct part *s, const struct gc_span *span) {
  uint16_t id = gc_span_type(span, 0);
  const struct gc_type *t = gc_type_by_id(id & (uint16_t)~GC_TYPE_ARRAY);
  uintptr_t scan_end = s->object + span->large_scan_bytes;
  scan_array_part(s, t, scan_end);
  if (scan_end <= s->start) return 0;
  uint64_t visible = scan_end - s->start;
  return visible < s->bytes ? visible : s->bytes;
}

/* Queues the later parts of a large object when its first is scanned (F3.6.3). */
static void queue_oblets(struct part *s, uintptr_t end) {
  for (uintptr_t at = s->start + GC_OBLET_BYTES; at < end; at += GC_OBLET_BYTES) {
    if (gc_work_put(s->w, at)) s->pushed = true;
  }
}

/* Scans the marked object or oblet at addr. */
static inline void scan_object(struct gc_worker *w, uintptr_t addr) {
  struct gc_span *span = NULL;
  uint32_t index = 0;
  bool found = gc_find_object(addr, &span, &index);
  rt_assert_hot(found && !gc_span_is_noscan(span));
  (void)found;
  struct part s = {w, addr, addr, span->elem_bytes, false};
  plat_cache_need((const void *)addr);
  uint64_t visited;
  if (plat_likely(span->div_magic != 0)) {
    visited = scan_small(&s, span, index);
  } else {
    s.object = span->base;
    uintptr_t end = span->base + span->elem_bytes;
    if (span->elem_bytes > GC_OBLET_BYTES) {
      if (addr == span->base) queue_oblets(&s, end);
      s.bytes = end - addr < GC_OBLET_BYTES ? end - addr : GC_OBLET_BYTES;
    }
    visited = scan_large(&s, span);
  }
  w->bytes_marked += s.bytes;
  w->scan_work += (int64_t)visited;
  plat_charge(PLAT_COST_scan_byte, visited);
  if (plat_unlikely(s.pushed)) gc_worker_enlist(w->p);
}

/* ---- draining ------------------------------------------------------------------------------- */

void gc_mark_flush_counts(struct gc_worker *w) {
  if (w->bytes_marked != 0) at_u64_add_relaxed(&gc_cc.bytes_marked, w->bytes_marked);
  if (w->scan_work != 0) at_i64_add_relaxed(&gc_cc.heap_scan_work, w->scan_work);
  w->bytes_marked = 0;
  w->scan_work = 0;
}

/* Asked to poll: reason enough for the preemptible, for others only if the world stops. */
static inline bool should_stop(const struct gc_mutator *self, unsigned flags) {
  /* Relaxed: a late look only delays; the poll itself synchronises. */
  uint32_t attention = at_u32_load_relaxed(&self->p->attention);
  if (plat_likely((attention & GC_ATTN_POLL) == 0)) return false;
  if ((flags & GC_DRAIN_STOPPED) != 0) return false;
  return (flags & GC_DRAIN_UNTIL_PREEMPT) != 0 || gc_world->stop_pending();
}

enum { PIPE_DEPTH = 8 }; /* a power of two */

/* Objects on their way from the buffers to scan_object, oldest first: each was asked into the cache
 * when it came in, and is there when its turn comes. Lives in one drain; emptied at its end. */
struct pipe {
  uintptr_t object[PIPE_DEPTH];
  uint32_t head, count;
};

static inline void pipe_put(struct pipe *q, uintptr_t object) {
  plat_cache_fetch((const void *)object);
  q->object[(q->head + q->count++) % PIPE_DEPTH] = object;
}

static inline uintptr_t pipe_get(struct pipe *q) {
  uintptr_t object = q->object[q->head++ % PIPE_DEPTH];
  q->count--;
  return object;
}

/* What is left in the pipe becomes ordinary grey work again. */
static void pipe_empty(struct pipe *q, struct gc_worker *w) {
  bool pushed = false;
  while (q->count > 0) {
    if (gc_work_put(w, pipe_get(q))) pushed = true;
  }
  if (pushed) gc_worker_enlist(w->p);
}

/* From a global buffer, or from what w's P's barrier buffer hides (F3.7.2). */
static uintptr_t distant_object(struct gc_worker *w) {
  uintptr_t object = gc_work_get(w);
  if (object != 0 || gc_has_fault(GC_FAULT_FLUSH_SKIPPED_AT_STOP)) return object;
  if (gc_wb_flush(w->p)) gc_worker_enlist(w->p);
  return gc_work_get(w);
}

/* Next object for w; 0: none anywhere. */
static inline uintptr_t next_object(struct gc_worker *w, struct pipe *q) {
  if (gc_work_global_is_empty() && gc_work_balance(w)) gc_worker_enlist(w->p);
  struct gc_workbuf *b = w->first;
  if (plat_likely(b != NULL)) {
    while (q->count < PIPE_DEPTH && b->count > 0) pipe_put(q, b->entry[--b->count]);
  }
  return plat_likely(q->count > 0) ? pipe_get(q) : distant_object(w);
}

/* One gc_drain. */
struct drain {
  struct gc_mutator *self;
  struct gc_worker *w;
  unsigned flags;
  uint64_t start_ns;
  int64_t uncredited;  /* scan work in w from before this drain: no credit for it */
  int64_t until_check; /* scan work before the next look at the clock or the run queues */
};

/* Fractional and idle workers end by themselves (F3.3.6). */
static bool self_preempts(const struct drain *d) {
  if ((d->flags & GC_DRAIN_FRACTIONAL) != 0) return gc_worker_fraction_used(d->w, d->start_ns);
  if ((d->flags & GC_DRAIN_IDLE) != 0) return gc_world->work_waiting(d->self);
  return false;
}

static void flush_scan_work(struct drain *d) {
  int64_t work = d->w->scan_work;
  at_i64_add_relaxed(&gc_cc.heap_scan_work, work);
  if ((d->flags & GC_DRAIN_CREDIT) != 0) gc_assist_credit(d->self, work - d->uncredited);
  d->uncredited = 0;
  d->until_check -= work;
  d->w->scan_work = 0;
}

/* False: the worker should end itself. */
static bool drain_roots(struct drain *d) {
  while (gc_mark_roots_left() && !should_stop(d->self, d->flags)) {
    uint64_t job = at_u64_add_acqrel(&gc_cc.root_next, 1); /* pairs with gc_mark_roots_left() */
    if (job >= gc_mark_root_jobs()) break;
    int64_t work = gc_mark_root_job(d->self, job);
    d->w = gc_worker_of(d->self); /* the same but for root-scan-counted-early */
    if ((d->flags & GC_DRAIN_CREDIT) != 0) gc_assist_credit(d->self, work);
    if (self_preempts(d)) return false;
  }
  return true;
}

void gc_drain(struct gc_mutator *self, unsigned flags, uint64_t start_ns) {
  struct gc_worker *w = gc_worker_of(self);
  struct drain d = {.self = self, .w = w, .flags = flags, .start_ns = start_ns,
                    .uncredited = w->scan_work, .until_check = GC_PACER_DRAIN_CHECK};
  struct pipe pipe = {.count = 0};
  bool go_on = drain_roots(&d);
  w = d.w;
  while (go_on && !should_stop(self, flags)) {
    uintptr_t object = next_object(w, &pipe);
    if (object == 0) break;
    scan_object(w, object);
    if (plat_likely(w->scan_work < GC_PACER_CREDIT_SLACK)) continue;
    flush_scan_work(&d);
    if (d.until_check <= 0) {
      d.until_check += GC_PACER_DRAIN_CHECK;
      go_on = !self_preempts(&d);
    }
  }
  pipe_empty(&pipe, w);
  if (w->scan_work > 0) flush_scan_work(&d);
  rt_assert(self->p->work == w);
}

int64_t gc_drain_n(struct gc_mutator *self, int64_t work) {
  struct gc_worker *w = gc_worker_of(self);
  struct pipe pipe = {.count = 0};
  int64_t flushed = -w->scan_work; /* so that flushed + w->scan_work is what is done here */
  while (flushed + w->scan_work < work && !should_stop(self, GC_DRAIN_UNTIL_PREEMPT) &&
         at_u32_load_relaxed(&gc_cc.limiting) == 0 /* advisory */) {
    uintptr_t object = next_object(w, &pipe);
    if (object != 0) {
      scan_object(w, object);
    } else {
      if (!gc_mark_roots_left()) break;
      uint64_t job = at_u64_add_acqrel(&gc_cc.root_next, 1); /* pairs with gc_mark_roots_left() */
      if (job >= gc_mark_root_jobs()) break;
      flushed += gc_mark_root_job(self, job);
    }
    if (w->scan_work >= GC_PACER_CREDIT_SLACK) {
      at_i64_add_relaxed(&gc_cc.heap_scan_work, w->scan_work);
      flushed += w->scan_work;
      w->scan_work = 0;
    }
  }
  pipe_empty(&pipe, w);
  rt_assert(self->p->work == w);
  return flushed + w->scan_work;
}

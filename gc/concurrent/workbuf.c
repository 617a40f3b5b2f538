#include "gc/concurrent/workbuf.h"

#include "runtime/lockrank.h"
#include "runtime/meta.h"

enum {
  LEAF_BITS = 8,
  LEAF_CHUNKS = 1 << LEAF_BITS, /* chunks a leaf of the directory names */
  ROOT_LEAVES = 256             /* so 65536 chunks: 2 GiB of grey work */
};

/* A lock-free stack of buffers. head: tag << 32 | number. */
struct stack {
  struct at_u64 head __attribute__((aligned(PLAT_CACHE_LINE)));
};

struct leaf {
  struct gc_workbuf *chunk[LEAF_CHUNKS];
};

static PLAT_STATE struct {
  struct stack full;   /* buffers with work */
  struct stack empty;
  struct plat_mutex grow_lock; /* serialises adding chunks */
  uint32_t chunks;             /* grow_lock */
  struct at_ptr leaf[ROOT_LEAVES];
} bufs;

static struct gc_workbuf *by_number(uint32_t number) {
  uint32_t chunk = (number - 1) / GC_WORKBUF_CHUNK;
  /* pairs with allocate(): the leaf's entry. A number is known only through a stack, whose
   * operations order it after the entry was written. */
  struct leaf *leaf = at_ptr_load_acquire(&bufs.leaf[chunk >> LEAF_BITS]);
  return &leaf->chunk[chunk % LEAF_CHUNKS][(number - 1) % GC_WORKBUF_CHUNK];
}

static uint64_t retag(uint64_t head, uint32_t number) {
  return ((head >> 32) + 1) << 32 | number;
}

static void push(struct stack *s, struct gc_workbuf *b) {
  uint64_t head = at_u64_load_relaxed(&s->head); /* the exchange decides */
  do {
    at_u32_store_relaxed(&b->next, (uint32_t)head); /* ordered by the exchange */
  } while (!at_u64_cas_acqrel(&s->head, &head, retag(head, b->number))); /* pairs with pop() */
}

static struct gc_workbuf *pop(struct stack *s) {
  uint64_t head = at_u64_load_acquire(&s->head); /* pairs with push(): next and the contents */
  while ((uint32_t)head != 0) {
    struct gc_workbuf *b = by_number((uint32_t)head);
    /* Somebody else may own b by now and have changed next; then the tag has changed too. */
    uint32_t next = at_u32_load_relaxed(&b->next);
    if (at_u64_cas_acqrel(&s->head, &head, retag(head, next))) return b; /* pairs with push() */
  }
  return NULL;
}

void gc_work_discard_global_stw(void) {
  for (struct gc_workbuf *b = pop(&bufs.full); b != NULL; b = pop(&bufs.full)) {
    b->count = 0;
    push(&bufs.empty, b);
  }
}

void gc_workbuf_init(void) {
  plat_mutex_init(&bufs.grow_lock, RT_RANK_PACER, "work buffers");
  gc_work_discard_global_stw();
}

/* Adds a chunk: returns its first buffer, the others go to the empty stack in order. */
static struct gc_workbuf *allocate(void) {
  plat_mutex_lock(&bufs.grow_lock);
  uint32_t chunk = bufs.chunks++;
  rt_assert(chunk < ROOT_LEAVES * LEAF_CHUNKS);
  struct leaf *leaf = at_ptr_load_relaxed(&bufs.leaf[chunk >> LEAF_BITS]); /* under the lock */
  if (leaf == NULL) leaf = rt_meta_alloc(sizeof *leaf, PLAT_CACHE_LINE);
  struct gc_workbuf *b =
      rt_meta_alloc(sizeof(struct gc_workbuf) * GC_WORKBUF_CHUNK, PLAT_CACHE_LINE);
  leaf->chunk[chunk % LEAF_CHUNKS] = b;
  at_ptr_store_release(&bufs.leaf[chunk >> LEAF_BITS], leaf); /* pairs with by_number() */
  plat_mutex_unlock(&bufs.grow_lock);
  for (uint32_t i = 0; i < GC_WORKBUF_CHUNK; i++) b[i].number = chunk * GC_WORKBUF_CHUNK + i + 1;
  for (uint32_t i = 1; i < GC_WORKBUF_CHUNK; i++) push(&bufs.empty, &b[i]);
  return b;
}

static struct gc_workbuf *get_empty(void) {
  struct gc_workbuf *b = pop(&bufs.empty);
  if (b == NULL) b = allocate();
  rt_assert(b->count == 0);
  return b;
}

static void put_full(struct gc_worker *w, struct gc_workbuf *b) {
  rt_assert(b->count > 0);
  push(&bufs.full, b);
  w->flushed_work = true;
}

void gc_work_init(struct gc_worker *w, struct gc_p *p) {
  rt_assert(w->first == NULL);
  w->p = p;
}

/* First use since the last dispose: takes global work along (F3.5.2). */
static void attach(struct gc_worker *w) {
  w->first = get_empty();
  w->second = pop(&bufs.full);
  if (w->second == NULL) w->second = get_empty();
}

static void swap(struct gc_worker *w) {
  struct gc_workbuf *b = w->first;
  w->first = w->second;
  w->second = b;
}

bool gc_work_put_slow(struct gc_worker *w, uintptr_t object) {
  bool pushed = false;
  if (w->first == NULL) attach(w);
  if (w->first->count == GC_WORKBUF_ENTRIES) {
    swap(w);
    if (w->first->count == GC_WORKBUF_ENTRIES) {
      put_full(w, w->first);
      pushed = true;
      w->first = get_empty();
    }
  }
  w->first->entry[w->first->count++] = object;
  return pushed;
}

bool gc_work_put_batch(struct gc_worker *w, const uintptr_t *objects, uint64_t count) {
  if (count == 0) return false;
  bool pushed = false;
  if (w->first == NULL) attach(w);
  for (uint64_t i = 0; i < count; i++) {
    while (w->first->count == GC_WORKBUF_ENTRIES) {
      put_full(w, w->first);
      pushed = true;
      w->first = w->second;
      w->second = get_empty();
    }
    w->first->entry[w->first->count++] = objects[i];
  }
  return pushed;
}

uintptr_t gc_work_get_slow(struct gc_worker *w) {
  if (w->first == NULL) attach(w);
  if (w->first->count == 0) {
    swap(w);
    if (w->first->count == 0) {
      struct gc_workbuf *b = pop(&bufs.full);
      if (b == NULL) return 0;
      push(&bufs.empty, w->first);
      w->first = b;
    }
  }
  rt_assert(w->first->count > 0);
  return w->first->entry[--w->first->count];
}

bool gc_work_balance(struct gc_worker *w) {
  if (w->first == NULL) return false;
  if (w->second->count > 0) {
    put_full(w, w->second);
    w->second = get_empty();
    return true;
  }
  struct gc_workbuf *old = w->first;
  if (old->count <= 4) return false;
  uint32_t keep = old->count / 2;
  struct gc_workbuf *b = get_empty();
  old->count -= keep;
  b->count = keep;
  memcpy(b->entry, old->entry + old->count, keep * sizeof b->entry[0]);
  w->first = b;
  put_full(w, old);
  return true;
}

void gc_work_dispose(struct gc_worker *w) {
  struct gc_workbuf *both[2] = {w->first, w->second};
  w->first = w->second = NULL;
  for (int i = 0; i < 2 && both[i] != NULL; i++) {
    if (both[i]->count == 0) {
      push(&bufs.empty, both[i]);
    } else {
      put_full(w, both[i]);
    }
  }
}

bool gc_work_global_is_empty(void) {
  /* Acquire: who sees "empty" after somebody's last pop also sees that owner's claims (nwait).
   * pairs with push() and pop() */
  return (uint32_t)at_u64_load_acquire(&bufs.full.head) == 0;
}

/* Raw words: an observer of a model's run must not announce anything, and nobody else runs. */
bool gc_work_global_holds(uintptr_t object) {
  for (uint32_t number = (uint32_t)bufs.full.head.raw_; number != 0;) {
    uint32_t chunk = (number - 1) / GC_WORKBUF_CHUNK;
    const struct leaf *leaf = bufs.leaf[chunk >> LEAF_BITS].raw_;
    const struct gc_workbuf *b =
        &leaf->chunk[chunk % LEAF_CHUNKS][(number - 1) % GC_WORKBUF_CHUNK];
    for (uint32_t i = 0; i < b->count; i++)
      if (b->entry[i] == object) return true;
    number = b->next.raw_;
  }
  return false;
}

uint64_t gc_workbuf_allocated(void) {
  plat_mutex_lock(&bufs.grow_lock);
  uint64_t n = (uint64_t)bufs.chunks * GC_WORKBUF_CHUNK;
  plat_mutex_unlock(&bufs.grow_lock);
  return n;
}

uint64_t gc_workbuf_count_empty(void) {
  uint64_t n = 0;
  uint32_t number = (uint32_t)at_u64_load_acquire(&bufs.empty.head); /* pairs with push() */
  for (; number != 0; number = at_u32_load_relaxed(&by_number(number)->next)) n++;
  return n;
}

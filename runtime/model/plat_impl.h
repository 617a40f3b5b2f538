/* The model platform: one OS thread, coroutines for threads, virtual time. Included by plat.h only.
 *
 * Each visible operation is a macro that captures its site, announces itself through plat_step()
 * and, once the model lets it continue, happens at once: between the announcement's return and
 * the access nothing else runs. All interleavings are sequentially consistent; the orders in the
 * operations' names are kept in the site text only.
 */
#ifndef RUNTIME_MODEL_PLAT_IMPL_H
#define RUNTIME_MODEL_PLAT_IMPL_H

#include "san.h"

/* Each on lines of its own: which variables share one must not depend on the compiler. */
#define PLAT_STATE __attribute__((section("tri_state"), aligned(PLAT_CACHE_LINE)))
/* What the platform does for itself is nobody's access, in a core that tells of each. */
#define PLAT_UNSEEN __attribute__((no_sanitize("thread")))

/* ---- announcing ------------------------------------------------------------------------------ */

enum plat_op {
  PLAT_OP_LOAD,    /* atomic load */
  PLAT_OP_STORE,   /* atomic store */
  PLAT_OP_RMW,     /* atomic exchange, compare-and-swap, add, or, and */
  PLAT_OP_FENCE,   /* no object */
  PLAT_OP_SLOT_LOAD,
  PLAT_OP_SLOT_STORE,
  PLAT_OP_PLAIN_LOAD,  /* plat_ld, plat_touch_read: racy program data */
  PLAT_OP_PLAIN_STORE, /* plat_st, plat_touch_write */
  PLAT_OP_LOCK,    /* not enabled while another thread holds the mutex */
  PLAT_OP_TRY_LOCK,
  PLAT_OP_UNLOCK,
  PLAT_OP_WAIT,    /* not enabled while the note has no token */
  PLAT_OP_WAIT_UNTIL, /* the same, or the deadline has come */
  PLAT_OP_WAKE,
  PLAT_OP_CLEAR,
  PLAT_OP_THREAD_START, /* by the starter */
  PLAT_OP_THREAD_BEGIN, /* by the new thread, up to its first announcement */
  PLAT_OP_THREAD_END,
  PLAT_OP_JOIN,    /* not enabled while the thread runs */
  PLAT_OP_RELAX,
  PLAT_OP_YIELD,
  PLAT_OP_SLEEP,
  PLAT_OP_CLOCK,
  PLAT_OP_RANDOM,
  PLAT_OP_COUNT
};

/* Where an operation stands in the source. All sites form one array, the section tri_sites. */
struct plat_site {
  const char *file, *func;
  const char *what; /* "at_u32_load_acquire(&p->attention)" */
  uint32_t line;
  uint32_t bytes;   /* of memory that it accesses; PLAT_SITE_RANGE: each time its own number */
};
#define PLAT_SITE_RANGE UINT32_MAX

#define PLAT_SITE_OF_(bytes_, what_)                                                  \
  (__extension__({                                                                    \
    static const struct plat_site plat_site_                                          \
        __attribute__((section("tri_sites"), used, aligned(32))) = {                  \
            __FILE__, __func__, what_, __LINE__, bytes_};                             \
    &plat_site_;                                                                      \
  }))
#define PLAT_SITE_(what_) PLAT_SITE_OF_(0, what_)

/* Announces an operation of the running thread; other threads may run before it returns. */
void plat_step(enum plat_op kind, const void *object, const struct plat_site *site);
/* The same of so many bytes, for a site of PLAT_SITE_RANGE. */
void plat_step_range(enum plat_op kind, const void *object, size_t bytes,
                     const struct plat_site *site);

static inline void *plat_step_at(enum plat_op kind, const void *object,
                                 const struct plat_site *site) {
  plat_step(kind, object, site);
  return (void *)(uintptr_t)object;
}

/* What the inline paths touch; everything else is in plat_model.c. */
struct plat_model_hot {
  uint64_t clock_ps; /* virtual clock of the running thread */
  uint64_t limit_ps; /* it runs on without a switch while clock_ps < limit_ps */
  uint64_t cost_ps[PLAT_COST_COUNT];
};
extern struct plat_model_hot plat_model_hot;

PLAT_UNSEEN static inline void plat_charge(enum plat_cost what, uint64_t n) {
  plat_model_hot.clock_ps += plat_model_hot.cost_ps[what] * n;
}

void plat_model_fetch(const void *p);
void plat_model_need(const void *p);
PLAT_UNSEEN static inline void plat_cache_fetch(const void *p) {
  if (plat_model_hot.cost_ps[PLAT_COST_cache_miss] != 0) plat_model_fetch(p);
}
PLAT_UNSEEN static inline void plat_cache_need(const void *p) {
  if (plat_model_hot.cost_ps[PLAT_COST_cache_miss] != 0) plat_model_need(p);
}

/* ---- atomics --------------------------------------------------------------------------------- */

#define PLAT_AT_BASE_(T, V)                                                                \
  struct at_##T {                                                                          \
    V raw_;                                                                                \
  };                                                                                       \
  static inline void at_##T##_init(struct at_##T *p, V v) { p->raw_ = v; }                 \
  static inline V plat_##T##_load_(const struct at_##T *p, const struct plat_site *site) { \
    plat_step(PLAT_OP_LOAD, p, site);                                                      \
    return p->raw_;                                                                        \
  }                                                                                        \
  static inline void plat_##T##_store_(struct at_##T *p, V v,                              \
                                       const struct plat_site *site) {                     \
    plat_step(PLAT_OP_STORE, p, site);                                                     \
    p->raw_ = v;                                                                           \
  }                                                                                        \
  static inline V plat_##T##_xchg_(struct at_##T *p, V v, const struct plat_site *site) {  \
    plat_step(PLAT_OP_RMW, p, site);                                                       \
    V old = p->raw_;                                                                       \
    p->raw_ = v;                                                                           \
    return old;                                                                            \
  }                                                                                        \
  static inline bool plat_##T##_cas_(struct at_##T *p, V *expected, V v,                   \
                                     const struct plat_site *site) {                       \
    plat_step(PLAT_OP_RMW, p, site);                                                       \
    if (p->raw_ == *expected) {                                                            \
      p->raw_ = v;                                                                         \
      return true;                                                                         \
    }                                                                                      \
    *expected = p->raw_;                                                                   \
    return false;                                                                          \
  }

/* The sum is formed unsigned: signed counters wrap as the hardware's do. */
#define PLAT_AT_ADD_(T, V)                                                                 \
  static inline V plat_##T##_add_(struct at_##T *p, V d, const struct plat_site *site) {   \
    plat_step(PLAT_OP_RMW, p, site);                                                       \
    V old = p->raw_;                                                                       \
    p->raw_ = (V)((uint64_t)old + (uint64_t)d);                                            \
    return old;                                                                            \
  }

#define PLAT_AT_BITS_(T, V)                                                                \
  static inline V plat_##T##_or_(struct at_##T *p, V m, const struct plat_site *site) {    \
    plat_step(PLAT_OP_RMW, p, site);                                                       \
    V old = p->raw_;                                                                       \
    p->raw_ = (V)(old | m);                                                                \
    return old;                                                                            \
  }                                                                                        \
  static inline V plat_##T##_and_(struct at_##T *p, V m, const struct plat_site *site) {   \
    plat_step(PLAT_OP_RMW, p, site);                                                       \
    V old = p->raw_;                                                                       \
    p->raw_ = (V)(old & m);                                                                \
    return old;                                                                            \
  }

PLAT_AT_BASE_(u8, uint8_t)
PLAT_AT_BASE_(u32, uint32_t)
PLAT_AT_BASE_(u64, uint64_t)
PLAT_AT_BASE_(i64, int64_t)
PLAT_AT_BASE_(ptr, void *)
PLAT_AT_ADD_(u8, uint8_t)
PLAT_AT_ADD_(u32, uint32_t)
PLAT_AT_ADD_(u64, uint64_t)
PLAT_AT_ADD_(i64, int64_t)
PLAT_AT_BITS_(u8, uint8_t)
PLAT_AT_BITS_(u32, uint32_t)
PLAT_AT_BITS_(u64, uint64_t)

#define at_u8_load_relaxed(p) plat_u8_load_((p), PLAT_SITE_OF_(1, "at_u8_load_relaxed(" #p ")"))
#define at_u8_load_acquire(p) plat_u8_load_((p), PLAT_SITE_OF_(1, "at_u8_load_acquire(" #p ")"))
#define at_u8_load_seq(p) plat_u8_load_((p), PLAT_SITE_OF_(1, "at_u8_load_seq(" #p ")"))
#define at_u8_store_relaxed(p, v) \
  plat_u8_store_((p), (v), PLAT_SITE_OF_(1, "at_u8_store_relaxed(" #p ")"))
#define at_u8_store_release(p, v) \
  plat_u8_store_((p), (v), PLAT_SITE_OF_(1, "at_u8_store_release(" #p ")"))
#define at_u8_store_seq(p, v) plat_u8_store_((p), (v), PLAT_SITE_OF_(1, "at_u8_store_seq(" #p ")"))
#define at_u8_xchg_acqrel(p, v) \
  plat_u8_xchg_((p), (v), PLAT_SITE_OF_(1, "at_u8_xchg_acqrel(" #p ")"))
#define at_u8_cas_acqrel(p, expected, v) \
  plat_u8_cas_((p), (expected), (v), PLAT_SITE_OF_(1, "at_u8_cas_acqrel(" #p ")"))
#define at_u8_add_relaxed(p, d) \
  plat_u8_add_((p), (d), PLAT_SITE_OF_(1, "at_u8_add_relaxed(" #p ")"))
#define at_u8_add_acqrel(p, d) plat_u8_add_((p), (d), PLAT_SITE_OF_(1, "at_u8_add_acqrel(" #p ")"))
#define at_u8_add_seq(p, d) plat_u8_add_((p), (d), PLAT_SITE_OF_(1, "at_u8_add_seq(" #p ")"))
#define at_u8_or_relaxed(p, m) plat_u8_or_((p), (m), PLAT_SITE_OF_(1, "at_u8_or_relaxed(" #p ")"))
#define at_u8_or_acqrel(p, m) plat_u8_or_((p), (m), PLAT_SITE_OF_(1, "at_u8_or_acqrel(" #p ")"))
#define at_u8_and_acqrel(p, m) plat_u8_and_((p), (m), PLAT_SITE_OF_(1, "at_u8_and_acqrel(" #p ")"))
#define at_u32_load_relaxed(p) plat_u32_load_((p), PLAT_SITE_OF_(4, "at_u32_load_relaxed(" #p ")"))
#define at_u32_load_acquire(p) plat_u32_load_((p), PLAT_SITE_OF_(4, "at_u32_load_acquire(" #p ")"))
#define at_u32_load_seq(p) plat_u32_load_((p), PLAT_SITE_OF_(4, "at_u32_load_seq(" #p ")"))
#define at_u32_store_relaxed(p, v) \
  plat_u32_store_((p), (v), PLAT_SITE_OF_(4, "at_u32_store_relaxed(" #p ")"))
#define at_u32_store_release(p, v) \
  plat_u32_store_((p), (v), PLAT_SITE_OF_(4, "at_u32_store_release(" #p ")"))
#define at_u32_store_seq(p, v) \
  plat_u32_store_((p), (v), PLAT_SITE_OF_(4, "at_u32_store_seq(" #p ")"))
#define at_u32_xchg_acqrel(p, v) \
  plat_u32_xchg_((p), (v), PLAT_SITE_OF_(4, "at_u32_xchg_acqrel(" #p ")"))
#define at_u32_cas_acqrel(p, expected, v) \
  plat_u32_cas_((p), (expected), (v), PLAT_SITE_OF_(4, "at_u32_cas_acqrel(" #p ")"))
#define at_u32_add_relaxed(p, d) \
  plat_u32_add_((p), (d), PLAT_SITE_OF_(4, "at_u32_add_relaxed(" #p ")"))
#define at_u32_add_acqrel(p, d) \
  plat_u32_add_((p), (d), PLAT_SITE_OF_(4, "at_u32_add_acqrel(" #p ")"))
#define at_u32_add_seq(p, d) plat_u32_add_((p), (d), PLAT_SITE_OF_(4, "at_u32_add_seq(" #p ")"))
#define at_u32_or_relaxed(p, m) \
  plat_u32_or_((p), (m), PLAT_SITE_OF_(4, "at_u32_or_relaxed(" #p ")"))
#define at_u32_or_acqrel(p, m) plat_u32_or_((p), (m), PLAT_SITE_OF_(4, "at_u32_or_acqrel(" #p ")"))
#define at_u32_and_acqrel(p, m) \
  plat_u32_and_((p), (m), PLAT_SITE_OF_(4, "at_u32_and_acqrel(" #p ")"))
#define at_u64_load_relaxed(p) plat_u64_load_((p), PLAT_SITE_OF_(8, "at_u64_load_relaxed(" #p ")"))
#define at_u64_load_acquire(p) plat_u64_load_((p), PLAT_SITE_OF_(8, "at_u64_load_acquire(" #p ")"))
#define at_u64_load_seq(p) plat_u64_load_((p), PLAT_SITE_OF_(8, "at_u64_load_seq(" #p ")"))
#define at_u64_store_relaxed(p, v) \
  plat_u64_store_((p), (v), PLAT_SITE_OF_(8, "at_u64_store_relaxed(" #p ")"))
#define at_u64_store_release(p, v) \
  plat_u64_store_((p), (v), PLAT_SITE_OF_(8, "at_u64_store_release(" #p ")"))
#define at_u64_store_seq(p, v) \
  plat_u64_store_((p), (v), PLAT_SITE_OF_(8, "at_u64_store_seq(" #p ")"))
#define at_u64_xchg_acqrel(p, v) \
  plat_u64_xchg_((p), (v), PLAT_SITE_OF_(8, "at_u64_xchg_acqrel(" #p ")"))
#define at_u64_cas_acqrel(p, expected, v) \
  plat_u64_cas_((p), (expected), (v), PLAT_SITE_OF_(8, "at_u64_cas_acqrel(" #p ")"))
#define at_u64_add_relaxed(p, d) \
  plat_u64_add_((p), (d), PLAT_SITE_OF_(8, "at_u64_add_relaxed(" #p ")"))
#define at_u64_add_acqrel(p, d) \
  plat_u64_add_((p), (d), PLAT_SITE_OF_(8, "at_u64_add_acqrel(" #p ")"))
#define at_u64_add_seq(p, d) plat_u64_add_((p), (d), PLAT_SITE_OF_(8, "at_u64_add_seq(" #p ")"))
#define at_u64_or_relaxed(p, m) \
  plat_u64_or_((p), (m), PLAT_SITE_OF_(8, "at_u64_or_relaxed(" #p ")"))
#define at_u64_or_acqrel(p, m) plat_u64_or_((p), (m), PLAT_SITE_OF_(8, "at_u64_or_acqrel(" #p ")"))
#define at_u64_and_acqrel(p, m) \
  plat_u64_and_((p), (m), PLAT_SITE_OF_(8, "at_u64_and_acqrel(" #p ")"))
#define at_i64_load_relaxed(p) plat_i64_load_((p), PLAT_SITE_OF_(8, "at_i64_load_relaxed(" #p ")"))
#define at_i64_load_acquire(p) plat_i64_load_((p), PLAT_SITE_OF_(8, "at_i64_load_acquire(" #p ")"))
#define at_i64_load_seq(p) plat_i64_load_((p), PLAT_SITE_OF_(8, "at_i64_load_seq(" #p ")"))
#define at_i64_store_relaxed(p, v) \
  plat_i64_store_((p), (v), PLAT_SITE_OF_(8, "at_i64_store_relaxed(" #p ")"))
#define at_i64_store_release(p, v) \
  plat_i64_store_((p), (v), PLAT_SITE_OF_(8, "at_i64_store_release(" #p ")"))
#define at_i64_store_seq(p, v) \
  plat_i64_store_((p), (v), PLAT_SITE_OF_(8, "at_i64_store_seq(" #p ")"))
#define at_i64_xchg_acqrel(p, v) \
  plat_i64_xchg_((p), (v), PLAT_SITE_OF_(8, "at_i64_xchg_acqrel(" #p ")"))
#define at_i64_cas_acqrel(p, expected, v) \
  plat_i64_cas_((p), (expected), (v), PLAT_SITE_OF_(8, "at_i64_cas_acqrel(" #p ")"))
#define at_i64_add_relaxed(p, d) \
  plat_i64_add_((p), (d), PLAT_SITE_OF_(8, "at_i64_add_relaxed(" #p ")"))
#define at_i64_add_acqrel(p, d) \
  plat_i64_add_((p), (d), PLAT_SITE_OF_(8, "at_i64_add_acqrel(" #p ")"))
#define at_i64_add_seq(p, d) plat_i64_add_((p), (d), PLAT_SITE_OF_(8, "at_i64_add_seq(" #p ")"))
#define at_ptr_load_relaxed(p) plat_ptr_load_((p), PLAT_SITE_OF_(8, "at_ptr_load_relaxed(" #p ")"))
#define at_ptr_load_acquire(p) plat_ptr_load_((p), PLAT_SITE_OF_(8, "at_ptr_load_acquire(" #p ")"))
#define at_ptr_load_seq(p) plat_ptr_load_((p), PLAT_SITE_OF_(8, "at_ptr_load_seq(" #p ")"))
#define at_ptr_store_relaxed(p, v) \
  plat_ptr_store_((p), (v), PLAT_SITE_OF_(8, "at_ptr_store_relaxed(" #p ")"))
#define at_ptr_store_release(p, v) \
  plat_ptr_store_((p), (v), PLAT_SITE_OF_(8, "at_ptr_store_release(" #p ")"))
#define at_ptr_store_seq(p, v) \
  plat_ptr_store_((p), (v), PLAT_SITE_OF_(8, "at_ptr_store_seq(" #p ")"))
#define at_ptr_xchg_acqrel(p, v) \
  plat_ptr_xchg_((p), (v), PLAT_SITE_OF_(8, "at_ptr_xchg_acqrel(" #p ")"))
#define at_ptr_cas_acqrel(p, expected, v) \
  plat_ptr_cas_((p), (expected), (v), PLAT_SITE_OF_(8, "at_ptr_cas_acqrel(" #p ")"))
#define at_fence_seq() plat_step(PLAT_OP_FENCE, NULL, PLAT_SITE_("at_fence_seq()"))
/* Orders nothing that a sequentially consistent (or total-store-order) machine would reorder. */
static inline void at_fence_publish(void) {}

PLAT_UNSEEN static inline uint64_t at_quiet_load(const struct at_u64 *p) { return p->raw_; }
PLAT_UNSEEN static inline void at_quiet_store(struct at_u64 *p, uint64_t v) { p->raw_ = v; }

/* ---- slots and racy program data ------------------------------------------------------------- */

static inline void *plat_slot_load_(void **slot, const struct plat_site *site) {
  plat_step(PLAT_OP_SLOT_LOAD, slot, site);
  return *slot;
}
static inline void plat_slot_store_(void **slot, void *v, const struct plat_site *site) {
  plat_step(PLAT_OP_SLOT_STORE, slot, site);
  *slot = v;
}
static inline bool plat_slot_cas_(void **slot, void *expected, void *v,
                                  const struct plat_site *site) {
  plat_step(PLAT_OP_RMW, slot, site);
  if (*slot != expected) return false;
  *slot = v;
  return true;
}
#define plat_slot_load(slot) plat_slot_load_((slot), PLAT_SITE_OF_(8, "plat_slot_load(" #slot ")"))
#define plat_slot_store(slot, v) \
  plat_slot_store_((slot), (v), PLAT_SITE_OF_(8, "plat_slot_store(" #slot ")"))
#define plat_slot_cas(slot, expected, v) \
  plat_slot_cas_((slot), (expected), (v), PLAT_SITE_OF_(8, "plat_slot_cas(" #slot ")"))

#define plat_ld(p) \
  (*(__typeof__(p))plat_step_at(PLAT_OP_PLAIN_LOAD, (p),             \
                                PLAT_SITE_OF_(sizeof *(p), "plat_ld(" #p ")")))
/* The value is evaluated before the store is announced: what it reads may be overtaken. */
#define plat_st(p, v)                                                                      \
  __extension__({                                                                          \
    __typeof__(p) plat_st_to_ = (p);                                                       \
    __typeof__(*(p)) plat_st_value_ = (v);                                                 \
    plat_step(PLAT_OP_PLAIN_STORE, plat_st_to_,                                            \
              PLAT_SITE_OF_(sizeof *(p), "plat_st(" #p ")"));                              \
    *plat_st_to_ = plat_st_value_;                                                         \
    (void)0;                                                                               \
  })
static inline void plat_touch_(enum plat_op kind, const void *p, size_t bytes,
                               const struct plat_site *site) {
  if (bytes != 0) plat_step_range(kind, p, bytes, site);
}
#define plat_touch_read(p, bytes) \
  plat_touch_(PLAT_OP_PLAIN_LOAD, (p), (bytes), \
              PLAT_SITE_OF_(PLAT_SITE_RANGE, "plat_touch_read(" #p ")"))
#define plat_touch_write(p, bytes) \
  plat_touch_(PLAT_OP_PLAIN_STORE, (p), (bytes), \
              PLAT_SITE_OF_(PLAT_SITE_RANGE, "plat_touch_write(" #p ")"))

/* ---- locks, notes, threads ------------------------------------------------------------------- */

struct model_thread; /* plat_model_int.h */

struct plat_mutex {
  uint32_t rank;                     /* 0: not initialised */
  const char *name;
  struct model_thread *owner;        /* NULL: free */
  struct model_thread *first, *last; /* waiting, in order of arrival */
};
#define PLAT_MUTEX_INITIALIZER(rank_, name_) { .rank = (rank_), .name = (name_) }

struct plat_note {
  bool token;
  bool ready;                  /* initialised */
  struct model_thread *waiter;
};

struct plat_thread {
  struct model_thread *thread; /* NULL: not started, or joined */
};

void plat_mutex_init(struct plat_mutex *m, unsigned rank, const char *name);
void plat_mutex_destroy(struct plat_mutex *m);
bool plat_mutex_held(struct plat_mutex *m);
void plat_mutex_lock_(struct plat_mutex *m, bool same_rank, const struct plat_site *site);
bool plat_mutex_try_lock_(struct plat_mutex *m, const struct plat_site *site);
void plat_mutex_unlock_(struct plat_mutex *m, const struct plat_site *site);
#define plat_mutex_lock(m) plat_mutex_lock_((m), false, PLAT_SITE_("plat_mutex_lock(" #m ")"))
#define plat_mutex_lock_same_rank(m) \
  plat_mutex_lock_((m), true, PLAT_SITE_("plat_mutex_lock_same_rank(" #m ")"))
#define plat_mutex_try_lock(m) \
  plat_mutex_try_lock_((m), PLAT_SITE_("plat_mutex_try_lock(" #m ")"))
#define plat_mutex_unlock(m) plat_mutex_unlock_((m), PLAT_SITE_("plat_mutex_unlock(" #m ")"))

void plat_note_init(struct plat_note *n);
void plat_note_destroy(struct plat_note *n);
void plat_note_wait_(struct plat_note *n, const struct plat_site *site);
bool plat_note_wait_until_(struct plat_note *n, uint64_t deadline_ns,
                           const struct plat_site *site);
void plat_note_wake_(struct plat_note *n, const struct plat_site *site);
void plat_note_clear_(struct plat_note *n, const struct plat_site *site);
#define plat_note_wait(n) plat_note_wait_((n), PLAT_SITE_("plat_note_wait(" #n ")"))
#define plat_note_wait_until(n, deadline_ns) \
  plat_note_wait_until_((n), (deadline_ns), PLAT_SITE_("plat_note_wait_until(" #n ")"))
#define plat_note_wake(n) plat_note_wake_((n), PLAT_SITE_("plat_note_wake(" #n ")"))
#define plat_note_clear(n) plat_note_clear_((n), PLAT_SITE_("plat_note_clear(" #n ")"))

enum rt_err plat_thread_start_(struct plat_thread *t, const char *name, void (*fn)(void *),
                               void *arg, const struct plat_site *site) RT_MUST_USE;
void plat_thread_join_(struct plat_thread *t, const struct plat_site *site);
#define plat_thread_start(t, name, fn, arg) \
  plat_thread_start_((t), (name), (fn), (arg), PLAT_SITE_("plat_thread_start(" #fn ")"))
#define plat_thread_join(t) plat_thread_join_((t), PLAT_SITE_("plat_thread_join(" #t ")"))
void *plat_self(void);
void plat_self_set(void *self);
void plat_on_processor(uint32_t index);

void plat_relax_(enum plat_op kind, const struct plat_site *site);
void plat_sleep_ns_(uint64_t ns, const struct plat_site *site);
#define plat_relax() plat_relax_(PLAT_OP_RELAX, PLAT_SITE_("plat_relax()"))
#define plat_yield() plat_relax_(PLAT_OP_YIELD, PLAT_SITE_("plat_yield()"))
#define plat_sleep_ns(ns) plat_sleep_ns_((ns), PLAT_SITE_("plat_sleep_ns(" #ns ")"))

/* ---- time, randomness ------------------------------------------------------------------------ */

uint64_t plat_ticks_(const struct plat_site *site); /* picoseconds */
uint64_t plat_now_ns_(const struct plat_site *site);
uint64_t plat_random_u64_(const struct plat_site *site);
#define plat_now_ns() plat_now_ns_(PLAT_SITE_("plat_now_ns()"))
#define plat_ticks() plat_ticks_(PLAT_SITE_("plat_ticks()"))
#define plat_random_u64() plat_random_u64_(PLAT_SITE_("plat_random_u64()"))
static inline uint64_t plat_ticks_to_ns(uint64_t delta) { return delta / 1000; }
PLAT_UNSEEN static inline uint64_t plat_log_ns(void) { return plat_model_hot.clock_ps / 1000; }
uint64_t plat_cpu_ns(void);
uint32_t plat_ncpu(void);
void plat_seed(uint64_t seed);

/* ---- address space, start-up and end --------------------------------------------------------- */

void *plat_vm_reserve(size_t bytes, size_t align);
void *plat_vm_reserve_stacks(size_t bytes);
enum rt_err plat_vm_commit(void *p, size_t bytes) RT_MUST_USE;
void plat_vm_prefer_huge(void *p, size_t bytes);
void plat_vm_decommit(void *p, size_t bytes);
void plat_vm_release(void *p, size_t bytes);
bool plat_vm_guard(void *p, size_t bytes);
static inline void plat_poison(const void *p, size_t bytes) { san_poison(p, bytes); }
static inline void plat_unpoison(const void *p, size_t bytes) { san_unpoison(p, bytes); }

void plat_model_mark(void); /* plat_model.h */
void plat_model_finish_run(void);
static inline void plat_mark(void) { plat_model_mark(); }
static inline void plat_mark_end(void) { plat_model_finish_run(); }
int plat_main(int (*fn)(void *), void *arg);
void plat_end_begin(void);
_Noreturn void plat_end_abort(void);
void plat_print(const char *text);

#endif

/* The model platform: mutexes and notes. They exclude nobody by themselves, since only one thread
 * runs at a time; they decide who is enabled and check every rule of use. */
#include "plat_model_int.h"
#include "runtime/check.h"

enum { PS_PER_NS = 1000 };

/* ---- mutexes --------------------------------------------------------------------------------- */

void plat_mutex_init(struct plat_mutex *m, unsigned rank, const char *name) {
  rt_assert(rank != 0 && name != NULL);
  *m = (struct plat_mutex)PLAT_MUTEX_INITIALIZER(rank, name);
}

static void check_initialised(const struct plat_mutex *m) {
  if (m->rank == 0) rt_die("a mutex is used that was not initialised");
}

void plat_mutex_destroy(struct plat_mutex *m) {
  check_initialised(m);
  if (m->owner != NULL || m->first != NULL) rt_die("%s is destroyed while in use", m->name);
  m->rank = 0;
}

bool plat_mutex_held(struct plat_mutex *m) { return m->owner == model.running; }

static void take(struct model_thread *self, struct plat_mutex *m) {
  rt_assert(m->owner == NULL);
  m->owner = self;
  rt_held_add(&self->held, m);
  plat_charge(PLAT_COST_lock, 1);
}

void plat_mutex_lock_(struct plat_mutex *m, bool same_rank, const struct plat_site *site) {
  struct model_thread *self = model.running;
  check_initialised(m);
  if (m->owner == self) rt_die("%s is locked twice by one thread", m->name);
  rt_held_check(&self->held, m, same_rank);
  self->wants = m;
  plat_step(PLAT_OP_LOCK, m, site);
  while (m->owner != NULL) {
    self->next_waiter = NULL;
    if (m->first == NULL) {
      m->first = self;
    } else {
      m->last->next_waiter = self;
    }
    m->last = self;
    model_block(UINT64_MAX);
  }
  take(self, m);
}

/* Trying cannot deadlock, so any order is allowed. */
bool plat_mutex_try_lock_(struct plat_mutex *m, const struct plat_site *site) {
  check_initialised(m);
  plat_step(PLAT_OP_TRY_LOCK, m, site);
  if (m->owner != NULL) return false;
  take(model.running, m);
  return true;
}

/* All waiters are enabled again; the clock, or the chooser, decides which one gets it. */
void plat_mutex_unlock_(struct plat_mutex *m, const struct plat_site *site) {
  struct model_thread *self = model.running;
  check_initialised(m);
  if (m->owner != self) rt_die("%s is unlocked by a thread that does not hold it", m->name);
  plat_step(PLAT_OP_UNLOCK, m, site);
  rt_held_remove(&self->held, m);
  m->owner = NULL;
  struct model_thread *waiter = m->first;
  m->first = m->last = NULL;
  while (waiter != NULL) {
    struct model_thread *next = waiter->next_waiter;
    model_ready(waiter, plat_model_hot.clock_ps);
    waiter = next;
  }
}

/* ---- notes ----------------------------------------------------------------------------------- */

void plat_note_init(struct plat_note *n) { *n = (struct plat_note){.ready = true}; }

void plat_note_destroy(struct plat_note *n) {
  rt_assert(n->ready);
  if (n->waiter != NULL) rt_die("a note is destroyed while %s waits for it", n->waiter->name);
  n->ready = false;
}

static uint64_t to_ps(uint64_t ns) {
  return ns > UINT64_MAX / PS_PER_NS ? UINT64_MAX : ns * PS_PER_NS;
}

static bool wait_for_token(struct plat_note *n, uint64_t deadline_ps, enum plat_op kind,
                           const struct plat_site *site) {
  struct model_thread *self = model.running;
  rt_assert(n->ready);
  self->wants = n;
  self->deadline_ps = deadline_ps;
  plat_step(kind, n, site);
  if (n->waiter != NULL) rt_die("%s and %s wait for one note", self->name, n->waiter->name);
  if (!n->token && plat_model_hot.clock_ps < deadline_ps) {
    n->waiter = self;
    model_block(deadline_ps);
    n->waiter = NULL;
  }
  bool taken = n->token;
  rt_assert(taken || plat_model_hot.clock_ps >= deadline_ps);
  n->token = false;
  return taken;
}

void plat_note_wait_(struct plat_note *n, const struct plat_site *site) {
  bool taken = wait_for_token(n, UINT64_MAX, PLAT_OP_WAIT, site);
  rt_assert(taken);
}

bool plat_note_wait_until_(struct plat_note *n, uint64_t deadline_ns,
                           const struct plat_site *site) {
  return wait_for_token(n, to_ps(deadline_ns), PLAT_OP_WAIT_UNTIL, site);
}

void plat_note_wake_(struct plat_note *n, const struct plat_site *site) {
  rt_assert(n->ready);
  plat_step(PLAT_OP_WAKE, n, site);
  bool was_blocked = n->waiter != NULL && n->waiter->state != MODEL_RUNNABLE;
  n->token = true;
  if (!was_blocked) return;
  model_ready(n->waiter, plat_model_hot.clock_ps + plat_model_hot.cost_ps[PLAT_COST_wake]);
  plat_charge(PLAT_COST_wake_call, 1);
}

void plat_note_clear_(struct plat_note *n, const struct plat_site *site) {
  rt_assert(n->ready);
  plat_step(PLAT_OP_CLEAR, n, site);
  if (n->waiter != NULL) rt_die("a note is cleared while %s waits for it", n->waiter->name);
  n->token = false;
}

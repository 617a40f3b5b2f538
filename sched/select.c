/* The select statement (Go 1.19, F6.14.6). */
#include "runtime/check.h"
#include "sched/chan.h"

/* Cases with a channel, in two orders. */
struct orders {
  struct go_select_case *cases;
  uint32_t count;
  uint8_t poll[GO_SELECT_MAX];  /* which to look at first: random */
  uint8_t lock[GO_SELECT_MAX];  /* by channel number, so that two selects cannot deadlock */
};

static void make_orders(struct go_g *g, struct orders *o, struct go_select_case *cases,
                        uint32_t count) {
  o->cases = cases;
  o->count = 0;
  for (uint32_t i = 0; i < count; i++) {
    if (cases[i].ch == NULL) continue;
    uint32_t j = rng_fastrandn(&g->mu.p->fastrand, o->count + 1);
    o->poll[o->count] = o->poll[j];
    o->poll[j] = (uint8_t)i;
    uint32_t at = o->count++;
    for (; at > 0 && cases[o->lock[at - 1]].ch->number > cases[i].ch->number; at--)
      o->lock[at] = o->lock[at - 1];
    o->lock[at] = (uint8_t)i;
  }
}

static struct go_chan *lock_chan(const struct orders *o, uint32_t k) {
  return o->cases[o->lock[k]].ch;
}

static void lock_all(const struct orders *o) {
  for (uint32_t k = 0; k < o->count; k++)
    if (k == 0 || lock_chan(o, k) != lock_chan(o, k - 1))
      plat_mutex_lock_same_rank(&lock_chan(o, k)->lock);
}

static void unlock_all(const struct orders *o) {
  for (uint32_t k = o->count; k-- > 0;)
    if (k == 0 || lock_chan(o, k) != lock_chan(o, k - 1)) plat_mutex_unlock(&lock_chan(o, k)->lock);
}

/* Called on g0 when a select has left its stack. Once the first channel is unlocked a partner may
 * ready g, but g then begins by locking all channels, so the waiters stay until the last unlock. */
void go_select_unlock(struct go_g *g) {
  struct go_waiter *w = g->waiters;
  uint32_t count = g->waiter_count;
  for (uint32_t k = 0; k < count; k++) {
    struct go_chan *ch = w[k].ch;
    if (k + 1 == count || w[k + 1].ch != ch) plat_mutex_unlock(&ch->lock);
  }
}

/* With all channels locked: runs the first case in poll order that can. Returns its index, or -1;
 * everything is still locked. */
static int try_all_locked(struct go_g *g, const struct orders *o, enum go_chan_result *result,
                          struct go_g **wake) {
  for (uint32_t k = 0; k < o->count; k++) {
    struct go_select_case *c = &o->cases[o->poll[k]];
    *result = c->is_send ? go_chan_give_locked(g, c->ch, c->value, wake)
                         : go_chan_take_locked(g, c->ch, c->value, wake);
    if (*result != GO_CHAN_BLOCKED) return o->poll[k];
  }
  return -1;
}

/* Waits in all channels, which are locked and are unlocked on return. Returns the case whose
 * partner or close woke it; *result tells which of the two. */
static int wait_all_locked(struct go_g *g, const struct orders *o, enum go_chan_result *result) {
  struct go_waiter waiters[GO_SELECT_MAX];
  for (uint32_t k = 0; k < o->count; k++) {
    const struct go_select_case *c = &o->cases[o->lock[k]];
    waiters[k] = (struct go_waiter){.g = g, .elem = c->value, .is_select = true};
    go_chan_wait_locked(c->ch, &waiters[k], c->is_send);
  }
  at_u32_store_relaxed(&g->select_done, 0); /* all channels are locked */
  g->woken_by = NULL;
  g->waiters = waiters;
  g->waiter_count = o->count;
  g->park_is_select = true;
  go_park(g, NULL, "select");
  lock_all(o);
  g->waiters = NULL;
  g->waiter_count = 0;
  int index = -1;
  for (uint32_t k = 0; k < o->count; k++) {
    const struct go_select_case *c = &o->cases[o->lock[k]];
    go_chan_forget_locked(c->ch, &waiters[k], c->is_send);
    if (&waiters[k] != g->woken_by) continue;
    index = o->lock[k];
    *result = waiters[k].success ? GO_CHAN_DONE : GO_CHAN_CLOSED;
  }
  unlock_all(o);
  rt_assert(index >= 0);
  return index;
}

int go_select(struct go_g *g, struct go_select_case *cases, uint32_t count, bool block,
              bool *received) {
  rt_assert(count <= GO_SELECT_MAX);
  struct orders orders;
  make_orders(g, &orders, cases, count);
  if (orders.count == 0) {
    if (!block) return -1;
    go_park(g, NULL, "select (no cases)");
    rt_die("a select without cases was woken");
  }
  enum go_chan_result result = GO_CHAN_BLOCKED;
  struct go_g *wake = NULL;
  lock_all(&orders);
  int index = try_all_locked(g, &orders, &result, &wake);
  if (index < 0 && block) {
    index = wait_all_locked(g, &orders, &result);
  } else {
    unlock_all(&orders);
    if (wake != NULL) go_ready(g, wake);
  }
  if (index < 0) return index;
  if (cases[index].is_send && result == GO_CHAN_CLOSED) go_chan_send_on_closed();
  if (received != NULL) *received = !cases[index].is_send && result == GO_CHAN_DONE;
  return index;
}

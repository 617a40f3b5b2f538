/* Time, blocking, control flow. */
#include "sims/platform.h"
#include "sims/workload_int.h"

enum { COMPUTE_STEP_NS = 1000 };

void wl_compute(struct wl_go *w, const struct wl_op *op) {
  struct wl_state *st = &w->states[op->state];
  for (uint64_t i = 0; i < op->count; i++) {
    for (uint64_t left = op->source->ns, ns; left > 0; left -= ns) {
      ns = left < 2 * COMPUTE_STEP_NS ? left : COMPUTE_STEP_NS;
      st->sum = sim_platform_compute(ns, st->sum);
      if (op->source->safepoints) gc_poll(go_mu(w->g));
      wl_observe(w);
    }
    wl_finish_op(w);
    wl_publish(w, 1);
  }
  st->done += op->count;
}

void wl_sleep(struct wl_go *w, const struct wl_op *op) {
  for (uint64_t i = 0; i < op->count; i++) {
    uint64_t blocked_ns = go_blocked_ns(w->g);
    go_sleep_ns(w->g, op->source->ns);
    wl_observe_blocking(w, blocked_ns);
    wl_publish(w, 1);
  }
  w->states[op->state].done += op->count;
}

void wl_chan_send(struct wl_go *w, const struct wl_op *op) {
  struct wl_state *st = &w->states[op->state];
  for (uint64_t i = 0; i < op->count; i++) {
    uint64_t blocked_ns = go_blocked_ns(w->g);
    uint64_t value = st->done;
    go_chan_send(w->g, op->channel->chan, &value);
    st->done++;
    plat_charge(PLAT_COST_op, 1);
    gc_poll(go_mu(w->g));
    wl_observe_blocking(w, blocked_ns);
    wl_publish(w, 1);
  }
}

void wl_chan_recv(struct wl_go *w, const struct wl_op *op) {
  struct wl_state *st = &w->states[op->state];
  for (uint64_t i = 0; i < op->count; i++) {
    uint64_t blocked_ns = go_blocked_ns(w->g);
    uint64_t value = 0;
    bool is_open = go_chan_recv(w->g, op->channel->chan, &value);
    plat_charge(PLAT_COST_op, 1);
    gc_poll(go_mu(w->g));
    wl_observe_blocking(w, blocked_ns);
    if (!is_open) return;
    st->done++;
    st->sum += value;
    wl_publish(w, 1);
  }
}

void wl_chan_close(struct wl_go *w, const struct wl_op *op) {
  for (uint64_t i = 0; i < op->count; i++) {
    go_chan_close(w->g, op->channel->chan);
    wl_finish_op(w);
    wl_publish(w, 1);
  }
  w->states[op->state].done += op->count;
}

void wl_lock(struct wl_go *w, const struct wl_op *op) {
  for (uint64_t i = 0; i < op->count; i++) {
    uint64_t blocked_ns = go_blocked_ns(w->g);
    go_mutex_lock(w->g, op->mutex);
    if (go_blocked_ns(w->g) != blocked_ns) wl_observe_blocking(w, blocked_ns);
    wl_run_body(w, op->body, op->body_count);
    go_mutex_unlock(w->g, op->mutex);
    plat_charge(PLAT_COST_op, 1);
    gc_poll(go_mu(w->g));
  }
  w->states[op->state].done += op->count;
}

static void loop_for(struct wl_go *w, const struct wl_op *op) {
  uint64_t begin = plat_ticks();
  do {
    wl_run_body(w, op->body, op->body_count);
    plat_charge(PLAT_COST_op, 1);
    gc_poll(go_mu(w->g));
    w->states[op->state].done++;
  } while (plat_ticks_to_ns(plat_ticks() - begin) < op->source->duration_ns);
}

void wl_loop(struct wl_go *w, const struct wl_op *op) {
  if (op->source->duration_ns != 0) {
    loop_for(w, op);
    return;
  }
  for (uint64_t i = 0; i < op->count; i++) {
    wl_run_body(w, op->body, op->body_count);
    plat_charge(PLAT_COST_op, 1);
    gc_poll(go_mu(w->g));
  }
  w->states[op->state].done += op->count;
}

/* The caller asked to wait for the whole cycle: no gap is recorded for it. */
void wl_gc(struct wl_go *w, const struct wl_op *op) {
  for (uint64_t i = 0; i < op->count; i++) {
    gc_collect(go_mu(w->g));
    w->last_ticks = plat_ticks();
    wl_publish(w, 1);
  }
  w->states[op->state].done += op->count;
}

void wl_yield(struct wl_go *w, const struct wl_op *op) {
  for (uint64_t i = 0; i < op->count; i++) {
    go_yield(w->g);
    wl_finish_op(w);
    wl_publish(w, 1);
  }
  w->states[op->state].done += op->count;
}

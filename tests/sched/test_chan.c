/* Channels and select. Covers INV sched.chan and sched.chan.frames. */
#include <stdio.h>
#include <string.h>

#include "sched/chan.h"
#include "support.h"

static PLAT_STATE struct gc_type word_type = {.name = "word", .size = 8};
static const uint64_t node_mask[] = {1};
static PLAT_STATE struct gc_type node_type = {
    .name = "node", .size = 24, .ptrdata = 8, .mask = node_mask};
static const uint64_t ref_mask[] = {1};
static PLAT_STATE struct gc_type ref_type = {
    .name = "ref", .size = 8, .ptrdata = 8, .mask = ref_mask};

static void register_types(void) {
  gc_type_register(&word_type);
  gc_type_register(&node_type);
  gc_type_register(&ref_type);
}

/* ---- many producers, many consumers: nothing lost, nothing doubled, order per producer ------- */

enum { MOST = 8 };

struct traffic {
  struct go_chan *ch;
  uint64_t capacity;
  uint32_t producers, consumers;
  uint64_t per_producer;
  bool pointers;
  struct go_waitgroup producing, consuming;
  uint64_t last[MOST][MOST];  /* by consumer, then producer: last number seen, plus 1 */
  uint64_t got[MOST];
};

struct worker {
  struct traffic *t;
  uint32_t index;
};

static void producer(struct go_g *g, void *arg, void *heap_arg) {
  struct worker *w = arg;
  struct traffic *t = w->t;
  GC_ROOTS(&g->mu, root, 2);
  root[0] = heap_arg;
  for (uint64_t i = 0; i < t->per_producer; i++) {
    uint64_t number = (uint64_t)w->index << 32 | i;
    if (t->pointers) {
      uint64_t *node = gc_alloc(&g->mu, &node_type);
      node[1] = number;
      root[1] = node;
      go_chan_send(g, root[0], &root[1]);
    } else {
      go_chan_send(g, root[0], &number);
    }
    if (i % 16 == 0) gc_poll(&g->mu);
  }
  GC_ROOTS_END(&g->mu, root);
  go_waitgroup_done(g, &t->producing);
}

static void consumer(struct go_g *g, void *arg, void *heap_arg) {
  struct worker *w = arg;
  struct traffic *t = w->t;
  GC_ROOTS(&g->mu, root, 2);
  root[0] = heap_arg;
  for (;;) {
    uint64_t number = 0;
    if (!go_chan_recv(g, root[0], t->pointers ? (void *)&root[1] : &number)) break;
    if (t->pointers) number = ((uint64_t *)root[1])[1];
    uint64_t from = number >> 32, i = number & UINT32_MAX;
    rt_assert(from < t->producers);
    rt_assert(i + 1 > t->last[w->index][from]);
    t->last[w->index][from] = i + 1;
    t->got[w->index]++;
  }
  rt_assert(!t->pointers || root[1] == NULL); /* closed: the zero value */
  GC_ROOTS_END(&g->mu, root);
  go_waitgroup_done(g, &t->consuming);
}

static void traffic_main(struct go_g *g, void *arg, void *heap_arg) {
  struct traffic *t = arg;
  struct worker producers[MOST], consumers[MOST];
  (void)heap_arg;
  register_types();
  GC_ROOTS(&g->mu, root, 1);
  root[0] = go_chan_new(g, t->pointers ? &ref_type : &word_type, t->capacity);
  go_waitgroup_add(g, &t->producing, (int32_t)t->producers);
  go_waitgroup_add(g, &t->consuming, (int32_t)t->consumers);
  for (uint32_t i = 0; i < t->producers; i++) {
    producers[i] = (struct worker){t, i};
    go_spawn(g, "producer", producer, &producers[i], root[0]);
  }
  for (uint32_t i = 0; i < t->consumers; i++) {
    consumers[i] = (struct worker){t, i};
    go_spawn(g, "consumer", consumer, &consumers[i], root[0]);
  }
  go_waitgroup_wait(g, &t->producing);
  go_chan_close(g, root[0]);
  go_waitgroup_wait(g, &t->consuming);
  GC_ROOTS_END(&g->mu, root);
  uint64_t got = 0;
  for (uint32_t i = 0; i < t->consumers; i++) got += t->got[i];
  rt_assert(got == t->producers * t->per_producer);
}

static void test_traffic(void **state) {
  (void)state;
  static const uint64_t capacities[] = {0, 1, 7, 100};
  uint64_t count = test_scaled(test_is_model ? 40 : 1500);
  TEST_FOR_PROCS(procs) {
    for (int c = 0; c < 4; c++) {
      for (int pointers = 0; pointers < 2; pointers++) {
        struct traffic t = {.capacity = capacities[c], .producers = 4, .consumers = 3,
                            .per_producer = count, .pointers = pointers != 0};
        test_go(procs, traffic_main, &t);
      }
    }
  }
}

/* ---- one goroutine against a reference queue ------------------------------------------------- */

static void reference_main(struct go_g *g, void *arg, void *heap_arg) {
  uint64_t capacity = *(uint64_t *)arg, rng = capacity + 1;
  uint64_t queue[64], head = 0, tail = 0, serial = 0;
  (void)heap_arg;
  register_types();
  GC_ROOTS(&g->mu, root, 1);
  struct go_chan *ch = root[0] = go_chan_new(g, &word_type, capacity);
  for (int i = 0; i < 2000; i++) {
    uint64_t v = ++serial;
    bool open;
    if (rng_fastrandn(&rng, 2) == 0) {
      bool sent = go_chan_try_send(g, ch, &v);
      rt_assert(sent == (tail - head < capacity));
      if (sent) queue[tail++ % 64] = v;
    } else {
      bool received = go_chan_try_recv(g, ch, &v, &open);
      rt_assert(received == (tail != head) && open);
      if (received) rt_assert(v == queue[head++ % 64]);
    }
    rt_assert(go_chan_len(ch) == tail - head);
  }
  go_chan_close(g, ch); /* what is in it can still be taken */
  for (; head != tail; head++) {
    uint64_t v;
    rt_assert(go_chan_recv(g, ch, &v) && v == queue[head % 64]);
  }
  uint64_t v = 5;
  bool open;
  rt_assert(!go_chan_recv(g, ch, &v) && v == 0);
  rt_assert(!go_chan_try_recv(g, ch, NULL, &open) && !open);
  GC_ROOTS_END(&g->mu, root);
}

static void test_reference(void **state) {
  (void)state;
  static uint64_t capacities[] = {0, 1, 2, 5, 64};
  for (int i = 0; i < 5; i++) test_go(1, reference_main, &capacities[i]);
}

/* ---- the pointer map of a buffer is exact ---------------------------------------------------- */

static void buffer_main(struct go_g *g, void *arg, void *heap_arg) {
  (void)arg, (void)heap_arg;
  register_types();
  GC_ROOTS(&g->mu, root, 4);
  struct go_chan *ch = root[0] = go_chan_new(g, &node_type, 3);
  rt_assert(ch->buffer != NULL);
  for (uint64_t i = 0; i < 5; i++) { /* around the end of the ring */
    uint64_t *inner = gc_alloc(&g->mu, &node_type);
    inner[1] = i;
    root[1] = inner;
    root[2] = (void *)(uintptr_t)(i * 7);
    root[3] = (void *)(uintptr_t)(i * 9);
    go_chan_send(g, ch, &root[1]);
    memset(&root[1], 0, 24);
    if (i == 0) continue;
    rt_assert(go_chan_recv(g, ch, &root[1]));
    rt_assert(((uint64_t *)root[1])[1] == i - 1);
    rt_assert(root[2] == (void *)(uintptr_t)((i - 1) * 7));
  }
  rt_assert(go_chan_len(ch) == 1);
  /* A place that was emptied holds no pointer any more. */
  uint32_t used = ch->recv_index;
  for (uint32_t i = 0; i < 3; i++)
    rt_assert((((void **)ch->buffer)[3 * i] == NULL) == (i != used));
  GC_ROOTS_END(&g->mu, root);
}

/* The checker of INV sched.chan sees each way to break it. */
static void check_main(struct go_g *g, void *arg, void *heap_arg) {
  struct go_waiter waiter = {.g = g};
  (void)arg, (void)heap_arg;
  register_types();
  GC_ROOTS(&g->mu, root, 1);
  struct go_chan *ch = root[0] = go_chan_new(g, &word_type, 2);
  rt_assert(go_chan_check_locked(ch));
  go_chan_wait_locked(ch, &waiter, true); /* a sender waits beside a free place */
  rt_assert(!go_chan_check_locked(ch));
  go_chan_forget_locked(ch, &waiter, true);
  go_chan_wait_locked(ch, &waiter, false);
  rt_assert(go_chan_check_locked(ch));
  at_u64_store_relaxed(&ch->count, 1); /* a receiver waits beside a value */
  rt_assert(!go_chan_check_locked(ch));
  at_u64_store_relaxed(&ch->count, 0);
  at_u32_store_relaxed(&ch->closed, 1); /* somebody waits in a closed channel */
  rt_assert(!go_chan_check_locked(ch));
  go_chan_forget_locked(ch, &waiter, false);
  rt_assert(go_chan_check_locked(ch));
  at_u64_store_relaxed(&ch->count, 3); /* more than there is room for */
  rt_assert(!go_chan_check_locked(ch));
  GC_ROOTS_END(&g->mu, root);
}

static void test_check(void **state) {
  (void)state;
  test_go(1, check_main, NULL);
}

static void test_buffer(void **state) {
  (void)state;
  test_go(1, buffer_main, NULL);
}

/* ---- order of waking by close (F6.14.4) ------------------------------------------------------ */

struct closing {
  struct go_chan *ch;
  uint32_t order[8];
  uint32_t queued, woken;
  struct go_waitgroup done;
};

struct closing_member {
  struct closing *c;
  uint32_t index;
};

static void close_receiver(struct go_g *g, void *arg, void *heap_arg) {
  struct closing_member *m = arg;
  (void)heap_arg;
  uint64_t v = 9;
  m->c->queued++; /* one P: nobody sees it before this goroutine has parked */
  rt_assert(!go_chan_recv(g, m->c->ch, &v) && v == 0);
  m->c->order[m->c->woken++] = m->index;
  go_waitgroup_done(g, &m->c->done);
}

static void close_main(struct go_g *g, void *arg, void *heap_arg) {
  struct closing *c = arg;
  struct closing_member member[4];
  (void)heap_arg;
  register_types();
  GC_ROOTS(&g->mu, root, 1);
  root[0] = c->ch = go_chan_new(g, &word_type, 0);
  go_waitgroup_add(g, &c->done, 4);
  for (uint32_t i = 0; i < 4; i++) {
    member[i] = (struct closing_member){c, i};
    go_spawn(g, "receiver", close_receiver, &member[i], NULL);
    while (c->queued <= i) go_yield(g); /* so that they queue in this order */
  }
  go_chan_close(g, c->ch);
  go_waitgroup_wait(g, &c->done);
  GC_ROOTS_END(&g->mu, root);
}

/* The oldest receiver ends in runnext; the others were pushed out of it newest first. */
static void test_close_order(void **state) {
  (void)state;
  struct closing c = {0};
  test_go(1, close_main, &c);
  static const uint32_t want[] = {0, 3, 2, 1};
  assert_memory_equal(c.order, want, sizeof want);
}

/* ---- select ---------------------------------------------------------------------------------- */

enum { CASES = 4 };

struct selecting {
  uint64_t per_channel;
  uint64_t got[CASES];
  struct go_waitgroup done;
};

struct feeder {
  struct selecting *s;
  uint32_t index;
};

static void feed(struct go_g *g, void *arg, void *heap_arg) {
  struct feeder *f = arg;
  for (uint64_t i = 0; i < f->s->per_channel; i++) {
    uint64_t v = (uint64_t)f->index << 32 | i;
    go_chan_send(g, heap_arg, &v);
  }
  go_chan_close(g, heap_arg);
}

static void drain_one(struct go_g *g, void *arg, void *heap_arg) {
  struct selecting *s = arg;
  GC_ROOTS(&g->mu, ch, CASES);
  for (int i = 0; i < CASES; i++) ch[i] = ((void **)heap_arg)[i];
  struct go_select_case cases[CASES];
  uint64_t value;
  uint32_t open = CASES;
  for (int i = 0; i < CASES; i++) cases[i] = (struct go_select_case){ch[i], &value, false};
  uint64_t got[CASES] = {0};
  while (open > 0) {
    bool received;
    int i = go_select(g, cases, CASES, true, &received);
    rt_assert(i >= 0 && i < CASES);
    if (received) {
      rt_assert(value >> 32 == (uint64_t)i);
      got[i]++;
    } else {
      rt_assert(value == 0);
      cases[i].ch = NULL;
      open--;
    }
  }
  rt_assert(go_select(g, cases, CASES, false, NULL) == -1);
  static struct go_mutex lock;
  go_mutex_lock(g, &lock);
  for (int i = 0; i < CASES; i++) s->got[i] += got[i];
  go_mutex_unlock(g, &lock);
  GC_ROOTS_END(&g->mu, ch);
  go_waitgroup_done(g, &s->done);
}

static const uint64_t four_mask[] = {15};
static PLAT_STATE struct gc_type four_type = {
    .name = "four", .size = 32, .ptrdata = 32, .mask = four_mask};

static void select_main(struct go_g *g, void *arg, void *heap_arg) {
  struct selecting *s = arg;
  struct feeder feeders[CASES];
  (void)heap_arg;
  register_types();
  gc_type_register(&four_type);
  GC_ROOTS(&g->mu, root, 2);
  root[0] = gc_alloc(&g->mu, &four_type);
  for (uint32_t i = 0; i < CASES; i++) {
    root[1] = go_chan_new(g, &word_type, i == 0 ? 0 : 3 * i);
    gc_store(&g->mu, &((void **)root[0])[i], root[1]);
    feeders[i] = (struct feeder){s, i};
    go_spawn(g, "feed", feed, &feeders[i], root[1]);
  }
  go_waitgroup_add(g, &s->done, 2);
  for (int i = 0; i < 2; i++) go_spawn(g, "drain", drain_one, s, root[0]);
  go_waitgroup_wait(g, &s->done);
  GC_ROOTS_END(&g->mu, root);
}

static void test_select(void **state) {
  (void)state;
  TEST_FOR_PROCS(procs) {
    struct selecting s = {.per_channel = test_scaled(test_is_model ? 50 : 2000)};
    test_go(procs, select_main, &s);
    for (int i = 0; i < CASES; i++) assert_int_equal(s.got[i], s.per_channel);
  }
}

/* With all cases always ready each is chosen about as often as the others. */
static void fair_main(struct go_g *g, void *arg, void *heap_arg) {
  uint64_t *chosen = arg;
  (void)heap_arg;
  register_types();
  GC_ROOTS(&g->mu, ch, CASES);
  struct go_select_case cases[CASES];
  uint64_t v = 1;
  for (int i = 0; i < CASES; i++) {
    ch[i] = go_chan_new(g, &word_type, 1);
    cases[i] = (struct go_select_case){ch[i], &v, i % 2 == 0};
    if (i % 2 != 0) go_chan_send(g, ch[i], &v);
  }
  for (int round = 0; round < 4000; round++) {
    int i = go_select(g, cases, CASES, round % 2 == 0, NULL);
    rt_assert(i >= 0);
    chosen[i]++;
    if (i % 2 == 0)
      rt_assert(go_chan_recv(g, ch[i], &v));
    else
      go_chan_send(g, ch[i], &v);
  }
  GC_ROOTS_END(&g->mu, ch);
}

static void test_fairness(void **state) {
  (void)state;
  uint64_t chosen[CASES] = {0};
  test_go(1, fair_main, chosen);
  /* 4000 throws of a fair die with 4 sides: 1000 +- 27 each; 7 deviations never happen. */
  for (int i = 0; i < CASES; i++) assert_in_range(chosen[i], 810, 1190);
}

/* Two selects that send and receive on the same two channels in opposite orders. */
struct crossing {
  uint64_t rounds;
  struct go_waitgroup done;
};

static void cross(struct go_g *g, void *arg, void *heap_arg) {
  struct crossing *c = arg;
  GC_ROOTS(&g->mu, ch, 2);
  ch[0] = ((void **)heap_arg)[0];
  ch[1] = ((void **)heap_arg)[1];
  uint64_t out = 1, in;
  uint64_t sent = 0, received = 0;
  while (sent < c->rounds || received < c->rounds) {
    struct go_select_case cases[2] = {
        {sent < c->rounds ? ch[0] : NULL, &out, true},
        {received < c->rounds ? ch[1] : NULL, &in, false},
    };
    if (sent % 2 != 0) { /* the order of the cases must not matter */
      struct go_select_case swap = cases[0];
      cases[0] = cases[1];
      cases[1] = swap;
    }
    int i = go_select(g, cases, 2, true, NULL);
    if (cases[i].is_send)
      sent++;
    else
      received++;
  }
  GC_ROOTS_END(&g->mu, ch);
  go_waitgroup_done(g, &c->done);
}

static void cross_main(struct go_g *g, void *arg, void *heap_arg) {
  struct crossing *c = arg;
  (void)heap_arg;
  register_types();
  gc_type_register(&four_type);
  GC_ROOTS(&g->mu, root, 4);
  root[0] = go_chan_new(g, &word_type, 0);
  root[1] = go_chan_new(g, &word_type, 0);
  root[2] = gc_alloc(&g->mu, &four_type);
  root[3] = gc_alloc(&g->mu, &four_type);
  for (int i = 0; i < 2; i++) {
    gc_store(&g->mu, &((void **)root[2])[i], root[i]);
    gc_store(&g->mu, &((void **)root[3])[i], root[1 - i]);
  }
  go_waitgroup_add(g, &c->done, 4);
  for (int i = 0; i < 4; i++) go_spawn(g, "cross", cross, c, root[2 + i % 2]);
  go_waitgroup_wait(g, &c->done);
  GC_ROOTS_END(&g->mu, root);
}

static void test_crossing(void **state) {
  (void)state;
  TEST_FOR_PROCS(procs) {
    struct crossing c = {.rounds = test_scaled(test_is_model ? 50 : 2000)};
    test_go(procs, cross_main, &c);
  }
}

/* ---- what the program must not do ------------------------------------------------------------ */

enum wrong { SEND_CLOSED, CLOSE_NIL, CLOSE_CLOSED, WAKE_SENDER, NIL_SEND, NIL_RECV, SELECT_NONE,
             SELECT_SEND_CLOSED, TRY_SEND_CLOSED };

static void wrong_sender(struct go_g *g, void *arg, void *heap_arg) {
  uint64_t v = 1;
  (void)arg;
  go_chan_send(g, heap_arg, &v);
}

static void wrong_main(struct go_g *g, void *arg, void *heap_arg) {
  enum wrong wrong = *(enum wrong *)arg;
  uint64_t v = 1;
  (void)heap_arg;
  register_types();
  GC_ROOTS(&g->mu, root, 1);
  struct go_chan *ch = root[0] = go_chan_new(g, &word_type, 0);
  if (wrong == CLOSE_NIL) go_chan_close(g, NULL);
  if (wrong == NIL_SEND) go_chan_send(g, NULL, &v);
  if (wrong == NIL_RECV) go_chan_recv(g, NULL, &v);
  if (wrong == SELECT_NONE) go_select(g, NULL, 0, true, NULL);
  if (wrong == WAKE_SENDER) {
    go_spawn(g, "sender", wrong_sender, NULL, ch);
    go_sleep_ns(g, 1000000);
  }
  go_chan_close(g, ch);
  if (wrong == WAKE_SENDER) go_sleep_ns(g, 1000000000);
  if (wrong == SEND_CLOSED) go_chan_send(g, ch, &v);
  if (wrong == TRY_SEND_CLOSED) go_chan_try_send(g, ch, &v);
  if (wrong == CLOSE_CLOSED) go_chan_close(g, ch);
  if (wrong == SELECT_SEND_CLOSED) {
    struct go_select_case send = {ch, &v, true};
    go_select(g, &send, 1, true, NULL);
  }
  GC_ROOTS_END(&g->mu, root);
}

static void test_wrong(void **state) {
  (void)state;
  static const struct {
    enum wrong wrong;
    int kind;
    const char *message;
  } rows[] = {
      {SEND_CLOSED, RT_END_FATAL, "send on closed channel"},
      {TRY_SEND_CLOSED, RT_END_FATAL, "send on closed channel"},
      {SELECT_SEND_CLOSED, RT_END_FATAL, "send on closed channel"},
      {WAKE_SENDER, RT_END_FATAL, "send on closed channel"},
      {CLOSE_NIL, RT_END_FATAL, "close of nil channel"},
      {CLOSE_CLOSED, RT_END_FATAL, "close of closed channel"},
      {NIL_SEND, RT_END_DEADLOCK, "all goroutines are asleep - deadlock!"},
      {NIL_RECV, RT_END_DEADLOCK, "all goroutines are asleep - deadlock!"},
      {SELECT_NONE, RT_END_DEADLOCK, "all goroutines are asleep - deadlock!"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    enum wrong wrong = rows[i].wrong;
    struct test_death death = test_die(1 + (uint32_t)i % 3, wrong_main, &wrong);
    assert_false(death.exited);
    assert_string_equal(death.message, rows[i].message);
    assert_int_equal(death.kind, rows[i].kind);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_reference),   cmocka_unit_test(test_buffer),
      cmocka_unit_test(test_close_order), cmocka_unit_test(test_traffic),
      cmocka_unit_test(test_select),      cmocka_unit_test(test_fairness),
      cmocka_unit_test(test_crossing),    cmocka_unit_test(test_wrong),
      cmocka_unit_test(test_check),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

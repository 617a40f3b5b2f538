#include "sched/chan.h"

#include "runtime/check.h"
#include "runtime/lockrank.h"

enum { ELEM_BYTES_MAX = 65535 };
static const uint64_t CHAN_BYTES_MAX = 1ULL << 47;

/* Only `buffer`, the first word, is a heap pointer. */
static const uint64_t chan_mask[] = {1};
static PLAT_STATE struct gc_type chan_type = {
    .name = "chan", .size = sizeof(struct go_chan), .ptrdata = 8, .mask = chan_mask};

void go_chan_init(void) {
  _Static_assert(offsetof(struct go_chan, buffer) == 0, "chan_mask says so");
  gc_type_register(&chan_type);
}

struct go_chan *go_chan_new(struct go_g *g, const struct gc_type *elem, uint64_t capacity) {
  rt_assert(elem->size <= ELEM_BYTES_MAX);
  if (elem->size != 0 && capacity > CHAN_BYTES_MAX / elem->size)
    rt_fatal(RT_END_FATAL, "makechan: size out of range");
  bool separate = elem->ptrdata != 0 && capacity != 0;
  struct go_chan *ch;
  if (separate) {
    GC_ROOTS(&g->mu, root, 1);
    root[0] = gc_alloc(&g->mu, &chan_type);
    void *buffer = gc_alloc_array(&g->mu, elem, capacity);
    ch = root[0];
    gc_store(&g->mu, &ch->buffer, buffer);
    GC_ROOTS_END(&g->mu, root);
  } else {
    ch = gc_alloc_bytes(&g->mu, sizeof *ch + capacity * elem->size);
  }
  ch->elem = elem;
  ch->capacity = capacity;
  ch->number = at_u64_add_relaxed(&go_sched.next_chan, 1); /* unique is enough */
  plat_mutex_init(&ch->lock, RT_RANK_CHAN, "channel");
  return ch;
}

uint64_t go_chan_len(const struct go_chan *ch) {
  return ch == NULL ? 0 : at_u64_load_relaxed(&ch->count); /* a count at some moment */
}

bool go_chan_check_locked(const struct go_chan *ch) {
  uint64_t count = at_u64_load_relaxed(&ch->count); /* under lock */
  bool closed = at_u32_load_relaxed(&ch->closed) != 0;
  return count <= ch->capacity && (ch->recv.first == NULL || count == 0) &&
         (ch->send.first == NULL || count == ch->capacity) &&
         (!closed || (ch->recv.first == NULL && ch->send.first == NULL));
}

/* ---- waiters --------------------------------------------------------------------------------- */

void go_chan_wait_locked(struct go_chan *ch, struct go_waiter *w, bool is_send) {
  struct go_wait_list *list = is_send ? &ch->send : &ch->recv;
  w->ch = ch;
  w->next = NULL;
  w->prev = list->last;
  if (list->last == NULL)
    list->first = w;
  else
    list->last->next = w;
  list->last = w;
}

static void unlink_locked(struct go_wait_list *list, struct go_waiter *w) {
  if (w->prev == NULL)
    list->first = w->next;
  else
    w->prev->next = w->next;
  if (w->next == NULL)
    list->last = w->prev;
  else
    w->next->prev = w->prev;
  w->next = w->prev = NULL;
}

void go_chan_forget_locked(struct go_chan *ch, struct go_waiter *w, bool is_send) {
  struct go_wait_list *list = is_send ? &ch->send : &ch->recv;
  if (w->prev != NULL || w->next != NULL || list->first == w) unlink_locked(list, w);
}

/* The first waiter that is not a select already served by another channel. */
static struct go_waiter *dequeue_locked(struct go_wait_list *list) {
  for (;;) {
    struct go_waiter *w = list->first;
    if (w == NULL) return NULL;
    unlink_locked(list, w);
    if (!w->is_select) return w;
    uint32_t open = 0;
    if (at_u32_cas_acqrel(&w->g->select_done, &open, 1)) return w; /* pairs with other channels */
  }
}

/* Its goroutine may run, and *w be gone, as soon as it is readied. */
static struct go_g *serve_locked(struct go_waiter *w, bool success) {
  w->success = success;
  w->g->woken_by = w;
  return w->g;
}

/* ---- moving values --------------------------------------------------------------------------- */

static char *place(struct go_chan *ch, uint32_t index) {
  char *base = ch->buffer != NULL ? (char *)gc_load(&ch->buffer) : (char *)(ch + 1);
  return base + (size_t)index * ch->elem->size;
}

static uint32_t after(const struct go_chan *ch, uint32_t index) {
  return index + 1 == ch->capacity ? 0 : index + 1;
}

static void shade(struct go_g *g, const struct gc_type *t, const void *value) {
  for (uint32_t word = 0; word < t->ptrdata / 8; word++) {
    void *pointer;
    if (!gc_type_is_pointer(t, word)) continue;
    memcpy(&pointer, (const char *)value + 8 * (size_t)word, sizeof pointer);
    if (pointer != NULL) gc_shade_handover(&g->mu, pointer);
  }
}

/* Own value into a waiting receiver's memory (sched.chan.frames). */
static void copy_to_waiter(struct go_g *g, const struct gc_type *t, struct go_waiter *w,
                           const void *value) {
  if (w->elem == NULL) return;
  if (t->ptrdata == 0) {
    memcpy(w->elem, value, t->size);
    return;
  }
  shade(g, t, value);
  go_frames_lock(w->g);
  memcpy(w->elem, value, t->size);
  go_frames_unlock(w->g);
}

/* A waiting sender's value into own memory: its frames may not have been scanned, mine may have. */
static void copy_from_waiter(struct go_g *g, const struct gc_type *t, void *out,
                             const struct go_waiter *w) {
  if (out == NULL) return;
  shade(g, t, w->elem);
  memcpy(out, w->elem, t->size);
}

static void fill_place_locked(struct go_g *g, struct go_chan *ch, uint32_t index,
                              const void *value) {
  if (ch->elem->ptrdata == 0)
    memcpy(place(ch, index), value, ch->elem->size);
  else
    gc_copy(&g->mu, ch->elem, place(ch, index), value);
}

static void clear_place_locked(struct go_g *g, struct go_chan *ch, uint32_t index) {
  if (ch->elem->ptrdata == 0)
    memset(place(ch, index), 0, ch->elem->size);
  else
    gc_clear(&g->mu, ch->elem, place(ch, index), 0, ch->elem->size);
}

enum go_chan_result go_chan_give_locked(struct go_g *g, struct go_chan *ch, const void *value,
                                        struct go_g **wake) {
  rt_assert(go_chan_check_locked(ch));
  *wake = NULL;
  if (at_u32_load_relaxed(&ch->closed) != 0) return GO_CHAN_CLOSED; /* under lock */
  struct go_waiter *w = dequeue_locked(&ch->recv);
  if (w != NULL) {
    copy_to_waiter(g, ch->elem, w, value);
    *wake = serve_locked(w, true);
    return GO_CHAN_DONE;
  }
  uint64_t count = at_u64_load_relaxed(&ch->count); /* under lock */
  if (count == ch->capacity) return GO_CHAN_BLOCKED;
  fill_place_locked(g, ch, ch->send_index, value);
  ch->send_index = after(ch, ch->send_index);
  at_u64_store_release(&ch->count, count + 1); /* pairs with the looks without lock */
  return GO_CHAN_DONE;
}

static void take_from_sender_locked(struct go_g *g, struct go_chan *ch, void *out,
                                    struct go_waiter *w) {
  if (ch->capacity == 0) {
    copy_from_waiter(g, ch->elem, out, w);
    return;
  }
  /* The buffer is full: its head is the oldest value, and the sender's takes that place. */
  if (out != NULL) memcpy(out, place(ch, ch->recv_index), ch->elem->size);
  fill_place_locked(g, ch, ch->recv_index, w->elem);
  ch->recv_index = after(ch, ch->recv_index);
  ch->send_index = ch->recv_index;
}

enum go_chan_result go_chan_take_locked(struct go_g *g, struct go_chan *ch, void *out,
                                        struct go_g **wake) {
  rt_assert(go_chan_check_locked(ch));
  *wake = NULL;
  uint64_t count = at_u64_load_relaxed(&ch->count);          /* under lock */
  if (at_u32_load_relaxed(&ch->closed) != 0 && count == 0) { /* under lock */
    if (out != NULL) memset(out, 0, ch->elem->size);
    return GO_CHAN_CLOSED;
  }
  struct go_waiter *w = dequeue_locked(&ch->send);
  if (w != NULL) {
    take_from_sender_locked(g, ch, out, w);
    *wake = serve_locked(w, true);
    return GO_CHAN_DONE;
  }
  if (count == 0) return GO_CHAN_BLOCKED;
  if (out != NULL) memcpy(out, place(ch, ch->recv_index), ch->elem->size);
  clear_place_locked(g, ch, ch->recv_index);
  ch->recv_index = after(ch, ch->recv_index);
  at_u64_store_release(&ch->count, count - 1); /* pairs with the looks without lock */
  return GO_CHAN_DONE;
}

/* ---- operations ------------------------------------------------------------------------------ */

_Noreturn void go_chan_send_on_closed(void) {
  rt_fatal(RT_END_FATAL, "send on closed channel");
}

/* Waits in one channel; releases its lock. True: served by a partner; false: by close. */
static bool wait_one_locked(struct go_g *g, struct go_chan *ch, void *elem, bool is_send) {
  struct go_waiter mine = {.g = g, .elem = elem};
  go_chan_wait_locked(ch, &mine, is_send);
  g->woken_by = NULL;
  go_park(g, &ch->lock, is_send ? "chan send" : "chan receive");
  rt_assert(g->woken_by == &mine);
  g->woken_by = NULL;
  return mine.success;
}

/* After an operation that did not block. */
static void unlock_and_wake(struct go_g *g, struct go_chan *ch, struct go_g *wake) {
  plat_mutex_unlock(&ch->lock);
  if (wake != NULL) go_ready(g, wake);
}

_Noreturn static void wait_for_ever(struct go_g *g, const char *why) {
  go_park(g, NULL, why);
  rt_die("a goroutine that waits for ever was woken");
}

void go_chan_send(struct go_g *g, struct go_chan *ch, const void *value) {
  if (ch == NULL) wait_for_ever(g, "chan send (nil chan)");
  struct go_g *wake;
  plat_mutex_lock(&ch->lock);
  enum go_chan_result result = go_chan_give_locked(g, ch, value, &wake);
  if (result != GO_CHAN_BLOCKED)
    unlock_and_wake(g, ch, wake);
  else if (!wait_one_locked(g, ch, (void *)(uintptr_t)value, true)) /* only read from there */
    result = GO_CHAN_CLOSED;
  if (result == GO_CHAN_CLOSED) go_chan_send_on_closed();
}

bool go_chan_recv(struct go_g *g, struct go_chan *ch, void *out) {
  if (ch == NULL) wait_for_ever(g, "chan receive (nil chan)");
  struct go_g *wake;
  plat_mutex_lock(&ch->lock);
  enum go_chan_result result = go_chan_take_locked(g, ch, out, &wake);
  if (result == GO_CHAN_BLOCKED) return wait_one_locked(g, ch, out, false);
  unlock_and_wake(g, ch, wake);
  return result == GO_CHAN_DONE;
}

bool go_chan_try_send(struct go_g *g, struct go_chan *ch, const void *value) {
  if (ch == NULL) return false;
  /* Full and then still open: a channel does not open again, so there was a moment when it was
   * both. Unbuffered: only the lock tells whether a receiver waits. */
  if (ch->capacity != 0 && at_u64_load_acquire(&ch->count) == ch->capacity && /* fill_place */
      at_u32_load_acquire(&ch->closed) == 0)                                  /* close */
    return false;
  struct go_g *wake;
  plat_mutex_lock(&ch->lock);
  enum go_chan_result result = go_chan_give_locked(g, ch, value, &wake);
  unlock_and_wake(g, ch, wake);
  if (result == GO_CHAN_CLOSED) go_chan_send_on_closed();
  return result == GO_CHAN_DONE;
}

bool go_chan_try_recv(struct go_g *g, struct go_chan *ch, void *out, bool *open) {
  if (open != NULL) *open = true;
  if (ch == NULL) return false;
  struct go_g *wake;
  plat_mutex_lock(&ch->lock);
  enum go_chan_result result = go_chan_take_locked(g, ch, out, &wake);
  unlock_and_wake(g, ch, wake);
  if (open != NULL) *open = result != GO_CHAN_CLOSED;
  return result == GO_CHAN_DONE;
}

/* Moves the goroutines that wait in *list to the front of *woken, and zeroes what they wait for. */
static struct go_g *drain_locked(struct go_chan *ch, struct go_wait_list *list,
                                 struct go_g *woken) {
  for (struct go_waiter *w = dequeue_locked(list); w != NULL; w = dequeue_locked(list)) {
    if (list == &ch->recv && w->elem != NULL) {
      go_frames_lock(w->g);
      memset(w->elem, 0, ch->elem->size);
      go_frames_unlock(w->g);
    }
    struct go_g *g = serve_locked(w, false);
    g->next = woken;
    woken = g;
  }
  return woken;
}

void go_chan_close(struct go_g *g, struct go_chan *ch) {
  if (ch == NULL) rt_fatal(RT_END_FATAL, "close of nil channel");
  plat_mutex_lock(&ch->lock);
  if (at_u32_load_relaxed(&ch->closed) != 0) { /* under lock */
    plat_mutex_unlock(&ch->lock);
    rt_fatal(RT_END_FATAL, "close of closed channel");
  }
  at_u32_store_release(&ch->closed, 1); /* pairs with the looks without lock */
  struct go_g *woken = drain_locked(ch, &ch->recv, NULL);
  woken = drain_locked(ch, &ch->send, woken);
  plat_mutex_unlock(&ch->lock);
  /* Senders newest first, then receivers newest first: the oldest receiver ends in runnext. */
  while (woken != NULL) {
    struct go_g *w = woken;
    woken = w->next;
    w->next = NULL;
    go_ready(g, w);
  }
}

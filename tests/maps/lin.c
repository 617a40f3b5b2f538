/* The search of Wing and Gong with Lowe's improvement: operations are placed one after the other,
 * depth first, and no set of placed operations is tried twice with the same state. */
#include "lin.h"

#include <stdlib.h>
#include <string.h>

/* A call or a return, in the list of those not placed yet, by time. */
struct event {
  const struct lin_op *op;
  struct event *prev, *next;
  struct event *end;   /* of a call: its return; of a return: NULL */
  uint32_t index;      /* number of the operation */
};

/* What was placed last, and the state before. */
struct step {
  struct event *call;
  uint64_t state;
};

/* Sets of placed operations, each with the state they led to: an open hash table of rows. */
struct memo {
  uint64_t *rows;      /* `words` of the set, the state, and 1 for a row in use */
  uint64_t room, used; /* rows; room is a power of two */
  uint64_t words;
};

struct search {
  struct event head;   /* before the first */
  struct event *events;
  struct step *steps;
  uint64_t depth;
  uint64_t *placed;    /* a bit per operation */
  uint64_t state;      /* the value; 0: the key is not there */
  struct memo memo;
};

static void *get_memory(uint64_t count, uint64_t bytes) {
  void *p = calloc(count == 0 ? 1 : count, bytes);
  if (p == NULL)
    abort();
  return p;
}

/* ---- sets seen ------------------------------------------------------------------------------ */

static uint64_t *memo_row(const struct memo *memo, uint64_t index) {
  return memo->rows + index * (memo->words + 2);
}

static uint64_t mix(const uint64_t *words, uint64_t count) {
  uint64_t h = 0x9e3779b97f4a7c15ULL;
  for (uint64_t i = 0; i < count; i++) {
    h = (h ^ words[i]) * 0xff51afd7ed558ccdULL;
    h ^= h >> 32;
  }
  return h;
}

/* The row of this set and state (words + 1 words), or the free row where it belongs. */
static uint64_t *memo_find(const struct memo *memo, const uint64_t *wanted) {
  uint64_t index = mix(wanted, memo->words + 1);
  for (;; index++) {
    uint64_t *row = memo_row(memo, index & (memo->room - 1));
    if (row[memo->words + 1] == 0 || memcmp(row, wanted, (memo->words + 1) * 8) == 0)
      return row;
  }
}

static void memo_grow(struct memo *memo) {
  struct memo old = *memo;
  memo->room = old.room == 0 ? 64 : old.room * 2;
  memo->rows = get_memory(memo->room, (memo->words + 2) * 8);
  for (uint64_t i = 0; i < old.room; i++) {
    uint64_t *row = memo_row(&old, i);
    if (row[memo->words + 1] != 0)
      memcpy(memo_find(memo, row), row, (memo->words + 2) * 8);
  }
  free(old.rows);
}

/* False: it was there already. */
static bool memo_add(struct memo *memo, const uint64_t *set, uint64_t state) {
  if (memo->used * 2 >= memo->room)
    memo_grow(memo);
  uint64_t *wanted = get_memory(memo->words + 1, 8);
  memcpy(wanted, set, memo->words * 8);
  wanted[memo->words] = state;
  uint64_t *row = memo_find(memo, wanted);
  bool is_new = row[memo->words + 1] == 0;
  if (is_new) {
    memcpy(row, wanted, (memo->words + 1) * 8);
    row[memo->words + 1] = 1;
    memo->used++;
  }
  free(wanted);
  return is_new;
}

/* ---- a map of one key ----------------------------------------------------------------------- */

/* Whether op can happen in this state, and the state after it. */
static bool step(const struct lin_op *op, uint64_t state, uint64_t *after) {
  *after = state;
  switch (op->kind) {
    case LIN_GET:
      return op->found ? state == op->value : state == 0;
    case LIN_PUT:
      *after = op->value;
      return true;
    case LIN_REMOVE:
      *after = 0;
      return op->found == (state != 0);
  }
  return false;
}

/* ---- the search ----------------------------------------------------------------------------- */

static void unlink_event(struct event *e) {
  e->prev->next = e->next;
  if (e->next != NULL)
    e->next->prev = e->prev;
}

static void relink_event(struct event *e) {
  e->prev->next = e;
  if (e->next != NULL)
    e->next->prev = e;
}

static bool place(struct search *s, struct event *call) {
  uint64_t after, bit = (uint64_t)1 << call->index % 64;
  if (!step(call->op, s->state, &after))
    return false;
  s->placed[call->index / 64] |= bit;
  if (!memo_add(&s->memo, s->placed, after)) {
    s->placed[call->index / 64] &= ~bit;
    return false;
  }
  s->steps[s->depth++] = (struct step){call, s->state};
  s->state = after;
  unlink_event(call);
  unlink_event(call->end);
  return true;
}

static struct event *take_back(struct search *s) {
  struct step *last = &s->steps[--s->depth];
  struct event *call = last->call;
  s->state = last->state;
  s->placed[call->index / 64] &= ~((uint64_t)1 << call->index % 64);
  relink_event(call->end);
  relink_event(call);
  return call;
}

static int by_time(const void *a, const void *b) {
  const struct event *x = a, *y = b;
  uint64_t s = x->index % 2 == 0 ? x->op->invoked : x->op->returned;
  uint64_t t = y->index % 2 == 0 ? y->op->invoked : y->op->returned;
  return s < t ? -1 : s > t;
}

static void list_events(struct search *s, const struct lin_op *ops, uint64_t count) {
  struct event **calls = get_memory(count, sizeof(void *));
  s->events = get_memory(2 * count, sizeof(struct event));
  for (uint64_t i = 0; i < 2 * count; i++) {
    s->events[i].op = &ops[i / 2];
    s->events[i].index = (uint32_t)i; /* even: the call of operation i / 2 */
  }
  qsort(s->events, 2 * count, sizeof(struct event), by_time);
  struct event *last = &s->head;
  for (uint64_t i = 0; i < 2 * count; i++) {
    struct event *e = &s->events[i];
    if (e->index % 2 == 0)
      calls[e->index / 2] = e;
    else
      calls[e->index / 2]->end = e;
    e->index /= 2;
    e->prev = last;
    last = last->next = e;
  }
  free(calls);
}

static void judge_key(const struct lin_op *ops, uint64_t count, struct lin_verdict *v) {
  struct search s = {.memo = {.words = (count + 63) / 64}};
  list_events(&s, ops, count);
  s.steps = get_memory(count, sizeof(struct step));
  s.placed = get_memory(s.memo.words, 8);
  v->ok = true;
  for (struct event *e = s.head.next; v->ok && s.head.next != NULL;) {
    if (e->end != NULL) {
      e = place(&s, e) ? s.head.next : e->next;
      continue;
    }
    if (v->stuck.returned == 0 || s.depth > v->placed) {
      v->stuck = *e->op;
      v->placed = s.depth;
    }
    if (s.depth == 0)
      v->ok = false;
    else
      e = take_back(&s)->next;
  }
  free(s.events);
  free(s.steps);
  free(s.placed);
  free(s.memo.rows);
}

static int by_key(const void *a, const void *b) {
  const struct lin_op *x = a, *y = b;
  if (x->key != y->key)
    return x->key < y->key ? -1 : 1;
  return x->invoked < y->invoked ? -1 : x->invoked > y->invoked;
}

struct lin_verdict lin_check(struct lin_op *ops, uint64_t count) {
  struct lin_verdict v = {.ok = true};
  if (count == 0)
    return v;
  qsort(ops, count, sizeof *ops, by_key);
  for (uint64_t first = 0, end; v.ok && first < count; first = end) {
    for (end = first; end < count && ops[end].key == ops[first].key; end++) {
    }
    v = (struct lin_verdict){.key = ops[first].key, .count = end - first};
    judge_key(ops + first, end - first, &v);
  }
  return v;
}

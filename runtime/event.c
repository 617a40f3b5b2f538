#include "runtime/event.h"

#include "runtime/check.h"
#include "runtime/lockrank.h"

/* Records are numbered from 0; number n lies at n % entries. The positions are "quiet" atomics,
 * so that logging is no scheduling point of the model. */
struct ring {
  struct at_u64 head;    /* next number to write; stored by the writer */
  struct at_u64 dropped; /* stored by the writer */
  char gap[PLAT_CACHE_LINE - 2 * sizeof(uint64_t)];
  struct at_u64 tail;    /* next number to read; stored by the reader */
  char gap_after[PLAT_CACHE_LINE - sizeof(uint64_t)];
};

static PLAT_STATE struct {
  struct plat_mutex lock;    /* the readers' */
  struct ring *rings;        /* NULL: no logging; set before any emit */
  struct ev_record *records; /* entries for each ring */
  uint32_t count, entries;
  size_t bytes;
  ev_sink *spill;            /* NULL: none */
  void *spill_arg;
  bool is_alone;             /* spilling needs no lock */
} ev = {.lock = PLAT_MUTEX_INITIALIZER(RT_RANK_EVENT, "event")};
PLAT_STATE struct at_u64 ev_kinds;

enum rt_err ev_init(uint32_t rings, uint32_t entries) {
  rt_assert(ev.rings == NULL);
  rt_assert(rings > 0 && entries > 0 && (entries & (entries - 1)) == 0);
  size_t ring_bytes = (size_t)rings * sizeof(struct ring);
  size_t bytes = ring_bytes + (size_t)rings * entries * sizeof(struct ev_record);
  bytes = (bytes + 8191) / 8192 * 8192;
  char *p = plat_vm_reserve(bytes, 8192);
  if (p == NULL) return RT_ERR_NOMEM;
  if (plat_vm_commit(p, bytes) != RT_OK) {
    plat_vm_release(p, bytes);
    return RT_ERR_NOMEM;
  }
  ev.records = (struct ev_record *)(void *)(p + ring_bytes);
  ev.count = rings;
  ev.entries = entries;
  ev.bytes = bytes;
  ev.rings = (struct ring *)(void *)p;
  at_quiet_store(&ev_kinds, UINT64_MAX);
  return RT_OK;
}

void ev_finish(void) {
  if (ev.rings == NULL) return;
  void *p = ev.rings;
  at_quiet_store(&ev_kinds, 0);
  ev.spill = NULL;
  ev.rings = NULL;
  plat_vm_release(p, ev.bytes);
}

void ev_set_mask(uint64_t mask) { at_quiet_store(&ev_kinds, ev.rings == NULL ? 0 : mask); }

static struct ev_record *record_at(uint32_t ring, uint64_t number) {
  return &ev.records[(size_t)ring * ev.entries + (number & (ev.entries - 1))];
}

static void spill(uint32_t ring) {
  struct ring *r = &ev.rings[ring];
  uint64_t head = at_quiet_load(&r->head);
  if (!ev.is_alone) plat_mutex_lock(&ev.lock);
  for (uint64_t n = at_quiet_load(&r->tail); n != head; n++)
    ev.spill(record_at(ring, n), ev.spill_arg);
  at_quiet_store(&r->tail, head);
  if (!ev.is_alone) plat_mutex_unlock(&ev.lock);
}

void ev_set_spill(ev_sink *sink, void *arg, bool is_alone) {
  ev.spill = sink;
  ev.spill_arg = arg;
  ev.is_alone = is_alone;
}

void ev_emit(uint32_t ring, enum ev_code code, uint64_t goroutine, uint64_t a, uint64_t b) {
  if (!ev_on(code)) return;
  rt_assert(ring < ev.count);
  struct ring *r = &ev.rings[ring];
  uint64_t head = at_quiet_load(&r->head);
  if (head - at_quiet_load(&r->tail) >= ev.entries && ev.spill != NULL) spill(ring);
  if (head - at_quiet_load(&r->tail) >= ev.entries) {
    at_quiet_store(&r->dropped, at_quiet_load(&r->dropped) + 1);
    return;
  }
  struct ev_record *out = record_at(ring, head);
  out->time_ns = plat_log_ns();
  out->code = (uint16_t)code;
  out->ring = (uint16_t)ring;
  out->goroutine = (uint32_t)goroutine;
  out->a = a;
  out->b = b;
  at_quiet_store(&r->head, head + 1);
}

uint64_t ev_drain(ev_sink *sink, void *arg) {
  uint64_t dropped = 0;
  if (ev.rings == NULL) return 0;
  plat_mutex_lock(&ev.lock);
  for (uint32_t i = 0; i < ev.count; i++) {
    struct ring *r = &ev.rings[i];
    uint64_t head = at_quiet_load(&r->head);
    uint64_t tail = at_quiet_load(&r->tail);
    rt_assert(head - tail <= ev.entries);
    for (; tail != head; tail++) sink(record_at(i, tail), arg);
    at_quiet_store(&r->tail, tail);
    dropped += at_quiet_load(&r->dropped);
  }
  plat_mutex_unlock(&ev.lock);
  return dropped;
}

/* Index of the ring whose newest record that is not taken yet is the latest; count: none left. */
static uint32_t latest_ring(const uint64_t *taken) {
  uint32_t best = ev.count;
  uint64_t best_time = 0;
  for (uint32_t i = 0; i < ev.count && i < EV_LAST_RINGS; i++) {
    uint64_t head = at_quiet_load(&ev.rings[i].head);
    if (taken[i] >= head || taken[i] >= ev.entries) continue;
    uint64_t time = record_at(i, head - 1 - taken[i])->time_ns;
    if (best == ev.count || time > best_time) {
      best = i;
      best_time = time;
    }
  }
  return best;
}

uint32_t ev_last(struct ev_record *out, uint32_t max) {
  uint64_t taken[EV_LAST_RINGS] = {0};
  uint32_t count = 0;
  if (ev.rings == NULL) return 0;
  while (count < max) {
    uint32_t i = latest_ring(taken);
    if (i == ev.count) break;
    uint64_t head = at_quiet_load(&ev.rings[i].head);
    out[count++] = *record_at(i, head - 1 - taken[i]++);
  }
  for (uint32_t i = 0; i < count / 2; i++) {
    struct ev_record swap = out[i];
    out[i] = out[count - 1 - i];
    out[count - 1 - i] = swap;
  }
  return count;
}

const char *ev_name(enum ev_code code) {
  switch (code) {
#define EV(code_, name, doc, a, b) \
  case EV_##name:                  \
    return #name;
#include "runtime/event.def"
#undef EV
  }
  return NULL;
}

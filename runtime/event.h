/* Typed events in rings: one writer per ring, one reader at a time.
 *
 * Cheap enough to leave on: an emit is a clock read and four stores. When a ring is full the new
 * event is dropped and counted; nothing blocks, so logging never changes a schedule.
 */
#ifndef RUNTIME_EVENT_H
#define RUNTIME_EVENT_H

#include "runtime/plat.h"

enum ev_code {
#define EV(code, name, doc, a, b) EV_##name = (code),
#include "runtime/event.def"
#undef EV
};

struct ev_record {
  uint64_t time_ns;
  uint16_t code;       /* enum ev_code */
  uint16_t ring;       /* P index; procs = the thread without a P (sysmon) */
  uint32_t goroutine;  /* low 32 bits of its id; 0: none */
  uint64_t a, b;
};

/* rings: number of writers; entries: records per ring, a power of two. Before any emit. */
enum rt_err ev_init(uint32_t rings, uint32_t entries) RT_MUST_USE;
void ev_finish(void);
/* Kinds to record: bit by (code >> 8); all after ev_init. Any thread, while there are rings. */
void ev_set_mask(uint64_t mask);

/* Whether such events are recorded now: lets a caller skip computing their words. */
extern PLAT_STATE struct at_u64 ev_kinds; /* the mask; 0 while there are no rings */
static inline bool ev_on(enum ev_code code) {
  return (at_quiet_load(&ev_kinds) >> ((unsigned)code >> 8) & 1) != 0;
}

/* By the ring's writer only. Not a scheduling point in the model. */
void ev_emit(uint32_t ring, enum ev_code code, uint64_t goroutine, uint64_t a, uint64_t b);

/* Passes every unread record to sink, ring by ring in time order within a ring, holding the EVENT
 * lock. Returns the number of records dropped so far. Any thread. */
typedef void ev_sink(const struct ev_record *r, void *arg);
uint64_t ev_drain(ev_sink *sink, void *arg);

/* Instead of dropping, a full ring hands all its records to sink, by its writer. is_alone: one
 * thread at a time runs everything (the model), and no lock is taken; else the sink is called
 * holding the EVENT lock, as by ev_drain, and with whatever the writer holds: it locks nothing and
 * emits nothing. NULL: they are dropped. After ev_init, before any emit. */
void ev_set_spill(ev_sink *sink, void *arg, bool is_alone);

/* The last records of all rings together (of the first EV_LAST_RINGS), drained or not, oldest
 * first: for a run that is ending, because writers are not waited for. Returns how many. */
enum { EV_LAST_RINGS = 256 };
uint32_t ev_last(struct ev_record *out, uint32_t max);

const char *ev_name(enum ev_code code); /* "gc_phase"; NULL: unknown */

#endif

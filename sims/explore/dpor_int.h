/* Dynamic partial-order reduction: the stack of the search, its dependencies and races.
 *
 * An event is what one thread does from a point up to its next one. Threads that begin, or that
 * were blocked between two of their points and now can go on, do so right after the event that
 * made them: such a stretch is a forced event, and that event its host. Nothing can come between
 * the two, so what must come before a forced event must come before its host.
 *
 *   strategy_dpor.c   the search: nodes, sleep sets, which thread next
 *   dpor_events.c     events, accesses, vector clocks, races and what they leave to be tried
 */
#ifndef SIMS_EXPLORE_DPOR_INT_H
#define SIMS_EXPLORE_DPOR_INT_H

#include "sims/explore/objects.h"
#include "sims/explore/search.h"

enum { DPOR_THREADS = 64 };
#define DPOR_NONE UINT32_MAX

/* One access of an event. Those of one object form a list, latest first; what overlaps it has a
 * list of its own. */
struct dpor_access {
  uint32_t object;   /* number in dpor.objects */
  uint32_t event;
  uint32_t previous; /* access on the object before; DPOR_NONE: none */
  enum xp_access_kind kind;
  bool is_pending;   /* where the event's thread waits in the middle of its stretch: in no list */
};

/* Accesses of one event; the masks have a bit for each object, many to one. */
struct dpor_footprint {
  uint32_t first, count;
  uint64_t touches, writes;
};

/* A step of the stack: the node it was decided at, and the event it led to. */
struct dpor_node {
  uint64_t enabled;         /* threads, by index */
  uint64_t backtrack;       /* threads to explore from here */
  uint64_t asleep;          /* threads explored, or whose exploring would repeat something */
  uint32_t sleep_first, sleep_count; /* in dpor.sleep */
  uint32_t access_base;     /* accesses from here on belong to this node and those above */
  uint32_t decisions;       /* nodes below with more than one thread enabled */
  uint32_t point;           /* its number in the run; not of a forced event */
  uint8_t thread;           /* of the event */
  uint8_t choice;           /* its place in the point */
  bool is_forced;
  bool has_waited;          /* forced: its first operation is the one its thread waited in */
  uint32_t host;            /* event; of one that is not forced: itself */
  uint32_t seq;             /* the event's number in its thread, from 1 */
  uint32_t previous;        /* the thread's last event before it */
  uint32_t timeout_before;  /* dpor.last_timeout before it */
  struct dpor_footprint footprint;
};

/* An earlier event that an event depends on directly. */
struct dpor_candidate {
  uint32_t event;
  bool is_race;      /* the two could have happened in the other order */
};

struct dpor_sleeper {
  uint32_t thread;
  struct dpor_footprint footprint; /* of its event when it was explored */
};

struct dpor {
  struct xp_chooser base;
  uint32_t slice, slices;
  const uint8_t *sites;     /* where races are; NULL: everywhere */
  /* The stack. */
  struct dpor_node *node;
  uint32_t *clock;          /* width of them for each node: the event's vector clock */
  uint32_t node_room, width;
  uint32_t depth;           /* events begun in this run */
  uint32_t replay;          /* nodes whose choice is made; all events but the last are known */
  uint32_t finished;        /* events known or finished */
  struct dpor_access *access;
  uint32_t access_room, access_count;
  struct dpor_sleeper *sleep;
  uint32_t sleep_room, sleep_count;
  /* Threads, numbered as met. */
  uint32_t threads;
  uint32_t number[DPOR_THREADS];     /* the platform's */
  uint32_t last_event[DPOR_THREADS]; /* DPOR_NONE: none */
  uint32_t last_timeout;             /* event; DPOR_NONE: none */
  /* What an event depends on, while it is finished. */
  struct dpor_candidate *candidate;
  uint32_t candidate_room, candidates;
  struct xp_objects objects;
  uint32_t *latest;         /* by object: access; DPOR_NONE: none in this run */
  uint32_t latest_room, latest_count;
  /* Work items. */
  uint64_t unit, nth;
  bool has_run, is_new, is_finished, is_asleep;
  uint64_t blocked, fallbacks;
};

/* ---- dpor_events.c --------------------------------------------------------------------------- */

void dpor_events_free(struct dpor *d);
/* Index of a thread; it is new to the search when it was not met before. */
uint32_t dpor_thread(struct dpor *d, uint32_t number);
/* The last event begun touches something. */
void dpor_touch(struct dpor *d, const struct plat_model_op *op);
/* Event number i has come to its end: its clock, and what its races demand of the nodes below. */
void dpor_finish_event(struct dpor *d, uint32_t i);
/* Before event number i is finished: if its thread has come to a wait in the middle of its stretch,
 * notes what it will touch as soon as it can. Of several that wait for a mutex the platform lets a
 * certain one go on, so who waits when matters: that is a write of the mutex. */
void dpor_block_event(struct dpor *d, uint32_t i);
/* Takes the topmost event back; its footprint stays readable while its node is there. */
void dpor_undo_event(struct dpor *d, uint32_t i);
/* Whether an event disturbs a sleeper. */
bool dpor_conflict(const struct dpor *d, const struct dpor_footprint *sleeper,
                   const struct dpor_footprint *event);
/* Event number i, of that thread, begins: its node is there. */
void dpor_begin_event(struct dpor *d, uint32_t i, uint32_t thread);
/* Makes room for one more node. */
void dpor_grow(struct dpor *d);

#endif

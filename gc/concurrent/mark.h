/* Marking: grey objects, scan them, work through the roots (F3.4, F3.6, F3.7). */
#ifndef GC_CONCURRENT_MARK_H
#define GC_CONCURRENT_MARK_H

#include "gc/concurrent/state.h"

enum {
  GC_OBLET_BYTES = 131072,     /* larger objects are scanned in parts of this size */
  GC_ROOT_BLOCK_BYTES = 262144 /* global roots of one job */
};

/* Marks the object that addr points into, if any, and queues it for scanning by w.
 * Interior pointers, nil and foreign addresses are fine. True: work became global. */
bool gc_mark_grey(struct gc_worker *w, uintptr_t addr);

/* ---- roots ---------------------------------------------------------------------------------- */

/* By gc_init: globals there are none of, gc_config.globals_bytes. */
void gc_mark_pretend_globals(uint64_t bytes);
/* Counts the jobs of a cycle. World stopped. */
void gc_mark_prepare_roots_stw(void);
static inline uint64_t gc_mark_root_jobs(void) {
  return at_u64_load_relaxed(&gc_cc.root_jobs); /* written in a stop */
}
static inline bool gc_mark_roots_left(void) {
  uint64_t jobs = gc_mark_root_jobs();
  /* pairs with the claims in gc_drain(): a claimed job's worker is counted in nwait first */
  return at_u64_load_acquire(&gc_cc.root_next) < jobs;
}
/* Greys every P's current tiny block. World stopped. */
void gc_mark_tiny_blocks_stw(void);
/* Shades everything the frames of every goroutine refer to. World stopped. */
void gc_mark_all_stacks_stw(struct gc_mutator *self);
/* Does one claimed job; returns the scan work, bytes. */
int64_t gc_mark_root_job(struct gc_mutator *self, uint64_t job);
/* Whether marking has work that nobody holds: a global buffer or a root job. */
static inline bool gc_mark_global_work(void) {
  return !gc_work_global_is_empty() || gc_mark_roots_left();
}

/* ---- draining ------------------------------------------------------------------------------- */

enum {
  GC_DRAIN_UNTIL_PREEMPT = 1, /* stop when self's P is asked to poll, not only for a stop */
  GC_DRAIN_CREDIT = 2,        /* scan work becomes credit for assists */
  GC_DRAIN_FRACTIONAL = 4,    /* stop when the fractional share is used up */
  GC_DRAIN_IDLE = 8,          /* stop when goroutines wait to run */
  GC_DRAIN_STOPPED = 16       /* the world is stopped by self: never stop early */
};

/* Marks until nothing is left (neither here nor globally) or the flags say stop. Between
 * scannable_begin and scannable_end; self stays on its P. start_ns: when the worker began. */
void gc_drain(struct gc_mutator *self, unsigned flags, uint64_t start_ns);
/* An assist's share: at least `work` bytes of scan work unless there is nothing or self should
 * stop. Returns the work done. Same callers. */
int64_t gc_drain_n(struct gc_mutator *self, int64_t work);

/* Adds w's private counts to the totals. */
void gc_mark_flush_counts(struct gc_worker *w);

#endif

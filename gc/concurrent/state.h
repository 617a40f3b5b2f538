/* State of the concurrent collector that more than one of its files uses.
 *
 * INV gc.mark.strong: while phase is mark, a black goroutine stack or heap object refers to no
 * white object, except through words still in a write-barrier buffer.
 * Holds:      from the end of the first stop to the end of the second.
 * Kept by:    gc_store_slow() (both values shaded), black allocation, stacks scanned whole.
 *             With GC_MODE_STW nobody stores meanwhile.
 * Broken by:  a pointer store that is not gc_store() (memmove of pointers: use gc_copy()).
 * Checked by: gc_verify_heap().  Mutants: barrier-none, flush-skipped-at-stop, allocate-white
 *             (tests/mark/test_mutants.c).
 *
 * INV gc.mark.done: gcMarkDone stops the world only when no P and no global buffer has work.
 * Kept by:    nwait == nproc, then a ragged barrier that finds no P with work to hand over,
 *             then the re-check after the stop.
 * Checked by: gc_verify_heap(); assertions in gc/concurrent/cycle.c.
 */
#ifndef GC_CONCURRENT_STATE_H
#define GC_CONCURRENT_STATE_H

#include "gc/barrier.h"
#include "gc/concurrent/workbuf.h"
#include "gc/faults.h"
#include "gc/heap.h"
#include "gc/pacer.h"
#include "gc/pacer_limiter.h"
#include "gc/sema.h"
#include "gc/world.h"

enum { GC_STACK_BYTES = 2048 }; /* what pacing counts for the stack of a live goroutine */

enum gc_phase { GC_PHASE_OFF, GC_PHASE_MARK, GC_PHASE_MARK_TERM };

enum gc_worker_mode {
  GC_WORKER_NONE,
  GC_WORKER_DEDICATED,
  GC_WORKER_FRACTIONAL,
  GC_WORKER_IDLE,
  GC_WORKER_MODES
};

/* One background worker goroutine. */
struct gc_bgworker {
  struct gc_mutator *mu;
  enum gc_worker_mode mode;  /* set by who takes it from the pool; read by the worker */
  uint64_t taken_ns;         /* when that was */
  struct gc_bgworker *next;  /* pool lock */
};

/* Goroutines that wait for credit (F3.8.4). */
struct gc_assist_queue {
  struct plat_mutex lock;    /* protects the rest */
  struct gc_mutator *head, *tail;
  struct at_u32 length;      /* written under lock; read without as a hint */
};

struct gc_state {
  /* Fixed by gc_init. */
  struct gc_config config;
  const struct gc_barrier *barrier;
  const struct gc_pacer_ops *pacer_ops;
  uint64_t init_ns;
  uint32_t procs;                /* fixed by gc_start */
  uint32_t stop_procs;           /* min(procs, processors of the machine) */

  /* Written with the world stopped. */
  struct gc_pacer pacer;
  uint64_t stack_jobs;           /* snapshot of stacks_count */
  uint64_t global_roots;         /* snapshot of gc_global_roots_count */
  uint64_t global_jobs;
  struct at_u64 *pretended;      /* a block's words, for gc_config.globals_bytes; constant */
  uint64_t weak_jobs;            /* blocks of records of weak pointers */
  struct at_u64 root_jobs;       /* of all three kinds; an M without a P may look any time */
  uint64_t mark_start_ns;

  struct at_u32 started;         /* gc_start ran: cycles may begin */
  struct at_u32 phase;           /* enum gc_phase; written with the world stopped */
  struct at_u32 cycles;          /* cycles begun */
  struct at_u64 last_gc_ns;      /* end of the last cycle; 0: none yet */

  /* Marking. */
  struct at_u32 nwait, nproc;    /* workers and assists not working, of how many; start 2^32-1 */
  struct at_u64 root_next;       /* next root job to hand out */
  struct at_u64 roots_done;      /* root jobs finished */
  struct at_u64 bytes_marked;

  /* Pacing counters of one cycle (F5.2). Doubles as their bits. */
  struct at_u64 heap_scan;
  struct at_u64 max_stack_scan;
  struct at_i64 heap_scan_work, stack_scan_work, globals_scan_work;
  struct at_i64 bg_credit;       /* scan work done beforehand, for assists to take */
  struct at_i64 assist_ns, dedicated_ns, fractional_ns, idle_ns;
  struct at_i64 dedicated_needed;
  struct at_u64 idle_workers;    /* max << 32 | running */
  struct at_u64 work_per_byte, bytes_per_work;

  struct plat_mutex limiter_lock; /* protects limiter */
  struct gc_limiter limiter;
  struct at_u64 limiter_last_ns;  /* copies of limiter fields for reading without the lock */
  struct at_u32 limiting;
  struct at_i64 limiter_assist_ns, limiter_idle_ns; /* pools */

  struct gc_sema start_sema, mark_done_sema, world_sema, gc_sema;
  struct gc_assist_queue assists;

  struct plat_mutex pool_lock;    /* protects pool and gc_bgworker.next */
  struct gc_bgworker *pool;
  struct at_u32 pool_size;        /* hint for reading without the lock */
  uint32_t workers;               /* ever started; start_sema */

  struct plat_mutex waiters_lock; /* protects waiters */
  struct gc_mutator *waiters;     /* goroutines waiting for the end of a mark phase */

  struct at_u32 weak_blocked;     /* weak pointers do not become strong; cleared in a stop */
  struct plat_mutex weak_lock;    /* protects weak_waiters */
  struct gc_mutator *weak_waiters;

  /* Statistics; see stats.c. */
  struct gc_cycle cycle;          /* the running cycle; by the one who runs it */
  struct at_u64 n_assists, n_restarts, n_forced, n_finished;
  struct at_u64 sum_pause_ns, sum_assist_ns, sum_dedicated_ns, sum_fractional_ns, sum_idle_ns;
  struct at_u64 sum_cpu_ns;       /* collector's processor time, idle workers excluded (F7.7) */
  struct at_u64 last_goal;
  struct at_u64 last_fraction;    /* bits of a double */
};
extern PLAT_STATE struct gc_state gc_cc;

static inline enum gc_phase gc_phase(void) {
  /* Relaxed: written with the world stopped, and the restart orders it. */
  return (enum gc_phase)at_u32_load_relaxed(&gc_cc.phase);
}

/* Slow paths only. */
static inline bool gc_has_fault(enum gc_fault fault) {
  return plat_unlikely((gc_cc.config.faults & gc_fault_bit(fault)) != 0);
}

/* Whether all stacks are scanned in the cycle's first stop, and none again. */
static inline bool gc_stacks_at_start(void) {
  bool snapshot = gc_cc.barrier->stacks_at_start_stw && !gc_has_fault(GC_FAULT_YUASA_NO_SNAPSHOT);
  return snapshot || gc_cc.config.mode == GC_MODE_STW;
}

static inline double gc_bits_f64(uint64_t bits) {
  double x;
  memcpy(&x, &bits, sizeof x);
  return x;
}
static inline uint64_t gc_f64_bits(double x) {
  uint64_t bits;
  memcpy(&bits, &x, sizeof bits);
  return bits;
}

static inline struct gc_worker *gc_worker_of(const struct gc_mutator *mu) { return mu->p->work; }

#endif

/* What the tests of the collector share: scaling, and runs in a process of their own. */
#ifndef TESTS_MARK_SUPPORT_H
#define TESTS_MARK_SUPPORT_H

#include <stdbool.h>
#include <stdint.h>

#include "gc/faults.h"
#include "sched/go.h"
#include "tests/support/test.h"

/* Not scaled down: counts that need many operations may be asserted. */
bool test_is_full(void);

/* One run of the runtime: what is configured and what its main goroutine does. */
struct run {
  uint32_t procs;
  uint64_t seed;
  struct gc_config gc;      /* from run_default */
  go_fn *main;              /* called after gc_start (but see no_cycles) */
  void *arg;
  uint32_t timeout_s;
  uint32_t repeats;         /* further runs in the same process; out.totals are the last one's */
  bool no_cycles;           /* gc_start is not called: no collection ever begins */
  const struct gc_world_ops *ops; /* NULL: the scheduler's own */
};
struct run run_default(go_fn *main);

/* How it ended. */
struct outcome {
  bool ok;                  /* main returned */
  bool ended;               /* by rt_fatal or rt_assert: kind and message say how */
  enum rt_end kind;
  char message[4096];
  int wait_status;          /* of the process, when neither */
  struct gc_totals totals;  /* with ok: at the end of main */
};

/* Runs r in a child process, because a process has one runtime and a fault ends it. */
void run_in_child(const struct run *r, struct outcome *out);
/* The same, and fails the test with seed and message unless main returned. */
void run_expect_ok(const struct run *r, struct outcome *out);

#endif

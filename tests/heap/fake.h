/* A collector and a scheduler for tests of the heap alone: they mark what the test says and count
 * what the heap asks of them. Linked instead of gc/none. */
#ifndef TESTS_HEAP_FAKE_H
#define TESTS_HEAP_FAKE_H

#include "gc/heap.h"
#include "gc/heap_int.h"
#include "gc/hooks.h"
#include "gc/sweep.h"
#include "gc/world.h"
#include "tests/support/test.h"

enum { FAKE_PROCS = 4, FAKE_WORDS_MAX = 8192 };

struct fake {
  struct gc_p p[FAKE_PROCS];
  struct gc_mutator mu[FAKE_PROCS];
  /* What the heap did. */
  uint64_t assists, black_bytes, updates, scan_bytes, starts, safepoints, swept_calls;
  uint64_t readied, yields;
  /* What it gets. */
  bool trigger;
  int64_t assist_grant;             /* added to assist_bytes by an assist */
  void (*on_start)(struct gc_mutator *);     /* called in gc_hook_start */
  void (*on_safepoint)(struct gc_mutator *); /* called at a safepoint */
};
extern struct fake fake;

/* A fresh heap with FAKE_PROCS Ps and one mutator on each. NULL: default configuration. */
void fake_begin(const struct gc_config *config);
void fake_end(void);
/* The same as cmocka's set-up and tear-down of a test. */
int fake_setup(void **state);
int fake_teardown(void **state);
/* The mutator on the first P. */
static inline struct gc_mutator *mu(void) {
  return &fake.mu[0];
}

/* A registered type of size bytes whose words listed in mask (one word of bits) are pointers. */
struct gc_type *fake_type(uint32_t size, uint64_t mask);

/* Marks the object that covers the address; false: marked before. */
bool fake_mark(const void *address);
/* The two stops of a cycle. begin: finishes sweeping, forgets page marks. end: heap_live becomes
 * marked_bytes, a sweep phase begins and, if prepare, every P is flushed. */
void fake_cycle_begin(void);
void fake_cycle_end(uint64_t marked_bytes, bool prepare);
/* Sweeps everything. */
void fake_sweep_all(void);
/* Marks from now on / no more: attention bits and flags. */
void fake_marking(bool on);

/* Slot number of an object. */
uint32_t fake_index(const void *object);
struct gc_span *fake_span(const void *object);

uint64_t fake_count(const struct at_u64 *counter);

/* assert_int_equal for 64 bits, with both values printed. */
#define assert_u64(got, want) assert_int_equal((uint64_t)(got), (uint64_t)(want))

#endif

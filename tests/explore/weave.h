/* Two mutators of two writes each beside a collection, on every heap of three objects: the data
 * choices of configs/races/barriers-*.json, in a world of threads (threads.h). There is the shipped
 * heap, collector and barrier, but no scheduler, so that all of them can be searched.
 *
 * An object has one pointer field, a mutator one register, and there is one global root. A write
 * loads from the register's object into the register, stores nil into that object's field, or puts
 * the register into the root; the first two do nothing where the register is nil. The whole
 * collection is explored, with both its stops; a run ends when its heap has been verified. What
 * the mutators do afterwards they do to objects that were found marked.
 */
#ifndef TESTS_EXPLORE_WEAVE_H
#define TESTS_EXPLORE_WEAVE_H

#include <stdbool.h>
#include <stdint.h>

#include "gc/faults.h"

enum { WEAVE_MUTATORS = 2, WEAVE_WRITES = 2, WEAVE_OBJECTS = 3 };
enum weave_write { WEAVE_LOAD, WEAVE_STORE, WEAVE_PUT, WEAVE_KINDS_OF_WRITE };
enum { WEAVE_NIL }; /* what a place holds: nil, or 1 + the number of an object */

struct weave_choice {
  uint8_t write[WEAVE_MUTATORS][WEAVE_WRITES]; /* enum weave_write */
  uint8_t root, link[WEAVE_OBJECTS], r0[WEAVE_MUTATORS];
};
enum { WEAVE_CHOICES = 3 * 3 * 3 * 3 * 4 * 4 * 4 * 4 * 4 * 4 };

/* Combination number 0..WEAVE_CHOICES-1; the scenarios have the same numbers. */
void weave_choice_of(uint32_t number, struct weave_choice *out);
/* One of each kind of those alike (sims/explore/alike.h): the lowest of their numbers, in order.
 * The caller frees it. */
uint32_t *weave_representatives(uint32_t *count);

struct weave_case {
  const char *barrier;       /* a row of gc_barriers[] */
  uint64_t faults;           /* bits of gc/faults.h */
};
/* Of each barrier buffer: more than a mutator writes, so that none is ever full, as none is in the
 * scenarios. Small ones are sooner put back. */
enum { WEAVE_WB_ENTRIES = 8 };

/* Prepares the world at the moment when all three threads have been started: the mutators wait for
 * a turn, the collector has not begun. It fails where an object is lost. */
void weave_prepare(const struct weave_case *c);
/* Between runs: with what the next ones begin. At first everything is nil. */
void weave_choose(const struct weave_choice *c);
void weave_leave(void);

#endif

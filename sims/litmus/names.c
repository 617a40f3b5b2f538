#include "sims/litmus/names.h"

#include <stddef.h>

#define BIT(n) (UINT32_C(1) << (n))

const struct sim_choice litmus_barriers[] = {
    {"none", "a pointer store shades nothing"},
    {"new-only", "shades the new pointer"},
    {"old-only", "shades the overwritten pointer; stacks are not scanned first"},
    {"new-until-black",
     "shades the overwritten pointer, and the new one until the own stack is scanned"},
    {"both-always", "shades the overwritten and the new pointer"},
    {NULL, NULL},
};

const struct sim_choice litmus_runq_orders[] = {
    {"old", "reads head, tail, next: a goroutine moved between the reads is missed"},
    {"reordered", "reads head, next, tail"},
    {"fixed", "reads head, tail, next, and again when tail has changed"},
    {NULL, NULL},
};

const struct sim_choice litmus_root_counts[] = {
    {"as-is", "the last worker checks again under the lock: sound"},
    {"no-recheck", "the last worker does not check again under the lock"},
    {"early-leave", "a worker stops counting as one before it has noted its scan"},
    {NULL, NULL},
};

const struct sim_choice litmus_termination_rules[] = {
    {"stale", "decides on a count of grey buffers read before leaving"},
    {"reread", "decides on a count of grey buffers read after leaving"},
    {"fixed", "rounds begin and the decision is made under one lock"},
    {NULL, NULL},
};

const struct sim_choice litmus_tree_rules[] = {
    {"as-is", "the own maximum is read again after it was published"},
    {"no-reread", "the own maximum is published once"},
    {NULL, NULL},
};

const struct sim_choice litmus_publish_rules[] = {
    {"shade-first", "what a published pointer reaches is marked before the store"},
    {"none", "publishing marks nothing"},
    {"reset-count", "publishing an unmarked object makes the collector scan all stacks again"},
    {NULL, NULL},
};

const struct sim_choice litmus_rw_orders[] = {
    {"old-order", "the writer adds to the wait count before it takes the lock to register"},
    {"fixed", "the writer takes the lock first and holds it until it is registered"},
    {NULL, NULL},
};

#define YUASA(barrier, what)                                                          \
  {barrier, what}, {barrier "+rescan", what "; stacks are scanned again at the end"}, \
      {barrier "+stacks-first", what "; stacks are scanned before anything else"},         \
      {barrier "+rescan+stacks-first", what "; both"}
const struct sim_choice litmus_yuasa_ways[] = {
    YUASA("none", "no barrier"),
    YUASA("yuasa", "shades the overwritten pointer"),
    YUASA("dijkstra", "shades the new pointer"),
    YUASA("combined", "shades both"),
    YUASA("conditional", "shades the overwritten pointer, the new one while roots are unscanned"),
    {NULL, NULL},
};
#undef YUASA

enum {
  MARK_1_VIOLATING = BIT(LITMUS_BARRIER_NONE) | BIT(LITMUS_BARRIER_NEW),
  /* Only when mutator 0 loads again does it drop the pointer it had. */
  MARK_2_VIOLATING = MARK_1_VIOLATING | BIT(LITMUS_BARRIER_OLD),
  ROOTS_VIOLATING = BIT(LITMUS_ROOTS_NO_RECHECK) | BIT(LITMUS_ROOTS_EARLY_LEAVE),
  TERM_VIOLATING = BIT(LITMUS_TERM_STALE) | BIT(LITMUS_TERM_REREAD),
  RESCAN_VIOLATING = BIT(LITMUS_RESCAN_NONE) | BIT(LITMUS_RESCAN_RESET),
  /* All ways of no barrier; yuasa without stacks first; dijkstra without rescan. */
  YUASA_VIOLATING = 0xf | 0x3 << 4 | 0x5 << 8
};

const struct sim_choice litmus_words[] = {
    /* enum litmus_program */
    {"litmus-1", "two mutators of two operations each beside a marker"},
    {"litmus-2", "the same with the operations done twice"},
    {"litmus-3", "the same with the operations done three times"},
    {"cl20858", "is a run queue empty while its owner moves a goroutine"},
    {"issue16083", "four workers share root jobs; the last to leave ends marking"},
    {"markterm", "two workers trade grey buffers; the last to leave ends marking"},
    {"maxtree", "a tree of maxima updated from two leaves without a lock"},
    {"rescan", "stacks are scanned once while pointers are published"},
    {"rwmutex", "two readers and two writers of a lock that parks threads"},
    {"yuasa", "two mutators write twice each beside a marker, from any initial heap"},
    {NULL, NULL},
};

const struct litmus_facts litmus_facts[LITMUS_PROGRAMS] = {
    [LITMUS_MARK_1] = {litmus_barriers, MARK_1_VIOLATING, 0, 0},
    [LITMUS_MARK_2] = {litmus_barriers, MARK_2_VIOLATING, 0, 0},
    [LITMUS_MARK_3] = {litmus_barriers, MARK_2_VIOLATING, 0, 0},
    [LITMUS_CL20858] = {litmus_runq_orders, BIT(LITMUS_RUNQ_OLD), 0, 0},
    [LITMUS_ISSUE16083] = {litmus_root_counts, ROOTS_VIOLATING, 0, 0},
    [LITMUS_MARKTERM] = {litmus_termination_rules, TERM_VIOLATING, 0, 0},
    [LITMUS_MAXTREE] = {litmus_tree_rules, BIT(LITMUS_TREE_NO_REREAD), 0, 0},
    [LITMUS_RESCAN] = {litmus_publish_rules, RESCAN_VIOLATING, LITMUS_RESCAN_HEAPS,
                       LITMUS_RESCAN_ACTIONS},
    [LITMUS_RWMUTEX] = {litmus_rw_orders, BIT(LITMUS_RW_OLD_ORDER), 0, 0},
    [LITMUS_YUASA] = {litmus_yuasa_ways, YUASA_VIOLATING, LITMUS_YUASA_HEAPS,
                      LITMUS_YUASA_ACTIONS},
};

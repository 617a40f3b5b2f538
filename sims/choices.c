#include "sims/choices.h"

#include <stdio.h>
#include <string.h>

#include "gc/faults.h"
#include "maps/faults.h"
#include "sched/faults.h"

const struct sim_choice sim_collectors[] = {
  {"concurrent", "Ours: concurrent tri-colour mark-sweep with the phases and pacing of Go 1.19."},
  {"boehm", "The Boehm-Demers-Weiser collector, as Debian ships it: the baseline of a comparison."},
  {"none", "Never frees: the floor under every cost of collecting; needs memory for everything."},
  {"go", "Real Go, by the toolchain found at build time: its own scheduler, map and collector."},
  {NULL, NULL},
};

const struct sim_choice sim_platforms[] = {
  {"native", "OS threads, real memory, wall-clock times."},
  {"model", "The same source on one OS thread: virtual time, the same seed gives the same run."},
  {NULL, NULL},
};

const struct sim_choice sim_barriers[] = {
  {"hybrid", "Go 1.8 and later: shades the overwritten and the new pointer; no stack rescan."},
  {"hybrid-conditional",
   "As hybrid, but shades the new pointer only until all stacks are scanned."},
  {"none",
   "No barrier: sound with mode stw; a marker beside the program loses objects, as the checker"
   " shows."},
  {"dijkstra", "Shades the new pointer; stacks are scanned again with the world stopped."},
  {"yuasa", "Shades the overwritten pointer; stacks are scanned before marking starts."},
  {NULL, NULL},
};

const struct sim_barrier_rule sim_barrier_rules[] = {
  {"hybrid", .needs_stop = false},
  {"hybrid-conditional", .needs_stop = false},
  {"none", .needs_stop = true},
  {"dijkstra", .needs_stop = false},
  {"yuasa", .needs_stop = false},
  {NULL, false},
};

const struct sim_barrier_rule *sim_barrier_rule_find(const char *name) {
  const struct sim_barrier_rule *row = sim_barrier_rules;
  while (row->name != NULL && strcmp(row->name, name) != 0) row++;
  return row->name == NULL ? NULL : row;
}

const struct sim_choice sim_gc_modes[] = {
  {"concurrent", "The program runs beside the marker; two short stops a cycle."},
  {"stw", "The world is stopped while one thread marks everything: one long stop a cycle."},
  {NULL, NULL},
};

const struct sim_choice sim_late_works[] = {
  {"restart", "marking goes on"},
  {"throw", "the run ends with a violation"},
  {"discard", "it is dropped, and objects are lost: needs expect_violation"},
  {NULL, NULL},
};

const struct sim_choice sim_huge_pages[] = {
  {"all", "all of it"},
  {"large", "what lies inside one object, as Go does"},
  {"none", "nothing"},
  {NULL, NULL},
};

const struct sim_choice sim_pacers[] = {
  {"go1.19", "Go 1.19: heap goal from GOGC and memory limit, trigger from the cons/mark ratio."},
  {NULL, NULL},
};

const struct sim_choice sim_map_kinds[] = {
  {"go", "Go 1.19's map: buckets of eight, overflow chains, growth spread over later operations."},
  {"go-mutex", "Go's map with one mutex held through every operation and a whole iteration."},
  {"go-rwmutex", "Go's map with one reader-writer mutex: shared by look-ups and iterations."},
  {"sharded",
   "Several of Go's maps, a mutex each on a cache line of its own; the key's hash chooses."},
  {"global-lock", "Go's table with one mutex, held while a growth moves all buckets at once."},
  {"bucket-spin",
   "Go's table with a spin lock per bucket: spin, yield, park; a growth stops everybody."},
  {"syncmap",
   "Go 1.19's sync.Map: a read map without lock, a dirty map for new keys under one, "
   "promoted after as many misses as it has keys."},
  {"java8",
   "A chained table as Java 8's: load factor 0.75, bins of eight become red-black trees, the"
   " table doubles all at once."},
  {"swiss",
   "Go 1.24's map: groups of eight slots behind a control word, tables of up to 1024 slots "
   "that split, growth all at once per table."},
  {NULL, NULL},
};

const struct sim_choice sim_strategies[] = {
  {"hunt", "Estimates the number of schedules, then takes turns between the others as it suits."},
  {"bound", "All schedules with 0, then 1, then 2 ... preemptions, up to explore.preemptions."},
  {"pct", "Random priorities with a few changes: meets a bug of depth d with a known chance."},
  {"pos", "Random priorities drawn anew for racing operations: spreads widest over behaviours."},
  {"urw", "Random, threads weighted by how much they have left to do."},
  {"random", "Random: at every point each thread that can go on is equally likely."},
  {"dpor", "Every behaviour once (source sets and sleep sets): complete when it ends."},
  {NULL, NULL},
};

#define FAULT(id, name, is_harmless, doc) {name, doc},
const struct sim_choice sim_gc_faults[] = {
#include "gc/faults.def"
  {NULL, NULL}};
const struct sim_choice sim_map_faults[] = {
#include "maps/faults.def"
  {NULL, NULL}};
const struct sim_choice sim_sched_faults[] = {
#include "sched/faults.def"
  {NULL, NULL}};
#undef FAULT

#define FAULT(id, name, is_harmless, doc) | (is_harmless ? UINT64_C(1) << GC_FAULT_##id : 0)
const uint64_t sim_gc_faults_harmless = 0
#include "gc/faults.def"
  ;
#undef FAULT
#define FAULT(id, name, is_harmless, doc) | (is_harmless ? UINT64_C(1) << MAP_FAULT_##id : 0)
const uint64_t sim_map_faults_harmless = 0
#include "maps/faults.def"
  ;
#undef FAULT
#define FAULT(id, name, is_harmless, doc) | (is_harmless ? UINT64_C(1) << GO_FAULT_##id : 0)
const uint64_t sim_sched_faults_harmless = 0
#include "sched/faults.def"
  ;
#undef FAULT

const struct sim_map_rule sim_map_rules[] = {
  {"go", .reads = true, .detects_misuse = true, .has_hash0 = true, .is_go_table = true},
  {"go-mutex", .reads = true, .writes = true, .has_hash0 = true, .is_go_table = true},
  {"go-rwmutex", .reads = true, .writes = true, .has_hash0 = true, .is_go_table = true},
  {"sharded", .reads = true, .writes = true, .has_hash0 = true, .is_go_table = true},
  {"global-lock", .reads = true, .writes = true, .has_hash0 = true, .is_go_table = true},
  {"bucket-spin", .reads = true, .writes = true},
  {"syncmap", .reads = true, .writes = true, .has_hash0 = true},
  {"java8", .reads = true},
  {"swiss", .reads = true, .detects_misuse = true},
  {NULL, false, false, false, false, false},
};

const struct sim_map_rule *sim_map_rule_find(const char *name) {
  const struct sim_map_rule *row = sim_map_rules;
  while (row->name != NULL && strcmp(row->name, name) != 0) row++;
  return row->name == NULL ? NULL : row;
}

const struct sim_choice *sim_choice_find(const struct sim_choice *table, const char *name) {
  for (; table->name != NULL; table++) {
    if (strcmp(table->name, name) == 0) return table;
  }
  return NULL;
}

void sim_choice_names(const struct sim_choice *table, char *out, size_t bytes) {
  size_t used = 0;
  out[0] = '\0';
  for (const struct sim_choice *row = table; row->name != NULL && used + 1 < bytes; row++) {
    const char *between = row == table ? "" : row[1].name == NULL ? " or " : ", ";
    int n = snprintf(out + used, bytes - used, "%s%s", between, row->name);
    if (n < 0) return;
    used += (size_t)n;
  }
}

const struct sim_choice sim_race_checks[] = {
    /* enum sc_races */
    {"none", "Nobody looks."},
    {"announced", "Of the program's plain data: what maps hold, and what is touched with plat_ld, "
                  "plat_st and plat_touch."},
    {"all", "Of everything the core reads and writes, on an engine that tells of each access: some "
            "ten times slower."},
    {NULL, NULL},
};

/* What a scenario or the command line may choose by name: one table per kind of choice, each row
 * with the sentence `tricolor list` prints. The loader validates against these; the engines'
 * registries (gc_barriers[], gc_pacers[]) hold the same names, which a test of theirs checks. */
#ifndef SIMS_CHOICES_H
#define SIMS_CHOICES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sim_choice {
  const char *name; /* NULL ends a table */
  const char *doc;  /* one sentence */
};

extern const struct sim_choice sim_collectors[]; /* the first is ours */
extern const struct sim_choice sim_platforms[];  /* --engine: native, model */
extern const struct sim_choice sim_barriers[];   /* gc.barrier.kind */
extern const struct sim_choice sim_late_works[]; /* gc.late_work, of enum gc_late_work */
extern const struct sim_choice sim_huge_pages[]; /* gc.huge_pages, of enum gc_huge_pages */
extern const struct sim_choice sim_gc_modes[];   /* gc.mode, in order of enum gc_mode */
extern const struct sim_choice sim_pacers[];     /* gc.pacer.kind */
extern const struct sim_choice sim_map_kinds[];  /* maps.NAME.kind */
extern const struct sim_choice sim_strategies[]; /* explore.strategy; the first is the default */
extern const struct sim_choice sim_race_checks[]; /* explore.races, in order of enum sc_races */

/* What a kind of barrier needs. A row per row of sim_barriers; the facts of gc/barrier.h again. */
struct sim_barrier_rule {
  const char *name; /* NULL ends the table */
  bool needs_stop;  /* loses objects unless gc.mode is "stw" */
};
extern const struct sim_barrier_rule sim_barrier_rules[];
const struct sim_barrier_rule *sim_barrier_rule_find(const char *name); /* never NULL for a kind */

extern const struct sim_choice sim_gc_faults[];    /* gc.faults, by bit */
extern const struct sim_choice sim_map_faults[];   /* maps.NAME.faults */
extern const struct sim_choice sim_sched_faults[]; /* runtime.faults */
/* Faults, a bit each, from which no violation follows by itself. */
extern const uint64_t sim_gc_faults_harmless, sim_map_faults_harmless, sim_sched_faults_harmless;

/* What a kind of map allows several goroutines to do without a mutex of theirs. One row per row of
 * sim_map_kinds; the facts of maps/kind.h again, for the loader. */
struct sim_map_rule {
  const char *name;       /* NULL ends the table */
  bool reads, writes;     /* look up and iterate at once; everything at once */
  bool detects_misuse;    /* what is not allowed ends the run, if it is noticed */
  bool is_go_table;       /* built on Go's table, where the faults of maps are */
  bool has_hash0;         /* its tables are seeded as the scenario says */
};
extern const struct sim_map_rule sim_map_rules[];
const struct sim_map_rule *sim_map_rule_find(const char *name); /* never NULL for a kind */

/* The row called name, or NULL. */
const struct sim_choice *sim_choice_find(const struct sim_choice *table, const char *name);

/* Writes "a, b or c" into out (always terminated, cut to bytes). */
void sim_choice_names(const struct sim_choice *table, char *out, size_t bytes);

#endif

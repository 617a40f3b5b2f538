/* The result of one run, tricolor.result/1: the values, and one row per field that says where it
 * goes in the JSON document, its unit and what it means. Needs nothing of the core, so that the
 * front end can print the documentation.
 */
#ifndef SIMS_RESULT_FIELDS_H
#define SIMS_RESULT_FIELDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What an engine must have to measure a field; a field it cannot measure is null. */
enum {
  SIM_HAS_CONCURRENT_MARK = 1, /* a concurrent collector with write barrier and pacer */
  SIM_HAS_CYCLES = 2,          /* the collector reports its cycles */
  SIM_HAS_MACHINE = 4,         /* real memory and real processors, not a model of them */
  SIM_HAS_GAPS = 8,            /* at least one gap was observed */
  SIM_HAS_TOTALS = 16,         /* the run came to its end, so that its totals could be read */
  SIM_HAS_MODEL = 32           /* virtual time and caches */
};

/* Objects of one size class. */
struct sim_result_size { uint64_t bytes, mallocs; };

struct sim_result_map {
  const char *name;
  uint64_t count, B, noverflow, growths, same_size_growths;
  uint64_t overflow_allocated, overflow_preallocated, evacuated_buckets;
  uint64_t bucket_bytes, gets, gets_found;
  uint64_t lock_waits, spin_pauses, spin_yields, spin_parks, migrations, migration_ns_max;
  uint64_t promotions, misses, treeified, untreeified, tables, directory;
  const char *hash_key;
  double hash0; /* NaN: none */
  uint64_t missed_detections;
};

struct sim_result_list { const char *name; uint64_t nodes, pushed, popped; };
struct sim_result_tree { const char *name; uint64_t nodes, built; };
struct sim_result_channel { const char *name; uint64_t sent, received, sum_received, waiting; };

struct sim_result_mmu { uint64_t window_ns; double utilisation; bool clamped; };

struct sim_result_stop {
  const char *reason, *last_goroutine;
  int64_t requested_ns;
  uint64_t last_goroutine_id, time_to_stop_ns, total_ns;
};

struct sim_result_cycle {
  uint64_t number, procs;
  bool forced;
  int64_t start_ns, mark_ns, mark_term_ns, end_ns;
  uint64_t pause_total_ns, assist_ns, dedicated_ns, fractional_ns, idle_ns;
  uint64_t heap_start_bytes, heap_end_bytes, heap_marked_bytes, heap_goal_bytes, trigger_bytes;
  uint64_t stack_bytes, globals_bytes, heap_scan_bytes, stack_scan_bytes, globals_scan_bytes;
  uint64_t wb_flushes, mark_restarts;
  double cpu_fraction, cons_mark;
};

struct sim_result_processor { uint64_t processor, read_misses, write_misses; };

struct sim_result_violation { const char *kind, *text, *doing; };

struct sim_result {
  unsigned has; /* SIM_HAS_* */
  const char *scenario, *engine, *collector, *version, *run;
  uint64_t seed, procs;
  bool partial;
  uint64_t wall_ns, cpu_ns, setup_ns, max_rss_bytes;
  struct { uint64_t count; double ns_per_op; } ops;
  struct {
    uint64_t cycles, forced_cycles, assists, assist_ns, dedicated_ns, fractional_ns, idle_ns;
    double cpu_fraction;
    uint64_t heap_goal_bytes_last, heap_live_bytes_last, heap_live_bytes_peak;
    uint64_t heap_committed_bytes, wb_flushes, wb_entries, mark_restarts;
    uint64_t bytes_allocated, bytes_freed, mallocs, frees;
  } gc;
  struct {
    uint64_t count, total_ns, p50_ns, p90_ns, p99_ns, p999_ns, max_ns;
    struct { uint64_t p50_ns, p99_ns, max_ns; } time_to_stop;
  } pauses;
  struct { uint64_t count, p50_ns, p90_ns, p99_ns, p999_ns, p9999_ns, max_ns; } observed;
  struct {
    uint64_t goroutines, switches, steals, preemptions, parks, stops, threads;
  } sched;
  struct {
    uint64_t steps, switches, coherence_misses, read_misses, write_misses, memory_misses;
  } model;
  struct { uint64_t dropped, logged, stops_lost, cycles_lost; } events;

  const struct sim_result_mmu *mmu;               uint32_t mmu_count;
  const struct sim_result_stop *worst;            uint32_t worst_count;
  const struct sim_result_cycle *cycles;          uint32_t cycle_count;
  const struct sim_result_size *sizes;            uint32_t size_count;
  const struct sim_result_map *maps;              uint32_t map_count;
  const struct sim_result_list *lists;            uint32_t list_count;
  const struct sim_result_tree *trees;            uint32_t tree_count;
  const struct sim_result_channel *channels;      uint32_t channel_count;
  const struct sim_result_processor *processors;  uint32_t processor_count;
  const struct sim_result_violation *violations;  uint32_t violation_count;
  const char *const *notes;                       uint32_t note_count;
  const char *config_json;                        /* the resolved scenario; NULL: left out */
};

enum sim_field_kind { SIM_U64, SIM_I64, SIM_F64, SIM_BOOL, SIM_TEXT };

struct sim_field {
  const char *path;      /* dotted, relative to its table's place */
  const char *unit;      /* "ns", "bytes", "1", "text", "bool" */
  const char *doc;       /* one sentence */
  enum sim_field_kind kind;
  unsigned needs;        /* SIM_HAS_*; null unless the engine has all */
  size_t offset;         /* in the table's struct */
};

/* A table of rows and where its objects go: "" (the document), "maps.<name>", "mmu[]". */
struct sim_field_table {
  const char *place;
  const struct sim_field *rows;
  uint32_t count;
};

enum sim_field_table_id {
  SIM_TABLE_RUN, SIM_TABLE_MMU, SIM_TABLE_WORST, SIM_TABLE_CYCLE, SIM_TABLE_SIZE, SIM_TABLE_MAP,
  SIM_TABLE_LIST, SIM_TABLE_TREE, SIM_TABLE_CHANNEL, SIM_TABLE_PROCESSOR, SIM_TABLE_VIOLATION,
  SIM_TABLE_COUNT
};
extern const struct sim_field_table sim_field_tables[SIM_TABLE_COUNT];

/* Field number index of all tables together, with its whole path; false: no more. */
struct sim_field_doc { char path[96]; const char *unit, *doc; };
bool sim_field_doc_at(uint32_t index, struct sim_field_doc *out);

#endif

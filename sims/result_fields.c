#include "sims/result_fields.h"

#include <stdio.h>

#define COUNT(a) (uint32_t)(sizeof(a) / sizeof(a)[0])

/* ---- the document itself --------------------------------------------------------------------- */

#define AT(member) offsetof(struct sim_result, member)
#define TOTALS SIM_HAS_TOTALS
#define MARKING (SIM_HAS_TOTALS | SIM_HAS_CONCURRENT_MARK)
static const struct sim_field run_fields[] = {
  {"scenario", "text", "name of the scenario", SIM_TEXT, 0, AT(scenario)},
  {"engine", "text", "platform: native or model", SIM_TEXT, 0, AT(engine)},
  {"collector", "text", "concurrent (ours), boehm, none or go", SIM_TEXT, 0, AT(collector)},
  {"version", "text", "version of the engine", SIM_TEXT, 0, AT(version)},
  {"run", "text", "which repetition this is, as the front end counts", SIM_TEXT, 0, AT(run)},
  {"seed", "1", "seed of every random choice", SIM_U64, 0, AT(seed)},
  {"procs", "1", "processors (Ps) goroutines ran on", SIM_U64, 0, AT(procs)},
  {"partial", "bool", "the run ended before its end; counts are those so far", SIM_BOOL, 0,
   AT(partial)},
  {"wall_ns", "ns", "from the start of the goroutine groups to the end of the last goroutine",
   SIM_U64, 0, AT(wall_ns)},
  {"cpu_ns", "ns", "processor time of the whole process meanwhile (model: of all its threads)",
   SIM_U64, 0, AT(cpu_ns)},
  {"setup_ns", "ns", "time the setup took, before the clock started", SIM_U64, 0, AT(setup_ns)},
  {"max_rss_bytes", "bytes", "peak resident memory of the process, setup included", SIM_U64,
   SIM_HAS_MACHINE, AT(max_rss_bytes)},

  {"ops.count", "1", "operations done by the goroutine groups; loop and lock count their bodies",
   SIM_U64, 0, AT(ops.count)},
  {"ops.ns_per_op", "ns", "wall_ns / ops.count", SIM_F64, 0, AT(ops.ns_per_op)},

  {"gc.cycles", "1", "collections that ended while the clock ran", SIM_U64, 0, AT(gc.cycles)},
  {"gc.forced_cycles", "1", "of these, asked for by a gc operation", SIM_U64, TOTALS,
   AT(gc.forced_cycles)},
  {"gc.assists", "1", "times a goroutine had to mark before it could allocate", SIM_U64,
   MARKING, AT(gc.assists)},
  {"gc.assist_ns", "ns", "processor time goroutines spent assisting", SIM_U64,
   MARKING, AT(gc.assist_ns)},
  {"gc.dedicated_ns", "ns", "processor time of dedicated mark workers", SIM_U64,
   MARKING, AT(gc.dedicated_ns)},
  {"gc.fractional_ns", "ns", "processor time of fractional mark workers", SIM_U64,
   MARKING, AT(gc.fractional_ns)},
  {"gc.idle_ns", "ns", "processor time of mark workers on Ps nobody wanted", SIM_U64,
   MARKING, AT(gc.idle_ns)},
  {"gc.cpu_fraction", "1", "share of the processor time since the start, setup included, that "
   "went to collection, idle workers excepted", SIM_F64, MARKING,
   AT(gc.cpu_fraction)},
  {"gc.heap_goal_bytes_last", "bytes", "heap size the pacer aims at when the run ends", SIM_U64,
   MARKING, AT(gc.heap_goal_bytes_last)},
  {"gc.heap_live_bytes_last", "bytes", "marked by the last cycle plus allocated since, at the end",
   SIM_U64, TOTALS, AT(gc.heap_live_bytes_last)},
  {"gc.heap_live_bytes_peak", "bytes", "the most this ever was, setup included", SIM_U64, TOTALS,
   AT(gc.heap_live_bytes_peak)},
  {"gc.heap_committed_bytes", "bytes", "memory the heap holds at the end", SIM_U64, TOTALS,
   AT(gc.heap_committed_bytes)},
  {"gc.wb_flushes", "1", "write-barrier buffers emptied", SIM_U64, MARKING,
   AT(gc.wb_flushes)},
  {"gc.wb_entries", "1", "pointers recorded by the write barrier", SIM_U64,
   MARKING, AT(gc.wb_entries)},
  {"gc.mark_restarts", "1", "times work was found after the second stop and marking resumed",
   SIM_U64, MARKING, AT(gc.mark_restarts)},
  {"gc.bytes_allocated", "bytes", "size of all slots handed out while the clock ran",
   SIM_U64, TOTALS, AT(gc.bytes_allocated)},
  {"gc.bytes_freed", "bytes", "size of all slots taken back while the clock ran", SIM_U64, TOTALS,
   AT(gc.bytes_freed)},
  {"gc.mallocs", "1", "objects allocated while the clock ran", SIM_U64, TOTALS, AT(gc.mallocs)},
  {"gc.frees", "1", "objects freed while the clock ran", SIM_U64, TOTALS, AT(gc.frees)},

  {"pauses.count", "1", "times the world was stopped while the clock ran", SIM_U64, 0,
   AT(pauses.count)},
  {"pauses.total_ns", "ns", "sum of all stops, each from its request until the world ran again",
   SIM_U64, 0, AT(pauses.total_ns)},
  {"pauses.p50_ns", "ns", "half of the stops were at most this long", SIM_U64, 0,
   AT(pauses.p50_ns)},
  {"pauses.p90_ns", "ns", "90 % of the stops were at most this long", SIM_U64, 0,
   AT(pauses.p90_ns)},
  {"pauses.p99_ns", "ns", "99 % of the stops were at most this long", SIM_U64, 0,
   AT(pauses.p99_ns)},
  {"pauses.p999_ns", "ns", "99.9 % of the stops were at most this long", SIM_U64, 0,
   AT(pauses.p999_ns)},
  {"pauses.max_ns", "ns", "the longest stop", SIM_U64, 0, AT(pauses.max_ns)},
  {"pauses.time_to_stop.p50_ns", "ns", "from the request until every P had stopped, median",
   SIM_U64, 0, AT(pauses.time_to_stop.p50_ns)},
  {"pauses.time_to_stop.p99_ns", "ns", "the same, 99th percentile", SIM_U64, 0,
   AT(pauses.time_to_stop.p99_ns)},
  {"pauses.time_to_stop.max_ns", "ns", "the same, longest", SIM_U64, 0,
   AT(pauses.time_to_stop.max_ns)},

  {"observed.count", "1", "gaps observed between two operation ends of one goroutine (long "
   "operations are cut into steps of about a microsecond)", SIM_U64, 0, AT(observed.count)},
  {"observed.p50_ns", "ns", "median gap; time blocked by the goroutine's own wish is taken out",
   SIM_U64, SIM_HAS_GAPS, AT(observed.p50_ns)},
  {"observed.p90_ns", "ns", "90th percentile of the gaps", SIM_U64, SIM_HAS_GAPS,
   AT(observed.p90_ns)},
  {"observed.p99_ns", "ns", "99th percentile of the gaps", SIM_U64, SIM_HAS_GAPS,
   AT(observed.p99_ns)},
  {"observed.p999_ns", "ns", "99.9th percentile of the gaps", SIM_U64, SIM_HAS_GAPS,
   AT(observed.p999_ns)},
  {"observed.p9999_ns", "ns", "99.99th percentile of the gaps", SIM_U64, SIM_HAS_GAPS,
   AT(observed.p9999_ns)},
  {"observed.max_ns", "ns", "the longest gap: what no collector can hide", SIM_U64, SIM_HAS_GAPS,
   AT(observed.max_ns)},

  {"sched.goroutines", "1", "goroutines created since the start, system ones included",
   SIM_U64, TOTALS, AT(sched.goroutines)},
  {"sched.switches", "1", "goroutine switches while the clock ran", SIM_U64, TOTALS,
   AT(sched.switches)},
  {"sched.steals", "1", "times a P took goroutines from another", SIM_U64, TOTALS,
   AT(sched.steals)},
  {"sched.preemptions", "1", "goroutines preempted at a safepoint", SIM_U64, TOTALS,
   AT(sched.preemptions)},
  {"sched.parks", "1", "times a goroutine blocked", SIM_U64, TOTALS, AT(sched.parks)},
  {"sched.stops", "1", "stops of the world since the start, ours included", SIM_U64, TOTALS,
   AT(sched.stops)},
  {"sched.threads", "1", "threads started", SIM_U64, TOTALS, AT(sched.threads)},

  {"model.steps", "1", "visible operations of all threads, from the engine's start", SIM_U64,
   SIM_HAS_MODEL, AT(model.steps)},
  {"model.switches", "1", "changes of the thread that runs next in virtual time", SIM_U64,
   SIM_HAS_MODEL, AT(model.switches)},
  {"model.coherence_misses", "1", "cache lines of 64 bytes that came from another processor",
   SIM_U64, SIM_HAS_MODEL, AT(model.coherence_misses)},
  {"model.read_misses", "1", "of these, to read what another processor wrote last", SIM_U64,
   SIM_HAS_MODEL, AT(model.read_misses)},
  {"model.write_misses", "1", "of these, to write what another processor held", SIM_U64,
   SIM_HAS_MODEL, AT(model.write_misses)},
  {"model.memory_misses", "1", "times that memory of the heap was asked for which no cache held",
   SIM_U64, SIM_HAS_MODEL, AT(model.memory_misses)},
  {"events.dropped", "1", "events lost because a ring was full; mmu then misses collector work",
   SIM_U64, 0, AT(events.dropped)},
  {"events.logged", "1", "events written to the event log; null in the model, whose results"
   " are the same with and without it", SIM_U64, SIM_HAS_MACHINE, AT(events.logged)},
  {"events.stops_lost", "1", "stops beyond the number kept in memory", SIM_U64, 0,
   AT(events.stops_lost)},
  {"events.cycles_lost", "1", "cycles beyond the number kept in gc.cycle_list", SIM_U64, 0,
   AT(events.cycles_lost)},
};
#undef MARKING
#undef TOTALS
#undef AT

/* ---- lists and named things ------------------------------------------------------------------ */

#define AT(member) offsetof(struct sim_result_mmu, member)
static const struct sim_field mmu_fields[] = {
  {"window_ns", "ns", "length of the window", SIM_U64, 0, AT(window_ns)},
  {"utilisation", "1", "least share of the processors the program had in any such window", SIM_F64,
   0, AT(utilisation)},
  {"clamped", "bool", "the run was shorter than the window: the mean over the run", SIM_BOOL, 0,
   AT(clamped)},
};
#undef AT

#define AT(member) offsetof(struct sim_result_stop, member)
static const struct sim_field worst_fields[] = {
  {"reason", "text", "what the world was stopped for", SIM_TEXT, 0, AT(reason)},
  {"requested_ns", "ns", "when, since the clock started", SIM_I64, 0, AT(requested_ns)},
  {"time_to_stop_ns", "ns", "until every P had stopped", SIM_U64, 0, AT(time_to_stop_ns)},
  {"total_ns", "ns", "until the world ran again", SIM_U64, 0, AT(total_ns)},
  {"last_goroutine", "text", "name of the last goroutine to stop; null: nobody was waited for",
   SIM_TEXT, 0, AT(last_goroutine)},
  {"last_goroutine_id", "1", "its number; 0: none", SIM_U64, 0, AT(last_goroutine_id)},
};
#undef AT

#define AT(member) offsetof(struct sim_result_cycle, member)
#define MARK SIM_HAS_CONCURRENT_MARK
static const struct sim_field cycle_fields[] = {
  {"number", "1", "cycle number since the start", SIM_U64, 0, AT(number)},
  {"forced", "bool", "asked for by a gc operation", SIM_BOOL, 0, AT(forced)},
  {"procs", "1", "Ps it ran with", SIM_U64, 0, AT(procs)},
  {"start_ns", "ns", "first stop requested, since the clock started (setup: negative)", SIM_I64, 0,
   AT(start_ns)},
  {"mark_ns", "ns", "first stop over, concurrent marking", SIM_I64, MARK, AT(mark_ns)},
  {"mark_term_ns", "ns", "second stop requested", SIM_I64, MARK, AT(mark_term_ns)},
  {"end_ns", "ns", "marking over", SIM_I64, 0, AT(end_ns)},
  {"pause_total_ns", "ns", "both stops", SIM_U64, 0, AT(pause_total_ns)},
  {"assist_ns", "ns", "processor time of assists", SIM_U64, MARK, AT(assist_ns)},
  {"dedicated_ns", "ns", "of dedicated workers", SIM_U64, MARK, AT(dedicated_ns)},
  {"fractional_ns", "ns", "of fractional workers", SIM_U64, MARK, AT(fractional_ns)},
  {"idle_ns", "ns", "of idle workers", SIM_U64, MARK, AT(idle_ns)},
  {"heap_start_bytes", "bytes", "live heap at the start", SIM_U64, 0, AT(heap_start_bytes)},
  {"heap_end_bytes", "bytes", "live heap at mark termination", SIM_U64, 0, AT(heap_end_bytes)},
  {"heap_marked_bytes", "bytes", "found reachable", SIM_U64, 0, AT(heap_marked_bytes)},
  {"heap_goal_bytes", "bytes", "goal of the cycle", SIM_U64, MARK, AT(heap_goal_bytes)},
  {"trigger_bytes", "bytes", "live heap at which it was due", SIM_U64, MARK, AT(trigger_bytes)},
  {"stack_bytes", "bytes", "accounted stack bytes", SIM_U64, MARK, AT(stack_bytes)},
  {"globals_bytes", "bytes", "accounted global bytes", SIM_U64, MARK, AT(globals_bytes)},
  {"heap_scan_bytes", "bytes", "scan work on the heap", SIM_U64, MARK, AT(heap_scan_bytes)},
  {"stack_scan_bytes", "bytes", "on stacks", SIM_U64, MARK, AT(stack_scan_bytes)},
  {"globals_scan_bytes", "bytes", "on globals", SIM_U64, MARK, AT(globals_scan_bytes)},
  {"wb_flushes", "1", "write-barrier buffers emptied", SIM_U64, MARK, AT(wb_flushes)},
  {"mark_restarts", "1", "restarts after the second stop", SIM_U64, MARK, AT(mark_restarts)},
  {"cpu_fraction", "1", "gc.cpu_fraction after the cycle", SIM_F64, MARK, AT(cpu_fraction)},
  {"cons_mark", "1", "the pacer's estimate after the cycle", SIM_F64, MARK, AT(cons_mark)},
};
#undef MARK
#undef AT

#define AT(member) offsetof(struct sim_result_size, member)
static const struct sim_field size_fields[] = {
  {"bytes", "bytes", "size class of at most 18432 bytes", SIM_U64, 0, AT(bytes)},
  {"mallocs", "1", "objects of that size allocated while the clock ran; those that fitted into a "
   "16-byte block begun by another are in none", SIM_U64, 0, AT(mallocs)},
};
#undef AT

#define AT(member) offsetof(struct sim_result_map, member)
static const struct sim_field map_fields[] = {
  {"count", "1", "entries at the end", SIM_U64, 0, AT(count)},
  {"B", "1", "log2 of the number of buckets", SIM_U64, 0, AT(B)},
  {"noverflow", "1", "overflow buckets as the map counts them (estimated for B >= 16)", SIM_U64, 0,
   AT(noverflow)},
  {"growths", "1", "times it doubled", SIM_U64, 0, AT(growths)},
  {"same_size_growths", "1", "times it was rewritten at the same size", SIM_U64, 0,
   AT(same_size_growths)},
  {"overflow_allocated", "1", "overflow buckets ever taken", SIM_U64, 0, AT(overflow_allocated)},
  {"overflow_preallocated", "1", "of these, from the spare buckets of the array", SIM_U64, 0,
   AT(overflow_preallocated)},
  {"evacuated_buckets", "1", "buckets moved by growth", SIM_U64, 0, AT(evacuated_buckets)},
  {"bucket_bytes", "bytes", "size of one bucket", SIM_U64, 0, AT(bucket_bytes)},
  {"hash_key", "text", "what its hash function is keyed with, in hexadecimal", SIM_TEXT, 0,
   AT(hash_key)},
  {"hash0", "1", "the seed its first table was made with; null: not known, or several", SIM_F64, 0,
   AT(hash0)},
  {"gets", "1", "map.get operations done", SIM_U64, 0, AT(gets)},
  {"gets_found", "1", "of these, that found their key", SIM_U64, 0, AT(gets_found)},
  {"lock_waits", "1", "times a mutex or bucket lock was not free at once", SIM_U64, 0,
   AT(lock_waits)},
  {"spin_pauses", "1", "bucket-spin: rounds of spinning for a bucket", SIM_U64, 0,
   AT(spin_pauses)},
  {"spin_yields", "1", "bucket-spin: times the processor was given away then", SIM_U64, 0,
   AT(spin_yields)},
  {"spin_parks", "1", "bucket-spin: times the goroutine was parked then", SIM_U64, 0,
   AT(spin_parks)},
  {"migrations", "1", "global-lock, bucket-spin: growths that moved everything at once", SIM_U64, 0,
   AT(migrations)},
  {"migration_ns_max", "ns", "the longest of them", SIM_U64, 0, AT(migration_ns_max)},
  {"promotions", "1", "syncmap: times the dirty map became the read map", SIM_U64, 0,
   AT(promotions)},
  {"misses", "1", "syncmap: look-ups that had to go to the dirty map", SIM_U64, 0, AT(misses)},
  {"treeified", "1", "java8: bins turned into trees", SIM_U64, 0, AT(treeified)},
  {"untreeified", "1", "java8: trees turned back", SIM_U64, 0, AT(untreeified)},
  {"tables", "1", "swiss: tables at the end", SIM_U64, 0, AT(tables)},
  {"directory", "1", "swiss: directory entries at the end", SIM_U64, 0, AT(directory)},
  {"missed_detections", "1", "with runtime.check and allow_races: 1 if it is broken at the end",
   SIM_U64, 0, AT(missed_detections)},
};
#undef AT

#define AT(member) offsetof(struct sim_result_list, member)
static const struct sim_field list_fields[] = {
  {"nodes", "1", "nodes in the list at the end", SIM_U64, 0, AT(nodes)},
  {"pushed", "1", "nodes appended, setup included", SIM_U64, 0, AT(pushed)},
  {"popped", "1", "nodes dropped, setup included", SIM_U64, 0, AT(popped)},
};
#undef AT

#define AT(member) offsetof(struct sim_result_tree, member)
static const struct sim_field tree_fields[] = {
  {"nodes", "1", "nodes of the tree at the end", SIM_U64, 0, AT(nodes)},
  {"built", "1", "trees built, setup included", SIM_U64, 0, AT(built)},
};
#undef AT

#define AT(member) offsetof(struct sim_result_channel, member)
static const struct sim_field channel_fields[] = {
  {"sent", "1", "values sent, setup included", SIM_U64, 0, AT(sent)},
  {"received", "1", "values received", SIM_U64, 0, AT(received)},
  {"sum_received", "1", "their sum, modulo 2^64 (an operation sends 0, 1, 2, ...)", SIM_U64, 0,
   AT(sum_received)},
  {"waiting", "1", "values in the buffer at the end", SIM_U64, 0, AT(waiting)},
};
#undef AT

#define AT(member) offsetof(struct sim_result_processor, member)
static const struct sim_field processor_fields[] = {
  {"processor", "1", "index of the P; one past the last: threads without a P", SIM_U64, 0,
   AT(processor)},
  {"read_misses", "1", "coherence misses of its reads", SIM_U64, 0, AT(read_misses)},
  {"write_misses", "1", "coherence misses of its writes", SIM_U64, 0, AT(write_misses)},
};
#undef AT

#define AT(member) offsetof(struct sim_result_violation, member)
static const struct sim_field violation_fields[] = {
  {"kind", "text", "fatal, violation, deadlock, memory_cap, out_of_memory, bug or stopped",
   SIM_TEXT, 0, AT(kind)},
  {"text", "text", "what was found", SIM_TEXT, 0, AT(text)},
  {"doing", "text", "what the goroutine was doing, where known", SIM_TEXT, 0, AT(doing)},
};
#undef AT

const struct sim_field_table sim_field_tables[SIM_TABLE_COUNT] = {
  [SIM_TABLE_RUN] = {"", run_fields, COUNT(run_fields)},
  [SIM_TABLE_MMU] = {"mmu[].", mmu_fields, COUNT(mmu_fields)},
  [SIM_TABLE_WORST] = {"pauses.worst[].", worst_fields, COUNT(worst_fields)},
  [SIM_TABLE_CYCLE] = {"gc.cycle_list[].", cycle_fields, COUNT(cycle_fields)},
  [SIM_TABLE_SIZE] = {"gc.by_size[].", size_fields, COUNT(size_fields)},
  [SIM_TABLE_MAP] = {"maps.<name>.", map_fields, COUNT(map_fields)},
  [SIM_TABLE_LIST] = {"lists.<name>.", list_fields, COUNT(list_fields)},
  [SIM_TABLE_TREE] = {"trees.<name>.", tree_fields, COUNT(tree_fields)},
  [SIM_TABLE_CHANNEL] = {"channels.<name>.", channel_fields, COUNT(channel_fields)},
  [SIM_TABLE_PROCESSOR] = {"model.processors[].", processor_fields, COUNT(processor_fields)},
  [SIM_TABLE_VIOLATION] = {"violations[].", violation_fields, COUNT(violation_fields)},
};

/* Fields that are not values of a table. */
static const struct sim_field_doc other_fields[] = {
  {"schema", "text", "tricolor.result/1"},
  {"notes[]", "text", "what the engine could not or did not do as the scenario says"},
  {"config", "object", "the scenario as it was run, defaults included"},
};

bool sim_field_doc_at(uint32_t index, struct sim_field_doc *out) {
  for (uint32_t t = 0; t < SIM_TABLE_COUNT; t++) {
    const struct sim_field_table *table = &sim_field_tables[t];
    if (index < table->count) {
      const struct sim_field *row = &table->rows[index];
      snprintf(out->path, sizeof out->path, "%s%s", table->place, row->path);
      out->unit = row->unit;
      out->doc = row->doc;
      return true;
    }
    index -= table->count;
  }
  if (index >= COUNT(other_fields)) return false;
  *out = other_fields[index];
  return true;
}

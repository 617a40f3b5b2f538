/* What an engine asks of its platform beyond runtime/plat.h; one implementation each for native
 * and model, chosen by the build. */
#ifndef SIMS_PLATFORM_H
#define SIMS_PLATFORM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

extern const char *const sim_platform_name; /* "native", "model" */
extern const bool sim_platform_is_real;     /* real time and memory: not the same in every run */

/* First thing in main: ends with the parent, takes SIGTERM for the watcher. */
void sim_platform_start(void);

/* The costs of the model, picoseconds, in order of runtime/cost.def. Before the run; false: this
 * platform has none. */
bool sim_platform_costs(const uint64_t *ps);

/* Peak resident memory of the process, bytes; model: 0. */
uint64_t sim_platform_rss_bytes(void);

/* What only the model can count, of the run so far; natively all 0. Misses are of coherence. */
struct sim_platform_counts {
  uint64_t steps, switches; /* announced operations; changes of the running thread */
  uint64_t memory_misses;   /* of all processors, in the last-level cache */
};
void sim_platform_counts_read(struct sim_platform_counts *out);
struct sim_platform_misses { uint64_t read, write; };
enum { SIM_NO_PROCESSOR = 1024 }; /* threads that never had a P */
void sim_platform_misses_read(uint32_t processor, struct sim_platform_misses *out);

/* Zeroed memory of what a run may change, aligned to a cache line; the model puts it back when it
 * explores. Never NULL: the program ends. Model: sim_platform_free does nothing. */
void *sim_platform_alloc(size_t bytes);
void sim_platform_free(void *p);

/* Measures the speed of sim_platform_compute. Before other threads run. */
void sim_platform_calibrate(void);
/* Work that takes about ns on an idle processor, without a safepoint. Returns a value the caller
 * must use, so that the work is not optimised away. */
uint64_t sim_platform_compute(uint64_t ns, uint64_t seed);

/* Starts a thread that calls tick(arg, false) several times a second, and once tick(arg, true)
 * when somebody asked the process to end. Model: no thread, no calls. */
void sim_platform_watch(void (*tick)(void *arg, bool is_asked_to_end), void *arg,
                        uint64_t period_ns);
/* Ends it; tick is not running any more when this returns. */
void sim_platform_unwatch(void);

#endif

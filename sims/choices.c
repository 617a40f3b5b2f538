#include "sims/choices.h"

#include <stdio.h>
#include <string.h>

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
  {"none", "No barrier: a marker beside the program loses objects, as the checker shows."},
  {"dijkstra", "Shades the new pointer; stacks are scanned again with the world stopped."},
  {"yuasa", "Shades the overwritten pointer; stacks are scanned before marking starts."},
  {NULL, NULL},
};

const struct sim_choice sim_pacers[] = {
  {"go1.19", "Go 1.19: heap goal from GOGC and memory limit, trigger from the cons/mark ratio."},
  {NULL, NULL},
};

const struct sim_choice sim_map_kinds[] = {
  {"go", "Go 1.19's map: buckets of eight, overflow chains, growth spread over later operations."},
  {NULL, NULL},
};

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

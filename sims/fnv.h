/* FNV-1a, 64 bits: names scenarios, builds and texts by what is in them. */
#ifndef SIMS_FNV_H
#define SIMS_FNV_H

#include <stddef.h>
#include <stdint.h>

#define SIM_FNV_EMPTY UINT64_C(14695981039346656037)

/* The hash of what `hash` is of, followed by these bytes. */
static inline uint64_t sim_fnv(uint64_t hash, const void *data, size_t bytes) {
  const unsigned char *p = data;
  for (size_t i = 0; i < bytes; i++) hash = (hash ^ p[i]) * UINT64_C(1099511628211);
  return hash;
}

#endif

/* Log-linear histogram of unsigned values; relative error below 1/128. */
#ifndef RUNTIME_HIST_H
#define RUNTIME_HIST_H

#include <stdint.h>

enum { HIST_SUB_BITS = 7, HIST_BUCKETS = (64 - HIST_SUB_BITS + 1) << HIST_SUB_BITS };

/* Owned by one thread at a time. */
struct hist {
  uint64_t count, sum, min, max; /* exact; min is UINT64_MAX while empty */
  uint64_t bucket[HIST_BUCKETS];
};

void hist_init(struct hist *h);
void hist_merge(struct hist *into, const struct hist *from);
/* Smallest recorded value (to the bucket's upper bound, never above max) such that at least
 * q of all values are <= it; 0 when empty. 0 <= q <= 1. */
uint64_t hist_quantile(const struct hist *h, double q);

static inline uint32_t hist_index(uint64_t v) {
  if (v < (1u << HIST_SUB_BITS)) return (uint32_t)v;
  uint32_t top = 63u - (uint32_t)__builtin_clzll(v);
  uint32_t shift = top - HIST_SUB_BITS;
  return ((shift + 1) << HIST_SUB_BITS) + (uint32_t)((v >> shift) & ((1u << HIST_SUB_BITS) - 1));
}

static inline void hist_add(struct hist *h, uint64_t v) {
  h->count++;
  h->sum += v;
  if (v < h->min) h->min = v;
  if (v > h->max) h->max = v;
  h->bucket[hist_index(v)]++;
}

#endif

#include "runtime/hist.h"

#include <string.h>

#include "runtime/check.h"

void hist_init(struct hist *h) {
  memset(h, 0, sizeof *h);
  h->min = UINT64_MAX;
}

void hist_merge(struct hist *into, const struct hist *from) {
  into->count += from->count;
  into->sum += from->sum;
  if (from->min < into->min) into->min = from->min;
  if (from->max > into->max) into->max = from->max;
  for (uint32_t i = 0; i < HIST_BUCKETS; i++) into->bucket[i] += from->bucket[i];
}

/* Largest value of bucket i: the inverse of hist_index. */
static uint64_t upper_bound(uint32_t i) {
  uint32_t row = i >> HIST_SUB_BITS;
  uint64_t column = i & ((1u << HIST_SUB_BITS) - 1);
  if (row == 0) return column;
  uint32_t shift = row - 1;
  uint64_t low = ((1ull << HIST_SUB_BITS) + column) << shift;
  return low + ((1ull << shift) - 1);
}

uint64_t hist_quantile(const struct hist *h, double q) {
  rt_assert(q >= 0 && q <= 1);
  if (h->count == 0) return 0;
  double exact = q * (double)h->count;
  uint64_t rank = (uint64_t)exact;
  if ((double)rank < exact) rank++;
  if (rank == 0) return h->min;
  uint64_t seen = 0;
  for (uint32_t i = 0; i < HIST_BUCKETS; i++) {
    seen += h->bucket[i];
    if (seen < rank) continue;
    uint64_t bound = upper_bound(i);
    return bound < h->max ? bound : h->max;
  }
  return h->max; /* q * count was rounded above count */
}

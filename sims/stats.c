#include "sims/stats.h"

#include <math.h>
#include <stdlib.h>

static int compare_doubles(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

void sim_stats_sort(double *values, uint32_t count) {
  if (count > 1) qsort(values, count, sizeof values[0], compare_doubles);
}

uint32_t sim_stats_median_ci_rank(uint32_t count) {
  /* below = P(Bin(count, 1/2) < k), summed term by term; the logarithm keeps 2^-count in range. */
  double log_term = -(double)count * log(2.0); /* of P(Bin = 0) */
  double below = 0;
  uint32_t k = 0;
  while (k < count) {
    below += exp(log_term);
    if (2 * below > 0.05) break;
    log_term += log((double)(count - k)) - log((double)(k + 1));
    k++;
  }
  return k;
}

void sim_stats_spread(double *values, uint32_t count, struct sim_spread *out) {
  *out = (struct sim_spread){.count = count};
  if (count == 0) return;
  sim_stats_sort(values, count);
  out->min = values[0];
  out->max = values[count - 1];
  uint32_t half = count / 2;
  out->median = count % 2 == 1 ? values[half] : values[half - 1] / 2 + values[half] / 2;
  uint32_t k = sim_stats_median_ci_rank(count);
  if (k == 0) return;
  out->has_ci = true;
  out->ci_low = values[k - 1];
  out->ci_high = values[count - k];
}

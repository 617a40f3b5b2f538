/* Order statistics of a few repetitions: medians, their confidence interval, paired ratios.
 * Nothing here assumes a distribution. */
#ifndef SIMS_STATS_H
#define SIMS_STATS_H

#include <stdbool.h>
#include <stdint.h>

enum {
  SIM_STATS_CI_MIN_COUNT = 6 /* with fewer values no 95 % interval of the median exists */
};

struct sim_spread {
  uint32_t count; /* 0: the other fields mean nothing */
  double median;  /* mean of the middle two when count is even */
  double min, max;
  bool has_ci;           /* count >= SIM_STATS_CI_MIN_COUNT */
  double ci_low, ci_high; /* at least 95 % sure to hold the true median */
};

/* Sorts values[0..count) in place. NaNs must have been left out. */
void sim_stats_sort(double *values, uint32_t count);

/* The rank k (from 1) such that [x_k, x_(count+1-k)] of the sorted values is a confidence interval
 * of the median of at least 95 %: the largest k with 2 P(Bin(count, 1/2) < k) <= 0.05. 0: none. */
uint32_t sim_stats_median_ci_rank(uint32_t count);

/* Sorts values and describes them. */
void sim_stats_spread(double *values, uint32_t count, struct sim_spread *out);

#endif

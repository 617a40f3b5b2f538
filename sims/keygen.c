#include "sims/keygen.h"

#include <math.h>
#include <string.h>

#include "runtime/check.h"

/* H(x), the integral of t^-theta from 1 to x; the logarithm where theta is 1. */
static double integral(double theta, double x) {
  double power = 1.0 - theta, log_x = log(x);
  if (fabs(power * log_x) < 1e-12) return log_x;
  return expm1(power * log_x) / power;
}

static double integral_inverse(double theta, double area) {
  double power = 1.0 - theta;
  if (fabs(power * area) < 1e-12) return exp(area);
  double scaled = power * area;
  if (scaled <= -1.0) scaled = -1.0 + 0x1p-53; /* rounding at the far end of a heavy tail */
  return exp(log1p(scaled) / power);
}

void sim_keygen_init(struct sim_keygen *k, const struct sc_keys *keys, uint64_t space) {
  rt_assert(space > 0);
  *k = (struct sim_keygen){.dist = keys->dist, .step = keys->step, .space = space};
  if (keys->dist != SC_DIST_ZIPF) return;
  double theta = keys->theta;
  k->theta = theta;
  k->integral_low = integral(theta, 1.5) - 1.0;
  k->integral_high = integral(theta, (double)space + 0.5);
  k->sure = 2.0 - integral_inverse(theta, integral(theta, 2.5) - pow(2.0, -theta));
}

/* Rejection-inversion (Hoermann and Derflinger 1996): invert the integral of the continuous hat,
 * round to the nearest integer, and reject the part of the hat above that integer's bar. */
uint64_t sim_keygen_zipf(const struct sim_keygen *k, uint64_t *rng) {
  for (;;) {
    double unit = (double)(rng_fastrand64(rng) >> 11) * 0x1p-53;
    double area = k->integral_high + unit * (k->integral_low - k->integral_high);
    double x = integral_inverse(k->theta, area);
    double rank = floor(x + 0.5);
    if (rank < 1.0) rank = 1.0;
    if (rank > (double)k->space) rank = (double)k->space;
    bool accept = rank - x <= k->sure ||
                  area >= integral(k->theta, rank + 0.5) - pow(rank, -k->theta);
    if (!accept) continue;
    uint64_t index = (uint64_t)rank - 1;
    return index < k->space ? index : k->space - 1;
  }
}

void sim_key_text(char *out, uint32_t bytes, uint64_t index) {
  uint32_t prefix = bytes >= 5 ? 4 : 0;
  memcpy(out, "key-", prefix);
  for (uint32_t i = bytes; i > prefix; i--) {
    out[i - 1] = (char)('0' + index % 10);
    index /= 10;
  }
}

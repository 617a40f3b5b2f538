/* Key generators: which key index an operation takes next. */
#ifndef SIMS_KEYGEN_H
#define SIMS_KEYGEN_H

#include "runtime/rng.h"
#include "sims/scenario.h"

/* The immutable part of one operation's generator. */
struct sim_keygen {
  enum sc_dist dist;
  uint64_t step;   /* sequential */
  uint64_t space;  /* uniform, zipf */
  /* zipf by rejection-inversion: the integral of x^-theta, H, at 1.5 less 1 and at space + 0.5;
   * a draw within `sure` below its integer needs no test. */
  double theta, integral_low, integral_high, sure;
};

/* The part each goroutine has for each operation. */
struct sim_keystate {
  uint64_t start;     /* added to every index */
  uint64_t position;  /* draws so far */
  uint64_t rng;       /* wyrand state */
};

void sim_keygen_init(struct sim_keygen *k, const struct sc_keys *keys, uint64_t space);

/* Rank 0..space-1 with probability proportional to (rank + 1)^-theta, exactly (up to double
 * rounding), for every theta > 0. */
uint64_t sim_keygen_zipf(const struct sim_keygen *k, uint64_t *rng);

static inline uint64_t sim_keygen_next(const struct sim_keygen *k, struct sim_keystate *st) {
  uint64_t position = st->position++;
  if (k->dist == SC_DIST_SEQUENTIAL) return st->start + position * k->step;
  if (k->dist == SC_DIST_ZIPF) return st->start + sim_keygen_zipf(k, &st->rng);
  return st->start + (uint64_t)((rng_u128)rng_fastrand64(&st->rng) * k->space >> 64);
}

/* A string key: "key-" and the index in decimal, zero-padded on the left to `bytes` in all; the
 * leading digits of an index that does not fit are dropped. Shorter than 5: digits only. */
void sim_key_text(char *out, uint32_t bytes, uint64_t index);

#endif

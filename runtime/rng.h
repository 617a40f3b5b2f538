/* Seeded generators: pure functions over a caller-owned state. */
#ifndef RUNTIME_RNG_H
#define RUNTIME_RNG_H

#include <stdint.h>

__extension__ typedef unsigned __int128 rng_u128;

/* One step of wyrand: all 64 bits (Go 1.19 fastrand64; F0.6). */
static inline uint64_t rng_fastrand64(uint64_t *state) {
  *state += 0xa0761d6478bd642fULL;
  rng_u128 product = (rng_u128)*state * (*state ^ 0xe7037ed1a0b428dbULL);
  return (uint64_t)(product >> 64) ^ (uint64_t)product;
}

/* One step of wyrand: the low 32 bits (Go 1.19 fastrand). */
static inline uint32_t rng_fastrand(uint64_t *state) { return (uint32_t)rng_fastrand64(state); }

/* Uniform-ish in [0, n) by multiplication (Go 1.19 fastrandn); n > 0. */
static inline uint32_t rng_fastrandn(uint64_t *state, uint32_t n) {
  return (uint32_t)((uint64_t)rng_fastrand(state) * n >> 32);
}

/* The splitmix64 finaliser. */
static inline uint64_t rng_mix64(uint64_t z) {
  z ^= z >> 30;
  z *= 0xbf58476d1ce4e5b9ULL;
  z ^= z >> 27;
  z *= 0x94d049bb133111ebULL;
  return z ^ z >> 31;
}

/* Output number index (from 0) of splitmix64 started at seed. */
static inline uint64_t rng_split(uint64_t seed, uint64_t index) {
  return rng_mix64(seed + (index + 1) * 0x9e3779b97f4a7c15ULL);
}

#endif

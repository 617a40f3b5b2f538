/* Go 1.19's portable hash functions on a 64-bit little-endian machine (F1.10): pure functions of
 * the bytes, a seed and one word of key material. `mask` below is hashkey[0] ^ MAP_HASH_M1. */
#ifndef MAPS_HASH_H
#define MAPS_HASH_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "runtime/rng.h"

static const uint64_t MAP_HASH_M1 = 0xa0761d6478bd642fULL;
static const uint64_t MAP_HASH_M2 = 0xe7037ed1a0b428dbULL;
static const uint64_t MAP_HASH_M3 = 0x8ebc6af09c88c6e3ULL;
static const uint64_t MAP_HASH_M4 = 0x589965cc75374cc3ULL;
static const uint64_t MAP_HASH_M5 = 0x1d8e4e27c47d124fULL;
static const uint64_t MAP_HASH_C0 = 33054211828000289ULL;
static const uint64_t MAP_HASH_C1 = 23344194077549503ULL;

static inline uint64_t map_hash_mix(uint64_t a, uint64_t b) {
  rng_u128 product = (rng_u128)a * b;
  return (uint64_t)(product >> 64) ^ (uint64_t)product;
}

static inline uint64_t map_hash_r4(const uint8_t *p) {
  uint32_t v;
  memcpy(&v, p, sizeof v);
  return v;
}

static inline uint64_t map_hash_r8(const uint8_t *p) {
  uint64_t v;
  memcpy(&v, p, sizeof v);
  return v;
}

/* One word of 4 or 8 bytes; equal to map_hash_bytes of its bytes. */
static inline uint64_t map_hash_u32(uint32_t v, uint64_t seed, uint64_t mask) {
  return map_hash_mix(MAP_HASH_M5 ^ 4, map_hash_mix(v ^ MAP_HASH_M2, v ^ seed ^ mask));
}

static inline uint64_t map_hash_u64(uint64_t v, uint64_t seed, uint64_t mask) {
  return map_hash_mix(MAP_HASH_M5 ^ 8, map_hash_mix(v ^ MAP_HASH_M2, v ^ seed ^ mask));
}

/* The part of map_hash_bytes for more than 16 bytes: folds all but the last 16 into the seed. */
static inline uint64_t map_hash_fold(const uint8_t *p, uint64_t bytes, uint64_t seed) {
  if (bytes > 48) {
    uint64_t seed1 = seed, seed2 = seed;
    for (; bytes > 48; p += 48, bytes -= 48) {
      seed = map_hash_mix(map_hash_r8(p) ^ MAP_HASH_M2, map_hash_r8(p + 8) ^ seed);
      seed1 = map_hash_mix(map_hash_r8(p + 16) ^ MAP_HASH_M3, map_hash_r8(p + 24) ^ seed1);
      seed2 = map_hash_mix(map_hash_r8(p + 32) ^ MAP_HASH_M4, map_hash_r8(p + 40) ^ seed2);
    }
    seed ^= seed1 ^ seed2;
  }
  for (; bytes > 16; p += 16, bytes -= 16)
    seed = map_hash_mix(map_hash_r8(p) ^ MAP_HASH_M2, map_hash_r8(p + 8) ^ seed);
  return seed;
}

/* Any number of bytes of plain memory; strings too. */
static inline uint64_t map_hash_bytes(const void *data, uint64_t bytes, uint64_t seed,
                                      uint64_t mask) {
  const uint8_t *p = data;
  uint64_t a = 0, b = 0;
  seed ^= mask;
  if (bytes > 16) {
    seed = map_hash_fold(p, bytes, seed);
    a = map_hash_r8(p + bytes - 16);
    b = map_hash_r8(p + bytes - 8);
  } else if (bytes >= 8) {
    a = map_hash_r8(p);
    b = map_hash_r8(p + bytes - 8);
  } else if (bytes >= 4) {
    a = map_hash_r4(p);
    b = map_hash_r4(p + bytes - 4);
  } else if (bytes > 0) {
    a = p[0] | (uint64_t)p[bytes >> 1] << 8 | (uint64_t)p[bytes - 1] << 16;
  } else {
    return seed;
  }
  return map_hash_mix(MAP_HASH_M5 ^ bytes, map_hash_mix(a ^ MAP_HASH_M2, b ^ seed));
}

/* The hash of both zeros, and with one draw mixed in, of a NaN. */
static inline uint64_t map_hash_special(uint64_t seed, uint64_t draw) {
  return MAP_HASH_C1 * (MAP_HASH_C0 ^ seed ^ draw);
}

static inline bool map_f64_is_nan(uint64_t bits) { return bits << 1 > 0xffe0000000000000ULL; }

/* A double by its bits. A NaN hashes differently each time: one draw from *fastrand. */
static inline uint64_t map_hash_f64(uint64_t bits, uint64_t seed, uint64_t mask,
                                    uint64_t *fastrand) {
  if (bits << 1 == 0)
    return map_hash_special(seed, 0);
  if (map_f64_is_nan(bits))
    return map_hash_special(seed, rng_fastrand(fastrand));
  return map_hash_u64(bits, seed, mask);
}

/* A float by its bits. */
static inline uint64_t map_hash_f32(uint32_t bits, uint64_t seed, uint64_t mask,
                                    uint64_t *fastrand) {
  if (bits << 1 == 0)
    return map_hash_special(seed, 0);
  if (bits << 1 > 0xff000000U)
    return map_hash_special(seed, rng_fastrand(fastrand));
  return map_hash_u32(bits, seed, mask);
}

#endif

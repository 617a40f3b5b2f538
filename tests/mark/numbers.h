/* Assertions on 64-bit numbers and doubles that print both sides. Include after cmocka.h. */
#ifndef TESTS_MARK_NUMBERS_H
#define TESTS_MARK_NUMBERS_H

#include <inttypes.h>
#include <string.h>

#define assert_u64(got, want)                                                               \
  do {                                                                                      \
    uint64_t got_ = (got), want_ = (want);                                                  \
    if (got_ != want_)                                                                      \
      fail_msg("%s is %" PRIu64 ", not %" PRIu64, #got, got_, want_);                       \
  } while (0)

#define assert_i64(got, want)                                                               \
  do {                                                                                      \
    int64_t got_ = (got), want_ = (want);                                                   \
    if (got_ != want_)                                                                      \
      fail_msg("%s is %" PRId64 ", not %" PRId64, #got, got_, want_);                       \
  } while (0)

static inline uint64_t f64_bits(double x) {
  uint64_t bits;
  memcpy(&bits, &x, sizeof bits);
  return bits;
}

/* The double has exactly these bits. */
#define assert_bits(got, want)                                                              \
  do {                                                                                      \
    double got_ = (got);                                                                    \
    uint64_t want_ = (want);                                                                \
    if (f64_bits(got_) != want_)                                                            \
      fail_msg("%s is %.17g, bits %" PRIu64 ", not %" PRIu64, #got, got_, f64_bits(got_),   \
               want_);                                                                      \
  } while (0)

#define assert_f64(got, want) assert_bits(got, f64_bits(want))

#endif

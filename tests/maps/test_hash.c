/* The hash functions against values measured on real Go (F1.10.10). */
#include "support.h"

static const uint64_t SEED = 0xdeadbeef;

static uint64_t mask(void) { return TEST_HASH_KEY ^ MAP_HASH_M1; }
static uint64_t bytes_hash(const void *p, uint64_t n) {
  return map_hash_bytes(p, n, SEED, mask());
}

static void test_bytes(void **state) {
  (void)state;
  static const struct { uint64_t bytes, hash; } rows[] = {
      {0, 0xa15558032fbb172f},   {1, 0x6e2e8431745b2986},   {2, 0x06b5eb7306a19250},
      {3, 0x6b0d0727c37975c3},   {4, 0x0227da314953a501},   {5, 0x0316ab9e03e59d80},
      {7, 0xf802f1f7f1a444f3},   {8, 0x9e494a49cb44e752},   {9, 0x98f48c7fc2fc2c63},
      {15, 0x141f69c06faa224f},  {16, 0xd241b0ebfd431621},  {17, 0x4445586269756c27},
      {31, 0x7dfe5d206fbb3f5b},  {32, 0x6079983fc90e8090},  {33, 0xa119acfb4e55673c},
      {47, 0x62dcdd4241fd847a},  {48, 0x9ac074785ed49c70},  {49, 0xa8f9d86741408db5},
      {64, 0xc79b62b0c179a275},  {65, 0x1b53404a12633036},  {96, 0x6eba2b8a0be61e28},
      {97, 0x84540af3663991a5},  {100, 0x3457e1b910a7e25b}, {200, 0x32bf5158f1f1373e}};
  uint8_t p[200];
  for (unsigned i = 0; i < sizeof p; i++)
    p[i] = (uint8_t)(7 * i + 3);
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
    assert_int_equal(bytes_hash(p, rows[i].bytes), rows[i].hash);
}

static void test_words(void **state) {
  (void)state;
  assert_int_equal(map_hash_u32(0x01020304, SEED, mask()), 0x69f718dd975f821b);
  assert_int_equal(map_hash_u64(0x0102030405060708, SEED, mask()), 0xe502309bf153edfd);
  assert_int_equal(bytes_hash("hello, world", 12), 0x587fd961daba3784);
  uint16_t half = 0x1234;
  uint8_t byte = 0xab;
  int32_t three[] = {1, 2, 3};
  int64_t two[] = {1, 2};
  assert_int_equal(bytes_hash(&half, 2), 0xc7c96cd4a8954036);
  assert_int_equal(bytes_hash(&byte, 1), 0xd1e2a78576629ae3);
  assert_int_equal(bytes_hash(three, sizeof three), 0x3c409ba9b72566b0);
  assert_int_equal(bytes_hash(two, sizeof two), 0xb5fee9f07ce53bd8);
}

static uint64_t bits_of(double d) {
  uint64_t bits;
  memcpy(&bits, &d, sizeof bits);
  return bits;
}

static void test_floats(void **state) {
  (void)state;
  uint64_t draws = 0;
  assert_int_equal(map_hash_f64(bits_of(1.5), SEED, mask(), &draws), 0x24dd06c9d73c688a);
  assert_int_equal(map_hash_f64(bits_of(-0.0), SEED, mask(), &draws), 0xb005471e77012bb2);
  assert_int_equal(map_hash_f64(0, SEED, mask(), &draws), 0xb005471e77012bb2);
  assert_int_equal(map_hash_f32(0x3fc00000, SEED, mask(), &draws), 0xc253703753859916);
  uint64_t real = map_hash_f64(bits_of(1.5), SEED, mask(), &draws);
  assert_int_equal(map_hash_f64(bits_of(-2), real, mask(), &draws), 0x8317187dbdb9e042);
  assert_int_equal(draws, 0);
}

/* An interface value hashes its contents with a seed of its own and scales the result. */
static void test_interfaces(void **state) {
  (void)state;
  uint64_t draws = 0, inner = SEED ^ MAP_HASH_C0;
  assert_int_equal(MAP_HASH_C1 * map_hash_u64(42, inner, mask()), 0xa413268b4fd15902);
  assert_int_equal(MAP_HASH_C1 * map_hash_bytes("hello, world", 12, inner, mask()),
                   0xc853dfd8acda17f1);
  assert_int_equal(MAP_HASH_C1 * map_hash_f64(bits_of(1.5), inner, mask(), &draws),
                   0x7f709a376b6eb47b);
}

/* A NaN takes one draw; infinities and denormals take none. */
static void test_nan(void **state) {
  (void)state;
  static const uint64_t plain[] = {0x7ff0000000000000, 0xfff0000000000000, 1, 0x8000000000000001,
                                   0x7fefffffffffffff};
  static const uint64_t nans[] = {0x7ff0000000000001, 0x7ff8000000000001, 0xffffffffffffffff};
  uint64_t draws = 0xfeedface, expected = 0xfeedface;
  for (size_t i = 0; i < sizeof plain / sizeof plain[0]; i++)
    assert_int_equal(map_hash_f64(plain[i], SEED, mask(), &draws),
                     map_hash_u64(plain[i], SEED, mask()));
  assert_int_equal(draws, expected);
  for (size_t i = 0; i < sizeof nans / sizeof nans[0]; i++) {
    uint64_t hash = map_hash_special(SEED, rng_fastrand(&expected));
    assert_int_equal(map_hash_f64(nans[i], SEED, mask(), &draws), hash);
    assert_int_equal(draws, expected);
  }
}

/* The eight-cells-at-a-time tests of tophash bytes, against one cell at a time. */
static void test_lanes(void **state) {
  (void)state;
  static const uint8_t values[] = {0, 1, 2, 4, 5, 0x7e, 0x7f, 0x80, 0x81, 0xff};
  uint64_t draws = 1;
  for (unsigned round = 0; round < 20000; round++) {
    union { uint8_t top[8]; uint64_t tops; } b;
    unsigned used = 0, equal = 0, before = 0xff;
    uint8_t wanted = values[rng_fastrandn(&draws, sizeof values)];
    for (unsigned i = 0; i < 8; i++) {
      b.top[i] = values[rng_fastrandn(&draws, round % 2 == 0 ? sizeof values : 5)];
      used |= (unsigned)(b.top[i] > MAP_EMPTY_ONE) << i;
      equal |= (unsigned)(b.top[i] == wanted) << i;
      if (b.top[i] == MAP_EMPTY_REST && before == 0xff)
        before = (1U << i) - 1;
    }
    assert_int_equal(map_tops_used(b.tops), used);
    assert_int_equal(map_tops_equal(b.tops, wanted), equal);
    assert_int_equal(map_tops_before_rest(b.tops), before);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_bytes),      cmocka_unit_test(test_words),
      cmocka_unit_test(test_floats),     cmocka_unit_test(test_interfaces),
      cmocka_unit_test(test_nan),        cmocka_unit_test(test_lanes),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Shared by the tests of maps/: running a goroutine, runs that must die, deterministic draws. */
#ifndef TESTS_MAPS_SUPPORT_H
#define TESTS_MAPS_SUPPORT_H

#include "maps/map_int.h"
#include "tests/support/test.h"

/* hashkey[0] of the vectors measured on real Go (F1.8.9). */
static const uint64_t TEST_HASH_KEY = 0x0123456789abcdefULL;

/* Runs main as goroutine 1 of a child process with the collector that is linked in, in checking
 * mode. A goroutine checks with CHECK: cmocka's longjmp must not leave its stack. */
void test_run(go_fn *main, void *arg);
/* The same with this many Ps. */
void test_run_on(uint32_t procs, go_fn *main, void *arg);

/* Runs main like test_run in a child process; the text of the fatal error it must end with. */
void test_dies(go_fn *main, void *arg, const char *message);

/* Runs main like test_run_on in a child process, which must end by a CHECK that fails or an end the
 * runtime tells of. what: who is to blame, for the message when it does not. */
void test_fails(uint32_t procs, go_fn *main, void *arg, const char *what);

/* A map of 8-byte keys and values, all its entries key -> value, seeded. */
struct map *test_ints(struct go_g *g, const struct map_type *t, uint32_t hash0);
void test_put(struct go_g *g, const struct map_type *t, struct map *m, uint64_t key,
              uint64_t value);
void test_remove(struct go_g *g, const struct map_type *t, struct map *m, uint64_t key);
/* The first occupied cell of the head bucket with this number in the current array. */
bool test_first_key(const struct map_type *t, struct map *m, uint64_t bucket, uint64_t *key);

/* Ends the test when e does not hold, saying what was compared. */
#define CHECK(e, ...)                                           \
  do {                                                          \
    if (!(e)) test_failed(__FILE__, __LINE__, #e, " " __VA_ARGS__); \
  } while (0)
_Noreturn void test_failed(const char *file, int line, const char *what, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

#define CHECK_U64(got, want)                                                              \
  do {                                                                                    \
    unsigned long long got_ = (unsigned long long)(got), want_ = (unsigned long long)(want); \
    CHECK(got_ == want_, "got %llu (0x%llx), want %llu (0x%llx)", got_, got_, want_, want_); \
  } while (0)

#endif

/* Address space and metadata. Both platforms. */
#include <string.h>
#include <sys/resource.h>

#include "runtime/meta.h"
#include "support.h"

enum { PAGE = 8192 };

static bool all_zero(const char *p, size_t bytes) {
  for (size_t i = 0; i < bytes; i++)
    if (p[i] != 0) return false;
  return true;
}

static void commit_body(void) {
  char *p = plat_vm_reserve((size_t)64 << 20, (size_t)4 << 20);
  rt_assert(p != NULL && (uintptr_t)p % (4 << 20) == 0);
  char *q = p + 5 * PAGE;
  rt_assert(plat_vm_commit(q, 3 * PAGE) == RT_OK);
  rt_assert(all_zero(q, 3 * PAGE));
  memset(q, 0x5a, 3 * PAGE);
  plat_vm_decommit(q + PAGE, PAGE);
  rt_assert(q[0] == 0x5a && q[3 * PAGE - 1] == 0x5a);
  rt_assert(all_zero(q + PAGE, PAGE));
  q[PAGE] = 1; /* still writable */
  plat_vm_release(p, (size_t)64 << 20);
}

static void commit_zeroes(void **state) {
  (void)state;
  test_run(commit_body);
}

static void touch(char *p) { __atomic_store_n(p, 1, __ATOMIC_RELAXED); }
static void touch_reserved(void) { touch(plat_vm_reserve(PAGE, PAGE)); }
static void touch_guard(void) {
  char *p = plat_vm_reserve(4 * PAGE, PAGE);
  rt_assert(plat_vm_commit(p, 4 * PAGE) == RT_OK);
  touch(p + PAGE);
  rt_assert(plat_vm_guard(p + PAGE, PAGE));
  touch(p + PAGE);
}
static void touch_released(void) {
  char *p = plat_vm_reserve(4 * PAGE, PAGE);
  rt_assert(plat_vm_commit(p, 4 * PAGE) == RT_OK);
  touch(p);
  plat_vm_release(p, 4 * PAGE);
  touch(p);
}

static void forbidden_memory_faults(void **state) {
  (void)state;
  struct test_death d = test_die(touch_reserved);
  assert_true(!d.exited && d.kind == -1); /* a signal, not one of our checks */
  d = test_die(touch_guard);
  assert_true(!d.exited && d.kind == -1);
  d = test_die(touch_released);
  assert_true(!d.exited && d.kind == -1);
}

static void touch_poisoned(void) {
  char *p = plat_vm_reserve(4 * PAGE, PAGE);
  rt_assert(plat_vm_commit(p, 4 * PAGE) == RT_OK);
  plat_poison(p, PAGE);
  plat_unpoison(p, 64);
  p[63] = 1;
  touch(p + 64);
}

static void poison_reaches_the_sanitizer(void **state) {
  (void)state;
  assert_int_equal(test_die(touch_poisoned).exited, strcmp(SAN_NAME, "address") != 0);
}

static void refusal_body(void) {
  /* More than an address space holds. */
  rt_assert(plat_vm_reserve(SIZE_MAX / PAGE * PAGE, PAGE) == NULL);
  rt_assert(plat_vm_reserve((size_t)1 << 62, PAGE) == NULL);
}

static void refusal_is_no_failure(void **state) {
  (void)state;
  test_run(refusal_body);
}

/* The kernel refuses writable memory: an error where one can be returned, the end of the run where
 * the runtime cannot go on. (The sanitizers need memory themselves.) */
static void limit_memory(void) {
  struct rlimit none = {0, 0};
  rt_assert(setrlimit(RLIMIT_DATA, &none) == 0);
}
static void commit_without_memory(void) {
  char *p = plat_vm_reserve((size_t)64 << 20, PAGE);
  rt_assert(p != NULL);
  limit_memory();
  rt_assert(plat_vm_commit(p, (size_t)64 << 20) == RT_ERR_NOMEM);
}
static void meta_without_memory(void) {
  limit_memory();
  for (int i = 0; i < 1000; i++) rt_meta_alloc(10000, 8);
}

static void no_memory_is_reported(void **state) {
  (void)state;
  if (strcmp(SAN_NAME, "none") != 0) skip();
  assert_true(test_die(commit_without_memory).exited);
  struct test_death d = test_die(meta_without_memory);
  assert_int_equal(d.kind, RT_END_NOMEM);
  assert_non_null(strstr(d.message, "bytes of metadata refused"));
}

static void meta_body(void) {
  uint64_t before = rt_meta_committed_bytes();
  char *last = NULL;
  for (size_t i = 0; i < 3000; i++) {
    size_t align = (size_t)1 << (i % 14), bytes = i * 7 % 1000;
    char *p = rt_meta_alloc(bytes, align);
    rt_assert(p != NULL && (uintptr_t)p % align == 0);
    rt_assert(p != last && all_zero(p, bytes));
    memset(p, 0xff, bytes); /* the next one must not overlap */
    last = p;
  }
  char *large = rt_meta_alloc(1000000, 64);
  rt_assert(all_zero(large, 1000000));
  memset(large, 1, 1000000);
  rt_assert(rt_meta_committed_bytes() >= before + 2500000);
}

static void meta_is_zeroed_and_aligned(void **state) {
  (void)state;
  test_run(meta_body);
}

static void meta_too_much(void) { rt_meta_alloc((size_t)1 << 61, 8); }

static void meta_refusal_ends_the_run(void **state) {
  (void)state;
  struct test_death d = test_die(meta_too_much);
  assert_int_equal(d.kind, RT_END_NOMEM);
  assert_non_null(strstr(d.message, "out of memory"));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(commit_zeroes),
      cmocka_unit_test(forbidden_memory_faults),
      cmocka_unit_test(refusal_is_no_failure),
      cmocka_unit_test(poison_reaches_the_sanitizer),
      cmocka_unit_test(no_memory_is_reported),
      cmocka_unit_test(meta_is_zeroed_and_aligned),
      cmocka_unit_test(meta_refusal_ends_the_run),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

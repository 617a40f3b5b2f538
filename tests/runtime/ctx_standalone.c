/* The context switch by itself: no library of ours but ctx.c and one variant, so that it can be
 * cross-compiled, linked statically and run under an emulator.
 *
 * Many coroutines pass control around in a pseudo-random order. Each keeps a chain of values in
 * local integer and floating-point variables, more than there are callee-saved registers, and on
 * its stack; after every switch all of them must still be what they were.
 */
#include <math.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "runtime/check.h"
#include "runtime/ctx.h"
#include "runtime/rng.h"

enum { COROUTINES = 200, STACK_BYTES = 32 * 1024 * SAN_STACK_FACTOR, LIVES = 3 };

_Noreturn void rt_assert_fail(const char *expr, const char *file, int line) {
  fprintf(stderr, "%s:%d: assertion failed: %s\n", file, line, expr);
  abort();
}

_Noreturn void rt_die(const char *fmt, ...) {
  va_list args;
  va_start(args, fmt);
  vfprintf(stderr, fmt, args);
  va_end(args);
  abort();
}

struct coroutine {
  struct ctx ctx;
  uint64_t id, switches;
  uint32_t life;
  int is_done;
  char *stack;
};

static struct coroutine all[COROUTINES];
static struct ctx home;
static uint64_t rng_state = 1, done_count, switch_count, switch_limit;

/* One leaves for another coroutine, or home. */
static void hop(struct coroutine *self) {
  uint32_t next = rng_fastrandn(&rng_state, COROUTINES + 1);
  switch_count++;
  self->switches++;
  if (next == COROUTINES || all[next].is_done) {
    ctx_switch(&self->ctx, &home);
  } else if (&all[next] != self) {
    ctx_switch(&self->ctx, &all[next].ctx);
  }
}

/* 12 integer and 10 floating-point values live across each switch: with the callee-saved
 * registers (6 and 0 on x86-64; 10 and 8, d8-d15, on AArch64) all in use. */
static void keep_registers(struct coroutine *self, uint64_t seed) {
  uint64_t a = seed, b = seed * 3, c = seed * 5, d = seed * 7, e = seed * 11, f = seed * 13;
  uint64_t g = seed * 17, h = seed * 19, i = seed * 23, j = seed * 29, k = seed * 31;
  double x = (double)seed, p = x * 1.5, q = x * 2.5, r = x * 3.5, s = x * 4.5, t = x * 5.5;
  double u = x * 6.5, v = x * 7.5, w = x * 8.5, y = x * 9.5;
  unsigned char memory[256];
  memset(memory, (int)(seed & 0xff), sizeof memory);
  for (int round = 0; round < 20; round++) {
    hop(self);
    a += 1, b += 2, c += 3, d += 4, e += 5, f += 6, g += 7, h += 8, i += 9, j += 10, k += 11;
    x += 1, p += 2, q += 3, r += 4, s += 5, t += 6, u += 7, v += 8, w += 9, y += 10;
  }
  rt_assert(a == seed + 20 && b == seed * 3 + 40 && c == seed * 5 + 60 && d == seed * 7 + 80);
  rt_assert(e == seed * 11 + 100 && f == seed * 13 + 120 && g == seed * 17 + 140);
  rt_assert(h == seed * 19 + 160 && i == seed * 23 + 180 && j == seed * 29 + 200);
  rt_assert(k == seed * 31 + 220);
  double z = (double)seed;
  rt_assert(fabs(x - z - 20) < 1e-6 && fabs(p - z * 1.5 - 40) < 1e-6);
  rt_assert(fabs(q - z * 2.5 - 60) < 1e-6 && fabs(r - z * 3.5 - 80) < 1e-6);
  rt_assert(fabs(s - z * 4.5 - 100) < 1e-6 && fabs(t - z * 5.5 - 120) < 1e-6);
  rt_assert(fabs(u - z * 6.5 - 140) < 1e-6 && fabs(v - z * 7.5 - 160) < 1e-6);
  rt_assert(fabs(w - z * 8.5 - 180) < 1e-6 && fabs(y - z * 9.5 - 200) < 1e-6);
  for (size_t n = 0; n < sizeof memory; n++) rt_assert(memory[n] == (seed & 0xff));
}

static int dig(struct coroutine *self, int depth) {
  char room[64];
  memset(room, depth, sizeof room);
  if (depth == 0) {
    hop(self);
    return 0;
  }
  int below = dig(self, depth - 1);
  for (size_t i = 0; i < sizeof room; i++) rt_assert(room[i] == (char)depth);
  return below + 1;
}

static void coroutine_main(void *arg) {
  struct coroutine *self = arg;
  void *low, *high;
  char here;
  /* The ABI's alignment of the stack: the compiler relies on it for vector registers. */
  rt_assert((uintptr_t)__builtin_frame_address(0) % 16 == 0);
  rt_assert(self->ctx.arg == self);
  ctx_stack_bounds(&self->ctx, &low, &high);
  rt_assert((char *)high == self->stack + STACK_BYTES);
  rt_assert(SAN_STACK_FACTOR != 1 || (&here >= self->stack && &here < (char *)high));
  while (switch_count < switch_limit) {
    keep_registers(self, self->id * 1000 + self->life);
    rt_assert(dig(self, 30) == 30);
  }
  self->is_done = 1;
  done_count++;
  ctx_switch_last(&self->ctx, &home);
}

/* What a conservative collector would scan of a suspended coroutine covers its locals. */
static struct ctx probe_ctx;
static uintptr_t probe_secret;
static void probe(void *arg) {
  uintptr_t secret = probe_secret ^ (uintptr_t)arg;
  __asm__ volatile("" : "+r"(secret)); /* now it must be kept, it cannot be computed again */
  ctx_switch(&probe_ctx, &home);
  rt_assert(secret == (probe_secret ^ (uintptr_t)arg));
  ctx_switch_last(&probe_ctx, &home);
}

/* As a collector scans: also what AddressSanitizer put out of bounds. */
__attribute__((no_sanitize("address"))) static int count_words(const void *low, const void *high,
                                                               uintptr_t value) {
  int found = 0;
  for (const uintptr_t *w = low; (const void *)w < high; w++) found += *w == value;
  return found;
}

static void check_bounds(void) {
  static char mark;
  void *low, *high;
  char *stack = aligned_alloc(4096, STACK_BYTES);
  probe_secret = 0x1234567890abcdefu & UINTPTR_MAX;
  ctx_init(&probe_ctx, stack, STACK_BYTES, probe, &mark);
  ctx_switch(&home, &probe_ctx);
  ctx_stack_bounds(&probe_ctx, &low, &high);
  rt_assert((char *)low > stack && low < high && (char *)high == stack + STACK_BYTES);
  rt_assert((uintptr_t)low % sizeof(uintptr_t) == 0);
  rt_assert(count_words(low, high, probe_secret ^ (uintptr_t)&mark) > 0);
  ctx_stack_bounds(&home, &low, &high);
  rt_assert(low == NULL && high == NULL);
  ctx_switch(&home, &probe_ctx);
  ctx_finish(&probe_ctx);
  free(stack);
}

static void ping(void *arg) {
  (void)arg;
  for (;;) ctx_switch(&probe_ctx, &home);
}

static double switch_ns(void) {
  struct timespec start, end;
  enum { ROUNDS = 1000000 };
  char *stack = aligned_alloc(4096, STACK_BYTES);
  ctx_init(&probe_ctx, stack, STACK_BYTES, ping, NULL);
  clock_gettime(CLOCK_MONOTONIC, &start);
  for (int i = 0; i < ROUNDS; i++) ctx_switch(&home, &probe_ctx);
  clock_gettime(CLOCK_MONOTONIC, &end);
  ctx_finish(&probe_ctx);
  free(stack);
  return ((double)(end.tv_sec - start.tv_sec) * 1e9 + (double)(end.tv_nsec - start.tv_nsec)) /
         (2.0 * ROUNDS);
}

int main(int argc, char **argv) {
  const char *scale = getenv("TEST_SCALE");
  switch_limit = 300000 * (scale == NULL ? 100 : strtoull(scale, NULL, 10)) / 100;
  ctx_from_thread(&home);
  if (argc > 1 && strcmp(argv[1], "bench") == 0) {
    printf("%.2f ns per switch\n", switch_ns());
    return 0;
  }
  check_bounds();
  for (uint32_t life = 0; life < LIVES; life++) { /* stacks are used again */
    switch_count = done_count = 0;
    for (uint64_t i = 0; i < COROUTINES; i++) {
      struct coroutine *c = &all[i];
      if (c->stack == NULL) c->stack = aligned_alloc(4096, STACK_BYTES);
      rt_assert(c->stack != NULL);
      c->id = i;
      c->life = life;
      c->is_done = 0;
      ctx_init(&c->ctx, c->stack, STACK_BYTES, coroutine_main, c);
    }
    for (uint32_t i = 0; done_count < COROUTINES; i++)
      if (!all[i % COROUTINES].is_done) ctx_switch(&home, &all[i % COROUTINES].ctx);
    for (uint32_t i = 0; i < COROUTINES; i++) ctx_finish(&all[i].ctx);
    rt_assert(switch_count >= switch_limit);
  }
  for (uint32_t i = 0; i < COROUTINES; i++) free(all[i].stack);
  puts("ok");
  return 0;
}

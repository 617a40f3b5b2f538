/* What `tricolor calibrate` measures directly: single operations of the native platform, each many
 * times. Prints one protocol result line: for every row the repetitions, in nanoseconds for one
 * unit. Operations of one thread are timed by that thread's processor time, so that others on the
 * machine do not count; what two threads do is timed by the clock in short batches, of which a
 * quick one counts: those in which both were on a processor. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "maps/hash.h"
#include "runtime/check.h"
#include "runtime/lockrank.h"
#include "runtime/plat.h"
#include "runtime/rng.h"
#include "sims/platform.h"

enum {
  REPEATS = 9,
  BATCHES = 400,    /* of what two threads do */
  ROUNDS = 64,      /* of one batch */
  QUICK_PERCENT = 10,
  ASLEEP_NS = 50000
};

struct pair {
  struct at_u64 turn;
  char gap[PLAT_CACHE_LINE - sizeof(struct at_u64)];
  struct at_u64 counter;
  char gap_after[PLAT_CACHE_LINE - sizeof(struct at_u64)];
  struct at_u32 is_over;
} __attribute__((aligned(PLAT_CACHE_LINE)));

static struct {
  struct pair pair;
  struct plat_mutex lock;
  struct plat_note ping, pong;
  uint64_t cell, sum;
  uint64_t started_ns;
  double batches[BATCHES];
} m;

static double thread_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static int compare_doubles(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static double quick_batch(uint32_t count) {
  qsort(m.batches, count, sizeof m.batches[0], compare_doubles);
  return m.batches[count * QUICK_PERCENT / 100];
}

/* ---- one thread ------------------------------------------------------------------------------ */

static double measure_step(void) {
  enum { N = 2000000 };
  struct at_u64 *cell = &m.pair.counter;
  double begin = thread_ns();
  for (uint64_t i = 0; i < N; i++) {
    m.sum += at_u64_load_acquire(cell); /* alone: nothing to pair with */
    at_u64_store_release(cell, i);
  }
  return (thread_ns() - begin) / (2.0 * N);
}

static double measure_lock(void) {
  enum { N = 500000 };
  double begin = thread_ns();
  for (uint64_t i = 0; i < N; i++) {
    plat_mutex_lock(&m.lock);
    plat_mutex_unlock(&m.lock);
  }
  return (thread_ns() - begin) / N;
}

static double measure_relax(void) {
  enum { N = 500000 };
  double begin = thread_ns();
  for (uint64_t i = 0; i < N; i++) plat_relax();
  return (thread_ns() - begin) / N;
}

static double measure_clock(void) {
  enum { N = 500000 };
  double begin = thread_ns();
  for (uint64_t i = 0; i < N; i++) m.sum += plat_now_ns();
  return (thread_ns() - begin) / N;
}

static double measure_hash(void) {
  enum { N = 1000000 };
  uint64_t x = 1;
  double begin = thread_ns();
  for (uint64_t i = 0; i < N; i++) {
    uint8_t key[8];
    memcpy(key, &x, sizeof key);
    x = map_hash_bytes(key, sizeof key, x, 0x0123456789abcdefULL);
  }
  m.sum += x;
  return (thread_ns() - begin) / N;
}

/* From line to line of 64 MiB, each known only when the one before has come, in pages as large as
 * the heap's. */
static double measure_cache_miss(void) {
  enum { BYTES = 64 << 20, LINES = BYTES / PLAT_CACHE_LINE, N = 1000000 };
  char *lines = plat_vm_reserve(BYTES, 2 << 20);
  if (lines == NULL || plat_vm_commit(lines, BYTES) != RT_OK) return 0;
  plat_vm_prefer_huge(lines, BYTES);
  uint64_t rng = 1;
  for (uint64_t i = 0; i < LINES; i++) *(uint64_t *)(void *)(lines + i * PLAT_CACHE_LINE) = i;
  for (uint64_t i = LINES - 1; i > 0; i--) { /* one cycle through all */
    uint64_t *a = (void *)(lines + i * PLAT_CACHE_LINE);
    uint64_t *b = (void *)(lines + rng_fastrandn(&rng, (uint32_t)i) * (uint64_t)PLAT_CACHE_LINE);
    uint64_t next = *a;
    *a = *b;
    *b = next;
  }
  uint64_t at = 0;
  double begin = thread_ns();
  for (uint64_t i = 0; i < N; i++) at = *(uint64_t *)(void *)(lines + at * PLAT_CACHE_LINE);
  double ns = (thread_ns() - begin) / N;
  m.sum += at;
  plat_vm_release(lines, BYTES);
  return ns;
}

static double measure_compute(void) {
  enum { NS = 5000000 };
  double begin = thread_ns();
  m.sum += sim_platform_compute(NS, m.sum);
  return (thread_ns() - begin) / NS;
}

/* ---- two threads ----------------------------------------------------------------------------- */

/* Answers each odd turn with the next even one. */
static void answer(void *arg) {
  (void)arg;
  while (at_u32_load_relaxed(&m.pair.is_over) == 0) {
    uint64_t turn = at_u64_load_acquire(&m.pair.turn); /* pairs with the asker's store */
    if (turn % 2 == 1) at_u64_store_release(&m.pair.turn, turn + 1); /* pairs with its load */
  }
}

/* One round is two lines read after another wrote them and two written while another held them. */
static double measure_line_miss(void) {
  struct plat_thread t;
  at_u32_store_relaxed(&m.pair.is_over, 0);
  if (plat_thread_start(&t, "answer", answer, NULL) != RT_OK) return 0;
  uint64_t turn = at_u64_load_relaxed(&m.pair.turn);
  for (uint32_t b = 0; b < BATCHES; b++) {
    uint64_t begin = plat_now_ns();
    for (uint32_t i = 0; i < ROUNDS; i++) {
      at_u64_store_release(&m.pair.turn, turn + 1); /* pairs with answer() */
      turn += 2;
      while (at_u64_load_acquire(&m.pair.turn) != turn) { /* pairs with answer() */
      }
    }
    m.batches[b] = (double)(plat_now_ns() - begin) / (4.0 * ROUNDS);
  }
  at_u32_store_relaxed(&m.pair.is_over, 1);
  plat_thread_join(&t);
  return quick_batch(BATCHES);
}

static void wake_back(void *arg) {
  (void)arg;
  for (uint32_t b = 0; b < BATCHES; b++) {
    plat_note_wait(&m.ping);
    plat_note_wake(&m.pong);
  }
}

/* One round in each batch, after a rest in which the other goes to sleep (0: none): the time until
 * it has woken this thread in turn, or, with calls, until the call that wakes it returns. */
static double measure_rounds(uint64_t rest_ns, bool calls) {
  struct plat_thread t;
  if (plat_thread_start(&t, "wake", wake_back, NULL) != RT_OK) return 0;
  for (uint32_t b = 0; b < BATCHES; b++) {
    if (rest_ns != 0) plat_sleep_ns(rest_ns);
    uint64_t begin = plat_now_ns();
    plat_note_wake(&m.ping);
    uint64_t called = plat_now_ns();
    plat_note_wait(&m.pong);
    m.batches[b] = (double)((calls ? called : plat_now_ns()) - begin);
  }
  plat_thread_join(&t);
  return quick_batch(BATCHES);
}

/* There and back are two. */
static double measure_wake(void) { return measure_rounds(0, false) / 2; }

static double measure_wake_call(void) { return measure_rounds(ASLEEP_NS, true); }

static void say_when(void *arg) { *(uint64_t *)arg = plat_now_ns(); }

static double measure_thread_start(void) {
  enum { N = 50 };
  for (uint32_t b = 0; b < N; b++) {
    struct plat_thread t;
    uint64_t begin = plat_now_ns();
    if (plat_thread_start(&t, "start", say_when, &m.started_ns) != RT_OK) return 0;
    plat_thread_join(&t);
    m.batches[b] = (double)(m.started_ns - begin);
  }
  return quick_batch(N);
}

/* ---- all ------------------------------------------------------------------------------------- */

static const struct {
  const char *row;
  double (*measure)(void);
} rows[] = {
    {"step", measure_step},
    {"line_miss_read", measure_line_miss},
    {"line_miss_write", measure_line_miss},
    {"cache_miss", measure_cache_miss},
    {"lock", measure_lock},
    {"wake", measure_wake},
    {"thread_start", measure_thread_start},
    {"wake_call", measure_wake_call},
    {"clock", measure_clock},
    {"relax", measure_relax},
    {"hash", measure_hash},
    {"compute", measure_compute},
};

static int measure_all(void *arg) {
  (void)arg;
  plat_mutex_init(&m.lock, RT_RANK_TEST, "calibrate");
  plat_note_init(&m.ping);
  plat_note_init(&m.pong);
  sim_platform_calibrate();
  printf("{\"type\":\"result\",\"result\":{\"schema\":\"tricolor.result/1\",\"compiler\":\"%s\","
         "\"rows\":{", __VERSION__);
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    printf("%s\"%s\":[", i == 0 ? "" : ",", rows[i].row);
    rows[i].measure(); /* warms up */
    for (int n = 0; n < REPEATS; n++) printf("%s%.6f", n == 0 ? "" : ",", rows[i].measure());
    printf("]");
  }
  printf("}}}\n");
  return fflush(stdout) == 0 && m.sum + 1 != 0 ? 0 : 3;
}

int main(void) { return plat_main(measure_all, NULL); }

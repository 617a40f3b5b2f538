#include "sims/platform.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "runtime/check.h"
#include "runtime/plat.h"
#include "sims/engine.h"
#include "sims/protocol.h"

const char *const sim_platform_name = "native";
const bool sim_platform_is_real = true;

static struct {
  double rounds_per_ns;         /* of spin(); written before other threads run */
  struct plat_thread watcher;
  bool is_watching;             /* main thread only */
  struct at_u32 is_over;        /* set by unwatch, read by the watcher */
  void (*tick)(void *arg, bool is_asked_to_end);
  void *arg;
  uint64_t period_ns;
} plat;

/* SIGTERM is never delivered to a handler: every thread blocks it (threads inherit the mask) and
 * the watcher waits for it, so that the partial result is written by ordinary code. */
static void term_set(sigset_t *set) {
  sigemptyset(set);
  sigaddset(set, SIGTERM);
}

void sim_platform_start(void) {
  pid_t parent = getppid();
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(TRI_EXIT_ENGINE); /* it died before the call above */
  sigset_t set;
  term_set(&set);
  sigprocmask(SIG_BLOCK, &set, NULL);
}

bool sim_platform_costs(const uint64_t *ps) {
  (void)ps;
  return false;
}

uint64_t sim_platform_rss_bytes(void) {
  FILE *f = fopen("/proc/self/status", "r");
  if (f == NULL) return 0;
  char line[256];
  uint64_t kib = 0;
  while (fgets(line, sizeof line, f) != NULL)
    if (strncmp(line, "VmHWM:", 6) == 0) kib = strtoull(line + 6, NULL, 10);
  fclose(f);
  return kib * 1024;
}

void sim_platform_counts_read(struct sim_platform_counts *out) {
  *out = (struct sim_platform_counts){0};
}

void sim_platform_misses_read(uint32_t processor, struct sim_platform_misses *out) {
  (void)processor;
  *out = (struct sim_platform_misses){0};
}

void *sim_platform_alloc(size_t bytes) {
  size_t whole = (bytes / PLAT_CACHE_LINE + 1) * PLAT_CACHE_LINE;
  void *p = aligned_alloc(PLAT_CACHE_LINE, whole);
  if (p == NULL) rt_fatal(RT_END_NOMEM, "no memory for %zu bytes of goroutine states", bytes);
  return memset(p, 0, whole);
}

void sim_platform_free(void *p) { free(p); }

/* A chain of multiplications no compiler shortens. */
static __attribute__((noinline)) uint64_t spin(uint64_t rounds, uint64_t x) {
  for (uint64_t i = 0; i < rounds; i++) x = (x ^ x >> 31) * 0x9e3779b97f4a7c15ULL + 1;
  return x;
}

void sim_platform_calibrate(void) {
  enum { ROUNDS = 100000, TRIALS = 7 };
  uint64_t best_ns = UINT64_MAX, x = 1;
  for (int i = 0; i < TRIALS; i++) {
    uint64_t begin_ns = plat_now_ns();
    x = spin(ROUNDS, x);
    uint64_t ns = plat_now_ns() - begin_ns;
    if (ns < best_ns) best_ns = ns;
  }
  rt_assert(x != 0 || best_ns > 0);
  plat.rounds_per_ns = (double)ROUNDS / (double)(best_ns == 0 ? 1 : best_ns);
}

uint64_t sim_platform_compute(uint64_t ns, uint64_t seed) {
  return spin((uint64_t)((double)ns * plat.rounds_per_ns) + 1, seed);
}

static void watch(void *unused) {
  (void)unused;
  sigset_t set;
  term_set(&set);
  struct timespec period = {(time_t)(plat.period_ns / 1000000000),
                            (long)(plat.period_ns % 1000000000)};
  while (at_u32_load_acquire(&plat.is_over) == 0) { /* pairs with sim_platform_unwatch */
    bool is_asked_to_end = sigtimedwait(&set, NULL, &period) == SIGTERM;
    if (at_u32_load_acquire(&plat.is_over) != 0) return; /* pairs with sim_platform_unwatch */
    plat.tick(plat.arg, is_asked_to_end);
  }
}

void sim_platform_watch(void (*tick)(void *arg, bool is_asked_to_end), void *arg,
                        uint64_t period_ns) {
  plat.tick = tick;
  plat.arg = arg;
  plat.period_ns = period_ns;
  at_u32_init(&plat.is_over, 0);
  plat.is_watching = plat_thread_start(&plat.watcher, "watch", watch, NULL) == RT_OK;
}

void sim_platform_unwatch(void) {
  if (!plat.is_watching) return;
  at_u32_store_release(&plat.is_over, 1); /* pairs with watch */
  plat_thread_join(&plat.watcher);
  plat.is_watching = false;
}

int engine_explore(struct engine *e) {
  (void)e;
  fprintf(stderr, "the native engine cannot choose schedules: --explore and --replay need the "
                  "model\n");
  return TRI_EXIT_INPUT;
}

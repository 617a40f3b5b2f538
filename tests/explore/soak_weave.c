/* Every data choice of a weave for each kind of barrier, searched completely: one of those alike
 * for all, every class of schedules of each. Minutes a kind, on one core.
 *
 * usage: soak_weave [KIND [FROM]]    KIND: of barrier, default all; FROM: at which choice to begin,
 *                                    of those searched, from 0: goes on after an interruption
 *
 * Prints a line for each kind; exits with 1 where the verdict is not what it should be, and with
 * 130 when it was interrupted. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sims/explore/explore.h"
#include "sims/memory.h"
#include "tests/explore/weave_grid.h"

/* Between two lines of progress: on a terminal, elsewhere. */
enum { TERMINAL_SECONDS = 1, LOG_SECONDS = 60 };

/* The choices are searched in leaps of 0.618 of all, so that what has been done when it is
 * interrupted lies all over the grid. It has no factor in common with how many there are, which
 * tests/explore/test_weave.c knows. */
enum { LEAP = 13513 };

/* Not in the world, which is put back again and again. */
static volatile sig_atomic_t *asked_to_end;

static void on_signal(int signal_number) { *asked_to_end = signal_number; }

static bool is_asked_to_end(void *arg) {
  (void)arg;
  return *asked_to_end != 0;
}

struct soak {
  const struct weave_kind *kind;
  uint32_t *numbers, count; /* one of each kind of those alike */
  uint32_t from, at;        /* of them */
  struct weave_tally tally;
  uint64_t started_ns, told_ns;
};

static uint64_t seconds(const struct soak *s) {
  return (xp_now_ns() - s->started_ns + 500000000) / 1000000000;
}

static void tell_progress(struct soak *s) {
  bool is_terminal = isatty(STDERR_FILENO) == 1;
  uint64_t now_ns = xp_now_ns(), every_s = is_terminal ? TERMINAL_SECONDS : LOG_SECONDS;
  if (now_ns - s->told_ns < every_s * 1000000000) return;
  s->told_ns = now_ns;
  fprintf(stderr, "%s%s: %u of %u choices, %llu schedules, %llu violated, %llu s%s",
          is_terminal ? "\r" : "", s->kind->name, s->at, s->count,
          (unsigned long long)s->tally.schedules, (unsigned long long)s->tally.violated,
          (unsigned long long)seconds(s), is_terminal ? "\033[K" : "\n");
}

static void tell_result(const struct soak *s, uint32_t points) {
  const struct weave_tally *t = &s->tally;
  if (isatty(STDERR_FILENO) == 1) fputs("\r\033[K", stderr);
  printf("%s: %llu of %u choices, which are all %d up to names, searched completely; "
         "%llu schedules at %u places, %llu runs; ",
         s->kind->name, (unsigned long long)t->choices, s->count, WEAVE_CHOICES,
         (unsigned long long)t->schedules, points, (unsigned long long)t->executed);
  if (t->violated > 0)
    printf("%llu choices violated, first number %u (%s); ", (unsigned long long)t->violated,
           t->first, t->message);
  else
    printf("no violation; ");
  printf("%llu s\n", (unsigned long long)seconds(s));
  fflush(stdout);
}

/* Whether what was searched is as it should be. */
static bool is_as_expected(const struct soak *s) {
  const struct weave_tally *t = &s->tally;
  return t->unfinished == 0 && (s->kind->is_sound ? t->violated == 0 : t->violated > 0);
}

/* False: the verdict is wrong, or the search was interrupted. */
static bool search_kind(struct soak *s) {
  static const struct weave_plan completely = {.strategy = "dpor"};
  s->tally = (struct weave_tally){0};
  s->started_ns = s->told_ns = xp_now_ns();
  struct weave_grid *g = weave_grid_open(s->kind, s->numbers, s->count);
  for (s->at = s->from; s->at < s->count && !is_asked_to_end(NULL); s->at++) {
    uint32_t number = s->numbers[(uint64_t)s->at * LEAP % s->count];
    weave_grid_search(g, &completely, number, is_asked_to_end, &s->tally);
    if (is_asked_to_end(NULL)) break;
    tell_progress(s);
  }
  tell_result(s, weave_grid_points(g));
  weave_grid_close(g);
  if (is_asked_to_end(NULL))
    printf("interrupted; to go on: ./dev soak weave %s %u\n", s->kind->name, s->at);
  return !is_asked_to_end(NULL) && is_as_expected(s);
}

/* False: a word is not understood. */
static bool read_words(struct soak *s, int argc, char **argv) {
  char *end = NULL;
  if (argc > 3) return false;
  if (argc > 1 && (s->kind = weave_kind_find(argv[1])) == NULL) return false;
  if (argc < 3) return true;
  unsigned long from = strtoul(argv[2], &end, 10);
  s->from = (uint32_t)from;
  return *argv[2] >= '0' && *argv[2] <= '9' && *end == '\0' && from < s->count;
}

static int usage(const struct soak *s) {
  fprintf(stderr, "usage: soak_weave [KIND [FROM]]\n  KIND  of barrier:");
  for (const struct weave_kind *k = weave_kinds; k->name != NULL; k++)
    fprintf(stderr, " %s", k->name);
  fprintf(stderr, "; default: all\n  FROM  choice to begin at, 0..%u\n", s->count - 1);
  return 2;
}

int main(int argc, char **argv) {
  struct soak s = {0};
  bool fine = true;
  s.numbers = weave_representatives(&s.count);
  if (!read_words(&s, argc, argv)) return usage(&s);
  asked_to_end = sim_alloc(sizeof *asked_to_end);
  signal(SIGINT, on_signal);
  signal(SIGTERM, on_signal);
  if (s.kind != NULL) {
    fine = search_kind(&s);
  } else {
    for (s.kind = weave_kinds; s.kind->name != NULL && !is_asked_to_end(NULL); s.kind++)
      fine &= search_kind(&s);
  }
  free(s.numbers);
  if (is_asked_to_end(NULL)) return 130;
  return fine ? 0 : 1;
}

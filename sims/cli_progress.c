#include "sims/cli_progress.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "sims/table.h"

enum { DRAW_EVERY_NS = 100000000, WIDTH_DEFAULT = 80, LINE_MAX_BYTES = 512 };

void sim_progress_open(struct sim_progress *p, uint32_t runs) {
  const char *term = getenv("TERM");
  memset(p, 0, sizeof *p);
  p->runs = runs;
  p->begin_ns = uv_hrtime();
  p->is_on = isatty(STDERR_FILENO) == 1 && term != NULL && strcmp(term, "dumb") != 0;
}

static uint32_t terminal_width(void) {
  struct winsize size;
  bool is_known = ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col >= 20;
  return is_known ? size.ws_col : WIDTH_DEFAULT;
}

static void draw(struct sim_progress *p) {
  char line[LINE_MAX_BYTES], elapsed[SIM_TEXT_MAX], left[SIM_TEXT_MAX] = "";
  p->drawn_ns = uv_hrtime();
  double spent = (double)(p->drawn_ns - p->begin_ns);
  double all = ((double)(p->run - 1) + p->done) / (double)p->runs;
  sim_format(SIM_UNIT_NS, spent, elapsed);
  /* Before a fiftieth is done the estimate would be noise. */
  if (all > 0.02 && all <= 1) sim_format(SIM_UNIT_NS, spent * (1 - all) / all, left);
  char title[128];
  if (p->title != NULL) {
    snprintf(title, sizeof title, "%s", p->title);
  } else {
    snprintf(title, sizeof title, "run %u of %u  %s", p->run, p->runs, p->engine);
  }
  int n = snprintf(line, sizeof line, "%s  %3.0f %%  %s%s%s  %s", title, p->done * 100, elapsed,
                   left[0] != '\0' ? ", left " : "", left, p->what);
  uint32_t width = terminal_width() - 1;
  if (n > 0 && (uint32_t)n > width && width < sizeof line) line[width] = '\0';
  fprintf(stderr, "\r%s\033[K", line);
  fflush(stderr);
  p->is_shown = true;
}

void sim_progress_run(struct sim_progress *p, uint32_t run, const char *engine) {
  p->run = run;
  p->engine = engine;
  p->done = 0;
  snprintf(p->what, sizeof p->what, "starting");
  if (p->is_on) draw(p);
}

void sim_progress_update(struct sim_progress *p, const char *phase, double done, const char *what) {
  /* Only the run itself advances the bar; setup comes before it, the report after. */
  p->done = strcmp(phase, "setup") == 0 ? 0 : strcmp(phase, "report") == 0 ? 1 : done;
  snprintf(p->what, sizeof p->what, "%s", what[0] != '\0' ? what : phase);
  if (p->is_on && uv_hrtime() - p->drawn_ns >= DRAW_EVERY_NS) draw(p);
}

void sim_progress_tick(struct sim_progress *p) {
  if (p->is_on && uv_hrtime() - p->drawn_ns >= DRAW_EVERY_NS) draw(p);
}

void sim_progress_clear(struct sim_progress *p) {
  if (!p->is_shown) return;
  fputs("\r\033[K", stderr);
  fflush(stderr);
  p->is_shown = false;
}

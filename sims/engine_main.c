/* An engine: runs one scenario on the platform and collector it was linked with, and writes the
 * result. sims/protocol.h says how the front end talks to it. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "gc/barrier.h"
#include "gc/pacer.h"
#include "runtime/check.h"
#include "sims/cost.h"
#include "sims/engine.h"
#include "sims/memory.h"
#include "sims/platform.h"
#include "sims/protocol.h"

/* The handler of runtime/check.h has no argument of its own. */
static struct engine *running;

static void on_end(enum rt_end kind, const char *message) {
  static const struct {
    const char *name;
    int status;
  } ends[] = {
    [RT_END_BUG] = {"bug", TRI_EXIT_ENGINE},
    [RT_END_FATAL] = {"fatal", TRI_EXIT_FAILED},
    [RT_END_VIOLATION] = {"violation", TRI_EXIT_FAILED},
    [RT_END_NOMEM] = {"out_of_memory", TRI_EXIT_ENGINE},
    [RT_END_CAP] = {"memory_cap", TRI_EXIT_ENGINE},
    [RT_END_DEADLOCK] = {"deadlock", TRI_EXIT_FAILED},
  };
  engine_end_partial(running, ends[kind].name, message, ends[kind].status);
}

/* ---- the command line and the scenario ------------------------------------------------------- */

static _Noreturn void refuse(const char *format, const char *what) {
  fprintf(stderr, format, what);
  fputc('\n', stderr);
  exit(TRI_EXIT_INPUT);
}

static void take_costs(const char *path) {
  struct sim_cost cost;
  char *wrong = sim_cost_load(path, &cost);
  if (wrong != NULL) refuse("%s", wrong);
  if (!sim_platform_costs(cost.ps)) refuse("--cost %s: only the model has a cost table", path);
}

static void parse_options(struct engine_options *o, int argc, char **argv) {
  for (int i = 1; i < argc; i++) {
    bool has_value = i + 1 < argc;
    if (strcmp(argv[i], "--gctrace") == 0) {
      o->gctrace = true;
    } else if (strcmp(argv[i], "--run") == 0 && has_value) {
      o->run = argv[++i];
    } else if (strcmp(argv[i], "--events") == 0 && has_value) {
      o->events_path = argv[++i];
    } else if (strcmp(argv[i], "--explore") == 0) {
      o->explore = true;
    } else if (strcmp(argv[i], "--replay") == 0 && has_value) {
      o->replay = argv[++i];
    } else if (strcmp(argv[i], "--schedule") == 0 && has_value) {
      o->schedule = argv[++i];
    } else if (strcmp(argv[i], "--drift") == 0) {
      o->drift = true;
    } else if (strcmp(argv[i], "--trace") == 0 && has_value) {
      o->trace_path = argv[++i];
    } else if (strcmp(argv[i], "--cost") == 0 && has_value) {
      take_costs(argv[++i]);
    } else {
      refuse("unknown or incomplete option %s; an engine is started by tricolor, which writes the "
             "scenario to its standard input; options: --run N/M --gctrace --events FILE --explore "
             "--replay TOKEN --schedule FILE --drift --trace FILE --cost FILE", argv[i]);
    }
  }
}

static char *read_input(size_t *length) {
  size_t room = 1 << 16, used = 0;
  char *text = sim_alloc(room);
  size_t got;
  while ((got = fread(text + used, 1, room - used, stdin)) > 0) {
    used += got;
    if (used > SC_FILE_MAX_BYTES) refuse("%s", "the scenario is longer than 4 MiB");
    if (used == room) text = sim_resize(text, room *= 2);
  }
  *length = used;
  return text;
}

static struct scenario *load(void) {
  size_t length;
  char *text = read_input(&length);
  struct sc_errors errors = {0};
  struct scenario *sc = scenario_load("<stdin>", text, length, NULL, 0, &errors);
  free(text);
  for (uint32_t i = 0; i < errors.count; i++) {
    char *line = sc_error_format(&errors.list[i]);
    fprintf(stderr, "%s\n", line);
    free(line);
  }
  sc_errors_free(&errors);
  if (sc == NULL) exit(TRI_EXIT_INPUT);
  return sc;
}

/* Type descriptors count an object's bytes in 32 bits. */
static void refuse_huge_objects(const struct sc_op *ops, uint32_t count) {
  for (uint32_t i = 0; i < count; i++) {
    if (ops[i].kind == SC_OP_ALLOC && ops[i].pointers > 0 && ops[i].bytes > UINT32_MAX)
      refuse("%s: an object with pointers has at most 4294967295 bytes", sc_op_name(ops[i].kind));
    refuse_huge_objects(ops[i].body, ops[i].body_count);
  }
}

/* What no engine, or not this one, can run. */
static void refuse_impossible(const struct scenario *sc) {
  refuse_huge_objects(sc->setup, sc->setup_count);
  for (uint32_t i = 0; i < sc->group_count; i++)
    refuse_huge_objects(sc->groups[i].body, sc->groups[i].body_count);
  bool is_ours = gc_collector.has_write_barrier;
  if (is_ours && gc_barrier_find(sc->barrier) == NULL)
    refuse("this engine has no write barrier called \"%s\"", sc->barrier);
  if (is_ours && gc_pacer_find(sc->pacer) == NULL)
    refuse("this engine has no pacer called \"%s\"", sc->pacer);
  if (sc->gc_faults != 0 && !is_ours)
    refuse("gc.faults: the collector \"%s\" has no such faults", gc_collector.name);
  if (sc->check && gc_collector.collects && !is_ours)
    refuse("runtime.check: the collector \"%s\" has no heap verifier; run it without the check",
           gc_collector.name);
}

static FILE *open_log(const char *path) {
  if (path == NULL) return NULL;
  FILE *log = fopen(path, "w");
  if (log == NULL) refuse("cannot write the event log %s", path);
  setvbuf(log, NULL, _IOFBF, 1 << 20);
  return log;
}

static int run_first_thread(void *arg) { return engine_run(arg); }

int main(int argc, char **argv) {
  static struct engine e;
  sim_platform_start();
  parse_options(&e.options, argc, argv);
  e.scenario = load();
  refuse_impossible(e.scenario);
  e.measure.log = open_log(e.options.events_path);
  if (e.options.explore || e.options.replay != NULL) return engine_explore(&e);
  running = &e;
  rt_set_end_handler(on_end);
  plat_seed(e.scenario->seed);
  int status = plat_main(run_first_thread, &e);
  rt_set_end_handler(NULL);
  if (e.measure.log != NULL && e.measure.events_dropped > 0)
    fprintf(e.measure.log, "# dropped %" PRIu64 "\n", e.measure.events_dropped);
  if (e.measure.log != NULL && fclose(e.measure.log) != 0) {
    fprintf(stderr, "cannot write the event log %s\n", e.options.events_path);
    status = TRI_EXIT_ENGINE;
  }
  scenario_free(e.scenario);
  return status;
}

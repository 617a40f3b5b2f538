#include "sims/engine.h"

#include <cjson/cJSON.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "gc/gctrace.h"
#include "runtime/check.h"
#include "runtime/lockrank.h"
#include "sims/litmus/litmus.h"
#include "sims/memory.h"
#include "sims/platform.h"
#include "sims/protocol.h"
#include "sims/result.h"

enum {
  EVENT_ENTRIES = 1 << 16,      /* records per ring */
  EVENT_ENTRIES_MANY = 1 << 12, /* the same with more than EVENT_PROCS_MANY rings */
  EVENT_PROCS_MANY = 64,
  WATCH_PERIOD_NS = 20000000,
  PROGRESS_EVERY = 10,          /* watch periods from one progress line to the next */
  END_LOCK_TRIES = 500          /* milliseconds a dying engine waits for a lock */
};

/* ---- output ---------------------------------------------------------------------------------- */

static void write_locked(struct engine *e, const char *line, bool is_last) {
  if (e->is_closed) return;
  fputs(line, stdout);
  fputc('\n', stdout);
  fflush(stdout);
  e->is_closed = is_last;
}

void engine_write(struct engine *e, const char *line, bool is_last) {
  plat_mutex_lock(&e->out_lock);
  write_locked(e, line, is_last);
  plat_mutex_unlock(&e->out_lock);
}

static void write_json(struct engine *e, cJSON *json) {
  char *line = cJSON_PrintUnformatted(json);
  cJSON_Delete(json);
  engine_write(e, line, false);
  free(line);
}

/* By the watcher, or by the main thread without one. */
void engine_write_gctrace(struct engine *e) {
  struct gc_cycle cycle;
  if (!e->options.gctrace || !gc_collector.reports_cycles) return;
  while (sim_measure_cycle(&e->measure, e->traced_cycles, &cycle)) {
    char line[GC_TRACE_LINE_MAX];
    gc_cycle_format(&cycle, line, sizeof line);
    e->traced_cycles++;
    cJSON *json = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "type", "gctrace");
    cJSON_AddStringToObject(json, "line", line);
    write_json(e, json);
  }
}

static double fraction(uint64_t part, uint64_t whole) {
  if (whole == 0) return 0;
  return part >= whole ? 1 : (double)part / (double)whole;
}

static void write_progress(struct engine *e) {
  struct workload_progress p;
  if (e->workload == NULL) return; /* a litmus program: there is nothing to tell */
  workload_progress(e->workload, &p);
  uint64_t begin_ns = at_quiet_load(&e->published_begin_ns);
  double by_time = p.in_setup ? 0 : fraction(plat_now_ns() - begin_ns, p.planned_ns);
  double done = p.planned > 0 ? fraction(p.ops, p.planned) : by_time;
  cJSON *json = cJSON_CreateObject();
  cJSON_AddStringToObject(json, "type", "progress");
  cJSON_AddStringToObject(json, "phase", p.in_setup ? "setup" : "run");
  cJSON_AddNumberToObject(json, "done", done);
  cJSON_AddStringToObject(json, "what", p.what);
  write_json(e, json);
}

static void on_watch(void *arg, bool is_asked_to_end) {
  struct engine *e = arg;
  if (is_asked_to_end) engine_end_partial(e, "stopped", "asked to end", TRI_EXIT_ENGINE);
  sim_measure_drain(&e->measure);
  engine_write_gctrace(e);
  if (++e->watch_ticks % PROGRESS_EVERY == 0) write_progress(e);
}

/* ---- the run --------------------------------------------------------------------------------- */

static void configure(const struct scenario *sc, struct gc_config *gc, struct go_config *go) {
  gc_config_default(gc);
  gc->gogc = sc->gogc;
  gc->memory_limit_bytes = sc->memory_limit_bytes;
  gc->memory_cap_bytes = sc->memory_cap_bytes;
  gc->mode = (enum gc_mode)sc->gc_mode;
  gc->wb_entries = sc->wb_entries;
  gc->barrier = sc->barrier;
  gc->pacer = sc->pacer;
  gc->assist = sc->assist;
  gc->idle_workers = sc->idle_workers;
  gc->check = sc->check;
  gc->globals_bytes = sc->globals_bytes;
  gc->globals_extra_ns = sc->globals_extra_ns;
  gc->huge_pages = (enum gc_huge_pages)sc->huge_pages;
  gc->boehm_markers = sc->boehm_markers;
  gc->boehm_incremental = sc->boehm_incremental;
  gc->faults = sc->gc_faults;
  gc->late_work = (enum gc_late_work)sc->late_work;
  go_config_default(go);
  go->procs = sc->procs;
  go->faults = sc->runtime_faults;
  if (sc->stack_bytes != 0) go->stack_bytes = sc->stack_bytes;
}

static const uint64_t first_word = 1;
static PLAT_STATE struct gc_type startup_type = {
  .name = "engine.startup", .size = 1024, .ptrdata = sizeof(void *), .mask = &first_word};
static PLAT_STATE void *startup; /* a list of such objects: gc.startup_bytes */

static void allocate_garbage(struct go_g *g, uint64_t bytes) {
  for (uint64_t done = 0; done < bytes; done += startup_type.size)
    gc_alloc_bytes(go_mu(g), startup_type.size);
}

static void allocate_startup(struct go_g *g, uint64_t bytes) {
  if (bytes == 0) return;
  gc_type_register(&startup_type);
  gc_add_global_roots(&startup, 1);
  for (uint64_t done = 0; done < bytes; done += startup_type.size) {
    void **object = gc_alloc(go_mu(g), &startup_type);
    gc_store(go_mu(g), object, gc_load(&startup));
    gc_store(go_mu(g), &startup, object);
  }
}

static bool is_explored(const struct engine *e) {
  return e->options.explore || e->options.replay != NULL;
}

static void main_goroutine(struct go_g *g, void *arg, void *heap_arg) {
  (void)heap_arg;
  struct engine *e = arg;
  gc_start(go_mu(g));
  e->start_ns = plat_now_ns();
  allocate_startup(g, e->scenario->startup_bytes);
  allocate_garbage(g, e->scenario->startup_garbage_bytes);
  workload_setup(e->workload, g);
  if (is_explored(e)) {
    gc_collect(go_mu(g)); /* starts the workers, and leaves nothing to sweep */
    workload_run(e->workload, g, e->gaps);
    workload_check(e->workload, g);
    plat_mark_end();
    return;
  }
  gc_totals_read(go_mu(g), &e->before);
  go_totals_read(&e->sched_before);

  e->cpu_begin_ns = plat_cpu_ns();
  e->begin_ns = plat_now_ns();
  at_quiet_store(&e->published_begin_ns, e->begin_ns);
  workload_run(e->workload, g, e->gaps);
  e->end_ns = plat_now_ns();
  e->cpu_end_ns = plat_cpu_ns();

  gc_totals_read(go_mu(g), &e->after);
  go_totals_read(&e->sched_after);
  workload_report(e->workload, g, &e->result);
}

static int fail(const char *what, enum rt_err err) {
  static const char *const texts[] = {
    [RT_OK] = "no error",
    [RT_ERR_NOMEM] = "the operating system refused memory or address space",
    [RT_ERR_CAP] = "the memory cap of the run is reached",
    [RT_ERR_THREAD] = "the operating system refused a thread",
    [RT_ERR_LIMIT] = "a fixed limit is reached"};
  fprintf(stderr, "%s: %s\n", what, texts[err]);
  return TRI_EXIT_ENGINE;
}

static int finish_run(struct engine *e) {
  sim_measure_drain(&e->measure);
  engine_write_gctrace(e);
  engine_fill_result(e, false);
  char *line = sim_result_line(&e->result);
  engine_write(e, line, true);
  free(line);
  engine_free_result(e);
  sim_gaps_free(e->gaps);
  return TRI_EXIT_OK;
}

/* A litmus program needs the platform alone. */
static int run_litmus(struct engine *e) {
  const struct litmus_case *c = &e->scenario->litmus;
  plat_mutex_init(&e->out_lock, RT_RANK_TEST, "standard output");
  enum rt_err err = ev_init(1, EVENT_ENTRIES_MANY);
  if (err != RT_OK) return fail("event rings", err);
  sim_measure_init(&e->measure, 1, e->measure.log);
  e->gaps = sim_gaps_new(e->scenario->procs);
  sim_platform_watch(on_watch, e, WATCH_PERIOD_NS);
  e->cpu_begin_ns = plat_cpu_ns();
  e->start_ns = e->begin_ns = plat_now_ns();
  at_quiet_store(&e->published_begin_ns, e->begin_ns);
  const char *why = litmus_run(c); /* explored from where its threads stand ready */
  e->end_ns = plat_now_ns();
  e->cpu_end_ns = plat_cpu_ns();
  if (why != NULL)
    rt_fatal(RT_END_VIOLATION, "%s %s: %s", litmus_words[c->program].name,
             litmus_facts[c->program].variants[c->variant].name, why);
  plat_mark_end();
  sim_platform_unwatch();
  int status = finish_run(e);
  sim_measure_finish(&e->measure);
  ev_finish();
  plat_mutex_destroy(&e->out_lock);
  return status;
}

int engine_run(struct engine *e) {
  const struct scenario *sc = e->scenario;
  if (sc->has_litmus) return run_litmus(e);
  struct gc_config gc;
  struct go_config go;
  configure(sc, &gc, &go);
  plat_mutex_init(&e->out_lock, RT_RANK_TEST, "standard output");
  uint32_t entries = sc->procs > EVENT_PROCS_MANY ? EVENT_ENTRIES_MANY : EVENT_ENTRIES;
  enum rt_err err = ev_init(sc->procs + 1, entries);
  if (err != RT_OK) return fail("event rings", err);
  err = gc_init(&gc, go_world_ops());
  if (err != RT_OK) return fail("heap", err);
  if (!is_explored(e)) sim_measure_init(&e->measure, sc->procs, e->measure.log);
  e->workload = workload_new(sc, is_explored(e) ? NULL : &e->measure);
  e->gaps = sim_gaps_new(sc->procs);
  sim_platform_calibrate();

  sim_platform_watch(on_watch, e, WATCH_PERIOD_NS);
  err = go_run(&go, main_goroutine, e);
  sim_platform_unwatch();
  if (err != RT_OK) return fail("scheduler", err);

  int status = finish_run(e);
  workload_free(e->workload);
  sim_measure_finish(&e->measure);
  gc_finish();
  ev_finish();
  plat_mutex_destroy(&e->out_lock);
  return status;
}

/* ---- the end before the end ------------------------------------------------------------------ */

/* Waits a while, because the holder may be about to release it; false: it may be the caller. */
static bool lock_patiently(struct plat_mutex *m) {
  for (int i = 0; i < END_LOCK_TRIES; i++) {
    if (plat_mutex_try_lock(m)) return true;
    plat_sleep_ns(1000000);
  }
  return false;
}

/* Other threads run on, and may come here too: the out lock lets one through and is kept. The
 * measure lock is taken first and released before, because it is of the same rank. */
void engine_end_partial(struct engine *e, const char *kind, const char *text, int status) {
  char doing[256];
  doing[0] = '\0';
  if (e->gaps == NULL) { /* nothing has run yet */
    fprintf(stderr, "tricolor: %s: %s\n", kind, text);
    _exit(status);
  }
  if (e->workload != NULL) workload_doing(e->workload, go_current(), doing, sizeof doing);
  struct sim_result_violation violation = {kind, text, doing[0] == 0 ? NULL : doing};
  char *line = NULL;
  fprintf(stderr, "tricolor: %s: %s%s%s\n", kind, text, doing[0] == 0 ? "" : ", in ", doing);
  if (lock_patiently(&e->measure.lock)) {
    e->result.violations = &violation;
    e->result.violation_count = 1;
    engine_fill_result(e, true);
    line = sim_result_line(&e->result);
    if (e->measure.log != NULL) fflush(e->measure.log);
    plat_mutex_unlock(&e->measure.lock);
  }
  if (line != NULL && lock_patiently(&e->out_lock)) write_locked(e, line, true);
  _exit(status);
}

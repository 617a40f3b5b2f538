#include "sims/supervise.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sims/json_print.h"
#include "sims/memory.h"
#include "sims/protocol.h"
#include "sims/table.h"

enum {
  TICK_MS = 200,       /* between two calls of watch->tick, at least */
  WATCH_MS = 20,       /* between two looks at the child's memory, when it has a cap */
  LEFTOVER_MS = 1000,  /* how long pipes may stay open after the child has exited */
  NS_PER_MS = 1000000,
};

/* Why the child was told to end; the first reason stays. */
enum reason { REASON_NONE, REASON_INTERRUPT, REASON_DEADLINE, REASON_MEMORY, REASON_PROTOCOL };

/* One running child. All callbacks run on the loop's thread. */
struct sim_run {
  const struct sim_spawn *spawn;
  const struct sim_watch *watch;
  struct sim_outcome *out;
  uv_loop_t *loop;
  uv_process_t process;
  uv_pipe_t in, output, error;
  uv_timer_t deadline, tick, killer; /* killer: SIGKILL later; after the exit: give up on pipes */
  uv_write_t write;
  bool exited, output_ended, error_ended, closed, sent_kill;
  enum reason reason;
  cJSON *so_far;        /* stands for the result of an engine that dies; NULL: none */
  char *protocol_error; /* REASON_PROTOCOL: what was wrong */
  char *line;           /* unfinished line of stdout */
  size_t line_bytes, line_room;
  uint64_t ticked_ms; /* last call of watch->tick */
};

const char *sim_signal_name(int signal) {
  static char text[32];
  const char *name = sigabbrev_np(signal);
  if (name != NULL) {
    snprintf(text, sizeof text, "SIG%s", name);
  } else {
    snprintf(text, sizeof text, "signal %d", signal);
  }
  return text;
}

uint64_t sim_memory_allowed_bytes(uint64_t cap_bytes) {
  return cap_bytes + cap_bytes / 4 + ((uint64_t)64 << 20);
}

/* ---- ending the child ---- */

static void on_killer(uv_timer_t *timer) {
  struct sim_run *r = timer->data;
  if (!r->exited) {
    r->sent_kill = true;
    uv_process_kill(&r->process, SIGKILL);
  }
}

/* gently: SIGTERM first, so that the engine can write a partial result. */
static void end_child(struct sim_run *r, enum reason reason, bool gently) {
  if (r->reason != REASON_NONE || r->exited) return;
  r->reason = reason;
  uv_process_kill(&r->process, gently ? SIGTERM : SIGKILL);
  r->sent_kill = !gently;
  uint64_t grace_ms = r->spawn->keeps_on_interrupt ? SIM_KEEP_GRACE_MS : SIM_TERM_GRACE_MS;
  uv_timer_start(&r->killer, on_killer, grace_ms, 0);
}

static void close_handle(uv_handle_t *handle) {
  if (!uv_is_closing(handle)) uv_close(handle, NULL);
}

static void close_if_over(struct sim_run *r) {
  if (!r->exited || !r->output_ended || !r->error_ended || r->closed) return;
  r->closed = true;
  close_handle((uv_handle_t *)&r->process);
  close_handle((uv_handle_t *)&r->in);
  close_handle((uv_handle_t *)&r->output);
  close_handle((uv_handle_t *)&r->error);
  close_handle((uv_handle_t *)&r->deadline);
  close_handle((uv_handle_t *)&r->tick);
  close_handle((uv_handle_t *)&r->killer);
}

/* A grandchild may hold the pipes open; the engine itself is gone. */
static void on_leftover(uv_timer_t *timer) {
  struct sim_run *r = timer->data;
  r->output_ended = r->error_ended = true;
  close_if_over(r);
}

static void on_exited(uv_process_t *process, int64_t exit_status, int term_signal) {
  struct sim_run *r = process->data;
  r->exited = true;
  r->out->exit_status = exit_status;
  r->out->term_signal = term_signal;
  uv_timer_stop(&r->deadline);
  uv_timer_start(&r->killer, on_leftover, LEFTOVER_MS, 0);
  close_if_over(r);
}

static void on_deadline(uv_timer_t *timer) { end_child(timer->data, REASON_DEADLINE, true); }

/* ---- memory ---- */

/* Resident bytes of a process; 0 when it is gone. */
static uint64_t resident_bytes(int pid) {
  char path[64];
  unsigned long long size = 0, resident = 0;
  snprintf(path, sizeof path, "/proc/%d/statm", pid);
  FILE *f = fopen(path, "re");
  if (f == NULL) return 0;
  if (fscanf(f, "%llu %llu", &size, &resident) != 2) resident = 0;
  fclose(f);
  return resident * (uint64_t)sysconf(_SC_PAGESIZE);
}

static void on_tick(uv_timer_t *timer) {
  struct sim_run *r = timer->data;
  uint64_t cap = r->spawn->memory_cap_bytes;
  if (cap != 0 && !r->exited) {
    uint64_t rss = resident_bytes(uv_process_get_pid(&r->process));
    if (rss > r->out->rss_peak_bytes) r->out->rss_peak_bytes = rss;
    if (rss > sim_memory_allowed_bytes(cap)) end_child(r, REASON_MEMORY, false);
  }
  if (r->watch->tick == NULL || uv_now(r->loop) - r->ticked_ms < TICK_MS) return;
  r->ticked_ms = uv_now(r->loop);
  r->watch->tick(r->watch->arg);
}

/* ---- stdout: the protocol ---- */

static void protocol_error(struct sim_run *r, char *what) {
  if (r->reason != REASON_NONE) {
    free(what); /* it is being ended for another reason, perhaps in the middle of a line */
    return;
  }
  r->protocol_error = what;
  end_child(r, REASON_PROTOCOL, false);
  r->reason = REASON_PROTOCOL; /* also when it had exited before its output was read */
}

static char *quote(const char *prefix, const char *line) {
  char shown[81];
  sim_text_clean(line, shown, sizeof shown);
  return sim_printf("%s: \"%s\"%s", prefix, shown, strlen(line) >= sizeof shown ? "..." : "");
}

static const char *text_of(const cJSON *object, const char *key) {
  const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, key));
  return text != NULL ? text : "";
}

static void take_progress(struct sim_run *r, const cJSON *message) {
  const cJSON *done = cJSON_GetObjectItemCaseSensitive(message, "done");
  sim_text_clean(text_of(message, "phase"), r->out->phase, sizeof r->out->phase);
  sim_text_clean(text_of(message, "what"), r->out->doing, sizeof r->out->doing);
  double d = cJSON_IsNumber(done) ? done->valuedouble : 0;
  r->out->done = d > 1 ? 1 : d > 0 ? d : 0;
  if (r->watch->progress != NULL) {
    r->watch->progress(r->watch->arg, r->out->phase, r->out->done, r->out->doing);
  }
}

static void take_result(struct sim_run *r, cJSON *message, const char *line) {
  cJSON *result = cJSON_DetachItemFromObjectCaseSensitive(message, "result");
  const char *schema = text_of(result, "schema"), *wanted = r->spawn->schema;
  if (wanted == NULL) wanted = TRICOLOR_RESULT_SCHEMA;
  if (!cJSON_IsObject(result)) {
    protocol_error(r, quote("a result line without a result", line));
  } else if (strcmp(schema, wanted) != 0) {
    char *prefix = sim_printf("a result whose schema is not %s (an engine of another version?)",
                              wanted);
    protocol_error(r, quote(prefix, schema));
    free(prefix);
  } else if (r->out->result != NULL) {
    protocol_error(r, sim_strdup("a second result"));
  } else {
    r->out->result = result;
    return;
  }
  cJSON_Delete(result);
}

static void take_line(struct sim_run *r, char *line) {
  cJSON *message = sim_json_parse(line);
  const char *type = text_of(message, "type");
  if (!cJSON_IsObject(message) || type[0] == '\0') {
    protocol_error(r, quote("a line that is not of the protocol", line));
  } else if (strcmp(type, "progress") == 0) {
    take_progress(r, message);
  } else if (strcmp(type, "gctrace") == 0) {
    if (r->watch->gctrace != NULL) r->watch->gctrace(r->watch->arg, text_of(message, "line"));
  } else if (strcmp(type, "result") == 0) {
    take_result(r, message, line);
  } else if (strcmp(type, "so-far") == 0) {
    cJSON_Delete(r->so_far);
    r->so_far = cJSON_DetachItemFromObjectCaseSensitive(message, "result");
  } else {
    protocol_error(r, quote("a line of unknown type", line));
  }
  cJSON_Delete(message);
}

static void append(struct sim_run *r, const char *bytes, size_t count) {
  if (r->line_bytes + count + 1 > r->line_room) {
    size_t room = r->line_room * 2;
    if (room < r->line_bytes + count + 1) room = r->line_bytes + count + 1;
    r->line = realloc(r->line, room);
    if (r->line == NULL) abort();
    r->line_room = room;
  }
  memcpy(r->line + r->line_bytes, bytes, count);
  r->line_bytes += count;
  r->line[r->line_bytes] = '\0';
}

static void take_output(struct sim_run *r, const char *bytes, size_t count) {
  while (count > 0 && r->reason != REASON_PROTOCOL) {
    const char *newline = memchr(bytes, '\n', count);
    size_t part = newline != NULL ? (size_t)(newline - bytes) : count;
    if (r->line_bytes + part > SIM_LINE_MAX) {
      protocol_error(r, sim_printf("a line longer than %d MiB", SIM_LINE_MAX >> 20));
      return;
    }
    append(r, bytes, part);
    if (newline == NULL) return;
    r->line_bytes = 0;
    take_line(r, r->line);
    bytes += part + 1;
    count -= part + 1;
  }
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf) {
  (void)handle;
  *buf = uv_buf_init(malloc(suggested), (unsigned)suggested);
}

static void on_output(uv_stream_t *stream, ssize_t count, const uv_buf_t *buf) {
  struct sim_run *r = stream->data;
  if (count > 0) take_output(r, buf->base, (size_t)count);
  free(buf->base);
  if (count >= 0) return;
  r->output_ended = true;
  close_if_over(r); /* an unfinished last line is dropped: how the engine ended says more */
}

/* ---- stderr: the last words ---- */

static void on_error(uv_stream_t *stream, ssize_t count, const uv_buf_t *buf) {
  struct sim_run *r = stream->data;
  char *said = r->out->said;
  if (count > 0) {
    size_t n = (size_t)count, have = strlen(said);
    const char *from = buf->base;
    if (n > SIM_STDERR_KEPT) {
      from += n - SIM_STDERR_KEPT;
      n = SIM_STDERR_KEPT;
    }
    size_t drop = have + n > SIM_STDERR_KEPT ? have + n - SIM_STDERR_KEPT : 0;
    memmove(said, said + drop, have - drop);
    for (size_t i = 0; i < n; i++) said[have - drop + i] = from[i] != '\0' ? from[i] : ' ';
    said[have - drop + n] = '\0';
  }
  free(buf->base);
  if (count >= 0) return;
  r->error_ended = true;
  close_if_over(r);
}

/* ---- start and verdict ---- */

/* An engine that ends without reading all of its input tells why by its exit, not by this. */
static void on_written(uv_write_t *write, int status) {
  struct sim_run *r = write->data;
  (void)status;
  close_handle((uv_handle_t *)&r->in);
}

static int start(struct sim_run *r) {
  static char run_option[] = "--run", gctrace_option[] = "--gctrace", events_option[] = "--events";
  char label[32];
  char *args[8 + SIM_MORE_MAX];
  uint32_t n = 0;
  snprintf(label, sizeof label, "%" PRIu32 "/%" PRIu32, r->spawn->run, r->spawn->runs);
  args[n++] = (char *)(uintptr_t)r->spawn->path; /* libuv's argv is not const but not written */
  args[n++] = run_option;
  args[n++] = label;
  if (r->spawn->gctrace) args[n++] = gctrace_option;
  if (r->spawn->events_path != NULL) {
    args[n++] = events_option;
    args[n++] = (char *)(uintptr_t)r->spawn->events_path;
  }
  for (const char *const *p = r->spawn->more; p != NULL && *p != NULL; p++) {
    args[n++] = (char *)(uintptr_t)*p;
  }
  args[n] = NULL;
  const uv_stdio_flags from_child = UV_CREATE_PIPE | UV_WRITABLE_PIPE;
  uv_stdio_container_t stdio[3] = {
    {.flags = UV_CREATE_PIPE | UV_READABLE_PIPE, .data.stream = (uv_stream_t *)&r->in},
    {.flags = from_child, .data.stream = (uv_stream_t *)&r->output},
    {.flags = from_child, .data.stream = (uv_stream_t *)&r->error},
  };
  uv_process_options_t options = {
    .file = r->spawn->path, .args = args, .exit_cb = on_exited, .stdio = stdio, .stdio_count = 3,
    .cwd = r->spawn->directory,
    .flags = r->spawn->keeps_on_interrupt ? UV_PROCESS_DETACHED : 0,
  };
  return uv_spawn(r->loop, &r->process, &options);
}

static void open_handles(struct sim_run *r) {
  uv_pipe_init(r->loop, &r->in, 0);
  uv_pipe_init(r->loop, &r->output, 0);
  uv_pipe_init(r->loop, &r->error, 0);
  uv_timer_init(r->loop, &r->deadline);
  uv_timer_init(r->loop, &r->tick);
  uv_timer_init(r->loop, &r->killer);
  r->process.data = r->output.data = r->error.data = r->write.data = r;
  r->deadline.data = r->tick.data = r->killer.data = r;
}

static void run_child(struct sim_run *r) {
  size_t input_bytes = strlen(r->spawn->input);
  uv_buf_t input = uv_buf_init((char *)(uintptr_t)r->spawn->input, (unsigned)input_bytes);
  uint64_t deadline_ms = (r->spawn->deadline_ns + NS_PER_MS - 1) / NS_PER_MS;
  open_handles(r);
  int err = start(r);
  if (err != 0) {
    r->out->how = sim_printf("could not be started: %s", uv_strerror(err));
    r->exited = r->output_ended = r->error_ended = true;
    close_if_over(r);
    uv_run(r->loop, UV_RUN_DEFAULT);
    return;
  }
  uv_read_start((uv_stream_t *)&r->output, on_alloc, on_output);
  uv_read_start((uv_stream_t *)&r->error, on_alloc, on_error);
  if (uv_write(&r->write, (uv_stream_t *)&r->in, &input, 1, on_written) != 0) {
    close_handle((uv_handle_t *)&r->in);
  }
  if (deadline_ms != 0) uv_timer_start(&r->deadline, on_deadline, deadline_ms, 0);
  uint64_t every_ms = r->spawn->memory_cap_bytes != 0 ? WATCH_MS : TICK_MS;
  uv_timer_start(&r->tick, on_tick, every_ms, every_ms);
  uv_run(r->loop, UV_RUN_DEFAULT);
}

static void fail(struct sim_outcome *out, const char *cause, char *how) {
  out->end = SIM_END_FAILED;
  out->cause = cause;
  free(out->how);
  out->how = how;
}

static char *how_deadline(const struct sim_run *r) {
  char limit[SIM_TEXT_MAX];
  sim_format(SIM_UNIT_NS, (double)r->spawn->deadline_ns, limit);
  return sim_printf("was still running at its deadline of %s (runtime.deadline_ns) and was ended "
                    "with %s", limit, r->sent_kill ? "SIGKILL, having ignored SIGTERM" : "SIGTERM");
}

static char *how_memory(const struct sim_run *r) {
  char used[SIM_TEXT_MAX], cap[SIM_TEXT_MAX], allowed[SIM_TEXT_MAX];
  sim_format(SIM_UNIT_BYTES, (double)r->out->rss_peak_bytes, used);
  sim_format(SIM_UNIT_BYTES, (double)r->spawn->memory_cap_bytes, cap);
  sim_format(SIM_UNIT_BYTES, (double)sim_memory_allowed_bytes(r->spawn->memory_cap_bytes), allowed);
  return sim_printf("had %s in memory and was killed: its heap cap is %s "
                    "(runtime.memory_cap_bytes), with everything else %s", used, cap, allowed);
}

static char *how_signal(int signal) {
  const char *guess = signal == SIGKILL ? "; not by this program: the kernel, out of memory?" : "";
  return sim_printf("was killed by %s (%s)%s", sim_signal_name(signal), strsignal(signal), guess);
}

static bool is_partial(const cJSON *result) {
  return cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(result, "partial"));
}

/* What a run that ends at a violation says is all it can say. */
static bool ended_at_violation(const struct sim_outcome *out) {
  const cJSON *list = cJSON_GetObjectItemCaseSensitive(out->result, "violations");
  return out->exit_status == TRI_EXIT_FAILED && cJSON_GetArraySize(list) > 0;
}

static void judge_exit(struct sim_outcome *out) {
  int64_t status = out->exit_status;
  if (status == TRI_EXIT_INPUT) {
    out->end = SIM_END_REFUSED;
  } else if (status == TRI_EXIT_ENGINE) {
    fail(out, "exit", sim_strdup("gave up (exit status 3)"));
  } else if (status != TRI_EXIT_OK && status != TRI_EXIT_FAILED) {
    fail(out, "exit", sim_printf("ended with exit status %" PRId64, status));
  } else if (out->result == NULL) {
    fail(out, "no-result",
         sim_printf("ended with exit status %" PRId64 " but without a result", status));
  } else if (is_partial(out->result) && !ended_at_violation(out)) {
    fail(out, "partial", sim_strdup("could not finish and reported a partial result"));
  } else {
    out->end = status == TRI_EXIT_OK ? SIM_END_DONE : SIM_END_VIOLATION;
  }
}

static void judge(struct sim_run *r) {
  struct sim_outcome *out = r->out;
  if (out->how != NULL) {
    out->end = SIM_END_FAILED;
    out->cause = "start";
  } else if (r->reason == REASON_INTERRUPT) {
    out->end = SIM_END_INTERRUPTED;
  } else if (r->reason == REASON_DEADLINE) {
    fail(out, "deadline", how_deadline(r));
  } else if (r->reason == REASON_MEMORY) {
    fail(out, "memory", how_memory(r));
  } else if (r->reason == REASON_PROTOCOL) {
    fail(out, "protocol", sim_printf("wrote %s", r->protocol_error));
  } else if (out->term_signal != 0) {
    fail(out, "signal", how_signal(out->term_signal));
  } else {
    judge_exit(out);
  }
}

void sim_supervise(struct sim_supervisor *s, const struct sim_spawn *spawn,
                   const struct sim_watch *watch, struct sim_outcome *out) {
  struct sim_run r = {.spawn = spawn, .watch = watch, .out = out, .loop = &s->loop};
  uint64_t begin = uv_hrtime();
  memset(out, 0, sizeof *out);
  if (sim_supervisor_caught(s) != 0) {
    out->end = SIM_END_INTERRUPTED;
    return;
  }
  s->running = &r;
  run_child(&r);
  s->running = NULL;
  out->elapsed_ns = uv_hrtime() - begin;
  judge(&r);
  /* The terminal sends Ctrl-C to the engine too: its end must not look like a crash. */
  bool is_finished = out->end == SIM_END_DONE || out->end == SIM_END_VIOLATION;
  if (sim_supervisor_caught(s) != 0 && !is_finished) out->end = SIM_END_INTERRUPTED;
  if (out->result == NULL && out->end != SIM_END_REFUSED) {
    out->result = r.so_far;
    r.so_far = NULL;
  }
  cJSON_Delete(r.so_far);
  free(r.protocol_error);
  free(r.line);
}

void sim_outcome_free(struct sim_outcome *out) {
  cJSON_Delete(out->result);
  free(out->how);
  memset(out, 0, sizeof *out);
}

/* ---- signals to this program ---- */

static void on_signal(uv_signal_t *handle, int signal) {
  struct sim_supervisor *s = handle->data;
  bool again = s->caught != 0;
  if (!again) s->caught = signal;
  if (s->running == NULL) return;
  if (again) on_killer(&s->running->killer); /* asked twice: no more waiting */
  end_child(s->running, REASON_INTERRUPT, true);
}

void sim_supervisor_open(struct sim_supervisor *s) {
  static const int numbers[SIM_SIGNALS] = {SIGINT, SIGTERM, SIGHUP};
  memset(s, 0, sizeof *s);
  signal(SIGPIPE, SIG_IGN);
  if (uv_loop_init(&s->loop) != 0) {
    fputs("tricolor: no event loop (out of file descriptors?)\n", stderr);
    exit(TRI_EXIT_ENGINE);
  }
  for (uint32_t i = 0; i < SIM_SIGNALS; i++) {
    uv_signal_init(&s->loop, &s->signals[i]);
    s->signals[i].data = s;
    uv_signal_start(&s->signals[i], on_signal, numbers[i]);
    uv_unref((uv_handle_t *)&s->signals[i]);
  }
}

int sim_supervisor_caught(struct sim_supervisor *s) {
  uv_ref((uv_handle_t *)&s->signals[0]); /* a loop with nothing to wait for would not look */
  uv_run(&s->loop, UV_RUN_NOWAIT);
  uv_unref((uv_handle_t *)&s->signals[0]);
  return s->caught;
}

void sim_supervisor_close(struct sim_supervisor *s) {
  for (uint32_t i = 0; i < SIM_SIGNALS; i++) close_handle((uv_handle_t *)&s->signals[i]);
  uv_run(&s->loop, UV_RUN_DEFAULT);
  uv_loop_close(&s->loop);
}

/* Runs one engine as a child process and watches it: protocol, deadline, memory, crash, Ctrl-C.
 * One thread; everything happens inside sim_supervise, in a libuv loop the caller keeps. */
#ifndef SIMS_SUPERVISE_H
#define SIMS_SUPERVISE_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

enum {
  SIM_LINE_MAX = 4 << 20,   /* longest line an engine may write, in bytes */
  SIM_STDERR_KEPT = 4096,   /* last bytes of its stderr that are kept */
  SIM_DOING_MAX = 256,
  SIM_TERM_GRACE_MS = 2000, /* between SIGTERM and SIGKILL */
  SIM_KEEP_GRACE_MS = 10000, /* the same for one that keeps_on_interrupt */
  SIM_MORE_MAX = 8,         /* most further arguments */
  SIM_SIGNALS = 3,
};

/* The loop, and the signals that end the program. Once per program. */
struct sim_supervisor {
  uv_loop_t loop;
  uv_signal_t signals[SIM_SIGNALS]; /* SIGINT, SIGTERM, SIGHUP; they do not keep the loop running */
  int caught;                       /* first of them that arrived; 0: none */
  struct sim_run *running;          /* NULL between runs */
};
/* Also makes SIGPIPE harmless: a write to a closed pipe fails with EPIPE instead. */
void sim_supervisor_open(struct sim_supervisor *s);
void sim_supervisor_close(struct sim_supervisor *s);
/* The signal that asked the program to end, looked for now; 0: none. */
int sim_supervisor_caught(struct sim_supervisor *s);

/* What to run and within which bounds. */
struct sim_spawn {
  const char *path;          /* the executable */
  const char *input;         /* resolved scenario, given on stdin */
  uint32_t run, runs;        /* "run 3 of 10" */
  bool gctrace;
  const char *events_path;   /* NULL: none */
  const char *const *more;   /* further arguments, NULL-ended; NULL: none */
  const char *directory;     /* it runs in; NULL: ours */
  const char *schema;        /* of the result; NULL: TRICOLOR_RESULT_SCHEMA */
  bool keeps_on_interrupt;   /* told to end, it still answers with a result: it gets SIGTERM only
                                from here, not Ctrl-C from the terminal, and more time to answer */
  uint64_t deadline_ns;      /* 0: none */
  uint64_t memory_cap_bytes; /* of the heap; 0: unwatched */
};
/* What a process with this heap cap may have resident: code, tables and stacks come on top. */
uint64_t sim_memory_allowed_bytes(uint64_t cap_bytes);

/* Called while the engine runs. tick comes about five times a second, whatever the engine does. */
struct sim_watch {
  void *arg;
  void (*progress)(void *arg, const char *phase, double done, const char *what);
  void (*gctrace)(void *arg, const char *line);
  void (*tick)(void *arg);
};

enum sim_end {
  SIM_END_DONE,        /* exit 0 and a complete result */
  SIM_END_VIOLATION,   /* exit 1 and a complete result: it lists violations */
  SIM_END_REFUSED,     /* exit 2: the scenario does not suit the engine; stderr says why */
  SIM_END_FAILED,      /* anything else: see cause and how */
  SIM_END_INTERRUPTED, /* the program was told to end; the engine is gone. There is a result if
                          it keeps_on_interrupt and managed to */
};

struct sim_outcome {
  enum sim_end end;
  const char *cause;     /* FAILED: "signal" "exit" "deadline" "memory" "protocol" "no-result"
                            "partial" "start" */
  char *how;             /* FAILED: a clause for people: "was killed by SIGSEGV (...)" */
  cJSON *result;         /* NULL: none; of a failed run it is partial: what it told so far */
  int64_t exit_status;
  int term_signal;
  uint64_t elapsed_ns;
  uint64_t rss_peak_bytes; /* as sampled; 0 when memory was not watched */
  char phase[32];          /* of the last progress line; empty: none came */
  double done;             /* 0..1 within the phase */
  char doing[SIM_DOING_MAX];
  char said[SIM_STDERR_KEPT + 1]; /* end of stderr */
};
void sim_supervise(struct sim_supervisor *s, const struct sim_spawn *spawn,
                   const struct sim_watch *watch, struct sim_outcome *out);
void sim_outcome_free(struct sim_outcome *out);

/* "SIGSEGV"; "signal 77" for one without a name (in a static buffer). */
const char *sim_signal_name(int signal);

#endif

/* An engine that does nothing but speak the protocol, well or badly, as the environment asks:
 *   FAKE_MODE        what to do, one of modes[]; FAKE_MODE_boehm and so on for one collector
 *   FAKE_FROM        the first run (of "3/10") the mode is about; before it: ok
 *   FAKE_CONTESTANTS collectors in a comparison, default 2: tells the round from the run's number
 *   FAKE_LOG         a file to which "COLLECTOR RUN/RUNS PID" is appended
 *   FAKE_WORDS       a file to which its arguments are appended, a line for each start
 *   FAKE_INPUT       a file that gets what came on standard input
 *   FAKE_DOCUMENT    mode "search": a file with the result; a directory: NAME.json in it for the
 *                    scenario's name, NAME-twin.json when it expects no violation and there is one
 * Its numbers are fixed by round, so that the tests can compute medians and ratios by hand. */
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static char input[1 << 20]; /* the scenario */
static const char *collector = "", *engine = "", *run_label = "1/1", *events_path;
static int run_number = 1;

/* Wall time in ms by round. */
static const int wall_ours[] = {3, 1, 2, 5, 4, 6};
static const int wall_other[] = {4, 12, 2, 10, 16, 8};

static int env_number(const char *name, int otherwise) {
  const char *text = getenv(name);
  return text != NULL ? atoi(text) : otherwise;
}

static long wall_ns(void) {
  int round = (run_number - 1) / env_number("FAKE_CONTESTANTS", 2) % 6;
  bool is_ours = strcmp(collector, "concurrent") == 0;
  return 1000000L * (is_ours ? wall_ours[round] : wall_other[round]);
}

static void print_result(const char *extra) {
  long wall = wall_ns();
  printf("{\"type\":\"result\",\"result\":{\"schema\":\"tricolor.result/1\",\"scenario\":\"mini\","
         "\"engine\":\"%s\",\"collector\":\"%s\",\"run\":\"%s\",\"seed\":1,\"wall_ns\":%ld,"
         "\"cpu_ns\":%ld,\"setup_ns\":0,\"max_rss_bytes\":1572864,", engine, collector, run_label,
         wall, 2 * wall);
  printf("\"ops\":{\"count\":1000000,\"ns_per_op\":%g},\"gc\":{\"cycles\":12,\"assists\":null,"
         "\"bytes_allocated\":9007199254740991,\"cpu_fraction\":0.25},",
         (double)wall / 1e6);
  printf("\"pauses\":{\"count\":24,\"total_ns\":240000,\"p50_ns\":9999,\"p99_ns\":12345,"
         "\"max_ns\":20000,\"time_to_stop\":{\"p50_ns\":100,\"max_ns\":950},\"worst\":["
         "{\"reason\":\"mark termination\",\"total_ns\":20000,\"time_to_stop_ns\":950,"
         "\"last_goroutine\":\"spin\033[31mner\"}]},");
  printf("\"observed\":{\"p50_ns\":null,\"max_ns\":123456789},\"mmu\":[{\"window_ns\":10000,"
         "\"utilisation\":0.5},{\"window_ns\":1000000,\"utilisation\":0.875}],"
         "\"maps\":{\"m\":{\"count\":1000000,\"B\":17,\"growths\":17}},"
         "\"config\":{\"name\":\"mini\"}%s}}\n", extra);
  fflush(stdout);
}

static void progress(const char *phase, double done, const char *what) {
  printf("{\"type\":\"progress\",\"phase\":\"%s\",\"done\":%g,\"what\":\"%s\"}\n", phase, done,
         what);
  fflush(stdout);
}

static int mode_ok(void) {
  print_result(",\"violations\":[]");
  return 0;
}

static int mode_crash(void) {
  struct rlimit none = {0, 0};
  setrlimit(RLIMIT_CORE, &none);
  fprintf(stderr, "first words\n\033[2Jlast words\n");
  signal(SIGSEGV, SIG_DFL);
  raise(SIGSEGV);
  return 0;
}

static int mode_hang(void) {
  while (pause() < 0) continue;
  return 0;
}

static int mode_deaf(void) {
  signal(SIGTERM, SIG_IGN);
  progress("run", 0.75, "deaf");
  while (pause() < 0) continue;
  return 0;
}

static int mode_garbage(void) {
  printf("hello, \033[31mworld\n");
  fflush(stdout);
  return mode_hang();
}

static int mode_noresult(void) { return 0; }

static int mode_bigline(void) {
  static char block[1 << 16];
  memset(block, 'x', sizeof block);
  for (int i = 0; i < 128; i++) fwrite(block, 1, sizeof block, stdout);
  return mode_hang();
}

static int mode_oom(void) {
  for (int i = 0; i < 48; i++) {
    char *block = malloc(8 << 20);
    if (block != NULL) memset(block, i + 1, 8 << 20);
    __asm__ volatile("" : : "r"(block) : "memory"); /* or a compiler drops both */
    usleep(5000);
  }
  return mode_hang();
}

static int mode_partial(void) {
  fprintf(stderr, "gave up\n");
  print_result(",\"partial\":true,"
               "\"violations\":[{\"kind\":\"memory_cap\",\"text\":\"heap full\"}]");
  return 3;
}

static int mode_violation(void) {
  print_result(",\"violations\":[{\"kind\":\"fatal\",\"text\":\"concurrent map writes\"}]");
  return 1;
}

static int mode_refused(void) {
  fprintf(stderr, "this scenario needs threads\n");
  return 2;
}

static int mode_status(void) {
  print_result(",\"violations\":[]");
  return 7;
}

static int mode_schema(void) {
  printf("{\"type\":\"result\",\"result\":{\"schema\":\"tricolor.result/9\"}}\n");
  return 0;
}

static int mode_twice(void) {
  print_result("");
  print_result("");
  return 0;
}

/* Goes on when there is a file called "go". */
static int mode_wait(void) {
  progress("run", 0.6, "waiting");
  while (access("go", F_OK) != 0) usleep(5000);
  return mode_ok();
}

static int mode_gctrace(void) {
  printf("{\"type\":\"gctrace\",\"line\":\"gc 1 @0.001s 2%%: 0.1+0.2+0.3 ms clock\"}\n");
  return mode_ok();
}

/* ---- searches ---- */

/* The value of a key of text in the scenario, up to its closing quote; "": none. */
static const char *text_in(const char *key) {
  static char value[256];
  const char *at = strstr(input, key);
  snprintf(value, sizeof value, "%s", at != NULL ? at + strlen(key) : "");
  value[strcspn(value, "\"")] = '\0';
  return value;
}

static FILE *open_document(void) {
  const char *path = getenv("FAKE_DOCUMENT");
  char file[512];
  FILE *f = NULL;
  if (strstr(path, ".json") != NULL) return fopen(path, "r");
  const char *name = text_in("\"name\":\"");
  bool is_twin = strstr(input, "\"expect_violation\"") == NULL;
  snprintf(file, sizeof file, "%s/%s-twin.json", path, name);
  if (is_twin) f = fopen(file, "r");
  snprintf(file, sizeof file, "%s/%s.json", path, name);
  return f != NULL ? f : fopen(file, "r");
}

/* Writes the document as a line of that type. */
static int print_document_as(const char *type) {
  FILE *f = open_document();
  int c = 0;
  if (f == NULL) return 97;
  printf("{\"type\":\"%s\",\"result\":", type);
  while ((c = getc(f)) != EOF) putchar(c == '\n' ? ' ' : c);
  printf("}\n");
  fclose(f);
  fflush(stdout);
  return 0;
}

static int print_document(void) { return print_document_as("result"); }

static int mode_dies_in_search(void) {
  progress("explore", 0.25, "searching, hunt: 12345 schedules");
  print_document_as("so-far");
  raise(SIGKILL);
  return 0;
}

static int mode_search(void) {
  progress("explore", 0.25, "bound 1: 12,345 schedules");
  return print_document();
}

/* Until it is told to end. */
static int mode_endless_search(void) {
  sigset_t set;
  int signal_number = 0;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigprocmask(SIG_BLOCK, &set, NULL);
  progress("explore", 0.25, "bound 1: 12,345 schedules");
  FILE *f = fopen("started", "w");
  if (f != NULL) fputs("now\n", f);
  if (f != NULL) fclose(f);
  sigwait(&set, &signal_number);
  return print_document();
}

static int mode_quits_early(void) { return mode_ok(); } /* before reading its input */

static const struct { const char *name; int (*act)(void); } modes[] = {
  {"ok", mode_ok}, {"crash", mode_crash}, {"hang", mode_hang}, {"deaf", mode_deaf},
  {"garbage", mode_garbage}, {"noresult", mode_noresult}, {"bigline", mode_bigline},
  {"oom", mode_oom}, {"partial", mode_partial}, {"violation", mode_violation},
  {"refused", mode_refused}, {"status", mode_status}, {"schema", mode_schema},
  {"twice", mode_twice}, {"wait", mode_wait}, {"gctrace", mode_gctrace},
  {"quits-early", mode_quits_early}, {"search", mode_search},
  {"dies-in-search", mode_dies_in_search},
  {"endless-search", mode_endless_search},
};

static void read_arguments(int argc, char **argv) {
  static char name[256];
  const char *slash = strrchr(argv[0], '/');
  snprintf(name, sizeof name, "%s", slash != NULL ? slash + 1 : argv[0]);
  char *dash = strrchr(name, '-'), *first = strchr(name, '-');
  if (dash == NULL || first == dash) exit(99);
  *dash = '\0';
  collector = dash + 1;
  engine = first + 1;
  for (int i = 1; i + 1 < argc; i++) {
    if (strcmp(argv[i], "--run") == 0) run_label = argv[i + 1];
    bool is_file = strcmp(argv[i], "--events") == 0 || strcmp(argv[i], "--trace") == 0;
    if (is_file) events_path = argv[i + 1];
  }
  const char *words = getenv("FAKE_WORDS");
  FILE *f = words != NULL ? fopen(words, "a") : NULL;
  for (int i = 1; f != NULL && i < argc; i++) fprintf(f, "%s%s", argv[i], argv[i + 1] ? " " : "\n");
  if (f != NULL) fclose(f);
  run_number = atoi(run_label);
}

static const char *wanted_mode(void) {
  char name[64];
  snprintf(name, sizeof name, "FAKE_MODE_%s", collector);
  const char *mode = getenv(name);
  if (mode == NULL) mode = getenv("FAKE_MODE");
  if (mode == NULL || run_number < env_number("FAKE_FROM", 1)) return "ok";
  return mode;
}

static void write_files(void) {
  const char *log = getenv("FAKE_LOG");
  FILE *f = log != NULL ? fopen(log, "a") : NULL;
  if (f != NULL) {
    fprintf(f, "%s %s %d\n", collector, run_label, (int)getpid());
    fclose(f);
  }
  f = events_path != NULL ? fopen(events_path, "w") : NULL;
  if (f != NULL) {
    fprintf(f, "events of %s\n", collector);
    fclose(f);
  }
}

int main(int argc, char **argv) {
  read_arguments(argc, argv);
  const char *mode = wanted_mode();
  size_t bytes = 0, n = 0;
  while (strcmp(mode, "quits-early") != 0 &&
         (n = fread(input + bytes, 1, sizeof input - 1 - bytes, stdin)) > 0) {
    bytes += n;
  }
  const char *copy = getenv("FAKE_INPUT");
  FILE *f = copy != NULL ? fopen(copy, "w") : NULL;
  if (f != NULL) fputs(input, f);
  if (f != NULL) fclose(f);
  progress("setup", 0, "reading the scenario");
  progress("run", 0.5, "goroutine g: alloc");
  write_files();
  for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
    if (strcmp(modes[i].name, mode) == 0) return modes[i].act();
  }
  fprintf(stderr, "fake_engine: no mode %s (%zu bytes read)\n", mode, bytes);
  return 99;
}

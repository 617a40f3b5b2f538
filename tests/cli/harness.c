#include "tests/cli/harness.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "sims/cli_metric.h"
#include "sims/memory.h"

enum { PATIENCE_S = 60, WORDS_MAX = 64 };

const char *tricolor_path;
static char directory[PATH_MAX];
static struct outcome last;

static void must(bool holds, const char *what) {
  if (holds) return;
  fprintf(stderr, "harness: %s: %s\n", what, strerror(errno));
  exit(99);
}

void write_file(const char *path, const char *text) {
  FILE *f = fopen(path, "w");
  must(f != NULL, path);
  fputs(text, f);
  must(fclose(f) == 0, path);
}

char *read_to_end(int fd) {
  size_t used = 0, room = 4096;
  char *text = sim_alloc(room);
  ssize_t n = 0;
  while ((n = read(fd, text + used, room - used - 1)) > 0) {
    used += (size_t)n;
    if (used + 1 == room) text = sim_resize(text, room *= 2);
  }
  text[used] = '\0';
  return text;
}

char *read_file(const char *path) {
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return NULL;
  char *text = read_to_end(fd);
  close(fd);
  return text;
}

int count_files(const char *text) {
  DIR *d = opendir(".");
  int count = 0;
  must(d != NULL, "opendir");
  for (const struct dirent *e = NULL; (e = readdir(d)) != NULL;) {
    count += strstr(e->d_name, text) != NULL;
  }
  closedir(d);
  return count;
}

static void nap(void) { nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL); }

void wait_for_lines(const char *path, int lines) {
  time_t end = time(NULL) + PATIENCE_S;
  while (time(NULL) < end) {
    char *text = read_file(path);
    int found = 0;
    for (const char *p = text; p != NULL && (p = strchr(p, '\n')) != NULL; p++) found++;
    free(text);
    if (found >= lines) return;
    nap();
  }
  fail_msg("%s did not get %d lines", path, lines);
}

void check_contains(const char *text, const char *part, bool wanted, const char *file, int line) {
  if ((strstr(text, part) != NULL) == wanted) return;
  fprintf(stderr, "---- %s \"%s\" in:\n%s----\n", wanted ? "no" : "unwanted", part, text);
  _fail(file, line);
}

/* ---- the directory ---- */

void harness_open(int argc, char **argv) {
  static const char *const engines[] = {"native-concurrent", "native-boehm", "native-none",
                                        "model-concurrent"};
  must(argc >= 3, "usage: TEST TRICOLOR FAKE_ENGINE");
  tricolor_path = realpath(argv[1], NULL);
  char *fake = realpath(argv[2], NULL);
  must(tricolor_path != NULL && fake != NULL, "realpath");
  const char *base = getenv("TMPDIR");
  snprintf(directory, sizeof directory, "%s/tricolor-cli-XXXXXX", base != NULL ? base : "/tmp");
  must(mkdtemp(directory) != NULL && chdir(directory) == 0, "mkdtemp");
  must(mkdir("libexec", 0755) == 0 && mkdir("empty", 0755) == 0 && mkdir("configs", 0755) == 0,
       "mkdir");
  for (size_t i = 0; i < sizeof engines / sizeof engines[0]; i++) {
    char name[64];
    snprintf(name, sizeof name, "libexec/tricolor-%s", engines[i]);
    must(symlink(fake, name) == 0, name);
  }
  free(fake);
  static const char scenario[] =
    "{\"name\": \"mini\", \"description\": \"Ten small objects.\",\n"
    " \"maps\": {\"m\": {\"key\": \"u64\"}},\n"
    " \"goroutines\": [{\"name\": \"g\", \"body\": [\n"
    "   {\"op\": \"map.put\", \"map\": \"m\", \"count\": 10}]}]}\n";
  write_file("mini.json", scenario);
  write_file("configs/shipped.json", scenario);
  write_file("configs/scenario.schema.json", "{}");
  setenv("TRICOLOR_LIBEXEC", "libexec", 1);
  setenv("TRICOLOR_CONFIGS", "configs", 1);
  setenv("TERM", "xterm", 1);
  unsetenv("NO_COLOR");
}

static void free_last(void) {
  free(last.out);
  free(last.err);
  last = (struct outcome){.status = 0};
}

void harness_close(void) {
  char command[PATH_MAX + 16];
  free_last();
  free((char *)(uintptr_t)tricolor_path);
  snprintf(command, sizeof command, "rm -rf '%s'", directory);
  must(chdir("/") == 0 && system(command) == 0, "rm");
}

/* ---- running ---- */

/* Cuts text at spaces, in place; the count. */
static int split(char *text, char **words, int room) {
  int n = 0;
  for (char *word = strtok(text, " "); word != NULL && n < room; word = strtok(NULL, " ")) {
    words[n++] = word;
  }
  words[n] = NULL;
  return n;
}

static void become_cli(const char *env, const char *words, int in, struct streams streams) {
  char *argv[WORDS_MAX + 2], *settings[WORDS_MAX + 1];
  argv[0] = (char *)(uintptr_t)"tricolor";
  split(sim_strdup(words), argv + 1, WORDS_MAX);
  int count = split(sim_strdup(env), settings, WORDS_MAX);
  for (int i = 0; i < count; i++) putenv(settings[i]);
  dup2(in, 0);
  dup2(streams.out, 1);
  dup2(streams.err, 2);
  execv(tricolor_path, argv);
  _exit(98);
}

static pid_t start_with_input(const char *env, const char *words, int in, struct streams streams) {
  pid_t pid = fork();
  must(pid >= 0, "fork");
  if (pid == 0) become_cli(env, words, in, streams);
  return pid;
}

pid_t cli_start(const char *env, const char *words, struct streams streams) {
  int in = open("/dev/null", O_RDONLY | O_CLOEXEC);
  pid_t pid = start_with_input(env, words, in, streams);
  close(in);
  return pid;
}

int cli_wait(pid_t pid) {
  time_t end = time(NULL) + PATIENCE_S;
  int status = 0;
  while (waitpid(pid, &status, WNOHANG) == 0) {
    if (time(NULL) > end) {
      kill(pid, SIGKILL);
      waitpid(pid, &status, 0);
      fail_msg("tricolor did not end within %d s", PATIENCE_S);
    }
    nap();
  }
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

/* Streams go to files rather than pipes: nothing to drain while waiting. */
const struct outcome *cli_input(const char *env, const char *words, const char *input) {
  write_file("stream.in", input);
  int in = open("stream.in", O_RDONLY | O_CLOEXEC);
  struct streams streams = {open("stream.out", O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600),
                            open("stream.err", O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600)};
  must(in >= 0 && streams.out >= 0 && streams.err >= 0, "streams");
  pid_t pid = start_with_input(env, words, in, streams);
  close(in);
  close(streams.out);
  close(streams.err);
  free_last();
  last.status = cli_wait(pid);
  last.out = read_file("stream.out");
  last.err = read_file("stream.err");
  return &last;
}

const struct outcome *cli(const char *env, const char *words) {
  return cli_input(env, words, "");
}

/* ---- documents ---- */

const cJSON *item_at(const cJSON *doc, const char *path) {
  const cJSON *item = sim_metric_find(doc, path);
  if (item == NULL) fail_msg("nothing at %s", path);
  return item;
}

double number_at(const cJSON *doc, const char *path) {
  const cJSON *item = item_at(doc, path);
  if (!cJSON_IsNumber(item)) fail_msg("no number at %s", path);
  return item->valuedouble;
}

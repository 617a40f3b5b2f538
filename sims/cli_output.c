#include "sims/cli_output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sims/json_print.h"
#include "sims/memory.h"
#include "sims/protocol.h"

enum { PROBE_BYTES = 64 << 10 /* room a result needs, reserved before anything runs */ };

static char *cannot(const char *path, const char *why) {
  return sim_printf("%s: cannot be written: %s", path, why);
}

static char *write_all(int fd, const char *text, size_t bytes) {
  while (bytes > 0) {
    ssize_t n = write(fd, text, bytes);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return strerror(errno);
    text += n;
    bytes -= (size_t)n;
  }
  return NULL;
}

static bool is_same_file(const char *a, const char *b) {
  struct stat sa, sb;
  return stat(a, &sa) == 0 && stat(b, &sb) == 0 && sa.st_dev == sb.st_dev &&
         sa.st_ino == sb.st_ino && S_ISREG(sa.st_mode);
}

/* A full device says so at the first byte: white space before JSON changes nothing. */
static char *probe_device(int fd) {
  struct stat st;
  if (fstat(fd, &st) != 0 || !S_ISCHR(st.st_mode) || isatty(fd) == 1) return NULL;
  return write_all(fd, "\n", 1);
}

static char *open_direct(struct sim_output *o, int fd) {
  const char *why = fd < 0 ? strerror(errno) : probe_device(fd);
  o->fd = fd;
  return why != NULL ? cannot(o->path, why) : NULL;
}

/* Creates the temporary file beside the target, with the mode the final file is to have. */
static char *open_temporary(struct sim_output *o, mode_t mode) {
  o->temporary = sim_printf("%s.tmp.XXXXXX", o->target);
  o->fd = mkostemp(o->temporary, O_CLOEXEC);
  if (o->fd < 0) {
    char *message = cannot(o->path, strerror(errno));
    free(o->temporary);
    o->temporary = NULL;
    return message;
  }
  fchmod(o->fd, mode);
  int err = posix_fallocate(o->fd, 0, PROBE_BYTES);
  if (err == ENOSPC || err == EDQUOT || err == EFBIG) return cannot(o->path, strerror(err));
  return ftruncate(o->fd, 0) != 0 ? cannot(o->path, strerror(errno)) : NULL;
}

static mode_t default_mode(void) {
  mode_t mask = umask(0);
  umask(mask);
  return 0666 & ~mask;
}

static char *open_file(struct sim_output *o) {
  struct stat st;
  if (stat(o->path, &st) != 0) {
    if (o->path[0] == '\0') return sim_strdup("an empty name cannot be written");
    o->target = sim_strdup(o->path);
    return open_temporary(o, default_mode());
  }
  if (S_ISDIR(st.st_mode)) return cannot(o->path, "it is a directory");
  if (!S_ISREG(st.st_mode)) return open_direct(o, open(o->path, O_WRONLY | O_CLOEXEC));
  if (access(o->path, W_OK) != 0) return cannot(o->path, strerror(errno));
  o->target = realpath(o->path, NULL);
  if (o->target == NULL) return cannot(o->path, strerror(errno));
  return open_temporary(o, st.st_mode & 07777);
}

char *sim_output_open(struct sim_output *o, const char *path, const char *const *avoid) {
  memset(o, 0, sizeof *o);
  o->fd = -1;
  o->path = sim_strdup(path);
  char *message = NULL;
  for (; avoid != NULL && *avoid != NULL && message == NULL; avoid++) {
    if (is_same_file(path, *avoid)) message = cannot(path, "it is a file this command reads");
  }
  if (message == NULL && strcmp(path, "-") == 0) {
    message = open_direct(o, fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3));
  } else if (message == NULL) {
    message = open_file(o);
  }
  if (message != NULL) sim_output_drop(o);
  return message;
}

static char *put_in_place(struct sim_output *o, const char *suffix) {
  char *name = sim_printf("%s%s", o->target, suffix);
  char *message = rename(o->temporary, name) != 0 ? cannot(name, strerror(errno)) : NULL;
  free(name);
  if (message != NULL) return message;
  free(o->temporary);
  o->temporary = NULL;
  return NULL;
}

char *sim_output_write(struct sim_output *o, const cJSON *doc) {
  char *text = sim_json_print(doc);
  const char *why = write_all(o->fd, text, strlen(text));
  bool is_reader_gone = why != NULL && o->target == NULL && errno == EPIPE;
  free(text);
  if (is_reader_gone) return NULL;
  if (why == NULL && o->target != NULL && fsync(o->fd) != 0) why = strerror(errno);
  if (why != NULL) return cannot(o->path, why);
  return o->target != NULL ? put_in_place(o, "") : NULL;
}

char *sim_output_keep(struct sim_output *o, const char *suffix) {
  return o->temporary != NULL ? put_in_place(o, suffix) : NULL;
}

bool sim_output_begin(struct sim_output *o, const char *path, const char *file) {
  const char *const avoid[] = {file, NULL};
  char *message = path != NULL ? sim_output_open(o, path, avoid) : NULL;
  if (message == NULL) return true;
  fprintf(stderr, "tricolor: %s; nothing was run\n", message);
  free(message);
  return false;
}

int sim_output_status(char *message) {
  if (message == NULL) return TRI_EXIT_OK;
  fprintf(stderr, "tricolor: %s\n", message);
  free(message);
  return TRI_EXIT_ENGINE;
}

void sim_output_drop(struct sim_output *o) {
  if (o->path == NULL) return;
  if (o->fd >= 0) close(o->fd);
  if (o->temporary != NULL) unlink(o->temporary);
  free(o->temporary);
  free(o->target);
  free(o->path);
  memset(o, 0, sizeof *o);
  o->fd = -1;
}

bool sim_flush_stdout(void) {
  if (fflush(stdout) == 0 && !ferror(stdout)) return true;
  if (errno == EPIPE) return true;
  fprintf(stderr, "tricolor: standard output cannot be written: %s\n", strerror(errno));
  return false;
}

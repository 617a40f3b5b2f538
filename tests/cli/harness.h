/* Runs the real `tricolor` program against fake engines in a directory of its own. */
#ifndef TESTS_CLI_HARNESS_H
#define TESTS_CLI_HARNESS_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

#include "tests/support/test.h"

/* argv: TRICOLOR FAKE_ENGINE [TMPDIR]. Makes a directory, changes into it, fills it with libexec/
 * (fake engines), configs/ (one scenario, "shipped") and mini.json. */
void harness_open(int argc, char **argv);
void harness_close(void);

struct outcome {
  int status;  /* exit status; 128 + signal when killed by one */
  char *out, *err;
};

/* Words are separated by single spaces; env is "NAME=value NAME=value" or "". Standard input is
 * empty. Waits up to a minute. The result of the last call is freed by the next. */
const struct outcome *cli(const char *env, const char *words);
/* The same with text on standard input. */
const struct outcome *cli_input(const char *env, const char *words, const char *input);

/* Where the standard streams of a program go. */
struct streams { int out, err; };
pid_t cli_start(const char *env, const char *words, struct streams streams);
/* Exit status as in struct outcome; fails the test after a minute. */
int cli_wait(pid_t pid);

/* Reads fd until its end (or EIO of a terminal); the caller frees. */
char *read_to_end(int fd);
/* The text of a file, NULL when there is none; the caller frees. */
char *read_file(const char *path);
void write_file(const char *path, const char *text);
/* Names in the current directory that contain text. */
int count_files(const char *text);
/* Waits until a file exists and holds at least lines lines. */
void wait_for_lines(const char *path, int lines);

/* Like assert_true(strstr(...)), but shows both. */
#define assert_contains(text, part) check_contains(text, part, true, __FILE__, __LINE__)
#define assert_lacks(text, part) check_contains(text, part, false, __FILE__, __LINE__)
void check_contains(const char *text, const char *part, bool wanted, const char *file, int line);

/* A number in a document by dotted path; fails the test when it is not there. */
double number_at(const cJSON *doc, const char *path);
const cJSON *item_at(const cJSON *doc, const char *path);

extern const char *tricolor_path; /* absolute */

#endif

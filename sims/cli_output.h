/* Files the program writes: complete or not at all.
 *
 * A regular file is written under a temporary name beside the final one and renamed when it is
 * complete; it is created before anything runs, so that what cannot be written is found out first.
 * A device or pipe is opened and written directly. */
#ifndef SIMS_CLI_OUTPUT_H
#define SIMS_CLI_OUTPUT_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdio.h>

struct sim_output {
  char *path;      /* as given */
  char *target;    /* final name, symbolic links followed; NULL: written directly */
  char *temporary; /* name until then */
  int fd;          /* -1: none */
};

/* Opens the output for path ("-": standard output). NULL, or the reason in a fresh string; then
 * nothing is left behind. avoid: files that must not be overwritten (the scenario), NULL-ended, or
 * NULL. */
char *sim_output_open(struct sim_output *o, const char *path, const char *const *avoid);
/* The same for a command that has run nothing yet: the reason goes to stderr, and false. path NULL:
 * there is no such output. file: the scenario's. */
bool sim_output_begin(struct sim_output *o, const char *path, const char *file);
/* Writes the document, human-readable, with a newline at its end, and puts the file in its place.
 * The same contract for the answer. */
char *sim_output_write(struct sim_output *o, const cJSON *doc);
/* The file was written by somebody else under its temporary name: put it in its place, under
 * its name followed by suffix. */
char *sim_output_keep(struct sim_output *o, const char *suffix);
/* The exit status for the answer of one of the last two, which goes to stderr and is freed. */
int sim_output_status(char *message);
/* Closes and frees; an output that was not written disappears. Harmless on a zeroed one. */
void sim_output_drop(struct sim_output *o);

/* Flushes standard output; false: something of it was lost, a message is on stderr. A reader that
 * went away early (head) loses nothing it wanted. */
bool sim_flush_stdout(void);

#endif

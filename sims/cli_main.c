/* The tricolor program: finds the command and runs it. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "sims/cli.h"
#include "sims/cli_output.h"
#include "sims/protocol.h"
#include "sims/table.h"

/* A standard stream that is closed would let the next file opened take its number, and what is
 * meant for people end up in that file. Opened the wrong way round, so that use still fails. */
static void fill_standard_streams(void) {
  for (int fd = 0; fd <= 2; fd++) {
    if (fcntl(fd, F_GETFD) >= 0) continue;
    int opened = open("/dev/null", fd == 0 ? O_WRONLY : O_RDONLY);
    if (opened != fd) _Exit(TRI_EXIT_INPUT);
  }
}

static int complain_command(const char *word) {
  const char *suggestion = NULL;
  char clean[81];
  sim_command_find(word[0] == '-' ? word + strspn(word, "-") : word, &suggestion);
  fprintf(stderr, "tricolor: no %s \"%s\"", word[0] == '-' ? "option" : "command",
          sim_text_clean(word, clean, sizeof clean));
  if (suggestion != NULL) fprintf(stderr, "; did you mean tricolor %s?", suggestion);
  fprintf(stderr, "\n(see: tricolor help)\n");
  return TRI_EXIT_INPUT;
}

static int run_command(struct sim_cli *cli, const struct sim_command *command, int argc,
                       char **argv) {
  struct sim_options o;
  int status = TRI_EXIT_INPUT;
  if (sim_options_parse(command, argc, argv, &o)) {
    if (o.help) {
      sim_print_help(command, stdout, cli->color_out);
      status = TRI_EXIT_OK;
    } else {
      status = command->run(cli, &o);
    }
  }
  sim_options_free(&o);
  return status;
}

static int dispatch(struct sim_cli *cli, int argc, char **argv) {
  const char *suggestion = NULL;
  if (argc < 2) {
    sim_print_overview(stderr, cli->color_err);
    return TRI_EXIT_INPUT;
  }
  if (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "-V") == 0) {
    printf("tricolor %s\n", TRICOLOR_VERSION);
    return TRI_EXIT_OK;
  }
  if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
    sim_print_overview(stdout, cli->color_out);
    return TRI_EXIT_OK;
  }
  const struct sim_command *command = sim_command_find(argv[1], &suggestion);
  if (command == NULL) return complain_command(argv[1]);
  return run_command(cli, command, argc - 2, argv + 2);
}

int main(int argc, char **argv) {
  static char buffer[1 << 16]; /* so that a lost write is noticed where errno is looked at */
  struct sim_cli cli;
  fill_standard_streams();
  setvbuf(stdout, buffer, _IOFBF, sizeof buffer);
  cli.color_out = sim_color_wanted(stdout);
  cli.color_err = sim_color_wanted(stderr);
  sim_supervisor_open(&cli.supervisor);
  int status = dispatch(&cli, argc, argv);
  if (!sim_flush_stdout() && status == TRI_EXIT_OK) status = TRI_EXIT_ENGINE;
  sim_supervisor_close(&cli.supervisor);
  return status;
}

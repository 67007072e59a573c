/* SPDX-License-Identifier: Apache-2.0 */
/* What all subcommands do alike: take their flags, explain themselves, print a text. */
#ifndef HX_CLI_COMMAND_H
#define HX_CLI_COMMAND_H

#include "base/strbuf.h"
#include "cli/flags.h"

struct hx_command {
    const struct hx_flag *flags;
    size_t is_help;   /* offset of the bool in the options that --help sets */
    const char *help; /* what stands before the flags */
    /* arguments: those that are no flags, n of them and then NULL. Returns the exit code. */
    int (*run)(const void *options, char *const *arguments, size_t n);
};

/* Runs the command with what argv says, or prints its help; options hold the defaults. Returns the
 * exit code. */
int hx_command_run(const struct hx_command *command, int argc, char **argv, void *options);

/* Prints the text to standard output and frees it. Returns the exit code: HX_EXIT_USAGE, with a
 * message, when it cannot be written, or shows that memory was out. */
int hx_cli_print(struct hx_strbuf *text);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The subcommands, one file each. They print and return the exit code: 0 fine, 1 unhealthy or not
 * ready, 2 usage or configuration, or an answer that could not be printed.
 */
#ifndef HX_CLI_CLI_H
#define HX_CLI_CLI_H

#define HX_EXIT_OK        0
#define HX_EXIT_UNHEALTHY 1
#define HX_EXIT_USAGE     2

#define HX_DEFAULT_LISTEN_ADDRESS ":10119"
#define HX_DEFAULT_URL            "http://127.0.0.1" HX_DEFAULT_LISTEN_ADDRESS

/* argv[0] is the subcommand's own name (of the program, for run). */
int hx_cli_run(int argc, char **argv);
int hx_cli_check(int argc, char **argv);
int hx_cli_wait(int argc, char **argv);
int hx_cli_get(int argc, char **argv);
int hx_cli_kinds(int argc, char **argv);

/* Prints "health_exporter: error: ..." to standard error; returns HX_EXIT_USAGE. */
int hx_cli_usage_error(const char *message);

#endif

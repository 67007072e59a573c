/* SPDX-License-Identifier: Apache-2.0 */
/* The configuration of the subcommands that check: a file and NAME=URL arguments. */
#ifndef HX_CLI_CONFIGURE_H
#define HX_CLI_CONFIGURE_H

#include "health_exporter/exporter.h"

/* Takes the file (may be NULL) and the arguments into the exporter, and the secrets out of the
 * arguments. Prints all that is wrong to standard error and returns HX_EXIT_USAGE then, else
 * HX_EXIT_OK. */
int hx_cli_configure(struct hx_exporter *exporter, const char *config_file, char *const *arguments,
                     size_t n);

#endif

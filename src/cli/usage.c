/* SPDX-License-Identifier: Apache-2.0 */
/* How the command line says that it was not understood. */
#include "cli/cli.h"

#include <stdio.h>

int hx_cli_usage_error(const char *message)
{
    fprintf(stderr, "health_exporter: error: %s\n", message);
    return HX_EXIT_USAGE;
}

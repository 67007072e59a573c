/* SPDX-License-Identifier: Apache-2.0 */
/* What is wrong in a file is told compiler style, with its place; what is wrong in an argument has
 * none, and is told by the program's name, as every other error of the command line. */
#include "cli/configure.h"

#include "cli/cli.h"
#include "cli/environment.h"

#include <stdio.h>

int hx_cli_configure(struct hx_exporter *exporter, const char *config_file, char *const *arguments,
                     size_t n)
{
    int code = HX_EXIT_OK;
    if (config_file != NULL && hx_exporter_load(exporter, config_file, NULL) != HX_OK) {
        fputs(hx_exporter_diagnostics(exporter), stderr);
        code = HX_EXIT_USAGE;
    }
    for (size_t i = 0; i < n; i++) {
        if (hx_exporter_add(exporter, arguments[i], NULL) == HX_OK)
            continue;
        fprintf(stderr, "health_exporter: %s", hx_exporter_diagnostics(exporter));
        code = HX_EXIT_USAGE;
    }
    hx_environment_hide_urls(arguments, n);
    return code;
}

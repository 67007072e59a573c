/* SPDX-License-Identifier: Apache-2.0 */
/* The program: picks the subcommand. The only file that ends the process. */
#include "cli/cli.h"
#include "cli/environment.h"

#include <string.h>

static const struct {
    const char *name;
    int (*run)(int argc, char **argv);
} subcommands[] = {
    {"check", hx_cli_check},
    {"wait", hx_cli_wait},
    {"get", hx_cli_get},
    {"kinds", hx_cli_kinds},
};

int main(int argc, char **argv)
{
    hx_environment_prepare();
    for (size_t i = 0; argc > 1 && i < sizeof(subcommands) / sizeof(subcommands[0]); i++) {
        if (strcmp(argv[1], subcommands[i].name) == 0)
            return subcommands[i].run(argc - 1, argv + 1);
    }
    return hx_cli_run(argc, argv);
}

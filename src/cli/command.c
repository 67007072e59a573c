/* SPDX-License-Identifier: Apache-2.0 */
/* Flags, help and output of the subcommands. */
#include "cli/command.h"

#include "cli/cli.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int print_help(const struct hx_command *command)
{
    struct hx_strbuf text;
    hx_strbuf_init(&text);
    hx_strbuf_printf(&text, "%s\nFlags:\n", command->help);
    hx_flags_write(command->flags, &text);
    return hx_cli_print(&text);
}

static int take(const struct hx_command *command, int argc, char **argv, void *options,
                char **arguments)
{
    struct hx_error err = {0};
    size_t n = 0;
    if (hx_flags_parse(command->flags, argc, argv, options, arguments, &n, &err) != HX_OK)
        return hx_cli_usage_error(err.message);
    if (*(const bool *)((const char *)options + command->is_help))
        return print_help(command);
    return command->run(options, arguments, n);
}

int hx_command_run(const struct hx_command *command, int argc, char **argv, void *options)
{
    char **arguments = calloc((size_t)argc + 1, sizeof(char *));
    if (arguments == NULL)
        return hx_cli_usage_error("out of memory");
    int code = take(command, argc, argv, options, arguments);
    free(arguments);
    return code;
}

int hx_cli_usage_error(const char *message)
{
    fprintf(stderr, "health_exporter: error: %s\n", message);
    return HX_EXIT_USAGE;
}

/* A reader that has enough, such as head(1), need not be told. */
static int tell_unwritten(int error)
{
    char message[128];
    if (error == EPIPE)
        return HX_EXIT_USAGE;
    snprintf(message, sizeof(message), "standard output cannot be written: %s",
             strerrordesc_np(error));
    return hx_cli_usage_error(message);
}

int hx_cli_print(struct hx_strbuf *text)
{
    int code = HX_EXIT_OK;
    if (text->is_failed)
        code = hx_cli_usage_error("out of memory");
    else if (fputs(hx_strbuf_text(text), stdout) == EOF || fflush(stdout) != 0)
        code = tell_unwritten(errno);
    hx_strbuf_fini(text);
    return code;
}

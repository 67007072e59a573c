/* SPDX-License-Identifier: Apache-2.0 */
/* health_exporter kinds [NAME]: what can be checked, and by which options, from the tables. */
#include "cli/cli.h"
#include "cli/command.h"

#include "config/describe.h"
#include "kinds/kinds.h"

struct kinds_options {
    bool is_help;
};

static const struct hx_flag kinds_flags[] = {
    {"help", 'h', HX_FLAG_SWITCH, offsetof(struct kinds_options, is_help), NULL,
     "Print this and exit.", NULL},
    {NULL, 0, HX_FLAG_SWITCH, 0, NULL, NULL, NULL},
};

static const char help[] =
    "Explains what can be checked: all kinds, or one with its options; exit code 2 when\n"
    "there is no such kind.\n"
    "\n"
    "usage: health_exporter kinds [NAME]\n"
    "\n"
    "NAME is that of a kind or a URL's scheme: health_exporter kinds postgres\n";

static int run(const void *options, char *const *arguments, size_t n)
{
    struct hx_strbuf text;
    struct hx_error err = {0};
    (void)options;
    hx_strbuf_init(&text);
    if (n > 1)
        return hx_cli_usage_error("kinds: expected at most one name: health_exporter kinds http");
    if (n == 0)
        hx_describe_kinds(hx_kinds, &text);
    else if (hx_describe_kind(hx_kinds, arguments[0], &text, &err) != HX_OK)
        return hx_cli_usage_error(err.message);
    return hx_cli_print(&text);
}

int hx_cli_kinds(int argc, char **argv)
{
    static const struct hx_command command = {kinds_flags, offsetof(struct kinds_options, is_help),
                                              help, run};
    struct kinds_options options = {0};
    return hx_command_run(&command, argc, argv, &options);
}

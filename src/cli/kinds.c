/* SPDX-License-Identifier: Apache-2.0 */
/* health_exporter kinds [NAME]: what can be checked, and by which options, from the tables. */
#include "cli/cli.h"
#include "cli/flags.h"

#include "base/strbuf.h"
#include "config/describe.h"
#include "kinds/kinds.h"

#include <stdio.h>
#include <stdlib.h>

struct kinds_options {
    bool is_help;
};

static const struct hx_flag kinds_flags[] = {
    {"help", 'h', HX_FLAG_SWITCH, offsetof(struct kinds_options, is_help), NULL,
     "Print this and exit.", NULL},
    {NULL, 0, HX_FLAG_SWITCH, 0, NULL, NULL, NULL},
};

static void print_help(void)
{
    printf("Explains what can be checked: all kinds, or one with its options; exit code 2 when\n"
           "there is no such kind.\n"
           "\n"
           "usage: health_exporter kinds [NAME]\n"
           "\n"
           "NAME is that of a kind or a URL's scheme: health_exporter kinds postgres\n"
           "\n"
           "Flags:\n");
    hx_flags_print(kinds_flags);
}

/* name NULL: all of them. */
static int explain(const char *name)
{
    struct hx_strbuf text;
    struct hx_error err = {0};
    int code = HX_EXIT_OK;
    hx_strbuf_init(&text);
    if (name == NULL)
        hx_describe_kinds(hx_kinds, &text);
    else if (hx_describe_kind(hx_kinds, name, &text, &err) != HX_OK)
        code = hx_cli_usage_error(err.message);
    if (text.is_failed)
        code = hx_cli_usage_error("out of memory");
    fputs(hx_strbuf_text(&text), stdout);
    hx_strbuf_fini(&text);
    return code;
}

int hx_cli_kinds(int argc, char **argv)
{
    struct kinds_options options = {0};
    struct hx_error err = {0};
    size_t n = 0;
    char **arguments = calloc((size_t)argc + 1, sizeof(char *));
    if (arguments == NULL)
        return hx_cli_usage_error("out of memory");
    int code = HX_EXIT_OK;
    if (hx_flags_parse(kinds_flags, argc, argv, &options, arguments, &n, &err) != HX_OK)
        code = hx_cli_usage_error(err.message);
    else if (options.is_help)
        print_help();
    else if (n > 1)
        code = hx_cli_usage_error("kinds: expected at most one name: health_exporter kinds http");
    else
        code = explain(arguments[0]);
    free(arguments);
    return code;
}

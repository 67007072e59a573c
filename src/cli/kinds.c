/* SPDX-License-Identifier: Apache-2.0 */
/* health_exporter kinds [NAME]: what can be checked, and by which options, from the tables. */
#include "cli/cli.h"

#include "base/strbuf.h"
#include "config/describe.h"
#include "kinds/kinds.h"

#include <stdio.h>

int hx_cli_kinds(int argc, char **argv)
{
    struct hx_strbuf text;
    struct hx_error err = {0};
    int code = HX_EXIT_OK;
    if (argc > 2)
        return hx_cli_usage_error("kinds: expected at most one name: health_exporter kinds http");
    hx_strbuf_init(&text);
    if (argc == 1)
        hx_describe_kinds(hx_kinds, &text);
    else if (hx_describe_kind(hx_kinds, argv[1], &text, &err) != HX_OK)
        code = hx_cli_usage_error(err.message);
    if (text.is_failed)
        code = hx_cli_usage_error("out of memory");
    fputs(hx_strbuf_text(&text), stdout);
    hx_strbuf_fini(&text);
    return code;
}

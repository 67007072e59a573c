/* SPDX-License-Identifier: Apache-2.0 */
/* health_exporter --config.schema: the JSON Schema of the configuration file, for editors. */
#include "cli/cli.h"

#include "config/schema.h"
#include "kinds/kinds.h"

#include <stdio.h>

int hx_cli_schema(void)
{
    struct hx_strbuf text;
    int code = HX_EXIT_OK;
    hx_strbuf_init(&text);
    hx_config_schema(hx_kinds, &text);
    if (text.is_failed)
        code = hx_cli_usage_error("out of memory");
    else
        fputs(hx_strbuf_text(&text), stdout);
    hx_strbuf_fini(&text);
    return code;
}

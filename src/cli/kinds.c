/* SPDX-License-Identifier: Apache-2.0 */
/* health_exporter kinds [NAME]: what can be checked, and by which options, from the tables. */
#include "cli/cli.h"

#include "base/strbuf.h"
#include "base/units.h"
#include "config/describe.h"
#include "kinds/kinds.h"

#include <stdio.h>
#include <string.h>

#define MAX_KINDS 64

static const struct hx_kind *find(const char *name)
{
    for (size_t i = 0; hx_kinds[i] != NULL; i++) {
        if (strcmp(hx_kinds[i]->name, name) == 0)
            return hx_kinds[i];
    }
    return NULL;
}

static int refuse(const char *name)
{
    const char *names[MAX_KINDS + 1] = {NULL};
    char message[160];
    for (size_t i = 0; hx_kinds[i] != NULL && i < MAX_KINDS; i++)
        names[i] = hx_kinds[i]->name;
    const char *near = hx_suggest(name, names);
    if (near != NULL)
        snprintf(message, sizeof(message), "unknown kind \"%.40s\" (did you mean \"%s\"?)", name,
                 near);
    else
        snprintf(message, sizeof(message),
                 "unknown kind \"%.40s\" (health_exporter kinds lists them)", name);
    return hx_cli_usage_error(message);
}

int hx_cli_kinds(int argc, char **argv)
{
    struct hx_strbuf text;
    if (argc > 2)
        return hx_cli_usage_error("kinds: expected at most one name: health_exporter kinds http");
    const struct hx_kind *kind = argc == 2 ? find(argv[1]) : NULL;
    if (argc == 2 && kind == NULL)
        return refuse(argv[1]);
    hx_strbuf_init(&text);
    if (kind != NULL)
        hx_describe_kind(&text, kind);
    else
        hx_describe_kinds(&text, hx_kinds);
    int code = text.is_failed ? hx_cli_usage_error("out of memory") : HX_EXIT_OK;
    fputs(hx_strbuf_text(&text), stdout);
    hx_strbuf_fini(&text);
    return code;
}

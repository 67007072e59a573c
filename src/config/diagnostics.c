/* SPDX-License-Identifier: Apache-2.0 */
/* What went wrong with a configuration, for people and for programs. */
#include "config/config.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

void hx_diagnostics_init(struct hx_diagnostics *diagnostics)
{
    *diagnostics = (struct hx_diagnostics){0};
    hx_strbuf_init(&diagnostics->text);
}

void hx_diagnostics_fini(struct hx_diagnostics *diagnostics)
{
    for (size_t i = 0; i < diagnostics->n_items; i++) {
        free(diagnostics->items[i].file);
        free(diagnostics->items[i].message);
    }
    free(diagnostics->items);
    hx_strbuf_fini(&diagnostics->text);
    hx_diagnostics_init(diagnostics);
}

static int to_int(size_t value)
{
    return value > INT_MAX ? INT_MAX : (int)value;
}

void hx_diagnostics_add(struct hx_diagnostics *diagnostics, const char *file, size_t line,
                        size_t column, const char *message)
{
    diagnostics->n_errors++;
    struct hx_reload_error *items =
        realloc(diagnostics->items, (diagnostics->n_items + 1) * sizeof *items);
    if (items == NULL) {
        return;
    }
    diagnostics->items = items;
    struct hx_reload_error item = {.line = to_int(line), .column = to_int(column)};
    item.file = file == NULL ? NULL : strdup(file);
    item.message = strdup(message);
    if (item.message == NULL || (file != NULL && item.file == NULL)) {
        free(item.file);
        free(item.message);
        return;
    }
    items[diagnostics->n_items++] = item;
}

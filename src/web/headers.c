/* SPDX-License-Identifier: Apache-2.0 */
/* X-Content-Type-Options is not among them: it has one value only, and every reply has that. */
#include "web/headers.h"

#include <string.h>

static const char *const names[] = {
    "Content-Security-Policy",
    "Strict-Transport-Security",
    "X-Frame-Options",
    "X-XSS-Protection",
};

/* The value that is wanted; NULL: none. A blank one is none. */
static const char *find(const struct hx_map *headers, const char *name)
{
    for (size_t i = 0; i < headers->n; i++) {
        if (strcmp(headers->items[i].name, name) == 0)
            return headers->items[i].value[0] != '\0' ? headers->items[i].value : NULL;
    }
    return NULL;
}

bool hx_headers_apply(struct MHD_Response *response, const struct hx_map *headers)
{
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        const char *wanted = find(headers, names[i]);
        const char *present = MHD_get_response_header(response, names[i]);
        if (wanted != NULL && present != NULL && strcmp(wanted, present) == 0)
            continue;
        if (wanted == NULL && present != NULL && strcmp(present, HX_PAGE_POLICY) == 0)
            continue;
        if (present != NULL)
            MHD_del_response_header(response, names[i], present);
        if (wanted != NULL && MHD_add_response_header(response, names[i], wanted) != MHD_YES)
            return false;
    }
    return true;
}

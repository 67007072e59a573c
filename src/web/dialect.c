/* SPDX-License-Identifier: Apache-2.0 */
/* The table of dialects. */
#include "web/dialect.h"

#include "web/reply.h"

#include <string.h>

static const struct {
    const char *name; /* NULL: chosen by ?verbose */
    const char *content_type;
} dialects[HX_N_DIALECTS] = {
    [HX_DIALECT_JSON] = {"json", HX_TYPE_JSON},
    [HX_DIALECT_HEALTH_JSON] = {"health+json", "application/health+json"},
    [HX_DIALECT_SPRING] = {"spring", "application/vnd.spring-boot.actuator.v3+json"},
    [HX_DIALECT_MICROPROFILE] = {"microprofile", HX_TYPE_JSON},
    [HX_DIALECT_KUBERNETES] = {"kubernetes", HX_TYPE_TEXT},
    [HX_DIALECT_KUBERNETES_VERBOSE] = {NULL, HX_TYPE_TEXT},
};

bool hx_dialect_parse(const char *text, enum hx_dialect *dialect)
{
    /* In a query, "+" stands for a blank, and people write it as it is. */
    if (strcmp(text, "health json") == 0)
        text = "health+json";
    for (size_t i = 0; i < HX_N_DIALECTS; i++) {
        if (dialects[i].name != NULL && strcmp(text, dialects[i].name) == 0) {
            *dialect = (enum hx_dialect)i;
            return true;
        }
    }
    return false;
}

const char *hx_dialect_content_type(enum hx_dialect dialect)
{
    return dialects[dialect].content_type;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The end of a dependency, and the form of its name. */
#include "base/option.h"
#include "base/quote.h"
#include "base/url.h"

#include <stdlib.h>
#include <string.h>

#define MAX_NAME 64

/* Paths below /health/ and beside it, and "total", which no label value may be. */
static const char *const RESERVED[] = {
    "live",   "livez",   "ready",   "readyz",  "started", "startup", "startupz", "deep", "detailed",
    "health", "healthz", "metrics", "version", "badge",   "all",     "total",    NULL,
};

void hx_dependency_free(struct hx_dependency *dependency)
{
    if (dependency == NULL) {
        return;
    }
    const struct hx_kind *kind = dependency->kind;
    /* Before the settings go; it finds them as the table set them when prepare has never run. */
    if (kind != NULL && kind->release != NULL && dependency->settings != NULL) {
        kind->release(dependency);
    }
    if (kind != NULL && kind->options != NULL && dependency->settings != NULL) {
        hx_options_fini(kind->options, dependency->settings);
    }
    free(dependency->settings);
    hx_options_fini(hx_policy_options, &dependency->policy);
    hx_url_fini(&dependency->url);
    free(dependency->name);
    free(dependency);
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool has_name_form(const char *name)
{
    size_t len = 0;
    while (is_letter(name[len]) ||
           (len > 0 && (name[len] == '-' || (name[len] >= '0' && name[len] <= '9')))) {
        len++;
    }
    return len > 0 && len <= MAX_NAME && name[len] == '\0';
}

enum hx_errcode hx_dependency_name_check(const char *name, struct hx_error *err)
{
    char quoted[HX_QUOTE_SIZE];
    if (!has_name_form(name)) {
        return hx_error_set(err, HX_ERR_INVALID,
                            "a name begins with a letter or '_' and has up to %d letters, digits, "
                            "'_' and '-', got %s",
                            MAX_NAME, hx_quote(name, quoted));
    }
    for (size_t i = 0; RESERVED[i] != NULL; i++) {
        if (strcmp(RESERVED[i], name) == 0) {
            return hx_error_set(err, HX_ERR_INVALID, "the name %s is reserved, choose another one",
                                hx_quote(name, quoted));
        }
    }
    return HX_OK;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The parameters in a URL's query: name=value, joined by '&', percent-encoded each. */
#include "base/percent.h"
#include "base/quote.h"
#include "base/units.h"
#include "base/url.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct param {
    const char *name;
    size_t name_len;
    const char *value;
    size_t value_len;
};

/* Reads the parameter at *query and moves *query behind it; false at the end. */
static bool next_param(const char **query, struct param *param)
{
    *query += strspn(*query, "&");
    if (**query == '\0') {
        return false;
    }
    size_t len = strcspn(*query, "&");
    const char *equals = memchr(*query, '=', len);
    param->name = *query;
    param->name_len = equals != NULL ? (size_t)(equals - *query) : len;
    param->value = equals != NULL ? equals + 1 : *query + len;
    *query += len;
    param->value_len = (size_t)(*query - param->value);
    return true;
}

enum hx_errcode hx_url_query_get(const struct hx_url *url, const char *name, char **value,
                                 struct hx_error *err)
{
    const char *query = url->query != NULL ? url->query : "";
    struct param param;
    *value = NULL;
    while (*value == NULL && next_param(&query, &param)) {
        char *decoded = hx_percent_decode(param.name, param.name_len);
        bool is_failed = decoded == NULL;
        if (!is_failed && strcmp(decoded, name) == 0) {
            *value = hx_percent_decode(param.value, param.value_len);
            is_failed = *value == NULL;
        }
        free(decoded);
        if (is_failed) {
            return hx_error_set(err, HX_ERR_NOMEM, "out of memory");
        }
    }
    return HX_OK;
}

static enum hx_errcode check_param(const char *name, const char *const *allowed,
                                   struct hx_error *err)
{
    for (const char *const *entry = allowed; *entry != NULL; entry++) {
        if (strcmp(*entry, name) == 0) {
            return HX_OK;
        }
    }
    char quoted[HX_QUOTE_SIZE];
    const char *nearest = hx_suggest(name, allowed);
    if (nearest == NULL) {
        return hx_error_set(err, HX_ERR_INVALID, "unknown parameter %s in the URL",
                            hx_quote(name, quoted));
    }
    return hx_error_set(err, HX_ERR_INVALID,
                        "unknown parameter %s in the URL (did you mean \"%s\"?)",
                        hx_quote(name, quoted), nearest);
}

enum hx_errcode hx_url_query_allow(const struct hx_url *url, const char *const *allowed,
                                   struct hx_error *err)
{
    const char *query = url->query != NULL ? url->query : "";
    struct param param;
    enum hx_errcode code = HX_OK;
    while (code == HX_OK && next_param(&query, &param)) {
        char *name = hx_percent_decode(param.name, param.name_len);
        if (name == NULL) {
            return hx_error_set(err, HX_ERR_NOMEM, "out of memory");
        }
        code = check_param(name, allowed, err);
        free(name);
    }
    return code;
}

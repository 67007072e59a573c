/* SPDX-License-Identifier: Apache-2.0 */
/* The beginning and the end of rules; what TLS needs is made in tls.c. */
#include "web/rules.h"

#include "base/option.h"
#include "web/tls.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COST_AT      4
#define DEFAULT_COST 10U

/* The highest cost in use: an unknown user must not be answered sooner than a known one. */
static unsigned dummy_cost(const struct hx_map *users)
{
    unsigned highest = 0;
    for (size_t i = 0; i < users->n; i++) {
        const char *text = users->items[i].value + COST_AT;
        unsigned cost = (unsigned)(text[0] - '0') * 10 + (unsigned)(text[1] - '0');
        if (cost > highest)
            highest = cost;
    }
    return highest > 0 ? highest % 100 : DEFAULT_COST;
}

static enum hx_errcode make_access(struct hx_access **access, struct hx_error *err)
{
    *access = calloc(1, sizeof(**access));
    if (*access == NULL)
        return hx_error_set(err, HX_ERR_NOMEM, "out of memory");
    enum hx_errcode code = hx_options_default(hx_access_options, *access, err);
    if (code != HX_OK) {
        hx_access_free(*access);
        *access = NULL;
    }
    return code;
}

enum hx_errcode hx_rules_new(struct hx_access *access_take, struct hx_rules **rules,
                             struct hx_error *err)
{
    struct hx_rules *made = calloc(1, sizeof(*made));
    if (made == NULL) {
        hx_access_free(access_take);
        return hx_error_set(err, HX_ERR_NOMEM, "out of memory");
    }
    made->n_refs = 1;
    made->access = access_take;
    enum hx_errcode code = access_take == NULL ? make_access(&made->access, err) : HX_OK;
    if (code == HX_OK) {
        snprintf(made->dummy_hash, sizeof(made->dummy_hash),
                 "$2b$%02u$......................ABCDEFGHIJKLMNOPQRSTUVWXYZabcde",
                 dummy_cost(&made->access->users));
        code = hx_tls_prepare(made, err);
    }
    if (code != HX_OK) {
        hx_rules_unref(made);
        return code;
    }
    *rules = made;
    return HX_OK;
}

struct hx_rules *hx_rules_ref(struct hx_rules *rules)
{
    rules->n_refs++;
    return rules;
}

void hx_rules_unref(struct hx_rules *rules)
{
    if (rules == NULL || --rules->n_refs > 0)
        return;
    hx_tls_release(rules);
    hx_access_free(rules->access);
    free(rules);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* From the arguments to a dialect and a selection, with bounds on both. */
#include "web/query.h"

#include "web/negotiate.h"

#include <stdlib.h>
#include <string.h>

static const struct hx_fault bad_format = {400, HX_DIALECT_EXPECTED};
static const struct hx_fault many_excludes = {400, "at most 64 names can be excluded"};
static const struct hx_fault many_tags = {400, "at most 16 tags can be asked for"};

struct reading {
    struct hx_query *query;
    const struct hx_fault *fault;
    bool has_format, is_verbose;
};

static void take(struct reading *reading, const char **list, size_t *n, size_t max,
                 const char *value, const struct hx_fault *fault)
{
    if (*n < max)
        list[(*n)++] = value;
    else
        reading->fault = fault;
}

static enum MHD_Result on_argument(void *cls, enum MHD_ValueKind kind, const char *key,
                                   const char *value)
{
    (void)kind;
    struct reading *reading = cls;
    struct hx_query *query = reading->query;
    const char *text = value == NULL ? "" : value;
    if (strcmp(key, "format") == 0) {
        reading->has_format = true;
        if (!hx_dialect_parse(text, &query->dialect))
            reading->fault = &bad_format;
    } else if (strcmp(key, "verbose") == 0) {
        reading->is_verbose = true;
    } else if (strcmp(key, "exclude") == 0) {
        take(reading, query->excludes, &query->n_excludes, HX_MAX_EXCLUDES, text, &many_excludes);
    } else if (strcmp(key, "tag") == 0) {
        take(reading, query->tags, &query->n_tags, HX_MAX_TAGS, text, &many_tags);
    }
    return reading->fault == NULL ? MHD_YES : MHD_NO;
}

const struct hx_fault *hx_query_read(const struct hx_exchange *exchange, struct hx_query *query)
{
    struct reading reading = {.query = query};
    *query = (struct hx_query){.dialect = HX_DIALECT_JSON};
    MHD_get_connection_values(exchange->mhd, MHD_GET_ARGUMENT_KIND, on_argument, &reading);
    if (!reading.has_format)
        query->dialect =
            reading.is_verbose
                ? HX_DIALECT_KUBERNETES
                : hx_negotiate_dialect(hx_exchange_field(exchange, MHD_HTTP_HEADER_ACCEPT));
    if (reading.is_verbose && query->dialect == HX_DIALECT_KUBERNETES)
        query->dialect = HX_DIALECT_KUBERNETES_VERBOSE;
    return reading.fault;
}

bool hx_query_is_selective(const struct hx_query *query)
{
    return query->n_excludes > 0 || query->n_tags > 0;
}

/* Does the dependency have one of the tags? Those that it has are marked as found. */
static bool has_tag(const struct hx_dependency *dependency, const struct hx_query *query,
                    bool *is_found)
{
    bool has_any = false;
    for (size_t i = 0; i < dependency->policy.tags.n; i++) {
        for (size_t tag = 0; tag < query->n_tags; tag++) {
            if (strcmp(dependency->policy.tags.items[i], query->tags[tag]) == 0)
                has_any = is_found[tag] = true;
        }
    }
    return has_any;
}

static const char *select_tags(const struct hx_query *query, const struct hx_generation *generation,
                               struct hx_selection *selection)
{
    bool is_found[HX_MAX_TAGS] = {false};
    for (size_t i = 0; query->n_tags > 0 && generation != NULL && i < generation->n; i++)
        selection->is_left_out[i] = !has_tag(generation->records[i]->dependency, query, is_found);
    for (size_t tag = 0; tag < query->n_tags; tag++) {
        if (!is_found[tag])
            return query->tags[tag];
    }
    return NULL;
}

/* Those that are not found come to the front of the list, and are what it holds then. */
static void exclude(struct hx_query *query, const struct hx_generation *generation,
                    struct hx_selection *selection)
{
    size_t n_ignored = 0;
    for (size_t i = 0; i < query->n_excludes; i++) {
        size_t index = generation == NULL || generation->n == 0
                           ? SIZE_MAX
                           : hx_generation_index(generation, query->excludes[i]);
        if (index == SIZE_MAX)
            query->excludes[n_ignored++] = query->excludes[i];
        else
            selection->is_left_out[index] = true;
    }
    selection->ignored = query->excludes;
    selection->n_ignored = n_ignored;
}

enum hx_errcode hx_query_select(struct hx_query *query, const struct hx_generation *generation,
                                struct hx_selection *selection, const char **unknown_tag)
{
    size_t n = generation == NULL ? 0 : generation->n;
    *selection = (struct hx_selection){.is_left_out = calloc(n + 1, sizeof(bool))};
    if (selection->is_left_out == NULL)
        return HX_ERR_NOMEM;
    *unknown_tag = select_tags(query, generation, selection);
    if (*unknown_tag != NULL) {
        hx_selection_fini(selection);
        return HX_ERR_NOTFOUND;
    }
    exclude(query, generation, selection);
    return HX_OK;
}

void hx_selection_fini(struct hx_selection *selection)
{
    free(selection->is_left_out);
    *selection = (struct hx_selection){0};
}

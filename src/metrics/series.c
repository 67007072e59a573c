/* SPDX-License-Identifier: Apache-2.0 */
/* Families and series of the registry: made whole or not at all, and never changed afterwards but
 * for their values. */
#include "metrics/series.h"

#include "metrics/naming.h"

#include <stdlib.h>
#include <string.h>

static void series_free(struct hx_series *series, enum hx_family_type type)
{
    if (series == NULL) {
        return;
    }
    if (type == HX_FAMILY_HISTOGRAM) {
        free(series->as.histogram.cells);
    }
    free(series->labels);
    free(series);
}

/* Takes labels, also when there is no memory for the series. */
static struct hx_series *series_new(const struct hx_series_family *family, char *labels)
{
    struct hx_series *series = calloc(1, sizeof *series);
    if (series == NULL) {
        free(labels);
        return NULL;
    }
    series->labels = labels;
    series->node.key = labels;
    series->node.key_len = strlen(labels);
    if (family->shape.type == HX_FAMILY_HISTOGRAM) {
        series->as.histogram.buckets = family->buckets;
        series->as.histogram.cells = calloc(1, hx_cells_size(family->buckets));
        if (series->as.histogram.cells == NULL) {
            series_free(series, family->shape.type);
            return NULL;
        }
    }
    return series;
}

char *hx_series_labels(const char *const *labels)
{
    size_t n = 0;
    while (labels != NULL && labels[n] != NULL) {
        n += 2;
    }
    const char **sorted = calloc(n + 1, sizeof *sorted);
    if (sorted == NULL) {
        return NULL;
    }
    for (size_t i = 0; i < n; i += 2) {
        size_t at = i;
        while (at > 0 && strcmp(sorted[at - 2], labels[i]) > 0) {
            sorted[at] = sorted[at - 2];
            sorted[at + 1] = sorted[at - 1];
            at -= 2;
        }
        sorted[at] = labels[i];
        sorted[at + 1] = labels[i + 1];
    }
    char *text = hx_labels_format(sorted);
    free(sorted);
    return text;
}

struct hx_series *hx_series_family_take(struct hx_series_family *family, char *labels)
{
    struct hx_table_node *found = hx_table_find(&family->by_labels, labels, strlen(labels));
    if (found != NULL) {
        free(labels);
        return (struct hx_series *)found;
    }
    struct hx_series *series = series_new(family, labels);
    if (series == NULL || !hx_table_reserve(&family->by_labels) ||
        !hx_roll_append(&family->series, series)) {
        series_free(series, family->shape.type);
        return NULL;
    }
    hx_table_insert(&family->by_labels, &series->node);
    return series;
}

void hx_series_family_free(struct hx_series_family *family)
{
    if (family == NULL) {
        return;
    }
    for (size_t i = 0; i < hx_roll_count(&family->series); i++) {
        series_free(hx_roll_item(&family->series, i), family->shape.type);
    }
    hx_roll_fini(&family->series);
    hx_table_fini(&family->by_labels);
    free(family->own_buckets);
    free(family->name);
    free(family->help);
    free(family);
}

/* False when out of memory. */
static bool family_take_buckets(struct hx_series_family *family,
                                const struct hx_series_request *request)
{
    if (family->shape.type != HX_FAMILY_HISTOGRAM) {
        return true;
    }
    family->buckets = &hx_duration_buckets;
    if (request->bounds != NULL) {
        family->own_buckets = hx_buckets_new(request->bounds, request->n_bounds);
        family->buckets = family->own_buckets;
    }
    return family->buckets != NULL;
}

struct hx_series_family *hx_series_family_new(const struct hx_series_request *request)
{
    struct hx_series_family *family = calloc(1, sizeof *family);
    if (family == NULL) {
        return NULL;
    }
    family->shape.type = request->shape.type;
    family->name = strdup(request->shape.name);
    family->help = strdup(request->shape.help);
    family->shape.name = family->name;
    family->shape.help = family->help;
    if (family->name == NULL || family->help == NULL || !family_take_buckets(family, request)) {
        hx_series_family_free(family);
        return NULL;
    }
    family->node.key = family->name;
    family->node.key_len = hx_family_base_len(&family->shape);
    return family;
}

static bool are_bounds_equal(const struct hx_buckets *buckets,
                             const struct hx_series_request *request)
{
    const double *bounds = request->bounds;
    size_t n = request->n_bounds;
    if (bounds == NULL) {
        bounds = hx_duration_buckets.bounds;
        n = hx_duration_buckets.n;
    }
    if (buckets->n != n) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        if (buckets->bounds[i] != bounds[i]) {
            return false;
        }
    }
    return true;
}

enum hx_errcode hx_series_family_match(const struct hx_series_family *family,
                                       const struct hx_series_request *request,
                                       struct hx_error *err)
{
    const char *name = request->shape.name;
    if (family->shape.type != request->shape.type) {
        return hx_error_set(err, HX_ERR_EXISTS, "%s \"%s\" cannot be made: there is a %s \"%s\"",
                            hx_family_type_text(request->shape.type), name,
                            hx_family_type_text(family->shape.type), family->name);
    }
    if (strcmp(family->help, request->shape.help) != 0) {
        return hx_error_set(err, HX_ERR_EXISTS, "\"%s\" has another help already, expected \"%s\"",
                            name, family->help);
    }
    if (family->buckets != NULL && !are_bounds_equal(family->buckets, request)) {
        return hx_error_set(err, HX_ERR_EXISTS,
                            "histogram \"%s\" has other bounds already, expected the same", name);
    }
    return HX_OK;
}

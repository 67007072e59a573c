/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The registry: checks what is asked for, finds or makes it under the lock, and shows it all to a
 * page without the lock. Values are atomics with relaxed order: each is a fact of its own.
 */
#include "metrics/registry.h"

#include "metrics/naming.h"
#include "metrics/native.h"
#include "metrics/series.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct hx_registry {
    pthread_mutex_t lock; /* of the tables, and of appending */
    struct hx_roll families;
    struct hx_table by_name;
};

static struct hx_series_family *add_family(struct hx_registry *registry,
                                           const struct hx_series_request *request)
{
    struct hx_series_family *family = hx_series_family_new(request);
    if (family == NULL || !hx_table_reserve(&registry->by_name) ||
        !hx_roll_append(&registry->families, family)) {
        hx_series_family_free(family);
        return NULL;
    }
    hx_table_insert(&registry->by_name, &family->node);
    return family;
}

/* Under the lock; takes labels. */
static struct hx_series *find_or_add(struct hx_registry *registry,
                                     const struct hx_series_request *request, char *labels,
                                     struct hx_error *err)
{
    struct hx_series_family *family = (struct hx_series_family *)hx_table_find(
        &registry->by_name, request->shape.name, hx_family_base_len(&request->shape));
    if (family != NULL && hx_series_family_match(family, request, err) != HX_OK) {
        free(labels);
        return NULL;
    }
    if (family == NULL) {
        family = add_family(registry, request);
    }
    struct hx_series *series = NULL;
    if (family != NULL) {
        series = hx_series_family_take(family, labels);
    } else {
        free(labels);
    }
    if (series == NULL) {
        hx_error_set(err, HX_ERR_NOMEM, "out of memory");
    }
    return series;
}

static enum hx_errcode check_bounds(const struct hx_series_request *request, struct hx_error *err)
{
    for (size_t i = 0; request->bounds != NULL && i < request->n_bounds; i++) {
        const double *bound = &request->bounds[i];
        if (!isfinite(*bound) || (i > 0 && bound[-1] >= *bound)) {
            return hx_error_set(err, HX_ERR_INVALID,
                                "bound %zu of histogram \"%s\" is not valid, expected finite "
                                "numbers, each above the one before",
                                i + 1, request->shape.name);
        }
    }
    return HX_OK;
}

static struct hx_series *get_series(struct hx_registry *registry,
                                    const struct hx_series_request *request, struct hx_error *err)
{
    if (hx_family_check(&request->shape, err) != HX_OK ||
        hx_labels_check(&request->shape, request->labels, err) != HX_OK ||
        check_bounds(request, err) != HX_OK) {
        return NULL;
    }
    char *labels = hx_series_labels(request->labels);
    if (labels == NULL) {
        hx_error_set(err, HX_ERR_NOMEM, "out of memory");
        return NULL;
    }
    pthread_mutex_lock(&registry->lock);
    struct hx_series *series = find_or_add(registry, request, labels, err);
    pthread_mutex_unlock(&registry->lock);
    return series;
}

static size_t count_families(const void *source)
{
    const struct hx_registry *registry = source;
    return hx_roll_count(&registry->families);
}

static const struct hx_series_family *family_at(const void *source, size_t i)
{
    const struct hx_registry *registry = source;
    return hx_roll_item(&registry->families, i);
}

static const struct hx_family *family_shape(const void *source, size_t family)
{
    return &family_at(source, family)->shape;
}

static size_t count_series(const void *source, size_t family)
{
    return hx_roll_count(&family_at(source, family)->series);
}

static void collect_series(const void *source, size_t family, size_t member, struct hx_samples *out)
{
    const struct hx_series_family *of = family_at(source, family);
    const struct hx_series *series = hx_roll_item(&of->series, member);
    struct hx_labels labels = {series->labels, series->node.key_len};
    switch (of->shape.type) {
    case HX_FAMILY_COUNTER:
        hx_samples_counter(out, labels, HX_NO_LABELS,
                           atomic_load_explicit(&series->as.counter.value, memory_order_relaxed));
        break;
    case HX_FAMILY_GAUGE:
        hx_samples_gauge(out, labels, HX_NO_LABELS,
                         atomic_load_explicit(&series->as.gauge.value, memory_order_relaxed));
        break;
    case HX_FAMILY_HISTOGRAM:
        hx_samples_histogram(out, labels, &series->as.histogram);
        break;
    }
}

struct hx_collector hx_registry_collector(const struct hx_registry *registry)
{
    return (struct hx_collector){
        .source = registry,
        .n_families = count_families,
        .family = family_shape,
        .n_members = count_series,
        .collect = collect_series,
    };
}

struct hx_registry *hx_registry_new(void)
{
    struct hx_registry *registry = calloc(1, sizeof *registry);
    if (registry != NULL && pthread_mutex_init(&registry->lock, NULL) != 0) {
        free(registry);
        return NULL;
    }
    return registry;
}

void hx_registry_free(struct hx_registry *registry)
{
    if (registry == NULL) {
        return;
    }
    for (size_t i = 0; i < hx_roll_count(&registry->families); i++) {
        hx_series_family_free(hx_roll_item(&registry->families, i));
    }
    hx_roll_fini(&registry->families);
    hx_table_fini(&registry->by_name);
    pthread_mutex_destroy(&registry->lock);
    free(registry);
}

struct hx_counter *hx_registry_counter(struct hx_registry *registry, const char *name,
                                       const char *help, const char *const *labels,
                                       struct hx_error *err)
{
    struct hx_series_request request = {.shape = {name, help, HX_FAMILY_COUNTER}, .labels = labels};
    struct hx_series *series = get_series(registry, &request, err);
    return series != NULL ? &series->as.counter : NULL;
}

struct hx_gauge *hx_registry_gauge(struct hx_registry *registry, const char *name, const char *help,
                                   const char *const *labels, struct hx_error *err)
{
    struct hx_series_request request = {.shape = {name, help, HX_FAMILY_GAUGE}, .labels = labels};
    struct hx_series *series = get_series(registry, &request, err);
    return series != NULL ? &series->as.gauge : NULL;
}

struct hx_histogram *hx_registry_histogram(struct hx_registry *registry, const char *name,
                                           const char *help, const char *const *labels,
                                           const double *bounds, size_t n, struct hx_error *err)
{
    struct hx_series_request request = {.shape = {name, help, HX_FAMILY_HISTOGRAM},
                                        .labels = labels,
                                        .bounds = bounds,
                                        .n_bounds = n};
    struct hx_series *series = get_series(registry, &request, err);
    return series != NULL ? &series->as.histogram : NULL;
}

void hx_counter_add(struct hx_counter *counter, uint64_t n)
{
    atomic_fetch_add_explicit(&counter->value, n, memory_order_relaxed);
}

void hx_gauge_set(struct hx_gauge *gauge, double value)
{
    atomic_store_explicit(&gauge->value, value, memory_order_relaxed);
}

void hx_gauge_add(struct hx_gauge *gauge, double delta)
{
    double value = atomic_load_explicit(&gauge->value, memory_order_relaxed);
    while (!atomic_compare_exchange_weak_explicit(&gauge->value, &value, value + delta,
                                                  memory_order_relaxed, memory_order_relaxed)) {
    }
}

void hx_histogram_observe(struct hx_histogram *histogram, double value)
{
    if (histogram->native != NULL) {
        hx_native_observe(histogram->native, histogram->cells, histogram->buckets, value);
    } else {
        hx_cells_observe(histogram->cells, histogram->buckets, value);
    }
}

char *hx_registry_expose(struct hx_registry *registry, enum hx_format format, size_t *len)
{
    struct hx_collector collector = hx_registry_collector(registry);
    struct hx_page page;
    struct hx_strbuf out;
    hx_page_init(&page, format, &collector, 1);
    hx_strbuf_init(&out);
    hx_page_write(&page, &out, SIZE_MAX);
    size_t page_len = out.len;
    char *text = hx_strbuf_take(&out);
    if (text != NULL && len != NULL) {
        *len = page_len;
    }
    return text;
}

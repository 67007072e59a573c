/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside of the registry: a family and its series. A family has a roll of them for pages, which
 * read it without the lock, and a table of the same for whoever asks for one by its labels.
 *
 * What is in a roll stays until the family is freed, and so does every pointer handed out.
 */
#ifndef HX_METRICS_SERIES_H
#define HX_METRICS_SERIES_H

#include "health_exporter/error.h"
#include "metrics/exposition.h"
#include "metrics/roll.h"
#include "metrics/table.h"

struct hx_counter {
    _Atomic uint64_t value;
};

struct hx_gauge {
    _Atomic double value;
};

struct hx_series {
    struct hx_table_node node; /* by the label text */
    char *labels;
    union {
        struct hx_counter counter;
        struct hx_gauge gauge;
        struct hx_histogram histogram;
    } as;
};

struct hx_series_family {
    struct hx_table_node node; /* by the name that OpenMetrics uses */
    struct hx_family shape;
    char *name, *help;
    const struct hx_buckets *buckets; /* of a histogram */
    struct hx_buckets *own_buckets;   /* the same, if they were made for it */
    struct hx_roll series;
    struct hx_table by_labels;
};

/* What a caller asks for. */
struct hx_series_request {
    struct hx_family shape;
    const char *const *labels;
    const double *bounds;
    size_t n_bounds;
};

/* An empty family as it is asked for; NULL when out of memory. Free takes NULL, and ends its
 * series. */
struct hx_series_family *hx_series_family_new(const struct hx_series_request *request);
void hx_series_family_free(struct hx_series_family *family);

/* Whether the family that is there is the one that is asked for. */
enum hx_errcode hx_series_family_match(const struct hx_series_family *family,
                                       const struct hx_series_request *request,
                                       struct hx_error *err) HX_MUST_CHECK;

/* The family's series with that label text, made at 0 if it is not there; NULL when out of memory.
 * Takes labels, also then. One thread at a time. */
struct hx_series *hx_series_family_take(struct hx_series_family *family, char *labels);

/* The label text of a series: escaped, the names in order, so that two orders of the same labels
 * are one series. labels as in a request, valid. Owned by the caller; NULL when out of memory. */
char *hx_series_labels(const char *const *labels);

#endif

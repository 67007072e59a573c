/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Classic histograms with atomic buckets in storage of the caller's (a dependency's record has one
 * inside). There is no separate count: it is the sum of the buckets that a reader saw, so `_count`
 * always equals the `+Inf` bucket, however many threads observe meanwhile.
 */
#ifndef HX_METRICS_HISTOGRAM_H
#define HX_METRICS_HISTOGRAM_H

#include "health_exporter/metrics.h"
#include "metrics/number.h"

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

/* What follows `le="` on a bucket's line, up to the value: `0.005"} `. */
struct hx_le {
    uint8_t len[HX_N_TEXT_FORMATS];
    char text[HX_N_TEXT_FORMATS][HX_NUMBER_SIZE];
};

/* How the sum is kept. */
enum hx_sum {
    /* In billionths, as an integer: nothing is ever rounded away, and it prints by integer
     * arithmetic. Ends at +-9.2e9 and stays there: for durations in seconds. */
    HX_SUM_NANO,
    /* As a double: for values of any size. */
    HX_SUM_DOUBLE
};

/* Upper bounds, rising, and their text; shared by all histograms of a family. */
struct hx_buckets {
    size_t n; /* without +Inf */
    const double *bounds;
    const struct hx_le *le; /* one a bound */
    enum hx_sum sum;
};

/* The bounds of health_check_duration_seconds, in seconds, .001 to 10; the sum in billionths. */
#define HX_DURATION_BOUNDS 13
extern const struct hx_buckets hx_duration_buckets;

/* Buckets over a copy of the bounds, n finite numbers, rising; the sum a double. One block, to be
 * ended with free(); NULL when out of memory. */
struct hx_buckets *hx_buckets_new(const double *bounds, size_t n);

/* The storage of a histogram over n bounds: n + 1 counters. Zeroed memory is an empty histogram. */
struct hx_histogram_cells {
    _Atomic uint64_t sum;      /* the bits of an int64_t or of a double, see enum hx_sum */
    _Atomic uint64_t counts[]; /* not cumulated */
};

struct hx_native;

/* A histogram: what it is over, and what it has counted. */
struct hx_histogram {
    const struct hx_buckets *buckets;
    struct hx_histogram_cells *cells;
    struct hx_native *native; /* the same observations in native buckets; NULL: not kept. Then one
                                 thread at a time observes. */
};

/* The size of the cells in bytes, for calloc(). */
size_t hx_cells_size(const struct hx_buckets *buckets);

/* Any thread. NaN is not counted. */
void hx_cells_observe(struct hx_histogram_cells *cells, const struct hx_buckets *buckets,
                      double value);

/* How many were observed: what _count and the +Inf bucket show. */
uint64_t hx_cells_count(const struct hx_histogram_cells *cells, const struct hx_buckets *buckets);

/* The sum as a double. */
double hx_cells_sum(const struct hx_histogram_cells *cells, const struct hx_buckets *buckets);

#endif

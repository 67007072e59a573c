/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Classic histograms with atomic buckets in storage of the caller's (a dependency's record has one
 * inside). There is no separate count: it is the sum of the buckets that a reader saw, so `_count`
 * always equals the `+Inf` bucket, however many threads observe meanwhile.
 */
#ifndef HX_METRICS_HISTOGRAM_H
#define HX_METRICS_HISTOGRAM_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

/* The bounds of health_check_duration_seconds, in seconds: .001 to 10. */
#define HX_DURATION_BOUNDS   13
extern const double hx_duration_bounds[HX_DURATION_BOUNDS];

/* Upper bounds, and their text as `le` shows it in both formats ("0.005"; OpenMetrics wants a
 * point in whole numbers: "1.0"). Shared by all histograms of a family. */
struct hx_buckets {
    size_t n; /* without +Inf */
    const double *bounds;
};

/* The storage of a histogram over n bounds: n + 1 counters. Zeroed memory is an empty histogram.
 * The sum is kept in billionths, so that it needs no compare-and-swap loop. */
struct hx_histogram_cells {
    _Atomic int64_t sum_nano;
    _Atomic uint64_t counts[]; /* not cumulated */
};

/* Any thread. NaN is not counted. */
void hx_cells_observe(struct hx_histogram_cells *cells, const struct hx_buckets *buckets,
                      double value);

#endif

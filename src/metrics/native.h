/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Native histograms: buckets whose bounds are the powers of 2^(2^-schema), so that nobody chooses
 * them beforehand and a quantile is off by some percent at most, wherever the values lie. They are
 * kept beside a classic histogram, for the same observations.
 *
 * Sources: https://prometheus.io/docs/specs/native_histograms/ and client_golang's histogram.go,
 * whose schema, limit of buckets and zero threshold these are.
 */
#ifndef HX_METRICS_NATIVE_H
#define HX_METRICS_NATIVE_H

#include "metrics/histogram.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* The finest schema: each bound is 2^(1/8), some 9 %, above the one before. */
#define HX_NATIVE_SCHEMA 3
/* Kept in a row without gaps. When values lie further apart, the schema becomes coarser. */
#define HX_NATIVE_BUCKETS 160
/* What is not above this is counted as zero: 2^-128. */
#define HX_NATIVE_ZERO_THRESHOLD 0x1p-128

/* Zeroed memory is not enough: see hx_native_new(). A sequence counter guards it together with the
 * classic cells: odd while an observation is written. */
struct hx_native {
    _Atomic uint64_t sequence;
    _Atomic int32_t schema;
    _Atomic int32_t first; /* the index of counts[0] */
    _Atomic uint64_t zero;
    _Atomic uint64_t counts[HX_NATIVE_BUCKETS];
};

/* Bucket i counts values above base^(i-1) up to base^i, where base is 2^(2^-schema). */
struct hx_native_view {
    int32_t schema;
    int32_t first;
    uint64_t zero;
    uint64_t counts[HX_NATIVE_BUCKETS]; /* of the buckets first, first + 1, ... */
    uint64_t total;                     /* of zero and counts */
};

/* An empty histogram, to be ended with free(); NULL when out of memory. */
struct hx_native *hx_native_new(void);

/* Counts the value in both histograms. One thread at a time. NaN is not counted, and what is
 * negative counts as zero in the native one. */
void hx_native_observe(struct hx_native *native, struct hx_histogram_cells *cells,
                       const struct hx_buckets *buckets, double value);

/* Reading, from any thread: what is read of both between begin and end belongs together if end is
 * true; else it is to be read again.
 *     do {
 *         sequence = hx_native_begin(native);
 *         ... hx_native_read() and the cells ...
 *     } while (!hx_native_end(native, sequence));
 */
uint64_t hx_native_begin(const struct hx_native *native);
bool hx_native_end(const struct hx_native *native, uint64_t sequence);

void hx_native_read(const struct hx_native *native, struct hx_native_view *view);

#endif

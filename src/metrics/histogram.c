/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Observing, and the buckets that histograms share. An observation adds to one counter and to the
 * sum, each atomic on its own: a reader may see one without the other, but never a count that goes
 * back or that differs from the +Inf bucket.
 */
#include "metrics/histogram.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define NANO 1e9

static const double duration_bounds[HX_DURATION_BOUNDS] = {.001, .0025, .005, .01, .025, .05, .1,
                                                           .25,  .5,    1,    2.5, 5,    10};

#define LE_END         "\"} "
#define LE_LEN(number) (sizeof(number LE_END) - 1)
#define LE(plain, openmetrics)                \
    {                                         \
        {LE_LEN(plain), LE_LEN(openmetrics)}, \
        {                                     \
            plain LE_END, openmetrics LE_END  \
        }                                     \
    }

static const struct hx_le duration_le[HX_DURATION_BOUNDS] = {
    LE("0.001", "0.001"), LE("0.0025", "0.0025"), LE("0.005", "0.005"), LE("0.01", "0.01"),
    LE("0.025", "0.025"), LE("0.05", "0.05"),     LE("0.1", "0.1"),     LE("0.25", "0.25"),
    LE("0.5", "0.5"),     LE("1", "1.0"),         LE("2.5", "2.5"),     LE("5", "5.0"),
    LE("10", "10.0"),
};

const struct hx_buckets hx_duration_buckets = {
    .n = HX_DURATION_BOUNDS,
    .bounds = duration_bounds,
    .le = duration_le,
    .sum = HX_SUM_NANO,
};

static void le_init(struct hx_le *le, double bound)
{
    for (int format = 0; format < HX_N_TEXT_FORMATS; format++) {
        char *text = le->text[format];
        char *end = hx_bound_put(text, bound, (enum hx_format)format);
        memcpy(end, LE_END, sizeof LE_END);
        le->len[format] = (uint8_t)(end - text + (ptrdiff_t)strlen(LE_END));
    }
}

struct hx_buckets *hx_buckets_new(const double *bounds, size_t n)
{
    /* One block, so that free() ends it: the struct, the bounds, their texts. */
    struct hx_buckets *buckets =
        malloc(sizeof *buckets + n * (sizeof(double) + sizeof(struct hx_le)));
    if (buckets == NULL) {
        return NULL;
    }
    double *copy = (double *)(buckets + 1);
    struct hx_le *le = (struct hx_le *)(copy + n);
    for (size_t i = 0; i < n; i++) {
        copy[i] = bounds[i];
        le_init(&le[i], bounds[i]);
    }
    *buckets = (struct hx_buckets){.n = n, .bounds = copy, .le = le, .sum = HX_SUM_DOUBLE};
    return buckets;
}

size_t hx_cells_size(const struct hx_buckets *buckets)
{
    return sizeof(struct hx_histogram_cells) + (buckets->n + 1) * sizeof(_Atomic uint64_t);
}

/* The first bucket whose bound is not below the value; n stands for +Inf. */
static size_t find_bucket(const struct hx_buckets *buckets, double value)
{
    size_t low = 0, high = buckets->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (value <= buckets->bounds[middle]) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return low;
}

/* The value in billionths, held within what an int64_t can say. */
static int64_t to_nano(double value)
{
    double nano = value * NANO;
    if (nano >= (double)INT64_MAX) {
        return INT64_MAX;
    }
    if (nano <= (double)INT64_MIN) {
        return INT64_MIN;
    }
    return llrint(nano);
}

static uint64_t add_nano(uint64_t bits, double value)
{
    int64_t nano = to_nano(value), sum;
    if (__builtin_add_overflow((int64_t)bits, nano, &sum)) {
        sum = nano > 0 ? INT64_MAX : INT64_MIN;
    }
    return (uint64_t)sum;
}

static uint64_t add_double(uint64_t bits, double value)
{
    double sum;
    memcpy(&sum, &bits, sizeof sum);
    sum += value;
    memcpy(&bits, &sum, sizeof bits);
    return bits;
}

void hx_cells_observe(struct hx_histogram_cells *cells, const struct hx_buckets *buckets,
                      double value)
{
    if (isnan(value)) {
        return;
    }
    atomic_fetch_add_explicit(&cells->counts[find_bucket(buckets, value)], 1, memory_order_relaxed);
    uint64_t sum = atomic_load_explicit(&cells->sum, memory_order_relaxed), next;
    do {
        next = buckets->sum == HX_SUM_NANO ? add_nano(sum, value) : add_double(sum, value);
    } while (!atomic_compare_exchange_weak_explicit(&cells->sum, &sum, next, memory_order_relaxed,
                                                    memory_order_relaxed));
}

uint64_t hx_cells_count(const struct hx_histogram_cells *cells, const struct hx_buckets *buckets)
{
    uint64_t count = 0;
    for (size_t i = 0; i <= buckets->n; i++) {
        count += atomic_load_explicit(&cells->counts[i], memory_order_relaxed);
    }
    return count;
}

double hx_cells_sum(const struct hx_histogram_cells *cells, const struct hx_buckets *buckets)
{
    uint64_t bits = atomic_load_explicit(&cells->sum, memory_order_relaxed);
    if (buckets->sum == HX_SUM_NANO) {
        return hx_nano_double((int64_t)bits);
    }
    double sum;
    memcpy(&sum, &bits, sizeof sum);
    return sum;
}

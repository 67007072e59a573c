/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Observing and reading native histograms. The buckets are a window over the indexes: a value
 * outside of it moves the window, if all that was counted still fits, or makes the schema coarser,
 * which merges each two buckets into one. Both are rare, and done on a copy.
 *
 * The sequence counter is Boehm's ("Can seqlocks get along with programming language memory
 * models?", 2012): the writer never waits, and a reader that met it reads again.
 */
#include "metrics/native.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>

#define BUCKETS_PER_OCTAVE (1 << HX_NATIVE_SCHEMA)

/* 2^(i/8 - 1), the bounds of schema 3 among the fractions that frexp() gives. */
static const double bounds[BUCKETS_PER_OCTAVE] = {
    0.5,
    0.5452538663326288,
    0.5946035575013605,
    0.6484197773255048,
    0.7071067811865475,
    0.7711054127039704,
    0.8408964152537144,
    0.9170040432046711,
};

/* A copy to change. */
struct window {
    int32_t schema, first;
    uint64_t counts[HX_NATIVE_BUCKETS];
};

/* Bucket i lies in bucket ceil(i / 2) of the next coarser schema. */
static int32_t coarser(int32_t i)
{
    return (i + 1) >> 1;
}

/* The bucket of a positive value: i with base^(i-1) < value <= base^i. */
static int32_t index_of(double value, int32_t schema)
{
    int exponent, i = 0;
    double fraction = frexp(fmin(value, DBL_MAX), &exponent);
    while (i < BUCKETS_PER_OCTAVE && bounds[i] < fraction) {
        i++;
    }
    int32_t index = i + (exponent - 1) * BUCKETS_PER_OCTAVE;
    for (int32_t s = HX_NATIVE_SCHEMA; s > schema; s--) {
        index = coarser(index);
    }
    return index;
}

static void coarsen(struct window *window)
{
    struct window merged = {.schema = window->schema - 1, .first = coarser(window->first)};
    for (int32_t i = 0; i < HX_NATIVE_BUCKETS; i++) {
        merged.counts[coarser(window->first + i) - merged.first] += window->counts[i];
    }
    *window = merged;
}

static void move_to(struct window *window, int32_t first)
{
    struct window moved = {.schema = window->schema, .first = first};
    for (int32_t i = 0; i < HX_NATIVE_BUCKETS; i++) {
        if (window->counts[i] != 0) {
            moved.counts[window->first + i - first] = window->counts[i];
        }
    }
    *window = moved;
}

/* The lowest and the highest bucket in use, the one at index among them. */
static void span_of(const struct window *window, int32_t index, int32_t *low, int32_t *high)
{
    *low = *high = index;
    for (int32_t i = 0; i < HX_NATIVE_BUCKETS; i++) {
        int32_t at = window->first + i;
        if (window->counts[i] == 0) {
            continue;
        }
        *low = at < *low ? at : *low;
        *high = at > *high ? at : *high;
    }
}

/* Changes the window so that it has the bucket index of its schema, and gives the index, which
 * becomes another one with a coarser schema. */
static int32_t make_room(struct window *window, int32_t index)
{
    for (;;) {
        int32_t low, high;
        span_of(window, index, &low, &high);
        int32_t spare = HX_NATIVE_BUCKETS - (high - low + 1);
        if (spare >= 0) {
            move_to(window, low - spare / 2);
            return index;
        }
        coarsen(window);
        index = coarser(index);
    }
}

static uint64_t get(const _Atomic uint64_t *word)
{
    return atomic_load_explicit(word, memory_order_relaxed);
}

/* There is one writer. */
static void add_one(_Atomic uint64_t *word)
{
    atomic_store_explicit(word, get(word) + 1, memory_order_relaxed);
}

/* Gives where in counts the bucket is then. */
static int32_t open_window(struct hx_native *native, int32_t index)
{
    struct window window = {
        .schema = atomic_load_explicit(&native->schema, memory_order_relaxed),
        .first = atomic_load_explicit(&native->first, memory_order_relaxed),
    };
    for (int32_t i = 0; i < HX_NATIVE_BUCKETS; i++) {
        window.counts[i] = get(&native->counts[i]);
    }
    index = make_room(&window, index);
    atomic_store_explicit(&native->schema, window.schema, memory_order_relaxed);
    atomic_store_explicit(&native->first, window.first, memory_order_relaxed);
    for (int32_t i = 0; i < HX_NATIVE_BUCKETS; i++) {
        atomic_store_explicit(&native->counts[i], window.counts[i], memory_order_relaxed);
    }
    return index - window.first;
}

static void count(struct hx_native *native, double value)
{
    if (value <= HX_NATIVE_ZERO_THRESHOLD) {
        add_one(&native->zero);
        return;
    }
    int32_t index = index_of(value, atomic_load_explicit(&native->schema, memory_order_relaxed));
    int32_t at = index - atomic_load_explicit(&native->first, memory_order_relaxed);
    if (at < 0 || at >= HX_NATIVE_BUCKETS) {
        at = open_window(native, index);
    }
    add_one(&native->counts[at]);
}

struct hx_native *hx_native_new(void)
{
    struct hx_native *native = calloc(1, sizeof *native);
    if (native != NULL) {
        atomic_init(&native->schema, HX_NATIVE_SCHEMA);
    }
    return native;
}

void hx_native_observe(struct hx_native *native, struct hx_histogram_cells *cells,
                       const struct hx_buckets *buckets, double value)
{
    if (isnan(value)) {
        return;
    }
    uint64_t sequence = get(&native->sequence);
    atomic_store_explicit(&native->sequence, sequence + 1, memory_order_relaxed);
    atomic_thread_fence(memory_order_release);
    hx_cells_observe(cells, buckets, value);
    count(native, value);
    atomic_store_explicit(&native->sequence, sequence + 2, memory_order_release);
}

uint64_t hx_native_begin(const struct hx_native *native)
{
    return atomic_load_explicit(&native->sequence, memory_order_acquire);
}

bool hx_native_end(const struct hx_native *native, uint64_t sequence)
{
    atomic_thread_fence(memory_order_acquire);
    return (sequence & 1) == 0 && get(&native->sequence) == sequence;
}

void hx_native_read(const struct hx_native *native, struct hx_native_view *view)
{
    view->schema = atomic_load_explicit(&native->schema, memory_order_relaxed);
    view->first = atomic_load_explicit(&native->first, memory_order_relaxed);
    view->zero = view->total = get(&native->zero);
    for (int32_t i = 0; i < HX_NATIVE_BUCKETS; i++) {
        view->counts[i] = get(&native->counts[i]);
        view->total += view->counts[i];
    }
}

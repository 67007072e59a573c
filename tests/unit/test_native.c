/* SPDX-License-Identifier: Apache-2.0 */
/* link: -Wl,--wrap=calloc */
#include "metrics/native.h"

#include <float.h>
#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static bool is_calloc_failing;

void *__real_calloc(size_t n, size_t size);

void *__wrap_calloc(size_t n, size_t size)
{
    return is_calloc_failing ? NULL : __real_calloc(n, size);
}

static int make(void **state)
{
    static struct hx_histogram histogram;
    histogram.buckets = &hx_duration_buckets;
    histogram.cells = calloc(1, hx_cells_size(histogram.buckets));
    histogram.native = hx_native_new();
    *state = &histogram;
    return histogram.cells != NULL && histogram.native != NULL ? 0 : -1;
}

static int end(void **state)
{
    const struct hx_histogram *histogram = *state;
    free(histogram->cells);
    free(histogram->native);
    return 0;
}

static struct hx_native_view view_of(const struct hx_histogram *histogram)
{
    struct hx_native_view view;
    uint64_t sequence = hx_native_begin(histogram->native);
    hx_native_read(histogram->native, &view);
    assert_true(hx_native_end(histogram->native, sequence));
    return view;
}

static uint64_t count_at(const struct hx_native_view *view, int32_t index)
{
    assert_in_range(index - view->first, 0, HX_NATIVE_BUCKETS - 1);
    return view->counts[index - view->first];
}

/* Upper bound of a bucket: https://prometheus.io/docs/specs/native_histograms/#buckets */
static double bound(int32_t index, int32_t schema)
{
    return exp2(ldexp(index, -schema));
}

/* Counts those whose values lie within the bounds of the bucket they are in: each must. */
static void assert_all_lie_in_their_buckets(const struct hx_native_view *view, const double *values,
                                            size_t n)
{
    uint64_t expected[HX_NATIVE_BUCKETS] = {0};
    for (size_t v = 0; v < n; v++) {
        for (int32_t i = 0; i < HX_NATIVE_BUCKETS; i++) {
            int32_t index = view->first + i;
            if (values[v] > bound(index - 1, view->schema) &&
                values[v] <= bound(index, view->schema)) {
                expected[i]++;
            }
        }
    }
    assert_memory_equal(view->counts, expected, sizeof expected);
    assert_int_equal(view->total, n);
}

static void powers_of_two_are_upper_bounds(void **state)
{
    struct hx_histogram *histogram = *state;
    const double values[] = {1, 0.5, 2, 0.0009765625};
    for (size_t i = 0; i < 4; i++) {
        hx_histogram_observe(histogram, values[i]);
    }
    struct hx_native_view view = view_of(histogram);
    assert_int_equal(view.schema, 3);
    assert_int_equal(count_at(&view, 0), 1);
    assert_int_equal(count_at(&view, -8), 1);
    assert_int_equal(count_at(&view, 8), 1);
    assert_int_equal(count_at(&view, -80), 1);
    hx_histogram_observe(histogram, nextafter(1, 2));
    view = view_of(histogram);
    assert_int_equal(count_at(&view, 1), 1);
    assert_int_equal(view.total, 5);
}

static void values_of_check_durations_keep_the_finest_schema(void **state)
{
    struct hx_histogram *histogram = *state;
    double values[400];
    for (size_t i = 0; i < 400; i++) {
        values[i] = 20e-6 * pow(1.03, (double)i); /* 20 us to 2.7 s */
        hx_histogram_observe(histogram, values[i]);
    }
    struct hx_native_view view = view_of(histogram);
    assert_int_equal(view.schema, 3);
    assert_all_lie_in_their_buckets(&view, values, 400);
}

static void values_far_apart_make_the_schema_coarser_and_lose_no_count(void **state)
{
    struct hx_histogram *histogram = *state;
    const double values[] = {1e-9, 3, 2e-9, 86400, 1e-9, 0.25, 1e-3};
    const int32_t schemas[] = {3, 2, 2, 1, 1, 1, 1};
    for (size_t i = 0; i < 7; i++) {
        hx_histogram_observe(histogram, values[i]);
        struct hx_native_view view = view_of(histogram);
        assert_int_equal(view.schema, schemas[i]);
        assert_all_lie_in_their_buckets(&view, values, i + 1);
    }
}

static void any_double_is_counted(void **state)
{
    struct hx_histogram *histogram = *state;
    const double values[] = {DBL_MAX, DBL_MIN, HUGE_VAL, 0x1p-127, 1};
    for (size_t i = 0; i < 5; i++) {
        hx_histogram_observe(histogram, values[i]);
    }
    struct hx_native_view view = view_of(histogram);
    assert_int_equal(view.total, 5);
    assert_int_equal(view.zero, 1); /* DBL_MIN is below the threshold */
    assert_true(view.schema >= -4);
}

static void what_is_not_above_the_threshold_is_zero(void **state)
{
    struct hx_histogram *histogram = *state;
    hx_histogram_observe(histogram, 0);
    hx_histogram_observe(histogram, HX_NATIVE_ZERO_THRESHOLD);
    hx_histogram_observe(histogram, -1);
    hx_histogram_observe(histogram, (double)NAN);
    struct hx_native_view view = view_of(histogram);
    assert_int_equal(view.zero, 3);
    assert_int_equal(view.total, 3);
    assert_int_equal(hx_cells_count(histogram->cells, histogram->buckets), 3);
}

static void a_reader_in_the_middle_of_an_observation_reads_again(void **state)
{
    struct hx_histogram *histogram = *state;
    uint64_t sequence = hx_native_begin(histogram->native);
    hx_histogram_observe(histogram, 1);
    assert_false(hx_native_end(histogram->native, sequence));
    atomic_fetch_add(&histogram->native->sequence, 1);
    sequence = hx_native_begin(histogram->native);
    assert_false(hx_native_end(histogram->native, sequence));
}

#define N_OBSERVED 60000

static void *observe_many(void *data)
{
    struct hx_histogram *histogram = data;
    uint64_t random = 0x9E3779B97F4A7C15;
    for (int i = 0; i < N_OBSERVED; i++) {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        /* Ever further apart, so that windows move and schemas change under the reader's eyes. */
        double octaves = (double)(random % 1000) / 1000 * (double)i * 45 / N_OBSERVED;
        hx_histogram_observe(histogram, exp2(-octaves / 2) * 10);
    }
    return NULL;
}

static void count_and_buckets_agree_while_another_thread_observes(void **state)
{
    struct hx_histogram *histogram = *state;
    pthread_t writer;
    assert_int_equal(pthread_create(&writer, NULL, observe_many, histogram), 0);
    uint64_t before = 0;
    while (before < N_OBSERVED) {
        struct hx_native_view view;
        uint64_t classic;
        uint64_t sequence;
        do {
            sequence = hx_native_begin(histogram->native);
            hx_native_read(histogram->native, &view);
            classic = hx_cells_count(histogram->cells, histogram->buckets);
        } while (!hx_native_end(histogram->native, sequence));
        assert_int_equal(view.total, classic);
        assert_true(view.total >= before);
        before = view.total;
    }
    assert_int_equal(pthread_join(writer, NULL), 0);
}

static void out_of_memory_is_reported(void **state)
{
    (void)state;
    is_calloc_failing = true;
    struct hx_native *native = hx_native_new();
    is_calloc_failing = false;
    assert_null(native);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(powers_of_two_are_upper_bounds),
        TEST(values_of_check_durations_keep_the_finest_schema),
        TEST(values_far_apart_make_the_schema_coarser_and_lose_no_count),
        TEST(any_double_is_counted),
        TEST(what_is_not_above_the_threshold_is_zero),
        TEST(a_reader_in_the_middle_of_an_observation_reads_again),
        TEST(count_and_buckets_agree_while_another_thread_observes),
        cmocka_unit_test(out_of_memory_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

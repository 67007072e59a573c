/* SPDX-License-Identifier: Apache-2.0 */
/* link: -Wl,--wrap=malloc */
#include "metrics/histogram.h"

#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "page_text.h"

static bool is_malloc_failing;

void *__real_malloc(size_t size);

void *__wrap_malloc(size_t size)
{
    return is_malloc_failing ? NULL : __real_malloc(size);
}

/* A histogram, and a collector that shows it as `h`. */
struct shown {
    const struct hx_buckets *buckets;
    struct hx_histogram_cells *cells;
};

static void setup(struct shown *shown, const struct hx_buckets *buckets)
{
    shown->buckets = buckets;
    shown->cells = calloc(1, hx_cells_size(buckets));
    assert_non_null(shown->cells);
}

static size_t one_family(const void *source)
{
    (void)source;
    return 1;
}

static const struct hx_family *shape(const void *source, size_t family)
{
    static const struct hx_family h = {"h", "A histogram.", HX_FAMILY_HISTOGRAM};
    (void)source;
    (void)family;
    return &h;
}

static size_t one_member(const void *source, size_t family)
{
    (void)source;
    (void)family;
    return 1;
}

static void collect(const void *source, size_t family, size_t member, struct hx_samples *out)
{
    const struct shown *shown = source;
    (void)family;
    (void)member;
    struct hx_histogram histogram = {.buckets = shown->buckets, .cells = shown->cells};
    hx_samples_histogram(out, HX_NO_LABELS, &histogram);
}

static char *show(const struct shown *shown, enum hx_format format)
{
    struct hx_collector collector = {shown, one_family, shape, one_member, collect};
    return page_text(format, &collector);
}

static void assert_shows(const struct shown *shown, const char *line)
{
    char *text = show(shown, HX_FORMAT_TEXT);
    const char *found = strstr(text, line);
    if (found == NULL || found[strlen(line)] != '\n') {
        fail_msg("no line \"%s\" in\n%s", line, text);
    }
    free(text);
}

static void a_value_counts_in_the_first_bucket_that_holds_it(void **state)
{
    (void)state;
    struct shown shown;
    setup(&shown, &hx_duration_buckets);
    hx_cells_observe(shown.cells, shown.buckets, 0.005);
    hx_cells_observe(shown.cells, shown.buckets, 0.00500001);
    hx_cells_observe(shown.cells, shown.buckets, 10);
    assert_shows(&shown, "h_bucket{le=\"0.0025\"} 0");
    assert_shows(&shown, "h_bucket{le=\"0.005\"} 1");
    assert_shows(&shown, "h_bucket{le=\"0.01\"} 2");
    assert_shows(&shown, "h_bucket{le=\"5\"} 2");
    assert_shows(&shown, "h_bucket{le=\"10\"} 3");
    assert_shows(&shown, "h_bucket{le=\"+Inf\"} 3");
    free(shown.cells);
}

static void a_value_above_all_bounds_counts_in_infinity_alone(void **state)
{
    (void)state;
    struct shown shown;
    setup(&shown, &hx_duration_buckets);
    hx_cells_observe(shown.cells, shown.buckets, 10.001);
    assert_shows(&shown, "h_bucket{le=\"10\"} 0");
    assert_shows(&shown, "h_bucket{le=\"+Inf\"} 1");
    assert_shows(&shown, "h_count 1");
    free(shown.cells);
}

static void a_value_below_all_bounds_counts_in_every_bucket(void **state)
{
    (void)state;
    struct shown shown;
    setup(&shown, &hx_duration_buckets);
    hx_cells_observe(shown.cells, shown.buckets, 0);
    hx_cells_observe(shown.cells, shown.buckets, -1);
    assert_shows(&shown, "h_bucket{le=\"0.001\"} 2");
    assert_shows(&shown, "h_sum -1");
    free(shown.cells);
}

static void nan_is_not_counted(void **state)
{
    (void)state;
    struct shown shown;
    setup(&shown, &hx_duration_buckets);
    hx_cells_observe(shown.cells, shown.buckets, (double)NAN);
    assert_shows(&shown, "h_count 0");
    assert_shows(&shown, "h_sum 0");
    free(shown.cells);
}

static void a_sum_of_durations_is_exact(void **state)
{
    (void)state;
    struct shown shown;
    setup(&shown, &hx_duration_buckets);
    hx_cells_observe(shown.cells, shown.buckets, 0.1);
    hx_cells_observe(shown.cells, shown.buckets, 0.2);
    assert_shows(&shown, "h_sum 0.3");
    hx_cells_observe(shown.cells, shown.buckets, 8e9);
    hx_cells_observe(shown.cells, shown.buckets, 1e-9);
    assert_shows(&shown, "h_sum 8000000000.300000001");
    free(shown.cells);
}

static void a_sum_of_durations_stops_at_its_limits(void **state)
{
    (void)state;
    struct shown shown;
    setup(&shown, &hx_duration_buckets);
    hx_cells_observe(shown.cells, shown.buckets, 9e9);
    hx_cells_observe(shown.cells, shown.buckets, 9e9);
    assert_shows(&shown, "h_sum 9223372036.854775807");
    hx_cells_observe(shown.cells, shown.buckets, HUGE_VAL);
    assert_shows(&shown, "h_sum 9223372036.854775807");
    hx_cells_observe(shown.cells, shown.buckets, -HUGE_VAL);
    hx_cells_observe(shown.cells, shown.buckets, -HUGE_VAL);
    assert_shows(&shown, "h_sum -9223372036.854775808");
    assert_shows(&shown, "h_count 5");
    free(shown.cells);
}

static void made_buckets_take_values_of_any_size(void **state)
{
    (void)state;
    const double bounds[] = {-1.5, 1e6, 1e300};
    struct hx_buckets *buckets = hx_buckets_new(bounds, 3);
    assert_non_null(buckets);
    struct shown shown;
    setup(&shown, buckets);
    hx_cells_observe(shown.cells, shown.buckets, 1e12);
    hx_cells_observe(shown.cells, shown.buckets, 1e-12);
    hx_cells_observe(shown.cells, shown.buckets, -2);
    assert_shows(&shown, "h_bucket{le=\"-1.5\"} 1");
    assert_shows(&shown, "h_bucket{le=\"1e+06\"} 2");
    assert_shows(&shown, "h_bucket{le=\"1e+300\"} 3");
    assert_shows(&shown, "h_sum 999999999998");
    hx_cells_observe(shown.cells, shown.buckets, HUGE_VAL);
    assert_shows(&shown, "h_sum +Inf");
    free(shown.cells);
    free(buckets);
}

static void buckets_without_bounds_still_count(void **state)
{
    (void)state;
    struct hx_buckets *buckets = hx_buckets_new((const double[]){0}, 0);
    assert_non_null(buckets);
    struct shown shown;
    setup(&shown, buckets);
    hx_cells_observe(shown.cells, shown.buckets, 2.5);
    char *text = show(&shown, HX_FORMAT_TEXT);
    assert_string_equal(text, "# HELP h A histogram.\n"
                              "# TYPE h histogram\n"
                              "h_bucket{le=\"+Inf\"} 1\n"
                              "h_sum 2.5\n"
                              "h_count 1\n");
    free(text);
    free(shown.cells);
    free(buckets);
}

/* The table of texts is written by hand; the other way to the same texts must agree. */
static void the_texts_of_the_duration_buckets_are_their_bounds(void **state)
{
    (void)state;
    struct hx_buckets *made = hx_buckets_new(hx_duration_buckets.bounds, hx_duration_buckets.n);
    assert_non_null(made);
    assert_int_equal(made->n, 13);
    for (size_t i = 0; i < made->n; i++) {
        for (int format = 0; format < HX_N_TEXT_FORMATS; format++) {
            assert_string_equal(hx_duration_buckets.le[i].text[format], made->le[i].text[format]);
            assert_int_equal(hx_duration_buckets.le[i].len[format], made->le[i].len[format]);
        }
    }
    free(made);
}

static void making_buckets_reports_that_memory_is_out(void **state)
{
    (void)state;
    is_malloc_failing = true;
    struct hx_buckets *buckets = hx_buckets_new(hx_duration_buckets.bounds, 13);
    is_malloc_failing = false;
    assert_null(buckets);
}

#define N_WRITERS      3
#define N_OBSERVATIONS 20000

/* All values and their sums can be told exactly, in billionths and as doubles. */
#define STEP 0x1p-9

static void *observe_many(void *arg)
{
    const struct shown *shown = arg;
    for (int i = 0; i < N_OBSERVATIONS; i++) {
        hx_cells_observe(shown->cells, shown->buckets, STEP * (i % 64));
    }
    return NULL;
}

static uint64_t number_after(const char *text, const char *prefix)
{
    const char *found = strstr(text, prefix);
    assert_non_null(found);
    return strtoull(found + strlen(prefix), NULL, 10);
}

static void observe_from_several_threads(struct shown *shown)
{
    pthread_t writers[N_WRITERS];
    for (int i = 0; i < N_WRITERS; i++) {
        assert_int_equal(pthread_create(&writers[i], NULL, observe_many, shown), 0);
    }
    uint64_t last = 0;
    for (int i = 0; i < 200; i++) {
        char *text = show(shown, HX_FORMAT_OPENMETRICS);
        uint64_t count = number_after(text, "h_count ");
        assert_int_equal(count, number_after(text, "h_bucket{le=\"+Inf\"} "));
        assert_true(count >= last);
        last = count;
        free(text);
    }
    for (int i = 0; i < N_WRITERS; i++) {
        pthread_join(writers[i], NULL);
    }
    assert_shows(shown, "h_count 60000");
    assert_shows(shown, "h_sum 3688.40625");
    free(shown->cells);
}

static void the_count_is_the_infinite_bucket_while_threads_observe(void **state)
{
    (void)state;
    struct shown shown;
    setup(&shown, &hx_duration_buckets);
    observe_from_several_threads(&shown);
}

static void no_observation_of_several_threads_is_lost_in_a_sum_of_doubles(void **state)
{
    (void)state;
    static const double bounds[] = {0.01, 0.1};
    struct hx_buckets *buckets = hx_buckets_new(bounds, 2);
    assert_non_null(buckets);
    struct shown shown;
    setup(&shown, buckets);
    observe_from_several_threads(&shown);
    free(buckets);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_value_counts_in_the_first_bucket_that_holds_it),
        cmocka_unit_test(a_value_above_all_bounds_counts_in_infinity_alone),
        cmocka_unit_test(a_value_below_all_bounds_counts_in_every_bucket),
        cmocka_unit_test(nan_is_not_counted),
        cmocka_unit_test(a_sum_of_durations_is_exact),
        cmocka_unit_test(a_sum_of_durations_stops_at_its_limits),
        cmocka_unit_test(made_buckets_take_values_of_any_size),
        cmocka_unit_test(buckets_without_bounds_still_count),
        cmocka_unit_test(the_texts_of_the_duration_buckets_are_their_bounds),
        cmocka_unit_test(making_buckets_reports_that_memory_is_out),
        cmocka_unit_test(the_count_is_the_infinite_bucket_while_threads_observe),
        cmocka_unit_test(no_observation_of_several_threads_is_lost_in_a_sum_of_doubles),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

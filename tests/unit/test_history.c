/* SPDX-License-Identifier: Apache-2.0 */
/* link: -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=strdup */
/*
 * The history of one dependency, with both clocks given in: the wall clock stands at HOUR when the
 * monotonic one is 0, and buckets are half an hour wide.
 */
#include "engine/history.h"

#include "base/clock.h"
#include "base/option.h"
#include "engine/record.h"
#include "failing_alloc.h"

#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MINUTE (60 * HX_NS_PER_S)
#define WIDTH  (30 * MINUTE)
#define HOUR   (INT64_C(1700000000) / 3600 * 3600 * HX_NS_PER_S)
#define LAST   (HX_HISTORY_BUCKETS - 1)

/* A result at a moment that is believed for the next 20 minutes. */
#define FRESH (20 * MINUTE)

static int set_up(void **state)
{
    struct hx_history_scale scale = hx_history_scale(HX_HISTORY_DEFAULT_NS, HOUR, 0);
    *state = hx_history_new(&scale);
    return *state == NULL;
}

static int tear_down(void **state)
{
    hx_history_free(*state);
    return 0;
}

static void add_lasting(struct hx_history *history, int64_t now_ns, enum hx_state state,
                        int64_t fresh_ns)
{
    hx_history_add(history, &(struct hx_history_result){.now_ns = now_ns,
                                                        .fresh_until_ns = now_ns + fresh_ns,
                                                        .duration_ns = 2 * HX_NS_PER_MS,
                                                        .state = state,
                                                        .is_pass = state == HX_STATE_UP ||
                                                                   state == HX_STATE_DEGRADED});
}

static void add(struct hx_history *history, int64_t now_ns, enum hx_state state)
{
    add_lasting(history, now_ns, state, FRESH);
}

static struct hx_history_view view_at(const struct hx_history *history, int64_t now_ns)
{
    struct hx_history_view view;
    hx_history_read(history, now_ns, &view);
    return view;
}

static void assert_seconds(double seconds, double expected)
{
    assert_float_equal(seconds, expected, 1e-9);
}

static void assert_bucket(const struct hx_history_bucket *bucket, double up, double degraded,
                          double down, double unknown)
{
    assert_seconds(bucket->up_s, up);
    assert_seconds(bucket->degraded_s, degraded);
    assert_seconds(bucket->down_s, down);
    assert_seconds(bucket->unknown_s, unknown);
}

static void nothing_is_known_before_the_first_result(void **state)
{
    struct hx_history_view view = view_at(*state, 5 * MINUTE);
    for (size_t i = 0; i < HX_HISTORY_BUCKETS; i++)
        assert_bucket(&view.buckets[i], 0, 0, 0, 0);
    assert_true(isnan(hx_history_availability(&view)));
}

static void buckets_begin_at_round_times_of_the_wall_clock(void **state)
{
    struct hx_history_view view = view_at(*state, 35 * MINUTE);
    assert_int_equal(view.width_ns, WIDTH);
    assert_int_equal(view.begin_wall_ns, HOUR + WIDTH - LAST * WIDTH);
    view = view_at(*state, 60 * MINUTE - 1);
    assert_int_equal(view.begin_wall_ns, HOUR + WIDTH - LAST * WIDTH);
    view = view_at(*state, 60 * MINUTE);
    assert_int_equal(view.begin_wall_ns, HOUR + 2 * WIDTH - LAST * WIDTH);
}

static void time_belongs_to_what_was_believed_meanwhile(void **state)
{
    add(*state, 1 * MINUTE, HX_STATE_UP);
    add(*state, 2 * MINUTE, HX_STATE_DEGRADED);
    add(*state, 2 * MINUTE + 3 * HX_NS_PER_S, HX_STATE_DOWN);
    add(*state, 2 * MINUTE + 6 * HX_NS_PER_S, HX_STATE_UNKNOWN);
    add(*state, 3 * MINUTE, HX_STATE_UP);
    struct hx_history_view view = view_at(*state, 5 * MINUTE);
    assert_bucket(&view.buckets[LAST], 60 + 120, 3, 3, 54);
    assert_seconds(hx_history_availability(&view), 183.0 / 186);
}

static void moments_shorter_than_a_millisecond_add_up(void **state)
{
    for (int64_t i = 0; i <= 10000; i++)
        add(*state, i * 300 * HX_NS_PER_US, HX_STATE_UP);
    struct hx_history_view view = view_at(*state, 3 * HX_NS_PER_S);
    assert_bucket(&view.buckets[LAST], 3, 0, 0, 0);
}

static void a_result_spans_several_buckets(void **state)
{
    add_lasting(*state, 10 * MINUTE, HX_STATE_DOWN, 120 * MINUTE);
    add(*state, 95 * MINUTE, HX_STATE_UP);
    struct hx_history_view view = view_at(*state, 100 * MINUTE);
    assert_bucket(&view.buckets[LAST - 3], 0, 0, 20 * 60, 0);
    assert_bucket(&view.buckets[LAST - 2], 0, 0, 30 * 60, 0);
    assert_bucket(&view.buckets[LAST - 1], 0, 0, 30 * 60, 0);
    assert_bucket(&view.buckets[LAST], 5 * 60, 0, 5 * 60, 0);
}

static void a_stretch_ends_exactly_where_its_bucket_does(void **state)
{
    add_lasting(*state, 0, HX_STATE_UP, WIDTH);
    add(*state, WIDTH, HX_STATE_DOWN);
    struct hx_history_view view = view_at(*state, WIDTH);
    assert_bucket(&view.buckets[LAST - 1], 30 * 60, 0, 0, 0);
    assert_bucket(&view.buckets[LAST], 0, 0, 0, 0);
    assert_int_equal(view.buckets[LAST - 1].n_checks, 1);
    assert_int_equal(view.buckets[LAST].n_checks, 1);
    assert_int_equal(view.buckets[LAST].n_failures, 1);
}

static void a_stale_result_counts_as_unknown(void **state)
{
    add(*state, 1 * MINUTE, HX_STATE_UP);
    add(*state, 25 * MINUTE, HX_STATE_UP);
    struct hx_history_view view = view_at(*state, 80 * MINUTE);
    assert_bucket(&view.buckets[LAST - 2], 25 * 60, 0, 0, 4 * 60);
    assert_bucket(&view.buckets[LAST - 1], 15 * 60, 0, 0, 15 * 60);
    assert_bucket(&view.buckets[LAST], 0, 0, 0, 20 * 60);
}

static void looking_changes_nothing(void **state)
{
    add(*state, 1 * MINUTE, HX_STATE_UP);
    (void)view_at(*state, 500 * MINUTE);
    struct hx_history_view view = view_at(*state, 2 * MINUTE);
    assert_bucket(&view.buckets[LAST], 60, 0, 0, 0);
}

static void hours_without_a_result_are_unknown(void **state)
{
    add(*state, 0, HX_STATE_UP);
    add(*state, 10 * 60 * MINUTE, HX_STATE_UP);
    struct hx_history_view view = view_at(*state, 10 * 60 * MINUTE);
    assert_bucket(&view.buckets[LAST - 20], 20 * 60, 0, 0, 10 * 60);
    for (size_t i = LAST - 19; i < LAST; i++)
        assert_bucket(&view.buckets[i], 0, 0, 0, 30 * 60);
    assert_bucket(&view.buckets[LAST], 0, 0, 0, 0);
}

static void what_is_older_than_the_ring_is_forgotten(void **state)
{
    for (int64_t i = 0; i <= 3 * HX_HISTORY_BUCKETS; i++)
        add_lasting(*state, i * WIDTH, i % 2 == 0 ? HX_STATE_UP : HX_STATE_DOWN, WIDTH);
    struct hx_history_view view = view_at(*state, 3 * HX_HISTORY_BUCKETS * WIDTH);
    for (size_t i = 0; i < LAST; i++) {
        bool is_up = i % 2 != 0;
        assert_bucket(&view.buckets[i], is_up ? 30 * 60 : 0, 0, is_up ? 0 : 30 * 60, 0);
        assert_int_equal(view.buckets[i].n_checks, 1);
        assert_int_equal(view.buckets[i].n_failures, is_up ? 0 : 1);
    }
}

static void days_without_a_result_empty_the_whole_ring(void **state)
{
    for (int64_t i = 0; i < HX_HISTORY_BUCKETS; i++)
        add_lasting(*state, i * WIDTH, HX_STATE_UP, WIDTH);
    int64_t days = 1000 * WIDTH + 60 * HX_NS_PER_S;
    struct hx_history_view view = view_at(*state, days);
    for (size_t i = 0; i < LAST; i++)
        assert_bucket(&view.buckets[i], 0, 0, 0, 30 * 60);
    assert_int_equal(view.buckets[5].n_checks, 0);
    add(*state, days, HX_STATE_UP);
    view = view_at(*state, days + MINUTE);
    assert_bucket(&view.buckets[LAST], 60, 0, 0, 60);
    assert_bucket(&view.buckets[LAST - 1], 0, 0, 0, 30 * 60);
}

static void latency_is_the_mean_of_the_bucket_s_own_checks(void **state)
{
    struct hx_history_result result = {.state = HX_STATE_UP, .is_pass = true};
    for (int i = 1; i <= 4; i++) {
        result.now_ns = i * MINUTE;
        result.duration_ns = i * 10 * HX_NS_PER_MS;
        hx_history_add(*state, &result);
    }
    result.now_ns = WIDTH + MINUTE;
    result.duration_ns = 500 * HX_NS_PER_MS;
    hx_history_add(*state, &result);
    struct hx_history_view view = view_at(*state, 3 * WIDTH);
    assert_float_equal(view.buckets[LAST - 3].latency_s, 0.025, 1.25e-5F);
    assert_float_equal(view.buckets[LAST - 2].latency_s, 0.5, 2.5e-4F);
    assert_float_equal(view.buckets[LAST - 1].latency_s, 0, 0);
    assert_int_equal(view.buckets[LAST - 3].n_checks, 4);
    assert_int_equal(view.buckets[LAST - 1].n_checks, 0);
}

static void a_month_of_dense_checks_fits(void **state)
{
    (void)state;
    struct hx_history_scale scale = hx_history_scale(HX_HISTORY_MAX_NS, HOUR, 0);
    struct hx_history *history = hx_history_new(&scale);
    assert_non_null(history);
    int64_t width_ns = scale.width_ms * HX_NS_PER_MS;
    assert_int_equal(width_ns, 15 * 60 * MINUTE);
    int64_t begin = width_ns - HOUR % width_ns;
    add_lasting(history, begin, HX_STATE_UP, width_ns);
    struct hx_history_view view = view_at(history, begin + width_ns - HX_NS_PER_MS);
    assert_bucket(&view.buckets[LAST], 15 * 3600 - 0.001, 0, 0, 0);
    hx_history_free(history);
}

static void a_past_bucket_of_a_month_is_known_as_a_whole(void **state)
{
    (void)state;
    struct hx_history_scale scale = hx_history_scale(HX_HISTORY_MAX_NS, HOUR, 0);
    struct hx_history *history = hx_history_new(&scale);
    assert_non_null(history);
    int64_t width_ns = scale.width_ms * HX_NS_PER_MS;
    int64_t begin = width_ns - HOUR % width_ns;
    add_lasting(history, begin, HX_STATE_UP, width_ns);
    add_lasting(history, begin + 1111 * HX_NS_PER_S, HX_STATE_DOWN, width_ns);
    add_lasting(history, begin + 1112 * HX_NS_PER_S, HX_STATE_UP, width_ns);
    struct hx_history_view view = view_at(history, begin + width_ns);
    const struct hx_history_bucket *bucket = &view.buckets[LAST - 1];
    assert_float_equal(bucket->down_s, 1, 0.026);
    assert_float_equal(bucket->up_s, 15 * 3600 - 1, 0.026);
    assert_seconds(bucket->unknown_s, 0);
    hx_history_free(history);
}

static void latencies_of_any_length_outlast_their_bucket(void **state)
{
    static const int64_t lengths_ns[] = {1000, 37 * HX_NS_PER_US, 9 * HX_NS_PER_S, 60 * MINUTE};
    for (int64_t i = 0; i < 4; i++)
        hx_history_add(
            *state, &(struct hx_history_result){.now_ns = i * WIDTH, .duration_ns = lengths_ns[i]});
    struct hx_history_view view = view_at(*state, 4 * WIDTH);
    for (size_t i = 0; i < 4; i++) {
        double length = (double)lengths_ns[i] / 1e9;
        assert_true(fabs(view.buckets[LAST - 4 + i].latency_s - length) < length * 5e-4);
    }
}

static void a_span_that_does_not_divide_is_covered(void **state)
{
    (void)state;
    struct hx_history_scale scale = hx_history_scale(HX_HISTORY_MIN_NS + 1, HOUR, 7);
    assert_int_equal(scale.width_ms, 75001);
    assert_int_equal(scale.wall_offset_ns, HOUR - 7);
}

/* ---- in a record ---- */

static const struct hx_option no_options[] = {{.name = NULL}};
static const enum hx_reason reasons[] = {HX_REASON_NONE};
static const struct hx_kind kind = {.name = "fake", .options = no_options, .reasons = reasons};

static struct hx_record *record_new(void)
{
    struct hx_dependency *dependency = calloc(1, sizeof(*dependency));
    struct hx_record *record = NULL;
    dependency->name = strdup("database");
    dependency->kind = &kind;
    assert_int_equal(hx_options_default(hx_policy_options, &dependency->policy, NULL), HX_OK);
    assert_int_equal(hx_record_new(dependency, &record, NULL), HX_OK);
    return record;
}

static void a_record_keeps_none_unless_told(void **state)
{
    (void)state;
    struct hx_record *record = record_new();
    struct hx_history_view view;
    assert_false(hx_record_history(record, 0, &view));
    struct hx_history_scale scale = hx_history_scale(HX_HISTORY_DEFAULT_NS, HOUR, 0);
    assert_int_equal(hx_record_enable_history(record, &scale, NULL), HX_OK);
    assert_true(hx_record_history(record, 0, &view));
    hx_record_release(record);
}

static void one_that_has_a_history_keeps_it(void **state)
{
    (void)state;
    struct hx_record *record = record_new();
    struct hx_history_scale scale = hx_history_scale(HX_HISTORY_DEFAULT_NS, HOUR, 0);
    assert_int_equal(hx_record_enable_history(record, &scale, NULL), HX_OK);
    add(record->history, MINUTE, HX_STATE_UP);
    assert_int_equal(hx_record_enable_history(record, &scale, NULL), HX_OK);
    struct hx_history_view view;
    assert_true(hx_record_history(record, 2 * MINUTE, &view));
    assert_bucket(&view.buckets[LAST], 60, 0, 0, 0);
    hx_record_release(record);
}

static void a_history_that_cannot_be_made_leaves_the_record_as_it_was(void **state)
{
    (void)state;
    bool is_failing = true;
    struct hx_record *record = record_new();
    struct hx_history_scale scale = hx_history_scale(HX_HISTORY_DEFAULT_NS, HOUR, 0);
    for (size_t n = 1; is_failing; n++) {
        struct hx_history_view view;
        failing_alloc_at(n);
        enum hx_errcode code = hx_record_enable_history(record, &scale, NULL);
        is_failing = failing_alloc_was_reached();
        assert_int_equal(code, is_failing ? HX_ERR_NOMEM : HX_OK);
        assert_int_equal(hx_record_history(record, 0, &view), !is_failing);
    }
    hx_record_release(record);
}

/* ---- a writer and readers ---- */

struct race {
    struct hx_history *history;
    atomic_bool is_over;
    atomic_long n_reads;
    atomic_bool is_torn;
};

/* The writer adds one check a second, each third failed: whoever looks finds as many seconds as
 * checks. */
static void *read_history(void *data)
{
    struct race *race = data;
    while (!atomic_load(&race->is_over)) {
        struct hx_history_view view = view_at(race->history, 0);
        double seconds = 0, checks = 0;
        for (size_t i = 0; i < HX_HISTORY_BUCKETS; i++) {
            const struct hx_history_bucket *bucket = &view.buckets[i];
            seconds += bucket->up_s + bucket->degraded_s + bucket->down_s + bucket->unknown_s;
            checks += (double)bucket->n_checks;
        }
        /* The first has a check and no time before it; the oldest bucket lost one at its begin. */
        if (fabs(checks - seconds) > 1)
            atomic_store(&race->is_torn, true);
        atomic_fetch_add(&race->n_reads, 1);
    }
    return NULL;
}

static void a_reader_never_sees_half_a_result(void **state)
{
    struct race race = {.history = *state};
    pthread_t threads[2];
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, read_history, &race), 0);
    for (int64_t i = 0; i < 200000 || atomic_load(&race.n_reads) < 1000; i++)
        add(*state, i * HX_NS_PER_S, i % 3 == 0 ? HX_STATE_DOWN : HX_STATE_UP);
    atomic_store(&race.is_over, true);
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    assert_false(atomic_load(&race.is_torn));
}

int main(void)
{
#define WITH_HISTORY(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        WITH_HISTORY(nothing_is_known_before_the_first_result),
        WITH_HISTORY(buckets_begin_at_round_times_of_the_wall_clock),
        WITH_HISTORY(time_belongs_to_what_was_believed_meanwhile),
        WITH_HISTORY(moments_shorter_than_a_millisecond_add_up),
        WITH_HISTORY(a_result_spans_several_buckets),
        WITH_HISTORY(a_stretch_ends_exactly_where_its_bucket_does),
        WITH_HISTORY(a_stale_result_counts_as_unknown),
        WITH_HISTORY(looking_changes_nothing),
        WITH_HISTORY(hours_without_a_result_are_unknown),
        WITH_HISTORY(what_is_older_than_the_ring_is_forgotten),
        WITH_HISTORY(days_without_a_result_empty_the_whole_ring),
        WITH_HISTORY(latency_is_the_mean_of_the_bucket_s_own_checks),
        cmocka_unit_test(a_month_of_dense_checks_fits),
        cmocka_unit_test(a_past_bucket_of_a_month_is_known_as_a_whole),
        WITH_HISTORY(latencies_of_any_length_outlast_their_bucket),
        cmocka_unit_test(a_span_that_does_not_divide_is_covered),
        cmocka_unit_test(a_record_keeps_none_unless_told),
        cmocka_unit_test(one_that_has_a_history_keeps_it),
        cmocka_unit_test(a_history_that_cannot_be_made_leaves_the_record_as_it_was),
        WITH_HISTORY(a_reader_never_sees_half_a_result),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

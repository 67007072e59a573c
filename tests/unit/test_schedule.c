/* SPDX-License-Identifier: Apache-2.0 */
/* The schedule with a hand-turned clock: `now` is whatever the test says. */
#include "engine/schedule.h"

#include "base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define INTERVAL (10 * HX_NS_PER_S)
#define START    (123456789 * HX_NS_PER_MS)

static struct hx_schedule schedule_of(const char *name, uint64_t seed)
{
    struct hx_schedule schedule;
    hx_schedule_init(&schedule, name, seed, INTERVAL);
    return schedule;
}

static void the_first_run_is_within_a_second_or_the_interval(void **state)
{
    (void)state;
    for (int i = 0; i < 1000; i++) {
        char name[16];
        struct hx_schedule schedule;
        snprintf(name, sizeof(name), "db%d", i);
        schedule = schedule_of(name, 7);
        int64_t first = hx_schedule_first(&schedule, START);
        assert_in_range(first - START, 0, HX_NS_PER_S - 1);
        hx_schedule_init(&schedule, name, 7, 200 * HX_NS_PER_MS);
        first = hx_schedule_first(&schedule, START);
        assert_in_range(first - START, 0, 200 * HX_NS_PER_MS - 1);
    }
}

static void the_second_run_is_half_to_one_and_a_half_intervals_later(void **state)
{
    (void)state;
    for (int i = 0; i < 1000; i++) {
        char name[16];
        snprintf(name, sizeof(name), "db%d", i);
        struct hx_schedule schedule = schedule_of(name, 99);
        int64_t first = hx_schedule_first(&schedule, START);
        int64_t second = hx_schedule_next(&schedule, first, first, NULL);
        assert_in_range(second - first, INTERVAL / 2, INTERVAL * 3 / 2 + 1);
    }
}

static void later_runs_keep_the_phase_exactly(void **state)
{
    (void)state;
    struct hx_schedule schedule = schedule_of("cache", 1);
    int64_t due = hx_schedule_next(&schedule, START, START, NULL);
    for (int i = 0; i < 1000; i++) {
        int64_t missed;
        /* each run is handled a little late, by up to 3 s */
        int64_t next = hx_schedule_next(&schedule, due, due + (i % 4) * HX_NS_PER_S, &missed);
        assert_int_equal(next - due, INTERVAL);
        assert_int_equal(missed, 0);
        due = next;
    }
    assert_int_equal(due % INTERVAL, schedule.phase_ns);
}

static void a_retry_between_two_moments_does_not_move_the_phase(void **state)
{
    (void)state;
    struct hx_schedule schedule = schedule_of("cache", 1);
    int64_t due = hx_schedule_next(&schedule, START, START, NULL);
    for (int64_t offset = 0; offset < INTERVAL; offset += INTERVAL / 16) {
        int64_t retry = due + offset;
        int64_t next = hx_schedule_next(&schedule, retry, retry, NULL);
        assert_int_equal(next % INTERVAL, schedule.phase_ns);
        assert_in_range(next - retry, INTERVAL / 2, INTERVAL * 3 / 2 + 1);
    }
}

static void a_long_stop_is_made_up_for_by_one_run_and_counted(void **state)
{
    (void)state;
    struct hx_schedule schedule = schedule_of("cache", 1);
    int64_t due = hx_schedule_next(&schedule, START, START, NULL);
    int64_t missed;
    int64_t next = hx_schedule_next(&schedule, due, due + 3 * INTERVAL + 1, &missed);
    assert_int_equal(missed, 3);
    assert_int_equal(next, due + 4 * INTERVAL);
}

static void ten_thousand_names_are_spread_evenly(void **state)
{
    (void)state;
    int counts[100] = {0};
    for (int i = 0; i < 10000; i++) {
        char name[16];
        snprintf(name, sizeof(name), "db%d", i);
        struct hx_schedule schedule = schedule_of(name, 3);
        counts[(int)(schedule.share * 100)]++;
    }
    for (int i = 0; i < 100; i++)
        assert_in_range(counts[i], 55, 145); /* 100 expected, 4.5 standard deviations */
}

static void another_seed_gives_other_phases_and_the_same_seed_the_same(void **state)
{
    (void)state;
    assert_int_equal(schedule_of("cache", 5).phase_ns, schedule_of("cache", 5).phase_ns);
    assert_int_not_equal(schedule_of("cache", 5).phase_ns, schedule_of("cache", 6).phase_ns);
    assert_int_not_equal(schedule_of("cache", 5).phase_ns, schedule_of("cachf", 5).phase_ns);
}

static void the_heap_gives_nodes_back_in_order_whatever_is_moved_or_cleared(void **state)
{
    (void)state;
    enum { N = 2000 };
    static struct hx_timer_node nodes[N];
    struct hx_timer_heap heap = {0};
    memset(nodes, 0, sizeof(nodes));
    srandom(42);
    assert_true(hx_timer_heap_reserve(&heap, N));
    for (int i = 0; i < N; i++)
        hx_timer_set(&heap, &nodes[i], random() % 500);
    for (int i = 0; i < N; i += 3)
        hx_timer_set(&heap, &nodes[i], random() % 500);
    size_t left = N;
    for (int i = 0; i < N; i += 5, left--)
        hx_timer_clear(&heap, &nodes[i]);
    hx_timer_clear(&heap, &nodes[0]); /* once more does nothing */
    int64_t last = -1;
    for (struct hx_timer_node *node; (node = hx_timer_first(&heap)) != NULL; left--) {
        assert_true(node->due_ns >= last);
        last = node->due_ns;
        hx_timer_clear(&heap, node);
        assert_int_equal(node->position, 0);
    }
    assert_int_equal(left, 0);
    hx_timer_heap_fini(&heap);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_run_is_within_a_second_or_the_interval),
        cmocka_unit_test(the_second_run_is_half_to_one_and_a_half_intervals_later),
        cmocka_unit_test(later_runs_keep_the_phase_exactly),
        cmocka_unit_test(a_retry_between_two_moments_does_not_move_the_phase),
        cmocka_unit_test(a_long_stop_is_made_up_for_by_one_run_and_counted),
        cmocka_unit_test(ten_thousand_names_are_spread_evenly),
        cmocka_unit_test(another_seed_gives_other_phases_and_the_same_seed_the_same),
        cmocka_unit_test(the_heap_gives_nodes_back_in_order_whatever_is_moved_or_cleared),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

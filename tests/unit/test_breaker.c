/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/breaker.h"

#include "base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static const struct hx_policy policy = {.interval_ns = 10 * HX_NS_PER_S,
                                        .breaker_failures = 3,
                                        .breaker_max_interval_ns = 100 * HX_NS_PER_S};

/* The random numbers that give the shortest wait, the middle and the longest. */
static int64_t wait_of(int64_t failures, int64_t share)
{
    int64_t middle = hx_breaker_wait_ns(&policy, failures, 0);
    int64_t tenth = middle / 9; /* the shortest is nine tenths */
    return hx_breaker_wait_ns(&policy, failures, (uint64_t)(share * tenth));
}

static void opens_at_the_number_of_failures_and_closes_with_a_pass(void **state)
{
    (void)state;
    assert_false(hx_breaker_is_open(&policy, 2));
    assert_true(hx_breaker_is_open(&policy, 3));
    assert_true(hx_breaker_is_open(&policy, 1000));
    assert_false(hx_breaker_is_open(&policy, 0));
}

static void never_opens_without_a_number(void **state)
{
    (void)state;
    static const struct hx_policy none = {.interval_ns = HX_NS_PER_S};
    assert_false(hx_breaker_is_open(&none, 1000000));
}

static void waits_twice_as_long_with_each_failure_up_to_the_limit(void **state)
{
    (void)state;
    assert_int_equal(wait_of(3, 1), 20 * HX_NS_PER_S);
    assert_int_equal(wait_of(4, 1), 40 * HX_NS_PER_S);
    assert_int_equal(wait_of(5, 1), 80 * HX_NS_PER_S);
    assert_int_equal(wait_of(6, 1), 100 * HX_NS_PER_S);
    assert_int_equal(wait_of(1000000, 1), 100 * HX_NS_PER_S);
}

static void jitter_stays_within_a_tenth(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < 1000; i++) {
        int64_t wait = hx_breaker_wait_ns(&policy, 3, i * UINT64_C(0x9e3779b97f4a7c15));
        assert_in_range(wait, 18 * HX_NS_PER_S, 22 * HX_NS_PER_S);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(opens_at_the_number_of_failures_and_closes_with_a_pass),
        cmocka_unit_test(never_opens_without_a_number),
        cmocka_unit_test(waits_twice_as_long_with_each_failure_up_to_the_limit),
        cmocka_unit_test(jitter_stays_within_a_tenth),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

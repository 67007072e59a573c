/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/state.h"

#include "base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static const struct hx_policy plain = {.failure_threshold = 1, .success_threshold = 1};
static const struct hx_policy damped = {
    .failure_threshold = 3, .success_threshold = 2, .degraded_after_ns = 100 * HX_NS_PER_MS};

#define FAST (1 * HX_NS_PER_MS)
#define SLOW (101 * HX_NS_PER_MS)

static void apply_n(struct hx_machine *machine, const struct hx_policy *policy,
                    enum hx_reason reason, int n)
{
    for (int i = 0; i < n; i++)
        hx_machine_apply(machine, policy, reason, FAST);
}

static void is_unknown_before_the_first_result(void **state)
{
    (void)state;
    struct hx_machine machine = {0};
    assert_int_equal(machine.state, HX_STATE_UNKNOWN);
    assert_false(machine.has_result);
}

static void the_first_result_decides_at_once_whatever_the_thresholds(void **state)
{
    (void)state;
    struct hx_machine up = {0}, down = {0}, ours = {0};
    assert_true(hx_machine_apply(&up, &damped, HX_REASON_NONE, FAST));
    assert_int_equal(up.state, HX_STATE_UP);
    assert_true(hx_machine_apply(&down, &damped, HX_REASON_REFUSED, FAST));
    assert_int_equal(down.state, HX_STATE_DOWN);
    assert_int_equal(down.reason, HX_REASON_REFUSED);
    assert_false(hx_machine_apply(&ours, &damped, HX_REASON_INTERNAL, FAST));
    assert_int_equal(ours.state, HX_STATE_UNKNOWN);
    assert_int_equal(ours.reason, HX_REASON_INTERNAL);
}

static void goes_down_after_failure_threshold_failures_in_a_row(void **state)
{
    (void)state;
    struct hx_machine machine = {0};
    apply_n(&machine, &damped, HX_REASON_NONE, 1);
    apply_n(&machine, &damped, HX_REASON_TIMEOUT, 2);
    assert_int_equal(machine.state, HX_STATE_UP);
    assert_true(machine.is_confirming);
    assert_int_equal(machine.failures_in_row, 2);
    assert_true(hx_machine_apply(&machine, &damped, HX_REASON_REFUSED, FAST));
    assert_int_equal(machine.state, HX_STATE_DOWN);
    assert_int_equal(machine.reason, HX_REASON_REFUSED);
    assert_false(machine.is_confirming);
}

static void a_pass_between_failures_begins_the_count_anew(void **state)
{
    (void)state;
    struct hx_machine machine = {0};
    apply_n(&machine, &damped, HX_REASON_NONE, 1);
    for (int round = 0; round < 5; round++) {
        apply_n(&machine, &damped, HX_REASON_TIMEOUT, 2);
        apply_n(&machine, &damped, HX_REASON_NONE, 1);
        assert_int_equal(machine.state, HX_STATE_UP);
        assert_int_equal(machine.failures_in_row, 0);
        assert_false(machine.is_confirming);
    }
}

static void comes_up_after_success_threshold_passes_in_a_row(void **state)
{
    (void)state;
    struct hx_machine machine = {0};
    apply_n(&machine, &damped, HX_REASON_REFUSED, 1);
    apply_n(&machine, &damped, HX_REASON_NONE, 1);
    assert_int_equal(machine.state, HX_STATE_DOWN);
    assert_int_equal(machine.reason, HX_REASON_REFUSED);
    assert_true(machine.is_confirming);
    assert_true(hx_machine_apply(&machine, &damped, HX_REASON_NONE, FAST));
    assert_int_equal(machine.state, HX_STATE_UP);
    assert_int_equal(machine.reason, HX_REASON_NONE);
}

static void a_slow_pass_is_degraded_and_a_fast_one_up_again(void **state)
{
    (void)state;
    struct hx_machine machine = {0};
    assert_true(hx_machine_apply(&machine, &damped, HX_REASON_NONE, SLOW));
    assert_int_equal(machine.state, HX_STATE_DEGRADED);
    assert_int_equal(machine.reason, HX_REASON_NONE);
    assert_true(hx_machine_apply(&machine, &damped, HX_REASON_NONE, FAST));
    assert_int_equal(machine.state, HX_STATE_UP);
    hx_machine_apply(&machine, &plain, HX_REASON_NONE, INT64_MAX);
    assert_int_equal(machine.state, HX_STATE_UP); /* degraded_after 0: never */
}

static void our_own_trouble_makes_unknown_never_down(void **state)
{
    (void)state;
    static const enum hx_reason ours[] = {HX_REASON_BLOCKED, HX_REASON_STALE, HX_REASON_INTERNAL};
    for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++) {
        struct hx_machine machine = {0};
        apply_n(&machine, &plain, HX_REASON_NONE, 1);
        assert_true(hx_machine_apply(&machine, &plain, ours[i], FAST));
        assert_int_equal(machine.state, HX_STATE_UNKNOWN);
        assert_int_equal(machine.reason, ours[i]);
    }
}

static void every_other_reason_makes_down(void **state)
{
    (void)state;
    for (int reason = HX_REASON_DNS; reason < HX_REASON_BLOCKED; reason++) {
        struct hx_machine machine = {0};
        apply_n(&machine, &plain, HX_REASON_NONE, 1);
        assert_true(hx_machine_apply(&machine, &plain, (enum hx_reason)reason, FAST));
        assert_int_equal(machine.state, HX_STATE_DOWN);
    }
}

static void while_down_the_reason_is_that_of_the_last_failure(void **state)
{
    (void)state;
    struct hx_machine machine = {0};
    apply_n(&machine, &damped, HX_REASON_REFUSED, 1);
    assert_false(hx_machine_apply(&machine, &damped, HX_REASON_TIMEOUT, FAST));
    assert_int_equal(machine.reason, HX_REASON_TIMEOUT);
    assert_true(hx_machine_apply(&machine, &damped, HX_REASON_INTERNAL, FAST));
    assert_int_equal(machine.state, HX_STATE_UNKNOWN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_unknown_before_the_first_result),
        cmocka_unit_test(the_first_result_decides_at_once_whatever_the_thresholds),
        cmocka_unit_test(goes_down_after_failure_threshold_failures_in_a_row),
        cmocka_unit_test(a_pass_between_failures_begins_the_count_anew),
        cmocka_unit_test(comes_up_after_success_threshold_passes_in_a_row),
        cmocka_unit_test(a_slow_pass_is_degraded_and_a_fast_one_up_again),
        cmocka_unit_test(our_own_trouble_makes_unknown_never_down),
        cmocka_unit_test(every_other_reason_makes_down),
        cmocka_unit_test(while_down_the_reason_is_that_of_the_last_failure),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

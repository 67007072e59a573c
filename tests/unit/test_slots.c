/* SPDX-License-Identifier: Apache-2.0 */
/* Sockets: never more in use than there are, and connections kept as long as there is room. */
#include "engine/slots.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void few_dependencies_all_run_at_once_and_keep(void **state)
{
    (void)state;
    struct hx_slots slots = hx_slots_of(1000, 10);
    assert_true(slots.is_kept);
    assert_true(slots.n >= 10);
}

static void ten_thousand_keep_theirs_with_twenty_thousand_descriptors(void **state)
{
    (void)state;
    struct hx_slots slots = hx_slots_of(20000 - 640, 10000);
    assert_true(slots.is_kept);
    assert_true(slots.n >= 9000);
}

static void too_many_dependencies_keep_none(void **state)
{
    (void)state;
    struct hx_slots slots = hx_slots_of(100, 67);
    assert_false(slots.is_kept);
    assert_int_equal(slots.n, 50);
}

static void sockets_are_never_exceeded(void **state)
{
    (void)state;
    for (size_t sockets = 2; sockets < 200; sockets++) {
        for (size_t n = 0; n < 200; n++) {
            struct hx_slots slots = hx_slots_of(sockets, n);
            size_t in_flight = slots.n < n ? slots.n : n;
            size_t worst = slots.is_kept ? n + in_flight : 2 * in_flight;
            assert_true(worst <= sockets);
        }
    }
}

static void there_is_always_a_slot(void **state)
{
    (void)state;
    assert_int_equal(hx_slots_of(0, 10).n, 1);
    assert_int_equal(hx_slots_of(0, 0).n, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(few_dependencies_all_run_at_once_and_keep),
        cmocka_unit_test(ten_thousand_keep_theirs_with_twenty_thousand_descriptors),
        cmocka_unit_test(too_many_dependencies_keep_none),
        cmocka_unit_test(sockets_are_never_exceeded),
        cmocka_unit_test(there_is_always_a_slot),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

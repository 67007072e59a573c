/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/damper.h"

#include "base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void a_few_lines_a_minute_get_through(void **state)
{
    (void)state;
    struct hx_damper damper = {0};
    int64_t held_back = -1;
    for (int i = 0; i < 3; i++) {
        assert_true(hx_damper_allows(&damper, i * HX_NS_PER_S, 3, &held_back));
        assert_int_equal(held_back, 0);
    }
    for (int i = 3; i < 60; i++)
        assert_false(hx_damper_allows(&damper, i * HX_NS_PER_S, 3, &held_back));
}

static void the_next_line_says_how_many_were_held_back(void **state)
{
    (void)state;
    struct hx_damper damper = {0};
    int64_t held_back = -1;
    assert_true(hx_damper_allows(&damper, 0, 1, &held_back));
    for (int i = 1; i < 60; i++)
        assert_false(hx_damper_allows(&damper, i * HX_NS_PER_S, 1, &held_back));
    assert_true(hx_damper_allows(&damper, 60 * HX_NS_PER_S, 1, &held_back));
    assert_int_equal(held_back, 59);
    assert_true(hx_damper_allows(&damper, 120 * HX_NS_PER_S, 1, &held_back));
    assert_int_equal(held_back, 0);
}

static void rare_lines_are_never_held_back(void **state)
{
    (void)state;
    struct hx_damper damper = {0};
    int64_t held_back = -1;
    for (int64_t i = 0; i < 1000; i++) {
        assert_true(hx_damper_allows(&damper, i * 61 * HX_NS_PER_S, 1, &held_back));
        assert_int_equal(held_back, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_few_lines_a_minute_get_through),
        cmocka_unit_test(the_next_line_says_how_many_were_held_back),
        cmocka_unit_test(rare_lines_are_never_held_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

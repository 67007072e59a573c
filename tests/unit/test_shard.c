/* SPDX-License-Identifier: Apache-2.0 */
/* Shards: stable, even, and moving little when their number grows. */
#include "base/shard.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#define N_NAMES 10000

static const char *name_of(unsigned i)
{
    static char name[16];
    snprintf(name, sizeof(name), "db%u", i);
    return name;
}

static void one_shard_has_all(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 100; i++)
        assert_int_equal(hx_shard_of(name_of(i), HX_SHARING_PROCESSES, 1), 0);
}

/* From a second implementation, in Python. Written down, so that no version moves dependencies
 * between the shards of running installations.
 */
static void a_name_keeps_its_shard_for_ever(void **state)
{
    (void)state;
    assert_int_equal(hx_shard_of("database", HX_SHARING_PROCESSES, 3), 2);
    assert_int_equal(hx_shard_of("cache", HX_SHARING_PROCESSES, 3), 2);
    assert_int_equal(hx_shard_of("api", HX_SHARING_PROCESSES, 3), 2);
    assert_int_equal(hx_shard_of("search", HX_SHARING_PROCESSES, 3), 0);
}

static void shards_are_even(void **state)
{
    (void)state;
    size_t counts[7] = {0};
    for (unsigned i = 0; i < N_NAMES; i++)
        counts[hx_shard_of(name_of(i), HX_SHARING_ENGINES, 7)]++;
    for (size_t shard = 0; shard < 7; shard++)
        assert_in_range(counts[shard], N_NAMES / 7 * 9 / 10, N_NAMES / 7 * 11 / 10);
}

static void one_more_shard_moves_names_only_to_itself(void **state)
{
    (void)state;
    size_t moved = 0;
    for (unsigned i = 0; i < N_NAMES; i++) {
        size_t before = hx_shard_of(name_of(i), HX_SHARING_PROCESSES, 4);
        size_t after = hx_shard_of(name_of(i), HX_SHARING_PROCESSES, 5);
        if (after != before)
            assert_int_equal(after, 4);
        moved += after != before;
    }
    assert_in_range(moved, N_NAMES / 5 * 9 / 10, N_NAMES / 5 * 11 / 10);
}

static void engines_of_a_process_share_what_the_process_has(void **state)
{
    (void)state;
    size_t counts[2] = {0};
    for (unsigned i = 0; i < N_NAMES; i++)
        if (hx_shard_of(name_of(i), HX_SHARING_PROCESSES, 2) == 0)
            counts[hx_shard_of(name_of(i), HX_SHARING_ENGINES, 2)]++;
    assert_in_range(counts[0], N_NAMES / 4 * 9 / 10, N_NAMES / 4 * 11 / 10);
    assert_in_range(counts[1], N_NAMES / 4 * 9 / 10, N_NAMES / 4 * 11 / 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_shard_has_all),
        cmocka_unit_test(a_name_keeps_its_shard_for_ever),
        cmocka_unit_test(shards_are_even),
        cmocka_unit_test(one_more_shard_moves_names_only_to_itself),
        cmocka_unit_test(engines_of_a_process_share_what_the_process_has),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

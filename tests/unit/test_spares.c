/* SPDX-License-Identifier: Apache-2.0 */
/* link: -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=strdup */
/* Blocks that are kept for the next who wants one. */
#include "base/spares.h"

#include "failing_alloc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define SIZE 100

static void a_block_given_back_is_the_next_taken(void **state)
{
    (void)state;
    struct hx_spares *spares = hx_spares_new(SIZE, 2);
    void *first = hx_spares_take(spares);
    memset(first, 1, SIZE);
    hx_spares_give(spares, first);
    failing_alloc_at(1);
    assert_ptr_equal(hx_spares_take(spares), first);
    assert_false(failing_alloc_was_reached());
    memset(first, 2, SIZE);
    hx_spares_give(spares, first);
    hx_spares_close(spares);
}

static void no_more_are_kept_than_said(void **state)
{
    (void)state;
    struct hx_spares *spares = hx_spares_new(SIZE, 2);
    void *blocks[4];
    size_t n_kept = 0;
    for (size_t i = 0; i < 4; i++) {
        blocks[i] = hx_spares_take(spares);
    }
    for (size_t i = 0; i < 4; i++) {
        hx_spares_give(spares, blocks[i]);
    }
    failing_alloc_at(1);
    while ((blocks[n_kept] = hx_spares_take(spares)) != NULL) {
        n_kept++;
    }
    assert_true(failing_alloc_was_reached());
    assert_int_equal(n_kept, 2);
    hx_spares_give(spares, blocks[0]);
    hx_spares_give(spares, blocks[1]);
    hx_spares_close(spares);
}

/* What leaks or is freed twice, the sanitized run shows. */
static void a_block_may_come_back_after_the_close(void **state)
{
    (void)state;
    struct hx_spares *spares = hx_spares_new(SIZE, 2);
    void *kept = hx_spares_take(spares);
    void *late = hx_spares_take(spares);
    void *later = hx_spares_take(spares);
    hx_spares_give(spares, kept);
    hx_spares_close(spares);
    memset(late, 1, SIZE);
    hx_spares_give(spares, late);
    memset(later, 1, SIZE);
    hx_spares_give(spares, later);
    hx_spares_close(NULL);
}

static void without_memory_there_are_none(void **state)
{
    (void)state;
    failing_alloc_at(1);
    assert_null(hx_spares_new(SIZE, 1));
    struct hx_spares *spares = hx_spares_new(SIZE, 1);
    failing_alloc_at(1);
    assert_null(hx_spares_take(spares));
    hx_spares_close(spares);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_block_given_back_is_the_next_taken),
        cmocka_unit_test(no_more_are_kept_than_said),
        cmocka_unit_test(a_block_may_come_back_after_the_close),
        cmocka_unit_test(without_memory_there_are_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

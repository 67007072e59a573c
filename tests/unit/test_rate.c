/* SPDX-License-Identifier: Apache-2.0 */
/* Buckets under a clock that the test turns, and their table. */
#include "web/rate.h"

#include "base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define START (100 * HX_NS_PER_S)

static const struct hx_rate rate = {.interval_ns = 100 * HX_NS_PER_MS, .burst = 5};

static unsigned take_all(struct hx_bucket *bucket, int64_t now_ns)
{
    int64_t wait_ns;
    unsigned n = 0;
    while (hx_bucket_take(bucket, &rate, now_ns, &wait_ns))
        n++;
    return n;
}

static void full_bucket_gives_its_burst(void **state)
{
    (void)state;
    struct hx_bucket bucket = {0};
    assert_int_equal(take_all(&bucket, START), 5);
    assert_int_equal(take_all(&bucket, START), 0);
}

static void token_comes_back_each_interval_and_no_more_than_the_burst(void **state)
{
    (void)state;
    struct hx_bucket bucket = {0};
    take_all(&bucket, START);
    assert_int_equal(take_all(&bucket, START + rate.interval_ns - 1), 0);
    assert_int_equal(take_all(&bucket, START + rate.interval_ns), 1);
    assert_int_equal(take_all(&bucket, START + 3 * rate.interval_ns), 2);
    assert_int_equal(take_all(&bucket, START + 1000 * rate.interval_ns), 5);
}

static void wait_is_until_the_next_token(void **state)
{
    (void)state;
    struct hx_bucket bucket = {0};
    int64_t wait_ns;
    take_all(&bucket, START);
    assert_false(hx_bucket_take(&bucket, &rate, START + 30 * HX_NS_PER_MS, &wait_ns));
    assert_int_equal(wait_ns, 70 * HX_NS_PER_MS);
    assert_false(hx_bucket_has(&bucket, &rate, START + 99 * HX_NS_PER_MS, &wait_ns));
    assert_int_equal(wait_ns, HX_NS_PER_MS);
    assert_true(hx_bucket_has(&bucket, &rate, START + 100 * HX_NS_PER_MS, &wait_ns));
    assert_int_equal(wait_ns, 0);
}

static void flood_gets_exactly_the_rate(void **state)
{
    (void)state;
    struct hx_bucket bucket = {0};
    unsigned n = 0;
    for (int64_t ms = 0; ms < 60000; ms++) {
        int64_t wait_ns;
        n += hx_bucket_take(&bucket, &rate, START + ms * HX_NS_PER_MS, &wait_ns);
    }
    assert_int_equal(n, 5 + 599);
}

static void token_that_is_put_back_can_be_taken(void **state)
{
    (void)state;
    struct hx_bucket bucket = {0};
    take_all(&bucket, START);
    hx_bucket_give(&bucket, &rate);
    assert_int_equal(take_all(&bucket, START), 1);
}

static void make_key(uint8_t key[HX_RATE_KEY], uint64_t number)
{
    key[0] = 6;
    memcpy(key + 1, &number, sizeof(number));
}

static void client_keeps_its_bucket(void **state)
{
    (void)state;
    struct hx_rate_table table;
    uint8_t one[HX_RATE_KEY], other[HX_RATE_KEY];
    make_key(one, 1);
    make_key(other, 2);
    assert_int_equal(hx_rate_table_init(&table, NULL), HX_OK);
    assert_int_equal(take_all(hx_rate_table_find(&table, one, START), START), 5);
    assert_int_equal(take_all(hx_rate_table_find(&table, other, START), START), 5);
    assert_int_equal(take_all(hx_rate_table_find(&table, one, START), START), 0);
    hx_rate_table_clear(&table);
    assert_int_equal(take_all(hx_rate_table_find(&table, one, START), START), 5);
    hx_rate_table_fini(&table);
}

static void crowd_of_clients_does_not_push_out_the_busy_one(void **state)
{
    (void)state;
    struct hx_rate_table table;
    uint8_t busy[HX_RATE_KEY], key[HX_RATE_KEY];
    int64_t wait_ns;
    make_key(busy, UINT64_MAX);
    assert_int_equal(hx_rate_table_init(&table, NULL), HX_OK);
    take_all(hx_rate_table_find(&table, busy, START), START);
    for (uint64_t i = 0; i < 1000000; i++) {
        make_key(key, i);
        hx_bucket_take(hx_rate_table_find(&table, key, START), &rate, START, &wait_ns);
    }
    assert_int_equal(take_all(hx_rate_table_find(&table, busy, START), START), 0);
    hx_rate_table_fini(&table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(full_bucket_gives_its_burst),
        cmocka_unit_test(token_comes_back_each_interval_and_no_more_than_the_burst),
        cmocka_unit_test(wait_is_until_the_next_token),
        cmocka_unit_test(flood_gets_exactly_the_rate),
        cmocka_unit_test(token_that_is_put_back_can_be_taken),
        cmocka_unit_test(client_keeps_its_bucket),
        cmocka_unit_test(crowd_of_clients_does_not_push_out_the_busy_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* link: -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=strdup */
/* The resolver's memory, with times of the test's own. */
#include "net/resolver_cache.h"

#include "failing_alloc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct hx_resolver_answer answer_of(const char *address)
{
    struct hx_resolver_answer answer = {.n = 1};
    assert_true(hx_address_parse(address, 0, &answer.addresses[0]));
    return answer;
}

static void assert_address(struct hx_resolver_cache *cache, const char *name, int64_t now_ns,
                           const char *expected)
{
    struct hx_resolver_answer answer;
    char text[HX_ADDRESS_TEXT_SIZE];
    assert_true(hx_resolver_cache_get(cache, name, now_ns, &answer));
    assert_int_equal(answer.n, 1);
    assert_string_equal(hx_address_host_text(&answer.addresses[0], text), expected);
}

static void an_answer_is_good_until_its_moment(void **state)
{
    (void)state;
    struct hx_resolver_cache *cache = hx_resolver_cache_new(4);
    struct hx_resolver_answer answer = answer_of("10.0.0.1");
    assert_false(hx_resolver_cache_get(cache, "a", 0, &answer));
    hx_resolver_cache_put(cache, "a", &answer, 100);
    assert_address(cache, "a", 99, "10.0.0.1");
    assert_false(hx_resolver_cache_get(cache, "b", 99, &answer));
    assert_false(hx_resolver_cache_get(cache, "a", 100, &answer));
    assert_int_equal(hx_resolver_cache_count(cache), 0);
    hx_resolver_cache_free(cache);
}

static void a_failure_keeps_its_reason_and_message(void **state)
{
    (void)state;
    struct hx_resolver_cache *cache = hx_resolver_cache_new(4);
    struct hx_resolver_answer answer;
    hx_resolver_answer_fail(&answer, HX_REASON_DNS, "no such host \"%s\"", "a");
    hx_resolver_cache_put(cache, "a", &answer, 100);
    memset(&answer, 'x', sizeof answer);
    assert_true(hx_resolver_cache_get(cache, "a", 1, &answer));
    assert_int_equal(answer.n, 0);
    assert_int_equal(answer.reason, HX_REASON_DNS);
    assert_string_equal(answer.message, "no such host \"a\"");
    hx_resolver_cache_free(cache);
}

static void a_newer_answer_takes_the_place_of_the_older(void **state)
{
    (void)state;
    struct hx_resolver_cache *cache = hx_resolver_cache_new(4);
    struct hx_resolver_answer answer = answer_of("10.0.0.1");
    hx_resolver_cache_put(cache, "a", &answer, 100);
    answer = answer_of("10.0.0.2");
    hx_resolver_cache_put(cache, "a", &answer, 200);
    assert_int_equal(hx_resolver_cache_count(cache), 1);
    assert_address(cache, "a", 150, "10.0.0.2");
    hx_resolver_cache_free(cache);
}

static void the_oldest_goes_when_it_is_full(void **state)
{
    (void)state;
    struct hx_resolver_cache *cache = hx_resolver_cache_new(3);
    struct hx_resolver_answer answer = answer_of("10.0.0.1");
    char name[16];
    for (int i = 0; i < 5; i++) {
        snprintf(name, sizeof name, "name%d", i);
        hx_resolver_cache_put(cache, name, &answer, 100);
        if (i == 2) {
            hx_resolver_cache_put(cache, "name0", &answer, 100); /* young again */
        }
    }
    assert_int_equal(hx_resolver_cache_count(cache), 3);
    assert_false(hx_resolver_cache_get(cache, "name1", 1, &answer));
    assert_false(hx_resolver_cache_get(cache, "name2", 1, &answer));
    assert_address(cache, "name0", 1, "10.0.0.1");
    assert_address(cache, "name3", 1, "10.0.0.1");
    assert_address(cache, "name4", 1, "10.0.0.1");
    hx_resolver_cache_clear(cache);
    assert_int_equal(hx_resolver_cache_count(cache), 0);
    hx_resolver_cache_free(cache);
}

static void without_memory_nothing_is_remembered(void **state)
{
    (void)state;
    failing_alloc_at(1);
    assert_null(hx_resolver_cache_new(3));
    assert_true(failing_alloc_was_reached());
    struct hx_resolver_cache *cache = hx_resolver_cache_new(3);
    struct hx_resolver_answer answer = answer_of("10.0.0.1");
    hx_resolver_cache_put(cache, "a", &answer, 100);
    failing_alloc_at(1);
    hx_resolver_cache_put(cache, "a", &answer, 200);
    assert_true(failing_alloc_was_reached());
    assert_false(hx_resolver_cache_get(cache, "a", 1, &answer)); /* the old one is wrong by now */
    hx_resolver_cache_free(cache);
    hx_resolver_cache_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_is_good_until_its_moment),
        cmocka_unit_test(a_failure_keeps_its_reason_and_message),
        cmocka_unit_test(a_newer_answer_takes_the_place_of_the_older),
        cmocka_unit_test(the_oldest_goes_when_it_is_full),
        cmocka_unit_test(without_memory_nothing_is_remembered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

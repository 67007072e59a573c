/* SPDX-License-Identifier: Apache-2.0 */
/* The query of the status page: what it takes, what it passes over, and the links back to it. */
#include "web/page_query.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* key, value, key, value, ..., NULL */
static struct hx_page_query query_of(const char *const *arguments)
{
    struct hx_page_query query;
    memset(&query, 0, sizeof(query));
    query.page = 1;
    for (; arguments[0] != NULL; arguments += 2)
        hx_page_query_take(&query, arguments[0], arguments[1]);
    return query;
}
#define QUERY(...) query_of((const char *const[]){__VA_ARGS__, NULL})

static void expect_link(const struct hx_page_query *query, const char *expected)
{
    struct hx_strbuf buf;
    hx_strbuf_init(&buf);
    hx_page_query_put(&buf, query);
    assert_string_equal(hx_strbuf_text(&buf), expected);
    hx_strbuf_fini(&buf);
}

static void everything_that_is_asked_for_is_in_the_link_back(void **state)
{
    (void)state;
    struct hx_page_query query =
        QUERY("q", "Db & <b>", "status", "degraded", "tag", "team/a", "page", "17", "details", "");
    assert_true(hx_page_query_is_filter(&query));
    assert_true(query.has_details);
    assert_int_equal(query.state, HX_STATE_DEGRADED);
    assert_int_equal(query.page, 17);
    assert_string_equal(query.fault, "");
    expect_link(&query, "?q=Db%20%26%20%3Cb%3E&amp;status=degraded&amp;tag=team%2Fa&amp;page=17"
                        "&amp;details");
}

static void empty_values_ask_for_nothing(void **state)
{
    (void)state;
    struct hx_page_query query =
        QUERY("q", "", "status", "", "tag", NULL, "page", "", "utm_source", "mail");
    assert_false(hx_page_query_is_filter(&query));
    assert_string_equal(query.fault, "");
    assert_int_equal(query.page, 1);
    expect_link(&query, "./");
}

static void details_alone_are_no_filter(void **state)
{
    (void)state;
    struct hx_page_query query = QUERY("details", NULL);
    assert_false(hx_page_query_is_filter(&query));
    expect_link(&query, "?details");
}

static void what_is_no_state_or_no_page_is_a_fault(void **state)
{
    (void)state;
    static const char *const pages[] = {"0", "-1", "01", "1x", " 1", "1.0", "10000000", "one"};
    for (size_t i = 0; i < sizeof(pages) / sizeof(pages[0]); i++) {
        struct hx_page_query query = QUERY("page", pages[i]);
        assert_string_equal(query.fault, pages[i]);
        assert_true(query.is_page_fault);
        assert_int_equal(query.page, 1);
    }
    struct hx_page_query query = QUERY("status", "UP");
    assert_string_equal(query.fault, "UP");
    assert_false(query.is_page_fault);
    assert_false(query.has_state);
}

static void names_are_searched_whatever_the_case(void **state)
{
    (void)state;
    assert_true(hx_page_query_holds("Orders-DB", "s-db"));
    assert_true(hx_page_query_holds("cache", ""));
    assert_false(hx_page_query_holds("cache", "cash"));
}

static void links_for_one_thing_leave_the_rest_out(void **state)
{
    (void)state;
    struct hx_page_query query = QUERY("q", "x", "status", "up", "page", "3", "details", NULL);
    struct hx_strbuf buf;
    hx_strbuf_init(&buf);
    hx_page_query_put_state(&buf, &query, HX_STATE_DOWN);
    hx_page_query_put_tag(&buf, &query, "a b");
    hx_page_query_put_name(&buf, &query, "db");
    assert_string_equal(hx_strbuf_text(&buf), "?status=down&amp;details?tag=a%20b&amp;details"
                                              "?q=db&amp;details");
    hx_strbuf_fini(&buf);
}

static void values_as_long_as_a_query_are_whole(void **state)
{
    (void)state;
    char value[HX_MAX_QUERY + 1];
    memset(value, 'q', HX_MAX_QUERY);
    value[HX_MAX_QUERY] = '\0';
    struct hx_page_query query = QUERY("q", value, "tag", value, "status", value);
    assert_string_equal(query.q, value);
    assert_string_equal(query.tag, value);
    assert_string_equal(query.fault, value);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything_that_is_asked_for_is_in_the_link_back),
        cmocka_unit_test(empty_values_ask_for_nothing),
        cmocka_unit_test(details_alone_are_no_filter),
        cmocka_unit_test(what_is_no_state_or_no_page_is_a_fault),
        cmocka_unit_test(names_are_searched_whatever_the_case),
        cmocka_unit_test(links_for_one_thing_leave_the_rest_out),
        cmocka_unit_test(values_as_long_as_a_query_are_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

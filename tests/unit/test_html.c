/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever a text holds, it stays text; numbers are as short as they are useful. */
#include "web/html.h"

#include "base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void expect_text(void (*put)(struct hx_strbuf *buf, const char *text), const char *text,
                        const char *expected)
{
    struct hx_strbuf buf;
    hx_strbuf_init(&buf);
    put(&buf, text);
    assert_string_equal(hx_strbuf_text(&buf), expected);
    hx_strbuf_fini(&buf);
}

static void expect_number(void (*put)(struct hx_strbuf *buf, int64_t number), int64_t number,
                          const char *expected)
{
    struct hx_strbuf buf;
    hx_strbuf_init(&buf);
    put(&buf, number);
    assert_string_equal(hx_strbuf_text(&buf), expected);
    hx_strbuf_fini(&buf);
}

static void what_means_something_in_markup_is_escaped(void **state)
{
    (void)state;
    expect_text(hx_html_put, "", "");
    expect_text(hx_html_put, "plain, ünïcode 漢 😀", "plain, ünïcode 漢 😀");
    expect_text(hx_html_put, "<script>alert(\"x\" + 'y')</script>",
                "&lt;script&gt;alert(&quot;x&quot; + &#39;y&#39;)&lt;/script&gt;");
    expect_text(hx_html_put, "&lt;", "&amp;lt;");
}

static void what_no_document_may_hold_is_replaced(void **state)
{
    (void)state;
    expect_text(hx_html_put, "a\x01\x1b[31m\x7f", "a\xEF\xBF\xBD\xEF\xBF\xBD[31m\xEF\xBF\xBD");
    expect_text(hx_html_put, "a\r\n\tb", "a   b");
    expect_text(hx_html_put, "\xff\xc0\xaf", "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD");
    expect_text(hx_html_put, "cut \xe6\xbc", "cut \xEF\xBF\xBD\xEF\xBF\xBD");
}

static void values_of_a_query_are_percent_encoded(void **state)
{
    (void)state;
    expect_text(hx_html_put_url, "a-b_c.d~9", "a-b_c.d~9");
    expect_text(hx_html_put_url, "a b&c=d#\"<é", "a%20b%26c%3Dd%23%22%3C%C3%A9");
}

static void ids_differ_where_texts_do(void **state)
{
    (void)state;
    expect_text(hx_html_put_id, "team-a_1", "team-a_1");
    expect_text(hx_html_put_id, "team a", "team.20a");
    expect_text(hx_html_put_id, "team.20a", "team.2E20a");
}

static void moments_are_for_machines_and_for_people(void **state)
{
    (void)state;
    expect_number(hx_html_put_time, INT64_C(1795213800123000000),
                  "<time datetime=\"2026-11-20T22:30:00.123Z\">2026-11-20 22:30:00 UTC</time>");
}

static void lengths_of_time_get_coarser(void **state)
{
    (void)state;
    static const struct {
        int64_t seconds;
        const char *text;
    } cases[] = {{0, "0 s"},
                 {59, "59 s"},
                 {60, "1 min"},
                 {90, "1 min 30 s"},
                 {599, "9 min 59 s"},
                 {690, "11 min"},
                 {3600, "1 h"},
                 {3 * 3600 + 60 * 7, "3 h 7 min"},
                 {86400, "24 h"},
                 {2 * 86400, "2 d"},
                 {7 * 86400 + 3600, "7 d 1 h"}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        expect_number(hx_html_put_span, cases[i].seconds, cases[i].text);
}

static void latencies_have_the_digits_that_matter(void **state)
{
    (void)state;
    static const struct {
        int64_t ns;
        const char *text;
    } cases[] = {{0, "0.00 ms"},         {36000, "0.04 ms"},      {94000, "0.09 ms"},
                 {100000, "0.1 ms"},     {249999, "0.2 ms"},      {9940000, "9.9 ms"},
                 {9960000, "10 ms"},     {12400000, "12 ms"},     {999600000, "1.00 s"},
                 {1250000000, "1.25 s"}, {30004000000, "30.00 s"}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        expect_number(hx_html_put_latency, cases[i].ns, cases[i].text);
        /* What was rounded reads the same. */
        expect_number(hx_html_put_latency, hx_html_round_latency(cases[i].ns), cases[i].text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_means_something_in_markup_is_escaped),
        cmocka_unit_test(what_no_document_may_hold_is_replaced),
        cmocka_unit_test(values_of_a_query_are_percent_encoded),
        cmocka_unit_test(ids_differ_where_texts_do),
        cmocka_unit_test(moments_are_for_machines_and_for_people),
        cmocka_unit_test(lengths_of_time_get_coarser),
        cmocka_unit_test(latencies_have_the_digits_that_matter),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

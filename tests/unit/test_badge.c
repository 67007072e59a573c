/* SPDX-License-Identifier: Apache-2.0 */
/* Badges: what they say, whatever the name is, and how wide that is. */
#include "web/badge.h"

#include "web/text_width.h"
#include "web_server.h"

static char *badge_of(const char *name, const char *status)
{
    struct hx_strbuf buf;
    hx_strbuf_init(&buf);
    hx_badge_put(&buf, name, status);
    return hx_strbuf_take(&buf);
}

static double number_behind(const char *text, const char *mark)
{
    const char *found = strstr(text, mark);
    assert_non_null(found);
    return strtod(found + strlen(mark), NULL);
}

static void badge_says_name_and_status(void **state)
{
    (void)state;
    char *badge = badge_of("cache", "down");
    assert_non_null(strstr(badge, "<title>cache: down</title>"));
    assert_non_null(strstr(badge, ">cache</text>"));
    assert_non_null(strstr(badge, ">down</text>"));
    assert_non_null(strstr(badge, "fill=\"#c62828\""));
    assert_null(strstr(badge, "style"));
    free(badge);
}

static void every_name_is_text(void **state)
{
    (void)state;
    char *badge = badge_of("<script>\"&'\xff", "up");
    assert_null(strstr(badge, "<script>"));
    assert_int_equal(count(badge, "&lt;script&gt;&quot;&amp;&#39;\xEF\xBF\xBD"), 3);
    free(badge);
}

static void long_name_is_cut_between_characters_and_whole_in_the_title(void **state)
{
    (void)state;
    char name[901] = "";
    for (size_t i = 0; i < 300; i++)
        memcpy(name + 3 * i, "漢", 3);
    char *badge = badge_of(name, "up");
    assert_non_null(strstr(badge, name));
    assert_non_null(strstr(badge, "漢…</text>"));
    assert_true(number_behind(badge, "height=\"20\" width=\"") < 300);
    free(badge);
}

static void texts_are_as_wide_as_their_letters(void **state)
{
    (void)state;
    assert_int_equal(hx_text_width(""), 0);
    assert_true(hx_text_width("iiii") < hx_text_width("mmmm") / 2);
    assert_int_equal(hx_text_width("漢字"), 220);
    assert_int_equal(hx_text_width("e\u0301"), hx_text_width("e"));
    assert_int_equal(hx_text_width("\xff"), 110);
    assert_int_equal(hx_text_fit("漢字", 219), 3);
    assert_int_equal(hx_text_fit("漢字", 220), 6);
    assert_int_equal(hx_text_fit("abc", 0), 0);
}

static void parts_of_a_badge_fill_it(void **state)
{
    (void)state;
    static const char *const names[] = {"i", "cache", "Zahlungsverkehr", "décès", "キャッシュ"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        char *badge = badge_of(names[i], "degraded");
        double all = number_behind(badge, "height=\"20\" width=\"");
        double left = number_behind(badge, "x=\"0.0\" width=\"");
        double text = number_behind(badge, "textLength=\"");
        assert_true(left > text + 11.9 && left < text + 12.1);
        assert_true(all > left);
        free(badge);
    }
}

static void icons_differ_by_more_than_colour(void **state)
{
    (void)state;
    static const char *const statuses[] = {"up", "degraded", "down", "maintenance", "unknown"};
    char paths[5][200];
    for (size_t i = 0; i < 5; i++) {
        struct hx_strbuf buf;
        hx_strbuf_init(&buf);
        hx_badge_put_icon(&buf, statuses[i]);
        snprintf(paths[i], sizeof(paths[i]), "%.60s", strstr(hx_strbuf_text(&buf), "<path d="));
        hx_strbuf_fini(&buf);
        for (size_t other = 0; other < i; other++)
            assert_string_not_equal(paths[i], paths[other]);
    }
}

/* ---- over HTTP ---- */

static void expect_badge(struct fixture *f, const char *path, const char *label)
{
    struct web_reply reply;
    web_get(f->port, "GET", path, &reply);
    assert_int_equal(reply.status, 200);
    assert_true(web_header_is(&reply, "Content-Type", "image/svg+xml"));
    assert_true(web_header_is(&reply, "Cache-Control", "no-store"));
    assert_non_null(web_header(&reply, "ETag"));
    assert_non_null(strstr(reply.body, label));
    assert_null(strstr(reply.body, "secret"));
    web_reply_fini(&reply);
}

static void badges_are_200_whatever_the_status_is(void **state)
{
    struct fixture *f = *state;
    expect_badge(f, "/badge.svg", "<title>checkout: up</title>");
    expect_badge(f, "/health/cache/badge.svg", "<title>cache: up</title>");
    web_board_result(&f->b, "cache", HX_STATE_DOWN, HX_REASON_REFUSED, 1000);
    expect_badge(f, "/badge.svg", "<title>checkout: down</title>");
    expect_badge(f, "/badge.svg?icon", "<title>down</title>");
    expect_badge(f, "/health/cache/badge.svg", "<title>cache: down</title>");
    expect_badge(f, "/health/reco/badge.svg", "<title>reco: up</title>");
}

static void unknown_dependency_has_no_badge(void **state)
{
    expect(*state, "/health/cash/badge.svg", 404, JSON,
           "{\"error\":\"no dependency named \\\"cash\\\"\"}");
    expect(*state, "/readyz/cache/badge.svg", 404, JSON, "{\"error\":\"no such path\"}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(badge_says_name_and_status),
        cmocka_unit_test(every_name_is_text),
        cmocka_unit_test(long_name_is_cut_between_characters_and_whole_in_the_title),
        cmocka_unit_test(texts_are_as_wide_as_their_letters),
        cmocka_unit_test(parts_of_a_badge_fill_it),
        cmocka_unit_test(icons_differ_by_more_than_colour),
        SERVED(badges_are_200_whatever_the_status_is),
        SERVED(unknown_dependency_has_no_badge),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

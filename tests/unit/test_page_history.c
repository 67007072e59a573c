/* SPDX-License-Identifier: Apache-2.0 */
/* Bars and the line of latencies: what an operator looks for is to be seen, and what is equal is
 * one. */
#include "web/page_history.h"

#include "base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define HALF_HOUR_S 1800
/* 2026-11-20T22:30:00Z, the end of the last bucket */
#define END_S INT64_C(1795213800)

static struct hx_history_view empty_view(void)
{
    struct hx_history_view view;
    memset(&view, 0, sizeof(view));
    view.width_ns = HALF_HOUR_S * HX_NS_PER_S;
    view.begin_wall_ns = END_S * HX_NS_PER_S - HX_HISTORY_BUCKETS * view.width_ns;
    return view;
}

/* Up all the time, a check a minute of one millisecond. */
static struct hx_history_view good_view(void)
{
    struct hx_history_view view = empty_view();
    for (size_t i = 0; i < HX_HISTORY_BUCKETS; i++)
        view.buckets[i] =
            (struct hx_history_bucket){.up_s = HALF_HOUR_S, .latency_s = 1e-3, .n_checks = 30};
    return view;
}

static void expect(void (*put)(struct hx_strbuf *buf, const struct hx_page_history *history),
                   const struct hx_history_view *view, const char *expected)
{
    struct hx_page_history history;
    struct hx_strbuf buf;
    memset(&history, 0, sizeof(history));
    hx_page_history_take(&history, view);
    hx_strbuf_init(&buf);
    put(&buf, &history);
    assert_string_equal(hx_strbuf_text(&buf), expected);
    hx_strbuf_fini(&buf);
}

#define BARS(label, rects, availability)                                                   \
    "<svg class=\"bars\" viewBox=\"0 0 48 10\" preserveAspectRatio=\"none\" role=\"img\" " \
    "aria-label=\"last 24 h: " label "\">" rects                                           \
    "</svg> <span class=\"availability\">" availability "</span>"
#define RECT(class, x, width, title)                               \
    "<rect class=\"" class "\" x=\"" x "\" y=\"0\" width=\"" width \
                           "\" height=\"10\"><title>" title "</title></rect>"

static void nothing_known_is_no_bar(void **state)
{
    (void)state;
    struct hx_history_view view = empty_view();
    expect(hx_page_history_put_bars, &view, BARS("nothing is known", "", ""));
    expect(hx_page_history_put_line, &view, "");
}

static void equal_neighbours_are_one_bar(void **state)
{
    (void)state;
    struct hx_history_view view = good_view();
    expect(
        hx_page_history_put_bars, &view,
        BARS("100 % available", RECT("up", "0", "48", "since 2026-11-19 22:30 UTC: up"), "100 %"));
}

static void outage_of_three_seconds_is_seen(void **state)
{
    (void)state;
    struct hx_history_view view = good_view();
    view.buckets[40].up_s = HALF_HOUR_S - 3;
    view.buckets[40].down_s = 2.4;
    expect(hx_page_history_put_bars, &view,
           BARS("99.99 % available, down for 3 s",
                RECT("up", "0", "40", "2026-11-19 22:30 to 2026-11-20 18:30 UTC: up") RECT(
                    "down", "40", "1", "2026-11-20 18:30 to 2026-11-20 19:00 UTC: down for 3 s")
                    RECT("up", "41", "7", "since 2026-11-20 19:00 UTC: up"),
                "99.99 %"));
}

static void bar_is_the_worst_that_its_time_has_seen(void **state)
{
    (void)state;
    struct hx_history_view view = empty_view();
    view.buckets[45] = (struct hx_history_bucket){.up_s = 900, .unknown_s = 900};
    view.buckets[46] = (struct hx_history_bucket){.up_s = 1500, .degraded_s = 300};
    view.buckets[47] = (struct hx_history_bucket){
        .up_s = 1000, .degraded_s = 300, .down_s = 400, .unknown_s = 100};
    expect(hx_page_history_put_bars, &view,
           BARS("90.90 % available, down for 6 min 40 s",
                RECT("unknown", "45", "1",
                     "2026-11-20 21:00 to 2026-11-20 21:30 UTC: unknown for 15 min")
                    RECT("degraded", "46", "1",
                         "2026-11-20 21:30 to 2026-11-20 22:00 UTC: degraded for 5 min")
                        RECT("down", "47", "1",
                             "since 2026-11-20 22:00 UTC: down for 6 min 40 s, degraded for "
                             "5 min, unknown for 1 min 40 s"),
                "90.90 %"));
}

static void moment_without_knowledge_is_no_news(void **state)
{
    (void)state;
    struct hx_history_view view = good_view();
    view.buckets[10].up_s = HALF_HOUR_S - 10;
    view.buckets[10].unknown_s = 10;
    expect(hx_page_history_put_bars, &view,
           BARS("100 % available",
                RECT("up", "0", "48", "since 2026-11-19 22:30 UTC: unknown for 10 s"), "100 %"));
}

static void seconds_of_equal_bars_add_up(void **state)
{
    (void)state;
    struct hx_history_view view = empty_view();
    view.buckets[0] = view.buckets[1] = (struct hx_history_bucket){.down_s = HALF_HOUR_S};
    expect(hx_page_history_put_bars, &view,
           BARS("0 % available, down for 1 h",
                RECT("down", "0", "2", "2026-11-19 22:30 to 2026-11-19 23:30 UTC: down for 1 h"),
                "0 %"));
}

#define LINE(label, lines)                                                                      \
    "<svg class=\"sparkline\" viewBox=\"0 0 48 12\" preserveAspectRatio=\"none\" role=\"img\" " \
    "aria-label=\"mean latency, last 24 h: " label "\">" lines "</svg>"

static void line_has_a_gap_where_nothing_was_measured(void **state)
{
    (void)state;
    struct hx_history_view view = empty_view();
    view.buckets[0] = (struct hx_history_bucket){.up_s = 1, .latency_s = 0.001, .n_checks = 1};
    view.buckets[1] = (struct hx_history_bucket){.up_s = 1, .latency_s = 0.004, .n_checks = 1};
    view.buckets[9] = (struct hx_history_bucket){.up_s = 1, .latency_s = 0.002, .n_checks = 1};
    expect(hx_page_history_put_line, &view,
           LINE("1.0 ms to 4.0 ms", "<polyline points=\"0.5,8.5 1.5,1.0 \"/>"
                                    "<polyline points=\"9.0,6.0 10.0,6.0 \"/>"));
}

static void line_of_nothing_but_zeros_lies_on_the_ground(void **state)
{
    (void)state;
    struct hx_history_view view = empty_view();
    view.buckets[0] = view.buckets[1] = (struct hx_history_bucket){.up_s = 1, .n_checks = 1};
    expect(hx_page_history_put_line, &view,
           LINE("0.00 ms to 0.00 ms", "<polyline points=\"0.5,11.0 1.5,11.0 \"/>"));
}

/* An outage that lasts is a new page each second at first, and later each minute. */
static void outage_that_goes_on_is_told_coarsely(void **state)
{
    (void)state;
    static const struct {
        double down_s;
        uint32_t told_s;
    } cases[] = {{0.1, 1}, {59, 59}, {69, 60}, {71, 70}, {659, 600}, {1799, 1740}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct hx_history_view view = empty_view();
        struct hx_page_history history;
        memset(&history, 0, sizeof(history));
        view.buckets[46].down_s = 1799;
        view.buckets[47].down_s = cases[i].down_s;
        hx_page_history_take(&history, &view);
        assert_int_equal(history.down_s[47], cases[i].told_s);
        assert_int_equal(history.down_s[46], 1799);
        assert_int_equal(history.down_total_s, 1799 + cases[i].told_s);
    }
}

static void what_looks_the_same_is_the_same(void **state)
{
    (void)state;
    struct hx_history_view view = good_view();
    struct hx_page_history one, other;
    memset(&one, 0, sizeof(one));
    memset(&other, 0, sizeof(other));
    view.buckets[47].up_s = 100;
    hx_page_history_take(&one, &view);
    /* Half a minute later, and with clocks that are some nanoseconds apart. */
    view.buckets[47].up_s = 130;
    view.begin_wall_ns += 400;
    hx_page_history_take(&other, &view);
    assert_memory_equal(&one, &other, sizeof(one));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_known_is_no_bar),
        cmocka_unit_test(equal_neighbours_are_one_bar),
        cmocka_unit_test(outage_of_three_seconds_is_seen),
        cmocka_unit_test(bar_is_the_worst_that_its_time_has_seen),
        cmocka_unit_test(moment_without_knowledge_is_no_news),
        cmocka_unit_test(seconds_of_equal_bars_add_up),
        cmocka_unit_test(line_has_a_gap_where_nothing_was_measured),
        cmocka_unit_test(line_of_nothing_but_zeros_lies_on_the_ground),
        cmocka_unit_test(outage_that_goes_on_is_told_coarsely),
        cmocka_unit_test(what_looks_the_same_is_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

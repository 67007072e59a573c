/* SPDX-License-Identifier: Apache-2.0 */
/* Windows of time against libc's calendar, on each day of centuries and each hour of weeks. */
#include "base/window.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

static const char *const days[] = {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};

static int64_t utc(const char *text)
{
    int64_t seconds = -1;
    assert_int_equal(hx_parse_utc(text, &seconds, NULL), HX_OK);
    return seconds;
}

static struct hx_window weekly(const char *text)
{
    struct hx_window window = {0};
    assert_int_equal(hx_parse_weekly(text, &window, NULL), HX_OK);
    assert_true(window.is_weekly);
    return window;
}

static void a_moment_is_what_libc_makes_of_it_on_each_day_until_2500(void **state)
{
    (void)state;
    time_t last = (time_t)utc("2500-12-31T23:59:59Z");
    for (time_t at = 0; at <= last; at += 86400 + 3661) {
        struct tm tm;
        char text[32];
        gmtime_r(&at, &tm);
        assert_int_equal(strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm), 20);
        assert_int_equal(utc(text), at);
    }
}

static void leap_days_are_there_in_leap_years_only(void **state)
{
    (void)state;
    int64_t seconds;
    assert_int_equal(utc("2028-02-29T00:00:00Z") + 86400, utc("2028-03-01T00:00:00Z"));
    assert_int_equal(utc("2000-02-29T00:00:00Z") + 86400, utc("2000-03-01T00:00:00Z"));
    assert_int_equal(utc("2100-02-28T00:00:00Z") + 86400, utc("2100-03-01T00:00:00Z"));
    assert_int_equal(hx_parse_utc("2027-02-29T00:00:00Z", &seconds, NULL), HX_ERR_INVALID);
    assert_int_equal(hx_parse_utc("2100-02-29T00:00:00Z", &seconds, NULL), HX_ERR_INVALID);
}

static void what_is_no_moment_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "2026-12-24",
        "2026-12-24T18:00:00",
        "2026-12-24T18:00:00z",
        "2026-12-24t18:00:00Z",
        "2026-12-24 18:00:00Z",
        "2026-12-24T18:00Z",
        "2026-12-24T18:00:00+00:00",
        "2026-12-24T18:00:00.5Z",
        "2026-12-24T18:00:00Z ",
        " 2026-12-24T18:00:00Z",
        "2026-12-24T24:00:00Z",
        "2026-12-24T18:60:00Z",
        "2026-12-31T23:59:60Z",
        "2026-00-24T18:00:00Z",
        "2026-13-24T18:00:00Z",
        "2026-11-31T18:00:00Z",
        "2026-11-00T18:00:00Z",
        "1969-12-31T23:59:59Z",
        "26-12-24T18:00:00Z",
        "12026-12-24T18:00:00Z",
        "2026-1-24T18:00:00Z",
        "-026-12-24T18:00:00Z",
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct hx_error err = {0};
        int64_t seconds = 0;
        assert_int_equal(hx_parse_utc(bad[i], &seconds, &err), HX_ERR_INVALID);
        assert_non_null(strstr(err.message, bad[i]));
    }
}

static void an_absolute_window_is_open_from_its_begin_to_before_its_end(void **state)
{
    (void)state;
    int64_t until = 0;
    struct hx_window window = {.begin = utc("2027-12-31T23:00:00Z"),
                               .end = utc("2028-01-01T01:00:00Z")};
    assert_false(hx_window_is_open(&window, window.begin - 1, &until));
    assert_true(hx_window_is_open(&window, window.begin, &until));
    assert_int_equal(until, window.end);
    assert_true(hx_window_is_open(&window, window.end - 1, &until));
    assert_int_equal(until, window.end);
    assert_false(hx_window_is_open(&window, window.end, &until));
    assert_false(hx_window_is_open(&window, window.end + 86400 * 7, &until));
}

/* Seconds since Monday 00:00, by libc. */
static int64_t place_in_week(time_t at)
{
    struct tm tm;
    gmtime_r(&at, &tm);
    return ((tm.tm_wday + 6) % 7) * 86400 + tm.tm_hour * 3600 + tm.tm_min * 60 + tm.tm_sec;
}

/* Each half hour of eight weeks around the moment. */
static void assert_open_as_written(const char *text, const char *around, int64_t begin,
                                   int64_t length)
{
    struct hx_window window = weekly(text);
    int64_t middle = utc(around);
    for (int64_t at = middle - 28 * 86400; at < middle + 28 * 86400; at += 1800) {
        int64_t since = (place_in_week((time_t)at) - begin + 7 * 86400) % (7 * 86400);
        int64_t until = 0;
        bool is_open = hx_window_is_open(&window, at, &until);
        assert_int_equal(is_open, since < length);
        if (is_open)
            assert_int_equal(until, at + length - since);
    }
}

static void a_weekly_window_is_open_when_the_calendar_says_so(void **state)
{
    (void)state;
    for (int day = 0; day < 7; day++) {
        for (int begin = 0; begin < 24; begin += 5) {
            for (int end = 0; end <= 24; end += 3) {
                char text[32];
                snprintf(text, sizeof(text), "%s %02d:30-%02d:00", days[day], begin, end);
                int length = (end * 60 - (begin * 60 + 30) + 1440) % 1440;
                assert_open_as_written(text, "2028-03-01T00:00:00Z",
                                       day * 86400 + begin * 3600 + 1800, length * 60);
            }
        }
    }
}

static void a_weekly_window_may_name_the_day_of_its_end(void **state)
{
    (void)state;
    for (int day = 0; day < 7; day++) {
        for (int end = 0; end < 7; end++) {
            char text[32];
            if (end == day)
                continue;
            snprintf(text, sizeof(text), "%s 20:00-%s 06:00", days[day], days[end]);
            assert_open_as_written(text, "2027-01-01T00:00:00Z", day * 86400 + 20 * 3600,
                                   ((end - day + 7) % 7) * 86400 - 14 * 3600);
        }
    }
}

static void a_weekly_window_crosses_the_end_of_week_and_year(void **state)
{
    (void)state;
    int64_t until = 0;
    struct hx_window window = weekly("Sun 23:30-00:30");
    /* 2028-12-31 is a Sunday, and 2029 begins on a Monday. */
    assert_false(hx_window_is_open(&window, utc("2028-12-31T23:29:59Z"), &until));
    assert_true(hx_window_is_open(&window, utc("2028-12-31T23:30:00Z"), &until));
    assert_int_equal(until, utc("2029-01-01T00:30:00Z"));
    assert_true(hx_window_is_open(&window, utc("2029-01-01T00:29:59Z"), &until));
    assert_int_equal(until, utc("2029-01-01T00:30:00Z"));
    assert_false(hx_window_is_open(&window, utc("2029-01-01T00:30:00Z"), &until));
}

static void a_whole_week_is_always_open(void **state)
{
    (void)state;
    int64_t until = 0;
    struct hx_window window = weekly("Mon 00:00-Sun 24:00");
    for (int64_t at = 0; at < 14 * 86400; at += 599)
        assert_true(hx_window_is_open(&window, at, &until));
}

static void what_is_no_weekly_window_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "Sun",
        "Sun 02:00",
        "Sun 02:00-",
        "Sun 2:00-4:00",
        "sun 02:00-04:00",
        "Sunday 02:00-04:00",
        "Sun  02:00-04:00",
        "Sun 02:00 - 04:00",
        "Sun 02:00-04:00 ",
        "Sun 02:00-04:00Z",
        "Sun 02:60-04:00",
        "Sun 02:00-24:01",
        "Sun 24:00-24:00",
        "Sun 02:00-02:00",
        "Sun 02:00-Sun 02:00",
        "Sun 04:00-Sun 02:00",
        "Sun 02:00-Mon04:00",
        "Sun 02:00-Xyz 04:00",
        "02:00-04:00",
        "Sun,Mon 02:00-04:00",
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct hx_error err = {0};
        struct hx_window window = {0};
        assert_int_equal(hx_parse_weekly(bad[i], &window, &err), HX_ERR_INVALID);
        assert_non_null(strstr(err.message, bad[i]));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_moment_is_what_libc_makes_of_it_on_each_day_until_2500),
        cmocka_unit_test(leap_days_are_there_in_leap_years_only),
        cmocka_unit_test(what_is_no_moment_is_refused),
        cmocka_unit_test(an_absolute_window_is_open_from_its_begin_to_before_its_end),
        cmocka_unit_test(a_weekly_window_is_open_when_the_calendar_says_so),
        cmocka_unit_test(a_weekly_window_may_name_the_day_of_its_end),
        cmocka_unit_test(a_weekly_window_crosses_the_end_of_week_and_year),
        cmocka_unit_test(a_whole_week_is_always_open),
        cmocka_unit_test(what_is_no_weekly_window_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

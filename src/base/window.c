/* SPDX-License-Identifier: Apache-2.0 */
/* Planned windows: how they are written, and whether a moment lies in one. */
#include "base/window.h"

#include "base/quote.h"

#include <stdlib.h>
#include <string.h>

#define DAY_SECONDS INT64_C(86400)

/* 1970-01-01 was a Thursday, the fourth day of a week that begins on Monday. */
#define EPOCH_IN_WEEK (3 * DAY_SECONDS)

static const char *const day_names[] = {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};
#define N_DAYS (sizeof day_names / sizeof day_names[0])

/* ---- a moment ---- */

/* n decimal digits at *at, which moves behind them; false when there are none. */
static bool take_digits(const char **at, int n, int *value)
{
    *value = 0;
    for (int i = 0; i < n; i++, (*at)++) {
        if (**at < '0' || **at > '9') {
            return false;
        }
        *value = *value * 10 + (**at - '0');
    }
    return true;
}

static bool take_char(const char **at, char c)
{
    if (**at != c) {
        return false;
    }
    (*at)++;
    return true;
}

static bool is_leap_year(int year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static int days_of_month(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return days[month - 1] + (month == 2 && is_leap_year(year));
}

/* Days from 1970-01-01 to the first of January. */
static int64_t days_before_year(int year)
{
    int64_t before = year - 1;
    int64_t leap_days = before / 4 - before / 100 + before / 400;
    return 365 * ((int64_t)year - 1970) + leap_days - (1969 / 4 - 1969 / 100 + 1969 / 400);
}

static int64_t days_before(int year, int month, int day)
{
    int64_t days = days_before_year(year) + day - 1;
    for (int m = 1; m < month; m++) {
        days += days_of_month(year, m);
    }
    return days;
}

enum hx_errcode hx_parse_utc(const char *text, int64_t *seconds, struct hx_error *err)
{
    char quoted[HX_QUOTE_SIZE];
    const char *at = text;
    int year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0;
    bool has_form =
        take_digits(&at, 4, &year) && take_char(&at, '-') && take_digits(&at, 2, &month) &&
        take_char(&at, '-') && take_digits(&at, 2, &day) && take_char(&at, 'T') &&
        take_digits(&at, 2, &hour) && take_char(&at, ':') && take_digits(&at, 2, &minute) &&
        take_char(&at, ':') && take_digits(&at, 2, &second) && take_char(&at, 'Z') && *at == '\0';
    if (!has_form) {
        return hx_error_set(err, HX_ERR_INVALID,
                            "expected a moment in UTC such as 2026-12-24T18:00:00Z, got %s",
                            hx_quote(text, quoted));
    }
    bool is_day =
        year >= 1970 && month >= 1 && month <= 12 && day >= 1 && day <= days_of_month(year, month);
    if (!is_day || hour > 23 || minute > 59 || second > 59) {
        return hx_error_set(err, HX_ERR_INVALID, "there is no such moment: %s",
                            hx_quote(text, quoted));
    }
    *seconds = days_before(year, month, day) * DAY_SECONDS + hour * 3600 + minute * 60 + second;
    return HX_OK;
}

/* ---- a window of each week ---- */

static bool take_day(const char **at, int *day)
{
    for (size_t i = 0; i < N_DAYS; i++) {
        if (strncmp(*at, day_names[i], 3) == 0) {
            *day = (int)i;
            *at += 3;
            return take_char(at, ' ');
        }
    }
    return false;
}

/* "02:00", or "24:00" for the end of the day; seconds of the day. */
static bool take_time(const char **at, int64_t *seconds)
{
    int hour = 0, minute = 0;
    if (!take_digits(at, 2, &hour) || !take_char(at, ':') || !take_digits(at, 2, &minute)) {
        return false;
    }
    *seconds = (int64_t)hour * 3600 + (int64_t)minute * 60;
    return minute < 60 && *seconds <= DAY_SECONDS;
}

enum hx_errcode hx_parse_weekly(const char *text, struct hx_window *window, struct hx_error *err)
{
    char quoted[HX_QUOTE_SIZE];
    const char *at = text;
    int day = 0, end_day = -1;
    int64_t begin = 0, end = 0;
    bool has_form = take_day(&at, &day) && take_time(&at, &begin) && take_char(&at, '-') &&
                    (take_day(&at, &end_day) || end_day < 0) && take_time(&at, &end) && *at == '\0';
    if (!has_form || begin == DAY_SECONDS) {
        return hx_error_set(err, HX_ERR_INVALID,
                            "expected a day and times in UTC such as \"Sun 02:00-04:00\" or "
                            "\"Fri 20:00-Mon 06:00\", got %s",
                            hx_quote(text, quoted));
    }
    int64_t days = end_day < 0 ? (end < begin) : (end_day - day + 7) % 7;
    int64_t length = days * DAY_SECONDS + end - begin;
    if (length <= 0) {
        return hx_error_set(err, HX_ERR_INVALID, "a window ends after it begins, got %s",
                            hx_quote(text, quoted));
    }
    window->is_weekly = true;
    window->begin = day * DAY_SECONDS + begin;
    window->end = window->begin + length;
    return HX_OK;
}

/* ---- the moment in the window ---- */

bool hx_window_is_open(const struct hx_window *window, int64_t now_seconds, int64_t *until)
{
    int64_t since_begin = now_seconds - window->begin;
    if (window->is_weekly) {
        /* In C the remainder of a negative number is negative. */
        since_begin = (since_begin + EPOCH_IN_WEEK) % HX_WEEK_SECONDS;
        since_begin += since_begin < 0 ? HX_WEEK_SECONDS : 0;
    }
    int64_t left = window->end - window->begin - since_begin;
    if (since_begin < 0 || left <= 0) {
        return false;
    }
    *until = now_seconds + left;
    return true;
}

void hx_windows_free(struct hx_window *windows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        free(windows[i].reason);
    }
    free(windows);
}

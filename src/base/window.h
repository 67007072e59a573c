/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Planned windows of time, in UTC: one that happens once, or one that happens each week. Pure
 * functions of a moment in Unix seconds; leap seconds do not exist here, as they do not in Unix.
 */
#ifndef HX_BASE_WINDOW_H
#define HX_BASE_WINDOW_H

#include "health_exporter/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HX_WEEK_SECONDS (INT64_C(7) * 86400)

/* From begin on, and no longer at end. */
struct hx_window {
    bool is_weekly;
    int64_t begin; /* Unix seconds; weekly: seconds since Monday 00:00, below a week */
    int64_t end;   /* above begin; weekly: at most a week later, so it may reach into the next */
    char *reason;  /* owned; NULL: none */
};

/* "2026-12-24T18:00:00Z" (RFC 3339 in UTC, whole seconds, years 1970 to 9999). Unix seconds. */
enum hx_errcode hx_parse_utc(const char *text, int64_t *seconds,
                             struct hx_error *err) HX_MUST_CHECK;

/*
 * "Sun 02:00-04:00"; "Sat 23:00-01:00" ends on Sunday; "Fri 20:00-Mon 06:00" names the day of its
 * end. 24:00 is the end of a day. Sets what makes the window weekly.
 */
enum hx_errcode hx_parse_weekly(const char *text, struct hx_window *window,
                                struct hx_error *err) HX_MUST_CHECK;

/* Is the moment within the window? Then *until is the end of it. */
bool hx_window_is_open(const struct hx_window *window, int64_t now_seconds, int64_t *until);

void hx_windows_free(struct hx_window *windows, size_t n);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Reading the two clocks, and writing a moment as a date. */
#include "base/clock.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

static int64_t read_clock(clockid_t id)
{
    struct timespec now = {0};
    /* It fails only for a clock that does not exist, and Linux has both. */
    (void)clock_gettime(id, &now);
    return (int64_t)now.tv_sec * HX_NS_PER_S + now.tv_nsec;
}

int64_t hx_clock_monotonic_ns(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

int64_t hx_clock_wall_ns(void)
{
    return read_clock(CLOCK_REALTIME);
}

char *hx_clock_rfc3339(int64_t wall_ns, char text[HX_RFC3339_SIZE])
{
    /* Rounded down, so that moments before 1970 have a millisecond part of 0 to 999 too. */
    time_t seconds = (time_t)(wall_ns / HX_NS_PER_S);
    int64_t rest_ns = wall_ns % HX_NS_PER_S;
    if (rest_ns < 0) {
        seconds--;
        rest_ns += HX_NS_PER_S;
    }
    /* 64 bits of nanoseconds reach from 1677 to 2262: four digits, and no overflow in tm_year. */
    struct tm utc;
    memset(&utc, 0, sizeof utc);
    (void)gmtime_r(&seconds, &utc);
    size_t len = strftime(text, HX_RFC3339_SIZE, "%Y-%m-%dT%H:%M:%S", &utc);
    (void)snprintf(text + len, HX_RFC3339_SIZE - len, ".%03dZ", (int)(rest_ns / HX_NS_PER_MS));
    return text;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The two clocks. Durations, deadlines and ages use the monotonic clock (the same as uv_hrtime());
 * only what people and Prometheus read as a date uses the wall clock.
 */
#ifndef HX_BASE_CLOCK_H
#define HX_BASE_CLOCK_H

#include <stddef.h>
#include <stdint.h>

#define HX_NS_PER_US INT64_C(1000)
#define HX_NS_PER_MS INT64_C(1000000)
#define HX_NS_PER_S  INT64_C(1000000000)

/* CLOCK_MONOTONIC in nanoseconds. */
int64_t hx_clock_monotonic_ns(void);

/* CLOCK_REALTIME in nanoseconds since 1970. */
int64_t hx_clock_wall_ns(void);

/* RFC 3339 in UTC with milliseconds, "2026-11-20T22:30:00.000Z". size >= 25 (longer years are
 * cut). Returns text. */
#define HX_RFC3339_SIZE 32
char *hx_clock_rfc3339(int64_t wall_ns, char text[HX_RFC3339_SIZE]);

#endif

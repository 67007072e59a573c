/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The breaker: a dependency that has failed often enough is asked less and less often, up to
 * max_interval, so that an outage is not made worse by those who watch it. Pure: no clock.
 *
 *     closed ── `failures` failed checks in a row ──> open ── next check ──> pass: closed
 *                                                       └──────────────────> fail: open, waits
 * longer
 */
#ifndef HX_ENGINE_BREAKER_H
#define HX_ENGINE_BREAKER_H

#include "health_exporter/check.h"

/* Is it open after this many failures in a row? Never when breaker.failures is 0. */
bool hx_breaker_is_open(const struct hx_policy *policy, int64_t failures_in_row);

/* How long to wait from the end of the last check to the next, while it is open: the interval
 * doubled with each failure beyond the threshold, at most max_interval, plus or minus 10 % by
 * random (any 64 bits), so that many breakers do not close together. */
int64_t hx_breaker_wait_ns(const struct hx_policy *policy, int64_t failures_in_row,
                           uint64_t random);

#endif

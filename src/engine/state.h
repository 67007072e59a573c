/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Results to state, and nothing else: no clock, no I/O. The thresholds damp it; the first result
 * ever decides at once.
 *
 *     result            counts as     state after
 *     pass              success       up (degraded when slower than degraded_after), once
 *                                     success_threshold passes in a row are reached
 *     fail              failure       down, once failure_threshold failures in a row are reached
 *     fail, ours        failure       unknown instead of down (blocked, internal, stale)
 */
#ifndef HX_ENGINE_STATE_H
#define HX_ENGINE_STATE_H

#include "health_exporter/check.h"

struct hx_machine {
    enum hx_state state;
    enum hx_reason reason; /* of the last failed check while not up; NONE when up */
    int64_t failures_in_row;
    int64_t successes_in_row;
    bool has_result;
    bool is_confirming; /* a change is under way but not confirmed: retry_interval applies */
};

/* Takes the result of a check; true when the state changed. */
bool hx_machine_apply(struct hx_machine *machine, const struct hx_policy *policy,
                      enum hx_reason reason, int64_t duration_ns);

#endif

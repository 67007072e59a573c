/* SPDX-License-Identifier: Apache-2.0 */
/* The state machine: one function from the result of a check to what is believed. */
#include "engine/state.h"

static bool is_passing(enum hx_state state)
{
    return state == HX_STATE_UP || state == HX_STATE_DEGRADED;
}

static enum hx_state state_of_pass(const struct hx_policy *policy, int64_t duration_ns)
{
    bool is_slow = policy->degraded_after_ns > 0 && duration_ns > policy->degraded_after_ns;
    return is_slow ? HX_STATE_DEGRADED : HX_STATE_UP;
}

static void apply_pass(struct hx_machine *machine, const struct hx_policy *policy,
                       int64_t duration_ns)
{
    machine->failures_in_row = 0;
    machine->successes_in_row++;
    bool is_confirmed = !machine->has_result || is_passing(machine->state) ||
                        machine->successes_in_row >= policy->success_threshold;
    machine->is_confirming = !is_confirmed;
    if (is_confirmed) {
        machine->state = state_of_pass(policy, duration_ns);
        machine->reason = HX_REASON_NONE;
    }
}

static void apply_fail(struct hx_machine *machine, const struct hx_policy *policy,
                       enum hx_reason reason)
{
    machine->successes_in_row = 0;
    machine->failures_in_row++;
    bool is_confirmed = !machine->has_result || !is_passing(machine->state) ||
                        machine->failures_in_row >= policy->failure_threshold;
    machine->is_confirming = !is_confirmed;
    if (is_confirmed) {
        machine->state = hx_reason_is_ours(reason) ? HX_STATE_UNKNOWN : HX_STATE_DOWN;
        machine->reason = reason;
    }
}

bool hx_machine_apply(struct hx_machine *machine, const struct hx_policy *policy,
                      enum hx_reason reason, int64_t duration_ns)
{
    enum hx_state before = machine->state;
    if (reason == HX_REASON_NONE)
        apply_pass(machine, policy, duration_ns);
    else
        apply_fail(machine, policy, reason);
    machine->has_result = true;
    return machine->state != before;
}

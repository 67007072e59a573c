/* SPDX-License-Identifier: Apache-2.0 */
/* The lines about checks, each with the check's id, which /health/detailed shows too. */
#include "engine/check_log.h"

#include <inttypes.h>
#include <stdio.h>

#define CHANGES_A_MINUTE 10
#define SLOW_A_MINUTE    1

/* Room for a number that is left out of the line when it is 0. */
struct count_text {
    char text[24];
};

static const char *text_of(int64_t held_back, struct count_text *into)
{
    if (held_back == 0)
        return NULL;
    snprintf(into->text, sizeof(into->text), "%" PRId64, held_back);
    return into->text;
}

static double seconds(int64_t ns)
{
    return (double)ns / 1e9;
}

static enum hx_log_level level_of(const struct hx_check *check, enum hx_state to)
{
    switch (to) {
    case HX_STATE_UP:
        return HX_LOG_INFO;
    case HX_STATE_DEGRADED:
        return HX_LOG_WARN;
    case HX_STATE_UNKNOWN:
    case HX_STATE_DOWN:
        break;
    }
    return check->dependency->policy.critical ? HX_LOG_ERROR : HX_LOG_WARN;
}

void hx_check_log_change(struct hx_check *check, enum hx_state from)
{
    const struct hx_status *status = &check->status;
    enum hx_state to = check->machine.state;
    bool is_bad = to == HX_STATE_DOWN || to == HX_STATE_UNKNOWN;
    struct count_text count;
    int64_t held_back;
    if (!hx_damper_allows(&check->change_lines, check->finished_ns, CHANGES_A_MINUTE, &held_back))
        return;
    hx_log(check->runner->options.log, level_of(check, to), "dependency changed state",
           HX_LOG_STR("dependency", check->dependency->name),
           HX_LOG_STR("from", hx_state_text(from)), HX_LOG_STR("to", hx_state_text(to)),
           HX_LOG_STR("reason", is_bad ? hx_reason_text(check->machine.reason) : NULL),
           HX_LOG_STR("message", is_bad ? status->message : NULL),
           HX_LOG_DOUBLE("duration_seconds", seconds(status->duration_ns)),
           HX_LOG_INT("consecutive_failures", check->machine.failures_in_row),
           HX_LOG_STR("held_back", text_of(held_back, &count)),
           HX_LOG_INT("check_id", status->check_id));
}

static void log_failed(const struct hx_check *check)
{
    struct hx_log *log = check->runner->options.log;
    if (!hx_log_enabled(log, HX_LOG_DEBUG))
        return;
    hx_log(log, HX_LOG_DEBUG, "check failed", HX_LOG_STR("dependency", check->dependency->name),
           HX_LOG_STR("reason", hx_reason_text(check->reason)),
           HX_LOG_STR("message", check->status.message),
           HX_LOG_DOUBLE("duration_seconds", seconds(check->status.duration_ns)),
           HX_LOG_INT("check_id", check->status.check_id));
}

static void log_slow(struct hx_check *check)
{
    const struct hx_policy *policy = &check->dependency->policy;
    int64_t limit_ns =
        policy->degraded_after_ns > 0 ? policy->degraded_after_ns : policy->timeout_ns / 2;
    struct count_text count;
    int64_t held_back;
    if (check->status.duration_ns <= limit_ns ||
        !hx_damper_allows(&check->slow_lines, check->finished_ns, SLOW_A_MINUTE, &held_back))
        return;
    hx_log(check->runner->options.log, HX_LOG_WARN, "slow check",
           HX_LOG_STR("dependency", check->dependency->name),
           HX_LOG_DOUBLE("duration_seconds", seconds(check->status.duration_ns)),
           HX_LOG_DOUBLE("limit_seconds", seconds(limit_ns)),
           HX_LOG_STR("held_back", text_of(held_back, &count)),
           HX_LOG_INT("check_id", check->status.check_id));
}

void hx_check_log_result(struct hx_check *check)
{
    if (check->reason == HX_REASON_NONE)
        log_slow(check);
    else
        log_failed(check);
}

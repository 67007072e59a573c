/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A check from due to published:
 *
 *     due ─ begin ─ kind->start ─ … phases, values … ─ finish ─ conclude ─ publish
 *                        └───────────── deadline ─ expire ─────┘
 *
 * The end within start is allowed; it is concluded when start has returned. The deadline that finds
 * the loop itself to have been late (the process was stopped, the machine stalled) blames nobody:
 * the run is thrown away, counted as skipped, and done again.
 *
 * kind->cancel is called from the runner's turn only, so never from within the kind's own
 * callbacks.
 */
#include "engine/breaker.h"
#include "engine/check_log.h"
#include "engine/mask.h"
#include "engine/runner.h"

#include "base/clock.h"
#include "base/units.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

/* A deadline noticed later than this (or half the timeout, if that is more) is the loop's fault. */
#define LATE_NS (100 * HX_NS_PER_MS)

static const struct hx_policy *policy_of(const struct hx_check *check)
{
    return &check->dependency->policy;
}

/* ------------------------------------------------------------------ what kinds ask and tell -- */

const struct hx_dependency *hx_check_dependency(const struct hx_check *check)
{
    return check->dependency;
}

const void *hx_check_settings(const struct hx_check *check)
{
    return check->dependency->settings;
}

void *hx_check_run(const struct hx_check *check)
{
    return check->run;
}

void *hx_check_shared(const struct hx_check *check)
{
    return check->shared;
}

struct uv_loop_s *hx_check_loop(const struct hx_check *check)
{
    return check->runner->options.loop;
}

struct hx_resolver *hx_check_resolver(const struct hx_check *check)
{
    return check->runner->options.resolver;
}

int64_t hx_check_deadline_ns(const struct hx_check *check)
{
    return check->started_ns + policy_of(check)->timeout_ns;
}

static void end_phase(struct hx_check *check, int64_t now_ns)
{
    if (check->phase >= 0)
        hx_check_phase_took(check, (enum hx_phase)check->phase, now_ns - check->phase_started_ns);
    check->phase = -1;
}

void hx_check_enter(struct hx_check *check, enum hx_phase phase)
{
    if (check->phase == (int)phase)
        return;
    bool is_first = check->phase < 0 && check->status.phase_set == 0;
    int64_t now = is_first ? check->started_ns : hx_clock_monotonic_ns();
    end_phase(check, now);
    check->phase = (int)phase;
    check->phase_started_ns = now;
}

void hx_check_phase_took(struct hx_check *check, enum hx_phase phase, int64_t took_ns)
{
    int64_t bit = INT64_C(1) << phase;
    if ((check->status.phase_set & bit) == 0)
        check->status.phases_ns[phase] = 0;
    check->status.phase_set |= bit;
    check->status.phases_ns[phase] += took_ns;
}

void hx_check_value(struct hx_check *check, size_t index, double value)
{
    if (index >= HX_MAX_VALUES)
        return;
    check->status.values[index] = value;
    check->status.value_set |= INT64_C(1) << index;
}

void hx_check_certificate_expiry(struct hx_check *check, int64_t unix_seconds)
{
    check->status.certificate_expiry = unix_seconds;
}

void hx_check_connection_opened(struct hx_check *check)
{
    assert(check->dependency->kind->has_connections);
    hx_gauge_add(check->connections, 1);
}

void hx_check_connection_closed(struct hx_check *check)
{
    assert(check->dependency->kind->has_connections);
    hx_gauge_add(check->connections, -1);
}

void hx_check_pass(struct hx_check *check)
{
    hx_check_finish(check, HX_REASON_NONE, NULL);
}

void hx_check_fail(struct hx_check *check, enum hx_reason reason, const char *format, ...)
{
    char message[sizeof(check->status.message) * 2];
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof(message), format, args);
    va_end(args);
    hx_check_finish(check, reason, message);
}

/* ------------------------------------------------------------------------------ the ending -- */

/* Leaves it to the next turn: the kind's own callback may be below us on the stack. */
static void drop_later(struct hx_check *check)
{
    struct hx_runner *runner = check->runner;
    check->is_to_be_dropped = true;
    if (check->is_listed)
        return;
    check->is_listed = true;
    check->next_dropped = runner->dropped;
    runner->dropped = check;
}

static void fill_status(struct hx_check *check, bool is_changed)
{
    struct hx_status *status = &check->status;
    int64_t wall = check->finished_ns + check->runner->wall_offset_ns;
    status->state = check->machine.state;
    status->reason = check->machine.reason;
    status->is_last_pass = check->reason == HX_REASON_NONE;
    status->has_result = 1;
    status->fresh_until_ns = check->finished_ns + policy_of(check)->stale_after_ns;
    if (status->is_breaker_open) /* asked less often on purpose: the failure goes on counting */
        status->fresh_until_ns = check->due.due_ns + policy_of(check)->stale_after_ns;
    if (is_changed || status->since_wall_ns == 0)
        status->since_wall_ns = wall;
    status->last_run_wall_ns = wall;
    status->next_run_wall_ns = wall + check->due.due_ns - check->finished_ns;
    status->failures_in_row = check->machine.failures_in_row;
    if (status->is_last_pass) {
        status->last_success_wall_ns = wall;
        status->has_ever_passed = 1;
    }
}

static void count_first_result(struct hx_check *check)
{
    struct hx_runner *runner = check->runner;
    if (runner->n_without_result > 0 && --runner->n_without_result == 0)
        hx_runner_end_first_round(runner);
}

static void count_skipped(struct hx_check *check, enum hx_skip_cause cause, int64_t n)
{
    if (n > 0)
        atomic_fetch_add_explicit(&check->record->skipped[cause], (uint64_t)n,
                                  memory_order_relaxed);
}

/* The next run is planned already; an open breaker puts it off, a change that is being confirmed
 * brings it forward. */
static void plan_next(struct hx_check *check)
{
    const struct hx_policy *policy = policy_of(check);
    int64_t failures = check->machine.failures_in_row;
    int64_t planned = check->due.due_ns;
    int64_t next = planned;
    bool was_open = check->status.is_breaker_open != 0;
    check->status.is_breaker_open = hx_breaker_is_open(policy, failures);
    if (was_open != (check->status.is_breaker_open != 0))
        hx_log(check->runner->options.log, HX_LOG_INFO,
               was_open ? "breaker closed" : "breaker opened: checked less and less",
               HX_LOG_STR("dependency", check->dependency->name),
               HX_LOG_INT("consecutive_failures", failures));
    if (check->status.is_breaker_open) {
        uint64_t random = hx_runner_random(check->runner);
        next = check->finished_ns + hx_breaker_wait_ns(policy, failures, random);
        if (next < planned)
            next = planned;
        count_skipped(check, HX_SKIP_BREAKER, (next - planned) / policy->interval_ns);
    } else if (check->machine.is_confirming) {
        int64_t retry = check->finished_ns + policy->retry_interval_ns;
        next = retry < planned ? retry : planned;
    }
    if (next != planned)
        hx_timer_set(&check->runner->dues, &check->due, next);
}

static void remember(struct hx_check *check)
{
    const struct hx_status *status = &check->status;
    if (check->record->history == NULL)
        return;
    hx_history_add(check->record->history,
                   &(struct hx_history_result){.now_ns = check->finished_ns,
                                               .fresh_until_ns = status->fresh_until_ns,
                                               .duration_ns = status->duration_ns,
                                               .state = (enum hx_state)status->state,
                                               .is_pass = status->is_last_pass != 0});
}

static void publish(struct hx_check *check)
{
    const struct hx_policy *policy = policy_of(check);
    enum hx_state before = check->machine.state;
    bool is_first = !check->machine.has_result;
    bool had_passed = check->status.has_ever_passed != 0;
    /* Readers have taken the one before for unknown. */
    bool was_stale = !is_first && check->finished_ns > check->status.fresh_until_ns;
    bool is_changed =
        hx_machine_apply(&check->machine, policy, check->reason, check->status.duration_ns);
    plan_next(check);
    fill_status(check, is_changed);
    hx_record_publish(check->record, &check->status);
    remember(check);
    if (is_changed && !is_first)
        atomic_fetch_add_explicit(&check->record->transitions, 1, memory_order_relaxed);
    bool is_first_pass = !had_passed && check->status.has_ever_passed != 0;
    hx_board_changed(check->runner->options.board, is_changed || is_first_pass || was_stale);
    hx_check_log_result(check);
    if (is_changed)
        hx_check_log_change(check, before);
    if (is_first)
        count_first_result(check);
}

static void end_run(struct hx_check *check)
{
    hx_timer_clear(&check->runner->deadlines, &check->deadline);
    check->step = HX_STEP_IDLE;
    hx_runner_count(check->runner, -1);
}

static bool may_keep(const struct hx_check *check)
{
    return policy_of(check)->connection == HX_CONNECTION_KEEP && check->runner->is_keeping;
}

static void conclude(struct hx_check *check)
{
    struct hx_record *record = check->record;
    end_run(check);
    check->status.duration_ns = check->finished_ns - check->started_ns;
    hx_histogram_observe(&record->durations, (double)check->status.duration_ns / 1e9);
    if (check->reason != HX_REASON_NONE)
        atomic_fetch_add_explicit(&record->failures[check->reason], 1, memory_order_relaxed);
    if (check->reason != HX_REASON_NONE || !may_keep(check))
        drop_later(check);
    publish(check);
    hx_runner_arm(check->runner);
}

void hx_check_finish(struct hx_check *check, enum hx_reason reason, const char *message)
{
    bool is_under_way = check->step == HX_STEP_STARTING || check->step == HX_STEP_RUNNING;
    if (!is_under_way || check->is_finished)
        return;
    check->is_finished = true;
    check->finished_ns = hx_clock_monotonic_ns();
    check->reason = reason;
    end_phase(check, check->finished_ns);
    if (message != NULL || check->status.message[0] != '\0')
        hx_mask_message(check->dependency, message, check->status.message,
                        sizeof(check->status.message));
    if (check->step == HX_STEP_RUNNING)
        conclude(check);
}

void hx_check_drop(struct hx_check *check)
{
    check->is_to_be_dropped = false;
    check->connected_ns = 0;
    check->dependency->kind->cancel(check);
}

static bool is_loop_late(const struct hx_check *check, int64_t now_ns)
{
    int64_t late = now_ns - check->deadline.due_ns;
    return late > LATE_NS && late > policy_of(check)->timeout_ns / 2;
}

/* The loop did not turn while the reply may have come: the run says nothing about anybody. */
static void discard(struct hx_check *check, int64_t now_ns)
{
    hx_log(check->runner->options.log, HX_LOG_WARN, "check thrown away: the exporter was stopped",
           HX_LOG_STR("dependency", check->dependency->name),
           HX_LOG_DOUBLE("late_seconds", (double)(now_ns - check->deadline.due_ns) / 1e9));
    end_run(check);
    atomic_fetch_add_explicit(&check->record->skipped[HX_SKIP_LATE], 1, memory_order_relaxed);
    drop_later(check);
    hx_timer_set(&check->runner->dues, &check->due, now_ns);
}

void hx_check_expire(struct hx_check *check, int64_t now_ns)
{
    if (is_loop_late(check, now_ns)) {
        discard(check, now_ns);
        return;
    }
    char timeout[32];
    hx_format_duration(policy_of(check)->timeout_ns, timeout, sizeof(timeout));
    if (check->phase >= 0)
        hx_check_fail(check, HX_REASON_TIMEOUT, "no result within %s, in phase %s", timeout,
                      hx_phase_text((enum hx_phase)check->phase));
    else
        hx_check_fail(check, HX_REASON_TIMEOUT, "no result within %s", timeout);
}

/* --------------------------------------------------------------------------- the beginning -- */

static void drop_before_begin(struct hx_check *check, int64_t now_ns)
{
    int64_t max_age = policy_of(check)->max_connection_age_ns;
    bool is_too_old =
        max_age > 0 && check->connected_ns != 0 && now_ns - check->connected_ns > max_age;
    if (check->is_to_be_dropped || is_too_old)
        hx_check_drop(check);
    if (check->connected_ns == 0)
        check->connected_ns = now_ns;
}

void hx_check_begin(struct hx_check *check)
{
    struct hx_runner *runner = check->runner;
    int64_t now = hx_clock_monotonic_ns();
    drop_before_begin(check, now);
    check->step = HX_STEP_STARTING;
    check->is_finished = false;
    check->phase = -1;
    check->status.phase_set = 0;
    check->status.check_id = runner->next_check_id;
    runner->next_check_id += (int64_t)runner->options.n_engines;
    check->started_ns = now;
    hx_runner_count(runner, 1);
    hx_timer_set(&runner->deadlines, &check->deadline, now + policy_of(check)->timeout_ns);
    check->dependency->kind->start(check);
    if (check->is_finished)
        conclude(check);
    else
        check->step = HX_STEP_RUNNING;
}

void hx_check_due(struct hx_check *check, int64_t now_ns)
{
    struct hx_runner *runner = check->runner;
    int64_t missed;
    int64_t next = hx_schedule_next(&check->schedule, check->due.due_ns, now_ns, &missed);
    hx_timer_set(&runner->dues, &check->due, next);
    count_skipped(check, HX_SKIP_LATE, missed);
    if (check->step == HX_STEP_QUEUED) {
        count_skipped(check, HX_SKIP_CAPACITY, 1);
    } else if (check->step != HX_STEP_IDLE) {
        count_skipped(check, HX_SKIP_BUSY, 1);
    } else if (runner->n_in_flight < runner->n_slots) {
        hx_check_begin(check);
    } else {
        check->step = HX_STEP_QUEUED;
        hx_gauge_add(runner->options.queued, 1);
        check->next_queued = NULL;
        *runner->queue_last = check;
        runner->queue_last = &check->next_queued;
    }
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The runner: the turn that starts and ends the checks. Which checks there are is in change.c. Its
 * two handles lie in the runner, which outlives the loop.
 */
#include "engine/runner.h"

#include "base/clock.h"
#include "base/shard.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* Starts in one turn; more are left to the next, after the loop has read what came meanwhile, so
 * that a batch does not lengthen the latencies it measures. */
#define STARTS_PER_TURN 8

/* Starts are gathered on the ticks of this grid: to wake up costs more than most checks do. */
#define TICK_NS (10 * HX_NS_PER_MS)

#define OWNER(node, member) \
    ((struct hx_check *)(void *)((char *)(node)-offsetof(struct hx_check, member)))

static void on_timer(uv_timer_t *timer);
static void on_more(uv_idle_t *more);

void hx_runner_init(struct hx_runner *runner, const struct hx_runner_options *options)
{
    *runner = (struct hx_runner){.options = *options,
                                 .turn_at_ns = INT64_MAX,
                                 .turn_for_ns = INT64_MAX,
                                 .wall_offset_ns = hx_clock_wall_ns() - hx_clock_monotonic_ns(),
                                 .next_check_id = (int64_t)options->engine + 1,
                                 .random_state = options->seed + options->engine};
    runner->queue_last = &runner->queue_first;
    uv_timer_init(options->loop, &runner->timer);
    uv_idle_init(options->loop, &runner->more);
    runner->timer.data = runner;
    runner->more.data = runner;
}

/* SplitMix64 (Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014). */
uint64_t hx_runner_random(struct hx_runner *runner)
{
    uint64_t z = (runner->random_state += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

void hx_runner_count(struct hx_runner *runner, int more)
{
    runner->n_in_flight += (size_t)more;
    hx_gauge_add(runner->options.in_flight, more);
}

void hx_runner_report(struct hx_runner *runner, const char *name, const struct hx_report *report)
{
    if (runner->generation == NULL)
        return;
    size_t at = hx_generation_index(runner->generation, name);
    struct hx_check *check = at == SIZE_MAX ? NULL : runner->checks[at];
    if (check == NULL || check->dependency->kind->report == NULL)
        return;
    check->dependency->kind->report(check, report);
    if (check->step != HX_STEP_IDLE)
        return;
    hx_timer_set(&runner->dues, &check->due, hx_clock_monotonic_ns());
    hx_runner_arm(runner);
}

/* ------------------------------------------------------------------------------ the turn -- */

/* When there is something to do next; 0: at once, INT64_MAX: nothing. */
static int64_t next_moment(const struct hx_runner *runner)
{
    bool has_slot = runner->n_in_flight < runner->n_slots;
    if (runner->dropped != NULL || (runner->queue_first != NULL && has_slot))
        return 0;
    const struct hx_timer_node *due = hx_timer_first(&runner->dues);
    const struct hx_timer_node *deadline = hx_timer_first(&runner->deadlines);
    int64_t next = due == NULL ? INT64_MAX : due->due_ns;
    if (deadline != NULL && deadline->due_ns < next)
        next = deadline->due_ns;
    return next;
}

/* A turn at once, but after the loop has read what is there: a timer of 0 ms would not do, because
 * libuv 1.44 fires it again before it polls. */
static void arm_more(struct hx_runner *runner, int64_t now_ns)
{
    runner->turn_at_ns = now_ns;
    uv_timer_stop(&runner->timer);
    uv_idle_start(&runner->more, on_more);
}

void hx_runner_arm(struct hx_runner *runner)
{
    int64_t next = next_moment(runner);
    if (next >= runner->turn_for_ns || uv_is_closing((uv_handle_t *)&runner->timer))
        return;
    runner->turn_for_ns = next;
    int64_t now = hx_clock_monotonic_ns();
    if (next > now && next < INT64_MAX - TICK_NS)
        next += (TICK_NS - next % TICK_NS) % TICK_NS;
    if (next >= runner->turn_at_ns)
        return;
    if (next <= now) {
        arm_more(runner, now);
        return;
    }
    /* libuv counts in milliseconds from a cached clock: bring that up to date, and round up. */
    int64_t wait_ms = (next - now + HX_NS_PER_MS - 1) / HX_NS_PER_MS;
    uv_update_time(runner->options.loop);
    runner->turn_at_ns = now + wait_ms * HX_NS_PER_MS;
    uv_timer_start(&runner->timer, on_timer, (uint64_t)wait_ms, 0);
}

static void drop_listed(struct hx_runner *runner)
{
    while (runner->dropped != NULL) {
        struct hx_check *check = runner->dropped;
        runner->dropped = check->next_dropped;
        check->is_listed = false;
        if (check->is_to_be_dropped)
            hx_check_drop(check);
    }
}

static void expire_due(struct hx_runner *runner, int64_t now_ns)
{
    struct hx_timer_node *node;
    while ((node = hx_timer_first(&runner->deadlines)) != NULL && node->due_ns <= now_ns)
        hx_check_expire(OWNER(node, deadline), now_ns);
}

static void start_due(struct hx_runner *runner, int64_t now_ns)
{
    struct hx_timer_node *node;
    for (int started = 0; started < STARTS_PER_TURN; started++) {
        node = hx_timer_first(&runner->dues);
        if (node == NULL || node->due_ns > now_ns)
            return;
        hx_check_due(OWNER(node, due), now_ns);
    }
}

static void start_queued(struct hx_runner *runner)
{
    for (int started = 0; started < STARTS_PER_TURN; started++) {
        struct hx_check *check = runner->queue_first;
        if (check == NULL || runner->n_in_flight >= runner->n_slots)
            return;
        runner->queue_first = check->next_queued;
        if (runner->queue_first == NULL)
            runner->queue_last = &runner->queue_first;
        hx_gauge_add(runner->options.queued, -1);
        hx_check_begin(check);
    }
}

static void take_turn(struct hx_runner *runner, int64_t now_ns)
{
    runner->turn_at_ns = runner->turn_for_ns = INT64_MAX;
    expire_due(runner, now_ns);
    drop_listed(runner);
    start_queued(runner);
    start_due(runner, now_ns);
    hx_runner_arm(runner);
}

static void on_timer(uv_timer_t *timer)
{
    struct hx_runner *runner = timer->data;
    int64_t now = hx_clock_monotonic_ns();
    int64_t lag = now - runner->turn_at_ns;
    hx_histogram_observe(runner->options.loop_lag, lag > 0 ? (double)lag / 1e9 : 0);
    runner->wall_offset_ns = hx_clock_wall_ns() - now;
    take_turn(runner, now);
}

static void on_more(uv_idle_t *more)
{
    uv_idle_stop(more);
    take_turn(more->data, hx_clock_monotonic_ns());
}

void hx_runner_stop(struct hx_runner *runner)
{
    hx_runner_end_checks(runner);
    hx_timer_heap_fini(&runner->dues);
    hx_timer_heap_fini(&runner->deadlines);
    if (uv_is_closing((uv_handle_t *)&runner->timer))
        return;
    uv_close((uv_handle_t *)&runner->timer, NULL);
    uv_close((uv_handle_t *)&runner->more, NULL);
}

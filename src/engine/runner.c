/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The runner: which checks there are, and the turn that starts and ends them. Memory of a check is
 * freed as soon as kind->cancel has returned, because no callback comes after it; only the two
 * handles of the turn close later; they lie in the runner, which outlives the loop.
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

/* ------------------------------------------------------------------------- checks come and go --
 */

static enum hx_errcode share_of(struct hx_runner *runner, const struct hx_kind *kind, void **shared,
                                struct hx_error *err)
{
    *shared = NULL;
    if (kind->attach == NULL)
        return HX_OK;
    for (size_t i = 0; i < runner->n_parts; i++) {
        if (runner->parts[i].kind == kind) {
            *shared = runner->parts[i].shared;
            return HX_OK;
        }
    }
    struct hx_shared_part *parts =
        realloc(runner->parts, (runner->n_parts + 1) * sizeof(*runner->parts));
    if (parts == NULL)
        return hx_error_set(err, HX_ERR_NOMEM, "out of memory");
    runner->parts = parts;
    enum hx_errcode code = kind->attach(runner->options.loop, shared, err);
    if (code != HX_OK)
        return code;
    parts[runner->n_parts++] = (struct hx_shared_part){kind, *shared};
    return HX_OK;
}

static enum hx_errcode check_new(struct hx_runner *runner, struct hx_record *record,
                                 struct hx_check **check, struct hx_error *err)
{
    const struct hx_dependency *dependency = record->dependency;
    struct hx_check *c = calloc(1, sizeof(*c));
    void *run = calloc(1, dependency->kind->run_size + 1);
    if (c == NULL || run == NULL) {
        free(c);
        free(run);
        hx_error_set(err, HX_ERR_NOMEM, "out of memory");
        return HX_ERR_NOMEM;
    }
    enum hx_errcode code = share_of(runner, dependency->kind, &c->shared, err);
    if (code != HX_OK) {
        free(c);
        free(run);
        return hx_error_wrap(err, code, "dependency \"%s\"", dependency->name);
    }
    c->runner = runner;
    c->record = hx_record_hold(record);
    c->run = run;
    c->phase = -1;
    hx_schedule_init(&c->schedule, dependency->name, runner->options.seed,
                     dependency->policy.interval_ns);
    *check = c;
    return HX_OK;
}

static void unqueue(struct hx_runner *runner, struct hx_check *check)
{
    struct hx_check **link = &runner->queue_first;
    while (*link != NULL && *link != check)
        link = &(*link)->next_queued;
    if (*link == NULL)
        return;
    *link = check->next_queued;
    if (runner->queue_last == &check->next_queued)
        runner->queue_last = link;
}

void hx_runner_count(struct hx_runner *runner, int more)
{
    runner->n_in_flight += (size_t)more;
    hx_gauge_add(runner->options.in_flight, more);
}

static void unlist(struct hx_runner *runner, struct hx_check *check)
{
    struct hx_check **link = &runner->dropped;
    while (*link != NULL && *link != check)
        link = &(*link)->next_dropped;
    if (*link != NULL)
        *link = check->next_dropped;
}

static void check_free(struct hx_check *check)
{
    struct hx_runner *runner = check->runner;
    if (check->step == HX_STEP_QUEUED)
        unqueue(runner, check);
    if (check->step == HX_STEP_STARTING || check->step == HX_STEP_RUNNING)
        hx_runner_count(runner, -1);
    if (check->is_listed)
        unlist(runner, check);
    hx_timer_clear(&runner->dues, &check->due);
    hx_timer_clear(&runner->deadlines, &check->deadline);
    check->record->dependency->kind->cancel(check);
    hx_record_release(check->record);
    free(check->run);
    free(check);
}

static bool is_own(const struct hx_runner *runner, const struct hx_record *record)
{
    const struct hx_runner_options *options = &runner->options;
    return hx_shard_of(record->dependency->name, HX_SHARING_ENGINES, options->n_engines) ==
           options->engine;
}

/* Fills checks[] for the generation: those of records that stay are taken over, others made. */
static enum hx_errcode collect_checks(struct hx_runner *runner,
                                      const struct hx_generation *generation,
                                      struct hx_check **checks, struct hx_error *err)
{
    const struct hx_generation *old = runner->generation;
    for (size_t i = 0; i < generation->n; i++) {
        struct hx_record *record = generation->records[i];
        if (!is_own(runner, record))
            continue;
        size_t at = old == NULL ? SIZE_MAX : hx_generation_index(old, record->dependency->name);
        if (at != SIZE_MAX && old->records[at] == record) {
            checks[i] = runner->checks[at];
            continue;
        }
        enum hx_errcode code = check_new(runner, record, &checks[i], err);
        if (code != HX_OK)
            return code;
        assert(checks[i] != NULL);
    }
    return HX_OK;
}

/* Frees the checks of one set that are not in the other. */
static void free_others(struct hx_check **checks, size_t n, const struct hx_generation *kept,
                        struct hx_check *const *kept_checks)
{
    for (size_t i = 0; i < n; i++) {
        if (checks[i] == NULL)
            continue;
        size_t at = kept == NULL || kept_checks == NULL
                        ? SIZE_MAX
                        : hx_generation_index(kept, checks[i]->record->dependency->name);
        if (at == SIZE_MAX || kept_checks[at] != checks[i])
            check_free(checks[i]);
    }
}

void hx_runner_end_first_round(struct hx_runner *runner)
{
    if (runner->is_first_round_done)
        return;
    runner->is_first_round_done = true;
    if (hx_board_end_first_round(runner->options.board))
        hx_log(runner->options.log, HX_LOG_INFO, "first round of checks done",
               HX_LOG_INT("dependencies", (int64_t)runner->generation->n));
}

/* Slots are shared out as dependencies are: while there is one for each, an engine has one for each
 * of its own. */
static size_t share_of_slots(const struct hx_runner *runner, size_t n_own)
{
    size_t n = runner->generation->n;
    size_t share = n == 0 ? 0 : runner->options.max_in_flight * n_own / n;
    return share == 0 ? 1 : share;
}

static void begin_schedules(struct hx_runner *runner)
{
    int64_t now = hx_clock_monotonic_ns();
    size_t n_own = 0;
    runner->n_without_result = 0;
    for (size_t i = 0; i < runner->generation->n; i++) {
        struct hx_check *check = runner->checks[i];
        if (check == NULL)
            continue;
        n_own++;
        if (check->due.position == 0)
            hx_timer_set(&runner->dues, &check->due, hx_schedule_first(&check->schedule, now));
        if (!check->machine.has_result)
            runner->n_without_result++;
    }
    runner->n_slots = share_of_slots(runner, n_own);
    if (runner->n_without_result == 0)
        hx_runner_end_first_round(runner);
}

enum hx_errcode hx_runner_prepare(struct hx_runner *runner, struct hx_generation *generation,
                                  struct hx_change *change, struct hx_error *err)
{
    size_t n = generation->n;
    *change = (struct hx_change){generation, calloc(n + 1, sizeof(struct hx_check *))};
    enum hx_errcode code = HX_OK;
    if (change->checks == NULL || !hx_timer_heap_reserve(&runner->dues, runner->dues.n + n) ||
        !hx_timer_heap_reserve(&runner->deadlines, runner->deadlines.n + n))
        code = hx_error_set(err, HX_ERR_NOMEM, "out of memory");
    else
        code = collect_checks(runner, generation, change->checks, err);
    if (code != HX_OK)
        hx_runner_abandon(runner, change);
    return code;
}

void hx_runner_abandon(struct hx_runner *runner, struct hx_change *change)
{
    if (change->checks != NULL)
        free_others(change->checks, change->generation->n, runner->generation, runner->checks);
    free(change->checks);
    hx_generation_release(change->generation);
    *change = (struct hx_change){0};
}

void hx_runner_commit(struct hx_runner *runner, struct hx_change *change)
{
    if (runner->generation != NULL)
        free_others(runner->checks, runner->generation->n, change->generation, change->checks);
    free(runner->checks);
    hx_generation_release(runner->generation);
    runner->checks = change->checks;
    runner->generation = change->generation;
    *change = (struct hx_change){0};
    begin_schedules(runner);
    hx_runner_arm(runner);
}

void hx_runner_report(struct hx_runner *runner, const char *name, const struct hx_report *report)
{
    if (runner->generation == NULL)
        return;
    size_t at = hx_generation_index(runner->generation, name);
    struct hx_check *check = at == SIZE_MAX ? NULL : runner->checks[at];
    if (check == NULL || check->record->dependency->kind->report == NULL)
        return;
    check->record->dependency->kind->report(check, report);
    if (check->step != HX_STEP_IDLE)
        return;
    hx_timer_set(&runner->dues, &check->due, hx_clock_monotonic_ns());
    hx_runner_arm(runner);
}

/* ------------------------------------------------------------------------------ the turn -- */

/* When there is something to do next; INT64_MAX: nothing. */
static int64_t next_moment(const struct hx_runner *runner, int64_t now_ns)
{
    bool has_slot = runner->n_in_flight < runner->n_slots;
    if (runner->dropped != NULL || (runner->queue_first != NULL && has_slot))
        return now_ns;
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
    int64_t now = hx_clock_monotonic_ns();
    int64_t next = next_moment(runner, now);
    if (next > now && next < INT64_MAX - TICK_NS)
        next += (TICK_NS - next % TICK_NS) % TICK_NS;
    if (next >= runner->turn_at_ns || uv_is_closing((uv_handle_t *)&runner->timer))
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
        hx_check_begin(check);
    }
}

static void take_turn(struct hx_runner *runner)
{
    int64_t now = hx_clock_monotonic_ns();
    runner->turn_at_ns = INT64_MAX;
    expire_due(runner, now);
    drop_listed(runner);
    start_queued(runner);
    start_due(runner, now);
    hx_runner_arm(runner);
}

static void on_timer(uv_timer_t *timer)
{
    struct hx_runner *runner = timer->data;
    int64_t lag = hx_clock_monotonic_ns() - runner->turn_at_ns;
    hx_histogram_observe(runner->options.loop_lag, lag > 0 ? (double)lag / 1e9 : 0);
    take_turn(runner);
}

static void on_more(uv_idle_t *more)
{
    uv_idle_stop(more);
    take_turn(more->data);
}

void hx_runner_stop(struct hx_runner *runner)
{
    if (runner->generation != NULL)
        free_others(runner->checks, runner->generation->n, NULL, NULL);
    free(runner->checks);
    runner->checks = NULL;
    hx_generation_release(runner->generation);
    runner->generation = NULL;
    for (size_t i = 0; i < runner->n_parts; i++)
        runner->parts[i].kind->detach(runner->parts[i].shared);
    free(runner->parts);
    runner->parts = NULL;
    runner->n_parts = 0;
    hx_timer_heap_fini(&runner->dues);
    hx_timer_heap_fini(&runner->deadlines);
    if (uv_is_closing((uv_handle_t *)&runner->timer))
        return;
    uv_close((uv_handle_t *)&runner->timer, NULL);
    uv_close((uv_handle_t *)&runner->more, NULL);
}

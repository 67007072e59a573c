/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which checks a runner has: the change from one generation to the next, in two steps, so that what
 * can fail comes first and changes nothing. Memory of a check is freed as soon as kind->cancel has
 * returned, because no callback comes after it.
 */
#include "engine/runner.h"

#include "base/clock.h"
#include "base/shard.h"
#include "engine/slots.h"

#include <assert.h>
#include <stdlib.h>

static enum hx_errcode make_part(struct hx_runner *runner, struct hx_shared_part *part,
                                 struct hx_error *err)
{
    const struct hx_kind *kind = part->kind;
    const char *const labels[] = {"kind", kind->name, NULL};
    if (kind->has_connections) {
        part->connections = hx_registry_gauge(
            runner->options.registry, "health_exporter_dependency_connections",
            "Connections to dependencies that are open or being made, by kind.", labels, err);
        if (part->connections == NULL)
            return HX_ERR_NOMEM;
    }
    return kind->attach == NULL ? HX_OK : kind->attach(runner->options.loop, &part->shared, err);
}

/* Made for the first check of the kind. */
static enum hx_errcode part_of(struct hx_runner *runner, const struct hx_kind *kind,
                               struct hx_shared_part *part, struct hx_error *err)
{
    for (size_t i = 0; i < runner->n_parts; i++) {
        if (runner->parts[i].kind == kind) {
            *part = runner->parts[i];
            return HX_OK;
        }
    }
    struct hx_shared_part *parts =
        realloc(runner->parts, (runner->n_parts + 1) * sizeof(*runner->parts));
    if (parts == NULL)
        return hx_error_set(err, HX_ERR_NOMEM, "out of memory");
    runner->parts = parts;
    *part = (struct hx_shared_part){.kind = kind};
    enum hx_errcode code = make_part(runner, part, err);
    if (code == HX_OK)
        parts[runner->n_parts++] = *part;
    return code;
}

static enum hx_errcode check_new(struct hx_runner *runner, struct hx_record *record,
                                 struct hx_check **check, struct hx_error *err)
{
    const struct hx_dependency *dependency = record->dependency;
    struct hx_check *c = calloc(1, sizeof(*c) + dependency->kind->run_size);
    if (c == NULL)
        return hx_error_set(err, HX_ERR_NOMEM, "out of memory");
    struct hx_shared_part part = {0};
    enum hx_errcode code = part_of(runner, dependency->kind, &part, err);
    if (code != HX_OK) {
        free(c);
        return hx_error_wrap(err, code, "dependency \"%s\"", dependency->name);
    }
    c->runner = runner;
    c->record = hx_record_hold(record);
    c->dependency = dependency;
    c->run = c->run_memory;
    c->shared = part.shared;
    c->connections = part.connections;
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
    if (check->step == HX_STEP_QUEUED) {
        unqueue(runner, check);
        hx_gauge_add(runner->options.queued, -1);
    }
    if (check->step == HX_STEP_STARTING || check->step == HX_STEP_RUNNING)
        hx_runner_count(runner, -1);
    if (check->is_listed)
        unlist(runner, check);
    hx_timer_clear(&runner->dues, &check->due);
    hx_timer_clear(&runner->deadlines, &check->deadline);
    check->dependency->kind->cancel(check);
    hx_record_release(check->record);
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
static void take_slots(struct hx_runner *runner, size_t n_own)
{
    size_t n = runner->generation->n;
    struct hx_slots slots = hx_slots_of(runner->options.max_sockets, n);
    size_t share = n == 0 ? 0 : slots.n * n_own / n;
    runner->n_slots = share == 0 ? 1 : share;
    runner->is_keeping = slots.is_kept;
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
    take_slots(runner, n_own);
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

void hx_runner_end_checks(struct hx_runner *runner)
{
    if (runner->generation != NULL)
        free_others(runner->checks, runner->generation->n, NULL, NULL);
    free(runner->checks);
    runner->checks = NULL;
    hx_generation_release(runner->generation);
    runner->generation = NULL;
    for (size_t i = 0; i < runner->n_parts; i++) {
        if (runner->parts[i].kind->attach != NULL)
            runner->parts[i].kind->detach(runner->parts[i].shared);
    }
    free(runner->parts);
    runner->parts = NULL;
    runner->n_parts = 0;
}

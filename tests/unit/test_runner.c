/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The runner on a real loop with a kind of the test's own, whose checks do what their script says.
 */
#include "engine/runner.h"

#include "base/clock.h"
#include "base/option.h"
#include "engine/mask.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum script { PASS_AT_ONCE, FAIL_AT_ONCE, PASS_LATER, HANG, PASS_TWICE };

struct script_settings {
    char *password;
    int script;
};

struct script_run {
    uv_timer_t *timer;
    int64_t n_starts, n_cancels, n_connects, n_reports;
    bool is_connected;
    bool is_in_start;
};

static const struct hx_option script_options[] = {
    {.name = "password",
     .type = HX_OPTION_SECRET,
     .offset = offsetof(struct script_settings, password),
     .help = "secret"},
    {.name = NULL},
};

static void on_timer_closed(uv_handle_t *handle)
{
    free(handle);
}

static void stop_timer(struct script_run *run)
{
    if (run->timer != NULL)
        uv_close((uv_handle_t *)run->timer, on_timer_closed);
    run->timer = NULL;
}

static void on_later(uv_timer_t *timer)
{
    struct hx_check *check = timer->data;
    struct script_run *run = hx_check_run(check);
    stop_timer(run);
    hx_check_pass(check);
    assert_true(run->is_connected); /* no cancel from within the finish */
}

static void pass_later(struct hx_check *check, struct script_run *run, uint64_t ms)
{
    run->timer = calloc(1, sizeof(*run->timer));
    uv_timer_init(hx_check_loop(check), run->timer);
    run->timer->data = check;
    uv_timer_start(run->timer, on_later, ms, 0);
}

static void script_start(struct hx_check *check)
{
    struct script_run *run = hx_check_run(check);
    const struct script_settings *settings = hx_check_settings(check);
    run->n_starts++;
    run->is_in_start = true;
    if (!run->is_connected)
        run->n_connects++;
    run->is_connected = true;
    hx_check_enter(check, HX_PHASE_CONNECT);
    switch ((enum script)settings->script) {
    case PASS_AT_ONCE:
        hx_check_pass(check);
        break;
    case PASS_TWICE:
        hx_check_pass(check);
        hx_check_fail(check, HX_REASON_PROTOCOL, "too late");
        break;
    case FAIL_AT_ONCE:
        hx_check_fail(check, HX_REASON_REFUSED, "said %s\nand more", settings->password);
        break;
    case PASS_LATER:
        pass_later(check, run, 5);
        break;
    case HANG:
        break;
    }
    run->is_in_start = false;
}

static void script_cancel(struct hx_check *check)
{
    struct script_run *run = hx_check_run(check);
    assert_false(run->is_in_start);
    run->n_cancels++;
    run->is_connected = false;
    stop_timer(run);
}

static void script_report(struct hx_check *check, const struct hx_report *report)
{
    (void)report;
    ((struct script_run *)hx_check_run(check))->n_reports++;
}

static const enum hx_reason script_reasons[] = {HX_REASON_REFUSED, HX_REASON_PROTOCOL,
                                                HX_REASON_NONE};

static const struct hx_kind script_kind = {
    .name = "script",
    .options = script_options,
    .reasons = script_reasons,
    .settings_size = sizeof(struct script_settings),
    .run_size = sizeof(struct script_run),
    .start = script_start,
    .cancel = script_cancel,
    .report = script_report,
};

/* ---- the fixture: a loop, a board, a runner ---- */

struct fixture {
    uv_loop_t loop;
    uv_timer_t ticker; /* makes the loop return while nothing is due */
    struct hx_board board;
    struct hx_registry *registry;
    struct hx_runner runner;
};

static struct hx_dependency *dependency_of(const char *name, enum script script)
{
    struct hx_dependency *dependency = calloc(1, sizeof(*dependency));
    dependency->name = strdup(name);
    dependency->kind = &script_kind;
    assert_int_equal(hx_options_default(hx_policy_options, &dependency->policy, NULL), HX_OK);
    dependency->policy.interval_ns = 40 * HX_NS_PER_MS;
    dependency->policy.timeout_ns = 20 * HX_NS_PER_MS;
    assert_int_equal(hx_policy_complete(&dependency->policy, NULL), HX_OK);
    struct script_settings *settings = calloc(1, sizeof(*settings));
    settings->script = (int)script;
    settings->password = strdup("hunter2");
    dependency->settings = settings;
    return dependency;
}

static void on_tick(uv_timer_t *timer)
{
    (void)timer;
}

static void begin(struct fixture *f, size_t max_in_flight)
{
    memset(f, 0, sizeof(*f));
    assert_int_equal(uv_loop_init(&f->loop), 0);
    uv_timer_init(&f->loop, &f->ticker);
    uv_timer_start(&f->ticker, on_tick, 5, 5);
    assert_int_equal(hx_board_init(&f->board, NULL), HX_OK);
    f->registry = hx_registry_new();
    struct hx_runner_options options = {
        .loop = &f->loop,
        .board = &f->board,
        .loop_lag = hx_registry_histogram(f->registry, "lag_seconds", "h", NULL, NULL, 0, NULL),
        .in_flight = hx_registry_gauge(f->registry, "in_flight", "h", NULL, NULL),
        .queued = hx_registry_gauge(f->registry, "queued", "h", NULL, NULL),
        .registry = f->registry,
        .n_engines = 1,
        .max_sockets = 2 * max_in_flight,
        .seed = 1,
    };
    hx_runner_init(&f->runner, &options);
}

static void apply(struct fixture *f, struct hx_record **records, size_t n)
{
    struct hx_generation *generation = NULL;
    assert_int_equal(hx_generation_new(records, n, NULL, &generation, NULL), HX_OK);
    struct hx_change change;
    assert_int_equal(hx_runner_prepare(&f->runner, generation, &change, NULL), HX_OK);
    hx_runner_commit(&f->runner, &change);
}

static struct hx_record *add(struct fixture *f, struct hx_dependency *dependency)
{
    struct hx_record *record = NULL;
    assert_int_equal(hx_record_new(dependency, &record, NULL), HX_OK);
    apply(f, &record, 1);
    return record;
}

static struct script_run *run_of(struct fixture *f, size_t i)
{
    return f->runner.checks[i]->run;
}

static struct hx_status status_of(const struct hx_record *record)
{
    struct hx_status status;
    hx_record_read(record, &status);
    return status;
}

static uint64_t n_checks(const struct hx_record *record)
{
    uint64_t n = 0;
    for (size_t i = 0; i <= HX_DURATION_BOUNDS; i++)
        n += atomic_load(&record->durations.cells->counts[i]);
    return n;
}

/* Turns the loop until the record has n checks; fails after 5 s. */
static void run_until_checks(struct fixture *f, const struct hx_record *record, uint64_t n)
{
    int64_t limit = hx_clock_monotonic_ns() + 5 * HX_NS_PER_S;
    while (n_checks(record) < n) {
        assert_true(hx_clock_monotonic_ns() < limit);
        uv_run(&f->loop, UV_RUN_ONCE);
    }
}

static void end(struct fixture *f)
{
    hx_runner_stop(&f->runner);
    uv_close((uv_handle_t *)&f->ticker, NULL);
    uv_run(&f->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&f->loop), 0);
    hx_board_fini(&f->board);
    hx_registry_free(f->registry);
}

/* ---- what is true of it ---- */

static void a_check_may_end_within_start(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f, 10);
    struct hx_record *record = add(&f, dependency_of("a", PASS_AT_ONCE));
    run_until_checks(&f, record, 3);
    struct hx_status status = status_of(record);
    assert_int_equal(status.state, HX_STATE_UP);
    assert_int_equal(status.has_ever_passed, 1);
    assert_int_equal(status.phase_set, 1 << HX_PHASE_CONNECT);
    assert_string_equal(status.message, "");
    assert_int_equal(run_of(&f, 0)->n_connects, 1); /* kept */
    assert_int_equal(run_of(&f, 0)->n_cancels, 0);
    end(&f);
}

static void the_phases_of_a_check_last_from_its_begin_to_its_end(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f, 10);
    struct hx_record *record = add(&f, dependency_of("a", PASS_LATER));
    run_until_checks(&f, record, 1);
    struct hx_status status = status_of(record);
    assert_int_equal(status.phase_set, 1 << HX_PHASE_CONNECT);
    assert_int_equal(status.phases_ns[HX_PHASE_CONNECT], status.duration_ns);
    end(&f);
}

static void a_kept_connection_is_dropped_after_each_check_when_fresh_is_wanted(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f, 10);
    struct hx_dependency *dependency = dependency_of("a", PASS_LATER);
    dependency->policy.connection = HX_CONNECTION_FRESH;
    struct hx_record *record = add(&f, dependency);
    run_until_checks(&f, record, 3);
    assert_int_equal(run_of(&f, 0)->n_connects, run_of(&f, 0)->n_starts);
    end(&f);
}

/* Readers took it for unknown meanwhile, so bodies that say so are wrong from now on. */
static void a_result_after_a_stale_one_moves_the_verdict(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f, 10);
    struct hx_dependency *dependency = dependency_of("a", PASS_AT_ONCE);
    dependency->policy.stale_after_ns = HX_NS_PER_MS;
    struct hx_record *record = add(&f, dependency);
    run_until_checks(&f, record, 1);
    uint64_t version = atomic_load(&f.board.verdict_version);
    run_until_checks(&f, record, 2);
    assert_true(atomic_load(&f.board.verdict_version) > version);
    end(&f);
}

static void a_fresh_result_like_the_one_before_moves_no_verdict(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f, 10);
    struct hx_dependency *dependency = dependency_of("a", PASS_AT_ONCE);
    dependency->policy.stale_after_ns = 60 * HX_NS_PER_S;
    struct hx_record *record = add(&f, dependency);
    run_until_checks(&f, record, 1);
    uint64_t version = atomic_load(&f.board.verdict_version);
    run_until_checks(&f, record, 3);
    assert_int_equal(atomic_load(&f.board.verdict_version), version);
    end(&f);
}

static void a_connection_older_than_its_age_is_dropped(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f, 10);
    struct hx_dependency *dependency = dependency_of("a", PASS_AT_ONCE);
    dependency->policy.max_connection_age_ns = 100 * HX_NS_PER_MS;
    struct hx_record *record = add(&f, dependency);
    run_until_checks(&f, record, 12);
    int64_t connects = run_of(&f, 0)->n_connects;
    assert_in_range(connects, 2, 8);
    end(&f);
}

static void the_first_end_counts(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f, 10);
    struct hx_record *record = add(&f, dependency_of("a", PASS_TWICE));
    run_until_checks(&f, record, 2);
    assert_int_equal(status_of(record).state, HX_STATE_UP);
    assert_int_equal(atomic_load(&record->failures[HX_REASON_PROTOCOL]), 0);
    end(&f);
}

static void a_check_that_hangs_ends_at_its_deadline_with_the_phase_in_its_message(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f, 10);
    struct hx_record *record = add(&f, dependency_of("a", HANG));
    run_until_checks(&f, record, 1);
    struct hx_status status = status_of(record);
    assert_int_equal(status.state, HX_STATE_DOWN);
    assert_int_equal(status.reason, HX_REASON_TIMEOUT);
    assert_string_equal(status.message, "no result within 20ms, in phase connect");
    assert_true(status.duration_ns >= 20 * HX_NS_PER_MS);
    assert_int_equal(atomic_load(&record->failures[HX_REASON_TIMEOUT]), 1);
    run_until_checks(&f, record, 2);
    assert_int_equal(run_of(&f, 0)->n_cancels, 2);
    end(&f);
}

static void an_open_breaker_makes_checks_rarer_and_counts_what_it_left_out(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f, 10);
    struct hx_dependency *dependency = dependency_of("a", FAIL_AT_ONCE);
    dependency->policy.breaker_failures = 2;
    dependency->policy.breaker_max_interval_ns = 3600 * HX_NS_PER_S;
    struct hx_record *record = add(&f, dependency);
    run_until_checks(&f, record, 1);
    assert_int_equal(status_of(record).is_breaker_open, 0);
    run_until_checks(&f, record, 5);
    struct hx_status status = status_of(record);
    assert_int_equal(status.is_breaker_open, 1);
    assert_int_equal(status.state, HX_STATE_DOWN);
    /* After five failures the wait is 2 to the 4th intervals, less a tenth at most. */
    int64_t wait_ns = f.runner.checks[0]->due.due_ns - f.runner.checks[0]->finished_ns;
    assert_in_range(wait_ns, 16 * 40 * HX_NS_PER_MS * 9 / 10, 16 * 40 * HX_NS_PER_MS * 11 / 10);
    assert_true(status.fresh_until_ns > f.runner.checks[0]->due.due_ns);
    assert_true(atomic_load(&record->skipped[HX_SKIP_BREAKER]) >= 20);
    end(&f);
}

static void a_change_is_confirmed_at_the_retry_interval(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f, 10);
    struct hx_dependency *dependency = dependency_of("a", FAIL_AT_ONCE);
    dependency->policy.interval_ns = 3600 * HX_NS_PER_S;
    dependency->policy.retry_interval_ns = 30 * HX_NS_PER_MS;
    dependency->policy.failure_threshold = 3;
    dependency->policy.success_threshold = 1;
    struct hx_record *record = add(&f, dependency);
    f.runner.checks[0]->machine =
        (struct hx_machine){.state = HX_STATE_UP, .has_result = true, .successes_in_row = 1};
    struct hx_report report = {.is_pass = true};
    hx_runner_report(&f.runner, "a", &report);
    run_until_checks(&f, record, 3); /* an hour apart without the retry interval */
    assert_int_equal(status_of(record).state, HX_STATE_DOWN);
    assert_true(f.runner.checks[0]->due.due_ns - f.runner.checks[0]->finished_ns >
                1000 * HX_NS_PER_S);
    end(&f);
}

static void a_message_shows_no_secret_and_no_control_character(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f, 10);
    struct hx_record *record = add(&f, dependency_of("a", FAIL_AT_ONCE));
    run_until_checks(&f, record, 1);
    assert_string_equal(status_of(record).message, "said <secret>?and more");
    end(&f);
}

static void a_message_is_cut_whole_and_never_within_a_secret(void **state)
{
    (void)state;
    struct hx_dependency *dependency = dependency_of("a", PASS_AT_ONCE);
    char text[16];
    hx_mask_message(dependency, "0123456789abcdefghi", text, sizeof(text));
    assert_string_equal(text, "0123456789ab...");
    hx_mask_message(dependency, "0123456789abcde", text, sizeof(text));
    assert_string_equal(text, "0123456789abcde");
    hx_mask_message(dependency, "0123456hunter2x", text, sizeof(text));
    assert_string_equal(text, "0123456...");
    hx_mask_message(dependency, "hunter2\xff\x01", text, sizeof(text));
    assert_string_equal(text, "<secret>\?\?");
    hx_mask_message(dependency, NULL, text, sizeof(text));
    assert_string_equal(text, "");
    hx_dependency_free(dependency);
}

/* Redis quotes 128 bytes of what it does not understand; tokens of clouds have a thousand. */
static void a_large_part_of_a_secret_is_not_shown_either(void **state)
{
    (void)state;
    struct hx_dependency *dependency = dependency_of("a", PASS_AT_ONCE);
    char text[64];
    free(dependency->url.password);
    dependency->url.password = strdup("token-of-a-cloud-which-is-long");
    hx_mask_message(dependency, "bad `token-of-a-cloud' and `token-of-a-clou'", text, sizeof(text));
    assert_string_equal(text, "bad `<secret>' and `token-of-a-clou'");
    hx_dependency_free(dependency);
}

static void the_first_round_is_done_when_all_have_a_result(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f, 10);
    struct hx_record *records[3] = {NULL};
    const char *names[] = {"a", "b", "c"};
    static const enum script scripts[] = {PASS_AT_ONCE, FAIL_AT_ONCE, HANG};
    for (int i = 0; i < 3; i++)
        assert_int_equal(hx_record_new(dependency_of(names[i], scripts[i]), &records[i], NULL),
                         HX_OK);
    apply(&f, records, 3);
    assert_false(atomic_load(&f.board.is_first_round_done));
    for (int i = 0; i < 3; i++)
        run_until_checks(&f, records[i], 1);
    assert_true(atomic_load(&f.board.is_first_round_done));
    end(&f);
}

static void never_more_checks_run_than_there_are_slots(void **state)
{
    (void)state;
    enum { N = 20 };
    struct fixture f;
    begin(&f, 2);
    struct hx_record *records[N];
    for (int i = 0; i < N; i++) {
        char name[16];
        snprintf(name, sizeof(name), "d%d", i);
        assert_int_equal(hx_record_new(dependency_of(name, PASS_LATER), &records[i], NULL), HX_OK);
    }
    apply(&f, records, N);
    uint64_t skipped = 0;
    int64_t limit = hx_clock_monotonic_ns() + 5 * HX_NS_PER_S;
    while (n_checks(records[0]) < 5 || n_checks(records[N - 1]) < 5) {
        assert_true(hx_clock_monotonic_ns() < limit);
        uv_run(&f.loop, UV_RUN_ONCE);
        assert_true(f.runner.n_in_flight <= 2);
    }
    for (int i = 0; i < N; i++) {
        assert_int_equal(status_of(records[i]).state, HX_STATE_UP);
        skipped += atomic_load(&records[i]->skipped[HX_SKIP_CAPACITY]);
    }
    assert_true(skipped > 0); /* 20 checks of 5 ms in 2 slots take 50 ms of 40 */
    end(&f);
}

static void a_report_is_handed_over_and_checked_at_once(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f, 10);
    struct hx_dependency *dependency = dependency_of("a", PASS_AT_ONCE);
    dependency->policy.interval_ns = 3600 * HX_NS_PER_S;
    struct hx_record *record = add(&f, dependency);
    struct hx_report report = {.is_pass = true};
    hx_runner_report(&f.runner, "a", &report);
    hx_runner_report(&f.runner, "nobody", &report);
    run_until_checks(&f, record, 1);
    assert_int_equal(run_of(&f, 0)->n_reports, 1);
    end(&f);
}

static void another_generation_leaves_shared_records_undisturbed(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f, 10);
    struct hx_record *first[2] = {NULL};
    assert_int_equal(hx_record_new(dependency_of("stays", PASS_AT_ONCE), &first[0], NULL), HX_OK);
    assert_int_equal(hx_record_new(dependency_of("goes", HANG), &first[1], NULL), HX_OK);
    apply(&f, first, 2);
    run_until_checks(&f, first[0], 2);
    struct hx_check *check = f.runner.checks[0];
    int64_t due = check->due.due_ns;
    struct hx_record *second[2] = {NULL, hx_record_hold(first[0])};
    assert_int_equal(hx_record_new(dependency_of("comes", PASS_LATER), &second[0], NULL), HX_OK);
    apply(&f, second, 2);
    assert_ptr_equal(f.runner.checks[1], check);
    assert_int_equal(check->due.due_ns, due);
    assert_int_equal(run_of(&f, 1)->n_cancels, 0);
    run_until_checks(&f, second[0], 1);
    run_until_checks(&f, second[1], 4);
    assert_int_equal(run_of(&f, 1)->n_connects, 1);
    end(&f);
}

static void each_check_stands_in_the_history(void **state)
{
    (void)state;
    struct fixture f;
    struct hx_history_view view;
    begin(&f, 10);
    struct hx_record *record = NULL;
    assert_int_equal(hx_record_new(dependency_of("a", FAIL_AT_ONCE), &record, NULL), HX_OK);
    struct hx_history_scale scale =
        hx_history_scale(HX_HISTORY_DEFAULT_NS, hx_clock_wall_ns(), hx_clock_monotonic_ns());
    assert_int_equal(hx_record_enable_history(record, &scale, NULL), HX_OK);
    apply(&f, &record, 1);
    run_until_checks(&f, record, 3);
    assert_true(hx_record_history(record, hx_clock_monotonic_ns(), &view));
    uint64_t n = 0, n_failures = 0;
    double down_s = 0;
    for (size_t i = 0; i < HX_HISTORY_BUCKETS; i++) {
        n += view.buckets[i].n_checks;
        n_failures += view.buckets[i].n_failures;
        down_s += view.buckets[i].down_s;
    }
    assert_int_equal(n, n_checks(record));
    assert_int_equal(n_failures, n);
    assert_true(down_s >= 0.07); /* two intervals, less the rounding of the schedule */
    end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_check_may_end_within_start),
        cmocka_unit_test(the_phases_of_a_check_last_from_its_begin_to_its_end),
        cmocka_unit_test(a_kept_connection_is_dropped_after_each_check_when_fresh_is_wanted),
        cmocka_unit_test(a_result_after_a_stale_one_moves_the_verdict),
        cmocka_unit_test(a_fresh_result_like_the_one_before_moves_no_verdict),
        cmocka_unit_test(a_connection_older_than_its_age_is_dropped),
        cmocka_unit_test(the_first_end_counts),
        cmocka_unit_test(a_check_that_hangs_ends_at_its_deadline_with_the_phase_in_its_message),
        cmocka_unit_test(an_open_breaker_makes_checks_rarer_and_counts_what_it_left_out),
        cmocka_unit_test(a_change_is_confirmed_at_the_retry_interval),
        cmocka_unit_test(a_message_shows_no_secret_and_no_control_character),
        cmocka_unit_test(a_message_is_cut_whole_and_never_within_a_secret),
        cmocka_unit_test(a_large_part_of_a_secret_is_not_shown_either),
        cmocka_unit_test(the_first_round_is_done_when_all_have_a_result),
        cmocka_unit_test(never_more_checks_run_than_there_are_slots),
        cmocka_unit_test(a_report_is_handed_over_and_checked_at_once),
        cmocka_unit_test(another_generation_leaves_shared_records_undisturbed),
        cmocka_unit_test(each_check_stands_in_the_history),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The engine in its own thread, seen from others as the web sees it: reports, readers and new
 * generations at once. Run under ThreadSanitizer too.
 */
#include "engine/engines.h"

#include "base/clock.h"
#include "base/option.h"
#include "engine/scrape.h"

#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* A kind that passes once it has been told so. */
struct told_run {
    bool is_told;
};

static void told_start(struct hx_check *check)
{
    struct told_run *run = hx_check_run(check);
    if (run->is_told)
        hx_check_pass(check);
    else
        hx_check_fail(check, HX_REASON_UNAVAILABLE, "not told yet");
}

static void told_cancel(struct hx_check *check)
{
    (void)check;
}

static void told_report(struct hx_check *check, const struct hx_report *report)
{
    ((struct told_run *)hx_check_run(check))->is_told = report->is_pass;
}

static const struct hx_option no_options[] = {{.name = NULL}};
static const enum hx_reason reasons[] = {HX_REASON_UNAVAILABLE, HX_REASON_NONE};
static const struct hx_kind told = {.name = "told",
                                    .options = no_options,
                                    .reasons = reasons,
                                    .run_size = sizeof(struct told_run),
                                    .start = told_start,
                                    .cancel = told_cancel,
                                    .report = told_report};
static const struct hx_kind deaf = {.name = "deaf",
                                    .options = no_options,
                                    .reasons = reasons,
                                    .run_size = sizeof(struct told_run),
                                    .start = told_start,
                                    .cancel = told_cancel};

struct fixture {
    struct hx_board board;
    struct hx_registry *registry;
    struct hx_engines *engines;
};

static struct hx_record *record_of(const char *name, const struct hx_kind *kind)
{
    struct hx_dependency *dependency = calloc(1, sizeof(*dependency));
    struct hx_record *record = NULL;
    dependency->name = strdup(name);
    dependency->kind = kind;
    assert_int_equal(hx_options_default(hx_policy_options, &dependency->policy, NULL), HX_OK);
    dependency->policy.interval_ns = 20 * HX_NS_PER_MS;
    dependency->policy.timeout_ns = 10 * HX_NS_PER_MS;
    assert_int_equal(hx_policy_complete(&dependency->policy, NULL), HX_OK);
    assert_int_equal(hx_record_new(dependency, &record, NULL), HX_OK);
    return record;
}

static void apply(struct fixture *f, struct hx_record **records, size_t n)
{
    struct hx_generation *generation = NULL;
    assert_int_equal(hx_generation_new(records, n, NULL, &generation, NULL), HX_OK);
    assert_int_equal(hx_engines_apply(f->engines, generation, NULL), HX_OK);
}

static void begin(struct fixture *f)
{
    memset(f, 0, sizeof(*f));
    assert_int_equal(hx_board_init(&f->board, NULL), HX_OK);
    f->registry = hx_registry_new();
    struct hx_engine_options options = {
        .board = &f->board, .registry = f->registry, .n_engines = 1, .max_sockets = 200, .seed = 7};
    assert_int_equal(hx_engines_new(&options, &f->engines, NULL), HX_OK);
}

static void end(struct fixture *f)
{
    hx_engines_free(f->engines);
    hx_board_fini(&f->board);
    hx_registry_free(f->registry);
}

static enum hx_state state_of(struct fixture *f, const char *name)
{
    struct hx_generation *generation = hx_board_hold(&f->board);
    struct hx_record *record = hx_generation_find(generation, name);
    enum hx_state state =
        record == NULL ? HX_STATE_UNKNOWN : hx_record_state(record, hx_clock_monotonic_ns());
    hx_generation_release(generation);
    return state;
}

static void wait_for_state(struct fixture *f, const char *name, enum hx_state state)
{
    int64_t limit = hx_clock_monotonic_ns() + 10 * HX_NS_PER_S;
    while (state_of(f, name) != state) {
        assert_true(hx_clock_monotonic_ns() < limit);
        sched_yield();
    }
}

static void a_report_from_another_thread_changes_the_state(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f);
    struct hx_record *records[] = {record_of("model", &told), record_of("other", &deaf)};
    apply(&f, records, 2);
    assert_int_equal(hx_engines_start(f.engines, NULL), HX_OK);
    wait_for_state(&f, "model", HX_STATE_DOWN);
    struct hx_report report = {.is_pass = true};
    assert_int_equal(hx_engines_report(f.engines, "model", &report, NULL), HX_OK);
    wait_for_state(&f, "model", HX_STATE_UP);
    struct hx_error err;
    assert_int_equal(hx_engines_report(f.engines, "nobody", &report, &err), HX_ERR_NOTFOUND);
    assert_string_equal(err.message, "no dependency named \"nobody\"");
    assert_int_equal(hx_engines_report(f.engines, "other", &report, &err), HX_ERR_UNSUPPORTED);
    end(&f);
}

static void an_engine_that_never_ran_is_freed_whole(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f);
    struct hx_record *records[] = {record_of("model", &told)};
    apply(&f, records, 1);
    end(&f);
}

static void the_heartbeat_is_on_the_board_before_the_first_check(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f);
    struct hx_record *records[] = {record_of("model", &told)};
    apply(&f, records, 1);
    assert_int_equal(hx_engines_start(f.engines, NULL), HX_OK);
    assert_true(atomic_load(&f.board.heartbeat_ns) > 0);
    end(&f);
}

/* A kind that does what none may: it blocks the loop, until the test lets it go. */
static pthread_mutex_t blocking_gate = PTHREAD_MUTEX_INITIALIZER;

static void blocking_start(struct hx_check *check)
{
    pthread_mutex_lock(&blocking_gate);
    pthread_mutex_unlock(&blocking_gate);
    hx_check_pass(check);
}

static const struct hx_kind blocking = {.name = "blocking",
                                        .options = no_options,
                                        .reasons = reasons,
                                        .run_size = sizeof(struct told_run),
                                        .start = blocking_start,
                                        .cancel = told_cancel};

static void wait_until_live_is(struct fixture *f, bool is_live)
{
    int64_t limit = hx_clock_monotonic_ns() + 10 * HX_NS_PER_S;
    while (hx_board_is_live(&f->board, hx_clock_monotonic_ns(), NULL) != is_live) {
        assert_true(hx_clock_monotonic_ns() < limit);
        sched_yield();
    }
}

static void a_loop_that_is_blocked_is_not_live_until_it_turns_again(void **state)
{
    (void)state;
    struct fixture f;
    int64_t stalled_ns;
    begin(&f);
    f.board.liveness_grace_ns = 1200 * HX_NS_PER_MS;
    struct hx_record *records[] = {record_of("stone", &blocking)};
    apply(&f, records, 1);
    pthread_mutex_lock(&blocking_gate);
    assert_int_equal(hx_engines_start(f.engines, NULL), HX_OK);
    assert_true(hx_board_is_live(&f.board, hx_clock_monotonic_ns(), NULL));
    wait_until_live_is(&f, false);
    assert_false(hx_board_is_live(&f.board, hx_clock_monotonic_ns(), &stalled_ns));
    assert_true(stalled_ns > f.board.liveness_grace_ns);
    pthread_mutex_unlock(&blocking_gate);
    wait_until_live_is(&f, true);
    wait_for_state(&f, "stone", HX_STATE_UP);
    end(&f);
}

struct readers {
    struct fixture *f;
    atomic_bool is_over;
    atomic_long n_pages;
};

static void *scrape_and_report(void *data)
{
    struct readers *readers = data;
    while (!atomic_load(&readers->is_over)) {
        struct hx_scrape scrape;
        struct hx_strbuf text;
        struct hx_report report = {.is_pass = atomic_load(&readers->n_pages) % 2 == 0};
        hx_strbuf_init(&text);
        hx_scrape_begin(&scrape, &readers->f->board, readers->f->registry, HX_FORMAT_TEXT);
        while (!scrape.page.is_done)
            hx_page_write(&scrape.page, &text, 512);
        hx_scrape_end(&scrape);
        hx_strbuf_fini(&text);
        /* The dependency comes and goes: both answers are right. */
        (void)!hx_engines_report(readers->f->engines, "model", &report, NULL);
        atomic_fetch_add(&readers->n_pages, 1);
    }
    return NULL;
}

static void readers_reports_and_generations_may_come_at_once(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f);
    struct readers readers = {.f = &f};
    struct hx_record *stays = record_of("stays", &told);
    struct hx_record *first[] = {hx_record_hold(stays)};
    pthread_t threads[2];
    apply(&f, first, 1);
    assert_int_equal(hx_engines_start(f.engines, NULL), HX_OK);
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, scrape_and_report, &readers), 0);
    for (int round = 0; round < 50 || atomic_load(&readers.n_pages) < 200; round++) {
        struct hx_record *both[] = {hx_record_hold(stays), record_of("model", &told)};
        apply(&f, both, round % 2 == 0 ? 2 : 1);
        if (round % 2 == 1)
            hx_record_release(both[1]);
        sched_yield();
    }
    atomic_store(&readers.is_over, true);
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    wait_for_state(&f, "stays", HX_STATE_DOWN);
    hx_record_release(stays);
    end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_report_from_another_thread_changes_the_state),
        cmocka_unit_test(an_engine_that_never_ran_is_freed_whole),
        cmocka_unit_test(a_loop_that_is_blocked_is_not_live_until_it_turns_again),
        cmocka_unit_test(the_heartbeat_is_on_the_board_before_the_first_check),
        cmocka_unit_test(readers_reports_and_generations_may_come_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

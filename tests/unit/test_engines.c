/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Three engines over one board: what each does by itself, and what they do as one. Run under
 * ThreadSanitizer too.
 */
#include "engine/engines.h"

#include "base/clock.h"
#include "base/option.h"
#include "base/shard.h"
#include "engine/scrape.h"

#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define N_ENGINES 3

/* ---- kinds of the test's own ---- */

static void ignore(struct hx_check *check)
{
    (void)check;
}

/* Passes, and tells the thread in which it was checked. */
static void pass_with_thread(struct hx_check *check)
{
    hx_check_value(check, 0, gettid());
    hx_check_pass(check);
}

/* What no kind may do: it blocks the loop, until the test lets it go. */
static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;

static void block(struct hx_check *check)
{
    pthread_mutex_lock(&gate);
    pthread_mutex_unlock(&gate);
    hx_check_pass(check);
}

static void note_report(struct hx_check *check, const struct hx_report *report)
{
    *(bool *)hx_check_run(check) = report->is_pass;
}

static void pass_once_told(struct hx_check *check)
{
    if (*(bool *)hx_check_run(check))
        hx_check_pass(check);
    else
        hx_check_fail(check, HX_REASON_UNAVAILABLE, "not told yet");
}

static atomic_int n_cancelled;

static void count_cancel(struct hx_check *check)
{
    (void)check;
    atomic_fetch_add(&n_cancelled, 1);
}

/* The third loop that it is to be attached to is one too many. */
static atomic_int n_attached;

static enum hx_errcode attach_twice(struct uv_loop_s *loop, void **shared, struct hx_error *err)
{
    (void)loop;
    *shared = NULL;
    if (atomic_fetch_add(&n_attached, 1) == 2)
        return hx_error_set(err, HX_ERR_SYSTEM, "no loop more");
    return HX_OK;
}

static void detach(void *shared)
{
    (void)shared;
    atomic_fetch_sub(&n_attached, 1);
}

static const struct hx_option no_options[] = {{.name = NULL}};
static const enum hx_reason reasons[] = {HX_REASON_UNAVAILABLE, HX_REASON_NONE};
static const char *const values[] = {"thread", NULL};
#define KIND .options = no_options, .reasons = reasons, .values = values, .run_size = 8
static const struct hx_kind quick = {
    .name = "quick", KIND, .start = pass_with_thread, .cancel = ignore};
static const struct hx_kind stone = {.name = "stone", KIND, .start = block, .cancel = ignore};
static const struct hx_kind told = {
    .name = "told", KIND, .start = pass_once_told, .cancel = ignore, .report = note_report};
static const struct hx_kind hangs = {
    .name = "hangs", KIND, .start = ignore, .cancel = count_cancel};
static const struct hx_kind rare = {.name = "rare",
                                    KIND,
                                    .attach = attach_twice,
                                    .detach = detach,
                                    .start = pass_with_thread,
                                    .cancel = ignore};

/* ---- the fixture ---- */

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

/* A name that belongs to this engine. */
static const char *name_in(size_t engine, char name[32])
{
    int i = 0;
    do
        snprintf(name, 32, "peer%d", i++);
    while (hx_shard_of(name, HX_SHARING_ENGINES, N_ENGINES) != engine);
    return name;
}

static struct hx_generation *generation_of(struct hx_record **records, size_t n)
{
    struct hx_generation *generation = NULL;
    assert_int_equal(hx_generation_new(records, n, NULL, &generation, NULL), HX_OK);
    return generation;
}

static void apply(struct fixture *f, struct hx_record **records, size_t n)
{
    assert_int_equal(hx_engines_apply(f->engines, generation_of(records, n), NULL), HX_OK);
}

/* Applies n dependencies of a kind, "db0", "db1" ... */
static void apply_many(struct fixture *f, size_t n, const struct hx_kind *kind)
{
    struct hx_record **records = calloc(n, sizeof(struct hx_record *));
    for (size_t i = 0; i < n; i++) {
        char name[32];
        snprintf(name, sizeof(name), "db%zu", i);
        records[i] = record_of(name, kind);
    }
    apply(f, records, n);
    free(records);
}

static void begin(struct fixture *f, size_t max_in_flight)
{
    memset(f, 0, sizeof(*f));
    assert_int_equal(hx_board_init(&f->board, NULL), HX_OK);
    f->registry = hx_registry_new();
    struct hx_engine_options options = {.board = &f->board,
                                        .registry = f->registry,
                                        .n_engines = N_ENGINES,
                                        .max_sockets = 2 * max_in_flight,
                                        .answer_ns = 500 * HX_NS_PER_MS,
                                        .seed = 7};
    assert_int_equal(hx_engines_new(&options, &f->engines, NULL), HX_OK);
}

static void end(struct fixture *f)
{
    hx_engines_free(f->engines);
    hx_board_fini(&f->board);
    hx_registry_free(f->registry);
}

static struct hx_status status_of(struct fixture *f, const char *name)
{
    struct hx_status status = {0};
    struct hx_generation *generation = hx_board_hold(&f->board);
    struct hx_record *record = hx_generation_find(generation, name);
    if (record != NULL)
        hx_record_read(record, &status);
    hx_generation_release(generation);
    return status;
}

/* A gauge or counter as the page shows it. */
static double sample_of(struct fixture *f, const char *name)
{
    char *page = hx_registry_expose(f->registry, HX_FORMAT_TEXT, NULL);
    char line[80];
    snprintf(line, sizeof(line), "\n%s ", name);
    const char *found = strstr(page, line);
    assert_non_null(found);
    double value = strtod(found + strlen(line), NULL);
    free(page);
    return value;
}

static double n_in_flight(struct fixture *f)
{
    return sample_of(f, "health_exporter_checks_in_flight");
}

#define WAIT_FOR(condition)                                            \
    do {                                                               \
        int64_t limit_ns = hx_clock_monotonic_ns() + 10 * HX_NS_PER_S; \
        while (!(condition)) {                                         \
            assert_true(hx_clock_monotonic_ns() < limit_ns);           \
            sched_yield();                                             \
        }                                                              \
    } while (0)

/* What the next check of it tells. */
static struct hx_status next_status_of(struct fixture *f, const char *name)
{
    int64_t seen = status_of(f, name).check_id;
    WAIT_FOR(status_of(f, name).check_id > seen);
    return status_of(f, name);
}

static void wait_for_state(struct fixture *f, const char *name, enum hx_state state)
{
    WAIT_FOR(status_of(f, name).state == (int64_t)state);
}

static bool is_live(struct fixture *f)
{
    return hx_board_is_live(&f->board, hx_clock_monotonic_ns(), NULL);
}

/* ---- what is true of them ---- */

static void each_dependency_is_checked_in_one_thread_and_all_threads_check(void **state)
{
    (void)state;
    struct fixture f;
    double threads[N_ENGINES] = {0};
    begin(&f, 100);
    apply_many(&f, 60, &quick);
    assert_int_equal(hx_engines_start(f.engines, NULL), HX_OK);
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 60; i++) {
            char name[32];
            snprintf(name, sizeof(name), "db%d", i);
            size_t engine = hx_shard_of(name, HX_SHARING_ENGINES, N_ENGINES);
            double thread = next_status_of(&f, name).values[0];
            assert_true(thread > 0 && (threads[engine] == 0 || threads[engine] == thread));
            threads[engine] = thread;
        }
    }
    assert_true(threads[0] != threads[1] && threads[1] != threads[2] && threads[2] != threads[0]);
    end(&f);
}

static void no_two_checks_have_one_id(void **state)
{
    (void)state;
    struct fixture f;
    int64_t ids[60];
    begin(&f, 100);
    apply_many(&f, 60, &quick);
    assert_int_equal(hx_engines_start(f.engines, NULL), HX_OK);
    for (int i = 0; i < 60; i++) {
        char name[32];
        snprintf(name, sizeof(name), "db%d", i);
        ids[i] = next_status_of(&f, name).check_id;
        for (int j = 0; j < i; j++)
            assert_true(ids[i] != ids[j]);
    }
    end(&f);
}

static void the_first_round_is_done_when_the_last_engine_has_done_its_own(void **state)
{
    (void)state;
    struct fixture f;
    char blocked[32], free[32], later[32] = "added";
    begin(&f, 100);
    struct hx_record *records[] = {record_of(name_in(0, blocked), &stone),
                                   record_of(name_in(1, free), &quick)};
    struct hx_record *more[] = {hx_record_hold(records[0]), hx_record_hold(records[1]),
                                record_of(later, &hangs)};
    pthread_mutex_lock(&gate);
    apply(&f, records, 2);
    assert_int_equal(hx_engines_start(f.engines, NULL), HX_OK);
    WAIT_FOR(status_of(&f, free).has_result);
    assert_false(atomic_load(&f.board.is_first_round_done));
    pthread_mutex_unlock(&gate);
    WAIT_FOR(atomic_load(&f.board.is_first_round_done));
    assert_true(status_of(&f, blocked).has_result);
    /* One that a reload adds, to one engine, begins no second first round. */
    apply(&f, more, 3);
    assert_true(atomic_load(&f.board.is_first_round_done));
    end(&f);
}

static void with_nothing_to_check_the_first_round_is_done_at_once(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f, 100);
    assert_false(atomic_load(&f.board.is_first_round_done));
    apply(&f, NULL, 0);
    assert_true(atomic_load(&f.board.is_first_round_done));
    end(&f);
}

static void one_engine_that_stands_still_is_enough_not_to_be_live(void **state)
{
    (void)state;
    struct fixture f;
    char blocked[32], free[32];
    begin(&f, 100);
    f.board.liveness_grace_ns = 1200 * HX_NS_PER_MS;
    struct hx_record *records[] = {record_of(name_in(1, blocked), &stone),
                                   record_of(name_in(2, free), &quick)};
    apply(&f, records, 2);
    pthread_mutex_lock(&gate);
    assert_int_equal(hx_engines_start(f.engines, NULL), HX_OK);
    assert_true(is_live(&f));
    WAIT_FOR(!is_live(&f));
    (void)next_status_of(&f, free);
    assert_false(is_live(&f));
    pthread_mutex_unlock(&gate);
    WAIT_FOR(is_live(&f));
    end(&f);
}

static void what_one_engine_cannot_take_over_changes_none(void **state)
{
    (void)state;
    struct fixture f;
    char name[32];
    struct hx_error err = {0};
    struct hx_record *records[N_ENGINES + 1];
    struct hx_record *stays = record_of("stays", &quick);
    begin(&f, 100);
    atomic_store(&n_attached, 0);
    apply(&f, (struct hx_record *[]){hx_record_hold(stays)}, 1);
    assert_int_equal(hx_engines_start(f.engines, NULL), HX_OK);
    WAIT_FOR(status_of(&f, "stays").has_result);
    for (size_t i = 0; i < N_ENGINES; i++)
        records[i] = record_of(name_in(i, name), &rare);
    records[N_ENGINES] = hx_record_hold(stays);
    struct hx_generation *refused = generation_of(records, N_ENGINES + 1);
    assert_int_equal(hx_engines_apply(f.engines, refused, &err), HX_ERR_SYSTEM);
    assert_non_null(strstr(err.message, "no loop more"));
    assert_int_equal(f.board.generation->n, 1);
    (void)next_status_of(&f, "stays");
    /* Now that the loops have room, they take it: nothing was left over of the first attempt. */
    atomic_store(&n_attached, -10);
    struct hx_record *again[] = {hx_record_hold(stays), record_of(name_in(1, name), &rare)};
    apply(&f, again, 2);
    WAIT_FOR(status_of(&f, name).has_result);
    hx_record_release(stays);
    end(&f);
}

static void an_engine_that_stands_still_refuses_for_all(void **state)
{
    (void)state;
    struct fixture f;
    char blocked[32], free[32];
    struct hx_error err = {0};
    begin(&f, 100);
    struct hx_record *one = record_of(name_in(0, blocked), &stone);
    struct hx_record *two = record_of(name_in(1, free), &quick);
    apply(&f, (struct hx_record *[]){hx_record_hold(one), hx_record_hold(two)}, 2);
    pthread_mutex_lock(&gate);
    assert_int_equal(hx_engines_start(f.engines, NULL), HX_OK);
    WAIT_FOR(status_of(&f, free).has_result && n_in_flight(&f) > 0);
    struct hx_generation *refused = generation_of((struct hx_record *[]){hx_record_hold(one)}, 1);
    int64_t asked_ns = hx_clock_monotonic_ns();
    assert_int_equal(hx_engines_apply(f.engines, refused, &err), HX_ERR_BUSY);
    assert_true(hx_clock_monotonic_ns() - asked_ns < 5 * HX_NS_PER_S);
    assert_string_equal(err.message, "the engine does not answer");
    assert_int_equal(f.board.generation->n, 2);
    (void)next_status_of(&f, free);
    pthread_mutex_unlock(&gate);
    WAIT_FOR(status_of(&f, blocked).has_result);
    apply(&f, (struct hx_record *[]){hx_record_hold(two)}, 1);
    assert_int_equal(f.board.generation->n, 1);
    hx_record_release(one);
    hx_record_release(two);
    end(&f);
}

static void a_generation_that_is_abandoned_changes_nothing(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f, 100);
    apply_many(&f, 10, &quick);
    assert_int_equal(hx_engines_start(f.engines, NULL), HX_OK);
    struct hx_record *record = record_of("other", &quick);
    assert_int_equal(hx_engines_prepare(f.engines, generation_of(&record, 1), NULL), HX_OK);
    assert_int_equal(f.board.generation->n, 10);
    hx_engines_abandon(f.engines);
    assert_int_equal(f.board.generation->n, 10);
    WAIT_FOR(status_of(&f, "db9").has_result);
    end(&f);
}

static void a_record_that_stays_keeps_what_it_has_counted(void **state)
{
    (void)state;
    struct fixture f;
    struct hx_record *kept[6], *next[6];
    char name[32];
    begin(&f, 100);
    for (size_t i = 0; i < 6; i++) {
        snprintf(name, sizeof(name), "kept%zu", i);
        kept[i] = record_of(name, &quick);
        next[i] = hx_record_hold(kept[i]);
    }
    apply(&f, kept, 6);
    assert_int_equal(hx_engines_start(f.engines, NULL), HX_OK);
    WAIT_FOR(status_of(&f, "kept5").has_result);
    struct hx_status before = status_of(&f, "kept5");
    apply(&f, next, 6);
    struct hx_status after = status_of(&f, "kept5");
    assert_int_equal(after.has_ever_passed, 1);
    assert_int_equal(after.since_wall_ns, before.since_wall_ns);
    end(&f);
}

static void a_report_reaches_the_engine_of_its_dependency(void **state)
{
    (void)state;
    struct fixture f;
    struct hx_report report = {.is_pass = true};
    struct hx_error err;
    begin(&f, 100);
    apply_many(&f, 12, &told);
    assert_int_equal(hx_engines_start(f.engines, NULL), HX_OK);
    for (int i = 0; i < 12; i++) {
        char name[32];
        snprintf(name, sizeof(name), "db%d", i);
        wait_for_state(&f, name, HX_STATE_DOWN);
        assert_int_equal(hx_engines_report(f.engines, name, &report, NULL), HX_OK);
        wait_for_state(&f, name, HX_STATE_UP);
    }
    assert_int_equal(hx_engines_report(f.engines, "nobody", &report, &err), HX_ERR_NOTFOUND);
    end(&f);
}

static struct hx_record *patient_record_of(const char *name)
{
    struct hx_record *record = record_of(name, &hangs);
    record->dependency->policy.interval_ns = 60 * HX_NS_PER_S;
    record->dependency->policy.timeout_ns = 50 * HX_NS_PER_S;
    return record;
}

static void apply_patient(struct fixture *f, size_t n)
{
    struct hx_record *records[60];
    for (size_t i = 0; i < n; i++) {
        char name[32];
        snprintf(name, sizeof(name), "db%zu", i);
        records[i] = patient_record_of(name);
    }
    apply(f, records, n);
}

/* However uneven the hash is: a slot for each dependency is one in its engine. */
static void with_a_slot_for_each_none_waits_and_the_end_cancels_all(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f, 60);
    apply_patient(&f, 60);
    assert_int_equal(hx_engines_start(f.engines, NULL), HX_OK);
    WAIT_FOR(n_in_flight(&f) == 60);
    atomic_store(&n_cancelled, 0);
    hx_engines_free(f.engines);
    f.engines = NULL;
    assert_int_equal(atomic_load(&n_cancelled), 60);
    assert_true(n_in_flight(&f) == 0);
    end(&f);
}

static void slots_are_shared_among_the_engines(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f, 12);
    apply_patient(&f, 60);
    assert_int_equal(hx_engines_start(f.engines, NULL), HX_OK);
    /* Each share is rounded down. */
    WAIT_FOR(n_in_flight(&f) >= 12 - (N_ENGINES - 1));
    int64_t until = hx_clock_monotonic_ns() + 1200 * HX_NS_PER_MS; /* all have come due */
    while (hx_clock_monotonic_ns() < until) {
        assert_true(n_in_flight(&f) <= 12);
        sched_yield();
    }
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
        char name[32];
        long n = atomic_fetch_add(&readers->n_pages, 1);
        struct hx_report report = {.is_pass = n % 2 == 0};
        hx_strbuf_init(&text);
        hx_scrape_begin(&scrape, &readers->f->board, readers->f->registry, HX_FORMAT_TEXT);
        while (!scrape.page.is_done)
            hx_page_write(&scrape.page, &text, 512);
        hx_scrape_end(&scrape);
        hx_strbuf_fini(&text);
        /* Dependencies come and go: all answers are right. */
        snprintf(name, sizeof(name), "db%ld", n % 20);
        (void)!hx_engines_report(readers->f->engines, name, &report, NULL);
    }
    return NULL;
}

static void readers_reports_and_generations_may_come_at_once(void **state)
{
    (void)state;
    struct fixture f;
    pthread_t threads[2];
    begin(&f, 100);
    struct readers readers = {.f = &f};
    apply_many(&f, 20, &told);
    assert_int_equal(hx_engines_start(f.engines, NULL), HX_OK);
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, scrape_and_report, &readers), 0);
    for (size_t round = 0; round < 50 || atomic_load(&readers.n_pages) < 200; round++)
        apply_many(&f, 1 + round % 20, &told);
    atomic_store(&readers.is_over, true);
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    WAIT_FOR(status_of(&f, "db0").has_result);
    end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_dependency_is_checked_in_one_thread_and_all_threads_check),
        cmocka_unit_test(no_two_checks_have_one_id),
        cmocka_unit_test(the_first_round_is_done_when_the_last_engine_has_done_its_own),
        cmocka_unit_test(with_nothing_to_check_the_first_round_is_done_at_once),
        cmocka_unit_test(one_engine_that_stands_still_is_enough_not_to_be_live),
        cmocka_unit_test(what_one_engine_cannot_take_over_changes_none),
        cmocka_unit_test(an_engine_that_stands_still_refuses_for_all),
        cmocka_unit_test(a_generation_that_is_abandoned_changes_nothing),
        cmocka_unit_test(a_record_that_stays_keeps_what_it_has_counted),
        cmocka_unit_test(a_report_reaches_the_engine_of_its_dependency),
        cmocka_unit_test(with_a_slot_for_each_none_waits_and_the_end_cancels_all),
        cmocka_unit_test(slots_are_shared_among_the_engines),
        cmocka_unit_test(readers_reports_and_generations_may_come_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

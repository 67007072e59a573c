/* SPDX-License-Identifier: Apache-2.0 */
/* Records, generations and verdicts: what readers see of the engine. */
#include "engine/board.h"

#include "base/clock.h"
#include "base/option.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define NOW (1000 * HX_NS_PER_S)

static const struct hx_option no_options[] = {{.name = NULL}};
static const enum hx_reason reasons[] = {HX_REASON_REFUSED, HX_REASON_NONE};
static const struct hx_kind kind = {.name = "fake", .options = no_options, .reasons = reasons};

static struct hx_record *record_of(const char *name, bool is_critical)
{
    struct hx_dependency *dependency = calloc(1, sizeof(*dependency));
    struct hx_record *record = NULL;
    dependency->name = strdup(name);
    dependency->kind = &kind;
    assert_int_equal(hx_options_default(hx_policy_options, &dependency->policy, NULL), HX_OK);
    dependency->policy.critical = is_critical;
    assert_int_equal(hx_policy_complete(&dependency->policy, NULL), HX_OK);
    assert_int_equal(hx_record_new(dependency, &record, NULL), HX_OK);
    return record;
}

struct fixture {
    struct hx_board board;
    struct hx_record *database; /* critical */
    struct hx_record *reco;     /* not critical */
};

static void set(struct hx_record *record, enum hx_state state, int64_t fresh_until_ns)
{
    struct hx_status status = {
        .state = state,
        .reason = state == HX_STATE_DOWN ? HX_REASON_REFUSED : HX_REASON_NONE,
        .has_result = 1,
        .has_ever_passed = state == HX_STATE_UP || state == HX_STATE_DEGRADED,
        .fresh_until_ns = fresh_until_ns};
    hx_record_publish(record, &status);
}

static void set_up(struct fixture *f, const struct hx_strings *required)
{
    memset(f, 0, sizeof(*f));
    assert_int_equal(hx_board_init(&f->board, NULL), HX_OK);
    f->reco = record_of("reco", false);
    f->database = record_of("database", true);
    struct hx_record *records[] = {f->reco, f->database};
    struct hx_generation *generation = NULL;
    assert_int_equal(hx_generation_new(records, 2, required, &generation, NULL), HX_OK);
    hx_board_set(&f->board, generation);
    atomic_store(&f->board.heartbeat_ns, NOW);
}

static struct hx_verdict verdict_at(struct fixture *f, int64_t now_ns)
{
    struct hx_verdict verdict;
    struct hx_generation *generation = hx_board_hold(&f->board);
    hx_board_verdict(&f->board, generation, now_ns, &verdict);
    hx_generation_release(generation);
    return verdict;
}

/* The verdict for each pair of states, before and after the first round, draining or not. */
static void readiness_follows_the_table(void **state)
{
    (void)state;
    static const enum hx_readiness expected[4][4] = {
        /* of the critical one:   reco: unknown           up                 degraded down */
        [HX_STATE_UNKNOWN] = {HX_READY_DOWN, HX_READY_DOWN, HX_READY_DOWN, HX_READY_DOWN},
        [HX_STATE_UP] = {HX_READY_DEGRADED, HX_READY_UP, HX_READY_DEGRADED, HX_READY_DEGRADED},
        [HX_STATE_DEGRADED] = {HX_READY_DEGRADED, HX_READY_DEGRADED, HX_READY_DEGRADED,
                               HX_READY_DEGRADED},
        [HX_STATE_DOWN] = {HX_READY_DOWN, HX_READY_DOWN, HX_READY_DOWN, HX_READY_DOWN},
    };
    static const struct hx_maintenance on = {.is_on = true, .until_ns = INT64_MAX};
    static const struct hx_maintenance off = {.is_on = false};
    struct fixture f;
    set_up(&f, NULL);
    for (int critical = 0; critical < 4; critical++) {
        for (int other = 0; other < 4; other++) {
            set(f.database, (enum hx_state)critical, NOW + 1);
            set(f.reco, (enum hx_state)other, NOW + 1);
            atomic_store(&f.board.is_draining, false);
            atomic_store(&f.board.is_first_round_done, false);
            assert_int_equal(verdict_at(&f, NOW).readiness, HX_READY_STARTING);
            atomic_store(&f.board.is_first_round_done, true);
            assert_int_equal(verdict_at(&f, NOW).readiness, expected[critical][other]);
            hx_board_set_maintenance(&f.board, HX_MAINTENANCE_MANUAL, &on);
            assert_int_equal(verdict_at(&f, NOW).readiness, HX_READY_MAINTENANCE);
            atomic_store(&f.board.is_draining, true);
            assert_int_equal(verdict_at(&f, NOW).readiness, HX_READY_DRAINING);
            hx_board_set_maintenance(&f.board, HX_MAINTENANCE_MANUAL, &off);
        }
    }
    hx_board_fini(&f.board);
}

static void an_old_result_counts_for_nothing_even_if_nobody_publishes(void **state)
{
    (void)state;
    struct fixture f;
    set_up(&f, NULL);
    atomic_store(&f.board.is_first_round_done, true);
    set(f.database, HX_STATE_UP, NOW + 5);
    set(f.reco, HX_STATE_UP, NOW + 9);
    assert_int_equal(verdict_at(&f, NOW).readiness, HX_READY_UP);
    assert_int_equal(verdict_at(&f, NOW).valid_until_ns, NOW + 5);
    assert_int_equal(verdict_at(&f, NOW + 5).readiness, HX_READY_UP);
    assert_int_equal(verdict_at(&f, NOW + 6).readiness, HX_READY_DOWN);
    struct hx_status status;
    enum hx_reason reason;
    hx_record_read(f.database, &status);
    assert_int_equal(hx_status_state(&status, NOW + 6, &reason), HX_STATE_UNKNOWN);
    assert_int_equal(reason, HX_REASON_STALE);
    hx_board_fini(&f.board);
}

static void maintenance_ends_by_itself_and_the_longest_counts(void **state)
{
    (void)state;
    struct fixture f;
    set_up(&f, NULL);
    atomic_store(&f.board.is_first_round_done, true);
    set(f.database, HX_STATE_UP, NOW + 100);
    set(f.reco, HX_STATE_UP, NOW + 100);
    struct hx_maintenance manual = {.is_on = true, .until_ns = NOW + 10, .reason = "upgrade"};
    struct hx_maintenance window = {.is_on = true, .until_ns = NOW + 20, .reason = "sunday"};
    hx_board_set_maintenance(&f.board, HX_MAINTENANCE_MANUAL, &manual);
    assert_int_equal(verdict_at(&f, NOW).valid_until_ns, NOW + 10);
    hx_board_set_maintenance(&f.board, HX_MAINTENANCE_WINDOW, &window);
    assert_string_equal(verdict_at(&f, NOW).maintenance.reason, "sunday");
    assert_int_equal(verdict_at(&f, NOW + 19).readiness, HX_READY_MAINTENANCE);
    assert_int_equal(verdict_at(&f, NOW + 20).readiness, HX_READY_UP);
    assert_true(verdict_at(&f, NOW).is_live);
    hx_board_fini(&f.board);
}

static void one_that_was_just_added_does_not_take_the_service_down(void **state)
{
    (void)state;
    struct fixture f;
    set_up(&f, NULL);
    atomic_store(&f.board.is_first_round_done, true);
    set(f.reco, HX_STATE_UP, INT64_MAX);
    int64_t added_ns = f.database->added_ns;
    int64_t stale_after_ns = f.database->dependency->policy.stale_after_ns;
    assert_int_equal(verdict_at(&f, added_ns).readiness, HX_READY_UP);
    assert_int_equal(verdict_at(&f, added_ns).valid_until_ns, added_ns + stale_after_ns);
    assert_int_equal(verdict_at(&f, added_ns + stale_after_ns + 1).readiness, HX_READY_DOWN);
    hx_board_fini(&f.board);
}

static void what_is_left_out_does_not_count_but_the_service_does(void **state)
{
    (void)state;
    static const bool without_reco[] = {true, false};
    static const bool without_database[] = {false, true};
    static const bool without_any[] = {true, true};
    static const struct {
        const bool *is_left_out;
        enum hx_readiness expected;
    } cases[] = {{NULL, HX_READY_DOWN},
                 {without_reco, HX_READY_DOWN},
                 {without_database, HX_READY_DEGRADED},
                 {without_any, HX_READY_UP}};
    struct hx_verdict verdict;
    struct fixture f;
    set_up(&f, NULL);
    set(f.database, HX_STATE_DOWN, NOW + 5);
    set(f.reco, HX_STATE_DEGRADED, NOW + 7);
    atomic_store(&f.board.is_first_round_done, true);
    for (size_t i = 0; i < 4; i++) {
        hx_board_verdict_without(&f.board, f.board.generation, cases[i].is_left_out, NOW, &verdict);
        assert_int_equal(verdict.readiness, cases[i].expected);
    }
    assert_true(verdict.valid_until_ns == INT64_MAX);
    hx_board_verdict_without(&f.board, f.board.generation, without_database, NOW, &verdict);
    assert_true(verdict.valid_until_ns == NOW + 7);
    atomic_store(&f.board.is_draining, true);
    hx_board_verdict_without(&f.board, f.board.generation, without_any, NOW, &verdict);
    assert_int_equal(verdict.readiness, HX_READY_DRAINING);
    hx_board_fini(&f.board);
}

static void liveness_looks_at_the_heartbeat_alone(void **state)
{
    (void)state;
    struct fixture f;
    set_up(&f, NULL);
    set(f.database, HX_STATE_DOWN, NOW + 1);
    int64_t stalled;
    assert_true(hx_board_is_live(&f.board, NOW + 15 * HX_NS_PER_S, &stalled));
    assert_false(hx_board_is_live(&f.board, NOW + 15 * HX_NS_PER_S + 1, &stalled));
    assert_int_equal(stalled, 15 * HX_NS_PER_S + 1);
    atomic_store(&f.board.heartbeat_ns, NOW + 20 * HX_NS_PER_S);
    assert_true(hx_board_is_live(&f.board, NOW + 21 * HX_NS_PER_S, NULL));
    hx_board_fini(&f.board);
}

static void startup_waits_for_what_it_requires_once(void **state)
{
    (void)state;
    struct fixture f;
    char *names[] = {(char[]){"reco"}};
    struct hx_strings required = {.items = names, .n = 1};
    set_up(&f, &required);
    atomic_store(&f.board.is_first_round_done, true);
    set(f.database, HX_STATE_UP, NOW + 1);
    set(f.reco, HX_STATE_DOWN, NOW + 1);
    assert_false(verdict_at(&f, NOW).is_started);
    assert_int_equal(verdict_at(&f, NOW).readiness, HX_READY_STARTING);
    set(f.reco, HX_STATE_UP, NOW + 1);
    assert_true(verdict_at(&f, NOW).is_started);
    assert_int_equal(verdict_at(&f, NOW).readiness, HX_READY_UP);
    hx_board_fini(&f.board);
}

static void a_required_name_that_is_not_there_is_an_error(void **state)
{
    (void)state;
    struct hx_error err;
    char *names[] = {(char[]){"recoo"}};
    struct hx_strings required = {.items = names, .n = 1};
    struct hx_record *records[] = {record_of("reco", true)};
    struct hx_generation *generation = NULL;
    assert_int_equal(hx_generation_new(records, 1, &required, &generation, &err), HX_ERR_NOTFOUND);
    assert_string_equal(err.message, "startup_requires: no dependency named \"recoo\"");
}

static void names_are_found_whatever_their_order(void **state)
{
    (void)state;
    enum { N = 100 };
    struct hx_record *records[N];
    struct hx_generation *generation = NULL;
    for (int i = 0; i < N; i++) {
        char name[16];
        snprintf(name, sizeof(name), "d%d", (i * 37) % N);
        records[i] = record_of(name, true);
    }
    assert_int_equal(hx_generation_new(records, N, NULL, &generation, NULL), HX_OK);
    for (int i = 0; i < N; i++)
        assert_ptr_equal(hx_generation_find(generation, records[i]->dependency->name), records[i]);
    assert_null(hx_generation_find(generation, "d100"));
    assert_null(hx_generation_find(generation, ""));
    hx_generation_release(generation);
}

static void a_held_generation_outlives_the_one_that_replaces_it(void **state)
{
    (void)state;
    struct fixture f;
    set_up(&f, NULL);
    struct hx_generation *held = hx_board_hold(&f.board);
    struct hx_record *records[] = {hx_record_hold(f.database)};
    struct hx_generation *next = NULL;
    assert_int_equal(hx_generation_new(records, 1, NULL, &next, NULL), HX_OK);
    hx_board_set(&f.board, next);
    assert_string_equal(held->records[0]->dependency->name, "reco");
    hx_generation_release(held);
    set(f.database, HX_STATE_UP, NOW); /* shared, so still there */
    hx_board_fini(&f.board);
}

/* One thread publishes blocks in which all fields are equal; readers must never see a mixture. */
struct race {
    struct hx_record *record;
    atomic_bool is_over;
    atomic_long n_reads;
    atomic_bool is_torn;
};

static void *read_status(void *data)
{
    struct race *race = data;
    while (!atomic_load(&race->is_over)) {
        struct hx_status status;
        hx_record_read(race->record, &status);
        if (status.duration_ns != status.check_id || status.phases_ns[5] != status.check_id ||
            status.failures_in_row != status.check_id)
            atomic_store(&race->is_torn, true);
        atomic_fetch_add(&race->n_reads, 1);
    }
    return NULL;
}

static void a_reader_never_sees_half_a_result(void **state)
{
    (void)state;
    struct race race = {.record = record_of("database", true)};
    pthread_t threads[2];
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, read_status, &race), 0);
    for (int64_t i = 1; i < 50000 || atomic_load(&race.n_reads) < 1000; i++) {
        struct hx_status status = {.duration_ns = i, .check_id = i, .failures_in_row = i};
        status.phases_ns[5] = i;
        hx_record_publish(race.record, &status);
    }
    atomic_store(&race.is_over, true);
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    assert_false(atomic_load(&race.is_torn));
    hx_record_release(race.record);
}

static void a_message_goes_with_the_result_it_belongs_to(void **state)
{
    (void)state;
    struct hx_record *record = record_of("database", true);
    struct hx_status failed = {
        .check_id = 1, .value_set = 1, .values = {2.5}, .message = "refused"};
    struct hx_status passed = {.check_id = 2};
    const struct hx_status *published[] = {&passed, &failed, &passed, &passed};
    for (size_t i = 0; i < sizeof(published) / sizeof(published[0]); i++) {
        struct hx_status read;
        hx_record_publish(record, published[i]);
        hx_record_read(record, &read);
        assert_memory_equal(&read, published[i], sizeof(read));
    }
    hx_record_release(record);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(readiness_follows_the_table),
        cmocka_unit_test(an_old_result_counts_for_nothing_even_if_nobody_publishes),
        cmocka_unit_test(maintenance_ends_by_itself_and_the_longest_counts),
        cmocka_unit_test(one_that_was_just_added_does_not_take_the_service_down),
        cmocka_unit_test(what_is_left_out_does_not_count_but_the_service_does),
        cmocka_unit_test(liveness_looks_at_the_heartbeat_alone),
        cmocka_unit_test(startup_waits_for_what_it_requires_once),
        cmocka_unit_test(a_required_name_that_is_not_there_is_an_error),
        cmocka_unit_test(names_are_found_whatever_their_order),
        cmocka_unit_test(a_held_generation_outlives_the_one_that_replaces_it),
        cmocka_unit_test(a_reader_never_sees_half_a_result),
        cmocka_unit_test(a_message_goes_with_the_result_it_belongs_to),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

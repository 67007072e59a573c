/* SPDX-License-Identifier: Apache-2.0 */
/* link: -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=strdup */
/*
 * The keeper alone, with reloads that last as long as a test wants. Run under ThreadSanitizer too.
 */
#include "keeper.h"

#include "base/clock.h"
#include "failing_alloc.h"

#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define PERIOD_NS (20 * HX_NS_PER_MS)

struct fixture {
    struct hx_keeper *keeper;
    pthread_mutex_t gate; /* held by the test: the reload that runs waits */
    atomic_int n_begun, n_reloads, n_done, n_refused, n_polls;
    int64_t first_poll_ns, last_poll_ns; /* the keeper's own, read when it is stopped */
};

static void reload(void *data, struct hx_reload *outcome)
{
    struct fixture *f = data;
    atomic_fetch_add(&f->n_begun, 1);
    pthread_mutex_lock(&f->gate);
    pthread_mutex_unlock(&f->gate);
    outcome->is_successful = true;
    atomic_fetch_add(&f->n_reloads, 1);
}

static void poll(void *data)
{
    struct fixture *f = data;
    f->last_poll_ns = hx_clock_monotonic_ns();
    if (atomic_fetch_add(&f->n_polls, 1) == 0)
        f->first_poll_ns = f->last_poll_ns;
}

static void on_done(void *data, const struct hx_reload *outcome)
{
    struct fixture *f = data;
    if (outcome->is_successful) {
        atomic_fetch_add(&f->n_done, 1);
        return;
    }
    assert_int_equal(outcome->n_errors, 1);
    assert_non_null(strstr(outcome->errors[0].message, "stopping"));
    atomic_fetch_add(&f->n_refused, 1);
}

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    struct hx_keeper_options options = {f, reload, poll, PERIOD_NS, 0};
    pthread_mutex_init(&f->gate, NULL);
    assert_int_equal(hx_keeper_new(&options, &f->keeper, NULL), HX_OK);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    hx_keeper_free(f->keeper);
    pthread_mutex_destroy(&f->gate);
    free(f);
    return 0;
}

static void wait_for(atomic_int *count, int wanted)
{
    int64_t limit = hx_clock_monotonic_ns() + 10 * HX_NS_PER_S;
    while (atomic_load(count) < wanted) {
        assert_true(hx_clock_monotonic_ns() < limit);
        sched_yield();
    }
}

static void a_thousand_requests_during_a_reload_are_one_more(void **state)
{
    struct fixture *f = *state;
    pthread_mutex_lock(&f->gate);
    assert_int_equal(hx_keeper_reload(f->keeper, on_done, f, NULL), HX_OK);
    wait_for(&f->n_begun, 1);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(hx_keeper_reload(f->keeper, on_done, f, NULL), HX_OK);
    assert_int_equal(atomic_load(&f->n_done), 0);
    pthread_mutex_unlock(&f->gate);
    wait_for(&f->n_done, 1001);
    assert_int_equal(atomic_load(&f->n_reloads), 2);
}

static void a_storm_is_one_reload_a_gap(void **state)
{
    (void)state;
    struct fixture f = {0};
    struct hx_keeper_options options = {&f, reload, poll, HX_NS_PER_S, PERIOD_NS};
    pthread_mutex_init(&f.gate, NULL);
    assert_int_equal(hx_keeper_new(&options, &f.keeper, NULL), HX_OK);
    int64_t begin = hx_clock_monotonic_ns();
    int n = 0;
    while (atomic_load(&f.n_reloads) < 8) {
        n += hx_keeper_reload(f.keeper, on_done, &f, NULL) == HX_OK;
        sched_yield();
    }
    assert_true(hx_clock_monotonic_ns() - begin >= 7 * PERIOD_NS);
    wait_for(&f.n_done, n);
    assert_true(atomic_load(&f.n_reloads) <= 9);
    hx_keeper_free(f.keeper);
    pthread_mutex_destroy(&f.gate);
}

static void too_many_that_wait_are_refused(void **state)
{
    struct fixture *f = *state;
    struct hx_error err = {0};
    enum hx_errcode code = HX_OK;
    int n = 0;
    pthread_mutex_lock(&f->gate);
    assert_int_equal(hx_keeper_reload(f->keeper, on_done, f, NULL), HX_OK);
    wait_for(&f->n_begun, 1);
    while (code == HX_OK && n < 100000) {
        code = hx_keeper_reload(f->keeper, on_done, f, &err);
        n += code == HX_OK;
    }
    pthread_mutex_unlock(&f->gate);
    assert_int_equal(code, HX_ERR_LIMIT);
    wait_for(&f->n_done, n + 1);
    assert_int_equal(atomic_load(&f->n_reloads), 2);
}

static void *stop(void *keeper)
{
    hx_keeper_stop(keeper);
    return NULL;
}

static void those_that_wait_at_the_end_are_told(void **state)
{
    struct fixture *f = *state;
    pthread_mutex_lock(&f->gate);
    assert_int_equal(hx_keeper_reload(f->keeper, on_done, f, NULL), HX_OK);
    wait_for(&f->n_begun, 1);
    assert_int_equal(hx_keeper_reload(f->keeper, on_done, f, NULL), HX_OK);
    assert_int_equal(hx_keeper_reload(f->keeper, NULL, NULL, NULL), HX_OK);
    pthread_t stopper;
    assert_int_equal(pthread_create(&stopper, NULL, stop, f->keeper), 0);
    /* Once it is stopping, nothing more is taken. */
    while (hx_keeper_reload(f->keeper, on_done, f, NULL) != HX_ERR_BUSY)
        sched_yield();
    pthread_mutex_unlock(&f->gate);
    assert_int_equal(pthread_join(stopper, NULL), 0);
    assert_int_equal(atomic_load(&f->n_reloads), 1);
    assert_int_equal(atomic_load(&f->n_done), 1);
    assert_true(atomic_load(&f->n_refused) >= 1);
}

static void it_polls_only_while_there_is_a_reason(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(hx_keeper_reload(f->keeper, on_done, f, NULL), HX_OK);
    wait_for(&f->n_done, 1);
    assert_int_equal(atomic_load(&f->n_polls), 0);
    hx_keeper_poll(f->keeper, HX_POLL_MANUAL, true);
    hx_keeper_poll(f->keeper, HX_POLL_CONFIGURED, true);
    wait_for(&f->n_polls, 3);
    hx_keeper_poll(f->keeper, HX_POLL_MANUAL, false);
    wait_for(&f->n_polls, atomic_load(&f->n_polls) + 2);
    hx_keeper_poll(f->keeper, HX_POLL_CONFIGURED, false);
    /* A poll may be under way; behind a reload there is none any more. */
    assert_int_equal(hx_keeper_reload(f->keeper, on_done, f, NULL), HX_OK);
    wait_for(&f->n_done, 2);
    int n_polls = atomic_load(&f->n_polls);
    for (int i = 3; i < 40; i++) {
        assert_int_equal(hx_keeper_reload(f->keeper, on_done, f, NULL), HX_OK);
        wait_for(&f->n_done, i);
    }
    assert_int_equal(atomic_load(&f->n_polls), n_polls);
}

static void it_polls_no_more_often_than_once_a_period(void **state)
{
    struct fixture *f = *state;
    hx_keeper_poll(f->keeper, HX_POLL_CONFIGURED, true);
    for (int i = 1; atomic_load(&f->n_polls) < 6; i++) {
        /* Waking it for something else makes it poll no sooner. */
        assert_int_equal(hx_keeper_reload(f->keeper, on_done, f, NULL), HX_OK);
        wait_for(&f->n_done, i);
    }
    hx_keeper_stop(f->keeper);
    int n = atomic_load(&f->n_polls);
    assert_true(f->last_poll_ns - f->first_poll_ns >= (n - 1) * PERIOD_NS);
}

static void a_keeper_that_cannot_be_made_leaves_nothing(void **state)
{
    (void)state;
    bool is_failing = true;
    for (size_t n = 1; is_failing; n++) {
        struct fixture f = {0};
        struct hx_keeper_options options = {&f, reload, poll, HX_NS_PER_S, 0};
        struct hx_error err = {0};
        failing_alloc_at(n);
        enum hx_errcode code = hx_keeper_new(&options, &f.keeper, &err);
        is_failing = failing_alloc_was_reached();
        assert_true(code == HX_OK || err.message[0] != '\0');
        hx_keeper_free(f.keeper);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_thousand_requests_during_a_reload_are_one_more, set_up,
                                        tear_down),
        cmocka_unit_test(a_storm_is_one_reload_a_gap),
        cmocka_unit_test_setup_teardown(too_many_that_wait_are_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(those_that_wait_at_the_end_are_told, set_up, tear_down),
        cmocka_unit_test_setup_teardown(it_polls_only_while_there_is_a_reason, set_up, tear_down),
        cmocka_unit_test_setup_teardown(it_polls_no_more_often_than_once_a_period, set_up,
                                        tear_down),
        cmocka_unit_test(a_keeper_that_cannot_be_made_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

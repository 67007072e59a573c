/* SPDX-License-Identifier: Apache-2.0 */
/* The two steps in which a generation is handed to the loop, and each way in which they end early.
 */
#include "engine/handover.h"

#include "base/clock.h"
#include "base/option.h"
#include "health_exporter/metrics.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void pass(struct hx_check *check)
{
    hx_check_pass(check);
}

static void cancel(struct hx_check *check)
{
    (void)check;
}

static enum hx_errcode refuse_to_attach(struct uv_loop_s *loop, void **shared, struct hx_error *err)
{
    (void)loop;
    (void)shared;
    return hx_error_set(err, HX_ERR_SYSTEM, "nothing to attach to");
}

static const struct hx_option no_options[] = {{.name = NULL}};
static const struct hx_kind good = {
    .name = "good", .options = no_options, .start = pass, .cancel = cancel};
static const struct hx_kind homeless = {.name = "homeless",
                                        .options = no_options,
                                        .attach = refuse_to_attach,
                                        .start = pass,
                                        .cancel = cancel};

struct fixture {
    uv_loop_t loop;
    struct hx_board board;
    struct hx_registry *registry;
    struct hx_runner runner;
    struct hx_handover handover;
    struct hx_error err;
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    assert_int_equal(uv_loop_init(&f->loop), 0);
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
        .max_sockets = 20,
    };
    hx_runner_init(&f->runner, &options);
    assert_int_equal(hx_handover_init(&f->handover, NULL), HX_OK);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    hx_handover_end(&f->handover, &f->runner);
    hx_runner_stop(&f->runner);
    uv_run(&f->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&f->loop), 0);
    hx_handover_fini(&f->handover);
    hx_board_fini(&f->board);
    hx_registry_free(f->registry);
    free(f);
    return 0;
}

static struct hx_generation *generation_of(const char *name, const struct hx_kind *kind)
{
    struct hx_dependency *dependency = calloc(1, sizeof(*dependency));
    struct hx_record *record = NULL;
    struct hx_generation *generation = NULL;
    dependency->name = strdup(name);
    dependency->kind = kind;
    assert_int_equal(hx_options_default(hx_policy_options, &dependency->policy, NULL), HX_OK);
    assert_int_equal(hx_policy_complete(&dependency->policy, NULL), HX_OK);
    assert_int_equal(hx_record_new(dependency, &record, NULL), HX_OK);
    assert_int_equal(hx_generation_new(&record, 1, NULL, &generation, NULL), HX_OK);
    return generation;
}

static enum hx_errcode ask(struct fixture *f, const char *name, const struct hx_kind *kind)
{
    return hx_handover_ask(&f->handover, generation_of(name, kind), &f->err);
}

static void serve(struct fixture *f)
{
    hx_handover_serve(&f->handover, &f->runner);
}

/* The only dependency that the runner has; "" when there is none. */
static const char *shown(struct fixture *f)
{
    const struct hx_generation *generation = f->runner.generation;
    return generation == NULL ? "" : generation->records[0]->dependency->name;
}

static void take_over(struct fixture *f, const char *name)
{
    assert_int_equal(ask(f, name, &good), HX_OK);
    serve(f);
    assert_int_equal(hx_handover_await(&f->handover, 0, &f->err), HX_OK);
    assert_true(hx_handover_decide(&f->handover, true));
    serve(f);
    assert_string_equal(shown(f), name);
}

static void nothing_changes_before_the_decision(void **state)
{
    struct fixture *f = *state;
    take_over(f, "old");
    assert_int_equal(ask(f, "next", &good), HX_OK);
    serve(f);
    serve(f);
    assert_int_equal(hx_handover_await(&f->handover, 0, &f->err), HX_OK);
    assert_string_equal(shown(f), "old");
    hx_handover_decide(&f->handover, true);
    serve(f);
    assert_string_equal(shown(f), "next");
}

static void what_is_not_wanted_is_thrown_away(void **state)
{
    struct fixture *f = *state;
    take_over(f, "old");
    assert_int_equal(ask(f, "next", &good), HX_OK);
    serve(f);
    assert_int_equal(hx_handover_await(&f->handover, 0, &f->err), HX_OK);
    hx_handover_decide(&f->handover, false);
    serve(f);
    assert_string_equal(shown(f), "old");
    take_over(f, "third");
}

static void a_failure_to_prepare_is_the_answer(void **state)
{
    struct fixture *f = *state;
    take_over(f, "old");
    assert_int_equal(ask(f, "next", &homeless), HX_OK);
    serve(f);
    assert_int_equal(hx_handover_await(&f->handover, 0, &f->err), HX_ERR_SYSTEM);
    assert_string_equal(f->err.message, "dependency \"next\": nothing to attach to");
    assert_string_equal(shown(f), "old");
    take_over(f, "third");
}

static void a_loop_that_does_not_answer_is_not_waited_for(void **state)
{
    struct fixture *f = *state;
    take_over(f, "old");
    assert_int_equal(ask(f, "next", &good), HX_OK);
    int64_t until = hx_clock_monotonic_ns() + HX_NS_PER_MS;
    assert_int_equal(hx_handover_await(&f->handover, until, &f->err), HX_ERR_BUSY);
    assert_false(hx_handover_decide(&f->handover, true));
    serve(f); /* it turns again: nobody wants that any more */
    assert_string_equal(shown(f), "old");
    take_over(f, "third");
}

static void a_second_one_is_refused_while_the_first_is_under_way(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(ask(f, "first", &good), HX_OK);
    assert_int_equal(ask(f, "second", &good), HX_ERR_BUSY);
    serve(f);
    assert_int_equal(ask(f, "third", &good), HX_ERR_BUSY);
    assert_int_equal(hx_handover_await(&f->handover, 0, &f->err), HX_OK);
    hx_handover_decide(&f->handover, true);
    serve(f);
    assert_string_equal(shown(f), "first");
}

static void the_end_of_the_loop_ends_what_is_under_way(void **state)
{
    struct fixture *f = *state;
    take_over(f, "old");
    assert_int_equal(ask(f, "next", &good), HX_OK);
    serve(f);
    hx_handover_end(&f->handover, &f->runner);
    assert_int_equal(hx_handover_await(&f->handover, 0, &f->err), HX_ERR_BUSY);
    assert_string_equal(shown(f), "old");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(nothing_changes_before_the_decision, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_not_wanted_is_thrown_away, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_failure_to_prepare_is_the_answer, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_loop_that_does_not_answer_is_not_waited_for, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_second_one_is_refused_while_the_first_is_under_way,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_end_of_the_loop_ends_what_is_under_way, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

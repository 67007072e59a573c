/* SPDX-License-Identifier: Apache-2.0 */
/* link: -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=strdup */
/*
 * Each allocation of the objects that the engine and the exporter are made of fails in turn: the
 * maker says so, and nothing leaks (which AddressSanitizer's build watches).
 */
#include "engine/engines.h"

#include "base/option.h"
#include "failing_alloc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void ignore(struct hx_check *check)
{
    (void)check;
}

static const struct hx_option no_options[] = {{.name = NULL}};
static const enum hx_reason reasons[] = {HX_REASON_NONE};
static const struct hx_kind idle = {
    .name = "idle", .options = no_options, .reasons = reasons, .start = ignore, .cancel = ignore};

static struct hx_dependency *dependency_new(void)
{
    struct hx_dependency *dependency = calloc(1, sizeof(*dependency));
    dependency->name = strdup("database");
    dependency->kind = &idle;
    assert_int_equal(hx_options_default(hx_policy_options, &dependency->policy, NULL), HX_OK);
    assert_int_equal(hx_policy_complete(&dependency->policy, NULL), HX_OK);
    return dependency;
}

static void a_record_that_cannot_be_made_frees_its_dependency(void **state)
{
    (void)state;
    bool is_failing = true;
    for (size_t n = 1; is_failing; n++) {
        struct hx_record *record = NULL;
        struct hx_dependency *dependency = dependency_new();
        failing_alloc_at(n);
        enum hx_errcode code = hx_record_new(dependency, &record, NULL);
        is_failing = failing_alloc_was_reached();
        assert_int_equal(code, is_failing ? HX_ERR_NOMEM : HX_OK);
        hx_record_release(record);
    }
}

static void a_generation_that_cannot_be_made_lets_its_records_go(void **state)
{
    (void)state;
    bool is_failing = true;
    char *names[] = {(char[]){"database"}};
    struct hx_strings required = {.items = names, .n = 1};
    for (size_t n = 1; is_failing; n++) {
        struct hx_record *record = NULL;
        struct hx_generation *generation = NULL;
        assert_int_equal(hx_record_new(dependency_new(), &record, NULL), HX_OK);
        failing_alloc_at(n);
        enum hx_errcode code = hx_generation_new(&record, 1, &required, &generation, NULL);
        is_failing = failing_alloc_was_reached();
        assert_int_equal(code, is_failing ? HX_ERR_NOMEM : HX_OK);
        hx_generation_release(generation);
    }
}

/* An engine with a generation, as far as it gets. */
static enum hx_errcode make_engine(struct hx_board *board, struct hx_registry *registry,
                                   struct hx_generation *generation)
{
    struct hx_engines *engines = NULL;
    struct hx_engine_options options = {
        .board = board, .registry = registry, .n_engines = 2, .max_sockets = 20, .seed = 7};
    enum hx_errcode code = hx_engines_new(&options, &engines, NULL);
    if (code == HX_OK)
        code = hx_engines_apply(engines, generation, NULL);
    else
        hx_generation_release(generation);
    hx_engines_free(engines);
    return code;
}

static void an_engine_that_cannot_be_made_leaves_nothing(void **state)
{
    (void)state;
    bool is_failing = true;
    for (size_t n = 1; is_failing; n++) {
        struct hx_board board;
        struct hx_record *record = NULL;
        struct hx_generation *generation = NULL;
        struct hx_registry *registry = hx_registry_new();
        assert_int_equal(hx_board_init(&board, NULL), HX_OK);
        assert_int_equal(hx_record_new(dependency_new(), &record, NULL), HX_OK);
        assert_int_equal(hx_generation_new(&record, 1, NULL, &generation, NULL), HX_OK);
        failing_alloc_at(n);
        enum hx_errcode code = make_engine(&board, registry, generation);
        is_failing = failing_alloc_was_reached();
        assert_true(is_failing ? code != HX_OK : code == HX_OK);
        hx_board_fini(&board);
        hx_registry_free(registry);
    }
}

static void an_exporter_that_cannot_be_made_is_null(void **state)
{
    (void)state;
    bool is_failing = true;
    for (size_t n = 1; is_failing; n++) {
        failing_alloc_at(n);
        struct hx_exporter *exporter = hx_exporter_new();
        is_failing = failing_alloc_was_reached();
        assert_true(is_failing ? exporter == NULL : exporter != NULL);
        hx_exporter_free(exporter);
    }
}

static void an_argument_that_cannot_be_taken_leaves_the_exporter_as_it_was(void **state)
{
    (void)state;
    bool is_failing = true;
    struct hx_exporter *exporter = hx_exporter_new();
    for (size_t n = 1; is_failing; n++) {
        failing_alloc_at(n);
        enum hx_errcode code = hx_exporter_add(exporter, "model=heartbeat:", NULL);
        is_failing = failing_alloc_was_reached();
        assert_true(is_failing ? code != HX_OK : code == HX_OK);
    }
    hx_exporter_free(exporter);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_record_that_cannot_be_made_frees_its_dependency),
        cmocka_unit_test(a_generation_that_cannot_be_made_lets_its_records_go),
        cmocka_unit_test(an_engine_that_cannot_be_made_leaves_nothing),
        cmocka_unit_test(an_exporter_that_cannot_be_made_is_null),
        cmocka_unit_test(an_argument_that_cannot_be_taken_leaves_the_exporter_as_it_was),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

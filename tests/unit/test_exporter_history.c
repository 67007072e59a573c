/* SPDX-License-Identifier: Apache-2.0 */
/* Whether the exporter keeps histories, and what a reload makes of them. */
#include "base/clock.h"
#include "engine/board.h"
#include "health_exporter.h"
#include "snapshot.h"

#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#define HOUR (3600 * HX_NS_PER_S)

struct fixture {
    struct hx_exporter *exporter;
    struct hx_error err;
    char path[64];
};

static void write_config(const struct fixture *f, const char *dependencies)
{
    FILE *file = fopen(f->path, "w");
    assert_non_null(file);
    assert_true(fprintf(file, "dependencies:\n%s", dependencies) > 0);
    assert_int_equal(fclose(file), 0);
}

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    snprintf(f->path, sizeof(f->path), "/tmp/test_exporter_history.XXXXXX");
    int fd = mkstemp(f->path);
    assert_true(fd >= 0);
    close(fd);
    f->exporter = hx_exporter_new();
    assert_non_null(f->exporter);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    hx_exporter_free(f->exporter);
    unlink(f->path);
    free(f);
    return 0;
}

static void start(struct fixture *f, const char *dependencies)
{
    write_config(f, dependencies);
    assert_int_equal(hx_exporter_load(f->exporter, f->path, &f->err), HX_OK);
    assert_int_equal(hx_exporter_start(f->exporter, &f->err), HX_OK);
}

static void listen_and_start(struct fixture *f, const char *dependencies)
{
    assert_int_equal(hx_exporter_listen(f->exporter, "127.0.0.1:0", &f->err), HX_OK);
    start(f, dependencies);
}

static void reload(struct fixture *f, const char *dependencies)
{
    struct hx_reload result;
    write_config(f, dependencies);
    assert_int_equal(hx_exporter_reload(f->exporter, &result, &f->err), HX_OK);
    hx_reload_fini(&result);
}

/* That of the dependency, which must be there; false: none is kept. */
static bool look(struct fixture *f, const char *name, struct hx_history_view *view)
{
    struct hx_generation *generation = hx_board_hold(hx_exporter_board(f->exporter));
    assert_non_null(generation);
    struct hx_record *record = hx_generation_find(generation, name);
    assert_non_null(record);
    bool is_kept = hx_record_history(record, hx_clock_monotonic_ns(), view);
    hx_generation_release(generation);
    return is_kept;
}

static uint64_t n_checks(const struct hx_history_view *view)
{
    uint64_t n = 0;
    for (size_t i = 0; i < HX_HISTORY_BUCKETS; i++)
        n += view->buckets[i].n_checks;
    return n;
}

static void wait_for_check(struct fixture *f, const char *name)
{
    struct hx_history_view view;
    int64_t limit = hx_clock_monotonic_ns() + 10 * HX_NS_PER_S;
    do {
        assert_true(hx_clock_monotonic_ns() < limit);
        assert_true(look(f, name, &view));
        sched_yield();
    } while (n_checks(&view) == 0);
}

#define A "  - {name: a, url: 'memory:', interval: 1h}\n"
#define B "  - {name: b, url: 'memory:', interval: 1h}\n"

static void the_last_day_is_kept_unless_set(void **state)
{
    struct fixture *f = *state;
    struct hx_history_view view;
    listen_and_start(f, A);
    assert_true(look(f, "a", &view));
    assert_int_equal(view.width_ns * HX_HISTORY_BUCKETS, 24 * HOUR);
}

static void as_far_back_as_was_set(void **state)
{
    struct fixture *f = *state;
    struct hx_history_view view;
    assert_int_equal(hx_exporter_history(f->exporter, 30 * 24 * HOUR, &f->err), HX_OK);
    assert_int_equal(hx_exporter_history(f->exporter, HOUR, &f->err), HX_OK);
    listen_and_start(f, A);
    assert_true(look(f, "a", &view));
    assert_int_equal(view.width_ns * HX_HISTORY_BUCKETS, HOUR);
    assert_int_equal(view.begin_wall_ns % view.width_ns, 0);
}

static void none_is_kept_when_it_is_off_also_after_a_reload(void **state)
{
    struct fixture *f = *state;
    struct hx_history_view view;
    assert_int_equal(hx_exporter_history(f->exporter, 0, &f->err), HX_OK);
    listen_and_start(f, A);
    assert_false(look(f, "a", &view));
    reload(f, A B);
    assert_false(look(f, "b", &view));
}

static void none_is_kept_where_no_page_shows_it(void **state)
{
    struct fixture *f = *state;
    struct hx_history_view view;
    start(f, A);
    assert_false(look(f, "a", &view));
}

static void a_span_out_of_bounds_is_refused(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(hx_exporter_history(f->exporter, HOUR - 1, &f->err), HX_ERR_INVALID);
    assert_int_equal(hx_exporter_history(f->exporter, 30 * 24 * HOUR + 1, &f->err), HX_ERR_INVALID);
    assert_int_equal(hx_exporter_history(f->exporter, -1, &f->err), HX_ERR_INVALID);
    assert_int_equal(hx_exporter_history(f->exporter, 31 * 24 * HOUR, &f->err), HX_ERR_INVALID);
    assert_string_equal(f->err.message, "expected a history of 1h to 30d, or 0 for none");
}

static void an_unchanged_dependency_keeps_its_history(void **state)
{
    struct fixture *f = *state;
    struct hx_history_view before, after;
    listen_and_start(f, A);
    wait_for_check(f, "a");
    assert_true(look(f, "a", &before));
    reload(f, B A);
    assert_true(look(f, "a", &after));
    assert_int_equal(n_checks(&after), n_checks(&before));
    assert_true(look(f, "b", &before));
    assert_int_equal(before.width_ns, after.width_ns);
    assert_int_equal(before.begin_wall_ns % before.width_ns, 0);
}

static void a_changed_dependency_begins_another_one(void **state)
{
    struct fixture *f = *state;
    struct hx_history_view view;
    listen_and_start(f, A);
    wait_for_check(f, "a");
    reload(f, "  - {name: a, url: 'heartbeat:', interval: 1h}\n");
    assert_true(look(f, "a", &view));
    assert_int_equal(n_checks(&view), 0);
}

int main(void)
{
#define TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(the_last_day_is_kept_unless_set),
        TEST(as_far_back_as_was_set),
        TEST(none_is_kept_when_it_is_off_also_after_a_reload),
        TEST(none_is_kept_where_no_page_shows_it),
        TEST(a_span_out_of_bounds_is_refused),
        TEST(an_unchanged_dependency_keeps_its_history),
        TEST(a_changed_dependency_begins_another_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The library as a service embeds it: by its public headers alone. */
#include "health_exporter.h"

#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

static double now_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void wait_for_state(struct hx_exporter *exporter, const char *name, enum hx_state state)
{
    double limit = now_seconds() + 10;
    while (hx_exporter_state(exporter, name) != state) {
        assert_true(now_seconds() < limit);
        sched_yield();
    }
}

static void a_heartbeat_from_the_service_makes_it_ready(void **state)
{
    (void)state;
    struct hx_error err = {0};
    struct hx_exporter *exporter = hx_exporter_new();
    assert_non_null(exporter);
    assert_int_equal(hx_exporter_add(exporter, "model=heartbeat:", &err), HX_OK);
    assert_int_equal(hx_exporter_start(exporter, &err), HX_OK);
    assert_true(hx_exporter_is_live(exporter));
    wait_for_state(exporter, "model", HX_STATE_DOWN);
    assert_false(hx_exporter_is_ready(exporter));
    assert_int_equal(hx_exporter_report(exporter, "model", true, NULL, &err), HX_OK);
    wait_for_state(exporter, "model", HX_STATE_UP);
    assert_true(hx_exporter_is_ready(exporter));
    assert_int_equal(hx_exporter_report(exporter, "model", false, "cuda lost", &err), HX_OK);
    wait_for_state(exporter, "model", HX_STATE_DOWN);
    assert_int_equal(hx_exporter_report(exporter, "modle", true, NULL, &err), HX_ERR_NOTFOUND);
    hx_exporter_free(exporter);
}

static void with_nothing_configured_it_checks_disk_and_memory(void **state)
{
    (void)state;
    struct hx_error err = {0};
    struct hx_exporter *exporter = hx_exporter_new();
    assert_int_equal(hx_exporter_start(exporter, &err), HX_OK);
    wait_for_state(exporter, "memory", HX_STATE_UP);
    char *page = hx_exporter_expose(exporter, HX_FORMAT_TEXT, NULL);
    assert_non_null(strstr(page, "health_check_info{dependency=\"disk\",kind=\"disk\""));
    free(page);
    hx_exporter_free(exporter);
}

static void checks_are_shared_among_as_many_threads_as_wanted(void **state)
{
    (void)state;
    struct hx_error err = {0};
    struct hx_exporter *exporter = hx_exporter_new();
    assert_int_equal(hx_exporter_engine_threads(exporter, 0, &err), HX_ERR_INVALID);
    assert_string_equal(err.message, "0 engine threads: expected 1 to 64");
    assert_int_equal(hx_exporter_engine_threads(exporter, 65, &err), HX_ERR_INVALID);
    assert_int_equal(hx_exporter_engine_threads(exporter, 64, &err), HX_OK);
    assert_int_equal(hx_exporter_start(exporter, &err), HX_OK);
    wait_for_state(exporter, "disk", HX_STATE_UP);
    wait_for_state(exporter, "memory", HX_STATE_UP);
    assert_true(hx_exporter_is_live(exporter));
    hx_exporter_free(exporter);
}

static void the_service_adds_series_of_its_own(void **state)
{
    (void)state;
    struct hx_error err = {0};
    size_t len = 0;
    struct hx_exporter *exporter = hx_exporter_new();
    struct hx_counter *orders = hx_registry_counter(hx_exporter_registry(exporter), "orders_total",
                                                    "Orders taken.", NULL, &err);
    assert_non_null(orders);
    assert_int_equal(hx_exporter_add(exporter, "model=heartbeat:", &err), HX_OK);
    assert_int_equal(hx_exporter_start(exporter, &err), HX_OK);
    hx_counter_add(orders, 3);
    char *page = hx_exporter_expose(exporter, HX_FORMAT_OPENMETRICS, &len);
    assert_int_equal(len, strlen(page));
    assert_non_null(strstr(page, "\norders_total 3.0\n"));
    assert_string_equal(page + len - 6, "# EOF\n");
    free(page);
    hx_exporter_free(exporter);
}

static const char *const coin_schemes[] = {"coin", NULL};
static const struct hx_option no_options[] = {{.name = NULL}};
static const enum hx_reason coin_reasons[] = {HX_REASON_ASSERTION, HX_REASON_NONE};

static void coin_start(struct hx_check *check)
{
    if (strcmp(hx_check_dependency(check)->url.path, "/heads") == 0)
        hx_check_pass(check);
    else
        hx_check_fail(check, HX_REASON_ASSERTION, "tails");
}

static void coin_cancel(struct hx_check *check)
{
    (void)check;
}

static const struct hx_kind coin = {.name = "coin",
                                    .summary = "A coin that was tossed before.",
                                    .schemes = coin_schemes,
                                    .options = no_options,
                                    .reasons = coin_reasons,
                                    .start = coin_start,
                                    .cancel = coin_cancel};

static void a_service_may_bring_a_kind_of_its_own(void **state)
{
    (void)state;
    struct hx_error err = {0};
    struct hx_exporter *exporter = hx_exporter_new();
    assert_int_equal(hx_exporter_add_kind(exporter, &coin, &err), HX_OK);
    assert_int_equal(hx_exporter_add_kind(exporter, &coin, &err), HX_ERR_EXISTS);
    assert_int_equal(hx_exporter_add(exporter, "a=coin:/heads", &err), HX_OK);
    assert_int_equal(hx_exporter_add(exporter, "b=coin:/tails", &err), HX_OK);
    assert_int_equal(hx_exporter_start(exporter, &err), HX_OK);
    wait_for_state(exporter, "a", HX_STATE_UP);
    wait_for_state(exporter, "b", HX_STATE_DOWN);
    hx_exporter_free(exporter);
}

static void what_is_wrong_is_said_and_nothing_starts(void **state)
{
    (void)state;
    struct hx_error err = {0};
    struct hx_exporter *exporter = hx_exporter_new();
    assert_int_not_equal(hx_exporter_add(exporter, "cache=rediss3://c", &err), HX_OK);
    assert_non_null(strstr(hx_exporter_diagnostics(exporter), "rediss3"));
    assert_int_equal(hx_exporter_telemetry_path(exporter, "metrics", &err), HX_ERR_INVALID);
    assert_int_equal(hx_exporter_listen(exporter, "127.0.0.1:notaport", &err), HX_OK);
    assert_int_not_equal(hx_exporter_start(exporter, &err), HX_OK);
    assert_non_null(strstr(err.message, "notaport"));
    assert_int_equal(hx_exporter_start(exporter, &err), HX_ERR_BUSY);
    hx_exporter_free(exporter);
}

static void a_port_in_use_starts_nothing(void **state)
{
    (void)state;
    struct hx_error err = {0};
    char address[32];
    struct hx_exporter *first = hx_exporter_new();
    struct hx_exporter *second = hx_exporter_new();
    assert_int_equal(hx_exporter_listen(first, "127.0.0.1:0", &err), HX_OK);
    assert_int_equal(hx_exporter_start(first, &err), HX_OK);
    assert_true(hx_exporter_port(first, 0) > 0);
    snprintf(address, sizeof(address), "127.0.0.1:%u", hx_exporter_port(first, 0));
    assert_int_equal(hx_exporter_listen(second, address, &err), HX_OK);
    assert_int_not_equal(hx_exporter_start(second, &err), HX_OK);
    assert_non_null(strstr(err.message, address));
    hx_exporter_free(second);
    hx_exporter_free(first);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_heartbeat_from_the_service_makes_it_ready),
        cmocka_unit_test(with_nothing_configured_it_checks_disk_and_memory),
        cmocka_unit_test(checks_are_shared_among_as_many_threads_as_wanted),
        cmocka_unit_test(the_service_adds_series_of_its_own),
        cmocka_unit_test(a_service_may_bring_a_kind_of_its_own),
        cmocka_unit_test(what_is_wrong_is_said_and_nothing_starts),
        cmocka_unit_test(a_port_in_use_starts_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

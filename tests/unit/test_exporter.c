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
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

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

static void a_long_report_is_cut_between_characters(void **state)
{
    (void)state;
    struct hx_error err = {0};
    struct hx_snapshot snapshot = {0};
    char message[200] = "a";
    for (size_t len = 1; len + 3 < sizeof(message); len += 3)
        memcpy(message + len, "\xE2\x82\xAC", 3);
    struct hx_exporter *exporter = hx_exporter_new();
    assert_int_equal(hx_exporter_add(exporter, "model=heartbeat:", &err), HX_OK);
    assert_int_equal(hx_exporter_start(exporter, &err), HX_OK);
    assert_int_equal(hx_exporter_report(exporter, "model", false, message, &err), HX_OK);
    double limit = now_seconds() + 10;
    while (snapshot.message[0] != 'a') {
        assert_true(now_seconds() < limit);
        assert_true(hx_exporter_dependency(exporter, 0, &snapshot));
    }
    message[157] = '\0'; /* 159 bytes would hold two of the next character's three */
    assert_string_equal(snapshot.message, message);
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

static void assert_refused(const struct hx_kind *kind, enum hx_errcode code, const char *message)
{
    struct hx_error err = {0};
    struct hx_exporter *exporter = hx_exporter_new();
    assert_int_equal(hx_exporter_add_kind(exporter, kind, &err), code);
    assert_string_equal(err.message, message);
    hx_exporter_free(exporter);
}

static void a_kind_that_is_not_whole_or_not_new_is_refused(void **state)
{
    static const char *const none[] = {NULL};
    static const char *const taken[] = {"coins", "rediss", NULL};
    static const char parts[] = "a kind has name, schemes, options, reasons, start and cancel";
    (void)state;
    struct hx_kind kinds[7];
    for (size_t i = 0; i < 7; i++)
        kinds[i] = coin;
    kinds[0].name = NULL;
    kinds[1].schemes = NULL;
    kinds[2].schemes = none;
    kinds[3].options = NULL;
    kinds[4].reasons = NULL;
    kinds[5].start = NULL;
    kinds[6].cancel = NULL;
    for (size_t i = 0; i < 7; i++)
        assert_refused(&kinds[i], HX_ERR_INVALID, parts);
    kinds[0].name = "redis";
    assert_refused(&kinds[0], HX_ERR_EXISTS, "there is a kind \"redis\" already");
    kinds[1].schemes = taken;
    assert_refused(&kinds[1], HX_ERR_EXISTS, "the scheme \"rediss\" is that of kind \"redis\"");
}

/* A path that holds the text; the caller's to unlink. */
static void write_file(char path[64], const char *text)
{
    snprintf(path, 64, "/tmp/test_exporter.XXXXXX");
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    close(fd);
}

static size_t count_on_page(struct hx_exporter *exporter, const char *text)
{
    size_t n = 0;
    char *page = hx_exporter_expose(exporter, HX_FORMAT_TEXT, NULL);
    assert_non_null(page);
    for (const char *at = page; (at = strstr(at, text)) != NULL; at += strlen(text))
        n++;
    free(page);
    return n;
}

static void a_file_and_what_was_added_come_in_any_order(void **state)
{
    (void)state;
    struct hx_error err = {0};
    char path[64], bad[64];
    struct hx_exporter *exporter = hx_exporter_new();
    write_file(path, "dependencies: [{name: filed, url: \"heartbeat:\"}]\n");
    write_file(bad, "liveness_grace: 30s\ndependencies: [{name: added, url: \"heartbeat:\"}]\n");
    assert_int_equal(hx_exporter_add(exporter, "added=heartbeat:", &err), HX_OK);
    assert_int_equal(hx_exporter_load(exporter, bad, &err), HX_ERR_EXISTS);
    assert_non_null(strstr(hx_exporter_diagnostics(exporter), "argument \"added\""));
    assert_int_equal(hx_exporter_load(exporter, "/no/such/file", &err), HX_ERR_NOTFOUND);
    assert_string_equal(err.message, "1 error in the configuration");
    /* The last one that was good counts, once. */
    assert_int_equal(hx_exporter_load(exporter, path, &err), HX_OK);
    assert_int_equal(hx_exporter_load(exporter, path, &err), HX_OK);
    assert_int_equal(hx_exporter_load(exporter, bad, &err), HX_ERR_EXISTS);
    assert_int_equal(hx_exporter_add(exporter, "filed=heartbeat:", &err), HX_ERR_EXISTS);
    assert_int_equal(hx_exporter_start(exporter, &err), HX_OK);
    assert_true(hx_exporter_is_live(exporter));
    assert_int_equal(count_on_page(exporter, "health_check_info{dependency=\"added\""), 1);
    assert_int_equal(count_on_page(exporter, "health_check_info{dependency=\"filed\""), 1);
    hx_exporter_free(exporter);
    unlink(path);
    unlink(bad);
}

static void after_its_start_nothing_is_set_any_more(void **state)
{
    (void)state;
    struct hx_error err = {0};
    struct hx_exporter *exporter = hx_exporter_new();
    assert_int_equal(hx_exporter_add(exporter, "model=heartbeat:", &err), HX_OK);
    assert_int_equal(hx_exporter_start(exporter, &err), HX_OK);
    assert_int_equal(hx_exporter_add(exporter, "late=heartbeat:", &err), HX_ERR_BUSY);
    assert_string_equal(err.message, "this exporter has been started already");
    assert_int_equal(hx_exporter_load(exporter, "/no/such/file", &err), HX_ERR_BUSY);
    assert_int_equal(hx_exporter_web_config(exporter, "/no/such/file", &err), HX_ERR_BUSY);
    assert_int_equal(hx_exporter_listen(exporter, "127.0.0.1:0", &err), HX_ERR_BUSY);
    assert_int_equal(hx_exporter_adopt(exporter, dup(STDERR_FILENO), &err), HX_ERR_BUSY);
    assert_int_equal(hx_exporter_log(exporter, -1, HX_LOG_INFO, HX_LOG_JSON, &err), HX_ERR_BUSY);
    assert_int_equal(hx_exporter_add_kind(exporter, &coin, &err), HX_ERR_BUSY);
    assert_int_equal(hx_exporter_telemetry_path(exporter, "/m", &err), HX_ERR_BUSY);
    assert_int_equal(hx_exporter_history(exporter, 0, &err), HX_ERR_BUSY);
    assert_int_equal(hx_exporter_engine_threads(exporter, 2, &err), HX_ERR_BUSY);
    assert_int_equal(hx_exporter_shard(exporter, 0, 2, &err), HX_ERR_BUSY);
    hx_exporter_free(exporter);
}

/* As servers that fork their workers do. */
static void what_was_set_before_a_fork_is_started_after_it(void **state)
{
    (void)state;
    struct hx_error err = {0};
    int status = 0;
    struct hx_exporter *exporter = hx_exporter_new();
    assert_int_equal(hx_exporter_add(exporter, "memory=memory:", &err), HX_OK);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        bool is_good = hx_exporter_start(exporter, &err) == HX_OK;
        double limit = now_seconds() + 10;
        while (is_good && hx_exporter_state(exporter, "memory") != HX_STATE_UP)
            is_good = now_seconds() < limit;
        hx_exporter_free(exporter);
        _exit(is_good ? 0 : 1);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    assert_int_equal(hx_exporter_start(exporter, &err), HX_OK);
    wait_for_state(exporter, "memory", HX_STATE_UP);
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
        cmocka_unit_test(a_long_report_is_cut_between_characters),
        cmocka_unit_test(with_nothing_configured_it_checks_disk_and_memory),
        cmocka_unit_test(checks_are_shared_among_as_many_threads_as_wanted),
        cmocka_unit_test(the_service_adds_series_of_its_own),
        cmocka_unit_test(a_service_may_bring_a_kind_of_its_own),
        cmocka_unit_test(a_kind_that_is_not_whole_or_not_new_is_refused),
        cmocka_unit_test(a_file_and_what_was_added_come_in_any_order),
        cmocka_unit_test(after_its_start_nothing_is_set_any_more),
        cmocka_unit_test(what_was_set_before_a_fork_is_started_after_it),
        cmocka_unit_test(what_is_wrong_is_said_and_nothing_starts),
        cmocka_unit_test(a_port_in_use_starts_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

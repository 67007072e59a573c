/* SPDX-License-Identifier: Apache-2.0 */
/* link: -Wl,--wrap=gethostname */
/*
 * One configuration, several exporters that share it. Of three shards, 0 has "search", 1 has
 * "orders" and 2 has "database" and "cache", for ever (test_shard.c).
 */
#include "health_exporter.h"

#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

struct fixture {
    struct hx_exporter *exporter;
    struct hx_error err;
    char path[64];
};

static const char *host_name; /* NULL: it cannot be read */

int __wrap_gethostname(char *name, size_t size);

int __wrap_gethostname(char *name, size_t size)
{
    if (host_name == NULL)
        return -1;
    snprintf(name, size, "%s", host_name);
    return 0;
}

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    assert_non_null(f);
    snprintf(f->path, sizeof(f->path), "/tmp/test_share.XXXXXX");
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

#define BEAT(name) "  - {name: " name ", url: \"heartbeat:\"}\n"
#define ALL        "dependencies:\n" BEAT("search") BEAT("orders") BEAT("database") BEAT("cache")

static void start_shard(struct fixture *f, int ordinal, const char *config)
{
    write_file(f->path, config);
    assert_int_equal(hx_exporter_load(f->exporter, f->path, &f->err), HX_OK);
    assert_int_equal(hx_exporter_shard(f->exporter, ordinal, 3, &f->err), HX_OK);
    assert_int_equal(hx_exporter_start(f->exporter, &f->err), HX_OK);
}

/* The names, each followed by a space. */
static void assert_checks(struct fixture *f, const char *expected)
{
    char text[256] = "";
    struct hx_snapshot snapshot;
    for (size_t i = 0; hx_exporter_dependency(f->exporter, i, &snapshot); i++) {
        size_t len = strlen(text);
        snprintf(text + len, sizeof(text) - len, "%s ", snapshot.name);
    }
    assert_string_equal(text, expected);
}

static bool page_has(struct fixture *f, const char *text)
{
    char *page = hx_exporter_expose(f->exporter, HX_FORMAT_TEXT, NULL);
    assert_non_null(page);
    bool has = strstr(page, text) != NULL;
    free(page);
    return has;
}

static double now_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void wait_for(struct fixture *f, const char *text)
{
    double limit = now_seconds() + 10;
    while (!page_has(f, text)) {
        assert_true(now_seconds() < limit);
        sched_yield();
    }
}

/* ---- what a shard checks ---- */

static void by_itself_it_checks_all(void **state)
{
    struct fixture *f = *state;
    write_file(f->path, ALL);
    assert_int_equal(hx_exporter_load(f->exporter, f->path, &f->err), HX_OK);
    assert_int_equal(hx_exporter_start(f->exporter, &f->err), HX_OK);
    assert_checks(f, "search orders database cache ");
    assert_true(page_has(f, "\nhealth_exporter_shard_ordinal 0\n"));
    assert_true(page_has(f, "\nhealth_exporter_total_shards 1\n"));
    assert_int_equal(hx_exporter_report(f->exporter, "billing", true, NULL, &f->err),
                     HX_ERR_NOTFOUND);
    assert_string_equal(f->err.message, "no dependency named \"billing\"");
}

static void each_checks_its_own_in_the_order_of_the_file(void **state)
{
    struct fixture *f = *state;
    start_shard(f, 2, ALL);
    assert_checks(f, "database cache ");
    assert_true(page_has(f, "\nhealth_exporter_shard_ordinal 2\n"));
    assert_true(page_has(f, "\nhealth_exporter_total_shards 3\n"));
    assert_false(page_has(f, "dependency=\"search\""));
}

static void a_shard_with_nothing_to_check_is_ready_all_the_same(void **state)
{
    struct fixture *f = *state;
    start_shard(f, 0, "dependencies:\n" BEAT("database"));
    assert_checks(f, "");
    wait_for(f, "\nhealth_service_ready 1\n");
}

static void arguments_and_defaults_are_shared_too(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(hx_exporter_add(f->exporter, "search=heartbeat:", &f->err), HX_OK);
    assert_int_equal(hx_exporter_add(f->exporter, "orders=heartbeat:", &f->err), HX_OK);
    assert_int_equal(hx_exporter_shard(f->exporter, 1, 3, &f->err), HX_OK);
    assert_int_equal(hx_exporter_start(f->exporter, &f->err), HX_OK);
    assert_checks(f, "orders ");
}

static void startup_waits_for_its_own_only(void **state)
{
    struct fixture *f = *state;
    start_shard(f, 0, "startup_requires: [database, search, orders]\n" ALL);
    assert_true(page_has(f, "\nhealth_service_started 0\n"));
    assert_int_equal(hx_exporter_report(f->exporter, "search", true, NULL, &f->err), HX_OK);
    wait_for(f, "\nhealth_service_started 1\n");
}

static void a_report_for_another_shard_says_which(void **state)
{
    struct fixture *f = *state;
    start_shard(f, 0, ALL);
    assert_int_equal(hx_exporter_report(f->exporter, "cache", true, NULL, &f->err),
                     HX_ERR_NOTFOUND);
    assert_string_equal(
        f->err.message,
        "no dependency named \"cache\" in this shard, 0 of 3: shard 2 is the one for that name");
}

static void its_own_name_that_is_unknown_is_sent_nowhere(void **state)
{
    struct fixture *f = *state;
    start_shard(f, 2, "dependencies:\n" BEAT("search"));
    assert_int_equal(hx_exporter_report(f->exporter, "cache", true, NULL, &f->err),
                     HX_ERR_NOTFOUND);
    assert_string_equal(f->err.message, "no dependency named \"cache\" in this shard, 2 of 3");
}

static void another_shards_error_is_an_error_here_too(void **state)
{
    struct fixture *f = *state;
    write_file(f->path, ALL "  - {name: wrong, url: \"nothing:\"}\n");
    assert_int_equal(hx_exporter_shard(f->exporter, 0, 3, &f->err), HX_OK);
    assert_int_not_equal(hx_exporter_load(f->exporter, f->path, &f->err), HX_OK);
}

static void a_reload_keeps_to_the_shard(void **state)
{
    struct fixture *f = *state;
    struct hx_reload reload;
    start_shard(f, 2, "startup_requires: [database, search]\n" ALL);
    write_file(f->path, "startup_requires: [orders]\ndependencies:\n" BEAT("api") BEAT("orders")
                            BEAT("database"));
    assert_int_equal(hx_exporter_reload(f->exporter, &reload, &f->err), HX_OK);
    assert_checks(f, "api database ");
    assert_int_equal(reload.added.n, 1);
    assert_string_equal(reload.added.items[0], "api");
    assert_int_equal(reload.removed.n, 1);
    assert_string_equal(reload.removed.items[0], "cache");
    assert_int_equal(reload.n_unchanged, 1);
    hx_reload_fini(&reload);
}

/* ---- which shard it is ---- */

static void assert_refused(struct fixture *f, int ordinal, int total, const char *expected)
{
    assert_int_equal(hx_exporter_shard(f->exporter, ordinal, total, &f->err), HX_ERR_INVALID);
    assert_string_equal(f->err.message, expected);
}

static void ordinals_and_totals_have_bounds(void **state)
{
    struct fixture *f = *state;
    assert_refused(f, 0, 0, "0 shards: expected 1 to 1024");
    assert_refused(f, 0, HX_MAX_SHARDS + 1, "1025 shards: expected 1 to 1024");
    assert_refused(f, 3, 3, "shard 3: expected 0 to 2, with 3 in total");
    assert_refused(f, -2, 3, "shard -2: expected 0 to 2, with 3 in total");
    assert_int_equal(hx_exporter_shard(f->exporter, HX_MAX_SHARDS - 1, HX_MAX_SHARDS, &f->err),
                     HX_OK);
}

static void auto_is_the_number_at_the_end_of_the_hosts_name(void **state)
{
    struct fixture *f = *state;
    host_name = "health-exporter-2";
    start_shard(f, HX_SHARD_AUTO, ALL);
    assert_checks(f, "database cache ");
}

static void auto_needs_a_number_that_fits(void **state)
{
    static const char *const without[] = {"web", "web-", "web-1a", "web-0x1", "web-99999999999"};
    struct fixture *f = *state;
    for (size_t i = 0; i < sizeof(without) / sizeof(without[0]); i++) {
        char expected[160];
        host_name = without[i];
        snprintf(expected, sizeof(expected),
                 "shard: this host's name, \"%s\", does not end in a number as those of a "
                 "StatefulSet do (\"name-0\")",
                 host_name);
        assert_refused(f, HX_SHARD_AUTO, 3, expected);
    }
    host_name = "web-3";
    assert_refused(f, HX_SHARD_AUTO, 3,
                   "shard 3, by this host's name: expected 0 to 2, with 3 in total");
    host_name = NULL;
    assert_int_equal(hx_exporter_shard(f->exporter, HX_SHARD_AUTO, 3, &f->err), HX_ERR_SYSTEM);
}

#define SHARE_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SHARE_TEST(by_itself_it_checks_all),
        SHARE_TEST(each_checks_its_own_in_the_order_of_the_file),
        SHARE_TEST(a_shard_with_nothing_to_check_is_ready_all_the_same),
        SHARE_TEST(arguments_and_defaults_are_shared_too),
        SHARE_TEST(startup_waits_for_its_own_only),
        SHARE_TEST(a_report_for_another_shard_says_which),
        SHARE_TEST(its_own_name_that_is_unknown_is_sent_nowhere),
        SHARE_TEST(another_shards_error_is_an_error_here_too),
        SHARE_TEST(a_reload_keeps_to_the_shard),
        SHARE_TEST(ordinals_and_totals_have_bounds),
        SHARE_TEST(auto_is_the_number_at_the_end_of_the_hosts_name),
        SHARE_TEST(auto_needs_a_number_that_fits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

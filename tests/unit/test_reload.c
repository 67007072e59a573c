/* SPDX-License-Identifier: Apache-2.0 */
/* link: -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=strdup */
/*
 * Reloads as a service that embeds the exporter sees them, and the equality of dependencies that
 * they rest on. Run under ThreadSanitizer too.
 */
#include "assemble.h"
#include "base/clock.h"
#include "base/equal.h"
#include "base/option.h"
#include "config/config.h"
#include "diff.h"
#include "failing_alloc.h"
#include "health_exporter.h"
#include "kinds/kinds.h"
#include "snapshot.h"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define SECRET "S3CR3T"

struct fixture {
    struct hx_exporter *exporter;
    struct hx_reload reload;
    struct hx_error err;
    char directory[64];
    char path[128];
    char extra[128]; /* a second file */
};

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
    snprintf(f->directory, sizeof(f->directory), "/tmp/test_reload.XXXXXX");
    assert_non_null(mkdtemp(f->directory));
    snprintf(f->path, sizeof(f->path), "%s/checks.yml", f->directory);
    snprintf(f->extra, sizeof(f->extra), "%s/extra", f->directory);
    f->exporter = hx_exporter_new();
    assert_non_null(f->exporter);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    hx_reload_fini(&f->reload);
    hx_exporter_free(f->exporter);
    unlink(f->path);
    unlink(f->extra);
    rmdir(f->directory);
    free(f);
    return 0;
}

static void start(struct fixture *f, const char *config)
{
    write_file(f->path, config);
    assert_int_equal(hx_exporter_load(f->exporter, f->path, &f->err), HX_OK);
    assert_int_equal(hx_exporter_start(f->exporter, &f->err), HX_OK);
}

static enum hx_errcode reload(struct fixture *f, const char *config)
{
    write_file(f->path, config);
    hx_reload_fini(&f->reload);
    return hx_exporter_reload(f->exporter, &f->reload, &f->err);
}

/* The names, joined by spaces. */
static void assert_names(const struct hx_strings *names, const char *expected)
{
    char text[256] = "";
    for (size_t i = 0; i < names->n; i++) {
        size_t len = strlen(text);
        snprintf(text + len, sizeof(text) - len, "%s%s", i == 0 ? "" : " ", names->items[i]);
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

static void wait_for_state(struct fixture *f, const char *name, enum hx_state state)
{
    double limit = now_seconds() + 10;
    while (hx_exporter_state(f->exporter, name) != state) {
        assert_true(now_seconds() < limit);
        sched_yield();
    }
}

/* ---- what a reload does ---- */

#define BEAT(name) "  - {name: " name ", url: \"heartbeat:\", interval: 500ms, timeout: 100ms}\n"

static void names_what_was_added_changed_and_removed(void **state)
{
    struct fixture *f = *state;
    start(f, "dependencies:\n" BEAT("a") BEAT("b") BEAT("c"));
    assert_int_equal(reload(f, "dependencies:\n" BEAT("d")
                                   BEAT("a") "  - {name: b, url: \"heartbeat:\", ttl: 7s}\n"),
                     HX_OK);
    assert_true(f->reload.is_successful);
    assert_names(&f->reload.added, "d");
    assert_names(&f->reload.changed, "b");
    assert_names(&f->reload.removed, "c");
    assert_int_equal(f->reload.n_unchanged, 1);
    assert_int_equal(f->reload.n_errors, 0);
    assert_true(page_has(f, "health_check_status{dependency=\"d\"}"));
    assert_false(page_has(f, "dependency=\"c\""));
}

static void an_unchanged_dependency_keeps_its_state(void **state)
{
    struct fixture *f = *state;
    start(f, "dependencies:\n" BEAT("a") BEAT("b"));
    wait_for_state(f, "a", HX_STATE_DOWN);
    assert_int_equal(hx_exporter_report(f->exporter, "a", true, NULL, &f->err), HX_OK);
    assert_int_equal(hx_exporter_report(f->exporter, "b", true, NULL, &f->err), HX_OK);
    wait_for_state(f, "a", HX_STATE_UP);
    wait_for_state(f, "b", HX_STATE_UP);
    assert_int_equal(reload(f, "dependencies:\n"
                               "  - {name: b, url: \"heartbeat:\", ttl: 7s}\n" BEAT("a")),
                     HX_OK);
    assert_int_equal(hx_exporter_state(f->exporter, "a"), HX_STATE_UP);
    assert_true(hx_exporter_state(f->exporter, "b") != HX_STATE_UP);
    assert_true(page_has(f, "health_check_transitions_total{dependency=\"a\"} 1"));
    assert_true(page_has(f, "health_check_transitions_total{dependency=\"b\"} 0"));
}

static void an_identical_file_changes_nothing(void **state)
{
    struct fixture *f = *state;
    start(f, "dependencies:\n" BEAT("a") BEAT("b"));
    assert_int_equal(reload(f, "dependencies:\n" BEAT("a") BEAT("b")), HX_OK);
    assert_int_equal(f->reload.n_unchanged, 2);
    assert_int_equal(f->reload.added.n + f->reload.changed.n + f->reload.removed.n, 0);
}

static void an_error_keeps_everything_and_is_told_with_its_place(void **state)
{
    struct fixture *f = *state;
    start(f, "dependencies:\n" BEAT("a"));
    assert_true(page_has(f, "health_exporter_config_last_reload_successful 1"));
    assert_int_equal(reload(f, "dependencies:\n" BEAT("b") "  - name: c\n"
                                                           "    url: heartbeat:\n"
                                                           "    intervall: 5s\n"
                                                           "  - {name: d, url: \"redis://:" SECRET
                                                           "@h:x\"}\n"),
                     HX_ERR_INVALID);
    assert_false(f->reload.is_successful);
    assert_int_equal(f->reload.n_errors, 2);
    assert_string_equal(f->reload.errors[0].file, f->path);
    assert_int_equal(f->reload.errors[0].line, 5);
    assert_int_equal(f->reload.errors[0].column, 5);
    assert_string_equal(f->reload.errors[0].message,
                        "unknown option \"intervall\" (did you mean \"interval\"?)");
    assert_null(strstr(f->reload.errors[1].message, SECRET));
    assert_true(page_has(f, "dependency=\"a\""));
    assert_false(page_has(f, "dependency=\"b\""));
    assert_true(page_has(f, "health_exporter_config_last_reload_successful 0"));
    /* The file that runs already is a success too. */
    assert_int_equal(reload(f, "dependencies:\n" BEAT("a")), HX_OK);
    assert_int_equal(f->reload.n_unchanged, 1);
    assert_true(page_has(f, "health_exporter_config_last_reload_successful 1"));
}

static void a_missing_file_keeps_everything(void **state)
{
    struct fixture *f = *state;
    start(f, "dependencies:\n" BEAT("a"));
    unlink(f->path);
    assert_true(hx_exporter_reload(f->exporter, &f->reload, &f->err) != HX_OK);
    assert_int_equal(f->reload.n_errors, 1);
    assert_string_equal(f->reload.errors[0].file, f->path);
    assert_int_equal(f->reload.errors[0].line, 0);
    assert_true(page_has(f, "dependency=\"a\""));
}

static void what_was_added_by_the_service_stays(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(hx_exporter_add(f->exporter, "mine=heartbeat:", &f->err), HX_OK);
    write_file(f->path, "dependencies:\n" BEAT("a"));
    assert_int_equal(hx_exporter_start(f->exporter, &f->err), HX_OK);
    assert_int_equal(hx_exporter_reload(f->exporter, &f->reload, &f->err), HX_OK);
    assert_int_equal(f->reload.n_unchanged, 1);
    assert_true(page_has(f, "dependency=\"mine\""));
}

static void a_name_that_the_service_has_added_is_refused_in_the_file(void **state)
{
    struct fixture *f = *state;
    write_file(f->path, "dependencies:\n" BEAT("a"));
    assert_int_equal(hx_exporter_load(f->exporter, f->path, &f->err), HX_OK);
    assert_int_equal(hx_exporter_add(f->exporter, "mine=heartbeat:", &f->err), HX_OK);
    assert_int_equal(hx_exporter_start(f->exporter, &f->err), HX_OK);
    assert_int_equal(reload(f, "dependencies:\n" BEAT("mine")), HX_ERR_EXISTS);
    assert_int_equal(f->reload.n_errors, 1);
    assert_null(f->reload.errors[0].file);
    assert_true(page_has(f, "dependency=\"a\""));
}

static void a_file_without_dependencies_leaves_nothing_to_check(void **state)
{
    struct fixture *f = *state;
    start(f, "dependencies:\n" BEAT("a"));
    assert_int_equal(reload(f, "dependencies: []\n"), HX_OK);
    assert_names(&f->reload.added, "");
    assert_names(&f->reload.removed, "a");
    assert_int_equal(reload(f, "dependencies:\n" BEAT("a")), HX_OK);
    assert_names(&f->reload.added, "a");
}

static void startup_requires_follows_the_file(void **state)
{
    struct fixture *f = *state;
    start(f, "dependencies:\n" BEAT("a"));
    wait_for_state(f, "a", HX_STATE_DOWN);
    assert_true(page_has(f, "health_service_started 1"));
    assert_int_equal(reload(f, "startup_requires: [a]\ndependencies:\n" BEAT("a")), HX_OK);
    assert_int_equal(f->reload.n_unchanged, 1);
    assert_true(page_has(f, "health_service_started 0"));
}

static void liveness_grace_follows_the_file(void **state)
{
    struct fixture *f = *state;
    const struct hx_board *board = hx_exporter_board(f->exporter);
    start(f, "liveness_grace: 20s\n");
    assert_int_equal(board->liveness_grace_ns, 20 * HX_NS_PER_S);
    assert_int_equal(reload(f, "liveness_grace: 30s\n"), HX_OK);
    assert_int_equal(board->liveness_grace_ns, 30 * HX_NS_PER_S);
}

static void a_file_that_finds_no_memory_changes_nothing(void **state)
{
    struct fixture *f = *state;
    bool is_failing = true;
    write_file(f->path, "dependencies:\n" BEAT("a"));
    for (size_t n = 1; is_failing; n++) {
        failing_alloc_at(n);
        enum hx_errcode code = hx_exporter_load(f->exporter, f->path, &f->err);
        is_failing = failing_alloc_was_reached();
        assert_int_equal(code, is_failing ? HX_ERR_NOMEM : HX_OK);
        if (is_failing)
            assert_null(strstr(f->err.message, "0 errors"));
    }
    assert_int_equal(hx_exporter_start(f->exporter, &f->err), HX_OK);
    assert_true(page_has(f, "dependency=\"a\""));
}

#define WINDOW(to, reason) "{from: 2020-01-01T00:00:00Z, to: " to ", reason: " reason "}"

static void of_open_windows_the_last_to_end_is_shown(void **state)
{
    struct fixture *f = *state;
    struct hx_board *board = hx_exporter_board(f->exporter);
    start(f, "maintenance: {windows: [" WINDOW("2080-01-01T00:00:00Z", "b") ", " WINDOW(
                 "2090-01-01T00:00:00Z", "c") ", " WINDOW("2070-01-01T00:00:00Z", "a") "]}\n");
    struct hx_maintenance shown = hx_board_maintenance_of(board, HX_MAINTENANCE_WINDOW);
    assert_true(shown.is_on);
    assert_string_equal(shown.reason, "c");
    assert_int_equal(shown.until_wall_ns, INT64_C(3786912000) * HX_NS_PER_S);
    assert_int_equal(
        reload(f, "maintenance: {windows: [" WINDOW("2090-01-01T00:00:00Z", "d") "]}\n"), HX_OK);
    shown = hx_board_maintenance_of(board, HX_MAINTENANCE_WINDOW);
    assert_string_equal(shown.reason, "d");
    assert_int_equal(reload(f, "service: {name: s}\n"), HX_OK);
    assert_false(hx_board_maintenance_of(board, HX_MAINTENANCE_WINDOW).is_on);
}

/* How many lines of the log say so; the exporter has ended, and all is written. */
static size_t count_in_log(const char *path, const char *text)
{
    char line[1024];
    size_t n = 0;
    FILE *log = fopen(path, "r");
    assert_non_null(log);
    while (fgets(line, sizeof(line), log) != NULL)
        n += strstr(line, text) != NULL;
    fclose(log);
    return n;
}

/* Looks as often as a change needs to be seen, and then some. */
static void poll_often(struct fixture *f)
{
    for (int i = 0; i < 5; i++)
        hx_exporter_keep_poll(f->exporter);
}

static void each_change_of_a_file_is_one_reload(void **state)
{
    struct fixture *f = *state;
    int fd = open(f->extra, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(hx_exporter_log(f->exporter, fd, HX_LOG_INFO, HX_LOG_LOGFMT, &f->err), HX_OK);
    start(f, "reload_on_change: true\ndependencies:\n" BEAT("a"));
    poll_often(f);
    write_file(f->path, "reload_on_change: true\ndependencies:\n" BEAT("a") BEAT("b"));
    poll_often(f);
    assert_true(page_has(f, "dependency=\"b\""));
    write_file(f->path, "nonsense");
    poll_often(f);
    assert_true(page_has(f, "health_exporter_config_last_reload_successful 0"));
    hx_exporter_free(f->exporter);
    f->exporter = NULL;
    close(fd);
    assert_int_equal(count_in_log(f->extra, "\"a file of the configuration has changed\""), 2);
    assert_int_equal(count_in_log(f->extra, "\"configuration reloaded\""), 1);
    assert_int_equal(count_in_log(f->extra, "\"configuration not reloaded"), 1);
}

static void a_reload_that_the_web_refuses_does_not_bar_the_next(void **state)
{
    struct fixture *f = *state;
    char tls[8192];
    char *certificate = realpath("tests/golden/web_config/tls/server.crt", NULL);
    char *key = realpath("tests/golden/web_config/tls/server.key", NULL);
    snprintf(tls, sizeof(tls), "tls_server_config: {cert_file: %s, key_file: %s}\n", certificate,
             key);
    free(certificate);
    free(key);
    write_file(f->extra, tls);
    assert_int_equal(hx_exporter_web_config(f->exporter, f->extra, &f->err), HX_OK);
    assert_int_equal(hx_exporter_listen(f->exporter, "127.0.0.1:0", &f->err), HX_OK);
    start(f, "dependencies:\n" BEAT("a"));
    write_file(f->extra, "");
    assert_int_not_equal(reload(f, "dependencies:\n" BEAT("a") BEAT("b")), HX_OK);
    assert_false(page_has(f, "dependency=\"b\""));
    write_file(f->extra, tls);
    assert_int_equal(reload(f, "dependencies:\n" BEAT("a") BEAT("c")), HX_OK);
    assert_names(&f->reload.added, "c");
    assert_int_equal(f->reload.n_unchanged, 1);
}

static void before_start_and_after_stop_nothing_is_reloaded(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(hx_exporter_reload(f->exporter, &f->reload, &f->err), HX_ERR_BUSY);
    hx_reload_fini(&f->reload);
    start(f, "dependencies:\n" BEAT("a"));
    hx_exporter_stop(f->exporter);
    assert_int_equal(hx_exporter_reload(f->exporter, &f->reload, &f->err), HX_ERR_BUSY);
    assert_int_equal(f->reload.n_errors, 1);
}

static void a_changed_certificate_file_changes_the_dependency(void **state)
{
    struct fixture *f = *state;
    char config[512];
    snprintf(config, sizeof(config),
             "dependencies:\n"
             "  - {name: a, url: \"filed:/x\", file: %s}\n"
             "  - {name: b, url: \"filed:/x\"}\n",
             f->extra);
    static const char *const schemes[] = {"filed", NULL};
    static const struct hx_option options[] = {
        {.name = "file", .type = HX_OPTION_STRING, .offset = 0, .is_file = true, .help = "a file"},
        {.name = NULL}};
    static const enum hx_reason reasons[] = {HX_REASON_NONE};
    static struct hx_kind filed;
    filed = (struct hx_kind){.name = "filed",
                             .summary = "Passes.",
                             .schemes = schemes,
                             .options = options,
                             .reasons = reasons,
                             .settings_size = sizeof(char *),
                             .start = hx_check_pass,
                             .cancel = hx_check_pass};
    assert_int_equal(hx_exporter_add_kind(f->exporter, &filed, &f->err), HX_OK);
    write_file(f->extra, "old");
    start(f, config);
    assert_int_equal(reload(f, config), HX_OK);
    assert_int_equal(f->reload.n_unchanged, 2);
    /* Another file of the same content, which is what Kubernetes makes of all files of a volume. */
    unlink(f->extra);
    write_file(f->extra, "old");
    assert_int_equal(reload(f, config), HX_OK);
    assert_int_equal(f->reload.n_unchanged, 2);
    write_file(f->extra, "new");
    assert_int_equal(reload(f, config), HX_OK);
    assert_names(&f->reload.changed, "a");
    assert_int_equal(f->reload.n_unchanged, 1);
    hx_exporter_stop(f->exporter);
}

/* ---- many at once ---- */

static void *reload_often(void *data)
{
    struct fixture *f = data;
    for (int i = 0; i < 20; i++) {
        struct hx_reload mine;
        struct hx_error err;
        assert_int_equal(hx_exporter_reload(f->exporter, &mine, &err), HX_OK);
        assert_int_equal(mine.n_unchanged, 2);
        hx_reload_fini(&mine);
    }
    return NULL;
}

static void reloads_of_several_threads_wait_for_each_other(void **state)
{
    struct fixture *f = *state;
    pthread_t threads[4];
    start(f, "dependencies:\n" BEAT("a") BEAT("b"));
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, reload_often, f), 0);
    while (!page_has(f, "dependency=\"a\""))
        sched_yield();
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
}

/* ---- equality ---- */

static struct hx_dependency *dependency_of(const char *yaml)
{
    char path[] = "/tmp/test_reload_file.XXXXXX";
    char text[1024];
    struct hx_config config;
    struct hx_diagnostics diagnostics;
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    snprintf(text, sizeof(text), "dependencies:\n  - %s\n", yaml);
    write_file(path, text);
    hx_diagnostics_init(&diagnostics);
    assert_int_equal(hx_config_init(&config, NULL), HX_OK);
    if (hx_config_load(&config, path, hx_kinds, NULL, &diagnostics) != HX_OK)
        fail_msg("%s", hx_strbuf_text(&diagnostics.text));
    struct hx_dependency *dependency = config.dependencies[0];
    config.n = 0;
    hx_config_fini(&config);
    hx_diagnostics_fini(&diagnostics);
    unlink(path);
    return dependency;
}

static void assert_equal(const char *a, const char *b, bool is_equal)
{
    struct hx_dependency *left = dependency_of(a);
    struct hx_dependency *right = dependency_of(b);
    if (hx_dependency_equal(left, right) != is_equal ||
        hx_dependency_equal(right, left) != is_equal)
        fail_msg("%s\n%s\nare not %s", a, b, is_equal ? "equal" : "different");
    hx_dependency_free(left);
    hx_dependency_free(right);
}

#define WEB "{name: a, url: \"http://h/x\""

static void each_option_counts(void **state)
{
    (void)state;
    static const char *const variants[] = {
        WEB "}",
        "{name: b, url: \"http://h/x\"}",
        "{name: a, url: \"http://i/x\"}",
        "{name: a, url: \"http://h:81/x\"}",
        "{name: a, url: \"http://h/y\"}",
        "{name: a, url: \"http://h/x?q\"}",
        "{name: a, url: \"http://u@h/x\"}",
        "{name: a, url: \"http://u:p@h/x\"}",
        "{name: a, url: \"http://u:P@h/x\"}",
        "{name: a, url: \"http://u:pp@h/x\"}",
        "{name: a, url: \"https://h/x\"}",
        "{name: a, url: \"tcp://h:80\"}",
        WEB ", interval: 11s}",
        WEB ", timeout: 3s}",
        WEB ", critical: false}",
        WEB ", tags: [x]}",
        WEB ", tags: [x, y]}",
        WEB ", tags: [y, x]}",
        WEB ", buckets: [1ms]}",
        WEB ", buckets: [1ms, 5ms]}",
        WEB ", buckets: [1ms, 6ms]}",
        WEB ", connection: fresh}",
        WEB ", breaker: {failures: 3}}",
        WEB ", method: HEAD}",
        WEB ", headers: {X-A: \"1\"}}",
        WEB ", headers: {X-A: \"2\"}}",
        WEB ", headers: {X-B: \"1\"}}",
        WEB ", expect: {status: [200]}}",
        WEB ", expect: {status: [2xx, 302]}}",
        WEB ", expect: {body_contains: ok}}",
    };
    for (size_t i = 0; i < sizeof(variants) / sizeof(variants[0]); i++) {
        for (size_t j = i; j < sizeof(variants) / sizeof(variants[0]); j++)
            assert_equal(variants[i], variants[j], i == j);
    }
}

static void the_same_written_otherwise_is_the_same(void **state)
{
    (void)state;
    assert_equal(WEB ", interval: 60s}", WEB ", interval: 1m}", true);
    assert_equal(WEB "}", WEB ", critical: true, interval: 10s}", true);
    assert_equal(WEB ", buckets: [5ms, 1]}", WEB ", buckets: [0.005, 1000ms]}", true);
    assert_equal("{name: a, url: \"http://H/x\"}", WEB "}", false); /* people see the text */
}

/* ---- tables of buckets ---- */

static struct hx_generation *generation_of(const struct hx_generation *current, const char *list)
{
    struct hx_config config;
    struct hx_diagnostics diagnostics;
    struct hx_diff diff;
    struct hx_generation *generation = NULL;
    char path[] = "/tmp/test_reload.XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    write_file(path, list);
    hx_diagnostics_init(&diagnostics);
    assert_int_equal(hx_config_init(&config, NULL), HX_OK);
    assert_int_equal(hx_config_load(&config, path, hx_kinds, NULL, &diagnostics), HX_OK);
    assert_int_equal(hx_diff_make(current, &config, &diff, NULL), HX_OK);
    assert_int_equal(hx_diff_generation(&diff, &config, &generation, NULL), HX_OK);
    hx_diff_fini(&diff);
    hx_config_fini(&config);
    hx_diagnostics_fini(&diagnostics);
    unlink(path);
    return generation;
}

#define BUCKETS(name, list) "  - {name: " name ", url: \"heartbeat:\", buckets: [" list "]}\n"

static void equal_buckets_are_one_table_also_across_a_reload(void **state)
{
    (void)state;
    struct hx_generation *first =
        generation_of(NULL, "dependencies:\n" BUCKETS("a", "1ms, 1s") BUCKETS("b", "1ms")
                                BUCKETS("c", "0.001, 1s") BEAT("d"));
    assert_non_null(first->records[0]->bounds);
    assert_ptr_equal(first->records[2]->bounds, first->records[0]->bounds);
    assert_ptr_not_equal(first->records[1]->bounds, first->records[0]->bounds);
    assert_null(first->records[3]->bounds);
    struct hx_generation *second = generation_of(first, "dependencies:\n" BUCKETS("b", "1ms, 1s")
                                                            BUCKETS("new", "1ms") BEAT("a"));
    assert_ptr_equal(second->records[0]->bounds, first->records[0]->bounds);
    assert_ptr_equal(second->records[1]->bounds, first->records[1]->bounds);
    hx_generation_release(first);
    const struct hx_buckets *buckets = second->records[0]->durations.buckets;
    assert_int_equal(buckets->n, 2);
    assert_true(buckets->bounds[0] == 0.001 && buckets->bounds[1] == 1);
    assert_ptr_equal(second->records[2]->durations.buckets, &hx_duration_buckets);
    hx_generation_release(second);
}

static void many_sets_of_buckets_are_told_apart(void **state)
{
    (void)state;
    struct hx_strbuf text;
    hx_strbuf_init(&text);
    hx_strbuf_puts(&text, "dependencies:\n");
    for (int i = 0; i < 100; i++)
        hx_strbuf_printf(&text, "  - {name: a%d, url: \"heartbeat:\", buckets: [%d, 100]}\n", i,
                         1 + i * 7 % 20);
    struct hx_generation *generation = generation_of(NULL, hx_strbuf_text(&text));
    for (size_t i = 0; i < 100; i++) {
        const struct hx_buckets *buckets = generation->records[i]->durations.buckets;
        assert_true(buckets->bounds[0] == (double)(1 + i * 7 % 20));
        assert_ptr_equal(generation->records[i]->bounds, generation->records[i % 20]->bounds);
    }
    hx_generation_release(generation);
    hx_strbuf_fini(&text);
}

/* ---- no memory ---- */

static void a_diff_without_memory_leaves_the_generation_as_it_was(void **state)
{
    (void)state;
    bool is_failing = true;
    for (size_t n = 1; is_failing; n++) {
        struct hx_config config;
        struct hx_diagnostics diagnostics;
        struct hx_diff first = {0}, second = {0};
        struct hx_generation *generation = NULL;
        hx_diagnostics_init(&diagnostics);
        for (int round = 0; round < 2; round++) {
            assert_int_equal(hx_config_init(&config, NULL), HX_OK);
            assert_int_equal(hx_config_add(&config, "a=heartbeat:", hx_kinds, &diagnostics), HX_OK);
            assert_int_equal(hx_config_add(&config, round == 0 ? "b=heartbeat:" : "c=heartbeat:",
                                           hx_kinds, &diagnostics),
                             HX_OK);
            if (round == 0) {
                assert_int_equal(hx_diff_make(NULL, &config, &first, NULL), HX_OK);
                assert_int_equal(hx_diff_generation(&first, &config, &generation, NULL), HX_OK);
                hx_config_fini(&config);
            }
        }
        failing_alloc_at(n);
        enum hx_errcode code = hx_diff_make(generation, &config, &second, NULL);
        is_failing = failing_alloc_was_reached();
        assert_int_equal(code, is_failing ? HX_ERR_NOMEM : HX_OK);
        if (code == HX_OK) {
            assert_int_equal(second.n_unchanged, 1);
            assert_ptr_equal(second.records[0], generation->records[0]);
        }
        hx_diff_fini(&first);
        hx_diff_fini(&second);
        hx_config_fini(&config);
        hx_generation_release(generation);
        hx_diagnostics_fini(&diagnostics);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_buckets_are_one_table_also_across_a_reload),
        cmocka_unit_test(many_sets_of_buckets_are_told_apart),
        cmocka_unit_test_setup_teardown(names_what_was_added_changed_and_removed, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(an_unchanged_dependency_keeps_its_state, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_identical_file_changes_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_error_keeps_everything_and_is_told_with_its_place,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_missing_file_keeps_everything, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_was_added_by_the_service_stays, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_name_that_the_service_has_added_is_refused_in_the_file,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_file_without_dependencies_leaves_nothing_to_check, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(startup_requires_follows_the_file, set_up, tear_down),
        cmocka_unit_test_setup_teardown(liveness_grace_follows_the_file, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_file_that_finds_no_memory_changes_nothing, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(of_open_windows_the_last_to_end_is_shown, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(each_change_of_a_file_is_one_reload, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_reload_that_the_web_refuses_does_not_bar_the_next, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(before_start_and_after_stop_nothing_is_reloaded, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_changed_certificate_file_changes_the_dependency, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(reloads_of_several_threads_wait_for_each_other, set_up,
                                        tear_down),
        cmocka_unit_test(each_option_counts),
        cmocka_unit_test(the_same_written_otherwise_is_the_same),
        cmocka_unit_test(a_diff_without_memory_leaves_the_generation_as_it_was),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

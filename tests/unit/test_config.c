/* SPDX-License-Identifier: Apache-2.0 */
/* link: -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=strdup,--wrap=getenv */
/*
 * The configuration: files that are right, a table of files that are wrong with all that is said
 * about them (tests/golden/config), files that are none, and NAME=URL. "S3CR3T" is in every secret
 * and may be in no message.
 */
#include "config/config.h"

#include "base/clock.h"
#include "config/findings.h"
#include "config_kinds.h"
#include "failing_alloc.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#define GOLDEN    "tests/golden/config"
#define CANARY    "S3CR3T"
#define MIN_FILES 40

/* What every test has: an empty configuration, diagnostics, and a directory for files. */
struct fixture {
    struct hx_config config;
    struct hx_diagnostics diagnostics;
    char directory[64];
    char path[128];
};

/* A variable that another thread of the service makes longer each time it is read. */
static char growing[16];

char *__real_getenv(const char *name);
char *__wrap_getenv(const char *name);

char *__wrap_getenv(const char *name)
{
    if (strcmp(name, "TEST_GROWING") != 0) {
        return __real_getenv(name);
    }
    growing[strlen(growing)] = 'x';
    return growing;
}

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    struct hx_error err;
    assert_non_null(f);
    hx_diagnostics_init(&f->diagnostics);
    assert_int_equal(hx_config_init(&f->config, &err), HX_OK);
    snprintf(f->directory, sizeof f->directory, "/tmp/test_config.XXXXXX");
    assert_non_null(mkdtemp(f->directory));
    snprintf(f->path, sizeof f->path, "%s/file", f->directory);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    unlink(f->path);
    rmdir(f->path);
    rmdir(f->directory);
    hx_config_fini(&f->config);
    hx_diagnostics_fini(&f->diagnostics);
    free(f);
    return 0;
}

static enum hx_errcode load(struct fixture *f, const char *path)
{
    return hx_config_load(&f->config, path, test_kinds, NULL, &f->diagnostics);
}

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fputs(text, file) < 0, 0);
    assert_int_equal(fclose(file), 0);
}

static enum hx_errcode load_text(struct fixture *f, const char *text)
{
    write_file(f->path, text);
    return load(f, f->path);
}

static const char *said(const struct fixture *f)
{
    return hx_strbuf_text(&f->diagnostics.text);
}

/* The diagnostics of the fixture's file are this one line. */
static void assert_said(const struct fixture *f, const char *message)
{
    char expected[512];
    snprintf(expected, sizeof expected, "%s: error: %s\n", f->path, message);
    assert_string_equal(said(f), expected);
    assert_int_equal(f->diagnostics.n_errors, 1);
}

static const struct hx_dependency *find(const struct fixture *f, const char *name)
{
    for (size_t i = 0; i < f->config.n; i++) {
        if (strcmp(f->config.dependencies[i]->name, name) == 0) {
            return f->config.dependencies[i];
        }
    }
    fail_msg("no dependency %s", name);
    return NULL;
}

/* ---- good files ---- */

static void a_full_file_fills_service_and_dependencies(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(load(f, "good_full.yml"), HX_OK);
    assert_string_equal(said(f), "");
    assert_int_equal(f->config.n, 5);
    assert_string_equal(f->config.service.name, "checkout");
    assert_string_equal(f->config.service.version, "dev");
    assert_string_equal(f->config.service.commit, "");
    assert_int_equal(f->config.liveness_grace_ns, 20 * HX_NS_PER_S);
    assert_int_equal(f->config.startup_requires.n, 2);
    assert_string_equal(f->config.startup_requires.items[1], "model");
    assert_int_equal(((const struct beat_settings *)find(f, "model")->settings)->ttl_ns,
                     30 * HX_NS_PER_S);
    const struct host_settings *disk = find(f, "disk")->settings;
    assert_true(disk->min_free.percent > 9.9 && disk->min_free.percent < 10.1);
}

static void defaults_hold_until_a_dependency_says_otherwise(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(load(f, "good_full.yml"), HX_OK);
    const struct hx_policy *database = &find(f, "database")->policy;
    const struct hx_policy *web = &find(f, "recommendations")->policy;
    assert_int_equal(database->interval_ns, 30 * HX_NS_PER_S);
    assert_int_equal(web->interval_ns, 90 * HX_NS_PER_S);
    assert_int_equal(database->stale_after_ns, 92 * HX_NS_PER_S);
    assert_int_equal(database->degraded_after_ns, 250 * HX_NS_PER_MS);
    assert_true(database->critical);
    assert_false(web->critical);
    assert_int_equal(database->tags.n, 1);
    assert_string_equal(database->tags.items[0], "core");
    assert_int_equal(web->tags.n, 2);
    assert_string_equal(web->tags.items[0], "edge");
    assert_int_equal(database->tls.min_version, HX_TLS_1_3);
    assert_string_equal(database->tls.ca_file, "/etc/ssl/own.pem");
    assert_null(web->tls.ca_file);
}

static void texts_come_from_files_and_the_environment(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(load(f, "good_full.yml"), HX_OK);
    const struct database_settings *database = find(f, "database")->settings;
    assert_string_equal(database->password, "S3CR3T-canary-file");
    assert_string_equal(find(f, "reports")->url.password, "S3CR3T-canary-urlfile");
    assert_string_equal(find(f, "reports")->url.host, "db.internal");
    const struct web_settings *web = find(f, "recommendations")->settings;
    assert_int_equal(web->headers.n, 2);
    assert_string_equal(web->headers.items[0].name, "Authorization");
    assert_string_equal(web->headers.items[0].value, "Bearer S3CR3T-canary-env");
    assert_string_equal(web->headers.items[1].value, "5$ and $HOME");
}

static void nested_options_and_maps_are_read(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(load(f, "good_full.yml"), HX_OK);
    const struct web_settings *web = find(f, "recommendations")->settings;
    assert_int_equal(web->statuses.bits[100 / 8] >> (100 % 8) & 1, 1);
    assert_int_equal(web->statuses.bits[101 / 8] >> (101 % 8) & 1, 0);
    assert_int_equal(web->statuses.bits[299 / 8] >> (299 % 8) & 1, 1);
    assert_string_equal(web->body_contains, "ok");
    assert_int_equal(web->json.n, 1);
    assert_string_equal(web->json.items[0].name, "/status");
    assert_string_equal(web->json.items[0].value, "UP");
    assert_int_equal(web->max_body, 64 * 1024);
}

static void a_byte_order_mark_and_crlf_are_no_mistakes(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(load(f, "good_mark_and_crlf.yml"), HX_OK);
    assert_int_equal(((const struct cache_settings *)find(f, "cache")->settings)->database, 3);
}

static void a_file_without_dependencies_is_enough(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(load(f, "good_empty_list.yml"), HX_OK);
    assert_int_equal(f->config.n, 0);
    assert_int_equal(f->config.liveness_grace_ns, 15 * HX_NS_PER_S);
}

static void a_bare_scheme_needs_no_quotes(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(load_text(f, "dependencies:\n"
                                  "  - url: heartbeat:   # reports itself\n"
                                  "    name: one\n"
                                  "    ttl: 1m\n"
                                  "  - name: web\n"
                                  "    url: http://web\n"
                                  "    expect:\n"
                                  "      body_contains: |\n"
                                  "        url: heartbeat:\n"),
                     HX_OK);
    assert_string_equal(find(f, "one")->url.scheme, "heartbeat");
    const struct web_settings *web = find(f, "web")->settings;
    assert_string_equal(web->body_contains, "url: heartbeat:\n");
}

static void an_empty_variable_takes_the_default_too(void **state)
{
    struct fixture *f = *state;
    setenv("TEST_EMPTY", "", 1);
    assert_int_equal(load_text(f, "service: {name: \"a${TEST_EMPTY:-b}c${TEST_EMPTY}d\"}\n"),
                     HX_OK);
    assert_string_equal(f->config.service.name, "abcd");
}

static void a_variable_that_grows_meanwhile_overflows_nothing(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(load_text(f, "service: {name: \"${TEST_GROWING}\"}\n"), HX_OK);
    assert_string_equal(growing, "xx");
    assert_string_equal(f->config.service.name, "");
}

static void a_reason_has_159_bytes_at_most(void **state)
{
    struct fixture *f = *state;
    char text[320];
    for (int len = 159; len <= 160; len++) {
        snprintf(text, sizeof text,
                 "maintenance: {windows: [{weekly: \"Sun 02:00-04:00\", reason: %0*d}]}\n", len, 0);
        assert_int_equal(load_text(f, text), len == 159 ? HX_OK : HX_ERR_INVALID);
    }
    assert_non_null(strstr(said(f), "option \"reason\": expected at most 159 bytes"));
}

static void a_message_holds_nothing_that_a_terminal_obeys(void **state)
{
    (void)state;
    struct hx_findings findings;
    hx_findings_init(&findings);
    hx_findings_add(&findings, HX_SPAN_FILE, "a\033[1m\x7F \xC2\x9B \xC2\xA0 \xC3\x9B%s", "\n");
    assert_string_equal(findings.items[0].message, "a?[1m? ?? \xC2\xA0 \xC3\x9B?");
    hx_findings_fini(&findings);
}

static void a_secret_file_loses_one_line_end_only(void **state)
{
    struct fixture *f = *state;
    char secret[128];
    char text[512];
    snprintf(secret, sizeof secret, "%s/secret", f->directory);
    write_file(secret, CANARY " \n\r\n");
    snprintf(text, sizeof text,
             "dependencies:\n  - {name: c, url: \"redis://c\", password_file: %s}\n", secret);
    enum hx_errcode code = load_text(f, text);
    unlink(secret);
    assert_int_equal(code, HX_OK);
    assert_string_equal(((const struct cache_settings *)find(f, "c")->settings)->password,
                        CANARY " \n");
}

/* ---- bad files ---- */

static char *read_file(const char *path)
{
    FILE *file = fopen(path, "r");
    if (file == NULL) {
        fail_msg("%s: %s", path, strerror(errno));
        return NULL;
    }
    char *text = calloc(1, 65536);
    assert_non_null(text);
    assert_true(fread(text, 1, 65535, file) < 65535);
    fclose(file);
    return text;
}

static int is_bad_file(const struct dirent *entry)
{
    const char *dot = strrchr(entry->d_name, '.');
    return dot != NULL && strcmp(dot, ".yml") == 0 && strncmp(entry->d_name, "good_", 5) != 0;
}

static void check_bad_file(const char *name)
{
    struct hx_config config;
    struct hx_diagnostics diagnostics;
    struct hx_error err;
    char expected_path[300];
    snprintf(expected_path, sizeof expected_path, "%.*s.expected", (int)(strlen(name) - 4), name);
    char *expected = read_file(expected_path);
    hx_diagnostics_init(&diagnostics);
    assert_int_equal(hx_config_init(&config, &err), HX_OK);
    assert_int_equal(hx_config_load(&config, name, test_kinds, NULL, &diagnostics), HX_ERR_INVALID);
    assert_string_equal(hx_strbuf_text(&diagnostics.text), expected);
    assert_null(strstr(expected, CANARY));
    assert_true(diagnostics.n_errors > 0);
    assert_int_equal(config.n, 0);
    assert_null(config.dependencies);
    assert_null(config.service.name);
    hx_config_fini(&config);
    hx_diagnostics_fini(&diagnostics);
    free(expected);
}

static void every_bad_file_gets_exactly_its_diagnostics(void **state)
{
    (void)state;
    struct dirent **files = NULL;
    int n = scandir(".", &files, is_bad_file, alphasort);
    assert_true(n >= MIN_FILES);
    for (int i = 0; i < n; i++) {
        print_message("%s\n", files[i]->d_name);
        check_bad_file(files[i]->d_name);
        free(files[i]);
    }
    free(files);
}

static void all_errors_are_counted_and_fifty_shown(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(load(f, "too_many_errors.yml"), HX_ERR_INVALID);
    assert_int_equal(f->diagnostics.n_errors, 60);
    size_t n_shown = 0;
    for (const char *at = said(f); (at = strstr(at, ": error: ")) != NULL; at++) {
        n_shown++;
    }
    assert_int_equal(n_shown, 50);
}

/* ---- what is no file ---- */

static void a_missing_file_is_one_line(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(load(f, f->path), HX_ERR_NOTFOUND);
    assert_said(f, "cannot be read: No such file or directory");
}

static void a_directory_is_refused(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(mkdir(f->path, 0700), 0);
    assert_int_equal(load(f, f->path), HX_ERR_INVALID);
    assert_said(f, "is a directory, not a regular file");
}

static void a_fifo_is_refused_without_waiting_for_its_writer(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(mkfifo(f->path, 0600), 0);
    assert_int_equal(load(f, f->path), HX_ERR_INVALID);
    assert_said(f, "is a FIFO, not a regular file");
}

static void a_socket_is_refused(void **state)
{
    struct fixture *f = *state;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%.90s", f->path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (const struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(load(f, f->path), HX_ERR_INVALID);
    assert_said(f, "is a socket, not a regular file");
    close(fd);
}

static void a_device_is_refused(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(load(f, "/dev/zero"), HX_ERR_INVALID);
    assert_string_equal(said(f), "/dev/zero: error: is a device, not a regular file\n");
}

static void a_file_of_100_megabytes_is_refused_unread(void **state)
{
    struct fixture *f = *state;
    write_file(f->path, "dependencies: []\n");
    assert_int_equal(truncate(f->path, (off_t)100 * 1000 * 1000), 0);
    assert_int_equal(load(f, f->path), HX_ERR_LIMIT);
    assert_said(f, "is larger than 8192 KiB");
}

static void a_secret_file_of_more_than_64_kib_is_refused(void **state)
{
    struct fixture *f = *state;
    char secret[128];
    char text[512];
    snprintf(secret, sizeof secret, "%s/secret", f->directory);
    write_file(secret, CANARY);
    assert_int_equal(truncate(secret, (off_t)64 * 1024 + 1), 0);
    snprintf(text, sizeof text,
             "dependencies:\n  - {name: c, url: \"redis://c\", password_file: %s}\n", secret);
    enum hx_errcode code = load_text(f, text);
    unlink(secret);
    assert_int_equal(code, HX_ERR_INVALID);
    assert_non_null(strstr(said(f), "/secret\" is larger than 64 KiB\n"));
}

/* ---- size ---- */

/* Writes n items and gives their text to the fixture's file. */
static void write_items(const struct fixture *f, const char *format, int n)
{
    FILE *file = fopen(f->path, "w");
    assert_non_null(file);
    fputs("dependencies:\n", file);
    for (int i = 0; i < n; i++) {
        fprintf(file, "  - name: %s%d\n    url: redis://cache:6379\n", format, i);
    }
    assert_int_equal(fclose(file), 0);
}

/* A comparison of each with each would take seconds. */
static void ten_thousand_dependencies_load_in_linear_time(void **state)
{
    struct fixture *f = *state;
    write_items(f, "cache_", 10000);
    int64_t start_ns = hx_clock_monotonic_ns();
    assert_int_equal(load(f, f->path), HX_OK);
    int64_t took_ns = hx_clock_monotonic_ns() - start_ns;
    assert_int_equal(f->config.n, 10000);
    assert_string_equal(f->config.dependencies[9999]->name, "cache_9999");
    assert_true(took_ns < 5 * HX_NS_PER_S);
}

static void ten_thousand_errors_are_found_in_linear_time(void **state)
{
    struct fixture *f = *state;
    write_items(f, "1", 10000);
    int64_t start_ns = hx_clock_monotonic_ns();
    assert_int_equal(load(f, f->path), HX_ERR_INVALID);
    assert_true(hx_clock_monotonic_ns() - start_ns < 5 * HX_NS_PER_S);
    assert_int_equal(f->diagnostics.n_errors, 10000);
}

/* ---- memory ---- */

/* How often the text stands in the heap. Reading the map must not take memory that was freed: it
 * would overwrite what is looked for. */
static size_t count_in_heap(const char *text)
{
    static char buffer[4096];
    size_t n = 0;
    char line[512];
    FILE *maps = fopen("/proc/self/maps", "r");
    assert_non_null(maps);
    assert_int_equal(setvbuf(maps, buffer, _IOFBF, sizeof buffer), 0);
    while (fgets(line, sizeof line, maps) != NULL) {
        uintptr_t start = 0;
        uintptr_t end = 0;
        if (strstr(line, "[heap]") == NULL ||
            sscanf(line, "%" SCNxPTR "-%" SCNxPTR, &start, &end) != 2) {
            continue;
        }
        const char *at = (const char *)start;
        while ((at = memmem(at, end - (uintptr_t)at, text, strlen(text))) != NULL) {
            at++;
            n++;
        }
    }
    fclose(maps);
    return n;
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define HAS_SANITIZER_HEAP true
#elif defined(__has_feature)
#define HAS_SANITIZER_HEAP (__has_feature(address_sanitizer) || __has_feature(thread_sanitizer))
#else
#define HAS_SANITIZER_HEAP false
#endif

/* The secrets of the file stand in the settings and nowhere else, then nowhere at all: neither in
 * what was read, nor in the tree, nor in what libfyaml left. A sanitizer has a heap of its own. */
static void no_copy_of_a_secret_stays_in_memory(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(load(f, "good_secrets.yml"), HX_OK);
    if (HAS_SANITIZER_HEAP) {
        skip();
    }
    assert_int_equal(count_in_heap("S3CR3T-wiped"), 6);
    hx_config_fini(&f->config);
    assert_int_equal(count_in_heap("S3CR3T-wiped"), 0);
}

static void no_secret_of_a_bad_file_stays_in_memory(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(load(f, "option_duplicate.yml"), HX_ERR_INVALID);
    assert_int_equal(count_in_heap("S3CR3T-canary-one"), 0);
    assert_int_equal(load(f, "syntax_tab.yml"), HX_ERR_INVALID);
    assert_int_equal(count_in_heap("S3CR3T-canary@cache"), 0);
}

static void each_failed_allocation_is_reported(void **state)
{
    (void)state;
    bool is_failing = true;
    for (size_t n = 1; is_failing; n++) {
        struct hx_config config;
        struct hx_files files = {0};
        struct hx_diagnostics diagnostics;
        struct hx_error err;
        hx_diagnostics_init(&diagnostics);
        assert_int_equal(hx_config_init(&config, &err), HX_OK);
        failing_alloc_at(n);
        enum hx_errcode code =
            hx_config_load(&config, "good_full.yml", test_kinds, &files, &diagnostics);
        is_failing = failing_alloc_was_reached();
        assert_int_equal(code, is_failing ? HX_ERR_NOMEM : HX_OK);
        if (is_failing) {
            assert_int_equal(config.n, 0);
            assert_true(diagnostics.n_errors > 0);
        }
        hx_files_fini(&files);
        hx_config_fini(&config);
        hx_diagnostics_fini(&diagnostics);
    }
}

static void each_failed_allocation_of_an_argument_is_reported(void **state)
{
    (void)state;
    bool is_failing = true;
    for (size_t n = 1; is_failing; n++) {
        struct hx_config config;
        struct hx_diagnostics diagnostics;
        struct hx_error err;
        hx_diagnostics_init(&diagnostics);
        assert_int_equal(hx_config_init(&config, &err), HX_OK);
        failing_alloc_at(n);
        enum hx_errcode code =
            hx_config_add(&config, "cache=redis://:p@cache:6379", test_kinds, &diagnostics);
        is_failing = failing_alloc_was_reached();
        assert_int_equal(code, is_failing ? HX_ERR_NOMEM : HX_OK);
        assert_int_equal(config.n, is_failing ? 0 : 1);
        hx_config_fini(&config);
        hx_diagnostics_fini(&diagnostics);
    }
}

/* ---- NAME=URL ---- */

static void an_argument_becomes_a_dependency(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(
        hx_config_add(&f->config, "cache=redis://u:p%3D@cache/0?a=b", test_kinds, &f->diagnostics),
        HX_OK);
    assert_int_equal(f->config.n, 1);
    const struct hx_dependency *cache = find(f, "cache");
    assert_ptr_equal(cache->kind, &kind_cache);
    assert_string_equal(cache->url.password, "p=");
    assert_int_equal(cache->policy.interval_ns, 10 * HX_NS_PER_S);
    assert_int_equal(cache->policy.retry_interval_ns, 10 * HX_NS_PER_S);
}

static void a_bad_argument_is_named_without_its_url(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *argument;
        const char *expected;
    } cases[] = {
        {"cache=rediss3://:S3CR3T@c",
         "error: argument \"cache\": unknown scheme \"rediss3\" (did you mean \"rediss\"?); known "
         "are disk, heartbeat, http, https, postgresql, postgres, redis and rediss\n"},
        {"queue=amqp://:S3CR3T@c",
         "error: argument \"queue\": unknown scheme \"amqp\"; known are disk, heartbeat, http, "
         "https, postgresql, postgres, redis and rediss\n"},
        {"cache",
         "error: argument \"cache\": expected NAME=URL, such as cache=redis://cache:6379\n"},
        {"redis://:S3CR3T@c",
         "error: argument: expected NAME=URL, such as cache=redis://cache:6379\n"},
        {"redis://:S3CR3T@c?a=b", "error: argument: the name is missing, expected NAME=URL\n"},
        {"=redis://:S3CR3T@c", "error: argument: the name is missing, expected NAME=URL\n"},
        {"", "error: argument: expected NAME=URL, such as cache=redis://cache:6379\n"},
        {"cache=", "error: argument \"cache\": the URL behind \"=\" is missing\n"},
        {"ready=redis://:S3CR3T@c",
         "error: argument \"ready\": the name \"ready\" is reserved, choose another one\n"},
        {"1st=redis://:S3CR3T@c",
         "error: argument \"1st\": a name begins with a letter or '_' and has up to 64 letters, "
         "digits, '_' and '-', got \"1st\"\n"},
        {"cache=redis://:S3CR3T@c:0",
         "error: argument \"cache\": the port is not a number from 1 to 65535\n"},
        {"model=heartbeat:", "error: argument \"model\": kind heartbeat needs the option \"ttl\", "
                             "which only a file can "
                             "give\n"},
        {"taken=redis://:S3CR3T@c",
         "error: argument \"taken\": a dependency of this name exists already\n"},
    };
    assert_int_equal(hx_config_add(&f->config, "taken=disk:/", test_kinds, &f->diagnostics), HX_OK);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        hx_strbuf_clear(&f->diagnostics.text);
        assert_int_not_equal(
            hx_config_add(&f->config, cases[i].argument, test_kinds, &f->diagnostics), HX_OK);
        assert_string_equal(said(f), cases[i].expected);
        assert_int_equal(f->config.n, 1);
    }
    assert_int_equal(f->diagnostics.n_errors, sizeof cases / sizeof *cases);
}

static void a_scheme_finds_its_kind(void **state)
{
    (void)state;
    assert_ptr_equal(hx_kind_by_scheme(test_kinds, "postgres"), &kind_database);
    assert_ptr_equal(hx_kind_by_scheme(test_kinds, "rediss"), &kind_cache);
    assert_null(hx_kind_by_scheme(test_kinds, "redi"));
}

#define WITH_FIXTURE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FIXTURE(a_full_file_fills_service_and_dependencies),
        WITH_FIXTURE(defaults_hold_until_a_dependency_says_otherwise),
        WITH_FIXTURE(texts_come_from_files_and_the_environment),
        WITH_FIXTURE(nested_options_and_maps_are_read),
        WITH_FIXTURE(a_byte_order_mark_and_crlf_are_no_mistakes),
        WITH_FIXTURE(a_file_without_dependencies_is_enough),
        WITH_FIXTURE(a_bare_scheme_needs_no_quotes),
        WITH_FIXTURE(an_empty_variable_takes_the_default_too),
        WITH_FIXTURE(a_variable_that_grows_meanwhile_overflows_nothing),
        WITH_FIXTURE(a_reason_has_159_bytes_at_most),
        cmocka_unit_test(a_message_holds_nothing_that_a_terminal_obeys),
        WITH_FIXTURE(a_secret_file_loses_one_line_end_only),
        cmocka_unit_test(every_bad_file_gets_exactly_its_diagnostics),
        WITH_FIXTURE(all_errors_are_counted_and_fifty_shown),
        WITH_FIXTURE(a_missing_file_is_one_line),
        WITH_FIXTURE(a_directory_is_refused),
        WITH_FIXTURE(a_fifo_is_refused_without_waiting_for_its_writer),
        WITH_FIXTURE(a_socket_is_refused),
        WITH_FIXTURE(a_device_is_refused),
        WITH_FIXTURE(a_file_of_100_megabytes_is_refused_unread),
        WITH_FIXTURE(a_secret_file_of_more_than_64_kib_is_refused),
        WITH_FIXTURE(ten_thousand_dependencies_load_in_linear_time),
        WITH_FIXTURE(ten_thousand_errors_are_found_in_linear_time),
        WITH_FIXTURE(no_copy_of_a_secret_stays_in_memory),
        WITH_FIXTURE(no_secret_of_a_bad_file_stays_in_memory),
        cmocka_unit_test(each_failed_allocation_is_reported),
        cmocka_unit_test(each_failed_allocation_of_an_argument_is_reported),
        WITH_FIXTURE(an_argument_becomes_a_dependency),
        WITH_FIXTURE(a_bad_argument_is_named_without_its_url),
        cmocka_unit_test(a_scheme_finds_its_kind),
    };
    setenv("CANARY", CANARY "-canary-env", 1);
    unsetenv("NOT_SET_ANYWHERE");
    unsetenv("NOT_SET_EITHER");
    if (chdir(GOLDEN) != 0) {
        perror(GOLDEN);
        return 1;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}

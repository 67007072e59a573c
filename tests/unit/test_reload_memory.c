/* SPDX-License-Identifier: Apache-2.0 */
/* link: -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=strdup */
/* A reload in which any one allocation fails takes everything over or nothing. */
#include "failing_alloc.h"
#include "health_exporter.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define OLD                                    \
    "service: {version: '1'}\n"                \
    "dependencies:\n"                          \
    "  - {name: stays, url: 'heartbeat:'}\n"   \
    "  - {name: changes, url: 'heartbeat:'}\n" \
    "  - {name: goes, url: 'heartbeat:'}\n"
#define NEW                                                      \
    "service: {version: '2'}\n"                                  \
    "startup_requires: [stays]\n"                                \
    "maintenance:\n"                                             \
    "  windows: [{weekly: 'Sun 02:00-04:00', reason: backup}]\n" \
    "dependencies:\n"                                            \
    "  - {name: comes, url: 'tcp://127.0.0.1:9'}\n"              \
    "  - {name: stays, url: 'heartbeat:'}\n"                     \
    "  - {name: changes, url: 'heartbeat:', buckets: [5ms]}\n"

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

/* Which of the two configurations stands on the page; never a part of both. */
static bool is_new(struct hx_exporter *exporter)
{
    char *page = hx_exporter_expose(exporter, HX_FORMAT_TEXT, NULL);
    assert_non_null(page);
    bool has_new = strstr(page, "health_check_status{dependency=\"comes\"}") != NULL;
    bool has_old = strstr(page, "health_check_status{dependency=\"goes\"}") != NULL;
    assert_true(has_new != has_old);
    assert_non_null(strstr(page, "health_check_status{dependency=\"stays\"}"));
    const char *gauge = has_new ? "health_exporter_config_last_reload_successful 1"
                                : "health_exporter_config_last_reload_successful 0";
    assert_non_null(strstr(page, gauge));
    free(page);
    return has_new;
}

static void it_is_all_or_nothing_whichever_allocation_fails(void **state)
{
    (void)state;
    char path[] = "/tmp/test_reload_memory.XXXXXX";
    struct hx_error err = {0};
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    write_file(path, OLD);
    struct hx_exporter *exporter = hx_exporter_new();
    assert_int_equal(hx_exporter_load(exporter, path, &err), HX_OK);
    assert_int_equal(hx_exporter_start(exporter, &err), HX_OK);
    write_file(path, NEW);
    size_t n_failed = 0;
    bool is_failing = true;
    for (size_t n = 1; is_failing; n++) {
        struct hx_reload reload;
        failing_alloc_at(n);
        enum hx_errcode code = hx_exporter_reload(exporter, &reload, &err);
        is_failing = failing_alloc_was_reached();
        assert_int_equal(code == HX_OK, reload.is_successful);
        assert_int_equal(is_new(exporter), code == HX_OK);
        n_failed += code != HX_OK;
        hx_reload_fini(&reload);
        if (code == HX_OK) { /* what failed was spare; back to the old one */
            write_file(path, OLD);
            assert_int_equal(hx_exporter_reload(exporter, &reload, &err), HX_OK);
            hx_reload_fini(&reload);
            write_file(path, NEW);
        }
    }
    assert_true(n_failed > 50);
    hx_exporter_free(exporter);
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_all_or_nothing_whichever_allocation_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

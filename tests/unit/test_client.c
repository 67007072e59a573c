/* SPDX-License-Identifier: Apache-2.0 */
/* link: -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=strdup */
/* A client is made whole or not at all. What it does with servers is in tests/system/test_cli.py.
 */
#include "cli/client.h"

#include "failing_alloc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static const char *password_file(char path[64])
{
    snprintf(path, 64, "/tmp/test_client.XXXXXX");
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "word\n", 5), 5);
    close(fd);
    return path;
}

static void a_lack_of_memory_is_reported_and_leaks_nothing(void **state)
{
    (void)state;
    char path[64];
    const struct hx_client_options options = {
        .unix_socket = "/run/health.sock", .user = "me", .password_file = password_file(path)};
    bool is_failing = true;
    for (size_t n = 1; is_failing; n++) {
        struct hx_client *client = NULL;
        struct hx_error err = {0};
        failing_alloc_at(n);
        enum hx_errcode code = hx_client_new(&options, "/livez", NULL, &client, &err);
        is_failing = failing_alloc_was_reached();
        assert_int_equal(code, is_failing ? HX_ERR_NOMEM : HX_OK);
        assert_int_equal(client == NULL, is_failing);
        hx_client_free(client);
    }
    unlink(path);
}

static void nobody_who_listens_is_told_by_name(void **state)
{
    (void)state;
    struct hx_client *client = NULL;
    struct hx_error err = {0};
    long status = 0;
    const struct hx_client_options options = {0};
    assert_int_equal(hx_client_new(&options, "unix:/no/such.sock", "/readyz", &client, &err),
                     HX_OK);
    assert_string_equal(hx_client_shown(client), "unix:/no/such.sock:/readyz");
    for (int i = 0; i < 2; i++) {
        assert_int_equal(hx_client_get(client, 1000000000, &status, NULL, &err), HX_ERR_SYSTEM);
        assert_string_equal(err.message, "cannot connect: No such file or directory");
    }
    hx_client_free(client);
}

static void a_user_and_a_password_belong_together(void **state)
{
    (void)state;
    struct hx_client *client = NULL;
    struct hx_error err = {0};
    const struct hx_client_options alone = {.user = "me"};
    const struct hx_client_options absent = {.user = "me", .password_file = "/no/such/file"};
    assert_int_equal(hx_client_new(&alone, "/livez", NULL, &client, &err), HX_ERR_INVALID);
    assert_non_null(strstr(err.message, "--password-file"));
    assert_int_not_equal(hx_client_new(&absent, "/livez", NULL, &client, &err), HX_OK);
    assert_non_null(strstr(err.message, "/no/such/file"));
    assert_null(client);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_lack_of_memory_is_reported_and_leaks_nothing),
        cmocka_unit_test(nobody_who_listens_is_told_by_name),
        cmocka_unit_test(a_user_and_a_password_belong_together),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

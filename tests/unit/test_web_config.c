/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The web configuration: good files and bad ones, each with all that is said of it
 * (tests/golden/web_config); the table follows that of Prometheus' exporter-toolkit. "S3CR3T" and
 * all hashes are in no message.
 */
#include "config/web_config.h"

#include "base/clock.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define GOLDEN    "tests/golden/web_config"
#define MIN_GOOD  12
#define MIN_BAD   45
#define TEXT_SIZE 8192

static char *read_file(const char *path)
{
    FILE *file = fopen(path, "r");
    char *text = calloc(1, TEXT_SIZE);
    assert_non_null(text);
    if (file == NULL)
        fail_msg("%s cannot be read", path);
    assert_true(fread(text, 1, TEXT_SIZE - 1, file) < TEXT_SIZE - 1);
    fclose(file);
    return text;
}

static bool is_good(const char *name)
{
    return strncmp(name, "good_", 5) == 0;
}

static int is_yaml(const struct dirent *entry)
{
    const char *dot = strrchr(entry->d_name, '.');
    return dot != NULL && strcmp(dot, ".yml") == 0;
}

static void check_good(const char *name)
{
    struct hx_access *access = NULL;
    struct hx_diagnostics diagnostics;
    hx_diagnostics_init(&diagnostics);
    enum hx_errcode code = hx_web_config_load(name, &access, NULL, &diagnostics);
    assert_string_equal(hx_strbuf_text(&diagnostics.text), "");
    assert_int_equal(code, HX_OK);
    assert_int_equal(diagnostics.n_errors, 0);
    hx_access_free(access);
    hx_diagnostics_fini(&diagnostics);
}

static void check_bad(const char *name)
{
    struct hx_access *access = NULL;
    struct hx_diagnostics diagnostics;
    char expected_path[300];
    snprintf(expected_path, sizeof(expected_path), "%.*s.expected", (int)(strlen(name) - 4), name);
    char *expected = read_file(expected_path);
    hx_diagnostics_init(&diagnostics);
    assert_int_equal(hx_web_config_load(name, &access, NULL, &diagnostics), HX_ERR_INVALID);
    assert_string_equal(hx_strbuf_text(&diagnostics.text), expected);
    assert_null(strstr(expected, "S3CR3T"));
    assert_null(strstr(expected, "X0h1gDsPszWURQaxFh"));
    assert_true(diagnostics.n_errors > 0);
    assert_null(access);
    hx_diagnostics_fini(&diagnostics);
    free(expected);
}

static void every_file_gets_exactly_its_diagnostics(void **state)
{
    (void)state;
    struct dirent **files = NULL;
    int n_good = 0;
    int n = scandir(".", &files, is_yaml, alphasort);
    for (int i = 0; i < n; i++) {
        print_message("%s\n", files[i]->d_name);
        if (is_good(files[i]->d_name))
            check_good(files[i]->d_name);
        else
            check_bad(files[i]->d_name);
        n_good += is_good(files[i]->d_name);
        free(files[i]);
    }
    free(files);
    assert_true(n_good >= MIN_GOOD);
    assert_true(n - n_good >= MIN_BAD);
}

static struct hx_access *load(const char *path)
{
    struct hx_access *access = NULL;
    struct hx_diagnostics diagnostics;
    hx_diagnostics_init(&diagnostics);
    assert_int_equal(hx_web_config_load(path, &access, NULL, &diagnostics), HX_OK);
    hx_diagnostics_fini(&diagnostics);
    assert_non_null(access);
    return access;
}

static void empty_file_restricts_nothing(void **state)
{
    (void)state;
    struct hx_access *access = load("good_empty.yml");
    assert_false(access->tls.is_enabled);
    assert_int_equal(access->users.n, 0);
    assert_int_equal(access->n_networks, 0);
    assert_int_equal(access->rate.interval_ns, 0);
    assert_int_equal(access->rate_per_client.interval_ns, 0);
    hx_access_free(access);
}

static void files_are_found_beside_the_web_configuration(void **state)
{
    (void)state;
    char before[4096];
    assert_non_null(getcwd(before, sizeof(before)));
    assert_int_equal(chdir("/"), 0);
    char path[4200];
    snprintf(path, sizeof(path), "%s/good_tls_clients.yml", before);
    struct hx_access *access = load(path);
    assert_int_equal(chdir(before), 0);
    assert_true(access->tls.is_enabled);
    assert_non_null(strstr(access->tls.certificate, "BEGIN CERTIFICATE"));
    assert_non_null(strstr(access->tls.key, "PRIVATE KEY"));
    assert_non_null(strstr(access->tls.client_ca, "BEGIN CERTIFICATE"));
    assert_int_equal(access->tls.client_auth, HX_CLIENT_AUTH_REQUIRE_AND_VERIFY);
    assert_int_equal(access->tls.client_allowed_sans.n, 2);
    assert_string_equal(access->tls.client_allowed_sans.items[1], "10.0.0.7");
    assert_int_equal(access->tls.min_version, HX_TLS_1_2);
    assert_int_equal(access->tls.max_version, HX_TLS_1_3);
    hx_access_free(access);
}

static void limits_networks_and_users_are_read(void **state)
{
    (void)state;
    struct hx_access *access = load("good_limits.yml");
    assert_int_equal(access->rate.interval_ns, 10 * HX_NS_PER_MS);
    assert_int_equal(access->rate.burst, 20);
    assert_int_equal(access->rate_per_client.interval_ns, HX_NS_PER_S);
    assert_int_equal(access->rate_per_client.burst, 5);
    assert_int_equal(access->n_networks, 5);
    assert_int_equal(access->networks[0].prefix_len, 104);
    assert_int_equal(access->networks[4].prefix_len, 120);
    hx_access_free(access);
    access = load("good_users.yml");
    assert_int_equal(access->users.n, 3);
    assert_string_equal(access->users.items[0].name, "alice");
    hx_access_free(access);
}

static void file_that_cannot_be_read_is_named(void **state)
{
    (void)state;
    struct hx_access *access = NULL;
    struct hx_diagnostics diagnostics;
    hx_diagnostics_init(&diagnostics);
    assert_int_equal(hx_web_config_load("absent.yml", &access, NULL, &diagnostics),
                     HX_ERR_NOTFOUND);
    assert_string_equal(hx_strbuf_text(&diagnostics.text),
                        "absent.yml: error: cannot be read: No such file or directory\n");
    hx_diagnostics_fini(&diagnostics);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_file_gets_exactly_its_diagnostics),
        cmocka_unit_test(empty_file_restricts_nothing),
        cmocka_unit_test(files_are_found_beside_the_web_configuration),
        cmocka_unit_test(limits_networks_and_users_are_read),
        cmocka_unit_test(file_that_cannot_be_read_is_named),
    };
    if (chdir(GOLDEN) != 0)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* link: -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=strdup */
/* What of a PostgreSQL dependency's configuration is taken, and how it is told to libpq. */
#include "kinds/postgres_settings.h"

#include "base/clock.h"
#include "base/option.h"
#include "base/url.h"
#include "failing_alloc.h"
#include "fake_check.h"
#include "kinds/kinds.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static int setup(void **state)
{
    struct hx_check *check = calloc(1, sizeof(*check));

    fake_check_init(check, &hx_kind_postgres, NULL);
    check->dependency.policy.timeout_ns = 2 * HX_NS_PER_S;
    *state = check;
    return 0;
}

static void release(struct hx_check *check)
{
    hx_kind_postgres.release(&check->dependency);
    hx_options_fini(hx_kind_postgres.options, check->dependency.settings);
    hx_url_fini(&check->dependency.url);
}

static int teardown(void **state)
{
    struct hx_check *check = *state;

    release(check);
    fake_check_fini(check);
    free(check);
    return 0;
}

static void set_url(struct hx_check *check, const char *text)
{
    assert_int_equal(hx_url_parse(text, &check->dependency.url, NULL), HX_OK);
    assert_int_equal(hx_options_default(hx_kind_postgres.options, check->dependency.settings, NULL),
                     HX_OK);
}

static enum hx_errcode prepare(struct hx_check *check, struct hx_error *err)
{
    return hx_kind_postgres.prepare(&check->dependency, err);
}

static void bad_configurations_are_refused(void **state)
{
    struct hx_check *check = *state;
    static const struct {
        const char *url, *message;
    } rows[] = {
        {"postgresql://127.0.0.1/app", "a user is required"},
        {"postgresql://u@/app", "expected a host"},
        {"postgresql://u@h/app?host=/run", "?host=/DIRECTORY"},
        {"postgresql://u@/app?host=h", "?host=/DIRECTORY"},
        {"postgresql://u@h/app?port=1", "for unix sockets"},
        {"postgresql://u@/app?host=/run&port=x", "for unix sockets"},
        {"postgresql://u@h/app?sslmode=prefer", "unknown sslmode"},
        {"postgresql://u@h/app?options=-c", "options"},
        {"postgresql://u@h/app?service=x", "service"},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct hx_error err;
        set_url(check, rows[i].url);
        assert_int_not_equal(prepare(check, &err), HX_OK);
        if (strstr(err.message, rows[i].message) == NULL) {
            fail_msg("%s: %s", rows[i].url, err.message);
        }
        release(check);
    }
}

static const char *parameter(const struct hx_postgres_params *params, const char *key)
{
    for (size_t i = 0; i < params->n; i++) {
        if (strcmp(params->keys[i], key) == 0) {
            return params->values[i];
        }
    }
    return NULL;
}

static void a_ca_file_means_that_the_server_is_verified(void **state)
{
    struct hx_check *check = *state;
    struct hx_postgres_attempt attempt = {.hostaddr = "10.0.0.7"};
    struct hx_postgres_params params;
    char ca_file[] = "/etc/ssl/certs/ca-certificates.crt";

    set_url(check, "postgresql://health@db.internal/app");
    assert_int_equal(prepare(check, NULL), HX_OK);
    hx_postgres_params(&check->dependency, &attempt, &params);
    assert_string_equal(parameter(&params, "host"), "db.internal");
    assert_string_equal(parameter(&params, "hostaddr"), "10.0.0.7");
    assert_string_equal(parameter(&params, "sslmode"), "require");
    assert_string_equal(parameter(&params, "gssencmode"), "disable");
    assert_true(hx_postgres_may_be_plain(&check->dependency));

    check->dependency.policy.tls.ca_file = ca_file;
    hx_postgres_params(&check->dependency, &attempt, &params);
    assert_string_equal(parameter(&params, "sslmode"), "verify-full");
    assert_string_equal(parameter(&params, "sslrootcert"), ca_file);
    assert_false(hx_postgres_may_be_plain(&check->dependency));

    check->dependency.policy.tls.insecure_skip_verify = true;
    hx_postgres_params(&check->dependency, &attempt, &params);
    assert_string_equal(parameter(&params, "sslmode"), "require");
    assert_memory_equal(parameter(&params, "sslrootcert"), "/nonexistent/", 13);
    check->dependency.policy.tls.ca_file = NULL;
}

static void the_options_of_tls_are_told_to_libpq(void **state)
{
    struct hx_check *check = *state;
    struct hx_postgres_attempt attempt = {.hostaddr = "10.0.0.7"};
    struct hx_tls_options *tls = &check->dependency.policy.tls;
    struct hx_postgres_params params;
    char server_name[] = "inner.test";
    struct hx_error err;

    set_url(check, "postgresql://health@db.internal/app?sslmode=verify-full");
    tls->insecure_skip_verify = true;
    assert_int_equal(prepare(check, &err), HX_ERR_INVALID);
    assert_string_equal(err.message, "sslmode verify-full contradicts tls.insecure_skip_verify");
    tls->insecure_skip_verify = false;
    release(check);
    set_url(check, "postgresql://health@db.internal/app?sslmode=verify-full");
    assert_int_equal(prepare(check, NULL), HX_OK);
    hx_postgres_params(&check->dependency, &attempt, &params);
    assert_string_equal(parameter(&params, "ssl_min_protocol_version"), "TLSv1.2");
    tls->server_name = server_name;
    tls->min_version = HX_TLS_1_3;
    hx_postgres_params(&check->dependency, &attempt, &params);
    assert_string_equal(parameter(&params, "host"), "inner.test");
    assert_string_equal(parameter(&params, "hostaddr"), "10.0.0.7");
    assert_string_equal(parameter(&params, "ssl_min_protocol_version"), "TLSv1.3");
    tls->server_name = (char[]){"outer.test."};
    hx_postgres_params(&check->dependency, &attempt, &params);
    assert_string_equal(parameter(&params, "host"), "outer.test");
    tls->server_name = NULL;
}

static void files_of_a_home_directory_are_never_read(void **state)
{
    struct hx_check *check = *state;
    struct hx_postgres_attempt attempt = {.hostaddr = "10.0.0.7"};
    struct hx_postgres_params params;
    static const char *const keys[] = {"passfile", "sslrootcert", "sslcert", "sslkey", "sslcrl"};

    set_url(check, "postgresql://health@db.internal/app");
    assert_int_equal(prepare(check, NULL), HX_OK);
    hx_postgres_params(&check->dependency, &attempt, &params);
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        assert_non_null(parameter(&params, keys[i]));
        assert_memory_equal(parameter(&params, keys[i]), "/nonexistent/", 13);
    }
}

static void running_out_of_memory_in_prepare_is_told(void **state)
{
    struct hx_check *check = *state;
    bool is_failing = true;

    for (size_t n = 1; is_failing; n++) {
        set_url(check, "postgresql://health:secret@/app?sslmode=disable&host=/run&port=1"
                       "&application_name=x");
        failing_alloc_at(n);
        enum hx_errcode code = prepare(check, NULL);
        is_failing = failing_alloc_was_reached();
        assert_int_equal(code, is_failing ? HX_ERR_NOMEM : HX_OK);
        release(check);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(bad_configurations_are_refused),
        TEST(a_ca_file_means_that_the_server_is_verified),
        TEST(the_options_of_tls_are_told_to_libpq),
        TEST(files_of_a_home_directory_are_never_read),
        TEST(running_out_of_memory_in_prepare_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

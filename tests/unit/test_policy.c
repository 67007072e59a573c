/* SPDX-License-Identifier: Apache-2.0 */
/* The options that every dependency has, the form of its name, and its end. */
#include "base/clock.h"
#include "base/mem.h"
#include "base/option.h"
#include "base/url.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define S HX_NS_PER_S

static void set(struct hx_policy *policy, const char *name, const char *text)
{
    const struct hx_option *option = hx_option_find(hx_policy_options, name);
    struct hx_error err = {.message = ""};
    assert_non_null(option);
    if (hx_option_set(option, policy, text, &err) != HX_OK) {
        fail_msg("%s: %s", name, err.message);
    }
}

static void init(struct hx_policy *policy)
{
    *policy = (struct hx_policy){0};
    assert_int_equal(hx_options_default(hx_policy_options, policy, NULL), HX_OK);
}

static void the_defaults_are_the_documented_ones(void **state)
{
    (void)state;
    struct hx_policy policy;
    init(&policy);
    assert_int_equal(policy.retry_interval_ns, 0);
    assert_int_equal(policy.stale_after_ns, 0);
    assert_int_equal(hx_policy_complete(&policy, NULL), HX_OK);
    assert_int_equal(policy.interval_ns, 10 * S);
    assert_int_equal(policy.timeout_ns, 2 * S);
    assert_true(policy.critical);
    assert_int_equal(policy.degraded_after_ns, 0);
    assert_int_equal(policy.failure_threshold, 1);
    assert_int_equal(policy.success_threshold, 1);
    assert_int_equal(policy.retry_interval_ns, 10 * S);
    assert_int_equal(policy.stale_after_ns, 32 * S);
    assert_int_equal(policy.connection, HX_CONNECTION_KEEP);
    assert_int_equal(policy.max_connection_age_ns, 300 * S);
    assert_int_equal(policy.tags.n, 0);
    assert_null(policy.tls.ca_file);
    assert_false(policy.tls.insecure_skip_verify);
    assert_int_equal(policy.tls.min_version, HX_TLS_1_2);
    hx_options_fini(hx_policy_options, &policy);
}

static void choices_stand_in_the_order_of_their_enums(void **state)
{
    (void)state;
    struct hx_policy policy;
    init(&policy);
    set(&policy, "connection", "fresh");
    set(&policy, "tls.min_version", "1.3");
    assert_int_equal(policy.connection, HX_CONNECTION_FRESH);
    assert_int_equal(policy.tls.min_version, HX_TLS_1_3);
    set(&policy, "connection", "keep");
    assert_int_equal(policy.connection, HX_CONNECTION_KEEP);
    hx_options_fini(hx_policy_options, &policy);
}

static void every_option_has_a_line_of_help(void **state)
{
    (void)state;
    for (const struct hx_option *option = hx_policy_options; option->name != NULL; option++) {
        assert_non_null(option->help);
        assert_true(strlen(option->help) > 20);
        assert_null(strchr(option->help, '\n'));
    }
}

/* Sets up to two options over the defaults; the message must be the given one, "" for fine. */
static void check_complete(const char *const pairs[4], const char *message)
{
    struct hx_policy policy;
    struct hx_error err = {.message = ""};
    init(&policy);
    for (size_t i = 0; i < 4 && pairs[i] != NULL; i += 2) {
        set(&policy, pairs[i], pairs[i + 1]);
    }
    enum hx_errcode code = hx_policy_complete(&policy, &err);
    assert_string_equal(err.message, message);
    assert_int_equal(code, *message == '\0' ? HX_OK : HX_ERR_INVALID);
    hx_options_fini(hx_policy_options, &policy);
}

static void what_must_hold_between_options_is_checked(void **state)
{
    (void)state;
    static const struct {
        const char *pairs[4];
        const char *message;
    } TABLE[] = {
        {{"timeout", "9999ms"}, ""},
        {{"timeout", "10s"}, "timeout (10s) must be shorter than interval (10s)"},
        {{"interval", "1s"}, "timeout (2s) must be shorter than interval (1s)"},
        {{"retry_interval", "2s"}, "retry_interval (2s) must be longer than timeout (2s)"},
        {{"retry_interval", "2.5s"}, ""},
        {{"retry_interval", "10s"}, ""},
        {{"retry_interval", "1m"}, ""},
        {{"stale_after", "12s"}, ""},
        {{"stale_after", "11999ms"},
         "stale_after (11.999s) must be at least interval (10s) and timeout (2s) together"},
        {{"interval", "1d", "timeout", "23h"}, ""},
        {{"tls.cert_file", "c.pem"},
         "tls.cert_file and tls.key_file are given together or not at all"},
        {{"tls.key_file", "k.pem"},
         "tls.cert_file and tls.key_file are given together or not at all"},
        {{"tls.key_file", "k.pem", "tls.cert_file", "c.pem"}, ""},
        {{"tls.server_name", "db.test"}, ""},
        {{"tls.server_name", ""}, "tls.server_name is empty: expected a name"},
        {{"tags", "a-Z_0.9", "tags", "b"}, ""},
        {{"tags", ""}, "a tag is made of letters, digits, '_', '-' and '.', got \"\""},
        {{"tags", "ok", "tags", "a b"},
         "a tag is made of letters, digits, '_', '-' and '.', got \"a b\""},
    };
    for (size_t i = 0; i < sizeof TABLE / sizeof TABLE[0]; i++) {
        check_complete(TABLE[i].pairs, TABLE[i].message);
    }
}

static void bounds_are_named_in_their_own_unit(void **state)
{
    (void)state;
    static const char *const TABLE[][3] = {
        {"interval", "9ms", "must be between 10ms and 1d, got \"9ms\""},
        {"interval", "2d", "must be between 10ms and 1d, got \"2d\""},
        {"timeout", "0", "must be between 1ms and 1d, got \"0\""},
        {"failure_threshold", "0", "must be between 1 and 1000, got \"0\""},
        {"success_threshold", "1001", "must be between 1 and 1000, got \"1001\""},
        {"retry_interval", "0", "must be between 10ms and 1d, got \"0\""},
        {"stale_after", "0", "must be between 1ms and 30d, got \"0\""},
        {"tls.min_version", "1.1", "expected 1.2 or 1.3, got \"1.1\" (did you mean \"1.2\"?)"},
    };
    struct hx_policy policy;
    init(&policy);
    for (size_t i = 0; i < sizeof TABLE / sizeof TABLE[0]; i++) {
        struct hx_error err = {.message = ""};
        const struct hx_option *option = hx_option_find(hx_policy_options, TABLE[i][0]);
        assert_int_not_equal(hx_option_set(option, &policy, TABLE[i][1], &err), HX_OK);
        assert_string_equal(err.message, TABLE[i][2]);
    }
    hx_options_fini(hx_policy_options, &policy);
}

static void names_have_a_form(void **state)
{
    (void)state;
    static const char *const GOOD[] = {
        "a",        "_",
        "database", "Db_2-x",
        "live2",    "Health",
        "totals",   "a123456789012345678901234567890123456789012345678901234567890123",
    };
    static const char *const BAD[] = {
        "",          "1db", "-db",
        "a b",       "a.b", "a/b",
        "h\xC3\xA9", "a\n", "a1234567890123456789012345678901234567890123456789012345678901234",
    };
    struct hx_error err;
    for (size_t i = 0; i < sizeof GOOD / sizeof GOOD[0]; i++) {
        assert_int_equal(hx_dependency_name_check(GOOD[i], NULL), HX_OK);
    }
    for (size_t i = 0; i < sizeof BAD / sizeof BAD[0]; i++) {
        assert_int_equal(hx_dependency_name_check(BAD[i], &err), HX_ERR_INVALID);
        assert_non_null(strstr(err.message, "begins with a letter or '_'"));
    }
}

static void paths_and_total_are_no_names(void **state)
{
    (void)state;
    static const char *const RESERVED[] = {
        "live",     "livez",  "ready",   "readyz",  "started", "startup", "startupz", "deep",
        "detailed", "health", "healthz", "metrics", "version", "badge",   "all",      "total"};
    for (size_t i = 0; i < sizeof RESERVED / sizeof RESERVED[0]; i++) {
        struct hx_error err;
        assert_int_equal(hx_dependency_name_check(RESERVED[i], &err), HX_ERR_INVALID);
        assert_non_null(strstr(err.message, "is reserved"));
    }
}

struct fake_settings {
    char *token;
    int *n_released;
};

static void fake_release(struct hx_dependency *dependency)
{
    const struct fake_settings *settings = dependency->settings;
    /* All is still there when it is called. */
    assert_string_equal(dependency->name, "db");
    assert_string_equal(settings->token, "secret");
    ++*settings->n_released;
}

static void free_releases_once_and_frees_all(void **state)
{
    (void)state;
    static const struct hx_option OPTIONS[] = {
        {.name = "token",
         .type = HX_OPTION_SECRET,
         .offset = offsetof(struct fake_settings, token)},
        {.name = NULL},
    };
    static const struct hx_kind KIND = {
        .name = "fake", .options = OPTIONS, .release = fake_release};
    int n_released = 0;
    struct hx_dependency *dependency = calloc(1, sizeof *dependency);
    struct fake_settings *settings = calloc(1, sizeof *settings);
    assert_non_null(dependency);
    assert_non_null(settings);
    settings->n_released = &n_released;
    dependency->settings = settings;
    dependency->kind = &KIND;
    dependency->name = hx_strndup("db and more", 2);
    init(&dependency->policy);
    set(&dependency->policy, "tags", "a");
    set(&dependency->policy, "tls.ca_file", "ca.pem");
    assert_int_equal(hx_option_set(OPTIONS, settings, "secret", NULL), HX_OK);
    assert_int_equal(hx_url_parse("tcp://u:p@h:1/x?y", &dependency->url, NULL), HX_OK);
    hx_dependency_free(dependency);
    assert_int_equal(n_released, 1);
}

static void free_takes_null_and_half_made_dependencies(void **state)
{
    (void)state;
    hx_dependency_free(NULL);
    struct hx_dependency *dependency = calloc(1, sizeof *dependency);
    assert_non_null(dependency);
    hx_dependency_free(dependency);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_defaults_are_the_documented_ones),
        cmocka_unit_test(choices_stand_in_the_order_of_their_enums),
        cmocka_unit_test(every_option_has_a_line_of_help),
        cmocka_unit_test(what_must_hold_between_options_is_checked),
        cmocka_unit_test(bounds_are_named_in_their_own_unit),
        cmocka_unit_test(names_have_a_form),
        cmocka_unit_test(paths_and_total_are_no_names),
        cmocka_unit_test(free_releases_once_and_frees_all),
        cmocka_unit_test(free_takes_null_and_half_made_dependencies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* From a web configuration to rules, and that no allocation that fails on the way leaves anything.
 */
/* link: -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=strdup */
#include "config/web_config.h"
#include "web/gate.h"

#include "failing_alloc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define GOLDEN "tests/golden/web_config"

static const char *const files[] = {"good_tls_clients.yml", "good_tls_all_ciphers.yml",
                                    "good_users.yml", "good_limits.yml", "good_headers.yml"};
#define N_FILES (sizeof(files) / sizeof(files[0]))

static struct hx_access *load(const char *path)
{
    struct hx_access *access = NULL;
    struct hx_diagnostics diagnostics;
    hx_diagnostics_init(&diagnostics);
    assert_int_equal(hx_web_config_load(path, &access, NULL, &diagnostics), HX_OK);
    hx_diagnostics_fini(&diagnostics);
    return access;
}

static void dummy_hash_costs_as_much_as_the_dearest_user(void **state)
{
    (void)state;
    struct hx_rules *rules;
    assert_int_equal(hx_rules_new(load("good_users.yml"), &rules, NULL), HX_OK);
    assert_memory_equal(rules->dummy_hash, "$2b$12$", 7);
    assert_int_equal(strlen(rules->dummy_hash), 60);
    assert_null(rules->credentials);
    hx_rules_unref(rules);
}

static void every_good_file_becomes_rules(void **state)
{
    (void)state;
    static const char *const tls[] = {"good_tls.yml",           "good_tls_inline.yml",
                                      "good_tls_curves.yml",    "good_tls_versions.yml",
                                      "good_tls_clients.yml",   "good_tls_all_ciphers.yml",
                                      "good_tls_any_client.yml"};
    for (size_t i = 0; i < sizeof(tls) / sizeof(tls[0]); i++) {
        struct hx_rules *rules;
        struct hx_error err = {0};
        assert_int_equal(hx_rules_new(load(tls[i]), &rules, &err), HX_OK);
        assert_non_null(rules->credentials);
        assert_non_null(rules->priorities);
        hx_rules_unref(rules);
    }
}

static void rules_live_as_long_as_their_last_holder(void **state)
{
    (void)state;
    struct hx_rules *rules;
    assert_int_equal(hx_rules_new(load("good_tls.yml"), &rules, NULL), HX_OK);
    struct hx_rules *held = hx_rules_ref(rules);
    hx_rules_unref(rules);
    assert_non_null(strstr(held->access->tls.certificate, "BEGIN CERTIFICATE"));
    hx_rules_unref(held);
    hx_rules_unref(NULL);
}

static void load_without_memory_reports_it(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_FILES; i++) {
        bool is_failing = true;
        for (size_t n = 1; is_failing; n++) {
            struct hx_access *access = NULL;
            struct hx_diagnostics diagnostics;
            hx_diagnostics_init(&diagnostics);
            failing_alloc_at(n);
            enum hx_errcode code = hx_web_config_load(files[i], &access, NULL, &diagnostics);
            is_failing = failing_alloc_was_reached();
            assert_int_equal(code, is_failing ? HX_ERR_NOMEM : HX_OK);
            assert_int_equal(access != NULL, code == HX_OK);
            hx_access_free(access);
            hx_diagnostics_fini(&diagnostics);
        }
    }
}

static void gate_without_memory_reports_it(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_FILES; i++) {
        bool is_failing = true;
        for (size_t n = 1; is_failing; n++) {
            struct hx_gate gate;
            struct hx_access *access = load(files[i]);
            failing_alloc_at(n);
            enum hx_errcode code = hx_gate_init(&gate, access, NULL);
            is_failing = failing_alloc_was_reached();
            assert_int_equal(code, is_failing ? HX_ERR_NOMEM : HX_OK);
            if (code == HX_OK)
                hx_gate_fini(&gate);
        }
    }
}

static void offer_without_memory_changes_nothing(void **state)
{
    (void)state;
    struct hx_gate gate;
    bool is_failing = true;
    assert_int_equal(hx_gate_init(&gate, load("good_limits.yml"), NULL), HX_OK);
    const struct hx_rules *before = gate.rules;
    for (size_t n = 1; is_failing; n++) {
        struct hx_access *access = load("good_users.yml");
        failing_alloc_at(n);
        enum hx_errcode code = hx_gate_offer(&gate, access, NULL);
        is_failing = failing_alloc_was_reached();
        assert_int_equal(code, is_failing ? HX_ERR_NOMEM : HX_OK);
        if (is_failing)
            hx_gate_renew(&gate);
        assert_ptr_equal(gate.rules, before);
    }
    hx_gate_renew(&gate);
    assert_int_equal(gate.rules->access->users.n, 3);
    hx_gate_fini(&gate);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dummy_hash_costs_as_much_as_the_dearest_user),
        cmocka_unit_test(every_good_file_becomes_rules),
        cmocka_unit_test(rules_live_as_long_as_their_last_holder),
        cmocka_unit_test(load_without_memory_reports_it),
        cmocka_unit_test(gate_without_memory_reports_it),
        cmocka_unit_test(offer_without_memory_changes_nothing),
    };
    if (chdir(GOLDEN) != 0)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}

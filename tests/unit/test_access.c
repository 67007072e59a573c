/* SPDX-License-Identifier: Apache-2.0 */
/* Who may have what: the whole table, and the class of each route. */
#include "web/access.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* The table again, in the words of the documentation. */
static enum hx_ruling expected(const struct hx_visitor *visitor, enum hx_route_class class,
                               bool has_users)
{
    static const enum hx_ruling without_users[2][4] = {
        /* status, read, details, write */
        {HX_RULING_ALLOWED, HX_RULING_ALLOWED, HX_RULING_REMOTE, HX_RULING_ALLOWED},  /* remote */
        {HX_RULING_ALLOWED, HX_RULING_ALLOWED, HX_RULING_ALLOWED, HX_RULING_ALLOWED}, /* local */
    };
    static const enum hx_ruling with_users[2][4] = {
        {HX_RULING_ALLOWED, HX_RULING_UNKNOWN, HX_RULING_UNKNOWN, HX_RULING_UNKNOWN}, /* nobody */
        {HX_RULING_ALLOWED, HX_RULING_ALLOWED, HX_RULING_ALLOWED, HX_RULING_ALLOWED}, /* a user */
    };
    if (!visitor->is_in_network)
        return HX_RULING_FOREIGN;
    if (!visitor->is_in_rate)
        return HX_RULING_TOO_MANY;
    return has_users ? with_users[visitor->is_user][class]
                     : without_users[visitor->is_local][class];
}

static void rules_are_as_documented_for_every_visitor(void **state)
{
    (void)state;
    for (unsigned bits = 0; bits < 128; bits++) {
        struct hx_visitor visitor = {.is_in_network = (bits & 1) != 0,
                                     .is_in_rate = (bits & 2) != 0,
                                     .is_local = (bits & 4) != 0,
                                     .is_user = (bits & 8) != 0};
        bool has_users = (bits & 16) != 0;
        enum hx_route_class class = (enum hx_route_class)(bits >> 5);
        assert_int_equal(hx_access_rule(&visitor, class, has_users),
                         expected(&visitor, class, has_users));
    }
}

static void probes_never_ask_for_a_password(void **state)
{
    (void)state;
    static const char *const paths[] = {"/livez",          "/health",
                                        "/healthz",        "/health/live",
                                        "/readyz",         "/ready",
                                        "/health/ready",   "/health/deep",
                                        "/startupz",       "/health/startup",
                                        "/health/started", "/health/cache",
                                        "/readyz/cache",   "/version",
                                        "/-/healthy",      "/-/ready",
                                        "/no/such/path",   "/",
                                        "/page/style.css", "/page/script.js",
                                        "/badge.svg",      "/health/cache/badge.svg"};
    struct hx_visitor nobody = {.is_in_network = true, .is_in_rate = true};
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        const char *name;
        enum hx_route route = hx_route_find(paths[i], "/metrics", &name);
        assert_int_equal(hx_access_rule(&nobody, hx_route_class(route), true), HX_RULING_ALLOWED);
    }
}

static void everything_else_does_when_there_are_users(void **state)
{
    (void)state;
    static const char *const paths[] = {"/metrics",       "/health/detailed",   "/-/reload",
                                        "/-/maintenance", "/-/heartbeat/model", "/openapi.json"};
    struct hx_visitor local = {.is_in_network = true, .is_in_rate = true, .is_local = true};
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        const char *name;
        enum hx_route route = hx_route_find(paths[i], "/metrics", &name);
        assert_int_equal(hx_access_rule(&local, hx_route_class(route), true), HX_RULING_UNKNOWN);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rules_are_as_documented_for_every_visitor),
        cmocka_unit_test(probes_never_ask_for_a_password),
        cmocka_unit_test(everything_else_does_when_there_are_users),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

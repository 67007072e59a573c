/* SPDX-License-Identifier: Apache-2.0 */
/* Paths to routes, methods, and the form of requests: nothing but exact matches. */
#include "web/routes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static enum hx_route find(const char *path)
{
    const char *name;
    return hx_route_find(path, "/metrics", &name);
}

static void aliases_lead_where_their_route_leads(void **state)
{
    (void)state;
    static const struct {
        const char *path;
        enum hx_route route;
    } cases[] = {
        {"/", HX_ROUTE_PAGE},
        {"/page/style.css", HX_ROUTE_STYLE},
        {"/page/script.js", HX_ROUTE_SCRIPT},
        {"/badge.svg", HX_ROUTE_BADGE},
        {"/livez", HX_ROUTE_LIVEZ},
        {"/health", HX_ROUTE_LIVEZ},
        {"/healthz", HX_ROUTE_LIVEZ},
        {"/health/live", HX_ROUTE_LIVEZ},
        {"/readyz", HX_ROUTE_READYZ},
        {"/ready", HX_ROUTE_READYZ},
        {"/health/ready", HX_ROUTE_READYZ},
        {"/health/deep", HX_ROUTE_READYZ},
        {"/startupz", HX_ROUTE_STARTUPZ},
        {"/health/startup", HX_ROUTE_STARTUPZ},
        {"/health/started", HX_ROUTE_STARTUPZ},
        {"/version", HX_ROUTE_VERSION},
        {"/health/detailed", HX_ROUTE_DETAILED},
        {"/openapi.json", HX_ROUTE_OPENAPI},
        {"/-/reload", HX_ROUTE_RELOAD},
        {"/-/maintenance", HX_ROUTE_MAINTENANCE},
        {"/metrics", HX_ROUTE_METRICS},
        {"/-/healthy", HX_ROUTE_HEALTHY},
        {"/-/ready", HX_ROUTE_READY},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_int_equal(find(cases[i].path), cases[i].route);
}

static void everything_that_is_not_a_route_is_other(void **state)
{
    (void)state;
    static const char *const paths[] = {
        "",
        "livez",
        "/livez/",
        "//livez",
        "/LIVEZ",
        "/live",
        "/./livez",
        "/health/",
        "/readyz/",
        "/health/a/b",
        "/health//a",
        "/health//badge.svg",
        "/health/a/badge.svg/",
        "/health/a/b/badge.svg",
        "/readyz/a/badge.svg",
        "/page/",
        "/page/page.html",
        "/metrics/",
        "/healthzz",
        "/../etc/passwd",
        "/-/",
        "/-/heartbeat/",
        "/-/heartbeat",
        "/-/reload/",
        "/openapi",
        "/readyz/a/",
        "/-/heartbeat/a/b",
        "*",
    };
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
        assert_int_equal(find(paths[i]), HX_ROUTE_OTHER);
}

static void name_is_what_follows_the_prefix(void **state)
{
    (void)state;
    const char *name;
    assert_int_equal(hx_route_find("/health/cache", "/metrics", &name), HX_ROUTE_DEPENDENCY);
    assert_string_equal(name, "cache");
    assert_int_equal(hx_route_find("/readyz/live", "/metrics", &name), HX_ROUTE_DEPENDENCY);
    assert_string_equal(name, "live");
    assert_int_equal(hx_route_find("/health/cache/badge.svg", "/metrics", &name),
                     HX_ROUTE_DEPENDENCY_BADGE);
    assert_memory_equal(name, "cache/", 6);
    assert_int_equal(hx_route_find("/-/heartbeat/model", "/metrics", &name), HX_ROUTE_HEARTBEAT);
    assert_string_equal(name, "model");
    assert_int_equal(hx_route_find("/livez", "/metrics", &name), HX_ROUTE_LIVEZ);
    assert_null(name);
}

static void metrics_are_only_where_they_are_configured(void **state)
{
    (void)state;
    const char *name;
    assert_int_equal(hx_route_find("/m", "/m", &name), HX_ROUTE_METRICS);
    assert_int_equal(hx_route_find("/metrics", "/m", &name), HX_ROUTE_OTHER);
}

static void telemetry_path_may_not_hide_a_route(void **state)
{
    (void)state;
    assert_true(hx_route_is_free("/metrics"));
    assert_true(hx_route_is_free("/internal/metrics"));
    assert_false(hx_route_is_free("/livez"));
    assert_false(hx_route_is_free("/health/metrics"));
    assert_false(hx_route_is_free("/page/style.css"));
    assert_false(hx_route_is_free("/"));
    assert_false(hx_route_is_free("metrics"));
    assert_false(hx_route_is_free(""));
    assert_false(hx_route_is_free("/metrics?x"));
    assert_false(hx_route_is_free("/a b"));
    assert_false(hx_route_is_free("/%6d"));
}

static void methods_are_told_apart_by_case(void **state)
{
    (void)state;
    assert_int_equal(hx_method_parse("GET"), HX_METHOD_GET);
    assert_int_equal(hx_method_parse("get"), HX_METHOD_OTHER);
    assert_int_equal(hx_method_parse("HEAD"), HX_METHOD_HEAD);
    assert_int_equal(hx_method_parse("PUT"), HX_METHOD_PUT);
    assert_int_equal(hx_method_parse("POST"), HX_METHOD_POST);
    assert_int_equal(hx_method_parse("DELETE"), HX_METHOD_DELETE);
    assert_int_equal(hx_method_parse("PATCH"), HX_METHOD_OTHER);
    assert_int_equal(hx_method_parse(""), HX_METHOD_OTHER);
}

static void routes_that_write_take_their_methods_only(void **state)
{
    (void)state;
    static const char *const methods[] = {"GET", "HEAD", "PUT", "POST", "DELETE", "PATCH"};
    for (unsigned route = 0; route < HX_N_ROUTES; route++) {
        const char *allow = hx_route_allow((enum hx_route)route);
        bool is_writing = route == HX_ROUTE_HEARTBEAT || route == HX_ROUTE_RELOAD ||
                          route == HX_ROUTE_MAINTENANCE;
        assert_int_equal(hx_route_allows((enum hx_route)route, HX_METHOD_GET), !is_writing);
        for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
            bool is_allowed = hx_route_allows((enum hx_route)route, hx_method_parse(methods[i]));
            assert_int_equal(is_allowed, strstr(allow, methods[i]) != NULL);
        }
    }
    assert_string_equal(hx_route_allow(HX_ROUTE_HEARTBEAT), "PUT");
    assert_string_equal(hx_route_allow(HX_ROUTE_READYZ), "GET, HEAD");
    assert_string_equal(hx_route_allow(HX_ROUTE_RELOAD), "POST, PUT");
    assert_string_equal(hx_route_allow(HX_ROUTE_MAINTENANCE), "POST, DELETE");
}

static void bodies_are_taken_where_they_mean_something(void **state)
{
    (void)state;
    assert_true(hx_route_takes_body(HX_ROUTE_HEARTBEAT, HX_METHOD_PUT));
    assert_true(hx_route_takes_body(HX_ROUTE_MAINTENANCE, HX_METHOD_POST));
    assert_false(hx_route_takes_body(HX_ROUTE_MAINTENANCE, HX_METHOD_DELETE));
    assert_false(hx_route_takes_body(HX_ROUTE_RELOAD, HX_METHOD_POST));
    assert_false(hx_route_takes_body(HX_ROUTE_READYZ, HX_METHOD_GET));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(aliases_lead_where_their_route_leads),
        cmocka_unit_test(everything_that_is_not_a_route_is_other),
        cmocka_unit_test(name_is_what_follows_the_prefix),
        cmocka_unit_test(metrics_are_only_where_they_are_configured),
        cmocka_unit_test(telemetry_path_may_not_hide_a_route),
        cmocka_unit_test(methods_are_told_apart_by_case),
        cmocka_unit_test(routes_that_write_take_their_methods_only),
        cmocka_unit_test(bodies_are_taken_where_they_mean_something),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

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
        {"/", HX_ROUTE_LANDING},
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
        "/metrics/",
        "/healthzz",
        "/../etc/passwd",
        "/-/",
        "/-/heartbeat/",
        "/-/heartbeat",
        "/-/reload",
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
    assert_false(hx_route_is_free("/"));
    assert_false(hx_route_is_free("metrics"));
    assert_false(hx_route_is_free(""));
    assert_false(hx_route_is_free("/metrics?x"));
    assert_false(hx_route_is_free("/a b"));
    assert_false(hx_route_is_free("/%6d"));
}

static void only_heartbeats_are_put(void **state)
{
    (void)state;
    assert_int_equal(hx_method_parse("GET"), HX_METHOD_GET);
    assert_int_equal(hx_method_parse("get"), HX_METHOD_OTHER);
    assert_int_equal(hx_method_parse("HEAD"), HX_METHOD_HEAD);
    assert_int_equal(hx_method_parse("PUT"), HX_METHOD_PUT);
    for (unsigned route = 0; route < HX_N_ROUTES; route++) {
        bool is_put = route == HX_ROUTE_HEARTBEAT;
        assert_int_equal(hx_route_allows((enum hx_route)route, HX_METHOD_PUT), is_put);
        assert_int_equal(hx_route_allows((enum hx_route)route, HX_METHOD_GET), !is_put);
        assert_int_equal(hx_route_allows((enum hx_route)route, HX_METHOD_HEAD), !is_put);
        assert_false(hx_route_allows((enum hx_route)route, HX_METHOD_OTHER));
    }
    assert_string_equal(hx_route_allow(HX_ROUTE_HEARTBEAT), "PUT");
    assert_string_equal(hx_route_allow(HX_ROUTE_READYZ), "GET, HEAD");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(aliases_lead_where_their_route_leads),
        cmocka_unit_test(everything_that_is_not_a_route_is_other),
        cmocka_unit_test(name_is_what_follows_the_prefix),
        cmocka_unit_test(metrics_are_only_where_they_are_configured),
        cmocka_unit_test(telemetry_path_may_not_hide_a_route),
        cmocka_unit_test(only_heartbeats_are_put),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* What `wait` says of an answer, and what `get` and `wait` take for an address. */
#include "cli/waiting.h"

#include "cli/endpoint.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void assert_described(const char *body, const char *expected)
{
    struct hx_strbuf out;
    hx_strbuf_init(&out);
    hx_waiting_describe(503, body, &out);
    assert_string_equal(hx_strbuf_text(&out), expected);
    hx_strbuf_fini(&out);
}

static void the_critical_ones_that_are_not_up_are_named(void **state)
{
    (void)state;
    assert_described("{\"status\":\"down\",\"checks\":{\"a\":{\"status\":\"up\"},"
                     "\"cache\":{\"status\":\"down\",\"reason\":\"refused\"},"
                     "\"slow\":{\"status\":\"degraded\"},"
                     "\"reco\":{\"status\":\"down\",\"critical\":false,\"reason\":\"dns\"},"
                     "\"db\":{\"status\":\"unknown\"}}}",
                     "down: cache (refused), db (unknown)");
    assert_described("{\"status\":\"starting\",\"waiting_for\":[\"model\",\"index\"]}",
                     "starting: model, index");
    assert_described("{\"status\":\"down\",\"reason\":\"engine stalled\",\"stalled_seconds\":17}",
                     "down: engine stalled");
    assert_described("{\"status\":\"draining\",\"checks\":{\"a\":{\"status\":\"up\"}}}",
                     "draining");
}

static void too_many_are_counted(void **state)
{
    (void)state;
    assert_described(
        "{\"status\":\"starting\",\"waiting_for\":[\"a\",\"b\",\"c\",\"d\",\"e\",\"f\",\"g\"]}",
        "starting: a, b, c, d, e and 2 more");
}

static void what_is_no_exporters_answer_is_its_status(void **state)
{
    (void)state;
    static const char *const bodies[] = {
        "", "<html>", "[]", "{}", "{\"status\":503}", "\"down\"", "null", "{\"status\":\"down\"",
    };
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
        assert_described(bodies[i], "status 503");
    }
    assert_described("{\"status\":\"down\",\"checks\":[1],\"waiting_for\":{\"a\":1},\"reason\":7}",
                     "down");
    assert_described("{\"status\":\"down\",\"checks\":{\"a\":3,\"b\":null}}", "down");
    assert_described("{\"status\":\"starting\",\"waiting_for\":[null,\"a\"]}", "starting: a");
}

static void a_terminal_is_told_nothing_by_the_body(void **state)
{
    (void)state;
    assert_described("{\"status\":\"down\\u001b[2J\",\"reason\":\"a\\nb\\u009b\"}",
                     "down?[2J: a?b?");
}

/* ---- addresses ---- */

static void assert_endpoint(const char *text, const char *route, const char *unix_socket,
                            const char *url, const char *socket, const char *shown)
{
    struct hx_endpoint endpoint;
    struct hx_error err = {0};
    assert_int_equal(hx_endpoint_parse(text, route, unix_socket, &endpoint, &err), HX_OK);
    assert_string_equal(endpoint.url, url);
    assert_string_equal(endpoint.shown, shown);
    if (socket == NULL)
        assert_null(endpoint.socket);
    else
        assert_string_equal(endpoint.socket, socket);
    hx_endpoint_fini(&endpoint);
}

static void a_path_is_asked_of_this_host(void **state)
{
    (void)state;
    assert_endpoint("/livez", NULL, NULL, "http://127.0.0.1:10119/livez", NULL,
                    "http://127.0.0.1:10119/livez");
    assert_endpoint("/livez", NULL, "/run/h.sock", "http://localhost/livez", "/run/h.sock",
                    "unix:/run/h.sock:/livez");
    assert_endpoint(NULL, "/readyz", NULL, "http://127.0.0.1:10119/readyz", NULL,
                    "http://127.0.0.1:10119/readyz");
    assert_endpoint(NULL, "/readyz", "/run/h.sock", "http://localhost/readyz", "/run/h.sock",
                    "unix:/run/h.sock:/readyz");
}

static void a_url_is_taken_as_it_is_or_with_the_route(void **state)
{
    (void)state;
    assert_endpoint("https://h:1/health/a?verbose", NULL, NULL, "https://h:1/health/a?verbose",
                    NULL, "https://h:1/health/a?verbose");
    assert_endpoint("http://h", "/livez", NULL, "http://h/livez", NULL, "http://h/livez");
    assert_endpoint("http://h/base//", "/livez", NULL, "http://h/base/livez", NULL,
                    "http://h/base/livez");
    assert_endpoint("https://h/x", NULL, "/run/h.sock", "https://h/x", "/run/h.sock",
                    "https://h/x");
}

static void a_unix_socket_parts_at_the_first_colon_before_a_path(void **state)
{
    (void)state;
    assert_endpoint("unix:/run/h.sock:/readyz", NULL, NULL, "http://localhost/readyz",
                    "/run/h.sock", "unix:/run/h.sock:/readyz");
    assert_endpoint("unix:/run/a:b:/health/x:/y", NULL, NULL, "http://localhost/health/x:/y",
                    "/run/a:b", "unix:/run/a:b:/health/x:/y");
    assert_endpoint("unix:/run/h.sock", "/livez", NULL, "http://localhost/livez", "/run/h.sock",
                    "unix:/run/h.sock:/livez");
}

static void what_is_no_address_is_refused_without_being_quoted(void **state)
{
    (void)state;
    static const struct {
        const char *text, *route, *unix_socket, *said;
    } cases[] = {
        {"livez", NULL, NULL, "/readyz"},
        {"ftp://h/", NULL, NULL, "expected a path"},
        {"/livez", "/livez", NULL, "expected a URL"},
        {"h:10119", "/livez", NULL, "expected a URL"},
        {"unix:/run/h.sock", NULL, NULL, "unix:SOCKET:PATH"},
        {"unix:run/h.sock", "/livez", NULL, "unix:SOCKET"},
        {"unix:/run/h.sock:/x", NULL, "/run/h.sock", "exclude"},
        {"http://user:S3CR3T@h/", NULL, NULL, "--password-file"},
        {"http://user@h/", "/livez", NULL, "--user"},
        {"http://:S3CR3T h/", NULL, NULL, "cannot be read"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct hx_endpoint endpoint;
        struct hx_error err = {0};
        assert_int_equal(
            hx_endpoint_parse(cases[i].text, cases[i].route, cases[i].unix_socket, &endpoint, &err),
            HX_ERR_INVALID);
        assert_non_null(strstr(err.message, cases[i].said));
        assert_null(strstr(err.message, "S3CR3T"));
        assert_null(endpoint.url);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_critical_ones_that_are_not_up_are_named),
        cmocka_unit_test(too_many_are_counted),
        cmocka_unit_test(what_is_no_exporters_answer_is_its_status),
        cmocka_unit_test(a_terminal_is_told_nothing_by_the_body),
        cmocka_unit_test(a_path_is_asked_of_this_host),
        cmocka_unit_test(a_url_is_taken_as_it_is_or_with_the_route),
        cmocka_unit_test(a_unix_socket_parts_at_the_first_colon_before_a_path),
        cmocka_unit_test(what_is_no_address_is_refused_without_being_quoted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

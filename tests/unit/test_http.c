/* SPDX-License-Identifier: Apache-2.0 */
/* What a check of kind http sends, and how it judges replies, good ones and hostile ones. */
#include "http_fixture.h"

#define OK_REPLY "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok\n"

/* More than libcurl reads at once. */
#define LARGE_BODY_LEN 60000
static char large_reply[LARGE_BODY_LEN + 128];

static const struct http_peer_route ROUTES[] = {
    {.path = "/ok", .reply = OK_REPLY},
    {.path = "/a%2Fb?x=%20y&z", .reply = OK_REPLY},
    {.path = "/500", .reply = "HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n"},
    {.path = "/503", .reply = "HTTP/1.1 503 Later\r\nContent-Length: 0\r\n\r\n"},
    {.path = "/401", .reply = "HTTP/1.1 401 Who\r\nContent-Length: 0\r\n\r\n"},
    {.path = "/302", .reply = "HTTP/1.1 302 There\r\nLocation: /ok\r\nContent-Length: 0\r\n\r\n"},
    {.path = "/json", .reply = "HTTP/1.1 200 OK\r\nContent-Length: 15\r\n\r\n{\"status\":\"UP\"}"},
    {.path = "/head", .reply = "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"},
    {.path = "/close", .closes = true},
    {.path = "/hang"},
    {.path = "/reset", .resets = true},
    {.path = "/reset-at-half",
     .reply = "HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhalf",
     .resets = true},
    {.path = "/reset-behind", .reply = large_reply, .resets = true},
    {.path = "/half", .reply = "HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhalf", .closes = true},
    {.path = "/0.9", .reply = "hello\n", .closes = true},
    {.path = "/garbage", .reply = "\x01\x02garbage\r\n\r\n\x7f", .closes = true},
    {.path = "/chunk",
     .reply = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
     .closes = true},
    {.path = "/negative",
     .reply = "HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nxx",
     .closes = true},
    {.path = "/endless",
     .reply = "HTTP/1.1 200 OK\r\n\r\n",
     .repeat = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"},
    {.path = "/chunks",
     .reply = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
     .repeat = "10\r\n0123456789abcdef\r\n"},
    {.path = "/headers", .reply = "HTTP/1.1 200 OK\r\n", .repeat = "X-A: 0123456789abcdef\r\n"},
    {.path = "/header", .reply = "HTTP/1.1 200 OK\r\nX-A: ", .repeat = "0123456789abcdef"},
    {.path = "/informational",
     .reply = "HTTP/1.1 103 Early Hints\r\n\r\n",
     .repeat = "HTTP/1.1 103 Early Hints\r\n\r\n"},
    {.path = NULL},
};

static int set_up(void **state)
{
    *state = fixture_new(ROUTES);
    return 0;
}

static int tear_down(void **state)
{
    fixture_free(*state);
    return 0;
}

/* The reason of one check of a path with the options as they are. */
static enum hx_reason check_path(struct fixture *f, const char *path)
{
    configure_path(f, path);
    prepare(&f->check);
    return run_check(f, &f->check);
}

static void passes_a_good_reply(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(check_path(f, "/ok"), HX_REASON_NONE);
    assert_string_equal(f->resolver.asked, "api.test");
    assert_string_equal(hx_kind_http.values[0], "status");
    assert_int_equal((int)f->check.values[0], 200);
    assert_string_equal(hx_kind_http.values[1], "body_bytes");
    assert_int_equal((int)f->check.values[1], 3);
}

static void enters_the_phases_that_there_are(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(check_path(f, "/ok"), HX_REASON_NONE);
    assert_int_equal(f->check.phase_set, 1U << HX_PHASE_RESOLVE | 1U << HX_PHASE_CONNECT |
                                             1U << HX_PHASE_SEND | 1U << HX_PHASE_RECEIVE);
}

static void asks_for_the_path_as_it_is_written(void **state)
{
    struct fixture *f = *state;
    char host[64];
    assert_int_equal(check_path(f, "/a%2Fb?x=%20y&z"), HX_REASON_NONE);
    assert_contains(f->peer.request, "GET /a%2Fb?x=%20y&z HTTP/1.1\r\n");
    snprintf(host, sizeof(host), "\r\nHost: api.test:%d\r\n", f->peer.port);
    assert_contains(f->peer.request, host);
    assert_contains(f->peer.request, "\r\nUser-Agent: health_exporter\r\n");
    assert_lacks(f->peer.request, "Accept-Encoding");
    assert_lacks(f->peer.request, "Authorization");
}

static void sends_headers_and_credentials(void **state)
{
    struct fixture *f = *state;
    configure_path(f, "/ok");
    put_option(&f->check, "headers", "X-Token", "s3cret");
    put_option(&f->check, "headers", "X-Empty", "");
    put_option(&f->check, "headers", "host", "other.test");
    set_option(&f->check, "user", "health");
    set_option(&f->check, "password", "pa:ss");
    prepare(&f->check);
    assert_int_equal(run_check(f, &f->check), HX_REASON_NONE);
    assert_contains(f->peer.request, "\r\nX-Token: s3cret\r\n");
    assert_contains(f->peer.request, "\r\nX-Empty:\r\n");
    assert_contains(f->peer.request, "\r\nHost: other.test\r\n");
    assert_contains(f->peer.request, "\r\nAuthorization: Basic aGVhbHRoOnBhOnNz\r\n");
}

static void takes_credentials_from_the_url(void **state)
{
    struct fixture *f = *state;
    char url[128];
    snprintf(url, sizeof(url), "http://health:p%%40ss@127.0.0.1:%d/ok", f->peer.port);
    configure(&f->check, url);
    prepare(&f->check);
    assert_int_equal(run_check(f, &f->check), HX_REASON_NONE);
    assert_contains(f->peer.request, "\r\nAuthorization: Basic aGVhbHRoOnBAc3M=\r\n");
}

static void uses_the_method(void **state)
{
    struct fixture *f = *state;
    configure_path(f, "/head");
    set_option(&f->check, "method", "HEAD");
    prepare(&f->check);
    assert_int_equal(run_check(f, &f->check), HX_REASON_NONE);
    assert_contains(f->peer.request, "HEAD /head HTTP/1.1\r\n");
    clear_dependency(&f->check);
    hx_kind_http.cancel(&f->check);
    configure_path(f, "/ok");
    set_option(&f->check, "method", "OPTIONS");
    prepare(&f->check);
    assert_int_equal(run_check(f, &f->check), HX_REASON_NONE);
    assert_contains(f->peer.request, "OPTIONS /ok HTTP/1.1\r\n");
}

static void ignores_proxies_of_the_environment(void **state)
{
    struct fixture *f = *state;
    setenv("http_proxy", "http://127.0.0.1:1", 1);
    setenv("all_proxy", "http://127.0.0.1:1", 1);
    assert_int_equal(check_path(f, "/ok"), HX_REASON_NONE);
    unsetenv("http_proxy");
    unsetenv("all_proxy");
}

static void maps_statuses_to_reasons(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *path, *message;
        enum hx_reason reason;
    } CASES[] = {
        {"/500", "HTTP status 500, expected 200-299", HX_REASON_STATUS},
        {"/503", "HTTP status 503, expected 200-299", HX_REASON_UNAVAILABLE},
        {"/401", "HTTP status 401, expected 200-299", HX_REASON_AUTH},
        {"/302", "HTTP status 302, expected 200-299", HX_REASON_STATUS},
    };
    for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
        assert_int_equal(check_path(f, CASES[i].path), CASES[i].reason);
        assert_string_equal(f->check.message, CASES[i].message);
        clear_dependency(&f->check);
    }
}

static void an_expected_status_passes(void **state)
{
    struct fixture *f = *state;
    configure_path(f, "/503");
    set_option(&f->check, "expect.status", "503");
    prepare(&f->check);
    assert_int_equal(run_check(f, &f->check), HX_REASON_NONE);
}

static void judges_the_body(void **state)
{
    struct fixture *f = *state;
    configure_path(f, "/json");
    set_option(&f->check, "expect.body_contains", "status");
    set_option(&f->check, "expect.body_matches", "^\\{.*\\}$");
    put_option(&f->check, "expect.json", "/status", "UP");
    prepare(&f->check);
    assert_int_equal(run_check(f, &f->check), HX_REASON_NONE);
    /* The second body must not be appended to the first. */
    assert_int_equal(run_check(f, &f->check), HX_REASON_NONE);
    clear_dependency(&f->check);
    hx_kind_http.cancel(&f->check);
    configure_path(f, "/json");
    put_option(&f->check, "expect.json", "/status", "DOWN");
    prepare(&f->check);
    assert_int_equal(run_check(f, &f->check), HX_REASON_ASSERTION);
    assert_string_equal(f->check.message, "json: \"/status\" is \"UP\", expected \"DOWN\"");
}

static void tells_broken_replies_apart(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *path;
        enum hx_reason reason;
    } CASES[] = {
        {"/reset", HX_REASON_CLOSED},   {"/reset-at-half", HX_REASON_CLOSED},
        {"/close", HX_REASON_CLOSED},   {"/half", HX_REASON_CLOSED},
        {"/0.9", HX_REASON_PROTOCOL},   {"/garbage", HX_REASON_PROTOCOL},
        {"/chunk", HX_REASON_PROTOCOL}, {"/negative", HX_REASON_PROTOCOL},
    };
    for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
        enum hx_reason reason = check_path(f, CASES[i].path);
        if (reason != CASES[i].reason)
            fail_msg("%s: %s (%s)", CASES[i].path, hx_reason_text(reason), f->check.message);
        assert_contains(f->check.message, "127.0.0.1:");
        clear_dependency(&f->check);
        turn_until(f, is_nobody_connected);
    }
}

static void names_a_reset(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(check_path(f, "/reset"), HX_REASON_CLOSED);
    assert_contains(f->check.message, "Connection reset by peer");
}

static void takes_a_whole_reply_with_a_reset_behind_it(void **state)
{
    struct fixture *f = *state;
    int header = snprintf(large_reply, sizeof(large_reply),
                          "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", LARGE_BODY_LEN);
    memset(large_reply + header, 'x', LARGE_BODY_LEN);
    large_reply[header + LARGE_BODY_LEN] = '\0';
    assert_int_equal(check_path(f, "/reset-behind"), HX_REASON_NONE);
    assert_int_equal((int)f->check.values[1], LARGE_BODY_LEN);
}

static void ends_floods_at_its_own_bounds(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *path, *message;
    } CASES[] = {
        {"/endless", "the reply's body is larger than max_body, 64KiB"},
        {"/chunks", "the reply's body is larger than max_body, 64KiB"},
        {"/headers", "the reply's headers are larger than 64KiB"},
        {"/informational", "the reply's headers are larger than 64KiB"},
        {"/header", "a header of the reply is too large"},
    };
    for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
        configure_path(f, CASES[i].path);
        set_option(&f->check, "max_body", "64KiB");
        prepare(&f->check);
        if (run_check(f, &f->check) != HX_REASON_LIMIT)
            fail_msg("%s: %s (%s)", CASES[i].path, hx_reason_text(f->check.reason),
                     f->check.message);
        assert_contains(f->check.message, CASES[i].message);
        clear_dependency(&f->check);
        turn_until(f, is_nobody_connected);
    }
}

static void keeps_a_body_as_large_as_allowed(void **state)
{
    struct fixture *f = *state;
    configure_path(f, "/ok");
    set_option(&f->check, "max_body", "3");
    prepare(&f->check);
    assert_int_equal(run_check(f, &f->check), HX_REASON_NONE);
    clear_dependency(&f->check);
    hx_kind_http.cancel(&f->check);
    configure_path(f, "/ok");
    set_option(&f->check, "max_body", "2");
    prepare(&f->check);
    assert_int_equal(run_check(f, &f->check), HX_REASON_LIMIT);
}

static bool is_asked(struct fixture *f)
{
    return f->peer.n_requests > 0;
}

static void waits_for_a_silent_server_until_it_is_cancelled(void **state)
{
    struct fixture *f = *state;
    configure_path(f, "/hang");
    prepare(&f->check);
    fake_check_begin(&f->check, TIMEOUT_NS);
    turn_until(f, is_asked);
    for (int i = 0; i < 10; i++)
        uv_run(&f->loop, UV_RUN_NOWAIT);
    assert_int_equal(f->check.n_finished, 0);
    assert_int_equal(f->check.last_phase, HX_PHASE_RECEIVE);
    hx_kind_http.cancel(&f->check);
    turn_until(f, is_nobody_connected);
    assert_int_equal(f->check.n_finished, 0);
}

static void reports_a_name_that_does_not_exist(void **state)
{
    struct fixture *f = *state;
    f->resolver.addresses[0] = NULL;
    assert_int_equal(check_path(f, "/ok"), HX_REASON_DNS);
    assert_string_equal(f->check.message, "no such name");
}

static void cancels_the_lookup(void **state)
{
    struct fixture *f = *state;
    f->resolver.is_silent = true;
    configure_path(f, "/ok");
    prepare(&f->check);
    fake_check_begin(&f->check, TIMEOUT_NS);
    assert_int_equal(f->check.last_phase, HX_PHASE_RESOLVE);
    assert_false(the_lookup.is_cancelled);
    hx_kind_http.cancel(&f->check);
    assert_true(the_lookup.is_cancelled);
    assert_int_equal(f->check.n_finished, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(passes_a_good_reply),
        TEST(enters_the_phases_that_there_are),
        TEST(asks_for_the_path_as_it_is_written),
        TEST(sends_headers_and_credentials),
        TEST(takes_credentials_from_the_url),
        TEST(uses_the_method),
        TEST(ignores_proxies_of_the_environment),
        TEST(maps_statuses_to_reasons),
        TEST(an_expected_status_passes),
        TEST(judges_the_body),
        TEST(tells_broken_replies_apart),
        TEST(names_a_reset),
        TEST(takes_a_whole_reply_with_a_reset_behind_it),
        TEST(ends_floods_at_its_own_bounds),
        TEST(keeps_a_body_as_large_as_allowed),
        TEST(waits_for_a_silent_server_until_it_is_cancelled),
        TEST(reports_a_name_that_does_not_exist),
        TEST(cancels_the_lookup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Where redirects may lead, and what goes with them. */
#include "http_fixture.h"

static char to_other_port[128]; /* a reply that redirects to the other server */
static char to_other_name[128]; /* the same server by another name */
static char to_own_name[128];   /* an absolute URL of the same origin */

#define REDIRECT(to) "HTTP/1.1 302 Found\r\nLocation: " to "\r\nContent-Length: 0\r\n\r\n"

static const struct http_peer_route ROUTES[] = {
    {.path = "/ok", .reply = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"},
    {.path = "/relative", .reply = REDIRECT("ok#fragment")},
    {.path = "/own", .reply = to_own_name},
    {.path = "/twice", .reply = REDIRECT("/relative")},
    {.path = "/loop", .reply = REDIRECT("/loop")},
    {.path = "/file", .reply = REDIRECT("file:///etc/passwd")},
    {.path = "/gopher", .reply = REDIRECT("gopher://127.0.0.1:70/1")},
    {.path = "/user", .reply = REDIRECT("http://a:b@127.0.0.1/")},
    {.path = "/odd", .reply = REDIRECT("http://[::1")},
    {.path = "/port", .reply = to_other_port},
    {.path = "/name", .reply = to_other_name},
    {.path = NULL},
};

static int set_up(void **state)
{
    struct fixture *f = fixture_new(ROUTES);
    snprintf(to_other_name, sizeof(to_other_name), REDIRECT("http://other.test:%d/ok"),
             f->peer.port);
    snprintf(to_own_name, sizeof(to_own_name), REDIRECT("http://API.test:%d/ok"), f->peer.port);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    fixture_free(*state);
    return 0;
}

/* One check with two redirects allowed, credentials and a header. */
static enum hx_reason follow(struct fixture *f, const char *path)
{
    configure_path(f, path);
    set_option(&f->check, "max_redirects", "2");
    set_option(&f->check, "user", "health");
    set_option(&f->check, "password", "canary");
    put_option(&f->check, "headers", "X-Token", "s3cret");
    prepare(&f->check);
    return run_check(f, &f->check);
}

static void assert_has_secrets(const char *request)
{
    assert_contains(request, "\r\nX-Token: s3cret\r\n");
    assert_contains(request, "\r\nAuthorization: Basic ");
}

static void assert_has_no_secrets(const char *request)
{
    assert_lacks(request, "X-Token");
    assert_lacks(request, "Authorization");
}

static void follows_within_the_origin_with_everything(void **state)
{
    struct fixture *f = *state;
    static const char *const PATHS[] = {"/relative", "/own", "/twice"};
    for (size_t i = 0; i < sizeof(PATHS) / sizeof(PATHS[0]); i++) {
        assert_int_equal(follow(f, PATHS[i]), HX_REASON_NONE);
        assert_contains(f->peer.request, "GET /ok HTTP/1.1\r\n");
        assert_has_secrets(f->peer.request);
        clear_dependency(&f->check);
    }
    /* The kept connection served them all. */
    assert_int_equal(f->peer.n_connections, 1);
}

static void sends_nothing_secret_to_another_host(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(follow(f, "/name"), HX_REASON_NONE);
    assert_string_equal(f->resolver.asked, "other.test");
    assert_contains(f->peer.request, "\r\nHost: other.test:");
    assert_has_no_secrets(f->peer.request);
}

static void sends_nothing_secret_to_another_port(void **state)
{
    struct fixture *f = *state;
    struct http_peer other;
    http_peer_open(&other, &f->loop, "127.0.0.1", ROUTES);
    snprintf(to_other_port, sizeof(to_other_port), REDIRECT("http://api.test:%d/ok"), other.port);
    assert_int_equal(follow(f, "/port"), HX_REASON_NONE);
    assert_int_equal(other.n_requests, 1);
    assert_has_no_secrets(other.request);
    /* The next check has them again for whom they are meant. */
    assert_int_equal(run_check(f, &f->check), HX_REASON_NONE);
    assert_has_secrets(f->peer.request);
    assert_has_no_secrets(other.request);
    http_peer_close(&other);
}

static void leaves_no_connection_where_it_was_led(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < 3; i++) {
        assert_int_equal(follow(f, "/name"), HX_REASON_NONE);
        turn_until(f, is_nobody_connected);
        clear_dependency(&f->check);
    }
    assert_int_equal(f->peer.n_connections, 6);
}

static void ends_a_loop(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(follow(f, "/loop"), HX_REASON_LIMIT);
    assert_int_equal(f->peer.n_requests, 3);
    assert_string_equal(f->check.message, "redirected more often than max_redirects allows");
}

static void is_not_led_where_it_may_not_go(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *path, *message;
        enum hx_reason reason;
    } CASES[] = {
        {"/file", "redirect refused: to the scheme \"file\"", HX_REASON_BLOCKED},
        {"/gopher", "redirect refused: to the scheme \"gopher\"", HX_REASON_BLOCKED},
        {"/user", "redirect refused: the Location has a user in it", HX_REASON_BLOCKED},
        {"/odd", "redirect refused: ", HX_REASON_PROTOCOL},
    };
    for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
        if (follow(f, CASES[i].path) != CASES[i].reason)
            fail_msg("%s: %s (%s)", CASES[i].path, hx_reason_text(f->check.reason),
                     f->check.message);
        assert_contains(f->check.message, CASES[i].message);
        clear_dependency(&f->check);
    }
    assert_int_equal(f->peer.n_requests, sizeof(CASES) / sizeof(CASES[0]));
}

static void does_not_follow_by_default(void **state)
{
    struct fixture *f = *state;
    configure_path(f, "/relative");
    prepare(&f->check);
    assert_int_equal(run_check(f, &f->check), HX_REASON_STATUS);
    assert_int_equal(f->peer.n_requests, 1);
}

static void does_not_follow_a_status_that_is_expected(void **state)
{
    struct fixture *f = *state;
    configure_path(f, "/relative");
    set_option(&f->check, "max_redirects", "2");
    set_option(&f->check, "expect.status", "302");
    prepare(&f->check);
    assert_int_equal(run_check(f, &f->check), HX_REASON_NONE);
    assert_int_equal(f->peer.n_requests, 1);
}

static void is_cancelled_between_two_hops(void **state)
{
    struct fixture *f = *state;
    configure_path(f, "/relative");
    set_option(&f->check, "max_redirects", "2");
    prepare(&f->check);
    fake_check_begin(&f->check, TIMEOUT_NS);
    f->resolver.is_silent = true;
    uint64_t ends = uv_hrtime() + (uint64_t)PATIENCE_NS;
    while (f->check.last_phase != HX_PHASE_RESOLVE && uv_hrtime() < ends)
        uv_run(&f->loop, UV_RUN_NOWAIT);
    assert_int_equal(f->check.n_finished, 0);
    hx_kind_http.cancel(&f->check);
    turn_until(f, is_nobody_connected);
    assert_int_equal(f->check.n_finished, 0);
}

/* ---- targets alone ---- */

static struct hx_http_verdict redirect(const char *from, const char *to)
{
    struct hx_url url;
    struct hx_http_target start, next;
    struct hx_http_verdict verdict = {.reason = HX_REASON_NONE};
    struct hx_dependency dependency = {0};
    assert_int_equal(hx_url_parse(from, &url, NULL), HX_OK);
    dependency.url = url;
    assert_int_equal(hx_http_target_init(&start, &dependency, &url, true, NULL), HX_OK);
    if (hx_http_target_redirect(&dependency, &start, to, &next, &verdict)) {
        snprintf(verdict.message, sizeof(verdict.message), "%s %s %d %s", next.url, next.host,
                 next.port, next.is_own_origin ? "own" : "other");
        hx_http_target_fini(&next);
    }
    hx_http_target_fini(&start);
    hx_url_fini(&url);
    return verdict;
}

static void never_leaves_https_for_http(void **state)
{
    (void)state;
    struct hx_http_verdict verdict = redirect("https://api.test/", "http://api.test/");
    assert_int_equal(verdict.reason, HX_REASON_BLOCKED);
    assert_string_equal(verdict.message, "redirect refused: from https to http");
}

static void knows_its_own_origin(void **state)
{
    (void)state;
    assert_string_equal(redirect("https://api.test/", "https://api.test:443/x?y#z").message,
                        "https://api.test:443/x?y api.test 443 own");
    assert_string_equal(redirect("http://api.test/", "https://api.test/").message,
                        "https://api.test/ api.test 443 other");
    assert_string_equal(redirect("http://api.test/", "http://api.test:81/").message,
                        "http://api.test:81/ api.test 81 other");
    assert_string_equal(redirect("http://[::1]:8080/", "http://[::1]:8080").message,
                        "http://[::1]:8080/ ::1 8080 own");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(follows_within_the_origin_with_everything),
        TEST(sends_nothing_secret_to_another_host),
        TEST(sends_nothing_secret_to_another_port),
        TEST(leaves_no_connection_where_it_was_led),
        TEST(ends_a_loop),
        TEST(is_not_led_where_it_may_not_go),
        TEST(does_not_follow_by_default),
        TEST(does_not_follow_a_status_that_is_expected),
        TEST(is_cancelled_between_two_hops),
        cmocka_unit_test(never_leaves_https_for_http),
        cmocka_unit_test(knows_its_own_origin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* link: -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=strdup */
/* Connections of kind http: kept and fresh, one each, over the addresses of a name. */
#include "http_fixture.h"

#include "failing_alloc.h"

#include <curl/curl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define OK_REPLY "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok\n"

static const struct http_peer_route ROUTES[] = {
    {.path = "/ok", .reply = OK_REPLY},
    {.path = "/last", .reply = OK_REPLY, .closes = true},
    {.path = "/500", .reply = "HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n"},
    {.path = NULL},
};

static bool is_curl_failing;

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

static void keeps_one_connection(void **state)
{
    struct fixture *f = *state;
    configure_path(f, "/ok");
    prepare(&f->check);
    for (int i = 0; i < 3; i++)
        assert_int_equal(run_check(f, &f->check), HX_REASON_NONE);
    assert_int_equal(f->peer.n_requests, 3);
    assert_int_equal(f->peer.n_connections, 1);
    assert_int_equal(f->check.n_connections, 1);
    assert_false(f->check.phase_set & 1U << HX_PHASE_CONNECT);
}

static void drops_the_kept_connection_when_it_is_cancelled(void **state)
{
    struct fixture *f = *state;
    configure_path(f, "/ok");
    prepare(&f->check);
    assert_int_equal(run_check(f, &f->check), HX_REASON_NONE);
    assert_int_equal(f->peer.n_open, 1);
    hx_kind_http.cancel(&f->check);
    turn_until(f, is_nobody_connected);
    assert_int_equal(run_check(f, &f->check), HX_REASON_NONE);
    assert_int_equal(f->peer.n_connections, 2);
}

static void opens_a_fresh_connection_each_time(void **state)
{
    struct fixture *f = *state;
    configure_path(f, "/ok");
    f->check.dependency.policy.connection = HX_CONNECTION_FRESH;
    prepare(&f->check);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(run_check(f, &f->check), HX_REASON_NONE);
        turn_until(f, is_nobody_connected);
        assert_int_equal(f->check.n_connections, 0);
    }
    assert_int_equal(f->peer.n_connections, 3);
}

static void two_dependencies_on_one_server_share_nothing(void **state)
{
    struct fixture *f = *state;
    struct hx_check other;
    configure_path(f, "/ok");
    prepare(&f->check);
    check_init(&other, f);
    configure(&other, f->check.dependency.url.text);
    prepare(&other);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(run_check(f, &f->check), HX_REASON_NONE);
        assert_int_equal(run_check(f, &other), HX_REASON_NONE);
    }
    assert_int_equal(f->peer.n_connections, 2);
    assert_int_equal(f->peer.n_open, 2);
    check_fini(&other);
}

static void replaces_a_connection_that_the_server_closed(void **state)
{
    struct fixture *f = *state;
    configure_path(f, "/last");
    prepare(&f->check);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(run_check(f, &f->check), HX_REASON_NONE);
        turn_until(f, is_nobody_connected);
    }
    assert_int_equal(f->peer.n_connections, 3);
    assert_int_equal(f->peer.n_most_open, 1);
}

static void leaves_a_connection_whose_address_the_name_has_lost(void **state)
{
    struct fixture *f = *state;
    struct http_peer other;
    configure_path(f, "/ok");
    prepare(&f->check);
    assert_int_equal(run_check(f, &f->check), HX_REASON_NONE);
    http_peer_open_at(&other, &f->loop, "127.0.0.2", f->peer.port, ROUTES);
    f->resolver.addresses[0] = "127.0.0.2";
    assert_int_equal(run_check(f, &f->check), HX_REASON_NONE);
    assert_int_equal(other.n_requests, 1);
    turn_until(f, is_nobody_connected);
    /* While the name has both, the connection that is kept is used. */
    f->resolver.addresses[0] = "127.0.0.1";
    f->resolver.addresses[1] = "127.0.0.2";
    assert_int_equal(run_check(f, &f->check), HX_REASON_NONE);
    assert_int_equal(other.n_requests, 2);
    assert_int_equal(other.n_connections, 1);
    http_peer_close(&other);
}

static void tries_the_next_address_when_one_refuses(void **state)
{
    struct fixture *f = *state;
    f->resolver.addresses[0] = "127.0.0.2";
    f->resolver.addresses[1] = "127.0.0.1";
    configure_path(f, "/ok");
    prepare(&f->check);
    assert_int_equal(run_check(f, &f->check), HX_REASON_NONE);
}

/* As "localhost" is, which is ::1 first, in a container without IPv6. */
static void tries_the_next_address_when_this_host_cannot_use_one(void **state)
{
    struct fixture *f = *state;
    f->resolver.addresses[0] = "fe80::1"; /* of which link? */
    f->resolver.addresses[1] = "127.0.0.1";
    configure_path(f, "/ok");
    prepare(&f->check);
    assert_int_equal(run_check(f, &f->check), HX_REASON_NONE);
}

static void reports_the_address_that_refused_last(void **state)
{
    struct fixture *f = *state;
    char expected[96];
    f->resolver.addresses[0] = "127.0.0.2";
    f->resolver.addresses[1] = "127.0.0.3";
    configure_path(f, "/ok");
    prepare(&f->check);
    assert_int_equal(run_check(f, &f->check), HX_REASON_REFUSED);
    snprintf(expected, sizeof(expected), "connect 127.0.0.3:%d: Connection refused", f->peer.port);
    assert_string_equal(f->check.message, expected);
}

/* A socket that listens, with its queue full: it answers no connection. */
static void open_black_hole(const char *host, int port, int fds[4])
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    assert_int_equal(inet_pton(AF_INET, host, &address.sin_addr), 1);
    for (int i = 0; i < 4; i++) {
        fds[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        assert_true(fds[i] >= 0);
    }
    assert_int_equal(bind(fds[0], (const struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(fds[0], 0), 0);
    for (int i = 1; i < 4; i++)
        if (connect(fds[i], (const struct sockaddr *)&address, sizeof(address)) != 0)
            assert_int_equal(errno, EINPROGRESS);
}

static void gives_a_silent_address_only_its_share_of_the_time(void **state)
{
    struct fixture *f = *state;
    int fds[4];
    open_black_hole("127.0.0.4", f->peer.port, fds);
    f->resolver.addresses[0] = "127.0.0.4";
    f->resolver.addresses[1] = "127.0.0.1";
    configure_path(f, "/ok");
    prepare(&f->check);
    uint64_t before = uv_hrtime();
    fake_check_begin(&f->check, 2 * HX_NS_PER_S);
    turn_until(f, is_finished);
    uint64_t took = uv_hrtime() - before;
    assert_int_equal(f->check.reason, HX_REASON_NONE);
    assert_int_equal(f->check.n_connections, 1);
    assert_true(took >= 990 * HX_NS_PER_MS);
    assert_true(took < 2 * HX_NS_PER_S);
    for (int i = 0; i < 4; i++)
        close(fds[i]);
}

static void takes_its_own_lack_of_descriptors_for_internal(void **state)
{
    struct fixture *f = *state;
    struct rlimit before, none;
    f->resolver.addresses[1] = "127.0.0.2";
    configure_path(f, "/ok");
    prepare(&f->check);
    /* So that libcurl and libuv have theirs. */
    uv_run(&f->loop, UV_RUN_NOWAIT);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    none = (struct rlimit){.rlim_cur = 3, .rlim_max = before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    enum hx_reason reason = run_check(f, &f->check);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    assert_int_equal(reason, HX_REASON_INTERNAL);
    assert_string_equal(f->check.message, "socket: Too many open files");
    assert_int_equal(run_check(f, &f->check), HX_REASON_NONE);
}

static void does_not_keep_a_connection_after_a_failed_check(void **state)
{
    struct fixture *f = *state;
    configure_path(f, "/500");
    prepare(&f->check);
    assert_int_equal(run_check(f, &f->check), HX_REASON_STATUS);
    turn_until(f, is_nobody_connected);
}

/* libcurl takes memory that is short among the headers for a header that is too large. */
static bool is_own_trouble(const struct hx_check *check)
{
    return check->reason == HX_REASON_NONE || check->reason == HX_REASON_INTERNAL ||
           (check->reason == HX_REASON_LIMIT && strstr(check->message, "a header") != NULL);
}

/* Whatever allocation fails, libcurl's own too: a check passes (curl did without), ends, or waits
 * for its deadline; it does not blame the dependency; the next one passes. */
static void survives_each_allocation_that_fails(void **state)
{
    struct fixture *f = *state;
    bool is_failing = true;
    configure_path(f, "/ok");
    set_option(&f->check, "expect.body_contains", "ok");
    set_option(&f->check, "expect.body_matches", "^ok$");
    prepare(&f->check);
    for (size_t n = 1; is_failing; n++) {
        is_curl_failing = true;
        failing_alloc_at(n);
        fake_check_begin(&f->check, TIMEOUT_NS);
        uint64_t ends = uv_hrtime() + 20 * HX_NS_PER_MS;
        while (f->check.n_finished == 0 && uv_hrtime() < ends)
            uv_run(&f->loop, UV_RUN_NOWAIT);
        is_failing = failing_alloc_was_reached();
        is_curl_failing = false;
        if (f->check.n_finished > 0 && !is_own_trouble(&f->check))
            fail_msg("allocation %zu: %s (%s)", n, hx_reason_text(f->check.reason),
                     f->check.message);
        hx_kind_http.cancel(&f->check);
        assert_int_equal(run_check(f, &f->check), HX_REASON_NONE);
        hx_kind_http.cancel(&f->check);
        turn_until(f, is_nobody_connected);
    }
}

static void prepare_reports_each_allocation_that_fails(void **state)
{
    struct fixture *f = *state;
    bool is_failing = true;
    configure_path(f, "/ok");
    put_option(&f->check, "headers", "X-Token", "s3cret");
    set_option(&f->check, "expect.body_matches", "^ok$");
    for (size_t n = 1; is_failing; n++) {
        struct hx_error err = {0};
        is_curl_failing = true;
        failing_alloc_at(n);
        enum hx_errcode code = hx_kind_http.prepare(&f->check.dependency, &err);
        is_failing = failing_alloc_was_reached();
        is_curl_failing = false;
        if (code == HX_OK)
            hx_kind_http.release(&f->check.dependency);
        else
            assert_true(err.message[0] != '\0');
        assert_true(is_failing || code == HX_OK);
    }
}

/* libcurl is linked dynamically: its allocations are made to come through here. */

static void *curl_malloc(size_t size)
{
    return is_curl_failing ? malloc(size) : __real_malloc(size);
}

static void curl_free_memory(void *memory)
{
    free(memory);
}

static void *curl_realloc(void *memory, size_t size)
{
    return is_curl_failing ? realloc(memory, size) : __real_realloc(memory, size);
}

static char *curl_strdup(const char *text)
{
    return is_curl_failing ? strdup(text) : __real_strdup(text);
}

static void *curl_calloc(size_t n, size_t size)
{
    return is_curl_failing ? calloc(n, size) : __real_calloc(n, size);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(keeps_one_connection),
        TEST(drops_the_kept_connection_when_it_is_cancelled),
        TEST(opens_a_fresh_connection_each_time),
        TEST(two_dependencies_on_one_server_share_nothing),
        TEST(replaces_a_connection_that_the_server_closed),
        TEST(leaves_a_connection_whose_address_the_name_has_lost),
        TEST(tries_the_next_address_when_one_refuses),
        TEST(tries_the_next_address_when_this_host_cannot_use_one),
        TEST(reports_the_address_that_refused_last),
        TEST(gives_a_silent_address_only_its_share_of_the_time),
        TEST(takes_its_own_lack_of_descriptors_for_internal),
        TEST(does_not_keep_a_connection_after_a_failed_check),
        TEST(survives_each_allocation_that_fails),
        TEST(prepare_reports_each_allocation_that_fails),
    };
    if (curl_global_init_mem(CURL_GLOBAL_DEFAULT, curl_malloc, curl_free_memory, curl_realloc,
                             curl_strdup, curl_calloc) != CURLE_OK)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}

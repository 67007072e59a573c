/* SPDX-License-Identifier: Apache-2.0 */
/* link: -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=strdup */
/* The server over a hand-made board, asked through raw sockets. */
#include "web/server.h"

#include "failing_alloc.h"
#include "web_board.h"
#include "web_client.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#define HEAD_DEADLINE_NS (300 * HX_NS_PER_MS)
#define MAX_PER_PEER     64

struct fixture {
    struct web_board b;
    struct hx_registry *registry;
    struct hx_web *web;
    uint16_t port;
    char path[64]; /* of the unix socket */
    /* What the stub of the engine was told, and answers. */
    enum hx_errcode report_code;
    char report_name[80];
    struct hx_report report;
    unsigned n_reports;
};

static enum hx_errcode take_report(void *data, const char *name, const struct hx_report *report,
                                   struct hx_error *err)
{
    struct fixture *f = data;
    f->report = *report;
    f->n_reports++;
    snprintf(f->report_name, sizeof(f->report_name), "%s", name);
    return f->report_code == HX_OK ? HX_OK : hx_error_set(err, f->report_code, "as the test says");
}

static struct hx_web_options options_of(struct fixture *f)
{
    return (struct hx_web_options){.board = &f->b.board,
                                   .registry = f->registry,
                                   .actions = {.data = f, .report = take_report},
                                   .telemetry_path = "/metrics",
                                   .service_name = "checkout",
                                   .service_version = "1.4.2",
                                   .service_commit = "abcdef1",
                                   .max_connections = 256,
                                   .max_connections_per_ip = MAX_PER_PEER,
                                   .header_deadline_ns = HEAD_DEADLINE_NS};
}

static void start(struct fixture *f, const struct hx_web_options *options)
{
    char address[80];
    snprintf(f->path, sizeof(f->path), "/tmp/test_web.%d", (int)getpid());
    snprintf(address, sizeof(address), "unix:%s", f->path);
    assert_int_equal(hx_web_new(options, &f->web, NULL), HX_OK);
    assert_int_equal(hx_web_listen(f->web, "127.0.0.1:0", NULL), HX_OK);
    assert_int_equal(hx_web_listen(f->web, address, NULL), HX_OK);
    assert_int_equal(hx_web_start(f->web, NULL), HX_OK);
    f->port = hx_web_port(f->web, 0);
    assert_int_not_equal(f->port, 0);
    assert_int_equal(hx_web_port(f->web, 1), 0);
}

static int set_up_board(void **state)
{
    static const char *const names[] = {"database", "-reco", "cache", NULL};
    struct fixture *f = calloc(1, sizeof(*f));
    web_board_init(&f->b, names);
    web_board_result(&f->b, "database", HX_STATE_UP, HX_REASON_NONE, 3200000);
    web_board_result(&f->b, "reco", HX_STATE_UP, HX_REASON_NONE, 800000);
    web_board_result(&f->b, "cache", HX_STATE_UP, HX_REASON_NONE, 800000);
    f->registry = hx_registry_new();
    *state = f;
    return f->registry == NULL;
}

static int set_up(void **state)
{
    set_up_board(state);
    struct hx_web_options options = options_of(*state);
    start(*state, &options);
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    hx_web_free(f->web);
    web_board_fini(&f->b);
    hx_registry_free(f->registry);
    free(f);
    return 0;
}

/* ---- what is answered ---- */

static void expect(struct fixture *f, const char *path, int status, const char *type,
                   const char *body)
{
    struct web_reply reply;
    web_get(f->port, "GET", path, &reply);
    assert_int_equal(reply.status, status);
    assert_string_equal(reply.body, body);
    assert_true(web_header_is(&reply, "Content-Type", type));
    web_reply_fini(&reply);
}

#define JSON "application/json"
#define TEXT "text/plain; charset=utf-8"

static void every_route_answers_under_all_its_names(void **state)
{
    static const char *const live[] = {"/livez", "/health", "/healthz", "/health/live"};
    static const char *const ready[] = {"/readyz", "/ready", "/health/ready", "/health/deep"};
    static const char *const started[] = {"/startupz", "/health/startup", "/health/started"};
    static const char up[] = "{\"status\":\"up\"}";
    static const char all[] = "{\"status\":\"up\",\"checks\":{\"database\":{\"status\":\"up\","
                              "\"latency_ms\":3.2},\"reco\":{\"status\":\"up\",\"critical\":false,"
                              "\"latency_ms\":0.8},\"cache\":{\"status\":\"up\",\"latency_ms\":"
                              "0.8}}}";
    static const char cache[] = "{\"name\":\"cache\",\"status\":\"up\",\"latency_ms\":0.8}";
    for (size_t i = 0; i < sizeof(live) / sizeof(live[0]); i++)
        expect(*state, live[i], 200, JSON, up);
    for (size_t i = 0; i < sizeof(ready) / sizeof(ready[0]); i++)
        expect(*state, ready[i], 200, JSON, all);
    for (size_t i = 0; i < sizeof(started) / sizeof(started[0]); i++)
        expect(*state, started[i], 200, JSON, up);
    expect(*state, "/health/cache", 200, JSON, cache);
    expect(*state, "/readyz/cache", 200, JSON, cache);
    expect(*state, "/-/healthy", 200, TEXT, "Healthy");
    expect(*state, "/-/ready", 200, TEXT, "Ready");
    expect(*state, "/version", 200, JSON,
           "{\"version\":\"1.4.2\",\"commit_hash\":\"abcdef1\",\"service\":\"checkout\","
           "\"exporter\":{\"version\":\"1.2.3\",\"revision\":\"abcdef\"}}");
}

static void query_is_ignored(void **state)
{
    expect(*state, "/livez?cache-buster=1&x", 200, JSON, "{\"status\":\"up\"}");
    expect(*state, "/-/ready?", 200, TEXT, "Ready");
}

static void every_reply_forbids_caching_and_sniffing(void **state)
{
    static const char *const paths[] = {"/",        "/livez",   "/readyz",  "/health/cache",
                                        "/version", "/metrics", "/nothing", "/health/nothing"};
    struct fixture *f = *state;
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        struct web_reply reply;
        web_get(f->port, "GET", paths[i], &reply);
        assert_true(web_header_is(&reply, "Cache-Control", "no-store"));
        assert_true(web_header_is(&reply, "X-Content-Type-Options", "nosniff"));
        web_reply_fini(&reply);
    }
}

static void head_is_get_without_the_body(void **state)
{
    static const char *const paths[] = {"/",        "/livez",        "/readyz",    "/startupz",
                                        "/version", "/health/cache", "/-/healthy", "/-/ready",
                                        "/nothing", "/health/none"};
    struct fixture *f = *state;
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        struct web_reply get, head;
        web_get(f->port, "GET", paths[i], &get);
        web_get(f->port, "HEAD", paths[i], &head);
        assert_int_equal(head.status, get.status);
        assert_int_equal(head.body_len, 0);
        assert_non_null(web_header(&head, "Content-Length"));
        assert_int_equal(atol(web_header(&head, "Content-Length")), get.body_len);
        web_reply_fini(&get);
        web_reply_fini(&head);
    }
}

static void unknown_paths_and_names_are_404(void **state)
{
    static const char none[] = "{\"error\":\"no such path\"}";
    expect(*state, "/nothing", 404, JSON, none);
    expect(*state, "//livez", 404, JSON, none);
    expect(*state, "/livez/", 404, JSON, none);
    expect(*state, "/../../etc/passwd", 404, JSON, none);
    expect(*state, "/%2e%2e/", 404, JSON, none);
    expect(*state, "/metrics/..;/", 404, JSON, none);
    expect(*state, "/health/cash", 404, JSON, "{\"error\":\"no dependency named \\\"cash\\\"\"}");
    expect(*state, "/health/a%22%3c", 404, JSON,
           "{\"error\":\"no dependency named \\\"a\\\"<\\\"\"}");
    expect(*state, "/health/%ff", 404, JSON,
           "{\"error\":\"no dependency named \\\"\xEF\xBF\xBD\\\"\"}");
}

static void other_methods_are_405_with_allow(void **state)
{
    static const struct {
        const char *method, *path;
        int status;
        const char *allow;
    } cases[] = {
        {"POST", "/livez", 405, "GET, HEAD"},       {"DELETE", "/readyz", 405, "GET, HEAD"},
        {"OPTIONS", "/metrics", 405, "GET, HEAD"},  {"TRACE", "/", 405, "GET, HEAD"},
        {"get", "/livez", 405, "GET, HEAD"},        {"PUT", "/health/cache", 405, "GET, HEAD"},
        {"GET", "/-/heartbeat/model", 405, "PUT"},  {"HEAD", "/-/heartbeat/model", 405, "PUT"},
        {"POST", "/-/heartbeat/model", 405, "PUT"}, {"POST", "/nothing", 404, NULL},
    };
    struct fixture *f = *state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct web_reply reply;
        web_get(f->port, cases[i].method, cases[i].path, &reply);
        assert_int_equal(reply.status, cases[i].status);
        if (cases[i].allow != NULL)
            assert_true(web_header_is(&reply, "Allow", cases[i].allow));
        web_reply_fini(&reply);
    }
    assert_int_equal(f->n_reports, 0);
}

static void change_of_a_state_shows_at_once(void **state)
{
    struct fixture *f = *state;
    expect(f, "/-/ready", 200, TEXT, "Ready");
    web_board_result(&f->b, "cache", HX_STATE_DOWN, HX_REASON_REFUSED, 200000);
    expect(f, "/-/ready", 503, TEXT, "Not ready");
    expect(f, "/health/cache", 503, JSON,
           "{\"name\":\"cache\",\"status\":\"down\",\"reason\":\"refused\",\"latency_ms\":0.2}");
    expect(f, "/livez", 200, JSON, "{\"status\":\"up\"}");
    web_board_result(&f->b, "cache", HX_STATE_UP, HX_REASON_NONE, 200000);
    expect(f, "/-/ready", 200, TEXT, "Ready");
}

static void result_without_a_change_shows_soon(void **state)
{
    struct fixture *f = *state;
    struct hx_status status = web_board_status(HX_STATE_UP, HX_REASON_NONE, 700000);
    static const char fresh[] = "{\"name\":\"cache\",\"status\":\"up\",\"latency_ms\":0.7}";
    expect(f, "/health/cache", 200, JSON,
           "{\"name\":\"cache\",\"status\":\"up\",\"latency_ms\":0.8}");
    web_board_publish(&f->b, "cache", &status, false);
    int64_t until_ns = hx_clock_monotonic_ns() + 500 * HX_NS_PER_MS;
    struct web_reply reply;
    do {
        web_get(f->port, "GET", "/health/cache", &reply);
        bool is_fresh = strcmp(reply.body, fresh) == 0;
        web_reply_fini(&reply);
        if (is_fresh)
            return;
    } while (hx_clock_monotonic_ns() < until_ns);
    fail_msg("the new latency did not show within 500 ms");
}

static void prepared_body_does_not_outlive_the_result(void **state)
{
    struct fixture *f = *state;
    struct hx_status status = web_board_status(HX_STATE_UP, HX_REASON_NONE, 700000);
    status.fresh_until_ns = hx_clock_monotonic_ns() + 100 * HX_NS_PER_MS;
    web_board_publish(&f->b, "cache", &status, true);
    struct web_reply reply;
    int code;
    do {
        web_get(f->port, "GET", "/readyz", &reply);
        code = reply.status;
        web_reply_fini(&reply);
        assert_true(code == 503 || hx_clock_monotonic_ns() < status.fresh_until_ns + HX_NS_PER_S);
    } while (code == 200);
    assert_true(hx_clock_monotonic_ns() > status.fresh_until_ns);
    expect(f, "/health/cache", 503, JSON,
           "{\"name\":\"cache\",\"status\":\"unknown\",\"reason\":\"stale\",\"latency_ms\":0.7}");
}

static void reload_shows_the_new_dependencies(void **state)
{
    struct fixture *f = *state;
    static const char *const names[] = {"queue", NULL};
    expect(f, "/health/cache", 200, JSON,
           "{\"name\":\"cache\",\"status\":\"up\",\"latency_ms\":0.8}");
    web_board_set(&f->b, names, NULL);
    expect(f, "/health/cache", 404, JSON, "{\"error\":\"no dependency named \\\"cache\\\"\"}");
    expect(f, "/health/queue", 503, JSON, "{\"name\":\"queue\",\"status\":\"unknown\"}");
}

static void stalled_engine_is_not_live(void **state)
{
    struct fixture *f = *state;
    atomic_store(&f->b.board.heartbeat_ns, hx_clock_monotonic_ns() - 17 * HX_NS_PER_S);
    struct web_reply reply;
    web_get(f->port, "GET", "/livez", &reply);
    assert_int_equal(reply.status, 503);
    assert_non_null(strstr(reply.body, "\"reason\":\"engine stalled\",\"stalled_seconds\":17."));
    web_reply_fini(&reply);
    expect(f, "/-/healthy", 503, TEXT, "Not healthy");
}

static void landing_page_names_the_dependencies(void **state)
{
    struct fixture *f = *state;
    struct web_reply reply;
    web_get(f->port, "GET", "/", &reply);
    assert_int_equal(reply.status, 200);
    assert_true(web_header_is(&reply, "Content-Type", "text/html; charset=utf-8"));
    assert_non_null(strstr(reply.body, "checkout is up"));
    assert_non_null(strstr(reply.body, "<a href=\"/metrics\">Metrics</a>"));
    assert_non_null(strstr(reply.body, "<a href=\"/health/cache\">cache</a></td><td>up</td>"));
    assert_null(strstr(reply.body, "secret"));
    web_reply_fini(&reply);
}

/* ---- connections ---- */

static void connection_is_kept_for_more_requests(void **state)
{
    struct fixture *f = *state;
    int fd = web_connect(f->port);
    for (int i = 0; i < 3; i++) {
        struct web_reply reply;
        assert_true(web_send_text(fd, "GET /readyz HTTP/1.1\r\nHost: t\r\n\r\n"));
        web_read_one(fd, &reply);
        assert_int_equal(reply.status, 200);
        assert_null(web_header(&reply, "Connection"));
        web_reply_fini(&reply);
    }
    close(fd);
}

static unsigned count(const char *text, const char *part)
{
    unsigned n = 0;
    for (const char *c = strstr(text, part); c != NULL; c = strstr(c + 1, part))
        n++;
    return n;
}

static void pipelined_requests_are_answered_in_order(void **state)
{
    struct fixture *f = *state;
    static char requests[100 * 64];
    size_t len = 0;
    for (int i = 0; i < 100; i++)
        len += (size_t)snprintf(
            requests + len, sizeof(requests) - len, "GET /%s HTTP/1.1\r\nHost: t\r\n%s\r\n",
            i % 2 == 0 ? "livez" : "-/ready", i == 99 ? "Connection: close\r\n" : "");
    int fd = web_connect(f->port);
    struct web_reply reply;
    assert_true(web_send(fd, requests, len));
    web_read_all(fd, &reply);
    assert_int_equal(count(reply.text, "HTTP/1.1 200 OK"), 100);
    assert_int_equal(count(reply.text, "{\"status\":\"up\"}"), 50);
    assert_int_equal(count(reply.text, "\r\n\r\nReady"), 50);
    web_reply_fini(&reply);
    close(fd);
}

static void request_may_come_byte_by_byte(void **state)
{
    struct fixture *f = *state;
    static const char request[] = "GET /livez HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n";
    struct web_reply reply;
    int fd = web_connect(f->port);
    for (const char *c = request; *c != '\0'; c++)
        assert_true(web_send(fd, c, 1));
    web_read_all(fd, &reply);
    assert_int_equal(reply.status, 200);
    web_reply_fini(&reply);
    close(fd);
}

static void http_1_0_is_answered_and_closed(void **state)
{
    struct fixture *f = *state;
    struct web_reply reply;
    web_ask(f->port, "GET /metrics HTTP/1.0\r\n\r\n", &reply);
    assert_int_equal(reply.status, 200);
    assert_true(reply.is_closed);
    assert_null(web_header(&reply, "Transfer-Encoding"));
    assert_non_null(strstr(reply.body, "\nhealth_check_status{dependency=\"cache\"} 1\n"));
    web_reply_fini(&reply);
}

static void unix_socket_answers(void **state)
{
    struct fixture *f = *state;
    struct web_reply reply;
    int fd = web_connect_unix(f->path);
    assert_true(fd >= 0);
    assert_true(web_send_text(fd, "GET /readyz HTTP/1.1\r\nHost: t\r\n\r\n"));
    web_read_one(fd, &reply);
    assert_int_equal(reply.status, 200);
    web_reply_fini(&reply);
    close(fd);
    hx_web_stop(f->web, 0);
    assert_int_equal(access(f->path, F_OK), -1);
}

static void draining_closes_every_connection_after_its_reply(void **state)
{
    static const char *const paths[] = {"livez", "readyz", "health/cache", "version", "nothing"};
    struct fixture *f = *state;
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        char request[80];
        struct web_reply reply;
        snprintf(request, sizeof(request), "GET /%s HTTP/1.1\r\nHost: t\r\n\r\n", paths[i]);
        int fd = web_connect(f->port);
        assert_true(web_send_text(fd, request));
        web_read_one(fd, &reply); /* kept: the prepared body without Connection: close */
        assert_false(web_header_is(&reply, "Connection", "close"));
        web_reply_fini(&reply);
        atomic_store(&f->b.board.is_draining, true);
        hx_board_changed(&f->b.board, true);
        assert_true(web_send_text(fd, request));
        web_read_all(fd, &reply);
        assert_true(reply.is_closed);
        assert_true(web_header_is(&reply, "Connection", "close"));
        assert_int_equal(reply.status, i == 0 || i == 2 || i == 3 ? 200 : i == 1 ? 503 : 404);
        web_reply_fini(&reply);
        close(fd);
        atomic_store(&f->b.board.is_draining, false);
        hx_board_changed(&f->b.board, true);
    }
}

/* ---- bad requests ---- */

static void malformed_requests_are_refused_and_closed(void **state)
{
    static const struct {
        const char *request;
        int status; /* 0: closed without a reply is right as well */
    } cases[] = {
        {"GET /livez HTTP/1.1\r\nHost: t\r\nContent-Length: 5\r\n\r\nhello", 400},
        {"GET /livez HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
        {"GET /livez HTTP/1.1\r\nHost: t\r\nTransfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n", 400},
        {"GET /livez HTTP/1.1\r\nHost: t\r\nExpect: 100-continue\r\n\r\n", 400},
        {"GET /livez HTTP/1.1\r\nHost: t\r\nContent-Length: 0\r\nContent-Length: 0\r\n\r\n", 400},
        {"GET /livez HTTP/1.1\r\nHost: t\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n"
         "\r\n0\r\n\r\n",
         400},
        {"GET /livez HTTP/1.1\r\nHost: t\r\nContent-Length : 5\r\n\r\nhello", 400},
        {"GET /livez HTTP/1.1\r\nHost: t\r\nContent-Length: -5\r\n\r\n", 400},
        {"GET /livez HTTP/1.1\r\nHost: t\nContent-Length: 5\n\nhello", 400},
        {"GET /livez HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400},
        {"GET /livez HTTP/1.1\r\n\r\n", 400},
        {"GET /livez HTTP/1.1\r\nHost: t\r\nA: b\rc\r\n\r\n", 400},
        {"GET /livez HTTP/1.1\r\nHost: t\r\nno colon\r\n\r\n", 400},
        {"GET /livez%00x HTTP/1.1\r\nHost: t\r\n\r\n", 400},
        {"GET /health%2fcache HTTP/1.1\r\nHost: t\r\n\r\n", 400},
        {"GET /livez%0a HTTP/1.1\r\nHost: t\r\n\r\n", 400},
        {"GET http://t/livez HTTP/1.1\r\nHost: t\r\n\r\n", 400},
        {"GET * HTTP/1.1\r\nHost: t\r\n\r\n", 400},
        {"CONNECT t:80 HTTP/1.1\r\nHost: t\r\n\r\n", 400},
        {"GET livez HTTP/1.1\r\nHost: t\r\n\r\n", 400},
        {"GET /livez HTTP/1.2\r\nHost: t\r\n\r\n", 505},
        {"GET /livez HTTP/9.9\r\nHost: t\r\n\r\n", 505},
        {"GET /livez HTTP/0.9\r\n\r\n", 505},
        {"GET /livez http/1.1\r\nHost: t\r\n\r\n", 400},
        {"GET /live z HTTP/1.1\r\nHost: t\r\n\r\n", 0},
        {"GET /livez\r\n\r\n", 0},
        {"\x16\x03\x01\x02\x01\r\n\r\n", 0},
        {"PUT /-/heartbeat/m HTTP/1.1\r\nHost: t\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\n"
         "{}",
         400},
        {"PUT /-/heartbeat/m HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n"
         "2\r\n{}\r\n0\r\n\r\n",
         411},
        {"PUT /-/heartbeat/m HTTP/1.1\r\nHost: t\r\nContent-Length: 4097\r\n\r\n", 413},
        {"POST /livez HTTP/1.1\r\nHost: t\r\nContent-Length: 5\r\n\r\nhello", 405},
    };
    struct fixture *f = *state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct web_reply reply;
        web_ask(f->port, cases[i].request, &reply);
        /* libmicrohttpd 0.9.75 sends the head of some errors of its own twice. */
        unsigned n_good = reply.len == 0 ? 0 : count(reply.text, "HTTP/1.1 2");
        bool is_right = cases[i].status == 0 ? reply.status == 0 || reply.status >= 400
                                             : reply.status == cases[i].status;
        if (!reply.is_closed || !is_right || n_good > 0)
            print_error("%s\n%s\n", cases[i].request, reply.len > 0 ? reply.text : "(nothing)");
        assert_true(reply.is_closed);
        assert_true(is_right);
        assert_int_equal(n_good, 0);
        web_reply_fini(&reply);
    }
    assert_int_equal(f->n_reports, 0);
}

static void haproxys_check_is_answered(void **state)
{
    struct fixture *f = *state;
    struct web_reply reply;
    web_ask(f->port,
            "GET /readyz HTTP/1.1\r\nhost: t\r\nconnection: close\r\ncontent-length: 0\r\n\r\n",
            &reply);
    assert_int_equal(reply.status, 200);
    web_reply_fini(&reply);
}

static void too_long_requests_are_refused(void **state)
{
    struct fixture *f = *state;
    static char request[40000];
    struct web_reply reply;
    int n = snprintf(request, sizeof(request), "GET /%0*d HTTP/1.1\r\nHost: t\r\n\r\n", 20000, 0);
    assert_true(n > 0);
    web_ask(f->port, request, &reply);
    assert_int_equal(reply.status, 414);
    web_reply_fini(&reply);
    snprintf(request, sizeof(request), "GET /livez HTTP/1.1\r\nHost: t\r\nA: %0*d\r\n\r\n", 20000,
             0);
    web_ask(f->port, request, &reply);
    assert_int_equal(reply.status, 431);
    web_reply_fini(&reply);
    snprintf(request, sizeof(request), "GET /livez?%0*d HTTP/1.1\r\nHost: t\r\n\r\n", 1025, 0);
    web_ask(f->port, request, &reply);
    assert_int_equal(reply.status, 414);
    web_reply_fini(&reply);
    size_t len = (size_t)snprintf(request, sizeof(request), "GET /livez HTTP/1.1\r\nHost: t\r\n");
    for (int i = 0; i < 1000; i++)
        len += (size_t)snprintf(request + len, sizeof(request) - len, "h%d: v\r\n", i);
    snprintf(request + len, sizeof(request) - len, "\r\n");
    web_ask(f->port, request, &reply);
    assert_int_equal(reply.status, 431);
    web_reply_fini(&reply);
}

/* ---- deadlines and limits ---- */

/* Waits until the server closes the connection; how long that took. */
static int64_t time_to_close(int fd, const char *drip)
{
    int64_t start_ns = hx_clock_monotonic_ns();
    struct pollfd poller = {.fd = fd, .events = POLLIN};
    char c;
    while (hx_clock_monotonic_ns() < start_ns + 3 * HX_NS_PER_S) {
        if (poll(&poller, 1, 20) > 0 && recv(fd, &c, 1, 0) <= 0)
            break;
        if (drip != NULL && *drip != '\0' && !web_send(fd, drip++, 1))
            break;
    }
    return hx_clock_monotonic_ns() - start_ns;
}

static void slow_drip_cannot_extend_the_deadline(void **state)
{
    struct fixture *f = *state;
    static const char drip[] = "GET /livez HTTP/1.1\r\nHost: t\r\nX: "
                               "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
                               "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    int fd = web_connect(f->port);
    int64_t took_ns = time_to_close(fd, drip);
    assert_true(took_ns >= HEAD_DEADLINE_NS - 20 * HX_NS_PER_MS);
    assert_true(took_ns < HEAD_DEADLINE_NS + HX_NS_PER_S);
    close(fd);
    expect(f, "/livez", 200, JSON, "{\"status\":\"up\"}");
}

static void silent_and_idle_connections_are_closed(void **state)
{
    struct fixture *f = *state;
    int fd = web_connect(f->port);
    assert_true(time_to_close(fd, NULL) < HEAD_DEADLINE_NS + HX_NS_PER_S);
    close(fd);
    struct web_reply reply;
    fd = web_connect(f->port);
    assert_true(web_send_text(fd, "GET /livez HTTP/1.1\r\nHost: t\r\n\r\n"));
    web_read_one(fd, &reply);
    assert_int_equal(reply.status, 200);
    web_reply_fini(&reply);
    assert_true(time_to_close(fd, NULL) < HEAD_DEADLINE_NS + HX_NS_PER_S);
    close(fd);
}

static void body_that_does_not_come_is_cut_by_the_same_deadline(void **state)
{
    struct fixture *f = *state;
    int fd = web_connect(f->port);
    assert_true(web_send_text(
        fd, "PUT /-/heartbeat/m HTTP/1.1\r\nHost: t\r\nContent-Length: 200\r\n\r\n{"));
    assert_true(time_to_close(fd, "                                                ") <
                HEAD_DEADLINE_NS + HX_NS_PER_S);
    assert_int_equal(f->n_reports, 0);
    close(fd);
}

static void one_peer_cannot_take_all_places(void **state)
{
    struct fixture *f = *state;
    int fds[MAX_PER_PEER];
    struct web_reply reply;
    for (size_t i = 0; i < MAX_PER_PEER; i++) {
        fds[i] = web_connect(f->port);
        assert_true(web_send_text(fds[i], "GET /livez HTTP/1.1\r\nHost: t\r\n\r\n"));
        web_read_one(fds[i], &reply);
        assert_int_equal(reply.status, 200);
        web_reply_fini(&reply);
    }
    web_get(f->port, "GET", "/livez", &reply);
    assert_int_equal(reply.status, 0);
    assert_true(reply.is_closed);
    web_reply_fini(&reply);
    int local = web_connect_unix(f->path);
    assert_true(web_send_text(local, "GET /livez HTTP/1.1\r\nHost: t\r\n\r\n"));
    web_read_one(local, &reply);
    assert_int_equal(reply.status, 200);
    web_reply_fini(&reply);
    close(local);
    for (size_t i = 0; i < MAX_PER_PEER; i++)
        close(fds[i]);
}

/* ---- heartbeats ---- */

static int put(struct fixture *f, const char *name, const char *fields, const char *body,
               struct web_reply *reply)
{
    static char request[6000];
    snprintf(request, sizeof(request),
             "PUT /-/heartbeat/%s HTTP/1.1\r\nHost: t\r\nConnection: close\r\n%s"
             "Content-Length: %zu\r\n\r\n%s",
             name, fields, strlen(body), body);
    web_ask(f->port, request, reply);
    return reply->status;
}

static void heartbeat_reaches_the_engine(void **state)
{
    struct fixture *f = *state;
    struct web_reply reply;
    int64_t before_ns = hx_clock_monotonic_ns();
    assert_int_equal(put(f, "model", "", "", &reply), 204);
    assert_int_equal(reply.body_len, 0);
    web_reply_fini(&reply);
    assert_string_equal(f->report_name, "model");
    assert_true(f->report.is_pass);
    assert_string_equal(f->report.message, "");
    assert_true(f->report.arrived_ns >= before_ns);
    assert_int_equal(put(f, "model", "Content-Type: application/json; charset=utf-8\r\n",
                         "{\"status\":\"fail\",\"message\":\"no GPU \xC3\xA9\"}", &reply),
                     204);
    web_reply_fini(&reply);
    assert_false(f->report.is_pass);
    assert_string_equal(f->report.message, "no GPU \xC3\xA9");
    assert_int_equal(f->n_reports, 2);
}

static void engines_refusal_has_its_code(void **state)
{
    struct fixture *f = *state;
    struct web_reply reply;
    f->report_code = HX_ERR_NOTFOUND;
    assert_int_equal(put(f, "model", "", "", &reply), 404);
    assert_string_equal(reply.body, "{\"error\":\"no dependency named \\\"model\\\"\"}");
    web_reply_fini(&reply);
    f->report_code = HX_ERR_UNSUPPORTED;
    assert_int_equal(put(f, "cache", "", "{}", &reply), 409);
    web_reply_fini(&reply);
    f->report_code = HX_ERR_LIMIT;
    assert_int_equal(put(f, "model", "", "{}", &reply), 503);
    assert_true(web_header_is(&reply, "Retry-After", "1"));
    web_reply_fini(&reply);
    assert_int_equal(f->n_reports, 3);
}

static void bad_reports_never_reach_the_engine(void **state)
{
    static const struct {
        const char *fields, *body;
        int status;
    } cases[] = {
        {"", "x", 400},
        {"", "[]", 400},
        {"", "\"pass\"", 400},
        {"", "null", 400},
        {"", "{", 400},
        {"", "{}x", 400},
        {"", "{\"status\":\"up\"}", 400},
        {"", "{\"status\":true}", 400},
        {"", "{\"message\":1}", 400},
        {"", "{\"message\":\"a\\u0000b\"}", 400},
        {"", "{\"message\":\"\xff\"}", 400},
        {"", "{\"other\":1}", 400},
        {"", "{'status':'pass'}", 400},
        {"", "{\"message\":[[[[[[[[[[1]]]]]]]]]]}", 400},
        {"Content-Type: text/plain\r\n", "{}", 415},
        {"Content-Type: application/x-www-form-urlencoded\r\n", "status=pass", 415},
        {"Content-Type: application/jsonx\r\n", "{}", 415},
    };
    struct fixture *f = *state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct web_reply reply;
        int status = put(f, "model", cases[i].fields, cases[i].body, &reply);
        if (status != cases[i].status)
            print_error("%s\n", cases[i].body);
        assert_int_equal(status, cases[i].status);
        assert_memory_equal(reply.body, "{\"error\":\"", 10);
        web_reply_fini(&reply);
    }
    assert_int_equal(f->n_reports, 0);
}

static void long_message_is_cut_between_characters(void **state)
{
    struct fixture *f = *state;
    char body[600] = "{\"message\":\"a";
    struct web_reply reply;
    for (int i = 0; i < 200; i++)
        strcat(body, "\xC3\xA9");
    strcat(body, "\"}");
    assert_int_equal(put(f, "model", "", body, &reply), 204);
    web_reply_fini(&reply);
    assert_int_equal(strlen(f->report.message), 159);
    assert_memory_equal(f->report.message + 157, "\xC3\xA9", 3);
}

static void connection_is_closed_after_a_body(void **state)
{
    struct fixture *f = *state;
    struct web_reply reply;
    web_ask(f->port,
            "PUT /-/heartbeat/m HTTP/1.1\r\nHost: t\r\nContent-Length: 2\r\n\r\n{}"
            "GET /livez HTTP/1.1\r\nHost: t\r\n\r\n",
            &reply);
    assert_int_equal(reply.status, 204);
    assert_true(web_header_is(&reply, "Connection", "close"));
    assert_int_equal(count(reply.text, "HTTP/1.1 "), 1);
    web_reply_fini(&reply);
}

/* ---- the metrics page ---- */

static void metrics_come_in_the_format_that_is_asked_for(void **state)
{
    struct fixture *f = *state;
    struct web_reply reply;
    web_get(f->port, "GET", "/metrics", &reply);
    assert_int_equal(reply.status, 200);
    assert_true(web_header_is(&reply, "Content-Type", "text/plain; version=0.0.4; charset=utf-8"));
    assert_true(web_reply_dechunk(&reply));
    assert_non_null(strstr(reply.body, "\nhealth_check_status{dependency=\"cache\"} 1\n"));
    assert_non_null(strstr(reply.body, "\nhealth_service_ready 1\n"));
    assert_null(strstr(reply.body, "# EOF"));
    web_reply_fini(&reply);
    web_ask(f->port,
            "GET /metrics HTTP/1.1\r\nHost: t\r\nConnection: close\r\n"
            "Accept: application/openmetrics-text;version=1.0.0;q=0.6,*/*;q=0.2\r\n\r\n",
            &reply);
    assert_true(web_header_is(&reply, "Content-Type",
                              "application/openmetrics-text; version=1.0.0; charset=utf-8"));
    assert_true(web_reply_dechunk(&reply));
    assert_string_equal(reply.body + reply.body_len - 6, "# EOF\n");
    web_reply_fini(&reply);
    /* Kept alive, or else the bytes behind the head would be taken for the next reply. */
    web_ask(f->port, "HEAD /metrics HTTP/1.1\r\nHost: t\r\n\r\n", &reply);
    assert_int_equal(reply.status, 200);
    assert_true(web_header_is(&reply, "Content-Type", "text/plain; version=0.0.4; charset=utf-8"));
    assert_int_equal(reply.body_len, 0);
    assert_true(reply.is_closed);
    web_reply_fini(&reply);
}

static void requests_are_counted_from_zero(void **state)
{
    struct fixture *f = *state;
    struct web_reply reply;
    web_get(f->port, "GET", "/health", &reply);
    web_reply_fini(&reply);
    web_get(f->port, "GET", "/nothing", &reply);
    web_reply_fini(&reply);
    web_get(f->port, "GET", "/livez%00", &reply);
    web_reply_fini(&reply);
    web_get(f->port, "GET", "/metrics", &reply);
    assert_true(web_reply_dechunk(&reply));
#define COUNT(route, code) \
    "health_exporter_http_requests_total{code=\"" code "\",route=\"" route "\"}"
    assert_non_null(strstr(reply.body, COUNT("/livez", "200") " 1\n"));
    assert_non_null(strstr(reply.body, COUNT("/livez", "503") " 0\n"));
    assert_non_null(strstr(reply.body, COUNT("other", "404") " 1\n"));
    assert_non_null(strstr(reply.body, COUNT("other", "400") " 1\n"));
    assert_non_null(strstr(reply.body, COUNT("/health/{name}", "404") " 0\n"));
    assert_non_null(strstr(reply.body, COUNT("/-/heartbeat/{name}", "204") " 0\n"));
#undef COUNT
    web_reply_fini(&reply);
}

/* Makes the page larger than a unix socket takes at once. */
static void fill(struct hx_registry *registry)
{
    for (int i = 0; i < 8000; i++) {
        char number[64];
        snprintf(number, sizeof(number), "%060d", i);
        const char *labels[] = {"n", number, NULL};
        assert_non_null(hx_registry_counter(registry, "filler_total", "Filler.", labels, NULL));
    }
}

static int begin_scrape(struct fixture *f)
{
    int fd = web_connect_unix(f->path);
    char first[9];
    assert_true(fd >= 0);
    assert_true(web_send_text(fd, "GET /metrics HTTP/1.1\r\nHost: t\r\n\r\n"));
    assert_int_equal(recv(fd, first, 8, MSG_WAITALL), 8);
    assert_memory_equal(first, "HTTP/1.1", 8);
    return fd;
}

static void too_many_scrapes_at_once_are_refused(void **state)
{
    struct fixture *f = *state;
    int fds[8];
    struct web_reply reply;
    fill(f->registry);
    for (int i = 0; i < 8; i++)
        fds[i] = begin_scrape(f);
    web_get(f->port, "GET", "/metrics", &reply);
    assert_int_equal(reply.status, 503);
    assert_true(web_header_is(&reply, "Retry-After", "1"));
    web_reply_fini(&reply);
    expect(f, "/-/ready", 200, TEXT, "Ready");
    for (int i = 0; i < 8; i++)
        close(fds[i]);
    int64_t until_ns = hx_clock_monotonic_ns() + WEB_CLIENT_WAIT_NS;
    int status;
    do {
        web_get(f->port, "GET", "/metrics", &reply);
        status = reply.status;
        web_reply_fini(&reply);
    } while (status == 503 && hx_clock_monotonic_ns() < until_ns);
    assert_int_equal(status, 200);
}

/* ---- the end ---- */

static void *stop(void *data)
{
    hx_web_stop(data, 5 * HX_NS_PER_S);
    return NULL;
}

static void reply_under_way_is_completed_at_the_end(void **state)
{
    struct fixture *f = *state;
    struct web_reply reply;
    pthread_t stopper;
    fill(f->registry);
    int idle = web_connect(f->port);
    assert_true(web_send_text(idle, "GET /livez HTTP/1.1\r\nHost: t\r\n\r\n"));
    web_read_one(idle, &reply);
    web_reply_fini(&reply);
    int fd = begin_scrape(f);
    int64_t start_ns = hx_clock_monotonic_ns();
    assert_int_equal(pthread_create(&stopper, NULL, stop, f->web), 0);
    web_read_all(idle, &reply); /* an idle connection does not hold it up */
    assert_true(reply.is_closed);
    web_reply_fini(&reply);
    assert_int_equal(web_connect(f->port), -1);
    int64_t until_ns = hx_clock_monotonic_ns() + WEB_CLIENT_WAIT_NS;
    reply = (struct web_reply){0};
    while (web_read_more(fd, &reply, until_ns))
        ;
    assert_true(reply.is_closed);
    assert_memory_equal(reply.text + reply.len - 5, "0\r\n\r\n", 5);
    web_reply_fini(&reply);
    pthread_join(stopper, NULL);
    assert_true(hx_clock_monotonic_ns() - start_ns < 4 * HX_NS_PER_S);
    close(fd);
    close(idle);
}

static void client_that_reads_nothing_cannot_hold_up_the_end(void **state)
{
    struct fixture *f = *state;
    fill(f->registry);
    int fd = begin_scrape(f);
    int64_t start_ns = hx_clock_monotonic_ns();
    hx_web_stop(f->web, 200 * HX_NS_PER_MS);
    assert_true(hx_clock_monotonic_ns() - start_ns < 2 * HX_NS_PER_S);
    hx_web_stop(f->web, 0);
    close(fd);
}

/* ---- threads ---- */

struct writer {
    struct fixture *fixture;
    _Atomic bool is_over;
};

static void *publish(void *data)
{
    struct writer *writer = data;
    static const char *const names[] = {"database", "cache", NULL};
    struct web_board *b = &writer->fixture->b;
    for (int64_t i = 0; !atomic_load(&writer->is_over); i++) {
        struct hx_status status = i % 3 == 0 ? web_board_status(HX_STATE_DOWN, HX_REASON_REFUSED, i)
                                             : web_board_status(HX_STATE_UP, HX_REASON_NONE, i);
        web_board_publish(b, i % 2 == 0 ? "database" : "cache", &status, i % 3 != 1);
        atomic_store(&b->board.heartbeat_ns, hx_clock_monotonic_ns());
        if (i % 1000 == 999)
            web_board_set(b, names, NULL);
    }
    return NULL;
}

static void *read_all_routes(void *data)
{
    struct fixture *f = data;
    static const char *const paths[] = {"/readyz", "/health/cache", "/startupz", "/metrics", "/"};
    for (int i = 0; i < 40; i++) {
        struct web_reply reply;
        web_get(f->port, "GET", paths[i % 5], &reply);
        bool is_good = reply.status == 200 || reply.status == 503;
        web_reply_fini(&reply);
        if (!is_good)
            return data;
    }
    return NULL;
}

static void readers_and_the_writer_do_not_disturb_each_other(void **state)
{
    struct fixture *f = *state;
    struct writer writer = {.fixture = f};
    pthread_t writing, reading[3];
    assert_int_equal(pthread_create(&writing, NULL, publish, &writer), 0);
    for (int i = 0; i < 3; i++)
        assert_int_equal(pthread_create(&reading[i], NULL, read_all_routes, f), 0);
    for (int i = 0; i < 3; i++) {
        void *failure;
        pthread_join(reading[i], &failure);
        assert_null(failure);
    }
    atomic_store(&writer.is_over, true);
    pthread_join(writing, NULL);
}

/* ---- starting ---- */

static void telemetry_path_that_is_taken_is_refused(void **state)
{
    struct fixture *f = *state;
    struct hx_web_options options = options_of(f);
    struct hx_error err;
    options.telemetry_path = "/livez";
    assert_int_equal(hx_web_new(&options, &f->web, &err), HX_ERR_INVALID);
    assert_non_null(strstr(err.message, "\"/livez\""));
    assert_null(f->web);
}

static void metrics_move_with_the_telemetry_path(void **state)
{
    struct fixture *f = *state;
    struct hx_web_options options = options_of(f);
    struct web_reply reply;
    options.telemetry_path = "/internal/metrics";
    options.service_name = options.service_version = options.service_commit = NULL;
    start(f, &options);
    expect(f, "/metrics", 404, JSON, "{\"error\":\"no such path\"}");
    web_get(f->port, "GET", "/internal/metrics", &reply);
    assert_int_equal(reply.status, 200);
    web_reply_fini(&reply);
    expect(f, "/version", 200, JSON,
           "{\"exporter\":{\"version\":\"1.2.3\",\"revision\":\"abcdef\"}}");
}

static void nothing_is_answered_before_the_start(void **state)
{
    struct fixture *f = *state;
    struct hx_web_options options = options_of(f);
    assert_int_equal(hx_web_new(&options, &f->web, NULL), HX_OK);
    assert_int_equal(hx_web_listen(f->web, "127.0.0.1:0", NULL), HX_OK);
    int fd = web_connect(hx_web_port(f->web, 0));
    assert_true(fd >= 0);
    assert_true(web_send_text(fd, "GET /livez HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n"));
    struct pollfd poller = {.fd = fd, .events = POLLIN};
    assert_int_equal(poll(&poller, 1, 50), 0);
    assert_int_equal(hx_web_start(f->web, NULL), HX_OK);
    struct web_reply reply;
    web_read_all(fd, &reply);
    assert_int_equal(reply.status, 200);
    web_reply_fini(&reply);
    close(fd);
}

static void address_in_use_is_said_and_leaves_the_server_whole(void **state)
{
    struct fixture *f = *state;
    struct hx_web_options options = options_of(f);
    struct hx_error err;
    char address[32];
    start(f, &options);
    struct hx_web *other = NULL;
    assert_int_equal(hx_web_new(&options, &other, NULL), HX_OK);
    snprintf(address, sizeof(address), "127.0.0.1:%u", f->port);
    assert_int_equal(hx_web_listen(other, address, &err), HX_ERR_EXISTS);
    assert_non_null(strstr(err.message, "address already in use"));
    assert_int_equal(hx_web_port(other, 0), 0);
    hx_web_free(other);
}

static void out_of_memory_is_reported_and_leaks_nothing(void **state)
{
    struct fixture *f = *state;
    struct hx_web_options options = options_of(f);
    struct hx_error err;
    bool is_failing = true;
    for (size_t n = 1; is_failing; n++) {
        struct hx_web *web = NULL;
        failing_alloc_at(n);
        enum hx_errcode code = hx_web_new(&options, &web, &err);
        if (code == HX_OK)
            code = hx_web_listen(web, "127.0.0.1:0", &err);
        if (code == HX_OK)
            code = hx_web_start(web, &err);
        is_failing = failing_alloc_was_reached();
        assert_int_equal(code, is_failing ? HX_ERR_NOMEM : HX_OK);
        hx_web_free(web);
    }
}

int main(void)
{
#define SERVED(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
#define ALONE(test)  cmocka_unit_test_setup_teardown(test, set_up_board, tear_down)
    const struct CMUnitTest tests[] = {
        SERVED(every_route_answers_under_all_its_names),
        SERVED(query_is_ignored),
        SERVED(every_reply_forbids_caching_and_sniffing),
        SERVED(head_is_get_without_the_body),
        SERVED(unknown_paths_and_names_are_404),
        SERVED(other_methods_are_405_with_allow),
        SERVED(change_of_a_state_shows_at_once),
        SERVED(result_without_a_change_shows_soon),
        SERVED(prepared_body_does_not_outlive_the_result),
        SERVED(reload_shows_the_new_dependencies),
        SERVED(stalled_engine_is_not_live),
        SERVED(landing_page_names_the_dependencies),
        SERVED(connection_is_kept_for_more_requests),
        SERVED(pipelined_requests_are_answered_in_order),
        SERVED(request_may_come_byte_by_byte),
        SERVED(http_1_0_is_answered_and_closed),
        SERVED(unix_socket_answers),
        SERVED(draining_closes_every_connection_after_its_reply),
        SERVED(malformed_requests_are_refused_and_closed),
        SERVED(haproxys_check_is_answered),
        SERVED(too_long_requests_are_refused),
        SERVED(slow_drip_cannot_extend_the_deadline),
        SERVED(silent_and_idle_connections_are_closed),
        SERVED(body_that_does_not_come_is_cut_by_the_same_deadline),
        SERVED(one_peer_cannot_take_all_places),
        SERVED(heartbeat_reaches_the_engine),
        SERVED(engines_refusal_has_its_code),
        SERVED(bad_reports_never_reach_the_engine),
        SERVED(long_message_is_cut_between_characters),
        SERVED(connection_is_closed_after_a_body),
        SERVED(metrics_come_in_the_format_that_is_asked_for),
        SERVED(requests_are_counted_from_zero),
        SERVED(too_many_scrapes_at_once_are_refused),
        SERVED(reply_under_way_is_completed_at_the_end),
        SERVED(client_that_reads_nothing_cannot_hold_up_the_end),
        SERVED(readers_and_the_writer_do_not_disturb_each_other),
        ALONE(telemetry_path_that_is_taken_is_refused),
        ALONE(metrics_move_with_the_telemetry_path),
        ALONE(nothing_is_answered_before_the_start),
        ALONE(address_in_use_is_said_and_leaves_the_server_whole),
        ALONE(out_of_memory_is_reported_and_leaks_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

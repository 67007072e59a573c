/* SPDX-License-Identifier: Apache-2.0 */
/* What the server makes of connections and of bytes that are no good request. */
#include "web_server.h"

#include <sys/resource.h>
#include <time.h>

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

static void client_that_closed_its_half_is_answered(void **state)
{
    struct fixture *f = *state;
    struct web_reply reply;
    int fd = web_connect(f->port);
    assert_true(web_send_text(fd, "GET /livez HTTP/1.1\r\nHost: t\r\n\r\n"));
    assert_int_equal(shutdown(fd, SHUT_WR), 0);
    web_read_all(fd, &reply);
    assert_int_equal(reply.status, 200);
    assert_true(reply.is_closed);
    web_reply_fini(&reply);
    close(fd);
}

static void client_that_leaves_in_the_middle_costs_nothing(void **state)
{
    struct fixture *f = *state;
    struct linger reset = {.l_onoff = 1};
    fill(f->registry);
    for (int i = 0; i < 50; i++) {
        int fd = web_connect(f->port);
        char part[100];
        assert_true(
            web_send_text(fd, i % 2 == 0 ? "GET /metrics HTTP/1.1\r\nHost: t\r\n\r\n" : "GET /li"));
        if (i % 4 == 0)
            assert_true(recv(fd, part, sizeof(part), 0) > 0);
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
        close(fd);
    }
    expect(f, "/livez", 200, JSON, "{\"status\":\"up\"}");
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

static void missing_host_is_told_once(void **state)
{
    struct web_reply reply;
    web_ask(((struct fixture *)*state)->port, "GET /livez HTTP/1.1\r\n\r\n", &reply);
    assert_int_equal(reply.status, 400);
    assert_string_equal(reply.body, "{\"error\":\"HTTP/1.1 needs Host\"}");
    web_reply_fini(&reply);
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
    static char request[60000];
    struct web_reply reply;
    int n = snprintf(request, sizeof(request), "GET /%0*d HTTP/1.1\r\nHost: t\r\n\r\n", 40000, 0);
    assert_true(n > 0);
    web_ask(f->port, request, &reply);
    assert_int_equal(reply.status, 414);
    web_reply_fini(&reply);
    snprintf(request, sizeof(request), "GET /livez HTTP/1.1\r\nHost: t\r\nA: %0*d\r\n\r\n", 40000,
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

/* Waits until the server closes the connection, and sends it a byte now and then (0: none), which
 * would put that off for ever if it could. */
static void wait_for_close(int fd, char drip)
{
    int64_t start_ns = hx_clock_monotonic_ns();
    struct pollfd poller = {.fd = fd, .events = POLLIN};
    char c;
    for (;;) {
        assert_true(hx_clock_monotonic_ns() - start_ns < 4 * WEB_CLIENT_WAIT_NS);
        if ((poll(&poller, 1, 20) > 0 && recv(fd, &c, 1, 0) <= 0) ||
            (drip != 0 && !web_send(fd, &drip, 1)))
            return;
    }
}

static void slow_drip_cannot_extend_the_deadline(void **state)
{
    struct fixture *f = *state;
    int64_t start_ns = hx_clock_monotonic_ns();
    int fd = web_connect(f->port);
    assert_true(web_send_text(fd, "GET /livez HTTP/1.1\r\nHost: t\r\nX: "));
    wait_for_close(fd, 'a');
    assert_true(hx_clock_monotonic_ns() - start_ns >= HEAD_DEADLINE_NS);
    close(fd);
    expect(f, "/livez", 200, JSON, "{\"status\":\"up\"}");
}

static void silent_and_idle_connections_are_closed(void **state)
{
    struct fixture *f = *state;
    int fd = web_connect(f->port);
    wait_for_close(fd, 0);
    close(fd);
    struct web_reply reply;
    fd = web_connect(f->port);
    assert_true(web_send_text(fd, "GET /livez HTTP/1.1\r\nHost: t\r\n\r\n"));
    web_read_one(fd, &reply);
    assert_int_equal(reply.status, 200);
    web_reply_fini(&reply);
    wait_for_close(fd, 0);
    close(fd);
}

static void body_that_does_not_come_is_cut_by_the_same_deadline(void **state)
{
    struct fixture *f = *state;
    int fd = web_connect(f->port);
    assert_true(web_send_text(
        fd, "PUT /-/heartbeat/m HTTP/1.1\r\nHost: t\r\nContent-Length: 4000\r\n\r\n{"));
    wait_for_close(fd, ' ');
    assert_int_equal(f->n_reports, 0);
    close(fd);
}

static void no_descriptor_left_is_survived_without_spinning(void **state)
{
    struct fixture *f = *state;
    struct rlimit before, none;
    struct timespec start, end;
    struct web_reply reply;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int next = dup(fd);
    assert_true(next >= 0);
    close(next);
    getrlimit(RLIMIT_NOFILE, &before);
    none = before;
    none.rlim_cur = (rlim_t)next;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons(f->port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &start);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_true(web_send_text(fd, "GET /livez HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n"));
    struct pollfd poller = {.fd = fd, .events = POLLIN};
    assert_int_equal(poll(&poller, 1, 350), 0);
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &end);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    web_read_all(fd, &reply);
    assert_int_equal(reply.status, 200);
    web_reply_fini(&reply);
    close(fd);
    int64_t cpu_ns = (end.tv_sec - start.tv_sec) * HX_NS_PER_S + end.tv_nsec - start.tv_nsec;
    assert_true(cpu_ns < 100 * HX_NS_PER_MS);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        SERVED(connection_is_kept_for_more_requests),
        SERVED(pipelined_requests_are_answered_in_order),
        SERVED(request_may_come_byte_by_byte),
        HURRIED(client_that_closed_its_half_is_answered),
        SERVED(client_that_leaves_in_the_middle_costs_nothing),
        SERVED(http_1_0_is_answered_and_closed),
        SERVED(unix_socket_answers),
        SERVED(draining_closes_every_connection_after_its_reply),
        SERVED(malformed_requests_are_refused_and_closed),
        SERVED(missing_host_is_told_once),
        SERVED(haproxys_check_is_answered),
        SERVED(too_long_requests_are_refused),
        HURRIED(slow_drip_cannot_extend_the_deadline),
        HURRIED(silent_and_idle_connections_are_closed),
        HURRIED(body_that_does_not_come_is_cut_by_the_same_deadline),
        SERVED(no_descriptor_left_is_survived_without_spinning),
        SERVED(one_peer_cannot_take_all_places),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

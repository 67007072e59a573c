/* SPDX-License-Identifier: Apache-2.0 */
/* What the server answers on each of its routes. */
#include "web_server.h"

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
    expect(*state, "/health/reco", 200, JSON,
           "{\"name\":\"reco\",\"status\":\"up\",\"latency_ms\":0.8}");
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
    static const char *const paths[] = {
        "/badge.svg", "/page/style.css", "/page/script.js", "/health/cache/badge.svg", "/livez",
        "/readyz",    "/startupz",       "/version",        "/health/cache",           "/-/healthy",
        "/-/ready",   "/nothing",        "/health/none"};
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
    int64_t until_ns = hx_clock_monotonic_ns() + WEB_CLIENT_WAIT_NS;
    struct web_reply reply;
    do {
        web_get(f->port, "GET", "/health/cache", &reply);
        bool is_fresh = strcmp(reply.body, fresh) == 0;
        web_reply_fini(&reply);
        if (is_fresh)
            return;
    } while (hx_clock_monotonic_ns() < until_ns);
    fail_msg("the new latency did not show");
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
        int64_t asked_ns = hx_clock_monotonic_ns();
        web_get(f->port, "GET", "/readyz", &reply);
        code = reply.status;
        web_reply_fini(&reply);
        assert_true(code == 503 || asked_ns <= status.fresh_until_ns);
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

static void status_page_names_the_dependencies(void **state)
{
    struct fixture *f = *state;
    struct web_reply reply;
    web_get(f->port, "GET", "/", &reply);
    assert_int_equal(reply.status, 200);
    assert_true(web_header_is(&reply, "Content-Type", "text/html; charset=utf-8"));
    assert_non_null(strstr(reply.body, "checkout is <strong>up</strong>"));
    assert_non_null(strstr(reply.body, "<a href=\"metrics\">Metrics</a>"));
    assert_non_null(strstr(reply.body, "<a href=\"health/cache\">cache</a>"));
    web_reply_fini(&reply);
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

static void body_may_wait_for_permission(void **state)
{
    struct fixture *f = *state;
    struct web_reply reply;
    char permission[25];
    int fd = web_connect(f->port);
    assert_true(web_send_text(fd, "PUT /-/heartbeat/model HTTP/1.1\r\nHost: t\r\n"
                                  "Expect: 100-continue\r\nContent-Length: 17\r\n\r\n"));
    assert_int_equal(recv(fd, permission, sizeof(permission), MSG_WAITALL), 25);
    assert_memory_equal(permission, "HTTP/1.1 100 Continue\r\n\r\n", 25);
    assert_true(web_send_text(fd, "{\"status\":\"fail\"}"));
    web_read_all(fd, &reply);
    assert_int_equal(reply.status, 204);
    assert_false(f->report.is_pass);
    web_reply_fini(&reply);
    close(fd);
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
    char request[1100];
    snprintf(request, sizeof(request), "GET /livez?%0*d HTTP/1.1\r\nHost: t\r\n\r\n", 1025, 0);
    web_ask(f->port, request, &reply);
    assert_int_equal(reply.status, 414);
    web_reply_fini(&reply);
    web_get(f->port, "GET", "/metrics", &reply);
    assert_true(web_reply_dechunk(&reply));
#define COUNT(route, code) \
    "health_exporter_http_requests_total{code=\"" code "\",route=\"" route "\"}"
    assert_non_null(strstr(reply.body, COUNT("/livez", "200") " 1\n"));
    assert_non_null(strstr(reply.body, COUNT("/livez", "503") " 0\n"));
    assert_non_null(strstr(reply.body, COUNT("other", "404") " 1\n"));
    assert_non_null(strstr(reply.body, COUNT("other", "400") " 1\n"));
    assert_non_null(strstr(reply.body, COUNT("other", "414") " 1\n"));
    assert_null(strstr(reply.body, COUNT("/livez", "414")));
    assert_non_null(strstr(reply.body, COUNT("/health/{name}", "404") " 0\n"));
    assert_non_null(strstr(reply.body, COUNT("/-/heartbeat/{name}", "204") " 0\n"));
#undef COUNT
    web_reply_fini(&reply);
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
    close_all(fds, 8);
    expect_soon(f, "/metrics", 200);
}

/* Takes a part of the page only: the window is set before the connection is made. */
static int begin_slow_scrape(uint16_t port)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int small = 1;
    char first[9];
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_true(web_send_text(fd, "GET /metrics HTTP/1.1\r\nHost: t\r\n\r\n"));
    assert_int_equal(recv(fd, first, 8, MSG_WAITALL), 8);
    return fd;
}

/* Makes the page larger than what the kernel takes for a connection (net.ipv4.tcp_wmem). */
static void fill_more(struct hx_registry *registry)
{
    static char value[2049];
    memset(value, 'x', sizeof(value) - 1);
    for (int i = 0; i < 4000; i++) {
        int len = snprintf(value, 16, "%d-", i);
        value[len] = 'x';
        const char *labels[] = {"n", value, NULL};
        assert_non_null(hx_registry_counter(registry, "filler_total", "Filler.", labels, NULL));
    }
}

static void one_address_has_half_of_the_scrapes(void **state)
{
    struct fixture *f = *state;
    int fds[4];
    struct web_reply reply;
    fill_more(f->registry);
    for (int i = 0; i < 4; i++)
        fds[i] = begin_slow_scrape(f->port);
    web_get(f->port, "GET", "/metrics", &reply);
    assert_int_equal(reply.status, 503);
    web_reply_fini(&reply);
    int fd = begin_scrape(f); /* over the unix socket */
    web_read_all(fd, &reply);
    assert_true(reply.len > 0);
    web_reply_fini(&reply);
    close(fd);
    close_all(fds, 4);
}

int main(void)
{
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
        SERVED(status_page_names_the_dependencies),
        SERVED(heartbeat_reaches_the_engine),
        SERVED(body_may_wait_for_permission),
        SERVED(engines_refusal_has_its_code),
        SERVED(bad_reports_never_reach_the_engine),
        SERVED(long_message_is_cut_between_characters),
        SERVED(connection_is_closed_after_a_body),
        SERVED(metrics_come_in_the_format_that_is_asked_for),
        SERVED(requests_are_counted_from_zero),
        SERVED(too_many_scrapes_at_once_are_refused),
        SERVED(one_address_has_half_of_the_scrapes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

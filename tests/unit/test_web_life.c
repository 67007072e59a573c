/* SPDX-License-Identifier: Apache-2.0 */
/* link: -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=strdup */
/* The beginning and the end of the server, and readers beside a writer. */
#include "failing_alloc.h"
#include "web_server.h"

/* ---- the end ---- */

static void *stop(void *data)
{
    hx_web_stop(data, 2 * WEB_CLIENT_WAIT_NS);
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
    assert_int_equal(pthread_create(&stopper, NULL, stop, f->web), 0);
    web_read_all(idle, &reply); /* an idle connection does not hold it up */
    bool is_idle_closed = reply.is_closed;
    web_reply_fini(&reply);
    int late = web_connect(f->port);
    int64_t until_ns = hx_clock_monotonic_ns() + WEB_CLIENT_WAIT_NS;
    reply = (struct web_reply){0};
    while (web_read_more(fd, &reply, until_ns))
        ;
    pthread_join(stopper, NULL);
    assert_true(is_idle_closed);
    assert_int_equal(late, -1);
    assert_true(reply.is_closed); /* nor one that is idle now */
    assert_memory_equal(reply.text + reply.len - 5, "0\r\n\r\n", 5);
    web_reply_fini(&reply);
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
    assert_true(hx_clock_monotonic_ns() - start_ns < 20 * HX_NS_PER_S);
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
    start(f, &options);
    expect(f, "/metrics", 404, JSON, "{\"error\":\"no such path\"}");
    web_get(f->port, "GET", "/internal/metrics", &reply);
    assert_int_equal(reply.status, 200);
    web_reply_fini(&reply);
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
    const struct CMUnitTest tests[] = {
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

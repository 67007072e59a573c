/* SPDX-License-Identifier: Apache-2.0 */
/* A server over a hand-made board, on a free port of loopback and on a unix socket. */
#ifndef WEB_SERVER_H
#define WEB_SERVER_H

#include "web/web.h"

#include "web_board.h"
#include "web_client.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

/* Of tests that wait for its end; all others have the real one, which no busy machine outlasts. */
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
    enum hx_sending held; /* what all clients are made to look like by a report */
    enum hx_errcode reload_code;
    hx_reload_done reload_done; /* written before n_reloads */
    void *reload_data;
    _Atomic unsigned n_reloads;
    struct hx_maintenance maintenance;
    unsigned n_maintenances;
};

static inline enum hx_errcode take_report(void *data, const char *name,
                                          const struct hx_report *report, struct hx_error *err)
{
    struct fixture *f = data;
    f->report = *report;
    f->n_reports++;
    for (struct hx_client *c = f->held == 0 ? NULL : f->web->guard.first; c != NULL; c = c->next)
        c->sending = f->held;
    snprintf(f->report_name, sizeof(f->report_name), "%s", name);
    return f->report_code == HX_OK ? HX_OK : hx_error_set(err, f->report_code, "as the test says");
}

static inline enum hx_errcode take_reload(void *data, hx_reload_done done, void *done_data,
                                          struct hx_error *err)
{
    struct fixture *f = data;
    if (f->reload_code != HX_OK)
        return hx_error_set(err, f->reload_code, "as the test says");
    f->reload_done = done;
    f->reload_data = done_data;
    atomic_fetch_add(&f->n_reloads, 1);
    return HX_OK;
}

static inline void take_maintenance(void *data, const struct hx_maintenance *maintenance)
{
    struct fixture *f = data;
    f->maintenance = *maintenance;
    f->n_maintenances++;
    hx_board_set_maintenance(&f->b.board, HX_MAINTENANCE_MANUAL, maintenance);
}

static inline struct hx_web_options options_of(struct fixture *f)
{
    return (struct hx_web_options){.board = &f->b.board,
                                   .registry = f->registry,
                                   .actions = {.data = f,
                                               .report = take_report,
                                               .reload = take_reload,
                                               .maintain = take_maintenance},
                                   .telemetry_path = "/metrics",
                                   .max_connections = 256,
                                   .max_connections_per_ip = MAX_PER_PEER,
                                   .header_deadline_ns = 10 * HX_NS_PER_S};
}

static inline void start(struct fixture *f, const struct hx_web_options *options)
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

static inline int set_up_board(void **state)
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

/* With the routes that change the exporter itself. */
static inline int set_up_lifecycle(void **state)
{
    set_up_board(state);
    struct hx_web_options options = options_of(*state);
    options.is_lifecycle_enabled = true;
    start(*state, &options);
    return 0;
}

static inline int set_up_hurried(void **state)
{
    set_up_board(state);
    struct hx_web_options options = options_of(*state);
    options.header_deadline_ns = HEAD_DEADLINE_NS;
    options.is_lifecycle_enabled = true;
    start(*state, &options);
    return 0;
}

static inline int set_up(void **state)
{
    set_up_board(state);
    struct hx_web_options options = options_of(*state);
    start(*state, &options);
    return 0;
}

static inline int tear_down(void **state)
{
    struct fixture *f = *state;
    hx_web_free(f->web);
    web_board_fini(&f->b);
    hx_registry_free(f->registry);
    free(f);
    return 0;
}

#define JSON "application/json"
#define TEXT "text/plain; charset=utf-8"

static inline void expect(struct fixture *f, const char *path, int status, const char *type,
                          const char *body)
{
    struct web_reply reply;
    web_get(f->port, "GET", path, &reply);
    assert_int_equal(reply.status, status);
    assert_string_equal(reply.body, body);
    assert_true(web_header_is(&reply, "Content-Type", type));
    web_reply_fini(&reply);
}

static inline unsigned count(const char *text, const char *part)
{
    unsigned n = 0;
    for (const char *c = strstr(text, part); c != NULL; c = strstr(c + 1, part))
        n++;
    return n;
}

/* Makes the page larger than a unix socket takes at once. */
static inline void fill(struct hx_registry *registry)
{
    for (int i = 0; i < 8000; i++) {
        char number[64];
        snprintf(number, sizeof(number), "%060d", i);
        const char *labels[] = {"n", number, NULL};
        assert_non_null(hx_registry_counter(registry, "filler_total", "Filler.", labels, NULL));
    }
}

static inline int begin_scrape(struct fixture *f)
{
    int fd = web_connect_unix(f->path);
    char first[9];
    assert_true(fd >= 0);
    assert_true(web_send_text(fd, "GET /metrics HTTP/1.1\r\nHost: t\r\n\r\n"));
    assert_int_equal(recv(fd, first, 8, MSG_WAITALL), 8);
    assert_memory_equal(first, "HTTP/1.1", 8);
    return fd;
}

/* Opens connections to the server that look as if each were being sent such a reply: the thread
 * whose the table is notes it. */
static inline void hold_places(struct fixture *f, int *fds, size_t n, enum hx_sending sending)
{
    struct web_reply reply;
    for (size_t i = 0; i < n; i++)
        fds[i] = web_connect(f->port);
    f->held = sending;
    web_get(f->port, "PUT", "/-/heartbeat/hold", &reply); /* accepted after them */
    assert_int_equal(reply.status, 204);
    web_reply_fini(&reply);
    f->held = HX_SENDING_LITTLE;
}

static inline void close_all(const int *fds, size_t n)
{
    for (size_t i = 0; i < n; i++)
        close(fds[i]);
}

/* Waits until that is answered with another status than 503. */
static inline void expect_soon(struct fixture *f, const char *path, int status)
{
    int64_t until_ns = hx_clock_monotonic_ns() + WEB_CLIENT_WAIT_NS;
    struct web_reply reply = {.status = 503};
    while (reply.status == 503 && hx_clock_monotonic_ns() < until_ns) {
        web_get(f->port, "GET", path, &reply);
        free(reply.text);
    }
    assert_int_equal(reply.status, status);
}

#define SERVED(test)  cmocka_unit_test_setup_teardown(test, set_up, tear_down)
#define HURRIED(test) cmocka_unit_test_setup_teardown(test, set_up_hurried, tear_down)
#define ALONE(test)   cmocka_unit_test_setup_teardown(test, set_up_board, tear_down)

#endif

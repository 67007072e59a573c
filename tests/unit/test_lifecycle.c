/* SPDX-License-Identifier: Apache-2.0 */
/* Reload and maintenance over HTTP, and replies that come later in general: who waits, who is gone,
 * who stops first. */
#include "web/lifecycle.h"

#include "web_server.h"

#define OPERATED(test) cmocka_unit_test_setup_teardown(test, set_up_lifecycle, tear_down)

static const struct hx_reload nothing_new = {.is_successful = true, .n_unchanged = 12};

static void send_method(int fd, const char *method, const char *path, const char *body)
{
    char request[6000];
    snprintf(request, sizeof(request), "%s %s HTTP/1.1\r\nHost: t\r\nContent-Length: %zu\r\n\r\n%s",
             method, path, strlen(body), body);
    assert_true(web_send_text(fd, request));
}

static int ask(struct fixture *f, const char *method, const char *path, const char *body,
               struct web_reply *reply)
{
    int fd = web_connect(f->port);
    send_method(fd, method, path, body);
    web_read_one(fd, reply);
    close(fd);
    return reply->status;
}

static void wait_for_reloads(struct fixture *f, unsigned n)
{
    int64_t until_ns = hx_clock_monotonic_ns() + WEB_CLIENT_WAIT_NS;
    while (atomic_load(&f->n_reloads) < n && hx_clock_monotonic_ns() < until_ns)
        usleep(500);
    assert_int_equal(atomic_load(&f->n_reloads), n);
}

/* ---- reload ---- */

static void reload_is_answered_when_it_is_done(void **state)
{
    struct fixture *f = *state;
    struct web_reply reply;
    char first[] = "x", second[] = "y\"z", old[] = "old";
    char *added[] = {first, second};
    char *removed[] = {old};
    struct hx_reload reload = {
        .is_successful = true, .added = {added, 2}, .removed = {removed, 1}, .n_unchanged = 12};
    int fd = web_connect(f->port);
    send_method(fd, "POST", "/-/reload", "");
    wait_for_reloads(f, 1);
    expect(f, "/livez", 200, JSON, "{\"status\":\"up\"}"); /* nobody else waits for it */
    f->reload_done(f->reload_data, &reload);
    web_read_one(fd, &reply);
    assert_int_equal(reply.status, 200);
    assert_true(web_header_is(&reply, "Content-Type", JSON));
    assert_string_equal(reply.body, "{\"status\":\"reloaded\",\"added\":[\"x\",\"y\\\"z\"],"
                                    "\"changed\":[],\"removed\":[\"old\"],\"unchanged\":12}");
    web_reply_fini(&reply);
    assert_true(web_send_text(fd, "GET /livez HTTP/1.1\r\nHost: t\r\n\r\n"));
    web_read_one(fd, &reply);
    assert_int_equal(reply.status, 200); /* the connection goes on */
    web_reply_fini(&reply);
    close(fd);
}

static void failed_reload_shows_its_errors(void **state)
{
    struct fixture *f = *state;
    struct web_reply reply;
    char file[] = "checks.yml";
    char unknown[] = "unknown option \"intervall\" (did you mean \"interval\"?)";
    char memory[] = "out of memory";
    struct hx_reload_error errors[] = {{file, 12, 5, unknown}, {NULL, 0, 0, memory}};
    struct hx_reload reload = {.errors = errors, .n_errors = 2};
    int fd = web_connect(f->port);
    send_method(fd, "PUT", "/-/reload", "");
    wait_for_reloads(f, 1);
    f->reload_done(f->reload_data, &reload);
    web_read_one(fd, &reply);
    assert_int_equal(reply.status, 500);
    assert_string_equal(
        reply.body,
        "{\"error\":\"configuration not reloaded\",\"errors\":[{\"file\":\"checks.yml\","
        "\"line\":12,\"column\":5,\"message\":\"unknown option \\\"intervall\\\" (did you mean "
        "\\\"interval\\\"?)\"},{\"file\":null,\"line\":0,\"column\":0,\"message\":\"out of "
        "memory\"}]}");
    web_reply_fini(&reply);
    close(fd);
}

static void reload_that_cannot_begin_is_answered_at_once(void **state)
{
    struct fixture *f = *state;
    struct web_reply reply;
    f->reload_code = HX_ERR_BUSY;
    assert_int_equal(ask(f, "POST", "/-/reload", "", &reply), 503);
    assert_true(web_header_is(&reply, "Retry-After", "1"));
    web_reply_fini(&reply);
}

static void reload_takes_no_body(void **state)
{
    struct fixture *f = *state;
    struct web_reply reply;
    assert_int_equal(ask(f, "POST", "/-/reload", "{}", &reply), 400);
    assert_string_equal(reply.body, "{\"error\":\"this request takes no body\"}");
    web_reply_fini(&reply);
    assert_int_equal(atomic_load(&f->n_reloads), 0);
}

static void lifecycle_is_off_unless_it_is_enabled(void **state)
{
    struct fixture *f = *state;
    static const char *const requests[][2] = {{"POST", "/-/reload"},
                                              {"PUT", "/-/reload"},
                                              {"POST", "/-/maintenance"},
                                              {"DELETE", "/-/maintenance"}};
    for (size_t i = 0; i < 4; i++) {
        struct web_reply reply;
        assert_int_equal(ask(f, requests[i][0], requests[i][1], "", &reply), 403);
        assert_string_equal(reply.body, "{\"error\":\"the lifecycle API is not enabled "
                                        "(--web.enable-lifecycle)\"}");
        web_reply_fini(&reply);
    }
    assert_int_equal(atomic_load(&f->n_reloads), 0);
    assert_int_equal(f->n_maintenances, 0);
}

static void page_in_a_browser_cannot_begin_maintenance(void **state)
{
    struct fixture *f = *state;
    struct web_reply reply;
    web_ask(f->port,
            "POST /-/maintenance HTTP/1.1\r\nHost: t\r\nContent-Length: 0\r\n"
            "Content-Type: application/x-www-form-urlencoded\r\n"
            "Origin: http://other.example\r\n\r\n",
            &reply);
    assert_int_equal(reply.status, 403);
    assert_int_equal(f->n_maintenances, 0);
    web_reply_fini(&reply);
}

static void reading_the_writing_routes_is_refused(void **state)
{
    struct fixture *f = *state;
    struct web_reply reply;
    assert_int_equal(ask(f, "GET", "/-/reload", "", &reply), 405);
    assert_true(web_header_is(&reply, "Allow", "POST, PUT"));
    web_reply_fini(&reply);
    assert_int_equal(ask(f, "GET", "/-/maintenance", "", &reply), 405);
    assert_true(web_header_is(&reply, "Allow", "POST, DELETE"));
    web_reply_fini(&reply);
}

/* ---- who waits ---- */

static void client_may_leave_before_its_reply_comes(void **state)
{
    struct fixture *f = *state;
    for (unsigned i = 1; i <= 3; i++) {
        int fd = web_connect(f->port);
        send_method(fd, "POST", "/-/reload", "");
        wait_for_reloads(f, i);
        close(fd);
        f->reload_done(f->reload_data, &nothing_new);
    }
    expect(f, "/livez", 200, JSON, "{\"status\":\"up\"}");
}

static void reply_may_take_longer_than_a_head(void **state)
{
    struct fixture *f = *state;
    struct web_reply reply;
    int fd = web_connect(f->port);
    send_method(fd, "POST", "/-/reload", "");
    wait_for_reloads(f, 1);
    /* Longer than a head may take: waiting is not the client's fault. */
    struct pollfd poller = {.fd = fd, .events = POLLIN};
    assert_int_equal(poll(&poller, 1, (int)(2 * HEAD_DEADLINE_NS / HX_NS_PER_MS)), 0);
    f->reload_done(f->reload_data, &nothing_new);
    web_read_one(fd, &reply);
    assert_int_equal(reply.status, 200);
    web_reply_fini(&reply);
    close(fd);
}

static void *stop(void *data)
{
    hx_web_stop(data, WEB_CLIENT_WAIT_NS);
    return NULL;
}

static void stop_waits_for_a_reply_that_comes_in_time(void **state)
{
    struct fixture *f = *state;
    struct web_reply reply;
    pthread_t stopper;
    int fd = web_connect(f->port);
    send_method(fd, "POST", "/-/reload", "");
    wait_for_reloads(f, 1);
    assert_int_equal(pthread_create(&stopper, NULL, stop, f->web), 0);
    int other = web_connect(f->port);
    while (other >= 0) { /* until it stops */
        close(other);
        other = web_connect(f->port);
    }
    f->reload_done(f->reload_data, &nothing_new);
    web_read_all(fd, &reply);
    assert_int_equal(reply.status, 200);
    assert_true(web_header_is(&reply, "Connection", "close"));
    web_reply_fini(&reply);
    pthread_join(stopper, NULL);
    close(fd);
}

static void stop_does_not_wait_for_ever(void **state)
{
    struct fixture *f = *state;
    struct web_reply reply;
    int fd = web_connect(f->port);
    send_method(fd, "POST", "/-/reload", "");
    wait_for_reloads(f, 1);
    hx_web_stop(f->web, 50 * HX_NS_PER_MS);
    web_read_all(fd, &reply);
    assert_true(reply.is_closed);
    assert_int_equal(reply.len, 0);
    web_reply_fini(&reply);
    close(fd);
    f->reload_done(f->reload_data, &nothing_new); /* into the void, without a leak */
}

static void *finish(void *data)
{
    struct fixture *f = data;
    f->reload_done(f->reload_data, &nothing_new);
    return NULL;
}

static void stop_and_the_answer_may_come_together(void **state)
{
    struct fixture *f = *state;
    struct hx_web_options options = options_of(f);
    options.is_lifecycle_enabled = true;
    for (unsigned i = 1; i <= 20; i++) {
        pthread_t finisher;
        hx_web_free(f->web);
        start(f, &options);
        int fd = web_connect(f->port);
        send_method(fd, "POST", "/-/reload", "");
        wait_for_reloads(f, i);
        assert_int_equal(pthread_create(&finisher, NULL, finish, f), 0);
        hx_web_stop(f->web, 0);
        pthread_join(finisher, NULL);
        close(fd);
        hx_web_free(f->web);
        f->web = NULL;
        hx_registry_free(f->registry);
        f->registry = hx_registry_new();
        options.registry = f->registry;
    }
}

/* ---- maintenance ---- */

static void maintenance_begins_and_ends(void **state)
{
    struct fixture *f = *state;
    struct web_reply reply;
    int64_t before_ns = hx_clock_monotonic_ns();
    assert_int_equal(ask(f, "POST", "/-/maintenance",
                         "{\"duration\":\"30m\",\"reason\":\"upgrade \xC3\xA9\"}", &reply),
                     200);
    char until[HX_RFC3339_SIZE], body[120];
    snprintf(body, sizeof(body), "{\"status\":\"maintenance\",\"until\":\"%s\"}",
             hx_clock_rfc3339(f->maintenance.until_wall_ns, until));
    assert_string_equal(reply.body, body);
    web_reply_fini(&reply);
    assert_true(f->maintenance.is_on);
    assert_string_equal(f->maintenance.reason, "upgrade \xC3\xA9");
    assert_true(f->maintenance.until_ns - before_ns >= 1800 * HX_NS_PER_S);
    assert_true(f->maintenance.until_ns - before_ns < 1810 * HX_NS_PER_S);
    assert_int_equal(ask(f, "DELETE", "/-/maintenance", "", &reply), 200);
    assert_string_equal(reply.body, "{\"status\":\"ended\"}");
    web_reply_fini(&reply);
    assert_false(f->maintenance.is_on);
}

static void maintenance_without_a_duration_is_open(void **state)
{
    struct fixture *f = *state;
    struct web_reply reply;
    assert_int_equal(ask(f, "POST", "/-/maintenance", "", &reply), 200);
    assert_string_equal(reply.body, "{\"status\":\"maintenance\",\"until\":null}");
    web_reply_fini(&reply);
    assert_true(f->maintenance.is_on && f->maintenance.until_ns == INT64_MAX);
    assert_string_equal(f->maintenance.reason, "");
}

static void maintenance_says_what_it_does_not_understand(void **state)
{
    struct fixture *f = *state;
    char long_reason[200], body[240];
    memset(long_reason, 'a', 160);
    long_reason[160] = '\0';
    snprintf(body, sizeof(body), "{\"reason\":\"%s\"}", long_reason);
    const struct {
        const char *body, *sentence;
    } cases[] = {
        {"{\"duration\":\"0\"}", "\\\"duration\\\" must be a duration"},
        {"{\"duration\":\"31d\"}", "at most 30d"},
        {"{\"duration\":\"soon\"}", "\\\"duration\\\" must be a duration"},
        {"{\"duration\":30}", "\\\"duration\\\" must be a string"},
        {"{\"reason\":null}", "\\\"reason\\\" must be a string"},
        {"{\"reason\":\"a\\nb\"}", "control characters"},
        {"{\"reason\":\"a\\u0000b\"}", "may not hold a NUL"},
        {body, "longer than 159 bytes"},
        {"{\"until\":\"x\"}", "\\\"duration\\\" and \\\"reason\\\" are taken"},
        {"[]", "must be a JSON object"},
        {"{", "must be a JSON object"},
        {"{} {}", "must be a JSON object"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct web_reply reply;
        assert_int_equal(ask(f, "POST", "/-/maintenance", cases[i].body, &reply), 400);
        assert_non_null(strstr(reply.body, cases[i].sentence));
        web_reply_fini(&reply);
    }
    assert_int_equal(f->n_maintenances, 0);
    body[strlen(body) - 3] = '"';
    body[strlen(body) - 2] = '}';
    body[strlen(body) - 1] = '\0';
    struct web_reply reply;
    assert_int_equal(ask(f, "POST", "/-/maintenance", body, &reply), 200);
    web_reply_fini(&reply);
    assert_int_equal(strlen(f->maintenance.reason), 159);
}

static void thirty_days_are_the_most(void **state)
{
    (void)state;
    struct hx_maintenance maintenance;
    static const char most[] = "{\"duration\":\"30d\"}";
    static const char more[] = "{\"duration\":\"30d1s\"}";
    assert_int_equal(hx_maintenance_parse(most, sizeof(most) - 1, &maintenance, NULL), HX_OK);
    assert_int_equal(hx_maintenance_parse(more, sizeof(more) - 1, &maintenance, NULL),
                     HX_ERR_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        OPERATED(reload_is_answered_when_it_is_done),
        OPERATED(failed_reload_shows_its_errors),
        OPERATED(reload_that_cannot_begin_is_answered_at_once),
        OPERATED(reload_takes_no_body),
        SERVED(lifecycle_is_off_unless_it_is_enabled),
        OPERATED(page_in_a_browser_cannot_begin_maintenance),
        SERVED(reading_the_writing_routes_is_refused),
        OPERATED(client_may_leave_before_its_reply_comes),
        HURRIED(reply_may_take_longer_than_a_head),
        OPERATED(stop_waits_for_a_reply_that_comes_in_time),
        OPERATED(stop_does_not_wait_for_ever),
        ALONE(stop_and_the_answer_may_come_together),
        OPERATED(maintenance_begins_and_ends),
        OPERATED(maintenance_without_a_duration_is_open),
        OPERATED(maintenance_says_what_it_does_not_understand),
        cmocka_unit_test(thirty_days_are_the_most),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

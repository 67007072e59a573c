/* SPDX-License-Identifier: Apache-2.0 */
/* Users, networks, rates and header fields at a real server, and their replacement while it runs.
 */
#include "web_server.h"

#include "base/option.h"
#include "web/headers.h"

#include <crypt.h>

#define RIGHT  "YWxpY2U6c2VjcmV0" /* alice:secret */
#define WRONG  "YWxpY2U6d3Jvbmc=" /* alice:wrong */
#define NOBODY "Ym9iOnNlY3JldA==" /* bob:secret */

static void set(struct hx_access *access, const char *name, const char *text)
{
    assert_int_equal(hx_option_set(hx_option_find(hx_access_options, name), access, text, NULL),
                     HX_OK);
}

static void put(struct hx_access *access, const char *name, const char *key, const char *value)
{
    assert_int_equal(
        hx_option_put(hx_option_find(hx_access_options, name), access, key, value, NULL), HX_OK);
}

static struct hx_access *open_access(void)
{
    struct hx_access *access = calloc(1, sizeof(*access));
    assert_non_null(access);
    assert_int_equal(hx_options_default(hx_access_options, access, NULL), HX_OK);
    return access;
}

static struct hx_access *with_user(const char *name, const char *salt)
{
    struct hx_access *access = open_access();
    struct crypt_data *data = calloc(1, sizeof(*data));
    assert_non_null(data);
    put(access, "basic_auth_users", name, crypt_rn("secret", salt, data, (int)sizeof(*data)));
    free(data);
    return access;
}

/* At a cost of 4: a millisecond. */
static struct hx_access *with_alice(void)
{
    return with_user("alice", "$2b$04$abcdefghijklmnopqrstuu");
}

static void start_with(struct fixture *f, struct hx_access *access)
{
    struct hx_web_options options = options_of(f);
    options.access = access;
    start(f, &options);
}

static void ask(struct fixture *f, const char *path, const char *credentials,
                struct web_reply *reply)
{
    char request[512];
    snprintf(request, sizeof(request),
             "GET %s HTTP/1.1\r\nHost: t\r\nConnection: close\r\n%s%s%s\r\n", path,
             credentials == NULL ? "" : "Authorization: Basic ",
             credentials == NULL ? "" : credentials, credentials == NULL ? "" : "\r\n");
    web_ask(f->port, request, reply);
}

static int status_of(struct fixture *f, const char *path, const char *credentials)
{
    struct web_reply reply;
    ask(f, path, credentials, &reply);
    int status = reply.status;
    web_reply_fini(&reply);
    return status;
}

/* ---- users ---- */

static void metrics_need_the_right_password_and_probes_need_none(void **state)
{
    struct fixture *f = *state;
    struct web_reply reply;
    start_with(f, with_alice());
    ask(f, "/metrics", NULL, &reply);
    assert_int_equal(reply.status, 401);
    assert_true(web_header_is(&reply, "WWW-Authenticate", "Basic realm=\"health_exporter\""));
    assert_string_equal(reply.body, "{\"error\":\"a user and the right password are needed\"}");
    web_reply_fini(&reply);
    assert_int_equal(status_of(f, "/metrics", WRONG), 401);
    assert_int_equal(status_of(f, "/metrics", NOBODY), 401);
    assert_int_equal(status_of(f, "/metrics", RIGHT), 200);
    assert_int_equal(status_of(f, "/openapi.json", NULL), 401);
    assert_int_equal(status_of(f, "/", NULL), 200);
    assert_int_equal(status_of(f, "/readyz", NULL), 200);
    assert_int_equal(status_of(f, "/readyz", WRONG), 200);
}

static void two_authorizations_are_none(void **state)
{
    struct fixture *f = *state;
    struct web_reply reply;
    start_with(f, with_alice());
    web_ask(f->port,
            "GET /metrics HTTP/1.1\r\nHost: t\r\nConnection: close\r\n"
            "Authorization: Basic " WRONG "\r\nAuthorization: Basic " RIGHT "\r\n\r\n",
            &reply);
    assert_int_equal(reply.status, 401);
    web_reply_fini(&reply);
}

static void writing_needs_a_user_too(void **state)
{
    struct fixture *f = *state;
    struct web_reply reply;
    start_with(f, with_alice());
    web_ask(f->port,
            "PUT /-/heartbeat/database HTTP/1.1\r\nHost: t\r\nContent-Length: 0\r\n"
            "Connection: close\r\n\r\n",
            &reply);
    assert_int_equal(reply.status, 401);
    assert_int_equal(f->n_reports, 0);
    web_reply_fini(&reply);
    web_ask(f->port,
            "PUT /-/heartbeat/database HTTP/1.1\r\nHost: t\r\nContent-Length: 17\r\n"
            "Content-Type: application/json\r\nAuthorization: Basic " RIGHT "\r\n\r\n"
            "{\"status\":\"pass\"}",
            &reply);
    assert_int_equal(reply.status, 204);
    assert_int_equal(f->n_reports, 1);
    web_reply_fini(&reply);
}

static void sixth_wrong_password_is_429_and_known_users_go_on(void **state)
{
    struct fixture *f = *state;
    struct web_reply reply;
    start_with(f, with_alice());
    assert_int_equal(status_of(f, "/metrics", RIGHT), 200);
    int64_t began_ns = hx_clock_monotonic_ns();
    int64_t n_wrong = -1;
    do {
        n_wrong++;
        ask(f, "/metrics", WRONG, &reply);
        if (reply.status == 401)
            web_reply_fini(&reply);
    } while (reply.text == NULL);
    assert_int_equal(reply.status, 429);
    assert_in_range(n_wrong, 5, 5 + (hx_clock_monotonic_ns() - began_ns) / (2 * HX_NS_PER_S));
    assert_non_null(web_header(&reply, "Retry-After"));
    assert_in_range(atol(web_header(&reply, "Retry-After")), 1, 2);
    web_reply_fini(&reply);
    assert_int_equal(status_of(f, "/metrics", RIGHT), 200);
    assert_int_equal(status_of(f, "/metrics", NULL), 401);
}

/* The connection of a request whose password is being compared serves on after it. */
static void connection_stays_open_after_a_login(void **state)
{
    struct fixture *f = *state;
    struct web_reply reply;
    start_with(f, with_alice());
    int fd = web_connect(f->port);
    for (int i = 0; i < 3; i++) {
        web_send_text(fd, "GET /openapi.json HTTP/1.1\r\nHost: t\r\nAuthorization: Basic " RIGHT
                          "\r\n\r\n");
        web_read_one(fd, &reply);
        assert_int_equal(reply.status, 200);
        web_reply_fini(&reply);
        web_send_text(fd, "GET /openapi.json HTTP/1.1\r\nHost: t\r\n\r\n");
        web_read_one(fd, &reply);
        assert_int_equal(reply.status, 401);
        web_reply_fini(&reply);
    }
    close(fd);
}

/* Many wait for the same comparison; all get its result. */
static void requests_with_the_same_login_share_its_comparison(void **state)
{
    struct fixture *f = *state;
    int fds[20];
    start_with(f, with_alice());
    for (size_t i = 0; i < 20; i++) {
        fds[i] = web_connect(f->port);
        web_send_text(fds[i], "GET /openapi.json HTTP/1.1\r\nHost: t\r\nConnection: close\r\n"
                              "Authorization: Basic " RIGHT "\r\n\r\n");
    }
    for (size_t i = 0; i < 20; i++) {
        struct web_reply reply;
        web_read_all(fds[i], &reply);
        assert_int_equal(reply.status, 200);
        web_reply_fini(&reply);
        close(fds[i]);
    }
}

static void wrong_logins_that_share_a_comparison_cost_one_attempt_each(void **state)
{
    struct fixture *f = *state;
    int fds[5];
    struct web_reply reply;
    start_with(f, with_user("alice", "$2b$10$abcdefghijklmnopqrstuu"));
    int64_t began_ns = hx_clock_monotonic_ns();
    for (size_t i = 0; i < 5; i++) {
        fds[i] = web_connect(f->port);
        web_send_text(fds[i], "GET /openapi.json HTTP/1.1\r\nHost: t\r\nConnection: close\r\n"
                              "Authorization: Basic " WRONG "\r\n\r\n");
    }
    for (size_t i = 0; i < 5; i++) {
        web_read_all(fds[i], &reply);
        assert_int_equal(reply.status, 401);
        web_reply_fini(&reply);
        close(fds[i]);
    }
    int64_t n_more = 0;
    while (status_of(f, "/metrics", WRONG) == 401)
        n_more++;
    assert_in_range(n_more, 0, (hx_clock_monotonic_ns() - began_ns) / (2 * HX_NS_PER_S));
}

static void server_stops_while_passwords_are_compared(void **state)
{
    struct fixture *f = *state;
    int fds[8];
    start_with(f, with_alice());
    for (size_t i = 0; i < 8; i++) {
        fds[i] = web_connect(f->port);
        web_send_text(fds[i], "GET /openapi.json HTTP/1.1\r\nHost: t\r\n"
                              "Authorization: Basic " WRONG "\r\n\r\n");
    }
    hx_web_stop(f->web, 0);
    for (size_t i = 0; i < 8; i++)
        close(fds[i]);
}

/* ---- networks and rates ---- */

static void foreign_address_is_403_everywhere_and_a_unix_socket_never(void **state)
{
    static const char *const paths[] = {"/livez", "/metrics", "/", "/nothing", "/-/reload"};
    struct fixture *f = *state;
    struct hx_access *access = open_access();
    struct web_reply reply;
    access->networks = calloc(1, sizeof(*access->networks));
    assert_non_null(access->networks);
    access->n_networks = 1;
    assert_int_equal(hx_network_parse("10.0.0.0/8", access->networks, NULL), HX_OK);
    start_with(f, access);
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
        assert_int_equal(status_of(f, paths[i], NULL), 403);
    web_get(f->port, "POST", "/livez", &reply);
    assert_int_equal(reply.status, 403);
    web_reply_fini(&reply);
    int fd = web_connect_unix(f->path);
    web_send_text(fd, "GET /livez HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n");
    web_read_all(fd, &reply);
    assert_int_equal(reply.status, 200);
    web_reply_fini(&reply);
    close(fd);
}

static void request_beyond_the_burst_is_429(void **state)
{
    struct fixture *f = *state;
    struct hx_access *access = open_access();
    struct web_reply reply;
    set(access, "rate_limit_per_client.interval", "1h");
    set(access, "rate_limit_per_client.burst", "3");
    start_with(f, access);
    for (int i = 0; i < 3; i++)
        assert_int_equal(status_of(f, "/livez", NULL), 200);
    ask(f, "/livez", NULL, &reply);
    assert_int_equal(reply.status, 429);
    assert_in_range(atol(web_header(&reply, "Retry-After")), 3590, 3600);
    assert_string_equal(reply.body, "{\"error\":\"too many requests\"}");
    web_reply_fini(&reply);
}

static int status_over_unix(struct fixture *f)
{
    struct web_reply reply;
    int fd = web_connect_unix(f->path);
    web_send_text(fd, "GET /livez HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n");
    web_read_all(fd, &reply);
    int status = reply.status;
    web_reply_fini(&reply);
    close(fd);
    return status;
}

static struct hx_access *limited(const char *burst, const char *interval, const char *own_burst)
{
    struct hx_access *access = open_access();
    set(access, "rate_limit.interval", interval);
    set(access, "rate_limit.burst", burst);
    set(access, "rate_limit_per_client.interval", interval);
    set(access, "rate_limit_per_client.burst", own_burst);
    return access;
}

static void refused_request_takes_nothing_from_others(void **state)
{
    struct fixture *f = *state;
    start_with(f, limited("2", "1h", "1"));
    assert_int_equal(status_of(f, "/livez", NULL), 200);
    for (int i = 0; i < 3; i++)
        assert_int_equal(status_of(f, "/livez", NULL), 429);
    /* A unix socket has no rate of its own: it gets the one that is left. */
    assert_int_equal(status_over_unix(f), 200);
    assert_int_equal(status_over_unix(f), 429);
}

static void other_rate_holds_at_once(void **state)
{
    struct fixture *f = *state;
    start_with(f, limited("1", "1h", "1"));
    assert_int_equal(status_of(f, "/livez", NULL), 200);
    assert_int_equal(status_of(f, "/livez", NULL), 429);
    assert_int_equal(hx_web_set_access(f->web, limited("1", "30m", "2"), NULL), HX_OK);
    assert_int_equal(status_of(f, "/livez", NULL), 200);
    assert_int_equal(status_over_unix(f), 429);
}

/* ---- header fields ---- */

static void header_fields_are_on_every_reply_and_change_with_a_reload(void **state)
{
    static const char *const paths[] = {"/badge.svg", "/livez", "/readyz", "/metrics", "/nothing"};
    struct fixture *f = *state;
    struct hx_access *access = open_access();
    put(access, "http_server_config.headers", "X-Frame-Options", "deny");
    put(access, "http_server_config.headers", "X-XSS-Protection", "");
    start_with(f, NULL);
    assert_int_equal(hx_web_set_access(f->web, access, NULL), HX_OK);
    assert_int_equal(status_of(f, "/livez", NULL), 200);
    for (int round = 0; round < 2; round++) {
        for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
            struct web_reply reply;
            ask(f, paths[i], NULL, &reply);
            if (round == 0)
                assert_true(web_header_is(&reply, "X-Frame-Options", "deny"));
            else
                assert_null(web_header(&reply, "X-Frame-Options"));
            assert_null(web_header(&reply, "X-XSS-Protection"));
            assert_int_equal(round, web_header(&reply, "Content-Security-Policy") != NULL);
            assert_true(web_header_is(&reply, "X-Content-Type-Options", "nosniff"));
            web_reply_fini(&reply);
        }
        access = open_access();
        put(access, "http_server_config.headers", "Content-Security-Policy", "default-src 'none'");
        assert_int_equal(hx_web_set_access(f->web, access, NULL), HX_OK);
        while (round == 0 && status_of(f, "/livez", NULL) != 200)
            ;
    }
}

static void policy_of_the_status_page_gives_way_to_another_only(void **state)
{
    struct fixture *f = *state;
    for (int round = 0; round < 3; round++) {
        struct web_reply reply;
        struct hx_access *access = open_access();
        put(access, "http_server_config.headers",
            round == 1 ? "Content-Security-Policy" : "X-Frame-Options",
            round == 1 ? "default-src 'self'" : "deny");
        if (round == 0)
            start_with(f, access);
        else
            assert_int_equal(hx_web_set_access(f->web, access, NULL), HX_OK);
        assert_int_equal(status_of(f, "/livez", NULL), 200);
        ask(f, "/", NULL, &reply);
        assert_true(web_header_is(&reply, "Content-Security-Policy",
                                  round == 1 ? "default-src 'self'" : HX_PAGE_POLICY));
        web_reply_fini(&reply);
    }
}

/* ---- reload ---- */

static void users_change_under_an_open_connection(void **state)
{
    struct fixture *f = *state;
    struct web_reply reply;
    start_with(f, with_alice());
    int fd = web_connect(f->port);
    for (int round = 0; round < 20; round++) {
        bool has_users = round % 2 == 0;
        web_send_text(fd, "GET /openapi.json HTTP/1.1\r\nHost: t\r\n\r\n");
        web_read_one(fd, &reply);
        assert_int_equal(reply.status, has_users ? 401 : 200);
        web_reply_fini(&reply);
        struct hx_access *access = has_users ? open_access() : with_alice();
        assert_int_equal(hx_web_set_access(f->web, access, NULL), HX_OK);
        /* Answered after the change was taken. */
        web_get(f->port, "GET", "/livez", &reply);
        web_reply_fini(&reply);
    }
    close(fd);
}

/* Shows alice's password, reloads while it is in hand (60 ms of work), and gives the status. 0: the
 * reload came too late to tell. */
static int login_across_a_reload(struct fixture *f, const char *user_after)
{
    static const char slow[] = "$2b$10$abcdefghijklmnopqrstuu";
    struct hx_access *after = with_user(user_after, slow);
    struct web_reply reply;
    assert_int_equal(hx_web_set_access(f->web, with_user("alice", slow), NULL), HX_OK);
    assert_int_equal(status_of(f, "/livez", NULL), 200);
    int fd = web_connect(f->port);
    int64_t began_ns = hx_clock_monotonic_ns();
    web_send_text(fd, "GET /openapi.json HTTP/1.1\r\nHost: t\r\nConnection: close\r\n"
                      "Authorization: Basic " RIGHT "\r\n\r\n");
    assert_int_equal(status_of(f, "/livez", NULL), 200);
    assert_int_equal(hx_web_set_access(f->web, after, NULL), HX_OK);
    bool is_late = hx_clock_monotonic_ns() - began_ns > 20 * HX_NS_PER_MS;
    web_read_all(fd, &reply);
    int status = reply.status;
    web_reply_fini(&reply);
    close(fd);
    return is_late ? 0 : status;
}

static void login_in_hand_is_asked_again_after_a_reload(void **state)
{
    struct fixture *f = *state;
    int status;
    start_with(f, NULL);
    while ((status = login_across_a_reload(f, "alice")) == 0)
        ;
    assert_int_equal(status, 200);
    while ((status = login_across_a_reload(f, "bob")) == 0)
        ;
    assert_int_equal(status, 401);
}

static void tls_is_not_switched_on_by_a_reload(void **state)
{
    struct fixture *f = *state;
    struct hx_access *access = open_access();
    struct hx_error err;
    start_with(f, NULL);
    access->tls.is_enabled = true;
    assert_int_equal(hx_web_set_access(f->web, access, &err), HX_ERR_UNSUPPORTED);
    assert_string_equal(err.message, "TLS can be switched on by a restart only, not by a reload");
    assert_int_equal(status_of(f, "/livez", NULL), 200);
}

/* ---- sockets of somebody else ---- */

static void adopted_socket_is_served(void **state)
{
    struct fixture *f = *state;
    struct hx_web_options options = options_of(f);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(fd, 8), 0);
    assert_int_equal(hx_web_new(&options, &f->web, NULL), HX_OK);
    assert_int_equal(hx_web_adopt(f->web, fd, NULL), HX_OK);
    assert_int_equal(hx_web_start(f->web, NULL), HX_OK);
    f->port = hx_web_port(f->web, 0);
    assert_int_equal(status_of(f, "/livez", NULL), 200);
}

static void what_does_not_listen_is_not_adopted(void **state)
{
    struct fixture *f = *state;
    struct hx_web_options options = options_of(f);
    struct hx_error err;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(hx_web_new(&options, &f->web, NULL), HX_OK);
    assert_int_equal(hx_web_adopt(f->web, fd, &err), HX_ERR_INVALID);
    assert_non_null(strstr(err.message, "expected a listening TCP or unix socket"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ALONE(metrics_need_the_right_password_and_probes_need_none),
        ALONE(two_authorizations_are_none),
        ALONE(writing_needs_a_user_too),
        ALONE(sixth_wrong_password_is_429_and_known_users_go_on),
        ALONE(connection_stays_open_after_a_login),
        ALONE(requests_with_the_same_login_share_its_comparison),
        ALONE(wrong_logins_that_share_a_comparison_cost_one_attempt_each),
        ALONE(server_stops_while_passwords_are_compared),
        ALONE(foreign_address_is_403_everywhere_and_a_unix_socket_never),
        ALONE(request_beyond_the_burst_is_429),
        ALONE(refused_request_takes_nothing_from_others),
        ALONE(other_rate_holds_at_once),
        ALONE(header_fields_are_on_every_reply_and_change_with_a_reload),
        ALONE(policy_of_the_status_page_gives_way_to_another_only),
        ALONE(users_change_under_an_open_connection),
        ALONE(login_in_hand_is_asked_again_after_a_reload),
        ALONE(tls_is_not_switched_on_by_a_reload),
        ALONE(adopted_socket_is_served),
        ALONE(what_does_not_listen_is_not_adopted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

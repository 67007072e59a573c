/* SPDX-License-Identifier: Apache-2.0 */
/* link: -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=strdup */
/*
 * Checks that go on as before ask the allocator for nothing: not our code, nor libuv for it. What
 * libpq allocates for itself is not counted. The server is a thread, because what it and its loop
 * allocate would be counted else.
 */
#include "base/clock.h"
#include "base/option.h"
#include "base/url.h"
#include "dns_stub.h"
#include "fake_check.h"
#include "kinds/kinds.h"
#include "net/resolver.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#define N_WARM    5
#define N_COUNTED 50

static _Thread_local size_t n_allocations;

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *memory, size_t size);
char *__real_strdup(const char *text);

void *__wrap_malloc(size_t size)
{
    n_allocations++;
    return __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size)
{
    n_allocations++;
    return __real_calloc(n, size);
}

void *__wrap_realloc(void *memory, size_t size)
{
    n_allocations++;
    return __real_realloc(memory, size);
}

char *__wrap_strdup(const char *text)
{
    n_allocations++;
    return __real_strdup(text);
}

/* ---- a server */

typedef void serve_cb(int fd);

struct server {
    pthread_t thread;
    int listener;
    uint16_t port;
    serve_cb *serve;
};

static void reply(int fd, const char *bytes, size_t len)
{
    (void)!write(fd, bytes, len);
}

static void serve_redis(int fd)
{
    char bytes[256];
    while (read(fd, bytes, sizeof bytes) > 0) {
        reply(fd, "+PONG\r\n", 7);
    }
}

/* Lets everybody in, and answers each query with one row. The client sends a message at a time. */
static void serve_postgres(int fd)
{
    static const char welcome[] = "R\0\0\0\10\0\0\0\0Z\0\0\0\5I";
    static const char row[] =
        "T\0\0\0\41\0\1?column?\0\0\0\0\0\0\0\0\0\0\27\0\4\377\377\377\377\0\0"
        "D\0\0\0\13\0\1\0\0\0\001"
        "1"
        "C\0\0\0\15SELECT 1\0"
        "Z\0\0\0\5I";
    char bytes[1024];
    if (read(fd, bytes, sizeof bytes) > 0) {
        reply(fd, welcome, sizeof welcome - 1);
    }
    while (read(fd, bytes, sizeof bytes) > 0) {
        reply(fd, row, sizeof row - 1);
    }
}

static void serve_greeting(int fd)
{
    reply(fd, "220 mail.test ESMTP\r\n", 21);
}

static void *run_server(void *data)
{
    const struct server *server = data;
    int fd;
    while ((fd = accept(server->listener, NULL, NULL)) >= 0) {
        server->serve(fd);
        close(fd);
    }
    return NULL;
}

static void server_start(struct server *server, serve_cb *serve)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;
    server->serve = serve;
    server->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(server->listener, (const struct sockaddr *)&address, len), 0);
    assert_int_equal(listen(server->listener, 16), 0);
    assert_int_equal(getsockname(server->listener, (struct sockaddr *)&address, &len), 0);
    server->port = ntohs(address.sin_port);
    assert_int_equal(pthread_create(&server->thread, NULL, run_server, server), 0);
}

static void server_stop(struct server *server)
{
    shutdown(server->listener, SHUT_RDWR);
    pthread_join(server->thread, NULL);
    close(server->listener);
}

/* ---- a check, again and again */

struct steady {
    uv_loop_t loop;
    struct dns_stub stub;
    struct server server;
    struct hx_check check;
};

/* libuv's table grows with the number of a descriptor, and that depends on the server's pace. */
static void watch_a_high_descriptor(uv_loop_t *loop)
{
    int fds[2];
    uv_poll_t poll;
    assert_int_equal(pipe(fds), 0);
    int high = fcntl(fds[0], F_DUPFD_CLOEXEC, 200);
    assert_int_equal(uv_poll_init(loop, &poll, high), 0);
    uv_poll_start(&poll, UV_READABLE, NULL);
    uv_close((uv_handle_t *)&poll, NULL);
    uv_run(loop, UV_RUN_NOWAIT);
    close(fds[0]);
    close(fds[1]);
    close(high);
}

static void begin(struct steady *s, const struct hx_kind *kind, serve_cb *serve)
{
    memset(s, 0, sizeof *s);
    signal(SIGPIPE, SIG_IGN);
    assert_int_equal(uv_loop_init(&s->loop), 0);
    watch_a_high_descriptor(&s->loop);
    dns_stub_open(&s->stub, &s->loop);
    server_start(&s->server, serve);
    fake_check_init(&s->check, kind, &s->loop);
    s->check.dependency.policy.timeout_ns = 5 * HX_NS_PER_S;
    struct hx_resolver_options options = {.servers = s->stub.servers};
    assert_int_equal(hx_resolver_new(&s->loop, &options, &s->check.resolver, NULL), HX_OK);
    assert_int_equal(hx_options_default(kind->options, s->check.dependency.settings, NULL), HX_OK);
    if (kind->attach != NULL) {
        assert_int_equal(kind->attach(&s->loop, &s->check.shared, NULL), HX_OK);
    }
}

static void set(struct steady *s, const char *option, const char *text)
{
    const struct hx_option *found = hx_option_find(s->check.dependency.kind->options, option);
    assert_int_equal(hx_option_set(found, s->check.dependency.settings, text, NULL), HX_OK);
}

static void end(struct steady *s)
{
    const struct hx_kind *kind = s->check.dependency.kind;
    kind->cancel(&s->check);
    if (kind->detach != NULL) {
        kind->detach(s->check.shared);
    }
    kind->release(&s->check.dependency);
    hx_options_fini(kind->options, s->check.dependency.settings);
    hx_url_fini(&s->check.dependency.url);
    hx_resolver_free(s->check.resolver);
    dns_stub_close(&s->stub);
    loop_test_close(&s->loop);
    server_stop(&s->server);
    fake_check_fini(&s->check);
}

static void pass(struct steady *s)
{
    fake_check_begin(&s->check, 5 * HX_NS_PER_S);
    while (s->check.n_finished == 0) {
        uv_run(&s->loop, UV_RUN_ONCE);
    }
    uv_run(&s->loop, UV_RUN_NOWAIT); /* handles are closed on the next turn */
    assert_string_equal(s->check.message, "");
    assert_int_equal(s->check.reason, HX_REASON_NONE);
}

/* In the URL %u stands for the port. */
static void assert_is_steady(struct steady *s, const char *scheme_and_host, const char *rest)
{
    char url[128];
    snprintf(url, sizeof url, "%s:%u%s", scheme_and_host, s->server.port, rest);
    assert_int_equal(hx_url_parse(url, &s->check.dependency.url, NULL), HX_OK);
    assert_int_equal(s->check.dependency.kind->prepare(&s->check.dependency, NULL), HX_OK);
    for (int i = 0; i < N_WARM; i++) {
        pass(s);
    }
    size_t before = n_allocations;
    assert_true(before > 0);
    for (int i = 0; i < N_COUNTED; i++) {
        pass(s);
    }
    assert_int_equal(n_allocations - before, 0);
    end(s);
}

static void a_kept_redis_connection_is_pinged_without_allocating(void **state)
{
    (void)state;
    struct steady s;
    begin(&s, &hx_kind_redis, serve_redis);
    assert_is_steady(&s, "redis://local.test", "");
}

static void a_kept_postgres_connection_is_asked_without_allocating(void **state)
{
    (void)state;
    struct steady s;
    begin(&s, &hx_kind_postgres, serve_postgres);
    set(&s, "expect", "1");
    assert_is_steady(&s, "postgresql://health@127.0.0.1", "/app?sslmode=disable");
}

static void a_bare_connect_does_without_allocating(void **state)
{
    (void)state;
    static const char *const closes[] = {"unseen", "reset", "orderly"};
    for (size_t i = 0; i < 3; i++) {
        struct steady s;
        begin(&s, &hx_kind_tcp, serve_greeting);
        set(&s, "close", closes[i]);
        assert_is_steady(&s, "tcp://127.0.0.1", "");
    }
}

/* The first address refuses, and each has its share of the time. */
static void several_addresses_are_tried_without_allocating(void **state)
{
    (void)state;
    struct steady s;
    begin(&s, &hx_kind_tcp, serve_greeting);
    assert_is_steady(&s, "tcp://twice.test", "");
}

static void an_expected_text_is_found_without_allocating(void **state)
{
    (void)state;
    struct steady s;
    begin(&s, &hx_kind_tcp, serve_greeting);
    set(&s, "expect", "220 ");
    assert_is_steady(&s, "tcp://local.test", "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_kept_redis_connection_is_pinged_without_allocating),
        cmocka_unit_test(a_kept_postgres_connection_is_asked_without_allocating),
        cmocka_unit_test(a_bare_connect_does_without_allocating),
        cmocka_unit_test(several_addresses_are_tried_without_allocating),
        cmocka_unit_test(an_expected_text_is_found_without_allocating),
    };
    /* Before libuv is used for the first time. */
    uv_replace_allocator(__wrap_malloc, __wrap_realloc, __wrap_calloc, free);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

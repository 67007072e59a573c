/* SPDX-License-Identifier: Apache-2.0 */
/* link: -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=strdup */
/* Streams without TLS against a server on the same loop. */
#include "net/stream.h"

#include "failing_alloc.h"
#include "net/stream_socket.h"
#include "peer.h"

#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

static bool is_to_meet_itself;

/* libuv's, too. The kernel gives a connection to a free port of this host that port by chance. */
__attribute__((visibility("default"))) int connect(int fd, __CONST_SOCKADDR_ARG to, socklen_t len)
{
    if (is_to_meet_itself) {
        assert_int_equal(bind(fd, to, len), 0);
    }
    return (int)syscall(SYS_connect, fd, to.__sockaddr__, len);
}

struct fixture {
    uv_loop_t loop;
    struct hx_stream_pool *pool;
    struct peer peer;
};

/* What a stream told, and where its owner closes it. */
struct told {
    struct hx_stream *stream;
    int n_connect, n_data, n_end;
    size_t n_received;
    char received[64];
    enum hx_reason reason;
    char message[200];
    enum { CLOSE_NEVER, CLOSE_IN_CONNECT, CLOSE_IN_DATA, CLOSE_IN_END, RESET_IN_CONNECT } close_in;
    const char *write_in_connect;
};

static void close_if(struct told *told, int where)
{
    if ((int)told->close_in == where) {
        if (where == RESET_IN_CONNECT) {
            hx_stream_reset(told->stream);
        } else {
            hx_stream_close(told->stream);
        }
        told->stream = NULL;
    }
}

static void on_connect(void *data)
{
    struct told *told = data;
    told->n_connect++;
    if (told->write_in_connect != NULL) {
        hx_stream_write(told->stream, told->write_in_connect, strlen(told->write_in_connect));
    }
    close_if(told, CLOSE_IN_CONNECT);
    close_if(told, RESET_IN_CONNECT);
}

static void on_data(void *data, const char *bytes, size_t len)
{
    struct told *told = data;
    told->n_data++;
    for (size_t i = 0; i < len && told->n_received + i < sizeof told->received - 1; i++) {
        told->received[told->n_received + i] = bytes[i];
    }
    told->n_received += len;
    close_if(told, CLOSE_IN_DATA);
}

static void on_end(void *data, enum hx_reason reason, const char *message)
{
    struct told *told = data;
    told->n_end++;
    told->reason = reason;
    close_if(told, CLOSE_IN_END);
    snprintf(told->message, sizeof told->message, "%s", message); /* still valid after close */
}

static const struct hx_stream_events events = {
    .on_connect = on_connect, .on_data = on_data, .on_end = on_end};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    assert_int_equal(uv_loop_init(&f->loop), 0);
    f->pool = hx_stream_pool_new(&f->loop);
    assert_non_null(f->pool);
    peer_open(&f->peer, &f->loop, PEER_ECHOES);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    hx_stream_pool_free(f->pool); /* the handles of streams may still be closing */
    peer_close(&f->peer);
    loop_test_close(&f->loop);
    free(f);
    return 0;
}

static void dial(struct fixture *f, struct told *told, const char *host, uint16_t port)
{
    struct hx_address address;
    assert_true(hx_address_parse(host, port, &address));
    told->stream = hx_stream_open(f->pool, &address, HX_STREAM_TALK, &events, told);
    assert_non_null(told->stream);
    assert_int_equal(told->n_connect + told->n_end, 0);
}

static void what_is_written_arrives_and_what_comes_is_told(void **state)
{
    struct fixture *f = *state;
    struct told told = {.write_in_connect = "hello"};
    dial(f, &told, "127.0.0.1", f->peer.port);
    RUN_UNTIL(&f->loop, told.n_received == 5);
    assert_string_equal(told.received, "hello");
    assert_null(hx_stream_ssl(told.stream));
    hx_stream_close(told.stream);
    RUN_UNTIL(&f->loop, f->peer.n_ended == 1);
    assert_int_equal(f->peer.last_status, UV_EOF);
    assert_int_equal(told.n_connect, 1);
    assert_int_equal(told.n_end, 0);
}

static void a_write_larger_than_the_socket_takes_arrives_whole(void **state)
{
    struct fixture *f = *state;
    struct told told = {0};
    size_t size = 8U << 20;
    char *bytes = malloc(size);
    for (size_t i = 0; i < size; i++) {
        bytes[i] = (char)(i * i >> 8);
    }
    uint32_t digest = peer_digest(peer_digest(0, bytes, size), "more", 4);
    f->peer.manner = PEER_LISTENS;
    dial(f, &told, "127.0.0.1", f->peer.port);
    RUN_UNTIL(&f->loop, told.n_connect == 1);
    hx_stream_write(told.stream, bytes, size);
    hx_stream_write(told.stream, "more", 4);
    free(bytes); /* copied */
    RUN_UNTIL(&f->loop, f->peer.n_received == size + 4);
    assert_int_equal(f->peer.digest, digest);
    hx_stream_close(told.stream);
}

static void a_close_drops_what_is_still_unsent(void **state)
{
    struct fixture *f = *state;
    struct told told = {0};
    size_t size = 8U << 20;
    char *bytes = calloc(1, size);
    dial(f, &told, "127.0.0.1", f->peer.port);
    RUN_UNTIL(&f->loop, told.n_connect == 1);
    hx_stream_write(told.stream, bytes, size);
    free(bytes);
    hx_stream_close(told.stream);
    RUN_UNTIL(&f->loop, f->peer.n_ended == 1);
    assert_int_equal(told.n_end, 0);
}

static void a_refused_connection_says_so_with_its_address(void **state)
{
    struct fixture *f = *state;
    struct told told = {.close_in = CLOSE_IN_END};
    char expected[100];
    uint16_t port = peer_free_port();
    dial(f, &told, "127.0.0.1", port);
    RUN_UNTIL(&f->loop, told.n_end == 1);
    snprintf(expected, sizeof expected, "connect 127.0.0.1:%u: connection refused", port);
    assert_string_equal(told.message, expected);
    assert_int_equal(told.reason, HX_REASON_REFUSED);
    assert_int_equal(told.n_connect, 0);
}

/* TCP does not connect to a broadcast address: connect() fails at once. */
static void an_error_at_once_is_told_later(void **state)
{
    struct fixture *f = *state;
    struct told told = {.close_in = CLOSE_IN_END};
    dial(f, &told, "255.255.255.255", 80);
    RUN_UNTIL(&f->loop, told.n_end == 1);
    assert_memory_equal(told.message, "connect 255.255.255.255:80: ", 28);
    struct told closed = {0};
    dial(f, &closed, "255.255.255.255", 80);
    hx_stream_close(closed.stream);
    struct told reset = {0};
    dial(f, &reset, "255.255.255.255", 80);
    hx_stream_reset(reset.stream);
    uv_run(&f->loop, UV_RUN_NOWAIT);
    assert_int_equal(closed.n_end + reset.n_end, 0);
}

static void no_descriptors_left_is_internal(void **state)
{
    struct fixture *f = *state;
    struct told told = {.close_in = CLOSE_IN_END};
    struct rlimit before, none;
    int lowest = dup(0);
    assert_true(lowest >= 0);
    close(lowest);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    none = before;
    none.rlim_cur = (rlim_t)lowest;
    setrlimit(RLIMIT_NOFILE, &none);
    dial(f, &told, "127.0.0.1", f->peer.port);
    setrlimit(RLIMIT_NOFILE, &before);
    RUN_UNTIL(&f->loop, told.n_end == 1);
    assert_int_equal(told.reason, HX_REASON_INTERNAL);
    assert_non_null(strstr(told.message, "too many open files"));
}

static void the_peers_orderly_end_is_closed_after_its_last_bytes(void **state)
{
    struct fixture *f = *state;
    struct told told = {0};
    f->peer.manner = PEER_LEAVES;
    f->peer.greeting = "bye";
    dial(f, &told, "127.0.0.1", f->peer.port);
    RUN_UNTIL(&f->loop, told.n_end == 1);
    assert_string_equal(told.received, "bye");
    assert_int_equal(told.reason, HX_REASON_CLOSED);
    assert_string_equal(told.message, "connection closed by peer");
    hx_stream_write(told.stream, "too late", 8); /* is ignored */
    uv_run(&f->loop, UV_RUN_NOWAIT);
    assert_int_equal(told.n_end, 1);
    hx_stream_close(told.stream);
}

static void a_reset_is_closed(void **state)
{
    struct fixture *f = *state;
    struct told told = {.write_in_connect = "x"};
    f->peer.manner = PEER_RESETS;
    dial(f, &told, "127.0.0.1", f->peer.port);
    RUN_UNTIL(&f->loop, told.n_end == 1);
    assert_int_equal(told.reason, HX_REASON_CLOSED);
    hx_stream_write(told.stream, "x", 1);
    uv_run(&f->loop, UV_RUN_NOWAIT);
    assert_int_equal(told.n_end, 1);
    hx_stream_close(told.stream);
}

static void a_connection_with_itself_is_refused(void **state)
{
    struct fixture *f = *state;
    struct told told = {.close_in = CLOSE_IN_END};
    is_to_meet_itself = true;
    dial(f, &told, "127.0.0.1", peer_free_port());
    is_to_meet_itself = false;
    RUN_UNTIL(&f->loop, told.n_end == 1);
    assert_int_equal(told.n_connect, 0);
    assert_int_equal(told.reason, HX_REASON_REFUSED);
}

static void on_nothing(uv_connect_t *request, int status)
{
    (void)request, (void)status;
}

static void what_is_written_waits_for_no_acknowledgement(void **state)
{
    struct fixture *f = *state;
    union hx_stream_socket socket;
    struct hx_address address;
    uv_connect_t request;
    uv_os_fd_t fd;
    int is_set = 0;
    socklen_t len = sizeof is_set;
    assert_true(hx_address_parse("127.0.0.1", f->peer.port, &address));
    assert_int_equal(
        hx_stream_socket_open(&socket, &f->loop, &address, HX_STREAM_TALK, &request, on_nothing),
        0);
    assert_int_equal(uv_fileno(&socket.handle, &fd), 0);
    assert_int_equal(getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &is_set, &len), 0);
    assert_int_equal(is_set, 1);
    assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
    uv_close(&socket.handle, NULL);
    uv_run(&f->loop, UV_RUN_NOWAIT);
}

static void a_stream_may_be_closed_in_each_callback(void **state)
{
    struct fixture *f = *state;
    struct told in_connect = {.write_in_connect = "x", .close_in = CLOSE_IN_CONNECT};
    struct told in_data = {.write_in_connect = "x", .close_in = CLOSE_IN_DATA};
    dial(f, &in_connect, "127.0.0.1", f->peer.port);
    dial(f, &in_data, "127.0.0.1", f->peer.port);
    RUN_UNTIL(&f->loop, f->peer.n_ended == 2);
    assert_int_equal(in_connect.n_connect, 1);
    assert_int_equal(in_connect.n_data, 0);
    assert_int_equal(in_data.n_data, 1);
    assert_int_equal(in_connect.n_end + in_data.n_end, 0);
}

static void no_callback_comes_after_a_close_while_connecting(void **state)
{
    struct fixture *f = *state;
    struct told told = {0};
    dial(f, &told, "127.0.0.1", f->peer.port);
    hx_stream_close(told.stream);
    RUN_UNTIL(&f->loop, f->peer.n_ended == 1);
    assert_int_equal(told.n_connect + told.n_end, 0);
    hx_stream_close(NULL);
    hx_stream_reset(NULL);
}

static void a_reset_of_ours_reaches_the_peer_as_one(void **state)
{
    struct fixture *f = *state;
    struct told told = {0};
    dial(f, &told, "127.0.0.1", f->peer.port);
    RUN_UNTIL(&f->loop, told.n_connect == 1 && f->peer.n_accepted == 1);
    hx_stream_reset(told.stream);
    RUN_UNTIL(&f->loop, f->peer.n_ended == 1);
    assert_int_equal(f->peer.last_status, UV_ECONNRESET);
}

static void a_unix_socket_serves_as_well(void **state)
{
    struct fixture *f = *state;
    char path[] = "/tmp/test_stream.XXXXXX/socket";
    char *slash = strrchr(path, '/');
    *slash = '\0';
    assert_non_null(mkdtemp(path));
    *slash = '/';
    struct peer peer;
    struct told told = {.write_in_connect = "hello"};
    struct hx_address address;
    peer_open_unix(&peer, &f->loop, PEER_ECHOES, path);
    assert_true(hx_address_unix(path, &address));
    told.stream = hx_stream_open(f->pool, &address, HX_STREAM_TALK, &events, &told);
    RUN_UNTIL(&f->loop, told.n_received == 5);
    hx_stream_reset(told.stream);
    RUN_UNTIL(&f->loop, peer.n_ended == 1);
    peer_close(&peer);

    struct told missing = {.close_in = CLOSE_IN_END};
    missing.stream = hx_stream_open(f->pool, &address, HX_STREAM_TALK, &events, &missing);
    RUN_UNTIL(&f->loop, missing.n_end == 1);
    assert_int_equal(missing.reason, HX_REASON_REFUSED);
    assert_non_null(strstr(missing.message, "no such file or directory"));
    *slash = '\0';
    rmdir(path);
}

static void a_full_backlog_of_a_unix_socket_is_refused(void **state)
{
    struct fixture *f = *state;
    char path[] = "/tmp/test_stream.XXXXXX";
    struct hx_address address;
    struct told told[4] = {{0}};
    int fd = mkstemp(path);
    close(fd);
    unlink(path);
    assert_true(hx_address_unix(path, &address));
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(listener, &address.u.sa, address.len), 0);
    assert_int_equal(listen(listener, 0), 0);
    for (size_t i = 0; i < 4; i++) {
        told[i].stream = hx_stream_open(f->pool, &address, HX_STREAM_TALK, &events, &told[i]);
    }
    RUN_UNTIL(&f->loop, told[3].n_end == 1);
    assert_int_equal(told[3].reason, HX_REASON_REFUSED);
    for (size_t i = 0; i < 4; i++) {
        hx_stream_close(told[i].stream);
    }
    close(listener);
    unlink(path);
}

static void every_allocation_may_fail(void **state)
{
    struct fixture *f = *state;
    size_t size = 4U << 20;
    char *bytes = calloc(1, size);
    bool is_failing = true;
    size_t n = 1;
    f->peer.manner = PEER_LISTENS;
    for (; is_failing; n++) {
        struct told told = {0};
        struct hx_address address;
        hx_address_parse("127.0.0.1", f->peer.port, &address);
        failing_alloc_at(n == 1 ? 1 : 0);
        told.stream = hx_stream_open(f->pool, &address, HX_STREAM_TALK, &events, &told);
        bool is_opened = told.stream != NULL;
        assert_int_equal(is_opened, n > 1);
        if (!is_opened) {
            assert_true(failing_alloc_was_reached());
            continue;
        }
        RUN_UNTIL(&f->loop, told.n_connect == 1);
        failing_alloc_at(n - 1);
        hx_stream_write(told.stream, bytes, size);
        is_failing = failing_alloc_was_reached();
        if (is_failing) {
            assert_int_equal(told.n_end, 0); /* not from within the call */
            RUN_UNTIL(&f->loop, told.n_end == 1);
            assert_int_equal(told.reason, HX_REASON_INTERNAL);
        }
        hx_stream_close(told.stream);
    }
    assert_true(n > 2);
    free(bytes);
    for (n = 1, is_failing = true; is_failing; n++) {
        failing_alloc_at(n);
        struct hx_stream_pool *pool = hx_stream_pool_new(&f->loop);
        is_failing = failing_alloc_was_reached();
        assert_int_equal(pool == NULL, is_failing);
        hx_stream_pool_free(pool);
    }
    assert_true(n > 2);
}

static int listen_without_accepting(uint16_t *port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(listener, (const struct sockaddr *)&address, len), 0);
    assert_int_equal(listen(listener, 8), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &len), 0);
    *port = ntohs(address.sin_port);
    return listener;
}

/* As a server does that has too many clients: it says so and resets, whatever comes. */
static void what_the_peer_said_before_it_cut_us_off_is_told(void **state)
{
    struct fixture *f = *state;
    struct told told = {0};
    struct linger reset = {.l_onoff = 1};
    uint16_t port;
    int listener = listen_without_accepting(&port);
    dial(f, &told, "127.0.0.1", port);
    RUN_UNTIL(&f->loop, told.n_connect == 1);
    int accepted = accept(listener, NULL, NULL);
    assert_int_equal(send(accepted, "full", 4, 0), 4);
    setsockopt(accepted, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    close(accepted);
    hx_stream_write(told.stream, "hello", 5); /* meets the reset */
    RUN_UNTIL(&f->loop, told.n_end == 1);
    assert_string_equal(told.received, "full");
    assert_int_equal(told.reason, HX_REASON_CLOSED);
    hx_stream_close(told.stream);
    close(listener);
}

/* A stream is opened, and reset when it is connected: does the listener, from which nobody accepts,
 * get something into its queue? It is taken out of it. */
static bool is_heard(struct fixture *f, int listener, uint16_t port, enum hx_stream_use use)
{
    struct told told = {.close_in = RESET_IN_CONNECT};
    struct hx_address address;
    struct pollfd poll_for = {.fd = listener, .events = POLLIN};
    assert_true(hx_address_parse("127.0.0.1", port, &address));
    told.stream = hx_stream_open(f->pool, &address, use, &events, &told);
    RUN_UNTIL(&f->loop, told.n_connect == 1);
    if (poll(&poll_for, 1, 100) == 0) {
        return false;
    }
    close(accept(listener, NULL, NULL));
    return true;
}

static void who_listens_does_not_hear_a_knock_that_is_reset(void **state)
{
    struct fixture *f = *state;
    uint16_t port;
    int listener = listen_without_accepting(&port);
    bool is_each_heard = true;
    assert_true(is_heard(f, listener, port, HX_STREAM_TALK));
    /* When we stand still for 40 ms, the kernel has acknowledged before the reset. */
    for (int i = 0; i < 20 && is_each_heard; i++) {
        is_each_heard = is_heard(f, listener, port, HX_STREAM_KNOCK);
    }
    assert_false(is_each_heard);
    close(listener);
}

static void a_knock_where_nobody_listens_is_refused(void **state)
{
    struct fixture *f = *state;
    struct told told = {.close_in = CLOSE_IN_END};
    struct hx_address address;
    assert_true(hx_address_parse("127.0.0.1", peer_free_port(), &address));
    told.stream = hx_stream_open(f->pool, &address, HX_STREAM_KNOCK, &events, &told);
    RUN_UNTIL(&f->loop, told.n_end == 1);
    assert_int_equal(told.reason, HX_REASON_REFUSED);
    assert_int_equal(told.n_connect, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_is_written_arrives_and_what_comes_is_told),
        TEST(a_write_larger_than_the_socket_takes_arrives_whole),
        TEST(a_close_drops_what_is_still_unsent),
        TEST(a_refused_connection_says_so_with_its_address),
        TEST(an_error_at_once_is_told_later),
        TEST(no_descriptors_left_is_internal),
        TEST(the_peers_orderly_end_is_closed_after_its_last_bytes),
        TEST(a_reset_is_closed),
        TEST(a_connection_with_itself_is_refused),
        TEST(what_is_written_waits_for_no_acknowledgement),
        TEST(what_the_peer_said_before_it_cut_us_off_is_told),
        TEST(a_stream_may_be_closed_in_each_callback),
        TEST(no_callback_comes_after_a_close_while_connecting),
        TEST(a_reset_of_ours_reaches_the_peer_as_one),
        TEST(a_unix_socket_serves_as_well),
        TEST(a_full_backlog_of_a_unix_socket_is_refused),
        TEST(every_allocation_may_fail),
        TEST(who_listens_does_not_hear_a_knock_that_is_reset),
        TEST(a_knock_where_nobody_listens_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A server on the test's loop, over TCP or a unix socket, with TLS or without: the other side of
 * what is under test. Its manner says what it does with a connection.
 */
#ifndef PEER_H
#define PEER_H

#include "loop_test.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <uv.h>

enum peer_manner {
    PEER_ECHOES,  /* greets, then sends back what comes */
    PEER_LISTENS, /* greets, then only counts */
    PEER_LEAVES,  /* greets and closes */
    PEER_RESETS   /* resets as soon as it has accepted */
};

struct peer {
    union {
        uv_stream_t stream;
        uv_tcp_t tcp;
        uv_pipe_t pipe;
        uv_handle_t handle;
    } uv;
    bool is_pipe;
    uint16_t port;
    enum peer_manner manner;
    const char *greeting; /* NULL: none */
    SSL_CTX *context;     /* NULL: no TLS; borrowed */
    struct peer_connection *connections;
    int n_accepted, n_ended;
    int last_status; /* how the last connection that ended has ended */
    size_t n_received;
    uint32_t digest;      /* of what was received, in its order: peer_digest() */
    bool has_goodbye;     /* the TLS client that spoke last has taken its leave */
    char server_name[64]; /* that the last TLS client asked for */
    int n_resumed;        /* sessions that TLS clients came back with */
};

struct peer_connection {
    union {
        uv_stream_t stream;
        uv_tcp_t tcp;
        uv_pipe_t pipe;
        uv_handle_t handle;
    } uv;
    struct peer *peer;
    struct peer_connection *next;
    SSL *ssl;
    BIO *in, *out;
    bool is_closing;
    char buffer[16384];
};

struct peer_write {
    uv_write_t request;
    char bytes[];
};

static inline void peer_on_connection_closed(uv_handle_t *handle)
{
    struct peer_connection *connection = handle->data;
    SSL_free(connection->ssl);
    free(connection);
}

static inline void peer_end(struct peer_connection *connection, int status)
{
    struct peer_connection **at = &connection->peer->connections;
    if (connection->is_closing) {
        return;
    }
    while (*at != connection) {
        at = &(*at)->next;
    }
    *at = connection->next;
    connection->is_closing = true;
    connection->peer->n_ended++;
    connection->peer->last_status = status;
    uv_close(&connection->uv.handle, peer_on_connection_closed);
}

static inline void peer_on_written(uv_write_t *request, int status)
{
    (void)status;
    free(request);
}

static inline void peer_send_raw(struct peer_connection *connection, const char *bytes, size_t len)
{
    struct peer_write *write = malloc(sizeof *write + len);
    assert_non_null(write);
    memcpy(write->bytes, bytes, len);
    uv_buf_t buffer = uv_buf_init(write->bytes, (unsigned)len);
    if (uv_write(&write->request, &connection->uv.stream, &buffer, 1, peer_on_written) != 0) {
        free(write);
    }
}

static inline void peer_flush(struct peer_connection *connection)
{
    char *bytes = NULL;
    long len = BIO_get_mem_data(connection->out, &bytes);
    if (len > 0) {
        peer_send_raw(connection, bytes, (size_t)len);
    }
    (void)BIO_reset(connection->out);
}

static inline void peer_send(struct peer_connection *connection, const char *bytes, size_t len)
{
    if (connection->ssl == NULL) {
        peer_send_raw(connection, bytes, len);
        return;
    }
    SSL_write(connection->ssl, bytes, (int)len);
    peer_flush(connection);
}

static inline void peer_on_shutdown(uv_shutdown_t *request, int status)
{
    (void)status;
    peer_end(request->handle->data, 0);
    free(request);
}

/* Closes when all has been sent. */
static inline void peer_leave(struct peer_connection *connection)
{
    uv_shutdown_t *request = malloc(sizeof *request);
    assert_non_null(request);
    if (connection->ssl != NULL && SSL_is_init_finished(connection->ssl)) {
        SSL_shutdown(connection->ssl);
        peer_flush(connection);
    }
    uv_shutdown(request, &connection->uv.stream, peer_on_shutdown);
}

static inline void peer_greet(struct peer_connection *connection)
{
    struct peer *peer = connection->peer;
    if (peer->greeting != NULL) {
        peer_send(connection, peer->greeting, strlen(peer->greeting));
    }
    if (peer->manner == PEER_LEAVES) {
        peer_leave(connection);
    }
}

/* Goes on with a digest of bytes; it begins with 0. */
static inline uint32_t peer_digest(uint32_t digest, const char *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        digest = digest * 31 + (unsigned char)bytes[i];
    }
    return digest;
}

static inline void peer_take(struct peer_connection *connection, const char *bytes, size_t len)
{
    connection->peer->n_received += len;
    connection->peer->digest = peer_digest(connection->peer->digest, bytes, len);
    if (connection->peer->manner == PEER_ECHOES) {
        peer_send(connection, bytes, len);
    }
}

static inline void peer_take_tls(struct peer_connection *connection, const char *bytes, size_t len)
{
    char plain[16384];
    int n;
    ERR_clear_error();
    BIO_write(connection->in, bytes, (int)len);
    if (!SSL_is_init_finished(connection->ssl)) {
        int result = SSL_accept(connection->ssl);
        const char *name = SSL_get_servername(connection->ssl, TLSEXT_NAMETYPE_host_name);
        snprintf(connection->peer->server_name, sizeof connection->peer->server_name, "%s",
                 name != NULL ? name : "");
        peer_flush(connection);
        if (result == 1) {
            connection->peer->n_resumed += SSL_session_reused(connection->ssl);
            peer_greet(connection);
        } else if (SSL_get_error(connection->ssl, result) != SSL_ERROR_WANT_READ) {
            peer_leave(connection);
            return;
        }
    }
    while (SSL_is_init_finished(connection->ssl) &&
           (n = SSL_read(connection->ssl, plain, sizeof plain)) > 0) {
        peer_take(connection, plain, (size_t)n);
    }
    connection->peer->has_goodbye =
        (SSL_get_shutdown(connection->ssl) & SSL_RECEIVED_SHUTDOWN) != 0;
    peer_flush(connection);
    ERR_clear_error();
}

static inline void peer_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer)
{
    struct peer_connection *connection = handle->data;
    (void)suggested;
    *buffer = uv_buf_init(connection->buffer, sizeof connection->buffer);
}

static inline void peer_on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buffer)
{
    struct peer_connection *connection = stream->data;
    if (n < 0) {
        peer_end(connection, (int)n);
    } else if (connection->ssl != NULL) {
        peer_take_tls(connection, buffer->base, (size_t)n);
    } else {
        peer_take(connection, buffer->base, (size_t)n);
    }
}

static inline void peer_start_tls(struct peer_connection *connection)
{
    connection->ssl = SSL_new(connection->peer->context);
    connection->in = BIO_new(BIO_s_mem());
    connection->out = BIO_new(BIO_s_mem());
    SSL_set_bio(connection->ssl, connection->in, connection->out);
}

static inline void peer_on_connection(uv_stream_t *listener, int status)
{
    struct peer *peer = listener->data;
    struct peer_connection *connection = calloc(1, sizeof *connection);
    assert_int_equal(status, 0);
    assert_non_null(connection);
    if (peer->is_pipe) {
        uv_pipe_init(listener->loop, &connection->uv.pipe, 0);
    } else {
        uv_tcp_init(listener->loop, &connection->uv.tcp);
    }
    connection->uv.handle.data = connection;
    connection->peer = peer;
    connection->next = peer->connections;
    peer->connections = connection;
    assert_int_equal(uv_accept(listener, &connection->uv.stream), 0);
    peer->n_accepted++;
    if (peer->manner == PEER_RESETS) {
        peer->connections = connection->next;
        peer->n_ended++;
        connection->is_closing = true;
        uv_tcp_close_reset(&connection->uv.tcp, peer_on_connection_closed);
        return;
    }
    uv_read_start(&connection->uv.stream, peer_alloc, peer_on_read);
    if (peer->context != NULL) {
        peer_start_tls(connection);
    } else {
        peer_greet(connection);
    }
}

/* Listens on a port of a loopback address; 0: a free one. */
static inline void peer_open_at(struct peer *peer, uv_loop_t *loop, enum peer_manner manner,
                                const char *host, uint16_t port)
{
    struct sockaddr_in address;
    int len = sizeof address;
    memset(peer, 0, sizeof *peer);
    signal(SIGPIPE, SIG_IGN);
    peer->manner = manner;
    uv_tcp_init(loop, &peer->uv.tcp);
    peer->uv.handle.data = peer;
    uv_ip4_addr(host, port, &address);
    assert_int_equal(uv_tcp_bind(&peer->uv.tcp, (const struct sockaddr *)&address, 0), 0);
    assert_int_equal(uv_listen(&peer->uv.stream, 16, peer_on_connection), 0);
    uv_tcp_getsockname(&peer->uv.tcp, (struct sockaddr *)&address, &len);
    peer->port = ntohs(address.sin_port);
}

/* Listens on a free port of 127.0.0.1. */
static inline void peer_open(struct peer *peer, uv_loop_t *loop, enum peer_manner manner)
{
    peer_open_at(peer, loop, manner, "127.0.0.1", 0);
}

/* Listens on a unix socket. */
static inline void peer_open_unix(struct peer *peer, uv_loop_t *loop, enum peer_manner manner,
                                  const char *path)
{
    memset(peer, 0, sizeof *peer);
    signal(SIGPIPE, SIG_IGN);
    peer->manner = manner;
    peer->is_pipe = true;
    uv_pipe_init(loop, &peer->uv.pipe, 0);
    peer->uv.handle.data = peer;
    assert_int_equal(uv_pipe_bind(&peer->uv.pipe, path), 0);
    assert_int_equal(uv_listen(&peer->uv.stream, 16, peer_on_connection), 0);
}

/* Closes all, and turns the loop once, after which the peer's memory is no longer needed. */
static inline void peer_close(struct peer *peer)
{
    while (peer->connections != NULL) {
        peer_end(peer->connections, 0);
    }
    uv_close(&peer->uv.handle, NULL);
    uv_run(peer->uv.handle.loop, UV_RUN_NOWAIT);
}

/* A port of 127.0.0.1 where nobody listens. */
static inline uint16_t peer_free_port(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (const struct sockaddr *)&address, len), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
    close(fd);
    return ntohs(address.sin_port);
}

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A small HTTP server on the test's own loop: it answers a path with the bytes of its route, and
 * remembers what it was asked and over how many connections.
 */
#ifndef HTTP_PEER_H
#define HTTP_PEER_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#define HTTP_PEER_MAX_CONNECTIONS 32

struct http_peer;

struct http_peer_route {
    const char *path;
    const char *reply;  /* NULL: none at all */
    const char *repeat; /* sent after it, without end; NULL: nothing */
    bool closes;        /* ends the connection behind the reply */
    bool resets;        /* the same, by RST */
};

/* A place for a connection; the server allocates nothing, so that tests may let allocations fail.
 */
struct http_peer_connection {
    uv_tcp_t tcp;
    uv_write_t write;
    struct http_peer *peer;
    const struct http_peer_route *route;
    bool is_taken;
    char in[2048];
    size_t in_len;
};

struct http_peer {
    uv_tcp_t listener;
    const struct http_peer_route *routes; /* ends with a NULL path */
    int port;
    int n_connections; /* that ever were */
    int n_open;
    int n_most_open;
    int n_requests;
    char request[2048]; /* the last one */
    struct http_peer_connection connections[HTTP_PEER_MAX_CONNECTIONS];
};

static inline void http_peer_on_gone(uv_handle_t *handle)
{
    struct http_peer_connection *connection = handle->data;
    connection->peer->n_open--;
    connection->is_taken = false;
}

static inline void http_peer_drop(struct http_peer_connection *connection)
{
    bool is_reset = connection->route != NULL && connection->route->resets;
    if (uv_is_closing((uv_handle_t *)&connection->tcp))
        return;
    if (is_reset)
        uv_tcp_close_reset(&connection->tcp, http_peer_on_gone);
    else
        uv_close((uv_handle_t *)&connection->tcp, http_peer_on_gone);
}

static inline void http_peer_on_written(uv_write_t *write, int status)
{
    struct http_peer_connection *connection = write->data;
    const struct http_peer_route *route = connection->route;
    if (status != 0 || route->closes || route->resets) {
        http_peer_drop(connection);
    } else if (route->repeat != NULL) {
        uv_buf_t buf =
            uv_buf_init((char *)(uintptr_t)route->repeat, (unsigned)strlen(route->repeat));
        uv_write(write, (uv_stream_t *)&connection->tcp, &buf, 1, http_peer_on_written);
    }
}

static inline void http_peer_answer(struct http_peer_connection *connection)
{
    struct http_peer *peer = connection->peer;
    char path[256] = "";
    peer->n_requests++;
    memcpy(peer->request, connection->in, connection->in_len);
    peer->request[connection->in_len] = '\0';
    connection->in_len = 0;
    if (sscanf(peer->request, "%*s %255s", path) != 1)
        abort();
    const struct http_peer_route *route = peer->routes;
    while (route->path != NULL && strcmp(route->path, path) != 0)
        route++;
    connection->route = route;
    connection->write.data = connection;
    const char *reply =
        route->path != NULL ? route->reply : "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n";
    if (reply == NULL && (route->closes || route->resets)) {
        http_peer_drop(connection);
    } else if (reply != NULL) {
        uv_buf_t buf = uv_buf_init((char *)(uintptr_t)reply, (unsigned)strlen(reply));
        uv_write(&connection->write, (uv_stream_t *)&connection->tcp, &buf, 1,
                 http_peer_on_written);
    }
}

static inline void http_peer_alloc(uv_handle_t *handle, size_t size, uv_buf_t *buf)
{
    struct http_peer_connection *connection = handle->data;
    (void)size;
    *buf = uv_buf_init(connection->in + connection->in_len,
                       (unsigned)(sizeof(connection->in) - 1 - connection->in_len));
}

static inline void http_peer_on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
    struct http_peer_connection *connection = stream->data;
    (void)buf;
    if (n < 0) {
        http_peer_drop(connection);
        return;
    }
    connection->in_len += (size_t)n;
    connection->in[connection->in_len] = '\0';
    if (strstr(connection->in, "\r\n\r\n") != NULL)
        http_peer_answer(connection);
}

static inline void http_peer_on_connection(uv_stream_t *listener, int status)
{
    struct http_peer *peer = listener->data;
    struct http_peer_connection *connection = peer->connections;
    const struct http_peer_connection *end = connection + HTTP_PEER_MAX_CONNECTIONS;
    while (connection < end && connection->is_taken)
        connection++;
    if (status != 0 || connection == end)
        abort();
    memset(connection, 0, sizeof(*connection));
    uv_tcp_init(listener->loop, &connection->tcp);
    connection->tcp.data = connection;
    connection->peer = peer;
    connection->is_taken = true;
    peer->n_connections++;
    peer->n_open++;
    if (peer->n_open > peer->n_most_open)
        peer->n_most_open = peer->n_open;
    uv_accept(listener, (uv_stream_t *)&connection->tcp);
    uv_read_start((uv_stream_t *)&connection->tcp, http_peer_alloc, http_peer_on_read);
}

/* Listens on a port of an address of this host; port 0: a free one. */
static inline void http_peer_open_at(struct http_peer *peer, uv_loop_t *loop, const char *host,
                                     int port, const struct http_peer_route *routes)
{
    struct sockaddr_in address;
    int len = sizeof(address);
    memset(peer, 0, sizeof(*peer));
    peer->routes = routes;
    uv_tcp_init(loop, &peer->listener);
    peer->listener.data = peer;
    uv_ip4_addr(host, port, &address);
    if (uv_tcp_bind(&peer->listener, (const struct sockaddr *)&address, 0) != 0 ||
        uv_listen((uv_stream_t *)&peer->listener, 16, http_peer_on_connection) != 0 ||
        uv_tcp_getsockname(&peer->listener, (struct sockaddr *)&address, &len) != 0)
        abort();
    peer->port = ntohs(address.sin_port);
}

static inline void http_peer_open(struct http_peer *peer, uv_loop_t *loop, const char *host,
                                  const struct http_peer_route *routes)
{
    http_peer_open_at(peer, loop, host, 0, routes);
}

/* The loop must turn after it. */
static inline void http_peer_close(struct http_peer *peer)
{
    for (size_t i = 0; i < HTTP_PEER_MAX_CONNECTIONS; i++)
        if (peer->connections[i].is_taken)
            http_peer_drop(&peer->connections[i]);
    if (!uv_is_closing((uv_handle_t *)&peer->listener))
        uv_close((uv_handle_t *)&peer->listener, NULL);
}

#endif

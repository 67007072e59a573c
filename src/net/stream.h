/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A connection over TCP or a unix socket, with TLS or without, on the loop.
 *
 *     hx_stream_open ─ on_connect ─ [hx_stream_secure ─ on_secure] ─ write … on_data … ─ on_end
 *
 * Errors come as on_end with a reason and a sentence, exactly once, and nothing after it; the
 * stream is dead then and wants to be closed all the same. hx_stream_close() may be called at any
 * time, also from within a callback: after it no callback comes, and the memory goes by itself when
 * the loop has closed the handle. The socket is close-on-exec; one that talks has TCP_NODELAY.
 *
 * No byte cap here: on_data is told of what came, the protocol above counts.
 */
#ifndef HX_NET_STREAM_H
#define HX_NET_STREAM_H

#include "health_exporter/check.h"
#include "net/address.h"

#include <openssl/ssl.h>

struct hx_stream;
struct hx_stream_pool;
struct uv_loop_s;

/* What the streams of a loop share: a buffer that they read into, one at a time, and blocks for
 * streams to come. A stream allocates nothing as long as the socket takes what it writes. NULL: out
 * of memory. */
struct hx_stream_pool *hx_stream_pool_new(struct uv_loop_s *loop);

/* Every stream has been closed by its owner; the loop may still have to close handles. Takes NULL.
 */
void hx_stream_pool_free(struct hx_stream_pool *pool);

/* What a connection is for. */
enum hx_stream_use {
    HX_STREAM_TALK, /* to write and read */
    /* Only to see whether the peer would take it. The last acknowledgement of the handshake waits
     * for a moment (40 ms and more): hx_stream_reset() from within on_connect comes before it, and
     * the application that listens there never hears of the connection. */
    HX_STREAM_KNOCK
};

struct hx_stream_events {
    void (*on_connect)(void *data);
    void (*on_secure)(void *data); /* the handshake is done and the peer verified */
    void (*on_data)(void *data, const char *bytes, size_t len);
    /* The end: reason closed with message "connection closed by peer" for an orderly end. */
    void (*on_end)(void *data, enum hx_reason reason, const char *message);
};

/* Begins to connect. events is borrowed for the stream's life (const tables). Errors that the
 * system reports at once come by on_end too, on a later turn of the loop. NULL: out of memory. */
struct hx_stream *hx_stream_open(struct hx_stream_pool *pool, const struct hx_address *address,
                                 enum hx_stream_use use, const struct hx_stream_events *events,
                                 void *data);

/* Begins the TLS handshake on a connected stream. name: for SNI (names only) and verification
 * (unless the context does not verify). */
void hx_stream_secure(struct hx_stream *stream, SSL_CTX *context, const char *name);

/* Sends a copy of the bytes. Before on_connect (or, once secured, before on_secure) not allowed. */
void hx_stream_write(struct hx_stream *stream, const void *bytes, size_t len);

/* Closes at once; takes NULL. */
void hx_stream_close(struct hx_stream *stream);

/* As hx_stream_close, but by RST, leaving no TIME_WAIT behind: for bare connect checks. */
void hx_stream_reset(struct hx_stream *stream);

/* The TLS session, for the certificate; NULL without TLS. Also valid within on_end. */
SSL *hx_stream_ssl(const struct hx_stream *stream);

#endif

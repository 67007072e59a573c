/* SPDX-License-Identifier: Apache-2.0 */
/* The TLS of a stream, for stream.c alone: bytes in, bytes out, no socket. */
#ifndef HX_NET_STREAM_TLS_H
#define HX_NET_STREAM_TLS_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>

struct hx_stream_tls;

enum hx_stream_tls_status {
    HX_STREAM_TLS_OK,     /* done, or bytes were read */
    HX_STREAM_TLS_WAIT,   /* wants bytes from the peer */
    HX_STREAM_TLS_CLOSED, /* the peer has said goodbye */
    HX_STREAM_TLS_FAILED  /* hx_tls_error_text() says why; there may be an alert to send */
};

/* A client session that expects the peer to be name. NULL: out of memory. */
struct hx_stream_tls *hx_stream_tls_new(SSL_CTX *context, const char *name);
void hx_stream_tls_free(struct hx_stream_tls *tls);

SSL *hx_stream_tls_ssl(const struct hx_stream_tls *tls);
bool hx_stream_tls_is_secure(const struct hx_stream_tls *tls);

/* Takes bytes that came from the peer. False: out of memory. */
bool hx_stream_tls_feed(struct hx_stream_tls *tls, const char *bytes, size_t len);

enum hx_stream_tls_status hx_stream_tls_handshake(struct hx_stream_tls *tls);
enum hx_stream_tls_status hx_stream_tls_read(struct hx_stream_tls *tls, char *buffer, size_t size,
                                             size_t *len);
enum hx_stream_tls_status hx_stream_tls_write(struct hx_stream_tls *tls, const void *bytes,
                                              size_t len);
/* Says goodbye. */
void hx_stream_tls_end(struct hx_stream_tls *tls);

/* What is to be sent to the peer, after each of the calls above; valid until _sent. */
size_t hx_stream_tls_output(struct hx_stream_tls *tls, const char **bytes);
void hx_stream_tls_sent(struct hx_stream_tls *tls);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * OpenSSL between two memory BIOs. Rules that OpenSSL makes necessary: its error queue belongs to
 * the thread, so it is emptied before each call, or an old error of another session would be taken
 * for one of this; and each call may leave output, even one that reads.
 */
#include "net/stream_tls.h"

#include "net/tls.h"

#include <limits.h>
#include <openssl/err.h>
#include <stdlib.h>

struct hx_stream_tls {
    SSL *ssl;
    BIO *in, *out; /* the session's */
    bool is_secure;
};

struct hx_stream_tls *hx_stream_tls_new(SSL_CTX *context, const char *name)
{
    struct hx_stream_tls *self = calloc(1, sizeof *self);
    if (self == NULL) {
        return NULL;
    }
    ERR_clear_error();
    self->ssl = SSL_new(context);
    self->in = BIO_new(BIO_s_mem());
    self->out = BIO_new(BIO_s_mem());
    if (self->ssl == NULL || self->in == NULL || self->out == NULL ||
        !hx_tls_expect_peer(self->ssl, name)) {
        BIO_free(self->in);
        BIO_free(self->out);
        SSL_free(self->ssl);
        free(self);
        return NULL;
    }
    /* An empty BIO is no end of file, there is only nothing yet. */
    BIO_set_mem_eof_return(self->in, -1);
    SSL_set_bio(self->ssl, self->in, self->out);
    SSL_set_connect_state(self->ssl);
    return self;
}

void hx_stream_tls_free(struct hx_stream_tls *tls)
{
    if (tls != NULL) {
        SSL_free(tls->ssl);
        free(tls);
    }
}

SSL *hx_stream_tls_ssl(const struct hx_stream_tls *tls)
{
    return tls->ssl;
}

bool hx_stream_tls_is_secure(const struct hx_stream_tls *tls)
{
    return tls->is_secure;
}

bool hx_stream_tls_feed(struct hx_stream_tls *tls, const char *bytes, size_t len)
{
    return len <= INT_MAX && BIO_write(tls->in, bytes, (int)len) == (int)len;
}

static enum hx_stream_tls_status status_of(const struct hx_stream_tls *tls, int result)
{
    if (result > 0) {
        return HX_STREAM_TLS_OK;
    }
    switch (SSL_get_error(tls->ssl, result)) {
    case SSL_ERROR_WANT_READ:
        return HX_STREAM_TLS_WAIT;
    case SSL_ERROR_ZERO_RETURN:
        return HX_STREAM_TLS_CLOSED;
    default:
        return HX_STREAM_TLS_FAILED;
    }
}

enum hx_stream_tls_status hx_stream_tls_handshake(struct hx_stream_tls *tls)
{
    ERR_clear_error();
    enum hx_stream_tls_status status = status_of(tls, SSL_do_handshake(tls->ssl));
    tls->is_secure = status == HX_STREAM_TLS_OK;
    return status;
}

enum hx_stream_tls_status hx_stream_tls_read(struct hx_stream_tls *tls, char *buffer, size_t size,
                                             size_t *len)
{
    ERR_clear_error();
    return status_of(tls, SSL_read_ex(tls->ssl, buffer, size, len));
}

enum hx_stream_tls_status hx_stream_tls_write(struct hx_stream_tls *tls, const void *bytes,
                                              size_t len)
{
    size_t written;
    ERR_clear_error();
    return len == 0 ? HX_STREAM_TLS_OK
                    : status_of(tls, SSL_write_ex(tls->ssl, bytes, len, &written));
}

void hx_stream_tls_end(struct hx_stream_tls *tls)
{
    ERR_clear_error();
    (void)SSL_shutdown(tls->ssl);
    ERR_clear_error();
}

size_t hx_stream_tls_output(struct hx_stream_tls *tls, const char **bytes)
{
    char *data = NULL;
    long len = BIO_get_mem_data(tls->out, &data);
    *bytes = data;
    return len > 0 ? (size_t)len : 0;
}

void hx_stream_tls_sent(struct hx_stream_tls *tls)
{
    (void)BIO_reset(tls->out);
}

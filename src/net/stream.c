/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Happy path: open → on_connected → (secure → handshake, fed by on_read) → write, on_read … → the
 * peer's end → on_end → close.
 *
 * Failure modes: what libuv tells in a callback ends the stream there. What fails within a call
 * of ours (connect that is refused by the system at once, no memory to write) must not call back
 * from there: end_later() closes the handle, and its close callback tells.
 * A write that the peer has cut off (EPIPE, ECONNRESET) tells nothing: the reader may still find
 * what the peer said before, and finds the end itself.
 *
 * Who frees what: the stream's block goes back to the spares when its handle is closed and its
 * owner has closed it, whichever comes last; so the spares outlive the pool, whose buffer only an
 * open stream uses. Nothing is freed between, so a callback may close the stream under our feet and
 * we only have to look at its state. A write request is one block with its bytes, freed by its
 * callback, which libuv calls before the handle's close callback.
 */
#include "net/stream.h"

#include "base/spares.h"
#include "net/stream_socket.h"
#include "net/stream_tls.h"
#include "net/tls.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#define READ_SIZE    16384
#define MESSAGE_SIZE 256

/* Streams that are not in use; many more checks begin between two turns of the loop only when they
 * are late. */
#define MAX_SPARES 256

enum state {
    STATE_CONNECTING,
    STATE_OPEN,
    STATE_ENDING, /* the end is known and not yet told */
    STATE_ENDED,  /* on_end has been called */
    STATE_CLOSED  /* by the owner: no callback any more */
};

struct hx_stream_pool {
    uv_loop_t *loop;
    struct hx_spares *streams;
    char buffer[READ_SIZE]; /* what is in it counts from on_allocate to the end of on_read */
};

struct hx_stream {
    union hx_stream_socket uv;
    struct hx_stream_pool *pool; /* not once the owner has closed the stream */
    struct hx_spares *home;      /* where the block goes */
    const struct hx_stream_events *events;
    void *data;
    struct hx_stream_tls *tls; /* NULL: plain */
    enum state state;
    bool is_handle_closed;
    enum hx_reason end_reason; /* with STATE_ENDING */
    char *end_message;         /* with STATE_ENDING; NULL: out of memory */
    uv_connect_t connect;
    struct hx_address peer;
};

struct write {
    uv_write_t request;
    char bytes[];
};

static void on_connected(uv_connect_t *request, int status);
static void on_allocate(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer);
static void on_read(uv_stream_t *handle, ssize_t n, const uv_buf_t *buffer);
static void on_written(uv_write_t *request, int status);
static void on_closed(uv_handle_t *handle);

static void stream_free(struct hx_stream *stream)
{
    hx_stream_tls_free(stream->tls);
    free(stream->end_message);
    hx_spares_give(stream->home, stream);
}

static void end(struct hx_stream *stream, enum hx_reason reason, const char *message)
{
    if (stream->state == STATE_CONNECTING || stream->state == STATE_OPEN) {
        stream->state = STATE_ENDED;
        uv_read_stop(&stream->uv.stream);
        stream->events->on_end(stream->data, reason, message);
    }
}

/* For the insides of functions that the owner has called. */
static void end_later(struct hx_stream *stream, enum hx_reason reason, const char *message)
{
    if (stream->state == STATE_CONNECTING || stream->state == STATE_OPEN) {
        stream->state = STATE_ENDING;
        stream->end_reason = reason;
        stream->end_message = strdup(message);
        uv_close(&stream->uv.handle, on_closed);
    }
}

/* "connect 127.0.0.1:6379: connection refused" */
static void describe(const struct hx_stream *stream, const char *what, int status,
                     char message[MESSAGE_SIZE])
{
    char address[HX_ADDRESS_TEXT_SIZE];
    char error[96];
    snprintf(message, MESSAGE_SIZE, "%s %s: %s", what, hx_address_text(&stream->peer, address),
             uv_strerror_r(status, error, sizeof error));
}

static enum hx_reason reason_of(const struct hx_stream *stream, int status)
{
    /* A unix socket whose backlog is full: nobody accepts. TCP would have waited. */
    if (status == UV_EAGAIN && stream->peer.u.sa.sa_family == AF_UNIX) {
        return HX_REASON_REFUSED;
    }
    return hx_reason_from_errno(-status);
}

static void end_by_status(struct hx_stream *stream, const char *what, int status)
{
    char message[MESSAGE_SIZE];
    describe(stream, what, status, message);
    end(stream, reason_of(stream, status), message);
}

static void end_later_by_status(struct hx_stream *stream, const char *what, int status)
{
    char message[MESSAGE_SIZE];
    describe(stream, what, status, message);
    end_later(stream, reason_of(stream, status), message);
}

static void end_by_tls(struct hx_stream *stream)
{
    char message[MESSAGE_SIZE];
    hx_tls_error_text(hx_stream_tls_ssl(stream->tls), message, sizeof message);
    end(stream, HX_REASON_TLS, message);
}

static void end_later_by_tls(struct hx_stream *stream)
{
    char message[MESSAGE_SIZE];
    hx_tls_error_text(hx_stream_tls_ssl(stream->tls), message, sizeof message);
    end_later(stream, HX_REASON_TLS, message);
}

static void end_by_peer(struct hx_stream *stream)
{
    bool is_shaking_hands = stream->tls != NULL && !hx_stream_tls_is_secure(stream->tls);
    end(stream, HX_REASON_CLOSED,
        is_shaking_hands ? "connection closed by peer during the TLS handshake"
                         : "connection closed by peer");
}

/* Sends at once what the socket takes, the rest from a copy. 0, or libuv's code. */
static int send_bytes(struct hx_stream *stream, const char *bytes, size_t len)
{
    uv_buf_t now = {.len = len};
    memcpy(&now.base, &bytes, sizeof now.base); /* only read from, though libuv asks no const */
    int sent = uv_try_write(&stream->uv.stream, &now, 1);
    size_t done = sent > 0 ? (size_t)sent : 0;
    if (done == len) {
        return 0;
    }
    struct write *write = malloc(sizeof *write + len - done);
    if (write == NULL) {
        return UV_ENOMEM;
    }
    memcpy(write->bytes, bytes + done, len - done);
    uv_buf_t rest = {.base = write->bytes, .len = len - done};
    int status = uv_write(&write->request, &stream->uv.stream, &rest, 1, on_written);
    if (status != 0) {
        free(write);
    }
    return status;
}

static void on_written(uv_write_t *request, int status)
{
    struct hx_stream *stream = request->handle->data;
    free(request); /* the block's first member */
    if (status != 0 && status != UV_ECANCELED && status != UV_EPIPE && status != UV_ECONNRESET) {
        end_by_status(stream, "write to", status);
    }
}

/* Sends what TLS has to say. 0, or libuv's code. */
static int flush_tls(struct hx_stream *stream)
{
    const char *bytes = NULL;
    size_t len = hx_stream_tls_output(stream->tls, &bytes);
    int status = len > 0 ? send_bytes(stream, bytes, len) : 0;
    hx_stream_tls_sent(stream->tls);
    return status;
}

static void on_connected(uv_connect_t *request, int status)
{
    struct hx_stream *stream = request->handle->data;
    if (stream->state != STATE_CONNECTING) {
        return;
    }
    if (status == 0 && hx_stream_socket_met_itself(&stream->uv, &stream->peer)) {
        status = UV_ECONNREFUSED;
    }
    if (status != 0) {
        end_by_status(stream, "connect", status);
        return;
    }
    stream->state = STATE_OPEN;
    stream->events->on_connect(stream->data);
    if (stream->state != STATE_OPEN) {
        return;
    }
    status = uv_read_start(&stream->uv.stream, on_allocate, on_read);
    if (status != 0) {
        end_by_status(stream, "read from", status);
    }
}

static void on_allocate(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer)
{
    const struct hx_stream *stream = handle->data;
    (void)suggested;
    buffer->base = stream->pool->buffer;
    buffer->len = READ_SIZE;
}

/* Goes on with the handshake. True when it is done and the stream is still open. */
static bool shake_hands(struct hx_stream *stream)
{
    enum hx_stream_tls_status status = hx_stream_tls_handshake(stream->tls);
    int sent = flush_tls(stream);
    switch (status) {
    case HX_STREAM_TLS_FAILED:
        end_by_tls(stream);
        return false;
    case HX_STREAM_TLS_CLOSED:
        end_by_peer(stream);
        return false;
    case HX_STREAM_TLS_WAIT:
    case HX_STREAM_TLS_OK:
        break;
    }
    if (sent != 0) {
        end_by_status(stream, "write to", sent);
    } else if (status == HX_STREAM_TLS_OK) {
        stream->events->on_secure(stream->data);
    }
    return status == HX_STREAM_TLS_OK && stream->state == STATE_OPEN;
}

/* One step of reading what TLS has; false when there is no more. */
static bool read_tls(struct hx_stream *stream, char *buffer, size_t size)
{
    size_t len = 0;
    enum hx_stream_tls_status status = hx_stream_tls_read(stream->tls, buffer, size, &len);
    int sent = flush_tls(stream);
    switch (status) {
    case HX_STREAM_TLS_FAILED:
        end_by_tls(stream);
        break;
    case HX_STREAM_TLS_CLOSED:
        end_by_peer(stream);
        break;
    case HX_STREAM_TLS_OK:
        stream->events->on_data(stream->data, buffer, len);
        break;
    case HX_STREAM_TLS_WAIT:
        break;
    }
    if (sent != 0) {
        end_by_status(stream, "write to", sent);
    }
    return status == HX_STREAM_TLS_OK && stream->state == STATE_OPEN;
}

/* The buffer's bytes go to OpenSSL, and it then serves for what comes out of there. */
static void receive_tls(struct hx_stream *stream, char *buffer, size_t len)
{
    if (!hx_stream_tls_feed(stream->tls, buffer, len)) {
        end_by_status(stream, "read from", UV_ENOMEM);
        return;
    }
    if (!hx_stream_tls_is_secure(stream->tls) && !shake_hands(stream)) {
        return;
    }
    while (read_tls(stream, buffer, READ_SIZE)) {
    }
}

static void on_read(uv_stream_t *handle, ssize_t n, const uv_buf_t *buffer)
{
    struct hx_stream *stream = handle->data;
    if (n == UV_EOF) {
        end_by_peer(stream);
    } else if (n < 0) {
        end_by_status(stream, "read from", (int)n);
    } else if (n > 0 && stream->tls != NULL) {
        receive_tls(stream, buffer->base, (size_t)n);
    } else if (n > 0) {
        stream->events->on_data(stream->data, buffer->base, (size_t)n);
    }
}

static void on_closed(uv_handle_t *handle)
{
    struct hx_stream *stream = handle->data;
    stream->is_handle_closed = true;
    if (stream->state == STATE_CLOSED) {
        stream_free(stream);
        return;
    }
    char *message = stream->end_message;
    stream->end_message = NULL;
    stream->state = STATE_ENDED;
    stream->events->on_end(stream->data, stream->end_reason,
                           message != NULL ? message : "out of memory");
    free(message);
}

struct hx_stream_pool *hx_stream_pool_new(uv_loop_t *loop)
{
    struct hx_stream_pool *self = malloc(sizeof *self);
    if (self == NULL) {
        return NULL;
    }
    self->loop = loop;
    self->streams = hx_spares_new(sizeof(struct hx_stream), MAX_SPARES);
    if (self->streams == NULL) {
        free(self);
        return NULL;
    }
    return self;
}

void hx_stream_pool_free(struct hx_stream_pool *pool)
{
    if (pool != NULL) {
        hx_spares_close(pool->streams);
        free(pool);
    }
}

struct hx_stream *hx_stream_open(struct hx_stream_pool *pool, const struct hx_address *address,
                                 enum hx_stream_use use, const struct hx_stream_events *events,
                                 void *data)
{
    struct hx_stream *self = hx_spares_take(pool->streams);
    if (self == NULL) {
        return NULL;
    }
    memset(self, 0, sizeof *self);
    self->pool = pool;
    self->home = pool->streams;
    self->events = events;
    self->data = data;
    self->peer = *address;
    int status =
        hx_stream_socket_open(&self->uv, pool->loop, address, use, &self->connect, on_connected);
    self->uv.handle.data = self;
    if (status != 0) {
        end_later_by_status(self, "connect", status);
    }
    return self;
}

void hx_stream_secure(struct hx_stream *stream, SSL_CTX *context, const char *name)
{
    assert(stream->state == STATE_OPEN && stream->tls == NULL);
    stream->tls = hx_stream_tls_new(context, name);
    if (stream->tls == NULL) {
        end_later_by_status(stream, "secure", UV_ENOMEM);
        return;
    }
    enum hx_stream_tls_status status = hx_stream_tls_handshake(stream->tls);
    int sent = flush_tls(stream);
    if (status == HX_STREAM_TLS_FAILED) {
        end_later_by_tls(stream);
    } else if (sent != 0) {
        end_later_by_status(stream, "write to", sent);
    }
}

void hx_stream_write(struct hx_stream *stream, const void *bytes, size_t len)
{
    if (stream->state != STATE_OPEN) {
        return; /* its end is about to be told */
    }
    enum hx_stream_tls_status status = HX_STREAM_TLS_OK;
    int sent;
    if (stream->tls == NULL) {
        sent = send_bytes(stream, bytes, len);
    } else {
        assert(hx_stream_tls_is_secure(stream->tls));
        status = hx_stream_tls_write(stream->tls, bytes, len);
        sent = flush_tls(stream);
    }
    if (status != HX_STREAM_TLS_OK) {
        end_later_by_tls(stream);
    } else if (sent != 0) {
        end_later_by_status(stream, "write to", sent);
    }
}

/* Says goodbye as far as the socket takes it at once; servers log a session that just breaks off.
 */
static void say_goodbye(struct hx_stream *stream)
{
    const char *bytes = NULL;
    hx_stream_tls_end(stream->tls);
    uv_buf_t goodbye = {.len = hx_stream_tls_output(stream->tls, &bytes)};
    memcpy(&goodbye.base, &bytes, sizeof goodbye.base);
    (void)uv_try_write(&stream->uv.stream, &goodbye, 1);
}

static void close_stream(struct hx_stream *stream, bool is_reset)
{
    enum state before = stream->state;
    stream->state = STATE_CLOSED;
    if (stream->is_handle_closed) {
        stream_free(stream);
        return;
    }
    if (before == STATE_ENDING) {
        return; /* the handle is closing, on_closed frees */
    }
    if (is_reset && uv_tcp_close_reset(&stream->uv.tcp, on_closed) == 0) {
        return;
    }
    if (before == STATE_OPEN && stream->tls != NULL && hx_stream_tls_is_secure(stream->tls)) {
        say_goodbye(stream);
    }
    uv_close(&stream->uv.handle, on_closed);
}

void hx_stream_close(struct hx_stream *stream)
{
    if (stream != NULL) {
        close_stream(stream, false);
    }
}

void hx_stream_reset(struct hx_stream *stream)
{
    if (stream != NULL) {
        close_stream(stream, stream->peer.u.sa.sa_family != AF_UNIX);
    }
}

SSL *hx_stream_ssl(const struct hx_stream *stream)
{
    return stream->tls != NULL ? hx_stream_tls_ssl(stream->tls) : NULL;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Happy path: start → on_resolved → try_next → on_connect → (on_secure) → the kind's on_ready, then
 * its on_data and on_end.
 *
 * Failure modes: a lookup that fails ends the check. An address that fails before it is ready, or
 * is silent for its share of the time that is left, makes room for the next; the last one has all
 * the rest, until the engine's deadline, and its failure ends the check.
 *
 * Who frees what: everything hangs on the dial and goes with make_idle(). Stream and lookup see to
 * themselves once closed; the candidates are one block with their timer, and go back to the spares,
 * from its close callback if the timer was needed. The check is ended last, because the engine may
 * cancel and begin anew from there.
 */
#include "kinds/dial.h"

#include "base/clock.h"
#include "base/spares.h"
#include "net/tls.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

/* Of candidates, which are in use only while a connection is being made. */
#define MAX_SPARES 64

struct shared {
    struct hx_stream_pool *streams;
    struct hx_spares *candidates;
};

struct hx_dial_candidates {
    struct hx_spares *home;
    struct hx_dial *dial;
    uv_timer_t timer; /* ends an address' share; its data: this block */
    bool has_timer;   /* it has been needed: there was another address to try */
    size_t n, next;
    struct hx_address addresses[HX_RESOLVER_MAX_ADDRESSES];
};

static void on_resolved(void *data, const struct hx_resolved *resolved);
static void on_connect(void *data);
static void on_secure(void *data);
static void on_data(void *data, const char *bytes, size_t len);
static void on_end(void *data, enum hx_reason reason, const char *message);
static void on_share_over(uv_timer_t *timer);
static void on_timer_closed(uv_handle_t *handle);

static const struct hx_stream_events events = {
    .on_connect = on_connect, .on_secure = on_secure, .on_data = on_data, .on_end = on_end};

/* What is only needed until an address has worked. */
static void forget_candidates(struct hx_dial *dial)
{
    struct hx_dial_candidates *candidates = dial->candidates;
    dial->candidates = NULL;
    if (candidates != NULL && candidates->has_timer) {
        uv_close((uv_handle_t *)&candidates->timer, on_timer_closed);
    } else if (candidates != NULL) {
        hx_spares_give(candidates->home, candidates);
    }
}

static void disconnect(struct hx_dial *dial)
{
    if (dial->stream == NULL) {
        return;
    }
    hx_stream_close(dial->stream);
    dial->stream = NULL;
    hx_check_connection_closed(dial->check);
}

static void make_idle(struct hx_dial *dial)
{
    hx_lookup_cancel(dial->lookup);
    disconnect(dial);
    forget_candidates(dial);
    *dial = (struct hx_dial){0};
}

static void fail(struct hx_dial *dial, enum hx_reason reason, const char *message)
{
    struct hx_check *check = dial->check;
    make_idle(dial);
    hx_check_fail(check, reason, "%s", message);
}

/* Gives the address being tried its share of the time that is left, if there is another one. */
static void limit_share(struct hx_dial *dial, size_t n_left)
{
    struct hx_dial_candidates *candidates = dial->candidates;
    struct uv_loop_s *loop = hx_check_loop(dial->check);
    if (n_left == 1) {
        if (candidates->has_timer) {
            uv_timer_stop(&candidates->timer);
        }
        return;
    }
    if (!candidates->has_timer) {
        uv_timer_init(loop, &candidates->timer);
        candidates->timer.data = candidates;
        candidates->has_timer = true;
    }
    int64_t left_ns = hx_check_deadline_ns(dial->check) - (int64_t)uv_hrtime();
    int64_t share_ms = left_ns / (int64_t)n_left / HX_NS_PER_MS;
    uv_update_time(loop);
    uv_timer_start(&candidates->timer, on_share_over, share_ms > 0 ? (uint64_t)share_ms : 0, 0);
}

static void try_next(struct hx_dial *dial)
{
    const struct shared *shared = hx_check_shared(dial->check);
    struct hx_dial_candidates *candidates = dial->candidates;
    const struct hx_address *address = &candidates->addresses[candidates->next];
    limit_share(dial, candidates->n - candidates->next);
    candidates->next++;
    hx_check_enter(dial->check, HX_PHASE_CONNECT);
    dial->stream = hx_stream_open(shared->streams, address, dial->plan.use, &events, dial);
    if (dial->stream == NULL) {
        fail(dial, HX_REASON_INTERNAL, "connect: out of memory");
    } else {
        hx_check_connection_opened(dial->check);
    }
}

/* Tries these addresses, of which there is at least one. */
static void try_all(struct hx_dial *dial, const struct hx_address *addresses, size_t n)
{
    const struct shared *shared = hx_check_shared(dial->check);
    assert(n <= HX_RESOLVER_MAX_ADDRESSES);
    dial->candidates = hx_spares_take(shared->candidates);
    if (dial->candidates == NULL) {
        fail(dial, HX_REASON_INTERNAL, "connect: out of memory");
        return;
    }
    dial->candidates->home = shared->candidates;
    dial->candidates->dial = dial;
    dial->candidates->has_timer = false;
    dial->candidates->n = n;
    dial->candidates->next = 0;
    memcpy(dial->candidates->addresses, addresses, n * sizeof *addresses);
    try_next(dial);
}

static void on_resolved(void *data, const struct hx_resolved *resolved)
{
    struct hx_dial *dial = data;
    dial->lookup = NULL;
    if (resolved->n == 0) {
        fail(dial, resolved->reason, resolved->message);
        return;
    }
    try_all(dial, resolved->addresses, resolved->n);
}

static void become_ready(struct hx_dial *dial)
{
    dial->is_ready = true;
    forget_candidates(dial);
    dial->plan.on_ready(dial->check);
}

static void on_connect(void *data)
{
    struct hx_dial *dial = data;
    const struct hx_dependency *dependency = hx_check_dependency(dial->check);
    const char *server_name = dependency->policy.tls.server_name;
    if (dial->plan.context == NULL) {
        become_ready(dial);
        return;
    }
    hx_check_enter(dial->check, HX_PHASE_TLS);
    hx_stream_secure(dial->stream, dial->plan.context,
                     server_name != NULL ? server_name : dependency->url.host);
}

/* Also when the peer was refused: just then its expiry is of interest. */
static void note_certificate(const struct hx_dial *dial)
{
    SSL *ssl = hx_stream_ssl(dial->stream);
    int64_t expiry = ssl != NULL ? hx_tls_certificate_expiry(ssl) : 0;
    if (expiry != 0) {
        hx_check_certificate_expiry(dial->check, expiry);
    }
}

static void on_secure(void *data)
{
    struct hx_dial *dial = data;
    note_certificate(dial);
    become_ready(dial);
}

static void on_data(void *data, const char *bytes, size_t len)
{
    struct hx_dial *dial = data;
    dial->plan.on_data(dial->check, bytes, len);
}

static void on_end(void *data, enum hx_reason reason, const char *message)
{
    struct hx_dial *dial = data;
    if (dial->is_ready) {
        dial->plan.on_end(dial->check, reason, message);
        return;
    }
    note_certificate(dial);
    if (dial->candidates->next == dial->candidates->n) {
        fail(dial, reason, message);
        return;
    }
    disconnect(dial);
    try_next(dial);
}

static void on_share_over(uv_timer_t *timer)
{
    struct hx_dial *dial = ((struct hx_dial_candidates *)timer->data)->dial;
    disconnect(dial);
    try_next(dial);
}

static void on_timer_closed(uv_handle_t *handle)
{
    struct hx_dial_candidates *candidates = handle->data;
    hx_spares_give(candidates->home, candidates);
}

void hx_dial_start(struct hx_dial *dial, struct hx_check *check, const struct hx_dial_plan *plan)
{
    assert(dial->check == NULL);
    dial->check = check;
    dial->plan = *plan;
    dial->plan.host = NULL;
    if (plan->host[0] != '/') {
        hx_check_enter(check, HX_PHASE_RESOLVE);
        hx_resolver_lookup(hx_check_resolver(check), plan->host, plan->port, on_resolved, dial,
                           &dial->lookup);
        return;
    }
    struct hx_address address;
    if (hx_address_unix(plan->host, &address)) {
        try_all(dial, &address, 1);
    } else {
        fail(dial, HX_REASON_INTERNAL, "the path of the unix socket is too long");
    }
}

void hx_dial_cancel(struct hx_dial *dial)
{
    make_idle(dial);
}

void hx_dial_reset(struct hx_dial *dial)
{
    if (dial->stream != NULL) {
        hx_stream_reset(dial->stream);
        dial->stream = NULL;
        hx_check_connection_closed(dial->check);
    }
    make_idle(dial);
}

enum hx_errcode hx_dial_attach(struct uv_loop_s *loop, void **shared, struct hx_error *err)
{
    struct shared *self = calloc(1, sizeof *self);
    if (self != NULL) {
        self->streams = hx_stream_pool_new(loop);
        self->candidates = hx_spares_new(sizeof(struct hx_dial_candidates), MAX_SPARES);
    }
    if (self == NULL || self->streams == NULL || self->candidates == NULL) {
        hx_dial_detach(self);
        return hx_error_set(err, HX_ERR_NOMEM, "out of memory");
    }
    *shared = self;
    return HX_OK;
}

void hx_dial_detach(void *shared)
{
    struct shared *self = shared;
    if (self != NULL) {
        hx_stream_pool_free(self->streams);
        hx_spares_close(self->candidates);
        free(self);
    }
}

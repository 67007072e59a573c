/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Happy path: open → on_resolved → attempt → on_poll: PQconnectPoll … → become_ready → on_ready,
 * then on_event at each event.
 *
 * An attempt that fails is followed by another one
 *  - at the same address, in plain, when the server said that it has no TLS and the mode allows it;
 *  - at the same address, without startup options, when it refused them (pgbouncer does);
 *  - at the next address, when there is no connection to this one, or no login in its share of
 *    the time.
 * A refused login is never followed by another: it could lock the account. The last failure ends
 * the check.
 *
 * The dance with libpq 15 and libuv 1.44: the poll handle is stopped before PQconnectPoll(), which
 * may close the socket, and started again after it, because the same number may be another socket
 * then; a new number gets a new handle. An error event (UV_EBADF, for any POLLERR) says nothing by
 * itself: libpq is asked, as if the socket were ready, and finds the reason.
 *
 * Who frees what: the poll handle is closed before PQfinish() closes its socket, and frees itself;
 * so does the timer. Everything else goes in hx_postgres_link_close(). There is never a second
 * connection before the first is finished.
 */
#include "kinds/postgres_link.h"

#include "base/clock.h"
#include "kinds/postgres_reason.h"
#include "kinds/postgres_settings.h"
#include "net/tls.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What a check may receive in one connect or one query. */
#define MAX_BYTES INT64_C(1048576)

static void attempt(struct hx_postgres_link *link);
static void on_share_over(uv_timer_t *timer);
static void on_poll(uv_poll_t *poll, int status, int events);

static void on_closed(uv_handle_t *handle)
{
    free(handle);
}

/* ---- the socket */

static void unwatch(struct hx_postgres_link *link)
{
    if (link->poll != NULL) {
        uv_close((uv_handle_t *)link->poll, on_closed);
        link->poll = NULL;
    }
    link->events = 0;
}

static void finish_connection(struct hx_postgres_link *link)
{
    unwatch(link);
    if (link->conn != NULL) {
        PQfinish(link->conn);
        hx_check_connection_closed(link->check);
    }
    link->conn = NULL;
    link->is_ready = false;
}

static void forget_addresses(struct hx_postgres_link *link)
{
    free(link->addresses);
    link->addresses = NULL;
    link->n_addresses = link->next_address = 0;
    if (link->timer != NULL) {
        uv_close((uv_handle_t *)link->timer, on_closed);
        link->timer = NULL;
    }
}

void hx_postgres_link_close(struct hx_postgres_link *link)
{
    hx_lookup_cancel(link->lookup);
    link->lookup = NULL;
    forget_addresses(link);
    finish_connection(link);
}

/* Ends the check; nothing stays open. */
static void fail(struct hx_postgres_link *link, enum hx_reason reason, const char *message)
{
    link->is_plain = link->is_without_limits = false;
    hx_postgres_link_close(link);
    hx_check_finish(link->check, reason, message);
}

/* Makes a handle for the connection's socket, if the one that is there is of another. */
static int open_poll(struct hx_postgres_link *link)
{
    int fd = PQsocket(link->conn);

    if (link->poll != NULL && link->fd == fd) {
        return 0;
    }
    unwatch(link);
    uv_poll_t *poll = calloc(1, sizeof(*poll));
    if (poll == NULL) {
        return UV_ENOMEM;
    }
    int error = uv_poll_init_socket(hx_check_loop(link->check), poll, fd);
    if (error != 0) {
        free(poll);
        return error;
    }
    poll->data = link;
    link->poll = poll;
    link->fd = fd;
    hx_flood_narrow(fd);
    return 0;
}

bool hx_postgres_link_watch(struct hx_postgres_link *link, int events)
{
    char message[96];

    if (link->poll != NULL && link->events == events) {
        return true;
    }
    int error = open_poll(link);
    if (error == 0) {
        error = uv_poll_start(link->poll, events, on_poll);
    }
    if (error != 0) {
        snprintf(message, sizeof(message), "cannot watch the socket: %s", uv_strerror(error));
        fail(link, HX_REASON_INTERNAL, message);
        return false;
    }
    link->events = events;
    return true;
}

void hx_postgres_link_count(struct hx_postgres_link *link)
{
    hx_flood_begin(&link->flood);
}

bool hx_postgres_link_is_flooded(struct hx_postgres_link *link)
{
    return hx_flood_is_over(&link->flood, PQsocket(link->conn), MAX_BYTES);
}

/* ---- connecting */

static void on_notice(void *argument, const PGresult *result)
{
    (void)argument;
    (void)result;
}

static char *peer_text(const struct hx_postgres_link *link, char text[HX_ADDRESS_TEXT_SIZE])
{
    const struct hx_postgres_settings *settings = hx_check_settings(link->check);

    if (link->n_addresses > 0) {
        return hx_address_text(&link->addresses[link->next_address], text);
    }
    snprintf(text, HX_ADDRESS_TEXT_SIZE, "unix:%s", settings->socket_directory);
    return text;
}

/* While there is no connection any failure is of the address, also one of this host: ::1 where it
 * has no IPv6. */
static bool is_worth_the_next(const struct hx_postgres_link *link)
{
    return link->next_address + 1 < link->n_addresses && link->phase == HX_PHASE_CONNECT;
}

/* What this failure teaches about the server; true when it is worth another attempt. */
static bool learn(struct hx_postgres_link *link, const char *text,
                  const struct hx_postgres_failure *failure)
{
    if (!link->is_plain && hx_postgres_lacks_tls(text) &&
        hx_postgres_may_be_plain(hx_check_dependency(link->check))) {
        link->is_plain = true;
        return true;
    }
    /* Before it has asked for a password: after that it has refused a login. */
    if (!link->is_without_limits && strcmp(failure->sqlstate, "08P01") == 0 &&
        !PQconnectionUsedPassword(link->conn)) {
        link->is_without_limits = true;
        return true;
    }
    return false;
}

static void attempt_failed(struct hx_postgres_link *link)
{
    struct hx_postgres_failure failure;
    char peer[HX_ADDRESS_TEXT_SIZE];
    char message[HX_ADDRESS_TEXT_SIZE + sizeof(failure.message) + 2];
    const char *text = PQerrorMessage(link->conn);

    hx_postgres_explain_text(text, link->phase != HX_PHASE_CONNECT, &failure);
    if (learn(link, text, &failure)) {
        attempt(link);
    } else if (is_worth_the_next(link)) {
        link->next_address++;
        attempt(link);
    } else {
        snprintf(message, sizeof(message), "%s: %s", peer_text(link, peer), failure.message);
        fail(link, failure.reason, message);
    }
}

static void enter(struct hx_postgres_link *link, enum hx_phase phase)
{
    if (link->phase != phase) {
        link->phase = phase;
        hx_check_enter(link->check, phase);
    }
}

/* The phase that libpq is in, as far as it shows. */
static void note_phase(struct hx_postgres_link *link)
{
    switch (PQstatus(link->conn)) {
    case CONNECTION_STARTED:
        enter(link, HX_PHASE_CONNECT);
        break;
    case CONNECTION_SSL_STARTUP:
    case CONNECTION_GSS_STARTUP:
        enter(link, HX_PHASE_TLS);
        break;
    case CONNECTION_MADE:
    case CONNECTION_AWAITING_RESPONSE:
    case CONNECTION_AUTH_OK:
    case CONNECTION_SETENV:
    case CONNECTION_CHECK_WRITABLE:
    case CONNECTION_CONSUME:
    case CONNECTION_CHECK_TARGET:
    case CONNECTION_CHECK_STANDBY:
        enter(link, HX_PHASE_AUTH);
        break;
    case CONNECTION_OK:
    case CONNECTION_BAD:
    case CONNECTION_NEEDED:
        break;
    }
}

static void note_certificate(const struct hx_postgres_link *link)
{
    const SSL *ssl = PQsslStruct(link->conn, "OpenSSL");
    int64_t expiry = ssl != NULL ? hx_tls_certificate_expiry(ssl) : 0;

    if (expiry != 0) {
        hx_check_certificate_expiry(link->check, expiry);
    }
}

static void become_ready(struct hx_postgres_link *link)
{
    forget_addresses(link);
    if (PQsetnonblocking(link->conn, 1) != 0) {
        fail(link, HX_REASON_INTERNAL, "out of memory");
        return;
    }
    note_certificate(link);
    link->is_ready = true;
    if (hx_postgres_link_watch(link, UV_READABLE)) {
        link->on_ready(link->check);
    }
}

static void advance(struct hx_postgres_link *link)
{
    /* Stopped before and started after, even if nothing seems to have changed. */
    uv_poll_stop(link->poll);
    link->events = 0;
    PostgresPollingStatusType polled = PQconnectPoll(link->conn);

    note_phase(link);
    switch (polled) {
    case PGRES_POLLING_READING:
        if (hx_postgres_link_is_flooded(link)) {
            fail(link, HX_REASON_LIMIT, "more than 1 MiB before the login was over");
        } else {
            hx_postgres_link_watch(link, UV_READABLE);
        }
        break;
    case PGRES_POLLING_WRITING:
        hx_postgres_link_watch(link, UV_WRITABLE);
        break;
    case PGRES_POLLING_OK:
        become_ready(link);
        break;
    case PGRES_POLLING_FAILED:
    case PGRES_POLLING_ACTIVE:
        attempt_failed(link);
        break;
    }
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    struct hx_postgres_link *link = poll->data;

    (void)events;
    if (status < 0) {
        link->events = 0; /* libuv has stopped it */
    }
    if (link->is_ready) {
        link->on_event(link->check);
    } else {
        advance(link);
    }
}

/* Gives the address that is tried its share of the time that is left, if there is another one
 * after it. False, and the check ended: out of memory. */
static bool limit_share(struct hx_postgres_link *link)
{
    size_t n_left = link->n_addresses - link->next_address;

    if (n_left < 2) {
        if (link->timer != NULL) {
            uv_timer_stop(link->timer);
        }
        return true;
    }
    if (link->timer == NULL) {
        link->timer = calloc(1, sizeof(*link->timer));
        if (link->timer == NULL) {
            fail(link, HX_REASON_INTERNAL, "out of memory");
            return false;
        }
        uv_timer_init(hx_check_loop(link->check), link->timer);
        link->timer->data = link;
    }
    int64_t left_ns = hx_check_deadline_ns(link->check) - (int64_t)uv_hrtime();
    int64_t share_ms = left_ns / (int64_t)n_left / HX_NS_PER_MS;
    uv_update_time(hx_check_loop(link->check));
    uv_timer_start(link->timer, on_share_over, share_ms > 0 ? (uint64_t)share_ms : 0, 0);
    return true;
}

/* One connection to the address that is next, or to the unix socket. */
static void attempt(struct hx_postgres_link *link)
{
    struct hx_postgres_params params;
    struct hx_postgres_attempt how = {.is_plain = link->is_plain,
                                      .is_without_limits = link->is_without_limits};
    char host[HX_ADDRESS_TEXT_SIZE];

    finish_connection(link);
    if (!limit_share(link)) {
        return;
    }
    if (link->n_addresses > 0) {
        how.hostaddr = hx_address_host_text(&link->addresses[link->next_address], host);
    }
    hx_postgres_params(hx_check_dependency(link->check), &how, &params);
    hx_postgres_link_count(link);
    enter(link, HX_PHASE_CONNECT);
    link->conn = PQconnectStartParams(params.keys, params.values, 0);
    if (link->conn == NULL) {
        fail(link, HX_REASON_INTERNAL, "out of memory");
        return;
    }
    hx_check_connection_opened(link->check);
    PQsetNoticeReceiver(link->conn, on_notice, NULL);
    PQsetErrorVerbosity(link->conn, PQERRORS_SQLSTATE);
    if (PQstatus(link->conn) == CONNECTION_BAD) {
        attempt_failed(link);
    } else {
        hx_postgres_link_watch(link, UV_WRITABLE);
    }
}

static void on_share_over(uv_timer_t *timer)
{
    struct hx_postgres_link *link = timer->data;

    link->next_address++;
    attempt(link);
}

static void on_resolved(void *data, const struct hx_resolved *resolved)
{
    struct hx_postgres_link *link = data;

    link->lookup = NULL;
    if (resolved->n == 0) {
        fail(link, resolved->reason, resolved->message);
        return;
    }
    link->addresses = calloc(resolved->n, sizeof(*link->addresses));
    if (link->addresses == NULL) {
        fail(link, HX_REASON_INTERNAL, "out of memory");
        return;
    }
    memcpy(link->addresses, resolved->addresses, resolved->n * sizeof(*link->addresses));
    link->n_addresses = resolved->n;
    attempt(link);
}

void hx_postgres_link_open(struct hx_postgres_link *link, struct hx_check *check)
{
    const struct hx_dependency *dependency = hx_check_dependency(check);
    const struct hx_postgres_settings *settings = hx_check_settings(check);
    uint16_t port = dependency->url.port != 0 ? dependency->url.port : HX_POSTGRES_DEFAULT_PORT;

    link->check = check;
    link->phase = HX_PHASE_RESOLVE;
    if (settings->socket_directory != NULL) {
        attempt(link);
        return;
    }
    hx_check_enter(check, HX_PHASE_RESOLVE);
    hx_resolver_lookup(hx_check_resolver(check), dependency->url.host, port, on_resolved, link,
                       &link->lookup);
}

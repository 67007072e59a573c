/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From libmicrohttpd's callbacks to a handler. The state of a request lies in its connection's
 * entry of the guard, so that a request costs no allocation; it is made when the connection is
 * accepted and freed when libmicrohttpd is about to close the descriptor.
 *
 * Out of memory: a connection without an entry is shut down, a request without a response ends its
 * connection.
 */
#include "web/exchange.h"

#include "web/handlers.h"
#include "web/headers.h"
#include "web/json_body.h"
#include "web/reply.h"
#include "web/tls.h"

#include <stdlib.h>
#include <string.h>

/* ---- what is asked ---- */

const char *hx_exchange_field(const struct hx_exchange *exchange, const char *name)
{
    return MHD_lookup_connection_value(exchange->mhd, MHD_HEADER_KIND, name);
}

bool hx_exchange_asks_for(const struct hx_exchange *exchange, const char *key)
{
    return MHD_lookup_connection_value_n(exchange->mhd, MHD_GET_ARGUMENT_KIND, key, strlen(key),
                                         NULL, NULL) == MHD_YES;
}

bool hx_exchange_knows(const struct hx_exchange *exchange, const char *etag)
{
    return hx_etag_matches(hx_exchange_field(exchange, MHD_HTTP_HEADER_IF_NONE_MATCH), etag);
}

/* ---- replies ---- */

enum MHD_Result hx_exchange_send(struct hx_exchange *exchange, unsigned status,
                                 struct MHD_Response *response)
{
    if (response == NULL)
        return MHD_NO;
    struct hx_web *web = exchange->web;
    if (web->gate.has_headers && !hx_headers_apply(response, &web->gate.rules->access->headers))
        return MHD_NO;
    hx_guard_enter(&web->guard, exchange->connection, HX_STAGE_REPLY, web->now_ns);
    hx_counts_add(&web->counts, exchange->route, status);
    return MHD_queue_response(exchange->mhd, status, response);
}

enum MHD_Result hx_exchange_send_take(struct hx_exchange *exchange, unsigned status,
                                      struct MHD_Response *response)
{
    if (response == NULL)
        return MHD_NO;
    enum MHD_Result result = hx_exchange_send(exchange, status, response);
    MHD_destroy_response(response);
    return result;
}

enum MHD_Result hx_exchange_send_constant(struct hx_exchange *exchange, unsigned status,
                                          enum hx_constant constant)
{
    return hx_exchange_send(exchange, status,
                            exchange->web->constants.responses[constant][exchange->is_closing]);
}

enum MHD_Result hx_exchange_send_error(struct hx_exchange *exchange, unsigned status,
                                       const char *sentence)
{
    return hx_exchange_send_take(exchange, status,
                                 hx_response_error(sentence, exchange->is_closing));
}

enum MHD_Result hx_exchange_send_error_take(struct hx_exchange *exchange, unsigned status,
                                            struct hx_strbuf *sentence)
{
    enum MHD_Result result =
        sentence->is_failed ? MHD_NO
                            : hx_exchange_send_error(exchange, status, hx_strbuf_text(sentence));
    hx_strbuf_fini(sentence);
    return result;
}

enum MHD_Result hx_exchange_send_error_with(struct hx_exchange *exchange, unsigned status,
                                            const char *sentence, const char *name,
                                            const char *value)
{
    struct MHD_Response *response = hx_response_error(sentence, exchange->is_closing);
    if (response != NULL && MHD_add_response_header(response, name, value) != MHD_YES) {
        MHD_destroy_response(response);
        response = NULL;
    }
    return hx_exchange_send_take(exchange, status, response);
}

enum MHD_Result hx_exchange_send_later(struct hx_exchange *exchange, const char *sentence)
{
    return hx_exchange_send_error_with(exchange, MHD_HTTP_SERVICE_UNAVAILABLE, sentence,
                                       "Retry-After", "1");
}

enum MHD_Result hx_exchange_send_unknown(struct hx_exchange *exchange)
{
    struct hx_strbuf sentence;
    hx_strbuf_init(&sentence);
    hx_shard_write_unknown(&exchange->web->options.board->shard, exchange->name, &sentence);
    return hx_exchange_send_error_take(exchange, MHD_HTTP_NOT_FOUND, &sentence);
}

/* ---- a connection ---- */

/* Gives its TLS session, if it has one, the rules that hold now. */
static bool begin_tls(struct hx_web *web, struct MHD_Connection *mhd, struct hx_client *client)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_GNUTLS_SESSION);
    if (info == NULL || info->tls_session == NULL)
        return true;
    client->rules = hx_rules_ref(web->gate.rules);
    return hx_tls_begin(client->rules, info->tls_session);
}

void hx_on_connection(void *cls, struct MHD_Connection *mhd, void **context,
                      enum MHD_ConnectionNotificationCode code)
{
    struct hx_web *web = cls;
    if (code == MHD_CONNECTION_NOTIFY_CLOSED) {
        if (*context != NULL) {
            hx_later_drop(web, *context);
            hx_guard_remove(&web->guard, *context);
            hx_gauge_set(web->counts.connections, (double)web->guard.n);
        }
        *context = NULL;
        return;
    }
    int fd = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
    *context = hx_guard_add(&web->guard, fd, web->accepting, web->now_ns);
    hx_gauge_set(web->counts.connections, (double)web->guard.n);
    if (*context == NULL || !begin_tls(web, mhd, *context))
        shutdown(fd, SHUT_RDWR);
}

/* ---- a request ---- */

void *hx_on_target(void *cls, const char *target, struct MHD_Connection *mhd)
{
    (void)cls;
    struct hx_client *connection =
        MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
    if (connection != NULL)
        connection->fault = hx_target_check(target);
    return connection;
}

static enum MHD_Result on_field(void *cls, enum MHD_ValueKind kind, const char *name,
                                size_t name_len, const char *value, size_t value_len)
{
    (void)kind;
    hx_head_note(cls, name, name_len, value == NULL ? "" : value, value_len);
    return MHD_YES;
}

/* The head is complete. What is refused is answered here, and its connection closed. */
static enum MHD_Result on_head(struct hx_exchange *exchange, const char *version)
{
    struct hx_client *connection = exchange->connection;
    enum hx_method method = exchange->method;
    struct hx_head head = {0};
    const struct hx_fault *fault = connection->fault;
    bool is_reading = method == HX_METHOD_GET || method == HX_METHOD_HEAD;
    if (fault == NULL) {
        MHD_get_connection_values_n(exchange->mhd, MHD_HEADER_KIND, on_field, &head);
        fault = hx_head_check(&head, version, method);
    }
    /* The reply to a GET comes at its end, and leaves the connection open. */
    bool is_late = fault == NULL && is_reading && hx_route_allows(exchange->route, method);
    enum MHD_Result result;
    if (!is_late && !hx_gate_admit(exchange, &result))
        return result;
    if (fault != NULL)
        return hx_exchange_send_error(exchange, fault->status, fault->sentence);
    if (exchange->route == HX_ROUTE_OTHER && !is_reading)
        return hx_exchange_send_constant(exchange, MHD_HTTP_NOT_FOUND, HX_CONSTANT_NOT_FOUND);
    if (!hx_route_allows(exchange->route, method))
        return hx_exchange_send_error_with(exchange, MHD_HTTP_METHOD_NOT_ALLOWED,
                                           "this path does not take that method", "Allow",
                                           hx_route_allow(exchange->route));
    if (is_reading)
        return MHD_YES;
    fault = hx_body_check(&head, hx_route_takes_body(exchange->route, method));
    if (fault == NULL && head.content_length > 0)
        fault = hx_json_body_check(exchange);
    if (fault != NULL)
        return hx_exchange_send_error(exchange, fault->status, fault->sentence);
    connection->body_size = head.content_length;
    hx_guard_enter(&exchange->web->guard, connection, HX_STAGE_BODY, exchange->web->now_ns);
    return MHD_YES;
}

/* A piece of the body, whose announced size was checked at the head. */
static enum MHD_Result on_data(struct hx_client *connection, const char *data, size_t *len)
{
    if (connection->body == NULL)
        connection->body = malloc(connection->body_size + 1);
    if (connection->body == NULL || *len > connection->body_size - connection->body_len)
        return MHD_NO;
    memcpy(connection->body + connection->body_len, data, *len);
    connection->body_len += *len;
    connection->body[connection->body_len] = '\0';
    *len = 0;
    return MHD_YES;
}

/* NOLINTNEXTLINE(readability-function-size): the type is the library's */
enum MHD_Result hx_on_request(void *cls, struct MHD_Connection *mhd, const char *url,
                              const char *method, const char *version, const char *data,
                              size_t *data_len, void **context)
{
    struct hx_web *web = cls;
    struct hx_client *connection = *context;
    if (connection == NULL)
        return MHD_NO;
    if (*data_len > 0)
        return on_data(connection, data, data_len);
    struct hx_exchange exchange = {
        .web = web, .mhd = mhd, .connection = connection, .method = hx_method_parse(method)};
    if (connection->fault == NULL)
        exchange.route = hx_route_find(url, web->options.telemetry_path, &exchange.name);
    /* After a body the connection is not used again: where the next request would begin is the
     * question that smuggling is made of. */
    exchange.is_closing =
        connection->body_size > 0 ||
        atomic_load_explicit(&web->is_stopping, memory_order_relaxed) ||
        atomic_load_explicit(&web->options.board->is_draining, memory_order_relaxed);
    if (!connection->is_seen) {
        connection->is_seen = true;
        return on_head(&exchange, version);
    }
    if (connection->later != NULL)
        return hx_later_resume(&exchange);
    enum MHD_Result result;
    if ((!connection->is_admitted && !hx_gate_admit(&exchange, &result)) ||
        !hx_gate_identify(&exchange, &result))
        return result;
    return hx_handlers[exchange.route](&exchange);
}

void hx_on_completed(void *cls, struct MHD_Connection *mhd, void **context,
                     enum MHD_RequestTerminationCode code)
{
    (void)mhd;
    (void)code;
    struct hx_web *web = cls;
    if (*context != NULL)
        hx_guard_enter(&web->guard, *context, HX_STAGE_HEAD, web->now_ns);
    *context = NULL;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The routes that only show what is prepared, and the table of them all. */
#include "web/handlers.h"

#include "web/heartbeat_route.h"
#include "web/lifecycle.h"
#include "web/metrics_page.h"
#include "web/probes.h"
#include "web/reply.h"

static enum MHD_Result handle_other(struct hx_exchange *exchange)
{
    exchange->route = HX_ROUTE_OTHER;
    return hx_exchange_send_constant(exchange, MHD_HTTP_NOT_FOUND, HX_CONSTANT_NOT_FOUND);
}

static enum MHD_Result handle_page(struct hx_exchange *exchange, enum hx_page_kind kind)
{
    const struct hx_body *body =
        hx_bodies_page(&exchange->web->bodies, kind, exchange->web->now_ns, exchange->is_closing);
    if (body == NULL)
        return MHD_NO;
    return hx_exchange_send(exchange, body->status, body->response);
}

static enum MHD_Result handle_landing(struct hx_exchange *exchange)
{
    return handle_page(exchange, HX_PAGE_LANDING);
}

static enum MHD_Result handle_livez(struct hx_exchange *exchange)
{
    int64_t stalled_ns;
    if (hx_board_is_live(exchange->web->options.board, exchange->web->now_ns, &stalled_ns))
        return hx_exchange_send_constant(exchange, MHD_HTTP_OK, HX_CONSTANT_LIVE);
    struct hx_strbuf buf;
    hx_strbuf_init(&buf);
    unsigned status = hx_probe_livez(&buf, false, stalled_ns);
    return hx_exchange_send_take(exchange, status,
                                 hx_response_take(&buf, HX_TYPE_JSON, exchange->is_closing));
}

static enum MHD_Result handle_readyz(struct hx_exchange *exchange)
{
    return handle_page(exchange, HX_PAGE_READYZ);
}

static enum MHD_Result handle_startupz(struct hx_exchange *exchange)
{
    return handle_page(exchange, HX_PAGE_STARTUPZ);
}

static enum MHD_Result handle_dependency(struct hx_exchange *exchange)
{
    const struct hx_body *body;
    enum hx_errcode code = hx_bodies_dependency(&exchange->web->bodies, exchange->name,
                                                exchange->web->now_ns, exchange->is_closing, &body);
    if (code == HX_ERR_NOTFOUND)
        return hx_exchange_send_unknown(exchange);
    if (code != HX_OK)
        return MHD_NO;
    return hx_exchange_send(exchange, body->status, body->response);
}

static enum MHD_Result handle_version(struct hx_exchange *exchange)
{
    return hx_exchange_send_constant(exchange, MHD_HTTP_OK, HX_CONSTANT_VERSION);
}

static enum MHD_Result handle_healthy(struct hx_exchange *exchange)
{
    bool is_live = hx_board_is_live(exchange->web->options.board, exchange->web->now_ns, NULL);
    return is_live ? hx_exchange_send_constant(exchange, MHD_HTTP_OK, HX_CONSTANT_HEALTHY)
                   : hx_exchange_send_constant(exchange, MHD_HTTP_SERVICE_UNAVAILABLE,
                                               HX_CONSTANT_NOT_HEALTHY);
}

static enum MHD_Result handle_ready(struct hx_exchange *exchange)
{
    const struct hx_body *body = hx_bodies_page(&exchange->web->bodies, HX_PAGE_READYZ,
                                                exchange->web->now_ns, exchange->is_closing);
    if (body == NULL)
        return MHD_NO;
    return hx_exchange_send_constant(exchange, body->status,
                                     body->status == MHD_HTTP_OK ? HX_CONSTANT_READY
                                                                 : HX_CONSTANT_NOT_READY);
}

const hx_handler hx_handlers[HX_N_ROUTES] = {
    [HX_ROUTE_OTHER] = handle_other,
    [HX_ROUTE_LANDING] = handle_landing,
    [HX_ROUTE_LIVEZ] = handle_livez,
    [HX_ROUTE_READYZ] = handle_readyz,
    [HX_ROUTE_STARTUPZ] = handle_startupz,
    [HX_ROUTE_DEPENDENCY] = handle_dependency,
    [HX_ROUTE_DETAILED] = handle_other,
    [HX_ROUTE_VERSION] = handle_version,
    [HX_ROUTE_METRICS] = hx_metrics_page_handle,
    [HX_ROUTE_OPENAPI] = handle_other,
    [HX_ROUTE_HEALTHY] = handle_healthy,
    [HX_ROUTE_READY] = handle_ready,
    [HX_ROUTE_HEARTBEAT] = hx_heartbeat_handle,
    [HX_ROUTE_RELOAD] = hx_reload_handle,
    [HX_ROUTE_MAINTENANCE] = hx_maintenance_handle,
};

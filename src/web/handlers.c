/* SPDX-License-Identifier: Apache-2.0 */
/* The routes that only show what is prepared, and the table of them all. */
#include "web/handlers.h"

#include "health_exporter/exporter.h"
#include "web/badge.h"
#include "web/detailed.h"
#include "web/heartbeat_route.h"
#include "web/lifecycle.h"
#include "web/metrics_page.h"
#include "web/probe_routes.h"
#include "web/reply.h"
#include "web/status_page.h"

static enum MHD_Result handle_other(struct hx_exchange *exchange)
{
    return hx_exchange_send_constant(exchange, MHD_HTTP_NOT_FOUND, HX_CONSTANT_NOT_FOUND);
}

/* 200 with one of the files, or 304 when the client has it already: libmicrohttpd leaves the body
 * out then. */
static enum MHD_Result send_file(struct hx_exchange *exchange, enum hx_constant constant)
{
    const struct hx_constants *constants = &exchange->web->constants;
    bool is_known = hx_exchange_knows(exchange, constants->etags[constant]);
    return hx_exchange_send(exchange, is_known ? MHD_HTTP_NOT_MODIFIED : MHD_HTTP_OK,
                            constants->responses[constant][exchange->is_closing]);
}

static void put_member(struct hx_strbuf *buf, const char *key, const char *value)
{
    if (value == NULL || value[0] == '\0')
        return;
    hx_strbuf_put_json(buf, key);
    hx_strbuf_putc(buf, ':');
    hx_strbuf_put_json(buf, value);
    hx_strbuf_putc(buf, ',');
}

/* What the service did not tell about itself is left out. */
static enum MHD_Result handle_version(struct hx_exchange *exchange)
{
    struct hx_service service = hx_service_of(hx_bodies_follow(&exchange->web->bodies));
    struct hx_strbuf buf;
    hx_strbuf_init(&buf);
    hx_strbuf_putc(&buf, '{');
    put_member(&buf, "version", service.version);
    put_member(&buf, "commit_hash", service.commit);
    put_member(&buf, "service", service.name);
    hx_strbuf_puts(&buf, "\"exporter\":{\"version\":");
    hx_strbuf_put_json(&buf, hx_version());
    hx_strbuf_puts(&buf, ",\"revision\":");
    hx_strbuf_put_json(&buf, hx_revision());
    hx_strbuf_puts(&buf, "}}");
    return hx_exchange_send_take(exchange, MHD_HTTP_OK,
                                 hx_response_take(&buf, HX_TYPE_JSON, exchange->is_closing));
}

static enum MHD_Result handle_openapi(struct hx_exchange *exchange)
{
    return send_file(exchange, HX_CONSTANT_OPENAPI);
}

static enum MHD_Result handle_style(struct hx_exchange *exchange)
{
    return send_file(exchange, HX_CONSTANT_STYLE);
}

static enum MHD_Result handle_script(struct hx_exchange *exchange)
{
    return send_file(exchange, HX_CONSTANT_SCRIPT);
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
    const struct hx_body *body =
        hx_bodies_page(&exchange->web->bodies, HX_PAGE_READYZ, HX_DIALECT_JSON,
                       exchange->web->now_ns, exchange->is_closing);
    if (body == NULL)
        return MHD_NO;
    return hx_exchange_send_constant(exchange, body->status,
                                     body->status == MHD_HTTP_OK ? HX_CONSTANT_READY
                                                                 : HX_CONSTANT_NOT_READY);
}

const hx_handler hx_handlers[HX_N_ROUTES] = {
    [HX_ROUTE_OTHER] = handle_other,
    [HX_ROUTE_PAGE] = hx_status_page_handle,
    [HX_ROUTE_STYLE] = handle_style,
    [HX_ROUTE_SCRIPT] = handle_script,
    [HX_ROUTE_BADGE] = hx_badge_handle,
    [HX_ROUTE_DEPENDENCY_BADGE] = hx_dependency_badge_handle,
    [HX_ROUTE_LIVEZ] = hx_livez_handle,
    [HX_ROUTE_READYZ] = hx_readyz_handle,
    [HX_ROUTE_STARTUPZ] = hx_startupz_handle,
    [HX_ROUTE_DEPENDENCY] = hx_dependency_handle,
    [HX_ROUTE_DETAILED] = hx_detailed_handle,
    [HX_ROUTE_VERSION] = handle_version,
    [HX_ROUTE_METRICS] = hx_metrics_page_handle,
    [HX_ROUTE_OPENAPI] = handle_openapi,
    [HX_ROUTE_HEALTHY] = handle_healthy,
    [HX_ROUTE_READY] = handle_ready,
    [HX_ROUTE_HEARTBEAT] = hx_heartbeat_handle,
    [HX_ROUTE_RELOAD] = hx_reload_handle,
    [HX_ROUTE_MAINTENANCE] = hx_maintenance_handle,
};

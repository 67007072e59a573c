/* SPDX-License-Identifier: Apache-2.0 */
/* The body is strict JSON of two keys; what is done with it is the engine's, by hx_web_actions. */
#include "web/heartbeat_route.h"

#include "base/clock.h"
#include "base/utf8.h"
#include "web/json_body.h"

#include <string.h>

static enum hx_errcode take_status(const char *text, void *into, struct hx_error *err)
{
    struct hx_report *report = into;
    report->is_pass = strcmp(text, "pass") == 0;
    if (!report->is_pass && strcmp(text, "fail") != 0)
        return hx_error_set(err, HX_ERR_INVALID, "\"status\" must be \"pass\" or \"fail\"");
    return HX_OK;
}

static enum hx_errcode take_message(const char *text, void *into, struct hx_error *err)
{
    (void)err;
    struct hx_report *report = into;
    size_t len = strlen(text);
    if (len >= sizeof(report->message))
        len = hx_utf8_cut(text, sizeof(report->message) - 1);
    memcpy(report->message, text, len);
    report->message[len] = '\0';
    return HX_OK;
}

enum hx_errcode hx_heartbeat_parse(const char *body, size_t len, struct hx_report *report,
                                   struct hx_error *err)
{
    static const struct hx_json_key keys[] = {
        {"status", take_status}, {"message", take_message}, {NULL, NULL}};
    *report = (struct hx_report){.is_pass = true};
    return hx_json_body_read(body, len, keys, "{\"status\":\"pass\"}", report, err);
}

enum MHD_Result hx_heartbeat_handle(struct hx_exchange *exchange)
{
    const struct hx_client *connection = exchange->connection;
    const struct hx_web_actions *actions = &exchange->web->options.actions;
    struct hx_report report;
    struct hx_error err;
    enum hx_errcode code =
        hx_heartbeat_parse(connection->body, connection->body_len, &report, &err);
    if (code == HX_ERR_INVALID)
        return hx_exchange_send_error(exchange, MHD_HTTP_BAD_REQUEST, err.message);
    if (code != HX_OK)
        return MHD_NO;
    report.arrived_ns = hx_clock_monotonic_ns();
    code = actions->report(actions->data, exchange->name, &report, &err);
    if (code == HX_OK)
        return hx_exchange_send_constant(exchange, MHD_HTTP_NO_CONTENT, HX_CONSTANT_NO_CONTENT);
    if (code == HX_ERR_NOTFOUND)
        return hx_exchange_send_unknown(exchange);
    if (code == HX_ERR_UNSUPPORTED)
        return hx_exchange_send_error(exchange, MHD_HTTP_CONFLICT,
                                      "this dependency is no heartbeat");
    return hx_exchange_send_later(exchange, "the report cannot be taken now");
}

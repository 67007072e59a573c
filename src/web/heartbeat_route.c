/* SPDX-License-Identifier: Apache-2.0 */
/* The body is strict JSON of two keys; what is done with it is the engine's, by hx_web_actions. */
#include "web/heartbeat_route.h"

#include "base/clock.h"
#include "base/utf8.h"
#include "web/reply.h"

#include <json-c/json.h>
#include <string.h>
#include <strings.h>

/* The object, and values that are refused by their type. */
#define MAX_DEPTH 2

const struct hx_fault *hx_heartbeat_check(struct hx_exchange *exchange)
{
    static const struct hx_fault bad_type = {MHD_HTTP_UNSUPPORTED_MEDIA_TYPE,
                                             "the body must be application/json"};
    const char *type =
        MHD_lookup_connection_value(exchange->mhd, MHD_HEADER_KIND, MHD_HTTP_HEADER_CONTENT_TYPE);
    if (type == NULL)
        return NULL;
    size_t len = strcspn(type, "; \t");
    bool is_json = len == strlen(HX_TYPE_JSON) && strncasecmp(type, HX_TYPE_JSON, len) == 0;
    return is_json ? NULL : &bad_type;
}

static enum hx_errcode take_status(struct json_object *value, struct hx_report *report,
                                   struct hx_error *err)
{
    const char *text =
        json_object_is_type(value, json_type_string) ? json_object_get_string(value) : "";
    report->is_pass = strcmp(text, "pass") == 0;
    if (!report->is_pass && strcmp(text, "fail") != 0)
        return hx_error_set(err, HX_ERR_INVALID, "\"status\" must be \"pass\" or \"fail\"");
    return HX_OK;
}

static enum hx_errcode take_message(struct json_object *value, struct hx_report *report,
                                    struct hx_error *err)
{
    if (!json_object_is_type(value, json_type_string))
        return hx_error_set(err, HX_ERR_INVALID, "\"message\" must be a string");
    const char *text = json_object_get_string(value);
    size_t len = (size_t)json_object_get_string_len(value);
    if (strlen(text) != len)
        return hx_error_set(err, HX_ERR_INVALID, "\"message\" may not hold a NUL");
    if (len >= sizeof(report->message))
        len = hx_utf8_cut(text, sizeof(report->message) - 1);
    memcpy(report->message, text, len);
    report->message[len] = '\0';
    return HX_OK;
}

static enum hx_errcode take_object(struct json_object *object, struct hx_report *report,
                                   struct hx_error *err)
{
    enum hx_errcode code = HX_OK;
    json_object_object_foreach(object, key, value)
    {
        if (strcmp(key, "status") == 0)
            code = take_status(value, report, err);
        else if (strcmp(key, "message") == 0)
            code = take_message(value, report, err);
        else
            code = hx_error_set(err, HX_ERR_INVALID,
                                "unknown key: \"status\" and \"message\" are taken");
        if (code != HX_OK)
            break;
    }
    return code;
}

enum hx_errcode hx_heartbeat_parse(const char *body, size_t len, struct hx_report *report,
                                   struct hx_error *err)
{
    *report = (struct hx_report){.is_pass = true};
    if (len == 0)
        return HX_OK;
    struct json_tokener *tokener = json_tokener_new_ex(MAX_DEPTH);
    if (tokener == NULL)
        return hx_error_set(err, HX_ERR_NOMEM, "out of memory");
    json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
    struct json_object *object = json_tokener_parse_ex(tokener, body, (int)len);
    enum hx_errcode code = HX_ERR_INVALID;
    if (json_tokener_get_error(tokener) != json_tokener_success ||
        !json_object_is_type(object, json_type_object))
        hx_error_set(err, code,
                     "the body must be a JSON object such as {\"status\":\"pass\"}, or empty");
    else
        code = take_object(object, report, err);
    json_object_put(object);
    json_tokener_free(tokener);
    return code;
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

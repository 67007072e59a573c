/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The routes of the lifecycle API. A reload reads files, so its answer comes later: its thread
 * renders the answer where it has the outcome, and the web thread sends it.
 */
#include "web/lifecycle.h"

#include "base/clock.h"
#include "base/units.h"
#include "web/json_body.h"
#include "web/later.h"
#include "web/reply.h"

#include <stdlib.h>
#include <string.h>

#define MAX_DURATION_NS (30 * 24 * 3600 * HX_NS_PER_S)

static enum MHD_Result send_disabled(struct hx_exchange *exchange)
{
    return hx_exchange_send_error(exchange, MHD_HTTP_FORBIDDEN,
                                  "the lifecycle API is not enabled (--web.enable-lifecycle)");
}

/* ---- reload ---- */

struct reloading {
    struct hx_later later;
    enum hx_errcode code; /* of the asking */
    unsigned status;
    struct hx_strbuf body;
};

static void put_names(struct hx_strbuf *buf, const char *key, const struct hx_strings *names)
{
    hx_strbuf_printf(buf, ",\"%s\":[", key);
    for (size_t i = 0; i < names->n; i++) {
        if (i > 0)
            hx_strbuf_putc(buf, ',');
        hx_strbuf_put_json(buf, names->items[i]);
    }
    hx_strbuf_putc(buf, ']');
}

static void put_error(struct hx_strbuf *buf, const struct hx_reload_error *error)
{
    hx_strbuf_puts(buf, "{\"file\":");
    hx_strbuf_put_json(buf, error->file);
    hx_strbuf_printf(buf, ",\"line\":%d,\"column\":%d,\"message\":", error->line, error->column);
    hx_strbuf_put_json(buf, error->message);
    hx_strbuf_putc(buf, '}');
}

unsigned hx_reload_render(struct hx_strbuf *buf, const struct hx_reload *reload)
{
    if (reload->is_successful) {
        hx_strbuf_puts(buf, "{\"status\":\"reloaded\"");
        put_names(buf, "added", &reload->added);
        put_names(buf, "changed", &reload->changed);
        put_names(buf, "removed", &reload->removed);
        hx_strbuf_puts(buf, ",\"unchanged\":");
        hx_strbuf_put_u64(buf, reload->n_unchanged);
        hx_strbuf_putc(buf, '}');
        return MHD_HTTP_OK;
    }
    hx_strbuf_puts(buf, "{\"error\":\"configuration not reloaded\",\"errors\":[");
    for (size_t i = 0; i < reload->n_errors; i++) {
        if (i > 0)
            hx_strbuf_putc(buf, ',');
        put_error(buf, &reload->errors[i]);
    }
    hx_strbuf_puts(buf, "]}");
    return MHD_HTTP_INTERNAL_SERVER_ERROR;
}

static void on_reloaded(void *data, const struct hx_reload *reload)
{
    struct reloading *reloading = data;
    reloading->status = hx_reload_render(&reloading->body, reload);
    hx_later_finish(&reloading->later);
}

static enum MHD_Result on_resume(struct hx_exchange *exchange, struct hx_later *later)
{
    struct reloading *reloading = (struct reloading *)later;
    if (reloading->code != HX_OK)
        return hx_exchange_send_later(exchange, "a reload cannot be begun now");
    return hx_exchange_send_take(
        exchange, reloading->status,
        hx_response_take(&reloading->body, HX_TYPE_JSON, exchange->is_closing));
}

static void on_free(struct hx_later *later)
{
    struct reloading *reloading = (struct reloading *)later;
    hx_strbuf_fini(&reloading->body);
    free(reloading);
}

enum MHD_Result hx_reload_handle(struct hx_exchange *exchange)
{
    const struct hx_web_options *options = &exchange->web->options;
    if (!options->is_lifecycle_enabled)
        return send_disabled(exchange);
    struct reloading *reloading = calloc(1, sizeof(*reloading));
    if (reloading == NULL)
        return MHD_NO;
    reloading->later = (struct hx_later){.resume = on_resume, .free = on_free};
    enum MHD_Result result = hx_later_begin(exchange, &reloading->later);
    /* From here on it is the other thread's, unless that one does not want it. */
    enum hx_errcode code =
        options->actions.reload(options->actions.data, on_reloaded, reloading, NULL);
    if (code != HX_OK) {
        reloading->code = code;
        hx_later_finish(&reloading->later);
    }
    return result;
}

/* ---- maintenance ---- */

static enum hx_errcode take_duration(const char *text, void *into, struct hx_error *err)
{
    struct hx_maintenance *maintenance = into;
    int64_t duration_ns;
    if (hx_parse_duration(text, &duration_ns, NULL) != HX_OK || duration_ns == 0 ||
        duration_ns > MAX_DURATION_NS)
        return hx_error_set(err, HX_ERR_INVALID,
                            "\"duration\" must be a duration such as \"30m\", at most 30d");
    maintenance->until_ns = hx_clock_monotonic_ns() + duration_ns;
    maintenance->until_wall_ns = hx_clock_wall_ns() + duration_ns;
    return HX_OK;
}

static enum hx_errcode take_reason(const char *text, void *into, struct hx_error *err)
{
    struct hx_maintenance *maintenance = into;
    size_t len = strlen(text);
    if (len >= sizeof(maintenance->reason))
        return hx_error_set(err, HX_ERR_INVALID, "\"reason\" is longer than %zu bytes",
                            sizeof(maintenance->reason) - 1);
    for (const char *c = text; *c != '\0'; c++) {
        if ((unsigned char)*c < 0x20 || *c == 0x7f)
            return hx_error_set(err, HX_ERR_INVALID, "\"reason\" may not hold control characters");
    }
    memcpy(maintenance->reason, text, len + 1);
    return HX_OK;
}

enum hx_errcode hx_maintenance_parse(const char *body, size_t len,
                                     struct hx_maintenance *maintenance, struct hx_error *err)
{
    static const struct hx_json_key keys[] = {
        {"duration", take_duration}, {"reason", take_reason}, {NULL, NULL}};
    *maintenance = (struct hx_maintenance){.is_on = true, .until_ns = INT64_MAX};
    return hx_json_body_read(body, len, keys, "{\"duration\":\"30m\",\"reason\":\"upgrade\"}",
                             maintenance, err);
}

static enum MHD_Result send_begun(struct hx_exchange *exchange,
                                  const struct hx_maintenance *maintenance)
{
    char text[HX_RFC3339_SIZE];
    struct hx_strbuf buf;
    hx_strbuf_init(&buf);
    hx_strbuf_puts(&buf, "{\"status\":\"maintenance\",\"until\":");
    hx_strbuf_put_json(&buf, maintenance->until_wall_ns == 0
                                 ? NULL
                                 : hx_clock_rfc3339(maintenance->until_wall_ns, text));
    hx_strbuf_putc(&buf, '}');
    return hx_exchange_send_take(exchange, MHD_HTTP_OK,
                                 hx_response_take(&buf, HX_TYPE_JSON, exchange->is_closing));
}

enum MHD_Result hx_maintenance_handle(struct hx_exchange *exchange)
{
    const struct hx_web_options *options = &exchange->web->options;
    struct hx_maintenance maintenance = {0};
    struct hx_error err;
    if (!options->is_lifecycle_enabled)
        return send_disabled(exchange);
    if (exchange->method == HX_METHOD_DELETE) {
        options->actions.maintain(options->actions.data, &maintenance);
        return hx_exchange_send_take(
            exchange, MHD_HTTP_OK,
            hx_response_constant("{\"status\":\"ended\"}", HX_TYPE_JSON, exchange->is_closing));
    }
    const struct hx_client *client = exchange->connection;
    enum hx_errcode code = hx_maintenance_parse(client->body, client->body_len, &maintenance, &err);
    if (code == HX_ERR_INVALID)
        return hx_exchange_send_error(exchange, MHD_HTTP_BAD_REQUEST, err.message);
    if (code != HX_OK)
        return MHD_NO;
    options->actions.maintain(options->actions.data, &maintenance);
    return send_begun(exchange, &maintenance);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* SVG by hand, without a style that a policy could forbid. A name that is too long is cut, and
 * stands whole in the title. */
#include "web/badge.h"

#include "base/mem.h"
#include "web/html.h"
#include "web/reply.h"
#include "web/text_width.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* In tenths of a pixel. */
#define MAX_NAME 2400
#define PADDING  60

/* White text can be read on each (WCAG 2.2, 1.4.3), and the sign tells them apart without colour.
 */
static const struct look {
    const char *status, *colour, *sign;
} looks[] = {
    {"up", "#2e7d32", "M4 8.5l3 3 5-6"},
    {"degraded", "#8f5f00", "M8 3.5v5.5M8 11.5v1"},
    {"down", "#c62828", "M4.5 4.5l7 7M11.5 4.5l-7 7"},
    {"maintenance", "#0b5cad", "M6 4.5v7M10 4.5v7"},
    {NULL, "#57606a", "M4 8h8"}, /* unknown, starting, draining */
};

static const struct look *look_of(const char *status)
{
    const struct look *look = looks;
    while (look->status != NULL && strcmp(look->status, status) != 0)
        look++;
    return look;
}

/* What of the name is shown. */
struct shown {
    size_t len;
    bool is_cut;
    size_t width;
};

static struct shown shorten(const char *name)
{
    struct shown shown = {.len = strlen(name), .width = hx_text_width(name)};
    if (shown.width <= MAX_NAME)
        return shown;
    size_t dots = hx_text_width("…");
    shown.len = hx_text_fit(name, MAX_NAME - dots);
    shown.is_cut = true;
    shown.width = MAX_NAME;
    return shown;
}

/* A name is any text; it is cut before it is escaped. */
static void put_shown(struct hx_strbuf *buf, const char *name, const struct shown *shown)
{
    char text[2048];
    snprintf(text, sizeof(text), "%.*s%s", (int)shown->len, name, shown->is_cut ? "…" : "");
    hx_html_put(buf, text);
}

static void put_pixels(struct hx_strbuf *buf, const char *attribute, size_t tenths)
{
    hx_strbuf_printf(buf, " %s=\"%zu.%zu\"", attribute, tenths / 10, tenths % 10);
}

static void put_label(struct hx_strbuf *buf, const char *name, const char *status)
{
    hx_html_put(buf, name);
    hx_strbuf_puts(buf, ": ");
    hx_html_put(buf, status);
}

static void put_box(struct hx_strbuf *buf, size_t x, size_t width, const char *colour)
{
    hx_strbuf_puts(buf, "<rect height=\"20\"");
    put_pixels(buf, "x", x);
    put_pixels(buf, "width", width);
    hx_strbuf_printf(buf, " fill=\"%s\"/>", colour);
}

static void put_text_head(struct hx_strbuf *buf, size_t x, size_t width)
{
    hx_strbuf_puts(buf, "<text y=\"14\"");
    put_pixels(buf, "x", x + PADDING);
    put_pixels(buf, "textLength", width);
    hx_strbuf_puts(buf, " lengthAdjust=\"spacingAndGlyphs\">");
}

void hx_badge_put(struct hx_strbuf *buf, const char *name, const char *status)
{
    struct shown shown = shorten(name);
    size_t status_width = hx_text_width(status);
    size_t middle = shown.width + 2 * PADDING;
    size_t width = middle + status_width + 2 * PADDING;
    hx_strbuf_puts(buf, "<svg xmlns=\"http://www.w3.org/2000/svg\" height=\"20\"");
    put_pixels(buf, "width", width);
    hx_strbuf_puts(buf, " role=\"img\" aria-label=\"");
    put_label(buf, name, status);
    hx_strbuf_puts(buf, "\"><title>");
    put_label(buf, name, status);
    hx_strbuf_puts(buf, "</title><clipPath id=\"r\"><rect height=\"20\" rx=\"3\"");
    put_pixels(buf, "width", width);
    hx_strbuf_puts(buf, "/></clipPath><g clip-path=\"url(#r)\">");
    put_box(buf, 0, middle, "#444c56");
    put_box(buf, middle, width - middle, look_of(status)->colour);
    hx_strbuf_puts(buf, "</g><g fill=\"#fff\" font-size=\"11\" "
                        "font-family=\"Verdana,DejaVu Sans,sans-serif\">");
    put_text_head(buf, 0, shown.width);
    put_shown(buf, name, &shown);
    hx_strbuf_puts(buf, "</text>");
    put_text_head(buf, middle, status_width);
    hx_html_put(buf, status);
    hx_strbuf_puts(buf, "</text></g></svg>\n");
}

void hx_badge_put_icon(struct hx_strbuf *buf, const char *status)
{
    const struct look *look = look_of(status);
    hx_strbuf_puts(buf, "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 16 16\"><title>");
    hx_html_put(buf, status);
    hx_strbuf_printf(buf,
                     "</title><circle cx=\"8\" cy=\"8\" r=\"8\" fill=\"%s\"/><path d=\"%s\" "
                     "fill=\"none\" stroke=\"#fff\" stroke-width=\"2\" stroke-linecap=\"round\" "
                     "stroke-linejoin=\"round\"/></svg>\n",
                     look->colour, look->sign);
}

/* ---- over HTTP ---- */

static enum MHD_Result send_badge(struct hx_exchange *exchange, const char *name,
                                  const char *status)
{
    struct hx_strbuf buf;
    char etag[HX_ETAG_SIZE];
    hx_strbuf_init(&buf);
    if (hx_exchange_asks_for(exchange, "icon"))
        hx_badge_put_icon(&buf, status);
    else
        hx_badge_put(&buf, name, status);
    struct MHD_Response *response =
        hx_response_tagged_take(&buf, HX_TYPE_SVG, exchange->is_closing, etag);
    return hx_exchange_send_take(
        exchange, hx_exchange_knows(exchange, etag) ? MHD_HTTP_NOT_MODIFIED : MHD_HTTP_OK,
        response);
}

enum MHD_Result hx_badge_handle(struct hx_exchange *exchange)
{
    struct hx_web *web = exchange->web;
    const struct hx_generation *generation = hx_bodies_follow(&web->bodies);
    const char *name = hx_service_of(generation).name;
    struct hx_verdict verdict;
    hx_board_verdict(web->options.board, generation, web->now_ns, &verdict);
    return send_badge(exchange, name != NULL && name[0] != '\0' ? name : "health",
                      hx_readiness_text(verdict.readiness));
}

enum MHD_Result hx_dependency_badge_handle(struct hx_exchange *exchange)
{
    const struct hx_generation *generation = hx_bodies_follow(&exchange->web->bodies);
    char *name = hx_strndup(exchange->name, strcspn(exchange->name, "/"));
    if (name == NULL)
        return MHD_NO;
    const struct hx_record *record =
        generation == NULL || generation->n == 0 ? NULL : hx_generation_find(generation, name);
    enum MHD_Result result;
    exchange->name = name;
    if (record == NULL)
        result = hx_exchange_send_unknown(exchange);
    else
        result = send_badge(exchange, name,
                            hx_state_text(hx_record_state(record, exchange->web->now_ns)));
    free(name);
    return result;
}

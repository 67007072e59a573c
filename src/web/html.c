/* SPDX-License-Identifier: Apache-2.0 */
/* Escapes, and numbers as people read them. */
#include "web/html.h"

#include "base/clock.h"
#include "base/utf8.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* What stands for an ASCII character; NULL: itself. */
static const char *escape_of(char c)
{
    switch (c) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\'':
        return "&#39;";
    case '\t':
    case '\n':
    case '\r':
        return " ";
    default:
        return (unsigned char)c < 0x20 || c == 0x7f ? HX_UTF8_REPLACEMENT : NULL;
    }
}

void hx_html_put(struct hx_strbuf *buf, const char *text)
{
    size_t left = strlen(text);
    while (left > 0) {
        size_t len = hx_utf8_next(text, left);
        const char *escape = len == 0 ? HX_UTF8_REPLACEMENT : len == 1 ? escape_of(*text) : NULL;
        len = len == 0 ? 1 : len;
        if (escape != NULL)
            hx_strbuf_puts(buf, escape);
        else
            hx_strbuf_append(buf, text, len);
        text += len;
        left -= len;
    }
}

/* Of the characters that stand for themselves both in a URL (RFC 3986, 2.3) and in an id. */
static bool is_plain(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_';
}

static void put_hex(struct hx_strbuf *buf, char mark, char c)
{
    hx_strbuf_printf(buf, "%c%02X", mark, (unsigned)(unsigned char)c);
}

void hx_html_put_url(struct hx_strbuf *buf, const char *text)
{
    for (; *text != '\0'; text++) {
        if (is_plain(*text) || *text == '.' || *text == '~')
            hx_strbuf_putc(buf, *text);
        else
            put_hex(buf, '%', *text);
    }
}

void hx_html_put_id(struct hx_strbuf *buf, const char *text)
{
    for (; *text != '\0'; text++) {
        if (is_plain(*text))
            hx_strbuf_putc(buf, *text);
        else
            put_hex(buf, '.', *text);
    }
}

void hx_html_put_time(struct hx_strbuf *buf, int64_t wall_ns)
{
    char text[HX_RFC3339_SIZE];
    hx_clock_rfc3339(wall_ns, text);
    hx_strbuf_printf(buf, "<time datetime=\"%s\">%.10s %.8s UTC</time>", text, text, text + 11);
}

void hx_html_put_span(struct hx_strbuf *buf, int64_t seconds)
{
    int64_t minutes = seconds / 60;
    int64_t hours = minutes / 60;
    if (minutes == 0)
        hx_strbuf_printf(buf, "%" PRId64 " s", seconds);
    else if (minutes < 10 && seconds % 60 != 0)
        hx_strbuf_printf(buf, "%" PRId64 " min %" PRId64 " s", minutes, seconds % 60);
    else if (hours == 0)
        hx_strbuf_printf(buf, "%" PRId64 " min", minutes);
    else if (hours < 10 && minutes % 60 != 0)
        hx_strbuf_printf(buf, "%" PRId64 " h %" PRId64 " min", hours, minutes % 60);
    else if (hours < 48)
        hx_strbuf_printf(buf, "%" PRId64 " h", hours);
    else if (hours % 24 != 0)
        hx_strbuf_printf(buf, "%" PRId64 " d %" PRId64 " h", hours / 24, hours % 24);
    else
        hx_strbuf_printf(buf, "%" PRId64 " d", hours / 24);
}

/* What the last digit of a latency stands for. */
static int64_t latency_step(int64_t ns)
{
    if (ns >= 1000 * HX_NS_PER_MS)
        return 10 * HX_NS_PER_MS;
    if (ns >= 10 * HX_NS_PER_MS)
        return HX_NS_PER_MS;
    return ns >= HX_NS_PER_MS / 10 ? HX_NS_PER_MS / 10 : HX_NS_PER_MS / 100;
}

int64_t hx_html_round_latency(int64_t ns)
{
    int64_t step = latency_step(ns);
    return (ns + step / 2) / step * step;
}

void hx_html_put_latency(struct hx_strbuf *buf, int64_t ns)
{
    int64_t rounded = hx_html_round_latency(ns);
    double ms = (double)rounded / (double)HX_NS_PER_MS;
    if (rounded >= 1000 * HX_NS_PER_MS)
        hx_strbuf_printf(buf, "%.2f s", ms / 1000);
    else if (rounded >= 10 * HX_NS_PER_MS)
        hx_strbuf_printf(buf, "%.0f ms", ms);
    else
        hx_strbuf_printf(buf, "%.*f ms", rounded >= HX_NS_PER_MS / 10 ? 1 : 2, ms);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The growing buffer: its memory doubles, so that n appends cost O(n) copies in all. */
#include "base/strbuf.h"

#include "base/escape.h"
#include "base/utf8.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MIN_SIZE 64

void hx_strbuf_init(struct hx_strbuf *buf)
{
    *buf = (struct hx_strbuf){0};
}

void hx_strbuf_fini(struct hx_strbuf *buf)
{
    free(buf->data);
    hx_strbuf_init(buf);
}

void hx_strbuf_clear(struct hx_strbuf *buf)
{
    buf->len = 0;
    buf->is_failed = false;
    if (buf->data != NULL) {
        buf->data[0] = '\0';
    }
}

bool hx_strbuf_reserve(struct hx_strbuf *buf, size_t n)
{
    if (buf->is_failed) {
        return false;
    }
    if (n < buf->size - buf->len) {
        return true;
    }
    if (n > SIZE_MAX / 2 - buf->len - 1) {
        buf->is_failed = true;
        return false;
    }
    size_t needed = buf->len + n + 1;
    size_t size = buf->size == 0 ? MIN_SIZE : buf->size * 2;
    if (size < needed) {
        size = needed;
    }
    char *data = realloc(buf->data, size);
    if (data == NULL) {
        buf->is_failed = true;
        return false;
    }
    data[buf->len] = '\0';
    buf->data = data;
    buf->size = size;
    return true;
}

void hx_strbuf_append(struct hx_strbuf *buf, const void *data, size_t len)
{
    if (!hx_strbuf_reserve(buf, len)) {
        return;
    }
    if (len > 0) {
        memcpy(buf->data + buf->len, data, len);
    }
    buf->len += len;
    buf->data[buf->len] = '\0';
}

void hx_strbuf_puts(struct hx_strbuf *buf, const char *text)
{
    hx_strbuf_append(buf, text, strlen(text));
}

void hx_strbuf_putc(struct hx_strbuf *buf, char c)
{
    hx_strbuf_append(buf, &c, 1);
}

/* Formats into the room that is there; returns the length that the whole text needs. */
static int format_into(struct hx_strbuf *buf, const char *format, va_list args) HX_PRINTF(2, 0);

static int format_into(struct hx_strbuf *buf, const char *format, va_list args)
{
    return vsnprintf(buf->data + buf->len, buf->size - buf->len, format, args);
}

void hx_strbuf_printf(struct hx_strbuf *buf, const char *format, ...)
{
    if (!hx_strbuf_reserve(buf, MIN_SIZE - 1)) {
        return;
    }
    va_list args;
    va_start(args, format);
    int len = format_into(buf, format, args);
    va_end(args);
    if (len >= 0 && (size_t)len >= buf->size - buf->len && hx_strbuf_reserve(buf, (size_t)len)) {
        va_start(args, format);
        len = format_into(buf, format, args);
        va_end(args);
    }
    if (len < 0) {
        buf->is_failed = true;
    }
    if (buf->is_failed) {
        buf->data[buf->len] = '\0';
        return;
    }
    buf->len += (size_t)len;
}

void hx_strbuf_put_u64(struct hx_strbuf *buf, uint64_t value)
{
    char digits[20];
    size_t i = sizeof digits;
    do {
        digits[--i] = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    hx_strbuf_append(buf, digits + i, sizeof digits - i);
}

void hx_strbuf_put_json(struct hx_strbuf *buf, const char *text)
{
    if (text == NULL) {
        hx_strbuf_puts(buf, "null");
        return;
    }
    size_t len = strlen(text);
    size_t start = 0; /* of the run that is copied as it is */
    size_t i = 0;
    hx_strbuf_putc(buf, '"');
    while (i < len) {
        size_t n = hx_utf8_next(text + i, len - i);
        if (n > 1 || (n == 1 && !hx_escape_is_needed(text[i]))) {
            i += n;
            continue;
        }
        char escaped[HX_ESCAPE_SIZE];
        size_t taken;
        hx_strbuf_append(buf, text + start, i - start);
        hx_strbuf_append(buf, escaped, hx_escape(text + i, len - i, escaped, &taken));
        i += taken;
        start = i;
    }
    hx_strbuf_append(buf, text + start, len - start);
    hx_strbuf_putc(buf, '"');
}

const char *hx_strbuf_text(const struct hx_strbuf *buf)
{
    return buf->data != NULL ? buf->data : "";
}

char *hx_strbuf_take(struct hx_strbuf *buf)
{
    hx_strbuf_append(buf, "", 0);
    char *text = buf->is_failed ? NULL : buf->data;
    if (buf->is_failed) {
        free(buf->data);
    }
    hx_strbuf_init(buf);
    return text;
}

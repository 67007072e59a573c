/* SPDX-License-Identifier: Apache-2.0 */
/* Escaping: backslash, line feed and quote; whatever is not UTF-8 becomes U+FFFD. */
#include "metrics/labels.h"

#include "base/utf8.h"

#include <string.h>

struct hx_labels hx_labels_of(const char *text)
{
    return (struct hx_labels){text, text != NULL ? strlen(text) : 0};
}

enum escaping { ESCAPE_NOTHING, ESCAPE_LINES, ESCAPE_LINES_AND_QUOTES };

static void append_escaped(struct hx_strbuf *buf, const char *text, enum escaping escaping)
{
    size_t len = strlen(text);
    while (len > 0) {
        size_t n = hx_utf8_next(text, len);
        if (n == 0) {
            hx_strbuf_puts(buf, HX_UTF8_REPLACEMENT);
            n = 1;
        } else if (*text == '\n' && escaping != ESCAPE_NOTHING) {
            hx_strbuf_puts(buf, "\\n");
        } else if ((*text == '\\' && escaping != ESCAPE_NOTHING) ||
                   (*text == '"' && escaping == ESCAPE_LINES_AND_QUOTES)) {
            hx_strbuf_putc(buf, '\\');
            hx_strbuf_putc(buf, *text);
        } else {
            hx_strbuf_append(buf, text, n);
        }
        text += n;
        len -= n;
    }
}

void hx_labels_append(struct hx_strbuf *buf, const char *name, const char *value)
{
    hx_strbuf_puts(buf, name);
    hx_strbuf_puts(buf, "=\"");
    append_escaped(buf, value, ESCAPE_LINES_AND_QUOTES);
    hx_strbuf_putc(buf, '"');
}

char *hx_labels_format(const char *const *names_values)
{
    struct hx_strbuf buf;
    hx_strbuf_init(&buf);
    for (size_t i = 0; names_values[i] != NULL; i += 2) {
        if (i > 0) {
            hx_strbuf_putc(&buf, ',');
        }
        hx_labels_append(&buf, names_values[i], names_values[i + 1]);
    }
    return hx_strbuf_take(&buf);
}

void hx_help_append(struct hx_strbuf *buf, const char *help, enum hx_format format)
{
    static const enum escaping escapings[] = {
        [HX_FORMAT_TEXT] = ESCAPE_LINES,
        [HX_FORMAT_OPENMETRICS] = ESCAPE_LINES_AND_QUOTES,
        [HX_FORMAT_PROTOBUF] = ESCAPE_NOTHING,
    };
    append_escaped(buf, help, escapings[format]);
}

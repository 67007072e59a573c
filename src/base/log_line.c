/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lines in logfmt, quoted as Go's logfmt does, and in JSON. A line has a fixed room and is whole
 * whatever it is given: room for what ends a text and the line is kept free at every step.
 */
#include "base/log_line.h"

#include "base/clock.h"
#include "base/escape.h"
#include "base/utf8.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define LINE_LIMIT    (HX_LOG_LINE_SIZE - 2) /* "}\n" */
#define MESSAGE_LIMIT 640                    /* the fields have a right to the rest */
#define CUT_ROOM      4                      /* ...and the closing quote */
#define VALUE_ROOM    40                     /* for any number, or the beginning of a text */

const char *const hx_log_levels[] = {"debug", "info", "warn", "error", NULL};
const char *const hx_log_formats[] = {"logfmt", "json", NULL};

struct line {
    char *text;
    size_t len;
    bool is_json;
};

static void put(struct line *line, const char *text, size_t len)
{
    memcpy(line->text + line->len, text, len);
    line->len += len;
}

static void put_text(struct line *line, const char *text)
{
    put(line, text, strlen(text));
}

static bool needs_quotes(const char *text)
{
    size_t len = strlen(text);
    for (size_t i = 0; i < len; i++) {
        if ((unsigned char)text[i] <= ' ' || text[i] == '=' || text[i] == '"' || text[i] == 0x7f) {
            return true;
        }
    }
    return len == 0 || !hx_utf8_is_valid(text, len);
}

static void put_string(struct line *line, const char *text, size_t limit)
{
    bool is_quoted = line->is_json || needs_quotes(text);
    const char *quote = is_quoted ? "\"" : "";
    size_t len = strlen(text);
    put_text(line, quote);
    for (size_t i = 0; i < len;) {
        char escaped[HX_ESCAPE_SIZE];
        size_t taken;
        size_t n = hx_escape(text + i, len - i, escaped, &taken);
        /* A backslash alone is no reason for quotes, and without them it is no escape. */
        const char *piece = is_quoted ? escaped : text + i;
        size_t piece_len = is_quoted ? n : taken;
        if (line->len + piece_len + CUT_ROOM > limit) {
            put_text(line, "...");
            break;
        }
        put(line, piece, piece_len);
        i += taken;
    }
    put_text(line, quote);
}

static void put_key(struct line *line, const char *key)
{
    if (line->is_json) {
        put_text(line, line->len > 1 ? ",\"" : "\"");
        put_text(line, key);
        put_text(line, "\":");
        return;
    }
    put_text(line, line->len > 0 ? " " : "");
    put_text(line, key);
    put_text(line, "=");
}

static void put_double(struct line *line, double number)
{
    if (!isfinite(number)) {
        const char *name = isnan(number) ? "NaN" : number > 0 ? "+Inf" : "-Inf";
        put_text(line, line->is_json ? "null" : name);
        return;
    }
    char text[VALUE_ROOM];
    (void)snprintf(text, sizeof text, "%.6g", number);
    /* The process may have a locale of its own, with another decimal point. */
    size_t digits = strspn(text, "-0123456789");
    if (text[digits] != '\0' && text[digits] != 'e') {
        put(line, text, digits);
        put_text(line, ".");
        put_text(line, text + digits + strcspn(text + digits, "0123456789"));
    } else {
        put_text(line, text);
    }
}

static void put_value(struct line *line, const struct hx_log_field *field)
{
    char text[VALUE_ROOM];
    switch (field->type) {
    case HX_LOG_TYPE_STRING:
        put_string(line, field->value.string, LINE_LIMIT);
        break;
    case HX_LOG_TYPE_INT:
        (void)snprintf(text, sizeof text, "%" PRId64, field->value.integer);
        put_text(line, text);
        break;
    case HX_LOG_TYPE_DOUBLE:
        put_double(line, field->value.number);
        break;
    case HX_LOG_TYPE_BOOL:
        put_text(line, field->value.boolean ? "true" : "false");
        break;
    }
}

static void put_field(struct line *line, const struct hx_log_field *field)
{
    bool is_absent = field->type == HX_LOG_TYPE_STRING && field->value.string == NULL;
    size_t key_room = strlen(field->key) + sizeof ",\"\":";
    if (is_absent || line->len + key_room + VALUE_ROOM > LINE_LIMIT) {
        return;
    }
    put_key(line, field->key);
    put_value(line, field);
}

size_t hx_log_line(char text[HX_LOG_LINE_SIZE], enum hx_log_format format,
                   const struct hx_log_entry *entry)
{
    struct line line = {.is_json = format == HX_LOG_JSON};
    line.text = text;
    char date[HX_RFC3339_SIZE];
    put_text(&line, line.is_json ? "{" : "");
    put_key(&line, "ts");
    put_string(&line, hx_clock_rfc3339(entry->wall_ns, date), LINE_LIMIT);
    put_key(&line, "level");
    put_string(&line, hx_log_levels[entry->level], LINE_LIMIT);
    put_key(&line, "msg");
    put_string(&line, entry->message, MESSAGE_LIMIT);
    for (size_t i = 0; i < entry->n_fields; i++) {
        put_field(&line, &entry->fields[i]);
    }
    put_text(&line, line.is_json ? "}\n" : "\n");
    return line.len;
}

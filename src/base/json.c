/* SPDX-License-Identifier: Apache-2.0 */
/* JSON by members and items. */
#include "base/json.h"

#include <inttypes.h>

void hx_json_init(struct hx_json *json, struct hx_strbuf *out)
{
    *json = (struct hx_json){.out = out, .is_empty = true};
}

static void put_line_end(struct hx_json *json)
{
    hx_strbuf_putc(json->out, '\n');
    for (size_t i = 0; i < json->depth; i++) {
        hx_strbuf_puts(json->out, "  ");
    }
}

/* What stands before a value: the comma, the line's beginning, the key. */
static void put_key(struct hx_json *json, const char *key)
{
    if (!json->is_empty) {
        hx_strbuf_putc(json->out, ',');
    }
    if (json->depth > 0) {
        put_line_end(json);
    }
    if (key != NULL) {
        hx_strbuf_put_json(json->out, key);
        hx_strbuf_puts(json->out, ": ");
    }
    json->is_empty = false;
}

static void begin(struct hx_json *json, const char *key, char bracket)
{
    put_key(json, key);
    hx_strbuf_putc(json->out, bracket);
    json->depth++;
    json->is_empty = true;
}

static void end(struct hx_json *json, char bracket)
{
    json->depth--;
    if (!json->is_empty) {
        put_line_end(json);
    }
    hx_strbuf_putc(json->out, bracket);
    json->is_empty = false;
    if (json->depth == 0) {
        hx_strbuf_putc(json->out, '\n');
    }
}

void hx_json_begin_object(struct hx_json *json, const char *key)
{
    begin(json, key, '{');
}

void hx_json_begin_array(struct hx_json *json, const char *key)
{
    begin(json, key, '[');
}

void hx_json_end_object(struct hx_json *json)
{
    end(json, '}');
}

void hx_json_end_array(struct hx_json *json)
{
    end(json, ']');
}

void hx_json_text(struct hx_json *json, const char *key, const char *text)
{
    put_key(json, key);
    hx_strbuf_put_json(json->out, text);
}

void hx_json_int(struct hx_json *json, const char *key, int64_t value)
{
    put_key(json, key);
    hx_strbuf_printf(json->out, "%" PRId64, value);
}

void hx_json_number(struct hx_json *json, const char *key, const char *text)
{
    put_key(json, key);
    hx_strbuf_puts(json->out, text);
}

void hx_json_bool(struct hx_json *json, const char *key, bool value)
{
    put_key(json, key);
    hx_strbuf_puts(json->out, value ? "true" : "false");
}

void hx_json_milliseconds(struct hx_json *json, const char *key, int64_t ns)
{
    put_key(json, key);
    if (ns < 0) {
        hx_strbuf_puts(json->out, "null");
        return;
    }
    /* Integers, because a locale may put a comma into a double. */
    int64_t us = (ns + 500) / 1000;
    hx_strbuf_printf(json->out, "%" PRId64 ".%03" PRId64, us / 1000, us % 1000);
}

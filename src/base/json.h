/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes JSON (RFC 8259) for people as well as programs: one member a line, two spaces a level. The
 * writer minds commas and indentation; that what is begun is ended is the caller's promise. An
 * allocation that fails marks the buffer, see base/strbuf.h.
 */
#ifndef HX_BASE_JSON_H
#define HX_BASE_JSON_H

#include "base/strbuf.h"

struct hx_json {
    struct hx_strbuf *out; /* borrowed */
    size_t depth;
    bool is_empty; /* nothing stands yet in what was begun last */
};

void hx_json_init(struct hx_json *json, struct hx_strbuf *out);

/* In all of these, key is the member's name, or NULL for an item of an array and for the whole. */
void hx_json_begin_object(struct hx_json *json, const char *key);
void hx_json_begin_array(struct hx_json *json, const char *key);
void hx_json_end_object(struct hx_json *json);
void hx_json_end_array(struct hx_json *json);
void hx_json_text(struct hx_json *json, const char *key, const char *text); /* NULL: null */
void hx_json_int(struct hx_json *json, const char *key, int64_t value);
void hx_json_number(struct hx_json *json, const char *key, const char *text); /* as it stands */
void hx_json_bool(struct hx_json *json, const char *key, bool value);

/* The number with three decimals; null when it is negative, which says "not measured". */
void hx_json_milliseconds(struct hx_json *json, const char *key, int64_t ns);

#endif

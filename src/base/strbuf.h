/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A growing buffer of bytes that always ends in NUL. An allocation that fails marks the buffer;
 * appends after that do nothing, so that a writer checks once, at the end.
 */
#ifndef HX_BASE_STRBUF_H
#define HX_BASE_STRBUF_H

#include "health_exporter/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct hx_strbuf {
    char *data; /* NULL until the first append */
    size_t len; /* without the NUL */
    size_t size;
    bool is_failed;
};

void hx_strbuf_init(struct hx_strbuf *buf);
void hx_strbuf_fini(struct hx_strbuf *buf);

/* Empties it, keeps the memory, and clears the mark. */
void hx_strbuf_clear(struct hx_strbuf *buf);

/* Makes room for n more bytes behind len; false (and marked) when there is none. */
bool hx_strbuf_reserve(struct hx_strbuf *buf, size_t n);

void hx_strbuf_append(struct hx_strbuf *buf, const void *data, size_t len);
void hx_strbuf_puts(struct hx_strbuf *buf, const char *text);
void hx_strbuf_putc(struct hx_strbuf *buf, char c);
void hx_strbuf_printf(struct hx_strbuf *buf, const char *format, ...) HX_PRINTF(2, 3);
void hx_strbuf_put_u64(struct hx_strbuf *buf, uint64_t value);

/* The text as a JSON string with its quotes (RFC 8259): control characters escaped, invalid UTF-8
 * replaced by U+FFFD. text NULL writes null. */
void hx_strbuf_put_json(struct hx_strbuf *buf, const char *text);

/* The text; "" when nothing was appended. Borrowed until the next call. */
const char *hx_strbuf_text(const struct hx_strbuf *buf);

/* Hands the text over to the caller (free()); NULL when an append had failed. The buffer is empty
 * then. */
char *hx_strbuf_take(struct hx_strbuf *buf);

#endif

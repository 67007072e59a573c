/* SPDX-License-Identifier: Apache-2.0 */
/* One character of a quoted text at a time. */
#include "base/escape.h"

#include "base/utf8.h"

#include <string.h>

static bool is_control(char c)
{
    return (unsigned char)c < 0x20 || c == 0x7f;
}

/* The letter behind the backslash of a short escape; 0: it has none. */
static char short_escape(char c)
{
    switch (c) {
    case '"':
    case '\\':
        return c;
    case '\b':
        return 'b';
    case '\f':
        return 'f';
    case '\n':
        return 'n';
    case '\r':
        return 'r';
    case '\t':
        return 't';
    default:
        return '\0';
    }
}

bool hx_escape_is_needed(char c)
{
    return is_control(c) || c == '"' || c == '\\';
}

size_t hx_escape(const char *text, size_t len, char out[HX_ESCAPE_SIZE], size_t *taken)
{
    static const char HEX[] = "0123456789abcdef";
    size_t n = hx_utf8_next(text, len);
    *taken = n > 0 ? n : 1;
    if (n == 0) {
        memcpy(out, HX_UTF8_REPLACEMENT, sizeof HX_UTF8_REPLACEMENT - 1);
        return sizeof HX_UTF8_REPLACEMENT - 1;
    }
    if (n > 1 || !hx_escape_is_needed(*text)) {
        memcpy(out, text, n);
        return n;
    }
    out[0] = '\\';
    out[1] = short_escape(*text);
    if (out[1] != '\0') {
        return 2;
    }
    memcpy(out + 1, "u00", 3);
    out[4] = HEX[(unsigned char)*text >> 4];
    out[5] = HEX[*text & 0xf];
    return HX_ESCAPE_SIZE;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The one place that decides what is valid UTF-8. */
#include "base/utf8.h"

#include <string.h>

static bool is_continuation(char c)
{
    return ((unsigned char)c & 0xC0U) == 0x80;
}

/* The length that a lead byte announces, and the range its second byte must be in: that range is
 * what rules out overlong forms, surrogates and code points above U+10FFFF (RFC 3629, section 4).
 */
static size_t lead(unsigned char c, unsigned char *low, unsigned char *high)
{
    *low = c == 0xE0 ? 0xA0 : c == 0xF0 ? 0x90 : 0x80;
    *high = c == 0xED ? 0x9F : c == 0xF4 ? 0x8F : 0xBF;
    if (c < 0x80) {
        return 1;
    }
    if (c >= 0xC2 && c <= 0xDF) {
        return 2;
    }
    if (c >= 0xE0 && c <= 0xEF) {
        return 3;
    }
    return c >= 0xF0 && c <= 0xF4 ? 4 : 0;
}

size_t hx_utf8_next(const char *text, size_t len)
{
    if (len == 0) {
        return 0;
    }
    unsigned char low;
    unsigned char high;
    size_t n = lead((unsigned char)text[0], &low, &high);
    if (n <= 1) {
        return n;
    }
    if (n > len || (unsigned char)text[1] < low || (unsigned char)text[1] > high) {
        return 0;
    }
    for (size_t i = 2; i < n; i++) {
        if (!is_continuation(text[i])) {
            return 0;
        }
    }
    return n;
}

bool hx_utf8_is_valid(const char *text, size_t len)
{
    size_t i = 0;
    while (i < len) {
        size_t n = hx_utf8_next(text + i, len - i);
        if (n == 0) {
            return false;
        }
        i += n;
    }
    return true;
}

size_t hx_utf8_cut(const char *text, size_t max)
{
    size_t cut = max;
    /* A sequence has at most three continuation bytes; more of them are not UTF-8 anyway. */
    for (int i = 0; i < 3 && cut > 0 && is_continuation(text[cut]); i++) {
        cut--;
    }
    return is_continuation(text[cut]) ? max : cut;
}

void hx_utf8_copy(char *out, size_t size, const char *text, size_t len)
{
    if (len >= size) {
        len = hx_utf8_cut(text, size - 1);
    }
    memcpy(out, text, len);
    out[len] = '\0';
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Quoting what somebody wrote, so that it cannot break the sentence that tells of it. */
#include "base/quote.h"

#include "base/utf8.h"

#include <stdio.h>
#include <string.h>

/* What is left when the two quotes, the dots and the NUL have their room. */
#define MAX_QUOTED (HX_QUOTE_SIZE - 6)

/* Of one byte, or of two: U+0080 to U+009F, which a terminal obeys as well. */
static bool is_control(const char *text, size_t n)
{
    const unsigned char *c = (const unsigned char *)text;
    return n == 2 ? c[0] == 0xC2 && c[1] <= 0x9F : n == 1 && (c[0] < 0x20 || c[0] == 0x7F);
}

char *hx_quote(const char *text, char out[HX_QUOTE_SIZE])
{
    size_t full_len = strlen(text);
    size_t end = full_len > MAX_QUOTED ? hx_utf8_cut(text, MAX_QUOTED) : full_len;
    size_t len = 0;
    out[len++] = '"';
    for (size_t i = 0; i < end;) {
        size_t n = hx_utf8_next(text + i, end - i);
        if (n == 0 || is_control(text + i, n)) {
            out[len++] = '?';
            i += n == 0 ? 1 : n;
            continue;
        }
        memcpy(out + len, text + i, n);
        len += n;
        i += n;
    }
    (void)snprintf(out + len, HX_QUOTE_SIZE - len, "%s\"", end < full_len ? "..." : "");
    return out;
}

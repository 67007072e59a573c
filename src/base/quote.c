/* SPDX-License-Identifier: Apache-2.0 */
/* Quoting what somebody wrote, so that it cannot break the sentence that tells of it. */
#include "base/quote.h"

#include "base/utf8.h"

#include <stdio.h>
#include <string.h>

/* What is left when the two quotes, the dots and the NUL have their room. */
#define MAX_QUOTED (HX_QUOTE_SIZE - 6)

static bool is_control(char c)
{
    return (unsigned char)c < 0x20 || c == 0x7f;
}

char *hx_quote(const char *text, char out[HX_QUOTE_SIZE])
{
    size_t full_len = strlen(text);
    size_t end = full_len > MAX_QUOTED ? hx_utf8_cut(text, MAX_QUOTED) : full_len;
    size_t len = 0;
    out[len++] = '"';
    for (size_t i = 0; i < end;) {
        size_t n = hx_utf8_next(text + i, end - i);
        if (n == 0 || is_control(text[i])) {
            out[len++] = '?';
            i++;
            continue;
        }
        memcpy(out + len, text + i, n);
        len += n;
        i += n;
    }
    (void)snprintf(out + len, HX_QUOTE_SIZE - len, "%s\"", end < full_len ? "..." : "");
    return out;
}

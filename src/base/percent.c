/* SPDX-License-Identifier: Apache-2.0 */
/* Reading percent-encoded text. */
#include "base/percent.h"

#include <stdlib.h>

/* The value of a hexadecimal digit; -1 when it is none. */
static int hex(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

bool hx_percent_is_valid(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (text[i] != '%') {
            continue;
        }
        if (len - i < 3 || hex(text[i + 1]) < 0 || hex(text[i + 2]) < 0 ||
            (text[i + 1] == '0' && text[i + 2] == '0')) {
            return false;
        }
        i += 2;
    }
    return true;
}

char *hx_percent_decode(const char *text, size_t len)
{
    char *decoded = malloc(len + 1);
    if (decoded == NULL) {
        return NULL;
    }
    size_t n = 0;
    for (size_t i = 0; i < len; i++) {
        char c = text[i];
        if (c == '%') {
            c = (char)(hex(text[i + 1]) * 16 + hex(text[i + 2]));
            i += 2;
        }
        decoded[n++] = c;
    }
    decoded[n] = '\0';
    return decoded;
}

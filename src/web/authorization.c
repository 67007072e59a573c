/* SPDX-License-Identifier: Apache-2.0 */
/* libmicrohttpd 0.9.75 has a reader of its own, which takes "Basic" in one spelling only, decodes
 * what is no base64, and cuts at a NUL. */
#include "web/authorization.h"

#include <string.h>
#include <strings.h>

/* "user:password" */
#define MAX_DECODED (HX_MAX_USER + 1 + HX_MAX_PASSWORD)

static int digit_of(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    if (c == '+')
        return 62;
    return c == '/' ? 63 : -1;
}

/* Decodes four characters, of which the last n_padding are '='; how many bytes they make, or -1.
 * Bits that stand for nothing must be zero: one text has one spelling. */
static int decode_group(const char *in, size_t n_padding, char out[3])
{
    unsigned bits = 0;
    for (size_t i = 0; i < 4; i++) {
        int digit = i < 4 - n_padding ? digit_of(in[i]) : 0;
        if (digit < 0)
            return -1;
        bits = bits << 6 | (unsigned)digit;
    }
    out[0] = (char)(bits >> 16);
    out[1] = (char)(bits >> 8 & 0xff);
    out[2] = (char)(bits & 0xff);
    unsigned unused = n_padding == 2 ? 0xffff : n_padding == 1 ? 0xff : 0;
    return (bits & unused) != 0 ? -1 : 3 - (int)n_padding;
}

/* The decoded length; 0 when it is no base64 or too long. */
static size_t decode(const char *in, size_t len, char out[MAX_DECODED + 3])
{
    size_t n_out = 0;
    if (len == 0 || len % 4 != 0 || len / 4 * 3 > MAX_DECODED + 2)
        return 0;
    size_t n_padding = in[len - 1] != '=' ? 0 : in[len - 2] == '=' ? 2 : 1;
    for (size_t i = 0; i < len; i += 4) {
        int n = decode_group(in + i, i + 4 == len ? n_padding : 0, out + n_out);
        if (n < 0)
            return 0;
        n_out += (size_t)n;
    }
    return n_out <= MAX_DECODED ? n_out : 0;
}

static bool split(const char *text, size_t len, struct hx_login *login)
{
    const char *colon = memchr(text, ':', len);
    for (size_t i = 0; i < len; i++) {
        if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
            return false;
    }
    if (colon == NULL || colon == text)
        return false;
    login->user_len = (size_t)(colon - text);
    login->password_len = len - login->user_len - 1;
    if (login->user_len > HX_MAX_USER || login->password_len > HX_MAX_PASSWORD)
        return false;
    memcpy(login->user, text, login->user_len);
    memcpy(login->password, colon + 1, login->password_len);
    return true;
}

bool hx_authorization_parse(const char *value, size_t len, struct hx_login *login)
{
    static const char scheme[] = "Basic ";
    char decoded[MAX_DECODED + 3];
    memset(login, 0, sizeof(*login));
    if (len < strlen(scheme) || strncasecmp(value, scheme, strlen(scheme)) != 0)
        return false;
    size_t start = strlen(scheme);
    while (start < len && value[start] == ' ')
        start++;
    size_t n = decode(value + start, len - start, decoded);
    bool is_good = n > 0 && split(decoded, n, login);
    explicit_bzero(decoded, sizeof(decoded));
    if (!is_good)
        explicit_bzero(login, sizeof(*login));
    return is_good;
}

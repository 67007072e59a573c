/* SPDX-License-Identifier: Apache-2.0 */
/* The rules of RFC 9112 that keep us and everybody in front of us in step, each with its answer. */
#include "web/request.h"

#include <stdint.h>
#include <string.h>
#include <strings.h>

static const struct hx_fault bad_target = {400, "the request target must be an absolute path"};
static const struct hx_fault bad_byte = {
    400, "the path may hold neither control characters nor an encoded slash or NUL"};
static const struct hx_fault long_query = {414, "the query is longer than 1024 bytes"};
static const struct hx_fault bad_version = {505, "HTTP/1.0 and HTTP/1.1 are spoken here"};
static const struct hx_fault bad_field = {400, "a header field is malformed"};
static const struct hx_fault no_host = {400, "HTTP/1.1 needs Host"};
static const struct hx_fault two_hosts = {400, "more than one Host"};
static const struct hx_fault two_lengths = {400, "more than one Content-Length"};
static const struct hx_fault two_framings = {400,
                                             "Content-Length and Transfer-Encoding exclude each "
                                             "other"};
static const struct hx_fault no_body = {400, "GET and HEAD take no body"};
static const struct hx_fault useless_body = {400, "this request takes no body"};
static const struct hx_fault no_expect = {400, "GET and HEAD take no Expect"};
static const struct hx_fault from_page = {403, "pages in a browser may only read (header Origin)"};
static const struct hx_fault no_length = {411, "a body needs Content-Length"};
static const struct hx_fault bad_length = {400, "Content-Length must be a number"};
static const struct hx_fault long_body = {413, "the body is longer than 4096 bytes"};

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Is the byte that "%XX" at c stands for one that would change what the path means, or none? */
static bool is_bad_escape(const char *c)
{
    int high = hex_digit(c[1]);
    int low = high < 0 ? -1 : hex_digit(c[2]);
    if (low < 0)
        return true;
    int byte = high * 16 + low;
    return byte < 0x20 || byte == 0x7f || byte == '/' || byte == '\\';
}

const struct hx_fault *hx_target_check(const char *target)
{
    if (target == NULL || target[0] != '/')
        return &bad_target;
    const char *c = target;
    for (; *c != '\0' && *c != '?'; c++) {
        if ((unsigned char)*c <= 0x20 || (unsigned char)*c >= 0x7f || *c == '\\' || *c == '#')
            return &bad_byte;
        if (*c == '%' && is_bad_escape(c))
            return &bad_byte;
    }
    const char *query = c;
    for (; *c != '\0'; c++) {
        if ((unsigned char)*c <= 0x20 || (unsigned char)*c >= 0x7f)
            return &bad_byte;
    }
    return c - query > HX_MAX_QUERY + 1 ? &long_query : NULL;
}

/* The characters of a token (RFC 9110, 5.6.2), one bit each. */
static bool is_token_char(unsigned char c)
{
    static const uint32_t bits[4] = {0x00000000, 0x03ff6cfa, 0xc7fffffe, 0x57ffffff};
    return c < 128 && (bits[c / 32] >> (c % 32) & 1) != 0;
}

static bool is_good_field(const char *name, size_t name_len, const char *value, size_t value_len)
{
    for (size_t i = 0; i < name_len; i++) {
        if (!is_token_char((unsigned char)name[i]))
            return false;
    }
    for (size_t i = 0; i < value_len; i++) {
        unsigned char c = (unsigned char)value[i];
        if ((c < 0x20 && c != '\t') || c == 0x7f)
            return false;
    }
    return name_len > 0;
}

static size_t parse_length(const char *value, size_t len)
{
    size_t length = 0;
    for (size_t i = 0; i < len; i++) {
        if (value[i] < '0' || value[i] > '9' || length > SIZE_MAX / 20)
            return SIZE_MAX;
        length = length * 10 + (size_t)(value[i] - '0');
    }
    return len > 0 ? length : SIZE_MAX;
}

static bool is_name(const char *name, size_t len, const char *known)
{
    return len == strlen(known) && strncasecmp(name, known, len) == 0;
}

/* libmicrohttpd 0.9.75 appends the continuation of a folded line to the name of the field instead
 * of its value: "Transfer-Encoding:\r\n chunked" becomes the field "Transfer-Encodingchunked". */
static bool is_folded(const char *name, size_t len, const char *known)
{
    return len > strlen(known) && strncasecmp(name, known, strlen(known)) == 0;
}

void hx_head_note(struct hx_head *head, const char *name, size_t name_len, const char *value,
                  size_t value_len)
{
    if (!is_good_field(name, name_len, value, value_len) ||
        is_folded(name, name_len, "Content-Length") ||
        is_folded(name, name_len, "Transfer-Encoding")) {
        head->has_bad_field = true;
    } else if (is_name(name, name_len, "Host")) {
        head->n_host++;
    } else if (is_name(name, name_len, "Content-Length")) {
        head->n_content_length++;
        head->content_length = parse_length(value, value_len);
    } else if (is_name(name, name_len, "Transfer-Encoding")) {
        head->has_transfer_encoding = true;
    } else if (is_name(name, name_len, "Expect")) {
        head->has_expect = true;
    } else if (is_name(name, name_len, "Origin")) {
        head->has_origin = true;
    }
}

/* What is wrong whatever is asked. */
static const struct hx_fault *check_form(const struct hx_head *head, const char *version)
{
    bool is_1_1 = strcmp(version, "HTTP/1.1") == 0;
    if (!is_1_1 && strcmp(version, "HTTP/1.0") != 0)
        return &bad_version;
    if (head->has_bad_field)
        return &bad_field;
    if (head->n_host == 0 && is_1_1)
        return &no_host;
    if (head->n_host > 1)
        return &two_hosts;
    if (head->n_content_length > 1)
        return &two_lengths;
    return head->n_content_length > 0 && head->has_transfer_encoding ? &two_framings : NULL;
}

const struct hx_fault *hx_head_check(const struct hx_head *head, const char *version,
                                     enum hx_method method)
{
    const struct hx_fault *fault = check_form(head, version);
    if (fault != NULL)
        return fault;
    /* Any page that an operator looks at could send it, and the browser would add his password. Our
     * own page writes nothing. */
    if (method != HX_METHOD_GET && method != HX_METHOD_HEAD)
        return head->has_origin ? &from_page : NULL;
    /* HAProxy's health checks (2.2 and later) send a GET with "Content-length: 0". */
    if (head->has_transfer_encoding || head->content_length > 0)
        return &no_body;
    return head->has_expect ? &no_expect : NULL;
}

const struct hx_fault *hx_body_check(const struct hx_head *head, bool is_allowed)
{
    if (head->has_transfer_encoding)
        return &no_length;
    if (head->content_length == SIZE_MAX)
        return &bad_length;
    if (head->content_length > HX_MAX_BODY)
        return &long_body;
    return head->content_length > 0 && !is_allowed ? &useless_body : NULL;
}

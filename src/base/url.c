/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Parsing URLs, in two steps: split() cuts the text into spans and refuses what is not a URL, then
 * the spans are decoded into memory of their own.
 *
 * A password that was not percent-encoded shifts every border: "redis://:pa/ss@host" has the host
 * ":pa" and the path "/ss@host" by the book. So a raw '@' is taken in one place only, at the end of
 * user and password, and '#' nowhere: what could hold a piece of a password is refused before any
 * part of it is believed. For the same reason no message quotes the text.
 */
#include "base/url.h"

#include "base/mem.h"
#include "base/percent.h"
#include "base/strbuf.h"

#include <arpa/inet.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define MAX_URL   4096
#define MAX_HOST  253
#define MAX_LABEL 63

struct span {
    const char *at; /* NULL: that part is absent */
    size_t len;
};

struct parts {
    struct span scheme;
    struct span user;
    struct span password;
    struct span host; /* without brackets */
    struct span path;
    struct span query;
    struct span behind_userinfo; /* all that follows it, or follows "scheme:" */
    uint16_t port;
    bool has_authority;
};

static enum hx_errcode refuse(struct hx_error *err, const char *why)
{
    return hx_error_set(err, HX_ERR_INVALID, "%s", why);
}

static bool is_alpha(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_host_char(char c)
{
    return is_alpha(c) || is_digit(c) || c == '-' || c == '_';
}

/* Unreserved and sub-delims of RFC 3986, and what the caller allows besides. '%' is judged by
 * hx_percent_is_valid(). */
static bool has_only(struct span span, const char *also)
{
    static const char MARKS[] = "-._~!$&'()*+,;=%";
    for (size_t i = 0; i < span.len; i++) {
        char c = span.at[i];
        if (!is_alpha(c) && !is_digit(c) && strchr(MARKS, c) == NULL && strchr(also, c) == NULL) {
            return false;
        }
    }
    return true;
}

static struct span span_to(const char *from, const char *end)
{
    return (struct span){.at = from, .len = (size_t)(end - from)};
}

static const char *find(struct span span, char c)
{
    return span.len > 0 ? memchr(span.at, c, span.len) : NULL;
}

/* What holds for the whole text, wherever its parts begin and end. */
static enum hx_errcode check_text(const char *text, struct hx_error *err)
{
    size_t len = strlen(text);
    if (len > MAX_URL) {
        return hx_error_set(err, HX_ERR_LIMIT, "the URL is longer than %d bytes", MAX_URL);
    }
    for (size_t i = 0; i < len; i++) {
        if (text[i] <= ' ' || text[i] > '~') {
            return refuse(err, "a URL holds neither spaces nor control characters nor letters "
                               "beyond ASCII: they are percent-encoded");
        }
    }
    if (strchr(text, '#') != NULL) {
        return refuse(err, "a URL of a dependency has no fragment: a '#' in user, password, path "
                           "or query must be written %23");
    }
    if (!hx_percent_is_valid(text, len)) {
        return refuse(err, "a '%' in the URL must be followed by two hexadecimal digits other than "
                           "00; a '%' itself is written %25");
    }
    return HX_OK;
}

/* Returns what follows "scheme:"; NULL when there is no scheme. */
static const char *split_scheme(const char *text, struct parts *parts)
{
    const char *p = text;
    while (is_alpha(*p) || (p > text && (is_digit(*p) || *p == '+' || *p == '-' || *p == '.'))) {
        p++;
    }
    if (p == text || *p != ':') {
        return NULL;
    }
    parts->scheme = span_to(text, p);
    return p + 1;
}

static enum hx_errcode split_userinfo(struct span userinfo, struct parts *parts,
                                      struct hx_error *err)
{
    if (!has_only(userinfo, ":")) {
        return refuse(err, "user or password hold a character that must be percent-encoded");
    }
    const char *end = userinfo.at + userinfo.len;
    const char *colon = find(userinfo, ':');
    parts->user = span_to(userinfo.at, colon != NULL ? colon : end);
    if (colon != NULL) {
        parts->password = span_to(colon + 1, end);
    }
    return HX_OK;
}

static enum hx_errcode split_port(struct span digits, uint16_t *port, struct hx_error *err)
{
    unsigned value = 0;
    size_t i = 0;
    while (i < digits.len && i < 5 && is_digit(digits.at[i])) {
        value = value * 10 + (unsigned)(digits.at[i] - '0');
        i++;
    }
    if (i == 0 || i < digits.len || value == 0 || value > UINT16_MAX) {
        return refuse(err, "the port is not a number from 1 to 65535");
    }
    *port = (uint16_t)value;
    return HX_OK;
}

/* Copies a host to a text of its own, for inet_pton(). */
static bool is_address(int family, struct span host)
{
    char text[INET6_ADDRSTRLEN];
    unsigned char address[sizeof(struct in6_addr)];
    if (host.len >= sizeof text) {
        return false;
    }
    memcpy(text, host.at, host.len);
    text[host.len] = '\0';
    return inet_pton(family, text, address) == 1;
}

/* The length of the label that begins at `label`; 0 when it is empty, too long or holds another
 * character. is_number: it has digits only. */
static size_t label_len(const char *label, const char *end, bool *is_number)
{
    size_t len = 0;
    *is_number = true;
    while (label + len < end && is_host_char(label[len])) {
        *is_number = *is_number && is_digit(label[len]);
        len++;
    }
    bool is_whole = label + len == end || label[len] == '.';
    return is_whole && len <= MAX_LABEL ? len : 0;
}

/* A name of labels; one whose last label is a number can only be meant as an IPv4 address. */
static bool is_name_or_ipv4(struct span host)
{
    const char *end = host.at + host.len;
    const char *label = host.at;
    bool is_number = false;
    while (label < end) {
        size_t len = label_len(label, end, &is_number);
        if (len == 0) {
            return false;
        }
        label += len + 1;
    }
    return host.len <= MAX_HOST && (!is_number || is_address(AF_INET, host));
}

static enum hx_errcode split_ipv6(struct span host_port, struct parts *parts, struct span *rest,
                                  struct hx_error *err)
{
    const char *end = host_port.at + host_port.len;
    const char *close = find(host_port, ']');
    if (close == NULL) {
        return refuse(err, "the ']' behind the IPv6 address is missing");
    }
    parts->host = span_to(host_port.at + 1, close);
    if (!is_address(AF_INET6, parts->host)) {
        return refuse(err, "what stands in brackets is not an IPv6 address");
    }
    *rest = span_to(close + 1, end);
    if (rest->len > 0 && *rest->at != ':') {
        return refuse(err, "expected ':' and a port behind the IPv6 address");
    }
    return HX_OK;
}

static enum hx_errcode split_name(struct span host_port, struct parts *parts, struct span *rest,
                                  struct hx_error *err)
{
    const char *end = host_port.at + host_port.len;
    const char *colon = find(host_port, ':');
    parts->host = span_to(host_port.at, colon != NULL ? colon : end);
    *rest = span_to(colon != NULL ? colon : end, end);
    if (rest->len > 1 && memchr(rest->at + 1, ':', rest->len - 1) != NULL) {
        return refuse(err, "expected one port; an IPv6 address is written in brackets");
    }
    if (parts->host.len == 0) {
        return refuse(err, "the host is missing");
    }
    if (!is_name_or_ipv4(parts->host)) {
        return refuse(err, "the host is neither a name nor an IPv4 address nor an IPv6 address in "
                           "brackets");
    }
    return HX_OK;
}

static enum hx_errcode split_host_port(struct span host_port, struct parts *parts,
                                       struct hx_error *err)
{
    /* An empty authority: the path names a unix socket or a file. */
    if (host_port.len == 0) {
        return HX_OK;
    }
    struct span rest = {0};
    enum hx_errcode code = *host_port.at == '[' ? split_ipv6(host_port, parts, &rest, err)
                                                : split_name(host_port, parts, &rest, err);
    if (code == HX_OK && rest.len > 0) {
        code = split_port(span_to(rest.at + 1, rest.at + rest.len), &parts->port, err);
    }
    return code;
}

static enum hx_errcode split_path_query(const char *text, struct parts *parts, struct hx_error *err)
{
    const char *end = text + strlen(text);
    const char *mark = strchr(text, '?');
    parts->path = span_to(text, mark != NULL ? mark : end);
    if (mark != NULL) {
        parts->query = span_to(mark + 1, end);
    }
    if (!has_only(parts->path, ":/") || !has_only(parts->query, ":/?")) {
        return refuse(err, "path or query hold a character that must be percent-encoded");
    }
    if (parts->path.len > 0) {
        return HX_OK;
    }
    if (!parts->has_authority) {
        parts->path.at = NULL;
        return HX_OK;
    }
    if (parts->host.at == NULL) {
        return refuse(err, "expected a host or a path behind \"//\"");
    }
    parts->path = (struct span){.at = "/", .len = 1};
    return HX_OK;
}

static enum hx_errcode split(const char *text, struct parts *parts, struct hx_error *err)
{
    enum hx_errcode code = check_text(text, err);
    if (code != HX_OK) {
        return code;
    }
    const char *rest = split_scheme(text, parts);
    if (rest == NULL) {
        return refuse(err, "expected a URL such as tcp://host:port");
    }
    parts->has_authority = strncmp(rest, "//", 2) == 0;
    if (!parts->has_authority && *rest != '/' && *rest != '?' && *rest != '\0') {
        return refuse(err, "expected \"//\" and a host behind the ':' of the scheme, such as "
                           "tcp://host:port");
    }
    const char *authority = rest + (parts->has_authority ? 2 : 0);
    const char *authority_end = authority + (parts->has_authority ? strcspn(authority, "/?") : 0);
    const char *at = strchr(authority, '@');
    if (at != NULL && (at >= authority_end || strchr(at + 1, '@') != NULL)) {
        return refuse(err, "a '@' in user, password, path or query must be written %40, and a '/' "
                           "or '?' in user or password %2F or %3F");
    }
    const char *host_port = at != NULL ? at + 1 : authority;
    parts->behind_userinfo = span_to(host_port, host_port + strlen(host_port));
    if (at != NULL) {
        code = split_userinfo(span_to(authority, at), parts, err);
    }
    if (code == HX_OK) {
        code = split_host_port(span_to(host_port, authority_end), parts, err);
    }
    return code == HX_OK ? split_path_query(authority_end, parts, err) : code;
}

/* Stores a decoded copy, or NULL for a part that is absent or empty; false when out of memory. */
static bool store_decoded(char **to, struct span span)
{
    if (span.len == 0) {
        return true;
    }
    *to = hx_percent_decode(span.at, span.len);
    return *to != NULL;
}

static bool store(char **to, struct span span)
{
    if (span.at == NULL) {
        return true;
    }
    *to = hx_strndup(span.at, span.len);
    return *to != NULL;
}

static void lower(char *text)
{
    for (; text != NULL && *text != '\0'; text++) {
        if (*text >= 'A' && *text <= 'Z') {
            *text = (char)(*text - 'A' + 'a');
        }
    }
}

/* "scheme:" or "scheme://" and all behind user and password. */
static char *text_without_userinfo(const struct parts *parts)
{
    struct hx_strbuf text;
    hx_strbuf_init(&text);
    hx_strbuf_append(&text, parts->scheme.at, parts->scheme.len);
    hx_strbuf_puts(&text, parts->has_authority ? "://" : ":");
    hx_strbuf_append(&text, parts->behind_userinfo.at, parts->behind_userinfo.len);
    return hx_strbuf_take(&text);
}

/* A name with control characters in it could forge a line where it is shown or sent. */
static bool is_printable(const char *text)
{
    for (; text != NULL && *text != '\0'; text++) {
        if ((unsigned char)*text < 0x20 || *text == 0x7f) {
            return false;
        }
    }
    return true;
}

enum hx_errcode hx_url_parse(const char *text, struct hx_url *url, struct hx_error *err)
{
    struct parts parts = {0};
    *url = (struct hx_url){0};
    enum hx_errcode code = split(text, &parts, err);
    if (code != HX_OK) {
        return code;
    }
    url->port = parts.port;
    url->text = text_without_userinfo(&parts);
    if (url->text == NULL || !store(&url->scheme, parts.scheme) ||
        !store_decoded(&url->user, parts.user) || !store_decoded(&url->password, parts.password) ||
        !store(&url->host, parts.host) || !store_decoded(&url->path, parts.path) ||
        !store(&url->raw_path, parts.path) || !store(&url->query, parts.query)) {
        hx_url_fini(url);
        return hx_error_set(err, HX_ERR_NOMEM, "out of memory");
    }
    lower(url->scheme);
    lower(url->host);
    if (!is_printable(url->user) || !is_printable(url->path)) {
        hx_url_fini(url);
        return refuse(err, "user and path of a URL hold no control characters");
    }
    return HX_OK;
}

void hx_url_fini(struct hx_url *url)
{
    free(url->text);
    free(url->scheme);
    free(url->user);
    hx_secret_free(url->password);
    free(url->host);
    free(url->path);
    free(url->raw_path);
    free(url->query);
    *url = (struct hx_url){0};
}

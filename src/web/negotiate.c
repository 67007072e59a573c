/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The Accept header, read leniently: what Prometheus sends is a list such as
 *     application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,text/plain;q=0.3
 * and what its documentation shows is not always well-formed.
 */
#include "web/negotiate.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

/* A piece of the header, not terminated. */
struct piece {
    const char *text;
    size_t len;
};

struct range {
    struct piece type;
    struct piece version;
    struct piece proto, encoding; /* of protobuf */
    int quality;                  /* in thousandths */
};

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static bool is_text(struct piece piece, const char *text)
{
    return piece.len == strlen(text) && strncasecmp(piece.text, text, piece.len) == 0;
}

/* Cuts the piece up to the next `end` from the rest, without blanks around it. */
static struct piece next_piece(struct piece *rest, char end)
{
    const char *stop = memchr(rest->text, end, rest->len);
    struct piece piece = {rest->text, stop != NULL ? (size_t)(stop - rest->text) : rest->len};
    size_t used = piece.len + (stop != NULL ? 1 : 0);
    rest->text += used;
    rest->len -= used;
    while (piece.len > 0 && is_blank(piece.text[0])) {
        piece.text++;
        piece.len--;
    }
    while (piece.len > 0 && is_blank(piece.text[piece.len - 1]))
        piece.len--;
    return piece;
}

/* "0.6" is 600; what is no quality counts as 1. */
static int parse_quality(struct piece text)
{
    if (text.len == 0 || (text.text[0] != '0' && text.text[0] != '.'))
        return 1000;
    int quality = 0;
    int weight = 100;
    const char *end = text.text + text.len;
    const char *point = memchr(text.text, '.', text.len);
    for (const char *c = point == NULL ? end : point + 1; c < end && weight > 0; c++) {
        if (*c < '0' || *c > '9')
            break;
        quality += (*c - '0') * weight;
        weight /= 10;
    }
    return quality;
}

static struct range parse_range(struct piece text)
{
    struct range range = {.type = next_piece(&text, ';'), .quality = 1000};
    while (text.len > 0) {
        struct piece value = next_piece(&text, ';');
        struct piece name = next_piece(&value, '=');
        if (value.len >= 2 && value.text[0] == '"' && value.text[value.len - 1] == '"') {
            value.text++;
            value.len -= 2;
        }
        if (is_text(name, "q"))
            range.quality = parse_quality(next_piece(&value, ';'));
        else if (is_text(name, "version"))
            range.version = next_piece(&value, ';');
        else if (is_text(name, "proto"))
            range.proto = next_piece(&value, ';');
        else if (is_text(name, "encoding"))
            range.encoding = next_piece(&value, ';');
    }
    return range;
}

static bool matches(const struct range *range, struct hx_negotiated *match)
{
    if (is_text(range->type, "application/openmetrics-text")) {
        match->format = HX_FORMAT_OPENMETRICS;
        match->content_type = hx_format_content_type(HX_FORMAT_OPENMETRICS);
        if (range->version.len == 0 || is_text(range->version, "0.0.1"))
            match->content_type = "application/openmetrics-text; version=0.0.1; charset=utf-8";
        else if (!is_text(range->version, "1.0.0"))
            return false;
        return true;
    }
    if (is_text(range->type, "application/vnd.google.protobuf")) {
        match->format = HX_FORMAT_PROTOBUF;
        match->content_type = hx_format_content_type(HX_FORMAT_PROTOBUF);
        return is_text(range->proto, "io.prometheus.client.MetricFamily") &&
               is_text(range->encoding, "delimited");
    }
    match->format = HX_FORMAT_TEXT;
    match->content_type = hx_format_content_type(HX_FORMAT_TEXT);
    if (is_text(range->type, "text/plain"))
        return range->version.len == 0 || is_text(range->version, "0.0.4");
    return is_text(range->type, "text/*") || is_text(range->type, "*/*");
}

struct hx_negotiated hx_negotiate(const char *accept)
{
    struct hx_negotiated best = {HX_FORMAT_TEXT, hx_format_content_type(HX_FORMAT_TEXT)};
    struct piece rest = {accept, accept != NULL ? strlen(accept) : 0};
    int best_quality = 0;
    while (rest.len > 0) {
        struct range range = parse_range(next_piece(&rest, ','));
        struct hx_negotiated candidate;
        if (range.quality > best_quality && matches(&range, &candidate)) {
            best = candidate;
            best_quality = range.quality;
        }
    }
    return best;
}

bool hx_negotiate_gzip(const char *accept_encoding)
{
    struct piece rest = {accept_encoding, accept_encoding != NULL ? strlen(accept_encoding) : 0};
    int gzip = -1, any = -1; /* qualities; -1: not named */
    while (rest.len > 0) {
        struct range range = parse_range(next_piece(&rest, ','));
        if (is_text(range.type, "gzip") || is_text(range.type, "x-gzip"))
            gzip = range.quality;
        else if (is_text(range.type, "*"))
            any = range.quality;
    }
    return gzip >= 0 ? gzip > 0 : any > 0;
}

static bool is_dialect(const struct range *range, enum hx_dialect *dialect)
{
    static const struct {
        const char *type;
        enum hx_dialect dialect;
    } types[] = {
        {"application/json", HX_DIALECT_JSON},
        {"application/*", HX_DIALECT_JSON},
        {"*/*", HX_DIALECT_JSON},
        {"application/health+json", HX_DIALECT_HEALTH_JSON},
        {"application/vnd.spring-boot.actuator.v3+json", HX_DIALECT_SPRING},
        {"text/plain", HX_DIALECT_KUBERNETES},
        {"text/*", HX_DIALECT_KUBERNETES},
    };
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        if (is_text(range->type, types[i].type)) {
            *dialect = types[i].dialect;
            return true;
        }
    }
    return false;
}

enum hx_dialect hx_negotiate_dialect(const char *accept)
{
    enum hx_dialect best = HX_DIALECT_JSON;
    struct piece rest = {accept, accept != NULL ? strlen(accept) : 0};
    int best_quality = 0;
    while (rest.len > 0) {
        struct range range = parse_range(next_piece(&rest, ','));
        enum hx_dialect candidate;
        if (range.quality > best_quality && is_dialect(&range, &candidate)) {
            best = candidate;
            best_quality = range.quality;
        }
    }
    return best;
}

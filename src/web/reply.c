/* SPDX-License-Identifier: Apache-2.0 */
/* A response is complete before it is queued for the first time, and never changed after. */
#include "web/reply.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool add_header(struct MHD_Response *response, const char *name, const char *value)
{
    return MHD_add_response_header(response, name, value) == MHD_YES;
}

struct MHD_Response *hx_response_dress(struct MHD_Response *response, const char *content_type,
                                       bool is_closing)
{
    if (response == NULL)
        return NULL;
    if ((content_type == NULL || add_header(response, "Content-Type", content_type)) &&
        add_header(response, "Cache-Control", "no-store") &&
        add_header(response, "X-Content-Type-Options", "nosniff") &&
        (!is_closing || add_header(response, "Connection", "close")))
        return response;
    MHD_destroy_response(response);
    return NULL;
}

struct MHD_Response *hx_response_add(struct MHD_Response *response, const char *name,
                                     const char *value)
{
    if (response == NULL || add_header(response, name, value))
        return response;
    MHD_destroy_response(response);
    return NULL;
}

struct MHD_Response *hx_response_keep(struct MHD_Response *response)
{
    if (response != NULL)
        MHD_del_response_header(response, "Cache-Control", "no-store");
    return hx_response_add(response, "Cache-Control", "public, no-cache");
}

struct MHD_Response *hx_response_take(struct hx_strbuf *buf, const char *content_type,
                                      bool is_closing)
{
    size_t len = buf->len;
    char *text = hx_strbuf_take(buf);
    if (text == NULL)
        return NULL;
    struct MHD_Response *response =
        MHD_create_response_from_buffer(len, text, MHD_RESPMEM_MUST_FREE);
    if (response == NULL)
        free(text);
    return hx_response_dress(response, content_type, is_closing);
}

struct MHD_Response *hx_response_constant(const char *text, const char *content_type,
                                          bool is_closing)
{
    struct hx_strbuf buf;
    hx_strbuf_init(&buf);
    hx_strbuf_puts(&buf, text);
    return hx_response_take(&buf, content_type, is_closing);
}

struct MHD_Response *hx_response_error(const char *sentence, bool is_closing)
{
    struct hx_strbuf buf;
    hx_strbuf_init(&buf);
    hx_strbuf_puts(&buf, "{\"error\":");
    hx_strbuf_put_json(&buf, sentence);
    hx_strbuf_putc(&buf, '}');
    return hx_response_take(&buf, HX_TYPE_JSON, is_closing);
}

/* FNV-1a: it tells versions apart, and guards nothing. */
static void put_etag(const char *text, size_t len, char etag[HX_ETAG_SIZE])
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < len; i++)
        hash = (hash ^ (unsigned char)text[i]) * UINT64_C(0x100000001b3);
    snprintf(etag, HX_ETAG_SIZE, "\"%016" PRIx64 "\"", hash);
}

struct MHD_Response *hx_response_tagged_take(struct hx_strbuf *buf, const char *content_type,
                                             bool is_closing, char etag[HX_ETAG_SIZE])
{
    put_etag(hx_strbuf_text(buf), buf->len, etag);
    return hx_response_add(hx_response_take(buf, content_type, is_closing), "ETag", etag);
}

bool hx_etag_matches(const char *if_none_match, const char *etag)
{
    const char *c = if_none_match == NULL ? "" : if_none_match;
    while (*c != '\0') {
        c += strspn(c, " \t,");
        if (strncmp(c, "W/", 2) == 0)
            c += 2;
        size_t len = strcspn(c, " \t,");
        if ((len == 1 && *c == '*') || (len == strlen(etag) && strncmp(c, etag, len) == 0))
            return true;
        c += len;
    }
    return false;
}

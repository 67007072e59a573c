/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A scrape lives from the request until libmicrohttpd drops its response: after the last byte, or
 * when the client is gone. It holds the generation that it shows. Out of memory in the middle ends
 * the connection without the last chunk, so that no scraper takes half a page for a whole one.
 */
#include "web/metrics_page.h"

#include "engine/scrape.h"
#include "web/negotiate.h"
#include "web/reply.h"

#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

/* How much is rendered at a time. */
#define PIECE ((size_t)32 * 1024)
/* What libmicrohttpd reads at a time for HTTP/1.0; with chunks its connection's memory decides. */
#define BLOCK ((size_t)16 * 1024)

struct scrape {
    unsigned *n_scrapes;
    struct hx_scrape scrape;
    struct hx_strbuf piece;
    size_t sent;
};

static void on_free(void *cls)
{
    struct scrape *scrape = cls;
    --*scrape->n_scrapes;
    hx_scrape_end(&scrape->scrape);
    hx_strbuf_fini(&scrape->piece);
    free(scrape);
}

static ssize_t on_read(void *cls, uint64_t position, char *out, size_t size)
{
    (void)position;
    struct scrape *scrape = cls;
    size_t len = 0;
    while (len < size) {
        if (scrape->sent == scrape->piece.len) {
            if (scrape->scrape.page.is_done)
                break;
            hx_strbuf_clear(&scrape->piece);
            scrape->sent = 0;
            hx_page_write(&scrape->scrape.page, &scrape->piece, PIECE);
            if (scrape->piece.is_failed)
                return MHD_CONTENT_READER_END_WITH_ERROR;
            continue;
        }
        size_t n = scrape->piece.len - scrape->sent;
        if (n > size - len)
            n = size - len;
        memcpy(out + len, scrape->piece.data + scrape->sent, n);
        scrape->sent += n;
        len += n;
    }
    return len > 0 ? (ssize_t)len : MHD_CONTENT_READER_END_OF_STREAM;
}

static struct MHD_Response *begin(struct hx_web *web, const struct hx_negotiated *negotiated,
                                  bool is_closing)
{
    struct scrape *scrape = calloc(1, sizeof(*scrape));
    if (scrape == NULL)
        return NULL;
    scrape->n_scrapes = &web->n_scrapes;
    ++*scrape->n_scrapes;
    hx_strbuf_init(&scrape->piece);
    hx_scrape_begin(&scrape->scrape, web->options.board, web->options.registry, negotiated->format);
    struct MHD_Response *response =
        MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, BLOCK, on_read, scrape, on_free);
    if (response == NULL) {
        on_free(scrape);
        return NULL;
    }
    return hx_response_dress(response, negotiated->content_type, is_closing);
}

/* NOLINTNEXTLINE(readability-non-const-parameter): the type is the library's */
static ssize_t on_read_nothing(void *cls, uint64_t position, char *out, size_t size)
{
    (void)cls;
    (void)position;
    (void)out;
    (void)size;
    return MHD_CONTENT_READER_END_OF_STREAM;
}

/* libmicrohttpd 0.9.75 sends the last chunk of a chunked reply to a HEAD as well, where the next
 * reply should begin. So this reply is not chunked, and ends with its connection. */
static struct MHD_Response *head_only(const struct hx_negotiated *negotiated, bool is_closing)
{
    struct MHD_Response *response =
        MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, BLOCK, on_read_nothing, NULL, NULL);
    if (response != NULL && MHD_set_response_options(response, MHD_RF_HTTP_1_0_COMPATIBLE_STRICT,
                                                     MHD_RO_END) != MHD_YES) {
        MHD_destroy_response(response);
        return NULL;
    }
    return hx_response_dress(response, negotiated->content_type, is_closing);
}

enum MHD_Result hx_metrics_page_handle(struct hx_exchange *exchange)
{
    struct hx_negotiated negotiated = hx_negotiate(
        MHD_lookup_connection_value(exchange->mhd, MHD_HEADER_KIND, MHD_HTTP_HEADER_ACCEPT));
    if (exchange->method == HX_METHOD_HEAD)
        return hx_exchange_send_take(exchange, MHD_HTTP_OK,
                                     head_only(&negotiated, exchange->is_closing));
    if (exchange->web->n_scrapes >= HX_MAX_SCRAPES)
        return hx_exchange_send_later(exchange, "too many scrapes at once");
    return hx_exchange_send_take(exchange, MHD_HTTP_OK,
                                 begin(exchange->web, &negotiated, exchange->is_closing));
}

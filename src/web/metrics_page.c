/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A scrape lives from the request until libmicrohttpd drops its response: after the last byte, or
 * when the client is gone. It holds the generation that it shows.
 */
#include "web/metrics_page.h"

#include "engine/scrape.h"
#include "web/negotiate.h"
#include "web/pieces.h"

#include <stdlib.h>

struct scrape {
    struct hx_pieces pieces;
    unsigned *n_scrapes;
    struct hx_scrape scrape;
};

static void on_write(struct hx_pieces *pieces, struct hx_strbuf *piece, size_t limit)
{
    struct scrape *scrape = (struct scrape *)pieces;
    hx_page_write(&scrape->scrape.page, piece, limit);
    pieces->is_done = scrape->scrape.page.is_done;
}

static void on_free(struct hx_pieces *pieces)
{
    struct scrape *scrape = (struct scrape *)pieces;
    --*scrape->n_scrapes;
    hx_scrape_end(&scrape->scrape);
    free(scrape);
}

static struct MHD_Response *begin(struct hx_web *web, const struct hx_negotiated *negotiated,
                                  bool is_closing)
{
    struct scrape *scrape = calloc(1, sizeof(*scrape));
    if (scrape == NULL)
        return NULL;
    scrape->pieces = (struct hx_pieces){.write = on_write, .free = on_free};
    scrape->n_scrapes = &web->n_scrapes;
    ++*scrape->n_scrapes;
    hx_scrape_begin(&scrape->scrape, web->options.board, web->options.registry, negotiated->format);
    return hx_pieces_take(&scrape->pieces, negotiated->content_type, is_closing);
}

enum MHD_Result hx_metrics_page_handle(struct hx_exchange *exchange)
{
    struct hx_negotiated negotiated = hx_negotiate(
        MHD_lookup_connection_value(exchange->mhd, MHD_HEADER_KIND, MHD_HTTP_HEADER_ACCEPT));
    if (exchange->method == HX_METHOD_HEAD)
        return hx_exchange_send_take(exchange, MHD_HTTP_OK,
                                     hx_pieces_head(negotiated.content_type, exchange->is_closing));
    struct hx_client *client = exchange->connection;
    if (exchange->web->n_scrapes >= HX_MAX_SCRAPES ||
        hx_guard_scrapes(&exchange->web->guard, &client->peer) >= HX_MAX_PEER_SCRAPES)
        return hx_exchange_send_later(exchange, "too many scrapes at once");
    client->is_scraping = true;
    return hx_exchange_send_take(exchange, MHD_HTTP_OK,
                                 begin(exchange->web, &negotiated, exchange->is_closing));
}

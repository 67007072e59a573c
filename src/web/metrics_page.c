/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A scrape lives from the request until libmicrohttpd drops its response: after the last byte, or
 * when the client is gone. It holds the generation that it shows.
 */
#include "web/metrics_page.h"

#include "base/clock.h"
#include "engine/scrape.h"
#include "web/negotiate.h"
#include "web/pieces.h"
#include "web/reply.h"

#include <stdlib.h>
#include <string.h>

struct scrape {
    struct hx_pieces pieces;
    struct hx_web *web;
    struct hx_scrape scrape;
    int64_t began_ns;
    size_t n_bytes;
    char **names; /* of the families that are asked for, NULL-terminated; NULL: all */
    size_t n_names;
    bool is_failed;
};

static void on_write(struct hx_pieces *pieces, struct hx_strbuf *piece, size_t limit)
{
    struct scrape *scrape = (struct scrape *)pieces;
    hx_page_write(&scrape->scrape.page, piece, limit);
    scrape->n_bytes += piece->len;
    pieces->is_done = scrape->scrape.page.is_done;
}

static void scrape_free(struct scrape *scrape)
{
    for (size_t i = 0; i < scrape->n_names; i++)
        free(scrape->names[i]);
    free(scrape->names);
    free(scrape);
}

static void on_free(struct hx_pieces *pieces)
{
    struct scrape *scrape = (struct scrape *)pieces;
    const struct hx_counts *counts = &scrape->web->counts;
    if (hx_pieces_are_sent(pieces)) {
        int64_t duration_ns = hx_clock_monotonic_ns() - scrape->began_ns;
        hx_gauge_set(counts->scrape_seconds, (double)duration_ns / HX_NS_PER_S);
        hx_gauge_set(counts->scrape_bytes, (double)scrape->n_bytes);
        hx_gauge_set(counts->scrape_sent_bytes, (double)pieces->n_sent);
    }
    hx_scrape_end(&scrape->scrape);
    scrape_free(scrape);
}

/* Takes note of name[]=FAMILY, which may come several times. */
static enum MHD_Result on_argument(void *cls, enum MHD_ValueKind kind, const char *key,
                                   const char *value)
{
    (void)kind;
    struct scrape *scrape = cls;
    if (strcmp(key, "name[]") != 0)
        return MHD_YES;
    char **names = realloc(scrape->names, (scrape->n_names + 2) * sizeof(*names));
    char *name = strdup(value == NULL ? "" : value);
    if (names != NULL)
        scrape->names = names;
    scrape->is_failed = names == NULL || name == NULL;
    if (scrape->is_failed) {
        free(name);
        return MHD_NO;
    }
    names[scrape->n_names++] = name;
    names[scrape->n_names] = NULL;
    return MHD_YES;
}

/* Another Accept or Accept-Encoding would have had another reply. */
static struct MHD_Response *vary(struct MHD_Response *response)
{
    return hx_response_add(response, MHD_HTTP_HEADER_VARY, "Accept, Accept-Encoding");
}

static struct MHD_Response *begin(const struct hx_exchange *exchange,
                                  const struct hx_negotiated *negotiated, bool is_gzip_accepted)
{
    struct hx_web *web = exchange->web;
    struct scrape *scrape = calloc(1, sizeof(*scrape));
    if (scrape == NULL)
        return NULL;
    scrape->pieces = (struct hx_pieces){
        .write = on_write, .free = on_free, .is_gzip_accepted = is_gzip_accepted};
    scrape->web = web;
    scrape->began_ns = hx_clock_monotonic_ns();
    MHD_get_connection_values(exchange->mhd, MHD_GET_ARGUMENT_KIND, on_argument, scrape);
    if (scrape->is_failed) {
        scrape_free(scrape);
        return NULL;
    }
    hx_scrape_begin(&scrape->scrape, web->options.board, web->options.registry, negotiated->format);
    scrape->scrape.page.names = (const char *const *)scrape->names;
    return vary(hx_pieces_take(&scrape->pieces, negotiated->content_type, exchange->is_closing));
}

enum MHD_Result hx_metrics_page_handle(struct hx_exchange *exchange)
{
    struct hx_negotiated negotiated =
        hx_negotiate(hx_exchange_field(exchange, MHD_HTTP_HEADER_ACCEPT));
    bool is_gzip_accepted =
        hx_negotiate_gzip(hx_exchange_field(exchange, MHD_HTTP_HEADER_ACCEPT_ENCODING));
    if (exchange->method == HX_METHOD_HEAD)
        return hx_exchange_send_take(
            exchange, MHD_HTTP_OK,
            vary(hx_pieces_head(negotiated.content_type, is_gzip_accepted, exchange->is_closing)));
    if (!hx_guard_take_place(&exchange->web->guard, exchange->connection, HX_SENDING_METRICS))
        return hx_exchange_send_later(exchange, "too many scrapes at once");
    return hx_exchange_send_take(exchange, MHD_HTTP_OK,
                                 begin(exchange, &negotiated, is_gzip_accepted));
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The status page at /, for people: what is up, since when, and why not. It works without a script,
 * and loads nothing from elsewhere. Everybody whom the networks let in may see it; messages and
 * kinds are in it only for whom /health/detailed would answer.
 *
 * What a page shows is taken once (struct hx_status_page), made an ETag of, and rendered from there
 * while it is sent, so that the ETag is that of what was sent, and the same again as long as the
 * page would look the same.
 */
#ifndef HX_WEB_STATUS_PAGE_H
#define HX_WEB_STATUS_PAGE_H

#include "web/exchange.h"
#include "web/page_list.h"
#include "web/page_row.h"
#include "web/pieces.h"

#define HX_PAGE_ETAG_SIZE 24 /* W/"" around 16 digits, and the NUL */

/* One of those that are not up. */
struct hx_page_reason {
    const struct hx_record *record;
    enum hx_state state;
    enum hx_reason reason;
    bool is_on_page; /* its row is */
};

struct hx_status_page {
    struct hx_pieces pieces;
    struct hx_generation *generation; /* held, or NULL */
    const char *telemetry_path;
    struct hx_shard shard;
    struct hx_page_query query;
    struct hx_verdict verdict;
    struct hx_page_list list;
    struct hx_page_reason reasons[HX_PAGE_REASONS]; /* list.n_worst */
    struct hx_page_row *rows;                       /* list.n_entries; owned */
    bool has_history;
    bool is_detailed; /* for an operator */
    bool has_sign_in; /* a password would make it so */
    /* How far it is rendered. */
    size_t frame_at; /* in page.html */
    size_t next_row;
    bool is_in_rows, is_over;
};

/* Fills in what the page shows of the board at now_ns: the caller has set telemetry_path, query,
 * is_detailed and has_sign_in in zeroed memory. NOMEM; fini also then. */
enum hx_errcode hx_status_page_take(struct hx_status_page *page, struct hx_board *board,
                                    int64_t now_ns) HX_MUST_CHECK;
void hx_status_page_fini(struct hx_status_page *page);

/* Appends the next part; is_over after the last one. */
void hx_status_page_put_next(struct hx_status_page *page, struct hx_strbuf *buf);

/* The weak ETag of what it shows. False: out of memory. */
bool hx_status_page_etag(const struct hx_status_page *page, char etag[HX_PAGE_ETAG_SIZE]);

enum MHD_Result hx_status_page_handle(struct hx_exchange *exchange);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a request to a page on its way: what it shows is taken, its ETag compared with the one that
 * the client has, and the rest is rendered while it is sent. The page holds its generation until
 * its last byte was sent or the client is gone.
 *
 * Out of memory before the first byte ends the connection without a reply, later in the middle.
 */
#include "web/status_page.h"

#include "base/hash.h"
#include "web/headers.h"
#include "web/html.h"
#include "web/negotiate.h"
#include "web/page_files.h"
#include "web/page_parts.h"
#include "web/reply.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- what it shows ---- */

static bool is_on_page(const struct hx_page_list *list, uint32_t index)
{
    for (size_t i = 0; i < list->n_entries; i++) {
        if (list->entries[i].index == index)
            return true;
    }
    return false;
}

static void take_reason(struct hx_status_page *page, size_t i, int64_t now_ns)
{
    uint32_t index = page->list.worst[i];
    struct hx_page_reason *reason = &page->reasons[i];
    struct hx_status status;
    reason->record = page->generation->records[index];
    reason->is_on_page = is_on_page(&page->list, index);
    HX_RECORD_READ_PART(reason->record, state, fresh_until_ns, &status);
    reason->state = hx_status_state(&status, now_ns, &reason->reason);
}

enum hx_errcode hx_status_page_take(struct hx_status_page *page, struct hx_board *board,
                                    int64_t now_ns)
{
    struct hx_page_list *list = &page->list;
    page->generation = hx_board_hold(board);
    page->shard = board->shard;
    hx_board_verdict(board, page->generation, now_ns, &page->verdict);
    enum hx_errcode code =
        hx_page_list_init(list, page->generation, &page->query, page->verdict.readiness, now_ns);
    if (code != HX_OK)
        return code;
    page->rows = calloc(list->n_entries + 1, sizeof(*page->rows));
    if (page->rows == NULL)
        return HX_ERR_NOMEM;
    for (size_t i = 0; i < list->n_entries; i++) {
        struct hx_page_row *row = &page->rows[i];
        hx_page_row_take(row, page->generation->records[list->entries[i].index], now_ns,
                         page->is_detailed);
        row->section = list->entries[i].section;
    }
    page->has_history = list->n_entries > 0 && page->rows[0].history.width_s > 0;
    for (size_t i = 0; i < list->n_worst; i++)
        take_reason(page, i, now_ns);
    return HX_OK;
}

void hx_status_page_fini(struct hx_status_page *page)
{
    free(page->rows);
    hx_page_list_fini(&page->list);
    hx_generation_release(page->generation);
}

/* ---- the dependencies ---- */

static const char *section_title(const struct hx_status_page *page, int64_t section)
{
    const struct hx_page_list *list = &page->list;
    if (section == HX_PAGE_NOT_UP)
        return "Not up";
    if (section < HX_PAGE_SECTION(list->n_tags))
        return list->tags[section - HX_PAGE_SECTION(0)];
    if (list->n_tags > 0)
        return "Others";
    return list->has_not_up ? "Up" : NULL;
}

static void put_section_id(struct hx_strbuf *buf, const struct hx_status_page *page,
                           int64_t section)
{
    if (section == HX_PAGE_NOT_UP) {
        hx_strbuf_puts(buf, "not-up");
    } else if (section < HX_PAGE_SECTION(page->list.n_tags)) {
        hx_strbuf_puts(buf, "g-");
        hx_html_put_id(buf, page->list.tags[section - HX_PAGE_SECTION(0)]);
    } else {
        hx_strbuf_puts(buf, "others");
    }
}

static void put_table_head(struct hx_strbuf *buf, const struct hx_status_page *page)
{
    hx_strbuf_puts(buf, "<table>\n<thead><tr><th scope=\"col\">Dependency</th>"
                        "<th scope=\"col\">Status</th><th scope=\"col\">Since</th>"
                        "<th scope=\"col\">Latency</th>");
    if (page->has_history) {
        hx_strbuf_puts(buf, "<th scope=\"col\">Last ");
        hx_html_put_span(buf, page->rows[0].history.width_s * HX_HISTORY_BUCKETS);
        hx_strbuf_puts(buf, "</th>");
    }
    hx_strbuf_puts(buf, "</tr></thead>\n<tbody>\n");
}

static void put_section_head(struct hx_strbuf *buf, const struct hx_status_page *page,
                             int64_t section)
{
    const char *title = section_title(page, section);
    if (title == NULL) {
        hx_strbuf_puts(buf, "<section aria-label=\"Dependencies\">\n");
    } else {
        hx_strbuf_puts(buf, "<section aria-labelledby=\"");
        put_section_id(buf, page, section);
        hx_strbuf_puts(buf, "\">\n<h2 id=\"");
        put_section_id(buf, page, section);
        hx_strbuf_puts(buf, "\">");
        hx_html_put(buf, title);
        hx_strbuf_puts(buf, "</h2>\n");
    }
    put_table_head(buf, page);
}

static void put_row(struct hx_strbuf *buf, const struct hx_status_page *page, size_t i)
{
    const struct hx_page_row *row = &page->rows[i];
    if (i == 0 || page->rows[i - 1].section != row->section)
        put_section_head(buf, page, row->section);
    hx_page_row_put(buf, row, &page->query, page->has_history);
    if (i + 1 == page->list.n_entries || page->rows[i + 1].section != row->section)
        hx_strbuf_puts(buf, "</tbody>\n</table>\n</section>\n");
}

/* ---- the frame ---- */

/* Up to the next {{name}}, and what stands for it. */
static void put_frame(struct hx_status_page *page, struct hx_strbuf *buf)
{
    static const char rows[] = "dependencies";
    const char *frame = (const char *)hx_page_html;
    const char *begin = frame + page->frame_at;
    size_t left = hx_page_html_len - page->frame_at;
    const char *open = memmem(begin, left, "{{", 2);
    if (open == NULL) {
        hx_strbuf_append(buf, begin, left);
        page->is_over = true;
        return;
    }
    hx_strbuf_append(buf, begin, (size_t)(open - begin));
    const char *name = open + 2;
    size_t len =
        (size_t)((const char *)memmem(name, left - (size_t)(name - begin), "}}", 2) - name);
    page->frame_at = (size_t)(name + len + 2 - frame);
    page->is_in_rows = len == strlen(rows) && memcmp(name, rows, len) == 0;
    if (!page->is_in_rows)
        hx_page_put_part(buf, page, name, len);
}

void hx_status_page_put_next(struct hx_status_page *page, struct hx_strbuf *buf)
{
    if (page->is_in_rows && page->next_row < page->list.n_entries)
        put_row(buf, page, page->next_row++);
    else
        put_frame(page, buf);
}

/* Over all that is rendered but the rows, and what those are rendered from: the tags of a
 * configuration, which is told by when it was loaded, and what was taken. */
bool hx_status_page_etag(const struct hx_status_page *page, char etag[HX_PAGE_ETAG_SIZE])
{
    struct hx_status_page frame = *page;
    struct hx_strbuf buf;
    int64_t loaded_ns = page->generation == NULL ? 0 : page->generation->loaded_wall_ns;
    hx_strbuf_init(&buf);
    frame.next_row = frame.list.n_entries;
    while (!frame.is_over)
        hx_status_page_put_next(&frame, &buf);
    uint64_t hash = hx_hash(hx_strbuf_text(&buf), buf.len, HX_HASH_BEGIN);
    hash = hx_hash(&loaded_ns, sizeof(loaded_ns), hash);
    hash = hx_hash(page->rows, page->list.n_entries * sizeof(*page->rows), hash);
    snprintf(etag, HX_PAGE_ETAG_SIZE, "W/\"%016" PRIx64 "\"", hash);
    bool is_good = !buf.is_failed;
    hx_strbuf_fini(&buf);
    return is_good;
}

/* ---- the reply ---- */

static void on_write(struct hx_pieces *pieces, struct hx_strbuf *piece, size_t limit)
{
    struct hx_status_page *page = (struct hx_status_page *)pieces;
    while (!page->is_over && piece->len < limit && !piece->is_failed)
        hx_status_page_put_next(page, piece);
    pieces->is_done = page->is_over;
}

static void on_free(struct hx_pieces *pieces)
{
    struct hx_status_page *page = (struct hx_status_page *)pieces;
    hx_status_page_fini(page);
    free(page);
}

static struct hx_status_page *begin(const struct hx_exchange *exchange)
{
    struct hx_web *web = exchange->web;
    struct hx_status_page *page = calloc(1, sizeof(*page));
    if (page == NULL)
        return NULL;
    page->pieces = (struct hx_pieces){.write = on_write,
                                      .free = on_free,
                                      .is_gzip_accepted = hx_negotiate_gzip(hx_exchange_field(
                                          exchange, MHD_HTTP_HEADER_ACCEPT_ENCODING))};
    page->telemetry_path = web->options.telemetry_path;
    page->is_detailed = hx_gate_is_operator(exchange);
    page->has_sign_in = !page->is_detailed && hx_gate_has_users(&web->gate);
    hx_page_query_read(exchange->mhd, &page->query);
    if (hx_status_page_take(page, web->options.board, web->now_ns) == HX_OK)
        return page;
    on_free(&page->pieces);
    return NULL;
}

static struct MHD_Response *dress(struct MHD_Response *response, const char *etag)
{
    response = hx_response_add(response, MHD_HTTP_HEADER_ETAG, etag);
    response = hx_response_add(response, MHD_HTTP_HEADER_VARY, MHD_HTTP_HEADER_ACCEPT_ENCODING);
    response = hx_response_add(response, "Referrer-Policy", "no-referrer");
    return hx_response_add(response, "Content-Security-Policy", HX_PAGE_POLICY);
}

/* Without a body. */
static struct MHD_Response *make_short(const struct hx_exchange *exchange,
                                       const struct hx_status_page *page, unsigned status)
{
    return status == MHD_HTTP_NOT_MODIFIED
               ? hx_response_constant("", NULL, exchange->is_closing)
               : hx_pieces_head(HX_TYPE_HTML, page->pieces.is_gzip_accepted, exchange->is_closing);
}

static enum MHD_Result send_page(struct hx_exchange *exchange, struct hx_status_page *page)
{
    char etag[HX_PAGE_ETAG_SIZE];
    unsigned status = page->query.fault[0] != '\0' ? MHD_HTTP_BAD_REQUEST : MHD_HTTP_OK;
    if (!hx_status_page_etag(page, etag)) {
        on_free(&page->pieces);
        return MHD_NO;
    }
    if (status == MHD_HTTP_OK && hx_exchange_knows(exchange, etag + strlen("W/")))
        status = MHD_HTTP_NOT_MODIFIED;
    if (status != MHD_HTTP_NOT_MODIFIED && exchange->method != HX_METHOD_HEAD)
        return hx_exchange_send_take(
            exchange, status,
            dress(hx_pieces_take(&page->pieces, HX_TYPE_HTML, exchange->is_closing), etag));
    struct MHD_Response *response = make_short(exchange, page, status);
    on_free(&page->pieces);
    return hx_exchange_send_take(exchange, status, dress(response, etag));
}

enum MHD_Result hx_status_page_handle(struct hx_exchange *exchange)
{
    if (!hx_guard_take_place(&exchange->web->guard, exchange->connection, HX_SENDING_PAGE))
        return hx_exchange_send_later(exchange, "too many pages at once");
    struct hx_status_page *page = begin(exchange);
    return page == NULL ? MHD_NO : send_page(exchange, page);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* A row: one cell, one function. */
#include "web/page_row.h"

#include "base/units.h"
#include "web/html.h"
#include "web/page_list.h"

#include <string.h>

_Static_assert(sizeof(struct hx_page_row) == sizeof(void *) + 6 * sizeof(int64_t) +
                                                 sizeof(((struct hx_status *)0)->message) +
                                                 sizeof(struct hx_page_history),
               "it is hashed as it lies in memory: no padding");

void hx_page_row_take(struct hx_page_row *row, const struct hx_record *record, int64_t now_ns,
                      bool is_detailed)
{
    struct hx_status status;
    struct hx_history_view view;
    enum hx_reason reason;
    hx_record_read(record, &status);
    row->record = record;
    row->state = (int64_t)hx_status_state(&status, now_ns, &reason);
    row->reason = (int64_t)reason;
    row->since_wall_ns = status.since_wall_ns;
    row->latency_ns = status.has_result ? hx_html_round_latency(status.duration_ns) : -1;
    row->is_detailed = is_detailed;
    if (is_detailed)
        memcpy(row->message, status.message, strnlen(status.message, sizeof(row->message) - 1));
    if (hx_record_history(record, now_ns, &view))
        hx_page_history_take(&row->history, &view);
}

static void put_name(struct hx_strbuf *buf, const struct hx_page_row *row,
                     const struct hx_page_query *query)
{
    const struct hx_dependency *dependency = row->record->dependency;
    hx_strbuf_puts(buf, "<th scope=\"row\"><a href=\"health/");
    hx_html_put_url(buf, dependency->name);
    hx_strbuf_puts(buf, "\">");
    hx_html_put(buf, dependency->name);
    hx_strbuf_puts(buf, "</a>");
    if (row->is_detailed) {
        hx_strbuf_puts(buf, " <small class=\"kind\">");
        hx_html_put(buf, dependency->kind->name);
        hx_strbuf_puts(buf, "</small>");
    }
    if (!dependency->policy.critical)
        hx_strbuf_puts(buf, " <small class=\"optional\">not critical</small>");
    /* The rows of a heading that is no tag have none, or all of theirs. */
    for (size_t i = row->section != HX_PAGE_NOT_UP; i < dependency->policy.tags.n; i++) {
        hx_strbuf_puts(buf, " <a class=\"tag\" href=\"");
        hx_page_query_put_tag(buf, query, dependency->policy.tags.items[i]);
        hx_strbuf_puts(buf, "\">");
        hx_html_put(buf, dependency->policy.tags.items[i]);
        hx_strbuf_puts(buf, "</a>");
    }
    hx_strbuf_puts(buf, "</th>\n");
}

/* Slowness is what degrades. */
static void put_limit(struct hx_strbuf *buf, int64_t degraded_after_ns)
{
    char text[32];
    hx_strbuf_puts(buf, " <span class=\"reason\">slower than ");
    hx_strbuf_puts(buf, hx_format_duration(degraded_after_ns, text, sizeof(text)));
    hx_strbuf_puts(buf, "</span>");
}

static void put_status(struct hx_strbuf *buf, const struct hx_page_row *row)
{
    hx_strbuf_puts(buf, "<td class=\"status\"><span>");
    hx_strbuf_puts(buf, hx_state_text((enum hx_state)row->state));
    hx_strbuf_puts(buf, "</span>");
    if (row->reason != HX_REASON_NONE) {
        hx_strbuf_puts(buf, " <span class=\"reason\">");
        hx_strbuf_puts(buf, hx_reason_text((enum hx_reason)row->reason));
        hx_strbuf_puts(buf, "</span>");
    }
    if (row->state == HX_STATE_DEGRADED)
        put_limit(buf, row->record->dependency->policy.degraded_after_ns);
    if (row->message[0] != '\0') {
        hx_strbuf_puts(buf, "<p class=\"message\">");
        hx_html_put(buf, row->message);
        hx_strbuf_puts(buf, "</p>");
    }
    hx_strbuf_puts(buf, "</td>\n");
}

static void put_since(struct hx_strbuf *buf, const struct hx_page_row *row)
{
    hx_strbuf_puts(buf, "<td class=\"since\">");
    if (row->since_wall_ns != 0)
        hx_html_put_time(buf, row->since_wall_ns);
    hx_strbuf_puts(buf, "</td>\n");
}

static void put_latency(struct hx_strbuf *buf, const struct hx_page_row *row)
{
    hx_strbuf_puts(buf, "<td class=\"latency\"><span>");
    if (row->latency_ns >= 0)
        hx_html_put_latency(buf, row->latency_ns);
    hx_strbuf_puts(buf, "</span> ");
    if (row->history.width_s > 0)
        hx_page_history_put_line(buf, &row->history);
    hx_strbuf_puts(buf, "</td>\n");
}

void hx_page_row_put(struct hx_strbuf *buf, const struct hx_page_row *row,
                     const struct hx_page_query *query, bool has_history)
{
    hx_strbuf_puts(buf, "<tr id=\"d-");
    hx_html_put_id(buf, row->record->dependency->name);
    hx_strbuf_puts(buf, "\" data-status=\"");
    hx_strbuf_puts(buf, hx_state_text((enum hx_state)row->state));
    hx_strbuf_puts(buf, "\">\n");
    put_name(buf, row, query);
    put_status(buf, row);
    put_since(buf, row);
    put_latency(buf, row);
    if (has_history) {
        hx_strbuf_puts(buf, "<td class=\"history\">");
        if (row->history.width_s > 0)
            hx_page_history_put_bars(buf, &row->history);
        hx_strbuf_puts(buf, "</td>\n");
    }
    hx_strbuf_puts(buf, "</tr>\n");
}

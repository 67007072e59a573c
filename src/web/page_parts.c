/* SPDX-License-Identifier: Apache-2.0 */
/* The verdict, the form, the counts, the way to other pages: one function for each {{name}}. */
#include "web/page_parts.h"

#include "health_exporter/exporter.h"
#include "web/html.h"

#include <assert.h>
#include <string.h>

/* More tags than these are no choice; each still leads from its rows. */
#define MAX_CHOICES 200

/* 10,000 */
static void put_number(struct hx_strbuf *buf, size_t number)
{
    if (number >= 1000) {
        put_number(buf, number / 1000);
        hx_strbuf_printf(buf, ",%03zu", number % 1000);
    } else {
        hx_strbuf_put_u64(buf, number);
    }
}

/* ---- the verdict ---- */

static const char *service_name(const struct hx_status_page *page)
{
    const char *name = page->generation == NULL ? NULL : page->generation->service_name;
    return name != NULL && name[0] != '\0' ? name : NULL;
}

static void put_status(struct hx_strbuf *buf, const struct hx_status_page *page)
{
    hx_strbuf_puts(buf, hx_readiness_text(page->verdict.readiness));
}

static void put_title(struct hx_strbuf *buf, const struct hx_status_page *page)
{
    const char *name = service_name(page);
    put_status(buf, page);
    hx_strbuf_puts(buf, ": ");
    hx_html_put(buf, name != NULL ? name : "health_exporter");
}

static void put_verdict(struct hx_strbuf *buf, const struct hx_status_page *page)
{
    const char *name = service_name(page);
    hx_html_put(buf, name != NULL ? name : "This service");
    hx_strbuf_puts(buf, page->verdict.readiness == HX_READY_MAINTENANCE ? " is in <strong>"
                                                                        : " is <strong>");
    put_status(buf, page);
    hx_strbuf_puts(buf, "</strong>");
}

/* Leads to the row: on this page, or on one that has nothing else. */
static void put_reason(struct hx_strbuf *buf, const struct hx_status_page *page,
                       const struct hx_page_reason *reason)
{
    const char *name = reason->record->dependency->name;
    hx_strbuf_puts(buf, "<a href=\"");
    if (!reason->is_on_page)
        hx_page_query_put_name(buf, &page->query, name);
    hx_strbuf_puts(buf, "#d-");
    hx_html_put_id(buf, name);
    hx_strbuf_puts(buf, "\">");
    hx_html_put(buf, name);
    hx_strbuf_puts(buf, "</a> ");
    hx_strbuf_puts(buf, reason->reason != HX_REASON_NONE ? hx_reason_text(reason->reason)
                                                         : hx_state_text(reason->state));
}

static void put_why(struct hx_strbuf *buf, const struct hx_status_page *page)
{
    const struct hx_page_list *list = &page->list;
    size_t n_more = list->n_not_up - list->n_worst;
    if (list->n_worst == 0)
        return;
    hx_strbuf_puts(buf, "<p class=\"why\">");
    for (size_t i = 0; i < list->n_worst; i++) {
        bool is_last = i + 1 == list->n_worst && n_more == 0;
        hx_strbuf_puts(buf, i == 0 ? "" : is_last ? " and " : ", ");
        put_reason(buf, page, &page->reasons[i]);
    }
    if (n_more > 0) {
        hx_strbuf_puts(buf, " and ");
        put_number(buf, n_more);
        hx_strbuf_puts(buf, " more");
    }
    hx_strbuf_puts(buf, "</p>\n");
}

static void put_stalled(struct hx_strbuf *buf, const struct hx_status_page *page)
{
    if (!page->verdict.is_live)
        hx_strbuf_puts(buf,
                       "<p class=\"stalled\">The exporter is stuck: no check is made, and what "
                       "stands here grows old.</p>\n");
}

static void put_maintenance(struct hx_strbuf *buf, const struct hx_status_page *page)
{
    const struct hx_maintenance *maintenance = &page->verdict.maintenance;
    if (!maintenance->is_on)
        return;
    hx_strbuf_puts(buf, "<p class=\"maintenance\">Maintenance");
    if (maintenance->until_wall_ns != 0) {
        hx_strbuf_puts(buf, " until ");
        hx_html_put_time(buf, maintenance->until_wall_ns);
    }
    if (maintenance->reason[0] != '\0') {
        hx_strbuf_puts(buf, ": ");
        hx_html_put(buf, maintenance->reason);
    }
    hx_strbuf_puts(buf, "</p>\n");
}

/* ---- the form ---- */

static void put_q(struct hx_strbuf *buf, const struct hx_status_page *page)
{
    hx_html_put(buf, page->query.q);
}

/* The states as they are worth looking at. */
static const enum hx_state states[] = {HX_STATE_DOWN, HX_STATE_UNKNOWN, HX_STATE_DEGRADED,
                                       HX_STATE_UP};
#define N_STATES (sizeof(states) / sizeof(states[0]))

static void put_statuses(struct hx_strbuf *buf, const struct hx_status_page *page)
{
    hx_strbuf_puts(buf, "<option value=\"\">any</option>");
    for (size_t i = 0; i < N_STATES; i++) {
        bool is_chosen = page->query.has_state && page->query.state == states[i];
        hx_strbuf_printf(buf, "<option value=\"%s\"%s>%s (", hx_state_text(states[i]),
                         is_chosen ? " selected" : "", hx_state_text(states[i]));
        put_number(buf, page->list.n_in_state[states[i]]);
        hx_strbuf_puts(buf, ")</option>");
    }
}

static void put_choice(struct hx_strbuf *buf, const char *tag, bool is_chosen)
{
    hx_strbuf_puts(buf, "<option value=\"");
    hx_html_put(buf, tag);
    hx_strbuf_puts(buf, is_chosen ? "\" selected>" : "\">");
    hx_html_put(buf, tag);
    hx_strbuf_puts(buf, "</option>");
}

static void put_tags(struct hx_strbuf *buf, const struct hx_status_page *page)
{
    const struct hx_page_list *list = &page->list;
    bool has_chosen = page->query.tag[0] == '\0';
    if (list->n_tags == 0 && has_chosen)
        return;
    hx_strbuf_puts(buf, "<label>Tag <select name=\"tag\"><option value=\"\">any</option>");
    for (size_t i = 0; i < list->n_tags && i < MAX_CHOICES; i++) {
        bool is_chosen = strcmp(list->tags[i], page->query.tag) == 0;
        put_choice(buf, list->tags[i], is_chosen);
        has_chosen |= is_chosen;
    }
    if (!has_chosen)
        put_choice(buf, page->query.tag, true);
    hx_strbuf_puts(buf, "</select></label>\n");
}

static void put_details(struct hx_strbuf *buf, const struct hx_status_page *page)
{
    if (page->query.has_details)
        hx_strbuf_puts(buf, "<input type=\"hidden\" name=\"details\" value=\"\">\n");
}

/* ---- how many ---- */

static void put_counts(struct hx_strbuf *buf, const struct hx_status_page *page)
{
    const struct hx_page_list *list = &page->list;
    put_number(buf, list->n_all);
    hx_strbuf_puts(buf, list->n_all == 1 ? " dependency" : " dependencies");
    if (page->shard.total > 1)
        hx_strbuf_printf(buf, " in this shard, %zu of %zu", page->shard.ordinal, page->shard.total);
    bool is_first = true;
    for (size_t i = 0; i < N_STATES; i++) {
        const char *text = hx_state_text(states[i]);
        if (list->n_in_state[states[i]] == 0)
            continue;
        hx_strbuf_puts(buf, is_first ? ": " : " ");
        hx_strbuf_puts(buf, "<a href=\"");
        hx_page_query_put_state(buf, &page->query, states[i]);
        hx_strbuf_printf(buf, "\" data-status=\"%s\">", text);
        put_number(buf, list->n_in_state[states[i]]);
        hx_strbuf_printf(buf, " %s</a>", text);
        is_first = false;
    }
}

static void put_fault(struct hx_strbuf *buf, const struct hx_page_query *query)
{
    hx_strbuf_puts(buf, "<p class=\"note\">There is no ");
    hx_strbuf_puts(buf, query->is_page_fault ? "page “" : "status “");
    hx_html_put(buf, query->fault);
    hx_strbuf_puts(buf, query->is_page_fault ? "”: pages are numbers, from 1 on.</p>\n"
                                             : "”: it is up, degraded, down or unknown.</p>\n");
}

static void put_show_all(struct hx_strbuf *buf, const struct hx_status_page *page)
{
    const struct hx_page_query all = {.page = 1, .has_details = page->query.has_details};
    hx_strbuf_puts(buf, " <a href=\"");
    hx_page_query_put(buf, &all);
    hx_strbuf_puts(buf, "\">Show all</a></p>\n");
}

static void put_note(struct hx_strbuf *buf, const struct hx_status_page *page)
{
    const struct hx_page_list *list = &page->list;
    if (page->query.fault[0] != '\0')
        put_fault(buf, &page->query);
    if (list->n_all == 0) {
        hx_strbuf_puts(buf, "<p class=\"note\">Nothing is configured yet.</p>\n");
    } else if (list->n_matching == 0) {
        hx_strbuf_puts(buf, "<p class=\"note\">No dependency is like that.");
        put_show_all(buf, page);
    } else if (hx_page_query_is_filter(&page->query)) {
        hx_strbuf_puts(buf, "<p class=\"note\">");
        put_number(buf, list->n_matching);
        hx_strbuf_puts(buf, list->n_matching == 1 ? " is like that." : " are like that.");
        put_show_all(buf, page);
    }
    if (page->query.page > list->n_pages) {
        hx_strbuf_puts(buf, "<p class=\"note\">There is no page ");
        put_number(buf, page->query.page);
        hx_strbuf_puts(buf, ": the last one is page ");
        put_number(buf, list->n_pages);
        hx_strbuf_puts(buf, ".</p>\n");
    }
}

/* ---- other pages ---- */

static void put_page_link(struct hx_strbuf *buf, const struct hx_status_page *page, size_t number,
                          bool is_next)
{
    struct hx_page_query query = page->query;
    query.page = number;
    hx_strbuf_puts(buf, "<a href=\"");
    hx_page_query_put(buf, &query);
    hx_strbuf_puts(buf, is_next ? "\" rel=\"next\">Next</a>" : "\" rel=\"prev\">Previous</a>");
}

static void put_pages(struct hx_strbuf *buf, const struct hx_status_page *page)
{
    const struct hx_page_list *list = &page->list;
    size_t number = page->query.page;
    if (list->n_pages == 1 && number == 1)
        return;
    hx_strbuf_puts(buf, "<nav class=\"pages\" aria-label=\"Pages\">");
    if (number > 1)
        put_page_link(buf, page, number > list->n_pages ? list->n_pages : number - 1, false);
    if (list->n_entries > 0) {
        hx_strbuf_puts(buf, " <span>");
        put_number(buf, list->begin + 1);
        hx_strbuf_puts(buf, " to ");
        put_number(buf, list->begin + list->n_entries);
        hx_strbuf_puts(buf, " of ");
        put_number(buf, list->n_matching);
        hx_strbuf_puts(buf, "</span> ");
    }
    if (number < list->n_pages)
        put_page_link(buf, page, number + 1, true);
    hx_strbuf_puts(buf, "</nav>\n");
}

static void put_links(struct hx_strbuf *buf, const struct hx_status_page *page)
{
    if (page->has_sign_in) {
        struct hx_page_query query = page->query;
        query.has_details = true;
        hx_strbuf_puts(buf, "<li><a href=\"");
        hx_page_query_put(buf, &query);
        hx_strbuf_puts(buf, "\">Sign in to see messages</a></li>\n");
    }
    hx_strbuf_puts(buf, "<li><a href=\"");
    hx_html_put(buf, page->telemetry_path + 1);
    hx_strbuf_puts(buf, "\">Metrics</a></li>\n");
}

static void put_about(struct hx_strbuf *buf, const struct hx_status_page *page)
{
    hx_strbuf_puts(buf, "health_exporter ");
    hx_html_put(buf, hx_version());
    hx_strbuf_puts(buf, " (revision ");
    hx_html_put(buf, hx_revision());
    hx_strbuf_putc(buf, ')');
    if (page->has_history) {
        hx_strbuf_puts(buf, ", history of the last ");
        hx_html_put_span(buf, page->rows[0].history.width_s * HX_HISTORY_BUCKETS);
    }
}

/* ---- the table ---- */

static const struct {
    const char *name;
    void (*put)(struct hx_strbuf *buf, const struct hx_status_page *page);
} parts[] = {
    {"title", put_title},
    {"status", put_status},
    {"verdict", put_verdict},
    {"why", put_why},
    {"stalled", put_stalled},
    {"maintenance", put_maintenance},
    {"q", put_q},
    {"statuses", put_statuses},
    {"tags", put_tags},
    {"details", put_details},
    {"counts", put_counts},
    {"note", put_note},
    {"pages", put_pages},
    {"links", put_links},
    {"about", put_about},
};

void hx_page_put_part(struct hx_strbuf *buf, const struct hx_status_page *page, const char *name,
                      size_t len)
{
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        if (strlen(parts[i].name) == len && memcmp(parts[i].name, name, len) == 0) {
            parts[i].put(buf, page);
            return;
        }
    }
    assert(false);
}

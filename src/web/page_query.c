/* SPDX-License-Identifier: Apache-2.0 */
/* The texts are copied, because a page is rendered while it is sent. */
#include "web/page_query.h"

#include "web/html.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

/* A million dependencies have fewer pages. */
#define MAX_PAGE_DIGITS 6

/* Digits only, without a zero in front. */
static bool parse_page(const char *text, size_t *page)
{
    size_t len = strspn(text, "0123456789");
    if (len == 0 || len > MAX_PAGE_DIGITS || text[len] != '\0' || text[0] == '0')
        return false;
    *page = 0;
    for (size_t i = 0; i < len; i++)
        *page = *page * 10 + (size_t)(text[i] - '0');
    return true;
}

static bool parse_state(const char *text, enum hx_state *state)
{
    for (unsigned i = 0; i <= HX_STATE_DOWN; i++) {
        *state = (enum hx_state)i;
        if (strcmp(text, hx_state_text(*state)) == 0)
            return true;
    }
    return false;
}

static void note_fault(struct hx_page_query *query, const char *value, bool is_page)
{
    snprintf(query->fault, sizeof(query->fault), "%s", value);
    query->is_page_fault = is_page;
}

void hx_page_query_take(struct hx_page_query *query, const char *key, const char *value)
{
    const char *text = value == NULL ? "" : value;
    if (strcmp(key, "details") == 0) {
        query->has_details = true;
    } else if (text[0] == '\0') {
        return;
    } else if (strcmp(key, "q") == 0) {
        snprintf(query->q, sizeof(query->q), "%s", text);
    } else if (strcmp(key, "tag") == 0) {
        snprintf(query->tag, sizeof(query->tag), "%s", text);
    } else if (strcmp(key, "status") == 0) {
        query->has_state = parse_state(text, &query->state);
        if (!query->has_state)
            note_fault(query, text, false);
    } else if (strcmp(key, "page") == 0 && !parse_page(text, &query->page)) {
        query->page = 1;
        note_fault(query, text, true);
    }
}

static enum MHD_Result on_argument(void *cls, enum MHD_ValueKind kind, const char *key,
                                   const char *value)
{
    (void)kind;
    hx_page_query_take(cls, key, value);
    return MHD_YES;
}

void hx_page_query_read(struct MHD_Connection *mhd, struct hx_page_query *query)
{
    memset(query, 0, sizeof(*query));
    query->page = 1;
    MHD_get_connection_values(mhd, MHD_GET_ARGUMENT_KIND, on_argument, query);
}

bool hx_page_query_is_filter(const struct hx_page_query *query)
{
    return query->q[0] != '\0' || query->tag[0] != '\0' || query->has_state;
}

bool hx_page_query_holds(const char *name, const char *text)
{
    return text[0] == '\0' || strcasestr(name, text) != NULL;
}

/* ---- links ---- */

/* A link under construction: "?" stands before its first argument, "&amp;" before the others. */
struct link {
    struct hx_strbuf *buf;
    bool has_any;
};

static void put_key(struct link *link, const char *key)
{
    hx_strbuf_puts(link->buf, link->has_any ? "&amp;" : "?");
    hx_strbuf_puts(link->buf, key);
    link->has_any = true;
}

static void put_text(struct link *link, const char *key, const char *text)
{
    if (text[0] == '\0')
        return;
    put_key(link, key);
    hx_strbuf_putc(link->buf, '=');
    hx_html_put_url(link->buf, text);
}

/* The arguments that stay from page to page come last. */
static void end(struct link *link, const struct hx_page_query *query)
{
    if (query->has_details)
        put_key(link, "details");
    if (!link->has_any)
        hx_strbuf_puts(link->buf, "./");
}

void hx_page_query_put(struct hx_strbuf *buf, const struct hx_page_query *query)
{
    struct link link = {.buf = buf};
    put_text(&link, "q", query->q);
    if (query->has_state)
        put_text(&link, "status", hx_state_text(query->state));
    put_text(&link, "tag", query->tag);
    if (query->page > 1) {
        put_key(&link, "page=");
        hx_strbuf_put_u64(buf, query->page);
    }
    end(&link, query);
}

void hx_page_query_put_state(struct hx_strbuf *buf, const struct hx_page_query *query,
                             enum hx_state state)
{
    struct link link = {.buf = buf};
    put_text(&link, "status", hx_state_text(state));
    end(&link, query);
}

void hx_page_query_put_tag(struct hx_strbuf *buf, const struct hx_page_query *query,
                           const char *tag)
{
    struct link link = {.buf = buf};
    put_text(&link, "tag", tag);
    end(&link, query);
}

void hx_page_query_put_name(struct hx_strbuf *buf, const struct hx_page_query *query,
                            const char *name)
{
    struct link link = {.buf = buf};
    put_text(&link, "q", name);
    end(&link, query);
}

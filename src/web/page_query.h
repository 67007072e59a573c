/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the status page is asked for, and links that ask for something else:
 *
 *     ?q=TEXT          names that hold it, whatever the case
 *     ?status=STATE    those in that state
 *     ?tag=TAG         those with that tag
 *     ?page=N          the N-th page of them
 *     ?details         with what is for operators
 *
 * An empty value asks for nothing, as the form sends it. Other keys are passed over.
 */
#ifndef HX_WEB_PAGE_QUERY_H
#define HX_WEB_PAGE_QUERY_H

#include "base/strbuf.h"
#include "health_exporter/check.h"
#include "web/request.h"

#include <microhttpd.h>

struct hx_page_query {
    char q[HX_MAX_QUERY + 1];
    char tag[HX_MAX_QUERY + 1];
    enum hx_state state;
    bool has_state;
    size_t page;                  /* from 1 */
    bool has_details;             /* asked for by the URL */
    char fault[HX_MAX_QUERY + 1]; /* the value of the URL that is no state or no number, or "" */
    bool is_page_fault;           /* it is that of ?page= */
};

void hx_page_query_read(struct MHD_Connection *mhd, struct hx_page_query *query);

/* Takes one argument; value may be NULL. */
void hx_page_query_take(struct hx_page_query *query, const char *key, const char *value);

/* Does it ask for some of the dependencies only? */
bool hx_page_query_is_filter(const struct hx_page_query *query);

/* Does the name hold the text, whatever the case of ASCII letters? */
bool hx_page_query_holds(const char *name, const char *text);

/* Appends a URL, relative to the page, that asks for the query: "?q=db&amp;page=2", or "./" for
 * nothing. */
void hx_page_query_put(struct hx_strbuf *buf, const struct hx_page_query *query);
/* The same for a query that asks for one thing only: those in that state, with that tag, or that
 * name. */
void hx_page_query_put_state(struct hx_strbuf *buf, const struct hx_page_query *query,
                             enum hx_state state);
void hx_page_query_put_tag(struct hx_strbuf *buf, const struct hx_page_query *query,
                           const char *tag);
void hx_page_query_put_name(struct hx_strbuf *buf, const struct hx_page_query *query,
                            const char *name);

#endif

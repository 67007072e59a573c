/* SPDX-License-Identifier: Apache-2.0 */
/* The pieces of markup that pages and badges share; everything that comes from outside goes through
 * hx_html_put(). */
#ifndef HX_WEB_HTML_H
#define HX_WEB_HTML_H

#include "base/strbuf.h"

/* Appends text that is fit for the content of an element and for a value in quotes, in HTML and in
 * XML: what has a meaning there is escaped, what is no UTF-8 or a control character becomes
 * U+FFFD. */
void hx_html_put(struct hx_strbuf *buf, const char *text);

/* The text as a value in the query of a URL, percent-encoded. */
void hx_html_put_url(struct hx_strbuf *buf, const char *text);

/* The text as an id or a part of one: other texts have other ids. */
void hx_html_put_id(struct hx_strbuf *buf, const char *text);

/* <time> with a moment, "2026-11-20 14:02:11 UTC". */
void hx_html_put_time(struct hx_strbuf *buf, int64_t wall_ns);

/* A length of time for people, coarser the longer it is: "3 s", "9 min 30 s", "42 min", "5 h 3
 * min", "24 h", "7 d". */
void hx_html_put_span(struct hx_strbuf *buf, int64_t seconds);

/* "0.2 ms", "12 ms", "1.25 s"; and the latency as it reads then. */
int64_t hx_html_round_latency(int64_t ns);
void hx_html_put_latency(struct hx_strbuf *buf, int64_t ns);

#endif

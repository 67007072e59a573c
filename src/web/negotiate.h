/* SPDX-License-Identifier: Apache-2.0 */
/* Which of our formats a scraper gets, and which dialect a prober, by the Accept header (RFC 9110,
 * 12.5.1). */
#ifndef HX_WEB_NEGOTIATE_H
#define HX_WEB_NEGOTIATE_H

#include "metrics/exposition.h"
#include "web/dialect.h"

#include <stdbool.h>

struct hx_negotiated {
    enum hx_format format;
    const char *content_type; /* constant */
};

/* The format with the highest quality, the earlier one when two are equal. Whatever is not
 * understood is passed over, and what is left without a match gets the text format: a scraper is
 * never refused. accept may be NULL. */
struct hx_negotiated hx_negotiate(const char *accept);

/* Whether the Accept-Encoding header (may be NULL) takes gzip. */
bool hx_negotiate_gzip(const char *accept_encoding);

/* The same as hx_negotiate() for the probe endpoints: what nothing else matches gets our own JSON.
 */
enum hx_dialect hx_negotiate_dialect(const char *accept);

#endif

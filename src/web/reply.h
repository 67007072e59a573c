/* SPDX-License-Identifier: Apache-2.0 */
/* Responses with the header fields that every reply of ours has. */
#ifndef HX_WEB_REPLY_H
#define HX_WEB_REPLY_H

#include "base/strbuf.h"

#include <microhttpd.h>
#include <stdbool.h>

#define HX_TYPE_JSON "application/json"
#define HX_TYPE_TEXT "text/plain; charset=utf-8"
#define HX_TYPE_HTML "text/html; charset=utf-8"
#define HX_TYPE_CSS  "text/css; charset=utf-8"
#define HX_TYPE_JS   "text/javascript; charset=utf-8"
#define HX_TYPE_SVG  "image/svg+xml"

/* Adds content type (NULL: none), Cache-Control, X-Content-Type-Options and, when the connection is
 * to be closed after it, Connection: close. Takes the response: gives it back, or NULL after
 * freeing it when out of memory. Takes NULL. */
struct MHD_Response *hx_response_dress(struct MHD_Response *response, const char *content_type,
                                       bool is_closing);

/* Adds a header field. As hx_response_dress(): takes the response, and NULL. */
struct MHD_Response *hx_response_add(struct MHD_Response *response, const char *name,
                                     const char *value);

/* Lets clients keep it, if they ask about it again each time. As hx_response_dress(): takes the
 * response, and NULL. */
struct MHD_Response *hx_response_keep(struct MHD_Response *response);

/* A response with the buffer's text, which it takes; NULL when out of memory. The buffer is empty
 * then. */
struct MHD_Response *hx_response_take(struct hx_strbuf *buf, const char *content_type,
                                      bool is_closing);

/* The same with a constant text. */
struct MHD_Response *hx_response_constant(const char *text, const char *content_type,
                                          bool is_closing);

/*
 * Replies that a client may keep and ask about again: ETag and If-None-Match (RFC 9110, 13.1.2).
 * Only for what is no probe: a probe's status is its answer, and 304 says nothing.
 */
#define HX_ETAG_SIZE 19 /* a quoted hash of 16 digits, and the NUL */

/* As hx_response_take(), with the tag of the text, which is also left in etag. */
struct MHD_Response *hx_response_tagged_take(struct hx_strbuf *buf, const char *content_type,
                                             bool is_closing, char etag[HX_ETAG_SIZE]);

/* Does the value of If-None-Match (may be NULL) name the tag? */
bool hx_etag_matches(const char *if_none_match, const char *etag);

/* {"error":"sentence"} */
struct MHD_Response *hx_response_error(const char *sentence, bool is_closing);

#endif

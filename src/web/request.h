/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a request must look like before anybody looks at what it wants. libmicrohttpd 0.9.75 is
 * lenient where requests can be smuggled (two Content-Lengths, one beside Transfer-Encoding, a
 * space before the colon, %00 in the path), so the head is judged again here. Its own stricter mode
 * is off: it sends the head of its refusal twice. What is refused is answered at once, and its
 * connection closed.
 */
#ifndef HX_WEB_REQUEST_H
#define HX_WEB_REQUEST_H

#include "web/routes.h"

#include <stdbool.h>
#include <stddef.h>

#define HX_MAX_BODY  4096 /* of a heartbeat, of maintenance */
#define HX_MAX_QUERY 1024

/* Why a request is refused: the status and a sentence for the body. Constant. */
struct hx_fault {
    unsigned status;
    const char *sentence;
};

/* What is kept of the header fields that decide where a request ends, and who wrote it. */
struct hx_head {
    unsigned n_content_length;
    unsigned n_host;
    size_t content_length; /* of the last one; SIZE_MAX when it is no number or too large */
    bool has_transfer_encoding;
    bool has_expect;
    bool has_origin;
    bool has_bad_field; /* no token, a control character, a folded length */
};

/* Judges the request target as it came, still encoded. NULL: it is fine. */
const struct hx_fault *hx_target_check(const char *target);

/* Takes note of one header field. */
void hx_head_note(struct hx_head *head, const char *name, size_t name_len, const char *value,
                  size_t value_len);

/* Judges the whole head: its form, that a GET or HEAD has no body, and that nothing else comes from
 * a page in a browser. NULL: it is fine. */
const struct hx_fault *hx_head_check(const struct hx_head *head, const char *version,
                                     enum hx_method method);

/* Judges the body that the head of a writing request announces. NULL: it has content_length bytes,
 * none unless it may have a body. */
const struct hx_fault *hx_body_check(const struct hx_head *head, bool is_allowed);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* A reply that is rendered piece by piece while it is sent, so that it takes no memory to speak of
 * however long it is. */
#ifndef HX_WEB_PIECES_H
#define HX_WEB_PIECES_H

#include "base/strbuf.h"

#include <microhttpd.h>
#include <stdbool.h>

/* The head of a caller's own allocated struct, which knows how far it is. */
struct hx_pieces {
    /* Appends to piece until that has about limit bytes; sets is_done when it has said all. Out of
     * memory marks piece, and the connection ends in the middle, so that nobody takes half a reply
     * for a whole one. */
    void (*write)(struct hx_pieces *pieces, struct hx_strbuf *piece, size_t limit);
    /* The last byte was sent, or the client is gone. */
    void (*free)(struct hx_pieces *pieces);
    bool is_gzip_accepted; /* set by the caller */
    bool is_done;
    struct hx_strbuf piece;
    size_t sent;   /* of piece */
    size_t n_sent; /* all that the connection has taken, as it was sent: compressed or not */
    struct hx_gzip *gzip;
};

/* The reply that they make, compressed when that is accepted and worth it. Takes the pieces, also
 * when it fails: NULL when out of memory. */
struct MHD_Response *hx_pieces_take(struct hx_pieces *pieces, const char *content_type,
                                    bool is_closing);

/* All was written, and taken by the connection. */
bool hx_pieces_are_sent(const struct hx_pieces *pieces);

/* The reply to a HEAD for them: it ends with its connection. */
struct MHD_Response *hx_pieces_head(const char *content_type, bool is_gzip_accepted,
                                    bool is_closing);

#endif

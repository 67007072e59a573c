/* SPDX-License-Identifier: Apache-2.0 */
/* libmicrohttpd asks for bytes when the socket takes some; a piece is rendered when the one before
 * was sent. */
#include "web/pieces.h"

#include "web/reply.h"

#include <string.h>
#include <sys/types.h>

/* How much is rendered at a time. */
#define PIECE ((size_t)32 * 1024)
/* What libmicrohttpd reads at a time for HTTP/1.0; with chunks its connection's memory decides. */
#define BLOCK ((size_t)16 * 1024)

static ssize_t on_read(void *cls, uint64_t position, char *out, size_t size)
{
    (void)position;
    struct hx_pieces *pieces = cls;
    size_t len = 0;
    while (len < size) {
        if (pieces->sent == pieces->piece.len) {
            if (pieces->is_done)
                break;
            hx_strbuf_clear(&pieces->piece);
            pieces->sent = 0;
            pieces->write(pieces, &pieces->piece, PIECE);
            if (pieces->piece.is_failed)
                return MHD_CONTENT_READER_END_WITH_ERROR;
            continue;
        }
        size_t n = pieces->piece.len - pieces->sent;
        if (n > size - len)
            n = size - len;
        memcpy(out + len, pieces->piece.data + pieces->sent, n);
        pieces->sent += n;
        len += n;
    }
    return len > 0 ? (ssize_t)len : MHD_CONTENT_READER_END_OF_STREAM;
}

static void on_free(void *cls)
{
    struct hx_pieces *pieces = cls;
    hx_strbuf_fini(&pieces->piece);
    pieces->free(pieces);
}

struct MHD_Response *hx_pieces_take(struct hx_pieces *pieces, const char *content_type,
                                    bool is_closing)
{
    hx_strbuf_init(&pieces->piece);
    pieces->sent = 0;
    pieces->is_done = false;
    struct MHD_Response *response =
        MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, BLOCK, on_read, pieces, on_free);
    if (response == NULL) {
        on_free(pieces);
        return NULL;
    }
    return hx_response_dress(response, content_type, is_closing);
}

/* NOLINTNEXTLINE(readability-non-const-parameter): the type is the library's */
static ssize_t on_read_nothing(void *cls, uint64_t position, char *out, size_t size)
{
    (void)cls;
    (void)position;
    (void)out;
    (void)size;
    return MHD_CONTENT_READER_END_OF_STREAM;
}

/* libmicrohttpd 0.9.75 sends the last chunk of a chunked reply to a HEAD as well, where the next
 * reply should begin. So this reply is not chunked, and ends with its connection. */
struct MHD_Response *hx_pieces_head(const char *content_type, bool is_closing)
{
    struct MHD_Response *response =
        MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, BLOCK, on_read_nothing, NULL, NULL);
    if (response != NULL && MHD_set_response_options(response, MHD_RF_HTTP_1_0_COMPATIBLE_STRICT,
                                                     MHD_RO_END) != MHD_YES) {
        MHD_destroy_response(response);
        return NULL;
    }
    return hx_response_dress(response, content_type, is_closing);
}

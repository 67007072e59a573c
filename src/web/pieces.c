/* SPDX-License-Identifier: Apache-2.0 */
/* libmicrohttpd asks for bytes when the socket takes some; a piece is rendered when the one before
 * was sent. */
#include "web/pieces.h"

#include "web/gzip.h"
#include "web/reply.h"

#include <string.h>
#include <sys/types.h>

/* How much is rendered at a time. */
#define PIECE ((size_t)32 * 1024)
/* What libmicrohttpd reads at a time for HTTP/1.0; with chunks its connection's memory decides. */
#define BLOCK ((size_t)16 * 1024)
/* What fits into one packet is not worth compressing. */
#define MIN_GZIP 1024

/* Renders the next piece when the one before was sent; false when out of memory. */
static bool fill(struct hx_pieces *pieces)
{
    while (pieces->sent == pieces->piece.len && !pieces->is_done) {
        hx_strbuf_clear(&pieces->piece);
        pieces->sent = 0;
        pieces->write(pieces, &pieces->piece, PIECE);
        if (pieces->piece.is_failed)
            return false;
    }
    return true;
}

/* Copies or compresses what there is of the piece; gives how much was written. */
static size_t move(struct hx_pieces *pieces, char *out, size_t size)
{
    const char *in = hx_strbuf_text(&pieces->piece) + pieces->sent;
    size_t n = pieces->piece.len - pieces->sent;
    size_t taken;
    if (pieces->gzip != NULL) {
        size_t written = hx_gzip_write(pieces->gzip, in, n, pieces->is_done, out, size, &taken);
        pieces->sent += taken;
        return written;
    }
    taken = n < size ? n : size;
    memcpy(out, in, taken);
    pieces->sent += taken;
    return taken;
}

bool hx_pieces_are_sent(const struct hx_pieces *pieces)
{
    if (pieces->gzip != NULL)
        return hx_gzip_is_ended(pieces->gzip);
    return pieces->is_done && pieces->sent == pieces->piece.len;
}

static ssize_t on_read(void *cls, uint64_t position, char *out, size_t size)
{
    (void)position;
    struct hx_pieces *pieces = cls;
    size_t len = 0;
    while (len < size && !hx_pieces_are_sent(pieces)) {
        if (!fill(pieces))
            return MHD_CONTENT_READER_END_WITH_ERROR;
        len += move(pieces, out + len, size - len);
    }
    pieces->n_sent += len;
    return len > 0 ? (ssize_t)len : MHD_CONTENT_READER_END_OF_STREAM;
}

static void on_free(void *cls)
{
    struct hx_pieces *pieces = cls;
    struct hx_gzip *gzip = pieces->gzip;
    struct hx_strbuf piece = pieces->piece;
    pieces->free(pieces);
    hx_gzip_free(gzip);
    hx_strbuf_fini(&piece);
}

static struct MHD_Response *dress(struct MHD_Response *response, const char *content_type,
                                  bool is_gzip, bool is_closing)
{
    response = hx_response_dress(response, content_type, is_closing);
    return is_gzip ? hx_response_add(response, "Content-Encoding", "gzip") : response;
}

struct MHD_Response *hx_pieces_take(struct hx_pieces *pieces, const char *content_type,
                                    bool is_closing)
{
    hx_strbuf_init(&pieces->piece);
    pieces->sent = pieces->n_sent = 0;
    pieces->is_done = false;
    pieces->gzip = NULL;
    bool is_good = fill(pieces);
    bool is_small = pieces->is_done && pieces->piece.len < MIN_GZIP;
    bool is_gzip = pieces->is_gzip_accepted && !is_small;
    if (is_good && is_gzip)
        pieces->gzip = hx_gzip_new();
    struct MHD_Response *response = NULL;
    if (is_good && (!is_gzip || pieces->gzip != NULL))
        response =
            MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, BLOCK, on_read, pieces, on_free);
    if (response == NULL) {
        on_free(pieces);
        return NULL;
    }
    return dress(response, content_type, is_gzip, is_closing);
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
struct MHD_Response *hx_pieces_head(const char *content_type, bool is_gzip_accepted,
                                    bool is_closing)
{
    struct MHD_Response *response =
        MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, BLOCK, on_read_nothing, NULL, NULL);
    if (response != NULL && MHD_set_response_options(response, MHD_RF_HTTP_1_0_COMPATIBLE_STRICT,
                                                     MHD_RO_END) != MHD_YES) {
        MHD_destroy_response(response);
        return NULL;
    }
    return dress(response, content_type, is_gzip_accepted, is_closing);
}

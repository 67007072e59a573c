/* SPDX-License-Identifier: Apache-2.0 */
/*
 * zlib at level 1: label text repeats so much that the higher levels take three times the time for
 * a tenth less. deflate() with enough room and input never fails.
 */
/* Then zlib takes its input as const. */
#define ZLIB_CONST
#include "web/gzip.h"

#include <limits.h>
#include <stdlib.h>
#include <zlib.h>

#define LEVEL 1
/* The largest window, and gzip's header and trailer instead of zlib's. */
#define WINDOW_BITS (15 + 16)
#define MEMORY      8 /* zlib's own default */

struct hx_gzip {
    z_stream stream;
    bool is_ended;
};

struct hx_gzip *hx_gzip_new(void)
{
    struct hx_gzip *gzip = calloc(1, sizeof(*gzip));
    if (gzip != NULL && deflateInit2(&gzip->stream, LEVEL, Z_DEFLATED, WINDOW_BITS, MEMORY,
                                     Z_DEFAULT_STRATEGY) != Z_OK) {
        free(gzip);
        return NULL;
    }
    return gzip;
}

void hx_gzip_free(struct hx_gzip *gzip)
{
    if (gzip == NULL)
        return;
    deflateEnd(&gzip->stream);
    free(gzip);
}

static uInt at_most(size_t size)
{
    return size < UINT_MAX ? (uInt)size : UINT_MAX;
}

size_t hx_gzip_write(struct hx_gzip *gzip, const char *in, size_t in_len, bool is_last, char *out,
                     size_t size, size_t *taken)
{
    z_stream *stream = &gzip->stream;
    uInt in_size = at_most(in_len);
    uInt out_size = at_most(size);
    stream->next_in = (const Bytef *)in;
    stream->avail_in = in_size;
    stream->next_out = (Bytef *)out;
    stream->avail_out = out_size;
    bool is_finishing = is_last && in_size == in_len;
    gzip->is_ended = deflate(stream, is_finishing ? Z_FINISH : Z_NO_FLUSH) == Z_STREAM_END;
    *taken = in_size - stream->avail_in;
    return out_size - stream->avail_out;
}

bool hx_gzip_is_ended(const struct hx_gzip *gzip)
{
    return gzip->is_ended;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ISA-L at level 1: some four times faster than zlib at its level 1 on a page of metrics, for a
 * little less text. isal_deflate() with a valid stream never fails.
 */
#include "web/gzip.h"

#include <isa-l/igzip_lib.h>
#include <stdint.h>
#include <stdlib.h>

#define LEVEL 1

struct hx_gzip {
    struct isal_zstream stream;
    uint8_t level[ISAL_DEF_LVL1_DEFAULT];
};

struct hx_gzip *hx_gzip_new(void)
{
    /* The library fills in what it needs; zeroing all of it would touch it twice. */
    struct hx_gzip *gzip = malloc(sizeof(*gzip));
    if (gzip == NULL)
        return NULL;
    isal_deflate_init(&gzip->stream);
    gzip->stream.gzip_flag = IGZIP_GZIP;
    gzip->stream.level = LEVEL;
    gzip->stream.level_buf = gzip->level;
    gzip->stream.level_buf_size = sizeof(gzip->level);
    return gzip;
}

void hx_gzip_free(struct hx_gzip *gzip)
{
    free(gzip);
}

static uint32_t at_most(size_t size)
{
    return size < UINT32_MAX ? (uint32_t)size : UINT32_MAX;
}

size_t hx_gzip_write(struct hx_gzip *gzip, const char *in, size_t in_len, bool is_last, char *out,
                     size_t size, size_t *taken)
{
    struct isal_zstream *stream = &gzip->stream;
    uint32_t in_size = at_most(in_len);
    uint32_t out_size = at_most(size);
    /* NOLINTNEXTLINE(performance-no-int-to-ptr): the library only reads it */
    stream->next_in = (uint8_t *)(uintptr_t)in;
    stream->avail_in = in_size;
    stream->next_out = (uint8_t *)out;
    stream->avail_out = out_size;
    stream->end_of_stream = is_last && in_size == in_len;
    isal_deflate(stream);
    *taken = in_size - stream->avail_in;
    return out_size - stream->avail_out;
}

bool hx_gzip_is_ended(const struct hx_gzip *gzip)
{
    return gzip->stream.internal_state.state == ZSTATE_END;
}

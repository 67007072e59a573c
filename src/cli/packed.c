/* SPDX-License-Identifier: Apache-2.0 */
/* Unpacks in one go by ISA-L: what the build packed is whole. */
#include "cli/packed.h"

#include <assert.h>
#include <isa-l/igzip_lib.h>
#include <stdint.h>
#include <stdlib.h>

/* RFC 1952, 2.3.1: a member ends with its CRC and the size of what was packed. */
#define TRAILER_SIZE 8

static uint32_t plain_size(const struct hx_packed *packed)
{
    const unsigned char *end = packed->bytes + packed->len;
    assert(packed->len > TRAILER_SIZE);
    return (uint32_t)end[-4] | (uint32_t)end[-3] << 8 | (uint32_t)end[-2] << 16 |
           (uint32_t)end[-1] << 24;
}

char *hx_packed_text(const struct hx_packed *packed)
{
    uint32_t size = plain_size(packed);
    char *text = malloc((size_t)size + 1);
    struct inflate_state *state = malloc(sizeof(*state));
    if (text == NULL || state == NULL) {
        free(text);
        free(state);
        return NULL;
    }
    isal_inflate_init(state);
    state->crc_flag = ISAL_GZIP;
    /* NOLINTNEXTLINE(performance-no-int-to-ptr): the library only reads it */
    state->next_in = (uint8_t *)(uintptr_t)packed->bytes;
    state->avail_in = (uint32_t)packed->len;
    state->next_out = (uint8_t *)text;
    state->avail_out = size;
    int code = isal_inflate(state);
    assert(code == ISAL_DECOMP_OK && state->avail_out == 0);
    (void)code;
    text[size] = '\0';
    free(state);
    return text;
}

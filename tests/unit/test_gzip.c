/* SPDX-License-Identifier: Apache-2.0 */
/* What is compressed piece by piece reads back as it was, whatever the sizes of the pieces and of
 * the room; zlib reads it, which had no part in writing it. */
/* link: -lz -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=strdup */
#include "web/gzip.h"

#include "failing_alloc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <zlib.h>

#include <cmocka.h>

#define TEXT_LEN ((size_t)300 * 1000)

static char text[TEXT_LEN], packed[2 * TEXT_LEN], unpacked[TEXT_LEN + 1];

/* Lines as a page has them, with some that repeat nothing. */
static void write_text(void)
{
    uint64_t random = 1;
    size_t len = 0;
    for (unsigned i = 0; len < TEXT_LEN; i++) {
        char line[128];
        random = random * 6364136223846793005U + 1442695040888963407U;
        int n = snprintf(line, sizeof(line), "family{dependency=\"d-%05u\",le=\"0.%u\"} %llu\n",
                         i / 14, i % 14, (unsigned long long)(random >> (i % 7 == 0 ? 1 : 50)));
        size_t taken = TEXT_LEN - len < (size_t)n ? TEXT_LEN - len : (size_t)n;
        memcpy(text + len, line, taken);
        len += taken;
    }
}

/* Compresses the first len bytes; gives how many it became. */
static size_t pack(size_t len, size_t piece, size_t room)
{
    struct hx_gzip *gzip = hx_gzip_new();
    assert_non_null(gzip);
    size_t read = 0, written = 0;
    while (!hx_gzip_is_ended(gzip)) {
        size_t in_len = len - read < piece ? len - read : piece, taken;
        assert_true(written + room <= sizeof(packed));
        size_t n = hx_gzip_write(gzip, text + read, in_len, read + in_len == len, packed + written,
                                 room, &taken);
        assert_true(taken <= in_len && n <= room);
        read += taken;
        written += n;
    }
    hx_gzip_free(gzip);
    assert_int_equal(read, len);
    return written;
}

static void assert_unpacks(size_t packed_len, size_t len)
{
    z_stream stream = {.next_in = (Bytef *)packed,
                       .avail_in = (uInt)packed_len,
                       .next_out = (Bytef *)unpacked,
                       .avail_out = (uInt)sizeof(unpacked)};
    assert_int_equal(inflateInit2(&stream, 15 + 16), Z_OK);
    assert_int_equal(inflate(&stream, Z_FINISH), Z_STREAM_END);
    assert_int_equal(stream.avail_in, 0);
    assert_int_equal(stream.total_out, len);
    inflateEnd(&stream);
    assert_memory_equal(text, unpacked, len);
}

static void what_was_compressed_reads_back(void **state)
{
    (void)state;
    static const size_t pieces[] = {1, 77, 32768, TEXT_LEN}, rooms[] = {1, 13, 15000, TEXT_LEN};
    write_text();
    for (size_t i = 0; i < sizeof(pieces) / sizeof(*pieces); i++) {
        for (size_t j = 0; j < sizeof(rooms) / sizeof(*rooms); j++)
            assert_unpacks(pack(TEXT_LEN, pieces[i], rooms[j]), TEXT_LEN);
    }
    assert_true(pack(TEXT_LEN, 32768, 15000) < TEXT_LEN / 4);
}

static void nothing_and_next_to_nothing_can_be_compressed(void **state)
{
    (void)state;
    write_text();
    for (size_t len = 0; len < 40; len++)
        assert_unpacks(pack(len, 7, 5), len);
}

static void out_of_memory_gives_no_stream(void **state)
{
    (void)state;
    failing_alloc_at(1);
    struct hx_gzip *gzip = hx_gzip_new();
    assert_true(failing_alloc_was_reached());
    assert_null(gzip);
    hx_gzip_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_compressed_reads_back),
        cmocka_unit_test(nothing_and_next_to_nothing_can_be_compressed),
        cmocka_unit_test(out_of_memory_gives_no_stream),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

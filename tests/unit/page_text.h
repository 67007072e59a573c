/* SPDX-License-Identifier: Apache-2.0 */
/* For tests: a whole page as text, and files to compare it with. */
#ifndef TESTS_UNIT_PAGE_TEXT_H
#define TESTS_UNIT_PAGE_TEXT_H

#include "metrics/exposition.h"

#include <stdio.h>
#include <stdlib.h>

/* The page, written in chunks of about `want` bytes; owned by the caller. */
static inline char *page_text_in_chunks(enum hx_format format,
                                        const struct hx_collector *collectors, size_t n,
                                        size_t want)
{
    struct hx_page page;
    struct hx_strbuf whole, chunk;
    hx_strbuf_init(&whole);
    hx_strbuf_init(&chunk);
    hx_page_init(&page, format, collectors, n);
    while (!page.is_done) {
        hx_strbuf_clear(&chunk);
        hx_page_write(&page, &chunk, want);
        assert_false(chunk.is_failed);
        assert_true(page.is_done || chunk.len >= want);
        hx_strbuf_append(&whole, hx_strbuf_text(&chunk), chunk.len);
    }
    hx_strbuf_fini(&chunk);
    return hx_strbuf_take(&whole);
}

static inline char *page_text(enum hx_format format, const struct hx_collector *collector)
{
    return page_text_in_chunks(format, collector, 1, SIZE_MAX);
}

/* Compares with a file of the repository, from whose root the tests are run. */
static inline void assert_golden(const char *text, const char *path)
{
    char golden[16384];
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        fail_msg("cannot open %s: run this test from the root of the repository", path);
    }
    size_t len = fread(golden, 1, sizeof golden - 1, file);
    fclose(file);
    golden[len] = '\0';
    assert_string_equal(text, golden);
}

#endif

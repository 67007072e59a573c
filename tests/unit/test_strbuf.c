/* SPDX-License-Identifier: Apache-2.0 */
/* link: -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=strdup */
/* The growing buffer, and JSON strings. */
#include "base/strbuf.h"

#include "failing_alloc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void an_empty_buffer_reads_as_an_empty_text(void **state)
{
    (void)state;
    struct hx_strbuf buf;
    hx_strbuf_init(&buf);
    assert_string_equal(hx_strbuf_text(&buf), "");
    char *text = hx_strbuf_take(&buf);
    assert_string_equal(text, "");
    free(text);
    hx_strbuf_fini(&buf);
}

static void appends_follow_each_other(void **state)
{
    (void)state;
    struct hx_strbuf buf;
    hx_strbuf_init(&buf);
    hx_strbuf_puts(&buf, "a");
    hx_strbuf_putc(&buf, 'b');
    hx_strbuf_append(&buf, "c\0d", 3);
    hx_strbuf_printf(&buf, "%s-%d", "e", 7);
    hx_strbuf_put_u64(&buf, 0);
    hx_strbuf_put_u64(&buf, UINT64_MAX);
    static const char EXPECTED[] = "abc\0de-7018446744073709551615";
    assert_int_equal(buf.len, sizeof EXPECTED - 1);
    assert_memory_equal(buf.data, EXPECTED, sizeof EXPECTED);
    hx_strbuf_fini(&buf);
}

static void formatted_text_of_any_length_is_whole(void **state)
{
    (void)state;
    for (int width = 0; width < 300; width++) {
        struct hx_strbuf buf;
        hx_strbuf_init(&buf);
        hx_strbuf_puts(&buf, "<");
        hx_strbuf_printf(&buf, "%*d", width, 5);
        hx_strbuf_puts(&buf, ">");
        size_t digits = width > 1 ? (size_t)width : 1;
        assert_int_equal(buf.len, digits + 2);
        assert_string_equal(hx_strbuf_text(&buf) + digits, "5>");
        hx_strbuf_fini(&buf);
    }
}

static void a_million_appends_grow_the_memory_rarely(void **state)
{
    (void)state;
    struct hx_strbuf buf;
    hx_strbuf_init(&buf);
    int n_grown = 0;
    for (int i = 0; i < 1000000; i++) {
        size_t size = buf.size;
        hx_strbuf_putc(&buf, 'x');
        n_grown += buf.size != size;
    }
    assert_int_equal(buf.len, 1000000);
    assert_int_equal(strlen(buf.data), 1000000);
    assert_in_range(n_grown, 1, 20);
    hx_strbuf_fini(&buf);
}

static void clear_keeps_the_memory(void **state)
{
    (void)state;
    struct hx_strbuf buf;
    hx_strbuf_init(&buf);
    hx_strbuf_puts(&buf, "text");
    const char *memory = buf.data;
    hx_strbuf_clear(&buf);
    assert_string_equal(hx_strbuf_text(&buf), "");
    hx_strbuf_puts(&buf, "new");
    assert_ptr_equal(buf.data, memory);
    assert_string_equal(hx_strbuf_text(&buf), "new");
    hx_strbuf_fini(&buf);
}

static void take_hands_over_and_empties(void **state)
{
    (void)state;
    struct hx_strbuf buf;
    hx_strbuf_init(&buf);
    hx_strbuf_puts(&buf, "mine");
    char *text = hx_strbuf_take(&buf);
    assert_string_equal(text, "mine");
    assert_string_equal(hx_strbuf_text(&buf), "");
    assert_int_equal(buf.len, 0);
    free(text);
}

static void a_size_beyond_all_memory_marks_the_buffer(void **state)
{
    (void)state;
    struct hx_strbuf buf;
    hx_strbuf_init(&buf);
    hx_strbuf_puts(&buf, "kept");
    assert_false(hx_strbuf_reserve(&buf, SIZE_MAX));
    assert_true(buf.is_failed);
    hx_strbuf_puts(&buf, " not appended");
    assert_string_equal(hx_strbuf_text(&buf), "kept");
    assert_null(hx_strbuf_take(&buf));
    hx_strbuf_puts(&buf, "again");
    assert_string_equal(hx_strbuf_text(&buf), "again");
    hx_strbuf_fini(&buf);
}

static char *write_much(void)
{
    struct hx_strbuf buf;
    hx_strbuf_init(&buf);
    for (int i = 0; i < 20; i++) {
        hx_strbuf_puts(&buf, "0123456789");
        hx_strbuf_printf(&buf, "%0100d", i);
        hx_strbuf_put_json(&buf, "\n");
    }
    return hx_strbuf_take(&buf);
}

static void an_allocation_that_fails_is_seen_at_the_end(void **state)
{
    (void)state;
    bool is_failing = true;
    size_t n = 1;
    for (; is_failing; n++) {
        failing_alloc_at(n);
        char *text = write_much();
        is_failing = failing_alloc_was_reached();
        assert_int_equal(text == NULL, is_failing);
        if (text != NULL) {
            assert_int_equal(strlen(text), 20 * (10 + 100 + 4));
        }
        free(text);
    }
    assert_true(n > 3);
}

static void check_json(const char *text, const char *expected)
{
    struct hx_strbuf buf;
    hx_strbuf_init(&buf);
    hx_strbuf_put_json(&buf, text);
    assert_string_equal(hx_strbuf_text(&buf), expected);
    hx_strbuf_fini(&buf);
}

static void json_strings_are_escaped(void **state)
{
    (void)state;
    check_json(NULL, "null");
    check_json("", "\"\"");
    check_json("plain text", "\"plain text\"");
    check_json("say \"hi\" \\ /", "\"say \\\"hi\\\" \\\\ /\"");
    check_json("\b\f\n\r\t", "\"\\b\\f\\n\\r\\t\"");
    check_json("\x01\x1f\x7f", "\"\\u0001\\u001f\\u007f\"");
    check_json("h\xC3\xA9 \xE2\x82\xAC \xF0\x9F\x94\xA5",
               "\"h\xC3\xA9 \xE2\x82\xAC \xF0\x9F\x94\xA5\"");
}

static void bytes_that_are_not_utf8_are_replaced(void **state)
{
    (void)state;
#define R "\xEF\xBF\xBD"
    check_json("a\xFFz", "\"a" R "z\"");
    check_json("\x80", "\"" R "\"");
    check_json("\xC3", "\"" R "\"");
    check_json("\xC3(", "\"" R "(\"");
    check_json("\xC0\xAF", "\"" R R "\"");             /* overlong "/" */
    check_json("\xE0\x80\xAF", "\"" R R R "\"");       /* overlong "/" */
    check_json("\xED\xA0\x80", "\"" R R R "\"");       /* a surrogate */
    check_json("\xF4\x90\x80\x80", "\"" R R R R "\""); /* above U+10FFFF */
    check_json("\xE2\x82", "\"" R R "\"");
#undef R
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_buffer_reads_as_an_empty_text),
        cmocka_unit_test(appends_follow_each_other),
        cmocka_unit_test(formatted_text_of_any_length_is_whole),
        cmocka_unit_test(a_million_appends_grow_the_memory_rarely),
        cmocka_unit_test(clear_keeps_the_memory),
        cmocka_unit_test(take_hands_over_and_empties),
        cmocka_unit_test(a_size_beyond_all_memory_marks_the_buffer),
        cmocka_unit_test(an_allocation_that_fails_is_seen_at_the_end),
        cmocka_unit_test(json_strings_are_escaped),
        cmocka_unit_test(bytes_that_are_not_utf8_are_replaced),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

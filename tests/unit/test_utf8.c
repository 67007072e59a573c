/* SPDX-License-Identifier: Apache-2.0 */
/* UTF-8 against a second, slow definition: decode, and encode again. */
#include "base/utf8.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static size_t encode(uint32_t point, char out[4])
{
    if (point < 0x80) {
        out[0] = (char)point;
        return 1;
    }
    if (point < 0x800) {
        out[0] = (char)(0xC0 | point >> 6);
        out[1] = (char)(0x80 | (point & 0x3F));
        return 2;
    }
    if (point < 0x10000) {
        out[0] = (char)(0xE0 | point >> 12);
        out[1] = (char)(0x80 | (point >> 6 & 0x3F));
        out[2] = (char)(0x80 | (point & 0x3F));
        return 3;
    }
    out[0] = (char)(0xF0 | point >> 18);
    out[1] = (char)(0x80 | (point >> 12 & 0x3F));
    out[2] = (char)(0x80 | (point >> 6 & 0x3F));
    out[3] = (char)(0x80 | (point & 0x3F));
    return 4;
}

static void every_code_point_but_surrogates_is_valid(void **state)
{
    (void)state;
    for (uint32_t point = 0; point <= 0x110FFF; point++) {
        char text[4];
        size_t len = encode(point, text);
        bool is_valid = point <= 0x10FFFF && !(point >= 0xD800 && point <= 0xDFFF);
        if (hx_utf8_next(text, len) != (is_valid ? len : 0)) {
            fail_msg("U+%04X", (unsigned)point);
        }
    }
}

static void two_bytes_are_valid_only_as_encoded(void **state)
{
    (void)state;
    for (unsigned pair = 0; pair < 0x10000; pair++) {
        char text[2] = {(char)(pair >> 8), (char)(pair & 0xFF)};
        uint32_t point = ((pair >> 8) & 0x1F) << 6 | (pair & 0x3F);
        char again[4];
        bool is_pair = point >= 0x80 && encode(point, again) == 2 && memcmp(again, text, 2) == 0;
        size_t expected = pair >> 8 < 0x80 ? 1 : is_pair ? 2 : 0;
        assert_int_equal(hx_utf8_next(text, 2), expected);
    }
}

static void overlong_and_truncated_forms_are_invalid(void **state)
{
    (void)state;
    static const char *const INVALID[] = {
        "\xC0\x80", "\xC1\xBF",     "\xE0\x9F\xBF", "\xF0\x8F\xBF\xBF", "\xF8\x88\x80\x80\x80",
        "\xE2\x82", "\xF0\x9F\x94", "\xE2\x28\xA1", "\xE2\x82\x28",     "\xF0\x9F\x94\x28",
        "\xFE",
    };
    for (size_t i = 0; i < sizeof INVALID / sizeof INVALID[0]; i++) {
        assert_false(hx_utf8_is_valid(INVALID[i], strlen(INVALID[i])));
        assert_int_equal(hx_utf8_next(INVALID[i], strlen(INVALID[i])), 0);
    }
    assert_true(hx_utf8_is_valid("", 0));
    assert_true(hx_utf8_is_valid("a\0b", 3));
    assert_int_equal(hx_utf8_next("", 0), 0);
}

static void a_cut_falls_between_characters(void **state)
{
    (void)state;
    static const char TEXT[] = "a\xC3\xA9\xE2\x82\xAC\xF0\x9F\x94\xA5z";
    static const size_t CUTS[] = {0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10};
    for (size_t max = 0; max < sizeof CUTS / sizeof CUTS[0]; max++) {
        assert_int_equal(hx_utf8_cut(TEXT, max), CUTS[max]);
    }
    /* No sequence is that long: then any place is as good. */
    assert_int_equal(hx_utf8_cut("\x80\x80\x80\x80\x80\x80", 5), 5);
}

static void a_copy_is_cut_there_too(void **state)
{
    (void)state;
    char out[4];
    hx_utf8_copy(out, sizeof out, "abc", 3);
    assert_string_equal(out, "abc");
    hx_utf8_copy(out, sizeof out, "abc", 2);
    assert_string_equal(out, "ab");
    hx_utf8_copy(out, sizeof out, "ab\xC3\xA9", 4);
    assert_string_equal(out, "ab");
    hx_utf8_copy(out, sizeof out, "", 0);
    assert_string_equal(out, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_code_point_but_surrogates_is_valid),
        cmocka_unit_test(two_bytes_are_valid_only_as_encoded),
        cmocka_unit_test(overlong_and_truncated_forms_are_invalid),
        cmocka_unit_test(a_cut_falls_between_characters),
        cmocka_unit_test(a_copy_is_cut_there_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

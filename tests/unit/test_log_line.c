/* SPDX-License-Identifier: Apache-2.0 */
/* What a line of the log looks like, and that it is whole whatever it is given. */
#include "base/log_line.h"

#include "base/utf8.h"

#include <json-c/json.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define WALL_NS INT64_C(1795213800123456789)
#define DATE    "2026-11-20T22:30:00.123Z"

static size_t write_line(char *text, enum hx_log_format format, const char *message,
                         const struct hx_log_field *fields, size_t n_fields)
{
    const struct hx_log_entry entry = {.level = HX_LOG_WARN,
                                       .wall_ns = WALL_NS,
                                       .message = message,
                                       .fields = fields,
                                       .n_fields = n_fields};
    size_t len = hx_log_line(text, format, &entry);
    assert_true(len <= HX_LOG_LINE_SIZE);
    text[len] = '\0';
    return len;
}

static void check_line(enum hx_log_format format, const char *message,
                       const struct hx_log_field *fields, size_t n_fields, const char *expected)
{
    char text[HX_LOG_LINE_SIZE + 1];
    (void)write_line(text, format, message, fields, n_fields);
    assert_string_equal(text, expected);
}

static void lines_have_the_documented_form(void **state)
{
    (void)state;
    const struct hx_log_field fields[] = {
        HX_LOG_STR("dependency", "db"),      HX_LOG_STR("reason", NULL),
        HX_LOG_STR("error", "no route"),     HX_LOG_INT("n", INT64_MIN),
        HX_LOG_DOUBLE("seconds", 0.2503333), HX_LOG_BOOL("critical", true),
        HX_LOG_BOOL("late", false),
    };
    size_t n = sizeof fields / sizeof fields[0];
    check_line(HX_LOG_LOGFMT, "slow check", fields, n,
               "ts=" DATE " level=warn msg=\"slow check\" dependency=db error=\"no route\" "
               "n=-9223372036854775808 seconds=0.250333 critical=true late=false\n");
    check_line(HX_LOG_JSON, "slow check", fields, n,
               "{\"ts\":\"" DATE "\",\"level\":\"warn\",\"msg\":\"slow check\","
               "\"dependency\":\"db\",\"error\":\"no route\",\"n\":-9223372036854775808,"
               "\"seconds\":0.250333,\"critical\":true,\"late\":false}\n");
}

static void numbers_are_short(void **state)
{
    (void)state;
    const struct hx_log_field fields[] = {
        HX_LOG_DOUBLE("a", 0),
        HX_LOG_DOUBLE("b", -1.5),
        HX_LOG_DOUBLE("c", 1e9),
        HX_LOG_DOUBLE("d", 1.25e-7),
        HX_LOG_DOUBLE("e", (double)NAN),
        HX_LOG_DOUBLE("f", (double)INFINITY),
        HX_LOG_DOUBLE("g", -(double)INFINITY),
    };
    check_line(HX_LOG_LOGFMT, "x", fields, 7,
               "ts=" DATE " level=warn msg=x a=0 b=-1.5 c=1e+09 d=1.25e-07 e=NaN f=+Inf g=-Inf\n");
    check_line(HX_LOG_JSON, "x", fields, 7,
               "{\"ts\":\"" DATE "\",\"level\":\"warn\",\"msg\":\"x\",\"a\":0,\"b\":-1.5,"
               "\"c\":1e+09,\"d\":1.25e-07,\"e\":null,\"f\":null,\"g\":null}\n");
}

static void values_are_quoted_where_a_reader_needs_it(void **state)
{
    (void)state;
    static const char *const TABLE[][2] = {
        {"plain", "plain"},
        {"", "\"\""},
        {"a b", "\"a b\""},
        {"a=b", "\"a=b\""},
        {"say \"x\"", "\"say \\\"x\\\"\""},
        {"C:\\dir", "C:\\dir"},
        {"C:\\my dir", "\"C:\\\\my dir\""},
        {"a\nb\tc\r", "\"a\\nb\\tc\\r\""},
        {"\x01\x7f", "\"\\u0001\\u007f\""},
        {"h\xC3\xA9", "h\xC3\xA9"},
        {"\xFFx", "\"\xEF\xBF\xBDx\""},
        {"redis://cache:6379/0", "redis://cache:6379/0"},
    };
    for (size_t i = 0; i < sizeof TABLE / sizeof TABLE[0]; i++) {
        const struct hx_log_field field = HX_LOG_STR("k", TABLE[i][0]);
        char expected[128];
        (void)snprintf(expected, sizeof expected, "ts=" DATE " level=warn msg=m k=%s\n",
                       TABLE[i][1]);
        check_line(HX_LOG_LOGFMT, "m", &field, 1, expected);
    }
}

static void a_line_is_whole_whatever_it_is_given(void **state)
{
    (void)state;
    uint32_t seed = 5;
    for (int i = 0; i < 20000; i++) {
        char texts[3][1500];
        for (int t = 0; t < 3; t++) {
            size_t len = 0;
            seed = seed * 1664525U + 1013904223U;
            /* One text in four fills the line, the others are short. */
            size_t max = (seed >> 16) % (seed >> 30 == 0 ? sizeof texts[t] : 64);
            for (; len < max; len++) {
                seed = seed * 1664525U + 1013904223U;
                unsigned char c = (unsigned char)(seed >> 24);
                texts[t][len] = (char)(i % 2 == 0 ? c % 64 + 1 : c | 1);
            }
            texts[t][len] = '\0';
        }
        const struct hx_log_field fields[] = {HX_LOG_STR("first", texts[1]), HX_LOG_INT("n", i),
                                              HX_LOG_STR("second", texts[2])};
        char line[HX_LOG_LINE_SIZE + 1];
        size_t len = write_line(line, HX_LOG_JSON, texts[0], fields, 3);
        assert_int_equal(strcspn(line, "\n"), len - 1);
        assert_true(hx_utf8_is_valid(line, len));
        struct json_object *object = json_tokener_parse(line);
        assert_non_null(object);
        assert_true(json_object_object_get_ex(object, "first", NULL));
        json_object_put(object);
        len = write_line(line, HX_LOG_LOGFMT, texts[0], fields, 3);
        assert_ptr_equal(memchr(line, '\n', len), line + len - 1);
        assert_true(hx_utf8_is_valid(line, len));
    }
}

static void a_long_message_is_cut_and_leaves_room_for_fields(void **state)
{
    (void)state;
    char message[3000];
    memset(message, 'm', sizeof message - 1);
    message[sizeof message - 1] = '\0';
    const struct hx_log_field fields[] = {HX_LOG_STR("dependency", "db"),
                                          HX_LOG_STR("error", message), HX_LOG_INT("n", 1)};
    char line[HX_LOG_LINE_SIZE + 1];
    size_t len = write_line(line, HX_LOG_LOGFMT, message, fields, 3);
    assert_non_null(strstr(line, "mmm... dependency=db error=mmm"));
    assert_string_equal(line + len - 7, "mmm...\n");
    assert_null(strstr(line, " n="));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_have_the_documented_form),
        cmocka_unit_test(numbers_are_short),
        cmocka_unit_test(values_are_quoted_where_a_reader_needs_it),
        cmocka_unit_test(a_line_is_whole_whatever_it_is_given),
        cmocka_unit_test(a_long_message_is_cut_and_leaves_room_for_fields),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

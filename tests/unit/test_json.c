/* SPDX-License-Identifier: Apache-2.0 */
/* JSON as it is written for people: commas, indentation, escapes. */
#include "base/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void members_stand_on_lines_of_their_own(void **state)
{
    (void)state;
    struct hx_strbuf out;
    struct hx_json json;
    hx_strbuf_init(&out);
    hx_json_init(&json, &out);
    hx_json_begin_object(&json, NULL);
    hx_json_text(&json, "a \"b\"", "line\nend");
    hx_json_begin_array(&json, "list");
    hx_json_int(&json, NULL, INT64_MIN);
    hx_json_bool(&json, NULL, true);
    hx_json_text(&json, NULL, NULL);
    hx_json_begin_object(&json, NULL);
    hx_json_end_object(&json);
    hx_json_end_array(&json);
    hx_json_number(&json, "n", "1.3");
    hx_json_end_object(&json);
    assert_string_equal(hx_strbuf_text(&out), "{\n"
                                              "  \"a \\\"b\\\"\": \"line\\nend\",\n"
                                              "  \"list\": [\n"
                                              "    -9223372036854775808,\n"
                                              "    true,\n"
                                              "    null,\n"
                                              "    {}\n"
                                              "  ],\n"
                                              "  \"n\": 1.3\n"
                                              "}\n");
    hx_strbuf_fini(&out);
}

static void milliseconds_are_rounded_and_unknown_ones_null(void **state)
{
    (void)state;
    struct hx_strbuf out;
    struct hx_json json;
    hx_strbuf_init(&out);
    hx_json_init(&json, &out);
    hx_json_begin_array(&json, NULL);
    hx_json_milliseconds(&json, NULL, 0);
    hx_json_milliseconds(&json, NULL, 3200499);
    hx_json_milliseconds(&json, NULL, 3200500);
    hx_json_milliseconds(&json, NULL, 60000000000);
    hx_json_milliseconds(&json, NULL, -1);
    hx_json_end_array(&json);
    assert_string_equal(hx_strbuf_text(&out),
                        "[\n  0.000,\n  3.200,\n  3.201,\n  60000.000,\n  null\n]\n");
    hx_strbuf_fini(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(members_stand_on_lines_of_their_own),
        cmocka_unit_test(milliseconds_are_rounded_and_unknown_ones_null),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Error codes, sentences, and what happens to those that are too long. */
#include "base/utf8.h"
#include "health_exporter/error.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void set_fills_code_and_sentence(void **state)
{
    (void)state;
    struct hx_error err;
    assert_int_equal(hx_error_set(&err, HX_ERR_INVALID, "port %d", 70000), HX_ERR_INVALID);
    assert_int_equal(err.code, HX_ERR_INVALID);
    assert_string_equal(err.message, "port 70000");
}

static void set_and_wrap_return_the_code_without_storage(void **state)
{
    (void)state;
    assert_int_equal(hx_error_set(NULL, HX_ERR_NOMEM, "x"), HX_ERR_NOMEM);
    assert_int_equal(hx_error_wrap(NULL, HX_ERR_BUSY, "x"), HX_ERR_BUSY);
}

static void a_message_may_be_made_from_itself(void **state)
{
    (void)state;
    struct hx_error err;
    (void)hx_error_set(&err, HX_ERR_INVALID, "inner");
    (void)hx_error_set(&err, HX_ERR_SYSTEM, "outer %s", err.message);
    assert_string_equal(err.message, "outer inner");
}

static void wrap_puts_context_in_front_and_keeps_the_code(void **state)
{
    (void)state;
    struct hx_error err;
    (void)hx_error_set(&err, HX_ERR_INVALID, "expected true or false");
    assert_int_equal(hx_error_wrap(&err, HX_ERR_SYSTEM, "option %s", "critical"), HX_ERR_INVALID);
    assert_string_equal(err.message, "option critical: expected true or false");
}

static void a_sentence_that_just_fits_is_not_cut(void **state)
{
    (void)state;
    struct hx_error err;
    char text[sizeof err.message];
    memset(text, 'a', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    (void)hx_error_set(&err, HX_ERR_INVALID, "%s", text);
    assert_string_equal(err.message, text);
    (void)hx_error_set(&err, HX_ERR_INVALID, "%sb", text);
    assert_int_equal(strlen(err.message), sizeof err.message - 1);
    assert_string_equal(err.message + sizeof err.message - 5, "a...");
}

static void a_cut_never_splits_a_character(void **state)
{
    (void)state;
    struct hx_error err;
    for (size_t shift = 0; shift < 4; shift++) {
        char text[400] = "xxxx";
        for (size_t i = shift; i + 4 < sizeof text; i += 4) {
            memcpy(text + i, "\xF0\x9F\x94\xA5", 5);
        }
        (void)hx_error_set(&err, HX_ERR_INVALID, "%s", text);
        assert_true(hx_utf8_is_valid(err.message, strlen(err.message)));
        assert_string_equal(err.message + strlen(err.message) - 3, "...");
    }
}

static void a_long_context_or_sentence_is_cut_when_wrapped(void **state)
{
    (void)state;
    struct hx_error err;
    char text[300];
    memset(text, 'a', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    (void)hx_error_set(&err, HX_ERR_INVALID, "%s", text);
    (void)hx_error_wrap(&err, HX_ERR_INVALID, "context");
    assert_memory_equal(err.message, "context: aaa", 12);
    assert_string_equal(err.message + sizeof err.message - 5, "a...");
    (void)hx_error_wrap(&err, HX_ERR_INVALID, "%s", text);
    assert_string_equal(err.message + sizeof err.message - 5, "a...");
}

static void every_code_has_a_text(void **state)
{
    (void)state;
    assert_string_equal(hx_errcode_text(HX_OK), "success");
    assert_string_equal(hx_errcode_text(HX_ERR_NOMEM), "out of memory");
    for (int code = HX_OK; code <= HX_ERR_SYSTEM; code++) {
        assert_true(strlen(hx_errcode_text((enum hx_errcode)code)) > 3);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(set_fills_code_and_sentence),
        cmocka_unit_test(set_and_wrap_return_the_code_without_storage),
        cmocka_unit_test(a_message_may_be_made_from_itself),
        cmocka_unit_test(wrap_puts_context_in_front_and_keeps_the_code),
        cmocka_unit_test(a_sentence_that_just_fits_is_not_cut),
        cmocka_unit_test(a_cut_never_splits_a_character),
        cmocka_unit_test(a_long_context_or_sentence_is_cut_when_wrapped),
        cmocka_unit_test(every_code_has_a_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

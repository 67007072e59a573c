/* SPDX-License-Identifier: Apache-2.0 */
/* The wrapped functions speak with a decimal comma when told, as a service's locale may have it. */
/* link: -Wl,--wrap=snprintf,--wrap=__snprintf_chk,--wrap=strtod */
#include "metrics/number.h"

#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static bool has_decimal_comma;

static void swap_points(char *text, char from, char to)
{
    char *found = strchr(text, from);
    if (has_decimal_comma && found != NULL) {
        *found = to;
    }
}

static int format_with_comma(char *text, size_t size, const char *format, va_list args)
    HX_PRINTF(3, 0);

static int format_with_comma(char *text, size_t size, const char *format, va_list args)
{
    int len = vsnprintf(text, size, format, args);
    swap_points(text, '.', ',');
    return len;
}

int __wrap_snprintf(char *text, size_t size, const char *format, ...) HX_PRINTF(3, 4);
int __wrap___snprintf_chk(char *text, size_t size, int flag, size_t room, const char *format, ...)
    HX_PRINTF(5, 6);

int __wrap_snprintf(char *text, size_t size, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int len = format_with_comma(text, size, format, args);
    va_end(args);
    return len;
}

/* What _FORTIFY_SOURCE makes of snprintf(). */
int __wrap___snprintf_chk(char *text, size_t size, int flag, size_t room, const char *format, ...)
{
    (void)flag;
    (void)room;
    va_list args;
    va_start(args, format);
    int len = format_with_comma(text, size, format, args);
    va_end(args);
    return len;
}

double __real_strtod(const char *text, char **end);

double __wrap_strtod(const char *text, char **end)
{
    char copy[64];
    memccpy(copy, text, '\0', sizeof copy);
    copy[sizeof copy - 1] = '\0';
    if (has_decimal_comma && strchr(copy, '.') != NULL) {
        return 0; /* not what such a locale reads */
    }
    swap_points(copy, ',', '.');
    return __real_strtod(copy, end);
}

static const char *end_text(char *text, char *end)
{
    assert_true(end - text < HX_NUMBER_SIZE);
    *end = '\0';
    return text;
}

static void assert_u64(uint64_t value, const char *expected)
{
    char text[HX_NUMBER_SIZE];
    assert_string_equal(end_text(text, hx_u64_put(text, value)), expected);
}

static void assert_nano(int64_t nano, const char *plain, const char *openmetrics)
{
    char text[HX_NUMBER_SIZE];
    assert_string_equal(end_text(text, hx_nano_put(text, nano, HX_FORMAT_TEXT)), plain);
    assert_string_equal(end_text(text, hx_nano_put(text, nano, HX_FORMAT_OPENMETRICS)),
                        openmetrics);
}

static void assert_double(double value, const char *plain, const char *openmetrics)
{
    char text[HX_NUMBER_SIZE];
    assert_string_equal(end_text(text, hx_double_put(text, value, HX_FORMAT_TEXT)), plain);
    assert_string_equal(end_text(text, hx_double_put(text, value, HX_FORMAT_OPENMETRICS)),
                        openmetrics);
}

static void assert_bound(double bound, const char *plain, const char *openmetrics)
{
    char text[HX_NUMBER_SIZE];
    assert_string_equal(end_text(text, hx_bound_put(text, bound, HX_FORMAT_TEXT)), plain);
    assert_string_equal(end_text(text, hx_bound_put(text, bound, HX_FORMAT_OPENMETRICS)),
                        openmetrics);
}

static void counts_are_plain_digits(void **state)
{
    (void)state;
    assert_u64(0, "0");
    assert_u64(9, "9");
    assert_u64(10, "10");
    assert_u64(99, "99");
    assert_u64(100, "100");
    assert_u64(1005, "1005");
    assert_u64(UINT64_MAX, "18446744073709551615");
}

static void counts_of_every_length_are_right(void **state)
{
    (void)state;
    for (uint64_t value = 1; value < UINT64_MAX / 7; value = value * 7 + 3) {
        char expected[32];
        snprintf(expected, sizeof expected, "%llu", (unsigned long long)value);
        assert_u64(value, expected);
    }
}

static void counters_show_that_they_are_floats_in_openmetrics(void **state)
{
    (void)state;
    char text[HX_NUMBER_SIZE];
    assert_string_equal(end_text(text, hx_counter_put(text, 17, HX_FORMAT_TEXT)), "17");
    assert_string_equal(end_text(text, hx_counter_put(text, 17, HX_FORMAT_OPENMETRICS)), "17.0");
    assert_string_equal(end_text(text, hx_counter_put(text, UINT64_MAX, HX_FORMAT_OPENMETRICS)),
                        "18446744073709551615.0");
}

static void billionths_are_exact(void **state)
{
    (void)state;
    assert_nano(0, "0", "0.0");
    assert_nano(1, "0.000000001", "0.000000001");
    assert_nano(1500000000, "1.5", "1.5");
    assert_nano(-250000000, "-0.25", "-0.25");
    assert_nano(3000000000, "3", "3.0");
    assert_nano(1763635800123456789, "1763635800.123456789", "1763635800.123456789");
    assert_nano(INT64_MAX, "9223372036.854775807", "9223372036.854775807");
    assert_nano(INT64_MIN, "-9223372036.854775808", "-9223372036.854775808");
}

static void whole_doubles_have_no_exponent(void **state)
{
    (void)state;
    assert_double(0, "0", "0.0");
    assert_double(-0.0, "-0", "-0.0");
    assert_double(1, "1", "1.0");
    assert_double(-1, "-1", "-1.0");
    assert_double(1763635800, "1763635800", "1763635800.0");
    assert_double(9007199254740992.0, "9007199254740992", "9007199254740992.0");
    assert_double(1e20, "100000000000000000000", "100000000000000000000.0");
}

static void fractions_have_as_few_digits_as_possible(void **state)
{
    (void)state;
    assert_double(0.1, "0.1", "0.1");
    assert_double(0.1 + 0.2, "0.30000000000000004", "0.30000000000000004");
    assert_double(1.0 / 3, "0.3333333333333333", "0.3333333333333333");
    assert_double(-2.5, "-2.5", "-2.5");
    assert_double(8999999.000000001, "8999999.000000002", "8999999.000000002");
    assert_double(123456789.125, "123456789.125", "123456789.125");
    assert_double(0.000125, "0.000125", "0.000125");
}

static void the_largest_and_smallest_doubles_are_written(void **state)
{
    (void)state;
    assert_double(DBL_MAX, "1.7976931348623157e+308", "1.7976931348623157e+308");
    assert_double(-DBL_MIN, "-2.2250738585072014e-308", "-2.2250738585072014e-308");
    assert_double(5e-324, "5e-324", "5e-324");
    assert_double(1e21, "1e+21", "1e+21");
    assert_double(18446744073709551615.0, "18446744073709552000", "18446744073709552000.0");
    assert_double(1.5e-10, "1.5e-10", "1.5e-10");
}

static void infinities_and_nan_are_spelled_as_prometheus_does(void **state)
{
    (void)state;
    assert_double(HUGE_VAL, "+Inf", "+Inf");
    assert_double(-HUGE_VAL, "-Inf", "-Inf");
    assert_double((double)NAN, "NaN", "NaN");
    assert_double(-(double)NAN, "NaN", "NaN");
}

/* The examples of the OpenMetrics specification, "Considerations: Canonical Numbers". */
static void bounds_are_canonical_numbers(void **state)
{
    (void)state;
    assert_bound(0, "0", "0.0");
    assert_bound(0.001, "0.001", "0.001");
    assert_bound(0.099, "0.099", "0.099");
    assert_bound(1, "1", "1.0");
    assert_bound(9.999, "9.999", "9.999");
    assert_bound(10, "10", "10.0");
    assert_bound(1e-10, "1e-10", "1e-10");
    assert_bound(1e-9, "1e-09", "1e-09");
    assert_bound(1e-5, "1e-05", "1e-05");
    assert_bound(0.0001, "0.0001", "0.0001");
    assert_bound(100000, "100000", "100000.0");
    assert_bound(1e6, "1e+06", "1e+06");
    assert_bound(1234567, "1.234567e+06", "1.234567e+06");
    assert_bound(-2.5, "-2.5", "-2.5");
    assert_bound(-DBL_MIN, "-2.2250738585072014e-308", "-2.2250738585072014e-308");
}

static uint64_t next_random(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

static void assert_reads_back(double value)
{
    char text[HX_NUMBER_SIZE];
    end_text(text, hx_double_put(text, value, HX_FORMAT_TEXT));
    double back = strtod(text, NULL);
    if (memcmp(&back, &value, sizeof back) != 0) {
        fail_msg("%.17g was written as %s", value, text);
    }
}

static void any_double_reads_back_the_same(void **state)
{
    (void)state;
    uint64_t seed = 0x9E3779B97F4A7C15;
    for (int i = 0; i < 20000; i++) {
        uint64_t bits = next_random(&seed);
        double value;
        memcpy(&value, &bits, sizeof value);
        if (isfinite(value)) {
            assert_reads_back(value);
        }
        assert_reads_back((double)(bits >> 20) / 1e9);
        assert_reads_back((double)(bits >> 11) / 4096);
    }
}

static void a_comma_in_the_locale_changes_nothing(void **state)
{
    (void)state;
    has_decimal_comma = true;
    assert_double(1.0 / 3, "0.3333333333333333", "0.3333333333333333");
    assert_double(1.5e-10, "1.5e-10", "1.5e-10");
    assert_bound(2.5, "2.5", "2.5");
    has_decimal_comma = false;
}

static void appends_to_a_buffer_as_the_text_format_has_it(void **state)
{
    (void)state;
    struct hx_strbuf buf;
    hx_strbuf_init(&buf);
    hx_double_append(&buf, 3.25);
    hx_strbuf_putc(&buf, ' ');
    hx_double_append(&buf, 4);
    assert_string_equal(hx_strbuf_text(&buf), "3.25 4");
    hx_strbuf_fini(&buf);
}

static void billionths_become_the_double_that_their_text_reads_as(void **state)
{
    (void)state;
    const int64_t nanos[] = {1795178507051817401, 1763635800123456789, 1, -1500000000, INT64_MAX};
    for (size_t i = 0; i < sizeof nanos / sizeof *nanos; i++) {
        char text[HX_NUMBER_SIZE + 1];
        *hx_nano_put(text, nanos[i], HX_FORMAT_TEXT) = '\0';
        assert_true(hx_nano_double(nanos[i]) == strtod(text, NULL));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_are_plain_digits),
        cmocka_unit_test(counts_of_every_length_are_right),
        cmocka_unit_test(counters_show_that_they_are_floats_in_openmetrics),
        cmocka_unit_test(billionths_are_exact),
        cmocka_unit_test(whole_doubles_have_no_exponent),
        cmocka_unit_test(fractions_have_as_few_digits_as_possible),
        cmocka_unit_test(the_largest_and_smallest_doubles_are_written),
        cmocka_unit_test(infinities_and_nan_are_spelled_as_prometheus_does),
        cmocka_unit_test(bounds_are_canonical_numbers),
        cmocka_unit_test(any_double_reads_back_the_same),
        cmocka_unit_test(a_comma_in_the_locale_changes_nothing),
        cmocka_unit_test(appends_to_a_buffer_as_the_text_format_has_it),
        cmocka_unit_test(billionths_become_the_double_that_their_text_reads_as),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
